/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What berth-masa and berth-registrar share: a parent and its children, the same binary re-executed
 * with a child role (design.md section 4).
 *
 * - parent: starts the others, holds the listening sockets, restarts who ends. Runs no protocol.
 * - net (one per core): TLS, HTTP; no private key, no store, no decision.
 * - judge: machines, policy, store, admin socket; no network, no private keys.
 * - signer: CA, voucher and RVR keys; no network, no store.
 * - tls-signer: the TLS key alone, file-backed, for libssl's synchronous signature.
 *
 * One SOCK_SEQPACKET pair per edge: net-judge, judge-signer, net-tls signer. Frames are
 * codec/frame.h with the kinds of role/daemon/ipc.h. The parent restarts a child that ends; a
 * request in flight then answers 503.
 *
 * A daemon supplies struct berth_daemon and calls berth_daemon_main from cmd/.
 *
 * The judge works in batches: it takes all requests that wait (up to BERTH_JUDGE_BATCH_MAX), each
 * in a savepoint, in one transaction; whatever it sends (reply, signature request, dial) leaves only
 * after the commit. So intent is durable before the signature is asked for, and the audit record
 * before its effect, by construction.
 */
#ifndef BERTH_ROLE_DAEMON_H
#define BERTH_ROLE_DAEMON_H

#include "base/arena.h"
#include "base/message.h"
#include "base/random.h"
#include "base/time.h"
#include "codec/conf.h"
#include "net/dns_sd.h"
#include "pki/keystore/keystore.h"

struct berth_judge; /* the judge process's shell */
/* A connection of DPP over TCP; id 0: none, or all of that net process. */
struct berth_dpp_peer {
	uint32_t net;
	uint64_t id;
};

struct berth_ticket; /* one HTTP request that waits for its reply; valid until replied */

/* A request that the judge wants made (registrar -> MASA). Views borrow until the call returns. */
struct berth_dial {
	struct berth_bytes host; /* DNS name or address; sent as SNI, checked against the
				    certificate (RFC 9525) */
	uint16_t port;
	struct berth_bytes anchors_pem; /* the only anchors for this dial */
	struct berth_http_request request;
	bool with_client_certificate;
	/* Over plain HTTP, for what is signed in itself: no anchors, no certificate, and only to
	 * public addresses and those of networks (net/networks.h). */
	bool is_plain;
	struct berth_bytes networks;
	int64_t timeout_ms; /* total */
	size_t body_limit_bytes;
};

/*
 * What a daemon's judge does. context is what start returned. All run inside the batch's
 * transaction. signature, dialled, gone, admin, tick and the three batch verbs may be NULL where a
 * daemon has no use for them. configuration: the daemon's settings, as its schema filled them.
 */
struct berth_judge_role {
	/* Opens the store, loads anchors and policy. */
	enum berth_err (*start)(struct berth_judge *judge, const void *configuration,
				void **ret_context, struct berth_why *why);
	void (*end)(void *context);
	/* Batch borders: begin/commit of the store's transaction. A failed commit answers 503 to
	 * all of the batch. */
	enum berth_err (*batch_begin)(void *context, struct berth_why *why);
	enum berth_err (*batch_commit)(void *context, struct berth_why *why);
	void (*batch_abort)(void *context);
	/* A device's or peer's request. Must call berth_judge_reply on ticket now or later. http
	 * and tls borrow until it returns. */
	void (*request)(void *context, struct berth_ticket *ticket,
			const struct berth_http_request *http, const struct berth_tls_facts *tls,
			struct berth_bytes peer_address);
	/*
	 * A request without TLS, from plain-listen: for what is public and signed in itself (CRL,
	 * OCSP, CA certificates), and nothing else may be given here. As request otherwise. NULL: this
	 * daemon publishes nothing, and its configuration has no plain-listen.
	 */
	void (*published)(void *context, struct berth_ticket *ticket,
			  const struct berth_http_request *http, struct berth_bytes peer_address);
	/* The answer of the signer to berth_judge_sign. err != BERTH_OK: why says what the signer
	 * said. */
	void (*signature)(void *context, uint64_t cookie, enum berth_err err,
			  struct berth_bytes object, const struct berth_why *why);
	/* The answer to berth_judge_dial; status 0: unreachable, why says more. peer: the server's
	 * certificate chain. */
	void (*dialled)(void *context, uint64_t cookie, const struct berth_http_response *response,
			const struct berth_tls_facts *tls, const struct berth_why *why);
	/* The requester has gone or its deadline has passed: ticket is dead after this. */
	void (*gone)(void *context, struct berth_ticket *ticket);
	/*
	 * A body of DPP over TCP (codec/dpp_frame.h); nothing of it was looked into. All three may be NULL: this daemon
	 * speaks no DPP, and its configuration has no dpp-listen.
	 */
	void (*dpp_message)(void *context, struct berth_dpp_peer peer, struct berth_bytes body,
			    struct berth_bytes address);
	/* The connection, or with id 0 every one of that net process. */
	void (*dpp_gone)(void *context, struct berth_dpp_peer peer);
	/* The answer to berth_judge_dpp_dial; peer.id 0: unreachable, why says more. */
	void (*dpp_dialled)(void *context, uint64_t cookie, struct berth_dpp_peer peer,
			    const struct berth_why *why);
	/* A request on the admin socket: JSON out. user is the peer's login name. Replies through
	 * the ticket. */
	void (*admin)(void *context, struct berth_ticket *ticket,
		      const struct berth_http_request *http, const char *user);
	/* Prometheus text of the role's own, appended to /metrics; may be NULL. Outside any
	 * transaction. */
	enum berth_err (*metrics)(void *context, struct berth_buf *text);
	/* Called about once a second between batches, in a transaction of its own. */
	void (*tick)(void *context);
};

