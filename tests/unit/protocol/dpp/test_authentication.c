/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/authentication.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/hex.h"
#include "support/dpp_fixture.h"

static struct berth_pki *pki;
static const struct berth_mono start = {1000};

/* Appendix B of the specification: both private keys of each side, and the nonces. */
#define BR "54ce181a98525f217216f59b245f60e9df30ac7f6b26c939418cfc3c42d1afa0"
#define PR "f798ed2e19286f6a6efe210b1863badb99af2a14b497634dbfd2a97394fb5aa5"
#define R_NONCE "3d0cfb011ca916d796f7029ff0b43393"
#define BI "15b2a83c5a0a38b61f2aa8200ee4994b8afdc01c58507d10d0a38f7eedf051bb"
#define PI "a87de9afbb406c96e5f79a3df895ecac3ad406f95da66314c8cb3165e0c61783"
#define I_NONCE "13f4602a16daeb69712263b9c46cba31"

static void
assert_hex(const void *p, size_t n, const char *expected)
{
	char text[257];

	assert_string_equal(berth_hex_text(berth_bytes_of(p, n), text, sizeof(text)), expected);
}

struct world {
	struct dpp_random random[2];
	struct dpp_sides sides;
	struct berth_dpp_auth_conf conf[2];
};

static void
prepare(struct world *world, enum berth_ec_curve curve)
{
	world->sides.pki = pki;
	for (int side = 0; side < 2; side++) {
		world->random[side].seed = 77 + (uint64_t)side;
		dpp_key_make(pki, curve, &world->random[side], &world->sides.key[side]);
	}
}

/* Configurations with each other's keys; mutual by a bool. */
static void
configure(struct world *world, bool is_mutual)
{
	for (int side = 0; side < 2; side++) {
		world->conf[side] = (struct berth_dpp_auth_conf){
			.pki = pki,
			.random = dpp_random_source(&world->random[side]),
			.version = 3,
			.roles = side == 0 ? BERTH_DPP_ENROLLEE : BERTH_DPP_CONFIGURATOR,
			.own = world->sides.key[side].bootstrapping,
			.has_peer = side == 0 || is_mutual,
			.peer = world->sides.key[1 - side].bootstrapping,
		};
	}
}

/* The request goes over, and both are there. */
static void
begin(struct world *world)
{
	struct berth_bytes body;
	struct berth_dpp_frame frame;

	assert_int_equal(berth_dpp_auth_initiate(&world->conf[0], start, &world->sides.auth[0],
						 &world->sides.why),
			 BERTH_OK);
	assert_true(berth_dpp_auth_output(world->sides.auth[0], &body));
	assert_int_equal(berth_buf_append_bytes(&world->sides.frames[0], body), BERTH_OK);
	world->sides.frame_count = 1;
	assert_int_equal(berth_dpp_frame_parse(body, &frame, NULL), BERTH_OK);
	assert_int_equal(berth_dpp_auth_respond(&world->conf[1], start, &frame,
						&world->sides.auth[1], &world->sides.why),
			 BERTH_OK);
}

static void
assert_both(struct world *world, enum berth_dpp_auth_event_kind kind)
{
	for (int side = 0; side < 2; side++) {
		assert_true(world->sides.has_event[side]);
		assert_int_equal(world->sides.event[side].kind, kind);
	}
}

static void
take(struct world *world, struct berth_dpp_secrets secrets[2])
{
	for (int side = 0; side < 2; side++)
		berth_dpp_auth_take(world->sides.auth[side], &secrets[side]);
}

static void
run_appendix_b(struct world *world, bool is_mutual)
{
	world->sides.pki = pki;
	dpp_key_of(pki, BERTH_EC_P256, BI, &world->sides.key[0]);
	dpp_key_of(pki, BERTH_EC_P256, BR, &world->sides.key[1]);
	dpp_random_add(&world->random[0], PI I_NONCE);
	dpp_random_add(&world->random[1], PR R_NONCE);
	configure(world, is_mutual);
	begin(world);
	dpp_sides_run(&world->sides, start);
	assert_both(world, BERTH_DPP_AUTH_DONE);
}

