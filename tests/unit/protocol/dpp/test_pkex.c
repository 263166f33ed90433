/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/pkex.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/hex.h"
#include "protocol/dpp/wrap.h"
#include "support/dpp_fixture.h"

static struct berth_pki *pki;
static const struct berth_mono start = {1000};

/* Appendix D of the specification. */
#define MAC_I "\xac\x64\x91\xf4\x52\x07"
#define MAC_R "\x6e\x5e\xce\x6e\xf3\xdd"
#define CODE "thisisreallysecret"
#define IDENTIFIER "joes_key"
#define SCALAR_A "5941b51acfc702cdc1c347264beb2920db88eb1a0bf03a211868b1632233c269"
#define SCALAR_B "2ae8956293f49986b6d0b8169a86805d9232babb5f6813fdfe96f19d59536c60"
#define SCALAR_X "8365c5ed93d751bef2d92b410dc6adfd95670889183fac1bd66759ad85c3187a"
#define SCALAR_Y "d98faa24d7dd3f592665d71a95c862bfd02c4c48acb0c515a41cbc6e929675ea"

enum { I, R };

struct world {
	struct dpp_random random[2];
	struct dpp_key key[2];
	struct berth_dpp_pkex_code code[2];
	struct berth_dpp_pkex_conf conf[2];
	struct berth_dpp_pkex *pkex[2];
	struct berth_dpp_pkex_event event[2]; /* the newest but MULTIPLY */
	bool has_event[2];
	struct berth_buf frames[4];
	size_t frame_count;
	struct berth_why why;
};

static const uint8_t *
address(int side)
{
	return (const uint8_t *)(side == I ? MAC_I : MAC_R);
}

static void
set_codes(struct world *w, const char *code_i, const char *code_r, const char *identifier)
{
	assert_int_equal(berth_dpp_pkex_code_set(&w->code[I], berth_text(code_i),
						 berth_text(identifier), NULL),
			 BERTH_OK);
	assert_int_equal(berth_dpp_pkex_code_set(&w->code[R], berth_text(code_r),
						 berth_text(identifier), NULL),
			 BERTH_OK);
}

static void
configure(struct world *w, uint8_t version)
{
	for (int side = 0; side < 2; side++) {
		w->conf[side] = (struct berth_dpp_pkex_conf){
			.pki = pki,
			.random = dpp_random_source(&w->random[side]),
			.own = w->key[side].bootstrapping,
			.code = &w->code[side],
			.version = side == R && version < 2 ? 3 : version,
			.has_address = version < 2,
		};
		memcpy(w->conf[side].address, address(side), BERTH_DPP_ADDRESS_BYTES);
	}
}

static void
prepare(struct world *w, enum berth_ec_curve curve, uint8_t version)
{
	for (int side = 0; side < 2; side++) {
		w->random[side].seed = 31 + (uint64_t)side;
		dpp_key_make(pki, curve, &w->random[side], &w->key[side]);
	}
	set_codes(w, CODE, CODE, IDENTIFIER);
	configure(w, version);
}

static void
prepare_appendix_d(struct world *w, uint8_t version)
{
	dpp_key_of(pki, BERTH_EC_P256, SCALAR_A, &w->key[I]);
	dpp_key_of(pki, BERTH_EC_P256, SCALAR_B, &w->key[R]);
	dpp_random_add(&w->random[I], SCALAR_X);
	dpp_random_add(&w->random[R], SCALAR_Y);
	set_codes(w, CODE, CODE, IDENTIFIER);
	configure(w, version);
}

static void
finish(struct world *w)
{
	for (int side = 0; side < 2; side++) {
		berth_dpp_pkex_end(w->pkex[side]);
		dpp_key_free(&w->key[side]);
		berth_dpp_pkex_code_free(&w->code[side]);
	}
	for (size_t i = 0; i < w->frame_count; i++)
		berth_buf_free(&w->frames[i]);
}

static enum berth_err
deliver(struct world *w, int to, struct berth_bytes body)
{
	struct berth_dpp_frame frame;
	const uint8_t *from = w->conf[to].has_address ? address(1 - to) : NULL;
	enum berth_err err = berth_dpp_frame_parse(body, &frame, &w->why);

	if (err)
		return err;
	return w->pkex[to] == NULL
		       ? berth_dpp_pkex_respond(&w->conf[to], start, from, &frame, &w->pkex[to],
						&w->why)
		       : berth_dpp_pkex_input(w->pkex[to], start, from, &frame, &w->why);
}

