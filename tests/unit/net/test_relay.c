/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The relay runs in a child; the test is device and registrar at once, with plain blocking sockets. Reports of the relay come back
 * over a pipe, one line each.
 */
#include "net/relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000 /* nothing here waits this long unless it is broken */

struct world {
	int registrar; /* listens */
	uint16_t relay_port;
	int reports;
	pid_t child;
	struct berth_relay_conf conf;
	struct berth_relay_target targets[2];
	size_t target_count;
};

static int
listen_on_loopback(uint16_t *ret_port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

static void
report_end(void *context, const struct berth_relay_report *report)
{
	dprintf(*(int *)context, "%s up %llu down %llu\n", berth_relay_end_name(report->end),
		(unsigned long long)report->up_bytes, (unsigned long long)report->down_bytes);
}

static void
report_refusal(void *context, const char *source, const struct berth_why *why)
{
	dprintf(*(int *)context, "%s from %s\n", why->rule, source);
}

static void
run_relay(struct world *world, int fd, int reports)
{
	struct berth_loop *loop = NULL;
	struct berth_relay *relay = NULL;
	struct berth_why why = {0};

	world->conf.ended = report_end;
	world->conf.refused = report_refusal;
	world->conf.context = &reports;
	if (berth_loop_open(&loop, &why) ||
	    berth_relay_open(loop, &world->conf, fd, &relay, &why) ||
	    berth_relay_set_targets(relay, world->targets, world->target_count, &why)) {
		dprintf(reports, "failed: %s\n", why.sentence);
		_exit(1);
	}
	berth_loop_run(loop);
	_exit(0);
}

static int
setup(void **state)
{
	struct world *world = calloc(1, sizeof *world);
	uint16_t port = 0;

	signal(SIGPIPE, SIG_IGN);
	world->registrar = listen_on_loopback(&port);
	snprintf(world->targets[0].address, sizeof world->targets[0].address, "127.0.0.1");
	world->targets[0].port = port;
	world->target_count = 1;
	world->conf = (struct berth_relay_conf){
		.connections_max = 8,
		.connections_per_source_max = 8,
		.connect_timeout_ms = PATIENCE_MS,
		.idle_timeout_ms = PATIENCE_MS,
		.total_timeout_ms = PATIENCE_MS,
		.progress_window_ms = PATIENCE_MS,
		.progress_min_bytes = 16,
	};
	*state = world;
	return 0;
}

/* After the test has changed world->conf. */
static void
start(struct world *world)
{
	int pipe_fds[2];
	int fd = listen_on_loopback(&world->relay_port);

	assert_int_equal(pipe(pipe_fds), 0);
	world->child = fork();
	assert_true(world->child >= 0);
	if (world->child == 0) {
		close(pipe_fds[0]);
		close(world->registrar);
		run_relay(world, fd, pipe_fds[1]);
	}
	close(fd);
	close(pipe_fds[1]);
	world->reports = pipe_fds[0];
}

static int
teardown(void **state)
{
	struct world *world = *state;

	if (world->child > 0) {
		kill(world->child, SIGKILL);
		waitpid(world->child, NULL, 0);
		close(world->reports);
	}
	close(world->registrar);
	free(world);
	return 0;
}

static void
wait_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
}

