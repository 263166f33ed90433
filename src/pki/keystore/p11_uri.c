/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/keystore/p11_uri.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* RFC 3986 2.1; false when it does not fit, is malformed or hides a NUL. */
static bool
unescape(struct berth_bytes in, char *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		char c = (char)in.p[i];
		if (c == '%') {
			if (in.n - i < 3 || hex_digit((char)in.p[i + 1]) < 0 ||
			    hex_digit((char)in.p[i + 2]) < 0)
				return false;
			c = (char)(hex_digit((char)in.p[i + 1]) * 16 +
				   hex_digit((char)in.p[i + 2]));
			i += 2;
		}
		if (c == '\0' || n + 1 >= cap)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return n > 0;
}

static enum berth_err
take_attribute(struct berth_bytes name, struct berth_bytes value, struct berth_p11_uri *uri,
	       struct berth_why *why)
{
	const struct {
		const char *name;
		char *out;
		size_t cap;
	} known[] = {
		{"module", uri->module, sizeof(uri->module)},
		{"module-path", uri->module, sizeof(uri->module)},
		{"token", uri->token, sizeof(uri->token)},
		{"object", uri->object, sizeof(uri->object)},
		{"pin-source", uri->pin_file, sizeof(uri->pin_file)},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!berth_bytes_equal_text(name, known[i].name))
			continue;
		if (known[i].out[0] == '\0' && unescape(value, known[i].out, known[i].cap))
			return BERTH_OK;
		return berth_fail(
			why, BERTH_E_USAGE, "keystore-pkcs11-uri", "RFC 7512 2.3",
			"\"%s\" in the pkcs11 URI is empty, too long, repeated or badly escaped.",
			known[i].name);
	}
	if (berth_bytes_equal_text(name, "type") && berth_bytes_equal_text(value, "private"))
		return BERTH_OK;
	return berth_fail(
		why, BERTH_E_USAGE, "keystore-pkcs11-uri", "RFC 7512 2.3",
		"\"%.*s\" in the pkcs11 URI is not understood (module-path, token, object, "
		"pin-source are).",
		name.n > 40 ? 40 : (int)name.n, (const char *)name.p);
}

/* "file:/path" or "/path". */
static enum berth_err
strip_pin_scheme(struct berth_p11_uri *uri, struct berth_why *why)
{
	size_t n = strlen(uri->pin_file);

	if (strncmp(uri->pin_file, "file:", 5) == 0) {
		size_t skip = strncmp(uri->pin_file, "file:///", 8) == 0 ? 7 : 5;
		/* not memmove: valgrind takes its fortified form for memcpy and reports the overlap */
		for (size_t i = 0; i + skip <= n; i++)
			uri->pin_file[i] = uri->pin_file[i + skip];
	}
	if (n > 0 && uri->pin_file[0] != '/')
		return berth_fail(why, BERTH_E_USAGE, "keystore-pkcs11-uri", "RFC 7512 2.4",
				  "pin-source must be a file with an absolute path.");
	return BERTH_OK;
}

enum berth_err
berth_p11_uri_parse(const char *rest, struct berth_p11_uri *ret, struct berth_why *why)
{
	struct berth_p11_uri uri = {0};
	const char *at = rest;

	for (;;) {
		size_t n = strcspn(at, ";?&");
		const char *equals = memchr(at, '=', n);
		if (equals == NULL)
			return berth_fail(why, BERTH_E_USAGE, "keystore-pkcs11-uri", "RFC 7512 2.3",
					  "The pkcs11 URI has an attribute without \"=\".");
		struct berth_bytes name = berth_bytes_of(at, (size_t)(equals - at));
		struct berth_bytes value = berth_bytes_of(equals + 1, n - name.n - 1);
		enum berth_err err = take_attribute(name, value, &uri, why);
		if (err)
			return err;
		if (at[n] == '\0')
			break;
		at += n + 1;
	}
	if (uri.module[0] != '/' || uri.token[0] == '\0' || uri.object[0] == '\0')
		return berth_fail(
			why, BERTH_E_USAGE, "keystore-pkcs11-uri", "RFC 7512 2.3",
			"The pkcs11 URI needs token=, object= and module-path= with an absolute "
			"path.");
	enum berth_err err = strip_pin_scheme(&uri, why);
	if (err)
		return err;
	*ret = uri;
	return BERTH_OK;
}
