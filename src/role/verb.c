/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/verb.h"

#include <stdio.h>
#include <string.h>

#include "role/options.h"

#define COMMAND_MAX 128 /* "berth NOUN VERB" */
#define ARGUMENTS_MAX BERTH_ARGUMENTS_MAX
#define WORDS_MAX 128 /* verbs in all tables */
#define NAME_COLUMN 22

#ifndef BERTH_VERSION
#define BERTH_VERSION "0"
#endif

struct verbs {
	const struct berth_verb *const *tables;
	size_t count;
};

enum berth_exit
berth_exit_of(enum berth_err err)
{
	switch (err) {
	case BERTH_OK:
		return BERTH_EXIT_DONE;
	case BERTH_E_USAGE:
		return BERTH_EXIT_USAGE;
	case BERTH_E_DENIED:
		return BERTH_EXIT_REFUSED;
	case BERTH_E_NOT_FOUND:
		return BERTH_EXIT_NOT_FOUND;
	case BERTH_E_UNREACHABLE:
	case BERTH_E_TIMEOUT:
		return BERTH_EXIT_UNREACHABLE;
	case BERTH_E_SYNTAX:
	case BERTH_E_LIMIT:
	case BERTH_E_UNSUPPORTED:
	case BERTH_E_SIGNATURE:
	case BERTH_E_UNTRUSTED:
	case BERTH_E_EXPIRED:
	case BERTH_E_MISMATCH:
	case BERTH_E_PENDING:
	case BERTH_E_EXISTS:
	case BERTH_E_STATE:
	case BERTH_E_IO:
	case BERTH_E_MEMORY:
	case BERTH_E_CRYPTO:
	case BERTH_E_INTERNAL:
	case BERTH_E__COUNT:
		break;
	}
	return BERTH_EXIT_FAILED;
}

static void
print_safely(const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		fputc(c < 0x20 || c == 0x7f ? '?' : c, stderr);
	}
}

int
berth_print_why(const char *command, const char *what, const struct berth_why *why)
{
	fprintf(stderr, "%s: ", command);
	if (what) {
		print_safely(what);
		fputs(": ", stderr);
	}
	print_safely(why->sentence[0] ? why->sentence : berth_err_name(why->err));
	if (why->rule)
		fprintf(stderr, " [%s%s%s]", why->rule, why->section ? ", " : "",
			why->section ? why->section : "");
	fputc('\n', stderr);
	return (int)berth_exit_of(why->err);
}

/* The i-th row of all tables; NULL past the end. */
static const struct berth_verb *
verb_at(const struct verbs *verbs, size_t i)
{
	for (size_t t = 0; t < verbs->count; t++) {
		for (const struct berth_verb *row = verbs->tables[t]; row->noun; row++) {
			if (i-- == 0)
				return row;
		}
	}
	return NULL;
}

static bool
has_noun(const struct verbs *verbs, const char *noun)
{
	const struct berth_verb *row = NULL;
	for (size_t i = 0; (row = verb_at(verbs, i)) != NULL; i++) {
		if (strcmp(row->noun, noun) == 0)
			return true;
	}
	return false;
}

static const struct berth_verb *
find_verb(const struct verbs *verbs, const char *noun, const char *verb)
{
	const struct berth_verb *row = NULL;
	for (size_t i = 0; (row = verb_at(verbs, i)) != NULL; i++) {
		if (strcmp(row->noun, noun) != 0)
			continue;
		if (!row->verb || (verb && strcmp(row->verb, verb) == 0))
			return row;
	}
	return NULL;
}

/* All verbs, or those of one noun. */
static void
print_verbs(const struct verbs *verbs, const char *noun)
{
	const struct berth_verb *row = NULL;
	for (size_t i = 0; (row = verb_at(verbs, i)) != NULL; i++) {
		if (noun && strcmp(row->noun, noun) != 0)
			continue;
		int column = printf("  %s%s%s", row->noun, row->verb ? " " : "",
				    row->verb ? row->verb : "");
		printf("%*s %s\n", column < NAME_COLUMN ? NAME_COLUMN - column : 0, "",
		       row->summary);
	}
}

static int
print_overview(const struct verbs *verbs)
{
	puts("usage: berth NOUN VERB [options]\n\n"
	     "Trusted onboarding and lifecycle management of IoT devices.\n");
	print_verbs(verbs, NULL);
	puts("\n`berth help NOUN VERB` tells more; every verb that prints takes --json.\n"
	     "Exit: 0 done, 1 failed, 2 usage, 3 refused by policy, 4 not found, 5 unreachable,\n"
	     "6 partly done.");
	return BERTH_EXIT_DONE;
}

