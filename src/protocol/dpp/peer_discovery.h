/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two frames of Network Introduction (DPP 6.6.1): a station shows its Connector, and the access point answers with its own, or
 * says why not. What they open is protocol/dpp/introduction.h's.
 *
 *	request		transaction, Connector, version (from version 2 on)
 *	response	transaction, status, Connector where the status is OK, version
 */
#ifndef BERTH_PROTOCOL_DPP_PEER_DISCOVERY_H
#define BERTH_PROTOCOL_DPP_PEER_DISCOVERY_H

#include "codec/dpp_frame.h"

struct berth_dpp_peer_discovery {
	uint8_t transaction;
	uint8_t status;		      /* enum berth_dpp_status; of a response */
	struct berth_bytes connector; /* borrowed; empty in a response that refuses */
	uint8_t version;	      /* 0: it says none, which means 1 */
};

/* Appends a whole body. */
enum berth_err berth_dpp_peer_discovery_request(const struct berth_dpp_peer_discovery *discovery,
						struct berth_buf *body) BERTH_MUST;
enum berth_err berth_dpp_peer_discovery_response(const struct berth_dpp_peer_discovery *discovery,
						 struct berth_buf *body) BERTH_MUST;
/* SYNTAX dpp-attribute-missing, dpp-attribute-length, dpp-version; STATE dpp-frame-unexpected. */
enum berth_err berth_dpp_peer_discovery_parse_request(const struct berth_dpp_frame *frame,
						      struct berth_dpp_peer_discovery *ret,
						      struct berth_why *why) BERTH_MUST;
/* MISMATCH dpp-transaction: the answer to another request than that one. */
enum berth_err berth_dpp_peer_discovery_parse_response(const struct berth_dpp_frame *frame,
						       uint8_t transaction,
						       struct berth_dpp_peer_discovery *ret,
						       struct berth_why *why) BERTH_MUST;

#endif
