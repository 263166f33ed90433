/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the scenario scripts report, one line each on descriptor 3, fields parted by tabs:
 *
 *	evidence  S1.C3  B  TEXT     something an observer saw that shows the capability
 *	refusal   S1.C3  B  TEXT     the smallest change was refused: names the rule id
 *	shown     S1.C3  B	     the row is complete
 *	failed    S1.C3  B  TEXT
 *
 * A row is shown when it was said to be shown, was not said to have failed, and has both evidence and
 * refusal (a row whose capability has no refusal, S1.C8, needs evidence only).
 */
#ifndef BERTH_ROLE_PLAYBOOK_RESULT_H
#define BERTH_ROLE_PLAYBOOK_RESULT_H

#include "base/arena.h"
#include "role/playbook/capability.h"

#define BERTH_PLAYBOOK_TEXTS_MAX 24 /* evidence or refusals of one row */
#define BERTH_PLAYBOOK_LINE_MAX 2000

struct berth_playbook_texts {
	const char *at[BERTH_PLAYBOOK_TEXTS_MAX];
	size_t n;
};

struct berth_playbook_row {
	struct berth_playbook_texts evidence;
	struct berth_playbook_texts refusal;
	const char *failure; /* NULL: none said */
	bool is_said_shown;
};

enum berth_playbook_status { BERTH_ROW_SHOWN, BERTH_ROW_FAILED, BERTH_ROW_NOT_BUILT };

struct berth_playbook_results {
	struct berth_arena arena;
	struct berth_playbook_row row[BERTH_CAPABILITY_COUNT][2]; /* [1]: build D */
	const char *only; /* "S1": rows of other scenarios are left out; NULL: none is */
};

void berth_playbook_results_start(struct berth_playbook_results *results);
void berth_playbook_results_end(struct berth_playbook_results *results);
/* One line without its line end. */
enum berth_err berth_playbook_result_parse(struct berth_playbook_results *results,
					   struct berth_bytes line,
					   struct berth_why *why) BERTH_MUST;
enum berth_playbook_status berth_playbook_row_status(const struct berth_playbook_results *results,
						     size_t capability, bool is_build_d);
/* Whether the row belongs into this run's reports. */
bool berth_playbook_row_is_reported(const struct berth_playbook_results *results,
				    size_t capability);
/* "shown", "failed", "not built" */
const char *berth_playbook_status_name(enum berth_playbook_status status);
/* A sentence when the row has failed, why it is not built, or NULL. */
const char *berth_playbook_row_remark(const struct berth_playbook_results *results,
				      size_t capability, bool is_build_d);

#endif
