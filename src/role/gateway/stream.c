/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/gateway/stream.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "net/http.h"
#include "protocol/gateway/relayed.h"
#include "role/device/conf.h"
#include "role/gateway/held.h"
#include "role/gateway/identity.h"
#include "system/clock.h"
#include "system/files.h"
#include "system/random.h"

#define CONNECT_TIMEOUT_MS 10000
#define ANSWER_TIMEOUT_MS                                                                          \
	20000		     /* of a report, and beyond half the lease of a question that waits */
#define LEASE_UNKNOWN_S 3600 /* until the first answer says it */
#define ONBOARDING_MS 1000   /* between two looks at berth-device's state */
#define BACKOFF_MIN_MS 500
#define BACKOFF_MAX_MS 30000
#define SAME_AGAIN_MS 1000 /* an answer without news is not asked for again sooner */
#define UNTOLD_MAX                                                                                 \
	1024 /* relayed connections, while the registrar cannot be told of them: 32 KiB */
#define BODY_MAX BERTH_GATEWAY_STATE_BYTES(BERTH_GATEWAY_PAGE_DEVICES)

struct connection {
	struct berth_gateway_stream *stream;
	struct berth_tls_client *tls;
	struct berth_http_client *http;
	void (*ready)(struct berth_gateway_stream *stream);
	void (*failed)(struct berth_gateway_stream *stream, const struct berth_why *why);
};

struct berth_gateway_stream {
	struct berth_gateway_stream_conf conf;
	const struct berth_gateway_conf *settings;
	struct berth_pki *pki;
	struct berth_gateway_identity identity;
	bool has_identity;
	struct connection news;
	struct connection reports;
	struct berth_timer *again; /* dial, or ask, whichever is next */
	struct berth_timer *lease;
	int64_t backoff_ms;
	enum berth_gateway_stream_state state;
	struct berth_desired_state held;
	struct berth_desired_state
		got; /* newer, and not whole yet; empty when no page is awaited */
	bool has_lease;
	struct berth_mono asked_at;
	struct berth_mono lease_until;
	bool may_proxy;
	uint8_t untold[UNTOLD_MAX][BERTH_TLS_RANDOM_BYTES]; /* the oldest first */
	size_t untold_count;
	size_t being_told;
	int64_t never_told;
	int lock;
	char query[64];
	struct berth_buf report;
};

/* ---- what follows from it ---- */

/* req: gateway-own-identity, gateway-lease */
static bool
may_proxy(const struct berth_gateway_stream *stream)
{
	const bool is_leased = stream->has_lease && berth_clock_mono().ms < stream->lease_until.ms;

	switch (stream->state) {
	case BERTH_GATEWAY_STREAM_UP:
	case BERTH_GATEWAY_STREAM_AWAY:
		return is_leased || (stream->settings->when_away == BERTH_GATEWAY_KEEP &&
				     stream->held.generation > 0);
	case BERTH_GATEWAY_STREAM_ONBOARDING:
	case BERTH_GATEWAY_STREAM_REFUSED:
		break;
	}
	return false;
}

static void
settle(struct berth_gateway_stream *stream)
{
	const bool may = may_proxy(stream);
	struct berth_why why;
	const struct berth_gateway_status status = {
		.stream = stream->state,
		.is_proxying = may,
		.lease_until = stream->has_lease ? stream->lease_until : (struct berth_mono){0},
		.never_told = stream->never_told,
	};

	if (berth_gateway_status_save(stream->settings->directory, &status, &why))
		berth_log_why(stream->conf.log, BERTH_LOG_WARNING, "gateway.status-not-written",
			      &why, NULL);
	if (may == stream->may_proxy)
		return;
	stream->may_proxy = may;
	stream->conf.allowed(stream->conf.context, may);
}

static void
move(struct berth_gateway_stream *stream, enum berth_gateway_stream_state state)
{
	char generation[24];

	if (state != stream->state) {
		snprintf(generation, sizeof generation, "%lld", (long long)stream->held.generation);
		berth_log(stream->conf.log, BERTH_LOG_NOTICE, "stream.state", "state",
			  berth_gateway_stream_state_name(state), "generation", generation, NULL);
	}
	stream->state = state;
	settle(stream);
}