static void
answer(struct world *w, int side)
{
	struct berth_dpp_pkex_event event;

	while (w->pkex[side] != NULL && berth_dpp_pkex_event(w->pkex[side], &event)) {
		struct berth_ec_point product = {0};
		if (event.kind != BERTH_DPP_PKEX_MULTIPLY) {
			w->event[side] = event;
			w->has_event[side] = true;
			continue;
		}
		enum berth_err err =
			berth_ec_multiply(pki, &w->key[side].scalar, &event.point, &product, NULL);
		assert_int_equal(berth_dpp_pkex_answer(w->pkex[side], err, &product, &w->why),
				 BERTH_OK);
	}
}

/* What side sends next is kept; false: nothing. */
static bool
keep(struct world *w, int side)
{
	struct berth_bytes body;

	answer(w, side);
	if (w->pkex[side] == NULL || !berth_dpp_pkex_output(w->pkex[side], &body))
		return false;
	assert_true(w->frame_count < 4);
	assert_int_equal(berth_buf_append_bytes(&w->frames[w->frame_count++], body), BERTH_OK);
	return true;
}

static struct berth_bytes
newest(const struct world *w)
{
	return berth_buf_view(&w->frames[w->frame_count - 1]);
}

static void
initiate(struct world *w)
{
	assert_int_equal(berth_dpp_pkex_initiate(&w->conf[I], start, &w->pkex[I], &w->why),
			 BERTH_OK);
	assert_true(keep(w, I));
}

/* Until nobody sends, from the request on. */
static void
run(struct world *w)
{
	initiate(w);
	for (int to = R;; to = 1 - to) {
		assert_int_equal(deliver(w, to, newest(w)), BERTH_OK);
		if (!keep(w, to))
			break;
	}
	answer(w, I);
}

static void
assert_both_done(const struct world *w)
{
	for (int side = 0; side < 2; side++) {
		assert_true(w->has_event[side]);
		assert_int_equal(w->event[side].kind, BERTH_DPP_PKEX_DONE);
		assert_memory_equal(berth_dpp_pkex_peer(w->pkex[side])->hash,
				    w->key[1 - side].bootstrapping.hash, 32);
		assert_true(w->code[side].is_used);
	}
}

static void
assert_hex(struct berth_bytes bytes, const char *expected)
{
	char text[257];

	assert_string_equal(berth_hex_text(bytes, text, sizeof(text)), expected);
}

static struct berth_bytes
attribute(const struct world *w, size_t frame, enum berth_dpp_attribute id)
{
	struct berth_dpp_frame parsed;
	struct berth_bytes value = BERTH_BYTES_NONE;

	assert_int_equal(berth_dpp_frame_parse(berth_buf_view(&w->frames[frame]), &parsed, NULL),
			 BERTH_OK);
	assert_true(berth_dpp_attribute_find(parsed.attributes, id, &value));
	return value;
}

static void
assert_refused(struct world *w, int to, struct berth_bytes body, enum berth_err err,
	       const char *rule)
{
	struct berth_dpp_pkex *before = w->pkex[to];

	assert_int_equal(deliver(w, to, body), err);
	assert_string_equal(w->why.rule, rule);
	assert_ptr_equal(w->pkex[to], before);
}

/* ---- the specification's values ---- */

static struct berth_ec_point
multiply(const char *scalar_hex, const struct berth_ec_point *point)
{
	struct dpp_key key;
	struct berth_ec_point ret;

	dpp_key_of(pki, point->curve, scalar_hex, &key);
	assert_int_equal(berth_ec_multiply(pki, &key.scalar, point, &ret, NULL), BERTH_OK);
	dpp_key_free(&key);
	return ret;
}

static struct berth_ec_point
public_of(const char *scalar_hex)
{
	struct dpp_key key;

	dpp_key_of(pki, BERTH_EC_P256, scalar_hex, &key);
	struct berth_ec_point ret = key.bootstrapping.point;
	dpp_key_free(&key);
	return ret;
}

