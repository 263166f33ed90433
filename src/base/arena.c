/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/arena.h"

#include <stdlib.h>

#define BLOCK_BYTES 4096

struct berth_arena_block {
	struct berth_arena_block *before;
	size_t used, size;
	_Alignas(max_align_t) uint8_t memory[];
};

void
berth_arena_start(struct berth_arena *arena, size_t cap)
{
	*arena = (struct berth_arena){.cap = cap};
}

void
berth_arena_end(struct berth_arena *arena)
{
	if (!arena) {
		return;
	}
	while (arena->last) {
		struct berth_arena_block *before = arena->last->before;

		free(arena->last);
		arena->last = before;
	}
	arena->used = 0;
}

static struct berth_arena_block *
block_new(struct berth_arena *arena, size_t n)
{
	size_t size = n > BLOCK_BYTES ? n : BLOCK_BYTES;
	struct berth_arena_block *block = calloc(1, sizeof(*block) + size);

	if (!block) {
		return NULL;
	}
	block->size = size;
	block->before = arena->last;
	arena->last = block;
	return block;
}

void *
berth_arena_alloc(struct berth_arena *arena, size_t n)
{
	const size_t align = _Alignof(max_align_t);

	/* zero bytes get an address of their own */
	n = n ? n : 1;
	if (n > arena->cap || arena->cap - n < align - 1) {
		return NULL;
	}
	n = (n + align - 1) / align * align;
	if (n > arena->cap - arena->used) {
		return NULL;
	}
	struct berth_arena_block *block = arena->last;

	if (!block || n > block->size - block->used) {
		block = block_new(arena, n);
	}
	if (!block) {
		return NULL;
	}
	void *p = block->memory + block->used;

	block->used += n;
	arena->used += n;
	return p;
}

struct berth_bytes
berth_arena_copy(struct berth_arena *arena, struct berth_bytes b)
{
	uint8_t *p = b.n < SIZE_MAX ? berth_arena_alloc(arena, b.n + 1) : NULL;

	if (!p) {
		return BERTH_BYTES_NONE;
	}
	if (b.n > 0) {
		memcpy(p, b.p, b.n);
	}
	p[b.n] = '\0';
	return berth_bytes_of(p, b.n);
}

const char *
berth_arena_text(struct berth_arena *arena, struct berth_bytes b)
{
	if (b.n > 0 && memchr(b.p, '\0', b.n)) {
		return NULL;
	}
	return (const char *)berth_arena_copy(arena, b).p;
}
