/* SPDX-License-Identifier: BSD-2-Clause */
/* What was found out about a peer is kept for a minute, and not beyond the end of its certificate. */
#include "role/registrar/peers.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "unit/pki/authority.h"

#define ENDS_S 30 /* the certificate, after NOW */

static struct {
	struct authority authority;
	struct berth_cert_list domain;
	struct berth_manufacturer maker;
	struct berth_peer_trust trust;
	struct berth_cert *cert;
	struct berth_peers peers;
} scene;

static void
ok(enum berth_err err)
{
	assert_int_equal(err, BERTH_OK);
}

static int
begin(void **state)
{
	(void)state;
	memset(&scene, 0, sizeof(scene));
	authority_start(&scene.authority);
	scene.maker.name = "Acme";
	return 0;
}

static int
finish(void **state)
{
	(void)state;
	berth_peers_end(&scene.peers);
	berth_cert_free(scene.cert);
	berth_cert_list_free(&scene.domain);
	berth_cert_list_free(&scene.maker.anchors);
	authority_end(&scene.authority);
	return 0;
}

/* A device whose certificate ends soon. */
static void
meet(enum berth_cert_profile profile)
{
	struct berth_key *key = authority_key(&scene.authority, "P-256");
	struct berth_cert_template what =
		authority_template(&scene.authority, profile, "lamp", key);
	what.serial_number = BERTH_LIT("A-0001");
	what.not_after.s = NOW.s + ENDS_S;
	scene.cert = authority_issue(&scene.authority, &what);
	berth_key_free(key);
	ok(berth_cert_list_add(profile == BERTH_PROFILE_LDEVID ? &scene.domain
							       : &scene.maker.anchors,
			       scene.authority.root, NULL));
	scene.trust = (struct berth_peer_trust){.manufacturers = &scene.maker,
						.manufacturer_count =
							profile == BERTH_PROFILE_LDEVID ? 0 : 1,
						.domain = &scene.domain};
}

/* Who it is, so many seconds after NOW; the caller releases. */
static struct berth_seen_peer *
find(int64_t after_s)
{
	struct berth_seen_peer *seen = NULL;
	const struct berth_tls_facts tls = {
		.peer_chain = {berth_cert_der(scene.cert), berth_cert_der(scene.authority.ca)},
		.peer_count = 2,
		.version = 0x0304};
	const struct berth_now now = {{1000 + after_s * 1000}, {NOW.s + after_s}, true};
	ok(berth_peers_find(&scene.peers, scene.authority.pki, &scene.trust, &tls, now, &seen,
			    NULL));
	return seen;
}

static enum berth_peer_kind
kind(int64_t after_s)
{
	struct berth_seen_peer *seen = find(after_s);
	const enum berth_peer_kind found = seen->peer.kind;
	berth_peers_release(seen);
	return found;
}

static void
who_was_judged_a_moment_ago_is_not_judged_again(void **state)
{
	(void)state;
	meet(BERTH_PROFILE_LDEVID);
	struct berth_seen_peer *first = find(0);
	struct berth_seen_peer *second = find(ENDS_S); /* it holds until the end of that second */
	assert_int_equal(first->peer.kind, BERTH_PEER_LDEVID);
	assert_ptr_equal(first, second);
	berth_peers_release(first);
	berth_peers_release(second);
}

static void
a_certificate_that_ends_meanwhile_is_not_let_in(void **state)
{
	(void)state;
	meet(BERTH_PROFILE_LDEVID);
	assert_int_equal(kind(0), BERTH_PEER_LDEVID);
	struct berth_seen_peer *seen = find(ENDS_S + 1);
	assert_int_equal(seen->peer.kind, BERTH_PEER_UNTRUSTED);
	assert_string_equal(seen->peer.why.rule, "x509-expired");
	berth_peers_release(seen);
}

static void
a_birth_certificate_that_ends_meanwhile_is_not_let_in(void **state)
{
	(void)state;
	meet(BERTH_PROFILE_IDEVID);
	assert_int_equal(kind(0), BERTH_PEER_IDEVID);
	assert_int_equal(kind(ENDS_S + 1), BERTH_PEER_UNTRUSTED);
}

static void
a_birth_certificate_whose_end_is_let_off_stays_in(void **state)
{
	(void)state;
	scene.maker.ignore_expiry = true;
	meet(BERTH_PROFILE_IDEVID);
	struct berth_seen_peer *first = find(0);
	struct berth_seen_peer *second = find(ENDS_S + 1);
	assert_int_equal(first->peer.kind, BERTH_PEER_IDEVID);
	assert_ptr_equal(first, second);
	berth_peers_release(first);
	berth_peers_release(second);
}

static void
after_a_minute_it_is_judged_anew(void **state)
{
	(void)state;
	scene.maker.ignore_expiry = true;
	meet(BERTH_PROFILE_IDEVID);
	struct berth_seen_peer *first = find(0);
	struct berth_seen_peer *second = find(BERTH_PEERS_KEPT_MS / 1000);
	assert_ptr_not_equal(first, second);
	berth_peers_release(first);
	berth_peers_release(second);
}

#define PEERS(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PEERS(who_was_judged_a_moment_ago_is_not_judged_again),
		PEERS(a_certificate_that_ends_meanwhile_is_not_let_in),
		PEERS(a_birth_certificate_that_ends_meanwhile_is_not_let_in),
		PEERS(a_birth_certificate_whose_end_is_let_off_stays_in),
		PEERS(after_a_minute_it_is_judged_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
