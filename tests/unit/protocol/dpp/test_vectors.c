/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that DPP derives, on all six curves, against tests/support/dpp_vectors.txt, which another implementation has found too
 * (tests/interop/dpp_vectors.py).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/hex.h"
#include "protocol/dpp/configuration.h"
#include "protocol/dpp/enrollee.h"
#include "protocol/dpp/introduction.h"
#include "protocol/dpp/reconfiguration.h"
#include "support/dpp_fixture.h"

#define LINES_MAX 1024
#define LINE_MAX_BYTES 4096

static struct berth_pki *pki;
static const struct berth_mono start = {1000};
static const struct berth_wall today = {1800000000};

/* "section key value" lines; the file as a whole is kept. */
static struct {
	struct {
		char *section, *key, *value;
	} lines[LINES_MAX];
	size_t n;
} file;

static char *
copy(const char *text)
{
	char *ret = strdup(text);

	assert_non_null(ret);
	return ret;
}

static void
read_line(char *line, char section[64])
{
	line[strcspn(line, "\n")] = '\0';
	if (line[0] == '[') {
		(void)snprintf(section, 64, "%.*s", (int)strcspn(line + 1, "]"), line + 1);
		return;
	}
	char *value = strchr(line, ' ');
	if (line[0] == '#' || value == NULL)
		return;
	*value++ = '\0';
	assert_in_range(file.n, 0, LINES_MAX - 1);
	file.lines[file.n].section = copy(section);
	file.lines[file.n].key = copy(line);
	file.lines[file.n++].value = copy(value);
}

static int
open_file(void **state)
{
	const char *checkout = getenv("BERTH_CHECKOUT");
	char path[4096], line[LINE_MAX_BYTES], section[64] = "";

	(void)state;
	assert_non_null(checkout);
	(void)snprintf(path, sizeof(path), "%s/tests/support/dpp_vectors.txt", checkout);
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		read_line(line, section);
	assert_int_equal(fclose(f), 0);
	assert_true(file.n > 500);
	return 0;
}

static int
close_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < file.n; i++) {
		free(file.lines[i].section);
		free(file.lines[i].key);
		free(file.lines[i].value);
	}
	return 0;
}

/* One exchange of the file, and how many of its values were asked for. */
struct vector {
	char section[64];
	enum berth_ec_curve curve;
};

static const char *
value(const struct vector *v, const char *key)
{
	for (size_t i = 0; i < file.n; i++) {
		if (strcmp(file.lines[i].section, v->section) == 0 &&
		    strcmp(file.lines[i].key, key) == 0)
			return file.lines[i].value;
	}
	fail_msg("%s has no %s", v->section, key);
	return NULL;
}

static void
begin(struct vector *v, int curve, const char *kind)
{
	v->curve = (enum berth_ec_curve)curve;
	(void)snprintf(v->section, sizeof(v->section), "%s, %s", berth_ec_facts(v->curve)->name,
		       kind);
	assert_string_equal(value(v, "curve"), berth_ec_facts(v->curve)->name);
}

static void
decode(const struct vector *v, const char *key, struct berth_buf *out)
{
	assert_int_equal(berth_hex_decode(berth_text(value(v, key)), out, NULL), BERTH_OK);
}

static void
assert_value(const struct vector *v, const char *key, struct berth_bytes found)
{
	BERTH_BUF expected = {0};

	decode(v, key, &expected);
	if (!berth_bytes_equal(found, berth_buf_view(&expected)))
		fail_msg("%s: %s is another", v->section, key);
}

static void
assert_secret(const struct vector *v, const char *key, const struct berth_secret *found)
{
	assert_value(v, key, berth_bytes_of(found->p, found->n));
}

static void
key_of(const struct vector *v, const char *name, enum berth_ec_curve curve, struct dpp_key *ret)
{
	dpp_key_of(pki, curve, value(v, name), ret);
}

