/* fuzz: berth_dpp_connector_open */
/* SPDX-License-Identifier: BSD-2-Clause */
/* No Connector but one signed with the key that is given opens; of the corpus one was, with the key of scalar 1. */
#include "protocol/dpp/connector.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_pki *pki;
	uint8_t one[32] = {[31] = 1};
	const struct berth_secret scalar = {one, sizeof(one)};
	struct berth_ec_point c_sign;
	struct berth_dpp_connector connector;
	struct berth_why why = {0};

	fuzz_assert(pki != NULL || berth_pki_open(&pki, NULL) == BERTH_OK);
	fuzz_assert(berth_ec_public(pki, BERTH_EC_P256, &scalar, &c_sign, NULL) == BERTH_OK);
	if (berth_dpp_connector_open(pki, berth_bytes_of(data, size), &c_sign, &connector, &why)) {
		fuzz_assert(why.rule != NULL && why.sentence[0] != '\0');
		return 0;
	}
	fuzz_assert(connector.group_count > 0);
	return 0;
}
