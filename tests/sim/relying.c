/* SPDX-License-Identifier: BSD-2-Clause */
/* A relying party, without TLS, asks each owner's registrar for its revocation list, again and again. */
#include "sim.h"

#include <stdio.h>

#include "base/hex.h"
#include "pki/crl.h"
#include "role/registrar/addresses.h"

#define AGAIN_MS 15000

static void
ask(struct sim *sim, struct sim_event *event)
{
	struct berth_judge *registrar = event->what;
	char key[2 * 64 + 1];
	char path[96];
	/* One of its issuing CAs; what a former one issued is revoked in its own list. */
	uint32_t n = (uint32_t)registrar->authorities.n - 1;
	const struct berth_cert *issuing = registrar->authorities.at[1 + sim_below(sim, n)];
	(void)snprintf(path, sizeof(path), BERTH_CRL_PATH "%s.crl",
		       berth_hex_text(berth_cert_ski(issuing), key, sizeof(key)));
	const struct berth_http_request http = {.method = BERTH_HTTP_GET, .path = berth_text(path)};
	struct sim_call *call = sim_call_new(sim, registrar, &http, NULL);
	call->is_plain = true;
	sim_call_send(call);
	sim_at(sim, AGAIN_MS + sim_below(sim, AGAIN_MS), ask, registrar, 0, 0);
}

void
sim_relying_start(struct sim *sim)
{
	for (size_t i = 0; i < 2; i++)
		sim_at(sim, sim_below(sim, AGAIN_MS), ask, sim->registrars[i], 0, 0);
}

static const struct berth_cert *
find_issuer(const struct berth_judge *judge, const struct berth_crl *crl, struct berth_why *why)
{
	struct berth_wall now = sim_now(judge->sim, judge->skew_s, true).wall;
	for (size_t i = 1; i < judge->authorities.n; i++)
		if (berth_crl_verify(judge->sim->pki, crl, judge->authorities.at[i], now, why) ==
		    BERTH_OK)
			return judge->authorities.at[i];
	return NULL;
}

/* A list that leaves after an operator was told "revoked" shows it. */
void
sim_oracle_list(struct berth_judge *judge, struct berth_bytes der)
{
	struct sim *sim = judge->sim;
	struct berth_crl *crl = NULL;
	struct berth_why why = {0};
	sim->checks++;
	if (berth_crl_parse(sim->pki, der, &crl, &why)) {
		sim_break(sim, "revocation", "%s publishes no list: %s", judge->name, why.sentence);
		return;
	}
	const struct berth_cert *issuing = find_issuer(judge, crl, &why);
	if (issuing == NULL)
		sim_break(sim, "revocation", "%s publishes a list that does not hold: %s",
			  judge->name, why.sentence);
	for (size_t i = 0; i < sim->device_count; i++) {
		const struct sim_device *device = &sim->devices[i];
		if (device->revoked_cert == NULL || sim->registrars[device->owner] != judge ||
		    device->revoked_at_ms >= sim->now_ms || issuing == NULL ||
		    (sim->conf.sabotage != SIM_OLD_LIST &&
		     !berth_bytes_equal(berth_cert_aki_key_id(device->revoked_cert),
					berth_cert_ski(issuing))))
			continue;
		if (berth_crl_check(crl, device->revoked_cert, &why) != BERTH_E_DENIED)
			sim_break(sim, "revocation", "%s publishes a list without %s", judge->name,
				  device->serial);
		sim->lists_checked++;
	}
	berth_crl_free(crl);
}
