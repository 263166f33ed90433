/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EST messages as a client builds and reads them (RFC 7030 with RFC 8951 and RFC 9908): paths, bodies in
 * base64 of either layout, certs-only replies. Pure: no connection, no state.
 */
#ifndef BERTH_PROTOCOL_EST_CLIENT_H
#define BERTH_PROTOCOL_EST_CLIENT_H

#include "base/arena.h"
#include "base/message.h"
#include "pki/certificate.h"
#include "pki/csrattrs.h"

#define BERTH_EST_CACERTS_PATH "/.well-known/est/cacerts"
#define BERTH_EST_CSRATTRS_PATH "/.well-known/est/csrattrs"
#define BERTH_EST_SIMPLEENROLL_PATH "/.well-known/est/simpleenroll"
#define BERTH_EST_SIMPLEREENROLL_PATH "/.well-known/est/simplereenroll"
#define BERTH_EST_MEDIA_PKCS10 "application/pkcs10"
#define BERTH_EST_MEDIA_CERTS "application/pkcs7-mime"
#define BERTH_EST_MEDIA_CSRATTRS "application/csrattrs"

#define BERTH_EST_BODY_MAX_BYTES                                                                   \
	((size_t)64 << 10) /* base64 of a long CA roll-over set takes 16 KiB */
/* RFC 8951 3.1 lets senders choose; some servers read wrapped base64 only, none is known to refuse it. */
#define BERTH_EST_LINE_LENGTH 64

/* The body of simpleenroll: base64 of the request, wrapped. */
enum berth_err berth_est_enroll_body(struct berth_bytes request_der,
				     struct berth_buf *body) BERTH_MUST;
/*
 * A certs-only body (cacerts, simpleenroll): base64 with white space anywhere; the media type may carry
 * parameters. At least one certificate. Appends to list.
 */
enum berth_err berth_est_certs_parse(struct berth_pki *pki, struct berth_bytes media_type,
				     struct berth_bytes body, struct berth_cert_list *list,
				     struct berth_why *why) BERTH_MUST;
/* A csrattrs body. Views in *ret live in arena. An empty body asks for nothing. */
enum berth_err berth_est_csrattrs_parse(struct berth_bytes media_type, struct berth_bytes body,
					struct berth_arena *arena, struct berth_csrattrs *ret,
					struct berth_why *why) BERTH_MUST;
/*
 * What challengePassword says in a request that is linked to its connection (RFC 7030 3.5): tls-unique, with TLS 1.3
 * tls-exporter (RFC 9266), in base64. Empty where TLS told neither.
 */
enum berth_err berth_est_link_text(const struct berth_tls_facts *tls,
				   struct berth_buf *text) BERTH_MUST;
/* media_type is wanted, whatever its parameters and case. */
bool berth_est_media_is(struct berth_bytes media_type, const char *wanted);

#endif