static void
script(const struct vector *v, struct dpp_random *random, const char *first, const char *second)
{
	dpp_random_add(random, value(v, first));
	dpp_random_add(random, value(v, second));
}

/* ---- authentication ---- */

static void
assert_label(const struct vector *v, const char *side, const struct dpp_key *key)
{
	char name[16];
	BERTH_BUF der = {0};
	BERTH_BUF text = {0};

	assert_int_equal(berth_ec_build_spki(&key->bootstrapping.point, BERTH_EC_COMPRESSED, &der),
			 BERTH_OK);
	assert_int_equal(berth_base64_encode(berth_buf_view(&der), 0, &text), BERTH_OK);
	(void)snprintf(name, sizeof(name), "spki-%s", side);
	assert_true(berth_bytes_equal_text(berth_buf_view(&text), value(v, name)));
	(void)snprintf(name, sizeof(name), "hash-%s", side);
	assert_value(v, name, berth_bytes_of(key->bootstrapping.hash, 32));
	(void)snprintf(name, sizeof(name), "chirp-%s", side);
	assert_value(v, name, berth_bytes_of(key->bootstrapping.chirp, 32));
}

/* Step by step, as the specification has it. */
static void
assert_steps(const struct vector *v, bool is_mutual)
{
	struct dpp_key br = {0}, pr = {0}, bi = {0}, p_i = {0};
	struct berth_ec_point m, n, sum, l;
	BERTH_SECRET k1 = {0}, k2 = {0}, bk = {0}, ke = {0};
	BERTH_BUF i_nonce = {0}, r_nonce = {0};
	uint8_t tag[BERTH_EC_HASH_MAX];
	size_t hash = berth_ec_facts(v->curve)->hash_bytes;

	key_of(v, "bR", v->curve, &br);
	key_of(v, "pR", v->curve, &pr);
	key_of(v, "bI", v->curve, &bi);
	key_of(v, "pI", v->curve, &p_i);
	assert_label(v, "R", &br);
	assert_label(v, "I", &bi);
	struct berth_dpp_exchange exchange = {
		.bi = bi.bootstrapping.point,
		.br = br.bootstrapping.point,
		.pi = p_i.bootstrapping.point,
		.pr = pr.bootstrapping.point,
		.is_mutual = is_mutual,
	};
	decode(v, "I-nonce", &i_nonce);
	decode(v, "R-nonce", &r_nonce);
	memcpy(exchange.i_nonce, i_nonce.p, i_nonce.n);
	memcpy(exchange.r_nonce, r_nonce.p, r_nonce.n);
	assert_int_equal(berth_ec_multiply(pki, &p_i.scalar, &exchange.br, &m, NULL), BERTH_OK);
	assert_value(v, "M.x", berth_ec_x(&m));
	assert_int_equal(berth_ec_multiply(pki, &p_i.scalar, &exchange.pr, &n, NULL), BERTH_OK);
	assert_value(v, "N.x", berth_ec_x(&n));
	if (is_mutual) {
		assert_int_equal(berth_ec_add(pki, &exchange.br, &exchange.pr, &sum, NULL),
				 BERTH_OK);
		assert_int_equal(berth_ec_multiply(pki, &bi.scalar, &sum, &l, NULL), BERTH_OK);
		assert_value(v, "L.x", berth_ec_x(&l));
	}
	assert_int_equal(berth_dpp_k1(pki, &m, &k1), BERTH_OK);
	assert_secret(v, "k1", &k1);
	assert_int_equal(berth_dpp_k2(pki, &n, &k2), BERTH_OK);
	assert_secret(v, "k2", &k2);
	assert_int_equal(berth_dpp_bk(pki, &exchange, &m, &n, is_mutual ? &l : NULL, &bk),
			 BERTH_OK);
	assert_secret(v, "bk", &bk);
	assert_int_equal(berth_dpp_ke(pki, v->curve, &bk, &ke), BERTH_OK);
	assert_secret(v, "ke", &ke);
	assert_int_equal(berth_dpp_r_auth(pki, &exchange, tag), BERTH_OK);
	assert_value(v, "R-auth", berth_bytes_of(tag, hash));
	assert_int_equal(berth_dpp_i_auth(pki, &exchange, tag), BERTH_OK);
	assert_value(v, "I-auth", berth_bytes_of(tag, hash));
	dpp_key_free(&br);
	dpp_key_free(&pr);
	dpp_key_free(&bi);
	dpp_key_free(&p_i);
}

