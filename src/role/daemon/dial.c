/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/daemon/dial.h"

#include <stdlib.h>

#include "codec/frame.h"
#include "system/clock.h"

struct place;

struct kept {
	struct berth_http_client *client;
	struct berth_mono since;
};

/* Where to: with its own TLS settings, because the anchors are parsed once. */
struct place {
	struct place *next;
	char *host;
	uint16_t port;
	struct berth_buf anchors;
	bool with_certificate;
	bool is_plain;
	struct berth_networks networks; /* of is_plain */
	struct berth_buf networks_text;
	struct berth_tls_client *tls; /* NULL: is_plain */
	struct kept idle[BERTH_DIAL_IDLE_MAX];
	size_t idle_count;
	size_t calls;	/* under way */
	size_t running; /* of these, with a connection */
	struct call *waiting, **waiting_last;
	struct berth_mono used;
};

/* One dial under way. */
struct call {
	struct berth_dialer *dialer;
	struct place *place;
	struct call *next, **back;
	uint64_t id;
	struct berth_http_client *client;
	struct berth_arena arena;
	struct berth_http_request request;
	size_t body_limit_bytes;
	struct berth_mono deadline;
	bool is_reused; /* on a kept connection: may be tried once more */
	bool is_running;
	struct call *next_waiting;
	struct berth_timer *late; /* NULL: has never waited */
};

struct berth_dialer {
	struct berth_dialer_conf conf;
	struct place *places;
	size_t place_count;
	struct call *calls;
	size_t call_count;
	struct berth_timer *sweep;
	struct berth_timer *serve; /* a connection became free: outside of its own callbacks */
};

#define SWEEP_MS 5000
#define CALL_BYTES_MAX (BERTH_FRAME_MAX + 4096)

static void
place_free(struct place *place)
{
	for (size_t i = 0; i < place->idle_count; i++) {
		berth_http_client_close(place->idle[i].client);
	}
	berth_tls_client_close(place->tls);
	berth_buf_free(&place->anchors);
	berth_buf_free(&place->networks_text);
	free(place->host);
	free(place);
}

static void
remove_idle(struct place *place, size_t i)
{
	berth_http_client_close(place->idle[i].client);
	place->idle[i] = place->idle[--place->idle_count];
}

static void
on_sweep(void *context)
{
	struct berth_dialer *dialer = context;
	struct berth_mono now = berth_clock_mono();
	for (struct place *place = dialer->places; place; place = place->next) {
		for (size_t i = place->idle_count; i-- > 0;) {
			if (!berth_http_client_is_ready(place->idle[i].client) ||
			    now.ms - place->idle[i].since.ms > BERTH_DIAL_IDLE_MS) {
				remove_idle(place, i);
			}
		}
	}
	berth_timer_start(dialer->sweep, SWEEP_MS);
}

static void on_serve(void *context);

enum berth_err
berth_dialer_open(const struct berth_dialer_conf *conf, struct berth_dialer **ret,
		  struct berth_why *why)
{
	struct berth_dialer *dialer = calloc(1, sizeof(*dialer));
	if (!dialer || berth_timer_open(conf->loop, on_sweep, dialer, &dialer->sweep) ||
	    berth_timer_open(conf->loop, on_serve, dialer, &dialer->serve)) {
		berth_dialer_close(dialer);
		return berth_fail(why, BERTH_E_MEMORY, "dial-open", NULL, "out of memory");
	}
	dialer->conf = *conf;
	berth_timer_start(dialer->sweep, SWEEP_MS);
	*ret = dialer;
	return BERTH_OK;
}

static void
stop_waiting(struct call *call)
{
	struct place *place = call->place;
	struct call **at = &place->waiting;
	while (*at && *at != call) {
		at = &(*at)->next_waiting;
	}
	if (!*at) {
		return;
	}
	*at = call->next_waiting;
	if (place->waiting_last == &call->next_waiting) {
		place->waiting_last = at;
	}
	call->next_waiting = NULL;
	berth_timer_stop(call->late);
}

