/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/judge.h"

#include <stdlib.h>

#define EXCHANGE_ARENA_BYTES ((size_t)512 << 10) /* records of one device and its voucher step */

uint64_t
berth_exchange_cookie(const struct berth_registrar_exchange *exchange)
{
	return (uint64_t)exchange->generation << 32 | exchange->slot;
}

struct berth_registrar_exchange *
berth_exchange_open(struct berth_registrar_role *role, struct berth_ticket *ticket,
		    enum berth_registrar_kind kind, const char *what)
{
	uint32_t slot = 0;
	while (slot < BERTH_REGISTRAR_EXCHANGES_MAX && role->exchanges[slot] != NULL)
		slot++;
	if (slot == BERTH_REGISTRAR_EXCHANGES_MAX)
		return NULL;
	struct berth_registrar_exchange *exchange = calloc(1, sizeof(*exchange));
	if (exchange == NULL)
		return NULL;
	exchange->role = role;
	exchange->ticket = ticket;
	exchange->slot = slot;
	/* The uppermost bit of a cookie is another's mark: without this, every answer would go astray after 2^31 requests. */
	exchange->generation = ++role->generation & 0x7fffffff;
	exchange->kind = kind;
	exchange->what = what;
	berth_arena_start(&exchange->arena, EXCHANGE_ARENA_BYTES);
	role->exchanges[slot] = exchange;
	berth_ticket_set(ticket, exchange);
	return exchange;
}

struct berth_registrar_exchange *
berth_exchange_find(struct berth_registrar_role *role, uint64_t cookie)
{
	uint32_t slot = (uint32_t)cookie;
	if (slot >= BERTH_REGISTRAR_EXCHANGES_MAX || role->exchanges[slot] == NULL ||
	    role->exchanges[slot]->generation != (uint32_t)(cookie >> 32))
		return NULL;
	return role->exchanges[slot];
}

void
berth_exchange_close(struct berth_registrar_exchange *exchange)
{
	if (exchange == NULL)
		return;
	exchange->role->exchanges[exchange->slot] = NULL;
	berth_registrar_end(&exchange->brski);
	berth_est_end(&exchange->est);
	berth_peers_release(exchange->seen);
	berth_arena_end(&exchange->arena);
	free(exchange);
}
