/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For pki only: what stood above the certificates whose paths held lately. A fleet's certificates have one issuer, and
 * OpenSSL's path building for each of them, which wants the key of each decoded once more, costs as much as the one
 * signature that is new.
 *
 * What is kept is that a path from an issuer to an anchor was built and its signatures held, with exactly these
 * anchors and these certificates to build it from: a fact for ever, as with pki/proof.h. Dates are judged each time, and of the
 * end certificate all is: its issuer (OpenSSL's X509_check_issued), signature, dates, critical extensions, strength. What
 * is not plain (a CA, a proxy, RSA, constraints on names or addresses anywhere, another list of certificates) or does not
 * hold is left to OpenSSL, whose verdict it then is: nothing is accepted that it would refuse, and nothing is refused here.
 */
#ifndef BERTH_PKI_PATH_KEPT_H
#define BERTH_PKI_PATH_KEPT_H

#include "pki/certificate.h"

#define BERTH_PATHS_KEPT 16 /* manufacturers' and owners' issuing CAs in use at one time */

struct berth_path_kept {
	struct berth_cert_list anchors;
	struct berth_cert_list beside; /* what came with the end certificate, without it */
	struct berth_cert_list
		above; /* its issuer first, the anchor last; n is 0: nothing is kept */
};

/* check->anchors is not looked at, anchors is. The path above the leaf, valid until the next path is kept; NULL: ask OpenSSL. */
const struct berth_cert_list *berth_path_known(struct berth_pki *pki,
					       const struct berth_path_check *check,
					       const struct berth_cert_list *anchors);
/* path: of check, leaf first, which OpenSSL found to hold. */
void berth_path_keep(struct berth_pki *pki, const struct berth_path_check *check,
		     const struct berth_cert_list *anchors, const struct berth_cert_list *path);
void berth_path_forget(struct berth_path_kept *kept);

#endif
