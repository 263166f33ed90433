/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs of tests/bench share: units of the factory, samples, one JSON line on standard output. They measure
 * and do not judge: the first error ends the program with its sentence, and so the bench.
 */
#ifndef BERTH_TESTS_BENCH_H
#define BERTH_TESTS_BENCH_H

#include "base/bytes.h"
#include "pki/certificate.h"

/* Ends the program when err is one. */
void bench_must(enum berth_err err, const struct berth_why *why);
void bench_die(const char *format, ...) BERTH_PRINTF(1, 2) __attribute__((noreturn));
#define bench_call(expression)                                                                     \
	do {                                                                                       \
		struct berth_why why = {0};                                                        \
		bench_must((expression), &why);                                                    \
	} while (0)

/* "--name=value" anywhere; fallback NULL: it must be there. */
const char *bench_text(int argc, char **argv, const char *name, const char *fallback);
size_t bench_number(int argc, char **argv, const char *name, const char *fallback);

int64_t bench_now_ns(void); /* monotonic */
double bench_cpu_s(void);   /* this process */

struct bench_samples {
	int64_t *ns;
	size_t count, room;
};
void bench_samples_open(struct bench_samples *samples, size_t room);
void bench_samples_add(struct bench_samples *samples, int64_t ns);
void bench_samples_close(struct bench_samples *samples);
/* Sorts; milliseconds; part 0.5 is the median. */
double bench_samples_ms(struct bench_samples *samples, double part);

/* Line number i of a list of unit folders, as "berth factory make" wrote it. */
struct bench_unit {
	struct berth_cert_list chain; /* IDevID, then what is above it */
	struct berth_key *key;
	struct berth_bytes serial; /* of the certificate's subject, borrowed from it */
};
void bench_unit_open(struct berth_pki *pki, const char *folder, const char *prefix, size_t number,
		     struct bench_unit *unit);
void bench_unit_close(struct bench_unit *unit);
void bench_chain_read(struct berth_pki *pki, const char *path, struct berth_cert_list *list);
/* The device's voucher-request and the registrar's around it, signed now. registrar: end entity first. */
void bench_requests_make(struct berth_pki *pki, const struct bench_unit *unit,
			 const struct berth_cert_list *registrar, struct berth_key *registrar_key,
			 struct berth_buf *pvr, struct berth_buf *rvr);

#endif
