/* SPDX-License-Identifier: BSD-2-Clause */
/* `berth registrar init`: everything a network owner needs to run berth-registrar, made in one folder. */
#ifndef BERTH_ROLE_REGISTRAR_VERBS_H
#define BERTH_ROLE_REGISTRAR_VERBS_H

#include "role/verb.h"

extern const struct berth_verb berth_registrar_verbs[];

int berth_registrar_est_user_main(int argc, char **argv);
int berth_registrar_rollover_main(int argc, char **argv);
int berth_dpp_init_main(int argc, char **argv);
int berth_dpp_hand_over_main(int argc, char **argv);

#endif
