/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration objects and Connectors with one fault each. Connectors are signed again after the change, with the key that the
 * object names, so that nothing but the change can be their fault. The names are those of hostap's suite, without their
 * "test_dpp_config_".
 */
#include "protocol/dpp/configuration_object.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/base64.h"
#include "codec/json_write.h"
#include "pki/keystore/keystore.h"
#include "support/dpp_fixture.h"

static struct berth_pki *pki;
static const struct berth_wall today = {1800000000};

#define X64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define INFRA "{\"wi-fi_tech\":\"infra\",\"discovery\":{\"ssid\":\"test\"}"

static struct {
	struct berth_key *c_sign;
	struct berth_ec_point c_sign_point;
	struct dpp_key net_access, other;
	char kid[BERTH_DPP_KID_CHARS + 1];
} my;

static int
open_all(void **state)
{
	static struct dpp_random random = {.seed = 12};

	(void)state;
	dpp_key_make(pki, BERTH_EC_P256, &random, &my.net_access);
	dpp_key_make(pki, BERTH_EC_P256, &random, &my.other);
	assert_int_equal(berth_keystore_ephemeral(pki, "P-256", &my.c_sign, NULL), BERTH_OK);
	assert_int_equal(berth_ec_of_key(pki, my.c_sign, &my.c_sign_point, NULL), BERTH_OK);
	assert_int_equal(berth_dpp_kid(pki, &my.c_sign_point, my.kid), BERTH_OK);
	return 0;
}

static int
close_all(void **state)
{
	(void)state;
	dpp_key_free(&my.net_access);
	dpp_key_free(&my.other);
	berth_key_free(my.c_sign);
	return 0;
}

static void
append(struct berth_buf *out, const char *text)
{
	assert_int_equal(berth_buf_append_text(out, text), BERTH_OK);
}

/* text with every "FROM" of it replaced: what stands for keys in the tables below. */
static void
replace(struct berth_buf *text, const char *from, const char *to)
{
	BERTH_BUF out = {0};
	size_t n = strlen(from);

	for (size_t i = 0; i < text->n;) {
		if (i + n <= text->n && memcmp(text->p + i, from, n) == 0) {
			append(&out, to);
			i += n;
		} else {
			assert_int_equal(berth_buf_append(&out, text->p + i, 1), BERTH_OK);
			i++;
		}
	}
	berth_buf_clear(text);
	assert_int_equal(berth_buf_append_bytes(text, berth_buf_view(&out)), BERTH_OK);
}

static void
put_key(struct berth_buf *text, const char *name, const struct berth_ec_point *point)
{
	BERTH_BUF jwk = {0};

	assert_int_equal(berth_json_start(&jwk, '{'), BERTH_OK);
	assert_int_equal(berth_dpp_put_jwk(&jwk, "k", point, NULL), BERTH_OK);
	assert_int_equal(berth_buf_append_u8(&jwk, 0), BERTH_OK);
	replace(text, name, (const char *)jwk.p + strlen("{\"k\":"));
}

static void
encode(const struct berth_buf *text, struct berth_buf *out)
{
	assert_int_equal(berth_base64url_encode(berth_buf_view(text), out), BERTH_OK);
}

/* header and payload, in which KID, OWN and OTHER stand for keys; signed. */
static void
sign(const char *header, const char *payload, struct berth_buf *jws)
{
	BERTH_BUF first = {0};
	BERTH_BUF second = {0};
	BERTH_BUF rs = {0};

	append(&first, header);
	replace(&first, "KID", my.kid);
	append(&second, payload);
	put_key(&second, "OWN", &my.net_access.bootstrapping.point);
	put_key(&second, "OTHER", &my.other.bootstrapping.point);
	encode(&first, jws);
	append(jws, ".");
	encode(&second, jws);
	assert_int_equal(berth_ec_sign(my.c_sign, berth_buf_view(jws), &rs, NULL), BERTH_OK);
	append(jws, ".");
	encode(&rs, jws);
}

