/* SPDX-License-Identifier: BSD-2-Clause */
/* The pledge's shell, as role/device/onboard.c is it: connections, keys, the flash. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

#define CONNECT_MS 60

static void pump(struct sim_device *device);

static struct berth_now
now_of(const struct sim_device *device)
{
	return sim_now(device->sim, device->skew_s, device->trusts_clock);
}

static struct sim_line *
find_line(struct sim_device *device, uint32_t attempt)
{
	for (size_t i = 0; i < BERTH_PLEDGE_ATTEMPTS_MAX; i++)
		if (device->lines[i].attempt == attempt)
			return &device->lines[i];
	return NULL;
}

static void
line_end(struct sim_line *line)
{
	berth_cert_list_free(&line->shown);
	*line = (struct sim_line){0};
}

/* Its server died, or does not know it any more. */
bool
sim_line_is_broken(const struct sim_line *line)
{
	return !line->server->is_up || line->server->life != line->server_life;
}

static struct sim_belief *
belief_of(struct sim_device *device, uint32_t attempt)
{
	struct sim_belief *belief = &device->beliefs[attempt % SIM_BELIEFS];
	if (belief->attempt != attempt) {
		berth_buf_free(&belief->nonce);
		berth_buf_free(&belief->voucher);
		belief->attempt = attempt;
	}
	return belief;
}

static void
give(struct sim_device *device, enum berth_pledge_input_kind kind, uint32_t attempt,
     const struct berth_http_response *response, const struct berth_tls_facts *tls)
{
	const struct berth_pledge_input input = {
		.kind = kind, .attempt = attempt, .response = response, .tls = tls};
	berth_ignore(berth_pledge_input(device->pledge, now_of(device), &input, NULL),
		     "the attempt may have been dropped meanwhile");
}

/* ---- connections ---- */

struct berth_tls_facts
sim_line_facts(const struct sim_line *line)
{
	const struct berth_cert_list *chain = &line->server->chain;
	struct berth_tls_facts facts = {
		.own_certificate = berth_cert_der(line->shown.at[0]),
		.version = 0x0304,
		.connection = line->connection,
	};
	for (; facts.peer_count < chain->n && facts.peer_count < BERTH_CHAIN_MAX;
	     facts.peer_count++)
		facts.peer_chain[facts.peer_count] = berth_cert_der(chain->at[facts.peer_count]);
	return facts;
}

struct dialling {
	struct sim_device *device;
	uint32_t attempt;
	uint64_t connection;
	struct berth_cert *pinned;
	bool is_refused;
};

static void
connected(struct sim *sim, struct sim_event *event)
{
	struct dialling *dialling = event->what;
	struct sim_device *device = dialling->device;
	struct sim_line *line = find_line(device, dialling->attempt);
	(void)sim;
	if (device->is_up && device->life == event->life && line != NULL &&
	    line->connection == dialling->connection) {
		bool is_other = dialling->pinned != NULL &&
				!berth_bytes_equal(berth_cert_der(dialling->pinned),
						   berth_cert_der(line->server->chain.at[0]));
		const struct berth_tls_facts facts = sim_line_facts(line);
		uint32_t attempt = line->attempt;
		bool fails = dialling->is_refused || is_other || !line->server->is_up;
		line->server_life = line->server->life;
		if (fails)
			line_end(line);
		give(device, fails ? BERTH_PLEDGE_DISCONNECTED : BERTH_PLEDGE_CONNECTED, attempt,
		     NULL, fails ? NULL : &facts);
		pump(device);
	}
	berth_cert_free(dialling->pinned);
	free(dialling);
}

void
sim_line_end(struct sim_device *device, struct sim_line *line)
{
	for (struct sim_call *call = device->sim->calls; call != NULL; call = call->next) {
		if (call->device != device || call->connection != line->connection)
			continue;
		if (!call->is_answered && call->server->is_up && call->copies > 0)
			sim_judge_deliver(call->server,
					  &(struct sim_item){.kind = SIM_ITEM_GONE, .call = call});
		call->is_answered = true;
		break; /* the newest one: a line has one request at a time */
	}
	line_end(line);
}

static void
hang_up(struct sim_device *device, uint32_t attempt)
{
	struct sim_line *line = find_line(device, attempt);
	if (line != NULL)
		sim_line_end(device, line);
}

