/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/keystore/tpm_uri.h"

#define DEVICE_TCTI "device"
#define DEVICE_DEFAULT "/dev/tpm0" /* what tss2-tcti-device opens without a path */

static int
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool
hex_byte(const uint8_t digits[2], uint8_t *ret)
{
	int high = hex_digit(digits[0]);
	int low = hex_digit(digits[1]);

	*ret = (uint8_t)((unsigned)high << 4 | (unsigned)low);
	return high >= 0 && low >= 0;
}

static enum berth_err
refuse(struct berth_why *why, struct berth_bytes what, const char *reason)
{
	return berth_fail(why, BERTH_E_USAGE, "keystore-tpm-uri", NULL,
			  "\"%.*s\" in the tpm URI %s.", what.n > 40 ? 40 : (int)what.n,
			  (const char *)what.p, reason);
}

/* RFC 3986 2.1; false when it does not fit, is malformed or hides a NUL. */
static bool
unescape(struct berth_bytes in, char *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];
		if (c == '%') {
			if (in.n - i < 3 || !hex_byte(in.p + i + 1, &c))
				return false;
			i += 2;
		}
		if (c == 0 || n + 1 >= cap)
			return false;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return n > 0;
}

/* 0x and eight hexadecimal digits, as every TPM tool prints a handle. */
static enum berth_err
take_handle(struct berth_bytes value, struct berth_tpm_uri *uri, struct berth_why *why)
{
	uint32_t handle = 0;
	uint8_t byte = 0;

	if (value.n != 10 || value.p[0] != '0' || value.p[1] != 'x')
		return refuse(why, value, "is no handle: write it as 0x81020000");
	for (size_t i = 2; i < 10; i += 2) {
		if (!hex_byte(value.p + i, &byte))
			return refuse(why, value, "is no handle: write it as 0x81020000");
		handle = handle << 8 | byte;
	}
	if (handle < BERTH_TPM_HANDLE_FIRST || handle > BERTH_TPM_HANDLE_LAST)
		return refuse(why, value,
			      "is no persistent handle: those begin at 0x81000000, the platform's "
			      "at 0x81800000");
	uri->handle = handle;
	return BERTH_OK;
}

static enum berth_err
take_hierarchy(struct berth_bytes value, struct berth_tpm_uri *uri, struct berth_why *why)
{
	static const char *const names[] = {"owner", "endorsement", "platform"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!berth_bytes_equal_text(value, names[i]))
			continue;
		uri->hierarchy = (enum berth_tpm_hierarchy)i;
		return BERTH_OK;
	}
	return refuse(why, value, "is no hierarchy: owner, endorsement or platform");
}

static enum berth_err
take_attribute(struct berth_bytes name, struct berth_bytes value, struct berth_tpm_uri *uri,
	       struct berth_why *why)
{
	if (berth_bytes_equal_text(name, "handle"))
		return take_handle(value, uri, why);
	if (berth_bytes_equal_text(name, "hierarchy"))
		return take_hierarchy(value, uri, why);
	bool is_file = berth_bytes_equal_text(name, "file");
	if (!is_file && !berth_bytes_equal_text(name, "tcti"))
		return refuse(why, name, "is not understood (handle, file, hierarchy, tcti are)");
	if (!unescape(value, is_file ? uri->file : uri->tcti, BERTH_KEY_URI_MAX))
		return refuse(why, name, "is empty, too long or badly escaped");
	return BERTH_OK;
}

static enum berth_err
check(const struct berth_tpm_uri *uri, struct berth_why *why)
{
	if ((uri->handle != 0) == (uri->file[0] != '\0'))
		return berth_fail(why, BERTH_E_USAGE, "keystore-tpm-uri", NULL,
				  "A tpm URI names its key by handle= or by file=, one of them.");
	if (uri->file[0] != '\0' && uri->file[0] != '/')
		return berth_fail(why, BERTH_E_USAGE, "keystore-tpm-uri", NULL,
				  "file= in the tpm URI must be an absolute path.");
	if (uri->file[0] != '\0' && uri->hierarchy != BERTH_TPM_OWNER)
		return berth_fail(why, BERTH_E_USAGE, "keystore-tpm-uri", NULL,
				  "A key in a file is wrapped by the owner's storage root key; "
				  "hierarchy= goes with handle=.");
	bool is_platform = uri->handle >= BERTH_TPM_HANDLE_PLATFORM;
	if (is_platform != (uri->hierarchy == BERTH_TPM_PLATFORM))
		return berth_fail(
			why, BERTH_E_USAGE, "keystore-tpm-uri", "TPM 2.0 part 3, 28.5",
			"Handles from 0x81800000 and hierarchy=platform belong together.");
	return BERTH_OK;
}

enum berth_err
berth_tpm_uri_parse(const char *rest, struct berth_tpm_uri *ret, struct berth_why *why)
{
	struct berth_tpm_uri uri = {0};
	struct berth_bytes seen[4];
	size_t count = 0;
	const char *at = rest;

	for (;;) {
		size_t n = strcspn(at, ";");
		const char *equals = memchr(at, '=', n);
		if (equals == NULL)
			return refuse(why, berth_bytes_of(at, n), "has no \"=\"");
		struct berth_bytes name = berth_bytes_of(at, (size_t)(equals - at));
		struct berth_bytes value = berth_bytes_of(equals + 1, n - name.n - 1);
		for (size_t i = 0; i < count; i++) {
			if (berth_bytes_equal(name, seen[i]))
				return refuse(why, name, "stands twice");
		}
		enum berth_err err = take_attribute(name, value, &uri, why);
		if (err)
			return err;
		seen[count++] = name; /* there are four names, and none passes twice */
		if (at[n] == '\0')
			break;
		at += n + 1;
	}
	enum berth_err err = check(&uri, why);
	if (err)
		return err;
	*ret = uri;
	return BERTH_OK;
}

const char *
berth_tpm_tcti_device(const char *tcti)
{
	size_t n = strlen(DEVICE_TCTI);

	if (strncmp(tcti, DEVICE_TCTI, n) != 0)
		return NULL;
	if (tcti[n] == '\0')
		return DEVICE_DEFAULT;
	if (tcti[n] != ':')
		return NULL;
	return tcti[n + 1] == '\0' ? DEVICE_DEFAULT : tcti + n + 1;
}
