/* SPDX-License-Identifier: BSD-2-Clause */
#include "home.h"

#include "role/registrar/signer.h"
#include "role/registrar/signing.h"

/* req: rfc8995-5.6-recorded rfc8995-5.5-chain */
static void
audit_record_precedes_the_voucher(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	struct berth_ticket ticket;
	BERTH_BUF pvr = {0};
	home_make_pvr(judge, &pvr);
	home_ask_for_voucher(judge, &ticket, berth_buf_view(&pvr));
	assert_false(ticket.is_replied);
	assert_int_equal(judge->op, BERTH_REGISTRAR_SIGN_RVR);
	assert_true(judge->intent_was_recorded);
	home_sign(judge);
	assert_string_equal(judge->dialled, "masa.example/.well-known/brski/requestvoucher");
	BERTH_CMS rvr = {0};
	assert_int_equal(
		berth_cms_open(judge->f->pki, berth_buf_view(&judge->dial_body), NULL, &rvr, NULL),
		BERTH_OK);
	assert_int_equal(rvr.certificates.n, judge->chain.n);
	assert_true(
		berth_bytes_equal(berth_cert_der(rvr.signer), berth_cert_der(judge->chain.at[0])));
	assert_int_equal(home_recorded(judge, BERTH_EVENT_VOUCHER_FORWARDED), 0);
	home_give_voucher(judge);
	assert_int_equal(ticket.status, 200);
	assert_true(ticket.forwarding_was_recorded);
	berth_buf_free(&ticket.body);
	home_close(judge);
}

/* req: rfc8995-5.9-permission rfc8995-5.9-intent */
static void
certificate_follows_intent_and_record(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	home_reach_voucher(judge);
	home_accept_voucher(judge, judge->chain.at[1]);
	home_make_csr(judge, &csr);
	home_ask_for_certificate(judge, &ticket, berth_buf_view(&csr));
	assert_false(ticket.is_replied);
	assert_int_equal(judge->op, BERTH_REGISTRAR_ISSUE_LDEVID);
	assert_true(judge->intent_was_recorded);
	home_sign(judge);
	assert_int_equal(ticket.status, 200);
	assert_true(ticket.issue_was_recorded);
	struct berth_ticket again;
	home_ask_for_certificate(judge, &again, berth_buf_view(&csr));
	assert_int_equal(again.status, 200);
	assert_true(berth_bytes_equal(berth_buf_view(&ticket.body), berth_buf_view(&again.body)));
	assert_int_equal(home_recorded(judge, BERTH_EVENT_CERTIFICATE_ISSUED), 1);
	berth_buf_free(&ticket.body);
	berth_buf_free(&again.body);
	home_close(judge);
}

/* req: rfc8995-5.9-permission */
static void
refuses_a_second_key_under_one_permission(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	struct berth_ticket ticket;
	BERTH_BUF first = {0};
	BERTH_BUF second = {0};
	home_reach_voucher(judge);
	home_accept_voucher(judge, judge->chain.at[1]);
	home_make_csr(judge, &first);
	home_make_csr(judge, &second);
	home_ask_for_certificate(judge, &ticket, berth_buf_view(&first));
	home_sign(judge);
	berth_buf_free(&ticket.body);
	home_ask_for_certificate(judge, &ticket, berth_buf_view(&second));
	assert_int_equal(ticket.status, 403);
	berth_buf_free(&ticket.body);
	home_close(judge);
}

/* req: rfc8995-5.9-permission */
static void
refuses_enrolment_before_the_voucher_was_accepted(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	home_make_csr(judge, &csr);
	home_ask_for_certificate(judge, &ticket, berth_buf_view(&csr));
	assert_int_equal(ticket.status, 403);
	berth_buf_free(&ticket.body);
	home_reach_voucher(judge);
	home_ask_for_certificate(judge, &ticket, berth_buf_view(&csr));
	assert_int_equal(ticket.status, 403);
	berth_buf_free(&ticket.body);
	home_request(judge, &ticket, &judge->f->device, BERTH_BRSKI_VOUCHER_STATUS_PATH,
		     "application/json",
		     BERTH_LIT("{\"version\":1,\"status\":false,\"reason\":\"no\"}"));
	assert_int_equal(ticket.status, 200);
	berth_buf_free(&ticket.body);
	home_ask_for_certificate(judge, &ticket, berth_buf_view(&csr));
	assert_int_equal(ticket.status, 403);
	berth_buf_free(&ticket.body);
	home_close(judge);
}

