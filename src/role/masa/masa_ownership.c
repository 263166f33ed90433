/* SPDX-License-Identifier: BSD-2-Clause */
/* Claims, releases and transfers that registrars ask for over TLS: protocol/ownership/ownership.h, with the store. */
#include "protocol/ownership/ownership.h"

#include <stdio.h>
#include <stdlib.h>

#include "net/http_sources.h"
#include "role/masa/masa_judge.h"

#define RECORD_ARENA_BYTES ((size_t)64 << 10) /* a unit and its owner */
#define ADDRESS_MAX 64

struct berth_masa_asking {
	struct berth_masa_asking *next;
	struct berth_masa_role *role;
	struct berth_ticket *ticket; /* NULL: the requester has gone */
	uint64_t cookie;
	uint8_t question[BERTH_SHA256_BYTES]; /* the revocation data that is waited for */
	struct berth_ownership machine;
	struct berth_ownership *o; /* the machine */
	char address[ADDRESS_MAX];
	struct berth_arena arena;
	struct berth_masa_unit_record record;
	struct berth_wall let_go; /* when the last owner did */
	struct berth_wall code_made;
	int64_t unit_bucket;
	int64_t source_bucket;
};

static struct berth_wall
wall(const struct berth_masa_asking *a)
{
	return berth_judge_now(a->role->judge).wall;
}

/* ---- who told wrong codes ---- */

static enum berth_err
bucket_of(const struct berth_masa_asking *a, struct berth_bytes what, int64_t *ret,
	  struct berth_why *why)
{
	uint8_t digest[BERTH_DIGEST_BYTES];

	if (berth_digest_sha256(&a->role->digest, what, digest))
		return berth_fail(why, BERTH_E_CRYPTO, "berth-crypto", NULL, "SHA-256 failed");
	*ret = (int64_t)(digest[0] << 8 | digest[1]);
	return BERTH_OK;
}

static enum berth_err
find_waits(struct berth_masa_asking *a, struct berth_ownership_facts *facts, struct berth_why *why)
{
	const struct berth_masa_settings *settings = a->role->settings;
	const struct berth_http_source source = berth_http_source_of(a->address);
	enum berth_err err = bucket_of(a, a->o->request.serial_number, &a->unit_bucket, why);

	err = err ? err
		  : bucket_of(a, berth_bytes_of(source.key, sizeof(source.key)), &a->source_bucket,
			      why);
	a->source_bucket += BERTH_MASA_CLAIM_BUCKETS;
	err = err ? err
		  : berth_masa_claim_wait(a->role->store, a->unit_bucket, settings->claims_per_unit,
					  wall(a), &facts->unit_wait_s, why);
	return err ? err
		   : berth_masa_claim_wait(a->role->store, a->source_bucket,
					   settings->claims_per_source, wall(a),
					   &facts->source_wait_s, why);
}

/* ---- facts ---- */

static enum berth_err
find_code(struct berth_masa_asking *a, struct berth_ownership_facts *facts, struct berth_why *why)
{
	struct berth_masa_claim claim = {0};
	enum berth_err err = berth_masa_claim_get(a->role->store, a->record.unit.row, &claim, why);

	if (err)
		return err == BERTH_E_NOT_FOUND ? BERTH_OK : err;
	facts->has_code = true;
	facts->code_is_used = claim.is_used;
	a->code_made = claim.made_at;
	memcpy(facts->code.salt, claim.salt, sizeof(claim.salt));
	memcpy(facts->code.sha256, claim.sha256, sizeof(claim.sha256));
	return BERTH_OK;
}

static enum berth_err
find_last(struct berth_masa_asking *a, struct berth_ownership_facts *facts, struct berth_why *why)
{
	const struct berth_bytes next =
		berth_bytes_of(a->o->next.key_sha256, sizeof(a->o->next.key_sha256));
	struct berth_masa_owner last = {0};
	enum berth_err err =
		berth_masa_owner_last(a->role->store, a->record.unit.row, &a->arena, &last, why);

	facts->owner_is_next = a->o->act == BERTH_OWNERSHIP_TRANSFER && facts->has_owner &&
			       berth_bytes_equal(a->record.owner.domain_key_sha256, next);
	facts->asker_let_go = !err && berth_masa_is_asker(&last, &a->o->unit_query);
	facts->asker_left_code =
		facts->asker_let_go && facts->has_code && a->code_made.s == last.until.s;
	a->let_go = last.until;
	return err == BERTH_E_NOT_FOUND ? BERTH_OK : err;
}

