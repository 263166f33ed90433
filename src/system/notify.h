/* SPDX-License-Identifier: BSD-2-Clause */
/* Telling systemd (sd_notify(3)'s protocol, without its library). */
#ifndef BERTH_SYSTEM_NOTIFY_H
#define BERTH_SYSTEM_NOTIFY_H

#include "base/err.h"

/* state: "READY=1", "STOPPING=1" ... Does nothing, successfully, where NOTIFY_SOCKET is not set. */
enum berth_err berth_notify(const char *state, struct berth_why *why) BERTH_MUST;

#endif
