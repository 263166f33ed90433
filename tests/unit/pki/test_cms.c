/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "pki/cms.h"
#include "pki/keystore/keystore.h"
#include "pki/ossl.h"
#include "unit/pki/authority.h"

static struct authority authority;

static int
setup(void **state)
{
	authority_start(&authority);
	*state = &authority;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	authority_end(&authority);
	return 0;
}

struct signer {
	struct berth_key *key;
	EVP_PKEY *foreign; /* a key outside the keystore, to sign what the keystore would not */
	struct berth_cert *cert;
	struct berth_cert_list others;
};

static void
signer_end(struct signer *signer)
{
	berth_key_free(signer->key);
	EVP_PKEY_free(signer->foreign);
	berth_cert_free(signer->cert);
	berth_cert_list_free(&signer->others);
}

#define SIGNER __attribute__((cleanup(signer_end))) struct signer

/* From a file: no RSA key is made here, but one that exists may sign. */
static struct berth_key *
rsa_key(void)
{
	char path[] = "/tmp/berth-test-rsa-XXXXXX";
	char uri[64];
	struct berth_key *key = NULL;
	struct berth_why why = {0};
	int fd = mkstemp(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	EVP_PKEY *pkey = EVP_RSA_gen(2048);

	assert_non_null(file);
	assert_int_equal(PEM_write_PKCS8PrivateKey(file, pkey, NULL, NULL, 0, NULL, NULL), 1);
	EVP_PKEY_free(pkey);
	assert_int_equal(fclose(file), 0);
	snprintf(uri, sizeof(uri), "file:%s", path);
	enum berth_err err = berth_keystore_load(authority.pki, uri, &key, &why);
	(void)unlink(path);
	if (err)
		fail_msg("%s: %s", why.rule, why.sentence);
	return key;
}

static struct signer
signer_with(const char *kind, enum berth_cert_profile profile)
{
	struct signer signer = {.key = strcmp(kind, "RSA") == 0 ? rsa_key()
								: authority_key(&authority, kind)};
	struct berth_cert_template wanted =
		authority_template(&authority, profile, "signer", signer.key);

	signer.cert = authority_issue(&authority, &wanted);
	assert_int_equal(berth_cert_list_add(&signer.others, authority.root, NULL), BERTH_OK);
	assert_int_equal(berth_cert_list_add(&signer.others, authority.ca, NULL), BERTH_OK);
	return signer;
}

static struct signer
foreign_signer(void)
{
	unsigned char *spki = NULL;
	struct signer signer = {
		.foreign = EVP_PKEY_Q_keygen(berth_pki_libctx(authority.pki), NULL, "EC", "P-256")};

	int n = i2d_PUBKEY(signer.foreign, &spki);
	assert_int_equal(berth_key_parse_spki(authority.pki, berth_bytes_of(spki, (size_t)n),
					      &signer.key, NULL),
			 BERTH_OK);
	OPENSSL_free(spki);
	struct berth_cert_template wanted =
		authority_template(&authority, BERTH_PROFILE_MASA_SIGNER, "foreign", signer.key);
	signer.cert = authority_issue(&authority, &wanted);
	return signer;
}

static struct berth_cms_fields
fields_of(const struct signer *signer)
{
	return (struct berth_cms_fields){
		.content_type = BERTH_CMS_ANIMA_VOUCHER,
		.content = BERTH_LIT("{\"ietf-voucher:voucher\":{}}"),
		.key = signer->key,
		.signer = signer->cert,
		.others = &signer->others,
		.signing_time = NOW,
	};
}

static void
sign(const struct berth_cms_fields *fields, struct berth_buf *der)
{
	struct berth_why why = {0};

	if (berth_cms_sign(authority.pki, fields, der, &why))
		fail_msg("%s: %s", why.rule, why.sentence);
}

static enum berth_err
open_cms(const struct berth_buf *der, struct berth_cms *cms, struct berth_why *why)
{
	*why = (struct berth_why){0};
	return berth_cms_open(authority.pki, berth_buf_view(der), NULL, cms, why);
}

static void
opens_what_it_signed(void **state)
{
	static const char *const kinds[] = {"P-256", "P-384"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		SIGNER signer = signer_with(kinds[i], BERTH_PROFILE_MASA_SIGNER);
		struct berth_cms_fields fields = fields_of(&signer);
		BERTH_BUF der = {0};
		BERTH_CMS cms = {0};
		struct berth_why why;
		sign(&fields, &der);
		if (open_cms(&der, &cms, &why))
			fail_msg("%s: %s: %s", kinds[i], why.rule, why.sentence);
		assert_int_equal(cms.content_type, BERTH_CMS_ANIMA_VOUCHER);
		assert_true(berth_bytes_equal(berth_buf_view(&cms.content), fields.content));
		assert_int_equal(cms.signing_time.s, NOW.s);
		assert_int_equal(cms.certificates.n, 3);
		assert_true(berth_bytes_equal(berth_cert_der(cms.certificates.at[0]),
					      berth_cert_der(signer.cert)));
		assert_true(berth_bytes_equal(berth_cert_der(cms.certificates.at[1]),
					      berth_cert_der(authority.ca)));
		assert_true(berth_bytes_equal(berth_cert_der(cms.certificates.at[2]),
					      berth_cert_der(authority.root)));
	}
}

/* The version octet of SignedData stands at a fixed place: SEQ, OID, [0], SEQ, INTEGER. */
static uint8_t
version_of(const struct berth_buf *der)
{
	const uint8_t *at = memmem(der->p, der->n, "\x02\x01", 2);
	return at == NULL ? 0 : at[2];
}

/* req: rfc8366-5.4-older */
static void
says_id_data_with_version_one_and_voucher_with_three(void **state)
{
	SIGNER signer = signer_with("P-256", BERTH_PROFILE_MASA_SIGNER);
	struct berth_cms_fields fields = fields_of(&signer);
	BERTH_BUF voucher = {0};
	BERTH_BUF data = {0};
	BERTH_CMS cms = {0};
	struct berth_why why;

	(void)state;
	sign(&fields, &voucher);
	assert_int_equal(version_of(&voucher), 3);
	fields.content_type = BERTH_CMS_DATA;
	fields.omit_signing_time = true;
	sign(&fields, &data);
	assert_int_equal(version_of(&data), 1);
	assert_int_equal(open_cms(&data, &cms, &why), BERTH_OK);
	assert_int_equal(cms.content_type, BERTH_CMS_DATA);
	assert_int_equal(cms.signing_time.s, 0);
}

/* Differential: OpenSSL's own CMS must agree. */
static void
openssl_verifies_what_we_signed(void **state)
{
	SIGNER signer = signer_with("P-256", BERTH_PROFILE_MASA_SIGNER);
	struct berth_cms_fields fields = fields_of(&signer);
	BERTH_BUF der = {0};

	(void)state;
	for (int omit = 0; omit < 2; omit++) {
		fields.omit_signing_time = omit != 0;
		berth_buf_clear(&der);
		sign(&fields, &der);
		const unsigned char *p = der.p;
		CMS_ContentInfo *cms =
			CMS_ContentInfo_new_ex(berth_pki_libctx(authority.pki), NULL);
		BIO *out = BIO_new(BIO_s_mem());
		assert_non_null(d2i_CMS_ContentInfo(&cms, &p, (long)der.n));
		assert_ptr_equal(p, der.p + der.n);
		assert_int_equal(CMS_verify(cms, NULL, NULL, NULL, out,
					    CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY),
				 1);
		assert_int_equal(BIO_pending(out), (int)fields.content.n);
		BIO_free(out);
		CMS_ContentInfo_free(cms);
	}
}

/* An object made by OpenSSL's CMS_sign. */
static void
openssl_sign(const struct signer *signer, unsigned flags, const char *oid, const EVP_MD *md,
	     int signers, struct berth_buf *der)
{
	OSSL_LIB_CTX *libctx = berth_pki_libctx(authority.pki);
	BIO *content = BIO_new_mem_buf("hello", 5);
	unsigned char *bytes = NULL;

	CMS_ContentInfo *cms =
		CMS_sign_ex(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY | flags, libctx, NULL);
	ASN1_OBJECT *type = OBJ_txt2obj(oid, 1);
	assert_int_equal(CMS_set1_eContentType(cms, type), 1);
	for (int i = 0; i < signers; i++)
		assert_non_null(CMS_add1_signer(
			cms, berth_cert_x509(signer->cert), signer->foreign, md,
			CMS_BINARY | CMS_NOSMIMECAP | flags | (i > 0 ? CMS_NOCERTS : 0)));
	assert_int_equal(CMS_final(cms, content, NULL, CMS_BINARY | flags), 1);
	int n = i2d_CMS_ContentInfo(cms, &bytes);
	assert_true(n > 0);
	assert_int_equal(berth_buf_append(der, bytes, (size_t)n), BERTH_OK);
	OPENSSL_free(bytes);
	ASN1_OBJECT_free(type);
	CMS_ContentInfo_free(cms);
	BIO_free(content);
}

struct foreign {
	const char *name;
	unsigned flags;
	const char *oid;
	const char *digest;
	int signers;
	enum berth_err want;
	const char *rule;
};

#define VOUCHER_OID "1.2.840.113549.1.9.16.1.40"

/* req: rfc8366-5.4-signer */
static void
judges_what_openssl_signed(void **state)
{
	static const struct foreign rows[] = {
		{"as it should be", 0, VOUCHER_OID, "SHA256", 1, BERTH_OK, NULL},
		{"SHA-384", 0, VOUCHER_OID, "SHA384", 1, BERTH_OK, NULL},
		{"key id names the signer", CMS_USE_KEYID, VOUCHER_OID, "SHA256", 1, BERTH_OK,
		 NULL},
		{"no signed attributes", CMS_NOATTR, VOUCHER_OID, "SHA256", 1, BERTH_E_UNSUPPORTED,
		 "cms-no-signed-attributes"},
		{"two signers", 0, VOUCHER_OID, "SHA256", 2, BERTH_E_UNSUPPORTED, "cms-one-signer"},
		{"SHA-1", 0, VOUCHER_OID, "SHA1", 1, BERTH_E_UNSUPPORTED, "cms-digest"},
		{"other content", 0, "1.2.840.113549.1.9.16.1.4", "SHA256", 1, BERTH_E_UNSUPPORTED,
		 "cms-econtent-type"},
		{"detached", CMS_DETACHED, VOUCHER_OID, "SHA256", 1, BERTH_E_SYNTAX,
		 "cms-no-content"},
		{"certificate left out", CMS_NOCERTS, VOUCHER_OID, "SHA256", 1, BERTH_E_UNTRUSTED,
		 "cms-signer-unknown"},
	};
	SIGNER signer = foreign_signer();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_BUF der = {0};
		BERTH_CMS cms = {0};
		struct berth_why why;
		openssl_sign(&signer, rows[i].flags, rows[i].oid,
			     EVP_get_digestbyname(rows[i].digest), rows[i].signers, &der);
		enum berth_err err = open_cms(&der, &cms, &why);
		if (err != rows[i].want || (err && strcmp(why.rule, rows[i].rule) != 0))
			fail_msg("%s: %s, %s", rows[i].name, berth_err_name(err),
				 err ? why.rule : "opened");
	}
}

