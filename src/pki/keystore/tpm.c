/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys in a TPM 2.0, on its Enhanced System API. A key is made in the TPM and fixed to it; only digests and public points
 * go in. A key that could have been made elsewhere or moved there is refused: who asks for storage class "tpm" relies on it.
 */
#include <stdlib.h>

#include <openssl/ecdsa.h>
#include <tss2/tss2_mu.h>

#include "base/secret.h"
#include "pki/keystore/key_file.h"
#include "pki/keystore/private.h"
#include "pki/keystore/tpm_blob.h"
#include "pki/keystore/tpm_link.h"
#include "pki/keystore/tpm_uri.h"
#include "pki/ossl_annot.h"

/* TCG provisioning guidance 7.5.1: where a storage root key is, when somebody has made one. */
#define STORAGE_ROOT 0x81000001U
#define ALWAYS_ASKED (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_SENSITIVEDATAORIGIN)

struct tpm_key {
	struct berth_tpm_uri uri;
	TPMS_ECC_POINT point;	    /* as it was when it was loaded */
	struct berth_tpm_blob blob; /* of a key in a file */
};

static const struct {
	const char *kind;
	TPM2_ECC_CURVE curve;
	uint16_t bytes;
} curves[] = {
	{"P-256", TPM2_ECC_NIST_P256, 32},
	{"P-384", TPM2_ECC_NIST_P384, 48},
	{"P-521", TPM2_ECC_NIST_P521, 66},
};
#define CURVES (sizeof(curves) / sizeof(curves[0]))

static const char *
tcti_of(const struct berth_pki *pki, const struct berth_tpm_uri *uri)
{
	if (uri->tcti[0] != '\0')
		return uri->tcti;
	return pki->tpm_tcti[0] != '\0' ? pki->tpm_tcti : BERTH_TPM_TCTI_DEFAULT;
}

/* ---- templates ---- */

static TPM2B_PUBLIC
ecc_template(TPM2_ECC_CURVE curve, TPMA_OBJECT purpose)
{
	TPM2B_PUBLIC template = {0};
	TPMT_PUBLIC *public = &template.publicArea;

	public->type = TPM2_ALG_ECC;
	public->nameAlg = TPM2_ALG_SHA256;
	public->objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
				   TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
				   TPMA_OBJECT_NODA | purpose;
	public->parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
	public->parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
	public->parameters.eccDetail.curveID = curve;
	public->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
	return template;
}

static TPM2B_PUBLIC
storage_template(void)
{
	TPM2B_PUBLIC template =
		ecc_template(TPM2_ECC_NIST_P256, TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT);
	TPMT_SYM_DEF_OBJECT *symmetric = &template.publicArea.parameters.eccDetail.symmetric;

	symmetric->algorithm = TPM2_ALG_AES;
	symmetric->keyBits.aes = 128;
	symmetric->mode.aes = TPM2_ALG_CFB;
	return template;
}

/* Part 1, 14.4: a primary is a function of its template; the handle in it gives each handle its own key. */
static void
put_handle(TPM2B_PUBLIC *template, uint32_t handle, uint16_t bytes)
{
	TPM2B_ECC_PARAMETER *x = &template->publicArea.unique.ecc.x;
	TPM2B_ECC_PARAMETER *y = &template->publicArea.unique.ecc.y;

	x->size = bytes;
	y->size = bytes;
	for (int i = 0; i < 4; i++)
		x->buffer[i] = (uint8_t)(handle >> (24 - 8 * i));
}

static ESYS_TR
hierarchy_of(const struct berth_tpm_uri *uri)
{
	switch (uri->hierarchy) {
	case BERTH_TPM_OWNER:
		return ESYS_TR_RH_OWNER;
	case BERTH_TPM_ENDORSEMENT:
		return ESYS_TR_RH_ENDORSEMENT;
	case BERTH_TPM_PLATFORM:
		return ESYS_TR_RH_PLATFORM;
	}
	return ESYS_TR_RH_OWNER;
}

