/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/publish.h"

#include "base/analyzer.h"
#include "base/base64.h"
#include "pki/crl.h"
#include "role/registrar/judge.h"
#include "role/registrar/signing.h"
#include "store/registrar_revocation.h"

#include <stdlib.h>

#define TYPE_CRL "application/pkix-crl" /* RFC 2585 4.2 */
#define TYPE_CERTIFICATE "application/pkix-cert"
#define TYPE_OCSP_REQUEST "application/ocsp-request" /* RFC 6960 A.1 */
#define TYPE_OCSP "application/ocsp-response"
#define COOKIE_MARK 0x80000000U /* slots of exchanges are below */

static struct berth_wall
now_of(const struct berth_registrar_role *role)
{
	return berth_judge_now(role->judge).wall;
}

/* ---- issuers ---- */

static struct berth_cert *
issuer_at(const struct berth_registrar_role *role, size_t issuer)
{
	return role->publisher.issuers->at[issuer];
}

/* Of one that has ended nothing is said any more: nor have its certificates any meaning. */
static bool
has_ended(const struct berth_registrar_role *role, size_t issuer)
{
	return berth_cert_not_after(issuer_at(role, issuer)).s <= now_of(role).s;
}

static bool
find_issuer(const struct berth_registrar_role *role, const struct berth_address *address,
	    size_t *ret)
{
	struct berth_bytes wanted = berth_bytes_of(address->issuer, address->issuer_n);
	for (*ret = 0; *ret < role->publisher.issuers->n; ++*ret)
		if (berth_bytes_equal(wanted, berth_cert_ski(issuer_at(role, *ret))))
			return !has_ended(role, *ret);
	return false;
}

/* Whose all of them are; false: not one issuer's, or not ours. */
static bool
find_issuer_of(const struct berth_registrar_role *role, const struct berth_ocsp_request *request,
	       size_t *ret)
{
	for (*ret = 0; *ret < role->publisher.issuers->n; ++*ret) {
		size_t i = 0;
		while (i < request->id_count &&
		       berth_ocsp_id_matches(role->pki, &request->ids[i], issuer_at(role, *ret)))
			i++;
		if (i == request->id_count)
			return !has_ended(role, *ret);
	}
	return false;
}

/* ---- replies ---- */

static void
reply(struct berth_registrar_role *role, struct berth_ticket *ticket, const char *type,
      struct berth_bytes body)
{
	const struct berth_http_response response = {
		.status = 200,
		.media_type = berth_text(type),
		.retry_after_s = -1,
		.body = body,
	};
	berth_judge_reply(role->judge, ticket, &response);
}

/* OCSP's own errors travel with 200: RFC 6960 A.2. */
static void
reply_ocsp_error(struct berth_registrar_role *role, struct berth_ticket *ticket,
		 enum berth_ocsp_error error)
{
	reply(role, ticket, TYPE_OCSP, berth_ocsp_refuse(error));
}

static void
refuse(struct berth_registrar_role *role, struct berth_ticket *ticket)
{
	berth_judge_reply_text(role->judge, ticket, 404, false,
			       "nothing else is published here without TLS");
}

/* ---- jobs ---- */

static uint64_t
cookie_of(const struct berth_publisher *publisher, const struct berth_publish_job *job)
{
	return (uint64_t)job->generation << 32 | COOKIE_MARK | (uint64_t)(job - publisher->jobs);
}

/* The uppermost bit of a cookie is another's mark. */
static uint32_t
next_generation(struct berth_publisher *publisher)
{
	return ++publisher->generation & 0x7fffffff;
}

static struct berth_publish_job *
free_job(struct berth_publisher *publisher)
{
	for (size_t i = 0; i < BERTH_PUBLISH_JOBS_MAX; i++)
		if (publisher->jobs[i].kind == BERTH_PUBLISH_NONE)
			return &publisher->jobs[i];
	return NULL;
}

static struct berth_publish_job *
find_crl_job(struct berth_publisher *publisher, size_t issuer, int64_t partition)
{
	for (size_t i = 0; i < BERTH_PUBLISH_JOBS_MAX; i++) {
		struct berth_publish_job *job = &publisher->jobs[i];
		if (job->kind == BERTH_PUBLISH_CRL && job->issuer == issuer &&
		    job->partition == partition && !job->is_void)
			return job;
	}
	return NULL;
}

