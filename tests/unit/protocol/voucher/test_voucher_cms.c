/* SPDX-License-Identifier: BSD-2-Clause */
/* Signed vouchers: what a pledge accepts, the smallest change that it refuses, and RFC 8995's own objects. */
#include "protocol/voucher/voucher_cms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base64.h"
#include "support/masa_world.h"

#define SIGNED_AT ((struct berth_wall){1618350205})

static struct masa_world world;

static int
start(void **state)
{
	(void)state;
	masa_world_start(&world);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	masa_world_end(&world);
	return 0;
}

static struct berth_voucher
good_voucher(void)
{
	return (struct berth_voucher){
		.kind = BERTH_VOUCHER,
		.has_created_on = true,
		.created_on = world.now,
		.assertion = BERTH_ASSERTION_LOGGED,
		.serial_number = BERTH_LIT(WORLD_SERIAL),
		.nonce = BERTH_LIT("0123456789abcdef"),
		.pinned_domain_cert = berth_cert_der(world.domain.cert),
	};
}

static struct berth_voucher_expectation
good_expectation(void)
{
	return (struct berth_voucher_expectation){
		.anchors = &world.anchors,
		.serial_number = BERTH_LIT(WORLD_SERIAL),
		.nonce = BERTH_LIT("0123456789abcdef"),
		.check_nonce = true,
		.allow_nonceless = true,
		.aki_value = berth_cert_aki_value(world.device.cert),
		.now = {.wall = world.now, .wall_is_trusted = true},
	};
}

static enum berth_err
sign_at(const struct berth_voucher *voucher, const struct party *signer, struct berth_wall when,
	struct berth_buf *der, struct berth_why *why)
{
	BERTH_CERT_LIST others = {0};

	assert_int_equal(berth_cert_list_add(&others, world.maker.ca, NULL), BERTH_OK);
	const struct berth_cms_fields how = {
		.content_type = BERTH_CMS_ANIMA_VOUCHER,
		.key = signer->key,
		.signer = signer->cert,
		.others = &others,
		.signing_time = when,
	};
	return berth_voucher_sign(world.maker.pki, voucher, &how, der, why);
}

static enum berth_err
sign(const struct berth_voucher *voucher, const struct party *signer, struct berth_buf *der,
     struct berth_why *why)
{
	return sign_at(voucher, signer, world.now, der, why);
}

static enum berth_err
verify(const struct berth_voucher *voucher, const struct party *signer,
       const struct berth_voucher_expectation *want, struct berth_why *why)
{
	BERTH_BUF der = {0};
	BERTH_ARENA arena = {0};
	BERTH_SIGNED_VOUCHER opened = {0};

	assert_int_equal(sign(voucher, signer, &der, why), BERTH_OK);
	berth_arena_start(&arena, (size_t)256 << 10);
	return berth_voucher_verify(world.maker.pki, berth_buf_view(&der), want, &arena, &opened,
				    why);
}

static void
accepts_its_own_voucher(void **state)
{
	(void)state;
	const struct berth_voucher voucher = good_voucher();
	const struct berth_voucher_expectation want = good_expectation();

	assert_int_equal(verify(&voucher, &world.masa_signer, &want, NULL), BERTH_OK);
}

static void
accepts_a_nonceless_voucher_that_has_not_expired(void **state)
{
	(void)state;
	struct berth_voucher voucher = good_voucher();
	const struct berth_voucher_expectation want = good_expectation();

	voucher.nonce = BERTH_BYTES_NONE;
	voucher.has_expires_on = true;
	voucher.expires_on.s = world.now.s + 1;
	assert_int_equal(verify(&voucher, &world.masa_signer, &want, NULL), BERTH_OK);
}

/* req: rfc8995-5.6.1-1 */
static void
refuses_voucher_of_another_manufacturer(void **state)
{
	(void)state;
	const struct berth_voucher voucher = good_voucher();
	const struct berth_voucher_expectation want = good_expectation();
	struct berth_why why = {0};

	assert_int_equal(verify(&voucher, &world.rogue, &want, &why), BERTH_E_UNTRUSTED);
	assert_string_equal(why.rule, "rfc8995-5.6.1-signer-untrusted");
}

