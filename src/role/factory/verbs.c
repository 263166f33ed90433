/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/factory/factory.h"

const struct berth_verb berth_factory_verbs[] = {
	{0},
};
