/* fuzz: berth_renewal_input berth_renewal_answer */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An enrolled device and a registrar whose every answer the bytes choose: statuses, Retry-After, bodies, windows of advice, CA
 * sets, wrong certificates, cuts, another server, what OCSP says of it, a disk that fails, a clock that jumps, a restart. What
 * must hold whatever they do: a certificate is replaced only by one of the same device, for the new key, under the CA set; a
 * good one is never given up; a registrar that was revoked is asked nothing; without a nudge the device does not come again
 * at once; and there are never two new keys.
 */
#include "protocol/est/renewal.h"

#include <stdio.h>

#include "base/base64.h"
#include "pki/cms.h"
#include "pki/keystore/keystore.h"
#include "pki/request.h"
#include "protocol/est/client.h"
#include "protocol/est/renewal_info.h"
#include "support/pledge_world.h"

#include "fuzz.h"

#define STEPS_MAX 64  /* longer inputs only repeat */
#define PUMPS_MAX 64  /* an exchange takes a dozen */
#define WAKES_MAX 128 /* of one input: an exchange costs milliseconds */
#define LIFE_S ((int64_t)90 * 86400)
#define KEYS 4
#define ACT_RESPONDER 0xfe
/* The shortest back-off, a second, less a quarter of it. */
#define SOONEST_MS 750

static struct world *world; /* its identities alone */
static struct berth_key *keys[KEYS];
static struct berth_cert *first; /* the device's certificate at the beginning */

struct input {
	const uint8_t *p;
	size_t n;
};

enum manner { HONEST, STATUS, RAW, CUT, SILENT, MANNER__COUNT };

struct reply {
	enum manner manner;
	int status;
	int32_t retry_after_s;
	bool says_expired;
	struct berth_bytes raw;
};

enum { CACERTS, ADVICE, CSRATTRS, REENROLL, REPLIES };

static struct scene {
	struct berth_arena arena;
	struct berth_renewal *renewal;
	struct berth_now now;
	int64_t true_s;
	unsigned wakes;

	/* what is on the device's disk */
	struct berth_cert_list chain, ca_set;
	struct berth_key *key;
	struct berth_key *made; /* noted, and not (yet) in use */
	unsigned next_key;
	bool save_fails, key_fails, cut_while_saving;

	/* the registrar */
	struct reply replies[REPLIES];
	const struct identity *server, *server_ca, *issuer;
	bool is_away, other_key, other_serial, ca_certificate;
	int64_t issued_from_s; /* from now on */
	int64_t window_s[2];   /* from now on */
	bool other_ca_set, end_entity_in_ca_set;
	int64_t said_clock_off_s;

	/* the responder, while the server is registrar_ocsp */
	struct reply ocsp;
	bool is_revoked;

	bool wants_connection;
	bool is_told;	      /* that this server was revoked, and by a clock that is right */
	uint8_t exporter[32]; /* of this connection */
	bool is_over;
	bool may_be_over; /* somebody said so, or no clock was sound all along */
	bool was_nudged;  /* it may come at once */
	int64_t came_at_ms;
} scene;

static uint8_t
next(struct input *in)
{
	if (in->n == 0) {
		return 0;
	}
	in->n--;
	return *in->p++;
}

static int64_t
next_span(struct input *in) /* seconds, up to ten lives either way */
{
	static const int64_t units[] = {1, 60, 3600, 86400, 10 * 86400};
	const uint8_t unit = next(in);
	return (int64_t)(int8_t)next(in) * units[unit % 5];
}

static void
must(enum berth_err err)
{
	fuzz_assert(err == BERTH_OK);
}

/* ---- the registrar ---- */

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
	must(berth_issue(world->pki, &what, scene.issuer->cert, scene.issuer->key, &der, NULL));
	must(berth_cert_parse(world->pki, berth_buf_view(&der), &cert, NULL));
	return cert;
}

