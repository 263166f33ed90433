/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/dns_sd.h"

#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <avahi-common/alternative.h>
#include <avahi-common/error.h>
#include <avahi-common/malloc.h>
#include <avahi-common/strlst.h>
#include <avahi-core/core.h>
#include <avahi-core/log.h>
#include <avahi-core/lookup.h>
#include <avahi-core/publish.h>

#include "net/avahi_poll.h"

#define CACHE_ENTRIES_MAX                                                                          \
	1024 /* per interface; Avahi's own default is larger than a gateway needs */
#define RESOLVE_AGAIN_MS 5000 /* a service whose answer got lost is asked for again */

static const char *const types[] = {
	[BERTH_SERVICE_PROXY] = "_brski-proxy._tcp",
	[BERTH_SERVICE_REGISTRAR] = "_brski-registrar._tcp",
};
#define KINDS (sizeof types / sizeof *types)

/* One service on one interface by one protocol: what was browsed, and once resolved what was told. */
struct found {
	struct berth_dns_sd *sd;
	AvahiSServiceResolver *resolver;
	AvahiIfIndex interface;
	AvahiProtocol protocol;
	bool is_told;
	struct berth_service service;
	struct found *next;
};

struct berth_announcement {
	struct berth_dns_sd *sd;
	AvahiSEntryGroup *group;
	enum berth_service_kind kind;
	char *name;
	AvahiIfIndex interface;
	uint16_t port;
	AvahiStringList *text;
	struct berth_announcement *next;
};

struct browser {
	struct berth_dns_sd *sd;
	enum berth_service_kind kind;
	AvahiSServiceBrowser *browser;
};

struct berth_dns_sd {
	AvahiPoll poll;
	AvahiServer *server;
	struct berth_timer *again;
	struct berth_dns_sd_conf conf;
	struct browser browsers[KINDS];
	struct found *found;
	size_t found_count;
	struct berth_announcement *announcements;
};

static enum berth_err
avahi_fail(struct berth_why *why, const char *rule, const char *what, int error)
{
	return berth_fail(why, BERTH_E_IO, rule, "RFC 6762", "%s: %s", what, avahi_strerror(error));
}

static void
be_quiet(AvahiLogLevel level, const char *text)
{
	(void)level;
	(void)text;
}

/* ---- browsing ---- */

static bool
is_link_local(const AvahiAddress *address)
{
	const uint8_t *a = address->data.ipv6.address;

	return address->proto == AVAHI_PROTO_INET6 && a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
}

static void
write_address(const AvahiAddress *address, struct berth_service *service)
{
	char text[AVAHI_ADDRESS_STR_MAX];

	avahi_address_snprint(text, sizeof text, address);
	snprintf(service->address, sizeof service->address, "%s%s%s", text,
		 is_link_local(address) ? "%" : "",
		 is_link_local(address) ? service->interface : "");
}

static enum berth_err
read_text(AvahiStringList *list, struct berth_service *service)
{
	uint8_t rdata[(BERTH_SERVICE_TEXT_STRING_MAX)*BERTH_SERVICE_TEXT_MAX];
	/* A longer record is cut by Avahi between strings. */
	size_t n = avahi_string_list_serialize(list, rdata, sizeof rdata);

	return berth_service_text_parse(berth_bytes_of(rdata, n), service, NULL);
}

static void
drop_resolver(struct found *found)
{
	if (found->resolver)
		avahi_s_service_resolver_free(found->resolver);
	found->resolver = NULL;
}

static void
tell(struct found *found, const AvahiAddress *address, uint16_t port, AvahiStringList *text)
{
	struct berth_service service = found->service;
	struct berth_dns_sd *sd = found->sd;

	service.port = port;
	write_address(address, &service);
	if (!port || read_text(text, &service))
		return;
	if (found->is_told && strcmp(service.address, found->service.address) != 0 &&
	    sd->conf.vanished)
		sd->conf.vanished(sd->conf.context, &found->service);
	found->service = service;
	found->is_told = true;
	if (sd->conf.appeared)
		sd->conf.appeared(sd->conf.context, &found->service);
}

