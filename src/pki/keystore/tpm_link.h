/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One visit to a TPM: connect, do, flush what was loaded, leave. Nothing is kept between visits: a TPM has three slots for
 * loaded keys, a simulator takes one client at a time, and what a restarted TPM forgot need not be cleared up here. A visit
 * that the TPM broke off is made once more from its beginning.
 */
#ifndef BERTH_PKI_KEYSTORE_TPM_LINK_H
#define BERTH_PKI_KEYSTORE_TPM_LINK_H

#include <tss2/tss2_esys.h>

#include "base/err.h"

#define BERTH_TPM_LOADED_MAX 3 /* a storage root key, a key, and one to spare */

/* Of our own, in no TPM's range: another key is at the handle than the one that was loaded. */
#define BERTH_TPM_RC_EXCHANGED (TSS2_ESAPI_RC_LAYER | 0xbe01U)

struct berth_tpm {
	ESYS_CONTEXT *esys;
	ESYS_TR loaded[BERTH_TPM_LOADED_MAX];
	size_t loaded_n;
};

/* Flushed at the end of the visit. */
void berth_tpm_note_loaded(struct berth_tpm *tpm, ESYS_TR object);

struct berth_tpm_visit {
	const char *tcti;
	const char *purpose; /* "sign": for the sentence "The TPM cannot sign" */
	TSS2_RC (*run)(struct berth_tpm *tpm, void *context);
	void *context; /* what run leaves there is from its last, whole, attempt */
};
/*
 * UNREACHABLE (also after the second attempt), NOT_FOUND (no key at that handle), EXISTS (there is one), DENIED (the TPM
 * wants a password or is locked), LIMIT (no room), CRYPTO.
 */
enum berth_err berth_tpm_visit(const struct berth_tpm_visit *visit,
			       struct berth_why *why) BERTH_MUST;

#endif
