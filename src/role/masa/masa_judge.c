/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/masa/masa_judge.h"

#include <stdio.h>
#include <stdlib.h>

#define PATH_BYTES 1024
#define BASE "/.well-known/brski/"
#define PATH_SHOWN 64 /* of what was asked for, in the log */

static enum berth_err
sha256(void *context, struct berth_bytes in, uint8_t out[BERTH_DIGEST_BYTES])
{
	return berth_sha256(context, in, out);
}

static void
judge_end(void *context)
{
	struct berth_masa_role *role = context;

	if (!role)
		return;
	berth_masa_sessions_end(role);
	berth_masa_ownership_end(role);
	berth_masa_memory_end(&role->memory);
	berth_store_close(role->store);
	berth_masa_trust_free(&role->trust);
	berth_masa_fetcher_close(&role->fetcher);
	free(role);
}

static enum berth_err
open_store(struct berth_masa_role *role, struct berth_why *why)
{
	char path[PATH_BYTES];
	char witness[PATH_BYTES];
	const char *folder = role->settings->daemon.state_directory;
	int n = snprintf(path, sizeof(path), "%s/%s", folder, BERTH_MASA_STORE_FILE);
	int m = snprintf(witness, sizeof(witness), "%s/%s", folder, BERTH_MASA_WITNESS_FILE);

	if (n < 0 || (size_t)n >= sizeof(path) || m < 0 || (size_t)m >= sizeof(witness))
		return berth_fail(why, BERTH_E_USAGE, "masa-state-directory", NULL,
				  "state-directory is too long");
	const struct berth_store_conf conf = {
		.path = path,
		.schema = BERTH_STORE_MASA,
		.digest = role->digest,
		.witness_path = witness,
	};
	return berth_store_open(&conf, &role->store, why);
}

static enum berth_err
judge_start(struct berth_judge *judge, const void *configuration, void **ret_context,
	    struct berth_why *why)
{
	struct berth_masa_role *role = calloc(1, sizeof(*role));

	if (!role)
		return berth_fail(why, BERTH_E_MEMORY, "berth-memory", NULL, "out of memory");
	role->judge = judge;
	role->pki = berth_judge_pki(judge);
	role->settings = configuration;
	role->digest = (struct berth_digest){sha256, role->pki};
	role->log = berth_log_open("berth-masa", role->settings->daemon.log == 1);
	role->refusals = (struct berth_log_limit){.burst = 100, .interval_ms = 100};
	enum berth_err err = berth_masa_trust_load(role->pki, role->settings, &role->trust, why);
	err = err ? err : berth_masa_fetcher_open(&role->fetcher, role->pki, role->settings, why);
	err = err ? err : open_store(role, why);
	if (err) {
		judge_end(role);
		return err;
	}
	*ret_context = role;
	return BERTH_OK;
}

/* req: berth-masa-refusals */
bool
berth_masa_may_note_refusal(struct berth_masa_role *role, const char *device)
{
	char text[24];
	uint64_t left_out = 0;
	uint32_t h = 2166136261U;

	for (const char *c = device; *c; c++)
		h = (h ^ (uint8_t)*c) * 16777619U;
	struct berth_log_limit *limit = &role->refused[h % BERTH_MASA_REFUSED_UNITS];
	limit->burst = BERTH_MASA_REFUSED_BURST;
	limit->interval_ms = BERTH_MASA_REFUSED_MS;
	if (!berth_log_allows(limit, berth_judge_now(role->judge).mono, &left_out))
		return false;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)left_out);
	if (left_out > 0)
		berth_log(&role->log, BERTH_LOG_WARNING, "audit.refusals-left-out", "device",
			  device, "count", text, NULL);
	return true;
}

static enum berth_err
batch_begin(void *context, struct berth_why *why)
{
	struct berth_masa_role *role = context;

	return berth_store_begin(role->store, why);
}

