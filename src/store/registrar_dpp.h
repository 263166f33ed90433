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
	uint8_t key_hash[BERTH_DPP_HASH_BYTES];	  /* SHA-256 of the key as its code has it */
	uint8_t chirp_hash[BERTH_DPP_HASH_BYTES]; /* the same of "chirp" and it */
	/* DER; uncompressed: to find y takes as long as an agreement */
	struct berth_bytes spki;
	struct berth_bytes uri;	     /* as it was given */
	struct berth_bytes added_by; /* login name */
	struct berth_wall added_at;
	struct berth_wall renew_wanted_at; /* 0: it need not be configured again */
	struct berth_bytes renew_wanted_by;
	/* by the device itself, in its last configuration request; empty: nothing */
	struct berth_bytes said_name, said_mud_url;
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

typedef bool berth_registrar_visit_dpp_key(void *context,
					   const struct berth_registrar_dpp_key *key);
/* All, by device. What the visitor sees is gone after it; false ends. */
enum berth_err berth_registrar_dpp_key_each(struct berth_store *store,
					    berth_registrar_visit_dpp_key *visit, void *context,
					    struct berth_why *why) BERTH_MUST;

/*
 * Keeps what the device said. The MUD URL that counts (RFC 8520 11: a device must not widen its own intent) is the first that it
 * said, where the record has none; *is_other: it says another now.
 */
enum berth_err berth_registrar_dpp_said(struct berth_store *store, int64_t device,
					struct berth_bytes name, struct berth_bytes mud_url,
					bool *is_other, struct berth_why *why) BERTH_MUST;
/* The device is to be configured again when it asks; NOT_FOUND: it has no key. Ends when it took a new configuration. */
enum berth_err berth_registrar_dpp_renew_set(struct berth_store *store, int64_t device,
					     const char *by, struct berth_wall now,
					     struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_dpp_renew_clear(struct berth_store *store, int64_t device,
					       struct berth_why *why) BERTH_MUST;

/*
 * A time in which known devices that would wait for an operator are approved in the name of who opened it. At most one is open;
 * it ends by itself, a restart or not.
 */
struct berth_registrar_window {
	int64_t row;
	struct berth_bytes opened_by;
	struct berth_wall opened_at, until;
	int64_t admitted; /* devices */
};
/* Ends one that is open. */
enum berth_err berth_registrar_window_open(struct berth_store *store, const char *by,
					   struct berth_wall now, struct berth_wall until,
					   struct berth_why *why) BERTH_MUST;
/* NOT_FOUND: none is open. */
enum berth_err berth_registrar_window_now(struct berth_store *store, struct berth_wall now,
					  struct berth_arena *arena,
					  struct berth_registrar_window *ret,
					  struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_window_admitted(struct berth_store *store, int64_t row,
					       struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_window_close(struct berth_store *store, struct berth_wall now,
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
