/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/dpp.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "role/registrar/dpp_session.h"
#include "role/registrar/signing.h"

#define COOKIE_MARK 0x40000000U
#define KEYS_COOKIE ((uint64_t)COOKIE_MARK | 0x3fffffffU) /* no session has that slot */

enum berth_err
berth_dpp_open(struct berth_registrar_role *role, struct berth_why *why)
{
	if (role->settings->daemon.dpp_listen == NULL)
		return BERTH_OK;
	role->dpp = calloc(1, sizeof(*role->dpp));
	if (role->dpp == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	berth_rate_start(&role->dpp->announced,
			 (role->settings->dpp_connectors_per_minute + 1) / 2);
	return BERTH_OK;
}

void
berth_dpp_close(struct berth_registrar_role *role)
{
	if (role->dpp == NULL)
		return;
	for (size_t i = 0; i < role->dpp->session_end; i++) {
		if (role->dpp->sessions[i] != NULL)
			berth_dpp_session_close(role->dpp->sessions[i]);
	}
	berth_dpp_pkex_code_free(&role->dpp->pkex.code);
	free(role->dpp);
	role->dpp = NULL;
}

static struct berth_now
now_of(const struct berth_registrar_role *role)
{
	return berth_judge_now(role->judge);
}

/* ---- who is not known ---- */

static struct berth_dpp_chirp *
chirp_for(struct berth_dpp_controller *dpp, const uint8_t hash[32])
{
	struct berth_dpp_chirp *oldest = &dpp->chirps[0];

	for (size_t i = 0; i < dpp->chirp_count; i++) {
		if (memcmp(dpp->chirps[i].hash, hash, 32) == 0)
			return &dpp->chirps[i];
		if (dpp->chirps[i].last.s < oldest->last.s)
			oldest = &dpp->chirps[i];
	}
	if (dpp->chirp_count < BERTH_DPP_CHIRPS_MAX)
		oldest = &dpp->chirps[dpp->chirp_count++];
	*oldest = (struct berth_dpp_chirp){0};
	memcpy(oldest->hash, hash, 32);
	return oldest;
}

static void
note_unknown(struct berth_registrar_role *role, const uint8_t hash[32], struct berth_bytes address)
{
	struct berth_dpp_chirp *chirp = chirp_for(role->dpp, hash);

	role->dpp->unknown++;
	chirp->count++;
	chirp->last = now_of(role).wall;
	if (chirp->first.s == 0)
		chirp->first = chirp->last;
	(void)snprintf(chirp->address, sizeof(chirp->address), "%.*s", (int)address.n,
		       (const char *)address.p);
}

static void
cut(struct berth_registrar_role *role, struct berth_dpp_peer peer)
{
	berth_judge_dpp_send(role->judge, peer, BERTH_BYTES_NONE, true);
}

void
berth_dpp_refuse(struct berth_registrar_role *role, struct berth_dpp_peer peer,
		 struct berth_bytes address, const struct berth_why *why)
{
	char from[64];

	(void)snprintf(from, sizeof(from), "%.*s", (int)address.n, (const char *)address.p);
	role->dpp->refused++;
	if (berth_log_allows(&role->refusals, now_of(role).mono, &role->suppressed))
		berth_log_why(&role->log, BERTH_LOG_WARNING, "dpp.refused", why, "from", from,
			      (const char *)NULL);
	cut(role, peer);
}

/* ---- sessions ---- */

static bool
is_of(const struct berth_dpp_session *s, struct berth_dpp_peer peer, size_t *at)
{
	for (size_t i = 0; i < s->peer_count; i++) {
		if (s->peers[i].net == peer.net && s->peers[i].id == peer.id) {
			*at = i;
			return true;
		}
	}
	return false;
}

static struct berth_dpp_session *
find_by_peer(struct berth_registrar_role *role, struct berth_dpp_peer peer)
{
	size_t at = 0;

	for (size_t i = 0; i < role->dpp->session_end; i++) {
		struct berth_dpp_session *s = role->dpp->sessions[i];
		if (s != NULL && is_of(s, peer, &at)) {
			s->last_peer = at;
			return s;
		}
	}
	return NULL;
}

/* Of the device that announced itself, which we answered; what others began in its name is none of its. */
static struct berth_dpp_session *
find_announced(struct berth_registrar_role *role, const uint8_t hash[32])
{
	for (size_t i = 0; i < role->dpp->session_end; i++) {
		struct berth_dpp_session *s = role->dpp->sessions[i];
		if (s != NULL && s->has_hash && s->is_announced && memcmp(s->hash, hash, 32) == 0)
			return s;
	}
	return NULL;
}

/* One that has proved nothing yet takes frame as its own. */
static struct berth_dpp_session *
find_who_takes(struct berth_registrar_role *role, const uint8_t hash[32],
	       const struct berth_dpp_frame *frame)
{
	struct berth_why why;

	for (size_t i = 0; i < role->dpp->session_end; i++) {
		struct berth_dpp_session *s = role->dpp->sessions[i];
		if (s != NULL && s->has_hash && memcmp(s->hash, hash, 32) == 0 && s->auth != NULL &&
		    s->configurator == NULL &&
		    berth_dpp_auth_input(s->auth, now_of(role).mono, frame, &why) == BERTH_OK)
			return s;
	}
	return NULL;
}

/* The oldest makes room, where too many ask in the name of one device; which of them is the device none has shown. */
static void
limit_unproven(struct berth_registrar_role *role, const uint8_t hash[32])
{
	struct berth_dpp_session *oldest = NULL;
	size_t count = 0;

	for (size_t i = 0; i < role->dpp->session_end; i++) {
		struct berth_dpp_session *s = role->dpp->sessions[i];
		if (s == NULL || !s->has_hash || memcmp(s->hash, hash, 32) != 0 ||
		    s->configurator != NULL || s->is_announced)
			continue;
		count++;
		if (oldest == NULL || s->generation < oldest->generation)
			oldest = s;
	}
	if (count >= BERTH_DPP_UNPROVEN_MAX)
		berth_dpp_session_close(oldest);
}

/* Another connection of the same device: what comes next is answered there. */
static void
join(struct berth_dpp_session *s, struct berth_dpp_peer peer)
{
	size_t at = 0;

	if (!is_of(s, peer, &at)) {
		at = s->peer_count < BERTH_DPP_PEERS_MAX ? s->peer_count++ : 0;
		s->peers[at] = peer;
	}
	s->last_peer = at;
}

static enum berth_err
fill_conf(struct berth_dpp_session *s, const struct berth_registrar_dpp_key *key,
	  struct berth_dpp_auth_conf *conf, struct berth_why *why)
{
	struct berth_registrar_role *role = s->role;
	const struct berth_dpp_bootstrapping *own = &role->dpp->keys.bootstrapping;
	struct berth_ec_point point;

	*conf = (struct berth_dpp_auth_conf){
		.pki = role->pki,
		.random = berth_judge_random(role->judge),
		.version = BERTH_DPP_VERSION_MAX,
		.roles = BERTH_DPP_CONFIGURATOR,
		.own = *own,
		.has_peer = true,
		.requires_mutual = s->network.requires_mutual,
	};
	memcpy(conf->peer.hash, key->key_hash, sizeof(conf->peer.hash));
	memcpy(conf->peer.chirp, key->chirp_hash, sizeof(conf->peer.chirp));
	enum berth_err err = berth_ec_parse_spki(role->pki, key->spki, &conf->peer.point, why);
	if (err || conf->peer.point.curve == own->point.curve)
		return err;
	/* a device on another curve knows no key of ours: one for this session, which proves nothing */
	err = berth_ec_generate(role->pki, conf->peer.point.curve, &conf->random, &s->own_scalar,
				&point, why);
	return err ? err : berth_dpp_bootstrapping_of(role->pki, &point, &conf->own, why);
}

/* A device that is known, and a session for it that is not begun yet; NULL: told and cut. */
/* req: dpp-controller-approved */
static struct berth_dpp_session *
admit(struct berth_registrar_role *role, const struct berth_registrar_dpp_key *key,
      struct berth_dpp_peer peer, struct berth_bytes address)
{
	struct berth_why why = {0};
	struct berth_dpp_session *s = berth_dpp_session_open(role, peer, address);

	if (s == NULL) {
		berth_why_fill(&why, BERTH_E_LIMIT, "dpp-sessions", NULL, 0,
			       "there are %d sessions already", BERTH_DPP_SESSIONS_MAX);
		berth_dpp_refuse(role, peer, address, &why);
		return NULL;
	}
	s->device = key->device;
	s->has_hash = true;
	memcpy(s->hash, key->key_hash, sizeof(s->hash));
	enum berth_err err = berth_dpp_session_decide(s, &why);
	if (!err)
		return s;
	if (err != BERTH_E_PENDING &&
	    berth_log_allows(&role->refusals, now_of(role).mono, &role->suppressed))
		berth_log_why(&role->log, BERTH_LOG_WARNING, "dpp.refused", &why, "device",
			      s->device_id, "from", s->address, (const char *)NULL);
	role->dpp->refused++;
	cut(role, peer);
	berth_dpp_session_close(s);
	return NULL;
}

static enum berth_err
find_key(struct berth_registrar_role *role, enum berth_dpp_hash which, struct berth_bytes hash,
	 struct berth_arena *arena, struct berth_registrar_dpp_key *ret, struct berth_why *why)
{
	uint8_t octets[BERTH_DPP_HASH_BYTES];

	memcpy(octets, hash.p, sizeof(octets));
	return berth_registrar_dpp_key_find(role->store, which, octets, arena, ret, why);
}

/* req: dpp-controller-known, dpp-controller-identical */
static void
take_chirp(struct berth_registrar_role *role, struct berth_dpp_peer peer,
	   const struct berth_dpp_frame *frame, struct berth_bytes address)
{
	struct berth_registrar_dpp_key key;
	struct berth_dpp_auth_conf conf;
	struct berth_bytes hash = BERTH_BYTES_NONE;
	struct berth_why why = {0};
	BERTH_ARENA arena;

	berth_arena_start(&arena, 8192);
	enum berth_err err = berth_dpp_attribute_get(frame->attributes,
						     BERTH_DPP_RESPONDER_KEY_HASH, 32, &hash, &why);
	if (err) {
		berth_dpp_refuse(role, peer, address, &why);
		return;
	}
	err = find_key(role, BERTH_DPP_BY_CHIRP_HASH, hash, &arena, &key, &why);
	if (err) {
		note_unknown(role, hash.p, address);
		cut(role, peer);
		return;
	}
	struct berth_dpp_session *s = find_announced(role, key.key_hash);
	if (s != NULL) {
		join(s, peer);
		if (s->auth != NULL && s->configurator == NULL)
			berth_dpp_auth_repeat(s->auth);
		berth_dpp_session_serve(s);
		return;
	}
	s = admit(role, &key, peer, address);
	if (s == NULL)
		return;
	s->is_announced = true;
	err = fill_conf(s, &key, &conf, &why);
	err = err ? err : berth_dpp_auth_initiate(&conf, now_of(role).mono, &s->auth, &why);
	if (err)
		berth_dpp_session_fail(s, &why);
	berth_dpp_session_serve(s);
}

/* A device that begins itself, having our key from somewhere: ours must be the one it asks for. */
static void
take_request(struct berth_registrar_role *role, struct berth_dpp_peer peer,
	     const struct berth_dpp_frame *frame, struct berth_bytes address)
{
	struct berth_registrar_dpp_key key;
	struct berth_dpp_auth_conf conf;
	struct berth_bytes ours = BERTH_BYTES_NONE;
	struct berth_bytes hash = BERTH_BYTES_NONE;
	struct berth_why why = {0};
	BERTH_ARENA arena;

	berth_arena_start(&arena, 8192);
	enum berth_err err = berth_dpp_attribute_get(frame->attributes,
						     BERTH_DPP_RESPONDER_KEY_HASH, 32, &ours, &why);
	err = err ? err
		  : berth_dpp_attribute_get(frame->attributes, BERTH_DPP_INITIATOR_KEY_HASH, 32,
					    &hash, &why);
	if (!err && memcmp(ours.p, role->dpp->keys.bootstrapping.hash, 32) != 0)
		err = berth_fail(&why, BERTH_E_NOT_FOUND, "dpp-responder-hash", "DPP 6.2.2",
				 "the request is for another Controller's key");
	if (err) {
		berth_dpp_refuse(role, peer, address, &why);
		return;
	}
	err = find_key(role, BERTH_DPP_BY_KEY_HASH, hash, &arena, &key, &why);
	if (err) {
		note_unknown(role, hash.p, address);
		cut(role, peer);
		return;
	}
	struct berth_dpp_session *s = find_by_peer(role, peer);
	if (s != NULL && s->pkex != NULL) /* its last frame has come */
		berth_dpp_session_close(s);
	s = find_who_takes(role, key.key_hash, frame);
	if (s != NULL) {
		join(s, peer);
		berth_dpp_session_serve(s);
		return;
	}
	/* anew, having lost what was before, or somebody else in its name: what is under way goes on till one is proved */
	limit_unproven(role, key.key_hash);
	s = admit(role, &key, peer, address);
	if (s == NULL)
		return;
	err = fill_conf(s, &key, &conf, &why);
	conf.own = role->dpp->keys.bootstrapping;
	err = err ? err : berth_dpp_auth_respond(&conf, now_of(role).mono, frame, &s->auth, &why);
	if (err)
		berth_dpp_session_fail(s, &why);
	berth_dpp_session_serve(s);
}

static struct berth_dpp_session *
find_by_announcement(struct berth_registrar_role *role, const struct berth_dpp_announcement *a,
		     size_t *count)
{
	struct berth_dpp_session *found = NULL;

	*count = 0;
	for (size_t i = 0; i < role->dpp->session_end; i++) {
		struct berth_dpp_session *s = role->dpp->sessions[i];
		if (s == NULL || s->reconfig == NULL)
			continue;
		*count += s->device == 0;
		if (berth_ec_equal(&s->a_nonce, &a->a_nonce))
			found = s;
	}
	return found;
}

/*
 * The hash of our C-sign key is in the clear, so anybody can say it, and it is the signer that pays: strangers take neither the
 * sessions nor the signatures that devices with a code need.
 */
/* req: dpp-controller-announced */
static enum berth_err
may_announce(struct berth_registrar_role *role, size_t count, struct berth_why *why)
{
	if (count >= BERTH_DPP_ANNOUNCED_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "dpp-announced", NULL,
				  "%d who announced themselves for another configuration are "
				  "waited for already",
				  BERTH_DPP_ANNOUNCED_MAX);
	return berth_rate_take(&role->dpp->announced, now_of(role).mono,
			       "half of connectors-per-minute", why);
}

static void
take_announcement(struct berth_registrar_role *role, struct berth_dpp_peer peer,
		  const struct berth_dpp_frame *frame, struct berth_bytes address)
{
	struct berth_dpp_announcement announcement;
	struct berth_why why = {0};
	const struct berth_dpp_reconfig_conf conf = {
		.pki = role->pki,
		.random = berth_judge_random(role->judge),
		.version = BERTH_DPP_VERSION_MAX,
		.c_sign = role->dpp->keys.c_sign,
		.now = now_of(role).wall,
		.replaces_key = true,
	};
	enum berth_err err = berth_dpp_announcement_parse(role->pki, role->dpp->keys.pp.curve,
							  frame, &announcement, &why);
	size_t count = 0;
	struct berth_dpp_session *s =
		err ? NULL : find_by_announcement(role, &announcement, &count);
	if (s != NULL) {
		join(s, peer);
		if (s->configurator == NULL)
			berth_dpp_reconfig_repeat(s->reconfig);
		berth_dpp_session_serve(s);
		return;
	}
	err = err ? err : may_announce(role, count, &why);
	s = err ? NULL : berth_dpp_session_open(role, peer, address);
	if (!err && s == NULL)
		err = berth_fail(&why, BERTH_E_LIMIT, "dpp-sessions", NULL,
				 "there are %d sessions already", BERTH_DPP_SESSIONS_MAX);
	if (err) {
		berth_dpp_refuse(role, peer, address, &why);
		return;
	}
	s->a_nonce = announcement.a_nonce;
	err = berth_dpp_reconfig_begin(&conf, now_of(role).mono, &announcement, &s->reconfig, &why);
	if (err)
		berth_dpp_session_fail(s, &why);
	berth_dpp_session_serve(s);
}

static enum berth_err
feed(struct berth_dpp_session *s, const struct berth_dpp_frame *frame, struct berth_why *why)
{
	struct berth_mono now = now_of(s->role).mono;

	if (s->pkex != NULL)
		return berth_dpp_pkex_input(s->pkex, now, NULL, frame, why);
	if (s->configurator != NULL)
		return berth_dpp_configurator_input(s->configurator, now, frame, why);
	return s->auth != NULL ? berth_dpp_auth_input(s->auth, now, frame, why)
			       : berth_dpp_reconfig_input(s->reconfig, now, frame, why);
}

/* A session is found by its connection, and a response also by the key that it is of. */
/* req: dpp-controller-repeated-frame */
static void
take_other(struct berth_registrar_role *role, struct berth_dpp_peer peer,
	   const struct berth_dpp_frame *frame, struct berth_bytes address)
{
	struct berth_bytes hash = BERTH_BYTES_NONE;
	struct berth_why why = {0};
	struct berth_dpp_session *s = find_by_peer(role, peer);

	if (s == NULL && frame->type == BERTH_DPP_AUTHENTICATION_RESPONSE &&
	    berth_dpp_attribute_find(frame->attributes, BERTH_DPP_RESPONDER_KEY_HASH, &hash) &&
	    hash.n == 32) {
		s = find_announced(role, hash.p);
		if (s != NULL)
			join(s, peer);
	}
	if (s == NULL) {
		berth_why_fill(&why, BERTH_E_NOT_FOUND, "dpp-no-session", NULL, 0,
			       "a frame that belongs to no session");
		berth_dpp_refuse(role, peer, address, &why);
		return;
	}
	if (feed(s, frame, &why) != BERTH_OK) {
		/*
		 * It changed nothing. The air repeats frames, and anybody may send some in a device's name: neither ends
		 * what the device has begun, but who goes on and on is cut.
		 */
		if (++s->refused_frames >= BERTH_DPP_REFUSED_FRAMES_MAX)
			berth_dpp_refuse(role, peer, address, &why);
		return;
	}
	berth_dpp_session_serve(s);
}

static void
ask_keys(struct berth_registrar_role *role)
{
	if (role->dpp->keys.are_known || role->dpp->keys.are_asked)
		return;
	role->dpp->keys.are_asked = true;
	berth_judge_sign(role->judge, BERTH_REGISTRAR_DPP_KEYS, BERTH_BYTES_NONE, KEYS_COOKIE);
}

void
berth_dpp_message(void *context, struct berth_dpp_peer peer, struct berth_bytes body,
		  struct berth_bytes address)
{
	struct berth_registrar_role *role = context;
	struct berth_dpp_frame frame;
	struct berth_why why = {0};

	if (role->dpp == NULL || !role->dpp->keys.are_known) {
		if (role->dpp != NULL)
			ask_keys(role);
		cut(role, peer); /* it comes again */
		return;
	}
	if (berth_dpp_frame_parse(body, &frame, &why)) {
		berth_dpp_refuse(role, peer, address, &why);
		return;
	}
	bool is_action = frame.kind == BERTH_DPP_FRAME_ACTION;
	if (is_action && frame.type == BERTH_DPP_PRESENCE_ANNOUNCEMENT)
		take_chirp(role, peer, &frame, address);
	else if (is_action && frame.type == BERTH_DPP_AUTHENTICATION_REQUEST)
		take_request(role, peer, &frame, address);
	else if (is_action &&
		 (frame.type == BERTH_DPP_PKEX_EXCHANGE_REQUEST ||
		  frame.type == BERTH_DPP_PKEX_V1_EXCHANGE_REQUEST) &&
		 find_by_peer(role, peer) == NULL)
		berth_dpp_pkex_take(role, peer, &frame, address);
	else if (is_action && frame.type == BERTH_DPP_RECONFIG_ANNOUNCEMENT)
		take_announcement(role, peer, &frame, address);
	else
		take_other(role, peer, &frame, address);
}

void
berth_dpp_gone(void *context, struct berth_dpp_peer peer)
{
	struct berth_registrar_role *role = context;

	if (role->dpp == NULL)
		return;
	for (size_t i = 0; i < role->dpp->session_end; i++) {
		struct berth_dpp_session *s = role->dpp->sessions[i];
		for (size_t k = 0; s != NULL && k < s->peer_count;) {
			if (s->peers[k].net != peer.net ||
			    (peer.id != 0 && s->peers[k].id != peer.id)) {
				k++;
				continue;
			}
			s->peers[k] = s->peers[--s->peer_count];
			s->last_peer = 0;
		}
		/* it may come back on another connection, as long as its time runs; answers need one */
		if (s != NULL && s->peer_count == 0 && s->asked == BERTH_DPP_NOTHING)
			berth_dpp_session_close(s);
	}
}

static enum berth_err
take_point(struct berth_registrar_role *role, struct berth_cursor *c, struct berth_ec_point *ret,
	   struct berth_why *why)
{
	return berth_ec_parse_spki(role->pki, berth_cursor_vector16(c, BERTH_SPKI_MAX_BYTES), ret,
				   why);
}

static void
take_keys(struct berth_registrar_role *role, enum berth_err err, struct berth_bytes object,
	  const struct berth_why *signer_why)
{
	struct berth_dpp_controller_keys *keys = &role->dpp->keys;
	struct berth_cursor c = berth_cursor(object);
	struct berth_ec_point own;
	struct berth_why why = {0};

	if (err && signer_why != NULL)
		why = *signer_why;
	err = err ? err : take_point(role, &c, &keys->c_sign, &why);
	err = err ? err : take_point(role, &c, &own, &why);
	err = err ? err : take_point(role, &c, &keys->pp, &why);
	err = err ? err : berth_cursor_end(&c, "dpp-keys", &why);
	err = err ? err : berth_dpp_bootstrapping_of(role->pki, &own, &keys->bootstrapping, &why);
	keys->are_asked = false;
	keys->are_known = !err;
	if (err)
		berth_log_why(&role->log, BERTH_LOG_ERROR, "dpp.no-keys", &why, (const char *)NULL);
}

bool
berth_dpp_signature(struct berth_registrar_role *role, uint64_t cookie, enum berth_err err,
		    struct berth_bytes object, const struct berth_why *why)
{
	uint32_t slot = (uint32_t)cookie & ~COOKIE_MARK;

	if (role->dpp == NULL || ((uint32_t)cookie & (COOKIE_MARK | 0x80000000U)) != COOKIE_MARK ||
	    cookie >> 63 != 0)
		return false;
	if (cookie == KEYS_COOKIE) {
		take_keys(role, err, object, why);
		return true;
	}
	struct berth_dpp_session *s =
		slot < BERTH_DPP_SESSIONS_MAX ? role->dpp->sessions[slot] : NULL;
	if (s == NULL || s->generation != (uint32_t)(cookie >> 32))
		return true;
	if (s->peer_count == 0 && s->asked != BERTH_DPP_CERTIFICATE) {
		berth_dpp_session_close(
			s); /* nobody is there to be told; what was issued is written down */
		return true;
	}
	berth_dpp_session_answer(s, err, object, why);
	return true;
}

void
berth_dpp_tick(struct berth_registrar_role *role)
{
	if (role->dpp == NULL)
		return;
	ask_keys(role);
	berth_dpp_pkex_window_tick(role);
	for (size_t i = 0; i < role->dpp->session_end; i++) {
		struct berth_dpp_session *s = role->dpp->sessions[i];
		if (s == NULL)
			continue;
		if (s->pkex != NULL)
			berth_dpp_pkex_tick(s->pkex, now_of(role).mono);
		else if (s->configurator != NULL)
			berth_dpp_configurator_tick(s->configurator, now_of(role).mono);
		else if (s->reconfig != NULL)
			berth_dpp_reconfig_tick(s->reconfig, now_of(role).mono);
		else if (s->auth != NULL)
			berth_dpp_auth_tick(s->auth, now_of(role).mono);
		berth_dpp_session_serve(s);
	}
}
