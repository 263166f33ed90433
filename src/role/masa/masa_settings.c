/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/masa/masa_settings.h"

#include "role/masa/masa_fetch.h"

#include <stddef.h>

#include "system/files.h"

/* In the order of their enums. */
static const char *const ownership_choices[] = {"recorded", "first", NULL};
static const char *const pinning_choices[] = {"registrar", "farthest", "ca", NULL};
static const char *const revocation_choices[] = {"fetch", "ignored", NULL};
static const char *const identity_choices[] = {"serial-number", "serial-number-sn", "common-name",
					       "hardware-serial", NULL};
static const char *const content_choices[] = {"anima", "data", NULL};

#define SETTING(member) .offset = offsetof(struct berth_masa_settings, member)

static const struct berth_conf_key daemon_keys[] = {
	BERTH_DAEMON_KEYS(struct berth_masa_settings, daemon),
};

static const struct berth_conf_key masa_keys[] = {
	{.name = "manufacturer-anchors",
	 .type = BERTH_CONF_PATH,
	 .is_required = true,
	 SETTING(manufacturer_anchors),
	 .help = "PEM: certificates that this manufacturer's IDevIDs chain to."},
	{.name = "manifest-anchors",
	 .type = BERTH_CONF_PATH,
	 SETTING(manifest_anchors),
	 .help = "PEM: what the signer of unit manifests chains to; without it, "
		 "manufacturer-anchors."},
	{.name = "signer-certificates",
	 .type = BERTH_CONF_PATH,
	 .is_required = true,
	 SETTING(signer_certificates),
	 .help = "PEM: the certificate that signs vouchers first, then what is above it."},
	{.name = "signer-key",
	 .type = BERTH_CONF_KEY_URI,
	 .is_required = true,
	 SETTING(signer_key),
	 .help = "Keystore URI of the voucher signing key; used by the signer process alone."},
	{.name = "client-anchors",
	 .type = BERTH_CONF_PATH,
	 SETTING(client_anchors),
	 .help = "PEM: what authenticates registrars, by TLS or by their request's own path; "
		 "without it, none is."},
	{.name = "never-pin",
	 .type = BERTH_CONF_PATH,
	 SETTING(never_pin),
	 .help = "PEM: CAs that serve many owners and so are never pinned in a voucher."},
	{.name = "ownership",
	 .type = BERTH_CONF_CHOICE,
	 .choices = ownership_choices,
	 .fallback = "recorded",
	 SETTING(ownership),
	 .help = "Who gets vouchers: recorded, the owner of record alone; first, also the first "
		 "who asks for a unit that nobody owns."},
	{.name = "pinning",
	 .type = BERTH_CONF_CHOICE,
	 .choices = pinning_choices,
	 .fallback = "ca",
	 SETTING(pinning),
	 .help = "What a voucher pins: registrar, its own certificate; farthest, the last of its "
		 "chain; ca, the lowest CA, or the highest when there is no nonce."},
	{.name = "revocation",
	 .type = BERTH_CONF_CHOICE,
	 .choices = revocation_choices,
	 .fallback = "fetch",
	 SETTING(revocation),
	 .help = "When a registrar's certificate names OCSP or a CRL: fetch asks it, and refuses "
		 "without an answer; ignored says in the trace that nothing was asked."},
	{.name = "revocation-sources",
	 .type = BERTH_CONF_LIST,
	 SETTING(revocation_sources),
	 .help = "Networks (10.0.0.0/8) and hosts that may be asked although their addresses are "
		 "not public."},
	{.name = "econtent-type",
	 .type = BERTH_CONF_CHOICE,
	 .choices = content_choices,
	 .fallback = "anima",
	 SETTING(content_type),
	 .help = "eContentType of vouchers: anima (RFC 8366), or data for pledges that know no "
		 "other."},
	{.name = "identity",
	 .type = BERTH_CONF_CHOICE,
	 .choices = identity_choices,
	 .fallback = "serial-number",
	 SETTING(identity),
	 .help = "Where IDevIDs of this manufacturer say their serial number; vouchers and "
		 "manifests "
		 "name it."},
	{.name = "require-client-certificate",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "no",
	 SETTING(require_client_certificate),
	 .help = "Registrars must present a TLS client certificate of client-anchors."},
	{.name = "require-idevid-issuer",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "no",
	 SETTING(require_idevid_issuer),
	 .help = "Requests must name the IDevID's issuer (RFC 8995's own example does not)."},
	{.name = "allow-without-proximity",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "no",
	 SETTING(allow_without_proximity),
	 .help = "A request whose proximity does not show gets a voucher that says verified or "
		 "logged."},
	{.name = "allow-nonceless",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "no",
	 SETTING(allow_nonceless),
	 .help = "Authenticated registrars may have vouchers without a nonce, for offline use."},
	{.name = "ignore-idevid-expiry",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "no",
	 SETTING(ignore_idevid_time),
	 .help = "Accept IDevIDs outside their time, for devices that outlived theirs."},
	{.name = "request-age",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "20m",
	 .min = 10,
	 .max = 604800,
	 SETTING(request_age_s),
	 .help = "An older voucher-request is stale."},
	{.name = "audit-log-age",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "1d",
	 .min = 10,
	 .max = 31536000,
	 SETTING(audit_log_age_s),
	 .help = "How long the same request may be used to ask for the audit log."},
	{.name = "voucher-lifetime",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "14d",
	 .min = 60,
	 .max = 31536000,
	 SETTING(voucher_lifetime_s),
	 .help = "How long a nonceless voucher holds; never beyond the registrar's certificates."},
	{.name = "nonceless-request-age",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "7d",
	 .min = 10,
	 .max = 31536000,
	 SETTING(nonceless_age_s),
	 .help = "A request without a nonce may be this old: it may have come on a memory stick."},
	{.name = "renewable-for",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "0s",
	 .min = 0,
	 .max = 315360000,
	 SETTING(renewable_for_s),
	 .help = "last-renewal-date of nonceless vouchers: how long from now their owner may count "
		 "on "
		 "getting a new one; 0s promises nothing."},
	{.name = "vouchers-per-minute",
	 .type = BERTH_CONF_INTEGER,
	 .fallback = "60000",
	 .min = 1,
	 .max = 1000000,
	 SETTING(vouchers_per_minute),
	 .help = "The signer refuses to sign more vouchers than this."},
	{.name = "wrong-codes-per-unit",
	 .type = BERTH_CONF_INTEGER,
	 .fallback = "10",
	 .min = 1,
	 .max = 1000,
	 SETTING(claims_per_unit),
	 .help = "After so many wrong claim codes for a serial number within an hour, none is "
		 "looked at."},
	{.name = "wrong-codes-per-source",
	 .type = BERTH_CONF_INTEGER,
	 .fallback = "30",
	 .min = 1,
	 .max = 1000000,
	 SETTING(claims_per_source),
	 .help = "The same for an address, of IPv6 for its first 64 bits."},
};