/* {...} of frame number n, from its Wrapped Data */
static struct berth_bytes
wrapped(struct world *world, size_t n)
{
	struct berth_dpp_frame frame;
	struct berth_bytes value = BERTH_BYTES_NONE;

	assert_int_equal(
		berth_dpp_frame_parse(berth_buf_view(&world->sides.frames[n]), &frame, NULL),
		BERTH_OK);
	assert_true(berth_dpp_attribute_find(frame.attributes, BERTH_DPP_WRAPPED_DATA, &value));
	return value;
}

static void
hashes_bootstrapping_keys_as_published(void **state)
{
	struct dpp_key r = {0}, i = {0};

	(void)state;
	dpp_key_of(pki, BERTH_EC_P256, BR, &r);
	dpp_key_of(pki, BERTH_EC_P256, BI, &i);
	assert_hex(r.bootstrapping.hash, 32,
		   "922ddd7a3ed69f46125d772bbe6017cd4e03870dc014509e38b54628e157a87d");
	assert_hex(r.bootstrapping.chirp, 32,
		   "c76986e490cf7fe393770e8dde976c7698c8ce03466d1a8862b3c4a8585c1406");
	assert_hex(i.bootstrapping.hash, 32,
		   "5d467a09760292fc15d31792b0a5b050db8bf6ad807d71b2d93f4d1c2e65d881");
	assert_hex(i.bootstrapping.chirp, 32,
		   "10fd49f141c50e85d4e106c64e05f75dc9cfce6c729081f403a16e13fa854060");
	dpp_key_free(&r);
	dpp_key_free(&i);
}

/* M, N, L and the two intermediate keys, step by step */
static void
derives_intermediate_values_as_published(void **state)
{
	struct dpp_key br = {0}, bi = {0}, pr = {0}, p_i = {0};
	struct berth_ec_point m, n, sum, l;
	BERTH_SECRET k1 = {0}, k2 = {0};

	(void)state;
	dpp_key_of(pki, BERTH_EC_P256, BR, &br);
	dpp_key_of(pki, BERTH_EC_P256, BI, &bi);
	dpp_key_of(pki, BERTH_EC_P256, PR, &pr);
	dpp_key_of(pki, BERTH_EC_P256, PI, &p_i);
	const struct berth_ec_point *big_br = &br.bootstrapping.point;
	const struct berth_ec_point *big_pr = &pr.bootstrapping.point;
	assert_int_equal(berth_ec_multiply(pki, &p_i.scalar, big_br, &m, NULL), BERTH_OK);
	assert_hex(m.xy, 32, "dde2878117d69745be4f916a2dd14269d783d1d788c603bb8746beabbd1dbbbc");
	assert_int_equal(berth_ec_multiply(pki, &p_i.scalar, big_pr, &n, NULL), BERTH_OK);
	assert_hex(n.xy, 32, "92118478b75c21c2c59340c842b5bce560a535f60bc37a75fe390d738c58d8e8");
	assert_int_equal(berth_ec_add(pki, big_br, big_pr, &sum, NULL), BERTH_OK);
	assert_int_equal(berth_ec_multiply(pki, &bi.scalar, &sum, &l, NULL), BERTH_OK);
	assert_hex(l.xy, 32, "fb737234c973cc3a36e64e5170a32f12089d198c73c2fd85a53d0b282530fd02");
	assert_int_equal(berth_dpp_k1(pki, &m, &k1), BERTH_OK);
	assert_hex(k1.p, k1.n, "3d832a02ed6d7fc1dc96d2eceab738cf01c0028eb256be33d5a21a720bfcf949");
	assert_int_equal(berth_dpp_k2(pki, &n, &k2), BERTH_OK);
	assert_hex(k2.p, k2.n, "ca08bdeeef838ddf897a5f01f20bb93dc5a895cb86788ca8c00a7664899bc310");
	dpp_key_free(&br);
	dpp_key_free(&bi);
	dpp_key_free(&pr);
	dpp_key_free(&p_i);
}