static void
names_the_refused_content_type(void **state)
{
	SIGNER signer = foreign_signer();
	BERTH_BUF der = {0};
	BERTH_CMS cms = {0};
	struct berth_why why;

	(void)state;
	openssl_sign(&signer, 0, "1.2.840.113549.1.9.16.1.4", EVP_sha256(), 1, &der);
	assert_int_equal(open_cms(&der, &cms, &why), BERTH_E_UNSUPPORTED);
	assert_non_null(strstr(why.sentence, "1.2.840.113549.1.9.16.1.4"));
}

static void
finds_the_signer_among_known_certificates(void **state)
{
	SIGNER signer = foreign_signer();
	BERTH_CERT_LIST known = {0};
	BERTH_BUF der = {0};
	BERTH_CMS cms = {0};

	(void)state;
	openssl_sign(&signer, CMS_NOCERTS, VOUCHER_OID, EVP_sha256(), 1, &der);
	assert_int_equal(berth_cert_list_add(&known, authority.ca, NULL), BERTH_OK);
	assert_int_equal(berth_cert_list_add(&known, signer.cert, NULL), BERTH_OK);
	assert_int_equal(berth_cms_open(authority.pki, berth_buf_view(&der), &known, &cms, NULL),
			 BERTH_OK);
	assert_ptr_equal(cms.signer, signer.cert);
}

