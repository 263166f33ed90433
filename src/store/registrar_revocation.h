/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What revocation lists and OCSP say, as the store knows it. A certificate is found by its issuer's key and its serial
 * number, whether it is a device's or the registrar's own.
 *
 * Lists are cut into partitions, so that each stays small however many devices there are: a certificate names the one
 * that it is in, for its whole life, so how a row becomes a partition never changes.
 */
#ifndef BERTH_STORE_REGISTRAR_REVOCATION_H
#define BERTH_STORE_REGISTRAR_REVOCATION_H

#include "store/registrar_store.h"

#define BERTH_PARTITION_CERTIFICATES 1000 /* all revoked, a list of 50 KiB; never changes */
#define BERTH_PARTITION_OWN 0		  /* the registrar's own certificates */
#define BERTH_PARTITION_ALL (-1)	  /* the list that is not cut */

/* Of the device's certificate in this row of table certificate. */
static inline int64_t
berth_partition_of(int64_t certificate_row)
{
	return 1 + certificate_row / BERTH_PARTITION_CERTIFICATES;
}

struct berth_standing {
	bool is_known; /* issued, and not only intended */
	bool is_revoked;
	bool is_own; /* of no device that this store knows */
	int64_t partition;
	struct berth_wall revoked_at;
	enum berth_revocation_reason reason;
};
/* BERTH_OK with is_known false when no such certificate was issued. */
enum berth_err berth_registrar_standing(struct berth_store *store, struct berth_bytes issuer_key_id,
					struct berth_bytes serial, struct berth_standing *ret,
					struct berth_why *why) BERTH_MUST;

/* The highest partition that a certificate is in; 0: there is none yet. */
enum berth_err berth_registrar_last_partition(struct berth_store *store, int64_t *ret,
					      struct berth_why *why) BERTH_MUST;

/* A row for a certificate that names this partition, above all that are there; 0: whichever, there is none such. */
enum berth_err berth_registrar_certificate_row_in(struct berth_store *store, int64_t partition,
						  int64_t *ret, struct berth_why *why) BERTH_MUST;

struct berth_revoked {
	struct berth_bytes serial; /* lives until the visitor returns */
	struct berth_wall revoked_at;
	enum berth_revocation_reason reason;
};
/* False ends the walk. */
typedef bool berth_visit_revoked(void *context, const struct berth_revoked *revoked);
/* Those of one partition (or BERTH_PARTITION_ALL) that end after ends_after, in the order they were made. */
enum berth_err berth_registrar_revoked_each(struct berth_store *store,
					    struct berth_bytes issuer_key_id, int64_t partition,
					    struct berth_wall ends_after,
					    berth_visit_revoked *visit, void *context,
					    struct berth_why *why) BERTH_MUST;

/* The registrar's own certificate, which names this list, was in use at now; again: nothing changes. */
enum berth_err berth_registrar_own_seen(struct berth_store *store,
					const struct berth_credential *credential,
					int64_t partition, struct berth_wall now,
					struct berth_why *why) BERTH_MUST;
/* NOT_FOUND when it is none of our own; again: unchanged. */
enum berth_err berth_registrar_own_revoke(struct berth_store *store,
					  struct berth_bytes issuer_key_id,
					  struct berth_bytes serial,
					  enum berth_revocation_reason reason,
					  struct berth_wall now, struct berth_why *why) BERTH_MUST;

#endif
