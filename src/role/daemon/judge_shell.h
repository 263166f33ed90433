/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the judge process: the shell around a daemon's judge role. For judge*.c and admin.c only. */
#ifndef BERTH_ROLE_DAEMON_JUDGE_SHELL_H
#define BERTH_ROLE_DAEMON_JUDGE_SHELL_H

#include "net/http.h"
#include "role/daemon/child.h"

#define BERTH_JUDGE_BATCH_MAX 64 /* then commit: a bound on the wait of the first in it */
#define BERTH_JUDGE_TICKETS_MAX                                                                    \
	16384 /* requests that wait for an answer, all net processes together */
#define BERTH_JUDGE_RULES_MAX 128

struct berth_admin;

struct berth_ticket {
	struct berth_ticket *next, **back;
	uint32_t net; /* index of the net process; BERTH_TICKET_ADMIN */
	uint64_t id;
	void *session;
	struct berth_http_exchange *exchange; /* admin only */
	bool is_replied;
	bool is_new; /* came in the batch that is open */
};
#define BERTH_TICKET_ADMIN UINT32_MAX

/* What leaves after the commit. */
struct berth_outgoing {
	struct berth_link *link;
	struct berth_ticket
		*ticket; /* a reply: ends this ticket; NULL: a signature request or dial */
	struct berth_buf packet;
	uint64_t cookie;
	bool is_dial;
	bool is_dpp; /* with is_dial: over TCP, for DPP; else said to a connection: no answer comes */
	struct berth_http_response
		admin; /* a reply on the admin socket: its texts follow in packet */
};

struct berth_judge_net {
	struct berth_judge *judge;
	uint32_t index;
	struct berth_link *link;
	struct berth_ticket *tickets;
};

struct berth_judge_counts {
	uint64_t requests, replies, gone, batches, failed_batches, signatures, dials, refused;
};

struct berth_judge {
	struct berth_child *child;
	const struct berth_judge_role *role;
	void *context;
	bool has_context;
	struct berth_pki *pki;
	struct berth_cert_list chain;
	struct berth_judge_net nets[BERTH_NET_PROCESSES_MAX];
	uint32_t next_net; /* where the next batch begins to read */
	struct berth_link *signer;
	uint64_t signer_epoch;
	struct berth_timer *tick;
	struct berth_admin *admin;
	struct berth_now now;
	bool in_batch;
	bool batch_is_broken;
	struct berth_outgoing *out;
	size_t out_count, out_cap;
	struct berth_ticket *admin_tickets;
	size_t ticket_count;
	struct berth_judge_counts counts;
	struct berth_mono started;
	/* Asked and not yet answered, so that an answer comes for each even when the other end dies. */
	struct berth_judge_asked {
		struct berth_judge_asked *next;
		uint64_t id, cookie;
		uint32_t net;
		bool is_dpp;
		bool is_unsent; /* its link was full: no answer will come */
	} * signs, *dials;
	uint64_t last_id;
	char *rules
		[BERTH_JUDGE_RULES_MAX]; /* rule ids from other processes, kept: struct berth_why needs static ones */
	size_t rule_count;
	struct berth_log_limit refusals;
};

struct berth_ticket *berth_ticket_new(struct berth_judge *judge, struct berth_ticket **list,
				      uint32_t net, uint64_t id);
void berth_ticket_free(struct berth_judge *judge, struct berth_ticket *ticket);

/* Opens a batch when none is open. */
enum berth_err berth_judge_begin(struct berth_judge *judge, struct berth_why *why) BERTH_MUST;
/* Commits and lets everything queued leave; or answers 503 to all. */
void berth_judge_end(struct berth_judge *judge);

/* admin.c */
enum berth_err berth_admin_open(struct berth_judge *judge, struct berth_admin **ret,
				struct berth_why *why) BERTH_MUST;
void berth_admin_close(struct berth_admin *admin);

#endif
