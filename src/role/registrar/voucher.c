/* SPDX-License-Identifier: BSD-2-Clause */
/* requestvoucher, voucher_status and enrollstatus: what the machine asks for, given by store, policy, signer and MASA. */
#include "role/registrar/judge.h"

#include "protocol/brski/telemetry.h"
#include "role/registrar/signing.h"

#include <stdio.h>

/* ---- may this device on? ---- */

/* The step that these very bytes began, or a new one. */
static enum berth_err
begin_step(struct berth_registrar_exchange *exchange, struct berth_registrar_step *ret,
	   bool *is_new, struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	const struct berth_registrar *x = &exchange->brski;
	char connection[160];
	int n = snprintf(connection, sizeof(connection),
			 "{\"tls\":\"%04x\",\"from\":\"%s\",\"connection\":%llu}",
			 exchange->tls.version, exchange->address,
			 (unsigned long long)exchange->tls.connection);
	struct berth_registrar_step wanted = {
		.device = exchange->device,
		.nonce = x->pvr.voucher.nonce,
		.pvr = x->pvr_der,
		.connection = berth_bytes_of(connection, n < 0 ? 0 : (size_t)n),
		.masa = berth_text(x->masa.host),
		.asked_at = x->now.wall,
	};
	memcpy(wanted.pvr_sha256, x->pvr_digest, sizeof(wanted.pvr_sha256));
	if (berth_sha256(role->pki, berth_cert_der(role->machine.own_chain->at[0]),
			 wanted.registrar_cert_sha256))
		return berth_fail(why, BERTH_E_CRYPTO, "sha256", NULL,
				  "our certificate's digest could not be made");
	return berth_registrar_step_begin(role->store, &wanted, &exchange->arena, ret, is_new, why);
}

/* A voucher that was made ahead for this device, where we may give one. */
static enum berth_err
find_stored(struct berth_registrar_exchange *exchange, const struct berth_device_identity *identity,
	    struct berth_registrar_answer *answer, struct berth_why *why)
{
	struct berth_registrar_stored_voucher found;
	const struct berth_registrar_settings *settings = exchange->role->settings;
	if (settings->stored_vouchers == BERTH_STORED_VOUCHERS_NEVER)
		return BERTH_OK;
	enum berth_err err = berth_registrar_voucher_find(exchange->role->store, identity,
							  &exchange->arena, &found, why);
	if (err)
		return err == BERTH_E_NOT_FOUND ? BERTH_OK : err;
	answer->stored_voucher = found.der;
	answer->stored_first = settings->stored_vouchers == BERTH_STORED_VOUCHERS_FIRST;
	return BERTH_OK;
}

/* The store's and the policy's part of the decision, written into the machine's trace. */
static enum berth_err
decide(struct berth_registrar_exchange *exchange, struct berth_registrar_answer *answer,
       bool *is_new, struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_registrar *x = &exchange->brski;
	struct berth_registrar_device device;
	struct berth_registrar_step step;
	struct berth_facts facts;
	enum berth_err err = berth_exchange_know_device(exchange, true, &device, why);
	if (!err)
		err = begin_step(exchange, &step, is_new, why);
	if (err)
		return err;
	exchange->step = step.row;
	err = berth_device_check_welcome(&device, why);
	if (!err)
		err = berth_exchange_facts(exchange, &device, &facts, why);
	if (err)
		return err;
	berth_policy_decide(role->policy, BERTH_STAGE_VOUCHER, &facts, &x->decision);
	answer->retry_after_s = (int32_t)role->settings->retry_after_s;
	if (x->decision.outcome == BERTH_OUTCOME_PENDING)
		return berth_exchange_let_wait(exchange, &device, *is_new, why);
	if (x->decision.outcome != BERTH_OUTCOME_ALLOW)
		return BERTH_OK;
	if (step.state == BERTH_STEP_REFUSED || step.state == BERTH_STEP_REJECTED)
		return berth_fail(why, BERTH_E_DENIED, "rfc8995-5.3-step-closed", "RFC 8995 5.3",
				  "this very voucher-request had its answer: %s; the device must "
				  "make a new one",
				  step.state == BERTH_STEP_REFUSED
					  ? "it was refused"
					  : "the device rejected the voucher");
	if (step.state == BERTH_STEP_VOUCHER || step.state == BERTH_STEP_ACCEPTED)
		answer->earlier_voucher = step.voucher;
	err = find_stored(exchange, &device.identity, answer, why);
	if (err)
		return err;
	return berth_exchange_move_device(exchange, BERTH_DEVICE_ADMITTED, why);
}

