/* SPDX-License-Identifier: BSD-2-Clause */
/* What a registrar tells its gateways, whom it tells, and what it takes from them. */
#include "home.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "protocol/est/client.h"
#include "protocol/gateway/desired_state.h"
#include "protocol/gateway/relayed.h"
#include "role/registrar/gateway.h"
#include "store/registrar_gateway.h"

#define POLICY                                                                                     \
	"[rule \"gateways\"]\nmatch.serial = CAM-0001\napprove = auto\nrole = gateway\n"           \
	"[rule \"more\"]\nmatch.serial = CAM-0002\napprove = auto\nrole = gateway\n"               \
	"[rule \"all\"]\napprove = auto\n"
#define LEASE_S 60

struct world {
	struct berth_judge *judge;
	struct person one, two; /* gateways, with their LDevIDs */
	struct berth_ticket ticket;
	struct berth_desired_state told; /* by the last reply */
};

static void
set_lease(struct berth_judge *judge)
{
	judge->settings.gateway_lease_s = LEASE_S;
	judge->settings.daemon.pending_timeout_s = LEASE_S;
}

/* The fixture's device. */
static void
onboard(struct berth_judge *judge, struct person *ret)
{
	const struct berth_request_fields fields = {.serial_number = berth_text(judge->f->serial)};
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	BERTH_CERT_LIST list = {0};
	ret->key = fixture_key(judge->f, "P-256");
	home_reach_voucher(judge);
	home_accept_voucher(judge, judge->chain.at[1]);
	fixture_csr(judge->f, &fields, ret->key, &csr);
	home_ask_for_certificate(judge, &ticket, berth_buf_view(&csr));
	home_sign(judge);
	assert_int_equal(ticket.status, 200);
	assert_int_equal(berth_est_certs_parse(judge->f->pki, BERTH_LIT(BERTH_EST_MEDIA_CERTS),
					       berth_buf_view(&ticket.body), &list, NULL),
			 BERTH_OK);
	ret->cert = berth_cert_ref(list.at[0]);
	berth_buf_free(&ticket.body);
}

static void
swap_devices(struct fixture *f, const char *serial)
{
	struct person first = f->device;
	f->device = f->other_device;
	f->other_device = first;
	f->serial = serial;
}

static int
enter(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	assert_non_null(world);
	world->judge = home_open_with(POLICY, set_lease);
	onboard(world->judge, &world->one);
	swap_devices(world->judge->f, FIXTURE_OTHER_SERIAL);
	onboard(world->judge, &world->two);
	swap_devices(world->judge->f, FIXTURE_SERIAL);
	*state = world;
	return 0;
}

static int
leave(void **state)
{
	struct world *world = *state;
	berth_buf_free(&world->ticket.body);
	berth_desired_state_free(&world->told);
	berth_key_free(world->one.key);
	berth_cert_free(world->one.cert);
	berth_key_free(world->two.key);
	berth_cert_free(world->two.cert);
	home_close(world->judge);
	free(world);
	return 0;
}

/* ---- what is asked and reported ---- */

static void
send(struct world *world, struct berth_ticket *ticket, const struct person *who,
     const struct berth_http_request *http, struct berth_bytes random)
{
	const struct berth_tls_facts tls = {
		.peer_chain = {who ? berth_cert_der(who->cert) : BERTH_BYTES_NONE},
		.peer_count = who != NULL,
		.version = 0x0304,
		.connection = 1,
		.client_random = random};
	berth_buf_free(&ticket->body);
	*ticket = (struct berth_ticket){0};
	home_begin(world->judge);
	berth_registrar_judge_role.request(world->judge->role, ticket, http, &tls,
					   BERTH_LIT("192.0.2.1"));
	home_commit(world->judge);
}

static void
tick(struct world *world)
{
	home_begin(world->judge);
	berth_registrar_judge_role.tick(world->judge->role);
	home_commit(world->judge);
}

