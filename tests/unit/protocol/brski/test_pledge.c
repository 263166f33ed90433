/* SPDX-License-Identifier: BSD-2-Clause */
/* The pledge up to its voucher: requests, refusals, waiting, several registrars. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/pledge_world.h"

#include "pki/issue.h"
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

/* The i-th voucher-request that peer saw. */
static struct berth_voucher
request_at(const struct peer *peer, size_t i, struct berth_arena *arena,
	   struct berth_signed_voucher *opened)
{
	const struct seen *seen = peer_saw(peer, "requestvoucher", i);
	assert_non_null(seen);
	assert_int_equal(berth_voucher_open(world->pki, berth_buf_view(&seen->body),
					    BERTH_VOUCHER_REQUEST_PLEDGE, NULL, arena, opened,
					    NULL),
			 BERTH_OK);
	return opened->voucher;
}

static bool
said_status(const struct peer *peer, const char *path, size_t i, bool *ret_status)
{
	const struct seen *seen = peer_saw(peer, path, i);
	if (!seen) {
		return false;
	}
	BERTH_ARENA arena;
	struct berth_telemetry telemetry;
	berth_arena_start(&arena, 16384);
	assert_int_equal(
		berth_telemetry_parse(berth_buf_view(&seen->body), &arena, &telemetry, NULL),
		BERTH_OK);
	*ret_status = telemetry.status;
	return true;
}

/* req: rfc8995-5-p1, rfc8366-5.3-no-revocation */
static void
onboards_with_the_registrar_that_the_voucher_pins(void **state)
{
	(void)state;
	static const char *const order[] = {"requestvoucher", "voucher_status", "cacerts",
					    "csrattrs",	      "simpleenroll",	"enrollstatus"};
	struct peer *peer = world_peer(world);
	start();
	world_run(world, 60);
	assert_true(world->is_done);
	assert_int_equal(world->done_err, BERTH_OK);
	assert_int_equal(peer->seen_count, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_non_null(strstr(peer->seen[i].path, order[i]));
	}
	/* req: rfc8995-5.7-p1 */
	bool status = false;
	assert_true(said_status(peer, "voucher_status", 0, &status) && status);
}

static void
onboards_when_the_voucher_pins_the_domain_ca(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->tweaks.pin = world->owner.cert;
	start();
	world_run(world, 60);
	assert_true(world->is_done);
}

/* req: rfc8995-5.2-p2, rfc8995-5.2-p4 */
static void
says_in_its_request_who_it_is_and_whom_it_sees(void **state)
{
	(void)state;
	BERTH_ARENA arena;
	BERTH_SIGNED_VOUCHER opened = {0};
	berth_arena_start(&arena, (size_t)256 << 10);
	struct peer *peer = world_peer(world);
	start();
	world_run(world, 60);
	const struct berth_voucher request = request_at(peer, 0, &arena, &opened);
	assert_int_equal(request.assertion, BERTH_ASSERTION_PROXIMITY);
	assert_true(berth_bytes_equal_text(request.serial_number, WORLD_SERIAL));
	assert_true(request.nonce.n >= 16);
	assert_true(berth_bytes_equal(request.proximity_registrar_cert,
				      berth_cert_der(world->registrar.cert)));
	assert_true(request.has_created_on && request.created_on.s == WORLD_START_S);
	assert_true(berth_bytes_equal(berth_cert_der(opened.cms.signer),
				      berth_cert_der(world->idevid.cert)));
}

/* req: rfc8995-5.2-p3 */
static void
says_no_time_without_a_clock(void **state)
{
	(void)state;
	BERTH_ARENA arena;
	BERTH_SIGNED_VOUCHER opened = {0};
	berth_arena_start(&arena, (size_t)256 << 10);
	struct peer *peer = world_peer(world);
	world->now.wall_is_trusted = false;
	start();
	world_run(world, 60);
	const struct berth_voucher request = request_at(peer, 0, &arena, &opened);
	assert_false(request.has_created_on);
	assert_int_equal(opened.cms.signing_time.s, 0);
	assert_true(world->is_done);
}

