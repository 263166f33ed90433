/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/options.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "role/verb.h"

static const struct berth_option options[] = {
	{.name = "dir", .argument = "DIR", .help = "a folder", .required = true},
	{.name = "serial", .argument = "S", .help = "a unit", .many = true},
	{.name = "jobs", .argument = "N", .help = "workers"},
	BERTH_OPTION_JSON,
	{0},
};
static const struct berth_usage usage = {
	.operands = "FILE", .operands_max = 1, .about = "Tests.", .options = options};

#define WORDS_MAX 8

/* The words after the command; returns the status, -1 when the verb goes on. */
static int
parse(struct berth_arguments *arguments, const char *const *words)
{
	static char command[] = "berth test";
	static char copies[WORDS_MAX][32];
	char *argv[WORDS_MAX + 1] = {command};
	int argc = 1;
	for (; words[argc - 1]; argc++)
		argv[argc] = strcpy(copies[argc - 1], words[argc - 1]);
	int status = -1;
	bool goes_on = berth_arguments_parse(&usage, argc, argv, arguments, &status);
	assert_int_equal(goes_on, status == -1);
	return status;
}

#define PARSE(arguments, ...) parse(arguments, (const char *const[]){__VA_ARGS__, NULL})

static void
reads_values_flags_and_operands(void **state)
{
	(void)state;
	struct berth_arguments a;
	assert_int_equal(PARSE(&a, "--dir", "d", "--serial=1", "f", "--serial", "2", "--json"), -1);
	assert_string_equal(berth_arguments_value(&a, "dir"), "d");
	assert_string_equal(berth_arguments_value_at(&a, "serial", 1), "2");
	assert_null(berth_arguments_value_at(&a, "serial", 2));
	assert_true(berth_arguments_has(&a, "json"));
	assert_false(berth_arguments_has(&a, "jobs"));
	assert_string_equal(a.operand[0], "f");
	assert_int_equal(PARSE(&a, "--dir", "d", "--", "--json"), -1);
	assert_string_equal(a.operand[0], "--json");
}

static void
refuses_what_the_table_does_not_say(void **state)
{
	(void)state;
	struct berth_arguments a;
	assert_int_equal(PARSE(&a, "--dir", "d", "--jsno"), BERTH_EXIT_USAGE);
	assert_int_equal(PARSE(&a, "--dir", "d", "-j"), BERTH_EXIT_USAGE);
	assert_int_equal(PARSE(&a, "--dir", "d", "--json=yes"), BERTH_EXIT_USAGE);
	assert_int_equal(PARSE(&a, "--dir", "d", "--dir", "e"), BERTH_EXIT_USAGE);
	assert_int_equal(PARSE(&a, "--dir"), BERTH_EXIT_USAGE);
	assert_int_equal(PARSE(&a, "--json"), BERTH_EXIT_USAGE);
	assert_int_equal(PARSE(&a, "--dir", "d", "f", "g"), BERTH_EXIT_USAGE);
	assert_int_equal(PARSE(&a, "--help"), BERTH_EXIT_DONE);
}

static void
reads_numbers_within_their_range_only(void **state)
{
	(void)state;
	const struct {
		const char *text;
		bool is_good;
	} table[] = {{"1", true},  {"4", true},	  {"5", false},
		     {"0", false}, {"1x", false}, {"", false}};
	struct berth_arguments a;
	int64_t n = 0;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(PARSE(&a, "--dir", "d", "--jobs", table[i].text), -1);
		assert_int_equal(berth_arguments_number(&a, "t", "jobs", 1, 4, 9, &n),
				 table[i].is_good);
	}
	assert_int_equal(PARSE(&a, "--dir", "d"), -1);
	assert_true(berth_arguments_number(&a, "t", "jobs", 1, 4, 9, &n));
	assert_int_equal(n, 9);
}

static void
suggests_the_nearest_word(void **state)
{
	(void)state;
	static const char *const known[] = {"factory", "masa", "device"};
	assert_string_equal(berth_nearest_word("facotry", known, 3), "factory");
	assert_string_equal(berth_nearest_word("mas", known, 3), "masa");
	assert_null(berth_nearest_word("playbook", known, 3));
	assert_null(berth_nearest_word("", known, 3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_values_flags_and_operands),
		cmocka_unit_test(refuses_what_the_table_does_not_say),
		cmocka_unit_test(reads_numbers_within_their_range_only),
		cmocka_unit_test(suggests_the_nearest_word),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
