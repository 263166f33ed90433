/* SPDX-License-Identifier: BSD-2-Clause */
/* `berth audit verify --store FILE`: the audit log of a daemon's store, without the daemon. */
#ifndef BERTH_ROLE_OPERATOR_AUDIT_FILE_H
#define BERTH_ROLE_OPERATOR_AUDIT_FILE_H

#include "codec/json.h"

/*
 * A MASA's or a registrar's store, opened for reading only. *ret as the admin interface's /v1/audit/verify replies.
 * The witness is FILE with ".db" replaced by ".witness", where that is there.
 */
enum berth_err berth_audit_verify_file(const char *path, json_t **ret,
				       struct berth_why *why) BERTH_MUST;

#endif