static enum berth_err
find_facts(struct berth_masa_asking *a, struct berth_ownership_facts *facts, struct berth_why *why)
{
	struct berth_masa_unit_facts unit = {0};
	enum berth_err err = berth_masa_look_up_owner(a->role, &a->o->unit_query, &a->arena,
						      &a->record, &unit, why);

	facts->is_known = unit.is_known && !unit.is_ambiguous;
	facts->is_withdrawn = unit.is_withdrawn;
	facts->has_owner = unit.has_owner;
	facts->owner_is_asker = unit.owner_is_asker;
	if (!err && facts->is_known)
		err = find_code(a, facts, why);
	if (!err && facts->is_known)
		err = find_last(a, facts, why);
	return err ? err : find_waits(a, facts, why);
}

/* ---- effects: the record first, each in the request's savepoint ---- */

static enum berth_err
note(struct berth_masa_asking *a, enum berth_event_kind event, struct berth_why *why)
{
	BERTH_BUF trace = {.limit = BERTH_DECISION_JSON_MAX_BYTES};
	char actor[BERTH_AUDIT_ACTOR_MAX];
	enum berth_err err = berth_decision_encode(&a->o->decision, &trace, why);

	snprintf(actor, sizeof(actor), "owner:%.80s", a->o->asker.name);
	return err ? err
		   : berth_audit_append(a->role->store, wall(a), actor, event, a->record.device,
					berth_buf_view(&trace), why);
}

static enum berth_err
set_owner(struct berth_masa_asking *a, const struct berth_ownership_domain *domain,
	  const char *reference, struct berth_why *why)
{
	const struct berth_masa_owner owner = {
		.domain_id = berth_bytes_of(domain->domain_id, domain->domain_id_length),
		.domain_key_sha256 = berth_bytes_of(domain->key_sha256, sizeof(domain->key_sha256)),
		.name = berth_text(domain->name),
		.reference = berth_text(reference),
		.since = wall(a),
	};
	enum berth_err err = note(a, BERTH_EVENT_OWNER_SET, why);

	return err ? err : berth_masa_owner_set(a->role->store, a->record.unit.row, &owner, why);
}

/* Made when the unit was let go, also when it comes again: so it is known whose it is. */
static enum berth_err
leave_code(struct berth_masa_asking *a, struct berth_wall let_go, struct berth_why *why)
{
	const struct berth_ownership_request *request = &a->o->request;
	struct berth_masa_claim next = {0};

	if (!request->has_next_code)
		return BERTH_OK;
	memcpy(next.salt, request->next_code.salt, sizeof(next.salt));
	memcpy(next.sha256, request->next_code.sha256, sizeof(next.sha256));
	return berth_masa_claim_replace(a->role->store, a->record.unit.row, &next, let_go, why);
}

static enum berth_err
end_owner(struct berth_masa_asking *a, struct berth_why *why)
{
	struct berth_store *store = a->role->store;
	const struct berth_wall now = wall(a);
	enum berth_err err = note(a, BERTH_EVENT_OWNER_ENDED, why);

	err = err ? err : berth_masa_owner_end(store, a->record.unit.row, now, why);
	err = err ? err : berth_masa_custody_end(store, a->record.unit.row, now, why);
	return err ? err : leave_code(a, now, why);
}

static enum berth_err
claim(struct berth_masa_asking *a, struct berth_why *why)
{
	enum berth_err err = berth_masa_claim_use(a->role->store, a->record.unit.row,
						  a->o->asker.key_sha256, wall(a), why);

	return err ? err : set_owner(a, &a->o->asker, "claimed by code", why);
}

static enum berth_err
take_effect(struct berth_masa_asking *a, struct berth_why *why)
{
	enum berth_err err = BERTH_OK;

	switch (a->o->effect) {
	case BERTH_OWNERSHIP_NOTHING:
	case BERTH_OWNERSHIP_COUNT_WRONG:
		return BERTH_OK;
	case BERTH_OWNERSHIP_SET:
		return claim(a, why);
	case BERTH_OWNERSHIP_NEW_CODE:
		err = note(a, BERTH_EVENT_OWNER_ENDED, why);
		return err ? err : leave_code(a, a->let_go, why);
	case BERTH_OWNERSHIP_END:
		return end_owner(a, why);
	case BERTH_OWNERSHIP_REPLACE:
		err = end_owner(a, why);
		return err ? err : set_owner(a, &a->o->next, "transferred by its owner", why);
	}
	return err;
}

