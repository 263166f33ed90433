/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * berth-gateway: the join proxy of RFC 8995 4.1, an unprivileged process that relays devices' TCP connections to the
 * registrar and to nothing else. It announces itself on the devices' interfaces only, and only while a registrar is known;
 * registrars are looked for on the other side only, so that a device cannot put itself in their place.
 */
#ifndef BERTH_ROLE_GATEWAY_H
#define BERTH_ROLE_GATEWAY_H

#include "role/gateway/conf.h"

/* Until SIGTERM or SIGINT. */
enum berth_err berth_gateway_run(const struct berth_gateway_conf *conf,
				 struct berth_why *why) BERTH_MUST;
/* The program: --config FILE, --check-config, --version, --help. Exit status. */
int berth_gateway_main(int argc, char **argv);

#endif