/* A refusal of ours becomes part of the decision; what the store could not do is an error of ours. */
static enum berth_registrar_event
give_decision(struct berth_registrar_exchange *exchange)
{
	struct berth_registrar_answer answer = {0};
	struct berth_why why = {0};
	bool is_new = false;
	enum berth_err err = decide(exchange, &answer, &is_new, &why);
	if (err == BERTH_E_DENIED || err == BERTH_E_MISMATCH)
		berth_decision_fail(&exchange->brski.decision, &why);
	else if (err)
		return berth_registrar_fail(&exchange->brski, &why);
	return berth_registrar_answer_decision(&exchange->brski, &answer);
}

/* ---- the voucher ---- */

static void
fail(struct berth_registrar_exchange *exchange, const struct berth_why *why)
{
	berth_registrar_serve_brski(exchange, berth_registrar_fail(&exchange->brski, why));
}

static void
ask_signer(struct berth_registrar_exchange *exchange)
{
	struct berth_registrar_role *role = exchange->role;
	const struct berth_sign_rvr ask = {
		.json = berth_buf_view(&exchange->brski.rvr_json),
		.content_type = exchange->seen->peer.manufacturer->content_type,
	};
	struct berth_why why = {0};
	BERTH_BUF payload = {0};
	enum berth_err err = berth_exchange_note(exchange, BERTH_EVENT_VOUCHER_REQUESTED,
						 exchange->brski.masa.host, &why);
	if (!err && berth_sign_rvr_encode(&ask, &payload))
		err = berth_fail(&why, BERTH_E_LIMIT, "signer-frame", NULL,
				 "the request is too large for the signer");
	if (err) {
		fail(exchange, &why);
		return;
	}
	berth_judge_sign(role->judge, BERTH_REGISTRAR_SIGN_RVR, berth_buf_view(&payload),
			 berth_exchange_cookie(exchange));
}

/* req: rfc8995-5.4-credentials */
static void
dial(struct berth_registrar_exchange *exchange, const char *accept)
{
	const struct berth_registrar *x = &exchange->brski;
	const struct berth_dial dial = {
		.host = berth_text(x->masa.host),
		.port = x->masa.port,
		.anchors_pem = berth_buf_view(&exchange->seen->peer.manufacturer->masa_anchors_pem),
		.request =
			{
				.method = x->masa_body.n > 0 ? BERTH_HTTP_POST : BERTH_HTTP_GET,
				.path = berth_text(x->masa_path),
				.media_type = x->masa_body.n > 0
						      ? berth_text(BERTH_MEDIA_VOUCHER_CMS)
						      : BERTH_BYTES_NONE,
				.accept = berth_text(accept),
				.body = x->masa_body,
			},
		.with_client_certificate = true,
		.timeout_ms = exchange->role->settings->masa_timeout_s * 1000,
		.body_limit_bytes = BERTH_DAEMON_BODY_MAX,
	};
	berth_judge_dial(exchange->role->judge, &dial, berth_exchange_cookie(exchange));
}

/*
 * What the MASA was asked is written with what it answered, in one durable step: that it would be asked stands in the audit log
 * since before the signature, and until there is an answer nobody is told anything.
 */
static enum berth_err
keep_request(struct berth_registrar_exchange *exchange, struct berth_why *why)
{
	return berth_registrar_step_set_rvr(exchange->role->store, exchange->step,
					    exchange->brski.rvr_der, exchange->brski.now.wall, why);
}