/* The machines say the same octets, and what they share makes the rest. */
static void
run_machines(const struct vector *v, bool is_mutual, struct berth_dpp_secrets secrets[2])
{
	struct dpp_random random[2] = {{.seed = 1}, {.seed = 2}};
	struct dpp_sides sides = {.pki = pki};
	struct berth_dpp_auth_conf conf[2];
	struct berth_dpp_frame frame;
	struct berth_bytes body;

	key_of(v, "bI", v->curve, &sides.key[0]);
	key_of(v, "bR", v->curve, &sides.key[1]);
	script(v, &random[0], "pI", "I-nonce");
	script(v, &random[1], "pR", "R-nonce");
	for (int side = 0; side < 2; side++)
		conf[side] = (struct berth_dpp_auth_conf){
			.pki = pki,
			.random = dpp_random_source(&random[side]),
			.version = 3,
			.roles = side == 0 ? BERTH_DPP_ENROLLEE : BERTH_DPP_CONFIGURATOR,
			.own = sides.key[side].bootstrapping,
			.has_peer = side == 0 || is_mutual,
			.peer = sides.key[1 - side].bootstrapping,
		};
	assert_int_equal(berth_dpp_auth_initiate(&conf[0], start, &sides.auth[0], NULL), BERTH_OK);
	assert_true(berth_dpp_auth_output(sides.auth[0], &body));
	assert_value(v, "request", body);
	assert_int_equal(berth_dpp_frame_parse(body, &frame, NULL), BERTH_OK);
	assert_int_equal(berth_dpp_auth_respond(&conf[1], start, &frame, &sides.auth[1], NULL),
			 BERTH_OK);
	dpp_sides_run(&sides, start);
	assert_int_equal(sides.frame_count, 2);
	assert_value(v, "response", berth_buf_view(&sides.frames[0]));
	assert_value(v, "confirm", berth_buf_view(&sides.frames[1]));
	for (int side = 0; side < 2; side++) {
		assert_int_equal(sides.event[side].kind, BERTH_DPP_AUTH_DONE);
		berth_dpp_auth_take(sides.auth[side], &secrets[side]);
		assert_secret(v, "bk", &secrets[side].bk);
		assert_secret(v, "ke", &secrets[side].ke);
		assert_int_equal(secrets[side].is_mutual, is_mutual);
	}
	dpp_sides_free(&sides);
}