/* req: rfc8995-5.8.3-refuse */
static void
refuses_enrolment_of_a_device_that_another_domain_had(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	home_reach_voucher(judge);
	home_accept_voucher(judge, judge->f->rival_owner.cert);
	assert_int_equal(home_recorded(judge, BERTH_EVENT_ENROL_PERMITTED), 0);
	assert_int_equal(home_recorded(judge, BERTH_EVENT_ENROL_REFUSED), 1);
	home_make_csr(judge, &csr);
	home_ask_for_certificate(judge, &ticket, berth_buf_view(&csr));
	assert_int_equal(ticket.status, 403);
	berth_buf_free(&ticket.body);
	home_close(judge);
}

/* req: rfc8995-5.9-permission */
static void
a_device_that_rejected_its_voucher_cannot_change_its_mind(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	struct berth_ticket ticket;
	home_reach_voucher(judge);
	home_request(judge, &ticket, &judge->f->device, BERTH_BRSKI_VOUCHER_STATUS_PATH,
		     "application/json",
		     BERTH_LIT("{\"version\":1,\"status\":false,\"reason\":\"no\"}"));
	assert_int_equal(ticket.status, 200);
	berth_buf_free(&ticket.body);
	home_request(judge, &ticket, &judge->f->device, BERTH_BRSKI_VOUCHER_STATUS_PATH,
		     "application/json", BERTH_LIT("{\"version\":1,\"status\":true}"));
	assert_true(ticket.is_replied); /* nobody was asked about it */
	assert_int_equal(home_recorded(judge, BERTH_EVENT_ENROL_PERMITTED), 0);
	berth_buf_free(&ticket.body);
	home_close(judge);
}

/*
 * A device's birth certificate leads to the manufacturer's anchor as the MASA's does. Whoever has taken over the net
 * process and holds one device could make vouchers with it, and with them any assertion.
 */
static void
counts_on_no_assertion_that_a_birth_certificate_signed(void **state)
{
	(void)state;
	for (int by_device = 0; by_device < 2; by_device++) {
		struct berth_judge *judge = home_open(
			"[rule \"all\"]\napprove = auto\nrequire.assertion = proximity\n");
		struct berth_ticket ticket;
		BERTH_BUF pvr = {0};
		BERTH_BUF der = {0};
		home_make_pvr(judge, &pvr);
		home_ask_for_voucher(judge, &ticket, berth_buf_view(&pvr));
		home_sign(judge);
		struct berth_voucher voucher = fixture_voucher(judge->f);
		voucher.pinned_domain_cert = berth_cert_der(judge->chain.at[1]);
		fixture_sign(judge->f, &voucher, by_device ? &judge->f->device : &judge->f->masa,
			     &der);
		home_masa_answers(judge, 200, BERTH_MEDIA_VOUCHER_CMS, berth_buf_view(&der));
		assert_int_equal(ticket.status, 200);
		berth_buf_free(&ticket.body);
		home_accept_voucher(judge, judge->chain.at[1]);
		assert_int_equal(home_recorded(judge, BERTH_EVENT_ENROL_PERMITTED), !by_device);
		home_close(judge);
	}
}

