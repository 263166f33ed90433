/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/gateway/conf.h"

#include <stdio.h>
#include <string.h>

#include "role/device/conf.h"
#include "system/files.h"

#define CONF_MAX_BYTES ((size_t)64 << 10) /* written by hand */

static const char *const logs[] = {"text", "json", NULL};
static const char *const locators[] = {"link-local", "unique-local", NULL};

#define AT(member) .offset = offsetof(struct berth_gateway_conf, member)

static const char *const identities[] = {"device", "none", NULL};

static const struct berth_conf_key gateway_keys[] = {
	{.name = "identity",
	 .type = BERTH_CONF_CHOICE,
	 .choices = identities,
	 .fallback = "device",
	 AT(identity),
	 .help = "device: relays only once this host is onboarded as a gateway ([identity]); none: "
		 "for a lab, relays as it stands and takes no orders"},
	{.name = "device-interfaces",
	 .type = BERTH_CONF_LIST,
	 .is_required = true,
	 AT(device_interfaces),
	 .help = "where devices are that have not joined yet: the join proxy listens and announces "
		 "itself on these and on no other"},
	{.name = "registrar-interfaces",
	 .type = BERTH_CONF_LIST,
	 AT(registrar_interfaces),
	 .help = "where registrars are looked for by DNS-SD and GRASP; needed unless registrars "
		 "says them"},
	{.name = "registrars",
	 .type = BERTH_CONF_LIST,
	 AT(registrars),
	 .help = "ADDRESS:PORT of each registrar, tried in this order; default: discovered"},
	{.name = "methods",
	 .type = BERTH_CONF_LIST,
	 AT(methods),
	 .help = "what the configured registrars speak besides BRSKI with CMS vouchers and EST; "
		 "discovered ones say so themselves"},
	{.name = "announce",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "yes",
	 AT(is_announced),
	 .help = "announce the join proxy to devices"},
	{.name = "dns-sd",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "yes",
	 AT(dns_sd),
	 .help = "announce and look by DNS-SD: _brski-proxy._tcp, _brski-registrar._tcp"},
	{.name = "grasp",
	 .type = BERTH_CONF_BOOL,
	 .fallback = "yes",
	 AT(grasp),
	 .help = "announce and look by GRASP: AN_Proxy, AN_join_registrar"},
	{.name = "grasp-period",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "60s",
	 .min = 5,
	 .max = 3600,
	 AT(grasp_period_s),
	 .help = "between two floods of AN_Proxy, which are valid three times as long"},
	{.name = "grasp-locators",
	 .type = BERTH_CONF_CHOICE,
	 .choices = locators,
	 .fallback = "link-local",
	 AT(grasp_locators),
	 .help = "unique-local: also believe floods that name a registrar beyond this link by an "
		 "address of fc00::/7; whoever is on the link can then send devices there"},
	{.name = "name",
	 .type = BERTH_CONF_TEXT,
	 .fallback = "berth-gateway",
	 AT(name),
	 .help = "the name of the announcement by DNS-SD"},
	{.name = "listen-port",
	 .type = BERTH_CONF_INTEGER,
	 .fallback = "0",
	 .min = 0,
	 .max = 65535,
	 AT(listen_port),
	 .help = "TCP port for devices; 0: any, devices learn it by discovery"},
	{.name = "port-file",
	 .type = BERTH_CONF_PATH,
	 AT(port_file),
	 .help = "written once listening: a line INTERFACE PORT for each"},
	{.name = "user",
	 .type = BERTH_CONF_TEXT,
	 AT(user),
	 .help = "user to become once listening; default: stay"},
	{.name = "log",
	 .type = BERTH_CONF_CHOICE,
	 .choices = logs,
	 .fallback = "text",
	 AT(log),
	 .help = "form of log lines on standard error"},
};

static const char *const away_words[] = {"keep", "close", NULL};

static const struct berth_conf_key identity_keys[] = {
	{.name = "state-directory",
	 .type = BERTH_CONF_PATH,
	 AT(device_state),
	 .help = "the state-directory of berth-device on this host, which onboards it: its "
		 "certificate, with the role of a gateway, and its key are the gateway's"},
	{.name = "directory",
	 .type = BERTH_CONF_PATH,
	 .fallback = "/var/lib/berth-gateway",
	 AT(directory),
	 .help = "where the gateway keeps what its registrar told it"},
	{.name = "registrar",
	 .type = BERTH_CONF_TEXT,
	 AT(registrar),
	 .help = "ADDRESS:PORT of the registrar that it takes its orders from; default: where "
		 "berth-device met it"},
	{.name = "when-registrar-away",
	 .type = BERTH_CONF_CHOICE,
	 .choices = away_words,
	 .fallback = "keep",
	 AT(when_away),
	 .help = "when the lease of its last word is over: keep relaying, or close until it is "
		 "back"},
};

