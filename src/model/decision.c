/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/decision.h"

#include <stdarg.h>
#include <stdio.h>

#include "codec/json.h"
#include "codec/json_write.h"

static const char *const outcome_names[] = {
	[BERTH_OUTCOME_DENY] = "deny",
	[BERTH_OUTCOME_PENDING] = "pending",
	[BERTH_OUTCOME_ALLOW] = "allow",
};

const char *
berth_outcome_name(enum berth_outcome outcome)
{
	return outcome_names[outcome];
}

/*
 * What is written here goes to logs, terminals and JSON, and foreign bytes may be in it: control characters and what is not
 * UTF-8 read '?'.
 */
static void
tidy(char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
	}
	/* A cut may have gone through a character. */
	for (int i = 0; i < 3 && n && !berth_bytes_is_utf8(berth_bytes_of(text, n)); i++) {
		if ((unsigned char)text[n - 1] < 0x80)
			break;
		text[--n] = '\0';
	}
	if (berth_bytes_is_utf8(berth_bytes_of(text, n)))
		return;
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)text[i] >= 0x80)
			text[i] = '?';
	}
}

static void
copy_text(char *to, size_t cap, const char *from)
{
	snprintf(to, cap, "%s", from ? from : "");
	tidy(to);
}

void
berth_decision_start(struct berth_decision *decision)
{
	*decision = (struct berth_decision){.outcome = BERTH_OUTCOME_DENY};
}

/* The next check; when there is no room for it, NULL and nothing is allowed any more. */
static struct berth_check *
next(struct berth_decision *decision)
{
	if (decision->n < BERTH_DECISION_CHECKS_MAX)
		return &decision->checks[decision->n++];
	decision->failed = true;
	decision->outcome = BERTH_OUTCOME_DENY;
	return NULL;
}

void
berth_decision_pass(struct berth_decision *decision, const char *rule, const char *section,
		    const char *format, ...)
{
	struct berth_check *check = next(decision);
	va_list arguments;

	if (!check)
		return;
	check->passed = true;
	copy_text(check->rule, sizeof check->rule, rule);
	copy_text(check->section, sizeof check->section, section);
	va_start(arguments, format);
	vsnprintf(check->evidence, sizeof check->evidence, format, arguments);
	va_end(arguments);
	tidy(check->evidence);
}

void
berth_decision_fail(struct berth_decision *decision, const struct berth_why *why)
{
	struct berth_check *check = next(decision);

	decision->failed = true;
	decision->outcome = BERTH_OUTCOME_DENY;
	if (!check)
		return;
	check->passed = false;
	copy_text(check->rule, sizeof check->rule, why->rule ? why->rule : "unnamed");
	copy_text(check->section, sizeof check->section, why->section);
	copy_text(check->evidence, sizeof check->evidence, why->sentence);
}

bool
berth_decision_check(struct berth_decision *decision, enum berth_err err,
		     const struct berth_why *why, const char *rule, const char *section,
		     const char *good_evidence)
{
	if (err) {
		berth_decision_fail(decision, why);
		return false;
	}
	berth_decision_pass(decision, rule, section, "%s", good_evidence);
	return true;
}

void
berth_decision_set(struct berth_decision *decision, enum berth_outcome outcome)
{
	decision->outcome = decision->failed ? BERTH_OUTCOME_DENY : outcome;
}

const struct berth_check *
berth_decision_failed(const struct berth_decision *decision)
{
	for (size_t i = 0; i < decision->n; i++) {
		if (!decision->checks[i].passed)
			return &decision->checks[i];
	}
	return NULL;
}

const char *
berth_decision_text(const struct berth_decision *decision)
{
	const struct berth_check *failed = berth_decision_failed(decision);

	if (failed)
		return failed->evidence;
	if (decision->failed)
		return "more checks than a decision can hold";
	return decision->n ? decision->checks[decision->n - 1].evidence : "nothing was checked";
}

static enum berth_err
encode_check(const struct berth_check *check, struct berth_buf *json)
{
	enum berth_err err = berth_json_open(json, NULL, '{');

	if (!err)
		err = berth_json_put_text(json, "rule", berth_text(check->rule));
	if (!err)
		err = berth_json_put_text(json, "section", berth_text(check->section));
	if (!err)
		err = berth_json_put_bool(json, "passed", check->passed);
	if (!err)
		err = berth_json_put_text(json, "evidence", berth_text(check->evidence));
	return err ? err : berth_json_shut(json, '}');
}

