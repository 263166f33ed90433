/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The renewal's shell, as role/device/keeper.c is it: its connection, keys, the flash. Its registrar may be another one
 * than it looks: somebody diverts its connections.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

#define CONNECT_MS 60

static void pump(struct sim_device *device);

/* ---- connections ---- */

static void
give(struct sim_device *device, enum berth_renewal_input_kind kind,
     const struct berth_http_response *response, const struct berth_tls_facts *tls)
{
	const struct berth_renewal_input input = {.kind = kind, .response = response, .tls = tls};
	berth_ignore(berth_renewal_input(device->keeper.renewal, keeper_now(&device->keeper),
					 &input, NULL),
		     "it may wait for something else meanwhile");
}

static void
connected(struct sim *sim, struct sim_event *event)
{
	struct sim_device *device = event->what;
	struct sim_line *line = &device->renewal_line;
	if (!device->is_up || device->life != event->life || line->attempt == 0 ||
	    line->connection != (uint64_t)event->number)
		return;
	line->server_life = line->server->life;
	const struct berth_tls_facts facts = sim_line_facts(line);
	bool fails = !line->server->is_up || sim_fault(sim, SIM_REFUSED_CONNECTION, 1, 30);
	if (fails)
		sim_line_end(device, line);
	give(device, fails ? BERTH_RENEWAL_DISCONNECTED : BERTH_RENEWAL_CONNECTED, NULL,
	     fails ? NULL : &facts);
	pump(device);
}

static struct berth_judge *
whom_it_meets(struct sim_device *device, const struct berth_renewal_place *place)
{
	struct sim *sim = device->sim;
	bool is_sabotaged = sim->conf.sabotage == SIM_TRUSTS_ROGUE_CA && sim_chance(sim, 3, 4);
	if (is_sabotaged)
		return sim->registrars[2];
	if (sim->conf.has_rogues && sim_fault(sim, SIM_DIVERTED_RENEWAL, 1, 20))
		return sim->registrars[sim_below(sim, 4)];
	return sim_find_server(sim, berth_text(place->host), place->port);
}

static void
connect_to(struct sim_device *device, const struct berth_renewal_event *event)
{
	struct sim *sim = device->sim;
	struct sim_line *line = &device->renewal_line;
	if (line->attempt != 0)
		sim_line_end(device, line);
	line->attempt = 1;
	line->server = whom_it_meets(device, event->place);
	line->connection = ++sim->ids;
	sim_must(line->server == NULL ? BERTH_E_NOT_FOUND : BERTH_OK, NULL, "server");
	sim_must(berth_cert_list_copy(&line->shown, event->chain, NULL), NULL, "chain");
	sim_at(sim, 2 + sim_below(sim, CONNECT_MS), connected, device, device->life,
	       (int64_t)line->connection);
}

static void
ask(struct sim_device *device, const struct berth_http_request *request)
{
	struct sim_line *line = &device->renewal_line;
	struct sim_call *call = sim_call_new(device->sim, line->server, request, &line->shown);
	sim_line_call(device, line, call);
	call->is_renewal = true;
	sim_call_send(call);
}

static bool
is_of_line(const struct sim_device *device, const struct sim_call *call)
{
	return device->is_up && device->life == call->life && device->keeper.renewal != NULL &&
	       device->renewal_line.attempt != 0 &&
	       device->renewal_line.connection == call->connection;
}

void
sim_renew_answer(struct sim_device *device, struct sim_call *call)
{
	if (!is_of_line(device, call))
		return;
	const struct berth_http_response response = {
		.status = call->status,
		.media_type = berth_text(call->answer_type),
		.retry_after_s = call->retry_after_s,
		.body = berth_buf_view(&call->answer),
	};
	const struct berth_tls_facts facts = sim_line_facts(&device->renewal_line);
	give(device, BERTH_RENEWAL_RESPONSE, &response, &facts);
	pump(device);
}

void
sim_renew_lost(struct sim_device *device, struct sim_call *call)
{
	if (!is_of_line(device, call))
		return;
	sim_line_end(device, &device->renewal_line);
	give(device, BERTH_RENEWAL_DISCONNECTED, NULL, NULL);
	pump(device);
}

/* ---- the machine's events ---- */

static void
search(struct sim_device *device)
{
	for (size_t i = 0; i < 4; i++) {
		const struct berth_judge *node = device->sim->registrars[i];
		struct berth_renewal_place place = {.port = node->port};
		(void)snprintf(place.host, sizeof(place.host), "%s", node->host);
		const struct berth_renewal_input found = {.kind = BERTH_RENEWAL_FOUND,
							  .place = &place};
		berth_ignore(berth_renewal_input(device->keeper.renewal,
						 keeper_now(&device->keeper), &found, NULL),
			     "places are never refused");
	}
}

static void
note(struct sim_device *device, const struct berth_renewal_event *event)
{
	if (event->why.rule != NULL)
		(void)snprintf(device->rule, sizeof(device->rule), "%s", event->why.rule);
	sim_say(device->sim, "%s: renewal %s %s %s", device->serial,
		berth_renewal_note_name(event->note), event->place->host,
		event->why.rule == NULL ? "" : event->why.rule);
	if (event->note != BERTH_RENEWAL_NOTE_RENEWED)
		return;
	device->renewals++;
	device->sim->renewed++;
}