/* Every row is an honest registrar with one mistake. */
static void
refuses_each_voucher_with_one_mistake(struct tweaks tweaks, const char *rule)
{
	struct peer *peer = world_peer(world);
	peer->tweaks = tweaks;
	start();
	world_run(world, 3);
	assert_false(world->is_done);
	assert_int_equal(world->notes[BERTH_PLEDGE_NOTE_VOUCHER_REFUSED], 1);
	if (rule) {
		assert_string_equal(world->refusal_rule, rule);
	}
	bool status = true;
	assert_true(said_status(peer, "voucher_status", 0, &status));
	assert_false(status);
	assert_int_equal(peer_count(peer, "/est/"), 0);
}

static void
refuses_voucher_with_another_nonce(void **state)
{
	(void)state;
	refuses_each_voucher_with_one_mistake((struct tweaks){.other_nonce = true},
					      "rfc8995-5.6.1-nonce-mismatch");
}

static void
refuses_voucher_for_another_serial(void **state)
{
	(void)state;
	refuses_each_voucher_with_one_mistake((struct tweaks){.other_serial = true},
					      "rfc8995-5.6.1-serial-mismatch");
}

/* req: rfc8995-5.6.2-p1 */
static void
refuses_voucher_pinning_another_registrar(void **state)
{
	(void)state;
	refuses_each_voucher_with_one_mistake((struct tweaks){.pin = world->registrar2.cert},
					      "rfc8995-5.6.2-other-registrar");
}

/* req: rfc8995-5.1-p3, rfc8366-5.3-pinned */
static void
refuses_voucher_pinning_the_ca_of_another_domain(void **state)
{
	(void)state;
	refuses_each_voucher_with_one_mistake((struct tweaks){.pin = world->rogue_owner.cert},
					      NULL);
}

/* What made this device made others; none of them speaks for the manufacturer, whatever the anchor stands above. */
/* req: rfc8995-5.6.1-1 */
static void
refuses_voucher_signed_with_a_birth_certificate(void **state)
{
	(void)state;
	refuses_each_voucher_with_one_mistake((struct tweaks){.signed_by_device = true},
					      "rfc8995-5.6.1-signer-is-device");
}

static void
refuses_voucher_of_another_manufacturer(void **state)
{
	(void)state;
	refuses_each_voucher_with_one_mistake((struct tweaks){.other_maker = true},
					      "rfc8995-5.6.1-signer-untrusted");
}

/* req: rfc8995-7.2-p2 */
static void
refuses_voucher_with_a_broken_signature(void **state)
{
	(void)state;
	refuses_each_voucher_with_one_mistake((struct tweaks){.broken_signature = true}, NULL);
}

/* req: rfc8995-5.6.1-p4 */
static void
refuses_voucher_that_pins_nothing(void **state)
{
	(void)state;
	refuses_each_voucher_with_one_mistake((struct tweaks){.no_pin = true},
					      "rfc8366-5.3-pinned-domain-cert-missing");
}

/* req: rfc8366-5.3-p1 */
static void
refuses_voucher_that_demands_revocation_checks(void **state)
{
	(void)state;
	refuses_each_voucher_with_one_mistake((struct tweaks){.revocation_checks = true},
					      "rfc8366-5.3-revocation-checks");
}

/* req: rfc8366-5.3-p1 */
static void
asks_about_the_registrar_where_the_voucher_demands_it(void **state)
{
	(void)state;
	BERTH_BUF answer = {0};
	enum { SAYS_GOOD, SAYS_REVOKED, SAYS_NOTHING, HAS_NO_CLOCK, ROWS };
	for (int row = SAYS_GOOD; row < ROWS; row++) {
		world_reset(world);
		struct peer *peer = world_peer(world);
		peer->self = &world->registrar_ocsp;
		peer->tweaks = (struct tweaks){.revocation_checks = true};
		world_ocsp_says(world, row == SAYS_REVOKED ? BERTH_OCSP_REVOKED : BERTH_OCSP_GOOD,
				world->now.wall, &answer);
		world->fetched = row == SAYS_NOTHING ? BERTH_BYTES_NONE : berth_buf_view(&answer);
		world->now.wall_is_trusted = row != HAS_NO_CLOCK;
		start();
		world_run(world, 3);
		assert_int_equal(world->is_done, row == SAYS_GOOD);
		assert_int_equal(world->fetches, row == HAS_NO_CLOCK ? 0 : 1);
		assert_int_equal(world->notes[BERTH_PLEDGE_NOTE_VOUCHER_REFUSED],
				 row == SAYS_GOOD ? 0 : 1);
		bool status = row != SAYS_GOOD;
		assert_true(said_status(peer, "voucher_status", 0, &status));
		assert_int_equal(status, row == SAYS_GOOD);
		if (row != SAYS_GOOD) {
			assert_string_equal(world->refusal_rule, "rfc8366-5.3-revocation-checks");
			assert_int_equal(peer_count(peer, "/est/"), 0);
		}
	}
	world_reset(world);
}

