/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MASA's admin interface on the Unix socket: units, who owns them, their logs.
 *
 *	GET  /v1/units			all units
 *	GET  /v1/units/SERIAL		one, with its owner and its log
 *	POST /v1/units/SERIAL/owner	sold: {"certificate": PEM, "name": text, "reference": text?}
 *	POST /v1/units/SERIAL/release	the owner lets go
 *	POST /v1/units/SERIAL/transfer	from its owner to another: as owner
 *	GET  /v1/units/SERIAL/history	its owners, and what the audit log has of it
 *	POST /v1/units/SERIAL/block	no more vouchers; .../unblock
 *	POST /v1/manifests		a signed manifest or a chain of them, as a whole
 *	GET  /v1/audit/verify
 */
#include "role/masa/masa_admin.h"

#include <stdio.h>

#include "base/hex.h"
#include "codec/json.h"
#include "role/daemon/admin_error.h"

#define ARENA_BYTES ((size_t)8 << 20)
#define UNITS_PATH "/v1/units"
#define UNITS_MAX 100000 /* in one list; more are counted, not listed */

enum berth_err
berth_masa_built(struct berth_masa_call *call, enum berth_err err)
{
	if (!err)
		return BERTH_OK;
	return berth_fail(&call->why, err, "admin-reply", NULL, "the reply could not be built");
}

struct berth_wall
berth_masa_call_now(const struct berth_masa_call *call)
{
	return berth_judge_now(call->role->judge).wall;
}

static enum berth_err
note(struct berth_masa_call *call, enum berth_event_kind event, const char *subject,
     struct berth_bytes detail)
{
	char actor[BERTH_AUDIT_ACTOR_MAX];

	snprintf(actor, sizeof(actor), "operator:%s", call->user);
	berth_log(&call->role->log, BERTH_LOG_NOTICE, berth_event_name(event), "subject", subject,
		  "by", call->user, NULL);
	return berth_audit_append(call->role->store, berth_masa_call_now(call), actor, event,
				  subject, detail, &call->why);
}

enum berth_err
berth_masa_note(struct berth_masa_call *call, enum berth_event_kind event, const char *subject)
{
	return note(call, event, subject, BERTH_BYTES_NONE);
}

static enum berth_err
put_party(json_t *detail, const char *name, const char *domain,
	  const struct berth_masa_owner *owner)
{
	if (!owner)
		return BERTH_OK;
	enum berth_err err = berth_json_set_text(detail, name, owner->name);
	return err ? err : berth_json_set_base64(detail, domain, owner->domain_id);
}

enum berth_err
berth_masa_note_owner(struct berth_masa_call *call, enum berth_event_kind event, const char *device,
		      const struct berth_masa_owner *from, const struct berth_masa_owner *to)
{
	BERTH_JSON json_t *detail = json_object();
	BERTH_BUF text = {0};
	enum berth_err err = put_party(detail, "from", "from-domain-id", from);

	err = err ? err : put_party(detail, "to", "to-domain-id", to);
	err = err ? err : berth_json_encode(detail, BERTH_JSON_AS_BUILT, &text);
	if (err)
		return berth_fail(&call->why, err, "audit-detail", NULL,
				  "the audit entry could not be written down");
	return note(call, event, device, berth_buf_view(&text));
}

/* ---- units ---- */

static enum berth_err
find(struct berth_masa_call *call, struct berth_bytes serial, struct berth_masa_unit *unit,
     char device[BERTH_DEVICE_ID_MAX])
{
	enum berth_err err = berth_masa_unit_find_by_serial(call->role->store, serial, call->arena,
							    unit, &call->why);

	if (err == BERTH_E_NOT_FOUND)
		return berth_fail(&call->why, err, "admin-unit", NULL,
				  "no unit has the serial number '%.*s'",
				  (int)(serial.n > 128 ? 128 : serial.n), (const char *)serial.p);
	return err ? err
		   : berth_device_id(&unit->identity, &call->role->digest, device, &call->why);
}

static enum berth_err
set_hex(json_t *object, const char *key, struct berth_bytes b)
{
	BERTH_BUF text = {0};

	if (b.n == 0)
		return BERTH_OK;
	enum berth_err err = berth_hex_encode(b, &text);
	return err ? err : berth_json_set_text(object, key, berth_buf_view(&text));
}

static enum berth_err
put_unit(json_t *object, const struct berth_masa_unit *unit)
{
	enum berth_err err =
		berth_json_set_text(object, "serial-number", unit->identity.serial_number);

	err = err ? err : berth_json_set_text(object, "model", unit->model);
	err = err ? err : set_hex(object, "issuer-key-id", unit->identity.manufacturer_key);
	return err ? err
		   : berth_json_set_text(object, "status",
					 unit->status == BERTH_MASA_UNIT_BLOCKED
						 ? BERTH_LIT("blocked")
						 : BERTH_LIT("active"));
}

