/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each child process of a daemon begins with: its configuration, a loop, the control channel to the parent. Children
 * ignore SIGTERM and SIGINT: the parent says when to end, and in which order.
 */
#ifndef BERTH_ROLE_DAEMON_CHILD_H
#define BERTH_ROLE_DAEMON_CHILD_H

#include "net/loop.h"
#include "role/daemon/daemon.h"
#include "role/daemon/ipc.h"
#include "role/daemon/link.h"
#include "system/log.h"
#include "system/sandbox.h"

#define BERTH_NET_PROCESSES_MAX 64
#define BERTH_CHILD_EXIT_START 3 /* could not start: starting it again would not help */

enum berth_child_kind {
	BERTH_CHILD_SIGNER,
	BERTH_CHILD_TLS_SIGNER,
	BERTH_CHILD_JUDGE,
	BERTH_CHILD_NET
};

struct berth_child {
	const struct berth_daemon *daemon;
	const void *settings;
	const struct berth_daemon_conf *conf;
	struct berth_log log;
	enum berth_child_kind kind;
	uint32_t index;

	/* Set by berth_child_open. */
	struct berth_loop *loop;
	struct berth_link *control;
	uint8_t *room; /* BERTH_FRAME_MAX, for all links */

	/* Set by the child before it enters the loop. on_link owns fd. */
	void (*on_link)(void *context, enum berth_ipc_edge edge, uint32_t index, int fd);
	void (*on_drain)(void *context);
	void *context;
};

/* "net", "judge", "signer", "tls-signer": the hidden argument, and the name in logs. */
const char *berth_child_name(enum berth_child_kind kind);
enum berth_err berth_child_open(struct berth_child *child, struct berth_why *why) BERTH_MUST;
void berth_child_close(struct berth_child *child);
/* Enters the sandbox and logs what of it the kernel has. */
enum berth_err berth_child_confine(struct berth_child *child, const struct berth_sandbox *sandbox,
				   struct berth_why *why) BERTH_MUST;
void berth_child_say_ready(struct berth_child *child);
/* Logs why it cannot start; the exit status. */
int berth_child_fail(struct berth_child *child, const struct berth_why *why);

/* Each runs its loop until told to end; exit status. */
int berth_net_child_run(struct berth_child *child);
int berth_judge_run(struct berth_child *child);
int berth_signer_child_run(struct berth_child *child);

#endif
