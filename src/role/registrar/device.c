/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/gateway.h"

#include "store/registrar_revocation.h"

#include "codec/json_write.h"

#include <stdio.h>

#define USERS_KEY                                                                                  \
	"berth:est-user" /* neither a key's identifier nor a hash: no honest manufacturer's */

static struct berth_device_identity
identity_of(const struct berth_peer *peer)
{
	return (struct berth_device_identity){
		.manufacturer_key = berth_peer_issuer(peer),
		.serial_number = peer->serial_number,
	};
}

/* What cannot be a MASA's is not kept: the exchange is refused for it, and nobody should ask there later. */
static struct berth_bytes
masa_of(const struct berth_cert *idevid)
{
	struct berth_masa_url parsed;
	struct berth_why ignored = {0};
	struct berth_bytes url = berth_cert_masa_url(idevid);
	return url.n > 0 && url.n <= BERTH_MASA_URL_MAX &&
			       !berth_masa_url_parse(url, &parsed, &ignored)
		       ? url
		       : BERTH_BYTES_NONE;
}

/* The order's model where we have the order, else the unit field of the IDevID's name. */
static enum berth_err
find_model(struct berth_registrar_exchange *exchange, const struct berth_device_identity *identity,
	   struct berth_bytes *ret, struct berth_why *why)
{
	struct berth_registrar_owned owned;
	enum berth_err err = berth_registrar_owned_find(exchange->role->store, identity,
							&exchange->arena, &owned, why);
	*ret = berth_cert_subject_unit(berth_peer_cert(&exchange->seen->peer));
	if (!err && owned.model.n > 0)
		*ret = owned.model;
	return err == BERTH_E_NOT_FOUND ? BERTH_OK : err;
}

static enum berth_err
make_or_refresh(struct berth_registrar_exchange *exchange, struct berth_registrar_device *ret,
		struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	const struct berth_peer *peer = &exchange->seen->peer;
	uint8_t key[BERTH_SHA256_BYTES];
	if (berth_sha256(role->pki, berth_key_spki(berth_cert_key(berth_peer_cert(peer))), key))
		return berth_fail(why, BERTH_E_CRYPTO, "sha256", NULL,
				  "the key's digest could not be made");
	const struct berth_device_identity identity = identity_of(peer);
	struct berth_bytes model;
	enum berth_err err = find_model(exchange, &identity, &model, why);
	if (err)
		return err;
	const struct berth_registrar_device wanted = {
		.identity = identity,
		.manufacturer = berth_text(peer->manufacturer->name),
		.model = model,
		.birth_key_sha256 = berth_bytes_of(key, sizeof(key)),
		.mud_url = berth_cert_mud_url(berth_peer_cert(peer)),
		.masa_url = masa_of(berth_peer_cert(peer)),
	};
	bool is_new = false;
	err = berth_registrar_device_seen(role->store, &wanted, berth_judge_now(role->judge).wall,
					  &exchange->arena, ret, &is_new, why);
	if (err)
		return err;
	exchange->device = ret->row;
	memcpy(exchange->device_id, ret->id, sizeof(exchange->device_id));
	return is_new ? berth_exchange_note(exchange, BERTH_EVENT_DEVICE_SEEN, "first seen", why)
		      : BERTH_OK;
}

static enum berth_err
find_ldevid(struct berth_registrar_exchange *exchange, struct berth_registrar_device *ret,
	    struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	const struct berth_peer *peer = &exchange->seen->peer;
	struct berth_registrar_certificate certificate;
	enum berth_err err = berth_registrar_certificate_find(
		role->store, berth_peer_issuer(peer), berth_cert_serial(berth_peer_cert(peer)),
		&exchange->arena, &certificate, why);
	if (err)
		return err;
	if (certificate.credential.state != BERTH_CREDENTIAL_ISSUED)
		return berth_fail(why, BERTH_E_DENIED, "credential-revoked", NULL,
				  "the certificate on this connection is %s",
				  berth_credential_state_name(certificate.credential.state));
	exchange->renewed = certificate.row;
	return berth_registrar_device_get(role->store, certificate.device, &exchange->arena, ret,
					  why);
}

