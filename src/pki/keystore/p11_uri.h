/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of RFC 7512 that names a key here:
 *
 *	pkcs11:token=LABEL;object=LABEL?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/pin
 *
 * module-path and pin-source may also stand before the "?" (as "module=" and "pin-source="). A PIN is
 * only ever taken from a file; pin-value is refused, because URIs stand in configuration and logs.
 */
#ifndef BERTH_PKI_KEYSTORE_P11_URI_H
#define BERTH_PKI_KEYSTORE_P11_URI_H

#include "pki/keystore/keystore.h"

struct berth_p11_uri {
	char module[BERTH_KEY_URI_MAX];
	char token[33];			  /* CK_TOKEN_INFO.label has 32 */
	char object[129];		  /* CKA_LABEL; a longer one has no use */
	char pin_file[BERTH_KEY_URI_MAX]; /* "" : no login */
};
/* rest is what follows "pkcs11:". */
enum berth_err berth_p11_uri_parse(const char *rest, struct berth_p11_uri *ret,
				   struct berth_why *why) BERTH_MUST;

#endif