/* For the judge's role, all queued until the batch commits. */
void berth_judge_reply(struct berth_judge *judge, struct berth_ticket *ticket,
		       const struct berth_http_response *response);
/* Plain text reply: status and sentence, media type text/plain; charset=utf-8. */
void berth_judge_reply_text(struct berth_judge *judge, struct berth_ticket *ticket, int status,
			    bool close, const char *sentence);
/* op is the daemon's own (enum in its role), payload its frame body; answered by role->signature
 * with cookie. */
void berth_judge_sign(struct berth_judge *judge, uint16_t op, struct berth_bytes payload,
		      uint64_t cookie);
void berth_judge_dial(struct berth_judge *judge, const struct berth_dial *dial, uint64_t cookie);
/* body may be empty; close: after it. A connection that is gone swallows it: who waits asks again. */
void berth_judge_dpp_send(struct berth_judge *judge, struct berth_dpp_peer peer,
			  struct berth_bytes body, bool close);
void berth_judge_dpp_dial(struct berth_judge *judge, struct berth_bytes host, uint16_t port,
			  uint64_t cookie);
/* A pointer of the role's own that rides on the ticket (a session); NULL at first. */
void berth_ticket_set(struct berth_ticket *ticket, void *session);
void *berth_ticket_get(const struct berth_ticket *ticket);
struct berth_now berth_judge_now(const struct berth_judge *judge);
struct berth_pki *berth_judge_pki(struct berth_judge *judge);
struct berth_random berth_judge_random(struct berth_judge *judge);
/* The certificate chain our TLS server presents, end entity first. */
const struct berth_cert_list *berth_judge_tls_chain(const struct berth_judge *judge);

/* What a daemon's signer does: one message shape per operation; re-parses what it signs. */
struct berth_signer_role {
	enum berth_err (*start)(struct berth_pki *pki, const void *configuration,
				void **ret_context, struct berth_why *why);
	void (*end)(void *context);
	/* payload came from the judge and is not trusted. object: what is released. */
	enum berth_err (*sign)(void *context, uint16_t op, struct berth_bytes payload,
			       struct berth_now now, struct berth_buf *object,
			       struct berth_why *why);
	/*
	 * After some calls of sign and before any of their objects leaves: makes durable what must be. On an error none of
	 * them leaves. NULL: nothing to do.
	 */
	enum berth_err (*settle)(void *context, struct berth_why *why);
};

/* The part of the configuration that every daemon has: section [daemon]. Embedded in the daemon's
 * own settings. */
struct berth_daemon_conf {
	const char *listen;	  /* "[::]:9443", "127.0.0.1:0" (port 0: any; see port-file) */
	const char *port_file;	  /* NULL: none; the bound port as text, written once all serve */
	const char *plain_listen; /* NULL: nothing is served without TLS */
	const char *plain_port_file;  /* NULL: none */
	const char *dpp_listen;	      /* NULL: no DPP over TCP */
	const char *dpp_port_file;    /* NULL: none */
	const char *tls_certificates; /* PEM chain path, end entity first */
	const char *tls_key;	      /* keystore URI; file-backed, EC */
	const char *state_directory;  /* store, issuance log; the only place judge and signer may
					 write */
	const char *token_directory;  /* NULL; where a PKCS#11 module works: the signer may write
					 there too */
	const char *admin_socket;     /* path; NULL: none */
	const char *admin_group;      /* NULL: the daemon's own user and root */
	const char *user;	      /* drop to; NULL: stay */
	int64_t net_processes;	      /* 0: one per core */
	int64_t connections_max;      /* per net process */
	int64_t connections_per_source_max;
	int64_t header_timeout_s; /* total time for a handshake, and to send one request */
	int64_t idle_timeout_s;
	int64_t pending_timeout_s; /* a request that waits for its reply */
	int64_t body_limit_bytes;
	int log; /* 0 text, 1 json */
};

