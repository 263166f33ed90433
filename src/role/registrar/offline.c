/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/offline.h"

#include "base/base64.h"
#include "protocol/brski/rvr.h"
#include "role/registrar/admin.h"
#include "role/registrar/signing.h"
#include "role/registrar/target.h"

#include <stdio.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)256 << 10) /* one voucher and the record it belongs to */
#define RENEWAL_EVERY_MS 60000		/* how often the list is looked through */
#define RENEWAL_RETRY_S 3600 /* a MASA that could not be reached is left alone this long */
#define RENEWALS_AT_ONCE 8   /* and the others in the next minute */

struct berth_offline_job {
	struct berth_job base;
	bool is_fetch; /* ask the MASA; else the operator takes the request */
	char user[64];
	uint8_t manufacturer_key[BERTH_DEVICE_MANUFACTURER_MAX];
	char serial_number[BERTH_DEVICE_SERIAL_MAX + 1];
	struct berth_device_identity identity; /* views into the two above */
	char device_id[BERTH_DEVICE_ID_MAX];
	const struct berth_manufacturer *maker;
	char masa_text[BERTH_MASA_URL_MAX + 1];
	struct berth_masa_url masa;
	struct berth_buf body; /* what the MASA is asked with */
};

/* ---- the voucher ---- */

static enum berth_err
note(struct berth_registrar_role *role, enum berth_event_kind event, const char *device,
     const char *by, const char *sentence, struct berth_why *why)
{
	BERTH_BUF detail = {0};
	BERTH_JSON json_t *root = json_object();
	enum berth_err err = berth_json_set_text(root, "sentence", berth_text(sentence));
	if (!err)
		err = berth_json_encode(root, BERTH_JSON_AS_BUILT, &detail);
	if (err)
		return berth_fail(why, err, "audit-detail", NULL,
				  "the audit entry could not be written down");
	berth_log(&role->log, BERTH_LOG_NOTICE, berth_event_name(event), "device", device, "by", by,
		  "reason", sentence, (const char *)NULL);
	return berth_audit_append(role->store, berth_judge_now(role->judge).wall, by, event, device,
				  berth_buf_view(&detail), why);
}

/* A voucher that names its device's maker names this one. */
static enum berth_err
check_issuer(const struct berth_voucher *voucher, const struct berth_device_identity *identity,
	     struct berth_why *why)
{
	if (voucher->idevid_issuer.n == 0 ||
	    berth_bytes_equal(berth_voucher_issuer_key_id(voucher->idevid_issuer),
			      identity->manufacturer_key))
		return BERTH_OK;
	return berth_fail(why, BERTH_E_MISMATCH, "rfc8366-5.3-idevid-issuer", "RFC 8366 5.3",
			  "the voucher is for a device of another manufacturer with this serial "
			  "number");
}

/* Judges and keeps. by: for the audit log. req: rfc8995-5.5.6-stored */
static enum berth_err
keep(struct berth_registrar_role *role, const struct berth_target *target, struct berth_bytes der,
     const char *by, struct berth_registrar_stored_voucher *ret, struct berth_why *why)
{
	BERTH_ARENA arena;
	BERTH_SIGNED_VOUCHER voucher = {0};
	char id[BERTH_DEVICE_ID_MAX];
	char until[BERTH_TIME_TEXT_MAX];
	char sentence[BERTH_TIME_TEXT_MAX + 32];
	struct berth_wall now = berth_judge_now(role->judge).wall;
	berth_arena_start(&arena, ARENA_BYTES);
	enum berth_err err = berth_voucher_open(role->pki, der, BERTH_VOUCHER,
						&target->maker->anchors, &arena, &voucher, why);
	if (!err)
		err = berth_registrar_check_stored(&role->machine, target->maker,
						   target->identity.serial_number, &voucher, now,
						   why);
	if (!err)
		err = check_issuer(&voucher.voucher, &target->identity, why);
	if (!err)
		err = berth_target_device_id(role, &target->identity, id, why);
	if (err)
		return err;
	(void)snprintf(sentence, sizeof(sentence), "holds until %s",
		       berth_wall_format(voucher.voucher.expires_on, until));
	*ret = (struct berth_registrar_stored_voucher){
		.identity = target->identity,
		.manufacturer = berth_text(target->maker->name),
		.masa_url = target->masa_url,
		.der = der,
		.created_on = voucher.voucher.created_on,
		.expires = voucher.voucher.expires_on,
		.last_renewal = voucher.voucher.last_renewal_date,
		.added_by = berth_text(by),
		.added_at = now,
	};
	err = note(role, BERTH_EVENT_VOUCHER_STORED, id, by, sentence, why);
	return err ? err : berth_registrar_voucher_keep(role->store, ret, why);
}

