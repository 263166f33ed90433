/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/dpp_uri.h"

#include "base/base64.h"
#include "base/hex.h"

#define SECTION "DPP 5.2.1"
#define SCHEME "DPP:"
#define KNOWN_FIELDS "CMIVBHK"
#define FIELDS_MAX 64

/* The next "X:value;" of what follows the scheme; false at the end. */
static bool
next_field(struct berth_bytes *rest, struct berth_bytes *field)
{
	size_t n = 0;

	while (n < rest->n && rest->p[n] != ';')
		n++;
	if (n == 0 || n == rest->n)
		return false;
	*field = berth_bytes_of(rest->p, n);
	*rest = berth_bytes_of(rest->p + n + 1, rest->n - n - 1);
	return true;
}

static bool
read_number(struct berth_bytes text, unsigned max, unsigned *ret)
{
	unsigned value = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9' || value > max)
			return false;
		value = value * 10 + (unsigned)(text.p[i] - '0');
	}
	*ret = value;
	return text.n > 0 && value <= max;
}

static struct berth_bytes
take_until(struct berth_bytes *rest, uint8_t separator)
{
	size_t n = 0;

	while (n < rest->n && rest->p[n] != separator)
		n++;
	struct berth_bytes part = berth_bytes_of(rest->p, n);
	size_t used = n < rest->n ? n + 1 : n;
	*rest = berth_bytes_of(rest->p + used, rest->n - used);
	return part;
}

/* "81/1,6,115/36": the class may be carried over to what follows. */
static enum berth_err
read_channels(struct berth_bytes value, struct berth_dpp_uri *uri, struct berth_why *why)
{
	unsigned operating_class = 0;
	unsigned channel = 0;

	while (value.n > 0) {
		struct berth_bytes one = take_until(&value, ',');
		struct berth_bytes number = one;
		struct berth_bytes head = take_until(&number, '/');
		bool has_class = head.n < one.n;
		if (has_class ? !read_number(head, UINT8_MAX, &operating_class) ||
					!read_number(number, UINT8_MAX, &channel)
			      : operating_class == 0 || !read_number(one, UINT8_MAX, &channel))
			return berth_fail(why, BERTH_E_SYNTAX, "dpp-uri-channels", SECTION,
					  "The URI's channels are no list of class/channel.");
		if (uri->channel_count < BERTH_DPP_CHANNELS_MAX)
			uri->channels[uri->channel_count++] = (struct berth_dpp_channel){
				(uint8_t)operating_class, (uint8_t)channel};
	}
	return BERTH_OK;
}

static enum berth_err
read_mac(struct berth_bytes value, struct berth_dpp_uri *uri, struct berth_why *why)
{
	BERTH_BUF mac = {0};

	if (value.n != 2UL * BERTH_DPP_MAC_BYTES || berth_hex_decode(value, &mac, NULL))
		return berth_fail(why, BERTH_E_SYNTAX, "dpp-uri-mac", SECTION,
				  "The URI's MAC address is not 12 hexadecimal digits.");
	memcpy(uri->mac, mac.p, mac.n);
	uri->has_mac = true;
	return BERTH_OK;
}

static enum berth_err
read_information(struct berth_bytes value, struct berth_dpp_uri *uri, struct berth_why *why)
{
	if (!berth_bytes_is_printable(value))
		return berth_fail(why, BERTH_E_SYNTAX, "dpp-uri-information", SECTION,
				  "The URI's information holds what is not printable ASCII.");
	size_t n = value.n < BERTH_DPP_INFORMATION_MAX ? value.n : BERTH_DPP_INFORMATION_MAX;
	memcpy(uri->information, value.p, n);
	uri->information[n] = '\0';
	return BERTH_OK;
}

static enum berth_err
read_version(struct berth_bytes value, struct berth_dpp_uri *uri, struct berth_why *why)
{
	unsigned version = 0;

	if (!read_number(value, UINT8_MAX, &version) || version == 0)
		return berth_fail(why, BERTH_E_SYNTAX, "dpp-uri-version", SECTION,
				  "The URI's version is no number from 1 on.");
	uri->version = (uint8_t)version;
	return BERTH_OK;
}

/* Hexadecimal, the low digit first; what is not readable says nothing. */
static void
read_curves(struct berth_bytes value, struct berth_dpp_uri *uri)
{
	unsigned curves = 0;

	for (size_t i = 0; i < value.n && i < 2; i++) {
		uint8_t c = value.p[i];
		unsigned digit = 0;
		if (c >= '0' && c <= '9')
			digit = c - (unsigned)'0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (c | 0x20U) - 'a' + 10;
		curves |= digit << (4 * i);
	}
	uri->curves = (uint8_t)curves;
}

/*
 * "192.0.2.1", "host:8909", "[2001:db8::1]:8909", "2001:db8::1"; what is not readable says nothing, as with readers of
 * version 2.
 */
