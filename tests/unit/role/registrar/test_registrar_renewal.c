/* SPDX-License-Identifier: BSD-2-Clause */
/* simplereenroll: the certificate that the client shows is the permission. */
#include "home.h"

#include "base/base64.h"
#include "protocol/est/client.h"
#include "protocol/est/renewal_info.h"

#define REENROLL_PATH "/.well-known/est/simplereenroll"

struct home {
	struct berth_judge *judge;
	struct person device; /* with its LDevID */
};

static void
take_certificate(struct berth_judge *judge, struct berth_ticket *ticket, struct berth_cert **ret)
{
	BERTH_CERT_LIST list = {0};
	assert_int_equal(ticket->status, 200);
	assert_int_equal(berth_est_certs_parse(judge->f->pki, BERTH_LIT(BERTH_EST_MEDIA_CERTS),
					       berth_buf_view(&ticket->body), &list, NULL),
			 BERTH_OK);
	*ret = berth_cert_ref(list.at[0]);
	berth_buf_free(&ticket->body);
}

static struct home
enrolled(const char *policy)
{
	struct home home = {.judge = home_open(policy)};
	const struct berth_request_fields fields = {.serial_number = BERTH_LIT(FIXTURE_SERIAL)};
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	home.device.key = fixture_key(home.judge->f, "P-256");
	home_reach_voucher(home.judge);
	home_accept_voucher(home.judge, home.judge->chain.at[1]);
	fixture_csr(home.judge->f, &fields, home.device.key, &csr);
	home_ask_for_certificate(home.judge, &ticket, berth_buf_view(&csr));
	home_sign(home.judge);
	take_certificate(home.judge, &ticket, &home.device.cert);
	return home;
}

static void
leave(struct home *home)
{
	berth_key_free(home->device.key);
	berth_cert_free(home->device.cert);
	home_close(home->judge);
}

/* key NULL: a new one. */
static void
make_csr(struct home *home, struct berth_key *key, struct berth_buf *csr)
{
	const struct berth_request_fields fields = {
		.common_name = berth_cert_subject_common_name(home->device.cert),
		.serial_number = berth_cert_subject_serial_number(home->device.cert),
		.organization = berth_cert_subject_organization(home->device.cert),
	};
	fixture_csr(home->judge->f, &fields, key, csr);
}

static void
ask(struct home *home, struct berth_ticket *ticket, const struct person *who,
    struct berth_bytes csr)
{
	BERTH_BUF body = {0};
	assert_int_equal(berth_base64_encode(csr, 0, &body), BERTH_OK);
	home_request(home->judge, ticket, who, REENROLL_PATH, BERTH_EST_MEDIA_PKCS10,
		     berth_buf_view(&body));
}

static void
refused(struct home *home, struct berth_ticket *ticket, int status, const char *rule)
{
	(void)home;
	assert_true(ticket->is_replied);
	assert_int_equal(ticket->status, status);
	assert_non_null(memmem(ticket->body.p, ticket->body.n, rule, strlen(rule)));
	berth_buf_free(&ticket->body);
}

/* req: rfc7030-4.2.2-client rfc7030-4.2.2-key */
static void
renews_with_the_same_key_and_with_another(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	struct berth_key *keys[] = {home.device.key, NULL};
	for (size_t i = 0; i < 2; i++) {
		struct berth_ticket ticket;
		BERTH_BUF csr = {0};
		BERTH_CERT *renewed = NULL;
		make_csr(&home, keys[i], &csr);
		ask(&home, &ticket, &home.device, berth_buf_view(&csr));
		assert_false(ticket.is_replied);
		assert_true(home.judge->intent_was_recorded);
		home_sign(home.judge);
		assert_true(ticket.issue_was_recorded);
		take_certificate(home.judge, &ticket, &renewed);
		assert_true(berth_bytes_equal(berth_cert_subject_der(renewed),
					      berth_cert_subject_der(home.device.cert)));
		assert_false(berth_bytes_equal(berth_cert_serial(renewed),
					       berth_cert_serial(home.device.cert)));
		assert_int_equal(berth_key_equal(berth_cert_key(renewed), home.device.key),
				 keys[i] != NULL);
	}
	leave(&home);
}

