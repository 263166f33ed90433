/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who the gateway is: the device that berth-device onboarded on this host, with a certificate that says OU=gateway. There
 * is no second pledge; what is read here is what berth-device keeps, and it is read again, because that one renews it.
 */
#ifndef BERTH_ROLE_GATEWAY_IDENTITY_H
#define BERTH_ROLE_GATEWAY_IDENTITY_H

#include "pki/keystore/keystore.h"
#include "protocol/brski/pledge.h"

struct berth_gateway_identity {
	struct berth_cert_list chain;
	struct berth_cert_list ca_set; /* of our owner */
	struct berth_key *key;
	struct berth_pledge_candidate registrar; /* where berth-device met it */
};

/* BERTH_E_PENDING: it has no certificate yet. *ret is as it was when it fails. */
enum berth_err berth_gateway_identity_load(struct berth_pki *pki, const char *directory,
					   struct berth_gateway_identity *ret,
					   struct berth_why *why) BERTH_MUST;
void berth_gateway_identity_free(struct berth_gateway_identity *identity);
bool berth_gateway_identity_equal(const struct berth_gateway_identity *a,
				  const struct berth_gateway_identity *b);

#endif
