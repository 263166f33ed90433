/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registrar's half of BRSKI (RFC 8995 5.1 to 5.9.4) as a pure machine: one for each request of a device. It
 * touches neither store nor network nor key; what it needs it asks for as an event, and the caller answers.
 *
 *	requestvoucher:	input -> DECISION -> RVR -> VOUCHER -> RECORD -> END (200)
 *	  made ahead:	input -> DECISION -> RECORD -> END (200), or after a MASA that cannot be reached
 *	  waits:	input -> DECISION -> END (202, Retry-After; the device sends the same bytes again)
 *	voucher_status:	input -> DEVICE -> AUDIT_LOG -> AUDIT_VERDICT -> END (200)
 *	enrollstatus:	input -> DEVICE -> END (200)
 *	refused:	... -> END (400, 401, 403, 404, 406, 415 ...) with a sentence and its rule
 *
 *	BERTH_REGISTRAR x = {0};
 *	berth_registrar_start(&x, &conf, BERTH_REGISTRAR_REQUEST_VOUCHER, peer, now);
 *	event = berth_registrar_input(&x, &http);
 *	while (event != BERTH_REGISTRAR_END) ... answer what it asks for: event = berth_registrar_answer_decision(&x, ...)
 *	store x.decision with the device, send x.response
 *
 * It does not trust the pledge's words on who it is: the serial number comes from the TLS client certificate (peer.h).
 */
#ifndef BERTH_PROTOCOL_BRSKI_REGISTRAR_H
#define BERTH_PROTOCOL_BRSKI_REGISTRAR_H

#include "base/message.h"
#include "model/decision.h"
#include "protocol/brski/audit_log.h"
#include "protocol/brski/peer.h"
#include "protocol/brski/telemetry.h"
#include "protocol/voucher/voucher_cms.h"

#define BERTH_BRSKI_REQUESTVOUCHER_PATH "/.well-known/brski/requestvoucher"
#define BERTH_BRSKI_VOUCHER_STATUS_PATH "/.well-known/brski/voucher_status"
#define BERTH_BRSKI_ENROLLSTATUS_PATH "/.well-known/brski/enrollstatus"

#define BERTH_REGISTRAR_ARENA_BYTES                                                                \
	((size_t)1 << 20)		   /* PVR, RVR, voucher and the longest audit log */
#define BERTH_REGISTRAR_CLOCK_SKEW_S 86400 /* of a pledge's clock: created-on may be a day ahead */
#define BERTH_REGISTRAR_PATH_MAX 512
#define BERTH_REGISTRAR_AUDIT_FETCHES_MAX 2 /* the POST, and the GET of a 201's Location */

enum berth_registrar_operation {
	BERTH_REGISTRAR_REQUEST_VOUCHER,
	BERTH_REGISTRAR_VOUCHER_STATUS,
	BERTH_REGISTRAR_ENROLL_STATUS,
};

/* What the caller must do next. */
enum berth_registrar_event {
	BERTH_REGISTRAR_NEED_INPUT,    /* the state before input; never returned */
	BERTH_REGISTRAR_NEED_DECISION, /* may this device on? x->peer, x->pvr, x->pvr_digest */
	BERTH_REGISTRAR_NEED_RVR,      /* write the intent; have x->rvr_json signed */
	BERTH_REGISTRAR_NEED_VOUCHER,  /* POST x->masa_body to x->masa, x->masa_path */
	BERTH_REGISTRAR_NEED_RECORD, /* write that the voucher x->voucher_der goes to the device */
	BERTH_REGISTRAR_NEED_DEVICE, /* what the store knows of x->peer; x->telemetry to be kept */
	BERTH_REGISTRAR_NEED_AUDIT_LOG, /* POST x->masa_body to x->masa_path, or GET it where the body is empty */
	BERTH_REGISTRAR_NEED_AUDIT_VERDICT, /* is x->audit_log acceptable (has_audit_log), may it enrol? */
	BERTH_REGISTRAR_END,		    /* send x->response */
};
#define BERTH_REGISTRAR_EVENT_COUNT (BERTH_REGISTRAR_END + 1)

struct berth_registrar_conf {
	struct berth_pki *pki;
	const struct berth_cert_list
		*own_chain; /* what our TLS server presents, end entity first */
};

/* With the decision. Views live as long as the machine. */
struct berth_registrar_answer {
	int32_t retry_after_s; /* outcome pending: when the device may ask again */
	struct berth_bytes
		earlier_voucher; /* the voucher these very bytes got before, empty: none */
	/* A nonceless one made ahead for this device (RFC 8995 5.5.6, "berth voucher add"); empty: none. */
	struct berth_bytes stored_voucher;
	bool stored_first; /* the MASA is not asked; else only when it cannot be reached */
};

/* The answer of the store. Views live as long as the machine. */
struct berth_registrar_record {
	bool is_known;
	bool has_voucher;		/* a voucher went to it in this onboarding */
	struct berth_bytes rvr;		/* the signed request it was got with */
	struct berth_bytes certificate; /* DER of the newest LDevID, empty: none */
	bool audit_is_due;		/* the audit log is to be judged and has not been yet */
};