static void
make_run(struct berth_dpp_pkex_run *r, bool is_version_1, uint8_t version)
{
	struct berth_ec_point mask;

	*r = (struct berth_dpp_pkex_run){
		.curve = BERTH_EC_P256,
		.is_version_1 = is_version_1,
		.i_version = version,
		.r_version = version,
		.x = public_of(SCALAR_X),
		.y = public_of(SCALAR_Y),
		.a = public_of(SCALAR_A),
		.b = public_of(SCALAR_B),
	};
	memcpy(r->i_address, MAC_I, sizeof(r->i_address));
	memcpy(r->r_address, MAC_R, sizeof(r->r_address));
	for (int side = 0; side < 2; side++) {
		assert_int_equal(berth_dpp_pkex_mask(pki, r, (enum berth_dpp_pkex_side)side,
						     BERTH_LIT(IDENTIFIER), BERTH_LIT(CODE), &mask,
						     NULL),
				 BERTH_OK);
		assert_int_equal(berth_ec_add(pki, side == I ? &r->x : &r->y, &mask,
					      side == I ? &r->m : &r->n, NULL),
				 BERTH_OK);
	}
}

static void
assert_mask(const struct berth_dpp_pkex_run *r, enum berth_dpp_pkex_side side, const char *x)
{
	struct berth_ec_point mask;

	assert_int_equal(berth_dpp_pkex_mask(pki, r, side, BERTH_LIT(IDENTIFIER), BERTH_LIT(CODE),
					     &mask, NULL),
			 BERTH_OK);
	assert_hex(berth_ec_x(&mask), x);
}

static void
assert_z(const struct berth_dpp_pkex_run *r, const char *expected)
{
	struct berth_ec_point k = multiply(SCALAR_X, &r->y);
	BERTH_SECRET z = {0};

	assert_int_equal(berth_dpp_pkex_z(pki, r, &k, BERTH_LIT(CODE), &z), BERTH_OK);
	assert_hex(berth_bytes_of(z.p, z.n), expected);
}

static void
assert_tags(const struct berth_dpp_pkex_run *r, const char *u_hex, const char *v_hex)
{
	struct berth_ec_point j = multiply(SCALAR_A, &r->y);
	struct berth_ec_point l = multiply(SCALAR_B, &r->x);
	uint8_t tag[BERTH_EC_HASH_MAX];

	assert_int_equal(berth_dpp_pkex_u(pki, r, &j, tag), BERTH_OK);
	assert_hex(berth_bytes_of(tag, 32), u_hex);
	assert_int_equal(berth_dpp_pkex_v(pki, r, &l, tag), BERTH_OK);
	assert_hex(berth_bytes_of(tag, 32), v_hex);
}

/* req: dpp-pkex-vectors */
static void
all_values_of_appendix_d_are_as_published(void **state)
{
	struct berth_dpp_pkex_run r;
	struct berth_ec_point point;

	(void)state;
	make_run(&r, true, 0);
	assert_mask(&r, BERTH_DPP_PKEX_INITIATOR,
		    "2867c4e080980dbad5099a8f821e8729679c5c714888c0bd9c7e8e4048c5fa5e");
	assert_mask(&r, BERTH_DPP_PKEX_RESPONDER,
		    "134af1c41c8e7d974c647cc2bfca30b036966959f9044e90f673d756706e624c");
	assert_hex(berth_ec_x(&r.m),
		   "bcca8e23e5c05032ae6051ca6392f7c4a4b4f9fe13e8126132d070e552848176");
	assert_hex(berth_ec_x(&r.n),
		   "0a91e0728809bb8191ea36d0a1d5602bf36ab6708fbfd063e2511e533b534020");
	point = multiply(SCALAR_X, &r.y);
	assert_hex(berth_ec_x(&point),
		   "7415e1c68611f0443cc345d136984e488c6a26d3d5482fa67e9841a03a87c78f");
	point = multiply(SCALAR_A, &r.y);
	assert_hex(berth_ec_x(&point),
		   "31c1b9ab31d9c2f278b35b5c29d180dfeaf76d585ede9c0dd91cb66149db572e");
	point = multiply(SCALAR_B, &r.x);
	assert_hex(berth_ec_x(&point),
		   "bc5f3128b0b997079a23ead63cf502ef4f7526602269620377b79bce20e03d44");
	assert_z(&r, "5271dee915cf7b1908747d8edb8394442411c5183ee38b79ebef399c08738e0b");
	assert_tags(&r, "598c3d8dcccea2d43259068d542a907442f07e8cbcfb3fb49faac12eb2fee5b6",
		    "b2833ce21ab4e42c082111a5dd232334e48019f66b2e274f521fe2f7dfa11999");
}

