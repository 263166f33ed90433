/* SPDX-License-Identifier: BSD-2-Clause */
/* What the verbs of Wi-Fi Easy Connect share. */
#ifndef BERTH_ROLE_OPERATOR_DPP_VERBS_H
#define BERTH_ROLE_OPERATOR_DPP_VERBS_H

#include "codec/json.h"
#include "role/operator/admin_client.h"
#include "role/options.h"

#define BERTH_DPP_OPTION_SOCKET                                                                    \
	{                                                                                          \
		.name = "socket", .argument = "PATH",                                              \
		.help = "the registrar's admin socket; else $BERTH_ADMIN_SOCKET, "                 \
			"else " BERTH_ADMIN_SOCKET_DEFAULT                                         \
	}

/* Prints the reply, for people or (--json) programs, or why there is none. The exit status. */
int berth_dpp_finish(const char *command, const struct berth_arguments *arguments,
		     enum berth_err err, const struct berth_why *why, const json_t *reply,
		     void (*print)(const json_t *reply));
/* The member's text; "" when there is none. */
const char *berth_dpp_text(const json_t *object, const char *key);

int berth_dpp_permit_join_main(int argc, char **argv);
int berth_dpp_pkex_main(int argc, char **argv);
int berth_dpp_uri_main(int argc, char **argv);
int berth_dpp_chirps_main(int argc, char **argv);
int berth_dpp_devices_main(int argc, char **argv);
int berth_dpp_passwords_main(int argc, char **argv);
int berth_dpp_renew_main(int argc, char **argv);

#endif
