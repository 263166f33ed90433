/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/ownership.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "protocol/ownership/request.h"
#include "role/registrar/admin.h"
#include "role/registrar/target.h"

#define REPLY_ARENA_BYTES ((size_t)64 << 10) /* what a MASA says of one unit */
#define SAID_MAX 200			     /* of the MASA's reason: a line, no more */
#define CLAIM_SOURCE "claim"		     /* in place of a manifest's name */

struct berth_ownership_job {
	struct berth_job base;
	enum berth_ownership_act act;
	char by[BERTH_AUDIT_ACTOR_MAX];
	uint8_t manufacturer_key[BERTH_DEVICE_MANUFACTURER_MAX];
	char serial_number[BERTH_DEVICE_SERIAL_MAX + 1];
	struct berth_device_identity identity; /* views into the two above; the key may be empty */
	char subject[BERTH_DEVICE_SERIAL_MAX +
		     1]; /* for the audit log: the device's id, or its serial */
	const struct berth_manufacturer *maker;
	char masa_text[BERTH_MASA_URL_MAX + 1];
	struct berth_masa_url masa;
	struct berth_buf body; /* holds a claim's code */
};

/* ---- jobs ---- */

static struct berth_ownership_job *
find_job(const struct berth_registrar_role *role, uint64_t cookie)
{
	/* the base is the first member */
	return (struct berth_ownership_job *)berth_jobs_find(&role->ownership, cookie);
}

static void
job_free(struct berth_registrar_role *role, struct berth_ownership_job *job)
{
	berth_jobs_remove(&role->ownership, &job->base);
	if (job->body.p != NULL)
		berth_wipe(job->body.p, job->body.n);
	berth_buf_free(&job->body);
	free(job);
}

void
berth_ownership_gone(struct berth_registrar_role *role, struct berth_ticket *ticket)
{
	berth_jobs_gone(&role->ownership, ticket);
}

void
berth_ownership_close(struct berth_registrar_role *role)
{
	while (role->ownership.first != NULL)
		job_free(role, (struct berth_ownership_job *)role->ownership.first);
}

/* ---- what is written down ---- */

static enum berth_err
note(struct berth_registrar_role *role, const struct berth_ownership_job *job,
     enum berth_event_kind event, const char *sentence, struct berth_why *why)
{
	BERTH_BUF detail = {0};
	BERTH_JSON json_t *root = json_object();
	enum berth_err err =
		berth_json_set_text(root, "act", berth_text(berth_ownership_act_name(job->act)));
	err = err ? err : berth_json_set_text(root, "serial-number", job->identity.serial_number);
	err = err ? err : berth_json_set_text(root, "masa", berth_text(job->masa.host));
	err = err ? err : berth_json_set_text(root, "sentence", berth_text(sentence));
	err = err ? err : berth_json_encode(root, BERTH_JSON_AS_BUILT, &detail);
	if (err)
		return berth_fail(why, err, "audit-detail", NULL,
				  "the audit entry could not be written down");
	berth_log(&role->log, BERTH_LOG_NOTICE, berth_event_name(event), "device", job->subject,
		  "act", berth_ownership_act_name(job->act), "by", job->by, "reason", sentence,
		  (const char *)NULL);
	return berth_audit_append(role->store, berth_judge_now(role->judge).wall, job->by, event,
				  job->subject, berth_buf_view(&detail), why);
}

/* ---- the question ---- */

static enum berth_err
only_maker(struct berth_registrar_role *role, struct berth_bytes name,
	   const struct berth_manufacturer **ret, struct berth_why *why)
{
	*ret = name.n > 0		? berth_target_maker(role, name)
	       : role->maker_count == 1 ? &role->makers[0]
					: NULL;
	if (*ret != NULL)
		return BERTH_OK;
	if (name.n > 0)
		return berth_fail(why, BERTH_E_NOT_FOUND, "target-manufacturer", NULL,
				  "no [manufacturer \"%.*s\"] is configured",
				  name.n > 60 ? 60 : (int)name.n, (const char *)name.p);
	return berth_fail(why, BERTH_E_USAGE, "ownership-which-manufacturer", NULL,
			  "nothing is known of this unit here; say whose make it is "
			  "(--manufacturer)");
}

