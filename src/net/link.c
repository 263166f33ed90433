/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/link.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_BYTES 16384 /* what the kernel sends at a time is at most a page or two */

struct berth_link_watch {
	int fd;
	struct berth_watch *watch;
	void (*changed)(void *context, bool is_running);
	void *context;
	struct {
		int index;
		bool is_running;
	} links[BERTH_LINKS_MAX];
	size_t count;
};

/* True when the state is news; what is first heard of an interface is not. */
static bool
note(struct berth_link_watch *watch, int index, bool is_running)
{
	for (size_t i = 0; i < watch->count; i++) {
		if (watch->links[i].index == index) {
			const bool is_news = watch->links[i].is_running != is_running;
			watch->links[i].is_running = is_running;
			return is_news;
		}
	}
	if (watch->count < BERTH_LINKS_MAX) {
		watch->links[watch->count].index = index;
		watch->links[watch->count].is_running = is_running;
		watch->count++;
	}
	return false;
}

static void
take(struct berth_link_watch *watch, const struct nlmsghdr *header)
{
	if (header->nlmsg_type != RTM_NEWLINK ||
	    header->nlmsg_len < NLMSG_LENGTH(sizeof(struct ifinfomsg))) {
		return;
	}
	struct ifinfomsg link;
	memcpy(&link, (const char *)header + NLMSG_HDRLEN, sizeof(link));
	if (link.ifi_flags & IFF_LOOPBACK) {
		return;
	}
	const bool is_running = (link.ifi_flags & IFF_RUNNING) != 0;
	if (note(watch, link.ifi_index, is_running)) {
		watch->changed(watch->context, is_running);
	}
}

static void
on_readable(void *context)
{
	struct berth_link_watch *watch = context;
	_Alignas(struct nlmsghdr) char buffer[MESSAGE_BYTES];
	struct sockaddr_nl from = {0};
	socklen_t from_size = sizeof(from);
	ssize_t n = recvfrom(watch->fd, buffer, sizeof(buffer), MSG_DONTWAIT,
			     (struct sockaddr *)&from, &from_size);
	if (n < 0 || from.nl_pid != 0) {
		return; /* ENOBUFS: the next change tells again; or not from the kernel */
	}
	unsigned left = (unsigned)n;
	for (struct nlmsghdr *header = (struct nlmsghdr *)(void *)buffer; NLMSG_OK(header, left);
	     header = NLMSG_NEXT(header, left)) {
		take(watch, header);
	}
}

/* The kernel answers with one RTM_NEWLINK for each interface: what is there already. */
static bool
ask_for_all(int fd)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} request = {.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
				.nlmsg_type = RTM_GETLINK,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		     .link = {.ifi_family = AF_UNSPEC}};
	return send(fd, &request, request.header.nlmsg_len, 0) == (ssize_t)request.header.nlmsg_len;
}

static bool
open_socket(struct berth_link_watch *watch)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	watch->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	return watch->fd >= 0 &&
	       bind(watch->fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	       ask_for_all(watch->fd);
}

enum berth_err
berth_link_watch_open(struct berth_loop *loop, void (*changed)(void *context, bool is_running),
		      void *context, struct berth_link_watch **ret, struct berth_why *why)
{
	struct berth_link_watch *watch = calloc(1, sizeof(*watch));
	if (!watch) {
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	}
	watch->changed = changed;
	watch->context = context;
	watch->fd = -1;
	enum berth_err err = BERTH_E_IO;
	if (open_socket(watch)) {
		err = berth_watch_open(loop, watch->fd, on_readable, watch, &watch->watch);
	}
	if (err) {
		err = berth_fail(why, err, "link-watch", NULL, "cannot watch the links: %s",
				 strerror(errno));
		berth_link_watch_close(watch);
		return err;
	}
	*ret = watch;
	return BERTH_OK;
}

void
berth_link_watch_close(struct berth_link_watch *watch)
{
	if (!watch) {
		return;
	}
	if (watch->watch) {
		berth_watch_close(watch->watch);
	}
	if (watch->fd >= 0) {
		(void)close(watch->fd);
	}
	free(watch);
}
