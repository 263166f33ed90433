/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/dpp_server.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "net/dpp_stream.h"
#include "net/http_sources.h"
#include "net/loop_event.h"

#define BUCKETS 1024
#define ADDRESS_MAX 64
#define ACCEPT_AGAIN_MS 1000

struct connection {
	struct berth_dpp_server *server;
	struct connection *next, **back; /* of its bucket */
	uint64_t id;
	uint64_t token; /* of a dial that is not answered yet */
	bool is_dialling;
	bool has_source; /* counted */
	bool is_ending;	 /* when all is written */
	struct bufferevent *bev;
	struct event *timer;
	struct event *pause; /* until it may say more; NULL: never was too fast */
	struct berth_http_source source;
	char address[ADDRESS_MAX];
	int64_t end_ms;	 /* of its life */
	int64_t allowed; /* bodies that may come at once, as of then */
	int64_t allowed_ms;
};

struct berth_dpp_server {
	struct berth_loop *loop;
	struct berth_dpp_server_conf conf;
	struct evconnlistener *listener;
	struct event *resume; /* accepts again after descriptors ran out */
	struct berth_http_sources *sources;
	struct connection *buckets[BUCKETS];
	size_t count;
};

static int64_t
now_ms(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct connection *
find(const struct berth_dpp_server *server, uint64_t id)
{
	struct connection *c = server->buckets[id % BUCKETS];

	while (c != NULL && c->id != id)
		c = c->next;
	return c;
}

static void
drop(struct connection *c)
{
	struct berth_dpp_server *server = c->server;

	if (c->back != NULL) {
		*c->back = c->next;
		if (c->next != NULL)
			c->next->back = c->back;
		server->count--;
	}
	if (c->has_source)
		berth_http_sources_remove(server->sources, &c->source);
	if (c->timer != NULL)
		event_free(c->timer);
	if (c->pause != NULL)
		event_free(c->pause);
	if (c->bev != NULL)
		bufferevent_free(c->bev);
	free(c);
}

/* It is over, and not by our owner's wish. */
static void
lose(struct connection *c)
{
	struct berth_dpp_server *server = c->server;
	uint64_t id = c->id;
	bool is_told = !c->is_ending;

	drop(c);
	if (is_told && server->conf.gone != NULL)
		server->conf.gone(server->conf.context, id);
}

static void
refuse(struct connection *c, const struct berth_why *why)
{
	if (c->server->conf.refused != NULL)
		c->server->conf.refused(c->server->conf.context,
					berth_bytes_of(c->address, strlen(c->address)), why);
	lose(c);
}

/* Answers a dial, once. */
static void
answer(struct connection *c, const struct berth_why *why)
{
	struct berth_dpp_server *server = c->server;

	c->is_dialling = false;
	server->conf.dialled(server->conf.context, c->token, why == NULL ? c->id : 0, why);
}

/* Until the next whole body, or the end of its life. */
static void
set_timer(struct connection *c, int64_t in_ms)
{
	int64_t left = c->end_ms - now_ms();
	struct timeval tv = berth_timeval(in_ms < left ? in_ms : left > 0 ? left : 1);

	event_add(c->timer, &tv);
}

static void
fail_dial(struct connection *c, const char *reason)
{
	struct berth_why why;

	berth_why_fill(&why, BERTH_E_UNREACHABLE, "dpp-dial", NULL, 0,
		       "%.64s cannot be connected to: %s", c->address, reason);
	answer(c, &why);
	drop(c);
}

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
	struct connection *c = context;
	struct berth_why why;

	(void)fd;
	(void)what;
	if (c->is_dialling) {
		fail_dial(c, "it does not answer");
		return;
	}
	/* req: dpp-tcp-slow */
	berth_why_fill(&why, BERTH_E_TIMEOUT, "dpp-idle", "DPP 7.3", 0,
		       "no whole message came in time");
	refuse(c, &why);
}

static void read_on(struct connection *c);

static void
on_pause_end(evutil_socket_t fd, short what, void *context)
{
	struct connection *c = context;

	(void)fd;
	(void)what;
	bufferevent_enable(c->bev, EV_READ);
	read_on(c);
}

