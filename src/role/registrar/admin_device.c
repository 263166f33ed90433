/* SPDX-License-Identifier: BSD-2-Clause */
/* What operators see of devices and do to them. Every act records who did it before it takes effect. */
#include "role/registrar/admin.h"

#include "base/hex.h"
#include "role/registrar/dpp.h"
#include "store/registrar_gateway.h"
#include "store/registrar_revocation.h"

static struct berth_wall
now(const struct berth_admin_call *call)
{
	return berth_judge_now(call->role->judge).wall;
}

static enum berth_err
put_time(json_t *object, const char *key, struct berth_wall t)
{
	char text[BERTH_TIME_TEXT_MAX];
	return t.s == 0 ? BERTH_OK
			: berth_json_set_text(object, key, berth_text(berth_wall_format(t, text)));
}

static enum berth_err
put_hex(json_t *object, const char *key, struct berth_bytes b)
{
	char text[2 * BERTH_DEVICE_MANUFACTURER_MAX + 1];
	if (b.n == 0 || b.n > BERTH_DEVICE_MANUFACTURER_MAX)
		return BERTH_OK;
	return berth_json_set_text(object, key, berth_text(berth_hex_text(b, text, sizeof(text))));
}

/* ---- devices ---- */

static enum berth_err
describe(json_t *object, const struct berth_registrar_device *device)
{
	enum berth_err err = berth_json_set_text(object, "id", berth_text(device->id));
	err = err ? err
		  : berth_json_set_text(object, "serial-number", device->identity.serial_number);
	err = err ? err : berth_json_set_text(object, "manufacturer", device->manufacturer);
	err = err ? err : put_hex(object, "manufacturer-key", device->identity.manufacturer_key);
	err = err ? err : put_hex(object, "birth-key-sha256", device->birth_key_sha256);
	err = err ? err : berth_json_set_text(object, "model", device->model);
	err = err ? err : berth_json_set_text(object, "mud-url", device->mud_url);
	err = err ? err : berth_json_set_text(object, "segment", device->segment);
	err = err ? err
		  : berth_json_set_text(object, "state",
					berth_text(berth_device_state_name(device->state)));
	err = err ? err : put_time(object, "first-seen", device->first_seen);
	return err ? err : put_time(object, "last-seen", device->last_seen);
}

struct listing {
	struct berth_admin_call *call; /* of berth_admin_devices alone */
	json_t *array;
	enum berth_err err;
};

static enum berth_err
find_device(struct berth_admin_call *call, const char *name, struct berth_registrar_device *ret)
{
	return berth_registrar_device_find_by_name(call->role->store, name, call->arena, ret,
						   &call->why);
}

static const char *
approval_word(enum berth_registrar_approval_state state)
{
	switch (state) {
	case BERTH_REGISTRAR_APPROVAL_NONE:
		return "none";
	case BERTH_REGISTRAR_APPROVAL_WAITING:
		return "waiting";
	case BERTH_REGISTRAR_APPROVAL_APPROVED:
		return "approved";
	case BERTH_REGISTRAR_APPROVAL_DENIED:
		break;
	}
	return "denied";
}

#define APPROVAL_ARENA_BYTES                                                                       \
	((size_t)512 << 10) /* one device's, as long as an operator may write */

static enum berth_err
show_role(struct berth_admin_call *call, json_t *object, int64_t device)
{
	bool is_gateway = false;
	enum berth_err err =
		berth_registrar_gateway_is(call->role->store, device, &is_gateway, &call->why);
	if (err || !is_gateway)
		return err;
	return berth_admin_built(call, berth_json_set_text(object, "role", BERTH_LIT("gateway")));
}