static void
gives_the_same_certificate_for_the_same_request(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	struct berth_ticket ticket;
	struct berth_ticket meanwhile;
	BERTH_BUF csr = {0};
	BERTH_CERT *first = NULL;
	BERTH_CERT *second = NULL;
	make_csr(&home, NULL, &csr);
	ask(&home, &ticket, &home.device, berth_buf_view(&csr));
	ask(&home, &meanwhile, &home.device, berth_buf_view(&csr));
	assert_int_equal(meanwhile.status, 202);
	assert_int_equal(meanwhile.retry_after_s, 1);
	berth_buf_free(&meanwhile.body);
	home_sign(home.judge);
	take_certificate(home.judge, &ticket, &first);
	ask(&home, &ticket, &home.device, berth_buf_view(&csr));
	assert_true(ticket.is_replied);
	take_certificate(home.judge, &ticket, &second);
	assert_true(berth_bytes_equal(berth_cert_der(first), berth_cert_der(second)));
	leave(&home);
}

/* req: rfc7030-4.2.2-subject */
static void
refuses_another_subject_or_alternative_name(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	static const struct berth_bytes dns[] = {BERTH_LIT_INIT("camera.example")};
	struct berth_ticket ticket;
	BERTH_BUF shorter = {0};
	BERTH_BUF longer = {0};
	const struct berth_request_fields serial_alone = {.serial_number =
								  BERTH_LIT(FIXTURE_SERIAL)};
	struct berth_request_fields with_name = {
		.common_name = berth_cert_subject_common_name(home.device.cert),
		.serial_number = berth_cert_subject_serial_number(home.device.cert),
		.organization = berth_cert_subject_organization(home.device.cert),
		.dns_names = dns,
		.dns_name_count = 1,
	};
	fixture_csr(home.judge->f, &serial_alone, NULL, &shorter);
	ask(&home, &ticket, &home.device, berth_buf_view(&shorter));
	refused(&home, &ticket, 400, "rfc7030-4.2.2-subject");
	fixture_csr(home.judge->f, &with_name, NULL, &longer);
	ask(&home, &ticket, &home.device, berth_buf_view(&longer));
	refused(&home, &ticket, 400, "rfc7030-4.2.2-alternative-names");
	leave(&home);
}

/* What a voucher said when it came it has said: its signer's certificate may have ended since. */
static void
counts_on_a_voucher_whose_signer_has_ended_since(void **state)
{
	(void)state;
	struct home home =
		enrolled("[rule \"all\"]\napprove = auto\nrequire.assertion = proximity\n");
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	make_csr(&home, NULL, &csr);
	home.judge->f->now.wall.s += FIXTURE_MASA_LASTS_S + 1;
	home.judge->f->now.mono.ms += (FIXTURE_MASA_LASTS_S + 1) * 1000;
	ask(&home, &ticket, &home.device, berth_buf_view(&csr));
	assert_false(ticket.is_replied);
	home_sign(home.judge);
	assert_true(ticket.is_replied);
	assert_int_equal(ticket.status, 200);
	berth_buf_free(&ticket.body);
	leave(&home);
}

/* req: rfc7030-4.2.2-client */
static void
refuses_renewal_by_a_birth_certificate(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	make_csr(&home, NULL, &csr);
	ask(&home, &ticket, &home.judge->f->device, berth_buf_view(&csr));
	refused(&home, &ticket, 403, "rfc7030-4.2.2-client");
	leave(&home);
}

static void
refuses_renewal_of_a_certificate_that_no_device_got(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	const struct person registrar = {.cert = home.judge->chain.at[0]};
	const struct berth_request_fields fields = {
		.common_name = berth_cert_subject_common_name(registrar.cert),
		.organization = berth_cert_subject_organization(registrar.cert)};
	static const struct berth_bytes host[] = {BERTH_LIT_INIT("localhost")};
	struct berth_request_fields same = fields;
	same.dns_names = host;
	same.dns_name_count = 1;
	fixture_csr(home.judge->f, &same, NULL, &csr);
	ask(&home, &ticket, &registrar, berth_buf_view(&csr));
	refused(&home, &ticket, 403, "rfc7030-4.2.2-no-record");
	leave(&home);
}

