/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/device/fetch.h"

#define CONNECT_MS 5000
#define ANSWER_MS 8000 /* both together below the machines' own patience for it */

static void
on_done(void *context, const struct berth_http_response *response,
	const struct berth_tls_facts *tls, const struct berth_why *why)
{
	const struct berth_device_fetch *fetch = context;
	(void)tls;
	fetch->done(fetch->context, response->status == 200 ? response->body : BERTH_BYTES_NONE,
		    response->status == 0 ? why : NULL);
}

static void
on_connected(void *context, const struct berth_tls_facts *tls, const struct berth_why *why)
{
	const struct berth_device_fetch *fetch = context;
	(void)tls;
	if (why) {
		fetch->done(fetch->context, BERTH_BYTES_NONE, why);
		return;
	}
	berth_http_client_send(fetch->http, &fetch->request, on_done, context);
}

void
berth_device_fetch(struct berth_loop *loop, const struct berth_revocation *what,
		   berth_device_fetched *done, void *context, struct berth_device_fetch *ret)
{
	*ret = (struct berth_device_fetch){
		.request = what->fetch.request, .done = done, .context = context};
	const struct berth_http_client_conf conf = {
		.address = what->fetch.url.host,
		.port = what->fetch.url.port,
		.connect_timeout_ms = CONNECT_MS,
		.request_timeout_ms = ANSWER_MS,
		.body_limit_bytes = BERTH_REVOCATION_BODY_MAX,
	};
	struct berth_why why;
	if (berth_http_client_open(loop, &conf, &ret->http, &why)) {
		done(context, BERTH_BYTES_NONE, &why);
		return;
	}
	berth_http_client_connect(ret->http, on_connected, ret);
}

void
berth_device_fetch_end(struct berth_device_fetch *fetch)
{
	berth_http_client_close(fetch->http);
	*fetch = (struct berth_device_fetch){0};
}
