/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting ourselves again as a child, and giving up privilege. */
#ifndef BERTH_SYSTEM_PROCESS_H
#define BERTH_SYSTEM_PROCESS_H

#include <sys/types.h>

#include "base/err.h"

#define BERTH_PROCESS_CHANNEL_FD 3 /* where a child finds its end of the channel to its parent */

/*
 * Runs this very program again (/proc/self/exe) with argv (ended by NULL), channel_fd as descriptor
 * BERTH_PROCESS_CHANNEL_FD and nothing else inherited but standard input (/dev/null), output and
 * error. The child gets SIGKILL when the parent dies. *ret_pidfd: readable when the child has
 * ended.
 */
enum berth_err berth_process_spawn(char *const argv[], int channel_fd, pid_t *ret_pid,
				   int *ret_pidfd, struct berth_why *why) BERTH_MUST;
/* The same of another program, by its path, with no channel and otherwise as above. */
enum berth_err berth_process_start(const char *program, char *const argv[], pid_t *ret_pid,
				   int *ret_pidfd, struct berth_why *why) BERTH_MUST;
/* How it ended: 0..255 exit status, 256 + signal. BERTH_E_PENDING while it runs. */
enum berth_err berth_process_reap(pid_t pid, int *ret_status) BERTH_MUST;
/* Becomes user (name), its groups included; nothing when we are that user already. For good. */
enum berth_err berth_process_become(const char *user, struct berth_why *why) BERTH_MUST;
size_t berth_process_cores(void);
/* How many descriptors we may have open, after the soft limit was raised to the hard one. */
size_t berth_process_descriptors(void);

#endif
