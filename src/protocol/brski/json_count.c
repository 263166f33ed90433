/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/json_count.h"

#define DIGITS_MAX 10 /* enough for the largest count, too few to overflow 64 bits */

static bool
read_digits(struct berth_bytes text, int64_t *ret)
{
	int64_t count = 0;

	if (text.n == 0 || text.n > DIGITS_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		count = count * 10 + (text.p[i] - '0');
	}
	*ret = count;
	return true;
}

enum berth_err
berth_json_read_count(const json_t *object, const char *key, enum berth_json_need need, int64_t max,
		      int64_t *ret, struct berth_why *why)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	int64_t count = 0;

	if (!json_is_string(json_object_get(object, key)))
		return berth_json_get_i64(object, key, need, 0, max, ret, why);
	enum berth_err err = berth_json_get_text(object, key, need, &text, why);
	if (err)
		return err;
	if (!read_digits(text, &count) || count > max)
		return berth_fail(why, BERTH_E_SYNTAX, "rfc8995-5.8.1-count", "RFC 8995 5.8.1",
				  "\"%s\" is neither a number nor its digits, or above %lld", key,
				  (long long)max);
	*ret = count;
	return BERTH_OK;
}
