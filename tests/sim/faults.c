/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes wrong on purpose, every few seconds, until it is over: then liveness is asked for. */
#include "sim.h"

#include <stdio.h>

#define NEXT_MS 6000 /* on the mean half of it between two faults of machines */

static const char *const names[SIM_FAULT__COUNT] = {
	[SIM_LOST_REQUEST] = "lost request",
	[SIM_LOST_REPLY] = "lost reply",
	[SIM_DUPLICATED] = "duplicated request",
	[SIM_DELAYED] = "delay",
	[SIM_REORDERED] = "reorder",
	[SIM_REFUSED_CONNECTION] = "refused connection",
	[SIM_DEVICE_CRASH] = "device crash",
	[SIM_REGISTRAR_CRASH] = "registrar crash",
	[SIM_MASA_CRASH] = "MASA crash",
	[SIM_CRASH_IN_COMMIT] = "crash in a commit",
	[SIM_CRASH_AFTER_COMMIT] = "crash after a commit",
	[SIM_SIGNER_CRASH] = "signer crash",
	[SIM_FAILED_WRITE] = "failed write",
	[SIM_FAILED_SYNC] = "failed sync",
	[SIM_DISK_FULL] = "full disk",
	[SIM_LOST_WRITE] = "lost write",
	[SIM_TORN_WRITE] = "torn write",
	[SIM_LOST_WITNESS] = "lost witness",
	[SIM_CLOCK_WRONG] = "wrong clock",
	[SIM_FORGED_VOUCHER] = "forged voucher",
	[SIM_REPLAYED_VOUCHER] = "replayed voucher",
	[SIM_ALTERED_ANSWER] = "altered answer",
	[SIM_REPLAYED_REQUEST] = "replayed request",
	[SIM_ALTERED_REQUEST] = "altered request",
	[SIM_STOLEN_IDENTITY] = "request with another's body",
	[SIM_DIVERTED_DIAL] = "diverted call to a MASA",
	[SIM_REVOCATION] = "revocation",
	[SIM_ROLLOVER] = "roll-over",
	[SIM_ROLLOVER_CUT_SHORT] = "roll-over cut short",
	[SIM_DEVICE_OFF] = "device off during a roll-over",
	[SIM_FLASH_FAILS] = "failing flash",
	[SIM_FLASH_CUT_SHORT] = "power cut between two steps on flash",
	[SIM_DIVERTED_RENEWAL] = "diverted renewal",
	[SIM_CAMPAIGN] = "campaign",
};

const char *
sim_fault_name(enum sim_fault fault)
{
	return names[fault];
}

static struct berth_judge *
any_node(struct sim *sim)
{
	return sim->nodes[sim_below(sim, (uint32_t)sim->node_count)];
}

static enum disk_loss
any_loss(struct sim *sim)
{
	static const enum disk_loss losses[] = {DISK_NOTHING, DISK_ALL, DISK_PREFIX, DISK_SUBSET};
	return losses[sim_below(sim, 4)];
}

static void
crash(struct sim *sim, struct berth_judge *node)
{
	enum sim_fault fault = node->kind == SIM_MASA ? SIM_MASA_CRASH : SIM_REGISTRAR_CRASH;
	if (!node->is_up || !sim->has_fault[fault])
		return;
	sim->faults[fault]++;
	sim_judge_crash(node, any_loss(sim));
}

static void
set_clock_right(struct sim *sim, struct sim_event *event)
{
	struct berth_judge *node = event->what;
	node->skew_s = 0;
	sim_say(sim, "%s: its clock is right", node->name);
}

/* A year off, for a while; a registrar's only by minutes: its certificates outlive the fault. */
static void
set_clock_wrong(struct sim *sim, struct berth_judge *node)
{
	int64_t amount = node->kind == SIM_MASA ? SIM_YEAR_S : 240;
	if (node->skew_s != 0 || !sim->has_fault[SIM_CLOCK_WRONG])
		return;
	node->skew_s = sim_chance(sim, 1, 2) ? amount : -amount;
	sim->faults[SIM_CLOCK_WRONG]++;
	sim_say(sim, "%s: its clock is wrong", node->name);
	sim_at(sim, 1000 + sim_below(sim, 60000), set_clock_right, node, 0, 0);
}

static void
set_device_right(struct sim *sim, struct sim_event *event)
{
	struct sim_device *device = event->what;
	device->skew_s = 0;
	sim_say(sim, "%s: its clock is right", device->serial);
}

