/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/dpp_adopt.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec/dpp_uri.h"
#include "protocol/dpp/enrollee.h"
#include "system/clock.h"

#define ADDRESS_MAX 256

struct adoption {
	struct berth_pki *pki;
	struct berth_random random;
	struct berth_secret scalar; /* of a bootstrapping key for this alone */
	int fd;
	struct berth_dpp_auth *auth;
	struct berth_dpp_enrollee *enrollee;
	struct berth_dpp_backup *backup;
	bool has_backup, is_over;
	uint8_t body[BERTH_DPP_BODY_MAX_BYTES];
};

static struct berth_mono
mono(void)
{
	return berth_clock_now().mono;
}

static enum berth_err
unreachable(struct berth_why *why, const char *address, const char *what)
{
	return berth_fail(why, BERTH_E_UNREACHABLE, "dpp-adopt", NULL, "%.200s: %s", address, what);
}

static enum berth_err
connect_to(const char *address, int *ret, struct berth_why *why)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char host[ADDRESS_MAX];
	const char *colon = strrchr(address, ':');
	size_t n = colon == NULL ? 0 : (size_t)(colon - address);
	bool has_brackets = n >= 2 && address[0] == '[' && address[n - 1] == ']';

	if (n == 0 || n >= sizeof(host))
		return berth_fail(why, BERTH_E_USAGE, "dpp-adopt", NULL,
				  "%.200s is not of the form ADDRESS:PORT", address);
	(void)snprintf(host, sizeof(host), "%.*s", (int)(has_brackets ? n - 2 : n),
		       address + has_brackets);
	int failed = getaddrinfo(host, colon + 1, &hints, &found);
	if (failed != 0)
		return unreachable(why, address, gai_strerror(failed));
	int fd = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, 0);
	bool is_there = fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0;
	int error = errno;
	freeaddrinfo(found);
	if (is_there) {
		*ret = fd;
		return BERTH_OK;
	}
	if (fd >= 0)
		(void)close(fd);
	return unreachable(why, address, strerror(error));
}

/* ---- bodies ---- */

static enum berth_err
send_body(const struct adoption *a, struct berth_bytes body, struct berth_why *why)
{
	BERTH_BUF message = {0};
	enum berth_err err = berth_buf_append_u32(&message, (uint32_t)body.n);

	err = err ? err : berth_buf_append_bytes(&message, body);
	if (err)
		return berth_fail(why, err, "memory", NULL, "out of memory");
	return send(a->fd, message.p, message.n, MSG_NOSIGNAL) == (ssize_t)message.n
		       ? BERTH_OK
		       : unreachable(why, "the other", "it takes nothing more");
}

static enum berth_err
receive(const struct adoption *a, uint8_t *out, size_t n, struct berth_mono end,
	struct berth_why *why)
{
	for (size_t got = 0; got < n;) {
		struct pollfd fd = {.fd = a->fd, .events = POLLIN};
		int64_t left = end.ms - mono().ms;
		if (left <= 0 || poll(&fd, 1, (int)left) != 1)
			return berth_fail(why, BERTH_E_TIMEOUT, "dpp-adopt", NULL,
					  "the other says nothing more");
		ssize_t k = read(a->fd, out + got, n - got);
		if (k <= 0)
			return unreachable(why, "the other", "it closed the connection");
		got += (size_t)k;
	}
	return BERTH_OK;
}

static enum berth_err
receive_body(struct adoption *a, struct berth_mono end, struct berth_bytes *ret,
	     struct berth_why *why)
{
	uint8_t head[4];
	enum berth_err err = receive(a, head, sizeof(head), end, why);
	size_t n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];

	if (!err && (n == 0 || n > sizeof(a->body)))
		err = berth_fail(why, BERTH_E_SYNTAX, "dpp-adopt", NULL,
				 "what the other says is no DPP over TCP");
	err = err ? err : receive(a, a->body, n, end, why);
	*ret = berth_bytes_of(a->body, err ? 0 : n);
	return err;
}

/* ---- machines ---- */

static enum berth_err
begin(struct adoption *a, const struct berth_dpp_bootstrapping *peer, struct berth_why *why)
{
	struct berth_ec_point point;
	struct berth_dpp_auth_conf conf = {
		.pki = a->pki,
		.random = a->random,
		.version = BERTH_DPP_VERSION_MAX,
		.roles = BERTH_DPP_ENROLLEE,
		.has_peer = true,
		.peer = *peer,
	};
	enum berth_err err =
		berth_ec_generate(a->pki, peer->point.curve, &a->random, &a->scalar, &point, why);

	err = err ? err : berth_dpp_bootstrapping_of(a->pki, &point, &conf.own, why);
	return err ? err : berth_dpp_auth_initiate(&conf, mono(), &a->auth, why);
}

static enum berth_err
ask_for_keys(struct adoption *a, struct berth_why *why)
{
	struct berth_dpp_secrets secrets = {0};
	const struct berth_dpp_enrollee_conf conf = {
		.pki = a->pki,
		.random = a->random,
		.request = {.name = BERTH_LIT("berth"), .net_role = BERTH_DPP_NET_CONFIGURATOR},
		.trusts_clock = true,
		.now = berth_clock_now().wall,
	};

	berth_dpp_auth_take(a->auth, &secrets);
	enum berth_err err = berth_dpp_enrollee_start(&conf, &secrets, mono(), &a->enrollee, why);
	berth_dpp_secrets_free(&secrets);
	return err;
}

