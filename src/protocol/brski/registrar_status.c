/* SPDX-License-Identifier: BSD-2-Clause */
/* voucher_status with the audit log behind it, and enrollstatus: RFC 8995 5.7, 5.8, 5.9.4 at the registrar. */
#include "protocol/brski/registrar_machine.h"

#include <stdio.h>

static bool
is_enroll(const struct berth_registrar *x)
{
	return x->operation == BERTH_REGISTRAR_ENROLL_STATUS;
}

enum berth_registrar_event
berth_registrar_on_status(struct berth_registrar *x, const struct berth_registrar_message *message)
{
	int status = 0;
	if (!berth_registrar_request_is_sound(x, message->http, BERTH_MEDIA_JSON, is_enroll(x),
					      &status))
		return berth_registrar_refuse(x, status);
	struct berth_bytes body = berth_arena_copy(&x->arena, message->http->body);
	if (body.p == NULL || body.n > BERTH_TELEMETRY_MAX_BYTES) {
		berth_ignore(berth_fail(&x->why, BERTH_E_LIMIT, "rfc8995-5.7-size", "RFC 8995 5.7",
					"the status message is larger than %d bytes",
					BERTH_TELEMETRY_MAX_BYTES),
			     "the reason is the result");
		return berth_registrar_refuse(x, 400);
	}
	if (berth_telemetry_parse(body, &x->arena, &x->telemetry, &x->why))
		return berth_registrar_refuse(x, 400);
	return BERTH_REGISTRAR_NEED_DEVICE;
}

static enum berth_registrar_event
received(struct berth_registrar *x)
{
	return berth_registrar_finish(x, "text/plain; charset=utf-8", BERTH_BYTES_NONE);
}

/* The device is answered as any other; the trace says that it got no further, and why. */
static void
device_failed(struct berth_registrar *x, const char *rule, const char *section,
	      const char *sentence, const char *session)
{
	struct berth_why why = {0};
	berth_ignore(berth_fail(&why, BERTH_E_DENIED, rule, section,
				"%s (%.*s), on a session with %s", sentence,
				x->telemetry.reason.n > 80 ? 80 : (int)x->telemetry.reason.n,
				(const char *)x->telemetry.reason.p, session),
		     "the check is the result");
	berth_decision_fail(&x->decision, &why);
}

/* req: rfc8995-5.9.4-session */
static enum berth_registrar_event
enrolled(struct berth_registrar *x)
{
	x->used_new_certificate =
		x->peer->kind == BERTH_PEER_LDEVID && x->record.certificate.n > 0 &&
		berth_bytes_equal(berth_cert_der(berth_peer_cert(x->peer)), x->record.certificate);
	const char *session = x->used_new_certificate ? "its new certificate"
						      : "another certificate than its new one";
	if (!x->telemetry.status) {
		device_failed(x, "rfc8995-5.9.4-failure", "RFC 8995 5.9.4",
			      "the device says that it could not enrol", session);
		return received(x);
	}
	berth_decision_pass(&x->decision, "rfc8995-5.9.4-session", "RFC 8995 5.9.4",
			    "the device says enrolled, on a session with %s", session);
	berth_decision_set(&x->decision, BERTH_OUTCOME_ALLOW);
	return received(x);
}

/* req: rfc8995-5.7-voucher-status */
enum berth_registrar_event
berth_registrar_on_device(struct berth_registrar *x, const struct berth_registrar_message *message)
{
	x->record = *message->record;
	if (!x->record.is_known || !(is_enroll(x) || x->record.has_voucher)) {
		berth_ignore(berth_fail(&x->why, BERTH_E_NOT_FOUND, "rfc8995-5.7-no-voucher",
					"RFC 8995 5.7",
					"this registrar has passed no voucher to this device"),
			     "the reason is the result");
		return berth_registrar_refuse(x, 404);
	}
	if (is_enroll(x))
		return enrolled(x);
	if (!x->telemetry.status) {
		device_failed(x, "rfc8995-5.7-rejected", "RFC 8995 5.7",
			      "the device says that it does not accept the voucher",
			      "its birth certificate");
		return received(x);
	}
	berth_decision_pass(&x->decision, "rfc8995-5.7-voucher-status", "RFC 8995 5.7",
			    "the device says it accepts the voucher");
	x->is_told_again = !x->record.audit_is_due;
	if (x->is_told_again)
		return received(x);
	if (berth_registrar_find_masa(x)) {
		x->audit_why = x->why;
		x->why = (struct berth_why){0};
		return BERTH_REGISTRAR_NEED_AUDIT_VERDICT;
	}
	if (x->record.rvr.n == 0) {
		berth_ignore(
			berth_fail(&x->audit_why, BERTH_E_NOT_FOUND, "rfc8995-5.8-no-request",
				   "RFC 8995 5.8",
				   "the voucher was made ahead: there is no request of ours that "
				   "the MASA would take for the audit log"),
			"it is kept for the trace");
		return BERTH_REGISTRAR_NEED_AUDIT_VERDICT;
	}
	(void)snprintf(x->masa_path, sizeof(x->masa_path), "%s/requestauditlog", x->masa.path);
	x->audit_fetches = 1;
	return berth_registrar_ask_masa(x, x->record.rvr, BERTH_REGISTRAR_NEED_AUDIT_LOG);
}

