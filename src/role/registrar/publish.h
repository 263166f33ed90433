/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the registrar publishes without TLS (addresses.h): revocation lists, OCSP, its CAs' certificates. All of it is
 * signed, none is secret, and nothing else is answered here.
 *
 * A list and a response are signed once and kept until half of their time has passed; a revocation makes those about
 * the certificate void at once: the lists are signed anew without anybody asking, responses when next asked for. A
 * request with a nonce is answered by a response of its own; when the signer may sign no more this minute, by one that
 * was kept (RFC 6960 4.4.1 lets a responder leave a nonce out), so that questions cannot drown the answers.
 */
#ifndef BERTH_ROLE_REGISTRAR_PUBLISH_H
#define BERTH_ROLE_REGISTRAR_PUBLISH_H

#include "pki/ocsp.h"
#include "role/daemon/daemon.h"
#include "role/daemon/rate.h"
#include "role/registrar/addresses.h"

struct berth_registrar_role;

#define BERTH_CRLS_PER_MINUTE 600 /* ten parts a second for whoever asks for all of them */
#define BERTH_KEPT_CRLS 256 /* partitions asked for lately; 50 KiB each when all are revoked */
#define BERTH_KEPT_RESPONSES 16384  /* certificates asked about lately; 1 KiB each */
#define BERTH_PUBLISH_JOBS_MAX 1024 /* signatures that are waited for */

/* A kept object: der is empty until it is made. */
struct berth_kept_crl {
	size_t issuer; /* number among the publisher's */
	int64_t partition;
	struct berth_buf der;
	struct berth_wall renew_at, ends_at;
	bool is_void; /* somebody on it was revoked since */
};

struct berth_kept_response {
	size_t issuer;
	enum berth_ocsp_hash hash;
	uint8_t serial[BERTH_OCSP_SERIAL_MAX];
	size_t serial_n;
	struct berth_buf der;
	struct berth_wall renew_at, ends_at;
};

struct berth_publish_waiter {
	struct berth_publish_waiter *next;
	struct berth_ticket *ticket;
};

enum berth_publish_kind { BERTH_PUBLISH_NONE, BERTH_PUBLISH_CRL, BERTH_PUBLISH_OCSP };

/* One signature that is waited for. */
struct berth_publish_job {
	enum berth_publish_kind kind;
	uint32_t generation;
	size_t issuer;
	int64_t partition;		   /* CRL */
	struct berth_ocsp_request request; /* OCSP */
	bool is_void;			   /* what it says changed while it was signed: ask again */
	struct berth_publish_waiter *waiters;
};

struct berth_publisher {
	const struct berth_cert_list
		*issuers; /* borrowed; the issuing CA first, then former ones */
	struct berth_kept_crl *crls;
	struct berth_kept_response *responses;
	struct berth_publish_job *jobs;
	uint32_t generation;
	struct berth_rate crl_rate; /* of lists that strangers have signed */
	bool has_changes;	    /* something was revoked since the last refresh */
	bool is_served;		    /* plain-listen is set */
	uint64_t crl_requests, ocsp_requests, ocsp_signed; /* for /metrics */
};

enum berth_err berth_publisher_open(struct berth_registrar_role *role,
				    struct berth_why *why) BERTH_MUST;
void berth_publisher_close(struct berth_registrar_role *role);

/* published of struct berth_judge_role. */
void berth_registrar_published(void *context, struct berth_ticket *ticket,
			       const struct berth_http_request *http,
			       struct berth_bytes peer_address);
/* True: the cookie is one of ours and the signature was taken. */
bool berth_publish_signature(struct berth_registrar_role *role, uint64_t cookie, enum berth_err err,
			     struct berth_bytes object, const struct berth_why *why);
void berth_publish_gone(struct berth_registrar_role *role, const struct berth_ticket *ticket);
/* This certificate of one of our issuers was revoked: what was said of it is void from now on. */
void berth_publish_revoked(struct berth_registrar_role *role, struct berth_bytes serial,
			   int64_t partition);
/* After the transaction's operations: has the void lists signed anew. */
void berth_publish_refresh(struct berth_registrar_role *role);

/* ---- publish_kept.c: what is kept ---- */
struct berth_kept_crl *berth_kept_crl(struct berth_publisher *publisher, size_t issuer,
				      int64_t partition);
struct berth_kept_response *berth_kept_response(struct berth_publisher *publisher, size_t issuer,
						const struct berth_ocsp_id *id);
void berth_keep_response(struct berth_publisher *publisher, size_t issuer,
			 const struct berth_ocsp_id *id, struct berth_bytes der,
			 struct berth_wall now, struct berth_wall ends_at);
void berth_keep_crl(struct berth_publisher *publisher, size_t issuer, int64_t partition,
		    struct berth_bytes der, struct berth_wall now, struct berth_wall ends_at);
void berth_kept_forget(struct berth_publisher *publisher, struct berth_bytes serial);

#endif
