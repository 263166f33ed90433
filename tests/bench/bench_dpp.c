/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices of Wi-Fi Easy Connect, many of them, on our own enrollee machines over TCP.
 *
 * usage: bench-dpp make COUNT FILE		keys and codes of that many devices, a line each: scalar, URI
 *	  bench-dpp run FILE PORT AT-ONCE URI	each onboards once: with URI - it announces itself and is asked, else it
 *						asks the Controller of that code; "ready" first, then it waits for a line
 *	  bench-dpp flood FILE PORT SECONDS RATE	announcements, RATE a second, on one connection each: of keys that nobody
 *						knows, every hundredth of the last device of FILE, which goes no further; and every
 *						tenth of a second one of the others of FILE; how long those take
 *	  bench-dpp floor			the operations that an onboarding forces on a Controller, alone
 *
 * What came out is one line of JSON.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/hex.h"
#include "codec/dpp_uri.h"
#include "pki/keystore/keystore.h"
#include "protocol/dpp/enrollee.h"

#define DEVICES_MAX 20000
#define LINE_BYTES 1024
#define WAIT_MS 20000 /* of one device; then it is an error */
#define FLOOR_ROUNDS 2000

struct device {
	struct berth_secret scalar;
	struct berth_dpp_bootstrapping key;
	double ms;
};

struct session {
	struct device *device; /* NULL: free */
	int fd;
	double began;
	struct berth_dpp_auth *auth;
	struct berth_dpp_enrollee *enrollee;
	struct berth_buf in;
	bool is_done;
};

static struct {
	struct berth_pki *pki;
	struct berth_random random;
	struct device devices[DEVICES_MAX];
	size_t count, next, done, errors;
	uint16_t port;
	bool has_controller;
	struct berth_dpp_bootstrapping controller;
} my;

static _Noreturn void
die(const char *what, const struct berth_why *why)
{
	fprintf(stderr, "bench-dpp: %s: %s\n", what, why == NULL ? strerror(errno) : why->sentence);
	exit(1);
}

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct berth_mono
mono(void)
{
	return (struct berth_mono){(int64_t)now_ms()};
}

static void
make(size_t count, const char *path)
{
	FILE *f = fopen(path, "w");
	struct berth_why why = {0};

	if (f == NULL)
		die(path, NULL);
	for (size_t i = 0; i < count; i++) {
		BERTH_SECRET scalar = {0};
		BERTH_BUF spki = {0};
		BERTH_BUF text = {0};
		struct berth_ec_point point;
		char hex[2 * BERTH_EC_COORDINATE_MAX + 1];
		if (berth_ec_generate(my.pki, BERTH_EC_P256, &my.random, &scalar, &point, &why) ||
		    berth_ec_build_spki(&point, BERTH_EC_COMPRESSED, &spki) ||
		    berth_base64_encode(berth_buf_view(&spki), 0, &text))
			die("make", &why);
		fprintf(f, "%s DPP:V:2;K:%.*s;;\n",
			berth_hex_text(berth_bytes_of(scalar.p, scalar.n), hex, sizeof(hex)),
			(int)text.n, (const char *)text.p);
	}
	if (fclose(f) != 0)
		die(path, NULL);
}

static void
load(const char *path)
{
	char line[LINE_BYTES];
	struct berth_why why = {0};
	FILE *f = fopen(path, "r");

	if (f == NULL)
		die(path, NULL);
	while (my.count < DEVICES_MAX && fgets(line, sizeof(line), f) != NULL) {
		struct device *device = &my.devices[my.count++];
		BERTH_BUF scalar = {0};
		struct berth_ec_point point;
		if (berth_hex_decode(berth_bytes_of(line, strcspn(line, " ")), &scalar, &why) ||
		    berth_secret_copy(&device->scalar, berth_buf_view(&scalar)) ||
		    berth_ec_public(my.pki, BERTH_EC_P256, &device->scalar, &point, &why) ||
		    berth_dpp_bootstrapping_of(my.pki, &point, &device->key, &why))
			die(path, &why);
	}
	fclose(f);
}

