/* SPDX-License-Identifier: BSD-2-Clause */
/* EST beside BRSKI: users with passwords, labels. */
#include "home.h"

#include "base/base64.h"
#include "protocol/est/client.h"
#include "system/files.h"

#include <stdio.h>

#define POLICY_USERS                                                                               \
	"[rule \"slow\"]\nmatch.client = user\nmatch.serial = slow\napprove = operator\n"          \
	"[rule \"staff\"]\nmatch.client = user\nmatch.serial = staff\nrequire.label = nowhere\n"   \
	"approve = auto\n"                                                                         \
	"[rule \"users\"]\nmatch.client = user\napprove = auto\nsegment = offices\n" POLICY_AUTO

static const char *const all_clients[] = {"device", "user"};
static const char *const users_alone[] = {"user"};

static struct berth_registrar_label labels[] = {
	{.name = "users", .clients = {.items = users_alone, .count = 1}, .lifetime_s = 600},
};

static void
add_users(struct berth_judge *judge)
{
	static const char *const names[] = {"printer", "slow", "staff"};
	static char path[192];
	BERTH_BUF text = {0};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		BERTH_BUF hashed = {0};
		assert_int_equal(berth_password_make(judge->f->pki, BERTH_LIT("correct horse"),
						     &hashed, NULL),
				 BERTH_OK);
		assert_int_equal(berth_buf_printf(&text, "[user \"%s\"]\npassword = %.*s\n",
						  names[i], (int)hashed.n, (const char *)hashed.p),
				 BERTH_OK);
	}
	(void)snprintf(path, sizeof(path), "%s/users.conf", judge->home);
	assert_int_equal(berth_file_write(path, berth_buf_view(&text), 0600, NULL), BERTH_OK);
	judge->settings.est_users = path;
	judge->settings.est_clients = (struct berth_conf_list){.items = all_clients, .count = 2};
	judge->settings.labels = (struct berth_conf_items){.items = labels, .count = 1};
}

static void
post(struct berth_judge *judge, struct berth_ticket *ticket, const char *label, const char *login,
     const char *common_name)
{
	char path[96];
	BERTH_BUF header = {0};
	BERTH_BUF csr = {0};
	BERTH_BUF body = {0};
	const struct berth_request_fields fields = {.common_name = berth_text(common_name)};
	fixture_csr(judge->f, &fields, NULL, &csr);
	assert_int_equal(berth_base64_encode(berth_buf_view(&csr), 0, &body), BERTH_OK);
	if (login != NULL) {
		assert_int_equal(berth_buf_append_text(&header, "Basic "), BERTH_OK);
		assert_int_equal(berth_base64_encode(berth_text(login), 0, &header), BERTH_OK);
	}
	(void)snprintf(path, sizeof(path), "/.well-known/est/%ssimpleenroll", label);
	const struct berth_http_request http = {.method = BERTH_HTTP_POST,
						.path = berth_text(path),
						.media_type = BERTH_LIT(BERTH_EST_MEDIA_PKCS10),
						.authorization = berth_buf_view(&header),
						.body = berth_buf_view(&body)};
	const struct berth_tls_facts tls = {.version = 0x0304, .connection = 2};
	*ticket = (struct berth_ticket){0};
	home_begin(judge);
	berth_registrar_judge_role.request(judge->role, ticket, &http, &tls,
					   BERTH_LIT("192.0.2.7"));
	home_commit(judge);
}

static void
ends(struct berth_ticket *ticket, int status, const char *rule)
{
	assert_true(ticket->is_replied);
	assert_int_equal(ticket->status, status);
	assert_true(rule == NULL ||
		    memmem(ticket->body.p, ticket->body.n, rule, strlen(rule)) != NULL);
	berth_buf_free(&ticket->body);
}

/* req: rfc7030-3.2.3-basic rfc7030-3.7-subject */
static void
a_user_gets_a_certificate_and_a_record(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open_with(POLICY_USERS, add_users);
	struct berth_ticket ticket;
	post(judge, &ticket, "", "printer:correct horse", "printer");
	assert_false(ticket.is_replied);
	assert_true(judge->intent_was_recorded);
	home_sign(judge);
	ends(&ticket, 200, NULL);
	assert_int_equal(home_recorded(judge, BERTH_EVENT_DEVICE_SEEN), 1);
	post(judge, &ticket, "", "printer:correct horse", "admin");
	ends(&ticket, 403, "rfc8995-5.9.3-csr-foreign-name");
	home_close(judge);
}

/* req: rfc7030-3.2.3-basic rfc7030-3.2.3-challenge */
static void
refuses_another_password_and_slows_who_guesses(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open_with(POLICY_USERS, add_users);
	struct berth_ticket ticket;
	post(judge, &ticket, "", NULL, "printer");
	ends(&ticket, 401, "rfc8995-5.1-no-client-certificate");
	post(judge, &ticket, "", "printer:correct hors", "printer");
	ends(&ticket, 401, "rfc7030-3.2.3-password");
	post(judge, &ticket, "", "nobody:correct horse", "printer");
	ends(&ticket, 401, "rfc7030-3.2.3-password");
	for (int i = 2; i < BERTH_USERS_FAILURES; i++) {
		post(judge, &ticket, "", "printer:guess", "printer");
		ends(&ticket, 401, "rfc7030-3.2.3-password");
	}
	post(judge, &ticket, "", "printer:correct horse", "printer");
	ends(&ticket, 429, "rfc7030-3.2.3-too-many-failures");
	judge->f->now.mono.ms += BERTH_USERS_FAILURE_MS;
	post(judge, &ticket, "", "printer:correct horse", "printer");
	assert_false(ticket.is_replied);
	home_sign(judge);
	ends(&ticket, 200, NULL);
	home_close(judge);
}

