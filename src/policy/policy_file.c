/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policy_file.h"

#include <stdlib.h>

#include "base/base64.h"

#define IN_RULE(member) .offset = offsetof(struct berth_policy_rule, member)
#define IN_SETTINGS(member) .offset = offsetof(struct berth_policy_settings, member)

static const char *const audit_words[] = {"clean", "optional", NULL};
static const char *const approve_words[] = {"operator", "auto", NULL};
static const char *const role_words[] = {"device", "gateway", NULL};
static const char *const assertion_words[] = {"verified", "logged", "proximity", "agent-proximity"};

const char *const berth_policy_akm_words[] = {"dpp", "dpp+sae", "dpp+psk+sae", "sae",
					      "psk", "psk+sae", "dot1x",       NULL};
static const char *const password_words[] = {"shared", "device", NULL};
const char *const berth_policy_net_role_words[] = {"sta", "ap", NULL};

static const struct berth_conf_key rule_keys[] = {
	{.name = "match.manufacturer",
	 .type = BERTH_CONF_LIST,
	 IN_RULE(manufacturer),
	 .help = "Globs of the manufacturer's configured name; absent: any."},
	{.name = "match.model",
	 .type = BERTH_CONF_LIST,
	 IN_RULE(model),
	 .help = "Globs of the model; absent: any."},
	{.name = "match.serial",
	 .type = BERTH_CONF_LIST,
	 IN_RULE(serial),
	 .help = "Globs of the serial number; absent: any."},
	{.name = "match.client",
	 .type = BERTH_CONF_LIST,
	 .fallback = "device",
	 IN_RULE(client),
	 .help = "How the client came to be known: device (with a voucher), certificate (EST with "
		 "a birth certificate alone), user (EST with a password), dpp (Wi-Fi Easy "
		 "Connect)."},
	{.name = "require.label",
	 .type = BERTH_CONF_LIST,
	 IN_RULE(label),
	 .help = "Globs of the label of EST's path that a certificate is asked for at; absent: "
		 "any."},
	{.name = "require.owned",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "no",
	 IN_RULE(needs_owned),
	 .help = "The device must stand in a purchase manifest."},
	{.name = "require.assertion",
	 .type = BERTH_CONF_LIST,
	 IN_RULE(assertion),
	 .help = "The voucher must carry one of these assertions; absent: any."},
	{.name = "require.audit",
	 .type = BERTH_CONF_CHOICE,
	 .choices = audit_words,
	 .fallback = "clean",
	 IN_RULE(audit),
	 .help = "clean: the manufacturer's audit log was read and holds nothing unexpected; "
		 "optional: a log that cannot be read is tolerated."},
	{.name = "deny",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "no",
	 IN_RULE(is_deny),
	 .help = "Devices that match are refused."},
	{.name = "approve",
	 .type = BERTH_CONF_CHOICE,
	 .choices = approve_words,
	 .fallback = "operator",
	 IN_RULE(approve),
	 .help = "operator: a person must approve each device; auto: the requirements suffice."},
	{.name = "segment",
	 .type = BERTH_CONF_TEXT,
	 IN_RULE(segment),
	 .help = "The network segment that the device joins."},
	{.name = "role",
	 .type = BERTH_CONF_CHOICE,
	 .choices = role_words,
	 .fallback = "device",
	 IN_RULE(role),
	 .help = "gateway: the certificate says so (OU=gateway) and opens what gateways use and "
		 "nothing else; only for clients of the kind device."},
	{.name = "reauthorize-every",
	 .type = BERTH_CONF_DURATION_S,
	 .min = 60,
	 .max = 31536000,
	 IN_RULE(reauthorize_every_s),
	 .help = "How often the decision is taken again; absent: never."},
	{.name = "dpp.ssid",
	 .type = BERTH_CONF_TEXT,
	 IN_RULE(ssid),
	 .help = "Wi-Fi Easy Connect: the network that the device is given; wants match.client = "
		 "dpp."},
	{.name = "dpp.akm",
	 .type = BERTH_CONF_CHOICE,
	 .choices = berth_policy_akm_words,
	 .fallback = "dpp",
	 IN_RULE(akm),
	 .help = "How the device joins it: dpp, by its Connector; sae, psk, by a password; dot1x, "
		 "by a "
		 "certificate that it is issued on the way; or several (dpp+sae)."},
	{.name = "dpp.password",
	 .type = BERTH_CONF_CHOICE,
	 .choices = password_words,
	 .fallback = "shared",
	 IN_RULE(password),
	 .help = "With sae or psk: shared, the network's, which dpp.password-file holds; device: "
		 "each "
		 "device has its own, made from dpp.password-file and from its key."},
	{.name = "dpp.password-file",
	 .type = BERTH_CONF_PATH,
	 IN_RULE(password_file),
	 .help = "A file that others cannot read: the network's password, or, with dpp.password = "
		 "device, 16 octets or more from which each device's is made."},
	{.name = "dpp.ap-tells-devices-apart",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "no",
	 IN_RULE(ap_tells_apart),
	 .help = "The access points know each device's password (berth dpp passwords); without "
		 "that, "
		 "dpp.password = device lets nobody on, and is refused."},
	{.name = "dpp.eap-server",
	 .type = BERTH_CONF_TEXT,
	 IN_RULE(eap_server),
	 .help = "With dot1x: the name in the certificate of the EAP server; who is not told would "
		 "let "
		 "any server in."},
	{.name = "dpp.net-role",
	 .type = BERTH_CONF_CHOICE,
	 .choices = berth_policy_net_role_words,
	 .fallback = "sta",
	 IN_RULE(net_role),
	 .help = "sta: a device; ap: an access point of the network, which lets others on."},
	{.name = "dpp.groups",
	 .type = BERTH_CONF_LIST,
	 IN_RULE(groups),
	 .help = "Groups of its Connector; absent: the segment, or * where there is none."},
	{.name = "dpp.lifetime",
	 .type = BERTH_CONF_DURATION_S,
	 .min = 60,
	 .max = 315360000,
	 IN_RULE(connector_lifetime_s),
	 .help = "How long its Connector holds; absent: for ever."},
	{.name = "require.mutual",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "no",
	 IN_RULE(needs_mutual),
	 .help = "Wi-Fi Easy Connect: the device must know the Controller's key too, and show it."},
};

