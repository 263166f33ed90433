/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/dpp_frame.h"

#include "base/cursor.h"

/* OUI of the Wi-Fi Alliance, its type for DPP, crypto suite 1. */
#define HEADER "\x50\x6f\x9a\x1a\x01"
/* Advertisement Protocol element: length 8, PAME-BI and limit as all send it, then vendor specific: OUI, type, suite. */
#define ADVERTISEMENT "\x6c\x08\x7f\xdd\x05\x50\x6f\x9a\x1a\x01"

static uint16_t
take_u16_le(struct berth_cursor *c)
{
	uint16_t v = berth_cursor_u16(c);

	return (uint16_t)(v >> 8 | v << 8);
}

static enum berth_err
foreign(struct berth_why *why, const char *what)
{
	return berth_fail(why, BERTH_E_UNSUPPORTED, "dpp-frame-kind", "DPP 8.2", "The frame is %s.",
			  what);
}

/* Advertisement, length and attributes: the rest of a GAS frame. */
static enum berth_err
parse_query(struct berth_cursor *c, struct berth_dpp_frame *frame, struct berth_why *why)
{
	struct berth_bytes advertisement = berth_cursor_take(c, sizeof(ADVERTISEMENT) - 1);
	size_t n = take_u16_le(c);

	frame->attributes = berth_cursor_take(c, n);
	enum berth_err err = berth_cursor_end(c, "dpp-frame", why);
	if (!err && !berth_bytes_equal_text(advertisement, ADVERTISEMENT))
		err = foreign(why, "a GAS frame of another protocol than DPP");
	return err;
}

static enum berth_err
parse_action(struct berth_cursor *c, struct berth_dpp_frame *frame, struct berth_why *why)
{
	frame->header = berth_cursor_take(c, BERTH_DPP_HEADER_BYTES);
	frame->attributes = berth_cursor_take(c, berth_cursor_left(c));
	enum berth_err err = berth_cursor_end(c, "dpp-frame", why);
	if (err)
		return err;
	if (!berth_bytes_starts_with(frame->header, HEADER))
		return foreign(why, "an action frame of another protocol than DPP, or of a crypto "
				    "suite that is not known");
	frame->type = frame->header.p[BERTH_DPP_HEADER_BYTES - 1];
	return BERTH_OK;
}

enum berth_err
berth_dpp_frame_parse(struct berth_bytes body, struct berth_dpp_frame *ret, struct berth_why *why)
{
	struct berth_cursor c = berth_cursor(body);
	struct berth_dpp_frame frame = {.kind = berth_cursor_u8(&c)};
	enum berth_err err;

	if (frame.kind != BERTH_DPP_FRAME_ACTION)
		frame.dialog = berth_cursor_u8(&c);
	switch (frame.kind) {
	case BERTH_DPP_FRAME_ACTION:
		err = parse_action(&c, &frame, why);
		break;
	case BERTH_DPP_FRAME_GAS_REQUEST:
		err = parse_query(&c, &frame, why);
		break;
	case BERTH_DPP_FRAME_GAS_RESPONSE:
		frame.status = take_u16_le(&c);
		frame.delay = take_u16_le(&c);
		err = parse_query(&c, &frame, why);
		break;
	case BERTH_DPP_FRAME_COMEBACK_REQUEST:
		err = berth_cursor_end(&c, "dpp-frame", why);
		break;
	case BERTH_DPP_FRAME_COMEBACK_RESPONSE:
		frame.status = take_u16_le(&c);
		frame.fragment = berth_cursor_u8(&c);
		frame.delay = take_u16_le(&c);
		err = parse_query(&c, &frame, why);
		break;
	default: /* a number from a peer */
		err = foreign(why, "neither a DPP action frame nor GAS");
	}
	if (!err)
		err = berth_dpp_attributes_check(frame.attributes, why);
	if (!err)
		*ret = frame;
	return err;
}

static enum berth_err
put_u16_le(struct berth_buf *body, uint16_t v)
{
	return berth_buf_append_u16(body, (uint16_t)(v >> 8 | v << 8));
}

static enum berth_err
build_query(const struct berth_dpp_frame *frame, struct berth_buf *body)
{
	if (frame->attributes.n > UINT16_MAX)
		return BERTH_E_LIMIT;
	enum berth_err err = berth_buf_append_text(body, ADVERTISEMENT);
	err = err ? err : put_u16_le(body, (uint16_t)frame->attributes.n);
	return err ? err : berth_buf_append_bytes(body, frame->attributes);
}

static enum berth_err
build_rest(const struct berth_dpp_frame *frame, struct berth_buf *body)
{
	enum berth_err err = BERTH_OK;

	switch (frame->kind) {
	case BERTH_DPP_FRAME_ACTION:
		err = berth_buf_append_text(body, HEADER);
		err = err ? err : berth_buf_append_u8(body, frame->type);
		return err ? err : berth_buf_append_bytes(body, frame->attributes);
	case BERTH_DPP_FRAME_GAS_REQUEST:
		err = berth_buf_append_u8(body, frame->dialog);
		return err ? err : build_query(frame, body);
	case BERTH_DPP_FRAME_GAS_RESPONSE:
		err = berth_buf_append_u8(body, frame->dialog);
		err = err ? err : put_u16_le(body, frame->status);
		err = err ? err : put_u16_le(body, frame->delay);
		return err ? err : build_query(frame, body);
	case BERTH_DPP_FRAME_COMEBACK_REQUEST:
		return berth_buf_append_u8(body, frame->dialog);
	case BERTH_DPP_FRAME_COMEBACK_RESPONSE:
		err = berth_buf_append_u8(body, frame->dialog);
		err = err ? err : put_u16_le(body, frame->status);
		err = err ? err : berth_buf_append_u8(body, frame->fragment);
		err = err ? err : put_u16_le(body, frame->delay);
		return err ? err : build_query(frame, body);
	}
	return BERTH_E_INTERNAL;
}

enum berth_err
berth_dpp_frame_build(const struct berth_dpp_frame *frame, struct berth_buf *body)
{
	enum berth_err err = berth_buf_append_u8(body, (uint8_t)frame->kind);

	return err ? err : build_rest(frame, body);
}

void
berth_dpp_frame_header(enum berth_dpp_frame_type type, uint8_t header[BERTH_DPP_HEADER_BYTES])
{
	memcpy(header, HEADER, sizeof(HEADER) - 1);
	header[BERTH_DPP_HEADER_BYTES - 1] = (uint8_t)type;
}
