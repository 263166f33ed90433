/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/gateway/gateway.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "net/dns_sd.h"
#include "role/gateway/listen.h"
#include "role/gateway/registrars.h"
#include "role/gateway/stream.h"
#include "role/grasp.h"
#include "system/clock.h"
#include "system/files.h"
#include "system/log.h"
#include "system/notify.h"
#include "system/process.h"
#include "system/sandbox.h"

#define INTERFACES_MAX 16
#define REFUSALS_LOGGED 20 /* a minute; a flood of connections must not be a flood of lines */

/* One interface with devices. */
struct port {
	const char *interface;
	uint16_t port;
	struct berth_relay *relay;
	struct berth_announcement *announcement;
	bool is_announced; /* by whatever is switched on */
};

struct gateway {
	const struct berth_gateway_conf *conf;
	struct berth_log log;
	struct berth_log_limit refusals;
	struct berth_loop *loop;
	struct berth_dns_sd *device_side;
	struct berth_dns_sd *registrar_side;
	struct berth_grasp *device_grasp;
	struct berth_grasp *registrar_grasp;
	struct berth_gateway_registrars registrars;
	struct berth_gateway_stream *stream; /* NULL: no identity */
	bool may_proxy;
	struct port ports[INTERFACES_MAX];
	size_t port_count;
	bool has_failed;
	struct berth_why failure;
};

/* ---- log lines ---- */

static void
on_relayed(void *context, const struct berth_relay_report *report)
{
	struct gateway *gateway = context;
	char up[24];
	char down[24];
	char lasted[24];

	snprintf(up, sizeof up, "%llu", (unsigned long long)report->up_bytes);
	snprintf(down, sizeof down, "%llu", (unsigned long long)report->down_bytes);
	snprintf(lasted, sizeof lasted, "%lld", (long long)report->lasted_ms);
	berth_log(&gateway->log,
		  report->end == BERTH_RELAY_DONE ? BERTH_LOG_INFO : BERTH_LOG_NOTICE,
		  "relay.ended", "source", report->source, "registrar",
		  *report->target ? report->target : NULL, "end", berth_relay_end_name(report->end),
		  "up-bytes", up, "down-bytes", down, "lasted-ms", lasted, NULL);
}

static void
on_refused(void *context, const char *source, const struct berth_why *why)
{
	struct gateway *gateway = context;
	uint64_t suppressed = 0;
	char more[24];

	if (!berth_log_allows(&gateway->refusals, berth_clock_mono(), &suppressed))
		return;
	snprintf(more, sizeof more, "%llu", (unsigned long long)suppressed);
	berth_log_why(&gateway->log, BERTH_LOG_WARNING, "relay.refused", why, "source", source,
		      "suppressed", suppressed ? more : NULL, NULL);
}

static void
on_began(void *context, struct berth_bytes head)
{
	struct gateway *gateway = context;

	if (gateway->stream)
		berth_gateway_stream_relayed(gateway->stream, head);
}

/* ---- announcing ---- */

static void
withdraw(struct gateway *gateway)
{
	for (size_t i = 0; i < gateway->port_count; i++) {
		struct port *port = &gateway->ports[i];

		if (port->is_announced)
			berth_log(&gateway->log, BERTH_LOG_NOTICE, "proxy.withdrawn", "interface",
				  port->interface, NULL);
		berth_announcement_withdraw(port->announcement);
		berth_grasp_announce(gateway->device_grasp, port->interface, BERTH_SERVICE_PROXY,
				     0);
		port->announcement = NULL;
		port->is_announced = false;
	}
}

/* GRASP names one variation, the plain one of RFC 8995; registrars that speak it speak it among others. */
static bool
announce_port(struct gateway *gateway, struct port *port, const char *const *methods, size_t n)
{
	const struct berth_announce what = {
		.kind = BERTH_SERVICE_PROXY,
		.name = gateway->conf->name,
		.interface = port->interface,
		.port = port->port,
		.text = methods,
		.text_count = n,
	};
	struct berth_why why;

	berth_grasp_announce(gateway->device_grasp, port->interface, BERTH_SERVICE_PROXY,
			     port->port);
	if (gateway->device_side &&
	    berth_dns_sd_announce(gateway->device_side, &what, &port->announcement, &why)) {
		berth_log_why(&gateway->log, BERTH_LOG_ERROR, "proxy.not-announced", &why,
			      "interface", port->interface, NULL);
		return gateway->device_grasp != NULL;
	}
	return gateway->device_side || gateway->device_grasp;
}

