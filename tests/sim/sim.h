/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many devices, registrars and MASAs in one process, from one seed: the real roles with their real stores (on disk.h),
 * policies and signers, the real pledge machine and real cryptography; network, clocks and randomness are played. The
 * same seed runs the same, byte for byte.
 *
 *	sim_random_start(seed)
 *	struct sim *sim = sim_open(&conf);
 *	sim_run(sim);			until all is quiet, or an oracle speaks
 *	sim->fault			NULL: nothing was wrong
 *	sim_close(sim);
 *
 * Who is who: world.c. The judge's shell, in place of role/daemon: judge.c. The pledge's: device.c. What lies between
 * them: network.c. What must hold: oracle.c.
 */
#ifndef BERTH_TESTS_SIM_H
#define BERTH_TESTS_SIM_H

#include "disk.h"
#include "pki/issue.h"
#include "protocol/brski/pledge.h"
#include "role/device/agent.h"
#include "role/device/keeper.h"
#include "role/masa/masa_judge.h"
#include "role/registrar/judge.h"

#define SIM_DEVICES_MAX 200
#define SIM_NODES_MAX 8
#define SIM_START_S 1790000000 /* a fixed moment in 2026 */
#define SIM_INBOX_MAX 256
#define SIM_PATH_MAX 160
#define SIM_FAULTS_MS ((int64_t)900000) /* then they are over */
#define SIM_LIVE_MS ((int64_t)3600000)	/* so much later all are on: who failed often waits long */
#define SIM_QUIET_MS ((int64_t)900000)	/* rogues are watched at least so long */
#define SIM_CHECK_S 300			/* between two questions of a device for advice */
#define SIM_YEAR_S ((int64_t)365 * 86400)

struct sim;

/* ---- the schedule ---- */

struct sim_event;
typedef void sim_act(struct sim *sim, struct sim_event *event);
struct sim_event {
	int64_t at_ms;
	uint64_t order; /* of two at the same time, the one that was asked for first */
	sim_act *act;
	void *what;
	uint64_t life; /* of what: when it has another one by then, nothing happens */
	int64_t number;
};

/* ---- a request on its way ---- */

struct sim_call {
	struct sim_call *next; /* all of the world, for the search for secrets */
	uint64_t id;
	struct berth_judge *server;
	/* who asks: a device, or a registrar that dials; none of them: a rogue that wants no answer */
	struct sim_device *device;
	struct berth_judge *dialler;
	uint64_t life;	  /* the asker's */
	uint32_t attempt; /* device */
	uint64_t cookie;  /* dialler */
	uint64_t connection;
	struct berth_cert_list shown; /* the client's certificates */
	enum berth_http_method method;
	uint64_t server_life; /* of the connection; 0: of no connection that could break */
	char path[256], media_type[80], accept[80], address[32];
	struct berth_buf body;
	bool is_plain;	  /* without TLS, for what is published */
	bool is_renewal;  /* not of the pledge's machine, but of the renewal's */
	uint32_t copies;  /* that were delivered */
	bool is_answered; /* the asker has an answer, or has gone */
	/* the answer */
	int status;
	int32_t retry_after_s;
	char answer_type[80], location[128];
	struct berth_buf answer;
	uint32_t asked_signer, asked_masa; /* the work that it caused */
};

/* One delivery of a call, that waits for its reply. */
struct berth_ticket {
	struct berth_ticket *next;
	void *session;
	struct sim_call *call;
	struct sim_device *about;
	char *admin; /* path of an operator's request; call is NULL */
	const char *admin_body;
	int status; /* of its reply */
	bool is_replied, is_gone, is_new;
};

/* ---- registrars and MASAs ---- */

enum sim_kind { SIM_REGISTRAR, SIM_MASA };

struct sim_item {
	enum {
		SIM_ITEM_REQUEST,
		SIM_ITEM_SIGNED,
		SIM_ITEM_DIALLED,
		SIM_ITEM_GONE,
		SIM_ITEM_ADMIN,
		SIM_ITEM_TICK
	} kind;
	struct sim_call *call;
	struct berth_ticket *ticket;
	uint64_t cookie;
	enum berth_err err;
	struct berth_why why;
	struct berth_buf object; /* of the signer */
};

