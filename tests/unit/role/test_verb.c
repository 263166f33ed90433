/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/verb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The verbs under test answer with what they were given. */
enum { RAN_MAKE = 40, RAN_ALONE = 50, RAN_HELP = 60 };

static int
make_main(int argc, char **argv)
{
	assert_string_equal(argv[0], "berth factory make");
	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return RAN_HELP;
	return RAN_MAKE + argc;
}

static int
playbook_main(int argc, char **argv)
{
	assert_string_equal(argv[0], "berth playbook");
	return RAN_ALONE + argc;
}

static const struct berth_verb factory_verbs[] = {{"factory", "make", "make units", make_main},
						  {0}};
static const struct berth_verb playbook_verbs[] = {{"playbook", NULL, "play", playbook_main}, {0}};
static const struct berth_verb *const tables[] = {factory_verbs, playbook_verbs};

#define WORDS_MAX 6

static int
run(const char *const *words)
{
	static char copies[WORDS_MAX][32];
	char *argv[WORDS_MAX + 1] = {NULL};
	int argc = 0;
	for (; words[argc]; argc++)
		argv[argc] = strcpy(copies[argc], words[argc]);
	return berth_dispatch(tables, 2, argc, argv);
}

#define RUN(...) run((const char *const[]){"berth", __VA_ARGS__, NULL})

static void
runs_the_verb_that_is_named(void **state)
{
	(void)state;
	assert_int_equal(RUN("factory", "make", "a", "b"), RAN_MAKE + 3);
	assert_int_equal(RUN("playbook", "x"), RAN_ALONE + 2);
	assert_int_equal(RUN("help", "factory", "make"), RAN_HELP);
}

static void
lists_what_there_is(void **state)
{
	(void)state;
	assert_int_equal(run((const char *const[]){"berth", NULL}), BERTH_EXIT_DONE);
	assert_int_equal(RUN("--help"), BERTH_EXIT_DONE);
	assert_int_equal(RUN("help"), BERTH_EXIT_DONE);
	assert_int_equal(RUN("help", "factory"), BERTH_EXIT_DONE);
	assert_int_equal(RUN("factory"), BERTH_EXIT_DONE);
	assert_int_equal(RUN("--version"), BERTH_EXIT_DONE);
	assert_int_equal(RUN("--list-verbs"), BERTH_EXIT_DONE);
}

static void
refuses_unknown_words(void **state)
{
	(void)state;
	assert_int_equal(RUN("facotry", "make"), BERTH_EXIT_USAGE);
	assert_int_equal(RUN("factory", "mkae"), BERTH_EXIT_USAGE);
	assert_int_equal(RUN("--verbose"), BERTH_EXIT_USAGE);
	assert_int_equal(RUN("help", "masa"), BERTH_EXIT_USAGE);
	assert_int_equal(RUN("help", "factory", "mkae"), BERTH_EXIT_USAGE);
}

static void
gives_each_kind_of_error_its_exit_status(void **state)
{
	(void)state;
	assert_int_equal(berth_exit_of(BERTH_OK), 0);
	assert_int_equal(berth_exit_of(BERTH_E_SIGNATURE), 1);
	assert_int_equal(berth_exit_of(BERTH_E_USAGE), 2);
	assert_int_equal(berth_exit_of(BERTH_E_DENIED), 3);
	assert_int_equal(berth_exit_of(BERTH_E_NOT_FOUND), 4);
	assert_int_equal(berth_exit_of(BERTH_E_UNREACHABLE), 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_the_verb_that_is_named),
		cmocka_unit_test(lists_what_there_is),
		cmocka_unit_test(refuses_unknown_words),
		cmocka_unit_test(gives_each_kind_of_error_its_exit_status),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