/* Of the same keys without addresses; another implementation of ours, in another language, found the same. */
static void
version_2_has_versions_where_version_1_has_addresses(void **state)
{
	struct berth_dpp_pkex_run r;

	(void)state;
	make_run(&r, false, 2);
	assert_hex(berth_ec_x(&r.m),
		   "17766c1b7944e7fcb42b520caf8705098a47c224c9209a5ea4408a39d7a0a0ae");
	assert_hex(berth_ec_x(&r.n),
		   "e614079bb25b96cf555cc60473ffabf8628d2ac430205e763e61a59b4a595c4c");
	assert_z(&r, "56bdb2b37a0384c1e314d9cd7c58229efcb18a77960377091b3e146bf03acded");
	assert_tags(&r, "64acdfa193f435258bc8b62da30e5b7612ba0762cff4caa1253522de4e0adcc9",
		    "9d97044bbca311c0ab51215a02ba242d43e1b9681e3c0401f46a29ed9f1d73e9");
	make_run(&r, false, 3);
	assert_z(&r, "3d6c507bcc594da2f466b92acbdbdf21d60b962cf9646bcbe4e7f80aec6230a7");
}

/* The frames of a run with these keys hold the published values. */
static void
the_machines_send_what_appendix_d_says(void **state)
{
	struct world w = {0};
	struct berth_dpp_frame frame;
	struct berth_bytes tag = BERTH_BYTES_NONE;
	BERTH_SECRET z = {0};
	BERTH_BUF z_octets = {0};
	BERTH_BUF plain = {0};
	static const uint8_t zero = 0;

	(void)state;
	prepare_appendix_d(&w, 1);
	run(&w);
	assert_both_done(&w);
	assert_int_equal(w.frame_count, 4);
	struct berth_bytes m = attribute(&w, 0, BERTH_DPP_ENCRYPTED_KEY);
	assert_hex(berth_bytes_of(m.p, 32),
		   "bcca8e23e5c05032ae6051ca6392f7c4a4b4f9fe13e8126132d070e552848176");
	struct berth_bytes n = attribute(&w, 1, BERTH_DPP_ENCRYPTED_KEY);
	assert_hex(berth_bytes_of(n.p, 32),
		   "0a91e0728809bb8191ea36d0a1d5602bf36ab6708fbfd063e2511e533b534020");
	assert_int_equal(
		berth_hex_decode(
			BERTH_LIT(
				"5271dee915cf7b1908747d8edb8394442411c5183ee38b79ebef399c08738e0b"),
			&z_octets, NULL),
		BERTH_OK);
	assert_int_equal(berth_secret_copy(&z, berth_buf_view(&z_octets)), BERTH_OK);
	assert_int_equal(berth_dpp_frame_parse(berth_buf_view(&w.frames[2]), &frame, NULL),
			 BERTH_OK);
	struct berth_dpp_associated associated =
		berth_dpp_associated_of(frame.header, berth_bytes_of(&zero, 1));
	assert_int_equal(berth_dpp_unwrap(pki, &z, &associated, frame.attributes, &plain, NULL),
			 BERTH_OK);
	assert_true(berth_dpp_attribute_find(berth_buf_view(&plain), BERTH_DPP_I_AUTH, &tag));
	assert_hex(tag, "598c3d8dcccea2d43259068d542a907442f07e8cbcfb3fb49faac12eb2fee5b6");
	finish(&w);
}

/* ---- runs ---- */

static void
every_element_is_on_its_curve_and_no_other(void **state)
{
	struct berth_ec_point points[2 * BERTH_EC__COUNT];

	(void)state;
	for (unsigned i = 0; i < 2 * BERTH_EC__COUNT; i++) {
		assert_int_equal(berth_dpp_pkex_element(pki, (enum berth_ec_curve)(i / 2),
							(enum berth_dpp_pkex_side)(i % 2),
							&points[i], NULL),
				 BERTH_OK);
		for (unsigned k = 0; k < i; k++)
			assert_false(berth_ec_equal(&points[i], &points[k]));
	}
}

static void
who_has_the_same_code_learns_the_others_key_on_every_curve_in_both_versions(void **state)
{
	(void)state;
	for (unsigned curve = 0; curve < BERTH_EC__COUNT; curve++) {
		for (uint8_t version = 1; version <= 3; version++) {
			struct world w = {0};
			prepare(&w, (enum berth_ec_curve)curve, version);
			run(&w);
			assert_both_done(&w);
			finish(&w);
		}
	}
}