struct sim_out {
	enum { SIM_OUT_REPLY, SIM_OUT_SIGN, SIM_OUT_DIAL } kind;
	struct berth_ticket *ticket;
	struct berth_http_response response; /* its views are in text */
	struct berth_buf text;		     /* payload of a signature, or the reply's texts */
	uint64_t cookie;
	uint16_t op;
	struct sim_call *dial;
	struct sim_call *cause;
};

/* What waits for an answer, and which request caused it. */
struct sim_asked {
	struct sim_asked *next;
	uint64_t cookie;
	bool is_dial;
	struct sim_call *cause;
};

struct berth_judge {
	struct sim *sim;
	enum sim_kind kind;
	char name[24], host[32];
	uint16_t port;
	bool is_rogue;
	char witness[160]; /* what its file held some while ago */
	const struct berth_judge_role *role;
	const struct berth_signer_role *signer_role;
	const void *settings;
	void *context, *signer;
	bool is_up;
	uint64_t life;
	int64_t skew_s; /* of its clock */
	struct disk *disk;
	char folder[64], state[80], paths[8][SIM_PATH_MAX];
	struct berth_cert_list chain; /* that TLS shows */
	/* A registrar: its CAs, the issuing one last; and what is asked of it. */
	struct berth_cert_list authorities;
	struct berth_cert_list shown_ever; /* chain, and those before it */
	bool wants_rollover, has_rolled_over;
	struct berth_conf rolled_conf; /* what the settings since then borrow from */
	bool has_campaign;
	int64_t campaign_at_ms;
	struct berth_registrar_settings registrar_settings;
	struct berth_registrar_maker makers[3];
	struct berth_masa_settings masa_settings;
	struct berth_buf anchors_pem; /* MASA: what its TLS certificate chains to */

	struct sim_item inbox[SIM_INBOX_MAX];
	size_t inbox_count;
	bool is_woken;
	bool in_batch;
	struct sim_out *out;
	size_t out_count, out_room;
	struct berth_ticket *tickets;
	struct sim_asked *asked;
	struct sim_call *cause;			/* of what the role does now */
	struct sim_reader *reader;		/* the oracle's own connection to the store */
	uint8_t audit_head[BERTH_DIGEST_BYTES]; /* when the newest answer left */
	bool has_audit_head;
	uint64_t boots, batches, failed_batches;
};

/* ---- devices ---- */

enum sim_sort {
	SIM_ALLOWED,	/* sold to its owner, whom it is to find */
	SIM_ASKS,	/* likewise, and an operator must say yes */
	SIM_DENIED,	/* its owner's policy denies it */
	SIM_BLOCKED,	/* stolen: its MASA gives no voucher */
	SIM_UNSOLD,	/* nobody bought it */
	SIM_REVOKED,	/* allowed at first, then revoked by an operator; it tries to come back */
	SIM_COUNTERFEIT /* of the rogue maker, with the serial number of a true one */
};

struct sim_line {
	uint32_t attempt; /* 0: free */
	struct berth_judge *server;
	uint64_t connection, server_life;
	struct berth_cert_list shown;
};

/* What went to and fro in one attempt of a device; it may take several connections. */
struct sim_belief {
	uint32_t attempt;
	struct berth_buf nonce;	  /* of the newest voucher-request */
	struct berth_buf voucher; /* the newest body that came as one */
};
#define SIM_BELIEFS 64 /* by attempt; as many are never alive */

struct sim_device {
	struct sim *sim;
	size_t index;
	enum sim_sort sort;
	char serial[32];
	int maker, owner;
	struct berth_cert *idevid;
	struct berth_key *idevid_key;
	struct berth_cert_list idevid_chain;
	const struct berth_cert_list *anchors;
	int64_t skew_s;

	bool is_up;
	uint64_t life;
	struct berth_arena arena;
	struct berth_pledge *pledge;
	struct berth_pledge_conf conf;
	struct berth_pledge_untold untold;
	struct sim_line lines[BERTH_PLEDGE_ATTEMPTS_MAX];
	struct agent agent; /* role/device's: of it, agent_key.c alone runs here */
	bool is_over;	    /* its certificate: it onboards again */
	struct sim_belief beliefs[SIM_BELIEFS];
	int64_t wakes_at;

	/* the renewal, with role/device's keeper_key.c */
	struct keeper keeper;
	struct sim_line renewal_line; /* attempt: the number of its connections, so never 0 */

