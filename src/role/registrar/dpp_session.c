/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/dpp_session.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/json_write.h"
#include "role/registrar/signing.h"

#define COOKIE_MARK 0x40000000U
#define REPEATED_WITHIN_S                                                                          \
	3600 /* anybody can repeat an announcement: the same is written down once an hour */
#define TOUCHED_WITHIN_S 10 /* likewise, for who waits */

struct berth_dpp_session *
berth_dpp_session_open(struct berth_registrar_role *role, struct berth_dpp_peer peer,
		       struct berth_bytes address)
{
	uint32_t slot = 0;
	while (slot < BERTH_DPP_SESSIONS_MAX && role->dpp->sessions[slot] != NULL)
		slot++;
	struct berth_dpp_session *s = slot == BERTH_DPP_SESSIONS_MAX ? NULL : calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->role = role;
	s->slot = slot;
	s->generation = ++role->dpp->generation & 0x7fffffff;
	s->peers[s->peer_count++] = peer;
	(void)snprintf(s->address, sizeof(s->address), "%.*s", (int)address.n,
		       (const char *)address.p);
	berth_arena_start(&s->arena, BERTH_DPP_SESSION_ARENA_BYTES);
	role->dpp->sessions[slot] = s;
	if (role->dpp->session_end <= slot)
		role->dpp->session_end = slot + 1;
	return s;
}

void
berth_dpp_session_close(struct berth_dpp_session *s)
{
	struct berth_dpp_controller *dpp = s->role->dpp;

	dpp->sessions[s->slot] = NULL;
	while (dpp->session_end > 0 && dpp->sessions[dpp->session_end - 1] == NULL)
		dpp->session_end--;
	berth_dpp_pkex_end(s->pkex);
	berth_dpp_auth_end(s->auth);
	berth_dpp_reconfig_end(s->reconfig);
	berth_dpp_configurator_end(s->configurator);
	berth_secret_free(&s->own_scalar);
	berth_arena_end(&s->arena);
	free(s);
}

static struct berth_now
now_of(const struct berth_dpp_session *s)
{
	return berth_judge_now(s->role->judge);
}

void
berth_dpp_session_ask(struct berth_dpp_session *s, enum berth_dpp_asked what, uint16_t op,
		      struct berth_bytes payload)
{
	uint64_t cookie = (uint64_t)s->generation << 32 | COOKIE_MARK | s->slot;

	s->asked = what;
	berth_judge_sign(s->role->judge, op, payload, cookie);
}

static void
end_connections(struct berth_dpp_session *s)
{
	for (size_t i = 0; i < s->peer_count; i++)
		berth_judge_dpp_send(s->role->judge, s->peers[i], BERTH_BYTES_NONE, true);
}

enum berth_err
berth_dpp_session_note(struct berth_dpp_session *s, enum berth_event_kind event,
		       const char *sentence, struct berth_why *why)
{
	BERTH_BUF detail = {0};
	enum berth_err err = berth_json_start(&detail, '{');

	err = err ? err : berth_json_put_text(&detail, "sentence", berth_text(sentence));
	err = err ? err : berth_json_put_text(&detail, "from", berth_text(s->address));
	err = err ? err : berth_json_shut(&detail, '}');
	if (err)
		return berth_fail(why, err, "audit-detail", NULL,
				  "the audit entry could not be written down");
	return berth_audit_append(s->role->store, now_of(s).wall, "judge", event, s->device_id,
				  berth_buf_view(&detail), why);
}

void
berth_dpp_session_fail(struct berth_dpp_session *s, const struct berth_why *why)
{
	struct berth_registrar_role *role = s->role;
	struct berth_decision decision;
	struct berth_why cause = {0};

	s->is_over = true;
	role->dpp->refused++;
	if (s->device != 0) {
		berth_decision_start(&decision);
		berth_decision_fail(&decision, why);
		if (berth_registrar_decision_put_changed(role->store, s->device, "dpp", &decision,
							 now_of(s).wall, REPEATED_WITHIN_S, &cause))
			berth_log_why(&role->log, BERTH_LOG_ERROR, "store.failed", &cause,
				      (const char *)NULL);
	}
	if (s->device != 0 || berth_log_allows(&role->refusals, now_of(s).mono, &role->suppressed))
		berth_log_why(&role->log, BERTH_LOG_WARNING, "dpp.refused", why, "device",
			      s->device_id[0] != '\0' ? s->device_id : NULL, "from", s->address,
			      (const char *)NULL);
}

