/* SPDX-License-Identifier: BSD-2-Clause */
/* The published objects of RFC 8995, appendix C; found at $BERTH_VECTORS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base64.h"
#include "pki/cms.h"

#define SIGNED_AT ((struct berth_wall){1618350205})
#define TODAY ((struct berth_wall){1790000000})
#define FILE_MAX_BYTES 65536

static struct berth_pki *pki;

/* False when the folder is not there: the test says so and is skipped. */
static bool
read_vector(const char *name, struct berth_buf *out)
{
	const char *folder = getenv("BERTH_VECTORS");
	const char *checkout = getenv("BERTH_CHECKOUT");
	char path[512];
	char bytes[4096];
	size_t n = 0;

	if (folder != NULL)
		(void)snprintf(path, sizeof(path), "%s/rfc8995/%s", folder, name);
	else
		(void)snprintf(path, sizeof(path), "%s/../shared/vectors/rfc8995/%s",
			       checkout == NULL ? "." : checkout, name);
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		print_message("SKIPPED: no published vectors at %s (set BERTH_VECTORS)\n", path);
		return false;
	}
	while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
		assert_int_equal(berth_buf_append(out, bytes, n), BERTH_OK);
	assert_int_equal(fclose(file), 0);
	return true;
}

static void
load_certificate(const char *name, struct berth_cert_list *list)
{
	BERTH_BUF bytes = {0};
	struct berth_why why = {0};

	if (!read_vector(name, &bytes))
		skip();
	if (berth_cert_list_parse(pki, berth_buf_view(&bytes), list, &why))
		fail_msg("%s: %s", name, why.sentence);
}

static void
open_vector(const char *name, const struct berth_cert_list *extra, struct berth_cms *cms)
{
	BERTH_BUF bytes = {0};
	struct berth_why why = {0};

	if (!read_vector(name, &bytes))
		skip();
	if (berth_cms_open(pki, berth_buf_view(&bytes), extra, cms, &why))
		fail_msg("%s: %s: %s", name, why.rule, why.sentence);
}

/* Opens the object; its signer leads to the anchor at the signing time, and is expired today. */
static void
object_holds(const char *name, const char *anchor, const char *starts_with)
{
	BERTH_CERT_LIST anchors = {0};
	BERTH_CMS cms = {0};
	struct berth_why why = {0};

	load_certificate(anchor, &anchors);
	open_vector(name, &anchors, &cms);
	assert_int_equal(cms.content_type, BERTH_CMS_DATA);
	assert_true(berth_bytes_starts_with(berth_buf_view(&cms.content), starts_with));
	assert_ptr_equal(cms.certificates.at[0], cms.signer);
	struct berth_path_check check = {
		.leaf = cms.signer,
		.untrusted = &cms.certificates,
		.anchors = &anchors,
		.at = SIGNED_AT,
	};
	if (berth_path_verify(pki, &check, NULL, &why))
		fail_msg("%s: %s", why.rule, why.sentence);
	check.at = TODAY;
	assert_int_equal(berth_path_verify(pki, &check, NULL, &why), BERTH_E_EXPIRED);
	assert_string_equal(why.rule, "x509-expired");
	check.ignore_time = true;
	assert_int_equal(berth_path_verify(pki, &check, NULL, &why), BERTH_OK);
}

static void
pledge_request_verifies_then_and_is_expired_today(void **state)
{
	(void)state;
	object_holds("vr_00-D0-E5-F2-00-02.der", "vendor.crt",
		     "{\"ietf-voucher-request:voucher\":");
}

static void
registrar_request_verifies_then_and_is_expired_today(void **state)
{
	(void)state;
	object_holds("parboiled_vr_00-D0-E5-F2-00-02.der", "ownerca_secp384r1.crt",
		     "{\"ietf-voucher-request:voucher\":");
}

static void
voucher_verifies_then_and_is_expired_today(void **state)
{
	(void)state;
	object_holds("voucher_00-D0-E5-F2-00-02.der", "vendor.crt", "{\"ietf-voucher:voucher\":");
}

