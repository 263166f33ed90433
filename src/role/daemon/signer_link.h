/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The net process's side of the TLS key: berth_signer_link of the keystore over one channel, blocking, because libssl
 * signs within the handshake. Each question has a new id: a late answer never serves the next one.
 */
#ifndef BERTH_ROLE_DAEMON_SIGNER_LINK_H
#define BERTH_ROLE_DAEMON_SIGNER_LINK_H

#include "pki/keystore/keystore.h"

#define BERTH_SIGNER_TIMEOUT_MS 1000 /* a file-backed key answers in 0.1 ms */

struct berth_tls_signer {
	int fd; /* -1: down; handshakes fail until the parent has plumbed a new one */
	uint64_t last_id;
};

/* Takes fd over and closes the one before. */
void berth_tls_signer_set(struct berth_tls_signer *signer, int fd);
/* For struct berth_signer_link; context is the struct berth_tls_signer. */
enum berth_err berth_tls_signer_exchange(void *context, const char *name,
					 struct berth_bytes message, struct berth_buf *signature,
					 struct berth_why *why) BERTH_MUST;

#endif