static void
ask(struct world *world, struct berth_ticket *ticket, const struct person *who, const char *query)
{
	const struct berth_http_request http = {.method = BERTH_HTTP_GET,
						.path = BERTH_LIT(BERTH_GATEWAY_STATE_PATH),
						.query = berth_text(query)};
	send(world, ticket, who, &http, BERTH_BYTES_NONE);
}

static void
report(struct world *world, const struct person *who, const char *body)
{
	const struct berth_http_request http = {.method = BERTH_HTTP_POST,
						.path = BERTH_LIT(BERTH_GATEWAY_REPORT_PATH),
						.media_type = BERTH_LIT("application/json"),
						.body = berth_text(body)};
	send(world, &world->ticket, who, &http, BERTH_BYTES_NONE);
}

static void
refused(const struct berth_ticket *ticket, int status, const char *rule)
{
	assert_true(ticket->is_replied);
	assert_int_equal(ticket->status, status);
	assert_non_null(memmem(ticket->body.p, ticket->body.n, rule, strlen(rule)));
}

static void
told(struct world *world, const struct berth_ticket *ticket)
{
	struct berth_why why = {0};
	assert_true(ticket->is_replied);
	assert_int_equal(ticket->status, 200);
	berth_desired_state_free(&world->told);
	fixture_must(berth_desired_state_parse(berth_buf_view(&ticket->body),
					       BERTH_GATEWAY_PAGE_DEVICES, &world->told, &why),
		     &why, "desired state");
}

/* What a gateway is told at once. */
static void
look(struct world *world, const struct person *who)
{
	ask(world, &world->ticket, who, "");
	told(world, &world->ticket);
}

/* ---- connections ---- */

struct hello {
	uint8_t random[BERTH_TLS_RANDOM_BYTES];
};

/* Of those with one place the rest differs. */
static struct hello
hello(unsigned place, uint8_t rest)
{
	struct hello hello;
	memset(hello.random, rest, sizeof(hello.random));
	hello.random[0] = (uint8_t)(place >> 8);
	hello.random[1] = (uint8_t)place;
	return hello;
}

static void
claim(struct world *world, const struct person *gateway, struct hello hello)
{
	char text[2 * BERTH_TLS_RANDOM_BYTES + 1];
	char body[128];
	(void)snprintf(body, sizeof(body), "{\"relayed\":[\"%s\"]}",
		       berth_hex_text(berth_bytes_of(hello.random, sizeof(hello.random)), text,
				      sizeof(text)));
	report(world, gateway, body);
	assert_int_equal(world->ticket.status, 204);
}

/* A device that nobody knows yet asks for a voucher, and is refused for another reason: it names no MASA. */
static void
come(struct world *world, struct hello hello)
{
	struct fixture *f = world->judge->f;
	struct berth_voucher pvr = fixture_pvr(f);
	BERTH_BUF der = {0};
	pvr.serial_number = BERTH_LIT("CAM-0003");
	pvr.proximity_registrar_cert = berth_cert_der(world->judge->chain.at[0]);
	fixture_sign(f, &pvr, &f->silent_device, &der);
	const struct berth_http_request http = {.method = BERTH_HTTP_POST,
						.path = BERTH_LIT(BERTH_BRSKI_REQUESTVOUCHER_PATH),
						.media_type = BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS),
						.body = berth_buf_view(&der)};
	send(world, &world->ticket, &f->silent_device, &http,
	     berth_bytes_of(hello.random, sizeof(hello.random)));
	assert_true(world->ticket.is_replied);
	assert_int_equal(world->ticket.status / 100, 4);
}

static size_t
count(struct world *world, const struct person *gateway)
{
	look(world, gateway);
	return world->told.count;
}

/* ---- tests ---- */

