/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/decoder_provider.h"

#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>

#include "pki/ossl.h"

#define NARROW_DECODERS_MAX 16
#define NARROW_OPERATIONS 7
#define NARROW_NAMES_MAX 6

/*
 * The only mutable state of its process in pki, written once: the default provider in a library
 * context of its own, and the algorithms picked from it. It cannot live in a struct berth_pki, because
 * OpenSSL gives a built-in provider's init no argument, and gives its functions the context of the
 * provider they forward. It lives as long as the process.
 */
static struct {
	CRYPTO_ONCE once;
	OSSL_LIB_CTX *libctx;
	OSSL_PROVIDER *provider;
	OSSL_ALGORITHM decoders[NARROW_DECODERS_MAX + 1];
	OSSL_ALGORITHM picked[NARROW_OPERATIONS][NARROW_NAMES_MAX + 1];
} inner = {.once = CRYPTO_ONCE_STATIC_INIT};

static bool
has_property(const char *properties, const char *wanted)
{
	const char *at = strstr(properties, wanted);
	return at != NULL && (at[strlen(wanted)] == '\0' || at[strlen(wanted)] == ',');
}

static bool
is_wanted(const OSSL_ALGORITHM *decoder)
{
	const char *names = decoder->algorithm_names;
	const char *properties = decoder->property_definition;

	return (strcmp(names, "EC") == 0 || strcmp(names, "RSA") == 0) &&
	       has_property(properties, "input=der") &&
	       (has_property(properties, "structure=SubjectPublicKeyInfo") ||
		has_property(properties, "structure=PrivateKeyInfo"));
}

/*
 * What Berth has use for: certificates' keys and signatures, TLS (net/tls.c), backups, passwords, DPP. Each decoding of a key
 * asks every kind of key that there is whether it is meant, and to find these copies OpenSSL's list of all algorithms of
 * all operations. With the two hundred of the default provider a certificate takes twice as long in a process that has TLS.
 * What is not named here stays as the default provider has it.
 */
static const struct {
	int operation;
	const char *names[NARROW_NAMES_MAX + 1];
} narrowed[NARROW_OPERATIONS] = {
	{OSSL_OP_KEYMGMT, {"EC", "RSA", "RSA-PSS", "X25519"}},
	{OSSL_OP_SIGNATURE, {"ECDSA", "RSA"}},
	{OSSL_OP_KEYEXCH, {"ECDH", "X25519"}},
	{OSSL_OP_CIPHER,
	 {"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305", "AES-128-SIV", "AES-192-SIV",
	  "AES-256-SIV"}},
	{OSSL_OP_DIGEST, {"SHA1", "SHA2-256", "SHA2-384", "SHA2-512"}},
	{OSSL_OP_MAC, {"HMAC"}},
	{OSSL_OP_KDF, {"TLS13-KDF", "TLS1-PRF", "SCRYPT", "PBKDF2"}},
};

static bool
is_named(const OSSL_ALGORITHM *algorithm, const char *const *names)
{
	/* all that it is called, with colons between; the default provider's order is its own */
	for (const char *name = algorithm->algorithm_names; name != NULL;) {
		size_t n = strcspn(name, ":");
		for (size_t i = 0; names[i] != NULL; i++) {
			if (strlen(names[i]) == n && strncmp(name, names[i], n) == 0)
				return true;
		}
		name = name[n] == '\0' ? NULL : name + n + 1;
	}
	return false;
}

static void
pick(size_t which)
{
	int no_cache = 0;
	size_t n = 0;
	const OSSL_ALGORITHM *all =
		OSSL_PROVIDER_query_operation(inner.provider, narrowed[which].operation, &no_cache);

	for (; all != NULL && all->algorithm_names != NULL && n < NARROW_NAMES_MAX; all++) {
		if (is_named(all, narrowed[which].names))
			inner.picked[which][n++] = *all;
	}
}

static void
inner_open(void)
{
	int no_cache = 0;
	size_t n = 0;

	inner.libctx = OSSL_LIB_CTX_new();
	if (inner.libctx != NULL)
		inner.provider = OSSL_PROVIDER_load(inner.libctx, "default");
	if (inner.provider == NULL)
		return;
	const OSSL_ALGORITHM *all =
		OSSL_PROVIDER_query_operation(inner.provider, OSSL_OP_DECODER, &no_cache);
	for (; all != NULL && all->algorithm_names != NULL && n < NARROW_DECODERS_MAX; all++) {
		if (is_wanted(all))
			inner.decoders[n++] = *all;
	}
	for (size_t i = 0; i < NARROW_OPERATIONS; i++)
		pick(i);
}

