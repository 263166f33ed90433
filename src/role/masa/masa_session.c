/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/masa/masa_judge.h"

#include <stdio.h>
#include <stdlib.h>

#include "role/masa/masa_signing.h"

#define ARENA_BYTES ((size_t)1 << 20) /* a unit's records; its log of 1024 entries takes 200 KiB */
#define ADDRESS_MAX 64

struct berth_masa_session {
	struct berth_masa_session *next;
	struct berth_masa_role *role;
	struct berth_ticket *ticket; /* NULL: the requester has gone */
	uint64_t cookie;
	char address[ADDRESS_MAX];
	struct berth_arena arena;
	struct berth_masa masa;
	struct berth_masa_unit_record record;
	int64_t voucher;		      /* row of the intent; 0: none */
	uint8_t question[BERTH_SHA256_BYTES]; /* the revocation data that is waited for */
};

static void
session_free(struct berth_masa_session *session)
{
	berth_masa_end(&session->masa);
	berth_arena_end(&session->arena);
	free(session);
}

static struct berth_wall
wall(const struct berth_masa_session *session)
{
	return berth_judge_now(session->role->judge).wall;
}

/* ---- the end: one audit record where a unit of ours was named, one line in the log, the reply ---- */

static const char *
event_name(const struct berth_masa *masa)
{
	bool is_log = masa->operation == BERTH_MASA_REQUEST_AUDIT_LOG;

	if (masa->why.err)
		return berth_event_name(is_log ? BERTH_EVENT_AUDIT_LOG_REFUSED
					       : BERTH_EVENT_VOUCHER_DENIED);
	return berth_event_name(is_log ? BERTH_EVENT_AUDIT_LOG_SERVED : BERTH_EVENT_VOUCHER_ISSUED);
}

static void
log_end(struct berth_masa_session *session)
{
	struct berth_masa_role *role = session->role;
	const struct berth_masa *masa = &session->masa;
	const char *device = session->record.device[0] ? session->record.device : NULL;
	char status[16];
	uint64_t suppressed = 0;

	snprintf(status, sizeof(status), "%d", masa->response.status);
	if (masa->why.err) {
		if (berth_log_allows(&role->refusals, berth_judge_now(role->judge).mono,
				     &suppressed))
			berth_log_why(&role->log, BERTH_LOG_WARNING, event_name(masa), &masa->why,
				      "device", device, "registrar", masa->issue.registrar_name,
				      "peer", session->address, "status", status, NULL);
		return;
	}
	berth_log(&role->log, BERTH_LOG_INFO, event_name(masa), "device", device, "registrar",
		  masa->issue.registrar_name, "assertion",
		  berth_assertion_name(masa->issue.voucher.assertion), "repeated",
		  masa->is_repeated ? "yes" : NULL, "peer", session->address, NULL);
}

static enum berth_err
append_audit(struct berth_masa_session *session, enum berth_event_kind event, struct berth_why *why)
{
	BERTH_BUF trace = {.limit = BERTH_DECISION_JSON_MAX_BYTES};
	enum berth_err err = berth_decision_encode(&session->masa.decision, &trace, why);

	return err ? err
		   : berth_audit_append(session->role->store, wall(session), "judge", event,
					session->record.device, berth_buf_view(&trace), why);
}

/* What strangers ask about units that are not ours leaves no trace in the store: they could fill it. */
static void
audit_end(struct berth_masa_session *session)
{
	const struct berth_masa *masa = &session->masa;
	bool is_log = masa->operation == BERTH_MASA_REQUEST_AUDIT_LOG;
	struct berth_why why = {0};
	enum berth_err err = BERTH_OK;

	if (!session->record.device[0] || masa->is_repeated)
		return;
	if (masa->why.err && !berth_masa_may_note_refusal(session->role, session->record.device))
		return;
	if (masa->why.err)
		err = append_audit(
			session,
			is_log ? BERTH_EVENT_AUDIT_LOG_REFUSED : BERTH_EVENT_VOUCHER_DENIED, &why);
	else if (is_log)
		err = append_audit(session, BERTH_EVENT_AUDIT_LOG_SERVED, &why);
	if (err)
		berth_log_why(&session->role->log, BERTH_LOG_ERROR, "audit.failed", &why, NULL);
}