static TSS2_RC
make_primary(struct berth_tpm *tpm, ESYS_TR hierarchy, const TPM2B_PUBLIC *template, ESYS_TR *ret)
{
	static const TPM2B_SENSITIVE_CREATE no_password;
	static const TPM2B_DATA no_data;
	static const TPML_PCR_SELECTION no_pcrs;

	TSS2_RC rc = Esys_CreatePrimary(tpm->esys, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE,
					ESYS_TR_NONE, &no_password, template, &no_data, &no_pcrs,
					ret, NULL, NULL, NULL, NULL);
	if (rc == TSS2_RC_SUCCESS)
		berth_tpm_note_loaded(tpm, *ret);
	return rc;
}

/* ---- objects ---- */

/* TPM2_RC_HANDLE, as the TPM says it of a handle without a key, stays recognisable. */
static TSS2_RC
open_handle(struct berth_tpm *tpm, uint32_t handle, ESYS_TR *ret, TPM2B_PUBLIC **ret_public)
{
	TSS2_RC rc = Esys_TR_FromTPMPublic(tpm->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE,
					   ESYS_TR_NONE, ret);
	if (rc == TSS2_RC_SUCCESS && ret_public != NULL)
		rc = Esys_ReadPublic(tpm->esys, *ret, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				     ret_public, NULL, NULL);
	return rc;
}

/* Can it hold other keys? */
static bool
is_storage(const TPM2B_PUBLIC *public)
{
	const TPMA_OBJECT both = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
	return (public->publicArea.objectAttributes & both) == both;
}

/* The key above: the named one, or what the owner hierarchy's standard template gives. */
static TSS2_RC
open_parent(struct berth_tpm *tpm, uint32_t parent, ESYS_TR *ret)
{
	const TPM2B_PUBLIC template = storage_template();

	if (parent != BERTH_TPM_PARENT_OWNER)
		return open_handle(tpm, parent, ret, NULL);
	return make_primary(tpm, ESYS_TR_RH_OWNER, &template, ret);
}

/* For a new key: the storage root key that is there already is at hand; making one takes long. */
static TSS2_RC
choose_parent(struct berth_tpm *tpm, ESYS_TR *ret, uint32_t *ret_parent)
{
	TPM2B_PUBLIC *public = NULL;

	TSS2_RC rc = open_handle(tpm, STORAGE_ROOT, ret, &public);
	bool is_there = rc == TSS2_RC_SUCCESS && is_storage(public);
	Esys_Free(public);
	*ret_parent = is_there ? STORAGE_ROOT : BERTH_TPM_PARENT_OWNER;
	return is_there ? TSS2_RC_SUCCESS : open_parent(tpm, BERTH_TPM_PARENT_OWNER, ret);
}

static TSS2_RC
load_blob(struct berth_tpm *tpm, const struct berth_tpm_blob *blob, ESYS_TR *ret)
{
	ESYS_TR parent = ESYS_TR_NONE;
	TPM2B_PUBLIC public = {0};
	TPM2B_PRIVATE private = {0};

	TSS2_RC rc = Tss2_MU_TPM2B_PUBLIC_Unmarshal(blob->public, blob->public_n, NULL, &public);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_PRIVATE_Unmarshal(blob->private, blob->private_n, NULL,
						     &private);
	if (rc != TSS2_RC_SUCCESS)
		return TPM2_RC_INTEGRITY;
	rc = open_parent(tpm, blob->parent, &parent);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Load(tpm->esys, parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
			       &private, &public, ret);
	if (rc == TSS2_RC_SUCCESS)
		berth_tpm_note_loaded(tpm, *ret);
	return rc;
}

static bool
is_same_number(const TPM2B_ECC_PARAMETER *a, const TPM2B_ECC_PARAMETER *b)
{
	return a->size == b->size && memcmp(a->buffer, b->buffer, a->size) == 0;
}

/* For use: a handle may have got another key since, whose signatures nobody could make sense of. */
static TSS2_RC
open_same_key(struct berth_tpm *tpm, const struct tpm_key *key, ESYS_TR *ret)
{
	TPM2B_PUBLIC *public = NULL;

	if (key->uri.handle == 0)
		return load_blob(tpm, &key->blob, ret);
	TSS2_RC rc = open_handle(tpm, key->uri.handle, ret, &public);
	if (rc == TSS2_RC_SUCCESS &&
	    (!is_same_number(&public->publicArea.unique.ecc.x, &key->point.x) ||
	     !is_same_number(&public->publicArea.unique.ecc.y, &key->point.y)))
		rc = BERTH_TPM_RC_EXCHANGED;
	Esys_Free(public);
	return rc;
}

