/* SPDX-License-Identifier: BSD-2-Clause */
/* The renewal machine with a clock of our own: a device, and a registrar that answers as told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base64.h"
#include "pki/cms.h"
#include "pki/keystore/keystore.h"
#include "pki/request.h"
#include "protocol/est/client.h"
#include "protocol/est/renewal.h"
#include "protocol/est/renewal_info.h"
#include "support/pledge_world.h"

#define DAY_S ((int64_t)86400)
#define LIFE_S (90 * DAY_S)
#define TWO_THIRDS_S (60 * DAY_S)
#define LATEST_S (TWO_THIRDS_S + LIFE_S / BERTH_RENEWAL_JITTER_PART)
#define YEAR_S (365 * DAY_S)

static struct world *world; /* its identities alone */

struct scene {
	struct berth_arena arena;
	struct berth_renewal *renewal;
	struct berth_cert_list chain;
	struct berth_cert_list ca_set;
	struct berth_key *key;
	struct berth_key *made;
	int64_t mono_ms;
	int64_t clock_error_s;
	bool has_clock;

	/* the registrar */
	const struct identity *server;
	const struct identity *issuer;
	const struct identity *issuer_of_server;
	struct berth_cert_list cacerts;
	bool is_away;
	bool gives_no_advice;
	bool has_window;
	struct berth_wall window[2];
	int64_t said_off_s; /* the registrar's clock */
	bool is_called_up;  /* until it has renewed: the hour that begins when it asks */
	int32_t retry_after_s;
	int advice_status;
	int reenroll_status;
	unsigned waits;
	unsigned lost; /* connections that break at simplereenroll */
	bool revoked;
	bool other_key, other_serial, ca_certificate, broken_signature;
	bool save_fails, key_fails;
	enum berth_renewal_revocation revocation;
	bool has_ocsp;	/* the responder answers */
	bool is_silent; /* it takes the question and never answers */
	bool wants_link;
	uint16_t tls_version; /* 0: TLS 1.3 that tells no channel binding */
	uint8_t binding[32];  /* of this connection */
	unsigned linked;      /* requests, each to its own connection */
	enum berth_ocsp_status ocsp;
	unsigned fetches, unknown;

	unsigned connections, advices, reenrolls, keys, forgotten, saves, renewed, refused,
		searches;
	unsigned ca_sets, ca_sets_refused;
	bool is_over;
	bool wants_connection;
	int64_t asked_at_ms[256];
	int64_t renewed_at_ms;
	const char *rule; /* of the last failure */
	struct berth_bytes subject_asked;
};

static struct scene scene;

static void
ok(enum berth_err err)
{
	assert_int_equal(err, BERTH_OK);
}

static struct berth_wall
true_time(void)
{
	return (struct berth_wall){WORLD_START_S + scene.mono_ms / 1000};
}

static struct berth_now
now(void)
{
	return (struct berth_now){
		{scene.mono_ms}, {true_time().s + scene.clock_error_s}, scene.has_clock};
}

static struct berth_key *
new_key(void)
{
	char uri[BERTH_KEY_URI_MAX];
	struct berth_key *key = NULL;
	(void)snprintf(uri, sizeof(uri), "file:%s/r%u.key", world->dir, world->key_names++);
	ok(berth_keystore_generate(world->pki, uri, "P-256", &key, NULL));
	return key;
}

static struct berth_cert *
issue_to(struct berth_key *key, struct berth_wall from)
{
	struct berth_cert_template what = {
		.profile = scene.ca_certificate ? BERTH_PROFILE_ISSUING_CA : BERTH_PROFILE_LDEVID,
		.not_before = from,
		.not_after = {from.s + LIFE_S},
		.common_name = BERTH_LIT("lamp"),
		.serial_number =
			scene.other_serial ? BERTH_LIT("JADA000000000") : BERTH_LIT(WORLD_SERIAL),
		.organization = BERTH_LIT("Owner"),
		.key = key,
	};
	BERTH_BUF der = {0};
	struct berth_cert *cert = NULL;
	berth_random_fill(&world->random, what.serial, sizeof(what.serial));
	what.serial[0] = (uint8_t)((what.serial[0] & 0x7f) | 0x40);
	ok(berth_issue(world->pki, &what, scene.issuer->cert, scene.issuer->key, &der, NULL));
	der.p[der.n - 1] ^= scene.broken_signature && scene.reenrolls > 0;
	ok(berth_cert_parse(world->pki, berth_buf_view(&der), &cert, NULL));
	return cert;
}

static int
begin(void **state)
{
	(void)state;
	scene = (struct scene){.has_clock = true,
			       .advice_status = 200,
			       .reenroll_status = 200,
			       .retry_after_s = -1};
	scene.server = &world->registrar;
	scene.issuer = &world->owner;
	scene.issuer_of_server = &world->owner;
	scene.key = new_key();
	struct berth_cert *cert = issue_to(scene.key, (struct berth_wall){WORLD_START_S});
	ok(berth_cert_list_add(&scene.chain, cert, NULL));
	berth_cert_free(cert);
	ok(berth_cert_list_add(&scene.ca_set, world->owner.cert, NULL));
	ok(berth_cert_list_add(&scene.cacerts, world->owner.cert, NULL));
	return 0;
}

