/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/grasp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 2000	  /* for an interface or an address that is not there yet */
#define READ_AT_ONCE 32	  /* datagrams; the loop has other things to do too */
#define SOURCE_BUCKETS 64 /* sources share one where they meet; the seed is not theirs to know */
#define SOURCE_BURST                                                                               \
	8 /* floods of one source, then one each second; an honest one sends one a minute */
#define INTERFACE_BURST 64
#define INTERFACE_EACH_S                                                                           \
	32 /* datagrams of all sources: 16 neighbours that speak once a minute are far below */

struct bucket {
	int64_t since_s;
	int64_t used;
};

struct port {
	struct berth_grasp_link *link;
	unsigned number;
	const char *name;
	int listen_fd; /* -1: not open */
	int send_fd;
	unsigned index;
	bool is_ready;
	struct berth_watch *watch;
	struct bucket all;
};

struct berth_grasp_link {
	struct berth_loop *loop;
	struct berth_grasp_link_conf conf;
	struct berth_timer *look;
	struct port ports[BERTH_GRASP_INTERFACES_MAX];
	struct bucket sources[SOURCE_BUCKETS];
	uint64_t seed;
	uint64_t dropped;
};

/* RFC 8990 6: ALL_GRASP_NEIGHBORS */
static const struct in6_addr group = {{{0xff, 0x02, [15] = 0x13}}};

/* ---- rates ---- */

static int64_t
now_s(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec;
}

/* A bucket that leaks each_s a second and holds burst. */
static bool
take(struct bucket *bucket, int64_t now, int64_t burst, int64_t each_s)
{
	const int64_t leaked = (now - bucket->since_s) * each_s;
	bucket->used = bucket->used > leaked ? bucket->used - leaked : 0;
	bucket->since_s = now;
	if (bucket->used >= burst) {
		return false;
	}
	bucket->used++;
	return true;
}

static size_t
bucket_of(const struct berth_grasp_link *link, unsigned number, const uint8_t *source)
{
	uint64_t hash = link->seed ^ number;
	for (size_t i = 0; i < 16; i++) {
		hash = (hash ^ source[i]) * 0x100000001b3; /* FNV-1a */
		hash ^= hash >> 29;
	}
	return hash % SOURCE_BUCKETS;
}

static bool
allows(struct port *port, const uint8_t *source)
{
	struct berth_grasp_link *link = port->link;
	const int64_t now = now_s();
	const bool is_allowed =
		take(&link->sources[bucket_of(link, port->number, source)], now, SOURCE_BURST, 1) &&
		take(&port->all, now, INTERFACE_BURST, INTERFACE_EACH_S);
	link->dropped += !is_allowed;
	return is_allowed;
}

/* ---- receiving ---- */

static bool
was_for_the_group(struct msghdr *header)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			return memcmp(&info.ipi6_addr, &group, sizeof(group)) == 0;
		}
	}
	return false;
}

/* False when there is nothing more. */
static bool
receive(struct port *port)
{
	uint8_t bytes[BERTH_GRASP_DATAGRAM_MAX];
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control;
	struct sockaddr_in6 from = {0};
	struct iovec into = {bytes, sizeof(bytes)};
	struct msghdr header = {.msg_name = &from,
				.msg_namelen = sizeof(from),
				.msg_iov = &into,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = sizeof(control)};
	const ssize_t n = recvmsg(port->listen_fd, &header, MSG_DONTWAIT);
	if (n < 0) {
		return errno == EINTR;
	}
	const bool is_whole = !(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
	if (!is_whole || from.sin6_family != AF_INET6 || !was_for_the_group(&header) ||
	    !allows(port, from.sin6_addr.s6_addr)) {
		return true;
	}
	port->link->conf.received(port->link->conf.context, port->number, from.sin6_addr.s6_addr,
				  berth_bytes_of(bytes, (size_t)n));
	return true;
}

static void
on_readable(void *context)
{
	struct port *port = context;
	for (int i = 0; i < READ_AT_ONCE && port->listen_fd >= 0 && receive(port); i++) {
	}
}

/* ---- opening ---- */

static int
open_socket(const struct port *port)
{
	int one = 1;
	const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -1;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, port->name,
		       (socklen_t)strlen(port->name) + 1) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one))) {
		close(fd);
		return -1;
	}
	return fd;
}

static unsigned
index_of(int fd, const char *name)
{
	struct ifreq request = {0};
	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(fd, SIOCGIFINDEX, &request) ? 0 : (unsigned)request.ifr_ifindex;
}

static bool
join(struct port *port, int fd)
{
	int one = 1;
	const struct ipv6_mreq membership = {.ipv6mr_multiaddr = group,
					     .ipv6mr_interface = port->index};
	const struct sockaddr_in6 at = {.sin6_family = AF_INET6,
					.sin6_port = htons(BERTH_GRASP_PORT)};
	return !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) &&
	       !setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one)) &&
	       !bind(fd, (const struct sockaddr *)&at, sizeof(at)) &&
	       !setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &membership, sizeof(membership));
}

static void
close_port(struct port *port)
{
	if (port->watch) {
		berth_watch_close(port->watch);
	}
	if (port->listen_fd >= 0) {
		close(port->listen_fd);
	}
	if (port->send_fd >= 0) {
		close(port->send_fd);
	}
	port->watch = NULL;
	port->listen_fd = port->send_fd = -1;
	port->is_ready = false;
}

