/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/settings.h"

#include "role/registrar/addresses.h"
#include "system/files.h"

#include <stddef.h>

static const char *const identity_choices[] = {"serial-number", "serial-number-sn", "common-name",
					       "hardware-serial", NULL};
static const char *const content_choices[] = {"data", "anima", NULL};
static const char *const issuer_choices[] = {"aki", "octet-string", "key-id", "none", NULL};
static const char *const stored_choices[] = {"never", "fallback", "first", NULL};
static const char *const body_choices[] = {"der", "base64", NULL};
static const char *const layout_choices[] = {"auto", "single", "wrapped", NULL};

static const char *const csrattrs_choices[] = {"both", "template", "plain", NULL};
static const char *const linking_choices[] = {"when-present", "required", NULL};
static const char *const key_choices[] = {"P-256", "P-384", NULL};

#define LABEL(member) .offset = offsetof(struct berth_registrar_label, member)
#define FORMER(member) .offset = offsetof(struct berth_registrar_former, member)
#define SETTING(member) .offset = offsetof(struct berth_registrar_settings, member)
#define MAKER(member) .offset = offsetof(struct berth_registrar_maker, member)

static const struct berth_conf_key registrar_keys[] = {
	{.name = "domain",
	 .type = BERTH_CONF_TEXT,
	 .is_required = true,
	 SETTING(domain),
	 .help = "The owner's name: organizationName of the certificates issued to devices."},
	{.name = "policy",
	 .type = BERTH_CONF_PATH,
	 .is_required = true,
	 SETTING(policy),
	 .help = "The policy file; what no rule in it allows is denied."},
	{.name = "issuing-certificates",
	 .type = BERTH_CONF_PATH,
	 .is_required = true,
	 SETTING(issuing_certificates),
	 .help = "PEM: the CA that issues to devices first, then what is above it; served as EST "
		 "cacerts."},
	{.name = "issuing-key",
	 .type = BERTH_CONF_KEY_URI,
	 .is_required = true,
	 SETTING(issuing_key),
	 .help = "Keystore URI of the issuing CA's key; used by the signer process alone."},
	{.name = "retry-after",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "10s",
	 .min = 1,
	 .max = 60,
	 SETTING(retry_after_s),
	 .help = "How long a device is told to wait while an operator decides (RFC 8995: at most "
		 "60s)."},
	{.name = "approval-timeout",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "4d",
	 .min = 60,
	 .max = 31536000,
	 SETTING(approval_timeout_s),
	 .help = "A device that waited this long without a decision is denied."},
	{.name = "permission-lifetime",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "1h",
	 .min = 10,
	 .max = 604800,
	 SETTING(permission_lifetime_s),
	 .help = "How long after its voucher a device may ask for its certificate."},
	{.name = "certificate-lifetime",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "365d",
	 .min = 10, /* for trials; a day is short in earnest */
	 .max = 315360000,
	 SETTING(certificate_lifetime_s),
	 .help = "Lifetime of the certificates issued to devices."},
	{.name = "masa-timeout",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "20s",
	 .min = 1,
	 .max = 120,
	 SETTING(masa_timeout_s),
	 .help = "How long a MASA may take to answer; then the device gets 504."},
	{.name = "issue-per-minute",
	 .type = BERTH_CONF_INTEGER,
	 .fallback = "30000",
	 .min = 1,
	 .max = 1000000,
	 SETTING(issue_per_minute),
	 .help = "The signer refuses to issue more certificates than this."},
	{.name = "sign-per-minute",
	 .type = BERTH_CONF_INTEGER,
	 .fallback = "60000",
	 .min = 1,
	 .max = 1000000,
	 SETTING(sign_per_minute),
	 .help = "The signer refuses to sign more voucher-requests than this."},
	{.name = "publish-url",
	 .type = BERTH_CONF_TEXT,
	 SETTING(publish_url),
	 .help = "Where plain-listen is reached, http://registrar.example:8080: certificates name "
		 "revocation lists and OCSP below it; without it, they name none."},
	{.name = "crl-lifetime",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "1d",
	 .min = 60,
	 .max = 2592000,
	 SETTING(crl_lifetime_s),
	 .help = "How long a revocation list may be believed; a newer one is made after half of it "
		 "and with each revocation."},
	{.name = "ocsp-lifetime",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "1h",
	 .min = 30,
	 .max = 604800,
	 SETTING(ocsp_lifetime_s),
	 .help = "How long an OCSP response may be believed."},
	{.name = "ocsp-per-minute",
	 .type = BERTH_CONF_INTEGER,
	 .fallback = "12000",
	 .min = 1,
	 .max = 1000000,
	 SETTING(ocsp_per_minute),
	 .help = "The signer refuses to sign more OCSP responses than this; those kept from before "
		 "are still given."},
	{.name = "gateway-lease",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "60s",
	 .min = 2,
	 .max = 3600,
	 SETTING(gateway_lease_s),
	 .help = "How long a gateway may go on with what it was told last; it is answered after "
		 "half of it, or at once when there is news."},
	{.name = "announce",
	 .type = BERTH_CONF_LIST,
	 SETTING(announce.interfaces),
	 .help = "Interfaces on which join proxies are told where this registrar is; "
		 "without it, nobody is."},
	{.name = "announce-name",
	 .type = BERTH_CONF_TEXT,
	 .fallback = "berth-registrar",
	 SETTING(announce.name),
	 .help = "The name of that announcement by DNS-SD; everybody on these interfaces can read "
		 "it."},
	{.name = "announce-dns-sd",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "yes",
	 SETTING(announce.dns_sd),
	 .help = "Announce by DNS-SD, as _brski-registrar._tcp."},
	{.name = "announce-grasp",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "yes",
	 SETTING(announce.grasp),
	 .help = "Announce by GRASP, as AN_join_registrar."},
	{.name = "announce-period",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "60s",
	 .min = 60, /* req: rfc8995-4.3-negligible */
	 .max = 3600,
	 SETTING(announce.period_s),
	 .help = "Between two floods of GRASP, which are valid three times as long."},
	{.name = "stored-vouchers",
	 .type = BERTH_CONF_CHOICE,
	 .choices = stored_choices,
	 .fallback = "never",
	 SETTING(stored_vouchers),
	 .help = "Vouchers made ahead (berth voucher add): never given; fallback, when the MASA "
		 "cannot be reached; first, without asking it."},
	{.name = "est-layout",
	 .type = BERTH_CONF_CHOICE,
	 .choices = layout_choices,
	 .fallback = "auto",
	 SETTING(est_layout),
	 .help = "Layout of base64 in EST replies; auto mirrors the client's own."},
	{.name = "est-clients",
	 .type = BERTH_CONF_LIST,
	 .fallback = "device",
	 SETTING(est_clients),
	 .help = "Who may enrol without a label: device (with a voucher), certificate (of a "
		 "manufacturer with est = yes), user, dpp (a device with a DPP code renews)."},
	{.name = "est-users",
	 .type = BERTH_CONF_PATH,
	 SETTING(est_users),
	 .help = "The users' file, made by berth registrar est-user; without it, nobody comes "
		 "with a password."},
	{.name = "est-csrattrs",
	 .type = BERTH_CONF_CHOICE,
	 .choices = csrattrs_choices,
	 .fallback = "both",
	 SETTING(est_csrattrs),
	 .help = "How clients are told what to ask for: by RFC 9908's template, as RFC 7030 had "
		 "it, or both."},
	{.name = "est-proof-linking",
	 .type = BERTH_CONF_CHOICE,
	 .choices = linking_choices,
	 .fallback = "when-present",
	 SETTING(est_proof_linking),
	 .help = "required: a request carries the TLS connection's channel binding as "
		 "challengePassword; when-present: one that is there must be right."},
};