static void
read_controller(const char *text)
{
	struct berth_dpp_uri uri;
	struct berth_why why = {0};

	if (strcmp(text, "-") == 0)
		return;
	if (berth_dpp_uri_parse(berth_text(text), &uri, &why) ||
	    berth_dpp_bootstrapping_parse(my.pki, berth_bytes_of(uri.spki, uri.spki_n),
					  &my.controller, &why))
		die(text, &why);
	my.has_controller = true;
}

static int
connect_to_controller(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(my.port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		die("connect", NULL);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static bool
send_body(int fd, struct berth_bytes body)
{
	uint8_t message[4 + 8192];

	for (int i = 0; i < 4; i++)
		message[i] = (uint8_t)(body.n >> (24 - 8 * i));
	memcpy(message + 4, body.p, body.n);
	return write(fd, message, 4 + body.n) == (ssize_t)(4 + body.n);
}

static bool
send_chirp(int fd, const uint8_t hash[32])
{
	BERTH_BUF attributes = {0};
	BERTH_BUF body = {0};
	enum berth_err err =
		berth_dpp_put(&attributes, BERTH_DPP_RESPONDER_KEY_HASH, berth_bytes_of(hash, 32));
	const struct berth_dpp_frame frame = {.kind = BERTH_DPP_FRAME_ACTION,
					      .type = BERTH_DPP_PRESENCE_ANNOUNCEMENT,
					      .attributes = berth_buf_view(&attributes)};

	err = err ? err : berth_dpp_frame_build(&frame, &body);
	return !err && send_body(fd, berth_buf_view(&body));
}

static struct berth_dpp_auth_conf
conf_of(const struct session *s)
{
	return (struct berth_dpp_auth_conf){
		.pki = my.pki,
		.random = my.random,
		.version = 2,
		.roles = BERTH_DPP_ENROLLEE,
		.own = s->device->key,
		.has_peer = my.has_controller,
		.peer = my.controller,
	};
}

static void
end_session(struct session *s, bool is_good)
{
	s->device->ms = now_ms() - s->began;
	if (is_good)
		my.done++;
	else
		my.errors++;
	berth_dpp_auth_end(s->auth);
	berth_dpp_enrollee_end(s->enrollee);
	berth_buf_free(&s->in);
	close(s->fd);
	*s = (struct session){.fd = -1};
}

static bool
pump(struct session *s)
{
	struct berth_dpp_auth_event event;
	struct berth_dpp_enrollee_event enrolled;
	struct berth_dpp_secrets secrets;
	struct berth_ec_point product;
	struct berth_bytes body;
	struct berth_why why = {0};
	enum berth_err err = BERTH_OK;

	while (!err && s->auth != NULL && berth_dpp_auth_event(s->auth, &event)) {
		if (event.kind == BERTH_DPP_AUTH_MULTIPLY) {
			err = berth_ec_multiply(my.pki, &s->device->scalar, &event.point, &product,
						&why);
			err = berth_dpp_auth_answer(s->auth, mono(), err, &product, &why);
			continue;
		}
		if (event.kind != BERTH_DPP_AUTH_DONE)
			return false;
		while (berth_dpp_auth_output(s->auth, &body))
			if (!send_body(s->fd, body))
				return false;
		berth_dpp_auth_take(s->auth, &secrets);
		const struct berth_dpp_enrollee_conf conf = {
			.pki = my.pki,
			.random = my.random,
			.request = {.name = BERTH_LIT("load")},
		};
		err = berth_dpp_enrollee_start(&conf, &secrets, mono(), &s->enrollee, &why);
	}
	while (!err && s->auth != NULL && berth_dpp_auth_output(s->auth, &body))
		if (!send_body(s->fd, body))
			return false;
	while (!err && s->enrollee != NULL && berth_dpp_enrollee_event(s->enrollee, &enrolled)) {
		if (enrolled.kind == BERTH_DPP_OFFERED)
			err = berth_dpp_enrollee_decide(s->enrollee, mono(), true, &why);
		else if (enrolled.kind == BERTH_DPP_ENROLLED)
			s->is_done = true;
		else
			return false;
	}
	while (!err && s->enrollee != NULL && berth_dpp_enrollee_output(s->enrollee, &body))
		if (!send_body(s->fd, body))
			return false;
	return !err;
}

static bool
begin(struct session *s)
{
	struct berth_why why = {0};

	s->device = &my.devices[my.next++];
	s->began = now_ms();
	s->fd = connect_to_controller();
	if (!my.has_controller)
		return send_chirp(s->fd, s->device->key.chirp);
	struct berth_dpp_auth_conf conf = conf_of(s);
	return berth_dpp_auth_initiate(&conf, mono(), &s->auth, &why) == BERTH_OK && pump(s);
}

static bool
take_body(struct session *s, struct berth_bytes body)
{
	struct berth_dpp_frame frame;
	struct berth_why why = {0};
	struct berth_dpp_auth_conf conf = conf_of(s);
	enum berth_err err = berth_dpp_frame_parse(body, &frame, &why);

	if (!err && s->enrollee != NULL)
		err = berth_dpp_enrollee_input(s->enrollee, mono(), &frame, &why);
	else if (!err && s->auth != NULL)
		err = berth_dpp_auth_input(s->auth, mono(), &frame, &why);
	else if (!err)
		err = berth_dpp_auth_respond(&conf, mono(), &frame, &s->auth, &why);
	return !err && pump(s);
}

static bool
readable(struct session *s)
{
	uint8_t part[16384];
	ssize_t n = read(s->fd, part, sizeof(part));

	if (n <= 0 || berth_buf_append(&s->in, part, (size_t)n))
		return false;
	while (s->in.n >= 4 && !s->is_done) {
		size_t length = (size_t)s->in.p[2] << 8 | s->in.p[3];
		if (s->in.n < 4 + length)
			return true;
		if (!take_body(s, berth_bytes_of(s->in.p + 4, length)))
			return false;
		memmove(s->in.p, s->in.p + 4 + length, s->in.n - 4 - length);
		s->in.n -= 4 + length;
	}
	return true;
}

/* One look at all sessions; timeout in ms. */
static void
turn(struct session *sessions, size_t n, int timeout)
{
	struct pollfd fds[1024];

	for (size_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){.fd = sessions[i].device == NULL ? -1 : sessions[i].fd,
					 .events = POLLIN};
	if (poll(fds, (nfds_t)n, timeout) < 0)
		die("poll", NULL);
	for (size_t i = 0; i < n; i++) {
		struct session *s = &sessions[i];
		if (s->device == NULL)
			continue;
		bool is_good = fds[i].revents == 0 || readable(s);
		if (!is_good || s->is_done || now_ms() - s->began > WAIT_MS)
			end_session(s, is_good && s->is_done);
	}
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
report(double seconds)
{
	static double ms[DEVICES_MAX];
	struct rusage usage;
	size_t n = my.done + my.errors;

	for (size_t i = 0; i < n; i++)
		ms[i] = my.devices[i].ms;
	qsort(ms, n, sizeof(ms[0]), by_size);
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"devices\": %zu, \"errors\": %zu, \"seconds\": %.3f, \"rate\": %.1f, "
	       "\"p50_ms\": %.2f, \"p99_ms\": %.2f}\n",
	       my.done, my.errors, seconds, (double)my.done / seconds, n == 0 ? 0 : ms[n / 2],
	       n == 0 ? 0 : ms[n * 99 / 100]);
}

static void
wait_for_word(void)
{
	char line[16];

	printf("ready\n");
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin) == NULL)
		exit(1);
}

