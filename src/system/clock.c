/* SPDX-License-Identifier: BSD-2-Clause */
#include "system/clock.h"

#include <assert.h>
#include <time.h>

static struct timespec
read_clock(clockid_t id)
{
	struct timespec t = {0};
	int rc = clock_gettime(id, &t);
	assert(rc == 0);
	(void)rc;
	return t;
}

struct berth_wall
berth_clock_wall(void)
{
	return (struct berth_wall){read_clock(CLOCK_REALTIME).tv_sec};
}

struct berth_mono
berth_clock_mono(void)
{
	struct timespec t = read_clock(CLOCK_MONOTONIC);
	return (struct berth_mono){(int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000};
}

struct berth_now
berth_clock_now(void)
{
	return (struct berth_now){
		.mono = berth_clock_mono(),
		.wall = berth_clock_wall(),
		.wall_is_trusted = true,
	};
}
