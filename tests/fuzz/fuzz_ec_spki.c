/* fuzz: berth_ec_parse_spki berth_dpp_bootstrapping_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* A key that is read is written again as one of the two forms it may have come in, and is the same point. */
#include "protocol/dpp/bootstrapping.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_pki *pki;
	struct berth_bytes in = berth_bytes_of(data, size);
	struct berth_dpp_bootstrapping key;
	struct berth_ec_point point, again;
	struct berth_why why = {0};
	BERTH_BUF compressed = {0};
	BERTH_BUF whole = {0};

	fuzz_assert(pki != NULL || berth_pki_open(&pki, NULL) == BERTH_OK);
	enum berth_err err = berth_ec_parse_spki(pki, in, &point, &why);
	fuzz_assert(err == berth_dpp_bootstrapping_parse(pki, in, &key, NULL));
	if (err) {
		fuzz_assert(why.rule != NULL && why.sentence[0] != '\0');
		return 0;
	}
	fuzz_assert(berth_ec_build_spki(&point, BERTH_EC_COMPRESSED, &compressed) == BERTH_OK);
	fuzz_assert(berth_ec_build_spki(&point, BERTH_EC_UNCOMPRESSED, &whole) == BERTH_OK);
	fuzz_assert(berth_bytes_equal(in, berth_buf_view(&compressed)) ||
		    berth_bytes_equal(in, berth_buf_view(&whole)));
	fuzz_assert(berth_ec_parse_spki(pki, berth_buf_view(&compressed), &again, NULL) ==
		    BERTH_OK);
	fuzz_assert(berth_ec_equal(&point, &again));
	return 0;
}