static int
dial(const struct world *world)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(world->relay_port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static int
take(const struct world *world)
{
	wait_readable(world->registrar);
	int fd = accept4(world->registrar, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void
say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void
hear(int fd, const char *text)
{
	char got[64];
	size_t n = 0;

	while (n < strlen(text)) {
		wait_readable(fd);
		ssize_t r = recv(fd, got + n, sizeof got - n, 0);
		assert_true(r > 0);
		n += (size_t)r;
	}
	assert_int_equal(n, strlen(text));
	assert_memory_equal(got, text, n);
}

/* End of data, orderly or not. */
static void
hear_end(int fd)
{
	char c;

	wait_readable(fd);
	assert_true(recv(fd, &c, 1, 0) <= 0);
}

static void
expect_report(const struct world *world, const char *line)
{
	char got[128];
	size_t n = 0;

	do {
		wait_readable(world->reports);
		assert_int_equal(read(world->reports, got + n, 1), 1);
	} while (got[n++] != '\n' && n < sizeof got - 1);
	got[n - 1] = '\0';
	assert_string_equal(got, line);
}

static void
relays_bytes_both_ways(void **state)
{
	struct world *world = *state;

	start(world);
	int device = dial(world);
	int registrar = take(world);
	say(device, "hello");
	hear(registrar, "hello");
	say(registrar, "you");
	hear(device, "you");
	close(device);
	hear_end(registrar);
	close(registrar);
	expect_report(world, "done up 5 down 3");
}

static void
passes_on_a_half_close_and_what_follows(void **state)
{
	struct world *world = *state;

	start(world);
	int device = dial(world);
	int registrar = take(world);
	say(device, "request");
	shutdown(device, SHUT_WR);
	hear(registrar, "request");
	hear_end(registrar);
	say(registrar, "late answer");
	hear(device, "late answer");
	shutdown(registrar, SHUT_WR);
	hear_end(device);
	expect_report(world, "done up 7 down 11");
	close(device);
	close(registrar);
}

/* The receiver does not read at first: the sender must come to a halt, then everything must arrive in order. */
/* req: rfc8995-4.1-j2 */
static void
holds_the_sender_back_and_loses_nothing(void **state)
{
	enum { TOTAL = 16 << 20 };
	struct world *world = *state;
	static uint8_t block[65536];
	size_t received = 0;

	start(world);
	int device = dial(world);
	int registrar = take(world);
	pid_t sender = fork();
	assert_true(sender >= 0);
	if (sender == 0) {
		for (size_t sent = 0; sent < TOTAL; sent += sizeof block) {
			for (size_t i = 0; i < sizeof block; i++)
				block[i] = (uint8_t)((sent + i) * 2654435761u >> 13);
			for (size_t at = 0; at < sizeof block;) {
				ssize_t r =
					send(device, block + at, sizeof block - at, MSG_NOSIGNAL);
				if (r <= 0)
					_exit(1);
				at += (size_t)r;
			}
		}
		_exit(0);
	}
	close(device);
	while (received < TOTAL) {
		wait_readable(registrar);
		ssize_t r = recv(registrar, block, sizeof block, 0);
		assert_true(r > 0);
		for (size_t i = 0; i < (size_t)r; i++)
			assert_int_equal(block[i], (uint8_t)((received + i) * 2654435761u >> 13));
		received += (size_t)r;
	}
	hear_end(registrar);
	close(registrar);
	expect_report(world, "done up 16777216 down 0");
	int status = -1;
	assert_int_equal(waitpid(sender, &status, 0), sender);
	assert_int_equal(status, 0);
}

/* req: rfc8995-4.1-j3 */
static void
refuses_more_than_one_source_may_have(void **state)
{
	struct world *world = *state;

	world->conf.connections_per_source_max = 1;
	start(world);
	int first = dial(world);
	int registrar = take(world);
	int second = dial(world);
	hear_end(second);
	expect_report(world, "relay-limit-source from 127.0.0.1");
	say(first, "still here");
	hear(registrar, "still here");
	/* The control: once the first has gone, the next one gets through. */
	close(first);
	hear_end(registrar);
	close(registrar);
	expect_report(world, "done up 10 down 0");
	int third = dial(world);
	registrar = take(world);
	close(second);
	close(third);
	close(registrar);
}

static void
refuses_more_than_it_relays_in_total(void **state)
{
	struct world *world = *state;

	world->conf.connections_max = 1;
	start(world);
	int first = dial(world);
	int registrar = take(world);
	int second = dial(world);
	hear_end(second);
	expect_report(world, "relay-limit-total from 127.0.0.1");
	close(first);
	close(second);
	close(registrar);
}

/* req: rfc8995-4.1-j1 */
static void
refuses_when_no_registrar_is_known(void **state)
{
	struct world *world = *state;

	world->target_count = 0;
	start(world);
	int device = dial(world);
	hear_end(device);
	expect_report(world, "relay-no-target from 127.0.0.1");
	close(device);
}

static void
takes_the_next_registrar_when_one_is_away(void **state)
{
	struct world *world = *state;
	uint16_t dead = 0;

	close(listen_on_loopback(&dead));
	world->targets[1] = world->targets[0];
	world->targets[0].port = dead;
	world->target_count = 2;
	start(world);
	int device = dial(world);
	int registrar = take(world);
	say(device, "hello");
	hear(registrar, "hello");
	close(device);
	close(registrar);
}

static void
says_when_no_registrar_answers(void **state)
{
	struct world *world = *state;
	uint16_t dead = 0;

	close(listen_on_loopback(&dead));
	world->targets[0].port = dead;
	start(world);
	int device = dial(world);
	hear_end(device);
	expect_report(world, "unreachable up 0 down 0");
	close(device);
}

static void
cuts_an_idle_connection(void **state)
{
	struct world *world = *state;

	world->conf.idle_timeout_ms = 50;
	start(world);
	int device = dial(world);
	int registrar = take(world);
	hear_end(device);
	hear_end(registrar);
	expect_report(world, "idle up 0 down 0");
	close(device);
	close(registrar);
}

static void
cuts_a_connection_after_its_total_time(void **state)
{
	struct world *world = *state;

	world->conf.total_timeout_ms = 100;
	start(world);
	int device = dial(world);
	int registrar = take(world);
	/* Busy all the time, so that neither idleness nor trickling ends it. */
	for (;;) {
		struct pollfd p = {.fd = device, .events = POLLIN};
		if (send(device, "0123456789abcdef0123456789abcdef", 32, MSG_NOSIGNAL) != 32)
			break;
		if (poll(&p, 1, 1) == 1)
			break;
	}
	char line[64];
	wait_readable(world->reports);
	ssize_t n = read(world->reports, line, sizeof line);
	assert_true(n > 6 && memcmp(line, "total ", 6) == 0);
	close(device);
	close(registrar);
}

/* One byte at a time keeps the idle timer away for ever. */
/* req: rfc8995-4.1-j3 */
static void
cuts_a_source_that_trickles(void **state)
{
	struct world *world = *state;

	world->conf.progress_window_ms = 30;
	start(world);
	int device = dial(world);
	int registrar = take(world);
	for (;;) {
		struct pollfd p = {.fd = device, .events = POLLIN};
		if (send(device, "x", 1, MSG_NOSIGNAL) != 1 || poll(&p, 1, 20) == 1)
			break;
	}
	char line[64];
	wait_readable(world->reports);
	ssize_t n = read(world->reports, line, sizeof line);
	assert_true(n > 8 && memcmp(line, "trickle ", 8) == 0);
	close(device);
	close(registrar);
}

/* The control: as slow, but with enough in each window; the registrar's side may be as slow as it likes. */
static void
leaves_a_source_alone_that_makes_progress(void **state)
{
	struct world *world = *state;
	int windows = 0;

	world->conf.progress_window_ms = 30;
	start(world);
	int device = dial(world);
	int registrar = take(world);
	while (windows++ < 10) {
		struct pollfd p = {.fd = device, .events = POLLIN};
		say(device, "0123456789abcdef");
		assert_int_equal(poll(&p, 1, 35), 0);
	}
	say(registrar, "answer");
	hear(device, "answer");
	shutdown(device, SHUT_WR);
	close(device);
	close(registrar);
}

#define RELAY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RELAY_TEST(relays_bytes_both_ways),
		RELAY_TEST(passes_on_a_half_close_and_what_follows),
		RELAY_TEST(holds_the_sender_back_and_loses_nothing),
		RELAY_TEST(refuses_more_than_one_source_may_have),
		RELAY_TEST(refuses_more_than_it_relays_in_total),
		RELAY_TEST(refuses_when_no_registrar_is_known),
		RELAY_TEST(takes_the_next_registrar_when_one_is_away),
		RELAY_TEST(says_when_no_registrar_answers),
		RELAY_TEST(cuts_an_idle_connection),
		RELAY_TEST(cuts_a_connection_after_its_total_time),
		RELAY_TEST(cuts_a_source_that_trickles),
		RELAY_TEST(leaves_a_source_alone_that_makes_progress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