static void
start(void)
{
	const struct berth_renewal_place place = {.host = "192.0.2.1", .port = 8443};
	const struct berth_renewal_conf conf = {.chain = &scene.chain,
						.key = scene.key,
						.ca_set = &scene.ca_set,
						.place = &place,
						.key_kind = "P-256",
						.check_every_s = 6 * 3600,
						.revocation = scene.revocation};
	const struct berth_renewal_env env = {
		.pki = world->pki, .arena = &scene.arena, .random = world->random};
	berth_arena_start(&scene.arena, BERTH_RENEWAL_MAX_BYTES);
	ok(berth_renewal_start(&conf, &env, now(), &scene.renewal, NULL));
}

static int
finish(void **state)
{
	(void)state;
	berth_renewal_end(scene.renewal);
	berth_arena_end(&scene.arena);
	berth_cert_list_free(&scene.chain);
	berth_cert_list_free(&scene.ca_set);
	berth_cert_list_free(&scene.cacerts);
	berth_key_free(scene.key);
	berth_key_free(scene.made);
	return 0;
}

/* ---- the registrar ---- */

static void
give(const struct berth_renewal_input *input)
{
	berth_ignore(berth_renewal_input(scene.renewal, now(), input, NULL),
		     "it may have given up meanwhile");
}

static void
disconnect(void)
{
	give(&(struct berth_renewal_input){.kind = BERTH_RENEWAL_DISCONNECTED});
}

static void
reply_list(const struct berth_cert_list *list, struct berth_http_response *response,
	   struct berth_buf *body)
{
	BERTH_BUF der = {0};
	ok(berth_cms_certs_build(world->pki, list, &der, NULL));
	ok(berth_base64_encode(berth_buf_view(&der), 0, body));
	response->status = 200;
	response->media_type = BERTH_LIT(BERTH_EST_MEDIA_CERTS);
}

static void
reply_advice(struct berth_http_response *response, struct berth_buf *body)
{
	scene.advices++;
	response->status = scene.gives_no_advice ? 404 : scene.advice_status;
	response->retry_after_s = scene.retry_after_s;
	if (response->status != 200) {
		return;
	}
	struct berth_renewal_info info = {
		.start = {scene.has_window ? scene.window[0].s : WORLD_START_S + 100 * YEAR_S},
		.end = {scene.has_window ? scene.window[1].s : WORLD_START_S + 100 * YEAR_S},
		.has_now = true,
		.now = {true_time().s + scene.said_off_s}};
	if (scene.is_called_up && scene.renewed == 0) {
		info.start = true_time();
		info.end.s = info.start.s + 3600;
	}
	ok(berth_renewal_info_build(&info, body, NULL));
	response->media_type = BERTH_LIT(BERTH_EST_MEDIA_RENEWAL_INFO);
}

static struct berth_bytes
binding(void)
{
	return scene.tls_version == 0
		       ? BERTH_BYTES_NONE
		       : berth_bytes_of(scene.binding, scene.tls_version == 0x0304 ? 32 : 12);
}

static void
reply_attributes(struct berth_http_response *response, struct berth_buf *body)
{
	const struct berth_csrattrs attributes = {.want_challenge_password = true};
	BERTH_BUF der = {0};
	ok(berth_csrattrs_build(&attributes, BERTH_CSRATTRS_PLAIN, &der, NULL));
	ok(berth_base64_encode(berth_buf_view(&der), 0, body));
	response->status = 200;
	response->media_type = BERTH_LIT(BERTH_EST_MEDIA_CSRATTRS);
}

static void
check_link(struct berth_bytes asked)
{
	BERTH_BUF der = {0};
	BERTH_BUF wanted = {0};
	BERTH_REQUEST *request = NULL;
	ok(berth_base64_decode(asked, true, &der, NULL));
	ok(berth_request_parse(world->pki, berth_buf_view(&der), &request, NULL));
	ok(berth_base64_encode(scene.wants_link ? binding() : BERTH_BYTES_NONE, 0, &wanted));
	assert_true(berth_bytes_equal(berth_request_challenge_password(request),
				      berth_buf_view(&wanted)));
	assert_true(berth_key_equal(berth_request_key(request), scene.made));
	scene.linked += scene.wants_link;
}

static void
reply_certificate(struct berth_bytes asked, struct berth_http_response *response,
		  struct berth_buf *body)
{
	BERTH_BUF der = {0};
	BERTH_REQUEST *request = NULL;
	scene.reenrolls++;
	response->status = scene.waits ? 202 : scene.reenroll_status;
	response->retry_after_s = scene.waits ? 10 : scene.retry_after_s;
	scene.waits -= scene.waits > 0;
	if (response->status != 200) {
		return;
	}
	ok(berth_base64_decode(asked, true, &der, NULL));
	ok(berth_request_parse(world->pki, berth_buf_view(&der), &request, NULL));
	/* req: rfc7030-4.2.2-device-subject */
	assert_true(berth_bytes_equal(berth_request_subject_der(request),
				      berth_cert_subject_der(scene.chain.at[0])));
	assert_false(berth_key_equal(berth_request_key(request), scene.key));
	struct berth_cert_list list = {.n = 1};
	list.at[0] = issue_to(scene.other_key ? world->rogue.key : berth_request_key(request),
			      true_time());
	reply_list(&list, response, body);
	berth_cert_free(list.at[0]);
}

