/* SPDX-License-Identifier: BSD-2-Clause */
/* Every check of the MASA: what it accepts, and the smallest change that it refuses. */
#include "protocol/brski/masa.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "support/masa_world.h"

static struct masa_world world;

static int
start(void **state)
{
	(void)state;
	masa_world_start(&world);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	masa_world_end(&world);
	return 0;
}

static void
expect_voucher(enum berth_assertion assertion)
{
	if (world.masa.response.status != 200)
		fail_msg("%d %s: %s", world.masa.response.status, world.masa.why.rule,
			 world.masa.why.sentence);
	assert_int_equal(world.masa.decision.outcome, BERTH_OUTCOME_ALLOW);
	assert_int_equal(world.voucher.voucher.assertion, assertion);
	assert_true(
		berth_bytes_equal_text(world.masa.response.media_type, BERTH_MEDIA_VOUCHER_CMS));
}

static void
expect_refusal(int status, const char *rule)
{
	const struct berth_check *failed = berth_decision_failed(&world.masa.decision);

	if (world.masa.response.status == 200 || strcmp(world.masa.why.rule, rule) != 0)
		fail_msg("wanted %d %s, got %d %s: %s", status, rule, world.masa.response.status,
			 world.masa.why.rule, world.masa.why.sentence);
	assert_int_equal(world.masa.response.status, status);
	assert_int_equal(world.masa.decision.outcome, BERTH_OUTCOME_DENY);
	assert_non_null(failed);
	assert_string_equal(failed->rule, rule);
	/* The reply says it in one sentence. */
	assert_true(berth_bytes_equal_text(world.masa.response.media_type,
					   "text/plain; charset=utf-8"));
	assert_true(world.masa.response.body.n > strlen(world.masa.why.sentence));
	assert_memory_equal(world.masa.response.body.p, world.masa.why.sentence,
			    strlen(world.masa.why.sentence));
}

/* ---- what a good request gets ---- */

/* req: rfc8366-5.3-3, rfc8995-5.5.5-4, rfc8995-5.6-fields */
static void
issues_a_proximity_voucher_to_the_owner(void **state)
{
	(void)state;
	masa_world_ask(&world);
	expect_voucher(BERTH_ASSERTION_PROXIMITY);
	const struct berth_voucher *v = &world.voucher.voucher;
	assert_true(berth_bytes_equal_text(v->serial_number, WORLD_SERIAL));
	assert_true(berth_bytes_equal(v->nonce, world.pvr.nonce));
	assert_int_equal(v->created_on.s, world.now.s);
	assert_false(v->has_expires_on);
	assert_true(v->has_revocation_checks);
	assert_false(v->domain_cert_revocation_checks);
	assert_int_equal(v->idevid_issuer.n, 0);
	assert_int_equal(v->prior_signed_voucher_request.n, 0);
	assert_true(berth_bytes_equal(v->pinned_domain_cert, berth_cert_der(world.domain.cert)));
}

/* req: rfc8995-5.8-log */
static void
asks_for_everything_in_order(void **state)
{
	(void)state;
	const struct berth_now now = {.wall = world.now, .wall_is_trusted = true};
	const struct berth_masa_intent_facts nothing = {0};

	masa_world_build(&world);
	berth_masa_start(&world.masa, world.maker.pki, &world.policy, BERTH_MASA_REQUEST_VOUCHER,
			 now);
	assert_int_equal(berth_masa_input(&world.masa, &world.http, &world.tls),
			 BERTH_MASA_NEED_UNIT);
	assert_true(berth_bytes_equal_text(world.masa.unit_query.serial_number, WORLD_SERIAL));
	assert_true(berth_bytes_equal(world.masa.unit_query.issuer_key_id,
				      berth_cert_ski(world.maker.ca)));
	assert_int_equal(world.masa.unit_query.path_count, 2);
	assert_int_equal(berth_masa_answer_unit(&world.masa, &world.facts), BERTH_MASA_NEED_INTENT);
	assert_int_equal(berth_masa_answer_intent(&world.masa, &nothing),
			 BERTH_MASA_NEED_SIGNATURE);
	/* The voucher is here, and nothing of it leaves before its record stands. */
	assert_int_equal(masa_world_sign(&world), BERTH_MASA_NEED_RECORD);
	assert_int_equal(world.masa.response.status, 0);
	assert_int_equal(world.masa.response.body.n, 0);
	assert_int_equal(berth_masa_answer_record(&world.masa), BERTH_MASA_END);
	assert_int_equal(world.masa.response.status, 200);
}

/* req: rfc8995-5.8-log */
static void
ends_when_an_answer_comes_out_of_turn(void **state)
{
	(void)state;
	const struct berth_now now = {.wall = world.now, .wall_is_trusted = true};

	berth_masa_start(&world.masa, world.maker.pki, &world.policy, BERTH_MASA_REQUEST_VOUCHER,
			 now);
	assert_int_equal(berth_masa_answer_record(&world.masa), BERTH_MASA_END);
	assert_int_equal(world.masa.response.status, 500);
	assert_string_equal(world.masa.why.rule, "berth-masa-out-of-turn");
}

