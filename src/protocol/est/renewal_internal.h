/* SPDX-License-Identifier: BSD-2-Clause */
/* What renewal*.c share; nobody else includes it. */
#ifndef BERTH_PROTOCOL_EST_RENEWAL_INTERNAL_H
#define BERTH_PROTOCOL_EST_RENEWAL_INTERNAL_H

#include "pki/csrattrs.h"
#include "protocol/est/renewal.h"
#include "protocol/est/renewal_info.h"

#define RENEWAL_EVENTS_MAX 32 /* one verb makes at most six; the shell takes them all after each */
#define RENEWAL_SECTION "RFC 7030 4.2.2"

/* What the machine waits for. */
enum renewal_wait {
	RENEWAL_WAIT_TIME, /* between two contacts */
	RENEWAL_WAIT_CONNECTION,
	RENEWAL_WAIT_REVOCATION, /* of the registrar's certificates */
	RENEWAL_WAIT_CA_CERTIFICATES,
	RENEWAL_WAIT_CA_SAVED,
	RENEWAL_WAIT_ADVICE,
	RENEWAL_WAIT_CSR_ATTRIBUTES,
	RENEWAL_WAIT_KEY,
	RENEWAL_WAIT_CERTIFICATE,
	RENEWAL_WAIT_CERTIFICATE_TIME, /* 202, or the connection was lost: then ask again */
	RENEWAL_WAIT_RECONNECTION,     /* with the request that was sent before */
	RENEWAL_WAIT_SAVED,
	RENEWAL_WAIT_NOTHING, /* OVER was said */
	RENEWAL_WAIT__COUNT
};

enum renewal_message_kind {
	RENEWAL_MESSAGE_CONNECTED,
	RENEWAL_MESSAGE_DISCONNECTED,
	RENEWAL_MESSAGE_RESPONSE,
	RENEWAL_MESSAGE_TICK,
	RENEWAL_MESSAGE_KEY,
	RENEWAL_MESSAGE_SAVED,
	RENEWAL_MESSAGE_FETCHED,
	RENEWAL_MESSAGE__COUNT
};

struct renewal_message {
	enum renewal_message_kind kind;
	const struct berth_http_response *response;
	const struct berth_tls_facts *tls;
	const struct berth_why *why;
	struct berth_key *key;
	struct berth_bytes body;
	enum berth_err err;
};

struct renewal_event {
	enum berth_renewal_event_kind kind;
	enum berth_renewal_note note;
	bool is_renewed;
	struct berth_why why;
};

struct berth_renewal {
	struct berth_renewal_env env;
	const char *key_kind;
	int64_t check_every_s;
	enum berth_renewal_revocation revocation_rule;

	/* what the device has */
	struct berth_cert_list chain;
	struct berth_key *key;
	struct berth_cert_list ca_set;
	struct berth_renewal_place places[BERTH_RENEWAL_PLACES_MAX];
	size_t place_count;
	size_t place; /* where it connects to */
	size_t home;  /* where it was reached last: what SAVE stores */
	bool is_searching;

	/* time: renewal_clock.c */
	struct berth_wall begins; /* of the certificate's life for us */
	struct berth_wall renew_at;
	bool has_renew_mono; /* without any clock: two thirds from the moment it was saved */
	struct berth_mono renew_mono;
	bool has_clock; /* the registrar's: at clock_mono it was clock_wall */
	struct berth_wall clock_wall;
	struct berth_mono clock_mono;
	bool doubts_clock; /* a registrar's certificate of tomorrow: the device's clock is behind */
	bool has_window;
	struct berth_renewal_info window; /* the last advice, and what was drawn from it */
	struct berth_wall wanted_at;
	bool has_used; /* a window that the device has renewed for */
	struct berth_renewal_info used;
	struct berth_mono next_contact;
	struct berth_mono pause_until; /* due or not */
	unsigned failures;	       /* in a row */
	unsigned unreached;	       /* of these, without an answer */

