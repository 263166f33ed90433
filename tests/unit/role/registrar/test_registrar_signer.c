/* SPDX-License-Identifier: BSD-2-Clause */
#include "home.h"

#include "role/registrar/signer.h"
#include "role/registrar/signing.h"

static enum berth_err
issue(struct berth_judge *judge, const struct berth_issue_ldevid *ask, struct berth_buf *object)
{
	BERTH_BUF payload = {0};
	assert_int_equal(berth_issue_ldevid_encode(ask, &payload), BERTH_OK);
	return berth_registrar_signer_role.sign(judge->signer, BERTH_REGISTRAR_ISSUE_LDEVID,
						berth_buf_view(&payload), judge->f->now, object,
						NULL);
}

/* req: rfc8995-5.9.3-csr */
static void
signer_issues_only_what_it_has_checked_itself(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	BERTH_BUF csr = {0};
	home_make_csr(judge, &csr);
	const struct berth_issue_ldevid good = {.serial = {0x41, 1, 2},
						.manufacturer_key = BERTH_LIT("maker"),
						.serial_number = BERTH_LIT(FIXTURE_SERIAL),
						.request = berth_buf_view(&csr),
						.lifetime_s = 86400,
						.partition = 1,
						.issuer = berth_cert_ski(judge->chain.at[1])};
	BERTH_BUF object = {0};
	struct berth_issue_ldevid ask = good;
	ask.serial_number = BERTH_LIT(FIXTURE_OTHER_SERIAL);
	assert_int_equal(issue(judge, &ask, &object), BERTH_E_MISMATCH);
	ask = good;
	ask.lifetime_s++;
	assert_int_equal(issue(judge, &ask, &object), BERTH_E_DENIED);
	ask = good;
	ask.serial[0] = 0x80;
	assert_int_equal(issue(judge, &ask, &object), BERTH_E_SYNTAX);
	ask = good; /* possession of the key is the judge's to check (est/server); the form is not */
	ask.request.n--;
	assert_int_equal(issue(judge, &ask, &object), BERTH_E_SYNTAX);
	assert_int_equal(object.n, 0);
	assert_int_equal(issue(judge, &good, &object), BERTH_OK);
	assert_true(object.n > 0);
	assert_int_equal(berth_registrar_signer_role.sign(judge->signer, 77, BERTH_BYTES_NONE,
							  judge->f->now, &object, NULL),
			 BERTH_E_UNSUPPORTED);
	home_close(judge);
}

static bool
is_gateways(struct berth_judge *judge, struct berth_bytes der)
{
	BERTH_CERT *cert = NULL;
	assert_int_equal(berth_cert_parse(judge->f->pki, der, &cert, NULL), BERTH_OK);
	return berth_bytes_equal_text(berth_cert_subject_unit(cert), "gateway");
}

static void
signer_makes_gateways_only_of_those_that_the_policy_names(void **state)
{
	(void)state;
	struct berth_judge *judge =
		home_open("[rule \"gateways\"]\nmatch.serial = " FIXTURE_SERIAL "\n"
			  "role = gateway\n[rule \"all\"]\napprove = auto\n");
	BERTH_BUF csr = {0};
	BERTH_BUF object = {0};
	home_make_csr(judge, &csr);
	struct berth_issue_ldevid ask = {.serial = {0x41, 1, 2},
					 .manufacturer_key = BERTH_LIT("maker"),
					 .serial_number = BERTH_LIT(FIXTURE_SERIAL),
					 .request = berth_buf_view(&csr),
					 .lifetime_s = 86400,
					 .partition = 1,
					 .issuer = berth_cert_ski(judge->chain.at[1])};
	assert_int_equal(issue(judge, &ask, &object), BERTH_OK);
	assert_false(is_gateways(judge, berth_buf_view(&object)));
	berth_buf_clear(&object);
	ask.is_gateway = true;
	assert_int_equal(issue(judge, &ask, &object), BERTH_OK);
	assert_true(is_gateways(judge, berth_buf_view(&object)));
	home_close(judge);
	/* The smallest change: the same, asked by a judge whose policy names another serial number. */
	judge = home_open("[rule \"gateways\"]\nmatch.serial = " FIXTURE_OTHER_SERIAL "\n"
			  "role = gateway\n[rule \"all\"]\napprove = auto\n");
	berth_buf_clear(&csr);
	home_make_csr(judge, &csr);
	ask.request = berth_buf_view(&csr);
	ask.issuer = berth_cert_ski(judge->chain.at[1]);
	berth_buf_clear(&object);
	assert_int_equal(issue(judge, &ask, &object), BERTH_E_DENIED);
	assert_int_equal(object.n, 0);
	ask.is_gateway = false;
	assert_int_equal(issue(judge, &ask, &object), BERTH_OK);
	home_close(judge);
}