/* All of it, or nothing. */
static enum berth_err
write_effect(struct berth_masa_asking *a, struct berth_why *why)
{
	struct berth_store *store = a->role->store;
	struct berth_why ignored = {0};
	enum berth_err err = berth_store_savepoint(store, why);

	if (err)
		return err;
	err = take_effect(a, why);
	if (!err)
		return berth_store_release(store, why);
	berth_ignore(berth_store_rollback(store, &ignored), "the first error is the one to tell");
	return err;
}

static enum berth_err
reply_well(struct berth_masa_asking *a)
{
	const struct berth_masa_unit *unit = &a->record.unit;
	struct berth_ownership_reply reply = {
		.state = a->o->act == BERTH_OWNERSHIP_RELEASE ? BERTH_OWNERSHIP_RELEASED
							      : BERTH_OWNERSHIP_OWNED,
		.identity = unit->identity,
		.key_sha256 = unit->idevid_key_sha256,
		.model = unit->model,
	};

	if (a->o->act == BERTH_OWNERSHIP_CLAIM)
		reply.owner = berth_text(a->o->asker.name);
	if (a->o->act == BERTH_OWNERSHIP_TRANSFER)
		reply.owner = berth_text(a->o->next.name);
	return berth_ownership_end_well(a->o, &reply);
}

/* A wrong code leaves its mark in the count always, in the audit log where the unit is ours. */
static enum berth_err
mark_refusal(struct berth_masa_asking *a, struct berth_why *why)
{
	struct berth_store *store = a->role->store;
	enum berth_err err = BERTH_OK;

	if (a->o->effect == BERTH_OWNERSHIP_COUNT_WRONG) {
		err = berth_masa_claim_wrong(store, a->unit_bucket, wall(a), why);
		err = err ? err : berth_masa_claim_wrong(store, a->source_bucket, wall(a), why);
	}
	/* What is refused for its rate is counted already; a line for each would fill the store. */
	if (err || a->record.device[0] == '\0' || a->o->why.err == BERTH_E_PENDING ||
	    !berth_masa_may_note_refusal(a->role, a->record.device))
		return err;
	return note(a, BERTH_EVENT_OWNERSHIP_REFUSED, why);
}

static void
log_end(struct berth_masa_asking *a)
{
	struct berth_masa_role *role = a->role;
	const struct berth_ownership *o = a->o;
	const char *device = a->record.device[0] ? a->record.device : NULL;
	const char *act = berth_ownership_act_name(o->act);
	uint64_t suppressed = 0;

	if (!o->why.err)
		berth_log(&role->log, BERTH_LOG_NOTICE,
			  berth_event_name(o->act == BERTH_OWNERSHIP_RELEASE
						   ? BERTH_EVENT_OWNER_ENDED
						   : BERTH_EVENT_OWNER_SET),
			  "device", device, "act", act, "owner", o->asker.name, "next",
			  o->next.name, "peer", a->address, NULL);
	else if (berth_log_allows(&role->refusals, berth_judge_now(role->judge).mono, &suppressed))
		berth_log_why(&role->log, BERTH_LOG_WARNING,
			      berth_event_name(BERTH_EVENT_OWNERSHIP_REFUSED), &o->why, "device",
			      device, "act", act, "registrar", o->registrar_name, "peer",
			      a->address, NULL);
}

/* ---- from the first look to the end ---- */

static void
asking_free(struct berth_masa_asking *a)
{
	berth_ownership_end(&a->machine);
	berth_arena_end(&a->arena);
	free(a);
}

static void
finish(struct berth_masa_asking *a)
{
	log_end(a);
	if (a->ticket)
		berth_judge_reply(a->role->judge, a->ticket, &a->o->response);
	asking_free(a);
}

/* True: it may; else o holds the refusal, and its mark is made. */
static bool
decide(struct berth_masa_asking *a)
{
	struct berth_ownership_facts facts = {0};
	struct berth_why why = {0};

	a->record = (struct berth_masa_unit_record){0};
	if (find_facts(a, &facts, &why)) {
		berth_ignore(berth_ownership_fail(a->o, &why), "the refusal is the outcome");
		return false;
	}
	if (berth_ownership_decide(a->o, &facts) == BERTH_OK)
		return true;
	if (mark_refusal(a, &why))
		berth_log_why(&a->role->log, BERTH_LOG_ERROR, "store.failed", &why, NULL);
	return false;
}

static void
do_it(struct berth_masa_asking *a)
{
	struct berth_why why = {0};

	if (write_effect(a, &why))
		berth_ignore(berth_ownership_fail(a->o, &why), "the refusal is the outcome");
	else
		berth_ignore(reply_well(a), "else the response is the refusal");
	finish(a);
}