static bool
add_waiter(struct berth_publish_job *job, struct berth_ticket *ticket)
{
	if (ticket == NULL)
		return true;
	struct berth_publish_waiter *waiter = malloc(sizeof(*waiter));
	if (waiter == NULL)
		return false;
	*waiter = (struct berth_publish_waiter){.next = job->waiters, .ticket = ticket};
	job->waiters = waiter;
	return true;
}

static void
clear_job(struct berth_publish_job *job)
{
	while (job->waiters != NULL) {
		struct berth_publish_waiter *next = job->waiters->next;
		free(job->waiters);
		job->waiters = next;
	}
	job->kind = BERTH_PUBLISH_NONE;
}

void
berth_publish_gone(struct berth_registrar_role *role, const struct berth_ticket *ticket)
{
	struct berth_publisher *publisher = &role->publisher;
	for (size_t i = 0; i < BERTH_PUBLISH_JOBS_MAX; i++) {
		struct berth_publish_waiter **at = &publisher->jobs[i].waiters;
		while (*at != NULL && (*at)->ticket != ticket)
			at = &(*at)->next;
		if (*at != NULL) {
			struct berth_publish_waiter *waiter = *at;
			*at = waiter->next;
			free(waiter);
			return;
		}
	}
}

/* ---- lists ---- */

struct collected {
	struct berth_sign_crl ask;
	uint8_t serials[BERTH_SIGN_CRL_ENTRIES][BERTH_OCSP_SERIAL_MAX];
	bool is_full;
};

static bool
collect(void *context, const struct berth_revoked *revoked)
{
	struct collected *all = context;
	size_t n = all->ask.entry_count;
	all->is_full = n == BERTH_SIGN_CRL_ENTRIES;
	if (all->is_full || revoked->serial.n > BERTH_OCSP_SERIAL_MAX)
		return false;
	memcpy(all->serials[n], revoked->serial.p, revoked->serial.n);
	all->ask.entries[n] = (struct berth_crl_entry){
		.serial = berth_bytes_of(all->serials[n], revoked->serial.n),
		.revoked_at = revoked->revoked_at,
		.reason = (unsigned)revoked->reason,
	};
	all->ask.entry_count++;
	return true;
}

/* One that has ended needs no entry: a day longer, so that each stood on a list at its end (RFC 5280 3.3). */
#define ENDED_KEPT_S 86400

