/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DNS-based service discovery over mDNS (RFC 6762, 6763), libavahi-core inside this process: works
 * in a bare network namespace, without D-Bus, on IPv6 link-local and IPv4. One object per process:
 * announces and browses.
 *
 * Several processes of one namespace may each have one: port 5353 is shared (SO_REUSEPORT), as
 * avahi sets it.
 *
 *	berth_dns_sd_open(loop, &conf, &sd, &why);
 *	berth_dns_sd_browse(sd, BERTH_SERVICE_PROXY, &why);	-> conf.appeared once per (instance,
 * interface, address) berth_dns_sd_announce(sd, &service, &announcement, &why);
 *
 * What a responder says is a claim of whoever is on the link: use it to find a peer, never to trust
 * one.
 */
#ifndef BERTH_NET_DNS_SD_H
#define BERTH_NET_DNS_SD_H

#include "base/bytes.h"
#include "net/loop.h"

enum berth_service_kind {
	BERTH_SERVICE_PROXY,	 /* _brski-proxy._tcp */
	BERTH_SERVICE_REGISTRAR, /* _brski-registrar._tcp */
};

#define BERTH_SERVICE_TEXT_MAX 16	  /* TXT strings that are kept */
#define BERTH_SERVICE_TEXT_STRING_MAX 256 /* with NUL; RFC 6763 6.1: 255 bytes each */
#define BERTH_SERVICE_NAME_MAX 64	  /* with NUL; RFC 6763 4.1.1: 63 bytes */
#define BERTH_SERVICE_ADDRESS_MAX 80	  /* with NUL; numeric, "fe80::1%eth0" */
#define BERTH_SERVICE_INTERFACE_MAX 16	  /* with NUL; IFNAMSIZ */
#define BERTH_SERVICES_MAX 256		  /* kept at a time; a link full of liars fills no memory */

struct berth_service {
	enum berth_service_kind kind;
	char name[BERTH_SERVICE_NAME_MAX]; /* instance, UTF-8 without control characters */
	char interface[BERTH_SERVICE_INTERFACE_MAX];
	char address[BERTH_SERVICE_ADDRESS_MAX]; /* for berth_http_client_conf.address; link-local
						    has its %scope */
	uint16_t port;
	size_t text_count;
	char text[BERTH_SERVICE_TEXT_MAX]
		 [BERTH_SERVICE_TEXT_STRING_MAX]; /* "key=value" or "key"; printable ASCII */
};

/* The value of a key ("" for a key without value), or NULL. Keys compare without case (RFC
 * 6763 6.4). */
const char *berth_service_text(const struct berth_service *service, const char *key);
/*
 * The strings of a TXT record (RFC 6763 6.1: length-prefixed) into service->text; strings that
 * break a rule are left out, a record that ends inside a string is refused.
 */
enum berth_err berth_service_text_parse(struct berth_bytes rdata, struct berth_service *service,
					struct berth_why *why) BERTH_MUST;

struct berth_dns_sd;
struct berth_announcement;

struct berth_dns_sd_conf {
	/* Only these interfaces; none: all that can do multicast. Views of the caller until open
	 * returns. */
	const char *const *interfaces;
	size_t interface_count;
	bool browse_only;      /* says nothing about itself; announcing is then refused */
	const char *host_name; /* NULL: "berth-" and random hex digits, so that nothing about the
				  host leaks */
	/* appeared again with other text or port: the same service (name, interface, address)
	 * changed. */
	void (*appeared)(void *context, const struct berth_service *service);
	void (*vanished)(void *context, const struct berth_service *service);
	/* Discovery failed for good (no interface, socket refused ...); the object is dead but must
	 * still be closed. */
	void (*failed)(void *context, const struct berth_why *why);
	void *context;
};

/* No callback before the loop runs. BERTH_E_IO when no socket on 5353 can be had. */
enum berth_err berth_dns_sd_open(struct berth_loop *loop, const struct berth_dns_sd_conf *conf,
				 struct berth_dns_sd **ret, struct berth_why *why) BERTH_MUST;
void berth_dns_sd_close(
	struct berth_dns_sd *sd); /* NULL is fine; sends goodbyes, no callback after it */

enum berth_err berth_dns_sd_browse(struct berth_dns_sd *sd, enum berth_service_kind kind,
				   struct berth_why *why) BERTH_MUST;

struct berth_announce {
	enum berth_service_kind kind;
	const char *name;      /* wanted instance name; a conflict gets " #2" and so on */
	const char *interface; /* NULL: all of conf.interfaces */
	uint16_t port;
	const char *const *text; /* "key=value" */
	size_t text_count;
};
enum berth_err berth_dns_sd_announce(struct berth_dns_sd *sd, const struct berth_announce *what,
				     struct berth_announcement **ret,
				     struct berth_why *why) BERTH_MUST;
void berth_announcement_withdraw(
	struct berth_announcement *announcement); /* NULL is fine; frees it */

#endif