	/* its flash: files of role/device/state.h */
	struct berth_device own;
	struct berth_device_conf own_conf;
	char folder[96];
	int64_t saved_at_ms; /* the certificate that it has */
	bool trusts_clock;
	bool is_off;
	bool is_spoken_for; /* by an operator, and the registrar knows it */
	bool is_revoked;
	struct berth_cert *revoked_cert; /* NULL: it had none */
	int64_t revoked_at_ms;
	/* somebody took it over before it was reset: he has its certificate and key */
	struct berth_cert_list thief_chain;
	struct berth_buf thief_body;
	uint64_t renewals;
	bool was_asked_for; /* an operator has been on his way with a yes */
	uint64_t crashes;
	uint32_t notes[BERTH_PLEDGE_NOTE__COUNT];
	char rule[64]; /* of the last refusal */
};

/* ---- the world ---- */

enum sim_fault {
	SIM_LOST_REQUEST,
	SIM_LOST_REPLY,
	SIM_DUPLICATED,
	SIM_DELAYED,
	SIM_REORDERED,
	SIM_REFUSED_CONNECTION,
	SIM_DEVICE_CRASH,
	SIM_REGISTRAR_CRASH,
	SIM_MASA_CRASH,
	SIM_CRASH_IN_COMMIT,
	SIM_CRASH_AFTER_COMMIT,
	SIM_SIGNER_CRASH,
	SIM_FAILED_WRITE,
	SIM_FAILED_SYNC,
	SIM_DISK_FULL,
	SIM_LOST_WRITE,
	SIM_TORN_WRITE,
	SIM_LOST_WITNESS,
	SIM_CLOCK_WRONG,
	SIM_FORGED_VOUCHER,
	SIM_REPLAYED_VOUCHER,
	SIM_ALTERED_ANSWER,
	SIM_REPLAYED_REQUEST,
	SIM_ALTERED_REQUEST,
	SIM_STOLEN_IDENTITY,
	SIM_DIVERTED_DIAL,
	SIM_REVOCATION,
	SIM_ROLLOVER, /* no fault, but it is counted */
	SIM_ROLLOVER_CUT_SHORT,
	SIM_DEVICE_OFF,
	SIM_FLASH_FAILS,
	SIM_FLASH_CUT_SHORT,
	SIM_DIVERTED_RENEWAL,
	SIM_CAMPAIGN,
	SIM_FAULT__COUNT
};
const char *sim_fault_name(enum sim_fault fault);

/* A rule broken on purpose, so that an oracle is seen to speak. */
enum sim_sabotage {
	SIM_HONEST,
	SIM_SENDS_BEFORE_COMMIT, /* a registrar's shell */
	SIM_LYING_DISK,		 /* syncs make nothing durable */
	SIM_SPOILED_AUDIT,	 /* one byte of a record changes while the machine is off */
	SIM_GARBLED_WITNESS,
	SIM_POLICY_ALLOWS_ALL,
	SIM_MASA_GIVES_TO_FIRST, /* also what nobody bought */
	SIM_TRUSTS_ROGUE_MAKER,	 /* a registrar */
	SIM_PLEDGE_TRUSTS_ROGUE, /* one device has the rogue maker's anchor */
	SIM_LEAKS_KEY,		 /* into the log */
	SIM_DOUBLES_CERTIFICATE,
	SIM_DEAF_DEVICE,
	SIM_OLD_LIST,		/* of revoked certificates */
	SIM_FORGETS_ROLLOVER,	/* a registrar starts with the configuration of before */
	SIM_FORGETS_REVOCATION, /* the operator is told that it is done */
	SIM_DEAF_RENEWAL,
	SIM_LEAVES_KEY,
	SIM_TRUSTS_ROGUE_CA, /* devices; then a rogue registrar may change their CA set */
};

struct sim_conf {
	uint64_t seed;
	size_t devices;
	bool has_rogues;
	bool has_faults;
	enum sim_sabotage sabotage;
	bool verbose;
};

#define SIM_PEOPLE_MAX 24
struct sim_maker {
	char name[16], masa[40];
	struct berth_cert *root, *masa_signer, *masa_tls;
	struct berth_key *root_key, *masa_key, *masa_tls_key;
	struct berth_cert_list anchors;
	struct berth_judge *node;
};