static void
announce(struct gateway *gateway, const char *const *methods, size_t n)
{
	char number[8];

	for (size_t i = 0; i < gateway->port_count; i++) {
		struct port *port = &gateway->ports[i];

		port->is_announced = announce_port(gateway, port, methods, n);
		if (!port->is_announced)
			continue;
		snprintf(number, sizeof number, "%u", port->port);
		berth_log(&gateway->log, BERTH_LOG_NOTICE, "proxy.announced", "interface",
			  port->interface, "port", number, NULL);
	}
}

static void
set_targets(struct gateway *gateway, const struct berth_relay_target *targets, size_t n)
{
	struct berth_why why;

	for (size_t i = 0; i < gateway->port_count && gateway->may_proxy; i++) {
		if (berth_relay_set_targets(gateway->ports[i].relay, targets, n, &why))
			berth_log_why(&gateway->log, BERTH_LOG_WARNING, "registrar.unusable", &why,
				      NULL);
	}
}

/* ---- discovered registrars ---- */

/*
 * What is offered has changed, from methods_before (NULL: nothing was): the announcement follows, and new connections go to
 * the new targets.
 */
/* req: rfc8995-4.1-j4 */
static void
follow(struct gateway *gateway, const char *const *methods_before, size_t before_count)
{
	struct berth_relay_target targets[BERTH_RELAY_TARGETS_MAX];
	const char *methods[BERTH_SERVICE_TEXT_MAX];
	size_t n = berth_gateway_registrar_methods(&gateway->registrars, methods);
	bool is_same = methods_before && n == before_count;

	if (!gateway->may_proxy)
		return;
	for (size_t i = 0; is_same && i < n; i++)
		is_same = strcmp(methods[i], methods_before[i]) == 0;
	size_t target_count = berth_gateway_registrar_targets(&gateway->registrars, targets);
	set_targets(gateway, targets, target_count);
	bool is_announced = gateway->port_count && gateway->ports[0].is_announced;
	if (is_announced && (!target_count || !is_same))
		withdraw(gateway);
	if (target_count && (!is_announced || !is_same))
		announce(gateway, methods, n);
}

static void
change_registrars(struct gateway *gateway, const struct berth_service *service, bool is_there)
{
	struct berth_gateway_registrars before = gateway->registrars;
	const char *methods[BERTH_SERVICE_TEXT_MAX];
	size_t n = berth_gateway_registrar_methods(&before, methods);
	struct berth_why why;
	char port[8];

	snprintf(port, sizeof port, "%u", service->port);
	if (!is_there)
		berth_gateway_registrar_remove(&gateway->registrars, service);
	if (is_there && berth_gateway_registrar_add(&gateway->registrars, service, &why)) {
		berth_log_why(&gateway->log, BERTH_LOG_WARNING, "registrar.ignored", &why, "name",
			      service->name, NULL);
		return;
	}
	berth_log(&gateway->log, BERTH_LOG_NOTICE, is_there ? "registrar.found" : "registrar.lost",
		  "name", service->name, "address", service->address, "port", port, "interface",
		  service->interface, NULL);
	follow(gateway, methods, n);
}

static void
on_appeared(void *context, const struct berth_service *service)
{
	change_registrars(context, service, true);
}

static void
on_vanished(void *context, const struct berth_service *service)
{
	change_registrars(context, service, false);
}

static void
on_discovery_failed(void *context, const struct berth_why *why)
{
	struct gateway *gateway = context;

	gateway->has_failed = true;
	gateway->failure = *why;
	berth_loop_stop(gateway->loop);
}

/* ---- starting ---- */

/* port->port is kept, so that a proxy that was closed comes back where it was. */
static enum berth_err
open_port(struct gateway *gateway, struct port *port, struct berth_why *why)
{
	const struct berth_gateway_conf *conf = gateway->conf;
	const struct berth_relay_conf limits = {
		.connections_max = (size_t)conf->connections_max,
		.connections_per_source_max = (size_t)conf->connections_per_source_max,
		.connect_timeout_ms = conf->connect_timeout_s * 1000,
		.idle_timeout_ms = conf->idle_timeout_s * 1000,
		.total_timeout_ms = conf->total_timeout_s * 1000,
		.progress_window_ms = conf->progress_window_s * 1000,
		.progress_min_bytes = (size_t)conf->progress_min_bytes,
		.ended = on_relayed,
		.began = on_began,
		.refused = on_refused,
		.context = gateway,
	};
	int fd = -1;
	enum berth_err err =
		berth_gateway_listen(port->interface, port->port, &fd, &port->port, why);

	return err ? err : berth_relay_open(gateway->loop, &limits, fd, &port->relay, why);
}

