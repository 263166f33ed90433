/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BERTH_ROLE_GATEWAY_LISTEN_H
#define BERTH_ROLE_GATEWAY_LISTEN_H

#include "base/err.h"

/* A listening socket of both families that this interface alone can reach. *ret_port: the port bound. */
enum berth_err berth_gateway_listen(const char *interface, uint16_t port, int *ret_fd,
				    uint16_t *ret_port, struct berth_why *why) BERTH_MUST;

#endif
