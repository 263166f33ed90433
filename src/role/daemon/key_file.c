/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/daemon/daemon.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum berth_err
berth_daemon_check_key(const char *name, const char *uri, struct berth_why *why)
{
	/* Who asks may not see into the keys' folder; that is no fault of the configuration. */
	if (strncmp(uri, "file:", 5) != 0 || access(uri + 5, F_OK) == 0 ||
	    (errno != ENOENT && errno != ENOTDIR)) {
		return BERTH_OK;
	}
	return berth_fail(why, BERTH_E_USAGE, "daemon-key", NULL, "%s = %.150s: %s", name, uri,
			  strerror(errno));
}