static enum berth_err
build_crl(struct berth_registrar_role *role, size_t number, int64_t partition,
	  struct berth_buf *payload, struct berth_why *why)
{
	struct berth_bytes issuer = berth_cert_ski(issuer_at(role, number));
	struct collected *all = calloc(1, sizeof(*all));
	if (all == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	all->ask.issuer = issuer;
	all->ask.partition = partition;
	enum berth_err err = berth_registrar_revoked_each(
		role->store, issuer, partition, (struct berth_wall){now_of(role).s - ENDED_KEPT_S},
		collect, all, why);
	if (!err && all->is_full)
		err = berth_fail(why, BERTH_E_LIMIT, "crl-too-large", NULL,
				 "too many certificates are revoked for one list; each certificate "
				 "names the part that it is in");
	if (!err && berth_sign_crl_encode(&all->ask, payload))
		err = berth_fail(why, BERTH_E_LIMIT, "signer-frame", NULL,
				 "the list is too large for the signer");
	free(all);
	return err;
}

static enum berth_err
start_crl(struct berth_registrar_role *role, size_t issuer, int64_t partition,
	  struct berth_ticket *ticket, struct berth_why *why)
{
	struct berth_publisher *publisher = &role->publisher;
	struct berth_publish_job *job = find_crl_job(publisher, issuer, partition);
	/* clear_job frees the waiters; the analyzer loses those of a job that it did not see made. */
	BERTH_ANALYZER_TRUST_LEAK
	if (job != NULL)
		return add_waiter(job, ticket)
			       ? BERTH_OK
			       : berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	BERTH_ANALYZER_END
	job = free_job(publisher);
	BERTH_BUF payload = {0};
	enum berth_err err = job == NULL ? berth_fail(why, BERTH_E_LIMIT, "publish-busy", NULL,
						      "too many wait for the signer; try again")
					 : build_crl(role, issuer, partition, &payload, why);
	if (err)
		return err;
	*job = (struct berth_publish_job){
		.kind = BERTH_PUBLISH_CRL,
		.generation = next_generation(publisher),
		.issuer = issuer,
		.partition = partition,
	};
	if (!add_waiter(job, ticket)) {
		clear_job(job);
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	}
	berth_judge_sign(role->judge, BERTH_REGISTRAR_SIGN_CRL, berth_buf_view(&payload),
			 cookie_of(publisher, job));
	return BERTH_OK;
}

/* A partition that no certificate is in yet is none; the numbers of a stranger must cost nothing. */
static bool
partition_exists(struct berth_registrar_role *role, int64_t partition)
{
	struct berth_why why = {0};
	int64_t last = 0;
	if (partition == BERTH_PARTITION_ALL || partition == BERTH_PARTITION_OWN)
		return partition == BERTH_PARTITION_ALL || role->settings->publish_url != NULL;
	return role->settings->publish_url != NULL &&
	       berth_registrar_last_partition(role->store, &last, &why) == BERTH_OK &&
	       partition <= last;
}

static void
serve_crl(struct berth_registrar_role *role, struct berth_ticket *ticket, size_t issuer,
	  const struct berth_address *address)
{
	struct berth_publisher *publisher = &role->publisher;
	struct berth_why why = {0};
	publisher->crl_requests++;
	struct berth_kept_crl *kept = berth_kept_crl(publisher, issuer, address->partition);
	if (kept != NULL && !kept->is_void && now_of(role).s < kept->renew_at.s) {
		reply(role, ticket, TYPE_CRL, berth_buf_view(&kept->der));
		return;
	}
	if (!partition_exists(role, address->partition)) {
		refuse(role, ticket);
		return;
	}
	if (berth_rate_take(&publisher->crl_rate, berth_judge_now(role->judge).mono,
			    "lists per minute", &why) ||
	    start_crl(role, issuer, address->partition, ticket, &why))
		berth_judge_reply_text(
			role->judge, ticket,
			why.err == BERTH_E_LIMIT && strcmp(why.rule, "crl-too-large") == 0 ? 404
											   : 503,
			false, why.sentence);
}

/* ---- OCSP ---- */

/* req: rfc6960-2.2-status */
static enum berth_err
look_up(struct berth_registrar_role *role, size_t issuer, const struct berth_ocsp_id *id,
	struct berth_ocsp_single *ret, struct berth_why *why)
{
	struct berth_standing standing;
	struct berth_bytes serial = berth_bytes_of(id->serial, id->serial_n);
	enum berth_err err = berth_registrar_standing(
		role->store, berth_cert_ski(issuer_at(role, issuer)), serial, &standing, why);
	if (err)
		return err;
	*ret = (struct berth_ocsp_single){
		.hash = id->hash,
		.serial = serial,
		.status = BERTH_OCSP_UNKNOWN,
	};
	if (standing.is_revoked) {
		ret->status = BERTH_OCSP_REVOKED;
		ret->revoked_at = standing.revoked_at;
		ret->reason = (unsigned)standing.reason;
	} else if (standing.is_known) {
		ret->status = BERTH_OCSP_GOOD;
	}
	return BERTH_OK;
}

/* Signs what the store says now. */
static enum berth_err
ask_ocsp(struct berth_registrar_role *role, struct berth_publish_job *job, struct berth_why *why)
{
	struct berth_sign_ocsp ask = {
		.issuer = berth_cert_ski(issuer_at(role, job->issuer)),
		.nonce = berth_bytes_of(job->request.nonce, job->request.nonce_n),
		.single_count = job->request.id_count,
	};
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; !err && i < ask.single_count; i++)
		err = look_up(role, job->issuer, &job->request.ids[i], &ask.singles[i], why);
	BERTH_BUF payload = {0};
	if (!err && berth_sign_ocsp_encode(&ask, &payload))
		err = berth_fail(why, BERTH_E_LIMIT, "signer-frame", NULL,
				 "the request is too large for the signer");
	if (err)
		return err;
	role->publisher.ocsp_signed++;
	berth_judge_sign(role->judge, BERTH_REGISTRAR_SIGN_OCSP, berth_buf_view(&payload),
			 cookie_of(&role->publisher, job));
	return BERTH_OK;
}

