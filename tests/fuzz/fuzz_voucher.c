/* fuzz: berth_voucher_parse berth_assertion_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What is read is written, and reads the same again; a refusal changes nothing. */
#include "protocol/voucher/voucher.h"

#include "fuzz.h"

#define ARENA_BYTES ((size_t)256 << 10)

static void
same(const struct berth_voucher *a, const struct berth_voucher *b)
{
	fuzz_assert(a->assertion == b->assertion && a->created_on.s == b->created_on.s &&
		    a->expires_on.s == b->expires_on.s &&
		    a->nonce_is_url_safe == b->nonce_is_url_safe);
	fuzz_assert(berth_bytes_equal(a->serial_number, b->serial_number));
	fuzz_assert(berth_bytes_equal(a->nonce, b->nonce));
	fuzz_assert(berth_bytes_equal(a->idevid_issuer, b->idevid_issuer));
	fuzz_assert(berth_bytes_equal(a->pinned_domain_cert, b->pinned_domain_cert));
	fuzz_assert(berth_bytes_equal(a->proximity_registrar_cert, b->proximity_registrar_cert));
	fuzz_assert(berth_bytes_equal(a->prior_signed_voucher_request,
				      b->prior_signed_voucher_request));
}

/* The identifier is a view into what it was found in, and finds itself. */
static void
check_issuer(struct berth_bytes issuer)
{
	struct berth_bytes id = berth_voucher_issuer_key_id(issuer);

	fuzz_assert(id.n == 0 || (id.p >= issuer.p && id.p + id.n <= issuer.p + issuer.n));
	fuzz_assert(issuer.n == 0 || berth_voucher_issuer_matches(issuer, issuer));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BERTH_ARENA arena = {0};
	BERTH_BUF json = {0};
	struct berth_voucher first = {.serial_number = BERTH_LIT("untouched")};
	struct berth_voucher again = {0};
	struct berth_why why = {0};
	enum berth_assertion assertion = BERTH_ASSERTION_NONE;
	enum berth_voucher_kind kind = size % 2 ? BERTH_VOUCHER : BERTH_VOUCHER_REQUEST_REGISTRAR;

	if (berth_assertion_parse(berth_bytes_of(data, size), &assertion))
		fuzz_assert(berth_bytes_equal_text(berth_bytes_of(data, size),
						   berth_assertion_name(assertion)));
	check_issuer(berth_bytes_of(data, size));
	/* Either kind's key is tried; the first byte decides nothing, so that corpus files stay plain JSON. */
	berth_ignore(berth_voucher_kind_of(berth_bytes_of(data, size), &kind, &why), "or not");
	berth_arena_start(&arena, ARENA_BYTES);
	if (berth_voucher_parse(berth_bytes_of(data, size), kind, &arena, &first, &why)) {
		fuzz_assert(berth_bytes_equal_text(first.serial_number, "untouched") && why.rule &&
			    why.sentence[0]);
		return 0;
	}
	check_issuer(first.idevid_issuer);
	berth_ignore(berth_voucher_check_kind(&first, &why), "either is fine");
	fuzz_assert(berth_voucher_encode(&first, &json, &why) == BERTH_OK);
	if (json.n > BERTH_VOUCHER_JSON_MAX_BYTES)
		return 0; /* written texts may be longer: \u escapes */
	fuzz_assert(berth_voucher_parse(berth_buf_view(&json), kind, &arena, &again, &why) ==
		    BERTH_OK);
	same(&first, &again);
	return 0;
}