static void
refuses_voucher_of_another_media_type(void **state)
{
	(void)state;
	refuses_each_voucher_with_one_mistake((struct tweaks){.media = "application/json"},
					      "rfc8995-5.6-media-type");
}

/* req: rfc8995-5.6.2-p2 */
static void
refuses_registrar_without_cmc_ra(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->self = &world->no_ra;
	start();
	world_run(world, 3);
	assert_false(world->is_done);
	assert_string_equal(world->refusal_rule, "rfc8995-5.6.2-no-cmc-ra");
}

static void
refuses_ca_pinned_registrar_without_cmc_ra(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->self = &world->no_ra;
	peer->tweaks.pin = world->owner.cert;
	start();
	world_run(world, 3);
	assert_string_equal(world->refusal_rule, "rfc8995-5.6.2-no-cmc-ra");
}

/* Most TLS servers do not send the CA that their peer is to know already; here the voucher tells of it. */
/* req: rfc8995-5.6.2-p1 */
static void
accepts_pinned_ca_that_tls_did_not_show(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->tweaks.pin = world->owner.cert;
	peer->hides_its_ca = true;
	start();
	world_run(world, 60);
	assert_true(world->is_done);
	assert_int_equal(world->done_err, BERTH_OK);

	world_reset(world);
	peer = world_peer(world);
	peer->tweaks.pin = world->rogue_owner.cert;
	peer->hides_its_ca = true;
	start();
	world_run(world, 3);
	assert_false(world->is_done);
	assert_string_equal(world->refusal_rule, "x509-path-untrusted");
}

/* req: rfc8995-2.6.1-p1 */
static void
accepts_expired_voucher_times_only_without_a_clock(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->tweaks.has_expired = true;
	start();
	world_run(world, 3);
	assert_false(world->is_done);
	assert_string_equal(world->refusal_rule, "rfc8995-5.6.1-voucher-expired");

	world_reset(world);
	peer = world_peer(world);
	peer->tweaks.has_expired = true;
	world->now.wall_is_trusted = false;
	start();
	world_run(world, 60);
	assert_true(world->is_done);
}

/* req: rfc8995-7.2-p1 */
static void
accepts_nonceless_voucher_unless_policy_forbids_it(void **state)
{
	(void)state;
	world_peer(world)->tweaks.no_nonce = true;
	start();
	world_run(world, 60);
	assert_true(world->is_done);

	world_reset(world);
	world_peer(world)->tweaks.no_nonce = true;
	world->conf.refuse_nonceless = true;
	start();
	world_run(world, 3);
	assert_false(world->is_done);
	assert_string_equal(world->refusal_rule, "rfc8995-5.6.1-nonce-missing");
}

/* req: rfc8995-5.7-p2, rfc8995-5.7-p4 */
static void
gives_the_same_reason_whatever_was_wrong(void **state)
{
	(void)state;
	static const struct tweaks mistakes[] = {
		{.other_nonce = true}, {.other_serial = true}, {.broken_signature = true}};
	BERTH_BUF first = {0};
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		world_reset(world);
		struct peer *peer = world_peer(world);
		peer->tweaks = mistakes[i];
		start();
		world_run(world, 3);
		const struct seen *seen = peer_saw(peer, "voucher_status", 0);
		assert_non_null(seen);
		if (i == 0) {
			assert_int_equal(
				berth_buf_append_bytes(&first, berth_buf_view(&seen->body)),
				BERTH_OK);
		}
		assert_true(berth_bytes_equal(berth_buf_view(&first), berth_buf_view(&seen->body)));
	}
}

/* req: rfc8995-5.6.2-p4 */
static void
says_its_refusal_even_when_the_connection_was_closed(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->tweaks.other_nonce = true;
	peer->cut_at = "/.well-known/brski/voucher_status";
	peer->cuts = 1;
	start();
	world_run(world, 3);
	assert_int_equal(peer_count(peer, "voucher_status"), 2);
	assert_int_equal(world->notes[BERTH_PLEDGE_NOTE_FAILED], 1);
	assert_string_equal(world->failure_rule, "rfc8995-5.6-not-vouched");
}

