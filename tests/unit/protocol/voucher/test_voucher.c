/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/voucher/voucher.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ARENA_BYTES ((size_t)256 << 10)
#define V(members) "{\"ietf-voucher:voucher\":{" members "}}"
#define R(members) "{\"ietf-voucher-request:voucher\":{" members "}}"
#define SERIAL "\"serial-number\":\"00-D0-E5-F2-00-02\""
#define NONCE "\"nonce\":\"MTIzNDU2Nzg5MDEyMzQ1Ng==\""
#define CREATED "\"created-on\":\"2021-04-13T21:43:23Z\""
#define PINNED "\"pinned-domain-cert\":\"MAA=\""
#define LOGGED "\"assertion\":\"logged\""

static enum berth_err
parse(const char *json, enum berth_voucher_kind kind, struct berth_arena *arena,
      struct berth_voucher *ret, struct berth_why *why)
{
	berth_arena_start(arena, ARENA_BYTES);
	return berth_voucher_parse(berth_text(json), kind, arena, ret, why);
}

/* req: rfc8366-5.3-1 */
static void
reads_every_member(void **state)
{
	(void)state;
	BERTH_ARENA arena = {0};
	struct berth_voucher v = {0};

	assert_int_equal(
		parse(R(SERIAL "," NONCE "," CREATED "," PINNED "," LOGGED
			       ",\"expires-on\":\"2022-01-01T00:00:00Z\""
			       ",\"last-renewal-date\":\"2023-01-01T00:00:00Z\""
			       ",\"idevid-issuer\":\"MAA=\",\"domain-cert-revocation-checks\":true"
			       ",\"proximity-registrar-cert\":\"MAEA\""
			       ",\"prior-signed-voucher-request\":\"MAEB\""),
		      BERTH_VOUCHER_REQUEST_REGISTRAR, &arena, &v, NULL),
		BERTH_OK);
	assert_int_equal(v.kind, BERTH_VOUCHER_REQUEST_REGISTRAR);
	assert_true(berth_bytes_equal_text(v.serial_number, "00-D0-E5-F2-00-02"));
	assert_true(berth_bytes_equal_text(v.nonce, "1234567890123456"));
	assert_true(v.has_created_on);
	assert_int_equal(v.created_on.s, 1618350203);
	assert_true(v.has_expires_on && v.has_last_renewal_date);
	assert_int_equal(v.assertion, BERTH_ASSERTION_LOGGED);
	assert_true(v.has_revocation_checks && v.domain_cert_revocation_checks);
	assert_int_equal(v.idevid_issuer.n, 2);
	assert_int_equal(v.pinned_domain_cert.n, 2);
	assert_int_equal(v.proximity_registrar_cert.n, 3);
	assert_int_equal(v.prior_signed_voucher_request.n, 3);
}

static void
reads_dates_with_fraction_and_offset(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		int64_t want_s;
	} rows[] = {
		{V("\"created-on\":\"2021-04-13T17:43:24.589-04:00\""), 1618350204},
		{V("\"created-on\":\"2021-04-13T21:43:23.787Z\""), 1618350203},
		{V("\"created-on\":\"2021-04-13T21:43:23Z\""), 1618350203},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_ARENA arena = {0};
		struct berth_voucher v = {0};

		print_message("%s\n", rows[i].json);
		assert_int_equal(parse(rows[i].json, BERTH_VOUCHER, &arena, &v, NULL), BERTH_OK);
		assert_int_equal(v.created_on.s, rows[i].want_s);
	}
}

static void
keeps_the_alphabet_of_a_url_safe_nonce(void **state)
{
	(void)state;
	const char *json = V("\"nonce\":\"-_XE9zK9q8Ll1qylMtLKeg\"");
	BERTH_ARENA arena = {0};
	BERTH_BUF out = {0};
	struct berth_voucher v = {0};

	assert_int_equal(parse(json, BERTH_VOUCHER, &arena, &v, NULL), BERTH_OK);
	assert_true(v.nonce_is_url_safe);
	assert_int_equal(v.nonce.n, 16);
	assert_int_equal(v.nonce.p[0], 0xfb);
	assert_int_equal(berth_voucher_encode(&v, &out, NULL), BERTH_OK);
	assert_true(berth_bytes_equal_text(berth_buf_view(&out), json));
}