/* The record precedes the voucher's way to the device. req: rfc8995-5.6-recorded */
static enum berth_registrar_event
record_voucher(struct berth_registrar_exchange *exchange)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_registrar *x = &exchange->brski;
	struct berth_why why = {0};
	enum berth_err err = berth_exchange_note(exchange, BERTH_EVENT_VOUCHER_FORWARDED,
						 berth_assertion_name(x->voucher_assertion), &why);
	/* Of a voucher made ahead there is no request of ours; the step goes through that state all the same. */
	if (!err)
		err = keep_request(exchange, &why);
	if (!err)
		err = berth_registrar_step_set_voucher(role->store, exchange->step, x->voucher_der,
						       berth_judge_now(role->judge).wall, &why);
	if (err)
		return berth_registrar_fail(x, &why);
	exchange->seen->step = exchange->step;
	exchange->seen->assertion =
		x->voucher_is_trusted ? x->voucher_assertion : BERTH_ASSERTION_NONE;
	return berth_registrar_answer_record(x);
}

/* ---- telemetry ---- */

static enum berth_err
keep_telemetry(struct berth_registrar_exchange *exchange, enum berth_telemetry_kind kind,
	       struct berth_why *why)
{
	const struct berth_registrar *x = &exchange->brski;
	const struct berth_registrar_telemetry telemetry = {
		.device = exchange->device,
		.step = exchange->step,
		.kind = kind,
		.ok = x->telemetry.status,
		.reason = x->telemetry.reason,
		.context = x->telemetry.reason_context,
		.session_used_new_certificate = x->used_new_certificate,
		.at = x->now.wall,
	};
	return berth_registrar_telemetry_put(exchange->role->store, &telemetry, why);
}

/* req: rfc8995-5.7-version */
static void
log_oddities(struct berth_registrar_exchange *exchange)
{
	const struct berth_telemetry *telemetry = &exchange->brski.telemetry;
	char number[24];
	if (telemetry->version > BERTH_TELEMETRY_VERSION) {
		(void)snprintf(number, sizeof(number), "%lld", (long long)telemetry->version);
		berth_log(&exchange->role->log, BERTH_LOG_WARNING, "telemetry.version", "device",
			  exchange->device_id, "request", exchange->what, "version", number,
			  "alert", "yes", (const char *)NULL);
	}
	if (telemetry->unknown_count > 0) {
		(void)snprintf(number, sizeof(number), "%zu", telemetry->unknown_count);
		berth_log(&exchange->role->log, BERTH_LOG_INFO, "telemetry.unknown", "device",
			  exchange->device_id, "request", exchange->what, "members", number,
			  (const char *)NULL);
	}
}

static enum berth_err
record_voucher_status(struct berth_registrar_exchange *exchange,
		      const struct berth_registrar_step *step, struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	const struct berth_registrar *x = &exchange->brski;
	const char *reason = berth_arena_text(&exchange->arena, x->telemetry.reason);
	enum berth_err err = keep_telemetry(exchange, BERTH_TELEMETRY_VOUCHER_STATUS, why);
	if (!err)
		err = berth_exchange_note(exchange, BERTH_EVENT_VOUCHER_STATUS,
					  x->telemetry.status ? "accepted" : "rejected", why);
	if (!err && step->state == BERTH_STEP_VOUCHER)
		err = berth_registrar_step_set_status(role->store, step->row, x->telemetry.status,
						      reason == NULL ? "" : reason, x->now.wall,
						      why);
	/* An accepted voucher stays so: what comes late may be about an earlier one. */
	if (!err && !x->telemetry.status && step->state != BERTH_STEP_ACCEPTED)
		err = berth_registrar_permission_drop(role->store, exchange->device, why);
	if (!err && !x->telemetry.status)
		berth_log(&role->log, BERTH_LOG_WARNING, "voucher.rejected", "device",
			  exchange->device_id, "reason", reason, (const char *)NULL);
	return err;
}

static enum berth_err
read_step(struct berth_registrar_exchange *exchange, struct berth_registrar_record *record,
	  struct berth_why *why)
{
	struct berth_registrar_step step;
	enum berth_err err = berth_registrar_step_peek_latest(
		exchange->role->store, exchange->device, &exchange->arena, &step, why);
	if (err == BERTH_E_NOT_FOUND)
		return BERTH_OK;
	if (!err)
		err = berth_registrar_step_rvr(exchange->role->store, step.row, &exchange->arena,
					       &record->rvr, why);
	if (err)
		return err;
	exchange->step = step.row;
	record->has_voucher = step.state == BERTH_STEP_VOUCHER ||
			      step.state == BERTH_STEP_REJECTED ||
			      step.state == BERTH_STEP_ACCEPTED;
	/* A device that rejected its voucher does not come on by saying the contrary: it asks for another one. */
	record->audit_is_due = step.audit_finding.n == 0 && step.state != BERTH_STEP_REJECTED;
	/* Acceptance is written with the verdict that follows, in one durable step: nobody is answered before. */
	if (!record->has_voucher || (exchange->brski.telemetry.status && record->audit_is_due))
		return BERTH_OK;
	return record_voucher_status(exchange, &step, why);
}