/* So that the refusal stands in the device's own record. */
static void
find_refused(struct berth_registrar_exchange *exchange)
{
	const struct berth_peer *peer = &exchange->seen->peer;
	struct berth_registrar_certificate certificate;
	struct berth_registrar_device device;
	struct berth_why why = {0};
	if (berth_registrar_certificate_find(exchange->role->store, berth_peer_issuer(peer),
					     berth_cert_serial(berth_peer_cert(peer)),
					     &exchange->arena, &certificate, &why) ||
	    berth_registrar_device_get(exchange->role->store, certificate.device, &exchange->arena,
				       &device, &why))
		return;
	exchange->device = device.row;
	memcpy(exchange->device_id, device.id, sizeof(exchange->device_id));
}

enum berth_err
berth_exchange_check_standing(struct berth_registrar_exchange *exchange, struct berth_why *why)
{
	const struct berth_peer *peer = &exchange->seen->peer;
	struct berth_standing found;
	if (peer->kind != BERTH_PEER_LDEVID)
		return BERTH_OK;
	enum berth_err err =
		berth_registrar_standing(exchange->role->store, berth_peer_issuer(peer),
					 berth_cert_serial(berth_peer_cert(peer)), &found, why);
	if (err)
		return err;
	const struct berth_peer_standing standing = {.is_known = found.is_known,
						     .is_revoked = found.is_revoked};
	err = berth_peer_check_standing(peer, &standing, why);
	if (err)
		find_refused(exchange);
	return err;
}

/* A key identifier and a serial number are what a CA says; that the device is the one of the record, its key says. */
/* req: rfc8995-5-same-certificates */
static enum berth_err
find_idevid(struct berth_registrar_exchange *exchange, struct berth_registrar_device *ret,
	    struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	const struct berth_peer *peer = &exchange->seen->peer;
	const struct berth_device_identity identity = identity_of(peer);
	uint8_t key[BERTH_SHA256_BYTES];
	enum berth_err err =
		berth_registrar_device_find(role->store, &identity, &exchange->arena, ret, why);
	if (err)
		return err;
	if (berth_sha256(role->pki, berth_key_spki(berth_cert_key(berth_peer_cert(peer))), key))
		return berth_fail(why, BERTH_E_CRYPTO, "sha256", NULL,
				  "the key's digest could not be made");
	if (ret->birth_key_sha256.n == 0 ||
	    berth_bytes_equal(ret->birth_key_sha256, berth_bytes_of(key, sizeof(key))))
		return BERTH_OK;
	return berth_fail(why, BERTH_E_DENIED, "device-birth-key-changed", NULL,
			  "device %s has shown another birth key before: this is not it", ret->id);
}

enum berth_err
berth_exchange_know_device(struct berth_registrar_exchange *exchange, bool make,
			   struct berth_registrar_device *ret, struct berth_why *why)
{
	const struct berth_peer *peer = &exchange->seen->peer;
	enum berth_err err = BERTH_OK;
	if (peer->kind == BERTH_PEER_LDEVID) {
		err = find_ldevid(exchange, ret, why);
	} else if (berth_bytes_equal_text(berth_peer_issuer(peer), USERS_KEY)) {
		err = berth_fail(
			why, BERTH_E_DENIED, "device-identity-reserved", NULL,
			"the birth certificate's issuer calls itself as the users of EST are "
			"kept here");
	} else if (make) {
		err = make_or_refresh(exchange, ret, why);
	} else {
		err = find_idevid(exchange, ret, why);
	}
	if (err)
		return err;
	exchange->device = ret->row;
	memcpy(exchange->device_id, ret->id, sizeof(exchange->device_id));
	return BERTH_OK;
}

