/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/dpp_pkex.h"

#include <stdio.h>

#include "base/hex.h"
#include "codec/json_write.h"
#include "role/registrar/dpp_session.h"
#include "role/registrar/signing.h"

#define MAKER "dpp"	  /* nobody vouches for a maker */
#define SUBJECT "network" /* of the audit log, before a device is known */
#define REASON "pkex"

static struct berth_now
now_of(const struct berth_registrar_role *role)
{
	return berth_judge_now(role->judge);
}

/* ---- the window ---- */

void
berth_dpp_pkex_shut(struct berth_registrar_role *role, enum berth_dpp_pkex_window_state state,
		    const struct berth_dpp_session *with)
{
	struct berth_dpp_pkex_window *window = &role->dpp->pkex;

	if (window->state != BERTH_DPP_PKEX_OPEN)
		return;
	window->state = state;
	window->guesses = window->code.guesses;
	for (size_t i = 0; i < role->dpp->session_end; i++) {
		struct berth_dpp_session *s = role->dpp->sessions[i];
		/* who is through may want its last frame again; a run with a code that is gone must not end well */
		if (s == NULL || s == with || s->pkex == NULL || s->device != 0)
			continue;
		s->is_over = true;
		berth_dpp_session_serve(s);
	}
	berth_dpp_pkex_code_free(&window->code);
}

void
berth_dpp_pkex_open(struct berth_registrar_role *role, const char *by, int64_t seconds,
		    struct berth_dpp_pkex_code *code, struct berth_bytes serial_number,
		    struct berth_bytes model)
{
	struct berth_dpp_pkex_window *window = &role->dpp->pkex;

	berth_dpp_pkex_shut(role, BERTH_DPP_PKEX_CLOSED, NULL);
	*window = (struct berth_dpp_pkex_window){
		.state = BERTH_DPP_PKEX_OPEN,
		.code = *code,
		.until = berth_mono_after_ms(now_of(role).mono, seconds * 1000),
	};
	*code = (struct berth_dpp_pkex_code){0};
	(void)snprintf(window->opened_by, sizeof(window->opened_by), "%s", by);
	(void)snprintf(window->serial_number, sizeof(window->serial_number), "%.*s",
		       (int)serial_number.n,
		       serial_number.n > 0 ? (const char *)serial_number.p : "");
	(void)snprintf(window->model, sizeof(window->model), "%.*s", (int)model.n,
		       model.n > 0 ? (const char *)model.p : "");
}

/* req: dpp-controller-pkex-window */
void
berth_dpp_pkex_window_tick(struct berth_registrar_role *role)
{
	struct berth_dpp_pkex_window *window = &role->dpp->pkex;

	if (window->state == BERTH_DPP_PKEX_OPEN && now_of(role).mono.ms >= window->until.ms)
		berth_dpp_pkex_shut(role, BERTH_DPP_PKEX_OVER, NULL);
}

/* ---- runs ---- */

/* Room for one more; who has proved nothing for a while makes it. Nothing was computed for who asks. */
static enum berth_err
make_room(struct berth_registrar_role *role, struct berth_why *why)
{
	struct berth_dpp_session *oldest = NULL;
	size_t n = 0;

	for (size_t i = 0; i < role->dpp->session_end; i++) {
		struct berth_dpp_session *s = role->dpp->sessions[i];
		if (s == NULL || s->pkex == NULL || s->device != 0)
			continue;
		n++;
		if (oldest == NULL || s->begun.ms < oldest->begun.ms)
			oldest = s;
	}
	if (n < BERTH_DPP_PKEX_RUNS_MAX)
		return BERTH_OK;
	if (now_of(role).mono.ms - oldest->begun.ms < BERTH_DPP_PKEX_PROVE_MS)
		return berth_fail(why, BERTH_E_LIMIT, "dpp-pkex-runs", NULL,
				  "%d others try the code at this moment", BERTH_DPP_PKEX_RUNS_MAX);
	oldest->is_over = true;
	berth_dpp_session_serve(oldest);
	return BERTH_OK;
}

