/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/device/conf.h"

#include "codec/dpp_channel.h"
#include "codec/dpp_uri.h"
#include "role/device/key_name.h"
#include "system/files.h"

#define CONF_MAX_BYTES ((size_t)64 << 10) /* written by hand */

static const char *const clocks[] = {"trusted", "untrusted", NULL};
static const char *const revocations[] = {"if-reachable", "required", "ignored", NULL};
static const char *const logs[] = {"text", "json", NULL};

#define AT(member) .offset = offsetof(struct berth_device_conf, member)

static const struct berth_conf_key device_keys[] = {
	{.name = "idevid-certificates",
	 .type = BERTH_CONF_PATH,
	 AT(idevid_certificates),
	 .help = "birth certificate in PEM, then the CA certificates above it"},
	{.name = "idevid-key",
	 .type = BERTH_CONF_KEY_URI,
	 AT(idevid_key),
	 .help = "keystore URI of the birth key, file:PATH, pkcs11:... or tpm:..."},
	{.name = "manufacturer-anchors",
	 .type = BERTH_CONF_PATH,
	 AT(manufacturer_anchors),
	 .help = "certificates in PEM that the manufacturer's vouchers are checked against"},
	{.name = "state-directory",
	 .type = BERTH_CONF_PATH,
	 .fallback = "/var/lib/berth-device",
	 AT(state_directory),
	 .help = "where the device keeps its state, its own certificate and key"},
	{.name = "ldevid-key",
	 .type = BERTH_CONF_KEY_URI,
	 AT(ldevid_key),
	 .help = "keystore URI for new keys; its {id} becomes random digits; default "
		 "file:STATE-DIRECTORY/ldevid-{id}.key"},
	{.name = "key-kind",
	 .type = BERTH_CONF_TEXT,
	 .fallback = "P-256",
	 AT(key_kind),
	 .help = "of new keys, P-256 or P-384"},
	{.name = "tpm",
	 .type = BERTH_CONF_TEXT,
	 .fallback = BERTH_TPM_TCTI_DEFAULT,
	 AT(tpm),
	 .help = "the TPM of tpm: URIs that name none, as tss2-tctildr has it"},
	{.name = "clock",
	 .type = BERTH_CONF_CHOICE,
	 .choices = clocks,
	 .fallback = "trusted",
	 AT(clock),
	 .help = "untrusted when nothing keeps the time without power: dates are then not judged"},
	{.name = "accept-nonceless",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "yes",
	 AT(accept_nonceless),
	 .help = "take vouchers without a nonce, made ahead for networks that cannot reach the "
		 "manufacturer"},
	{.name = "user",
	 .type = BERTH_CONF_TEXT,
	 AT(user),
	 .help = "user to become before anything is opened; default: stay"},
	{.name = "log",
	 .type = BERTH_CONF_CHOICE,
	 .choices = logs,
	 .fallback = "text",
	 AT(log),
	 .help = "form of log lines on standard error"},
};

static const struct berth_conf_key discovery_keys[] = {
	{.name = "dns-sd",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "yes",
	 AT(dns_sd),
	 .help = "listen for join proxies announced as _brski-proxy._tcp"},
	{.name = "grasp",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "yes",
	 AT(grasp),
	 .help = "listen for join proxies announced by GRASP, on the interfaces that are named"},
	{.name = "interfaces",
	 .type = BERTH_CONF_LIST,
	 AT(interfaces),
	 .help = "only on these; default: DNS-SD on all that can do multicast, GRASP on none"},
	{.name = "registrar",
	 .type = BERTH_CONF_LIST,
	 AT(registrars),
	 .help = "further proxies or registrars to try, ADDRESS:PORT; not trusted any more than "
		 "discovered ones"},
};

static const struct berth_conf_key renewal_keys[] = {
	{.name = "check-every",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "1h",
	 .min = 1,
	 .max = 604800,
	 AT(check_every_s),
	 .help = "how often the registrar is asked for its CA certificates and for advice when to "
		 "renew, a tenth more or less; what it answers with Retry-After counts instead"},
	{.name = "registrar-revocation",
	 .type = BERTH_CONF_CHOICE,
	 .choices = revocations,
	 .fallback = "if-reachable",
	 AT(registrar_revocation),
	 .help = "whether the OCSP responder or list that the registrar's certificates name is "
		 "asked, and whether the registrar is refused when nobody answers"},
};

static const char *const pkex_roles[] = {
	[BERTH_DEVICE_PKEX_INITIATOR] = "initiator",
	[BERTH_DEVICE_PKEX_RESPONDER] = "responder",
	NULL,
};