/* A manufacturer may have pinned our CA once and our registrar another time: both are we. */
/* req: rfc8995-5.8.3-refuse */
static void
permits_enrolment_when_the_log_names_several_certificates_of_ours(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	struct berth_cert *const ours[] = {judge->chain.at[1], judge->chain.at[0]};
	home_reach_voucher(judge);
	home_accept_voucher_after(judge, ours, 2);
	assert_int_equal(home_recorded(judge, BERTH_EVENT_ENROL_PERMITTED), 1);
	assert_int_equal(home_recorded(judge, BERTH_EVENT_ENROL_REFUSED), 0);
	home_close(judge);
	judge = home_open(POLICY_AUTO);
	struct berth_cert *const others[] = {judge->chain.at[1], judge->f->rival_owner.cert};
	home_reach_voucher(judge);
	home_accept_voucher_after(judge, others, 2);
	assert_int_equal(home_recorded(judge, BERTH_EVENT_ENROL_PERMITTED), 0);
	home_close(judge);
}

/* req: rfc8995-5.3-authorise */
static void
the_same_bytes_pass_once_an_operator_approves(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_ASK);
	struct berth_ticket ticket;
	struct berth_ticket operator_ticket;
	BERTH_BUF pvr = {0};
	home_make_pvr(judge, &pvr);
	for (int i = 0; i < 3; i++) {
		home_ask_for_voucher(judge, &ticket, berth_buf_view(&pvr));
		assert_int_equal(ticket.status, 202);
		assert_int_equal(ticket.retry_after_s, 10);
		berth_buf_free(&ticket.body);
	}
	assert_int_equal(home_recorded(judge, BERTH_EVENT_DEVICE_PENDING), 1);
	home_ask_operator(judge, &operator_ticket, "approve");
	assert_int_equal(operator_ticket.status, 200);
	berth_buf_free(&operator_ticket.body);
	home_ask_for_voucher(judge, &ticket, berth_buf_view(&pvr));
	assert_false(ticket.is_replied);
	home_sign(judge);
	home_give_voucher(judge);
	assert_int_equal(ticket.status, 200);
	struct berth_ticket again;
	home_ask_for_voucher(judge, &again, berth_buf_view(&pvr));
	assert_int_equal(again.status, 200);
	assert_true(berth_bytes_equal(berth_buf_view(&ticket.body), berth_buf_view(&again.body)));
	berth_buf_free(&ticket.body);
	berth_buf_free(&again.body);
	home_close(judge);
}

/* req: rfc8995-5.3-authorise */
static void
nobody_deciding_in_time_is_a_denial(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_ASK);
	struct berth_ticket ticket;
	BERTH_BUF pvr = {0};
	home_make_pvr(judge, &pvr);
	home_ask_for_voucher(judge, &ticket, berth_buf_view(&pvr));
	assert_int_equal(ticket.status, 202);
	berth_buf_free(&ticket.body);
	judge->f->now.wall.s += judge->settings.approval_timeout_s + 1;
	home_ask_for_voucher(judge, &ticket, berth_buf_view(&pvr));
	assert_int_equal(ticket.status, 403);
	berth_buf_free(&ticket.body);
	home_close(judge);
}

static void
the_list_shows_what_an_operator_said(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_ASK);
	struct berth_ticket ticket;
	BERTH_BUF pvr = {0};
	home_make_pvr(judge, &pvr);
	home_ask_for_voucher(judge, &ticket, berth_buf_view(&pvr));
	berth_buf_free(&ticket.body);
	home_ask_operator(judge, &ticket, "deny");
	berth_buf_free(&ticket.body);
	const struct berth_http_request http = {.method = BERTH_HTTP_GET,
						.path = berth_text("/v1/devices")};
	ticket = (struct berth_ticket){0};
	home_begin(judge);
	berth_registrar_judge_role.admin(judge->role, &ticket, &http, "anna");
	home_commit(judge);
	assert_int_equal(ticket.status, 200);
	static const char denied[] = "\"approval\":{\"state\":\"denied\",\"by\":\"anna\"";
	assert_non_null(memmem(ticket.body.p, ticket.body.n, denied, sizeof(denied) - 1));
	berth_buf_free(&ticket.body);
	home_close(judge);
}