static bool
is_path(struct berth_bytes path, const char *start_of)
{
	return berth_bytes_starts_with(path, start_of);
}

static void
answer(const struct berth_http_request *request)
{
	struct berth_http_response response = {.status = 404, .retry_after_s = -1};
	BERTH_BUF body = {0};
	const bool has_ended = true_time().s > berth_cert_not_after(scene.chain.at[0]).s;
	const bool is_public = is_path(request->path, BERTH_EST_CACERTS_PATH) ||
			       is_path(request->path, BERTH_EST_CSRATTRS_PATH);
	if ((scene.revoked || has_ended) && !is_public) {
		response.status = 403;
		ok(berth_buf_append_text(&body, has_ended ? "it ended (x509-expired)\n"
							  : "revoked (credential-revoked)\n"));
	} else if (is_path(request->path, BERTH_EST_CACERTS_PATH)) {
		reply_list(&scene.cacerts, &response, &body);
	} else if (is_path(request->path, BERTH_EST_RENEWAL_INFO_PATH)) {
		reply_advice(&response, &body);
	} else if (is_path(request->path, BERTH_EST_CSRATTRS_PATH) && scene.wants_link) {
		reply_attributes(&response, &body);
	} else if (is_path(request->path, BERTH_EST_SIMPLEREENROLL_PATH)) {
		check_link(request->body);
		if (scene.lost) {
			scene.lost--;
			scene.reenrolls++;
			disconnect();
			return;
		}
		reply_certificate(request->body, &response, &body);
	}
	response.body = berth_buf_view(&body);
	give(&(struct berth_renewal_input){.kind = BERTH_RENEWAL_RESPONSE, .response = &response});
}

static void
connect_to(void)
{
	if (scene.connections < 256) {
		scene.asked_at_ms[scene.connections] = scene.mono_ms;
	}
	scene.connections++;
	if (scene.is_away) {
		disconnect();
		return;
	}
	const struct berth_tls_facts tls = {
		.peer_chain = {berth_cert_der(scene.server->cert),
			       berth_cert_der(scene.issuer_of_server->cert)},
		.peer_count = 2,
		.exporter = scene.tls_version == 0x0304 ? binding() : BERTH_BYTES_NONE,
		.tls_unique = scene.tls_version == 0x0303 ? binding() : BERTH_BYTES_NONE,
		.version = scene.tls_version ? scene.tls_version : 0x0304};
	memset(scene.binding, (int)scene.connections, sizeof(scene.binding));
	give(&(struct berth_renewal_input){.kind = BERTH_RENEWAL_CONNECTED, .tls = &tls});
}

static void
make_key(void)
{
	const enum berth_err err = scene.key_fails ? BERTH_E_IO : BERTH_OK;
	berth_key_free(scene.made);
	scene.made = err ? NULL : new_key();
	scene.keys++;
	ok(berth_renewal_answer(scene.renewal, now(),
				&(struct berth_renewal_answer){.kind = BERTH_RENEWAL_GENERATE_KEY,
							       .err = err,
							       .key = scene.made},
				NULL));
}

static void
save(const struct berth_renewal_event *event)
{
	struct berth_why why = {.err = BERTH_E_IO, .rule = "disk"};
	scene.saves++;
	if (!scene.save_fails) {
		ok(berth_cert_list_copy(&scene.ca_set, event->ca_set, NULL));
	}
	if (!scene.save_fails && event->is_renewed) {
		assert_true(berth_key_equal(berth_cert_key(event->chain->at[0]), scene.made));
		ok(berth_cert_list_copy(&scene.chain, event->chain, NULL));
		berth_key_free(scene.key);
		scene.key = berth_key_ref(scene.made);
	}
	ok(berth_renewal_answer(
		scene.renewal, now(),
		&(struct berth_renewal_answer){.kind = BERTH_RENEWAL_SAVE,
					       .err = scene.save_fails ? BERTH_E_IO : BERTH_OK,
					       .why = &why},
		NULL));
}

static void
note(const struct berth_renewal_event *event)
{
	scene.renewed += event->note == BERTH_RENEWAL_NOTE_RENEWED;
	scene.refused += event->note == BERTH_RENEWAL_NOTE_REFUSED;
	scene.unknown += event->note == BERTH_RENEWAL_NOTE_REVOCATION_UNKNOWN;
	scene.ca_sets += event->note == BERTH_RENEWAL_NOTE_CA_SET;
	scene.ca_sets_refused += event->note == BERTH_RENEWAL_NOTE_CA_SET_REFUSED;
	if (event->note == BERTH_RENEWAL_NOTE_RENEWED) {
		scene.renewed_at_ms = scene.mono_ms;
	}
	if (event->why.rule) {
		scene.rule = event->why.rule;
	}
}

