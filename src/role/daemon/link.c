/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/daemon/link.h"

#include <stdlib.h>
#include <unistd.h>

#include "codec/frame.h"
#include "system/channel.h"

struct waiting {
	struct waiting *next;
	size_t n;
	uint8_t bytes[];
};

struct berth_link {
	struct berth_link_conf conf;
	int fd;
	struct berth_watch *watch;
	struct waiting *first, **last;
	size_t count, bytes;
};

static void
clear_queue(struct berth_link *link)
{
	while (link->first) {
		struct waiting *w = link->first;
		link->first = w->next;
		free(w);
	}
	link->last = &link->first;
	link->count = link->bytes = 0;
}

static void
take_down(struct berth_link *link)
{
	if (link->fd < 0) {
		return;
	}
	berth_watch_close(link->watch);
	link->watch = NULL;
	(void)close(link->fd);
	link->fd = -1;
	clear_queue(link);
	link->conf.down(link->conf.context);
}

enum berth_err
berth_link_open(const struct berth_link_conf *conf, struct berth_link **ret)
{
	struct berth_link *link = calloc(1, sizeof(*link));
	if (!link) {
		return BERTH_E_MEMORY;
	}
	link->conf = *conf;
	link->fd = -1;
	link->last = &link->first;
	*ret = link;
	return BERTH_OK;
}

void
berth_link_close(struct berth_link *link)
{
	if (!link) {
		return;
	}
	berth_watch_close(link->watch);
	if (link->fd >= 0) {
		(void)close(link->fd);
	}
	clear_queue(link);
	free(link);
}

static void
on_readable(void *context)
{
	struct berth_link *link = context;
	link->conf.readable(link->conf.context);
}

enum berth_err
berth_link_set(struct berth_link *link, int fd)
{
	take_down(link);
	if (fd < 0) {
		return BERTH_OK;
	}
	enum berth_err err = berth_watch_open(link->conf.loop, fd, on_readable, link, &link->watch);
	if (err) {
		(void)close(fd);
		return err;
	}
	link->fd = fd;
	return BERTH_OK;
}

void
berth_link_pause(struct berth_link *link, bool paused)
{
	if (link->watch) {
		berth_watch_pause(link->watch, paused);
	}
}

bool
berth_link_is_up(const struct berth_link *link)
{
	return link->fd >= 0;
}

int
berth_link_fd(const struct berth_link *link)
{
	return link->fd;
}

/* BERTH_E_PENDING: the rest must wait until the socket takes more. */
static enum berth_err
send_queue(struct berth_link *link, int64_t timeout_ms)
{
	while (link->first) {
		struct waiting *w = link->first;
		enum berth_err err = berth_channel_send(link->fd, berth_bytes_of(w->bytes, w->n),
							-1, timeout_ms);
		if (err) {
			return err;
		}
		link->first = w->next;
		if (!link->first) {
			link->last = &link->first;
		}
		link->count--;
		link->bytes -= w->n;
		free(w);
	}
	return BERTH_OK;
}

static void
on_writable(void *context)
{
	struct berth_link *link = context;
	enum berth_err err = send_queue(link, 0);
	if (err == BERTH_OK) {
		berth_watch_on_writable(link->watch, NULL);
	} else if (err != BERTH_E_PENDING) {
		take_down(link);
	}
}

static enum berth_err
enqueue(struct berth_link *link, struct berth_bytes frame)
{
	if (link->count >= BERTH_LINK_QUEUE_MAX ||
	    link->bytes + frame.n > BERTH_LINK_QUEUE_BYTES_MAX) {
		return BERTH_E_LIMIT;
	}
	struct waiting *w = malloc(sizeof(*w) + frame.n);
	if (!w) {
		return BERTH_E_MEMORY;
	}
	w->next = NULL;
	w->n = frame.n;
	memcpy(w->bytes, frame.p, frame.n);
	if (!link->first) {
		berth_watch_on_writable(link->watch, on_writable);
	}
	*link->last = w;
	link->last = &w->next;
	link->count++;
	link->bytes += frame.n;
	return BERTH_OK;
}

enum berth_err
berth_link_send(struct berth_link *link, struct berth_bytes frame)
{
	if (link->fd < 0) {
		return BERTH_E_UNREACHABLE;
	}
	if (!link->first) {
		enum berth_err err = berth_channel_send(link->fd, frame, -1, 0);
		/* A broken pipe is found by the watch, outside of the caller's work. */
		if (err != BERTH_E_PENDING) {
			return err;
		}
	}
	return enqueue(link, frame);
}

enum berth_err
berth_link_receive(struct berth_link *link, struct berth_bytes *ret, int *ret_fd)
{
	if (link->fd < 0) {
		return BERTH_E_UNREACHABLE;
	}
	size_t n = 0;
	enum berth_err err =
		berth_channel_receive(link->fd, link->conf.room, BERTH_FRAME_MAX, &n, ret_fd, 0);
	if (err == BERTH_OK) {
		*ret = berth_bytes_of(link->conf.room, n);
		return BERTH_OK;
	}
	if (err != BERTH_E_PENDING && err != BERTH_E_LIMIT) {
		take_down(link);
		return BERTH_E_UNREACHABLE;
	}
	return err;
}

void
berth_link_flush(struct berth_link *link, int64_t timeout_ms)
{
	if (link->fd >= 0) {
		berth_ignore(send_queue(link, timeout_ms), "the process ends either way");
	}
}
