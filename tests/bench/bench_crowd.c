/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: bench-crowd --port=N --idle=N --slow=N [--sources=N]
 *
 * Holds IDLE connections to a server that have done their TLS handshake and ask nothing, and SLOW ones that send a request
 * a byte a second, from SOURCES addresses (127.1.0.1 ...) on loopback. A connection that the server ends is opened again at
 * once. Prints "ready" when all are there, stays until its input ends, and then prints one line of JSON.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/bench.h"

#define HANDSHAKES_MAX 64 /* at one time: this is no test of handshakes */
#define EVENTS 256
#define TURN_MS 20
#define BYTE_NS 1000000000LL
#define SPARE_FDS 64
#define SOURCE_FIRST 0x7f010001U /* 127.1.0.1 */

static const char slow_request[] =
	"POST /.well-known/brski/requestvoucher HTTP/1.1\r\nHost: localhost\r\n"
	"Content-Type: application/voucher-cms+json\r\nContent-Length: 4096\r\n\r\n";

struct connection {
	int fd; /* -1: not open */
	SSL *ssl;
	bool is_slow, is_up;
	size_t sent;
	int64_t next_byte_ns;
};

struct crowd {
	SSL_CTX *ctx;
	int epoll;
	uint16_t port;
	size_t idle, count, sources, next, up, shaking;
	size_t ended_idle, ended_slow, ended_early, bytes;
	bool is_said;
	struct connection *connections;
};

static void
raise_limit(size_t wanted)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < wanted) {
		bench_die("bench-crowd: %zu descriptors are needed; allow them (ulimit -Hn)",
			  wanted);
	}
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
		bench_die("bench-crowd: the limit of descriptors cannot be raised");
	}
}

static void
watch(struct crowd *crowd, struct connection *connection, int operation, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = connection};
	if (epoll_ctl(crowd->epoll, operation, connection->fd, &event) != 0) {
		bench_die("bench-crowd: epoll: %s", strerror(errno));
	}
}

static void
open_one(struct crowd *crowd, struct connection *connection)
{
	size_t number = (size_t)(connection - crowd->connections);
	const struct sockaddr_in from = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(SOURCE_FIRST + (uint32_t)(number % crowd->sources)),
	};
	const struct sockaddr_in to = {.sin_family = AF_INET,
				       .sin_port = htons(crowd->port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int on = 1;
	connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connection->fd < 0 ||
	    setsockopt(connection->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) != 0 ||
	    bind(connection->fd, (const struct sockaddr *)&from, sizeof(from)) != 0 ||
	    (connect(connection->fd, (const struct sockaddr *)&to, sizeof(to)) != 0 &&
	     errno != EINPROGRESS)) {
		bench_die("bench-crowd: cannot connect: %s", strerror(errno));
	}
	connection->ssl = SSL_new(crowd->ctx);
	if (!connection->ssl || SSL_set_fd(connection->ssl, connection->fd) != 1) {
		bench_die("out of memory");
	}
	SSL_set_connect_state(connection->ssl);
	connection->sent = 0;
	crowd->shaking++;
	watch(crowd, connection, EPOLL_CTL_ADD, EPOLLOUT);
}

static void
close_one(struct crowd *crowd, struct connection *connection)
{
	if (connection->fd < 0) {
		return;
	}
	if (!connection->is_up) {
		crowd->shaking--;
		crowd->ended_early++;
	} else if (connection->is_slow) {
		crowd->ended_slow++;
	} else {
		crowd->ended_idle++;
	}
	crowd->up -= connection->is_up;
	connection->is_up = false;
	SSL_free(connection->ssl);
	(void)close(connection->fd);
	connection->fd = -1;
}

static void
shake(struct crowd *crowd, struct connection *connection)
{
	int status = SSL_do_handshake(connection->ssl);
	if (status == 1) {
		crowd->shaking--;
		crowd->up++;
		connection->is_up = true;
		connection->next_byte_ns = bench_now_ns();
		watch(crowd, connection, EPOLL_CTL_MOD, EPOLLIN);
		return;
	}
	int error = SSL_get_error(connection->ssl, status);
	if (error == SSL_ERROR_WANT_READ) {
		watch(crowd, connection, EPOLL_CTL_MOD, EPOLLIN);
	} else if (error == SSL_ERROR_WANT_WRITE) {
		watch(crowd, connection, EPOLL_CTL_MOD, EPOLLOUT);
	} else {
		close_one(crowd, connection);
	}
}

