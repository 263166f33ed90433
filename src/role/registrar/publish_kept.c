/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists and responses that are kept: each has one place, and whoever comes later takes it. */
#include "role/registrar/publish.h"

#define ISSUERS_APART 131 /* so that the first parts of two issuers have places of their own */

static size_t
response_place(enum berth_ocsp_hash hash, struct berth_bytes serial)
{
	uint32_t h = 2166136261U ^ (uint32_t)hash;
	for (size_t i = 0; i < serial.n; i++)
		h = (h ^ serial.p[i]) * 16777619U;
	return h % BERTH_KEPT_RESPONSES;
}

static bool
is_about(const struct berth_kept_response *kept, enum berth_ocsp_hash hash,
	 struct berth_bytes serial)
{
	return kept->der.n > 0 && kept->hash == hash &&
	       berth_bytes_equal(berth_bytes_of(kept->serial, kept->serial_n), serial);
}

struct berth_kept_response *
berth_kept_response(struct berth_publisher *publisher, size_t issuer,
		    const struct berth_ocsp_id *id)
{
	struct berth_bytes serial = berth_bytes_of(id->serial, id->serial_n);
	struct berth_kept_response *kept = &publisher->responses[response_place(id->hash, serial)];
	return kept->issuer == issuer && is_about(kept, id->hash, serial) ? kept : NULL;
}

static struct berth_wall
half_way(struct berth_wall now, struct berth_wall ends_at)
{
	return (struct berth_wall){now.s + (ends_at.s - now.s) / 2};
}

void
berth_keep_response(struct berth_publisher *publisher, size_t issuer,
		    const struct berth_ocsp_id *id, struct berth_bytes der, struct berth_wall now,
		    struct berth_wall ends_at)
{
	struct berth_bytes serial = berth_bytes_of(id->serial, id->serial_n);
	struct berth_kept_response *kept = &publisher->responses[response_place(id->hash, serial)];
	berth_buf_clear(&kept->der);
	if (berth_buf_append_bytes(&kept->der, der)) {
		berth_buf_free(&kept->der);
		return;
	}
	kept->issuer = issuer;
	kept->hash = id->hash;
	kept->serial_n = id->serial_n;
	memcpy(kept->serial, id->serial, id->serial_n);
	kept->renew_at = half_way(now, ends_at);
	kept->ends_at = ends_at;
}

void
berth_kept_forget(struct berth_publisher *publisher, struct berth_bytes serial)
{
	for (int hash = BERTH_OCSP_SHA1; hash <= BERTH_OCSP_SHA256; hash++) {
		struct berth_kept_response *kept =
			&publisher->responses[response_place((enum berth_ocsp_hash)hash, serial)];
		if (is_about(kept, (enum berth_ocsp_hash)hash, serial))
			berth_buf_free(&kept->der);
	}
}

static struct berth_kept_crl *
crl_place(struct berth_publisher *publisher, size_t issuer, int64_t partition)
{
	return &publisher->crls[((uint64_t)(partition + 1) + issuer * ISSUERS_APART) %
				BERTH_KEPT_CRLS];
}

struct berth_kept_crl *
berth_kept_crl(struct berth_publisher *publisher, size_t issuer, int64_t partition)
{
	struct berth_kept_crl *kept = crl_place(publisher, issuer, partition);
	return kept->der.n > 0 && kept->issuer == issuer && kept->partition == partition ? kept
											 : NULL;
}

void
berth_keep_crl(struct berth_publisher *publisher, size_t issuer, int64_t partition,
	       struct berth_bytes der, struct berth_wall now, struct berth_wall ends_at)
{
	struct berth_kept_crl *kept = crl_place(publisher, issuer, partition);
	berth_buf_clear(&kept->der);
	if (berth_buf_append_bytes(&kept->der, der)) {
		berth_buf_free(&kept->der);
		return;
	}
	kept->issuer = issuer;
	kept->partition = partition;
	kept->renew_at = half_way(now, ends_at);
	kept->ends_at = ends_at;
	kept->is_void = false;
}
