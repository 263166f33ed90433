/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registrar's judge: runs the machines of protocol/brski and protocol/est, asks policy, writes the store. For the
 * files of this folder. One exchange per request of a device; an exchange that waits for the signer or a MASA is found
 * again by its cookie.
 */
#ifndef BERTH_ROLE_REGISTRAR_JUDGE_H
#define BERTH_ROLE_REGISTRAR_JUDGE_H

#include "policy/policy.h"
#include "protocol/brski/registrar.h"
#include "protocol/dpp/bootstrapping.h"
#include "protocol/est/server.h"
#include "role/registrar/dpp_password.h"
#include "role/registrar/job.h"
#include "role/registrar/labels.h"
#include "role/registrar/peers.h"
#include "role/registrar/publish.h"
#include "role/registrar/settings.h"
#include "role/registrar/users.h"
#include "store/audit.h"
#include "store/registrar_campaign.h"
#include "store/registrar_store.h"
#include "system/log.h"

extern const struct berth_judge_role berth_registrar_judge_role;

/* SHA-256 as the store and model want it; context: the struct berth_pki. */
enum berth_err berth_registrar_sha256(void *context, struct berth_bytes in,
				      uint8_t out[BERTH_DIGEST_BYTES]) BERTH_MUST;

/* check_files of struct berth_daemon: manufacturers, policy and certificates. */
enum berth_err berth_registrar_check_files(struct berth_pki *pki, const void *configuration,
					   struct berth_why *why) BERTH_MUST;

#define BERTH_REGISTRAR_WITNESS_FILE                                                               \
	"registrar.witness" /* beside the store, as "berth audit verify" expects it */
#define BERTH_REGISTRAR_RESOURCES 12
#define BERTH_REGISTRAR_STATUS_CLASSES 4   /* 2xx to 5xx */
#define BERTH_OFFLINE_JOBS_MAX 64	   /* an operator's script and the renewals of one minute */
#define BERTH_OWNERSHIP_JOBS_MAX 64	   /* claims and releases of an operator's script */
#define BERTH_REGISTRAR_EXCHANGES_MAX 4096 /* requests that wait for signer or MASA at one time */

/* The campaign that re-keys the fleet, as devices meet it (campaign.h). */
struct berth_running_campaign {
	bool calls_up; /* it runs; or is done, for who never received its new certificate */
	int64_t row;
	int64_t last_certificate;
	int64_t total;
	char match[BERTH_CAMPAIGN_MATCH_MAX + 1];
	struct berth_rate rate;
};

#define BERTH_GATEWAY_SIGHTINGS_MAX                                                                \
	4096 /* connections remembered, each at the place that its random bytes say */

/* A connection, by its ClientHello.random, and whose it is. */
struct berth_gateway_sighting {
	uint8_t random[BERTH_TLS_RANDOM_BYTES];
	int64_t device; /* row; 0: free */
};

/* gateway.h: lost with the process, as the connections are. */
struct berth_gateway_sightings {
	struct berth_gateway_sighting seen[BERTH_GATEWAY_SIGHTINGS_MAX];    /* a device's */
	struct berth_gateway_sighting claimed[BERTH_GATEWAY_SIGHTINGS_MAX]; /* a gateway's */
};

struct berth_registrar_role {
	struct berth_judge *judge;
	struct berth_pki *pki;
	const struct berth_registrar_settings *settings;
	struct berth_manufacturer *makers;
	size_t maker_count;
	struct berth_cert_list issuing; /* the issuing CA first */
	struct berth_cert_list
		domain; /* the issuing CA, then the former ones: what our own certificates chain to */
	struct berth_cert_list cacerts; /* what EST says */
	struct berth_peer_trust trust;
	struct berth_policy *policy;
	struct berth_dpp_passwords passwords; /* of the policy's networks */
	struct berth_store *store;
	struct berth_registrar_conf machine;
	struct berth_est_conf est;
	struct berth_est_profile *est_profiles; /* est's; the first has no label */
	struct berth_label *labels; /* the same in the same order, as the settings have them */
	struct berth_users users;
	struct berth_log log;
	struct berth_log_limit refusals; /* lines that strangers can make us write */
	struct berth_peers peers;
	struct berth_publisher publisher;
	struct berth_registrar_exchange *exchanges[BERTH_REGISTRAR_EXCHANGES_MAX];
	struct berth_jobs offline; /* offline.h */
	struct berth_mono offline_next;
	struct berth_jobs ownership;	  /* ownership.h */
	struct berth_dpp_controller *dpp; /* dpp.h; NULL: the configuration has no [dpp] */
	struct berth_running_campaign campaign;
	struct berth_gateway_sightings gateways;
	uint32_t generation;
	uint64_t suppressed;
	uint64_t requests[BERTH_REGISTRAR_RESOURCES]
			 [BERTH_REGISTRAR_STATUS_CLASSES]; /* for /metrics */
};

/* "requestvoucher" ...; resource below BERTH_REGISTRAR_RESOURCES. */
const char *berth_registrar_resource_name(size_t resource);
void berth_registrar_count(struct berth_registrar_role *role, size_t resource, int status);

enum berth_registrar_kind {
	BERTH_EXCHANGE_BRSKI,
	BERTH_EXCHANGE_EST,
	BERTH_EXCHANGE_RENEWAL_INFO,
	BERTH_EXCHANGE_GATEWAY,
};