static void
put_list(const struct berth_cert_list *list, struct berth_http_response *response,
	 struct berth_buf *body)
{
	BERTH_BUF der = {0};
	must(berth_cms_certs_build(world->pki, list, &der, NULL));
	must(berth_base64_encode(berth_buf_view(&der), 0, body));
	response->media_type = BERTH_LIT(BERTH_EST_MEDIA_CERTS);
}

static void
put_ca_set(struct berth_http_response *response, struct berth_buf *body)
{
	struct berth_cert_list list = {.n = 1};
	list.at[0] = scene.other_ca_set ? world->rogue_owner.cert : world->owner.cert;
	if (scene.end_entity_in_ca_set) {
		list.at[list.n++] = world->registrar.cert;
	}
	put_list(&list, response, body);
}

static void
put_advice(struct berth_http_response *response, struct berth_buf *body)
{
	const struct berth_renewal_info info = {
		.start = {scene.true_s + scene.window_s[0]},
		.end = {scene.true_s + scene.window_s[0] +
			(scene.window_s[1] < 0 ? 0 : scene.window_s[1])},
		.has_now = true,
		.now = {scene.true_s + scene.said_clock_off_s},
	};
	if (berth_renewal_info_build(&info, body, NULL)) {
		berth_buf_clear(body); /* a year that no date can say */
	}
	response->media_type = BERTH_LIT(BERTH_EST_MEDIA_RENEWAL_INFO);
}

/* A link to another connection than this one would let a request be replayed. */
static void
check_link(struct berth_bytes said)
{
	BERTH_BUF right = {0};
	must(berth_base64_encode(berth_bytes_of(scene.exporter, sizeof(scene.exporter)), 0,
				 &right));
	fuzz_assert(said.n == 0 || berth_bytes_equal(said, berth_buf_view(&right)));
}

static void
put_certificate(struct berth_bytes asked, struct berth_http_response *response,
		struct berth_buf *body)
{
	BERTH_BUF der = {0};
	BERTH_REQUEST *request = NULL;
	must(berth_base64_decode(asked, true, &der, NULL));
	must(berth_request_parse(world->pki, berth_buf_view(&der), &request, NULL));
	check_link(berth_request_challenge_password(request));
	struct berth_cert_list list = {.n = 1};
	list.at[0] = issue_to(scene.other_key ? world->rogue.key : berth_request_key(request),
			      (struct berth_wall){scene.true_s + scene.issued_from_s});
	put_list(&list, response, body);
	berth_cert_free(list.at[0]);
}

static int
which(struct berth_bytes path)
{
	static const char *const paths[REPLIES] = {
		BERTH_EST_CACERTS_PATH, BERTH_EST_RENEWAL_INFO_PATH, BERTH_EST_CSRATTRS_PATH,
		BERTH_EST_SIMPLEREENROLL_PATH};
	for (int i = 0; i < REPLIES; i++) {
		if (berth_bytes_starts_with(path, paths[i])) {
			return i;
		}
	}
	abort();
}

static void
give(const struct berth_renewal_input *input)
{
	berth_ignore(berth_renewal_input(scene.renewal, scene.now, input, NULL),
		     "what it does not wait for changes nothing");
}

static void
disconnect(void)
{
	give(&(struct berth_renewal_input){.kind = BERTH_RENEWAL_DISCONNECTED});
}

