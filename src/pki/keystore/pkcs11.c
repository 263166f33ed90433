/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys in PKCS#11 tokens. A key is made in the token as sensitive and not extractable; only digests
 * go in and only signatures come out. A module belongs to the process, not to a struct berth_pki: who
 * finds it initialised uses it and leaves its end to who initialised it.
 */
#include "pki/keystore/pkcs11.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/ecdsa.h>
#include <p11-kit/pkcs11.h>

#include "base/secret.h"
#include "pki/der.h"
#include "pki/keystore/p11_uri.h"
#include "pki/keystore/private.h"
#include "pki/ossl_annot.h"

#define SLOTS_MAX 64
#define PIN_MAX_BYTES 255
#define RAW_SIGNATURE_MAX 132 /* P-521: two numbers of 66 bytes */

struct berth_p11_module {
	struct berth_p11_module *next;
	void *library;
	CK_FUNCTION_LIST *call;
	bool is_ours; /* to finalize */
	char path[];
};

struct session {
	struct berth_p11_module *module;
	CK_SESSION_HANDLE handle;
};

struct token_key {
	struct session session;
	CK_OBJECT_HANDLE object;
};

static void
session_end(struct session *session)
{
	if (session->module != NULL)
		(void)session->module->call->C_CloseSession(session->handle);
	session->module = NULL;
}

#define BERTH_P11_SESSION BERTH_CLEANUP(session_end) struct session

static enum berth_err
fail_rv(struct berth_why *why, CK_RV rv, const char *what)
{
	enum berth_err err =
		rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED ? BERTH_E_DENIED : BERTH_E_CRYPTO;
	return berth_fail(why, err, "keystore-pkcs11", "PKCS #11 5.1",
			  "The token cannot %s (CKR 0x%lx%s).", what, (unsigned long)rv,
			  rv == CKR_PIN_INCORRECT ? ", wrong PIN"
			  : rv == CKR_PIN_LOCKED  ? ", PIN locked"
						  : "");
}

static enum berth_err
module_start(struct berth_p11_module *module, struct berth_why *why)
{
	CK_C_GetFunctionList get_function_list = NULL;

	module->library = dlopen(module->path, RTLD_NOW | RTLD_LOCAL);
	if (module->library == NULL)
		return berth_fail(why, BERTH_E_NOT_FOUND, "keystore-pkcs11-module", NULL,
				  "PKCS#11 module %.100s cannot be loaded: %.80s", module->path,
				  dlerror());
	void *symbol = dlsym(module->library, "C_GetFunctionList");
	memcpy(&get_function_list, &symbol, sizeof(symbol)); /* ISO C has no cast for it */
	if (get_function_list == NULL || get_function_list(&module->call) != CKR_OK)
		return berth_fail(why, BERTH_E_USAGE, "keystore-pkcs11-module", "PKCS #11 5.4",
				  "%.120s is no PKCS#11 module.", module->path);
	CK_RV rv = module->call->C_Initialize(NULL);
	if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return fail_rv(why, rv, "be initialised");
	module->is_ours = rv == CKR_OK;
	return BERTH_OK;
}

static void
module_end(struct berth_p11_module *module)
{
	if (module->is_ours)
		(void)module->call->C_Finalize(NULL);
	if (module->library != NULL)
		(void)dlclose(module->library);
	free(module);
}

static enum berth_err
find_module(struct berth_pki *pki, const char *path, struct berth_p11_module **ret,
	    struct berth_why *why)
{
	for (struct berth_p11_module *m = pki->modules; m != NULL; m = m->next) {
		if (strcmp(m->path, path) == 0) {
			*ret = m;
			return BERTH_OK;
		}
	}
	struct berth_p11_module *module = calloc(1, sizeof(*module) + strlen(path) + 1);
	if (module == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "keystore", NULL, "No memory.");
	memcpy(module->path, path, strlen(path) + 1);
	enum berth_err err = module_start(module, why);
	if (err) {
		module_end(module);
		return err;
	}
	module->next = pki->modules;
	pki->modules = module;
	*ret = module;
	return BERTH_OK;
}

void
berth_p11_close(struct berth_pki *pki)
{
	while (pki->modules != NULL) {
		struct berth_p11_module *module = pki->modules;
		pki->modules = module->next;
		module_end(module);
	}
}

