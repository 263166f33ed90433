/* SPDX-License-Identifier: BSD-2-Clause */
/* One call of the admin API, for admin*.c. */
#ifndef BERTH_ROLE_REGISTRAR_ADMIN_H
#define BERTH_ROLE_REGISTRAR_ADMIN_H

#include "codec/json.h"
#include "role/registrar/judge.h"

struct berth_admin_call {
	struct berth_registrar_role *role;
	const struct berth_http_request *http;
	const char *user; /* login name of the peer on the socket */
	struct berth_arena *arena;
	json_t *reply; /* an object to fill */
	struct berth_ticket *ticket;
	bool is_taken; /* the handler will reply on ticket when it knows the answer */
	struct berth_why why;
};

/* name: what berth_registrar_device_find_by_name takes. All fill call->reply, or call->why. */
enum berth_err berth_admin_devices(struct berth_admin_call *call) BERTH_MUST;
enum berth_err berth_admin_device_show(struct berth_admin_call *call, const char *name) BERTH_MUST;
enum berth_err berth_admin_device_explain(struct berth_admin_call *call,
					  const char *name) BERTH_MUST;
enum berth_err berth_admin_device_approve(struct berth_admin_call *call,
					  const char *name) BERTH_MUST;
enum berth_err berth_admin_device_deny(struct berth_admin_call *call, const char *name) BERTH_MUST;
enum berth_err berth_admin_device_revoke(struct berth_admin_call *call,
					 const char *name) BERTH_MUST;

/* ownership.c: asked at the MASA. name may be the serial number of a unit that is new to us when it is claimed. */
enum berth_err berth_admin_device_claim(struct berth_admin_call *call, const char *name) BERTH_MUST;
enum berth_err berth_admin_device_release(struct berth_admin_call *call,
					  const char *name) BERTH_MUST;
enum berth_err berth_admin_device_transfer(struct berth_admin_call *call,
					   const char *name) BERTH_MUST;

/* admin_manifest.c */
#define BERTH_ADMIN_MANIFESTS_PATH "/v1/manifests"
enum berth_err berth_admin_manifest(struct berth_admin_call *call) BERTH_MUST;

/* offline.c: vouchers made ahead */
enum berth_err berth_admin_vouchers(struct berth_admin_call *call) BERTH_MUST;
enum berth_err berth_admin_voucher_add(struct berth_admin_call *call) BERTH_MUST;
/* name: as of a device, or the serial number of a unit that a manifest names. */
enum berth_err berth_admin_voucher_request(struct berth_admin_call *call,
					   const char *name) BERTH_MUST;
enum berth_err berth_admin_voucher_fetch(struct berth_admin_call *call,
					 const char *name) BERTH_MUST;
enum berth_err berth_admin_voucher_drop(struct berth_admin_call *call, const char *name) BERTH_MUST;

/* campaign.c */
enum berth_err berth_admin_campaign(struct berth_admin_call *call) BERTH_MUST;
enum berth_err berth_admin_campaign_start(struct berth_admin_call *call) BERTH_MUST;
enum berth_err berth_admin_campaign_pause(struct berth_admin_call *call) BERTH_MUST;
enum berth_err berth_admin_campaign_resume(struct berth_admin_call *call) BERTH_MUST;
enum berth_err berth_admin_campaign_cancel(struct berth_admin_call *call) BERTH_MUST;
enum berth_err berth_admin_campaign_report(struct berth_admin_call *call) BERTH_MUST;

/* For a handler that took the ticket. */
void berth_admin_reply(struct berth_registrar_role *role, struct berth_ticket *ticket,
		       const json_t *reply);
void berth_admin_reply_error(struct berth_registrar_role *role, struct berth_ticket *ticket,
			     enum berth_err err, const struct berth_why *why);

/* The body's "reason"; an empty body gives none. */
enum berth_err berth_admin_read_reason(struct berth_admin_call *call, const char **ret) BERTH_MUST;
/* text: a serial number in hex; a device's or the registrar's own. */
enum berth_err berth_admin_certificate_revoke(struct berth_admin_call *call,
					      const char *hex) BERTH_MUST;

/* Into the audit log (before the act, in its transaction) and the log: who did what to which, and why. */
enum berth_err berth_admin_note(struct berth_admin_call *call, enum berth_event_kind event,
				const char *subject, const char *reason) BERTH_MUST;
/* err as it is, with a reason in call->why when the reply could not be built. */
enum berth_err berth_admin_built(struct berth_admin_call *call, enum berth_err err) BERTH_MUST;

#endif
