/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/http_response.h"
#include "net/http_write.h"
#include "net/loop_event.h"
#include "net/tls_event.h"

#define NOT_PUBLIC "the address is not a public one, and its network is not allowed"

/* Named by what it waits for. */
enum state {
	WAITS_CONNECT, /* berth_http_client_connect */
	WAITS_NAME,
	WAITS_TCP,
	WAITS_TLS,
	WAITS_REQUEST, /* ready */
	WAITS_HEAD,
	WAITS_BODY,  /* by length or by close */
	WAITS_CHUNK, /* the line with its size */
	WAITS_DATA,  /* a chunk's data and CRLF */
	WAITS_TRAILER,
	CLOSED
};

struct berth_http_client {
	struct event_base *base;
	struct berth_loop *loop;
	struct berth_tls_client *tls;
	char *address, *host;
	uint16_t port;
	int64_t connect_timeout_ms, request_timeout_ms;
	size_t body_limit_bytes;
	bool only_public, was_refused;
	struct berth_networks allowed; /* beside the public ones */

	enum state state;
	struct event timer;  /* the deadline of connecting, or of one exchange */
	struct event report; /* tells a failure that was found within a call of the owner's */
	struct event tcp;
	int fd; /* until bev owns it */
	struct evdns_getaddrinfo_request *query;
	struct addrinfo *addresses, *next_address; /* of evutil_getaddrinfo or evdns */
	struct bufferevent *bev;
	struct berth_tls_seen seen;
	bool has_seen;
	uint64_t number;

	berth_http_connected *connected;
	berth_http_done *done;
	void *context;
	struct berth_why why;

	struct berth_http_head head;
	struct berth_buf texts; /* media type, then location */
	struct berth_buf body;
	uint64_t left; /* of the body by length, or of the chunk with its CRLF */
};

static void try_address(struct berth_http_client *client);

static const struct berth_tls_facts *
facts_of(const struct berth_http_client *client)
{
	return client->has_seen ? &client->seen.facts : NULL;
}

static void
drop_connection(struct berth_http_client *client)
{
	(void)event_del(&client->timer);
	(void)event_del(&client->tcp);
	if (client->query) {
		struct evdns_getaddrinfo_request *query = client->query;
		client->query = NULL;
		evdns_getaddrinfo_cancel(query);
	}
	if (client->addresses) {
		evutil_freeaddrinfo(client->addresses);
		client->addresses = NULL;
	}
	if (client->bev) {
		if (client->tls) {
			berth_tls_say_end(client->bev);
		}
		bufferevent_free(client->bev);
		client->bev = NULL;
	}
	if (client->fd >= 0) {
		(void)close(client->fd);
		client->fd = -1;
	}
	client->state = CLOSED;
}

/* client->why is filled. The owner may close the client in its callback: nothing after it. */
static void
tell_failure(struct berth_http_client *client)
{
	berth_http_connected *connected = client->connected;
	berth_http_done *done = client->done;
	client->connected = NULL;
	client->done = NULL;
	if (connected) {
		connected(client->context, NULL, &client->why);
		return;
	}
	if (done) {
		const struct berth_http_response none = {.retry_after_s = -1};
		done(client->context, &none, facts_of(client), &client->why);
	}
}

static void
fail(struct berth_http_client *client)
{
	drop_connection(client);
	tell_failure(client);
}

static void
fail_as(struct berth_http_client *client, enum berth_err err, const char *rule,
	const char *sentence)
{
	berth_ignore(berth_fail(&client->why, err, rule, NULL, "%s: %s", client->host, sentence),
		     "the why is what is wanted");
	fail(client);
}

/* For failures inside the owner's own call. */
static void
fail_later(struct berth_http_client *client, enum berth_err err, const char *rule,
	   const char *sentence)
{
	berth_ignore(berth_fail(&client->why, err, rule, NULL, "%s: %s", client->host, sentence),
		     "the why is what is wanted");
	drop_connection(client);
	event_active(&client->report, EV_TIMEOUT, 1);
}

static void
on_report(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct berth_http_client *client = arg;
	if (client->state == WAITS_NAME) {
		try_address(client);
		return;
	}
	tell_failure(client);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct berth_http_client *client = arg;
	fail_as(client, BERTH_E_TIMEOUT, client->connected ? "http-connect" : "http-answer",
		client->connected ? "no connection in time" : "no answer in time");
}