static void
fetch(const struct berth_renewal_event *event)
{
	BERTH_BUF answer = {0};
	struct berth_why why = {.err = BERTH_E_UNREACHABLE, .sentence = "nobody is there"};
	scene.fetches++;
	assert_string_equal(event->fetch->fetch.url.host, "owner.example");
	if (scene.is_silent) {
		return;
	}
	if (scene.has_ocsp) {
		world_ocsp_says(world, scene.ocsp, true_time(), &answer);
	}
	const struct berth_renewal_answer given = {
		.kind = BERTH_RENEWAL_FETCH,
		.body = berth_buf_view(&answer),
		.why = scene.has_ocsp ? NULL : &why,
	};
	ok(berth_renewal_answer(scene.renewal, now(), &given, NULL));
}

static void
handle(const struct berth_renewal_event *event)
{
	switch (event->kind) {
	case BERTH_RENEWAL_CONNECT:
		scene.wants_connection = true;
		return;
	case BERTH_RENEWAL_CLOSE:
	case BERTH_RENEWAL_SEARCH_ENDS:
		return;
	case BERTH_RENEWAL_FETCH:
		fetch(event);
		return;
	case BERTH_RENEWAL_SEARCH:
		scene.searches++;
		return;
	case BERTH_RENEWAL_GENERATE_KEY:
		make_key();
		return;
	case BERTH_RENEWAL_FORGET_KEY:
		scene.forgotten++;
		return;
	case BERTH_RENEWAL_SAVE:
		save(event);
		return;
	case BERTH_RENEWAL_NOTE:
		note(event);
		return;
	case BERTH_RENEWAL_OVER:
		scene.is_over = true;
		return;
	}
}

/* Serves until nothing moves at this moment. */
static void
pump(void)
{
	struct berth_renewal_event event;
	struct berth_http_request request;
	for (unsigned i = 0; i < 64; i++) {
		berth_renewal_tick(scene.renewal, now());
		bool moved = false;
		while (berth_renewal_event(scene.renewal, &event)) {
			handle(&event);
			moved = true;
		}
		if (scene.wants_connection) {
			scene.wants_connection = false;
			connect_to();
			moved = true;
		} else if (berth_renewal_output(scene.renewal, &request)) {
			answer(&request);
			moved = true;
		}
		if (!moved) {
			return;
		}
	}
	fail_msg("the machine spins");
}

static void
run_until(int64_t s)
{
	pump();
	while (!scene.is_over && berth_renewal_deadline(scene.renewal).ms <= s * 1000) {
		const int64_t next = berth_renewal_deadline(scene.renewal).ms;
		scene.mono_ms = next > scene.mono_ms ? next : scene.mono_ms;
		pump();
	}
	if (!scene.is_over) {
		scene.mono_ms = s * 1000;
	}
}

/* ---- when ---- */

static void
renews_between_two_thirds_and_three_quarters(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		if (i > 0) {
			(void)finish(NULL);
			(void)begin(NULL);
		}
		start();
		run_until(TWO_THIRDS_S - 1);
		assert_int_equal(scene.renewed, 0);
		run_until(LATEST_S + 1);
		assert_int_equal(scene.renewed, 1);
		assert_in_range(scene.renewed_at_ms / 1000, TWO_THIRDS_S, LATEST_S + 1);
	}
}

static void
devices_of_one_day_do_not_come_together(void **state)
{
	(void)state;
	start();
	run_until(LATEST_S + 1);
	const int64_t first = scene.renewed_at_ms;
	(void)finish(NULL);
	(void)begin(NULL);
	start();
	run_until(LATEST_S + 1);
	assert_true(first - scene.renewed_at_ms > 60000 || scene.renewed_at_ms - first > 60000);
}

static void
renews_again_and_again(void **state)
{
	(void)state;
	start();
	run_until(210 * DAY_S);
	assert_int_equal(scene.renewed, 3);
	assert_int_equal(scene.keys, scene.renewed);
	assert_int_equal(scene.forgotten, 0);
	assert_false(scene.is_over);
}

/* req: renewal-info-window */
static void
renews_when_it_is_advised(void **state)
{
	(void)state;
	scene.has_window = true;
	scene.window[0] = (struct berth_wall){WORLD_START_S + 10 * DAY_S};
	scene.window[1] = (struct berth_wall){WORLD_START_S + 11 * DAY_S};
	start();
	run_until(10 * DAY_S - 1);
	assert_int_equal(scene.renewed, 0);
	run_until(12 * DAY_S);
	assert_int_equal(scene.renewed, 1); /* and not again for the same advice */
	assert_in_range(scene.renewed_at_ms / 1000, 10 * DAY_S, 11 * DAY_S + 1);
}

/* req: renewal-info-window */
static void
a_window_that_begins_whenever_it_asks_does_not_put_it_off(void **state)
{
	(void)state;
	scene.is_called_up = true;
	start();
	run_until(6 * 3600 + 3600); /* its first question, and the hour */
	assert_int_equal(scene.renewed, 1);
	assert_in_range(scene.connections, 1, 3);
}

static void
advice_that_is_taken_back_is_forgotten(void **state)
{
	(void)state;
	scene.is_called_up = true;
	start();
	while (scene.advices == 0) {
		run_until(scene.mono_ms / 1000 + 60);
	}
	scene.is_called_up =
		scene.renewed > 0; /* it drew the very moment: a chance of one in 3601 */
	run_until(30 * DAY_S);
	assert_int_equal(scene.renewed, scene.is_called_up);
}

