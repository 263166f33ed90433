/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SHA2, HMAC (RFC 2104), HKDF (RFC 5869) and PBKDF2 by the length of the hash: 32, 48 or 64 bytes, as DPP names them by its
 * curves. All outputs are of that length, but for expand.
 */
#ifndef BERTH_PKI_HKDF_H
#define BERTH_PKI_HKDF_H

#include "base/secret.h"
#include "pki/pki.h"

#define BERTH_HASH_MAX 64

/* Of all parts in order. CRYPTO. */
enum berth_err berth_hash(struct berth_pki *pki, size_t hash_bytes, const struct berth_bytes *parts,
			  size_t n, uint8_t ret[BERTH_HASH_MAX]) BERTH_MUST;
enum berth_err berth_hmac(struct berth_pki *pki, size_t hash_bytes, struct berth_bytes key,
			  const struct berth_bytes *parts, size_t n,
			  uint8_t ret[BERTH_HASH_MAX]) BERTH_MUST;
/* An empty salt is hash_bytes of zero (RFC 5869 2.2). *ret is written on success only. */
enum berth_err berth_hkdf_extract(struct berth_pki *pki, size_t hash_bytes, struct berth_bytes salt,
				  const struct berth_bytes *secret_parts, size_t n,
				  struct berth_secret *ret) BERTH_MUST;
/* bytes: at most 255 hashes. */
enum berth_err berth_hkdf_expand(struct berth_pki *pki, size_t hash_bytes,
				 const struct berth_secret *key, struct berth_bytes info,
				 size_t bytes, struct berth_secret *ret) BERTH_MUST;
/* PBKDF2 (RFC 8018 5.2) with HMAC of that hash, as long as the hash. */
enum berth_err berth_pbkdf2(struct berth_pki *pki, size_t hash_bytes,
			    const struct berth_secret *password, struct berth_bytes salt,
			    unsigned iterations, struct berth_secret *ret) BERTH_MUST;
/* Extract and expand, without a salt. */
enum berth_err berth_hkdf(struct berth_pki *pki, size_t hash_bytes, struct berth_bytes secret,
			  struct berth_bytes info, struct berth_secret *ret) BERTH_MUST;

#endif
