/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process's cryptographic library: one OpenSSL library context with two built-in providers of
 * ours: the narrow decoder (forwards the default provider, but offers only the decoders we need: DER
 * SubjectPublicKeyInfo and PKCS#8 of EC and RSA; design.md 8a) and the keystore (pki/keystore).
 * pki is the only folder that includes <openssl/...>; others hold opaque handles. Handles count
 * references and are not for use by several threads.
 *
 * Refuses OpenSSL before 3.0.10 (CVE-2023-2975).
 */
#ifndef BERTH_PKI_PKI_H
#define BERTH_PKI_PKI_H

#include "base/bytes.h"
#include "base/random.h"
#include "base/time.h"

struct berth_pki;

enum berth_err berth_pki_open(struct berth_pki **ret, struct berth_why *why) BERTH_MUST;
void berth_pki_close(struct berth_pki *pki); /* NULL is fine; after every handle made with it */
void berth_pki_closep(struct berth_pki **pki);

/* SHA-256. */
#define BERTH_SHA256_BYTES 32
enum berth_err berth_sha256(struct berth_pki *pki, struct berth_bytes in,
			    uint8_t digest[BERTH_SHA256_BYTES]) BERTH_MUST;
/* The library's own generator, as a source for machines. */
struct berth_random berth_pki_random(struct berth_pki *pki);

#endif
