/* SPDX-License-Identifier: BSD-2-Clause */
/* simpleenroll: the permission, the intent before the signature, the certificate. */
#include "role/registrar/judge.h"

#include "role/registrar/signing.h"

static enum berth_err
earlier_certificate(struct berth_registrar_exchange *exchange,
		    const struct berth_registrar_permission *permission, struct berth_bytes *ret,
		    struct berth_why *why)
{
	if (permission->certificate == 0)
		return BERTH_OK;
	struct berth_registrar_certificate certificate;
	enum berth_err err =
		berth_registrar_certificate_get(exchange->role->store, permission->certificate,
						&exchange->arena, &certificate, why);
	if (err)
		return err;
	switch (certificate.credential.state) {
	case BERTH_CREDENTIAL_ISSUED:
		*ret = certificate.der;
		return BERTH_OK;
	case BERTH_CREDENTIAL_FAILED:
		return BERTH_OK;
	case BERTH_CREDENTIAL_INTENT:
		return berth_fail(why, BERTH_E_PENDING, "rfc7030-4.2.3-in-progress",
				  "RFC 7030 4.2.3", "the certificate is being signed; ask again");
	case BERTH_CREDENTIAL_REVOKED:
		break;
	}
	return berth_fail(why, BERTH_E_DENIED, "credential-revoked", NULL,
			  "the certificate for this key was revoked; the device must onboard again "
			  "with a new key");
}

static enum berth_err
use_permission(struct berth_registrar_exchange *exchange, struct berth_bytes *certificate,
	       struct berth_why *why)
{
	struct berth_registrar_device device;
	struct berth_registrar_permission permission;
	const struct berth_est *x = &exchange->est;
	enum berth_err err = berth_exchange_know_device(exchange, false, &device, why);
	if (err == BERTH_E_NOT_FOUND)
		return berth_fail(why, BERTH_E_DENIED, "rfc8995-5.9-no-voucher-step",
				  "RFC 8995 5.9",
				  "this device has not passed the voucher step here");
	if (!err)
		err = berth_device_check_welcome(&device, why);
	if (!err)
		err = berth_registrar_permission_use(
			exchange->role->store, device.row, x->key_digest, x->request_digest,
			berth_judge_now(exchange->role->judge).wall, &permission, why);
	if (err == BERTH_E_NOT_FOUND)
		return berth_fail(why, BERTH_E_DENIED, "rfc8995-5.9-no-permission", "RFC 8995 5.9",
				  "this device may not enrol: its voucher step or the audit log's "
				  "check has not passed");
	if (err)
		return err;
	exchange->permission = permission.row;
	exchange->step = permission.step;
	return earlier_certificate(exchange, &permission, certificate, why);
}

static enum berth_est_event
give_permission(struct berth_registrar_exchange *exchange)
{
	struct berth_bytes certificate = BERTH_BYTES_NONE;
	struct berth_why why = {0};
	switch (use_permission(exchange, &certificate, &why)) {
	case BERTH_OK:
	case BERTH_E_DENIED:
	case BERTH_E_MISMATCH:
	case BERTH_E_EXPIRED:
		return berth_est_answer_permission(&exchange->est, &why, certificate);
	case BERTH_E_SYNTAX:
	case BERTH_E_LIMIT:
	case BERTH_E_UNSUPPORTED:
	case BERTH_E_SIGNATURE:
	case BERTH_E_UNTRUSTED:
	case BERTH_E_PENDING:
	case BERTH_E_NOT_FOUND:
	case BERTH_E_EXISTS:
	case BERTH_E_STATE:
	case BERTH_E_UNREACHABLE:
	case BERTH_E_TIMEOUT:
	case BERTH_E_IO:
	case BERTH_E_MEMORY:
	case BERTH_E_USAGE:
	case BERTH_E_CRYPTO:
	case BERTH_E_INTERNAL:
	case BERTH_E__COUNT:
		break;
	}
	return berth_est_fail(&exchange->est, &why);
}

/* 127 random bits, the top byte never zero, so that it is as long as it looks (RFC 5280 4.1.2.2). */
static void
choose_serial(struct berth_judge *judge, uint8_t serial[BERTH_CERT_SERIAL_BYTES])
{
	struct berth_random random = berth_judge_random(judge);
	berth_random_fill(&random, serial, BERTH_CERT_SERIAL_BYTES);
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
}

static enum berth_err
write_intent(struct berth_registrar_exchange *exchange, const struct berth_issue_ldevid *ask,
	     struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_wall now = berth_judge_now(role->judge).wall;
	struct berth_registrar_certificate wanted = {
		.device = exchange->device,
		.permission = exchange->permission,
		.credential =
			{
				.issuer_key_id = berth_cert_ski(role->issuing.at[0]),
				.serial = berth_bytes_of(ask->serial, sizeof(ask->serial)),
				.subject = ask->serial_number,
				.not_after = {now.s + ask->lifetime_s},
				.state = BERTH_CREDENTIAL_INTENT,
			},
		.made_at = now,
	};
	memcpy(wanted.key_sha256, exchange->est.key_digest, sizeof(wanted.key_sha256));
	enum berth_err err = berth_exchange_note(exchange, BERTH_EVENT_CERTIFICATE_INTENT,
						 "asked of the signer", why);
	return err ? err
		   : berth_registrar_certificate_intent(role->store, &wanted,
							&exchange->certificate, why);
}

/* req: rfc8995-5.9-intent */
static void
ask_signer(struct berth_registrar_exchange *exchange)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_issue_ldevid ask = {
		.serial_number = exchange->seen->peer.serial_number,
		.request = berth_request_der(exchange->est.request),
		.lifetime_s = role->settings->certificate_lifetime_s,
	};
	struct berth_why why = {0};
	BERTH_BUF payload = {0};
	choose_serial(role->judge, ask.serial);
	enum berth_err err = write_intent(exchange, &ask, &why);
	if (!err && berth_issue_ldevid_encode(&ask, &payload))
		err = berth_fail(&why, BERTH_E_LIMIT, "signer-frame", NULL,
				 "the request is too large for the signer");
	if (err) {
		berth_registrar_serve_est(exchange, berth_est_fail(&exchange->est, &why));
		return;
	}
	berth_judge_sign(role->judge, BERTH_REGISTRAR_ISSUE_LDEVID, berth_buf_view(&payload),
			 berth_exchange_cookie(exchange));
}

void
berth_registrar_serve_est(struct berth_registrar_exchange *exchange, enum berth_est_event event)
{
	struct berth_est *x = &exchange->est;
	if (event == BERTH_EST_NEED_PERMISSION)
		event = give_permission(exchange);
	if (event == BERTH_EST_NEED_CERTIFICATE) {
		ask_signer(exchange);
		return;
	}
	berth_exchange_finish(exchange,
			      x->operation == BERTH_EST_SIMPLEENROLL ? "certificate" : NULL,
			      &x->decision, &x->response, &x->why);
}
