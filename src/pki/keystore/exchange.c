/* SPDX-License-Identifier: BSD-2-Clause */
/* ECDH of the keystore provider: the key's backend does it, on a point that OpenSSL has checked. */
#include <stdlib.h>

#include <openssl/err.h>

#include "pki/keystore/private.h"
#include "pki/keystore/provider.h"

#include <openssl/core_names.h>

struct exchange {
	bool is_whole; /* the point came as a parameter, and the whole product is wanted */
	struct berth_private *private;
	size_t point_n;
	uint8_t point[BERTH_EC_POINT_MAX];
};

static void *
exchange_new(void *provider_context)
{
	(void)provider_context;
	return calloc(1, sizeof(struct exchange));
}

static void
exchange_free(void *context)
{
	struct exchange *exchange = context;

	if (exchange == NULL)
		return;
	berth_private_free(exchange->private);
	free(exchange);
}

static int
exchange_init(void *context, void *key, const OSSL_PARAM params[])
{
	struct exchange *exchange = context;
	struct berth_private *private = berth_keydata_private(key);

	(void)params;
	if (private == NULL || private->ops->derive == NULL)
		return 0;
	berth_private_free(exchange->private);
	exchange->private = berth_private_ref(private);
	return 1;
}

static int
exchange_set_peer(void *context, void *key)
{
	struct exchange *exchange = context;
	struct berth_bytes point = berth_keydata_point(key);

	if (exchange->private == NULL || point.n != exchange->private->kind->point_bytes)
		return 0;
	memcpy(exchange->point, point.p, point.n);
	exchange->point_n = point.n;
	return 1;
}

static int
exchange_set_params(void *context, const OSSL_PARAM params[])
{
	struct exchange *exchange = context;
	const OSSL_PARAM *point = OSSL_PARAM_locate_const(params, BERTH_EXCHANGE_POINT);
	void *to = exchange->point;

	if (point == NULL)
		return 1;
	if (exchange->private == NULL || exchange->private->ops->multiply == NULL ||
	    OSSL_PARAM_get_octet_string(point, &to, sizeof(exchange->point), &exchange->point_n) !=
		    1 ||
	    exchange->point_n != exchange->private->kind->point_bytes)
		return 0;
	exchange->is_whole = true;
	return 1;
}

static const OSSL_PARAM *
exchange_settable(void *context, void *provider_context)
{
	static const OSSL_PARAM settable[] = {
		OSSL_PARAM_octet_string(BERTH_EXCHANGE_POINT, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)context;
	(void)provider_context;
	return settable;
}

static int
exchange_derive(void *context, unsigned char *out, size_t *n, size_t size)
{
	struct exchange *exchange = context;
	struct berth_why why = {0};
	BERTH_SECRET secret = {0};

	if (exchange->private == NULL || exchange->point_n == 0)
		return 0;
	*n = exchange->is_whole ? exchange->point_n - 1
				: ((size_t)exchange->private->kind->bits + 7) / 8;
	if (out == NULL)
		return 1;
	struct berth_bytes point = berth_bytes_of(exchange->point, exchange->point_n);
	enum berth_err err =
		exchange->is_whole
			? exchange->private->ops->multiply(exchange->private, point, &secret, &why)
			: exchange->private->ops->derive(exchange->private, point, &secret, &why);
	if (err) {
		ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "%s", why.sentence);
		return 0;
	}
	if (secret.n > size)
		return 0;
	memcpy(out, secret.p, secret.n);
	*n = secret.n;
	return 1;
}

const OSSL_DISPATCH berth_keystore_exchange[] = {
	{OSSL_FUNC_KEYEXCH_NEWCTX, (void (*)(void))exchange_new},
	{OSSL_FUNC_KEYEXCH_FREECTX, (void (*)(void))exchange_free},
	{OSSL_FUNC_KEYEXCH_INIT, (void (*)(void))exchange_init},
	{OSSL_FUNC_KEYEXCH_SET_PEER, (void (*)(void))exchange_set_peer},
	{OSSL_FUNC_KEYEXCH_SET_CTX_PARAMS, (void (*)(void))exchange_set_params},
	{OSSL_FUNC_KEYEXCH_SETTABLE_CTX_PARAMS, (void (*)(void))exchange_settable},
	{OSSL_FUNC_KEYEXCH_DERIVE, (void (*)(void))exchange_derive},
	{0, NULL},
};
