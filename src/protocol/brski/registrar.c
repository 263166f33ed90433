/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/registrar.h"

#include "protocol/brski/registrar_machine.h"

#include <stdio.h>

static const struct {
	enum berth_registrar_operation operation;
	enum berth_registrar_event state;
	enum berth_registrar_message_kind message;
	berth_registrar_handler *handler;
} table[] = {
	{BERTH_REGISTRAR_REQUEST_VOUCHER, BERTH_REGISTRAR_NEED_INPUT,
	 BERTH_REGISTRAR_MESSAGE_REQUEST, berth_registrar_on_voucher_request},
	{BERTH_REGISTRAR_REQUEST_VOUCHER, BERTH_REGISTRAR_NEED_DECISION,
	 BERTH_REGISTRAR_MESSAGE_DECISION, berth_registrar_on_decision},
	{BERTH_REGISTRAR_REQUEST_VOUCHER, BERTH_REGISTRAR_NEED_RVR, BERTH_REGISTRAR_MESSAGE_RVR,
	 berth_registrar_on_rvr},
	{BERTH_REGISTRAR_REQUEST_VOUCHER, BERTH_REGISTRAR_NEED_VOUCHER,
	 BERTH_REGISTRAR_MESSAGE_MASA, berth_registrar_on_voucher},
	{BERTH_REGISTRAR_REQUEST_VOUCHER, BERTH_REGISTRAR_NEED_RECORD,
	 BERTH_REGISTRAR_MESSAGE_RECORD, berth_registrar_on_record},
	{BERTH_REGISTRAR_VOUCHER_STATUS, BERTH_REGISTRAR_NEED_INPUT,
	 BERTH_REGISTRAR_MESSAGE_REQUEST, berth_registrar_on_status},
	{BERTH_REGISTRAR_VOUCHER_STATUS, BERTH_REGISTRAR_NEED_DEVICE,
	 BERTH_REGISTRAR_MESSAGE_DEVICE, berth_registrar_on_device},
	{BERTH_REGISTRAR_VOUCHER_STATUS, BERTH_REGISTRAR_NEED_AUDIT_LOG,
	 BERTH_REGISTRAR_MESSAGE_MASA, berth_registrar_on_audit_log},
	{BERTH_REGISTRAR_VOUCHER_STATUS, BERTH_REGISTRAR_NEED_AUDIT_VERDICT,
	 BERTH_REGISTRAR_MESSAGE_AUDIT, berth_registrar_on_audit_verdict},
	{BERTH_REGISTRAR_ENROLL_STATUS, BERTH_REGISTRAR_NEED_INPUT, BERTH_REGISTRAR_MESSAGE_REQUEST,
	 berth_registrar_on_status},
	{BERTH_REGISTRAR_ENROLL_STATUS, BERTH_REGISTRAR_NEED_DEVICE, BERTH_REGISTRAR_MESSAGE_DEVICE,
	 berth_registrar_on_device},
};

void
berth_registrar_start(struct berth_registrar *x, const struct berth_registrar_conf *conf,
		      enum berth_registrar_operation operation, const struct berth_peer *peer,
		      struct berth_now now)
{
	*x = (struct berth_registrar){
		.peer = peer,
		.operation = operation,
		.conf = conf,
		.now = now,
		.response = {.retry_after_s = -1},
	};
	berth_arena_start(&x->arena, BERTH_REGISTRAR_ARENA_BYTES);
	berth_decision_start(&x->decision);
}

void
berth_registrar_end(struct berth_registrar *x)
{
	berth_signed_voucher_free(&x->pvr);
	berth_buf_free(&x->rvr_json);
	berth_arena_end(&x->arena);
}

static enum berth_registrar_event
take(struct berth_registrar *x, const struct berth_registrar_message *message)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].operation != x->operation || table[i].state != x->state ||
		    table[i].message != message->kind)
			continue;
		x->state = table[i].handler(x, message);
		return x->state;
	}
	berth_ignore(
		berth_fail(&x->why, BERTH_E_STATE, "registrar-state", NULL,
			   "the registrar's machine was told something that it did not ask for"),
		"the reason is the result");
	x->state = berth_registrar_refuse(x, 500);
	return x->state;
}

/* req: rfc8995-5.2-close, rfc8995-5.6-plain-text */
enum berth_registrar_event
berth_registrar_refuse(struct berth_registrar *x, int status)
{
	berth_decision_fail(&x->decision, &x->why);
	int n = snprintf(x->text, sizeof(x->text), "%s (%s)\n", x->why.sentence, x->why.rule);
	x->response = (struct berth_http_response){
		.status = status,
		.media_type = BERTH_LIT("text/plain; charset=utf-8"),
		.retry_after_s = -1,
		.close = status == 401,
		.body = berth_bytes_of(x->text, (size_t)n < sizeof(x->text) ? (size_t)n
									    : sizeof(x->text) - 1),
	};
	return BERTH_REGISTRAR_END;
}

