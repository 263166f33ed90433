/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/dpp_fixture.h"

#include <assert.h>

#include "base/hex.h"

static void
fill(void *context, uint8_t *out, size_t n)
{
	struct dpp_random *random = context;

	for (size_t i = 0; i < n; i++) {
		if (random->at < random->n) {
			out[i] = random->script[random->at++];
			continue;
		}
		random->seed = random->seed * 6364136223846793005U + 1442695040888963407U;
		out[i] = (uint8_t)(random->seed >> 56);
	}
}

struct berth_random
dpp_random_source(struct dpp_random *random)
{
	return (struct berth_random){fill, random};
}

void
dpp_random_add(struct dpp_random *random, const char *hex)
{
	BERTH_BUF bytes = {0};
	enum berth_err err = berth_hex_decode(berth_text(hex), &bytes, NULL);

	assert(err == BERTH_OK && random->n + bytes.n <= sizeof(random->script));
	(void)err;
	memcpy(random->script + random->n, bytes.p, bytes.n);
	random->n += bytes.n;
}

static void
finish(struct berth_pki *pki, const struct berth_ec_point *point, struct dpp_key *ret)
{
	enum berth_err err = berth_dpp_bootstrapping_of(pki, point, &ret->bootstrapping, NULL);

	assert(err == BERTH_OK);
	(void)err;
}

void
dpp_key_make(struct berth_pki *pki, enum berth_ec_curve curve, struct dpp_random *random,
	     struct dpp_key *ret)
{
	struct berth_random source = dpp_random_source(random);
	struct berth_ec_point point;
	enum berth_err err = berth_ec_generate(pki, curve, &source, &ret->scalar, &point, NULL);

	assert(err == BERTH_OK);
	(void)err;
	finish(pki, &point, ret);
}

void
dpp_key_of(struct berth_pki *pki, enum berth_ec_curve curve, const char *scalar_hex,
	   struct dpp_key *ret)
{
	BERTH_BUF bytes = {0};
	struct berth_ec_point point;
	enum berth_err err = berth_hex_decode(berth_text(scalar_hex), &bytes, NULL);

	err = err ? err : berth_secret_copy(&ret->scalar, berth_buf_view(&bytes));
	err = err ? err : berth_ec_public(pki, curve, &ret->scalar, &point, NULL);
	assert(err == BERTH_OK);
	(void)err;
	finish(pki, &point, ret);
}

void
dpp_key_free(struct dpp_key *key)
{
	berth_secret_free(&key->scalar);
}

static void
answer(struct dpp_sides *sides, int side, struct berth_mono now,
       const struct berth_dpp_auth_event *event)
{
	struct berth_ec_point product = {.curve = event->point.curve};
	enum berth_err err = berth_ec_multiply(sides->pki, &sides->key[side].scalar, &event->point,
					       &product, NULL);

	err = berth_dpp_auth_answer(sides->auth[side], now, err, &product, &sides->why);
	assert(err == BERTH_OK || sides->why.rule != NULL);
	(void)err;
}

static bool
move(struct dpp_sides *sides, int side, struct berth_mono now)
{
	struct berth_dpp_auth_event event;
	struct berth_dpp_frame frame;
	struct berth_bytes body;
	bool has_moved = false;

	if (sides->auth[side] == NULL)
		return false;
	while (berth_dpp_auth_event(sides->auth[side], &event)) {
		has_moved = true;
		if (event.kind == BERTH_DPP_AUTH_MULTIPLY) {
			answer(sides, side, now, &event);
			continue;
		}
		sides->event[side] = event;
		sides->has_event[side] = true;
	}
	while (berth_dpp_auth_output(sides->auth[side], &body)) {
		has_moved = true;
		if (sides->frame_count < 3) {
			struct berth_buf *kept = &sides->frames[sides->frame_count++];
			berth_buf_clear(kept);
			assert(berth_buf_append_bytes(kept, body) == BERTH_OK);
		}
		enum berth_err err = berth_dpp_frame_parse(body, &frame, &sides->why);
		assert(err == BERTH_OK);
		if (sides->auth[1 - side] != NULL)
			err = berth_dpp_auth_input(sides->auth[1 - side], now, &frame, &sides->why);
		(void)err;
	}
	return has_moved;
}

void
dpp_sides_run(struct dpp_sides *sides, struct berth_mono now)
{
	bool has_moved = true;

	while (has_moved) {
		has_moved = move(sides, 0, now);
		has_moved = move(sides, 1, now) || has_moved;
	}
}

void
dpp_sides_free(struct dpp_sides *sides)
{
	for (int side = 0; side < 2; side++) {
		berth_dpp_auth_end(sides->auth[side]);
		dpp_key_free(&sides->key[side]);
	}
	for (size_t i = 0; i < 3; i++)
		berth_buf_free(&sides->frames[i]);
}