static void
connect_to(struct sim_device *device, const struct berth_pledge_event *event)
{
	struct sim *sim = device->sim;
	hang_up(device, event->attempt);
	struct sim_line *line = find_line(device, 0);
	struct dialling *dialling = calloc(1, sizeof(*dialling));
	sim_must(line == NULL || dialling == NULL ? BERTH_E_LIMIT : BERTH_OK, NULL, "line");
	line->attempt = event->attempt;
	line->server = sim_find_server(sim, berth_text(event->host), event->port);
	line->connection = ++sim->ids;
	sim_must(line->server == NULL ? BERTH_E_NOT_FOUND : BERTH_OK, NULL, "server");
	for (size_t i = 0; i < event->chain->n; i++)
		sim_must(berth_cert_list_add(&line->shown, event->chain->at[i], NULL), NULL,
			 "chain");
	*dialling = (struct dialling){.device = device,
				      .attempt = event->attempt,
				      .connection = line->connection,
				      .is_refused = sim_fault(sim, SIM_REFUSED_CONNECTION, 1, 30)};
	if (event->pinned != NULL)
		dialling->pinned = berth_cert_ref(event->pinned);
	sim_at(sim, 2 + sim_below(sim, CONNECT_MS), connected, dialling, device->life, 0);
}

/* ---- requests and answers ---- */

static void
note_nonce(struct sim_device *device, struct sim_belief *belief, struct berth_bytes pvr)
{
	struct berth_signed_voucher opened = {0};
	struct berth_why why = {0};
	BERTH_ARENA arena;
	berth_arena_start(&arena, (size_t)256 << 10);
	sim_must(berth_voucher_open(device->sim->pki, pvr, BERTH_VOUCHER_REQUEST_PLEDGE, NULL,
				    &arena, &opened, &why),
		 &why, "voucher-request");
	berth_buf_clear(&belief->nonce);
	sim_must(berth_buf_append_bytes(&belief->nonce, opened.voucher.nonce), NULL, "nonce");
	berth_signed_voucher_free(&opened);
}

void
sim_line_call(struct sim_device *device, struct sim_line *line, struct sim_call *call)
{
	call->device = device;
	call->life = device->life;
	call->attempt = line->attempt;
	call->connection = line->connection;
	call->server_life = line->server_life;
}

static void
ask(struct sim_device *device, const struct berth_pledge_output *output)
{
	struct sim_line *line = find_line(device, output->attempt);
	sim_must(line == NULL ? BERTH_E_STATE : BERTH_OK, NULL, "a request without a connection");
	struct sim_call *call =
		sim_call_new(device->sim, line->server, &output->request, &line->shown);
	sim_line_call(device, line, call);
	if (berth_bytes_equal_text(output->request.path, BERTH_BRSKI_REQUESTVOUCHER_PATH))
		note_nonce(device, belief_of(device, output->attempt), output->request.body);
	sim_call_send(call);
}

static struct sim_line *
line_of(struct sim_device *device, const struct sim_call *call)
{
	struct sim_line *line = find_line(device, call->attempt);
	bool is_ours = device->is_up && device->life == call->life && line != NULL &&
		       line->connection == call->connection;
	return is_ours ? line : NULL;
}

void
sim_device_answer(struct sim_device *device, struct sim_call *call)
{
	struct sim_line *line = line_of(device, call);
	if (line == NULL)
		return;
	const struct berth_http_response response = {
		.status = call->status,
		.media_type = berth_text(call->answer_type),
		.location = berth_text(call->location),
		.retry_after_s = call->retry_after_s,
		.body = berth_buf_view(&call->answer),
	};
	if (call->status == 200 && strcmp(call->path, BERTH_BRSKI_REQUESTVOUCHER_PATH) == 0) {
		struct sim_belief *belief = belief_of(device, call->attempt);
		berth_buf_clear(&belief->voucher);
		sim_must(berth_buf_append_bytes(&belief->voucher, response.body), NULL, "voucher");
	}
	const struct berth_tls_facts facts = sim_line_facts(line);
	give(device, BERTH_PLEDGE_RESPONSE, call->attempt, &response, &facts);
	pump(device);
}

void
sim_device_lost(struct sim_device *device, struct sim_call *call)
{
	struct sim_line *line = line_of(device, call);
	if (line == NULL)
		return;
	line_end(line);
	give(device, BERTH_PLEDGE_DISCONNECTED, call->attempt, NULL, NULL);
	pump(device);
}