static bool
open_port(struct port *port)
{
	port->send_fd = open_socket(port);
	port->index = port->send_fd >= 0 ? index_of(port->send_fd, port->name) : 0;
	if (!port->index) {
		close_port(port);
		return false;
	}
	if (!port->link->conf.listens) {
		return true;
	}
	port->listen_fd = open_socket(port);
	if (port->listen_fd < 0 || !join(port, port->listen_fd) ||
	    berth_watch_open(port->link->loop, port->listen_fd, on_readable, port, &port->watch)) {
		close_port(port);
		return false;
	}
	return true;
}

/* The kernel chooses the source as it would for a datagram; false while there is none to choose. */
static bool
own_address(struct port *port, uint8_t ret[16])
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6,
				  .sin6_port = htons(BERTH_GRASP_PORT),
				  .sin6_addr = group,
				  .sin6_scope_id = port->index};
	struct sockaddr_in6 own = {0};
	socklen_t n = sizeof(own);
	if (port->send_fd < 0 || connect(port->send_fd, (struct sockaddr *)&to, sizeof(to)) ||
	    getsockname(port->send_fd, (struct sockaddr *)&own, &n) ||
	    !IN6_IS_ADDR_LINKLOCAL(&own.sin6_addr)) {
		return false;
	}
	memcpy(ret, own.sin6_addr.s6_addr, 16);
	return true;
}

/* Interfaces come and go, and an address is usable only once nobody else has claimed it. */
static void
on_look(void *context)
{
	struct berth_grasp_link *link = context;
	uint8_t address[16];
	for (unsigned i = 0; i < link->conf.interface_count; i++) {
		struct port *port = &link->ports[i];
		if (port->send_fd >= 0 && index_of(port->send_fd, port->name) != port->index) {
			close_port(port);
		}
		if (port->send_fd < 0 && !open_port(port)) {
			continue;
		}
		const bool was_ready = port->is_ready;
		port->is_ready = own_address(port, address);
		if (port->is_ready && !was_ready) {
			link->conf.ready(link->conf.context, i);
		}
	}
	berth_timer_start(link->look, LOOK_MS);
}

enum berth_err
berth_grasp_link_open(struct berth_loop *loop, const struct berth_grasp_link_conf *conf,
		      struct berth_grasp_link **ret, struct berth_why *why)
{
	if (conf->interface_count > BERTH_GRASP_INTERFACES_MAX) {
		return berth_fail(why, BERTH_E_LIMIT, "grasp-interfaces", NULL,
				  "GRASP on at most %d interfaces", BERTH_GRASP_INTERFACES_MAX);
	}
	struct berth_grasp_link *link = calloc(1, sizeof(*link));
	if (!link) {
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	}
	link->loop = loop;
	link->conf = *conf;
	if (getrandom(&link->seed, sizeof(link->seed), 0) != sizeof(link->seed) ||
	    berth_timer_open(loop, on_look, link, &link->look)) {
		free(link);
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	}
	for (unsigned i = 0; i < conf->interface_count; i++) {
		link->ports[i] = (struct port){.link = link,
					       .number = i,
					       .name = conf->interfaces[i],
					       .listen_fd = -1,
					       .send_fd = -1};
		berth_ignore(open_port(&link->ports[i]), "looked for again");
	}
	berth_timer_start(link->look, 0);
	*ret = link;
	return BERTH_OK;
}

void
berth_grasp_link_close(struct berth_grasp_link *link)
{
	if (!link) {
		return;
	}
	for (unsigned i = 0; i < link->conf.interface_count; i++) {
		close_port(&link->ports[i]);
	}
	berth_timer_close(link->look);
	free(link);
}

enum berth_err
berth_grasp_link_address(struct berth_grasp_link *link, unsigned number, uint8_t ret[16],
			 struct berth_why *why)
{
	struct port *port = &link->ports[number];
	port->is_ready = own_address(port, ret);
	return port->is_ready
		       ? BERTH_OK
		       : berth_fail(why, BERTH_E_NOT_FOUND, "grasp-no-address", NULL,
				    "%s has no link-local address to announce yet", port->name);
}

enum berth_err
berth_grasp_link_send(struct berth_grasp_link *link, unsigned number, struct berth_bytes message,
		      struct berth_why *why)
{
	struct port *port = &link->ports[number];
	if (send(port->send_fd, message.p, message.n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		return berth_fail(why, BERTH_E_IO, "grasp-send", NULL, "%s: %s", port->name,
				  strerror(errno));
	}
	return BERTH_OK;
}

const char *
berth_grasp_link_text(const struct berth_grasp_link *link, unsigned number,
		      const uint8_t address[16], char *text, size_t n)
{
	struct in6_addr a;
	char number_text[INET6_ADDRSTRLEN] = "";
	memcpy(&a, address, sizeof(a));
	(void)inet_ntop(AF_INET6, &a, number_text, sizeof(number_text));
	const bool is_scoped = IN6_IS_ADDR_LINKLOCAL(&a);
	(void)snprintf(text, n, "%s%s%s", number_text, is_scoped ? "%" : "",
		       is_scoped ? link->ports[number].name : "");
	return text;
}

uint64_t
berth_grasp_link_dropped(struct berth_grasp_link *link)
{
	const uint64_t dropped = link->dropped;
	link->dropped = 0;
	return dropped;
}