/* req: rfc8995-5.6-p1 */
static void
resends_identical_bytes_after_202(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->voucher_waits = 3;
	start();
	world_run(world, 120);
	assert_true(world->is_done);
	assert_int_equal(peer_count(peer, "requestvoucher"), 4);
	for (size_t i = 1; i < 4; i++) {
		assert_true(berth_bytes_equal(
			berth_buf_view(&peer_saw(peer, "requestvoucher", 0)->body),
			berth_buf_view(&peer_saw(peer, "requestvoucher", i)->body)));
	}
	assert_int_equal(peer_saw(peer, "requestvoucher", 1)->at.ms -
				 peer_saw(peer, "requestvoucher", 0)->at.ms,
			 10000);
}

static void
resends_identical_bytes_over_a_new_connection(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->cut_at = "/.well-known/brski/requestvoucher";
	peer->cuts = 1;
	start();
	world_run(world, 60);
	assert_true(world->is_done);
	assert_int_equal(peer_count(peer, "requestvoucher"), 2);
	assert_true(berth_bytes_equal(berth_buf_view(&peer_saw(peer, "requestvoucher", 0)->body),
				      berth_buf_view(&peer_saw(peer, "requestvoucher", 1)->body)));
}

/* req: rfc8995-5.6-p2 */
static void
caps_retry_after_at_60_s(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->voucher_waits = 1;
	peer->retry_after_s = 86400;
	start();
	world_run(world, 120);
	assert_true(world->is_done);
	assert_int_equal(peer_saw(peer, "requestvoucher", 1)->at.ms -
				 peer_saw(peer, "requestvoucher", 0)->at.ms,
			 60000);
}

static void
never_retries_at_once(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->voucher_waits = 5;
	peer->retry_after_s = 0;
	start();
	world_run(world, 60);
	assert_true(world->is_done);
	assert_int_equal(peer_saw(peer, "requestvoucher", 5)->at.ms -
				 peer_saw(peer, "requestvoucher", 0)->at.ms,
			 5000);
}

/* req: rfc8995-5.6-p3 */
static void
gives_up_after_4_days(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->voucher_waits = UINT32_MAX;
	peer->retry_after_s = 60;
	start();
	world_run(world, (int64_t)4 * 86400 - 100);
	assert_int_equal(world->notes[BERTH_PLEDGE_NOTE_FAILED], 0);
	world_run(world, 200);
	assert_int_equal(world->notes[BERTH_PLEDGE_NOTE_FAILED], 1);
	assert_string_equal(world->failure_rule, "rfc8995-5.6-patience");
}

/* req: rfc8995-5.2-p1, rfc8995-4.1-p9 */
static void
uses_a_fresh_nonce_for_each_attempt(void **state)
{
	(void)state;
	BERTH_ARENA arena;
	BERTH_SIGNED_VOUCHER a = {0};
	BERTH_SIGNED_VOUCHER b = {0};
	berth_arena_start(&arena, (size_t)512 << 10);
	struct peer *peer = world_peer(world);
	peer->voucher_status = 403;
	start();
	world_run(world, 20);
	assert_true(peer_count(peer, "requestvoucher") >= 2);
	assert_false(berth_bytes_equal(request_at(peer, 0, &arena, &a).nonce,
				       request_at(peer, 1, &arena, &b).nonce));
}

/* req: rfc8995-5.6-p5 */
static void
goes_on_to_the_next_proxy_after_403(void **state)
{
	(void)state;
	struct peer *first = world_peer(world);
	struct peer *second = world_peer(world);
	first->voucher_status = 403;
	start();
	world_run(world, 60);
	assert_true(world->is_done);
	assert_int_equal(peer_count(first, "requestvoucher"), 1);
	assert_int_equal(peer_count(first, "voucher_status"), 0);
	assert_int_equal(peer_count(second, "enrollstatus"), 1);
}

