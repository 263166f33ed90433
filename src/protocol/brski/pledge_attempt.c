/* SPDX-License-Identifier: BSD-2-Clause */
/* One attempt with one candidate: its life, its connection, and the table of what it waits for. */
#include "protocol/brski/pledge_internal.h"

#include <assert.h>

#include "protocol/est/client.h"

#define VOUCHER_PATH "/.well-known/brski/requestvoucher"

/* How long each wait may last; 0: as long as it takes, or a time of its own. */
static const int64_t patience_ms[WAIT__COUNT] = {
	[WAIT_CONNECTION] = 15000,
	[WAIT_VOUCHER] = 120000, /* the registrar asks the MASA meanwhile */
	[WAIT_REVOCATION] = 20000,
	[WAIT_REFUSAL_REPLY] = 5000,
	[WAIT_STATUS_REPLY] = 15000,
	[WAIT_CA_CERTIFICATES] = 30000,
	[WAIT_CSR_ATTRIBUTES] = 30000,
	[WAIT_CERTIFICATE] = 120000,
	[WAIT_ENROLL_REFUSAL_REPLY] = 5000,
	[WAIT_RECONNECTION] = 15000,
	[WAIT_NEW_CONNECTION] = 15000,
	[WAIT_ENROLL_REPLY] = 15000,
};

void
pledge_wait_for(struct pledge_attempt *attempt, enum pledge_wait wait, struct berth_now now)
{
	attempt->wait = wait;
	attempt->deadline = patience_ms[wait] ? berth_mono_after_ms(now.mono, patience_ms[wait])
					      : BERTH_MONO_NEVER;
}

void
pledge_progress(struct pledge_attempt *attempt, struct berth_now now)
{
	attempt->progress_at = now.mono;
}

void
pledge_send(struct pledge_attempt *attempt, enum pledge_wait wait, struct berth_now now,
	    const char *path, const char *media, const char *accept)
{
	attempt->request = (struct berth_http_request){
		.method = media ? BERTH_HTTP_POST : BERTH_HTTP_GET,
		.path = berth_text(path),
		.media_type = berth_text(media),
		.accept = berth_text(accept),
		.body = media ? berth_buf_view(&attempt->body) : BERTH_BYTES_NONE,
	};
	attempt->has_output = true;
	attempt->patience_until =
		berth_mono_after_ms(now.mono, (int64_t)BERTH_PLEDGE_PATIENCE_S * 1000);
	pledge_wait_for(attempt, wait, now);
}

void
pledge_connect(struct berth_pledge *pledge, struct pledge_attempt *attempt)
{
	attempt->is_connected = false;
	attempt->has_output = false;
	pledge_emit(pledge, attempt, BERTH_PLEDGE_CONNECT);
}

void
pledge_close(struct berth_pledge *pledge, struct pledge_attempt *attempt)
{
	attempt->is_connected = false;
	attempt->has_output = false;
	pledge_emit(pledge, attempt, BERTH_PLEDGE_CLOSE);
}

static void
begin(struct berth_pledge *pledge, struct pledge_attempt *attempt,
      const struct berth_pledge_candidate *at, struct berth_now now)
{
	*attempt = (struct pledge_attempt){.port = at->port, .voucher_path = VOUCHER_PATH};
	memcpy(attempt->host, at->host, sizeof(attempt->host));
	pledge->last_id = pledge->last_id == UINT32_MAX ? 1 : pledge->last_id + 1;
	attempt->id = pledge->last_id;
	attempt->body.limit = BERTH_PLEDGE_BODY_MAX_BYTES;
	berth_arena_start(&attempt->arena, BERTH_PLEDGE_ATTEMPT_MAX_BYTES);
	pledge_progress(attempt, now);
}

void
pledge_attempt_start(struct berth_pledge *pledge, struct pledge_attempt *attempt,
		     struct pledge_candidate *candidate, struct berth_now now)
{
	begin(pledge, attempt, &candidate->at, now);
	attempt->candidate = candidate;
	candidate->is_busy = true;
	pledge_note(pledge, attempt, BERTH_PLEDGE_NOTE_ATTEMPT, NULL);
	pledge_connect(pledge, attempt);
	pledge_wait_for(attempt, WAIT_CONNECTION, now);
}

