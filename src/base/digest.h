/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SHA-256 handed in, as randomness is: model and store stand below pki, so whoever starts them
 * passes berth_sha256 of pki/pki.h (role/) or another implementation of it (tests).
 */
#ifndef BERTH_BASE_DIGEST_H
#define BERTH_BASE_DIGEST_H

#include "base/bytes.h"

#define BERTH_DIGEST_BYTES 32

struct berth_digest {
	enum berth_err (*sha256)(void *context, struct berth_bytes in,
				 uint8_t out[BERTH_DIGEST_BYTES]);
	void *context;
};

BERTH_MUST static inline enum berth_err
berth_digest_sha256(const struct berth_digest *digest, struct berth_bytes in,
		    uint8_t out[BERTH_DIGEST_BYTES])
{
	return digest->sha256(digest->context, in, out);
}

#endif
