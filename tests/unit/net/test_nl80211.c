/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be shown without a radio: the refusals. The rest is shown in the virtual Wi-Fi lab. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/nl80211.h"

static void
on_frame(void *context, const struct berth_radio_frame *frame)
{
	(void)context, (void)frame;
}

static void
on_sent(void *context, uint32_t token, bool is_acknowledged, const struct berth_why *why)
{
	(void)context, (void)token, (void)is_acknowledged, (void)why;
}

static void
on_idle(void *context)
{
	(void)context;
}

static void
on_scanned(void *context, const struct berth_radio_found *found, size_t n,
	   const struct berth_why *why)
{
	(void)context, (void)found, (void)n, (void)why;
}

static enum berth_err
open_interface(const char *name, struct berth_why *why)
{
	const struct berth_radio_conf conf = {.interface = name,
					      .frame = on_frame,
					      .sent = on_sent,
					      .idle = on_idle,
					      .scanned = on_scanned};
	struct berth_loop *loop = NULL;
	struct berth_radio *radio = NULL;

	assert_int_equal(berth_loop_open(&loop, NULL), BERTH_OK);
	enum berth_err err = berth_radio_open(loop, &conf, &radio, why);
	berth_radio_close(radio);
	berth_loop_close(loop);
	return err;
}

/* Which of the two it says depends on whether this kernel knows Wi-Fi at all. */
static void
refuses_an_interface_that_is_no_radio(void **state)
{
	static const char *const names[] = {"lo", "no-such-radio0",
					    "an-interface-with-such-a-name"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct berth_why why = {0};
		enum berth_err err = open_interface(names[i], &why);
		if (err == BERTH_E_UNSUPPORTED) {
			assert_string_equal(why.rule, "nl80211-missing");
			continue;
		}
		assert_int_equal(err, i == 2 ? BERTH_E_USAGE : BERTH_E_NOT_FOUND);
		assert_string_equal(why.rule, "nl80211-interface");
		assert_non_null(strstr(why.sentence, names[i]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_an_interface_that_is_no_radio),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
