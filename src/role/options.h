/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of one verb, from a table that also writes its help:
 *
 *	static const struct berth_option options[] = {
 *		{.name = "dir", .argument = "DIR", .help = "the factory's folder", .required =
 * true}, BERTH_OPTION_JSON, {0},
 *	};
 *	static const struct berth_usage usage = {
 *		.operands = "FILE", .operands_min = 1, .operands_max = 1,
 *		.about = "Prints a voucher.", .options = options};
 *	struct berth_arguments arguments;
 *	int status = 0;
 *	if (!berth_arguments_parse(&usage, argc, argv, &arguments, &status))
 *		return status;
 *	const char *dir = berth_arguments_value(&arguments, "dir");
 *
 * "--name value" and "--name=value"; "--" ends options. An unknown option, one given twice, one
 * without its argument or with one too many is refused with the nearest known name and exit 2.
 * --help is in every verb. Secrets never come by option: they come by file or standard input.
 */
#ifndef BERTH_ROLE_OPTIONS_H
#define BERTH_ROLE_OPTIONS_H

#include "base/bytes.h"

struct berth_option {
	const char *name;     /* without dashes; NULL ends the table */
	const char *argument; /* its placeholder in the help; NULL: a flag */
	const char *help;     /* one line */
	bool required;
	bool many; /* may be given several times */
};

#define BERTH_OPTION_JSON                                                                          \
	{                                                                                          \
		.name = "json", .help = "print JSON for programs"                                  \
	}

struct berth_usage {
	const char *operands; /* e.g. "FILE..."; NULL: none */
	size_t operands_min;
	size_t operands_max;
	const char *about; /* a sentence or a few */
	const struct berth_option *options;
};

#define BERTH_ARGUMENTS_MAX 1024 /* words on one command line */

struct berth_argument {
	const struct berth_option *option;
	const char *value; /* NULL for a flag */
};

/* Borrows from usage and argv. Freed by nothing: the arrays are here and bounded. */
struct berth_arguments {
	const struct berth_usage *usage;
	struct berth_argument given[BERTH_ARGUMENTS_MAX];
	size_t given_count;
	const char *operand[BERTH_ARGUMENTS_MAX];
	size_t operand_count;
};

/* False: the verb ends now with *ret_status (help was printed, or the usage is wrong and was said).
 */
bool berth_arguments_parse(const struct berth_usage *usage, int argc, char **argv,
			   struct berth_arguments *ret, int *ret_status) BERTH_MUST;
/* name must be in the table (asserted). NULL when not given. Of several, the first. */
const char *berth_arguments_value(const struct berth_arguments *arguments, const char *name);
/* As above, with what stands for it when it is not given. */
const char *berth_arguments_value_or(const struct berth_arguments *arguments, const char *name,
				     const char *otherwise);
bool berth_arguments_has(const struct berth_arguments *arguments, const char *name);
/* The i-th value of an option that may be given many times; NULL past the end. */
const char *berth_arguments_value_at(const struct berth_arguments *arguments, const char *name,
				     size_t i);
/* A whole number in [min, max]; otherwise when not given. False: said on standard error, end with
 * exit 2. */
bool berth_arguments_number(const struct berth_arguments *arguments, const char *command,
			    const char *name, int64_t min, int64_t max, int64_t otherwise,
			    int64_t *ret) BERTH_MUST;

/* The nearest of known words to word by edit distance, NULL when none is near. Ends at a NULL
 * entry. */
const char *berth_nearest_word(const char *word, const char *const *known, size_t count);

#endif
