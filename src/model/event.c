/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/event.h"

static const char *const names[BERTH_EVENT__COUNT] = {
	[BERTH_EVENT_DEVICE_SEEN] = "device.seen",
	[BERTH_EVENT_DEVICE_PENDING] = "device.pending",
	[BERTH_EVENT_DEVICE_APPROVED] = "device.approved",
	[BERTH_EVENT_DEVICE_DENIED] = "device.denied",
	[BERTH_EVENT_DEVICE_STATE] = "device.state",
	[BERTH_EVENT_DEVICE_REVOKED] = "device.revoked",
	[BERTH_EVENT_VOUCHER_REQUESTED] = "voucher.requested",
	[BERTH_EVENT_VOUCHER_FORWARDED] = "voucher.forwarded",
	[BERTH_EVENT_VOUCHER_REFUSED] = "voucher.refused",
	[BERTH_EVENT_VOUCHER_STATUS] = "voucher.status",
	[BERTH_EVENT_AUDIT_LOG_CHECKED] = "audit-log.checked",
	[BERTH_EVENT_ENROL_PERMITTED] = "enrol.permitted",
	[BERTH_EVENT_ENROL_REFUSED] = "enrol.refused",
	[BERTH_EVENT_CERTIFICATE_INTENT] = "certificate.intent",
	[BERTH_EVENT_CERTIFICATE_ISSUED] = "certificate.issued",
	[BERTH_EVENT_CERTIFICATE_REVOKED] = "certificate.revoked",
	[BERTH_EVENT_ENROL_STATUS] = "enrol.status",
	[BERTH_EVENT_MANIFEST_LOADED] = "manifest.loaded",
	[BERTH_EVENT_VOUCHER_STORED] = "voucher.stored",
	[BERTH_EVENT_CAMPAIGN] = "fleet.rekey",
	[BERTH_EVENT_OWNERSHIP_ASKED] = "ownership.asked",
	[BERTH_EVENT_OWNERSHIP_ANSWERED] = "ownership.answered",
	[BERTH_EVENT_DEVICE_ADDED] = "device.added",
	[BERTH_EVENT_CONNECTOR_INTENT] = "connector.intent",
	[BERTH_EVENT_CONNECTOR_RESULT] = "connector.result",
	[BERTH_EVENT_RENEWAL_WANTED] = "connector.renewal-wanted",
	[BERTH_EVENT_PERMIT_JOIN] = "network.permit-join",
	[BERTH_EVENT_PKEX] = "network.pkex",
	[BERTH_EVENT_PASSWORDS_TOLD] = "network.passwords-told",
	[BERTH_EVENT_UNITS_LOADED] = "units.loaded",
	[BERTH_EVENT_UNIT_STATUS] = "unit.status",
	[BERTH_EVENT_OWNER_SET] = "owner.set",
	[BERTH_EVENT_OWNER_ENDED] = "owner.ended",
	[BERTH_EVENT_OWNERSHIP_REFUSED] = "ownership.refused",
	[BERTH_EVENT_VOUCHER_INTENT] = "voucher.intent",
	[BERTH_EVENT_VOUCHER_ISSUED] = "voucher.issued",
	[BERTH_EVENT_VOUCHER_DENIED] = "voucher.denied",
	[BERTH_EVENT_AUDIT_LOG_SERVED] = "audit-log.served",
	[BERTH_EVENT_AUDIT_LOG_REFUSED] = "audit-log.refused",
	[BERTH_EVENT_STARTED] = "daemon.started",
	[BERTH_EVENT_STOPPED] = "daemon.stopped",
	[BERTH_EVENT_CONFIGURATION] = "daemon.configuration",
	[BERTH_EVENT_ADMIN] = "admin.request",
	[BERTH_EVENT_STORE_RESTORED] = "store.restored",
	[BERTH_EVENT_ISSUANCE_FORGOTTEN] = "issuance.forgotten",
};

const char *
berth_event_name(enum berth_event_kind kind)
{
	return names[kind];
}

enum berth_err
berth_event_parse(struct berth_bytes name, enum berth_event_kind *ret, struct berth_why *why)
{
	for (unsigned i = 0; i < BERTH_EVENT__COUNT; i++) {
		if (berth_bytes_equal_text(name, names[i])) {
			*ret = (enum berth_event_kind)i;
			return BERTH_OK;
		}
	}
	return berth_fail(why, BERTH_E_UNSUPPORTED, "event-name", NULL, "there is no such event");
}
