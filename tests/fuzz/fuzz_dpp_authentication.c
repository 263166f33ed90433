/* fuzz: berth_dpp_auth_input berth_dpp_auth_respond */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two machines of an authentication and somebody between them (support/dpp_between.h). Whatever happens, the two never both end
 * well without the same keys, nobody ends well with who has not the key, and what one agreed on is what the other did.
 *
 *	input: flags u8 { mutual 1, requires mutual 2, versions 4 8, the responder has not its key 16, nor the initiator 32 },
 *	       then commands
 */
#include "protocol/dpp/authentication.h"

#include "fuzz.h"
#include "support/dpp_between.h"
#include "support/dpp_fixture.h"

enum {
	IS_MUTUAL = 1,
	REQUIRES_MUTUAL = 2,
	VERSION_3 = 4, /* of the initiator; shifted, of the responder */
	RESPONDER_HAS_NO_KEY = 16,
	INITIATOR_HAS_NO_KEY = 32,
};

struct pair {
	struct dpp_between between;
	struct dpp_random random[2];
	struct dpp_sides sides;
	struct dpp_key wrong;
	struct berth_dpp_auth_conf conf[2];
	bool is_done[2];
	uint8_t flags;
};

static void
settle(struct pair *p, int side)
{
	struct berth_dpp_auth_event event;
	struct berth_bytes body;
	bool has_no_key =
		(p->flags & (side == 0 ? INITIATOR_HAS_NO_KEY : RESPONDER_HAS_NO_KEY)) != 0;
	const struct berth_secret *scalar =
		has_no_key ? &p->wrong.scalar : &p->sides.key[side].scalar;

	if (p->sides.auth[side] == NULL)
		return;
	while (berth_dpp_auth_event(p->sides.auth[side], &event)) {
		struct berth_ec_point product = {.curve = event.point.curve};
		if (event.kind == BERTH_DPP_AUTH_DONE)
			p->is_done[side] = true;
		if (event.kind != BERTH_DPP_AUTH_MULTIPLY)
			continue;
		enum berth_err err =
			berth_ec_multiply(p->sides.pki, scalar, &event.point, &product, NULL);
		err = berth_dpp_auth_answer(p->sides.auth[side], p->between.now, err, &product,
					    NULL);
		fuzz_assert(err != BERTH_E_INTERNAL);
	}
	while (berth_dpp_auth_output(p->sides.auth[side], &body))
		dpp_between_said(&p->between, body);
}

static void
take(struct dpp_between *between, int side, const struct berth_dpp_frame *frame)
{
	struct pair *p = (struct pair *)between;
	struct berth_why why = {0};
	enum berth_err err;

	if (p->sides.auth[side] != NULL)
		err = berth_dpp_auth_input(p->sides.auth[side], between->now, frame, &why);
	else
		err = berth_dpp_auth_respond(&p->conf[side], between->now, frame,
					     &p->sides.auth[side], &why);
	fuzz_assert(err == BERTH_OK || why.rule != NULL);
	settle(p, side);
}

static void
tick(struct dpp_between *between, int side)
{
	struct pair *p = (struct pair *)between;

	if (p->sides.auth[side] != NULL)
		berth_dpp_auth_tick(p->sides.auth[side], between->now);
	settle(p, side);
}

static void
judge(struct pair *p)
{
	struct berth_dpp_secrets secrets[2] = {0};

	for (int side = 0; side < 2; side++) {
		if (p->is_done[side])
			berth_dpp_auth_take(p->sides.auth[side], &secrets[side]);
	}
	if (p->is_done[0] && p->is_done[1]) {
		fuzz_assert(berth_secret_equal(&secrets[0].ke,
					       berth_bytes_of(secrets[1].ke.p, secrets[1].ke.n)));
		fuzz_assert(berth_secret_equal(&secrets[0].bk,
					       berth_bytes_of(secrets[1].bk.p, secrets[1].bk.n)));
		fuzz_assert(secrets[0].is_mutual == secrets[1].is_mutual);
		fuzz_assert(secrets[0].version == secrets[1].version);
		fuzz_assert(secrets[0].role != secrets[1].role);
		fuzz_assert(berth_ec_equal(&secrets[0].own_key, &secrets[1].peer_key));
		fuzz_assert(berth_ec_equal(&secrets[1].own_key, &secrets[0].peer_key));
	}
	/* the responder is done only after the initiator was */
	fuzz_assert(!p->is_done[1] || p->is_done[0]);
	if (p->is_done[0] && p->conf[0].requires_mutual)
		fuzz_assert(secrets[0].is_mutual);
	if (p->is_done[1] && p->conf[1].requires_mutual)
		fuzz_assert(secrets[1].is_mutual);
	/* nobody who has not the key that it says is believed */
	fuzz_assert((p->flags & RESPONDER_HAS_NO_KEY) == 0 || !p->is_done[0]);
	fuzz_assert((p->flags & INITIATOR_HAS_NO_KEY) == 0 || !p->is_done[1] ||
		    !secrets[1].is_mutual);
	berth_dpp_secrets_free(&secrets[0]);
	berth_dpp_secrets_free(&secrets[1]);
}

static void
prepare(struct pair *p, struct berth_pki *pki)
{
	p->sides.pki = pki;
	for (int side = 0; side < 2; side++) {
		p->random[side].seed = (uint64_t)side + 5;
		dpp_key_make(pki, BERTH_EC_P256, &p->random[side], &p->sides.key[side]);
	}
	for (int side = 0; side < 2; side++) {
		p->conf[side] = (struct berth_dpp_auth_conf){
			.pki = pki,
			.random = dpp_random_source(&p->random[side]),
			.version = p->flags & (VERSION_3 << side) ? 3 : 1,
			.roles = side == 0 ? BERTH_DPP_ENROLLEE : BERTH_DPP_EITHER,
			.own = p->sides.key[side].bootstrapping,
			.has_peer = side == 0 || (p->flags & IS_MUTUAL) != 0,
			.peer = p->sides.key[1 - side].bootstrapping,
			.requires_mutual = (p->flags & REQUIRES_MUTUAL) != 0,
		};
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_pki *pki;
	struct pair p = {.between = {.take = take, .tick = tick, .now = {1000}}};
	struct dpp_random other = {.seed = 99};

	fuzz_assert(pki != NULL || berth_pki_open(&pki, NULL) == BERTH_OK);
	if (size < 1)
		return 0;
	p.flags = data[0];
	prepare(&p, pki);
	dpp_key_make(pki, BERTH_EC_P256, &other, &p.wrong);
	fuzz_assert(berth_dpp_auth_initiate(&p.conf[0], p.between.now, &p.sides.auth[0], NULL) ==
		    BERTH_OK);
	settle(&p, 0);
	dpp_between_run(&p.between, data + 1, size - 1);
	judge(&p);
	dpp_sides_free(&p.sides);
	dpp_key_free(&p.wrong);
	dpp_between_end(&p.between);
	return 0;
}