struct newest {
	struct berth_arena *arena;
	struct berth_bytes der;
};

static bool
first_issued(void *context, const struct berth_registrar_certificate *certificate)
{
	struct newest *newest = context;
	if (certificate->credential.state != BERTH_CREDENTIAL_ISSUED)
		return true;
	newest->der = berth_arena_copy(newest->arena, certificate->der);
	return false;
}

static enum berth_err
look_up(struct berth_registrar_exchange *exchange, struct berth_registrar_record *record,
	struct berth_why *why)
{
	struct berth_registrar_device device;
	enum berth_err err = berth_exchange_know_device(exchange, false, &device, why);
	if (err == BERTH_E_NOT_FOUND || err == BERTH_E_DENIED)
		return BERTH_OK; /* not known: 404 */
	if (err)
		return err;
	record->is_known = true;
	log_oddities(exchange);
	if (exchange->brski.operation == BERTH_REGISTRAR_VOUCHER_STATUS)
		return read_step(exchange, record, why);
	struct newest newest = {.arena = &exchange->arena};
	err = berth_registrar_certificate_each(exchange->role->store, device.row, first_issued,
					       &newest, why);
	record->certificate = newest.der;
	return err;
}

static enum berth_registrar_event
give_device(struct berth_registrar_exchange *exchange)
{
	struct berth_registrar_record record = {0};
	struct berth_why why = {0};
	if (look_up(exchange, &record, &why))
		return berth_registrar_fail(&exchange->brski, &why);
	return berth_registrar_answer_device(&exchange->brski, &record);
}

/* req: rfc8995-5.9.4-session */
static void
record_enrol_status(struct berth_registrar_exchange *exchange)
{
	struct berth_registrar_role *role = exchange->role;
	const struct berth_registrar *x = &exchange->brski;
	struct berth_why why = {0};
	enum berth_err err = keep_telemetry(exchange, BERTH_TELEMETRY_ENROL_STATUS, &why);
	if (!err)
		err = berth_exchange_note(exchange, BERTH_EVENT_ENROL_STATUS,
					  x->telemetry.status ? "enrolled" : "enrolment failed",
					  &why);
	if (err)
		berth_log_why(&role->log, BERTH_LOG_ERROR, "store.failed", &why,
			      (const char *)NULL);
	berth_log(&role->log, x->telemetry.status ? BERTH_LOG_NOTICE : BERTH_LOG_WARNING,
		  "device.enrol_status", "device", exchange->device_id, "status",
		  x->telemetry.status ? "enrolled" : "failed", "session",
		  x->used_new_certificate ? "new certificate" : "other certificate",
		  (const char *)NULL);
}

/* ---- the audit log ---- */

/*
 * The MASA chose which certificate of our chain it pinned, and may have chosen another one each time; before a roll-over that
 * was a former issuing CA. All of them are we: their events get the domainID that is returned, in own.
 */
static struct berth_bytes
name_ourselves(struct berth_registrar_role *role, uint8_t own[32],
	       struct berth_policy_audit_event *events, size_t n)
{
	const struct berth_cert_list *const lists[] = {role->machine.own_chain, &role->domain};
	struct berth_bytes name = berth_bytes_of(
		own, berth_cert_domain_id(role->pki, role->machine.own_chain->at[0], own));
	for (size_t l = 0; l < 2; l++)
		for (size_t i = 0; i < lists[l]->n; i++) {
			uint8_t id[32];
			size_t size = berth_cert_domain_id(role->pki, lists[l]->at[i], id);
			for (size_t e = 0; e < n; e++)
				if (berth_bytes_equal(events[e].domain_id,
						      berth_bytes_of(id, size)))
					events[e].domain_id = name;
		}
	return name;
}

