/* fuzz: berth_est_certs_parse berth_est_csrattrs_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* EST replies come from a registrar that is confirmed, but may still be wrong in every byte. */
#include "protocol/est/client.h"

#include "fuzz.h"

#define ARENA_BYTES ((size_t)128 << 10)

static struct berth_pki *pki; /* opened once: a start costs more than a thousand inputs */

static void
certificates(struct berth_bytes body)
{
	BERTH_CERT_LIST list = {0};
	struct berth_why why = {0};
	if (berth_est_certs_parse(pki, BERTH_LIT("application/pkcs7-mime"), body, &list, &why)) {
		fuzz_assert(why.rule && why.sentence[0]);
		return;
	}
	fuzz_assert(list.n > 0 && list.n <= BERTH_CERT_LIST_MAX);
}

static void
attributes(struct berth_bytes body)
{
	BERTH_ARENA arena;
	struct berth_csrattrs got = {0};
	struct berth_why why = {0};
	berth_arena_start(&arena, ARENA_BYTES);
	if (berth_est_csrattrs_parse(BERTH_LIT("application/csrattrs"), body, &arena, &got, &why)) {
		fuzz_assert(why.rule && why.sentence[0]);
		return;
	}
	fuzz_assert(arena.used <= ARENA_BYTES && got.dns_name_count <= BERTH_REQUEST_NAMES_MAX);
}

/* The first byte chooses the message, so that one corpus serves both. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!pki && berth_pki_open(&pki, NULL)) {
		abort();
	}
	if (size == 0) {
		return 0;
	}
	const struct berth_bytes body = berth_bytes_of(data + 1, size - 1);
	if (data[0] == 'c') {
		certificates(body);
	} else {
		attributes(body);
	}
	return 0;
}
