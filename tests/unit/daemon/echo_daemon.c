/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The smallest daemon on role/daemon, for its tests. Its judge answers:
 *
 *	/echo		the body, with what TLS said of the peer
 *	/wait		not before somebody asks for /release
 *	/release	answers those who wait
 *	/sign		the signer's "signed:" + body; "refuse..." is refused, "unsettled..." signed and then not released
 *	/dial?PORT	what https://localhost:PORT/echo answers to the same body; /dial-certificate?PORT: with ours;
 *			/dial-hasty?PORT: in a third of a second
 *	/fail		in a batch that does not commit
 *	/sign-fail	asks the signer in a batch that does not commit; /dial-fail?PORT likewise
 *	/stall		then the next three batches cannot begin
 *	/crash		ends the judge in the middle of a batch
 *
 * Without TLS: "published" and the body, whatever is asked for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/daemon/daemon.h"
#include "system/files.h"

#define WAITING_MAX 64

struct settings {
	struct berth_daemon_conf daemon;
	const char *anchors;
};

struct echo {
	struct berth_judge *judge;
	struct berth_ticket *waiting[WAITING_MAX];
	uint64_t gone;
	uint64_t unanswered; /* questions to signer and net that nothing was heard of */
	bool fail_next_commit;
	unsigned fail_begins;
	struct berth_buf anchors;
};

static const struct berth_conf_key daemon_keys[] = {
	BERTH_DAEMON_KEYS(struct settings, daemon),
	BERTH_DAEMON_PLAIN_KEYS(struct settings, daemon),
};
static const struct berth_conf_key echo_keys[] = {
	{.name = "anchors",
	 .type = BERTH_CONF_PATH,
	 .offset = offsetof(struct settings, anchors),
	 .help = "PEM; for /dial."},
};
static const struct berth_conf_section sections[] = {
	{.name = "daemon",
	 .is_required = true,
	 .keys = daemon_keys,
	 .key_count = sizeof(daemon_keys) / sizeof(daemon_keys[0])},
	{.name = "echo", .keys = echo_keys, .key_count = 1},
};
static const struct berth_conf_schema schema = {.sections = sections, .section_count = 2};

static enum berth_err
start(struct berth_judge *judge, const void *configuration, void **ret_context,
      struct berth_why *why)
{
	const struct settings *settings = configuration;
	struct echo *echo = calloc(1, sizeof(*echo));
	if (!echo) {
		return berth_fail(why, BERTH_E_MEMORY, "echo", NULL, "out of memory");
	}
	echo->judge = judge;
	enum berth_err err =
		settings->anchors ? berth_file_read(settings->anchors, 65536, &echo->anchors, why)
				  : BERTH_OK;
	*ret_context = echo;
	return err;
}

static void
end(void *context)
{
	struct echo *echo = context;
	berth_buf_free(&echo->anchors);
	free(echo);
}

static enum berth_err
batch_begin(void *context, struct berth_why *why)
{
	struct echo *echo = context;
	if (echo->fail_begins == 0) {
		return BERTH_OK;
	}
	echo->fail_begins--;
	return berth_fail(why, BERTH_E_IO, "echo-begin", NULL, "asked to fail");
}

static enum berth_err
batch_commit(void *context, struct berth_why *why)
{
	struct echo *echo = context;
	if (!echo->fail_next_commit) {
		return BERTH_OK;
	}
	echo->fail_next_commit = false;
	return berth_fail(why, BERTH_E_IO, "echo-commit", NULL, "asked to fail");
}

static void
batch_abort(void *context)
{
	(void)context;
}

static struct berth_ticket **
find_waiting(struct echo *echo, const struct berth_ticket *ticket)
{
	for (size_t i = 0; i < WAITING_MAX; i++) {
		if (echo->waiting[i] == ticket) {
			return &echo->waiting[i];
		}
	}
	return NULL;
}

static void
reply_bytes(struct echo *echo, struct berth_ticket *ticket, int status, struct berth_bytes body)
{
	berth_judge_reply(echo->judge, ticket,
			  &(struct berth_http_response){
				  .status = status,
				  .media_type = BERTH_LIT("application/octet-stream"),
				  .retry_after_s = -1,
				  .body = body,
			  });
}