static void
leave_place(struct call *call)
{
	struct place *place = call->place;
	if (!place) {
		return;
	}
	place->calls--;
	if (call->is_running) {
		place->running--;
		berth_timer_start(call->dialer->serve, 0);
	} else {
		stop_waiting(call);
	}
}

static void
call_free(struct call *call)
{
	berth_http_client_close(call->client);
	*call->back = call->next;
	if (call->next) {
		call->next->back = call->back;
	}
	call->dialer->call_count--;
	leave_place(call);
	berth_timer_close(call->late);
	berth_arena_end(&call->arena);
	free(call);
}

void
berth_dialer_forget(struct berth_dialer *dialer)
{
	while (dialer->calls) {
		call_free(dialer->calls);
	}
}

void
berth_dialer_close(struct berth_dialer *dialer)
{
	if (!dialer) {
		return;
	}
	berth_dialer_forget(dialer);
	while (dialer->places) {
		struct place *place = dialer->places;
		dialer->places = place->next;
		place_free(place);
	}
	berth_timer_close(dialer->sweep);
	berth_timer_close(dialer->serve);
	free(dialer);
}

static void
say_failed(struct call *call, const struct berth_why *why)
{
	struct berth_dialer *dialer = call->dialer;
	uint64_t id = call->id;
	struct berth_why fault = *why;
	call_free(call);
	const struct berth_http_response none = {.retry_after_s = -1};
	dialer->conf.dialled(dialer->conf.context, id, &none, NULL, &fault);
}

static void
fail_call(struct call *call, enum berth_err err, const char *rule, const char *sentence)
{
	struct berth_why why;
	berth_ignore(berth_fail(&why, err, rule, NULL, "%s", sentence), "only the why is wanted");
	say_failed(call, &why);
}

static bool
is_place(const struct place *place, const struct berth_dial *dial)
{
	return place->port == dial->port &&
	       place->with_certificate == dial->with_client_certificate &&
	       place->is_plain == dial->is_plain &&
	       berth_bytes_equal(berth_buf_view(&place->networks_text), dial->networks) &&
	       berth_bytes_equal_text(dial->host, place->host) &&
	       berth_bytes_equal(berth_buf_view(&place->anchors), dial->anchors_pem);
}

/* Makes room: the place that nobody has used for longest, if one is not in use. */
static void
drop_oldest(struct berth_dialer *dialer)
{
	struct place **oldest = NULL;
	for (struct place **at = &dialer->places; *at; at = &(*at)->next) {
		if ((*at)->calls == 0 && (!oldest || (*at)->used.ms < (*oldest)->used.ms)) {
			oldest = at;
		}
	}
	if (oldest) {
		struct place *place = *oldest;
		*oldest = place->next;
		dialer->place_count--;
		place_free(place);
	}
}

static enum berth_err
place_fill(struct berth_dialer *dialer, const struct berth_dial *dial, struct place *place,
	   struct berth_why *why)
{
	place->host = strndup((const char *)dial->host.p, dial->host.n);
	place->port = dial->port;
	place->with_certificate = dial->with_client_certificate;
	if (!place->host || berth_buf_append_bytes(&place->anchors, dial->anchors_pem)) {
		return berth_fail(why, BERTH_E_MEMORY, "dial-place", NULL, "out of memory");
	}
	if (dial->is_plain) {
		place->is_plain = true;
		return berth_buf_append_bytes(&place->networks_text, dial->networks)
			       ? berth_fail(why, BERTH_E_MEMORY, "dial-place", NULL,
					    "out of memory")
			       : berth_networks_parse(dial->networks, &place->networks, why);
	}
	BERTH_CERT_LIST anchors = {0};
	enum berth_err err =
		berth_cert_list_parse(dialer->conf.pki, dial->anchors_pem, &anchors, why);
	if (err) {
		return err;
	}
	const struct berth_tls_client_conf conf = {
		.pki = dialer->conf.pki,
		.chain = dial->with_client_certificate ? dialer->conf.chain : NULL,
		.key = dial->with_client_certificate ? dialer->conf.key : NULL,
		.anchors = &anchors,
		.server_name = place->host,
		.wall = berth_clock_wall,
	};
	return berth_tls_client_open(&conf, &place->tls, why);
}

