/* SPDX-License-Identifier: BSD-2-Clause */
/* A device renews its certificate, by a request that is linked to its connection: tests/golden/renewal.txt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>

#include <cmocka.h>

#include "base/base64.h"
#include "golden/transcript.h"
#include "pki/cms.h"
#include "pki/keystore/keystore.h"
#include "pki/request.h"
#include "protocol/est/client.h"
#include "protocol/est/renewal.h"
#include "protocol/est/renewal_info.h"
#include "support/pledge_world.h"

#define DAY_S ((int64_t)86400)
#define LIFE_S (90 * DAY_S)
#define MOVES_MAX 4000 /* it looks at the clock each hour of seventy days */

static bool blesses;

static struct {
	struct world *world;
	struct transcript transcript;
	struct berth_arena arena;
	struct berth_renewal *renewal;
	struct berth_now now;
	uint32_t connections;
	struct berth_key *key, *made;
	struct berth_cert_list chain, ca_set;
	uint8_t exporter[32];
	bool wants_connection;
	bool is_renewed;
} scene;

static void
ok(enum berth_err err)
{
	assert_int_equal(err, BERTH_OK);
}

static void
note(const char *what, struct berth_bytes body)
{
	transcript_listen(&scene.transcript, scene.now.mono, scene.connections, what, body);
}

static struct berth_key *
new_key(const char *name)
{
	char uri[BERTH_KEY_URI_MAX];
	struct berth_key *key = NULL;
	(void)snprintf(uri, sizeof(uri), "file:%s/%s.key", scene.world->dir, name);
	ok(berth_keystore_generate(scene.world->pki, uri, "P-256", &key, NULL));
	return key;
}

static struct berth_cert *
issue_to(struct berth_key *key)
{
	struct berth_cert_template what = {
		.profile = BERTH_PROFILE_LDEVID,
		.not_before = scene.now.wall,
		.not_after = {scene.now.wall.s + LIFE_S},
		.common_name = BERTH_LIT("lamp"),
		.serial_number = BERTH_LIT(WORLD_SERIAL),
		.organization = BERTH_LIT("Owner"),
		.key = key,
	};
	BERTH_BUF der = {0};
	struct berth_cert *cert = NULL;
	berth_random_fill(&scene.world->random, what.serial, sizeof(what.serial));
	what.serial[0] = (uint8_t)((what.serial[0] & 0x7f) | 0x40);
	ok(berth_issue(scene.world->pki, &what, scene.world->owner.cert, scene.world->owner.key,
		       &der, NULL));
	ok(berth_cert_parse(scene.world->pki, berth_buf_view(&der), &cert, NULL));
	return cert;
}

/* ---- the registrar ---- */

static void
put_certificates(struct berth_cert *cert, struct berth_buf *body)
{
	BERTH_BUF der = {0};
	const struct berth_cert_list list = {.at = {cert}, .n = 1};
	ok(berth_cms_certs_build(scene.world->pki, &list, &der, NULL));
	ok(berth_base64_encode(berth_buf_view(&der), 0, body));
}

static void
put_attributes(struct berth_buf *body)
{
	BERTH_BUF der = {0};
	const struct berth_csrattrs asked = {.want_serial_number = true,
					     .key = "P-256",
					     .want_sha256 = true,
					     .want_challenge_password = true};
	ok(berth_csrattrs_build(&asked, BERTH_CSRATTRS_PLAIN, &der, NULL));
	ok(berth_base64_encode(berth_buf_view(&der), 0, body));
}

static void
put_advice(struct berth_buf *body)
{
	const struct berth_renewal_info info = {.start = {WORLD_START_S + 60 * DAY_S},
						.end = {WORLD_START_S + 70 * DAY_S},
						.has_now = true,
						.now = scene.now.wall};
	ok(berth_renewal_info_build(&info, body, NULL));
}

static void
put_renewed(struct berth_bytes asked, struct berth_buf *body)
{
	BERTH_BUF der = {0};
	BERTH_REQUEST *request = NULL;
	BERTH_CERT *cert = NULL;
	ok(berth_base64_decode(asked, true, &der, NULL));
	ok(berth_request_parse(scene.world->pki, berth_buf_view(&der), &request, NULL));
	cert = issue_to(berth_request_key(request));
	put_certificates(cert, body);
}

static void
answer(const struct berth_http_request *request)
{
	struct berth_http_response response = {.status = 200, .retry_after_s = -1};
	BERTH_BUF body = {0};
	char line[512];
	(void)snprintf(line, sizeof(line), "-> %s %.*s %.*s",
		       request->method == BERTH_HTTP_POST ? "POST" : "GET", (int)request->path.n,
		       (const char *)request->path.p, (int)request->media_type.n,
		       (const char *)request->media_type.p);
	note(line, request->body);
	response.media_type = BERTH_LIT(BERTH_EST_MEDIA_CERTS);
	if (berth_bytes_equal_text(request->path, BERTH_EST_CACERTS_PATH)) {
		put_certificates(scene.world->owner.cert, &body);
	} else if (berth_bytes_equal_text(request->path, BERTH_EST_CSRATTRS_PATH)) {
		put_attributes(&body);
		response.media_type = BERTH_LIT(BERTH_EST_MEDIA_CSRATTRS);
	} else if (berth_bytes_equal_text(request->path, BERTH_EST_SIMPLEREENROLL_PATH)) {
		put_renewed(request->body, &body);
	} else {
		put_advice(&body);
		response.media_type = BERTH_LIT(BERTH_EST_MEDIA_RENEWAL_INFO);
	}
	response.body = berth_buf_view(&body);
	(void)snprintf(line, sizeof(line), "<- %d %.*s", response.status,
		       (int)response.media_type.n, (const char *)response.media_type.p);
	note(line, response.body);
	ok(berth_renewal_input(scene.renewal, scene.now,
			       &(struct berth_renewal_input){.kind = BERTH_RENEWAL_RESPONSE,
							     .response = &response},
			       NULL));
}

