/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/daemon/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/dpp_server.h"
#include "net/http.h"
#include "role/daemon/announce.h"
#include "role/daemon/dial.h"
#include "role/daemon/signer_link.h"
#include "system/clock.h"
#include "system/files.h"
#include "system/process.h"

#define PENDING_BUCKETS 1024
#define CHAIN_FILE_MAX 262144
#define SPARE_DESCRIPTORS 256 /* dials, links, libraries; of few descriptors a quarter */
#define DPP_OTHERS_SHARE 4   /* of the DPP connections one part in so many is not for one address */
#define REFUSAL_RULES_MAX 32 /* net/http and net/tls have about 25; the last one is shared */

/*
 * A net process. It passes requests on and answers back, and dials where the judge says. It holds certificates and
 * no key: libssl's signatures come from the TLS signer.
 */
struct pending {
	struct pending *next;
	uint64_t id;
	struct berth_http_exchange *exchange;
};

struct net {
	struct berth_child *child;
	struct berth_pki *pki;
	struct berth_cert_list chain;
	struct berth_tls_signer signer;
	struct berth_signer_link signer_link;
	struct berth_key *key;
	struct berth_tls_server *tls;
	struct berth_link *judge;
	struct berth_http_server *http;
	struct berth_http_server *plain; /* NULL: nothing is served without TLS */
	struct berth_dpp_server *dpp;	 /* NULL: no DPP */
	struct berth_dialer *dialer;
	struct berth_announcer *announcer; /* NULL: not this process, or nobody is told */
	int listen_fd, plain_fd, dpp_fd;   /* until the server has it */
	size_t connections_max;
	size_t draining; /* servers that have connections left */
	bool has_signer;
	uint64_t last_id;
	struct pending *pending[PENDING_BUCKETS];
	/* One limit for each rule, so that a flood of one kind does not hide another. */
	struct {
		const char *rule;
		struct berth_log_limit limit;
	} refusals[REFUSAL_RULES_MAX];
};

static struct pending **
find_pending(struct net *net, uint64_t id)
{
	struct pending **at = &net->pending[id % PENDING_BUCKETS];
	while (*at && (*at)->id != id) {
		at = &(*at)->next;
	}
	return at;
}

static void
remove_pending(struct pending **at)
{
	struct pending *p = *at;
	if (!p) {
		return;
	}
	*at = p->next;
	free(p);
}

static void
reply_unavailable(struct berth_http_exchange *exchange)
{
	berth_http_reply(exchange, &(struct berth_http_response){
					   .status = 503,
					   .media_type = BERTH_LIT("text/plain; charset=utf-8"),
					   .retry_after_s = 1,
					   .body = BERTH_LIT("The service is restarting or busy; "
							     "try again.\n"),
				   });
}

static void
on_request(void *context, struct berth_http_exchange *exchange,
	   const struct berth_http_request *request, const struct berth_tls_facts *tls,
	   struct berth_bytes peer_address)
{
	struct net *net = context;
	const struct berth_ipc_request ask = {
		.http = *request,
		.tls = *tls,
		.peer_address = peer_address,
	};
	struct pending *p = calloc(1, sizeof(*p));
	if (!p) {
		reply_unavailable(exchange);
		return;
	}
	BERTH_BUF packet = {0};
	p->id = ++net->last_id;
	p->exchange = exchange;
	enum berth_err err = berth_ipc_put_request(&packet, p->id, &ask);
	err = err ? err : berth_link_send(net->judge, berth_buf_view(&packet));
	if (err) {
		free(p);
		reply_unavailable(exchange);
		return;
	}
	struct pending **bucket = &net->pending[p->id % PENDING_BUCKETS];
	p->next = *bucket;
	*bucket = p;
	berth_http_exchange_set(exchange, p);
}