static void
gives_the_same_voucher_for_the_identical_request(void **state)
{
	(void)state;
	const struct berth_now now = {.wall = world.now, .wall_is_trusted = true};
	const struct berth_masa_intent_facts before = {.issued_voucher = BERTH_LIT("the voucher")};

	masa_world_build(&world);
	berth_masa_start(&world.masa, world.maker.pki, &world.policy, BERTH_MASA_REQUEST_VOUCHER,
			 now);
	assert_int_equal(berth_masa_input(&world.masa, &world.http, &world.tls),
			 BERTH_MASA_NEED_UNIT);
	assert_int_equal(berth_masa_answer_unit(&world.masa, &world.facts), BERTH_MASA_NEED_INTENT);
	assert_int_equal(berth_masa_answer_intent(&world.masa, &before), BERTH_MASA_END);
	assert_int_equal(world.masa.response.status, 200);
	assert_true(world.masa.is_repeated);
	assert_true(berth_bytes_equal_text(world.masa.response.body, "the voucher"));
}

static void
releases_nothing_that_the_signer_changed(void **state)
{
	(void)state;
	const struct berth_now now = {.wall = world.now, .wall_is_trusted = true};
	const struct berth_masa_intent_facts nothing = {0};
	BERTH_BUF other = {0};

	masa_world_ask(&world);
	expect_voucher(BERTH_ASSERTION_PROXIMITY);
	assert_int_equal(berth_buf_append_bytes(&other, berth_buf_view(&world.voucher_der)),
			 BERTH_OK);
	world.now.s += 60; /* another created-on: the earlier voucher is not this one */
	berth_masa_end(&world.masa);
	berth_masa_start(&world.masa, world.maker.pki, &world.policy, BERTH_MASA_REQUEST_VOUCHER,
			 (struct berth_now){.wall = world.now, .mono = now.mono});
	assert_int_equal(berth_masa_input(&world.masa, &world.http, &world.tls),
			 BERTH_MASA_NEED_UNIT);
	assert_int_equal(berth_masa_answer_unit(&world.masa, &world.facts), BERTH_MASA_NEED_INTENT);
	assert_int_equal(berth_masa_answer_intent(&world.masa, &nothing),
			 BERTH_MASA_NEED_SIGNATURE);
	assert_int_equal(berth_masa_answer_signature(&world.masa, berth_buf_view(&other)),
			 BERTH_MASA_END);
	assert_int_equal(world.masa.response.status, 500);
	assert_string_equal(world.masa.why.rule, "berth-masa-signed");
}

/* ---- what changes while the voucher is signed ---- */

static void
until_signed(void)
{
	const struct berth_now now = {.wall = world.now, .wall_is_trusted = true};
	const struct berth_masa_intent_facts nothing = {0};

	masa_world_build(&world);
	berth_masa_start(&world.masa, world.maker.pki, &world.policy, BERTH_MASA_REQUEST_VOUCHER,
			 now);
	assert_int_equal(berth_masa_input(&world.masa, &world.http, &world.tls),
			 BERTH_MASA_NEED_UNIT);
	assert_int_equal(berth_masa_answer_unit(&world.masa, &world.facts), BERTH_MASA_NEED_INTENT);
	assert_int_equal(berth_masa_answer_intent(&world.masa, &nothing),
			 BERTH_MASA_NEED_SIGNATURE);
	assert_int_equal(masa_world_sign(&world), BERTH_MASA_NEED_RECORD);
}

static void
holds_no_more(const char *rule)
{
	assert_int_not_equal(berth_masa_still_holds(&world.masa, &world.facts), BERTH_OK);
	assert_int_equal(world.masa.response.status, 403);
	assert_string_equal(world.masa.why.rule, rule);
}

static void
hands_out_the_voucher_when_nothing_has_changed(void **state)
{
	(void)state;
	until_signed();
	assert_int_equal(berth_masa_still_holds(&world.masa, &world.facts), BERTH_OK);
	assert_int_equal(berth_masa_answer_record(&world.masa), BERTH_MASA_END);
	assert_int_equal(world.masa.response.status, 200);
}

/* req: berth-ownership-moment */
static void
refuses_a_unit_that_was_blocked_while_it_was_signed(void **state)
{
	(void)state;
	until_signed();
	world.facts.is_withdrawn = true;
	holds_no_more("berth-masa-unit-withdrawn");
}

static void
refuses_a_unit_that_was_sold_while_it_was_signed(void **state)
{
	(void)state;
	until_signed();
	world.facts.owner_is_asker = false;
	holds_no_more("rfc8995-5.5-owner");
}

