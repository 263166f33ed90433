/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/keystore/provider.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "pki/keystore/private.h"

/* SEQUENCE { INTEGER, INTEGER } of two numbers of P-521's size */
#define ECDSA_MAX_BYTES(kind) (2 * (((kind)->bits + 7) / 8 + 3) + 3)

struct berth_keydata {
	struct berth_private *private; /* NULL: only a public key, for comparing */
	const struct berth_key_kind *kind;
	size_t point_n;
	uint8_t point[BERTH_EC_POINT_MAX];
};

struct berth_private *
berth_keydata_private(const struct berth_keydata *keydata)
{
	return keydata->private;
}

struct berth_bytes
berth_keydata_point(const struct berth_keydata *keydata)
{
	return berth_bytes_of(keydata->point, keydata->point_n);
}

static void *
keymgmt_new(void *provider_context)
{
	(void)provider_context;
	return calloc(1, sizeof(struct berth_keydata));
}

static void
keymgmt_free(void *data)
{
	struct berth_keydata *keydata = data;

	if (keydata == NULL)
		return;
	berth_private_free(keydata->private);
	free(keydata);
}

static void *
keymgmt_dup(const void *from, int selection)
{
	const struct berth_keydata *source = from;
	struct berth_keydata *copy = malloc(sizeof(*copy));

	if (copy == NULL)
		return NULL;
	*copy = *source;
	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0)
		copy->private = NULL;
	berth_private_ref(copy->private);
	return copy;
}

static int
keymgmt_has(const void *data, int selection)
{
	const struct berth_keydata *keydata = data;

	if (keydata == NULL || keydata->kind == NULL)
		return 0;
	return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || keydata->private != NULL;
}

static int
keymgmt_match(const void *left, const void *right, int selection)
{
	const struct berth_keydata *a = left;
	const struct berth_keydata *b = right;

	if (a->kind == NULL || a->kind != b->kind)
		return 0;
	if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0)
		return 1;
	return a->point_n == b->point_n && memcmp(a->point, b->point, a->point_n) == 0;
}

static bool
set_point(struct berth_keydata *keydata, const struct berth_key_kind *kind, const uint8_t *point,
	  size_t n)
{
	if (kind == NULL || kind->group == NULL || n != kind->point_bytes || point[0] != 0x04)
		return false;
	keydata->kind = kind;
	keydata->point_n = n;
	memcpy(keydata->point, point, n);
	return true;
}

static bool
import_private(struct berth_keydata *keydata, const OSSL_PARAM *param)
{
	const void *pointer = NULL;
	size_t n = 0;

	if (!OSSL_PARAM_get_octet_ptr(param, &pointer, &n) || pointer == NULL)
		return false;
	struct berth_private *private = *(struct berth_private *const *)param->data;
	const struct berth_key_kind *kind = private->kind;
	if (!set_point(keydata, kind, private->spki + kind->prefix.n - 1, kind->point_bytes))
		return false;
	keydata->private = berth_private_ref(private);
	return true;
}

/* A public key of the default provider, so that a certificate can be compared with our key. */
static bool
import_public(struct berth_keydata *keydata, const OSSL_PARAM params[])
{
	static const char *const names[] = {"P-256", "P-384", "P-521"};
	const OSSL_PARAM *group = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_GROUP_NAME);
	const OSSL_PARAM *point = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY);

	if (OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PRIV_KEY) != NULL || group == NULL ||
	    group->data_type != OSSL_PARAM_UTF8_STRING || point == NULL ||
	    point->data_type != OSSL_PARAM_OCTET_STRING)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct berth_key_kind *kind = berth_key_kind_named(names[i]);
		if (OPENSSL_strcasecmp(group->data, kind->group) == 0)
			return set_point(keydata, kind, point->data, point->data_size);
	}
	return false;
}

static int
keymgmt_import(void *data, int selection, const OSSL_PARAM params[])
{
	struct berth_keydata *keydata = data;

	if (keydata->kind != NULL || (selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0)
		return 0;
	const OSSL_PARAM *private = OSSL_PARAM_locate_const(params, BERTH_KEYSTORE_PARAM_PRIVATE);
	return private != NULL ? import_private(keydata, private) : import_public(keydata, params);
}

static const OSSL_PARAM *
keymgmt_import_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_DEFN(BERTH_KEYSTORE_PARAM_PRIVATE, OSSL_PARAM_OCTET_PTR, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_END,
	};

	return (selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0 ? types : NULL;
}

/* OSSL_PARAM points to non-const, also where it is only read. */
static OSSL_PARAM
text_param(const char *key, const char *value)
{
	union {
		const char *in;
		char *out;
	} text = {.in = value};

	return OSSL_PARAM_construct_utf8_string(key, text.out, 0);
}

/* Refusing whoever asks for a private key is what makes this a keystore. */
static int
keymgmt_export(void *data, int selection, OSSL_CALLBACK *callback, void *argument)
{
	struct berth_keydata *keydata = data;

	if (keydata->kind == NULL || (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)
		return 0;
	OSSL_PARAM params[] = {
		text_param(OSSL_PKEY_PARAM_GROUP_NAME, keydata->kind->group),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, keydata->point,
						  keydata->point_n),
		OSSL_PARAM_construct_end(),
	};
	if ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0)
		params[1] = OSSL_PARAM_construct_end();
	return callback(params, argument);
}