static void
set_device_wrong(struct sim *sim)
{
	struct sim_device *device = &sim->devices[sim_below(sim, (uint32_t)sim->device_count)];
	if (!device->trusts_clock || device->skew_s != 0 || !sim->has_fault[SIM_CLOCK_WRONG])
		return;
	device->skew_s = sim_chance(sim, 1, 2) ? SIM_YEAR_S : -SIM_YEAR_S;
	sim->faults[SIM_CLOCK_WRONG]++;
	sim_say(sim, "%s: its clock is wrong", device->serial);
	sim_at(sim, 1000 + sim_below(sim, 400000), set_device_right, device, 0, 0);
}

static void
make_room(struct sim *sim, struct sim_event *event)
{
	struct berth_judge *node = event->what;
	disk_set_full(node->disk, false);
	sim_say(sim, "%s: its disk has room", node->name);
}

static void
fill_disk(struct sim *sim, struct berth_judge *node)
{
	if (!sim->has_fault[SIM_DISK_FULL])
		return;
	disk_set_full(node->disk, true);
	sim_say(sim, "%s: its disk is full", node->name);
	sim_at(sim, 500 + sim_below(sim, 10000), make_room, node, 0, 0);
}

static void
break_something(struct sim *sim, struct sim_event *event)
{
	struct berth_judge *node = any_node(sim);
	(void)event;
	if (!sim->has_faults)
		return;
	set_device_wrong(sim);
	switch (sim_below(sim, 7)) {
	case 0:
		crash(sim, node);
		break;
	case 1:
	case 2:
		if (node->is_up && sim->has_fault[SIM_CRASH_IN_COMMIT])
			disk_set_fuse(node->disk, 1 + sim_below(sim, 40), any_loss(sim));
		break;
	case 3:
		if (sim->has_fault[SIM_FAILED_WRITE])
			disk_fail_writes(node->disk, 1 + sim_below(sim, 3));
		break;
	case 4:
		if (sim->has_fault[SIM_FAILED_SYNC])
			disk_fail_syncs(node->disk, 1 + sim_below(sim, 3));
		break;
	case 5:
		fill_disk(sim, node);
		break;
	default:
		set_clock_wrong(sim, node);
		break;
	}
	sim_at(sim, 100 + sim_below(sim, NEXT_MS), break_something, NULL, 0, 0);
}

static void
end_faults(struct sim *sim, struct sim_event *event)
{
	(void)event;
	sim->has_faults = false;
	sim_say(sim, "the faults are over");
	for (size_t i = 0; i < sim->node_count; i++) {
		struct berth_judge *node = sim->nodes[i];
		node->skew_s = 0;
		disk_set_full(node->disk, false);
		disk_set_fuse(node->disk, 0, DISK_ALL);
		disk_fail_writes(node->disk, 0);
		disk_fail_syncs(node->disk, 0);
	}
}

void
sim_faults_start(struct sim *sim)
{
	if (!sim->conf.has_faults)
		return;
	sim->has_faults = true;
	for (int i = 0; i < SIM_FAULT__COUNT; i++)
		sim->has_fault[i] = sim_chance(sim, 3, 4);
	/* One seed in four restarts nothing. */
	sim->restarts_nothing = sim_chance(sim, 1, 4);
	if (sim->restarts_nothing)
		sim->has_fault[SIM_REGISTRAR_CRASH] = sim->has_fault[SIM_MASA_CRASH] =
			sim->has_fault[SIM_CRASH_IN_COMMIT] =
				sim->has_fault[SIM_CRASH_AFTER_COMMIT] = false;
	sim_at(sim, 3000, break_something, NULL, 0, 0);
	sim_at(sim, SIM_FAULTS_MS, end_faults, NULL, 0, 0);
}

void
sim_faults_count(struct sim *sim)
{
	for (size_t i = 0; i < sim->node_count; i++) {
		const struct disk_counts counts = disk_counts(sim->nodes[i]->disk);
		sim->faults[SIM_FAILED_WRITE] += counts.failed_writes;
		sim->faults[SIM_FAILED_SYNC] += counts.failed_syncs;
		sim->faults[SIM_DISK_FULL] += counts.full;
		sim->faults[SIM_LOST_WRITE] += counts.lost_writes;
		sim->faults[SIM_TORN_WRITE] += counts.torn_writes;
	}
}
