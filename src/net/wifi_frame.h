/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Public action frames of IEEE Std 802.11 (9.6.7) as they come off the air, and the elements of a beacon. Whoever is in reach
 * can send either; nothing in them is authenticated. Frames here are without FCS.
 */
#ifndef BERTH_NET_WIFI_FRAME_H
#define BERTH_NET_WIFI_FRAME_H

#include "base/bytes.h"

#define BERTH_WIFI_ADDRESS_BYTES 6
#define BERTH_WIFI_ADDRESS_TEXT_MAX 18
#define BERTH_WIFI_BODY_MAX_BYTES 2304 /* of a management frame, for every kind of radio */

extern const uint8_t berth_wifi_broadcast[BERTH_WIFI_ADDRESS_BYTES];

struct berth_wifi_action {
	uint8_t to[BERTH_WIFI_ADDRESS_BYTES];
	uint8_t from[BERTH_WIFI_ADDRESS_BYTES];
	uint8_t bssid[BERTH_WIFI_ADDRESS_BYTES];
	struct berth_bytes body; /* from the category octet, which is 4: public */
};

/*
 * SYNTAX wifi-frame, LIMIT wifi-frame-length; UNSUPPORTED wifi-frame-kind: not a public action frame, or a protected one,
 * which a radio without an association cannot have.
 */
enum berth_err berth_wifi_action_parse(struct berth_bytes frame, struct berth_wifi_action *ret,
				       struct berth_why *why) BERTH_MUST;
/* Appends. */
enum berth_err berth_wifi_action_build(const struct berth_wifi_action *action,
				       struct berth_buf *frame) BERTH_MUST;

/*
 * Whether a beacon says that a Configurator can be reached through its sender: the vendor element 50 6f 9a 1e (DPP 8.5.2).
 * What cannot be read says nothing.
 */
bool berth_wifi_elements_tell_configurator(struct berth_bytes elements);

/* "02:00:00:00:01:00" */
const char *berth_wifi_address_text(const uint8_t address[BERTH_WIFI_ADDRESS_BYTES],
				    char text[BERTH_WIFI_ADDRESS_TEXT_MAX]);

#endif
