/* fuzz: berth_dpp_announcement_parse berth_dpp_reconfig_respond berth_dpp_reconfig_input */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames from the air before anything is proven: announcements for a Configurator, and requests for a device, whose C-sign key
 * has the scalar 1 (one of the corpus is signed with it).
 */
#include "protocol/dpp/reconfiguration.h"

#include "fuzz.h"
#include "support/dpp_fixture.h"

static struct berth_pki *pki;
static struct dpp_random random_state;

static void
try_announcement(const struct berth_dpp_reconfig_conf *conf, const struct berth_dpp_frame *frame)
{
	struct berth_dpp_announcement announcement;
	struct berth_dpp_reconfig *machine = NULL;
	struct berth_why why = {0};

	if (berth_dpp_announcement_parse(pki, BERTH_EC_P256, frame, &announcement, &why)) {
		fuzz_assert(why.rule != NULL);
		return;
	}
	enum berth_err err = berth_dpp_reconfig_begin(conf, (struct berth_mono){1}, &announcement,
						      &machine, &why);
	fuzz_assert(err ? why.rule != NULL : machine != NULL);
	berth_dpp_reconfig_end(machine);
}

static void
try_request(const struct berth_dpp_reconfig_conf *conf, const struct berth_dpp_frame *frame)
{
	struct berth_dpp_reconfig *machine = NULL;
	struct berth_dpp_reconfig_event event;
	struct berth_why why = {0};

	if (berth_dpp_reconfig_respond(conf, (struct berth_mono){1}, frame, &machine, &why)) {
		fuzz_assert(why.rule != NULL && machine == NULL);
		return;
	}
	fuzz_assert(berth_dpp_reconfig_event(machine, &event));
	fuzz_assert(event.kind == BERTH_DPP_RECONFIG_MULTIPLY);
	fuzz_assert(berth_dpp_reconfig_product(machine, BERTH_OK, &event.point, &why) == BERTH_OK);
	/* a frame of a stranger confirms nothing */
	fuzz_assert(berth_dpp_reconfig_input(machine, (struct berth_mono){2}, frame, &why) !=
		    BERTH_OK);
	berth_dpp_reconfig_end(machine);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t one[32] = {[31] = 1};
	const struct berth_secret scalar = {one, sizeof(one)};
	struct berth_dpp_frame frame;

	fuzz_assert(pki != NULL || berth_pki_open(&pki, NULL) == BERTH_OK);
	struct berth_dpp_reconfig_conf conf = {
		.pki = pki,
		.random = dpp_random_source(&random_state),
		.version = 2,
		.now = {1800000000},
		.connector = BERTH_LIT("connector"),
		.trusts_clock = true,
	};
	fuzz_assert(berth_ec_public(pki, BERTH_EC_P256, &scalar, &conf.c_sign, NULL) == BERTH_OK);
	conf.net_access_key = conf.c_sign;
	if (berth_dpp_frame_parse(berth_bytes_of(data, size), &frame, NULL))
		return 0;
	try_announcement(&conf, &frame);
	try_request(&conf, &frame);
	return 0;
}