/* req: gateway-binding */
static void
a_gateway_is_told_of_what_it_relayed_whichever_is_known_first(void **state)
{
	struct world *world = *state;
	look(world, &world->one);
	int64_t before = world->told.generation;
	assert_int_equal(world->told.lease_s, LEASE_S);
	assert_int_equal(world->told.count, 0);
	claim(world, &world->one, hello(1, 7));
	assert_int_equal(count(world, &world->one), 0);
	come(world, hello(1, 7));
	assert_int_equal(count(world, &world->one), 1);
	assert_string_equal(world->told.devices[0].id + 13, "CAM-0003");
	assert_true(world->told.generation > before);
	assert_int_equal(count(world, &world->two), 0);
	/* The device goes over to the other; its connection is seen before it is reported. */
	come(world, hello(2, 7));
	assert_int_equal(count(world, &world->two), 0);
	claim(world, &world->two, hello(2, 7));
	assert_int_equal(count(world, &world->two), 1);
	assert_int_equal(count(world, &world->one), 0);
}

/* req: gateway-binding */
static void
a_claim_of_another_connection_brings_no_device(void **state)
{
	struct world *world = *state;
	struct hello other = hello(1, 7);
	other.random[BERTH_TLS_RANDOM_BYTES - 1] ^= 1;
	claim(world, &world->one, other);
	come(world, hello(1, 7));
	claim(world, &world->one, hello(1, 8));
	assert_int_equal(count(world, &world->one), 0);
	claim(world, &world->one, hello(1, 7));
	assert_int_equal(count(world, &world->one), 1);
}

static void
a_gateway_is_no_device_of_itself_and_none_without_a_connection(void **state)
{
	struct world *world = *state;
	const struct berth_http_request http = {.method = BERTH_HTTP_GET,
						.path = BERTH_LIT(BERTH_GATEWAY_STATE_PATH)};
	struct hello own = hello(1, 7);
	claim(world, &world->one, own);
	send(world, &world->ticket, &world->one, &http,
	     berth_bytes_of(own.random, sizeof(own.random)));
	claim(world, &world->one, own);
	claim(world, &world->one, hello(0, 0)); /* as no connection is named */
	look(world, &world->one);
	assert_int_equal(world->told.count, 0);
}

static void
remembers_4096_claims_and_one_more_takes_the_place_of_one(void **state)
{
	struct world *world = *state;
	struct berth_relayed relayed = {.count = BERTH_GATEWAY_REPORT_MAX};
	for (unsigned i = 0; i < BERTH_GATEWAY_SIGHTINGS_MAX; i += BERTH_GATEWAY_REPORT_MAX) {
		BERTH_BUF json = {0};
		for (unsigned j = 0; j < BERTH_GATEWAY_REPORT_MAX; j++)
			memcpy(relayed.random[j], hello(i + j, 7).random,
			       sizeof(relayed.random[j]));
		assert_int_equal(berth_relayed_build(&relayed, &json, NULL), BERTH_OK);
		assert_int_equal(berth_buf_append_bytes(&json, berth_bytes_of("", 1)), BERTH_OK);
		report(world, &world->one, (const char *)json.p);
		assert_int_equal(world->ticket.status, 204);
	}
	claim(world, &world->two, hello(BERTH_GATEWAY_SIGHTINGS_MAX + 5, 7)); /* the place of 5 */
	come(world, hello(5, 7));
	assert_int_equal(count(world, &world->one), 0); /* lost, and made good by the next one */
	come(world, hello(4, 7));
	assert_int_equal(count(world, &world->one), 1);
	come(world, hello(BERTH_GATEWAY_SIGHTINGS_MAX + 5, 7));
	assert_int_equal(count(world, &world->two), 1);
	come(world, hello(BERTH_GATEWAY_SIGHTINGS_MAX - 1, 7));
	assert_int_equal(count(world, &world->one), 1);
}