static void
a_code_needs_no_identifier(void **state)
{
	struct world w = {0};

	(void)state;
	prepare(&w, BERTH_EC_P256, 3);
	berth_dpp_pkex_code_free(&w.code[I]);
	berth_dpp_pkex_code_free(&w.code[R]);
	set_codes(&w, CODE, CODE, "");
	run(&w);
	assert_both_done(&w);
	finish(&w);
}

/* req: dpp-pkex-one-guess */
static void
another_code_ends_the_run_and_costs_a_guess(void **state)
{
	struct world w = {0};

	(void)state;
	prepare(&w, BERTH_EC_P256, 3);
	berth_dpp_pkex_code_free(&w.code[I]);
	berth_dpp_pkex_code_free(&w.code[R]);
	set_codes(&w, "thisisreallysecreT", CODE, IDENTIFIER);
	run(&w);
	assert_true(w.has_event[R]);
	assert_int_equal(w.event[R].kind, BERTH_DPP_PKEX_FAILED);
	assert_string_equal(w.event[R].why.rule, "dpp-pkex-guess");
	assert_int_equal(w.frame_count, 3); /* no word of what was wrong */
	assert_int_equal(w.code[R].guesses, 1);
	assert_int_equal(w.code[I].guesses, 1);
	assert_false(w.code[R].is_used);
	/* nothing comes of going on with it */
	assert_int_equal(deliver(&w, R, newest(&w)), BERTH_OK);
	assert_false(keep(&w, R));
	berth_dpp_pkex_tick(w.pkex[I], berth_dpp_pkex_deadline(w.pkex[I]));
	answer(&w, I);
	assert_int_equal(w.event[I].kind, BERTH_DPP_PKEX_FAILED);
	assert_string_equal(w.event[I].why.rule, "dpp-timeout");
	finish(&w);
}

/* req: dpp-pkex-guesses */
static void
after_five_guesses_nobody_is_answered_not_even_with_the_right_code(void **state)
{
	struct world w = {0};

	(void)state;
	prepare(&w, BERTH_EC_P256, 3);
	w.code[R].guesses = BERTH_DPP_PKEX_GUESSES_MAX - 1;
	initiate(&w);
	assert_int_equal(deliver(&w, R, newest(&w)), BERTH_OK);
	assert_true(keep(&w, R));
	assert_int_equal(deliver(&w, I, newest(&w)), BERTH_OK);
	assert_true(keep(&w, I));
	/* another run took the last one meanwhile */
	w.code[R].guesses++;
	assert_refused(&w, R, newest(&w), BERTH_E_LIMIT, "dpp-pkex-spent");
	berth_dpp_pkex_end(w.pkex[R]);
	w.pkex[R] = NULL;
	assert_refused(&w, R, berth_buf_view(&w.frames[0]), BERTH_E_LIMIT, "dpp-pkex-spent");
	finish(&w);
}

static void
an_initiator_counts_whom_it_shows_its_proof(void **state)
{
	struct world w = {0};

	(void)state;
	prepare(&w, BERTH_EC_P256, 3);
	w.code[I].guesses = BERTH_DPP_PKEX_GUESSES_MAX;
	assert_int_equal(berth_dpp_pkex_initiate(&w.conf[I], start, &w.pkex[I], &w.why),
			 BERTH_E_LIMIT);
	assert_string_equal(w.why.rule, "dpp-pkex-spent");
	w.code[I].guesses = BERTH_DPP_PKEX_GUESSES_MAX - 1;
	initiate(&w);
	assert_int_equal(deliver(&w, R, newest(&w)), BERTH_OK);
	assert_true(keep(&w, R));
	assert_int_equal(w.code[I].guesses, BERTH_DPP_PKEX_GUESSES_MAX - 1);
	assert_int_equal(deliver(&w, I, newest(&w)), BERTH_OK);
	assert_true(keep(&w, I));
	assert_int_equal(w.code[I].guesses, BERTH_DPP_PKEX_GUESSES_MAX);
	/* and yet this run may end well */
	assert_int_equal(deliver(&w, R, newest(&w)), BERTH_OK);
	assert_true(keep(&w, R));
	assert_int_equal(deliver(&w, I, newest(&w)), BERTH_OK);
	answer(&w, I);
	assert_both_done(&w);
	finish(&w);
}

static void
a_code_is_used_once(void **state)
{
	struct world w = {0};

	(void)state;
	prepare(&w, BERTH_EC_P256, 3);
	run(&w);
	assert_both_done(&w);
	berth_dpp_pkex_end(w.pkex[R]);
	w.pkex[R] = NULL;
	assert_refused(&w, R, berth_buf_view(&w.frames[0]), BERTH_E_LIMIT, "dpp-pkex-spent");
	finish(&w);
}

