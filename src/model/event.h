/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happened, by one name everywhere: the log line's event=, the audit log's event column, the
 * console. The list is closed; a new kind is a new line here and in event.c.
 */
#ifndef BERTH_MODEL_EVENT_H
#define BERTH_MODEL_EVENT_H

#include "base/time.h"

enum berth_event_kind {
	/* owner's side */
	BERTH_EVENT_DEVICE_SEEN,
	BERTH_EVENT_DEVICE_PENDING,
	BERTH_EVENT_DEVICE_APPROVED,
	BERTH_EVENT_DEVICE_DENIED,
	BERTH_EVENT_DEVICE_STATE,
	BERTH_EVENT_DEVICE_REVOKED,
	BERTH_EVENT_VOUCHER_REQUESTED,
	BERTH_EVENT_VOUCHER_FORWARDED,
	BERTH_EVENT_VOUCHER_REFUSED,
	BERTH_EVENT_VOUCHER_STATUS,
	BERTH_EVENT_AUDIT_LOG_CHECKED,
	BERTH_EVENT_ENROL_PERMITTED,
	BERTH_EVENT_ENROL_REFUSED,
	BERTH_EVENT_CERTIFICATE_INTENT,
	BERTH_EVENT_CERTIFICATE_ISSUED,
	BERTH_EVENT_CERTIFICATE_REVOKED,
	BERTH_EVENT_ENROL_STATUS,
	BERTH_EVENT_MANIFEST_LOADED,
	BERTH_EVENT_VOUCHER_STORED, /* one made ahead */
	BERTH_EVENT_CAMPAIGN,	    /* re-keying the fleet */
	BERTH_EVENT_OWNERSHIP_ASKED,
	BERTH_EVENT_OWNERSHIP_ANSWERED,
	BERTH_EVENT_DEVICE_ADDED,     /* its bootstrapping key, by an operator */
	BERTH_EVENT_CONNECTOR_INTENT, /* Wi-Fi Easy Connect: about to be signed */
	BERTH_EVENT_CONNECTOR_RESULT, /* the device's word */
	BERTH_EVENT_RENEWAL_WANTED,   /* of a device's configuration */
	BERTH_EVENT_PERMIT_JOIN,      /* opened or closed */
	BERTH_EVENT_PKEX,	      /* a code's window opened or closed, or somebody guessed */
	BERTH_EVENT_PASSWORDS_TOLD,   /* of Wi-Fi networks, to an operator */
	/* manufacturer's side */
	BERTH_EVENT_UNITS_LOADED,
	BERTH_EVENT_UNIT_STATUS,
	BERTH_EVENT_OWNER_SET,
	BERTH_EVENT_OWNER_ENDED,
	BERTH_EVENT_OWNERSHIP_REFUSED,
	BERTH_EVENT_VOUCHER_INTENT,
	BERTH_EVENT_VOUCHER_ISSUED,
	BERTH_EVENT_VOUCHER_DENIED,
	BERTH_EVENT_AUDIT_LOG_SERVED,
	BERTH_EVENT_AUDIT_LOG_REFUSED,
	/* both */
	BERTH_EVENT_STARTED,
	BERTH_EVENT_STOPPED,
	BERTH_EVENT_CONFIGURATION,
	BERTH_EVENT_ADMIN,
	BERTH_EVENT_STORE_RESTORED,	/* from a backup */
	BERTH_EVENT_ISSUANCE_FORGOTTEN, /* the signer released it, the restored store did not know */
	BERTH_EVENT__COUNT
};

const char *berth_event_name(enum berth_event_kind kind); /* "device.denied" */
/* BERTH_E_UNSUPPORTED for a name not in the list. */
enum berth_err berth_event_parse(struct berth_bytes name, enum berth_event_kind *ret,
				 struct berth_why *why) BERTH_MUST;

#endif
