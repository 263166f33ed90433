/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/relay.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "net/loop_event.h"

#define RESUME_BYTES 16384 /* what may still wait when the other side is read again */

struct endpoint {
	struct sockaddr_storage address;
	socklen_t length;
	char text[BERTH_RELAY_ADDRESS_MAX + 16];
};

struct circuit;

struct side {
	struct circuit *circuit;
	struct side *other;
	struct bufferevent *bev;
	bool has_ended; /* it sends no more */
	bool is_shut;	/* we send it no more */
	uint64_t received;
};

struct circuit {
	struct berth_relay *relay;
	struct circuit *next;
	struct side source;
	struct side target;
	struct event *timer;
	struct sockaddr_storage from;
	char from_text[BERTH_RELAY_ADDRESS_MAX];
	size_t target_index; /* the one being tried or connected */
	struct endpoint targets[BERTH_RELAY_TARGETS_MAX];
	size_t target_count;
	bool is_connected;
	int64_t started_ms;
	int64_t connecting_since_ms;
	int64_t active_ms;	 /* the last byte in either direction */
	int64_t window_since_ms; /* 0: no window runs */
	uint64_t window_from;	 /* source.received when it began */
	int trickles;
	uint8_t head[BERTH_RELAY_HEAD_BYTES];
	size_t head_n;
};

struct berth_relay {
	struct berth_loop *loop;
	struct evconnlistener *listener;
	struct event *resume; /* accepts again after descriptors ran out */
	struct berth_relay_conf conf;
	struct endpoint targets[BERTH_RELAY_TARGETS_MAX];
	size_t target_count;
	struct circuit *circuits;
	size_t count;
};

static const char *const end_names[] = {
	[BERTH_RELAY_DONE] = "done",
	[BERTH_RELAY_BROKEN] = "broken",
	[BERTH_RELAY_UNREACHABLE] = "unreachable",
	[BERTH_RELAY_IDLE] = "idle",
	[BERTH_RELAY_TOTAL] = "total",
	[BERTH_RELAY_TRICKLE] = "trickle",
	[BERTH_RELAY_STOPPED] = "stopped",
};

const char *
berth_relay_end_name(enum berth_relay_end end)
{
	return end_names[end];
}

