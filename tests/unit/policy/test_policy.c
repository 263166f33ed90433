/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "policy/glob.h"

static const char text[] = "[rule \"never\"]\n"
			   "match.serial = TEST-*\n"
			   "deny = yes\n"
			   "[rule \"cameras\"]\n"
			   "match.manufacturer = Acme*\n"
			   "match.model = cam-?, dome-*\n"
			   "require.owned = yes\n"
			   "require.assertion = proximity, verified\n"
			   "approve = auto\n"
			   "segment = cameras\n"
			   "reauthorize-every = 1h\n"
			   "[rule \"lamps\"]\n"
			   "match.model = lamp\n"
			   "require.audit = optional\n"
			   "[rule \"all of Acme\"]\n"
			   "match.manufacturer = Acme*\n"
			   "approve = auto\n"
			   "[audit]\n"
			   "assertions = verified, proximity\n"
			   "[domain \"Distributor\"]\n"
			   "id = RElTVFJJQlVUT1I=\n";

static struct berth_policy *
policy_of(const char *file)
{
	struct berth_policy *policy = NULL;
	struct berth_why why;

	if (berth_policy_parse(berth_text(file), "policy", &policy, &why))
		fail_msg("%s: %s", why.rule, why.sentence);
	return policy;
}

static struct berth_facts
camera(void)
{
	return (struct berth_facts){
		.manufacturer = BERTH_LIT("Acme Ltd"),
		.model = BERTH_LIT("cam-4"),
		.serial_number = BERTH_LIT("CAM-1"),
		.is_owned = true,
		.assertion = BERTH_LIT("proximity"),
		.audit = BERTH_AUDIT_CLEAN,
	};
}

static struct berth_decision
decide(enum berth_policy_stage stage, const struct berth_facts *facts)
{
	struct berth_policy *policy = policy_of(text);
	struct berth_decision decision;

	berth_decision_start(&decision);
	berth_policy_decide(policy, stage, facts, &decision);
	berth_policy_free(policy);
	return decision;
}

static void
denied_by(const struct berth_decision *decision, const char *rule)
{
	assert_int_equal(decision->outcome, BERTH_OUTCOME_DENY);
	assert_non_null(berth_decision_failed(decision));
	assert_string_equal(berth_decision_failed(decision)->rule, rule);
}

static void
allows_what_meets_its_rule(void **state)
{
	(void)state;
	struct berth_facts facts = camera();
	struct berth_decision decision = decide(BERTH_STAGE_ENROL, &facts);

	assert_int_equal(decision.outcome, BERTH_OUTCOME_ALLOW);
	assert_string_equal(decision.policy_rule, "cameras");
	assert_string_equal(decision.segment, "cameras");
	assert_int_equal(decision.reauthorize_every_s, 3600);
}

static void
denies_what_no_rule_matches(void **state)
{
	(void)state;
	struct berth_facts facts = camera();

	facts.manufacturer = BERTH_LIT("Bcme");
	struct berth_decision decision = decide(BERTH_STAGE_ENROL, &facts);
	denied_by(&decision, "policy-no-rule");
	assert_string_equal(decision.policy_rule, "");
}

static void
the_first_rule_that_matches_decides(void **state)
{
	(void)state;
	struct berth_facts facts = camera();

	facts.serial_number = BERTH_LIT("TEST-1");
	struct berth_decision decision = decide(BERTH_STAGE_ENROL, &facts);
	denied_by(&decision, "policy-denied");
	assert_string_equal(decision.policy_rule, "never");
}

/* "all of Acme" would allow each of these. */
static void
a_failed_requirement_never_falls_through(void **state)
{
	(void)state;
	struct berth_facts facts = camera();

	facts.is_owned = false;
	struct berth_decision decision = decide(BERTH_STAGE_ENROL, &facts);
	denied_by(&decision, "policy-not-owned");
	facts = camera();
	facts.assertion = BERTH_LIT("logged");
	decision = decide(BERTH_STAGE_ENROL, &facts);
	denied_by(&decision, "policy-assertion");
	facts = camera();
	facts.audit = BERTH_AUDIT_UNKNOWN;
	decision = decide(BERTH_STAGE_ENROL, &facts);
	denied_by(&decision, "policy-audit-unknown");
	facts = camera();
	facts.audit = BERTH_AUDIT_VIOLATION;
	decision = decide(BERTH_STAGE_ENROL, &facts);
	denied_by(&decision, "policy-audit");
	/* The control. */
	facts = camera();
	facts.model = BERTH_LIT("other");
	facts.is_owned = false;
	decision = decide(BERTH_STAGE_ENROL, &facts);
	assert_int_equal(decision.outcome, BERTH_OUTCOME_ALLOW);
	assert_string_equal(decision.policy_rule, "all of Acme");
}