/* req: rfc8995-5.6-p4 */
static void
follows_one_redirect_with_a_fresh_nonce(void **state)
{
	(void)state;
	BERTH_ARENA arena;
	BERTH_SIGNED_VOUCHER a = {0};
	BERTH_SIGNED_VOUCHER b = {0};
	berth_arena_start(&arena, (size_t)512 << 10);
	struct peer *first = world_peer(world);
	struct peer *second = world_peer(world);
	first->self = &world->rogue;
	first->voucher_status = 307;
	first->location = "https://192.0.2.1:1001/.well-known/brski/requestvoucher";
	world->peer_count = 1; /* only the first is announced */
	start();
	world->peer_count = 2;
	world_run(world, 2);
	assert_true(world->is_done);
	const struct berth_voucher sent_first = request_at(first, 0, &arena, &a);
	const struct berth_voucher sent_second = request_at(second, 0, &arena, &b);
	assert_false(berth_bytes_equal(sent_first.nonce, sent_second.nonce));
	assert_true(berth_bytes_equal(sent_second.proximity_registrar_cert,
				      berth_cert_der(world->registrar.cert)));
}

static void
refuses_a_second_redirect(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->voucher_status = 307;
	peer->location = "https://192.0.2.1:1000/.well-known/brski/requestvoucher";
	start();
	world_run(world, 3);
	assert_int_equal(peer_count(peer, "requestvoucher"), 2);
	assert_string_equal(world->failure_rule, "rfc8995-5.6-second-redirect");
}

static void
refuses_a_redirect_away_from_https(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->voucher_status = 302;
	peer->location = "http://192.0.2.1:1000/.well-known/brski/requestvoucher";
	start();
	world_run(world, 3);
	assert_int_equal(peer_count(peer, "requestvoucher"), 1);
	assert_string_equal(world->failure_rule, "rfc8995-5.6-location");
}

/* req: rfc8995-5.1-p1 */
static void
reconnects_only_to_the_pinned_certificate(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->cut_at = "/.well-known/est/cacerts";
	peer->cuts = 1;
	peer->later = world->registrar2.cert; /* of the same owner, but another */
	start();
	world_run(world, 3);
	assert_false(world->is_done);
	assert_int_equal(peer_count(peer, "cacerts"), 1);
	assert_string_equal(world->failure_rule, "rfc8995-5.1-other-certificate");
}

static void
does_not_resend_its_request_to_another_certificate(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->cut_at = "/.well-known/brski/requestvoucher";
	peer->cuts = 1;
	peer->later = world->registrar2.cert;
	start();
	world_run(world, 3);
	assert_int_equal(peer_count(peer, "requestvoucher"), 1);
	assert_string_equal(world->failure_rule, "rfc8995-5.1-other-certificate");
}

/* req: rfc8995-5.1-p2 */
static void
believes_nothing_that_comes_over_another_connection(void **state)
{
	(void)state;
	world_peer(world)->tweaks.answers_over_other_connection = true;
	start();
	world_run(world, 3);
	assert_false(world->is_done);
	assert_string_equal(world->failure_rule, "rfc8995-5.1-other-connection");
}

/* req: rfc8995-5.1-p4 */
static void
refuses_bodies_larger_than_its_limit(void **state)
{
	(void)state;
	world_peer(world)->tweaks.huge_body = true;
	start();
	world_run(world, 3);
	assert_string_equal(world->failure_rule, "pledge-body-size");
}

static void
gives_up_on_a_peer_that_always_hangs_up(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->cut_at = "/.well-known/brski/requestvoucher";
	peer->cuts = UINT32_MAX;
	start();
	world_run(world, 3);
	assert_int_equal(peer->connections, 4);
	assert_int_equal(world->notes[BERTH_PLEDGE_NOTE_FAILED], 1);
}

/* req: rfc8995-4.1-p1 */
static void
does_not_start_when_configured(void **state)
{
	(void)state;
	world_peer(world);
	world->conf.is_configured = true;
	assert_int_equal(world_start(world), BERTH_E_STATE);
	assert_null(world->pledge);
}

/* req: rfc8995-5.6.2-p3 */
static void
finds_the_owner_among_rogue_registrars(void **state)
{
	(void)state;
	for (size_t place = 0; place < 3; place++) {
		world_reset(world);
		struct peer *honest = NULL;
		for (size_t i = 0; i < 3; i++) {
			struct peer *peer = i == place ? world_peer(world) : world_rogue(world);
			honest = i == place ? peer : honest;
		}
		start();
		world_run(world, 60);
		assert_true(world->is_done);
		assert_int_equal(peer_count(honest, "enrollstatus"), 1);
		assert_int_equal(world->notes[BERTH_PLEDGE_NOTE_VOUCHER_ACCEPTED], 1);
	}
}

