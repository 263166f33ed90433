/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In the middle of a run, each owner stops his registrar, or finds it crashed, rolls its issuing CA over by what "berth
 * registrar rollover" calls, and starts it with the configuration that this leaves; at times the power goes before it
 * is in force, and he does it again. Some devices are off meanwhile. And campaigns that re-key the fleet.
 */
#include "sim.h"

#include <stdio.h>
#include <unistd.h>

#include "role/registrar/rollover.h"
#include "system/files.h"

#define CONF_MAX ((size_t)64 << 10)

/* ---- certificates that the world knows to be the owner's ---- */

static bool
has_key(const struct berth_cert_list *list, const struct berth_cert *cert)
{
	for (size_t i = 0; i < list->n; i++)
		if (berth_key_equal(berth_cert_key(list->at[i]), berth_cert_key(cert)))
			return true;
	return false;
}

/* The chain that TLS shows now; the farthest first, so that the issuing CA comes last. */
void
sim_know_chain(struct berth_judge *registrar)
{
	struct sim *sim = registrar->sim;
	struct berth_why why = {0};
	berth_cert_list_free(&registrar->chain);
	sim_must(berth_registrar_load_certificates(
			 sim->pki, "tls", registrar->registrar_settings.daemon.tls_certificates,
			 &registrar->chain, &why),
		 &why, "chain");
	for (size_t i = registrar->chain.n; i-- > 0;) {
		struct berth_cert *cert = registrar->chain.at[i];
		sim_must(berth_cert_list_add(&registrar->shown_ever, cert, &why), &why, "chain");
		if (i > 0 && !has_key(&registrar->authorities, cert))
			sim_must(berth_cert_list_add(&registrar->authorities, cert, &why), &why,
				 "chain");
	}
}

/* ---- the roll-over ---- */

static void stop_for_rollover(struct sim *sim, struct sim_event *event);

/* Written last, gone first: what stands is what a power cut in the middle had left. */
static void
cut_short(struct berth_judge *registrar, const struct berth_rollover_made *made)
{
	struct sim *sim = registrar->sim;
	char drop_in[SIM_PATH_MAX + 64];
	char key[SIM_PATH_MAX + 64];
	(void)snprintf(drop_in, sizeof(drop_in), "%s/registrar.conf.d/" BERTH_ROLLOVER_DROP_IN,
		       registrar->folder);
	(void)snprintf(key, sizeof(key), "%s/keys/issuing-%zu.key", registrar->folder,
		       made->number);
	const char *const written[] = {drop_in, made->registrar, made->issuing, made->former, key};
	uint32_t n = 1 + sim_below(sim, 5);
	for (uint32_t i = 0; i < n; i++)
		sim_must(unlink(written[i]) != 0 ? BERTH_E_IO : BERTH_OK, NULL, written[i]);
	sim_say(sim, "%s: its roll-over is cut short, %u steps before the end", registrar->name, n);
	sim_at(sim, 5000 + sim_below(sim, 60000), stop_for_rollover, registrar, 0, 0);
}

/* registrar.conf as "berth registrar init" made it, and the drop-in; of them, what a roll-over changes. */
static void
take_configuration(struct berth_judge *registrar)
{
	struct berth_registrar_settings loaded = {0};
	struct berth_registrar_settings *settings = &registrar->registrar_settings;
	struct berth_why why = {0};
	char paths[2][SIM_PATH_MAX];
	struct berth_buf texts[2] = {{0}};
	struct berth_conf_text sources[2];
	(void)snprintf(paths[0], sizeof(paths[0]), "%s/registrar.conf", registrar->folder);
	(void)snprintf(paths[1], sizeof(paths[1]), "%s/registrar.conf.d/" BERTH_ROLLOVER_DROP_IN,
		       registrar->folder);
	for (size_t i = 0; i < 2; i++) {
		sim_must(berth_file_read(paths[i], CONF_MAX, &texts[i], &why), &why, paths[i]);
		sources[i] = (struct berth_conf_text){paths[i], berth_buf_view(&texts[i])};
	}
	sim_must(berth_conf_parse(&berth_registrar_schema, sources, 2, &registrar->rolled_conf,
				  &loaded, &why),
		 &why, "configuration");
	berth_buf_free(&texts[0]);
	berth_buf_free(&texts[1]);
	settings->daemon.tls_certificates = loaded.daemon.tls_certificates;
	settings->issuing_certificates = loaded.issuing_certificates;
	settings->issuing_key = loaded.issuing_key;
	settings->formers = loaded.formers;
}

