/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/pledge_redirect.h"

#define SCHEME "https://"
#define VOUCHER_PATH "/.well-known/brski/requestvoucher"

static enum berth_err
refuse(struct berth_why *why, size_t offset, const char *sentence)
{
	return berth_fail_at(why, BERTH_E_SYNTAX, "rfc8995-5.6-location", "RFC 8995 5.6", offset,
			     "cannot follow the redirect: %s", sentence);
}

static bool
is_host_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == ':' || c == '%' || c == '_';
}

static bool
is_path_char(uint8_t c)
{
	return c > 0x20 && c < 0x7f && c != '?' && c != '#' && c != '\\' && c != '"';
}

static enum berth_err
parse_port(struct berth_bytes text, uint16_t *ret, struct berth_why *why)
{
	uint32_t port = 0;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9' || i == 5) {
			return refuse(why, 0, "its port is not a number");
		}
		port = port * 10 + (uint32_t)(text.p[i] - '0');
	}
	if (text.n == 0 || port == 0 || port > UINT16_MAX) {
		return refuse(why, 0, "its port is out of range");
	}
	*ret = (uint16_t)port;
	return BERTH_OK;
}

static enum berth_err
parse_authority(struct berth_bytes text, struct pledge_redirect *ret, struct berth_why *why)
{
	size_t from = 0;
	size_t to = 0;
	size_t after = 0;
	if (text.n && text.p[0] == '[') {
		const uint8_t *end = memchr(text.p, ']', text.n);
		if (!end) {
			return refuse(why, 0, "its address is not closed");
		}
		from = 1;
		to = (size_t)(end - text.p);
		after = to + 1;
	} else {
		const uint8_t *end = text.n ? memchr(text.p, ':', text.n) : NULL;
		to = end ? (size_t)(end - text.p) : text.n;
		after = to;
	}
	const size_t n = to - from;
	if (n == 0 || n >= sizeof(ret->host)) {
		return refuse(why, 0, "its host is empty or too long");
	}
	for (size_t i = from; i < to; i++) {
		if (!is_host_char(text.p[i])) {
			return refuse(why, i, "its host has a forbidden character");
		}
	}
	memcpy(ret->host, text.p + from, n);
	ret->host[n] = 0;
	ret->port = 443;
	if (after == text.n) {
		return BERTH_OK;
	}
	if (text.p[after] != ':') {
		return refuse(why, after, "something stands behind its host");
	}
	return parse_port(berth_bytes_of(text.p + after + 1, text.n - after - 1), &ret->port, why);
}

enum berth_err
pledge_redirect_parse(struct berth_bytes location, struct berth_arena *arena,
		      struct pledge_redirect *ret, struct berth_why *why)
{
	if (location.n == 0 || location.n > PLEDGE_LOCATION_MAX_BYTES) {
		return refuse(why, 0, "there is no Location, or it is too long");
	}
	if (!berth_bytes_starts_with(location, SCHEME)) {
		return refuse(why, 0, "it is not https");
	}
	const size_t scheme = sizeof(SCHEME) - 1;
	size_t end = scheme;
	while (end < location.n && location.p[end] != '/') {
		end++;
	}
	struct pledge_redirect target = {.path = VOUCHER_PATH};
	enum berth_err err =
		parse_authority(berth_bytes_of(location.p + scheme, end - scheme), &target, why);
	if (err) {
		return err;
	}
	for (size_t i = end; i < location.n; i++) {
		if (!is_path_char(location.p[i])) {
			return refuse(why, i, "its path has a forbidden character");
		}
	}
	if (location.n > end + 1) {
		target.path =
			berth_arena_text(arena, berth_bytes_of(location.p + end, location.n - end));
	}
	if (!target.path) {
		return berth_fail(why, BERTH_E_LIMIT, "memory-exchange", NULL,
				  "the redirect does not fit into this exchange's memory");
	}
	*ret = target;
	return BERTH_OK;
}