static void
on_lease_over(void *context)
{
	struct berth_gateway_stream *stream = context;

	settle(stream);
}

/* ---- connections ---- */

static void
hang_up(struct connection *connection)
{
	berth_http_client_close(connection->http);
	if (connection->tls)
		berth_tls_client_close(connection->tls);
	connection->http = NULL;
	connection->tls = NULL;
}

/* The TLS client has checked that it is of our owner's CA; of that CA are devices too. */
static enum berth_err
check_registrar(struct berth_gateway_stream *stream, const struct berth_tls_facts *tls,
		struct berth_why *why)
{
	BERTH_CERT_LIST chain = {0};
	bool has_eku = false;
	enum berth_err err = berth_cert_list_from_chain(stream->pki, tls->peer_chain,
							tls->peer_count, &chain, why);

	if (err)
		return err;
	if (berth_cert_eku(chain.at[0], &has_eku) & BERTH_EKU_CMC_RA && has_eku)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_UNTRUSTED, "gateway-no-cmc-ra", "RFC 8995 5.6.2",
			  "the certificate %.80s is of our owner, but not a registrar's: it lacks "
			  "the purpose id-kp-cmcRA",
			  berth_cert_subject_text(chain.at[0]));
}

static void
on_connected(void *context, const struct berth_tls_facts *tls, const struct berth_why *failure)
{
	struct connection *connection = context;
	struct berth_why why = {0};

	if (failure)
		why = *failure;
	else if (check_registrar(connection->stream, tls, &why) == BERTH_OK) {
		connection->ready(connection->stream);
		return;
	}
	connection->failed(connection->stream, &why);
}

static enum berth_err
find_registrar(const struct berth_gateway_stream *stream, struct berth_pledge_candidate *ret,
	       struct berth_why *why)
{
	*ret = stream->identity.registrar;
	return stream->settings->registrar
		       ? berth_device_candidate_parse(stream->settings->registrar, ret, why)
		       : BERTH_OK;
}

static enum berth_err
dial(struct connection *connection, struct berth_why *why)
{
	struct berth_gateway_stream *stream = connection->stream;
	struct berth_pledge_candidate registrar;
	const struct berth_tls_client_conf tls = {
		.pki = stream->pki,
		.chain = &stream->identity.chain,
		.key = stream->identity.key,
		.anchors = &stream->identity.ca_set,
		.wall = berth_clock_wall,
	};
	enum berth_err err = find_registrar(stream, &registrar, why);

	hang_up(connection);
	err = err ? err : berth_tls_client_open(&tls, &connection->tls, why);
	if (err)
		return err;
	const struct berth_http_client_conf http = {
		.address = registrar.host,
		.port = registrar.port,
		.host = registrar.host,
		.tls = connection->tls,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.request_timeout_ms = ANSWER_TIMEOUT_MS,
		.body_limit_bytes = BODY_MAX,
	};
	err = berth_http_client_open(stream->conf.loop, &http, &connection->http, why);
	if (!err)
		berth_http_client_connect(connection->http, on_connected, connection);
	return err;
}

/* ---- news ---- */

static void
try_later(struct berth_gateway_stream *stream)
{
	struct berth_random random = berth_system_random();
	int64_t half = stream->backoff_ms / 2;

	berth_timer_start(stream->again,
			  half + (int64_t)berth_random_below(&random, (uint32_t)half + 1));
	stream->backoff_ms *= 2;
	if (stream->backoff_ms > BACKOFF_MAX_MS)
		stream->backoff_ms = BACKOFF_MAX_MS;
}

static void
lose(struct berth_gateway_stream *stream, enum berth_gateway_stream_state state,
     const struct berth_why *why)
{
	berth_log_why(stream->conf.log, BERTH_LOG_WARNING, "stream.ended", why, NULL);
	hang_up(&stream->news);
	hang_up(&stream->reports);
	berth_desired_state_free(&stream->got);
	stream->being_told = 0;
	/* Who was refused stays it until the registrar says otherwise. */
	if (stream->state != BERTH_GATEWAY_STREAM_REFUSED)
		move(stream, state);
	try_later(stream);
}