static void
authenticates_mutually_as_published(void **state)
{
	struct world world = {0};
	struct berth_dpp_secrets secrets[2];

	(void)state;
	run_appendix_b(&world, true);
	take(&world, secrets);
	for (int side = 0; side < 2; side++) {
		assert_true(secrets[side].is_mutual);
		assert_hex(secrets[side].bk.p, secrets[side].bk.n,
			   "b011647ad9fd0e3fed2dfaec4a45bf30d84b843873674506d361653a9bbd0981");
		assert_hex(secrets[side].ke.p, secrets[side].ke.n,
			   "b6db65526c9a0174c3bed56f7e614f3a656233c078693249ac3516425127e5d5");
		berth_dpp_secrets_free(&secrets[side]);
	}
	struct berth_bytes request = wrapped(&world, 0);
	assert_hex(request.p, request.n,
		   "53fbe7c9f24f8ae1e32f2da32c9198f6136d87181006aead51873c7f89e88be7945259f939dd10"
		   "35a3");
	struct berth_bytes confirm = wrapped(&world, 2);
	assert_hex(confirm.p, confirm.n,
		   "cb4d0749561a330db9f76bfdef6fcb7d7949bed87eb68563ac4dd1ab8bba0fd9a525e28e5253db"
		   "040195ef69aec9f0f1e5242638");
	dpp_sides_free(&world.sides);
}

static void
authenticates_the_responder_alone_as_published(void **state)
{
	struct world world = {0};
	struct berth_dpp_secrets secrets[2];

	(void)state;
	run_appendix_b(&world, false);
	take(&world, secrets);
	for (int side = 0; side < 2; side++) {
		assert_false(secrets[side].is_mutual);
		assert_hex(secrets[side].bk.p, secrets[side].bk.n,
			   "9f7b964d61a6ac62cbf3c7cabc066b3ae6ff551543f5cd9570ade35c0b3cb179");
		assert_hex(secrets[side].ke.p, secrets[side].ke.n,
			   "c8882a8ab30c878467822534138c704ede0ab1e873fe03b601a7908463fec87a");
		berth_dpp_secrets_free(&secrets[side]);
	}
	struct berth_bytes confirm = wrapped(&world, 2);
	assert_hex(confirm.p, confirm.n,
		   "54e07e62c74526dfd97e029dc781e0771e573ebc73c94227b5de8350fc6a1974b40f54c9fe1a1c"
		   "9288a91fce4ee6c1f2ff069741");
	dpp_sides_free(&world.sides);
}

/* The tags of appendix B, both cases. */
static void
computes_tags_as_published(void **state)
{
	static const char *const tags[2][2] = {
		{"43509ef7137d8c2fbe66d802ae09dedd94d41b8cbfafb4954782014ff4a3f91c",
		 "787d1189b526448d2901e7f6c22775ce514fce52fc886c1e924f2fbb8d97b210"},
		{"a725abe6dc66ccf3aa3d6d61a19932fcbb0799ed09ff78e5bc6d4ea5ef8e8670",
		 "d34944bb4b1f05caebda762c6e4ae034c819ec2f62a57dcfade2473876e007b2"},
	};
	struct dpp_key key[4] = {0};
	static const char *const scalars[] = {BI, BR, PI, PR};
	BERTH_BUF i_nonce = {0}, r_nonce = {0};
	uint8_t tag[BERTH_EC_HASH_MAX];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		dpp_key_of(pki, BERTH_EC_P256, scalars[i], &key[i]);
	struct berth_dpp_exchange exchange = {
		.bi = key[0].bootstrapping.point,
		.br = key[1].bootstrapping.point,
		.pi = key[2].bootstrapping.point,
		.pr = key[3].bootstrapping.point,
	};
	assert_int_equal(berth_hex_decode(BERTH_LIT(I_NONCE), &i_nonce, NULL), BERTH_OK);
	assert_int_equal(berth_hex_decode(BERTH_LIT(R_NONCE), &r_nonce, NULL), BERTH_OK);
	memcpy(exchange.i_nonce, i_nonce.p, i_nonce.n);
	memcpy(exchange.r_nonce, r_nonce.p, r_nonce.n);
	for (int is_mutual = 0; is_mutual < 2; is_mutual++) {
		exchange.is_mutual = is_mutual;
		assert_int_equal(berth_dpp_r_auth(pki, &exchange, tag), BERTH_OK);
		assert_hex(tag, 32, tags[is_mutual][0]);
		assert_int_equal(berth_dpp_i_auth(pki, &exchange, tag), BERTH_OK);
		assert_hex(tag, 32, tags[is_mutual][1]);
	}
	for (size_t i = 0; i < 4; i++)
		dpp_key_free(&key[i]);
}

