/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/accept.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	const char *accept;
	bool want;
} rows[] = {
	{"", true},
	{"  ", true},
	{"application/voucher-cms+json", true},
	{"Application/Voucher-CMS+JSON", true},
	{"*/*", true},
	{"application/*", true},
	{"application/voucher-jws+json, application/voucher-cms+json;q=0.1", true},
	{"application/voucher-jws+json", false},
	{"text/*", false},
	{"application/voucher-cms+json;q=0", false},
	{"*/*, application/voucher-cms+json;q=0.000", false},
	{"application/voucher-cms+json, */*;q=0", true},
	{"application/voucher-cms", false},
	{",,;;", false},
};

static void
the_most_specific_entry_of_accept_decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].accept);
		assert_int_equal(berth_accept_has(berth_text(rows[i].accept),
						  "application/voucher-cms+json"),
				 rows[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_most_specific_entry_of_accept_decides),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