static void
advice_does_not_put_it_off(void **state)
{
	(void)state;
	start(); /* the advice is a hundred years away */
	run_until(LATEST_S + 1);
	assert_int_equal(scene.renewed, 1);
}

/* req: renewal-info-retry-after */
static void
asks_again_when_it_is_told_to(void **state)
{
	(void)state;
	scene.retry_after_s = 7000;
	start();
	run_until(DAY_S);
	assert_true(scene.connections > 3);
	for (unsigned i = 1; i + 1 < scene.connections; i++) {
		assert_in_range(scene.asked_at_ms[i + 1] - scene.asked_at_ms[i], 7000000, 7700000);
	}
}

static void
nobody_can_silence_it_for_long(void **state)
{
	(void)state;
	scene.retry_after_s = INT32_MAX;
	start();
	run_until(5 * DAY_S);
	assert_true(scene.connections >= 4);
}

static void
a_registrar_without_advice_is_none_the_worse(void **state)
{
	(void)state;
	scene.gives_no_advice = true;
	start();
	run_until(LATEST_S + 1);
	assert_int_equal(scene.renewed, 1);
}

/* ---- clocks ---- */

static void
a_clock_a_year_ahead_renews_in_time(void **state)
{
	(void)state;
	scene.clock_error_s = YEAR_S;
	start();
	run_until(TWO_THIRDS_S - 1);
	assert_false(scene.is_over);
	assert_int_equal(scene.renewed, 0);
	run_until(LATEST_S + 1);
	assert_int_equal(scene.renewed, 1);
}

static void
a_clock_a_year_behind_renews_in_time(void **state)
{
	(void)state;
	scene.clock_error_s = -YEAR_S;
	start();
	run_until(TWO_THIRDS_S - 1);
	assert_int_equal(scene.renewed, 0);
	run_until(LATEST_S + 1);
	assert_int_equal(scene.renewed, 1);
	assert_false(scene.is_over);
}

static void
no_clock_at_all_renews_in_time(void **state)
{
	(void)state;
	scene.has_clock = false;
	start();
	run_until(TWO_THIRDS_S - 1);
	assert_int_equal(scene.renewed, 0);
	run_until(LATEST_S + 1);
	assert_int_equal(scene.renewed, 1);
}

static void
no_clock_and_no_advice_renews_at_once_and_then_in_time(void **state)
{
	(void)state;
	scene.has_clock = false;
	scene.gives_no_advice = true;
	start();
	run_until(DAY_S);
	assert_int_equal(scene.renewed, 1);
	run_until(LATEST_S + 2 * DAY_S);
	assert_int_equal(scene.renewed, 2);
}

/* ---- away, over, refused ---- */

static void
backs_off_while_the_registrar_is_away(void **state)
{
	(void)state;
	scene.is_away = true;
	start();
	run_until(10 * DAY_S);
	/* every six hours at the end: three to five quarters of it */
	assert_in_range(scene.connections, 30, 80);
	for (unsigned i = 12; i + 1 < scene.connections; i++) {
		assert_in_range(scene.asked_at_ms[i + 1] - scene.asked_at_ms[i],
				BERTH_RENEWAL_BACKOFF_MAX_S * 750,
				BERTH_RENEWAL_BACKOFF_MAX_S * 1250);
	}
	assert_int_equal(scene.searches, 1);
	scene.is_away = false;
	run_until(11 * DAY_S);
	assert_true(scene.advices > 0);
}

static void
renews_when_the_registrar_is_back_before_the_end(void **state)
{
	(void)state;
	scene.is_away = true;
	start();
	run_until(LIFE_S - 2 * DAY_S);
	scene.is_away = false;
	run_until(LIFE_S - DAY_S);
	assert_int_equal(scene.renewed, 1);
	assert_false(scene.is_over);
}

static void
onboards_again_when_it_is_over_and_nobody_answers(void **state)
{
	(void)state;
	scene.is_away = true;
	start();
	run_until(LIFE_S + 5 * DAY_S);
	assert_true(scene.is_over);
	assert_true(scene.mono_ms / 1000 > LIFE_S);
}

static void
onboards_again_when_it_ended_while_off(void **state)
{
	(void)state;
	scene.mono_ms = (LIFE_S + DAY_S) * 1000;
	start();
	run_until(LIFE_S + 2 * DAY_S);
	assert_true(scene.is_over);
	assert_int_equal(scene.renewed, 0);
}

static void
onboards_again_when_it_ended_and_the_clock_is_behind(void **state)
{
	(void)state;
	scene.mono_ms = (LIFE_S + DAY_S) * 1000;
	scene.clock_error_s =
		-30 * DAY_S; /* within the certificate's life: only the refusal tells */
	start();
	run_until(LIFE_S + 2 * DAY_S);
	assert_true(scene.is_over);
}

static void
a_revoked_device_neither_renews_nor_hammers(void **state)
{
	(void)state;
	scene.revoked = true;
	start();
	run_until(80 * DAY_S);
	assert_false(scene.is_over);
	assert_int_equal(scene.renewed, 0);
	assert_int_equal(scene.reenrolls, 0);
	assert_true(scene.refused > 3);
	assert_true(scene.connections < 700);
}

