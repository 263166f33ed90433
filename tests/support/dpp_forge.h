/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of DPP as a peer with all the keys, and without good manners, would send them: a good frame is opened, one
 * attribute of it is changed, and it is closed again with the same keys, so that nothing but the change can be its fault.
 */
#ifndef BERTH_TESTS_DPP_FORGE_H
#define BERTH_TESTS_DPP_FORGE_H

#include "base/secret.h"
#include "codec/dpp_frame.h"
#include "pki/pki.h"

enum dpp_part {
	DPP_CLEAR,  /* beside Wrapped Data */
	DPP_INSIDE, /* in it */
	DPP_INNER,  /* in the Wrapped Data that is in it: R-auth */
	DPP_AROUND, /* the sealed octets themselves, or the frame */
};

enum dpp_change {
	DPP_DROPPED,
	DPP_SHORTER, /* by its last octet */
	DPP_LONGER,  /* by one */
	DPP_FLIPPED, /* one bit of its last octet */
	DPP_RENAMED, /* there is one of another name: nothing at all cannot be sealed */
	DPP_SET,     /* to value */
	DPP_ADDED,   /* with value, before all others of its part */
	/* DPP_AROUND, without id */
	DPP_BEHIND, /* an empty attribute after all */
	DPP_CUT,    /* the frame's last octet is missing */
};

struct dpp_edit {
	enum dpp_part part;
	enum dpp_change change;
	enum berth_dpp_attribute id;
	struct berth_bytes value;
};

/*
 * One fault. is_told: whoever sent it has proven its key, and what it says under it cannot go on; it is told so, and that is the
 * end. It believes that, but where it had said that it does not know us, and does.
 */
struct dpp_bad {
	const char *name;
	struct dpp_edit edit;
	const char *rule;
	bool is_told, is_in_vain;
};

/* Rows of the tables. */
#define CHANGE(part, change, id, ...)                                                              \
	{                                                                                          \
		DPP_##part, DPP_##change, BERTH_DPP_##id,                                          \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define BAD(name, part, change, id, rule)                                                          \
	{                                                                                          \
		name, CHANGE(part, change, id, NULL, 0), rule, false, false                        \
	}
#define BAD_AS(name, part, change, id, value, rule)                                                \
	{                                                                                          \
		name, CHANGE(part, change, id, (const uint8_t *)(value), sizeof(value) - 1), rule, \
			false, false                                                               \
	}
#define TOLD(name, part, change, id, rule)                                                         \
	{                                                                                          \
		name, CHANGE(part, change, id, NULL, 0), rule, true, false                         \
	}
#define TOLD_AS(name, part, change, id, value, rule)                                               \
	{                                                                                          \
		name, CHANGE(part, change, id, (const uint8_t *)(value), sizeof(value) - 1), rule, \
			true, false                                                                \
	}
#define TOLD_IN_VAIN(name, part, change, id, rule)                                                 \
	{                                                                                          \
		name, CHANGE(part, change, id, NULL, 0), rule, true, true                          \
	}
#define SIXTEEN "0123456789abcdef"
#define NOWHERE SIXTEEN SIXTEEN SIXTEEN SIXTEEN /* a point on no curve */
#define SOMEBODY SIXTEEN SIXTEEN

/* How a kind of frame is sealed; inner: NULL, or of the second seal. */
struct dpp_seal {
	const struct berth_secret *key, *inner;
	bool has_header,
		has_clear; /* in the associated data; header alone: with an empty entry for the rest */
};

/* good: a whole body. Appends a body; it aborts the test where good is not what seal says, or has no such attribute. */
void dpp_forge(struct berth_pki *pki, struct berth_bytes good, const struct dpp_seal *seal,
	       const struct dpp_edit *edit, struct berth_buf *body);
/* The attributes within Wrapped Data. */
void dpp_open(struct berth_pki *pki, struct berth_bytes good, const struct dpp_seal *seal,
	      struct berth_buf *inside);

#endif