static void
who_waits_is_answered_before_the_daemon_cuts_it(void **state)
{
	struct world *world = *state;
	struct berth_ticket ticket = {0};
	char query[64];
	world->judge->settings.daemon.pending_timeout_s = LEASE_S / 3;
	look(world, &world->one);
	(void)snprintf(query, sizeof(query), "after=%lld", (long long)world->told.generation);
	ask(world, &ticket, &world->one, query);
	world->judge->f->now.mono.ms += (int64_t)LEASE_S / 3 * 1000 / 2 - 1;
	tick(world);
	assert_false(ticket.is_replied);
	world->judge->f->now.mono.ms += 1;
	tick(world);
	told(world, &ticket);
	berth_buf_free(&ticket.body);
}

static void
who_holds_the_newest_waits_for_half_the_lease(void **state)
{
	struct world *world = *state;
	struct berth_ticket ticket = {0};
	char query[64];
	look(world, &world->one);
	int64_t held = world->told.generation;
	(void)snprintf(query, sizeof(query), "after=%lld", (long long)held - 1);
	ask(world, &ticket, &world->one, query); /* older: at once */
	told(world, &ticket);
	assert_int_equal(world->told.generation, held);
	(void)snprintf(query, sizeof(query), "after=%lld", (long long)held);
	ask(world, &ticket, &world->one, query);
	world->judge->f->now.mono.ms += (int64_t)LEASE_S * 1000 / 2 - 1;
	tick(world);
	assert_false(ticket.is_replied);
	world->judge->f->now.mono.ms += 1;
	tick(world);
	told(world, &ticket);
	assert_int_equal(world->told.generation, held);
	/* and is answered at once when there is news; the other one waits on */
	struct berth_ticket other = {0};
	look(world, &world->two);
	ask(world, &ticket, &world->one, query);
	(void)snprintf(query, sizeof(query), "after=%lld", (long long)world->told.generation);
	ask(world, &other, &world->two, query);
	claim(world, &world->one, hello(1, 7));
	come(world, hello(1, 7));
	tick(world);
	told(world, &ticket);
	assert_int_equal(world->told.generation, held + 1);
	assert_int_equal(world->told.count, 1);
	assert_false(other.is_replied);
	world->judge->f->now.mono.ms += (int64_t)LEASE_S * 1000;
	tick(world);
	told(world, &other);
	berth_buf_free(&ticket.body);
	berth_buf_free(&other.body);
}

/* req: gateway-restored */
static void
a_restored_registrar_goes_on_above_what_a_gateway_holds(void **state)
{
	struct world *world = *state;
	ask(world, &world->ticket, &world->one, "after=1000");
	told(world, &world->ticket);
	assert_int_equal(world->told.generation, 1001);
	look(world, &world->two);
	assert_true(world->told.generation < 1000);
	ask(world, &world->ticket, &world->one, "after=1001");
	assert_false(world->ticket.is_replied);
	world->judge->f->now.mono.ms += (int64_t)LEASE_S * 1000;
	tick(world);
	told(world, &world->ticket);
	assert_int_equal(world->told.generation, 1001);
}

/* req: gateway-revoked */
static void
a_gateway_that_is_revoked_while_it_waits_is_refused_at_once(void **state)
{
	struct world *world = *state;
	struct berth_ticket waits = {0};
	struct berth_ticket act = {0};
	ask(world, &waits, &world->one, "after=1001"); /* raises it to 1002 */
	told(world, &waits);
	ask(world, &waits, &world->one, "after=1002");
	tick(world);
	assert_false(waits.is_replied);
	home_ask_operator(world->judge, &act, "revoke");
	assert_int_equal(act.status, 200);
	tick(world);
	refused(&waits, 403, "credential-revoked");
	ask(world, &world->ticket, &world->one, "");
	refused(&world->ticket, 403, "revoked");
	report(world, &world->one, "{\"relayed\":[]}");
	refused(&world->ticket, 403, "revoked");
	/* Approved again, the old certificate does not come back. */
	berth_buf_free(&act.body);
	home_ask_operator(world->judge, &act, "approve");
	ask(world, &world->ticket, &world->one, "");
	refused(&world->ticket, 403, "credential-revoked");
	look(world, &world->two);
	berth_buf_free(&act.body);
	berth_buf_free(&waits.body);
}