/* True: the power went. */
static bool
save(struct sim_device *device, const struct berth_renewal_event *event)
{
	sim_say(device->sim, "%s: saves %s", device->serial,
		event->is_renewed ? "its new certificate" : "its CA set");
	sim_oracle_renew(device, event);
	return sim_flash_save(device, NULL, event);
}

/* False when the device is not alive after it. */
static bool
handle(struct sim_device *device, const struct berth_renewal_event *event)
{
	bool crashes = sim_fault(device->sim, SIM_DEVICE_CRASH, 1, 300);
	if (crashes && sim_chance(device->sim, 1, 2)) {
		sim_device_crash(device); /* before it does what it was asked */
		return false;
	}
	switch (event->kind) {
	case BERTH_RENEWAL_CONNECT:
		connect_to(device, event);
		break;
	case BERTH_RENEWAL_CLOSE:
		if (device->renewal_line.attempt != 0)
			sim_line_end(device, &device->renewal_line);
		break;
	case BERTH_RENEWAL_FETCH:
		sim_must(BERTH_E_STATE, NULL,
			 "a source of revocations; no certificate here names one");
		break;
	case BERTH_RENEWAL_SEARCH:
		search(device);
		break;
	case BERTH_RENEWAL_SEARCH_ENDS:
		break;
	case BERTH_RENEWAL_GENERATE_KEY:
		if (sim_flash_make_key(device, NULL, event))
			return false;
		break;
	case BERTH_RENEWAL_FORGET_KEY:
		keeper_forget_key(&device->keeper);
		break;
	case BERTH_RENEWAL_SAVE:
		if (save(device, event))
			return false;
		break;
	case BERTH_RENEWAL_NOTE:
		note(device, event);
		break;
	case BERTH_RENEWAL_OVER:
		sim_device_again(device);
		return false;
	}
	if (crashes)
		sim_device_crash(device);
	return !crashes;
}

static void
tick(struct sim *sim, struct sim_event *event)
{
	struct sim_device *device = event->what;
	if (!device->is_up || device->life != event->life || device->wakes_at != sim->now_ms)
		return;
	device->wakes_at = -1;
	berth_renewal_tick(device->keeper.renewal, keeper_now(&device->keeper));
	pump(device);
}

static void
pump(struct sim_device *device)
{
	struct sim *sim = device->sim;
	struct berth_renewal_event event;
	struct berth_http_request request;
	for (bool moves = true; moves;) {
		moves = false;
		while (berth_renewal_event(device->keeper.renewal, &event)) {
			if (!handle(device, &event))
				return;
			moves = true;
		}
		if (berth_renewal_output(device->keeper.renewal, &request)) {
			ask(device, &request);
			moves = true;
		}
	}
	int64_t next = berth_renewal_deadline(device->keeper.renewal).ms;
	if (next == BERTH_MONO_NEVER.ms)
		return;
	int64_t at = next - 1000; /* as sim_now counts */
	if (at <= sim->now_ms)
		at = sim->now_ms + 1;
	if (device->wakes_at == at)
		return;
	device->wakes_at = at;
	sim_at(sim, at - sim->now_ms, tick, device, device->life, 0);
}

/* ---- life ---- */

void
sim_renew_start(struct sim_device *device)
{
	struct sim *sim = device->sim;
	struct keeper *keeper = &device->keeper;
	const struct berth_device_state *state = &device->own.state;
	struct berth_why why = {0};
	struct berth_renewal_place place = {.port = state->candidate.port};
	(void)snprintf(place.host, sizeof(place.host), "%s", state->candidate.host);
	sim_must(berth_keystore_load(sim->pki, state->key, &keeper->key, &why), &why, state->key);
	const struct berth_renewal_conf conf = {
		.chain = &state->chain,
		.key = keeper->key,
		.ca_set = &state->ca_set,
		.place = &place,
		.has_issued_at = state->has_enrolled_at,
		.issued_at = state->enrolled_at,
		.key_kind = device->own_conf.key_kind,
		.check_every_s = device->own_conf.check_every_s,
	};
	const struct berth_renewal_env env = {
		.pki = sim->pki, .arena = &keeper->arena, .random = sim->random};
	berth_arena_start(&keeper->arena, BERTH_RENEWAL_MAX_BYTES);
	device->wakes_at = -1;
	sim_must(berth_renewal_start(&conf, &env, keeper_now(keeper), &keeper->renewal, &why), &why,
		 "renewal");
	pump(device);
}

void
sim_renew_stop(struct sim_device *device)
{
	struct keeper *keeper = &device->keeper;
	if (device->renewal_line.attempt != 0)
		sim_line_end(device, &device->renewal_line);
	berth_renewal_end(keeper->renewal);
	keeper->renewal = NULL;
	berth_key_free(keeper->key);
	keeper->key = NULL;
	berth_arena_end(&keeper->arena);
}
