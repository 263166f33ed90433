/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a device keeps of its configuration by DPP: the profile, and what it shows a Configurator to get another one (DPP 6.5).
 * All of it is secret, or stands beside what is: STATE/dpp.sealed is sealed with a key that only the device's bootstrapping
 * key opens, so that a copy of the disk without the TPM or token is worth nothing.
 *
 *	"BDPP" 1 | one-time public key (SPKI) | AES-SIV, with a key from ECDH of the one-time and the bootstrapping key
 */
#ifndef BERTH_ROLE_DEVICE_DPP_KEPT_H
#define BERTH_ROLE_DEVICE_DPP_KEPT_H

#include "protocol/dpp/enrollee.h"
#include "role/device/wifi_profile.h"

#define BERTH_DPP_KEPT_MAX_BYTES (BERTH_WIFI_PROFILE_MAX_BYTES + 16384)

struct berth_dpp_kept {
	struct berth_buf profile;  /* secret */
	struct berth_buf key_path; /* of an enterprise network's key; empty: none */
	/* Of the first object with a Connector. Without: none can be had but from the start. */
	struct berth_buf connector;
	struct berth_ec_point net_access_key;
	struct berth_secret scalar;
	struct berth_ec_point c_sign;
	bool has_pp_key;
	struct berth_ec_point pp_key, e_id; /* e_id: by which its Configurator knows it again */
	struct berth_wall expiry;	    /* of the Connector; BERTH_WALL_NO_EXPIRY: none */
};
void berth_dpp_kept_free(struct berth_dpp_kept *kept); /* wipes; {0} is fine */
#define BERTH_DPP_KEPT BERTH_CLEANUP(berth_dpp_kept_free) struct berth_dpp_kept

/* Of an offer, with its profile (mhz as there) and a new e_id. *ret is empty before. */
enum berth_err berth_dpp_kept_make(struct berth_pki *pki, const struct berth_random *random,
				   const struct berth_dpp_offer *offer,
				   const struct berth_wifi_certificate *certificate, uint32_t mhz,
				   struct berth_dpp_kept *ret, struct berth_why *why) BERTH_MUST;
/* A reconfiguration needs them. */
static inline bool
berth_dpp_kept_can_reconfigure(const struct berth_dpp_kept *kept)
{
	return kept->connector.n > 0 && kept->has_pp_key;
}

/* own: the bootstrapping key's public point. Appends. */
enum berth_err berth_dpp_kept_seal(struct berth_pki *pki, const struct berth_random *random,
				   const struct berth_ec_point *own,
				   const struct berth_dpp_kept *kept, struct berth_buf *sealed,
				   struct berth_why *why) BERTH_MUST;
/* SYNTAX dpp-kept, SIGNATURE siv: not ours, or altered. *ret is empty before. */
enum berth_err berth_dpp_kept_open(struct berth_pki *pki, struct berth_key *key,
				   struct berth_bytes sealed, struct berth_dpp_kept *ret,
				   struct berth_why *why) BERTH_MUST;
/* What is inside the seal, alone: all of plain. For berth_dpp_kept_open and fuzzing. */
enum berth_err berth_dpp_kept_parse(struct berth_pki *pki, struct berth_bytes plain,
				    struct berth_dpp_kept *ret, struct berth_why *why) BERTH_MUST;

#endif
