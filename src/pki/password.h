/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Passwords as a file may keep them: salted and hashed slowly (scrypt, RFC 7914), in the form
 *
 *	$scrypt$ln=14,r=8,p=1$SALT$HASH		base64 with padding
 *
 * ln is the logarithm of the cost; what is read is bounded, so that a line of the file cannot cost more memory or time
 * than named here.
 */
#ifndef BERTH_PKI_PASSWORD_H
#define BERTH_PKI_PASSWORD_H

#include "pki/pki.h"

#define BERTH_PASSWORD_MAX_BYTES 256
#define BERTH_PASSWORD_MIN_BYTES 8 /* of new ones */
#define BERTH_PASSWORD_TEXT_MAX 128
#define BERTH_PASSWORD_SALT_BYTES 16
#define BERTH_PASSWORD_HASH_BYTES 32
#define BERTH_PASSWORD_COST 14	   /* of new ones: 16 MiB, some 40 ms */
#define BERTH_PASSWORD_COST_MAX 17 /* 128 MiB */

/* A password as it was read from the text. */
struct berth_password {
	unsigned cost;
	uint8_t salt[BERTH_PASSWORD_SALT_BYTES];
	uint8_t hash[BERTH_PASSWORD_HASH_BYTES];
};

enum berth_err berth_password_parse(struct berth_bytes text, struct berth_password *ret,
				    struct berth_why *why) BERTH_MUST;
/* A new one: with a random salt, as text. BERTH_E_USAGE when it is too short or too long. */
enum berth_err berth_password_make(struct berth_pki *pki, struct berth_bytes password,
				   struct berth_buf *text, struct berth_why *why) BERTH_MUST;
/* BERTH_E_UNTRUSTED when it is another one. Takes its time in either case. */
enum berth_err berth_password_check(struct berth_pki *pki, const struct berth_password *known,
				    struct berth_bytes password, struct berth_why *why) BERTH_MUST;

#endif
