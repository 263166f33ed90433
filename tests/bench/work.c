/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/work.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/base64.h"
#include "bench/bench.h"
#include "pki/ossl.h"

#define ANIMA_VOUCHER "1.2.840.113549.1.9.16.1.40"
#define SIGN_FLAGS (CMS_PARTIAL | CMS_BINARY | CMS_NOSMIMECAP)
#define SERIAL_BYTES 16
#define LIFETIME_S (365L * 86400)

static void
need(bool is_fine, const char *what)
{
	if (!is_fine) {
		ERR_print_errors_fp(stderr);
		bench_die("bench-practical: %s", what);
	}
}

X509 *
work_cert_read(struct berth_pki *pki, const char *path)
{
	X509 *cert = X509_new_ex(berth_pki_libctx(pki), NULL);
	BIO *bio = BIO_new_file(path, "r");
	need(cert && bio && PEM_read_bio_X509(bio, &cert, NULL, NULL), path);
	BIO_free(bio);
	return cert;
}

void
work_party_open(struct berth_pki *pki, const char *cert, const char *above, const char *key,
		struct work_party *ret)
{
	BIO *bio = BIO_new_file(key, "r");
	*ret = (struct work_party){.cert = work_cert_read(pki, cert),
				   .above = above ? work_cert_read(pki, above) : NULL};
	if (bio) {
		ret->key = PEM_read_bio_PrivateKey_ex(bio, NULL, NULL, NULL, berth_pki_libctx(pki),
						      NULL);
	}
	BIO_free(bio);
	need(ret->key && X509_check_private_key(ret->cert, ret->key) == 1, key);
}

void
work_party_close(struct work_party *party)
{
	X509_free(party->cert);
	X509_free(party->above);
	EVP_PKEY_free(party->key);
	*party = (struct work_party){0};
}

void
work_check_cert(X509 *cert, X509 *issuer)
{
	need(X509_verify(cert, X509_get0_pubkey(issuer)) == 1, "a certificate's signature");
}

static void
append_der(const void *object, i2d_of_void *encode, struct berth_buf *ret)
{
	unsigned char *der = NULL;
	int n = encode(object, &der);
	need(n > 0 && berth_buf_append(ret, der, (size_t)n) == BERTH_OK, "an encoding");
	OPENSSL_free(der);
}

static int
encode_cms(const void *object, unsigned char **der)
{
	return i2d_CMS_ContentInfo(object, der);
}

static int
encode_pkcs7(const void *object, unsigned char **der)
{
	return i2d_PKCS7(object, der);
}

void
work_cms_sign(struct berth_pki *pki, const struct work_party *party, struct berth_bytes content,
	      struct berth_buf *ret)
{
	ASN1_OBJECT *type = OBJ_txt2obj(ANIMA_VOUCHER, 1);
	BIO *bio = BIO_new_mem_buf(content.p, (int)content.n);
	CMS_ContentInfo *cms =
		CMS_sign_ex(NULL, NULL, NULL, NULL, SIGN_FLAGS, berth_pki_libctx(pki), NULL);
	need(type && bio && cms && CMS_set1_eContentType(cms, type) == 1 &&
		     CMS_add1_signer(cms, party->cert, party->key, EVP_sha256(), SIGN_FLAGS) &&
		     (!party->above || CMS_add1_cert(cms, party->above) == 1) &&
		     CMS_final(cms, bio, NULL, SIGN_FLAGS) == 1,
	     "a CMS signature");
	append_der(cms, encode_cms, ret);
	CMS_ContentInfo_free(cms);
	BIO_free(bio);
	ASN1_OBJECT_free(type);
}

static void
check_signers(CMS_ContentInfo *cms, X509 *issuer)
{
	STACK_OF(X509) *signers = CMS_get0_signers(cms);
	need(sk_X509_num(signers) == 1, "one signer");
	work_check_cert(sk_X509_value(signers, 0), issuer);
	sk_X509_free(signers);
}

void
work_cms_check(struct berth_pki *pki, struct berth_bytes der, X509 *signer, X509 *issuer,
	       struct berth_buf *ret)
{
	const unsigned char *p = der.p;
	CMS_ContentInfo *cms = CMS_ContentInfo_new_ex(berth_pki_libctx(pki), NULL);
	BIO *out = BIO_new(BIO_s_mem());
	STACK_OF(X509) *known = sk_X509_new_null();
	unsigned flags = CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY | (signer ? CMS_NOINTERN : 0);
	need(cms && out && known && (!signer || sk_X509_push(known, signer) > 0) &&
		     d2i_CMS_ContentInfo(&cms, &p, (long)der.n) &&
		     CMS_verify(cms, known, NULL, NULL, out, flags) == 1,
	     "a CMS verification");
	if (!signer) {
		check_signers(cms, issuer);
	}
	char *content = NULL;
	long n = BIO_get_mem_data(out, &content);
	need(n > 0 && berth_buf_append(ret, content, (size_t)n) == BERTH_OK, "a CMS content");
	sk_X509_free(known);
	BIO_free(out);
	CMS_ContentInfo_free(cms);
}

