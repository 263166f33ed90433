/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/der.h"

#include <time.h>

#define CONSTRUCTED 0x20
#define CLASS_MASK 0xc0
#define NUMBER_MASK 0x1f
#define UTC_TIME 0x17
#define GENERALIZED_TIME 0x18

/* X.690 10.1: definite, and the fewest octets. Four length octets are far beyond any limit here. */
static bool
read_length(struct berth_bytes in, size_t *at, size_t *ret)
{
	if (*at >= in.n)
		return false;
	size_t first = in.p[(*at)++];
	if (first < 0x80) {
		*ret = first;
		return true;
	}
	size_t octets = first & 0x7f;
	if (octets == 0 || octets > 3 || in.n - *at < octets)
		return false;
	size_t length = 0;
	for (size_t i = 0; i < octets; i++)
		length = length << 8 | in.p[(*at)++];
	if (length < 0x80 || length >> (8 * (octets - 1)) == 0)
		return false;
	*ret = length;
	return true;
}

bool
berth_der_next(struct berth_bytes *rest, struct berth_der *ret)
{
	size_t at = 1;
	size_t length = 0;

	if (rest->n < 2 || (rest->p[0] & NUMBER_MASK) == NUMBER_MASK)
		return false;
	if (!read_length(*rest, &at, &length) || rest->n - at < length)
		return false;
	ret->tag = rest->p[0];
	ret->value = berth_bytes_of(rest->p + at, length);
	ret->whole = berth_bytes_of(rest->p, at + length);
	*rest = berth_bytes_of(rest->p + at + length, rest->n - at - length);
	return true;
}

bool
berth_der_take(struct berth_bytes *rest, uint8_t tag, struct berth_bytes *ret_value)
{
	struct berth_bytes left = *rest;
	struct berth_der element;

	if (!berth_der_next(&left, &element) || element.tag != tag)
		return false;
	*rest = left;
	*ret_value = element.value;
	return true;
}

bool
berth_der_take_equal(struct berth_bytes *rest, uint8_t tag, struct berth_bytes want)
{
	struct berth_bytes value;

	return berth_der_take(rest, tag, &value) && berth_bytes_equal(value, want);
}

bool
berth_der_take_only(struct berth_bytes value, uint8_t tag, struct berth_bytes *ret_value)
{
	return berth_der_take(&value, tag, ret_value) && value.n == 0;
}

bool
berth_der_take_time(struct berth_bytes *rest, struct berth_wall want)
{
	struct tm tm;
	char text[24];
	const time_t t = (time_t)want.s;

	if (gmtime_r(&t, &tm) == NULL)
		return false;
	bool is_utc = tm.tm_year >= 50 && tm.tm_year < 150;
	size_t n = strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm);
	size_t century = is_utc ? 2 : 0;
	return n > century && berth_der_take_equal(rest, is_utc ? UTC_TIME : GENERALIZED_TIME,
						   berth_bytes_of(text + century, n - century));
}

/* What can be said of one element without knowing its type. */
static bool
is_well_formed(const struct berth_der *element)
{
	bool constructed = (element->tag & CONSTRUCTED) != 0;

	if ((element->tag & CLASS_MASK) != 0)
		return true;
	switch (element->tag & NUMBER_MASK) {
	case 0x00: /* end-of-contents belongs to BER's indefinite form */
		return false;
	case 0x10:
	case 0x11: /* SEQUENCE, SET */
		return constructed;
	case BERTH_DER_BOOLEAN:
		return !constructed && element->value.n == 1 &&
		       (element->value.p[0] == 0 || element->value.p[0] == 0xff);
	case BERTH_DER_INTEGER:
		if (element->value.n == 0)
			return false;
		if (element->value.n > 1 &&
		    ((element->value.p[0] == 0 && element->value.p[1] < 0x80) ||
		     (element->value.p[0] == 0xff && element->value.p[1] >= 0x80)))
			return false;
		return !constructed;
	default:
		return !constructed;
	}
}

enum berth_err
berth_der_check_up_to(struct berth_bytes der, size_t elements_max, const char *rule,
		      struct berth_why *why)
{
	struct berth_bytes open[BERTH_DER_DEPTH_MAX]; /* what is left of each open element */
	size_t depth = 1;
	size_t elements = 0;

	open[0] = der;
	do {
		struct berth_der element;
		if (open[depth - 1].n == 0) {
			depth--;
			continue;
		}
		size_t offset = (size_t)(open[depth - 1].p - der.p);
		if (++elements > elements_max)
			return berth_fail_at(why, BERTH_E_LIMIT, rule, "X.690", offset,
					     "The input has more than %zu elements.", elements_max);
		if (!berth_der_next(&open[depth - 1], &element) || !is_well_formed(&element))
			return berth_fail_at(why, BERTH_E_SYNTAX, rule, "X.690 10, 11", offset,
					     "The input is not DER at offset %zu (BER is refused).",
					     offset);
		if (depth == 1 && open[0].n > 0)
			return berth_fail_at(why, BERTH_E_SYNTAX, rule, "X.690", element.whole.n,
					     "%zu bytes follow the end of the object.", open[0].n);
		if ((element.tag & CONSTRUCTED) == 0)
			continue;
		if (depth == BERTH_DER_DEPTH_MAX)
			return berth_fail_at(why, BERTH_E_LIMIT, rule, "X.690", offset,
					     "The input nests deeper than %d.",
					     BERTH_DER_DEPTH_MAX);
		open[depth++] = element.value;
	} while (depth > 0);
	if (elements == 0)
		return berth_fail(why, BERTH_E_SYNTAX, rule, "X.690", "The input is empty.");
	return BERTH_OK;
}

enum berth_err
berth_der_check(struct berth_bytes der, const char *rule, struct berth_why *why)
{
	return berth_der_check_up_to(der, BERTH_DER_ELEMENTS_MAX, rule, why);
}

enum berth_err
berth_der_put(struct berth_buf *out, uint8_t tag, struct berth_bytes value)
{
	enum berth_err err = berth_buf_append_u8(out, tag);
	if (value.n > UINT16_MAX)
		return BERTH_E_LIMIT;
	if (value.n > UINT8_MAX)
		err = err ? err : berth_buf_append_u8(out, 0x82);
	else if (value.n > 0x7f)
		err = err ? err : berth_buf_append_u8(out, 0x81);
	err = err ? err
		  : (value.n > UINT8_MAX ? berth_buf_append_u16(out, (uint16_t)value.n)
					 : berth_buf_append_u8(out, (uint8_t)value.n));
	return err ? err : berth_buf_append_bytes(out, value);
}