static enum berth_err
describe(json_t *object, const struct berth_registrar_stored_voucher *voucher)
{
	char text[BERTH_TIME_TEXT_MAX];
	enum berth_err err =
		berth_json_set_text(object, "serial-number", voucher->identity.serial_number);
	err = err ? err : berth_json_set_text(object, "manufacturer", voucher->manufacturer);
	err = err ? err
		  : berth_json_set_text(object, "created-on",
					berth_text(berth_wall_format(voucher->created_on, text)));
	err = err ? err
		  : berth_json_set_text(object, "expires-on",
					berth_text(berth_wall_format(voucher->expires, text)));
	if (!err && voucher->last_renewal.s != 0)
		err = berth_json_set_text(
			object, "last-renewal-date",
			berth_text(berth_wall_format(voucher->last_renewal, text)));
	return err ? err : berth_json_set_text(object, "added-by", voucher->added_by);
}

/* ---- jobs ---- */

static struct berth_offline_job *
find_job(const struct berth_registrar_role *role, uint64_t cookie)
{
	/* the base is the first member */
	return (struct berth_offline_job *)berth_jobs_find(&role->offline, cookie);
}

static void
job_free(struct berth_registrar_role *role, struct berth_offline_job *job)
{
	berth_jobs_remove(&role->offline, &job->base);
	berth_buf_free(&job->body);
	free(job);
}

static void
job_failed(struct berth_registrar_role *role, struct berth_offline_job *job,
	   const struct berth_why *why)
{
	berth_log_why(&role->log, BERTH_LOG_WARNING, "voucher.not-stored", why, "device",
		      job->device_id, (const char *)NULL);
	if (job->base.ticket != NULL)
		berth_admin_reply_error(role, job->base.ticket, why->err, why);
	job_free(role, job);
}

static void
job_done(struct berth_registrar_role *role, struct berth_offline_job *job, const json_t *reply)
{
	if (job->base.ticket != NULL)
		berth_admin_reply(role, job->base.ticket, reply);
	job_free(role, job);
}

/* The text is kept: the voucher's renewal asks there again. */
static enum berth_err
choose_masa(struct berth_offline_job *job, const struct berth_target *target, struct berth_why *why)
{
	enum berth_err err = berth_target_masa(target, &job->masa, why);
	if (!err && !job->maker->has_masa_url)
		memcpy(job->masa_text, target->masa_url.p, target->masa_url.n);
	return err;
}

static enum berth_err
open_job(struct berth_registrar_role *role, const struct berth_target *target, const char *user,
	 struct berth_offline_job **ret, struct berth_why *why)
{
	struct berth_offline_job *job =
		role->offline.count < BERTH_OFFLINE_JOBS_MAX ? calloc(1, sizeof(*job)) : NULL;
	if (job == NULL)
		return berth_fail(why, BERTH_E_LIMIT, "offline-busy", NULL,
				  "too many vouchers are being asked for; try again");
	job->base.cookie = BERTH_OFFLINE_COOKIE | ++role->generation;
	(void)snprintf(job->user, sizeof(job->user), "%s", user);
	memcpy(job->manufacturer_key, target->identity.manufacturer_key.p,
	       target->identity.manufacturer_key.n);
	memcpy(job->serial_number, target->identity.serial_number.p,
	       target->identity.serial_number.n);
	job->identity = (struct berth_device_identity){
		berth_bytes_of(job->manufacturer_key, target->identity.manufacturer_key.n),
		berth_text(job->serial_number)};
	job->maker = target->maker;
	berth_jobs_add(&role->offline, &job->base);
	*ret = job;
	return BERTH_OK;
}

