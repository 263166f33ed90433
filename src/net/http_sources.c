/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/http_sources.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define BUCKETS 1024

struct entry {
	struct berth_http_source source;
	size_t count;
	struct entry *next;
};

struct berth_http_sources {
	struct entry *buckets[BUCKETS];
};

struct berth_http_source
berth_http_source_of(const char *address)
{
	struct berth_http_source source = {0};
	char text[INET6_ADDRSTRLEN];
	size_t n = strcspn(address, "%");
	if (n >= sizeof(text)) {
		return source;
	}
	memcpy(text, address, n);
	text[n] = '\0';
	uint8_t v4[4];
	if (inet_pton(AF_INET, text, v4) == 1) {
		source.key[10] = source.key[11] = 0xff;
		memcpy(source.key + 12, v4, sizeof(v4));
		return source;
	}
	if (inet_pton(AF_INET6, text, source.key) != 1) {
		return (struct berth_http_source){0};
	}
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool is_link_local = source.key[0] == 0xfe && (source.key[1] & 0xc0) == 0x80;
	if (!is_link_local && memcmp(source.key, mapped, sizeof(mapped)) != 0) {
		memset(source.key + 8, 0, 8); /* one subscriber has the whole /64 */
	}
	return source;
}

/* FNV-1a: short keys, and a collision only costs a walk that connections_max bounds. */
static struct entry **
bucket_of(struct berth_http_sources *sources, const struct berth_http_source *source)
{
	uint32_t h = 2166136261U;
	for (size_t i = 0; i < sizeof(source->key); i++) {
		h = (h ^ source->key[i]) * 16777619U;
	}
	return &sources->buckets[h % BUCKETS];
}

static struct entry **
find(struct berth_http_sources *sources, const struct berth_http_source *source)
{
	struct entry **at = bucket_of(sources, source);
	while (*at && memcmp((*at)->source.key, source->key, sizeof(source->key)) != 0) {
		at = &(*at)->next;
	}
	return at;
}

enum berth_err
berth_http_sources_open(struct berth_http_sources **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? BERTH_OK : BERTH_E_MEMORY;
}

void
berth_http_sources_close(struct berth_http_sources *sources)
{
	if (!sources) {
		return;
	}
	for (size_t i = 0; i < BUCKETS; i++) {
		while (sources->buckets[i]) {
			struct entry *entry = sources->buckets[i];
			sources->buckets[i] = entry->next;
			free(entry);
		}
	}
	free(sources);
}

enum berth_err
berth_http_sources_add(struct berth_http_sources *sources, const struct berth_http_source *source,
		       size_t max)
{
	struct entry **at = find(sources, source);
	if (*at) {
		if ((*at)->count >= max) {
			return BERTH_E_LIMIT;
		}
		(*at)->count++;
		return BERTH_OK;
	}
	struct entry *entry = calloc(1, sizeof(*entry));
	if (!entry) {
		return BERTH_E_MEMORY;
	}
	entry->source = *source;
	entry->count = 1;
	*at = entry;
	return BERTH_OK;
}

void
berth_http_sources_remove(struct berth_http_sources *sources,
			  const struct berth_http_source *source)
{
	struct entry **at = find(sources, source);
	if (*at && --(*at)->count == 0) {
		struct entry *entry = *at;
		*at = entry->next;
		free(entry);
	}
}