static void
finish(struct berth_masa_session *session)
{
	audit_end(session);
	log_end(session);
	if (session->ticket) {
		berth_ticket_set(session->ticket, NULL);
		berth_judge_reply(session->role->judge, session->ticket, &session->masa.response);
	}
	session_free(session);
}

/* ---- the machine's events ---- */

static enum berth_masa_event
serve_unit(struct berth_masa_session *session)
{
	struct berth_masa_unit_facts facts;
	struct berth_why why = {0};

	if (berth_masa_look_up(session->role, &session->masa, &session->arena, &session->record,
			       &facts, &why))
		return berth_masa_fail(&session->masa, &why);
	return berth_masa_answer_unit(&session->masa, &facts);
}

/* A nonced voucher blocks nobody: the device's next nonce makes it worthless. */
static struct berth_wall
outstanding_until(const struct berth_masa *masa)
{
	return masa->issue.voucher.has_expires_on ? masa->issue.voucher.expires_on
						  : masa->issue.signing_time;
}

/* req: rfc8995-5.5-intent */
static enum berth_masa_event
serve_intent(struct berth_masa_session *session)
{
	struct berth_masa *masa = &session->masa;
	struct berth_masa_voucher wanted = {
		.unit = session->record.unit.row,
		.domain_id = berth_bytes_of(masa->issue.domain_id, masa->issue.domain_id_length),
		.nonce = masa->issue.voucher.nonce,
		.assertion = berth_text(berth_assertion_name(masa->issue.voucher.assertion)),
		.payload = masa->issue.voucher_json,
		.asked_at = masa->issue.signing_time,
		.outstanding_until = outstanding_until(masa),
	};
	struct berth_masa_voucher found = {0};
	struct berth_masa_intent_facts facts = {0};
	struct berth_why why = {0};
	bool is_new = false;

	memcpy(wanted.request_sha256, masa->unit_query.request_digest,
	       sizeof(wanted.request_sha256));
	enum berth_err err = berth_masa_voucher_begin(session->role->store, &wanted, "judge",
						      &session->arena, &found, &is_new, &why);
	if (!err && is_new)
		err = append_audit(session, BERTH_EVENT_VOUCHER_REQUESTED, &why);
	if (err)
		return berth_masa_fail(masa, &why);
	session->voucher = found.row;
	if (!is_new && found.state == BERTH_MASA_VOUCHER_ISSUED)
		facts.issued_voucher = found.voucher;
	else if (!is_new)
		facts.pending_json = found.payload;
	return berth_masa_answer_intent(masa, &facts);
}

static enum berth_err
wait_for(struct berth_masa_session *session, struct berth_why *why)
{
	struct berth_masa_role *role = session->role;

	if (role->session_count >= BERTH_MASA_SESSIONS_MAX)
		return berth_fail(why, BERTH_E_TIMEOUT, "masa-busy", NULL,
				  "too many requests wait; try again");
	session->cookie = ++role->next_cookie;
	session->next = role->sessions;
	role->sessions = session;
	role->session_count++;
	return BERTH_OK;
}

/* True: it is fetched, and berth_masa_session_fetched goes on. */
/* req: rfc8995-5.5.4-2 */
static bool
serve_revocation(struct berth_masa_session *session, enum berth_masa_event *event)
{
	struct berth_masa_role *role = session->role;
	struct berth_masa *masa = &session->masa;
	struct berth_why why = {0};

	if (berth_masa_question(&role->fetcher, &masa->revocation, session->question)) {
		*event = berth_masa_answer_revocation(masa, BERTH_BYTES_NONE, NULL);
		return false;
	}
	struct berth_bytes kept =
		berth_masa_kept_find(&role->fetcher, session->question, wall(session));
	if (kept.n > 0) {
		*event = berth_masa_answer_revocation(masa, kept, NULL);
		return false;
	}
	if (wait_for(session, &why)) {
		*event = berth_masa_fail(masa, &why);
		return false;
	}
	berth_masa_dial(&role->fetcher, role->judge, &masa->revocation, session->cookie);
	return true;
}

