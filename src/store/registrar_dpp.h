/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a registrar remembers of Wi-Fi Easy Connect: by which bootstrapping key a device is known, and which Connectors it was
 * given. The intent stands before a Connector is signed; what the device said of it after. No password and no private key is
 * ever here.
 */
#ifndef BERTH_STORE_REGISTRAR_DPP_H
#define BERTH_STORE_REGISTRAR_DPP_H

#include "store/registrar_store.h"

#define BERTH_DPP_HASH_BYTES 32

struct berth_registrar_dpp_key {
	int64_t device;				  /* row */
	uint8_t key_hash[BERTH_DPP_HASH_BYTES];	  /* SHA-256 of spki */
	uint8_t chirp_hash[BERTH_DPP_HASH_BYTES]; /* of "chirp" and spki */
	struct berth_bytes spki;		  /* DER */
	struct berth_bytes uri;			  /* as it was given */
	struct berth_bytes added_by;		  /* login name */
	struct berth_wall added_at;
};

/* EXISTS: the key, or another of this device, is there. */
enum berth_err berth_registrar_dpp_key_add(struct berth_store *store,
					   const struct berth_registrar_dpp_key *key,
					   struct berth_why *why) BERTH_MUST;
enum berth_dpp_hash { BERTH_DPP_BY_KEY_HASH, BERTH_DPP_BY_CHIRP_HASH };
enum berth_err berth_registrar_dpp_key_find(struct berth_store *store, enum berth_dpp_hash which,
					    const uint8_t hash[BERTH_DPP_HASH_BYTES],
					    struct berth_arena *arena,
					    struct berth_registrar_dpp_key *ret,
					    struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_dpp_key_of(struct berth_store *store, int64_t device,
					  struct berth_arena *arena,
					  struct berth_registrar_dpp_key *ret,
					  struct berth_why *why) BERTH_MUST;

/* The numbers are the table's and never change. */
enum berth_dpp_connector_state {
	BERTH_DPP_CONNECTOR_INTENT = 0,
	BERTH_DPP_CONNECTOR_GIVEN = 1,
	BERTH_DPP_CONNECTOR_ACCEPTED = 2, /* by the device's word */
	BERTH_DPP_CONNECTOR_REJECTED = 3,
};

struct berth_registrar_connector {
	int64_t row; /* set by the store */
	int64_t device;
	uint8_t net_access_sha256[BERTH_DPP_HASH_BYTES]; /* of x | y */
	struct berth_bytes ssid;
	int64_t akm;		   /* a set: protocol/dpp/configuration_object.h */
	struct berth_wall expires; /* BERTH_WALL_NO_EXPIRY: never */
	enum berth_dpp_connector_state state;
	struct berth_wall made_at;
};
enum berth_err berth_registrar_connector_intent(struct berth_store *store,
						const struct berth_registrar_connector *wanted,
						int64_t *ret_row, struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_connector_set(struct berth_store *store, int64_t row,
					     enum berth_dpp_connector_state state,
					     struct berth_wall now,
					     struct berth_why *why) BERTH_MUST;
/* The newest of that netAccessKey; NOT_FOUND. */
enum berth_err berth_registrar_connector_find(struct berth_store *store,
					      const uint8_t net_access_sha256[BERTH_DPP_HASH_BYTES],
					      struct berth_arena *arena,
					      struct berth_registrar_connector *ret,
					      struct berth_why *why) BERTH_MUST;
/* The newest of the device; NOT_FOUND. */
enum berth_err berth_registrar_connector_of(struct berth_store *store, int64_t device,
					    struct berth_arena *arena,
					    struct berth_registrar_connector *ret,
					    struct berth_why *why) BERTH_MUST;

#endif