/* What the MASA's log says, and with it whether the device may enrol. */
static enum berth_err
judge_audit(struct berth_registrar_exchange *exchange, enum berth_audit_finding *finding,
	    struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_registrar *x = &exchange->brski;
	uint8_t own[32];
	*finding = BERTH_AUDIT_UNKNOWN;
	if (!x->has_audit_log) {
		berth_log_why(&role->log, BERTH_LOG_WARNING, "audit_log.missing", &x->audit_why,
			      "device", exchange->device_id, (const char *)NULL);
		return BERTH_OK;
	}
	struct berth_policy_audit_event *events =
		berth_arena_alloc(&x->arena, (x->audit_log.event_count + 1) * sizeof(*events));
	if (events == NULL)
		return berth_fail(why, BERTH_E_LIMIT, "exchange-memory", NULL,
				  "the audit log is too long for us");
	for (size_t i = 0; i < x->audit_log.event_count; i++) {
		const struct berth_audit_event *event = &x->audit_log.events[i];
		events[i] = (struct berth_policy_audit_event){
			.date = event->date,
			.domain_id = event->domain_id,
			.has_nonce = event->nonce.n > 0,
			.assertion = berth_text(berth_assertion_name(event->assertion)),
			.truncated = event->truncated,
		};
	}
	const struct berth_audit_facts facts = {
		.events = events,
		.n = x->audit_log.event_count,
		.own_domain_id = name_ourselves(role, own, events, x->audit_log.event_count),
		.truncated_nonced = x->audit_log.nonced_duplicates,
		.truncated_nonceless = x->audit_log.nonceless_duplicates,
		.truncated_arbitrary = x->audit_log.arbitrary,
		.own_entry_expected = true,
	};
	*finding = berth_policy_audit(role->policy, &facts, &x->decision);
	return BERTH_OK;
}

enum berth_err
berth_exchange_find_assertion(struct berth_registrar_exchange *exchange,
			      const struct berth_manufacturer *maker, int64_t row,
			      enum berth_assertion *ret, struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_registrar_step step;
	*ret = BERTH_ASSERTION_NONE;
	enum berth_err err =
		berth_registrar_step_get(role->store, row, &exchange->arena, &step, why);
	if (err)
		return err;
	BERTH_SIGNED_VOUCHER voucher = {0};
	/* Verified when it came. Its signer is judged by today's anchors, but as of then: it may have ended since. */
	err = berth_voucher_reopen(role->pki, step.voucher, BERTH_VOUCHER, &maker->anchors,
				   &exchange->arena, &voucher, why);
	if (!err && berth_registrar_is_vouched(role->pki, maker, &voucher, step.changed_at))
		*ret = voucher.voucher.assertion;
	return err;
}

/* Of the voucher of this step; from memory where we still have it. */
static enum berth_err
find_assertion(struct berth_registrar_exchange *exchange, enum berth_assertion *ret,
	       struct berth_why *why)
{
	if (exchange->seen->step == exchange->step && exchange->step != 0) {
		*ret = exchange->seen->assertion;
		return BERTH_OK;
	}
	return berth_exchange_find_assertion(exchange, exchange->seen->peer.manufacturer,
					     exchange->step, ret, why);
}

static enum berth_err
permit(struct berth_registrar_exchange *exchange, struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_wall now = berth_judge_now(role->judge).wall;
	enum berth_err err = berth_exchange_note(exchange, BERTH_EVENT_ENROL_PERMITTED,
						 exchange->brski.decision.policy_rule, why);
	if (!err)
		err = berth_registrar_permission_grant(
			role->store, exchange->device, exchange->step,
			(struct berth_wall){now.s + role->settings->permission_lifetime_s}, why);
	if (err || exchange->brski.decision.segment[0] == '\0')
		return err;
	return berth_registrar_device_set_segment(
		role->store, exchange->device, berth_text(exchange->brski.decision.segment), why);
}

/*
 * What an earlier voucher's log has proved stands when this one's cannot be read: the device may hold a certificate by it, and
 * nothing was found against it. A violation takes it away.
 */
