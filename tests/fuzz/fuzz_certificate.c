/* fuzz: berth_cert_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What is read is what was given, and every view lies inside its limits. */
#include "pki/certificate.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_pki *pki;
	struct berth_bytes in = berth_bytes_of(data, size);
	struct berth_why why = {0};
	BERTH_CERT *cert = NULL;
	uint8_t id[32];

	fuzz_assert(pki != NULL || berth_pki_open(&pki, NULL) == BERTH_OK);
	if (berth_cert_parse(pki, in, &cert, &why)) {
		fuzz_assert(cert == NULL && why.rule != NULL);
		return 0;
	}
	fuzz_assert(berth_bytes_equal(berth_cert_der(cert), in));
	fuzz_assert(berth_cert_subject_text(cert) != NULL && berth_cert_issuer_text(cert) != NULL);
	fuzz_assert(berth_bytes_is_utf8(berth_cert_subject_serial_number(cert)));
	fuzz_assert(berth_bytes_is_printable(berth_cert_masa_url(cert)));
	fuzz_assert((berth_cert_hw_type(cert) != NULL) == (berth_cert_hw_serial(cert).n > 0));
	size_t n = berth_cert_domain_id(pki, cert, id);
	fuzz_assert(n > 0 && n <= sizeof(id));
	/* a path that ends at its own beginning always holds, whatever the clock says */
	struct berth_cert_list self = {.at = {cert}, .n = 1};
	struct berth_path_check check = {.leaf = cert, .anchors = &self, .ignore_time = true};
	BERTH_CERT_LIST path = {0};
	if (berth_path_verify(pki, &check, &path, &why) == BERTH_OK)
		fuzz_assert(path.n >= 1 && path.at[path.n - 1] == cert);
	return 0;
}
