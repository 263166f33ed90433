/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/daemon/announce.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/listen.h"
#include "role/grasp.h"

#define EVENT_MAX 48 /* "registrar.not-announced" */

struct berth_announcer {
	const struct berth_child *child;
	const struct berth_daemon_announce *role;
	const struct berth_announce_settings *settings;
	struct berth_dns_sd *sd;
	struct berth_grasp *grasp;
	struct berth_announcement *announcement;
	bool is_started;
};

static const struct berth_announce_settings *
settings_of(const struct berth_daemon_announce *role, const void *settings)
{
	return (const void *)((const char *)settings + role->offset);
}

static void
log_not_announced(const struct berth_announcer *announcer, const char *interface,
		  const struct berth_why *why)
{
	char event[EVENT_MAX];
	(void)snprintf(event, sizeof(event), "%s.not-announced", announcer->role->noun);
	berth_log_why(&announcer->child->log, BERTH_LOG_ERROR, event, why,
		      interface ? "interface" : NULL, interface, NULL);
}

/* An interface that comes later is told on as well: avahi follows those that it was given by name. */
static void
log_announced(const struct berth_announcer *announcer, const char *interface, uint16_t port)
{
	struct berth_why why;
	char event[EVENT_MAX], number[8];
	if (if_nametoindex(interface) == 0) {
		berth_ignore(berth_fail(&why, BERTH_E_NOT_FOUND, "announce-interface", NULL,
					"there is no such interface yet"),
			     "only the why is wanted");
		log_not_announced(announcer, interface, &why);
		return;
	}
	(void)snprintf(event, sizeof(event), "%s.announced", announcer->role->noun);
	(void)snprintf(number, sizeof(number), "%u", port);
	berth_log(&announcer->child->log, BERTH_LOG_NOTICE, event, "interface", interface, "port",
		  number, NULL);
}

enum berth_err
berth_daemon_announce_check(const struct berth_daemon *daemon, const void *settings,
			    struct berth_why *why)
{
	if (!daemon->announce) {
		return BERTH_OK;
	}
	const struct berth_announce_settings *announce = settings_of(daemon->announce, settings);
	const struct berth_conf_list *interfaces = &announce->interfaces;
	if (interfaces->count == 0) {
		return BERTH_OK;
	}
	if (!announce->dns_sd && !announce->grasp) {
		return berth_fail(why, BERTH_E_USAGE, "announce-by-nothing", NULL,
				  "announce: both announce-dns-sd and announce-grasp are off");
	}
	for (size_t i = 0; i < interfaces->count; i++) {
		if (strlen(interfaces->items[i]) >= BERTH_SERVICE_INTERFACE_MAX) {
			return berth_fail(why, BERTH_E_USAGE, "announce-interface", NULL,
					  "announce: %.40s cannot be the name of an interface",
					  interfaces->items[i]);
		}
	}
	if (strlen(announce->name) >= BERTH_SERVICE_NAME_MAX) {
		return berth_fail(why, BERTH_E_USAGE, "announce-name", "RFC 6763 4.1.1",
				  "announce-name: at most %d bytes", BERTH_SERVICE_NAME_MAX - 1);
	}
	return BERTH_OK;
}

static void
on_failed(void *context, const struct berth_why *why)
{
	log_not_announced(context, NULL, why);
}

/* What cannot be opened is in the log, and the other way may still do. */
static void
open_dns_sd(struct berth_announcer *announcer)
{
	const struct berth_dns_sd_conf conf = {
		.interfaces = announcer->settings->interfaces.items,
		.interface_count = announcer->settings->interfaces.count,
		.failed = on_failed,
		.context = announcer,
	};
	struct berth_why why;
	if (announcer->settings->dns_sd &&
	    berth_dns_sd_open(announcer->child->loop, &conf, &announcer->sd, &why)) {
		log_not_announced(announcer, NULL, &why);
	}
}

static void
open_grasp(struct berth_announcer *announcer)
{
	const struct berth_grasp_conf conf = {
		.interfaces = announcer->settings->interfaces.items,
		.interface_count = announcer->settings->interfaces.count,
		.period_s = announcer->settings->period_s,
		.log = &announcer->child->log,
	};
	struct berth_why why;
	if (announcer->settings->grasp &&
	    berth_grasp_open(announcer->child->loop, &conf, &announcer->grasp, &why)) {
		log_not_announced(announcer, NULL, &why);
	}
}

struct berth_announcer *
berth_announcer_open(const struct berth_child *child)
{
	const struct berth_daemon_announce *role = child->daemon->announce;
	if (!role || child->index != 0 ||
	    settings_of(role, child->settings)->interfaces.count == 0) {
		return NULL;
	}
	struct berth_announcer *announcer = calloc(1, sizeof(*announcer));
	if (!announcer) {
		return NULL;
	}
	*announcer = (struct berth_announcer){
		.child = child,
		.role = role,
		.settings = settings_of(role, child->settings),
	};
	open_dns_sd(announcer);
	open_grasp(announcer);
	return announcer;
}

/* req: rfc8995-4.3-announce, rfc8995-4.3-accepts */
void
berth_announcer_start(struct berth_announcer *announcer, int listen_fd)
{
	uint16_t port = 0;
	if (!announcer || announcer->is_started || berth_listen_port(listen_fd, &port)) {
		return;
	}
	announcer->is_started = true;
	for (size_t i = 0; i < announcer->settings->interfaces.count; i++) {
		berth_grasp_announce(announcer->grasp, announcer->settings->interfaces.items[i],
				     announcer->role->kind, port);
	}
	const struct berth_announce what = {
		.kind = announcer->role->kind,
		.name = announcer->settings->name,
		.port = port,
	};
	struct berth_why why;
	if (!announcer->sd) {
		return;
	}
	if (berth_dns_sd_announce(announcer->sd, &what, &announcer->announcement, &why)) {
		log_not_announced(announcer, NULL, &why);
		return;
	}
	for (size_t i = 0; i < announcer->settings->interfaces.count; i++) {
		log_announced(announcer, announcer->settings->interfaces.items[i], what.port);
	}
}

void
berth_announcer_close(struct berth_announcer *announcer)
{
	if (!announcer) {
		return;
	}
	berth_announcement_withdraw(announcer->announcement);
	berth_grasp_close(announcer->grasp);
	berth_dns_sd_close(announcer->sd);
	free(announcer);
}
