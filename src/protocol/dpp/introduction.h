/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network Introduction (DPP 6.6): what two devices with Connectors of one Configurator share. Access points and stations do it
 * themselves; here it is for tests and for whoever checks what a Connector opens.
 */
#ifndef BERTH_PROTOCOL_DPP_INTRODUCTION_H
#define BERTH_PROTOCOL_DPP_INTRODUCTION_H

#include "codec/dpp_attribute.h"
#include "protocol/dpp/connector.h"

#define BERTH_DPP_PMKID_BYTES 16

struct berth_dpp_introduced {
	struct berth_secret pmk; /* owned */
	uint8_t pmkid[BERTH_DPP_PMKID_BYTES];
	struct berth_wall end; /* the earlier of both Connectors' */
};

/*
 * DPP 6.6.1: the other's Connector must be signed by our C-sign key, not ended, of a matching group and curve; and where it names
 * a version, it must be the one that the frame says (0: the frame says none). *status (may be NULL): what the other is told.
 * scalar: of our own netAccessKey.
 */
enum berth_err berth_dpp_introduce(struct berth_pki *pki, const struct berth_ec_point *c_sign,
				   const struct berth_dpp_connector *own,
				   const struct berth_secret *scalar, struct berth_bytes other,
				   uint8_t frame_version, struct berth_wall now,
				   struct berth_dpp_introduced *ret, enum berth_dpp_status *status,
				   struct berth_why *why) BERTH_MUST;

#endif