static void
both_share_keys_on_every_curve(void **state)
{
	(void)state;
	for (int curve = 0; curve < BERTH_EC__COUNT; curve++) {
		for (int is_mutual = 0; is_mutual < 2; is_mutual++) {
			struct world world = {0};
			struct berth_dpp_secrets secrets[2];
			prepare(&world, (enum berth_ec_curve)curve);
			configure(&world, is_mutual);
			begin(&world);
			dpp_sides_run(&world.sides, start);
			assert_both(&world, BERTH_DPP_AUTH_DONE);
			take(&world, secrets);
			assert_true(berth_secret_equal(
				&secrets[0].ke, berth_bytes_of(secrets[1].ke.p, secrets[1].ke.n)));
			assert_true(berth_ec_equal(&secrets[0].own_key, &secrets[1].peer_key));
			assert_true(berth_ec_equal(&secrets[0].peer_key, &secrets[1].own_key));
			assert_int_equal(secrets[0].role, BERTH_DPP_ENROLLEE);
			assert_int_equal(secrets[1].role, BERTH_DPP_CONFIGURATOR);
			assert_int_equal(secrets[0].version, 3);
			berth_dpp_secrets_free(&secrets[0]);
			berth_dpp_secrets_free(&secrets[1]);
			dpp_sides_free(&world.sides);
		}
	}
}

static void
a_peer_of_version_1_is_met_as_such(void **state)
{
	(void)state;
	for (int old = 0; old < 2; old++) {
		struct world world = {0};
		struct berth_dpp_secrets secrets[2];
		prepare(&world, BERTH_EC_P256);
		configure(&world, false);
		world.conf[old].version = 1;
		begin(&world);
		dpp_sides_run(&world.sides, start);
		assert_both(&world, BERTH_DPP_AUTH_DONE);
		take(&world, secrets);
		for (int side = 0; side < 2; side++) {
			assert_int_equal(secrets[side].version, 1);
			berth_dpp_secrets_free(&secrets[side]);
		}
		dpp_sides_free(&world.sides);
	}
}

static void
roles_that_do_not_complete_each_other_are_refused(void **state)
{
	struct world world = {0};

	(void)state;
	prepare(&world, BERTH_EC_P256);
	configure(&world, false);
	world.conf[1].roles = BERTH_DPP_ENROLLEE;
	begin(&world);
	dpp_sides_run(&world.sides, start);
	assert_both(&world, BERTH_DPP_AUTH_FAILED);
	assert_string_equal(world.sides.event[1].why.rule, "dpp-i-capabilities");
	assert_string_equal(world.sides.event[0].why.rule, "dpp-response-status");
	dpp_sides_free(&world.sides);
}

static void
who_may_be_both_becomes_what_the_other_is_not(void **state)
{
	struct world world = {0};
	struct berth_dpp_secrets secrets[2];

	(void)state;
	prepare(&world, BERTH_EC_P256);
	configure(&world, false);
	world.conf[0].roles = BERTH_DPP_EITHER;
	begin(&world);
	dpp_sides_run(&world.sides, start);
	assert_both(&world, BERTH_DPP_AUTH_DONE);
	take(&world, secrets);
	assert_int_equal(secrets[0].role, BERTH_DPP_ENROLLEE);
	berth_dpp_secrets_free(&secrets[0]);
	berth_dpp_secrets_free(&secrets[1]);
	dpp_sides_free(&world.sides);
}

