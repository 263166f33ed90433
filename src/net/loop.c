/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/loop.h"

#include <stdlib.h>

#include "net/loop_event.h"

#define SIGNALS_MAX 8 /* a daemon listens to TERM, INT, HUP, CHLD */

struct signal_watch {
	struct event *event;
	void (*fire)(void *context);
	void *context;
};

struct berth_loop {
	struct event_base *base;
	struct evdns_base *dns;
	struct signal_watch signals[SIGNALS_MAX];
	size_t signal_count;
	uint64_t last_number;
};

struct berth_timer {
	struct event *event;
	void (*fire)(void *context);
	void *context;
};

struct berth_watch {
	struct event_base *base;
	struct event *read;
	struct event *write;
	int fd;
	bool paused;
	void (*readable)(void *context);
	void (*writable)(void *context);
	void *context;
};

struct event_base *
berth_loop_base(struct berth_loop *loop)
{
	return loop->base;
}

struct evdns_base *
berth_loop_dns(struct berth_loop *loop)
{
	if (!loop->dns) {
		loop->dns = evdns_base_new(loop->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
		if (loop->dns) {
			/* Without a resolv.conf libevent asks the local host, which is what we want. */
			(void)evdns_base_resolv_conf_parse(loop->dns, DNS_OPTIONS_ALL,
							   "/etc/resolv.conf");
		}
	}
	return loop->dns;
}

void
berth_loop_prepare_names(struct berth_loop *loop)
{
	(void)berth_loop_dns(loop);
}

uint64_t
berth_loop_number(struct berth_loop *loop)
{
	return ++loop->last_number;
}

struct timeval
berth_timeval(int64_t ms)
{
	if (ms < 0) {
		ms = 0;
	}
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
}

enum berth_err
berth_loop_open(struct berth_loop **ret, struct berth_why *why)
{
	struct berth_loop *loop = calloc(1, sizeof(*loop));
	struct event_config *config = event_config_new();
	if (loop && config) {
		/*
		 * A change list: HTTP turns reading and writing off and on within each message, and the kernel hears of what is left
		 * of it once a turn (22 calls for one onboarding, not 52). The price: a descriptor whose socket other processes
		 * have open too (a listening one) must leave the loop a turn before it is closed, or the kernel goes on to tell of it.
		 */
		(void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK |
							    EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
		loop->base = event_base_new_with_config(config);
	}
	if (config) {
		event_config_free(config);
	}
	if (!loop || !loop->base) {
		free(loop);
		return berth_fail(why, BERTH_E_MEMORY, "loop-open", NULL,
				  "cannot make an event loop");
	}
	*ret = loop;
	return BERTH_OK;
}

void
berth_loop_close(struct berth_loop *loop)
{
	if (!loop) {
		return;
	}
	for (size_t i = 0; i < loop->signal_count; i++) {
		event_free(loop->signals[i].event);
	}
	if (loop->dns) {
		evdns_base_free(loop->dns, 0);
	}
	event_base_free(loop->base);
	free(loop);
}

void
berth_loop_run(struct berth_loop *loop)
{
	(void)event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void
berth_loop_stop(struct berth_loop *loop)
{
	(void)event_base_loopbreak(loop->base);
}

static void
timer_fired(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct berth_timer *timer = arg;
	timer->fire(timer->context);
}

enum berth_err
berth_timer_open(struct berth_loop *loop, void (*fire)(void *context), void *context,
		 struct berth_timer **ret)
{
	struct berth_timer *timer = calloc(1, sizeof(*timer));
	if (!timer) {
		return BERTH_E_MEMORY;
	}
	timer->fire = fire;
	timer->context = context;
	timer->event = evtimer_new(loop->base, timer_fired, timer);
	if (!timer->event) {
		free(timer);
		return BERTH_E_MEMORY;
	}
	*ret = timer;
	return BERTH_OK;
}

void
berth_timer_start(struct berth_timer *timer, int64_t in_ms)
{
	struct timeval t = berth_timeval(in_ms);
	(void)evtimer_add(timer->event, &t);
}

void
berth_timer_stop(struct berth_timer *timer)
{
	(void)evtimer_del(timer->event);
}

void
berth_timer_close(struct berth_timer *timer)
{
	if (timer) {
		event_free(timer->event);
		free(timer);
	}
}

static void
watch_fired(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	struct berth_watch *watch = arg;
	if ((what & EV_WRITE) != 0) {
		if (watch->writable) {
			watch->writable(watch->context);
		}
		return; /* the callback may have closed the watch */
	}
	watch->readable(watch->context);
}

enum berth_err
berth_watch_open(struct berth_loop *loop, int fd, void (*readable)(void *context), void *context,
		 struct berth_watch **ret)
{
	struct berth_watch *watch = calloc(1, sizeof(*watch));
	if (!watch) {
		return BERTH_E_MEMORY;
	}
	*watch = (struct berth_watch){
		.base = loop->base,
		.fd = fd,
		.readable = readable,
		.context = context,
		.read = event_new(loop->base, fd, EV_READ | EV_PERSIST, watch_fired, watch),
		.write = event_new(loop->base, fd, EV_WRITE | EV_PERSIST, watch_fired, watch),
	};
	if (!watch->read || !watch->write || event_add(watch->read, NULL) != 0) {
		berth_watch_close(watch);
		return BERTH_E_MEMORY;
	}
	*ret = watch;
	return BERTH_OK;
}

void
berth_watch_on_writable(struct berth_watch *watch, void (*writable)(void *context))
{
	watch->writable = writable;
	if (writable) {
		(void)event_add(watch->write, NULL);
	} else {
		(void)event_del(watch->write);
	}
}

void
berth_watch_pause(struct berth_watch *watch, bool paused)
{
	if (paused == watch->paused) {
		return;
	}
	watch->paused = paused;
	if (paused) {
		(void)event_del(watch->read);
	} else {
		(void)event_add(watch->read, NULL);
	}
}

void
berth_watch_close(struct berth_watch *watch)
{
	if (!watch) {
		return;
	}
	if (watch->read) {
		event_free(watch->read);
	}
	if (watch->write) {
		event_free(watch->write);
	}
	free(watch);
}

static void
signal_fired(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct signal_watch *watch = arg;
	watch->fire(watch->context);
}

enum berth_err
berth_loop_on_signal(struct berth_loop *loop, int number, void (*fire)(void *context),
		     void *context)
{
	if (loop->signal_count >= SIGNALS_MAX) {
		return BERTH_E_LIMIT;
	}
	struct signal_watch *watch = &loop->signals[loop->signal_count];
	watch->fire = fire;
	watch->context = context;
	watch->event = evsignal_new(loop->base, number, signal_fired, watch);
	if (!watch->event || evsignal_add(watch->event, NULL) != 0) {
		return BERTH_E_MEMORY;
	}
	loop->signal_count++;
	return BERTH_OK;
}