void
pledge_attempt_start_telling(struct berth_pledge *pledge, struct berth_now now)
{
	const struct berth_pledge_untold *untold = pledge->conf.untold;
	struct pledge_attempt *attempt = &pledge->attempts[0];
	begin(pledge, attempt, &untold->candidate, now);
	attempt->registrar.at[0] = berth_cert_ref(untold->registrar);
	attempt->registrar.n = 1;
	attempt->key = berth_key_ref(untold->key);
	pledge->chosen = attempt;
	pledge_connect(pledge, attempt);
	pledge_wait_for(attempt, WAIT_NEW_CONNECTION, now);
}

void
pledge_attempt_end(struct berth_pledge *pledge, struct pledge_attempt *attempt)
{
	pledge_close(pledge, attempt);
	if (attempt->has_key) {
		pledge_emit(pledge, attempt, BERTH_PLEDGE_FORGET_KEY);
	}
	if (pledge->chosen == attempt) {
		pledge->chosen = NULL;
	}
	if (attempt->candidate) {
		attempt->candidate->is_busy = false;
	}
	berth_revocation_end(&attempt->revocation);
	berth_cert_list_free(&attempt->path);
	berth_cert_list_free(&attempt->registrar);
	berth_cert_list_free(&attempt->ca_set);
	berth_cert_list_free(&attempt->issued);
	berth_cert_free(attempt->pinned);
	berth_key_free(attempt->key);
	berth_buf_free(&attempt->body);
	berth_buf_free(&attempt->link);
	berth_arena_end(&attempt->arena);
	*attempt = (struct pledge_attempt){0};
}

void
pledge_attempt_fail(struct berth_pledge *pledge, struct pledge_attempt *attempt,
		    struct berth_now now, const struct berth_why *why)
{
	pledge_note(pledge, attempt, BERTH_PLEDGE_NOTE_FAILED, why);
	if (attempt->candidate) {
		pledge_candidate_failed(attempt->candidate, now);
	}
	pledge_attempt_end(pledge, attempt);
}

void
pledge_attempt_drop(struct berth_pledge *pledge, struct pledge_attempt *attempt,
		    struct berth_now now)
{
	pledge_note(pledge, attempt, BERTH_PLEDGE_NOTE_DROPPED, NULL);
	if (attempt->wait == WAIT_VOUCHER_TIME) {
		/* It answered and asked for patience: no fault, and its turn comes when it said. */
		attempt->candidate->not_before = attempt->deadline;
	} else if (pledge->chosen) {
		attempt->candidate->not_before = now.mono;
	} else {
		pledge_candidate_failed(attempt->candidate, now);
	}
	pledge_attempt_end(pledge, attempt);
}

void
pledge_wait_retry(struct berth_pledge *pledge, struct pledge_attempt *attempt,
		  enum pledge_wait wait, struct berth_now now, int32_t retry_after_s)
{
	/* req: rfc8995-5.6-p3 */
	if (now.mono.ms >= attempt->patience_until.ms) {
		struct berth_why why;
		berth_ignore(berth_fail(&why, BERTH_E_TIMEOUT, "rfc8995-5.6-patience",
					"RFC 8995 5.6",
					"the registrar asked to wait for four days: given up"),
			     "the note tells");
		pledge_attempt_fail(pledge, attempt, now, &why);
		return;
	}
	/* req: rfc8995-5.6-p2 */
	int64_t wait_s = retry_after_s;
	if (wait_s < 0 || wait_s > BERTH_PLEDGE_RETRY_AFTER_MAX_S) {
		wait_s = BERTH_PLEDGE_RETRY_AFTER_MAX_S;
	}
	if (wait_s == 0) {
		wait_s = 1; /* never a busy loop */
	}
	if (!attempt->was_told_to_wait) {
		/* Once: a hostile registrar shall not fill the log. */
		pledge_note(pledge, attempt, BERTH_PLEDGE_NOTE_WAITS, NULL);
	}
	attempt->was_told_to_wait = true;
	attempt->wait = wait;
	attempt->deadline = berth_mono_after_ms(now.mono, wait_s * 1000);
}

