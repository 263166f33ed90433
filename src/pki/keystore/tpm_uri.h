/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The name of a key in a TPM 2.0:
 *
 *	tpm:handle=0x81020000			a persistent key
 *	tpm:handle=0x81020000;hierarchy=endorsement	a birth key: a primary, the same again after it was lost
 *	tpm:file=/var/lib/berth-device/k.tpm	a key that the TPM wrapped; only this TPM can use the file
 *	...;tcti=swtpm:host=127.0.0.1,port=2321	which TPM, as tss2-tctildr names it; default: the configured one
 *
 * ";", "%" and what is not printable stand escaped as in RFC 3986 2.1.
 */
#ifndef BERTH_PKI_KEYSTORE_TPM_URI_H
#define BERTH_PKI_KEYSTORE_TPM_URI_H

#include "pki/keystore/keystore.h"

/* TPM 2.0 part 2, 7.2 and the registry of reserved handles: what an owner, and what the platform may keep. */
#define BERTH_TPM_HANDLE_FIRST 0x81000000U
#define BERTH_TPM_HANDLE_PLATFORM 0x81800000U
#define BERTH_TPM_HANDLE_LAST 0x81ffffffU

enum berth_tpm_hierarchy {
	BERTH_TPM_OWNER,       /* a new key below the storage root key */
	BERTH_TPM_ENDORSEMENT, /* a primary: made again after TPM2_Clear it is the same */
	BERTH_TPM_PLATFORM     /* a primary that TPM2_Clear leaves alone */
};

struct berth_tpm_uri {
	uint32_t handle; /* 0: file names it */
	enum berth_tpm_hierarchy hierarchy;
	char file[BERTH_KEY_URI_MAX];
	char tcti[BERTH_KEY_URI_MAX]; /* "": the default */
};

/* rest is what follows "tpm:". */
enum berth_err berth_tpm_uri_parse(const char *rest, struct berth_tpm_uri *ret,
				   struct berth_why *why) BERTH_MUST;
/* The device node that a TCTI opens, "/dev/tpmrm0" of "device:/dev/tpmrm0"; NULL when it opens none. */
const char *berth_tpm_tcti_device(const char *tcti);

#endif