static enum berth_err
ask_signer(struct berth_registrar_role *role, const struct berth_offline_job *job,
	   struct berth_why *why)
{
	BERTH_ARENA arena;
	struct berth_voucher rvr;
	BERTH_BUF json = {0};
	BERTH_BUF payload = {0};
	berth_arena_start(&arena, ARENA_BYTES);
	enum berth_err err = berth_rvr_ahead(&job->identity, berth_judge_now(role->judge).wall,
					     &arena, &rvr, why);
	if (!err)
		err = berth_voucher_encode(&rvr, &json, why);
	if (!err)
		err = note(role, BERTH_EVENT_VOUCHER_REQUESTED, job->device_id, job->user,
			   "ahead, without a nonce", why);
	if (err)
		return err;
	const struct berth_sign_rvr ask = {.json = berth_buf_view(&json),
					   .content_type = job->maker->content_type};
	if (berth_sign_rvr_encode(&ask, &payload))
		return berth_fail(why, BERTH_E_LIMIT, "signer-frame", NULL,
				  "the request is too large for the signer");
	berth_judge_sign(role->judge, BERTH_REGISTRAR_SIGN_RVR, berth_buf_view(&payload),
			 job->base.cookie);
	return BERTH_OK;
}

static enum berth_err
start_job(struct berth_registrar_role *role, const struct berth_target *target, bool is_fetch,
	  const char *user, struct berth_ticket *ticket, struct berth_why *why)
{
	struct berth_offline_job *job = NULL;
	if (role->settings->stored_vouchers == BERTH_STORED_VOUCHERS_NEVER)
		return berth_fail(
			why, BERTH_E_DENIED, "offline-never", NULL,
			"stored-vouchers = never in the configuration: this registrar asks "
			"for no voucher ahead");
	enum berth_err err = open_job(role, target, user, &job, why);
	if (err)
		return err;
	job->is_fetch = is_fetch;
	err = berth_target_device_id(role, &job->identity, job->device_id, why);
	if (!err && is_fetch)
		err = choose_masa(job, target, why);
	if (!err)
		err = ask_signer(role, job, why);
	if (err)
		job_free(role, job);
	else
		job->base.ticket = ticket;
	return err;
}

static enum berth_err
show_request(const struct berth_offline_job *job, struct berth_bytes rvr, json_t *reply)
{
	enum berth_err err = berth_json_set_text(reply, "device", berth_text(job->device_id));
	err = err ? err : berth_json_set_text(reply, "serial-number", job->identity.serial_number);
	return err ? err : berth_json_set_base64(reply, "request", rvr);
}

static void
dial(struct berth_registrar_role *role, struct berth_offline_job *job)
{
	char path[BERTH_REGISTRAR_PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/requestvoucher", job->masa.path);
	const struct berth_dial dial = {
		.host = berth_text(job->masa.host),
		.port = job->masa.port,
		.anchors_pem = berth_buf_view(&job->maker->masa_anchors_pem),
		.request =
			{
				.method = BERTH_HTTP_POST,
				.path = berth_text(path),
				.media_type = BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS),
				.accept = BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS),
				.body = berth_buf_view(&job->body),
			},
		.with_client_certificate = true,
		.timeout_ms = role->settings->masa_timeout_s * 1000,
		.body_limit_bytes = BERTH_DAEMON_BODY_MAX,
	};
	berth_judge_dial(role->judge, &dial, job->base.cookie);
}

void
berth_offline_signed(struct berth_registrar_role *role, uint64_t cookie, enum berth_err err,
		     struct berth_bytes object, const struct berth_why *why)
{
	struct berth_offline_job *job = find_job(role, cookie);
	if (job == NULL)
		return;
	struct berth_why cause = {0};
	if (err) {
		job_failed(role, job, why);
		return;
	}
	if (!job->is_fetch) {
		BERTH_JSON json_t *reply = json_object();
		if (show_request(job, object, reply)) {
			berth_ignore(
				berth_fail(&cause, BERTH_E_MEMORY, "memory", NULL, "out of memory"),
				"it is told");
			job_failed(role, job, &cause);
			return;
		}
		job_done(role, job, reply);
		return;
	}
	err = job->maker->body == BERTH_VOUCHER_BODY_BASE64
		      ? berth_base64_encode(object, 0, &job->body)
		      : berth_buf_append_bytes(&job->body, object);
	if (err) {
		berth_ignore(berth_fail(&cause, err, "memory", NULL, "out of memory"),
			     "it is told");
		job_failed(role, job, &cause);
		return;
	}
	dial(role, job);
}