static int64_t
now_ms(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* ---- the end of a circuit ---- */

static void
unlink_circuit(struct circuit *circuit)
{
	struct circuit **at = &circuit->relay->circuits;

	while (*at != circuit)
		at = &(*at)->next;
	*at = circuit->next;
	circuit->relay->count--;
}

static void
free_circuit(struct circuit *circuit)
{
	if (circuit->source.bev)
		bufferevent_free(circuit->source.bev);
	if (circuit->target.bev)
		bufferevent_free(circuit->target.bev);
	if (circuit->timer)
		event_free(circuit->timer);
	free(circuit);
}

/* circuit is gone after this. */
static void
end_circuit(struct circuit *circuit, enum berth_relay_end end)
{
	struct berth_relay *relay = circuit->relay;
	struct berth_relay_report report = {
		.source = circuit->from_text,
		.target = circuit->is_connected ? circuit->targets[circuit->target_index].text : "",
		.end = end,
		.up_bytes = circuit->source.received,
		.down_bytes = circuit->target.received,
		.lasted_ms = now_ms() - circuit->started_ms,
	};

	unlink_circuit(circuit);
	if (relay->conf.ended)
		relay->conf.ended(relay->conf.context, &report);
	free_circuit(circuit);
}

/* ---- limits of time ---- */

static int64_t
next_deadline(const struct circuit *circuit)
{
	const struct berth_relay_conf *conf = &circuit->relay->conf;
	int64_t at = least(circuit->started_ms + conf->total_timeout_ms,
			   circuit->active_ms + conf->idle_timeout_ms);

	if (!circuit->is_connected)
		at = least(at, circuit->connecting_since_ms + conf->connect_timeout_ms);
	if (circuit->window_since_ms)
		at = least(at, circuit->window_since_ms + conf->progress_window_ms);
	return at;
}

static void
arm(struct circuit *circuit)
{
	int64_t in_ms = next_deadline(circuit) - now_ms();
	struct timeval tv = berth_timeval(in_ms > 0 ? in_ms : 0);

	event_add(circuit->timer, &tv);
}

/* True: too many windows in a row brought next to nothing. */
static bool
trickles(struct circuit *circuit, int64_t now)
{
	const struct berth_relay_conf *conf = &circuit->relay->conf;

	if (!circuit->window_since_ms || now < circuit->window_since_ms + conf->progress_window_ms)
		return false;
	circuit->window_since_ms = 0;
	if (circuit->source.received - circuit->window_from >= conf->progress_min_bytes)
		circuit->trickles = 0;
	else
		circuit->trickles++;
	return circuit->trickles >= BERTH_RELAY_TRICKLES_MAX;
}

static void connect_next(struct circuit *circuit);

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct circuit *circuit = arg;
	const struct berth_relay_conf *conf = &circuit->relay->conf;
	int64_t now = now_ms();

	(void)fd;
	(void)what;
	if (now >= circuit->started_ms + conf->total_timeout_ms) {
		end_circuit(circuit, BERTH_RELAY_TOTAL);
		return;
	}
	if (now >= circuit->active_ms + conf->idle_timeout_ms) {
		end_circuit(circuit, BERTH_RELAY_IDLE);
		return;
	}
	if (trickles(circuit, now)) {
		end_circuit(circuit, BERTH_RELAY_TRICKLE);
		return;
	}
	if (!circuit->is_connected &&
	    now >= circuit->connecting_since_ms + conf->connect_timeout_ms) {
		circuit->target_index++;
		connect_next(circuit);
		return;
	}
	arm(circuit);
}

/* ---- bytes ---- */

static void
note_bytes(struct side *side, size_t n)
{
	struct circuit *circuit = side->circuit;

	circuit->active_ms = now_ms();
	if (side == &circuit->source && !circuit->window_since_ms) {
		circuit->window_since_ms = circuit->active_ms;
		circuit->window_from = side->received;
		arm(circuit);
	}
	side->received += n;
}

/* When all that one side sent has been passed on, its end is passed on too; after both ends, the circuit's. */
static void
pass_end(struct side *from)
{
	struct side *to = from->other;
	struct circuit *circuit = from->circuit;

	if (!from->has_ended || to->is_shut || !circuit->is_connected)
		return;
	if (evbuffer_get_length(bufferevent_get_input(from->bev)) ||
	    evbuffer_get_length(bufferevent_get_output(to->bev)))
		return;
	shutdown(bufferevent_getfd(to->bev), SHUT_WR);
	to->is_shut = true;
	if (from->is_shut)
		end_circuit(circuit, BERTH_RELAY_DONE);
}

/* What a source says first is shown once it is whole. */
static void
show_head(struct side *from)
{
	struct circuit *circuit = from->circuit;
	const struct berth_relay_conf *conf = &circuit->relay->conf;
	size_t wanted = sizeof circuit->head - circuit->head_n;

	if (from != &circuit->source || !conf->began || !wanted)
		return;
	ev_ssize_t n = evbuffer_copyout(bufferevent_get_input(from->bev),
					circuit->head + circuit->head_n, wanted);
	circuit->head_n += n > 0 ? (size_t)n : 0;
	if (circuit->head_n == sizeof circuit->head)
		conf->began(conf->context, berth_bytes_of(circuit->head, circuit->head_n));
}

