/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: bench-kept --port=N --units=FOLDER --prefix=SERIAL --first=N --count=N --concurrency=N
 *                   --registrar=CHAIN --registrar-key=URI --keys=FOLDER --prepare=STEPS --steps=STEPS
 *
 * What a registrar costs without its TLS handshakes: COUNT devices connect and do the steps of --prepare, then the program
 * says "ready" and waits for a line, then the devices do --steps over the connections that they have, CONCURRENCY at a
 * time. STEPS is a list with commas of requestvoucher, voucher_status, cacerts, csrattrs, simpleenroll, enrollstatus,
 * reconnect (with the certificate that simpleenroll brought), simplereenroll (after reconnect), or "none". All that devices
 * sign is signed before the clock starts. (The registrar's key signs nothing that is used.)
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "bench/bench.h"
#include "net/http.h"
#include "pki/keystore/keystore.h"
#include "pki/request.h"
#include "protocol/est/client.h"
#include "protocol/voucher/voucher_cms.h"

#define TIMEOUT_MS 60000
#define BODY_MAX_BYTES ((size_t)64 << 10)
#define PATH_BYTES 512
#define STEPS_MAX 8
#define BRSKI "/.well-known/brski/"
#define EST "/.well-known/est/"

struct device {
	struct bench_unit unit;
	struct berth_key *key; /* of the request csr, and then of the certificate */
	struct berth_cert_list ldevid;
	struct berth_buf pvr, csr, renewal;
	struct berth_tls_client *tls;
	struct berth_http_client *http;
};

static const struct step {
	const char *name, *path, *media; /* media NULL: GET; path NULL: connect anew */
	size_t body;			 /* offset in struct device; 0: a status */
} known_steps[] = {
	{"requestvoucher", BRSKI "requestvoucher", BERTH_MEDIA_VOUCHER_CMS,
	 offsetof(struct device, pvr)},
	{"voucher_status", BRSKI "voucher_status", "application/json", 0},
	{"cacerts", EST "cacerts", NULL, 0},
	{"csrattrs", EST "csrattrs", NULL, 0},
	{"simpleenroll", EST "simpleenroll", "application/pkcs10", offsetof(struct device, csr)},
	{"enrollstatus", BRSKI "enrollstatus", "application/json", 0},
	{"reconnect", NULL, NULL, 0},
	{"simplereenroll", EST "simplereenroll", "application/pkcs10",
	 offsetof(struct device, renewal)},
};
#define KNOWN_STEPS (sizeof(known_steps) / sizeof(known_steps[0]))

struct script {
	const struct step *steps[STEPS_MAX];
	size_t n;
};

struct bench {
	struct berth_pki *pki;
	struct berth_loop *loop;
	const char *keys;
	struct device *devices;
	uint16_t port;
	const struct script *script;
	size_t first, count, concurrency, next, ended, failed;
	bool renews;
	struct bench_samples samples;
	int64_t first_ns, last_ns;
};

/* One device at a time. */
struct slot {
	struct bench *bench;
	struct device *device;
	size_t step;
	int64_t started_ns;
	struct berth_timer *again; /* a connection is not closed within its own answer */
};

static void advance(struct slot *slot);

static void
read_script(const char *text, struct script *ret)
{
	*ret = (struct script){0};
	if (strcmp(text, "none") == 0) {
		return;
	}
	while (true) {
		size_t n = strcspn(text, ",");
		size_t i = 0;
		while (i < KNOWN_STEPS && (strncmp(known_steps[i].name, text, n) != 0 ||
					   known_steps[i].name[n] != '\0')) {
			i++;
		}
		if (i == KNOWN_STEPS || ret->n == STEPS_MAX) {
			bench_die("bench-kept: no step \"%.*s\"", (int)n, text);
		}
		ret->steps[ret->n++] = &known_steps[i];
		if (text[n] == '\0') {
			return;
		}
		text += n + 1;
	}
}

/* A key, and the request for a certificate of it, in base64. name: the old one's, for a renewal; else of the unit's serial number. */
static void
make_request(struct bench *bench, const struct device *device, const char *name,
	     const struct berth_cert *old, struct berth_key **key, struct berth_buf *csr)
{
	struct berth_buf der = {0};
	char uri[PATH_BYTES];
	struct berth_bytes names[1];
	struct berth_request_fields fields = {.serial_number = device->unit.serial};
	if (old) {
		names[0] = berth_cert_dns_name(old, 0);
		fields = (struct berth_request_fields){.subject = berth_cert_subject_der(old),
						       .dns_names = names,
						       .dns_name_count = names[0].n > 0};
	}
	(void)snprintf(uri, sizeof(uri), "file:%s/%s-%zu.key", bench->keys, name,
		       bench->first + (size_t)(device - bench->devices));
	bench_call(berth_keystore_generate(bench->pki, uri, "P-256", key, &why));
	bench_call(berth_request_build(bench->pki, &fields, *key, &der, &why));
	bench_call(berth_base64_encode(berth_buf_view(&der), 0, csr));
	berth_buf_free(&der);
}

/* What simpleenroll brought, and the request that will renew it. */
static void
take_certificate(struct bench *bench, struct device *device,
		 const struct berth_http_response *response)
{
	struct berth_key *next = NULL;
	bench_call(berth_est_certs_parse(bench->pki, response->media_type, response->body,
					 &device->ldevid, &why));
	make_request(bench, device, "next", device->ldevid.at[0], &next, &device->renewal);
	berth_key_free(next);
}

static void
on_answer(void *context, const struct berth_http_response *response,
	  const struct berth_tls_facts *tls, const struct berth_why *why)
{
	struct slot *slot = context;
	(void)tls;
	if (response->status == 0) {
		bench_die("bench-kept: a connection ended: %s", why->sentence);
	}
	if (response->status != 200) {
		slot->bench->failed++;
		(void)fprintf(stderr, "bench-kept: %s: %d %.*s\n",
			      slot->bench->script->steps[slot->step]->name, response->status,
			      (int)response->body.n, (const char *)response->body.p);
	}
	if (slot->bench->renews && response->status == 200 &&
	    slot->bench->script->steps[slot->step]->body == offsetof(struct device, csr)) {
		take_certificate(slot->bench, slot->device, response);
	}
	slot->step++;
	berth_timer_start(slot->again, 0);
}

static void
ask(struct slot *slot)
{
	const struct step *step = slot->bench->script->steps[slot->step];
	struct berth_bytes body = BERTH_LIT("{\"version\":1,\"status\":true}");
	if (step->body) {
		const struct berth_buf *buf =
			(const void *)((const char *)slot->device + step->body);
		body = berth_buf_view(buf);
	}
	const struct berth_http_request request = {.method = step->media ? BERTH_HTTP_POST
									 : BERTH_HTTP_GET,
						   .path = berth_text(step->path),
						   .media_type = berth_text(step->media),
						   .body = step->media ? body : BERTH_BYTES_NONE};
	berth_http_client_send(slot->device->http, &request, on_answer, slot);
}

static void
on_connected(void *context, const struct berth_tls_facts *tls, const struct berth_why *why)
{
	if (!tls) {
		bench_die("bench-kept: %s", why->sentence);
	}
	advance(context);
}

static void
disconnect(struct device *device)
{
	berth_http_client_close(device->http);
	berth_tls_client_close(device->tls);
	device->http = NULL;
	device->tls = NULL;
}

static void
connect_to(struct slot *slot)
{
	struct bench *bench = slot->bench;
	struct device *device = slot->device;
	bool is_own = device->ldevid.n > 0;
	const struct berth_tls_client_conf tls = {.pki = bench->pki,
						  .chain = is_own ? &device->ldevid
								  : &device->unit.chain,
						  .key = is_own ? device->key : device->unit.key,
						  .provisional = true};
	bench_call(berth_tls_client_open(&tls, &device->tls, &why));
	const struct berth_http_client_conf http = {.address = "127.0.0.1",
						    .port = bench->port,
						    .host = "localhost",
						    .tls = device->tls,
						    .connect_timeout_ms = TIMEOUT_MS,
						    .request_timeout_ms = TIMEOUT_MS,
						    .body_limit_bytes = BODY_MAX_BYTES};
	bench_call(berth_http_client_open(bench->loop, &http, &device->http, &why));
	berth_http_client_connect(device->http, on_connected, slot);
}

/* The next step of this device, or the next device, or the end. */
static void
advance(struct slot *slot)
{
	struct bench *bench = slot->bench;
	if (slot->device && slot->step == bench->script->n) {
		bench->ended++;
		bench->last_ns = bench_now_ns();
		bench_samples_add(&bench->samples, bench->last_ns - slot->started_ns);
		slot->device = NULL;
	}
	if (!slot->device && bench->next == bench->count) {
		if (bench->ended == bench->count) {
			berth_loop_stop(bench->loop);
		}
		return;
	}
	if (slot->device && !bench->script->steps[slot->step]->path) {
		slot->step++;
		disconnect(slot->device);
		connect_to(slot);
		return;
	}
	if (slot->device) {
		ask(slot);
		return;
	}
	slot->device = &bench->devices[bench->next++];
	slot->step = 0;
	slot->started_ns = bench_now_ns();
	if (!slot->device->http) {
		connect_to(slot);
		return;
	}
	advance(slot);
}

static void
on_again(void *context)
{
	advance(context);
}

static void
play(struct bench *bench, const struct script *script)
{
	struct slot *slots = calloc(bench->concurrency, sizeof(*slots));
	if (!slots) {
		bench_die("out of memory");
	}
	bench->script = script;
	bench->next = 0;
	bench->ended = 0;
	bench_samples_close(&bench->samples);
	bench_samples_open(&bench->samples, bench->count);
	bench->first_ns = bench_now_ns();
	for (size_t i = 0; i < bench->concurrency; i++) {
		slots[i].bench = bench;
		if (berth_timer_open(bench->loop, on_again, &slots[i], &slots[i].again)) {
			bench_die("out of memory");
		}
		berth_timer_start(slots[i].again, 0);
	}
	if (bench->ended < bench->count) {
		berth_loop_run(bench->loop);
	}
	for (size_t i = 0; i < bench->concurrency; i++) {
		berth_timer_close(slots[i].again);
	}
	free(slots);
}

static void
prepare(struct bench *bench, int argc, char **argv)
{
	const char *folder = bench_text(argc, argv, "units", NULL);
	const char *prefix = bench_text(argc, argv, "prefix", NULL);
	bench->keys = bench_text(argc, argv, "keys", NULL);
	bench->first = bench_number(argc, argv, "first", NULL);
	struct berth_cert_list registrar = {0};
	struct berth_key *registrar_key = NULL;
	bench->port = (uint16_t)bench_number(argc, argv, "port", NULL);
	bench_call(berth_pki_open(&bench->pki, &why));
	bench_call(berth_loop_open(&bench->loop, &why));
	bench_chain_read(bench->pki, bench_text(argc, argv, "registrar", NULL), &registrar);
	bench_call(berth_keystore_load(bench->pki, bench_text(argc, argv, "registrar-key", NULL),
				       &registrar_key, &why));
	bench->devices = calloc(bench->count, sizeof(bench->devices[0]));
	if (!bench->devices) {
		bench_die("out of memory");
	}
	for (size_t i = 0; i < bench->count; i++) {
		struct device *device = &bench->devices[i];
		struct berth_buf rvr = {0};
		bench_unit_open(bench->pki, folder, prefix, bench->first + i, &device->unit);
		bench_requests_make(bench->pki, &device->unit, &registrar, registrar_key,
				    &device->pvr, &rvr);
		make_request(bench, device, "kept", NULL, &device->key, &device->csr);
		berth_buf_free(&rvr);
	}
	berth_key_free(registrar_key);
	berth_cert_list_free(&registrar);
}

static void
tidy(struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++) {
		struct device *device = &bench->devices[i];
		disconnect(device);
		bench_unit_close(&device->unit);
		berth_key_free(device->key);
		berth_cert_list_free(&device->ldevid);
		berth_buf_free(&device->pvr);
		berth_buf_free(&device->csr);
		berth_buf_free(&device->renewal);
	}
	free(bench->devices);
	bench_samples_close(&bench->samples);
	berth_loop_close(bench->loop);
	berth_pki_close(bench->pki);
}

