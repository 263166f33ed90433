/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An arena per exchange with a hard cap: all that a peer makes us remember is freed at once, and a
 * peer can never make us remember more than the cap. Not for secrets (base/secret.h).
 */
#ifndef BERTH_BASE_ARENA_H
#define BERTH_BASE_ARENA_H

#include "base/bytes.h"

struct berth_arena {
	struct berth_arena_block *last;
	size_t used; /* bytes handed out, rounding included */
	size_t cap;
};

/* cap in bytes; nothing is allocated until the first use. */
void berth_arena_start(struct berth_arena *arena, size_t cap);
void berth_arena_end(struct berth_arena *arena); /* frees all; may be called twice */
/* Zeroed memory aligned for any type; NULL when the cap or memory is exhausted. */
void *berth_arena_alloc(struct berth_arena *arena, size_t n)
	__attribute__((malloc, warn_unused_result));
/* A copy in the arena, always followed by a NUL that is not counted; p is NULL when it does not
 * fit. */
struct berth_bytes berth_arena_copy(struct berth_arena *arena, struct berth_bytes b);
/* A NUL-terminated copy; NULL when it does not fit or b holds a NUL. */
const char *berth_arena_text(struct berth_arena *arena, struct berth_bytes b);

#define BERTH_ARENA BERTH_CLEANUP(berth_arena_end) struct berth_arena

#endif
