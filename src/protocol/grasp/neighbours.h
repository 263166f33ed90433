/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is announced by GRASP on the links of this node, as a pure machine: datagrams in, "appeared" and "vanished" out.
 * An instance that knows no neighbour's key (RFC 8990 2.5.2, DULL): only link-local sources, nothing is relayed. What
 * strangers can make it keep is bounded for each source, each interface and in all, and in time whatever they say.
 *
 *	berth_grasp_neighbours_input(&n, now, &datagram, &why)
 *	while (berth_grasp_neighbours_event(&n, &event)) ...
 *	sleep until berth_grasp_neighbours_deadline(&n), then berth_grasp_neighbours_tick(&n, now)
 */
#ifndef BERTH_PROTOCOL_GRASP_NEIGHBOURS_H
#define BERTH_PROTOCOL_GRASP_NEIGHBOURS_H

#include "base/time.h"
#include "protocol/grasp/flood.h"

#define BERTH_GRASP_NEIGHBOURS_MAX 64		/* of all interfaces */
#define BERTH_GRASP_NEIGHBOURS_INTERFACE_MAX 16 /* a link with more is being flooded */
#define BERTH_GRASP_NEIGHBOURS_SOURCE_MAX 4	/* ports of one address; one is usual */
#define BERTH_GRASP_TTL_MAX_MS 600000 /* RFC 8995: 180 s; who says more is not believed longer */
#define BERTH_GRASP_SESSIONS_KEPT 4 /* of one neighbour, so that a repeated datagram does nothing */

struct berth_grasp_neighbour {
	unsigned interface; /* the shell's number for it */
	struct berth_grasp_offer offer;
};

struct berth_grasp_datagram {
	unsigned interface;
	const uint8_t *source; /* BERTH_GRASP_ADDRESS_BYTES */
	struct berth_bytes message;
};

/* For the machine. */
struct berth_grasp_known {
	bool is_used;
	bool is_news; /* appeared or changed, and not told yet */
	bool is_gone; /* to be told, then forgotten */
	bool is_told; /* somebody knows of it */
	struct berth_grasp_neighbour neighbour;
	uint8_t source[BERTH_GRASP_ADDRESS_BYTES];
	struct berth_mono expires;
	uint32_t sessions[BERTH_GRASP_SESSIONS_KEPT];
	size_t session_count;
};

struct berth_grasp_neighbours {
	enum berth_grasp_name wanted;
	bool accepts_unique_local; /* registrars behind a routed network say fc00::/7 */
	struct berth_grasp_known known[BERTH_GRASP_NEIGHBOURS_MAX];
};

void berth_grasp_neighbours_start(struct berth_grasp_neighbours *n, enum berth_grasp_name wanted,
				  bool accepts_unique_local);
/* Nothing usable in it: the reason, for the log; a datagram for nobody here is BERTH_E_NOT_FOUND. */
enum berth_err berth_grasp_neighbours_input(struct berth_grasp_neighbours *n, struct berth_now now,
					    const struct berth_grasp_datagram *datagram,
					    struct berth_why *why) BERTH_MUST;
void berth_grasp_neighbours_tick(struct berth_grasp_neighbours *n, struct berth_now now);
struct berth_mono berth_grasp_neighbours_deadline(const struct berth_grasp_neighbours *n);

struct berth_grasp_event {
	bool is_there; /* else it vanished */
	struct berth_grasp_neighbour neighbour;
};
bool berth_grasp_neighbours_event(struct berth_grasp_neighbours *n, struct berth_grasp_event *ret);

#endif
