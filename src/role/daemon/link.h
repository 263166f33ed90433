/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One end of an edge between two processes, in the loop: frames out through a bounded queue that never blocks, frames in
 * when the owner asks. The other end may be replaced when its process was restarted (berth_link_set).
 */
#ifndef BERTH_ROLE_DAEMON_LINK_H
#define BERTH_ROLE_DAEMON_LINK_H

#include "net/loop.h"

struct berth_link;

/* More means that the other end does not keep up: requests are then answered 503 instead of piling up here. */
#define BERTH_LINK_QUEUE_MAX 4096
#define BERTH_LINK_QUEUE_BYTES_MAX ((size_t)32 << 20)

struct berth_link_conf {
	struct berth_loop *loop;
	uint8_t *room; /* BERTH_FRAME_MAX bytes, shared by the links of a process */
	/* Something can be received. */
	void (*readable)(void *context);
	/* The other end has gone: the link is down, its queue empty. */
	void (*down)(void *context);
	void *context;
};

/* Down until berth_link_set. */
enum berth_err berth_link_open(const struct berth_link_conf *conf,
			       struct berth_link **ret) BERTH_MUST;
void berth_link_close(struct berth_link *link);
/* Takes fd over; what was there before is closed and down is called for it. fd -1: only takes down. */
enum berth_err berth_link_set(struct berth_link *link, int fd) BERTH_MUST;
/* While paused, readable is not called; what comes waits in the socket. */
void berth_link_pause(struct berth_link *link, bool paused);
bool berth_link_is_up(const struct berth_link *link);
/* The frame leaves now or later, in order. BERTH_E_UNREACHABLE: down; BERTH_E_LIMIT: the queue is full. */
enum berth_err berth_link_send(struct berth_link *link, struct berth_bytes frame) BERTH_MUST;
/*
 * The next frame, a view into conf.room. BERTH_E_PENDING: none now; UNREACHABLE: down (down has been called). ret_fd as
 * berth_channel_receive.
 */
enum berth_err berth_link_receive(struct berth_link *link, struct berth_bytes *ret,
				  int *ret_fd) BERTH_MUST;
/* Waits until all queued frames are in the other end's socket, at most timeout_ms: for an orderly end. */
void berth_link_flush(struct berth_link *link, int64_t timeout_ms);
int berth_link_fd(const struct berth_link *link);

#endif