/* req: rfc8995-4.1-p2 */
static void
begins_attempts_3_to_5_s_apart_and_keeps_them_alive_together(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		world_peer(world)->is_silent = true;
	}
	start();
	world_run(world, 12);
	assert_int_equal(world->attempts_count, 3);
	for (size_t i = 1; i < 3; i++) {
		const int64_t apart_ms = world->attempts_at[i].ms - world->attempts_at[i - 1].ms;
		assert_in_range(apart_ms, 3000, 5000);
	}
	assert_int_equal(world->notes[BERTH_PLEDGE_NOTE_FAILED], 0);
	assert_int_equal(world->notes[BERTH_PLEDGE_NOTE_DROPPED], 0);
}

/* req: rfc8995-4.1-p3 */
static void
drops_the_oldest_without_progress_when_others_wait(void **state)
{
	(void)state;
	for (size_t i = 0; i < BERTH_PLEDGE_ATTEMPTS_MAX; i++) {
		world_peer(world)->is_silent = true;
	}
	struct peer *honest = world_peer(world);
	start();
	world_run(world, 40);
	assert_true(world->is_done);
	assert_int_equal(peer_count(honest, "enrollstatus"), 1);
	assert_true(world->notes[BERTH_PLEDGE_NOTE_DROPPED] >= 1);
}

static void
is_not_held_up_by_peers_that_ask_for_patience(void **state)
{
	(void)state;
	for (size_t i = 0; i < BERTH_PLEDGE_ATTEMPTS_MAX + 1; i++) {
		struct peer *rogue = world_rogue(world);
		rogue->voucher_waits = UINT32_MAX;
		rogue->retry_after_s = 1;
	}
	struct peer *honest = world_peer(world);
	start();
	world_run(world, 120);
	assert_true(world->is_done);
	assert_int_equal(peer_count(honest, "enrollstatus"), 1);
}

static void
waits_twice_as_long_after_each_failure(struct peer *peer, size_t attempts)
{
	int64_t want_ms = 5000;
	for (size_t i = 1; i < attempts; i++) {
		assert_int_equal(world->attempts_at[i].ms - world->attempts_at[i - 1].ms, want_ms);
		want_ms = want_ms * 2 > 3600000 ? 3600000 : want_ms * 2;
	}
	assert_true(peer->is_unreachable);
}

/* req: rfc8995-4.1-p4, rfc8995-4.1-p10 */
static void
backs_off_from_an_unreachable_proxy_up_to_an_hour(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->is_unreachable = true;
	start();
	world_run(world, 6 * 3600);
	assert_true(world->attempts_count >= 12);
	waits_twice_as_long_after_each_failure(peer, world->attempts_count);
	assert_int_equal(world->attempts_at[world->attempts_count - 1].ms -
				 world->attempts_at[world->attempts_count - 2].ms,
			 3600000);
}

static void
does_not_let_a_proxy_shout_its_back_off_away(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->is_unreachable = true;
	start();
	for (size_t i = 0; i < 30; i++) {
		world_run(world, 1);
		world_find(world, peer);
	}
	assert_true(world->attempts_count <= 4);
}

/* req: rfc8995-4.1-p5 */
static void
starts_afresh_when_the_link_changes(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->is_unreachable = true;
	start();
	world_run(world, 3600);
	const size_t before = world->attempts_count;
	const struct berth_pledge_input changed = {.kind = BERTH_PLEDGE_LINK_CHANGED};
	peer->is_unreachable = false;
	assert_int_equal(berth_pledge_input(world->pledge, world->now, &changed, NULL), BERTH_OK);
	world_run(world, 2);
	assert_int_equal(world->attempts_count, before + 1);
	assert_true(world->is_done);
}

static void
leaves_a_vanished_proxy_alone(void **state)
{
	(void)state;
	struct peer *peer = world_peer(world);
	peer->voucher_status = 503;
	start();
	world_run(world, 2);
	const struct berth_pledge_candidate candidate = world_candidate(peer);
	const struct berth_pledge_input lost = {.kind = BERTH_PLEDGE_LOST, .candidate = &candidate};
	assert_int_equal(berth_pledge_input(world->pledge, world->now, &lost, NULL), BERTH_OK);
	world_run(world, 7200);
	assert_int_equal(peer_count(peer, "requestvoucher"), 1);
	assert_int_equal(berth_pledge_deadline(world->pledge).ms, BERTH_MONO_NEVER.ms);
}

