/* SPDX-License-Identifier: BSD-2-Clause */
/* A device that announces itself until it is configured; a failed attempt leaves nothing. */
#include "dpp_sim.h"

#define CHIRP_EVERY_MS 8000
#define ATTEMPT_MS 12000

void
dpp_device_make(struct dpp_sim *sim, size_t number)
{
	static const enum berth_ec_curve curves[] = {BERTH_EC_P256, BERTH_EC_P256, BERTH_EC_P256,
						     BERTH_EC_P384, BERTH_EC_BP256};
	struct dpp_device *device = &sim->devices[number];

	*device = (struct dpp_device){
		.sim = sim,
		.number = number,
		.kind = number % 10 == 7   ? DPP_DENIED
			: number % 10 == 8 ? DPP_UNKNOWN
			: number % 10 == 9 ? DPP_BY_OPERATOR
					   : DPP_ALLOWED,
		.version = (uint8_t)(1 + number % 3),
		.chirp_at = {dpp_below(sim, CHIRP_EVERY_MS)},
	};
	dpp_key_make(sim->pki, curves[number % 5], &sim->machines, &device->key);
}

static void
give_up(struct dpp_device *device)
{
	berth_dpp_auth_end(device->auth);
	berth_dpp_enrollee_end(device->enrollee);
	device->auth = NULL;
	device->enrollee = NULL;
	device->chirp_at = berth_mono_after_ms(
		dpp_mono(device->sim), CHIRP_EVERY_MS / 2 + dpp_below(device->sim, CHIRP_EVERY_MS));
}

void
dpp_device_end(struct dpp_device *device)
{
	give_up(device);
	dpp_key_free(&device->key);
}

static void
chirp(struct dpp_device *device)
{
	BERTH_BUF attributes = {0};
	BERTH_BUF body = {0};
	const struct berth_dpp_bootstrapping *own = &device->key.bootstrapping;

	if (berth_dpp_put(&attributes, BERTH_DPP_RESPONDER_KEY_HASH,
			  berth_bytes_of(own->chirp, sizeof(own->chirp))) ||
	    berth_dpp_frame_build(
		    &(struct berth_dpp_frame){.kind = BERTH_DPP_FRAME_ACTION,
					      .type = BERTH_DPP_PRESENCE_ANNOUNCEMENT,
					      .attributes = berth_buf_view(&attributes)},
		    &body))
		dpp_break(device->sim, "a chirp cannot be built");
	device->chirp_at = berth_mono_after_ms(
		dpp_mono(device->sim), CHIRP_EVERY_MS / 2 + dpp_below(device->sim, CHIRP_EVERY_MS));
	dpp_air_to_relay(device, berth_buf_view(&body));
}

static void
begin_configuration(struct dpp_device *device)
{
	struct berth_dpp_secrets secrets = {0};
	struct berth_why why = {0};
	const struct berth_dpp_enrollee_conf conf = {
		.pki = device->sim->pki,
		.random = dpp_random_source(&device->sim->machines),
		.request = {.name = BERTH_LIT("device"), .net_role = BERTH_DPP_STA},
		.trusts_clock = true,
		.now = dpp_wall(device->sim),
	};

	berth_dpp_auth_take(device->auth, &secrets);
	if (berth_dpp_enrollee_start(&conf, &secrets, dpp_mono(device->sim), &device->enrollee,
				     &why)) {
		berth_dpp_secrets_free(&secrets);
		give_up(device);
	}
}

/* False: it is over. */
static bool
serve_auth(struct dpp_device *device)
{
	struct berth_dpp_auth_event event;
	struct berth_ec_point product = {0};
	struct berth_why why = {0};

	while (device->auth != NULL && berth_dpp_auth_event(device->auth, &event)) {
		if (event.kind == BERTH_DPP_AUTH_FAILED) {
			give_up(device);
			return false;
		}
		if (event.kind == BERTH_DPP_AUTH_DONE)
			begin_configuration(device);
		if (event.kind != BERTH_DPP_AUTH_MULTIPLY)
			continue;
		enum berth_err err = berth_ec_multiply(device->sim->pki, &device->key.scalar,
						       &event.point, &product, &why);
		berth_ignore(berth_dpp_auth_answer(device->auth, dpp_mono(device->sim), err,
						   &product, &why),
			     "a request that was altered fails here");
	}
	return device->auth != NULL;
}

