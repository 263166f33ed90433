/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A claim code: what lies in the box, for a buyer whom no sales record names. Who tells it to the MASA first, while
 * nobody owns the unit, becomes its owner. It is used once.
 *
 *	7KQ2M-9XW3H-F0ABC-DEFGH
 *
 * 20 symbols of Crockford's base 32 (no I, L, O, U), read without regard to case, blanks and dashes. 18 are random (90
 * bits: no guess succeeds, online or against a digest), two check the others: a Reed-Solomon code over GF(32) finds every
 * two mistyped symbols and every two that changed places, before anybody is asked.
 *
 * A code is a secret: who holds it wipes it (berth_wipe). Others keep struct berth_claim_digest, salted SHA-256.
 */
#ifndef BERTH_PROTOCOL_OWNERSHIP_CLAIM_CODE_H
#define BERTH_PROTOCOL_OWNERSHIP_CLAIM_CODE_H

#include "base/random.h"
#include "pki/pki.h"

#define BERTH_CLAIM_CODE_SYMBOLS 20
#define BERTH_CLAIM_CODE_TEXT_MAX 24 /* three dashes and a NUL */
#define BERTH_CLAIM_CODE_INPUT_MAX                                                                 \
	64 /* as people type it: a blank after every symbol, a line end */
#define BERTH_CLAIM_SALT_BYTES 16

struct berth_claim_code {
	uint8_t symbols[BERTH_CLAIM_CODE_SYMBOLS]; /* each below 32 */
};
void berth_claim_code_wipe(struct berth_claim_code *code);
#define BERTH_CLAIM_CODE BERTH_CLEANUP(berth_claim_code_wipe) struct berth_claim_code

struct berth_claim_digest {
	uint8_t salt[BERTH_CLAIM_SALT_BYTES];
	uint8_t sha256[BERTH_SHA256_BYTES];
};

void berth_claim_code_draw(const struct berth_random *random, struct berth_claim_code *ret);
/* Says no more of what is wrong than where: the sentence may be logged. */
enum berth_err berth_claim_code_parse(struct berth_bytes text, struct berth_claim_code *ret,
				      struct berth_why *why) BERTH_MUST;
/* With dashes and NUL; the caller wipes text. */
const char *berth_claim_code_text(const struct berth_claim_code *code,
				  char text[BERTH_CLAIM_CODE_TEXT_MAX]);

/* ret->salt is the caller's; fills ret->sha256. */
enum berth_err berth_claim_code_digest(struct berth_pki *pki, const struct berth_claim_code *code,
				       struct berth_claim_digest *ret,
				       struct berth_why *why) BERTH_MUST;
/* In constant time. */
bool berth_claim_code_matches(struct berth_pki *pki, const struct berth_claim_code *code,
			      const struct berth_claim_digest *digest);

#endif
