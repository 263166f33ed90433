/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/dpp_hand_over.h"

#include <stdlib.h>

#include "codec/dpp_uri.h"
#include "protocol/dpp/configurator.h"
#include "role/registrar/dpp_pipe.h"
#include "system/clock.h"

struct giving {
	struct berth_pki *pki;
	const struct berth_dpp_hand_over *how;
	struct berth_random random;
	struct berth_secret scalar;
	struct berth_dpp_bootstrapping own;
	struct berth_dpp_pipe pipe;
	struct berth_dpp_auth *auth;
	struct berth_dpp_configurator *configurator;
	bool is_accepted, is_over;
};

static struct berth_mono
mono(void)
{
	return berth_clock_now().mono;
}

static enum berth_err
make_own(struct giving *g, struct berth_why *why)
{
	struct berth_ec_point point;
	BERTH_BUF code = {0};
	enum berth_err err =
		berth_ec_generate(g->pki, BERTH_EC_P256, &g->random, &g->scalar, &point, why);

	err = err ? err : berth_dpp_bootstrapping_of(g->pki, &point, &g->own, why);
	err = err ? err : berth_dpp_pipe_code(&point, &code, why);
	if (!err)
		g->how->show(berth_buf_view(&code));
	return err;
}

static struct berth_bytes
trim(const char *text)
{
	struct berth_bytes b = berth_text(text);

	while (b.n > 0 && b.p[b.n - 1] <= ' ')
		b.n--;
	while (b.n > 0 && b.p[0] <= ' ')
		b = berth_bytes_of(b.p + 1, b.n - 1);
	return b;
}

static enum berth_err
take_peer(struct giving *g, struct berth_why *why)
{
	char text[BERTH_DPP_URI_MAX_BYTES + 2];
	struct berth_dpp_uri code;
	struct berth_dpp_bootstrapping peer;

	if (!g->how->ask(text, sizeof(text)))
		return berth_fail(why, BERTH_E_USAGE, "dpp-hand-over", NULL,
				  "nobody told the other's code");
	enum berth_err err = berth_dpp_uri_parse(trim(text), &code, why);
	err = err ? err
		  : berth_dpp_bootstrapping_parse(g->pki, berth_bytes_of(code.spki, code.spki_n),
						  &peer, why);
	return err ? err : berth_dpp_auth_peer(g->auth, mono(), &peer, why);
}

static enum berth_err
send_outputs(struct giving *g, struct berth_why *why)
{
	struct berth_bytes body;
	enum berth_err err = BERTH_OK;

	while (!err &&
	       (berth_dpp_auth_output(g->auth, &body) ||
		(g->configurator != NULL && berth_dpp_configurator_output(g->configurator, &body))))
		err = berth_dpp_pipe_send(&g->pipe, body, why);
	return err;
}

static enum berth_err
serve_auth(struct giving *g, const struct berth_dpp_auth_event *event, struct berth_why *why)
{
	struct berth_ec_point product = {0};
	struct berth_dpp_secrets secrets = {0};
	const struct berth_dpp_configurator_conf conf = {.pki = g->pki, .random = g->random};
	enum berth_err err = BERTH_OK;

	switch (event->kind) {
	case BERTH_DPP_AUTH_MULTIPLY:
		err = berth_ec_multiply(g->pki, &g->scalar, &event->point, &product, why);
		return berth_dpp_auth_answer(g->auth, mono(), err, &product, why);
	case BERTH_DPP_AUTH_PEER_WANTED:
		err = send_outputs(g, why); /* it is told to wait */
		return err ? err : take_peer(g, why);
	case BERTH_DPP_AUTH_DONE:
		berth_dpp_auth_take(g->auth, &secrets);
		err = berth_dpp_configurator_start(&conf, &secrets, mono(), &g->configurator, why);
		berth_dpp_secrets_free(&secrets);
		return err;
	case BERTH_DPP_AUTH_FAILED:
		*why = event->why;
		return event->why.err;
	case BERTH_DPP_AUTH_PENDING:
		break;
	}
	return BERTH_OK;
}

