/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/dpp_fragments.h"
#include "codec/dpp_frame.h"

#define ADVERTISEMENT "\x6c\x08\x7f\xdd\x05\x50\x6f\x9a\x1a\x01"
#define MORE 0x80

/* A comeback response as it comes over the air. */
static void
respond(struct berth_buf *body, uint8_t dialog, uint8_t number, struct berth_bytes part)
{
	const uint8_t start[] = {0x0d, dialog, 0, 0, number, 0, 0};
	const uint8_t length[] = {(uint8_t)part.n, (uint8_t)(part.n >> 8)};

	berth_buf_clear(body);
	assert_int_equal(berth_buf_append(body, start, sizeof(start)), BERTH_OK);
	assert_int_equal(berth_buf_append_text(body, ADVERTISEMENT), BERTH_OK);
	assert_int_equal(berth_buf_append(body, length, sizeof(length)), BERTH_OK);
	assert_int_equal(berth_buf_append_bytes(body, part), BERTH_OK);
}

static enum berth_err
take(struct berth_dpp_fragments *f, uint8_t dialog, uint8_t number, struct berth_bytes part,
     enum berth_dpp_fragments_step *step, struct berth_bytes *ret, struct berth_why *why)
{
	static struct berth_buf body;

	respond(&body, dialog, number, part);
	enum berth_err err = berth_dpp_fragments_take(f, berth_buf_view(&body), step, ret, why);
	return err;
}

/* A Config Object attribute of n octets: what a configuration is made of. */
static void
make_attributes(struct berth_buf *buf, size_t n)
{
	uint8_t *value = calloc(1, n);

	assert_non_null(value);
	for (size_t i = 0; i < n; i++)
		value[i] = (uint8_t)(i * 7);
	assert_int_equal(berth_dpp_put(buf, BERTH_DPP_CONFIG_OBJECT, berth_bytes_of(value, n)),
			 BERTH_OK);
	free(value);
}

static void
puts_the_fragments_of_an_answer_together(void **state)
{
	struct berth_dpp_fragments f = {0};
	enum berth_dpp_fragments_step step = BERTH_DPP_FRAGMENTS_BODY;
	struct berth_bytes ret = BERTH_BYTES_NONE;
	struct berth_dpp_frame frame;
	struct berth_why why = {0};
	BERTH_BUF whole = {0};

	(void)state;
	make_attributes(&whole, 3000);
	for (size_t at = 0, number = 0; at < whole.n; at += 1400, number++) {
		bool is_last = at + 1400 >= whole.n;
		size_t n = is_last ? whole.n - at : 1400;
		assert_int_equal(take(&f, 9, (uint8_t)(number | (is_last ? 0 : MORE)),
				      berth_bytes_of(whole.p + at, n), &step, &ret, &why),
				 BERTH_OK);
		assert_int_equal(step,
				 is_last ? BERTH_DPP_FRAGMENTS_BODY : BERTH_DPP_FRAGMENTS_ASK);
		if (!is_last)
			assert_true(berth_bytes_equal(ret, BERTH_LIT("\x0c\x09")));
	}
	assert_int_equal(berth_dpp_frame_parse(ret, &frame, &why), BERTH_OK);
	assert_int_equal(frame.kind, BERTH_DPP_FRAME_COMEBACK_RESPONSE);
	assert_int_equal(frame.dialog, 9);
	assert_int_equal(frame.delay, 0);
	assert_true(berth_bytes_equal(frame.attributes, berth_buf_view(&whole)));
	berth_dpp_fragments_free(&f);
}