static void
read_host(struct berth_bytes value, struct berth_dpp_uri *uri)
{
	struct berth_bytes rest = value;
	unsigned port = 0;
	bool is_bracketed = value.n > 0 && value.p[0] == '[';

	if (is_bracketed)
		rest = berth_bytes_of(value.p + 1, value.n - 1);
	struct berth_bytes host = take_until(&rest, is_bracketed ? ']' : ':');
	if (!is_bracketed && rest.n > 0 && memchr(rest.p, ':', rest.n) != NULL) {
		host = value; /* an address of IPv6 alone: nothing says where a port would begin */
		rest = BERTH_BYTES_NONE;
	}
	if (is_bracketed && rest.n > 0 && rest.p[0] == ':')
		rest = berth_bytes_of(rest.p + 1, rest.n - 1);
	if (host.n == 0 || host.n > BERTH_DPP_HOST_MAX || !berth_bytes_is_printable(host) ||
	    (rest.n > 0 && (!read_number(rest, UINT16_MAX, &port) || port == 0)))
		return;
	memcpy(uri->host, host.p, host.n);
	uri->host[host.n] = '\0';
	uri->port = (uint16_t)port;
}

static enum berth_err
read_key(struct berth_bytes value, struct berth_dpp_uri *uri, struct berth_why *why)
{
	BERTH_BUF spki = {.limit = BERTH_DPP_URI_SPKI_MAX};

	if (berth_base64_decode(value, false, &spki, NULL) || spki.n == 0)
		return berth_fail(why, BERTH_E_SYNTAX, "dpp-uri-key", SECTION,
				  "The URI's key is no base64 of a public key.");
	memcpy(uri->spki, spki.p, spki.n);
	uri->spki_n = spki.n;
	return BERTH_OK;
}

static enum berth_err
read_field(uint8_t letter, struct berth_bytes value, struct berth_dpp_uri *uri,
	   struct berth_why *why)
{
	switch (letter) {
	case 'C':
		return read_channels(value, uri, why);
	case 'M':
		return read_mac(value, uri, why);
	case 'I':
		return read_information(value, uri, why);
	case 'V':
		return read_version(value, uri, why);
	case 'B':
		read_curves(value, uri);
		return BERTH_OK;
	case 'H':
		read_host(value, uri);
		return BERTH_OK;
	case 'K':
		return read_key(value, uri, why);
	default: /* a letter from a label */
		return BERTH_OK;
	}
}

/* What follows the scheme. */
static enum berth_err
open_uri(struct berth_bytes text, struct berth_bytes *ret, struct berth_why *why)
{
	if (text.n > BERTH_DPP_URI_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "dpp-uri-size", SECTION,
				  "The URI has more than %d octets.", BERTH_DPP_URI_MAX_BYTES);
	if (!berth_bytes_starts_with(text, SCHEME))
		return berth_fail(why, BERTH_E_SYNTAX, "dpp-uri-scheme", SECTION,
				  "A DPP URI begins with \"DPP:\".");
	*ret = berth_bytes_of(text.p + sizeof(SCHEME) - 1, text.n - (sizeof(SCHEME) - 1));
	return BERTH_OK;
}

enum berth_err
berth_dpp_uri_parse(struct berth_bytes text, struct berth_dpp_uri *ret, struct berth_why *why)
{
	struct berth_dpp_uri uri = {0};
	struct berth_bytes rest, field;
	bool seen[256] = {false};
	enum berth_err err = open_uri(text, &rest, why);

	while (!err && next_field(&rest, &field)) {
		if (field.n < 2 || field.p[1] != ':' || seen[field.p[0]])
			continue;
		seen[field.p[0]] = true;
		err = read_field(field.p[0], berth_bytes_of(field.p + 2, field.n - 2), &uri, why);
	}
	if (err)
		return err;
	if (uri.spki_n == 0)
		return berth_fail(
			why, BERTH_E_SYNTAX,
			seen['K'] || rest.n == 0 ? "dpp-uri-key" : "dpp-uri-end", SECTION,
			"The URI holds no key, or breaks off before the \";\" behind it.");
	*ret = uri;
	return BERTH_OK;
}

static enum berth_err
finding(size_t *index, struct berth_why *why, const char *rule, const char *sentence)
{
	if ((*index)-- > 0)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_MISMATCH, rule, SECTION, "%s", sentence);
}

/* Channels beyond what is kept, and hosts that not all read. */
static enum berth_err
lint_values(const struct berth_dpp_uri *uri, size_t *index, struct berth_why *why)
{
	enum berth_err err = BERTH_OK;

	if (uri->curves != 0)
		err = finding(index, why, "dpp-uri-lint-curves",
			      "Strict readers refuse the field B (supported curves).");
	if (!err && uri->host[0] != '\0')
		err = finding(
			index, why, "dpp-uri-lint-host",
			"Strict readers refuse the field H (host), and hostap every host that "
			"is no IP address.");
	return err;
}

