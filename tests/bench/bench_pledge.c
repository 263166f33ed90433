/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: bench-pledge --port=N --units=FOLDER --prefix=SERIAL --first=N --count=N --concurrency=N
 *                     --anchors=FILE --keys=FOLDER [--host=ADDRESS] [--together=1]
 *
 * Plays COUNT devices, CONCURRENCY at a time: the pledge's machine and our HTTP client in one process. Each onboards in
 * full: TLS, requestvoucher, voucher_status, cacerts, csrattrs, simpleenroll, a new connection with the new certificate,
 * enrollstatus. Keys are made before the clock starts. Any refusal is an error, and any error fails the bench.
 * Together: nobody sends a request before all of CONCURRENCY are connected, and the clock starts then.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "net/http.h"
#include "pki/keystore/keystore.h"
#include "protocol/brski/pledge.h"
#include "system/clock.h"

#define PATH_BYTES 512
#define TIMEOUT_MS 60000

struct bench {
	struct berth_pki *pki;
	struct berth_loop *loop;
	struct berth_cert_list anchors;
	struct berth_pledge_candidate registrar;
	struct bench_unit *units;
	struct berth_key **keys;
	size_t count, next, ended, failed;
	size_t gathering; /* how many more must connect before anybody asks */
	struct slot *slots;
	size_t concurrency, most_under_way;
	int64_t connect_ns;
	struct bench_samples samples;
	int64_t first_ns, last_ns;
};

/* One device at a time. */
struct slot {
	struct bench *bench;
	size_t unit;
	struct berth_pledge *pledge; /* NULL: between two devices */
	struct berth_arena arena;
	struct berth_timer *serve;
	struct berth_tls_client *tls;
	struct berth_http_client *http;
	uint32_t attempt;
	int64_t started_ns;
	bool has_ended;
	bool has_come; /* is one of those that were gathered */
};

static void
wake(struct slot *slot)
{
	berth_timer_start(slot->serve, 0);
}

static void
disconnect(struct slot *slot)
{
	berth_http_client_close(slot->http);
	berth_tls_client_close(slot->tls);
	slot->http = NULL;
	slot->tls = NULL;
}

static void
give(struct slot *slot, enum berth_pledge_input_kind kind,
     const struct berth_http_response *response, const struct berth_tls_facts *tls,
     const struct berth_why *fault)
{
	const struct berth_pledge_input input = {.kind = kind,
						 .attempt = slot->attempt,
						 .response = response,
						 .tls = tls,
						 .why = fault};
	berth_ignore(berth_pledge_input(slot->pledge, berth_clock_now(), &input, NULL),
		     "a message too late changes nothing");
	wake(slot);
}

/* The last one to come lets all of them ask. */
static void
come(struct slot *slot)
{
	struct bench *bench = slot->bench;
	if (bench->gathering == 0 || slot->has_come) {
		return;
	}
	slot->has_come = true;
	if (--bench->gathering > 0) {
		return;
	}
	int64_t now = bench_now_ns();
	bench->connect_ns = now - bench->first_ns;
	bench->first_ns = now;
	for (size_t i = 0; i < bench->concurrency; i++) {
		bench->slots[i].started_ns = now;
		bench->most_under_way += bench->slots[i].pledge != NULL && bench->slots[i].tls;
		wake(&bench->slots[i]);
	}
}

static void
on_connected(void *context, const struct berth_tls_facts *tls, const struct berth_why *why)
{
	struct slot *slot = context;
	give(slot, why ? BERTH_PLEDGE_DISCONNECTED : BERTH_PLEDGE_CONNECTED, NULL, tls, why);
	if (!why) {
		come(slot);
	}
}

static void
on_response(void *context, const struct berth_http_response *response,
	    const struct berth_tls_facts *tls, const struct berth_why *why)
{
	if (response->status == 0) {
		give(context, BERTH_PLEDGE_DISCONNECTED, NULL, NULL, why);
		return;
	}
	if (response->status != 200) {
		(void)fprintf(stderr, "bench-pledge: %d: %.*s\n", response->status,
			      (int)response->body.n, (const char *)response->body.p);
	}
	give(context, BERTH_PLEDGE_RESPONSE, response, tls, NULL);
}

