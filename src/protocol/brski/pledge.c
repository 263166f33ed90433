/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/pledge.h"

#include <assert.h>

#include "protocol/brski/pledge_internal.h"

static enum berth_err
check_conf(const struct berth_pledge_conf *conf, struct berth_why *why)
{
	/* req: rfc8995-4.1-p1 */
	if (conf->is_configured && !conf->untold) {
		return berth_fail(why, BERTH_E_STATE, "rfc8995-4.1-configured", "RFC 8995 4.1",
				  "the device is already onboarded: reset it first");
	}
	if (conf->untold) {
		return BERTH_OK;
	}
	if (conf->idevid->n == 0 || conf->manufacturer_anchors->n == 0) {
		return berth_fail(why, BERTH_E_USAGE, "pledge-no-birth-identity", "RFC 8995 2.3",
				  "a birth certificate and its manufacturer's anchors are needed");
	}
	const struct berth_bytes serial = berth_cert_subject_serial_number(conf->idevid->at[0]);
	if (serial.n == 0 || serial.n > BERTH_VOUCHER_SERIAL_MAX) {
		return berth_fail(why, BERTH_E_USAGE, "rfc8995-2.3.1-no-serial", "RFC 8995 2.3.1",
				  "the birth certificate's subject has no serialNumber");
	}
	return BERTH_OK;
}

/* req: rfc8995-5-p1 */
enum berth_err
berth_pledge_start(const struct berth_pledge_conf *conf, const struct berth_pledge_env *env,
		   struct berth_now now, struct berth_pledge **ret, struct berth_why *why)
{
	enum berth_err err = check_conf(conf, why);
	if (err) {
		return err;
	}
	struct berth_pledge *pledge = berth_arena_alloc(env->arena, sizeof(*pledge));
	if (!pledge) {
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL,
				  "no memory for the pledge: %zu bytes", sizeof(*pledge));
	}
	pledge->conf = *conf;
	pledge->env = *env;
	pledge->next_start = now.mono;
	if (conf->untold) {
		pledge_attempt_start_telling(pledge, now);
	} else {
		pledge->serial_number = berth_cert_subject_serial_number(conf->idevid->at[0]);
	}
	*ret = pledge;
	return BERTH_OK;
}

void
berth_pledge_end(struct berth_pledge *pledge)
{
	if (!pledge) {
		return;
	}
	pledge->event_count = 0; /* nobody will take them */
	for (size_t i = 0; i < BERTH_PLEDGE_ATTEMPTS_MAX; i++) {
		if (pledge->attempts[i].id) {
			pledge_attempt_end(pledge, &pledge->attempts[i]);
		}
	}
}

static struct pledge_attempt *
find_attempt(struct berth_pledge *pledge, uint32_t id)
{
	for (size_t i = 0; i < BERTH_PLEDGE_ATTEMPTS_MAX; i++) {
		if (id && pledge->attempts[i].id == id) {
			return &pledge->attempts[i];
		}
	}
	return NULL;
}

static enum berth_err
attempt_input(struct berth_pledge *pledge, struct berth_now now, uint32_t id,
	      const struct pledge_message *message, struct berth_why *why)
{
	struct pledge_attempt *attempt = find_attempt(pledge, id);
	if (!attempt) {
		return berth_fail(why, BERTH_E_NOT_FOUND, "pledge-no-attempt", NULL,
				  "attempt %u is over", (unsigned)id);
	}
	enum berth_err err = pledge_attempt_message(pledge, attempt, now, message, why);
	if (!err) {
		pledge_schedule(pledge, now);
	}
	return err;
}

