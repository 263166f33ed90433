/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: bench-masa --port=N --units=FOLDER --prefix=SERIAL --first=N --count=N --concurrency=N
 *                   --anchors=FILE --chain=FILE --key=URI [--host=NAME] [--audit=1] [--fresh=1]
 *
 * Asks the MASA for COUNT vouchers over CONCURRENCY connections, as a registrar would. The voucher-requests, the
 * devices' and the registrar's around them, are signed before the clock starts. --audit=1: after each voucher the audit
 * log, with the same request. --fresh=1: a new connection for each device, as a registrar that seldom has one to ask
 * for; else connections are kept, and up before the clock starts.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "net/http.h"
#include "pki/keystore/keystore.h"
#include "protocol/brski/telemetry.h"
#include "protocol/voucher/voucher_cms.h"
#include "system/clock.h"

#define TIMEOUT_MS 60000
#define BODY_MAX_BYTES ((size_t)64 << 10)
#define VOUCHER_PATH "/.well-known/brski/requestvoucher"
#define AUDIT_PATH "/.well-known/brski/requestauditlog"

struct bench {
	struct berth_pki *pki;
	struct berth_loop *loop;
	struct berth_cert_list anchors, chain;
	struct berth_key *key;
	struct berth_tls_client *tls;
	struct berth_http_client_conf http_conf;
	struct berth_buf *requests;
	bool with_audit, is_fresh;
	size_t count, next, ended, failed, connected, connections;
	struct bench_samples samples;
	int64_t first_ns, last_ns;
	double cpu_s;
	struct slot *slots;
};

struct slot {
	struct bench *bench;
	struct berth_http_client *http;
	struct berth_timer
		*again; /* a connection must not be closed in its own callback's caller */
	size_t request;
	bool is_auditing;
	int64_t started_ns;
};

static void ask(struct slot *slot);

/* tools/bench reads the MASA's CPU here. */
static void
say_ready(struct bench *bench)
{
	(void)puts("ready");
	(void)fflush(stdout);
	int c = 0;
	do {
		c = getchar();
	} while (c != '\n' && c != EOF);
	bench->cpu_s = bench_cpu_s();
	bench->first_ns = bench_now_ns();
}

static void
on_answer(void *context, const struct berth_http_response *response,
	  const struct berth_tls_facts *tls, const struct berth_why *why)
{
	struct slot *slot = context;
	struct bench *bench = slot->bench;
	(void)tls;
	if (response->status == 0) {
		bench_die("bench-masa: a connection ended: %s", why->sentence);
	}
	if (response->status != 200) {
		(void)fprintf(stderr, "bench-masa: %d %.*s\n", response->status,
			      (int)response->body.n, (const char *)response->body.p);
		bench->failed++;
	} else if (bench->with_audit && !slot->is_auditing) {
		slot->is_auditing = true;
		ask(slot);
		return;
	} else {
		bench_samples_add(&bench->samples, bench_now_ns() - slot->started_ns);
	}
	bench->last_ns = bench_now_ns();
	bench->ended++;
	berth_timer_start(slot->again, 0);
}

static void
ask(struct slot *slot)
{
	const struct berth_http_request request = {
		.method = BERTH_HTTP_POST,
		.path = slot->is_auditing ? BERTH_LIT(AUDIT_PATH) : BERTH_LIT(VOUCHER_PATH),
		.media_type = BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS),
		.accept = slot->is_auditing ? BERTH_LIT(BERTH_MEDIA_JSON)
					    : BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS),
		.body = berth_buf_view(&slot->bench->requests[slot->request]),
	};
	berth_http_client_send(slot->http, &request, on_answer, slot);
}

static void
on_connected(void *context, const struct berth_tls_facts *tls, const struct berth_why *why)
{
	struct slot *slot = context;
	struct bench *bench = slot->bench;
	if (!tls) {
		bench_die("bench-masa: %s", why->sentence);
	}
	if (bench->is_fresh) {
		ask(slot);
		return;
	}
	/* The clock starts when all connections are up: the registrar keeps them. */
	if (++bench->connected == bench->connections) {
		say_ready(bench);
		for (size_t i = 0; i < bench->connections; i++) {
			berth_timer_start(bench->slots[i].again, 0);
		}
	}
}

static void
connect_to(struct slot *slot)
{
	berth_http_client_close(slot->http);
	bench_call(berth_http_client_open(slot->bench->loop, &slot->bench->http_conf, &slot->http,
					  &why));
	berth_http_client_connect(slot->http, on_connected, slot);
}

/* The next device. */
static void
on_again(void *context)
{
	struct slot *slot = context;
	struct bench *bench = slot->bench;
	if (bench->next == bench->count) {
		if (bench->ended == bench->count) {
			berth_loop_stop(bench->loop);
		}
		return;
	}
	slot->request = bench->next++;
	slot->is_auditing = false;
	slot->started_ns = bench_now_ns();
	if (bench->is_fresh) {
		connect_to(slot);
		return;
	}
	ask(slot);
}