static const OSSL_PARAM *
keymgmt_export_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_END,
	};

	return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 ? types : NULL;
}

static bool
put_int(OSSL_PARAM params[], const char *key, int value)
{
	OSSL_PARAM *param = OSSL_PARAM_locate(params, key);
	return param == NULL || OSSL_PARAM_set_int(param, value);
}

static bool
put_text(OSSL_PARAM params[], const char *key, const char *value)
{
	OSSL_PARAM *param = OSSL_PARAM_locate(params, key);
	return param == NULL || OSSL_PARAM_set_utf8_string(param, value);
}

static bool
put_bytes(OSSL_PARAM params[], const char *key, const void *value, size_t n)
{
	OSSL_PARAM *param = OSSL_PARAM_locate(params, key);
	return param == NULL || OSSL_PARAM_set_octet_string(param, value, n);
}

static int
keymgmt_get_params(void *data, OSSL_PARAM params[])
{
	const struct berth_keydata *keydata = data;
	const struct berth_key_kind *kind = keydata->kind;

	if (kind == NULL)
		return 0;
	return put_int(params, OSSL_PKEY_PARAM_BITS, kind->bits) &&
	       put_int(params, OSSL_PKEY_PARAM_SECURITY_BITS,
		       kind->bits == 521 ? 256 : kind->bits / 2) &&
	       put_int(params, OSSL_PKEY_PARAM_MAX_SIZE, ECDSA_MAX_BYTES(kind)) &&
	       put_text(params, OSSL_PKEY_PARAM_GROUP_NAME, kind->group) &&
	       put_text(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST, kind->digest) &&
	       put_text(params, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
			OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) &&
	       put_text(params, OSSL_PKEY_PARAM_EC_FIELD_TYPE, "prime-field") &&
	       put_bytes(params, OSSL_PKEY_PARAM_PUB_KEY, keydata->point, keydata->point_n) &&
	       put_bytes(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, keydata->point,
			 keydata->point_n);
}

static const OSSL_PARAM *
keymgmt_gettable_params(void *provider_context)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_FIELD_TYPE, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)provider_context;
	return types;
}

static const char *
keymgmt_query_operation_name(int operation)
{
	if (operation == OSSL_OP_KEYEXCH)
		return "ECDH";
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

static const OSSL_DISPATCH keymgmt[] = {
	{OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))keymgmt_new},
	{OSSL_FUNC_KEYMGMT_FREE, (void (*)(void))keymgmt_free},
	{OSSL_FUNC_KEYMGMT_DUP, (void (*)(void))keymgmt_dup},
	{OSSL_FUNC_KEYMGMT_HAS, (void (*)(void))keymgmt_has},
	{OSSL_FUNC_KEYMGMT_MATCH, (void (*)(void))keymgmt_match},
	{OSSL_FUNC_KEYMGMT_IMPORT, (void (*)(void))keymgmt_import},
	{OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (void (*)(void))keymgmt_import_types},
	{OSSL_FUNC_KEYMGMT_EXPORT, (void (*)(void))keymgmt_export},
	{OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (void (*)(void))keymgmt_export_types},
	{OSSL_FUNC_KEYMGMT_GET_PARAMS, (void (*)(void))keymgmt_get_params},
	{OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (void (*)(void))keymgmt_gettable_params},
	{OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (void (*)(void))keymgmt_query_operation_name},
	{0, NULL},
};

static const OSSL_ALGORITHM *
provider_query(void *provider_context, int operation, int *no_cache)
{
	static const OSSL_ALGORITHM keys[] = {
		{"EC:id-ecPublicKey:1.2.840.10045.2.1", BERTH_KEYSTORE_PROPERTIES, keymgmt, NULL},
		{NULL, NULL, NULL, NULL},
	};
	static const OSSL_ALGORITHM signatures[] = {
		{"ECDSA", BERTH_KEYSTORE_PROPERTIES, berth_keystore_signature, NULL},
		{NULL, NULL, NULL, NULL},
	};

	static const OSSL_ALGORITHM exchanges[] = {
		{"ECDH", BERTH_KEYSTORE_PROPERTIES, berth_keystore_exchange, NULL},
		{NULL, NULL, NULL, NULL},
	};

	(void)provider_context;
	*no_cache = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return keys;
	if (operation == OSSL_OP_SIGNATURE)
		return signatures;
	if (operation == OSSL_OP_KEYEXCH)
		return exchanges;
	return NULL;
}

static const OSSL_DISPATCH provider_dispatch[] = {
	{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))provider_query},
	{0, NULL},
};

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core, const OSSL_DISPATCH **out,
	      void **provider_context)
{
	(void)handle;
	(void)core;
	*out = provider_dispatch;
	/* a key brings its own struct berth_pki; there is nothing to keep here */
	*provider_context = NULL;
	return 1;
}

enum berth_err
berth_keystore_provider_load(OSSL_LIB_CTX *libctx, OSSL_PROVIDER **ret, struct berth_why *why)
{
	if (!OSSL_PROVIDER_add_builtin(libctx, BERTH_KEYSTORE_PROVIDER, provider_init))
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "pki-open", NULL,
				       "The keystore provider cannot be registered");
	*ret = OSSL_PROVIDER_load(libctx, BERTH_KEYSTORE_PROVIDER);
	if (*ret == NULL)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "pki-open", NULL,
				       "The keystore provider cannot be loaded");
	return BERTH_OK;
}