static void
a_frame_that_comes_again_is_answered_with_the_same_octets(void **state)
{
	struct world w = {0};
	struct berth_bytes body;

	(void)state;
	prepare(&w, BERTH_EC_P256, 1);
	run(&w);
	assert_both_done(&w);
	assert_int_equal(deliver(&w, R, berth_buf_view(&w.frames[2])), BERTH_OK);
	assert_true(berth_dpp_pkex_output(w.pkex[R], &body));
	assert_true(berth_bytes_equal(body, berth_buf_view(&w.frames[3])));
	assert_false(berth_dpp_pkex_output(w.pkex[R], &body));
	finish(&w);
}

/* ---- refusals by the smallest change ---- */

/* req: dpp-pkex-identifier */
static void
a_code_of_another_name_is_refused_before_anything_is_computed(void **state)
{
	struct world w = {0};
	static const char *const names[] = {"joes_keY", "joes_ke", ""};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		w = (struct world){0};
		prepare(&w, BERTH_EC_P256, 3);
		initiate(&w);
		(void)strcpy(w.code[R].identifier, names[i]);
		const uint64_t seed = w.random[R].seed;
		assert_refused(&w, R, newest(&w), BERTH_E_MISMATCH, "dpp-pkex-identifier");
		assert_int_equal(w.random[R].seed, seed);
		finish(&w);
	}
}

static void
another_group_is_answered_with_ours_and_nothing_is_kept(void **state)
{
	struct world w = {0};
	struct berth_dpp_frame frame;
	BERTH_BUF body = {0};

	(void)state;
	prepare(&w, BERTH_EC_P256, 3);
	initiate(&w);
	dpp_key_free(&w.key[R]);
	dpp_key_make(pki, BERTH_EC_P384, &w.random[R], &w.key[R]);
	w.conf[R].own = w.key[R].bootstrapping;
	assert_refused(&w, R, newest(&w), BERTH_E_UNSUPPORTED, "dpp-pkex-group");
	assert_int_equal(berth_dpp_frame_parse(newest(&w), &frame, NULL), BERTH_OK);
	assert_int_equal(berth_dpp_pkex_refuse_group(&w.conf[R], &frame, &body), BERTH_OK);
	assert_refused(&w, I, berth_buf_view(&body), BERTH_E_DENIED, "dpp-pkex-status");
	assert_non_null(strstr(w.why.sentence, "group 20"));
	finish(&w);
}

/* req: dpp-pkex-version-1 */
static void
version_1_is_refused_where_nobody_has_an_address(void **state)
{
	struct world w = {0};

	(void)state;
	prepare(&w, BERTH_EC_P256, 1);
	initiate(&w);
	w.conf[R].has_address = false;
	assert_refused(&w, R, newest(&w), BERTH_E_DENIED, "dpp-pkex-version");
	w.conf[I].has_address = false;
	berth_dpp_pkex_end(w.pkex[I]);
	w.pkex[I] = NULL;
	assert_int_equal(berth_dpp_pkex_initiate(&w.conf[I], start, &w.pkex[I], &w.why),
			 BERTH_E_USAGE);
	assert_string_equal(w.why.rule, "dpp-pkex-version");
	finish(&w);
}

/* One octet of a frame, changed; where: from the frame's attributes on. */
static struct berth_bytes
changed(const struct world *w, size_t at, uint8_t bits, uint8_t out[512])
{
	struct berth_bytes body = newest(w);

	assert_true(body.n <= 512 && at < body.n);
	memcpy(out, body.p, body.n);
	out[at] ^= bits;
	return berth_bytes_of(out, body.n);
}

#define ATTRIBUTES_AT (1 + BERTH_DPP_HEADER_BYTES)

static void
version_2_of_a_protocol_of_version_1_is_refused(void **state)
{
	struct world w = {0};
	uint8_t octets[512];

	(void)state;
	prepare(&w, BERTH_EC_P256, 3);
	initiate(&w);
	/* the first attribute's one octet: 3 becomes 1 */
	assert_refused(&w, R, changed(&w, ATTRIBUTES_AT + 4, 2, octets), BERTH_E_SYNTAX,
		       "dpp-version");
	finish(&w);
}

