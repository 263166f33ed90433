/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/factory/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "role/factory/request_file.h"
#include "system/files.h"

static enum berth_err
read_list(const char *text, struct berth_units *units, struct berth_why *why)
{
	char path[] = "/tmp/berth-units-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(berth_file_write(path, berth_text(text), 0600, why), BERTH_OK);
	enum berth_err err = berth_units_read(path, units, why);
	unlink(path);
	return err;
}

static void
reads_columns_in_any_order(void **state)
{
	(void)state;
	BERTH_UNITS units = {0};
	struct berth_why why = {0};
	assert_int_equal(read_list("csr,model,serial-number,key\n"
				   "a.csr,cam,A-1,\n"
				   ",\"cam, large\",A-2,file:/k\n"
				   "/b.csr,,A-3,\n",
				   &units, &why),
			 BERTH_OK);
	assert_int_equal(units.count, 3);
	assert_string_equal(units.units[0].csr, "/tmp/a.csr"); /* beside the list */
	assert_null(units.units[0].key);
	assert_true(berth_bytes_equal_text(units.units[1].model, "cam, large"));
	assert_string_equal(units.units[1].key, "file:/k");
	assert_null(units.units[1].csr);
	assert_int_equal(units.units[1].line, 3);
	assert_string_equal(units.units[2].csr, "/b.csr");
	assert_int_equal(units.units[2].outcome, BERTH_UNIT_WAITS);
}

static void
makes_nothing_of_a_list_it_does_not_understand(void **state)
{
	(void)state;
	static const char *const lists[] = {
		"",
		"serial-number\nA-1\n",
		"serial-number,model,colour\nA-1,cam,red\n",
		"serial-number,model,model\nA-1,cam,cam\n",
		"serial-number,model\nA-1,cam\nA-2\n",
		"serial-number,model\nA-1,\"cam\n",
	};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		BERTH_UNITS units = {0};
		struct berth_why why = {0};
		assert_int_not_equal(read_list(lists[i], &units, &why), BERTH_OK);
		assert_int_equal(units.count, 0);
		assert_true(why.sentence[0]);
	}
}

static void
takes_requests_as_pem_and_as_der(void **state)
{
	(void)state;
	static const struct {
		const char *file;
		size_t n; /* of the DER; 0: refused */
	} table[] = {
		{"-----BEGIN CERTIFICATE REQUEST-----\nMAMB\nAf8=\n-----END CERTIFICATE "
		 "REQUEST-----\n",
		 5},
		{"-----BEGIN NEW CERTIFICATE REQUEST-----\nMAA=\n-----END NEW CERTIFICATE "
		 "REQUEST-----\n",
		 2},
		{"0\x01\x02", 3},
		{"", 0},
		{"MAA=", 0},
		{"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", 0},
		{"-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n", 0},
		{"-----BEGIN CERTIFICATE REQUEST-----\nM*A=\n-----END CERTIFICATE REQUEST-----\n",
		 0},
		{"-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"
		 "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n",
		 0},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		BERTH_BUF der = {0};
		struct berth_why why = {0};
		enum berth_err err =
			berth_request_file_parse(berth_text(table[i].file), &der, &why);
		assert_int_equal(err == BERTH_OK, table[i].n > 0);
		if (!err)
			assert_int_equal(der.n, table[i].n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_columns_in_any_order),
		cmocka_unit_test(makes_nothing_of_a_list_it_does_not_understand),
		cmocka_unit_test(takes_requests_as_pem_and_as_der),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