static const struct berth_conf_key dpp_keys[] = {
	{.name = "bootstrapping-key",
	 .type = BERTH_CONF_KEY_URI,
	 AT(dpp_key),
	 .help = "keystore URI of the key whose public part is in the device's code; required "
		 "here"},
	{.name = "interface",
	 .type = BERTH_CONF_TEXT,
	 AT(dpp_interface),
	 .help = "Wi-Fi interface over which the device announces itself"},
	{.name = "controller",
	 .type = BERTH_CONF_TEXT,
	 AT(dpp_controller),
	 .help = "in place of interface: ADDRESS:PORT of a Controller, as a rule with port 8908"},
	{.name = "channels",
	 .type = BERTH_CONF_TEXT,
	 AT(dpp_channels),
	 .help = "those that the device's code names, CLASS/CHANNEL,...: where it begins"},
	{.name = "configurator",
	 .type = BERTH_CONF_TEXT,
	 AT(dpp_configurator),
	 .help = "DPP URI of the only Configurator that may configure the device; default: whoever "
		 "knows its code"},
	{.name = "pkex-code-file",
	 .type = BERTH_CONF_PATH,
	 AT(pkex_code_file),
	 .help = "file that nobody else may read: a code by which a Configurator and the device "
		 "learn each other's key (PKEX)"},
	{.name = "pkex-identifier",
	 .type = BERTH_CONF_TEXT,
	 AT(pkex_identifier),
	 .help = "what the code is called, where a Configurator waits for several"},
	{.name = "pkex-role",
	 .type = BERTH_CONF_CHOICE,
	 .choices = pkex_roles,
	 .fallback = "initiator",
	 AT(pkex_role),
	 .help = "whether the device asks for who knows the code, or waits to be asked; over TCP "
		 "it "
		 "asks"},
	{.name = "name",
	 .type = BERTH_CONF_TEXT,
	 .fallback = "berth-device",
	 AT(dpp_name),
	 .help = "as the device calls itself to a Configurator"},
	{.name = "mud-url",
	 .type = BERTH_CONF_TEXT,
	 AT(dpp_mud_url),
	 .help = "of the device's MUD file, told to a Configurator"},
	{.name = "profile",
	 .type = BERTH_CONF_PATH,
	 .fallback = BERTH_WIFI_PROFILE,
	 AT(dpp_profile),
	 .help = "file that is written for wpa_supplicant: in memory, for it holds secrets"},
	{.name = "wpa-supplicant",
	 .type = BERTH_CONF_PATH,
	 .fallback = "/sbin/wpa_supplicant",
	 AT(wpa_supplicant),
	 .help = "program that joins, for the command wi-fi"},
	{.name = "join-within",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "60s",
	 .min = 5,
	 .max = 3600,
	 AT(join_within_s),
	 .help = "how long the device may be off its network before it asks its Configurator for "
		 "another configuration"},
};

static const struct berth_conf_section sections[] = {
	{.name = "device",
	 .is_required = true,
	 .keys = device_keys,
	 .key_count = sizeof(device_keys) / sizeof(device_keys[0]),
	 .help = "who the device is"},
	{.name = "discovery",
	 .keys = discovery_keys,
	 .key_count = sizeof(discovery_keys) / sizeof(discovery_keys[0]),
	 .help = "how it finds registrars"},
	{.name = "renewal",
	 .keys = renewal_keys,
	 .key_count = sizeof(renewal_keys) / sizeof(renewal_keys[0]),
	 .help = "how it keeps its certificate"},
	{.name = "dpp",
	 .keys = dpp_keys,
	 .key_count = sizeof(dpp_keys) / sizeof(dpp_keys[0]),
	 .help = "how it is configured by Wi-Fi Easy Connect"},
};

const struct berth_conf_schema berth_device_schema = {
	.sections = sections,
	.section_count = sizeof(sections) / sizeof(sections[0]),
};

static enum berth_err
refuse_candidate(const char *text, struct berth_why *why)
{
	return berth_fail(why, BERTH_E_USAGE, "device-registrar", NULL,
			  "%.80s: write ADDRESS:PORT, [ADDRESS]:PORT or NAME:PORT", text);
}

static enum berth_err
parse_port(const char *text, uint16_t *ret)
{
	uint32_t port = 0;
	for (size_t i = 0; text[i]; i++) {
		if (text[i] < '0' || text[i] > '9' || i == 5) {
			return BERTH_E_SYNTAX;
		}
		port = port * 10 + (uint32_t)(text[i] - '0');
	}
	if (port == 0 || port > UINT16_MAX) {
		return BERTH_E_SYNTAX;
	}
	*ret = (uint16_t)port;
	return BERTH_OK;
}

enum berth_err
berth_device_candidate_parse(const char *text, struct berth_pledge_candidate *ret,
			     struct berth_why *why)
{
	const bool is_bracketed = text[0] == '[';
	const char *host = is_bracketed ? text + 1 : text;
	const char *end = is_bracketed ? strchr(host, ']') : strchr(host, ':');
	const char *colon = end && is_bracketed ? end + 1 : end;
	if (!end || end == host || *colon != ':') {
		return refuse_candidate(text, why);
	}
	struct berth_pledge_candidate candidate = {.is_static = true};
	if ((size_t)(end - host) >= sizeof(candidate.host) ||
	    parse_port(colon + 1, &candidate.port)) {
		return refuse_candidate(text, why);
	}
	memcpy(candidate.host, host, (size_t)(end - host));
	*ret = candidate;
	return BERTH_OK;
}

