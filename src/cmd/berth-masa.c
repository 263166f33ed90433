/* SPDX-License-Identifier: BSD-2-Clause */
/* The manufacturer's authorized signing authority (RFC 8995): vouchers, ownership, audit log. */
#include "role/masa/masa_judge.h"
#include "role/masa/masa_signer.h"

#include <stddef.h>

int
main(int argc, char **argv)
{
	static const struct berth_daemon daemon = {
		.name = "berth-masa",
		.summary = "the manufacturer's authorized signing authority (RFC 8995)",
		.schema = &berth_masa_schema,
		.settings_size = sizeof(struct berth_masa_settings),
		.common_offset = offsetof(struct berth_masa_settings, daemon),
		.check = berth_masa_settings_check,
		.check_files = berth_masa_check_files,
		.judge = &berth_masa_judge_role,
		.signer = &berth_masa_signer_role,
	};

	return berth_daemon_main(&daemon, argc, argv);
}
