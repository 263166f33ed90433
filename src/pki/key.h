/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A key: public, or a handle whose private part stays in a keystore (pki/keystore/keystore.h).
 * There is no function that returns a private key's bytes.
 */
#ifndef BERTH_PKI_KEY_H
#define BERTH_PKI_KEY_H

#include "base/secret.h"
#include "pki/pki.h"

struct berth_key;

#define BERTH_SPKI_MAX_BYTES 1024 /* RSA-4096 takes 550 */
#define BERTH_KEY_ID_BYTES 20

/* DER SubjectPublicKeyInfo, all of it. EC P-256/P-384/P-521 and RSA 2048..4096 only. */
enum berth_err berth_key_parse_spki(struct berth_pki *pki, struct berth_bytes der,
				    struct berth_key **ret, struct berth_why *why) BERTH_MUST;
struct berth_key *berth_key_ref(struct berth_key *key);
void berth_key_free(struct berth_key *key);
void berth_key_freep(struct berth_key **key);
#define BERTH_KEY BERTH_CLEANUP(berth_key_freep) struct berth_key

/* DER SubjectPublicKeyInfo; borrowed from the key. */
struct berth_bytes berth_key_spki(const struct berth_key *key);
bool berth_key_equal(const struct berth_key *a, const struct berth_key *b);
bool berth_key_has_private(const struct berth_key *key);
/* RFC 5280 4.2.1.2 method 1: SHA-1 of the subjectPublicKey BIT STRING's value. */
void berth_key_id(const struct berth_key *key, uint8_t id[BERTH_KEY_ID_BYTES]);
/* "P-256", "P-384", "P-521", "RSA-2048" ... static storage. */
const char *berth_key_kind(const struct berth_key *key);
/* Raw signature over message: ECDSA (DER) or RSA PKCS#1 1.5, SHA-256 (SHA-384 with P-384, 512 with P-521). */
enum berth_err berth_key_sign(struct berth_key *key, struct berth_bytes message,
			      struct berth_buf *signature, struct berth_why *why) BERTH_MUST;
enum berth_err berth_key_verify(struct berth_key *key, struct berth_bytes message,
				struct berth_bytes signature, struct berth_why *why) BERTH_MUST;
/*
 * ECDH with another's public key on the same curve (NIST SP 800-56A 5.7.1.2): the x coordinate, in the curve's length. The
 * peer's point is checked to be on the curve before the private key sees it. UNSUPPORTED: the keystore cannot.
 */
enum berth_err berth_key_derive(struct berth_key *key, struct berth_key *peer,
				struct berth_secret *secret, struct berth_why *why) BERTH_MUST;

#endif