static void
start_ocsp(struct berth_registrar_role *role, struct berth_ticket *ticket, size_t issuer,
	   const struct berth_ocsp_request *request)
{
	struct berth_publisher *publisher = &role->publisher;
	struct berth_publish_job *job = free_job(publisher);
	struct berth_why why = {0};
	if (job == NULL) {
		reply_ocsp_error(role, ticket, BERTH_OCSP_TRY_LATER);
		return;
	}
	*job = (struct berth_publish_job){
		.kind = BERTH_PUBLISH_OCSP,
		.issuer = issuer,
		.generation = next_generation(publisher),
		.request = *request,
	};
	/* clear_job frees the waiter; the analyzer loses it in the judge's own calls. */
	BERTH_ANALYZER_TRUST_LEAK
	if (add_waiter(job, ticket) && ask_ocsp(role, job, &why) == BERTH_OK)
		return;
	BERTH_ANALYZER_END
	clear_job(job);
	reply_ocsp_error(role, ticket, BERTH_OCSP_INTERNAL_ERROR);
}

static void
serve_ocsp(struct berth_registrar_role *role, struct berth_ticket *ticket, struct berth_bytes der)
{
	struct berth_ocsp_request request;
	struct berth_why why = {0};
	size_t issuer = 0;
	role->publisher.ocsp_requests++;
	if (berth_ocsp_request_parse(role->pki, der, &request, &why)) {
		reply_ocsp_error(role, ticket, BERTH_OCSP_MALFORMED_REQUEST);
		return;
	}
	if (!find_issuer_of(role, &request, &issuer)) {
		reply_ocsp_error(role, ticket, BERTH_OCSP_UNAUTHORIZED);
		return;
	}
	const struct berth_kept_response *kept =
		request.id_count == 1 && request.nonce_n == 0
			? berth_kept_response(&role->publisher, issuer, &request.ids[0])
			: NULL;
	if (kept != NULL && now_of(role).s < kept->renew_at.s)
		reply(role, ticket, TYPE_OCSP, berth_buf_view(&kept->der));
	else
		start_ocsp(role, ticket, issuer, &request);
}

/* RFC 6960 A.1: the request in base64, and that URL-encoded, which is undone already. */
static void
serve_ocsp_get(struct berth_registrar_role *role, struct berth_ticket *ticket,
	       struct berth_bytes text)
{
	BERTH_BUF der = {.limit = BERTH_OCSP_REQUEST_MAX_BYTES};
	if (berth_base64_decode(text, false, &der, NULL)) {
		reply_ocsp_error(role, ticket, BERTH_OCSP_MALFORMED_REQUEST);
		return;
	}
	serve_ocsp(role, ticket, berth_buf_view(&der));
}

/* ---- requests ---- */

static struct berth_bytes
after(struct berth_bytes path, const char *prefix)
{
	size_t n = strlen(prefix);
	return berth_bytes_starts_with(path, prefix) && path.n > n
		       ? berth_bytes_of(path.p + n, path.n - n)
		       : BERTH_BYTES_NONE;
}

void
berth_registrar_published(void *context, struct berth_ticket *ticket,
			  const struct berth_http_request *http, struct berth_bytes peer_address)
{
	struct berth_registrar_role *role = context;
	struct berth_address address;
	size_t issuer = 0;
	(void)peer_address;
	bool is_get = http->method == BERTH_HTTP_GET;
	if (http->method == BERTH_HTTP_POST &&
	    berth_bytes_equal_text(http->path, BERTH_OCSP_PATH) &&
	    berth_bytes_equal_text(http->media_type, TYPE_OCSP_REQUEST)) {
		serve_ocsp(role, ticket, http->body);
	} else if (is_get && after(http->path, BERTH_OCSP_PATH "/").n > 0) {
		serve_ocsp_get(role, ticket, after(http->path, BERTH_OCSP_PATH "/"));
	} else if (is_get &&
		   berth_address_read(after(http->path, BERTH_CRL_PATH), ".crl", &address) &&
		   find_issuer(role, &address, &issuer)) {
		serve_crl(role, ticket, issuer, &address);
	} else if (is_get &&
		   berth_address_read(after(http->path, BERTH_CA_PATH), ".cer", &address) &&
		   find_issuer(role, &address, &issuer) &&
		   address.partition == BERTH_PARTITION_ALL) {
		reply(role, ticket, TYPE_CERTIFICATE, berth_cert_der(issuer_at(role, issuer)));
	} else {
		refuse(role, ticket);
	}
}

/* ---- signatures ---- */

static void
reply_all(struct berth_registrar_role *role, struct berth_publish_job *job, const char *type,
	  struct berth_bytes body)
{
	for (struct berth_publish_waiter *waiter = job->waiters; waiter != NULL;
	     waiter = waiter->next)
		reply(role, waiter->ticket, type, body);
}