static void
news_failed(struct berth_gateway_stream *stream, const struct berth_why *why)
{
	lose(stream, BERTH_GATEWAY_STREAM_AWAY, why);
}

static void ask(struct berth_gateway_stream *stream);
static void report(struct berth_gateway_stream *stream);

/* What is whole is kept; until then got is what has come of it. */
static enum berth_err
keep(struct berth_gateway_stream *stream, struct berth_why *why)
{
	struct berth_desired_state *got = &stream->got;

	if (got->count < got->total) {
		berth_ignore(berth_fail(why, BERTH_E_LIMIT, "gateway-devices", NULL,
					"the registrar knows %zu devices of ours; %zu are kept",
					got->total, got->count),
			     "the rest is of use");
		berth_log_why(stream->conf.log, BERTH_LOG_WARNING, "stream.devices-left-out", why,
			      NULL);
	}
	enum berth_err err = berth_gateway_held_save(stream->settings->directory, got, why);
	if (err)
		return err;
	berth_desired_state_free(&stream->held);
	stream->held = *got;
	stream->got = (struct berth_desired_state){0};
	return BERTH_OK;
}

static enum berth_err
take(struct berth_gateway_stream *stream, struct berth_bytes body, struct berth_why *why)
{
	BERTH_DESIRED_STATE page = {0};
	enum berth_err err =
		berth_desired_state_parse(body, BERTH_GATEWAY_PAGE_DEVICES, &page, why);

	err = err ? err : berth_desired_state_check_newer(stream->held.generation, &page, why);
	if (err)
		return err;
	stream->held.lease_s = page.lease_s;
	/* Nothing new; or the list has changed between two pages, and is asked for from its start. */
	if (berth_desired_state_begins_with(&stream->held, &page) ||
	    berth_desired_state_add_page(&stream->got, &page, why)) {
		berth_desired_state_free(&stream->got);
		return BERTH_OK;
	}
	return berth_desired_state_is_whole(&stream->got) ? keep(stream, why) : BERTH_OK;
}

/* berth-device has renewed: from here on as the new certificate says. */
static bool
has_new_identity(struct berth_gateway_stream *stream)
{
	struct berth_gateway_identity found = {0};
	bool is_new = berth_gateway_identity_load(stream->pki, stream->settings->device_state,
						  &found, NULL) == BERTH_OK &&
		      !berth_gateway_identity_equal(&found, &stream->identity);

	berth_gateway_identity_free(&found);
	return is_new;
}

static void
go_on(struct berth_gateway_stream *stream, bool is_news)
{
	struct berth_mono now = berth_clock_mono();

	stream->backoff_ms = BACKOFF_MIN_MS;
	stream->has_lease = true;
	stream->lease_until = berth_mono_after_ms(now, stream->held.lease_s * 1000);
	berth_timer_start(stream->lease, stream->held.lease_s * 1000 + 1);
	move(stream, BERTH_GATEWAY_STREAM_UP);
	if (has_new_identity(stream)) {
		hang_up(&stream->news);
		hang_up(&stream->reports);
		berth_timer_start(stream->again, 0);
		return;
	}
	report(stream);
	if (is_news || now.ms - stream->asked_at.ms >= SAME_AGAIN_MS)
		ask(stream);
	else
		berth_timer_start(stream->again, SAME_AGAIN_MS);
}

static void
on_news(void *context, const struct berth_http_response *response,
	const struct berth_tls_facts *tls, const struct berth_why *failure)
{
	struct berth_gateway_stream *stream = context;
	struct berth_why why = {0};
	const int64_t before = stream->held.generation;

	(void)tls;
	if (response->status == 0) {
		lose(stream, BERTH_GATEWAY_STREAM_AWAY, failure);
	} else if (response->status == 403) {
		berth_ignore(berth_fail(&why, BERTH_E_DENIED, "gateway-refused", NULL,
					"the registrar: %.*s",
					(int)(response->body.n < 200 ? response->body.n : 200),
					(const char *)response->body.p),
			     "it is told");
		lose(stream, BERTH_GATEWAY_STREAM_REFUSED, &why);
	} else if (response->status != 200) {
		berth_ignore(berth_fail(&why, BERTH_E_UNREACHABLE, "gateway-status", NULL,
					"the registrar answered with %d", response->status),
			     "it is told");
		lose(stream, BERTH_GATEWAY_STREAM_AWAY, &why);
	} else if (take(stream, response->body, &why)) {
		lose(stream, BERTH_GATEWAY_STREAM_AWAY, &why);
	} else if (stream->got.count) {
		ask(stream); /* for the next page */
	} else {
		go_on(stream, stream->held.generation > before);
	}
}