static void
run(size_t at_once)
{
	static struct session sessions[1024];
	double start;

	wait_for_word();
	start = now_ms();
	while (my.done + my.errors < my.count) {
		for (size_t i = 0; i < at_once; i++) {
			if (sessions[i].device == NULL && my.next < my.count &&
			    !begin(&sessions[i]))
				end_session(&sessions[i], false);
		}
		turn(sessions, at_once, 100);
	}
	report((now_ms() - start) / 1e3);
}

#define FLOOD_SOCKETS 300

/*
 * Strangers: each announcement is of another key, on a connection that the Controller cuts. One device's announcement is said again
 * and again, by whoever heard it.
 */
static void
flood(double seconds, double rate)
{
	static struct session sessions[16];
	static int strangers[FLOOD_SOCKETS];
	double start = now_ms();
	double sent = 0;
	size_t at = 0;
	double next_device = start;
	const size_t others = my.count - 1;

	memset(strangers, -1, sizeof(strangers));
	while (now_ms() - start < seconds * 1e3 || my.done + my.errors < my.next) {
		double elapsed = now_ms() - start;
		while (elapsed < seconds * 1e3 && sent < elapsed / 1e3 * rate) {
			uint8_t hash[32];
			if (at % 100 == 0)
				memcpy(hash, my.devices[others].key.chirp, sizeof(hash));
			else
				berth_random_fill(&my.random, hash, sizeof(hash));
			if (strangers[at] >= 0)
				close(strangers[at]);
			strangers[at] = connect_to_controller();
			if (!send_chirp(strangers[at], hash))
				my.errors++;
			at = (at + 1) % FLOOD_SOCKETS;
			sent++;
		}
		for (size_t i = 0; i < 16; i++) {
			if (sessions[i].device == NULL && my.next < others &&
			    elapsed < seconds * 1e3 && now_ms() >= next_device) {
				next_device += 100;
				if (!begin(&sessions[i]))
					end_session(&sessions[i], false);
			}
		}
		turn(sessions, 16, 1);
	}
	fprintf(stderr, "bench-dpp: %.0f strangers, %.0f a second\n", sent,
		sent / (now_ms() - start) * 1e3);
	report((now_ms() - start) / 1e3);
}

