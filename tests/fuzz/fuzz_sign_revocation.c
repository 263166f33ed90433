/* fuzz: berth_sign_crl_decode berth_sign_ocsp_decode berth_address_read */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What a judge could send to the signer about revocation, and the paths that strangers ask for. */
#include "role/registrar/addresses.h"
#include "role/registrar/signing.h"

#include "fuzz.h"

static struct berth_sign_crl crl, crl_again;

static void
read_crl(struct berth_bytes in)
{
	BERTH_BUF payload = {0};
	if (berth_sign_crl_decode(in, &crl, NULL))
		return;
	fuzz_assert(berth_sign_crl_encode(&crl, &payload) == BERTH_OK);
	fuzz_assert(berth_sign_crl_decode(berth_buf_view(&payload), &crl_again, NULL) == BERTH_OK);
	fuzz_assert(crl.entry_count == crl_again.entry_count &&
		    crl.partition == crl_again.partition);
	for (size_t i = 0; i < crl.entry_count; i++)
		fuzz_assert(berth_bytes_equal(crl.entries[i].serial, crl_again.entries[i].serial) &&
			    crl.entries[i].revoked_at.s == crl_again.entries[i].revoked_at.s);
}

static void
read_ocsp(struct berth_bytes in)
{
	struct berth_sign_ocsp ask;
	struct berth_sign_ocsp again;
	BERTH_BUF payload = {0};
	if (berth_sign_ocsp_decode(in, &ask, NULL))
		return;
	fuzz_assert(berth_sign_ocsp_encode(&ask, &payload) == BERTH_OK);
	fuzz_assert(berth_sign_ocsp_decode(berth_buf_view(&payload), &again, NULL) == BERTH_OK);
	fuzz_assert(ask.single_count == again.single_count && ask.single_count > 0 &&
		    berth_bytes_equal(ask.nonce, again.nonce));
	for (size_t i = 0; i < ask.single_count; i++)
		fuzz_assert(ask.singles[i].status == again.singles[i].status &&
			    berth_bytes_equal(ask.singles[i].serial, again.singles[i].serial));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_bytes in = berth_bytes_of(data, size);
	struct berth_address address;
	read_crl(in);
	read_ocsp(in);
	if (berth_address_read(in, ".crl", &address))
		fuzz_assert(address.issuer_n > 0 && address.issuer_n <= sizeof(address.issuer) &&
			    address.partition >= -1);
	return 0;
}