/* What is claimed need not have been heard of before. */
static enum berth_err
find_unit(struct berth_admin_call *call, const char *name, struct berth_bytes maker,
	  struct berth_target *ret)
{
	enum berth_err err = berth_target_find(call->role, name, call->arena, ret, &call->why);
	if (err != BERTH_E_NOT_FOUND || strcmp(call->why.rule, "target-unknown") != 0)
		return err;
	*ret = (struct berth_target){.identity.serial_number = berth_text(name)};
	return only_maker(call->role, maker, &ret->maker, &call->why);
}

static enum berth_err
open_job(struct berth_registrar_role *role, const struct berth_target *target,
	 struct berth_ownership_job **ret, struct berth_why *why)
{
	const struct berth_device_identity *unit = &target->identity;
	if (unit->serial_number.n == 0 || unit->serial_number.n > BERTH_DEVICE_SERIAL_MAX)
		return berth_fail(why, BERTH_E_SYNTAX, "ownership-serial-number", NULL,
				  "a serial number has 1 to %d characters",
				  BERTH_DEVICE_SERIAL_MAX);
	struct berth_ownership_job *job =
		role->ownership.count < BERTH_OWNERSHIP_JOBS_MAX ? calloc(1, sizeof(*job)) : NULL;
	if (job == NULL)
		return berth_fail(why, BERTH_E_LIMIT, "ownership-busy", NULL,
				  "too many claims and releases are under way; try again");
	job->base.cookie = BERTH_OWNERSHIP_COOKIE | ++role->generation;
	if (unit->manufacturer_key.n > 0)
		memcpy(job->manufacturer_key, unit->manufacturer_key.p, unit->manufacturer_key.n);
	memcpy(job->serial_number, unit->serial_number.p, unit->serial_number.n);
	job->identity = (struct berth_device_identity){
		berth_bytes_of(job->manufacturer_key, unit->manufacturer_key.n),
		berth_text(job->serial_number)};
	job->maker = target->maker;
	berth_jobs_add(&role->ownership, &job->base);
	*ret = job;
	return BERTH_OK;
}

static enum berth_err
name_subject(struct berth_registrar_role *role, struct berth_ownership_job *job,
	     struct berth_why *why)
{
	if (job->identity.manufacturer_key.n > 0)
		return berth_target_device_id(role, &job->identity, job->subject, why);
	(void)snprintf(job->subject, sizeof(job->subject), "%s", job->serial_number);
	return BERTH_OK;
}

static void
dial(struct berth_registrar_role *role, const struct berth_ownership_job *job)
{
	char path[BERTH_MASA_PATH_MAX];
	(void)snprintf(path, sizeof(path), BERTH_OWNERSHIP_PATH "%s",
		       berth_ownership_act_name(job->act));
	const struct berth_dial dial = {
		.host = berth_text(job->masa.host),
		.port = job->masa.port,
		.anchors_pem = berth_buf_view(&job->maker->masa_anchors_pem),
		.request =
			{
				.method = BERTH_HTTP_POST,
				.path = berth_text(path),
				.media_type = BERTH_LIT("application/json"),
				.accept = BERTH_LIT("application/json"),
				.body = berth_buf_view(&job->body),
			},
		.with_client_certificate = true,
		.timeout_ms = role->settings->masa_timeout_s * 1000,
		.body_limit_bytes = BERTH_OWNERSHIP_JSON_MAX_BYTES,
	};
	berth_judge_dial(role->judge, &dial, job->base.cookie);
}