enum berth_err
berth_exchange_know_user(struct berth_registrar_exchange *exchange,
			 struct berth_registrar_device *ret, struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	const struct berth_registrar_device wanted = {
		.identity = {.manufacturer_key = BERTH_LIT(USERS_KEY),
			     .serial_number = berth_text(exchange->user->name)},
		.manufacturer = BERTH_LIT(BERTH_USERS_MAKER),
	};
	bool is_new = false;
	enum berth_err err =
		berth_registrar_device_seen(role->store, &wanted, berth_judge_now(role->judge).wall,
					    &exchange->arena, ret, &is_new, why);
	if (err)
		return err;
	exchange->device = ret->row;
	memcpy(exchange->device_id, ret->id, sizeof(exchange->device_id));
	return is_new ? berth_exchange_note(exchange, BERTH_EVENT_DEVICE_SEEN, "first seen", why)
		      : BERTH_OK;
}

enum berth_err
berth_device_check_welcome(const struct berth_registrar_device *device, struct berth_why *why)
{
	if (device->state != BERTH_DEVICE_REVOKED && device->state != BERTH_DEVICE_LEFT)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_DENIED, "device-state", NULL,
			  "the device is %s; \"berth device approve %s\" lets it come back",
			  berth_device_state_name(device->state), device->id);
}

enum berth_err
berth_exchange_move_device(struct berth_registrar_exchange *exchange, enum berth_device_standing to,
			   struct berth_why *why)
{
	return berth_registrar_device_advance(exchange->role->store, exchange->device, to, why);
}

enum berth_err
berth_exchange_let_wait(struct berth_registrar_exchange *exchange,
			const struct berth_registrar_device *device, bool is_new,
			struct berth_why *why)
{
	char summary[BERTH_WHY_SENTENCE_MAX];
	(void)snprintf(summary, sizeof(summary), "%.*s of %.*s asks to come on",
		       (int)device->identity.serial_number.n,
		       (const char *)device->identity.serial_number.p, (int)device->manufacturer.n,
		       (const char *)device->manufacturer.p);
	enum berth_err err =
		is_new ? berth_exchange_note(exchange, BERTH_EVENT_DEVICE_PENDING, summary, why)
		       : BERTH_OK;
	if (!err)
		err = berth_registrar_pending_touch(exchange->role->store, device->row, summary,
						    berth_judge_now(exchange->role->judge).wall,
						    why);
	if (err || !is_new)
		return err;
	berth_log(&exchange->role->log, BERTH_LOG_NOTICE, "device.pending", "device",
		  exchange->device_id, "from", exchange->address, (const char *)NULL);
	/* A device that renews stays where it is while somebody thinks. */
	return exchange->renewed != 0
		       ? BERTH_OK
		       : berth_exchange_move_device(exchange, BERTH_DEVICE_PENDING, why);
}

enum berth_err
berth_exchange_note(struct berth_registrar_exchange *exchange, enum berth_event_kind event,
		    const char *sentence, struct berth_why *why)
{
	BERTH_BUF detail = {0};
	enum berth_err err = berth_json_start(&detail, '{');
	if (!err)
		err = berth_json_put_text(&detail, "sentence", berth_text(sentence));
	if (!err && exchange->address[0] != '\0')
		err = berth_json_put_text(&detail, "from", berth_text(exchange->address));
	if (!err)
		err = berth_json_shut(&detail, '}');
	if (err)
		return berth_fail(why, err, "audit-detail", NULL,
				  "the audit entry could not be written down");
	return berth_audit_append(exchange->role->store,
				  berth_judge_now(exchange->role->judge).wall, "judge", event,
				  exchange->device_id, berth_buf_view(&detail), why);
}

static enum berth_err
find_order(struct berth_registrar_exchange *exchange, const struct berth_registrar_device *device,
	   struct berth_facts *facts, struct berth_why *why)
{
	struct berth_registrar_owned owned;
	enum berth_err err = berth_registrar_owned_find(exchange->role->store, &device->identity,
							&exchange->arena, &owned, why);
	if (err == BERTH_E_NOT_FOUND)
		return BERTH_OK;
	if (err)
		return err;
	/* A manifest line that names a birth key is about that key and no other. */
	if (owned.manufacturer.n > 0 &&
	    !berth_bytes_equal(owned.manufacturer, device->manufacturer))
		return BERTH_OK; /* who told us so speaks for another make */
	facts->is_owned = owned.birth_key_sha256.n == 0 || device->birth_key_sha256.n == 0 ||
			  berth_bytes_equal(owned.birth_key_sha256, device->birth_key_sha256);
	if (owned.model.n > 0)
		facts->model = owned.model;
	return BERTH_OK;
}

