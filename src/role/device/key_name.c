/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/device/key_name.h"

#include <stdio.h>

#include "base/hex.h"
#include "role/device/conf.h"

#define DIGITS_MAX 16 /* 64 random bits: no two names meet */
#define DIGITS_MIN 3  /* of a handle: 4,096 names for the few keys that a TPM keeps */
#define TRIES 16      /* with three keys among 4,096 names the second one is already free */
#define HANDLE "handle=0x"
#define HANDLE_DIGITS 8

/* How many digits the mark stands for. */
static size_t
count_digits(const char *pattern, const char *mark)
{
	const char *handle = strncmp(pattern, "tpm:", 4) == 0 ? strstr(pattern, HANDLE) : NULL;
	if (!handle || handle > mark) {
		return DIGITS_MAX;
	}
	const size_t given = (size_t)(mark - handle) - strlen(HANDLE);
	return given < HANDLE_DIGITS && !memchr(handle, ';', (size_t)(mark - handle))
		       ? HANDLE_DIGITS - given
		       : DIGITS_MAX;
}

static bool
fill_in(const char *pattern, const char digits[DIGITS_MAX + 1], char uri[BERTH_KEY_URI_MAX])
{
	const char *mark = strstr(pattern, BERTH_DEVICE_KEY_MARK);
	const int n = snprintf(uri, BERTH_KEY_URI_MAX, "%.*s%.*s%s", (int)(mark - pattern), pattern,
			       (int)count_digits(pattern, mark), digits,
			       mark + strlen(BERTH_DEVICE_KEY_MARK));
	return n > 0 && n < BERTH_KEY_URI_MAX;
}

enum berth_err
berth_device_key_needs(const char *pattern, const char *tcti, struct berth_keystore_needs *ret,
		       struct berth_why *why)
{
	char uri[BERTH_KEY_URI_MAX];
	if (!fill_in(pattern, "0000000000000000", uri)) {
		return berth_fail(why, BERTH_E_USAGE, "device-ldevid-key", NULL,
				  "the URI for new keys is too long");
	}
	return berth_keystore_needs(uri, tcti, ret, why);
}

enum berth_err
berth_device_key_pattern_check(const char *pattern, struct berth_why *why)
{
	struct berth_keystore_needs needs;
	const char *mark = strstr(pattern, BERTH_DEVICE_KEY_MARK);
	if (!mark || strstr(mark + 1, BERTH_DEVICE_KEY_MARK)) {
		return berth_fail(
			why, BERTH_E_USAGE, "device-ldevid-key", NULL,
			"ldevid-key needs {id} exactly once, so that every key has its own name");
	}
	if (count_digits(pattern, mark) < DIGITS_MIN) {
		return berth_fail(
			why, BERTH_E_USAGE, "device-ldevid-key", NULL,
			"the handle in ldevid-key leaves {id} fewer than %d digits: write "
			"handle=0x8103{id}",
			DIGITS_MIN);
	}
	return berth_device_key_needs(pattern, BERTH_TPM_TCTI_DEFAULT, &needs, why);
}

enum berth_err
berth_device_key_name(struct berth_pki *pki, const char *pattern, const struct berth_random *random,
		      char uri[BERTH_KEY_URI_MAX], struct berth_why *why)
{
	for (int i = 0; i < TRIES; i++) {
		uint8_t name[DIGITS_MAX / 2];
		char digits[DIGITS_MAX + 1];
		struct berth_why absent = {0};
		BERTH_KEY *key = NULL;
		berth_random_fill(random, name, sizeof(name));
		berth_hex_text(berth_bytes_of(name, sizeof(name)), digits, sizeof(digits));
		if (!fill_in(pattern, digits, uri)) {
			return berth_fail(why, BERTH_E_USAGE, "device-ldevid-key", NULL,
					  "the URI for new keys is too long");
		}
		enum berth_err err = berth_keystore_load(pki, uri, &key, &absent);
		if (err == BERTH_E_NOT_FOUND) {
			return BERTH_OK;
		}
		/* A key that is there but not usable is somebody's too. */
		if (err == BERTH_E_UNREACHABLE || err == BERTH_E_IO || err == BERTH_E_UNSUPPORTED) {
			*why = absent;
			return err;
		}
	}
	return berth_fail(
		why, BERTH_E_LIMIT, "device-key-names", NULL,
		"%d names for a new key were all taken: give ldevid-key a range of its own", TRIES);
}
