/* SPDX-License-Identifier: BSD-2-Clause */
/* DPP over TCP: a device with a wire dials the Controller that it was told of, and announces itself there. */
#include <stdlib.h>

#include "net/dpp_server.h"
#include "role/device/dpp_agent.h"
#include "system/clock.h"

#define AGAIN_MS 5000	   /* after a connection that came to nothing; twice as long each time */
#define AGAIN_MAX_MS 60000 /* a person who approves the device waits no longer */

struct dpp_wire {
	struct dpp_agent *agent;
	struct berth_dpp_server *server;
	struct berth_pledge_candidate controller;
	uint64_t id; /* 0: not connected */
	bool is_dialling;
	int64_t pause_ms;
	struct berth_mono again;
};

static void
put_off(struct dpp_wire *wire)
{
	wire->id = 0;
	wire->is_dialling = false;
	wire->again = berth_mono_after_ms(berth_clock_mono(), wire->pause_ms);
	wire->pause_ms = wire->pause_ms * 2 > AGAIN_MAX_MS ? AGAIN_MAX_MS : wire->pause_ms * 2;
}

static void
on_message(void *context, uint64_t id, struct berth_bytes body, struct berth_bytes address)
{
	struct dpp_wire *wire = context;
	struct berth_dpp_frame frame;
	struct berth_why why = {0};

	(void)address;
	if (id != wire->id)
		return;
	if (berth_dpp_frame_parse(body, &frame, &why)) {
		berth_log_why(&wire->agent->log, BERTH_LOG_INFO, "dpp.frame-refused", &why, NULL);
		return;
	}
	if (dpp_agent_take(wire->agent, &frame))
		wire->pause_ms = AGAIN_MS;
}

static void
on_gone(void *context, uint64_t id)
{
	struct dpp_wire *wire = context;
	struct berth_why why = {0};

	if (id != wire->id)
		return;
	put_off(wire);
	berth_why_fill(&why, BERTH_E_UNREACHABLE, "dpp-closed", "DPP 7.3", 0,
		       "The Controller has closed the connection.");
	dpp_agent_drop(wire->agent, &why);
	dpp_agent_wake(wire->agent);
}

static void
on_dialled(void *context, uint64_t token, uint64_t id, const struct berth_why *why)
{
	struct dpp_wire *wire = context;
	BERTH_BUF body = {0};

	(void)token;
	if (id == 0) {
		berth_log_why(&wire->agent->log, BERTH_LOG_INFO, "dpp.unreachable", why, NULL);
		put_off(wire);
		dpp_agent_wake(wire->agent);
		return;
	}
	wire->is_dialling = false;
	wire->id = id;
	if (dpp_agent_announcement(wire->agent, &body) ||
	    berth_dpp_server_send(wire->server, id, berth_buf_view(&body)))
		put_off(wire);
}

static void
on_refused(void *context, struct berth_bytes address, const struct berth_why *why)
{
	struct dpp_wire *wire = context;

	(void)address;
	berth_log_why(&wire->agent->log, BERTH_LOG_INFO, "dpp.refused", why, NULL);
}

static enum berth_err
wire_open(struct dpp_agent *agent, struct berth_why *why)
{
	struct dpp_wire *wire = calloc(1, sizeof(*wire));

	if (wire == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	*wire = (struct dpp_wire){.agent = agent, .pause_ms = AGAIN_MS};
	agent->wire = wire;
	const struct berth_dpp_server_conf conf = {
		.connections_max = 2,
		.connections_per_source_max = 2,
		/* who is asked may have to ask a person */
		.first_ms = BERTH_DPP_IDLE_MS,
		.message = on_message,
		.gone = on_gone,
		.dialled = on_dialled,
		.refused = on_refused,
		.context = wire,
	};
	enum berth_err err =
		berth_device_candidate_parse(agent->conf->dpp_controller, &wire->controller, why);
	return err ? err : berth_dpp_server_open(agent->loop, &conf, -1, &wire->server, why);
}

static void
wire_close(struct dpp_agent *agent)
{
	if (agent->wire == NULL)
		return;
	berth_dpp_server_close(agent->wire->server);
	free(agent->wire);
	agent->wire = NULL;
}

static void
wire_announce(struct dpp_agent *agent)
{
	struct dpp_wire *wire = agent->wire;

	if (agent->is_enrolled && wire->id != 0) {
		berth_dpp_server_cut(wire->server, wire->id);
		wire->id = 0;
	}
	if (agent->attempt != NULL || wire->id != 0 || wire->is_dialling ||
	    berth_clock_mono().ms < wire->again.ms)
		return;
	wire->is_dialling = true;
	berth_dpp_server_dial(wire->server, 1, wire->controller.host, wire->controller.port);
}

static void
wire_send(struct dpp_agent *agent, struct berth_bytes body)
{
	berth_ignore(berth_dpp_server_send(agent->wire->server, agent->wire->id, body),
		     "the end of the connection is told");
}

static void
wire_resume(struct dpp_agent *agent)
{
	struct dpp_wire *wire = agent->wire;

	if (wire->id == 0)
		return;
	berth_dpp_server_cut(wire->server, wire->id);
	put_off(wire);
}

static struct berth_mono
wire_deadline(struct dpp_agent *agent)
{
	const struct dpp_wire *wire = agent->wire;

	if (agent->is_enrolled)
		return berth_mono_after_ms(berth_clock_mono(), 20); /* has it left? */
	return agent->attempt != NULL || wire->id != 0 || wire->is_dialling ? BERTH_MONO_NEVER
									    : wire->again;
}

static uint32_t
wire_frequency(struct dpp_agent *agent)
{
	(void)agent;
	return 0;
}

static bool
wire_has_left(struct dpp_agent *agent)
{
	return agent->wire->id == 0 && berth_dpp_server_connections(agent->wire->server) == 0;
}

const struct dpp_way dpp_way_wire = {
	.open = wire_open,
	.close = wire_close,
	.announce = wire_announce,
	.send = wire_send,
	.resume = wire_resume,
	.deadline = wire_deadline,
	.frequency = wire_frequency,
	.has_left = wire_has_left,
};