/* The signer is another process: what it says is read before it is kept. */
static void
take_crl(struct berth_registrar_role *role, struct berth_publish_job *job,
	 struct berth_bytes object)
{
	struct berth_why why = {0};
	BERTH_CRL *crl = NULL;
	struct berth_wall now = now_of(role);
	if (berth_crl_parse(role->pki, object, &crl, &why) ||
	    berth_crl_verify(role->pki, crl, issuer_at(role, job->issuer), now, &why)) {
		berth_log_why(&role->log, BERTH_LOG_ERROR, "crl.bad", &why, (const char *)NULL);
		for (struct berth_publish_waiter *w = job->waiters; w != NULL; w = w->next)
			berth_judge_reply_text(role->judge, w->ticket, 503, false, why.sentence);
		return;
	}
	if (!job->is_void)
		berth_keep_crl(&role->publisher, job->issuer, job->partition, object, now,
			       berth_crl_next_update(crl));
	reply_all(role, job, TYPE_CRL, object);
}

/* A stranger can ask about numbers that never were: those answers are not kept. */
static void
take_ocsp(struct berth_registrar_role *role, struct berth_publish_job *job,
	  struct berth_bytes object)
{
	struct berth_wall now = now_of(role);
	struct berth_why why = {0};
	struct berth_standing standing = {0};
	const struct berth_ocsp_id *id = &job->request.ids[0];
	bool may_keep = job->request.id_count == 1 && job->request.nonce_n == 0 && !job->is_void;
	if (may_keep &&
	    berth_registrar_standing(role->store, berth_cert_ski(issuer_at(role, job->issuer)),
				     berth_bytes_of(id->serial, id->serial_n), &standing,
				     &why) == BERTH_OK &&
	    standing.is_known)
		berth_keep_response(&role->publisher, job->issuer, id, object, now,
				    (struct berth_wall){now.s + role->settings->ocsp_lifetime_s});
	reply_all(role, job, TYPE_OCSP, object);
}

static void
fail_job(struct berth_registrar_role *role, struct berth_publish_job *job,
	 const struct berth_why *why)
{
	const struct berth_kept_response *kept =
		job->kind == BERTH_PUBLISH_OCSP && job->request.id_count == 1
			? berth_kept_response(&role->publisher, job->issuer, &job->request.ids[0])
			: NULL;
	for (struct berth_publish_waiter *w = job->waiters; w != NULL; w = w->next) {
		if (job->kind == BERTH_PUBLISH_CRL)
			berth_judge_reply_text(role->judge, w->ticket, 503, false, why->sentence);
		else if (kept != NULL && now_of(role).s < kept->ends_at.s)
			reply(role, w->ticket, TYPE_OCSP, berth_buf_view(&kept->der));
		else
			reply_ocsp_error(role, w->ticket, BERTH_OCSP_TRY_LATER);
	}
}

bool
berth_publish_signature(struct berth_registrar_role *role, uint64_t cookie, enum berth_err err,
			struct berth_bytes object, const struct berth_why *why)
{
	struct berth_publisher *publisher = &role->publisher;
	uint32_t slot = (uint32_t)cookie & ~COOKIE_MARK;
	if (((uint32_t)cookie & COOKIE_MARK) == 0)
		return false;
	if (slot >= BERTH_PUBLISH_JOBS_MAX ||
	    publisher->jobs[slot].generation != (uint32_t)(cookie >> 32) ||
	    publisher->jobs[slot].kind == BERTH_PUBLISH_NONE)
		return true;
	struct berth_publish_job *job = &publisher->jobs[slot];
	/* Something was revoked while this was signed: nobody may be told the older truth. */
	if (!err && job->is_void && job->kind == BERTH_PUBLISH_OCSP) {
		struct berth_why again = {0};
		job->is_void = false;
		if (ask_ocsp(role, job, &again) == BERTH_OK)
			return true;
		err = again.err;
	}
	if (err)
		fail_job(role, job, why);
	else if (job->kind == BERTH_PUBLISH_CRL)
		take_crl(role, job, object);
	else
		take_ocsp(role, job, object);
	clear_job(job);
	return true;
}

/* ---- revocation ---- */

/* Whoever's: a list signed once too often harms nobody. */
static void
make_void(struct berth_publisher *publisher, int64_t partition)
{
	for (size_t issuer = 0; issuer < publisher->issuers->n; issuer++) {
		struct berth_kept_crl *kept = berth_kept_crl(publisher, issuer, partition);
		if (kept != NULL)
			kept->is_void = true;
	}
}

