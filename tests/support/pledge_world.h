/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world for the pledge machine: a manufacturer, an owner, a rogue, and registrars made from the real builders, that
 * answer as told. Time is a variable; randomness is a seed. For unit tests and the stateful fuzz target.
 *
 *	struct world *world = world_open();
 *	struct peer *peer = world_peer(world);		an honest registrar of the owner
 *	peer->tweaks.other_nonce = true;		... that makes one mistake
 *	world_start(world);
 *	world_run(world, 60);
 */
#ifndef BERTH_TESTS_PLEDGE_WORLD_H
#define BERTH_TESTS_PLEDGE_WORLD_H

#include "pki/issue.h"
#include "pki/ocsp.h"
#include "protocol/brski/pledge.h"
#include "protocol/voucher/voucher_cms.h"

#define WORLD_PEERS_MAX 8
#define WORLD_SERIAL "JADA123456789"
#define WORLD_START_S 1790000000 /* a fixed moment in 2026 */

struct identity {
	struct berth_cert *cert;
	struct berth_key *key;
};

struct seen {
	char path[64];
	struct berth_buf body;
	uint64_t connection;
	struct berth_bytes own; /* DER that the device presented; borrows */
	struct berth_mono at;
};

struct tweaks { /* the smallest change that must be refused; all false: an honest registrar and MASA */
	bool other_nonce;
	bool no_nonce;
	bool other_serial;
	bool no_pin;
	bool revocation_checks;
	bool has_expired;
	bool broken_signature;
	bool signed_by_device;	      /* with the birth key of the pledge itself */
	bool other_maker;	      /* signed by another manufacturer's MASA */
	const struct berth_cert *pin; /* NULL: its own certificate */
	const char *media;

	bool gives_template; /* csrattrs by RFC 9908, with names that the pledge could not know */
	bool wants_other_key;
	bool wants_link; /* to the connection, in the request */
	bool tells_no_binding;
	bool other_domain_ca_set;
	bool end_entity_in_ca_set;
	bool issues_for_other_key;
	bool issues_for_other_serial;
	bool issues_ca_certificate;
	bool issues_from_other_ca;
	bool issues_with_broken_signature;
	bool issues_expired;
	bool answers_over_other_connection;
	bool huge_body;
};

struct peer {
	uint16_t port;
	struct identity *self;
	struct identity *ca;
	bool hides_its_ca;		/* shows its own certificate alone in TLS */
	const struct berth_cert *later; /* shown from the second connection on; NULL: the same */
	bool is_unreachable;
	bool is_silent;
	int voucher_status;	/* 200 */
	unsigned voucher_waits; /* so many 202 first */
	unsigned enroll_waits;
	int32_t retry_after_s;
	const char *location;
	int cacerts_status;
	int csrattrs_status;
	int enroll_status;
	bool refuses_new_certificate; /* no connection with it */
	const char *cut_at;	      /* closes instead of answering this path ... */
	unsigned cuts;		      /* ... so many times */
	struct berth_bytes raw;	      /* if not empty: the body of every 200 (fuzzing) */
	struct tweaks tweaks;

	unsigned connections;
	struct berth_mono connected_at;
	bool template_was_followed;
	unsigned linked;   /* requests, each to its own connection */
	struct seen *seen; /* grows */
	size_t seen_count;
};

struct world {
	struct berth_pki *pki;
	char dir[64];
	struct berth_random random;
	uint64_t seed;
	struct berth_now now;
	struct identity maker, masa, idevid, owner, registrar, registrar2, rogue_owner, rogue,
		no_ra, other_maker, other_masa;
	struct identity registrar_ocsp; /* its certificate names a responder */
	struct berth_cert_list idevid_chain;
	struct berth_cert_list anchors;
	unsigned key_names;

	struct berth_arena arena;
	struct berth_pledge_conf conf;
	struct berth_pledge *pledge;
	struct peer peers[WORLD_PEERS_MAX];
	size_t peer_count;
	struct {
		uint32_t attempt;
		struct peer *peer;
		uint64_t connection;
		struct berth_bytes own;
	} lines[BERTH_PLEDGE_ATTEMPTS_MAX];
	uint64_t connections;
	uint8_t exporter[32]; /* of the newest one */

	/* Everything that passes between the pledge and the world, for a transcript; NULL: nobody listens. */
	void (*listen)(void *context, struct berth_mono at, uint32_t attempt, const char *what,
		       struct berth_bytes body);
	void *listen_context;
	bool save_fails;
	struct berth_bytes
		fetched; /* what every question about revocation is answered with; empty: nobody answers */
	unsigned fetches;
	unsigned notes[BERTH_PLEDGE_NOTE__COUNT];
	const char *refusal_rule; /* of the last refused voucher or enrolment */
	const char *failure_rule;
	unsigned keys_made;
	unsigned keys_forgotten;
	unsigned saves;
	struct berth_cert *issued; /* as saved */
	size_t saved_ca_count;
	bool is_done;
	enum berth_err done_err;
	struct berth_mono attempts_at[64]; /* when each attempt began */
	size_t attempts_count;
};

/* Made once for a group of tests; world_reset between them. Ends the test program when it cannot be made. */
struct world *world_open(void);
void world_reset(struct world *world);
void world_close(struct world *world);
/* An OCSP response about registrar_ocsp, from the owner's CA itself, good for an hour from then on. */
void world_ocsp_says(struct world *world, enum berth_ocsp_status status, struct berth_wall then,
		     struct berth_buf *der);

/* The next one: a registrar of the owner. Its port is 1000 + index. */
struct peer *world_peer(struct world *world);
struct peer *world_rogue(struct world *world);
enum berth_err world_start(struct world *world);
struct berth_pledge_candidate world_candidate(const struct peer *peer);
void world_find(struct world *world, const struct peer *peer);
/* Serves the pledge until nothing moves at this moment. */
void world_pump(struct world *world);
/* Lets time pass until it is done, nothing can happen any more, or so many seconds are over. */
void world_run(struct world *world, int64_t for_s);
/* The i-th request to a path at this peer; NULL when there was none. */
const struct seen *peer_saw(const struct peer *peer, const char *path, size_t i);
size_t peer_count(const struct peer *peer, const char *path);

#endif
