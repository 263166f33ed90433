/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/grasp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/grasp.h"
#include "system/clock.h"
#include "system/random.h"

#define TTL_PERIODS 3 /* RFC 8995 4.1.1: two floods in a row may get lost */
#define TTL_GOODBYE_MS 1
#define REFUSALS_AT_ONCE 5 /* lines of strangers, then one each interval */
#define REFUSALS_INTERVAL_MS 60000
#define DEADLINE_MAX_MS 60000

/* What is announced on one interface; port 0: nothing. */
struct offer {
	enum berth_grasp_name name;
	uint16_t port;
	bool is_logged;
};

struct berth_grasp {
	struct berth_grasp_conf conf;
	struct berth_grasp_link *link;
	struct berth_timer *period;
	struct berth_timer *expiry;
	struct berth_log_limit refusals;
	struct offer offers[BERTH_GRASP_INTERFACES_MAX];
	struct berth_grasp_neighbours neighbours;
};

static const enum berth_grasp_name names[] = {
	[BERTH_SERVICE_PROXY] = BERTH_GRASP_AN_PROXY,
	[BERTH_SERVICE_REGISTRAR] = BERTH_GRASP_AN_JOIN_REGISTRAR,
};

/* ---- announcing ---- */

static enum berth_err
flood(struct berth_grasp *grasp, unsigned number, uint32_t ttl_ms, struct berth_why *why)
{
	const struct offer *offer = &grasp->offers[number];
	struct berth_random random = berth_system_random();
	struct berth_grasp_flood message = {
		.ttl_ms = ttl_ms,
		.n = 1,
		.at = {{.name = offer->name,
			.loop_count = berth_grasp_loop_count(offer->name),
			.port = offer->port}},
	};
	BERTH_BUF bytes = {0};
	enum berth_err err = berth_grasp_link_address(grasp->link, number, message.initiator, why);
	if (err) {
		return err;
	}
	memcpy(message.at[0].address, message.initiator, sizeof(message.initiator));
	if (offer->name == BERTH_GRASP_AN_JOIN_REGISTRAR) {
		(void)snprintf(message.at[0].value, sizeof(message.at[0].value), "EST-TLS");
	}
	message.session = berth_random_below(&random, UINT32_MAX);
	err = berth_grasp_flood_encode(&message, &bytes);
	return err ? berth_fail(why, err, "memory", NULL, "out of memory")
		   : berth_grasp_link_send(grasp->link, number, berth_buf_view(&bytes), why);
}

static void
tell(struct berth_grasp *grasp, unsigned number)
{
	struct offer *offer = &grasp->offers[number];
	struct berth_why why;
	char port[8];
	if (!offer->port) {
		return;
	}
	const int64_t ttl_ms = grasp->conf.period_s * TTL_PERIODS * 1000;
	const enum berth_err err = flood(grasp, number, (uint32_t)ttl_ms, &why);
	if (err && offer->is_logged) {
		berth_log_why(grasp->conf.log, BERTH_LOG_WARNING, "grasp.not-announced", &why,
			      "interface", grasp->conf.interfaces[number], NULL);
	}
	if (!err && !offer->is_logged) {
		(void)snprintf(port, sizeof(port), "%u", offer->port);
		berth_log(grasp->conf.log, BERTH_LOG_NOTICE, "grasp.announced", "objective",
			  berth_grasp_name_text(offer->name), "interface",
			  grasp->conf.interfaces[number], "port", port, NULL);
	}
	offer->is_logged = !err;
}

/* GRASP has no goodbye; what is valid for a moment only says as much to who hears it. */
static void
take_back(struct berth_grasp *grasp, unsigned number)
{
	if (grasp->offers[number].port) {
		berth_ignore(flood(grasp, number, TTL_GOODBYE_MS, NULL), "it ends by itself then");
	}
	grasp->offers[number].port = 0;
}

/* req: rfc8995-4.3-period, rfc8995-4.3-periodic */
static void
on_period(void *context)
{
	struct berth_grasp *grasp = context;
	for (unsigned i = 0; i < grasp->conf.interface_count; i++) {
		tell(grasp, i);
	}
	berth_timer_start(grasp->period, grasp->conf.period_s * 1000);
}

static void
on_ready(void *context, unsigned number)
{
	tell(context, number);
}

void
berth_grasp_announce(struct berth_grasp *grasp, const char *interface, enum berth_service_kind kind,
		     uint16_t port)
{
	for (unsigned i = 0; grasp && i < grasp->conf.interface_count; i++) {
		if (strcmp(grasp->conf.interfaces[i], interface) == 0) {
			if (port != grasp->offers[i].port) {
				take_back(grasp, i);
			}
			grasp->offers[i] = (struct offer){.name = names[kind], .port = port};
			tell(grasp, i);
		}
	}
}