static void
ask(struct berth_gateway_stream *stream)
{
	const int64_t lease_s = stream->held.generation ? stream->held.lease_s : LEASE_UNKNOWN_S;

	int n = snprintf(stream->query, sizeof stream->query, "after=%lld",
			 (long long)stream->held.generation);
	if (stream->got.count)
		snprintf(stream->query + n, sizeof stream->query - (size_t)n, "&from=%zu",
			 stream->got.count);
	const struct berth_http_request request = {
		.method = BERTH_HTTP_GET,
		.path = BERTH_LIT(BERTH_GATEWAY_STATE_PATH),
		.query = berth_text(stream->query),
		.accept = BERTH_LIT(BERTH_GATEWAY_STATE_MEDIA),
	};
	stream->asked_at = berth_clock_mono();
	berth_http_client_set_timeout(stream->news.http, lease_s * 1000 / 2 + ANSWER_TIMEOUT_MS);
	berth_http_client_send(stream->news.http, &request, on_news, stream);
}

static void
dial_news(struct berth_gateway_stream *stream)
{
	struct berth_why why = {0};
	enum berth_err err = berth_gateway_identity_load(
		stream->pki, stream->settings->device_state, &stream->identity, &why);

	/* What cannot be read any more, because our user may not, was read at the start. */
	stream->has_identity =
		!err || (stream->has_identity && err != BERTH_E_PENDING && err != BERTH_E_DENIED);
	if (!stream->has_identity) {
		if (err != BERTH_E_PENDING && err != BERTH_E_NOT_FOUND)
			berth_log_why(stream->conf.log, BERTH_LOG_WARNING, "gateway.no-identity",
				      &why, NULL);
		move(stream, BERTH_GATEWAY_STREAM_ONBOARDING);
		berth_timer_start(stream->again, ONBOARDING_MS);
		return;
	}
	if (stream->state == BERTH_GATEWAY_STREAM_ONBOARDING)
		move(stream, BERTH_GATEWAY_STREAM_AWAY);
	if (dial(&stream->news, &why))
		lose(stream, BERTH_GATEWAY_STREAM_AWAY, &why);
}

static void
on_again(void *context)
{
	struct berth_gateway_stream *stream = context;

	if (stream->news.http && berth_http_client_is_ready(stream->news.http))
		ask(stream);
	else
		dial_news(stream);
}

/* ---- reports ---- */

static void
reports_failed(struct berth_gateway_stream *stream, const struct berth_why *why)
{
	berth_log_why(stream->conf.log, BERTH_LOG_WARNING, "report.not-sent", why, NULL);
	hang_up(&stream->reports);
	stream->being_told = 0; /* with the next one, or the next answer */
}

static void
on_reported(void *context, const struct berth_http_response *response,
	    const struct berth_tls_facts *tls, const struct berth_why *failure)
{
	struct berth_gateway_stream *stream = context;
	size_t n = stream->being_told;

	(void)tls;
	if (response->status == 0) {
		reports_failed(stream, failure);
		return;
	}
	/* Taken or refused, it is not told again. */
	stream->being_told = 0;
	stream->untold_count -= n;
	memmove(stream->untold, stream->untold[n], stream->untold_count * sizeof *stream->untold);
	report(stream);
}

