/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

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

struct chain {
	struct berth_key *key;
	struct berth_cert *leaf;
	struct berth_cert_list untrusted, anchors;
};

static void
chain_end(struct chain *chain)
{
	berth_key_free(chain->key);
	berth_cert_free(chain->leaf);
	berth_cert_list_free(&chain->untrusted);
	berth_cert_list_free(&chain->anchors);
}

#define CHAIN __attribute__((cleanup(chain_end))) struct chain

static struct chain
registrar_chain(void)
{
	struct chain chain = {.key = authority_key(&authority, "P-256")};
	struct berth_cert_template wanted =
		authority_template(&authority, BERTH_PROFILE_REGISTRAR, "registrar", chain.key);

	chain.leaf = authority_issue(&authority, &wanted);
	assert_int_equal(berth_cert_list_add(&chain.untrusted, authority.ca, NULL), BERTH_OK);
	assert_int_equal(berth_cert_list_add(&chain.anchors, authority.root, NULL), BERTH_OK);
	return chain;
}

static struct berth_path_check
check_of(const struct chain *chain)
{
	return (struct berth_path_check){
		.leaf = chain->leaf,
		.untrusted = &chain->untrusted,
		.anchors = &chain->anchors,
		.at = NOW,
	};
}

static enum berth_err
verify(const struct berth_path_check *check, struct berth_cert_list *path, struct berth_why *why)
{
	struct berth_pki *stranger = NULL;
	BERTH_CERT_LIST built = {0};
	struct berth_why first = {0};

	*why = (struct berth_why){0};
	enum berth_err err = berth_path_verify(authority.pki, check, path, why);
	/* What is kept of other paths (pki/path_kept.h) changes no verdict. */
	assert_int_equal(berth_pki_open(&stranger, NULL), BERTH_OK);
	assert_int_equal(berth_path_verify(stranger, check, &built, &first), err);
	if (err)
		assert_string_equal(first.rule, why->rule);
	for (size_t i = 0; err == BERTH_OK && path != NULL && i < path->n; i++)
		assert_ptr_equal(path->at[i], built.at[i]);
	berth_pki_close(stranger);
	return err;
}

static void
accepts_a_path_to_the_root_and_shows_it(void **state)
{
	CHAIN chain = registrar_chain();
	struct berth_path_check check = check_of(&chain);
	BERTH_CERT_LIST path = {0};
	struct berth_why why;

	(void)state;
	check.require_eku = BERTH_EKU_CMC_RA | BERTH_EKU_SERVER_AUTH;
	check.require_eku_present = true;
	assert_int_equal(verify(&check, &path, &why), BERTH_OK);
	assert_int_equal(path.n, 3);
	assert_ptr_equal(path.at[0], chain.leaf);
	assert_ptr_equal(path.at[1], authority.ca);
	assert_ptr_equal(path.at[2], authority.root);
}

static void
accepts_any_certificate_as_anchor(void **state)
{
	CHAIN chain = registrar_chain();
	struct berth_path_check check = check_of(&chain);
	BERTH_CERT_LIST anchors = {0};
	BERTH_CERT_LIST path = {0};
	struct berth_why why;

	(void)state;
	check.anchors = &anchors;
	assert_int_equal(verify(&check, NULL, &why), BERTH_E_UNTRUSTED);
	assert_string_equal(why.rule, "x509-no-anchors");
	assert_int_equal(berth_cert_list_add(&anchors, authority.ca, NULL), BERTH_OK);
	check.untrusted = NULL;
	assert_int_equal(verify(&check, &path, &why), BERTH_OK);
	assert_int_equal(path.n, 2);
	berth_cert_list_free(&anchors);
	berth_cert_list_free(&path);
	assert_int_equal(berth_cert_list_add(&anchors, chain.leaf, NULL), BERTH_OK);
	assert_int_equal(verify(&check, &path, &why), BERTH_OK);
	assert_int_equal(path.n, 1);
}

static void
refuses_a_path_without_its_middle(void **state)
{
	CHAIN chain = registrar_chain();
	struct berth_path_check check = check_of(&chain);
	struct berth_why why;

	(void)state;
	check.untrusted = NULL;
	assert_int_equal(verify(&check, NULL, &why), BERTH_E_UNTRUSTED);
	assert_string_equal(why.rule, "x509-path-untrusted");
	assert_non_null(strstr(why.sentence, "CN=registrar"));
}