static void
refuses_renewal_of_a_revoked_certificate(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	home_ask_operator(home.judge, &ticket, "revoke");
	assert_int_equal(ticket.status, 200);
	berth_buf_free(&ticket.body);
	make_csr(&home, NULL, &csr);
	ask(&home, &ticket, &home.device, berth_buf_view(&csr));
	refused(&home, &ticket, 403, "revoked");
	/* Coming back does not bring the old certificate back. */
	home_ask_operator(home.judge, &ticket, "approve");
	berth_buf_free(&ticket.body);
	ask(&home, &ticket, &home.device, berth_buf_view(&csr));
	refused(&home, &ticket, 403, "credential-revoked");
	leave(&home);
}

/* req: rfc7030-4.2.2-policy */
static void
asks_policy_again(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	struct berth_registrar_role *role = home.judge->role;
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	static const char deny[] = "[rule \"out\"]\ndeny = yes\n";
	berth_policy_free(role->policy);
	assert_int_equal(berth_policy_parse(BERTH_LIT(deny), "policy", &role->policy, NULL),
			 BERTH_OK);
	make_csr(&home, NULL, &csr);
	ask(&home, &ticket, &home.device, berth_buf_view(&csr));
	refused(&home, &ticket, 403, "policy-denied");
	leave(&home);
}

/* req: rfc7030-4.2.3-retry-after */
static void
waits_for_an_operator_where_policy_says_so(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	struct berth_registrar_role *role = home.judge->role;
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	BERTH_CERT *renewed = NULL;
	berth_policy_free(role->policy);
	assert_int_equal(berth_policy_parse(BERTH_LIT(POLICY_ASK), "policy", &role->policy, NULL),
			 BERTH_OK);
	make_csr(&home, NULL, &csr);
	for (int i = 0; i < 3; i++) {
		ask(&home, &ticket, &home.device, berth_buf_view(&csr));
		assert_int_equal(ticket.status, 202);
		assert_int_equal(ticket.retry_after_s, 10);
		berth_buf_free(&ticket.body);
	}
	assert_int_equal(home_recorded(home.judge, BERTH_EVENT_DEVICE_PENDING), 1);
	home_ask_operator(home.judge, &ticket, "approve");
	berth_buf_free(&ticket.body);
	ask(&home, &ticket, &home.device, berth_buf_view(&csr));
	assert_false(ticket.is_replied);
	home_sign(home.judge);
	take_certificate(home.judge, &ticket, &renewed);
	leave(&home);
}

static void
a_client_that_asks_without_end_is_stopped(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	struct berth_ticket ticket;
	for (int i = 0; i < BERTH_REGISTRAR_EST_REQUESTS_A_DAY; i++) {
		BERTH_BUF csr = {0};
		make_csr(&home, home.device.key, &csr);
		ask(&home, &ticket, &home.device, berth_buf_view(&csr));
		assert_false(ticket.is_replied);
		home_sign(home.judge);
		assert_int_equal(ticket.status, 200);
		berth_buf_free(&ticket.body);
	}
	BERTH_BUF csr = {0};
	make_csr(&home, home.device.key, &csr);
	ask(&home, &ticket, &home.device, berth_buf_view(&csr));
	refused(&home, &ticket, 429, "est-requests-a-day");
	leave(&home);
}

/* ---- advice, and the campaign ---- */

static void
ask_advice(struct home *home, struct berth_ticket *ticket, const struct person *who,
	   struct berth_renewal_info *info)
{
	const struct berth_http_request http = {
		.method = BERTH_HTTP_GET,
		.path = BERTH_LIT(BERTH_EST_RENEWAL_INFO_PATH "/any.name")};
	const struct berth_tls_facts tls = {.peer_chain = {berth_cert_der(who->cert)},
					    .peer_count = 1,
					    .version = 0x0304,
					    .connection = 1};
	*ticket = (struct berth_ticket){0};
	home_begin(home->judge);
	berth_registrar_judge_role.request(home->judge->role, ticket, &http, &tls,
					   BERTH_LIT("192.0.2.1"));
	home_commit(home->judge);
	if (info == NULL)
		return;
	assert_int_equal(ticket->status, 200);
	assert_int_equal(berth_renewal_info_parse(BERTH_LIT(BERTH_EST_MEDIA_RENEWAL_INFO),
						  berth_buf_view(&ticket->body), info, NULL),
			 BERTH_OK);
	berth_buf_free(&ticket->body);
}

