/* fuzz: berth_issued_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/backup/issued.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_bytes rest = berth_bytes_of(data, size);
	struct berth_bytes line;
	size_t taken = 0;

	while (berth_issued_next(&rest, &line) == BERTH_OK) {
		struct berth_issued issued = {0};
		struct berth_why why = {0};
		taken += line.n + 1;
		fuzz_assert(taken + rest.n == size);
		if (berth_issued_parse(line, &issued, &why))
			fuzz_assert(why.rule != NULL && issued.what.n == 0);
		else
			fuzz_assert(issued.what.n > 0 && issued.certificate.n < line.n);
	}
	return 0;
}