/* Into object; nothing when nobody was asked. */
static enum berth_err
show_approval(struct berth_admin_call *call, json_t *object, int64_t device)
{
	BERTH_ARENA arena;
	berth_arena_start(&arena, APPROVAL_ARENA_BYTES);
	struct berth_registrar_approval approval;
	enum berth_err err = berth_registrar_approval_get(call->role->store, device, &arena,
							  &approval, &call->why);
	if (err || approval.state == BERTH_REGISTRAR_APPROVAL_NONE)
		return err;
	json_t *said = json_object();
	err = berth_json_set(object, "approval", said);
	err = err ? err
		  : berth_json_set_text(said, "state", berth_text(approval_word(approval.state)));
	err = err ? err : berth_json_set_text(said, "by", approval.decided_by);
	err = err ? err : berth_json_set_text(said, "reason", approval.reason);
	err = err ? err : put_time(said, "at", approval.decided_at);
	err = err ? err : put_time(said, "first-asked", approval.first_asked);
	err = err ? err : berth_json_set_i64(said, "times-asked", approval.times_asked);
	return berth_admin_built(call, err);
}

static bool
list_device(void *context, const struct berth_registrar_device *device)
{
	struct listing *listing = context;
	json_t *object = json_object();
	if (object == NULL || json_array_append_new(listing->array, object) != 0) {
		listing->err = BERTH_E_MEMORY;
		return false;
	}
	listing->err = berth_admin_built(listing->call, describe(object, device));
	if (!listing->err)
		listing->err = show_role(listing->call, object, device->row);
	if (!listing->err)
		listing->err = show_approval(listing->call, object, device->row);
	return listing->err == BERTH_OK;
}

enum berth_err
berth_admin_devices(struct berth_admin_call *call)
{
	struct listing listing = {.call = call, .array = json_array()};
	enum berth_err err =
		berth_admin_built(call, berth_json_set(call->reply, "devices", listing.array));
	if (!err)
		err = berth_registrar_device_each(call->role->store, list_device, &listing,
						  &call->why);
	return err ? err : listing.err;
}

static bool
list_certificate(void *context, const struct berth_registrar_certificate *certificate)
{
	struct listing *listing = context;
	json_t *object = json_object();
	enum berth_err err = BERTH_OK;
	if (object == NULL || json_array_append_new(listing->array, object) != 0)
		err = BERTH_E_MEMORY;
	err = err ? err : put_hex(object, "serial", certificate->credential.serial);
	err = err ? err
		  : berth_json_set_text(
			    object, "state",
			    berth_text(berth_credential_state_name(certificate->credential.state)));
	err = err ? err : put_time(object, "not-after", certificate->credential.not_after);
	err = err ? err : put_time(object, "made-at", certificate->made_at);
	err = err ? err : put_time(object, "revoked-at", certificate->revoked_at);
	listing->err = err;
	return err == BERTH_OK;
}

static bool
list_telemetry(void *context, const struct berth_registrar_telemetry *telemetry)
{
	struct listing *listing = context;
	json_t *object = json_object();
	enum berth_err err = BERTH_OK;
	if (object == NULL || json_array_append_new(listing->array, object) != 0)
		err = BERTH_E_MEMORY;
	const char *kind = telemetry->kind == BERTH_TELEMETRY_VOUCHER_STATUS ? "voucher_status"
									     : "enrollstatus";
	err = err ? err : berth_json_set_text(object, "kind", berth_text(kind));
	err = err ? err : berth_json_set_bool(object, "status", telemetry->ok);
	err = err ? err : berth_json_set_text(object, "reason", telemetry->reason);
	if (telemetry->kind == BERTH_TELEMETRY_ENROL_STATUS)
		err = err ? err
			  : berth_json_set_bool(object, "session-used-new-certificate",
						telemetry->session_used_new_certificate);
	err = err ? err : put_time(object, "at", telemetry->at);
	listing->err = err;
	return err == BERTH_OK;
}

/* What the manufacturer signed, as it was passed on; berth voucher verify reads it. */
static enum berth_err
show_voucher(struct berth_admin_call *call, int64_t device)
{
	struct berth_registrar_step step;
	enum berth_err err = berth_registrar_step_latest(call->role->store, device, call->arena,
							 &step, &call->why);
	if (err == BERTH_E_NOT_FOUND)
		return BERTH_OK;
	if (err || step.voucher.n == 0)
		return err;
	return berth_admin_built(call, berth_json_set_base64(call->reply, "voucher", step.voucher));
}