#define BERTH_DAEMON_PLAIN_BODY_MAX 4096 /* an OCSP request has about 100 bytes */
#define BERTH_DAEMON_BODY_MAX 98304	 /* with certificates and anchors it still fits one frame */
extern const char *const berth_daemon_log_choices[]; /* "text", "json" */

/*
 * The keys of section [daemon] for a settings struct with a member of type struct
 * berth_daemon_conf:
 *
 *	static const struct berth_conf_key daemon_keys[] = {BERTH_DAEMON_KEYS(struct masa_conf,
 * daemon)};
 */
#define BERTH_DAEMON_KEY_(settings, member, field, key, kind, ...)                                 \
	{                                                                                          \
		.name = key, .type = kind, .offset = offsetof(settings, member.field), __VA_ARGS__ \
	}
#define BERTH_DAEMON_KEYS(settings, member)                                                        \
	BERTH_DAEMON_KEY_(settings, member, listen, "listen", BERTH_CONF_TEXT,                     \
			  .fallback = "[::]:9443", .help = "Address and port, [::]:9443."),        \
		BERTH_DAEMON_KEY_(settings, member, port_file, "port-file", BERTH_CONF_PATH,       \
				  .help = "Where the port is written once the daemon serves."),    \
		BERTH_DAEMON_KEY_(settings, member, tls_certificates, "tls-certificates",          \
				  BERTH_CONF_PATH, .is_required = true,                            \
				  .help = "PEM chain, end entity first."),                         \
		BERTH_DAEMON_KEY_(settings, member, tls_key, "tls-key", BERTH_CONF_KEY_URI,        \
				  .is_required = true, .help = "Keystore URI of the TLS key."),    \
		BERTH_DAEMON_KEY_(settings, member, state_directory, "state-directory",            \
				  BERTH_CONF_PATH, .is_required = true,                            \
				  .help = "Where the daemon keeps its state."),                    \
		BERTH_DAEMON_KEY_(settings, member, token_directory, "token-directory",            \
				  BERTH_CONF_PATH,                                                 \
				  .help = "Where a PKCS#11 module keeps tokens in files "          \
					  "(SoftHSM2); the signer may write there."),              \
		BERTH_DAEMON_KEY_(settings, member, admin_socket, "admin-socket", BERTH_CONF_PATH, \
				  .help = "Unix socket of the admin interface."),                  \
		BERTH_DAEMON_KEY_(settings, member, admin_group, "admin-group", BERTH_CONF_TEXT,   \
				  .help = "Members of this group may use the admin socket."),      \
		BERTH_DAEMON_KEY_(settings, member, user, "user", BERTH_CONF_TEXT,                 \
				  .help = "User to become after start."),                          \
		BERTH_DAEMON_KEY_(settings, member, net_processes, "net-processes",                \
				  BERTH_CONF_INTEGER, .fallback = "0", .min = 0, .max = 64,        \
				  .help = "Processes that speak TLS; 0 is one per core."),         \
		BERTH_DAEMON_KEY_(settings, member, connections_max, "connections-max",            \
				  BERTH_CONF_INTEGER, .fallback = "4096", .min = 1, .max = 100000, \
				  .help = "Open connections per net process."),                    \
		BERTH_DAEMON_KEY_(settings, member, connections_per_source_max,                    \
				  "connections-per-source-max", BERTH_CONF_INTEGER,                \
				  .fallback = "256", .min = 1, .max = 100000,                      \
				  .help = "Of these, from one address."),                          \
		BERTH_DAEMON_KEY_(                                                                 \
			settings, member, header_timeout_s, "header-timeout",                      \
			BERTH_CONF_DURATION_S, .fallback = "10s", .min = 1, .max = 600,            \
			.help = "Total time for a handshake and for sending one request."),        \
		BERTH_DAEMON_KEY_(settings, member, idle_timeout_s, "idle-timeout",                \
				  BERTH_CONF_DURATION_S, .fallback = "60s", .min = 1, .max = 3600, \
				  .help = "A connection without a request is closed after this."), \
		BERTH_DAEMON_KEY_(settings, member, pending_timeout_s, "pending-timeout",          \
				  BERTH_CONF_DURATION_S, .fallback = "60s", .min = 1, .max = 3600, \
				  .help = "A request without an answer gets 503 after this."),     \
		BERTH_DAEMON_KEY_(settings, member, body_limit_bytes, "body-limit",                \
				  BERTH_CONF_INTEGER, .fallback = "65536", .min = 1,               \
				  .max = BERTH_DAEMON_BODY_MAX,                                    \
				  .help = "Largest request body in bytes."),                       \
		BERTH_DAEMON_KEY_(settings, member, log, "log", BERTH_CONF_CHOICE,                 \
				  .fallback = "text", .choices = berth_daemon_log_choices,         \
				  .help = "text or json.")