static void
on_gone(void *context, struct berth_http_exchange *exchange)
{
	struct net *net = context;
	struct pending *p = berth_http_exchange_get(exchange);
	if (!p) {
		return;
	}
	BERTH_BUF packet = {0};
	enum berth_err err = berth_ipc_put_gone(&packet, p->id);
	err = err ? err : berth_link_send(net->judge, berth_buf_view(&packet));
	berth_ignore(err, "the judge's own deadline, or its end, does the same");
	remove_pending(find_pending(net, p->id));
}

static struct berth_log_limit *
limit_of(struct net *net, const char *rule)
{
	size_t i = 0;
	while (i < REFUSAL_RULES_MAX - 1 && net->refusals[i].rule &&
	       strcmp(net->refusals[i].rule, rule) != 0) {
		i++;
	}
	if (!net->refusals[i].rule) {
		net->refusals[i].rule = rule;
		net->refusals[i].limit = (struct berth_log_limit){.burst = 10, .interval_ms = 1000};
	}
	return &net->refusals[i].limit;
}

static void
on_refused(void *context, struct berth_bytes peer_address, const struct berth_why *why)
{
	struct net *net = context;
	uint64_t suppressed = 0;
	if (!berth_log_allows(limit_of(net, why->rule), berth_clock_mono(), &suppressed)) {
		return;
	}
	char address[BERTH_IPC_ADDRESS_MAX];
	char left_out[24];
	(void)snprintf(address, sizeof(address), "%.*s", (int)peer_address.n,
		       (const char *)peer_address.p);
	(void)snprintf(left_out, sizeof(left_out), "%llu", (unsigned long long)suppressed);
	berth_log_why(&net->child->log, BERTH_LOG_WARNING, "connection.refused", why, "peer",
		      address, suppressed ? "suppressed" : NULL, suppressed ? left_out : "", NULL);
}

static void
say_of_dpp(struct net *net, const struct berth_buf *packet, enum berth_err err)
{
	err = err ? err : berth_link_send(net->judge, berth_buf_view(packet));
	berth_ignore(err, "the judge is down or busy; devices repeat themselves");
}

static void
on_dpp_message(void *context, uint64_t id, struct berth_bytes body, struct berth_bytes address)
{
	BERTH_BUF packet = {0};
	enum berth_err err = berth_ipc_put_dpp_message(&packet, id, body, address);
	say_of_dpp(context, &packet, err);
}

static void
on_dpp_gone(void *context, uint64_t id)
{
	BERTH_BUF packet = {0};
	enum berth_err err = berth_ipc_put_dpp_gone(&packet, id);
	say_of_dpp(context, &packet, err);
}

static void
on_dpp_dialled(void *context, uint64_t token, uint64_t id, const struct berth_why *why)
{
	BERTH_BUF packet = {0};
	enum berth_err err = berth_ipc_put_dpp_dialled(&packet, token, id, why);
	say_of_dpp(context, &packet, err);
}

static void
take_dpp(struct net *net, const struct berth_ipc *ipc)
{
	char host[BERTH_IPC_HOST_MAX + 1];
	if (!net->dpp) {
		berth_log(&net->child->log, BERTH_LOG_ERROR, "ipc.bad", "from", "judge", NULL);
		return;
	}
	if (ipc->kind == BERTH_IPC_DPP_DIAL) {
		memcpy(host, ipc->dpp.host.p, ipc->dpp.host.n);
		host[ipc->dpp.host.n] = '\0';
		berth_dpp_server_dial(net->dpp, ipc->id, host, ipc->dpp.port);
		return;
	}
	if (ipc->dpp.body.n > 0) {
		berth_ignore(berth_dpp_server_send(net->dpp, ipc->id, ipc->dpp.body),
			     "the judge hears that it is gone");
	}
	if (ipc->dpp.close) {
		berth_dpp_server_cut(net->dpp, ipc->id);
	}
}