static void
tells_expired_from_untrusted(void **state)
{
	CHAIN chain = registrar_chain();
	struct berth_path_check check = check_of(&chain);
	struct berth_why why;

	(void)state;
	check.at.s = NOW.s + 86401;
	assert_int_equal(verify(&check, NULL, &why), BERTH_E_EXPIRED);
	assert_string_equal(why.rule, "x509-expired");
	check.ignore_time = true;
	assert_int_equal(verify(&check, NULL, &why), BERTH_OK);
	check.ignore_time = false;
	check.at.s = NOW.s - 86401;
	assert_int_equal(verify(&check, NULL, &why), BERTH_E_EXPIRED);
	assert_string_equal(why.rule, "x509-not-yet-valid");
	check.at.s = NOW.s + 86399;
	assert_int_equal(verify(&check, NULL, &why), BERTH_OK);
}

static void
refuses_a_forged_signature(void **state)
{
	CHAIN chain = registrar_chain();
	struct berth_bytes der = berth_cert_der(chain.leaf);
	BERTH_BUF forged = {0};
	struct berth_why why;

	(void)state;
	assert_int_equal(berth_buf_append_bytes(&forged, der), BERTH_OK);
	forged.p[forged.n - 1] ^= 1;
	berth_cert_free(chain.leaf);
	assert_int_equal(
		berth_cert_parse(authority.pki, berth_buf_view(&forged), &chain.leaf, NULL),
		BERTH_OK);
	struct berth_path_check check = check_of(&chain);
	assert_int_equal(verify(&check, NULL, &why), BERTH_E_SIGNATURE);
	assert_string_equal(why.rule, "x509-signature");
}

/* One key of each curve verifies for all of them: what was in it before must not matter. */
static void
verifies_with_the_key_that_is_asked_for(void **state)
{
	struct berth_key *own[] = {authority_key(&authority, "P-256"),
				   authority_key(&authority, "P-256")};
	struct berth_bytes message = BERTH_LIT("what is signed");
	struct berth_cert *of[2];
	BERTH_BUF signature = {0};
	BERTH_BUF off = {0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct berth_cert_template wanted =
			authority_template(&authority, BERTH_PROFILE_LDEVID, "one of two", own[i]);
		of[i] = authority_issue(&authority, &wanted);
	}
	assert_int_equal(berth_key_sign(own[0], message, &signature, NULL), BERTH_OK);
	struct berth_bytes made = berth_buf_view(&signature);
	assert_int_equal(berth_key_verify(berth_cert_key(of[1]), message, made, NULL),
			 BERTH_E_SIGNATURE);
	assert_int_equal(berth_key_verify(berth_cert_key(of[0]), message, made, NULL), BERTH_OK);
	assert_int_equal(berth_key_verify(berth_cert_key(of[1]), message, made, NULL),
			 BERTH_E_SIGNATURE);
	/* a point that is not on the curve is refused, and leaves nothing behind */
	struct berth_bytes spki = berth_key_spki(own[0]);
	struct berth_bytes der = berth_cert_der(of[0]);
	assert_int_equal(berth_buf_append_bytes(&off, der), BERTH_OK);
	uint8_t *at = memmem(off.p, off.n, spki.p, spki.n);
	assert_non_null(at);
	at[spki.n - 1] ^= 1;
	struct berth_cert *cert = NULL;
	struct berth_why why = {0};
	assert_int_equal(berth_cert_parse(authority.pki, berth_buf_view(&off), &cert, &why),
			 BERTH_E_UNSUPPORTED);
	assert_string_equal(why.rule, "pki-key-kind");
	assert_int_equal(berth_key_verify(berth_cert_key(of[1]), message, made, NULL),
			 BERTH_E_SIGNATURE);
	for (size_t i = 0; i < 2; i++) {
		berth_cert_free(of[i]);
		berth_key_free(own[i]);
	}
}