/* Whether it may say one more now; if not it is read again when it may. */
static bool
may_speak(struct connection *c)
{
	int64_t now = now_ms();
	int64_t more = (now - c->allowed_ms) / BERTH_DPP_BODY_EVERY_MS;

	if (c->allowed + more >= BERTH_DPP_BURST) {
		c->allowed = BERTH_DPP_BURST;
		c->allowed_ms = now;
	} else {
		c->allowed += more;
		c->allowed_ms += more * BERTH_DPP_BODY_EVERY_MS;
	}
	if (c->allowed > 0) {
		c->allowed--;
		return true;
	}
	struct timeval tv = berth_timeval(c->allowed_ms + BERTH_DPP_BODY_EVERY_MS - now);
	bufferevent_disable(c->bev, EV_READ);
	if (c->pause == NULL)
		c->pause = evtimer_new(berth_loop_base(c->server->loop), on_pause_end, c);
	if (c->pause != NULL)
		event_add(c->pause, &tv);
	return false; /* without memory for the pause it waits for the end of its time */
}

/* 1: a body was taken; 0: more must come, or later; -1: c is gone. */
static int
take_body(struct connection *c, struct evbuffer *in)
{
	struct berth_dpp_server *server = c->server;
	size_t there = evbuffer_get_length(in);
	struct berth_bytes body = BERTH_BYTES_NONE;
	struct berth_why why;
	size_t wanted = BERTH_DPP_LENGTH_BYTES;

	while (body.n == 0) {
		if (there < wanted) {
			bufferevent_setwatermark(c->bev, EV_READ, wanted, 0);
			return 0;
		}
		size_t at_hand = wanted;
		const uint8_t *p = evbuffer_pullup(in, (ev_ssize_t)at_hand);
		if (p == NULL) {
			lose(c);
			return -1;
		}
		if (berth_dpp_stream_take(berth_bytes_of(p, at_hand), &wanted, &body, &why)) {
			refuse(c, &why);
			return -1;
		}
	}
	bufferevent_setwatermark(c->bev, EV_READ, BERTH_DPP_LENGTH_BYTES, 0);
	/* req: dpp-tcp-pace */
	if (!may_speak(c))
		return 0;
	set_timer(c, c->server->conf.idle_ms);
	uint64_t id = c->id;
	server->conf.message(server->conf.context, id, body,
			     berth_bytes_of(c->address, strlen(c->address)));
	if (find(server, id) != c)
		return -1; /* cut from within */
	evbuffer_drain(in, wanted);
	/* req: dpp-tcp-last */
	return c->is_ending ? 0 : 1;
}

static void
read_on(struct connection *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	int taken = 1;

	if (c->is_ending) {
		evbuffer_drain(in, SIZE_MAX);
		return;
	}
	while (taken == 1)
		taken = take_body(c, in);
}

static void
on_read(struct bufferevent *bev, void *context)
{
	struct connection *c = context;

	(void)bev;
	/* deferred: it may have been told to pause in between */
	if (c->is_ending || c->pause == NULL || !evtimer_pending(c->pause, NULL))
		read_on(c);
}

static void
on_written(struct bufferevent *bev, void *context)
{
	struct connection *c = context;

	/* deferred: it may be about an earlier write, or none at all */
	if (c->is_ending && evbuffer_get_length(bufferevent_get_output(bev)) == 0)
		drop(c);
}