static void
take_from_judge(struct net *net, struct berth_bytes packet)
{
	struct berth_ipc ipc;
	struct berth_why why;
	if (berth_ipc_decode_for_net(packet, &ipc, &why)) {
		berth_log_why(&net->child->log, BERTH_LOG_ERROR, "ipc.bad", &why, "from", "judge",
			      NULL);
		return;
	}
	if (ipc.kind == BERTH_IPC_DIAL) {
		berth_dialer_dial(net->dialer, ipc.id, &ipc.dial);
		return;
	}
	if (ipc.kind != BERTH_IPC_REQUEST) {
		take_dpp(net, &ipc);
		return;
	}
	struct pending **at = find_pending(net, ipc.id);
	if (!*at) {
		return; /* late: the requester has gone */
	}
	struct berth_http_exchange *exchange = (*at)->exchange;
	remove_pending(at);
	berth_http_reply(exchange, &ipc.reply);
}

static void
on_judge(void *context)
{
	struct net *net = context;
	struct berth_bytes packet;
	while (berth_link_receive(net->judge, &packet, NULL) == BERTH_OK) {
		take_from_judge(net, packet);
	}
}

static void
on_judge_down(void *context)
{
	struct net *net = context;
	berth_dialer_forget(net->dialer);
	for (size_t i = 0; i < PENDING_BUCKETS; i++) {
		while (net->pending[i]) {
			struct berth_http_exchange *exchange = net->pending[i]->exchange;
			remove_pending(&net->pending[i]);
			reply_unavailable(exchange);
		}
	}
}

static void
on_dialled(void *context, uint64_t id, const struct berth_http_response *response,
	   const struct berth_tls_facts *tls, const struct berth_why *fault)
{
	struct net *net = context;
	BERTH_BUF packet = {0};
	enum berth_err err = berth_ipc_put_dialled(&packet, id, response, tls, fault);
	if (err == BERTH_E_LIMIT) {
		struct berth_why why;
		berth_ignore(berth_fail(&why, err, "http-answer-too-large", NULL,
					"the answer does not fit one frame"),
			     "only the why is wanted");
		const struct berth_http_response none = {.retry_after_s = -1};
		err = berth_ipc_put_dialled(&packet, id, &none, NULL, &why);
	}
	err = err ? err : berth_link_send(net->judge, berth_buf_view(&packet));
	if (err) {
		berth_log(&net->child->log, BERTH_LOG_ERROR, "dial.lost", "reason",
			  berth_err_name(err), NULL);
	}
}

static enum berth_err
serve(struct net *net, struct berth_why *why)
{
	const struct berth_daemon_conf *conf = net->child->conf;
	const struct berth_http_server_conf http = {
		.tls = net->tls,
		.body_limit_bytes = (size_t)conf->body_limit_bytes,
		.request_timeout_ms = conf->header_timeout_s * 1000,
		.idle_timeout_ms = conf->idle_timeout_s * 1000,
		.pending_timeout_ms = conf->pending_timeout_s * 1000,
		.connections_max = net->connections_max,
		.connections_per_source_max = (size_t)conf->connections_per_source_max,
		.on_request = on_request,
		.on_gone = on_gone,
		.on_refused = on_refused,
		.context = net,
	};
	struct berth_http_server_conf plain = http;
	plain.tls = NULL;
	plain.body_limit_bytes = BERTH_DAEMON_PLAIN_BODY_MAX;
	int fd = net->listen_fd;
	int plain_fd = net->plain_fd;
	net->listen_fd = net->plain_fd = -1;
	enum berth_err err = berth_http_server_open(net->child->loop, &http, fd, &net->http, why);
	if (!err && plain_fd >= 0) {
		err = berth_http_server_open(net->child->loop, &plain, plain_fd, &net->plain, why);
	}
	if (!err) {
		berth_announcer_start(net->announcer, fd);
	}
	return err;
}

