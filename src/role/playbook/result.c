/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/playbook/result.h"

#define RESULTS_ARENA_BYTES                                                                        \
	((size_t)1 << 20) /* 64 rows of at most 48 lines; a run uses some 30 KiB */
#define FIELDS_MAX 4

void
berth_playbook_results_start(struct berth_playbook_results *results)
{
	*results = (struct berth_playbook_results){0};
	berth_arena_start(&results->arena, RESULTS_ARENA_BYTES);
}

void
berth_playbook_results_end(struct berth_playbook_results *results)
{
	berth_arena_end(&results->arena);
}

static size_t
split_tabs(struct berth_bytes line, struct berth_bytes field[FIELDS_MAX])
{
	size_t n = 0;
	size_t from = 0;
	for (size_t i = 0; i <= line.n; i++) {
		if (i < line.n && line.p[i] != '\t') {
			continue;
		}
		if (n == FIELDS_MAX) {
			return FIELDS_MAX + 1;
		}
		field[n++] = berth_bytes_of(line.p + from, i - from);
		from = i + 1;
	}
	return n;
}

static enum berth_err
add_text(struct berth_playbook_results *results, struct berth_playbook_texts *texts,
	 struct berth_bytes text, struct berth_why *why)
{
	const char *copy = berth_arena_text(&results->arena, text);
	if (texts->n == BERTH_PLAYBOOK_TEXTS_MAX || copy == NULL) {
		return berth_fail(
			why, BERTH_E_LIMIT, "playbook-row-limit", NULL,
			"a row has more than %d lines, or the run more than %zu bytes of them",
			BERTH_PLAYBOOK_TEXTS_MAX, RESULTS_ARENA_BYTES);
	}
	texts->at[texts->n++] = copy;
	return BERTH_OK;
}

static enum berth_err
apply(struct berth_playbook_results *results, struct berth_playbook_row *row,
      struct berth_bytes verb, struct berth_bytes text, struct berth_why *why)
{
	if (berth_bytes_equal_text(verb, "evidence")) {
		return add_text(results, &row->evidence, text, why);
	}
	if (berth_bytes_equal_text(verb, "refusal")) {
		return add_text(results, &row->refusal, text, why);
	}
	if (berth_bytes_equal_text(verb, "shown")) {
		row->is_said_shown = true;
		return BERTH_OK;
	}
	if (berth_bytes_equal_text(verb, "failed")) {
		const char *copy = berth_arena_text(&results->arena, text);
		row->failure = copy != NULL ? copy : "failed";
		return BERTH_OK;
	}
	return berth_fail(why, BERTH_E_SYNTAX, "playbook-result", NULL,
			  "unknown word in a result line");
}

enum berth_err
berth_playbook_result_parse(struct berth_playbook_results *results, struct berth_bytes line,
			    struct berth_why *why)
{
	struct berth_bytes field[FIELDS_MAX + 1] = {0};
	if (line.n > BERTH_PLAYBOOK_LINE_MAX || !berth_bytes_is_utf8(line)) {
		return berth_fail(why, BERTH_E_LIMIT, "playbook-result", NULL,
				  "a result line is longer than %d bytes or not UTF-8",
				  BERTH_PLAYBOOK_LINE_MAX);
	}
	size_t n = split_tabs(line, field);
	bool has_text = n == FIELDS_MAX;
	bool wants_text = !berth_bytes_equal_text(field[0], "shown");
	if (n < 3 || n > FIELDS_MAX || has_text != wants_text) {
		return berth_fail(why, BERTH_E_SYNTAX, "playbook-result", NULL,
				  "a result line has %zu fields: WORD ID BUILD [TEXT]", n);
	}
	bool is_build_d = berth_bytes_equal_text(field[2], "D");
	if (!is_build_d && !berth_bytes_equal_text(field[2], "B")) {
		return berth_fail(why, BERTH_E_SYNTAX, "playbook-result", NULL,
				  "the build is neither B nor D");
	}
	for (size_t i = 0; i < BERTH_CAPABILITY_COUNT; i++) {
		if (berth_bytes_equal_text(field[1], berth_capabilities[i].id)) {
			return apply(results, &results->row[i][is_build_d], field[0], field[3],
				     why);
		}
	}
	return berth_fail(why, BERTH_E_NOT_FOUND, "playbook-result", NULL,
			  "no capability has this id");
}

static bool
is_built(size_t capability, bool is_build_d)
{
	const struct berth_capability *c = &berth_capabilities[capability];
	return is_build_d ? c->is_built_d : c->is_built_b;
}

/* S1.C8, interoperability, is the one row whose definition has no refusal. */
static bool
needs_refusal(size_t capability)
{
	return berth_capability_find("S1.C8") != &berth_capabilities[capability];
}

enum berth_playbook_status
berth_playbook_row_status(const struct berth_playbook_results *results, size_t capability,
			  bool is_build_d)
{
	const struct berth_playbook_row *row = &results->row[capability][is_build_d];
	if (!is_built(capability, is_build_d)) {
		return BERTH_ROW_NOT_BUILT;
	}
	bool is_shown = row->is_said_shown && row->failure == NULL && row->evidence.n > 0 &&
			(row->refusal.n > 0 || !needs_refusal(capability));
	return is_shown ? BERTH_ROW_SHOWN : BERTH_ROW_FAILED;
}

bool
berth_playbook_row_is_reported(const struct berth_playbook_results *results, size_t capability)
{
	const char *id = berth_capabilities[capability].id;
	return results->only == NULL || strncmp(id, results->only, strlen(results->only)) == 0;
}

const char *
berth_playbook_status_name(enum berth_playbook_status status)
{
	switch (status) {
	case BERTH_ROW_SHOWN:
		return "shown";
	case BERTH_ROW_FAILED:
		return "failed";
	case BERTH_ROW_NOT_BUILT:
		return "not built";
	}
	return "failed";
}

const char *
berth_playbook_row_remark(const struct berth_playbook_results *results, size_t capability,
			  bool is_build_d)
{
	const struct berth_playbook_row *row = &results->row[capability][is_build_d];
	enum berth_playbook_status status =
		berth_playbook_row_status(results, capability, is_build_d);
	if (status != BERTH_ROW_FAILED) {
		bool is_d_alone = is_build_d && !berth_capabilities[capability].is_built_d;
		return is_d_alone ? "needs Wi-Fi Easy Connect"
				  : berth_capabilities[capability].waits_for;
	}
	if (row->failure != NULL) {
		return row->failure;
	}
	if (!row->is_said_shown) {
		return "its scenario ended before the row was complete";
	}
	return row->evidence.n == 0 ? "no evidence was brought" : "no refusal was brought";
}