/* Nor does who let go come back as the first to ask. */
static void
refuses_a_unit_that_was_released_while_it_was_signed(void **state)
{
	(void)state;
	world.policy.ownership = BERTH_MASA_OWNERSHIP_FIRST;
	until_signed();
	world.facts.has_owner = world.facts.owner_is_asker = false;
	holds_no_more("rfc8995-5.5-owner");
}

/* ---- one thing wrong, one row ---- */

static void
by_get(void)
{
	world.http.method = BERTH_HTTP_GET;
}

static void
as_other_media_type(void)
{
	world.http.media_type = BERTH_LIT("application/voucher-jws+json");
}

static void
accepting_cose_only(void)
{
	world.http.accept = BERTH_LIT("application/voucher+cose");
}

static void
signed_by_the_ca(void)
{
	world.rvr_signer = world.domain;
}

static struct party extra; /* made by a row, ended after it */

/* Its key usage lets it sign, its purposes name cmcRA: it is a CA all the same. */
static void
signed_by_a_ca_that_may_sign(void)
{
	extra = masa_world_party(&world, BERTH_PROFILE_REGISTRAR, "Registrar", NULL, &world.domain);
	struct berth_cert *ca = authority_reissue_as_ca(&world.maker, extra.cert, world.domain.key);
	berth_cert_free(extra.cert);
	extra.cert = ca;
	world.rvr_signer = extra;
}

static void
signed_without_cmc_ra(void)
{
	extra = masa_world_party(&world, BERTH_PROFILE_LDEVID, "Printer", "7", &world.domain);
	world.rvr_signer = extra;
}

static void
in_the_future(void)
{
	world.rvr.created_on.s += BERTH_MASA_CLOCK_SKEW_S + 1;
}

static void
too_old(void)
{
	world.rvr.created_on.s -= BERTH_MASA_CREATED_ON_AGE_S + 1;
}

static void
without_created_on(void)
{
	world.rvr.has_created_on = false;
}

static void
with_proximity_cert_of_its_own(void)
{
	world.rvr.proximity_registrar_cert = berth_cert_der(world.registrar.cert);
}

static void
after_the_registrars_end(void)
{
	world.now.s += 2 * (int64_t)86400;
	world.rvr.created_on = world.now;
}

static void
with_spoilt_prior(void)
{
	world.spoil_prior = true;
}

static void
prior_of_another_maker(void)
{
	extra = masa_world_party(&world, BERTH_PROFILE_IDEVID, "Camera", WORLD_SERIAL,
				 &world.rogue_domain);
	world.pvr_signer = extra;
}

static void
prior_of_another_device(void)
{
	const struct party ca = {world.maker.ca_key, world.maker.ca};

	extra = masa_world_party(&world, BERTH_PROFILE_IDEVID, "Camera", "CAM-0043", &ca);
	world.pvr_signer = extra;
}

static void
pledge_names_another_serial(void)
{
	world.pvr.serial_number = BERTH_LIT("CAM-0043");
}

static void
registrar_names_another_serial(void)
{
	world.rvr.serial_number = BERTH_LIT("CAM-0043");
}

static void
another_nonce(void)
{
	world.rvr.nonce = BERTH_LIT("0123456789abcdeF");
}

static void
pledge_without_nonce(void)
{
	world.pvr.nonce = BERTH_BYTES_NONE;
}

static void
device_met_another_registrar(void)
{
	world.pvr.proximity_registrar_cert = berth_cert_der(world.rogue.cert);
}

/* The rogue puts the certificate that the device met into its own CMS. */
static void
rogue_borrows_the_registrars_certificate(void)
{
	world.rvr_signer = world.rogue;
	berth_cert_list_free(&world.rvr_others);
	assert_int_equal(berth_cert_list_add(&world.rvr_others, world.rogue_domain.cert, NULL),
			 BERTH_OK);
	assert_int_equal(berth_cert_list_add(&world.rvr_others, world.registrar.cert, NULL),
			 BERTH_OK);
	assert_int_equal(berth_cert_list_add(&world.rvr_others, world.domain.cert, NULL), BERTH_OK);
}

static void
device_met_a_ca(void)
{
	world.pvr.proximity_registrar_cert = berth_cert_der(world.domain.cert);
}

static void
device_claims_logged_only(void)
{
	world.pvr.assertion = BERTH_ASSERTION_LOGGED;
}

static void
without_prior(void)
{
	world.without_prior = true;
}

static void
with_another_issuer(void)
{
	world.rvr.idevid_issuer = berth_cert_aki_value(world.registrar.cert);
}

static void
without_issuer_where_needed(void)
{
	world.policy.require_idevid_issuer = true;
	world.rvr.idevid_issuer = BERTH_BYTES_NONE;
}

static void
unknown_unit(void)
{
	world.facts.is_known = false;
}

static void
ambiguous_unit(void)
{
	world.facts.is_ambiguous = true;
}

