/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop shell of an enrolled device: it keeps its certificate, and onboards again when it has lost it. */
#include "role/device/keeper.h"

#include <signal.h>
#include <stdio.h>

#include "system/clock.h"
#include "system/random.h"

#define GRASP_PERIOD_S 60 /* nothing is announced, so nothing depends on it */

struct berth_now
keeper_now(const struct keeper *keeper)
{
	struct berth_now now = berth_clock_now();
	now.wall_is_trusted = keeper->device->conf->clock == BERTH_DEVICE_CLOCK_TRUSTED;
	return now;
}

void
keeper_wake(struct keeper *keeper)
{
	berth_timer_start(keeper->serve, 0);
}

static void
end(struct keeper *keeper, enum berth_err outcome, const struct berth_why *why)
{
	keeper->outcome = outcome;
	if (why) {
		keeper->why = *why;
	}
	berth_loop_stop(keeper->loop);
}

static void
on_signal(void *context)
{
	end(context, BERTH_E_PENDING, NULL);
}

/* ---- discovery: only while the registrar is not where it was ---- */

static void
give_place(struct keeper *keeper, const char *host, uint16_t port)
{
	struct berth_renewal_place place = {.port = port};
	(void)snprintf(place.host, sizeof(place.host), "%s", host);
	const struct berth_renewal_input input = {.kind = BERTH_RENEWAL_FOUND, .place = &place};
	berth_ignore(berth_renewal_input(keeper->renewal, keeper_now(keeper), &input, NULL),
		     "places are never refused");
	keeper_wake(keeper);
}

static void
on_appeared(void *context, const struct berth_service *service)
{
	give_place(context, service->address, service->port);
}

static void
on_vanished(void *context, const struct berth_service *service)
{
	(void)context;
	(void)service; /* it is tried and fails, like any that moved */
}

static void
on_discovery_failed(void *context, const struct berth_why *why)
{
	struct keeper *keeper = context;
	berth_log_why(&keeper->device->log, BERTH_LOG_WARNING, "renewal.discovery-failed", why,
		      NULL);
}

static enum berth_err
open_grasp(struct keeper *keeper, struct berth_why *why)
{
	const struct berth_device_conf *conf = keeper->device->conf;
	const struct berth_grasp_conf grasp = {
		.interfaces = conf->interfaces.items,
		.interface_count = conf->interfaces.count,
		.period_s = GRASP_PERIOD_S,
		.log = &keeper->device->log,
		.kind = BERTH_SERVICE_PROXY,
		.appeared = on_appeared,
		.vanished = on_vanished,
		.context = keeper,
	};
	return berth_grasp_open(keeper->loop, &grasp, &keeper->grasp, why);
}

static enum berth_err
open_dns_sd(struct keeper *keeper, struct berth_why *why)
{
	const struct berth_device_conf *conf = keeper->device->conf;
	const struct berth_dns_sd_conf dns_sd = {
		.interfaces = conf->interfaces.items,
		.interface_count = conf->interfaces.count,
		.browse_only = true,
		.appeared = on_appeared,
		.vanished = on_vanished,
		.failed = on_discovery_failed,
		.context = keeper,
	};
	enum berth_err err = berth_dns_sd_open(keeper->loop, &dns_sd, &keeper->dns_sd, why);
	return err ? err : berth_dns_sd_browse(keeper->dns_sd, BERTH_SERVICE_PROXY, why);
}

static void
search(struct keeper *keeper)
{
	const struct berth_device_conf *conf = keeper->device->conf;
	struct berth_why why = {0};
	for (size_t i = 0; i < conf->registrars.count; i++) {
		struct berth_pledge_candidate candidate;
		if (!berth_device_candidate_parse(conf->registrars.items[i], &candidate, NULL)) {
			give_place(keeper, candidate.host, candidate.port);
		}
	}
	if (berth_device_conf_uses_grasp(conf) && !keeper->grasp && open_grasp(keeper, &why)) {
		on_discovery_failed(keeper, &why);
	}
	if (conf->dns_sd && !keeper->dns_sd && open_dns_sd(keeper, &why)) {
		on_discovery_failed(keeper, &why);
	}
}