/* Not more than a buffer's worth waits: then reading stops until the other side has taken some. */
/* req: rfc8995-4.1-j2 */
static void
pump(struct side *from)
{
	struct evbuffer *in = bufferevent_get_input(from->bev);
	struct evbuffer *out = bufferevent_get_output(from->other->bev);

	evbuffer_add_buffer(out, in);
	if (evbuffer_get_length(out) >= BERTH_RELAY_BUFFER_MAX)
		bufferevent_disable(from->bev, EV_READ);
}

static void
on_readable(struct bufferevent *bev, void *arg)
{
	struct side *from = arg;
	size_t n = evbuffer_get_length(bufferevent_get_input(bev));

	note_bytes(from, n);
	show_head(from);
	pump(from);
}

/* The side has taken what waited, down to RESUME_BYTES or, at an end, to nothing. */
static void
on_writable(struct bufferevent *bev, void *arg)
{
	struct side *to = arg;
	struct side *from = to->other;

	to->circuit->active_ms = now_ms();
	if (!from->has_ended && evbuffer_get_length(bufferevent_get_output(bev)) <= RESUME_BYTES)
		bufferevent_enable(from->bev, EV_READ);
	pass_end(from);
}

static void
on_connected(struct circuit *circuit)
{
	circuit->is_connected = true;
	circuit->active_ms = now_ms();
	bufferevent_enable(circuit->source.bev, EV_READ | EV_WRITE);
	bufferevent_enable(circuit->target.bev, EV_READ | EV_WRITE);
	arm(circuit);
}

static void
on_side_event(struct bufferevent *bev, short what, void *arg)
{
	struct side *side = arg;
	struct circuit *circuit = side->circuit;

	if (what & BEV_EVENT_CONNECTED) {
		on_connected(circuit);
		return;
	}
	if (!circuit->is_connected && side == &circuit->target) {
		circuit->target_index++;
		connect_next(circuit);
		return;
	}
	if (what & BEV_EVENT_EOF) {
		side->has_ended = true;
		bufferevent_setwatermark(side->other->bev, EV_WRITE, 0, 0);
		pump(side);
		bufferevent_disable(bev, EV_READ);
		pass_end(side);
		return;
	}
	end_circuit(circuit, BERTH_RELAY_BROKEN);
}

static void
start_side(struct side *side)
{
	bufferevent_setcb(side->bev, on_readable, on_writable, on_side_event, side);
	bufferevent_setwatermark(side->bev, EV_READ, 0, BERTH_RELAY_BUFFER_MAX);
	bufferevent_setwatermark(side->bev, EV_WRITE, RESUME_BYTES, 0);
}

/* ---- connecting ---- */

/* Tries target_index and those after it; ends the circuit after the last. */
static void
connect_next(struct circuit *circuit)
{
	struct event_base *base = berth_loop_base(circuit->relay->loop);

	for (; circuit->target_index < circuit->target_count; circuit->target_index++) {
		struct endpoint *to = &circuit->targets[circuit->target_index];

		if (circuit->target.bev)
			bufferevent_free(circuit->target.bev);
		circuit->target.bev = bufferevent_socket_new(
			base, -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
		if (!circuit->target.bev)
			continue;
		start_side(&circuit->target);
		circuit->connecting_since_ms = now_ms();
		if (bufferevent_socket_connect(circuit->target.bev, (struct sockaddr *)&to->address,
					       (int)to->length) == 0) {
			arm(circuit);
			return;
		}
	}
	end_circuit(circuit, BERTH_RELAY_UNREACHABLE);
}

/* ---- accepting ---- */

/* A host has a /64 of IPv6 addresses to choose from, but one link-local address per interface. */
static bool
same_source(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET) {
		const struct sockaddr_in *x = (const struct sockaddr_in *)a;
		const struct sockaddr_in *y = (const struct sockaddr_in *)b;

		return x->sin_addr.s_addr == y->sin_addr.s_addr;
	}
	const struct sockaddr_in6 *x = (const struct sockaddr_in6 *)a;
	const struct sockaddr_in6 *y = (const struct sockaddr_in6 *)b;
	bool is_whole = IN6_IS_ADDR_LINKLOCAL(&x->sin6_addr) || IN6_IS_ADDR_V4MAPPED(&x->sin6_addr);
	return x->sin6_scope_id == y->sin6_scope_id &&
	       memcmp(&x->sin6_addr, &y->sin6_addr, is_whole ? 16 : 8) == 0;
}