/* req: dpp-pkex-points */
static void
a_key_off_the_curve_or_the_mask_itself_is_refused(void **state)
{
	struct world w = {0};
	uint8_t octets[512];
	struct berth_ec_point mask;

	(void)state;
	prepare(&w, BERTH_EC_P256, 3);
	initiate(&w);
	struct berth_bytes body = newest(&w);
	assert_refused(&w, R, changed(&w, body.n - 1, 1, octets), BERTH_E_SYNTAX, "ec-point");
	const struct berth_dpp_pkex_run none = {.curve = BERTH_EC_P256};
	assert_int_equal(berth_dpp_pkex_mask(pki, &none, BERTH_DPP_PKEX_INITIATOR,
					     BERTH_LIT(IDENTIFIER), BERTH_LIT(CODE), &mask, NULL),
			 BERTH_OK);
	memcpy(octets, body.p, body.n);
	memcpy(octets + body.n - 64, mask.xy, 64);
	assert_refused(&w, R, berth_bytes_of(octets, body.n), BERTH_E_SYNTAX, "dpp-pkex-infinite");
	assert_int_equal(w.code[R].guesses, 0);
	finish(&w);
}

/* Whoever knows the code, and shows a key that is not his. */
static void
reveal_forged(struct world *w, const struct dpp_key *shown)
{
	w->conf[I].own = shown->bootstrapping;
	initiate(w);
	assert_int_equal(deliver(w, R, newest(w)), BERTH_OK);
	assert_true(keep(w, R));
	assert_int_equal(deliver(w, I, newest(w)), BERTH_OK);
	assert_true(keep(w, I)); /* multiplied with key[I], which is another */
	assert_int_equal(deliver(w, R, newest(w)), BERTH_OK);
	assert_false(keep(w, R));
	assert_true(w->has_event[R]);
	assert_int_equal(w->event[R].kind, BERTH_DPP_PKEX_FAILED);
}

/* req: dpp-pkex-possession */
static void
who_shows_a_key_that_is_not_his_is_refused(void **state)
{
	struct world w = {0};
	struct dpp_key other = {0};

	(void)state;
	prepare(&w, BERTH_EC_P256, 3);
	dpp_key_make(pki, BERTH_EC_P256, &w.random[I], &other);
	reveal_forged(&w, &other);
	assert_string_equal(w.event[R].why.rule, "dpp-pkex-tag");
	finish(&w);
	w = (struct world){0};
	prepare(&w, BERTH_EC_P256, 3);
	reveal_forged(&w, &w.key[R]);
	assert_string_equal(w.event[R].why.rule, "dpp-pkex-own-key");
	finish(&w);
	dpp_key_free(&other);
}

static void
a_response_that_was_altered_changes_nothing_and_the_right_one_still_counts(void **state)
{
	struct world w = {0};
	uint8_t octets[512];

	(void)state;
	prepare(&w, BERTH_EC_P256, 3);
	initiate(&w);
	assert_int_equal(deliver(&w, R, newest(&w)), BERTH_OK);
	assert_true(keep(&w, R));
	assert_refused(&w, I, changed(&w, ATTRIBUTES_AT + 4, 2, octets), BERTH_E_DENIED,
		       "dpp-pkex-status");
	assert_refused(&w, I, changed(&w, newest(&w).n - 1, 1, octets), BERTH_E_SYNTAX, "ec-point");
	assert_int_equal(deliver(&w, I, newest(&w)), BERTH_OK);
	assert_true(keep(&w, I));
	assert_int_equal(deliver(&w, R, newest(&w)), BERTH_OK);
	assert_true(keep(&w, R));
	assert_refused(&w, I, changed(&w, newest(&w).n - 1, 1, octets), BERTH_E_SIGNATURE,
		       "dpp-unwrap");
	assert_int_equal(deliver(&w, I, newest(&w)), BERTH_OK);
	answer(&w, I);
	assert_both_done(&w);
	finish(&w);
}

static void
frames_out_of_turn_are_refused(void **state)
{
	struct world w = {0};

	(void)state;
	prepare(&w, BERTH_EC_P256, 3);
	run(&w);
	struct berth_dpp_pkex *done = w.pkex[R];
	w.pkex[R] = NULL;
	w.code[R].is_used = false;
	assert_refused(&w, R, berth_buf_view(&w.frames[2]), BERTH_E_STATE, "dpp-frame-unexpected");
	assert_int_equal(deliver(&w, R, berth_buf_view(&w.frames[0])), BERTH_OK);
	assert_refused(&w, R, berth_buf_view(&w.frames[3]), BERTH_E_STATE, "dpp-frame-unexpected");
	berth_dpp_pkex_end(done);
	finish(&w);
}

