/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's clocks; the only place that reads them. */
#ifndef BERTH_SYSTEM_CLOCK_H
#define BERTH_SYSTEM_CLOCK_H

#include "base/time.h"

struct berth_wall berth_clock_wall(void);
struct berth_mono berth_clock_mono(void);
/* Both, with wall_is_trusted true: a daemon's machine keeps its clock. */
struct berth_now berth_clock_now(void);

#endif
