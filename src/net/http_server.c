/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/http.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event_struct.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/analyzer.h"
#include "net/http_request.h"
#include "net/http_sources.h"
#include "net/http_write.h"
#include "net/http_writing.h"
#include "net/loop_event.h"
#include "net/tls_event.h"

/*
 * evhttp owns the connections; we stand beside each with a struct conn. evhttp tells neither the descriptor nor the
 * address when it asks for a buffer, so a connection is adopted by an event that runs right after the accept, before
 * anything of it is read: there limits are applied and the close callback is set, which is where it all ends.
 *
 * One timer per connection is the total deadline of its phase; evhttp's own time-outs are per read and not used.
 */
enum phase {
	CONN_HANDSHAKE, /* until TLS is up */
	CONN_IDLE,	/* until the first byte of a request */
	CONN_READING,	/* until its last */
	CONN_PENDING,	/* until our reply */
	CONN_WRITING	/* until that is sent */
};

#define BUCKETS 1024
#define TYPE_TEXT "text/plain; charset=utf-8"

struct conn;

struct berth_http_exchange {
	struct conn *conn;
	struct evhttp_request *request; /* NULL: there is none */
	void *pointer;
	bool is_head;
};

struct conn {
	struct berth_http_server *server;
	struct bufferevent *bev;
	struct evhttp_connection *evcon; /* NULL until adopted */
	struct conn *next_in_bucket;
	struct conn *next, **back; /* all of the server */
	enum phase phase;
	struct event step; /* adopt, later: replace a page of evhttp's */
	struct event timer;
	struct event left; /* the peer closed while we owe a reply */
	bool is_counted;
	bool is_ours;	 /* what is being written now is our reply */
	bool is_refused; /* said so already */
	struct berth_tls_hooks hooks;
	struct berth_tls_seen seen;
	bool has_seen;
	uint64_t number;
	char *address;
	struct berth_http_source source;
	struct berth_http_exchange exchange;
};

struct berth_http_server {
	struct berth_http_server_conf conf;
	struct berth_loop *loop;
	struct event_base *base;
	struct evhttp *http;
	struct evhttp_bound_socket *bound;
	struct berth_http_sources *sources;
	struct conn *conns;
	struct conn *buckets[BUCKETS];
	struct berth_http_server_counts counts;
	bool is_draining;
	struct event drain_step;
	void (*drained)(void *context);
	void *drained_context;
};

static struct conn **
bucket_of(struct berth_http_server *server, const struct evhttp_connection *evcon)
{
	return &server->buckets[((uintptr_t)evcon >> 6) % BUCKETS];
}

static struct conn *
conn_of(struct berth_http_server *server, const struct evhttp_connection *evcon)
{
	struct conn *conn = *bucket_of(server, evcon);
	while (conn && conn->evcon != evcon) {
		conn = conn->next_in_bucket;
	}
	return conn;
}

static void
enter(struct conn *conn, enum phase phase)
{
	const struct berth_http_server_conf *conf = &conn->server->conf;
	int64_t ms = conf->request_timeout_ms;
	if (phase == CONN_IDLE) {
		ms = conf->idle_timeout_ms;
	} else if (phase == CONN_PENDING) {
		ms = conf->pending_timeout_ms;
	}
	conn->phase = phase;
	struct timeval in = berth_timeval(ms);
	(void)event_add(&conn->timer, &in);
}

static void
say_refused(struct conn *conn, const struct berth_why *why)
{
	conn->server->counts.refused++;
	conn->is_refused = true;
	if (conn->server->conf.on_refused) {
		conn->server->conf.on_refused(conn->server->conf.context, berth_text(conn->address),
					      why);
	}
}

static void
drain_check(struct berth_http_server *server)
{
	if (server->is_draining && !server->conns) {
		event_active(&server->drain_step, EV_TIMEOUT, 1);
	}
}

static void
conn_free(struct conn *conn)
{
	struct berth_http_server *server = conn->server;
	(void)event_del(&conn->step);
	(void)event_del(&conn->timer);
	(void)event_del(&conn->left);
	if (conn->evcon) {
		struct conn **at = bucket_of(server, conn->evcon);
		while (*at != conn) {
			at = &(*at)->next_in_bucket;
		}
		*at = conn->next_in_bucket;
	}
	*conn->back = conn->next;
	if (conn->next) {
		conn->next->back = conn->back;
	}
	if (conn->is_counted) {
		berth_http_sources_remove(server->sources, &conn->source);
	}
	server->counts.connections--;
	if (conn->has_seen) {
		berth_tls_seen_free(&conn->seen);
	}
	free(conn->address);
	free(conn);
	drain_check(server);
}

