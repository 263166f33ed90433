/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/options.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "role/verb.h"

#define WORD_MAX 48	/* longer words have no near one */
#define NEAR_DISTANCE 2 /* edits */
#define KNOWN_MAX 64	/* options of one verb */
#define HELP_COLUMN 26

/* Levenshtein with adjacent swaps, two rows back; words are short. */
static size_t
edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t row[3][WORD_MAX + 1];
	for (size_t j = 0; j <= nb; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *now = row[i % 3];
		const size_t *last = row[(i + 2) % 3];
		const size_t *before = row[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[na % 3][nb];
}

const char *
berth_nearest_word(const char *word, const char *const *known, size_t count)
{
	size_t n = strlen(word);
	const char *best = NULL;
	size_t best_distance = NEAR_DISTANCE + 1;
	for (size_t i = 0; i < count && known[i] && n <= WORD_MAX; i++) {
		size_t m = strlen(known[i]);
		/* a distance of the whole word would make any short word near */
		if (m > WORD_MAX || m <= 1)
			continue;
		size_t distance = edit_distance(word, n, known[i], m);
		if (distance < best_distance && distance < m) {
			best = known[i];
			best_distance = distance;
		}
	}
	return best;
}

static const struct berth_option *
find_option(const struct berth_usage *usage, const char *name, size_t n)
{
	for (const struct berth_option *o = usage->options; o && o->name; o++) {
		if (strlen(o->name) == n && memcmp(o->name, name, n) == 0)
			return o;
	}
	return NULL;
}

static void
print_help(const struct berth_usage *usage, const char *command)
{
	printf("usage: %s", command);
	bool optional = false;
	for (const struct berth_option *o = usage->options; o && o->name; o++) {
		if (o->required)
			printf(" --%s %s", o->name, o->argument);
		else
			optional = true;
	}
	printf("%s%s%s\n\n%s\n\n", optional ? " [options]" : "", usage->operands ? " " : "",
	       usage->operands ? usage->operands : "", usage->about);
	for (const struct berth_option *o = usage->options; o && o->name; o++) {
		int column = printf("  --%s%s%s", o->name, o->argument ? " " : "",
				    o->argument ? o->argument : "");
		printf("%*s %s%s\n", column < HELP_COLUMN ? HELP_COLUMN - column : 0, "", o->help,
		       o->many ? " (may be repeated)" : "");
	}
	printf("  --help%*s print this\n", HELP_COLUMN - 8, "");
}

static bool
refuse(const char *command, int *ret_status, const char *what, const char *word, const char *advice)
{
	fprintf(stderr, "%s: %s%s%s; %s%s`%s --help` lists what there is\n", command, what,
		word ? " " : "", word ? word : "", advice ? advice : "", advice ? "; " : "",
		command);
	*ret_status = BERTH_EXIT_USAGE;
	return false;
}

static bool
refuse_unknown(const struct berth_usage *usage, const char *command, const char *word,
	       int *ret_status)
{
	const char *known[KNOWN_MAX];
	size_t count = 0;
	for (const struct berth_option *o = usage->options; o && o->name && count < KNOWN_MAX; o++)
		known[count++] = o->name;
	char name[WORD_MAX + 1];
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	const char *near = berth_nearest_word(name, known, count);
	char advice[WORD_MAX + 24];
	snprintf(advice, sizeof(advice), "did you mean --%s?", near ? near : "");
	return refuse(command, ret_status, "unknown option", word, near ? advice : NULL);
}

/* One "--name[=value]"; *i moves on when the value is the next word. */
static bool
take_option(const struct berth_usage *usage, int argc, char **argv, int *i,
	    struct berth_arguments *ret, int *ret_status)
{
	const char *word = argv[*i];
	const char *name = word + 2;
	size_t n = strcspn(name, "=");
	const struct berth_option *option = find_option(usage, name, n);
	if (!option)
		return refuse_unknown(usage, argv[0], word, ret_status);
	const char *value = name[n] == '=' ? name + n + 1 : NULL;
	if (!option->argument && value)
		return refuse(argv[0], ret_status, "no value goes with", word, NULL);
	if (option->argument && !value) {
		if (*i + 1 >= argc)
			return refuse(argv[0], ret_status, "a value is missing after", word, NULL);
		value = argv[++*i];
	}
	if (!option->many && berth_arguments_has(ret, option->name))
		return refuse(argv[0], ret_status, "given twice:", word, NULL);
	if (ret->given_count == BERTH_ARGUMENTS_MAX)
		return refuse(argv[0], ret_status, "too many options", NULL, NULL);
	ret->given[ret->given_count++] = (struct berth_argument){option, value};
	return true;
}

static bool
check_complete(const struct berth_usage *usage, const char *command,
	       const struct berth_arguments *arguments, int *ret_status)
{
	for (const struct berth_option *o = usage->options; o && o->name; o++) {
		if (!o->required || berth_arguments_has(arguments, o->name))
			continue;
		char missing[WORD_MAX];
		snprintf(missing, sizeof(missing), "--%s %s", o->name,
			 o->argument ? o->argument : "");
		return refuse(command, ret_status, "missing:", missing, NULL);
	}
	if (arguments->operand_count < usage->operands_min)
		return refuse(command, ret_status, "missing:", usage->operands, NULL);
	return true;
}

bool
berth_arguments_parse(const struct berth_usage *usage, int argc, char **argv,
		      struct berth_arguments *ret, int *ret_status)
{
	ret->usage = usage;
	ret->given_count = 0;
	ret->operand_count = 0;
	bool options = true;
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		if (options && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
			print_help(usage, argv[0]);
			*ret_status = BERTH_EXIT_DONE;
			return false;
		}
		if (options && strcmp(word, "--") == 0) {
			options = false;
		} else if (options && word[0] == '-' && word[1] == '-') {
			if (!take_option(usage, argc, argv, &i, ret, ret_status))
				return false;
		} else if (options && word[0] == '-' && word[1] != '\0') {
			return refuse(argv[0], ret_status, "unknown option", word, NULL);
		} else if (ret->operand_count == usage->operands_max ||
			   ret->operand_count == BERTH_ARGUMENTS_MAX) {
			return refuse(argv[0], ret_status, "one word too many:", word, NULL);
		} else {
			ret->operand[ret->operand_count++] = word;
		}
	}
	return check_complete(usage, argv[0], ret, ret_status);
}

