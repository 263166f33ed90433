/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A path above an issuer that is known from before spares OpenSSL's path building. Each question here is asked
 * of somebody who knows the issuer's path and of somebody who knows nothing: the answers must be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/conf.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "pki/library.h"
#include "unit/pki/authority.h"

static struct authority authority;

struct world {
	struct berth_key *key;
	struct berth_cert *plain;
	struct berth_cert_list sent, anchors;
};

static struct world world;

static struct berth_cert *
issue(enum berth_cert_profile profile, const char *name)
{
	struct berth_cert_template wanted =
		authority_template(&authority, profile, name, world.key);
	return authority_issue(&authority, &wanted);
}

static int
setup(void **state)
{
	(void)state;
	authority_start(&authority);
	world.key = authority_key(&authority, "P-256");
	world.plain = issue(BERTH_PROFILE_LDEVID, "plain");
	assert_int_equal(berth_cert_list_add(&world.sent, authority.ca, NULL), BERTH_OK);
	assert_int_equal(berth_cert_list_add(&world.anchors, authority.root, NULL), BERTH_OK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	berth_key_free(world.key);
	berth_cert_free(world.plain);
	berth_cert_list_free(&world.sent);
	berth_cert_list_free(&world.anchors);
	authority_end(&authority);
	return 0;
}

static struct berth_path_check
check_of(const struct berth_cert *leaf)
{
	return (struct berth_path_check){
		.leaf = leaf, .untrusted = &world.sent, .anchors = &world.anchors, .at = NOW};
}

/* The rule that refuses it, "" where it holds; the same from who knows the path above plain and who does not. */
static const char *
verdict(const struct berth_path_check *check, const struct berth_path_check *known)
{
	static struct berth_why why;
	struct berth_why cold = {0};
	struct berth_pki *stranger = NULL, *acquainted = NULL;

	why = (struct berth_why){0};
	assert_int_equal(berth_pki_open(&stranger, NULL), BERTH_OK);
	assert_int_equal(berth_pki_open(&acquainted, NULL), BERTH_OK);
	assert_int_equal(berth_path_verify(acquainted, known, NULL, NULL), BERTH_OK);
	enum berth_err err = berth_path_verify(stranger, check, NULL, &cold);
	assert_int_equal(berth_path_verify(acquainted, check, NULL, &why), err);
	assert_string_equal(why.rule == NULL ? "" : why.rule, cold.rule == NULL ? "" : cold.rule);
	berth_pki_close(stranger);
	berth_pki_close(acquainted);
	return err == BERTH_OK ? "" : why.rule;
}

static const char *
verdict_on(const struct berth_cert *leaf)
{
	const struct berth_path_check known = check_of(world.plain);
	const struct berth_path_check check = check_of(leaf);
	return verdict(&check, &known);
}

/* The keys of the authority's folder, in the order in which they were made. */
enum { ROOT_KEY, CA_KEY, LEAF_KEY };

/* x is taken. */
static struct berth_cert *
signed_again(X509 *x, unsigned key, const EVP_MD *digest)
{
	unsigned char *der = NULL;
	struct berth_cert *made = NULL;
	char path[80];

	(void)snprintf(path, sizeof(path), "%s/%u.key", authority.folder, key);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	EVP_PKEY *private =
		PEM_read_PrivateKey(file, NULL, NULL, NULL); /* OpenSSL's own may do SHA-1 */
	assert_int_equal(fclose(file), 0);
	assert_non_null(private);
	assert_true(X509_sign(x, private, digest) > 0);
	EVP_PKEY_free(private);
	int n = i2d_X509(x, &der);
	assert_true(n > 0);
	assert_int_equal(
		berth_cert_parse(authority.pki, berth_bytes_of(der, (size_t)n), &made, NULL),
		BERTH_OK);
	OPENSSL_free(der);
	X509_free(x);
	return made;
}

/* cert with one extension more, or in place of the one it has. */
static struct berth_cert *
with(const struct berth_cert *cert, unsigned issuer_key, int nid, const char *value)
{
	X509 *x = X509_dup(berth_cert_x509(cert));
	X509V3_CTX context;
	X509V3_set_ctx(&context, berth_cert_x509(authority.root), x, NULL, NULL, 0);
	CONF *none = NCONF_new(NULL); /* some values are not read without */
	X509V3_set_nconf(&context, none);
	X509_EXTENSION *extension = X509V3_EXT_nconf_nid(none, &context, nid, value);
	int at = X509_get_ext_by_NID(x, nid, -1);

	if (extension == NULL)
		fail_msg("%s", value);
	if (at >= 0)
		X509_EXTENSION_free(X509_delete_ext(x, at));
	assert_int_equal(X509_add_ext(x, extension, -1), 1);
	X509_EXTENSION_free(extension);
	NCONF_free(none);
	return signed_again(x, issuer_key, EVP_sha256());
}

static void
knows_the_path_above_a_second_certificate(void **state)
{
	struct berth_cert *second = issue(BERTH_PROFILE_LDEVID, "second");
	const struct berth_path_check known = check_of(world.plain);
	const struct berth_path_check check = check_of(second);
	struct berth_pki *pki = NULL;

	(void)state;
	assert_int_equal(berth_pki_open(&pki, NULL), BERTH_OK);
	assert_null(berth_path_known(pki, &check, check.anchors));
	assert_int_equal(berth_path_verify(pki, &known, NULL, NULL), BERTH_OK);
	const struct berth_cert_list *above = berth_path_known(pki, &check, check.anchors);
	assert_non_null(above);
	assert_int_equal(above->n, 2);
	assert_ptr_equal(above->at[0], authority.ca);
	assert_ptr_equal(above->at[1], authority.root);
	assert_string_equal(verdict_on(second), "");
	berth_pki_close(pki);
	berth_cert_free(second);
}

static void
judges_the_end_certificate_as_openssl_does(void **state)
{
	static const struct {
		int nid;
		const char *value, *rule;
	} rows[] = {
		{NID_basic_constraints, "critical,CA:TRUE", ""},
		{NID_inhibit_any_policy, "critical,1", ""},
		{NID_issuer_alt_name, "critical,DNS:a.example", "x509-path-invalid"},
		{NID_authority_key_identifier, "keyid:always", "x509-path-untrusted"},
		{NID_authority_key_identifier, "keyid:always,issuer:always", "x509-path-untrusted"},
		{NID_proxyCertInfo, "critical,language:id-ppl-anyLanguage", "x509-path-invalid"},
		{NID_sbgp_autonomousSysNum, "critical,AS:64500", "x509-path-invalid"},
		{NID_netscape_comment, "not critical, and nobody's matter", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct berth_cert *leaf = with(world.plain, CA_KEY, rows[i].nid, rows[i].value);
		assert_string_equal(verdict_on(leaf), rows[i].rule);
		berth_cert_free(leaf);
	}
}

static void
refuses_a_weak_or_forged_signature(void **state)
{
	(void)state;
	struct berth_cert *leaf =
		signed_again(X509_dup(berth_cert_x509(world.plain)), CA_KEY, EVP_sha1());
	assert_string_equal(verdict_on(leaf), "x509-weak");
	berth_cert_free(leaf);
	leaf = signed_again(X509_dup(berth_cert_x509(world.plain)), LEAF_KEY, EVP_sha256());
	assert_string_equal(verdict_on(leaf), "x509-signature");
	berth_cert_free(leaf);
}

static void
judges_each_date_in_the_path(void **state)
{
	struct berth_path_check known = check_of(world.plain);
	struct berth_cert_template wanted =
		authority_template(&authority, BERTH_PROFILE_LDEVID, "lasting", world.key);
	wanted.not_after.s += 86400; /* its issuers end before it, and begin after it */
	wanted.not_before.s -= 86400;
	struct berth_cert *leaf = authority_issue(&authority, &wanted);
	struct berth_path_check check = check_of(leaf);
	const struct berth_wall edges[] = {
		berth_cert_not_before(authority.root), berth_cert_not_after(authority.root),
		berth_cert_not_before(authority.ca),   berth_cert_not_after(authority.ca),
		berth_cert_not_before(world.plain),    berth_cert_not_after(world.plain),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		for (int off = -1; off <= 1; off++) {
			check.at.s = edges[i].s + off;
			(void)verdict(&check, &known);
			check.leaf = world.plain;
			(void)verdict(&check, &known);
			check.leaf = leaf;
		}
	}
	check.at.s = berth_cert_not_after(authority.ca).s + 1;
	assert_string_equal(verdict(&check, &known), "x509-expired");
	check.ignore_time = true;
	assert_string_equal(verdict(&check, &known), "");
	berth_cert_free(leaf);
}

static void
builds_a_path_anew_from_other_certificates(void **state)
{
	const struct berth_path_check known = check_of(world.plain);
	struct berth_cert *leaf = issue(BERTH_PROFILE_LDEVID, "another");
	struct berth_path_check check = check_of(leaf);
	BERTH_CERT_LIST others = {0};

	(void)state;
	check.untrusted = NULL;
	assert_string_equal(verdict(&check, &known), "x509-path-untrusted");
	check.untrusted = &world.sent;
	check.anchors = &others;
	assert_int_equal(berth_cert_list_add(&others, world.plain, NULL), BERTH_OK);
	assert_string_equal(verdict(&check, &known), "x509-path-untrusted");
	assert_int_equal(berth_cert_list_add(&others, authority.root, NULL), BERTH_OK);
	assert_string_equal(verdict(&check, &known), "");
	berth_cert_free(leaf);
}

/* What a CA's constraint on names says of one certificate it does not say of the next. */
static void
keeps_nothing_below_a_constraint(void **state)
{
	struct berth_cert *ca = with(authority.ca, ROOT_KEY, NID_name_constraints,
				     "critical,permitted;DNS:good.example");
	struct berth_cert *good =
		with(world.plain, CA_KEY, NID_subject_alt_name, "DNS:a.good.example");
	struct berth_cert *bad =
		with(world.plain, CA_KEY, NID_subject_alt_name, "DNS:a.bad.example");
	BERTH_CERT_LIST sent = {0};
	struct berth_path_check known = check_of(good);
	struct berth_path_check check = check_of(bad);

	(void)state;
	assert_int_equal(berth_cert_list_add(&sent, ca, NULL), BERTH_OK);
	known.untrusted = &sent;
	check.untrusted = &sent;
	assert_string_equal(verdict(&check, &known), "x509-path-invalid");
	check.leaf = good;
	assert_string_equal(verdict(&check, &known), "");
	berth_cert_free(ca);
	berth_cert_free(good);
	berth_cert_free(bad);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_path_above_a_second_certificate),
		cmocka_unit_test(judges_the_end_certificate_as_openssl_does),
		cmocka_unit_test(refuses_a_weak_or_forged_signature),
		cmocka_unit_test(judges_each_date_in_the_path),
		cmocka_unit_test(builds_a_path_anew_from_other_certificates),
		cmocka_unit_test(keeps_nothing_below_a_constraint),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
