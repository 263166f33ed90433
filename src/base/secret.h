/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A secret owns its bytes, forgets them when freed, is compared in constant time and has no
 * printer.
 */
#ifndef BERTH_BASE_SECRET_H
#define BERTH_BASE_SECRET_H

#include "base/bytes.h"

struct berth_secret {
	uint8_t *p;
	size_t n;
};

enum berth_err berth_secret_copy(struct berth_secret *ret, struct berth_bytes b) BERTH_MUST;
void berth_secret_free(struct berth_secret *secret); /* wipes; NULL and {0} are fine */
/* Constant time in the contents; lengths are not secret. */
bool berth_secret_equal(const struct berth_secret *secret, struct berth_bytes b);
bool berth_bytes_equal_secretly(struct berth_bytes a, struct berth_bytes b);
/* Overwrites in a way the compiler keeps. */
void berth_wipe(void *p, size_t n);

#define BERTH_SECRET BERTH_CLEANUP(berth_secret_free) struct berth_secret

#endif