enum berth_err
berth_pledge_input(struct berth_pledge *pledge, struct berth_now now,
		   const struct berth_pledge_input *input, struct berth_why *why)
{
	if (pledge->is_done) {
		return berth_fail(why, BERTH_E_STATE, "pledge-done", NULL,
				  "the pledge is onboarded");
	}
	struct pledge_message message = {
		.response = input->response, .tls = input->tls, .why = input->why};
	switch (input->kind) {
	case BERTH_PLEDGE_FOUND:
		pledge_candidate_found(pledge, now, input->candidate);
		pledge_schedule(pledge, now);
		return BERTH_OK;
	case BERTH_PLEDGE_LOST:
		pledge_candidate_lost(pledge, input->candidate);
		return BERTH_OK;
	case BERTH_PLEDGE_LINK_CHANGED:
		pledge_link_changed(pledge, now);
		pledge_schedule(pledge, now);
		return BERTH_OK;
	case BERTH_PLEDGE_CONNECTED:
		message.kind = MESSAGE_CONNECTED;
		break;
	case BERTH_PLEDGE_DISCONNECTED:
		message.kind = MESSAGE_DISCONNECTED;
		break;
	case BERTH_PLEDGE_RESPONSE:
		message.kind = MESSAGE_RESPONSE;
		break;
	}
	return attempt_input(pledge, now, input->attempt, &message, why);
}

enum berth_err
berth_pledge_answer(struct berth_pledge *pledge, struct berth_now now,
		    const struct berth_pledge_answer *answer, struct berth_why *why)
{
	enum pledge_message_kind kind = MESSAGE_KEY;
	if (answer->kind == BERTH_PLEDGE_SAVE) {
		kind = MESSAGE_SAVED;
	} else if (answer->kind == BERTH_PLEDGE_FETCH) {
		kind = MESSAGE_FETCHED;
	}
	struct pledge_message message = {
		.kind = kind,
		.body = answer->body,
		.err = answer->err,
		.key = answer->key,
		.why = answer->why,
	};
	return attempt_input(pledge, now, answer->attempt, &message, why);
}

void
berth_pledge_tick(struct berth_pledge *pledge, struct berth_now now)
{
	const struct pledge_message tick = {.kind = MESSAGE_TICK};
	for (size_t i = 0; i < BERTH_PLEDGE_ATTEMPTS_MAX && !pledge->is_done; i++) {
		struct pledge_attempt *attempt = &pledge->attempts[i];
		if (attempt->id && attempt->deadline.ms <= now.mono.ms) {
			berth_ignore(pledge_attempt_message(pledge, attempt, now, &tick, NULL),
				     "every wait with a deadline has a row for the tick");
		}
	}
	pledge_schedule(pledge, now);
}

struct berth_mono
berth_pledge_deadline(const struct berth_pledge *pledge)
{
	if (pledge->is_done) {
		return BERTH_MONO_NEVER;
	}
	struct berth_mono first = pledge_schedule_deadline(pledge);
	for (size_t i = 0; i < BERTH_PLEDGE_ATTEMPTS_MAX; i++) {
		const struct pledge_attempt *attempt = &pledge->attempts[i];
		if (attempt->id && attempt->deadline.ms < first.ms) {
			first = attempt->deadline;
		}
	}
	return first;
}

bool
berth_pledge_output(struct berth_pledge *pledge, struct berth_pledge_output *ret)
{
	for (size_t i = 0; i < BERTH_PLEDGE_ATTEMPTS_MAX; i++) {
		struct pledge_attempt *attempt = &pledge->attempts[i];
		if (attempt->id && attempt->has_output) {
			attempt->has_output = false;
			*ret = (struct berth_pledge_output){attempt->id, attempt->request};
			return true;
		}
	}
	return false;
}

static void
add_connection(const struct berth_pledge *pledge, struct pledge_attempt *attempt,
	       struct berth_pledge_event *event)
{
	const bool is_telling = attempt->wait == WAIT_NEW_CONNECTION;
	event->chain = pledge->conf.idevid;
	event->key = pledge->conf.idevid_key;
	if (is_telling) {
		event->chain = attempt->issued.n ? &attempt->issued : pledge->conf.untold->chain;
		event->key = attempt->key;
	}
	event->pinned = attempt->registrar.n ? attempt->registrar.at[0] : NULL;
}

