/* fuzz: berth_backup_about_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/backup/record.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_backup_about about;
	struct berth_why why = {0};
	BERTH_BUF again = {0};

	about = (struct berth_backup_about){0};
	if (berth_backup_about_parse(berth_bytes_of(data, size), &about, &why)) {
		fuzz_assert(why.rule != NULL && about.moved_count == 0);
		return 0;
	}
	fuzz_assert(about.hardware_count <= BERTH_BACKUP_NAMES_MAX &&
		    about.moved_count <= BERTH_BACKUP_NAMES_MAX);
	fuzz_assert(berth_backup_about_encode(&about, &again) == BERTH_OK);
	fuzz_assert(berth_bytes_equal(berth_buf_view(&again), berth_bytes_of(data, size)));
	return 0;
}