static void
withdrawn_unit(void)
{
	world.facts.is_withdrawn = true;
}

static void
other_registered_key(void)
{
	world.facts.idevid_spki_digest = BERTH_LIT("0123456789abcdef0123456789abcdef");
}

static void
another_owner(void)
{
	world.facts.owner_is_asker = false;
}

static void
another_owner_where_the_first_may_claim(void)
{
	world.policy.ownership = BERTH_MASA_OWNERSHIP_FIRST;
	world.facts.owner_is_asker = false;
}

static void
no_owner(void)
{
	world.facts.has_owner = false;
}

static void
another_outstanding(void)
{
	world.facts.has_other_outstanding = true;
}

static void
nonceless_where_none_are_issued(void)
{
	world.rvr.nonce = BERTH_BYTES_NONE;
}

static void
nonceless_of_a_stranger(void)
{
	world.rvr.nonce = BERTH_BYTES_NONE;
	world.policy.allow_nonceless = true;
	world.policy.ownership = BERTH_MASA_OWNERSHIP_FIRST;
	world.facts.has_owner = false;
}

static void
without_client_certificate_where_needed(void)
{
	world.policy.require_client_certificate = true;
}

static void
with_a_strangers_client_certificate(void)
{
	world.policy.require_client_certificate = true;
	assert_int_equal(berth_cert_list_add(&world.clients, world.domain.cert, NULL), BERTH_OK);
	world.tls.peer_chain[0] = berth_cert_der(world.rogue.cert);
	world.tls.peer_count = 1;
}

static const struct refusal {
	const char *name;
	void (*change)(void);
	int status;
	const char *rule;
} refusals[] = {
	/* req: rfc8995-5.6-415 */
	{"refuses_by_get", by_get, 405, "rfc8995-5.5-method"},
	{"refuses_as_jws", as_other_media_type, 415, "rfc8995-5.6-media-type"},
	/* req: rfc8995-5.6-406 */
	{"refuses_accepts_cose_only", accepting_cose_only, 406, "rfc8995-5.6-accept"},
	{"refuses_signed_by_the_ca_itself", signed_by_the_ca, 403, "cms-signer-key-usage"},
	/* req: rfc8995-5.5.4-1 */
	{"refuses_signed_by_a_ca_that_may_sign", signed_by_a_ca_that_may_sign, 403,
	 "berth-masa-signer-not-ca"},
	{"refuses_signer_without_cmc_ra", signed_without_cmc_ra, 403, "rfc8995-5.5.4-cmc-ra"},
	/* req: rfc8995-5.6-stale */
	{"refuses_created_in_the_future", in_the_future, 403, "rfc8995-5.6-created-on"},
	{"refuses_created_too_long_ago", too_old, 403, "rfc8995-5.6-created-on"},
	/* req: rfc8995-5.5-1 */
	{"refuses_without_created_on", without_created_on, 400, "rfc8995-5.5-created-on-missing"},
	{"refuses_with_a_proximity_certificate_of_its_own", with_proximity_cert_of_its_own, 400,
	 "rfc8995-5.5-proximity-cert-present"},
	/* req: rfc8995-5.5.3-1 */
	{"refuses_registrar_expired", after_the_registrars_end, 403, "rfc8995-5.5.3-path"},
	{"refuses_prior_request_spoilt", with_spoilt_prior, 403, "rfc8995-5.5.5-prior-signed"},
	/* req: rfc8995-5.5.5-1 */
	{"refuses_device_of_another_manufacturer", prior_of_another_maker, 403,
	 "rfc8995-5.5.5-manufacturer"},
	/* req: rfc8995-5.5.5-2 */
	{"refuses_another_device_s_request", prior_of_another_device, 403, "rfc8995-5.5.5-serial"},
	{"refuses_device_names_another_serial", pledge_names_another_serial, 403,
	 "rfc8995-5.5.5-serial"},
	{"refuses_registrar_names_another_serial", registrar_names_another_serial, 403,
	 "rfc8995-5.5.5-serial"},
	/* req: rfc8995-5.5.6-1 */
	{"refuses_another_nonce", another_nonce, 403, "rfc8995-5.5.6-nonce"},
	{"refuses_device_s_request_without_nonce", pledge_without_nonce, 403,
	 "rfc8995-5.5.5-prior-signed"},
	/* req: rfc8995-5.5.5-3 */
	{"refuses_device_met_another_registrar", device_met_another_registrar, 403,
	 "rfc8995-5.5.5-proximity"},
	{"refuses_rogue_borrows_the_certificate", rogue_borrows_the_registrars_certificate, 403,
	 "rfc8995-5.5.5-proximity"},
	{"refuses_device_met_a_ca", device_met_a_ca, 403, "rfc8995-5.5.5-proximity"},
	{"refuses_device_does_not_claim_proximity", device_claims_logged_only, 403,
	 "rfc8995-5.5.5-proximity"},
	{"refuses_no_request_of_the_device", without_prior, 403, "rfc8995-5.5.5-proximity"},
	/* req: rfc8366-5.3-2 */
	{"refuses_another_issuer", with_another_issuer, 403, "rfc8366-5.3-idevid-issuer"},
	{"refuses_no_issuer_where_needed", without_issuer_where_needed, 403,
	 "rfc8366-5.3-idevid-issuer"},
	/* req: rfc8995-5.6-404 */
	{"refuses_unknown_unit", unknown_unit, 404, "rfc8995-5.6-known"},
	{"refuses_ambiguous_unit", ambiguous_unit, 404, "rfc8366-5.3-ambiguous"},
	{"refuses_withdrawn_unit", withdrawn_unit, 403, "berth-masa-unit-withdrawn"},
	{"refuses_key_not_the_registered_one", other_registered_key, 403, "berth-masa-unit-key"},
	/* req: rfc8995-5.5-owner */
	{"refuses_another_owner", another_owner, 403, "rfc8995-5.5-owner"},
	{"refuses_second_owner_before_release", another_owner_where_the_first_may_claim, 403,
	 "rfc8995-5.5-owner"},
	{"refuses_no_owner_recorded", no_owner, 403, "rfc8995-5.5-owner"},
	/* req: rfc8995-5.6-outstanding */
	{"refuses_another_voucher_outstanding", another_outstanding, 403,
	 "rfc8995-5.6-outstanding"},
	/* req: rfc8995-5.5.6-2 */
	{"refuses_nonceless_none_issued", nonceless_where_none_are_issued, 403,
	 "rfc8995-5.5.6-nonceless"},
	{"refuses_nonceless_of_a_stranger", nonceless_of_a_stranger, 403,
	 "rfc8995-5.5.6-nonceless"},
	{"refuses_no_client_certificate", without_client_certificate_where_needed, 403,
	 "rfc8995-5.4-client-certificate"},
	{"refuses_a_stranger_s_client_certificate", with_a_strangers_client_certificate, 403,
	 "rfc8995-5.4-client-certificate"},
};

