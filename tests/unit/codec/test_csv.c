/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/csv.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
reads_rows_with_quotes_and_both_line_ends(void **state)
{
	(void)state;
	BERTH_CSV csv = {0};
	struct berth_csv_row row;
	size_t serial = 0;

	assert_int_equal(
		berth_csv_parse(BERTH_LIT("model,serial,note\r\n\"a,b\",1,\"say \"\"x\"\"\"\nc,2,"),
				&csv, NULL),
		BERTH_OK);
	assert_int_equal(berth_csv_column(&csv, "serial", &serial, NULL), BERTH_OK);
	assert_int_equal(serial, 1);
	assert_true(berth_csv_has_more(&csv));
	assert_int_equal(berth_csv_next(&csv, &row, NULL), BERTH_OK);
	assert_int_equal(row.line, 2);
	assert_true(berth_bytes_equal_text(row.fields[0], "a,b"));
	assert_true(berth_bytes_equal_text(row.fields[2], "say \"x\""));
	assert_int_equal(berth_csv_next(&csv, &row, NULL), BERTH_OK);
	assert_int_equal(row.line, 3);
	assert_true(berth_bytes_equal_text(row.fields[serial], "2"));
	assert_int_equal(row.fields[2].n, 0);
	assert_false(berth_csv_has_more(&csv));
	assert_int_equal(berth_csv_column(&csv, "colour", &serial, NULL), BERTH_E_NOT_FOUND);
}

static void
skips_the_mark_of_spreadsheets(void **state)
{
	(void)state;
	BERTH_CSV csv = {0};
	size_t serial = 9;

	assert_int_equal(berth_csv_parse(BERTH_LIT("\xef\xbb\xbfserial\n"), &csv, NULL), BERTH_OK);
	assert_int_equal(berth_csv_column(&csv, "serial", &serial, NULL), BERTH_OK);
	assert_int_equal(serial, 0);
	assert_false(berth_csv_has_more(&csv));
}

static void
refuses_headers_that_name_no_columns(void **state)
{
	(void)state;
	static const struct {
		struct berth_bytes in;
		const char *rule;
	} rows[] = {
		{BERTH_LIT_INIT(""), "csv-empty-line"},
		{BERTH_LIT_INIT("\nserial\n"), "csv-empty-line"},
		{BERTH_LIT_INIT("serial,\n"), "csv-header"},
		{BERTH_LIT_INIT("serial,serial\n"), "csv-header"},
		{BERTH_LIT_INIT("\"serial\"x\n"), "csv-quote"},
		{BERTH_LIT_INIT("ser\xffial\n"), "csv-utf8"},
		{BERTH_LIT_INIT(
			 "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,1,2,3,4,5,6,7"),
		 "csv-fields"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_CSV csv = {0};
		struct berth_why why = {0};

		print_message("%s\n", (const char *)rows[i].in.p);
		assert_int_not_equal(berth_csv_parse(rows[i].in, &csv, &why), BERTH_OK);
		assert_string_equal(why.rule, rows[i].rule);
	}
}

static void
refuses_rows_by_rule_and_line(void **state)
{
	(void)state;
	static const struct {
		struct berth_bytes in;
		const char *rule;
	} rows[] = {
		{BERTH_LIT_INIT("a,b\n1,2\n1\n"), "csv-fields"},
		{BERTH_LIT_INIT("a,b\n1,2\n1,2,3\n"), "csv-fields"},
		{BERTH_LIT_INIT("a,b\n1,2\n\n"), "csv-empty-line"},
		{BERTH_LIT_INIT("a,b\n1,2\n1,x\"y\n"), "csv-quote"},
		{BERTH_LIT_INIT("a,b\n1,2\n1,\"y\n"), "csv-control-character"},
		{BERTH_LIT_INIT("a,b\n1,2\n1,\"y"), "csv-quote"},
		{BERTH_LIT_INIT("a,b\n1,2\n1,\"y\"z\n"), "csv-quote"},
		{BERTH_LIT_INIT("a,b\n1,2\n1,y\rz\n"), "csv-control-character"},
		{BERTH_LIT_INIT("a,b\n1,2\n1,y\0z\n"), "csv-control-character"},
		{BERTH_LIT_INIT("a,b\n1,2\n1,\xc0\x80\n"), "csv-utf8"},
		{BERTH_LIT_INIT("a,b\n1,2\n\xc3,\xa9\n"), "csv-utf8"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_CSV csv = {0};
		struct berth_csv_row row;
		struct berth_why why = {0};

		print_message("%s\n", (const char *)rows[i].in.p);
		assert_int_equal(berth_csv_parse(rows[i].in, &csv, NULL), BERTH_OK);
		assert_int_equal(berth_csv_next(&csv, &row, NULL), BERTH_OK);
		assert_int_not_equal(berth_csv_next(&csv, &row, &why), BERTH_OK);
		assert_string_equal(why.rule, rows[i].rule);
		assert_non_null(strstr(why.sentence, "line 3"));
	}
}

static void
refuses_a_row_longer_than_allowed(void **state)
{
	(void)state;
	static char text[BERTH_CSV_ROW_MAX + 3];
	BERTH_CSV csv = {0};
	struct berth_csv_row row;
	struct berth_why why = {0};

	memset(text, 'x', sizeof(text));
	memcpy(text, "a\n", 2);
	assert_int_equal(berth_csv_parse(berth_bytes_of(text, sizeof(text)), &csv, NULL), BERTH_OK);
	assert_int_equal(berth_csv_next(&csv, &row, &why), BERTH_E_LIMIT);
	assert_string_equal(why.rule, "csv-row-size");
	berth_csv_free(&csv);
	assert_int_equal(berth_csv_parse(berth_bytes_of(text, sizeof(text) - 1), &csv, NULL),
			 BERTH_OK);
	assert_int_equal(berth_csv_next(&csv, &row, &why), BERTH_OK);
	assert_int_equal(row.fields[0].n, BERTH_CSV_ROW_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_rows_with_quotes_and_both_line_ends),
		cmocka_unit_test(skips_the_mark_of_spreadsheets),
		cmocka_unit_test(refuses_headers_that_name_no_columns),
		cmocka_unit_test(refuses_rows_by_rule_and_line),
		cmocka_unit_test(refuses_a_row_longer_than_allowed),
	};

	return cmocka_run_group_tests_name("codec/csv", tests, NULL, NULL);
}