/* Adds the owner's name, or nothing where nobody owns the unit. */
static enum berth_err
put_owner(struct berth_masa_call *call, json_t *object, int64_t unit)
{
	struct berth_masa_owner owner = {0};
	char text[BERTH_TIME_TEXT_MAX];
	enum berth_err err =
		berth_masa_owner_current(call->role->store, unit, berth_masa_call_now(call),
					 call->arena, &owner, &call->why);

	if (err)
		return err == BERTH_E_NOT_FOUND ? BERTH_OK : err;
	err = berth_json_set_text(object, "owner", owner.name);
	err = err ? err : berth_json_set_base64(object, "owner-domain-id", owner.domain_id);
	err = err ? err
		  : berth_json_set_text(object, "owner-since",
					berth_text(berth_wall_format(owner.since, text)));
	if (!err && owner.reference.n)
		err = berth_json_set_text(object, "owner-reference", owner.reference);
	return berth_masa_built(call, err);
}

struct listing {
	struct berth_masa_call *call;
	json_t *units;
	int64_t count;
	enum berth_err err;
};

static bool
list_unit(void *context, const struct berth_masa_unit *unit)
{
	struct listing *listing = context;

	if (listing->count++ >= UNITS_MAX)
		return true;
	json_t *object = json_object();
	if (!object || json_array_append_new(listing->units, object))
		listing->err = BERTH_E_MEMORY;
	else
		listing->err = berth_masa_built(listing->call, put_unit(object, unit));
	listing->err = listing->err ? listing->err : put_owner(listing->call, object, unit->row);
	return listing->err == BERTH_OK;
}

static enum berth_err
units_list(struct berth_masa_call *call)
{
	struct listing listing = {.call = call, .units = json_array()};
	enum berth_err err =
		berth_masa_built(call, berth_json_set(call->reply, "units", listing.units));

	err = err ? err
		  : berth_masa_unit_each(call->role->store, 0, list_unit, &listing, &call->why);
	err = err ? err : listing.err;
	return err ? err
		   : berth_masa_built(call,
				      berth_json_set_i64(call->reply, "count", listing.count));
}

static enum berth_err
put_log(struct berth_masa_call *call, int64_t unit)
{
	struct berth_audit_log log = {0};
	BERTH_BUF text = {0};
	json_t *parsed = NULL;
	enum berth_err err = berth_masa_read_log(call->role, unit, call->arena, &log, &call->why);

	err = err ? err : berth_audit_log_build(&log, &text, &call->why);
	err = err ? err : berth_json_parse(berth_buf_view(&text), NULL, &parsed, &call->why);
	return err ? err : berth_masa_built(call, berth_json_set(call->reply, "log", parsed));
}

static enum berth_err
unit_show(struct berth_masa_call *call, struct berth_bytes serial)
{
	struct berth_masa_unit unit = {0};
	char device[BERTH_DEVICE_ID_MAX];
	enum berth_err err = find(call, serial, &unit, device);

	err = err ? err
		  : berth_masa_built(
			    call, berth_json_set_text(call->reply, "device", berth_text(device)));
	err = err ? err : berth_masa_built(call, put_unit(call->reply, &unit));
	err = err ? err : put_owner(call, call->reply, unit.row);
	return err ? err : put_log(call, unit.row);
}

/* ---- who owns it ---- */

static enum berth_err
read_sale(struct berth_masa_call *call, struct berth_cert_list *certs,
	  struct berth_masa_owner *owner)
{
	BERTH_JSON json_t *root = NULL;
	struct berth_bytes pem = BERTH_BYTES_NONE;
	struct berth_bytes name = BERTH_BYTES_NONE;
	struct berth_bytes reference = BERTH_BYTES_NONE;
	struct berth_why *why = &call->why;
	enum berth_err err = berth_json_parse(call->http->body, NULL, &root, why);

	err = err ? err : berth_json_get_text(root, "certificate", BERTH_JSON_REQUIRED, &pem, why);
	err = err ? err : berth_json_get_text(root, "name", BERTH_JSON_OPTIONAL, &name, why);
	err = err ? err
		  : berth_json_get_text(root, "reference", BERTH_JSON_OPTIONAL, &reference, why);
	err = err ? err : berth_cert_list_parse(call->role->pki, pem, certs, why);
	if (err)
		return err;
	if (name.n == 0)
		name = berth_cert_party_name(certs->at[0]);
	owner->name = berth_arena_copy(call->arena, name);
	owner->reference = berth_arena_copy(call->arena, reference);
	return BERTH_OK;
}