#define REFUSALS (sizeof(refusals) / sizeof(refusals[0]))

/* req: rfc8995-5.6-plain-text */
static void
refuses_the_change(void **state)
{
	const struct refusal *refusal = *state;

	refusal->change();
	masa_world_ask(&world);
	expect_refusal(refusal->status, refusal->rule);
	masa_world_party_end(&extra);
}

/* The control run: the same world without the change is served. */
/* req: rfc8995-5.6-200 */
static void
accepts_without_any_change(void **state)
{
	(void)state;
	masa_world_ask(&world);
	expect_voucher(BERTH_ASSERTION_PROXIMITY);
}

/* ---- bytes ---- */

static void
refuses_bodies_that_are_no_request(void **state)
{
	(void)state;
	static const struct {
		struct berth_bytes body;
		int status;
		const char *rule;
	} rows[] = {
		{BERTH_LIT_INIT(""), 400, "rfc8995-5.11-empty"},
		{BERTH_LIT_INIT("MIIGcAYJKoZIhvcNAQcCoIIGYTCC"), 400, "rfc8995-5.11-not-der"},
		{BERTH_LIT_INIT("{}"), 400, "rfc8995-5.11-not-der"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world.http.body = rows[i].body;
		masa_world_run(&world);
		expect_refusal(rows[i].status, rows[i].rule);
	}
	masa_world_build(&world);
	world.http.body.n--;
	masa_world_run(&world);
	assert_int_equal(world.masa.response.status, 400);
	masa_world_build(&world);
	world.rvr_der.p[world.rvr_der.n - 1] ^= 1;
	masa_world_run(&world);
	assert_int_equal(world.masa.response.status, 403);
}

/* ---- assertion, ownership ---- */

/* req: rfc8995-5.5.5-4 */
static void
says_verified_to_the_owner_whose_proximity_does_not_show(void **state)
{
	(void)state;
	world.policy.allow_without_proximity = true;
	world.without_prior = true;
	masa_world_ask(&world);
	expect_voucher(BERTH_ASSERTION_VERIFIED);
}

/* The registrar claims proximity; only our own checks count. */
/* req: rfc8995-5.5.5-4 */
static void
says_logged_whatever_the_registrar_claims(void **state)
{
	(void)state;
	world.policy.allow_without_proximity = true;
	world.policy.ownership = BERTH_MASA_OWNERSHIP_FIRST;
	world.facts.has_owner = false;
	world.pvr.proximity_registrar_cert = berth_cert_der(world.rogue.cert);
	masa_world_ask(&world);
	expect_voucher(BERTH_ASSERTION_LOGGED);
}

/* req: rfc8995-5.5-owner */
static void
makes_the_first_who_asks_the_owner_where_policy_says_so(void **state)
{
	(void)state;
	world.policy.ownership = BERTH_MASA_OWNERSHIP_FIRST;
	world.facts.has_owner = false;
	masa_world_ask(&world);
	expect_voucher(BERTH_ASSERTION_PROXIMITY);
	assert_true(world.masa.issue.becomes_owner);
	uint8_t digest[BERTH_SHA256_BYTES];
	assert_int_equal(berth_sha256(world.maker.pki, berth_key_spki(world.domain.key), digest),
			 BERTH_OK);
	assert_memory_equal(world.masa.issue.owner_digest, digest, sizeof(digest));
}

static void
accepts_a_registrar_with_another_key_for_tls(void **state)
{
	(void)state;
	struct party tls =
		masa_world_party(&world, BERTH_PROFILE_REGISTRAR, "TLS", NULL, &world.domain);

	world.pvr.proximity_registrar_cert = berth_cert_der(tls.cert);
	assert_int_equal(berth_cert_list_add(&world.rvr_others, tls.cert, NULL), BERTH_OK);
	world.policy.pinning = BERTH_MASA_PIN_REGISTRAR;
	masa_world_ask(&world);
	expect_voucher(BERTH_ASSERTION_PROXIMITY);
	/* What the device can match is the certificate that it met. */
	assert_true(berth_bytes_equal(world.voucher.voucher.pinned_domain_cert,
				      berth_cert_der(tls.cert)));
	masa_world_party_end(&tls);
}

/* req: rfc8366-5.3-2 */
static void
accepts_all_three_forms_of_idevid_issuer(void **state)
{
	const struct berth_bytes aki = berth_cert_aki_value(world.device.cert);
	uint8_t wrapped[64] = {0x04, (uint8_t)aki.n};

	memcpy(wrapped + 2, aki.p, aki.n);
	const struct berth_bytes forms[] = {
		aki,
		berth_bytes_of(wrapped, aki.n + 2),
		berth_cert_aki_key_id(world.device.cert),
		BERTH_BYTES_NONE,
	};
	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		world.rvr.idevid_issuer = forms[i];
		masa_world_ask(&world);
		expect_voucher(BERTH_ASSERTION_PROXIMITY);
		berth_signed_voucher_free(&world.voucher);
		berth_arena_end(&world.arena);
	}
}

