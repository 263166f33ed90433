/* SPDX-License-Identifier: BSD-2-Clause */
/* Revocation data that the pledge asks for: one plain HTTP request, on a connection of its own. */
#include "role/device/agent.h"

#define CONNECT_MS 5000
#define ANSWER_MS 8000 /* below the pledge's own patience for it */

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
		berth_http_client_close(fetch->http);
		*fetch = (struct agent_fetch){0};
	}
}

static void
answer(struct agent_fetch *fetch, struct berth_bytes body, const struct berth_why *why)
{
	struct agent *agent = fetch->agent;
	const struct berth_pledge_answer given = {
		.kind = BERTH_PLEDGE_FETCH, .attempt = fetch->attempt, .body = body, .why = why};
	berth_ignore(berth_pledge_answer(agent->pledge, agent_now(agent), &given, NULL),
		     "an attempt that has ended does not care");
	agent_fetch_end(agent, given.attempt);
	agent_wake(agent);
}

static void
on_done(void *context, const struct berth_http_response *response,
	const struct berth_tls_facts *tls, const struct berth_why *why)
{
	(void)tls;
	answer(context, response->status == 200 ? response->body : BERTH_BYTES_NONE,
	       response->status == 0 ? why : NULL);
}

static void
on_connected(void *context, const struct berth_tls_facts *tls, const struct berth_why *why)
{
	(void)tls;
	struct agent_fetch *fetch = context;
	if (why) {
		answer(fetch, BERTH_BYTES_NONE, why);
		return;
	}
	berth_http_client_send(fetch->http, &fetch->request, on_done, fetch);
}

void
agent_fetch(struct agent *agent, const struct berth_pledge_event *event)
{
	struct agent_fetch *fetch = find(agent, 0);
	if (!fetch) {
		return; /* never: there are as many as attempts; the pledge's own time ends it */
	}
	*fetch = (struct agent_fetch){
		.agent = agent, .attempt = event->attempt, .request = event->fetch->fetch.request};
	const struct berth_http_client_conf conf = {
		.address = event->fetch->fetch.url.host,
		.port = event->fetch->fetch.url.port,
		.connect_timeout_ms = CONNECT_MS,
		.request_timeout_ms = ANSWER_MS,
		.body_limit_bytes = BERTH_REVOCATION_BODY_MAX,
	};
	struct berth_why why;
	if (berth_http_client_open(agent->loop, &conf, &fetch->http, &why)) {
		answer(fetch, BERTH_BYTES_NONE, &why);
		return;
	}
	berth_http_client_connect(fetch->http, on_connected, fetch);
}
