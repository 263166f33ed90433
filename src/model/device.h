/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device as all parts know it: its birth identity, a name for people, and where it stands in its
 * life.
 *
 * The identity is (manufacturer key, serialNumber), never the serial number alone: two
 * manufacturers may use the same one (checklist 6).
 */
#ifndef BERTH_MODEL_DEVICE_H
#define BERTH_MODEL_DEVICE_H

#include "base/digest.h"

#define BERTH_DEVICE_SERIAL_MAX 128	 /* X520 serialNumber allows 64; fields in use are longer */
#define BERTH_DEVICE_MANUFACTURER_MAX 64 /* a key identifier has 20 bytes, a hash at most 64 */

struct berth_device_identity {
	/* Key identifier of the IDevID's AKI; of an IDevID without one: SHA-256 of the issuing
	 * key's SPKI. Binary. */
	struct berth_bytes manufacturer_key;
	struct berth_bytes
		serial_number; /* text, printable ASCII or UTF-8, no control characters */
};

/* Both parts present, within their limits, the serial number well formed. */
enum berth_err berth_device_identity_check(const struct berth_device_identity *identity,
					   struct berth_why *why) BERTH_MUST;
bool berth_device_identity_equal(const struct berth_device_identity *a,
				 const struct berth_device_identity *b);

#define BERTH_DEVICE_ID_HASH_BYTES 6
#define BERTH_DEVICE_ID_MAX                                                                        \
	64 /* with NUL: 12 hex digits, '-', at most 50 characters of the serial */

/*
 * The name for people and command lines: "3f9a0c11d2e4-CAM-0042". The first part is the start of
 * SHA-256 over both parts of the identity, so the name stays the same everywhere; characters other
 * than letters, digits, '.', '_' and '-' read '_', a long serial is cut. Not a proof of identity:
 * the store keeps both parts.
 */
enum berth_err berth_device_id(const struct berth_device_identity *identity,
			       const struct berth_digest *digest, char id[BERTH_DEVICE_ID_MAX],
			       struct berth_why *why) BERTH_MUST;

enum berth_device_standing {
	BERTH_DEVICE_KNOWN,	  /* seen, or in a purchase manifest; nothing decided */
	BERTH_DEVICE_PENDING,	  /* waits for an operator */
	BERTH_DEVICE_ADMITTED,	  /* allowed: voucher step may run */
	BERTH_DEVICE_ENROLLED,	  /* holds a local certificate */
	BERTH_DEVICE_CONNECTED,	  /* on its segment with it */
	BERTH_DEVICE_IN_SERVICE,  /* application onboarded */
	BERTH_DEVICE_QUARANTINED, /* held apart until a check passes */
	BERTH_DEVICE_REVOKED,	  /* credentials withdrawn, may not come back by itself */
	BERTH_DEVICE_LEFT,	  /* released: sold, reset or scrapped */
};
#define BERTH_DEVICE_STATE_COUNT 9

const char *berth_device_state_name(enum berth_device_standing state); /* "in service" ... */
enum berth_err berth_device_state_parse(struct berth_bytes name, enum berth_device_standing *ret,
					struct berth_why *why) BERTH_MUST;
/* The table of legal transitions; staying is always legal. A revoked or left device comes back only
 * as known. */
bool berth_device_may_move(enum berth_device_standing from, enum berth_device_standing to);
/* BERTH_E_STATE with both names where the table says no. */
enum berth_err berth_device_check_move(enum berth_device_standing from,
				       enum berth_device_standing to,
				       struct berth_why *why) BERTH_MUST;

#endif
