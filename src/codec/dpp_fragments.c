/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/dpp_fragments.h"

#include "base/cursor.h"
#include "codec/dpp_frame.h"

#define SECTION "IEEE 802.11 11.22.3"
#define MORE 0x80	       /* in the octet of the number */
#define ADVERTISEMENT_BYTES 10 /* element of DPP; whether it is that, the frame's parser says */
#define ANSWER_MAX_BYTES 65535 /* its length is told with two octets at the end */

struct fragment {
	uint8_t dialog, number;
	bool has_more;
	struct berth_bytes advertisement; /* after the delay */
	struct berth_bytes part;
};

void
berth_dpp_fragments_reset(struct berth_dpp_fragments *fragments)
{
	berth_buf_clear(&fragments->whole);
	fragments->next = 0;
}

void
berth_dpp_fragments_free(struct berth_dpp_fragments *fragments)
{
	berth_buf_free(&fragments->whole);
	berth_buf_free(&fragments->body);
	fragments->next = 0;
}

/* False: not a comeback response with a fragment number; the frame's parser says what it is. */
static bool
read_fragment(struct berth_bytes body, struct fragment *ret)
{
	struct berth_cursor c = berth_cursor(body);
	struct fragment fragment = {0};

	if (berth_cursor_u8(&c) != BERTH_DPP_FRAME_COMEBACK_RESPONSE)
		return false;
	fragment.dialog = berth_cursor_u8(&c);
	uint16_t status = berth_cursor_u16(&c);
	uint8_t number = berth_cursor_u8(&c);
	uint16_t delay = berth_cursor_u16(&c);
	fragment.advertisement = berth_cursor_take(&c, ADVERTISEMENT_BYTES);
	size_t n = berth_cursor_u8(&c);
	n |= (size_t)berth_cursor_u8(&c) << 8;
	fragment.part = berth_cursor_take(&c, n);
	fragment.number = number & (uint8_t)~MORE;
	fragment.has_more = (number & MORE) != 0;
	if (berth_cursor_end(&c, "gas-fragment", NULL) || status != 0 || delay != 0 ||
	    fragment.part.n == 0)
		return false;
	*ret = fragment;
	return true;
}

static enum berth_err
ask(struct berth_dpp_fragments *fragments, struct berth_bytes *ret)
{
	berth_buf_clear(&fragments->body);
	enum berth_err err =
		berth_buf_append_u8(&fragments->body, BERTH_DPP_FRAME_COMEBACK_REQUEST);
	err = err ? err : berth_buf_append_u8(&fragments->body, fragments->dialog);
	*ret = berth_buf_view(&fragments->body);
	return err;
}

static enum berth_err
give(struct berth_dpp_fragments *fragments, const struct fragment *last, struct berth_bytes *ret)
{
	const uint8_t start[] = {BERTH_DPP_FRAME_COMEBACK_RESPONSE, last->dialog, 0, 0, 0, 0, 0};
	const uint8_t length[] = {(uint8_t)fragments->whole.n, (uint8_t)(fragments->whole.n >> 8)};

	berth_buf_clear(&fragments->body);
	enum berth_err err = berth_buf_append(&fragments->body, start, sizeof(start));
	err = err ? err : berth_buf_append_bytes(&fragments->body, last->advertisement);
	err = err ? err : berth_buf_append(&fragments->body, length, sizeof(length));
	err = err ? err
		  : berth_buf_append_bytes(&fragments->body, berth_buf_view(&fragments->whole));
	*ret = berth_buf_view(&fragments->body);
	return err;
}

static enum berth_err
take_fragment(struct berth_dpp_fragments *fragments, const struct fragment *fragment,
	      enum berth_dpp_fragments_step *step, struct berth_bytes *ret, struct berth_why *why)
{
	if (fragment->number != fragments->next ||
	    (fragments->next > 0 && fragment->dialog != fragments->dialog))
		return berth_fail(why, BERTH_E_STATE, "gas-fragment", SECTION,
				  "Fragment %u of an answer came where %u is waited for.",
				  fragment->number, fragments->next);
	/* seven bits of numbers end at 127 */
	bool is_too_many = fragment->has_more && fragment->number + 1U == BERTH_DPP_FRAGMENTS_MAX;
	if (is_too_many || fragments->whole.n + fragment->part.n > ANSWER_MAX_BYTES) {
		berth_dpp_fragments_reset(fragments);
		return berth_fail(why, BERTH_E_LIMIT, "gas-length", SECTION,
				  "An answer in fragments is longer than one may be.");
	}
	enum berth_err err = berth_buf_append_bytes(&fragments->whole, fragment->part);
	fragments->dialog = fragment->dialog;
	fragments->next = fragment->number + 1U;
	*step = fragment->has_more ? BERTH_DPP_FRAGMENTS_ASK : BERTH_DPP_FRAGMENTS_BODY;
	err = err ? err : fragment->has_more ? ask(fragments, ret) : give(fragments, fragment, ret);
	if (err || !fragment->has_more)
		berth_dpp_fragments_reset(fragments);
	return err ? berth_fail(why, err, "gas-length", SECTION,
				"There is no memory for an answer in fragments.")
		   : BERTH_OK;
}

enum berth_err
berth_dpp_fragments_take(struct berth_dpp_fragments *fragments, struct berth_bytes body,
			 enum berth_dpp_fragments_step *step, struct berth_bytes *ret,
			 struct berth_why *why)
{
	struct fragment fragment;

	if (read_fragment(body, &fragment) &&
	    (fragment.has_more || fragment.number > 0 || fragments->next > 0))
		return take_fragment(fragments, &fragment, step, ret, why);
	*step = BERTH_DPP_FRAGMENTS_BODY;
	*ret = body;
	return BERTH_OK;
}