static void
a_second_question_of_a_gateway_ends_the_first_and_one_who_left_is_forgotten(void **state)
{
	struct world *world = *state;
	const struct berth_registrar_role *role = world->judge->role;
	struct berth_ticket first = {0};
	struct berth_ticket second = {0};
	ask(world, &first, &world->one, "after=1000");
	ask(world, &first, &world->one, "after=1001");
	assert_false(first.is_replied);
	ask(world, &second, &world->one, "after=1001");
	told(world, &first);
	assert_false(second.is_replied);
	berth_registrar_judge_role.gone(world->judge->role, &second);
	tick(world);
	for (size_t i = 0; i < BERTH_REGISTRAR_EXCHANGES_MAX; i++)
		assert_null(role->exchanges[i]);
	/* also when it asks again before that */
	ask(world, &second, &world->one, "after=1001");
	berth_registrar_judge_role.gone(world->judge->role, &second);
	ask(world, &first, &world->one, "after=1001");
	assert_false(second.is_replied);
	assert_false(first.is_replied);
	berth_registrar_judge_role.gone(world->judge->role, &first);
	tick(world);
	berth_buf_free(&first.body);
	berth_buf_free(&second.body);
}

/* req: gateway-certificate */
static void
refuses_who_is_no_gateway_and_what_is_no_question(void **state)
{
	struct world *world = *state;
	static const struct {
		const char *query;
		const char *rule; /* NULL: taken */
	} queries[] = {{"after=0", NULL},
		       {"after=-1", "gateway-after"},
		       {"after=0&from=x", "gateway-after"},
		       {"x", "gateway-after"}};
	static const struct {
		const char *body;
		const char *rule;
	} bodies[] = {
		{"{\"relayed\":[]}", NULL},
		{"", "json-syntax"},
		{"{}", "json-missing-member"},
		{"{\"relayed\":[],\"x\":1}", "json-unknown-member"},
		{"{\"relayed\":[\"00\"]}", "gateway-report-random"},
		{"{\"relayed\":[1]}", "json-member-type"},
	};
	/* the birth certificate of a gateway among them */
	const struct person *const strangers[] = {
		&world->judge->f->device, &world->judge->f->silent_device, &world->judge->f->ldevid,
		&world->judge->f->stranger, NULL};
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		ask(world, &world->ticket, strangers[i], "after=0");
		assert_int_equal(world->ticket.status, 403);
		report(world, strangers[i], "{\"relayed\":[]}");
		assert_int_equal(world->ticket.status, 403);
	}
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		print_message("%s\n", queries[i].query);
		ask(world, &world->ticket, &world->one, queries[i].query);
		if (queries[i].rule == NULL)
			told(world, &world->ticket);
		else
			refused(&world->ticket, 400, queries[i].rule);
	}
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		print_message("%s\n", bodies[i].body);
		report(world, &world->one, bodies[i].body);
		if (bodies[i].rule == NULL)
			assert_int_equal(world->ticket.status, 204);
		else
			refused(&world->ticket, 400, bodies[i].rule);
	}
	static const struct berth_http_request swapped[] = {
		{.method = BERTH_HTTP_POST, .path = BERTH_LIT_INIT(BERTH_GATEWAY_STATE_PATH)},
		{.method = BERTH_HTTP_GET, .path = BERTH_LIT_INIT(BERTH_GATEWAY_REPORT_PATH)},
	};
	for (size_t i = 0; i < 2; i++) {
		send(world, &world->ticket, &world->one, &swapped[i], BERTH_BYTES_NONE);
		refused(&world->ticket, 405, "gateway-method");
	}
}

