/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What hostile peers do beside running our own programs against us: a rogue registrar forges, replays and alters
 * vouchers; somebody on the wire, or a device that was taken over, sends old requests again, whole, altered, or in its
 * own name. And what operators do: approve, revoke.
 */
#include "sim.h"

#include <stdio.h>

#include "pki/request.h"
#include "protocol/est/client.h"

#define NEXT_MS 4000

/* ---- a rogue registrar's answers ---- */

static void
forge(struct sim *sim, const struct sim_call *call, struct berth_buf *der)
{
	struct berth_signed_voucher pvr = {0};
	struct berth_why why = {0};
	BERTH_ARENA arena;
	const struct sim_maker *rogue = &sim->makers[2];
	berth_arena_start(&arena, (size_t)256 << 10);
	if (berth_voucher_open(sim->pki, berth_buf_view(&call->body), BERTH_VOUCHER_REQUEST_PLEDGE,
			       NULL, &arena, &pvr, &why))
		return;
	const struct berth_voucher voucher = {
		.kind = BERTH_VOUCHER,
		.has_created_on = true,
		.created_on = sim_now(sim, 0, true).wall,
		.assertion = BERTH_ASSERTION_PROXIMITY,
		.serial_number = pvr.voucher.serial_number,
		.nonce = pvr.voucher.nonce,
		.pinned_domain_cert = berth_cert_der(call->server->chain.at[0]),
	};
	const struct berth_cms_fields how = {
		.content_type = BERTH_CMS_ANIMA_VOUCHER,
		.key = rogue->masa_key,
		.signer = rogue->masa_signer,
		.signing_time = voucher.created_on,
	};
	sim_must(berth_voucher_sign(sim->pki, &voucher, &how, der, &why), &why, "forge");
	berth_signed_voucher_free(&pvr);
}

/* A true voucher that went over some wire: of the same device where there is one. */
static const struct sim_call *
true_voucher(struct sim *sim, const struct sim_device *device)
{
	const struct sim_call *found = NULL;
	for (const struct sim_call *call = sim->calls; call != NULL; call = call->next) {
		if (call->status != 200 || call->server->is_rogue ||
		    strcmp(call->path, BERTH_BRSKI_REQUESTVOUCHER_PATH) != 0)
			continue;
		if (found == NULL || call->device == device)
			found = call;
		if (call->device == device && sim_chance(sim, 1, 2))
			break;
	}
	return found;
}

void
sim_rogue_answer(struct sim_call *call)
{
	struct sim *sim = call->server->sim;
	const struct sim_call *old = NULL;
	BERTH_BUF body = {0};
	if (strcmp(call->path, BERTH_BRSKI_REQUESTVOUCHER_PATH) != 0 || call->device == NULL)
		return;
	switch (sim_below(sim, 4)) {
	case 0:
		forge(sim, call, &body);
		sim->faults[SIM_FORGED_VOUCHER] += body.n > 0;
		break;
	case 1:
	case 2:
		old = true_voucher(sim, call->device);
		if (old == NULL)
			return;
		sim_must(berth_buf_append_bytes(&body, berth_buf_view(&old->answer)), NULL, "body");
		if (sim_chance(sim, 1, 2)) {
			body.p[sim_below(sim, (uint32_t)body.n)] ^=
				(uint8_t)(1 + sim_below(sim, 255));
			sim->faults[SIM_ALTERED_ANSWER]++;
		} else {
			sim->faults[SIM_REPLAYED_VOUCHER]++;
		}
		break;
	default:
		return; /* its own program's answer */
	}
	if (body.n == 0)
		return;
	call->status = 200;
	(void)snprintf(call->answer_type, sizeof(call->answer_type), "%s", BERTH_MEDIA_VOUCHER_CMS);
	berth_buf_free(&call->answer);
	call->answer = body;
	body = (struct berth_buf){0};
}

/* ---- old requests again ---- */

static const struct sim_call *
any_call(struct sim *sim)
{
	uint32_t n = sim_below(sim, 400);
	const struct sim_call *call = sim->calls;
	while (call != NULL && n-- > 0 && call->next != NULL)
		call = call->next;
	return call;
}

static const struct sim_device *
any_counterfeit(struct sim *sim)
{
	uint32_t from = sim_below(sim, (uint32_t)sim->device_count);
	for (size_t i = 0; i < sim->device_count; i++) {
		const struct sim_device *device = &sim->devices[(from + i) % sim->device_count];
		if (device->sort == SIM_COUNTERFEIT || device->sort == SIM_DENIED)
			return device;
	}
	return NULL;
}

static void
alter(struct sim *sim, struct berth_buf *body)
{
	if (body->n == 0)
		return;
	uint32_t at = sim_below(sim, (uint32_t)body->n);
	if (sim_chance(sim, 1, 4))
		body->n = at;
	else
		body->p[at] ^= (uint8_t)(1 + sim_below(sim, 255));
}