static void
finds_the_content_alone_and_none_where_there_is_none(void **state)
{
	SIGNER signer = foreign_signer();
	struct berth_bytes content = BERTH_BYTES_NONE;
	BERTH_BUF whole = {0};
	BERTH_BUF der = {0};
	struct berth_why why;

	(void)state;
	openssl_sign(&signer, CMS_DETACHED, VOUCHER_OID, EVP_sha256(), 1, &der);
	assert_int_equal(berth_cms_content(berth_buf_view(&der), &content, &why), BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "cms-no-content");
	assert_int_equal(berth_cms_content(berth_cert_der(signer.cert), &content, &why),
			 BERTH_E_SYNTAX);
	assert_int_equal(berth_cms_content(berth_bytes_of(der.p, der.n - 1), &content, &why),
			 BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "cms-der");
	assert_int_equal(content.n, 0);
	openssl_sign(&signer, 0, VOUCHER_OID, EVP_sha256(), 1, &whole);
	BERTH_CMS cms = {0};
	assert_int_equal(open_cms(&whole, &cms, &why), BERTH_OK);
	assert_int_equal(berth_cms_content(berth_buf_view(&whole), &content, &why), BERTH_OK);
	assert_true(berth_bytes_equal(content, berth_buf_view(&cms.content)));
}