static void
start_timer(struct berth_http_client *client, int64_t ms)
{
	struct timeval in = berth_timeval(ms);
	(void)event_add(&client->timer, &in);
}

static void
say_ready(struct berth_http_client *client)
{
	(void)event_del(&client->timer);
	if (client->tls) {
		if (berth_tls_see(client->bev, client->number, &client->seen)) {
			fail_as(client, BERTH_E_CRYPTO, "tls-facts", "cannot read the TLS peer");
			return;
		}
		client->has_seen = true;
	}
	client->state = WAITS_REQUEST;
	berth_http_connected *connected = client->connected;
	client->connected = NULL;
	connected(client->context, facts_of(client), NULL);
}

static void
tell_response(struct berth_http_client *client)
{
	(void)event_del(&client->timer);
	berth_http_done *done = client->done;
	client->done = NULL;
	struct berth_bytes texts = berth_buf_view(&client->texts);
	size_t type = client->head.media_type.n;
	struct berth_http_response response = {
		.status = client->head.status,
		.media_type = berth_bytes_of(texts.p, type),
		.location = berth_bytes_of(texts.p + type, texts.n - type),
		.retry_after_s = client->head.retry_after_s,
		.close = client->head.close,
		.body = berth_buf_view(&client->body),
	};
	/* What follows an answer without a question cannot be trusted to be ours. */
	bool is_clean = evbuffer_get_length(bufferevent_get_input(client->bev)) == 0;
	if (client->head.close || !is_clean) {
		drop_connection(client);
	} else {
		client->state = WAITS_REQUEST;
	}
	done(client->context, &response, facts_of(client), &(struct berth_why){0});
}

