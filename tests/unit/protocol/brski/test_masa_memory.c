/* SPDX-License-Identifier: BSD-2-Clause */
/* The audit log asked for with the bytes of a moment ago: what need not be found out again, and what must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/brski/masa_memory.h"
#include "support/masa_world.h"

static struct masa_world world;
static struct berth_masa_memory memory;

static int
start(void **state)
{
	(void)state;
	masa_world_start(&world);
	world.memory = &memory;
	world.mono.ms = 5000;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	berth_masa_memory_end(&memory);
	masa_world_end(&world);
	return 0;
}

static bool
was_recalled(void)
{
	for (size_t i = 0; i < world.masa.decision.n; i++)
		if (strcmp(world.masa.decision.checks[i].rule, "berth-masa-judged-before") == 0)
			return true;
	return false;
}

/* A voucher, and then the log with the same bytes. */
static void
ask_voucher_then_log(void)
{
	masa_world_ask(&world);
	assert_int_equal(world.masa.response.status, 200);
	world.operation = BERTH_MASA_REQUEST_AUDIT_LOG;
	world.http.accept = BERTH_LIT("application/json");
	masa_world_run(&world);
}

static void
asks_about_the_same_unit_for_the_same_domain(void **state)
{
	(void)state;
	masa_world_ask(&world);
	struct berth_masa_unit_query query = world.masa.unit_query;
	uint8_t issuer[BERTH_MASA_ISSUER_KEY_ID_MAX];
	uint8_t domain_id[32];
	memcpy(issuer, query.issuer_key_id.p, query.issuer_key_id.n);
	query.issuer_key_id.p = issuer;
	memcpy(domain_id, world.masa.issue.domain_id, sizeof(domain_id));

	ask_voucher_then_log();
	const struct berth_masa_unit_query *again = &world.masa.unit_query;
	assert_int_equal(world.masa.response.status, 200);
	assert_true(was_recalled());
	assert_true(berth_bytes_equal_text(again->serial_number, WORLD_SERIAL));
	assert_true(berth_bytes_equal(again->issuer_key_id, query.issuer_key_id));
	assert_int_equal(again->path_count, query.path_count);
	assert_memory_equal(again->path_digest, query.path_digest, sizeof(query.path_digest));
	assert_memory_equal(again->path_domain_id, query.path_domain_id,
			    sizeof(query.path_domain_id));
	assert_memory_equal(world.masa.issue.domain_id, domain_id, sizeof(domain_id));
}

static void
still_keeps_the_log_from_who_never_owned_the_unit(void **state)
{
	(void)state;
	masa_world_ask(&world);
	world.facts.owner_is_asker = false;
	world.facts.asker_was_owner = false;
	world.operation = BERTH_MASA_REQUEST_AUDIT_LOG;
	world.http.accept = BERTH_LIT("application/json");
	masa_world_run(&world);
	assert_true(was_recalled());
	assert_int_equal(world.masa.response.status, 404);
	assert_string_equal(world.masa.why.rule, "rfc8995-5.8.1-owner");
}

static void
forgets_after_a_while(void **state)
{
	(void)state;
	masa_world_ask(&world);
	world.mono.ms += BERTH_MASA_MEMORY_MS + 1;
	world.operation = BERTH_MASA_REQUEST_AUDIT_LOG;
	world.http.accept = BERTH_LIT("application/json");
	masa_world_run(&world);
	assert_int_equal(world.masa.response.status, 200);
	assert_false(was_recalled());
}

static void
judges_other_bytes_anew(void **state)
{
	(void)state;
	masa_world_ask(&world);
	world.operation = BERTH_MASA_REQUEST_AUDIT_LOG;
	world.http.accept = BERTH_LIT("application/json");
	world.rvr_signer = world.rogue;
	masa_world_ask(&world);
	assert_false(was_recalled());
}

static void
remembers_nothing_of_a_request_that_it_refused(void **state)
{
	(void)state;
	world.spoil_prior = true;
	masa_world_ask(&world);
	assert_int_equal(world.masa.response.status, 403);
	world.operation = BERTH_MASA_REQUEST_AUDIT_LOG;
	world.http.accept = BERTH_LIT("application/json");
	masa_world_run(&world);
	assert_false(was_recalled());
	assert_int_equal(world.masa.response.status, 403);
}

static void
judges_age_and_expiry_each_time(void **state)
{
	(void)state;
	world.policy.audit_log_age_s = 60;
	masa_world_ask(&world);
	world.now.s += 61;
	world.operation = BERTH_MASA_REQUEST_AUDIT_LOG;
	world.http.accept = BERTH_LIT("application/json");
	masa_world_run(&world);
	assert_true(was_recalled());
	assert_int_equal(world.masa.response.status, 403);
	assert_string_equal(world.masa.why.rule, "rfc8995-5.6-created-on");
	/* a certificate that has expired since then */
	world.policy.audit_log_age_s = (int64_t)400 * 365 * 86400;
	world.now.s = berth_cert_not_after(world.registrar.cert).s + 1;
	masa_world_run(&world);
	assert_false(was_recalled());
	assert_int_equal(world.masa.response.status, 403);
}

#define test_in_world(name) cmocka_unit_test_setup_teardown(name, start, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_world(asks_about_the_same_unit_for_the_same_domain),
		test_in_world(still_keeps_the_log_from_who_never_owned_the_unit),
		test_in_world(forgets_after_a_while),
		test_in_world(judges_other_bytes_anew),
		test_in_world(remembers_nothing_of_a_request_that_it_refused),
		test_in_world(judges_age_and_expiry_each_time),
	};

	return cmocka_run_group_tests_name("brski/masa_memory", tests, NULL, NULL);
}
