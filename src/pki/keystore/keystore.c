/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/keystore/keystore.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "pki/keystore/private.h"
#include "pki/keystore/provider.h"
#include "pki/keystore/tpm_uri.h"
#include "pki/ossl_annot.h"

static enum berth_err
no_generate(struct berth_pki *pki, const char *rest, const struct berth_key_kind *kind,
	    enum berth_key_use use, struct berth_why *why)
{
	(void)pki;
	(void)kind;
	(void)use;
	return berth_fail(why, BERTH_E_UNSUPPORTED, "keystore-remote", NULL,
			  "Key \"%s\" is in another process: generate it there.", rest);
}

static enum berth_err
no_load(struct berth_pki *pki, const char *rest, struct berth_key **ret, struct berth_why *why)
{
	(void)pki;
	(void)ret;
	return berth_fail(
		why, BERTH_E_USAGE, "keystore-remote", NULL,
		"Key \"%s\" is in another process: only a program linked to a signer can use it.",
		rest);
}

static enum berth_err
no_remove(struct berth_pki *pki, const char *rest, struct berth_why *why)
{
	(void)pki;
	return berth_fail(why, BERTH_E_UNSUPPORTED, "keystore-remote", NULL,
			  "Key \"%s\" is in another process: delete it there.", rest);
}

static const struct berth_keystore_backend berth_keystore_signer = {
	"signer", BERTH_STORAGE_REMOTE, no_generate, no_load, no_remove,
};

static const struct berth_keystore_backend *const backends[] = {
	&berth_keystore_file,
	&berth_keystore_pkcs11,
	&berth_keystore_tpm,
	&berth_keystore_signer,
};

static enum berth_err
find_backend(const char *uri, const struct berth_keystore_backend **ret, const char **ret_rest,
	     struct berth_why *why)
{
	if (strnlen(uri, BERTH_KEY_URI_MAX) == BERTH_KEY_URI_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "keystore-uri", NULL,
				  "The key URI is longer than %d characters.",
				  BERTH_KEY_URI_MAX - 1);
	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
		size_t n = strlen(backends[i]->scheme);
		if (strncmp(uri, backends[i]->scheme, n) != 0 || uri[n] != ':' ||
		    uri[n + 1] == '\0')
			continue;
		*ret = backends[i];
		*ret_rest = uri + n + 1;
		return BERTH_OK;
	}
	return berth_fail(why, BERTH_E_USAGE, "keystore-uri", NULL,
			  "\"%.80s\" is no key URI: write file:PATH, pkcs11:..., tpm:... or "
			  "signer:NAME.",
			  uri);
}

const char *
berth_storage_class_name(enum berth_storage_class storage)
{
	switch (storage) {
	case BERTH_STORAGE_FILE:
		return "file";
	case BERTH_STORAGE_TOKEN:
		return "token";
	case BERTH_STORAGE_TPM:
		return "tpm";
	case BERTH_STORAGE_REMOTE:
		return "remote";
	}
	return "unknown";
}

static enum berth_err
generate(struct berth_pki *pki, const char *uri, const char *kind, enum berth_key_use use,
	 struct berth_key **ret, struct berth_why *why)
{
	const struct berth_keystore_backend *backend = NULL;
	const char *rest = NULL;

	const struct berth_key_kind *known = berth_key_kind_named(kind == NULL ? "P-256" : kind);
	if (known == NULL ||
	    (strcmp(known->name, "P-256") != 0 && strcmp(known->name, "P-384") != 0))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "keystore-kind", NULL,
				  "A new key is P-256 or P-384, not \"%.20s\".", kind);
	enum berth_err err = find_backend(uri, &backend, &rest, why);
	if (err)
		return err;
	err = backend->generate(pki, rest, known, use, why);
	if (err)
		return err;
	return backend->load(pki, rest, ret, why);
}

enum berth_err
berth_keystore_generate(struct berth_pki *pki, const char *uri, const char *kind,
			struct berth_key **ret, struct berth_why *why)
{
	return generate(pki, uri, kind, BERTH_KEY_FOR_SIGNING, ret, why);
}

enum berth_err
berth_keystore_generate_unsynced(struct berth_pki *pki, const char *uri, const char *kind,
				 struct berth_key **ret, struct berth_why *why)
{
	pki->is_synced_later = true;
	enum berth_err err = berth_keystore_generate(pki, uri, kind, ret, why);
	pki->is_synced_later = false;
	return err;
}

enum berth_err
berth_keystore_generate_agreement(struct berth_pki *pki, const char *uri, const char *kind,
				  struct berth_key **ret, struct berth_why *why)
{
	return generate(pki, uri, kind, BERTH_KEY_FOR_AGREEMENT, ret, why);
}

enum berth_err
berth_keystore_use_tpm(struct berth_pki *pki, const char *tcti, struct berth_why *why)
{
	if (strnlen(tcti, sizeof(pki->tpm_tcti)) == sizeof(pki->tpm_tcti))
		return berth_fail(why, BERTH_E_USAGE, "keystore-tpm-uri", NULL,
				  "The TPM's name is longer than %zu characters.",
				  sizeof(pki->tpm_tcti) - 1);
	memcpy(pki->tpm_tcti, tcti, strlen(tcti) + 1);
	return BERTH_OK;
}