static enum berth_err
begin(struct berth_registrar_role *role, struct berth_dpp_peer peer,
      const struct berth_dpp_frame *frame, struct berth_bytes address, struct berth_why *why)
{
	const struct berth_dpp_pkex_conf conf = {
		.pki = role->pki,
		.random = berth_judge_random(role->judge),
		.own = role->dpp->keys.bootstrapping,
		.code = &role->dpp->pkex.code,
		.version = BERTH_DPP_VERSION_MAX,
	};
	struct berth_dpp_pkex *pkex = NULL;
	BERTH_BUF body = {0};

	enum berth_err err = make_room(role, why);
	if (err)
		return err;
	err = berth_dpp_pkex_respond(&conf, now_of(role).mono, NULL, frame, &pkex, why);
	if (err == BERTH_E_UNSUPPORTED &&
	    berth_dpp_pkex_refuse_group(&conf, frame, &body) == BERTH_OK)
		berth_judge_dpp_send(role->judge, peer, berth_buf_view(&body), false);
	if (err)
		return err;
	struct berth_dpp_session *s = berth_dpp_session_open(role, peer, address);
	if (s == NULL) {
		berth_dpp_pkex_end(pkex);
		return berth_fail(why, BERTH_E_LIMIT, "dpp-sessions", NULL,
				  "there are %d sessions already", BERTH_DPP_SESSIONS_MAX);
	}
	s->pkex = pkex;
	s->begun = now_of(role).mono;
	berth_dpp_session_serve(s);
	return BERTH_OK;
}

void
berth_dpp_pkex_take(struct berth_registrar_role *role, struct berth_dpp_peer peer,
		    const struct berth_dpp_frame *frame, struct berth_bytes address)
{
	struct berth_why why = {0};
	enum berth_err err = BERTH_OK;

	berth_dpp_pkex_window_tick(role);
	if (role->dpp->pkex.state != BERTH_DPP_PKEX_OPEN)
		err = berth_fail(&why, BERTH_E_DENIED, "dpp-pkex-closed", NULL,
				 "no code is waited for: berth dpp pkex start");
	err = err ? err : begin(role, peer, frame, address, &why);
	if (err)
		berth_dpp_refuse(role, peer, address, &why);
}

/* ---- what comes of them ---- */

static enum berth_err
note(struct berth_dpp_session *s, const char *actor, enum berth_event_kind event,
     const char *subject, const char *sentence, struct berth_why *why)
{
	BERTH_BUF detail = {0};
	enum berth_err err = berth_json_start(&detail, '{');

	err = err ? err : berth_json_put_text(&detail, "sentence", berth_text(sentence));
	err = err ? err : berth_json_put_text(&detail, "from", berth_text(s->address));
	err = err ? err : berth_json_shut(&detail, '}');
	if (err)
		return berth_fail(why, err, "audit-detail", NULL,
				  "the audit entry could not be written down");
	return berth_audit_append(s->role->store, now_of(s->role).wall, actor, event, subject,
				  berth_buf_view(&detail), why);
}

static enum berth_err
add_key(struct berth_dpp_session *s, const struct berth_dpp_bootstrapping *peer, int64_t device,
	struct berth_why *why)
{
	struct berth_registrar_role *role = s->role;
	BERTH_BUF spki = {0};

	if (berth_ec_build_spki(&peer->point, BERTH_EC_UNCOMPRESSED, &spki))
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	struct berth_registrar_dpp_key kept = {
		.device = device,
		.spki = berth_buf_view(&spki),
		.uri = BERTH_LIT(""), /* it has no label: its key came by PKEX */
		.added_by = berth_text(role->dpp->pkex.opened_by),
		.added_at = now_of(role).wall,
	};
	memcpy(kept.key_hash, peer->hash, sizeof(kept.key_hash));
	memcpy(kept.chirp_hash, peer->chirp, sizeof(kept.chirp_hash));
	return berth_registrar_dpp_key_add(role->store, &kept, why);
}

/* A new device of the store, in the name of who opened the window. */
static enum berth_err
add_device(struct berth_dpp_session *s, const struct berth_dpp_bootstrapping *peer,
	   struct berth_registrar_device *ret, struct berth_why *why)
{
	struct berth_registrar_role *role = s->role;
	const struct berth_dpp_pkex_window *window = &role->dpp->pkex;
	char name[65];
	const char *serial = window->serial_number;
	bool is_new = false;

	if (serial[0] == '\0')
		serial = window->code.identifier;
	if (serial[0] == '\0')
		serial = berth_hex_text(berth_bytes_of(peer->hash, 16), name, sizeof(name));
	const struct berth_registrar_device wanted = {
		.identity = {.manufacturer_key = berth_bytes_of(peer->hash, sizeof(peer->hash)),
			     .serial_number = berth_text(serial)},
		.manufacturer = BERTH_LIT(MAKER),
		.model = berth_text(window->model),
		.birth_key_sha256 = berth_bytes_of(peer->hash, sizeof(peer->hash)),
	};
	enum berth_err err = berth_device_identity_check(&wanted.identity, why);
	err = err ? err
		  : berth_registrar_device_seen(role->store, &wanted, now_of(role).wall, &s->arena,
						ret, &is_new, why);
	err = err ? err
		  : note(s, "judge", BERTH_EVENT_DEVICE_ADDED, ret->id,
			 "its key came by PKEX, with the code of an open window", why);
	return err ? err : add_key(s, peer, ret->row, why);
}

