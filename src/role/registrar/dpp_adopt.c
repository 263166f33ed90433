/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/dpp_adopt.h"

#include <stdlib.h>

#include "codec/dpp_uri.h"
#include "protocol/dpp/enrollee.h"
#include "role/registrar/dpp_pipe.h"
#include "system/clock.h"

struct adoption {
	struct berth_pki *pki;
	struct berth_random random;
	struct berth_secret scalar; /* of a bootstrapping key for this alone */
	struct berth_dpp_pipe pipe;
	struct berth_dpp_auth *auth;
	struct berth_dpp_enrollee *enrollee;
	struct berth_dpp_backup *backup;
	void (*show)(struct berth_bytes code);
	struct berth_buf code;
	bool has_backup, is_over;
};

static struct berth_mono
mono(void)
{
	return berth_clock_now().mono;
}

/* ---- machines ---- */

static enum berth_err
begin(struct adoption *a, const struct berth_dpp_bootstrapping *peer, struct berth_why *why)
{
	struct berth_ec_point point;
	struct berth_dpp_auth_conf conf = {
		.pki = a->pki,
		.random = a->random,
		.version = BERTH_DPP_VERSION_MAX,
		.roles = BERTH_DPP_ENROLLEE,
		.has_peer = true,
		.peer = *peer,
	};
	enum berth_err err =
		berth_ec_generate(a->pki, peer->point.curve, &a->random, &a->scalar, &point, why);

	err = err ? err : berth_dpp_bootstrapping_of(a->pki, &point, &conf.own, why);
	if (!err)
		err = berth_dpp_pipe_code(&point, &a->code, why);
	if (!err)
		a->show(berth_buf_view(&a->code));
	return err ? err : berth_dpp_auth_initiate(&conf, mono(), &a->auth, why);
}

static enum berth_err
ask_for_keys(struct adoption *a, struct berth_why *why)
{
	struct berth_dpp_secrets secrets = {0};
	const struct berth_dpp_enrollee_conf conf = {
		.pki = a->pki,
		.random = a->random,
		.request = {.name = BERTH_LIT("berth"), .net_role = BERTH_DPP_NET_CONFIGURATOR},
		.trusts_clock = true,
		.now = berth_clock_now().wall,
	};

	berth_dpp_auth_take(a->auth, &secrets);
	enum berth_err err = berth_dpp_enrollee_start(&conf, &secrets, mono(), &a->enrollee, why);
	berth_dpp_secrets_free(&secrets);
	return err;
}

static enum berth_err
serve_auth(struct adoption *a, bool *has_moved, struct berth_why *why)
{
	struct berth_dpp_auth_event event;
	struct berth_ec_point product = {0};
	enum berth_err err = BERTH_OK;

	while (!err && a->enrollee == NULL && berth_dpp_auth_event(a->auth, &event)) {
		*has_moved = true;
		switch (event.kind) {
		case BERTH_DPP_AUTH_MULTIPLY:
			err = berth_ec_multiply(a->pki, &a->scalar, &event.point, &product, why);
			err = berth_dpp_auth_answer(a->auth, mono(), err, &product, why);
			break;
		case BERTH_DPP_AUTH_DONE:
			err = ask_for_keys(a, why);
			break;
		case BERTH_DPP_AUTH_FAILED:
			*why = event.why;
			return event.why.err;
		case BERTH_DPP_AUTH_PENDING:
		case BERTH_DPP_AUTH_PEER_WANTED:
			break;
		}
	}
	return err;
}

static enum berth_err
take_offer(struct adoption *a, const struct berth_dpp_offer *offer, struct berth_why *why)
{
	enum berth_err err =
		offer->enveloped.n == 0
			? berth_fail(why, BERTH_E_DENIED, "dpp-adopt", "DPP 6.4.7",
				     "the other configures us as a device and gives "
				     "no keys: tell it conf=configurator")
			: berth_dpp_backup_open(a->pki, berth_dpp_enrollee_secrets(a->enrollee),
						offer->enveloped, a->backup, why);

	a->has_backup = !err;
	return err ? err : berth_dpp_enrollee_decide(a->enrollee, mono(), true, why);
}

