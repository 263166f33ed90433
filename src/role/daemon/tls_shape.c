/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/daemon/tls_shape.h"

#include "base/cursor.h"

#define PAD_BYTES 64
#define RANDOM_BYTES 32
#define NAMED_CURVE 3

static const struct {
	uint16_t id;
	uint8_t point_bytes;
} curves[] = {
	{23, 65},  /* secp256r1 */
	{24, 97},  /* secp384r1 */
	{25, 133}, /* secp521r1 */
	{29, 32},  /* x25519 */
	{30, 56},  /* x448 */
};

static bool
is_certificate_verify(struct berth_bytes message, struct berth_bytes context)
{
	struct berth_cursor c = berth_cursor(message);
	struct berth_bytes pad = berth_cursor_take(&c, PAD_BYTES);
	struct berth_bytes label = berth_cursor_take(&c, context.n);
	uint8_t separator = berth_cursor_u8(&c);
	size_t hash = berth_cursor_left(&c);
	if (c.err || separator != 0 || !berth_bytes_equal(label, context)) {
		return false;
	}
	for (size_t i = 0; i < pad.n; i++) {
		if (pad.p[i] != 0x20) {
			return false;
		}
	}
	return hash == 32 || hash == 48; /* SHA-256 and SHA-384, all that TLS 1.3's suites use */
}

static bool
is_server_key_exchange(struct berth_bytes message)
{
	struct berth_cursor c = berth_cursor(message);
	(void)berth_cursor_take(&c, RANDOM_BYTES);
	(void)berth_cursor_take(&c, RANDOM_BYTES);
	uint8_t type = berth_cursor_u8(&c);
	uint16_t curve = berth_cursor_u16(&c);
	uint8_t n = berth_cursor_u8(&c);
	if (c.err || type != NAMED_CURVE || berth_cursor_left(&c) != n) {
		return false;
	}
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (curves[i].id == curve) {
			return curves[i].point_bytes == n;
		}
	}
	return false;
}

enum berth_err
berth_tls_shape_check(struct berth_bytes message, struct berth_why *why)
{
	if (is_certificate_verify(message, BERTH_LIT("TLS 1.3, server CertificateVerify")) ||
	    is_certificate_verify(message, BERTH_LIT("TLS 1.3, client CertificateVerify")) ||
	    is_server_key_exchange(message)) {
		return BERTH_OK;
	}
	return berth_fail(why, BERTH_E_DENIED, "tls-signer-shape", "RFC 8446 4.4.3",
			  "this is not what a TLS handshake signs");
}
