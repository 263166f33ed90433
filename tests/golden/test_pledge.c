/* SPDX-License-Identifier: BSD-2-Clause */
/* A device onboards: tests/golden/pledge.txt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "golden/transcript.h"
#include "support/pledge_world.h"

static bool blesses;

static void
says_the_same_bytes_as_ever(void **state)
{
	(void)state;
	transcript_seed();
	struct world *world = world_open();
	struct transcript transcript = {.name = "pledge", .pki = world->pki};
	transcript_add(
		&transcript,
		"# The pledge onboards: it waits once, then gets voucher and certificate.\n"
		"# seconds [attempt] what happens, then the body: text, or hex after the\n"
		"# content of its CMS. Made by build/tests/golden/test-golden-pledge --bless.\n");
	world->listen = transcript_listen;
	world->listen_context = &transcript;
	world_peer(world)->voucher_waits = 1;
	assert_int_equal(world_start(world), BERTH_OK);
	world_run(world, 60);
	assert_true(world->is_done);
	transcript_end(&transcript, blesses);
	world_close(world);
}

int
main(int argc, char **argv)
{
	blesses = argc == 2 && strcmp(argv[1], "--bless") == 0;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_the_same_bytes_as_ever),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