static void
makes_nothing_that_nobody_would_read(void **state)
{
	SIGNER signer = signer_with("P-256", BERTH_PROFILE_MASA_SIGNER);
	struct berth_cms_fields fields = fields_of(&signer);
	BERTH_BUF content = {0};
	BERTH_BUF der = {0};
	struct berth_why why = {0};

	(void)state;
	for (size_t i = 0; i < BERTH_CMS_MAX_BYTES; i++)
		assert_int_equal(berth_buf_append_u8(&content, ' '), BERTH_OK);
	/* too long with what is around it, and too long alone */
	for (size_t n = BERTH_CMS_MAX_BYTES - 1000; n <= BERTH_CMS_MAX_BYTES; n += 1000) {
		fields.content = berth_bytes_of(content.p, n);
		assert_int_equal(berth_cms_sign(authority.pki, &fields, &der, &why), BERTH_E_LIMIT);
		assert_string_equal(why.rule, "cms-size");
		assert_int_equal(der.n, 0);
	}
}

static bool
is_linted(const struct berth_cms_fields *fields, struct berth_bytes der)
{
	struct berth_why why = {0};
	enum berth_err err = berth_cms_lint(authority.pki, fields, der, &why);

	if (err)
		assert_string_equal(why.rule, "cms-lint");
	return err == BERTH_OK;
}