static void
a_revoked_device_gets_nothing_until_it_is_approved_again(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	struct berth_ticket ticket;
	BERTH_BUF pvr = {0};
	BERTH_BUF csr = {0};
	home_reach_voucher(judge);
	home_accept_voucher(judge, judge->chain.at[1]);
	home_ask_operator(judge, &ticket, "revoke");
	assert_int_equal(ticket.status, 200);
	berth_buf_free(&ticket.body);
	home_make_csr(judge, &csr);
	home_ask_for_certificate(judge, &ticket, berth_buf_view(&csr));
	assert_int_equal(ticket.status, 403);
	berth_buf_free(&ticket.body);
	home_make_pvr(judge, &pvr);
	home_ask_for_voucher(judge, &ticket, berth_buf_view(&pvr));
	assert_int_equal(ticket.status, 403);
	berth_buf_free(&ticket.body);
	home_ask_operator(judge, &ticket, "approve");
	berth_buf_free(&ticket.body);
	home_ask_for_voucher(judge, &ticket, berth_buf_view(&pvr));
	assert_false(ticket.is_replied);
	home_close(judge);
}

/* The operator's word and the signer's answer cross: the word that was given first holds. */
static void
a_word_against_the_device_holds_while_its_certificate_is_signed(void **state)
{
	(void)state;
	static const char *const words[] = {"deny", "revoke"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct berth_judge *judge = home_open(POLICY_AUTO);
		struct berth_ticket ticket;
		struct berth_ticket operator_ticket;
		BERTH_BUF csr = {0};
		home_reach_voucher(judge);
		home_accept_voucher(judge, judge->chain.at[1]);
		home_make_csr(judge, &csr);
		home_ask_for_certificate(judge, &ticket, berth_buf_view(&csr));
		home_ask_operator(judge, &operator_ticket, words[i]);
		assert_int_equal(operator_ticket.status, 200);
		home_sign(judge);
		assert_int_equal(ticket.status, 403);
		assert_int_equal(home_recorded(judge, BERTH_EVENT_CERTIFICATE_ISSUED), 0);
		assert_int_equal(home_recorded(judge, BERTH_EVENT_CERTIFICATE_REVOKED), 1);
		berth_buf_free(&ticket.body);
		berth_buf_free(&operator_ticket.body);
		home_close(judge);
	}
}

/* The requester leaves while the signer works: what was asked for is still written down, and nothing is touched twice. */
static void
a_certificate_is_kept_for_a_device_that_left_while_it_was_signed(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	home_reach_voucher(judge);
	home_accept_voucher(judge, judge->chain.at[1]);
	home_make_csr(judge, &csr);
	home_ask_for_certificate(judge, &ticket, berth_buf_view(&csr));
	berth_registrar_judge_role.gone(judge->role, &ticket);
	home_sign(judge);
	assert_false(ticket.is_replied);
	home_ask_for_certificate(judge, &ticket, berth_buf_view(&csr));
	assert_int_equal(ticket.status, 200);
	assert_int_equal(home_recorded(judge, BERTH_EVENT_CERTIFICATE_ISSUED), 1);
	berth_buf_free(&ticket.body);
	home_close(judge);
}

/* What the signer answered was in a batch that failed: nothing was released, and nobody will answer again. */
static void
a_device_gets_its_certificate_after_the_store_failed_to_keep_the_first(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	BERTH_BUF object = {0};
	home_reach_voucher(judge);
	home_accept_voucher(judge, judge->chain.at[1]);
	home_make_csr(judge, &csr);
	home_ask_for_certificate(judge, &ticket, berth_buf_view(&csr));
	assert_int_equal(berth_registrar_signer_role.sign(judge->signer, judge->op,
							  berth_buf_view(&judge->payload),
							  judge->f->now, &object, NULL),
			 BERTH_OK);
	home_begin(judge);
	berth_registrar_judge_role.signature(judge->role, judge->cookie, BERTH_OK,
					     berth_buf_view(&object), NULL);
	berth_registrar_judge_role.batch_abort(judge->role);
	berth_buf_free(&ticket.body);
	home_ask_for_certificate(judge, &ticket, berth_buf_view(&csr));
	assert_false(ticket.is_replied); /* the signer is asked again */
	struct berth_ticket meanwhile;
	home_ask_for_certificate(judge, &meanwhile, berth_buf_view(&csr));
	assert_int_equal(meanwhile.status, 202);
	berth_buf_free(&meanwhile.body);
	home_sign(judge);
	assert_int_equal(ticket.status, 200);
	assert_int_equal(home_recorded(judge, BERTH_EVENT_CERTIFICATE_ISSUED), 1);
	berth_buf_free(&ticket.body);
	home_close(judge);
}

