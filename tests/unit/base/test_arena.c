/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
hands_out_zeroed_aligned_memory(void **state)
{
	(void)state;
	BERTH_ARENA arena;

	berth_arena_start(&arena, 1 << 20);
	for (size_t n = 0; n < 300; n += 7) {
		uint8_t *p = berth_arena_alloc(&arena, n);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(p[i], 0);
			p[i] = 0xff;
		}
	}
	assert_non_null(berth_arena_alloc(&arena, 100000));
}

static void
never_gives_more_than_its_cap(void **state)
{
	(void)state;
	BERTH_ARENA arena;
	size_t given = 0;

	berth_arena_start(&arena, 1000);
	while (berth_arena_alloc(&arena, 30)) {
		given += 30;
	}
	assert_true(given > 900 && given <= 1000);
	assert_true(arena.used <= 1000);
	assert_null(berth_arena_alloc(&arena, SIZE_MAX));
	assert_null(berth_arena_alloc(&arena, SIZE_MAX - 14));
	berth_arena_end(&arena);
	berth_arena_end(&arena);
	assert_non_null(berth_arena_alloc(&arena, 900));
}

static void
copies_end_with_a_nul_not_counted(void **state)
{
	(void)state;
	BERTH_ARENA arena;

	berth_arena_start(&arena, 100);
	struct berth_bytes copy = berth_arena_copy(&arena, BERTH_LIT("a\0b"));

	assert_int_equal(copy.n, 3);
	assert_memory_equal(copy.p, "a\0b", 4);
	assert_string_equal(berth_arena_text(&arena, BERTH_LIT("text")), "text");
	assert_string_equal(berth_arena_text(&arena, BERTH_BYTES_NONE), "");
	assert_null(berth_arena_text(&arena, BERTH_LIT("a\0b")));
	assert_null(berth_arena_copy(&arena, BERTH_LIT("0123456789012345678901234567890123456789"
						       "0123456789012345678901234567890123456789"))
			    .p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_out_zeroed_aligned_memory),
		cmocka_unit_test(never_gives_more_than_its_cap),
		cmocka_unit_test(copies_end_with_a_nul_not_counted),
	};

	return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