static void
answer(const struct berth_http_request *request)
{
	fuzz_assert(!scene.is_told);
	static const char *const media[REPLIES] = {BERTH_EST_MEDIA_CERTS,
						   BERTH_EST_MEDIA_RENEWAL_INFO,
						   BERTH_EST_MEDIA_CSRATTRS, BERTH_EST_MEDIA_CERTS};
	const int asked = which(request->path);
	const struct reply *reply = &scene.replies[asked];
	struct berth_http_response response = {.status = 200,
					       .retry_after_s = reply->retry_after_s};
	BERTH_BUF body = {0};
	if (reply->manner == CUT) {
		disconnect();
		return;
	}
	if (reply->manner == SILENT) {
		return;
	}
	if (reply->manner == STATUS) {
		response.status = reply->status;
		must(berth_buf_append_text(&body, reply->says_expired ? "(x509-expired)" : "no"));
		scene.may_be_over |= reply->says_expired;
	} else if (reply->manner == RAW) {
		response.media_type = berth_text(media[asked]);
		must(berth_buf_append_bytes(&body, reply->raw));
		scene.may_be_over |= asked == ADVICE; /* it may tell any time of day */
	} else if (asked == CACERTS) {
		put_ca_set(&response, &body);
	} else if (asked == ADVICE) {
		put_advice(&response, &body);
	} else if (asked == REENROLL) {
		put_certificate(request->body, &response, &body);
	} else {
		response.status = 204;
	}
	response.body = berth_buf_view(&body);
	give(&(struct berth_renewal_input){.kind = BERTH_RENEWAL_RESPONSE, .response = &response});
}

static void
connect_to(void)
{
	/* Whatever it got or lost: without a nudge it must have waited. */
	fuzz_assert(scene.was_nudged || scene.now.mono.ms - scene.came_at_ms >= SOONEST_MS);
	scene.came_at_ms = scene.now.mono.ms;
	scene.was_nudged = false;
	scene.is_told = false;
	scene.exporter[0]++;
	if (scene.is_away) {
		disconnect();
		return;
	}
	const struct berth_tls_facts tls = {
		.peer_chain = {berth_cert_der(scene.server->cert),
			       berth_cert_der(scene.server_ca->cert)},
		.peer_count = 2,
		.exporter = berth_bytes_of(scene.exporter, sizeof(scene.exporter)),
		.version = 0x0304};
	give(&(struct berth_renewal_input){.kind = BERTH_RENEWAL_CONNECTED, .tls = &tls});
}

/* ---- the device's shell ---- */

static void
fetch(void)
{
	const struct reply *reply = &scene.ocsp;
	const struct berth_why lost = {.err = BERTH_E_UNREACHABLE, .sentence = "nobody is there"};
	struct berth_renewal_answer given = {.kind = BERTH_RENEWAL_FETCH};
	BERTH_BUF der = {0};
	fuzz_assert(scene.server == &world->registrar_ocsp);
	if (reply->manner == CUT) {
		disconnect();
		return;
	}
	if (reply->manner == SILENT) {
		return;
	}
	if (reply->manner == HONEST) {
		world_ocsp_says(world, scene.is_revoked ? BERTH_OCSP_REVOKED : BERTH_OCSP_GOOD,
				(struct berth_wall){scene.true_s}, &der);
		given.body = berth_buf_view(&der);
		scene.is_told = scene.is_revoked && !scene.may_be_over;
	} else if (reply->manner == RAW) {
		given.body = reply->raw;
	} else {
		given.why = &lost;
	}
	must(berth_renewal_answer(scene.renewal, scene.now, &given, NULL));
}

static void
make_key(void)
{
	fuzz_assert(scene.made == NULL); /* never two */
	scene.made = scene.key_fails ? NULL : keys[scene.next_key++ % KEYS];
	berth_ignore(berth_renewal_answer(scene.renewal, scene.now,
					  &(struct berth_renewal_answer){
						  .kind = BERTH_RENEWAL_GENERATE_KEY,
						  .err = scene.key_fails ? BERTH_E_IO : BERTH_OK,
						  .key = scene.made},
					  NULL),
		     "it is refused when the machine gave up meanwhile");
}

static bool
leads(const struct berth_cert *leaf, const struct berth_cert_list *anchors, bool ignore_time)
{
	const struct berth_path_check check = {
		.leaf = leaf, .anchors = anchors, .at = {scene.true_s}, .ignore_time = ignore_time};
	return berth_path_verify(world->pki, &check, NULL, NULL) == BERTH_OK;
}