static enum berth_err
keep_head(struct berth_http_client *client)
{
	berth_buf_clear(&client->texts);
	berth_buf_clear(&client->body);
	enum berth_err err = berth_buf_append_bytes(&client->texts, client->head.media_type);
	for (size_t i = 0; i < client->texts.n; i++) {
		uint8_t c = client->texts.p[i];
		client->texts.p[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
	}
	err = err ? err : berth_buf_append_bytes(&client->texts, client->head.location);
	return err;
}

static enum berth_err
take_head(struct berth_http_client *client, struct berth_bytes in, size_t *ret_used)
{
	enum berth_err err = berth_http_head_parse(in, &client->head, ret_used, &client->why);
	if (err || client->head.status < 200) {
		return err; /* 1xx: the answer is still to come */
	}
	if (client->head.framing == BERTH_HTTP_BY_LENGTH &&
	    client->head.length > client->body_limit_bytes) {
		return berth_fail(&client->why, BERTH_E_LIMIT, "http-answer-too-large", NULL,
				  "%s: the answer is larger than %zu bytes", client->host,
				  client->body_limit_bytes);
	}
	client->left = client->head.length;
	client->state = client->head.framing == BERTH_HTTP_BY_CHUNKS ? WAITS_CHUNK : WAITS_BODY;
	return keep_head(client);
}

static enum berth_err
add_body(struct berth_http_client *client, struct berth_bytes b)
{
	if (b.n > client->body_limit_bytes - client->body.n) {
		return berth_fail(&client->why, BERTH_E_LIMIT, "http-answer-too-large", NULL,
				  "%s: the answer is larger than %zu bytes", client->host,
				  client->body_limit_bytes);
	}
	return berth_buf_append_bytes(&client->body, b);
}

static enum berth_err
take_body(struct berth_http_client *client, struct berth_bytes in, size_t *ret_used)
{
	size_t n = in.n;
	if (client->head.framing == BERTH_HTTP_BY_LENGTH) {
		n = client->left < in.n ? (size_t)client->left : in.n;
		client->left -= n;
	}
	*ret_used = n;
	enum berth_err err = add_body(client, berth_bytes_of(in.p, n));
	bool is_whole = client->head.framing == BERTH_HTTP_BY_LENGTH && client->left == 0;
	return err || is_whole ? err : BERTH_E_PENDING;
}

static enum berth_err
take_chunk_line(struct berth_http_client *client, struct berth_bytes in, size_t *ret_used)
{
	uint64_t size = 0;
	enum berth_err err = berth_http_chunk_parse(in, &size, ret_used, &client->why);
	if (!err) {
		client->left = size + 2;
		client->state = size == 0 ? WAITS_TRAILER : WAITS_DATA;
	}
	return err;
}

static enum berth_err
take_chunk_data(struct berth_http_client *client, struct berth_bytes in, size_t *ret_used)
{
	if (client->left > 2) {
		size_t n = client->left - 2 < in.n ? (size_t)(client->left - 2) : in.n;
		client->left -= n;
		*ret_used = n;
		return n == 0 ? BERTH_E_PENDING : add_body(client, berth_bytes_of(in.p, n));
	}
	if (in.n < 2) {
		return BERTH_E_PENDING;
	}
	if (memcmp(in.p, "\r\n", 2) != 0) {
		return berth_fail(&client->why, BERTH_E_SYNTAX, "http-chunk", "RFC 9112 7.1",
				  "%s: a chunk does not end where it said", client->host);
	}
	*ret_used = 2;
	client->state = WAITS_CHUNK;
	return BERTH_OK;
}

/* One step of reading. OK: go on with what is left; PENDING: more bytes are needed. *ret_whole: the answer is complete. */
static enum berth_err
take_step(struct berth_http_client *client, struct berth_bytes in, size_t *ret_used,
	  bool *ret_whole)
{
	enum berth_err err;
	*ret_used = 0;
	*ret_whole = false;
	switch (client->state) {
	case WAITS_HEAD:
		err = take_head(client, in, ret_used);
		*ret_whole = !err && client->state == WAITS_BODY && client->left == 0 &&
			     client->head.framing == BERTH_HTTP_BY_LENGTH;
		return err;
	case WAITS_BODY:
		err = take_body(client, in, ret_used);
		*ret_whole = !err;
		return err;
	case WAITS_CHUNK:
		return take_chunk_line(client, in, ret_used);
	case WAITS_DATA:
		return take_chunk_data(client, in, ret_used);
	case WAITS_TRAILER:
		err = berth_http_trailer_parse(in, ret_used, &client->why);
		*ret_whole = !err;
		return err;
	case WAITS_CONNECT:
	case WAITS_NAME:
	case WAITS_TCP:
	case WAITS_TLS:
	case WAITS_REQUEST:
	case CLOSED:
		break;
	}
	return berth_fail(&client->why, BERTH_E_STATE, "http-unasked", NULL,
			  "%s: bytes came that nobody asked for", client->host);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct berth_http_client *client = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	for (;;) {
		size_t n = evbuffer_get_length(in);
		const uint8_t *p = n > 0 ? evbuffer_pullup(in, -1) : NULL;
		if (!p) {
			return;
		}
		size_t used = 0;
		bool is_whole = false;
		enum berth_err err = take_step(client, berth_bytes_of(p, n), &used, &is_whole);
		(void)evbuffer_drain(in, used);
		if (err == BERTH_E_PENDING) {
			return;
		}
		if (err) {
			fail(client);
			return;
		}
		if (is_whole) {
			tell_response(client);
			return;
		}
	}
}

static void
on_end(struct berth_http_client *client)
{
	if (client->state == WAITS_BODY && client->head.framing == BERTH_HTTP_BY_CLOSE) {
		tell_response(client);
		return;
	}
	if (client->state == WAITS_TLS) {
		struct berth_tls_client *tls = client->tls;
		berth_ignore(berth_tls_client_failure(tls, client->bev, &client->why),
			     "the why is what is wanted");
		fail(client);
		return;
	}
	bool has_begun = client->state != WAITS_HEAD ||
			 evbuffer_get_length(bufferevent_get_input(client->bev)) > 0;
	if (client->done && has_begun) {
		fail_as(client, BERTH_E_IO, "http-answer-cut",
			"the connection ended within the answer");
		return;
	}
	fail_as(client, BERTH_E_UNREACHABLE, "http-closed", "the peer closed the connection");
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	struct berth_http_client *client = arg;
	if ((what & BEV_EVENT_CONNECTED) != 0) {
		if (client->state == WAITS_TLS) {
			say_ready(client);
		}
		return;
	}
	on_end(client);
}

static void
on_tcp(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	struct berth_http_client *client = arg;
	int e = 0;
	socklen_t n = sizeof(e);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) != 0 || e != 0) {
		(void)close(client->fd);
		client->fd = -1;
		try_address(client);
		return;
	}
	client->fd = -1; /* the buffer owns it from here on */
	if (client->tls) {
		if (berth_tls_connect(client->tls, client->base, fd, &client->bev)) {
			fail_as(client, BERTH_E_MEMORY, "http-connect", "out of memory");
			return;
		}
	} else {
		client->bev = bufferevent_socket_new(client->base, fd, BEV_OPT_CLOSE_ON_FREE);
		if (!client->bev) {
			(void)close(fd);
			fail_as(client, BERTH_E_MEMORY, "http-connect", "out of memory");
			return;
		}
	}
	bufferevent_setcb(client->bev, on_read, NULL, on_event, client);
	(void)bufferevent_enable(client->bev, EV_READ | EV_WRITE);
	client->state = WAITS_TLS;
	if (!client->tls) {
		say_ready(client);
	}
}