/* req: rfc8366-5.3-twins */
static void
names_the_issuer_where_serial_numbers_have_twins(void **state)
{
	(void)state;
	world.facts.has_serial_twins = true;
	masa_world_ask(&world);
	expect_voucher(BERTH_ASSERTION_PROXIMITY);
	assert_true(berth_bytes_equal(world.voucher.voucher.idevid_issuer,
				      berth_cert_aki_value(world.device.cert)));
}

/* ---- nonceless ---- */

/* req: rfc8995-5.5.6-2, rfc8366-5.3-3 */
static void
issues_an_expiring_nonceless_voucher_to_the_owner_of_record(void **state)
{
	(void)state;
	world.policy.allow_nonceless = true;
	world.policy.nonceless_lifetime_s = 3600;
	world.rvr.nonce = BERTH_BYTES_NONE;
	world.without_prior = true;
	masa_world_ask(&world);
	expect_voucher(BERTH_ASSERTION_VERIFIED);
	assert_int_equal(world.voucher.voucher.nonce.n, 0);
	assert_true(world.voucher.voucher.has_expires_on);
	assert_int_equal(world.voucher.voucher.expires_on.s, world.now.s + 3600);
}

/* req: rfc8366-6.1-renewal, rfc8995-5.5.1-renewal */
static void
promises_to_renew_a_short_lived_voucher_and_does(void **state)
{
	(void)state;
	world.policy.allow_nonceless = true;
	world.policy.nonceless_lifetime_s = 3600;
	world.policy.renewable_for_s = 86400;
	world.rvr.nonce = BERTH_BYTES_NONE;
	world.without_prior = true;
	masa_world_ask(&world);
	expect_voucher(BERTH_ASSERTION_VERIFIED);
	assert_int_equal(world.voucher.voucher.expires_on.s, world.now.s + 3600);
	assert_true(world.voucher.voucher.has_last_renewal_date);
	assert_int_equal(world.voucher.voucher.last_renewal_date.s, world.now.s + 86400);
}

static void
nonceless_of_age(int64_t age_s)
{
	world.policy.allow_nonceless = true;
	world.policy.nonceless_age_s = 86400;
	world.rvr.nonce = BERTH_BYTES_NONE;
	world.rvr.created_on.s = world.now.s - age_s;
	world.without_prior = true;
	masa_world_ask(&world);
}

/* req: rfc8995-5.6-stale */
static void
a_nonceless_request_may_have_travelled_for_a_day(void **state)
{
	(void)state;
	nonceless_of_age(86400);
	expect_voucher(BERTH_ASSERTION_VERIFIED);
}