static const struct berth_conf_key label_keys[] = {
	{.name = "clients",
	 .type = BERTH_CONF_LIST,
	 .is_required = true,
	 LABEL(clients),
	 .help = "Who may use it: device, certificate, user."},
	{.name = "lifetime",
	 .type = BERTH_CONF_DURATION_S,
	 .min = 300,
	 .max = 315360000,
	 LABEL(lifetime_s),
	 .help = "Lifetime of its certificates, at most certificate-lifetime; absent: that."},
	{.name = "key",
	 .type = BERTH_CONF_CHOICE,
	 .choices = key_choices,
	 .fallback = "P-256",
	 LABEL(key),
	 .help = "The kind of key that its certificates are for."},
	{.name = "server",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "no",
	 LABEL(is_server),
	 .help = "Its certificates are for TLS servers too (serverAuth)."},
	{.name = "csrattrs",
	 .type = BERTH_CONF_CHOICE,
	 .choices = csrattrs_choices,
	 .fallback = "both",
	 LABEL(csrattrs),
	 .help = "How clients are told what to ask for: by RFC 9908's template, as RFC 7030 had "
		 "it, or both."},
	{.name = "proof-linking",
	 .type = BERTH_CONF_CHOICE,
	 .choices = linking_choices,
	 .fallback = "when-present",
	 LABEL(proof_linking),
	 .help = "required: a request carries the TLS connection's channel binding as "
		 "challengePassword; when-present: one that is there must be right."},
};

