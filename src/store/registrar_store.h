/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a registrar remembers. The walk of one onboarding:
 *
 *	berth_registrar_device_seen	the record, from the IDevID of the TLS connection
 *	berth_registrar_step_begin	one voucher step per PVR; the same bytes resent find it
 * again berth_registrar_decision_put	trace
 *	berth_registrar_pending_touch	where an operator must decide: 202
 *	berth_registrar_step_set_rvr	RVR (intent) before it leaves; kept for requestauditlog
 *	berth_registrar_step_set_voucher
 *	berth_registrar_telemetry_put	voucher_status
 *	berth_registrar_step_set_audit
 *	berth_registrar_permission_grant
 *	berth_registrar_permission_use	simpleenroll: fixes the key
 *	berth_registrar_certificate_intent, _issued
 *	berth_registrar_telemetry_put	enrollstatus
 *
 * Acts of operators and refusals are recorded by the caller with berth_audit_append in the same
 * transaction, before the change.
 */
#ifndef BERTH_STORE_REGISTRAR_STORE_H
#define BERTH_STORE_REGISTRAR_STORE_H

#include "model/credential.h"
#include "model/decision.h"
#include "model/device.h"
#include "store/audit.h"

/* ---- devices ---- */
struct berth_registrar_device {
	int64_t row;
	char id[BERTH_DEVICE_ID_MAX];
	struct berth_device_identity identity;
	struct berth_bytes manufacturer; /* our name of the trust anchor */
	struct berth_bytes model;	 /* may be empty */
	struct berth_bytes
		birth_key_sha256;    /* SPKI hash of the IDevID; empty until seen on the wire */
	struct berth_bytes mud_url;  /* may be empty */
	struct berth_bytes masa_url; /* of the IDevID; may be empty */
	struct berth_bytes segment;  /* may be empty */
	enum berth_device_standing state;
	struct berth_wall first_seen;
	struct berth_wall last_seen;
};

/*
 * Makes or refreshes the record; seen: identity, manufacturer, model, birth_key_sha256, mud_url,
 * masa_url.
 * BERTH_E_MISMATCH when the same identity comes with another birth key: a cloned or reissued
 * IDevID, for an operator to look at.
 */