static TSS2_RC
open_key(struct berth_tpm *tpm, const struct tpm_key *key, ESYS_TR *ret, TPM2B_PUBLIC **ret_public)
{
	if (key->uri.handle != 0)
		return open_handle(tpm, key->uri.handle, ret, ret_public);
	TSS2_RC rc = load_blob(tpm, &key->blob, ret);
	if (rc == TSS2_RC_SUCCESS && ret_public != NULL)
		rc = Esys_ReadPublic(tpm->esys, *ret, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				     ret_public, NULL, NULL);
	return rc;
}

/* ---- the public part ---- */

static enum berth_err
check_public(const TPM2B_PUBLIC *public, struct berth_why *why)
{
	const TPMA_OBJECT attributes = public->publicArea.objectAttributes;

	if (public->publicArea.type != TPM2_ALG_ECC)
		return berth_fail(why, BERTH_E_UNSUPPORTED, "keystore-kind", NULL,
				  "The TPM's key is not of elliptic curves.");
	if ((attributes & ALWAYS_ASKED) != ALWAYS_ASKED)
		return berth_fail(why, BERTH_E_DENIED, "keystore-tpm-duplicable",
				  "TPM 2.0 part 1, 23",
				  "The key was not made in this TPM or may leave it: make it with "
				  "fixedtpm and sensitivedataorigin.");
	if ((attributes & TPMA_OBJECT_RESTRICTED) != 0)
		return berth_fail(why, BERTH_E_USAGE, "keystore-tpm-restricted",
				  "TPM 2.0 part 1, 25.1.1",
				  "The key is restricted: it signs what the TPM made itself, and "
				  "nothing else.");
	return BERTH_OK;
}

/* Numbers of the TPM may come without their leading zeros. */
static void
put_number(const TPM2B_ECC_PARAMETER *number, uint8_t *out, size_t bytes)
{
	size_t n = number->size < bytes ? number->size : bytes;

	memset(out, 0, bytes - n);
	memcpy(out + bytes - n, number->buffer, n);
}

static enum berth_err
write_spki(const TPM2B_PUBLIC *public, struct berth_buf *spki, struct berth_why *why)
{
	const TPMS_ECC_POINT *point = &public->publicArea.unique.ecc;
	uint8_t xy[2 * 66];

	for (size_t i = 0; i < CURVES; i++) {
		if (curves[i].curve != public->publicArea.parameters.eccDetail.curveID)
			continue;
		put_number(&point->x, xy, curves[i].bytes);
		put_number(&point->y, xy + curves[i].bytes, curves[i].bytes);
		enum berth_err err =
			berth_buf_append_bytes(spki, berth_key_kind_named(curves[i].kind)->prefix);
		return err ? err : berth_buf_append(spki, xy, (size_t)2 * curves[i].bytes);
	}
	return berth_fail(why, BERTH_E_UNSUPPORTED, "keystore-kind", NULL,
			  "The TPM's key is not on P-256, P-384 or P-521.");
}

/* ---- use ---- */

struct signing {
	const struct tpm_key *key;
	TPM2B_DIGEST digest;
	TPMT_SIG_SCHEME scheme;
	TPMT_SIGNATURE signature;
};

static TSS2_RC
run_sign(struct berth_tpm *tpm, void *context)
{
	struct signing *signing = context;
	const TPMT_TK_HASHCHECK unrestricted = {.tag = TPM2_ST_HASHCHECK,
						.hierarchy = TPM2_RH_NULL};
	ESYS_TR key = ESYS_TR_NONE;
	TPMT_SIGNATURE *signature = NULL;

	TSS2_RC rc = open_same_key(tpm, signing->key, &key);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Sign(tpm->esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
			       &signing->digest, &signing->scheme, &unrestricted, &signature);
	if (rc == TSS2_RC_SUCCESS)
		signing->signature = *signature;
	Esys_Free(signature);
	return rc;
}