/* As "berth registrar rekey". */
static void
operate(struct home *home, enum berth_http_method method, const char *path, const char *body,
	int status, const char *says)
{
	const struct berth_http_request http = {
		.method = method, .path = berth_text(path), .body = berth_text(body)};
	struct berth_ticket ticket = {0};
	home_begin(home->judge);
	berth_registrar_judge_role.admin(home->judge->role, &ticket, &http, "anna");
	home_commit(home->judge);
	if (ticket.status != status)
		fail_msg("%s: %d: %.*s", path, ticket.status, (int)ticket.body.n,
			 (const char *)ticket.body.p);
	if (memmem(ticket.body.p, ticket.body.n, says, strlen(says)) == NULL)
		fail_msg("%s: %.*s", path, (int)ticket.body.n, (const char *)ticket.body.p);
	berth_buf_free(&ticket.body);
}

static void
later(struct home *home, int64_t seconds)
{
	home->judge->f->now.mono.ms += seconds * 1000;
	home->judge->f->now.wall.s += seconds;
}

/* req: renewal-info-client */
static void
advises_two_thirds_of_the_life(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	struct berth_ticket ticket;
	struct berth_renewal_info info;
	int64_t born = berth_cert_not_before(home.device.cert).s + 300; /* dated back so far */
	int64_t life = berth_cert_not_after(home.device.cert).s - born;
	ask_advice(&home, &ticket, &home.device, &info);
	assert_int_equal(ticket.retry_after_s, -1);
	assert_int_equal(info.start.s, born + life / 3 * 2);
	assert_true(info.has_now);
	assert_int_equal(info.now.s, home.judge->f->now.wall.s);
	leave(&home);
}

/* req: renewal-info-client */
static void
advises_nobody_without_a_certificate_of_ours(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	struct berth_ticket ticket;
	ask_advice(&home, &ticket, &home.judge->f->device, NULL);
	refused(&home, &ticket, 403, "renewal-info-client");
	home_ask_operator(home.judge, &ticket, "revoke");
	berth_buf_free(&ticket.body);
	ask_advice(&home, &ticket, &home.device, NULL);
	refused(&home, &ticket, 403, "revoked");
	leave(&home);
}

/* req: renewal-info-campaign */
static void
a_campaign_tells_devices_to_renew_until_they_have(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	struct berth_ticket ticket;
	struct berth_renewal_info info;
	BERTH_BUF csr = {0};
	int64_t told;
	later(&home, 60);
	operate(&home, BERTH_HTTP_GET, "/v1/rekey", "", 404, "never re-keyed");
	operate(&home, BERTH_HTTP_POST, "/v1/rekey", "{\"rate-per-minute\":1}", 200,
		"\"devices\":1,\"done\":0,\"told\":0,\"waiting\":1");
	operate(&home, BERTH_HTTP_POST, "/v1/rekey", "{\"rate-per-minute\":1}", 409,
		"campaign-exists");
	ask_advice(&home, &ticket, &home.device, &info);
	assert_int_equal(info.start.s, home.judge->f->now.wall.s);
	assert_string_equal(info.explanation, "the fleet is re-keyed");
	/* Its turn stays its own: the same window, and nobody else's place in the minute. */
	told = home.judge->f->now.wall.s;
	later(&home, 30);
	ask_advice(&home, &ticket, &home.device, &info);
	assert_int_equal(info.start.s, told);
	assert_int_equal(info.end.s, told + 3600);
	operate(&home, BERTH_HTTP_GET, "/v1/rekey/report", "", 200, "\"times-told\":2");
	operate(&home, BERTH_HTTP_POST, "/v1/rekey/pause", "", 200, "\"paused\"");
	ask_advice(&home, &ticket, &home.device, &info);
	assert_true(info.start.s > home.judge->f->now.wall.s);
	operate(&home, BERTH_HTTP_POST, "/v1/rekey/resume", "", 200, "\"running\"");
	ask_advice(&home, &ticket, &home.device, &info);
	assert_int_equal(info.start.s, told);
	/* It comes. */
	make_csr(&home, NULL, &csr);
	ask(&home, &ticket, &home.device, berth_buf_view(&csr));
	home_sign(home.judge);
	berth_cert_free(home.device.cert);
	take_certificate(home.judge, &ticket, &home.device.cert);
	later(&home, 61);
	ask_advice(&home, &ticket, &home.device, &info);
	assert_true(info.start.s > home.judge->f->now.wall.s);
	operate(&home, BERTH_HTTP_GET, "/v1/rekey", "", 200,
		"\"devices\":1,\"done\":1,\"told\":0,\"waiting\":0");
	operate(&home, BERTH_HTTP_GET, "/v1/rekey", "", 200, "\"campaign\":\"done\"");
	operate(&home, BERTH_HTTP_POST, "/v1/rekey/resume", "", 409, "campaign-ended");
	leave(&home);
}

