/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/wifi_frame.h"

#include <stdio.h>

#include "base/cursor.h"

/* IEEE Std 802.11 9.2.4.1: version 0, management, subtype 13. */
#define FRAME_CONTROL_ACTION 0xd0
#define FLAG_PROTECTED 0x40
#define FLAG_HT_CONTROL                                                                            \
	0x80 /* four octets more of header, which nobody puts before a public action */
#define CATEGORY_PUBLIC 4
#define ELEMENT_VENDOR 0xdd
#define CONFIGURATOR_CONNECTIVITY "\x50\x6f\x9a\x1e"

const uint8_t berth_wifi_broadcast[BERTH_WIFI_ADDRESS_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void
take_address(struct berth_cursor *c, uint8_t address[BERTH_WIFI_ADDRESS_BYTES])
{
	struct berth_bytes taken = berth_cursor_take(c, BERTH_WIFI_ADDRESS_BYTES);

	if (taken.n == BERTH_WIFI_ADDRESS_BYTES)
		memcpy(address, taken.p, taken.n);
}

enum berth_err
berth_wifi_action_parse(struct berth_bytes frame, struct berth_wifi_action *ret,
			struct berth_why *why)
{
	struct berth_cursor c = berth_cursor(frame);
	struct berth_wifi_action action = {0};
	uint8_t control = berth_cursor_u8(&c);
	uint8_t flags = berth_cursor_u8(&c);

	(void)berth_cursor_u16(&c); /* duration */
	take_address(&c, action.to);
	take_address(&c, action.from);
	take_address(&c, action.bssid);
	(void)berth_cursor_u16(&c); /* sequence */
	action.body = berth_cursor_take(&c, berth_cursor_left(&c));
	enum berth_err err = berth_cursor_end(&c, "wifi-frame", why);
	if (err)
		return err;
	if (control != FRAME_CONTROL_ACTION || (flags & (FLAG_PROTECTED | FLAG_HT_CONTROL)) != 0 ||
	    action.body.n < 2 || action.body.p[0] != CATEGORY_PUBLIC)
		return berth_fail(why, BERTH_E_UNSUPPORTED, "wifi-frame-kind", "IEEE 802.11 9.6.7",
				  "The frame is not a plain public action frame.");
	if (action.body.n > BERTH_WIFI_BODY_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "wifi-frame-length", "IEEE 802.11 9.3.3",
				  "The frame is longer than a management frame may be.");
	*ret = action;
	return BERTH_OK;
}

enum berth_err
berth_wifi_action_build(const struct berth_wifi_action *action, struct berth_buf *frame)
{
	static const uint8_t start[4] = {
		FRAME_CONTROL_ACTION};		/* no flags; the radio sets duration */
	static const uint8_t sequence[2] = {0}; /* and this */

	if (action->body.n > BERTH_WIFI_BODY_MAX_BYTES)
		return BERTH_E_LIMIT;
	enum berth_err err = berth_buf_append(frame, start, sizeof(start));
	err = err ? err : berth_buf_append(frame, action->to, sizeof(action->to));
	err = err ? err : berth_buf_append(frame, action->from, sizeof(action->from));
	err = err ? err : berth_buf_append(frame, action->bssid, sizeof(action->bssid));
	err = err ? err : berth_buf_append(frame, sequence, sizeof(sequence));
	return err ? err : berth_buf_append_bytes(frame, action->body);
}

bool
berth_wifi_elements_tell_configurator(struct berth_bytes elements)
{
	struct berth_cursor c = berth_cursor(elements);

	while (berth_cursor_left(&c) >= 2) {
		uint8_t id = berth_cursor_u8(&c);
		uint8_t n = berth_cursor_u8(&c);
		if (n > berth_cursor_left(&c))
			return false;
		struct berth_bytes value = berth_cursor_take(&c, n);
		if (id == ELEMENT_VENDOR &&
		    berth_bytes_starts_with(value, CONFIGURATOR_CONNECTIVITY))
			return true;
	}
	return false;
}

const char *
berth_wifi_address_text(const uint8_t address[BERTH_WIFI_ADDRESS_BYTES],
			char text[BERTH_WIFI_ADDRESS_TEXT_MAX])
{
	(void)snprintf(text, BERTH_WIFI_ADDRESS_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x",
		       address[0], address[1], address[2], address[3], address[4], address[5]);
	return text;
}
