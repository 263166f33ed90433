/* SPDX-License-Identifier: BSD-2-Clause */
/* A device that the policy makes a gateway of: what its certificate says, and what it does not open. */
#include "home.h"

#include "base/base64.h"
#include "protocol/brski/domain_path.h"
#include "protocol/brski/registrar.h"
#include "protocol/est/client.h"

#define REENROLL_PATH "/.well-known/est/simplereenroll"
#define POLICY_GATEWAY "[rule \"all\"]\napprove = auto\nrole = gateway\n"

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

static struct berth_judge *
onboard(const char *policy, struct person *ret)
{
	struct berth_judge *judge = home_open(policy);
	const struct berth_request_fields fields = {.serial_number = BERTH_LIT(FIXTURE_SERIAL)};
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	*ret = (struct person){.key = fixture_key(judge->f, "P-256")};
	home_reach_voucher(judge);
	home_accept_voucher(judge, judge->chain.at[1]);
	fixture_csr(judge->f, &fields, ret->key, &csr);
	home_ask_for_certificate(judge, &ticket, berth_buf_view(&csr));
	home_sign(judge);
	take_certificate(judge, &ticket, &ret->cert);
	return judge;
}

static void
leave(struct berth_judge *judge, struct person *who)
{
	berth_key_free(who->key);
	berth_cert_free(who->cert);
	home_close(judge);
}

static bool
says_gateway(const struct berth_cert *cert)
{
	return berth_bytes_equal_text(berth_cert_subject_unit(cert), "gateway");
}

/* True when it is the role that is refused. */
static bool
is_closed(struct berth_judge *judge, const struct person *who, const char *path, const char *media)
{
	struct berth_ticket ticket;
	home_request(judge, &ticket, who, path, media,
		     BERTH_LIT("{\"version\":1,\"status\":true}"));
	assert_true(ticket.is_replied);
	const bool is_role =
		ticket.body.n && memmem(ticket.body.p, ticket.body.n, "peer-role", 9) != NULL;
	assert_true(!is_role || ticket.status == 403);
	berth_buf_free(&ticket.body);
	return is_role;
}

static void
the_certificate_of_a_gateway_opens_nothing_that_devices_use(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		const char *media;
		bool is_closed;
	} rows[] = {
		{BERTH_BRSKI_REQUESTVOUCHER_PATH, "application/voucher-cms+json", true},
		{BERTH_BRSKI_VOUCHER_STATUS_PATH, "application/json", true},
		{"/.well-known/est/simpleenroll", BERTH_EST_MEDIA_PKCS10, true},
		{BERTH_BRSKI_ENROLLSTATUS_PATH, "application/json", false},
		{REENROLL_PATH, BERTH_EST_MEDIA_PKCS10, false},
	};
	struct person gateway, device;
	struct berth_judge *judge = onboard(POLICY_GATEWAY, &gateway);
	assert_true(says_gateway(gateway.cert));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].path);
		assert_int_equal(is_closed(judge, &gateway, rows[i].path, rows[i].media),
				 rows[i].is_closed);
	}
	leave(judge, &gateway);
	/* The smallest change: no such role. */
	judge = onboard(POLICY_AUTO, &device);
	assert_false(says_gateway(device.cert));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_false(is_closed(judge, &device, rows[i].path, rows[i].media));
	leave(judge, &device);
}

/* As a MASA finds the domain that asks (RFC 8995 5.5.4); also the device wants cmcRA of whom it meets (5.6.2). */
static enum berth_err
is_domains_registrar(struct berth_judge *judge, const struct berth_cert *cert,
		     struct berth_why *why)
{
	BERTH_CERT_LIST path = {0};
	BERTH_CERT_LIST sent = {0};
	struct berth_cert *leaf = berth_cert_ref((struct berth_cert *)(uintptr_t)cert);
	assert_int_equal(berth_cert_list_add(&sent, leaf, why), BERTH_OK);
	for (size_t i = 1; i < judge->chain.n; i++)
		assert_int_equal(berth_cert_list_add(&sent, judge->chain.at[i], why), BERTH_OK);
	enum berth_err err =
		berth_domain_path_find(judge->f->pki, leaf, &sent, judge->f->now.wall, &path, why);
	berth_cert_free(leaf);
	return err;
}

/* req: gateway-no-cmc-ra */
static void
the_certificate_of_a_gateway_is_no_registrars(void **state)
{
	(void)state;
	struct person gateway;
	struct berth_why why = {0};
	bool has_eku = false;
	struct berth_judge *judge = onboard(POLICY_GATEWAY, &gateway);
	assert_true(says_gateway(gateway.cert));
	assert_int_equal(berth_cert_eku(gateway.cert, &has_eku), BERTH_EKU_CLIENT_AUTH);
	assert_true(has_eku);
	assert_int_equal(is_domains_registrar(judge, gateway.cert, &why), BERTH_E_UNTRUSTED);
	assert_string_equal(why.rule, "x509-eku");
	assert_non_null(strstr(why.sentence, "cmcRA"));
	/* The smallest change: the registrar's own certificate, of the same issuer. */
	assert_int_equal(is_domains_registrar(judge, judge->chain.at[0], &why), BERTH_OK);
	leave(judge, &gateway);
}

static void
a_gateway_stays_one_when_it_renews(void **state)
{
	(void)state;
	struct person gateway;
	struct berth_judge *judge = onboard(POLICY_GATEWAY, &gateway);
	const struct berth_request_fields fields = {
		.common_name = berth_cert_subject_common_name(gateway.cert),
		.serial_number = berth_cert_subject_serial_number(gateway.cert),
		.organization = berth_cert_subject_organization(gateway.cert),
		.unit = berth_cert_subject_unit(gateway.cert),
	};
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	BERTH_BUF body = {0};
	BERTH_CERT *renewed = NULL;
	fixture_csr(judge->f, &fields, gateway.key, &csr);
	assert_int_equal(berth_base64_encode(berth_buf_view(&csr), 0, &body), BERTH_OK);
	home_request(judge, &ticket, &gateway, REENROLL_PATH, BERTH_EST_MEDIA_PKCS10,
		     berth_buf_view(&body));
	assert_false(ticket.is_replied);
	home_sign(judge);
	take_certificate(judge, &ticket, &renewed);
	assert_true(says_gateway(renewed));
	leave(judge, &gateway);
}

/* A device cannot give itself the role in its request. */
static void
a_device_cannot_ask_for_the_role(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	const struct berth_request_fields fields = {.serial_number = BERTH_LIT(FIXTURE_SERIAL),
						    .unit = BERTH_LIT("gateway")};
	struct berth_key *key = fixture_key(judge->f, "P-256");
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	home_reach_voucher(judge);
	home_accept_voucher(judge, judge->chain.at[1]);
	fixture_csr(judge->f, &fields, key, &csr);
	home_ask_for_certificate(judge, &ticket, berth_buf_view(&csr));
	assert_true(ticket.is_replied);
	assert_int_equal(ticket.status / 100, 4);
	berth_buf_free(&ticket.body);
	berth_key_free(key);
	home_close(judge);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_certificate_of_a_gateway_opens_nothing_that_devices_use),
		cmocka_unit_test(the_certificate_of_a_gateway_is_no_registrars),
		cmocka_unit_test(a_gateway_stays_one_when_it_renews),
		cmocka_unit_test(a_device_cannot_ask_for_the_role),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