const char *
berth_arguments_value_at(const struct berth_arguments *arguments, const char *name, size_t i)
{
	assert(find_option(arguments->usage, name, strlen(name)));
	for (size_t at = 0; at < arguments->given_count; at++) {
		const struct berth_argument *given = &arguments->given[at];
		if (strcmp(given->option->name, name) == 0 && i-- == 0)
			return given->value;
	}
	return NULL;
}

const char *
berth_arguments_value(const struct berth_arguments *arguments, const char *name)
{
	return berth_arguments_value_at(arguments, name, 0);
}

const char *
berth_arguments_value_or(const struct berth_arguments *arguments, const char *name,
			 const char *otherwise)
{
	const char *value = berth_arguments_value(arguments, name);
	return value ? value : otherwise;
}

bool
berth_arguments_has(const struct berth_arguments *arguments, const char *name)
{
	assert(find_option(arguments->usage, name, strlen(name)));
	for (size_t at = 0; at < arguments->given_count; at++) {
		if (strcmp(arguments->given[at].option->name, name) == 0)
			return true;
	}
	return false;
}

bool
berth_arguments_number(const struct berth_arguments *arguments, const char *command,
		       const char *name, int64_t min, int64_t max, int64_t otherwise, int64_t *ret)
{
	const char *text = berth_arguments_value(arguments, name);
	if (!text) {
		*ret = otherwise;
		return true;
	}
	char *end = NULL;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < min || value > max) {
		fprintf(stderr, "%s: --%s %s: give a whole number from %lld to %lld\n", command,
			name, text, (long long)min, (long long)max);
		return false;
	}
	*ret = value;
	return true;
}