/* The rule by which an object is refused; NULL: taken. */
static const char *
judge(const struct berth_buf *json, struct berth_why *why)
{
	struct berth_dpp_object object = {0};
	struct berth_dpp_connector connector;
	BERTH_ARENA arena;

	berth_arena_start(&arena, 1 << 16);
	*why = (struct berth_why){0};
	enum berth_err err =
		berth_dpp_object_read(pki, berth_buf_view(json), NULL, &arena, &object, why);
	err = err ? err
		  : berth_dpp_object_check(pki, &object, &my.net_access.bootstrapping.point, &today,
					   &connector, why);
	assert_int_equal(err != BERTH_OK, why->rule != NULL);
	return why->rule;
}

static void
assert_rule(const char *name, const struct berth_buf *json, const char *expected)
{
	struct berth_why why;
	const char *rule = judge(json, &why);

	if (rule == NULL && expected == NULL)
		return;
	if (rule == NULL || expected == NULL || strcmp(rule, expected) != 0)
		fail_msg("%s: %s, not %s", name, rule == NULL ? "taken" : rule,
			 expected == NULL ? "taken" : expected);
}

struct object_row {
	const char *name, *json, *rule;
};

static void
each_object_is_judged_for_its_own_fault(void **state)
{
	static const struct object_row rows[] = {
		{"root_not_an_object", "1", "json-syntax"},
		{"no_wi_fi_tech", "{}", "json-missing-member"},
		{"unsupported_wi_fi_tech", "{\"wi-fi_tech\":\"unsupported\"}", "dpp-wifi-tech"},
		{"no_discovery", "{\"wi-fi_tech\":\"infra\"}", "json-missing-member"},
		{"no_discovery_ssid", "{\"wi-fi_tech\":\"infra\",\"discovery\":{}}",
		 "json-missing-member"},
		{"too_long_discovery_ssid",
		 "{\"wi-fi_tech\":\"infra\",\"discovery\":{\"ssid\":"
		 "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}}",
		 "dpp-object"},
		{"no name at all",
		 "{\"wi-fi_tech\":\"infra\",\"discovery\":{\"ssid\":\"\"},"
		 "\"cred\":{\"akm\":\"psk\",\"pass\":\"12345678\"}}",
		 "dpp-object"},
		{"no_cred", INFRA "}", "json-missing-member"},
		{"no_cred_akm", INFRA ",\"cred\":{}}", "json-missing-member"},
		{"unsupported_cred_akm", INFRA ",\"cred\":{\"akm\":\"unsupported\"}}", "dpp-akm"},
		{"error_legacy_no_pass", INFRA ",\"cred\":{\"akm\":\"psk\"}}", "dpp-object"},
		{"error_legacy_too_short_pass", INFRA ",\"cred\":{\"akm\":\"psk\",\"pass\":\"1\"}}",
		 "dpp-object"},
		{"error_legacy_too_long_pass",
		 INFRA ",\"cred\":{\"akm\":\"psk\",\"pass\":\"" X64 "\"}}", "dpp-object"},
		{"error_legacy_psk_with_sae",
		 INFRA ",\"cred\":{\"akm\":\"sae\",\"psk_hex\":\"" X64 "\"}}", "dpp-object"},
		{"error_legacy_no_pass_for_sae",
		 INFRA ",\"cred\":{\"akm\":\"psk+sae\",\"psk_hex\":\"" X64 "\"}}", "dpp-object"},
		{"error_legacy_invalid_psk",
		 INFRA ",\"cred\":{\"akm\":\"psk\",\"psk_hex\":\"qa23456789abcdef0123456789abcdef01"
		       "23456789abcdef0123456789abcdef\"}}",
		 "hex-digit"},
		{"error_legacy_too_short_psk",
		 INFRA ",\"cred\":{\"akm\":\"psk\",\"psk_hex\":\"0123456789abcdef\"}}",
		 "dpp-object"},
		{"legacy", INFRA ",\"cred\":{\"akm\":\"psk\",\"pass\":\"secret passphrase\"}}",
		 NULL},
		{"legacy_psk_hex", INFRA ",\"cred\":{\"akm\":\"psk\",\"psk_hex\":\"" X64 "\"}}",
		 NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_BUF json = {0};
		append(&json, rows[i].json);
		assert_rule(rows[i].name, &json, rows[i].rule);
	}
}

#define HEADER "{\"typ\":\"dppCon\",\"kid\":\"KID\",\"alg\":\"ES256\"}"
#define GROUPS "\"groups\":[{\"groupId\":\"*\",\"netRole\":\"sta\"}]"
#define PAYLOAD "{" GROUPS ",\"netAccessKey\":OWN}"
#define EXPIRY(time) "{" GROUPS ",\"netAccessKey\":OWN,\"expiry\":\"" time "\"}"

static void
build_object(const struct berth_buf *jws, const char *c_sign, struct berth_buf *json)
{
	BERTH_BUF text = {0};

	append(json, INFRA ",\"cred\":{\"akm\":\"dpp\"");
	if (jws != NULL) {
		append(json, ",\"signedConnector\":\"");
		assert_int_equal(berth_buf_append_bytes(json, berth_buf_view(jws)), BERTH_OK);
		append(json, "\"");
	}
	if (c_sign != NULL) {
		append(json, ",\"csign\":");
		append(&text, c_sign);
		put_key(&text, "SIGN", &my.c_sign_point);
		assert_int_equal(berth_buf_append_bytes(json, berth_buf_view(&text)), BERTH_OK);
	}
	append(json, "}}");
}

struct connector_row {
	const char *name, *header, *payload, *rule;
};

/* 2027-01-15 is today here; ends without a time zone are UTC. */
static void
each_connector_is_judged_for_its_own_fault(void **state)
{
	static const struct connector_row rows[] = {
		{"connector_error_ext_sign", HEADER, PAYLOAD, NULL},
		{"an end to come", HEADER, EXPIRY("2030-01-01T00:00:00Z"), NULL},
		{"jws_error_prot_hdr_not_an_object", "1", PAYLOAD, "json-syntax"},
		{"jws_error_prot_hdr_no_typ", "{\"kid\":\"KID\",\"alg\":\"ES256\"}", PAYLOAD,
		 "json-missing-member"},
		{"jws_error_prot_hdr_unsupported_typ",
		 "{\"typ\":\"unsupported\",\"kid\":\"KID\",\"alg\":\"ES256\"}", PAYLOAD,
		 "dpp-connector-type"},
		{"jws_error_prot_hdr_no_alg", "{\"typ\":\"dppCon\",\"kid\":\"KID\"}", PAYLOAD,
		 "json-missing-member"},
		{"jws_error_prot_hdr_unexpected_alg",
		 "{\"typ\":\"dppCon\",\"kid\":\"KID\",\"alg\":\"unexpected\"}", PAYLOAD,
		 "dpp-connector-algorithm"},
		{"an algorithm of another curve",
		 "{\"typ\":\"dppCon\",\"kid\":\"KID\",\"alg\":\"ES384\"}", PAYLOAD,
		 "dpp-connector-algorithm"},
		{"no algorithm at all", "{\"typ\":\"dppCon\",\"kid\":\"KID\",\"alg\":\"none\"}",
		 PAYLOAD, "dpp-connector-algorithm"},
		{"jws_error_prot_hdr_no_kid", "{\"typ\":\"dppCon\",\"alg\":\"ES256\"}", PAYLOAD,
		 "json-missing-member"},
		{"jws_error_prot_hdr_unexpected_kid",
		 "{\"typ\":\"dppCon\",\"kid\":\"MTIz\",\"alg\":\"ES256\"}", PAYLOAD, "dpp-kid"},
		{"connector_error_too_short_timestamp", HEADER, EXPIRY("1"),
		 "dpp-connector-expired"},
		{"connector_error_invalid_timestamp", HEADER, EXPIRY("1111111111111111111"),
		 "dpp-connector-expired"},
		{"connector_error_invalid_timestamp_date", HEADER, EXPIRY("9999-99-99T99:99:99Z"),
		 "dpp-connector-expired"},
		{"connector_error_invalid_time_zone", HEADER, EXPIRY("2018-01-01T00:00:00*"),
		 "dpp-connector-expired"},
		{"a time zone that is none, later", HEADER, EXPIRY("2030-01-01T00:00:00*"),
		 "dpp-connector-expired"},
		{"connector_error_invalid_time_zone_2", HEADER, EXPIRY("2018-01-01T00:00:00+"),
		 "dpp-connector-expired"},
		{"connector_error_expired_1", HEADER, EXPIRY("2018-01-01T00:00:00"),
		 "dpp-connector-expired"},
		{"connector_error_expired_2", HEADER, EXPIRY("2018-01-01T00:00:00Z"),
		 "dpp-connector-expired"},
		{"connector_error_expired_3", HEADER, EXPIRY("2018-01-01T00:00:00+01"),
		 "dpp-connector-expired"},
		{"connector_error_expired_4", HEADER, EXPIRY("2018-01-01T00:00:00+01:02"),
		 "dpp-connector-expired"},
		{"connector_error_expired_5", HEADER, EXPIRY("2018-01-01T00:00:00-01"),
		 "dpp-connector-expired"},
		{"connector_error_expired_6", HEADER, EXPIRY("2018-01-01T00:00:00-01:02"),
		 "dpp-connector-expired"},
		/* the same forms of an end to come are read */
		{"a time without a zone", HEADER, EXPIRY("2030-01-01T00:00:00"), NULL},
		{"a zone of hours", HEADER, EXPIRY("2030-01-01T00:00:00+01"), NULL},
		{"a zone to the west", HEADER, EXPIRY("2030-01-01T00:00:00-01:02"), NULL},
		/* 08:00:00Z is now */
		{"an hour ahead of now in the east", HEADER, EXPIRY("2027-01-15T09:30:00+02:00"),
		 "dpp-connector-expired"},
		{"an hour behind now in the west", HEADER, EXPIRY("2027-01-15T07:30:00-02:00"),
		 NULL},
		{"connector_error_no_groups", HEADER, "{\"netAccessKey\":OWN}",
		 "json-missing-member"},
		{"connector_error_empty_groups", HEADER, "{\"groups\":[],\"netAccessKey\":OWN}",
		 "dpp-connector-groups"},
		{"connector_error_missing_group_id", HEADER,
		 "{\"groups\":[{\"netRole\":\"sta\"}],\"netAccessKey\":OWN}",
		 "json-missing-member"},
		{"connector_error_missing_net_role", HEADER,
		 "{\"groups\":[{\"groupId\":\"*\"}],\"netAccessKey\":OWN}", "json-missing-member"},
		{"connector_error_missing_net_access_key", HEADER, "{" GROUPS "}",
		 "json-missing-member"},
		{"connector_error_net_access_key_mismatch", HEADER,
		 "{" GROUPS ",\"netAccessKey\":OTHER}", "dpp-net-access-key"},
		{"groups that are no list", HEADER, "{\"groups\":{},\"netAccessKey\":OWN}",
		 "json-member-type"},
		{"a payload that is no object", HEADER, "1", "json-syntax"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_BUF jws = {0};
		BERTH_BUF json = {0};
		sign(rows[i].header, rows[i].payload, &jws);
		build_object(&jws, "SIGN", &json);
		assert_rule(rows[i].name, &json, rows[i].rule);
	}
}

static void
each_broken_signature_is_refused(void **state)
{
	static const struct {
		const char *name, *jws, *rule;
	} rows[] = {
		{"signed_connector_error_no_dot_1", "MTIz", "json-syntax"},
		{"signed_connector_error_no_dot_2", "HEAD.MTIz", "ec-signature"},
		{"signed_connector_error_unexpected_signature_len", "HEAD.MTIz.MTIz",
		 "ec-signature"},
		{"signed_connector_error_invalid_signature_der", "HEAD.MTIz.MTI", "ec-signature"},
		{"unexpected_signed_connector_char", "a!b", "base64-syntax"},
		{"a signature that is no base64url", "HEAD.MTIz.M=", "base64-syntax"},
		{"a fourth part", "HEAD.MTIz.MTIz.MTIz", "base64-syntax"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_BUF header = {0};
		BERTH_BUF head = {0};
		BERTH_BUF jws = {0};
		BERTH_BUF json = {0};
		append(&header, HEADER);
		replace(&header, "KID", my.kid);
		encode(&header, &head);
		assert_int_equal(berth_buf_append_u8(&head, 0), BERTH_OK);
		append(&jws, rows[i].jws);
		replace(&jws, "HEAD", (const char *)head.p);
		build_object(&jws, "SIGN", &json);
		assert_rule(rows[i].name, &json, rows[i].rule);
	}
}

#define COORDINATE "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY" /* 32 octets */
#define POINT(x, y) "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" x "\",\"y\":\"" y "\"}"

static void
each_c_sign_key_is_judged_for_its_own_fault(void **state)
{
	static const struct {
		const char *name, *jwk, *rule;
	} rows[] = {
		{"no_csign", NULL, "dpp-object"},
		{"jwk_error_no_kid", "SIGN", NULL}, /* it need not have one */
		{"jwk_error_no_kty",
		 "{\"crv\":\"P-256\",\"x\":\"" COORDINATE "\",\"y\":\"" COORDINATE "\"}",
		 "json-missing-member"},
		{"jwk_error_unexpected_kty",
		 "{\"kty\":\"unknown\",\"crv\":\"P-256\",\"x\":\"" COORDINATE
		 "\",\"y\":\"" COORDINATE "\"}",
		 "dpp-jwk"},
		{"jwk_error_no_crv",
		 "{\"kty\":\"EC\",\"x\":\"" COORDINATE "\",\"y\":\"" COORDINATE "\"}",
		 "json-missing-member"},
		{"jwk_error_unsupported_crv",
		 "{\"kty\":\"EC\",\"crv\":\"unsupported\",\"x\":\"" COORDINATE
		 "\",\"y\":\"" COORDINATE "\"}",
		 "dpp-jwk"},
		{"jwk_error_no_x", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"y\":\"" COORDINATE "\"}",
		 "json-missing-member"},
		{"jwk_error_invalid_x", POINT("MTIz", COORDINATE), "dpp-jwk"},
		{"jwk_error_no_y", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" COORDINATE "\"}",
		 "json-missing-member"},
		{"jwk_error_invalid_y", POINT(COORDINATE, "MTIz"), "ec-point"},
		{"jwk_error_invalid_xy", POINT(COORDINATE, COORDINATE), "ec-point"},
		{"a key that is no object", "1", "json-member-type"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_BUF jws = {0};
		BERTH_BUF json = {0};
		sign(HEADER, PAYLOAD, &jws);
		build_object(&jws, rows[i].jwk, &json);
		assert_rule(rows[i].name, &json, rows[i].rule);
	}
	/* no_signed_connector */
	BERTH_BUF json = {0};
	build_object(NULL, "SIGN", &json);
	assert_rule("no_signed_connector", &json, "dpp-object");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_object_is_judged_for_its_own_fault),
		cmocka_unit_test(each_connector_is_judged_for_its_own_fault),
		cmocka_unit_test(each_broken_signature_is_refused),
		cmocka_unit_test(each_c_sign_key_is_judged_for_its_own_fault),
	};

	if (berth_pki_open(&pki, NULL) != BERTH_OK)
		return 1;
	int failed = cmocka_run_group_tests(tests, open_all, close_all);
	berth_pki_close(pki);
	return failed;
}