/* Asks the signer; the answer comes by berth_masa_session_signed. */
static enum berth_err
ask_signer(struct berth_masa_session *session, struct berth_why *why)
{
	struct berth_masa_role *role = session->role;
	const struct berth_sign_voucher ask = {
		.json = session->masa.issue.voucher_json,
		.signing_time = session->masa.issue.signing_time,
	};
	BERTH_BUF payload = {0};

	if (berth_sign_voucher_encode(&ask, &payload))
		return berth_fail(why, BERTH_E_LIMIT, "masa-signing", NULL,
				  "the voucher does not fit a message to the signer");
	enum berth_err err = wait_for(session, why);
	if (err)
		return err;
	berth_judge_sign(role->judge, BERTH_MASA_SIGN_VOUCHER, berth_buf_view(&payload),
			 session->cookie);
	return BERTH_OK;
}

static enum berth_err
record_owner(struct berth_masa_session *session, struct berth_why *why)
{
	const struct berth_masa *masa = &session->masa;
	const struct berth_masa_unit_query *query = &masa->unit_query;
	size_t last = query->path_count - 1;
	const struct berth_masa_owner owner = {
		.domain_id = berth_bytes_of(query->path_domain_id[last],
					    query->path_domain_id_length[last]),
		.domain_key_sha256 =
			berth_bytes_of(masa->issue.owner_digest, sizeof(masa->issue.owner_digest)),
		.name = berth_text(masa->issue.registrar_name),
		.reference = BERTH_LIT("first to ask"),
		.since = wall(session),
	};

	if (!masa->issue.becomes_owner)
		return BERTH_OK;
	return berth_masa_owner_set(session->role->store, session->record.unit.row, &owner, why);
}

/* The same request may have been signed twice, when it came again while the first waited: the first stands. */
static enum berth_err
take_first(struct berth_masa_session *session, struct berth_why *why)
{
	struct berth_masa_voucher found = {0};
	enum berth_err err = berth_masa_voucher_get(session->role->store, session->voucher,
						    &session->arena, &found, why);

	if (err)
		return err;
	if (found.state != BERTH_MASA_VOUCHER_ISSUED)
		return berth_fail(why, BERTH_E_STATE, "masa-record", NULL,
				  "the voucher's intent is no longer open; ask again");
	session->masa.issue.signed_voucher = found.voucher;
	return BERTH_OK;
}

static enum berth_err
record(struct berth_masa_session *session, struct berth_why *why)
{
	struct berth_masa *masa = &session->masa;
	struct berth_store *store = session->role->store;
	enum berth_err err = berth_store_savepoint(store, why);

	if (err)
		return err;
	err = record_owner(session, why);
	err = err ? err
		  : berth_masa_voucher_issue(store, session->voucher, masa->issue.signed_voucher,
					     wall(session), "judge", why);
	if (!err)
		return berth_store_release(store, why);
	struct berth_why ignored = {0};
	berth_ignore(berth_store_rollback(store, &ignored), "the first error is the one to tell");
	return err == BERTH_E_STATE ? take_first(session, why) : err;
}

/* req: rfc8995-5.8-log */
static enum berth_masa_event
serve_record(struct berth_masa_session *session)
{
	struct berth_masa_unit_record record_now = {0};
	struct berth_masa_unit_facts facts = {0};
	struct berth_why why = {0};

	if (berth_masa_look_up(session->role, &session->masa, &session->arena, &record_now, &facts,
			       &why))
		return berth_masa_fail(&session->masa, &why);
	if (berth_masa_still_holds(&session->masa, &facts)) {
		if (berth_masa_voucher_fail(session->role->store, session->voucher, wall(session),
					    "judge", session->masa.why.rule, &why))
			berth_log_why(&session->role->log, BERTH_LOG_ERROR, "store.failed", &why,
				      NULL);
		return BERTH_MASA_END;
	}
	if (record(session, &why))
		return berth_masa_fail(&session->masa, &why);
	return berth_masa_answer_record(&session->masa);
}

static enum berth_masa_event
serve_audit_log(struct berth_masa_session *session)
{
	struct berth_audit_log log = {0};
	struct berth_why why = {0};

	if (berth_masa_read_log(session->role, session->record.unit.row, &session->arena, &log,
				&why))
		return berth_masa_fail(&session->masa, &why);
	return berth_masa_answer_audit_log(&session->masa, &log);
}