/* Without another signature, and without asking the MASA again. */
static void
the_same_bytes_get_the_same_voucher_after_it_was_accepted(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	struct berth_ticket first, again;
	BERTH_BUF pvr = {0};
	home_make_pvr(judge, &pvr);
	home_ask_for_voucher(judge, &first, berth_buf_view(&pvr));
	home_sign(judge);
	home_give_voucher(judge);
	home_accept_voucher(judge, judge->chain.at[1]);
	judge->op = 0;
	home_ask_for_voucher(judge, &again, berth_buf_view(&pvr));
	assert_int_equal(judge->op, 0);
	assert_int_equal(again.status, 200);
	assert_true(berth_bytes_equal(berth_buf_view(&first.body), berth_buf_view(&again.body)));
	berth_buf_free(&first.body);
	berth_buf_free(&again.body);
	home_close(judge);
}

static void
the_same_bytes_are_refused_when_the_device_rejected_their_voucher(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	struct berth_ticket ticket;
	BERTH_BUF pvr = {0};
	home_make_pvr(judge, &pvr);
	home_ask_for_voucher(judge, &ticket, berth_buf_view(&pvr));
	home_sign(judge);
	home_give_voucher(judge);
	berth_buf_free(&ticket.body);
	home_request(judge, &ticket, &judge->f->device, BERTH_BRSKI_VOUCHER_STATUS_PATH,
		     "application/json",
		     BERTH_LIT("{\"version\":1,\"status\":false,\"reason\":\"no\"}"));
	berth_buf_free(&ticket.body);
	judge->op = 0;
	home_ask_for_voucher(judge, &ticket, berth_buf_view(&pvr));
	assert_int_equal(judge->op, 0);
	assert_int_equal(ticket.status, 403);
	berth_buf_free(&ticket.body);
	home_close(judge);
}

/* voucher_status does not say which voucher it is about: an older one's, that comes late, is about none that counts. */
static void
an_accepted_voucher_stands_when_a_rejection_comes_late(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	home_reach_voucher(judge);
	home_accept_voucher(judge, judge->chain.at[1]);
	home_request(judge, &ticket, &judge->f->device, BERTH_BRSKI_VOUCHER_STATUS_PATH,
		     "application/json",
		     BERTH_LIT("{\"version\":1,\"status\":false,\"reason\":\"late\"}"));
	assert_int_equal(ticket.status, 200);
	berth_buf_free(&ticket.body);
	home_make_csr(judge, &csr);
	home_ask_for_certificate(judge, &ticket, berth_buf_view(&csr));
	assert_false(ticket.is_replied);
	home_sign(judge);
	assert_int_equal(ticket.status, 200);
	berth_buf_free(&ticket.body);
	home_close(judge);
}

/* Acceptance is written with the audit log's verdict; what the device says before that is written first, and counts. */
static void
a_rejection_that_comes_while_the_audit_log_is_fetched_counts(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	struct berth_ticket ticket;
	struct berth_ticket rejection;
	struct berth_ticket enrolment;
	BERTH_BUF csr = {0};
	home_reach_voucher(judge);
	home_request(judge, &ticket, &judge->f->device, BERTH_BRSKI_VOUCHER_STATUS_PATH,
		     "application/json", BERTH_LIT("{\"version\":1,\"status\":true}"));
	assert_false(ticket.is_replied);
	home_request(judge, &rejection, &judge->f->device, BERTH_BRSKI_VOUCHER_STATUS_PATH,
		     "application/json",
		     BERTH_LIT("{\"version\":1,\"status\":false,\"reason\":\"no\"}"));
	assert_int_equal(rejection.status, 200);
	home_give_audit_log(judge, &judge->chain.at[1], 1);
	assert_int_equal(ticket.status, 200);
	assert_int_equal(home_recorded(judge, BERTH_EVENT_VOUCHER_STATUS), 2);
	assert_int_equal(home_recorded(judge, BERTH_EVENT_ENROL_PERMITTED), 0);
	home_make_csr(judge, &csr);
	home_ask_for_certificate(judge, &enrolment, berth_buf_view(&csr));
	assert_int_equal(enrolment.status, 403);
	berth_buf_free(&ticket.body);
	berth_buf_free(&rejection.body);
	berth_buf_free(&enrolment.body);
	home_close(judge);
}

