/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BERTH_POLICY_GLOB_H
#define BERTH_POLICY_GLOB_H

#include "base/bytes.h"

/* '*' is any bytes, '?' any one byte, all else itself, case counts. Time: length of text times length of pattern at most. */
bool berth_glob_matches(const char *pattern, struct berth_bytes text);

#endif