/* The request's owner must forget it before it is freed. */
static void
tell_gone(struct conn *conn)
{
	if (conn->exchange.request) {
		conn->exchange.request = NULL;
		conn->server->conf.on_gone(conn->server->conf.context, &conn->exchange);
	}
}

static void
on_close(struct evhttp_connection *evcon, void *arg)
{
	(void)evcon;
	struct conn *conn = arg;
	if (conn->server->conf.tls) {
		struct berth_why why;
		if (conn->phase == CONN_HANDSHAKE && !conn->is_refused &&
		    berth_tls_failure(conn->bev, &why) != BERTH_E_UNREACHABLE) {
			say_refused(conn, &why);
		}
		berth_tls_say_end(conn->bev);
	}
	tell_gone(conn);
	conn_free(conn);
}

static void
refuse_and_close(struct conn *conn, enum berth_err err, const char *rule, const char *sentence)
{
	struct berth_why why;
	berth_ignore(berth_fail(&why, err, rule, NULL, "%s", sentence), "only the why is wanted");
	say_refused(conn, &why);
	evhttp_connection_free(conn->evcon);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct conn *conn = arg;
	switch (conn->phase) {
	case CONN_HANDSHAKE:
		refuse_and_close(conn, BERTH_E_TIMEOUT, "tls-slow-handshake",
				 "the handshake took longer than the total time for it");
		return;
	case CONN_READING:
		refuse_and_close(conn, BERTH_E_TIMEOUT, "http-slow-sender",
				 "the request took longer than the total time for it");
		return;
	case CONN_WRITING:
		refuse_and_close(conn, BERTH_E_TIMEOUT, "http-slow-reader",
				 "the reply was not read within the total time for it");
		return;
	case CONN_IDLE:
		evhttp_connection_free(conn->evcon);
		return;
	case CONN_PENDING:
		break;
	}
	struct evhttp_request *request = conn->exchange.request;
	tell_gone(conn);
	conn->exchange.request = request;
	berth_http_reply(&conn->exchange,
			 &(struct berth_http_response){
				 .status = 503,
				 .media_type = BERTH_LIT(TYPE_TEXT),
				 .retry_after_s = 1,
				 .close = true,
				 .body = BERTH_LIT("No answer was ready in time; try again.\n"),
			 });
}

static void
on_left(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct conn *conn = arg;
	evhttp_connection_free(conn->evcon); /* on_close tells the owner */
}

static void
on_handshake_done(void *context)
{
	struct conn *conn = context;
	if (conn->phase == CONN_HANDSHAKE) {
		enter(conn, CONN_IDLE);
	}
}

static void
on_input(struct evbuffer *in, const struct evbuffer_cb_info *info, void *arg)
{
	(void)in;
	struct conn *conn = arg;
	if (info->n_added > 0 && conn->phase == CONN_IDLE) {
		enter(conn, CONN_READING);
	}
}

/* evhttp writes pages of its own (HTML) for what it cannot parse: seen here, replaced in the same turn of the loop. */
static void
on_output(struct evbuffer *out, const struct evbuffer_cb_info *info, void *arg)
{
	(void)out;
	struct conn *conn = arg;
	if (info->n_added > 0 && !conn->is_ours && conn->evcon) {
		event_active(&conn->step, EV_TIMEOUT, 1);
	}
}

static void
say_page(struct conn *conn, int status)
{
	bool is_large = status == 413;
	struct berth_why why;
	berth_ignore(
		berth_fail(
			&why, is_large ? BERTH_E_LIMIT : BERTH_E_SYNTAX,
			is_large ? "http-body-too-large" : "http-bad-request", "RFC 9112",
			is_large ? "the body is larger than %zu bytes, or its chunks cannot be read"
				 : "the request is not HTTP/1.1 as served here (%zu)",
			is_large ? conn->server->conf.body_limit_bytes : (size_t)status),
		"only the why is wanted");
	say_refused(conn, &why);
}