static enum berth_err
open_ports(struct gateway *gateway, struct berth_why *why)
{
	const struct berth_conf_list *interfaces = &gateway->conf->device_interfaces;

	if (interfaces->count > INTERFACES_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "gateway-interfaces", NULL,
				  "device-interfaces: at most %d", INTERFACES_MAX);
	for (size_t i = 0; i < interfaces->count; i++) {
		struct port *port = &gateway->ports[gateway->port_count++];

		port->interface = interfaces->items[i];
		port->port = (uint16_t)gateway->conf->listen_port;
		enum berth_err err = open_port(gateway, port, why);
		if (err)
			return err;
	}
	return BERTH_OK;
}

static void
close_ports(struct gateway *gateway)
{
	for (size_t i = 0; i < gateway->port_count; i++) {
		berth_relay_close(gateway->ports[i].relay);
		gateway->ports[i].relay = NULL;
	}
}

/* Fixed registrars need no looking for. */
/* req: rfc8995-4.3-j2 */
static enum berth_err
open_grasp(struct gateway *gateway, struct berth_why *why)
{
	const struct berth_gateway_conf *conf = gateway->conf;
	struct berth_grasp_conf side = {
		.interfaces = conf->device_interfaces.items,
		.interface_count = conf->device_interfaces.count,
		.period_s = conf->grasp_period_s,
		.log = &gateway->log,
		.context = gateway,
	};
	enum berth_err err = BERTH_OK;

	if (!conf->grasp)
		return BERTH_OK;
	if (conf->is_announced)
		err = berth_grasp_open(gateway->loop, &side, &gateway->device_grasp, why);
	if (err || conf->registrars.count)
		return err;
	side.interfaces = conf->registrar_interfaces.items;
	side.interface_count = conf->registrar_interfaces.count;
	side.kind = BERTH_SERVICE_REGISTRAR;
	side.accepts_unique_local = conf->grasp_locators == 1;
	side.appeared = on_appeared;
	side.vanished = on_vanished;
	return berth_grasp_open(gateway->loop, &side, &gateway->registrar_grasp, why);
}

/* req: rfc8995-4.3-j1 */
static enum berth_err
open_dns_sd(struct gateway *gateway, struct berth_why *why)
{
	const struct berth_gateway_conf *conf = gateway->conf;
	struct berth_dns_sd_conf side = {
		.interfaces = conf->device_interfaces.items,
		.interface_count = conf->device_interfaces.count,
		.failed = on_discovery_failed,
		.context = gateway,
	};
	enum berth_err err = BERTH_OK;

	if (!conf->dns_sd)
		return BERTH_OK;
	if (conf->is_announced)
		err = berth_dns_sd_open(gateway->loop, &side, &gateway->device_side, why);
	if (err || conf->registrars.count)
		return err;
	side.interfaces = conf->registrar_interfaces.items;
	side.interface_count = conf->registrar_interfaces.count;
	side.browse_only = true;
	side.appeared = on_appeared;
	side.vanished = on_vanished;
	err = berth_dns_sd_open(gateway->loop, &side, &gateway->registrar_side, why);
	if (err)
		return err;
	return berth_dns_sd_browse(gateway->registrar_side, BERTH_SERVICE_REGISTRAR, why);
}

/* Registrars by configuration are known from the start. */
static enum berth_err
use_fixed_registrars(struct gateway *gateway, struct berth_why *why)
{
	const struct berth_conf_list *registrars = &gateway->conf->registrars;
	struct berth_relay_target targets[BERTH_RELAY_TARGETS_MAX];

	if (!registrars->count)
		return BERTH_OK;
	for (size_t i = 0; i < registrars->count; i++) {
		enum berth_err err =
			berth_gateway_target_parse(registrars->items[i], &targets[i], why);

		if (err)
			return err;
	}
	set_targets(gateway, targets, registrars->count);
	announce(gateway, gateway->conf->methods.items, gateway->conf->methods.count);
	return BERTH_OK;
}

/* ---- its own identity ---- */

static void
begin_to_proxy(struct gateway *gateway)
{
	struct berth_why why;

	for (size_t i = 0; i < gateway->port_count; i++) {
		struct port *port = &gateway->ports[i];

		if (port->relay || open_port(gateway, port, &why) == BERTH_OK)
			continue;
		/* Ended, and started again by who looks after it, is better than half a proxy. */
		gateway->has_failed = true;
		gateway->failure = why;
		berth_loop_stop(gateway->loop);
		return;
	}
	gateway->may_proxy = true;
	berth_log(&gateway->log, BERTH_LOG_NOTICE, "proxy.opened", NULL);
	if (!gateway->conf->registrars.count)
		follow(gateway, NULL, 0);
	else if (use_fixed_registrars(gateway, &why))
		berth_log_why(&gateway->log, BERTH_LOG_WARNING, "registrar.unusable", &why, NULL);
}