static enum berth_err
check_dpp(const struct berth_device_conf *settings, struct berth_why *why)
{
	const bool has_one =
		(settings->dpp_interface != NULL) != (settings->dpp_controller != NULL);
	struct berth_pledge_candidate controller;
	uint32_t channels[BERTH_DPP_CHANNELS_MAX];
	struct berth_dpp_uri uri;
	size_t count = 0;
	enum berth_err err = BERTH_OK;
	if (!settings->dpp_key || !has_one) {
		return berth_fail(why, BERTH_E_USAGE, "device-dpp", NULL,
				  "section [dpp] needs a bootstrapping-key, and an interface or a "
				  "controller, not both");
	}
	if (settings->dpp_controller) {
		err = berth_device_candidate_parse(settings->dpp_controller, &controller, why);
	}
	if (!err && settings->dpp_channels) {
		err = berth_dpp_channels_parse(berth_text(settings->dpp_channels), channels, &count,
					       why);
	}
	if (!err && settings->dpp_configurator) {
		err = berth_dpp_uri_parse(berth_text(settings->dpp_configurator), &uri, why);
	}
	if (!err && settings->pkex_code_file && settings->dpp_configurator) {
		err = berth_fail(why, BERTH_E_USAGE, "device-dpp", NULL,
				 "section [dpp] has a configurator, the only one that the device "
				 "heeds: a code "
				 "(pkex-code-file) would let in another");
	}
	if (!err && settings->pkex_code_file && settings->dpp_controller &&
	    settings->pkex_role == BERTH_DEVICE_PKEX_RESPONDER) {
		err = berth_fail(why, BERTH_E_USAGE, "device-dpp", NULL,
				 "over TCP the device asks: pkex-role = responder is for the air");
	}
	if (err) { /* whatever is wrong with it: it is the configuration's fault */
		why->err = BERTH_E_USAGE;
	}
	return err ? BERTH_E_USAGE : BERTH_OK;
}

static bool
has_dpp(const struct berth_device_conf *settings)
{
	return settings->dpp_key || settings->dpp_interface || settings->dpp_controller ||
	       settings->dpp_channels || settings->dpp_configurator || settings->dpp_mud_url ||
	       settings->pkex_code_file;
}

static enum berth_err
check_birth(const struct berth_device_conf *settings, struct berth_why *why)
{
	const bool has_none = !settings->idevid_certificates && !settings->idevid_key &&
			      !settings->manufacturer_anchors;
	if (berth_device_conf_has_birth(settings) || (has_none && has_dpp(settings))) {
		return BERTH_OK;
	}
	return berth_fail(
		why, BERTH_E_USAGE, "device-birth", NULL,
		"idevid-certificates, idevid-key and manufacturer-anchors are needed, all "
		"three, unless the device is configured by DPP alone (section [dpp])");
}

static enum berth_err
check(const struct berth_device_conf *settings, struct berth_why *why)
{
	enum berth_err err = check_birth(settings, why);
	if (!err && has_dpp(settings)) {
		err = check_dpp(settings, why);
	}
	if (err || !berth_device_conf_has_birth(settings)) {
		return err;
	}
	err = settings->ldevid_key ? berth_device_key_pattern_check(settings->ldevid_key, why)
				   : BERTH_OK;
	if (err) {
		return err;
	}
	if (!settings->dns_sd && !berth_device_conf_uses_grasp(settings) &&
	    settings->registrars.count == 0) {
		return berth_fail(why, BERTH_E_USAGE, "device-no-discovery", NULL,
				  "neither dns-sd, nor grasp with interfaces, nor a registrar: the "
				  "device would find nobody");
	}
	for (size_t i = 0; i < settings->registrars.count; i++) {
		struct berth_pledge_candidate candidate;
		err = berth_device_candidate_parse(settings->registrars.items[i], &candidate, why);
		if (err) {
			return err;
		}
	}
	return BERTH_OK;
}

enum berth_err
berth_device_conf_load(const char *path, struct berth_conf *conf, struct berth_device_conf *ret,
		       struct berth_why *why)
{
	BERTH_BUF text = {0};
	enum berth_err err = berth_file_read(path, CONF_MAX_BYTES, &text, why);
	if (err) {
		return err;
	}
	const struct berth_conf_text given = {.name = path, .text = berth_buf_view(&text)};
	struct berth_device_conf settings = {0};
	err = berth_conf_parse(&berth_device_schema, &given, 1, conf, &settings, why);
	err = err ? err : check(&settings, why);
	if (err) {
		return err;
	}
	*ret = settings;
	return BERTH_OK;
}
