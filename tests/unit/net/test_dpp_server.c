/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server runs in a child and gives each body back; "0c 01" is answered by the end of the connection, "0c 02" by a dial to the
 * port that its next octets name. What it refuses comes back over a pipe, one line each.
 */
#include "net/dpp_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000

static struct {
	uint16_t port;
	int reports;
	pid_t child;
	struct berth_dpp_server *server; /* in the child */
} my;

static const uint8_t chirp[] = {0x09, 0x50, 0x6f, 0x9a, 0x1a, 0x01, 0x0d, 0x02, 0x10, 0, 0};

static void
on_message(void *context, uint64_t id, struct berth_bytes body, struct berth_bytes address)
{
	(void)address;
	if (body.n >= 2 && body.p[0] == 0x0c && body.p[1] == 1) {
		if (berth_dpp_server_send(my.server, id, body))
			_exit(3);
		berth_dpp_server_cut(my.server, id);
		return;
	}
	if (body.n == 4 && body.p[0] == 0x0c && body.p[1] == 2) {
		berth_dpp_server_dial(my.server, 7, "127.0.0.1",
				      (uint16_t)(body.p[2] << 8 | body.p[3]));
		return;
	}
	if (berth_dpp_server_send(my.server, id, body))
		dprintf(*(int *)context, "late\n");
}

static void
on_gone(void *context, uint64_t id)
{
	(void)id;
	dprintf(*(int *)context, "gone\n");
}

static void
on_dialled(void *context, uint64_t token, uint64_t id, const struct berth_why *why)
{
	if (id == 0) {
		dprintf(*(int *)context, "%s %u\n", why->rule, (unsigned)token);
		return;
	}
	if (berth_dpp_server_send(my.server, id, berth_bytes_of(chirp, sizeof(chirp))))
		_exit(4);
	dprintf(*(int *)context, "connected %u\n", (unsigned)token);
}

static void
on_refused(void *context, struct berth_bytes address, const struct berth_why *why)
{
	dprintf(*(int *)context, "%s %.*s\n", why->rule, (int)address.n, (const char *)address.p);
}

