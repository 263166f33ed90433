/* fuzz: berth_dpp_reconfig_input berth_dpp_reconfig_respond */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reconfiguration, from the announcement on, and somebody between the two (support/dpp_between.h). Whatever happens, they never both
 * end well without the same keys, no device follows a Configurator that its C-sign key did not sign for, and none is known
 * again that has not its netAccessKey.
 *
 *	input: flags u8 { keeps its key 1, a foreign C-sign key 2, a station for a Configurator 4, the device has not its key 8,
 *	       denied 16 }, then commands
 */
#include "protocol/dpp/reconfiguration.h"

#include "fuzz.h"
#include "pki/keystore/keystore.h"
#include "support/dpp_between.h"
#include "support/dpp_fixture.h"

enum { ENROLLEE, CONFIGURATOR };
enum { KEEPS_KEY = 1, FOREIGN = 2, STATION = 4, HAS_NO_KEY = 8, IS_DENIED = 16 };

static struct berth_pki *pki;
static struct berth_key *c_sign, *foreign;
static struct berth_ec_point c_sign_point;
static struct dpp_key net_access, wrong, pp_key, e_id;
static struct berth_buf connector;

struct pair {
	struct dpp_between between;
	struct dpp_random random[2];
	struct berth_dpp_reconfig_conf conf[2];
	struct berth_dpp_reconfig *machine[2];
	bool is_done[2];
	uint8_t flags;
};

static void
open_keys(void)
{
	struct dpp_random random = {.seed = 6};
	BERTH_BUF payload = {0};

	fuzz_assert(berth_pki_open(&pki, NULL) == BERTH_OK);
	dpp_key_make(pki, BERTH_EC_P256, &random, &net_access);
	dpp_key_make(pki, BERTH_EC_P256, &random, &wrong);
	dpp_key_make(pki, BERTH_EC_P256, &random, &pp_key);
	dpp_key_make(pki, BERTH_EC_P256, &random, &e_id);
	fuzz_assert(berth_keystore_ephemeral(pki, "P-256", &c_sign, NULL) == BERTH_OK);
	fuzz_assert(berth_keystore_ephemeral(pki, "P-256", &foreign, NULL) == BERTH_OK);
	fuzz_assert(berth_ec_of_key(pki, c_sign, &c_sign_point, NULL) == BERTH_OK);
	const struct berth_dpp_connector own = {
		.groups = {{"lab", BERTH_DPP_STA}},
		.group_count = 1,
		.key = net_access.bootstrapping.point,
		.expiry = {1},
	};
	fuzz_assert(berth_dpp_connector_write(&own, &payload, NULL) == BERTH_OK);
	fuzz_assert(berth_dpp_connector_sign(pki, c_sign, berth_buf_view(&payload), &connector,
					     NULL, NULL) == BERTH_OK);
}

/* The Connector that the Configurator shows: its own, or one that is none. */
static void
show(struct pair *p, struct berth_bytes payload)
{
	BERTH_BUF jws = {0};
	struct berth_key *key = (p->flags & FOREIGN) != 0 ? foreign : c_sign;

	fuzz_assert(berth_dpp_connector_sign(pki, key, payload, &jws, NULL, NULL) == BERTH_OK);
	struct berth_bytes shown =
		(p->flags & STATION) != 0 ? berth_buf_view(&connector) : berth_buf_view(&jws);
	fuzz_assert(berth_dpp_reconfig_signed(p->machine[CONFIGURATOR], shown, NULL) == BERTH_OK);
}

static void
settle(struct pair *p, int side)
{
	struct berth_dpp_reconfig *machine = p->machine[side];
	const struct berth_secret *scalar =
		(p->flags & HAS_NO_KEY) != 0 ? &wrong.scalar : &net_access.scalar;
	struct berth_dpp_reconfig_event event;
	struct berth_ec_point product;
	struct berth_bytes body;

	while (machine != NULL && berth_dpp_reconfig_event(machine, &event)) {
		switch (event.kind) {
		case BERTH_DPP_RECONFIG_SIGN:
			show(p, event.payload);
			break;
		case BERTH_DPP_RECONFIG_MULTIPLY:
			fuzz_assert((p->flags & (FOREIGN | STATION)) == 0);
			fuzz_assert(berth_ec_multiply(pki, scalar, &event.point, &product, NULL) ==
				    BERTH_OK);
			fuzz_assert(berth_dpp_reconfig_product(machine, BERTH_OK, &product, NULL) ==
				    BERTH_OK);
			break;
		case BERTH_DPP_RECONFIG_KNOWN:
			fuzz_assert((p->flags & HAS_NO_KEY) == 0);
			fuzz_assert(berth_ec_equal(&event.connector->key,
						   &net_access.bootstrapping.point));
			fuzz_assert(berth_dpp_reconfig_allow(machine, (p->flags & IS_DENIED) == 0,
							     NULL) == BERTH_OK);
			break;
		case BERTH_DPP_RECONFIG_DONE:
			p->is_done[side] = true;
			break;
		case BERTH_DPP_RECONFIG_FAILED:
			fuzz_assert(event.why.rule != NULL);
			break;
		}
	}
	while (machine != NULL && berth_dpp_reconfig_output(machine, &body))
		dpp_between_said(&p->between, body);
}