/* ---- learning ---- */

static void
write_service(const struct berth_grasp *grasp, const struct berth_grasp_neighbour *neighbour,
	      struct berth_service *ret)
{
	*ret = (struct berth_service){.kind = grasp->conf.kind, .port = neighbour->offer.port};
	(void)snprintf(ret->name, sizeof(ret->name), "GRASP %u", neighbour->offer.port);
	(void)snprintf(ret->interface, sizeof(ret->interface), "%s",
		       grasp->conf.interfaces[neighbour->interface]);
	(void)berth_grasp_link_text(grasp->link, neighbour->interface, neighbour->offer.address,
				    ret->address, sizeof(ret->address));
}

static void
serve(struct berth_grasp *grasp)
{
	struct berth_grasp_event event;
	struct berth_service service;
	const struct berth_now now = berth_clock_now();
	berth_grasp_neighbours_tick(&grasp->neighbours, now);
	while (berth_grasp_neighbours_event(&grasp->neighbours, &event)) {
		write_service(grasp, &event.neighbour, &service);
		if (event.is_there) {
			grasp->conf.appeared(grasp->conf.context, &service);
		} else {
			grasp->conf.vanished(grasp->conf.context, &service);
		}
	}
	const int64_t in_ms = berth_grasp_neighbours_deadline(&grasp->neighbours).ms - now.mono.ms;
	berth_timer_start(grasp->expiry, in_ms < DEADLINE_MAX_MS ? in_ms : DEADLINE_MAX_MS);
}

static void
on_expiry(void *context)
{
	serve(context);
}

static void
log_refused(struct berth_grasp *grasp, unsigned number, const uint8_t *source,
	    const struct berth_why *why)
{
	uint64_t suppressed = 0;
	char from[BERTH_SERVICE_ADDRESS_MAX];
	char more[24];
	if (why->err == BERTH_E_NOT_FOUND || why->err == BERTH_E_EXISTS ||
	    !berth_log_allows(&grasp->refusals, berth_clock_mono(), &suppressed)) {
		return;
	}
	suppressed += berth_grasp_link_dropped(grasp->link);
	(void)snprintf(more, sizeof(more), "%llu", (unsigned long long)suppressed);
	berth_log_why(grasp->conf.log, BERTH_LOG_WARNING, "grasp.refused", why, "from",
		      berth_grasp_link_text(grasp->link, number, source, from, sizeof(from)),
		      "suppressed", suppressed ? more : NULL, NULL);
}

static void
on_received(void *context, unsigned number, const uint8_t *source, struct berth_bytes message)
{
	struct berth_grasp *grasp = context;
	struct berth_why why = {0};
	const struct berth_grasp_datagram datagram = {
		.interface = number, .source = source, .message = message};
	if (berth_grasp_neighbours_input(&grasp->neighbours, berth_clock_now(), &datagram, &why)) {
		log_refused(grasp, number, source, &why);
		return;
	}
	serve(grasp);
}

/* ---- life ---- */

enum berth_err
berth_grasp_open(struct berth_loop *loop, const struct berth_grasp_conf *conf,
		 struct berth_grasp **ret, struct berth_why *why)
{
	struct berth_grasp *grasp = calloc(1, sizeof(*grasp));
	if (!grasp) {
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	}
	grasp->conf = *conf;
	grasp->refusals = (struct berth_log_limit){.burst = REFUSALS_AT_ONCE,
						   .interval_ms = REFUSALS_INTERVAL_MS};
	berth_grasp_neighbours_start(&grasp->neighbours, names[conf->kind],
				     conf->accepts_unique_local);
	const struct berth_grasp_link_conf link = {
		.interfaces = conf->interfaces,
		.interface_count = conf->interface_count,
		.listens = conf->appeared != NULL,
		.received = on_received,
		.ready = on_ready,
		.context = grasp,
	};
	enum berth_err err = berth_timer_open(loop, on_period, grasp, &grasp->period);
	err = err ? err : berth_timer_open(loop, on_expiry, grasp, &grasp->expiry);
	err = err ? err : berth_grasp_link_open(loop, &link, &grasp->link, why);
	if (err) {
		berth_grasp_close(grasp);
		return err;
	}
	berth_timer_start(grasp->period, conf->period_s * 1000);
	*ret = grasp;
	return BERTH_OK;
}

void
berth_grasp_close(struct berth_grasp *grasp)
{
	if (!grasp) {
		return;
	}
	for (unsigned i = 0; grasp->link && i < grasp->conf.interface_count; i++) {
		take_back(grasp, i);
	}
	berth_grasp_link_close(grasp->link);
	if (grasp->period) {
		berth_timer_close(grasp->period);
	}
	if (grasp->expiry) {
		berth_timer_close(grasp->expiry);
	}
	free(grasp);
}