static enum berth_err
start_job(struct berth_admin_call *call, const struct berth_target *target,
	  struct berth_ownership_request *request)
{
	struct berth_registrar_role *role = call->role;
	struct berth_ownership_job *job = NULL;
	enum berth_err err = open_job(role, target, &job, &call->why);
	if (err)
		return err;
	job->act = request->act;
	(void)snprintf(job->by, sizeof(job->by), "operator:%s", call->user);
	request->serial_number = job->identity.serial_number;
	request->issuer_key_id = job->identity.manufacturer_key;
	job->body.limit = BERTH_OWNERSHIP_JSON_MAX_BYTES;
	err = name_subject(role, job, &call->why);
	err = err ? err : berth_target_masa(target, &job->masa, &call->why);
	err = err ? err : berth_ownership_request_build(request, &job->body, &call->why);
	err = err ? err
		  : note(role, job, BERTH_EVENT_OWNERSHIP_ASKED, "the MASA is asked", &call->why);
	if (err) {
		job_free(role, job);
		return err;
	}
	(void)snprintf(job->masa_text, sizeof(job->masa_text), "%.*s", (int)target->masa_url.n,
		       target->masa_url.n ? (const char *)target->masa_url.p : "");
	job->base.ticket = call->ticket;
	call->is_taken = true;
	dial(role, job);
	return BERTH_OK;
}

/* ---- the answer ---- */

/* A foreign text that goes into logs and to a terminal: one line of print. */
static const char *
said(struct berth_bytes body, char text[SAID_MAX + 1])
{
	size_t n = 0;
	for (size_t i = 0; i < body.n && n < SAID_MAX && body.p[i] != '\n'; i++)
		text[n++] = body.p[i] >= 0x20 && body.p[i] < 0x7f ? (char)body.p[i] : '?';
	text[n] = '\0';
	return text;
}

static enum berth_err
refusal(const struct berth_ownership_job *job, const struct berth_http_response *response,
	struct berth_why *why)
{
	char text[SAID_MAX + 1];
	enum berth_err err = BERTH_E_DENIED;
	if (response->status == 404)
		err = BERTH_E_NOT_FOUND;
	else if (response->status == 429 || response->status >= 500)
		err = BERTH_E_UNREACHABLE; /* not now */
	return berth_fail(why, err, "ownership-masa-refuses", "berth-masa(8)",
			  "the MASA %.60s answered %d: %s", job->masa.host, response->status,
			  said(response->body, text));
}

/* The MASA speaks for the unit that we asked about, and for no other. */
static enum berth_err
check_reply(const struct berth_ownership_job *job, const struct berth_ownership_reply *reply,
	    struct berth_why *why)
{
	const struct berth_device_identity *asked = &job->identity;
	if (!berth_bytes_equal(reply->identity.serial_number, asked->serial_number) ||
	    (asked->manufacturer_key.n > 0 &&
	     !berth_bytes_equal(reply->identity.manufacturer_key, asked->manufacturer_key)))
		return berth_fail(why, BERTH_E_MISMATCH, "ownership-reply-unit", "berth-masa(8)",
				  "the MASA answered for another unit than it was asked about");
	if ((reply->state == BERTH_OWNERSHIP_OWNED) != (job->act != BERTH_OWNERSHIP_RELEASE))
		return berth_fail(why, BERTH_E_MISMATCH, "ownership-reply-state", "berth-masa(8)",
				  "the MASA answered with another state than was asked for");
	return BERTH_OK;
}

static enum berth_err
read_reply(const struct berth_ownership_job *job, const struct berth_http_response *response,
	   const struct berth_why *dial_why, struct berth_arena *arena,
	   struct berth_ownership_reply *ret, struct berth_why *why)
{
	if (response->status == 0) {
		*why = *dial_why;
		return why->err;
	}
	if (response->status != 200)
		return refusal(job, response, why);
	enum berth_err err = berth_ownership_reply_parse(response->body, arena, ret, why);
	return err ? err : check_reply(job, ret, why);
}