static enum berth_err
configure(struct giving *g, const struct berth_dpp_request *request, struct berth_why *why)
{
	struct berth_dpp_configurator_answer answer = {.status = BERTH_DPP_CONFIGURE_FAILURE};
	BERTH_BUF der = {0};
	enum berth_err err = BERTH_OK;

	if (request->net_role == BERTH_DPP_NET_CONFIGURATOR) {
		err = berth_dpp_backup_seal(g->pki, &g->random,
					    berth_dpp_configurator_secrets(g->configurator),
					    g->how->backup, &der, why);
		answer = (struct berth_dpp_configurator_answer){.status = BERTH_DPP_OK,
								.enveloped = berth_buf_view(&der)};
	}
	return err ? err : berth_dpp_configurator_answer(g->configurator, mono(), &answer, why);
}

static enum berth_err
serve_configurator(struct giving *g, const struct berth_dpp_configurator_event *event,
		   struct berth_why *why)
{
	switch (event->kind) {
	case BERTH_DPP_CONFIGURE:
		return configure(g, event->request, why);
	case BERTH_DPP_RESULT:
		g->is_accepted = event->status == BERTH_DPP_OK;
		g->is_over = true;
		return BERTH_OK;
	case BERTH_DPP_CONFIGURATION_FAILED:
		*why = event->why;
		return event->why.err;
	case BERTH_DPP_CONNECTION:
	case BERTH_DPP_CONFIGURED:
		break;
	}
	return BERTH_OK;
}

static enum berth_err
serve(struct giving *g, struct berth_why *why)
{
	struct berth_dpp_auth_event auth;
	struct berth_dpp_configurator_event event;
	enum berth_err err = BERTH_OK;

	for (bool has_moved = true; !err && has_moved;) {
		has_moved = g->configurator == NULL && berth_dpp_auth_event(g->auth, &auth);
		if (has_moved) {
			err = serve_auth(g, &auth, why);
		} else if (g->configurator != NULL &&
			   berth_dpp_configurator_event(g->configurator, &event)) {
			has_moved = true;
			err = serve_configurator(g, &event, why);
		}
		enum berth_err sent = send_outputs(g, why);
		err = err ? err : sent;
	}
	return err;
}

static enum berth_err
take(struct giving *g, const struct berth_dpp_frame *frame, struct berth_why *why)
{
	const struct berth_dpp_auth_conf conf = {
		.pki = g->pki,
		.random = g->random,
		.version = BERTH_DPP_VERSION_MAX,
		.roles = BERTH_DPP_CONFIGURATOR,
		.own = g->own,
		.requires_mutual = true,
	};

	if (g->auth == NULL)
		return berth_dpp_auth_respond(&conf, mono(), frame, &g->auth, why);
	return g->configurator != NULL
		       ? berth_dpp_configurator_input(g->configurator, mono(), frame, why)
		       : berth_dpp_auth_input(g->auth, mono(), frame, why);
}

static enum berth_err
run(struct giving *g, struct berth_why *why)
{
	struct berth_mono end = berth_mono_after_ms(mono(), BERTH_DPP_HAND_OVER_TIMEOUT_MS);
	struct berth_dpp_frame frame;
	struct berth_bytes body;
	enum berth_err err =
		berth_dpp_pipe_accept(&g->pipe, g->how->listen, end, g->how->listening, why);

	while (!err && !g->is_over) {
		err = berth_dpp_pipe_receive(&g->pipe, end, &body, why);
		err = err ? err : berth_dpp_frame_parse(body, &frame, why);
		err = err ? err : take(g, &frame, why);
		err = err ? err : serve(g, why);
	}
	if (!err && !g->is_accepted)
		err = berth_fail(why, BERTH_E_DENIED, "dpp-hand-over", NULL,
				 "the other refused what it was given");
	return err;
}

enum berth_err
berth_dpp_hand_over(struct berth_pki *pki, const struct berth_dpp_hand_over *how,
		    struct berth_why *why)
{
	struct giving *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	*g = (struct giving){
		.pki = pki, .how = how, .random = berth_pki_random(pki), .pipe = {.fd = -1}};
	enum berth_err err = make_own(g, why);
	err = err ? err : run(g, why);
	berth_dpp_pipe_close(&g->pipe);
	berth_dpp_configurator_end(g->configurator);
	berth_dpp_auth_end(g->auth);
	berth_secret_free(&g->scalar);
	free(g);
	return err;
}