static enum berth_err
take_permission(struct berth_registrar_exchange *exchange, enum berth_audit_finding finding,
		struct berth_why *why)
{
	struct berth_store *store = exchange->role->store;
	struct berth_registrar_permission earlier;
	enum berth_err err = berth_registrar_permission_get(store, exchange->device, &earlier, why);
	if (err)
		return err == BERTH_E_NOT_FOUND ? BERTH_OK : err;
	if (finding == BERTH_AUDIT_UNKNOWN && earlier.step != exchange->step)
		return BERTH_OK;
	return berth_registrar_permission_drop(store, exchange->device, why);
}

/* req: rfc8995-5.8.3-refuse */
static enum berth_err
forbid(struct berth_registrar_exchange *exchange, enum berth_audit_finding finding,
       struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	const struct berth_check *failed = berth_decision_failed(&exchange->brski.decision);
	const char *sentence = berth_decision_text(&exchange->brski.decision);
	berth_log(&role->log, BERTH_LOG_ERROR, "enrol.refused", "device", exchange->device_id,
		  "rule", failed == NULL ? "" : failed->rule, "reason", sentence, "alert", "yes",
		  (const char *)NULL);
	enum berth_err err =
		berth_exchange_note(exchange, BERTH_EVENT_ENROL_REFUSED, sentence, why);
	return err ? err : take_permission(exchange, finding, why);
}

static enum berth_err
conclude(struct berth_registrar_exchange *exchange, struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_registrar *x = &exchange->brski;
	struct berth_registrar_device device;
	struct berth_facts facts;
	enum berth_audit_finding finding;
	enum berth_assertion assertion = BERTH_ASSERTION_NONE;
	enum berth_err err = judge_audit(exchange, &finding, why);
	if (!err)
		err = berth_registrar_step_set_audit(role->store, exchange->step,
						     berth_audit_finding_name(finding),
						     x->audit_json, x->now.wall, why);
	if (!err)
		err = find_assertion(exchange, &assertion, why);
	if (!err)
		err = berth_registrar_device_get(role->store, exchange->device, &exchange->arena,
						 &device, why);
	if (!err)
		err = berth_exchange_facts(exchange, &device, &facts, why);
	if (err)
		return err;
	facts.assertion = berth_text(berth_assertion_name(assertion));
	facts.audit = finding;
	struct berth_why unwelcome = {0};
	if (berth_device_check_welcome(&device, &unwelcome))
		berth_decision_fail(&x->decision, &unwelcome);
	berth_policy_decide(role->policy, BERTH_STAGE_ENROL, &facts, &x->decision);
	return x->decision.outcome == BERTH_OUTCOME_ALLOW ? permit(exchange, why)
							  : forbid(exchange, finding, why);
}

/* What the device said, as far as it has not been written down. Its voucher step may have gone on meanwhile. */
static enum berth_err
record_acceptance(struct berth_registrar_exchange *exchange, struct berth_why *why)
{
	struct berth_registrar_step step;
	enum berth_err err = berth_registrar_step_peek(exchange->role->store, exchange->step,
						       &exchange->arena, &step, why);
	return err ? err : record_voucher_status(exchange, &step, why);
}

/*
 * Another request about the same voucher has its verdict, or the device has rejected the voucher or asked for a new one
 * meanwhile: what the MASA was asked for here was too late, and a log that could not be read must not take away what was
 * proved.
 */
static enum berth_err
is_settled(struct berth_registrar_exchange *exchange, bool *ret, struct berth_why *why)
{
	struct berth_registrar_step step;
	enum berth_err err = berth_registrar_step_peek_latest(
		exchange->role->store, exchange->device, &exchange->arena, &step, why);
	if (err)
		return err;
	const char *unknown = berth_audit_finding_name(BERTH_AUDIT_UNKNOWN);
	*ret = step.row != exchange->step ||
	       (step.audit_finding.n > 0 && !berth_bytes_equal_text(step.audit_finding, unknown)) ||
	       step.state == BERTH_STEP_REJECTED;
	return BERTH_OK;
}

