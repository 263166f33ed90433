/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/est/renewal.h"

#include <assert.h>

#include "protocol/est/renewal_internal.h"

/* ---- what it waits for: how long, and which message moves it ---- */

static const int64_t patience_ms[RENEWAL_WAIT__COUNT] = {
	[RENEWAL_WAIT_CONNECTION] = 15000,   [RENEWAL_WAIT_CA_CERTIFICATES] = 30000,
	[RENEWAL_WAIT_ADVICE] = 30000,	     [RENEWAL_WAIT_CSR_ATTRIBUTES] = 30000,
	[RENEWAL_WAIT_CERTIFICATE] = 120000, [RENEWAL_WAIT_RECONNECTION] = 15000,
	[RENEWAL_WAIT_REVOCATION] = 20000,
};

static renewal_handler on_time;
static renewal_handler on_unreachable;
static renewal_handler on_lost;
static renewal_handler on_late;

static renewal_handler *const handlers[RENEWAL_WAIT__COUNT][RENEWAL_MESSAGE__COUNT] = {
	[RENEWAL_WAIT_TIME] = {[RENEWAL_MESSAGE_TICK] = on_time},
	[RENEWAL_WAIT_CONNECTION] = {[RENEWAL_MESSAGE_CONNECTED] = renewal_on_connected,
				     [RENEWAL_MESSAGE_DISCONNECTED] = on_unreachable,
				     [RENEWAL_MESSAGE_TICK] = on_late},
	[RENEWAL_WAIT_REVOCATION] = {[RENEWAL_MESSAGE_FETCHED] = renewal_on_fetched,
				     [RENEWAL_MESSAGE_DISCONNECTED] = renewal_on_certificate_lost,
				     [RENEWAL_MESSAGE_TICK] = renewal_on_not_fetched},
	[RENEWAL_WAIT_CA_CERTIFICATES] = {[RENEWAL_MESSAGE_RESPONSE] = renewal_on_ca_certificates,
					  [RENEWAL_MESSAGE_DISCONNECTED] = on_lost,
					  [RENEWAL_MESSAGE_TICK] = on_late},
	[RENEWAL_WAIT_CA_SAVED] = {[RENEWAL_MESSAGE_SAVED] = renewal_on_ca_saved},
	[RENEWAL_WAIT_ADVICE] = {[RENEWAL_MESSAGE_RESPONSE] = renewal_on_advice,
				 [RENEWAL_MESSAGE_DISCONNECTED] = on_lost,
				 [RENEWAL_MESSAGE_TICK] = on_late},
	[RENEWAL_WAIT_CSR_ATTRIBUTES] = {[RENEWAL_MESSAGE_RESPONSE] = renewal_on_csr_attributes,
					 [RENEWAL_MESSAGE_DISCONNECTED] = on_lost,
					 [RENEWAL_MESSAGE_TICK] = on_late},
	[RENEWAL_WAIT_KEY] =
		{[RENEWAL_MESSAGE_KEY] = renewal_on_key, [RENEWAL_MESSAGE_DISCONNECTED] = on_lost},
	[RENEWAL_WAIT_CERTIFICATE] = {[RENEWAL_MESSAGE_RESPONSE] = renewal_on_certificate,
				      [RENEWAL_MESSAGE_DISCONNECTED] = renewal_on_certificate_lost,
				      [RENEWAL_MESSAGE_TICK] = renewal_on_certificate_lost},
	[RENEWAL_WAIT_CERTIFICATE_TIME] = {[RENEWAL_MESSAGE_TICK] = renewal_on_certificate_time,
					   [RENEWAL_MESSAGE_DISCONNECTED] = NULL},
	[RENEWAL_WAIT_RECONNECTION] = {[RENEWAL_MESSAGE_CONNECTED] = renewal_on_reconnected,
				       [RENEWAL_MESSAGE_DISCONNECTED] = renewal_on_certificate_lost,
				       [RENEWAL_MESSAGE_TICK] = renewal_on_certificate_lost},
	[RENEWAL_WAIT_SAVED] = {[RENEWAL_MESSAGE_SAVED] = renewal_on_saved},
};

static enum berth_err
give(struct berth_renewal *x, struct berth_now now, const struct renewal_message *message,
     struct berth_why *why)
{
	if (message->kind == RENEWAL_MESSAGE_DISCONNECTED) {
		x->is_connected = false;
		x->has_output = false;
		if (x->wait == RENEWAL_WAIT_CERTIFICATE_TIME || x->wait == RENEWAL_WAIT_SAVED ||
		    x->wait == RENEWAL_WAIT_CA_SAVED) {
			return BERTH_OK; /* nothing is asked on it: the next step connects again */
		}
	}
	renewal_handler *handler = handlers[x->wait][message->kind];
	if (!handler) {
		return berth_fail(why, BERTH_E_STATE, "est-renewal-state", NULL,
				  "not a message that the device waits for");
	}
	handler(x, now, message);
	return BERTH_OK;
}