enum berth_registrar_event
berth_registrar_finish(struct berth_registrar *x, const char *media_type, struct berth_bytes body)
{
	x->response = (struct berth_http_response){
		.status = 200,
		.media_type = berth_text(media_type),
		.retry_after_s = -1,
		.body = body,
	};
	return BERTH_REGISTRAR_END;
}

/* req: rfc8995-5.1-client-certificate, rfc8995-7.3-unauthenticated */
static bool
peer_may_speak(struct berth_registrar *x, bool allow_ldevid, int *status)
{
	const struct berth_peer *peer = x->peer;
	if (peer->kind == BERTH_PEER_IDEVID) {
		berth_decision_pass(&x->decision, "rfc8995-5.1-client-certificate", "RFC 8995 5.1",
				    "IDevID of %s, serial number %.*s", peer->manufacturer->name,
				    (int)peer->serial_number.n,
				    (const char *)peer->serial_number.p);
		return true;
	}
	if (peer->kind == BERTH_PEER_LDEVID && allow_ldevid) {
		berth_decision_pass(&x->decision, "rfc8995-5.1-client-certificate", "RFC 8995 5.1",
				    "certificate of ours, serial number %.*s",
				    (int)peer->serial_number.n,
				    (const char *)peer->serial_number.p);
		return true;
	}
	*status = peer->kind == BERTH_PEER_NONE ? 403 : 404;
	if (peer->kind == BERTH_PEER_LDEVID)
		berth_ignore(berth_fail(&x->why, BERTH_E_UNTRUSTED, "rfc8995-5.1-not-an-idevid",
					"RFC 8995 5.1",
					"this request needs the birth certificate (IDevID), not "
					"one of ours"),
			     "the reason is the result");
	else
		x->why = peer->why;
	return false;
}

/* req: rfc8995-5.2-media-type */
bool
berth_registrar_request_is_sound(struct berth_registrar *x, const struct berth_http_request *http,
				 const char *media_type, bool allow_ldevid, int *status)
{
	if (http->method != BERTH_HTTP_POST) {
		*status = 405;
		berth_ignore(berth_fail(&x->why, BERTH_E_UNSUPPORTED, "rfc8995-5-method",
					"RFC 8995 5", "this resource takes POST only"),
			     "the reason is the result");
		return false;
	}
	if (!berth_bytes_equal_nocase(http->media_type, berth_text(media_type))) {
		*status = 415;
		berth_ignore(berth_fail(&x->why, BERTH_E_UNSUPPORTED, "rfc8995-5.2-media-type",
					"RFC 8995 5.2",
					"the request's media type is \"%.*s\"; send %s",
					http->media_type.n > 60 ? 60 : (int)http->media_type.n,
					(const char *)http->media_type.p, media_type),
			     "the reason is the result");
		return false;
	}
	return peer_may_speak(x, allow_ldevid, status);
}

enum berth_registrar_event
berth_registrar_input(struct berth_registrar *x, const struct berth_http_request *http)
{
	return take(x, &(struct berth_registrar_message){.kind = BERTH_REGISTRAR_MESSAGE_REQUEST,
							 .http = http});
}

enum berth_registrar_event
berth_registrar_answer_decision(struct berth_registrar *x,
				const struct berth_registrar_answer *answer)
{
	return take(x, &(struct berth_registrar_message){.kind = BERTH_REGISTRAR_MESSAGE_DECISION,
							 .answer = answer});
}

enum berth_registrar_event
berth_registrar_answer_rvr(struct berth_registrar *x, struct berth_bytes der)
{
	return take(x, &(struct berth_registrar_message){.kind = BERTH_REGISTRAR_MESSAGE_RVR,
							 .der = der});
}

enum berth_registrar_event
berth_registrar_answer_masa(struct berth_registrar *x, const struct berth_http_response *response,
			    const struct berth_why *why)
{
	return take(x, &(struct berth_registrar_message){.kind = BERTH_REGISTRAR_MESSAGE_MASA,
							 .response = response,
							 .why = why});
}

enum berth_registrar_event
berth_registrar_answer_record(struct berth_registrar *x)
{
	return take(x, &(struct berth_registrar_message){.kind = BERTH_REGISTRAR_MESSAGE_RECORD});
}

enum berth_registrar_event
berth_registrar_answer_device(struct berth_registrar *x,
			      const struct berth_registrar_record *record)
{
	return take(x, &(struct berth_registrar_message){.kind = BERTH_REGISTRAR_MESSAGE_DEVICE,
							 .record = record});
}

enum berth_registrar_event
berth_registrar_answer_audit(struct berth_registrar *x)
{
	return take(x, &(struct berth_registrar_message){.kind = BERTH_REGISTRAR_MESSAGE_AUDIT});
}

enum berth_registrar_event
berth_registrar_fail(struct berth_registrar *x, const struct berth_why *why)
{
	x->why = *why;
	x->state = berth_registrar_refuse(x, 503);
	return x->state;
}
