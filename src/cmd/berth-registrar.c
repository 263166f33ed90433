/* SPDX-License-Identifier: BSD-2-Clause */
/* The network owner's registrar: BRSKI, EST and the issuing CA. */
#include "role/registrar/judge.h"
#include "role/registrar/signer.h"

#include <stddef.h>

static const struct berth_daemon_announce announce = {
	.kind = BERTH_SERVICE_REGISTRAR,
	.noun = "registrar",
	.offset = offsetof(struct berth_registrar_settings, announce),
};

static const struct berth_daemon daemon_of_registrar = {
	.name = "berth-registrar",
	.summary = "onboards devices by BRSKI and issues their local certificates",
	.schema = &berth_registrar_schema,
	.settings_size = sizeof(struct berth_registrar_settings),
	.common_offset = offsetof(struct berth_registrar_settings, daemon),
	.check = berth_registrar_settings_check,
	.check_files = berth_registrar_check_files,
	.judge = &berth_registrar_judge_role,
	.signer = &berth_registrar_signer_role,
	.announce = &announce,
};

int
main(int argc, char **argv)
{
	return berth_daemon_main(&daemon_of_registrar, argc, argv);
}