static void
send_again(struct sim *sim, struct sim_event *event)
{
	const struct sim_call *old = any_call(sim);
	const struct sim_device *rogue = any_counterfeit(sim);
	(void)event;
	if (!sim->has_faults)
		return;
	sim_at(sim, 50 + sim_below(sim, NEXT_MS), send_again, NULL, 0, 0);
	if (old == NULL)
		return;
	const struct berth_http_request http = {
		.method = old->method,
		.path = berth_text(old->path),
		.media_type = berth_text(old->media_type),
		.accept = berth_text(old->accept),
		.body = berth_buf_view(&old->body),
	};
	uint32_t what = sim_below(sim, 3);
	bool is_stolen = what == 0 && rogue != NULL;
	struct sim_call *call = sim_call_new(sim, old->server, &http,
					     is_stolen ? &rogue->idevid_chain : &old->shown);
	call->connection = ++sim->ids;
	call->is_plain = old->is_plain;
	if (what == 1)
		alter(sim, &call->body);
	sim->faults[is_stolen	? SIM_STOLEN_IDENTITY
		    : what == 1 ? SIM_ALTERED_REQUEST
				: SIM_REPLAYED_REQUEST]++;
	sim_call_send(call);
}

void
sim_rogues_start(struct sim *sim)
{
	if (sim->conf.has_faults && sim->conf.has_rogues)
		sim_at(sim, 5000, send_again, NULL, 0, 0);
}

/* ---- a device that was revoked: somebody has its certificate and key ---- */

#define THIEF_MS 120000

static void
renew_in_vain(struct sim *sim, struct sim_event *event)
{
	struct sim_device *device = event->what;
	const struct berth_http_request http = {
		.method = BERTH_HTTP_POST,
		.path = BERTH_LIT(BERTH_EST_SIMPLEREENROLL_PATH),
		.media_type = BERTH_LIT(BERTH_EST_MEDIA_PKCS10),
		.body = berth_buf_view(&device->thief_body),
	};
	struct sim_call *call =
		sim_call_new(sim, sim->registrars[device->owner], &http, &device->thief_chain);
	call->connection = ++sim->ids;
	sim_call_send(call);
	sim_at(sim, THIEF_MS + sim_below(sim, THIEF_MS), renew_in_vain, device, 0, 0);
}

void
sim_rogue_takes_over(struct sim_device *device)
{
	struct sim *sim = device->sim;
	const struct berth_device_state *state = &device->own.state;
	struct berth_why why = {0};
	BERTH_KEY *key = NULL;
	BERTH_BUF der = {0};
	if (!state->is_enrolled)
		return;
	const struct berth_request_fields fields = {
		.subject = berth_cert_subject_der(state->chain.at[0])};
	sim_must(berth_keystore_load(sim->pki, state->key, &key, &why), &why, state->key);
	sim_must(berth_request_build(sim->pki, &fields, key, &der, &why), &why, "request");
	sim_must(berth_est_enroll_body(berth_buf_view(&der), &device->thief_body), NULL, "request");
	sim_must(berth_cert_list_copy(&device->thief_chain, &state->chain, &why), &why, "chain");
	sim_at(sim, 1, renew_in_vain, device, 0, 0);
}

void
sim_rogue_end(struct sim_device *device)
{
	berth_cert_list_free(&device->thief_chain);
	berth_buf_free(&device->thief_body);
}

/* ---- operators ---- */

static void
operate(struct sim *sim, struct sim_event *event)
{
	struct sim_device *device = event->what;
	struct berth_judge *registrar = sim->registrars[device->owner];
	char path[96];
	const char *act = device->sort == SIM_REVOKED ? "revoke" : "approve";
	if (device->is_spoken_for)
		return;
	/* Until the answer says that it is done. */
	sim_at(sim, 20000 + sim_below(sim, 20000), operate, device, 0, 0);
	if (device->sort == SIM_REVOKED && !device->own.state.has_told &&
	    sim->now_ms < SIM_FAULTS_MS + 600000)
		return;
	(void)snprintf(path, sizeof(path), "/v1/devices/%s/%s", device->serial, act);
	if (!registrar->is_up)
		return;
	device->was_asked_for = true;
	if (device->sort == SIM_REVOKED && sim->conf.sabotage == SIM_FORGETS_REVOCATION)
		sim_operator_done(device, 200);
	else
		sim_judge_operate(registrar, path, "", device);
}

void
sim_operators_start(struct sim *sim)
{
	for (size_t i = 0; i < sim->device_count; i++)
		if (sim->devices[i].sort == SIM_ASKS || sim->devices[i].sort == SIM_REVOKED)
			sim_at(sim, 30000 + sim_below(sim, 300000), operate, &sim->devices[i], 0,
			       0);
}

static struct berth_cert *
judge_certificate(struct sim *sim, const struct sim_device *device)
{
	return sim->registrars[device->owner]->chain.at[0];
}

/* The registrar has said yes, and its store holds it. */
void
sim_operator_done(struct sim_device *device, int status)
{
	struct sim *sim = device->sim;
	if (status < 200 || status > 299)
		return;
	device->is_spoken_for = true;
	if (device->sort != SIM_REVOKED)
		return;
	sim->faults[SIM_REVOCATION]++;
	device->is_revoked = true;
	device->revoked_at_ms = sim->now_ms;
	/* Sabotaged, the list is asked for a certificate that it cannot show. */
	if (device->own.state.is_enrolled)
		device->revoked_cert = berth_cert_ref(sim->conf.sabotage == SIM_OLD_LIST
							      ? judge_certificate(sim, device)
							      : device->own.state.chain.at[0]);
	sim_device_reset(device);
}
