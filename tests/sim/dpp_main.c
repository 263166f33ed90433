/* SPDX-License-Identifier: BSD-2-Clause */
/* usage: test-sim-dpp [--devices N] [--seeds A-B]: the same number tells the same story. */
#include "dpp_sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define START_S 1800000000
#define FAULTS_MS 60000	   /* then they stop */
#define LIVENESS_MS 180000 /* by when all that may join have joined */
#define QUIET_MS 90000	   /* by when no session is left */
#define TICK_MS 500
#define AIR_MS 40

uint32_t
dpp_below(struct dpp_sim *sim, uint32_t n)
{
	sim->random = sim->random * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)((sim->random >> 33) % n);
}

bool
dpp_chance(struct dpp_sim *sim, uint32_t of, uint32_t in)
{
	return dpp_below(sim, in) < of;
}

bool
dpp_fault(struct dpp_sim *sim, uint32_t of, uint32_t in)
{
	return sim->has_faults && dpp_chance(sim, of, in);
}

void
dpp_break(struct dpp_sim *sim, const char *format, ...)
{
	va_list arguments;

	if (sim->broken[0] != '\0')
		return;
	va_start(arguments, format);
	(void)vsnprintf(sim->broken, sizeof(sim->broken), format, arguments);
	va_end(arguments);
}

struct berth_mono
dpp_mono(const struct dpp_sim *sim)
{
	return (struct berth_mono){sim->now_ms};
}

struct berth_wall
dpp_wall(const struct dpp_sim *sim)
{
	return (struct berth_wall){START_S + sim->now_ms / 1000};
}

struct dpp_event *
dpp_at(struct dpp_sim *sim, int64_t in_ms, enum dpp_event_kind kind)
{
	if (sim->event_count == DPP_EVENTS_MAX)
		abort();
	struct dpp_event *event = &sim->events[sim->event_count++];
	*event = (struct dpp_event){
		.at_ms = sim->now_ms + in_ms, .order = sim->order++, .kind = kind};
	return event;
}

/* ---- the air ---- */

/* req: dpp-controller-repeated-frame */
static void
into_air(struct dpp_device *device, enum dpp_event_kind kind, struct berth_bytes body)
{
	struct dpp_sim *sim = device->sim;
	unsigned copies = dpp_fault(sim, 1, 15) ? 2 : 1;

	sim->doubled += copies - 1;
	if (dpp_fault(sim, 1, 8)) {
		sim->lost++;
		return;
	}
	for (unsigned i = 0; i < copies; i++) {
		struct dpp_event *event = dpp_at(sim, 1 + dpp_below(sim, AIR_MS), kind);
		event->device = device->number;
		if (berth_buf_append_bytes(&event->body, body))
			abort();
	}
}

void
dpp_air_to_relay(struct dpp_device *device, struct berth_bytes body)
{
	into_air(device, DPP_TO_RELAY, body);
}

void
dpp_air_to_device(struct dpp_device *device, struct berth_bytes body)
{
	into_air(device, DPP_TO_DEVICE, body);
}

static void
hang_up(struct dpp_sim *sim, uint64_t *connection)
{
	uint64_t gone = *connection;

	if (gone == 0)
		return;
	*connection = 0;
	dpp_controller_gone(sim, gone);
}

/* As hostapd 2.10: each announcement has a connection of its own, what follows goes to the newest. */
static void
relay(struct dpp_sim *sim, struct dpp_device *device, struct berth_bytes body)
{
	bool is_chirp =
		body.n > 6 && body.p[0] == 9 && body.p[6] == BERTH_DPP_PRESENCE_ANNOUNCEMENT;

	if (!dpp_controller_is_up(sim))
		return;
	if (dpp_fault(sim, 1, 40)) {
		sim->dropped += device->connection != 0;
		hang_up(sim, &device->connection);
	}
	if (is_chirp || device->connection == 0) {
		hang_up(sim, &device->older);
		device->older = device->connection;
		device->connection = ++sim->connections;
	}
	/* it may have crashed after what it was told of a connection that ended */
	if (!dpp_controller_is_up(sim))
		return;
	dpp_controller_take(sim, device, body);
}

/* ---- the world ---- */

static void
take_event(struct dpp_sim *sim, struct dpp_event *event)
{
	struct dpp_device *device = &sim->devices[event->device];

	switch (event->kind) {
	case DPP_TO_RELAY:
		relay(sim, device, berth_buf_view(&event->body));
		break;
	case DPP_TO_DEVICE:
		dpp_device_take(device, berth_buf_view(&event->body));
		break;
	case DPP_SIGNED:
		dpp_controller_signed(sim, event);
		break;
	case DPP_TICK:
		dpp_controller_tick(sim);
		for (size_t i = 0; i < sim->device_count; i++)
			dpp_device_tick(&sim->devices[i]);
		if (dpp_controller_is_up(sim) && dpp_fault(sim, 1, 40))
			dpp_controller_crash(sim);
		(void)dpp_at(sim, TICK_MS, DPP_TICK);
		break;
	case DPP_START:
		dpp_controller_start(sim);
		break;
	case DPP_APPROVE:
		if (dpp_controller_is_up(sim))
			dpp_controller_approve(sim, device);
		else
			dpp_at(sim, 1000, DPP_APPROVE)->device = event->device;
		break;
	}
	berth_buf_free(&event->body);
}