/* ---- the flash ---- */

/* True: the power went. */
static bool
save(struct sim_device *device, const struct berth_pledge_event *event)
{
	const struct berth_pledge_enrolment *enrolment = event->enrolment;
	const struct sim_line *line = find_line(device, event->attempt);
	sim_say(device->sim, "%s: saves its certificate", device->serial);
	sim_oracle_save(device, line, belief_of(device, event->attempt), enrolment);
	bool dies = sim_flash_save(device, event, NULL);
	sim_sabotage_saved(device);
	return dies;
}

/* ---- life ---- */

static void
start_again(struct sim *sim, struct sim_event *event)
{
	struct sim_device *device = event->what;
	(void)sim;
	if (device->life == event->life && !device->is_up)
		sim_device_start(device);
}

void
sim_device_stop(struct sim_device *device)
{
	struct berth_pledge_event event;
	device->is_up = false;
	device->life++;
	for (size_t i = 0; i < BERTH_PLEDGE_ATTEMPTS_MAX; i++)
		if (device->lines[i].attempt != 0)
			hang_up(device, device->lines[i].attempt);
	berth_pledge_end(device->pledge);
	while (device->pledge != NULL && berth_pledge_event(device->pledge, &event))
		continue; /* to forget its keys: the next start does it */
	device->pledge = device->agent.pledge = NULL;
	berth_arena_end(&device->arena);
	berth_key_free(device->agent.untold_key);
	device->agent.untold_key = NULL;
	sim_renew_stop(device);
}

void
sim_device_reset(struct sim_device *device)
{
	struct sim *sim = device->sim;
	struct berth_why why = {0};
	sim_say(sim, "%s: is reset", device->serial);
	sim_rogue_takes_over(device);
	sim_device_stop(device);
	sim_must(berth_device_state_reset(sim->pki, device->folder, &device->own.state, &why), &why,
		 "reset");
	device->is_over = false;
	sim_at(sim, 1000, start_again, device, device->life, 0);
}

void
sim_device_crash(struct sim_device *device)
{
	struct sim *sim = device->sim;
	sim_say(sim, "%s: crashes", device->serial);
	device->crashes++;
	device->is_over = false;
	sim_device_stop(device);
	sim_at(sim, 100 + sim_below(sim, 20000), start_again, device, device->life, 0);
}

void
sim_device_off(struct sim_device *device, int64_t for_ms)
{
	sim_say(device->sim, "%s: is off", device->serial);
	device->is_over = false;
	sim_device_stop(device);
	sim_at(device->sim, for_ms, start_again, device, device->life, 0);
}

void
sim_device_again(struct sim_device *device)
{
	sim_say(device->sim, "%s: onboards again", device->serial);
	device->sim->over++;
	sim_device_stop(device);
	device->is_over = true;
	sim_at(device->sim, 1000, start_again, device, device->life, 0);
}

/* Whether or not its registrar was told, it is on. */
static void
done(struct sim_device *device, const struct berth_pledge_event *event)
{
	struct sim *sim = device->sim;
	sim_say(sim, "%s: done %s", device->serial, event->why.rule == NULL ? "" : event->why.rule);
	agent_done(&device->agent, event);
	sim->onboarded += event->why.err == BERTH_OK;
	sim_device_stop(device);
	device->is_over = false;
	device->is_up = true;
	sim_renew_start(device);
}

static void
note(struct sim_device *device, const struct berth_pledge_event *event)
{
	device->notes[event->note]++;
	if (event->why.rule != NULL)
		(void)snprintf(device->rule, sizeof(device->rule), "%s", event->why.rule);
	sim_say(device->sim, "%s: %s %s %s", device->serial, berth_pledge_note_name(event->note),
		event->host, event->why.rule == NULL ? "" : event->why.rule);
}