enum berth_err
berth_dpp_uri_lint(struct berth_bytes text, size_t index, struct berth_why *why)
{
	struct berth_dpp_uri uri;
	struct berth_bytes rest, field;
	bool seen[256] = {false};
	enum berth_err err = berth_dpp_uri_parse(text, &uri, why);

	err = err ? err : open_uri(text, &rest, why);
	err = err ? err : lint_values(&uri, &index, why);
	while (!err && next_field(&rest, &field)) {
		bool is_known = field.n >= 2 && field.p[1] == ':' &&
				memchr(KNOWN_FIELDS, field.p[0], sizeof(KNOWN_FIELDS) - 1) != NULL;
		if (!is_known)
			err = finding(&index, why, "dpp-uri-lint-unknown",
				      "Strict readers refuse a field that they do not know.");
		else if (seen[field.p[0]])
			err = finding(&index, why, "dpp-uri-lint-doubled",
				      "Strict readers refuse a field that comes twice.");
		seen[field.p[0]] = true;
	}
	if (!err && (rest.n == 0 || rest.p[0] != ';'))
		err = finding(&index, why, "dpp-uri-lint-end",
			      "Strict readers want two semicolons at the end.");
	if (!err && rest.n > 1)
		err = finding(&index, why, "dpp-uri-lint-trailing",
			      "Strict readers refuse what follows the end.");
	return err;
}

static enum berth_err
put_channels(const struct berth_dpp_uri *uri, struct berth_buf *text)
{
	enum berth_err err = BERTH_OK;
	unsigned last = 0;

	for (size_t i = 0; !err && i < uri->channel_count; i++) {
		const struct berth_dpp_channel *c = &uri->channels[i];
		err = berth_buf_append_text(text, i == 0 ? "C:" : ",");
		if (!err && c->operating_class != last)
			err = berth_buf_printf(text, "%u/", c->operating_class);
		err = err ? err : berth_buf_printf(text, "%u", c->channel);
		last = c->operating_class;
	}
	return err || uri->channel_count == 0 ? err : berth_buf_append_text(text, ";");
}

static enum berth_err
put_hints(const struct berth_dpp_uri *uri, struct berth_buf *text)
{
	char mac[2 * BERTH_DPP_MAC_BYTES + 1];
	enum berth_err err = put_channels(uri, text);

	if (!err && uri->has_mac) {
		berth_hex_text(berth_bytes_of(uri->mac, sizeof(uri->mac)), mac, sizeof(mac));
		err = berth_buf_printf(text, "M:%s;", mac);
	}
	if (!err && uri->information[0] != '\0')
		err = berth_buf_printf(text, "I:%s;", uri->information);
	if (!err && uri->version > 1)
		err = berth_buf_printf(text, "V:%u;", uri->version);
	if (!err && uri->curves != 0)
		err = berth_buf_printf(text, uri->curves > 0xf ? "B:%x%x;" : "B:%x;",
				       uri->curves & 0xfU, uri->curves >> 4);
	return err;
}

static enum berth_err
put_host(const struct berth_dpp_uri *uri, struct berth_buf *text)
{
	bool is_v6 = strchr(uri->host, ':') != NULL;

	if (uri->host[0] == '\0')
		return BERTH_OK;
	enum berth_err err = is_v6 ? berth_buf_printf(text, "H:[%s]", uri->host)
				   : berth_buf_printf(text, "H:%s", uri->host);
	if (!err && uri->port != 0)
		err = berth_buf_printf(text, ":%u", uri->port);
	return err ? err : berth_buf_append_text(text, ";");
}

/* What cannot be written so that the same is read again. */
static bool
is_writable(const struct berth_dpp_uri *uri)
{
	struct berth_bytes information = berth_text(uri->information);

	for (size_t i = 0; i < uri->channel_count; i++) {
		if (uri->channels[i].operating_class == 0)
			return false;
	}
	return uri->spki_n > 0 && uri->channel_count <= BERTH_DPP_CHANNELS_MAX &&
	       berth_bytes_is_printable(information) && strchr(uri->information, ';') == NULL &&
	       strpbrk(uri->host, ";[]") == NULL;
}

enum berth_err
berth_dpp_uri_write(const struct berth_dpp_uri *uri, struct berth_buf *text, struct berth_why *why)
{
	if (!is_writable(uri))
		return berth_fail(
			why, BERTH_E_USAGE, "dpp-uri-write", SECTION,
			"The URI cannot be written: it has no key, its information holds "
			"\";\" or what is not printable ASCII, or a channel has no class.");
	enum berth_err err = berth_buf_append_text(text, SCHEME);
	err = err ? err : put_hints(uri, text);
	err = err ? err : put_host(uri, text);
	err = err ? err : berth_buf_append_text(text, "K:");
	err = err ? err : berth_base64_encode(berth_bytes_of(uri->spki, uri->spki_n), 0, text);
	err = err ? err : berth_buf_append_text(text, ";;");
	if (err)
		return berth_fail(why, err, "dpp-uri-write", SECTION, "No memory.");
	return BERTH_OK;
}
