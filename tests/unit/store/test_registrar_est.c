/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that need no voucher step's permission: the same one is the same row, and has one certificate at a time. */
#include "store/fixture.h"

#include <stdio.h>
#include <string.h>

#include "store/registrar_store.h"

#define LIFE_S 86400

static int64_t
user(struct fixture *f, const char *name)
{
	const struct berth_registrar_device seen = {.identity = identity(name),
						    .manufacturer = BERTH_LIT("est-user")};
	struct berth_registrar_device ret;
	bool is_new = false;

	ok(f, berth_registrar_device_seen(f->store, &seen, now, &f->arena, &ret, &is_new, &f->why));
	return ret.row;
}

static struct berth_registrar_est_request
asked(int64_t device, int64_t renews, const char *csr)
{
	struct berth_registrar_est_request request = {
		.device = device, .renews = renews, .label = BERTH_LIT("offices")};

	digest_of(csr, request.csr_sha256);
	digest_of("key", request.key_sha256);
	return request;
}

static int64_t
take(struct fixture *f, int64_t device, int64_t renews, const char *csr, int64_t after_s,
     int64_t *ret_certificate)
{
	const struct berth_registrar_est_request wanted = asked(device, renews, csr);
	struct berth_registrar_est_request ret;

	ok(f, berth_registrar_est_request_take(
		      f->store, &wanted, (struct berth_wall){now.s + after_s}, &ret, &f->why));
	*ret_certificate = ret.certificate;
	return ret.row;
}

static struct berth_registrar_certificate
certificate_for(int64_t device, int64_t request, const char *key, const char *serial)
{
	struct berth_registrar_certificate certificate = {
		.device = device,
		.est_request = request,
		.credential = {.issuer_key_id = BERTH_LIT("ca"),
			       .serial = berth_text(serial),
			       .subject = BERTH_LIT("CN=printer"),
			       .not_after = {now.s + LIFE_S}},
		.made_at = now,
	};

	digest_of(key, certificate.key_sha256);
	return certificate;
}

static void
the_same_request_is_the_same_row(void **state)
{
	struct fixture *f = *state;
	int64_t certificate = 0;

	begin(f);
	int64_t device = user(f, "printer");
	int64_t other = user(f, "scanner");
	int64_t first = take(f, device, 0, "csr", 0, &certificate);
	assert_int_equal(take(f, device, 0, "csr", 9, &certificate), first);
	assert_int_not_equal(take(f, device, 0, "csr2", 0, &certificate), first);
	assert_int_not_equal(take(f, device, 7, "csr", 0, &certificate), first);
	assert_int_not_equal(take(f, other, 0, "csr", 0, &certificate), first);
	struct berth_registrar_est_request elsewhere = asked(device, 0, "csr");
	elsewhere.label = BERTH_LIT("servers");
	refused(f, BERTH_E_MISMATCH, "est-request-label",
		berth_registrar_est_request_take(f->store, &elsewhere, now, &elsewhere, &f->why));
	commit(f);
}

static void
a_request_has_one_certificate_at_a_time(void **state)
{
	struct fixture *f = *state;
	int64_t certificate = 0;
	int64_t row = 0;
	int64_t again = 0;

	begin(f);
	int64_t device = user(f, "printer");
	int64_t request = take(f, device, 0, "csr", 0, &certificate);
	assert_int_equal(certificate, 0);
	struct berth_registrar_certificate other =
		certificate_for(device, request, "another key", "\1");
	refused(f, BERTH_E_STATE, "est-request-taken",
		berth_registrar_certificate_intent(f->store, &other, &row, &f->why));
	other = certificate_for(user(f, "scanner"), request, "key", "\1");
	refused(f, BERTH_E_STATE, "est-request-taken",
		berth_registrar_certificate_intent(f->store, &other, &row, &f->why));
	struct berth_registrar_certificate wanted = certificate_for(device, request, "key", "\1");
	ok(f, berth_registrar_certificate_intent(f->store, &wanted, &row, &f->why));
	wanted.credential.serial = BERTH_LIT("\2");
	refused(f, BERTH_E_STATE, "est-request-taken",
		berth_registrar_certificate_intent(f->store, &wanted, &again, &f->why));
	(void)take(f, device, 0, "csr", 1, &certificate);
	assert_int_equal(certificate, row);
	ok(f, berth_registrar_certificate_failed(f->store, row, &f->why));
	ok(f, berth_registrar_certificate_intent(f->store, &wanted, &again, &f->why));
	assert_int_not_equal(again, row);
	commit(f);
}

/* Two clients without a permission each hold a certificate: the index of permissions is not about them. */
static void
a_first_certificate_that_ended_makes_room_and_a_renewal_never(void **state)
{
	struct fixture *f = *state;
	int64_t certificate = 0;
	int64_t row = 0;
	int64_t renewed = 0;

	begin(f);
	int64_t device = user(f, "printer");
	int64_t request = take(f, device, 0, "csr", 0, &certificate);
	struct berth_registrar_certificate wanted = certificate_for(device, request, "key", "\1");
	ok(f, berth_registrar_certificate_intent(f->store, &wanted, &row, &f->why));
	ok(f, berth_registrar_certificate_issued(f->store, row, BERTH_LIT("der"), &f->why));
	int64_t renewal = take(f, device, row, "csr", 0, &certificate);
	wanted = certificate_for(device, renewal, "key", "\2");
	ok(f, berth_registrar_certificate_intent(f->store, &wanted, &renewed, &f->why));
	ok(f, berth_registrar_certificate_issued(f->store, renewed, BERTH_LIT("der2"), &f->why));
	(void)take(f, device, 0, "csr", LIFE_S, &certificate);
	assert_int_equal(certificate, row);
	(void)take(f, device, 0, "csr", LIFE_S + 1, &certificate);
	assert_int_equal(certificate, 0);
	(void)take(f, device, row, "csr", LIFE_S + 1, &certificate);
	assert_int_equal(certificate, renewed);
	commit(f);
}

static void
counts_requests_of_a_day(void **state)
{
	struct fixture *f = *state;
	int64_t certificate = 0;
	char csr[16];

	begin(f);
	int64_t device = user(f, "printer");
	for (int i = 0; i < BERTH_REGISTRAR_EST_REQUESTS_A_DAY; i++) {
		(void)snprintf(csr, sizeof(csr), "csr %d", i);
		(void)take(f, device, 0, csr, i, &certificate);
	}
	const struct berth_wall later = {now.s + BERTH_REGISTRAR_EST_REQUESTS_A_DAY};
	struct berth_registrar_est_request more = asked(device, 0, "one more");
	refused(f, BERTH_E_LIMIT, "est-requests-a-day",
		berth_registrar_est_request_take(f->store, &more, later, &more, &f->why));
	(void)take(f, device, 0, "csr 0", 0, &certificate); /* an old one is no new one */
	(void)take(f, device, 0, "by a clock that was ahead before", -1, &certificate);
	(void)take(f, device, 0, "one more", 86400, &certificate);
	(void)take(f, user(f, "scanner"), 0, "one more", 0, &certificate);
	commit(f);
}

#define REGISTRAR_TEST(name)                                                                       \
	cmocka_unit_test_setup_teardown(name, registrar_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		REGISTRAR_TEST(the_same_request_is_the_same_row),
		REGISTRAR_TEST(a_request_has_one_certificate_at_a_time),
		REGISTRAR_TEST(a_first_certificate_that_ended_makes_room_and_a_renewal_never),
		REGISTRAR_TEST(counts_requests_of_a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
