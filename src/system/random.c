/* SPDX-License-Identifier: BSD-2-Clause */
#include "system/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static void
fill(void *context, uint8_t *out, size_t n)
{
	(void)context;
	while (n > 0) {
		ssize_t got = getrandom(out, n, 0);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got <= 0) {
			abort(); /* nothing may go on with predictable numbers */
		}
		out += got;
		n -= (size_t)got;
	}
}

struct berth_random
berth_system_random(void)
{
	return (struct berth_random){.fill = fill};
}