/* The owner of record, if there is one, goes before the next one comes. */
static enum berth_err
end_owner(struct berth_masa_call *call, const struct berth_masa_unit *unit, const char *device,
	  const struct berth_masa_owner *to)
{
	struct berth_store *store = call->role->store;
	struct berth_masa_owner owner = {0};
	enum berth_err err = berth_masa_owner_current(store, unit->row, berth_masa_call_now(call),
						      call->arena, &owner, &call->why);

	err = err ? err : berth_masa_note_owner(call, BERTH_EVENT_OWNER_ENDED, device, &owner, to);
	err = err ? err
		  : berth_masa_owner_end(store, unit->row, berth_masa_call_now(call), &call->why);
	return err ? err
		   : berth_masa_custody_end(store, unit->row, berth_masa_call_now(call),
					    &call->why);
}

static enum berth_err
set_owner(struct berth_masa_call *call, struct berth_bytes serial, bool ends_another)
{
	BERTH_CERT_LIST certs = {0};
	struct berth_masa_unit unit = {0};
	struct berth_masa_owner owner = {.since = berth_masa_call_now(call)};
	char device[BERTH_DEVICE_ID_MAX];
	uint8_t id[32];
	uint8_t key[BERTH_SHA256_BYTES];
	enum berth_err err = find(call, serial, &unit, device);

	err = err ? err : read_sale(call, &certs, &owner);
	if (err)
		return err;
	owner.domain_id =
		berth_bytes_of(id, berth_cert_domain_id(call->role->pki, certs.at[0], id));
	if (berth_sha256(call->role->pki, berth_key_spki(berth_cert_key(certs.at[0])), key))
		return berth_fail(&call->why, BERTH_E_CRYPTO, "berth-crypto", NULL,
				  "SHA-256 failed");
	owner.domain_key_sha256 = berth_bytes_of(key, sizeof(key));
	if (ends_another)
		err = end_owner(call, &unit, device, &owner);
	err = err ? err : berth_masa_note_owner(call, BERTH_EVENT_OWNER_SET, device, NULL, &owner);
	err = err ? err : berth_masa_owner_set(call->role->store, unit.row, &owner, &call->why);
	err = err ? err : berth_masa_built(call, put_unit(call->reply, &unit));
	return err ? err : put_owner(call, call->reply, unit.row);
}

static enum berth_err
unit_sell(struct berth_masa_call *call, struct berth_bytes serial)
{
	return set_owner(call, serial, false);
}

static enum berth_err
unit_transfer(struct berth_masa_call *call, struct berth_bytes serial)
{
	return set_owner(call, serial, true);
}

static enum berth_err
unit_history(struct berth_masa_call *call, struct berth_bytes serial)
{
	struct berth_masa_unit unit = {0};
	char device[BERTH_DEVICE_ID_MAX];
	enum berth_err err = find(call, serial, &unit, device);

	err = err ? err
		  : berth_masa_built(
			    call, berth_json_set_text(call->reply, "device", berth_text(device)));
	err = err ? err : berth_masa_built(call, put_unit(call->reply, &unit));
	return err ? err
		   : berth_masa_put_history(call->role, unit.row, device, call->reply, &call->why);
}

static enum berth_err
unit_release(struct berth_masa_call *call, struct berth_bytes serial)
{
	struct berth_masa_unit unit = {0};
	char device[BERTH_DEVICE_ID_MAX];
	enum berth_err err = find(call, serial, &unit, device);

	err = err ? err : end_owner(call, &unit, device, NULL);
	return err ? err : berth_masa_built(call, put_unit(call->reply, &unit));
}

static enum berth_err
set_status(struct berth_masa_call *call, struct berth_bytes serial,
	   enum berth_masa_unit_status status)
{
	struct berth_masa_unit unit = {0};
	char device[BERTH_DEVICE_ID_MAX];
	enum berth_err err = find(call, serial, &unit, device);

	err = err ? err : berth_masa_note(call, BERTH_EVENT_UNIT_STATUS, device);
	err = err ? err
		  : berth_masa_unit_set_status(call->role->store, unit.row, status, &call->why);
	unit.status = status;
	return err ? err : berth_masa_built(call, put_unit(call->reply, &unit));
}

static enum berth_err
unit_block(struct berth_masa_call *call, struct berth_bytes serial)
{
	return set_status(call, serial, BERTH_MASA_UNIT_BLOCKED);
}

static enum berth_err
unit_unblock(struct berth_masa_call *call, struct berth_bytes serial)
{
	return set_status(call, serial, BERTH_MASA_UNIT_ACTIVE);
}

/* ---- audit ---- */