static void
before_the_voucher_unknown_facts_are_due_not_failed(void **state)
{
	(void)state;
	struct berth_facts facts = camera();

	facts.assertion = BERTH_BYTES_NONE;
	facts.audit = BERTH_AUDIT_UNKNOWN;
	struct berth_decision decision = decide(BERTH_STAGE_VOUCHER, &facts);
	assert_int_equal(decision.outcome, BERTH_OUTCOME_ALLOW);
	decision = decide(BERTH_STAGE_ENROL, &facts);
	denied_by(&decision, "policy-assertion");
	facts.audit = BERTH_AUDIT_VIOLATION;
	decision = decide(BERTH_STAGE_VOUCHER, &facts);
	denied_by(&decision, "policy-audit");
}

static void
waits_for_an_operator_unless_told_otherwise(void **state)
{
	(void)state;
	struct berth_facts facts = camera();

	facts.model = BERTH_LIT("lamp");
	facts.manufacturer = BERTH_LIT("Any");
	struct berth_decision decision = decide(BERTH_STAGE_VOUCHER, &facts);
	assert_int_equal(decision.outcome, BERTH_OUTCOME_PENDING);
	facts.approval = BERTH_APPROVAL_GIVEN;
	facts.approved_by = "anna";
	decision = decide(BERTH_STAGE_VOUCHER, &facts);
	assert_int_equal(decision.outcome, BERTH_OUTCOME_ALLOW);
	assert_string_equal(berth_decision_text(&decision), "anna has approved the device");
	facts.approval = BERTH_APPROVAL_REFUSED;
	decision = decide(BERTH_STAGE_VOUCHER, &facts);
	denied_by(&decision, "policy-operator-denied");
	facts.approval = BERTH_APPROVAL_GIVEN;
	facts.audit = BERTH_AUDIT_UNKNOWN;
	decision = decide(BERTH_STAGE_ENROL, &facts);
	assert_int_equal(decision.outcome, BERTH_OUTCOME_ALLOW);
	facts.audit = BERTH_AUDIT_VIOLATION;
	decision = decide(BERTH_STAGE_ENROL, &facts);
	denied_by(&decision, "policy-audit");
}

static void
an_operator_denies_what_the_rule_would_let_pass(void **state)
{
	(void)state;
	struct berth_facts facts = camera();

	facts.approval = BERTH_APPROVAL_REFUSED;
	struct berth_decision decision = decide(BERTH_STAGE_ENROL, &facts);
	denied_by(&decision, "policy-operator-denied");
}

/* req: rfc8995-7.3-default */
static void
an_empty_policy_denies(void **state)
{
	(void)state;
	struct berth_policy *policy = policy_of("");
	struct berth_facts facts = camera();
	struct berth_decision decision;

	assert_int_equal(berth_policy_rule_count(policy), 0);
	berth_decision_start(&decision);
	berth_policy_decide(policy, BERTH_STAGE_ENROL, &facts, &decision);
	denied_by(&decision, "policy-no-rule");
	berth_policy_free(policy);
}

#define DPP_RULE "[rule \"a\"]\nmatch.client = dpp\ndpp.ssid = lab\n"

static struct berth_policy_network
network_of(const char *lines)
{
	char lines_of_rule[512];
	struct berth_policy_network network = {0};
	struct berth_facts facts = camera();

	facts.client = BERTH_CLIENT_DPP;
	(void)snprintf(lines_of_rule, sizeof(lines_of_rule), DPP_RULE "%s", lines);
	struct berth_policy *policy = policy_of(lines_of_rule);
	assert_true(berth_policy_network_of(policy, &facts, &network));
	assert_string_equal(network.ssid, "lab");
	network.ssid = NULL; /* ends with the policy */
	berth_policy_free(policy);
	return network;
}

