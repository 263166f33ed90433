/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For pki only: signatures that were verified lately. That this key made this signature over these bytes is a fact
 * for ever, and a verification costs 60 us: the CAs above every device and registrar are verified for each
 * of them, and the MASA sees each voucher-request twice (RFC 8995 5.8: the audit log is asked for with the same bytes).
 *
 * What is kept is the SHA-256 of key, message and signature after the signature held; nothing of time, purpose or trust, which
 * are judged each time, and nothing that failed.
 */
#ifndef BERTH_PKI_PROOF_H
#define BERTH_PKI_PROOF_H

#include "pki/pki.h"

#define BERTH_PROOFS_KEPT 4096 /* 128 KiB: some for each device that is at it */

struct berth_proof {
	uint8_t digest[BERTH_SHA256_BYTES]; /* all zero: none */
};

enum berth_err berth_proof_of(struct berth_pki *pki, const struct berth_bytes *parts, size_t n,
			      struct berth_proof *ret) BERTH_MUST;
bool berth_proof_is_known(struct berth_pki *pki, const struct berth_proof *proof);
void berth_proof_keep(struct berth_pki *pki, const struct berth_proof *proof);

#endif
