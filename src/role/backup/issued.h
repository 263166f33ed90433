/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of a signer's log (role/daemon/issuance.h), read again to find what a restored store forgot. */
#ifndef BERTH_ROLE_BACKUP_ISSUED_H
#define BERTH_ROLE_BACKUP_ISSUED_H

#include "base/digest.h"
#include "base/time.h"

struct berth_issued {
	struct berth_wall at;
	struct berth_bytes what; /* "ldevid", "voucher" */
	uint8_t sha256[BERTH_DIGEST_BYTES];
	struct berth_bytes subject_hex; /* of the device's serial number */
	struct berth_bytes certificate; /* base64; empty where the line has none */
};

/*
 * The line at the front of *rest, without its end; moves *rest behind it. NOT_FOUND at the end. A last line without an end
 * was being written when the power went: nothing was released for it, so it is the end too.
 */
enum berth_err berth_issued_next(struct berth_bytes *rest, struct berth_bytes *ret_line) BERTH_MUST;
enum berth_err berth_issued_parse(struct berth_bytes line, struct berth_issued *ret,
				  struct berth_why *why) BERTH_MUST;

#endif
