/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A decision and its trace: every check in the order made, passed or not, on which evidence, by
 * which rule id. The same id and sentence go to the HTTP status, the log, the command line and
 * `berth device explain`.
 *
 *	berth_decision_start(&d);
 *	berth_decision_pass(&d, "rfc8995-5.4-serial-match", "RFC 8995 5.4", "serial %s in both",
 * serial); berth_decision_fail(&d, &why);		-> the outcome is deny and stays deny
 *	berth_decision_text(&d)			-> the sentence of the first failed check
 *
 * A decision begins as deny without checks: nothing is allowed by forgetting to decide. Holds no
 * pointers; copy it freely.
 */
#ifndef BERTH_MODEL_DECISION_H
#define BERTH_MODEL_DECISION_H

#include "base/time.h"

#define BERTH_DECISION_CHECKS_MAX                                                                  \
	48 /* BRSKI makes about 25; more is a programming error and denies */
#define BERTH_DECISION_RULE_MAX 64
#define BERTH_DECISION_SECTION_MAX 32
#define BERTH_DECISION_NAME_MAX 64
#define BERTH_DECISION_JSON_MAX_BYTES 65536

enum berth_outcome { BERTH_OUTCOME_DENY, BERTH_OUTCOME_PENDING, BERTH_OUTCOME_ALLOW };
const char *berth_outcome_name(enum berth_outcome outcome); /* "deny" "pending" "allow" */

struct berth_check {
	char rule[BERTH_DECISION_RULE_MAX];	  /* "rfc8995-5.3-serial-mismatch" */
	char section[BERTH_DECISION_SECTION_MAX]; /* "" where no document says it */
	bool passed;
	char evidence[BERTH_WHY_SENTENCE_MAX]; /* one sentence */
};

struct berth_decision {
	enum berth_outcome outcome;
	char policy_rule[BERTH_DECISION_NAME_MAX]; /* the [rule "..."] that matched; "" if none did
						    */
	char segment[BERTH_DECISION_NAME_MAX]; /* where the policy puts the device; "" if nowhere
						  yet */
	int64_t reauthorize_every_s;	       /* 0: never */
	bool failed;			       /* some check failed: the outcome can only be deny */
	size_t n;
	struct berth_check checks[BERTH_DECISION_CHECKS_MAX];
};

void berth_decision_start(struct berth_decision *decision);
/* Texts that are too long are cut. */
void berth_decision_pass(struct berth_decision *decision, const char *rule, const char *section,
			 const char *format, ...) BERTH_PRINTF(4, 5);
/* The why of a failed function becomes the failed check. */
void berth_decision_fail(struct berth_decision *decision, const struct berth_why *why);
/* Both in one: records the check that err and why tell of, rule and section for the good case;
 * returns err == BERTH_OK. */
bool berth_decision_check(struct berth_decision *decision, enum berth_err err,
			  const struct berth_why *why, const char *rule, const char *section,
			  const char *good_evidence);
/* Sets the outcome; without effect (deny) once a check has failed. */
void berth_decision_set(struct berth_decision *decision, enum berth_outcome outcome);
/* The first failed check, or NULL. */
const struct berth_check *berth_decision_failed(const struct berth_decision *decision);
/* What to tell a person in one sentence: of the failed check, or of the last one. Never NULL. */
const char *berth_decision_text(const struct berth_decision *decision);

/* {"outcome":"deny","rule":"cameras","segment":"cameras","reauthorize-every-s":0,"checks":[{"rule":…,"section":…,"passed":…,"evidence":…}]}
 */
enum berth_err berth_decision_encode(const struct berth_decision *decision, struct berth_buf *json,
				     struct berth_why *why) BERTH_MUST;
enum berth_err berth_decision_parse(struct berth_bytes json, struct berth_decision *ret,
				    struct berth_why *why) BERTH_MUST;

#endif