/* Labels in token information are padded with blanks (PKCS #11 3.2). */
static bool
has_label(const CK_TOKEN_INFO *info, const char *label)
{
	size_t n = strlen(label);

	if (n > sizeof(info->label) || memcmp(info->label, label, n) != 0)
		return false;
	for (; n < sizeof(info->label); n++) {
		if (info->label[n] != ' ')
			return false;
	}
	return true;
}

static enum berth_err
find_slot(struct berth_p11_module *module, const char *label, CK_SLOT_ID *ret,
	  struct berth_why *why)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;

	CK_RV rv = module->call->C_GetSlotList(CK_TRUE, slots, &n);
	if (rv != CKR_OK)
		return fail_rv(why, rv, "list its slots");
	for (CK_ULONG i = 0; i < n; i++) {
		CK_TOKEN_INFO info;
		if (module->call->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
		    !has_label(&info, label))
			continue;
		*ret = slots[i];
		return BERTH_OK;
	}
	return berth_fail(why, BERTH_E_NOT_FOUND, "keystore-pkcs11-token", NULL,
			  "No token is labelled \"%s\".", label);
}

static enum berth_err
login(const struct session *session, const char *pin_file, struct berth_why *why)
{
	uint8_t pin[PIN_MAX_BYTES + 1];

	if (pin_file[0] == '\0')
		return BERTH_OK;
	int fd = open(pin_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, pin, sizeof(pin));
	if (fd >= 0)
		(void)close(fd);
	if (n <= 0 || n > PIN_MAX_BYTES)
		return berth_fail(why, BERTH_E_IO, "keystore-pkcs11-pin", "RFC 7512 2.4",
				  "The PIN cannot be read from %.120s.", pin_file);
	while (n > 0 && (pin[n - 1] == '\n' || pin[n - 1] == '\r'))
		n--;
	CK_RV rv = session->module->call->C_Login(session->handle, CKU_USER, pin, (CK_ULONG)n);
	berth_wipe(pin, sizeof(pin));
	if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
		return fail_rv(why, rv, "be logged in to");
	return BERTH_OK;
}

static enum berth_err
session_start(struct berth_pki *pki, const struct berth_p11_uri *uri, CK_FLAGS flags,
	      struct session *ret, struct berth_why *why)
{
	struct berth_p11_module *module = NULL;
	CK_SLOT_ID slot = 0;

	enum berth_err err = find_module(pki, uri->module, &module, why);
	if (err)
		return err;
	err = find_slot(module, uri->token, &slot, why);
	if (err)
		return err;
	CK_RV rv = module->call->C_OpenSession(slot, CKF_SERIAL_SESSION | flags, NULL, NULL,
					       &ret->handle);
	if (rv != CKR_OK)
		return fail_rv(why, rv, "open a session");
	ret->module = module;
	return login(ret, uri->pin_file, why);
}

/* The only object of that class and label; NOT_FOUND. */
static enum berth_err
find_object(const struct session *session, CK_OBJECT_CLASS class, const char *label,
	    CK_OBJECT_HANDLE *ret, struct berth_why *why)
{
	CK_FUNCTION_LIST *call = session->module->call;
	char name[129];
	CK_OBJECT_HANDLE found[2];
	CK_ULONG n = 0;

	(void)snprintf(name, sizeof(name), "%s", label);
	CK_ATTRIBUTE wanted[] = {
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_LABEL, name, strlen(name)},
	};
	CK_RV rv = call->C_FindObjectsInit(session->handle, wanted, 2);
	if (rv == CKR_OK) {
		rv = call->C_FindObjects(session->handle, found, 2, &n);
		(void)call->C_FindObjectsFinal(session->handle);
	}
	if (rv != CKR_OK)
		return fail_rv(why, rv, "search its objects");
	if (n == 0)
		return berth_fail(why, BERTH_E_NOT_FOUND, "keystore-not-found", NULL,
				  "The token has no key \"%s\" (or needs a PIN to show it).",
				  label);
	if (n > 1)
		return berth_fail(
			why, BERTH_E_MISMATCH, "keystore-pkcs11-label", NULL,
			"The token has several keys \"%s\": give them labels of their own.", label);
	*ret = found[0];
	return BERTH_OK;
}