static enum berth_err
append_ecdsa(const TPMS_SIGNATURE_ECDSA *pair, struct berth_buf *signature, struct berth_why *why)
{
	uint8_t der[160];
	uint8_t *p = der;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(pair->signatureR.buffer, pair->signatureR.size, NULL);
	BIGNUM *s = BN_bin2bn(pair->signatureS.buffer, pair->signatureS.size, NULL);

	if (sig == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		ECDSA_SIG_free(sig);
		return berth_fail(why, BERTH_E_MEMORY, "keystore", NULL, "No memory.");
	}
	int n = i2d_ECDSA_SIG(sig, NULL);
	if (n > 0 && (size_t)n <= sizeof(der))
		n = i2d_ECDSA_SIG(sig, &p);
	ECDSA_SIG_free(sig);
	if (n <= 0 || (size_t)n > sizeof(der))
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "keystore-tpm", NULL,
				       "The TPM's signature cannot be written");
	return berth_buf_append(signature, der, (size_t)n);
}

static enum berth_err
tpm_sign(struct berth_private *private, const char *digest, struct berth_bytes message,
	 struct berth_buf *signature, struct berth_why *why)
{
	const struct tpm_key *key = private->state;
	struct signing signing = {.key = key, .scheme = {.scheme = TPM2_ALG_ECDSA}};
	const struct berth_tpm_visit visit = {tcti_of(private->pki, &key->uri), "sign", run_sign,
					      &signing};
	unsigned n = 0;

	if (!EVP_Digest(message.p, message.n, signing.digest.buffer, &n,
			berth_pki_digest(private->pki, digest), NULL))
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "keystore-tpm", NULL,
				       "The message cannot be hashed");
	signing.digest.size = (uint16_t)n;
	signing.scheme.details.ecdsa.hashAlg = n == 32	 ? TPM2_ALG_SHA256
					       : n == 48 ? TPM2_ALG_SHA384
							 : TPM2_ALG_SHA512;
	enum berth_err err = berth_tpm_visit(&visit, why);
	return err ? err : append_ecdsa(&signing.signature.signature.ecdsa, signature, why);
}

struct agreement {
	const struct tpm_key *key;
	TPM2B_ECC_POINT peer;
	TPM2B_ECC_PARAMETER x; /* of the shared point: the secret */
};

static TSS2_RC
run_derive(struct berth_tpm *tpm, void *context)
{
	struct agreement *agreement = context;
	ESYS_TR key = ESYS_TR_NONE;
	TPM2B_ECC_POINT *point = NULL;

	TSS2_RC rc = open_same_key(tpm, agreement->key, &key);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_ECDH_ZGen(tpm->esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
				    &agreement->peer, &point);
	if (rc == TSS2_RC_SUCCESS) {
		agreement->x = point->point.x;
		berth_wipe(point, sizeof(*point));
	}
	Esys_Free(point);
	return rc;
}

static enum berth_err
tpm_derive(struct berth_private *private, struct berth_bytes point, struct berth_secret *secret,
	   struct berth_why *why)
{
	const struct tpm_key *key = private->state;
	const size_t bytes = ((size_t) private->kind->bits + 7) / 8;
	struct agreement agreement = {.key = key};
	const struct berth_tpm_visit visit = {tcti_of(private->pki, &key->uri), "agree on a secret",
					      run_derive, &agreement};
	uint8_t x[66];

	agreement.peer.point.x.size = (uint16_t)bytes;
	agreement.peer.point.y.size = (uint16_t)bytes;
	memcpy(agreement.peer.point.x.buffer, point.p + 1, bytes);
	memcpy(agreement.peer.point.y.buffer, point.p + 1 + bytes, bytes);
	enum berth_err err = berth_tpm_visit(&visit, why);
	if (!err) {
		put_number(&agreement.x, x, bytes);
		err = berth_secret_copy(secret, berth_bytes_of(x, bytes));
	}
	berth_wipe(x, sizeof(x));
	berth_wipe(&agreement, sizeof(agreement));
	return err;
}

static void
tpm_end(struct berth_private *private)
{
	free(private->state);
}

static const struct berth_private_ops tpm_ops = {tpm_sign, tpm_derive, tpm_end, NULL};

/* ---- load ---- */

struct reading {
	const struct tpm_key *key;
	TPM2B_PUBLIC public;
};