static void
cease_to_proxy(struct gateway *gateway)
{
	gateway->may_proxy = false;
	withdraw(gateway);
	close_ports(gateway);
	berth_log(&gateway->log, BERTH_LOG_NOTICE, "proxy.closed", NULL);
}

static void
on_allowed(void *context, bool may_proxy)
{
	struct gateway *gateway = context;

	if (may_proxy)
		begin_to_proxy(gateway);
	else
		cease_to_proxy(gateway);
}

/* The ports were opened to know that they can be, and which they are. */
static enum berth_err
open_stream(struct gateway *gateway, struct berth_why *why)
{
	const struct berth_gateway_stream_conf conf = {
		.settings = gateway->conf,
		.log = &gateway->log,
		.loop = gateway->loop,
		.allowed = on_allowed,
		.context = gateway,
	};

	if (gateway->conf->identity == BERTH_GATEWAY_IDENTITY_NONE)
		return use_fixed_registrars(gateway, why);
	close_ports(gateway);
	gateway->may_proxy = false;
	return berth_gateway_stream_open(&conf, &gateway->stream, why);
}

static enum berth_err
write_ports(const struct gateway *gateway, struct berth_why *why)
{
	BERTH_BUF text = {0};

	if (!gateway->conf->port_file)
		return BERTH_OK;
	for (size_t i = 0; i < gateway->port_count; i++) {
		enum berth_err err = berth_buf_printf(&text, "%s %u\n", gateway->ports[i].interface,
						      gateway->ports[i].port);
		if (err)
			return berth_fail(why, err, "gateway-port-file", NULL, "out of memory");
	}
	return berth_file_write(gateway->conf->port_file, berth_buf_view(&text), 0644, why);
}

/* Everything that needs a right is open. */
static enum berth_err
give_up_privilege(const struct gateway *gateway, struct berth_why *why)
{
	const struct berth_sandbox sandbox = {
		.read = {"/"},
		.write = {gateway->stream ? gateway->conf->directory : NULL},
		.sockets = BERTH_SANDBOX_INET,
		.holds_secrets = gateway->stream != NULL,
	};
	struct berth_sandbox_report report;
	enum berth_err err = BERTH_OK;

	if (gateway->conf->user)
		err = berth_process_become(gateway->conf->user, why);
	return err ? err : berth_sandbox_enter(&sandbox, &report, why);
}

static void
stop(void *context)
{
	struct gateway *gateway = context;

	berth_loop_stop(gateway->loop);
}

static enum berth_err
start(struct gateway *gateway, struct berth_why *why)
{
	enum berth_err err = berth_loop_open(&gateway->loop, why);

	if (!err)
		err = open_ports(gateway, why);
	if (!err)
		err = open_dns_sd(gateway, why);
	if (!err)
		err = open_grasp(gateway, why);
	if (!err)
		err = open_stream(gateway, why);
	if (!err)
		err = write_ports(gateway, why);
	if (!err)
		err = berth_loop_on_signal(gateway->loop, SIGTERM, stop, gateway);
	if (!err)
		err = berth_loop_on_signal(gateway->loop, SIGINT, stop, gateway);
	return err ? err : give_up_privilege(gateway, why);
}

/* Announcements go first, so that no device comes while the rest closes. */
static void
end(struct gateway *gateway)
{
	berth_gateway_stream_close(gateway->stream);
	withdraw(gateway);
	berth_grasp_close(gateway->registrar_grasp);
	berth_grasp_close(gateway->device_grasp);
	berth_dns_sd_close(gateway->registrar_side);
	berth_dns_sd_close(gateway->device_side);
	close_ports(gateway);
	if (gateway->loop)
		berth_loop_close(gateway->loop);
}

enum berth_err
berth_gateway_run(const struct berth_gateway_conf *conf, struct berth_why *why)
{
	struct gateway gateway = {
		.conf = conf,
		.log = berth_log_open("berth-gateway", conf->log == 1),
		.refusals = {.burst = REFUSALS_LOGGED, .interval_ms = 60000},
		.may_proxy = true,
	};
	struct berth_why notice;
	enum berth_err err = start(&gateway, why);

	if (!err) {
		berth_log(&gateway.log, BERTH_LOG_NOTICE, "gateway.started", NULL);
		if (berth_notify("READY=1", &notice))
			berth_log_why(&gateway.log, BERTH_LOG_WARNING, "gateway.not-notified",
				      &notice, NULL);
		berth_loop_run(gateway.loop);
	}
	if (!err && gateway.has_failed) {
		*why = gateway.failure;
		err = why->err;
	}
	if (!err)
		berth_log(&gateway.log, BERTH_LOG_NOTICE, "gateway.stopped", NULL);
	end(&gateway);
	return err;
}