/* Without OpenSSL's encoders, which take as long as two verifications. */
static void
copy_key(X509_REQ *request, X509 *cert)
{
	ASN1_OBJECT *algorithm = NULL;
	const unsigned char *bits = NULL;
	int n = 0;
	X509_ALGOR *parameters = NULL;
	need(X509_PUBKEY_get0_param(&algorithm, &bits, &n, &parameters,
				    X509_REQ_get_X509_PUBKEY(request)) == 1,
	     "a public key");
	const void *curve = NULL;
	int curve_type = V_ASN1_UNDEF; /* without it OpenSSL leaves curve alone */
	X509_ALGOR_get0(NULL, &curve_type, &curve, parameters);
	unsigned char *copy = OPENSSL_memdup(bits, (size_t)n);
	need(copy && curve_type == V_ASN1_OBJECT &&
		     X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(cert), OBJ_dup(algorithm),
					    V_ASN1_OBJECT, OBJ_dup(curve), copy, n) == 1,
	     "a public key");
}

static void
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	need(extension && X509_add_ext(cert, extension, -1) == 1, value);
	X509_EXTENSION_free(extension);
}

static X509 *
issue(struct berth_pki *pki, const struct work_party *issuer, X509_REQ *request)
{
	unsigned char serial[SERIAL_BYTES];
	X509 *cert = X509_new_ex(berth_pki_libctx(pki), NULL);
	need(cert && RAND_bytes_ex(berth_pki_libctx(pki), serial, sizeof(serial), 0) == 1,
	     "a certificate");
	serial[0] = (unsigned char)((serial[0] & 0x7f) | 1);
	BIGNUM *number = BN_bin2bn(serial, sizeof(serial), NULL);
	need(number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) &&
		     X509_set_version(cert, X509_VERSION_3) == 1 &&
		     X509_set_issuer_name(cert, X509_get_subject_name(issuer->cert)) == 1 &&
		     X509_set_subject_name(cert, X509_REQ_get_subject_name(request)) == 1 &&
		     X509_gmtime_adj(X509_getm_notBefore(cert), 0) &&
		     X509_gmtime_adj(X509_getm_notAfter(cert), LIFETIME_S),
	     "a certificate's fields");
	BN_free(number);
	copy_key(request, cert);
	add_extension(cert, issuer->cert, NID_basic_constraints, "critical,CA:FALSE");
	add_extension(cert, issuer->cert, NID_key_usage, "critical,digitalSignature");
	add_extension(cert, issuer->cert, NID_ext_key_usage, "clientAuth");
	add_extension(cert, issuer->cert, NID_subject_key_identifier, "hash");
	add_extension(cert, issuer->cert, NID_authority_key_identifier, "keyid");
	need(X509_sign(cert, issuer->key, EVP_sha256()) > 0, "a certificate's signature");
	return cert;
}

static void
append_certs_only(struct berth_pki *pki, X509 *cert, struct berth_buf *ret)
{
	struct berth_buf der = {0};
	PKCS7 *pkcs7 = PKCS7_new_ex(berth_pki_libctx(pki), NULL);
	need(pkcs7 && PKCS7_set_type(pkcs7, NID_pkcs7_signed) == 1 &&
		     PKCS7_content_new(pkcs7, NID_pkcs7_data) == 1 &&
		     PKCS7_set_detached(pkcs7, 1) == 1 && PKCS7_add_certificate(pkcs7, cert) == 1,
	     "certs-only");
	append_der(pkcs7, encode_pkcs7, &der);
	PKCS7_free(pkcs7);
	need(berth_base64_encode(berth_buf_view(&der), 0, ret) == BERTH_OK, "base64");
	berth_buf_free(&der);
}

void
work_enrol(struct berth_pki *pki, const struct work_party *issuer, struct berth_bytes base64,
	   struct berth_buf *ret)
{
	struct berth_buf der = {0};
	need(berth_base64_decode(base64, true, &der, NULL) == BERTH_OK, "base64");
	const unsigned char *p = der.p;
	X509_REQ *request = X509_REQ_new_ex(berth_pki_libctx(pki), NULL);
	need(request && d2i_X509_REQ(&request, &p, (long)der.n) &&
		     X509_REQ_verify_ex(request, X509_REQ_get0_pubkey(request),
					berth_pki_libctx(pki), NULL) == 1,
	     "a certification request");
	X509 *cert = issue(pki, issuer, request);
	append_certs_only(pki, cert, ret);
	X509_free(cert);
	X509_REQ_free(request);
	berth_buf_free(&der);
}
