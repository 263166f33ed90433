/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A daemon tells by DNS-SD and GRASP where it listens, when its operator names interfaces for that (struct
 * berth_daemon_announce). The first net process does it: it has the network and nothing else to lose. Who is not
 * heard still serves those who know the address, so nothing here ends a process.
 */
#ifndef BERTH_ROLE_DAEMON_ANNOUNCE_H
#define BERTH_ROLE_DAEMON_ANNOUNCE_H

#include "role/daemon/child.h"

struct berth_announcer;

/* What the configuration's table cannot say: a name that DNS-SD can carry. */
enum berth_err berth_daemon_announce_check(const struct berth_daemon *daemon, const void *settings,
					   struct berth_why *why) BERTH_MUST;
/*
 * Opens what the sandbox would not; says nothing to the network yet. NULL where there is nothing to do: another
 * process does it, no interface is named, or it failed, which is in the log.
 */
struct berth_announcer *berth_announcer_open(const struct berth_child *child);
/* listen_fd: the bound socket, whose port is told. NULL announcer is fine. */
void berth_announcer_start(struct berth_announcer *announcer, int listen_fd);
/* Takes back what was told. NULL is fine. */
void berth_announcer_close(struct berth_announcer *announcer);

#endif
