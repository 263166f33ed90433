/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/mean/mean.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/base64.h"
#include "codec/json.h"

static void
count(void *context, uint8_t *out, size_t n)
{
	uint32_t *state = context;
	for (size_t i = 0; i < n; i++) {
		*state = *state * 1664525 + 1013904223;
		out[i] = (uint8_t)(*state >> 24);
	}
}

#define VOUCHER                                                                                    \
	"{\"ietf-voucher:voucher\":{\"created-on\":\"2026-11-24T00:00:00Z\",\"assertion\":"        \
	"\"logged\",\"serial-number\":\"CAM \\\"7\\\" \\\\/x\",\"nonce\":\"AQIDBAUGBwg=\","        \
	"\"pinned-domain-cert\":\"TUlJQitzb21ldGhpbmcvbG9uZw==\"}}"

/* What a reader makes of it: the same, whatever the dice said. */
static void
rare_json_says_the_same(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 500; seed++) {
		uint32_t dice = seed;
		struct berth_mean mean = {.dice = {.fill = count, .context = &dice}};
		BERTH_BUF json = {0};
		BERTH_ARENA arena;
		struct berth_voucher plain, rare;
		struct berth_why why = {0};
		berth_arena_start(&arena, 1 << 16);
		assert_int_equal(berth_voucher_parse(BERTH_LIT(VOUCHER), BERTH_VOUCHER, &arena,
						     &plain, NULL),
				 BERTH_OK);
		assert_int_equal(berth_buf_append_text(&json, VOUCHER), BERTH_OK);
		berth_mean_rare_json(&mean, &json);
		assert_false(berth_bytes_equal_text(berth_buf_view(&json), VOUCHER));
		if (berth_voucher_parse(berth_buf_view(&json), BERTH_VOUCHER, &arena, &rare, &why))
			fail_msg("seed %u: %s: %.*s", seed, why.sentence, (int)json.n,
				 (const char *)json.p);
		assert_true(berth_bytes_equal(plain.serial_number, rare.serial_number));
		assert_true(berth_bytes_equal(plain.nonce, rare.nonce));
		assert_true(berth_bytes_equal(plain.pinned_domain_cert, rare.pinned_domain_cert));
		assert_int_equal(plain.created_on.s, rare.created_on.s);
		assert_int_equal(plain.assertion, rare.assertion);
	}
}

/* req: rfc8951-3.1-white-space */
static void
rare_base64_says_the_same(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 500; seed++) {
		uint32_t dice = seed;
		struct berth_mean mean = {.dice = {.fill = count, .context = &dice}};
		BERTH_BUF text = {0};
		BERTH_BUF got = {0};
		assert_int_equal(berth_base64_encode(BERTH_LIT(VOUCHER), 64, &text), BERTH_OK);
		berth_mean_rare_base64(&mean, &text);
		assert_int_equal(berth_base64_decode(berth_buf_view(&text), true, &got, NULL),
				 BERTH_OK);
		assert_true(berth_bytes_equal_text(berth_buf_view(&got), VOUCHER));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rare_json_says_the_same),
		cmocka_unit_test(rare_base64_says_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