/* The signatures are known from the first check; all else is judged again (pki/proof.h). */
static void
judges_a_path_it_has_seen_before(void **state)
{
	CHAIN chain = registrar_chain();
	CHAIN forged = registrar_chain();
	struct berth_path_check check = check_of(&chain);
	struct berth_bytes der = berth_cert_der(chain.leaf);
	BERTH_BUF bytes = {0};
	struct berth_why why;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(verify(&check, NULL, &why), BERTH_OK);
	check.at.s = NOW.s + 86401;
	assert_int_equal(verify(&check, NULL, &why), BERTH_E_EXPIRED);
	check.at = NOW;
	check.anchors = &forged.untrusted; /* the issuing CA as anchor: another path, as good */
	assert_int_equal(verify(&check, NULL, &why), BERTH_OK);
	/* The same words under another signature. */
	assert_int_equal(berth_buf_append_bytes(&bytes, der), BERTH_OK);
	bytes.p[bytes.n - 1] ^= 1;
	berth_cert_free(forged.leaf);
	assert_int_equal(
		berth_cert_parse(authority.pki, berth_buf_view(&bytes), &forged.leaf, NULL),
		BERTH_OK);
	check = check_of(&forged);
	for (int i = 0; i < 2; i++)
		assert_int_equal(verify(&check, NULL, &why), BERTH_E_SIGNATURE);
}

/* A CA with the name and key identifier of a known one, but another key, signed nothing of it. */
static void
refuses_a_namesake_of_a_known_issuer(void **state)
{
	CHAIN chain = registrar_chain();
	struct berth_key *other = authority_key(&authority, "P-256");
	struct berth_bytes from = berth_key_spki(berth_cert_key(authority.ca));
	struct berth_bytes to = berth_key_spki(other);
	BERTH_BUF bytes = {0};
	BERTH_CERT *namesake = NULL;
	struct berth_why why;

	(void)state;
	assert_int_equal(berth_buf_append_bytes(&bytes, berth_cert_der(authority.ca)), BERTH_OK);
	uint8_t *at = memmem(bytes.p, bytes.n, from.p, from.n);
	assert_non_null(at);
	assert_int_equal(from.n, to.n);
	memcpy(at, to.p, to.n);
	assert_int_equal(berth_cert_parse(authority.pki, berth_buf_view(&bytes), &namesake, NULL),
			 BERTH_OK);
	struct berth_cert_list anchors = {.at = {authority.ca}, .n = 1};
	struct berth_path_check check = {.leaf = chain.leaf, .anchors = &anchors, .at = NOW};
	assert_int_equal(verify(&check, NULL, &why), BERTH_OK);
	anchors.at[0] = namesake;
	assert_int_equal(verify(&check, NULL, &why), BERTH_E_SIGNATURE);
	berth_key_free(other);
}

static void
parses_the_same_bytes_once(void **state)
{
	struct berth_bytes der = berth_cert_der(authority.ca);
	BERTH_CERT *first = NULL;
	BERTH_CERT *second = NULL;

	(void)state;
	assert_int_equal(berth_cert_parse(authority.pki, der, &first, NULL), BERTH_OK);
	assert_int_equal(berth_cert_parse(authority.pki, der, &second, NULL), BERTH_OK);
	assert_ptr_equal(first, second);
	berth_cert_free(first);
	first = NULL;
	assert_true(berth_bytes_equal(berth_cert_der(second), der));
}

static void
judges_extended_key_usage_itself(void **state)
{
	CHAIN chain = registrar_chain();
	struct berth_path_check check = check_of(&chain);
	struct berth_why why;

	(void)state;
	struct berth_cert_template wanted =
		authority_template(&authority, BERTH_PROFILE_SERVER, "masa", chain.key);
	berth_cert_free(chain.leaf);
	chain.leaf = authority_issue(&authority, &wanted);
	check.leaf = chain.leaf;
	check.require_eku = BERTH_EKU_SERVER_AUTH;
	assert_int_equal(verify(&check, NULL, &why), BERTH_OK);
	check.require_eku = BERTH_EKU_CMC_RA;
	assert_int_equal(verify(&check, NULL, &why), BERTH_E_UNTRUSTED);
	assert_string_equal(why.rule, "x509-eku");
	assert_non_null(strstr(why.sentence, "cmcRA"));
}

