/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policy.h"

#include <stdio.h>

#include "policy/glob.h"
#include "policy/policy_file.h"

static const char *const finding_names[] = {
	[BERTH_AUDIT_UNKNOWN] = "unknown",
	[BERTH_AUDIT_CLEAN] = "clean",
	[BERTH_AUDIT_VIOLATION] = "violation",
};

const char *
berth_audit_finding_name(enum berth_audit_finding finding)
{
	return finding_names[finding];
}

static const char *const client_names[] = {
	[BERTH_CLIENT_DEVICE] = "device",
	[BERTH_CLIENT_CERTIFICATE] = "certificate",
	[BERTH_CLIENT_USER] = "user",
	[BERTH_CLIENT_DPP] = "dpp",
};

const char *
berth_client_name(enum berth_client client)
{
	return client_names[client];
}

enum berth_err
berth_client_parse(struct berth_bytes name, enum berth_client *ret, struct berth_why *why)
{
	for (unsigned i = 0; i < sizeof(client_names) / sizeof(client_names[0]); i++) {
		if (berth_bytes_equal_text(name, client_names[i])) {
			*ret = (enum berth_client)i;
			return BERTH_OK;
		}
	}
	return berth_fail(why, BERTH_E_USAGE, "policy-client", NULL,
			  "there is no such kind of client: device, certificate, user or dpp");
}

static bool
has_word(const struct berth_conf_list *words, struct berth_bytes word)
{
	for (size_t i = 0; i < words->count; i++) {
		if (berth_bytes_equal_text(word, words->items[i]))
			return true;
	}
	return false;
}

static bool
any_glob(const struct berth_conf_list *globs, struct berth_bytes text)
{
	for (size_t i = 0; i < globs->count; i++) {
		if (berth_glob_matches(globs->items[i], text))
			return true;
	}
	return globs->count == 0;
}

static const struct berth_policy_rule *
find_rule(const struct berth_policy *policy, const struct berth_facts *facts)
{
	const struct berth_policy_rule *rules = policy->settings.rules.items;

	for (size_t i = 0; i < policy->settings.rules.count; i++) {
		if (has_word(&rules[i].client, berth_text(berth_client_name(facts->client))) &&
		    any_glob(&rules[i].manufacturer, facts->manufacturer) &&
		    any_glob(&rules[i].model, facts->model) &&
		    any_glob(&rules[i].serial, facts->serial_number))
			return &rules[i];
	}
	return NULL;
}

enum berth_policy_role
berth_policy_role_of(const struct berth_policy *policy, const struct berth_facts *facts)
{
	const struct berth_policy_rule *rule = find_rule(policy, facts);

	return rule ? (enum berth_policy_role)rule->role : BERTH_POLICY_ROLE_DEVICE;
}

bool
berth_policy_network_of(const struct berth_policy *policy, const struct berth_facts *facts,
			struct berth_policy_network *ret)
{
	const struct berth_policy_rule *rule = find_rule(policy, facts);

	if (!rule || !rule->ssid)
		return false;
	*ret = (struct berth_policy_network){
		.ssid = rule->ssid,
		.akm = berth_policy_akm_words[rule->akm],
		.net_role = berth_policy_net_role_words[rule->net_role],
		.groups = (const char *const *)rule->groups.items,
		.group_count = rule->groups.count,
		.group = rule->segment ? rule->segment : "*",
		.lifetime_s = rule->connector_lifetime_s,
		.requires_mutual = rule->needs_mutual,
		.password_file = rule->password_file,
		.password = (enum berth_policy_password)rule->password,
		.eap_server = rule->eap_server,
	};
	return true;
}

const char *
berth_policy_password_file(const struct berth_policy *policy, size_t i)
{
	const struct berth_policy_rule *rules = policy->settings.rules.items;

	return rules[i].password_file;
}

bool
berth_policy_may_be_gateway(const struct berth_policy *policy, struct berth_bytes serial_number)
{
	const struct berth_policy_rule *rules = policy->settings.rules.items;

	for (size_t i = 0; i < policy->settings.rules.count; i++) {
		if (rules[i].role == BERTH_POLICY_ROLE_GATEWAY && !rules[i].is_deny &&
		    any_glob(&rules[i].serial, serial_number))
			return true;
	}
	return false;
}

#define REFUSE(decision, rule, section, ...)                                                       \
	do {                                                                                       \
		struct berth_why refused_;                                                         \
		berth_ignore(berth_fail(&refused_, BERTH_E_DENIED, rule, section, __VA_ARGS__),    \
			     "the decision carries it");                                           \
		berth_decision_fail(decision, &refused_);                                          \
	} while (0)

static void
check_owned(const struct berth_policy_rule *rule, const struct berth_facts *facts,
	    struct berth_decision *decision)
{
	if (!rule->needs_owned)
		return;
	if (facts->is_owned) {
		berth_decision_pass(decision, "policy-owned", NULL,
				    "a purchase manifest names the device");
		return;
	}
	REFUSE(decision, "policy-not-owned", NULL,
	       "rule \"%s\" requires a purchase manifest that names the device: load it, then "
	       "retry",
	       rule->name);
}

static void
check_label(const struct berth_policy_rule *rule, const struct berth_facts *facts,
	    struct berth_decision *decision)
{
	if (facts->label.p == NULL || any_glob(&rule->label, facts->label))
		return;
	REFUSE(decision, "policy-label", "RFC 7030 3.2.2",
	       "rule \"%s\" gives no certificate at the label \"%.*s\"", rule->name,
	       (int)facts->label.n, facts->label.p ? (const char *)facts->label.p : "");
}

