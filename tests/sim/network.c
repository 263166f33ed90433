/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lies between a device and its registrar, and between a registrar and a MASA: TCP that breaks, delays, and proxies
 * that send again. TLS tells the truth: who shows a certificate holds its key.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

#define LATENCY_MS 40
#define LOST_MS 4000 /* until a client knows that its connection is dead */

static void
copy(char *out, size_t room, struct berth_bytes text)
{
	(void)snprintf(out, room, "%.*s", (int)text.n, text.n == 0 ? "" : (const char *)text.p);
}

struct sim_call *
sim_call_new(struct sim *sim, struct berth_judge *server, const struct berth_http_request *request,
	     const struct berth_cert_list *shown)
{
	struct sim_call *call = calloc(1, sizeof(*call));
	sim_must(call == NULL ? BERTH_E_MEMORY : BERTH_OK, NULL, "call");
	call->id = ++sim->ids;
	call->server = server;
	call->method = request->method;
	copy(call->path, sizeof(call->path), request->path);
	copy(call->media_type, sizeof(call->media_type), request->media_type);
	copy(call->accept, sizeof(call->accept), request->accept);
	(void)snprintf(call->address, sizeof(call->address), "192.0.2.%u",
		       (unsigned)(call->id % 250));
	sim_must(berth_buf_append_bytes(&call->body, request->body), NULL, "body");
	for (size_t i = 0; shown != NULL && i < shown->n; i++)
		sim_must(berth_cert_list_add(&call->shown, shown->at[i], NULL), NULL, "chain");
	call->next = sim->calls;
	sim->calls = call;
	sim->requests++;
	return call;
}

void
sim_call_free(struct sim_call *call)
{
	berth_cert_list_free(&call->shown);
	berth_buf_free(&call->body);
	berth_buf_free(&call->answer);
	free(call);
}

struct berth_judge *
sim_find_server(struct sim *sim, struct berth_bytes host, uint16_t port)
{
	for (size_t i = 0; i < sim->node_count; i++)
		if (berth_bytes_equal_text(host, sim->nodes[i]->host) &&
		    sim->nodes[i]->port == port)
			return sim->nodes[i];
	return NULL;
}

struct berth_tls_facts
sim_server_facts(const struct sim_call *call)
{
	struct berth_tls_facts facts = {
		.peer_count = call->shown.n < BERTH_CHAIN_MAX ? call->shown.n : BERTH_CHAIN_MAX,
		.own_certificate = berth_cert_der(call->server->chain.at[0]),
		.version = 0x0304,
		.connection = call->connection,
	};
	for (size_t i = 0; i < facts.peer_count; i++)
		facts.peer_chain[i] = berth_cert_der(call->shown.at[i]);
	return facts;
}

static int64_t
latency(struct sim *sim)
{
	int64_t ms = 1 + sim_below(sim, LATENCY_MS);
	if (sim_fault(sim, SIM_DELAYED, 1, 30))
		ms += sim_below(sim, 20000);
	else if (sim_fault(sim, SIM_REORDERED, 1, 8))
		ms += sim_below(sim, 600);
	return ms;
}

/* ---- there ---- */

static void
arrive(struct sim *sim, struct sim_event *event)
{
	struct sim_call *call = event->what;
	(void)sim;
	if (!call->server->is_up ||
	    (call->server_life != 0 && call->server_life != call->server->life)) {
		sim_call_fail(call);
		return;
	}
	call->copies++;
	sim_judge_deliver(call->server, &(struct sim_item){.kind = SIM_ITEM_REQUEST, .call = call});
}

static void
give_up(struct sim *sim, struct sim_event *event)
{
	(void)sim;
	sim_call_fail(event->what);
}

void
sim_call_send(struct sim_call *call)
{
	struct sim *sim = call->server->sim;
	sim_trace(sim, call->body.p, call->body.n);
	sim_say(sim, "%s -> %s %s",
		call->device	? call->device->serial
		: call->dialler ? call->dialler->name
				: "rogue",
		call->server->name, call->path);
	bool is_deaf = call->device == &sim->devices[0] &&
		       (sim->conf.sabotage == SIM_DEAF_DEVICE ||
			(sim->conf.sabotage == SIM_DEAF_RENEWAL && call->is_renewal));
	if (is_deaf || sim_fault(sim, SIM_LOST_REQUEST, 1, 20)) {
		sim_at(sim, LOST_MS, give_up, call, 0, 0);
		return;
	}
	sim_at(sim, latency(sim), arrive, call, 0, 0);
	/* A client that saw nothing sends again; both may come. */
	if (sim_fault(sim, SIM_DUPLICATED, 1, 15))
		sim_at(sim, latency(sim) + sim_below(sim, 3000), arrive, call, 0, 0);
}

/* ---- and back ---- */

static void
come_back(struct sim *sim, struct sim_event *event)
{
	struct sim_call *call = event->what;
	(void)sim;
	if (call->is_answered)
		return;
	call->is_answered = true;
	if (call->is_renewal)
		sim_renew_answer(call->device, call);
	else if (call->device != NULL)
		sim_device_answer(call->device, call);
	if (call->dialler != NULL && call->dialler->is_up && call->dialler->life == call->life)
		sim_judge_deliver(call->dialler, &(struct sim_item){.kind = SIM_ITEM_DIALLED,
								    .call = call,
								    .cookie = call->cookie});
}

void
sim_call_fail(struct sim_call *call)
{
	if (call->is_answered)
		return;
	call->is_answered = true;
	call->status = 0;
	if (call->is_renewal)
		sim_renew_lost(call->device, call);
	else if (call->device != NULL)
		sim_device_lost(call->device, call);
	if (call->dialler != NULL && call->dialler->is_up && call->dialler->life == call->life) {
		struct sim_item item = {
			.kind = SIM_ITEM_DIALLED, .call = call, .cookie = call->cookie};
		berth_ignore(berth_fail(&item.why, BERTH_E_UNREACHABLE, "masa-unreachable", NULL,
					"the MASA cannot be reached"),
			     "only the why is wanted");
		sim_judge_deliver(call->dialler, &item);
	}
}

void
sim_call_reply(struct sim_call *call, const struct berth_http_response *response)
{
	struct sim *sim = call->server->sim;
	if (call->is_answered || call->status != 0)
		return; /* the first reply is the one that a client sees */
	call->status = response->status;
	call->retry_after_s = response->retry_after_s;
	copy(call->answer_type, sizeof(call->answer_type), response->media_type);
	copy(call->location, sizeof(call->location), response->location);
	sim_must(berth_buf_append_bytes(&call->answer, response->body), NULL, "answer");
	sim_trace(sim, call->answer.p, call->answer.n);
	sim_say(sim, "%s <- %s %d %s",
		call->device	? call->device->serial
		: call->dialler ? call->dialler->name
				: "rogue",
		call->server->name, call->status, call->path);
	if (sim->conf.verbose && call->status >= 400)
		(void)printf("%16s %.*s\n", "", (int)call->answer.n, (const char *)call->answer.p);
	if (call->server->is_rogue && sim->conf.has_rogues)
		sim_rogue_answer(call);
	if (sim_fault(sim, SIM_LOST_REPLY, 1, 20)) {
		sim_at(sim, LOST_MS, give_up, call, 0, 0);
		return;
	}
	sim_at(sim, latency(sim), come_back, call, 0, 0);
}
