/* fuzz: berth_masa_input */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whatever a registrar sends, as either request: the machine asks for the unit, or ends with a status, a sentence and
 * a decision that denies. Nothing that no device of this manufacturer signed is ever asserted as proximity.
 */
#include "protocol/brski/masa.h"

#include "fuzz.h"

#define SIGNED_AT 1800000000 /* as the requests of the corpus */

static void
run(struct berth_pki *pki, struct berth_bytes body, enum berth_masa_operation operation)
{
	static const struct berth_masa_policy policy = {.allow_without_proximity = true};
	static const struct berth_tls_facts tls;
	static const struct berth_masa_unit_facts nothing;
	const struct berth_now now = {.wall = {SIGNED_AT}, .wall_is_trusted = true};
	const struct berth_http_request http = {
		.method = BERTH_HTTP_POST,
		.media_type = BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS),
		.body = body,
	};
	BERTH_MASA masa = {0};

	berth_masa_start(&masa, pki, &policy, operation, now);
	enum berth_masa_event event = berth_masa_input(&masa, &http, &tls);
	if (event == BERTH_MASA_NEED_UNIT) {
		fuzz_assert(masa.unit_query.serial_number.n > 0 && masa.unit_query.path_count > 0 &&
			    !masa.has_prior && masa.issue.pinned);
		event = berth_masa_answer_unit(&masa, &nothing);
	}
	fuzz_assert(event == BERTH_MASA_END && masa.response.status >= 400 && masa.why.err &&
		    masa.why.rule && masa.response.body.n > 0 &&
		    masa.decision.outcome == BERTH_OUTCOME_DENY);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_pki *pki;

	fuzz_assert(pki || berth_pki_open(&pki, NULL) == BERTH_OK);
	run(pki, berth_bytes_of(data, size), BERTH_MASA_REQUEST_VOUCHER);
	run(pki, berth_bytes_of(data, size), BERTH_MASA_REQUEST_AUDIT_LOG);
	return 0;
}
