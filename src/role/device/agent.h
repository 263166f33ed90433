/* SPDX-License-Identifier: BSD-2-Clause */
/* The shell around the pledge: its connections, keys, timers and discovery. For onboard.c and agent*.c. */
#ifndef BERTH_ROLE_DEVICE_AGENT_H
#define BERTH_ROLE_DEVICE_AGENT_H

#include "net/dns_sd.h"
#include "net/http.h"
#include "net/link.h"
#include "net/loop.h"
#include "role/device/device.h"
#include "role/device/fetch.h"
#include "role/grasp.h"

struct agent;

struct agent_connection {
	struct agent *agent;
	uint32_t attempt; /* 0: free */
	struct berth_tls_client *tls;
	struct berth_http_client *http;
};

struct agent_fetch {
	struct agent *agent;
	uint32_t attempt; /* 0: free */
	struct berth_device_fetch fetch;
};

struct agent {
	struct berth_device *device;
	const struct berth_device_run *run;
	struct berth_loop *loop;
	struct berth_timer *serve;   /* the pledge's deadline, or at once after an input */
	struct berth_timer *timeout; /* of --once */
	struct berth_dns_sd *dns_sd;
	struct berth_grasp *grasp;
	struct berth_link_watch *links;
	struct berth_arena arena;
	struct berth_pledge *pledge;
	struct agent_connection connections[BERTH_PLEDGE_ATTEMPTS_MAX];
	struct agent_fetch fetches[BERTH_PLEDGE_ATTEMPTS_MAX];
	uint32_t key_attempt; /* whose key is pending; 0: none */
	char key_uri[BERTH_KEY_URI_MAX];
	struct berth_key *untold_key;
	struct berth_pledge_untold untold;
	bool has_failed[BERTH_CONF_LIST_MAX];
	bool was_refused;
	enum berth_err outcome; /* what berth_device_onboard returns */
	struct berth_why why;
};

struct berth_now agent_now(const struct agent *agent);
/* The pledge has been given something: serve it as soon as the caller has returned to the loop. */
void agent_wake(struct agent *agent);
void agent_end(struct agent *agent, enum berth_err outcome, const struct berth_why *why);

/* agent_connection.c */
void agent_connect(struct agent *agent, const struct berth_pledge_event *event);
void agent_disconnect(struct agent *agent, uint32_t attempt);
void agent_send(struct agent *agent, const struct berth_pledge_output *output);

/* agent_fetch.c */
void agent_fetch(struct agent *agent, const struct berth_pledge_event *event);
void agent_fetch_end(struct agent *agent, uint32_t attempt);

/* agent_key.c: the keystore's and the state's part */
void agent_generate_key(struct agent *agent, const struct berth_pledge_event *event);
void agent_forget_key(struct agent *agent, uint32_t attempt);
void agent_save(struct agent *agent, const struct berth_pledge_event *event);
void agent_done(struct agent *agent, const struct berth_pledge_event *event);

#endif
