/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a MASA remembers: units made, who owns them, vouchers asked for and issued, and the audit
 * log of RFC 8995 5.8.
 *
 * The walk of one request (checklist 32-41):
 *	berth_masa_unit_find		unknown: 404
 *	berth_masa_owner_current	sold to another: 403
 *	berth_masa_voucher_begin	intent; an identical request gets the same row again
 *	   -- commit, signer signs --
 *	berth_masa_voucher_issue	voucher, log entry and audit record in one transaction
 *	   -- commit, reply --
 * After a restart berth_masa_voucher_each_intent gives what was asked for and never answered.
 */
#ifndef BERTH_STORE_MASA_STORE_H
#define BERTH_STORE_MASA_STORE_H

#include "model/device.h"
#include "store/audit.h"

#define BERTH_DOMAIN_ID_MAX 64	       /* a SKI of any length in use, or SHA-256 */
#define BERTH_MASA_LOG_EVENTS_MAX 1024 /* per unit, checklist 39; then truncation is counted */
#define BERTH_MASA_LOAD_BATCH 4096     /* units per transaction when loading in bulk */

/* ---- units ---- */
enum berth_masa_unit_status {
	BERTH_MASA_UNIT_ACTIVE,
	BERTH_MASA_UNIT_BLOCKED, /* stolen, compromised or scrapped: no voucher */
};

struct berth_masa_unit {
	int64_t row; /* set by the store */
	struct berth_device_identity identity;
	struct berth_bytes model;	      /* may be empty */
	struct berth_bytes idevid_key_sha256; /* SPKI hash, 32 bytes; empty: not recorded */
	enum berth_masa_unit_status status;
};

/*
 * Idempotent: the same unit again changes nothing (*ret_is_new false). BERTH_E_EXISTS, naming the
 * field, when the unit is there with another model or key. Bulk: BERTH_MASA_LOAD_BATCH of these per
 * begin/commit.
 */
enum berth_err berth_masa_unit_load(struct berth_store *store, const struct berth_masa_unit *unit,
				    struct berth_wall now, int64_t *ret_row, bool *ret_is_new,
				    struct berth_why *why) BERTH_MUST;
enum berth_err berth_masa_unit_find(struct berth_store *store,
				    const struct berth_device_identity *identity,
				    struct berth_arena *arena, struct berth_masa_unit *ret,
				    struct berth_why *why) BERTH_MUST;
/* For a request without idevid-issuer: NOT_FOUND for none, BERTH_E_EXISTS when several
 * manufacturers' keys use it. */
enum berth_err berth_masa_unit_find_by_serial(struct berth_store *store,
					      struct berth_bytes serial_number,
					      struct berth_arena *arena,
					      struct berth_masa_unit *ret,
					      struct berth_why *why) BERTH_MUST;
enum berth_err berth_masa_unit_set_status(struct berth_store *store, int64_t unit,
					  enum berth_masa_unit_status status,
					  struct berth_why *why) BERTH_MUST;
typedef bool berth_masa_visit_unit(void *context, const struct berth_masa_unit *unit);
/* In the order loaded, those with row > after_row (0: all). Views live until visit returns. */
enum berth_err berth_masa_unit_each(struct berth_store *store, int64_t after_row,
				    berth_masa_visit_unit *visit, void *context,
				    struct berth_why *why) BERTH_MUST;

/* ---- ownership ---- */
struct berth_masa_owner {
	struct berth_bytes domain_id; /* of the owner's domain CA, checklist 40; binary */
	struct berth_bytes
		domain_key_sha256; /* SPKI hash of the domain CA, 32 bytes; empty: not recorded */
	struct berth_bytes name;   /* the customer, text */
	struct berth_bytes reference; /* order or transfer, text; may be empty */
	struct berth_wall since;
	bool has_until;
	struct berth_wall until;
};

/* The unit is sold. The same sale again is harmless; BERTH_E_EXISTS, naming the owner, while
 * another one owns it. */
enum berth_err berth_masa_owner_set(struct berth_store *store, int64_t unit,
				    const struct berth_masa_owner *owner,
				    struct berth_why *why) BERTH_MUST;
/* The current owner lets go (resale, transfer). NOT_FOUND when nobody owns it. */
enum berth_err berth_masa_owner_end(struct berth_store *store, int64_t unit,
				    struct berth_wall until, struct berth_why *why) BERTH_MUST;
