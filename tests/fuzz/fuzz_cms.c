/* fuzz: berth_cms_open berth_cms_reopen berth_cms_content berth_cms_certs_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* No object is both signed content and certificates only; what opens has one content, however it is read. */
#include "pki/cms.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_pki *pki;
	struct berth_bytes in = berth_bytes_of(data, size);
	struct berth_why why = {0};
	BERTH_CMS cms = {0};
	BERTH_CERT_LIST list = {0};
	BERTH_CMS again = {0};
	struct berth_bytes content = BERTH_BYTES_NONE;

	fuzz_assert(pki != NULL || berth_pki_open(&pki, NULL) == BERTH_OK);
	enum berth_err err = berth_cms_open(pki, in, NULL, &cms, &why);
	if (err)
		fuzz_assert(cms.signer == NULL && cms.content.n == 0 && why.rule != NULL);
	else
		fuzz_assert(cms.certificates.n > 0 && cms.certificates.at[0] == cms.signer &&
			    cms.content.n < size);
	if (berth_cms_reopen(pki, in, NULL, &again, &why))
		fuzz_assert(err != BERTH_OK);
	if (berth_cms_content(in, &content, &why))
		fuzz_assert(again.signer == NULL);
	else if (again.signer != NULL)
		fuzz_assert(berth_bytes_equal(content, berth_buf_view(&again.content)));
	if (berth_cms_certs_parse(pki, in, &list, &why) == BERTH_OK)
		fuzz_assert(err != BERTH_OK && list.n > 0);
	else
		fuzz_assert(list.n == 0);
	return 0;
}