static void
gives_a_device_its_network(void **state)
{
	(void)state;
	struct berth_policy_network network = network_of("dpp.lifetime = 30d\n");
	assert_string_equal(network.akm, "dpp");
	assert_int_equal(network.lifetime_s, 30 * 86400);
	network = network_of("dpp.akm = dpp+sae\ndpp.password-file = /x\n");
	assert_string_equal(network.akm, "dpp+sae");
	assert_int_equal(network.password, BERTH_POLICY_PASSWORD_SHARED);
	network = network_of("dpp.akm = psk\ndpp.password-file = /x\ndpp.password = device\n"
			     "dpp.ap-tells-devices-apart = yes\n");
	assert_int_equal(network.password, BERTH_POLICY_PASSWORD_DEVICE);
}

/* A password for each device, where every device looks the same to the access point, would let nobody on. */
/* req: dpp-controller-password-apart */
static void
refuses_passwords_for_each_device_that_no_access_point_knows(void **state)
{
	(void)state;
	static const char rule[] =
		DPP_RULE "dpp.akm = sae\ndpp.password-file = /x\ndpp.password = device\n";
	struct berth_policy *policy = NULL;
	struct berth_why why = {0};

	assert_int_equal(berth_policy_parse(berth_text(rule), "policy", &policy, &why),
			 BERTH_E_USAGE);
	assert_string_equal(why.rule, "policy-password-apart");
	assert_null(policy);
}

static void
refuses_a_policy_that_says_nonsense(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"[rule \"a\"]\nmatch.colour = red\n",
		"[rule \"a\"]\napprove = perhaps\n",
		"[rule \"a\"]\nrequire.assertion = proximty\n",
		"[rule \"a\"]\nrequire.audit = dirty\n",
		"[rule \"a\"]\ndeny = sometimes\n",
		"[rule \"a\"]\nrole = admin\n",
		"[rule \"a\"]\nrole = gateway\nmatch.client = device, user\n",
		"[rule \"a\"]\nreauthorize-every = soon\n",
		"[rule \"a\"]\ndeny = yes\ndeny = no\n",
		"[rules]\n",
		"[audit]\nassertions = none\n",
		/* Wi-Fi Easy Connect: a network for who comes another way, passwords that nobody has or needs */
		"[rule \"a\"]\ndpp.ssid = x\n",
		DPP_RULE "dpp.akm = wep\n",
		DPP_RULE "dpp.akm = sae\n",
		DPP_RULE "dpp.password-file = x\n",
		DPP_RULE "dpp.akm = dot1x\n",
		DPP_RULE "dpp.eap-server = x\n",
		DPP_RULE "dpp.akm = dot1x\ndpp.eap-server = x\ndpp.net-role = ap\n",
		"[domain \"d\"]\nid = not base64\n",
		"[domain \"d\"]\n",
		"deny = yes\n",
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct berth_policy *policy = NULL;
		struct berth_why why = {0};

		print_message("%s", rows[i]);
		assert_int_not_equal(
			berth_policy_parse(berth_text(rows[i]), "policy", &policy, &why), BERTH_OK);
		assert_null(policy);
		assert_non_null(why.rule);
	}
}

static void
matches_globs(void **state)
{
	(void)state;
	static const struct {
		const char *pattern;
		const char *text;
		bool matches;
	} rows[] = {
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "abc", true},
		{"a*", "abc", true},
		{"a*c", "abc", true},
		{"a*c", "abd", false},
		{"*b*", "abc", true},
		{"?", "a", true},
		{"?", "", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"a*b*c", "axbxbxc", true},
		{"abc", "ABC", false},
		{"a**b", "ab", true},
		{"*a", "aaaaaaaaaaaaaaaaab", false},
		{"[a]", "a", false},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		print_message("%s %s\n", rows[i].pattern, rows[i].text);
		assert_int_equal(berth_glob_matches(rows[i].pattern, berth_text(rows[i].text)),
				 rows[i].matches);
	}
}

