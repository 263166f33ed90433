/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/gateway.h"

#include "base/hex.h"
#include "protocol/gateway/desired_state.h"
#include "protocol/gateway/relayed.h"
#include "store/registrar_gateway.h"

#include <stdio.h>
#include <stdlib.h>

#define ABOUT "gateway" /* of the trace */

static void
text_reply(struct berth_registrar_exchange *exchange, const struct berth_why *why)
{
	char text[BERTH_WHY_SENTENCE_MAX + 64];
	struct berth_decision decision;
	int status = 503;
	int n = snprintf(text, sizeof(text), "%s (%s)\n", why->sentence, why->rule);
	if (why->err == BERTH_E_DENIED || why->err == BERTH_E_NOT_FOUND)
		status = 403;
	if (why->err == BERTH_E_UNSUPPORTED)
		status = 405;
	if (why->err == BERTH_E_SYNTAX)
		status = 400;
	berth_decision_start(&decision);
	berth_decision_fail(&decision, why);
	const struct berth_http_response response = {
		.status = status,
		.media_type = BERTH_LIT("text/plain; charset=utf-8"),
		.retry_after_s = -1,
		.body = berth_bytes_of(text, n < 0 ? 0 : (size_t)n),
	};
	berth_exchange_finish(exchange, status == 503 ? NULL : ABOUT, &decision, &response, why);
}

/* ---- which device came through which gateway ---- */

static struct berth_gateway_sighting *
sighting(struct berth_gateway_sighting *table, const uint8_t random[BERTH_TLS_RANDOM_BYTES])
{
	return &table[((size_t)random[0] << 8 | random[1]) % BERTH_GATEWAY_SIGHTINGS_MAX];
}

static void
put_sighting(struct berth_gateway_sighting *table, const uint8_t random[BERTH_TLS_RANDOM_BYTES],
	     int64_t device)
{
	struct berth_gateway_sighting *at = sighting(table, random);
	memcpy(at->random, random, BERTH_TLS_RANDOM_BYTES);
	at->device = device;
}

/* 0: nobody told of this connection. */
static int64_t
find_sighting(struct berth_gateway_sighting *table, const uint8_t random[BERTH_TLS_RANDOM_BYTES])
{
	const struct berth_gateway_sighting *at = sighting(table, random);
	return at->device != 0 && memcmp(at->random, random, BERTH_TLS_RANDOM_BYTES) == 0
		       ? at->device
		       : 0;
}

static void
bind(struct berth_registrar_role *role, int64_t gateway, int64_t device)
{
	struct berth_why why = {0};
	if (gateway == device)
		return;
	if (berth_registrar_gateway_bind(role->store, gateway, device,
					 berth_judge_now(role->judge).wall, &why) &&
	    berth_log_allows(&role->refusals, berth_judge_now(role->judge).mono, &role->suppressed))
		berth_log_why(&role->log, BERTH_LOG_WARNING, "gateway.device-not-noted", &why,
			      (const char *)NULL);
}

/* req: gateway-binding */
void
berth_registrar_gateways_note(struct berth_registrar_exchange *exchange)
{
	struct berth_registrar_role *role = exchange->role;
	const bool is_device =
		exchange->seen != NULL && (exchange->seen->peer.kind == BERTH_PEER_IDEVID ||
					   exchange->seen->peer.kind == BERTH_PEER_LDEVID);
	if (!exchange->has_random || !is_device || exchange->device == 0 ||
	    exchange->kind == BERTH_EXCHANGE_GATEWAY)
		return;
	put_sighting(role->gateways.seen, exchange->client_random, exchange->device);
	int64_t gateway = find_sighting(role->gateways.claimed, exchange->client_random);
	if (gateway != 0)
		bind(role, gateway, exchange->device);
}

enum berth_err
berth_registrar_gateway_enrolled(struct berth_registrar_exchange *exchange, struct berth_why *why)
{
	return berth_registrar_gateway_set(exchange->role->store, exchange->device,
					   exchange->is_gateway, why);
}

