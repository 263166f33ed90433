/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of the registrar's machine: what its files share. For registrar*.c only. */
#ifndef BERTH_PROTOCOL_BRSKI_REGISTRAR_MACHINE_H
#define BERTH_PROTOCOL_BRSKI_REGISTRAR_MACHINE_H

#include "protocol/brski/registrar.h"

enum berth_registrar_message_kind {
	BERTH_REGISTRAR_MESSAGE_REQUEST,
	BERTH_REGISTRAR_MESSAGE_DECISION,
	BERTH_REGISTRAR_MESSAGE_RVR,
	BERTH_REGISTRAR_MESSAGE_MASA,
	BERTH_REGISTRAR_MESSAGE_RECORD,
	BERTH_REGISTRAR_MESSAGE_DEVICE,
	BERTH_REGISTRAR_MESSAGE_AUDIT,
};

/* The one member that its kind names is set. */
struct berth_registrar_message {
	enum berth_registrar_message_kind kind;
	const struct berth_http_request *http;
	const struct berth_registrar_answer *answer;
	struct berth_bytes der;
	const struct berth_http_response *response;
	const struct berth_why *why;
	const struct berth_registrar_record *record;
};

typedef enum berth_registrar_event berth_registrar_handler(
	struct berth_registrar *x, const struct berth_registrar_message *message);

berth_registrar_handler berth_registrar_on_voucher_request;
berth_registrar_handler berth_registrar_on_decision;
berth_registrar_handler berth_registrar_on_rvr;
berth_registrar_handler berth_registrar_on_voucher;
berth_registrar_handler berth_registrar_on_record;
berth_registrar_handler berth_registrar_on_status;
berth_registrar_handler berth_registrar_on_device;
berth_registrar_handler berth_registrar_on_audit_log;
berth_registrar_handler berth_registrar_on_audit_verdict;

/* Ends with this status and x->why, which the caller has filled; records the failed check. */
enum berth_registrar_event berth_registrar_refuse(struct berth_registrar *x, int status);
/* Ends with 200. */
enum berth_registrar_event berth_registrar_finish(struct berth_registrar *x, const char *media_type,
						  struct berth_bytes body);
/* Method and media type, and a device with its birth certificate (or, where allowed, ours) at the other end. */
bool berth_registrar_request_is_sound(struct berth_registrar *x,
				      const struct berth_http_request *http, const char *media_type,
				      bool allow_ldevid, int *status);
/* Sets x->masa_body to the signed request, as this MASA reads it; then event, or the end. */
enum berth_registrar_event berth_registrar_ask_masa(struct berth_registrar *x,
						    struct berth_bytes rvr,
						    enum berth_registrar_event event);
/* Fills x->masa from the configuration or the IDevID; x->why on failure. */
enum berth_err berth_registrar_find_masa(struct berth_registrar *x) BERTH_MUST;

#endif
