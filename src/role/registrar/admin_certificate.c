/* SPDX-License-Identifier: BSD-2-Clause */
/* One certificate, by its serial number: where the registrar's own key was lost, or one of a device's many. */
#include "role/registrar/admin.h"

#include "base/hex.h"
#include "store/registrar_revocation.h"

static enum berth_err
revoke_of_device(struct berth_admin_call *call, struct berth_bytes issuer,
		 struct berth_bytes serial, enum berth_revocation_reason reason)
{
	struct berth_registrar_certificate certificate;
	enum berth_err err = berth_registrar_certificate_find(
		call->role->store, issuer, serial, call->arena, &certificate, &call->why);
	return err ? err
		   : berth_registrar_certificate_revoke(call->role->store, certificate.row, reason,
							berth_judge_now(call->role->judge).wall,
							&call->why);
}

static enum berth_err
revoke(struct berth_admin_call *call, struct berth_bytes serial, const char *hex)
{
	struct berth_registrar_role *role = call->role;
	struct berth_bytes issuer = BERTH_BYTES_NONE;
	struct berth_standing standing = {0};
	const char *sentence = "";
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; !err && !standing.is_known && i < role->domain.n; i++) {
		issuer = berth_cert_ski(role->domain.at[i]);
		err = berth_registrar_standing(role->store, issuer, serial, &standing, &call->why);
	}
	if (!err && !standing.is_known)
		err = berth_fail(
			&call->why, BERTH_E_NOT_FOUND, "certificate-unknown", NULL,
			"this registrar's issuing CAs have issued no certificate with that "
			"serial number");
	if (!err)
		err = berth_admin_read_reason(call, &sentence);
	if (!err)
		err = berth_admin_note(call, BERTH_EVENT_CERTIFICATE_REVOKED, hex, sentence);
	if (err)
		return err;
	err = standing.is_own
		      ? berth_registrar_own_revoke(role->store, issuer, serial,
						   BERTH_REVOKED_KEY_COMPROMISE,
						   berth_judge_now(role->judge).wall, &call->why)
		      : revoke_of_device(call, issuer, serial, BERTH_REVOKED_PRIVILEGE_WITHDRAWN);
	if (!err)
		berth_publish_revoked(role, serial, standing.partition);
	return err;
}

enum berth_err
berth_admin_certificate_revoke(struct berth_admin_call *call, const char *hex)
{
	BERTH_BUF serial = {.limit = BERTH_CREDENTIAL_SERIAL_MAX};
	if (berth_hex_decode(berth_text(hex), &serial, NULL) || serial.n == 0)
		return berth_fail(&call->why, BERTH_E_USAGE, "certificate-serial", NULL,
				  "write the certificate's serial number as hexadecimal digits");
	struct berth_bytes magnitude = berth_buf_view(&serial);
	while (magnitude.n > 0 && magnitude.p[0] == 0)
		magnitude = berth_bytes_of(magnitude.p + 1, magnitude.n - 1);
	enum berth_err err = revoke(call, magnitude, hex);
	if (err)
		return err;
	err = berth_json_set_text(call->reply, "id", berth_text(hex));
	return berth_admin_built(
		call, err ? err : berth_json_set_text(call->reply, "state", BERTH_LIT("revoked")));
}