static void
assert_configuration(const struct vector *v, struct berth_dpp_secrets *secrets)
{
	struct dpp_random random = {.seed = 1};
	struct berth_dpp_enrollee *enrollee = NULL;
	struct dpp_key pc = {0}, pe = {0};
	struct berth_bytes body;
	enum berth_ec_curve other;
	uint8_t tag[BERTH_EC_HASH_MAX];
	char password[BERTH_DPP_CSR_PASSWORD_CHARS + 1];
	BERTH_BUF e_nonce = {0}, plain = {0}, result = {0};

	assert_int_equal(berth_dpp_csr_password(pki, secrets, password), BERTH_OK);
	assert_string_equal(password, value(v, "csr-password"));
	decode(v, "E-nonce", &e_nonce);
	assert_true(berth_ec_curve_named(berth_text(value(v, "new-curve")), &other));
	key_of(v, "pC", other, &pc);
	key_of(v, "pE", other, &pe);
	assert_int_equal(berth_dpp_new_key_tag(pki, secrets, &pe.scalar, &pc.bootstrapping.point,
					       berth_buf_view(&e_nonce), &pc.bootstrapping.point,
					       &pe.bootstrapping.point, tag),
			 BERTH_OK);
	assert_value(v, "new-key-tag", berth_bytes_of(tag, berth_ec_facts(v->curve)->hash_bytes));
	dpp_key_free(&pc);
	dpp_key_free(&pe);

	assert_int_equal(berth_dpp_put_u8(&plain, BERTH_DPP_STATUS, BERTH_DPP_OK), BERTH_OK);
	assert_int_equal(berth_dpp_put(&plain, BERTH_DPP_E_NONCE, berth_buf_view(&e_nonce)),
			 BERTH_OK);
	assert_int_equal(berth_dpp_build_result(pki, BERTH_DPP_CONFIGURATION_RESULT, &secrets->ke,
						berth_buf_view(&plain), &result, NULL),
			 BERTH_OK);
	assert_value(v, "configuration-result", berth_buf_view(&result));
	dpp_random_add(&random, value(v, "E-nonce"));
	const struct berth_dpp_enrollee_conf conf = {
		.pki = pki,
		.random = dpp_random_source(&random),
		.request = {.name = BERTH_LIT("pump-7"), .net_role = BERTH_DPP_STA},
	};
	assert_int_equal(berth_dpp_enrollee_start(&conf, secrets, start, &enrollee, NULL),
			 BERTH_OK);
	assert_true(berth_dpp_enrollee_output(enrollee, &body));
	assert_value(v, "configuration-request", body);
	berth_dpp_enrollee_end(enrollee);
}

static void
authentication_on_every_curve(bool is_mutual)
{
	for (int curve = 0; curve < BERTH_EC__COUNT; curve++) {
		struct vector v;
		struct berth_dpp_secrets secrets[2];
		begin(&v, curve, is_mutual ? "mutual" : "responder alone");
		assert_steps(&v, is_mutual);
		run_machines(&v, is_mutual, secrets);
		assert_configuration(&v, &secrets[0]);
		berth_dpp_secrets_free(&secrets[0]);
		berth_dpp_secrets_free(&secrets[1]);
	}
}

static void
mutual_authentication_on_every_curve(void **state)
{
	(void)state;
	authentication_on_every_curve(true);
}

static void
authentication_of_the_responder_alone_on_every_curve(void **state)
{
	(void)state;
	authentication_on_every_curve(false);
}

/* ---- reconfiguration ---- */

struct reconfiguration {
	struct dpp_random random[2]; /* enrollee, configurator */
	struct dpp_key c_sign, pp, e_id, net_access;
	struct berth_dpp_reconfig_conf conf[2];
	struct berth_dpp_reconfig *machine[2];
};

static void
prepare(struct reconfiguration *r, const struct vector *v)
{
	key_of(v, "c-sign", v->curve, &r->c_sign);
	key_of(v, "pp", v->curve, &r->pp);
	key_of(v, "E-id", v->curve, &r->e_id);
	key_of(v, "cR", v->curve, &r->net_access);
	dpp_random_add(&r->random[0], value(v, "a"));
	script(v, &r->random[0], "E-nonce", "pR");
	dpp_random_add(&r->random[1], value(v, "transaction"));
	script(v, &r->random[1], "C-nonce", "cI");
	for (int side = 0; side < 2; side++)
		r->conf[side] = (struct berth_dpp_reconfig_conf){
			.pki = pki,
			.random = dpp_random_source(&r->random[side]),
			.version = side == 0 ? 2 : 3,
			.c_sign = r->c_sign.bootstrapping.point,
			.now = today,
			.replaces_key = true,
			.trusts_clock = true,
		};
	r->conf[0].connector = berth_text(value(v, "E-Connector"));
	r->conf[0].net_access_key = r->net_access.bootstrapping.point;
}

static void
finish(struct reconfiguration *r)
{
	berth_dpp_reconfig_end(r->machine[0]);
	berth_dpp_reconfig_end(r->machine[1]);
	dpp_key_free(&r->c_sign);
	dpp_key_free(&r->pp);
	dpp_key_free(&r->e_id);
	dpp_key_free(&r->net_access);
}

