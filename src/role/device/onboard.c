/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop shell: inputs in, events and outputs out, sleep until the pledge's deadline. */
#include <signal.h>
#include <stdio.h>

#include "role/device/agent.h"
#include "system/clock.h"
#include "system/random.h"

#define GRASP_PERIOD_S 60		    /* nothing is announced, so nothing depends on it */
#define SLEEP_MAX_MS ((int64_t)3600 * 1000) /* a timer that never fires is not needed */

struct berth_now
agent_now(const struct agent *agent)
{
	struct berth_now now = berth_clock_now();
	now.wall_is_trusted = agent->device->conf->clock == BERTH_DEVICE_CLOCK_TRUSTED;
	return now;
}

void
agent_wake(struct agent *agent)
{
	berth_timer_start(agent->serve, 0);
}

void
agent_end(struct agent *agent, enum berth_err outcome, const struct berth_why *why)
{
	agent->outcome = outcome;
	if (why) {
		agent->why = *why;
	}
	berth_loop_stop(agent->loop);
}

/* True when every configured candidate has failed and nobody else can turn up. */
static bool
is_hopeless(const struct agent *agent)
{
	const struct berth_device_conf *conf = agent->device->conf;
	for (size_t i = 0; i < conf->registrars.count; i++) {
		if (!agent->has_failed[i]) {
			return false;
		}
	}
	return !conf->dns_sd && !berth_device_conf_uses_grasp(conf);
}

static void
count_failure(struct agent *agent, const struct berth_pledge_event *event)
{
	const struct berth_device_conf *conf = agent->device->conf;
	agent->was_refused = agent->was_refused || (event->why.err != BERTH_E_UNREACHABLE &&
						    event->why.err != BERTH_E_TIMEOUT);
	for (size_t i = 0; i < conf->registrars.count; i++) {
		struct berth_pledge_candidate candidate;
		const bool is_this = !berth_device_candidate_parse(conf->registrars.items[i],
								   &candidate, NULL) &&
				     candidate.port == event->port &&
				     strcmp(candidate.host, event->host) == 0;
		agent->has_failed[i] = agent->has_failed[i] || is_this;
	}
	if (agent->run->once && agent->was_refused && is_hopeless(agent)) {
		agent_end(agent, BERTH_E_DENIED, &event->why);
	}
}

static void
tell(struct agent *agent, const struct berth_pledge_event *event)
{
	static const enum berth_log_level levels[BERTH_PLEDGE_NOTE__COUNT] = {
		[BERTH_PLEDGE_NOTE_ATTEMPT] = BERTH_LOG_INFO,
		[BERTH_PLEDGE_NOTE_VOUCHER_REQUESTED] = BERTH_LOG_INFO,
		[BERTH_PLEDGE_NOTE_WAITS] = BERTH_LOG_INFO,
		[BERTH_PLEDGE_NOTE_REDIRECTED] = BERTH_LOG_NOTICE,
		[BERTH_PLEDGE_NOTE_VOUCHER_ACCEPTED] = BERTH_LOG_NOTICE,
		[BERTH_PLEDGE_NOTE_VOUCHER_REFUSED] = BERTH_LOG_WARNING,
		[BERTH_PLEDGE_NOTE_ENROLMENT_REFUSED] = BERTH_LOG_WARNING,
		[BERTH_PLEDGE_NOTE_CERTIFICATE_ACCEPTED] = BERTH_LOG_NOTICE,
		[BERTH_PLEDGE_NOTE_FAILED] = BERTH_LOG_INFO,
		[BERTH_PLEDGE_NOTE_DROPPED] = BERTH_LOG_INFO,
	};
	char name[64];
	char port[8];
	char attempt[16];
	char status[16];
	(void)snprintf(name, sizeof(name), "pledge.%s", berth_pledge_note_name(event->note));
	(void)snprintf(port, sizeof(port), "%u", (unsigned)event->port);
	(void)snprintf(attempt, sizeof(attempt), "%u", (unsigned)event->attempt);
	(void)snprintf(status, sizeof(status), "%d", event->status);
	if (event->why.err) {
		berth_log_why(&agent->device->log, levels[event->note], name, &event->why, "peer",
			      event->host, "port", port, "attempt", attempt, "status",
			      event->status ? status : NULL, NULL);
	} else {
		berth_log(&agent->device->log, levels[event->note], name, "peer", event->host,
			  "port", port, "attempt", attempt, "status", event->status ? status : NULL,
			  NULL);
	}
	if (event->note == BERTH_PLEDGE_NOTE_VOUCHER_REFUSED) {
		agent->was_refused = true;
	}
	if (event->note == BERTH_PLEDGE_NOTE_FAILED) {
		count_failure(agent, event);
	}
}

