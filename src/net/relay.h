/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCP circuit relay for the join proxy (RFC 8995 4.1): bytes go through as they are, nothing is assumed about
 * them. Connections go to the targets and to nothing else; without a target they are refused.
 *
 * What a source can do is bounded: connections in total and per source, time to connect, idle time, total time,
 * and minimum progress: a source that trickles (several windows in a row with a few bytes each) is cut. Memory per
 * connection is at most twice BERTH_RELAY_BUFFER_MAX. One side's end of data is passed on while the other still sends.
 */
#ifndef BERTH_NET_RELAY_H
#define BERTH_NET_RELAY_H

#include "base/bytes.h"
#include "net/loop.h"

#define BERTH_RELAY_BUFFER_MAX 65536 /* waiting in one direction; a whole voucher request fits */
#define BERTH_RELAY_TARGETS_MAX 16
#define BERTH_RELAY_ADDRESS_MAX 80 /* with NUL; numeric, "fe80::1%eth0" */
#define BERTH_RELAY_HEAD_BYTES 43  /* of a connection, shown to who asks for it */
#define BERTH_RELAY_TRICKLES_MAX                                                                   \
	3 /* windows in a row without progress; a request may straddle two */

struct berth_relay_target {
	char address[BERTH_RELAY_ADDRESS_MAX];
	uint16_t port;
};

enum berth_relay_end {
	BERTH_RELAY_DONE,	 /* both sides had said all */
	BERTH_RELAY_BROKEN,	 /* one side failed */
	BERTH_RELAY_UNREACHABLE, /* no target took the connection */
	BERTH_RELAY_IDLE,
	BERTH_RELAY_TOTAL,
	BERTH_RELAY_TRICKLE,
	BERTH_RELAY_STOPPED, /* by us */
};
const char *berth_relay_end_name(enum berth_relay_end end); /* "done", "idle" ... */

struct berth_relay_report {
	const char *source; /* numeric address */
	const char *target; /* numeric address and port; "" before one was connected */
	enum berth_relay_end end;
	uint64_t up_bytes; /* source to target */
	uint64_t down_bytes;
	int64_t lasted_ms;
};

struct berth_relay_conf {
	size_t connections_max;
	size_t connections_per_source_max; /* source: an IPv4 address, an IPv6 link-local address or a /64 */
	int64_t connect_timeout_ms; /* per target */
	int64_t idle_timeout_ms;    /* without a byte in either direction */
	int64_t total_timeout_ms;
	int64_t progress_window_ms; /* begins with the first byte after the last window */
	size_t progress_min_bytes;  /* from the source, per window */
	void (*ended)(void *context, const struct berth_relay_report *report);
	/* The first BERTH_RELAY_HEAD_BYTES from a source, once they are there; nothing is changed by it. May be NULL. */
	void (*began)(void *context, struct berth_bytes head);
	/* Refused at once: why says limit-total, limit-source or no target. */
	void (*refused)(void *context, const char *source, const struct berth_why *why);
	void *context;
};

struct berth_relay;

/* fd: a listening socket, owned from here on (also when this fails). */
enum berth_err berth_relay_open(struct berth_loop *loop, const struct berth_relay_conf *conf,
				int fd, struct berth_relay **ret, struct berth_why *why) BERTH_MUST;
void berth_relay_close(
	struct berth_relay *relay); /* NULL is fine; cuts all, no callback after it */
/* Tried in this order for new connections; those that stand go on. USAGE when an address is not numeric. */
enum berth_err berth_relay_set_targets(struct berth_relay *relay,
				       const struct berth_relay_target *targets, size_t n,
				       struct berth_why *why) BERTH_MUST;
/* USAGE when it is not a numeric address with a port. */
enum berth_err berth_relay_target_check(const struct berth_relay_target *target,
					struct berth_why *why) BERTH_MUST;
size_t berth_relay_connections(const struct berth_relay *relay);

#endif