/* ---- policy ---- */

enum berth_err
berth_dpp_facts(struct berth_registrar_role *role, const struct berth_registrar_device *device,
		struct berth_arena *arena, struct berth_facts *facts, struct berth_why *why)
{
	struct berth_registrar_approval approval;
	struct berth_registrar_owned owned;

	*facts = (struct berth_facts){
		.client = BERTH_CLIENT_DPP,
		.manufacturer = device->manufacturer,
		.model = device->model,
		.serial_number = device->identity.serial_number,
	};
	enum berth_err err =
		berth_registrar_approval_get(role->store, device->row, arena, &approval, why);
	if (err)
		return err;
	if (approval.state == BERTH_REGISTRAR_APPROVAL_APPROVED)
		facts->approval = BERTH_APPROVAL_GIVEN;
	if (approval.state == BERTH_REGISTRAR_APPROVAL_DENIED)
		facts->approval = BERTH_APPROVAL_REFUSED;
	if (approval.decided_by.n > 0)
		facts->approved_by = berth_arena_text(arena, approval.decided_by);
	err = berth_registrar_owned_find(role->store, &device->identity, arena, &owned, why);
	facts->is_owned = err == BERTH_OK;
	return err == BERTH_E_NOT_FOUND ? BERTH_OK : err;
}

static enum berth_err
let_wait(struct berth_dpp_session *s, const struct berth_registrar_device *device,
	 struct berth_why *why)
{
	struct berth_registrar_role *role = s->role;
	bool is_new = device->state == BERTH_DEVICE_KNOWN;
	struct berth_registrar_approval waiting;
	enum berth_err err =
		berth_registrar_approval_get(role->store, device->row, &s->arena, &waiting, why);

	if (err || (!is_new && waiting.state == BERTH_REGISTRAR_APPROVAL_WAITING &&
		    waiting.last_asked.s + TOUCHED_WITHIN_S > now_of(s).wall.s))
		return err;
	err = is_new ? berth_dpp_session_note(s, BERTH_EVENT_DEVICE_PENDING, "announces itself",
					      why)
		     : BERTH_OK;

	err = err ? err
		  : berth_registrar_pending_touch(role->store, device->row,
						  "announces itself by Wi-Fi Easy Connect",
						  now_of(s).wall, why);
	if (err || !is_new)
		return err;
	berth_log(&role->log, BERTH_LOG_NOTICE, "device.pending", "device", s->device_id, "from",
		  s->address, (const char *)NULL);
	return berth_registrar_device_advance(role->store, device->row, BERTH_DEVICE_PENDING, why);
}

/* While a window is open: approved in the name of who opened it. NOT_FOUND: none is. */
static enum berth_err
let_join(struct berth_dpp_session *s, const struct berth_registrar_device *device,
	 struct berth_facts *facts, struct berth_why *why)
{
	struct berth_store *store = s->role->store;
	struct berth_registrar_window window;

	enum berth_err err =
		berth_registrar_window_now(store, now_of(s).wall, &s->arena, &window, why);
	const char *by = err ? NULL : berth_arena_text(&s->arena, window.opened_by);
	if (!err && by == NULL)
		err = berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	if (err)
		return err;
	err = berth_dpp_session_note(s, BERTH_EVENT_DEVICE_APPROVED, "came while all may join",
				     why);
	err = err ? err
		  : berth_registrar_approval_set(store, device->row, true, by, "permit-join",
						 now_of(s).wall, why);
	err = err ? err : berth_registrar_window_admitted(store, window.row, why);
	if (err)
		return err;
	facts->approval = BERTH_APPROVAL_GIVEN;
	facts->approved_by = by;
	berth_log(&s->role->log, BERTH_LOG_NOTICE, "device.approved", "device", device->id, "by",
		  by, "reason", "permit-join", (const char *)NULL);
	return BERTH_OK;
}

