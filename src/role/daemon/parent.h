/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parent: starts the children, gives each pair that talks its two ends of a fresh channel, starts who ends again and
 * plumbs it anew, and stops them in order. It speaks no protocol and reads no foreign byte.
 */
#ifndef BERTH_ROLE_DAEMON_PARENT_H
#define BERTH_ROLE_DAEMON_PARENT_H

#include "role/daemon/daemon.h"
#include "system/log.h"

struct berth_parent_conf {
	const struct berth_daemon *daemon;
	const struct berth_daemon_conf *conf;
	const char *config_path;
	bool is_json;
	struct berth_log log;
};

/* Until SIGTERM or SIGINT; exit status. */
int berth_parent_run(const struct berth_parent_conf *conf);

#endif
