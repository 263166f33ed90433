/* fuzz: berth_backup_entry_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/backup/record.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_backup_entry entry = {0};
	struct berth_why why = {0};
	BERTH_BUF again = {0};

	if (berth_backup_entry_parse(berth_bytes_of(data, size), &entry, &why)) {
		fuzz_assert(why.rule != NULL && entry.path.n == 0);
		return 0;
	}
	/* nothing leads out of the folder */
	fuzz_assert(entry.path.n > 0 && entry.path.p[0] != '/');
	for (size_t i = 0; i + 1 < entry.path.n; i++)
		fuzz_assert(entry.path.p[i] != '.' || entry.path.p[i + 1] != '.' ||
			    (i > 0 && entry.path.p[i - 1] != '/') ||
			    (i + 2 < entry.path.n && entry.path.p[i + 2] != '/'));
	fuzz_assert(berth_backup_entry_encode(&entry, &again) == BERTH_OK);
	fuzz_assert(berth_bytes_equal(berth_buf_view(&again), berth_bytes_of(data, size)));
	return 0;
}