static const struct berth_conf_key former_keys[] = {
	{.name = "certificates",
	 .type = BERTH_CONF_PATH,
	 .is_required = true,
	 FORMER(certificates),
	 .help = "PEM: the former issuing CA first, then the cross-certificates between it and the "
		 "one after it; served as EST cacerts."},
	{.name = "key",
	 .type = BERTH_CONF_KEY_URI,
	 .is_required = true,
	 FORMER(key),
	 .help = "Keystore URI of its key; it signs revocation lists and appoints OCSP responders, "
		 "no more."},
};

static const struct berth_conf_key maker_keys[] = {
	{.name = "anchors",
	 .type = BERTH_CONF_PATH,
	 .is_required = true,
	 MAKER(anchors),
	 .help = "PEM: certificates that this manufacturer's IDevIDs chain to."},
	{.name = "masa-url",
	 .type = BERTH_CONF_TEXT,
	 MAKER(masa_url),
	 .help = "The MASA's address; instead of the one in the IDevID."},
	{.name = "masa-anchors",
	 .type = BERTH_CONF_PATH,
	 MAKER(masa_anchors),
	 .help = "PEM: what the MASA's TLS certificate chains to; without it, anchors."},
	{.name = "identity",
	 .type = BERTH_CONF_CHOICE,
	 .choices = identity_choices,
	 .fallback = "serial-number",
	 MAKER(identity),
	 .help = "Where the device's serial number stands in its IDevID."},
	{.name = "ignore-expiry",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "no",
	 MAKER(ignore_expiry),
	 .help = "Accept IDevIDs outside their time, for makers that gave them an end."},
	{.name = "econtent-type",
	 .type = BERTH_CONF_CHOICE,
	 .choices = content_choices,
	 .fallback = "anima",
	 MAKER(content_type),
	 .help = "eContentType of the requests sent to its MASA: data for older ones."},
	{.name = "idevid-issuer",
	 .type = BERTH_CONF_CHOICE,
	 .choices = issuer_choices,
	 .fallback = "aki",
	 MAKER(issuer_form),
	 .help = "How idevid-issuer is written in the requests sent to its MASA; none leaves it "
		 "out."},
	{.name = "voucher-body",
	 .type = BERTH_CONF_CHOICE,
	 .choices = body_choices,
	 .fallback = "der",
	 MAKER(body),
	 .help = "base64 for a MASA and devices that write vouchers so against RFC 8995 6; a "
		 "device that sends DER still gets DER."},
	{.name = "est",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "no",
	 MAKER(est),
	 .help = "Its devices may enrol over EST with their IDevID alone, without a voucher; for "
		 "clients that know this registrar already."},
};

static const struct berth_conf_key daemon_keys[] = {
	BERTH_DAEMON_KEYS(struct berth_registrar_settings, daemon),
	BERTH_DAEMON_PLAIN_KEYS(struct berth_registrar_settings, daemon)};