static void
a_responder_waits_for_a_key_that_it_must_see(void **state)
{
	struct world world = {0};
	struct berth_dpp_bootstrapping other = {0};
	struct berth_dpp_secrets secrets[2];

	(void)state;
	prepare(&world, BERTH_EC_P256);
	configure(&world, false);
	world.conf[1].requires_mutual = true;
	begin(&world);
	dpp_sides_run(&world.sides, start);
	assert_int_equal(world.sides.event[0].kind, BERTH_DPP_AUTH_PENDING);
	assert_int_equal(world.sides.event[1].kind, BERTH_DPP_AUTH_PEER_WANTED);
	/* another key than the one that was announced */
	other = world.sides.key[1].bootstrapping;
	assert_int_equal(berth_dpp_auth_peer(world.sides.auth[1], start, &other, &world.sides.why),
			 BERTH_E_MISMATCH);
	assert_string_equal(world.sides.why.rule, "dpp-peer-hash");
	assert_int_equal(berth_dpp_auth_peer(world.sides.auth[1], start,
					     &world.sides.key[0].bootstrapping, &world.sides.why),
			 BERTH_OK);
	dpp_sides_run(&world.sides, start);
	assert_both(&world, BERTH_DPP_AUTH_DONE);
	take(&world, secrets);
	assert_true(secrets[0].is_mutual && secrets[1].is_mutual);
	berth_dpp_secrets_free(&secrets[0]);
	berth_dpp_secrets_free(&secrets[1]);
	dpp_sides_free(&world.sides);
}

static void
an_initiator_that_requires_it_takes_no_less_than_mutual(void **state)
{
	struct world world = {0};

	(void)state;
	prepare(&world, BERTH_EC_P256);
	configure(&world, false);
	world.conf[0].requires_mutual = true;
	begin(&world);
	dpp_sides_run(&world.sides, start);
	assert_both(&world, BERTH_DPP_AUTH_FAILED);
	assert_string_equal(world.sides.event[0].why.rule, "dpp-not-mutual");
	assert_string_equal(world.sides.event[1].why.rule, "dpp-confirm-status");
	dpp_sides_free(&world.sides);
}

static void
a_responder_without_the_key_is_found_out(void **state)
{
	struct world world = {0};
	struct dpp_key wrong = {0};

	(void)state;
	prepare(&world, BERTH_EC_P256);
	configure(&world, false);
	begin(&world);
	/* it says that it is the one, and has another key: it cannot even read the request */
	dpp_key_make(pki, BERTH_EC_P256, &world.random[0], &wrong);
	struct berth_secret kept = world.sides.key[1].scalar;
	world.sides.key[1].scalar = wrong.scalar;
	dpp_sides_run(&world.sides, start);
	assert_int_equal(world.sides.event[1].kind, BERTH_DPP_AUTH_FAILED);
	assert_string_equal(world.sides.event[1].why.rule, "dpp-unwrap");
	assert_false(world.sides.has_event[0]);
	world.sides.key[1].scalar = kept;
	dpp_key_free(&wrong);
	dpp_sides_free(&world.sides);
}

/* The initiator claims a bootstrapping key that is not its own: mutual authentication finds it. */
static void
an_initiator_without_the_key_is_found_out(void **state)
{
	struct world world = {0};
	struct dpp_key wrong = {0};

	(void)state;
	prepare(&world, BERTH_EC_P256);
	configure(&world, true);
	begin(&world);
	dpp_key_make(pki, BERTH_EC_P256, &world.random[0], &wrong);
	struct berth_secret kept = world.sides.key[0].scalar;
	world.sides.key[0].scalar = wrong.scalar;
	dpp_sides_run(&world.sides, start);
	assert_both(&world, BERTH_DPP_AUTH_FAILED);
	assert_string_equal(world.sides.event[0].why.rule, "dpp-r-auth");
	assert_string_equal(world.sides.event[1].why.rule, "dpp-confirm-status");
	world.sides.key[0].scalar = kept;
	dpp_key_free(&wrong);
	dpp_sides_free(&world.sides);
}