static void
lint_notices_every_field_of_what_was_signed(void **state)
{
	SIGNER signer = signer_with("P-256", BERTH_PROFILE_MASA_SIGNER);
	SIGNER other = signer_with("P-256", BERTH_PROFILE_MASA_SIGNER);
	struct berth_cms_fields fields = fields_of(&signer);
	struct berth_cms_fields changed[8];
	size_t n = 0;
	BERTH_CERT_LIST fewer = {0};
	BERTH_CERT_LIST more = {0};
	BERTH_BUF der = {0};

	(void)state;
	assert_int_equal(berth_cert_list_add(&fewer, authority.ca, NULL), BERTH_OK);
	assert_int_equal(berth_cert_list_add(&more, authority.root, NULL), BERTH_OK);
	assert_int_equal(berth_cert_list_add(&more, authority.ca, NULL), BERTH_OK);
	assert_int_equal(berth_cert_list_add(&more, other.cert, NULL), BERTH_OK);
	for (size_t i = 0; i < 8; i++)
		changed[i] = fields;
	changed[n++].content_type = BERTH_CMS_DATA;
	changed[n++].content = BERTH_LIT("{\"ietf-voucher:voucher\":[]}");
	changed[n++].signer = other.cert;
	changed[n++].others = NULL;
	changed[n++].others = &fewer;
	changed[n++].others = &more;
	changed[n++].signing_time.s += 1;
	changed[n++].omit_signing_time = true;
	sign(&fields, &der);
	assert_true(is_linted(&fields, berth_buf_view(&der)));
	for (size_t i = 0; i < n; i++)
		if (is_linted(&changed[i], berth_buf_view(&der)))
			fail_msg("change %zu went unnoticed", i);
}

/* The signature apart, which stands last: it is looked at by those who rely on it. */
static void
lint_notices_every_byte_of_what_was_signed(void **state)
{
	static const char *const kinds[] = {"P-256", "P-384", "P-256", "RSA"};

	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		SIGNER signer = signer_with(kinds[k], BERTH_PROFILE_MASA_SIGNER);
		struct berth_cms_fields fields = fields_of(&signer);
		BERTH_BUF der = {0};
		BERTH_BUF signature = {0};
		fields.content_type = k % 2 == 0 ? BERTH_CMS_ANIMA_VOUCHER : BERTH_CMS_DATA;
		fields.omit_signing_time = k == 2;
		sign(&fields, &der);
		/* of the same length, or a little longer */
		assert_int_equal(berth_key_sign(signer.key, fields.content, &signature, NULL),
				 BERTH_OK);
		for (size_t at = 0; at + signature.n + 4 < der.n; at++) {
			der.p[at] ^= 1;
			if (is_linted(&fields, berth_buf_view(&der)))
				fail_msg("%s: byte %zu went unnoticed", kinds[k], at);
			der.p[at] ^= 1;
		}
		assert_true(is_linted(&fields, berth_buf_view(&der)));
	}
}

/* No byte of the object may be changed without being noticed, unless nothing that we read depends on it. */
static void
never_shows_content_that_was_not_signed(void **state)
{
	SIGNER signer = signer_with("P-256", BERTH_PROFILE_MASA_SIGNER);
	struct berth_cms_fields fields = fields_of(&signer);
	BERTH_BUF der = {0};

	(void)state;
	fields.others = NULL;
	sign(&fields, &der);
	for (size_t i = 0; i < der.n; i++) {
		BERTH_CMS cms = {0};
		struct berth_why why;
		der.p[i] ^= 1;
		if (open_cms(&der, &cms, &why) == BERTH_OK) {
			assert_true(
				berth_bytes_equal(berth_buf_view(&cms.content), fields.content));
			assert_true(berth_key_equal(berth_cert_key(cms.signer), signer.key));
			assert_int_equal(cms.signing_time.s, NOW.s);
		}
		der.p[i] ^= 1;
	}
}

/* Whoever reopens has seen the signature hold; what is inside must still belong together. */
static void
reopens_without_the_signature_alone(void **state)
{
	SIGNER signer = signer_with("P-256", BERTH_PROFILE_MASA_SIGNER);
	struct berth_cms_fields fields = fields_of(&signer);
	BERTH_BUF der = {0};
	struct berth_why why = {0};

	(void)state;
	fields.others = NULL;
	sign(&fields, &der);
	struct berth_bytes bytes = berth_buf_view(&der);
	uint8_t *content = memmem(der.p, der.n, fields.content.p, fields.content.n);
	BERTH_CMS cms = {0};
	der.p[der.n - 1] ^= 1; /* the signature's last byte */
	assert_int_equal(berth_cms_open(authority.pki, bytes, NULL, &cms, &why), BERTH_E_SIGNATURE);
	assert_int_equal(berth_cms_reopen(authority.pki, bytes, NULL, &cms, &why), BERTH_OK);
	assert_true(berth_bytes_equal(berth_buf_view(&cms.content), fields.content));
	assert_true(berth_key_equal(berth_cert_key(cms.signer), signer.key));
	der.p[der.n - 1] ^= 1;
	BERTH_CMS other = {0};
	*content ^= 1;
	assert_int_equal(berth_cms_reopen(authority.pki, bytes, NULL, &other, &why),
			 BERTH_E_SIGNATURE);
	assert_string_equal(why.rule, "cms-message-digest");
}