static const struct berth_conf_key dpp_keys[] = {
	BERTH_DAEMON_DPP_KEYS(struct berth_registrar_settings, daemon),
	{.name = "c-sign-key",
	 .type = BERTH_CONF_KEY_URI,
	 SETTING(dpp_c_sign_key),
	 .help = "Keystore URI of the key that signs Connectors: whose network it is. Lost, every "
		 "device is onboarded anew."},
	{.name = "bootstrapping-key",
	 .type = BERTH_CONF_KEY_URI,
	 SETTING(dpp_bootstrapping_key),
	 .help = "Keystore URI of the Controller's own bootstrapping key, which access points name "
		 "(dpp_controller)."},
	{.name = "pp-key",
	 .type = BERTH_CONF_KEY_URI,
	 SETTING(dpp_pp_key),
	 .help = "Keystore URI of the privacy-protection key, by which devices that ask for "
		 "another configuration are recognised."},
	{.name = "connectors-per-minute",
	 .type = BERTH_CONF_INTEGER,
	 .fallback = "600",
	 .min = 1,
	 .max = 1000000,
	 SETTING(dpp_connectors_per_minute),
	 .help = "Connectors that the signer signs in a minute."},
};

static const struct berth_conf_section sections[] = {
	{.name = "daemon",
	 .is_required = true,
	 .keys = daemon_keys,
	 .key_count = sizeof(daemon_keys) / sizeof(daemon_keys[0]),
	 .help = "What every Berth daemon has."},
	{.name = "registrar",
	 .is_required = true,
	 .keys = registrar_keys,
	 .key_count = sizeof(registrar_keys) / sizeof(registrar_keys[0]),
	 .help = "The network owner's registrar."},
	{.name = "dpp",
	 .keys = dpp_keys,
	 .key_count = sizeof(dpp_keys) / sizeof(dpp_keys[0]),
	 .help = "Wi-Fi Easy Connect: the registrar as DPP Controller."},
	{.name = "est-label",
	 .is_named = true,
	 .keys = label_keys,
	 .key_count = sizeof(label_keys) / sizeof(label_keys[0]),
	 SETTING(labels),
	 .item_size = sizeof(struct berth_registrar_label),
	 .help = "A label of EST's path: /.well-known/est/LABEL/simpleenroll."},
	{.name = "former-issuer",
	 .is_named = true,
	 .keys = former_keys,
	 .key_count = sizeof(former_keys) / sizeof(former_keys[0]),
	 SETTING(formers),
	 .item_size = sizeof(struct berth_registrar_former),
	 .help = "A CA that issued to devices before a roll-over (berth registrar rollover): its "
		 "certificates are accepted until they end."},
	{.name = "manufacturer",
	 .is_named = true,
	 .keys = maker_keys,
	 .key_count = sizeof(maker_keys) / sizeof(maker_keys[0]),
	 SETTING(makers),
	 .item_size = sizeof(struct berth_registrar_maker),
	 .help = "A manufacturer whose devices may ask to come on."},
};

const struct berth_conf_schema berth_registrar_schema = {
	.sections = sections,
	.section_count = sizeof(sections) / sizeof(sections[0]),
};

enum berth_err
berth_registrar_settings_check(const void *configuration, struct berth_why *why)
{
	const struct berth_registrar_settings *settings = configuration;
	if (settings->formers.count > BERTH_FORMER_ISSUERS_MAX)
		return berth_fail(
			why, BERTH_E_USAGE, "registrar-former-issuers", NULL,
			"more than %d [former-issuer] sections; take out those that ended",
			BERTH_FORMER_ISSUERS_MAX);
	bool has_dpp = settings->daemon.dpp_listen != NULL;
	if (has_dpp != (settings->dpp_c_sign_key != NULL) ||
	    has_dpp != (settings->dpp_bootstrapping_key != NULL) ||
	    has_dpp != (settings->dpp_pp_key != NULL))
		return berth_fail(
			why, BERTH_E_USAGE, "registrar-dpp", NULL,
			"[dpp] wants listen, c-sign-key, bootstrapping-key and pp-key, or "
			"none of them");
	if (settings->publish_url == NULL)
		return BERTH_OK;
	if (settings->daemon.plain_listen == NULL)
		return berth_fail(why, BERTH_E_USAGE, "registrar-publish-url", NULL,
				  "publish-url: certificates would name what nobody serves; set "
				  "plain-listen too");
	return berth_publish_url_check(settings->publish_url, why);
}