static enum berth_err
audit_verify(struct berth_masa_call *call)
{
	struct berth_audit_report report = {0};
	struct berth_why found = {0};
	enum berth_err held = berth_audit_verify(call->role->store, &report, &found);

	if (held && held != BERTH_E_SIGNATURE) {
		call->why = found;
		return held;
	}
	enum berth_err err = berth_json_set_bool(call->reply, "holds", held == BERTH_OK);
	err = err ? err : berth_json_set_i64(call->reply, "entries", report.entries);
	err = err ? err : berth_json_set_bool(call->reply, "witness", report.has_witness);
	err = err ? err
		  : set_hex(call->reply, "head", berth_bytes_of(report.head, sizeof(report.head)));
	if (!err && held) {
		err = berth_json_set_i64(call->reply, "broken-at", report.broken_seq);
		err = err ? err
			  : berth_json_set_text(call->reply, "reason", berth_text(found.sentence));
	}
	return berth_masa_built(call, err);
}

/* ---- the table ---- */

static const struct {
	const char *path;
	enum berth_http_method method;
	enum berth_err (*handler)(struct berth_masa_call *call);
} plain[] = {
	{UNITS_PATH, BERTH_HTTP_GET, units_list},
	{"/v1/manifests", BERTH_HTTP_POST, berth_masa_manifest_load},
	{"/v1/audit/verify", BERTH_HTTP_GET, audit_verify},
};

static const struct {
	const char *act;
	enum berth_http_method method;
	enum berth_err (*handler)(struct berth_masa_call *call, struct berth_bytes serial);
} unit_acts[] = {
	{"", BERTH_HTTP_GET, unit_show},
	{"owner", BERTH_HTTP_POST, unit_sell},
	{"release", BERTH_HTTP_POST, unit_release},
	{"transfer", BERTH_HTTP_POST, unit_transfer},
	{"history", BERTH_HTTP_GET, unit_history},
	{"block", BERTH_HTTP_POST, unit_block},
	{"unblock", BERTH_HTTP_POST, unit_unblock},
};

static enum berth_err
route_unit(struct berth_masa_call *call, struct berth_bytes rest)
{
	const uint8_t *slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
	size_t n = slash ? (size_t)(slash - rest.p) : rest.n;
	struct berth_bytes act =
		slash ? berth_bytes_of(slash + 1, rest.n - n - 1) : BERTH_BYTES_NONE;

	for (size_t i = 0; n && i < sizeof(unit_acts) / sizeof(unit_acts[0]); i++)
		if (berth_bytes_equal_text(act, unit_acts[i].act) &&
		    call->http->method == unit_acts[i].method)
			return unit_acts[i].handler(call, berth_bytes_of(rest.p, n));
	return berth_fail(&call->why, BERTH_E_NOT_FOUND, "admin-resource", NULL,
			  "there is no such resource");
}

static enum berth_err
route(struct berth_masa_call *call)
{
	const struct berth_bytes path = call->http->path;
	const size_t prefix = sizeof(UNITS_PATH "/") - 1;

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (berth_bytes_equal_text(path, plain[i].path) &&
		    call->http->method == plain[i].method)
			return plain[i].handler(call);
	if (berth_bytes_starts_with(path, UNITS_PATH "/"))
		return route_unit(call, berth_bytes_of(path.p + prefix, path.n - prefix));
	return route_unit(call, BERTH_BYTES_NONE);
}

/* A failed act must leave nothing behind: half a manifest, an audit record without its act. */
static enum berth_err
run(struct berth_masa_call *call)
{
	struct berth_why ignored = {0};
	enum berth_err err = berth_store_savepoint(call->role->store, &call->why);

	if (err)
		return err;
	err = route(call);
	if (!err)
		return berth_store_release(call->role->store, &call->why);
	berth_ignore(berth_store_rollback(call->role->store, &ignored),
		     "the first error is the one to tell");
	return err;
}

void
berth_masa_admin(void *context, struct berth_ticket *ticket, const struct berth_http_request *http,
		 const char *user)
{
	BERTH_ARENA arena = {0};
	BERTH_JSON json_t *reply = json_object();
	BERTH_JSON json_t *error = json_object();
	BERTH_BUF body = {.limit = (size_t)64 << 20};
	struct berth_masa_call call = {context, http, user, &arena, reply, {0}};

	berth_arena_start(&arena, ARENA_BYTES);
	enum berth_err err = run(&call);
	if (err)
		berth_admin_error_put(error, err, &call.why);
	if (berth_json_encode(err ? error : reply, BERTH_JSON_AS_BUILT, &body)) {
		berth_judge_reply_text(call.role->judge, ticket, 500, false, "out of memory");
		return;
	}
	const struct berth_http_response response = {
		.status = berth_admin_status(err),
		.media_type = BERTH_LIT("application/json"),
		.retry_after_s = -1,
		.body = berth_buf_view(&body),
	};
	berth_judge_reply(call.role->judge, ticket, &response);
}