static void
check_renewed(const struct berth_renewal_event *event)
{
	const struct berth_cert *cert = event->chain->at[0];
	fuzz_assert(scene.made && berth_key_equal(berth_cert_key(cert), scene.made));
	fuzz_assert(event->key && berth_key_equal(event->key, scene.made));
	fuzz_assert(!berth_cert_is_ca(cert));
	fuzz_assert(
		berth_bytes_equal(berth_cert_subject_serial_number(cert), BERTH_LIT(WORLD_SERIAL)));
	fuzz_assert(leads(cert, event->ca_set, scene.may_be_over));
}

static void
check_ca_set(const struct berth_renewal_event *event)
{
	fuzz_assert(berth_bytes_equal(berth_cert_der(event->chain->at[0]),
				      berth_cert_der(scene.chain.at[0])));
	for (size_t i = 0; i < event->ca_set->n; i++) {
		fuzz_assert(berth_cert_is_ca(event->ca_set->at[i]));
	}
	fuzz_assert(leads(scene.server->cert, event->ca_set, true));
}

static void
save(const struct berth_renewal_event *event)
{
	const struct berth_why why = {.err = BERTH_E_IO, .rule = "disk"};
	if (event->is_renewed) {
		check_renewed(event);
	} else {
		check_ca_set(event);
	}
	if (!scene.save_fails) {
		must(berth_cert_list_copy(&scene.ca_set, event->ca_set, NULL));
	}
	if (!scene.save_fails && event->is_renewed) {
		must(berth_cert_list_copy(&scene.chain, event->chain, NULL));
		scene.key = scene.made;
		scene.made = NULL;
	}
	if (scene.cut_while_saving) {
		disconnect();
	}
	must(berth_renewal_answer(
		scene.renewal, scene.now,
		&(struct berth_renewal_answer){.kind = BERTH_RENEWAL_SAVE,
					       .err = scene.save_fails ? BERTH_E_IO : BERTH_OK,
					       .why = &why},
		NULL));
}

static void
handle(const struct berth_renewal_event *event)
{
	switch (event->kind) {
	case BERTH_RENEWAL_CONNECT:
		scene.wants_connection = true;
		return;
	case BERTH_RENEWAL_FETCH:
		fetch();
		return;
	case BERTH_RENEWAL_GENERATE_KEY:
		make_key();
		return;
	case BERTH_RENEWAL_FORGET_KEY:
		scene.made = NULL;
		return;
	case BERTH_RENEWAL_SAVE:
		save(event);
		return;
	case BERTH_RENEWAL_OVER:
		scene.is_over = true;
		fuzz_assert(scene.may_be_over || !scene.now.wall_is_trusted ||
			    scene.true_s > berth_cert_not_after(scene.chain.at[0]).s);
		return;
	case BERTH_RENEWAL_CLOSE:
		scene.wants_connection = false;
		return;
	case BERTH_RENEWAL_SEARCH:
	case BERTH_RENEWAL_SEARCH_ENDS:
	case BERTH_RENEWAL_NOTE:
		return;
	}
}

static bool
move(void)
{
	struct berth_renewal_event event;
	struct berth_http_request request;
	bool moved = false;
	berth_renewal_tick(scene.renewal, scene.now);
	while (berth_renewal_event(scene.renewal, &event)) {
		handle(&event);
		moved = true;
	}
	if (scene.wants_connection) {
		scene.wants_connection = false;
		connect_to();
		return true;
	}
	if (berth_renewal_output(scene.renewal, &request)) {
		answer(&request);
		return true;
	}
	return moved;
}

/* Serves until nothing moves at this moment. */
static void
pump(void)
{
	unsigned i = 0;
	while (move()) {
		fuzz_assert(++i < PUMPS_MAX);
	}
	fuzz_assert(scene.is_over || berth_renewal_deadline(scene.renewal).ms > scene.now.mono.ms);
}

static void
pass(int64_t ms)
{
	scene.now.mono.ms += ms;
	scene.true_s = WORLD_START_S + scene.now.mono.ms / 1000;
	scene.now.wall.s += ms / 1000;
}