static void
replace_page(struct conn *conn)
{
	struct evbuffer *out = bufferevent_get_output(conn->bev);
	char head[13] = {0}; /* "HTTP/1.1 413" */
	if (evbuffer_copyout(out, head, 12) < 12 || memcmp(head, "HTTP/1.", 7) != 0) {
		return;
	}
	int status = (head[9] - '0') * 100 + (head[10] - '0') * 10 + (head[11] - '0');
	if (status < 200) {
		return; /* 100 Continue is as it should be */
	}
	const char *phrase = berth_http_phrase(status);
	conn->is_ours = true;
	/* A plain buffer freezes its front between its writes and does so again by itself; a TLS one never does. */
	(void)evbuffer_unfreeze(out, 1);
	(void)evbuffer_drain(out, evbuffer_get_length(out));
	(void)evbuffer_add_printf(out,
				  "HTTP/1.1 %d %s\r\nContent-Type: " TYPE_TEXT
				  "\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s\n",
				  status, phrase, strlen(phrase) + 1, phrase);
	conn->is_ours = false;
	enter(conn, CONN_WRITING);
	say_page(conn, status);
}

static void
adopt(struct conn *conn)
{
	struct berth_http_server *server = conn->server;
	bufferevent_event_cb closed = NULL;
	void *evcon = NULL;
	bufferevent_getcb(conn->bev, NULL, NULL, &closed, &evcon);
	bool is_alive = closed != NULL;
	(void)bufferevent_decref(conn->bev);
	if (!is_alive) {
		conn_free(conn); /* evhttp gave up on it right after the accept */
		return;
	}
	/* In libevent 2.1 and 2.2 the argument of evhttp's callbacks is the connection. */
	conn->evcon = evcon;
	struct conn **bucket = bucket_of(server, conn->evcon);
	conn->next_in_bucket = *bucket;
	*bucket = conn;
	evhttp_connection_set_closecb(conn->evcon, on_close, conn);
	char *address = NULL;
	ev_uint16_t port = 0;
	evhttp_connection_get_peer(conn->evcon, &address, &port);
	conn->address = strdup(address ? address : "");
	conn->source = berth_http_source_of(conn->address ? conn->address : "");
	/* conn_free frees the address; the analyzer loses it between libevent's calls. */
	BERTH_ANALYZER_TRUST_LEAK
	if (server->is_draining || !conn->address) {
		evhttp_connection_free(conn->evcon);
		return;
	}
	BERTH_ANALYZER_END
	if (server->counts.connections > server->conf.connections_max) {
		refuse_and_close(conn, BERTH_E_LIMIT, "http-connections-max",
				 "as many connections are open as are allowed");
		return;
	}
	size_t max = server->conf.connections_per_source_max;
	if (berth_http_sources_add(server->sources, &conn->source, max ? max : SIZE_MAX)) {
		refuse_and_close(conn, BERTH_E_LIMIT, "http-connections-per-source-max",
				 "this source has as many connections as one may have");
		return;
	}
	conn->is_counted = true;
	enter(conn, server->conf.tls ? CONN_HANDSHAKE : CONN_IDLE);
}

static void
on_step(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct conn *conn = arg;
	if (conn->evcon) {
		replace_page(conn);
	} else {
		adopt(conn);
	}
}

static struct bufferevent *
make_buffer(struct berth_http_server *server, struct conn *conn)
{
	if (!server->conf.tls) {
		return bufferevent_socket_new(server->base, -1, BEV_OPT_CLOSE_ON_FREE);
	}
	struct bufferevent *bev = NULL;
	conn->hooks = (struct berth_tls_hooks){.done = on_handshake_done, .context = conn};
	struct berth_tls_server *tls = (struct berth_tls_server *)(uintptr_t)server->conf.tls;
	return berth_tls_accept(tls, server->base, &conn->hooks, &bev) ? NULL : bev;
}

/* evhttp's bevcb: NULL lets it make a plain buffer of its own, so out of memory must not return it under TLS. */
static struct bufferevent *
on_accept(struct event_base *base, void *arg)
{
	struct berth_http_server *server = arg;
	struct conn *conn = calloc(1, sizeof(*conn));
	struct bufferevent *bev = conn ? make_buffer(server, conn) : NULL;
	if (!bev) {
		abort(); /* out of memory: the parent starts us again */
	}
	conn->server = server;
	conn->bev = bev;
	conn->number = berth_loop_number(server->loop);
	server->counts.accepted++;
	conn->exchange.conn = conn;
	conn->next = server->conns;
	conn->back = &server->conns;
	if (conn->next) {
		conn->next->back = &conn->next;
	}
	server->conns = conn;
	server->counts.connections++;
	(void)event_assign(&conn->step, base, -1, 0, on_step, conn);
	(void)event_assign(&conn->timer, base, -1, 0, on_timer, conn);
	(void)event_assign(&conn->left, base, -1, 0, on_left, conn);
	(void)evbuffer_add_cb(bufferevent_get_input(bev), on_input, conn);
	(void)evbuffer_add_cb(bufferevent_get_output(bev), on_output, conn);
	bufferevent_incref(bev);
	event_active(&conn->step, EV_TIMEOUT, 1);
	return bev;
}