enum berth_err
berth_exchange_facts(struct berth_registrar_exchange *exchange,
		     const struct berth_registrar_device *device, struct berth_facts *ret,
		     struct berth_why *why)
{
	struct berth_registrar_approval approval;
	*ret = (struct berth_facts){
		.manufacturer = device->manufacturer,
		.model = device->model,
		.serial_number = device->identity.serial_number,
	};
	enum berth_err err = berth_registrar_approval_get(exchange->role->store, device->row,
							  &exchange->arena, &approval, why);
	if (err)
		return err;
	if (approval.state == BERTH_REGISTRAR_APPROVAL_APPROVED)
		ret->approval = BERTH_APPROVAL_GIVEN;
	if (approval.state == BERTH_REGISTRAR_APPROVAL_DENIED)
		ret->approval = BERTH_APPROVAL_REFUSED;
	if (approval.state == BERTH_REGISTRAR_APPROVAL_WAITING &&
	    berth_judge_now(exchange->role->judge).wall.s - approval.first_asked.s >
		    exchange->role->settings->approval_timeout_s)
		return berth_fail(why, BERTH_E_DENIED, "approval-timeout", NULL,
				  "nobody decided about this device in time; \"berth device "
				  "approve %s\" still can",
				  device->id);
	if (approval.decided_by.n > 0)
		ret->approved_by = berth_arena_text(&exchange->arena, approval.decided_by);
	return find_order(exchange, device, ret, why);
}

/* Refusals of strangers are many when somebody tries; those of devices we know are always told. */
static void
log_refusal(struct berth_registrar_exchange *exchange, const struct berth_http_response *response,
	    const struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	char status[16];
	(void)snprintf(status, sizeof(status), "%d", response->status);
	if (exchange->device == 0 &&
	    !berth_log_allows(&role->refusals, berth_judge_now(role->judge).mono,
			      &role->suppressed))
		return;
	char suppressed[24] = "";
	if (role->suppressed > 0)
		(void)snprintf(suppressed, sizeof(suppressed), "%llu",
			       (unsigned long long)role->suppressed);
	role->suppressed = 0;
	struct berth_bytes serial = exchange->seen->peer.serial_number;
	char name[BERTH_DEVICE_SERIAL_MAX + 1] = "";
	memcpy(name, serial.p == NULL ? (const uint8_t *)"" : serial.p,
	       serial.n < sizeof(name) ? serial.n : 0);
	berth_log_why(&role->log, BERTH_LOG_WARNING, "request.refused", why, "request",
		      exchange->what, "status", status, "device",
		      exchange->device_id[0] != '\0' ? exchange->device_id : NULL, "serial",
		      name[0] != '\0' ? name : NULL, "from", exchange->address, "suppressed",
		      suppressed[0] != '\0' ? suppressed : NULL, (const char *)NULL);
}

static enum berth_err
store_trace(struct berth_registrar_exchange *exchange, const char *about,
	    const struct berth_decision *decision, struct berth_why *why)
{
	/* A device that waits asks every few seconds; the first answer tells all. */
	if (exchange->device == 0 || about == NULL)
		return BERTH_OK;
	return berth_registrar_decision_put(exchange->role->store, exchange->device, exchange->step,
					    about, decision,
					    berth_judge_now(exchange->role->judge).wall, why);
}

void
berth_exchange_finish(struct berth_registrar_exchange *exchange, const char *about,
		      const struct berth_decision *decision,
		      const struct berth_http_response *response, const struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_why cause = {0};
	if (store_trace(exchange, about, decision, &cause))
		berth_log_why(&role->log, BERTH_LOG_ERROR, "store.failed", &cause, "request",
			      exchange->what, (const char *)NULL);
	berth_registrar_gateways_note(exchange);
	berth_registrar_count(role, exchange->resource, response->status);
	if (response->status >= 400)
		log_refusal(exchange, response, why);
	if (exchange->ticket != NULL)
		berth_judge_reply(role->judge, exchange->ticket, response);
	berth_exchange_close(exchange);
}