static void
reconnect(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
	  enum pledge_wait resume)
{
	attempt->resume = resume;
	pledge_close(pledge, attempt);
	pledge_connect(pledge, attempt);
	pledge_wait_for(attempt, WAIT_RECONNECTION, now);
}

static void
fail_with(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
	  enum berth_err err, const char *rule, const char *sentence)
{
	struct berth_why why;
	berth_ignore(berth_fail(&why, err, rule, "RFC 8995 5.1", "%s", sentence), "the note tells");
	pledge_attempt_fail(pledge, attempt, now, &why);
}

static void
on_unreachable(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
	       const struct pledge_message *message)
{
	if (message->why) {
		pledge_attempt_fail(pledge, attempt, now, message->why);
		return;
	}
	fail_with(pledge, attempt, now, BERTH_E_UNREACHABLE, "pledge-unreachable",
		  "no connection to the candidate");
}

/* A connection that ends while a reply is due: once more to the same certificate. */
/* req: rfc8995-5.1-p1 */
static void
on_lost(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
	const struct pledge_message *message)
{
	if (attempt->reconnects >= PLEDGE_RECONNECTS_MAX) {
		on_unreachable(pledge, attempt, now, message);
		return;
	}
	attempt->reconnects++;
	reconnect(pledge, attempt, now, attempt->wait);
}

static void
on_lost_while_waiting(struct berth_pledge *pledge, struct pledge_attempt *attempt,
		      struct berth_now now, const struct pledge_message *message)
{
	(void)now;
	(void)message;
	pledge_close(pledge, attempt);
}

static void
on_reconnected(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
	       const struct pledge_message *message)
{
	attempt->is_connected = true;
	attempt->connection = message->tls->connection;
	berth_buf_clear(&attempt->link);
	if (berth_est_link_text(message->tls, &attempt->link)) {
		fail_with(pledge, attempt, now, BERTH_E_MEMORY, "memory", "out of memory");
		return;
	}
	if (attempt->resume == WAIT_CERTIFICATE && attempt->attributes.want_challenge_password) {
		if (!pledge_make_enrolment(pledge, attempt, now)) {
			return;
		}
		attempt->request.body = berth_buf_view(&attempt->body);
	}
	attempt->has_output = true;
	pledge_wait_for(attempt, attempt->resume, now);
}

/* req: rfc8995-5.6-p1 */
static void
resend(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
       enum pledge_wait wait)
{
	if (!attempt->is_connected) {
		reconnect(pledge, attempt, now, wait);
		return;
	}
	attempt->has_output = true;
	pledge_wait_for(attempt, wait, now);
}

static void
on_voucher_time(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
		const struct pledge_message *message)
{
	(void)message;
	resend(pledge, attempt, now, WAIT_VOUCHER);
}

static void
on_certificate_time(struct berth_pledge *pledge, struct pledge_attempt *attempt,
		    struct berth_now now, const struct pledge_message *message)
{
	(void)message;
	resend(pledge, attempt, now, WAIT_CERTIFICATE);
}

static void
on_silence(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
	   const struct pledge_message *message)
{
	(void)message;
	fail_with(pledge, attempt, now, BERTH_E_TIMEOUT, "pledge-no-answer",
		  "no answer within the time that this step may take");
}