static void
on_resolved(AvahiSServiceResolver *resolver, AvahiIfIndex interface, AvahiProtocol protocol,
	    AvahiResolverEvent event, const char *name, const char *type, const char *domain,
	    const char *host, const AvahiAddress *address, uint16_t port, AvahiStringList *text,
	    AvahiLookupResultFlags flags, void *context)
{
	struct found *found = context;

	(void)resolver;
	(void)interface;
	(void)protocol;
	(void)name;
	(void)type;
	(void)domain;
	(void)host;
	(void)flags;
	if (event == AVAHI_RESOLVER_FOUND && address) {
		tell(found, address, port, text);
		return;
	}
	drop_resolver(found);
	berth_timer_start(found->sd->again, RESOLVE_AGAIN_MS);
}

/* The address is of the family that the answer came by: a link without IPv4 gives IPv6 addresses. */
static void
resolve(struct found *found)
{
	found->resolver = avahi_s_service_resolver_new(
		found->sd->server, found->interface, found->protocol, found->service.name,
		types[found->service.kind], NULL, found->protocol, 0, on_resolved, found);
	if (!found->resolver)
		berth_timer_start(found->sd->again, RESOLVE_AGAIN_MS);
}

static void
resolve_again(void *context)
{
	struct berth_dns_sd *sd = context;

	for (struct found *f = sd->found; f; f = f->next) {
		if (!f->resolver)
			resolve(f);
	}
}

static struct found **
find(struct berth_dns_sd *sd, enum berth_service_kind kind, AvahiIfIndex interface,
     AvahiProtocol protocol, const char *name)
{
	struct found **at = &sd->found;

	while (*at && ((*at)->service.kind != kind || (*at)->interface != interface ||
		       (*at)->protocol != protocol || strcmp((*at)->service.name, name) != 0))
		at = &(*at)->next;
	return at;
}

/* Names are shown to people and compared; RFC 6763 4.1.1 allows no control characters. */
static bool
is_name(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return false;
	}
	return n > 0 && n < BERTH_SERVICE_NAME_MAX && berth_bytes_is_utf8(berth_text(name));
}

static void
add_found(struct berth_dns_sd *sd, enum berth_service_kind kind, AvahiIfIndex interface,
	  AvahiProtocol protocol, const char *name)
{
	if (!is_name(name) || sd->found_count >= BERTH_SERVICES_MAX)
		return;
	struct found *found = calloc(1, sizeof *found);
	if (!found)
		return;
	found->sd = sd;
	found->interface = interface;
	found->protocol = protocol;
	found->service.kind = kind;
	snprintf(found->service.name, sizeof found->service.name, "%s", name);
	if (!if_indextoname((unsigned)interface, found->service.interface)) {
		free(found);
		return;
	}
	found->next = sd->found;
	sd->found = found;
	sd->found_count++;
	resolve(found);
}

static void
remove_found(struct berth_dns_sd *sd, struct found **at)
{
	struct found *found = *at;

	if (!found)
		return;
	*at = found->next;
	sd->found_count--;
	drop_resolver(found);
	if (found->is_told && sd->conf.vanished)
		sd->conf.vanished(sd->conf.context, &found->service);
	free(found);
}

static void
on_browsed(AvahiSServiceBrowser *avahi, AvahiIfIndex interface, AvahiProtocol protocol,
	   AvahiBrowserEvent event, const char *name, const char *type, const char *domain,
	   AvahiLookupResultFlags flags, void *context)
{
	struct browser *browser = context;
	struct berth_dns_sd *sd = browser->sd;

	(void)avahi;
	(void)type;
	(void)domain;
	if (!name || (flags & AVAHI_LOOKUP_RESULT_OUR_OWN))
		return;
	struct found **at = find(sd, browser->kind, interface, protocol, name);
	if (event == AVAHI_BROWSER_NEW && !*at)
		add_found(sd, browser->kind, interface, protocol, name);
	if (event == AVAHI_BROWSER_REMOVE)
		remove_found(sd, at);
}

enum berth_err
berth_dns_sd_browse(struct berth_dns_sd *sd, enum berth_service_kind kind, struct berth_why *why)
{
	struct browser *browser = &sd->browsers[kind];

	if (browser->browser)
		return BERTH_OK;
	browser->sd = sd;
	browser->kind = kind;
	browser->browser =
		avahi_s_service_browser_new(sd->server, AVAHI_IF_UNSPEC, AVAHI_PROTO_UNSPEC,
					    types[kind], NULL, 0, on_browsed, browser);
	if (browser->browser)
		return BERTH_OK;
	return avahi_fail(why, "dns-sd-browse", types[kind], avahi_server_errno(sd->server));
}