enum berth_err
berth_admin_device_show(struct berth_admin_call *call, const char *name)
{
	struct berth_registrar_device device;
	enum berth_err err = find_device(call, name, &device);
	if (!err)
		err = berth_admin_built(call, describe(call->reply, &device));
	if (!err)
		err = show_role(call, call->reply, device.row);
	if (!err)
		err = show_approval(call, call->reply, device.row);
	if (!err)
		err = berth_admin_dpp_describe(call, call->reply, device.row);
	if (!err)
		err = show_voucher(call, device.row);
	struct listing certificates = {.array = json_array()};
	struct listing telemetry = {.array = json_array()};
	enum berth_err set = berth_json_set(call->reply, "certificates", certificates.array);
	set = set ? set : berth_json_set(call->reply, "telemetry", telemetry.array);
	if (!err)
		err = berth_admin_built(call, set);
	if (!err)
		err = berth_registrar_certificate_each(call->role->store, device.row,
						       list_certificate, &certificates, &call->why);
	if (!err)
		err = berth_registrar_telemetry_each(call->role->store, device.row, list_telemetry,
						     &telemetry, &call->why);
	return err ? err
		   : berth_admin_built(call, certificates.err ? certificates.err : telemetry.err);
}

static bool
list_decision(void *context, const struct berth_registrar_decision *decision)
{
	struct listing *listing = context;
	json_t *object = json_object();
	json_t *trace = json_loadb((const char *)decision->json.p, decision->json.n, 0, NULL);
	enum berth_err err = BERTH_OK;
	if (object == NULL || json_array_append_new(listing->array, object) != 0)
		err = BERTH_E_MEMORY;
	err = err ? err : berth_json_set_text(object, "about", decision->about);
	err = err ? err
		  : berth_json_set_text(object, "outcome",
					berth_text(berth_outcome_name(decision->outcome)));
	err = err ? err : put_time(object, "at", decision->at);
	err = err ? err : berth_json_set(object, "trace", trace);
	listing->err = err;
	return err == BERTH_OK;
}

enum berth_err
berth_admin_device_explain(struct berth_admin_call *call, const char *name)
{
	struct berth_registrar_device device;
	enum berth_err err = find_device(call, name, &device);
	if (!err)
		err = berth_admin_built(call, describe(call->reply, &device));
	if (!err)
		err = show_approval(call, call->reply, device.row);
	struct listing listing = {.array = json_array()};
	enum berth_err set = berth_json_set(call->reply, "decisions", listing.array);
	if (!err)
		err = berth_admin_built(call, set);
	if (!err)
		err = berth_registrar_decision_each(call->role->store, device.row, list_decision,
						    &listing, &call->why);
	return err ? err : berth_admin_built(call, listing.err);
}

/* ---- acts ---- */

/* The body's "reason"; an empty body gives none. */
enum berth_err
berth_admin_read_reason(struct berth_admin_call *call, const char **ret)
{
	*ret = "";
	if (call->http->body.n == 0)
		return BERTH_OK;
	static const char *const keys[] = {"reason"};
	BERTH_JSON json_t *root = NULL;
	struct berth_bytes reason = BERTH_BYTES_NONE;
	enum berth_err err = berth_json_parse(call->http->body, NULL, &root, &call->why);
	if (!err)
		err = berth_json_only_keys(root, keys, 1, &call->why);
	if (!err)
		err = berth_json_get_text(root, "reason", BERTH_JSON_OPTIONAL, &reason, &call->why);
	if (!err && reason.n > 0)
		*ret = berth_arena_text(call->arena, reason);
	return err;
}

enum berth_err
berth_admin_device_approve(struct berth_admin_call *call, const char *name)
{
	struct berth_registrar_device device;
	const char *reason;
	enum berth_err err = find_device(call, name, &device);
	if (!err)
		err = berth_admin_read_reason(call, &reason);
	if (!err)
		err = berth_admin_note(call, BERTH_EVENT_DEVICE_APPROVED, device.id, reason);
	if (!err)
		err = berth_registrar_approval_set(call->role->store, device.row, true, call->user,
						   reason, now(call), &call->why);
	if (!err && (device.state == BERTH_DEVICE_REVOKED || device.state == BERTH_DEVICE_LEFT))
		err = berth_registrar_device_move(call->role->store, device.row, BERTH_DEVICE_KNOWN,
						  &call->why);
	return err ? err : berth_admin_device_show(call, device.id);
}