static void
end_search(struct keeper *keeper)
{
	berth_grasp_close(keeper->grasp);
	keeper->grasp = NULL;
	berth_dns_sd_close(keeper->dns_sd);
	keeper->dns_sd = NULL;
}

static void
on_link_changed(void *context, bool is_running)
{
	struct keeper *keeper = context;
	const struct berth_renewal_input input = {.kind = BERTH_RENEWAL_LINK_CHANGED};
	(void)is_running;
	berth_ignore(berth_renewal_input(keeper->renewal, keeper_now(keeper), &input, NULL),
		     "it is never refused");
	keeper_wake(keeper);
}

/* ---- the machine's events ---- */

static void
tell(struct keeper *keeper, const struct berth_renewal_event *event)
{
	static const enum berth_log_level levels[BERTH_RENEWAL_NOTE__COUNT] = {
		[BERTH_RENEWAL_NOTE_ASKS] = BERTH_LOG_DEBUG,
		[BERTH_RENEWAL_NOTE_ADVISED] = BERTH_LOG_INFO,
		[BERTH_RENEWAL_NOTE_CA_SET] = BERTH_LOG_NOTICE,
		[BERTH_RENEWAL_NOTE_CA_SET_REFUSED] = BERTH_LOG_WARNING,
		[BERTH_RENEWAL_NOTE_REVOCATION_UNKNOWN] = BERTH_LOG_NOTICE,
		[BERTH_RENEWAL_NOTE_CLOCK] = BERTH_LOG_WARNING,
		[BERTH_RENEWAL_NOTE_BEGINS] = BERTH_LOG_INFO,
		[BERTH_RENEWAL_NOTE_WAITS] = BERTH_LOG_INFO,
		[BERTH_RENEWAL_NOTE_RENEWED] = BERTH_LOG_NOTICE,
		[BERTH_RENEWAL_NOTE_REFUSED] = BERTH_LOG_WARNING,
		[BERTH_RENEWAL_NOTE_FAILED] = BERTH_LOG_INFO,
	};
	char name[64];
	char port[8];
	(void)snprintf(name, sizeof(name), "renewal.%s", berth_renewal_note_name(event->note));
	(void)snprintf(port, sizeof(port), "%u", (unsigned)event->place->port);
	if (event->why.err) {
		berth_log_why(&keeper->device->log, levels[event->note], name, &event->why, "peer",
			      event->place->host, "port", port, NULL);
	} else {
		berth_log(&keeper->device->log, levels[event->note], name, "peer",
			  event->place->host, "port", port, NULL);
	}
}

static void
handle(struct keeper *keeper, const struct berth_renewal_event *event)
{
	switch (event->kind) {
	case BERTH_RENEWAL_CONNECT:
		keeper_connect(keeper, event);
		return;
	case BERTH_RENEWAL_CLOSE:
		keeper_disconnect(keeper);
		return;
	case BERTH_RENEWAL_FETCH:
		keeper_fetch(keeper, event);
		return;
	case BERTH_RENEWAL_SEARCH:
		search(keeper);
		return;
	case BERTH_RENEWAL_SEARCH_ENDS:
		end_search(keeper);
		return;
	case BERTH_RENEWAL_GENERATE_KEY:
		keeper_generate_key(keeper, event);
		return;
	case BERTH_RENEWAL_FORGET_KEY:
		keeper_forget_key(keeper);
		return;
	case BERTH_RENEWAL_SAVE:
		keeper_save(keeper, event);
		return;
	case BERTH_RENEWAL_NOTE:
		tell(keeper, event);
		return;
	case BERTH_RENEWAL_OVER:
		berth_log_why(&keeper->device->log, BERTH_LOG_WARNING, "renewal.over", &event->why,
			      NULL);
		end(keeper, BERTH_E_EXPIRED, &event->why);
		return;
	}
}