static void
refuses_what_no_attempt_waits_for(void **state)
{
	(void)state;
	world_peer(world)->is_silent = true;
	start();
	world_pump(world);
	const struct berth_pledge_input stray = {.kind = BERTH_PLEDGE_CONNECTED, .attempt = 1};
	assert_int_equal(berth_pledge_input(world->pledge, world->now, &stray, NULL),
			 BERTH_E_STATE);
	const struct berth_pledge_input unknown = {.kind = BERTH_PLEDGE_DISCONNECTED,
						   .attempt = 77};
	assert_int_equal(berth_pledge_input(world->pledge, world->now, &unknown, NULL),
			 BERTH_E_NOT_FOUND);
	const struct berth_pledge_answer early = {.kind = BERTH_PLEDGE_SAVE, .attempt = 1};
	assert_int_equal(berth_pledge_answer(world->pledge, world->now, &early, NULL),
			 BERTH_E_STATE);
}

#define TEST(name) cmocka_unit_test_setup(name, reset_world)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(onboards_with_the_registrar_that_the_voucher_pins),
		TEST(onboards_when_the_voucher_pins_the_domain_ca),
		TEST(says_in_its_request_who_it_is_and_whom_it_sees),
		TEST(says_no_time_without_a_clock),
		TEST(refuses_voucher_with_another_nonce),
		TEST(refuses_voucher_for_another_serial),
		TEST(refuses_voucher_pinning_another_registrar),
		TEST(refuses_voucher_pinning_the_ca_of_another_domain),
		TEST(refuses_voucher_of_another_manufacturer),
		TEST(refuses_voucher_with_a_broken_signature),
		TEST(refuses_voucher_that_pins_nothing),
		TEST(refuses_voucher_that_demands_revocation_checks),
		TEST(asks_about_the_registrar_where_the_voucher_demands_it),
		TEST(refuses_voucher_of_another_media_type),
		TEST(refuses_registrar_without_cmc_ra),
		TEST(refuses_voucher_signed_with_a_birth_certificate),
		TEST(refuses_ca_pinned_registrar_without_cmc_ra),
		TEST(accepts_pinned_ca_that_tls_did_not_show),
		TEST(accepts_expired_voucher_times_only_without_a_clock),
		TEST(accepts_nonceless_voucher_unless_policy_forbids_it),
		TEST(gives_the_same_reason_whatever_was_wrong),
		TEST(says_its_refusal_even_when_the_connection_was_closed),
		TEST(resends_identical_bytes_after_202),
		TEST(resends_identical_bytes_over_a_new_connection),
		TEST(caps_retry_after_at_60_s),
		TEST(never_retries_at_once),
		TEST(gives_up_after_4_days),
		TEST(uses_a_fresh_nonce_for_each_attempt),
		TEST(goes_on_to_the_next_proxy_after_403),
		TEST(follows_one_redirect_with_a_fresh_nonce),
		TEST(refuses_a_second_redirect),
		TEST(refuses_a_redirect_away_from_https),
		TEST(reconnects_only_to_the_pinned_certificate),
		TEST(does_not_resend_its_request_to_another_certificate),
		TEST(believes_nothing_that_comes_over_another_connection),
		TEST(refuses_bodies_larger_than_its_limit),
		TEST(gives_up_on_a_peer_that_always_hangs_up),
		TEST(does_not_start_when_configured),
		TEST(finds_the_owner_among_rogue_registrars),
		TEST(begins_attempts_3_to_5_s_apart_and_keeps_them_alive_together),
		TEST(drops_the_oldest_without_progress_when_others_wait),
		TEST(is_not_held_up_by_peers_that_ask_for_patience),
		TEST(backs_off_from_an_unreachable_proxy_up_to_an_hour),
		TEST(does_not_let_a_proxy_shout_its_back_off_away),
		TEST(starts_afresh_when_the_link_changes),
		TEST(leaves_a_vanished_proxy_alone),
		TEST(refuses_what_no_attempt_waits_for),
	};
	return cmocka_run_group_tests(tests, open_world, close_world);
}
