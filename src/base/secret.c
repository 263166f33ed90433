/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/secret.h"

#include <stdlib.h>

void
berth_wipe(void *p, size_t n)
{
	if (n == 0) {
		return;
	}
	memset(p, 0, n);
	/* the compiler must assume that somebody reads *p here, so it cannot drop the memset */
	__asm__ volatile("" : : "r"(p) : "memory");
}

enum berth_err
berth_secret_copy(struct berth_secret *ret, struct berth_bytes b)
{
	uint8_t *p = malloc(b.n ? b.n : 1);

	if (!p) {
		return BERTH_E_MEMORY;
	}
	if (b.n > 0) {
		memcpy(p, b.p, b.n);
	}
	ret->p = p;
	ret->n = b.n;
	return BERTH_OK;
}

void
berth_secret_free(struct berth_secret *secret)
{
	if (!secret) {
		return;
	}
	berth_wipe(secret->p, secret->n);
	free(secret->p);
	*secret = (struct berth_secret){NULL, 0};
}

bool
berth_bytes_equal_secretly(struct berth_bytes a, struct berth_bytes b)
{
	if (a.n != b.n) {
		return false;
	}
	volatile uint8_t difference = 0;

	for (size_t i = 0; i < a.n; i++) {
		difference = (uint8_t)(difference | (a.p[i] ^ b.p[i]));
	}
	return difference == 0;
}

bool
berth_secret_equal(const struct berth_secret *secret, struct berth_bytes b)
{
	return berth_bytes_equal_secretly(berth_bytes_of(secret->p, secret->n), b);
}
