/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world of its own for a run on this machine: new network, mount, process and IPC namespaces, with
 * an empty /run. Without root a user namespace is made first, in which the caller is root; where the kernel or a
 * chroot refuses that, it must be run as root. All processes of the world end with it.
 */
#ifndef BERTH_SYSTEM_NAMESPACE_H
#define BERTH_SYSTEM_NAMESPACE_H

#include "base/err.h"

/*
 * Runs body in a new world and waits. *ret_status is what body returned (0..255), 128 + n when signal n ended it.
 * Descriptors stay open across it. Errors: DENIED when the kernel does not allow namespaces.
 */
enum berth_err berth_namespace_run(int (*body)(void *context), void *context, int *ret_status,
				   struct berth_why *why) BERTH_MUST;

#endif