static bool
next_event(struct dpp_sim *sim, struct dpp_event *ret)
{
	size_t first = 0;

	for (size_t i = 1; i < sim->event_count; i++) {
		const struct dpp_event *a = &sim->events[i];
		const struct dpp_event *b = &sim->events[first];
		if (a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->order < b->order))
			first = i;
	}
	if (sim->event_count == 0)
		return false;
	*ret = sim->events[first];
	sim->events[first] = sim->events[--sim->event_count];
	return true;
}

static void
run_until(struct dpp_sim *sim, int64_t end_ms, bool (*is_done)(const struct dpp_sim *sim))
{
	struct dpp_event event;

	while (sim->broken[0] == '\0' && sim->now_ms < end_ms && !is_done(sim) &&
	       next_event(sim, &event)) {
		sim->now_ms = event.at_ms;
		take_event(sim, &event);
	}
}

static bool
never(const struct dpp_sim *sim)
{
	(void)sim;
	return false;
}

static bool
may_join(const struct dpp_device *device)
{
	return device->kind == DPP_ALLOWED || device->kind == DPP_BY_OPERATOR;
}

static bool
all_joined(const struct dpp_sim *sim)
{
	for (size_t i = 0; i < sim->device_count; i++) {
		if (may_join(&sim->devices[i]) && !sim->devices[i].is_enrolled)
			return false;
	}
	return true;
}

static void
prepare(struct dpp_sim *sim, uint64_t seed, size_t devices)
{
	sim->random = seed * 0x9e3779b97f4a7c15U + 1;
	sim->machines.seed = seed;
	dpp_controller_open(sim);
	(void)dpp_at(sim, 0, DPP_TICK); /* the first asks for the Controller's keys */
	run_until(sim, 200, never);
	for (size_t i = 0; i < devices && sim->broken[0] == '\0'; i++) {
		dpp_device_make(sim, i);
		sim->device_count++;
		dpp_controller_add(sim, &sim->devices[i]);
		if (sim->devices[i].kind == DPP_BY_OPERATOR)
			dpp_at(sim, 1000 + dpp_below(sim, 60000), DPP_APPROVE)->device = i;
	}
}

static void
check_end(struct dpp_sim *sim)
{
	for (size_t i = 0; i < sim->device_count; i++) {
		const struct dpp_device *device = &sim->devices[i];
		if (may_join(device) && !device->is_enrolled)
			dpp_break(sim, "device %zu is not on after %u attempts", i,
				  device->attempts);
		if (!may_join(device) && device->attempts > 0)
			dpp_break(sim, "device %zu, which may not join, was answered", i);
	}
	run_until(sim, sim->now_ms + QUIET_MS, never);
	if (sim->broken[0] == '\0' && dpp_controller_sessions(sim) != 0)
		dpp_break(sim, "%zu sessions are left", dpp_controller_sessions(sim));
	for (size_t i = 0; i < sim->device_count && sim->broken[0] == '\0'; i++)
		dpp_controller_check_rows(sim, &sim->devices[i]);
	dpp_controller_check_secrets(sim);
}

static bool
run_seed(struct berth_pki *pki, uint64_t seed, size_t devices)
{
	struct dpp_sim *sim = calloc(1, sizeof(*sim));
	unsigned attempts = 0;

	if (sim == NULL)
		abort();
	sim->pki = pki;
	prepare(sim, seed, devices);
	sim->has_faults = true;
	run_until(sim, FAULTS_MS, never);
	sim->has_faults = false;
	run_until(sim, FAULTS_MS + LIVENESS_MS, all_joined);
	int64_t joined_ms = sim->now_ms;
	if (!dpp_controller_is_up(sim))
		run_until(sim, sim->now_ms + 10000, never);
	check_end(sim);
	for (size_t i = 0; i < sim->device_count; i++) {
		attempts += sim->devices[i].attempts;
		dpp_device_end(&sim->devices[i]);
	}
	bool is_whole = sim->broken[0] == '\0';
	printf("%s seed %llu: %zu devices on after %lld s, %u attempts, %u restarts, %u frames "
	       "lost, %u "
	       "doubled, %u connections dropped, %u signatures refused%s%s\n",
	       is_whole ? "ok" : "not ok", (unsigned long long)seed, sim->device_count,
	       (long long)joined_ms / 1000, attempts, sim->restarts, sim->lost, sim->doubled,
	       sim->dropped, sim->refused_signatures, is_whole ? "" : ": ", sim->broken);
	for (size_t i = 0; i < sim->event_count; i++)
		berth_buf_free(&sim->events[i].body);
	dpp_controller_close(sim);
	free(sim);
	return is_whole;
}

int
main(int argc, char **argv)
{
	struct berth_pki *pki = NULL;
	unsigned long first = 1;
	unsigned long last = 3;
	unsigned long devices = 200;
	bool is_whole = true;

	for (int i = 1; i + 1 < argc; i += 2) {
		char *end = NULL;
		unsigned long number = strtoul(argv[i + 1], &end, 10);
		if (strcmp(argv[i], "--devices") == 0) {
			devices = number;
		} else {
			first = last = number;
			if (*end == '-')
				last = strtoul(end + 1, NULL, 10);
		}
	}
	if (getenv("BERTH_SIM_VERBOSE") == NULL && freopen("/dev/null", "w", stderr) == NULL)
		return 2;
	if (devices == 0 || devices > DPP_DEVICES_MAX || berth_pki_open(&pki, NULL))
		return 2;
	for (unsigned long seed = first; seed <= last; seed++)
		is_whole = run_seed(pki, seed, devices) && is_whole;
	berth_pki_close(pki);
	return is_whole ? 0 : 1;
}
