/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/factory/factory.h"

const struct berth_verb berth_factory_verbs[] = {
	{"factory", "init", "make a manufacturer: its authorities and keys",
	 berth_factory_init_main},
	{"factory", "request", "on a unit: make its birth key and a request for it",
	 berth_factory_request_main},
	{"factory", "make", "give units their birth credentials", berth_factory_make_main},
	{"factory", "sell", "say who owns units, in a signed manifest", berth_factory_sell_main},
	{0},
};
