/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of Wi-Fi Easy Connect (DPP), as they are on TCP behind their length, and on the air behind the category octet 4:
 *
 *	09 | 50 6f 9a 1a 01 type | attributes				a public action frame
 *	0a | dialog | advertisement | n u16 | attributes		GAS: configuration request
 *	0b | dialog | status u16 | delay u16 | advertisement | n u16 | attributes	and its response
 *	0c | dialog							GAS: comeback, request
 *	0d | dialog | status u16 | fragment u8 | delay u16 | advertisement | n u16 | attributes
 *
 * (GAS: IEEE Std 802.11 9.6.7.12 to 9.6.7.15, numbers little endian; the advertisement is the vendor's of DPP.) A response
 * without attributes says when to ask again; delay is in units of 1024 us. The attributes of what was parsed are checked
 * (codec/dpp_attribute.h).
 */
#ifndef BERTH_CODEC_DPP_FRAME_H
#define BERTH_CODEC_DPP_FRAME_H

#include "codec/dpp_attribute.h"

#define BERTH_DPP_PORT 8908
#define BERTH_DPP_BODY_MAX_BYTES 65535 /* larger ones other implementations drop */

enum berth_dpp_frame_type {
	BERTH_DPP_AUTHENTICATION_REQUEST = 0,
	BERTH_DPP_AUTHENTICATION_RESPONSE = 1,
	BERTH_DPP_AUTHENTICATION_CONFIRM = 2,
	BERTH_DPP_PEER_DISCOVERY_REQUEST = 5,
	BERTH_DPP_PEER_DISCOVERY_RESPONSE = 6,
	BERTH_DPP_PKEX_V1_EXCHANGE_REQUEST = 7,
	BERTH_DPP_PKEX_EXCHANGE_RESPONSE = 8,
	BERTH_DPP_PKEX_COMMIT_REVEAL_REQUEST = 9,
	BERTH_DPP_PKEX_COMMIT_REVEAL_RESPONSE = 10,
	BERTH_DPP_CONFIGURATION_RESULT = 11,
	BERTH_DPP_CONNECTION_STATUS_RESULT = 12,
	BERTH_DPP_PRESENCE_ANNOUNCEMENT = 13,
	BERTH_DPP_RECONFIG_ANNOUNCEMENT = 14,
	BERTH_DPP_RECONFIG_AUTHENTICATION_REQUEST = 15,
	BERTH_DPP_RECONFIG_AUTHENTICATION_RESPONSE = 16,
	BERTH_DPP_RECONFIG_AUTHENTICATION_CONFIRM = 17,
	BERTH_DPP_PKEX_EXCHANGE_REQUEST = 18,
	BERTH_DPP_FRAME_TYPES =
		24 /* reserved ones among them; the parser leaves these to the machines */
};

enum berth_dpp_frame_kind {
	BERTH_DPP_FRAME_ACTION = 0x09,
	BERTH_DPP_FRAME_GAS_REQUEST = 0x0a,
	BERTH_DPP_FRAME_GAS_RESPONSE = 0x0b,
	BERTH_DPP_FRAME_COMEBACK_REQUEST = 0x0c,
	BERTH_DPP_FRAME_COMEBACK_RESPONSE = 0x0d,
};

#define BERTH_DPP_HEADER_BYTES 6 /* 50 6f 9a 1a 01 type: authenticated with Wrapped Data */

struct berth_dpp_frame {
	enum berth_dpp_frame_kind kind;
	uint8_t type;		   /* ACTION */
	struct berth_bytes header; /* ACTION: the octets from OUI to type */
	uint8_t dialog;		   /* GAS */
	uint16_t status;	   /* GAS responses: 0 is success */
	uint8_t fragment; /* COMEBACK_RESPONSE: its number, and in the top bit that more follow */
	uint16_t delay;	  /* GAS responses, in units of 1024 us; 0: here it is */
	struct berth_bytes attributes; /* checked; borrowed from the body */
	/* six octets of the sender's radio, from whoever received it; the parser leaves NULL: there is none */
	const uint8_t *from;
};

/* body: from the action octet. SYNTAX, UNSUPPORTED (another OUI, crypto suite or kind of frame). */
enum berth_err berth_dpp_frame_parse(struct berth_bytes body, struct berth_dpp_frame *ret,
				     struct berth_why *why) BERTH_MUST;

/* Appends a whole body. frame->header is not asked for. */
enum berth_err berth_dpp_frame_build(const struct berth_dpp_frame *frame,
				     struct berth_buf *body) BERTH_MUST;
/* The six octets that are authenticated: of a frame that is not written yet. */
void berth_dpp_frame_header(enum berth_dpp_frame_type type, uint8_t header[BERTH_DPP_HEADER_BYTES]);

#endif
