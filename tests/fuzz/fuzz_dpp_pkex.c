/* fuzz: berth_dpp_pkex_input berth_dpp_pkex_respond berth_dpp_pkex_refuse_group */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two machines and somebody between them, who may alter, swallow, repeat and exchange frames as the input says. Whoever has
 * another code never learns a key, and of two who have the same each gets the other's or none.
 *
 *	input: flags u8 { another code 1, version 1 2, no identifier 4, another group 8 }, then commands of 4 bytes: what, frame,
 *	place, bits
 */
#include "protocol/dpp/pkex.h"

#include "fuzz.h"
#include "support/dpp_fixture.h"

#define COMMANDS_MAX 48
#define FRAMES_MAX 16

struct between {
	struct berth_pki *pki;
	struct dpp_random random[2];
	struct dpp_key key[2];
	struct berth_dpp_pkex_code code[2];
	struct berth_dpp_pkex_conf conf[2];
	struct berth_dpp_pkex *pkex[2];
	struct berth_buf frames[FRAMES_MAX];
	size_t frame_count;
	bool is_done[2];
	int64_t ms;
};

static const uint8_t addresses[2][BERTH_DPP_ADDRESS_BYTES] = {{2, 0, 0, 0, 0, 1},
							      {2, 0, 0, 0, 0, 2}};

static void
take_all(struct between *b, int side)
{
	struct berth_dpp_pkex_event event;
	struct berth_bytes body;

	if (b->pkex[side] == NULL)
		return;
	while (berth_dpp_pkex_event(b->pkex[side], &event)) {
		struct berth_ec_point product = {.curve = event.point.curve};
		if (event.kind == BERTH_DPP_PKEX_DONE)
			b->is_done[side] = true;
		if (event.kind != BERTH_DPP_PKEX_MULTIPLY)
			continue;
		enum berth_err err = berth_ec_multiply(b->pki, &b->key[side].scalar, &event.point,
						       &product, NULL);
		err = berth_dpp_pkex_answer(b->pkex[side], err, &product, NULL);
		fuzz_assert(err != BERTH_E_INTERNAL);
	}
	while (berth_dpp_pkex_output(b->pkex[side], &body)) {
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
	const unsigned before = b->code[side].guesses;
	BERTH_BUF refusal = {0};
	enum berth_err err;

	if (berth_dpp_frame_parse(body, &frame, &why))
		return;
	if (b->pkex[side] != NULL) {
		err = berth_dpp_pkex_input(b->pkex[side], (struct berth_mono){b->ms},
					   addresses[1 - side], &frame, &why);
	} else {
		err = berth_dpp_pkex_respond(&b->conf[side], (struct berth_mono){b->ms},
					     addresses[1 - side], &frame, &b->pkex[side], &why);
		if (err == BERTH_E_UNSUPPORTED)
			fuzz_assert(berth_dpp_pkex_refuse_group(&b->conf[side], &frame, &refusal) ==
				    BERTH_OK);
	}
	fuzz_assert(err == BERTH_OK || why.rule != NULL);
	fuzz_assert(b->code[side].guesses <= before + 1);
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
	case 2: /* the responder begins anew */
		if (side == 1 && !b->is_done[1]) {
			berth_dpp_pkex_end(b->pkex[1]);
			b->pkex[1] = NULL;
		}
		break;
	case 3: /* time passes */
		b->ms += c[2] * 100;
		if (b->pkex[side] != NULL)
			berth_dpp_pkex_tick(b->pkex[side], (struct berth_mono){b->ms});
		take_all(b, side);
		break;
	}
}

static void
prepare(struct between *b, uint8_t flags)
{
	static const char *const codes[2] = {"48213907", "48213908"};

	for (int side = 0; side < 2; side++) {
		b->random[side].seed = (uint64_t)side + 5;
		dpp_key_make(b->pki, side == 1 && flags & 8 ? BERTH_EC_BP256 : BERTH_EC_P256,
			     &b->random[side], &b->key[side]);
		fuzz_assert(berth_dpp_pkex_code_set(
				    &b->code[side], berth_text(codes[side * (flags & 1)]),
				    berth_text(flags & 4 ? "" : "label"), NULL) == BERTH_OK);
		b->conf[side] = (struct berth_dpp_pkex_conf){
			.pki = b->pki,
			.random = dpp_random_source(&b->random[side]),
			.own = b->key[side].bootstrapping,
			.code = &b->code[side],
			.version = side == 0 && flags & 2 ? 1 : 3,
			.has_address = true,
		};
		memcpy(b->conf[side].address, addresses[side], BERTH_DPP_ADDRESS_BYTES);
	}
}

static void
judge(const struct between *b, uint8_t flags)
{
	for (int side = 0; side < 2; side++) {
		if (!b->is_done[side])
			continue;
		fuzz_assert((flags & 9) == 0);
		fuzz_assert(b->code[side].is_used);
		fuzz_assert(memcmp(berth_dpp_pkex_peer(b->pkex[side])->hash,
				   b->key[1 - side].bootstrapping.hash,
				   BERTH_DPP_KEY_HASH_BYTES) == 0);
	}
	/* the initiator is done only after the responder was */
	fuzz_assert(!b->is_done[0] || b->is_done[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_pki *pki;
	struct between b = {.ms = 1000};

	fuzz_assert(pki != NULL || berth_pki_open(&pki, NULL) == BERTH_OK);
	if (size < 1)
		return 0;
	b.pki = pki;
	prepare(&b, data[0]);
	fuzz_assert(berth_dpp_pkex_initiate(&b.conf[0], (struct berth_mono){b.ms}, &b.pkex[0],
					    NULL) == BERTH_OK);
	take_all(&b, 0);
	for (size_t i = 0; i < COMMANDS_MAX && 1 + 4 * i + 4 <= size; i++)
		command(&b, data + 1 + 4 * i);
	judge(&b, data[0]);
	for (int side = 0; side < 2; side++) {
		berth_dpp_pkex_end(b.pkex[side]);
		dpp_key_free(&b.key[side]);
		berth_dpp_pkex_code_free(&b.code[side]);
	}
	for (size_t i = 0; i < b.frame_count; i++)
		berth_buf_free(&b.frames[i]);
	return 0;
}