/* CKA_EC_POINT is an OCTET STRING around the point (PKCS #11 6.3.3); some modules leave the wrapping away. */
static enum berth_err
read_spki(const struct session *session, CK_OBJECT_HANDLE object, struct berth_buf *spki,
	  struct berth_why *why)
{
	uint8_t bytes[160];
	CK_ATTRIBUTE attribute = {CKA_EC_POINT, bytes, sizeof(bytes)};
	static const char *const names[] = {"P-256", "P-384", "P-521"};

	CK_RV rv =
		session->module->call->C_GetAttributeValue(session->handle, object, &attribute, 1);
	if (rv != CKR_OK)
		return fail_rv(why, rv, "give the public key");
	struct berth_bytes rest = berth_bytes_of(bytes, attribute.ulValueLen);
	struct berth_bytes point = rest;
	if (berth_der_take(&rest, BERTH_DER_OCTET_STRING, &point) && rest.n > 0)
		point = berth_bytes_of(bytes, attribute.ulValueLen);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct berth_key_kind *kind = berth_key_kind_named(names[i]);
		if (point.n != kind->point_bytes || point.p[0] != 0x04)
			continue;
		enum berth_err err = berth_buf_append_bytes(spki, kind->prefix);
		return err ? err : berth_buf_append(spki, point.p + 1, point.n - 1);
	}
	return berth_fail(why, BERTH_E_UNSUPPORTED, "keystore-kind", NULL,
			  "The token's key is not on P-256, P-384 or P-521.");
}

/* r || s of C_Sign to the ECDSA-Sig-Value of X.509 and TLS. */
static enum berth_err
append_ecdsa(const uint8_t *raw, size_t n, struct berth_buf *signature, struct berth_why *why)
{
	uint8_t der[RAW_SIGNATURE_MAX + 16];
	uint8_t *p = der;
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, (int)(n / 2), NULL);
	BIGNUM *s = BN_bin2bn(raw + n / 2, (int)(n / 2), NULL);

	if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		ECDSA_SIG_free(pair);
		return berth_fail(why, BERTH_E_MEMORY, "keystore", NULL, "No memory.");
	}
	int length = i2d_ECDSA_SIG(pair, NULL);
	if (length > 0 && (size_t)length <= sizeof(der))
		length = i2d_ECDSA_SIG(pair, &p);
	ECDSA_SIG_free(pair);
	if (length <= 0 || (size_t)length > sizeof(der))
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "keystore-pkcs11", NULL,
				       "The token's signature cannot be written");
	return berth_buf_append(signature, der, (size_t)length);
}

static enum berth_err
token_sign(struct berth_private *private, const char *digest, struct berth_bytes message,
	   struct berth_buf *signature, struct berth_why *why)
{
	struct token_key *key = private->state;
	CK_FUNCTION_LIST *call = key->session.module->call;
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
	uint8_t hash[EVP_MAX_MD_SIZE];
	uint8_t raw[RAW_SIGNATURE_MAX];
	unsigned hash_n = 0;
	CK_ULONG n = sizeof(raw);

	if (!EVP_Digest(message.p, message.n, hash, &hash_n, berth_pki_digest(private->pki, digest),
			NULL))
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "keystore-pkcs11", NULL,
				       "The message cannot be hashed");
	/* FIPS 186-5 6.4: the leftmost bits; tokens refuse longer input */
	unsigned order_bytes = (unsigned)(private->kind->bits + 7) / 8;
	if (hash_n > order_bytes)
		hash_n = order_bytes;
	CK_RV rv = call->C_SignInit(key->session.handle, &ecdsa, key->object);
	if (rv == CKR_OK)
		rv = call->C_Sign(key->session.handle, hash, hash_n, raw, &n);
	if (rv != CKR_OK)
		return fail_rv(why, rv, "sign");
	if (n != 2 * (CK_ULONG)order_bytes)
		return berth_fail(why, BERTH_E_CRYPTO, "keystore-pkcs11", "PKCS #11 6.3.1",
				  "The token's signature has %lu bytes, not %u.", (unsigned long)n,
				  2 * order_bytes);
	return append_ecdsa(raw, n, signature, why);
}

static void
token_end(struct berth_private *private)
{
	struct token_key *key = private->state;
	session_end(&key->session);
	free(key);
}