	/* the exchange */
	enum renewal_wait wait;
	struct berth_mono deadline;
	struct berth_cert_list server;	    /* of this connection */
	struct berth_cert_list server_path; /* of it, to the CA set */
	struct berth_revocation revocation;
	size_t asked_about; /* so many of server_path */
	bool is_connected;
	bool is_renewing;
	bool has_key; /* one may have to be forgotten */
	bool has_waited;
	unsigned reconnects;
	struct berth_mono patience_until;
	int32_t retry_after_s; /* with the advice; -1: none */
	struct berth_cert_list next_ca_set;
	struct berth_csrattrs attributes;
	struct berth_arena attributes_memory;
	struct berth_key *next_key;
	struct berth_cert_list issued;
	struct berth_http_request request;
	struct berth_buf body; /* of request */
	struct berth_buf link; /* of this connection, for a request that must be linked to it */
	char path[sizeof(BERTH_EST_RENEWAL_INFO_PATH) + BERTH_RENEWAL_INFO_ID_MAX];
	bool has_output;

	struct renewal_event events[RENEWAL_EVENTS_MAX];
	size_t event_first;
	size_t event_count;
};

/* renewal_clock.c */
enum renewal_clock {
	RENEWAL_CLOCK_UNKNOWN, /* not trusted, or before the certificate was made */
	RENEWAL_CLOCK_WITHIN,
	RENEWAL_CLOCK_AFTER, /* the certificate is over, or the clock is ahead */
};
/* *ret: the time as far as it is known; WITHIN and AFTER only. */
enum renewal_clock renewal_clock(const struct berth_renewal *x, struct berth_now now,
				 struct berth_wall *ret);
/* Draws when the certificate in x->chain is renewed. is_fresh: it was saved just now. */
void renewal_clock_plan(struct berth_renewal *x, struct berth_now now, bool is_fresh);
/* False when it is the window of before. */
bool renewal_clock_advise(struct berth_renewal *x, struct berth_now now,
			  const struct berth_renewal_info *info);
bool renewal_is_due(const struct berth_renewal *x, struct berth_now now);
struct berth_mono renewal_due_at(const struct berth_renewal *x, struct berth_now now);
int64_t renewal_backoff_ms(struct berth_renewal *x);
/* What lies between a renewal and the next one at the least. */
int64_t renewal_pause_ms(const struct berth_renewal *x);
/* Uniform in [0, most_ms]. */
int64_t renewal_jitter_ms(struct berth_renewal *x, int64_t most_ms);

/* renewal.c */
void renewal_note(struct berth_renewal *x, enum berth_renewal_note note,
		  const struct berth_why *why);
void renewal_emit(struct berth_renewal *x, enum berth_renewal_event_kind kind);
void renewal_wait(struct berth_renewal *x, enum renewal_wait wait, struct berth_now now);
void renewal_connect(struct berth_renewal *x, enum renewal_wait wait, struct berth_now now);
/* Ends the exchange well: until the next contact. */
void renewal_rest(struct berth_renewal *x, struct berth_now now);
/* Ends it with a note and backs off; retry_after_s: what the registrar asked for, -1 none. */
void renewal_fail(struct berth_renewal *x, struct berth_now now, const struct berth_why *why,
		  int32_t retry_after_s);
/* The same, where nobody answered: it looks for the registrar, or the certificate is over. */
void renewal_fail_to_reach(struct berth_renewal *x, struct berth_now now,
			   const struct berth_why *why);
void renewal_refused(struct berth_renewal *x, struct berth_now now,
		     const struct berth_http_response *response, const char *what);

/* renewal_exchange.c */
typedef void renewal_handler(struct berth_renewal *x, struct berth_now now,
			     const struct renewal_message *message);
renewal_handler renewal_on_connected;
void renewal_ask_ca_certificates(struct berth_renewal *x, struct berth_now now);
void renewal_send_request(struct berth_renewal *x, struct berth_now now);
renewal_handler renewal_on_reconnected;
renewal_handler renewal_on_ca_certificates;
renewal_handler renewal_on_ca_saved;
renewal_handler renewal_on_advice;
renewal_handler renewal_on_csr_attributes;
renewal_handler renewal_on_key;
renewal_handler renewal_on_certificate;
renewal_handler renewal_on_certificate_lost;
renewal_handler renewal_on_certificate_time;
renewal_handler renewal_on_saved;

/* renewal_revocation.c: then the CA certificates, or the request that is on its way */
void renewal_check_revocation(struct berth_renewal *x, struct berth_now now);
renewal_handler renewal_on_fetched;
renewal_handler renewal_on_not_fetched;

#endif
