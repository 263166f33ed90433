/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device that is on asks for a new certificate with a new key (RFC 7030 4.2.2), the same bytes again and again until it
 * has one; and a revoked one, with what it has kept, in vain.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

#include "pki/request.h"
#include "protocol/est/client.h"

#define PATH "/.well-known/est/simplereenroll"
#define AGAIN_MS 20000

static void
build(struct sim_device *device, struct berth_key *key, struct berth_buf *body)
{
	const struct berth_cert *cert = device->saved_chain.at[0];
	struct berth_why why = {0};
	BERTH_BUF der = {0};
	const struct berth_request_fields fields = {
		.common_name = berth_cert_subject_common_name(cert),
		.serial_number = berth_cert_subject_serial_number(cert),
		.organization = berth_cert_subject_organization(cert),
		.unit = berth_cert_subject_unit(cert),
	};
	sim_must(berth_request_build(device->sim->pki, &fields, key, &der, &why), &why, "request");
	sim_must(berth_est_enroll_body(berth_buf_view(&der), body), NULL, "request");
}

static void
send(struct sim_device *device)
{
	struct sim *sim = device->sim;
	const struct berth_http_request http = {
		.method = BERTH_HTTP_POST,
		.path = BERTH_LIT(PATH),
		.media_type = BERTH_LIT(BERTH_EST_MEDIA_PKCS10),
		.body = berth_buf_view(&device->renewal_body),
	};
	struct berth_judge *server = sim_find_server(sim, berth_text(device->saved_candidate.host),
						     device->saved_candidate.port);
	struct sim_call *call = sim_call_new(sim, server, &http, &device->saved_chain);
	call->device = device;
	call->life = device->life;
	call->connection = ++sim->ids;
	call->is_renewal = true;
	sim_call_send(call);
}

static void
renew(struct sim *sim, struct sim_event *event)
{
	struct sim_device *device = event->what;
	char uri[BERTH_KEY_URI_MAX];
	if (device->life != event->life || !device->is_told || device->is_renewed)
		return;
	if (device->renewal_key == NULL) {
		(void)snprintf(uri, sizeof(uri), "file:%s/renewal-%llu.key", sim->folder,
			       (unsigned long long)++sim->ids);
		device->renewal_key = sim_key(sim, uri, false);
		build(device, device->renewal_key, &device->renewal_body);
	}
	send(device);
	sim_at(sim, AGAIN_MS + sim_below(sim, AGAIN_MS), renew, device, device->life, 0);
}

void
sim_renew_start(struct sim_device *device)
{
	struct sim *sim = device->sim;
	sim_at(sim, 5000 + sim_below(sim, 200000), renew, device, device->life, 0);
}

void
sim_renew_answer(struct sim_call *call)
{
	struct sim_device *device = call->device;
	struct sim *sim = device->sim;
	struct berth_why why = {0};
	BERTH_CERT_LIST list = {0};
	if (call->status != 200 || call->life != device->life || device->is_renewed)
		return;
	sim_must(berth_est_certs_parse(sim->pki, berth_text(call->answer_type),
				       berth_buf_view(&call->answer), &list, &why),
		 &why, PATH);
	if (!berth_key_equal(berth_cert_key(list.at[0]), device->renewal_key)) {
		sim_break(sim, "renewal", "%s got a certificate for another key", device->serial);
		return;
	}
	sim_say(sim, "%s: is renewed", device->serial);
	berth_cert_list_free(&device->saved_chain);
	for (size_t i = 0; i < list.n; i++)
		sim_must(berth_cert_list_add(&device->saved_chain, list.at[i], NULL), NULL, PATH);
	berth_key_free(device->saved_key);
	device->saved_key = device->renewal_key;
	device->renewal_key = NULL;
	device->is_renewed = true;
	sim->renewed++;
}

/* Somebody took it over before it was reset: he has its certificate and key. */
void
sim_renew_in_vain(struct sim_device *device)
{
	if (!device->is_saved)
		return;
	berth_buf_clear(&device->renewal_body);
	build(device, device->saved_key, &device->renewal_body);
	send(device);
}

void
sim_renew_end(struct sim_device *device)
{
	berth_key_free(device->renewal_key);
	device->renewal_key = NULL;
	berth_buf_free(&device->renewal_body);
}
