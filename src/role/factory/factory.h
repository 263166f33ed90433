/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The manufacturer's side of onboarding: `berth factory init` makes the manufacturer's authorities,
 * `berth factory make` gives units their birth credentials (IEEE 802.1AR IDevIDs), `berth factory
 * sell` writes the signed lists that travel with them.
 */
#ifndef BERTH_ROLE_FACTORY_H
#define BERTH_ROLE_FACTORY_H

#include "role/verb.h"

extern const struct berth_verb berth_factory_verbs[];

/* One verb each, as struct berth_verb has it. */
int berth_factory_init_main(int argc, char **argv);
int berth_factory_request_main(int argc, char **argv);
int berth_factory_make_main(int argc, char **argv);
int berth_factory_sell_main(int argc, char **argv);

#endif
