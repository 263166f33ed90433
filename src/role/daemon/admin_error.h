/* SPDX-License-Identifier: BSD-2-Clause */
/* How the admin interfaces of both daemons tell a failure: HTTP status and {"error", "rule", "sentence"}. */
#ifndef BERTH_ROLE_DAEMON_ADMIN_ERROR_H
#define BERTH_ROLE_DAEMON_ADMIN_ERROR_H

#include "codec/json.h"

/* BERTH_OK gives 200. */
int berth_admin_status(enum berth_err err);
/* Into object; a member that does not fit in memory is left out, the status tells enough then. */
void berth_admin_error_put(json_t *object, enum berth_err err, const struct berth_why *why);

#endif
