/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verbs of the one command line, `berth NOUN VERB [args]`. A role keeps its verbs in a table of
 * its own, ended by a row without a noun, and cmd/berth.c lists the tables:
 *
 *	const struct berth_verb berth_voucher_verbs[] = {
 *		{"voucher", "show", "print a voucher", berth_voucher_show_main},
 *		{0},
 *	};
 *
 * main gets the words after NOUN VERB; argv[0] is the whole command ("berth voucher show"), for
 * usage lines. It parses them with role/options.h (which serves --help), prints what was asked for
 * on standard output, its one-line error on standard error, and returns an exit status below.
 */
#ifndef BERTH_ROLE_VERB_H
#define BERTH_ROLE_VERB_H

#include "base/err.h"

/* What `berth` and the daemons end with. Scripts rely on these. */
enum berth_exit {
	BERTH_EXIT_DONE = 0,
	BERTH_EXIT_FAILED = 1, /* a verification that does not hold included */
	BERTH_EXIT_USAGE = 2,
	BERTH_EXIT_REFUSED = 3, /* by policy */
	BERTH_EXIT_NOT_FOUND = 4,
	BERTH_EXIT_UNREACHABLE = 5,
	BERTH_EXIT_PARTLY = 6, /* a batch of which some failed */
};

struct berth_verb {
	const char *noun;    /* NULL ends a table */
	const char *verb;    /* NULL: the noun alone is the command (`berth playbook`) */
	const char *summary; /* one line, lower case, no full stop */
	int (*main)(int argc, char **argv);
};

/* BERTH_OK gives BERTH_EXIT_DONE. */
enum berth_exit berth_exit_of(enum berth_err err);

/*
 * One line on standard error: "berth factory make: what: sentence [rule, section]"; what (a file, a
 * unit, a peer) may be NULL. Control characters come out as '?', so that foreign bytes cannot play
 * with a terminal. Returns the exit status of why->err, so that "return berth_print_why(...)" is
 * one line.
 */
int berth_print_why(const char *command, const char *what, const struct berth_why *why);

/*
 * Finds the verb that argv names in tables (count of them) and runs it; serves help and --version;
 * an unknown word is answered with the nearest known one and BERTH_EXIT_USAGE.
 */
int berth_dispatch(const struct berth_verb *const *tables, size_t count, int argc, char **argv);

#endif
