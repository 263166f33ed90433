/* SPDX-License-Identifier: BSD-2-Clause */
/* Avahi's idea of an event loop on ours; for dns_sd.c. */
#ifndef BERTH_NET_AVAHI_POLL_H
#define BERTH_NET_AVAHI_POLL_H

#include <avahi-common/watch.h>

#include "net/loop.h"

/* Borrows the loop; copy it where Avahi needs a pointer that lasts. */
AvahiPoll berth_avahi_poll(struct berth_loop *loop);

#endif