static enum berth_err
serve_auth(struct adoption *a, bool *has_moved, struct berth_why *why)
{
	struct berth_dpp_auth_event event;
	struct berth_ec_point product = {0};
	enum berth_err err = BERTH_OK;

	while (!err && a->enrollee == NULL && berth_dpp_auth_event(a->auth, &event)) {
		*has_moved = true;
		switch (event.kind) {
		case BERTH_DPP_AUTH_MULTIPLY:
			err = berth_ec_multiply(a->pki, &a->scalar, &event.point, &product, why);
			err = berth_dpp_auth_answer(a->auth, mono(), err, &product, why);
			break;
		case BERTH_DPP_AUTH_DONE:
			err = ask_for_keys(a, why);
			break;
		case BERTH_DPP_AUTH_FAILED:
			*why = event.why;
			return event.why.err;
		case BERTH_DPP_AUTH_PENDING:
		case BERTH_DPP_AUTH_PEER_WANTED:
			break;
		}
	}
	return err;
}

static enum berth_err
take_offer(struct adoption *a, const struct berth_dpp_offer *offer, struct berth_why *why)
{
	enum berth_err err =
		offer->enveloped.n == 0
			? berth_fail(why, BERTH_E_DENIED, "dpp-adopt", "DPP 6.4.7",
				     "the other configures us as a device and gives "
				     "no keys: tell it conf=configurator")
			: berth_dpp_backup_open(a->pki, berth_dpp_enrollee_secrets(a->enrollee),
						offer->enveloped, a->backup, why);

	a->has_backup = !err;
	return err ? err : berth_dpp_enrollee_decide(a->enrollee, mono(), true, why);
}

static enum berth_err
serve_enrollee(struct adoption *a, bool *has_moved, struct berth_why *why)
{
	struct berth_dpp_enrollee_event event;
	enum berth_err err = BERTH_OK;

	while (!err && a->enrollee != NULL && berth_dpp_enrollee_event(a->enrollee, &event)) {
		*has_moved = true;
		switch (event.kind) {
		case BERTH_DPP_OFFERED:
			err = take_offer(a, event.offer, why);
			break;
		case BERTH_DPP_ENROLLED:
			a->is_over = true;
			break;
		case BERTH_DPP_CSR_WANTED:
			return berth_fail(why, BERTH_E_UNSUPPORTED, "dpp-adopt", NULL,
					  "the other wants a certification request of us");
		case BERTH_DPP_ENROLMENT_FAILED:
			*why = event.why;
			return event.why.err;
		}
	}
	return err;
}

static enum berth_err
serve(struct adoption *a, struct berth_why *why)
{
	struct berth_bytes body;
	bool has_moved = true;
	enum berth_err err = BERTH_OK;

	while (!err && has_moved) {
		has_moved = false;
		err = serve_auth(a, &has_moved, why);
		err = err ? err : serve_enrollee(a, &has_moved, why);
		while (!err &&
		       (berth_dpp_auth_output(a->auth, &body) ||
			(a->enrollee != NULL && berth_dpp_enrollee_output(a->enrollee, &body)))) {
			has_moved = true;
			err = send_body(a, body, why);
		}
	}
	return err;
}

static enum berth_err
run(struct adoption *a, struct berth_why *why)
{
	struct berth_mono end = berth_mono_after_ms(mono(), BERTH_DPP_ADOPT_TIMEOUT_MS);
	struct berth_dpp_frame frame;
	struct berth_bytes body;
	enum berth_err err = serve(a, why);

	while (!err && !a->is_over) {
		err = receive_body(a, end, &body, why);
		err = err ? err : berth_dpp_frame_parse(body, &frame, why);
		if (err)
			break;
		err = a->enrollee != NULL
			      ? berth_dpp_enrollee_input(a->enrollee, mono(), &frame, why)
			      : berth_dpp_auth_input(a->auth, mono(), &frame, why);
		err = err ? err : serve(a, why);
	}
	return err;
}

enum berth_err
berth_dpp_adopt(struct berth_pki *pki, const char *address, struct berth_bytes uri,
		struct berth_dpp_backup *ret, struct berth_why *why)
{
	struct berth_dpp_uri code;
	struct berth_dpp_bootstrapping peer;
	struct berth_dpp_backup backup = {0};
	struct adoption *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	*a = (struct adoption){
		.pki = pki, .random = berth_pki_random(pki), .fd = -1, .backup = &backup};
	enum berth_err err = berth_dpp_uri_parse(uri, &code, why);
	err = err ? err
		  : berth_dpp_bootstrapping_parse(pki, berth_bytes_of(code.spki, code.spki_n),
						  &peer, why);
	err = err ? err : connect_to(address, &a->fd, why);
	err = err ? err : begin(a, &peer, why);
	err = err ? err : run(a, why);
	if (a->fd >= 0)
		(void)close(a->fd);
	berth_dpp_enrollee_end(a->enrollee);
	berth_dpp_auth_end(a->auth);
	berth_secret_free(&a->scalar);
	free(a);
	if (err)
		berth_dpp_backup_free(&backup);
	else
		*ret = backup;
	return err;
}