/* The one place where a connection begins: asked of the address, since a name may lead anywhere. */
static bool
start_connect(struct berth_http_client *client, const struct sockaddr *to, socklen_t n)
{
	if (client->only_public && !berth_networks_admit(&client->allowed, to)) {
		client->was_refused = true;
		errno = EACCES;
		return false;
	}
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return false;
	}
	int on = 1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, to, n) != 0 && errno != EINPROGRESS) {
		(void)close(fd);
		return false;
	}
	client->fd = fd;
	client->state = WAITS_TCP;
	(void)event_assign(&client->tcp, client->base, fd, EV_WRITE, on_tcp, client);
	return event_add(&client->tcp, NULL) == 0;
}

/* The next address that takes a connection attempt; each gets what is left of the total time. */
static void
try_address(struct berth_http_client *client)
{
	while (client->next_address) {
		const struct addrinfo *address = client->next_address;
		client->next_address = address->ai_next;
		if (start_connect(client, address->ai_addr, address->ai_addrlen)) {
			return;
		}
	}
	if (client->was_refused) {
		fail_as(client, BERTH_E_DENIED, "http-not-public", NOT_PUBLIC);
	} else {
		fail_as(client, BERTH_E_UNREACHABLE, "http-connect", "cannot be reached");
	}
}

static void
on_name(int result, struct evutil_addrinfo *addresses, void *arg)
{
	struct berth_http_client *client = arg;
	if (result == EVUTIL_EAI_CANCEL) {
		return; /* by ourselves; the client may be gone */
	}
	client->query = NULL;
	if (result != 0) {
		fail_later(client, BERTH_E_UNREACHABLE, "http-name", evutil_gai_strerror(result));
		return;
	}
	client->addresses = client->next_address = addresses;
	/* The hosts file answers within the call that asked. */
	event_active(&client->report, EV_TIMEOUT, 1);
}

static void
fail_start(struct berth_http_client *client)
{
	if (client->was_refused) {
		fail_later(client, BERTH_E_DENIED, "http-not-public", NOT_PUBLIC);
	} else {
		fail_later(client, BERTH_E_UNREACHABLE, "http-connect", strerror(errno));
	}
}

static void
connect_unix(struct berth_http_client *client)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t n = strlen(client->address);
	if (n >= sizeof(to.sun_path)) {
		fail_later(client, BERTH_E_USAGE, "http-connect", "the socket's path is too long");
		return;
	}
	memcpy(to.sun_path, client->address, n + 1);
	if (!start_connect(client, (struct sockaddr *)&to, sizeof(to))) {
		fail_start(client);
	}
}

/* Numbers need no resolver, and a resolver would lose the scope of a link-local address. */
static bool
find_number(struct berth_http_client *client, const char *port)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct addrinfo *addresses = NULL;
	if (evutil_getaddrinfo(client->address, port, &hints, &addresses) != 0) {
		return false;
	}
	client->addresses = client->next_address = addresses;
	return true;
}