enum berth_err berth_masa_owner_current(struct berth_store *store, int64_t unit,
					struct berth_wall now, struct berth_arena *arena,
					struct berth_masa_owner *ret,
					struct berth_why *why) BERTH_MUST;
/* Who let go of it last; NOT_FOUND when nobody ever did. */
enum berth_err berth_masa_owner_last(struct berth_store *store, int64_t unit,
				     struct berth_arena *arena, struct berth_masa_owner *ret,
				     struct berth_why *why) BERTH_MUST;
/* Whether this domain ever owned it: who may read the audit log (checklist 39). By its key; anybody can make a CA with
 * another's domainID, so that counts only where the key was not recorded. */
enum berth_err berth_masa_domain_was_owner(struct berth_store *store, int64_t unit,
					   struct berth_bytes domain_id,
					   struct berth_bytes key_sha256, bool *ret,
					   struct berth_why *why) BERTH_MUST;

typedef bool berth_masa_visit_owner(void *context, const struct berth_masa_owner *owner);
/* All that ever were, oldest first. Views live until visit returns. */
enum berth_err berth_masa_owner_each(struct berth_store *store, int64_t unit,
				     berth_masa_visit_owner *visit, void *context,
				     struct berth_why *why) BERTH_MUST;

/* ---- claim codes: a salted digest per unit, used once ---- */
#define BERTH_MASA_CLAIM_SALT_BYTES 16

struct berth_masa_claim {
	uint8_t salt[BERTH_MASA_CLAIM_SALT_BYTES];
	uint8_t sha256[BERTH_DIGEST_BYTES];
	struct berth_wall made_at; /* only read */
	bool is_used;
	struct berth_wall used_at;
	uint8_t used_by[BERTH_DIGEST_BYTES]; /* domain_key_sha256 */
};

/* From a manifest: kept where none is there, so that an old manifest never arms a code again. */
enum berth_err berth_masa_claim_load(struct berth_store *store, int64_t unit,
				     const struct berth_masa_claim *claim, struct berth_wall now,
				     struct berth_why *why) BERTH_MUST;
/* In place of what was there: who lets go leaves a new one. */
enum berth_err berth_masa_claim_replace(struct berth_store *store, int64_t unit,
					const struct berth_masa_claim *claim, struct berth_wall now,
					struct berth_why *why) BERTH_MUST;
enum berth_err berth_masa_claim_get(struct berth_store *store, int64_t unit,
				    struct berth_masa_claim *ret, struct berth_why *why) BERTH_MUST;
/* BERTH_E_STATE when it was used before. */
enum berth_err berth_masa_claim_use(struct berth_store *store, int64_t unit,
				    const uint8_t by[BERTH_DIGEST_BYTES], struct berth_wall now,
				    struct berth_why *why) BERTH_MUST;

#define BERTH_MASA_CLAIM_WINDOW_S 3600
#define BERTH_MASA_CLAIM_BUCKETS 65536 /* of serial numbers; as many of addresses behind them */

/* *ret_s: how long no code is looked at for this bucket; 0: now. limit: wrong ones in a window. */
enum berth_err berth_masa_claim_wait(struct berth_store *store, int64_t bucket, int64_t limit,
				     struct berth_wall now, int64_t *ret_s,
				     struct berth_why *why) BERTH_MUST;
enum berth_err berth_masa_claim_wrong(struct berth_store *store, int64_t bucket,
				      struct berth_wall now, struct berth_why *why) BERTH_MUST;

/* ---- the chain of custody, as signed manifests told it ---- */
struct berth_masa_custody {
	int64_t depth; /* 0: whom the manufacturer gave it to */
	struct berth_bytes holder_key_sha256;
	struct berth_bytes name;
	struct berth_bytes manifest_sha256;
	struct berth_wall loaded_at;
	bool has_ended; /* a later owner let go: the chain began anew */
	struct berth_wall ended_at;
};

/*
 * The same again is harmless. BERTH_E_EXISTS (custody-fork) when the unit went to another hand there;
 * BERTH_E_STATE (custody-ended) for a manifest of a chain that ended.
 */
enum berth_err berth_masa_custody_add(struct berth_store *store, int64_t unit,
				      const struct berth_masa_custody *link, struct berth_wall now,
				      struct berth_why *why) BERTH_MUST;
enum berth_err berth_masa_custody_end(struct berth_store *store, int64_t unit,
				      struct berth_wall now, struct berth_why *why) BERTH_MUST;
