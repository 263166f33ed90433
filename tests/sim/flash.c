/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device's flash: role/device's own agent_key.c, keeper_key.c and state.c on real files; their loop shells are played.
 * The power may go between any two of their steps, and the flash may fail: its folder is not there then.
 */
#include "sim.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/device/key_name.h"
#include "system/files.h"
#include "system/random.h"

#define KEY_FILE_MAX 4096

/* ---- what agent_key.c and keeper_key.c call of their shells ---- */

static struct sim_device *
of_agent(const struct agent *agent)
{
	return (struct sim_device *)(uintptr_t)((const char *)agent -
						offsetof(struct sim_device, agent));
}

static struct sim_device *
of_keeper(const struct keeper *keeper)
{
	return (struct sim_device *)(uintptr_t)((const char *)keeper -
						offsetof(struct sim_device, keeper));
}

struct berth_now
agent_now(const struct agent *agent)
{
	const struct sim_device *device = of_agent(agent);
	return sim_now(device->sim, device->skew_s, device->trusts_clock);
}

struct berth_now
keeper_now(const struct keeper *keeper)
{
	const struct sim_device *device = of_keeper(keeper);
	return sim_now(device->sim, device->skew_s, device->trusts_clock);
}

void
agent_wake(struct agent *agent)
{
	(void)agent; /* who gave it something serves it */
}

void
keeper_wake(struct keeper *keeper)
{
	(void)keeper;
}

void
agent_end(struct agent *agent, enum berth_err outcome, const struct berth_why *why)
{
	(void)agent; /* device.c ends it */
	(void)outcome;
	(void)why;
}

/* ---- life ---- */

void
sim_flash_open(struct sim_device *device)
{
	struct sim *sim = device->sim;
	struct berth_why why = {0};
	(void)snprintf(device->folder, sizeof(device->folder), "%s/device-%zu", sim->folder,
		       device->index);
	sim_must(berth_folder_make(device->folder, 0700, &why), &why, device->folder);
	device->own_conf = (struct berth_device_conf){.state_directory = device->folder,
						      .key_kind = "P-256",
						      .check_every_s = SIM_CHECK_S};
	device->own = (struct berth_device){.conf = &device->own_conf,
					    .pki = sim->pki,
					    .lock = -1,
					    .log = berth_log_open("berth-device", false)};
	(void)snprintf(device->own.ldevid_pattern, sizeof(device->own.ldevid_pattern),
		       "file:%s/ldevid-" BERTH_DEVICE_KEY_MARK ".key", device->folder);
	device->agent.device = &device->own;
	device->keeper.device = &device->own;
}

/* As the program does it when it starts. */
void
sim_flash_load(struct sim_device *device)
{
	struct berth_device_state *state = &device->own.state;
	struct berth_why why = {0};
	size_t count = 0;
	device->own_conf.state_directory = device->folder;
	device->keeper.key_uri[0] = '\0';
	device->agent.key_attempt = 0;
	berth_device_state_free(state);
	*state = (struct berth_device_state){0};
	enum berth_err err = berth_device_state_load(device->sim->pki, device->folder, state, &why);
	if (device->sim->conf.sabotage == SIM_LEAVES_KEY)
		state->pending_count = 0;
	err = err ? err
		  : berth_device_state_tidy(device->sim->pki, device->folder, state, &count, &why);
	if (err) {
		sim_break(device->sim, "keys", "%s does not start: %s: %s", device->serial,
			  why.rule, why.sentence);
		return;
	}
	if (count > 0)
		sim_say(device->sim, "%s: tidied %zu keys", device->serial, count);
	sim_oracle_keys(device);
}

void
sim_flash_end(struct sim_device *device)
{
	berth_device_state_free(&device->own.state);
}

size_t
sim_flash_keys(const struct sim_device *device)
{
	char **names = NULL;
	size_t n = 0;
	struct berth_why why = {0};
	sim_must(berth_folder_names(device->folder, ".key", 64, &names, &n, &why), &why, "keys");
	berth_folder_names_free(names, n);
	return n;
}

/* ---- what lasts ---- */

