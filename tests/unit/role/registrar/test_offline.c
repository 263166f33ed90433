/* SPDX-License-Identifier: BSD-2-Clause */
/* Vouchers made ahead: who may keep one, and that it is renewed before it ends. */
#include "role/registrar/offline.h"

#include "role/registrar/home.h"
#include "role/registrar/signing.h"

#define LIFE_S 9000

static struct berth_registrar_role *
role_of(struct berth_judge *judge)
{
	return judge->role;
}

/* A home that keeps vouchers, knows where the MASA is, and has seen the device. */
static struct berth_judge *
open_home(void)
{
	struct berth_judge *judge = home_open(POLICY_AUTO);
	struct berth_manufacturer *maker = role_of(judge)->makers;
	judge->settings.stored_vouchers = BERTH_STORED_VOUCHERS_FALLBACK;
	maker->has_masa_url = true;
	fixture_must(berth_masa_url_parse(BERTH_LIT("masa.example:9443"), &maker->masa_url, NULL),
		     NULL, "masa-url");
	home_reach_voucher(judge);
	judge->op = 0;
	return judge;
}

static struct berth_voucher
ahead(struct berth_judge *judge, int64_t created, int64_t expires)
{
	struct berth_voucher voucher = fixture_voucher(judge->f);
	voucher.pinned_domain_cert = berth_cert_der(judge->chain.at[1]);
	voucher.nonce = BERTH_BYTES_NONE;
	voucher.assertion = BERTH_ASSERTION_VERIFIED;
	voucher.created_on.s = FIXTURE_NOW_S + created;
	voucher.has_expires_on = true;
	voucher.expires_on.s = FIXTURE_NOW_S + expires;
	return voucher;
}

/* As "berth voucher add" does. */
static void
add(struct berth_judge *judge, const struct berth_voucher *voucher, const struct person *signer,
    struct berth_ticket *ticket)
{
	BERTH_BUF der = {0};
	fixture_sign(judge->f, voucher, signer, &der);
	const struct berth_http_request http = {.method = BERTH_HTTP_POST,
						.path = BERTH_LIT("/v1/vouchers"),
						.body = berth_buf_view(&der)};
	*ticket = (struct berth_ticket){0};
	home_begin(judge);
	berth_registrar_judge_role.admin(judge->role, ticket, &http, "anna");
	home_commit(judge);
	berth_buf_free(&ticket->body);
}

static void
added(struct berth_judge *judge, const struct berth_voucher *voucher)
{
	struct berth_ticket ticket;
	add(judge, voucher, &judge->f->masa, &ticket);
	assert_int_equal(ticket.status, 200);
}

static bool
read_expiry(void *context, const struct berth_registrar_stored_voucher *voucher)
{
	*(int64_t *)context = voucher->expires.s;
	return true;
}

/* Of the voucher that is kept, from now; 0: none. */
static int64_t
holds_for(struct berth_judge *judge)
{
	int64_t expires = FIXTURE_NOW_S;
	assert_int_equal(
		berth_registrar_voucher_each(role_of(judge)->store, read_expiry, &expires, NULL),
		BERTH_OK);
	return expires - FIXTURE_NOW_S;
}

static void
pass(struct berth_judge *judge, int64_t seconds)
{
	judge->f->now.mono.ms += seconds * 1000;
	judge->f->now.wall.s += seconds;
	home_begin(judge);
	berth_registrar_judge_role.tick(judge->role);
	home_commit(judge);
}

/* req: rfc8366-6.1-renewal */
static void
renews_a_voucher_when_its_last_third_begins(void **state)
{
	(void)state;
	struct berth_judge *judge = open_home();
	struct berth_voucher voucher = ahead(judge, 0, LIFE_S);
	added(judge, &voucher);
	pass(judge, LIFE_S * 2 / 3 - 1);
	assert_int_equal(judge->op, 0);
	pass(judge, 61);
	assert_int_equal(judge->op, BERTH_REGISTRAR_SIGN_RVR);
	home_sign(judge);
	assert_string_equal(judge->dialled, "masa.example/.well-known/brski/requestvoucher");
	BERTH_BUF der = {0};
	voucher = ahead(judge, LIFE_S, 3 * LIFE_S);
	fixture_sign(judge->f, &voucher, &judge->f->masa, &der);
	home_masa_answers(judge, 200, BERTH_MEDIA_VOUCHER_CMS, berth_buf_view(&der));
	assert_int_equal(holds_for(judge), 3 * LIFE_S);
	home_close(judge);
}

