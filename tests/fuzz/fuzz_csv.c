/* fuzz: berth_csv_parse berth_csv_next */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/csv.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BERTH_CSV csv = {0};
	struct berth_csv_row row;
	struct berth_why why = {0};
	size_t before = 0;

	if (berth_csv_parse(berth_bytes_of(data, size), &csv, &why)) {
		fuzz_assert(why.rule && why.sentence[0]);
		return 0;
	}
	while (berth_csv_has_more(&csv)) {
		if (berth_csv_next(&csv, &row, &why)) {
			fuzz_assert(why.rule && why.sentence[0]);
			return 0;
		}
		fuzz_assert(csv.at > before && csv.at <= size);
		before = csv.at;
		fuzz_assert(row.count == csv.header.count);
		for (size_t i = 0; i < row.count; i++) {
			fuzz_assert(berth_bytes_is_utf8(row.fields[i]));
		}
	}
	return 0;
}
