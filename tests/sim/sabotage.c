/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules broken on purpose: what nobody has seen an oracle notice, it may not notice. */
#include "sim.h"

#include <sqlite3.h>
#include <stdio.h>

#include "base/hex.h"
#include "protocol/est/client.h"
#include "system/files.h"

static void
leak(struct sim *sim)
{
	char path[SIM_PATH_MAX];
	struct berth_why why = {0};
	BERTH_BUF pem = {0};
	(void)snprintf(path, sizeof(path), "%s/keys/issuing.key", sim->registrars[0]->folder);
	sim_must(berth_file_read(path, 4096, &pem, &why), &why, path);
	(void)dprintf(sim->log, "the key is %.*s\n", (int)pem.n, (const char *)pem.p);
}

void
sim_sabotage_world(struct sim *sim)
{
	for (size_t i = 0; i < sim->node_count && sim->conf.sabotage == SIM_LYING_DISK; i++)
		disk_lie_about_syncs(sim->nodes[i]->disk, true);
	if (sim->conf.sabotage == SIM_PLEDGE_TRUSTS_ROGUE)
		sim->devices[0].anchors = &sim->makers[2].anchors;
	if (sim->conf.sabotage == SIM_LEAKS_KEY)
		leak(sim);
	/* So that counterfeits are not onboarded, only worked for. */
	if (sim->conf.sabotage == SIM_TRUSTS_ROGUE_MAKER)
		sim->masas[2]->port = 1;
}

void
sim_sabotage_restart(struct berth_judge *judge)
{
	const char *path =
		judge->kind == SIM_MASA ? BERTH_MASA_WITNESS_FILE : BERTH_REGISTRAR_WITNESS_FILE;
	char witness[SIM_PATH_MAX];
	struct berth_why why = {0};
	if (judge->sim->conf.sabotage == SIM_SPOILED_AUDIT)
		(void)disk_spoil(judge->disk, ".db", BERTH_LIT("asked of the signer"));
	if (judge->sim->conf.sabotage != SIM_GARBLED_WITNESS)
		return;
	(void)snprintf(witness, sizeof(witness), "%s/%s", judge->state, path);
	sim_must(berth_file_write(witness, BERTH_LIT("berth-witness-1 ?"), 0600, &why), &why,
		 witness);
}

/* And whoever it is connected to then may change its CA set. */
void
sim_sabotage_saved(struct sim_device *device)
{
	struct sim *sim = device->sim;
	struct berth_device_state *state = &device->own.state;
	struct berth_why why = {0};
	if (sim->conf.sabotage != SIM_TRUSTS_ROGUE_CA || !state->is_enrolled)
		return;
	sim_must(berth_cert_list_add(&state->ca_set, sim->registrars[2]->authorities.at[0], &why),
		 &why, "rogue CA");
	sim_must(berth_device_state_save(device->folder, state, &why), &why, "rogue CA");
}

void
sim_sabotage_reply(struct berth_judge *judge, const struct sim_call *call)
{
	char path[SIM_PATH_MAX];
	sqlite3 *db = NULL;
	if (judge->sim->conf.sabotage != SIM_DOUBLES_CERTIFICATE ||
	    strcmp(call->path, BERTH_EST_SIMPLEENROLL_PATH) != 0)
		return;
	(void)snprintf(path, sizeof(path), "%s/registrar.db", judge->state);
	int rc = sqlite3_open(path, &db);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(
			db,
			"INSERT INTO certificate (device, permission, issuer_key_id, "
			"serial, subject, not_after, state, key_sha256, der, made_at) "
			"SELECT device, -row, issuer_key_id, randomblob(16), subject, "
			"not_after, 1, key_sha256, randomblob(8), made_at FROM certificate "
			"WHERE state = 1",
			NULL, NULL, NULL);
	sqlite3_close(db);
	sim_must(rc == SQLITE_OK ? BERTH_OK : BERTH_E_IO, NULL, "a double");
}
