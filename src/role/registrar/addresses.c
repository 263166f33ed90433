/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/addresses.h"

#include "base/hex.h"
#include "store/registrar_revocation.h"

#include <stdio.h>

#define KEY_ID_MAX 64
#define URL_MAX 256

static int
url_length(const char *publish_url)
{
	size_t n = strlen(publish_url);
	return (int)(n > 0 && publish_url[n - 1] == '/' ? n - 1 : n);
}

static struct berth_bytes
cut(const char *text, int n)
{
	return berth_bytes_of(text, n < 0 || n >= BERTH_ADDRESS_MAX ? 0 : (size_t)n);
}

struct berth_bytes
berth_crl_address(const char *publish_url, struct berth_bytes issuer, int64_t partition,
		  char text[BERTH_ADDRESS_MAX])
{
	char id[2 * KEY_ID_MAX + 1];
	char part[24] = "";
	if (partition != BERTH_PARTITION_ALL)
		(void)snprintf(part, sizeof(part), "/%lld", (long long)partition);
	return cut(text, snprintf(text, BERTH_ADDRESS_MAX, "%.*s" BERTH_CRL_PATH "%s%s.crl",
				  url_length(publish_url), publish_url,
				  berth_hex_text(issuer, id, sizeof(id)), part));
}

struct berth_bytes
berth_ocsp_address(const char *publish_url, char text[BERTH_ADDRESS_MAX])
{
	return cut(text, snprintf(text, BERTH_ADDRESS_MAX, "%.*s" BERTH_OCSP_PATH,
				  url_length(publish_url), publish_url));
}

struct berth_bytes
berth_ca_address(const char *publish_url, struct berth_bytes issuer, char text[BERTH_ADDRESS_MAX])
{
	char id[2 * KEY_ID_MAX + 1];
	return cut(text, snprintf(text, BERTH_ADDRESS_MAX, "%.*s" BERTH_CA_PATH "%s.cer",
				  url_length(publish_url), publish_url,
				  berth_hex_text(issuer, id, sizeof(id))));
}

static bool
read_issuer(struct berth_bytes hex, struct berth_address *ret)
{
	BERTH_BUF id = {0};
	if (hex.n == 0 || hex.n > 2 * sizeof(ret->issuer) || berth_hex_decode(hex, &id, NULL))
		return false;
	memcpy(ret->issuer, id.p, id.n);
	ret->issuer_n = id.n;
	return true;
}

static bool
read_partition(struct berth_bytes digits, int64_t *ret)
{
	int64_t number = 0;
	if (digits.n == 0 || digits.n > 15 || (digits.n > 1 && digits.p[0] == '0'))
		return false;
	for (size_t i = 0; i < digits.n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
		number = number * 10 + (digits.p[i] - '0');
	}
	*ret = number;
	return true;
}

bool
berth_address_read(struct berth_bytes rest, const char *suffix, struct berth_address *ret)
{
	struct berth_address address = {.partition = BERTH_PARTITION_ALL};
	struct berth_bytes end = berth_text(suffix);
	if (rest.n <= end.n ||
	    !berth_bytes_equal(berth_bytes_of(rest.p + rest.n - end.n, end.n), end))
		return false;
	rest.n -= end.n;
	const uint8_t *slash = memchr(rest.p, '/', rest.n);
	size_t n = slash == NULL ? rest.n : (size_t)(slash - rest.p);
	if (slash != NULL &&
	    !read_partition(berth_bytes_of(slash + 1, rest.n - n - 1), &address.partition))
		return false;
	if (!read_issuer(berth_bytes_of(rest.p, n), &address))
		return false;
	*ret = address;
	return true;
}

enum berth_err
berth_publish_url_check(const char *url, struct berth_why *why)
{
	struct berth_bytes text = berth_text(url);
	size_t host = sizeof("http://") - 1;
	const char *slash = text.n > host ? strchr(url + host, '/') : NULL;
	if (!berth_bytes_starts_with(text, "http://") || text.n <= host || text.n > URL_MAX ||
	    !berth_bytes_is_printable(text) || strpbrk(url, " ?#@\"<>\\") != NULL ||
	    (slash != NULL && slash[1] != '\0'))
		return berth_fail(
			why, BERTH_E_USAGE, "registrar-publish-url", NULL,
			"publish-url = %.90s: write http://NAME or http://NAME:PORT (what "
			"is published is signed; it is not served over TLS)",
			url);
	return BERTH_OK;
}