static const struct berth_conf_key audit_keys[] = {
	{.name = "allow-unknown-domains",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "no",
	 IN_SETTINGS(allow_unknown_domains),
	 .help = "Entries of domains that are neither ours nor listed are tolerated."},
	{.name = "allow-nonceless",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "no",
	 IN_SETTINGS(allow_nonceless),
	 .help = "Nonceless entries of every domain are tolerated."},
	{.name = "allow-truncated",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "no",
	 IN_SETTINGS(allow_truncated),
	 .help = "A log from which entries were removed arbitrarily is tolerated."},
	{.name = "assertions",
	 .type = BERTH_CONF_LIST,
	 .fallback = "verified, logged, proximity, agent-proximity",
	 IN_SETTINGS(assertions),
	 .help = "The assertions that entries may carry."},
};

static const struct berth_conf_key domain_keys[] = {
	{.name = "id",
	 .type = BERTH_CONF_TEXT,
	 .is_required = true,
	 .offset = offsetof(struct berth_policy_domain, id),
	 .help = "The domainID in base64, as audit logs write it."},
	{.name = "nonceless",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "no",
	 .offset = offsetof(struct berth_policy_domain, nonceless),
	 .help = "Its nonceless entries are expected too: it may take the device over at any "
		 "time."},
};

#define SSID_MAX_BYTES 32 /* IEEE Std 802.11 9.4.2.2 */

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct berth_conf_section sections[] = {
	{.name = "rule",
	 .is_named = true,
	 .keys = rule_keys,
	 .key_count = COUNT(rule_keys),
	 IN_SETTINGS(rules),
	 .item_size = sizeof(struct berth_policy_rule),
	 .help = "The first rule that matches a device decides; a device that no rule matches is "
		 "refused."},
	{.name = "audit",
	 .keys = audit_keys,
	 .key_count = COUNT(audit_keys),
	 .help = "What the manufacturer's audit log of a device may say (RFC 8995 5.8.3)."},
	{.name = "domain",
	 .is_named = true,
	 .keys = domain_keys,
	 .key_count = COUNT(domain_keys),
	 IN_SETTINGS(domains),
	 .item_size = sizeof(struct berth_policy_domain),
	 .help = "A domain besides our own whose entries in audit logs are expected."},
};

