/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a child gives up once it has opened what it needs: new privileges, files outside the named
 * folders (Landlock, as far as the kernel's ABI goes), and system calls that no child of ours needs
 * (a coarse seccomp deny-list that answers EPERM). systemd's own hardening stands before this;
 * where the kernel has no Landlock, the rest still holds.
 */
#ifndef BERTH_SYSTEM_SANDBOX_H
#define BERTH_SYSTEM_SANDBOX_H

#include <stdbool.h>

#include "base/err.h"

#define BERTH_SANDBOX_PATHS_MAX 16

enum berth_sandbox_sockets {
	BERTH_SANDBOX_INET,	 /* what net needs */
	BERTH_SANDBOX_UNIX_ONLY, /* no internet, netlink or packet sockets */
	BERTH_SANDBOX_NO_SOCKETS /* what is open stays; nothing new */
};

struct berth_sandbox {
	/* Beneath these: read. Those that do not exist are passed over. */
	const char *read[BERTH_SANDBOX_PATHS_MAX];
	/* Beneath these: read, write, create, remove, rename. */
	const char *write[BERTH_SANDBOX_PATHS_MAX];
	enum berth_sandbox_sockets sockets;
	bool holds_secrets; /* no core dump, no ptrace by our own user */
};

struct berth_sandbox_report {
	int landlock_abi; /* 0: the kernel has none */
	bool has_seccomp;
};

/* For good, for this process and what it starts. */
enum berth_err berth_sandbox_enter(const struct berth_sandbox *sandbox,
				   struct berth_sandbox_report *ret,
				   struct berth_why *why) BERTH_MUST;

#endif
