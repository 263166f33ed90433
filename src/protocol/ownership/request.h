/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a registrar tells the MASA about who owns a unit, over TLS with its own certificate, and what it hears back. No
 * RFC has these resources; they stand in docs/man/berth-masa.8, section OWNERSHIP.
 *
 *	POST /.well-known/berth/claim
 *	{"serial-number":"CAM-1","idevid-issuer":"<base64>","code":"7KQ2M-9XW3H-F0ABC-DEFGH"}
 *	POST /.well-known/berth/release
 *	{"serial-number":"CAM-1","claim-salt":"<base64>","claim-sha256":"<base64>"}
 *	POST /.well-known/berth/transfer
 *	{"serial-number":"CAM-1","owner-certificate":"<base64 of DER>","owner-name":"Example GmbH"}
 *
 *	200 {"serial-number":"CAM-1","state":"owned","owner":"...","idevid-issuer":"...","key-sha256":"...","model":"cam"}
 *
 * idevid-issuer is the key identifier of the IDevID's issuer; it may be left out where one manufacturer key has the serial
 * number. Who releases may leave a new code's digest there: its next owner claims with that code. Strict: unknown members
 * are refused, in both directions.
 */
#ifndef BERTH_PROTOCOL_OWNERSHIP_REQUEST_H
#define BERTH_PROTOCOL_OWNERSHIP_REQUEST_H

#include "base/arena.h"
#include "model/device.h"
#include "protocol/ownership/claim_code.h"

#define BERTH_OWNERSHIP_PATH "/.well-known/berth/"
#define BERTH_OWNERSHIP_JSON_MAX_BYTES 16384 /* a certificate of 8 KiB in base64, and names */
#define BERTH_OWNERSHIP_NAME_MAX 256
#define BERTH_OWNERSHIP_CERTIFICATE_MAX 8192

enum berth_ownership_act {
	BERTH_OWNERSHIP_CLAIM,	 /* nobody's unit becomes the asker's, by the code */
	BERTH_OWNERSHIP_RELEASE, /* the asker's becomes nobody's */
	BERTH_OWNERSHIP_TRANSFER /* the asker's becomes another's, whom it names */
};
#define BERTH_OWNERSHIP_ACT_COUNT 3
const char *berth_ownership_act_name(
	enum berth_ownership_act act); /* "claim": the path's end too */
enum berth_err berth_ownership_act_parse(struct berth_bytes name, enum berth_ownership_act *ret,
					 struct berth_why *why) BERTH_MUST;

struct berth_ownership_request {
	enum berth_ownership_act act;
	struct berth_bytes serial_number;
	struct berth_bytes issuer_key_id; /* binary; may be empty */
	struct berth_claim_code code;	  /* claim */
	bool has_next_code;		  /* release */
	struct berth_claim_digest next_code;
	struct berth_bytes owner_certificate; /* transfer: DER of the next owner's domain CA */
	struct berth_bytes owner_name;	      /* transfer; may be empty */
};
void berth_ownership_request_wipe(struct berth_ownership_request *request);
#define BERTH_OWNERSHIP_REQUEST                                                                    \
	BERTH_CLEANUP(berth_ownership_request_wipe) struct berth_ownership_request

/* Views live in arena. */
enum berth_err berth_ownership_request_parse(struct berth_bytes json, enum berth_ownership_act act,
					     struct berth_arena *arena,
					     struct berth_ownership_request *ret,
					     struct berth_why *why) BERTH_MUST;
/* Appends. out holds the code afterwards. */
enum berth_err berth_ownership_request_build(const struct berth_ownership_request *request,
					     struct berth_buf *out,
					     struct berth_why *why) BERTH_MUST;

enum berth_ownership_state { BERTH_OWNERSHIP_OWNED, BERTH_OWNERSHIP_RELEASED };

struct berth_ownership_reply {
	enum berth_ownership_state state;
	struct berth_device_identity identity;
	struct berth_bytes key_sha256; /* of the birth key; may be empty */
	struct berth_bytes model;      /* may be empty */
	struct berth_bytes owner;      /* its name; empty: nobody */
};
enum berth_err berth_ownership_reply_parse(struct berth_bytes json, struct berth_arena *arena,
					   struct berth_ownership_reply *ret,
					   struct berth_why *why) BERTH_MUST;
enum berth_err berth_ownership_reply_build(const struct berth_ownership_reply *reply,
					   struct berth_buf *out, struct berth_why *why) BERTH_MUST;

#endif