static TSS2_RC
run_read(struct berth_tpm *tpm, void *context)
{
	struct reading *reading = context;
	ESYS_TR key = ESYS_TR_NONE;
	TPM2B_PUBLIC *public = NULL;

	TSS2_RC rc = open_key(tpm, reading->key, &key, &public);
	if (rc == TSS2_RC_SUCCESS)
		reading->public = *public;
	Esys_Free(public);
	return rc;
}

static enum berth_err
read_blob(const char *path, struct berth_tpm_blob *ret, struct berth_why *why)
{
	BERTH_BUF pem = {0};

	enum berth_err err = berth_key_file_read(path, &pem, why);
	return err ? err : berth_tpm_blob_parse(berth_buf_view(&pem), ret, why);
}

static enum berth_err
read_key(const struct berth_pki *pki, const char *rest, struct tpm_key *key, struct berth_buf *spki,
	 struct berth_why *why)
{
	struct reading reading = {.key = key};
	struct berth_tpm_visit visit = {NULL, "show the key", run_read, &reading};

	enum berth_err err = berth_tpm_uri_parse(rest, &key->uri, why);
	if (!err && key->uri.handle == 0)
		err = read_blob(key->uri.file, &key->blob, why);
	if (err)
		return err;
	visit.tcti = tcti_of(pki, &key->uri);
	err = berth_tpm_visit(&visit, why);
	if (!err)
		err = check_public(&reading.public, why);
	key->point = reading.public.publicArea.unique.ecc;
	return err ? err : write_spki(&reading.public, spki, why);
}

static enum berth_err
tpm_load(struct berth_pki *pki, const char *rest, struct berth_key **ret, struct berth_why *why)
{
	BERTH_BUF spki = {0};
	struct berth_private *private = NULL;

	struct tpm_key *key = calloc(1, sizeof(*key));
	if (key == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "keystore", NULL, "No memory.");
	enum berth_err err = read_key(pki, rest, key, &spki, why);
	if (!err)
		err = berth_private_make(pki, &tpm_ops, berth_buf_view(&spki), key, &private, why);
	if (err) {
		free(key);
		return err;
	}
	return berth_private_key(private, ret, why);
}

/* ---- generate, remove ---- */

struct making {
	const struct berth_tpm_uri *uri;
	TPM2B_PUBLIC template;
	struct berth_tpm_blob blob; /* made, for a key in a file */
};

static TSS2_RC
keep_at_handle(struct berth_tpm *tpm, const struct berth_tpm_uri *uri, ESYS_TR object)
{
	ESYS_TR kept = ESYS_TR_NONE;
	ESYS_TR authority =
		uri->hierarchy == BERTH_TPM_PLATFORM ? ESYS_TR_RH_PLATFORM : ESYS_TR_RH_OWNER;

	return Esys_EvictControl(tpm->esys, authority, object, ESYS_TR_PASSWORD, ESYS_TR_NONE,
				 ESYS_TR_NONE, uri->handle, &kept);
}

static TSS2_RC
write_blob(const TPM2B_PUBLIC *public, const TPM2B_PRIVATE *private, struct berth_tpm_blob *blob)
{
	blob->public_n = 0;
	blob->private_n = 0;
	TSS2_RC rc = Tss2_MU_TPM2B_PUBLIC_Marshal(public, blob->public, sizeof(blob->public),
						  &blob->public_n);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_PRIVATE_Marshal(private, blob->private, sizeof(blob->private),
						   &blob->private_n);
	return rc;
}

/* A random key below the storage root key. */
static TSS2_RC
make_child(struct berth_tpm *tpm, struct making *making)
{
	static const TPM2B_SENSITIVE_CREATE no_password;
	static const TPM2B_DATA no_data;
	static const TPML_PCR_SELECTION no_pcrs;
	ESYS_TR parent = ESYS_TR_NONE;
	ESYS_TR object = ESYS_TR_NONE;
	TPM2B_PRIVATE *private = NULL;
	TPM2B_PUBLIC *public = NULL;

	TSS2_RC rc = choose_parent(tpm, &parent, &making->blob.parent);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Create(tpm->esys, parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
				 &no_password, &making->template, &no_data, &no_pcrs, &private,
				 &public, NULL, NULL, NULL);
	if (rc == TSS2_RC_SUCCESS)
		rc = write_blob(public, private, &making->blob);
	if (rc == TSS2_RC_SUCCESS && making->uri->handle != 0) {
		rc = Esys_Load(tpm->esys, parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
			       private, public, &object);
		if (rc == TSS2_RC_SUCCESS) {
			berth_tpm_note_loaded(tpm, object);
			rc = keep_at_handle(tpm, making->uri, object);
		}
	}
	Esys_Free(private);
	Esys_Free(public);
	return rc;
}

