/* fuzz: abort */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Crashes on purpose: proves that the rig notices. */
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= 3 && data[0] == 'b' && data[1] == 'a' && data[2] == 'd') {
		abort();
	}
	return 0;
}