static void
take(struct crowd *crowd, struct connection *connection)
{
	char bytes[1024];
	if (!connection->is_up) {
		shake(crowd, connection);
		return;
	}
	int n = SSL_read(connection->ssl, bytes, sizeof(bytes));
	if (n <= 0 && SSL_get_error(connection->ssl, n) != SSL_ERROR_WANT_READ) {
		close_one(crowd, connection);
	}
}

static void
send_bytes(struct crowd *crowd, int64_t now)
{
	for (size_t i = crowd->idle; i < crowd->count; i++) {
		struct connection *slow = &crowd->connections[i];
		if (!slow->is_up || slow->next_byte_ns > now) {
			continue;
		}
		const char *byte =
			slow->sent < sizeof(slow_request) - 1 ? &slow_request[slow->sent] : "a";
		slow->next_byte_ns = now + BYTE_NS;
		slow->sent++;
		if (SSL_write(slow->ssl, byte, 1) == 1) {
			crowd->bytes++;
		} else {
			close_one(crowd, slow);
		}
	}
}

/* Whoever is not there comes, or comes again. */
static void
open_more(struct crowd *crowd)
{
	for (size_t i = 0; i < crowd->count && crowd->shaking < HANDSHAKES_MAX; i++) {
		struct connection *connection = &crowd->connections[crowd->next];
		crowd->next = (crowd->next + 1) % crowd->count;
		if (connection->fd < 0) {
			open_one(crowd, connection);
		}
	}
}

static bool
is_over(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	return poll(&input, 1, 0) > 0;
}

static void
prepare(struct crowd *crowd)
{
	raise_limit(crowd->count + SPARE_FDS);
	crowd->ctx = SSL_CTX_new(TLS_client_method());
	crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
	crowd->connections = calloc(crowd->count, sizeof(struct connection));
	if (!crowd->ctx || crowd->epoll < 0 || !crowd->connections) {
		bench_die("out of memory");
	}
	(void)SSL_CTX_set_mode(crowd->ctx, SSL_MODE_RELEASE_BUFFERS);
	for (size_t i = 0; i < crowd->count; i++) {
		crowd->connections[i].fd = -1;
		crowd->connections[i].is_slow = i >= crowd->idle;
	}
}

static void
turn(struct crowd *crowd)
{
	struct epoll_event events[EVENTS];
	open_more(crowd);
	int n = epoll_wait(crowd->epoll, events, EVENTS, TURN_MS);
	for (int i = 0; i < n; i++) {
		take(crowd, events[i].data.ptr);
	}
	send_bytes(crowd, bench_now_ns());
	if (!crowd->is_said && crowd->up == crowd->count) {
		crowd->is_said = true;
		(void)puts("ready");
		(void)fflush(stdout);
	}
}

int
main(int argc, char **argv)
{
	struct crowd crowd = {
		.port = (uint16_t)bench_number(argc, argv, "port", NULL),
		.idle = bench_number(argc, argv, "idle", NULL),
		.sources = bench_number(argc, argv, "sources", "64"),
	};
	crowd.count = crowd.idle + bench_number(argc, argv, "slow", NULL);
	prepare(&crowd);
	while (!is_over()) {
		turn(&crowd);
	}
	size_t up_idle = 0, up_slow = 0;
	for (size_t i = 0; i < crowd.count; i++) {
		up_idle += crowd.connections[i].is_up && !crowd.connections[i].is_slow;
		up_slow += crowd.connections[i].is_up && crowd.connections[i].is_slow;
	}
	(void)printf("{\"idle\": %zu, \"slow\": %zu, \"ended_idle\": %zu, \"ended_slow\": %zu, "
		     "\"ended_early\": %zu, \"bytes\": %zu}\n",
		     up_idle, up_slow, crowd.ended_idle, crowd.ended_slow, crowd.ended_early,
		     crowd.bytes);
	for (size_t i = 0; i < crowd.count; i++) {
		close_one(&crowd, &crowd.connections[i]);
	}
	free(crowd.connections);
	(void)close(crowd.epoll);
	SSL_CTX_free(crowd.ctx);
	return 0;
}
