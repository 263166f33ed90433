/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/json.h"
#include "codec/json_plain.h"
#include "codec/json_write.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct berth_json_limits limits = {.max_bytes = 200, .max_depth = 3, .max_values = 10};

static json_t *
parse(const char *text)
{
	json_t *root = NULL;

	assert_int_equal(berth_json_parse(berth_text(text), NULL, &root, NULL), BERTH_OK);
	return root;
}

static void
refuses_each_fault_by_its_rule(void **state)
{
	(void)state;
	static const struct {
		struct berth_bytes in;
		enum berth_err err;
		const char *rule;
	} rows[] = {
		{BERTH_LIT_INIT("{\"a\":1,\"a\":1}"), BERTH_E_SYNTAX, "json-duplicate-key"},
		{BERTH_LIT_INIT("{\"a\":1,\"\\u0061\":1}"), BERTH_E_SYNTAX, "json-duplicate-key"},
		{BERTH_LIT_INIT("{} {}"), BERTH_E_SYNTAX, "json-trailing-bytes"},
		{BERTH_LIT_INIT("{}x"), BERTH_E_SYNTAX, "json-trailing-bytes"},
		{BERTH_LIT_INIT("{}\0"), BERTH_E_SYNTAX, "json-trailing-bytes"},
		{BERTH_LIT_INIT("[\"\\u0000\"]"), BERTH_E_SYNTAX, "json-nul"},
		{BERTH_LIT_INIT("{\"a\\u0000\":1}"), BERTH_E_SYNTAX, "json-nul"},
		{BERTH_LIT_INIT("[\"\xff\"]"), BERTH_E_SYNTAX, "json-utf8"},
		{BERTH_LIT_INIT("[\"\xc0\xaf\"]"), BERTH_E_SYNTAX, "json-utf8"},
		{BERTH_LIT_INIT("[\"a\0b\"]"), BERTH_E_SYNTAX, "json-syntax"},
		{BERTH_LIT_INIT(""), BERTH_E_SYNTAX, "json-syntax"},
		{BERTH_LIT_INIT(" "), BERTH_E_SYNTAX, "json-syntax"},
		{BERTH_LIT_INIT("1"), BERTH_E_SYNTAX, "json-syntax"},
		{BERTH_LIT_INIT("\"text\""), BERTH_E_SYNTAX, "json-syntax"},
		{BERTH_LIT_INIT("{\"a\":1"), BERTH_E_SYNTAX, "json-syntax"},
		{BERTH_LIT_INIT("{\"a\":1,}"), BERTH_E_SYNTAX, "json-syntax"},
		{BERTH_LIT_INIT("{a:1}"), BERTH_E_SYNTAX, "json-syntax"},
		{BERTH_LIT_INIT("[01]"), BERTH_E_SYNTAX, "json-syntax"},
		{BERTH_LIT_INIT("[NaN]"), BERTH_E_SYNTAX, "json-syntax"},
		{BERTH_LIT_INIT("[99999999999999999999]"), BERTH_E_SYNTAX, "json-syntax"},
		{BERTH_LIT_INIT("[[[[]]]]"), BERTH_E_LIMIT, "json-depth"},
		{BERTH_LIT_INIT("[1,2,3,4,5,6,7,8,9,10]"), BERTH_E_LIMIT, "json-values"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *root = NULL;
		struct berth_why why = {0};

		print_message("%s\n", (const char *)rows[i].in.p);
		assert_int_equal(berth_json_parse(rows[i].in, &limits, &root, &why), rows[i].err);
		assert_string_equal(why.rule, rows[i].rule);
		assert_null(root);
	}
}

static void
refuses_one_byte_more_than_allowed(void **state)
{
	(void)state;
	char text[202];
	json_t *root = NULL;
	struct berth_why why = {0};

	memset(text, ' ', sizeof(text));
	memcpy(text, "{}", 2);
	assert_int_equal(berth_json_parse(berth_bytes_of(text, 201), &limits, &root, &why),
			 BERTH_E_LIMIT);
	assert_string_equal(why.rule, "json-size");
	assert_int_equal(berth_json_parse(berth_bytes_of(text, 200), &limits, &root, &why),
			 BERTH_OK);
	json_decref(root);
}

static void
brackets_in_text_are_not_nesting(void **state)
{
	(void)state;
	BERTH_JSON json_t *root = NULL;

	assert_int_equal(berth_json_parse(BERTH_LIT("[\"[[[[{,,,,,,,,,,,,\\\"[[[\\\\\",[[1]]]"),
					  &limits, &root, NULL),
			 BERTH_OK);
}

static void
a_million_brackets_cost_no_stack(void **state)
{
	(void)state;
	static char text[1000000];
	const struct berth_json_limits wide = {.max_bytes = sizeof(text)};
	json_t *root = NULL;
	struct berth_why why = {0};

	memset(text, '[', sizeof(text));
	assert_int_equal(berth_json_parse(berth_bytes_of(text, sizeof(text)), &wide, &root, &why),
			 BERTH_E_LIMIT);
	assert_string_equal(why.rule, "json-depth");
	assert_int_equal(why.offset, BERTH_JSON_DEPTH_DEFAULT);
}

static void
gets_members_of_each_type(void **state)
{
	(void)state;
	BERTH_JSON json_t *root = parse("{\"t\":\"x\",\"i\":-3,\"b\":true,\"d\":\"AQI=\",\"o\":{},"
					"\"a\":[\"y\"]}");
	struct berth_bytes text = BERTH_BYTES_NONE;
	int64_t i = 0;
	bool b = false;
	BERTH_BUF d = {0};
	json_t *o = NULL;
	json_t *a = NULL;

	assert_int_equal(berth_json_get_text(root, "t", BERTH_JSON_REQUIRED, &text, NULL),
			 BERTH_OK);
	assert_true(berth_bytes_equal_text(text, "x"));
	assert_int_equal(berth_json_get_i64(root, "i", BERTH_JSON_REQUIRED, -3, 3, &i, NULL),
			 BERTH_OK);
	assert_int_equal(i, -3);
	assert_int_equal(berth_json_get_bool(root, "b", BERTH_JSON_REQUIRED, &b, NULL), BERTH_OK);
	assert_true(b);
	assert_int_equal(berth_json_get_base64(root, "d", BERTH_JSON_REQUIRED, &d, NULL), BERTH_OK);
	assert_true(berth_bytes_equal(berth_buf_view(&d), BERTH_LIT("\1\2")));
	assert_int_equal(berth_json_get_object(root, "o", BERTH_JSON_REQUIRED, &o, NULL), BERTH_OK);
	assert_non_null(o);
	assert_int_equal(berth_json_get_array(root, "a", BERTH_JSON_REQUIRED, &a, NULL), BERTH_OK);
	assert_int_equal(berth_json_element_text(a, 0, &text, NULL), BERTH_OK);
	assert_true(berth_bytes_equal_text(text, "y"));
	assert_int_equal(berth_json_element_text(a, 1, &text, NULL), BERTH_E_SYNTAX);
}

static void
a_missing_optional_member_changes_nothing(void **state)
{
	(void)state;
	BERTH_JSON json_t *root = parse("{}");
	struct berth_bytes text = BERTH_LIT("before");
	int64_t i = 7;
	bool b = true;
	BERTH_BUF d = {0};

	assert_int_equal(berth_json_get_text(root, "t", BERTH_JSON_OPTIONAL, &text, NULL),
			 BERTH_OK);
	assert_true(berth_bytes_equal_text(text, "before"));
	assert_int_equal(berth_json_get_i64(root, "i", BERTH_JSON_OPTIONAL, 0, 1, &i, NULL),
			 BERTH_OK);
	assert_int_equal(i, 7);
	assert_int_equal(berth_json_get_bool(root, "b", BERTH_JSON_OPTIONAL, &b, NULL), BERTH_OK);
	assert_true(b);
	assert_int_equal(berth_json_get_base64(root, "d", BERTH_JSON_OPTIONAL, &d, NULL), BERTH_OK);
	assert_int_equal(d.n, 0);
}

static void
refuses_members_missing_or_of_other_type_by_key(void **state)
{
	(void)state;
	BERTH_JSON json_t *root = parse("{\"n\":null,\"i\":4,\"r\":1.0,\"s\":\"A\",\"z\":1}");
	struct berth_bytes text = BERTH_BYTES_NONE;
	struct berth_why why = {0};
	int64_t i = 0;
	bool b = false;
	BERTH_BUF d = {0};

	assert_int_equal(berth_json_get_text(root, "t", BERTH_JSON_REQUIRED, &text, &why),
			 BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "json-missing-member");
	assert_non_null(strstr(why.sentence, "\"t\""));
	assert_int_equal(berth_json_get_text(root, "n", BERTH_JSON_OPTIONAL, &text, &why),
			 BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "json-member-type");
	assert_int_equal(berth_json_get_i64(root, "r", BERTH_JSON_REQUIRED, 0, 9, &i, &why),
			 BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "json-member-type");
	assert_int_equal(berth_json_get_i64(root, "i", BERTH_JSON_REQUIRED, 0, 3, &i, &why),
			 BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "json-member-range");
	assert_int_equal(berth_json_get_bool(root, "z", BERTH_JSON_REQUIRED, &b, &why),
			 BERTH_E_SYNTAX);
	assert_int_equal(berth_json_get_base64(root, "s", BERTH_JSON_REQUIRED, &d, &why),
			 BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "json-member-base64");
}

static void
refuses_members_nobody_knows(void **state)
{
	(void)state;
	static const char *const keys[] = {"a", "b"};
	BERTH_JSON json_t *root = parse("{\"b\":1,\"c\":2}");
	BERTH_JSON json_t *good = parse("{\"b\":1}");
	struct berth_why why = {0};

	assert_int_equal(berth_json_only_keys(good, keys, 2, &why), BERTH_OK);
	assert_int_equal(berth_json_only_keys(root, keys, 2, &why), BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "json-unknown-member");
	assert_non_null(strstr(why.sentence, "\"c\""));
}

static void
encodes_the_same_bytes_every_time(void **state)
{
	(void)state;
	BERTH_JSON json_t *root = json_object();
	BERTH_BUF built = {0};
	BERTH_BUF sorted = {0};

	assert_int_equal(berth_json_set_text(root, "z", BERTH_LIT("\xc3\xa9")), BERTH_OK);
	assert_int_equal(berth_json_set_i64(root, "b", 2), BERTH_OK);
	assert_int_equal(berth_json_set_bool(root, "a", false), BERTH_OK);
	assert_int_equal(berth_json_set_base64(root, "d", BERTH_LIT("\1\2")), BERTH_OK);
	assert_int_equal(berth_json_set_text(root, "e", BERTH_BYTES_NONE), BERTH_OK);
	assert_int_equal(berth_json_set_text(root, "x", BERTH_LIT("\xff")), BERTH_E_SYNTAX);
	assert_int_equal(berth_json_set(root, "x", NULL), BERTH_E_MEMORY);
	assert_int_equal(berth_json_encode(root, BERTH_JSON_AS_BUILT, &built), BERTH_OK);
	assert_true(berth_bytes_equal_text(
		berth_buf_view(&built),
		"{\"z\":\"\xc3\xa9\",\"b\":2,\"a\":false,\"d\":\"AQI=\",\"e\":\"\"}"));
	assert_int_equal(berth_json_encode(root, BERTH_JSON_SORTED, &sorted), BERTH_OK);
	assert_true(berth_bytes_equal_text(
		berth_buf_view(&sorted),
		"{\"a\":false,\"b\":2,\"d\":\"AQI=\",\"e\":\"\",\"z\":\"\xc3\xa9\"}"));
}

static void
a_full_buffer_is_left_as_it_was(void **state)
{
	(void)state;
	BERTH_JSON json_t *root = parse("{\"a\":\"0123456789\"}");
	BERTH_BUF out = {.limit = 10};

	assert_int_equal(berth_buf_append_text(&out, "x"), BERTH_OK);
	assert_int_not_equal(berth_json_encode(root, BERTH_JSON_SORTED, &out), BERTH_OK);
	assert_int_equal(out.n, 1);
}

/* Each row also as jansson reads it: the quick way must not mean anything else. */
static void
plain_documents_are_what_jansson_makes_of_them(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		bool is_plain;
	} rows[] = {
		{"{}", true},
		{" [ ] \r\n\t", true},
		{"{\"a\":\"AQI=\",\"b\":[true,false,null,{}],\"c\":-17}", true},
		{"[0,-1,999999999999999999,-999999999999999999]", true},
		{"{\"\":\"\"}", true},
		{"[1 ,\n2]", true},
		{"[\"a\\n\"]", false},
		{"[\"\xc3\xa9\"]", false},
		{"[1.5]", false},
		{"[1e3]", false},
		{"[-0]", false},
		{"[9999999999999999999]", false},
		{"[[[[[]]]]]", false},
		{"[1,2,3,4,5,6,7,8,9,10]", false},
		{"{\"a\":1,\"a\":1}", false},
		{"[01]", false},
		{"[-]", false},
		{"[1", false},
		{"[1,]", false},
		{"{\"a\":1,}", false},
		{"{\"a\"}", false},
		{"[truely]", false},
		{"[tru]", false},
		{"[\"a]", false},
		{"[\"a\tb\"]", false},
		{"{}{}", false},
		{"1", false},
		{"", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_JSON json_t *plain = berth_json_plain(berth_text(rows[i].in), 4, 10);
		BERTH_JSON json_t *theirs = json_loads(rows[i].in, JSON_REJECT_DUPLICATES, NULL);

		print_message("%s\n", rows[i].in);
		assert_int_equal(plain != NULL, rows[i].is_plain);
		if (plain)
			assert_true(json_equal(plain, theirs));
	}
}

static void
writes_the_bytes_that_jansson_writes(void **state)
{
	(void)state;
	const struct berth_bytes odd =
		BERTH_LIT("\"\\/\b\f\n\r\t\x01\x1f\x7f \xc3\xa9\xf0\x9f\x98\x80");
	BERTH_JSON json_t *root = json_object();
	BERTH_BUF theirs = {0};
	BERTH_BUF ours = {0};

	assert_int_equal(berth_json_set_text(root, "t", odd), BERTH_OK);
	assert_int_equal(berth_json_set_i64(root, "i", INT64_MIN), BERTH_OK);
	assert_int_equal(berth_json_set_bool(root, "b", false), BERTH_OK);
	assert_int_equal(berth_json_set_base64(root, "d", BERTH_LIT("\1\2")), BERTH_OK);
	assert_int_equal(berth_json_set(root, "l", json_pack("[s,{},[]]", "")), BERTH_OK);
	assert_int_equal(berth_json_encode(root, BERTH_JSON_AS_BUILT, &theirs), BERTH_OK);

	assert_int_equal(berth_json_start(&ours, '{'), BERTH_OK);
	assert_int_equal(berth_json_put_text(&ours, "t", odd), BERTH_OK);
	assert_int_equal(berth_json_put_i64(&ours, "i", INT64_MIN), BERTH_OK);
	assert_int_equal(berth_json_put_bool(&ours, "b", false), BERTH_OK);
	assert_int_equal(berth_json_put_base64(&ours, "d", BERTH_LIT("\1\2")), BERTH_OK);
	assert_int_equal(berth_json_open(&ours, "l", '['), BERTH_OK);
	assert_int_equal(berth_json_put_text(&ours, NULL, BERTH_BYTES_NONE), BERTH_OK);
	assert_int_equal(berth_json_open(&ours, NULL, '{'), BERTH_OK);
	assert_int_equal(berth_json_shut(&ours, '}'), BERTH_OK);
	assert_int_equal(berth_json_open(&ours, NULL, '['), BERTH_OK);
	assert_int_equal(berth_json_shut(&ours, ']'), BERTH_OK);
	assert_int_equal(berth_json_shut(&ours, ']'), BERTH_OK);
	assert_int_equal(berth_json_shut(&ours, '}'), BERTH_OK);
	assert_int_equal(ours.n, theirs.n);
	assert_memory_equal(ours.p, theirs.p, ours.n);
}

static void
refuses_to_write_text_that_is_no_utf8(void **state)
{
	(void)state;
	BERTH_BUF out = {0};

	assert_int_equal(berth_json_start(&out, '['), BERTH_OK);
	assert_int_equal(berth_json_put_text(&out, NULL, BERTH_LIT("\xff")), BERTH_E_SYNTAX);
	assert_int_equal(berth_json_put_text(&out, NULL, BERTH_LIT("a\0")), BERTH_E_SYNTAX);
	assert_int_equal(berth_json_put_text(&out, NULL, BERTH_LIT("12345678\xc0\xaf")),
			 BERTH_E_SYNTAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_each_fault_by_its_rule),
		cmocka_unit_test(refuses_one_byte_more_than_allowed),
		cmocka_unit_test(brackets_in_text_are_not_nesting),
		cmocka_unit_test(a_million_brackets_cost_no_stack),
		cmocka_unit_test(gets_members_of_each_type),
		cmocka_unit_test(a_missing_optional_member_changes_nothing),
		cmocka_unit_test(refuses_members_missing_or_of_other_type_by_key),
		cmocka_unit_test(refuses_members_nobody_knows),
		cmocka_unit_test(encodes_the_same_bytes_every_time),
		cmocka_unit_test(a_full_buffer_is_left_as_it_was),
		cmocka_unit_test(plain_documents_are_what_jansson_makes_of_them),
		cmocka_unit_test(writes_the_bytes_that_jansson_writes),
		cmocka_unit_test(refuses_to_write_text_that_is_no_utf8),
	};

	return cmocka_run_group_tests_name("codec/json", tests, NULL, NULL);
}
