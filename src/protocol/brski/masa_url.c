/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/masa_url.h"

#include "base/cursor.h"

#define RULE "rfc8995-2.3.2-masa-url"
#define SECTION "RFC 8995 2.3.2"
#define WELL_KNOWN "/.well-known/brski"

static size_t
find(struct berth_bytes in, char c)
{
	const void *at = in.n == 0 ? NULL : memchr(in.p, c, in.n);
	return at == NULL ? in.n : (size_t)((const uint8_t *)at - in.p);
}

static struct berth_bytes
skip(struct berth_bytes in, size_t n)
{
	return berth_bytes_of(in.p + n, in.n - n);
}

/* "https://", "http://" or none: the registrar uses HTTPS whatever it says. */
static struct berth_bytes
without_scheme(struct berth_bytes in)
{
	for (size_t i = 0; i + 2 < in.n; i++)
		if (memcmp(in.p + i, "://", 3) == 0)
			return skip(in, i + 3);
	return in;
}

static bool
is_host_character(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == ':' || c == '%';
}

static enum berth_err
copy_host(struct berth_bytes host, bool bracketed, struct berth_masa_url *url,
	  struct berth_why *why)
{
	if (host.n == 0 || host.n >= sizeof(url->host))
		return berth_fail(why, BERTH_E_SYNTAX, RULE, SECTION,
				  "the MASA URL has no usable host");
	for (size_t i = 0; i < host.n; i++) {
		uint8_t c = host.p[i];
		if (!is_host_character(c) || (c == ':' && !bracketed))
			return berth_fail_at(
				why, BERTH_E_SYNTAX, RULE, SECTION, i,
				"the MASA URL's host has a character that no host has");
		url->host[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
	}
	url->host[host.n] = '\0';
	return BERTH_OK;
}

static enum berth_err
read_port(struct berth_bytes text, uint16_t *ret, struct berth_why *why)
{
	uint32_t port = 0;
	for (size_t i = 0; i < text.n && port <= UINT16_MAX; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return berth_fail(why, BERTH_E_SYNTAX, RULE, SECTION,
					  "the MASA URL's port is not a number");
		port = port * 10 + (uint32_t)(text.p[i] - '0');
	}
	if (port == 0 || port > UINT16_MAX)
		return berth_fail(why, BERTH_E_SYNTAX, RULE, SECTION,
				  "the MASA URL's port is out of range");
	*ret = (uint16_t)port;
	return BERTH_OK;
}

static enum berth_err
read_authority(struct berth_bytes authority, struct berth_masa_url *url, struct berth_why *why)
{
	bool bracketed = berth_bytes_starts_with(authority, "[");
	size_t end = bracketed ? find(authority, ']') : find(authority, ':');
	if (bracketed && end == authority.n)
		return berth_fail(why, BERTH_E_SYNTAX, RULE, SECTION,
				  "the MASA URL's address has no closing bracket");
	struct berth_bytes host = berth_bytes_of(authority.p + bracketed, end - bracketed);
	enum berth_err err = copy_host(host, bracketed, url, why);
	if (err)
		return err;
	struct berth_bytes rest = skip(authority, end + bracketed);
	url->port = 443;
	if (rest.n == 0)
		return BERTH_OK;
	if (rest.p[0] != ':')
		return berth_fail(why, BERTH_E_SYNTAX, RULE, SECTION,
				  "the MASA URL has something other than a port after its host");
	return read_port(skip(rest, 1), &url->port, why);
}

static enum berth_err
read_path(struct berth_bytes path, struct berth_masa_url *url, struct berth_why *why)
{
	while (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	if (path.n == 0)
		path = BERTH_LIT(WELL_KNOWN);
	if (path.n >= sizeof(url->path))
		return berth_fail(why, BERTH_E_LIMIT, RULE, SECTION,
				  "the MASA URL's path is too long");
	memcpy(url->path, path.p, path.n);
	url->path[path.n] = '\0';
	return BERTH_OK;
}

/* req: rfc8995-2.3.2-masa-url */
enum berth_err
berth_masa_url_parse(struct berth_bytes text, struct berth_masa_url *ret, struct berth_why *why)
{
	if (text.n == 0 || text.n > BERTH_MASA_URL_MAX || !berth_bytes_is_printable(text))
		return berth_fail(why, BERTH_E_SYNTAX, RULE, SECTION,
				  "the MASA URL is empty, too long or not printable");
	if (find(text, '?') < text.n || find(text, '#') < text.n || find(text, '@') < text.n ||
	    find(text, ' ') < text.n || find(text, '\\') < text.n)
		return berth_fail(
			why, BERTH_E_SYNTAX, RULE, SECTION,
			"the MASA URL holds a query, a fragment, user information or a space");
	struct berth_bytes rest = without_scheme(text);
	size_t slash = find(rest, '/');
	struct berth_masa_url url = {0};
	enum berth_err err = read_authority(berth_bytes_of(rest.p, slash), &url, why);
	if (!err)
		err = read_path(skip(rest, slash), &url, why);
	if (!err)
		*ret = url;
	return err;
}