static enum berth_err
batch_commit(void *context, struct berth_why *why)
{
	struct berth_masa_role *role = context;

	return berth_store_commit(role->store, why);
}

static void
batch_abort(void *context)
{
	struct berth_masa_role *role = context;

	berth_store_abort(role->store);
}

static void
refuse_path(struct berth_masa_role *role, struct berth_ticket *ticket, struct berth_bytes path,
	    struct berth_bytes peer_address)
{
	char asked[PATH_SHOWN], from[PATH_SHOWN];
	uint64_t suppressed = 0;
	struct berth_why why;

	berth_ignore(
		berth_fail(&why, BERTH_E_NOT_FOUND, "rfc8995-5.5-path", "RFC 8995 5.5",
			   "there is no such resource here; a MASA serves " BASE
			   "requestvoucher and requestauditlog, and claim, release and transfer "
			   "under " BERTH_OWNERSHIP_PATH),
		"only the why is wanted");
	snprintf(asked, sizeof(asked), "%.*s", (int)path.n, (const char *)path.p);
	snprintf(from, sizeof(from), "%.*s", (int)peer_address.n, (const char *)peer_address.p);
	if (berth_log_allows(&role->refusals, berth_judge_now(role->judge).mono, &suppressed))
		berth_log_why(&role->log, BERTH_LOG_WARNING, "request.refused", &why, "path", asked,
			      "peer", from, "status", "404", NULL);
	berth_judge_reply_text(role->judge, ticket, 404, false, why.sentence);
}

/* False: the path is none of these. */
static bool
find_act(struct berth_bytes path, enum berth_ownership_act *ret)
{
	const size_t prefix = sizeof(BERTH_OWNERSHIP_PATH) - 1;

	return berth_bytes_starts_with(path, BERTH_OWNERSHIP_PATH) &&
	       !berth_ownership_act_parse(berth_bytes_of(path.p + prefix, path.n - prefix), ret,
					  NULL);
}

/* req: rfc8995-5.5-path */
static void
judge_request(void *context, struct berth_ticket *ticket, const struct berth_http_request *http,
	      const struct berth_tls_facts *tls, struct berth_bytes peer_address)
{
	struct berth_masa_role *role = context;
	enum berth_ownership_act act;

	if (find_act(http->path, &act))
		berth_masa_ownership(role, ticket, act, http, tls, peer_address);
	else if (berth_bytes_equal_text(http->path, BASE "requestvoucher"))
		berth_masa_session_start(role, ticket, BERTH_MASA_REQUEST_VOUCHER, http, tls,
					 peer_address);
	else if (berth_bytes_equal_text(http->path, BASE "requestauditlog"))
		berth_masa_session_start(role, ticket, BERTH_MASA_REQUEST_AUDIT_LOG, http, tls,
					 peer_address);
	else
		refuse_path(role, ticket, http->path, peer_address);
}

static void
judge_signature(void *context, uint64_t cookie, enum berth_err err, struct berth_bytes object,
		const struct berth_why *why)
{
	berth_masa_session_signed(context, cookie, err, object, why);
}

static void
judge_dialled(void *context, uint64_t cookie, const struct berth_http_response *response,
	      const struct berth_tls_facts *tls, const struct berth_why *why)
{
	(void)tls;
	berth_masa_session_fetched(context, cookie, response, why);
	berth_masa_ownership_fetched(context, cookie, response, why);
}

static void
judge_gone(void *context, struct berth_ticket *ticket)
{
	berth_masa_session_gone(ticket);
	berth_masa_ownership_gone(context, ticket);
}

const struct berth_judge_role berth_masa_judge_role = {
	.start = judge_start,
	.end = judge_end,
	.batch_begin = batch_begin,
	.batch_commit = batch_commit,
	.batch_abort = batch_abort,
	.request = judge_request,
	.signature = judge_signature,
	.dialled = judge_dialled,
	.gone = judge_gone,
	.admin = berth_masa_admin,
};
