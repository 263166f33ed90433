/* SPDX-License-Identifier: BSD-2-Clause */
/* For net/nl80211*.c alone: a radio's parts. */
#ifndef BERTH_NET_NL80211_INSIDE_H
#define BERTH_NET_NL80211_INSIDE_H

#include "net/nl80211.h"

#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/socket.h>

#include <linux/nl80211.h>

enum berth_radio_job_kind { BERTH_RADIO_SEND, BERTH_RADIO_LISTEN, BERTH_RADIO_SCAN };

struct berth_radio_job {
	enum berth_radio_job_kind kind;
	uint32_t frequency, token;
	int64_t wait_ms;
	struct berth_buf frame; /* SEND: with its header */
	uint32_t frequencies[BERTH_RADIO_CHANNELS_MAX];
	size_t frequency_count; /* SCAN; 0: all */
};

/* Named by what it waits for. */
enum berth_radio_state {
	BERTH_RADIO_FOR_WORK,
	BERTH_RADIO_FOR_STATUS, /* of the frame that is being sent */
	BERTH_RADIO_FOR_EXPIRY, /* listening */
	BERTH_RADIO_FOR_RESULTS,
};

struct berth_radio {
	struct berth_loop *loop;
	struct berth_radio_conf conf;
	struct berth_radio_facts facts;
	int index, family;
	struct nl_sock *command; /* asks and waits for the kernel's answer */
	struct nl_sock *events;	 /* told by the kernel */
	struct berth_watch *watch;
	struct berth_timer *timer;
	enum berth_radio_state state;
	uint64_t cookie;
	bool is_wait; /* FOR_EXPIRY: after a frame, not a remain-on-channel of its own */
	int64_t wait_ms;
	uint32_t token;
	struct berth_radio_job *jobs[BERTH_RADIO_QUEUE_MAX];
	size_t job_count;
};

/* nl80211_request.c: a message of command, NULL without memory. */
struct nl_msg *berth_radio_message(const struct berth_radio *radio, uint8_t command, int flags);
/*
 * Sends it, frees it, and reads to the kernel's last answer; take is called for each message between. 0 or a negative
 * errno.
 */
int berth_radio_request(struct berth_radio *radio, struct nl_sock *socket, struct nl_msg *message,
			int (*take)(struct nl_msg *message, void *context), void *context);
/* Attributes of a message of nl80211; at most NL80211_ATTR_MAX. */
bool berth_radio_attributes(struct nl_msg *message, struct nlattr *attributes[NL80211_ATTR_MAX + 1],
			    uint8_t *command);
/* What an errno of the kernel means to a person. */
enum berth_err berth_radio_refused(const struct berth_radio *radio, int error, const char *what,
				   struct berth_why *why) BERTH_MUST;

/* nl80211_open.c: fills facts and index, brings it up, registers for frames. */
enum berth_err berth_radio_prepare(struct berth_radio *radio, struct berth_why *why) BERTH_MUST;

/* nl80211_scan.c */
int berth_radio_scan_start(struct berth_radio *radio, const struct berth_radio_job *job);
void berth_radio_scan_stop(struct berth_radio *radio);
int berth_radio_scan_results(struct berth_radio *radio,
			     struct berth_radio_found found[BERTH_RADIO_FOUND_MAX], size_t *count);

#endif