static const struct {
	enum pledge_wait wait;
	enum pledge_message_kind message;
	pledge_handler *handler;
} transitions[] = {
	{WAIT_CONNECTION, MESSAGE_CONNECTED, pledge_on_connected},
	{WAIT_CONNECTION, MESSAGE_DISCONNECTED, on_unreachable},
	{WAIT_CONNECTION, MESSAGE_TICK, on_silence},
	{WAIT_VOUCHER, MESSAGE_RESPONSE, pledge_on_voucher},
	{WAIT_VOUCHER, MESSAGE_DISCONNECTED, on_lost},
	{WAIT_VOUCHER, MESSAGE_TICK, on_silence},
	{WAIT_REVOCATION, MESSAGE_FETCHED, pledge_on_fetched},
	{WAIT_REVOCATION, MESSAGE_DISCONNECTED, on_unreachable},
	{WAIT_REVOCATION, MESSAGE_TICK, on_silence},
	{WAIT_VOUCHER_TIME, MESSAGE_TICK, on_voucher_time},
	{WAIT_VOUCHER_TIME, MESSAGE_DISCONNECTED, on_lost_while_waiting},
	{WAIT_REFUSAL_REPLY, MESSAGE_RESPONSE, pledge_on_refusal_replied},
	{WAIT_REFUSAL_REPLY, MESSAGE_DISCONNECTED, on_lost},
	{WAIT_REFUSAL_REPLY, MESSAGE_TICK, pledge_on_refusal_replied},
	{WAIT_STATUS_REPLY, MESSAGE_RESPONSE, pledge_on_status_replied},
	{WAIT_STATUS_REPLY, MESSAGE_DISCONNECTED, on_lost},
	{WAIT_STATUS_REPLY, MESSAGE_TICK, on_silence},
	{WAIT_CA_CERTIFICATES, MESSAGE_RESPONSE, pledge_on_ca_certificates},
	{WAIT_CA_CERTIFICATES, MESSAGE_DISCONNECTED, on_lost},
	{WAIT_CA_CERTIFICATES, MESSAGE_TICK, on_silence},
	{WAIT_CSR_ATTRIBUTES, MESSAGE_RESPONSE, pledge_on_csr_attributes},
	{WAIT_CSR_ATTRIBUTES, MESSAGE_DISCONNECTED, on_lost},
	{WAIT_CSR_ATTRIBUTES, MESSAGE_TICK, on_silence},
	{WAIT_KEY, MESSAGE_KEY, pledge_on_key},
	{WAIT_KEY, MESSAGE_DISCONNECTED, on_lost_while_waiting},
	{WAIT_CERTIFICATE, MESSAGE_RESPONSE, pledge_on_certificate},
	{WAIT_CERTIFICATE, MESSAGE_DISCONNECTED, on_lost},
	{WAIT_CERTIFICATE, MESSAGE_TICK, on_silence},
	{WAIT_CERTIFICATE_TIME, MESSAGE_TICK, on_certificate_time},
	{WAIT_CERTIFICATE_TIME, MESSAGE_DISCONNECTED, on_lost_while_waiting},
	{WAIT_ENROLL_REFUSAL_REPLY, MESSAGE_RESPONSE, pledge_on_enroll_refusal_replied},
	{WAIT_ENROLL_REFUSAL_REPLY, MESSAGE_DISCONNECTED, pledge_on_enroll_refusal_replied},
	{WAIT_ENROLL_REFUSAL_REPLY, MESSAGE_TICK, pledge_on_enroll_refusal_replied},
	{WAIT_SAVED, MESSAGE_SAVED, pledge_on_saved},
	{WAIT_SAVED, MESSAGE_DISCONNECTED, on_lost_while_waiting},
	{WAIT_RECONNECTION, MESSAGE_CONNECTED, on_reconnected},
	{WAIT_RECONNECTION, MESSAGE_DISCONNECTED, on_unreachable},
	{WAIT_RECONNECTION, MESSAGE_TICK, on_silence},
	{WAIT_NEW_CONNECTION, MESSAGE_CONNECTED, pledge_on_new_connection},
	{WAIT_NEW_CONNECTION, MESSAGE_DISCONNECTED, pledge_on_telling_failed},
	{WAIT_NEW_CONNECTION, MESSAGE_TICK, pledge_on_telling_failed},
	{WAIT_NEW_CONNECTION_TIME, MESSAGE_TICK, pledge_on_telling_time},
	{WAIT_ENROLL_REPLY, MESSAGE_RESPONSE, pledge_on_told},
	{WAIT_ENROLL_REPLY, MESSAGE_DISCONNECTED, pledge_on_telling_failed},
	{WAIT_ENROLL_REPLY, MESSAGE_TICK, pledge_on_telling_failed},
};

