/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pki/keystore/keystore.h"
#include "protocol/brski/rvr.h"
#include "system/clock.h"
#include "system/files.h"

#define PEM_MAX_BYTES ((size_t)1 << 20)
#define PATH_BYTES 512
#define ARENA_BYTES ((size_t)256 << 10)
#define NONCE_BYTES 16

void
bench_die(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	(void)fputc('\n', stderr);
	exit(1);
}

void
bench_must(enum berth_err err, const struct berth_why *why)
{
	if (err) {
		bench_die("%s: %s: %s", berth_err_name(err), why->rule ? why->rule : "-",
			  why->sentence);
	}
}

const char *
bench_text(int argc, char **argv, const char *name, const char *fallback)
{
	size_t n = strlen(name);
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) == 0 && strncmp(argv[i] + 2, name, n) == 0 &&
		    argv[i][2 + n] == '=') {
			return argv[i] + 3 + n;
		}
	}
	if (!fallback) {
		bench_die("%s: --%s= is missing", argv[0], name);
	}
	return fallback;
}

size_t
bench_number(int argc, char **argv, const char *name, const char *fallback)
{
	const char *text = bench_text(argc, argv, name, fallback);
	char *end = NULL;
	unsigned long long value = strtoull(text, &end, 10);
	if (end == text || *end || value > 10000000) {
		bench_die("--%s=%s is no number of use here", name, text);
	}
	return (size_t)value;
}

static int64_t
clock_ns(clockid_t clock)
{
	struct timespec t;
	if (clock_gettime(clock, &t) != 0) {
		bench_die("the clock cannot be read");
	}
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t
bench_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

double
bench_cpu_s(void)
{
	return (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9;
}

void
bench_samples_open(struct bench_samples *samples, size_t room)
{
	*samples = (struct bench_samples){.ns = calloc(room + 1, sizeof(int64_t)), .room = room};
	if (!samples->ns) {
		bench_die("out of memory");
	}
}

void
bench_samples_add(struct bench_samples *samples, int64_t ns)
{
	if (samples->count == samples->room) {
		bench_die("more samples than were announced");
	}
	samples->ns[samples->count++] = ns;
}

void
bench_samples_close(struct bench_samples *samples)
{
	free(samples->ns);
	*samples = (struct bench_samples){0};
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

double
bench_samples_ms(struct bench_samples *samples, double part)
{
	if (samples->count == 0) {
		return 0;
	}
	qsort(samples->ns, samples->count, sizeof(int64_t), compare);
	size_t at = (size_t)(part * (double)samples->count);
	at = at < samples->count ? at : samples->count - 1;
	return (double)samples->ns[at] / 1e6;
}

void
bench_chain_read(struct berth_pki *pki, const char *path, struct berth_cert_list *list)
{
	BERTH_BUF pem = {0};
	bench_call(berth_file_read(path, PEM_MAX_BYTES, &pem, &why));
	bench_call(berth_cert_list_parse(pki, berth_buf_view(&pem), list, &why));
}

void
bench_unit_open(struct berth_pki *pki, const char *folder, const char *prefix, size_t number,
		struct bench_unit *unit)
{
	char path[PATH_BYTES];
	*unit = (struct bench_unit){0};
	(void)snprintf(path, sizeof(path), "%s/%s%zu/idevid.pem", folder, prefix, number);
	bench_chain_read(pki, path, &unit->chain);
	(void)snprintf(path, sizeof(path), "file:%s/%s%zu/idevid.key", folder, prefix, number);
	bench_call(berth_keystore_load(pki, path, &unit->key, &why));
	unit->serial = berth_cert_subject_serial_number(unit->chain.at[0]);
}

void
bench_unit_close(struct bench_unit *unit)
{
	berth_key_free(unit->key);
	berth_cert_list_free(&unit->chain);
	*unit = (struct bench_unit){0};
}

static void
sign(struct berth_pki *pki, const struct berth_voucher *voucher,
     const struct berth_cert_list *chain, struct berth_key *key, struct berth_buf *der)
{
	BERTH_CERT_LIST above = {0};
	for (size_t i = 1; i < chain->n; i++) {
		bench_call(berth_cert_list_add(&above, chain->at[i], &why));
	}
	const struct berth_cms_fields how = {.content_type = BERTH_CMS_ANIMA_VOUCHER,
					     .key = key,
					     .signer = chain->at[0],
					     .others = &above,
					     .signing_time = berth_clock_wall()};
	bench_call(berth_voucher_sign(pki, voucher, &how, der, &why));
}

void
bench_requests_make(struct berth_pki *pki, const struct bench_unit *unit,
		    const struct berth_cert_list *registrar, struct berth_key *registrar_key,
		    struct berth_buf *pvr, struct berth_buf *rvr)
{
	uint8_t nonce[NONCE_BYTES];
	BERTH_ARENA arena;
	struct berth_voucher outer;
	const struct berth_random random = berth_pki_random(pki);
	berth_random_fill(&random, nonce, sizeof(nonce));
	berth_arena_start(&arena, ARENA_BYTES);
	const struct berth_voucher inner = {
		.kind = BERTH_VOUCHER_REQUEST_PLEDGE,
		.assertion = BERTH_ASSERTION_PROXIMITY,
		.has_created_on = true,
		.created_on = berth_clock_wall(),
		.serial_number = unit->serial,
		.nonce = berth_bytes_of(nonce, sizeof(nonce)),
		.proximity_registrar_cert = berth_cert_der(registrar->at[0]),
	};
	sign(pki, &inner, &unit->chain, unit->key, pvr);
	const struct berth_rvr_source source = {.pvr = &inner,
						.pvr_der = berth_buf_view(pvr),
						.idevid = unit->chain.at[0],
						.serial_number = unit->serial,
						.now = berth_clock_wall()};
	bench_call(berth_rvr_fields(&source, &arena, &outer, &why));
	sign(pki, &outer, registrar, registrar_key, rvr);
}