static void
on_reply_sent(struct evhttp_request *request, void *arg)
{
	(void)request;
	struct conn *conn = arg;
	bool has_more = evbuffer_get_length(bufferevent_get_input(conn->bev)) > 0;
	enter(conn, has_more ? CONN_READING : CONN_IDLE);
}

/* The exchange's request, which is answered from here on; NULL when it has gone. */
static struct evhttp_request *
take_request(struct berth_http_exchange *exchange)
{
	struct evhttp_request *request = exchange->request;
	if (request) {
		exchange->request = NULL;
		exchange->pointer = NULL;
		(void)event_del(&exchange->conn->left);
	}
	return request;
}

bool
berth_http_writing_begin(struct berth_http_exchange *exchange,
			 const struct berth_http_response *response, bool close,
			 struct berth_http_writing *ret)
{
	struct conn *conn = exchange->conn;
	struct evhttp_request *request = take_request(exchange);
	if (!request) {
		return false;
	}
	berth_http_fields(request, response, close || response->close || conn->server->is_draining);
	evhttp_request_set_on_complete_cb(request, on_reply_sent, conn);
	enter(conn, CONN_WRITING);
	conn->is_ours = true;
	*ret = (struct berth_http_writing){
		.request = request,
		.out = bufferevent_get_output(conn->bev),
		.is_head = exchange->is_head,
	};
	return true;
}

void
berth_http_writing_end(struct berth_http_exchange *exchange)
{
	exchange->conn->is_ours = false;
}

void
berth_http_reply(struct berth_http_exchange *exchange, const struct berth_http_response *response)
{
	struct berth_http_writing writing;
	if (!berth_http_writing_begin(exchange, response, false, &writing)) {
		return;
	}
	struct evbuffer *body = evhttp_request_get_output_buffer(writing.request);
	if (!writing.is_head) {
		(void)evbuffer_add(body, response->body.p, response->body.n);
	}
	evhttp_send_reply(writing.request, response->status, berth_http_phrase(response->status),
			  NULL);
	berth_http_writing_end(exchange);
	/* Each piece of the buffer would be a TLS record and a packet of its own. */
	(void)evbuffer_pullup(writing.out, -1);
}

void
berth_http_exchange_drop(struct berth_http_exchange *exchange)
{
	struct evhttp_request *request = take_request(exchange);
	if (request) {
		evhttp_connection_free(exchange->conn->evcon);
	}
}

static const struct berth_tls_facts *
facts_of(struct conn *conn)
{
	static const struct berth_tls_facts none = {0};
	if (!conn->server->conf.tls) {
		return &none;
	}
	if (!conn->has_seen) {
		conn->has_seen = !berth_tls_see(conn->bev, conn->number, &conn->seen);
	}
	return conn->has_seen ? &conn->seen.facts : NULL;
}

static void
reply_refusal(struct conn *conn, int status, const struct berth_why *why)
{
	char text[BERTH_WHY_SENTENCE_MAX + 2];
	int n = snprintf(text, sizeof(text), "%s\n", why->sentence);
	say_refused(conn, why);
	berth_http_reply(&conn->exchange,
			 &(struct berth_http_response){
				 .status = status,
				 .media_type = BERTH_LIT(TYPE_TEXT),
				 .retry_after_s = -1,
				 .close = true,
				 .body = berth_bytes_of(text, n > 0 ? (size_t)n : 0),
			 });
}

static void
wait_for_reply(struct conn *conn)
{
	enter(conn, CONN_PENDING);
	(void)event_assign(&conn->left, conn->server->base, bufferevent_getfd(conn->bev), EV_CLOSED,
			   on_left, conn);
	(void)event_add(&conn->left, NULL);
}

