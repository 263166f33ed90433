/* SPDX-License-Identifier: BSD-2-Clause */
/* In a network namespace of its own, with a pair of virtual interfaces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <sched.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/link.h"

#define PATIENCE_MS 5000 /* the bound of a test that fails, not a wait */

static struct berth_loop *loop;
static unsigned ups;
static unsigned downs;

static void
on_changed(void *context, bool is_running)
{
	(void)context;
	ups += is_running;
	downs += !is_running;
	berth_loop_stop(loop);
}

static void
on_timeout(void *context)
{
	(void)context;
	berth_loop_stop(loop);
}

static void
on_soon(void *context)
{
	(void)context;
	berth_loop_stop(loop);
}

static void
run_for(int64_t ms, void (*fire)(void *context))
{
	struct berth_timer *timer = NULL;
	assert_int_equal(berth_timer_open(loop, fire, NULL, &timer), BERTH_OK);
	berth_timer_start(timer, ms);
	berth_loop_run(loop);
	berth_timer_close(timer);
}

static void
tells_when_a_link_goes_and_comes(void **state)
{
	(void)state;
	struct berth_link_watch *watch = NULL;
	struct berth_why why = {0};
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		print_message("no network namespace to be had here: not tested\n");
		skip();
	}
	assert_int_equal(system("ip link add va type veth peer name vb && ip link set va up && "
				"ip link set vb up"),
			 0);
	/* The kernel says that a new link runs up to a second later: that is not the change to be told. */
	assert_int_equal(system("n=0; until [ $(ip -o link show | grep -c 'state UP') = 2 ]; do "
				"n=$((n + 1)); [ $n -lt 5000 ] || exit 1; done"),
			 0);
	assert_int_equal(berth_loop_open(&loop, &why), BERTH_OK);
	assert_int_equal(berth_link_watch_open(loop, on_changed, NULL, &watch, &why), BERTH_OK);
	run_for(50, on_soon); /* what is there already is no change */
	assert_int_equal(ups + downs, 0);
	assert_int_equal(system("ip link set vb down"), 0);
	run_for(PATIENCE_MS, on_timeout);
	assert_true(downs > 0);
	assert_int_equal(ups, 0);
	assert_int_equal(system("ip link set vb up"), 0);
	while (ups == 0) {
		const unsigned before = downs;
		run_for(PATIENCE_MS, on_timeout);
		assert_true(ups > 0 || downs > before);
	}
	berth_link_watch_close(watch);
	berth_loop_close(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_when_a_link_goes_and_comes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