/* ---- life ---- */

enum berth_err
berth_renewal_start(const struct berth_renewal_conf *conf, const struct berth_renewal_env *env,
		    struct berth_now now, struct berth_renewal **ret, struct berth_why *why)
{
	if (conf->chain->n == 0 || conf->ca_set->n == 0) {
		return berth_fail(why, BERTH_E_USAGE, "est-renewal-nothing", NULL,
				  "there is no certificate to renew, or nobody to trust");
	}
	struct berth_renewal *x = berth_arena_alloc(env->arena, sizeof(*x));
	if (!x) {
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	}
	x->env = *env;
	x->key_kind = conf->key_kind;
	x->check_every_s = conf->check_every_s;
	x->revocation_rule = conf->revocation;
	x->key = berth_key_ref(conf->key);
	x->places[0] = *conf->place;
	x->place_count = 1;
	x->body.limit = BERTH_RENEWAL_BODY_MAX_BYTES;
	enum berth_err err = berth_cert_list_copy(&x->chain, conf->chain, why);
	err = err ? err : berth_cert_list_copy(&x->ca_set, conf->ca_set, why);
	if (err) {
		berth_renewal_end(x);
		return err;
	}
	const struct berth_cert *own = x->chain.at[0];
	const bool knows_begin = conf->has_issued_at &&
				 conf->issued_at.s >= berth_cert_not_before(own).s &&
				 conf->issued_at.s < berth_cert_not_after(own).s;
	x->begins = knows_begin ? conf->issued_at : berth_cert_not_before(own);
	renewal_clock_plan(x, now, false);
	/* After a power cut a whole street starts at once. */
	x->next_contact =
		berth_mono_after_ms(now.mono, renewal_jitter_ms(x, x->check_every_s * 1000 / 10));
	renewal_wait(x, RENEWAL_WAIT_TIME, now);
	*ret = x;
	return BERTH_OK;
}

static void
clear_exchange(struct berth_renewal *x)
{
	berth_cert_list_free(&x->server);
	berth_cert_list_free(&x->server_path);
	berth_revocation_end(&x->revocation);
	berth_cert_list_free(&x->next_ca_set);
	berth_cert_list_free(&x->issued);
	berth_key_free(x->next_key);
	x->next_key = NULL;
	berth_arena_end(&x->attributes_memory);
	berth_buf_clear(&x->body);
	berth_buf_clear(&x->link);
	x->attributes = (struct berth_csrattrs){0};
	x->is_connected = false;
	x->is_renewing = false;
	x->has_waited = false;
	x->has_output = false;
	x->reconnects = 0;
	x->retry_after_s = -1;
}

void
berth_renewal_end(struct berth_renewal *renewal)
{
	if (!renewal) {
		return;
	}
	clear_exchange(renewal);
	berth_cert_list_free(&renewal->chain);
	berth_cert_list_free(&renewal->ca_set);
	berth_key_free(renewal->key);
	renewal->key = NULL;
	berth_buf_free(&renewal->body);
	berth_buf_free(&renewal->link);
}

/* ---- messages ---- */

static bool
add_place(struct berth_renewal *x, const struct berth_renewal_place *place)
{
	for (size_t i = 0; i < x->place_count; i++) {
		if (x->places[i].port == place->port &&
		    strcmp(x->places[i].host, place->host) == 0) {
			return false;
		}
	}
	if (x->place_count == BERTH_RENEWAL_PLACES_MAX) {
		return false;
	}
	x->places[x->place_count++] = *place;
	return true;
}

/* Whoever is new, or may be back, is asked soon; all devices of a link hear of it at the same time. */
static void
ask_soon(struct berth_renewal *x, struct berth_now now)
{
	if (x->wait == RENEWAL_WAIT_TIME && x->failures > 0) {
		const struct berth_mono soon =
			berth_mono_after_ms(now.mono, renewal_jitter_ms(x, 2000));
		x->next_contact = soon.ms < x->next_contact.ms ? soon : x->next_contact;
		renewal_wait(x, RENEWAL_WAIT_TIME, now);
	}
}