static void
refuses_absent_usage_only_where_it_must_be_there(void **state)
{
	CHAIN chain = registrar_chain();
	struct berth_path_check check = check_of(&chain);
	struct berth_why why;

	(void)state;
	struct berth_cert_template wanted =
		authority_template(&authority, BERTH_PROFILE_IDEVID, "device", chain.key);
	berth_cert_free(chain.leaf);
	chain.leaf = authority_issue(&authority, &wanted);
	check.leaf = chain.leaf;
	check.require_eku = BERTH_EKU_CLIENT_AUTH;
	assert_int_equal(verify(&check, NULL, &why), BERTH_OK);
	check.require_eku_present = true;
	assert_int_equal(verify(&check, NULL, &why), BERTH_E_UNTRUSTED);
	assert_string_equal(why.rule, "x509-eku-absent");
}

static void
ends_a_path_at_a_pinned_key(void **state)
{
	CHAIN chain = registrar_chain();
	struct berth_path_check check = check_of(&chain);
	BERTH_CERT_LIST path = {0};
	struct berth_why why;

	(void)state;
	check.anchors = NULL;
	check.anchor_key = authority.ca_key;
	assert_int_equal(verify(&check, &path, &why), BERTH_OK);
	assert_int_equal(path.n, 2);
	berth_cert_list_free(&path);
	check.anchor_key = chain.key;
	check.untrusted = NULL;
	assert_int_equal(verify(&check, &path, &why), BERTH_OK);
	assert_int_equal(path.n, 1);
	check.at.s = NOW.s + 86401;
	assert_int_equal(verify(&check, NULL, &why), BERTH_E_EXPIRED);
	check.at = NOW;
	check.anchor_key = authority.root_key;
	check.untrusted = &chain.untrusted;
	assert_int_equal(verify(&check, NULL, &why), BERTH_E_UNTRUSTED);
}

/* A certificate that claims the pinned key without the leaf being signed by it. */
static void
refuses_a_pinned_key_that_did_not_sign(void **state)
{
	CHAIN chain = registrar_chain();
	struct berth_key *other_key = authority_key(&authority, "P-256");
	struct berth_cert_template wanted =
		authority_template(&authority, BERTH_PROFILE_ROOT_CA, "Test Issuing", other_key);
	struct berth_cert *other = authority_issue_by(&authority, &wanted, NULL, other_key);
	struct berth_path_check check = check_of(&chain);
	struct berth_why why;

	(void)state;
	assert_int_equal(berth_cert_list_add(&chain.untrusted, other, NULL), BERTH_OK);
	check.anchors = NULL;
	check.anchor_key = other_key;
	assert_int_not_equal(verify(&check, NULL, &why), BERTH_OK);
	berth_cert_free(other);
	berth_key_free(other_key);
}

static void
refuses_a_leaf_as_issuer(void **state)
{
	CHAIN chain = registrar_chain();
	struct berth_key *key = authority_key(&authority, "P-256");
	struct berth_cert_template wanted =
		authority_template(&authority, BERTH_PROFILE_LDEVID, "child", key);
	BERTH_BUF der = {0};
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(berth_issue(authority.pki, &wanted, chain.leaf, chain.key, &der, &why),
			 BERTH_E_USAGE);
	assert_string_equal(why.rule, "issue-issuer-ca");
	berth_key_free(key);
}

static void
refuses_trailing_bytes_and_truncation(void **state)
{
	struct berth_bytes der = berth_cert_der(authority.ca);
	BERTH_BUF longer = {0};
	struct berth_cert *cert = NULL;

	(void)state;
	assert_int_equal(berth_buf_append_bytes(&longer, der), BERTH_OK);
	assert_int_equal(berth_buf_append_u8(&longer, 0), BERTH_OK);
	assert_int_equal(berth_cert_parse(authority.pki, berth_buf_view(&longer), &cert, NULL),
			 BERTH_E_SYNTAX);
	for (size_t n = 0; n < der.n; n += 7)
		assert_int_equal(
			berth_cert_parse(authority.pki, berth_bytes_of(der.p, n), &cert, NULL),
			BERTH_E_SYNTAX);
	assert_null(cert);
}

