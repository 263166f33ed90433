/* SPDX-License-Identifier: BSD-2-Clause */
/* The pledge after its voucher: CA certificates, attributes, key, certificate, and the last word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/pledge_world.h"

#include "protocol/brski/telemetry.h"

static struct world *world;

static int
open_world(void **state)
{
	(void)state;
	world = world_open();
	return 0;
}

static int
close_world(void **state)
{
	(void)state;
	world_close(world);
	return 0;
}

static int
reset_world(void **state)
{
	(void)state;
	world_reset(world);
	return 0;
}

static void
start(void)
{
	assert_int_equal(world_start(world), BERTH_OK);
}

static bool
enroll_status_said(const struct peer *peer)
{
	BERTH_ARENA arena;
	struct berth_telemetry telemetry;
	const struct seen *seen = peer_saw(peer, "enrollstatus", 0);
	assert_non_null(seen);
	berth_arena_start(&arena, 16384);
	assert_int_equal(
		berth_telemetry_parse(berth_buf_view(&seen->body), &arena, &telemetry, NULL),
		BERTH_OK);
	assert_true(telemetry.status || telemetry.reason.n > 0);
	return telemetry.status;
}

/* req: rfc8995-5.9.4-p1, rfc8995-5.9.4-p2, rfc8995-5.9.3-p2 */
static void
tells_its_success_on_a_new_connection_with_the_new_certificate(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	start();
	world_run(world, 60);
	assert_true(world->is_done);
	const struct seen *enroll = peer_saw(peer, "simpleenroll", 0);
	const struct seen *told = peer_saw(peer, "enrollstatus", 0);
	assert_true(enroll_status_said(peer));
	assert_int_not_equal(enroll->connection, told->connection);
	assert_true(berth_bytes_equal(enroll->own, berth_cert_der(world->idevid.cert)));
	assert_true(berth_bytes_equal(told->own, berth_cert_der(world->issued)));
	assert_int_equal(world->saves, 1);
	assert_int_equal(world->keys_made, 1);
	assert_int_equal(world->keys_forgotten, 0);
}

/* req: rfc8995-5-p2 */
static void
stays_on_one_connection_until_it_is_enrolled(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	start();
	world_run(world, 60);
	assert_int_equal(peer->connections, 2);
	for (size_t i = 0; i + 1 < peer->seen_count; i++) {
		assert_int_equal(peer->seen[i].connection, peer->seen[0].connection);
	}
}

/* req: rfc8995-5.9.3-p1, rfc8995-5.9.4-p3 */
static void
refuses_with_one_mistake(struct tweaks tweaks, const char *rule, unsigned keys)
{
	struct peer *peer = world_peer(world);
	peer->tweaks = tweaks;
	start();
	world_run(world, 3);
	assert_false(world->is_done);
	assert_int_equal(world->saves, 0);
	assert_int_equal(world->notes[BERTH_PLEDGE_NOTE_ENROLMENT_REFUSED], 1);
	if (rule) {
		assert_string_equal(world->refusal_rule, rule);
	}
	assert_false(enroll_status_said(peer));
	assert_int_equal(peer_saw(peer, "enrollstatus", 0)->connection, peer->seen[0].connection);
	assert_int_equal(world->keys_made, keys);
	assert_int_equal(world->keys_forgotten, keys);
}

static void
refuses_certificate_for_another_key(void **state)
{
	(void)state;
	refuses_with_one_mistake((struct tweaks){.issues_for_other_key = true},
				 "rfc8995-5.9.3-other-key", 1);
}

static void
refuses_certificate_for_another_serial(void **state)
{
	(void)state;
	refuses_with_one_mistake((struct tweaks){.issues_for_other_serial = true},
				 "rfc8995-5.9.3-other-device", 1);
}

static void
refuses_ca_certificate_as_its_own(void **state)
{
	(void)state;
	refuses_with_one_mistake((struct tweaks){.issues_ca_certificate = true},
				 "rfc8995-5.9.3-is-ca", 1);
}

static void
refuses_certificate_of_a_ca_outside_the_set(void **state)
{
	(void)state;
	refuses_with_one_mistake((struct tweaks){.issues_from_other_ca = true}, NULL, 1);
}

/* Registrars leave the check of a fresh certificate's signature to the device (pki/issue_profile.h). */
static void
refuses_certificate_with_a_broken_signature(void **state)
{
	(void)state;
	refuses_with_one_mistake((struct tweaks){.issues_with_broken_signature = true}, NULL, 1);
}

static void
refuses_expired_certificate_only_with_a_clock(void **state)
{
	(void)state;
	refuses_with_one_mistake((struct tweaks){.issues_expired = true}, NULL, 1);

	world_reset(world);
	world_peer(world)->tweaks.issues_expired = true;
	world->now.wall_is_trusted = false;
	start();
	world_run(world, 60);
	assert_true(world->is_done);
}

/* req: rfc8995-5.9.1-p1 */
static void
refuses_ca_set_of_another_domain(void **state)
{
	(void)state;
	refuses_with_one_mistake((struct tweaks){.other_domain_ca_set = true},
				 "rfc8995-5.9.1-other-domain", 0);
}

