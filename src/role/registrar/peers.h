/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who was seen lately: parsing and path-checking a birth certificate is the dearest thing in an onboarding, and a device sends the
 * same one with each of its requests. Found again by the bytes of the end entity; kept for a minute; only good answers are kept.
 */
#ifndef BERTH_ROLE_REGISTRAR_PEERS_H
#define BERTH_ROLE_REGISTRAR_PEERS_H

#include "protocol/brski/peer.h"
#include "protocol/voucher/voucher.h"

#define BERTH_PEERS_MAX 1024	  /* devices that onboard within one minute */
#define BERTH_PEERS_KEPT_MS 60000 /* then time and anchors are judged anew */

struct berth_seen_peer {
	struct berth_peer peer;
	unsigned references; /* one of the cache's while it is in there, and one per exchange */
	struct berth_mono since;
	struct berth_mono used;
	/* Of the newest voucher this device got while it is here; saves opening the voucher again. */
	int64_t step;
	enum berth_assertion assertion;
	int64_t waiting_step; /* the step that was last told to wait: its trace is kept once */
};

struct berth_peers {
	struct berth_seen_peer *at[BERTH_PEERS_MAX];
};

/* The caller releases *ret. */
enum berth_err berth_peers_find(struct berth_peers *peers, struct berth_pki *pki,
				const struct berth_peer_trust *trust,
				const struct berth_tls_facts *tls, struct berth_now now,
				struct berth_seen_peer **ret, struct berth_why *why) BERTH_MUST;
void berth_peers_release(struct berth_seen_peer *seen);
void berth_peers_end(struct berth_peers *peers);

#endif