static enum berth_err
sign_rvr(struct berth_judge *judge, const struct berth_voucher *rvr)
{
	BERTH_BUF json = {0};
	BERTH_BUF payload = {0};
	BERTH_BUF object = {0};
	assert_int_equal(berth_voucher_encode(rvr, &json, NULL), BERTH_OK);
	const struct berth_sign_rvr ask = {.json = berth_buf_view(&json),
					   .content_type = BERTH_CMS_ANIMA_VOUCHER};
	assert_int_equal(berth_sign_rvr_encode(&ask, &payload), BERTH_OK);
	return berth_registrar_signer_role.sign(judge->signer, BERTH_REGISTRAR_SIGN_RVR,
						berth_buf_view(&payload), judge->f->now, &object,
						NULL);
}

/* req: rfc8995-5.5-fields */
static void
signer_signs_only_a_request_that_wraps_the_pledges_own(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	static const uint8_t other_nonce[16] = {7};
	BERTH_BUF pvr = {0};
	home_make_pvr(judge, &pvr);
	struct berth_voucher good = fixture_pvr(judge->f);
	good.kind = BERTH_VOUCHER_REQUEST_REGISTRAR;
	good.proximity_registrar_cert = BERTH_BYTES_NONE;
	good.idevid_issuer = berth_cert_aki_value(judge->f->device.cert);
	good.prior_signed_voucher_request = berth_buf_view(&pvr);
	assert_int_equal(sign_rvr(judge, &good), BERTH_OK);
	struct berth_voucher rvr = good;
	rvr.serial_number = BERTH_LIT(FIXTURE_OTHER_SERIAL);
	assert_int_equal(sign_rvr(judge, &rvr), BERTH_E_MISMATCH);
	rvr = good;
	rvr.nonce = berth_bytes_of(other_nonce, sizeof(other_nonce));
	assert_int_equal(sign_rvr(judge, &rvr), BERTH_E_MISMATCH);
	rvr = good;
	rvr.created_on.s -= 3600;
	assert_int_equal(sign_rvr(judge, &rvr), BERTH_E_EXPIRED);
	rvr = good;
	rvr.prior_signed_voucher_request = BERTH_BYTES_NONE;
	assert_int_not_equal(sign_rvr(judge, &rvr), BERTH_OK);
	home_close(judge);
}

static void
signer_stops_at_its_own_limit(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	BERTH_BUF csr = {0};
	home_make_csr(judge, &csr);
	struct berth_issue_ldevid ask = {.serial = {0x41, 1, 2},
					 .manufacturer_key = BERTH_LIT("maker"),
					 .serial_number = BERTH_LIT(FIXTURE_SERIAL),
					 .request = berth_buf_view(&csr),
					 .lifetime_s = 86400,
					 .partition = 1,
					 .issuer = berth_cert_ski(judge->chain.at[1])};
	for (int64_t i = 0; i < judge->settings.issue_per_minute; i++) {
		BERTH_BUF object = {0};
		ask.serial[15] = (uint8_t)i;
		assert_int_equal(issue(judge, &ask, &object), BERTH_OK);
	}
	BERTH_BUF object = {0};
	assert_int_equal(issue(judge, &ask, &object), BERTH_E_LIMIT);
	judge->f->now.mono.ms += 60001;
	assert_int_equal(issue(judge, &ask, &object), BERTH_OK);
	home_close(judge);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signer_issues_only_what_it_has_checked_itself),
		cmocka_unit_test(signer_makes_gateways_only_of_those_that_the_policy_names),
		cmocka_unit_test(signer_signs_only_a_request_that_wraps_the_pledges_own),
		cmocka_unit_test(signer_stops_at_its_own_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