static enum berth_err
serve_dpp(struct net *net, struct berth_why *why)
{
	const struct berth_dpp_server_conf conf = {
		.connections_max = net->connections_max,
		/* most of them: a relay is one source for many devices; never all */
		.connections_per_source_max =
			net->connections_max - net->connections_max / DPP_OTHERS_SHARE,
		.message = on_dpp_message,
		.gone = on_dpp_gone,
		.dialled = on_dpp_dialled,
		.refused = on_refused,
		.context = net,
	};
	int fd = net->dpp_fd;
	net->dpp_fd = -1;
	return fd < 0 ? BERTH_OK
		      : berth_dpp_server_open(net->child->loop, &conf, fd, &net->dpp, why);
}

static void
serve_when_plumbed(struct net *net)
{
	bool has_all = net->listen_fd >= 0 &&
		       (!net->child->conf->plain_listen || net->plain_fd >= 0) &&
		       (!net->child->conf->dpp_listen || net->dpp_fd >= 0);
	if (net->http || !has_all || !net->has_signer || !berth_link_is_up(net->judge)) {
		return;
	}
	struct berth_why why;
	if (serve(net, &why) || serve_dpp(net, &why)) {
		berth_log_why(&net->child->log, BERTH_LOG_ERROR, "listen.failed", &why, NULL);
		berth_loop_stop(net->child->loop);
		return;
	}
	berth_child_say_ready(net->child);
}

static void
on_link(void *context, enum berth_ipc_edge edge, uint32_t index, int fd)
{
	struct net *net = context;
	(void)index;
	if (edge == BERTH_EDGE_LISTEN && net->listen_fd < 0 && !net->http) {
		net->listen_fd = fd;
	} else if (edge == BERTH_EDGE_LISTEN_PLAIN && net->plain_fd < 0 && !net->plain) {
		net->plain_fd = fd;
	} else if (edge == BERTH_EDGE_LISTEN_DPP && net->dpp_fd < 0 && !net->dpp) {
		net->dpp_fd = fd;
	} else if (edge == BERTH_EDGE_TLS_SIGNER) {
		berth_tls_signer_set(&net->signer, fd);
		net->has_signer = true;
	} else if (edge != BERTH_EDGE_JUDGE || berth_link_set(net->judge, fd)) {
		berth_log(&net->child->log, BERTH_LOG_ERROR, "control.bad", NULL);
		return;
	}
	serve_when_plumbed(net);
}

static void
on_drained(void *context)
{
	struct net *net = context;
	if (net->draining > 0 && --net->draining > 0) {
		return;
	}
	berth_loop_stop(net->child->loop);
}

static void
on_drain(void *context)
{
	struct net *net = context;
	/* First, so that nobody comes while the rest ends. */
	berth_announcer_close(net->announcer);
	net->announcer = NULL;
	if (net->dpp) {
		berth_dpp_server_stop(net->dpp);
	}
	if (!net->http) {
		on_drained(net);
		return;
	}
	net->draining = net->plain ? 2 : 1;
	berth_http_server_drain(net->http, on_drained, net);
	if (net->plain) {
		berth_http_server_drain(net->plain, on_drained, net);
	}
}

static enum berth_err
load_chain(struct net *net, struct berth_why *why)
{
	BERTH_BUF pem = {0};
	enum berth_err err =
		berth_file_read(net->child->conf->tls_certificates, CHAIN_FILE_MAX, &pem, why);
	err = err ? err : berth_cert_list_parse(net->pki, berth_buf_view(&pem), &net->chain, why);
	if (err) {
		return err;
	}
	net->signer_link = (struct berth_signer_link){
		.exchange = berth_tls_signer_exchange,
		.context = &net->signer,
	};
	struct berth_key *public_key = berth_cert_key(net->chain.at[0]);
	return berth_keystore_remote(net->pki, &net->signer_link, "tls", berth_key_spki(public_key),
				     &net->key, why);
}

