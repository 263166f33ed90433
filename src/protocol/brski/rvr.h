/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registrar's voucher-request (RFC 8995 5.5, updated by 8366bis): what the judge builds from a pledge's request, and what the
 * signer checks again before it lends the registrar's key.
 */
#ifndef BERTH_PROTOCOL_BRSKI_RVR_H
#define BERTH_PROTOCOL_BRSKI_RVR_H

#include "model/device.h"
#include "protocol/brski/manufacturer.h"
#include "protocol/voucher/voucher_cms.h"

#define BERTH_RVR_CLOCK_SKEW_S 300 /* between judge and signer: one machine, but a frame may wait */

struct berth_rvr_source {
	const struct berth_voucher *pvr;
	struct berth_bytes pvr_der;	  /* as received; becomes prior-signed-voucher-request */
	const struct berth_cert *idevid;  /* of the TLS connection */
	struct berth_bytes serial_number; /* from that certificate, never from the request */
	enum berth_issuer_form issuer_form;
	struct berth_wall now;
};

/* Fields only; views in *ret borrow from source and arena. */
enum berth_err berth_rvr_fields(const struct berth_rvr_source *source, struct berth_arena *arena,
				struct berth_voucher *ret, struct berth_why *why) BERTH_MUST;
/*
 * The idevid-issuer in the form wanted. 8366bis: the AKI's extnValue content; where there is no AKI, one made of the
 * key's SHA-1. Empty for BERTH_ISSUER_NONE.
 */
enum berth_err berth_rvr_idevid_issuer(const struct berth_cert *idevid, enum berth_issuer_form form,
				       struct berth_arena *arena, struct berth_bytes *ret,
				       struct berth_why *why) BERTH_MUST;
/*
 * For the signer: json is a registrar voucher-request made now, and the request inside it says to be a pledge's, with the same
 * serial number, nonce and assertion; who signed it is for those to ask who know manufacturers. With
 * allow_nonceless also one that asks ahead (RFC 8995 5.5.6): it names the device and holds neither nonce nor request.
 */
enum berth_err berth_rvr_check(struct berth_bytes json, bool allow_nonceless, struct berth_wall now,
			       struct berth_arena *arena, struct berth_voucher *ret,
			       struct berth_why *why) BERTH_MUST;

/* A request made ahead, for a voucher that is kept: device by its identity. Views borrow from arena and identity. */
enum berth_err berth_rvr_ahead(const struct berth_device_identity *identity, struct berth_wall now,
			       struct berth_arena *arena, struct berth_voucher *ret,
			       struct berth_why *why) BERTH_MUST;

#endif