struct berth_registrar {
	/* for the caller to read */
	const struct berth_peer *peer;
	struct berth_signed_voucher pvr;
	struct berth_bytes pvr_der;
	bool device_wants_base64; /* it sent base64, and its manufacturer's devices may */
	uint8_t pvr_digest[BERTH_SHA256_BYTES]; /* of the bytes: tells an identical resend */
	struct berth_buf rvr_json;
	struct berth_bytes rvr_der;	/* signed */
	struct berth_bytes voucher_der; /* as the MASA sent it */
	bool voucher_was_stored;	/* it was made ahead, the MASA was not asked now */
	bool voucher_is_trusted;	/* its signer has a path to the manufacturer's anchors */
	enum berth_assertion voucher_assertion;
	struct berth_masa_url masa;
	char masa_path[BERTH_REGISTRAR_PATH_MAX];
	struct berth_bytes masa_body; /* empty: GET */
	bool masa_refused_us; /* 401: an operator must see to our credentials there (RFC 8995 5.5) */
	struct berth_telemetry telemetry;
	struct berth_audit_log audit_log;
	bool is_told_again; /* voucher_status once more: what was decided the first time stands */
	bool has_audit_log; /* the MASA answered with one; else audit_why says why not */
	struct berth_why audit_why;
	struct berth_bytes audit_json; /* as it came */
	bool used_new_certificate;     /* enrollstatus: TLS showed the certificate we issued */
	struct berth_http_response response; /* body lives as long as the machine */
	struct berth_why why;		     /* of a refusal; err OK with 200, PENDING with 202 */
	struct berth_decision decision; /* the trace: every check in order, ours and the policy's */

	/* the machine's own */
	enum berth_registrar_event state;
	enum berth_registrar_operation operation;
	const struct berth_registrar_conf *conf;
	struct berth_now now;
	struct berth_arena arena;
	struct berth_registrar_record record;
	unsigned audit_fetches;
	struct berth_bytes stored_voucher;
	char text[BERTH_WHY_SENTENCE_MAX + 96]; /* body of a refusal */
};
void berth_registrar_end(struct berth_registrar *x);
#define BERTH_REGISTRAR BERTH_CLEANUP(berth_registrar_end) struct berth_registrar

/* conf and peer outlive the machine. */
void berth_registrar_start(struct berth_registrar *x, const struct berth_registrar_conf *conf,
			   enum berth_registrar_operation operation, const struct berth_peer *peer,
			   struct berth_now now);
/* http is read during the call only. */
enum berth_registrar_event berth_registrar_input(struct berth_registrar *x,
						 const struct berth_http_request *http) BERTH_MUST;
/*
 * Each answers the event of its name; out of turn it ends the machine with 500. Arguments are read during the call only.
 * Decision and audit: the caller has appended its checks to x->decision and set the outcome there (policy/policy.h).
 */
enum berth_registrar_event berth_registrar_answer_decision(
	struct berth_registrar *x, const struct berth_registrar_answer *answer) BERTH_MUST;
enum berth_registrar_event berth_registrar_answer_rvr(struct berth_registrar *x,
						      struct berth_bytes der) BERTH_MUST;
/* status 0: unreachable, and why says how. */
enum berth_registrar_event berth_registrar_answer_masa(struct berth_registrar *x,
						       const struct berth_http_response *response,
						       const struct berth_why *why) BERTH_MUST;
enum berth_registrar_event berth_registrar_answer_record(struct berth_registrar *x) BERTH_MUST;
enum berth_registrar_event berth_registrar_answer_device(
	struct berth_registrar *x, const struct berth_registrar_record *record) BERTH_MUST;
enum berth_registrar_event berth_registrar_answer_audit(struct berth_registrar *x) BERTH_MUST;
/* The caller could not do what was asked (store down, signer refuses): ends with 503. */
enum berth_registrar_event berth_registrar_fail(struct berth_registrar *x,
						const struct berth_why *why) BERTH_MUST;
/*
 * For a voucher that was made ahead: without a nonce, in its time, signed under the manufacturer's anchors, pins us, and for
 * serial_number. Rules rfc8995-5.6-...; offline-voucher-...
 */
enum berth_err berth_registrar_check_stored(const struct berth_registrar_conf *conf,
					    const struct berth_manufacturer *maker,
					    struct berth_bytes serial_number,
					    const struct berth_signed_voucher *voucher,
					    struct berth_wall now,
					    struct berth_why *why) BERTH_MUST;
/*
 * True when the manufacturer's anchors answer for who signed the voucher. A registrar passes on one that they do not answer
 * for (the pledge judges it, RFC 8995 5.6), but must not count on what it says.
 */
bool berth_registrar_is_vouched(struct berth_pki *pki, const struct berth_manufacturer *maker,
				const struct berth_signed_voucher *voucher, struct berth_wall now);

#endif