static enum berth_err
place_of(struct berth_dialer *dialer, const struct berth_dial *dial, struct place **ret,
	 struct berth_why *why)
{
	for (struct place *place = dialer->places; place; place = place->next) {
		if (is_place(place, dial)) {
			*ret = place;
			return BERTH_OK;
		}
	}
	if (dialer->place_count >= BERTH_DIAL_PLACES_MAX) {
		drop_oldest(dialer);
	}
	if (dialer->place_count >= BERTH_DIAL_PLACES_MAX) {
		return berth_fail(why, BERTH_E_LIMIT, "dial-places-max", NULL,
				  "as many places are dialled at once as are allowed");
	}
	struct place *place = calloc(1, sizeof(*place));
	if (!place) {
		return berth_fail(why, BERTH_E_MEMORY, "dial-place", NULL, "out of memory");
	}
	enum berth_err err = place_fill(dialer, dial, place, why);
	if (err) {
		place_free(place);
		return err;
	}
	place->waiting_last = &place->waiting;
	place->next = dialer->places;
	dialer->places = place;
	dialer->place_count++;
	*ret = place;
	return BERTH_OK;
}

static void start_call(struct call *call);

static void
keep(struct call *call)
{
	struct place *place = call->place;
	if (!berth_http_client_is_ready(call->client)) {
		return;
	}
	/* Those that wait take theirs in the next turn of the loop. */
	while (place->idle_count >= BERTH_DIAL_IDLE_MAX) {
		remove_idle(place, 0);
	}
	place->idle[place->idle_count++] = (struct kept){
		.client = call->client,
		.since = berth_clock_mono(),
	};
	call->client = NULL;
}

static void
on_done(void *context, const struct berth_http_response *response,
	const struct berth_tls_facts *tls, const struct berth_why *why)
{
	struct call *call = context;
	if (response->status == 0 && why->err == BERTH_E_UNREACHABLE && call->is_reused) {
		berth_http_client_close(call->client);
		call->client = NULL;
		start_call(call);
		return;
	}
	if (response->status == 0) {
		say_failed(call, why);
		return;
	}
	if (response->body.n > call->body_limit_bytes) {
		fail_call(call, BERTH_E_LIMIT, "http-answer-too-large",
			  "the answer is larger than was asked for");
		return;
	}
	/* The views are the client's: answer first, then keep or close it. */
	struct berth_dialer *dialer = call->dialer;
	dialer->conf.dialled(dialer->conf.context, call->id, response, tls, NULL);
	keep(call);
	call_free(call);
}

static void
on_connected(void *context, const struct berth_tls_facts *tls, const struct berth_why *why)
{
	(void)tls;
	struct call *call = context;
	if (why) {
		say_failed(call, why);
		return;
	}
	berth_http_client_send(call->client, &call->request, on_done, call);
}

static bool
take_kept(struct call *call)
{
	struct place *place = call->place;
	while (place->idle_count > 0) {
		struct berth_http_client *client = place->idle[--place->idle_count].client;
		if (berth_http_client_is_ready(client)) {
			call->client = client;
			return true;
		}
		berth_http_client_close(client);
	}
	return false;
}

static void
on_late(void *context)
{
	struct call *call = context;
	fail_call(call, BERTH_E_TIMEOUT, "dial-connections-max",
		  "as many connections to it as are allowed are in use, and none became free in "
		  "time");
}

/* Of those that wait, as many as connections have become free; each may end at once, and then the next. */
static void
on_serve(void *context)
{
	struct berth_dialer *dialer = context;
	for (struct place *place = dialer->places; place; place = place->next) {
		while (place->waiting && place->running < BERTH_DIAL_CONNECTIONS_MAX) {
			struct call *call = place->waiting;
			stop_waiting(call);
			start_call(call);
		}
	}
}