static void
connect_to(struct slot *slot, const struct berth_pledge_event *event)
{
	const struct berth_tls_client_conf tls = {.pki = slot->bench->pki,
						  .chain = event->chain,
						  .key = event->key,
						  .provisional = true,
						  .pinned = event->pinned};
	disconnect(slot);
	slot->attempt = event->attempt;
	bench_call(berth_tls_client_open(&tls, &slot->tls, &why));
	const struct berth_http_client_conf http = {.address = event->host,
						    .port = event->port,
						    .host = event->host,
						    .tls = slot->tls,
						    .connect_timeout_ms = TIMEOUT_MS,
						    .request_timeout_ms = TIMEOUT_MS,
						    .body_limit_bytes =
							    BERTH_PLEDGE_BODY_MAX_BYTES};
	bench_call(berth_http_client_open(slot->bench->loop, &http, &slot->http, &why));
	berth_http_client_connect(slot->http, on_connected, slot);
}

static void
answer(struct slot *slot, const struct berth_pledge_event *event)
{
	const struct berth_pledge_answer given = {.kind = event->kind,
						  .attempt = event->attempt,
						  .key = slot->bench->keys[slot->unit]};
	bench_call(berth_pledge_answer(slot->pledge, berth_clock_now(), &given, &why));
}

static void
end(struct slot *slot, const struct berth_why *fault)
{
	struct bench *bench = slot->bench;
	if (slot->has_ended) {
		return;
	}
	slot->has_ended = true;
	come(slot); /* the others do not wait for one that failed */
	bench->ended++;
	bench->last_ns = bench_now_ns();
	if (fault->err) {
		bench->failed++;
		(void)fprintf(stderr, "bench-pledge: %.*s: %s: %s\n",
			      (int)bench->units[slot->unit].serial.n,
			      (const char *)bench->units[slot->unit].serial.p,
			      fault->rule ? fault->rule : "-", fault->sentence);
		return;
	}
	bench_samples_add(&bench->samples, bench->last_ns - slot->started_ns);
}

static void
handle(struct slot *slot, const struct berth_pledge_event *event)
{
	switch (event->kind) {
	case BERTH_PLEDGE_CONNECT:
		connect_to(slot, event);
		return;
	case BERTH_PLEDGE_CLOSE:
		disconnect(slot);
		return;
	case BERTH_PLEDGE_GENERATE_KEY:
	case BERTH_PLEDGE_SAVE:
		answer(slot, event);
		return;
	case BERTH_PLEDGE_NOTE:
		if (event->note == BERTH_PLEDGE_NOTE_FAILED) {
			end(slot, &event->why);
		}
		return;
	case BERTH_PLEDGE_DONE:
		end(slot, &event->why);
		return;
	case BERTH_PLEDGE_FETCH: /* no voucher here demands it */
	case BERTH_PLEDGE_FORGET_KEY:
		return;
	}
}

static void
start(struct slot *slot)
{
	struct bench *bench = slot->bench;
	if (bench->next == bench->count) {
		if (bench->ended == bench->count) {
			berth_loop_stop(bench->loop);
		}
		return;
	}
	slot->unit = bench->next++;
	slot->has_ended = false;
	slot->started_ns = bench_now_ns();
	berth_arena_start(&slot->arena, BERTH_PLEDGE_MAX_BYTES);
	const struct berth_pledge_conf conf = {.idevid = &bench->units[slot->unit].chain,
					       .idevid_key = bench->units[slot->unit].key,
					       .manufacturer_anchors = &bench->anchors,
					       .key_kind = "P-256"};
	const struct berth_pledge_env env = {
		.pki = bench->pki, .arena = &slot->arena, .random = berth_pki_random(bench->pki)};
	bench_call(berth_pledge_start(&conf, &env, berth_clock_now(), &slot->pledge, &why));
	const struct berth_pledge_input found = {.kind = BERTH_PLEDGE_FOUND,
						 .candidate = &bench->registrar};
	bench_call(berth_pledge_input(slot->pledge, berth_clock_now(), &found, &why));
	wake(slot);
}

static void
stop(struct slot *slot)
{
	disconnect(slot);
	berth_pledge_end(slot->pledge);
	slot->pledge = NULL;
	berth_arena_end(&slot->arena);
}