/* No octet of any frame may be another, and none of them changes anything: the right one still passes. */
static void
no_altered_octet_passes(void **state)
{
	(void)state;
	for (size_t which = 1; which < 3; which++) {
		struct world clean = {0};
		prepare(&clean, BERTH_EC_P256);
		configure(&clean, true);
		begin(&clean);
		dpp_sides_run(&clean.sides, start);
		assert_both(&clean, BERTH_DPP_AUTH_DONE);

		struct world world = {0};
		prepare(&world, BERTH_EC_P256);
		configure(&world, true);
		begin(&world);
		int to = which == 1 ? 0 : 1;
		struct dpp_sides *sides = &world.sides;
		if (which == 1) {
			struct berth_dpp_auth_event event;
			assert_true(berth_dpp_auth_event(sides->auth[1], &event));
		} else {
			/* the responder goes as far as it gets alone */
			struct berth_dpp_auth *initiator = sides->auth[0];
			sides->auth[0] = NULL;
			dpp_sides_run(sides, start);
			sides->auth[0] = initiator;
		}
		struct berth_buf *frame = &clean.sides.frames[which];
		for (size_t i = BERTH_DPP_HEADER_BYTES + 1; i < frame->n; i++) {
			struct berth_dpp_frame parsed;
			struct berth_dpp_auth_event event;
			frame->p[i] ^= 0x40;
			struct berth_why why = {0};
			enum berth_err err =
				berth_dpp_frame_parse(berth_buf_view(frame), &parsed, &why);
			err = err ? err
				  : berth_dpp_auth_input(sides->auth[to], start, &parsed, &why);
			if (err != BERTH_OK)
				assert_non_null(why.rule);
			/* in the tag's own Wrapped Data the nonces hold already: that ends it, later */
			if (berth_dpp_auth_event(sides->auth[to], &event)) {
				assert_int_equal(event.kind, BERTH_DPP_AUTH_MULTIPLY);
				fail_msg("octet %zu of frame %zu passes", i, which);
			}
			frame->p[i] ^= 0x40;
		}
		struct berth_dpp_frame parsed;
		assert_int_equal(berth_dpp_frame_parse(berth_buf_view(frame), &parsed, NULL),
				 BERTH_OK);
		assert_int_equal(berth_dpp_auth_input(sides->auth[to], start, &parsed, &sides->why),
				 BERTH_OK);
		dpp_sides_free(&clean.sides);
		dpp_sides_free(&world.sides);
	}
}

static void
frames_that_come_twice_change_nothing(void **state)
{
	struct world world = {0};
	struct berth_dpp_frame frame;
	struct berth_bytes body;

	(void)state;
	prepare(&world, BERTH_EC_P256);
	configure(&world, false);
	begin(&world);
	dpp_sides_run(&world.sides, start);
	assert_both(&world, BERTH_DPP_AUTH_DONE);
	/* the response again: the confirm again, octet by octet */
	assert_int_equal(
		berth_dpp_frame_parse(berth_buf_view(&world.sides.frames[1]), &frame, NULL),
		BERTH_OK);
	assert_int_equal(berth_dpp_auth_input(world.sides.auth[0], start, &frame, NULL), BERTH_OK);
	assert_true(berth_dpp_auth_output(world.sides.auth[0], &body));
	assert_true(berth_bytes_equal(body, berth_buf_view(&world.sides.frames[2])));
	/* the confirm again: nothing */
	assert_int_equal(
		berth_dpp_frame_parse(berth_buf_view(&world.sides.frames[2]), &frame, NULL),
		BERTH_OK);
	assert_int_equal(berth_dpp_auth_input(world.sides.auth[1], start, &frame, NULL), BERTH_OK);
	assert_false(berth_dpp_auth_output(world.sides.auth[1], &body));
	dpp_sides_free(&world.sides);
}