static enum berth_err
encode(const struct berth_decision *decision, struct berth_buf *json)
{
	enum berth_err err = berth_json_start(json, '{');

	if (!err)
		err = berth_json_open(json, "checks", '[');
	for (size_t i = 0; i < decision->n && !err; i++)
		err = encode_check(&decision->checks[i], json);
	if (!err)
		err = berth_json_shut(json, ']');
	if (!err)
		err = berth_json_put_text(json, "outcome",
					  berth_text(berth_outcome_name(decision->outcome)));
	if (!err)
		err = berth_json_put_text(json, "rule", berth_text(decision->policy_rule));
	if (!err)
		err = berth_json_put_text(json, "segment", berth_text(decision->segment));
	if (!err)
		err = berth_json_put_i64(json, "reauthorize-every-s",
					 decision->reauthorize_every_s);
	if (!err)
		err = berth_json_put_bool(json, "failed", decision->failed);
	return err ? err : berth_json_shut(json, '}');
}

enum berth_err
berth_decision_encode(const struct berth_decision *decision, struct berth_buf *json,
		      struct berth_why *why)
{
	size_t before = json->n;
	enum berth_err err = encode(decision, json);

	if (err)
		json->n = before;
	if (err)
		return berth_fail(why, err, "decision-encode", NULL,
				  "the decision cannot be written");
	return BERTH_OK;
}

static enum berth_err
get_text(const json_t *object, const char *key, char *to, size_t cap, struct berth_why *why)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err = berth_json_get_text(object, key, BERTH_JSON_REQUIRED, &text, why);

	if (err)
		return err;
	if (text.n >= cap)
		return berth_fail(why, BERTH_E_LIMIT, "decision-text", NULL,
				  "%s of a decision is longer than %zu bytes", key, cap - 1);
	if (text.n)
		memcpy(to, text.p, text.n);
	to[text.n] = '\0';
	return BERTH_OK;
}

static enum berth_err
parse_check(const json_t *object, struct berth_check *check, struct berth_why *why)
{
	enum berth_err err = get_text(object, "rule", check->rule, sizeof check->rule, why);

	if (!err)
		err = get_text(object, "section", check->section, sizeof check->section, why);
	if (!err)
		err = berth_json_get_bool(object, "passed", BERTH_JSON_REQUIRED, &check->passed,
					  why);
	if (!err)
		err = get_text(object, "evidence", check->evidence, sizeof check->evidence, why);
	return err;
}

static enum berth_err
parse_outcome(const json_t *root, enum berth_outcome *ret, struct berth_why *why)
{
	struct berth_bytes name = BERTH_BYTES_NONE;
	enum berth_err err = berth_json_get_text(root, "outcome", BERTH_JSON_REQUIRED, &name, why);

	if (err)
		return err;
	for (unsigned i = 0; i < sizeof outcome_names / sizeof *outcome_names; i++) {
		if (berth_bytes_equal_text(name, outcome_names[i])) {
			*ret = (enum berth_outcome)i;
			return BERTH_OK;
		}
	}
	return berth_fail(why, BERTH_E_UNSUPPORTED, "decision-outcome", NULL,
			  "a decision's outcome is deny, pending or allow");
}

static enum berth_err
parse_head(const json_t *root, struct berth_decision *decision, struct berth_why *why)
{
	enum berth_err err = parse_outcome(root, &decision->outcome, why);

	if (!err)
		err = get_text(root, "rule", decision->policy_rule, sizeof decision->policy_rule,
			       why);
	if (!err)
		err = get_text(root, "segment", decision->segment, sizeof decision->segment, why);
	if (!err)
		err = berth_json_get_i64(root, "reauthorize-every-s", BERTH_JSON_REQUIRED, 0,
					 INT64_MAX, &decision->reauthorize_every_s, why);
	if (!err)
		err = berth_json_get_bool(root, "failed", BERTH_JSON_REQUIRED, &decision->failed,
					  why);
	if (err)
		return err;
	if (decision->failed && decision->outcome != BERTH_OUTCOME_DENY)
		return berth_fail(why, BERTH_E_MISMATCH, "decision-outcome", NULL,
				  "a decision with a failed check does not deny");
	return BERTH_OK;
}

enum berth_err
berth_decision_parse(struct berth_bytes json, struct berth_decision *ret, struct berth_why *why)
{
	static const struct berth_json_limits limits = {.max_bytes = BERTH_DECISION_JSON_MAX_BYTES};
	struct berth_decision decision = {0};
	BERTH_JSON json_t *root = NULL;
	json_t *checks = NULL;
	enum berth_err err = berth_json_parse(json, &limits, &root, why);

	if (!err)
		err = parse_head(root, &decision, why);
	if (!err)
		err = berth_json_get_array(root, "checks", BERTH_JSON_REQUIRED, &checks, why);
	if (err)
		return err;
	if (json_array_size(checks) > BERTH_DECISION_CHECKS_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "decision-checks", NULL,
				  "a decision has at most %d checks", BERTH_DECISION_CHECKS_MAX);
	for (size_t i = 0; i < json_array_size(checks) && !err; i++)
		err = parse_check(json_array_get(checks, i), &decision.checks[decision.n++], why);
	if (!err)
		*ret = decision;
	return err;
}