static void
send_report(struct berth_gateway_stream *stream)
{
	struct berth_relayed relayed = {.count = stream->untold_count};
	struct berth_why why = {0};

	if (relayed.count > BERTH_GATEWAY_REPORT_MAX)
		relayed.count = BERTH_GATEWAY_REPORT_MAX;
	memcpy(relayed.random, stream->untold, relayed.count * sizeof *stream->untold);
	berth_buf_clear(&stream->report);
	if (berth_relayed_build(&relayed, &stream->report, &why)) {
		reports_failed(stream, &why);
		return;
	}
	const struct berth_http_request request = {
		.method = BERTH_HTTP_POST,
		.path = BERTH_LIT(BERTH_GATEWAY_REPORT_PATH),
		.media_type = BERTH_LIT(BERTH_GATEWAY_REPORT_MEDIA),
		.body = berth_buf_view(&stream->report),
	};
	stream->being_told = relayed.count;
	berth_http_client_send(stream->reports.http, &request, on_reported, stream);
}

static void
report(struct berth_gateway_stream *stream)
{
	struct berth_why why = {0};

	if (!stream->untold_count || stream->being_told || stream->state != BERTH_GATEWAY_STREAM_UP)
		return;
	if (stream->reports.http && berth_http_client_is_ready(stream->reports.http)) {
		send_report(stream);
		return;
	}
	/* Between dialling and being connected nothing is ready, and nothing is dialled again. */
	stream->being_told = stream->untold_count;
	if (dial(&stream->reports, &why))
		reports_failed(stream, &why);
}

void
berth_gateway_stream_relayed(struct berth_gateway_stream *stream, struct berth_bytes head)
{
	uint8_t random[BERTH_TLS_RANDOM_BYTES];

	if (!berth_relayed_hello(head, random))
		return;
	if (stream->untold_count == UNTOLD_MAX) {
		/* Those that are on their way are at the front, and stay. */
		stream->never_told++;
		return;
	}
	memcpy(stream->untold[stream->untold_count++], random, sizeof random);
	report(stream);
}

/* ---- the stream ---- */

static enum berth_err
open_parts(struct berth_gateway_stream *stream, struct berth_why *why)
{
	const char *directory = stream->settings->directory;
	enum berth_err err = berth_gateway_held_lock(directory, &stream->lock, why);

	err = err ? err : berth_gateway_held_load(directory, &stream->held, why);
	err = err ? err : berth_pki_open(&stream->pki, why);
	if (!err && (berth_timer_open(stream->conf.loop, on_again, stream, &stream->again) ||
		     berth_timer_open(stream->conf.loop, on_lease_over, stream, &stream->lease)))
		err = berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	if (err)
		return err;
	/* While it still may: afterwards the key's folder may be closed to our user. */
	stream->has_identity =
		berth_gateway_identity_load(stream->pki, stream->settings->device_state,
					    &stream->identity, NULL) == BERTH_OK;
	if (stream->has_identity)
		stream->state = berth_gateway_status_was_refused(directory)
					? BERTH_GATEWAY_STREAM_REFUSED
					: BERTH_GATEWAY_STREAM_AWAY;
	berth_timer_start(stream->again, 0);
	return BERTH_OK;
}

enum berth_err
berth_gateway_stream_open(const struct berth_gateway_stream_conf *conf,
			  struct berth_gateway_stream **ret, struct berth_why *why)
{
	struct berth_gateway_stream *stream = calloc(1, sizeof *stream);

	if (!stream)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	stream->conf = *conf;
	stream->settings = conf->settings;
	stream->lock = -1;
	stream->backoff_ms = BACKOFF_MIN_MS;
	stream->news = (struct connection){.stream = stream, .ready = ask, .failed = news_failed};
	stream->reports = (struct connection){
		.stream = stream, .ready = send_report, .failed = reports_failed};
	enum berth_err err = open_parts(stream, why);
	if (err)
		berth_gateway_stream_close(stream);
	else
		*ret = stream;
	return err;
}

void
berth_gateway_stream_close(struct berth_gateway_stream *stream)
{
	if (!stream)
		return;
	hang_up(&stream->news);
	hang_up(&stream->reports);
	berth_timer_close(stream->again);
	berth_timer_close(stream->lease);
	berth_desired_state_free(&stream->held);
	berth_desired_state_free(&stream->got);
	berth_gateway_identity_free(&stream->identity);
	berth_pki_close(stream->pki);
	berth_buf_free(&stream->report);
	berth_fd_close(&stream->lock);
	free(stream);
}
