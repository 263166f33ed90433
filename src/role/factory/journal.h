/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The factory's memory: every batch begun, every certificate about to be signed, every unit made and
 * sold. An append-only text file, one record a line, fields divided by tabs, each line led by the
 * CRC-32 of its rest:
 *
 *	B batch created out [owner domain-id, key hash, name]	a batch into folder out begins
 *	I batch serial certificate-serial			intent: a certificate will be signed
 *	F serial						failed: that certificate is void, the serial number free
 *	D batch serial certificate-serial subject-serial model key-hash issuer storage masa-url mud-url
 *	S serial domain-id name at reference			sold
 *	C serial salt digest					a claim code lies in its box (never the code)
 *
 * I is durable before the signature is asked for, so every certificate that ever was signed has
 * its serial here. D is the moment a unit is made: before it, whatever lies about is thrown away
 * and made anew with another certificate; after it the finished folder is only moved into place,
 * as often as needed. A crash therefore neither loses nor doubles a unit.
 *
 * A line that was being written when the power went is dropped at the next open, if it is the last; a
 * bad line before others is damage and refused. One process at a time: the file "lock" beside it,
 * which forked workers inherit, so that a new run waits for the workers of a killed one.
 */
#ifndef BERTH_ROLE_FACTORY_JOURNAL_H
#define BERTH_ROLE_FACTORY_JOURNAL_H

#include "base/arena.h"
#include "base/time.h"
#include "pki/issue.h"
#include "protocol/ownership/claim_code.h"

#define BERTH_JOURNAL_MAX_BYTES                                                                    \
	((size_t)2 << 30) /* about six million units; then begin a new factory folder */
#define BERTH_JOURNAL_BATCH_ID_BYTES 8

struct berth_journal_owner {
	struct berth_bytes domain_id; /* binary; empty: nobody */
	uint8_t key_sha256[BERTH_SHA256_BYTES];
	struct berth_bytes name;
};

struct berth_journal_batch {
	struct berth_bytes id; /* hex text */
	struct berth_wall created;
	struct berth_bytes out; /* absolute path of its folder */
	struct berth_journal_owner owner;
	const struct berth_journal_batch *next;
};

/* What is known of one serial number. */
struct berth_journal_unit {
	struct berth_bytes serial;		 /* as in units.csv */
	const struct berth_journal_batch *batch; /* of its newest intent */
	bool is_begun; /* an intent that has neither failed nor become a unit */
	bool is_made;
	/* the rest when is_made */
	uint8_t certificate_serial[BERTH_CERT_SERIAL_BYTES];
	struct berth_bytes subject_serial; /* the IDevID's serialNumber attribute */
	struct berth_bytes model;
	uint8_t key_sha256[BERTH_SHA256_BYTES];
	struct berth_bytes issuer_key_id; /* binary */
	struct berth_bytes storage;
	struct berth_bytes masa_url;
	struct berth_bytes mud_url;
	bool is_sold;
	struct berth_journal_owner sold_to;
	bool has_claim;
	struct berth_claim_digest claim;
};

struct berth_journal;

/* Locks (waiting for workers of a killed run, at most some seconds) and reads. directory: the factory's. */
enum berth_err berth_journal_open(const char *directory, struct berth_journal **ret,
				  struct berth_why *why) BERTH_MUST;
void berth_journal_close(struct berth_journal *journal);
void berth_journal_closep(struct berth_journal **journal);
#define BERTH_JOURNAL BERTH_CLEANUP(berth_journal_closep) struct berth_journal

/* Borrowed until close; NULL when never begun. */
const struct berth_journal_unit *berth_journal_find(const struct berth_journal *journal,
						    struct berth_bytes serial);
/* Which unit has this key, NULL: none. */
const struct berth_journal_unit *berth_journal_find_key(
	const struct berth_journal *journal, const uint8_t key_sha256[BERTH_SHA256_BYTES]);
/* All that were ever begun, in order. NULL past the end. */
const struct berth_journal_unit *berth_journal_at(const struct berth_journal *journal, size_t i);
const struct berth_journal_batch *berth_journal_batch_for(const struct berth_journal *journal,
							  const char *out);

/* Records. None is durable before commit; a view in an argument is copied. */
enum berth_err berth_journal_begin(struct berth_journal *journal,
				   const struct berth_journal_batch *batch,
				   const struct berth_journal_batch **ret,
				   struct berth_why *why) BERTH_MUST;
enum berth_err berth_journal_intend(struct berth_journal *journal,
				    const struct berth_journal_batch *batch,
				    struct berth_bytes serial,
				    const uint8_t certificate_serial[BERTH_CERT_SERIAL_BYTES],
				    struct berth_why *why) BERTH_MUST;
/* The last intent came to nothing, and what it had left is thrown away. */
enum berth_err berth_journal_abandon(struct berth_journal *journal, struct berth_bytes serial,
				     struct berth_why *why) BERTH_MUST;
/* BERTH_E_EXISTS when another unit has the key (rule unit-key-reused). */
enum berth_err berth_journal_made(struct berth_journal *journal,
				  const struct berth_journal_unit *unit,
				  struct berth_why *why) BERTH_MUST;
enum berth_err berth_journal_sold(struct berth_journal *journal, struct berth_bytes serial,
				  const struct berth_journal_owner *owner, struct berth_wall at,
				  struct berth_bytes reference, struct berth_why *why) BERTH_MUST;
enum berth_err berth_journal_claim(struct berth_journal *journal, struct berth_bytes serial,
				   const struct berth_claim_digest *claim,
				   struct berth_why *why) BERTH_MUST;
/* Writes and fsyncs all records since the last commit. */
enum berth_err berth_journal_commit(struct berth_journal *journal,
				    struct berth_why *why) BERTH_MUST;

#endif
