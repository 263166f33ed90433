/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a MASA judged a moment ago. The audit log is asked for with the bytes that the voucher was asked for (RFC 8995 5.8.1),
 * and a moment later as a rule: what those bytes are, who signed them and by which path need not be found out again. Kept
 * is what was read, never a decision: owner, revocation, age and the TLS client are judged each time.
 */
#ifndef BERTH_PROTOCOL_MASA_MEMORY_H
#define BERTH_PROTOCOL_MASA_MEMORY_H

#include "protocol/brski/masa.h"

#define BERTH_MASA_MEMORY_KEPT 64 /* about 4 KiB each */
#define BERTH_MASA_MEMORY_MS                                                                       \
	((int64_t)10000) /* a device needs one to two seconds between the two */

struct berth_masa_memory {
	struct berth_masa_judged {
		bool is_used;
		uint8_t digest[BERTH_SHA256_BYTES]; /* of the request */
		struct berth_mono at;
		struct berth_wall created_on;
		struct berth_masa_unit_query query; /* its texts follow */
		uint8_t serial_number[BERTH_VOUCHER_SERIAL_MAX];
		uint8_t issuer_key_id[BERTH_MASA_ISSUER_KEY_ID_MAX];
		uint8_t domain_id[32];
		size_t domain_id_length;
		uint8_t owner_digest[BERTH_SHA256_BYTES];
		struct berth_cert_list path;
	} judged[BERTH_MASA_MEMORY_KEPT];
};

void berth_masa_memory_end(struct berth_masa_memory *memory);
/* After all checks of the request's own, before any decision. Without room it keeps nothing. */
void berth_masa_remember(struct berth_masa_memory *memory, const struct berth_masa *masa);
/* NULL: not judged lately, or a certificate has expired since. Until the next berth_masa_remember. */
const struct berth_masa_judged *berth_masa_recall(const struct berth_masa_memory *memory,
						  const struct berth_masa *masa);

#endif