#define OWN BERTH_LIT("OWN")
#define OTHER BERTH_LIT("OTHER")
#define LISTED BERTH_LIT("DISTRIBUTOR")

static enum berth_audit_finding
audit(const char *file, const struct berth_audit_facts *facts, struct berth_decision *decision)
{
	struct berth_policy *policy = policy_of(file);

	berth_decision_start(decision);
	enum berth_audit_finding finding = berth_policy_audit(policy, facts, decision);
	berth_policy_free(policy);
	return finding;
}

static void
judges_the_audit_log(void **state)
{
	(void)state;
	const struct berth_bytes proximity = BERTH_LIT("proximity");
	const struct {
		const char *name;
		struct berth_policy_audit_event event;
		struct berth_bytes own_domain;
		uint64_t arbitrary;
		bool own_entry_expected;
		const char *rule; /* NULL: clean */
	} rows[] = {
		{"ours",
		 {.domain_id = OWN, .has_nonce = true, .assertion = proximity},
		 OWN,
		 0,
		 true,
		 NULL},
		{"ours without nonce",
		 {.domain_id = OWN, .assertion = proximity},
		 OWN,
		 0,
		 true,
		 NULL},
		{"listed",
		 {.domain_id = LISTED, .has_nonce = true, .assertion = proximity},
		 OWN,
		 0,
		 false,
		 NULL},
		{"listed, nonceless",
		 {.domain_id = LISTED, .assertion = proximity},
		 OWN,
		 0,
		 false,
		 "audit-nonceless"},
		{"no own entry",
		 {.domain_id = LISTED, .has_nonce = true, .assertion = proximity},
		 OWN,
		 0,
		 true,
		 "audit-own-entry"},
		{"unknown",
		 {.domain_id = OTHER, .has_nonce = true, .assertion = proximity},
		 OWN,
		 0,
		 false,
		 "audit-unknown-domain"},
		{"unknown, nonceless",
		 {.domain_id = OTHER, .assertion = proximity},
		 OWN,
		 0,
		 false,
		 "audit-nonceless"},
		{"assertion",
		 {.domain_id = OWN, .has_nonce = true, .assertion = BERTH_LIT("logged")},
		 OWN,
		 0,
		 true,
		 "audit-assertion"},
		{"truncated",
		 {.domain_id = OWN, .has_nonce = true, .assertion = proximity},
		 OWN,
		 1,
		 true,
		 "audit-truncated"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct berth_audit_facts facts = {
			.events = &rows[i].event,
			.n = 1,
			.truncated_arbitrary = rows[i].arbitrary,
			.own_domain_id = rows[i].own_domain,
			.own_entry_expected = rows[i].own_entry_expected,
		};
		struct berth_decision decision;

		print_message("%s\n", rows[i].name);
		enum berth_audit_finding finding = audit(text, &facts, &decision);
		assert_int_equal(finding, rows[i].rule ? BERTH_AUDIT_VIOLATION : BERTH_AUDIT_CLEAN);
		if (rows[i].rule)
			assert_string_equal(berth_decision_failed(&decision)->rule, rows[i].rule);
		finding = audit("[audit]\nallow-unknown-domains = yes\nallow-nonceless = yes\n"
				"allow-truncated = yes\n",
				&facts, &decision);
		assert_int_equal(finding,
				 rows[i].rule && strcmp(rows[i].rule, "audit-own-entry") == 0
					 ? BERTH_AUDIT_VIOLATION
					 : BERTH_AUDIT_CLEAN);
	}
}

/* Each way that allows it, and by its side the same with one thing less. */
/* req: berth-policy-nonceless */
static void
allows_nonceless_entries_by_name(void **state)
{
	(void)state;
	const struct {
		const char *policy;
		const char *rule; /* NULL: clean */
	} rows[] = {
		{"[domain \"a\"]\nid = RElTVFJJQlVUT1I=\nnonceless = yes\n", NULL},
		{"[domain \"a\"]\nid = RElTVFJJQlVUT1I=\nnonceless = no\n", "audit-nonceless"},
		{"[domain \"a\"]\nid = RElTVFJJQlVUT1I=\n", "audit-nonceless"},
		{"[domain \"another\"]\nid = QQ==\nnonceless = yes\n", "audit-nonceless"},
		{"[audit]\nallow-nonceless = yes\n[domain \"a\"]\nid = RElTVFJJQlVUT1I=\n", NULL},
		{"[audit]\nallow-nonceless = yes\n", "audit-unknown-domain"},
		{"[audit]\nallow-unknown-domains = yes\n", "audit-nonceless"},
	};
	const struct berth_policy_audit_event event = {.domain_id = LISTED,
						       .assertion = BERTH_LIT("verified")};
	const struct berth_audit_facts facts = {.events = &event, .n = 1, .own_domain_id = OWN};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct berth_decision decision;

		print_message("%s\n", rows[i].policy);
		enum berth_audit_finding finding = audit(rows[i].policy, &facts, &decision);
		assert_int_equal(finding, rows[i].rule ? BERTH_AUDIT_VIOLATION : BERTH_AUDIT_CLEAN);
		if (rows[i].rule)
			assert_string_equal(berth_decision_failed(&decision)->rule, rows[i].rule);
	}
}

