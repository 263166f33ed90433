/* fuzz: berth_sign_rvr_decode berth_issue_ldevid_decode berth_rvr_check */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What the registrar's judge, were it taken over, could send to the signer. What is read is written the same again. */
#include "protocol/brski/rvr.h"
#include "role/registrar/signing.h"

#include "fuzz.h"

static void
read_rvr(struct berth_bytes in)
{
	struct berth_sign_rvr ask;
	struct berth_sign_rvr again;
	BERTH_BUF payload = {0};
	if (berth_sign_rvr_decode(in, &ask, NULL))
		return;
	fuzz_assert(berth_sign_rvr_encode(&ask, &payload) == BERTH_OK);
	fuzz_assert(berth_sign_rvr_decode(berth_buf_view(&payload), &again, NULL) == BERTH_OK);
	fuzz_assert(berth_bytes_equal(ask.json, again.json) &&
		    ask.content_type == again.content_type);
}

static void
read_ldevid(struct berth_bytes in)
{
	struct berth_issue_ldevid ask;
	struct berth_issue_ldevid again;
	BERTH_BUF payload = {0};
	if (berth_issue_ldevid_decode(in, &ask, NULL))
		return;
	fuzz_assert(berth_issue_ldevid_encode(&ask, &payload) == BERTH_OK);
	fuzz_assert(berth_issue_ldevid_decode(berth_buf_view(&payload), &again, NULL) == BERTH_OK);
	fuzz_assert(memcmp(ask.serial, again.serial, sizeof(ask.serial)) == 0 &&
		    ask.lifetime_s == again.lifetime_s);
	fuzz_assert(berth_bytes_equal(ask.manufacturer_key, again.manufacturer_key) &&
		    berth_bytes_equal(ask.renewed, again.renewed));
	fuzz_assert(berth_bytes_equal(ask.serial_number, again.serial_number) &&
		    berth_bytes_equal(ask.request, again.request) &&
		    berth_bytes_equal(ask.issuer, again.issuer));
}

/* Without a pledge's signed request inside, nothing passes. */
static void
check_rvr(struct berth_bytes json)
{
	BERTH_ARENA arena;
	struct berth_voucher rvr;
	struct berth_why why = {0};
	berth_arena_start(&arena, (size_t)512 << 10);
	enum berth_err err =
		berth_rvr_check(json, true, (struct berth_wall){1790000000}, &arena, &rvr, &why);
	fuzz_assert(err == BERTH_OK || (why.err == err && why.rule != NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_bytes in = berth_bytes_of(data, size);
	read_rvr(in);
	read_ldevid(in);
	check_rvr(in);
	return 0;
}