struct berth_registrar_exchange {
	struct berth_registrar_role *role;
	struct berth_ticket *ticket; /* NULL: the requester has gone */
	uint32_t slot;
	uint32_t generation;
	enum berth_registrar_kind kind;
	const char *what; /* "requestvoucher" ...: for the log */
	size_t resource;
	char address[64];
	struct berth_seen_peer *seen;
	struct berth_arena arena;
	int64_t device; /* row; 0: not looked up */
	char device_id[BERTH_DEVICE_ID_MAX];
	int64_t step;
	int64_t permission;
	bool is_gateway;     /* what the certificate is to say */
	int64_t est_request; /* of a renewal; then no permission */
	int64_t renewed;     /* row of the LDevID on this connection; 0: none */
	int64_t certificate;
	const struct berth_user *user; /* who came with a password; NULL */
	bool waits_again;	       /* was told to wait before: its trace is kept */
	struct berth_tls_facts tls;    /* numbers only; its views are gone after the request */
	bool has_random;
	uint8_t client_random[BERTH_TLS_RANDOM_BYTES]; /* of the connection */
	bool is_waiting; /* a gateway, for news after this generation */
	int64_t after;
	size_t from; /* where its page begins */
	struct berth_mono until;
	struct berth_registrar brski; /* kind says which of these */
	struct berth_est est;
};

/* campaign.c: what the store says of it into memory; at start, and when an operator has spoken. */
enum berth_err berth_campaign_refresh(struct berth_registrar_role *role,
				      struct berth_why *why) BERTH_MUST;

/* exchange.c: the life of an exchange. */
struct berth_registrar_exchange *berth_exchange_open(struct berth_registrar_role *role,
						     struct berth_ticket *ticket,
						     enum berth_registrar_kind kind,
						     const char *what);
struct berth_registrar_exchange *berth_exchange_find(struct berth_registrar_role *role,
						     uint64_t cookie);
uint64_t berth_exchange_cookie(const struct berth_registrar_exchange *exchange);
void berth_exchange_close(struct berth_registrar_exchange *exchange);

/* voucher.c, enrol.c: serve the machine's events until it waits for another process or has ended (then closes). */
void berth_registrar_serve_brski(struct berth_registrar_exchange *exchange,
				 enum berth_registrar_event event);
void berth_registrar_serve_est(struct berth_registrar_exchange *exchange,
			       enum berth_est_event event);
/* 127 random bits, the top byte never zero, so that it is as long as it looks (RFC 5280 4.1.2.2). */
void berth_registrar_choose_serial(struct berth_judge *judge,
				   uint8_t serial[BERTH_CERT_SERIAL_BYTES]);

/* device.c: what several exchanges do with a device's record. */
/* Makes or finds the record of an IDevID's device, or finds an LDevID's. */
enum berth_err berth_exchange_know_device(struct berth_registrar_exchange *exchange, bool make,
					  struct berth_registrar_device *ret,
					  struct berth_why *why) BERTH_MUST;
/* BERTH_E_DENIED when the certificate on this connection was revoked, or is none of our records. */
enum berth_err berth_exchange_check_standing(struct berth_registrar_exchange *exchange,
					     struct berth_why *why) BERTH_MUST;
/* Makes or finds the record of exchange->user, which stands beside those of devices. */
enum berth_err berth_exchange_know_user(struct berth_registrar_exchange *exchange,
					struct berth_registrar_device *ret,
					struct berth_why *why) BERTH_MUST;
/* BERTH_E_DENIED with a sentence when the device was revoked or has left. */
enum berth_err berth_device_check_welcome(const struct berth_registrar_device *device,
					  struct berth_why *why) BERTH_MUST;
/*
 * An operator must decide: noted, and for the first time (is_new) in the audit log and the log. The device becomes pending
 * unless it is on the network already.
 */
enum berth_err berth_exchange_let_wait(struct berth_registrar_exchange *exchange,
				       const struct berth_registrar_device *device, bool is_new,
				       struct berth_why *why) BERTH_MUST;
/*
 * The assertion of the voucher of this step, NONE where maker's anchors do not answer for who signed it: the voucher
 * came through a net process, which may have made it up.
 */
enum berth_err berth_exchange_find_assertion(struct berth_registrar_exchange *exchange,
					     const struct berth_manufacturer *maker, int64_t step,
					     enum berth_assertion *ret,
					     struct berth_why *why) BERTH_MUST;
/* Moves it where the table of model/device.h allows, else leaves it. */
enum berth_err berth_exchange_move_device(struct berth_registrar_exchange *exchange,
					  enum berth_device_standing to,
					  struct berth_why *why) BERTH_MUST;
/* An entry of the audit log about the exchange's device, by "judge" or the device. */
enum berth_err berth_exchange_note(struct berth_registrar_exchange *exchange,
				   enum berth_event_kind event, const char *sentence,
				   struct berth_why *why) BERTH_MUST;
/* facts of the device for policy. Views live in the exchange's arena. */
enum berth_err berth_exchange_facts(struct berth_registrar_exchange *exchange,
				    const struct berth_registrar_device *device,
				    struct berth_facts *ret, struct berth_why *why) BERTH_MUST;
/* The end of every exchange: stores the trace of a device we know, logs one line for a refusal, replies, closes. */
void berth_exchange_finish(struct berth_registrar_exchange *exchange, const char *about,
			   const struct berth_decision *decision,
			   const struct berth_http_response *response, const struct berth_why *why);

/* admin.c */
enum berth_err berth_registrar_metrics(void *context, struct berth_buf *text);
void berth_registrar_admin(void *context, struct berth_ticket *ticket,
			   const struct berth_http_request *http, const char *user);

#endif