/* req: rfc6960-2.2-status */
void
berth_publish_revoked(struct berth_registrar_role *role, struct berth_bytes serial,
		      int64_t partition)
{
	struct berth_publisher *publisher = &role->publisher;
	publisher->has_changes = true;
	berth_kept_forget(publisher, serial);
	make_void(publisher, partition);
	make_void(publisher, BERTH_PARTITION_ALL);
	for (size_t i = 0; i < BERTH_PUBLISH_JOBS_MAX; i++)
		publisher->jobs[i].is_void = publisher->jobs[i].kind != BERTH_PUBLISH_NONE;
}

void
berth_publish_refresh(struct berth_registrar_role *role)
{
	struct berth_publisher *publisher = &role->publisher;
	struct berth_why why = {0};
	if (!publisher->has_changes || !publisher->is_served)
		return;
	publisher->has_changes = false;
	for (size_t i = 0; i < BERTH_KEPT_CRLS; i++) {
		const struct berth_kept_crl *kept = &publisher->crls[i];
		if (kept->der.n > 0 && kept->is_void &&
		    start_crl(role, kept->issuer, kept->partition, NULL, &why))
			berth_log_why(&role->log, BERTH_LOG_ERROR, "crl.late", &why,
				      (const char *)NULL);
	}
}

/* ---- start and end ---- */

/* Our own certificate, when this issuer made it: so that OCSP knows it and an operator can revoke it. */
static enum berth_err
know_own(struct berth_registrar_role *role, const struct berth_cert *issuer, struct berth_why *why)
{
	const struct berth_cert_list *chain = berth_judge_tls_chain(role->judge);
	const struct berth_cert *own = chain->n == 0 ? NULL : chain->at[0];
	if (own == NULL || !berth_bytes_equal(berth_cert_aki_key_id(own), berth_cert_ski(issuer)) ||
	    !berth_bytes_equal(berth_cert_issuer_der(own), berth_cert_subject_der(issuer)))
		return BERTH_OK;
	const struct berth_credential credential = {
		.issuer_key_id = berth_cert_ski(issuer),
		.serial = berth_cert_serial(own),
		.subject = berth_text(berth_cert_subject_text(own)),
		.not_after = berth_cert_not_after(own),
		.state = BERTH_CREDENTIAL_ISSUED,
	};
	bool is_open = berth_store_in_transaction(role->store);
	enum berth_err err = is_open ? BERTH_OK : berth_store_begin(role->store, why);
	if (!err)
		err = berth_registrar_own_seen(role->store, &credential, BERTH_PARTITION_OWN,
					       now_of(role), why);
	return err || is_open ? err : berth_store_commit(role->store, why);
}

enum berth_err
berth_publisher_open(struct berth_registrar_role *role, struct berth_why *why)
{
	struct berth_publisher *publisher = &role->publisher;
	publisher->issuers = &role->domain;
	publisher->is_served = role->settings->daemon.plain_listen != NULL;
	berth_rate_start(&publisher->crl_rate, BERTH_CRLS_PER_MINUTE);
	publisher->crls = calloc(BERTH_KEPT_CRLS, sizeof(*publisher->crls));
	publisher->responses = calloc(BERTH_KEPT_RESPONSES, sizeof(*publisher->responses));
	publisher->jobs = calloc(BERTH_PUBLISH_JOBS_MAX, sizeof(*publisher->jobs));
	if (publisher->crls == NULL || publisher->responses == NULL || publisher->jobs == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; !err && i < publisher->issuers->n; i++)
		err = know_own(role, publisher->issuers->at[i], why);
	return err;
}

void
berth_publisher_close(struct berth_registrar_role *role)
{
	struct berth_publisher *publisher = &role->publisher;
	for (size_t i = 0; publisher->crls != NULL && i < BERTH_KEPT_CRLS; i++)
		berth_buf_free(&publisher->crls[i].der);
	for (size_t i = 0; publisher->responses != NULL && i < BERTH_KEPT_RESPONSES; i++)
		berth_buf_free(&publisher->responses[i].der);
	for (size_t i = 0; publisher->jobs != NULL && i < BERTH_PUBLISH_JOBS_MAX; i++)
		clear_job(&publisher->jobs[i]);
	free(publisher->crls);
	free(publisher->responses);
	free(publisher->jobs);
}