static const struct berth_conf_key limit_keys[] = {
	{.name = "connections",
	 .type = BERTH_CONF_INTEGER,
	 .fallback = "256",
	 .min = 1,
	 .max = 4096,
	 AT(connections_max),
	 .help = "relayed at a time on one interface"},
	{.name = "connections-per-source",
	 .type = BERTH_CONF_INTEGER,
	 .fallback = "4",
	 .min = 1,
	 .max = 4096,
	 AT(connections_per_source_max),
	 .help = "of one device: an IPv4 address, an IPv6 link-local address or a /64"},
	{.name = "connect-timeout",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "5s",
	 .min = 1,
	 .max = 300,
	 AT(connect_timeout_s),
	 .help = "to reach one registrar before the next is tried"},
	{.name = "idle-timeout",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "90s",
	 .min = 1,
	 .max = 3600,
	 AT(idle_timeout_s),
	 .help = "without a byte; a device that was told to wait asks again within 60 seconds"},
	{.name = "total-timeout",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "1h",
	 .min = 1,
	 .max = 86400,
	 AT(total_timeout_s),
	 .help = "of one connection; a device that still waits connects again"},
	{.name = "progress-window",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "10s",
	 .min = 1,
	 .max = 300,
	 AT(progress_window_s),
	 .help = "a device that sends must bring so much in each window, or it is cut after three"},
	{.name = "progress-bytes",
	 .type = BERTH_CONF_INTEGER,
	 .fallback = "64",
	 .min = 1,
	 .max = 65536,
	 AT(progress_min_bytes),
	 .help = "the least in a window; a TLS record with a request is longer"},
};

static const struct berth_conf_section sections[] = {
	{.name = "gateway",
	 .is_required = true,
	 .keys = gateway_keys,
	 .key_count = sizeof gateway_keys / sizeof *gateway_keys,
	 .help = "The join proxy of RFC 8995 4.1."},
	{.name = "identity",
	 .keys = identity_keys,
	 .key_count = sizeof identity_keys / sizeof *identity_keys,
	 .help = "Who the gateway is, and its registrar."},
	{.name = "limits",
	 .keys = limit_keys,
	 .key_count = sizeof limit_keys / sizeof *limit_keys,
	 .help = "What one device may take; nothing a device sends is trusted."},
};

const struct berth_conf_schema berth_gateway_schema = {
	.sections = sections,
	.section_count = sizeof sections / sizeof *sections,
};

static enum berth_err
refuse_target(const char *text, struct berth_why *why)
{
	return berth_fail(
		why, BERTH_E_USAGE, "gateway-registrar", NULL,
		"registrars: %.80s: write ADDRESS:PORT or [ADDRESS]:PORT with a numeric address",
		text);
}

static bool
read_port(const char *text, uint16_t *ret)
{
	uint32_t port = 0;

	for (size_t i = 0; text[i]; i++) {
		if (text[i] < '0' || text[i] > '9' || i == 5)
			return false;
		port = port * 10 + (uint32_t)(text[i] - '0');
	}
	*ret = (uint16_t)port;
	return port > 0 && port <= UINT16_MAX;
}

enum berth_err
berth_gateway_target_parse(const char *text, struct berth_relay_target *ret, struct berth_why *why)
{
	struct berth_relay_target target = {0};
	bool is_bracketed = text[0] == '[';
	const char *host = text + is_bracketed;
	const char *end = strchr(host, is_bracketed ? ']' : ':');

	if (!end || end == host || (size_t)(end - host) >= sizeof target.address)
		return refuse_target(text, why);
	const char *colon = end + is_bracketed;
	if (*colon != ':' || !read_port(colon + 1, &target.port))
		return refuse_target(text, why);
	memcpy(target.address, host, (size_t)(end - host));
	enum berth_err err = berth_relay_target_check(&target, why);
	if (err)
		return refuse_target(text, why);
	*ret = target;
	return BERTH_OK;
}

static enum berth_err
check(const struct berth_gateway_conf *settings, struct berth_why *why)
{
	struct berth_relay_target target;
	struct berth_pledge_candidate registrar;

	if (settings->identity == BERTH_GATEWAY_IDENTITY_DEVICE && !settings->device_state)
		return berth_fail(why, BERTH_E_USAGE, "gateway-identity", NULL,
				  "a gateway needs an identity: a section [identity] with the "
				  "state-directory of berth-device, or, in a lab, identity = none");
	if (settings->registrar &&
	    berth_device_candidate_parse(settings->registrar, &registrar, why))
		return why ? why->err : BERTH_E_USAGE;
	if (!settings->registrars.count && !settings->registrar_interfaces.count)
		return berth_fail(
			why, BERTH_E_USAGE, "gateway-no-registrar", NULL,
			"say registrar-interfaces, where registrars are discovered, or their "
			"addresses with registrars");
	if (!settings->registrars.count && !settings->dns_sd && !settings->grasp)
		return berth_fail(why, BERTH_E_USAGE, "gateway-no-discovery", NULL,
				  "neither dns-sd, nor grasp, nor registrars: it would relay to "
				  "nobody");
	if (settings->registrars.count > BERTH_RELAY_TARGETS_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "gateway-registrars", NULL,
				  "registrars: at most %d", BERTH_RELAY_TARGETS_MAX);
	for (size_t i = 0; i < settings->registrars.count; i++) {
		enum berth_err err =
			berth_gateway_target_parse(settings->registrars.items[i], &target, why);

		if (err)
			return err;
	}
	return BERTH_OK;
}

enum berth_err
berth_gateway_conf_load(const char *path, struct berth_conf *conf, struct berth_gateway_conf *ret,
			struct berth_why *why)
{
	BERTH_BUF text = {0};
	enum berth_err err = berth_file_read(path, CONF_MAX_BYTES, &text, why);

	if (err)
		return err;
	const struct berth_conf_text file = {.name = path, .text = berth_buf_view(&text)};
	err = berth_conf_parse(&berth_gateway_schema, &file, 1, conf, ret, why);
	return err ? err : check(ret, why);
}