static bool
serve_enrollee(struct dpp_device *device)
{
	struct berth_dpp_enrollee_event event;
	struct berth_why why = {0};

	while (device->enrollee != NULL && berth_dpp_enrollee_event(device->enrollee, &event)) {
		switch (event.kind) {
		case BERTH_DPP_OFFERED:
			dpp_controller_check_given(device->sim, device, event.offer);
			berth_ignore(berth_dpp_enrollee_decide(device->enrollee,
							       dpp_mono(device->sim), true, &why),
				     "it was offered");
			break;
		case BERTH_DPP_ENROLLED:
			device->is_enrolled = true;
			break;
		case BERTH_DPP_CSR_WANTED:
			dpp_break(device->sim, "nobody has dot1x here");
			return false;
		case BERTH_DPP_ENROLMENT_FAILED:
			give_up(device);
			return false;
		}
	}
	return true;
}

static void
serve(struct dpp_device *device)
{
	struct berth_bytes body;

	if (!serve_auth(device) || !serve_enrollee(device))
		return;
	while (berth_dpp_auth_output(device->auth, &body) ||
	       (device->enrollee != NULL && berth_dpp_enrollee_output(device->enrollee, &body)))
		dpp_air_to_relay(device, body);
	if (device->is_enrolled)
		give_up(device);
}

static void
begin(struct dpp_device *device, const struct berth_dpp_frame *frame)
{
	struct berth_bytes hash = BERTH_BYTES_NONE;
	struct berth_why why = {0};
	const struct berth_dpp_auth_conf conf = {
		.pki = device->sim->pki,
		.random = dpp_random_source(&device->sim->machines),
		.version = device->version,
		.roles = BERTH_DPP_ENROLLEE,
		.own = device->key.bootstrapping,
	};

	if (device->is_enrolled ||
	    !berth_dpp_attribute_find(frame->attributes, BERTH_DPP_RESPONDER_KEY_HASH, &hash) ||
	    !berth_bytes_equal(hash, berth_bytes_of(conf.own.hash, 32)))
		return;
	/* another request while one is answered: the Controller may have started again */
	if (device->auth != NULL)
		give_up(device);
	if (berth_dpp_auth_respond(&conf, dpp_mono(device->sim), frame, &device->auth, &why))
		return;
	device->attempts++;
	device->attempt_ends = berth_mono_after_ms(dpp_mono(device->sim), ATTEMPT_MS);
	serve(device);
}

void
dpp_device_take(struct dpp_device *device, struct berth_bytes body)
{
	struct berth_dpp_frame frame;
	struct berth_why why = {0};
	enum berth_err err;

	if (berth_dpp_frame_parse(body, &frame, &why)) {
		dpp_break(device->sim, "the Controller sent no frame: %s", why.sentence);
		return;
	}
	if (frame.kind == BERTH_DPP_FRAME_ACTION &&
	    frame.type == BERTH_DPP_AUTHENTICATION_REQUEST) {
		if (device->auth == NULL || device->enrollee != NULL ||
		    berth_dpp_auth_input(device->auth, dpp_mono(device->sim), &frame, &why))
			begin(device, &frame);
		else
			serve(device);
		return;
	}
	if (device->auth == NULL)
		return;
	err = device->enrollee != NULL
		      ? berth_dpp_enrollee_input(device->enrollee, dpp_mono(device->sim), &frame,
						 &why)
		      : berth_dpp_auth_input(device->auth, dpp_mono(device->sim), &frame, &why);
	berth_ignore(err, "it changed nothing");
	serve(device);
}

void
dpp_device_tick(struct dpp_device *device)
{
	struct berth_mono now = dpp_mono(device->sim);

	if (device->is_enrolled)
		return;
	if (device->auth == NULL) {
		if (now.ms >= device->chirp_at.ms)
			chirp(device);
		return;
	}
	if (now.ms >= device->attempt_ends.ms) {
		give_up(device);
		return;
	}
	if (device->enrollee != NULL)
		berth_dpp_enrollee_tick(device->enrollee, now);
	else
		berth_dpp_auth_tick(device->auth, now);
	serve(device);
}