static void
narrow_teardown(void *provider_context)
{
	/* the inner provider stays: other library contexts forward to it */
	(void)provider_context;
}

static const OSSL_PARAM *
narrow_gettable_params(void *provider_context)
{
	(void)provider_context;
	return OSSL_PROVIDER_gettable_params(inner.provider);
}

static int
narrow_get_params(void *provider_context, OSSL_PARAM params[])
{
	(void)provider_context;
	return OSSL_PROVIDER_get_params(inner.provider, params);
}

static const OSSL_ALGORITHM *
narrow_query(void *provider_context, int operation, int *no_cache)
{
	(void)provider_context;
	if (operation == OSSL_OP_DECODER) {
		*no_cache = 0;
		return inner.decoders;
	}
	for (size_t i = 0; i < NARROW_OPERATIONS; i++) {
		if (narrowed[i].operation == operation) {
			*no_cache = 0;
			return inner.picked[i];
		}
	}
	return OSSL_PROVIDER_query_operation(inner.provider, operation, no_cache);
}

/* Without it libssl finds no groups. */
static int
narrow_get_capabilities(void *provider_context, const char *capability, OSSL_CALLBACK *callback,
			void *argument)
{
	(void)provider_context;
	return OSSL_PROVIDER_get_capabilities(inner.provider, capability, callback, argument);
}

static const OSSL_DISPATCH narrow_dispatch[] = {
	{OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))narrow_teardown},
	{OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, (void (*)(void))narrow_gettable_params},
	{OSSL_FUNC_PROVIDER_GET_PARAMS, (void (*)(void))narrow_get_params},
	{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))narrow_query},
	{OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))narrow_get_capabilities},
	{0, NULL},
};

/* OpenSSL takes a certificate's fingerprint whether it is wanted or not. */
static const OSSL_ALGORITHM *
digests_query(void *provider_context, int operation, int *no_cache)
{
	return operation == OSSL_OP_DIGEST ? narrow_query(provider_context, operation, no_cache)
					   : NULL;
}

static const OSSL_DISPATCH digests_dispatch[] = {
	{OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))narrow_teardown},
	{OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, (void (*)(void))narrow_gettable_params},
	{OSSL_FUNC_PROVIDER_GET_PARAMS, (void (*)(void))narrow_get_params},
	{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))digests_query},
	{0, NULL},
};

static int
forward(const OSSL_DISPATCH *dispatch, const OSSL_DISPATCH **out, void **provider_context)
{
	if (!CRYPTO_THREAD_run_once(&inner.once, inner_open) || inner.provider == NULL)
		return 0;
	*out = dispatch;
	/* the forwarded functions are called with the context that they were written for */
	*provider_context = OSSL_PROVIDER_get0_provider_ctx(inner.provider);
	return 1;
}

static int
narrow_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core, const OSSL_DISPATCH **out,
	    void **provider_context)
{
	(void)handle;
	(void)core;
	return forward(narrow_dispatch, out, provider_context);
}

static int
digests_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core, const OSSL_DISPATCH **out,
	     void **provider_context)
{
	(void)handle;
	(void)core;
	return forward(digests_dispatch, out, provider_context);
}

static enum berth_err
load(OSSL_LIB_CTX *libctx, const char *name, OSSL_provider_init_fn *init, OSSL_PROVIDER **ret,
     struct berth_why *why)
{
	if (!OSSL_PROVIDER_add_builtin(libctx, name, init))
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "pki-open", NULL,
				       "The narrow decoder cannot be registered");
	*ret = OSSL_PROVIDER_load(libctx, name);
	if (*ret == NULL)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "pki-open", NULL,
				       "The narrow decoder cannot be loaded");
	return BERTH_OK;
}

enum berth_err
berth_narrow_provider_load(OSSL_LIB_CTX *libctx, OSSL_PROVIDER **ret, struct berth_why *why)
{
	return load(libctx, BERTH_NARROW_PROVIDER, narrow_init, ret, why);
}

enum berth_err
berth_digests_provider_load(OSSL_LIB_CTX *libctx, OSSL_PROVIDER **ret, struct berth_why *why)
{
	return load(libctx, BERTH_DIGESTS_PROVIDER, digests_init, ret, why);
}