static void
handle(struct agent *agent, const struct berth_pledge_event *event)
{
	switch (event->kind) {
	case BERTH_PLEDGE_CONNECT:
		agent_connect(agent, event);
		return;
	case BERTH_PLEDGE_CLOSE:
		agent_disconnect(agent, event->attempt);
		agent_fetch_end(agent, event->attempt);
		return;
	case BERTH_PLEDGE_FETCH:
		agent_fetch(agent, event);
		return;
	case BERTH_PLEDGE_GENERATE_KEY:
		agent_generate_key(agent, event);
		return;
	case BERTH_PLEDGE_FORGET_KEY:
		agent_forget_key(agent, event->attempt);
		return;
	case BERTH_PLEDGE_SAVE:
		agent_save(agent, event);
		return;
	case BERTH_PLEDGE_NOTE:
		tell(agent, event);
		return;
	case BERTH_PLEDGE_DONE:
		agent_done(agent, event);
		return;
	}
}

static void
on_serve(void *context)
{
	struct agent *agent = context;
	struct berth_pledge_event event;
	struct berth_pledge_output output;
	berth_pledge_tick(agent->pledge, agent_now(agent));
	while (berth_pledge_event(agent->pledge, &event)) {
		handle(agent, &event);
	}
	while (berth_pledge_output(agent->pledge, &output)) {
		agent_send(agent, &output);
	}
	int64_t sleep_ms = berth_pledge_deadline(agent->pledge).ms - agent_now(agent).mono.ms;
	sleep_ms = sleep_ms < 0 ? 0 : sleep_ms;
	berth_timer_start(agent->serve, sleep_ms < SLEEP_MAX_MS ? sleep_ms : SLEEP_MAX_MS);
}

static void
on_timeout(void *context)
{
	struct agent *agent = context;
	struct berth_why why;
	if (agent->was_refused) {
		berth_ignore(berth_fail(&why, BERTH_E_DENIED, "device-refused", NULL,
					"no registrar that the manufacturer vouches for took this "
					"device in; the log says why"),
			     "handed on");
	} else {
		berth_ignore(berth_fail(&why, BERTH_E_UNREACHABLE, "device-nobody", NULL,
					"no registrar took this device in within %lld s",
					(long long)agent->run->timeout_s),
			     "handed on");
	}
	agent_end(agent, why.err, &why);
}

static void
on_signal(void *context)
{
	agent_end(context, BERTH_E_PENDING, NULL);
}

static void
give_candidate(struct agent *agent, enum berth_pledge_input_kind kind,
	       const struct berth_pledge_candidate *candidate)
{
	const struct berth_pledge_input input = {.kind = kind, .candidate = candidate};
	berth_ignore(berth_pledge_input(agent->pledge, agent_now(agent), &input, NULL),
		     "only a finished pledge refuses candidates");
	agent_wake(agent);
}

static void
give_service(struct agent *agent, enum berth_pledge_input_kind kind,
	     const struct berth_service *service)
{
	struct berth_pledge_candidate candidate = {.port = service->port};
	(void)snprintf(candidate.host, sizeof(candidate.host), "%s", service->address);
	give_candidate(agent, kind, &candidate);
}

static void
on_appeared(void *context, const struct berth_service *service)
{
	give_service(context, BERTH_PLEDGE_FOUND, service);
}

static void
on_vanished(void *context, const struct berth_service *service)
{
	give_service(context, BERTH_PLEDGE_LOST, service);
}

static void
on_discovery_failed(void *context, const struct berth_why *why)
{
	struct agent *agent = context;
	berth_log_why(&agent->device->log, BERTH_LOG_WARNING, "pledge.discovery-failed", why, NULL);
}

/* RFC 8995 4.1: another link may be another network, so everybody gets a fresh chance. */
static void
on_link_changed(void *context, bool is_running)
{
	struct agent *agent = context;
	const struct berth_pledge_input input = {.kind = BERTH_PLEDGE_LINK_CHANGED};
	berth_log(&agent->device->log, BERTH_LOG_INFO, "pledge.link", "running",
		  is_running ? "yes" : "no", NULL);
	berth_ignore(berth_pledge_input(agent->pledge, agent_now(agent), &input, NULL),
		     "only a finished pledge refuses it");
	agent_wake(agent);
}

/* req: rfc8995-4.1-p6, rfc8995-4.1-p8 */
static enum berth_err
start_grasp(struct agent *agent, struct berth_why *why)
{
	const struct berth_device_conf *conf = agent->device->conf;
	const struct berth_grasp_conf grasp = {
		.interfaces = conf->interfaces.items,
		.interface_count = conf->interfaces.count,
		.period_s = GRASP_PERIOD_S,
		.log = &agent->device->log,
		.kind = BERTH_SERVICE_PROXY,
		.appeared = on_appeared,
		.vanished = on_vanished,
		.context = agent,
	};
	return berth_device_conf_uses_grasp(conf)
		       ? berth_grasp_open(agent->loop, &grasp, &agent->grasp, why)
		       : BERTH_OK;
}

