/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/accept.h"

static struct berth_bytes
trim(struct berth_bytes in)
{
	while (in.n > 0 && (in.p[0] == ' ' || in.p[0] == '\t'))
		in = berth_bytes_of(in.p + 1, in.n - 1);
	while (in.n > 0 && (in.p[in.n - 1] == ' ' || in.p[in.n - 1] == '\t'))
		in.n--;
	return in;
}

/* Cuts the text before the next separator off *in. */
static struct berth_bytes
next(struct berth_bytes *in, char separator)
{
	const uint8_t *at = in->n == 0 ? NULL : memchr(in->p, separator, in->n);
	size_t n = at == NULL ? in->n : (size_t)(at - in->p);
	struct berth_bytes part = berth_bytes_of(in->p, n);
	size_t used = at == NULL ? n : n + 1;
	*in = berth_bytes_of(in->p + used, in->n - used);
	return trim(part);
}

/* "q=0", "q=0.000": not acceptable (RFC 9110 12.4.2). */
static bool
is_zero_quality(struct berth_bytes parameter)
{
	if (parameter.n < 3 || (parameter.p[0] | 32) != 'q' || parameter.p[1] != '=')
		return false;
	for (size_t i = 2; i < parameter.n; i++)
		if (parameter.p[i] != '0' && parameter.p[i] != '.')
			return false;
	return true;
}

/* 3: the type itself, 2: its main type, 1: anything, 0: not it. */
static int
specificity(struct berth_bytes range, struct berth_bytes type)
{
	if (berth_bytes_equal_nocase(range, type))
		return 3;
	if (berth_bytes_equal_text(range, "*/*"))
		return 1;
	const uint8_t *slash = memchr(type.p, '/', type.n);
	size_t main_n = slash == NULL ? 0 : (size_t)(slash - type.p) + 1;
	if (main_n > 0 && range.n == main_n + 1 && range.p[main_n] == '*' &&
	    berth_bytes_equal_nocase(berth_bytes_of(range.p, main_n),
				     berth_bytes_of(type.p, main_n)))
		return 2;
	return 0;
}

bool
berth_accept_has(struct berth_bytes accept, const char *media_type)
{
	if (trim(accept).n == 0)
		return true;
	struct berth_bytes type = berth_text(media_type);
	int best = 0;
	bool accepted = false;
	while (accept.n > 0) {
		struct berth_bytes entry = next(&accept, ',');
		int found = specificity(next(&entry, ';'), type);
		bool refused = false;
		while (entry.n > 0)
			refused = is_zero_quality(next(&entry, ';')) || refused;
		if (found > best) {
			best = found;
			accepted = !refused;
		}
	}
	return accepted;
}
