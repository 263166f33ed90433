/* SPDX-License-Identifier: BSD-2-Clause */
/* For net only: libevent behind the loop, borrowed. */
#ifndef BERTH_NET_LOOP_EVENT_H
#define BERTH_NET_LOOP_EVENT_H

#include <event2/dns.h>
#include <event2/event.h>

#include "net/loop.h"

struct event_base *berth_loop_base(struct berth_loop *loop);
/*
 * The resolver, made at the first call: reads resolv.conf and hosts then, so a process that will be sandboxed asks
 * once before (berth_loop_prepare_names).
 */
struct evdns_base *berth_loop_dns(struct berth_loop *loop);
/* Unique for this loop: connections are told apart by it. */
uint64_t berth_loop_number(struct berth_loop *loop);
struct timeval berth_timeval(int64_t ms);

#endif