static void
on_serve(void *context)
{
	struct keeper *keeper = context;
	struct berth_renewal_event event;
	struct berth_http_request request;
	berth_renewal_tick(keeper->renewal, keeper_now(keeper));
	while (berth_renewal_event(keeper->renewal, &event)) {
		handle(keeper, &event);
	}
	if (berth_renewal_output(keeper->renewal, &request)) {
		keeper_send(keeper, &request);
	}
	int64_t sleep_ms = berth_renewal_deadline(keeper->renewal).ms - keeper_now(keeper).mono.ms;
	sleep_ms = sleep_ms < 0 ? 0 : sleep_ms;
	berth_timer_start(keeper->serve, sleep_ms < BERTH_RENEWAL_LOOK_AGAIN_MS
						 ? sleep_ms
						 : BERTH_RENEWAL_LOOK_AGAIN_MS);
}

/* ---- life ---- */

static enum berth_err
start_machine(struct keeper *keeper, struct berth_why *why)
{
	struct berth_device *device = keeper->device;
	const struct berth_device_state *state = &device->state;
	enum berth_err err = berth_keystore_load(device->pki, state->key, &keeper->key, why);
	if (err) {
		return err;
	}
	struct berth_renewal_place place = {.port = state->candidate.port};
	(void)snprintf(place.host, sizeof(place.host), "%s", state->candidate.host);
	const struct berth_renewal_conf conf = {
		.chain = &state->chain,
		.key = keeper->key,
		.ca_set = &state->ca_set,
		.place = &place,
		.has_issued_at = state->has_enrolled_at,
		.issued_at = state->enrolled_at,
		.key_kind = device->conf->key_kind,
		.check_every_s = device->conf->check_every_s,
		.revocation = device->conf->registrar_revocation,
	};
	const struct berth_renewal_env env = {
		.pki = device->pki, .arena = &keeper->arena, .random = berth_system_random()};
	berth_arena_start(&keeper->arena, BERTH_RENEWAL_MAX_BYTES);
	return berth_renewal_start(&conf, &env, keeper_now(keeper), &keeper->renewal, why);
}

static enum berth_err
start(struct keeper *keeper, struct berth_why *why)
{
	enum berth_err err = berth_loop_open(&keeper->loop, why);
	err = err ? err : berth_timer_open(keeper->loop, on_serve, keeper, &keeper->serve);
	err = err ? err : berth_loop_on_signal(keeper->loop, SIGTERM, on_signal, keeper);
	err = err ? err : berth_loop_on_signal(keeper->loop, SIGINT, on_signal, keeper);
	err = err ? err : start_machine(keeper, why);
	err = err ? err
		  : berth_link_watch_open(keeper->loop, on_link_changed, keeper, &keeper->links,
					  why);
	if (!err) {
		keeper_wake(keeper);
	}
	return err;
}

static void
stop(struct keeper *keeper)
{
	keeper_disconnect(keeper);
	berth_renewal_end(keeper->renewal);
	end_search(keeper);
	berth_link_watch_close(keeper->links);
	if (keeper->serve) {
		berth_timer_close(keeper->serve);
	}
	if (keeper->loop) {
		berth_loop_close(keeper->loop);
	}
	berth_key_free(keeper->key);
	berth_arena_end(&keeper->arena);
}

static enum berth_err
keep(struct berth_device *device, struct berth_why *why)
{
	struct keeper keeper = {.device = device, .outcome = BERTH_E_PENDING};
	enum berth_err err = start(&keeper, why);
	if (!err) {
		berth_loop_run(keeper.loop);
		err = keeper.outcome;
		*why = keeper.why;
		why->err = err;
	}
	stop(&keeper);
	return err;
}

enum berth_err
berth_device_keep(struct berth_device *device, struct berth_why *why)
{
	for (;;) {
		enum berth_err err = keep(device, why);
		if (err != BERTH_E_EXPIRED) {
			return err;
		}
		const struct berth_device_run again = {.again = true};
		err = berth_device_onboard(device, &again, why);
		if (err) {
			return err;
		}
	}
}