static void
put_folder(const char *path, struct berth_keystore_needs *needs)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path);

	(void)snprintf(needs->folder, sizeof(needs->folder), "%.*s", n == 0 ? 1 : (int)n,
		       slash == NULL ? "." : path);
}

static enum berth_err
tpm_needs(const char *rest, const char *default_tcti, struct berth_keystore_needs *needs,
	  struct berth_why *why)
{
	struct berth_tpm_uri uri;

	enum berth_err err = berth_tpm_uri_parse(rest, &uri, why);
	if (err)
		return err;
	const char *device = berth_tpm_tcti_device(uri.tcti[0] != '\0' ? uri.tcti : default_tcti);
	if (device != NULL)
		(void)snprintf(needs->device, sizeof(needs->device), "%s", device);
	if (uri.file[0] != '\0')
		put_folder(uri.file, needs);
	return BERTH_OK;
}

enum berth_err
berth_keystore_needs(const char *uri, const char *default_tcti, struct berth_keystore_needs *ret,
		     struct berth_why *why)
{
	const struct berth_keystore_backend *backend = NULL;
	const char *rest = NULL;
	struct berth_keystore_needs needs = {0};

	enum berth_err err = find_backend(uri, &backend, &rest, why);
	if (!err && backend == &berth_keystore_tpm)
		err = tpm_needs(rest, default_tcti, &needs, why);
	if (err)
		return err;
	if (backend == &berth_keystore_file)
		put_folder(rest, &needs);
	needs.is_unknown = backend == &berth_keystore_pkcs11;
	*ret = needs;
	return BERTH_OK;
}

enum berth_err
berth_keystore_load(struct berth_pki *pki, const char *uri, struct berth_key **ret,
		    struct berth_why *why)
{
	const struct berth_keystore_backend *backend = NULL;
	const char *rest = NULL;

	enum berth_err err = find_backend(uri, &backend, &rest, why);
	if (err)
		return err;
	return backend->load(pki, rest, ret, why);
}

enum berth_err
berth_keystore_delete(struct berth_pki *pki, const char *uri, struct berth_why *why)
{
	const struct berth_keystore_backend *backend = NULL;
	const char *rest = NULL;

	enum berth_err err = find_backend(uri, &backend, &rest, why);
	if (err)
		return err;
	return backend->remove(pki, rest, why);
}

enum berth_err
berth_keystore_storage(const char *uri, enum berth_storage_class *ret, struct berth_why *why)
{
	const struct berth_keystore_backend *backend = NULL;
	const char *rest = NULL;

	enum berth_err err = find_backend(uri, &backend, &rest, why);
	if (err)
		return err;
	*ret = backend->storage;
	return BERTH_OK;
}

enum berth_err
berth_private_make(struct berth_pki *pki, const struct berth_private_ops *ops,
		   struct berth_bytes spki, void *state, struct berth_private **ret,
		   struct berth_why *why)
{
	const struct berth_key_kind *kind = berth_key_kind_of_spki(spki);

	if (kind == NULL || kind->group == NULL || spki.n > BERTH_EC_SPKI_MAX)
		return berth_fail(
			why, BERTH_E_UNSUPPORTED, "keystore-kind", NULL,
			"The keystore holds elliptic curve keys only (P-256, P-384, P-521).");
	struct berth_private *private = calloc(1, sizeof(*private));
	if (private == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "keystore", NULL, "No memory.");
	private->refs = 1;
	private->pki = pki;
	private->ops = ops;
	private->kind = kind;
	private->spki_n = spki.n;
	memcpy(private->spki, spki.p, spki.n);
	private->state = state;
	*ret = private;
	return BERTH_OK;
}

struct berth_private *
berth_private_ref(struct berth_private *private)
{
	if (private != NULL) {
		private->refs++;
	}
	return private;
}

void
berth_private_free(struct berth_private *private)
{
	if (private == NULL || --private->refs > 0)
		return;
	private->ops->end(private);
	free(private);
}

/* The provider takes a reference of its own when it imports the pointer. */
static EVP_PKEY *
wrap(struct berth_private *private)
{
	void *pointer = private;
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_ptr(BERTH_KEYSTORE_PARAM_PRIVATE, &pointer,
					       sizeof(*private)),
		OSSL_PARAM_construct_end(),
	};

	BERTH_OSSL(EVP_PKEY_CTX) *context =
		EVP_PKEY_CTX_new_from_name(private->pki->libctx, "EC", BERTH_KEYSTORE_PROPERTIES);
	if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		return NULL;
	return pkey;
}

enum berth_err
berth_private_key(struct berth_private *private, struct berth_key **ret, struct berth_why *why)
{
	const uint8_t *p = private->spki;
	struct berth_pki *pki = private->pki;
	struct berth_bytes spki = berth_bytes_of(private->spki, private->spki_n);
	enum berth_err err;

	EVP_PKEY *public = d2i_PUBKEY_ex(NULL, &p, (long)spki.n, pki->libctx, NULL);
	EVP_PKEY *pkey = public == NULL ? NULL : wrap(private);
	if (pkey == NULL) {
		EVP_PKEY_free(public);
		err = berth_ossl_fail(why, BERTH_E_CRYPTO, "keystore", NULL,
				      "OpenSSL does not take the key");
	} else {
		err = berth_key_make(pki, public, pkey, spki, ret, why);
	}
	berth_private_free(private);
	return err;
}