static void
find_in_force(struct berth_judge *registrar)
{
	struct sim *sim = registrar->sim;
	struct berth_registrar_settings before = registrar->registrar_settings;
	take_configuration(registrar);
	sim_know_chain(registrar);
	registrar->has_rolled_over = true;
	sim->rolled_over++;
	sim->faults[SIM_ROLLOVER]++;
	sim_say(sim, "%s: issues from a new CA", registrar->name);
	if (sim->conf.sabotage != SIM_FORGETS_ROLLOVER)
		return;
	registrar->registrar_settings = before;
	sim_know_chain(registrar);
}

void
sim_rollover(struct berth_judge *registrar)
{
	struct sim *sim = registrar->sim;
	struct berth_rollover_made made;
	struct berth_why why = {0};
	char key[SIM_PATH_MAX];
	const struct berth_rollover_plan plan = {
		.directory = registrar->folder,
		.settings = &registrar->registrar_settings,
		.now = sim_now(sim, registrar->skew_s, true).wall,
	};
	registrar->wants_rollover = false;
	sim_must(berth_rollover(sim->pki, &plan, &made, &why), &why, "roll-over");
	(void)snprintf(key, sizeof(key), "%s/keys/issuing-%zu.key", registrar->folder, made.number);
	sim_secret_add_key_file(sim, key);
	if (sim_fault(sim, SIM_ROLLOVER_CUT_SHORT, 1, 2))
		cut_short(registrar, &made);
	else
		find_in_force(registrar);
}

static void
stop_for_rollover(struct sim *sim, struct sim_event *event)
{
	static const enum disk_loss losses[] = {DISK_NOTHING, DISK_NOTHING, DISK_ALL, DISK_SUBSET};
	struct berth_judge *registrar = event->what;
	sim_say(sim, "%s: is to roll over", registrar->name);
	registrar->wants_rollover = true;
	if (registrar->is_up)
		sim_judge_crash(registrar, losses[sim->has_faults ? sim_below(sim, 4) : 0]);
	for (size_t i = 0; i < sim->device_count; i++) {
		struct sim_device *device = &sim->devices[i];
		if (sim->registrars[device->owner] != registrar || !device->is_up ||
		    !sim_fault(sim, SIM_DEVICE_OFF, 1, 4))
			continue;
		sim_device_off(device, 30000 + sim_below(sim, 900000));
	}
}

/* ---- campaigns ---- */

static void
begin_campaign(struct sim *sim, struct sim_event *event)
{
	static const char *const wishes[] = {"{\"rate-per-minute\":5}", "{\"rate-per-minute\":20}",
					     "{\"rate-per-minute\":600}"};
	struct berth_judge *registrar = event->what;
	if (registrar->has_campaign)
		return;
	sim_at(sim, 20000, begin_campaign, registrar, 0, 0); /* until it is known to run */
	if (!registrar->is_up)
		return;
	registrar->campaign_at_ms = sim->now_ms;
	sim_judge_operate(registrar, "/v1/rekey", wishes[sim_below(sim, 3)], NULL);
}

/* 409: it began, and the answer was lost. */
void
sim_campaign_begun(struct berth_judge *registrar, int status)
{
	if (registrar->has_campaign || (status != 200 && status != 409))
		return;
	registrar->has_campaign = true;
	registrar->sim->faults[SIM_CAMPAIGN]++;
}

void
sim_rollovers_start(struct sim *sim)
{
	for (size_t i = 0; i < 2; i++) {
		/* Where nothing else restarts, early: what only a restart heals is to show afterwards. */
		int64_t at = sim->restarts_nothing ? 20000 + sim_below(sim, 80000)
						   : 60000 + sim_below(sim, 780000);
		sim_at(sim, at, stop_for_rollover, sim->registrars[i], 0, 0);
		if (sim_chance(sim, 1, 2))
			sim_at(sim, 60000 + sim_below(sim, 780000), begin_campaign,
			       sim->registrars[i], 0, 0);
	}
}