static enum berth_err
open_parts(struct net *net, struct berth_why *why)
{
	const struct berth_link_conf judge = {
		.loop = net->child->loop,
		.room = net->child->room,
		.readable = on_judge,
		.down = on_judge_down,
		.context = net,
	};
	const struct berth_dialer_conf dialer = {
		.loop = net->child->loop,
		.pki = net->pki,
		.chain = &net->chain,
		.key = net->key,
		.dialled = on_dialled,
		.context = net,
	};
	const struct berth_tls_server_conf tls = {
		.pki = net->pki,
		.chain = &net->chain,
		.key = net->key,
		.ask_client_certificate = true,
	};
	if (berth_link_open(&judge, &net->judge)) {
		return berth_fail(why, BERTH_E_MEMORY, "child-start", NULL, "out of memory");
	}
	enum berth_err err = berth_dialer_open(&dialer, &net->dialer, why);
	return err ? err : berth_tls_server_open(&tls, &net->tls, why);
}

/*
 * Without a descriptor left nothing can be accepted, nor refused with a reason: the loop would turn and turn. So no more
 * connections are allowed than there are descriptors for.
 */
static void
fit_connections(struct net *net)
{
	const struct berth_daemon_conf *conf = net->child->conf;
	size_t descriptors = berth_process_descriptors();
	size_t spare = descriptors / 4 < SPARE_DESCRIPTORS ? descriptors / 4 : SPARE_DESCRIPTORS;
	size_t room = (descriptors - spare) /
		      (1 + (conf->plain_listen ? 1U : 0) + (conf->dpp_listen ? 1U : 0));
	net->connections_max = (size_t)conf->connections_max;
	if (net->connections_max <= room) {
		return;
	}
	net->connections_max = room;
	struct berth_why why;
	berth_ignore(
		berth_fail(&why, BERTH_E_LIMIT, "descriptors", NULL,
			   "connections-max is %zu, but of the %zu descriptors that the system "
			   "allows each process only %zu are free for them; raise the limit "
			   "(LimitNOFILE=, ulimit -Hn)",
			   (size_t)conf->connections_max, descriptors, room),
		"only the why is wanted");
	berth_log_why(&net->child->log, BERTH_LOG_WARNING, "connections.fewer", &why, NULL);
}

static enum berth_err
start(struct net *net, struct berth_why *why)
{
	/* Nothing of the file system: the resolver's files are read before. */
	const struct berth_sandbox sandbox = {.sockets = BERTH_SANDBOX_INET};
	enum berth_err err = berth_pki_open(&net->pki, why);
	err = err ? err : load_chain(net, why);
	err = err ? err : open_parts(net, why);
	if (err) {
		return err;
	}
	fit_connections(net);
	net->announcer = berth_announcer_open(net->child);
	berth_loop_prepare_names(net->child->loop);
	return berth_child_confine(net->child, &sandbox, why);
}

static void
end(struct net *net)
{
	berth_announcer_close(net->announcer);
	berth_http_server_close(net->http);
	berth_http_server_close(net->plain);
	berth_dpp_server_close(net->dpp);
	berth_dialer_close(net->dialer);
	berth_link_close(net->judge);
	berth_tls_server_close(net->tls);
	berth_key_free(net->key);
	berth_tls_signer_set(&net->signer, -1);
	berth_cert_list_free(&net->chain);
	berth_pki_close(net->pki);
	berth_fd_close(&net->listen_fd);
	berth_fd_close(&net->plain_fd);
	berth_fd_close(&net->dpp_fd);
}

int
berth_net_child_run(struct berth_child *child)
{
	struct net net = {
		.child = child,
		.signer = {.fd = -1},
		.listen_fd = -1,
		.plain_fd = -1,
		.dpp_fd = -1,
	};
	struct berth_why why = {0};
	child->on_link = on_link;
	child->on_drain = on_drain;
	/* cppcheck-suppress autoVariables ; the loop ends before it does */
	child->context = &net;
	int status = 0;
	if (start(&net, &why)) {
		status = berth_child_fail(child, &why);
	} else {
		berth_loop_run(child->loop);
	}
	end(&net);
	return status;
}
