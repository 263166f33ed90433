/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BERTH_PKI_KEYSTORE_PKCS11_H
#define BERTH_PKI_KEYSTORE_PKCS11_H

#include "pki/pki.h"

/* Leaves the modules that this library opened; after every key of a token is freed. */
void berth_p11_close(struct berth_pki *pki);

#endif
