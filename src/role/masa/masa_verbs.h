/* SPDX-License-Identifier: BSD-2-Clause */
/* `berth masa ...`: the manufacturer's people and a running berth-masa, over its admin socket. */
#ifndef BERTH_ROLE_MASA_VERBS_H
#define BERTH_ROLE_MASA_VERBS_H

#include "role/verb.h"

extern const struct berth_verb berth_masa_verbs[];

#endif