void
berth_http_client_connect(struct berth_http_client *client, berth_http_connected *connected,
			  void *context)
{
	client->connected = connected;
	client->context = context;
	start_timer(client, client->connect_timeout_ms);
	if (client->state != WAITS_CONNECT) {
		fail_later(client, BERTH_E_STATE, "http-connect", "one connection per client");
		return;
	}
	if (client->address[0] == '/') {
		connect_unix(client);
		return;
	}
	char port[8];
	(void)snprintf(port, sizeof(port), "%u", client->port);
	if (find_number(client, port)) {
		const struct addrinfo *address = client->addresses;
		client->next_address = address->ai_next;
		if (!start_connect(client, address->ai_addr, address->ai_addrlen)) {
			fail_start(client);
		}
		return;
	}
	struct evdns_base *dns = berth_loop_dns(client->loop);
	if (!dns) {
		fail_later(client, BERTH_E_MEMORY, "http-name", "no resolver");
		return;
	}
	client->state = WAITS_NAME;
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	/* Names from the hosts file come at once, within this call: then it returns NULL. */
	struct evdns_getaddrinfo_request *query =
		evdns_getaddrinfo(dns, client->address, port, &hints, on_name, client);
	if (client->state == WAITS_NAME) {
		client->query = query;
	}
}

void
berth_http_client_send(struct berth_http_client *client, const struct berth_http_request *request,
		       berth_http_done *done, void *context)
{
	client->done = done;
	client->context = context;
	if (client->state != WAITS_REQUEST) {
		fail_later(client, BERTH_E_UNREACHABLE, "http-closed",
			   "the connection has been closed");
		return;
	}
	/* Header and body in one piece: one TLS record, one packet where it fits. */
	BERTH_BUF out = {0};
	const struct berth_http_target target = {
		.host = client->host,
		.port = client->address[0] == '/' ? 0 : client->port,
	};
	if (berth_http_write(&target, request, &out) ||
	    bufferevent_write(client->bev, out.p, out.n) != 0) {
		fail_later(client, BERTH_E_USAGE, "http-request", "the request cannot be written");
		return;
	}
	client->state = WAITS_HEAD;
	start_timer(client, client->request_timeout_ms);
}

void
berth_http_client_set_timeout(struct berth_http_client *client, int64_t request_timeout_ms)
{
	client->request_timeout_ms = request_timeout_ms;
}

bool
berth_http_client_is_ready(const struct berth_http_client *client)
{
	return client->state == WAITS_REQUEST;
}

enum berth_err
berth_http_client_open(struct berth_loop *loop, const struct berth_http_client_conf *conf,
		       struct berth_http_client **ret, struct berth_why *why)
{
	struct berth_http_client *client = calloc(1, sizeof(*client));
	if (!client) {
		return berth_fail(why, BERTH_E_MEMORY, "http-client", NULL, "out of memory");
	}
	client->base = berth_loop_base(loop);
	client->loop = loop;
	client->fd = -1;
	client->number = berth_loop_number(loop);
	client->address = strdup(conf->address);
	client->host = strdup(conf->host ? conf->host : conf->address);
	client->port = conf->port;
	client->tls = (struct berth_tls_client *)(uintptr_t)conf->tls;
	client->connect_timeout_ms = conf->connect_timeout_ms;
	client->request_timeout_ms = conf->request_timeout_ms;
	client->body_limit_bytes = conf->body_limit_bytes;
	client->only_public = conf->public_and != NULL;
	client->allowed = conf->public_and ? *conf->public_and : (struct berth_networks){0};
	client->body.limit = conf->body_limit_bytes + 1;
	(void)event_assign(&client->timer, client->base, -1, 0, on_timer, client);
	(void)event_assign(&client->report, client->base, -1, 0, on_report, client);
	(void)event_assign(&client->tcp, client->base, -1, 0, on_tcp, client);
	if (!client->address || !client->host) {
		berth_http_client_close(client);
		return berth_fail(why, BERTH_E_MEMORY, "http-client", NULL, "out of memory");
	}
	*ret = client;
	return BERTH_OK;
}

void
berth_http_client_close(struct berth_http_client *client)
{
	if (!client) {
		return;
	}
	client->connected = NULL;
	client->done = NULL;
	drop_connection(client);
	(void)event_del(&client->report);
	if (client->has_seen) {
		berth_tls_seen_free(&client->seen);
	}
	berth_buf_free(&client->texts);
	berth_buf_free(&client->body);
	free(client->address);
	free(client->host);
	free(client);
}