static const struct berth_conf_schema schema = {
	.sections = sections,
	.section_count = COUNT(sections),
};

const struct berth_conf_schema *
berth_policy_schema(void)
{
	return &schema;
}

static enum berth_err
check_globs(const char *rule, const struct berth_conf_list *globs, struct berth_why *why)
{
	if (globs->count > BERTH_POLICY_LIST_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "policy-list", NULL,
				  "rule \"%s\" has a list of more than %d patterns", rule,
				  BERTH_POLICY_LIST_MAX);
	for (size_t i = 0; i < globs->count; i++) {
		if (strlen(globs->items[i]) > BERTH_POLICY_GLOB_MAX)
			return berth_fail(why, BERTH_E_LIMIT, "policy-pattern", NULL,
					  "rule \"%s\" has a pattern of more than %d bytes", rule,
					  BERTH_POLICY_GLOB_MAX);
	}
	return BERTH_OK;
}

/* A misspelt word would otherwise be a requirement that nothing meets, or an entry that is always refused. */
static enum berth_err
check_assertions(const char *where, const struct berth_conf_list *words, struct berth_why *why)
{
	for (size_t i = 0; i < words->count; i++) {
		bool known = false;

		for (size_t k = 0; k < COUNT(assertion_words); k++)
			known = known || strcmp(words->items[i], assertion_words[k]) == 0;
		if (!known)
			return berth_fail(
				why, BERTH_E_USAGE, "policy-assertion", "RFC 8366 5.3",
				"%s: %.40s is no assertion: use verified, logged, proximity "
				"or agent-proximity",
				where, words->items[i]);
	}
	return BERTH_OK;
}

static enum berth_err
check_clients(const struct berth_conf_list *words, struct berth_why *why)
{
	enum berth_client client;
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; !err && i < words->count; i++)
		err = berth_client_parse(berth_text(words->items[i]), &client, why);
	return err;
}

static bool
is_for_devices_alone(const struct berth_conf_list *clients)
{
	return clients->count == 0 ||
	       (clients->count == 1 && strcmp(clients->items[0], "device") == 0);
}

static bool
has_part(const char *akm, const char *part)
{
	return strstr(akm, part) != NULL;
}

/* req: dpp-controller-password-apart */
static enum berth_err
check_password(const struct berth_policy_rule *rule, struct berth_why *why)
{
	const char *akm = berth_policy_akm_words[rule->akm];
	bool wants = has_part(akm, "psk") || has_part(akm, "sae");
	bool has = rule->password_file != NULL;

	if (wants != has)
		return berth_fail(why, BERTH_E_USAGE, "policy-password", NULL,
				  "rule \"%.40s\": dpp.akm = %s %s dpp.password-file", rule->name,
				  akm, wants ? "wants" : "has no use for");
	if (rule->password == BERTH_POLICY_PASSWORD_DEVICE && (!wants || !rule->ap_tells_apart))
		return berth_fail(
			why, BERTH_E_USAGE, "policy-password-apart", NULL,
			"rule \"%.40s\": a password for each device lets nobody on where the "
			"access point cannot tell devices apart; give it berth dpp passwords "
			"and say dpp.ap-tells-devices-apart = yes, or dpp.password = shared",
			rule->name);
	return BERTH_OK;
}

static enum berth_err
check_dpp(const struct berth_policy_rule *rule, struct berth_why *why)
{
	bool is_dot1x = has_part(berth_policy_akm_words[rule->akm], "dot1x");

	if (rule->ssid != NULL && (strlen(rule->ssid) == 0 || strlen(rule->ssid) > SSID_MAX_BYTES))
		return berth_fail(why, BERTH_E_USAGE, "policy-ssid", NULL,
				  "rule \"%.40s\": dpp.ssid has 1 to %d octets", rule->name,
				  SSID_MAX_BYTES);
	if (rule->ssid != NULL &&
	    (rule->client.count != 1 || strcmp(rule->client.items[0], "dpp") != 0))
		return berth_fail(why, BERTH_E_USAGE, "policy-ssid", NULL,
				  "rule \"%.40s\": dpp.ssid is for Wi-Fi Easy Connect alone; say "
				  "match.client = dpp",
				  rule->name);
	if (is_dot1x != (rule->eap_server != NULL))
		return berth_fail(why, BERTH_E_USAGE, "policy-eap-server", NULL,
				  "rule \"%.40s\": dpp.akm = dot1x and dpp.eap-server go together",
				  rule->name);
	if (is_dot1x && strcmp(berth_policy_net_role_words[rule->net_role], "sta") != 0)
		return berth_fail(why, BERTH_E_USAGE, "policy-akm-role", NULL,
				  "rule \"%.40s\": dpp.akm = dot1x is for devices; an access point "
				  "has its own way to the EAP server",
				  rule->name);
	return check_password(rule, why);
}