static void
on_request(struct evhttp_request *request, void *arg)
{
	struct berth_http_server *server = arg;
	struct conn *conn = conn_of(server, evhttp_request_get_connection(request));
	server->counts.requests++;
	if (!conn) { /* not one that we accepted: nothing is known of it, so nothing is answered */
		evhttp_connection_free(evhttp_request_get_connection(request));
		return;
	}
	conn->exchange.request = request;
	conn->exchange.pointer = NULL;
	conn->exchange.is_head = evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
	struct berth_http_read read;
	struct berth_why why = {0};
	int status = 400;
	const struct berth_tls_facts *facts = facts_of(conn);
	if (!facts) {
		evhttp_connection_free(conn->evcon);
		return;
	}
	if (berth_http_read(request, &read, &status, &why)) {
		berth_http_read_free(&read);
		reply_refusal(conn, status, &why);
		return;
	}
	server->conf.on_request(server->conf.context, &conn->exchange, &read.request, facts,
				berth_text(conn->address));
	berth_http_read_free(&read);
	if (conn->exchange.request) {
		wait_for_reply(conn);
	}
}

static void
on_drain_step(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct berth_http_server *server = arg;
	server->drained(server->drained_context);
}

static enum berth_err
start_evhttp(struct berth_http_server *server, int fd)
{
	server->http = evhttp_new(server->base);
	if (!server->http || berth_http_sources_open(&server->sources)) {
		(void)close(fd);
		return BERTH_E_MEMORY;
	}
	evhttp_set_bevcb(server->http, on_accept, server);
	evhttp_set_gencb(server->http, on_request, server);
	evhttp_set_max_headers_size(server->http, BERTH_HTTP_HEADER_BYTES_MAX);
	evhttp_set_max_body_size(server->http, (ev_ssize_t)server->conf.body_limit_bytes);
	evhttp_set_allowed_methods(server->http, UINT16_MAX);
	evhttp_set_default_content_type(server->http, NULL);
	/* So that a client that is still sending reads our 413 before it meets the reset. */
	(void)evhttp_set_flags(server->http, EVHTTP_SERVER_LINGERING_CLOSE);
	server->bound = evhttp_accept_socket_with_handle(server->http, fd);
	if (!server->bound) {
		(void)close(fd);
		return BERTH_E_MEMORY;
	}
	return BERTH_OK;
}

enum berth_err
berth_http_server_open(struct berth_loop *loop, const struct berth_http_server_conf *conf, int fd,
		       struct berth_http_server **ret, struct berth_why *why)
{
	struct berth_http_server *server = calloc(1, sizeof(*server));
	if (!server || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
		free(server);
		(void)close(fd);
		return berth_fail(why, BERTH_E_MEMORY, "http-server", NULL, "out of memory");
	}
	server->conf = *conf;
	server->loop = loop;
	server->base = berth_loop_base(loop);
	(void)event_assign(&server->drain_step, server->base, -1, 0, on_drain_step, server);
	if (start_evhttp(server, fd)) {
		server->bound = NULL;
		berth_http_server_close(server);
		return berth_fail(why, BERTH_E_MEMORY, "http-server", NULL,
				  "cannot listen for connections");
	}
	*ret = server;
	return BERTH_OK;
}

void
berth_http_server_close(struct berth_http_server *server)
{
	if (!server) {
		return;
	}
	server->is_draining = false;
	/* Those not yet adopted would be missed by evhttp's own sweep. */
	for (struct conn *conn = server->conns, *next; conn; conn = next) {
		next = conn->next;
		if (!conn->evcon) {
			adopt(conn);
		}
	}
	if (server->http) {
		evhttp_free(server->http);
	}
	(void)event_del(&server->drain_step);
	berth_http_sources_close(server->sources);
	free(server);
}

void
berth_http_server_drain(struct berth_http_server *server, void (*drained)(void *context),
			void *context)
{
	server->drained = drained;
	server->drained_context = context;
	server->is_draining = true;
	if (server->bound) { /* not closed before the end: see berth_loop_open */
		(void)evconnlistener_disable(evhttp_bound_socket_get_listener(server->bound));
	}
	for (struct conn *conn = server->conns, *next; conn; conn = next) {
		next = conn->next;
		if (conn->evcon && (conn->phase == CONN_IDLE || conn->phase == CONN_HANDSHAKE)) {
			evhttp_connection_free(conn->evcon);
		}
	}
	drain_check(server);
}

struct berth_http_server_counts
berth_http_server_counts(const struct berth_http_server *server)
{
	return server->counts;
}

void
berth_http_exchange_set(struct berth_http_exchange *exchange, void *pointer)
{
	exchange->pointer = pointer;
}

void *
berth_http_exchange_get(const struct berth_http_exchange *exchange)
{
	return exchange->pointer;
}

int
berth_http_exchange_fd(const struct berth_http_exchange *exchange)
{
	return bufferevent_getfd(exchange->conn->bev);
}