static enum berth_err
start_discovery(struct agent *agent, struct berth_why *why)
{
	const struct berth_device_conf *conf = agent->device->conf;
	for (size_t i = 0; i < conf->registrars.count; i++) {
		struct berth_pledge_candidate candidate;
		enum berth_err err =
			berth_device_candidate_parse(conf->registrars.items[i], &candidate, why);
		if (err) {
			return err;
		}
		give_candidate(agent, BERTH_PLEDGE_FOUND, &candidate);
	}
	enum berth_err err =
		berth_link_watch_open(agent->loop, on_link_changed, agent, &agent->links, why);
	err = err ? err : start_grasp(agent, why);
	if (err || !conf->dns_sd) {
		return err;
	}
	const struct berth_dns_sd_conf dns_sd = {
		.interfaces = conf->interfaces.items,
		.interface_count = conf->interfaces.count,
		.browse_only = true, /* a device that nobody knows yet tells the link nothing */
		.appeared = on_appeared,
		.vanished = on_vanished,
		.failed = on_discovery_failed,
		.context = agent,
	};
	err = berth_dns_sd_open(agent->loop, &dns_sd, &agent->dns_sd, why);
	return err ? err : berth_dns_sd_browse(agent->dns_sd, BERTH_SERVICE_PROXY, why);
}

static enum berth_err
describe_untold(struct agent *agent, struct berth_why *why)
{
	struct berth_device_state *state = &agent->device->state;
	enum berth_err err =
		berth_keystore_load(agent->device->pki, state->key, &agent->untold_key, why);
	agent->untold = (struct berth_pledge_untold){.candidate = state->candidate,
						     .registrar = state->registrar,
						     .chain = &state->chain,
						     .key = agent->untold_key};
	return err;
}

static enum berth_err
start_pledge(struct agent *agent, struct berth_why *why)
{
	struct berth_device *device = agent->device;
	const bool is_telling = device->state.is_enrolled && !agent->run->again;
	const struct berth_pledge_conf conf = {
		.is_configured = is_telling,
		.untold = is_telling ? &agent->untold : NULL,
		.idevid = &device->idevid,
		.idevid_key = device->idevid_key,
		.manufacturer_anchors = &device->anchors,
		.refuse_nonceless = !device->conf->accept_nonceless,
		.key_kind = device->conf->key_kind,
	};
	const struct berth_pledge_env env = {
		.pki = device->pki, .arena = &agent->arena, .random = berth_system_random()};
	berth_arena_start(&agent->arena, BERTH_PLEDGE_MAX_BYTES);
	enum berth_err err = BERTH_OK;
	if (is_telling) {
		err = describe_untold(agent, why);
	}
	return err ? err : berth_pledge_start(&conf, &env, agent_now(agent), &agent->pledge, why);
}

static enum berth_err
start(struct agent *agent, struct berth_why *why)
{
	enum berth_err err = berth_loop_open(&agent->loop, why);
	err = err ? err : berth_timer_open(agent->loop, on_serve, agent, &agent->serve);
	err = err ? err : berth_timer_open(agent->loop, on_timeout, agent, &agent->timeout);
	err = err ? err : berth_loop_on_signal(agent->loop, SIGTERM, on_signal, agent);
	err = err ? err : berth_loop_on_signal(agent->loop, SIGINT, on_signal, agent);
	err = err ? err : start_pledge(agent, why);
	if (!err && (!agent->device->state.is_enrolled || agent->run->again)) {
		err = start_discovery(agent, why);
	}
	if (!err && agent->run->once) {
		berth_timer_start(agent->timeout, agent->run->timeout_s * 1000);
	}
	if (!err) {
		agent_wake(agent);
	}
	return err;
}

static void
stop(struct agent *agent)
{
	berth_pledge_end(agent->pledge);
	for (size_t i = 0; i < BERTH_PLEDGE_ATTEMPTS_MAX; i++) {
		agent_disconnect(agent, agent->connections[i].attempt);
		agent_fetch_end(agent, agent->fetches[i].attempt);
	}
	berth_dns_sd_close(agent->dns_sd);
	berth_grasp_close(agent->grasp);
	berth_link_watch_close(agent->links);
	if (agent->serve) {
		berth_timer_close(agent->serve);
	}
	if (agent->timeout) {
		berth_timer_close(agent->timeout);
	}
	if (agent->loop) {
		berth_loop_close(agent->loop);
	}
	berth_key_free(agent->untold_key);
	berth_arena_end(&agent->arena);
}

enum berth_err
berth_device_onboard(struct berth_device *device, const struct berth_device_run *run,
		     struct berth_why *why)
{
	size_t tidied = 0;
	enum berth_err err = berth_device_state_tidy(device->pki, device->conf->state_directory,
						     &device->state, &tidied, why);
	if (err) {
		return err;
	}
	if (tidied) {
		berth_log(&device->log, BERTH_LOG_NOTICE, "pledge.tidied", "what",
			  "keys of an onboarding that was cut short", NULL);
	}
	if (device->state.is_enrolled && device->state.has_told && !run->again) {
		berth_log(&device->log, BERTH_LOG_INFO, "pledge.already-enrolled", NULL);
		return BERTH_OK;
	}
	struct agent agent = {.device = device, .run = run, .outcome = BERTH_E_PENDING};
	err = start(&agent, why);
	if (!err) {
		berth_loop_run(agent.loop);
		err = agent.outcome;
		*why = agent.why;
		why->err = err; /* what it means for the device, whatever was found last */
	}
	stop(&agent);
	return err;
}
