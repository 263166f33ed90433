/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the processes of a daemon say to each other, as frames (codec/frame.h): structs to bytes and back; pure. Who
 * receives decodes with the one function for what may come on that edge:
 *
 *	net -> judge:		request, gone, dialled; of DPP: message, gone, dialled
 *	judge -> net:		reply, dial; of DPP: send, dial
 *	net, judge -> signer:	sign
 *	signer -> net, judge:	signature
 *	parent <-> child:	link (with a descriptor), drain, ready
 *
 * Decoded views borrow from the packet.
 */
#ifndef BERTH_ROLE_DAEMON_IPC_H
#define BERTH_ROLE_DAEMON_IPC_H

#include "base/message.h"
#include "codec/frame.h"
#include "role/daemon/daemon.h"

enum berth_ipc_kind {
	BERTH_IPC_REQUEST = 1, /* its reply flag: the reply */
	BERTH_IPC_GONE = 2,
	BERTH_IPC_DIAL = 3, /* its reply flag: dialled */
	BERTH_IPC_SIGN = 4, /* its reply flag: the signature */
	BERTH_IPC_LINK = 5,
	BERTH_IPC_DRAIN = 6,
	BERTH_IPC_READY = 7,
	BERTH_IPC_DPP = 8, /* a message; to a net process: to be sent, or the end */
	BERTH_IPC_DPP_GONE = 9,
	BERTH_IPC_DPP_DIAL = 10 /* its reply flag: dialled */
};

#define BERTH_IPC_ADDRESS_MAX 64     /* numeric, with a scope */
#define BERTH_IPC_HOST_MAX 255	     /* RFC 1035 2.3.4 */
#define BERTH_IPC_HEADER_MAX 4096    /* one header value, a path or a query */
#define BERTH_IPC_MEDIA_TYPE_MAX 256 /* with parameters */
#define BERTH_IPC_RULE_MAX 64

struct berth_ipc_request {
	struct berth_http_request http;
	struct berth_tls_facts tls;
	struct berth_bytes peer_address;
};

/* Why something failed, as it crosses a border: rule is text here, not static storage. */
struct berth_ipc_fault {
	enum berth_err err; /* BERTH_OK: none */
	struct berth_bytes rule;
	struct berth_bytes sentence;
};

struct berth_ipc_dialled {
	struct berth_http_response http;
	struct berth_tls_facts tls;
	struct berth_ipc_fault fault;
};

struct berth_ipc_sign {
	uint16_t op;
	struct berth_bytes payload;
};

struct berth_ipc_signature {
	struct berth_bytes object;
	struct berth_ipc_fault fault;
};

/* On a connection of DPP over TCP, by the id of the frame. */
struct berth_ipc_dpp {
	struct berth_bytes body;    /* to a net process: empty sends nothing */
	struct berth_bytes address; /* from a net process */
	bool close;		    /* to a net process: after that */
	struct berth_bytes host;    /* dial */
	uint16_t port;
	uint64_t connection; /* dialled; 0: fault */
	struct berth_ipc_fault fault;
};

/* What a descriptor that rides along is for. */
enum berth_ipc_edge {
	BERTH_EDGE_LISTEN = 1,	     /* to net */
	BERTH_EDGE_JUDGE = 2,	     /* to net: its judge */
	BERTH_EDGE_TLS_SIGNER = 3,   /* to net */
	BERTH_EDGE_NET = 4,	     /* to judge and tls-signer: a net process, index says which */
	BERTH_EDGE_SIGNER = 5,	     /* to judge */
	BERTH_EDGE_FROM_JUDGE = 6,   /* to signer */
	BERTH_EDGE_LISTEN_PLAIN = 7, /* to net: without TLS */
	BERTH_EDGE_LISTEN_DPP = 8    /* to net: DPP over TCP */
};

/* One decoded packet: kind and is_reply say which member holds. */
struct berth_ipc {
	enum berth_ipc_kind kind;
	bool is_reply;
	uint64_t id;
	struct berth_ipc_request request;
	struct berth_http_response reply;
	struct berth_dial dial;
	struct berth_ipc_dialled dialled;
	struct berth_ipc_sign sign;
	struct berth_ipc_signature signature;
	struct berth_ipc_dpp dpp;
	enum berth_ipc_edge edge;
	uint32_t index;
};

/* Who decodes says what may come; all else is refused. */
enum berth_err berth_ipc_decode_for_judge(struct berth_bytes packet, struct berth_ipc *ret,
					  struct berth_why *why) BERTH_MUST;
enum berth_err berth_ipc_decode_for_net(struct berth_bytes packet, struct berth_ipc *ret,
					struct berth_why *why) BERTH_MUST;
enum berth_err berth_ipc_decode_for_signer(struct berth_bytes packet, struct berth_ipc *ret,
					   struct berth_why *why) BERTH_MUST;
enum berth_err berth_ipc_decode_signature(struct berth_bytes packet, struct berth_ipc *ret,
					  struct berth_why *why) BERTH_MUST;
enum berth_err berth_ipc_decode_control(struct berth_bytes packet, struct berth_ipc *ret,
					struct berth_why *why) BERTH_MUST;

/* Builders: one whole packet in buf. BERTH_E_LIMIT when it does not fit a frame or a field. */
enum berth_err berth_ipc_put_request(struct berth_buf *buf, uint64_t id,
				     const struct berth_ipc_request *request) BERTH_MUST;
enum berth_err berth_ipc_put_reply(struct berth_buf *buf, uint64_t id,
				   const struct berth_http_response *reply) BERTH_MUST;
enum berth_err berth_ipc_put_gone(struct berth_buf *buf, uint64_t id) BERTH_MUST;
enum berth_err berth_ipc_put_dial(struct berth_buf *buf, uint64_t id,
				  const struct berth_dial *dial) BERTH_MUST;
/* fault NULL: none. */
enum berth_err berth_ipc_put_dialled(struct berth_buf *buf, uint64_t id,
				     const struct berth_http_response *response,
				     const struct berth_tls_facts *tls,
				     const struct berth_why *fault) BERTH_MUST;
enum berth_err berth_ipc_put_sign(struct berth_buf *buf, uint64_t id, uint16_t op,
				  struct berth_bytes payload) BERTH_MUST;
enum berth_err berth_ipc_put_signature(struct berth_buf *buf, uint64_t id,
				       struct berth_bytes object,
				       const struct berth_why *fault) BERTH_MUST;
enum berth_err berth_ipc_put_link(struct berth_buf *buf, enum berth_ipc_edge edge,
				  uint32_t index) BERTH_MUST;
enum berth_err berth_ipc_put_dpp_message(struct berth_buf *buf, uint64_t id,
					 struct berth_bytes body,
					 struct berth_bytes address) BERTH_MUST;
enum berth_err berth_ipc_put_dpp_send(struct berth_buf *buf, uint64_t id, struct berth_bytes body,
				      bool close) BERTH_MUST;
enum berth_err berth_ipc_put_dpp_gone(struct berth_buf *buf, uint64_t id) BERTH_MUST;
enum berth_err berth_ipc_put_dpp_dial(struct berth_buf *buf, uint64_t id, struct berth_bytes host,
				      uint16_t port) BERTH_MUST;
enum berth_err berth_ipc_put_dpp_dialled(struct berth_buf *buf, uint64_t id, uint64_t connection,
					 const struct berth_why *fault) BERTH_MUST;
enum berth_err berth_ipc_put_drain(struct berth_buf *buf) BERTH_MUST;
enum berth_err berth_ipc_put_ready(struct berth_buf *buf) BERTH_MUST;

#endif