/* req: berth-claim-owned */
static enum berth_err
take_effect(struct berth_registrar_role *role, const struct berth_ownership_job *job,
	    const struct berth_ownership_reply *reply, struct berth_why *why)
{
	bool is_new = false;
	const struct berth_registrar_owned owned = {
		.identity = reply->identity,
		.model = reply->model,
		.birth_key_sha256 = reply->key_sha256,
		.manifest = BERTH_LIT(CLAIM_SOURCE),
		.manufacturer = berth_text(job->maker->name),
		.masa_url = berth_text(job->masa_text),
	};
	if (job->act == BERTH_OWNERSHIP_CLAIM)
		return berth_registrar_owned_load(role->store, &owned,
						  berth_judge_now(role->judge).wall, &is_new, why);
	return berth_registrar_owned_drop(role->store, &reply->identity, why);
}

static enum berth_err
describe(json_t *object, const struct berth_ownership_job *job,
	 const struct berth_ownership_reply *reply, struct berth_why *why)
{
	enum berth_err err =
		berth_json_set_text(object, "serial-number", reply->identity.serial_number);
	err = err ? err : berth_json_set_text(object, "manufacturer", berth_text(job->maker->name));
	err = err ? err : berth_json_set_text(object, "model", reply->model);
	err = err ? err
		  : berth_json_set_text(object, "ownership",
					berth_text(reply->state == BERTH_OWNERSHIP_OWNED
							   ? "owned"
							   : "released"));
	err = err ? err : berth_json_set_text(object, "owner", reply->owner);
	return err ? berth_fail(why, err, "admin-reply", NULL, "the reply could not be built")
		   : BERTH_OK;
}

static const char *
done_sentence(const struct berth_ownership_job *job)
{
	switch (job->act) {
	case BERTH_OWNERSHIP_CLAIM:
		return "the unit is ours";
	case BERTH_OWNERSHIP_RELEASE:
		return "the unit is nobody's";
	case BERTH_OWNERSHIP_TRANSFER:
		break;
	}
	return "the unit is its next owner's";
}

/* All of it, or nothing but the note of why not. */
static enum berth_err
finish(struct berth_registrar_role *role, const struct berth_ownership_job *job,
       const struct berth_ownership_reply *reply, struct berth_why *why)
{
	struct berth_why ignored = {0};
	enum berth_err err = berth_store_savepoint(role->store, why);
	if (err)
		return err;
	err = note(role, job, BERTH_EVENT_OWNERSHIP_ANSWERED, done_sentence(job), why);
	err = err ? err : take_effect(role, job, reply, why);
	if (!err)
		return berth_store_release(role->store, why);
	berth_ignore(berth_store_rollback(role->store, &ignored), "the first reason is told");
	return err;
}

void
berth_ownership_dialled(struct berth_registrar_role *role, uint64_t cookie,
			const struct berth_http_response *response,
			const struct berth_why *dial_why)
{
	struct berth_ownership_job *job = find_job(role, cookie);
	if (job == NULL)
		return;
	BERTH_ARENA arena;
	BERTH_JSON json_t *object = json_object();
	struct berth_ownership_reply reply = {0};
	struct berth_why why = {0};
	struct berth_why unwritten = {0};
	berth_arena_start(&arena, REPLY_ARENA_BYTES);
	enum berth_err err = read_reply(job, response, dial_why, &arena, &reply, &why);
	err = err ? err : finish(role, job, &reply, &why);
	if (err && note(role, job, BERTH_EVENT_OWNERSHIP_ANSWERED, why.sentence, &unwritten))
		berth_log_why(&role->log, BERTH_LOG_ERROR, "store.failed", &unwritten,
			      (const char *)NULL);
	err = err ? err : describe(object, job, &reply, &why);
	if (job->base.ticket != NULL && err)
		berth_admin_reply_error(role, job->base.ticket, err, &why);
	else if (job->base.ticket != NULL)
		berth_admin_reply(role, job->base.ticket, object);
	job_free(role, job);
}

/* ---- the admin API ---- */