/* req: rfc8995-5.6-stale */
static void
but_not_longer(void **state)
{
	(void)state;
	nonceless_of_age(86401);
	assert_int_equal(world.masa.response.status, 403);
	assert_string_equal(world.masa.why.rule, "rfc8995-5.6-created-on");
}

/* req: rfc8366-5.3-3 */
static void
no_nonceless_voucher_outlives_the_registrar(void **state)
{
	(void)state;
	world.policy.allow_nonceless = true;
	world.rvr.nonce = BERTH_BYTES_NONE;
	masa_world_ask(&world);
	expect_voucher(BERTH_ASSERTION_VERIFIED);
	assert_int_equal(world.voucher.voucher.expires_on.s,
			 berth_cert_not_after(world.registrar.cert).s);
}

/* The registrar's certificate for TLS may end before the one that it signs requests with. */
/* req: rfc8366-5.3-3 */
static void
no_nonceless_voucher_outlives_what_it_pins(void **state)
{
	static const struct berth_bytes dns[] = {BERTH_LIT_INIT("registrar.example")};
	struct party tls = {.key = authority_key(&world.maker, "P-256")};
	struct berth_cert_template wanted =
		authority_template(&world.maker, BERTH_PROFILE_REGISTRAR, "TLS", tls.key);
	(void)state;
	wanted.dns_names = dns;
	wanted.dns_name_count = 1;
	wanted.not_after.s = world.now.s + 600;
	tls.cert = authority_issue_by(&world.maker, &wanted, world.domain.cert, world.domain.key);
	world.pvr.proximity_registrar_cert = berth_cert_der(tls.cert);
	assert_int_equal(berth_cert_list_add(&world.rvr_others, tls.cert, NULL), BERTH_OK);
	world.policy.pinning = BERTH_MASA_PIN_REGISTRAR;
	world.policy.allow_nonceless = true;
	world.rvr.nonce = BERTH_BYTES_NONE;
	masa_world_ask(&world);
	expect_voucher(BERTH_ASSERTION_VERIFIED);
	assert_true(berth_bytes_equal(world.voucher.voucher.pinned_domain_cert,
				      berth_cert_der(tls.cert)));
	assert_int_equal(world.voucher.voucher.expires_on.s, world.now.s + 600);
	masa_world_party_end(&tls);
}

/* req: rfc8995-3.4-revocation-ignored */
static void
a_request_that_demands_revocation_checks_is_as_any_other(void **state)
{
	(void)state;
	world.pvr.has_revocation_checks = world.rvr.has_revocation_checks = true;
	world.pvr.domain_cert_revocation_checks = true;
	world.rvr.domain_cert_revocation_checks = true;
	masa_world_ask(&world);
	expect_voucher(BERTH_ASSERTION_PROXIMITY);
	assert_false(world.voucher.voucher.domain_cert_revocation_checks);
}

/* req: rfc8995-5.5.6-2 */
static void
a_client_certificate_of_a_configured_anchor_authenticates(void **state)
{
	(void)state;
	nonceless_of_a_stranger();
	assert_int_equal(berth_cert_list_add(&world.clients, world.rogue_domain.cert, NULL),
			 BERTH_OK);
	world.tls.peer_chain[0] = berth_cert_der(world.rogue.cert);
	world.tls.peer_count = 1;
	masa_world_ask(&world);
	expect_voucher(BERTH_ASSERTION_LOGGED);
}

/* ---- pinning ---- */