enum berth_err
berth_renewal_input(struct berth_renewal *renewal, struct berth_now now,
		    const struct berth_renewal_input *input, struct berth_why *why)
{
	struct renewal_message message = {
		.response = input->response, .tls = input->tls, .why = input->why};
	switch (input->kind) {
	case BERTH_RENEWAL_FOUND:
		if (add_place(renewal, input->place)) {
			renewal->place = renewal->place_count - 1;
			ask_soon(renewal, now);
		}
		return BERTH_OK;
	case BERTH_RENEWAL_LINK_CHANGED:
		ask_soon(renewal, now);
		return BERTH_OK;
	case BERTH_RENEWAL_CONNECTED:
		message.kind = RENEWAL_MESSAGE_CONNECTED;
		break;
	case BERTH_RENEWAL_DISCONNECTED:
		message.kind = RENEWAL_MESSAGE_DISCONNECTED;
		break;
	case BERTH_RENEWAL_RESPONSE:
		message.kind = RENEWAL_MESSAGE_RESPONSE;
		break;
	}
	return give(renewal, now, &message, why);
}

enum berth_err
berth_renewal_answer(struct berth_renewal *renewal, struct berth_now now,
		     const struct berth_renewal_answer *answer, struct berth_why *why)
{
	const struct renewal_message message = {
		.kind = answer->kind == BERTH_RENEWAL_SAVE    ? RENEWAL_MESSAGE_SAVED
			: answer->kind == BERTH_RENEWAL_FETCH ? RENEWAL_MESSAGE_FETCHED
							      : RENEWAL_MESSAGE_KEY,
		.err = answer->err,
		.body = answer->body,
		.key = answer->key,
		.why = answer->why,
	};
	return give(renewal, now, &message, why);
}

void
berth_renewal_tick(struct berth_renewal *renewal, struct berth_now now)
{
	const struct renewal_message tick = {.kind = RENEWAL_MESSAGE_TICK};
	if (renewal->deadline.ms <= now.mono.ms) {
		berth_ignore(give(renewal, now, &tick, NULL),
			     "every wait with a deadline has a row for the tick");
	}
}

struct berth_mono
berth_renewal_deadline(const struct berth_renewal *renewal)
{
	return renewal->deadline;
}

bool
berth_renewal_output(struct berth_renewal *renewal, struct berth_http_request *ret)
{
	if (!renewal->has_output) {
		return false;
	}
	renewal->has_output = false;
	*ret = renewal->request;
	return true;
}

/* ---- events ---- */

bool
berth_renewal_event(struct berth_renewal *renewal, struct berth_renewal_event *ret)
{
	if (renewal->event_count == 0) {
		return false;
	}
	const struct renewal_event *given = &renewal->events[renewal->event_first];
	const bool is_renewal = given->kind == BERTH_RENEWAL_SAVE && given->is_renewed;
	*ret = (struct berth_renewal_event){
		.kind = given->kind,
		.place = &renewal->places[renewal->place],
		.chain = is_renewal ? &renewal->issued : &renewal->chain,
		.key = is_renewal ? renewal->next_key : renewal->key,
		.ca_set = &renewal->ca_set,
		.key_kind = renewal->key_kind,
		.fetch = given->kind == BERTH_RENEWAL_FETCH ? &renewal->revocation : NULL,
		.is_renewed = given->is_renewed,
		.note = given->note,
		.why = given->why,
	};
	renewal->event_first = (renewal->event_first + 1) % RENEWAL_EVENTS_MAX;
	renewal->event_count--;
	return true;
}

static void
push(struct berth_renewal *x, const struct renewal_event *event)
{
	assert(x->event_count < RENEWAL_EVENTS_MAX);
	x->events[(x->event_first + x->event_count) % RENEWAL_EVENTS_MAX] = *event;
	x->event_count++;
}

void
renewal_emit(struct berth_renewal *x, enum berth_renewal_event_kind kind)
{
	push(x, &(struct renewal_event){.kind = kind, .is_renewed = x->is_renewing});
}

void
renewal_note(struct berth_renewal *x, enum berth_renewal_note note, const struct berth_why *why)
{
	struct renewal_event event = {.kind = BERTH_RENEWAL_NOTE, .note = note};
	if (why) {
		event.why = *why;
	}
	push(x, &event);
}

