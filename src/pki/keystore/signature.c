/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ECDSA of the keystore provider. The message is collected whole and handed to the key's backend in
 * one piece, so that another process can look at what it is asked to sign.
 */
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include "pki/keystore/private.h"
#include "pki/keystore/provider.h"

#define MESSAGE_MAX_BYTES ((size_t)1 << 20) /* a CMS of 64 KiB is the largest thing signed here */

struct sign {
	struct berth_private *private;
	const char *digest; /* "SHA256" ...; static storage */
	struct berth_buf message;
};

static void *
sign_new(void *provider_context, const char *properties)
{
	(void)provider_context;
	(void)properties;
	return calloc(1, sizeof(struct sign));
}

static void
sign_free(void *context)
{
	struct sign *sign = context;

	if (sign == NULL)
		return;
	berth_private_free(sign->private);
	berth_buf_free(&sign->message);
	free(sign);
}

static void *
sign_dup(void *context)
{
	const struct sign *from = context;
	struct sign *copy = calloc(1, sizeof(*copy));

	if (copy == NULL)
		return NULL;
	copy->private = berth_private_ref(from->private);
	copy->digest = from->digest;
	copy->message.limit = MESSAGE_MAX_BYTES;
	if (berth_buf_append_bytes(&copy->message, berth_buf_view(&from->message))) {
		sign_free(copy);
		return NULL;
	}
	return copy;
}

static const char *
digest_named(const char *name)
{
	static const char *const known[][2] = {
		{"SHA256", "SHA256"},	{"SHA2-256", "SHA256"}, {"SHA384", "SHA384"},
		{"SHA2-384", "SHA384"}, {"SHA512", "SHA512"},	{"SHA2-512", "SHA512"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (OPENSSL_strcasecmp(name, known[i][0]) == 0)
			return known[i][1];
	}
	return NULL;
}

static int
sign_set_params(void *context, const OSSL_PARAM params[])
{
	struct sign *sign = context;
	const OSSL_PARAM *digest = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST);

	if (digest == NULL)
		return 1;
	const char *name = NULL;
	if (!OSSL_PARAM_get_utf8_string_ptr(digest, &name) || digest_named(name) == NULL)
		return 0;
	sign->digest = digest_named(name);
	return 1;
}

static const OSSL_PARAM *
sign_settable_params(void *context, void *provider_context)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)context;
	(void)provider_context;
	return types;
}

static int
sign_init(void *context, const char *digest, void *key, const OSSL_PARAM params[])
{
	struct sign *sign = context;

	if (key != NULL) {
		struct berth_private *private = berth_keydata_private(key);
		berth_private_free(sign->private);
		sign->private = berth_private_ref(private);
	}
	if (sign->private == NULL)
		return 0;
	sign->digest = digest_named(
		digest != NULL && digest[0] != '\0' ? digest : sign->private->kind->digest);
	berth_buf_clear(&sign->message);
	sign->message.limit = MESSAGE_MAX_BYTES;
	return sign->digest != NULL && (params == NULL || sign_set_params(context, params));
}

static int
sign_update(void *context, const unsigned char *data, size_t n)
{
	struct sign *sign = context;
	return berth_buf_append(&sign->message, data, n) == BERTH_OK;
}

static int
sign_message(struct sign *sign, struct berth_bytes message, unsigned char *out, size_t *n,
	     size_t size)
{
	struct berth_why why = {0};
	BERTH_BUF signature = {0};

	if (out == NULL) {
		*n = 2 * (((size_t)sign->private->kind->bits + 7) / 8 + 3) + 3;
		return 1;
	}
	if (sign->private->ops->sign(sign->private, sign->digest, message, &signature, &why)) {
		ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "%s", why.sentence);
		return 0;
	}
	if (signature.n > size)
		return 0;
	memcpy(out, signature.p, signature.n);
	*n = signature.n;
	return 1;
}

static int
sign_final(void *context, unsigned char *out, size_t *n, size_t size)
{
	struct sign *sign = context;
	return sign_message(sign, berth_buf_view(&sign->message), out, n, size);
}

static int
sign_once(void *context, unsigned char *out, size_t *n, size_t size, const unsigned char *data,
	  size_t data_n)
{
	if (data_n > MESSAGE_MAX_BYTES)
		return 0;
	return sign_message(context, berth_bytes_of(data, data_n), out, n, size);
}

/* AlgorithmIdentifier of ecdsa-with-SHA2 (RFC 5758 3.2): parameters absent. */
static struct berth_bytes
algorithm_id(const char *digest)
{
	if (strcmp(digest, "SHA256") == 0)
		return BERTH_LIT("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02");
	if (strcmp(digest, "SHA384") == 0)
		return BERTH_LIT("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03");
	return BERTH_LIT("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04");
}

static int
sign_get_params(void *context, OSSL_PARAM params[])
{
	struct sign *sign = context;

	OSSL_PARAM *param = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);
	if (param != NULL) {
		struct berth_bytes id = algorithm_id(sign->digest);
		if (!OSSL_PARAM_set_octet_string(param, id.p, id.n))
			return 0;
	}
	param = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST);
	return param == NULL || OSSL_PARAM_set_utf8_string(param, sign->digest);
}

static const OSSL_PARAM *
sign_gettable_params(void *context, void *provider_context)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)context;
	(void)provider_context;
	return types;
}

const OSSL_DISPATCH berth_keystore_signature[] = {
	{OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void))sign_new},
	{OSSL_FUNC_SIGNATURE_FREECTX, (void (*)(void))sign_free},
	{OSSL_FUNC_SIGNATURE_DUPCTX, (void (*)(void))sign_dup},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (void (*)(void))sign_init},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, (void (*)(void))sign_update},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, (void (*)(void))sign_final},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (void (*)(void))sign_once},
	{OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, (void (*)(void))sign_get_params},
	{OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, (void (*)(void))sign_gettable_params},
	{OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (void (*)(void))sign_set_params},
	{OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (void (*)(void))sign_settable_params},
	{0, NULL},
};