static unsigned
run(int64_t for_s, unsigned wakes)
{
	const int64_t until = scene.now.mono.ms + for_s * 1000;
	unsigned woken = 0;
	pump();
	for (; woken < wakes && !scene.is_over; woken++) {
		const int64_t at = berth_renewal_deadline(scene.renewal).ms;
		if (at > until) {
			break;
		}
		pass(at - scene.now.mono.ms);
		pump();
	}
	return woken;
}

static void
run_of_budget(int64_t for_s, unsigned wakes)
{
	scene.wakes +=
		run(for_s, wakes < WAKES_MAX - scene.wakes ? wakes : WAKES_MAX - scene.wakes);
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
						.check_every_s = 6 * 3600};
	const struct berth_renewal_env env = {
		.pki = world->pki, .arena = &scene.arena, .random = world->random};
	berth_arena_start(&scene.arena, BERTH_RENEWAL_MAX_BYTES);
	must(berth_renewal_start(&conf, &env, scene.now, &scene.renewal, NULL));
}

static void
stop(void)
{
	berth_renewal_end(scene.renewal);
	scene.renewal = NULL;
	berth_arena_end(&scene.arena);
}

/* The power goes; at the next start the shell deletes the key that was noted and is not in use. */
static void
restart(void)
{
	stop();
	scene.made = NULL;
	scene.wants_connection = false;
	scene.was_nudged = true;
	start();
}

/* ---- what the bytes do ---- */

static void
read_reply(struct input *in, uint8_t manner, struct reply *reply)
{
	static const int statuses[] = {202, 401, 403, 404, 500, 503, 204, 429};
	*reply = (struct reply){.manner = (enum manner)(manner % MANNER__COUNT),
				.retry_after_s = -1};
	if (reply->manner == STATUS) {
		const uint8_t status = next(in);
		reply->status = statuses[status & 7];
		reply->says_expired = (status & 8) != 0;
	}
	if (reply->manner == RAW) {
		const size_t want = next(in);
		reply->raw = berth_bytes_of(in->p, want < in->n ? want : in->n);
		in->p += reply->raw.n;
		in->n -= reply->raw.n;
	}
	const int64_t retry = next_span(in);
	reply->retry_after_s = retry < -1 ? INT32_MAX : (int32_t)retry;
}

static void
change_reply(struct input *in)
{
	const uint8_t choice = next(in);
	read_reply(in, choice / REPLIES, &scene.replies[choice % REPLIES]);
}

static void
change_responder(struct input *in)
{
	const uint8_t choice = next(in);
	scene.is_revoked = (choice & 1) != 0;
	read_reply(in, choice / 2, &scene.ocsp);
}

static void
change_mistake(uint8_t choice)
{
	bool *const mistakes[] = {&scene.is_away,	   &scene.other_key,
				  &scene.other_serial,	   &scene.ca_certificate,
				  &scene.other_ca_set,	   &scene.end_entity_in_ca_set,
				  &scene.save_fails,	   &scene.key_fails,
				  &scene.cut_while_saving, &scene.now.wall_is_trusted};
	bool *mistake = mistakes[choice % (sizeof(mistakes) / sizeof(mistakes[0]))];
	*mistake = !*mistake;
	scene.may_be_over |= !scene.now.wall_is_trusted;
}

static void
change_server(uint8_t choice)
{
	const struct identity *const servers[] = {&world->registrar, &world->registrar2,
						  &world->no_ra, &world->rogue};
	scene.server = servers[choice & 3];
	scene.server_ca = (choice & 3) == 3 ? &world->rogue_owner : &world->owner;
	if (choice & 16) {
		scene.server = &world->registrar_ocsp;
		scene.server_ca = &world->owner;
	}
	scene.issuer = choice & 4 ? &world->rogue_owner : &world->owner;
}

static void
nudge(uint8_t choice)
{
	const struct berth_renewal_place place = {.host = "192.0.2.2", .port = choice};
	scene.was_nudged = true;
	give(&(struct berth_renewal_input){.kind = choice & 1 ? BERTH_RENEWAL_FOUND
							      : BERTH_RENEWAL_LINK_CHANGED,
					   .place = &place});
}