static enum berth_err
refuse_decision(const struct berth_decision *decision, struct berth_why *why)
{
	const struct berth_check *failed = berth_decision_failed(decision);

	return berth_fail(why, BERTH_E_DENIED, "dpp-policy", NULL, "%s: %.200s",
			  failed == NULL ? "policy" : failed->rule, berth_decision_text(decision));
}

enum berth_err
berth_dpp_session_decide(struct berth_dpp_session *s, struct berth_why *why)
{
	struct berth_registrar_role *role = s->role;
	struct berth_registrar_device device;
	struct berth_decision decision;
	struct berth_facts facts;

	enum berth_err err =
		berth_registrar_device_get(role->store, s->device, &s->arena, &device, why);
	if (err)
		return err;
	memcpy(s->device_id, device.id, sizeof(s->device_id));
	err = berth_device_check_welcome(&device, why);
	err = err ? err : berth_dpp_facts(role, &device, &s->arena, &facts, why);
	if (err)
		return err;
	berth_decision_start(&decision);
	berth_policy_decide(role->policy, BERTH_STAGE_ENROL, &facts, &decision);
	if (decision.outcome == BERTH_OUTCOME_PENDING) {
		err = let_join(s, &device, &facts, why);
		if (err && err != BERTH_E_NOT_FOUND)
			return err;
		berth_decision_start(&decision);
		berth_policy_decide(role->policy, BERTH_STAGE_ENROL, &facts, &decision);
	}
	if (decision.outcome == BERTH_OUTCOME_PENDING) {
		err = let_wait(s, &device, why);
		return err ? err
			   : berth_fail(why, BERTH_E_PENDING, "dpp-approval-due", NULL,
					"an operator must decide: berth device approve %s",
					device.id);
	}
	if (decision.outcome == BERTH_OUTCOME_ALLOW &&
	    !berth_policy_network_of(role->policy, &facts, &s->network)) {
		struct berth_why none;
		berth_why_fill(&none, BERTH_E_DENIED, "policy-no-network", NULL, 0,
			       "rule \"%s\" names no network (dpp.ssid)", decision.policy_rule);
		berth_decision_fail(&decision, &none);
		berth_decision_set(&decision, BERTH_OUTCOME_DENY);
	}
	bool is_allowed = decision.outcome == BERTH_OUTCOME_ALLOW;
	if (is_allowed && s->has_trace)
		return BERTH_OK; /* the same once more, at the end of an authentication */
	err = berth_registrar_decision_put_changed(role->store, s->device, "dpp", &decision,
						   now_of(s).wall, REPEATED_WITHIN_S, why);
	if (err)
		return err;
	s->has_trace = is_allowed;
	if (!is_allowed)
		return refuse_decision(&decision, why);
	return decision.segment[0] == '\0'
		       ? BERTH_OK
		       : berth_registrar_device_set_segment(role->store, s->device,
							    berth_text(decision.segment), why);
}

static enum berth_err
finish(struct berth_dpp_session *s, bool result_is_known, struct berth_why *why)
{
	s->is_over = true;
	s->role->dpp->configured++;
	berth_log(&s->role->log, BERTH_LOG_NOTICE, "device.configured", "device", s->device_id,
		  "from", s->address, "ssid", s->network.ssid, "result",
		  result_is_known ? "told" : "not told", (const char *)NULL);
	enum berth_err err = berth_registrar_device_advance(s->role->store, s->device,
							    BERTH_DEVICE_ADMITTED, why);
	return err ? err
		   : berth_registrar_device_advance(s->role->store, s->device,
						    BERTH_DEVICE_ENROLLED, why);
}

/* ---- machines ---- */

/* It has proved that it is the device; what else was begun in its name, then or before, is over. */
/* req: dpp-controller-proved */
static void
prevail(struct berth_dpp_session *s)
{
	for (size_t i = 0; i < s->role->dpp->session_end; i++) {
		struct berth_dpp_session *other = s->role->dpp->sessions[i];
		if (other != NULL && other != s && other->has_hash && s->has_hash &&
		    memcmp(other->hash, s->hash, sizeof(s->hash)) == 0)
			berth_dpp_session_close(other);
	}
}

