/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wrapped Data (DPP 6.1.4): attributes sealed with AES-SIV, together with what stands before them in the frame. A frame's
 * associated data is its six octets of header and the attributes before Wrapped Data, as far as the row of the frame says so.
 */
#ifndef BERTH_PROTOCOL_DPP_WRAP_H
#define BERTH_PROTOCOL_DPP_WRAP_H

#include "base/secret.h"
#include "codec/dpp_frame.h"
#include "pki/pki.h"

#define BERTH_DPP_ASSOCIATED_MAX 2

/* header: six octets; attributes: those before Wrapped Data. Both empty: none at all. */
struct berth_dpp_associated {
	struct berth_bytes data[BERTH_DPP_ASSOCIATED_MAX];
	size_t n;
};

static inline struct berth_dpp_associated
berth_dpp_associated_of(struct berth_bytes header, struct berth_bytes attributes)
{
	return (struct berth_dpp_associated){{header, attributes}, 2};
}

/* Appends the attribute Wrapped Data. */
enum berth_err berth_dpp_wrap(struct berth_pki *pki, const struct berth_secret *key,
			      const struct berth_dpp_associated *associated,
			      struct berth_bytes plain, struct berth_buf *out,
			      struct berth_why *why) BERTH_MUST;
/*
 * Of a frame's attributes; the attributes inside are checked. plain is emptied first. SIGNATURE dpp-unwrap: the key is
 * another, or something was altered; SYNTAX: there is none, or what is in it is malformed.
 */
enum berth_err berth_dpp_unwrap(struct berth_pki *pki, const struct berth_secret *key,
				const struct berth_dpp_associated *associated,
				struct berth_bytes attributes, struct berth_buf *plain,
				struct berth_why *why) BERTH_MUST;

#endif