static void
wait_for_line(void)
{
	(void)puts("ready");
	(void)fflush(stdout);
	int c = 0;
	do {
		c = getchar();
	} while (c != '\n' && c != EOF);
}

int
main(int argc, char **argv)
{
	struct bench bench = {.count = bench_number(argc, argv, "count", NULL),
			      .concurrency = bench_number(argc, argv, "concurrency", "4")};
	struct script before;
	struct script steps;
	read_script(bench_text(argc, argv, "prepare", NULL), &before);
	read_script(bench_text(argc, argv, "steps", NULL), &steps);
	for (size_t i = 0; i < before.n; i++) {
		bench.renews = bench.renews || !before.steps[i]->path;
	}
	prepare(&bench, argc, argv);
	play(&bench, &before);
	wait_for_line();
	play(&bench, &steps);
	double seconds = (double)(bench.last_ns - bench.first_ns) / 1e9;
	(void)printf("{\"devices\": %zu, \"errors\": %zu, \"seconds\": %.6f, \"rate\": %.2f, "
		     "\"p50_ms\": %.3f, \"p99_ms\": %.3f}\n",
		     bench.ended, bench.failed, seconds, (double)bench.count / seconds,
		     bench_samples_ms(&bench.samples, 0.5), bench_samples_ms(&bench.samples, 0.99));
	int status = bench.failed > 0;
	tidy(&bench);
	return status;
}
