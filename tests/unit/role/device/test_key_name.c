/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "role/device/key_name.h"

/* Each value twice, so that the second name meets the first. */
static void
fill(void *context, uint8_t *out, size_t n)
{
	unsigned *calls = context;
	memset(out, (int)(*calls / 2), n);
	(*calls)++;
}

static void
passes_over_a_name_that_is_taken(void **state)
{
	struct berth_pki *pki = NULL;
	char folder[] = "/tmp/berth-key-name-XXXXXX";
	char pattern[80];
	char first[BERTH_KEY_URI_MAX];
	char second[BERTH_KEY_URI_MAX];
	unsigned calls = 0;
	const struct berth_random random = {fill, &calls};
	struct berth_why why = {0};
	struct berth_key *key = NULL;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(pattern, sizeof(pattern), "file:%s/k-{id}.key", folder);
	assert_int_equal(berth_pki_open(&pki, NULL), BERTH_OK);
	assert_int_equal(berth_device_key_name(pki, pattern, &random, first, &why), BERTH_OK);
	assert_non_null(strstr(first, "/k-0000000000000000.key"));
	assert_int_equal(berth_keystore_generate(pki, first, NULL, &key, &why), BERTH_OK);
	berth_key_free(key);
	assert_int_equal(berth_device_key_name(pki, pattern, &random, second, &why), BERTH_OK);
	assert_non_null(strstr(second, "/k-0101010101010101.key"));
	assert_int_equal(berth_keystore_delete(pki, first, NULL), BERTH_OK);
	berth_pki_close(pki);
	assert_int_equal(rmdir(folder), 0);
}

static void
judges_patterns(void **state)
{
	static const struct {
		const char *pattern;
		enum berth_err want;
	} rows[] = {
		{"file:/var/k-{id}.key", BERTH_OK},
		{"tpm:handle=0x8103{id}", BERTH_OK},
		{"tpm:tcti=device:/dev/tpm0;handle=0x81030{id}", BERTH_OK},
		{"tpm:file=/var/k-{id}.tpm", BERTH_OK},
		{"pkcs11:token=a;object=k-{id}?module-path=/m", BERTH_OK},
		{"file:/var/k.key", BERTH_E_USAGE},
		{"file:/var/{id}/{id}", BERTH_E_USAGE},
		{"tpm:handle=0x810300{id}", BERTH_E_USAGE}, /* 256 names only */
		{"tpm:handle=0x8003{id}", BERTH_E_USAGE},   /* a transient handle */
		{"tpm:handle=0x8183{id}", BERTH_E_USAGE},   /* the platform's */
		{"tpm:handle=0x81030000;file={id}", BERTH_E_USAGE},
		{"vault:{id}", BERTH_E_USAGE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct berth_why why = {0};
		if (berth_device_key_pattern_check(rows[i].pattern, &why) != rows[i].want)
			fail_msg("%s: %s", rows[i].pattern, why.sentence);
	}
}

static void
tells_what_a_sandbox_must_leave_open(void **state)
{
	static const struct {
		const char *pattern;
		const char *device;
		const char *folder;
		bool is_unknown;
	} rows[] = {
		{"file:/var/k/{id}.key", "", "/var/k", false},
		{"tpm:handle=0x8103{id}", "/dev/tpmrm9", "", false},
		{"tpm:handle=0x8103{id};tcti=device", "/dev/tpm0", "", false},
		{"tpm:file=/var/t/{id};tcti=swtpm:host=a,port=1", "", "/var/t", false},
		{"pkcs11:token=a;object={id}?module-path=/m", "", "", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct berth_keystore_needs needs;
		assert_int_equal(
			berth_device_key_needs(rows[i].pattern, "device:/dev/tpmrm9", &needs, NULL),
			BERTH_OK);
		assert_string_equal(needs.device, rows[i].device);
		assert_string_equal(needs.folder, rows[i].folder);
		assert_int_equal(needs.is_unknown, rows[i].is_unknown);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_over_a_name_that_is_taken),
		cmocka_unit_test(judges_patterns),
		cmocka_unit_test(tells_what_a_sandbox_must_leave_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