/* req: rfc8366-5.4-der */
static void
refuses_ber_and_trailing_bytes(void **state)
{
	SIGNER signer = signer_with("P-256", BERTH_PROFILE_MASA_SIGNER);
	OSSL_LIB_CTX *libctx = berth_pki_libctx(authority.pki);
	BIO *content = BIO_new_mem_buf("hello", 5);
	BIO *out = BIO_new(BIO_s_mem());
	BERTH_BUF der = {0};
	BERTH_CMS cms = {0};
	struct berth_why why;
	char *data = NULL;

	(void)state;
	CMS_ContentInfo *streamed =
		CMS_sign_ex(berth_cert_x509(signer.cert), berth_key_pkey(signer.key), NULL, content,
			    CMS_BINARY | CMS_STREAM, libctx, NULL);
	assert_int_equal(i2d_CMS_bio_stream(out, streamed, content, CMS_STREAM | CMS_BINARY), 1);
	long n = BIO_get_mem_data(out, &data);
	assert_int_equal(berth_buf_append(&der, data, (size_t)n), BERTH_OK);
	assert_int_equal(open_cms(&der, &cms, &why), BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "cms-der");
	CMS_ContentInfo_free(streamed);
	BIO_free(content);
	BIO_free(out);

	struct berth_cms_fields fields = fields_of(&signer);
	berth_buf_clear(&der);
	sign(&fields, &der);
	assert_int_equal(berth_buf_append_u8(&der, 0), BERTH_OK);
	assert_int_equal(open_cms(&der, &cms, &why), BERTH_E_SYNTAX);
	/* NULL: what follows is DER itself */
	berth_buf_clear(&der);
	sign(&fields, &der);
	assert_int_equal(berth_buf_append(&der, "\x05\x00", 2), BERTH_OK);
	assert_int_equal(open_cms(&der, &cms, &why), BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "cms-der");
}

static void
refuses_a_signer_whose_key_is_for_certificates_only(void **state)
{
	struct signer signer = {.key = authority.ca_key, .cert = authority.ca};
	struct berth_cms_fields fields = fields_of(&signer);
	BERTH_BUF der = {0};
	BERTH_CMS cms = {0};
	struct berth_why why;

	(void)state;
	sign(&fields, &der);
	assert_int_equal(open_cms(&der, &cms, &why), BERTH_E_UNTRUSTED);
	assert_string_equal(why.rule, "cms-signer-key-usage");
}

static void
refuses_to_sign_with_another_ones_certificate(void **state)
{
	SIGNER signer = signer_with("P-256", BERTH_PROFILE_MASA_SIGNER);
	struct berth_cms_fields fields = fields_of(&signer);
	BERTH_BUF der = {0};
	struct berth_why why = {0};

	(void)state;
	fields.signer = authority.ca;
	assert_int_equal(berth_cms_sign(authority.pki, &fields, &der, &why), BERTH_E_MISMATCH);
	assert_int_equal(der.n, 0);
}

