/* SPDX-License-Identifier: BSD-2-Clause */
/* The admin API on the Unix socket: JSON, described in docs/openapi/registrar.yaml. */
#include "role/registrar/admin.h"

#include "base/hex.h"
#include "role/daemon/admin_error.h"
#include "role/registrar/dpp.h"
#include "role/registrar/offline.h"
#include "role/registrar/ownership.h"

#include <stdio.h>

#define ADMIN_ARENA_BYTES ((size_t)8 << 20) /* the list of all devices is the largest reply */
#define DEVICES_PATH "/v1/devices"
#define CERTIFICATES_PATH "/v1/certificates"
#define VOUCHERS_PATH "/v1/vouchers"

static struct berth_wall
now(const struct berth_admin_call *call)
{
	return berth_judge_now(call->role->judge).wall;
}

enum berth_err
berth_admin_built(struct berth_admin_call *call, enum berth_err err)
{
	return err ? berth_fail(&call->why, err, "admin-reply", NULL,
				"the reply could not be built")
		   : BERTH_OK;
}

enum berth_err
berth_admin_note(struct berth_admin_call *call, enum berth_event_kind event, const char *subject,
		 const char *reason)
{
	char actor[BERTH_AUDIT_ACTOR_MAX];
	(void)snprintf(actor, sizeof(actor), "operator:%s", call->user);
	BERTH_BUF detail = {0};
	BERTH_JSON json_t *root = json_object();
	enum berth_err err = berth_json_set_text(root, "reason", berth_text(reason));
	if (!err)
		err = berth_json_encode(root, BERTH_JSON_AS_BUILT, &detail);
	if (err)
		return berth_admin_built(call, err);
	berth_log(&call->role->log, BERTH_LOG_NOTICE, berth_event_name(event), "device", subject,
		  "by", call->user, "reason", reason, (const char *)NULL);
	return berth_audit_append(call->role->store, now(call), actor, event, subject,
				  berth_buf_view(&detail), &call->why);
}

/* ---- manufacturers ---- */

static enum berth_err
manufacturers_list(struct berth_admin_call *call)
{
	json_t *array = json_array();
	enum berth_err err = berth_json_set(call->reply, "manufacturers", array);
	for (size_t i = 0; !err && i < call->role->maker_count; i++) {
		const struct berth_manufacturer *maker = &call->role->makers[i];
		json_t *object = json_object();
		err = object == NULL || json_array_append_new(array, object) != 0 ? BERTH_E_MEMORY
										  : BERTH_OK;
		err = err ? err : berth_json_set_text(object, "name", berth_text(maker->name));
		err = err ? err : berth_json_set_i64(object, "anchors", (int64_t)maker->anchors.n);
		err = err ? err
			  : berth_json_set_bool(object, "ignore-expiry", maker->ignore_expiry);
		if (maker->has_masa_url)
			err = err ? err
				  : berth_json_set_text(object, "masa",
							berth_text(maker->masa_url.host));
		err = err ? err
			  : berth_json_set_text(
				    object, "anchor",
				    berth_text(berth_cert_subject_text(maker->anchors.at[0])));
	}
	return berth_admin_built(call, err);
}

/* ---- audit, metrics ---- */

static enum berth_err
audit_verify(struct berth_admin_call *call)
{
	struct berth_audit_report report = {0};
	struct berth_why found = {0};
	char head[2 * BERTH_DIGEST_BYTES + 1];
	enum berth_err held = berth_audit_verify(call->role->store, &report, &found);
	if (held && held != BERTH_E_SIGNATURE) {
		call->why = found;
		return held;
	}
	enum berth_err err = berth_json_set_bool(call->reply, "holds", held == BERTH_OK);
	err = err ? err : berth_json_set_i64(call->reply, "entries", report.entries);
	err = err ? err : berth_json_set_bool(call->reply, "witness", report.has_witness);
	err = err ? err
		  : berth_json_set_text(call->reply, "head",
					berth_text(berth_hex_text(
						berth_bytes_of(report.head, sizeof(report.head)),
						head, sizeof(head))));
	if (held) {
		err = err ? err : berth_json_set_i64(call->reply, "broken-at", report.broken_seq);
		err = err ? err
			  : berth_json_set_text(call->reply, "reason", berth_text(found.sentence));
	}
	return berth_admin_built(call, err);
}

static bool
count_state(void *context, const struct berth_registrar_device *device)
{
	int64_t *counts = context;
	counts[device->state]++;
	return true;
}