static void
refuses_ca_set_of_another_domain_when_the_ca_is_pinned(void **state)
{
	(void)state;
	refuses_with_one_mistake(
		(struct tweaks){.other_domain_ca_set = true, .pin = world->owner.cert},
		"rfc8995-5.9.1-other-domain", 0);
}

static void
refuses_end_entity_in_the_ca_set(void **state)
{
	(void)state;
	refuses_with_one_mistake((struct tweaks){.end_entity_in_ca_set = true},
				 "rfc8995-5.9.1-not-a-ca", 0);
}

static void
makes_do_with_a_pinned_ca_when_there_is_no_set(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->cacerts_status = 404;
	peer->tweaks.pin = world->owner.cert;
	start();
	world_run(world, 60);
	assert_true(world->is_done);
	assert_int_equal(world->saved_ca_count, 1);

	world_reset(world);
	world_peer(world)->cacerts_status = 404; /* and only the registrar itself is pinned */
	start();
	world_run(world, 3);
	assert_false(world->is_done);
	assert_string_equal(world->refusal_rule, "rfc8995-5.9.1-refused");
}

/* req: rfc8995-5.9.2-p1 */
/* req: rfc8951-3.3-csrattrs */
static void
asks_for_attributes_before_it_makes_a_key(void **state)
{
	(void)state;
	static const struct {
		int status;
		bool goes_on;
	} rows[] = {{200, true}, {204, true}, {404, true}, {403, false}, {500, false}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world_reset(world);
		struct peer *peer = world_peer(world);
		peer->csrattrs_status = rows[i].status;
		start();
		world_run(world, 3);
		assert_int_equal(peer_count(peer, "csrattrs"), 1);
		if (world->is_done != rows[i].goes_on ||
		    world->keys_made != (rows[i].goes_on ? 1U : 0U)) {
			fail_msg("csrattrs answered %d", rows[i].status);
		}
	}
}

/* req: rfc9908-3.2-client-uses-values rfc9908-4-template-alone */
static void
asks_for_what_the_template_says(void **state)
{
	(void)state;
	for (int by_template = 0; by_template < 2; by_template++) {
		world_reset(world);
		struct peer *peer = world_peer(world);
		peer->tweaks.gives_template = by_template == 1;
		start();
		world_run(world, 3);
		assert_true(world->is_done);
		assert_int_equal(peer->template_was_followed, by_template);
	}
}

/* req: rfc7030-3.5-device-link */
static void
links_its_request_where_it_is_asked_to(void **state)
{
	(void)state;
	for (int by_template = 0; by_template < 2; by_template++) {
		world_reset(world);
		struct peer *peer = world_peer(world);
		peer->tweaks.wants_link = by_template == 0; /* a template has no place for it */
		start();
		world_run(world, 3);
		assert_true(world->is_done);
		assert_int_equal(peer->linked, by_template == 0);
	}
}

/* req: rfc7030-4.2.3-device-links-anew */
static void
links_it_anew_to_a_new_connection(void **state)
{
	(void)state;
	world_reset(world);
	struct peer *peer = world_peer(world);
	peer->tweaks.wants_link = true;
	peer->cut_at = "/.well-known/est/simpleenroll";
	peer->cuts = 1;
	start();
	world_run(world, 60);
	assert_true(world->is_done);
	assert_int_equal(peer_count(peer, "simpleenroll"), 2);
	assert_int_equal(peer->linked, 1); /* the other one was not answered */
	assert_int_equal(world->keys_made, 1);
}

static void
sends_no_request_that_should_be_linked_and_cannot(void **state)
{
	(void)state;
	world_reset(world);
	struct peer *peer = world_peer(world);
	peer->tweaks.wants_link = true;
	peer->tweaks.tells_no_binding = true;
	start();
	world_run(world, 3);
	assert_false(world->is_done);
	assert_int_equal(peer_count(peer, "simpleenroll"), 0);
	assert_string_equal(world->refusal_rule, "rfc7030-3.5-no-binding");
}

/* req: rfc9908-3.4-key */
static void
makes_no_key_of_a_kind_that_it_does_not_have(void **state)
{
	(void)state;
	for (int by_template = 0; by_template < 2; by_template++) {
		world_reset(world);
		struct peer *peer = world_peer(world);
		peer->tweaks.wants_other_key = true;
		peer->tweaks.gives_template = by_template == 1;
		start();
		world_run(world, 3);
		assert_false(world->is_done);
		assert_int_equal(world->keys_made, 0);
		assert_string_equal(world->refusal_rule, "rfc9908-3.4-key");
	}
}

/* req: rfc7030-4.2.3-client-waits */
static void
resends_its_certificate_request_after_202(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->enroll_waits = 2;
	start();
	world_run(world, 60);
	assert_true(world->is_done);
	assert_int_equal(peer_count(peer, "simpleenroll"), 3);
	assert_true(berth_bytes_equal(berth_buf_view(&peer_saw(peer, "simpleenroll", 0)->body),
				      berth_buf_view(&peer_saw(peer, "simpleenroll", 2)->body)));
	assert_int_equal(world->keys_made, 1);
}