/* req: rfc8995-5.5.2-1 */
static void
pins_what_the_policy_says(void **state)
{
	static const struct {
		const char *name;
		enum berth_masa_pinning pinning;
		bool never_domain;
		bool without_chain;
		bool wants_domain;
	} rows[] = {
		{"registrar", BERTH_MASA_PIN_REGISTRAR, false, false, false},
		{"farthest", BERTH_MASA_PIN_FARTHEST, false, false, true},
		{"CA", BERTH_MASA_PIN_CA, false, false, true},
		{"farthest, not allowed", BERTH_MASA_PIN_FARTHEST, true, false, false},
		{"CA, not allowed", BERTH_MASA_PIN_CA, true, false, false},
		{"CA, none sent", BERTH_MASA_PIN_CA, false, true, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		start(state);
		world.policy.pinning = rows[i].pinning;
		if (rows[i].never_domain)
			assert_int_equal(berth_cert_list_add(&world.never, world.domain.cert, NULL),
					 BERTH_OK);
		if (rows[i].without_chain)
			berth_cert_list_free(&world.rvr_others);
		masa_world_ask(&world);
		expect_voucher(BERTH_ASSERTION_PROXIMITY);
		assert_true(berth_bytes_equal(world.voucher.voucher.pinned_domain_cert,
					      berth_cert_der(rows[i].wants_domain
								     ? world.domain.cert
								     : world.registrar.cert)));
		end(state);
	}
}

/* ---- requestauditlog ---- */

/* req: rfc8995-5.8.1-2 */
static void
serves_the_log_to_an_owner_even_with_an_older_request(void **state)
{
	(void)state;
	struct berth_audit_event event = {
		.date = world.now,
		.domain_id = BERTH_LIT("\1"),
		.assertion = BERTH_ASSERTION_LOGGED,
	};
	world.operation = BERTH_MASA_REQUEST_AUDIT_LOG;
	world.http.accept = BERTH_LIT("application/json");
	world.log = (struct berth_audit_log){.version = 1, .events = &event, .event_count = 1};
	world.rvr.created_on.s -= 3600;
	world.facts.has_owner = false;
	masa_world_ask(&world);
	assert_int_equal(world.masa.response.status, 200);
	assert_true(berth_bytes_equal_text(world.masa.response.media_type, "application/json"));
	assert_true(
		berth_bytes_starts_with(world.masa.response.body, "{\"version\":1,\"events\":[{"));
}

/* Whether the unit exists is nobody else's business. */
/* req: rfc8995-5.8.1-2 */
static void
hides_the_log_from_who_never_owned_the_unit(void **state)
{
	(void)state;
	world.operation = BERTH_MASA_REQUEST_AUDIT_LOG;
	world.facts.owner_is_asker = false;
	world.facts.asker_was_owner = false;
	masa_world_ask(&world);
	expect_refusal(404, "rfc8995-5.8.1-owner");
	world.facts.is_known = false;
	masa_world_ask(&world);
	expect_refusal(404, "rfc8995-5.8.1-owner");
}

static void
tells_what_it_did_not_check(void **state)
{
	(void)state;
	bool found = false;

	masa_world_ask(&world);
	for (size_t i = 0; i < world.masa.decision.n; i++)
		if (strcmp(world.masa.decision.checks[i].rule, "rfc8995-5.5.4-revocation") == 0) {
			found = true;
			assert_memory_equal(world.masa.decision.checks[i].evidence, "not checked",
					    11);
		}
	assert_true(found);
}

#define test_in_world(name) cmocka_unit_test_setup_teardown(name, start, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_world(issues_a_proximity_voucher_to_the_owner),
		test_in_world(asks_for_everything_in_order),
		test_in_world(ends_when_an_answer_comes_out_of_turn),
		test_in_world(gives_the_same_voucher_for_the_identical_request),
		test_in_world(releases_nothing_that_the_signer_changed),
		test_in_world(accepts_without_any_change),
		test_in_world(refuses_bodies_that_are_no_request),
		test_in_world(says_verified_to_the_owner_whose_proximity_does_not_show),
		test_in_world(says_logged_whatever_the_registrar_claims),
		test_in_world(makes_the_first_who_asks_the_owner_where_policy_says_so),
		test_in_world(hands_out_the_voucher_when_nothing_has_changed),
		test_in_world(refuses_a_unit_that_was_blocked_while_it_was_signed),
		test_in_world(refuses_a_unit_that_was_sold_while_it_was_signed),
		test_in_world(refuses_a_unit_that_was_released_while_it_was_signed),
		test_in_world(accepts_a_registrar_with_another_key_for_tls),
		test_in_world(accepts_all_three_forms_of_idevid_issuer),
		test_in_world(names_the_issuer_where_serial_numbers_have_twins),
		test_in_world(issues_an_expiring_nonceless_voucher_to_the_owner_of_record),
		test_in_world(promises_to_renew_a_short_lived_voucher_and_does),
		test_in_world(a_nonceless_request_may_have_travelled_for_a_day),
		test_in_world(but_not_longer),
		test_in_world(no_nonceless_voucher_outlives_the_registrar),
		test_in_world(no_nonceless_voucher_outlives_what_it_pins),
		test_in_world(a_request_that_demands_revocation_checks_is_as_any_other),
		test_in_world(a_client_certificate_of_a_configured_anchor_authenticates),
		cmocka_unit_test(pins_what_the_policy_says),
		test_in_world(serves_the_log_to_an_owner_even_with_an_older_request),
		test_in_world(hides_the_log_from_who_never_owned_the_unit),
		test_in_world(tells_what_it_did_not_check),
	};

	struct CMUnitTest all[sizeof(tests) / sizeof(tests[0]) + REFUSALS];
	size_t n = sizeof(tests) / sizeof(tests[0]);

	memcpy(all, tests, sizeof(tests));
	for (size_t i = 0; i < REFUSALS; i++) {
		all[n++] = (struct CMUnitTest){
			.name = refusals[i].name,
			.test_func = refuses_the_change,
			.setup_func = start,
			.teardown_func = end,
			.initial_state = (void *)(uintptr_t)&refusals[i],
		};
	}
	return _cmocka_run_group_tests("masa", all, n, NULL, NULL);
}
