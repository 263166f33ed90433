/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AES-SIV (RFC 5297): the key's length says which: 32, 48 or 64 bytes. What is sealed is the synthetic IV of 16 bytes and
 * then the ciphertext. Every entry of associated data counts, an empty one too, which is not the same as none.
 */
#ifndef BERTH_PKI_SIV_H
#define BERTH_PKI_SIV_H

#include "base/secret.h"
#include "pki/pki.h"

#define BERTH_SIV_IV_BYTES 16

/* Appends. CRYPTO; INTERNAL: a key of another length. */
enum berth_err berth_siv_seal(struct berth_pki *pki, const struct berth_secret *key,
			      const struct berth_bytes *associated, size_t n,
			      struct berth_bytes plain, struct berth_buf *sealed) BERTH_MUST;
/* Appends. SIGNATURE siv: another key or other data, or altered; nothing is appended then. */
enum berth_err berth_siv_open(struct berth_pki *pki, const struct berth_secret *key,
			      const struct berth_bytes *associated, size_t n,
			      struct berth_bytes sealed, struct berth_buf *plain,
			      struct berth_why *why) BERTH_MUST;
/*
 * A known answer with an empty entry: a library that leaves it out (CVE-2023-2975) is refused. CRYPTO siv-self-test. Run by
 * berth_pki_open.
 */
enum berth_err berth_siv_self_test(struct berth_pki *pki, struct berth_why *why) BERTH_MUST;

#endif