static enum berth_err
start_configurator(struct berth_dpp_session *s, struct berth_dpp_secrets *secrets,
		   struct berth_why *why)
{
	const struct berth_dpp_configurator_conf conf = {
		.pki = s->role->pki,
		.random = berth_judge_random(s->role->judge),
	};
	enum berth_err err =
		berth_dpp_configurator_start(&conf, secrets, now_of(s).mono, &s->configurator, why);

	berth_dpp_secrets_free(secrets);
	return err;
}

static enum berth_err
serve_auth(struct berth_dpp_session *s, const struct berth_dpp_auth_event *event,
	   struct berth_why *why)
{
	struct berth_dpp_secrets secrets;
	struct berth_ec_point product = {0};
	enum berth_err err;

	switch (event->kind) {
	case BERTH_DPP_AUTH_MULTIPLY:
		if (s->own_scalar.n == 0) {
			berth_dpp_session_ask(s, BERTH_DPP_PRODUCT,
					      BERTH_REGISTRAR_DPP_BOOTSTRAPPING,
					      berth_ec_xy(&event->point));
			return BERTH_OK;
		}
		err = berth_ec_multiply(s->role->pki, &s->own_scalar, &event->point, &product, why);
		return berth_dpp_auth_answer(s->auth, now_of(s).mono, err, &product, why);
	case BERTH_DPP_AUTH_PENDING:
	case BERTH_DPP_AUTH_PEER_WANTED:
		return BERTH_OK;
	case BERTH_DPP_AUTH_DONE:
		berth_dpp_auth_take(s->auth, &secrets);
		prevail(s);
		return start_configurator(s, &secrets, why);
	case BERTH_DPP_AUTH_FAILED:
		*why = event->why;
		return event->why.err;
	}
	return BERTH_E_INTERNAL;
}

/* Whose Connector it is: the store knows what it gave. */
/* req: dpp-controller-revoked */
static enum berth_err
recognise(struct berth_dpp_session *s, const struct berth_dpp_connector *connector,
	  struct berth_why *why)
{
	struct berth_registrar_connector given;
	uint8_t hash[32];

	if (berth_sha256(s->role->pki, berth_ec_xy(&connector->key), hash))
		return berth_fail(why, BERTH_E_CRYPTO, "sha256", NULL,
				  "the key's digest could not be made");
	enum berth_err err =
		berth_registrar_connector_find(s->role->store, hash, &s->arena, &given, why);
	if (err)
		return err;
	s->device = given.device;
	return berth_dpp_session_decide(s, why);
}

static enum berth_err
serve_reconfig(struct berth_dpp_session *s, const struct berth_dpp_reconfig_event *event,
	       struct berth_why *why)
{
	struct berth_dpp_secrets secrets;
	struct berth_why refused = {0};
	enum berth_err err;

	switch (event->kind) {
	case BERTH_DPP_RECONFIG_SIGN:
		berth_dpp_session_ask(s, BERTH_DPP_OWN_CONNECTOR, BERTH_REGISTRAR_DPP_CONNECTOR,
				      event->payload);
		return BERTH_OK;
	case BERTH_DPP_RECONFIG_MULTIPLY:
		break;
	case BERTH_DPP_RECONFIG_KNOWN:
		err = recognise(s, event->connector, &refused);
		if (err)
			berth_dpp_session_fail(s, &refused);
		return berth_dpp_reconfig_allow(s->reconfig, err == BERTH_OK, why);
	case BERTH_DPP_RECONFIG_DONE:
		berth_dpp_reconfig_take(s->reconfig, &secrets);
		return start_configurator(s, &secrets, why);
	case BERTH_DPP_RECONFIG_FAILED:
		*why = event->why;
		return event->why.err;
	}
	return BERTH_E_INTERNAL;
}

