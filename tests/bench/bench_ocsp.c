/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A load on the registrar's OCSP: kept connections, each asking about the registrar's own certificate again and again, by
 * POST. With --nonce=1 each question has a nonce, so that each answer must be signed. Prints "ready", waits for a line,
 * runs, prints one line of JSON. The first answer is checked whole, the others by their length and status.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/bench.h"
#include "pki/ocsp.h"
#include "system/clock.h"

#define CONNECTIONS_MAX 256
#define ROOM 8192
#define NONCE_BYTES 16

struct connection {
	int fd;
	char in[ROOM];
	size_t n;
	int64_t began;
};

struct load {
	struct berth_pki *pki;
	struct berth_cert_list chain;
	bool with_nonce;
	struct berth_buf request; /* HTTP and all */
	size_t nonce_at;	  /* where its nonce's bytes are */
	size_t sent, answered, count;
	struct connection connections[CONNECTIONS_MAX];
	struct bench_samples samples;
};

static void
make_request(struct load *load)
{
	uint8_t nonce[NONCE_BYTES];
	BERTH_BUF der = {0};
	memset(nonce, 0xa5, sizeof(nonce));
	bench_call(berth_ocsp_ask(load->pki, load->chain.at[0], load->chain.at[1],
				  load->with_nonce ? berth_bytes_of(nonce, sizeof(nonce))
						   : BERTH_BYTES_NONE,
				  &der, &why));
	bench_call(berth_buf_printf(&load->request,
				    "POST /ocsp HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
				    "application/ocsp-request\r\nContent-Length: %zu\r\n\r\n",
				    der.n));
	bench_call(berth_buf_append_bytes(&load->request, berth_buf_view(&der)));
	if (load->with_nonce) {
		const uint8_t *at = memmem(load->request.p, load->request.n, nonce, sizeof(nonce));
		load->nonce_at = (size_t)(at - load->request.p);
	}
}

static void
ask(struct load *load, struct connection *c)
{
	if (load->with_nonce) {
		memcpy(load->request.p + load->nonce_at, &load->sent, sizeof(load->sent));
	}
	load->sent++;
	c->n = 0;
	c->began = bench_now_ns();
	if (write(c->fd, load->request.p, load->request.n) != (ssize_t)load->request.n) {
		bench_die("a request could not be written");
	}
}

/* The body, once it is there whole. */
static bool
find_body(const struct connection *c, struct berth_bytes *ret)
{
	const char *end = memmem(c->in, c->n, "\r\n\r\n", 4);
	const char *length = memmem(c->in, c->n, "Content-Length: ", 16);
	if (!end || !length) {
		return false;
	}
	size_t n = strtoul(length + 16, NULL, 10);
	size_t head = (size_t)(end + 4 - c->in);
	*ret = berth_bytes_of(c->in + head, n);
	return c->n >= head + n;
}

static void
check(struct load *load, const struct connection *c, struct berth_bytes body)
{
	if (memcmp(c->in, "HTTP/1.1 200", 12) != 0 || body.n < 200) {
		bench_die("no OCSP response: %.*s", (int)(c->n < 200 ? c->n : 200), c->in);
	}
	if (load->answered > 0) {
		return;
	}
	struct berth_ocsp_response *response = NULL;
	bench_call(berth_ocsp_response_parse(load->pki, body, &response, &why));
	bench_call(berth_ocsp_check(load->pki, response, load->chain.at[0], load->chain.at[1],
				    BERTH_BYTES_NONE, berth_clock_wall(), NULL, &why));
	berth_ocsp_response_free(response);
}

static void
take(struct load *load, struct connection *c)
{
	ssize_t got = read(c->fd, c->in + c->n, sizeof(c->in) - c->n);
	struct berth_bytes body;
	if (got <= 0) {
		bench_die("the connection was closed after %zu answers", load->answered);
	}
	c->n += (size_t)got;
	if (!find_body(c, &body)) {
		return;
	}
	check(load, c, body);
	bench_samples_add(&load->samples, bench_now_ns() - c->began);
	load->answered++;
	if (load->sent < load->count) {
		ask(load, c);
	}
}

static void
open_connection(struct connection *c, size_t port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
	} to = {.v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)}};
	to.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, &to.any, sizeof(to.v4)) != 0) {
		bench_die("nobody listens at port %zu", port);
	}
}

static void
run(struct load *load, size_t concurrency)
{
	struct pollfd polls[CONNECTIONS_MAX];
	for (size_t i = 0; i < concurrency; i++) {
		polls[i] = (struct pollfd){.fd = load->connections[i].fd, .events = POLLIN};
		ask(load, &load->connections[i]);
	}
	while (load->answered < load->count) {
		if (poll(polls, concurrency, 30000) <= 0) {
			bench_die("no answer for half a minute");
		}
		for (size_t i = 0; i < concurrency; i++) {
			if (polls[i].revents) {
				take(load, &load->connections[i]);
			}
		}
	}
}

int
main(int argc, char **argv)
{
	static struct load load;
	size_t concurrency = bench_number(argc, argv, "concurrency", "8");
	size_t port = bench_number(argc, argv, "port", NULL);
	load.count = bench_number(argc, argv, "count", "20000");
	load.with_nonce = bench_number(argc, argv, "nonce", "0") != 0;
	if (concurrency == 0 || concurrency > CONNECTIONS_MAX || load.count < concurrency) {
		bench_die("--concurrency= is from 1 to %d, and not above --count", CONNECTIONS_MAX);
	}
	bench_call(berth_pki_open(&load.pki, &why));
	bench_chain_read(load.pki, bench_text(argc, argv, "chain", NULL), &load.chain);
	make_request(&load);
	bench_samples_open(&load.samples, load.count);
	for (size_t i = 0; i < concurrency; i++) {
		open_connection(&load.connections[i], port);
	}
	printf("ready\n");
	(void)fflush(stdout);
	(void)getchar();
	int64_t began = bench_now_ns();
	run(&load, concurrency);
	double seconds = (double)(bench_now_ns() - began) / 1e9;
	printf("{\"rate\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"errors\":0}\n",
	       (double)load.count / seconds, bench_samples_ms(&load.samples, 0.5),
	       bench_samples_ms(&load.samples, 0.99));
	bench_samples_close(&load.samples);
	for (size_t i = 0; i < concurrency; i++) {
		(void)close(load.connections[i].fd);
	}
	berth_buf_free(&load.request);
	berth_cert_list_free(&load.chain);
	berth_pki_close(load.pki);
	return 0;
}
