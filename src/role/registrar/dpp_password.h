/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Passwords of networks that devices join by SAE or PSK. Read once, at start, from the files that the policy names; nothing of
 * them is in the store. A password of one device alone is made from the file's octets and the hash of the device's
 * bootstrapping key, so it is the same whenever it is asked for, and there is nothing to keep:
 *
 *	first 20 characters of base64url(HMAC-SHA-256(file, "berth dpp password" | key hash))	120 bits
 */
#ifndef BERTH_ROLE_REGISTRAR_DPP_PASSWORD_H
#define BERTH_ROLE_REGISTRAR_DPP_PASSWORD_H

#include "base/secret.h"
#include "pki/pki.h"
#include "policy/policy.h"

#define BERTH_DPP_PASSWORD_MIN 8  /* IEEE Std 802.11 J.4.1 */
#define BERTH_DPP_PASSWORD_MAX 63 /* likewise */
#define BERTH_DPP_PASSWORD_SEED_MIN                                                                \
	16 /* octets of a file that passwords are made from: not to be guessed */
#define BERTH_DPP_PASSWORD_FILE_MAX 1024
#define BERTH_DPP_PASSWORD_CHARS 20

struct berth_dpp_password_file {
	const char *path; /* the policy's */
	struct berth_secret octets;
};

struct berth_dpp_passwords {
	struct berth_dpp_password_file files[BERTH_POLICY_RULES_MAX];
	size_t count;
};

/* All files of the policy, which must outlive ret. USAGE dpp-password-file: one is too short or too long. */
enum berth_err berth_dpp_passwords_load(const struct berth_policy *policy,
					struct berth_dpp_passwords *ret,
					struct berth_why *why) BERTH_MUST;
void berth_dpp_passwords_free(struct berth_dpp_passwords *passwords); /* wipes */

/* NUL-terminated; the caller wipes it. */
struct berth_dpp_password {
	char text[BERTH_DPP_PASSWORD_MAX + 1];
};
/* network: of the policy that was loaded from. USAGE dpp-password: it gives none, or the file holds no proper one. */
enum berth_err berth_dpp_password_of(struct berth_pki *pki,
				     const struct berth_dpp_passwords *passwords,
				     const struct berth_policy_network *network,
				     const uint8_t key_hash[32], struct berth_dpp_password *ret,
				     struct berth_why *why) BERTH_MUST;

#endif