static void
reads_pem_bundles_and_writes_them(void **state)
{
	BERTH_BUF pem = {0};
	BERTH_CERT_LIST list = {0};
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(berth_buf_append_text(&pem, "# our anchors\n"), BERTH_OK);
	assert_int_equal(berth_cert_append_pem(authority.root, &pem), BERTH_OK);
	assert_int_equal(berth_cert_append_pem(authority.ca, &pem), BERTH_OK);
	assert_int_equal(berth_cert_list_parse(authority.pki, berth_buf_view(&pem), &list, &why),
			 BERTH_OK);
	assert_int_equal(list.n, 2);
	assert_true(berth_cert_list_has(&list, authority.root));
	assert_true(berth_cert_list_has(&list, authority.ca));
	pem.n -= 10; /* the end line is damaged: nothing is added */
	assert_int_equal(berth_cert_list_parse(authority.pki, berth_buf_view(&pem), &list, &why),
			 BERTH_E_SYNTAX);
	assert_int_equal(list.n, 2);
	assert_int_equal(berth_cert_list_parse(authority.pki, BERTH_LIT("hello\n"), &list, &why),
			 BERTH_E_SYNTAX);
	assert_int_equal(
		berth_cert_list_parse(authority.pki, berth_cert_der(authority.ca), &list, &why),
		BERTH_OK);
	assert_int_equal(list.n, 3);
}

static void
matches_dns_names_in_the_san_only(void **state)
{
	struct berth_bytes names[] = {BERTH_LIT("registrar.example"), BERTH_LIT("*.lab.example")};
	CHAIN chain = registrar_chain();
	struct berth_cert_template wanted =
		authority_template(&authority, BERTH_PROFILE_SERVER, "masa.example", chain.key);

	(void)state;
	wanted.dns_names = names;
	wanted.dns_name_count = 2;
	BERTH_CERT *cert = authority_issue(&authority, &wanted);
	assert_true(berth_cert_has_dns_name(cert, "registrar.example"));
	assert_true(berth_cert_has_dns_name(cert, "Registrar.Example"));
	assert_true(berth_cert_has_dns_name(cert, "a.lab.example"));
	assert_false(berth_cert_has_dns_name(cert, "a.b.lab.example"));
	assert_false(berth_cert_has_dns_name(cert, "masa.example"));
}

/* The leaf of chain again, without its key identifier. */
/* NULL: none. */
static struct berth_cert *
with_key_identifier(const struct chain *chain, const uint8_t *id, int id_n)
{
	X509 *x = X509_dup(berth_cert_x509(chain->leaf));
	unsigned char *der = NULL;
	struct berth_cert *made = NULL;
	int at = X509_get_ext_by_NID(x, NID_subject_key_identifier, -1);

	assert_true(at >= 0);
	X509_EXTENSION_free(X509_delete_ext(x, at));
	if (id != NULL) {
		ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
		assert_int_equal(ASN1_OCTET_STRING_set(value, id, id_n), 1);
		assert_int_equal(X509_add1_ext_i2d(x, NID_subject_key_identifier, value, 0, 0), 1);
		ASN1_OCTET_STRING_free(value);
	}
	assert_true(X509_sign(x, berth_key_pkey(authority.ca_key), EVP_sha256()) > 0);
	int n = i2d_X509(x, &der);
	assert_true(n > 0);
	assert_int_equal(
		berth_cert_parse(authority.pki, berth_bytes_of(der, (size_t)n), &made, NULL),
		BERTH_OK);
	OPENSSL_free(der);
	X509_free(x);
	return made;
}

/* req: rfc8995-5.8.2-1, rfc8995-5.8.2-identifier */
static void
names_a_domain_by_its_key_identifier_or_its_key(void **state)
{
	CHAIN chain = registrar_chain();
	BERTH_CERT *bare = with_key_identifier(&chain, NULL, 0);
	struct berth_bytes ski = berth_cert_ski(chain.leaf);
	uint8_t id[32], digest[BERTH_SHA256_BYTES];

	(void)state;
	assert_int_equal(berth_cert_domain_id(authority.pki, chain.leaf, id), ski.n);
	assert_int_equal(ski.n, 20);
	assert_memory_equal(id, ski.p, ski.n);
	assert_int_equal(berth_sha256(authority.pki, berth_key_spki(chain.key), digest), BERTH_OK);
	assert_int_equal(berth_cert_domain_id(authority.pki, bare, id), BERTH_SHA256_BYTES);
	assert_memory_equal(id, digest, sizeof(digest));
}

