/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's randomness. */
#ifndef BERTH_SYSTEM_RANDOM_H
#define BERTH_SYSTEM_RANDOM_H

#include "base/random.h"

/* Ends the process when the kernel cannot deliver. */
struct berth_random berth_system_random(void);

#endif