static enum berth_err
serve_configurator(struct berth_dpp_session *s, const struct berth_dpp_configurator_event *event,
		   struct berth_why *why)
{
	switch (event->kind) {
	case BERTH_DPP_CONFIGURE:
		return berth_dpp_give(s, event);
	case BERTH_DPP_RESULT:
		return berth_dpp_give_result(s, event->status, why);
	case BERTH_DPP_CONNECTION:
		return BERTH_OK;
	case BERTH_DPP_CONFIGURED:
		return finish(s, event->result_is_known, why);
	case BERTH_DPP_CONFIGURATION_FAILED:
		*why = event->why;
		return event->why.err;
	}
	return BERTH_E_INTERNAL;
}

/* One event of whichever machine has one. */
static bool
serve_one(struct berth_dpp_session *s, enum berth_err *err, struct berth_why *why)
{
	struct berth_dpp_pkex_event pkex;
	struct berth_dpp_auth_event auth;
	struct berth_dpp_reconfig_event reconfig;
	struct berth_dpp_configurator_event configurator;

	if (s->pkex != NULL && berth_dpp_pkex_event(s->pkex, &pkex))
		*err = berth_dpp_pkex_serve(s, &pkex, why);
	else if (s->auth != NULL && berth_dpp_auth_event(s->auth, &auth))
		*err = serve_auth(s, &auth, why);
	else if (s->reconfig != NULL && berth_dpp_reconfig_event(s->reconfig, &reconfig))
		*err = serve_reconfig(s, &reconfig, why);
	else if (s->configurator != NULL &&
		 berth_dpp_configurator_event(s->configurator, &configurator))
		*err = serve_configurator(s, &configurator, why);
	else
		return false;
	return true;
}

static void
send_outputs(struct berth_dpp_session *s)
{
	struct berth_bytes body;
	const struct berth_dpp_peer peer = s->peers[s->last_peer];

	if (s->peer_count == 0)
		return; /* it may come back for it */
	while ((s->pkex != NULL && berth_dpp_pkex_output(s->pkex, &body)) ||
	       (s->auth != NULL && berth_dpp_auth_output(s->auth, &body)) ||
	       (s->reconfig != NULL && berth_dpp_reconfig_output(s->reconfig, &body)) ||
	       (s->configurator != NULL && berth_dpp_configurator_output(s->configurator, &body)))
		berth_judge_dpp_send(s->role->judge, peer, body, false);
}

void
berth_dpp_session_serve(struct berth_dpp_session *s)
{
	struct berth_why why = {0};
	enum berth_err err = BERTH_OK;

	while (!err && serve_one(s, &err, &why))
		;
	send_outputs(s);
	if (err && !s->is_over)
		berth_dpp_session_fail(s, &why);
	if (!s->is_over)
		return;
	end_connections(s);
	berth_dpp_session_close(s);
}

void
berth_dpp_session_answer(struct berth_dpp_session *s, enum berth_err err, struct berth_bytes object,
			 const struct berth_why *signer_why)
{
	enum berth_dpp_asked asked = s->asked;
	struct berth_why why = {0};
	struct berth_ec_point product = {0};

	s->asked = BERTH_DPP_NOTHING;
	if (signer_why != NULL)
		why = *signer_why;
	if (asked == BERTH_DPP_PRODUCT && (s->auth != NULL || s->pkex != NULL)) {
		if (!err)
			err = berth_ec_point(s->role->pki,
					     s->role->dpp->keys.bootstrapping.point.curve, object,
					     &product, &why);
		err = s->pkex != NULL
			      ? berth_dpp_pkex_answer(s->pkex, err, &product, &why)
			      : berth_dpp_auth_answer(s->auth, now_of(s).mono, err, &product, &why);
	} else if (asked == BERTH_DPP_OWN_CONNECTOR && !err) {
		err = berth_dpp_reconfig_signed(s->reconfig, object, &why);
	} else if (asked == BERTH_DPP_CERTIFICATE) {
		err = berth_dpp_give_certificate(s, err, object, &why);
	} else if (asked == BERTH_DPP_CONNECTOR_OF_DEVICE) {
		err = berth_dpp_give_connector(s, err, object, &why);
	}
	if (err && !s->is_over)
		berth_dpp_session_fail(s, &why);
	berth_dpp_session_serve(s);
}