/* CKM_ECDH1_DERIVE without a KDF: the new object is the secret itself, readable in this session and then gone. */
static enum berth_err
read_derived(const struct session *session, CK_OBJECT_HANDLE object, size_t bytes,
	     struct berth_secret *secret, struct berth_why *why)
{
	CK_FUNCTION_LIST *call = session->module->call;
	uint8_t x[66];
	CK_ATTRIBUTE value = {CKA_VALUE, x, sizeof(x)};

	CK_RV rv = call->C_GetAttributeValue(session->handle, object, &value, 1);
	(void)call->C_DestroyObject(session->handle, object);
	if (rv == CKR_OK && value.ulValueLen != bytes)
		rv = CKR_GENERAL_ERROR;
	enum berth_err err = rv == CKR_OK ? berth_secret_copy(secret, berth_bytes_of(x, bytes))
					  : fail_rv(why, rv, "give the secret agreed on");
	berth_wipe(x, sizeof(x));
	return err;
}

static enum berth_err
token_derive(struct berth_private *private, struct berth_bytes point, struct berth_secret *secret,
	     struct berth_why *why)
{
	struct token_key *key = private->state;
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_ULONG bytes = ((CK_ULONG) private->kind->bits + 7) / 8;
	CK_BBOOL yes = CK_TRUE;
	CK_BBOOL no = CK_FALSE;
	CK_OBJECT_HANDLE object = 0;
	uint8_t peer[133];

	memcpy(peer, point.p, point.n);
	CK_ECDH1_DERIVE_PARAMS parameters = {
		.kdf = CKD_NULL, .public_data_len = point.n, .public_data = peer};
	CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &parameters, sizeof(parameters)};
	CK_ATTRIBUTE template[] = {
		{CKA_CLASS, &class, sizeof(class)},	{CKA_KEY_TYPE, &type, sizeof(type)},
		{CKA_VALUE_LEN, &bytes, sizeof(bytes)}, {CKA_TOKEN, &no, sizeof(no)},
		{CKA_SENSITIVE, &no, sizeof(no)},	{CKA_EXTRACTABLE, &yes, sizeof(yes)},
	};
	CK_RV rv = key->session.module->call->C_DeriveKey(
		key->session.handle, &mechanism, key->object, template,
		sizeof(template) / sizeof(template[0]), &object);
	if (rv != CKR_OK)
		return fail_rv(why, rv, "agree on a secret");
	return read_derived(&key->session, object, bytes, secret, why);
}

static const struct berth_private_ops token_ops = {token_sign, token_derive, token_end, NULL};

static enum berth_err
token_load(struct berth_pki *pki, const char *rest, struct berth_key **ret, struct berth_why *why)
{
	struct berth_p11_uri uri;
	BERTH_P11_SESSION session = {NULL, 0};
	CK_OBJECT_HANDLE private_object = 0;
	CK_OBJECT_HANDLE public_object = 0;
	BERTH_BUF spki = {0};

	enum berth_err err = berth_p11_uri_parse(rest, &uri, why);
	if (!err)
		err = session_start(pki, &uri, 0, &session, why);
	if (!err)
		err = find_object(&session, CKO_PRIVATE_KEY, uri.object, &private_object, why);
	if (!err)
		err = find_object(&session, CKO_PUBLIC_KEY, uri.object, &public_object, why);
	if (!err)
		err = read_spki(&session, public_object, &spki, why);
	if (err)
		return err;
	struct token_key *key = calloc(1, sizeof(*key));
	if (key == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "keystore", NULL, "No memory.");
	key->session = session;
	key->object = private_object;
	struct berth_private *private = NULL;
	err = berth_private_make(pki, &token_ops, berth_buf_view(&spki), key, &private, why);
	if (err) {
		free(key);
		return err;
	}
	session.module = NULL; /* the key has it now */
	return berth_private_key(private, ret, why);
}

/* The named curve's OID is in the SubjectPublicKeyInfo's prefix, after the algorithm's. */
static bool
curve_oid(const struct berth_key_kind *kind, struct berth_bytes *ret)
{
	size_t at = kind->bits == 521 ? 14 : 13;

	*ret = berth_bytes_of(kind->prefix.p + at, (size_t)kind->prefix.p[at + 1] + 2);
	return ret->p[0] == BERTH_DER_OID;
}

