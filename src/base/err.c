/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

/*
 * A sentence may quote what a peer sent: whatever could forge a log line or break a terminal or a
 * JSON document becomes '?'.
 */
static void
make_printable(char *sentence)
{
	size_t n = strlen(sentence);
	bool is_utf8 = berth_bytes_is_utf8(berth_bytes_of(sentence, n));

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)sentence[i];

		if (c < 0x20 || c == 0x7f || (c >= 0x80 && !is_utf8)) {
			sentence[i] = '?';
		}
	}
}

void
berth_why_fill(struct berth_why *why, enum berth_err err, const char *rule, const char *section,
	       size_t offset, const char *format, ...)
{
	if (!why) {
		return;
	}
	va_list ap;

	*why = (struct berth_why){.err = err, .rule = rule, .section = section, .offset = offset};
	va_start(ap, format);
	if (vsnprintf(why->sentence, sizeof(why->sentence), format, ap) < 0) {
		why->sentence[0] = '\0';
	}
	va_end(ap);
	make_printable(why->sentence);
}

static const char *const names[BERTH_E__COUNT] = {
	[BERTH_OK] = "ok",
	[BERTH_E_SYNTAX] = "syntax",
	[BERTH_E_LIMIT] = "limit",
	[BERTH_E_UNSUPPORTED] = "unsupported",
	[BERTH_E_SIGNATURE] = "signature",
	[BERTH_E_UNTRUSTED] = "untrusted",
	[BERTH_E_EXPIRED] = "expired",
	[BERTH_E_MISMATCH] = "mismatch",
	[BERTH_E_DENIED] = "denied",
	[BERTH_E_PENDING] = "pending",
	[BERTH_E_NOT_FOUND] = "not-found",
	[BERTH_E_EXISTS] = "exists",
	[BERTH_E_STATE] = "state",
	[BERTH_E_UNREACHABLE] = "unreachable",
	[BERTH_E_TIMEOUT] = "timeout",
	[BERTH_E_IO] = "io",
	[BERTH_E_MEMORY] = "memory",
	[BERTH_E_USAGE] = "usage",
	[BERTH_E_CRYPTO] = "crypto",
	[BERTH_E_INTERNAL] = "internal",
};

const char *
berth_err_name(enum berth_err err)
{
	if ((unsigned int)err >= BERTH_E__COUNT) {
		return "unknown";
	}
	return names[err];
}