static void
check_assertion(const struct berth_policy_rule *rule, enum berth_policy_stage stage,
		const struct berth_facts *facts, struct berth_decision *decision)
{
	if (!rule->assertion.count)
		return;
	if (stage == BERTH_STAGE_VOUCHER) {
		berth_decision_pass(decision, "policy-assertion-due", "RFC 8366 5.3",
				    "rule \"%s\" will look at the voucher's assertion", rule->name);
		return;
	}
	if (has_word(&rule->assertion, facts->assertion)) {
		berth_decision_pass(decision, "policy-assertion", "RFC 8366 5.3",
				    "the voucher's assertion is %.*s", (int)facts->assertion.n,
				    (const char *)facts->assertion.p);
		return;
	}
	REFUSE(decision, "policy-assertion", "RFC 8366 5.3",
	       "rule \"%s\" does not accept the voucher's assertion %.*s", rule->name,
	       facts->assertion.n ? (int)facts->assertion.n : 4,
	       facts->assertion.n ? (const char *)facts->assertion.p : "none");
}

static void
check_audit(const struct berth_policy_rule *rule, enum berth_policy_stage stage,
	    const struct berth_facts *facts, struct berth_decision *decision)
{
	switch (facts->audit) {
	case BERTH_AUDIT_CLEAN:
		berth_decision_pass(decision, "policy-audit", "RFC 8995 5.8.3",
				    "the manufacturer's audit log is clean");
		return;
	case BERTH_AUDIT_VIOLATION:
		REFUSE(decision, "policy-audit", "RFC 8995 5.8.3",
		       "the manufacturer's audit log of the device breaks the policy: see its "
		       "entries");
		return;
	case BERTH_AUDIT_UNKNOWN:
		break;
	}
	if (facts->client != BERTH_CLIENT_DEVICE) {
		berth_decision_pass(decision, "policy-audit-none", "RFC 8995 5.8",
				    "no manufacturer keeps an audit log of such a client");
		return;
	}
	if (stage == BERTH_STAGE_VOUCHER) {
		berth_decision_pass(decision, "policy-audit-due", "RFC 8995 5.8",
				    "the manufacturer's audit log will be read");
		return;
	}
	if (rule->audit == BERTH_POLICY_AUDIT_OPTIONAL) {
		berth_decision_pass(decision, "policy-audit-optional", "RFC 8995 5.8",
				    "the audit log could not be read; rule \"%s\" tolerates it",
				    rule->name);
		return;
	}
	REFUSE(decision, "policy-audit-unknown", "RFC 8995 5.8",
	       "rule \"%s\" requires a clean audit log, and the manufacturer's could not be read",
	       rule->name);
}

/* BERTH_OUTCOME_PENDING while an operator has to speak. */
static enum berth_outcome
check_approval(const struct berth_policy_rule *rule, const struct berth_facts *facts,
	       struct berth_decision *decision)
{
	const char *by = facts->approved_by ? facts->approved_by : "an operator";

	switch (facts->approval) {
	case BERTH_APPROVAL_REFUSED:
		REFUSE(decision, "policy-operator-denied", NULL, "%.80s has denied the device", by);
		return BERTH_OUTCOME_DENY;
	case BERTH_APPROVAL_GIVEN:
		berth_decision_pass(decision, "policy-approved", NULL,
				    "%.80s has approved the device", by);
		return BERTH_OUTCOME_ALLOW;
	case BERTH_APPROVAL_NONE:
		break;
	}
	if (rule->approve == BERTH_POLICY_APPROVE_AUTO) {
		berth_decision_pass(decision, "policy-approve-auto", NULL,
				    "rule \"%s\" asks no operator", rule->name);
		return BERTH_OUTCOME_ALLOW;
	}
	berth_decision_pass(decision, "policy-approval-due", NULL,
			    "rule \"%s\" waits for an operator: berth device approve", rule->name);
	return BERTH_OUTCOME_PENDING;
}

/* req: rfc8995-7.3-default */
void
berth_policy_decide(const struct berth_policy *policy, enum berth_policy_stage stage,
		    const struct berth_facts *facts, struct berth_decision *decision)
{
	const struct berth_policy_rule *rule = find_rule(policy, facts);

	if (!rule) {
		const struct berth_bytes model =
			facts->model.n > 0 ? facts->model : BERTH_LIT("unknown");
		REFUSE(decision, "policy-no-rule", NULL,
		       "no rule of the policy matches %s of manufacturer %.*s, model %.*s, serial "
		       "number %.*s",
		       berth_client_name(facts->client), (int)facts->manufacturer.n,
		       (const char *)facts->manufacturer.p, (int)model.n, (const char *)model.p,
		       (int)facts->serial_number.n, (const char *)facts->serial_number.p);
		return;
	}
	snprintf(decision->policy_rule, sizeof decision->policy_rule, "%s", rule->name);
	berth_decision_pass(decision, "policy-rule", NULL, "rule \"%s\" is the first that matches",
			    rule->name);
	if (rule->is_deny) {
		REFUSE(decision, "policy-denied", NULL, "rule \"%s\" denies such devices",
		       rule->name);
		return;
	}
	check_owned(rule, facts, decision);
	check_label(rule, facts, decision);
	check_assertion(rule, stage, facts, decision);
	check_audit(rule, stage, facts, decision);
	enum berth_outcome outcome = check_approval(rule, facts, decision);
	snprintf(decision->segment, sizeof decision->segment, "%s",
		 rule->segment ? rule->segment : "");
	decision->reauthorize_every_s = rule->reauthorize_every_s;
	berth_decision_set(decision, outcome);
}