/* Its power went after the certificate was made and before it came. */
/* req: renewal-info-campaign */
static void
a_campaign_that_is_done_still_tells_who_never_received_its_certificate(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	struct berth_ticket ticket;
	struct berth_renewal_info info;
	struct berth_cert *lost = NULL;
	BERTH_BUF csr = {0};
	later(&home, 60);
	operate(&home, BERTH_HTTP_POST, "/v1/rekey", "{\"rate-per-minute\":9}", 200,
		"\"waiting\":1");
	ask_advice(&home, &ticket, &home.device, &info);
	make_csr(&home, NULL, &csr);
	ask(&home, &ticket, &home.device, berth_buf_view(&csr));
	home_sign(home.judge);
	take_certificate(home.judge, &ticket, &lost);
	operate(&home, BERTH_HTTP_GET, "/v1/rekey", "", 200, "\"campaign\":\"done\"");
	later(&home, 61);
	ask_advice(&home, &ticket, &home.device, &info); /* with the old one */
	assert_string_equal(info.explanation, "the fleet is re-keyed");
	assert_true(info.start.s < home.judge->f->now.wall.s);
	berth_cert_free(home.device.cert);
	home.device.cert = lost;
	ask_advice(&home, &ticket, &home.device, &info);
	assert_true(info.start.s > home.judge->f->now.wall.s);
	leave(&home);
}

static void
a_campaign_that_was_cancelled_tells_nobody(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	struct berth_ticket ticket;
	struct berth_renewal_info info;
	operate(&home, BERTH_HTTP_POST, "/v1/rekey", "{\"rate-per-minute\":9}", 200,
		"\"waiting\":1");
	operate(&home, BERTH_HTTP_POST, "/v1/rekey/cancel", "", 200, "cancelled");
	ask_advice(&home, &ticket, &home.device, &info);
	assert_true(info.start.s > home.judge->f->now.wall.s);
	leave(&home);
}

/* req: renewal-info-campaign */
static void
a_campaign_tells_so_many_a_minute(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	struct berth_registrar_role *role = home.judge->role;
	struct berth_ticket ticket;
	struct berth_renewal_info info;
	struct berth_why why;
	later(&home, 60);
	operate(&home, BERTH_HTTP_POST, "/v1/rekey", "{\"rate-per-minute\":1}", 200, "\"told\":0");
	assert_int_equal(berth_rate_take(&role->campaign.rate, home.judge->f->now.mono,
					 "another device", &why),
			 BERTH_OK);
	/* The minute is full: again later, and until then as usual. */
	ask_advice(&home, &ticket, &home.device, &info);
	assert_true(info.start.s > home.judge->f->now.wall.s);
	assert_in_range(ticket.retry_after_s, 60, 180);
	operate(&home, BERTH_HTTP_GET, "/v1/rekey", "", 200, "\"told\":0,\"waiting\":1");
	later(&home, 61);
	ask_advice(&home, &ticket, &home.device, &info);
	assert_int_equal(info.start.s, home.judge->f->now.wall.s);
	leave(&home);
}

