/* SPDX-License-Identifier: BSD-2-Clause */
/* Tells when a network interface gains or loses its carrier (RTM_NEWLINK, IFF_RUNNING). */
#ifndef BERTH_NET_LINK_H
#define BERTH_NET_LINK_H

#include "net/loop.h"

#define BERTH_LINKS_MAX 64 /* interfaces that are told apart; a device has a few */

struct berth_link_watch;

/* changed: called once for every change; not for the state found at the start, and not for the loopback. */
enum berth_err berth_link_watch_open(struct berth_loop *loop,
				     void (*changed)(void *context, bool is_running), void *context,
				     struct berth_link_watch **ret,
				     struct berth_why *why) BERTH_MUST;
void berth_link_watch_close(struct berth_link_watch *watch); /* NULL is fine */

#endif