/* Until the machine ends or waits for the signer; then session may be gone. */
static void
serve(struct berth_masa_session *session, enum berth_masa_event event)
{
	struct berth_why why = {0};

	for (;;) {
		switch (event) {
		case BERTH_MASA_NEED_UNIT:
			event = serve_unit(session);
			break;
		case BERTH_MASA_NEED_REVOCATION:
			if (serve_revocation(session, &event))
				return;
			break;
		case BERTH_MASA_NEED_INTENT:
			event = serve_intent(session);
			break;
		case BERTH_MASA_NEED_SIGNATURE:
			if (ask_signer(session, &why) == BERTH_OK)
				return;
			event = berth_masa_fail(&session->masa, &why);
			break;
		case BERTH_MASA_NEED_RECORD:
			event = serve_record(session);
			break;
		case BERTH_MASA_NEED_AUDIT_LOG:
			event = serve_audit_log(session);
			break;
		case BERTH_MASA_NEED_REQUEST:
		case BERTH_MASA_END:
			finish(session);
			return;
		}
	}
}

void
berth_masa_session_start(struct berth_masa_role *role, struct berth_ticket *ticket,
			 enum berth_masa_operation operation, const struct berth_http_request *http,
			 const struct berth_tls_facts *tls, struct berth_bytes peer_address)
{
	struct berth_masa_session *session = calloc(1, sizeof(*session));

	if (!session) {
		berth_judge_reply_text(role->judge, ticket, 503, false, "out of memory");
		return;
	}
	session->role = role;
	session->ticket = ticket;
	snprintf(session->address, sizeof(session->address), "%.*s", (int)peer_address.n,
		 (const char *)peer_address.p);
	berth_arena_start(&session->arena, ARENA_BYTES);
	berth_ticket_set(ticket, session);
	berth_masa_start(&session->masa, role->pki, &role->trust.policy, operation,
			 berth_judge_now(role->judge));
	session->masa.memory = &role->memory;
	serve(session, berth_masa_input(&session->masa, http, tls));
}

static struct berth_masa_session *
take_waiting(struct berth_masa_role *role, uint64_t cookie)
{
	for (struct berth_masa_session **at = &role->sessions; *at; at = &(*at)->next) {
		struct berth_masa_session *session = *at;

		if (session->cookie == cookie) {
			*at = session->next;
			role->session_count--;
			return session;
		}
	}
	return NULL;
}

void
berth_masa_session_signed(struct berth_masa_role *role, uint64_t cookie, enum berth_err err,
			  struct berth_bytes object, const struct berth_why *why)
{
	struct berth_masa_session *session = take_waiting(role, cookie);
	struct berth_why trouble = {0};

	if (!session)
		return;
	if (!err) {
		serve(session, berth_masa_answer_signature(&session->masa, object));
		return;
	}
	if (berth_masa_voucher_fail(role->store, session->voucher, wall(session), "signer",
				    why->sentence, &trouble))
		berth_log_why(&role->log, BERTH_LOG_ERROR, "store.failed", &trouble, NULL);
	serve(session, berth_masa_fail(&session->masa, why));
}

void
berth_masa_session_fetched(struct berth_masa_role *role, uint64_t cookie,
			   const struct berth_http_response *response, const struct berth_why *why)
{
	struct berth_masa_session *session = take_waiting(role, cookie);
	struct berth_why said = {0};

	if (!session)
		return;
	if (response->status != 0 && response->status != 200)
		berth_ignore(berth_fail(&said, BERTH_E_UNREACHABLE, "revocation-status", NULL,
					"it answered with status %d", response->status),
			     "passed on");
	else if (why != NULL)
		said = *why;
	struct berth_bytes body = response->status == 200 ? response->body : BERTH_BYTES_NONE;
	enum berth_masa_event event = berth_masa_answer_revocation(&session->masa, body, &said);
	berth_masa_keep(&role->fetcher, session->question, body, wall(session),
			session->masa.good_until);
	serve(session, event);
}

void
berth_masa_session_gone(struct berth_ticket *ticket)
{
	struct berth_masa_session *session = berth_ticket_get(ticket);

	if (session)
		session->ticket = NULL;
}

void
berth_masa_sessions_end(struct berth_masa_role *role)
{
	while (role->sessions) {
		struct berth_masa_session *session = role->sessions;

		role->sessions = session->next;
		session_free(session);
	}
	role->session_count = 0;
}
