/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/dpp_forge.h"

#include <stdio.h>
#include <stdlib.h>

#include "pki/siv.h"

static void
must(bool holds, const char *what)
{
	if (holds)
		return;
	(void)fprintf(stderr, "dpp_forge: %s\n", what);
	abort();
}

static void
put(struct berth_buf *out, unsigned id, struct berth_bytes value)
{
	must(berth_dpp_put(out, (enum berth_dpp_attribute)id, value) == BERTH_OK, "an attribute");
}

static void
put_changed(struct berth_buf *out, const struct dpp_edit *edit, struct berth_bytes value)
{
	BERTH_BUF changed = {0};

	must(berth_buf_append_bytes(&changed, value) == BERTH_OK, "memory");
	switch (edit->change) {
	case DPP_DROPPED:
		return;
	case DPP_SHORTER:
		must(changed.n > 0, "an empty attribute cannot be shorter");
		changed.n--;
		break;
	case DPP_LONGER:
		must(berth_buf_append_u8(&changed, 0) == BERTH_OK, "memory");
		break;
	case DPP_FLIPPED:
		must(changed.n > 0, "an empty attribute has no bit");
		changed.p[changed.n - 1] ^= 1;
		break;
	case DPP_SET:
		berth_buf_clear(&changed);
		must(berth_buf_append_bytes(&changed, edit->value) == BERTH_OK, "memory");
		break;
	case DPP_RENAMED:
		put(out, BERTH_DPP_TRANSACTION_ID, value);
		return;
	case DPP_ADDED:
	case DPP_BEHIND:
	case DPP_CUT:
		break;
	}
	put(out, edit->id, berth_buf_view(&changed));
}

/* The list with the edit, where it is of this part; Wrapped Data is left out, and returned. */
static struct berth_bytes
edit_list(struct berth_bytes list, enum dpp_part part, const struct dpp_edit *edit,
	  struct berth_buf *out)
{
	bool is_mine = edit->part == part;
	bool is_found = !is_mine || edit->change == DPP_ADDED;
	struct berth_bytes wrapped = BERTH_BYTES_NONE;

	if (is_mine && edit->change == DPP_ADDED)
		put(out, edit->id, edit->value);
	for (size_t at = 0; at < list.n;) {
		const uint8_t *p = list.p + at;
		unsigned id = (unsigned)(p[0] | p[1] << 8);
		struct berth_bytes value = berth_bytes_of(p + 4, (size_t)(p[2] | p[3] << 8));
		at += 4 + value.n;
		if (id == BERTH_DPP_WRAPPED_DATA) {
			wrapped = value;
		} else if (!is_found && id == edit->id) {
			is_found = true;
			put_changed(out, edit, value);
		} else {
			put(out, id, value);
		}
	}
	must(is_found || edit->id == BERTH_DPP_WRAPPED_DATA, "no such attribute in the good frame");
	return wrapped;
}

static struct berth_bytes
wrapped_of(struct berth_bytes list)
{
	struct berth_bytes value = BERTH_BYTES_NONE;

	(void)berth_dpp_attribute_find(list, BERTH_DPP_WRAPPED_DATA, &value);
	return value;
}

static size_t
associate(const struct dpp_seal *seal, struct berth_bytes header, struct berth_bytes clear,
	  struct berth_bytes data[2])
{
	size_t n = 0;

	if (seal->has_header)
		data[n++] = header;
	if (seal->has_clear || seal->has_header)
		data[n++] = clear;
	return n;
}

static void
open_with(struct berth_pki *pki, const struct berth_secret *key, const struct berth_bytes *data,
	  size_t n, struct berth_bytes sealed, struct berth_buf *plain)
{
	must(berth_siv_open(pki, key, data, n, sealed, plain, NULL) == BERTH_OK,
	     "the good frame does not open");
}

static void
close_with(struct berth_pki *pki, const struct berth_secret *key, const struct berth_bytes *data,
	   size_t n, const struct berth_buf *plain, const struct dpp_edit *edit,
	   struct berth_buf *out)
{
	BERTH_BUF sealed = {0};
	bool is_around = edit != NULL && edit->part == DPP_AROUND &&
			 edit->id == BERTH_DPP_WRAPPED_DATA && edit->change != DPP_BEHIND &&
			 edit->change != DPP_CUT;

	must(berth_siv_seal(pki, key, data, n, berth_buf_view(plain), &sealed) == BERTH_OK,
	     "a seal");
	if (is_around)
		put_changed(out, edit, berth_buf_view(&sealed));
	else
		put(out, BERTH_DPP_WRAPPED_DATA, berth_buf_view(&sealed));
}

static void
parse(struct berth_bytes good, struct berth_dpp_frame *frame)
{
	must(berth_dpp_frame_parse(good, frame, NULL) == BERTH_OK, "the good frame is none");
}

void
dpp_open(struct berth_pki *pki, struct berth_bytes good, const struct dpp_seal *seal,
	 struct berth_buf *inside)
{
	struct berth_dpp_frame frame;
	struct berth_bytes data[2];

	parse(good, &frame);
	size_t n = associate(seal, frame.header,
			     berth_dpp_attributes_before_wrapped(frame.attributes), data);
	open_with(pki, seal->key, data, n, wrapped_of(frame.attributes), inside);
}

static void
forge_inside(struct berth_pki *pki, struct berth_bytes inside, const struct dpp_seal *seal,
	     const struct dpp_edit *edit, struct berth_buf *out)
{
	struct berth_bytes second = edit_list(inside, DPP_INSIDE, edit, out);
	bool is_mine = edit->part == DPP_INSIDE && edit->id == BERTH_DPP_WRAPPED_DATA;
	BERTH_BUF plain = {0};
	BERTH_BUF changed = {0};

	if (seal->inner == NULL || second.p == NULL)
		return;
	if (is_mine) {
		put_changed(out, edit, second);
		return;
	}
	open_with(pki, seal->inner, NULL, 0, second, &plain);
	(void)edit_list(berth_buf_view(&plain), DPP_INNER, edit, &changed);
	close_with(pki, seal->inner, NULL, 0, &changed, NULL, out);
}

void
dpp_forge(struct berth_pki *pki, struct berth_bytes good, const struct dpp_seal *seal,
	  const struct dpp_edit *edit, struct berth_buf *body)
{
	struct berth_dpp_frame frame;
	struct berth_bytes data[2];
	BERTH_BUF inside = {0};
	BERTH_BUF changed = {0};
	BERTH_BUF attributes = {0};

	parse(good, &frame);
	bool is_sealed = seal->key != NULL;
	if (is_sealed)
		dpp_open(pki, good, seal, &inside);
	forge_inside(pki, berth_buf_view(&inside), seal, edit, &changed);
	(void)edit_list(frame.attributes, DPP_CLEAR, edit, &attributes);
	if (is_sealed) {
		BERTH_BUF clear = {0};
		must(berth_buf_append_bytes(&clear, berth_buf_view(&attributes)) == BERTH_OK,
		     "memory");
		size_t n = associate(seal, frame.header, berth_buf_view(&clear), data);
		close_with(pki, seal->key, data, n, &changed, edit, &attributes);
	}
	if (edit->part == DPP_AROUND && edit->change == DPP_BEHIND)
		put(&attributes, BERTH_DPP_STATUS, BERTH_BYTES_NONE);
	if (edit->part == DPP_AROUND && edit->change == DPP_CUT)
		attributes.n--;
	frame.attributes = berth_buf_view(&attributes);
	must(berth_dpp_frame_build(&frame, body) == BERTH_OK, "a body");
}