static int
listen_on_loopback(uint16_t *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static void
run_server(int fd, int reports)
{
	struct berth_loop *loop = NULL;
	struct berth_why why = {0};
	const struct berth_dpp_server_conf conf = {
		.connections_max = 4,
		.connections_per_source_max = 3,
		.first_ms = 300,
		.idle_ms = 1000,
		.message = on_message,
		.gone = on_gone,
		.dialled = on_dialled,
		.refused = on_refused,
		.context = &reports,
	};

	if (berth_loop_open(&loop, &why) ||
	    berth_dpp_server_open(loop, &conf, fd, &my.server, &why)) {
		dprintf(reports, "failed: %s\n", why.sentence);
		_exit(1);
	}
	berth_loop_run(loop);
	_exit(0);
}

static int
start(void **state)
{
	int pipes[2];
	int fd = listen_on_loopback(&my.port);

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	my.child = fork();
	assert_true(my.child >= 0);
	if (my.child == 0) {
		close(pipes[0]);
		run_server(fd, pipes[1]);
	}
	close(fd);
	close(pipes[1]);
	my.reports = pipes[0];
	return 0;
}

static int
stop(void **state)
{
	int status = 0;

	(void)state;
	kill(my.child, SIGKILL);
	waitpid(my.child, &status, 0);
	close(my.reports);
	return WIFSIGNALED(status) ? 0 : 1;
}

static int
connect_to(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void
assert_reported(const char *expected)
{
	char line[128] = "";

	for (size_t n = 0; n < sizeof(line) - 1; n++) {
		struct pollfd fd = {.fd = my.reports, .events = POLLIN};
		assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
		assert_int_equal(read(my.reports, line + n, 1), 1);
		if (line[n] == '\n') {
			line[n] = '\0';
			break;
		}
	}
	assert_string_equal(line, expected);
}

/* The next n octets; -1: the other has closed. */
static ssize_t
receive(int fd, uint8_t *p, size_t n)
{
	size_t got = 0;

	while (got < n) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
		ssize_t k = read(fd, p + got, n - got);
		if (k <= 0)
			return -1;
		got += (size_t)k;
	}
	return (ssize_t)n;
}

static size_t
frame(uint8_t *out, const uint8_t *body, size_t n)
{
	out[0] = out[1] = 0;
	out[2] = (uint8_t)(n >> 8);
	out[3] = (uint8_t)n;
	memcpy(out + 4, body, n);
	return 4 + n;
}

static void
assert_echo(int fd, const uint8_t *message, size_t n)
{
	uint8_t got[256];

	assert_int_equal(receive(fd, got, n), n);
	assert_memory_equal(got, message, n);
}

static void
a_message_arrives_however_it_is_cut(void **state)
{
	uint8_t message[64];
	size_t n = frame(message, chirp, sizeof(chirp));

	(void)state;
	int fd = connect_to(my.port);
	for (size_t cut = 1; cut < n; cut++) {
		assert_int_equal(write(fd, message, cut), cut);
		assert_int_equal(write(fd, message + cut, n - cut), n - cut);
		assert_echo(fd, message, n);
	}
	/* two in one segment */
	memcpy(message + n, message, n);
	assert_int_equal(write(fd, message, 2 * n), 2 * n);
	assert_echo(fd, message, 2 * n);
	close(fd);
	assert_reported("gone");
}

static void
the_longest_message_passes(void **state)
{
	static uint8_t message[4 + 65535] = {0, 0, 0xff, 0xff, 0x0b};
	static uint8_t got[sizeof(message)];

	(void)state;
	int fd = connect_to(my.port);
	assert_int_equal(write(fd, message, sizeof(message)), sizeof(message));
	assert_int_equal(receive(fd, got, sizeof(got)), sizeof(got));
	assert_memory_equal(got, message, sizeof(got));
	close(fd);
	assert_reported("gone");
}

static void
assert_cut(const uint8_t *message, size_t n, const char *report)
{
	uint8_t got;
	int fd = connect_to(my.port);

	assert_int_equal(write(fd, message, n), n);
	assert_int_equal(receive(fd, &got, 1), -1);
	close(fd);
	assert_reported(report);
	assert_reported("gone");
}

/* req: dpp-tcp-length, dpp-tcp-kind */
static void
what_cannot_be_a_message_is_cut(void **state)
{
	static const uint8_t too_long[] = {0, 1, 0, 0, 0x0b};
	static const uint8_t empty[] = {0, 0, 0, 0};
	static const uint8_t other[] = {0, 0, 0, 2, 0x0e, 0};
	static const uint8_t short_gas[] = {0, 0, 0, 1, 0x0c};
	static const uint8_t http[] = "GET / HTTP/1.1\r\n";
	static const uint8_t suite[] = {0, 0, 0, 7, 9, 0x50, 0x6f, 0x9a, 0x1a, 2, 0x0d};

	(void)state;
	assert_cut(too_long, sizeof(too_long), "dpp-length 127.0.0.1");
	assert_cut(empty, sizeof(empty), "dpp-length 127.0.0.1");
	assert_cut(http, sizeof(http) - 1, "dpp-length 127.0.0.1");
	assert_cut(other, sizeof(other), "dpp-kind 127.0.0.1");
	assert_cut(short_gas, sizeof(short_gas), "dpp-kind 127.0.0.1");
	assert_cut(suite, sizeof(suite), "dpp-kind 127.0.0.1");
}

/* req: dpp-tcp-slow */
static void
who_does_not_finish_a_message_is_cut(void **state)
{
	static const uint8_t begun[] = {0, 0, 0, 9, 0x0c};

	(void)state;
	assert_cut(begun, sizeof(begun), "dpp-idle 127.0.0.1");
}

static void
a_connection_too_many_is_refused(void **state)
{
	int fds[4];
	uint8_t got;

	(void)state;
	for (int i = 0; i < 4; i++)
		fds[i] = connect_to(my.port);
	assert_reported("limit-source 127.0.0.1");
	assert_int_equal(receive(fds[3], &got, 1), -1);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	for (int i = 0; i < 3; i++)
		assert_reported("gone");
}

static int64_t
now_ms(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* req: dpp-tcp-pace */
/* Nothing is lost, and another connection of the same address does not wait for it. */
static void
who_says_too_much_at_once_is_read_later(void **state)
{
	enum { MORE = 8 };
	uint8_t message[64];
	size_t n = frame(message, chirp, sizeof(chirp));

	(void)state;
	int fast = connect_to(my.port);
	int other = connect_to(my.port);
	int64_t began = now_ms();
	for (int i = 0; i < BERTH_DPP_BURST + MORE; i++)
		assert_int_equal(write(fast, message, n), n);
	for (int i = 0; i < BERTH_DPP_BURST; i++)
		assert_echo(fast, message, n);
	for (int i = 0; i < BERTH_DPP_BURST; i++) {
		assert_int_equal(write(other, message, n), n);
		assert_echo(other, message, n);
	}
	close(other);
	assert_reported("gone");
	for (int i = 0; i < MORE; i++)
		assert_echo(fast, message, n);
	/* less one: the first interval begins with the connection */
	assert_true(now_ms() - began >= (MORE - 1) * BERTH_DPP_BODY_EVERY_MS);
	close(fast);
	assert_reported("gone");
}

/* req: dpp-tcp-last */
/* What came before the end is not read after it. */
static void
who_is_cut_is_not_heard_again(void **state)
{
	static const uint8_t last[] = {0x0c, 1};
	uint8_t messages[64];
	uint8_t got;

	(void)state;
	size_t n = frame(messages, last, sizeof(last));
	size_t all = n + frame(messages + n, chirp, sizeof(chirp));
	int fd = connect_to(my.port);
	assert_int_equal(write(fd, messages, all), all);
	assert_echo(fd, messages, n);
	assert_int_equal(receive(fd, &got, 1), -1);
	close(fd);
	/* nothing was reported of what came after; the server goes on */
	fd = connect_to(my.port);
	assert_int_equal(write(fd, messages + n, all - n), all - n);
	assert_echo(fd, messages + n, all - n);
	close(fd);
	assert_reported("gone");
}

static void
what_was_sent_leaves_before_the_end(void **state)
{
	static const uint8_t body[] = {0x0c, 1};
	uint8_t message[16];
	uint8_t got;
	size_t n = frame(message, body, sizeof(body));

	(void)state;
	int fd = connect_to(my.port);
	assert_int_equal(write(fd, message, n), n);
	assert_echo(fd, message, n);
	assert_int_equal(receive(fd, &got, 1), -1);
	close(fd);
}

static void
a_connection_is_opened_when_it_is_asked_for(void **state)
{
	uint8_t body[4] = {0x0c, 2};
	uint8_t message[64], expected[64];
	uint16_t port = 0;
	int listener = listen_on_loopback(&port);

	(void)state;
	body[2] = (uint8_t)(port >> 8);
	body[3] = (uint8_t)port;
	size_t n = frame(message, body, sizeof(body));
	int fd = connect_to(my.port);
	assert_int_equal(write(fd, message, n), n);
	int there = accept(listener, NULL, NULL);
	assert_true(there >= 0);
	assert_reported("connected 7");
	assert_echo(there, expected, 0);
	n = frame(expected, chirp, sizeof(chirp));
	assert_echo(there, expected, n);
	/* it is a connection like any other */
	assert_int_equal(write(there, expected, n), n);
	assert_echo(there, expected, n);
	close(there);
	assert_reported("gone");
	/* nobody listens there any more */
	close(listener);
	n = frame(message, body, sizeof(body));
	assert_int_equal(write(fd, message, n), n);
	assert_reported("dpp-dial 7");
	close(fd);
	assert_reported("gone");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_message_arrives_however_it_is_cut, start, stop),
		cmocka_unit_test_setup_teardown(the_longest_message_passes, start, stop),
		cmocka_unit_test_setup_teardown(what_cannot_be_a_message_is_cut, start, stop),
		cmocka_unit_test_setup_teardown(who_does_not_finish_a_message_is_cut, start, stop),
		cmocka_unit_test_setup_teardown(a_connection_too_many_is_refused, start, stop),
		cmocka_unit_test_setup_teardown(who_says_too_much_at_once_is_read_later, start,
						stop),
		cmocka_unit_test_setup_teardown(who_is_cut_is_not_heard_again, start, stop),
		cmocka_unit_test_setup_teardown(what_was_sent_leaves_before_the_end, start, stop),
		cmocka_unit_test_setup_teardown(a_connection_is_opened_when_it_is_asked_for, start,
						stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
