/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/glob.h"

/* Only the last '*' is ever tried again, so there is no recursion and no explosion. */
bool
berth_glob_matches(const char *pattern, struct berth_bytes text)
{
	const char *after_star = NULL;
	size_t at = 0;
	size_t star_at = 0;

	while (at < text.n) {
		if (*pattern == '*') {
			after_star = ++pattern;
			star_at = at;
			continue;
		}
		if (*pattern && (*pattern == '?' || (uint8_t)*pattern == text.p[at])) {
			pattern++;
			at++;
			continue;
		}
		if (!after_star)
			return false;
		pattern = after_star;
		at = ++star_at;
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