static pledge_handler *
find_handler(enum pledge_wait wait, enum pledge_message_kind message)
{
	for (size_t i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++) {
		if (transitions[i].wait == wait && transitions[i].message == message) {
			return transitions[i].handler;
		}
	}
	return NULL;
}

/*
 * Every reply must come over the connection that the request left by, from the certificate that was seen first
 * (RFC 8995 5.1): nothing below may trust a transport that reconnects by itself.
 */
/* req: rfc8995-5.1-p1, rfc8995-5.1-p2, rfc8995-5.1-p4 */
static enum berth_err
check_peer(const struct pledge_attempt *attempt, const struct pledge_message *message,
	   struct berth_why *why)
{
	const struct berth_tls_facts *tls = message->tls;
	if (!tls || tls->peer_count == 0) {
		return berth_fail(why, BERTH_E_UNTRUSTED, "rfc8995-5.1-no-certificate",
				  "RFC 8995 5.1", "the registrar showed no certificate");
	}
	if (attempt->registrar.n &&
	    !berth_bytes_equal(tls->peer_chain[0], berth_cert_der(attempt->registrar.at[0]))) {
		return berth_fail(
			why, BERTH_E_MISMATCH, "rfc8995-5.1-other-certificate", "RFC 8995 5.1",
			"the registrar's certificate is not the one this attempt began with");
	}
	if (message->kind == MESSAGE_RESPONSE && tls->connection != attempt->connection) {
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.1-other-connection",
				  "RFC 8995 5.1", "the reply came over another connection");
	}
	if (message->kind == MESSAGE_RESPONSE &&
	    message->response->body.n > BERTH_PLEDGE_BODY_MAX_BYTES) {
		return berth_fail(why, BERTH_E_LIMIT, "pledge-body-size", NULL,
				  "the reply has %zu bytes, more than %zu",
				  message->response->body.n, BERTH_PLEDGE_BODY_MAX_BYTES);
	}
	return BERTH_OK;
}

/* Once the certificate is saved the pledge never starts over: then it was only not told. */
static void
on_wrong_peer(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
	      const struct berth_why *broken)
{
	const struct pledge_message lost = {.kind = MESSAGE_DISCONNECTED, .why = broken};
	if (attempt->wait == WAIT_NEW_CONNECTION || attempt->wait == WAIT_ENROLL_REPLY) {
		pledge_on_telling_failed(pledge, attempt, now, &lost);
		return;
	}
	pledge_attempt_fail(pledge, attempt, now, broken);
}

enum berth_err
pledge_attempt_message(struct berth_pledge *pledge, struct pledge_attempt *attempt,
		       struct berth_now now, const struct pledge_message *given,
		       struct berth_why *why)
{
	struct pledge_message message = *given;
	if (message.kind == MESSAGE_RESPONSE && message.response->status == 0) {
		message.kind = MESSAGE_DISCONNECTED;
	}
	pledge_handler *handler = find_handler(attempt->wait, message.kind);
	if (!handler) {
		return berth_fail(why, BERTH_E_STATE, "pledge-not-awaited", NULL,
				  "attempt %u does not wait for this", (unsigned)attempt->id);
	}
	if (message.kind == MESSAGE_CONNECTED || message.kind == MESSAGE_RESPONSE) {
		struct berth_why broken;
		if (check_peer(attempt, &message, &broken)) {
			on_wrong_peer(pledge, attempt, now, &broken);
			return BERTH_OK;
		}
	}
	if (message.kind == MESSAGE_RESPONSE) {
		attempt->reconnects = 0;
		attempt->status = message.response->status;
	}
	handler(pledge, attempt, now, &message);
	return BERTH_OK;
}