static enum berth_err
check_rule(const struct berth_policy_rule *rule, struct berth_why *why)
{
	enum berth_err err = check_globs(rule->name, &rule->manufacturer, why);

	if (!err)
		err = check_globs(rule->name, &rule->model, why);
	if (!err)
		err = check_globs(rule->name, &rule->serial, why);
	if (!err)
		err = check_globs(rule->name, &rule->label, why);
	if (!err)
		err = check_clients(&rule->client, why);
	if (!err)
		err = check_assertions(rule->name, &rule->assertion, why);
	if (err)
		return err;
	err = check_dpp(rule, why);
	if (err)
		return err;
	if (rule->role == BERTH_POLICY_ROLE_GATEWAY && !is_for_devices_alone(&rule->client))
		return berth_fail(
			why, BERTH_E_USAGE, "policy-role-client", NULL,
			"rule \"%.40s\": role = gateway is for what comes with a voucher; "
			"say match.client = device, or nothing",
			rule->name);
	if (strlen(rule->name) >= BERTH_DECISION_NAME_MAX ||
	    (rule->segment && strlen(rule->segment) >= BERTH_DECISION_NAME_MAX))
		return berth_fail(why, BERTH_E_LIMIT, "policy-name", NULL,
				  "the name or segment of rule \"%.40s\" is longer than %d bytes",
				  rule->name, BERTH_DECISION_NAME_MAX - 1);
	return BERTH_OK;
}

static enum berth_err
check_domain(const struct berth_policy_domain *domain, struct berth_why *why)
{
	BERTH_BUF id = {0};

	if (!berth_base64_decode(berth_text(domain->id), false, &id, NULL) && id.n)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_USAGE, "policy-domain", "RFC 8995 5.8.2",
			  "the id of domain \"%.60s\" is not base64", domain->name);
}

static enum berth_err
check_settings(const struct berth_policy_settings *settings, struct berth_why *why)
{
	const struct berth_policy_rule *rules = settings->rules.items;
	const struct berth_policy_domain *domains = settings->domains.items;
	enum berth_err err = check_assertions("[audit]", &settings->assertions, why);

	if (settings->rules.count > BERTH_POLICY_RULES_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "policy-rules", NULL,
				  "the policy has more than %d rules", BERTH_POLICY_RULES_MAX);
	for (size_t i = 0; i < settings->rules.count && !err; i++)
		err = check_rule(&rules[i], why);
	for (size_t i = 0; i < settings->domains.count && !err; i++)
		err = check_domain(&domains[i], why);
	return err;
}

enum berth_err
berth_policy_parse(struct berth_bytes text, const char *name, struct berth_policy **ret,
		   struct berth_why *why)
{
	struct berth_conf_text file = {.name = name, .text = text};

	if (text.n > BERTH_POLICY_FILE_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "policy-size", NULL,
				  "%s has more than %d bytes", name, BERTH_POLICY_FILE_MAX_BYTES);
	BERTH_CLEANUP(berth_policy_freep) struct berth_policy *policy = calloc(1, sizeof *policy);
	if (!policy)
		return berth_fail(why, BERTH_E_MEMORY, "policy-memory", NULL, "out of memory");
	enum berth_err err =
		berth_conf_parse(&schema, &file, 1, &policy->conf, &policy->settings, why);
	if (!err)
		err = check_settings(&policy->settings, why);
	if (err)
		return err;
	*ret = policy;
	policy = NULL;
	return BERTH_OK;
}

void
berth_policy_free(struct berth_policy *policy)
{
	if (!policy)
		return;
	berth_conf_free(&policy->conf);
	free(policy);
}

void
berth_policy_freep(struct berth_policy **policy)
{
	berth_policy_free(*policy);
	*policy = NULL;
}

size_t
berth_policy_rule_count(const struct berth_policy *policy)
{
	return policy->settings.rules.count;
}