/* A Controller that was announced to: its protocol key, M, N, and one signature; one that is asked multiplies once more, for L. */
static double
measure_floor(bool is_mutual)
{
	BERTH_KEY *c_sign = NULL;
	BERTH_SECRET scalar = {0};
	struct berth_ec_point point, product;
	struct berth_why why = {0};
	struct timespec before, after;

	if (berth_keystore_ephemeral(my.pki, "P-256", &c_sign, &why) ||
	    berth_ec_generate(my.pki, BERTH_EC_P256, &my.random, &scalar, &point, &why))
		die("floor", &why);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	for (int i = 0; i < FLOOR_ROUNDS; i++) {
		BERTH_SECRET own = {0};
		BERTH_BUF signature = {0};
		struct berth_ec_point public;
		if (berth_ec_generate(my.pki, BERTH_EC_P256, &my.random, &own, &public, &why) ||
		    berth_ec_multiply(my.pki, &own, &point, &product, &why) ||
		    berth_ec_multiply(my.pki, &own, &product, &public, &why) ||
		    berth_ec_sign(c_sign, BERTH_LIT("header.payload"), &signature, &why))
			die("floor", &why);
		if (is_mutual && berth_ec_multiply(my.pki, &scalar, &public, &product, &why))
			die("floor", &why);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	return ((double)(after.tv_sec - before.tv_sec) * 1e3 +
		(double)(after.tv_nsec - before.tv_nsec) / 1e6) /
	       FLOOR_ROUNDS;
}

int
main(int argc, char **argv)
{
	struct berth_why why = {0};

	if (berth_pki_open(&my.pki, &why))
		die("start", &why);
	my.random = berth_pki_random(my.pki);
	if (argc == 4 && strcmp(argv[1], "make") == 0) {
		make((size_t)atol(argv[2]), argv[3]);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "floor") == 0) {
		printf("{\"announced_ms\": %.6f, \"asking_ms\": %.6f}\n", measure_floor(false),
		       measure_floor(true));
		return 0;
	}
	if (argc != 6) {
		fprintf(stderr, "usage: see the head of tests/bench/bench_dpp.c\n");
		return 2;
	}
	load(argv[2]);
	my.port = (uint16_t)atoi(argv[3]);
	if (strcmp(argv[1], "flood") == 0) {
		flood(atof(argv[4]), atof(argv[5]));
		return my.errors == 0 ? 0 : 1;
	}
	read_controller(argv[5]);
	run((size_t)atol(argv[4]));
	return my.errors == 0 ? 0 : 1;
}