static enum berth_err
take_report(struct berth_registrar_exchange *exchange, const struct berth_http_request *http,
	    struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_relayed relayed;
	enum berth_err err = berth_relayed_parse(http->body, &relayed, why);
	for (size_t i = 0; !err && i < relayed.count; i++) {
		put_sighting(role->gateways.claimed, relayed.random[i], exchange->device);
		int64_t device = find_sighting(role->gateways.seen, relayed.random[i]);
		if (device != 0)
			bind(role, exchange->device, device);
	}
	return err;
}

/* ---- the desired state ---- */

struct listing {
	struct berth_desired_state *page;
	bool has_failed;
};

static bool
list_device(void *context, const struct berth_registrar_gateway_device *found)
{
	struct listing *listing = context;
	struct berth_gateway_device *device = &listing->page->devices[listing->page->count];
	if (found->id.n >= sizeof(device->id) || found->segment.n >= sizeof(device->segment) ||
	    found->issuer_key_id.n > BERTH_GATEWAY_KEY_ID_MAX ||
	    found->serial.n > BERTH_GATEWAY_SERIAL_MAX) {
		listing->has_failed = true;
		return false;
	}
	*device = (struct berth_gateway_device){.state = found->state};
	memcpy(device->id, found->id.p, found->id.n);
	if (found->segment.n > 0)
		memcpy(device->segment, found->segment.p, found->segment.n);
	(void)berth_hex_text(found->issuer_key_id, device->issuer_key_id,
			     sizeof(device->issuer_key_id));
	(void)berth_hex_text(found->serial, device->serial, sizeof(device->serial));
	return ++listing->page->count < BERTH_GATEWAY_PAGE_DEVICES;
}

/* req: gateway-pages */
static enum berth_err
list_page(struct berth_registrar_role *role, int64_t gateway, struct berth_desired_state *page,
	  struct berth_why *why)
{
	struct listing listing = {.page = page};
	enum berth_err err = berth_registrar_gateway_count(role->store, gateway, &page->total, why);
	if (err)
		return err;
	/* The list has become shorter since the page before: from its start, as its generation says. */
	if (page->from >= page->total)
		page->from = 0;
	page->devices = calloc(BERTH_GATEWAY_PAGE_DEVICES, sizeof(*page->devices));
	if (page->devices == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	err = berth_registrar_gateway_each(role->store, gateway, page->from,
					   BERTH_GATEWAY_PAGE_DEVICES, list_device, &listing, why);
	if (!err && listing.has_failed)
		return berth_fail(why, BERTH_E_STATE, "gateway-record", NULL,
				  "a device's record is longer than any that is written here");
	return err;
}

static void
answer(struct berth_registrar_exchange *exchange, int64_t generation)
{
	struct berth_registrar_role *role = exchange->role;
	BERTH_DESIRED_STATE page = {
		.generation = generation,
		.lease_s = role->settings->gateway_lease_s,
		.from = exchange->from,
	};
	struct berth_why why = {0};
	BERTH_BUF json = {0};
	enum berth_err err = list_page(role, exchange->device, &page, &why);
	err = err ? err : berth_desired_state_build(&page, &json, &why);
	if (err) {
		text_reply(exchange, &why);
		return;
	}
	const struct berth_http_response response = {
		.status = 200,
		.media_type = BERTH_LIT(BERTH_GATEWAY_STATE_MEDIA),
		.retry_after_s = -1,
		.body = berth_buf_view(&json),
	};
	berth_exchange_finish(exchange, NULL, NULL, &response, &why);
}

/*
 * One look at who waits: answered, refused (a certificate revoked meanwhile), or left waiting. must: it has waited long
 * enough.
 */
/* req: gateway-revoked */
static void
look(struct berth_registrar_exchange *exchange, bool must)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_why why = {0};
	int64_t generation = 0;
	enum berth_err err = berth_exchange_check_standing(exchange, &why);
	if (!err)
		err = berth_registrar_gateway_generation(role->store, exchange->device,
							 exchange->after, &generation, &why);
	if (err)
		text_reply(exchange, &why);
	else if (must || exchange->from > 0 || generation > exchange->after)
		answer(exchange, generation);
	else
		exchange->is_waiting = true;
}

