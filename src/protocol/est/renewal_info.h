/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When to renew a certificate, as its registrar advises (draft-ietf-lamps-est-renewal-info, with the members of
 * RFC 9773): GET /.well-known/est/renewal-info/ID, where ID names the certificate. Our registrar answers also
 * without ID, for the certificate of the TLS connection, and adds two members of its own:
 *
 *	{"suggestedWindow":{"start":"2027-01-02T04:00:00Z","end":"2027-01-03T04:00:00Z"},
 *	 "explanation":"the fleet is re-keyed","now":"2026-11-24T00:00:00Z"}
 *
 * explanation is a sentence for people; now is the registrar's clock, for a device that has none it can rely on. A
 * window that has passed means: at once. Pure, for both sides.
 */
#ifndef BERTH_PROTOCOL_EST_RENEWAL_INFO_H
#define BERTH_PROTOCOL_EST_RENEWAL_INFO_H

#include "base/time.h"
#include "pki/certificate.h"

#define BERTH_EST_RENEWAL_INFO_PATH "/.well-known/est/renewal-info"
#define BERTH_EST_MEDIA_RENEWAL_INFO "application/json"
#define BERTH_RENEWAL_INFO_MAX_BYTES 4096 /* two dates and a sentence */
#define BERTH_RENEWAL_EXPLANATION_MAX 200 /* one line of a log */
#define BERTH_RENEWAL_INFO_ID_MAX                                                                  \
	160 /* a key identifier and a serial number of 48 bytes each, in base64 */

struct berth_renewal_info {
	struct berth_wall start;
	struct berth_wall end;
	bool has_now;
	struct berth_wall now;
	char explanation[BERTH_RENEWAL_EXPLANATION_MAX + 1]; /* printable ASCII; empty: none */
};

/* base64url(key identifier of the AKI) "." base64url(serial number, a DER INTEGER's content); "" when it has no AKI. */
enum berth_err berth_renewal_info_id(const struct berth_cert *cert,
				     char id[BERTH_RENEWAL_INFO_ID_MAX],
				     struct berth_why *why) BERTH_MUST;
enum berth_err berth_renewal_info_build(const struct berth_renewal_info *info,
					struct berth_buf *json, struct berth_why *why) BERTH_MUST;
/* The window must not end before it begins. Unknown members are skipped; explanation is cut and cleaned. */
enum berth_err berth_renewal_info_parse(struct berth_bytes media_type, struct berth_bytes body,
					struct berth_renewal_info *ret,
					struct berth_why *why) BERTH_MUST;

#endif