static void
lets_through_what_is_no_fragment(void **state)
{
	static const struct berth_bytes rows[] = {
		BERTH_LIT_INIT("\x09\x50\x6f\x9a\x1a\x01\x00"),
		BERTH_LIT_INIT("\x0b\x01\x00\x00\x00\x00" ADVERTISEMENT "\x00\x00"),
		BERTH_LIT_INIT("\x0d\x01\x00\x00\x00\x01\x00" ADVERTISEMENT "\x00\x00"),
		BERTH_LIT_INIT("\x0d\x01\x00\x00\x00\x00\x00" ADVERTISEMENT
			       "\x05\x00\x00\x10\x01\x00\x00"),
		BERTH_LIT_INIT("\x0d\x01\x3c\x00\x80\x00\x00" ADVERTISEMENT "\x01\x00\x00"),
		BERTH_LIT_INIT("\x0d\x01\x00\x00\x80\x00\x00" ADVERTISEMENT "\x02\x00\x00"),
		BERTH_LIT_INIT("\x0d"),
		BERTH_LIT_INIT(""),
	};
	struct berth_dpp_fragments f = {0};
	enum berth_dpp_fragments_step step = BERTH_DPP_FRAGMENTS_ASK;
	struct berth_bytes ret = BERTH_BYTES_NONE;
	struct berth_why why = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(berth_dpp_fragments_take(&f, rows[i], &step, &ret, &why),
				 BERTH_OK);
		assert_int_equal(step, BERTH_DPP_FRAGMENTS_BODY);
		assert_ptr_equal(ret.p, rows[i].p);
		assert_int_equal(ret.n, rows[i].n);
	}
	berth_dpp_fragments_free(&f);
}

static void
refuses_a_fragment_out_of_turn_and_goes_on(void **state)
{
	struct berth_dpp_fragments f = {0};
	enum berth_dpp_fragments_step step;
	struct berth_bytes ret = BERTH_BYTES_NONE;
	struct berth_why why = {0};

	(void)state;
	/* none before the first */
	assert_int_equal(take(&f, 9, 1, BERTH_LIT("b"), &step, &ret, &why), BERTH_E_STATE);
	assert_string_equal(why.rule, "gas-fragment");
	assert_int_equal(take(&f, 9, 0 | MORE, BERTH_LIT("a"), &step, &ret, &why), BERTH_OK);
	/* again, the one after the next, and one of another answer */
	assert_int_equal(take(&f, 9, 0 | MORE, BERTH_LIT("a"), &step, &ret, &why), BERTH_E_STATE);
	assert_int_equal(take(&f, 9, 2, BERTH_LIT("c"), &step, &ret, &why), BERTH_E_STATE);
	assert_int_equal(take(&f, 8, 1, BERTH_LIT("x"), &step, &ret, &why), BERTH_E_STATE);
	assert_int_equal(take(&f, 9, 1, BERTH_LIT("b"), &step, &ret, &why), BERTH_OK);
	assert_int_equal(step, BERTH_DPP_FRAGMENTS_BODY);
	assert_true(berth_bytes_equal(berth_bytes_of(ret.p + ret.n - 4, 4), BERTH_LIT("\x02\x00"
										      "ab")));
	berth_dpp_fragments_free(&f);
}

static void
forgets_an_answer_that_grows_beyond_its_limit(void **state)
{
	static uint8_t part[1400];
	struct berth_dpp_fragments f = {0};
	enum berth_dpp_fragments_step step;
	struct berth_bytes ret = BERTH_BYTES_NONE;
	struct berth_why why = {0};
	enum berth_err err = BERTH_OK;
	uint8_t number = 0;

	(void)state;
	while (!err && number < 127)
		err = take(&f, 1, number++ | MORE, berth_bytes_of(part, sizeof(part)), &step, &ret,
			   &why);
	assert_int_equal(err, BERTH_E_LIMIT);
	assert_string_equal(why.rule, "gas-length");
	assert_int_equal(number, 65535 / 1400 + 1);
	/* as many as there are numbers for, however short */
	err = BERTH_OK;
	for (number = 0; !err; number++)
		err = take(&f, 1, number | MORE, BERTH_LIT("x"), &step, &ret, &why);
	assert_int_equal(err, BERTH_E_LIMIT);
	assert_int_equal(number, BERTH_DPP_FRAGMENTS_MAX);
	/* and the next answer is read */
	assert_int_equal(take(&f, 1, 0 | MORE, BERTH_LIT("a"), &step, &ret, &why), BERTH_OK);
	assert_int_equal(take(&f, 1, 1, BERTH_LIT("b"), &step, &ret, &why), BERTH_OK);
	berth_dpp_fragments_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(puts_the_fragments_of_an_answer_together),
		cmocka_unit_test(lets_through_what_is_no_fragment),
		cmocka_unit_test(refuses_a_fragment_out_of_turn_and_goes_on),
		cmocka_unit_test(forgets_an_answer_that_grows_beyond_its_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
