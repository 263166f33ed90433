/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void
sim_must(enum berth_err err, const struct berth_why *why, const char *what)
{
	if (!err)
		return;
	(void)fprintf(stdout, "sim: %s: %s: %s\n", what, berth_err_name(err),
		      why == NULL ? "" : why->sentence);
	abort();
}

void
sim_say(struct sim *sim, const char *format, ...)
{
	char line[400];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	sim_trace(sim, &sim->now_ms, sizeof(sim->now_ms));
	sim_trace(sim, line, strlen(line));
	if (sim->conf.verbose)
		(void)printf("%9lld.%03lld %s\n", (long long)sim->now_ms / 1000,
			     (long long)sim->now_ms % 1000, line);
}

struct berth_now
sim_now(const struct sim *sim, int64_t skew_s, bool is_trusted)
{
	return (struct berth_now){
		.mono = {1000 + sim->now_ms},
		.wall = {SIM_START_S + sim->now_ms / 1000 + skew_s},
		.wall_is_trusted = is_trusted,
	};
}

/* ---- the schedule: a heap ---- */

static bool
is_before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void
swap(struct sim_event *a, struct sim_event *b)
{
	struct sim_event c = *a;
	*a = *b;
	*b = c;
}

void
sim_at(struct sim *sim, int64_t in_ms, sim_act *act, void *what, uint64_t life, int64_t number)
{
	if (sim->event_count == sim->event_room) {
		sim->event_room = sim->event_room == 0 ? 1024 : 2 * sim->event_room;
		sim->events = realloc(sim->events, sim->event_room * sizeof(*sim->events));
		sim_must(sim->events == NULL ? BERTH_E_MEMORY : BERTH_OK, NULL, "events");
	}
	size_t at = sim->event_count++;
	sim->events[at] = (struct sim_event){.at_ms = sim->now_ms + in_ms,
					     .order = ++sim->order,
					     .act = act,
					     .what = what,
					     .life = life,
					     .number = number};
	while (at > 0 && is_before(&sim->events[at], &sim->events[(at - 1) / 2])) {
		swap(&sim->events[at], &sim->events[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
}

static struct sim_event
take(struct sim *sim)
{
	struct sim_event first = sim->events[0];
	size_t n = --sim->event_count;
	sim->events[0] = sim->events[n];
	for (size_t at = 0;;) {
		size_t least = at;
		for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < n && is_before(&sim->events[child], &sim->events[least]))
				least = child;
		if (least == at)
			return first;
		swap(&sim->events[at], &sim->events[least]);
		at = least;
	}
}

/* ---- a run ---- */

static void
open_log(struct sim *sim)
{
	char path[80];
	(void)snprintf(path, sizeof(path), "%s/log", sim->folder);
	sim->log = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	sim->stderr_of_before = dup(STDERR_FILENO);
	sim_must(sim->log < 0 || dup2(sim->log, STDERR_FILENO) < 0 ? BERTH_E_IO : BERTH_OK, NULL,
		 "log");
}

struct sim *
sim_open(const struct sim_conf *conf)
{
	struct sim *sim = calloc(1, sizeof(*sim));
	struct berth_why why = {0};
	sim_must(sim == NULL ? BERTH_E_MEMORY : BERTH_OK, NULL, "world");
	sim->conf = *conf;
	sim->seed_state = conf->seed * 0x2545f4914f6cdd1dULL + 1;
	sim->random = (struct berth_random){sim_random_fill, &sim->seed_state};
	sim->trace = 14695981039346656037ULL;
	/* In memory where there is such a place: the signers' logs are synced for each line. */
	(void)snprintf(sim->folder, sizeof(sim->folder), "%s/berth-sim-XXXXXX",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	sim_must(mkdtemp(sim->folder) == NULL ? BERTH_E_IO : BERTH_OK, NULL, "folder");
	open_log(sim);
	sim_random_start(conf->seed);
	sqlite3_randomness(0, NULL);
	sim_must(berth_pki_open(&sim->pki, &why), &why, "pki");
	sim_world_make(sim);
	sim_faults_start(sim);
	sim_rogues_start(sim);
	sim_operators_start(sim);
	sim_relying_start(sim);
	sim_rollovers_start(sim);
	return sim;
}

/* All who may are on, and the others had time to try; or the time is over, and the oracle will say so. */
static bool
is_over(const struct sim *sim)
{
	int64_t quiet = sim->conf.has_faults ? SIM_FAULTS_MS : 0;
	if (sim->now_ms > quiet + SIM_LIVE_MS)
		return true;
	if (sim->now_ms < quiet + SIM_QUIET_MS || sim->has_faults)
		return false;
	for (size_t i = 0; i < sim->device_count; i++) {
		const struct sim_device *device = &sim->devices[i];
		if ((device->sort == SIM_ALLOWED || device->sort == SIM_ASKS) &&
		    !sim_device_is_current(device, NULL))
			return false;
		if (device->sort == SIM_REVOKED && !device->is_revoked)
			return false;
	}
	return true;
}

void
sim_run(struct sim *sim)
{
	while (sim->event_count > 0 && sim->fault[0] == '\0' && !is_over(sim)) {
		struct sim_event event = take(sim);
		sim->now_ms = event.at_ms;
		sim->steps++;
		event.act(sim, &event);
	}
	sim_faults_count(sim);
	if (sim->fault[0] == '\0')
		sim_oracle_end(sim);
}

void
sim_close(struct sim *sim)
{
	sim_world_end(sim);
	while (sim->calls != NULL) {
		struct sim_call *call = sim->calls;
		sim->calls = call->next;
		sim_call_free(call);
	}
	sim_oracle_free(sim);
	sim_secrets_free(sim);
	berth_pki_close(sim->pki);
	(void)dup2(sim->stderr_of_before, STDERR_FILENO);
	(void)close(sim->stderr_of_before);
	(void)close(sim->log);
	free(sim->events);
	free(sim);
}