/* The further keys of a daemon whose judge has published. */
#define BERTH_DAEMON_PLAIN_KEYS(settings, member)                                                  \
	BERTH_DAEMON_KEY_(settings, member, plain_listen, "plain-listen", BERTH_CONF_TEXT,         \
			  .help = "Address and port where revocation lists, OCSP and CA "          \
				  "certificates are served without TLS; without it, nowhere."),    \
		BERTH_DAEMON_KEY_(settings, member, plain_port_file, "plain-port-file",            \
				  BERTH_CONF_PATH,                                                 \
				  .help = "Where the port of plain-listen is written.")

/* The further keys of a daemon whose judge takes DPP. */
#define BERTH_DAEMON_DPP_KEYS(settings, member)                                                    \
	BERTH_DAEMON_KEY_(settings, member, dpp_listen, "listen", BERTH_CONF_TEXT,                 \
			  .help = "Address and port of DPP over TCP, [::]:8908; access points "    \
				  "that relay can only reach port 8908. Without it there is no "   \
				  "Wi-Fi Easy Connect."),                                          \
		BERTH_DAEMON_KEY_(settings, member, dpp_port_file, "port-file", BERTH_CONF_PATH,   \
				  .help = "Where the port of listen is written.")

/* What of its announcement an operator decides. */
struct berth_announce_settings {
	struct berth_conf_list interfaces; /* none: nobody is told */
	const char *name;		   /* by DNS-SD */
	bool dns_sd;
	bool grasp;
	int64_t period_s; /* of GRASP */
};

/*
 * How a daemon is found by those who do not know its address: by DNS-SD and GRASP, on the interfaces that its
 * operator names and on no other. Its address is no secret and proves nothing; who finds it checks it.
 */
struct berth_daemon_announce {
	enum berth_service_kind kind;
	const char *noun; /* "registrar": of registrar.announced in the log */
	size_t offset;	  /* of the struct berth_announce_settings in the settings struct */
};

struct berth_daemon {
	const char *name;    /* "berth-masa" */
	const char *summary; /* one line for --help */
	const struct berth_conf_schema
		*schema;      /* section [daemon] with BERTH_DAEMON_KEYS included */
	size_t settings_size; /* the struct that the schema fills; "configuration" of the roles
				 below */
	size_t common_offset; /* of its struct berth_daemon_conf */
	/* What the table cannot say (--check-config runs it too); may be NULL. */
	enum berth_err (*check)(const void *configuration, struct berth_why *why);
	/* Loads the files that judge and signer would load at start, for --check-config alone; opens
	 * no key and writes nothing. May be NULL. */
	enum berth_err (*check_files)(struct berth_pki *pki, const void *configuration,
				      struct berth_why *why);
	const struct berth_judge_role *judge;
	const struct berth_signer_role *signer;	      /* NULL: this daemon has none */
	const struct berth_daemon_announce *announce; /* NULL: it is found by its address alone */
};

/* A configuration with its drop-ins, read and checked. Freed in either case. */
struct berth_daemon_loaded {
	struct berth_conf conf;
	void *settings; /* of settings_size */
	struct berth_daemon_conf *common;
};
enum berth_err berth_daemon_load(const struct berth_daemon *daemon, const char *config,
				 struct berth_daemon_loaded *ret, struct berth_why *why) BERTH_MUST;
void berth_daemon_loaded_free(struct berth_daemon_loaded *loaded);

/* For check_files: a key that is a file exists. name is the key of the configuration that says
 * uri. Whether a token holds a key is not asked: that needs its PIN. */
enum berth_err berth_daemon_check_key(const char *name, const char *uri,
				      struct berth_why *why) BERTH_MUST;

/*
 * Runs the program: --config FILE, --check-config, --help, --version, --log=; and the hidden child
 * roles. Exit status as role/verb.h: 4 for a configuration that is not there, 2 for what is wrong in
 * it.
 */
int berth_daemon_main(const struct berth_daemon *daemon, int argc, char **argv);

#endif