#define CERTIFICATES_AT_ONCE 256 /* of a device; it may have more */

struct rows {
	struct berth_registrar_role *role;
	int64_t row[CERTIFICATES_AT_ONCE];
	size_t n;
	bool with_issued; /* else only those that the signer works at */
};

static bool
collect_live(void *context, const struct berth_registrar_certificate *certificate)
{
	struct rows *rows = context;
	if (certificate->credential.state == BERTH_CREDENTIAL_INTENT ||
	    (rows->with_issued && certificate->credential.state == BERTH_CREDENTIAL_ISSUED)) {
		rows->row[rows->n++] = certificate->row;
		berth_publish_revoked(rows->role, certificate->credential.serial,
				      berth_partition_of(certificate->row));
	}
	return rows->n < CERTIFICATES_AT_ONCE;
}

static enum berth_err
revoke_rows(struct berth_admin_call *call, const struct berth_registrar_device *device,
	    const struct rows *rows, const char *sentence)
{
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; !err && i < rows->n; i++) {
		err = berth_admin_note(call, BERTH_EVENT_CERTIFICATE_REVOKED, device->id, sentence);
		if (!err)
			err = berth_registrar_certificate_revoke(call->role->store, rows->row[i],
								 BERTH_REVOKED_PRIVILEGE_WITHDRAWN,
								 now(call), &call->why);
	}
	return err;
}

/* Until none is left: a device gone bad may have had hundreds made before it was noticed. */
static enum berth_err
revoke_certificates(struct berth_admin_call *call, const struct berth_registrar_device *device,
		    bool with_issued, const char *sentence)
{
	struct rows rows;
	enum berth_err err;
	do {
		rows = (struct rows){.role = call->role, .with_issued = with_issued};
		err = berth_registrar_certificate_each(call->role->store, device->row, collect_live,
						       &rows, &call->why);
		if (!err)
			err = revoke_rows(call, device, &rows, sentence);
	} while (!err && rows.n == CERTIFICATES_AT_ONCE);
	return err;
}

enum berth_err
berth_admin_device_deny(struct berth_admin_call *call, const char *name)
{
	struct berth_registrar_device device;
	const char *reason;
	enum berth_err err = find_device(call, name, &device);
	if (!err)
		err = berth_admin_read_reason(call, &reason);
	if (!err)
		err = berth_admin_note(call, BERTH_EVENT_DEVICE_DENIED, device.id, reason);
	if (!err)
		err = berth_registrar_approval_set(call->role->store, device.row, false, call->user,
						   reason, now(call), &call->why);
	if (!err)
		err = berth_registrar_permission_drop(call->role->store, device.row, &call->why);
	if (!err)
		err = revoke_certificates(call, &device, false, "device denied while it enrolled");
	return err ? err : berth_admin_device_show(call, device.id);
}

enum berth_err
berth_admin_device_revoke(struct berth_admin_call *call, const char *name)
{
	struct berth_registrar_device device;
	const char *reason;
	enum berth_err err = find_device(call, name, &device);
	if (!err)
		err = berth_admin_read_reason(call, &reason);
	if (!err)
		err = berth_admin_note(call, BERTH_EVENT_DEVICE_REVOKED, device.id, reason);
	if (!err)
		err = revoke_certificates(call, &device, true, "device revoked");
	if (!err)
		err = berth_registrar_permission_drop(call->role->store, device.row, &call->why);
	if (!err)
		err = berth_registrar_approval_clear(call->role->store, device.row, &call->why);
	if (!err)
		err = berth_registrar_device_move(call->role->store, device.row,
						  BERTH_DEVICE_REVOKED, &call->why);
	return err ? err : berth_admin_device_show(call, device.id);
}
