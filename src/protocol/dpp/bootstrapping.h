/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A DPP bootstrapping key and what it is known by (DPP 5.2): the hash of its SubjectPublicKeyInfo as it was given, and
 * another of that with a word before it, which a device may say aloud without showing which key it has ("chirp hash").
 */
#ifndef BERTH_PROTOCOL_DPP_BOOTSTRAPPING_H
#define BERTH_PROTOCOL_DPP_BOOTSTRAPPING_H

#include "pki/ec.h"

#define BERTH_DPP_KEY_HASH_BYTES 32 /* SHA-256 with every curve */

struct berth_dpp_bootstrapping {
	struct berth_ec_point point;
	uint8_t hash[BERTH_DPP_KEY_HASH_BYTES];
	uint8_t chirp[BERTH_DPP_KEY_HASH_BYTES];
};

/* spki: DER, compressed as a rule; hashed as it is. SYNTAX, UNSUPPORTED as berth_ec_parse_spki. */
enum berth_err berth_dpp_bootstrapping_parse(struct berth_pki *pki, struct berth_bytes spki,
					     struct berth_dpp_bootstrapping *ret,
					     struct berth_why *why) BERTH_MUST;
/* Of a point that one has oneself: its compressed form is hashed. */
enum berth_err berth_dpp_bootstrapping_of(struct berth_pki *pki, const struct berth_ec_point *point,
					  struct berth_dpp_bootstrapping *ret,
					  struct berth_why *why) BERTH_MUST;

#endif