static void
set_no_delay(struct bufferevent *bev)
{
	int one = 1;

	/* two small writes in a row would wait for the other's acknowledgement: 40 ms each */
	(void)setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void
on_event(struct bufferevent *bev, short what, void *context)
{
	struct connection *c = context;

	if (c->is_dialling && (what & BEV_EVENT_CONNECTED) != 0) {
		set_no_delay(bev);
		set_timer(c, c->server->conf.idle_ms);
		answer(c, NULL);
	} else if (c->is_dialling) {
		int dns = bufferevent_socket_get_dns_error(bev);
		fail_dial(c, dns != 0 ? evutil_gai_strerror(dns)
				      : evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
	} else if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0) {
		lose(c);
	}
}

static struct connection *
add(struct berth_dpp_server *server, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->server = server;
	c->id = berth_loop_number(server->loop);
	c->allowed_ms = now_ms();
	c->allowed = BERTH_DPP_BURST;
	c->end_ms = c->allowed_ms + BERTH_DPP_LIFE_MS;
	c->timer = evtimer_new(berth_loop_base(server->loop), on_timer, c);
	c->bev = bufferevent_socket_new(berth_loop_base(server->loop), fd,
					BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (c->timer == NULL || c->bev == NULL) {
		drop(c);
		return NULL;
	}
	bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, BERTH_DPP_LENGTH_BYTES, 0);
	struct connection **bucket = &server->buckets[c->id % BUCKETS];
	c->next = *bucket;
	c->back = bucket;
	if (c->next != NULL)
		c->next->back = &c->next;
	*bucket = c;
	server->count++;
	return c;
}

static enum berth_err
admit(struct berth_dpp_server *server, const struct berth_http_source *source,
      struct berth_why *why)
{
	if (server->count >= server->conf.connections_max)
		return berth_fail(why, BERTH_E_LIMIT, "limit-total", NULL,
				  "there are %zu connections already", server->count);
	if (berth_http_sources_add(server->sources, source,
				   server->conf.connections_per_source_max))
		return berth_fail(why, BERTH_E_LIMIT, "limit-source", NULL,
				  "there are %zu connections from this address already",
				  server->conf.connections_per_source_max);
	return BERTH_OK;
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int length,
	  void *context)
{
	struct berth_dpp_server *server = context;
	char text[ADDRESS_MAX] = "unknown";
	struct berth_why why;

	(void)listener;
	if (getnameinfo(address, (socklen_t)length, text, sizeof(text), NULL, 0, NI_NUMERICHOST))
		memcpy(text, "unknown", sizeof("unknown"));
	struct berth_http_source source = berth_http_source_of(text);
	if (admit(server, &source, &why)) {
		(void)close(fd);
		if (server->conf.refused != NULL)
			server->conf.refused(server->conf.context,
					     berth_bytes_of(text, strlen(text)), &why);
		return;
	}
	struct connection *c = add(server, fd);
	if (c == NULL) {
		(void)close(fd);
		berth_http_sources_remove(server->sources, &source);
		return;
	}
	c->source = source;
	c->has_source = true;
	memcpy(c->address, text, sizeof(text));
	set_no_delay(c->bev);
	set_timer(c, c->server->conf.first_ms);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

static void
on_accept_failed(struct evconnlistener *listener, void *context)
{
	struct berth_dpp_server *server = context;
	struct timeval tv = berth_timeval(ACCEPT_AGAIN_MS);

	evconnlistener_disable(listener);
	event_add(server->resume, &tv);
}

static void
on_resume(evutil_socket_t fd, short what, void *context)
{
	struct berth_dpp_server *server = context;

	(void)fd;
	(void)what;
	if (server->listener != NULL)
		evconnlistener_enable(server->listener);
}

enum berth_err
berth_dpp_server_open(struct berth_loop *loop, const struct berth_dpp_server_conf *conf, int fd,
		      struct berth_dpp_server **ret, struct berth_why *why)
{
	struct berth_dpp_server *server = calloc(1, sizeof(*server));
	bool has_parts = server != NULL && berth_http_sources_open(&server->sources) == BERTH_OK;

	if (has_parts) {
		server->loop = loop;
		server->conf = *conf;
		if (server->conf.first_ms == 0)
			server->conf.first_ms = BERTH_DPP_FIRST_MS;
		if (server->conf.idle_ms == 0)
			server->conf.idle_ms = BERTH_DPP_IDLE_MS;
		server->resume = evtimer_new(berth_loop_base(loop), on_resume, server);
		has_parts = server->resume != NULL;
	}
	if (has_parts && fd >= 0) {
		(void)evutil_make_socket_nonblocking(fd);
		server->listener =
			evconnlistener_new(berth_loop_base(loop), on_accept, server,
					   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
		has_parts = server->listener != NULL;
	}
	if (!has_parts) {
		if (fd >= 0)
			(void)close(fd);
		berth_dpp_server_close(server);
		return berth_fail(why, BERTH_E_IO, "dpp-listen", NULL,
				  "DPP cannot be listened for: %s", strerror(errno));
	}
	if (server->listener != NULL)
		evconnlistener_set_error_cb(server->listener, on_accept_failed);
	*ret = server;
	return BERTH_OK;
}

void
berth_dpp_server_stop(struct berth_dpp_server *server)
{
	if (server->listener != NULL)
		evconnlistener_free(server->listener);
	server->listener = NULL;
}

void
berth_dpp_server_close(struct berth_dpp_server *server)
{
	if (server == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (server->buckets[i] != NULL)
			drop(server->buckets[i]);
	}
	berth_dpp_server_stop(server);
	if (server->resume != NULL)
		event_free(server->resume);
	berth_http_sources_close(server->sources);
	free(server);
}

/* What leaves at once costs the loop nothing; a fault, like what is left, is libevent's to find. */
static size_t
send_now(const struct connection *c, struct iovec *parts, size_t n)
{
	const struct msghdr message = {.msg_iov = parts, .msg_iovlen = n};
	ssize_t sent = sendmsg(bufferevent_getfd(c->bev), &message, MSG_NOSIGNAL | MSG_DONTWAIT);

	return sent < 0 ? 0 : (size_t)sent;
}

enum berth_err
berth_dpp_server_send(struct berth_dpp_server *server, uint64_t id, struct berth_bytes body)
{
	struct connection *c = find(server, id);
	uint8_t head[BERTH_DPP_LENGTH_BYTES] = {(uint8_t)(body.n >> 24), (uint8_t)(body.n >> 16),
						(uint8_t)(body.n >> 8), (uint8_t)body.n};

	if (c == NULL || c->is_ending)
		return BERTH_E_NOT_FOUND;
	struct evbuffer *out = bufferevent_get_output(c->bev);
	if (body.n == 0 || body.n > BERTH_DPP_STREAM_BODY_MAX ||
	    evbuffer_get_length(out) + BERTH_DPP_LENGTH_BYTES + body.n >
		    BERTH_DPP_UNSENT_MAX_BYTES) {
		lose(c);
		return BERTH_E_LIMIT;
	}
	struct iovec parts[] = {{head, sizeof(head)}, {(void *)(uintptr_t)body.p, body.n}};
	size_t sent = evbuffer_get_length(out) == 0 && !c->is_dialling ? send_now(c, parts, 2) : 0;
	size_t of_head = sent < sizeof(head) ? sent : sizeof(head);
	if (evbuffer_add(out, head + of_head, sizeof(head) - of_head) != 0 ||
	    evbuffer_add(out, body.p + (sent - of_head), body.n - (sent - of_head)) != 0) {
		lose(c);
		return BERTH_E_MEMORY;
	}
	set_timer(c, c->server->conf.idle_ms);
	return BERTH_OK;
}

void
berth_dpp_server_cut(struct berth_dpp_server *server, uint64_t id)
{
	struct connection *c = find(server, id);

	if (c == NULL || c->is_ending)
		return;
	if (evbuffer_get_length(bufferevent_get_output(c->bev)) == 0) {
		drop(c);
		return;
	}
	c->is_ending = true;
	set_timer(c, BERTH_DPP_ENDING_MS);
}

void
berth_dpp_server_dial(struct berth_dpp_server *server, uint64_t token, const char *host,
		      uint16_t port)
{
	struct connection *c = add(server, -1);
	struct berth_why why;

	if (c == NULL) {
		berth_why_fill(&why, BERTH_E_MEMORY, "dpp-dial", NULL, 0, "out of memory");
		server->conf.dialled(server->conf.context, token, 0, &why);
		return;
	}
	c->token = token;
	c->is_dialling = true;
	size_t n = strnlen(host, sizeof(c->address) - 1);
	memcpy(c->address, host, n);
	set_timer(c, BERTH_DPP_CONNECT_MS);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	/* deferred callbacks: what goes wrong at once is told later as well, but for what fails here */
	if (bufferevent_socket_connect_hostname(c->bev, berth_loop_dns(server->loop), AF_UNSPEC,
						host, port) != 0 &&
	    c->is_dialling) {
		struct timeval tv = berth_timeval(0);
		event_add(c->timer, &tv);
	}
}

size_t
berth_dpp_server_connections(const struct berth_dpp_server *server)
{
	return server->count;
}
