/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/password.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/base64.h"
#include "base/secret.h"
#include "pki/library.h"

#define BLOCK_SIZE 8 /* r: what every machine does well (RFC 7914 2) */
#define PARALLEL 1   /* p */
#define COST_MIN 10  /* less would be quick to guess */
#define PREFIX "$scrypt$ln="
#define PARAMETERS ",r=8,p=1$"

static enum berth_err
fail_syntax(struct berth_why *why)
{
	return berth_fail(
		why, BERTH_E_SYNTAX, "password-form", "RFC 7914",
		"the password is not of the form $scrypt$ln=14,r=8,p=1$SALT$HASH; make it "
		"with \"berth registrar est-user\"");
}

static bool
take_text(struct berth_bytes *rest, const char *text)
{
	size_t n = strlen(text);
	if (!berth_bytes_starts_with(*rest, text))
		return false;
	*rest = berth_bytes_of(rest->p + n, rest->n - n);
	return true;
}

static bool
take_cost(struct berth_bytes *rest, unsigned *ret)
{
	*ret = 0;
	for (int i = 0; i < 2; i++) {
		if (rest->n == 0 || rest->p[0] < '0' || rest->p[0] > '9')
			return false;
		*ret = *ret * 10 + (unsigned)(rest->p[0] - '0');
		*rest = berth_bytes_of(rest->p + 1, rest->n - 1);
	}
	return *ret >= COST_MIN && *ret <= BERTH_PASSWORD_COST_MAX;
}

static bool
take_base64(struct berth_bytes text, uint8_t *out, size_t n)
{
	BERTH_BUF bytes = {.limit = BERTH_PASSWORD_TEXT_MAX};
	if (berth_base64_decode(text, false, &bytes, NULL) || bytes.n != n)
		return false;
	memcpy(out, bytes.p, n);
	return true;
}

enum berth_err
berth_password_parse(struct berth_bytes text, struct berth_password *ret, struct berth_why *why)
{
	struct berth_bytes rest = text;
	struct berth_password read = {0};
	if (text.n > BERTH_PASSWORD_TEXT_MAX || !take_text(&rest, PREFIX) ||
	    !take_cost(&rest, &read.cost) || !take_text(&rest, PARAMETERS))
		return fail_syntax(why);
	const uint8_t *mark = rest.n == 0 ? NULL : memchr(rest.p, '$', rest.n);
	if (mark == NULL)
		return fail_syntax(why);
	size_t n = (size_t)(mark - rest.p);
	if (!take_base64(berth_bytes_of(rest.p, n), read.salt, sizeof(read.salt)) ||
	    !take_base64(berth_bytes_of(mark + 1, rest.n - n - 1), read.hash, sizeof(read.hash)))
		return fail_syntax(why);
	*ret = read;
	return BERTH_OK;
}

static enum berth_err
derive(struct berth_pki *pki, const struct berth_password *how, struct berth_bytes password,
       uint8_t out[BERTH_PASSWORD_HASH_BYTES], struct berth_why *why)
{
	uint64_t n = (uint64_t)1 << how->cost;
	uint64_t memory = n * 128 * BLOCK_SIZE + ((uint64_t)1 << 20);
	uint32_t r = BLOCK_SIZE;
	uint32_t p = PARALLEL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_PASSWORD, (void *)(uintptr_t)password.p,
					password.n),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)how->salt,
					sizeof(how->salt)),
		OSSL_PARAM_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
		OSSL_PARAM_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
		OSSL_PARAM_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
		OSSL_PARAM_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
		OSSL_PARAM_END,
	};
	EVP_KDF *kdf = EVP_KDF_fetch(pki->libctx, "SCRYPT", NULL);
	EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	bool done = ctx != NULL && EVP_KDF_derive(ctx, out, BERTH_PASSWORD_HASH_BYTES, params) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return done ? BERTH_OK
		    : berth_ossl_fail(why, BERTH_E_CRYPTO, "password-hash", "RFC 7914",
				      "The password cannot be hashed");
}

enum berth_err
berth_password_make(struct berth_pki *pki, struct berth_bytes password, struct berth_buf *text,
		    struct berth_why *why)
{
	struct berth_password made = {.cost = BERTH_PASSWORD_COST};
	struct berth_random random = berth_pki_random(pki);
	if (password.n < BERTH_PASSWORD_MIN_BYTES || password.n > BERTH_PASSWORD_MAX_BYTES)
		return berth_fail(why, BERTH_E_USAGE, "password-length", NULL,
				  "a password has %d to %d bytes", BERTH_PASSWORD_MIN_BYTES,
				  BERTH_PASSWORD_MAX_BYTES);
	berth_random_fill(&random, made.salt, sizeof(made.salt));
	enum berth_err err = derive(pki, &made, password, made.hash, why);
	if (err)
		return err;
	err = berth_buf_printf(text, PREFIX "%u" PARAMETERS, made.cost);
	err = err ? err
		  : berth_base64_encode(berth_bytes_of(made.salt, sizeof(made.salt)), 0, text);
	err = err ? err : berth_buf_append_text(text, "$");
	err = err ? err
		  : berth_base64_encode(berth_bytes_of(made.hash, sizeof(made.hash)), 0, text);
	return err ? berth_fail(why, err, "memory", NULL, "out of memory") : BERTH_OK;
}

enum berth_err
berth_password_check(struct berth_pki *pki, const struct berth_password *known,
		     struct berth_bytes password, struct berth_why *why)
{
	uint8_t hash[BERTH_PASSWORD_HASH_BYTES];
	enum berth_err err = derive(pki, known, password, hash, why);
	if (err)
		return err;
	bool is_right =
		berth_bytes_equal_secretly(berth_bytes_of(hash, sizeof(hash)),
					   berth_bytes_of(known->hash, sizeof(known->hash)));
	berth_wipe(hash, sizeof(hash));
	return is_right ? BERTH_OK
			: berth_fail(why, BERTH_E_UNTRUSTED, "password-wrong", NULL,
				     "that is not the password");
}