/* req: rfc8995-5.6.1-p5 */
static void
ignores_members_it_does_not_know(void **state)
{
	(void)state;
	BERTH_ARENA arena = {0};
	struct berth_voucher v = {0};

	assert_int_equal(parse(V(SERIAL ",\"est-domain\":\"x.example\",\"more\":{\"a\":[1]}"),
			       BERTH_VOUCHER, &arena, &v, NULL),
			 BERTH_OK);
}

/* req: rfc8366-5.3-assertion, rfc8366-5.3-nonce-length */
static void
refuses_each_fault_by_its_rule(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		const char *rule;
	} rows[] = {
		{"", "json-syntax"},
		{"[]", "rfc8366-5.3-top-level"},
		{"{}", "rfc8366-5.3-top-level"},
		{R(SERIAL), "rfc8366-5.3-top-level"},
		{"{\"ietf-voucher:voucher\":{},\"other\":1}", "rfc8366-5.3-top-level"},
		{"{\"ietf-voucher:voucher\":[]}", "rfc8366-5.3-top-level"},
		{V(SERIAL "," SERIAL), "json-duplicate-key"},
		{V(SERIAL) "x", "json-trailing-bytes"},
		{V(SERIAL) " {}", "json-trailing-bytes"},
		{V("\"serial-number\":7"), "json-member-type"},
		{V("\"serial-number\":\"\""), "rfc8366-5.3-length"},
		{V("\"created-on\":\"2021-04-13\""), "rfc8366-5.3-date"},
		{V("\"expires-on\":\"2021-13-01T00:00:00Z\""), "rfc8366-5.3-date"},
		{V("\"last-renewal-date\":\"\""), "rfc8366-5.3-date"},
		{V("\"assertion\":\"trust-me\""), "rfc8366-5.3-assertion"},
		{V("\"assertion\":\"\""), "rfc8366-5.3-assertion"},
		{V("\"assertion\":null"), "json-member-type"},
		{V("\"nonce\":null"), "json-member-type"},
		{V("\"nonce\":\"MTIzNDU2Nw==\""), "rfc8366-5.3-nonce-length"},
		{V("\"nonce\":\"MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\""),
		 "rfc8366-5.3-nonce-length"},
		{V("\"nonce\":\"not base64 at all\""), "rfc8366-5.3-base64"},
		{V("\"nonce\":\"-_XE9zK9q8Ll1qylMtLKe+\""), "rfc8366-5.3-base64"},
		{V("\"pinned-domain-cert\":\"MA==\\n\""), "rfc8366-5.3-base64"},
		{V("\"pinned-domain-cert\":\"\""), "rfc8366-5.3-base64"},
		{V("\"pinned-domain-cert\":\"MAA\""), "rfc8366-5.3-base64"},
		{V("\"domain-cert-revocation-checks\":\"false\""), "json-member-type"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_ARENA arena = {0};
		struct berth_voucher v = {.assertion = BERTH_ASSERTION_VERIFIED};
		struct berth_why why = {0};

		print_message("%s\n", rows[i].json);
		assert_int_not_equal(parse(rows[i].json, BERTH_VOUCHER, &arena, &v, &why),
				     BERTH_OK);
		assert_string_equal(why.rule, rows[i].rule);
		assert_int_equal(v.assertion, BERTH_ASSERTION_VERIFIED); /* untouched */
	}
}

