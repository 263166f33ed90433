/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/device/keeper.h"

#define CONNECT_TIMEOUT_MS 15000
#define REQUEST_TIMEOUT_MS 150000 /* the machine's own patience ends before */

static void
give(struct keeper *keeper, const struct berth_renewal_input *input)
{
	struct berth_why why = {0};
	if (berth_renewal_input(keeper->renewal, keeper_now(keeper), input, &why)) {
		berth_log_why(&keeper->device->log, BERTH_LOG_DEBUG, "renewal.input-refused", &why,
			      NULL);
	}
	keeper_wake(keeper);
}

static void
give_disconnected(struct keeper *keeper, const struct berth_why *why)
{
	give(keeper, &(struct berth_renewal_input){.kind = BERTH_RENEWAL_DISCONNECTED, .why = why});
}

static void
on_connected(void *context, const struct berth_tls_facts *tls, const struct berth_why *why)
{
	if (!tls || (why && why->err)) {
		give_disconnected(context, why);
		return;
	}
	give(context, &(struct berth_renewal_input){.kind = BERTH_RENEWAL_CONNECTED, .tls = tls});
}

static void
on_response(void *context, const struct berth_http_response *response,
	    const struct berth_tls_facts *tls, const struct berth_why *why)
{
	if (response->status == 0) {
		give_disconnected(context, why);
		return;
	}
	give(context, &(struct berth_renewal_input){
			      .kind = BERTH_RENEWAL_RESPONSE, .response = response, .tls = tls});
}

static enum berth_err
open_connection(struct keeper *keeper, const struct berth_renewal_event *event,
		struct berth_why *why)
{
	const struct berth_tls_client_conf tls = {
		.pki = keeper->device->pki,
		.chain = event->chain,
		.key = event->key,
		/* The owner's CA set and nothing else; dates and cmcRA the machine judges, it knows the clock's worth. */
		.anchors = event->ca_set,
	};
	enum berth_err err = berth_tls_client_open(&tls, &keeper->tls, why);
	if (err) {
		return err;
	}
	const struct berth_http_client_conf http = {
		.address = event->place->host,
		.port = event->place->port,
		.host = event->place->host,
		.tls = keeper->tls,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.request_timeout_ms = REQUEST_TIMEOUT_MS,
		.body_limit_bytes = BERTH_RENEWAL_BODY_MAX_BYTES,
	};
	err = berth_http_client_open(keeper->loop, &http, &keeper->http, why);
	if (!err) {
		berth_http_client_connect(keeper->http, on_connected, keeper);
	}
	return err;
}

void
keeper_connect(struct keeper *keeper, const struct berth_renewal_event *event)
{
	struct berth_why why = {0};
	keeper_disconnect(keeper);
	if (open_connection(keeper, event, &why)) {
		give_disconnected(keeper, &why);
	}
}

void
keeper_disconnect(struct keeper *keeper)
{
	berth_device_fetch_end(&keeper->fetch);
	berth_http_client_close(keeper->http);
	keeper->http = NULL;
	if (keeper->tls) {
		berth_tls_client_close(keeper->tls);
		keeper->tls = NULL;
	}
}

static void
on_fetched(void *context, struct berth_bytes body, const struct berth_why *why)
{
	struct keeper *keeper = context;
	const struct berth_renewal_answer given = {
		.kind = BERTH_RENEWAL_FETCH, .body = body, .why = why};
	berth_ignore(berth_renewal_answer(keeper->renewal, keeper_now(keeper), &given, NULL),
		     "an exchange that has ended does not care");
	berth_device_fetch_end(&keeper->fetch);
	keeper_wake(keeper);
}

void
keeper_fetch(struct keeper *keeper, const struct berth_renewal_event *event)
{
	berth_device_fetch_end(&keeper->fetch);
	berth_device_fetch(keeper->loop, event->fetch, on_fetched, keeper, &keeper->fetch);
}

void
keeper_send(struct keeper *keeper, const struct berth_http_request *request)
{
	if (keeper->http) {
		berth_http_client_send(keeper->http, request, on_response, keeper);
	}
}