static void
registrar_is_a_registration_authority_and_nothing_else(void **state)
{
	BERTH_CERT_LIST anchors = {0};
	BERTH_CMS cms = {0};
	struct berth_why why = {0};

	(void)state;
	load_certificate("ownerca_secp384r1.crt", &anchors);
	open_vector("parboiled_vr_00-D0-E5-F2-00-02.der", NULL, &cms);
	struct berth_path_check check = {
		.leaf = cms.signer,
		.untrusted = &cms.certificates,
		.anchors = &anchors,
		.at = SIGNED_AT,
		.require_eku = BERTH_EKU_CMC_RA,
		.require_eku_present = true,
	};
	assert_int_equal(berth_path_verify(pki, &check, NULL, &why), BERTH_OK);
	check.require_eku |= BERTH_EKU_SERVER_AUTH;
	assert_int_equal(berth_path_verify(pki, &check, NULL, &why), BERTH_E_UNTRUSTED);
	assert_string_equal(why.rule, "x509-eku");
}

static void
one_changed_byte_of_the_content_is_refused(void **state)
{
	BERTH_BUF bytes = {0};
	BERTH_CMS cms = {0};
	struct berth_why why = {0};

	(void)state;
	if (!read_vector("voucher_00-D0-E5-F2-00-02.der", &bytes))
		skip();
	uint8_t *at = memmem(bytes.p, bytes.n, "logged", 6);
	assert_non_null(at);
	at[0] ^= 1;
	assert_int_equal(berth_cms_open(pki, berth_buf_view(&bytes), NULL, &cms, &why),
			 BERTH_E_SIGNATURE);
	assert_string_equal(why.rule, "cms-message-digest");
}

static void
domain_id_without_key_identifier_is_the_fingerprint(void **state)
{
	BERTH_CERT_LIST list = {0};
	BERTH_BUF text = {0};
	uint8_t id[32];

	(void)state;
	load_certificate("jrc_prime256v1.crt", &list);
	size_t n = berth_cert_domain_id(pki, list.at[0], id);
	assert_int_equal(berth_base64_encode(berth_bytes_of(id, n), 0, &text), BERTH_OK);
	assert_true(berth_bytes_equal_text(berth_buf_view(&text),
					   "Oy6w2vS8ar8m/FtEHuzs7sl7LSD3pW9yTCgCecoIL3M="));
}

static void
domain_id_with_key_identifier_is_that(void **state)
{
	BERTH_CERT_LIST list = {0};
	uint8_t id[32];

	(void)state;
	load_certificate("ownerca_secp384r1.crt", &list);
	size_t n = berth_cert_domain_id(pki, list.at[0], id);
	assert_int_equal(n, 20);
	assert_memory_equal(
		id,
		"\xb9\xa5\xf6\xcb\x11\xe1\x07\xa4\x49\x2c\xa7\x08\xc6\x7c\x10\xbc\x87\xb3"
		"\x74\x26",
		20);
	assert_string_equal(berth_key_kind(berth_cert_key(list.at[0])), "P-384");
}

static void
birth_certificate_shows_its_facts(void **state)
{
	BERTH_CERT_LIST list = {0};

	(void)state;
	load_certificate("idevid_00-D0-E5-F2-00-02.crt", &list);
	const struct berth_cert *cert = list.at[0];
	assert_true(berth_bytes_equal_text(berth_cert_subject_serial_number(cert),
					   "00-D0-E5-F2-00-02"));
	assert_true(
		berth_bytes_equal_text(berth_cert_masa_url(cert), "highway-test.example.com:9443"));
	assert_int_equal(berth_cert_aki_value(cert).n, 0);
	assert_false(berth_cert_is_ca(cert));
}

static int
setup(void **state)
{
	(void)state;
	return berth_pki_open(&pki, NULL);
}

static int
teardown(void **state)
{
	(void)state;
	berth_pki_close(pki);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pledge_request_verifies_then_and_is_expired_today),
		cmocka_unit_test(registrar_request_verifies_then_and_is_expired_today),
		cmocka_unit_test(voucher_verifies_then_and_is_expired_today),
		cmocka_unit_test(registrar_is_a_registration_authority_and_nothing_else),
		cmocka_unit_test(one_changed_byte_of_the_content_is_refused),
		cmocka_unit_test(domain_id_without_key_identifier_is_the_fingerprint),
		cmocka_unit_test(domain_id_with_key_identifier_is_that),
		cmocka_unit_test(birth_certificate_shows_its_facts),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