/* req: rfc8995-5.6.1-2, rfc8366-5.3-serial */
static void
refuses_voucher_for_other_serial(void **state)
{
	(void)state;
	struct berth_voucher voucher = good_voucher();
	const struct berth_voucher_expectation want = good_expectation();
	struct berth_why why = {0};

	voucher.serial_number = BERTH_LIT("CAM-0043");
	assert_int_equal(verify(&voucher, &world.masa_signer, &want, &why), BERTH_E_MISMATCH);
	assert_string_equal(why.rule, "rfc8995-5.6.1-serial-mismatch");
}

/* req: rfc8995-5.6.1-2, rfc8366-5.3-issuer */
static void
refuses_voucher_for_another_issuers_device(void **state)
{
	(void)state;
	struct berth_voucher voucher = good_voucher();
	const struct berth_voucher_expectation want = good_expectation();
	struct berth_why why = {0};

	voucher.idevid_issuer = berth_cert_aki_value(world.registrar.cert);
	assert_int_equal(verify(&voucher, &world.masa_signer, &want, &why), BERTH_E_MISMATCH);
	assert_string_equal(why.rule, "rfc8995-5.6.1-issuer-mismatch");
	voucher.idevid_issuer = want.aki_value;
	assert_int_equal(verify(&voucher, &world.masa_signer, &want, NULL), BERTH_OK);
}

/* req: rfc8995-5.6.1-3, rfc8366-5.3-nonce */
static void
refuses_voucher_with_other_nonce(void **state)
{
	(void)state;
	struct berth_voucher voucher = good_voucher();
	const struct berth_voucher_expectation want = good_expectation();
	struct berth_why why = {0};

	voucher.nonce = BERTH_LIT("0123456789abcdeF");
	assert_int_equal(verify(&voucher, &world.masa_signer, &want, &why), BERTH_E_MISMATCH);
	assert_string_equal(why.rule, "rfc8995-5.6.1-nonce-mismatch");
}

/* req: rfc8995-5.6.1-3 */
static void
refuses_nonceless_voucher_where_the_device_says_so(void **state)
{
	(void)state;
	struct berth_voucher voucher = good_voucher();
	struct berth_voucher_expectation want = good_expectation();
	struct berth_why why = {0};

	voucher.nonce = BERTH_BYTES_NONE;
	voucher.has_expires_on = true;
	voucher.expires_on.s = world.now.s + 1;
	want.allow_nonceless = false;
	assert_int_equal(verify(&voucher, &world.masa_signer, &want, &why), BERTH_E_DENIED);
	assert_string_equal(why.rule, "rfc8995-5.6.1-nonce-missing");
}

/* req: rfc8995-2.6.1-p1, rfc8366-5.3-expires */
static void
judges_dates_only_by_a_clock_it_can_trust(void **state)
{
	(void)state;
	struct berth_voucher expired = good_voucher();
	struct berth_voucher early = good_voucher();
	struct berth_voucher_expectation want = good_expectation();
	struct berth_why why = {0};

	expired.nonce = BERTH_BYTES_NONE;
	expired.has_expires_on = true;
	expired.expires_on.s = world.now.s - 1;
	early.created_on.s = world.now.s + BERTH_VOUCHER_CLOCK_SKEW_S + 1;
	assert_int_equal(verify(&expired, &world.masa_signer, &want, &why), BERTH_E_EXPIRED);
	assert_string_equal(why.rule, "rfc8995-5.6.1-voucher-expired");
	assert_int_equal(verify(&early, &world.masa_signer, &want, &why), BERTH_E_EXPIRED);
	assert_string_equal(why.rule, "rfc8995-5.6.1-voucher-not-yet-valid");
	want.now.wall_is_trusted = false;
	assert_int_equal(verify(&expired, &world.masa_signer, &want, NULL), BERTH_OK);
	assert_int_equal(verify(&early, &world.masa_signer, &want, NULL), BERTH_OK);
}