struct sim_promise; /* oracle.c */
struct sim_reader;
struct sim_secrets; /* secrets.c */

struct sim {
	struct sim_conf conf;
	struct berth_pki *pki;
	struct berth_random random; /* of the world; the cryptography's is OpenSSL's, seeded */
	uint64_t seed_state;
	char folder[48];
	int64_t now_ms;
	bool has_faults;	  /* now */
	bool restarts_nothing;	  /* but for the roll-over */
	struct sim_event *events; /* a heap */
	size_t event_count, event_room;
	uint64_t order, ids;
	struct sim_maker makers[3]; /* the last one is the rogue */
	struct berth_judge *nodes[SIM_NODES_MAX];
	size_t node_count;
	struct berth_judge
		*registrars[4]; /* two of owners, a rogue one, one with a stolen certificate */
	struct berth_judge *masas[3]; /* the last one is a rogue */
	struct sim_device devices[SIM_DEVICES_MAX];
	size_t device_count;
	struct sim_call *calls;
	struct sim_promise *promises;
	struct sim_secrets *secrets;
	uint64_t faults[SIM_FAULT__COUNT];
	bool has_fault
		[SIM_FAULT__COUNT]; /* this seed's choice: what never restarts shows what only a restart heals */
	uint64_t trace; /* a hash of all that happened */
	uint64_t lists_checked;
	uint64_t steps, onboarded, renewed, rolled_over, over, requests, restarts, checks;
	int log, stderr_of_before; /* the roles log to standard error */
	char fault[512];	   /* what the oracle said; empty: nothing */
};

/* random.c */
void sim_random_start(uint64_t seed); /* OpenSSL's too */
void sim_random_fill(void *context, uint8_t *out, size_t n);
uint32_t sim_below(struct sim *sim, uint32_t n);
bool sim_chance(struct sim *sim, uint32_t in, uint32_t of);
/* A fault: only while there are any, and then counted. */
bool sim_fault(struct sim *sim, enum sim_fault fault, uint32_t in, uint32_t of);
void sim_trace(struct sim *sim, const void *bytes, size_t n);

/* sim.c */
void sim_must(enum berth_err err, const struct berth_why *why, const char *what);
struct sim *sim_open(const struct sim_conf *conf);
void sim_close(struct sim *sim);
void sim_run(struct sim *sim);
void sim_at(struct sim *sim, int64_t in_ms, sim_act *act, void *what, uint64_t life,
	    int64_t number);
struct berth_now sim_now(const struct sim *sim, int64_t skew_s, bool is_trusted);
BERTH_PRINTF(2, 3) void sim_say(struct sim *sim, const char *format, ...);

/* world.c */
void sim_world_make(struct sim *sim);
void sim_world_end(struct sim *sim);
struct berth_key *sim_key(struct sim *sim, const char *uri, bool is_kept);

/* judge.c */
void sim_judge_boot(struct berth_judge *judge);
void sim_judge_crash(struct berth_judge *judge, enum disk_loss loss);
void sim_judge_end(struct berth_judge *judge);
void sim_judge_deliver(struct berth_judge *judge, const struct sim_item *item);
/* body: a literal. */
void sim_judge_operate(struct berth_judge *judge, const char *path, const char *body,
		       struct sim_device *about);

/* network.c */
struct sim_call *sim_call_new(struct sim *sim, struct berth_judge *server,
			      const struct berth_http_request *request,
			      const struct berth_cert_list *shown);
void sim_call_send(struct sim_call *call);
void sim_call_reply(struct sim_call *call, const struct berth_http_response *response);
void sim_call_fail(struct sim_call *call); /* its server is gone, or never heard of it */
void sim_call_free(struct sim_call *call);
struct berth_judge *sim_find_server(struct sim *sim, struct berth_bytes host, uint16_t port);
struct berth_tls_facts sim_server_facts(const struct sim_call *call);

/* device.c */
void sim_device_start(struct sim_device *device);
void sim_device_crash(struct sim_device *device);
void sim_device_reset(struct sim_device *device); /* to what the factory gave it */
void sim_device_end(struct sim_device *device);
void sim_device_answer(struct sim_device *device, struct sim_call *call);
void sim_device_lost(struct sim_device *device, struct sim_call *call);
void sim_device_off(struct sim_device *device, int64_t for_ms);
void sim_device_again(struct sim_device *device); /* its certificate is over */
void sim_device_stop(struct sim_device *device);
/* A connection of either machine. */
struct berth_tls_facts sim_line_facts(const struct sim_line *line);
void sim_line_end(struct sim_device *device, struct sim_line *line);
void sim_line_call(struct sim_device *device, struct sim_line *line, struct sim_call *call);
bool sim_line_is_broken(const struct sim_line *line);

