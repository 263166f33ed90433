/* SPDX-License-Identifier: BSD-2-Clause */
/* The shell around the renewal machine: its connection, keys, timers and discovery. For keeper*.c. */
#ifndef BERTH_ROLE_DEVICE_KEEPER_H
#define BERTH_ROLE_DEVICE_KEEPER_H

#include "net/dns_sd.h"
#include "net/http.h"
#include "net/link.h"
#include "net/loop.h"
#include "protocol/est/renewal.h"
#include "role/device/device.h"
#include "role/device/fetch.h"
#include "role/grasp.h"

struct keeper {
	struct berth_device *device;
	struct berth_loop *loop;
	struct berth_timer *serve;   /* the machine's deadline, or at once after an input */
	struct berth_dns_sd *dns_sd; /* these two while the registrar is not where it was */
	struct berth_grasp *grasp;
	struct berth_link_watch *links;
	struct berth_arena arena;
	struct berth_renewal *renewal;
	struct berth_key *key; /* of the certificate at the start */
	struct berth_tls_client *tls;
	struct berth_http_client *http;
	struct berth_device_fetch fetch;
	char key_uri[BERTH_KEY_URI_MAX]; /* of the key that was made; empty: none */
	enum berth_err outcome;
	struct berth_why why;
};

struct berth_now keeper_now(const struct keeper *keeper);
/* The machine has been given something: serve it as soon as the caller has returned to the loop. */
void keeper_wake(struct keeper *keeper);

/* keeper_connection.c */
void keeper_connect(struct keeper *keeper, const struct berth_renewal_event *event);
void keeper_disconnect(struct keeper *keeper); /* and ends the fetch */
void keeper_fetch(struct keeper *keeper, const struct berth_renewal_event *event);
void keeper_send(struct keeper *keeper, const struct berth_http_request *request);

/* keeper_key.c: the keystore's and the state's part */
void keeper_generate_key(struct keeper *keeper, const struct berth_renewal_event *event);
void keeper_forget_key(struct keeper *keeper);
void keeper_save(struct keeper *keeper, const struct berth_renewal_event *event);

#endif