bool
berth_pledge_event(struct berth_pledge *pledge, struct berth_pledge_event *ret)
{
	while (pledge->event_count) {
		pledge->given = pledge->events[pledge->event_first];
		pledge->event_first = (pledge->event_first + 1) % PLEDGE_EVENTS_MAX;
		pledge->event_count--;
		const struct pledge_event *given = &pledge->given;
		*ret = (struct berth_pledge_event){.kind = given->kind,
						   .attempt = given->attempt,
						   .host = given->host,
						   .port = given->port,
						   .note = given->note,
						   .status = given->status,
						   .why = given->why};
		const bool asks = given->kind == BERTH_PLEDGE_CONNECT ||
				  given->kind == BERTH_PLEDGE_GENERATE_KEY ||
				  given->kind == BERTH_PLEDGE_FETCH ||
				  given->kind == BERTH_PLEDGE_SAVE;
		if (!asks) {
			return true;
		}
		struct pledge_attempt *attempt = find_attempt(pledge, given->attempt);
		if (!attempt) {
			continue; /* it ended before the shell came to ask */
		}
		add_connection(pledge, attempt, ret);
		ret->key_kind = pledge->conf.key_kind;
		ret->enrolment = &attempt->enrolment;
		ret->fetch = &attempt->revocation;
		return true;
	}
	return false;
}

static void
push(struct berth_pledge *pledge, const struct pledge_event *event)
{
	assert(pledge->event_count < PLEDGE_EVENTS_MAX);
	pledge->events[(pledge->event_first + pledge->event_count) % PLEDGE_EVENTS_MAX] = *event;
	pledge->event_count++;
}

void
pledge_emit(struct berth_pledge *pledge, const struct pledge_attempt *attempt,
	    enum berth_pledge_event_kind kind)
{
	struct pledge_event event = {.kind = kind, .attempt = attempt->id, .port = attempt->port};
	memcpy(event.host, attempt->host, sizeof(event.host));
	push(pledge, &event);
}

void
pledge_note(struct berth_pledge *pledge, const struct pledge_attempt *attempt,
	    enum berth_pledge_note note, const struct berth_why *why)
{
	struct pledge_event event = {.kind = BERTH_PLEDGE_NOTE,
				     .attempt = attempt->id,
				     .note = note,
				     .status = attempt->status,
				     .port = attempt->port};
	memcpy(event.host, attempt->host, sizeof(event.host));
	if (why) {
		event.why = *why;
	}
	push(pledge, &event);
}

void
pledge_done(struct berth_pledge *pledge, const struct pledge_attempt *attempt,
	    const struct berth_why *why)
{
	struct pledge_event event = {
		.kind = BERTH_PLEDGE_DONE, .attempt = attempt->id, .port = attempt->port};
	memcpy(event.host, attempt->host, sizeof(event.host));
	if (why) {
		event.why = *why;
	}
	push(pledge, &event);
}

const char *
berth_pledge_note_name(enum berth_pledge_note note)
{
	static const char *const names[BERTH_PLEDGE_NOTE__COUNT] = {
		[BERTH_PLEDGE_NOTE_ATTEMPT] = "attempt",
		[BERTH_PLEDGE_NOTE_VOUCHER_REQUESTED] = "voucher-requested",
		[BERTH_PLEDGE_NOTE_WAITS] = "waits",
		[BERTH_PLEDGE_NOTE_REDIRECTED] = "redirected",
		[BERTH_PLEDGE_NOTE_VOUCHER_ACCEPTED] = "voucher-accepted",
		[BERTH_PLEDGE_NOTE_VOUCHER_REFUSED] = "voucher-refused",
		[BERTH_PLEDGE_NOTE_ENROLMENT_REFUSED] = "enrolment-refused",
		[BERTH_PLEDGE_NOTE_CERTIFICATE_ACCEPTED] = "certificate-accepted",
		[BERTH_PLEDGE_NOTE_FAILED] = "failed",
		[BERTH_PLEDGE_NOTE_DROPPED] = "dropped",
	};
	return note < BERTH_PLEDGE_NOTE__COUNT ? names[note] : "unknown";
}