enum berth_err
berth_registrar_load_certificates(struct berth_pki *pki, const char *key, const char *path,
				  struct berth_cert_list *list, struct berth_why *why)
{
	BERTH_BUF pem = {0};
	struct berth_why cause = {0};
	enum berth_err err = berth_file_read(path, BERTH_REGISTRAR_PEM_MAX_BYTES, &pem, &cause);
	if (!err)
		err = berth_cert_list_parse(pki, berth_buf_view(&pem), list, &cause);
	return err ? berth_fail(why, BERTH_E_USAGE, "registrar-certificates", NULL,
				"%s = %.90s: %.110s", key, path, cause.sentence)
		   : BERTH_OK;
}

static enum berth_err
add_all(const struct berth_cert_list *from, struct berth_cert_list *to, struct berth_why *why)
{
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; !err && i < from->n; i++)
		if (!berth_cert_list_has(to, from->at[i]))
			err = berth_cert_list_add(to, from->at[i], why);
	return err;
}

static enum berth_err
load_former(struct berth_pki *pki, const struct berth_registrar_former *former,
	    struct berth_cert_list *issuers, struct berth_cert_list *cacerts, struct berth_why *why)
{
	BERTH_CERT_LIST own = {0};
	enum berth_err err = berth_registrar_load_certificates(pki, "certificates",
							       former->certificates, &own, why);
	if (err)
		return err;
	for (size_t i = 0; i < issuers->n; i++)
		if (berth_bytes_equal(berth_cert_ski(issuers->at[i]), berth_cert_ski(own.at[0])))
			return berth_fail(why, BERTH_E_USAGE, "registrar-former-issuer", NULL,
					  "[former-issuer \"%.40s\"]: the first of its "
					  "certificates is of a key that another issuer has too",
					  former->name);
	err = berth_cert_list_add(issuers, own.at[0], why);
	return err ? err : add_all(&own, cacerts, why);
}

/* req: rfc7030-4.1.3-rollover */
enum berth_err
berth_registrar_load_issuers(struct berth_pki *pki, const struct berth_registrar_settings *settings,
			     struct berth_cert_list *issuing, struct berth_cert_list *issuers,
			     struct berth_cert_list *cacerts, struct berth_why *why)
{
	const struct berth_registrar_former *formers = settings->formers.items;
	enum berth_err err = berth_registrar_load_certificates(
		pki, "issuing-certificates", settings->issuing_certificates, issuing, why);
	if (!err)
		err = berth_cert_list_add(issuers, issuing->at[0], why);
	if (!err)
		err = add_all(issuing, cacerts, why);
	for (size_t i = 0; !err && i < settings->formers.count; i++)
		err = load_former(pki, &formers[i], issuers, cacerts, why);
	return err;
}

/* req: rfc8995-5.4-anchors */
static enum berth_err
load_masa(const struct berth_registrar_maker *maker, struct berth_manufacturer *ret,
	  struct berth_why *why)
{
	const char *path = maker->masa_anchors != NULL ? maker->masa_anchors : maker->anchors;
	enum berth_err err =
		berth_file_read(path, BERTH_REGISTRAR_PEM_MAX_BYTES, &ret->masa_anchors_pem, why);
	if (err || maker->masa_url == NULL)
		return err;
	ret->has_masa_url = true;
	return berth_masa_url_parse(berth_text(maker->masa_url), &ret->masa_url, why);
}

enum berth_err
berth_registrar_load_maker(struct berth_pki *pki, const struct berth_registrar_maker *maker,
			   struct berth_manufacturer *ret, struct berth_why *why)
{
	*ret = (struct berth_manufacturer){
		.name = maker->name,
		.identity = (enum berth_identity_rule)maker->identity,
		.ignore_expiry = maker->ignore_expiry,
		.enrols_without_voucher = maker->est,
		.content_type = (enum berth_cms_content)maker->content_type,
		.issuer_form = (enum berth_issuer_form)maker->issuer_form,
		.body = (enum berth_voucher_body)maker->body,
	};
	enum berth_err err = berth_registrar_load_certificates(pki, "anchors", maker->anchors,
							       &ret->anchors, why);
	if (!err)
		err = load_masa(maker, ret, why);
	if (err)
		berth_manufacturer_free(ret);
	return err;
}