static void
connect_to(void)
{
	scene.connections++;
	memset(scene.exporter, (int)scene.connections, sizeof(scene.exporter));
	note("connected to CN=Registrar, whose tls-exporter is",
	     berth_bytes_of(scene.exporter, 32));
	const struct berth_tls_facts tls = {
		.peer_chain = {berth_cert_der(scene.world->registrar.cert),
			       berth_cert_der(scene.world->owner.cert)},
		.peer_count = 2,
		.exporter = berth_bytes_of(scene.exporter, sizeof(scene.exporter)),
		.version = 0x0304};
	ok(berth_renewal_input(
		scene.renewal, scene.now,
		&(struct berth_renewal_input){.kind = BERTH_RENEWAL_CONNECTED, .tls = &tls}, NULL));
}

/* ---- the device's shell ---- */

static void
save(const struct berth_renewal_event *event)
{
	assert_true(event->is_renewed);
	note("saves a certificate with the new key", berth_cert_der(event->chain->at[0]));
	ok(berth_renewal_answer(scene.renewal, scene.now,
				&(struct berth_renewal_answer){.kind = BERTH_RENEWAL_SAVE}, NULL));
	scene.is_renewed = true;
}

static void
handle(const struct berth_renewal_event *event)
{
	char line[64];
	switch (event->kind) {
	case BERTH_RENEWAL_CONNECT:
		scene.wants_connection = true;
		return;
	case BERTH_RENEWAL_CLOSE:
		note("closes", BERTH_BYTES_NONE);
		return;
	case BERTH_RENEWAL_GENERATE_KEY:
		note("makes a key", BERTH_BYTES_NONE);
		scene.made = new_key("made");
		ok(berth_renewal_answer(
			scene.renewal, scene.now,
			&(struct berth_renewal_answer){.kind = BERTH_RENEWAL_GENERATE_KEY,
						       .key = scene.made},
			NULL));
		return;
	case BERTH_RENEWAL_SAVE:
		save(event);
		return;
	case BERTH_RENEWAL_NOTE:
		(void)snprintf(line, sizeof(line), "note %s", berth_renewal_note_name(event->note));
		note(line, BERTH_BYTES_NONE);
		return;
	case BERTH_RENEWAL_SEARCH_ENDS:
		return;
	case BERTH_RENEWAL_FETCH:
	case BERTH_RENEWAL_SEARCH:
	case BERTH_RENEWAL_FORGET_KEY:
	case BERTH_RENEWAL_OVER:
		fail_msg("event %d was not to be expected", (int)event->kind);
	}
}

/* One thing after the other; when nothing moves, time passes until the next. */
static void
move(void)
{
	struct berth_renewal_event event;
	struct berth_http_request request;
	berth_renewal_tick(scene.renewal, scene.now);
	if (berth_renewal_event(scene.renewal, &event)) {
		handle(&event);
	} else if (scene.wants_connection) {
		scene.wants_connection = false;
		connect_to();
	} else if (berth_renewal_output(scene.renewal, &request)) {
		answer(&request);
	} else {
		const int64_t at = berth_renewal_deadline(scene.renewal).ms;
		scene.now.wall.s += (at + 999) / 1000 - (scene.now.mono.ms + 999) / 1000;
		scene.now.mono.ms = at;
	}
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
						.check_every_s = 50 * DAY_S};
	const struct berth_renewal_env env = {
		.pki = scene.world->pki, .arena = &scene.arena, .random = scene.world->random};
	berth_arena_start(&scene.arena, BERTH_RENEWAL_MAX_BYTES);
	ok(berth_renewal_start(&conf, &env, scene.now, &scene.renewal, NULL));
}

static void
says_the_same_bytes_as_ever(void **state)
{
	(void)state;
	transcript_seed();
	scene.world = world_open();
	world_reset(scene.world);
	scene.now = (struct berth_now){{1000}, {WORLD_START_S}, true};
	scene.transcript = (struct transcript){.name = "renewal", .pki = scene.world->pki};
	transcript_add(&scene.transcript,
		       "# A device asks for advice, and renews when it is time: its request names "
		       "its connection.\n"
		       "# seconds [connection] what happens, then the body: text, or hex.\n"
		       "# Made by build/tests/golden/test-golden-renewal --bless.\n");
	scene.key = new_key("first");
	struct berth_cert *cert = issue_to(scene.key);
	ok(berth_cert_list_add(&scene.chain, cert, NULL));
	ok(berth_cert_list_add(&scene.ca_set, scene.world->owner.cert, NULL));
	berth_cert_free(cert);
	start();
	for (unsigned i = 0; i < MOVES_MAX && !scene.is_renewed; i++) {
		move();
	}
	assert_true(scene.is_renewed);
	transcript_end(&scene.transcript, blesses);
	berth_renewal_end(scene.renewal);
	berth_arena_end(&scene.arena);
	berth_cert_list_free(&scene.chain);
	berth_cert_list_free(&scene.ca_set);
	berth_key_free(scene.key);
	berth_key_free(scene.made);
	world_close(scene.world);
}

int
main(int argc, char **argv)
{
	blesses = argc == 2 && strcmp(argv[1], "--bless") == 0;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_the_same_bytes_as_ever),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
