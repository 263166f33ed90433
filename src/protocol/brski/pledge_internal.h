/* SPDX-License-Identifier: BSD-2-Clause */
/* What the pledge's files share; nobody else includes it. */
#ifndef BERTH_PROTOCOL_BRSKI_PLEDGE_INTERNAL_H
#define BERTH_PROTOCOL_BRSKI_PLEDGE_INTERNAL_H

#include "pki/csrattrs.h"
#include "protocol/brski/pledge.h"
#include "protocol/voucher/voucher_cms.h"

#define PLEDGE_EVENTS_MAX 64	/* one verb makes at most four per attempt, and a few more */
#define PLEDGE_RECONNECTS_MAX 3 /* in a row without a response in between */
#define PLEDGE_TELLING_MAX                                                                         \
	3 /* connections to try with the new certificate before giving up on enrollstatus */

/* What an attempt waits for. */
enum pledge_wait {
	WAIT_CONNECTION,
	WAIT_VOUCHER,
	WAIT_REVOCATION,    /* what the voucher demands to know of the registrar's certificates */
	WAIT_VOUCHER_TIME,  /* 202: until Retry-After has passed */
	WAIT_REFUSAL_REPLY, /* to voucher_status false */
	WAIT_STATUS_REPLY,  /* to voucher_status true */
	WAIT_CA_CERTIFICATES,
	WAIT_CSR_ATTRIBUTES,
	WAIT_KEY,
	WAIT_CERTIFICATE,
	WAIT_CERTIFICATE_TIME,
	WAIT_ENROLL_REFUSAL_REPLY, /* to enrollstatus false */
	WAIT_SAVED,
	WAIT_RECONNECTION,   /* to the same certificate; then the request is sent again */
	WAIT_NEW_CONNECTION, /* with the new certificate */
	WAIT_NEW_CONNECTION_TIME,
	WAIT_ENROLL_REPLY, /* to enrollstatus true */
	WAIT__COUNT
};

enum pledge_message_kind {
	MESSAGE_CONNECTED,
	MESSAGE_DISCONNECTED,
	MESSAGE_RESPONSE,
	MESSAGE_TICK,
	MESSAGE_KEY,
	MESSAGE_SAVED,
	MESSAGE_FETCHED,
};

struct pledge_message {
	enum pledge_message_kind kind;
	const struct berth_http_response *response;
	const struct berth_tls_facts *tls;
	const struct berth_why *why;
	struct berth_key *key;
	struct berth_bytes body; /* FETCHED */
	enum berth_err err;
};

struct pledge_candidate {
	struct berth_pledge_candidate at;
	bool is_used;
	bool is_lost;
	bool is_busy; /* an attempt runs */
	unsigned failures;
	struct berth_mono not_before;
};

struct pledge_attempt {
	uint32_t id;			    /* 0: a free slot */
	struct pledge_candidate *candidate; /* NULL when only telling */
	enum pledge_wait wait;
	enum pledge_wait resume; /* after WAIT_RECONNECTION */
	struct berth_arena arena;
	struct berth_mono progress_at; /* when it last came nearer to its end */
	struct berth_mono deadline;
	struct berth_mono patience_until; /* for 202; set with the first send */
	bool is_connected;
	bool was_redirected;
	bool was_told_to_wait;
	bool has_key;
	bool is_put_off; /* the registrar could not, just now (5xx), which is no refusal */
	int status;	 /* of the last response */
	unsigned reconnects;
	unsigned tellings;
	uint64_t connection;
	char host
		[BERTH_PLEDGE_HOST_BYTES]; /* where it connects to: the candidate, or where it was sent to */
	uint16_t port;
	const char *voucher_path;

	struct berth_cert_list registrar; /* the chain of the first handshake, end entity first */
	uint8_t nonce[BERTH_PLEDGE_NONCE_BYTES];
	struct berth_http_request request; /* as last sent; kept to be sent again unchanged */
	struct berth_buf body;		   /* of request */
	struct berth_buf link; /* of this connection, for a request that must be linked to it */
	bool has_output;

	bool demands_revocation_checks; /* the voucher does */
	struct berth_revocation revocation;
	struct berth_cert_list path; /* registrar first; of these checks */
	size_t checked;
	bool has_checked; /* at least one certificate named somebody to ask */

	struct berth_cert *pinned;
	struct berth_cert_list ca_set;
	struct berth_csrattrs attributes;
	struct berth_key *key;
	struct berth_cert_list issued; /* the certificate, first */
	struct berth_pledge_enrolment enrolment;
};

/* A registrar that cannot just now (RFC 9110 15.6) is not one that will not: who waits may try it again. */
static inline enum berth_err
pledge_err_of_status(int status)
{
	return status >= 500 ? BERTH_E_UNREACHABLE : BERTH_E_DENIED;
}

struct pledge_event {
	enum berth_pledge_event_kind kind;
	uint32_t attempt;
	enum berth_pledge_note note;
	int status;
	struct berth_why why;
	char host[BERTH_PLEDGE_HOST_BYTES];
	uint16_t port;
};

struct berth_pledge {
	struct berth_pledge_conf conf;
	struct berth_pledge_env env;
	struct berth_bytes serial_number;
	struct pledge_candidate candidates[BERTH_PLEDGE_CANDIDATES_MAX];
	struct pledge_attempt attempts[BERTH_PLEDGE_ATTEMPTS_MAX];
	struct pledge_attempt *chosen; /* its voucher is accepted: the only attempt alive */
	uint32_t last_id;
	struct berth_mono next_start;
	bool is_done;
	struct pledge_event events[PLEDGE_EVENTS_MAX];
	size_t event_first;
	size_t event_count;
	struct pledge_event given; /* the event last handed out, since its views borrow */
};

