/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the TLS key signs, and nothing else: the key that proves who the server is must not sign a voucher, a certificate
 * or anything a compromised net process makes up outside of a handshake. Pure.
 */
#ifndef BERTH_ROLE_DAEMON_TLS_SHAPE_H
#define BERTH_ROLE_DAEMON_TLS_SHAPE_H

#include "base/bytes.h"

/*
 * BERTH_OK for a TLS 1.3 CertificateVerify of either side (RFC 8446 4.4.3) and a TLS 1.2 ServerKeyExchange with a named
 * curve (RFC 8422 5.4). A TLS 1.2 client's CertificateVerify signs the whole transcript, which has no shape to
 * check: refused, so client certificates need TLS 1.3.
 */
enum berth_err berth_tls_shape_check(struct berth_bytes message, struct berth_why *why) BERTH_MUST;

#endif
