/* fuzz: berth_key_parse_spki */
/* SPDX-License-Identifier: BSD-2-Clause */
/* One key has one encoding: what is accepted is given back byte by byte. */
#include "pki/key.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_pki *pki;
	struct berth_bytes in = berth_bytes_of(data, size);
	struct berth_why why = {0};
	BERTH_KEY *key = NULL;

	fuzz_assert(pki != NULL || berth_pki_open(&pki, NULL) == BERTH_OK);
	if (berth_key_parse_spki(pki, in, &key, &why)) {
		fuzz_assert(key == NULL && why.rule != NULL);
		return 0;
	}
	fuzz_assert(berth_bytes_equal(berth_key_spki(key), in));
	fuzz_assert(!berth_key_has_private(key) && berth_key_kind(key) != NULL);
	fuzz_assert(berth_key_verify(key, BERTH_LIT("x"), BERTH_LIT("y"), NULL) ==
		    BERTH_E_SIGNATURE);
	return 0;
}
