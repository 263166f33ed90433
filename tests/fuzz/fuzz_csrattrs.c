/* fuzz: berth_csrattrs_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What was understood can be said again, and is understood the same. */
#include "pki/csrattrs.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_csrattrs attrs = {0};
	struct berth_csrattrs again = {0};
	struct berth_why why = {0};
	BERTH_BUF der = {0};

	if (berth_csrattrs_parse(berth_bytes_of(data, size), &attrs, &why)) {
		fuzz_assert(why.rule != NULL);
		return 0;
	}
	/* a name with a blank or too long is somebody else's: we do not say it */
	if (berth_csrattrs_build(&attrs,
				 attrs.is_template ? BERTH_CSRATTRS_TEMPLATE : BERTH_CSRATTRS_PLAIN,
				 &der, &why))
		return 0;
	fuzz_assert(berth_csrattrs_parse(berth_buf_view(&der), &again, NULL) == BERTH_OK);
	fuzz_assert(again.is_template == attrs.is_template && again.key == attrs.key);
	fuzz_assert(again.want_serial_number == attrs.want_serial_number &&
		    again.want_common_name == attrs.want_common_name);
	fuzz_assert(attrs.is_template || again.want_sha256 == attrs.want_sha256);
	fuzz_assert(berth_bytes_equal(again.common_name, attrs.common_name) &&
		    berth_bytes_equal(again.organization, attrs.organization) &&
		    berth_bytes_equal(again.unit, attrs.unit));
	fuzz_assert(again.dns_name_count == attrs.dns_name_count);
	for (size_t i = 0; i < attrs.dns_name_count; i++)
		fuzz_assert(berth_bytes_equal(again.dns_names[i], attrs.dns_names[i]));
	return 0;
}