/* A device that heard nothing says it again while the MASA is asked; the answer to one of the two is lost. */
/* req: rfc8995-5.8.3-refuse */
static void
what_a_log_has_proved_stands_when_it_cannot_be_read_again(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	struct berth_ticket ticket;
	struct berth_ticket enrolment;
	BERTH_BUF csr = {0};
	home_reach_voucher(judge);
	home_request(judge, &ticket, &judge->f->device, BERTH_BRSKI_VOUCHER_STATUS_PATH,
		     "application/json", BERTH_LIT("{\"version\":1,\"status\":true}"));
	assert_false(ticket.is_replied);
	uint64_t cookie = judge->cookie;
	home_accept_voucher(judge, judge->chain.at[1]);
	judge->cookie = cookie;
	home_masa_answers(judge, 0, "", BERTH_BYTES_NONE);
	assert_int_equal(ticket.status, 200);
	assert_int_equal(home_recorded(judge, BERTH_EVENT_ENROL_PERMITTED), 1);
	assert_int_equal(home_recorded(judge, BERTH_EVENT_ENROL_REFUSED), 0);
	home_make_csr(judge, &csr);
	home_ask_for_certificate(judge, &enrolment, berth_buf_view(&csr));
	assert_false(enrolment.is_replied);
	home_sign(judge);
	assert_int_equal(enrolment.status, 200);
	berth_buf_free(&ticket.body);
	berth_buf_free(&enrolment.body);
	home_close(judge);
}

/* Another request of the same device: its own nonce. */
static void
reach_second_voucher(struct berth_judge *judge)
{
	struct berth_ticket ticket;
	BERTH_BUF pvr = {0};
	BERTH_BUF der = {0};
	struct berth_voucher asked = fixture_pvr(judge->f);
	struct berth_voucher voucher = fixture_voucher(judge->f);
	asked.nonce = BERTH_LIT("the second nonce");
	asked.proximity_registrar_cert = berth_cert_der(judge->chain.at[0]);
	fixture_sign(judge->f, &asked, &judge->f->device, &pvr);
	home_ask_for_voucher(judge, &ticket, berth_buf_view(&pvr));
	home_sign(judge);
	voucher.nonce = asked.nonce;
	voucher.pinned_domain_cert = berth_cert_der(judge->chain.at[1]);
	fixture_sign(judge->f, &voucher, &judge->f->masa, &der);
	home_masa_answers(judge, 200, BERTH_MEDIA_VOUCHER_CMS, berth_buf_view(&der));
	assert_int_equal(ticket.status, 200);
	berth_buf_free(&ticket.body);
}

/* The second voucher's log: not readable (body empty), or what it says. */
static int
enrols_after_second_log(struct berth_bytes json)
{
	struct berth_judge *judge = home_open(POLICY_AUTO);
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	home_reach_voucher(judge);
	home_accept_voucher(judge, judge->chain.at[1]);
	reach_second_voucher(judge);
	home_request(judge, &ticket, &judge->f->device, BERTH_BRSKI_VOUCHER_STATUS_PATH,
		     "application/json", BERTH_LIT("{\"version\":1,\"status\":true}"));
	assert_false(ticket.is_replied);
	home_masa_answers(judge, json.n > 0 ? 200 : 0, "application/json", json);
	assert_int_equal(ticket.status, 200);
	berth_buf_free(&ticket.body);
	assert_int_equal(home_recorded(judge, BERTH_EVENT_ENROL_REFUSED), 1);
	home_make_csr(judge, &csr);
	home_ask_for_certificate(judge, &ticket, berth_buf_view(&csr));
	if (!ticket.is_replied)
		home_sign(judge);
	int status = ticket.status;
	berth_buf_free(&ticket.body);
	home_close(judge);
	return status;
}