static enum berth_err
serve_enrollee(struct adoption *a, bool *has_moved, struct berth_why *why)
{
	struct berth_dpp_enrollee_event event;
	enum berth_err err = BERTH_OK;

	while (!err && a->enrollee != NULL && berth_dpp_enrollee_event(a->enrollee, &event)) {
		*has_moved = true;
		switch (event.kind) {
		case BERTH_DPP_OFFERED:
			err = take_offer(a, event.offer, why);
			break;
		case BERTH_DPP_ENROLLED:
			a->is_over = true;
			break;
		case BERTH_DPP_CSR_WANTED:
			return berth_fail(why, BERTH_E_UNSUPPORTED, "dpp-adopt", NULL,
					  "the other wants a certification request of us");
		case BERTH_DPP_ENROLMENT_FAILED:
			*why = event.why;
			return event.why.err;
		}
	}
	return err;
}

static enum berth_err
serve(struct adoption *a, struct berth_why *why)
{
	struct berth_bytes body;
	bool has_moved = true;
	enum berth_err err = BERTH_OK;

	while (!err && has_moved) {
		has_moved = false;
		err = serve_auth(a, &has_moved, why);
		err = err ? err : serve_enrollee(a, &has_moved, why);
		while (!err &&
		       (berth_dpp_auth_output(a->auth, &body) ||
			(a->enrollee != NULL && berth_dpp_enrollee_output(a->enrollee, &body)))) {
			has_moved = true;
			err = berth_dpp_pipe_send(&a->pipe, body, why);
		}
	}
	return err;
}

static enum berth_err
run(struct adoption *a, struct berth_why *why)
{
	struct berth_mono end = berth_mono_after_ms(mono(), BERTH_DPP_ADOPT_TIMEOUT_MS);
	struct berth_dpp_frame frame;
	struct berth_bytes body;
	enum berth_err err = serve(a, why);

	while (!err && !a->is_over) {
		err = berth_dpp_pipe_receive(&a->pipe, end, &body, why);
		err = err ? err : berth_dpp_frame_parse(body, &frame, why);
		if (err)
			break;
		err = a->enrollee != NULL
			      ? berth_dpp_enrollee_input(a->enrollee, mono(), &frame, why)
			      : berth_dpp_auth_input(a->auth, mono(), &frame, why);
		err = err ? err : serve(a, why);
	}
	return err;
}

enum berth_err
berth_dpp_adopt(struct berth_pki *pki, const char *address, struct berth_bytes uri,
		void (*show)(struct berth_bytes code), struct berth_dpp_backup *ret,
		struct berth_why *why)
{
	struct berth_dpp_uri code;
	struct berth_dpp_bootstrapping peer;
	struct berth_dpp_backup backup = {0};
	struct adoption *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	*a = (struct adoption){.pki = pki,
			       .random = berth_pki_random(pki),
			       .pipe = {.fd = -1},
			       .backup = &backup,
			       .show = show};
	enum berth_err err = berth_dpp_uri_parse(uri, &code, why);
	err = err ? err
		  : berth_dpp_bootstrapping_parse(pki, berth_bytes_of(code.spki, code.spki_n),
						  &peer, why);
	err = err ? err : berth_dpp_pipe_connect(&a->pipe, address, why);
	err = err ? err : begin(a, &peer, why);
	err = err ? err : run(a, why);
	berth_dpp_pipe_close(&a->pipe);
	berth_dpp_enrollee_end(a->enrollee);
	berth_dpp_auth_end(a->auth);
	berth_secret_free(&a->scalar);
	berth_buf_free(&a->code);
	free(a);
	if (err)
		berth_dpp_backup_free(&backup);
	else
		*ret = backup;
	return err;
}