static size_t
count_source(const struct berth_relay *relay, const struct sockaddr_storage *from)
{
	size_t n = 0;

	for (const struct circuit *c = relay->circuits; c; c = c->next)
		n += same_source(&c->from, from);
	return n;
}

/* req: rfc8995-4.1-j1, rfc8995-4.1-j3 */
static enum berth_err
admit(const struct berth_relay *relay, const struct sockaddr_storage *from, struct berth_why *why)
{
	if (!relay->target_count)
		return berth_fail(why, BERTH_E_UNREACHABLE, "relay-no-target", "RFC 8995 4.1",
				  "no registrar is known");
	if (relay->count >= relay->conf.connections_max)
		return berth_fail(why, BERTH_E_LIMIT, "relay-limit-total", "RFC 8995 4.1",
				  "%zu connections are relayed already", relay->count);
	if (count_source(relay, from) >= relay->conf.connections_per_source_max)
		return berth_fail(why, BERTH_E_LIMIT, "relay-limit-source", "RFC 8995 4.1",
				  "the source has %zu connections already",
				  relay->conf.connections_per_source_max);
	return BERTH_OK;
}

static enum berth_err
start_circuit(struct berth_relay *relay, struct circuit *circuit, int fd)
{
	struct event_base *base = berth_loop_base(relay->loop);

	circuit->source = (struct side){.circuit = circuit, .other = &circuit->target};
	circuit->target = (struct side){.circuit = circuit, .other = &circuit->source};
	circuit->source.bev =
		bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	circuit->timer = evtimer_new(base, on_timer, circuit);
	if (!circuit->source.bev || !circuit->timer)
		return BERTH_E_MEMORY;
	start_side(&circuit->source);
	bufferevent_disable(circuit->source.bev, EV_READ);
	circuit->started_ms = now_ms();
	circuit->active_ms = circuit->started_ms;
	memcpy(circuit->targets, relay->targets, sizeof circuit->targets);
	circuit->target_count = relay->target_count;
	return BERTH_OK;
}

static void
address_text(const struct sockaddr *address, socklen_t length, char text[BERTH_RELAY_ADDRESS_MAX])
{
	if (getnameinfo(address, length, text, BERTH_RELAY_ADDRESS_MAX, NULL, 0, NI_NUMERICHOST))
		snprintf(text, BERTH_RELAY_ADDRESS_MAX, "unknown");
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int length,
	  void *arg)
{
	struct berth_relay *relay = arg;
	struct sockaddr_storage from = {0};
	char text[BERTH_RELAY_ADDRESS_MAX];
	struct berth_why why;
	int one = 1;

	(void)listener;
	memcpy(&from, address, (size_t)length < sizeof from ? (size_t)length : sizeof from);
	address_text(address, (socklen_t)length, text);
	if (admit(relay, &from, &why)) {
		close(fd);
		if (relay->conf.refused)
			relay->conf.refused(relay->conf.context, text, &why);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	struct circuit *circuit = calloc(1, sizeof *circuit);
	if (!circuit) {
		close(fd);
		return;
	}
	circuit->relay = relay;
	circuit->from = from;
	memcpy(circuit->from_text, text, sizeof text);
	if (start_circuit(relay, circuit, fd)) {
		if (!circuit->source.bev)
			close(fd);
		free_circuit(circuit);
		return;
	}
	circuit->next = relay->circuits;
	relay->circuits = circuit;
	relay->count++;
	connect_next(circuit);
}

#define ACCEPT_AGAIN_MS 1000

/* No descriptor is left: libevent would ask again at once and for ever. */
static void
on_accept_failed(struct evconnlistener *listener, void *arg)
{
	struct berth_relay *relay = arg;
	struct timeval tv = berth_timeval(ACCEPT_AGAIN_MS);

	evconnlistener_disable(listener);
	event_add(relay->resume, &tv);
}

static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct berth_relay *relay = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(relay->listener);
}