static enum berth_err
generate_pair(const struct session *session, const struct berth_key_kind *kind,
	      enum berth_key_use use, char *label, struct berth_why *why)
{
	bool is_agreement = use == BERTH_KEY_FOR_AGREEMENT;
	CK_BBOOL yes = CK_TRUE;
	CK_BBOOL no = CK_FALSE;
	CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
	CK_OBJECT_HANDLE public_object = 0;
	CK_OBJECT_HANDLE private_object = 0;
	uint8_t parameters[16];
	struct berth_bytes oid;

	if (!curve_oid(kind, &oid) || oid.n > sizeof(parameters))
		return berth_fail(why, BERTH_E_INTERNAL, "keystore-pkcs11", NULL,
				  "No curve identifier for %s.", kind->name);
	memcpy(parameters, oid.p, oid.n);
	CK_ATTRIBUTE public_template[] = {
		{CKA_TOKEN, &yes, sizeof(yes)},	    {CKA_VERIFY, &yes, sizeof(yes)},
		{CKA_EC_PARAMS, parameters, oid.n}, {CKA_LABEL, label, strlen(label)},
		{CKA_ID, label, strlen(label)},
	};
	CK_ATTRIBUTE private_template[] = {
		{CKA_TOKEN, &yes, sizeof(yes)},
		{CKA_PRIVATE, &yes, sizeof(yes)},
		{CKA_SENSITIVE, &yes, sizeof(yes)},
		{CKA_EXTRACTABLE, &no, sizeof(no)},
		{is_agreement ? CKA_DERIVE : CKA_SIGN, &yes, sizeof(yes)},
		{CKA_LABEL, label, strlen(label)},
		{is_agreement ? CKA_SIGN : CKA_DERIVE, &no, sizeof(no)},
		{CKA_ID, label, strlen(label)},
	};
	CK_RV rv = session->module->call->C_GenerateKeyPair(
		session->handle, &mechanism, public_template,
		sizeof(public_template) / sizeof(public_template[0]), private_template,
		sizeof(private_template) / sizeof(private_template[0]), &public_object,
		&private_object);
	return rv == CKR_OK ? BERTH_OK : fail_rv(why, rv, "generate a key");
}

static enum berth_err
token_generate(struct berth_pki *pki, const char *rest, const struct berth_key_kind *kind,
	       enum berth_key_use use, struct berth_why *why)
{
	struct berth_p11_uri uri;
	struct berth_why absent;
	BERTH_P11_SESSION session = {NULL, 0};
	CK_OBJECT_HANDLE object = 0;

	enum berth_err err = berth_p11_uri_parse(rest, &uri, why);
	if (!err)
		err = session_start(pki, &uri, CKF_RW_SESSION, &session, why);
	if (err)
		return err;
	err = find_object(&session, CKO_PRIVATE_KEY, uri.object, &object, &absent);
	if (err == BERTH_E_NOT_FOUND)
		return generate_pair(&session, kind, use, uri.object, why);
	if (err && err != BERTH_E_MISMATCH) {
		if (why != NULL)
			*why = absent;
		return err;
	}
	return berth_fail(why, BERTH_E_EXISTS, "keystore-exists", NULL,
			  "The token has a key \"%s\" already.", uri.object);
}

static enum berth_err
token_remove(struct berth_pki *pki, const char *rest, struct berth_why *why)
{
	struct berth_p11_uri uri;
	struct berth_why absent;
	BERTH_P11_SESSION session = {NULL, 0};
	CK_OBJECT_HANDLE object = 0;

	enum berth_err err = berth_p11_uri_parse(rest, &uri, why);
	if (!err)
		err = session_start(pki, &uri, CKF_RW_SESSION, &session, why);
	if (!err)
		err = find_object(&session, CKO_PRIVATE_KEY, uri.object, &object, why);
	if (err)
		return err;
	CK_RV rv = session.module->call->C_DestroyObject(session.handle, object);
	if (rv != CKR_OK)
		return fail_rv(why, rv, "destroy the key");
	if (find_object(&session, CKO_PUBLIC_KEY, uri.object, &object, &absent) == BERTH_OK)
		(void)session.module->call->C_DestroyObject(session.handle, object);
	return BERTH_OK;
}

const struct berth_keystore_backend berth_keystore_pkcs11 = {
	"pkcs11", BERTH_STORAGE_TOKEN, token_generate, token_load, token_remove,
};
