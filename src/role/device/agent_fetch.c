/* SPDX-License-Identifier: BSD-2-Clause */
/* Revocation data that the pledge asks for. */
#include "role/device/agent.h"

static struct agent_fetch *
find(struct agent *agent, uint32_t attempt)
{
	for (size_t i = 0; i < BERTH_PLEDGE_ATTEMPTS_MAX; i++) {
		if (agent->fetches[i].attempt == attempt) {
			return &agent->fetches[i];
		}
	}
	return NULL;
}

void
agent_fetch_end(struct agent *agent, uint32_t attempt)
{
	struct agent_fetch *fetch = find(agent, attempt);
	if (fetch && attempt) {
		berth_device_fetch_end(&fetch->fetch);
		*fetch = (struct agent_fetch){0};
	}
}

static void
on_fetched(void *context, struct berth_bytes body, const struct berth_why *why)
{
	const struct agent_fetch *fetch = context;
	struct agent *agent = fetch->agent;
	const struct berth_pledge_answer given = {
		.kind = BERTH_PLEDGE_FETCH, .attempt = fetch->attempt, .body = body, .why = why};
	berth_ignore(berth_pledge_answer(agent->pledge, agent_now(agent), &given, NULL),
		     "an attempt that has ended does not care");
	agent_fetch_end(agent, given.attempt);
	agent_wake(agent);
}

void
agent_fetch(struct agent *agent, const struct berth_pledge_event *event)
{
	struct agent_fetch *fetch = find(agent, 0);
	if (!fetch) {
		return; /* never: there are as many as attempts; the pledge's own time ends it */
	}
	*fetch = (struct agent_fetch){.agent = agent, .attempt = event->attempt};
	berth_device_fetch(agent->loop, event->fetch, on_fetched, fetch, &fetch->fetch);
}
