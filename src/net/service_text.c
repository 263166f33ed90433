/* SPDX-License-Identifier: BSD-2-Clause */
/* The TXT record of a service, apart from Avahi. */
#include "net/dns_sd.h"

#include <string.h>
#include <strings.h>

#include "base/cursor.h"

const char *
berth_service_text(const struct berth_service *service, const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < service->text_count; i++) {
		const char *string = service->text[i];

		if (strncasecmp(string, key, n) != 0)
			continue;
		if (string[n] == '=')
			return string + n + 1;
		if (string[n] == '\0')
			return string + n;
	}
	return NULL;
}

/* RFC 6763 6.4: a string that begins with '=' has no key and is passed over; so is what no terminal should see. */
static void
keep_string(struct berth_bytes string, struct berth_service *service)
{
	if (!string.n || string.p[0] == '=' || !berth_bytes_is_printable(string) ||
	    service->text_count == BERTH_SERVICE_TEXT_MAX)
		return;
	char *to = service->text[service->text_count++];
	memcpy(to, string.p, string.n);
	to[string.n] = '\0';
}

enum berth_err
berth_service_text_parse(struct berth_bytes rdata, struct berth_service *service,
			 struct berth_why *why)
{
	struct berth_cursor c = berth_cursor(rdata);

	service->text_count = 0;
	while (!c.err && berth_cursor_left(&c)) {
		uint8_t n = berth_cursor_u8(&c);

		keep_string(berth_cursor_take(&c, n), service);
	}
	enum berth_err err = berth_cursor_end(&c, "dns-sd-text", why);
	if (err)
		service->text_count = 0;
	return err;
}