/* For shell completion: "NOUN VERB" a line. */
static int
list_verbs(const struct verbs *verbs)
{
	const struct berth_verb *row = NULL;
	for (size_t i = 0; (row = verb_at(verbs, i)) != NULL; i++)
		printf("%s%s%s\n", row->noun, row->verb ? " " : "", row->verb ? row->verb : "");
	return BERTH_EXIT_DONE;
}

static int
refuse_noun(const struct verbs *verbs, const char *word)
{
	const char *known[WORDS_MAX];
	size_t count = 0;
	const struct berth_verb *row = NULL;
	for (size_t i = 0; (row = verb_at(verbs, i)) != NULL && count < WORDS_MAX; i++)
		known[count++] = row->noun;
	const char *near = berth_nearest_word(word, known, count);
	fprintf(stderr, "berth: unknown command %s; ", word);
	if (near)
		fprintf(stderr, "did you mean %s? ", near);
	fputs("`berth --help` lists what there is\n", stderr);
	return BERTH_EXIT_USAGE;
}

static int
refuse_verb(const struct verbs *verbs, const char *noun, const char *word)
{
	const char *known[WORDS_MAX];
	size_t count = 0;
	const struct berth_verb *row = NULL;
	for (size_t i = 0; (row = verb_at(verbs, i)) != NULL && count < WORDS_MAX; i++) {
		if (strcmp(row->noun, noun) == 0 && row->verb)
			known[count++] = row->verb;
	}
	const char *near = berth_nearest_word(word, known, count);
	fprintf(stderr, "berth %s: unknown verb %s; ", noun, word);
	if (near)
		fprintf(stderr, "did you mean %s? ", near);
	fprintf(stderr, "`berth %s` lists what there is\n", noun);
	return BERTH_EXIT_USAGE;
}

static int
run_verb(const struct berth_verb *row, int argc, char **argv)
{
	char command[COMMAND_MAX];
	snprintf(command, sizeof(command), "berth %s%s%s", row->noun, row->verb ? " " : "",
		 row->verb ? row->verb : "");
	char *words[ARGUMENTS_MAX + 2] = {command};
	if (argc > ARGUMENTS_MAX) {
		fprintf(stderr, "%s: more than %d words; give fewer at once\n", command,
			ARGUMENTS_MAX);
		return BERTH_EXIT_USAGE;
	}
	for (int i = 0; i < argc; i++)
		words[i + 1] = argv[i];
	return row->main(argc + 1, words);
}

static bool
is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* words: NOUN [VERB [args]]. */
static int
dispatch_words(const struct verbs *verbs, int count, char **words)
{
	if (!has_noun(verbs, words[0]))
		return refuse_noun(verbs, words[0]);
	const struct berth_verb *alone = find_verb(verbs, words[0], NULL);
	if (alone)
		return run_verb(alone, count - 1, words + 1);
	if (count == 1 || is_help(words[1])) {
		printf("usage: berth %s VERB [options]\n\n", words[0]);
		print_verbs(verbs, words[0]);
		return BERTH_EXIT_DONE;
	}
	const struct berth_verb *row = find_verb(verbs, words[0], words[1]);
	if (!row)
		return refuse_verb(verbs, words[0], words[1]);
	return run_verb(row, count - 2, words + 2);
}

/* berth help [NOUN [VERB]] */
static int
dispatch_help(const struct verbs *verbs, int count, char **words)
{
	char help[] = "--help";
	if (count == 0)
		return print_overview(verbs);
	char *asked[3] = {words[0], count > 1 ? words[1] : help, help};
	return dispatch_words(verbs, count > 1 ? 3 : 2, asked);
}

int
berth_dispatch(const struct berth_verb *const *tables, size_t count, int argc, char **argv)
{
	const struct verbs verbs = {tables, count};
	if (argc < 2 || is_help(argv[1]))
		return print_overview(&verbs);
	if (strcmp(argv[1], "help") == 0)
		return dispatch_help(&verbs, argc - 2, argv + 2);
	if (strcmp(argv[1], "--version") == 0) {
		puts("berth " BERTH_VERSION);
		return BERTH_EXIT_DONE;
	}
	if (strcmp(argv[1], "--list-verbs") == 0)
		return list_verbs(&verbs);
	if (argv[1][0] == '-') {
		fprintf(stderr, "berth: unknown option %s; `berth --help` lists what there is\n",
			argv[1]);
		return BERTH_EXIT_USAGE;
	}
	return dispatch_words(&verbs, argc - 1, argv + 1);
}
