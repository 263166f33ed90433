/* SPDX-License-Identifier: BSD-2-Clause */
/* The MASA's audit log of a device against the policy (RFC 8995 5.8.3). */
#include <stdio.h>

#include "base/base64.h"
#include "policy/policy_file.h"

#define VIOLATIONS_SHOWN_MAX 8 /* a hostile log has thousands; the first few tell the story */

/* One evaluation of a log. */
struct reading {
	const struct berth_policy_settings *settings;
	const struct berth_audit_facts *facts;
	struct berth_decision *decision;
	size_t violations;
	bool has_own_entry;
};

static void
violate(struct reading *reading, const struct berth_why *why)
{
	if (reading->violations++ < VIOLATIONS_SHOWN_MAX)
		berth_decision_fail(reading->decision, why);
}

#define VIOLATE(reading, rule, section, ...)                                                       \
	do {                                                                                       \
		struct berth_why refused_;                                                         \
		berth_ignore(berth_fail(&refused_, BERTH_E_DENIED, rule, section, __VA_ARGS__),    \
			     "the decision carries it");                                           \
		violate(reading, &refused_);                                                       \
	} while (0)

static const struct berth_policy_domain *
find_listed(const struct berth_policy_settings *settings, struct berth_bytes domain_id)
{
	const struct berth_policy_domain *domains = settings->domains.items;

	for (size_t i = 0; i < settings->domains.count; i++) {
		BERTH_BUF id = {0};

		if (!berth_base64_decode(berth_text(domains[i].id), false, &id, NULL) &&
		    berth_bytes_equal(berth_buf_view(&id), domain_id))
			return &domains[i];
	}
	return NULL;
}

static bool
has_assertion(const struct berth_conf_list *words, struct berth_bytes word)
{
	for (size_t i = 0; i < words->count; i++) {
		if (berth_bytes_equal_text(word, words->items[i]))
			return true;
	}
	return false;
}

/* RFC 8995 5.8.3: who holds a voucher without nonce may take the device over later; each is allowed by name. */
/* req: berth-policy-nonceless */
static bool
nonceless_is_allowed(const struct berth_policy_settings *settings,
		     const struct berth_policy_domain *listed)
{
	return settings->allow_nonceless || (listed && listed->nonceless);
}

#define DOMAIN_SHOWN_MAX 144

/* As people know it, where the policy names it; its domainID in any case, as a [domain] section would have it. */
static void
show_domain(struct berth_bytes domain_id, bool is_own, const struct berth_policy_domain *listed,
	    char ret[DOMAIN_SHOWN_MAX])
{
	BERTH_BUF id = {0};

	if (berth_base64_encode(domain_id, 0, &id))
		berth_buf_clear(&id);
	int n = id.n < 64 ? (int)id.n : 64;
	const char *text = id.p ? (const char *)id.p : "";
	if (listed)
		(void)snprintf(ret, DOMAIN_SHOWN_MAX, "listed domain \"%.48s\" (%.*s)",
			       listed->name, n, text);
	else
		(void)snprintf(ret, DOMAIN_SHOWN_MAX, "%s domain %.*s",
			       is_own ? "our own" : "unknown", n, text);
}

static void
read_event(struct reading *reading, const struct berth_policy_audit_event *event)
{
	const struct berth_policy_settings *settings = reading->settings;
	const struct berth_policy_domain *listed = find_listed(settings, event->domain_id);
	char date[BERTH_TIME_TEXT_MAX];
	char domain[DOMAIN_SHOWN_MAX];
	bool is_own = berth_bytes_equal(event->domain_id, reading->facts->own_domain_id);

	berth_wall_format(event->date, date);
	show_domain(event->domain_id, is_own, listed, domain);
	reading->has_own_entry = reading->has_own_entry || is_own;
	if (!has_assertion(&settings->assertions, event->assertion))
		VIOLATE(reading, "audit-assertion", "RFC 8995 5.8.3",
			"the entry of %s for %s has an assertion that the policy does not list",
			date, domain);
	if (is_own)
		return;
	if (!event->has_nonce && !nonceless_is_allowed(settings, listed)) {
		VIOLATE(reading, "audit-nonceless", "RFC 8995 5.8.3",
			"on %s %s got a voucher without nonce: it may take the device over at any "
			"time",
			date, domain);
		return;
	}
	if (!listed && !settings->allow_unknown_domains)
		VIOLATE(reading, "audit-unknown-domain", "RFC 8995 5.8.3",
			"on %s the device was given to %s", date, domain);
}

enum berth_audit_finding
berth_policy_audit(const struct berth_policy *policy, const struct berth_audit_facts *facts,
		   struct berth_decision *decision)
{
	struct reading reading = {
		.settings = &policy->settings,
		.facts = facts,
		.decision = decision,
	};

	for (size_t i = 0; i < facts->n; i++)
		read_event(&reading, &facts->events[i]);
	if (facts->truncated_arbitrary && !policy->settings.allow_truncated)
		VIOLATE(&reading, "audit-truncated", "RFC 8995 5.8.1",
			"%llu entries were removed from the log arbitrarily",
			(unsigned long long)facts->truncated_arbitrary);
	if (facts->own_entry_expected && !reading.has_own_entry)
		VIOLATE(&reading, "audit-own-entry", "RFC 8995 5.8",
			"the log has no entry of our own domain, though a voucher was issued to "
			"it");
	if (reading.violations)
		return BERTH_AUDIT_VIOLATION;
	berth_decision_pass(decision, "audit-clean", "RFC 8995 5.8.3",
			    "%zu entries of the manufacturer's audit log, none unexpected",
			    facts->n);
	return BERTH_AUDIT_CLEAN;
}