static void
carries_certificates_only(void **state)
{
	BERTH_CERT_LIST list = {0};
	BERTH_CERT_LIST read = {0};
	BERTH_BUF der = {0};
	BERTH_CMS cms = {0};
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(berth_cms_certs_build(authority.pki, &list, &der, NULL), BERTH_E_USAGE);
	assert_int_equal(berth_cert_list_add(&list, authority.ca, NULL), BERTH_OK);
	assert_int_equal(berth_cert_list_add(&list, authority.root, NULL), BERTH_OK);
	assert_int_equal(berth_cms_certs_build(authority.pki, &list, &der, NULL), BERTH_OK);
	assert_int_equal(berth_cms_certs_parse(authority.pki, berth_buf_view(&der), &read, &why),
			 BERTH_OK);
	assert_int_equal(read.n, 2);
	assert_true(berth_cert_list_has(&read, authority.ca));
	assert_true(berth_cert_list_has(&read, authority.root));
	assert_int_equal(open_cms(&der, &cms, &why), BERTH_E_UNSUPPORTED);

	/* one by its bytes is the same as a list of one; half of one is none */
	struct berth_bytes ca = berth_cert_der(authority.ca);
	BERTH_CERT_LIST one = {0};
	BERTH_BUF built = {0};
	berth_buf_clear(&der);
	assert_int_equal(berth_cert_list_add(&one, authority.ca, NULL), BERTH_OK);
	assert_int_equal(berth_cms_certs_build(authority.pki, &one, &built, NULL), BERTH_OK);
	assert_int_equal(berth_cms_certs_wrap(ca, &der, &why), BERTH_OK);
	assert_true(berth_bytes_equal(berth_buf_view(&der), berth_buf_view(&built)));
	assert_int_equal(berth_cms_certs_wrap(berth_bytes_of(ca.p, ca.n - 1), &der, &why),
			 BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "cms-certs-only");

	SIGNER signer = signer_with("P-256", BERTH_PROFILE_MASA_SIGNER);
	struct berth_cms_fields fields = fields_of(&signer);
	berth_buf_clear(&der);
	sign(&fields, &der);
	assert_int_equal(berth_cms_certs_parse(authority.pki, berth_buf_view(&der), &read, &why),
			 BERTH_E_SYNTAX);
	assert_int_equal(read.n, 2);
}

/* In both orders: one of them is not that of a DER SET. */
static void
keeps_the_order_of_a_bag(void **state)
{
	struct berth_cert *certs[] = {authority.ca, authority.root, authority.ca};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		BERTH_CERT_LIST list = {0};
		BERTH_CERT_LIST read = {0};
		BERTH_BUF ber = {0};
		assert_int_equal(berth_cms_certs_bag(&list, &ber, NULL), BERTH_E_USAGE);
		for (size_t k = 0; k < 2; k++)
			assert_int_equal(berth_cert_list_add(&list, certs[i + k], NULL), BERTH_OK);
		assert_int_equal(berth_cms_certs_bag(&list, &ber, NULL), BERTH_OK);
		assert_int_equal(
			berth_cms_certs_parse(authority.pki, berth_buf_view(&ber), &read, NULL),
			BERTH_OK);
		assert_int_equal(read.n, 2);
		for (size_t k = 0; k < 2; k++)
			assert_true(berth_bytes_equal(berth_cert_der(read.at[k]),
						      berth_cert_der(certs[i + k])));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_it_signed),
		cmocka_unit_test(says_id_data_with_version_one_and_voucher_with_three),
		cmocka_unit_test(openssl_verifies_what_we_signed),
		cmocka_unit_test(judges_what_openssl_signed),
		cmocka_unit_test(names_the_refused_content_type),
		cmocka_unit_test(finds_the_signer_among_known_certificates),
		cmocka_unit_test(finds_the_content_alone_and_none_where_there_is_none),
		cmocka_unit_test(never_shows_content_that_was_not_signed),
		cmocka_unit_test(makes_nothing_that_nobody_would_read),
		cmocka_unit_test(lint_notices_every_field_of_what_was_signed),
		cmocka_unit_test(lint_notices_every_byte_of_what_was_signed),
		cmocka_unit_test(reopens_without_the_signature_alone),
		cmocka_unit_test(refuses_ber_and_trailing_bytes),
		cmocka_unit_test(refuses_a_signer_whose_key_is_for_certificates_only),
		cmocka_unit_test(refuses_to_sign_with_another_ones_certificate),
		cmocka_unit_test(carries_certificates_only),
		cmocka_unit_test(keeps_the_order_of_a_bag),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
