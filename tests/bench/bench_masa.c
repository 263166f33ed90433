/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: bench-masa --port=N --units=FOLDER --prefix=SERIAL --first=N --count=N --concurrency=N
 *                   --anchors=FILE --chain=FILE --key=URI [--host=NAME]
 *
 * Asks the MASA for COUNT vouchers over CONCURRENCY kept connections, as a registrar would. The voucher-requests, the
 * devices' and the registrar's around them, are signed before the clock starts.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "net/http.h"
#include "pki/keystore/keystore.h"
#include "protocol/voucher/voucher_cms.h"
#include "system/clock.h"

#define TIMEOUT_MS 60000
#define BODY_MAX_BYTES ((size_t)64 << 10)
#define PATH "/.well-known/brski/requestvoucher"

struct bench {
	struct berth_pki *pki;
	struct berth_loop *loop;
	struct berth_cert_list anchors, chain;
	struct berth_key *key;
	struct berth_tls_client *tls;
	struct berth_buf *requests;
	size_t count, next, ended, failed, connected, connections;
	struct bench_samples samples;
	int64_t first_ns, last_ns;
	double cpu_s;
	struct slot *slots;
};

struct slot {
	struct bench *bench;
	struct berth_http_client *http;
	int64_t started_ns;
};

static void ask(struct slot *slot);

static void
on_voucher(void *context, const struct berth_http_response *response,
	   const struct berth_tls_facts *tls, const struct berth_why *why)
{
	struct slot *slot = context;
	struct bench *bench = slot->bench;
	(void)tls;
	bench->last_ns = bench_now_ns();
	bench->ended++;
	if (response->status == 200) {
		bench_samples_add(&bench->samples, bench->last_ns - slot->started_ns);
	} else {
		bench->failed++;
		(void)fprintf(stderr, "bench-masa: %d %s%.*s\n", response->status,
			      response->status ? "" : why->sentence, (int)response->body.n,
			      (const char *)response->body.p);
	}
	if (response->status == 0) {
		bench_die("bench-masa: a connection ended");
	}
	ask(slot);
}

static void
ask(struct slot *slot)
{
	struct bench *bench = slot->bench;
	if (bench->next == bench->count) {
		if (bench->ended == bench->count) {
			berth_loop_stop(bench->loop);
		}
		return;
	}
	const struct berth_http_request request = {
		.method = BERTH_HTTP_POST,
		.path = BERTH_LIT(PATH),
		.media_type = BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS),
		.accept = BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS),
		.body = berth_buf_view(&bench->requests[bench->next++]),
	};
	slot->started_ns = bench_now_ns();
	berth_http_client_send(slot->http, &request, on_voucher, slot);
}

/* The clock starts when all connections are up: the registrar keeps them. */
static void
on_connected(void *context, const struct berth_tls_facts *tls, const struct berth_why *why)
{
	struct slot *slot = context;
	struct bench *bench = slot->bench;
	if (!tls) {
		bench_die("bench-masa: %s", why->sentence);
	}
	if (++bench->connected < bench->connections) {
		return;
	}
	bench->cpu_s = bench_cpu_s();
	bench->first_ns = bench_now_ns();
	for (size_t i = 0; i < bench->connections; i++) {
		ask(&bench->slots[i]);
	}
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
connect_all(struct bench *bench, int argc, char **argv)
{
	const char *host = bench_text(argc, argv, "host", "localhost");
	const struct berth_tls_client_conf tls = {.pki = bench->pki,
						  .chain = &bench->chain,
						  .key = bench->key,
						  .anchors = &bench->anchors,
						  .server_name = host,
						  .wall = berth_clock_wall};
	const struct berth_http_client_conf http = {
		.address = "127.0.0.1",
		.port = (uint16_t)bench_number(argc, argv, "port", NULL),
		.host = host,
		.connect_timeout_ms = TIMEOUT_MS,
		.request_timeout_ms = TIMEOUT_MS,
		.body_limit_bytes = BODY_MAX_BYTES};
	bench_call(berth_tls_client_open(&tls, &bench->tls, &why));
	for (size_t i = 0; i < bench->connections; i++) {
		struct slot *slot = &bench->slots[i];
		struct berth_http_client_conf conf = http;
		conf.tls = bench->tls;
		slot->bench = bench;
		bench_call(berth_http_client_open(bench->loop, &conf, &slot->http, &why));
		berth_http_client_connect(slot->http, on_connected, slot);
	}
}

static void
tidy(struct bench *bench)
{
	for (size_t i = 0; i < bench->connections; i++) {
		berth_http_client_close(bench->slots[i].http);
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
	prepare(&bench, argc, argv);
	connect_all(&bench, argc, argv);
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