/* The smallest change: the same device, onboarded by a policy that gives no such role. */
/* req: gateway-certificate */
static void
refuses_a_device_of_the_domain_that_is_no_gateway(void **state)
{
	struct world *world = *state;
	struct berth_registrar_role *role = world->judge->role;
	struct person device = {0};
	berth_policy_free(role->policy);
	assert_int_equal(berth_policy_parse(BERTH_LIT(POLICY_AUTO), "policy", &role->policy, NULL),
			 BERTH_OK);
	onboard(world->judge, &device);
	ask(world, &world->ticket, &device, "after=0");
	refused(&world->ticket, 403, "peer-not-gateway");
	report(world, &device, "{\"relayed\":[]}");
	refused(&world->ticket, 403, "peer-not-gateway");
	look(world, &world->two);
	berth_key_free(device.key);
	berth_cert_free(device.cert);
}

/* req: gateway-pages */
static void
tells_of_more_devices_than_fit_a_reply_in_pages(void **state)
{
	struct world *world = *state;
	struct berth_registrar_role *role = world->judge->role;
	BERTH_DESIRED_STATE whole = {0};
	struct berth_why why = {0};
	BERTH_ARENA arena = {0};
	berth_arena_start(&arena, (size_t)1 << 20);
	home_begin(world->judge);
	for (int i = 0; i < 2 * BERTH_GATEWAY_PAGE_DEVICES + 1; i++) {
		char serial[16];
		(void)snprintf(serial, sizeof(serial), "X-%04d", i);
		const struct berth_registrar_device seen = {
			.identity = {.manufacturer_key = BERTH_LIT("key"),
				     .serial_number = berth_text(serial)},
			.manufacturer = BERTH_LIT("Acme")};
		struct berth_registrar_device device;
		bool is_new = false;
		fixture_must(berth_registrar_device_seen(role->store, &seen,
							 world->judge->f->now.wall, &arena, &device,
							 &is_new, &why),
			     &why, "device");
		fixture_must(berth_registrar_gateway_bind(role->store, 1, device.row,
							  world->judge->f->now.wall, &why),
			     &why, "bind");
	}
	home_commit(world->judge);
	static const size_t pages[] = {BERTH_GATEWAY_PAGE_DEVICES, BERTH_GATEWAY_PAGE_DEVICES, 1};
	for (size_t i = 0; i < 3; i++) {
		char query[64];
		(void)snprintf(query, sizeof(query), "after=%lld&from=%zu",
			       (long long)whole.generation, whole.count);
		ask(world, &world->ticket, &world->one, query);
		told(world, &world->ticket);
		assert_int_equal(world->told.count, pages[i]);
		assert_int_equal(world->told.total, 2 * BERTH_GATEWAY_PAGE_DEVICES + 1);
		assert_int_equal(berth_desired_state_add_page(&whole, &world->told, &why),
				 BERTH_OK);
	}
	assert_true(berth_desired_state_is_whole(&whole));
	for (size_t i = 1; i < whole.count; i++)
		assert_true(strcmp(whole.devices[i - 1].id + 13, whole.devices[i].id + 13) < 0);
	/* Who asks from beyond the end is told from the start. */
	ask(world, &world->ticket, &world->one, "after=1&from=513");
	told(world, &world->ticket);
	assert_int_equal(world->told.from, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
		TEST(a_gateway_is_told_of_what_it_relayed_whichever_is_known_first),
		TEST(a_claim_of_another_connection_brings_no_device),
		TEST(a_gateway_is_no_device_of_itself_and_none_without_a_connection),
		TEST(remembers_4096_claims_and_one_more_takes_the_place_of_one),
		TEST(who_waits_is_answered_before_the_daemon_cuts_it),
		TEST(who_holds_the_newest_waits_for_half_the_lease),
		TEST(a_restored_registrar_goes_on_above_what_a_gateway_holds),
		TEST(a_gateway_that_is_revoked_while_it_waits_is_refused_at_once),
		TEST(a_second_question_of_a_gateway_ends_the_first_and_one_who_left_is_forgotten),
		TEST(refuses_who_is_no_gateway_and_what_is_no_question),
		TEST(refuses_a_device_of_the_domain_that_is_no_gateway),
		TEST(tells_of_more_devices_than_fit_a_reply_in_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