static void
stray(uint8_t choice)
{
	const struct berth_http_response response = {.status = 200, .retry_after_s = -1};
	if (choice & 1) {
		disconnect();
		return;
	}
	if (choice & 2) {
		/* Every question of the shell's was answered. */
		fuzz_assert(berth_renewal_answer(
				    scene.renewal, scene.now,
				    &(struct berth_renewal_answer){.kind = BERTH_RENEWAL_SAVE},
				    NULL) != BERTH_OK);
		return;
	}
	if (choice & 64) {
		berth_ignore(berth_renewal_answer(
				     scene.renewal, scene.now,
				     &(struct berth_renewal_answer){.kind = BERTH_RENEWAL_FETCH},
				     NULL),
			     "it may still wait for this one");
		return;
	}
	give(&(struct berth_renewal_input){.kind = BERTH_RENEWAL_RESPONSE, .response = &response});
}

static void
jump_clock(struct input *in)
{
	scene.now.wall.s += next_span(in);
	scene.may_be_over = true;
	scene.was_nudged = true; /* it may be time by the new clock */
}

static void
act(struct input *in)
{
	const uint8_t act = next(in);
	if (act == ACT_RESPONDER) {
		change_responder(in);
		return;
	}
	switch (act % 12) {
	case 0:
		run_of_budget(0, 1);
		return;
	case 1:
		run_of_budget(3600, 16);
		return;
	case 2:
		run_of_budget(10 * 86400, 48);
		return;
	case 3:
	case 4:
		change_reply(in);
		return;
	case 5:
		change_mistake(next(in));
		return;
	case 6:
		change_server(next(in));
		return;
	case 7:
		nudge(next(in));
		return;
	case 8:
		stray(next(in));
		return;
	case 9:
		jump_clock(in);
		return;
	case 10:
		scene.window_s[0] = next_span(in);
		scene.window_s[1] = next_span(in);
		scene.said_clock_off_s = next(in) & 1 ? next_span(in) : 0;
		scene.may_be_over |= scene.said_clock_off_s != 0;
		return;
	default:
		scene.issued_from_s = next_span(in);
		if (next(in) & 1) {
			restart();
		}
		return;
	}
}

static void
open_once(void)
{
	if (world) {
		return;
	}
	world = world_open();
	for (unsigned i = 0; i < KEYS; i++) {
		char uri[BERTH_KEY_URI_MAX];
		(void)snprintf(uri, sizeof(uri), "file:%s/f%u.key", world->dir, i);
		must(berth_keystore_generate(world->pki, uri, "P-256", &keys[i], NULL));
	}
	scene.issuer = &world->owner;
	first = issue_to(keys[0], (struct berth_wall){WORLD_START_S});
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	open_once();
	world_reset(world);
	scene = (struct scene){
		.now = {{0}, {WORLD_START_S}, true},
		.true_s = WORLD_START_S,
		.key = keys[0],
		.next_key = 1,
		.server = &world->registrar,
		.server_ca = &world->owner,
		.issuer = &world->owner,
		.window_s = {LIFE_S * 10, 0},
		.was_nudged = true,
	};
	for (int i = 0; i < REPLIES; i++) {
		scene.replies[i].retry_after_s = -1;
	}
	must(berth_cert_list_add(&scene.chain, first, NULL));
	must(berth_cert_list_add(&scene.ca_set, world->owner.cert, NULL));
	start();
	for (size_t i = 0; i < STEPS_MAX && in.n && !scene.is_over; i++) {
		act(&in);
		pump();
	}
	/* Left alone for longer than it waits for anybody, it holds one key. */
	scene.is_away = true;
	disconnect();
	(void)run(5 * 86400, 400);
	fuzz_assert(scene.made == NULL);
	stop();
	berth_cert_list_free(&scene.chain);
	berth_cert_list_free(&scene.ca_set);
	return 0;
}