static enum berth_err
wait_for(struct berth_masa_asking *a, struct berth_why *why)
{
	struct berth_masa_role *role = a->role;

	if (role->asking_count >= BERTH_MASA_ASKINGS_MAX)
		return berth_fail(why, BERTH_E_TIMEOUT, "masa-busy", NULL,
				  "too many requests wait; try again");
	a->cookie = ++role->next_cookie;
	a->next = role->askings;
	role->askings = a;
	role->asking_count++;
	return BERTH_OK;
}

/* err: of the check of revocation so far. Until it is known, or must be fetched. */
static void
go_on(struct berth_masa_asking *a, enum berth_err err, bool was_away)
{
	struct berth_masa_fetcher *fetcher = &a->role->fetcher;
	struct berth_why why = {0};

	while (err == BERTH_E_PENDING) {
		struct berth_bytes kept = BERTH_BYTES_NONE;
		if (berth_masa_question(fetcher, &a->o->revocation, a->question) == BERTH_OK) {
			kept = berth_masa_kept_find(fetcher, a->question, wall(a));
			if (kept.n == 0 && wait_for(a, &why) == BERTH_OK) {
				berth_masa_dial(fetcher, a->role->judge, &a->o->revocation,
						a->cookie);
				return;
			}
		}
		err = berth_ownership_answer_revocation(a->o, kept, &why);
	}
	if (err) {
		if (mark_refusal(a, &why))
			berth_log_why(&a->role->log, BERTH_LOG_ERROR, "store.failed", &why, NULL);
		finish(a);
	} else if (was_away && !decide(a)) { /* another may have come first meanwhile */
		finish(a);
	} else {
		do_it(a);
	}
}

void
berth_masa_ownership(struct berth_masa_role *role, struct berth_ticket *ticket,
		     enum berth_ownership_act act, const struct berth_http_request *http,
		     const struct berth_tls_facts *tls, struct berth_bytes peer_address)
{
	struct berth_masa_asking *a = calloc(1, sizeof(*a));

	if (!a) {
		berth_judge_reply_text(role->judge, ticket, 503, false, "out of memory");
		return;
	}
	a->role = role;
	a->ticket = ticket;
	a->o = &a->machine;
	snprintf(a->address, sizeof(a->address), "%.*s", (int)peer_address.n,
		 (const char *)peer_address.p);
	berth_ownership_start(a->o, role->pki, act, berth_judge_now(role->judge));
	berth_arena_start(&a->arena, RECORD_ARENA_BYTES);
	if (berth_ownership_input(a->o, &role->trust.policy, http, tls) || !decide(a))
		finish(a);
	else
		go_on(a, berth_ownership_check_revocation(a->o), false);
}

static struct berth_masa_asking *
take_waiting(struct berth_masa_role *role, uint64_t cookie)
{
	for (struct berth_masa_asking **at = &role->askings; *at; at = &(*at)->next) {
		struct berth_masa_asking *a = *at;

		if (a->cookie == cookie) {
			*at = a->next;
			role->asking_count--;
			return a;
		}
	}
	return NULL;
}

void
berth_masa_ownership_fetched(struct berth_masa_role *role, uint64_t cookie,
			     const struct berth_http_response *response,
			     const struct berth_why *why)
{
	struct berth_masa_asking *a = take_waiting(role, cookie);
	struct berth_why said = {0};

	if (!a)
		return;
	if (response->status != 0 && response->status != 200)
		berth_ignore(berth_fail(&said, BERTH_E_UNREACHABLE, "revocation-status", NULL,
					"it answered with status %d", response->status),
			     "passed on");
	else if (why != NULL)
		said = *why;
	struct berth_bytes body = response->status == 200 ? response->body : BERTH_BYTES_NONE;
	a->o->revocation.good_until = (struct berth_wall){0};
	uint8_t question[BERTH_SHA256_BYTES];
	memcpy(question, a->question, sizeof(question));
	enum berth_err err = berth_ownership_answer_revocation(a->o, body, &said);
	if (!err)
		berth_masa_keep(&role->fetcher, question, body, wall(a),
				a->o->revocation.good_until);
	go_on(a, err, true);
}

void
berth_masa_ownership_gone(struct berth_masa_role *role, const struct berth_ticket *ticket)
{
	for (struct berth_masa_asking *a = role->askings; a; a = a->next)
		if (a->ticket == ticket)
			a->ticket = NULL;
}

void
berth_masa_ownership_end(struct berth_masa_role *role)
{
	while (role->askings) {
		struct berth_masa_asking *a = role->askings;

		role->askings = a->next;
		asking_free(a);
	}
	role->asking_count = 0;
}
