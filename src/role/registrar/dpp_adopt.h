/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking a network over from another Configurator: over TCP, as an enrollee that asks to be a Configurator itself, one gets the
 * keys that devices and access points know the network by (protocol/dpp/backup.h). Blocking, for a command line.
 */
#ifndef BERTH_ROLE_REGISTRAR_DPP_ADOPT_H
#define BERTH_ROLE_REGISTRAR_DPP_ADOPT_H

#include "protocol/dpp/backup.h"

#define BERTH_DPP_ADOPT_TIMEOUT_MS 90000 /* a person may have to carry a code to the other */

/*
 * address: "ADDRESS:PORT" or "[ADDRESS]:PORT"; uri: the other's code; show: is told ours, which the other may want to
 * know. UNREACHABLE; DENIED dpp-adopt: it configures us and gives no
 * keys.
 */
enum berth_err berth_dpp_adopt(struct berth_pki *pki, const char *address, struct berth_bytes uri,
			       void (*show)(struct berth_bytes code), struct berth_dpp_backup *ret,
			       struct berth_why *why) BERTH_MUST;

#endif
