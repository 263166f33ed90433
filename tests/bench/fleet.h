/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fleet that onboarded a while ago, written straight into a registrar's store before its daemon starts: for each device the
 * record, the manifest's line, the voucher step with a voucher that the MASA's key signed for it, the used permission, and a
 * certificate that the issuing CA's key signed. Simulated: the devices share FLEET_KEYS keys, the requests of the voucher
 * step are one device's, the steps are as new as the MASA's certificate, and the audit log knows nothing of them.
 */
#ifndef BERTH_TESTS_BENCH_FLEET_H
#define BERTH_TESTS_BENCH_FLEET_H

#include "bench/bench.h"

#define FLEET_KEYS 64

struct fleet {
	struct berth_pki *pki;
	struct berth_cert_list issuing; /* what stands above a device's certificate */
	struct berth_key *keys[FLEET_KEYS];
	struct berth_buf *certs; /* DER */
	size_t count;
};

struct fleet_places {
	const char *store; /* made by "berth registrar init"; no daemon runs */
	const char *home;  /* the registrar's folder */
	const char *acme;  /* the manufacturer's */
	const char *units; /* with one unit, PREFIX1 */
	const char *prefix;
	const char *keys; /* where keys are made */
};

void fleet_make(struct berth_pki *pki, const struct fleet_places *places, size_t count,
		struct fleet *ret);
void fleet_free(struct fleet *fleet);
/* The chain that a device shows; the caller frees it. */
void fleet_chain(const struct fleet *fleet, size_t device, struct berth_cert_list *ret);
struct berth_key *fleet_key(const struct fleet *fleet, size_t device);

#endif
