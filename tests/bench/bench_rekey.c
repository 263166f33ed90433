/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: bench-rekey --store=FILE --home=FOLDER --acme=FOLDER --units=FOLDER --prefix=SERIAL --keys=FOLDER --count=N
 *                    [--concurrency=N]
 *
 * A fleet of COUNT devices that is re-keyed. The program writes it into the registrar's store (fleet.h), says "filled", and
 * reads the port of the daemon that was started meanwhile. Then each device comes as berth-device does: it asks for the CA
 * certificates and for advice, is told to renew within the hour, and goes; the program prints what that took. After the next
 * line of input each comes again, over a new connection: CA certificates, advice, csrattrs, simplereenroll with a new
 * key. All come once before one comes twice, so of a large fleet the registrar has nobody's chain at hand. Any answer
 * but the expected one ends the bench.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/fleet.h"
#include "net/http.h"
#include "pki/keystore/keystore.h"
#include "pki/request.h"
#include "protocol/est/client.h"
#include "protocol/est/renewal_info.h"
#include "system/clock.h"

#define PATH_BYTES 512
#define TIMEOUT_MS 60000
#define BODY_MAX_BYTES ((size_t)64 << 10)
#define TOLD "the fleet is re-keyed"

enum step { STEP_CACERTS, STEP_ADVICE, STEP_CSRATTRS, STEP_REENROLL, STEP_END };

struct bench {
	struct berth_pki *pki;
	struct berth_loop *loop;
	struct fleet fleet;
	struct berth_key *next_keys[FLEET_KEYS];
	uint16_t port;
	enum step last; /* of this half */
	size_t next, ended;
	struct bench_samples samples;
	struct slot *slots;
	size_t slot_count;
	int64_t first_ns, last_ns;
};

/* One device at a time. */
struct slot {
	struct bench *bench;
	size_t device;
	bool is_busy;
	enum step step;
	struct berth_cert_list chain;
	struct berth_tls_client *tls;
	struct berth_http_client *http;
	struct berth_timer *begin;
	struct berth_buf body;
	char path[sizeof(BERTH_EST_RENEWAL_INFO_PATH) + BERTH_RENEWAL_INFO_ID_MAX];
	int64_t started_ns;
};

static void ask(struct slot *slot);

static struct berth_key *
next_key(const struct slot *slot)
{
	return slot->bench->next_keys[slot->device / FLEET_KEYS % FLEET_KEYS];
}

/* ---- what is answered ---- */

static void
check_advice(struct slot *slot, const struct berth_http_response *response)
{
	struct berth_renewal_info info;
	bench_call(berth_renewal_info_parse(response->media_type, response->body, &info, &why));
	if (strcmp(info.explanation, TOLD) != 0 || info.start.s > berth_clock_wall().s) {
		bench_die("bench-rekey: device %zu was not told to renew but: %s", slot->device,
			  info.explanation);
	}
}

static void
check_certificate(struct slot *slot, const struct berth_http_response *response)
{
	BERTH_CERT_LIST list = {0};
	bench_call(berth_est_certs_parse(slot->bench->pki, response->media_type, response->body,
					 &list, &why));
	if (!berth_key_equal(berth_cert_key(list.at[0]), next_key(slot)) ||
	    !berth_bytes_equal(berth_cert_subject_der(list.at[0]),
			       berth_cert_subject_der(slot->chain.at[0]))) {
		bench_die("bench-rekey: device %zu got a certificate of another", slot->device);
	}
}

static void
end(struct slot *slot)
{
	struct bench *bench = slot->bench;
	slot->is_busy = false;
	bench->ended++;
	bench->last_ns = bench_now_ns();
	bench_samples_add(&bench->samples, bench->last_ns - slot->started_ns);
	berth_timer_start(slot->begin, 0); /* not from within the connection's own call */
}

