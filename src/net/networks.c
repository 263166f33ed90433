/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/networks.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define V4_BITS 96 /* ::ffff:0:0/96 */
#define TEXT_MAX 64

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

/* The IANA special-purpose registries (RFC 6890), what of them is not for everybody. */
static const char *const not_public[] = {
	"0.0.0.0/8",	  "10.0.0.0/8",	    "100.64.0.0/10",   "127.0.0.0/8",	  "169.254.0.0/16",
	"172.16.0.0/12",  "192.0.0.0/24",   "192.0.2.0/24",    "192.31.196.0/24", "192.52.193.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",	  "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/3",
};

/* Of IPv6 only the global unicast space is public at all; of that, not documentation, and not what carries IPv4. */
static const char *const public_v6 = "2000::/3";
static const char *const not_public_v6[] = {
	"2001::/23", /* protocol assignments, Teredo among them */
	"2001:db8::/32",
	"2002::/16" /* 6to4 */,
	"3fff::/20",
};

static bool
to_bytes(const struct sockaddr *address, uint8_t ret[16])
{
	union {
		const struct sockaddr *any;
		const struct sockaddr_in *v4;
		const struct sockaddr_in6 *v6;
	} at = {.any = address};

	if (address->sa_family == AF_INET) {
		memcpy(ret, v4_prefix, sizeof(v4_prefix));
		memcpy(ret + sizeof(v4_prefix), &at.v4->sin_addr, 4);
		return true;
	}
	if (address->sa_family != AF_INET6) {
		return false;
	}
	memcpy(ret, &at.v6->sin6_addr, 16);
	return true;
}

static bool
is_in(const struct berth_network *network, const uint8_t address[16])
{
	size_t whole = network->bits / 8;
	unsigned rest = network->bits % 8;

	if (memcmp(network->address, address, whole) != 0) {
		return false;
	}
	uint8_t mask = (uint8_t)(0xff00U >> rest);
	return rest == 0 || ((network->address[whole] ^ address[whole]) & mask) == 0;
}

static bool
has_host_bits(const struct berth_network *network)
{
	for (unsigned bit = network->bits; bit < 128; bit++) {
		if ((network->address[bit / 8] & (0x80U >> (bit % 8))) != 0) {
			return true;
		}
	}
	return false;
}

static bool
parse_bits(const char *text, unsigned max, unsigned *ret)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long bits = strtoul(text, NULL, 10);

	if (digits == 0 || digits > 3 || text[digits] != '\0' || bits > max) {
		return false;
	}
	*ret = (unsigned)bits;
	return true;
}

static bool
parse_one(struct berth_bytes text, struct berth_network *ret)
{
	char copy[TEXT_MAX];
	struct in_addr v4;

	if (text.n == 0 || text.n >= sizeof(copy)) {
		return false;
	}
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	char *slash = strchr(copy, '/');
	if (slash) {
		*slash = '\0';
	}
	bool is_v4 = inet_pton(AF_INET, copy, &v4) == 1;
	if (is_v4) {
		memcpy(ret->address, v4_prefix, sizeof(v4_prefix));
		memcpy(ret->address + sizeof(v4_prefix), &v4, 4);
	} else if (inet_pton(AF_INET6, copy, ret->address) != 1) {
		return false;
	}
	unsigned bits = is_v4 ? 32 : 128;
	if (slash && !parse_bits(slash + 1, bits, &bits)) {
		return false;
	}
	ret->bits = bits + (is_v4 ? V4_BITS : 0);
	return !has_host_bits(ret);
}

enum berth_err
berth_networks_parse(struct berth_bytes text, struct berth_networks *ret, struct berth_why *why)
{
	struct berth_networks networks = {0};

	while (text.n > 0) {
		const uint8_t *comma = memchr(text.p, ',', text.n);
		size_t n = comma ? (size_t)(comma - text.p) : text.n;
		if (networks.n == BERTH_NETWORKS_MAX ||
		    !parse_one(berth_bytes_of(text.p, n), &networks.at[networks.n])) {
			return berth_fail(why, BERTH_E_SYNTAX, "networks", NULL,
					  "%.*s: write networks as 10.0.0.0/8 or fd00::/8, at most "
					  "%d",
					  (int)(n < 64 ? n : 64), (const char *)text.p,
					  BERTH_NETWORKS_MAX);
		}
		networks.n++;
		n += comma ? 1 : 0;
		text = berth_bytes_of(text.p + n, text.n - n);
	}
	*ret = networks;
	return BERTH_OK;
}

static bool
is_in_text(const char *text, const uint8_t address[16])
{
	struct berth_network network;

	return parse_one(berth_text(text), &network) && is_in(&network, address);
}

bool
berth_address_is_public(const struct sockaddr *address)
{
	uint8_t bytes[16];

	if (!to_bytes(address, bytes)) {
		return false;
	}
	/* IPv4, also when it comes as ::ffff:a.b.c.d */
	if (memcmp(bytes, v4_prefix, sizeof(v4_prefix)) == 0) {
		for (size_t i = 0; i < sizeof(not_public) / sizeof(not_public[0]); i++) {
			if (is_in_text(not_public[i], bytes)) {
				return false;
			}
		}
		return true;
	}
	for (size_t i = 0; i < sizeof(not_public_v6) / sizeof(not_public_v6[0]); i++) {
		if (is_in_text(not_public_v6[i], bytes)) {
			return false;
		}
	}
	return is_in_text(public_v6, bytes);
}

bool
berth_networks_have(const struct berth_networks *networks, const struct sockaddr *address)
{
	uint8_t bytes[16];

	if (!to_bytes(address, bytes)) {
		return false;
	}
	for (size_t i = 0; i < networks->n; i++) {
		if (is_in(&networks->at[i], bytes)) {
			return true;
		}
	}
	return false;
}

bool
berth_networks_admit(const struct berth_networks *networks, const struct sockaddr *address)
{
	return berth_address_is_public(address) || berth_networks_have(networks, address);
}