static const struct berth_conf_section sections[] = {
	{.name = "daemon",
	 .is_required = true,
	 .keys = daemon_keys,
	 .key_count = sizeof(daemon_keys) / sizeof(daemon_keys[0]),
	 .help = "What every Berth daemon has."},
	{.name = "masa",
	 .is_required = true,
	 .keys = masa_keys,
	 .key_count = sizeof(masa_keys) / sizeof(masa_keys[0]),
	 .help = "The manufacturer's authorized signing authority."},
};

const struct berth_conf_schema berth_masa_schema = {
	.sections = sections,
	.section_count = sizeof(sections) / sizeof(sections[0]),
};

enum berth_err
berth_masa_settings_check(const void *settings, struct berth_why *why)
{
	const struct berth_masa_settings *s = settings;

	if (s->require_client_certificate && !s->client_anchors)
		return berth_fail(why, BERTH_E_USAGE, "masa-client-anchors", NULL,
				  "require-client-certificate = yes needs client-anchors");
	return berth_masa_sources_check(&s->revocation_sources, why);
}

enum berth_err
berth_masa_load_certificates(struct berth_pki *pki, const char *key, const char *path,
			     struct berth_cert_list *list, struct berth_why *why)
{
	BERTH_BUF pem = {0};
	struct berth_why cause = {0};