static void
on_answer(void *context, const struct berth_http_response *response,
	  const struct berth_tls_facts *tls, const struct berth_why *why)
{
	struct slot *slot = context;
	(void)tls;
	if (response->status == 0) {
		bench_die("bench-rekey: a connection ended: %s", why->sentence);
	}
	/* 204: it asks for nothing */
	if (response->status != 200 && !(slot->step == STEP_CSRATTRS && response->status == 204)) {
		bench_die("bench-rekey: step %d: %d %.*s", (int)slot->step, response->status,
			  (int)response->body.n, (const char *)response->body.p);
	}
	if (slot->step == STEP_ADVICE) {
		check_advice(slot, response);
	} else if (slot->step == STEP_REENROLL) {
		check_certificate(slot, response);
	}
	if (slot->step == slot->bench->last) {
		end(slot);
		return;
	}
	slot->step++;
	ask(slot);
}

/* ---- what is asked ---- */

static void
make_request(struct slot *slot)
{
	BERTH_BUF der = {0};
	const struct berth_request_fields fields = {
		.subject = berth_cert_subject_der(slot->chain.at[0])};
	bench_call(berth_request_build(slot->bench->pki, &fields, next_key(slot), &der, &why));
	berth_buf_clear(&slot->body);
	bench_call(berth_est_enroll_body(berth_buf_view(&der), &slot->body));
}

static void
ask(struct slot *slot)
{
	char id[BERTH_RENEWAL_INFO_ID_MAX];
	struct berth_http_request request = {.method = BERTH_HTTP_GET};
	switch (slot->step) {
	case STEP_CACERTS:
		request.path = berth_text(BERTH_EST_CACERTS_PATH);
		break;
	case STEP_ADVICE:
		bench_call(berth_renewal_info_id(slot->chain.at[0], id, &why));
		(void)snprintf(slot->path, sizeof(slot->path), "%s/%s", BERTH_EST_RENEWAL_INFO_PATH,
			       id);
		request.path = berth_text(slot->path);
		break;
	case STEP_CSRATTRS:
		request.path = berth_text(BERTH_EST_CSRATTRS_PATH);
		break;
	case STEP_REENROLL:
		make_request(slot);
		request.method = BERTH_HTTP_POST;
		request.path = berth_text(BERTH_EST_SIMPLEREENROLL_PATH);
		request.media_type = berth_text(BERTH_EST_MEDIA_PKCS10);
		request.body = berth_buf_view(&slot->body);
		break;
	case STEP_END:
		return;
	}
	berth_http_client_send(slot->http, &request, on_answer, slot);
}

static void
on_connected(void *context, const struct berth_tls_facts *tls, const struct berth_why *why)
{
	if (!tls) {
		bench_die("bench-rekey: %s", why->sentence);
	}
	ask(context);
}

static void
leave(struct slot *slot)
{
	berth_http_client_close(slot->http);
	berth_tls_client_close(slot->tls);
	berth_cert_list_free(&slot->chain);
	slot->http = NULL;
	slot->tls = NULL;
}

/* The next device, or the end. */
static void
on_begin(void *context)
{
	struct slot *slot = context;
	struct bench *bench = slot->bench;
	leave(slot);
	if (bench->next == bench->fleet.count) {
		if (bench->ended == bench->fleet.count) {
			berth_loop_stop(bench->loop);
		}
		return;
	}
	slot->device = bench->next++;
	slot->step = STEP_CACERTS;
	slot->is_busy = true;
	slot->started_ns = bench_now_ns();
	fleet_chain(&bench->fleet, slot->device, &slot->chain);
	const struct berth_tls_client_conf tls = {
		.pki = bench->pki,
		.chain = &slot->chain,
		.key = fleet_key(&bench->fleet, slot->device),
		.provisional = true, /* whom it trusts is no work of the registrar's */
	};
	bench_call(berth_tls_client_open(&tls, &slot->tls, &why));
	const struct berth_http_client_conf http = {.address = "127.0.0.1",
						    .port = bench->port,
						    .host = "localhost",
						    .tls = slot->tls,
						    .connect_timeout_ms = TIMEOUT_MS,
						    .request_timeout_ms = TIMEOUT_MS,
						    .body_limit_bytes = BODY_MAX_BYTES};
	bench_call(berth_http_client_open(bench->loop, &http, &slot->http, &why));
	berth_http_client_connect(slot->http, on_connected, slot);
}