static void
plant(struct sim_device *device, const char *uri)
{
	const char *path = uri + strlen("file:");
	if (uri[0] != '\0' && access(path, F_OK) == 0)
		sim_secret_add_key_file(device->sim, path);
}

/* The name is noted, and the key is there or not; nobody has heard of it. */
static bool
is_cut_short_making(struct sim_device *device)
{
	char uri[BERTH_KEY_URI_MAX];
	BERTH_KEY *key = NULL;
	struct berth_why why = {0};
	const struct berth_random random = berth_system_random();
	if (!sim_fault(device->sim, SIM_FLASH_CUT_SHORT, 1, 60))
		return false;
	sim_must(berth_device_key_name(device->own.pki, device->own.ldevid_pattern, &random, uri,
				       &why),
		 &why, "key name");
	sim_must(berth_device_state_intend_key(device->folder, &device->own.state, uri, &why), &why,
		 "intent");
	if (sim_chance(device->sim, 1, 2)) {
		sim_must(berth_keystore_generate(device->own.pki, uri, "P-256", &key, &why), &why,
			 "key");
		plant(device, uri);
	}
	sim_say(device->sim, "%s: the power goes while it makes a key", device->serial);
	sim_device_crash(device);
	return true;
}

static bool
fails(struct sim_device *device)
{
	static char no_folder[PATH_MAX + 1];
	if (!sim_fault(device->sim, SIM_FLASH_FAILS, 1, 40))
		return false;
	sim_say(device->sim, "%s: its flash fails", device->serial);
	/* Longer than a path may be, and the same in all runs: devices tell their registrar why they failed. */
	memset(no_folder, '/', sizeof(no_folder) - 1);
	device->own_conf.state_directory = no_folder;
	return true;
}

bool
sim_flash_make_key(struct sim_device *device, const struct berth_pledge_event *pledge,
		   const struct berth_renewal_event *renewal)
{
	if (is_cut_short_making(device))
		return true;
	(void)fails(device);
	if (pledge != NULL) {
		agent_generate_key(&device->agent, pledge);
		plant(device, device->agent.key_uri);
	} else {
		keeper_generate_key(&device->keeper, renewal);
		plant(device, device->keeper.key_uri);
	}
	device->own_conf.state_directory = device->folder;
	return false;
}

struct old_key {
	char uri[BERTH_KEY_URI_MAX];
	struct berth_buf bytes;
};

/* The state of the moment after the new one was written: it lists the old key, which is still there. */
static bool
is_cut_short_saving(struct sim_device *device, const struct old_key *old)
{
	struct berth_device_state *state = &device->own.state;
	struct berth_why why = {0};
	if (old->bytes.n == 0 || strcmp(old->uri, state->key) == 0 ||
	    !sim_fault(device->sim, SIM_FLASH_CUT_SHORT, 1, 6))
		return false;
	sim_must(berth_file_write(old->uri + strlen("file:"), berth_buf_view(&old->bytes), 0600,
				  &why),
		 &why, "old key");
	sim_must(berth_device_state_intend_key(device->folder, state, old->uri, &why), &why,
		 "old key");
	sim_say(device->sim, "%s: the power goes before its old key", device->serial);
	sim_device_crash(device);
	return true;
}

bool
sim_flash_save(struct sim_device *device, const struct berth_pledge_event *pledge,
	       const struct berth_renewal_event *renewal)
{
	struct old_key old = {0};
	struct berth_why why = {0};
	bool is_new = pledge != NULL || renewal->is_renewed;
	(void)snprintf(old.uri, sizeof(old.uri), "%s", device->own.state.key);
	if (old.uri[0] != '\0')
		sim_must(berth_file_read(old.uri + strlen("file:"), KEY_FILE_MAX, &old.bytes, &why),
			 &why, old.uri);
	bool has_failed = fails(device);
	if (pledge != NULL)
		agent_save(&device->agent, pledge);
	else
		keeper_save(&device->keeper, renewal);
	device->own_conf.state_directory = device->folder;
	if (is_new && !has_failed)
		device->saved_at_ms = device->sim->now_ms;
	bool dies = is_cut_short_saving(device, &old);
	berth_buf_free(&old.bytes);
	return dies;
}
