/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one GRASP message that BRSKI's discovery needs (RFC 8990 2.8.11, RFC 8995 4.1.1 and 4.3): M_FLOOD with the objectives
 * AN_Proxy and AN_join_registrar. Nothing in it is authenticated: it says where somebody claims to listen, never whom to
 * trust. Objectives that are not ours, or that we cannot use, are passed over; a message that breaks the form is refused.
 */
#ifndef BERTH_PROTOCOL_GRASP_FLOOD_H
#define BERTH_PROTOCOL_GRASP_FLOOD_H

#include "base/bytes.h"

#define BERTH_GRASP_MESSAGE_MAX 2048 /* RFC 8990 2.6: GRASP_DEF_MAX_SIZE */
#define BERTH_GRASP_OFFERS_MAX 8     /* in one message; a node has one proxy and one registrar */
#define BERTH_GRASP_ADDRESS_BYTES 16
#define BERTH_GRASP_VALUE_MAX 32 /* with NUL; "EST-TLS" is the longest that we speak */

enum berth_grasp_name {
	BERTH_GRASP_AN_PROXY,
	BERTH_GRASP_AN_JOIN_REGISTRAR,
};

/* One objective with its locator: a TCP port of an IPv6 address. */
struct berth_grasp_offer {
	enum berth_grasp_name name;
	char value[BERTH_GRASP_VALUE_MAX]; /* "" or "EST-TLS": RFC 8995 as it stands */
	uint8_t loop_count;
	uint8_t address[BERTH_GRASP_ADDRESS_BYTES];
	uint16_t port;
};

struct berth_grasp_flood {
	uint32_t session;
	uint8_t initiator[BERTH_GRASP_ADDRESS_BYTES]; /* an IPv4 one is mapped */
	uint32_t ttl_ms;			      /* 0: for ever */
	size_t n;
	struct berth_grasp_offer at[BERTH_GRASP_OFFERS_MAX];
	size_t passed_over;		  /* objectives of others, and ours that we cannot use */
	struct berth_why passed_over_why; /* the last of ours */
};

/* "AN_Proxy", "AN_join_registrar". */
const char *berth_grasp_name_text(enum berth_grasp_name name);
/* RFC 8995 4.1.1 and 4.3: how far the flood of each may go. */
uint8_t berth_grasp_loop_count(enum berth_grasp_name name);

enum berth_err berth_grasp_flood_encode(const struct berth_grasp_flood *flood,
					struct berth_buf *ret) BERTH_MUST;
/* BERTH_E_UNSUPPORTED: another GRASP message. */
enum berth_err berth_grasp_flood_decode(struct berth_bytes message, struct berth_grasp_flood *ret,
					struct berth_why *why) BERTH_MUST;

#endif