/* req: rfc8995-2.6.1-p1 */
static void
refuses_a_signature_of_tomorrow(void **state)
{
	(void)state;
	const struct berth_voucher voucher = good_voucher();
	struct berth_voucher_expectation want = good_expectation();
	const struct berth_wall tomorrow = {world.now.s + BERTH_VOUCHER_CLOCK_SKEW_S + 1};
	BERTH_BUF der = {0};
	BERTH_ARENA arena = {0};
	BERTH_SIGNED_VOUCHER opened = {0};
	struct berth_why why = {0};

	assert_int_equal(sign_at(&voucher, &world.masa_signer, tomorrow, &der, NULL), BERTH_OK);
	berth_arena_start(&arena, (size_t)256 << 10);
	assert_int_equal(berth_voucher_verify(world.maker.pki, berth_buf_view(&der), &want, &arena,
					      &opened, &why),
			 BERTH_E_EXPIRED);
	assert_string_equal(why.rule, "rfc8995-2.6.1-signing-time");
	want.now.wall_is_trusted = false;
	assert_int_equal(berth_voucher_verify(world.maker.pki, berth_buf_view(&der), &want, &arena,
					      &opened, NULL),
			 BERTH_OK);
}

static void
signs_nothing_that_is_no_voucher(void **state)
{
	(void)state;
	struct berth_voucher voucher = good_voucher();
	BERTH_BUF der = {0};
	struct berth_why why = {0};

	voucher.pinned_domain_cert = BERTH_BYTES_NONE;
	assert_int_not_equal(sign(&voucher, &world.masa_signer, &der, &why), BERTH_OK);
	assert_string_equal(why.rule, "rfc8366-5.3-pinned-domain-cert-missing");
	assert_int_equal(der.n, 0);
}

static void
refuses_a_voucher_where_a_request_is_wanted(void **state)
{
	(void)state;
	const struct berth_voucher voucher = good_voucher();
	BERTH_BUF der = {0};
	BERTH_ARENA arena = {0};
	BERTH_SIGNED_VOUCHER opened = {0};
	struct berth_why why = {0};

	assert_int_equal(sign(&voucher, &world.masa_signer, &der, NULL), BERTH_OK);
	berth_arena_start(&arena, (size_t)256 << 10);
	assert_int_equal(berth_voucher_open(world.maker.pki, berth_buf_view(&der),
					    BERTH_VOUCHER_REQUEST_REGISTRAR, NULL, &arena, &opened,
					    &why),
			 BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "rfc8366-5.3-top-level");
}

/* ---- RFC 8995, appendix C ---- */

static void
read_vector(const char *name, struct berth_buf *out)
{
	const char *folder = getenv("BERTH_VECTORS");
	const char *checkout = getenv("BERTH_CHECKOUT");
	char path[512];
	char bytes[4096];
	size_t n = 0;

	snprintf(path, sizeof(path), "%s%s/rfc8995/%s",
		 folder	    ? folder
		 : checkout ? checkout
			    : ".",
		 folder ? "" : "/../shared/vectors", name);
	FILE *file = fopen(path, "rb");
	if (!file) {
		print_message("SKIPPED: no published vectors at %s (set BERTH_VECTORS)\n", path);
		skip();
		return;
	}
	while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
		assert_int_equal(berth_buf_append(out, bytes, n), BERTH_OK);
	fclose(file);
}

static enum berth_err
verify_published(struct berth_now now, struct berth_arena *arena,
		 struct berth_signed_voucher *opened, struct berth_why *why)
{
	BERTH_BUF der = {0};
	BERTH_BUF pem = {0};
	BERTH_CERT_LIST anchors = {0};

	read_vector("voucher_00-D0-E5-F2-00-02.der", &der);
	read_vector("vendor.crt", &pem);
	assert_int_equal(
		berth_cert_list_parse(world.maker.pki, berth_buf_view(&pem), &anchors, NULL),
		BERTH_OK);
	const struct berth_voucher_expectation want = {
		.anchors = &anchors,
		.serial_number = BERTH_LIT("00-D0-E5-F2-00-02"),
		.now = now,
		.allow_nonceless = true,
	};
	berth_arena_start(arena, (size_t)256 << 10);
	return berth_voucher_verify(world.maker.pki, berth_buf_view(&der), &want, arena, opened,
				    why);
}