static void
the_trace_says_whose_entry_it_was_by_name_where_it_has_one(void **state)
{
	(void)state;
	const struct {
		const char *policy;
		const char *words;
	} rows[] = {
		{"[domain \"Reseller\"]\nid = RElTVFJJQlVUT1I=\n",
		 "listed domain \"Reseller\" (RElTVFJJQlVUT1I=) got"},
		{"[domain \"Reseller\"]\nid = QQ==\n", "unknown domain RElTVFJJQlVUT1I= got"},
		{"[audit]\nallow-nonceless = yes\n", "given to unknown domain RElTVFJJQlVUT1I="},
		{"[domain \"Reseller\"]\nid = RElTVFJJQlVUT1I=\nnonceless = yes\n"
		 "[audit]\nassertions = logged\n",
		 "for listed domain \"Reseller\" (RElTVFJJQlVUT1I=) has an assertion"},
	};
	const struct berth_policy_audit_event event = {.domain_id = LISTED,
						       .assertion = BERTH_LIT("verified")};
	const struct berth_audit_facts facts = {.events = &event, .n = 1, .own_domain_id = OWN};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct berth_decision decision;

		print_message("%s\n", rows[i].policy);
		assert_int_equal(audit(rows[i].policy, &facts, &decision), BERTH_AUDIT_VIOLATION);
		assert_non_null(strstr(berth_decision_failed(&decision)->evidence, rows[i].words));
	}
}

static void
a_hostile_log_cannot_flood_the_trace(void **state)
{
	(void)state;
	static struct berth_policy_audit_event events[1000];
	struct berth_audit_facts facts = {.events = events, .n = 1000, .own_domain_id = OWN};
	struct berth_decision decision;

	for (size_t i = 0; i < facts.n; i++)
		events[i] = (struct berth_policy_audit_event){.domain_id = OTHER};
	assert_int_equal(audit(text, &facts, &decision), BERTH_AUDIT_VIOLATION);
	assert_true(decision.n <= 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allows_what_meets_its_rule),
		cmocka_unit_test(denies_what_no_rule_matches),
		cmocka_unit_test(the_first_rule_that_matches_decides),
		cmocka_unit_test(a_failed_requirement_never_falls_through),
		cmocka_unit_test(before_the_voucher_unknown_facts_are_due_not_failed),
		cmocka_unit_test(waits_for_an_operator_unless_told_otherwise),
		cmocka_unit_test(an_operator_denies_what_the_rule_would_let_pass),
		cmocka_unit_test(an_empty_policy_denies),
		cmocka_unit_test(gives_a_device_its_network),
		cmocka_unit_test(refuses_passwords_for_each_device_that_no_access_point_knows),
		cmocka_unit_test(refuses_a_policy_that_says_nonsense),
		cmocka_unit_test(matches_globs),
		cmocka_unit_test(judges_the_audit_log),
		cmocka_unit_test(allows_nonceless_entries_by_name),
		cmocka_unit_test(the_trace_says_whose_entry_it_was_by_name_where_it_has_one),
		cmocka_unit_test(a_hostile_log_cannot_flood_the_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