static enum berth_registrar_event
give_audit_verdict(struct berth_registrar_exchange *exchange)
{
	struct berth_why why = {0};
	enum berth_err err = record_acceptance(exchange, &why);
	if (!err)
		err = is_settled(exchange, &exchange->brski.is_told_again, &why);
	if (!err && !exchange->brski.is_told_again)
		err = conclude(exchange, &why);
	if (err == BERTH_E_DENIED)
		berth_decision_fail(&exchange->brski.decision, &why);
	else if (err)
		return berth_registrar_fail(&exchange->brski, &why);
	return berth_registrar_answer_audit(&exchange->brski);
}

/* ---- the end ---- */

/* req: rfc8995-5.4-401 */
static void
note_refused_voucher(struct berth_registrar_exchange *exchange)
{
	struct berth_registrar_role *role = exchange->role;
	const struct berth_registrar *x = &exchange->brski;
	struct berth_why why = {0};
	enum berth_err err = BERTH_OK;
	if (x->masa_refused_us)
		berth_log_why(&role->log, BERTH_LOG_ERROR, "masa.refuses_us", &x->why, "alert",
			      "yes", (const char *)NULL);
	if (exchange->device == 0)
		return;
	err = berth_exchange_note(exchange, BERTH_EVENT_VOUCHER_REFUSED, x->why.sentence, &why);
	bool was_asked = exchange->step != 0 && x->rvr_der.n > 0;
	if (!err && was_asked)
		err = keep_request(exchange, &why);
	/* A policy may change its mind about the same bytes; only the MASA's word closes the step. */
	if (!err && was_asked && x->response.status < 500)
		err = berth_registrar_step_refuse(role->store, exchange->step, x->response.status,
						  x->why.sentence, x->now.wall, &why);
	if (err)
		berth_log_why(&role->log, BERTH_LOG_ERROR, "store.failed", &why,
			      (const char *)NULL);
}

/* Refused before anybody was asked: a device that we can name still gets its trace. */
static void
name_refused_device(struct berth_registrar_exchange *exchange)
{
	struct berth_registrar_device device;
	struct berth_why why = {0};
	if (exchange->device == 0 && exchange->seen->peer.kind == BERTH_PEER_IDEVID)
		berth_ignore(berth_exchange_know_device(exchange, true, &device, &why),
			     "without a record the log line alone tells");
}

static void
end(struct berth_registrar_exchange *exchange)
{
	struct berth_registrar *x = &exchange->brski;
	const char *about = "voucher";
	switch (x->operation) {
	case BERTH_REGISTRAR_REQUEST_VOUCHER:
		if (x->response.status >= 400) {
			name_refused_device(exchange);
			note_refused_voucher(exchange);
		}
		break;
	case BERTH_REGISTRAR_VOUCHER_STATUS:
		about = x->is_told_again ? NULL : "enrol";
		break;
	case BERTH_REGISTRAR_ENROLL_STATUS:
		about = "status";
		if (x->response.status == 200)
			record_enrol_status(exchange);
		break;
	}
	if (x->response.status == 202 && exchange->seen->waiting_step == exchange->step)
		about = NULL; /* the same bytes wait again: told once */
	if (x->response.status == 202)
		exchange->seen->waiting_step = exchange->step;
	berth_exchange_finish(exchange, about, &x->decision, &x->response, &x->why);
}

void
berth_registrar_serve_brski(struct berth_registrar_exchange *exchange,
			    enum berth_registrar_event event)
{
	while (true) {
		switch (event) {
		case BERTH_REGISTRAR_NEED_DECISION:
			event = give_decision(exchange);
			break;
		case BERTH_REGISTRAR_NEED_RVR:
			ask_signer(exchange);
			return;
		case BERTH_REGISTRAR_NEED_VOUCHER:
			dial(exchange, BERTH_MEDIA_VOUCHER_CMS);
			return;
		case BERTH_REGISTRAR_NEED_RECORD:
			event = record_voucher(exchange);
			break;
		case BERTH_REGISTRAR_NEED_DEVICE:
			event = give_device(exchange);
			break;
		case BERTH_REGISTRAR_NEED_AUDIT_LOG:
			dial(exchange, BERTH_MEDIA_JSON);
			return;
		case BERTH_REGISTRAR_NEED_AUDIT_VERDICT:
			event = give_audit_verdict(exchange);
			break;
		case BERTH_REGISTRAR_NEED_INPUT:
		case BERTH_REGISTRAR_END:
			end(exchange);
			return;
		}
	}
}