static void
resends_its_certificate_request_after_a_lost_connection(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->cut_at = "/.well-known/est/simpleenroll";
	peer->cuts = 2;
	start();
	world_run(world, 60);
	assert_true(world->is_done);
	assert_int_equal(peer_count(peer, "simpleenroll"), 3);
	assert_int_equal(world->keys_made, 1);
}

static void
tries_another_registrar_when_enrolment_is_refused(void **state)
{
	(void)state;
	struct peer *first = world_peer(world);
	struct peer *second = world_peer(world);
	first->enroll_status = 403;
	start();
	world_run(world, 60);
	assert_true(world->is_done);
	assert_int_equal(peer_count(first, "enrollstatus"), 1);
	assert_int_equal(peer_count(second, "enrollstatus"), 1);
	assert_int_equal(world->keys_made, 2);
	assert_int_equal(world->keys_forgotten, 1);
}

static void
says_failure_when_the_certificate_cannot_be_stored(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	world->save_fails = true;
	start();
	world_run(world, 3);
	assert_false(world->is_done);
	assert_false(enroll_status_said(peer));
	assert_int_equal(world->keys_forgotten, 1);
}

static void
is_enrolled_even_when_nobody_can_be_told(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->refuses_new_certificate = true;
	start();
	world_run(world, 120);
	assert_true(world->is_done);
	assert_int_equal(world->done_err, BERTH_E_UNREACHABLE);
	assert_int_equal(world->saves, 1);
	assert_int_equal(world->keys_forgotten, 0);
	assert_int_equal(peer_count(peer, "requestvoucher"), 1);
}

static void
never_tells_another_certificate(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->later = world->registrar2.cert;
	start();
	world_run(world, 120);
	assert_true(world->is_done);
	assert_int_equal(world->done_err, BERTH_E_MISMATCH);
	assert_int_equal(peer_count(peer, "enrollstatus"), 0);
	assert_int_equal(peer_count(peer, "requestvoucher"), 1);
}

static void
only_tells_after_a_restart_that_cut_it_short(void **state)
{
	(void)state;
	struct berth_cert_list chain = {.n = 1}; /* borrows */
	chain.at[0] = world->idevid.cert;	 /* any certificate of ours does */
	struct peer *peer = world_peer(world);
	const struct berth_pledge_untold untold = {.candidate = world_candidate(peer),
						   .registrar = world->registrar.cert,
						   .chain = &chain,
						   .key = world->idevid.key};
	world->conf.is_configured = true;
	world->conf.untold = &untold;
	start();
	world_run(world, 60);
	assert_true(world->is_done);
	assert_int_equal(world->done_err, BERTH_OK);
	assert_int_equal(peer->seen_count, 1);
	assert_true(enroll_status_said(peer));
}

static void
wants_nothing_more_when_done(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	start();
	world_run(world, 60);
	assert_int_equal(berth_pledge_deadline(world->pledge).ms, BERTH_MONO_NEVER.ms);
	const struct berth_pledge_candidate candidate = world_candidate(peer);
	const struct berth_pledge_input found = {.kind = BERTH_PLEDGE_FOUND,
						 .candidate = &candidate};
	assert_int_equal(berth_pledge_input(world->pledge, world->now, &found, NULL),
			 BERTH_E_STATE);
}

#define TEST(name) cmocka_unit_test_setup(name, reset_world)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tells_its_success_on_a_new_connection_with_the_new_certificate),
		TEST(stays_on_one_connection_until_it_is_enrolled),
		TEST(refuses_certificate_for_another_key),
		TEST(refuses_certificate_for_another_serial),
		TEST(refuses_ca_certificate_as_its_own),
		TEST(refuses_certificate_of_a_ca_outside_the_set),
		TEST(refuses_certificate_with_a_broken_signature),
		TEST(refuses_expired_certificate_only_with_a_clock),
		TEST(refuses_ca_set_of_another_domain),
		TEST(refuses_ca_set_of_another_domain_when_the_ca_is_pinned),
		TEST(refuses_end_entity_in_the_ca_set),
		TEST(makes_do_with_a_pinned_ca_when_there_is_no_set),
		TEST(asks_for_attributes_before_it_makes_a_key),
		TEST(asks_for_what_the_template_says),
		TEST(links_its_request_where_it_is_asked_to),
		TEST(links_it_anew_to_a_new_connection),
		TEST(sends_no_request_that_should_be_linked_and_cannot),
		TEST(makes_no_key_of_a_kind_that_it_does_not_have),
		TEST(resends_its_certificate_request_after_202),
		TEST(resends_its_certificate_request_after_a_lost_connection),
		TEST(tries_another_registrar_when_enrolment_is_refused),
		TEST(says_failure_when_the_certificate_cannot_be_stored),
		TEST(is_enrolled_even_when_nobody_can_be_told),
		TEST(never_tells_another_certificate),
		TEST(only_tells_after_a_restart_that_cut_it_short),
		TEST(wants_nothing_more_when_done),
	};
	return cmocka_run_group_tests(tests, open_world, close_world);
}