static void
an_earlier_permission_stands_when_a_later_log_cannot_be_read(void **state)
{
	(void)state;
	assert_int_equal(enrols_after_second_log(BERTH_BYTES_NONE), 200);
}

/* req: rfc8995-5.8.3-refuse */
static void
and_falls_when_a_later_log_tells_of_a_violation(void **state)
{
	(void)state;
	assert_int_equal(enrols_after_second_log(BERTH_LIT(
				 "{\"version\":1,\"events\":[{\"date\":\"2026-09-21T00:00:00Z\","
				 "\"domainID\":\"c3RyYW5nZXI=\",\"nonce\":\"AQIDBAUGBwg=\","
				 "\"assertion\":\"logged\"}],\"truncation\":{}}")),
			 403);
}

/* A registrar runs for years; what it has counted by then must not look like another's mark in a cookie. */
static void
serves_as_before_after_billions_of_requests(void **state)
{
	static const uint32_t counts[] = {0x3ffffffe, 0x7ffffffe, 0xbffffffe, 0xfffffffe};
	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct berth_judge *judge = home_open(POLICY_AUTO);
		struct berth_registrar_role *role = judge->role;
		struct berth_ticket ticket;
		BERTH_BUF csr = {0};
		role->generation = counts[i];
		home_reach_voucher(judge);
		home_accept_voucher(judge, judge->chain.at[1]);
		home_make_csr(judge, &csr);
		home_ask_for_certificate(judge, &ticket, berth_buf_view(&csr));
		home_sign(judge);
		assert_int_equal(ticket.status, 200);
		berth_buf_free(&ticket.body);
		home_close(judge);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(audit_record_precedes_the_voucher),
		cmocka_unit_test(certificate_follows_intent_and_record),
		cmocka_unit_test(refuses_a_second_key_under_one_permission),
		cmocka_unit_test(refuses_enrolment_before_the_voucher_was_accepted),
		cmocka_unit_test(refuses_enrolment_of_a_device_that_another_domain_had),
		cmocka_unit_test(a_device_that_rejected_its_voucher_cannot_change_its_mind),
		cmocka_unit_test(counts_on_no_assertion_that_a_birth_certificate_signed),
		cmocka_unit_test(permits_enrolment_when_the_log_names_several_certificates_of_ours),
		cmocka_unit_test(the_same_bytes_pass_once_an_operator_approves),
		cmocka_unit_test(nobody_deciding_in_time_is_a_denial),
		cmocka_unit_test(the_list_shows_what_an_operator_said),
		cmocka_unit_test(a_revoked_device_gets_nothing_until_it_is_approved_again),
		cmocka_unit_test(a_word_against_the_device_holds_while_its_certificate_is_signed),
		cmocka_unit_test(a_certificate_is_kept_for_a_device_that_left_while_it_was_signed),
		cmocka_unit_test(the_same_bytes_get_the_same_voucher_after_it_was_accepted),
		cmocka_unit_test(the_same_bytes_are_refused_when_the_device_rejected_their_voucher),
		cmocka_unit_test(an_accepted_voucher_stands_when_a_rejection_comes_late),
		cmocka_unit_test(a_rejection_that_comes_while_the_audit_log_is_fetched_counts),
		cmocka_unit_test(what_a_log_has_proved_stands_when_it_cannot_be_read_again),
		cmocka_unit_test(an_earlier_permission_stands_when_a_later_log_cannot_be_read),
		cmocka_unit_test(and_falls_when_a_later_log_tells_of_a_violation),
		cmocka_unit_test(
			a_device_gets_its_certificate_after_the_store_failed_to_keep_the_first),
		cmocka_unit_test(serves_as_before_after_billions_of_requests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