static enum berth_err
begin(struct pair *p, int side, const struct berth_dpp_frame *frame, struct berth_why *why)
{
	struct berth_dpp_announcement announcement;

	if (side == ENROLLEE)
		return berth_dpp_reconfig_respond(&p->conf[side], p->between.now, frame,
						  &p->machine[side], why);
	enum berth_err err =
		berth_dpp_announcement_parse(pki, BERTH_EC_P256, frame, &announcement, why);
	return err ? err
		   : berth_dpp_reconfig_begin(&p->conf[side], p->between.now, &announcement,
					      &p->machine[side], why);
}

static void
take(struct dpp_between *between, int side, const struct berth_dpp_frame *frame)
{
	struct pair *p = (struct pair *)between;
	struct berth_why why = {0};
	enum berth_err err =
		p->machine[side] == NULL
			? begin(p, side, frame, &why)
			: berth_dpp_reconfig_input(p->machine[side], between->now, frame, &why);

	fuzz_assert(err == BERTH_OK || why.rule != NULL);
	settle(p, side);
}

static void
tick(struct dpp_between *between, int side)
{
	struct pair *p = (struct pair *)between;

	if (p->machine[side] != NULL)
		berth_dpp_reconfig_tick(p->machine[side], between->now);
	settle(p, side);
}

static void
judge(struct pair *p)
{
	struct berth_dpp_secrets secrets[2] = {0};

	for (int side = 0; side < 2; side++) {
		if (p->is_done[side])
			berth_dpp_reconfig_take(p->machine[side], &secrets[side]);
	}
	/* the device is done only after the Configurator was */
	fuzz_assert(!p->is_done[ENROLLEE] || p->is_done[CONFIGURATOR]);
	fuzz_assert(!p->is_done[CONFIGURATOR] ||
		    (p->flags & (FOREIGN | STATION | HAS_NO_KEY | IS_DENIED)) == 0);
	if (p->is_done[ENROLLEE]) {
		fuzz_assert(berth_secret_equal(&secrets[0].ke,
					       berth_bytes_of(secrets[1].ke.p, secrets[1].ke.n)));
		fuzz_assert(berth_ec_equal(&secrets[0].own_key, &secrets[1].peer_key));
		fuzz_assert(secrets[0].version == secrets[1].version);
		bool is_kept = berth_ec_equal(&secrets[0].own_key, &net_access.bootstrapping.point);
		fuzz_assert(is_kept == ((p->flags & KEEPS_KEY) != 0));
	}
	berth_dpp_secrets_free(&secrets[0]);
	berth_dpp_secrets_free(&secrets[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pair p = {.between = {.take = take, .tick = tick, .now = {1000}}};
	BERTH_BUF body = {0};

	if (pki == NULL)
		open_keys();
	if (size < 1)
		return 0;
	p.flags = data[0];
	for (int side = 0; side < 2; side++) {
		p.random[side].seed = (uint64_t)side + 30;
		p.conf[side] = (struct berth_dpp_reconfig_conf){
			.pki = pki,
			.random = dpp_random_source(&p.random[side]),
			.version = side == ENROLLEE ? 2 : 3,
			.c_sign = c_sign_point,
			.now = {1800000000},
			.replaces_key = (p.flags & KEEPS_KEY) == 0,
			.trusts_clock = true,
		};
	}
	p.conf[ENROLLEE].connector = berth_buf_view(&connector);
	p.conf[ENROLLEE].net_access_key = net_access.bootstrapping.point;
	fuzz_assert(berth_dpp_reconfig_announce(pki, &p.conf[ENROLLEE].random, &c_sign_point,
						&pp_key.bootstrapping.point,
						&e_id.bootstrapping.point, BERTH_EC_P256, &body,
						NULL) == BERTH_OK);
	dpp_between_said(&p.between, berth_buf_view(&body));
	dpp_between_run(&p.between, data + 1, size - 1);
	judge(&p);
	berth_dpp_reconfig_end(p.machine[0]);
	berth_dpp_reconfig_end(p.machine[1]);
	dpp_between_end(&p.between);
	return 0;
}