static void
a_campaign_takes_what_was_issued_in_its_own_second(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	struct berth_ticket ticket;
	struct berth_renewal_info info;
	operate(&home, BERTH_HTTP_POST, "/v1/rekey", "{\"rate-per-minute\":9}", 200,
		"\"campaign\":\"running\"");
	ask_advice(&home, &ticket, &home.device, &info);
	assert_string_equal(info.explanation, "the fleet is re-keyed");
	leave(&home);
}

/* Else who has renewed would be told to again, until the clock comes to where it was. */
/* req: renewal-info-campaign */
static void
a_campaign_ends_also_when_the_clock_was_ahead_as_it_began(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	struct berth_ticket ticket;
	struct berth_renewal_info info;
	BERTH_BUF csr = {0};
	later(&home, 600);
	operate(&home, BERTH_HTTP_POST, "/v1/rekey", "{\"rate-per-minute\":9}", 200,
		"\"devices\":1,\"done\":0");
	later(&home, 60);
	home.judge->f->now.wall.s -= 600;
	make_csr(&home, NULL, &csr);
	ask(&home, &ticket, &home.device, berth_buf_view(&csr));
	home_sign(home.judge);
	berth_cert_free(home.device.cert);
	take_certificate(home.judge, &ticket, &home.device.cert);
	ask_advice(&home, &ticket, &home.device, &info);
	assert_true(info.start.s > home.judge->f->now.wall.s);
	operate(&home, BERTH_HTTP_GET, "/v1/rekey", "", 200,
		"\"devices\":1,\"done\":1,\"told\":0,\"waiting\":0");
	leave(&home);
}

static void
a_campaign_leaves_out_who_does_not_match(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	struct berth_ticket ticket;
	struct berth_renewal_info info;
	later(&home, 60);
	operate(&home, BERTH_HTTP_POST, "/v1/rekey", "{\"rate-per-minute\":9,\"match\":\"LAMP-*\"}",
		200, "\"devices\":0");
	ask_advice(&home, &ticket, &home.device, &info);
	assert_true(info.start.s > home.judge->f->now.wall.s);
	leave(&home);
}

static void
refuses_a_campaign_that_makes_no_sense(void **state)
{
	(void)state;
	struct home home = enrolled(POLICY_AUTO);
	operate(&home, BERTH_HTTP_POST, "/v1/rekey", "{\"rate-per-minute\":0}", 400, "json");
	operate(&home, BERTH_HTTP_POST, "/v1/rekey", "{}", 400, "rate-per-minute");
	operate(&home, BERTH_HTTP_POST, "/v1/rekey", "{\"rate-per-minute\":9,\"match\":\"[a]\"}",
		400, "campaign-match");
	operate(&home, BERTH_HTTP_POST, "/v1/rekey/cancel", "", 404, "campaign-none");
	leave(&home);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renews_with_the_same_key_and_with_another),
		cmocka_unit_test(gives_the_same_certificate_for_the_same_request),
		cmocka_unit_test(refuses_another_subject_or_alternative_name),
		cmocka_unit_test(counts_on_a_voucher_whose_signer_has_ended_since),
		cmocka_unit_test(refuses_renewal_by_a_birth_certificate),
		cmocka_unit_test(refuses_renewal_of_a_certificate_that_no_device_got),
		cmocka_unit_test(refuses_renewal_of_a_revoked_certificate),
		cmocka_unit_test(asks_policy_again),
		cmocka_unit_test(waits_for_an_operator_where_policy_says_so),
		cmocka_unit_test(a_client_that_asks_without_end_is_stopped),
		cmocka_unit_test(advises_two_thirds_of_the_life),
		cmocka_unit_test(advises_nobody_without_a_certificate_of_ours),
		cmocka_unit_test(a_campaign_tells_devices_to_renew_until_they_have),
		cmocka_unit_test(
			a_campaign_that_is_done_still_tells_who_never_received_its_certificate),
		cmocka_unit_test(a_campaign_that_was_cancelled_tells_nobody),
		cmocka_unit_test(a_campaign_tells_so_many_a_minute),
		cmocka_unit_test(a_campaign_takes_what_was_issued_in_its_own_second),
		cmocka_unit_test(a_campaign_ends_also_when_the_clock_was_ahead_as_it_began),
		cmocka_unit_test(a_campaign_leaves_out_who_does_not_match),
		cmocka_unit_test(refuses_a_campaign_that_makes_no_sense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