/* How many hands of the chain that holds are known. */
enum berth_err berth_masa_custody_depth(struct berth_store *store, int64_t unit, int64_t *ret,
					struct berth_why *why) BERTH_MUST;
typedef bool berth_masa_visit_custody(void *context, const struct berth_masa_custody *link);
enum berth_err berth_masa_custody_each(struct berth_store *store, int64_t unit,
				       berth_masa_visit_custody *visit, void *context,
				       struct berth_why *why) BERTH_MUST;

/* ---- vouchers ---- */
enum berth_masa_voucher_state {
	BERTH_MASA_VOUCHER_INTENT,
	BERTH_MASA_VOUCHER_ISSUED,
	BERTH_MASA_VOUCHER_FAILED,
};

struct berth_masa_voucher {
	int64_t row;
	int64_t unit;
	struct berth_bytes domain_id;
	struct berth_bytes nonce;		    /* binary; empty: nonceless */
	uint8_t request_sha256[BERTH_DIGEST_BYTES]; /* of the RVR's bytes */
	struct berth_bytes assertion;		    /* berth_assertion_name */
	struct berth_bytes payload;		    /* the voucher's JSON as handed to the signer */
	struct berth_wall asked_at;
	struct berth_wall outstanding_until; /* while it may still be used: expires-on, or a nonced
						voucher's time-out */
	enum berth_masa_voucher_state state;
	struct berth_bytes voucher; /* CMS DER once issued */
	struct berth_wall issued_at;
};

/*
 * Writes the intent and its audit record. wanted: unit .. outstanding_until. Unique by (unit,
 * domain, nonce, request): the identical request finds its row again, *ret_is_new false and *ret as
 * stored (state tells whether the voucher is there). A failed one begins anew.
 */
enum berth_err berth_masa_voucher_begin(struct berth_store *store,
					const struct berth_masa_voucher *wanted, const char *actor,
					struct berth_arena *arena, struct berth_masa_voucher *ret,
					bool *ret_is_new, struct berth_why *why) BERTH_MUST;
/*
 * intent -> issued, with the event in the unit's log and the audit record. Issuing again with the
 * same bytes is harmless; BERTH_E_STATE otherwise.
 */
enum berth_err berth_masa_voucher_issue(struct berth_store *store, int64_t row,
					struct berth_bytes voucher, struct berth_wall at,
					const char *actor, struct berth_why *why) BERTH_MUST;
/* intent -> failed (the signer refused). */
enum berth_err berth_masa_voucher_fail(struct berth_store *store, int64_t row, struct berth_wall at,
				       const char *actor, const char *reason,
				       struct berth_why *why) BERTH_MUST;
enum berth_err berth_masa_voucher_get(struct berth_store *store, int64_t row,
				      struct berth_arena *arena, struct berth_masa_voucher *ret,
				      struct berth_why *why) BERTH_MUST;
typedef bool berth_masa_visit_voucher(void *context, const struct berth_masa_voucher *voucher);
/* For recovery at start: asked for, never answered. */
enum berth_err berth_masa_voucher_each_intent(struct berth_store *store,
					      berth_masa_visit_voucher *visit, void *context,
					      struct berth_why *why) BERTH_MUST;
/* Vouchers of other domains for this unit that may still be used (intents count). Checklist 37:
 * 403. */
enum berth_err berth_masa_voucher_outstanding(struct berth_store *store, int64_t unit,
					      struct berth_bytes except_domain_id,
					      struct berth_wall now, int64_t *ret,
					      struct berth_why *why) BERTH_MUST;

/* ---- the audit log of RFC 8995 5.8 ---- */
struct berth_masa_log_event {
	struct berth_wall date;
	struct berth_bytes domain_id; /* binary */
	struct berth_bytes nonce;     /* binary; empty: null in JSON */
	struct berth_bytes assertion; /* text */
	int64_t truncated; /* entries of the same kind that this one stands for besides itself */
};

struct berth_masa_log {
	const struct berth_masa_log_event *events; /* newest first */
	size_t n;
	int64_t nonced_duplicates; /* removed because a newer one of the same domain is there */
	int64_t nonceless_duplicates;
	int64_t arbitrary;
};

enum berth_err berth_masa_log_read(struct berth_store *store, int64_t unit,
				   struct berth_arena *arena, struct berth_masa_log *ret,
				   struct berth_why *why) BERTH_MUST;

#endif