static void
a_request_that_comes_again_gets_the_same_response(void **state)
{
	struct world world = {0};
	struct berth_dpp_frame frame;
	struct berth_bytes body;

	(void)state;
	prepare(&world, BERTH_EC_P256);
	configure(&world, false);
	begin(&world);
	struct berth_dpp_auth *initiator = world.sides.auth[0];
	world.sides.auth[0] = NULL;
	dpp_sides_run(&world.sides, start);
	world.sides.auth[0] = initiator;
	assert_int_equal(
		berth_dpp_frame_parse(berth_buf_view(&world.sides.frames[0]), &frame, NULL),
		BERTH_OK);
	assert_int_equal(berth_dpp_auth_input(world.sides.auth[1], start, &frame, NULL), BERTH_OK);
	assert_true(berth_dpp_auth_output(world.sides.auth[1], &body));
	assert_true(berth_bytes_equal(body, berth_buf_view(&world.sides.frames[1])));
	dpp_sides_free(&world.sides);
}

static void
silence_ends_it_and_a_lost_request_goes_out_again(void **state)
{
	struct world world = {0};
	struct berth_dpp_auth_event event;
	struct berth_bytes body;

	(void)state;
	prepare(&world, BERTH_EC_P256);
	configure(&world, false);
	world.conf[0].resend_ms = 1000;
	assert_int_equal(berth_dpp_auth_initiate(&world.conf[0], start, &world.sides.auth[0], NULL),
			 BERTH_OK);
	assert_true(berth_dpp_auth_output(world.sides.auth[0], &body));
	assert_int_equal(berth_dpp_auth_deadline(world.sides.auth[0]).ms, start.ms + 1000);
	berth_dpp_auth_tick(world.sides.auth[0], (struct berth_mono){start.ms + 999});
	assert_false(berth_dpp_auth_output(world.sides.auth[0], &body));
	berth_dpp_auth_tick(world.sides.auth[0], (struct berth_mono){start.ms + 1000});
	assert_true(berth_dpp_auth_output(world.sides.auth[0], &body));
	berth_dpp_auth_tick(world.sides.auth[0],
			    (struct berth_mono){start.ms + BERTH_DPP_AUTH_TIMEOUT_MS});
	assert_true(berth_dpp_auth_event(world.sides.auth[0], &event));
	assert_int_equal(event.kind, BERTH_DPP_AUTH_FAILED);
	assert_string_equal(event.why.rule, "dpp-timeout");
	dpp_sides_free(&world.sides);
}

/* hwsim's test_dpp_proto_auth_conf_replaced_by_resp */
static void
a_response_in_place_of_the_confirm_is_refused(void **state)
{
	struct world world = {0};
	struct berth_dpp_frame frame;

	(void)state;
	prepare(&world, BERTH_EC_P256);
	configure(&world, false);
	begin(&world);
	struct berth_dpp_auth *initiator = world.sides.auth[0];
	world.sides.auth[0] = NULL;
	dpp_sides_run(&world.sides, start);
	world.sides.auth[0] = initiator;
	assert_int_equal(
		berth_dpp_frame_parse(berth_buf_view(&world.sides.frames[1]), &frame, NULL),
		BERTH_OK);
	assert_int_equal(berth_dpp_auth_input(world.sides.auth[1], start, &frame, &world.sides.why),
			 BERTH_E_STATE);
	assert_string_equal(world.sides.why.rule, "dpp-frame-unexpected");
	dpp_sides_free(&world.sides);
}