/* ---- the relay ---- */

enum berth_err
berth_relay_open(struct berth_loop *loop, const struct berth_relay_conf *conf, int fd,
		 struct berth_relay **ret, struct berth_why *why)
{
	struct berth_relay *relay = calloc(1, sizeof *relay);

	if (!relay) {
		close(fd);
		return berth_fail(why, BERTH_E_MEMORY, "relay-memory", NULL, "out of memory");
	}
	relay->loop = loop;
	relay->conf = *conf;
	evutil_make_socket_nonblocking(fd);
	relay->listener = evconnlistener_new(berth_loop_base(loop), on_accept, relay,
					     LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	relay->resume = evtimer_new(berth_loop_base(loop), on_resume, relay);
	if (!relay->listener || !relay->resume) {
		if (!relay->listener)
			close(fd);
		berth_relay_close(relay);
		return berth_fail(why, BERTH_E_IO, "relay-listen", NULL, "cannot listen: %s",
				  strerror(errno));
	}
	evconnlistener_set_error_cb(relay->listener, on_accept_failed);
	*ret = relay;
	return BERTH_OK;
}

void
berth_relay_close(struct berth_relay *relay)
{
	if (!relay)
		return;
	relay->conf.ended = NULL;
	while (relay->circuits)
		end_circuit(relay->circuits, BERTH_RELAY_STOPPED);
	if (relay->listener)
		evconnlistener_free(relay->listener);
	if (relay->resume)
		event_free(relay->resume);
	free(relay);
}

static enum berth_err
read_target(const struct berth_relay_target *target, struct endpoint *ret, struct berth_why *why)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found = NULL;
	char port[8];

	snprintf(port, sizeof port, "%u", target->port);
	if (!target->port || getaddrinfo(target->address, port, &hints, &found))
		return berth_fail(why, BERTH_E_USAGE, "relay-target", NULL,
				  "%.80s port %u is not a numeric address and port",
				  target->address, target->port);
	memset(ret, 0, sizeof *ret);
	memcpy(&ret->address, found->ai_addr, found->ai_addrlen);
	ret->length = found->ai_addrlen;
	int found_family = found->ai_family;
	freeaddrinfo(found);
	bool is_ipv6 = found_family == AF_INET6;
	snprintf(ret->text, sizeof ret->text, "%s%s%s:%s", is_ipv6 ? "[" : "", target->address,
		 is_ipv6 ? "]" : "", port);
	return BERTH_OK;
}

enum berth_err
berth_relay_target_check(const struct berth_relay_target *target, struct berth_why *why)
{
	struct endpoint endpoint;

	return read_target(target, &endpoint, why);
}

enum berth_err
berth_relay_set_targets(struct berth_relay *relay, const struct berth_relay_target *targets,
			size_t n, struct berth_why *why)
{
	struct endpoint endpoints[BERTH_RELAY_TARGETS_MAX];

	if (n > BERTH_RELAY_TARGETS_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "relay-targets", NULL,
				  "more than %d registrars at a time", BERTH_RELAY_TARGETS_MAX);
	for (size_t i = 0; i < n; i++) {
		enum berth_err err = read_target(&targets[i], &endpoints[i], why);

		if (err)
			return err;
	}
	memcpy(relay->targets, endpoints, n * sizeof *endpoints);
	relay->target_count = n;
	return BERTH_OK;
}

size_t
berth_relay_connections(const struct berth_relay *relay)
{
	return relay->count;
}
