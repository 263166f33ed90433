/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/masa_memory.h"

static size_t
place(const uint8_t digest[BERTH_SHA256_BYTES])
{
	return digest[0] % BERTH_MASA_MEMORY_KEPT;
}

void
berth_masa_memory_end(struct berth_masa_memory *memory)
{
	for (size_t i = 0; i < BERTH_MASA_MEMORY_KEPT; i++)
		berth_cert_list_free(&memory->judged[i].path);
	memset(memory, 0, sizeof(*memory));
}

static struct berth_bytes
keep(uint8_t *room, struct berth_bytes text)
{
	if (text.n > 0)
		memcpy(room, text.p, text.n);
	return berth_bytes_of(room, text.n);
}

void
berth_masa_remember(struct berth_masa_memory *memory, const struct berth_masa *masa)
{
	const struct berth_masa_unit_query *query = &masa->unit_query;
	struct berth_masa_judged *judged = &memory->judged[place(query->request_digest)];

	berth_cert_list_free(&judged->path);
	*judged = (struct berth_masa_judged){.at = masa->now.mono,
					     .created_on = masa->rvr.voucher.created_on,
					     .domain_id_length = masa->issue.domain_id_length};
	if (query->serial_number.n > sizeof(judged->serial_number) ||
	    query->issuer_key_id.n > sizeof(judged->issuer_key_id))
		return;
	for (size_t i = 0; i < masa->path.n; i++)
		if (berth_cert_list_add(&judged->path, masa->path.at[i], NULL))
			return;
	judged->query = *query;
	judged->query.request = BERTH_BYTES_NONE;
	judged->query.serial_number = keep(judged->serial_number, query->serial_number);
	judged->query.issuer_key_id = keep(judged->issuer_key_id, query->issuer_key_id);
	memcpy(judged->digest, query->request_digest, sizeof(judged->digest));
	memcpy(judged->domain_id, masa->issue.domain_id, sizeof(judged->domain_id));
	memcpy(judged->owner_digest, masa->issue.owner_digest, sizeof(judged->owner_digest));
	judged->is_used = true;
}

const struct berth_masa_judged *
berth_masa_recall(const struct berth_masa_memory *memory, const struct berth_masa *masa)
{
	const uint8_t *digest = masa->unit_query.request_digest;
	const struct berth_masa_judged *judged = &memory->judged[place(digest)];

	if (!judged->is_used || memcmp(judged->digest, digest, BERTH_SHA256_BYTES) != 0 ||
	    masa->now.mono.ms < judged->at.ms ||
	    masa->now.mono.ms - judged->at.ms > BERTH_MASA_MEMORY_MS)
		return NULL;
	for (size_t i = 0; i < judged->path.n; i++)
		if (berth_cert_not_after(judged->path.at[i]).s < masa->now.wall.s ||
		    berth_cert_not_before(judged->path.at[i]).s > masa->now.wall.s)
			return NULL;
	return judged;
}