/* Who has an IPv6 address has 2^64 of them. */
static void
who_guesses_from_all_addresses_of_a_network_is_one_source(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open_with(POLICY_USERS, add_users);
	struct berth_users *users = &((struct berth_registrar_role *)judge->role)->users;
	const struct berth_user *user = NULL;
	struct berth_why why = {0};
	for (int i = 0; i <= BERTH_USERS_FAILURES; i++) {
		char address[32];
		(void)snprintf(address, sizeof(address), "2001:db8:1::%x", i + 1);
		assert_int_equal(berth_users_check(users, judge->f->pki, BERTH_LIT("Basic dTpw"),
						   berth_text(address), judge->f->now.mono, &user,
						   &why),
				 i < BERTH_USERS_FAILURES ? BERTH_E_UNTRUSTED : BERTH_E_LIMIT);
	}
	assert_int_equal(berth_users_check(users, judge->f->pki, BERTH_LIT("Basic dTpw"),
					   BERTH_LIT("2001:db8:2::1"), judge->f->now.mono, &user,
					   &why),
			 BERTH_E_UNTRUSTED);
	home_close(judge);
}

/* req: rfc7030-4.2.3-retry-after */
static void
a_user_waits_for_an_operator(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open_with(POLICY_USERS, add_users);
	struct berth_ticket ticket;
	for (int i = 0; i < 2; i++) {
		post(judge, &ticket, "", "slow:correct horse", "slow");
		assert_int_equal(ticket.retry_after_s, 10);
		ends(&ticket, 202, "an operator must decide");
	}
	assert_int_equal(home_recorded(judge, BERTH_EVENT_DEVICE_PENDING), 1);
	home_close(judge);
}

/* req: rfc7030-3.2.2-label */
static void
a_label_is_for_its_clients_alone(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open_with(POLICY_USERS, add_users);
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	BERTH_BUF body = {0};
	home_reach_voucher(judge);
	home_accept_voucher(judge, judge->chain.at[1]);
	home_make_csr(judge, &csr);
	assert_int_equal(berth_base64_encode(berth_buf_view(&csr), 0, &body), BERTH_OK);
	home_request(judge, &ticket, &judge->f->device, "/.well-known/est/users/simpleenroll",
		     BERTH_EST_MEDIA_PKCS10, berth_buf_view(&body));
	ends(&ticket, 403, "rfc7030-3.2.2-label-clients");
	home_request(judge, &ticket, &judge->f->device, "/.well-known/est/others/simpleenroll",
		     BERTH_EST_MEDIA_PKCS10, berth_buf_view(&body));
	ends(&ticket, 404, NULL);
	post(judge, &ticket, "users/", "printer:correct horse", "printer");
	assert_false(ticket.is_replied);
	home_sign(judge);
	ends(&ticket, 200, NULL);
	post(judge, &ticket, "", "staff:correct horse", "staff");
	ends(&ticket, 403, "policy-label");
	home_close(judge);
}

static void
a_user_that_was_taken_out_does_not_renew(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open_with(POLICY_USERS, add_users);
	struct berth_registrar_role *role = judge->role;
	const struct berth_request_fields fields = {.common_name = BERTH_LIT("printer"),
						    .organization = BERTH_LIT("Home")};
	struct berth_ticket ticket;
	BERTH_CERT_LIST list = {0};
	BERTH_BUF csr = {0};
	BERTH_BUF body = {0};
	post(judge, &ticket, "", "printer:correct horse", "printer");
	home_sign(judge);
	assert_int_equal(berth_est_certs_parse(judge->f->pki, BERTH_LIT(BERTH_EST_MEDIA_CERTS),
					       berth_buf_view(&ticket.body), &list, NULL),
			 BERTH_OK);
	berth_buf_free(&ticket.body);
	const struct person printer = {.cert = list.at[0]};
	fixture_csr(judge->f, &fields, NULL, &csr);
	assert_int_equal(berth_base64_encode(berth_buf_view(&csr), 0, &body), BERTH_OK);
	size_t users = role->users.items.count;
	for (int is_there = 0; is_there < 2; is_there++) {
		role->users.items.count = is_there == 1 ? users : 0;
		home_request(judge, &ticket, &printer, "/.well-known/est/simplereenroll",
			     BERTH_EST_MEDIA_PKCS10, berth_buf_view(&body));
		if (is_there == 0)
			ends(&ticket, 403, "est-user-gone");
	}
	assert_false(ticket.is_replied);
	home_sign(judge);
	ends(&ticket, 200, NULL);
	home_close(judge);
}

/* Who is named by no rule for users gets nothing, whatever a rule for devices says. */
static void
a_rule_for_devices_is_none_for_users(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open_with(POLICY_AUTO, add_users);
	struct berth_ticket ticket;
	post(judge, &ticket, "", "printer:correct horse", "printer");
	ends(&ticket, 403, "policy-no-rule");
	home_close(judge);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_gets_a_certificate_and_a_record),
		cmocka_unit_test(refuses_another_password_and_slows_who_guesses),
		cmocka_unit_test(who_guesses_from_all_addresses_of_a_network_is_one_source),
		cmocka_unit_test(a_user_waits_for_an_operator),
		cmocka_unit_test(a_label_is_for_its_clients_alone),
		cmocka_unit_test(a_user_that_was_taken_out_does_not_renew),
		cmocka_unit_test(a_rule_for_devices_is_none_for_users),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