static void
say(const struct vector *v, const char *key, struct berth_dpp_reconfig *from,
    struct berth_buf *kept, struct berth_dpp_frame *frame)
{
	struct berth_bytes body;

	assert_true(berth_dpp_reconfig_output(from, &body));
	assert_value(v, key, body);
	berth_buf_clear(kept);
	assert_int_equal(berth_buf_append_bytes(kept, body), BERTH_OK);
	assert_int_equal(berth_dpp_frame_parse(berth_buf_view(kept), frame, NULL), BERTH_OK);
}

/* Up to the request, which an announcement is answered with. */
static void
ask(struct reconfiguration *r, const struct vector *v)
{
	struct berth_dpp_announcement announcement;
	struct berth_dpp_reconfig_event event;
	struct berth_dpp_frame frame;
	struct berth_ec_point product, e_id;
	BERTH_BUF body = {0};

	assert_int_equal(
		berth_dpp_reconfig_announce(pki, &r->conf[0].random, &r->c_sign.bootstrapping.point,
					    &r->pp.bootstrapping.point,
					    &r->e_id.bootstrapping.point, v->curve, &body, NULL),
		BERTH_OK);
	assert_value(v, "announcement", berth_buf_view(&body));
	assert_int_equal(berth_dpp_frame_parse(berth_buf_view(&body), &frame, NULL), BERTH_OK);
	assert_int_equal(berth_dpp_announcement_parse(pki, v->curve, &frame, &announcement, NULL),
			 BERTH_OK);
	assert_int_equal(
		berth_ec_multiply(pki, &r->pp.scalar, &announcement.a_nonce, &product, NULL),
		BERTH_OK);
	assert_int_equal(berth_dpp_announcement_unmask(pki, &announcement, &product, &e_id, NULL),
			 BERTH_OK);
	assert_true(berth_ec_equal(&e_id, &r->e_id.bootstrapping.point));
	assert_int_equal(
		berth_dpp_reconfig_begin(&r->conf[1], start, &announcement, &r->machine[1], NULL),
		BERTH_OK);
	assert_true(berth_dpp_reconfig_event(r->machine[1], &event));
	/* what is to be signed is what was signed there */
	struct berth_bytes jws = berth_text(value(v, "C-Connector"));
	const char *first = strchr(value(v, "C-Connector"), '.') + 1;
	BERTH_BUF text = {0};
	assert_int_equal(berth_base64url_encode(event.payload, &text), BERTH_OK);
	assert_true(berth_bytes_equal(berth_buf_view(&text),
				      berth_bytes_of(first, strcspn(first, "."))));
	assert_int_equal(berth_dpp_reconfig_signed(r->machine[1], jws, NULL), BERTH_OK);
}

static void
reconfiguration_on_every_curve(void **state)
{
	(void)state;
	for (int curve = 0; curve < BERTH_EC__COUNT; curve++) {
		struct vector v;
		struct reconfiguration r = {.random = {{.seed = 1}, {.seed = 2}}};
		struct berth_dpp_reconfig_event event;
		struct berth_dpp_secrets secrets[2];
		struct berth_dpp_frame frame;
		struct berth_ec_point product;
		BERTH_BUF kept = {0};
		begin(&v, curve, "reconfiguration");
		prepare(&r, &v);
		ask(&r, &v);
		say(&v, "request", r.machine[1], &kept, &frame);
		assert_int_equal(
			berth_dpp_reconfig_respond(&r.conf[0], start, &frame, &r.machine[0], NULL),
			BERTH_OK);
		assert_true(berth_dpp_reconfig_event(r.machine[0], &event));
		assert_int_equal(
			berth_ec_multiply(pki, &r.net_access.scalar, &event.point, &product, NULL),
			BERTH_OK);
		assert_int_equal(berth_dpp_reconfig_product(r.machine[0], BERTH_OK, &product, NULL),
				 BERTH_OK);
		say(&v, "response", r.machine[0], &kept, &frame);
		assert_int_equal(berth_dpp_reconfig_input(r.machine[1], start, &frame, NULL),
				 BERTH_OK);
		assert_true(berth_dpp_reconfig_event(r.machine[1], &event));
		assert_int_equal(berth_dpp_reconfig_allow(r.machine[1], true, NULL), BERTH_OK);
		say(&v, "confirm", r.machine[1], &kept, &frame);
		assert_int_equal(berth_dpp_reconfig_input(r.machine[0], start, &frame, NULL),
				 BERTH_OK);
		for (int side = 0; side < 2; side++) {
			berth_dpp_reconfig_take(r.machine[side], &secrets[side]);
			assert_secret(&v, "prk", &secrets[side].bk);
			assert_secret(&v, "ke", &secrets[side].ke);
			berth_dpp_secrets_free(&secrets[side]);
		}
		finish(&r);
	}
}