/* ---- the two halves ---- */

static void
play(struct bench *bench, enum step last, const char *name)
{
	bench->last = last;
	bench->next = 0;
	bench->ended = 0;
	bench_samples_close(&bench->samples);
	bench_samples_open(&bench->samples, bench->fleet.count);
	double cpu = bench_cpu_s();
	bench->first_ns = bench_now_ns();
	for (size_t i = 0; i < bench->slot_count; i++) {
		berth_timer_start(bench->slots[i].begin, 0);
	}
	berth_loop_run(bench->loop);
	double seconds = (double)(bench->last_ns - bench->first_ns) / 1e9;
	(void)printf("{\"half\": \"%s\", \"devices\": %zu, \"seconds\": %.6f, \"rate\": %.2f, "
		     "\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"generator_cpu_s\": %.3f}\n",
		     name, bench->ended, seconds, (double)bench->ended / seconds,
		     bench_samples_ms(&bench->samples, 0.5),
		     bench_samples_ms(&bench->samples, 0.99), bench_cpu_s() - cpu);
	(void)fflush(stdout);
}

static size_t
read_number(void)
{
	char line[32];
	if (!fgets(line, sizeof(line), stdin)) {
		exit(1); /* whoever started us is gone */
	}
	return (size_t)strtoul(line, NULL, 10);
}

static void
open_slots(struct bench *bench)
{
	bench->slots = calloc(bench->slot_count, sizeof(bench->slots[0]));
	if (!bench->slots) {
		bench_die("out of memory");
	}
	for (size_t i = 0; i < bench->slot_count; i++) {
		struct slot *slot = &bench->slots[i];
		slot->bench = bench;
		if (berth_timer_open(bench->loop, on_begin, slot, &slot->begin)) {
			bench_die("no timer");
		}
	}
}

static void
close_slots(struct bench *bench)
{
	for (size_t i = 0; i < bench->slot_count; i++) {
		leave(&bench->slots[i]);
		berth_timer_close(bench->slots[i].begin);
		berth_buf_free(&bench->slots[i].body);
	}
	free(bench->slots);
}

int
main(int argc, char **argv)
{
	struct bench bench = {.slot_count = bench_number(argc, argv, "concurrency", "8")};
	const struct fleet_places places = {.store = bench_text(argc, argv, "store", NULL),
					    .home = bench_text(argc, argv, "home", NULL),
					    .acme = bench_text(argc, argv, "acme", NULL),
					    .units = bench_text(argc, argv, "units", NULL),
					    .prefix = bench_text(argc, argv, "prefix", NULL),
					    .keys = bench_text(argc, argv, "keys", NULL)};
	bench_call(berth_pki_open(&bench.pki, &why));
	bench_call(berth_loop_open(&bench.loop, &why));
	fleet_make(bench.pki, &places, bench_number(argc, argv, "count", NULL), &bench.fleet);
	for (size_t i = 0; i < FLEET_KEYS; i++) {
		char uri[PATH_BYTES];
		(void)snprintf(uri, sizeof(uri), "file:%s/next-%zu.key", places.keys, i);
		bench_call(berth_keystore_generate(bench.pki, uri, "P-256", &bench.next_keys[i],
						   &why));
	}
	(void)puts("filled");
	(void)fflush(stdout);
	bench.port = (uint16_t)read_number();
	open_slots(&bench);
	play(&bench, STEP_ADVICE, "told");
	(void)read_number();
	play(&bench, STEP_REENROLL, "renewed");
	close_slots(&bench);
	bench_samples_close(&bench.samples);
	for (size_t i = 0; i < FLEET_KEYS; i++) {
		berth_key_free(bench.next_keys[i]);
	}
	fleet_free(&bench.fleet);
	berth_loop_close(bench.loop);
	berth_pki_close(bench.pki);
	return 0;
}