/* What the MASA sent, as DER. */
static enum berth_err
take_body(const struct berth_offline_job *job, const struct berth_http_response *response,
	  const struct berth_why *dial_why, struct berth_buf *der, struct berth_why *why)
{
	if (response->status == 0) {
		*why = *dial_why;
		return why->err;
	}
	if (response->status != 200)
		return berth_fail(why, BERTH_E_DENIED, "rfc8995-5.6-masa-refuses", "RFC 8995 5.6",
				  "the MASA %.60s answered %d", job->masa.host, response->status);
	if (!berth_bytes_equal_nocase(response->media_type, BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS)))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "rfc8995-5.6-media-type",
				  "RFC 8995 5.6", "the MASA answered with another media type");
	if (job->maker->body == BERTH_VOUCHER_BODY_BASE64 && response->body.n > 0 &&
	    response->body.p[0] == 'M')
		return berth_base64_decode(response->body, true, der, why);
	enum berth_err err = berth_buf_append_bytes(der, response->body);
	return err ? berth_fail(why, err, "rfc8995-5.6-size", "RFC 8995 5.6",
				"the MASA's voucher is too large")
		   : BERTH_OK;
}

void
berth_offline_dialled(struct berth_registrar_role *role, uint64_t cookie,
		      const struct berth_http_response *response, const struct berth_why *dial_why)
{
	struct berth_offline_job *job = find_job(role, cookie);
	if (job == NULL)
		return;
	struct berth_why why = {0};
	BERTH_BUF der = {.limit = BERTH_CMS_MAX_BYTES};
	struct berth_registrar_stored_voucher kept;
	const struct berth_target target = {.identity = job->identity,
					    .maker = job->maker,
					    .masa_url = berth_text(job->masa_text)};
	BERTH_JSON json_t *reply = json_object();
	enum berth_err err = take_body(job, response, dial_why, &der, &why);
	if (!err)
		err = keep(role, &target, berth_buf_view(&der), job->user, &kept, &why);
	if (!err && describe(reply, &kept))
		err = berth_fail(&why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	if (err)
		job_failed(role, job, &why);
	else
		job_done(role, job, reply);
}

void
berth_offline_gone(struct berth_registrar_role *role, struct berth_ticket *ticket)
{
	berth_jobs_gone(&role->offline, ticket);
}

void
berth_offline_end(struct berth_registrar_role *role)
{
	while (role->offline.first != NULL)
		job_free(role, (struct berth_offline_job *)role->offline.first);
}

/* ---- renewal ---- */

struct due {
	struct berth_registrar_role *role;
	struct berth_wall now;
	struct berth_arena arena;
	struct {
		int64_t row;
		struct berth_target target;
	} at[RENEWALS_AT_ONCE];
	size_t n;
};

/* RFC 8366 6.1: renewed while there is time, and not after the day that the MASA named. */
static bool
is_due(const struct berth_registrar_stored_voucher *voucher, struct berth_wall now)
{
	int64_t last_third = voucher->expires.s - (voucher->expires.s - voucher->created_on.s) / 3;
	return now.s >= last_third && now.s >= voucher->next_try.s &&
	       (voucher->last_renewal.s == 0 || now.s <= voucher->last_renewal.s);
}

static bool
collect_due(void *context, const struct berth_registrar_stored_voucher *voucher)
{
	struct due *due = context;
	const struct berth_manufacturer *maker =
		berth_target_maker(due->role, voucher->manufacturer);
	if (!is_due(voucher, due->now) || maker == NULL ||
	    (voucher->masa_url.n == 0 && !maker->has_masa_url))
		return true;
	due->at[due->n].row = voucher->row;
	due->at[due->n].target = (struct berth_target){
		.identity.manufacturer_key =
			berth_arena_copy(&due->arena, voucher->identity.manufacturer_key),
		.identity.serial_number =
			berth_arena_copy(&due->arena, voucher->identity.serial_number),
		.maker = maker,
		.masa_url = berth_arena_copy(&due->arena, voucher->masa_url),
	};
	return ++due->n < RENEWALS_AT_ONCE;
}

/* req: rfc8366-6.1-renewal */
void
berth_offline_tick(struct berth_registrar_role *role)
{
	struct berth_now now = berth_judge_now(role->judge);
	struct berth_why why = {0};
	if (role->settings->stored_vouchers == BERTH_STORED_VOUCHERS_NEVER ||
	    now.mono.ms < role->offline_next.ms)
		return;
	role->offline_next.ms = now.mono.ms + RENEWAL_EVERY_MS;
	struct due due = {.role = role, .now = now.wall};
	berth_arena_start(&due.arena, ARENA_BYTES);
	enum berth_err err = berth_registrar_voucher_each(role->store, collect_due, &due, &why);
	for (size_t i = 0; !err && i < due.n; i++) {
		err = berth_registrar_voucher_retry_at(
			role->store, due.at[i].row,
			(struct berth_wall){now.wall.s + RENEWAL_RETRY_S}, &why);
		if (!err)
			err = start_job(role, &due.at[i].target, true, "renewal", NULL, &why);
	}
	if (err)
		berth_log_why(&role->log, BERTH_LOG_WARNING, "voucher.not-renewed", &why,
			      (const char *)NULL);
	berth_arena_end(&due.arena);
}

/* ---- the admin API ---- */

struct listing {
	struct berth_admin_call *call;
	json_t *array;
	enum berth_err err;
};

static bool
list_voucher(void *context, const struct berth_registrar_stored_voucher *voucher)
{
	struct listing *listing = context;
	json_t *object = json_object();
	listing->err = object == NULL || json_array_append_new(listing->array, object) != 0
			       ? BERTH_E_MEMORY
			       : describe(object, voucher);
	return listing->err == BERTH_OK;
}

enum berth_err
berth_admin_vouchers(struct berth_admin_call *call)
{
	struct listing listing = {.call = call, .array = json_array()};
	enum berth_err err =
		berth_admin_built(call, berth_json_set(call->reply, "vouchers", listing.array));
	if (!err)
		err = berth_registrar_voucher_each(call->role->store, list_voucher, &listing,
						   &call->why);
	return err ? err : berth_admin_built(call, listing.err);
}

/* The file says whose it is; what it says is judged by keep. */
static enum berth_err
find_voucher_target(struct berth_admin_call *call, struct berth_target *ret)
{
	BERTH_SIGNED_VOUCHER voucher = {0};
	struct berth_registrar_role *role = call->role;
	enum berth_err err = BERTH_E_NOT_FOUND;
	/* The signer's certificate may be one of the maker's anchors and not in the file. */
	for (size_t i = 0; err && i < role->maker_count; i++) {
		berth_signed_voucher_free(&voucher);
		voucher = (struct berth_signed_voucher){0};
		err = berth_voucher_open(role->pki, call->http->body, BERTH_VOUCHER,
					 &role->makers[i].anchors, call->arena, &voucher,
					 &call->why);
	}
	if (role->maker_count == 0)
		return berth_fail(&call->why, err, "offline-manufacturer", NULL,
				  "no [manufacturer] is configured");
	if (err)
		return err;
	const char *serial = berth_arena_text(call->arena, voucher.voucher.serial_number);
	if (serial == NULL)
		return berth_fail(&call->why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	return berth_target_find(role, serial, call->arena, ret, &call->why);
}

enum berth_err
berth_admin_voucher_add(struct berth_admin_call *call)
{
	struct berth_target target;
	struct berth_registrar_stored_voucher kept;
	char by[BERTH_AUDIT_ACTOR_MAX];
	(void)snprintf(by, sizeof(by), "operator:%s", call->user);
	enum berth_err err = find_voucher_target(call, &target);
	if (!err)
		err = keep(call->role, &target, call->http->body, by, &kept, &call->why);
	return err ? err : berth_admin_built(call, describe(call->reply, &kept));
}

static enum berth_err
begin(struct berth_admin_call *call, const char *name, bool is_fetch)
{
	struct berth_target target;
	char by[BERTH_AUDIT_ACTOR_MAX];
	(void)snprintf(by, sizeof(by), "operator:%s", call->user);
	enum berth_err err = berth_target_find(call->role, name, call->arena, &target, &call->why);
	if (!err)
		err = start_job(call->role, &target, is_fetch, by, call->ticket, &call->why);
	call->is_taken = !err;
	return err;
}

enum berth_err
berth_admin_voucher_request(struct berth_admin_call *call, const char *name)
{
	return begin(call, name, false);
}

enum berth_err
berth_admin_voucher_fetch(struct berth_admin_call *call, const char *name)
{
	return begin(call, name, true);
}

enum berth_err
berth_admin_voucher_drop(struct berth_admin_call *call, const char *name)
{
	struct berth_target target;
	char id[BERTH_DEVICE_ID_MAX];
	enum berth_err err = berth_target_find(call->role, name, call->arena, &target, &call->why);
	if (!err)
		err = berth_target_device_id(call->role, &target.identity, id, &call->why);
	if (!err)
		err = berth_admin_note(call, BERTH_EVENT_ADMIN, id,
				       "its stored voucher is dropped");
	if (!err)
		err = berth_registrar_voucher_drop(call->role->store, &target.identity, &call->why);
	return err ? err
		   : berth_admin_built(call,
				       berth_json_set_text(call->reply, "device", berth_text(id)));
}
