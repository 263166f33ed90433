/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two sides of DPP in one process: scalars and nonces as published vectors have them, and private bootstrapping keys that
 * answer for the keystore.
 */
#ifndef BERTH_TESTS_DPP_FIXTURE_H
#define BERTH_TESTS_DPP_FIXTURE_H

#include "protocol/dpp/authentication.h"

/* Gives the bytes of a script, then those of a generator with this seed. */
struct dpp_random {
	uint8_t script[512];
	size_t n, at;
	uint64_t seed;
};
struct berth_random dpp_random_source(struct dpp_random *random);
void dpp_random_add(struct dpp_random *random, const char *hex);

struct dpp_key {
	struct berth_secret scalar;
	struct berth_dpp_bootstrapping bootstrapping;
};
void dpp_key_make(struct berth_pki *pki, enum berth_ec_curve curve, struct dpp_random *random,
		  struct dpp_key *ret);
void dpp_key_of(struct berth_pki *pki, enum berth_ec_curve curve, const char *scalar_hex,
		struct dpp_key *ret);
void dpp_key_free(struct dpp_key *key);

/*
 * Runs both until neither moves. Events of a kind other than MULTIPLY are kept, the newest, in *ret_events; NULL: that side is not
 * there. frames: every body that passed, each behind its length (u16, big endian); may be NULL.
 */
struct dpp_sides {
	struct berth_pki *pki;
	struct berth_dpp_auth *auth[2]; /* initiator, responder */
	struct dpp_key key[2];
	struct berth_dpp_auth_event event[2];
	bool has_event[2];
	struct berth_buf frames[3];
	size_t frame_count;
	struct berth_why why; /* of the newest verb that failed */
};
void dpp_sides_run(struct dpp_sides *sides, struct berth_mono now);
void dpp_sides_free(struct dpp_sides *sides);

#endif