/* 201: the log is at Location, on the same MASA and nowhere else. */
static enum berth_err
follow(struct berth_registrar *x, struct berth_bytes location)
{
	if (x->audit_fetches >= BERTH_REGISTRAR_AUDIT_FETCHES_MAX)
		return berth_fail(&x->audit_why, BERTH_E_LIMIT, "rfc8995-5.8.1-location",
				  "RFC 8995 5.8.1",
				  "the MASA sends us from one Location to the next");
	x->audit_fetches++;
	struct berth_masa_url url = x->masa;
	if (location.n > 0 && location.p[0] == '/') {
		if (location.n >= sizeof(x->masa_path) || !berth_bytes_is_printable(location))
			return berth_fail(&x->audit_why, BERTH_E_LIMIT, "rfc8995-5.8.1-location",
					  "RFC 8995 5.8.1",
					  "the MASA's Location is too long or not plain");
		memcpy(x->masa_path, location.p, location.n);
		x->masa_path[location.n] = '\0';
		return BERTH_OK;
	}
	enum berth_err err = berth_masa_url_parse(location, &url, &x->audit_why);
	if (err)
		return err;
	if (strcmp(url.host, x->masa.host) != 0 || url.port != x->masa.port)
		return berth_fail(&x->audit_why, BERTH_E_MISMATCH, "rfc8995-5.8.1-location",
				  "RFC 8995 5.8.1",
				  "the MASA's Location is on another host (%.80s)", url.host);
	memcpy(x->masa_path, url.path, sizeof(url.path));
	return BERTH_OK;
}

static enum berth_err
read_audit_log(struct berth_registrar *x, const struct berth_http_response *response)
{
	if (!berth_bytes_equal_nocase(response->media_type, BERTH_LIT(BERTH_MEDIA_JSON)))
		return berth_fail(&x->audit_why, BERTH_E_UNSUPPORTED, "rfc8995-5.8.1-media-type",
				  "RFC 8995 5.8.1", "the MASA's audit log is not application/json");
	x->audit_json = berth_arena_copy(&x->arena, response->body);
	if (x->audit_json.p == NULL)
		return berth_fail(&x->audit_why, BERTH_E_LIMIT, "rfc8995-5.8.1-size",
				  "RFC 8995 5.8.1", "the MASA's audit log is too large");
	return berth_audit_log_parse(x->audit_json, &x->arena, &x->audit_log, &x->audit_why);
}

static enum berth_err
no_audit_log(struct berth_registrar *x, const struct berth_registrar_message *message)
{
	const struct berth_http_response *response = message->response;
	x->masa_refused_us = response->status == 401;
	if (response->status != 0)
		return berth_fail(&x->audit_why, BERTH_E_NOT_FOUND, "rfc8995-5.8-audit-log",
				  "RFC 8995 5.8",
				  "the MASA %.60s answered %d when asked for the audit log",
				  x->masa.host, response->status);
	return berth_fail(&x->audit_why, BERTH_E_UNREACHABLE, "rfc8995-5.8-audit-log",
			  "RFC 8995 5.8",
			  "the MASA %.60s cannot be asked for the audit log: %.100s", x->masa.host,
			  message->why == NULL ? "no answer" : message->why->sentence);
}

/* req: rfc8995-5.8-audit-log */
enum berth_registrar_event
berth_registrar_on_audit_log(struct berth_registrar *x,
			     const struct berth_registrar_message *message)
{
	const struct berth_http_response *response = message->response;
	if (response->status == 201 && follow(x, response->location) == BERTH_OK) {
		x->masa_body = BERTH_BYTES_NONE;
		return BERTH_REGISTRAR_NEED_AUDIT_LOG;
	}
	if (response->status == 200)
		x->has_audit_log = read_audit_log(x, response) == BERTH_OK;
	else if (response->status != 201)
		berth_ignore(no_audit_log(x, message), "audit_why is the result");
	return BERTH_REGISTRAR_NEED_AUDIT_VERDICT;
}

/*
 * The device ignores the reply, so a log that policy refuses is answered as any other: what it loses is the
 * permission to enrol, and the caller raises the alarm.
 */
enum berth_registrar_event
berth_registrar_on_audit_verdict(struct berth_registrar *x,
				 const struct berth_registrar_message *message)
{
	(void)message;
	return received(x);
}