/* flash.c: what lasts, by role/device's own agent_key.c, keeper_key.c and state.c. True: the power went meanwhile. */
void sim_flash_open(struct sim_device *device);
void sim_flash_load(struct sim_device *device);
void sim_flash_end(struct sim_device *device);
bool sim_flash_make_key(struct sim_device *device, const struct berth_pledge_event *pledge,
			const struct berth_renewal_event *renewal);
bool sim_flash_save(struct sim_device *device, const struct berth_pledge_event *pledge,
		    const struct berth_renewal_event *renewal);
size_t sim_flash_keys(const struct sim_device *device); /* files */

/* rollover.c */
void sim_rollovers_start(struct sim *sim);
void sim_rollover(struct berth_judge *registrar); /* while it is down */
void sim_know_chain(struct berth_judge *registrar);
void sim_campaign_begun(struct berth_judge *registrar, int status);

/* faults.c */
void sim_faults_start(struct sim *sim);
void sim_faults_count(struct sim *sim); /* those of the disks, at the end */

/* renew.c */
void sim_renew_start(struct sim_device *device);
void sim_renew_stop(struct sim_device *device);
void sim_renew_answer(struct sim_device *device, struct sim_call *call);
void sim_renew_lost(struct sim_device *device, struct sim_call *call);

/* relying.c */
void sim_relying_start(struct sim *sim);
void sim_oracle_list(struct berth_judge *judge, struct berth_bytes der);

/* sabotage.c: each does something when the world's sabotage is that one */
void sim_sabotage_world(struct sim *sim);
void sim_sabotage_restart(struct berth_judge *judge);
void sim_sabotage_saved(struct sim_device *device);
void sim_sabotage_reply(struct berth_judge *judge, const struct sim_call *call);

/* rogue.c */
void sim_rogue_answer(struct sim_call *call); /* puts another answer into it, or leaves it */
void sim_rogues_start(struct sim *sim);
void sim_rogue_takes_over(struct sim_device *device); /* and renews what it has, in vain */
void sim_rogue_end(struct sim_device *device);
void sim_operators_start(struct sim *sim);
void sim_operator_done(struct sim_device *device, int status);

/* oracle.c: each speaks by sim_break, once; then the run ends. */
BERTH_PRINTF(3, 4) void sim_break(struct sim *sim, const char *oracle, const char *format, ...);
void sim_oracle_sign(struct berth_judge *judge, const struct sim_out *out);
void sim_oracle_reply(struct berth_judge *judge, const struct sim_call *call,
		      const struct berth_http_response *response);
/* After all of a batch has left: what the audit log holds now, it holds for ever. */
void sim_oracle_sent(struct berth_judge *judge);
void sim_oracle_restart(struct berth_judge *judge);
void sim_oracle_save(struct sim_device *device, const struct sim_line *line,
		     const struct sim_belief *belief,
		     const struct berth_pledge_enrolment *enrolment);
void sim_oracle_close(struct berth_judge *judge); /* its connection to the store */
void sim_oracle_signed(struct berth_judge *judge, uint16_t op, struct berth_bytes object);
/* What a device is about to keep. */
void sim_oracle_keep(struct sim_device *device, const struct berth_cert_list *chain,
		     const struct berth_cert_list *ca_set);
void sim_oracle_renew(struct sim_device *device, const struct berth_renewal_event *event);
void sim_oracle_keys(struct sim_device *device);
/* It is on, as its registrar wants it now. why: what is missing. */
bool sim_device_is_current(const struct sim_device *device, const char **why);
void sim_oracle_end(struct sim *sim);
void sim_oracle_free(struct sim *sim);

/* secrets.c */
void sim_secret_add(struct sim *sim, const char *what, struct berth_bytes secret);
void sim_secret_add_key_file(struct sim *sim, const char *path);
void sim_secrets_search(struct sim *sim); /* wires, stores, log */
void sim_secrets_free(struct sim *sim);

#endif