static void
the_published_voucher_holds_at_its_signing_time(void **state)
{
	(void)state;
	const struct berth_now then = {.wall = SIGNED_AT, .wall_is_trusted = true};
	BERTH_ARENA arena = {0};
	BERTH_SIGNED_VOUCHER opened = {0};
	BERTH_CERT *pinned = NULL;
	BERTH_BUF text = {0};
	uint8_t id[32];
	struct berth_why why = {0};

	if (verify_published(then, &arena, &opened, &why))
		fail_msg("%s: %s", why.rule, why.sentence);
	assert_int_equal(opened.cms.content_type, BERTH_CMS_DATA);
	assert_int_equal(opened.voucher.assertion, BERTH_ASSERTION_LOGGED);
	assert_int_equal(opened.voucher.created_on.s, 1618350204); /* .589-04:00 */
	assert_true(opened.voucher.nonce_is_url_safe);
	assert_int_equal(
		berth_cert_parse(world.maker.pki, opened.voucher.pinned_domain_cert, &pinned, NULL),
		BERTH_OK);
	/* req: rfc8995-5.8.2-1 */
	size_t n = berth_cert_domain_id(world.maker.pki, pinned, id);
	assert_int_equal(berth_base64_encode(berth_bytes_of(id, n), 0, &text), BERTH_OK);
	assert_true(berth_bytes_equal_text(berth_buf_view(&text),
					   "Oy6w2vS8ar8m/FtEHuzs7sl7LSD3pW9yTCgCecoIL3M="));
}

static void
the_published_voucher_is_refused_today_as_expired(void **state)
{
	(void)state;
	const struct berth_now today = {.wall = world.now, .wall_is_trusted = true};
	BERTH_ARENA arena = {0};
	BERTH_SIGNED_VOUCHER opened = {0};
	struct berth_why why = {0};

	assert_int_equal(verify_published(today, &arena, &opened, &why), BERTH_E_EXPIRED);
	assert_string_equal(why.rule, "rfc8995-5.6.1-signer-expired");
}

static void
the_published_voucher_holds_for_a_device_without_a_clock(void **state)
{
	(void)state;
	const struct berth_now today = {.wall = world.now, .wall_is_trusted = false};
	BERTH_ARENA arena = {0};
	BERTH_SIGNED_VOUCHER opened = {0};

	assert_int_equal(verify_published(today, &arena, &opened, NULL), BERTH_OK);
}

/* The MASA of the example, with the example's own requests: no idevid-issuer, no AKI, a date with an offset. */
static void
the_machine_serves_the_published_request(void **state)
{
	(void)state;
	BERTH_BUF rvr = {0};
	BERTH_BUF pem = {0};

	read_vector("parboiled_vr_00-D0-E5-F2-00-02.der", &rvr);
	read_vector("vendor.crt", &pem);
	berth_cert_list_free(&world.anchors);
	assert_int_equal(
		berth_cert_list_parse(world.maker.pki, berth_buf_view(&pem), &world.anchors, NULL),
		BERTH_OK);
	world.now = SIGNED_AT;
	world.policy.pinning = BERTH_MASA_PIN_REGISTRAR;
	world.http.body = berth_buf_view(&rvr);
	masa_world_run(&world);
	if (world.masa.response.status != 200)
		fail_msg("%s: %s", world.masa.why.rule, world.masa.why.sentence);
	assert_int_equal(world.voucher.voucher.assertion, BERTH_ASSERTION_PROXIMITY);
	assert_true(world.voucher.voucher.nonce_is_url_safe);
	world.now.s += 86400;
	masa_world_run(&world);
	assert_int_equal(world.masa.response.status, 403);
	assert_string_equal(world.masa.why.rule, "rfc8995-5.6-created-on");
}

#define test_in_world(name) cmocka_unit_test_setup_teardown(name, start, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_world(accepts_its_own_voucher),
		test_in_world(accepts_a_nonceless_voucher_that_has_not_expired),
		test_in_world(refuses_voucher_of_another_manufacturer),
		test_in_world(refuses_voucher_for_other_serial),
		test_in_world(refuses_voucher_for_another_issuers_device),
		test_in_world(refuses_voucher_with_other_nonce),
		test_in_world(refuses_nonceless_voucher_where_the_device_says_so),
		test_in_world(judges_dates_only_by_a_clock_it_can_trust),
		test_in_world(refuses_a_signature_of_tomorrow),
		test_in_world(signs_nothing_that_is_no_voucher),
		test_in_world(refuses_a_voucher_where_a_request_is_wanted),
		test_in_world(the_published_voucher_holds_at_its_signing_time),
		test_in_world(the_published_voucher_is_refused_today_as_expired),
		test_in_world(the_published_voucher_holds_for_a_device_without_a_clock),
		test_in_world(the_machine_serves_the_published_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