static bool
is_of_key(const struct chain *chain, const uint8_t *id, int id_n)
{
	BERTH_CERT *made = with_key_identifier(chain, id, id_n);
	return berth_cert_ski_is_of_key(authority.pki, made);
}

/* req: berth-domain-id */
static void
tells_a_key_identifier_that_was_copied(void **state)
{
	CHAIN chain = registrar_chain();
	struct berth_bytes copied = berth_cert_ski(authority.ca);
	const struct berth_bytes spki = berth_key_spki(chain.key);
	const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(berth_cert_x509(chain.leaf));
	uint8_t id[64];

	(void)state;
	assert_true(berth_cert_ski_is_of_key(authority.pki, chain.leaf));
	assert_true(is_of_key(&chain, NULL, 0));
	assert_false(is_of_key(&chain, copied.p, (int)copied.n));
	/* RFC 7093: the first 160 bits of a longer digest, of the key or of all about it */
	assert_int_equal(EVP_Digest(ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits),
				    id, NULL, EVP_sha384(), NULL),
			 1);
	assert_true(is_of_key(&chain, id, 20));
	assert_true(is_of_key(&chain, id, 48));
	assert_false(is_of_key(&chain, id, 8));
	id[19] ^= 1;
	assert_false(is_of_key(&chain, id, 20));
	assert_int_equal(EVP_Digest(spki.p, spki.n, id, NULL, EVP_sha256(), NULL), 1);
	assert_true(is_of_key(&chain, id, 32));
}

static void
party_is(const char *organization, const char *common_name, const char *expected)
{
	BERTH_KEY *key = authority_key(&authority, "P-256");
	struct berth_cert_template wanted =
		authority_template(&authority, BERTH_PROFILE_ISSUING_CA, common_name, key);

	wanted.organization = berth_text(organization);
	BERTH_CERT *cert =
		authority_issue_by(&authority, &wanted, authority.root, authority.root_key);
	if (!berth_bytes_equal_text(berth_cert_party_name(cert), expected))
		fail_msg("of %s it is not '%s'", berth_cert_subject_text(cert), expected);
}

static void
names_a_party_by_its_organization_or_its_common_name(void **state)
{
	(void)state;
	party_is("Second Home", "Second Home root CA", "Second Home");
	party_is("", "Second Home root CA", "Second Home root CA");
	/* What would write its own lines into a log or onto a terminal. */
	party_is("Home\nowner = Other", "Second Home root CA", "Second Home root CA");
	party_is("Home\x1b[2J", "Second Home root CA", "Second Home root CA");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_a_path_to_the_root_and_shows_it),
		cmocka_unit_test(accepts_any_certificate_as_anchor),
		cmocka_unit_test(refuses_a_path_without_its_middle),
		cmocka_unit_test(tells_expired_from_untrusted),
		cmocka_unit_test(refuses_a_forged_signature),
		cmocka_unit_test(verifies_with_the_key_that_is_asked_for),
		cmocka_unit_test(judges_a_path_it_has_seen_before),
		cmocka_unit_test(refuses_a_namesake_of_a_known_issuer),
		cmocka_unit_test(parses_the_same_bytes_once),
		cmocka_unit_test(judges_extended_key_usage_itself),
		cmocka_unit_test(refuses_absent_usage_only_where_it_must_be_there),
		cmocka_unit_test(ends_a_path_at_a_pinned_key),
		cmocka_unit_test(refuses_a_pinned_key_that_did_not_sign),
		cmocka_unit_test(refuses_a_leaf_as_issuer),
		cmocka_unit_test(refuses_trailing_bytes_and_truncation),
		cmocka_unit_test(reads_pem_bundles_and_writes_them),
		cmocka_unit_test(matches_dns_names_in_the_san_only),
		cmocka_unit_test(names_a_domain_by_its_key_identifier_or_its_key),
		cmocka_unit_test(tells_a_key_identifier_that_was_copied),
		cmocka_unit_test(names_a_party_by_its_organization_or_its_common_name),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