/* ---- announcing ---- */

static void fill_group(struct berth_announcement *announcement);

/* Somebody else has the name: take the next one ("name #2"). */
static void
rename_announcement(struct berth_announcement *announcement)
{
	char *other = avahi_alternative_service_name(announcement->name);

	if (!other)
		return;
	avahi_free(announcement->name);
	announcement->name = other;
	avahi_s_entry_group_reset(announcement->group);
	fill_group(announcement);
}

static void
on_group(AvahiServer *server, AvahiSEntryGroup *group, AvahiEntryGroupState state, void *context)
{
	struct berth_announcement *announcement = context;

	(void)server;
	announcement->group = group;
	if (state == AVAHI_ENTRY_GROUP_COLLISION)
		rename_announcement(announcement);
}

/* What cannot be registered now (the server is renaming itself) is filled again when it runs. */
static void
fill_group(struct berth_announcement *announcement)
{
	struct berth_dns_sd *sd = announcement->sd;

	if (!avahi_s_entry_group_is_empty(announcement->group))
		return;
	for (int tries = 0; tries < 8; tries++) {
		int error = avahi_server_add_service_strlst(
			sd->server, announcement->group, announcement->interface,
			AVAHI_PROTO_UNSPEC, 0, announcement->name, types[announcement->kind], NULL,
			NULL, announcement->port, announcement->text);
		if (!error) {
			avahi_s_entry_group_commit(announcement->group);
			return;
		}
		char *other = error == AVAHI_ERR_COLLISION
				      ? avahi_alternative_service_name(announcement->name)
				      : NULL;
		if (!other)
			return;
		avahi_free(announcement->name);
		announcement->name = other;
		avahi_s_entry_group_reset(announcement->group);
	}
}

static enum berth_err
open_announcement(struct berth_announcement *announcement, const struct berth_announce *what,
		  struct berth_why *why)
{
	struct berth_dns_sd *sd = announcement->sd;

	announcement->kind = what->kind;
	announcement->port = what->port;
	announcement->name = avahi_strdup(what->name);
	announcement->interface = AVAHI_IF_UNSPEC;
	if (what->interface)
		announcement->interface = (AvahiIfIndex)if_nametoindex(what->interface);
	if (what->interface && !announcement->interface)
		return berth_fail(why, BERTH_E_NOT_FOUND, "dns-sd-interface", NULL,
				  "there is no interface %s", what->interface);
	for (size_t i = what->text_count; i-- > 0;)
		announcement->text = avahi_string_list_add(announcement->text, what->text[i]);
	announcement->group = avahi_s_entry_group_new(sd->server, on_group, announcement);
	if (!announcement->name || !announcement->group)
		return avahi_fail(why, "dns-sd-announce", types[what->kind],
				  avahi_server_errno(sd->server));
	return BERTH_OK;
}

static void
free_announcement(struct berth_announcement *announcement)
{
	if (announcement->group)
		avahi_s_entry_group_free(announcement->group);
	avahi_string_list_free(announcement->text);
	avahi_free(announcement->name);
	free(announcement);
}

enum berth_err
berth_dns_sd_announce(struct berth_dns_sd *sd, const struct berth_announce *what,
		      struct berth_announcement **ret, struct berth_why *why)
{
	if (!is_name(what->name) || !what->port)
		return berth_fail(why, BERTH_E_USAGE, "dns-sd-name", "RFC 6763 4.1.1",
				  "an announcement needs a name of 1 to %d bytes and a port",
				  BERTH_SERVICE_NAME_MAX - 1);
	struct berth_announcement *announcement = calloc(1, sizeof *announcement);
	if (!announcement)
		return berth_fail(why, BERTH_E_MEMORY, "dns-sd-memory", NULL, "out of memory");
	announcement->sd = sd;
	enum berth_err err = open_announcement(announcement, what, why);
	if (err) {
		free_announcement(announcement);
		return err;
	}
	announcement->next = sd->announcements;
	sd->announcements = announcement;
	if (avahi_server_get_state(sd->server) == AVAHI_SERVER_RUNNING)
		fill_group(announcement);
	*ret = announcement;
	return BERTH_OK;
}

void
berth_announcement_withdraw(struct berth_announcement *announcement)
{
	if (!announcement)
		return;
	struct berth_announcement **at = &announcement->sd->announcements;
	while (*at != announcement)
		at = &(*at)->next;
	*at = announcement->next;
	free_announcement(announcement);
}

