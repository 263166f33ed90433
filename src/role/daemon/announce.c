/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/daemon/announce.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/listen.h"

#define EVENT_MAX 48 /* "registrar.not-announced" */

struct berth_announcer {
	const struct berth_child *child;
	const struct berth_daemon_announce *role;
	const struct berth_conf_list *interfaces;
	const char *name;
	struct berth_dns_sd *sd;
	struct berth_announcement *announcement;
};

static const struct berth_conf_list *
interfaces_of(const struct berth_daemon_announce *role, const void *settings)
{
	return (const void *)((const char *)settings + role->interfaces_offset);
}

static const char *
name_of(const struct berth_daemon_announce *role, const void *settings)
{
	return *(const char *const *)(const void *)((const char *)settings + role->name_offset);
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
	if (!daemon->announce || interfaces_of(daemon->announce, settings)->count == 0) {
		return BERTH_OK;
	}
	const struct berth_conf_list *interfaces = interfaces_of(daemon->announce, settings);
	for (size_t i = 0; i < interfaces->count; i++) {
		if (strlen(interfaces->items[i]) >= BERTH_SERVICE_INTERFACE_MAX) {
			return berth_fail(why, BERTH_E_USAGE, "announce-interface", NULL,
					  "announce: %.40s cannot be the name of an interface",
					  interfaces->items[i]);
		}
	}
	if (strlen(name_of(daemon->announce, settings)) >= BERTH_SERVICE_NAME_MAX) {
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

struct berth_announcer *
berth_announcer_open(const struct berth_child *child)
{
	const struct berth_daemon_announce *role = child->daemon->announce;
	if (!role || child->index != 0 || interfaces_of(role, child->settings)->count == 0) {
		return NULL;
	}
	struct berth_announcer *announcer = calloc(1, sizeof(*announcer));
	if (!announcer) {
		return NULL;
	}
	*announcer = (struct berth_announcer){
		.child = child,
		.role = role,
		.interfaces = interfaces_of(role, child->settings),
		.name = name_of(role, child->settings),
	};
	const struct berth_dns_sd_conf conf = {
		.interfaces = announcer->interfaces->items,
		.interface_count = announcer->interfaces->count,
		.failed = on_failed,
		.context = announcer,
	};
	struct berth_why why;
	if (berth_dns_sd_open(child->loop, &conf, &announcer->sd, &why)) {
		log_not_announced(announcer, NULL, &why);
		free(announcer);
		return NULL;
	}
	return announcer;
}

/* req: rfc8995-4.3-announce */
void
berth_announcer_start(struct berth_announcer *announcer, int listen_fd)
{
	if (!announcer || announcer->announcement) {
		return;
	}
	uint16_t port = 0;
	if (berth_listen_port(listen_fd, &port)) {
		return;
	}
	const struct berth_announce what = {
		.kind = announcer->role->kind,
		.name = announcer->name,
		.port = port,
	};
	struct berth_why why;
	if (berth_dns_sd_announce(announcer->sd, &what, &announcer->announcement, &why)) {
		log_not_announced(announcer, NULL, &why);
		return;
	}
	for (size_t i = 0; i < announcer->interfaces->count; i++) {
		log_announced(announcer, announcer->interfaces->items[i], what.port);
	}
}

void
berth_announcer_close(struct berth_announcer *announcer)
{
	if (!announcer) {
		return;
	}
	berth_announcement_withdraw(announcer->announcement);
	berth_dns_sd_close(announcer->sd);
	free(announcer);
}
