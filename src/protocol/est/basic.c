/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/est/basic.h"

#include "base/base64.h"

void
berth_est_basic_free(struct berth_est_basic *basic)
{
	berth_secret_free(&basic->text);
	basic->user = BERTH_BYTES_NONE;
	basic->password = BERTH_BYTES_NONE;
}

static bool
is_text(struct berth_bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < ' ' || text.p[i] == 0x7f)
			return false;
	return text.n > 0 && berth_bytes_is_utf8(text);
}

static enum berth_err
decode(struct berth_bytes header, struct berth_secret *ret, struct berth_why *why)
{
	static const char scheme[] = "basic ";
	size_t n = sizeof(scheme) - 1;
	if (header.n > BERTH_EST_BASIC_MAX_BYTES || header.n < n ||
	    !berth_bytes_equal_nocase(berth_bytes_of(header.p, n), BERTH_LIT("basic ")))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "rfc7030-3.2.3-scheme",
				  "RFC 7030 3.2.3",
				  "only basic authentication is served here (RFC 7617)");
	while (n < header.n && header.p[n] == ' ')
		n++;
	BERTH_BUF bytes = {.limit = BERTH_EST_BASIC_MAX_BYTES};
	enum berth_err err =
		berth_base64_decode(berth_bytes_of(header.p + n, header.n - n), false, &bytes, why);
	if (!err)
		err = berth_secret_copy(ret, berth_buf_view(&bytes));
	if (bytes.n > 0)
		berth_wipe(bytes.p, bytes.n);
	return err;
}

/* req: rfc7030-3.2.3-basic */
enum berth_err
berth_est_basic_parse(struct berth_bytes header, struct berth_est_basic *ret, struct berth_why *why)
{
	*ret = (struct berth_est_basic){0};
	BERTH_SECRET text = {0};
	enum berth_err err = decode(header, &text, why);
	if (err)
		return err;
	const uint8_t *colon = text.n == 0 ? NULL : memchr(text.p, ':', text.n);
	size_t n = colon == NULL ? 0 : (size_t)(colon - text.p);
	struct berth_bytes user = berth_bytes_of(text.p, n);
	struct berth_bytes password =
		colon == NULL ? BERTH_BYTES_NONE : berth_bytes_of(colon + 1, text.n - n - 1);
	if (user.n > BERTH_EST_USER_MAX || !is_text(user) || !is_text(password))
		return berth_fail(why, BERTH_E_SYNTAX, "rfc7617-2-user-and-password", "RFC 7617 2",
				  "the credentials are not a user's name of at most %d bytes, a "
				  "colon and a password",
				  BERTH_EST_USER_MAX);
	ret->text = text;
	ret->user = user;
	ret->password = password;
	text = (struct berth_secret){0}; /* ret has it */
	return BERTH_OK;
}