/* req: rfc8366-6.1-renewal */
static void
does_not_ask_after_the_day_that_the_masa_named(void **state)
{
	(void)state;
	struct berth_judge *judge = open_home();
	struct berth_voucher voucher = ahead(judge, 0, LIFE_S);
	voucher.has_last_renewal_date = true;
	voucher.last_renewal_date.s = FIXTURE_NOW_S + 60;
	added(judge, &voucher);
	pass(judge, LIFE_S - 60);
	assert_int_equal(judge->op, 0);
	home_close(judge);
}

static void
leaves_a_masa_alone_for_an_hour_that_does_not_answer(void **state)
{
	(void)state;
	struct berth_judge *judge = open_home();
	const struct berth_voucher voucher = ahead(judge, 0, LIFE_S);
	added(judge, &voucher);
	pass(judge, LIFE_S * 2 / 3);
	home_sign(judge);
	const struct berth_http_response none = {.status = 0};
	const struct berth_why why = {.err = BERTH_E_UNREACHABLE, .rule = "tcp-connect"};
	home_begin(judge);
	berth_registrar_judge_role.dialled(judge->role, judge->cookie, &none, NULL, &why);
	home_commit(judge);
	judge->op = 0;
	pass(judge, 3599);
	assert_int_equal(judge->op, 0);
	pass(judge, 61);
	assert_int_equal(judge->op, BERTH_REGISTRAR_SIGN_RVR);
	assert_int_equal(holds_for(judge), LIFE_S);
	home_close(judge);
}

static void
keeps_the_voucher_that_holds_longer(void **state)
{
	(void)state;
	struct berth_judge *judge = open_home();
	struct berth_voucher voucher = ahead(judge, 0, LIFE_S);
	struct berth_ticket ticket;
	added(judge, &voucher);
	voucher.expires_on.s--;
	add(judge, &voucher, &judge->f->masa, &ticket);
	assert_int_equal(ticket.status, 409);
	assert_int_equal(holds_for(judge), LIFE_S);
	home_close(judge);
}

/* req: rfc8995-5.5.6-stored */
static void
keeps_no_voucher_that_differs_in_one_thing_from_a_good_one(void **state)
{
	(void)state;
	struct berth_judge *judge = open_home();
	struct fixture *f = judge->f;
	struct berth_voucher other_pin = ahead(judge, 0, LIFE_S);
	struct berth_voucher other_serial = other_pin, late = other_pin, nonced = other_pin,
			     good = other_pin;
	other_pin.pinned_domain_cert = berth_cert_der(f->rival_owner.cert);
	other_serial.serial_number = BERTH_LIT(FIXTURE_OTHER_SERIAL);
	late.created_on.s = FIXTURE_NOW_S - LIFE_S;
	late.expires_on.s = FIXTURE_NOW_S;
	nonced.has_expires_on = false;
	nonced.nonce = BERTH_LIT("12345678");
	const struct {
		const struct berth_voucher *voucher;
		const struct person *signer;
		int status;
	} cases[] = {
		{&other_pin, &f->masa, 409}, {&other_serial, &f->masa, 404},
		{&late, &f->masa, 403},	     {&nonced, &f->masa, 409},
		{&good, &f->device, 403},    {&good, &f->stranger, 403},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct berth_ticket ticket;
		add(judge, cases[i].voucher, cases[i].signer, &ticket);
		if (ticket.status / 100 != 4)
			fail_msg("case %zu: status %d", i, ticket.status);
		assert_int_equal(holds_for(judge), 0);
	}
	added(judge, &good);
	home_close(judge);
}

static void
asks_for_nothing_ahead_unless_configured(void **state)
{
	(void)state;
	struct berth_judge *judge = open_home();
	const struct berth_voucher voucher = ahead(judge, 0, LIFE_S);
	added(judge, &voucher);
	judge->settings.stored_vouchers = BERTH_STORED_VOUCHERS_NEVER;
	pass(judge, LIFE_S * 2 / 3);
	assert_int_equal(judge->op, 0);
	home_close(judge);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renews_a_voucher_when_its_last_third_begins),
		cmocka_unit_test(does_not_ask_after_the_day_that_the_masa_named),
		cmocka_unit_test(leaves_a_masa_alone_for_an_hour_that_does_not_answer),
		cmocka_unit_test(keeps_the_voucher_that_holds_longer),
		cmocka_unit_test(keeps_no_voucher_that_differs_in_one_thing_from_a_good_one),
		cmocka_unit_test(asks_for_nothing_ahead_unless_configured),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