static void
a_run_ends_in_its_time(void **state)
{
	struct world w = {0};

	(void)state;
	prepare(&w, BERTH_EC_P256, 3);
	initiate(&w);
	assert_int_equal(berth_dpp_pkex_deadline(w.pkex[I]).ms,
			 start.ms + BERTH_DPP_PKEX_TIMEOUT_MS);
	berth_dpp_pkex_tick(w.pkex[I], (struct berth_mono){start.ms + 9999});
	answer(&w, I);
	assert_false(w.has_event[I]);
	berth_dpp_pkex_tick(w.pkex[I], (struct berth_mono){start.ms + 10000});
	answer(&w, I);
	assert_string_equal(w.event[I].why.rule, "dpp-timeout");
	assert_int_equal(w.code[I].guesses, 0);
	finish(&w);
}

static void
assert_weak(const char *code, bool is_weak)
{
	struct berth_why why = {0};

	assert_int_equal(berth_dpp_pkex_code_judge(berth_text(code), &why),
			 is_weak ? BERTH_E_USAGE : BERTH_OK);
	if (is_weak)
		assert_string_equal(why.rule, "dpp-pkex-code-weak");
}

static void
a_chosen_code_has_eight_characters_four_of_them_different(void **state)
{
	(void)state;
	assert_weak("48213907", false);
	assert_weak("4821390", true);
	assert_weak("44442231", false);
	assert_weak("44442233", true);
}

static void
a_code_without_a_character_or_with_too_many_is_none(void **state)
{
	struct berth_dpp_pkex_code code = {0};
	struct berth_why why = {0};
	char text[BERTH_DPP_PKEX_CODE_MAX + 1];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(berth_dpp_pkex_code_set(&code, BERTH_BYTES_NONE, BERTH_BYTES_NONE, &why),
			 BERTH_E_USAGE);
	assert_string_equal(why.rule, "dpp-pkex-code");
	assert_int_equal(berth_dpp_pkex_code_set(&code, berth_bytes_of(text, sizeof(text)),
						 BERTH_BYTES_NONE, &why),
			 BERTH_E_USAGE);
	assert_int_equal(berth_dpp_pkex_code_set(
				 &code, BERTH_LIT(CODE),
				 berth_bytes_of(text, BERTH_DPP_PKEX_IDENTIFIER_MAX + 1), &why),
			 BERTH_E_USAGE);
	assert_string_equal(why.rule, "dpp-pkex-identifier");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_values_of_appendix_d_are_as_published),
		cmocka_unit_test(version_2_has_versions_where_version_1_has_addresses),
		cmocka_unit_test(the_machines_send_what_appendix_d_says),
		cmocka_unit_test(every_element_is_on_its_curve_and_no_other),
		cmocka_unit_test(
			who_has_the_same_code_learns_the_others_key_on_every_curve_in_both_versions),
		cmocka_unit_test(a_code_needs_no_identifier),
		cmocka_unit_test(another_code_ends_the_run_and_costs_a_guess),
		cmocka_unit_test(
			after_five_guesses_nobody_is_answered_not_even_with_the_right_code),
		cmocka_unit_test(an_initiator_counts_whom_it_shows_its_proof),
		cmocka_unit_test(a_code_is_used_once),
		cmocka_unit_test(a_frame_that_comes_again_is_answered_with_the_same_octets),
		cmocka_unit_test(a_code_of_another_name_is_refused_before_anything_is_computed),
		cmocka_unit_test(another_group_is_answered_with_ours_and_nothing_is_kept),
		cmocka_unit_test(version_1_is_refused_where_nobody_has_an_address),
		cmocka_unit_test(version_2_of_a_protocol_of_version_1_is_refused),
		cmocka_unit_test(a_key_off_the_curve_or_the_mask_itself_is_refused),
		cmocka_unit_test(who_shows_a_key_that_is_not_his_is_refused),
		cmocka_unit_test(
			a_response_that_was_altered_changes_nothing_and_the_right_one_still_counts),
		cmocka_unit_test(frames_out_of_turn_are_refused),
		cmocka_unit_test(a_run_ends_in_its_time),
		cmocka_unit_test(a_chosen_code_has_eight_characters_four_of_them_different),
		cmocka_unit_test(a_code_without_a_character_or_with_too_many_is_none),
	};

	if (berth_pki_open(&pki, NULL))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	berth_pki_close(pki);
	return failed;
}
