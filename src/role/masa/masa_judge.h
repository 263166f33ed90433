/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MASA's judge: runs protocol/brski/masa.h, keeps the store, serves the admin socket. For the files of this folder.
 *
 * The order of things is the framework's batch: what a request writes is durable before anything leaves because of
 * it. So the intent stands before the signer is asked, and log entry, voucher and ownership stand before the reply.
 */
#ifndef BERTH_ROLE_MASA_JUDGE_H
#define BERTH_ROLE_MASA_JUDGE_H

#include "codec/json.h"
#include "protocol/ownership/request.h"
#include "role/masa/masa_fetch.h"
#include "protocol/brski/masa_memory.h"
#include "role/masa/masa_settings.h"
#include "store/masa_store.h"
#include "system/log.h"

extern const struct berth_judge_role berth_masa_judge_role;

#define BERTH_MASA_STORE_FILE "masa.db" /* in the state directory */
#define BERTH_MASA_WITNESS_FILE "masa.witness"
#define BERTH_MASA_ASKINGS_MAX 256   /* claims, releases, transfers that wait for revocation data */
#define BERTH_MASA_SESSIONS_MAX 4096 /* requests that wait for the signer at one time */

#define BERTH_MASA_REFUSED_UNITS 1024 /* whose refusals are counted apart; more share */
#define BERTH_MASA_REFUSED_BURST 32   /* of a unit, into the audit log at once */
#define BERTH_MASA_REFUSED_MS 60000   /* then one in that time: who asks may be anybody */

struct berth_masa_session;
struct berth_masa_asking;

struct berth_masa_role {
	struct berth_judge *judge;
	struct berth_pki *pki;
	const struct berth_masa_settings *settings;
	struct berth_masa_trust trust;
	struct berth_masa_memory memory;
	struct berth_store *store;
	struct berth_digest digest;
	struct berth_masa_fetcher fetcher;
	struct berth_log log;
	struct berth_log_limit refusals; /* lines that strangers can make us write */
	struct berth_log_limit refused[BERTH_MASA_REFUSED_UNITS]; /* entries of the audit log */
	struct berth_masa_session *sessions;			  /* that wait for the signer */
	size_t session_count;
	struct berth_masa_asking *askings; /* that wait for revocation data */
	size_t asking_count;
	uint64_t next_cookie;
};

/*
 * True: this refusal goes into the audit log. Anybody who knows a serial number can be refused as often as it likes, and
 * would fill the store otherwise; how many were left out is logged.
 */
bool berth_masa_may_note_refusal(struct berth_masa_role *role, const char *device);

/* masa_session.c: one request of a registrar, from its first check to its reply. */
void berth_masa_session_start(struct berth_masa_role *role, struct berth_ticket *ticket,
			      enum berth_masa_operation operation,
			      const struct berth_http_request *http,
			      const struct berth_tls_facts *tls, struct berth_bytes peer_address);
void berth_masa_session_signed(struct berth_masa_role *role, uint64_t cookie, enum berth_err err,
			       struct berth_bytes object, const struct berth_why *why);
/* What came of a dial for revocation data. */
void berth_masa_session_fetched(struct berth_masa_role *role, uint64_t cookie,
				const struct berth_http_response *response,
				const struct berth_why *why);
/* The requester has gone; the voucher is still recorded, so that the same request finds it. */
void berth_masa_session_gone(struct berth_ticket *ticket);
void berth_masa_sessions_end(struct berth_masa_role *role);

/* masa_ownership.c: claim, release and transfer, asked for by a registrar; replies. */
void berth_masa_ownership(struct berth_masa_role *role, struct berth_ticket *ticket,
			  enum berth_ownership_act act, const struct berth_http_request *http,
			  const struct berth_tls_facts *tls, struct berth_bytes peer_address);
void berth_masa_ownership_fetched(struct berth_masa_role *role, uint64_t cookie,
				  const struct berth_http_response *response,
				  const struct berth_why *why);
/* What was decided is still done, so that the same request finds it. */
void berth_masa_ownership_gone(struct berth_masa_role *role, const struct berth_ticket *ticket);
void berth_masa_ownership_end(struct berth_masa_role *role);

/* masa_history.c: "owners", oldest first, and "audit", what the log has of the unit, into object. */
enum berth_err berth_masa_put_history(struct berth_masa_role *role, int64_t unit,
				      const char *device, json_t *object,
				      struct berth_why *why) BERTH_MUST;

/* masa_facts.c: what the store knows, as the machine asks for it. */
struct berth_masa_unit_record {
	struct berth_masa_unit unit;
	struct berth_masa_owner owner;
	char device[BERTH_DEVICE_ID_MAX]; /* "" when unknown */
};
enum berth_err berth_masa_look_up(struct berth_masa_role *role, const struct berth_masa *masa,
				  struct berth_arena *arena, struct berth_masa_unit_record *record,
				  struct berth_masa_unit_facts *facts,
				  struct berth_why *why) BERTH_MUST;
/* The owner of record is known by its domain CA's key, or where only that was told by its domainID. */
bool berth_masa_is_asker(const struct berth_masa_owner *owner,
			 const struct berth_masa_unit_query *query);
/* Of this only what is known without a voucher-request: the unit, its owner, and whether the path of who asks is his. */
enum berth_err berth_masa_look_up_owner(struct berth_masa_role *role,
					const struct berth_masa_unit_query *query,
					struct berth_arena *arena,
					struct berth_masa_unit_record *record,
					struct berth_masa_unit_facts *facts,
					struct berth_why *why) BERTH_MUST;
enum berth_err berth_masa_read_log(struct berth_masa_role *role, int64_t unit,
				   struct berth_arena *arena, struct berth_audit_log *ret,
				   struct berth_why *why) BERTH_MUST;

/* masa_admin.c */
void berth_masa_admin(void *context, struct berth_ticket *ticket,
		      const struct berth_http_request *http, const char *user);

#endif