static void
reply_echo(struct echo *echo, struct berth_ticket *ticket, const struct berth_http_request *http,
	   const struct berth_tls_facts *tls)
{
	BERTH_BUF text = {0};
	enum berth_err err = berth_buf_printf(
		&text, "version=%04x peers=%zu exporter=%zu own=%zu connection=%llu type=%.*s\n",
		tls->version, tls->peer_count, tls->exporter.n, tls->own_certificate.n,
		(unsigned long long)tls->connection, (int)http->media_type.n,
		(const char *)http->media_type.p);
	err = err ? err : berth_buf_append_bytes(&text, http->body);
	reply_bytes(echo, ticket, err ? 500 : 200, berth_buf_view(&text));
}

static void
release(struct echo *echo)
{
	for (size_t i = 0; i < WAITING_MAX; i++) {
		if (echo->waiting[i]) {
			reply_bytes(echo, echo->waiting[i], 200, BERTH_LIT("released\n"));
			echo->waiting[i] = NULL;
		}
	}
}

static void
dial(struct echo *echo, struct berth_ticket *ticket, const struct berth_http_request *http,
     bool with_certificate)
{
	struct berth_dial dial = {
		.host = BERTH_LIT("localhost"),
		.port = (uint16_t)strtoul((const char *)http->query.p, NULL, 10),
		.anchors_pem = berth_buf_view(&echo->anchors),
		.request = *http,
		.with_client_certificate = with_certificate,
		.timeout_ms = berth_bytes_equal_text(http->path, "/dial-hasty") ? 333 : 2000,
		.body_limit_bytes = 65536,
	};
	dial.request.path = BERTH_LIT("/echo");
	dial.request.query = BERTH_BYTES_NONE;
	dial.request.method = BERTH_HTTP_POST;
	echo->unanswered++;
	berth_judge_dial(echo->judge, &dial, (uint64_t)(uintptr_t)ticket);
}

static void
request(void *context, struct berth_ticket *ticket, const struct berth_http_request *http,
	const struct berth_tls_facts *tls, struct berth_bytes peer_address)
{
	struct echo *echo = context;
	(void)peer_address;
	if (berth_bytes_equal_text(http->path, "/echo")) {
		reply_echo(echo, ticket, http, tls);
	} else if (berth_bytes_equal_text(http->path, "/wait")) {
		struct berth_ticket **slot = find_waiting(echo, NULL);
		if (slot) {
			*slot = ticket;
			berth_ticket_set(ticket, echo);
		} else {
			reply_bytes(echo, ticket, 503, BERTH_BYTES_NONE);
		}
	} else if (berth_bytes_equal_text(http->path, "/release")) {
		release(echo);
		reply_bytes(echo, ticket, 200, BERTH_LIT("done\n"));
	} else if (berth_bytes_equal_text(http->path, "/sign")) {
		echo->unanswered++;
		berth_judge_sign(echo->judge, 7, http->body, (uint64_t)(uintptr_t)ticket);
	} else if (berth_bytes_equal_text(http->path, "/sign-fail")) {
		echo->fail_next_commit = true;
		echo->unanswered++;
		berth_judge_sign(echo->judge, 7, http->body, (uint64_t)(uintptr_t)ticket);
	} else if (berth_bytes_equal_text(http->path, "/dial-fail")) {
		echo->fail_next_commit = true;
		dial(echo, ticket, http, false);
	} else if (berth_bytes_equal_text(http->path, "/dial")) {
		dial(echo, ticket, http, false);
	} else if (berth_bytes_equal_text(http->path, "/dial-certificate")) {
		dial(echo, ticket, http, true);
	} else if (berth_bytes_equal_text(http->path, "/dial-hasty")) {
		dial(echo, ticket, http, false);
	} else if (berth_bytes_equal_text(http->path, "/fail")) {
		echo->fail_next_commit = true;
		reply_bytes(echo, ticket, 200, BERTH_LIT("this must never be seen\n"));
	} else if (berth_bytes_equal_text(http->path, "/stall")) {
		echo->fail_begins = 3;
		reply_bytes(echo, ticket, 200, BERTH_BYTES_NONE);
	} else if (berth_bytes_equal_text(http->path, "/crash")) {
		reply_bytes(echo, ticket, 200, BERTH_LIT("this must never be seen\n"));
		_exit(9);
	} else {
		berth_judge_reply_text(echo->judge, ticket, 404, false, "there is nothing here");
	}
}

static void
signature(void *context, uint64_t cookie, enum berth_err err, struct berth_bytes object,
	  const struct berth_why *why)
{
	struct echo *echo = context;
	struct berth_ticket *ticket = (struct berth_ticket *)(uintptr_t)cookie;
	echo->unanswered--;
	if (err) {
		berth_judge_reply_text(echo->judge, ticket, 403, false, why->sentence);
		return;
	}
	reply_bytes(echo, ticket, 200, object);
}