enum berth_err
berth_registrar_metrics(void *context, struct berth_buf *text)
{
	struct berth_registrar_role *role = context;
	int64_t counts[BERTH_DEVICE_STATE_COUNT] = {0};
	struct berth_why why = {0};
	enum berth_err err = berth_registrar_device_each(role->store, count_state, counts, &why);
	err = err ? err : berth_buf_printf(text, "# TYPE berth_registrar_devices gauge\n");
	for (int i = 0; !err && i < BERTH_DEVICE_STATE_COUNT; i++)
		err = berth_buf_printf(text, "berth_registrar_devices{state=\"%s\"} %lld\n",
				       berth_device_state_name((enum berth_device_standing)i),
				       (long long)counts[i]);
	err = err ? err : berth_buf_printf(text, "# TYPE berth_registrar_requests_total counter\n");
	for (size_t i = 0; !err && i < BERTH_REGISTRAR_RESOURCES * BERTH_REGISTRAR_STATUS_CLASSES;
	     i++) {
		size_t resource = i / BERTH_REGISTRAR_STATUS_CLASSES;
		size_t class = i % BERTH_REGISTRAR_STATUS_CLASSES;
		err = berth_buf_printf(
			text,
			"berth_registrar_requests_total{resource=\"%s\",code=\"%zuxx\"} %llu\n",
			berth_registrar_resource_name(resource), class + 2,
			(unsigned long long)role->requests[resource][class]);
	}
	return err ? err : berth_dpp_metrics(role, text);
}

/* ---- the table ---- */

struct act {
	const char *act; /* after the device's name; "" for the device itself */
	enum berth_http_method method;
	enum berth_err (*handler)(struct berth_admin_call *call, const char *name);
};

static const struct act device_acts[] = {
	{"", BERTH_HTTP_GET, berth_admin_device_show},
	{"explain", BERTH_HTTP_GET, berth_admin_device_explain},
	{"approve", BERTH_HTTP_POST, berth_admin_device_approve},
	{"deny", BERTH_HTTP_POST, berth_admin_device_deny},
	{"revoke", BERTH_HTTP_POST, berth_admin_device_revoke},
	{"claim", BERTH_HTTP_POST, berth_admin_device_claim},
	{"release", BERTH_HTTP_POST, berth_admin_device_release},
	{"renew", BERTH_HTTP_POST, berth_admin_device_renew},
	{"transfer", BERTH_HTTP_POST, berth_admin_device_transfer},
	{0},
};

static const struct act certificate_acts[] = {
	{"revoke", BERTH_HTTP_POST, berth_admin_certificate_revoke},
	{0},
};

static const struct act voucher_acts[] = {
	{"request", BERTH_HTTP_POST, berth_admin_voucher_request},
	{"fetch", BERTH_HTTP_POST, berth_admin_voucher_fetch},
	{"drop", BERTH_HTTP_POST, berth_admin_voucher_drop},
	{0},
};

static const struct {
	const char *path;
	enum berth_http_method method;
	enum berth_err (*handler)(struct berth_admin_call *call);
} plain[] = {
	{DEVICES_PATH, BERTH_HTTP_GET, berth_admin_devices},
	{"/v1/manufacturers", BERTH_HTTP_GET, manufacturers_list},
	{BERTH_ADMIN_MANIFESTS_PATH, BERTH_HTTP_POST, berth_admin_manifest},
	{VOUCHERS_PATH, BERTH_HTTP_GET, berth_admin_vouchers},
	{VOUCHERS_PATH, BERTH_HTTP_POST, berth_admin_voucher_add},
	{"/v1/rekey", BERTH_HTTP_GET, berth_admin_campaign},
	{"/v1/rekey", BERTH_HTTP_POST, berth_admin_campaign_start},
	{"/v1/rekey/pause", BERTH_HTTP_POST, berth_admin_campaign_pause},
	{"/v1/rekey/resume", BERTH_HTTP_POST, berth_admin_campaign_resume},
	{"/v1/rekey/cancel", BERTH_HTTP_POST, berth_admin_campaign_cancel},
	{"/v1/rekey/report", BERTH_HTTP_GET, berth_admin_campaign_report},
	{"/v1/dpp", BERTH_HTTP_GET, berth_admin_dpp},
	{"/v1/dpp/devices", BERTH_HTTP_GET, berth_admin_dpp_devices},
	{"/v1/dpp/devices", BERTH_HTTP_POST, berth_admin_dpp_add},
	{"/v1/dpp/passwords", BERTH_HTTP_POST, berth_admin_dpp_passwords},
	{"/v1/dpp/permit-join", BERTH_HTTP_GET, berth_admin_dpp_window},
	{"/v1/dpp/permit-join", BERTH_HTTP_POST, berth_admin_dpp_window_open},
	{"/v1/dpp/permit-join/close", BERTH_HTTP_POST, berth_admin_dpp_window_close},
	{"/v1/dpp/pkex", BERTH_HTTP_GET, berth_admin_dpp_pkex},
	{"/v1/dpp/pkex", BERTH_HTTP_POST, berth_admin_dpp_pkex_open},
	{"/v1/dpp/pkex/close", BERTH_HTTP_POST, berth_admin_dpp_pkex_close},
	{"/v1/audit/verify", BERTH_HTTP_GET, audit_verify},
};

static enum berth_err
no_such_resource(struct berth_admin_call *call)
{
	return berth_fail(&call->why, BERTH_E_NOT_FOUND, "admin-resource", NULL,
			  "there is no such resource");
}