/* ---- introduction ---- */

static void
c_sign_of(const struct vector *v, struct berth_ec_point *ret)
{
	BERTH_BUF spki = {0};
	struct dpp_key key = {0};

	for (size_t i = 0; i < file.n; i++) {
		if (strcmp(file.lines[i].section, v->section) == 0 &&
		    strcmp(file.lines[i].key, "c-sign-spki") == 0) {
			decode(v, "c-sign-spki", &spki);
			assert_int_equal(berth_ec_parse_spki(pki, berth_buf_view(&spki), ret, NULL),
					 BERTH_OK);
			return;
		}
	}
	key_of(v, "c-sign", v->curve, &key);
	*ret = key.bootstrapping.point;
	dpp_key_free(&key);
}

static void
introduction_on_every_curve(void **state)
{
	static const char *const names[2][2] = {{"sta", "sta-Connector"}, {"ap", "ap-Connector"}};

	(void)state;
	for (int curve = 0; curve < BERTH_EC__COUNT; curve++) {
		struct vector v;
		struct berth_ec_point c_sign, n;
		struct dpp_key key[2] = {0};
		struct berth_dpp_connector connector[2];
		begin(&v, curve, "introduction");
		c_sign_of(&v, &c_sign);
		for (int side = 0; side < 2; side++) {
			key_of(&v, names[side][0], v.curve, &key[side]);
			assert_int_equal(
				berth_dpp_connector_open(pki, berth_text(value(&v, names[side][1])),
							 &c_sign, &connector[side], NULL),
				BERTH_OK);
			assert_true(berth_ec_equal(&connector[side].key,
						   &key[side].bootstrapping.point));
		}
		assert_int_equal(
			berth_ec_multiply(pki, &key[0].scalar, &connector[1].key, &n, NULL),
			BERTH_OK);
		assert_value(&v, "N.x", berth_ec_x(&n));
		for (int side = 0; side < 2; side++) {
			struct berth_dpp_introduced found = {0};
			assert_int_equal(berth_dpp_introduce(
						 pki, &c_sign, &connector[side], &key[side].scalar,
						 berth_text(value(&v, names[1 - side][1])), 0,
						 today, &found, NULL, NULL),
					 BERTH_OK);
			assert_secret(&v, "PMK", &found.pmk);
			assert_value(&v, "PMKID", berth_bytes_of(found.pmkid, sizeof(found.pmkid)));
			berth_secret_free(&found.pmk);
		}
		dpp_key_free(&key[0]);
		dpp_key_free(&key[1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mutual_authentication_on_every_curve),
		cmocka_unit_test(authentication_of_the_responder_alone_on_every_curve),
		cmocka_unit_test(reconfiguration_on_every_curve),
		cmocka_unit_test(introduction_on_every_curve),
	};

	if (berth_pki_open(&pki, NULL) != BERTH_OK)
		return 1;
	int failed = cmocka_run_group_tests(tests, open_file, close_file);
	berth_pki_close(pki);
	return failed;
}