static enum berth_err
read_body(struct berth_admin_call *call, const char *const *keys, size_t count, json_t **ret)
{
	enum berth_err err = BERTH_OK;
	if (call->http->body.n == 0)
		*ret = json_object();
	else
		err = berth_json_parse(call->http->body, NULL, ret, &call->why);
	if (!err && *ret == NULL)
		err = berth_fail(&call->why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	return err ? err : berth_json_only_keys(*ret, keys, count, &call->why);
}

enum berth_err
berth_admin_device_claim(struct berth_admin_call *call, const char *name)
{
	static const char *const keys[] = {"code", "manufacturer"};
	BERTH_OWNERSHIP_REQUEST request = {.act = BERTH_OWNERSHIP_CLAIM};
	BERTH_JSON json_t *root = NULL;
	struct berth_bytes code = BERTH_BYTES_NONE;
	struct berth_bytes maker = BERTH_BYTES_NONE;
	struct berth_target target;
	enum berth_err err = read_body(call, keys, 2, &root);
	err = err ? err : berth_json_get_text(root, "code", BERTH_JSON_REQUIRED, &code, &call->why);
	err = err ? err
		  : berth_json_get_text(root, "manufacturer", BERTH_JSON_OPTIONAL, &maker,
					&call->why);
	/* A slip of the pen is told here and never counted there. */
	err = err ? err : berth_claim_code_parse(code, &request.code, &call->why);
	err = err ? err : find_unit(call, name, maker, &target);
	return err ? err : start_job(call, &target, &request);
}

/* Both or neither: of the code that the next owner will claim with. */
static enum berth_err
read_next_code(const json_t *root, struct berth_ownership_request *request, struct berth_why *why)
{
	BERTH_BUF salt = {0};
	BERTH_BUF digest = {0};
	struct berth_claim_digest *next = &request->next_code;
	enum berth_err err =
		berth_json_get_base64(root, "claim-salt", BERTH_JSON_OPTIONAL, &salt, why);
	err = err ? err
		  : berth_json_get_base64(root, "claim-sha256", BERTH_JSON_OPTIONAL, &digest, why);
	if (err || (salt.n == 0 && digest.n == 0))
		return err;
	if (salt.n != sizeof(next->salt) || digest.n != sizeof(next->sha256))
		return berth_fail(why, BERTH_E_SYNTAX, "ownership-next-code", NULL,
				  "claim-salt has %zu bytes and claim-sha256 %zu",
				  sizeof(next->salt), sizeof(next->sha256));
	memcpy(next->salt, salt.p, salt.n);
	memcpy(next->sha256, digest.p, digest.n);
	request->has_next_code = true;
	return BERTH_OK;
}

enum berth_err
berth_admin_device_release(struct berth_admin_call *call, const char *name)
{
	static const char *const keys[] = {"claim-salt", "claim-sha256"};
	BERTH_OWNERSHIP_REQUEST request = {.act = BERTH_OWNERSHIP_RELEASE};
	BERTH_JSON json_t *root = NULL;
	struct berth_target target;
	enum berth_err err = read_body(call, keys, 2, &root);
	err = err ? err : read_next_code(root, &request, &call->why);
	err = err ? err : berth_target_find(call->role, name, call->arena, &target, &call->why);
	return err ? err : start_job(call, &target, &request);
}

enum berth_err
berth_admin_device_transfer(struct berth_admin_call *call, const char *name)
{
	static const char *const keys[] = {"owner-certificate", "owner-name"};
	BERTH_OWNERSHIP_REQUEST request = {.act = BERTH_OWNERSHIP_TRANSFER};
	BERTH_BUF certificate = {0};
	BERTH_JSON json_t *root = NULL;
	struct berth_target target;
	enum berth_err err = read_body(call, keys, 2, &root);
	err = err ? err
		  : berth_json_get_base64(root, "owner-certificate", BERTH_JSON_REQUIRED,
					  &certificate, &call->why);
	err = err ? err
		  : berth_json_get_text(root, "owner-name", BERTH_JSON_OPTIONAL,
					&request.owner_name, &call->why);
	request.owner_certificate = berth_buf_view(&certificate);
	err = err ? err : berth_target_find(call->role, name, call->arena, &target, &call->why);
	return err ? err : start_job(call, &target, &request);
}