/* A device that was here keeps its name; and a word against it is not taken back by a code. */
static enum berth_err
find_or_add(struct berth_dpp_session *s, const struct berth_dpp_bootstrapping *peer,
	    struct berth_registrar_device *ret, struct berth_why *why)
{
	struct berth_registrar_dpp_key known;
	enum berth_err err = berth_registrar_dpp_key_find(s->role->store, BERTH_DPP_BY_KEY_HASH,
							  peer->hash, &s->arena, &known, why);

	if (err == BERTH_E_NOT_FOUND)
		return add_device(s, peer, ret, why);
	return err ? err
		   : berth_registrar_device_get(s->role->store, known.device, &s->arena, ret, why);
}

static enum berth_err
approve(struct berth_dpp_session *s, const struct berth_registrar_device *device,
	struct berth_why *why)
{
	struct berth_registrar_role *role = s->role;
	struct berth_registrar_approval approval;
	const char *by = role->dpp->pkex.opened_by;
	char actor[BERTH_AUDIT_ACTOR_MAX];

	enum berth_err err =
		berth_registrar_approval_get(role->store, device->row, &s->arena, &approval, why);
	if (err || approval.state == BERTH_REGISTRAR_APPROVAL_DENIED)
		return err;
	(void)snprintf(actor, sizeof(actor), "operator:%s", by);
	err = note(s, actor, BERTH_EVENT_DEVICE_APPROVED, device->id,
		   "knew the code of the window that was opened for it", why);
	err = err ? err
		  : berth_registrar_approval_set(role->store, device->row, true, by, REASON,
						 now_of(role).wall, why);
	if (!err)
		berth_log(&role->log, BERTH_LOG_NOTICE, "device.approved", "device", device->id,
			  "by", by, "reason", REASON, (const char *)NULL);
	return err;
}

/* req: dpp-controller-pkex-once */
static enum berth_err
admit(struct berth_dpp_session *s, struct berth_why *why)
{
	struct berth_registrar_role *role = s->role;
	const struct berth_dpp_bootstrapping *peer = berth_dpp_pkex_peer(s->pkex);
	struct berth_registrar_device device;

	enum berth_err err = find_or_add(s, peer, &device, why);
	err = err ? err : approve(s, &device, why);
	if (err)
		return err;
	s->device = device.row;
	memcpy(s->device_id, device.id, sizeof(s->device_id));
	memcpy(role->dpp->pkex.device, device.id, sizeof(role->dpp->pkex.device));
	berth_dpp_pkex_shut(role, BERTH_DPP_PKEX_USED, s);
	return BERTH_OK;
}

/* Somebody who does not know the code, or knows it and has no key: written down, each of the five. */
static enum berth_err
count_guess(struct berth_dpp_session *s, const struct berth_why *failed, struct berth_why *why)
{
	struct berth_dpp_pkex_window *window = &s->role->dpp->pkex;
	struct berth_why spent = {0};

	if (window->state != BERTH_DPP_PKEX_OPEN || window->code.guesses == window->guesses)
		return BERTH_OK;
	window->guesses = window->code.guesses;
	enum berth_err err = note(s, "judge", BERTH_EVENT_PKEX, SUBJECT, failed->sentence, why);
	if (!err && berth_dpp_pkex_code_check(&window->code, &spent) != BERTH_OK)
		berth_dpp_pkex_shut(s->role, BERTH_DPP_PKEX_SPENT, s);
	return err;
}

enum berth_err
berth_dpp_pkex_serve(struct berth_dpp_session *s, const struct berth_dpp_pkex_event *event,
		     struct berth_why *why)
{
	enum berth_err err = BERTH_OK;

	switch (event->kind) {
	case BERTH_DPP_PKEX_MULTIPLY:
		berth_dpp_session_ask(s, BERTH_DPP_PRODUCT, BERTH_REGISTRAR_DPP_BOOTSTRAPPING,
				      berth_ec_xy(&event->point));
		return BERTH_OK;
	case BERTH_DPP_PKEX_DONE:
		return admit(s, why);
	case BERTH_DPP_PKEX_FAILED:
		err = count_guess(s, &event->why, why);
		if (err)
			return err;
		*why = event->why;
		return event->why.err;
	}
	return BERTH_E_INTERNAL;
}