const char *
berth_renewal_note_name(enum berth_renewal_note note)
{
	static const char *const names[BERTH_RENEWAL_NOTE__COUNT] = {
		[BERTH_RENEWAL_NOTE_ASKS] = "asks",
		[BERTH_RENEWAL_NOTE_ADVISED] = "advised",
		[BERTH_RENEWAL_NOTE_CA_SET] = "ca-set",
		[BERTH_RENEWAL_NOTE_CA_SET_REFUSED] = "ca-set-refused",
		[BERTH_RENEWAL_NOTE_REVOCATION_UNKNOWN] = "revocation-unknown",
		[BERTH_RENEWAL_NOTE_CLOCK] = "clock",
		[BERTH_RENEWAL_NOTE_BEGINS] = "begins",
		[BERTH_RENEWAL_NOTE_WAITS] = "waits",
		[BERTH_RENEWAL_NOTE_RENEWED] = "renewed",
		[BERTH_RENEWAL_NOTE_REFUSED] = "refused",
		[BERTH_RENEWAL_NOTE_FAILED] = "failed",
	};
	return note < BERTH_RENEWAL_NOTE__COUNT ? names[note] : "unknown";
}

/* ---- waiting ---- */

static struct berth_mono
earlier(struct berth_mono a, struct berth_mono b)
{
	return a.ms < b.ms ? a : b;
}

static struct berth_mono
later(struct berth_mono a, struct berth_mono b)
{
	return a.ms < b.ms ? b : a;
}

void
renewal_wait(struct berth_renewal *x, enum renewal_wait wait, struct berth_now now)
{
	x->wait = wait;
	x->deadline = patience_ms[wait] ? berth_mono_after_ms(now.mono, patience_ms[wait])
					: BERTH_MONO_NEVER;
	if (wait == RENEWAL_WAIT_TIME) {
		x->deadline = earlier(x->next_contact,
				      berth_mono_after_ms(now.mono, BERTH_RENEWAL_LOOK_AGAIN_MS));
		if (x->failures == 0) {
			x->deadline =
				earlier(x->deadline, later(renewal_due_at(x, now), x->pause_until));
		}
	}
}

void
renewal_connect(struct berth_renewal *x, enum renewal_wait wait, struct berth_now now)
{
	berth_cert_list_free(&x->server);
	berth_cert_list_free(&x->server_path);
	x->is_connected = false;
	x->has_output = false;
	renewal_emit(x, BERTH_RENEWAL_CONNECT);
	renewal_wait(x, wait, now);
}

static void
on_time(struct berth_renewal *x, struct berth_now now, const struct renewal_message *message)
{
	(void)message;
	const bool is_time = x->next_contact.ms <= now.mono.ms;
	const bool may_be_due = x->failures == 0 && x->pause_until.ms <= now.mono.ms;
	if (!is_time && !(may_be_due && renewal_is_due(x, now))) {
		renewal_wait(x, RENEWAL_WAIT_TIME, now);
		return;
	}
	clear_exchange(x);
	renewal_note(x, BERTH_RENEWAL_NOTE_ASKS, NULL);
	renewal_connect(x, RENEWAL_WAIT_CONNECTION, now);
}

/* ---- the ends of an exchange ---- */

static void
close_exchange(struct berth_renewal *x)
{
	if (x->has_key) {
		renewal_emit(x, BERTH_RENEWAL_FORGET_KEY);
		x->has_key = false;
	}
	renewal_emit(x, BERTH_RENEWAL_CLOSE);
	clear_exchange(x);
}

void
renewal_rest(struct berth_renewal *x, struct berth_now now)
{
	/* req: renewal-info-retry-after */
	int64_t wait_ms = x->check_every_s * 1000;
	wait_ms += renewal_jitter_ms(x, wait_ms / 5) - wait_ms / 10;
	if (x->retry_after_s >= 0) {
		const int64_t asked_s = x->retry_after_s > BERTH_RENEWAL_RETRY_AFTER_MAX_S
						? BERTH_RENEWAL_RETRY_AFTER_MAX_S
						: x->retry_after_s;
		wait_ms = asked_s * 1000 + renewal_jitter_ms(x, asked_s * 1000 / 10);
	}
	x->next_contact = berth_mono_after_ms(now.mono, wait_ms < 1000 ? 1000 : wait_ms);
	/* By a registrar's clock that is far off, a new certificate is due at once, and the next one too. */
	x->pause_until = berth_mono_after_ms(now.mono, x->is_renewing ? renewal_pause_ms(x) : 1000);
	x->failures = 0;
	x->unreached = 0;
	if (x->is_searching) {
		x->is_searching = false;
		renewal_emit(x, BERTH_RENEWAL_SEARCH_ENDS);
	}
	close_exchange(x);
	renewal_wait(x, RENEWAL_WAIT_TIME, now);
}