/* False when the device is not alive after it. */
static bool
handle(struct sim_device *device, const struct berth_pledge_event *event)
{
	bool crashes = sim_fault(device->sim, SIM_DEVICE_CRASH, 1, 150);
	if (crashes && sim_chance(device->sim, 1, 2)) {
		sim_device_crash(device); /* before it does what it was asked */
		return false;
	}
	switch (event->kind) {
	case BERTH_PLEDGE_CONNECT:
		connect_to(device, event);
		break;
	case BERTH_PLEDGE_CLOSE:
		hang_up(device, event->attempt);
		break;
	case BERTH_PLEDGE_GENERATE_KEY:
		if (sim_flash_make_key(device, event, NULL))
			return false;
		break;
	case BERTH_PLEDGE_FETCH: /* no voucher here demands it */
		break;
	case BERTH_PLEDGE_FORGET_KEY:
		agent_forget_key(&device->agent, event->attempt);
		break;
	case BERTH_PLEDGE_SAVE:
		if (save(device, event))
			return false;
		break;
	case BERTH_PLEDGE_NOTE:
		note(device, event);
		break;
	case BERTH_PLEDGE_DONE:
		done(device, event);
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
	berth_pledge_tick(device->pledge, now_of(device));
	pump(device);
}

static void
pump(struct sim_device *device)
{
	struct sim *sim = device->sim;
	struct berth_pledge_event event;
	struct berth_pledge_output output;
	for (bool moves = true; moves;) {
		moves = false;
		while (berth_pledge_event(device->pledge, &event)) {
			if (!handle(device, &event))
				return;
			moves = true;
		}
		if (berth_pledge_output(device->pledge, &output)) {
			ask(device, &output);
			moves = true;
		}
	}
	int64_t next = berth_pledge_deadline(device->pledge).ms;
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

static void
find_registrars(struct sim_device *device)
{
	struct sim *sim = device->sim;
	struct berth_why why = {0};
	for (size_t i = 0; i < 4; i++) {
		struct berth_judge *node = sim->registrars[i];
		struct berth_pledge_candidate candidate = {.port = node->port};
		(void)snprintf(candidate.host, sizeof(candidate.host), "%s", node->host);
		const struct berth_pledge_input found = {.kind = BERTH_PLEDGE_FOUND,
							 .candidate = &candidate};
		sim_must(berth_pledge_input(device->pledge, now_of(device), &found, &why), &why,
			 "found");
	}
}

static void
start_pledge(struct sim_device *device, bool is_telling)
{
	struct sim *sim = device->sim;
	const struct berth_device_state *state = &device->own.state;
	struct berth_why why = {0};
	const struct berth_pledge_env env = {
		.pki = sim->pki, .arena = &device->arena, .random = sim->random};
	device->conf = (struct berth_pledge_conf){
		.is_configured = is_telling,
		.untold = is_telling ? &device->untold : NULL,
		.idevid = &device->idevid_chain,
		.idevid_key = device->idevid_key,
		.manufacturer_anchors = device->anchors,
		.key_kind = "P-256",
	};
	if (is_telling)
		sim_must(berth_keystore_load(sim->pki, state->key, &device->agent.untold_key, &why),
			 &why, state->key);
	device->untold = (struct berth_pledge_untold){.candidate = state->candidate,
						      .registrar = state->registrar,
						      .chain = &state->chain,
						      .key = device->agent.untold_key};
	for (size_t i = 0; i < SIM_BELIEFS; i++)
		device->beliefs[i].attempt = 0; /* it counts them anew */
	berth_arena_start(&device->arena, BERTH_PLEDGE_MAX_BYTES);
	sim_must(berth_pledge_start(&device->conf, &env, now_of(device), &device->pledge, &why),
		 &why, "pledge");
	device->agent.pledge = device->pledge;
	if (!is_telling)
		find_registrars(device);
	pump(device);
}

void
sim_device_start(struct sim_device *device)
{
	const struct berth_device_state *state = &device->own.state;
	sim_flash_load(device);
	device->is_up = true;
	device->wakes_at = -1;
	if (state->is_enrolled && state->has_told && !device->is_over)
		sim_renew_start(device);
	else
		start_pledge(device, state->is_enrolled && !device->is_over);
}

void
sim_device_end(struct sim_device *device)
{
	sim_device_stop(device);
	sim_rogue_end(device);
	sim_flash_end(device);
	for (size_t i = 0; i < SIM_BELIEFS; i++) {
		berth_buf_free(&device->beliefs[i].nonce);
		berth_buf_free(&device->beliefs[i].voucher);
	}
	berth_cert_free(device->revoked_cert);
	berth_cert_free(device->idevid);
	berth_key_free(device->idevid_key);
	berth_cert_list_free(&device->idevid_chain);
}