static void
a_refusal_of_the_renewal_is_no_end(void **state)
{
	(void)state;
	scene.reenroll_status = 403;
	start();
	run_until(LATEST_S + DAY_S);
	assert_true(scene.reenrolls > 0);
	assert_int_equal(scene.renewed, 0);
	assert_int_equal(scene.keys, scene.forgotten);
	assert_false(scene.is_over);
	scene.reenroll_status = 200;
	run_until(LATEST_S + 3 * DAY_S);
	assert_int_equal(scene.renewed, 1);
}

static void
waits_for_approval_with_the_same_request(void **state)
{
	(void)state;
	scene.waits = 5;
	start();
	run_until(LATEST_S + DAY_S);
	assert_int_equal(scene.renewed, 1);
	assert_int_equal(scene.keys, 1);
	assert_int_equal(scene.reenrolls, 6);
}

static void
a_lost_answer_is_asked_for_again(void **state)
{
	(void)state;
	scene.lost = 2;
	start();
	run_until(LATEST_S + DAY_S);
	assert_int_equal(scene.renewed, 1);
	assert_int_equal(scene.keys, 1);
	assert_int_equal(scene.forgotten, 0);
}

static void
another_place_is_tried_and_remembered(void **state)
{
	(void)state;
	scene.is_away = true;
	start();
	run_until(DAY_S);
	const struct berth_renewal_place place = {.host = "192.0.2.2", .port = 9443};
	scene.is_away = false;
	give(&(struct berth_renewal_input){.kind = BERTH_RENEWAL_FOUND, .place = &place});
	run_until(DAY_S + 10);
	assert_true(scene.advices > 0);
	assert_int_equal(scene.saves, 1);
}

/* ---- what it refuses ---- */

static void
expect_nothing_asked_of(const struct identity *server, const struct identity *issuer,
			const char *rule)
{
	scene.server = server;
	scene.issuer_of_server = issuer;
	start();
	run_until(DAY_S);
	assert_true(scene.connections > 0);
	assert_int_equal(scene.advices, 0);
	if (rule) {
		assert_string_equal(scene.rule, rule);
	}
}

/* req: rfc7030-3.6.1-device */
static void
refuses_a_server_outside_its_ca_set(void **state)
{
	(void)state;
	expect_nothing_asked_of(&world->rogue, &world->rogue_owner, NULL);
}

/* req: rfc7030-3.6.1-device */
static void
refuses_a_server_that_is_no_registrar(void **state)
{
	(void)state;
	expect_nothing_asked_of(&world->no_ra, &world->owner, NULL);
}

/* req: rfc7030-3.6.1-device-revocation */
static void
refuses_a_registrar_that_was_revoked(void **state)
{
	(void)state;
	scene.has_ocsp = true;
	scene.ocsp = BERTH_OCSP_REVOKED;
	expect_nothing_asked_of(&world->registrar_ocsp, &world->owner,
				"est-renewal-registrar-revoked");
	assert_true(scene.searches > 0);
	assert_int_equal(scene.unknown, 0);
}

/* req: rfc7030-3.6.1-device-revocation */
static void
renews_with_a_registrar_that_was_not_revoked(void **state)
{
	(void)state;
	scene.server = &world->registrar_ocsp;
	scene.has_ocsp = true;
	scene.ocsp = BERTH_OCSP_GOOD;
	scene.revocation = BERTH_RENEWAL_REVOCATION_REQUIRED;
	scene.lost = 1; /* whom it meets after that is asked about again */
	start();
	run_until(LATEST_S + 60);
	assert_int_equal(scene.renewed, 1);
	assert_int_equal(scene.fetches, scene.connections);
	assert_int_equal(scene.unknown, 0);
}

/* req: rfc7030-3.6.1-device-revocation */
static void
refuses_a_registrar_that_was_revoked_while_it_renews(void **state)
{
	(void)state;
	scene.server = &world->registrar_ocsp;
	scene.has_ocsp = true;
	scene.ocsp = BERTH_OCSP_GOOD;
	scene.lost = 1;
	start();
	while (scene.reenrolls == 0 && scene.mono_ms < LATEST_S * 1000) {
		run_until(scene.mono_ms / 1000 + 1);
		scene.ocsp = scene.reenrolls ? BERTH_OCSP_REVOKED : BERTH_OCSP_GOOD;
	}
	run_until(scene.mono_ms / 1000 + 600);
	assert_int_equal(scene.renewed, 0);
	assert_string_equal(scene.rule, "est-renewal-registrar-revoked");
}

/* req: rfc7030-3.6.1-device-revocation */
static void
where_nobody_answers_it_goes_on_unless_it_must_know(void **state)
{
	(void)state;
	for (int row = 0; row < 3; row++) {
		if (row > 0) {
			(void)finish(NULL);
			(void)begin(NULL);
		}
		scene.server = &world->registrar_ocsp;
		scene.is_silent = row == 1;
		scene.has_clock = row != 2;
		start();
		run_until(DAY_S);
		assert_true(scene.advices > 0);
		assert_true(scene.unknown > 0);
		/* Without a clock of its own it knows the time from the first advice on. */
		assert_int_equal(scene.fetches, scene.connections - (row == 2));
		(void)finish(NULL);
		(void)begin(NULL);
		scene.is_silent = row == 1;
		scene.has_clock = row != 2;
		scene.revocation = BERTH_RENEWAL_REVOCATION_REQUIRED;
		expect_nothing_asked_of(&world->registrar_ocsp, &world->owner,
					"est-renewal-revocation-unknown");
	}
}