static void
dialled(void *context, uint64_t cookie, const struct berth_http_response *response,
	const struct berth_tls_facts *tls, const struct berth_why *why)
{
	struct echo *echo = context;
	struct berth_ticket *ticket = (struct berth_ticket *)(uintptr_t)cookie;
	(void)tls;
	echo->unanswered--;
	if (response->status == 0) {
		BERTH_BUF text = {0};
		enum berth_err err = berth_buf_printf(&text, "%s: %s\n", why->rule, why->sentence);
		reply_bytes(echo, ticket, err ? 500 : 502, berth_buf_view(&text));
		return;
	}
	reply_bytes(echo, ticket, response->status, response->body);
}

static void
gone(void *context, struct berth_ticket *ticket)
{
	struct echo *echo = context;
	struct berth_ticket **slot = find_waiting(echo, ticket);
	if (slot) {
		*slot = NULL;
		echo->gone++;
	}
}

static void
admin(void *context, struct berth_ticket *ticket, const struct berth_http_request *http,
      const char *user)
{
	struct echo *echo = context;
	(void)http;
	BERTH_BUF text = {0};
	size_t waiting = 0;
	for (size_t i = 0; i < WAITING_MAX; i++) {
		waiting += echo->waiting[i] ? 1 : 0;
	}
	enum berth_err err = berth_buf_printf(
		&text, "{\"user\":\"%s\",\"waiting\":%zu,\"gone\":%llu,\"unanswered\":%llu}\n",
		user, waiting, (unsigned long long)echo->gone,
		(unsigned long long)echo->unanswered);
	reply_bytes(echo, ticket, err ? 500 : 200, berth_buf_view(&text));
}

static void
published(void *context, struct berth_ticket *ticket, const struct berth_http_request *http,
	  struct berth_bytes peer_address)
{
	struct echo *echo = context;
	(void)peer_address;
	BERTH_BUF text = {0};
	enum berth_err err = berth_buf_append_text(&text, "published:");
	err = err ? err : berth_buf_append_bytes(&text, http->body);
	reply_bytes(echo, ticket, err ? 500 : 200, berth_buf_view(&text));
}

static enum berth_err
signer_start(struct berth_pki *pki, const void *configuration, void **ret_context,
	     struct berth_why *why)
{
	(void)pki;
	(void)configuration;
	(void)why;
	*ret_context = NULL;
	return BERTH_OK;
}

static void
signer_end(void *context)
{
	(void)context;
}

static bool cannot_settle;

static enum berth_err
sign(void *context, uint16_t op, struct berth_bytes payload, struct berth_now now,
     struct berth_buf *object, struct berth_why *why)
{
	(void)context;
	(void)now;
	if (op != 7 || berth_bytes_starts_with(payload, "refuse")) {
		return berth_fail(why, BERTH_E_DENIED, "echo-refused", NULL, "not this one");
	}
	if (berth_bytes_starts_with(payload, "unsettled")) {
		cannot_settle = true;
	}
	enum berth_err err = berth_buf_append_text(object, "signed:");
	return err ? err : berth_buf_append_bytes(object, payload);
}

/* As when the disk does not take the signer's log. */
static enum berth_err
settle(void *context, struct berth_why *why)
{
	(void)context;
	if (!cannot_settle) {
		return BERTH_OK;
	}
	cannot_settle = false;
	return berth_fail(why, BERTH_E_DENIED, "echo-unsettled", NULL, "not on the disk");
}

static const struct berth_judge_role judge_role = {
	.start = start,
	.end = end,
	.batch_begin = batch_begin,
	.batch_commit = batch_commit,
	.batch_abort = batch_abort,
	.request = request,
	.published = published,
	.signature = signature,
	.dialled = dialled,
	.gone = gone,
	.admin = admin,
};

static const struct berth_signer_role signer_role = {
	.start = signer_start,
	.end = signer_end,
	.sign = sign,
	.settle = settle,
};

static const struct berth_daemon daemon_of_echo = {
	.name = "echo-daemon",
	.summary = "Answers what it is asked; for tests.",
	.schema = &schema,
	.settings_size = sizeof(struct settings),
	.common_offset = offsetof(struct settings, daemon),
	.judge = &judge_role,
	.signer = &signer_role,
};

int
main(int argc, char **argv)
{
	return berth_daemon_main(&daemon_of_echo, argc, argv);
}
