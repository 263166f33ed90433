/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Giving a network away to another Configurator: over TCP, once, to who is authenticated mutually; a person carries both codes.
 * Blocking, for a command line.
 */
#ifndef BERTH_ROLE_REGISTRAR_DPP_HAND_OVER_H
#define BERTH_ROLE_REGISTRAR_DPP_HAND_OVER_H

#include "protocol/dpp/backup.h"

#define BERTH_DPP_HAND_OVER_TIMEOUT_MS 300000 /* a person goes from one machine to the other */

struct berth_dpp_hand_over {
	const char *listen; /* "ADDRESS:PORT" */
	const struct berth_dpp_backup *backup;
	void (*listening)(unsigned port);
	void (*show)(struct berth_bytes code); /* ours, to be carried to the other */
	/* The other's, with its white space; false: there is none. */
	bool (*ask)(char *code, size_t cap);
};
/* OK: the other said that it took them. DENIED dpp-hand-over: it wants to be something else, or refused. */
enum berth_err berth_dpp_hand_over(struct berth_pki *pki, const struct berth_dpp_hand_over *how,
				   struct berth_why *why) BERTH_MUST;

#endif