static TSS2_RC
run_make(struct berth_tpm *tpm, void *context)
{
	struct making *making = context;
	const struct berth_tpm_uri *uri = making->uri;
	ESYS_TR object = ESYS_TR_NONE;

	/* The TPM would say so too, but only after it has made the key. */
	if (uri->handle != 0 && open_handle(tpm, uri->handle, &object, NULL) == TSS2_RC_SUCCESS)
		return TPM2_RC_NV_DEFINED;
	if (uri->hierarchy == BERTH_TPM_OWNER)
		return make_child(tpm, making);
	TSS2_RC rc = make_primary(tpm, hierarchy_of(uri), &making->template, &object);
	return rc == TSS2_RC_SUCCESS ? keep_at_handle(tpm, uri, object) : rc;
}

static enum berth_err
keep_in_file(const struct berth_tpm_uri *uri, const struct berth_tpm_blob *blob,
	     struct berth_why *why)
{
	BERTH_BUF pem = {0};

	enum berth_err err = berth_tpm_blob_encode(blob, &pem, why);
	return err ? err : berth_key_file_write(uri->file, berth_buf_view(&pem), why);
}

static enum berth_err
tpm_generate(struct berth_pki *pki, const char *rest, const struct berth_key_kind *kind,
	     enum berth_key_use use, struct berth_why *why)
{
	struct berth_tpm_uri uri;
	struct making making = {.uri = &uri};
	struct berth_tpm_visit visit = {NULL, "make a key", run_make, &making};
	size_t curve = 0;

	enum berth_err err = berth_tpm_uri_parse(rest, &uri, why);
	if (!err && uri.handle == 0)
		err = berth_key_file_is_free(uri.file, why);
	if (err)
		return err;
	while (curve + 1 < CURVES && strcmp(curves[curve].kind, kind->name) != 0)
		curve++;
	making.template = ecc_template(curves[curve].curve, use == BERTH_KEY_FOR_AGREEMENT
								    ? TPMA_OBJECT_DECRYPT
								    : TPMA_OBJECT_SIGN_ENCRYPT);
	if (uri.hierarchy != BERTH_TPM_OWNER)
		put_handle(&making.template, uri.handle, curves[curve].bytes);
	visit.tcti = tcti_of(pki, &uri);
	err = berth_tpm_visit(&visit, why);
	if (!err && uri.handle == 0)
		err = keep_in_file(&uri, &making.blob, why);
	return err;
}

static TSS2_RC
run_remove(struct berth_tpm *tpm, void *context)
{
	const struct berth_tpm_uri *uri = context;
	ESYS_TR object = ESYS_TR_NONE;

	TSS2_RC rc = open_handle(tpm, uri->handle, &object, NULL);
	return rc == TSS2_RC_SUCCESS ? keep_at_handle(tpm, uri, object) : rc;
}

static enum berth_err
tpm_remove(struct berth_pki *pki, const char *rest, struct berth_why *why)
{
	struct berth_tpm_uri uri;
	struct berth_tpm_visit visit = {NULL, "remove the key", run_remove, &uri};

	enum berth_err err = berth_tpm_uri_parse(rest, &uri, why);
	if (err)
		return err;
	/* A wrapped key is nowhere but in its file. */
	if (uri.handle == 0)
		return berth_key_file_remove(uri.file, why);
	visit.tcti = tcti_of(pki, &uri);
	return berth_tpm_visit(&visit, why);
}

const struct berth_keystore_backend berth_keystore_tpm = {
	"tpm", BERTH_STORAGE_TPM, tpm_generate, tpm_load, tpm_remove,
};