static void
wait_for_place(struct call *call)
{
	struct place *place = call->place;
	if (berth_timer_open(call->dialer->conf.loop, on_late, call, &call->late)) {
		abort(); /* out of memory: the parent starts us again */
	}
	berth_timer_start(call->late, call->deadline.ms - berth_clock_mono().ms);
	*place->waiting_last = call;
	place->waiting_last = &call->next_waiting;
}

static void
start_call(struct call *call)
{
	struct place *place = call->place;
	if (!call->is_running) {
		call->is_running = true;
		place->running++;
	}
	int64_t left = call->deadline.ms - berth_clock_mono().ms;
	if (left <= 0) {
		fail_call(call, BERTH_E_TIMEOUT, "http-answer", "no answer in time");
		return;
	}
	if (!call->is_reused && take_kept(call)) {
		call->is_reused = true;
		berth_http_client_set_timeout(call->client, left);
		berth_http_client_send(call->client, &call->request, on_done, call);
		return;
	}
	call->is_reused = false;
	const struct berth_http_client_conf conf = {
		.address = place->host,
		.port = place->port,
		.host = place->host,
		.tls = place->tls,
		.connect_timeout_ms = left,
		.request_timeout_ms = left,
		.body_limit_bytes = BERTH_DAEMON_BODY_MAX,
		.public_and = place->is_plain ? &place->networks : NULL,
	};
	struct berth_why why;
	if (berth_http_client_open(call->dialer->conf.loop, &conf, &call->client, &why)) {
		say_failed(call, &why);
		return;
	}
	berth_http_client_connect(call->client, on_connected, call);
}

/* The packet that brought the dial is gone when the connection is up. */
static enum berth_err
copy_request(struct call *call, const struct berth_http_request *from)
{
	struct berth_bytes *const to[] = {
		&call->request.path,   &call->request.query,	  &call->request.media_type,
		&call->request.accept, &call->request.user_agent, &call->request.authorization,
		&call->request.body,
	};
	const struct berth_bytes what[] = {
		from->path,	  from->query,	       from->media_type, from->accept,
		from->user_agent, from->authorization, from->body,
	};
	call->request.method = from->method;
	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		*to[i] = berth_arena_copy(&call->arena, what[i]);
		if (!to[i]->p) {
			return BERTH_E_LIMIT;
		}
	}
	return BERTH_OK;
}

void
berth_dialer_dial(struct berth_dialer *dialer, uint64_t id, const struct berth_dial *dial)
{
	struct call *call = calloc(1, sizeof(*call));
	if (!call) {
		abort(); /* out of memory: the parent starts us again */
	}
	call->dialer = dialer;
	call->id = id;
	call->next = dialer->calls;
	call->back = &dialer->calls;
	if (call->next) {
		call->next->back = &call->next;
	}
	dialer->calls = call;
	dialer->call_count++;
	berth_arena_start(&call->arena, CALL_BYTES_MAX);
	call->deadline = berth_mono_after_ms(berth_clock_mono(), dial->timeout_ms);
	call->body_limit_bytes = dial->body_limit_bytes;
	struct berth_why why;
	if (dialer->call_count > BERTH_DIAL_AT_ONCE_MAX) {
		fail_call(call, BERTH_E_LIMIT, "dial-at-once-max", "too many dials at once");
		return;
	}
	if (copy_request(call, &dial->request)) {
		fail_call(call, BERTH_E_LIMIT, "dial-request", "the request is too large");
		return;
	}
	struct place *place = NULL;
	if (place_of(dialer, dial, &place, &why)) {
		say_failed(call, &why);
		return;
	}
	call->place = place;
	place->calls++;
	place->used = berth_clock_mono();
	if (place->waiting || place->running == BERTH_DIAL_CONNECTIONS_MAX) {
		wait_for_place(call);
		return;
	}
	start_call(call);
}
