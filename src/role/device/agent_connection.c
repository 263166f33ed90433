/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/device/agent.h"

#define CONNECT_TIMEOUT_MS 15000
#define REQUEST_TIMEOUT_MS 150000 /* the pledge's own patience ends before */

static struct agent_connection *
find(struct agent *agent, uint32_t attempt)
{
	for (size_t i = 0; i < BERTH_PLEDGE_ATTEMPTS_MAX; i++) {
		if (agent->connections[i].attempt == attempt) {
			return &agent->connections[i];
		}
	}
	return NULL;
}

static void
give(struct agent_connection *connection, enum berth_pledge_input_kind kind,
     const struct berth_http_response *response, const struct berth_tls_facts *tls,
     const struct berth_why *given)
{
	struct agent *agent = connection->agent;
	const struct berth_pledge_input input = {.kind = kind,
						 .attempt = connection->attempt,
						 .response = response,
						 .tls = tls,
						 .why = given};
	struct berth_why why = {0};
	if (berth_pledge_input(agent->pledge, agent_now(agent), &input, &why)) {
		berth_log_why(&agent->device->log, BERTH_LOG_DEBUG, "pledge.input-refused", &why,
			      NULL);
	}
	agent_wake(agent);
}

static void
on_connected(void *context, const struct berth_tls_facts *tls, const struct berth_why *why)
{
	const bool has_failed = !tls || (why && why->err);
	give(context, has_failed ? BERTH_PLEDGE_DISCONNECTED : BERTH_PLEDGE_CONNECTED, NULL, tls,
	     has_failed ? why : NULL);
}

static void
on_response(void *context, const struct berth_http_response *response,
	    const struct berth_tls_facts *tls, const struct berth_why *why)
{
	if (response->status == 0) {
		give(context, BERTH_PLEDGE_DISCONNECTED, NULL, NULL, why);
		return;
	}
	give(context, BERTH_PLEDGE_RESPONSE, response, tls, NULL);
}

static enum berth_err
open_connection(struct agent *agent, struct agent_connection *connection,
		const struct berth_pledge_event *event, struct berth_why *why)
{
	const struct berth_tls_client_conf tls = {
		.pki = agent->device->pki,
		.chain = event->chain,
		.key = event->key,
		/* RFC 8995 5.1: who it is, the voucher tells; afterwards the pin does. No SNI. */
		.provisional = true,
		.pinned = event->pinned,
	};
	enum berth_err err = berth_tls_client_open(&tls, &connection->tls, why);
	if (err) {
		return err;
	}
	const struct berth_http_client_conf http = {
		.address = event->host,
		.port = event->port,
		.host = event->host,
		.tls = connection->tls,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.request_timeout_ms = REQUEST_TIMEOUT_MS,
		.body_limit_bytes = BERTH_PLEDGE_BODY_MAX_BYTES,
	};
	err = berth_http_client_open(agent->loop, &http, &connection->http, why);
	if (!err) {
		berth_http_client_connect(connection->http, on_connected, connection);
	}
	return err;
}

void
agent_connect(struct agent *agent, const struct berth_pledge_event *event)
{
	agent_disconnect(agent, event->attempt);
	struct agent_connection *connection = find(agent, 0);
	if (!connection) {
		return; /* there are as many as attempts: cannot be */
	}
	*connection = (struct agent_connection){.agent = agent, .attempt = event->attempt};
	struct berth_why why = {0};
	if (open_connection(agent, connection, event, &why)) {
		give(connection, BERTH_PLEDGE_DISCONNECTED, NULL, NULL, &why);
	}
}

void
agent_disconnect(struct agent *agent, uint32_t attempt)
{
	struct agent_connection *connection = find(agent, attempt);
	if (!connection || attempt == 0) {
		return;
	}
	berth_http_client_close(connection->http);
	if (connection->tls) {
		berth_tls_client_close(connection->tls);
	}
	*connection = (struct agent_connection){0};
}

void
agent_send(struct agent *agent, const struct berth_pledge_output *output)
{
	struct agent_connection *connection = find(agent, output->attempt);
	if (connection && connection->http) {
		berth_http_client_send(connection->http, &output->request, on_response, connection);
	}
}