static void
asks_nobody_where_it_is_told_so(void **state)
{
	(void)state;
	scene.server = &world->registrar_ocsp;
	scene.revocation = BERTH_RENEWAL_REVOCATION_IGNORED;
	start();
	run_until(DAY_S);
	assert_true(scene.advices > 0);
	assert_int_equal(scene.fetches, 0);
	assert_int_equal(scene.unknown, 0);
}

static void
expect_refused_certificate(const char *rule)
{
	start();
	run_until(LATEST_S + DAY_S);
	assert_true(scene.reenrolls > 0);
	assert_int_equal(scene.renewed, 0);
	assert_int_equal(scene.saves, 0);
	assert_int_equal(scene.keys, scene.forgotten);
	if (rule) {
		assert_string_equal(scene.rule, rule);
	}
}

static void
refuses_a_certificate_for_another_key(void **state)
{
	(void)state;
	scene.other_key = true;
	expect_refused_certificate("rfc7030-4.2.3-other-key");
}

/* req: rfc7030-4.2.3-device-certificate */
static void
refuses_a_certificate_of_another_device(void **state)
{
	(void)state;
	scene.other_serial = true;
	expect_refused_certificate("rfc7030-4.2.2-other-device");
}

static void
refuses_a_ca_certificate(void **state)
{
	(void)state;
	scene.ca_certificate = true;
	expect_refused_certificate("rfc7030-4.2.3-is-ca");
}

static void
refuses_a_certificate_from_another_ca(void **state)
{
	(void)state;
	scene.issuer = &world->rogue_owner;
	expect_refused_certificate(NULL);
}

static void
refuses_a_certificate_with_a_broken_signature(void **state)
{
	(void)state;
	scene.broken_signature = true;
	expect_refused_certificate("x509-signature");
}

static void
a_registrar_of_another_time_is_not_hammered(void **state)
{
	(void)state;
	scene.said_off_s = 10 * YEAR_S; /* by which each certificate is over when it comes */
	start();
	run_until(DAY_S);
	assert_in_range(scene.renewed, 1, DAY_S / BERTH_RENEWAL_BACKOFF_FIRST_MAX_S + 1);
}

static void
a_refused_ca_set_is_not_taken_when_the_disk_fails(void **state)
{
	(void)state;
	const struct berth_renewal_place place = {.host = "192.0.2.2", .port = 9443};
	ok(berth_cert_list_add(&scene.cacerts, world->registrar.cert, NULL));
	scene.save_fails = true;
	start();
	give(&(struct berth_renewal_input){.kind = BERTH_RENEWAL_FOUND, .place = &place});
	run_until(DAY_S);
	assert_true(scene.ca_sets_refused > 0);
	assert_true(scene.saves > 0); /* of the place */
	scene.save_fails = false;
	run_until(2 * DAY_S);
	assert_int_equal(scene.ca_set.n, 1);
	assert_int_equal(scene.ca_sets, 0);
}

/* req: rfc7030-3.5-device-link */
static void
links_its_request_to_its_connection(void **state)
{
	(void)state;
	static const uint16_t versions[] = {0x0303, 0x0304};
	for (size_t i = 0; i < 2; i++) {
		finish(NULL);
		begin(NULL);
		scene.wants_link = true;
		scene.tls_version = versions[i];
		start();
		run_until(70 * DAY_S);
		assert_int_equal(scene.renewed, 1);
		assert_int_equal(scene.linked, 1);
	}
}

/* req: rfc7030-4.2.3-device-links-anew */
static void
links_it_anew_where_it_has_to_connect_again(void **state)
{
	(void)state;
	scene.wants_link = true;
	scene.tls_version = 0x0304;
	scene.lost = 2;
	start();
	run_until(70 * DAY_S);
	assert_int_equal(scene.renewed, 1);
	assert_int_equal(scene.linked, 3);
	assert_int_equal(scene.keys, 1);
}

static void
sends_no_request_that_should_be_linked_and_cannot(void **state)
{
	(void)state;
	scene.wants_link = true;
	start();
	run_until(70 * DAY_S);
	assert_int_equal(scene.renewed, 0);
	assert_int_equal(scene.reenrolls, 0);
	assert_string_equal(scene.rule, "rfc7030-3.5-no-binding");
}

static void
a_key_that_cannot_be_made_is_no_end(void **state)
{
	(void)state;
	scene.key_fails = true;
	start();
	run_until(LATEST_S + DAY_S);
	assert_int_equal(scene.renewed, 0);
	scene.key_fails = false;
	run_until(LATEST_S + 3 * DAY_S);
	assert_int_equal(scene.renewed, 1);
}

static void
keeps_the_old_certificate_when_the_new_one_cannot_be_saved(void **state)
{
	(void)state;
	scene.save_fails = true;
	start();
	run_until(LATEST_S + DAY_S);
	assert_true(scene.saves > 1);
	assert_int_equal(scene.renewed, 0);
	assert_int_equal(scene.keys, scene.forgotten);
	scene.save_fails = false;
	run_until(LATEST_S + 3 * DAY_S);
	assert_int_equal(scene.renewed, 1);
}

