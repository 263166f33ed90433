/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/cbor.h"

#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct berth_bytes
unhex(const char *text, struct berth_buf *buf)
{
	berth_buf_clear(buf);
	assert_int_equal(berth_hex_decode(berth_text(text), buf, NULL), BERTH_OK);
	return berth_buf_view(buf);
}

/* RFC 8949 appendix A. */
static void
writes_numbers_as_the_rfc_does(void **state)
{
	(void)state;
	static const struct {
		int64_t v;
		const char *hex;
	} rows[] = {
		{0, "00"},
		{23, "17"},
		{24, "1818"},
		{100, "1864"},
		{1000, "1903e8"},
		{1000000, "1a000f4240"},
		{1000000000000, "1b000000e8d4a51000"},
		{-1, "20"},
		{-100, "3863"},
		{-1000, "3903e7"},
		{INT64_MIN, "3b7fffffffffffffff"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_BUF out = {0};
		BERTH_BUF want = {0};
		assert_int_equal(berth_cbor_put_int(&out, rows[i].v), BERTH_OK);
		assert_true(berth_bytes_equal(berth_buf_view(&out), unhex(rows[i].hex, &want)));
		struct berth_cbor c = berth_cbor(berth_buf_view(&out));
		assert_true(berth_cbor_int(&c) == rows[i].v);
		assert_int_equal(berth_cbor_end(&c, "test", NULL), BERTH_OK);
	}
	BERTH_BUF out = {0};
	BERTH_BUF want = {0};
	assert_int_equal(berth_cbor_put_uint(&out, UINT64_MAX), BERTH_OK);
	assert_true(berth_bytes_equal(berth_buf_view(&out), unhex("1bffffffffffffffff", &want)));
}

/* {"a": 1, "b": [2, 3]}, tagged; RFC 8949 appendix A has it without the tag. */
static void
writes_and_reads_what_nests(void **state)
{
	(void)state;
	BERTH_BUF out = {0};
	BERTH_BUF want = {0};
	assert_int_equal(berth_cbor_put_tag(&out, 18), BERTH_OK);
	assert_int_equal(berth_cbor_put_map(&out, 2), BERTH_OK);
	assert_int_equal(berth_cbor_put_text(&out, BERTH_LIT("a")), BERTH_OK);
	assert_int_equal(berth_cbor_put_uint(&out, 1), BERTH_OK);
	assert_int_equal(berth_cbor_put_text(&out, BERTH_LIT("b")), BERTH_OK);
	assert_int_equal(berth_cbor_put_array(&out, 3), BERTH_OK);
	assert_int_equal(berth_cbor_put_bytes(&out, BERTH_LIT("\x01\x02")), BERTH_OK);
	assert_int_equal(berth_cbor_put_bool(&out, true), BERTH_OK);
	assert_int_equal(berth_cbor_put_null(&out), BERTH_OK);
	assert_true(berth_bytes_equal(berth_buf_view(&out),
				      unhex("d2a2616101616283420102f5f6", &want)));
	assert_int_equal(berth_cbor_check(berth_buf_view(&out), true, NULL), BERTH_OK);

	struct berth_cbor c = berth_cbor(berth_buf_view(&out));
	assert_int_equal(berth_cbor_tag(&c), 18);
	assert_int_equal(berth_cbor_map(&c, 2), 2);
	assert_true(berth_bytes_equal_text(berth_cbor_text(&c, 1), "a"));
	assert_int_equal(berth_cbor_skip(&c).n, 1);
	assert_true(berth_bytes_equal_text(berth_cbor_text(&c, 1), "b"));
	struct berth_cbor before = c;
	assert_int_equal(berth_cbor_skip(&before).n, 6);
	assert_int_equal(berth_cbor_array(&c, 3), 3);
	assert_true(berth_bytes_equal(berth_cbor_bytes(&c, 2), BERTH_LIT("\x01\x02")));
	assert_true(berth_cbor_bool(&c));
	assert_int_equal(berth_cbor_peek(&c), BERTH_CBOR_NULL);
	berth_cbor_null(&c);
	assert_int_equal(berth_cbor_peek(&c), BERTH_CBOR_NONE);
	assert_int_equal(berth_cbor_end(&c, "test", NULL), BERTH_OK);
}

static void
refuses_what_is_not_one_whole_item(void **state)
{
	(void)state;
	static const struct {
		const char *hex;
		enum berth_err err;
	} rows[] = {
		{"", BERTH_E_SYNTAX},
		{"0000", BERTH_E_SYNTAX},		/* two items */
		{"18", BERTH_E_SYNTAX},			/* a number without its byte */
		{"1b00000000000000", BERTH_E_SYNTAX},	/* seven of eight */
		{"1c", BERTH_E_SYNTAX},			/* reserved */
		{"4201", BERTH_E_SYNTAX},		/* two bytes announced, one there */
		{"5bffffffffffffffff", BERTH_E_SYNTAX}, /* nobody has that many */
		{"62c328", BERTH_E_SYNTAX},		/* not UTF-8 */
		{"8201", BERTH_E_SYNTAX},		/* one item of two */
		{"9bffffffffffffffff00", BERTH_E_SYNTAX},
		{"bbffffffffffffffff00", BERTH_E_LIMIT},
		{"a101", BERTH_E_SYNTAX},	 /* a key without value */
		{"c0", BERTH_E_SYNTAX},		 /* a tag of nothing */
		{"f800", BERTH_E_SYNTAX},	 /* RFC 8949 3.3 */
		{"f81f", BERTH_E_SYNTAX},	 /* the last such value */
		{"9f01ff", BERTH_E_UNSUPPORTED}, /* of indefinite length */
		{"5f4101ff", BERTH_E_UNSUPPORTED},
		{"ff", BERTH_E_UNSUPPORTED},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_BUF in = {0};
		struct berth_why why = {0};
		print_message("%s\n", rows[i].hex);
		assert_int_equal(berth_cbor_check(unhex(rows[i].hex, &in), false, &why),
				 rows[i].err);
		assert_string_equal(why.rule, "cbor");
	}
}

static void
knows_one_form_from_many(void **state)
{
	(void)state;
	static const struct {
		const char *hex;
		bool is_deterministic;
	} rows[] = {
		{"17", true},
		{"1817", false}, /* 23 in two bytes */
		{"190017", false},
		{"1900ff", false},
		{"190100", true},
		{"1a0000ffff", false},
		{"1b00000000ffffffff", false},
		{"580101", false}, /* a length that could be shorter */
		{"a201020304", true},
		{"a203040102", false}, /* keys out of order */
		{"a201020103", false}, /* a key twice */
		{"a261610161610a", false},
		{"a20a00613100", true}, /* RFC 8949 4.2.1: bytewise, 10 before "1" */
		{"a26131000a00", false},
		{"a1a20201010000", false}, /* a key that is itself out of order */
		{"f93c00", true},	   /* floats are taken as they are */
		{"f820", true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_BUF in = {0};
		print_message("%s\n", rows[i].hex);
		assert_int_equal(berth_cbor_check(unhex(rows[i].hex, &in), false, NULL), BERTH_OK);
		assert_int_equal(berth_cbor_check(berth_buf_view(&in), true, NULL) == BERTH_OK,
				 rows[i].is_deterministic);
	}
}

static void
stops_at_its_depth(void **state)
{
	(void)state;
	uint8_t nested[BERTH_CBOR_DEPTH_MAX + 2];
	memset(nested, 0x81, sizeof(nested));
	nested[BERTH_CBOR_DEPTH_MAX] = 0x00;
	assert_int_equal(
		berth_cbor_check(berth_bytes_of(nested, BERTH_CBOR_DEPTH_MAX + 1), true, NULL),
		BERTH_OK);
	nested[BERTH_CBOR_DEPTH_MAX] = 0x81;
	nested[BERTH_CBOR_DEPTH_MAX + 1] = 0x00;
	assert_int_equal(berth_cbor_check(berth_bytes_of(nested, sizeof(nested)), true, NULL),
			 BERTH_E_LIMIT);
	/* An empty array holds nothing, so it needs no level. */
	nested[BERTH_CBOR_DEPTH_MAX] = 0x80;
	assert_int_equal(
		berth_cbor_check(berth_bytes_of(nested, BERTH_CBOR_DEPTH_MAX + 1), true, NULL),
		BERTH_OK);
}

static void
holds_readers_to_kind_and_limit(void **state)
{
	(void)state;
	BERTH_BUF in = {0};
	struct berth_cbor c = berth_cbor(unhex("1903e8", &in));
	assert_int_equal(berth_cbor_uint(&c, 999), 0);
	assert_int_equal(c.err, BERTH_E_LIMIT);
	c = berth_cbor(berth_buf_view(&in));
	assert_int_equal(berth_cbor_bytes(&c, 9).n, 0);
	assert_int_equal(c.err, BERTH_E_SYNTAX);
	assert_int_equal(berth_cbor_uint(&c, UINT64_MAX), 0); /* sticky */
	c = berth_cbor(unhex("3bffffffffffffffff", &in));
	assert_int_equal(berth_cbor_int(&c), 0);
	assert_int_equal(c.err, BERTH_E_LIMIT);
	c = berth_cbor(unhex("43010203", &in));
	assert_int_equal(berth_cbor_bytes(&c, 2).n, 0);
	assert_int_equal(c.err, BERTH_E_LIMIT);
	c = berth_cbor(unhex("83010203", &in));
	assert_int_equal(berth_cbor_array(&c, 2), 0);
	assert_int_equal(c.err, BERTH_E_LIMIT);
	c = berth_cbor(unhex("f4", &in));
	assert_false(berth_cbor_bool(&c));
	assert_int_equal(berth_cbor_end(&c, "test", NULL), BERTH_OK);
	BERTH_BUF out = {0};
	assert_int_equal(berth_cbor_put_text(&out, BERTH_LIT("\xc3\x28")), BERTH_E_SYNTAX);
	assert_int_equal(out.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_numbers_as_the_rfc_does),
		cmocka_unit_test(writes_and_reads_what_nests),
		cmocka_unit_test(refuses_what_is_not_one_whole_item),
		cmocka_unit_test(knows_one_form_from_many),
		cmocka_unit_test(stops_at_its_depth),
		cmocka_unit_test(holds_readers_to_kind_and_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