/* What a complete artefact of each kind is, and the smallest change that spoils it. */
/* req: rfc8366-5.3-1, rfc8995-5.2-1, rfc8995-5.5-1 */
/* req: rfc8366-5.3-renewal-date, rfc8995-3.4-no-prior */
static void
judges_the_members_of_each_kind(void **state)
{
	(void)state;
	static const struct {
		enum berth_voucher_kind kind;
		const char *json;
		const char *rule; /* NULL: accepted */
	} rows[] = {
		{BERTH_VOUCHER, V(SERIAL "," NONCE "," CREATED "," PINNED "," LOGGED), NULL},
		{BERTH_VOUCHER, V(NONCE "," CREATED "," PINNED "," LOGGED),
		 "rfc8366-5.3-serial-number-missing"},
		{BERTH_VOUCHER, V(SERIAL "," NONCE "," PINNED "," LOGGED),
		 "rfc8366-5.3-created-on-missing"},
		{BERTH_VOUCHER, V(SERIAL "," NONCE "," CREATED "," LOGGED),
		 "rfc8366-5.3-pinned-domain-cert-missing"},
		{BERTH_VOUCHER, V(SERIAL "," NONCE "," CREATED "," PINNED),
		 "rfc8366-5.3-assertion-missing"},
		{BERTH_VOUCHER, V(SERIAL "," CREATED "," PINNED "," LOGGED),
		 "rfc8366-5.3-unlimited"},
		{BERTH_VOUCHER,
		 V(SERIAL "," CREATED "," PINNED "," LOGGED
			  ",\"expires-on\":\"2022-01-01T00:00:00Z\""),
		 NULL},
		{BERTH_VOUCHER,
		 V(SERIAL "," NONCE "," CREATED "," PINNED "," LOGGED
			  ",\"expires-on\":\"2022-01-01T00:00:00Z\""),
		 "rfc8366-5.3-nonce-and-expires-on"},
		{BERTH_VOUCHER,
		 V(SERIAL "," NONCE "," CREATED "," PINNED "," LOGGED
			  ",\"last-renewal-date\":\"2022-01-01T00:00:00Z\""),
		 "rfc8366-5.3-renewal-without-expiry"},
		{BERTH_VOUCHER,
		 V(SERIAL "," NONCE "," CREATED "," PINNED "," LOGGED
			  ",\"prior-signed-voucher-request\":\"MAA=\""),
		 "rfc8366-5.3-prior-signed-present"},
		{BERTH_VOUCHER,
		 V(SERIAL "," NONCE "," CREATED "," PINNED "," LOGGED
			  ",\"proximity-registrar-cert\":\"MAA=\""),
		 "rfc8366-5.3-proximity-present"},
		{BERTH_VOUCHER_REQUEST_PLEDGE,
		 R(SERIAL "," NONCE
			  ",\"assertion\":\"proximity\",\"proximity-registrar-cert\":\"MAA=\""),
		 NULL},
		{BERTH_VOUCHER_REQUEST_PLEDGE,
		 R(SERIAL ",\"assertion\":\"proximity\",\"proximity-registrar-cert\":\"MAA=\""),
		 "rfc8995-5.2-nonce-missing"},
		{BERTH_VOUCHER_REQUEST_PLEDGE, R(SERIAL "," NONCE ",\"assertion\":\"proximity\""),
		 "rfc8995-5.2-proximity-cert-missing"},
		{BERTH_VOUCHER_REQUEST_PLEDGE,
		 R(SERIAL "," NONCE ",\"prior-signed-voucher-request\":\"MAA=\""),
		 "rfc8995-5.2-prior-signed-present"},
		{BERTH_VOUCHER_REQUEST_PLEDGE, R(SERIAL "," NONCE "," PINNED),
		 "rfc8995-3.3-pinned-present"},
		{BERTH_VOUCHER_REQUEST_REGISTRAR, R(SERIAL "," CREATED), NULL},
		{BERTH_VOUCHER_REQUEST_REGISTRAR, R(SERIAL), "rfc8995-5.5-created-on-missing"},
		{BERTH_VOUCHER_REQUEST_REGISTRAR,
		 R(SERIAL "," CREATED ",\"proximity-registrar-cert\":\"MAA=\""),
		 "rfc8995-5.5-proximity-cert-present"},
		{BERTH_VOUCHER_REQUEST_REGISTRAR, R(SERIAL "," CREATED "," PINNED),
		 "rfc8995-3.3-pinned-present"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_ARENA arena = {0};
		struct berth_voucher v = {0};
		struct berth_why why = {0};

		print_message("%d %s\n", rows[i].kind, rows[i].json);
		assert_int_equal(parse(rows[i].json, rows[i].kind, &arena, &v, NULL), BERTH_OK);
		enum berth_err err = berth_voucher_check_kind(&v, &why);
		if (!rows[i].rule) {
			assert_int_equal(err, BERTH_OK);
			continue;
		}
		assert_int_not_equal(err, BERTH_OK);
		assert_string_equal(why.rule, rows[i].rule);
	}
}

static void
reads_what_it_writes(void **state)
{
	(void)state;
	static const char *const rows[] = {
		V("\"assertion\":\"verified\",\"created-on\":\"2021-04-13T21:43:23Z\","
		  "\"expires-on\":\"2022-04-13T21:43:23Z\","
		  "\"last-renewal-date\":\"2023-04-13T21:43:23Z\"," SERIAL
		  ",\"idevid-issuer\":\"MAA=\"," PINNED ",\"domain-cert-revocation-checks\":true"),
		V("\"serial-number\":\"\\\"\\\\ \xc3\xa9\""),
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_ARENA arena = {0};
		BERTH_BUF out = {0};
		struct berth_voucher v = {0};

		assert_int_equal(parse(rows[i], BERTH_VOUCHER, &arena, &v, NULL), BERTH_OK);
		assert_int_equal(berth_voucher_encode(&v, &out, NULL), BERTH_OK);
		assert_true(berth_bytes_equal_text(berth_buf_view(&out), rows[i]));
	}
}

static void
tells_the_kinds_apart(void **state)
{
	(void)state;
	enum berth_voucher_kind kind = BERTH_VOUCHER_REQUEST_PLEDGE;
	struct berth_why why = {0};

	assert_int_equal(berth_voucher_kind_of(berth_text(V(SERIAL)), &kind, NULL), BERTH_OK);
	assert_int_equal(kind, BERTH_VOUCHER);
	assert_int_equal(
		berth_voucher_kind_of(berth_text(R("\"proximity-registrar-cert\":\"MAA=\"")), &kind,
				      NULL),
		BERTH_OK);
	assert_int_equal(kind, BERTH_VOUCHER_REQUEST_PLEDGE);
	assert_int_equal(
		berth_voucher_kind_of(berth_text(R("\"prior-signed-voucher-request\":\"MAA=\"")),
				      &kind, NULL),
		BERTH_OK);
	assert_int_equal(kind, BERTH_VOUCHER_REQUEST_REGISTRAR);
	assert_int_not_equal(berth_voucher_kind_of(berth_text("{\"x\":1}"), &kind, &why), BERTH_OK);
	assert_string_equal(why.rule, "rfc8366-5.3-top-level");
}

/* req: rfc8366-5.3-2 */
static void
knows_an_issuer_in_all_three_forms(void **state)
{
	(void)state;
	static const uint8_t wrapped[] = {0x04, 8, 0x30, 6, 0x80, 4, 1, 2, 3, 4};
	static const uint8_t other[] = {0x30, 6, 0x80, 4, 1, 2, 3, 5};
	static const uint8_t long_form[] = {0x30, 0x0b, 0x80, 4, 1, 2, 3, 4, 0x82, 3, 9, 9, 9};
	const struct berth_bytes aki = berth_bytes_of(wrapped + 2, 8);
	const struct berth_bytes key_id = berth_bytes_of(wrapped + 6, 4);

	assert_true(berth_voucher_issuer_matches(berth_bytes_of(wrapped, sizeof(wrapped)), aki));
	assert_true(berth_voucher_issuer_matches(aki, aki));
	assert_true(berth_voucher_issuer_matches(key_id, aki));
	assert_true(
		berth_voucher_issuer_matches(aki, berth_bytes_of(long_form, sizeof(long_form))));
	assert_false(berth_voucher_issuer_matches(berth_bytes_of(other, sizeof(other)), aki));
	assert_false(berth_voucher_issuer_matches(berth_bytes_of(wrapped + 6, 3), aki));
	assert_false(berth_voucher_issuer_matches(BERTH_BYTES_NONE, aki));
	assert_false(berth_voucher_issuer_matches(aki, BERTH_BYTES_NONE));
	assert_true(berth_bytes_equal(
		berth_voucher_issuer_key_id(berth_bytes_of(wrapped, sizeof(wrapped))), key_id));
	assert_true(berth_bytes_equal(berth_voucher_issuer_key_id(aki), key_id));
	assert_true(berth_bytes_equal(berth_voucher_issuer_key_id(key_id), key_id));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_member),
		cmocka_unit_test(reads_dates_with_fraction_and_offset),
		cmocka_unit_test(keeps_the_alphabet_of_a_url_safe_nonce),
		cmocka_unit_test(ignores_members_it_does_not_know),
		cmocka_unit_test(refuses_each_fault_by_its_rule),
		cmocka_unit_test(judges_the_members_of_each_kind),
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(tells_the_kinds_apart),
		cmocka_unit_test(knows_an_issuer_in_all_three_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