/* The one before it is answered: a gateway that asks again has given up on it. */
static size_t
release_former(struct berth_registrar_exchange *exchange)
{
	struct berth_registrar_role *role = exchange->role;
	size_t waiting = 0;
	for (size_t i = 0; i < BERTH_REGISTRAR_EXCHANGES_MAX; i++) {
		struct berth_registrar_exchange *other = role->exchanges[i];
		if (other == NULL || other == exchange || !other->is_waiting)
			continue;
		if (other->device == exchange->device)
			look(other, true);
		else
			waiting++;
	}
	return waiting;
}

/* A gateway waits for news half its lease, and in any case less than what the daemon cuts. */
static int64_t
wait_ms(const struct berth_registrar_settings *settings)
{
	int64_t lease_s = settings->gateway_lease_s;
	int64_t pending_s = settings->daemon.pending_timeout_s;
	return (lease_s < pending_s ? lease_s : pending_s) * 1000 / 2;
}

static enum berth_err
ask_state(struct berth_registrar_exchange *exchange, const struct berth_http_request *http,
	  struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_mono now = berth_judge_now(role->judge).mono;
	struct berth_desired_state_query query;
	enum berth_err err = berth_desired_state_query_parse(http->query, &query, why);
	if (err)
		return err;
	exchange->after = query.after;
	exchange->from = query.from;
	exchange->until = berth_mono_after_ms(now, wait_ms(role->settings));
	if (release_former(exchange) < BERTH_GATEWAY_WAITING_MAX)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_LIMIT, "gateway-waiting", NULL,
			  "%d gateways wait already; try again", BERTH_GATEWAY_WAITING_MAX);
}

/* req: gateway-certificate */
static enum berth_err
check_gateway(struct berth_registrar_exchange *exchange, struct berth_why *why)
{
	struct berth_registrar_device device;
	enum berth_err err = berth_peer_check_gateway(&exchange->seen->peer, why);
	if (!err)
		err = berth_exchange_know_device(exchange, false, &device, why);
	if (!err)
		err = berth_device_check_welcome(&device, why);
	/* A store from before this knew them, or that was restored. */
	return err ? err
		   : berth_registrar_gateway_set(exchange->role->store, device.row, true, why);
}

void
berth_registrar_serve_gateway(struct berth_registrar_exchange *exchange,
			      enum berth_gateway_operation operation,
			      const struct berth_http_request *http)
{
	const bool is_report = operation == BERTH_GATEWAY_REPORT;
	struct berth_why why = {0};
	enum berth_err err = check_gateway(exchange, &why);
	if (!err && http->method != (is_report ? BERTH_HTTP_POST : BERTH_HTTP_GET))
		err = berth_fail(&why, BERTH_E_UNSUPPORTED, "gateway-method", "RFC 9110 9.1",
				 "desired-state takes GET, report takes POST");
	if (!err)
		err = is_report ? take_report(exchange, http, &why)
				: ask_state(exchange, http, &why);
	if (err) {
		text_reply(exchange, &why);
		return;
	}
	if (!is_report) {
		look(exchange, false);
		return;
	}
	const struct berth_http_response response = {.status = 204, .retry_after_s = -1};
	berth_exchange_finish(exchange, NULL, NULL, &response, &why);
}

void
berth_registrar_gateways_tick(struct berth_registrar_role *role)
{
	struct berth_mono now = berth_judge_now(role->judge).mono;
	for (size_t i = 0; i < BERTH_REGISTRAR_EXCHANGES_MAX; i++) {
		struct berth_registrar_exchange *exchange = role->exchanges[i];
		if (exchange == NULL || !exchange->is_waiting)
			continue;
		if (exchange->ticket == NULL)
			berth_exchange_close(exchange);
		else
			look(exchange, now.ms >= exchange->until.ms);
	}
}
