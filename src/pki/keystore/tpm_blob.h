/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A key that a TPM wrapped, as a file: "TSS2 PRIVATE KEY" in PEM, which tpm2-tools and OpenSSL's TPM providers read and
 * write too (TPMKey of the TPM 2.0 key files convention, OID 2.23.133.10.1.3). What is in it is public or encrypted by the
 * TPM; both parts stay bytes here, the TPM's library gives them meaning.
 */
#ifndef BERTH_PKI_KEYSTORE_TPM_BLOB_H
#define BERTH_PKI_KEYSTORE_TPM_BLOB_H

#include "pki/key.h"

/* The owner hierarchy as parent: its storage root key is made from the standard template when it is needed. */
#define BERTH_TPM_PARENT_OWNER 0x40000001U
#define BERTH_TPM_BLOB_PART_MAX 1024 /* P-521 takes 160 and 260 */

struct berth_tpm_blob {
	uint32_t parent; /* BERTH_TPM_PARENT_OWNER or a persistent handle */
	size_t public_n;
	size_t private_n;
	uint8_t public[BERTH_TPM_BLOB_PART_MAX];  /* TPM2B_PUBLIC */
	uint8_t private[BERTH_TPM_BLOB_PART_MAX]; /* TPM2B_PRIVATE */
};

enum berth_err berth_tpm_blob_parse(struct berth_bytes pem, struct berth_tpm_blob *ret,
				    struct berth_why *why) BERTH_MUST;
enum berth_err berth_tpm_blob_encode(const struct berth_tpm_blob *blob, struct berth_buf *pem,
				     struct berth_why *why) BERTH_MUST;

#endif