static void
on_serve(void *context)
{
	struct slot *slot = context;
	struct berth_pledge_event event;
	struct berth_pledge_output output;
	if (slot->pledge) {
		berth_pledge_tick(slot->pledge, berth_clock_now());
		while (berth_pledge_event(slot->pledge, &event)) {
			handle(slot, &event);
		}
		while (!slot->has_ended && slot->bench->gathering == 0 &&
		       berth_pledge_output(slot->pledge, &output)) {
			berth_http_client_send(slot->http, &output.request, on_response, slot);
		}
	}
	if (slot->has_ended) {
		stop(slot);
	}
	if (!slot->pledge) {
		start(slot);
		return;
	}
	int64_t left = berth_pledge_deadline(slot->pledge).ms - berth_clock_mono().ms;
	berth_timer_start(slot->serve, left < 0 ? 0 : left < TIMEOUT_MS ? left : TIMEOUT_MS);
}

static void
prepare(struct bench *bench, int argc, char **argv)
{
	const char *folder = bench_text(argc, argv, "units", NULL);
	const char *prefix = bench_text(argc, argv, "prefix", NULL);
	const char *keys = bench_text(argc, argv, "keys", NULL);
	size_t first = bench_number(argc, argv, "first", NULL);
	bench->registrar.port = (uint16_t)bench_number(argc, argv, "port", NULL);
	bench->registrar.is_static = true;
	(void)snprintf(bench->registrar.host, sizeof(bench->registrar.host), "%s",
		       bench_text(argc, argv, "host", "127.0.0.1"));
	bench_call(berth_pki_open(&bench->pki, &why));
	bench_call(berth_loop_open(&bench->loop, &why));
	bench_chain_read(bench->pki, bench_text(argc, argv, "anchors", NULL), &bench->anchors);
	bench_samples_open(&bench->samples, bench->count);
	bench->units = calloc(bench->count, sizeof(bench->units[0]));
	bench->keys = calloc(bench->count, sizeof(struct berth_key *));
	if (!bench->units || !bench->keys) {
		bench_die("out of memory");
	}
	for (size_t i = 0; i < bench->count; i++) {
		char uri[PATH_BYTES];
		bench_unit_open(bench->pki, folder, prefix, first + i, &bench->units[i]);
		(void)snprintf(uri, sizeof(uri), "file:%s/%s%zu.key", keys, prefix, first + i);
		bench_call(
			berth_keystore_generate(bench->pki, uri, "P-256", &bench->keys[i], &why));
	}
}

static void
tidy(struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++) {
		bench_unit_close(&bench->units[i]);
		berth_key_free(bench->keys[i]);
	}
	free(bench->units);
	free(bench->keys);
	bench_samples_close(&bench->samples);
	berth_cert_list_free(&bench->anchors);
	berth_loop_close(bench->loop);
	berth_pki_close(bench->pki);
}

int
main(int argc, char **argv)
{
	struct bench bench = {.count = bench_number(argc, argv, "count", NULL)};
	size_t concurrency = bench_number(argc, argv, "concurrency", "4");
	prepare(&bench, argc, argv);
	struct slot *slots = calloc(concurrency, sizeof(*slots));
	if (!slots) {
		bench_die("out of memory");
	}
	bench.slots = slots;
	bench.concurrency = concurrency;
	if (bench_number(argc, argv, "together", "0")) {
		bench.gathering = concurrency < bench.count ? concurrency : bench.count;
	}
	double cpu = bench_cpu_s();
	bench.first_ns = bench_now_ns();
	for (size_t i = 0; i < concurrency; i++) {
		slots[i].bench = &bench;
		if (berth_timer_open(bench.loop, on_serve, &slots[i], &slots[i].serve)) {
			bench_die("no timer");
		}
		wake(&slots[i]);
	}
	berth_loop_run(bench.loop);
	cpu = bench_cpu_s() - cpu;
	double seconds = (double)(bench.last_ns - bench.first_ns) / 1e9;
	(void)printf("{\"onboardings\": %zu, \"errors\": %zu, \"seconds\": %.6f, \"rate\": %.2f, "
		     "\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"generator_cpu_s\": %.6f, "
		     "\"together\": %zu, \"connect_s\": %.6f}\n",
		     bench.ended - bench.failed, bench.failed, seconds,
		     (double)bench.samples.count / seconds, bench_samples_ms(&bench.samples, 0.5),
		     bench_samples_ms(&bench.samples, 0.99), cpu, bench.most_under_way,
		     (double)bench.connect_ns / 1e9);
	for (size_t i = 0; i < concurrency; i++) {
		stop(&slots[i]);
		berth_timer_close(slots[i].serve);
	}
	free(slots);
	int status = bench.failed > 0;
	tidy(&bench);
	return status;
}
