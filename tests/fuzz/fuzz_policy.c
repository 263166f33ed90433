/* fuzz: berth_policy_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policy.h"

#include <string.h>

#include "fuzz.h"

/* Whatever a policy says: a device that nothing vouches for is never let in by a rule that asks for an operator or for evidence. */
static void
decide(const struct berth_policy *policy)
{
	static struct berth_decision decision;
	static const struct berth_facts denied = {
		.manufacturer = BERTH_LIT_INIT("Acme"),
		.model = BERTH_LIT_INIT("cam-4"),
		.serial_number = BERTH_LIT_INIT("CAM-1"),
		.audit = BERTH_AUDIT_VIOLATION,
	};
	struct berth_facts facts = denied;

	berth_decision_start(&decision);
	berth_policy_decide(policy, BERTH_STAGE_ENROL, &facts, &decision);
	fuzz_assert(decision.outcome == BERTH_OUTCOME_DENY && berth_decision_failed(&decision));
	facts.audit = BERTH_AUDIT_CLEAN;
	facts.approval = BERTH_APPROVAL_REFUSED;
	berth_decision_start(&decision);
	berth_policy_decide(policy, BERTH_STAGE_VOUCHER, &facts, &decision);
	fuzz_assert(decision.outcome == BERTH_OUTCOME_DENY && berth_decision_failed(&decision));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_policy *policy = NULL;
	struct berth_why why = {0};

	if (berth_policy_parse(berth_bytes_of(data, size), "policy", &policy, &why)) {
		fuzz_assert(why.rule && why.sentence[0] && !policy);
		return 0;
	}
	fuzz_assert(berth_policy_rule_count(policy) <= BERTH_POLICY_RULES_MAX);
	decide(policy);
	berth_policy_free(policy);
	return 0;
}