/* PREFIX/NAME and PREFIX/NAME/ACT */
static enum berth_err
route_named(struct berth_admin_call *call, size_t prefix, const struct act *acts)
{
	struct berth_bytes rest =
		berth_bytes_of(call->http->path.p + prefix, call->http->path.n - prefix);
	const uint8_t *slash = rest.n == 0 ? NULL : memchr(rest.p, '/', rest.n);
	size_t n = slash == NULL ? rest.n : (size_t)(slash - rest.p);
	struct berth_bytes act =
		slash == NULL ? BERTH_BYTES_NONE : berth_bytes_of(slash + 1, rest.n - n - 1);
	const char *name = berth_arena_text(call->arena, berth_bytes_of(rest.p, n));
	if (name == NULL || n == 0 || (slash != NULL && act.n == 0))
		return no_such_resource(call);
	for (size_t i = 0; acts[i].act != NULL; i++)
		if (berth_bytes_equal_text(act, acts[i].act) &&
		    call->http->method == acts[i].method)
			return acts[i].handler(call, name);
	return no_such_resource(call);
}

static enum berth_err
route(struct berth_admin_call *call)
{
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (berth_bytes_equal_text(call->http->path, plain[i].path) &&
		    call->http->method == plain[i].method)
			return plain[i].handler(call);
	if (berth_bytes_starts_with(call->http->path, BERTH_ADMIN_MANIFESTS_PATH "/") &&
	    call->http->method == BERTH_HTTP_POST)
		return berth_admin_manifest(call);
	if (berth_bytes_starts_with(call->http->path, DEVICES_PATH "/"))
		return route_named(call, sizeof(DEVICES_PATH "/") - 1, device_acts);
	if (berth_bytes_starts_with(call->http->path, CERTIFICATES_PATH "/"))
		return route_named(call, sizeof(CERTIFICATES_PATH "/") - 1, certificate_acts);
	if (berth_bytes_starts_with(call->http->path, VOUCHERS_PATH "/"))
		return route_named(call, sizeof(VOUCHERS_PATH "/") - 1, voucher_acts);
	return no_such_resource(call);
}

static void
reply(struct berth_registrar_role *role, struct berth_ticket *ticket, int status,
      struct berth_bytes body)
{
	const struct berth_http_response response = {
		.status = status,
		.media_type = BERTH_LIT("application/json"),
		.retry_after_s = -1,
		.body = body,
	};
	berth_judge_reply(role->judge, ticket, &response);
}

void
berth_admin_reply_error(struct berth_registrar_role *role, struct berth_ticket *ticket,
			enum berth_err err, const struct berth_why *why)
{
	BERTH_BUF body = {0};
	BERTH_JSON json_t *root = json_object();
	berth_admin_error_put(root, err, why);
	berth_ignore(berth_json_encode(root, BERTH_JSON_AS_BUILT, &body),
		     "an empty body then; the status tells");
	reply(role, ticket, berth_admin_status(err), berth_buf_view(&body));
}

void
berth_admin_reply(struct berth_registrar_role *role, struct berth_ticket *ticket,
		  const json_t *object)
{
	BERTH_BUF body = {0};
	struct berth_why why = {0};
	enum berth_err err = berth_json_encode(object, BERTH_JSON_AS_BUILT, &body);
	if (err) {
		berth_ignore(
			berth_fail(&why, err, "admin-reply", NULL, "the reply could not be built"),
			"it is told");
		berth_admin_reply_error(role, ticket, err, &why);
		return;
	}
	reply(role, ticket, 200, berth_buf_view(&body));
}

void
berth_registrar_admin(void *context, struct berth_ticket *ticket,
		      const struct berth_http_request *http, const char *user)
{
	BERTH_ARENA arena;
	berth_arena_start(&arena, ADMIN_ARENA_BYTES);
	BERTH_JSON json_t *root = json_object();
	struct berth_admin_call call = {.role = context,
					.http = http,
					.user = user,
					.arena = &arena,
					.reply = root,
					.ticket = ticket};
	enum berth_err err =
		root == NULL ? BERTH_E_MEMORY : berth_store_savepoint(call.role->store, &call.why);
	if (err) {
		berth_admin_reply_error(call.role, ticket, err, &call.why);
		return;
	}
	err = route(&call);
	struct berth_why undo = {0};
	if (err)
		berth_ignore(berth_store_rollback(call.role->store, &undo),
			     "the first reason is told");
	else
		err = berth_store_release(call.role->store, &call.why);
	if (err && call.is_taken) {
		berth_offline_gone(call.role, ticket);
		berth_ownership_gone(call.role, ticket);
	}
	/* Only what stands is signed: after the release, in the same transaction. */
	berth_publish_refresh(call.role);
	if (err)
		berth_admin_reply_error(call.role, ticket, err, &call.why);
	else if (!call.is_taken)
		berth_admin_reply(call.role, ticket, root);
}