/* ---- the server ---- */

static void
rename_host(AvahiServer *server)
{
	char *other = avahi_alternative_host_name(avahi_server_get_host_name(server));

	if (other)
		avahi_server_set_host_name(server, other);
	avahi_free(other);
}

static void
on_server(AvahiServer *server, AvahiServerState state, void *context)
{
	struct berth_dns_sd *sd = context;
	struct berth_why why;

	sd->server = server;
	switch (state) {
	case AVAHI_SERVER_RUNNING:
		for (struct berth_announcement *a = sd->announcements; a; a = a->next)
			fill_group(a);
		return;
	case AVAHI_SERVER_COLLISION:
		rename_host(server);
		return;
	case AVAHI_SERVER_FAILURE:
		berth_ignore(avahi_fail(&why, "dns-sd-failed", "discovery has stopped",
					avahi_server_errno(server)),
			     "told to the owner");
		if (sd->conf.failed)
			sd->conf.failed(sd->conf.context, &why);
		return;
	case AVAHI_SERVER_REGISTERING:
		for (struct berth_announcement *a = sd->announcements; a; a = a->next)
			avahi_s_entry_group_reset(a->group);
		return;
	case AVAHI_SERVER_INVALID:
		return;
	}
}

/* The machine's own name says who owns it and what it is; a random one says nothing. */
static char *
random_host_name(void)
{
	uint32_t number = 0;
	char name[32];

	if (getrandom(&number, sizeof number, 0) != sizeof number)
		return NULL;
	snprintf(name, sizeof name, "berth-%08x", number);
	return avahi_strdup(name);
}

static enum berth_err
start_server(struct berth_dns_sd *sd, const struct berth_dns_sd_conf *conf, struct berth_why *why)
{
	AvahiServerConfig config;
	int error = 0;

	avahi_server_config_init(&config);
	avahi_free(config.host_name);
	config.host_name = conf->host_name ? avahi_strdup(conf->host_name) : random_host_name();
	config.use_ipv4 = 1;
	config.use_ipv6 = 1;
	config.publish_hinfo = 0;
	config.publish_workstation = 0;
	config.publish_domain = 0;
	config.enable_wide_area = 0;
	config.disable_publishing = conf->browse_only;
	config.publish_addresses = !conf->browse_only;
	config.n_cache_entries_max = CACHE_ENTRIES_MAX;
	for (size_t i = 0; i < conf->interface_count; i++)
		config.allow_interfaces =
			avahi_string_list_add(config.allow_interfaces, conf->interfaces[i]);
	sd->server = avahi_server_new(&sd->poll, &config, on_server, sd, &error);
	avahi_server_config_free(&config);
	if (sd->server)
		return BERTH_OK;
	return avahi_fail(why, "dns-sd-open", "discovery cannot start", error);
}

enum berth_err
berth_dns_sd_open(struct berth_loop *loop, const struct berth_dns_sd_conf *conf,
		  struct berth_dns_sd **ret, struct berth_why *why)
{
	struct berth_dns_sd *sd = calloc(1, sizeof *sd);

	if (!sd)
		return berth_fail(why, BERTH_E_MEMORY, "dns-sd-memory", NULL, "out of memory");
	avahi_set_log_function(be_quiet);
	sd->poll = berth_avahi_poll(loop);
	enum berth_err err = berth_timer_open(loop, resolve_again, sd, &sd->again);
	if (!err)
		err = start_server(sd, conf, why);
	if (err) {
		berth_dns_sd_close(sd);
		return err;
	}
	/* Only now: no callback before the loop runs. */
	sd->conf = *conf;
	sd->conf.interfaces = NULL;
	sd->conf.interface_count = 0;
	*ret = sd;
	return BERTH_OK;
}

void
berth_dns_sd_close(struct berth_dns_sd *sd)
{
	if (!sd)
		return;
	sd->conf = (struct berth_dns_sd_conf){0};
	for (size_t i = 0; i < KINDS; i++) {
		if (sd->browsers[i].browser)
			avahi_s_service_browser_free(sd->browsers[i].browser);
	}
	while (sd->found)
		remove_found(sd, &sd->found);
	while (sd->announcements)
		berth_announcement_withdraw(sd->announcements);
	if (sd->server)
		avahi_server_free(sd->server);
	berth_timer_close(sd->again);
	free(sd);
}