/* hwsim's test_dpp_two_initiators: whoever comes while one is being answered takes nothing from the first. */
static void
a_second_initiator_takes_nothing_from_the_first(void **state)
{
	struct world world = {0};
	struct berth_dpp_frame frame;
	struct berth_dpp_auth *second = NULL;
	struct berth_dpp_auth_event event;
	struct berth_bytes body;
	struct dpp_random random = {.seed = 500};
	struct berth_dpp_auth_conf conf;

	(void)state;
	prepare(&world, BERTH_EC_P256);
	configure(&world, true);
	begin(&world);
	struct berth_dpp_auth *first = world.sides.auth[0];
	world.sides.auth[0] = NULL;
	dpp_sides_run(&world.sides, start);
	world.sides.auth[0] = first;
	/* the same code was scanned twice: its request is good, and it is not who is being spoken to */
	conf = world.conf[0];
	conf.random = dpp_random_source(&random);
	assert_int_equal(berth_dpp_auth_initiate(&conf, start, &second, NULL), BERTH_OK);
	assert_true(berth_dpp_auth_output(second, &body));
	assert_int_equal(berth_dpp_frame_parse(body, &frame, NULL), BERTH_OK);
	assert_int_equal(berth_dpp_auth_input(world.sides.auth[1], start, &frame, &world.sides.why),
			 BERTH_E_STATE);
	assert_string_equal(world.sides.why.rule, "dpp-frame-unexpected");
	assert_false(berth_dpp_auth_event(world.sides.auth[1], &event));
	assert_false(berth_dpp_auth_output(world.sides.auth[1], &body));
	/* the first goes on as if nothing had been */
	assert_int_equal(
		berth_dpp_frame_parse(berth_buf_view(&world.sides.frames[1]), &frame, NULL),
		BERTH_OK);
	assert_int_equal(berth_dpp_auth_input(first, start, &frame, NULL), BERTH_OK);
	dpp_sides_run(&world.sides, start);
	assert_both(&world, BERTH_DPP_AUTH_DONE);
	berth_dpp_auth_end(second);
	dpp_sides_free(&world.sides);
}

/* Whoever repeats that the other is waited for does not make us wait longer than once. */
static void
a_pending_response_that_comes_again_lengthens_nothing(void **state)
{
	struct world world = {0};
	struct berth_dpp_frame frame;
	const struct berth_mono later = {start.ms + 5000};

	(void)state;
	prepare(&world, BERTH_EC_P256);
	configure(&world, false);
	world.conf[1].requires_mutual = true;
	begin(&world);
	dpp_sides_run(&world.sides, start);
	assert_int_equal(world.sides.event[0].kind, BERTH_DPP_AUTH_PENDING);
	int64_t deadline = berth_dpp_auth_deadline(world.sides.auth[0]).ms;
	assert_int_equal(deadline, start.ms + BERTH_DPP_AUTH_PENDING_MS);
	assert_int_equal(
		berth_dpp_frame_parse(berth_buf_view(&world.sides.frames[1]), &frame, NULL),
		BERTH_OK);
	berth_ignore(berth_dpp_auth_input(world.sides.auth[0], later, &frame, NULL),
		     "the same frame again");
	assert_int_equal(berth_dpp_auth_deadline(world.sides.auth[0]).ms, deadline);
	dpp_sides_free(&world.sides);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_bootstrapping_keys_as_published),
		cmocka_unit_test(derives_intermediate_values_as_published),
		cmocka_unit_test(computes_tags_as_published),
		cmocka_unit_test(authenticates_mutually_as_published),
		cmocka_unit_test(authenticates_the_responder_alone_as_published),
		cmocka_unit_test(both_share_keys_on_every_curve),
		cmocka_unit_test(a_peer_of_version_1_is_met_as_such),
		cmocka_unit_test(roles_that_do_not_complete_each_other_are_refused),
		cmocka_unit_test(who_may_be_both_becomes_what_the_other_is_not),
		cmocka_unit_test(a_responder_waits_for_a_key_that_it_must_see),
		cmocka_unit_test(an_initiator_that_requires_it_takes_no_less_than_mutual),
		cmocka_unit_test(a_responder_without_the_key_is_found_out),
		cmocka_unit_test(an_initiator_without_the_key_is_found_out),
		cmocka_unit_test(no_altered_octet_passes),
		cmocka_unit_test(frames_that_come_twice_change_nothing),
		cmocka_unit_test(a_request_that_comes_again_gets_the_same_response),
		cmocka_unit_test(silence_ends_it_and_a_lost_request_goes_out_again),
		cmocka_unit_test(a_response_in_place_of_the_confirm_is_refused),
		cmocka_unit_test(a_second_initiator_takes_nothing_from_the_first),
		cmocka_unit_test(a_pending_response_that_comes_again_lengthens_nothing),
	};

	if (berth_pki_open(&pki, NULL) != BERTH_OK)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	berth_pki_close(pki);
	return failed;
}
