/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop (libevent): one per process, timers, descriptors, signals, and an end. */
#ifndef BERTH_NET_LOOP_H
#define BERTH_NET_LOOP_H

#include "base/err.h"
#include "base/time.h"

struct berth_loop;
struct berth_timer;
struct berth_watch;

enum berth_err berth_loop_open(struct berth_loop **ret, struct berth_why *why) BERTH_MUST;
void berth_loop_close(struct berth_loop *loop);
void berth_loop_run(struct berth_loop *loop); /* until berth_loop_stop */
void berth_loop_stop(struct berth_loop *loop);

/* Reads the resolver's configuration now; later dials need no files. */
void berth_loop_prepare_names(struct berth_loop *loop);

/* One-shot; started with berth_timer_start, which may be called again to move it. */
enum berth_err berth_timer_open(struct berth_loop *loop, void (*fire)(void *context), void *context,
				struct berth_timer **ret) BERTH_MUST;
void berth_timer_start(struct berth_timer *timer, int64_t in_ms);
void berth_timer_stop(struct berth_timer *timer);
void berth_timer_close(struct berth_timer *timer);

/* Level-triggered readability of a descriptor that stays the caller's. */
enum berth_err berth_watch_open(struct berth_loop *loop, int fd, void (*readable)(void *context),
				void *context, struct berth_watch **ret) BERTH_MUST;
/* Also tells when it is writable; NULL ends that (the normal state: sockets are nearly always writable). */
void berth_watch_on_writable(struct berth_watch *watch, void (*writable)(void *context));
void berth_watch_pause(struct berth_watch *watch, bool paused);
void berth_watch_close(struct berth_watch *watch);

enum berth_err berth_loop_on_signal(struct berth_loop *loop, int signal,
				    void (*fire)(void *context), void *context) BERTH_MUST;

#endif
