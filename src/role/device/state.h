/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the device remembers: STATE/state.json, replaced as a whole and durably before anything that depends on it
 * happens. So the power may go at any moment:
 *
 *	unconfigured          no certificate; keys listed as pending were made and not used: deleted at start
 *	enrolled              a key, its certificate, the owner's CA set, and who issued it; has_told once
 *			      the registrar has heard of it with the new certificate
 *
 * The certificate and the CA set stand beside it as PEM (ldevid.pem, owner-ca.pem) for other programs; they are written
 * after the state and made again from it at every start. No secret is in any of these files.
 */
#ifndef BERTH_ROLE_DEVICE_STATE_H
#define BERTH_ROLE_DEVICE_STATE_H

#include "pki/certificate.h"
#include "pki/keystore/keystore.h"
#include "protocol/brski/pledge.h"

#define BERTH_DEVICE_PENDING_MAX 8 /* keys whose fate the power cut short */
#define BERTH_DEVICE_STATE_MAX_BYTES ((size_t)256 << 10)

struct berth_device_state {
	bool is_enrolled;
	bool has_told;
	char key[BERTH_KEY_URI_MAX]; /* empty: none */
	struct berth_cert_list chain;
	struct berth_cert_list ca_set;
	struct berth_cert *registrar;
	struct berth_cert *pinned;
	struct berth_pledge_candidate candidate; /* where the registrar was met */
	uint8_t domain_id[32];
	size_t domain_id_bytes;
	bool has_enrolled_at; /* only with a clock that can be trusted */
	struct berth_wall enrolled_at;
	char pending[BERTH_DEVICE_PENDING_MAX][BERTH_KEY_URI_MAX];
	size_t pending_count;
};

void berth_device_state_free(struct berth_device_state *state);
#define BERTH_DEVICE_STATE BERTH_CLEANUP(berth_device_state_free) struct berth_device_state

/* A copy that shares the certificates. */
enum berth_err berth_device_state_copy(const struct berth_device_state *from,
				       struct berth_device_state *ret,
				       struct berth_why *why) BERTH_MUST;
/* uri becomes the key and is pending no more; the key before it is pending instead: to be deleted. Saves nothing. */
void berth_device_state_take_key(struct berth_device_state *state, const char *uri);

/* No file: unconfigured. A file that does not parse is an error: the device must not onboard over it. */
enum berth_err berth_device_state_load(struct berth_pki *pki, const char *directory,
				       struct berth_device_state *ret,
				       struct berth_why *why) BERTH_MUST;
/* Durable before it returns. */
enum berth_err berth_device_state_save(const char *directory,
				       const struct berth_device_state *state,
				       struct berth_why *why) BERTH_MUST;
/* ldevid.pem and owner-ca.pem as state says; removed when unconfigured. */
enum berth_err berth_device_state_publish(const char *directory,
					  const struct berth_device_state *state,
					  struct berth_why *why) BERTH_MUST;

/* The JSON text alone, both ways; for tests and fuzzing. */
enum berth_err berth_device_state_encode(const struct berth_device_state *state,
					 struct berth_buf *json, struct berth_why *why) BERTH_MUST;
enum berth_err berth_device_state_read(struct berth_pki *pki, struct berth_bytes json,
				       struct berth_device_state *ret,
				       struct berth_why *why) BERTH_MUST;

/* Notes a key before it is made, and forgets it after it is gone; both save. */
enum berth_err berth_device_state_intend_key(const char *directory,
					     struct berth_device_state *state, const char *uri,
					     struct berth_why *why) BERTH_MUST;
/* Deletes the key from its keystore and takes it off the list. */
enum berth_err berth_device_state_drop_key(struct berth_pki *pki, const char *directory,
					   struct berth_device_state *state, const char *uri,
					   struct berth_why *why) BERTH_MUST;
/*
 * Deletes every pending key and every half-written file: what a power cut left behind. How many keys in *ret_count.
 * Only under the lock.
 */
enum berth_err berth_device_state_tidy(struct berth_pki *pki, const char *directory,
				       struct berth_device_state *state, size_t *ret_count,
				       struct berth_why *why) BERTH_MUST;
/*
 * Back to unconfigured: first the state says so (and that the key must go), then the key and the certificate go. A reset
 * that the power cuts short is finished by the next start.
 */
enum berth_err berth_device_state_reset(struct berth_pki *pki, const char *directory,
					struct berth_device_state *state,
					struct berth_why *why) BERTH_MUST;

#endif