	if (!path)
		return BERTH_OK;
	enum berth_err err = berth_file_read(path, BERTH_MASA_PEM_MAX_BYTES, &pem, &cause);
	err = err ? err : berth_cert_list_parse(pki, berth_buf_view(&pem), list, &cause);
	if (err)
		return berth_fail(why, BERTH_E_USAGE, "masa-certificates", NULL,
				  "%s = %.90s: %.110s", key, path, cause.sentence);
	return BERTH_OK;
}

enum berth_err
berth_masa_trust_load(struct berth_pki *pki, const struct berth_masa_settings *s,
		      struct berth_masa_trust *ret, struct berth_why *why)
{
	const char *manifest = s->manifest_anchors ? s->manifest_anchors : s->manufacturer_anchors;

	memset(ret, 0, sizeof(*ret));
	enum berth_err err = berth_masa_load_certificates(
		pki, "manufacturer-anchors", s->manufacturer_anchors, &ret->manufacturer, why);
	err = err ? err
		  : berth_masa_load_certificates(pki, "manifest-anchors", manifest, &ret->manifest,
						 why);
	err = err ? err
		  : berth_masa_load_certificates(pki, "client-anchors", s->client_anchors,
						 &ret->client, why);
	err = err ? err
		  : berth_masa_load_certificates(pki, "never-pin", s->never_pin, &ret->never_pin,
						 why);
	ret->policy = (struct berth_masa_policy){
		.manufacturer_anchors = &ret->manufacturer,
		.client_anchors = &ret->client,
		.never_pin = &ret->never_pin,
		.ownership = (enum berth_masa_ownership)s->ownership,
		.pinning = (enum berth_masa_pinning)s->pinning,
		.revocation = (enum berth_masa_revocation)s->revocation,
		.require_client_certificate = s->require_client_certificate,
		.require_idevid_issuer = s->require_idevid_issuer,
		.allow_without_proximity = s->allow_without_proximity,
		.allow_nonceless = s->allow_nonceless,
		.ignore_idevid_time = s->ignore_idevid_time,
		.created_on_age_s = s->request_age_s,
		.audit_log_age_s = s->audit_log_age_s,
		.nonceless_lifetime_s = s->voucher_lifetime_s,
		.nonceless_age_s = s->nonceless_age_s,
		.renewable_for_s = s->renewable_for_s,
		.identity = (enum berth_identity_rule)s->identity,
	};
	return err;
}

void
berth_masa_trust_free(struct berth_masa_trust *trust)
{
	berth_cert_list_free(&trust->manufacturer);
	berth_cert_list_free(&trust->manifest);
	berth_cert_list_free(&trust->client);
	berth_cert_list_free(&trust->never_pin);
}

enum berth_err
berth_masa_check_files(struct berth_pki *pki, const void *settings, struct berth_why *why)
{
	const struct berth_masa_settings *s = settings;
	struct berth_masa_trust trust;
	struct berth_cert_list own = {0};
	enum berth_err err = berth_masa_trust_load(pki, s, &trust, why);

	err = err ? err
		  : berth_masa_load_certificates(pki, "signer-certificates", s->signer_certificates,
						 &own, why);
	berth_cert_list_free(&own);
	err = err ? err
		  : berth_masa_load_certificates(pki, "tls-certificates",
						 s->daemon.tls_certificates, &own, why);
	err = err ? err : berth_daemon_check_key("signer-key", s->signer_key, why);
	berth_cert_list_free(&own);
	berth_masa_trust_free(&trust);
	return err;
}
