/* fuzz: berth_dpp_auth_input berth_dpp_auth_respond */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two machines and somebody between them, who may alter, swallow, repeat and exchange frames as the input says. Whatever
 * happens, the two never both end well without the same keys, and never alter what they agreed on afterwards.
 *
 *	input: flags u8 { mutual 1, requires mutual 2, versions 4 8 }, then commands of 4 bytes: what, frame, place, bits
 */
#include "protocol/dpp/authentication.h"

#include "fuzz.h"
#include "support/dpp_fixture.h"

#define COMMANDS_MAX 64
#define FRAMES_MAX 16

struct between {
	struct dpp_random random[2];
	struct dpp_sides sides;
	struct berth_dpp_auth_conf conf[2];
	struct berth_buf frames[FRAMES_MAX];
	size_t frame_count;
	bool is_done[2];
	int64_t ms;
};

static void
take_all(struct between *b, int side)
{
	struct berth_dpp_auth_event event;
	struct berth_bytes body;

	if (b->sides.auth[side] == NULL)
		return;
	while (berth_dpp_auth_event(b->sides.auth[side], &event)) {
		struct berth_ec_point product = {.curve = event.point.curve};
		if (event.kind == BERTH_DPP_AUTH_DONE)
			b->is_done[side] = true;
		if (event.kind != BERTH_DPP_AUTH_MULTIPLY)
			continue;
		enum berth_err err = berth_ec_multiply(b->sides.pki, &b->sides.key[side].scalar,
						       &event.point, &product, NULL);
		err = berth_dpp_auth_answer(b->sides.auth[side], (struct berth_mono){b->ms}, err,
					    &product, NULL);
		fuzz_assert(err != BERTH_E_INTERNAL);
	}
	while (berth_dpp_auth_output(b->sides.auth[side], &body)) {
		if (b->frame_count == FRAMES_MAX)
			continue;
		fuzz_assert(berth_buf_append_bytes(&b->frames[b->frame_count++], body) == BERTH_OK);
	}
}

static void
deliver(struct between *b, int side, struct berth_bytes body)
{
	struct berth_dpp_frame frame;
	struct berth_why why = {0};

	if (berth_dpp_frame_parse(body, &frame, &why))
		return;
	if (b->sides.auth[side] != NULL) {
		enum berth_err err = berth_dpp_auth_input(b->sides.auth[side],
							  (struct berth_mono){b->ms}, &frame, &why);
		fuzz_assert(err == BERTH_OK || why.rule != NULL);
	} else if (berth_dpp_auth_respond(&b->conf[side], (struct berth_mono){b->ms}, &frame,
					  &b->sides.auth[side], &why)) {
		fuzz_assert(why.rule != NULL);
	}
	take_all(b, side);
}

static void
command(struct between *b, const uint8_t *c)
{
	uint8_t altered[2048];
	int side = c[0] & 1;
	struct berth_buf *frame = b->frame_count == 0 ? NULL : &b->frames[c[1] % b->frame_count];

	switch (c[0] >> 1 & 3) {
	case 0: /* as it is */
		if (frame != NULL)
			deliver(b, side, berth_buf_view(frame));
		break;
	case 1: /* altered */
		if (frame == NULL || frame->n > sizeof(altered))
			break;
		memcpy(altered, frame->p, frame->n);
		altered[c[2] % frame->n] ^= c[3];
		deliver(b, side, berth_bytes_of(altered, frame->n));
		break;
	case 2: /* cut off */
		if (frame != NULL)
			deliver(b, side, berth_bytes_of(frame->p, c[2] % frame->n));
		break;
	case 3: /* time passes */
		b->ms += c[2] * 100;
		if (b->sides.auth[side] != NULL)
			berth_dpp_auth_tick(b->sides.auth[side], (struct berth_mono){b->ms});
		take_all(b, side);
		break;
	}
}

static void
judge(struct between *b)
{
	struct berth_dpp_secrets secrets[2] = {0};

	for (int side = 0; side < 2; side++) {
		if (b->is_done[side])
			berth_dpp_auth_take(b->sides.auth[side], &secrets[side]);
	}
	if (b->is_done[0] && b->is_done[1]) {
		fuzz_assert(berth_secret_equal(&secrets[0].ke,
					       berth_bytes_of(secrets[1].ke.p, secrets[1].ke.n)));
		fuzz_assert(secrets[0].is_mutual == secrets[1].is_mutual);
		fuzz_assert(secrets[0].role != secrets[1].role);
		fuzz_assert(berth_ec_equal(&secrets[0].own_key, &secrets[1].peer_key));
	}
	/* the responder is done only after the initiator was */
	fuzz_assert(!b->is_done[1] || b->is_done[0]);
	if (b->is_done[0] && b->conf[0].requires_mutual)
		fuzz_assert(secrets[0].is_mutual);
	berth_dpp_secrets_free(&secrets[0]);
	berth_dpp_secrets_free(&secrets[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_pki *pki;
	struct between b = {.ms = 1000};

	fuzz_assert(pki != NULL || berth_pki_open(&pki, NULL) == BERTH_OK);
	if (size < 1)
		return 0;
	b.sides.pki = pki;
	for (int side = 0; side < 2; side++) {
		b.random[side].seed = (uint64_t)side + 5;
		dpp_key_make(pki, BERTH_EC_P256, &b.random[side], &b.sides.key[side]);
	}
	for (int side = 0; side < 2; side++) {
		b.conf[side] = (struct berth_dpp_auth_conf){
			.pki = pki,
			.random = dpp_random_source(&b.random[side]),
			.version = data[0] & (4 << side) ? 3 : 1,
			.roles = side == 0 ? BERTH_DPP_ENROLLEE : BERTH_DPP_EITHER,
			.own = b.sides.key[side].bootstrapping,
			.has_peer = side == 0 || (data[0] & 1) != 0,
			.peer = b.sides.key[1 - side].bootstrapping,
			.requires_mutual = (data[0] & 2) != 0,
		};
	}
	fuzz_assert(berth_dpp_auth_initiate(&b.conf[0], (struct berth_mono){b.ms}, &b.sides.auth[0],
					    NULL) == BERTH_OK);
	take_all(&b, 0);
	for (size_t i = 0; i < COMMANDS_MAX && 1 + 4 * i + 4 <= size; i++)
		command(&b, data + 1 + 4 * i);
	judge(&b);
	dpp_sides_free(&b.sides);
	for (size_t i = 0; i < b.frame_count; i++)
		berth_buf_free(&b.frames[i]);
	return 0;
}
