/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * berth-mean: for device makers. A registrar with its MASA in one process that do nothing wrong and everything that the
 * specifications allow: they fail for a moment, let wait, redirect, write HTTP, JSON and base64 as nobody does. A device that onboards here a
 * thousand times out of a thousand will do so in the field. It keeps nothing, trusts any device of one maker, and refuses keys
 * that are not for tests: the organizationName of all its certificates must hold the word TEST.
 */
#ifndef BERTH_ROLE_MEAN_H
#define BERTH_ROLE_MEAN_H

#include "net/http.h"
#include "protocol/brski/masa.h"
#include "protocol/brski/registrar.h"
#include "protocol/est/server.h"
#include "role/mean/settings.h"
#include "system/log.h"

#define BERTH_MEAN_DEVICES_MAX 100000 /* of one run; it keeps a few KiB of each */
#define BERTH_MEAN_LISTENERS 3	      /* registrar, the same with TLS 1.2 alone, MASA */

struct berth_mean_device {
	struct berth_mean_device *next;
	char serial_number[BERTH_DEVICE_SERIAL_MAX + 1];
	uint8_t pvr_digest[BERTH_SHA256_BYTES]; /* of the request that got voucher */
	struct berth_buf rvr;
	struct berth_buf voucher;
	unsigned waits; /* 202 it was told in this onboarding */
	unsigned log_entries;
	bool is_permitted;
	struct berth_buf certificate;
	uint8_t key_digest[BERTH_SHA256_BYTES];
};

struct berth_mean_counts { /* printed at the end */
	uint64_t requests;
	uint64_t failures;
	uint64_t drops;
	uint64_t waits;
	uint64_t redirects;
	uint64_t odd;
	uint64_t enrolled;
};

struct berth_mean;

struct berth_mean_listener {
	struct berth_mean *mean;
	struct berth_tls_server *tls;
	struct berth_http_server *http;
	uint16_t port;
	bool is_masa;
};

struct berth_mean {
	const struct berth_mean_settings *settings;
	struct berth_pki *pki;
	struct berth_loop *loop;
	struct berth_log log;
	struct berth_random dice; /* from the seed: a run can be had again */
	uint64_t dice_state;
	struct berth_cert_list tls_chain;
	struct berth_cert_list tls_above;
	struct berth_cert_list issuing;
	struct berth_cert_list signer;
	struct berth_cert_list signer_above;
	struct berth_key *tls_key;
	struct berth_key *issuing_key;
	struct berth_key *signer_key;
	struct berth_manufacturer maker;
	struct berth_peer_trust trust;
	struct berth_registrar_conf registrar;
	struct berth_est_profile est_profile;
	struct berth_est_conf est;
	struct berth_masa_policy masa_policy;
	struct berth_mean_device *devices;
	size_t device_count;
	struct berth_mean_listener listeners[BERTH_MEAN_LISTENERS];
	struct berth_mean_counts counts;
};

/* out of 100; percent of the time. */
bool berth_mean_throws(struct berth_mean *mean, int64_t percent);

/* Finds or makes; NULL when there are too many. */
struct berth_mean_device *berth_mean_device(struct berth_mean *mean, struct berth_bytes serial);

/* An answer, not yet made mean. The body is copied into body, response's view shows it. */
struct berth_mean_reply {
	struct berth_mean_device *device; /* who asked; NULL: not known */
	struct berth_http_response response;
	struct berth_buf body;
	char media_type[128];
};

/* registrar.c, masa.c: serve one request to its end. */
void berth_mean_registrar(struct berth_mean *mean, const struct berth_http_request *http,
			  const struct berth_tls_facts *tls, struct berth_mean_reply *reply);
void berth_mean_masa(struct berth_mean *mean, enum berth_masa_operation operation,
		     const struct berth_http_request *http, const struct berth_tls_facts *tls,
		     struct berth_mean_reply *reply);
/* response as the caller's machine has it, copied. */
void berth_mean_take(struct berth_mean_reply *reply, const struct berth_http_response *response);

/* rare.c: the same said in ways that are rarely seen. Both keep text as it is when memory ends. */
void berth_mean_rare_json(struct berth_mean *mean, struct berth_buf *json);
void berth_mean_rare_base64(struct berth_mean *mean, struct berth_buf *text);

/* meanness.c: whether, when and in what manner reply goes to exchange. */
void berth_mean_answer(struct berth_mean_listener *listener, struct berth_http_exchange *exchange,
		       const struct berth_http_request *http, const struct berth_mean_reply *reply);
/* The exchange has gone: what waits to be sent to it is dropped. */
void berth_mean_forget(struct berth_http_exchange *exchange);

int berth_mean_main(int argc, char **argv);

#endif