/* ---- the owner's CA certificates ---- */

/* req: rfc7030-4.1.3-device */
static void
takes_a_new_ca_beside_the_old(void **state)
{
	(void)state;
	start();
	run_until(DAY_S);
	assert_int_equal(scene.saves, 0);
	ok(berth_cert_list_add(&scene.cacerts, world->rogue_owner.cert, NULL));
	run_until(2 * DAY_S);
	assert_int_equal(scene.ca_sets, 1);
	assert_int_equal(scene.saves, 1);
	/* From now on a registrar of the new CA is the owner's too, and what it issues is good. */
	scene.server = &world->rogue;
	scene.issuer_of_server = &world->rogue_owner;
	scene.issuer = &world->rogue_owner;
	run_until(LATEST_S + DAY_S);
	assert_int_equal(scene.renewed, 1);
}

static void
refuses_a_ca_set_that_does_not_vouch_for_its_registrar(void **state)
{
	(void)state;
	berth_cert_list_free(&scene.cacerts);
	ok(berth_cert_list_add(&scene.cacerts, world->rogue_owner.cert, NULL));
	start();
	run_until(DAY_S);
	assert_int_equal(scene.ca_sets, 0);
	assert_true(scene.ca_sets_refused > 0);
	assert_int_equal(scene.saves, 0);
	assert_true(scene.advices > 0);
}

static void
refuses_an_end_entity_among_the_cas(void **state)
{
	(void)state;
	ok(berth_cert_list_add(&scene.cacerts, world->registrar.cert, NULL));
	start();
	run_until(DAY_S);
	assert_int_equal(scene.saves, 0);
	assert_string_equal(scene.rule, "rfc7030-4.1.3-not-a-ca");
}

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

#define RENEWAL(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RENEWAL(renews_between_two_thirds_and_three_quarters),
		RENEWAL(devices_of_one_day_do_not_come_together),
		RENEWAL(renews_again_and_again),
		RENEWAL(renews_when_it_is_advised),
		RENEWAL(a_window_that_begins_whenever_it_asks_does_not_put_it_off),
		RENEWAL(advice_that_is_taken_back_is_forgotten),
		RENEWAL(a_registrar_of_another_time_is_not_hammered),
		RENEWAL(a_refused_ca_set_is_not_taken_when_the_disk_fails),
		RENEWAL(links_its_request_to_its_connection),
		RENEWAL(links_it_anew_where_it_has_to_connect_again),
		RENEWAL(sends_no_request_that_should_be_linked_and_cannot),
		RENEWAL(advice_does_not_put_it_off),
		RENEWAL(asks_again_when_it_is_told_to),
		RENEWAL(nobody_can_silence_it_for_long),
		RENEWAL(a_registrar_without_advice_is_none_the_worse),
		RENEWAL(a_clock_a_year_ahead_renews_in_time),
		RENEWAL(a_clock_a_year_behind_renews_in_time),
		RENEWAL(no_clock_at_all_renews_in_time),
		RENEWAL(no_clock_and_no_advice_renews_at_once_and_then_in_time),
		RENEWAL(backs_off_while_the_registrar_is_away),
		RENEWAL(renews_when_the_registrar_is_back_before_the_end),
		RENEWAL(onboards_again_when_it_is_over_and_nobody_answers),
		RENEWAL(onboards_again_when_it_ended_while_off),
		RENEWAL(onboards_again_when_it_ended_and_the_clock_is_behind),
		RENEWAL(a_revoked_device_neither_renews_nor_hammers),
		RENEWAL(a_refusal_of_the_renewal_is_no_end),
		RENEWAL(waits_for_approval_with_the_same_request),
		RENEWAL(a_lost_answer_is_asked_for_again),
		RENEWAL(another_place_is_tried_and_remembered),
		RENEWAL(refuses_a_server_outside_its_ca_set),
		RENEWAL(refuses_a_server_that_is_no_registrar),
		RENEWAL(refuses_a_registrar_that_was_revoked),
		RENEWAL(renews_with_a_registrar_that_was_not_revoked),
		RENEWAL(refuses_a_registrar_that_was_revoked_while_it_renews),
		RENEWAL(where_nobody_answers_it_goes_on_unless_it_must_know),
		RENEWAL(asks_nobody_where_it_is_told_so),
		RENEWAL(refuses_a_certificate_for_another_key),
		RENEWAL(refuses_a_certificate_of_another_device),
		RENEWAL(refuses_a_ca_certificate),
		RENEWAL(refuses_a_certificate_from_another_ca),
		RENEWAL(refuses_a_certificate_with_a_broken_signature),
		RENEWAL(a_key_that_cannot_be_made_is_no_end),
		RENEWAL(keeps_the_old_certificate_when_the_new_one_cannot_be_saved),
		RENEWAL(takes_a_new_ca_beside_the_old),
		RENEWAL(refuses_a_ca_set_that_does_not_vouch_for_its_registrar),
		RENEWAL(refuses_an_end_entity_among_the_cas),
	};
	return cmocka_run_group_tests(tests, open_world, close_world);
}