static void
give_over(struct berth_renewal *x, const struct berth_why *why)
{
	close_exchange(x);
	push(x, &(struct renewal_event){.kind = BERTH_RENEWAL_OVER, .why = *why});
	x->wait = RENEWAL_WAIT_NOTHING;
	x->deadline = BERTH_MONO_NEVER;
}

static void
back_off(struct berth_renewal *x, struct berth_now now, int32_t retry_after_s)
{
	int64_t wait_ms = renewal_backoff_ms(x);
	int64_t asked_s = retry_after_s;
	if (asked_s > BERTH_RENEWAL_RETRY_AFTER_MAX_S) {
		asked_s = BERTH_RENEWAL_RETRY_AFTER_MAX_S;
	}
	if (asked_s * 1000 > wait_ms) {
		wait_ms = asked_s * 1000 + renewal_jitter_ms(x, asked_s * 100);
	}
	x->next_contact = berth_mono_after_ms(now.mono, wait_ms);
	close_exchange(x);
	renewal_wait(x, RENEWAL_WAIT_TIME, now);
}

void
renewal_fail(struct berth_renewal *x, struct berth_now now, const struct berth_why *why,
	     int32_t retry_after_s)
{
	x->failures++;
	renewal_note(x, BERTH_RENEWAL_NOTE_FAILED, why);
	back_off(x, now, retry_after_s);
}

/*
 * Nobody answered, or not our registrar: another place next, and discovery. When the certificate is over, the way on
 * leads through the birth certificate anyway.
 */
void
renewal_fail_to_reach(struct berth_renewal *x, struct berth_now now, const struct berth_why *why)
{
	struct berth_wall time = {0};
	x->unreached++;
	if (renewal_clock(x, now, &time) == RENEWAL_CLOCK_AFTER &&
	    x->unreached >= BERTH_RENEWAL_OVER_AFTER) {
		struct berth_why over;
		berth_ignore(berth_fail(&over, BERTH_E_EXPIRED, "est-renewal-over", NULL,
					"the certificate has ended and its registrar is not "
					"reached: the device onboards again"),
			     "the event tells");
		give_over(x, &over);
		return;
	}
	renewal_fail(x, now, why, -1);
	x->place = (x->place + 1) % x->place_count;
	if (x->unreached >= BERTH_RENEWAL_SEARCH_AFTER && !x->is_searching) {
		x->is_searching = true;
		renewal_emit(x, BERTH_RENEWAL_SEARCH);
	}
}

static void
on_unreachable(struct berth_renewal *x, struct berth_now now, const struct renewal_message *message)
{
	struct berth_why why;
	berth_ignore(berth_fail(&why, BERTH_E_UNREACHABLE, "est-renewal-unreachable", NULL,
				"the registrar cannot be reached"),
		     "the note tells");
	renewal_fail_to_reach(x, now, message->why && message->why->err ? message->why : &why);
}

static void
on_lost(struct berth_renewal *x, struct berth_now now, const struct renewal_message *message)
{
	on_unreachable(x, now, message);
}

static void
on_late(struct berth_renewal *x, struct berth_now now, const struct renewal_message *message)
{
	(void)message;
	struct berth_why why;
	berth_ignore(berth_fail(&why, BERTH_E_TIMEOUT, "est-renewal-late", NULL,
				"the registrar did not answer in time"),
		     "the note tells");
	renewal_fail_to_reach(x, now, &why);
}

/* Our registrar's refusals name their rule in the text; others' can only be taken as a no. */
static bool
says_expired(struct berth_bytes body)
{
	const struct berth_bytes rule = BERTH_LIT("(x509-expired)");
	for (size_t i = 0; i + rule.n <= body.n; i++) {
		if (memcmp(body.p + i, rule.p, rule.n) == 0) {
			return true;
		}
	}
	return false;
}

void
renewal_refused(struct berth_renewal *x, struct berth_now now,
		const struct berth_http_response *response, const char *what)
{
	struct berth_why why;
	struct berth_wall time = {0};
	const bool is_no = response->status == 401 || response->status == 403;
	berth_ignore(berth_fail(&why, BERTH_E_DENIED, "est-renewal-refused", RENEWAL_SECTION,
				"the registrar answered %d to %s", response->status, what),
		     "the note tells");
	if (!is_no) {
		renewal_fail(x, now, &why, response->retry_after_s);
		return;
	}
	x->failures++;
	renewal_note(x, BERTH_RENEWAL_NOTE_REFUSED, &why);
	if (renewal_clock(x, now, &time) != RENEWAL_CLOCK_WITHIN || says_expired(response->body)) {
		give_over(x, &why);
		return;
	}
	back_off(x, now, response->retry_after_s);
}