static void
prepare(struct bench *bench, int argc, char **argv)
{
	const char *folder = bench_text(argc, argv, "units", NULL);
	const char *prefix = bench_text(argc, argv, "prefix", NULL);
	size_t first = bench_number(argc, argv, "first", NULL);
	bench_call(berth_pki_open(&bench->pki, &why));
	bench_call(berth_loop_open(&bench->loop, &why));
	bench_chain_read(bench->pki, bench_text(argc, argv, "anchors", NULL), &bench->anchors);
	bench_chain_read(bench->pki, bench_text(argc, argv, "chain", NULL), &bench->chain);
	bench_call(berth_keystore_load(bench->pki, bench_text(argc, argv, "key", NULL), &bench->key,
				       &why));
	bench_samples_open(&bench->samples, bench->count);
	bench->requests = calloc(bench->count, sizeof(struct berth_buf));
	bench->slots = calloc(bench->connections, sizeof(struct slot));
	if (!bench->requests || !bench->slots) {
		bench_die("out of memory");
	}
	for (size_t i = 0; i < bench->count; i++) {
		struct bench_unit unit;
		bench_unit_open(bench->pki, folder, prefix, first + i, &unit);
		struct berth_buf pvr = {0};
		bench_requests_make(bench->pki, &unit, &bench->chain, bench->key, &pvr,
				    &bench->requests[i]);
		berth_buf_free(&pvr);
		bench_unit_close(&unit);
	}
}

static void
start_all(struct bench *bench, int argc, char **argv)
{
	const char *host = bench_text(argc, argv, "host", "localhost");
	const struct berth_tls_client_conf tls = {.pki = bench->pki,
						  .chain = &bench->chain,
						  .key = bench->key,
						  .anchors = &bench->anchors,
						  .server_name = host,
						  .wall = berth_clock_wall};
	bench_call(berth_tls_client_open(&tls, &bench->tls, &why));
	bench->http_conf = (struct berth_http_client_conf){
		.address = "127.0.0.1",
		.port = (uint16_t)bench_number(argc, argv, "port", NULL),
		.host = host,
		.tls = bench->tls,
		.connect_timeout_ms = TIMEOUT_MS,
		.request_timeout_ms = TIMEOUT_MS,
		.body_limit_bytes = BODY_MAX_BYTES};
	if (bench->is_fresh) {
		say_ready(bench);
	}
	for (size_t i = 0; i < bench->connections; i++) {
		struct slot *slot = &bench->slots[i];
		slot->bench = bench;
		if (berth_timer_open(bench->loop, on_again, slot, &slot->again)) {
			bench_die("no timer");
		}
		if (bench->is_fresh) {
			berth_timer_start(slot->again, 0);
		} else {
			connect_to(slot);
		}
	}
}

static void
tidy(struct bench *bench)
{
	for (size_t i = 0; i < bench->connections; i++) {
		berth_http_client_close(bench->slots[i].http);
		berth_timer_close(bench->slots[i].again);
	}
	for (size_t i = 0; i < bench->count; i++) {
		berth_buf_free(&bench->requests[i]);
	}
	free(bench->slots);
	free(bench->requests);
	bench_samples_close(&bench->samples);
	berth_tls_client_close(bench->tls);
	berth_key_free(bench->key);
	berth_cert_list_free(&bench->chain);
	berth_cert_list_free(&bench->anchors);
	berth_loop_close(bench->loop);
	berth_pki_close(bench->pki);
}

int
main(int argc, char **argv)
{
	struct bench bench = {.count = bench_number(argc, argv, "count", NULL),
			      .connections = bench_number(argc, argv, "concurrency", "4")};
	bench.with_audit = bench_number(argc, argv, "audit", "0") > 0;
	bench.is_fresh = bench_number(argc, argv, "fresh", "0") > 0;
	prepare(&bench, argc, argv);
	start_all(&bench, argc, argv);
	berth_loop_run(bench.loop);
	double cpu = bench_cpu_s() - bench.cpu_s;
	double seconds = (double)(bench.last_ns - bench.first_ns) / 1e9;
	(void)printf("{\"vouchers\": %zu, \"errors\": %zu, \"seconds\": %.6f, \"rate\": %.2f, "
		     "\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"generator_cpu_s\": %.6f}\n",
		     bench.ended - bench.failed, bench.failed, seconds,
		     (double)bench.samples.count / seconds, bench_samples_ms(&bench.samples, 0.5),
		     bench_samples_ms(&bench.samples, 0.99), cpu);
	int status = bench.failed > 0;
	tidy(&bench);
	return status;
}