/* pledge_candidates.c */
void pledge_candidate_found(struct berth_pledge *pledge, struct berth_now now,
			    const struct berth_pledge_candidate *candidate);
void pledge_candidate_lost(struct berth_pledge *pledge,
			   const struct berth_pledge_candidate *candidate);
void pledge_candidate_failed(struct pledge_candidate *candidate, struct berth_now now);
/* Begins an attempt where spacing, back-off and room allow. */
void pledge_schedule(struct berth_pledge *pledge, struct berth_now now);
struct berth_mono pledge_schedule_deadline(const struct berth_pledge *pledge);
void pledge_link_changed(struct berth_pledge *pledge, struct berth_now now);

/* pledge_attempt.c */
void pledge_attempt_start(struct berth_pledge *pledge, struct pledge_attempt *attempt,
			  struct pledge_candidate *candidate, struct berth_now now);
void pledge_attempt_start_telling(struct berth_pledge *pledge, struct berth_now now);
/* Frees all that the attempt holds; its slot is free then. Emits CLOSE and FORGET_KEY as needed. */
void pledge_attempt_end(struct berth_pledge *pledge, struct pledge_attempt *attempt);
/* Ends it with a note; the candidate backs off. */
void pledge_attempt_fail(struct berth_pledge *pledge, struct pledge_attempt *attempt,
			 struct berth_now now, const struct berth_why *why);
/* Ends it without blame: another needs its place or was chosen. */
void pledge_attempt_drop(struct berth_pledge *pledge, struct pledge_attempt *attempt,
			 struct berth_now now);
enum berth_err pledge_attempt_message(struct berth_pledge *pledge, struct pledge_attempt *attempt,
				      struct berth_now now, const struct pledge_message *message,
				      struct berth_why *why) BERTH_MUST;
void pledge_wait_for(struct pledge_attempt *attempt, enum pledge_wait wait, struct berth_now now);
void pledge_progress(struct pledge_attempt *attempt, struct berth_now now);
void pledge_wait_retry(struct berth_pledge *pledge, struct pledge_attempt *attempt,
		       enum pledge_wait wait, struct berth_now now, int32_t retry_after_s);
/* Makes attempt->request from its body and waits for the reply. media NULL: GET. */
void pledge_send(struct pledge_attempt *attempt, enum pledge_wait wait, struct berth_now now,
		 const char *path, const char *media, const char *accept);
void pledge_connect(struct berth_pledge *pledge, struct pledge_attempt *attempt);
void pledge_close(struct berth_pledge *pledge, struct pledge_attempt *attempt);
void pledge_emit(struct berth_pledge *pledge, const struct pledge_attempt *attempt,
		 enum berth_pledge_event_kind kind);
void pledge_note(struct berth_pledge *pledge, const struct pledge_attempt *attempt,
		 enum berth_pledge_note note, const struct berth_why *why);
void pledge_done(struct berth_pledge *pledge, const struct pledge_attempt *attempt,
		 const struct berth_why *why);

/* pledge_voucher.c: RFC 8995 5.2 to 5.7 */
typedef void pledge_handler(struct berth_pledge *pledge, struct pledge_attempt *attempt,
			    struct berth_now now, const struct pledge_message *message);
pledge_handler pledge_on_connected;
pledge_handler pledge_on_voucher;
pledge_handler pledge_on_refusal_replied;
/* The voucher is accepted, or refused with why: tells the registrar, and goes on or gives up. */
void pledge_voucher_judged(struct berth_pledge *pledge, struct pledge_attempt *attempt,
			   struct berth_now now, enum berth_err err, const struct berth_why *why);

/* pledge_revocation.c: RFC 8366 5.3. Ends in pledge_voucher_judged. */
void pledge_check_revocation(struct berth_pledge *pledge, struct pledge_attempt *attempt,
			     struct berth_now now);
pledge_handler pledge_on_fetched;
/* The pinned key is that of the TLS end entity, or anchors its path; the registrar is one (cmcRA). */
enum berth_err pledge_confirm_registrar(struct berth_pledge *pledge,
					const struct berth_cert_list *chain,
					const struct berth_cert *pinned, struct berth_now now,
					struct berth_why *why) BERTH_MUST;

/* pledge_enroll.c: RFC 8995 5.9 */
pledge_handler pledge_on_status_replied;
pledge_handler pledge_on_ca_certificates;
pledge_handler pledge_on_csr_attributes;
pledge_handler pledge_on_key;
/* Also after a new connection, where the request is linked to it; false: the enrolment was refused. */
bool pledge_make_enrolment(struct berth_pledge *pledge, struct pledge_attempt *attempt,
			   struct berth_now now);
pledge_handler pledge_on_certificate;
pledge_handler pledge_on_enroll_refusal_replied;
/* After the voucher: says enrollstatus false on this connection and gives up on this registrar. */
void pledge_refuse_enrolment(struct berth_pledge *pledge, struct pledge_attempt *attempt,
			     struct berth_now now, const struct berth_why *why);

/* pledge_tell.c: RFC 8995 5.9.4 */
pledge_handler pledge_on_saved;
pledge_handler pledge_on_new_connection;
pledge_handler pledge_on_telling_failed;
pledge_handler pledge_on_telling_time;
pledge_handler pledge_on_told;

#endif
