/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/avahi_poll.h"

#include <stdlib.h>
#include <sys/time.h>

#include <event2/event.h>

#include "net/loop_event.h"

struct AvahiWatch {
	struct event *event;
	int fd;
	AvahiWatchEvent wanted;
	AvahiWatchEvent happened;
	AvahiWatchCallback callback;
	void *context;
};

struct AvahiTimeout {
	struct event *event;
	AvahiTimeoutCallback callback;
	void *context;
};

static short
events_of(AvahiWatchEvent wanted)
{
	short what = EV_PERSIST;

	if (wanted & AVAHI_WATCH_IN)
		what |= EV_READ;
	if (wanted & AVAHI_WATCH_OUT)
		what |= EV_WRITE;
	return what;
}

static void
watch_fired(evutil_socket_t fd, short what, void *arg)
{
	struct AvahiWatch *watch = arg;
	unsigned happened = 0;

	if (what & EV_READ)
		happened |= AVAHI_WATCH_IN;
	if (what & EV_WRITE)
		happened |= AVAHI_WATCH_OUT;
	watch->happened = (AvahiWatchEvent)happened;
	watch->callback(watch, fd, watch->happened, watch->context);
}

static AvahiWatch *
watch_new(const AvahiPoll *api, int fd, AvahiWatchEvent wanted, AvahiWatchCallback callback,
	  void *context)
{
	struct AvahiWatch *watch = calloc(1, sizeof *watch);

	if (!watch)
		return NULL;
	watch->fd = fd;
	watch->wanted = wanted;
	watch->callback = callback;
	watch->context = context;
	watch->event = event_new(berth_loop_base(api->userdata), fd, events_of(wanted), watch_fired,
				 watch);
	if (!watch->event || event_add(watch->event, NULL)) {
		if (watch->event)
			event_free(watch->event);
		free(watch);
		return NULL;
	}
	return watch;
}

static void
watch_update(AvahiWatch *watch, AvahiWatchEvent wanted)
{
	struct event_base *base = event_get_base(watch->event);

	if (watch->wanted == wanted)
		return;
	watch->wanted = wanted;
	event_del(watch->event);
	event_assign(watch->event, base, watch->fd, events_of(wanted), watch_fired, watch);
	event_add(watch->event, NULL);
}

static AvahiWatchEvent
watch_get_events(AvahiWatch *watch)
{
	return watch->happened;
}

static void
watch_free(AvahiWatch *watch)
{
	event_free(watch->event);
	free(watch);
}

static void
timeout_fired(evutil_socket_t fd, short what, void *arg)
{
	struct AvahiTimeout *timeout = arg;

	(void)fd;
	(void)what;
	timeout->callback(timeout, timeout->context);
}

/* Avahi names the moment by the wall clock; a moment in the past is now. */
static void
timeout_update(AvahiTimeout *timeout, const struct timeval *at)
{
	struct timeval now;
	struct timeval in = {0};

	event_del(timeout->event);
	if (!at)
		return;
	gettimeofday(&now, NULL);
	if (timercmp(at, &now, >))
		timersub(at, &now, &in);
	event_add(timeout->event, &in);
}

static AvahiTimeout *
timeout_new(const AvahiPoll *api, const struct timeval *at, AvahiTimeoutCallback callback,
	    void *context)
{
	struct AvahiTimeout *timeout = calloc(1, sizeof *timeout);

	if (!timeout)
		return NULL;
	timeout->callback = callback;
	timeout->context = context;
	timeout->event = evtimer_new(berth_loop_base(api->userdata), timeout_fired, timeout);
	if (!timeout->event) {
		free(timeout);
		return NULL;
	}
	timeout_update(timeout, at);
	return timeout;
}

static void
timeout_free(AvahiTimeout *timeout)
{
	event_free(timeout->event);
	free(timeout);
}

AvahiPoll
berth_avahi_poll(struct berth_loop *loop)
{
	return (AvahiPoll){
		.userdata = loop,
		.watch_new = watch_new,
		.watch_update = watch_update,
		.watch_get_events = watch_get_events,
		.watch_free = watch_free,
		.timeout_new = timeout_new,
		.timeout_update = timeout_update,
		.timeout_free = timeout_free,
	};
}
