/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "role/daemon/tls_shape.h"

#define SERVER "TLS 1.3, server CertificateVerify"
#define CLIENT "TLS 1.3, client CertificateVerify"

struct message {
	uint8_t bytes[256];
	size_t n;
};

static struct message
certificate_verify(const char *label, size_t hash)
{
	struct message m;
	memset(m.bytes, 0x20, 64);
	m.n = 64 + strlen(label) + 1;
	memcpy(m.bytes + 64, label, strlen(label) + 1);
	memset(m.bytes + m.n, 0xab, hash);
	m.n += hash;
	return m;
}

static struct message
key_exchange(uint8_t type, uint16_t curve, uint8_t said, size_t point)
{
	struct message m = {.n = 68 + point};
	memset(m.bytes, 0x5a, sizeof(m.bytes));
	m.bytes[64] = type;
	m.bytes[65] = (uint8_t)(curve >> 8);
	m.bytes[66] = (uint8_t)curve;
	m.bytes[67] = said;
	return m;
}

static enum berth_err
check(struct message m)
{
	struct berth_why why;
	return berth_tls_shape_check(berth_bytes_of(m.bytes, m.n), &why);
}

static void
signs_handshakes(void **state)
{
	(void)state;
	assert_int_equal(check(certificate_verify(SERVER, 32)), BERTH_OK);
	assert_int_equal(check(certificate_verify(SERVER, 48)), BERTH_OK);
	assert_int_equal(check(certificate_verify(CLIENT, 32)), BERTH_OK);
	assert_int_equal(check(key_exchange(3, 23, 65, 65)), BERTH_OK);
	assert_int_equal(check(key_exchange(3, 24, 97, 97)), BERTH_OK);
	assert_int_equal(check(key_exchange(3, 29, 32, 32)), BERTH_OK);
}

static void
refuses_other_certificate_verify(void **state)
{
	(void)state;
	assert_int_equal(check(certificate_verify(SERVER, 0)), BERTH_E_DENIED);
	assert_int_equal(check(certificate_verify(SERVER, 31)), BERTH_E_DENIED);
	assert_int_equal(check(certificate_verify(SERVER, 33)), BERTH_E_DENIED);
	assert_int_equal(check(certificate_verify("TLS 1.3, server CertificateVerif", 32)),
			 BERTH_E_DENIED);
	assert_int_equal(check(certificate_verify("TLS 1.4, server CertificateVerify", 32)),
			 BERTH_E_DENIED);
	struct message m = certificate_verify(SERVER, 32);
	m.bytes[63] = 0x21;
	assert_int_equal(check(m), BERTH_E_DENIED);
	m = certificate_verify(SERVER, 32);
	m.bytes[64 + strlen(SERVER)] = 1;
	assert_int_equal(check(m), BERTH_E_DENIED);
}

static void
refuses_other_key_exchange(void **state)
{
	(void)state;
	assert_int_equal(check(key_exchange(1, 23, 65, 65)), BERTH_E_DENIED); /* explicit curve */
	assert_int_equal(check(key_exchange(3, 23, 65, 64)), BERTH_E_DENIED);
	assert_int_equal(check(key_exchange(3, 23, 65, 66)), BERTH_E_DENIED);
	assert_int_equal(check(key_exchange(3, 23, 32, 32)), BERTH_E_DENIED);
	assert_int_equal(check(key_exchange(3, 99, 65, 65)), BERTH_E_DENIED);
}

static void
refuses_everything_else(void **state)
{
	(void)state;
	struct berth_why why;
	/* a digest, a certificate's or a voucher's beginning, nothing */
	static const uint8_t digest[32] = {1, 2, 3};
	assert_int_equal(berth_tls_shape_check(berth_bytes_of(digest, 32), &why), BERTH_E_DENIED);
	assert_string_equal(why.rule, "tls-signer-shape");
	assert_int_equal(berth_tls_shape_check(BERTH_BYTES_NONE, &why), BERTH_E_DENIED);
	assert_int_equal(berth_tls_shape_check(BERTH_LIT("{\"ietf-voucher:voucher\":{}}"), &why),
			 BERTH_E_DENIED);
	uint8_t tbs[600];
	memset(tbs, 0x30, sizeof(tbs));
	assert_int_equal(berth_tls_shape_check(berth_bytes_of(tbs, sizeof(tbs)), &why),
			 BERTH_E_DENIED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_handshakes),
		cmocka_unit_test(refuses_other_certificate_verify),
		cmocka_unit_test(refuses_other_key_exchange),
		cmocka_unit_test(refuses_everything_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