enum berth_err berth_registrar_device_seen(struct berth_store *store,
					   const struct berth_registrar_device *seen,
					   struct berth_wall now, struct berth_arena *arena,
					   struct berth_registrar_device *ret, bool *ret_is_new,
					   struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_device_get(struct berth_store *store, int64_t row,
					  struct berth_arena *arena,
					  struct berth_registrar_device *ret,
					  struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_device_find(struct berth_store *store,
					   const struct berth_device_identity *identity,
					   struct berth_arena *arena,
					   struct berth_registrar_device *ret,
					   struct berth_why *why) BERTH_MUST;
/* name: an id, its hash part (or a unique start of at least 4 characters), or a serial number.
 * EXISTS when several fit. */
enum berth_err berth_registrar_device_find_by_name(struct berth_store *store, const char *name,
						   struct berth_arena *arena,
						   struct berth_registrar_device *ret,
						   struct berth_why *why) BERTH_MUST;
typedef bool berth_registrar_visit_device(void *context,
					  const struct berth_registrar_device *device);
enum berth_err berth_registrar_device_each(struct berth_store *store,
					   berth_registrar_visit_device *visit, void *context,
					   struct berth_why *why) BERTH_MUST;
/* BERTH_E_STATE where the table of model/device.h says no. */
enum berth_err berth_registrar_device_move(struct berth_store *store, int64_t device,
					   enum berth_device_standing to,
					   struct berth_why *why) BERTH_MUST;
/* The same, but where the table says no it stays what it is, and that is no error. */
enum berth_err berth_registrar_device_advance(struct berth_store *store, int64_t device,
					      enum berth_device_standing to,
					      struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_device_set_segment(struct berth_store *store, int64_t device,
						  struct berth_bytes segment,
						  struct berth_why *why) BERTH_MUST;

/* ---- purchase manifests: what we own ---- */
struct berth_registrar_owned {
	struct berth_device_identity identity;
	struct berth_bytes model;	     /* may be empty */
	struct berth_bytes birth_key_sha256; /* may be empty */
	struct berth_bytes manifest;	     /* its name or order number, text */
	struct berth_bytes manufacturer;     /* our name for it; may be empty */
	struct berth_bytes masa_url;	     /* as the manifest says; may be empty */
	struct berth_wall loaded_at;	     /* set by load */
};

/* Same line again: harmless. BERTH_E_EXISTS, naming the field, when it is there with another key or
 * model. */
enum berth_err berth_registrar_owned_load(struct berth_store *store,
					  const struct berth_registrar_owned *owned,
					  struct berth_wall now, bool *ret_is_new,
					  struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_owned_find(struct berth_store *store,
					  const struct berth_device_identity *identity,
					  struct berth_arena *arena,
					  struct berth_registrar_owned *ret,
					  struct berth_why *why) BERTH_MUST;

/* It is ours no more; harmless where it never was. */
enum berth_err berth_registrar_owned_drop(struct berth_store *store,
					  const struct berth_device_identity *identity,
					  struct berth_why *why) BERTH_MUST;

/* NOT_FOUND for none, EXISTS when units of several manufacturers have this serial number. */
enum berth_err berth_registrar_owned_find_by_serial(struct berth_store *store,
						    struct berth_bytes serial_number,
						    struct berth_arena *arena,
						    struct berth_registrar_owned *ret,
						    struct berth_why *why) BERTH_MUST;

/* ---- vouchers made ahead, without a nonce (RFC 8995 5.5.6): one of each device ---- */
struct berth_registrar_stored_voucher {
	int64_t row; /* set by the store */
	struct berth_device_identity identity;
	struct berth_bytes manufacturer; /* our name for it */
	struct berth_bytes masa_url;	 /* whom to ask for the next one; may be empty */
	struct berth_bytes der;		 /* signed by its MASA */
	struct berth_wall created_on;
	struct berth_wall expires;
	struct berth_wall last_renewal; /* last-renewal-date; 0: none was promised */
	struct berth_bytes added_by;	/* login name, or "renewal" */
	struct berth_wall added_at;
	struct berth_wall next_try; /* of its renewal; 0: when it is due */
};

/* In place of the one that is there; BERTH_E_EXISTS when that one holds longer. A masa_url that is empty keeps what is stored. */
enum berth_err berth_registrar_voucher_keep(struct berth_store *store,
					    const struct berth_registrar_stored_voucher *voucher,
					    struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_voucher_find(struct berth_store *store,
					    const struct berth_device_identity *identity,
					    struct berth_arena *arena,
					    struct berth_registrar_stored_voucher *ret,
					    struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_voucher_drop(struct berth_store *store,
					    const struct berth_device_identity *identity,
					    struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_voucher_retry_at(struct berth_store *store, int64_t row,
						struct berth_wall at,
						struct berth_why *why) BERTH_MUST;
typedef bool berth_registrar_visit_voucher(void *context,
					   const struct berth_registrar_stored_voucher *voucher);
/* The first to expire first. Views live until visit returns. */
enum berth_err berth_registrar_voucher_each(struct berth_store *store,
					    berth_registrar_visit_voucher *visit, void *context,
					    struct berth_why *why) BERTH_MUST;

/* ---- decisions ---- */
/* about: "voucher", "audit", "enrol"; all are kept. step 0: none. */
enum berth_err berth_registrar_decision_put(struct berth_store *store, int64_t device, int64_t step,
					    const char *about,
					    const struct berth_decision *decision,
					    struct berth_wall now,
					    struct berth_why *why) BERTH_MUST;
/*
 * The same for whoever may ask as often as he likes: nothing is written where the newest decision about this says the same and is
 * younger than within_s.
 */
enum berth_err berth_registrar_decision_put_changed(struct berth_store *store, int64_t device,
						    const char *about,
						    const struct berth_decision *decision,
						    struct berth_wall now, int64_t within_s,
						    struct berth_why *why) BERTH_MUST;
struct berth_registrar_decision {
	int64_t row;
	int64_t step;
	struct berth_bytes about;
	enum berth_outcome outcome;
	struct berth_wall at;
	struct berth_bytes json; /* berth_decision_parse reads it */
};
typedef bool berth_registrar_visit_decision(void *context,
					    const struct berth_registrar_decision *decision);
/* Newest first; views live until visit returns. */
enum berth_err berth_registrar_decision_each(struct berth_store *store, int64_t device,
					     berth_registrar_visit_decision *visit, void *context,
					     struct berth_why *why) BERTH_MUST;

/* ---- approvals by an operator ---- */
enum berth_registrar_approval_state {
	BERTH_REGISTRAR_APPROVAL_NONE, /* nobody was asked */
	BERTH_REGISTRAR_APPROVAL_WAITING,
	BERTH_REGISTRAR_APPROVAL_APPROVED,
	BERTH_REGISTRAR_APPROVAL_DENIED,
};

struct berth_registrar_approval {
	int64_t device;
	enum berth_registrar_approval_state state;
	struct berth_wall first_asked;
	struct berth_wall last_asked;
	int64_t times_asked;
	struct berth_bytes summary;    /* one sentence for the operator */
	struct berth_bytes decided_by; /* login name */
	struct berth_wall decided_at;
	struct berth_bytes reason; /* may be empty */
};

/* The device waits (again). Keeps an approval or denial that is there. */
enum berth_err berth_registrar_pending_touch(struct berth_store *store, int64_t device,
					     const char *summary, struct berth_wall now,
					     struct berth_why *why) BERTH_MUST;
/* state NONE, not an error, when nobody was asked. */
enum berth_err berth_registrar_approval_get(struct berth_store *store, int64_t device,
					    struct berth_arena *arena,
					    struct berth_registrar_approval *ret,
					    struct berth_why *why) BERTH_MUST;
/* Approves or denies; also before the device was seen waiting. A later word replaces an earlier
 * one. */
enum berth_err berth_registrar_approval_set(struct berth_store *store, int64_t device,
					    bool approved, const char *by, const char *reason,
					    struct berth_wall now,
					    struct berth_why *why) BERTH_MUST;
/* The word is used up (a device that left or was revoked must be asked for anew). */
enum berth_err berth_registrar_approval_clear(struct berth_store *store, int64_t device,
					      struct berth_why *why) BERTH_MUST;
typedef bool berth_registrar_visit_approval(void *context,
					    const struct berth_registrar_approval *approval);
/* Those that wait, longest first. */
enum berth_err berth_registrar_pending_each(struct berth_store *store,
					    berth_registrar_visit_approval *visit, void *context,
					    struct berth_why *why) BERTH_MUST;

/* ---- voucher steps ---- */
enum berth_registrar_step_state {
	BERTH_STEP_ASKED,     /* PVR accepted, decision pending */
	BERTH_STEP_REQUESTED, /* the MASA was asked by this RVR, and gave no voucher yet */
	BERTH_STEP_VOUCHER,   /* voucher here, forwarded */
	BERTH_STEP_REFUSED,   /* by us or by the MASA */
	BERTH_STEP_ACCEPTED,  /* voucher_status true */
	BERTH_STEP_REJECTED,  /* voucher_status false */
};
const char *berth_registrar_step_state_name(enum berth_registrar_step_state state);

struct berth_registrar_step {
	int64_t row;
	int64_t device;
	struct berth_bytes nonce;
	uint8_t pvr_sha256[BERTH_DIGEST_BYTES];
	struct berth_bytes pvr; /* the bytes: prior-signed-voucher-request, also after a restart */
	uint8_t registrar_cert_sha256[BERTH_DIGEST_BYTES]; /* our TLS end entity on that connection
							      (checklist 31) */
	struct berth_bytes
		connection;	 /* JSON: TLS version, peer address, net process and connection */
	struct berth_bytes masa; /* authority asked; text */
	enum berth_registrar_step_state state;
	struct berth_bytes rvr;		  /* bytes; empty before */
	struct berth_bytes voucher;	  /* bytes; empty before */
	int64_t status;			  /* HTTP status sent when refused; 0 */
	struct berth_bytes reason;	  /* sentence when refused or rejected */
	struct berth_bytes audit_finding; /* "", "unknown", "clean", "violation" */
	struct berth_bytes audit_json;	  /* the MASA's answer as received; may be empty */
	struct berth_wall asked_at;
	struct berth_wall changed_at;
};

/* wanted: device .. masa, asked_at. Unique by (device, pvr_sha256): *ret_is_new false and *ret as
 * stored for the same bytes. */
enum berth_err berth_registrar_step_begin(struct berth_store *store,
					  const struct berth_registrar_step *wanted,
					  struct berth_arena *arena,
					  struct berth_registrar_step *ret, bool *ret_is_new,
					  struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_step_get(struct berth_store *store, int64_t row,
					struct berth_arena *arena, struct berth_registrar_step *ret,
					struct berth_why *why) BERTH_MUST;
/* The device's newest. */
enum berth_err berth_registrar_step_latest(struct berth_store *store, int64_t device,
					   struct berth_arena *arena,
					   struct berth_registrar_step *ret,
					   struct berth_why *why) BERTH_MUST;
/* Either, without pvr, rvr, voucher and audit_json: most of a step's bytes, each from a row of its own. */
enum berth_err berth_registrar_step_peek(struct berth_store *store, int64_t row,
					 struct berth_arena *arena,
					 struct berth_registrar_step *ret,
					 struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_step_peek_latest(struct berth_store *store, int64_t device,
						struct berth_arena *arena,
						struct berth_registrar_step *ret,
						struct berth_why *why) BERTH_MUST;
/* What the MASA was asked in a step; empty when it was not. */
enum berth_err berth_registrar_step_rvr(struct berth_store *store, int64_t row,
					struct berth_arena *arena, struct berth_bytes *ret,
					struct berth_why *why) BERTH_MUST;
/* asked -> requested. Again (a new RVR for the same PVR, after a lost answer): replaces it while no
 * voucher is there. */
enum berth_err berth_registrar_step_set_rvr(struct berth_store *store, int64_t row,
					    struct berth_bytes rvr, struct berth_wall now,
					    struct berth_why *why) BERTH_MUST;
/* requested -> voucher. */
enum berth_err berth_registrar_step_set_voucher(struct berth_store *store, int64_t row,
						struct berth_bytes voucher, struct berth_wall now,
						struct berth_why *why) BERTH_MUST;
/* asked, requested -> refused. */
enum berth_err berth_registrar_step_refuse(struct berth_store *store, int64_t row, int64_t status,
					   const char *reason, struct berth_wall now,
					   struct berth_why *why) BERTH_MUST;
/* voucher -> accepted | rejected, the device's word. */
enum berth_err berth_registrar_step_set_status(struct berth_store *store, int64_t row,
					       bool accepted, const char *reason,
					       struct berth_wall now,
					       struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_step_set_audit(struct berth_store *store, int64_t row,
					      const char *finding, struct berth_bytes json,
					      struct berth_wall now,
					      struct berth_why *why) BERTH_MUST;
typedef bool berth_registrar_visit_step(void *context, const struct berth_registrar_step *step);
/* Steps whose RVR left and whose voucher never came. Views live until visit returns. */
enum berth_err berth_registrar_step_each_open(struct berth_store *store,
					      berth_registrar_visit_step *visit, void *context,
					      struct berth_why *why) BERTH_MUST;

/* ---- enrolment permission: a single-use row with an expiry ---- */
struct berth_registrar_permission {
	int64_t row;
	int64_t device;
	int64_t step;
	struct berth_wall expires;
	bool is_used;				/* the key is fixed */
	uint8_t key_sha256[BERTH_DIGEST_BYTES]; /* SPKI hash of the CSR */
	uint8_t csr_sha256[BERTH_DIGEST_BYTES];
	int64_t certificate; /* row once an intent stands; 0 */
};

/* One open permission per device: a new one replaces an unused or used one of an earlier step. The
 * same (device, step) again: unchanged. */
enum berth_err berth_registrar_permission_grant(struct berth_store *store, int64_t device,
						int64_t step, struct berth_wall expires,
						struct berth_why *why) BERTH_MUST;
/*
 * First use fixes the key. Again with the same key: the same row (ret->certificate leads to what
 * was issued). NOT_FOUND: none; EXPIRED; MISMATCH: another key than the first.
 */
enum berth_err berth_registrar_permission_use(struct berth_store *store, int64_t device,
					      const uint8_t key_sha256[BERTH_DIGEST_BYTES],
					      const uint8_t csr_sha256[BERTH_DIGEST_BYTES],
					      struct berth_wall now,
					      struct berth_registrar_permission *ret,
					      struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_permission_get(struct berth_store *store, int64_t device,
					      struct berth_registrar_permission *ret,
					      struct berth_why *why) BERTH_MUST;
/* Takes it away (denied, revoked). Without one: nothing. */
enum berth_err berth_registrar_permission_drop(struct berth_store *store, int64_t device,
					       struct berth_why *why) BERTH_MUST;

/* ---- requests that need no voucher step's permission: renewals, clients of EST alone ---- */
#define BERTH_REGISTRAR_EST_REQUESTS_A_DAY                                                         \
	48 /* of one device: a renewal each half hour is the quickest that makes sense */

struct berth_registrar_est_request {
	int64_t row;
	int64_t device;
	int64_t renews;		  /* certificate; 0: a first one */
	struct berth_bytes label; /* of the path; may be empty */
	uint8_t csr_sha256[BERTH_DIGEST_BYTES];
	uint8_t key_sha256[BERTH_DIGEST_BYTES];
	int64_t certificate; /* row once an intent stands; 0 */
};

/*
 * The row of this request, made when there is none: the same device, renewed certificate and bytes find the same row.
 * A first certificate that has ended counts no more: its row is free for another intent. wanted: device .. key_sha256.
 * BERTH_E_LIMIT when the device made more than BERTH_REGISTRAR_EST_REQUESTS_A_DAY new ones within a day.
 * MISMATCH: the same bytes came under another label.
 */
enum berth_err berth_registrar_est_request_take(struct berth_store *store,
						const struct berth_registrar_est_request *wanted,
						struct berth_wall now,
						struct berth_registrar_est_request *ret,
						struct berth_why *why) BERTH_MUST;

/* ---- certificates ---- */
struct berth_registrar_certificate {
	int64_t row;
	int64_t device;
	int64_t permission;  /* 0: none, but est_request */
	int64_t est_request; /* for the intent alone; 0: none */
	struct berth_credential credential;
	uint8_t key_sha256[BERTH_DIGEST_BYTES];
	struct berth_bytes der; /* empty until issued */
	struct berth_wall made_at;
	struct berth_wall revoked_at;
	enum berth_revocation_reason revocation_reason;
};

/*
 * Takes the serial before the signature: EXISTS when it was ever taken from this issuer. Sets the
 * permission's (or request's) certificate; BERTH_E_STATE when it has an intent or a certificate that
 * did not fail. wanted: device, permission, credential (state INTENT), key_sha256, made_at.
 */
enum berth_err berth_registrar_certificate_intent(struct berth_store *store,
						  const struct berth_registrar_certificate *wanted,
						  int64_t *ret_row,
						  struct berth_why *why) BERTH_MUST;
/* intent -> issued; the same bytes again are harmless. */
enum berth_err berth_registrar_certificate_issued(struct berth_store *store, int64_t row,
						  struct berth_bytes der,
						  struct berth_why *why) BERTH_MUST;
/*
 * One that the signer released and this store has no word of: it was restored from before. Issued, of a device that is
 * known, without a permission. BERTH_E_EXISTS: it is known.
 */
enum berth_err berth_registrar_certificate_found(struct berth_store *store,
						 const struct berth_registrar_certificate *found,
						 struct berth_why *why) BERTH_MUST;
/* intent -> failed; the permission is free for another intent with the same key. */
enum berth_err berth_registrar_certificate_failed(struct berth_store *store, int64_t row,
						  struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_certificate_get(struct berth_store *store, int64_t row,
					       struct berth_arena *arena,
					       struct berth_registrar_certificate *ret,
					       struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_certificate_find(struct berth_store *store,
						struct berth_bytes issuer_key_id,
						struct berth_bytes serial,
						struct berth_arena *arena,
						struct berth_registrar_certificate *ret,
						struct berth_why *why) BERTH_MUST;
/* issued or intent -> revoked; again: unchanged. */
enum berth_err berth_registrar_certificate_revoke(struct berth_store *store, int64_t row,
						  enum berth_revocation_reason reason,
						  struct berth_wall now,
						  struct berth_why *why) BERTH_MUST;
typedef bool berth_registrar_visit_certificate(
	void *context, const struct berth_registrar_certificate *certificate);
/* Of one device, newest first; device 0: of all. */
enum berth_err berth_registrar_certificate_each(struct berth_store *store, int64_t device,
						berth_registrar_visit_certificate *visit,
						void *context, struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_certificate_each_revoked(struct berth_store *store,
							berth_registrar_visit_certificate *visit,
							void *context,
							struct berth_why *why) BERTH_MUST;
/* For recovery at start. */
enum berth_err berth_registrar_certificate_each_intent(struct berth_store *store,
						       berth_registrar_visit_certificate *visit,
						       void *context,
						       struct berth_why *why) BERTH_MUST;

/* ---- telemetry ---- */
enum berth_telemetry_kind { BERTH_TELEMETRY_VOUCHER_STATUS, BERTH_TELEMETRY_ENROL_STATUS };

struct berth_registrar_telemetry {
	int64_t device;
	int64_t step; /* 0: none */
	enum berth_telemetry_kind kind;
	bool ok;
	struct berth_bytes reason;	   /* text, may be empty */
	struct berth_bytes context;	   /* JSON, may be empty */
	bool session_used_new_certificate; /* checklist 30, enrolment status only */
	struct berth_wall at;
};
enum berth_err berth_registrar_telemetry_put(struct berth_store *store,
					     const struct berth_registrar_telemetry *telemetry,
					     struct berth_why *why) BERTH_MUST;
typedef bool berth_registrar_visit_telemetry(void *context,
					     const struct berth_registrar_telemetry *telemetry);
/* Newest first. */
enum berth_err berth_registrar_telemetry_each(struct berth_store *store, int64_t device,
					      berth_registrar_visit_telemetry *visit, void *context,
					      struct berth_why *why) BERTH_MUST;

#endif
