/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: bench-crypto [--repeat=N]
 *
 * The crypto floor: milliseconds of the asymmetric operations that the specification forces on one onboarding, on keys that
 * are parsed already and contexts that are set up already. P-256 and X25519, as Berth uses by default.
 *
 * The registrar, nothing cached but the issuing CA of the device's manufacturer and the connection to the MASA:
 *	two TLS 1.3 handshakes as server	2 X25519 key generations, 2 agreements
 *	  CertificateVerify, ours		2 signatures
 *	  CertificateVerify, the device's	2 verifications (IDevID, then LDevID)
 *	the IDevID's certificate		1 verification (RFC 8995 5.1)
 *	the pledge's voucher-request		1 verification (RFC 8995 5.3)
 *	the registrar's voucher-request		1 signature (RFC 8995 5.5)
 *	the request for the LDevID		1 verification, proof of possession (RFC 7030 4.2.1)
 *	the LDevID				1 signature
 * Not counted, since nothing forces them: verifying the voucher (RFC 8995 5.6: MAY), the LDevID's own
 * certificate (it is the one we issued, byte for byte), the device's CA (seen before).
 *
 * The MASA, on a kept connection:
 *	the registrar's voucher-request		1 verification (RFC 8995 5.5.2)
 *	the registrar's certificate		1 verification (RFC 8995 5.5.3)
 *	the pledge's voucher-request in it	1 verification (RFC 8995 5.5.5)
 *	the IDevID's certificate		1 verification
 *	the voucher				1 signature (RFC 8995 5.6)
 * The audit log's request is the same signed bytes, so it needs no new verification.
 *
 * On a fresh connection to the MASA one more handshake as server: 1 signature, 1 verification (the registrar's), 1 agreement.
 * Of the registrar on connections that are there already, the two handshakes are missing. simpleenroll alone, on such a
 * connection: 1 verification (proof of possession), 1 signature (the LDevID). simplereenroll: 1 verification more, of the
 * certificate on the connection (RFC 7030 3.3.2), which is another one for each device.
 */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "bench/bench.h"

#define DIGEST_BYTES 32
#define SIGNATURE_MAX 128

struct keys {
	EVP_PKEY *ec, *peer;
	EVP_PKEY_CTX *sign, *verify, *generate;
	uint8_t digest[DIGEST_BYTES];
	uint8_t signature[SIGNATURE_MAX];
	size_t signature_bytes;
};

static void
need(bool is_fine)
{
	if (!is_fine) {
		bench_die("bench-crypto: an operation of OpenSSL failed");
	}
}

static void
sign(struct keys *keys)
{
	keys->signature_bytes = sizeof(keys->signature);
	need(EVP_PKEY_sign(keys->sign, keys->signature, &keys->signature_bytes, keys->digest,
			   sizeof(keys->digest)) == 1);
}

static void
verify(struct keys *keys)
{
	need(EVP_PKEY_verify(keys->verify, keys->signature, keys->signature_bytes, keys->digest,
			     sizeof(keys->digest)) == 1);
}

/* A server's half of X25519: a fresh key, and the secret shared with the client's. */
static void
agree(struct keys *keys)
{
	EVP_PKEY *own = NULL;
	uint8_t secret[64];
	size_t n = sizeof(secret);
	need(EVP_PKEY_keygen(keys->generate, &own) == 1);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	need(context && EVP_PKEY_derive_init(context) == 1 &&
	     EVP_PKEY_derive_set_peer_ex(context, keys->peer, 0) == 1 &&
	     EVP_PKEY_derive(context, secret, &n) == 1);
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(own);
}

static void
open_keys(struct keys *keys)
{
	*keys = (struct keys){.ec = EVP_EC_gen("P-256"),
			      .peer = EVP_PKEY_Q_keygen(NULL, NULL, "X25519"),
			      .generate = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL)};
	need(keys->ec && keys->peer && keys->generate);
	keys->sign = EVP_PKEY_CTX_new_from_pkey(NULL, keys->ec, NULL);
	keys->verify = EVP_PKEY_CTX_new_from_pkey(NULL, keys->ec, NULL);
	need(keys->sign && keys->verify && EVP_PKEY_sign_init(keys->sign) == 1 &&
	     EVP_PKEY_verify_init(keys->verify) == 1 && EVP_PKEY_keygen_init(keys->generate) == 1);
	for (size_t i = 0; i < sizeof(keys->digest); i++) {
		keys->digest[i] = (uint8_t)i;
	}
	sign(keys);
}

static void
close_keys(struct keys *keys)
{
	EVP_PKEY_CTX_free(keys->sign);
	EVP_PKEY_CTX_free(keys->verify);
	EVP_PKEY_CTX_free(keys->generate);
	EVP_PKEY_free(keys->ec);
	EVP_PKEY_free(keys->peer);
}

static double
time_ms(struct keys *keys, size_t repeat, void (*operation)(struct keys *keys))
{
	double began = bench_cpu_s();
	for (size_t i = 0; i < repeat; i++) {
		operation(keys);
	}
	return (bench_cpu_s() - began) * 1e3 / (double)repeat;
}

int
main(int argc, char **argv)
{
	size_t repeat = bench_number(argc, argv, "repeat", "2000");
	struct keys keys;
	open_keys(&keys);
	double signing = time_ms(&keys, repeat, sign);
	double verifying = time_ms(&keys, repeat, verify);
	double agreeing = time_ms(&keys, repeat, agree);
	close_keys(&keys);
	double handshake = signing + verifying + agreeing;
	double registrar_kept = 2 * signing + 3 * verifying;
	double masa_kept = signing + 4 * verifying;
	(void)printf("{\"registrar_ms\": %.6f, \"registrar_kept_ms\": %.6f, \"enrol_ms\": %.6f, "
		     "\"renew_ms\": %.6f, \"masa_ms\": %.6f, \"masa_fresh_ms\": %.6f, "
		     "\"sign_ms\": %.6f, \"verify_ms\": %.6f, \"agree_ms\": %.6f}\n",
		     registrar_kept + 2 * handshake, registrar_kept, signing + verifying,
		     signing + 2 * verifying, masa_kept, masa_kept + handshake, signing, verifying,
		     agreeing);
	return 0;
}
