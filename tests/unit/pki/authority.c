/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/pki/authority.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/x509v3.h>

#include "pki/library.h"

struct berth_key *
authority_key(struct authority *authority, const char *kind)
{
	char uri[128];
	struct berth_why why = {0};
	struct berth_key *key = NULL;

	(void)snprintf(uri, sizeof(uri), "file:%s/%u.key", authority->folder,
		       authority->next_key++);
	if (berth_keystore_generate(authority->pki, uri, kind, &key, &why))
		fail_msg("%s: %s", why.rule, why.sentence);
	return key;
}

struct berth_cert_template
authority_template(struct authority *authority, enum berth_cert_profile profile, const char *name,
		   const struct berth_key *key)
{
	struct berth_cert_template wanted = {
		.profile = profile,
		.not_before = {NOW.s - 86400},
		.not_after = {NOW.s + 86400},
		.common_name = berth_text(name),
		.key = key,
	};
	struct berth_random random = berth_pki_random(authority->pki);

	berth_random_fill(&random, wanted.serial, sizeof(wanted.serial));
	wanted.serial[0] = (wanted.serial[0] & 0x7f) | 1;
	return wanted;
}

struct berth_cert *
authority_issue_by(struct authority *authority, const struct berth_cert_template *wanted,
		   const struct berth_cert *issuer, struct berth_key *issuer_key)
{
	BERTH_BUF der = {0};
	struct berth_why why = {0};
	struct berth_cert *cert = NULL;

	if (berth_issue(authority->pki, wanted, issuer, issuer_key, &der, &why) ||
	    berth_cert_parse(authority->pki, berth_buf_view(&der), &cert, &why))
		fail_msg("%s: %s", why.rule, why.sentence);
	return cert;
}

struct berth_cert *
authority_issue(struct authority *authority, const struct berth_cert_template *wanted)
{
	return authority_issue_by(authority, wanted, authority->ca, authority->ca_key);
}

struct berth_cert *
authority_reissue_as_ca(struct authority *authority, const struct berth_cert *cert,
			struct berth_key *issuer_key)
{
	X509 *x = X509_dup(berth_cert_x509(cert));
	EVP_MD_CTX *sign = EVP_MD_CTX_new();
	X509_EXTENSION *is_ca =
		X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
	unsigned char *der = NULL;
	struct berth_cert *made = NULL;
	int at = X509_get_ext_by_NID(x, NID_basic_constraints, -1);

	if (at >= 0)
		X509_EXTENSION_free(X509_delete_ext(x, at));
	assert_int_equal(X509_add_ext(x, is_ca, -1), 1);
	assert_int_equal(EVP_DigestSignInit_ex(sign, NULL, "SHA256",
					       berth_pki_libctx(authority->pki), NULL,
					       berth_key_pkey(issuer_key), NULL),
			 1);
	assert_true(X509_sign_ctx(x, sign) > 0);
	int n = i2d_X509(x, &der);
	assert_true(n > 0);
	assert_int_equal(
		berth_cert_parse(authority->pki, berth_bytes_of(der, (size_t)n), &made, NULL),
		BERTH_OK);
	OPENSSL_free(der);
	X509_EXTENSION_free(is_ca);
	EVP_MD_CTX_free(sign);
	X509_free(x);
	return made;
}

void
authority_start(struct authority *authority)
{
	*authority = (struct authority){0};
	(void)snprintf(authority->folder, sizeof(authority->folder), "/tmp/berth-pki-XXXXXX");
	assert_non_null(mkdtemp(authority->folder));
	assert_int_equal(berth_pki_open(&authority->pki, NULL), BERTH_OK);
	authority->root_key = authority_key(authority, "P-384");
	authority->ca_key = authority_key(authority, "P-256");
	struct berth_cert_template wanted = authority_template(authority, BERTH_PROFILE_ROOT_CA,
							       "Test Root", authority->root_key);
	authority->root = authority_issue_by(authority, &wanted, NULL, authority->root_key);
	wanted = authority_template(authority, BERTH_PROFILE_ISSUING_CA, "Test Issuing",
				    authority->ca_key);
	authority->ca =
		authority_issue_by(authority, &wanted, authority->root, authority->root_key);
}

void
authority_end(struct authority *authority)
{
	char command[128];

	berth_cert_free(authority->root);
	berth_cert_free(authority->ca);
	berth_key_free(authority->root_key);
	berth_key_free(authority->ca_key);
	berth_pki_close(authority->pki);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", authority->folder);
	assert_int_equal(system(command), 0);
}
