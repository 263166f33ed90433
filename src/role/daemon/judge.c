/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/daemon/judge_shell.h"

#include <stdlib.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/files.h"

#define TICK_MS 1000
#define RETRY_MS 100
#define CHAIN_FILE_MAX 262144
#define FLUSH_MS 2000

static void
log_refusal(struct berth_judge *judge, const char *event, const struct berth_why *why,
	    const char *from)
{
	uint64_t suppressed = 0;
	judge->counts.refused++;
	if (berth_log_allows(&judge->refusals, berth_clock_mono(), &suppressed)) {
		berth_log_why(&judge->child->log, BERTH_LOG_ERROR, event, why, "from", from, NULL);
	}
}

/* A rule id that lives as long as the process; the set is small, so a peer cannot make it grow without end. */
static const char *
keep_rule(struct berth_judge *judge, struct berth_bytes rule)
{
	if (rule.n == 0 || !berth_bytes_is_printable(rule)) {
		return "ipc-no-rule";
	}
	for (size_t i = 0; i < judge->rule_count; i++) {
		if (berth_bytes_equal_text(rule, judge->rules[i])) {
			return judge->rules[i];
		}
	}
	if (judge->rule_count == BERTH_JUDGE_RULES_MAX) {
		return "ipc-rules-max";
	}
	char *copy = strndup((const char *)rule.p, rule.n);
	if (!copy) {
		return "ipc-no-rule";
	}
	judge->rules[judge->rule_count++] = copy;
	return copy;
}

static struct berth_why
why_of(struct berth_judge *judge, const struct berth_ipc_fault *fault)
{
	struct berth_why why = {0};
	if (fault->err) {
		berth_ignore(berth_fail(&why, fault->err, keep_rule(judge, fault->rule), NULL,
					"%.*s", (int)fault->sentence.n,
					(const char *)fault->sentence.p),
			     "only the why is wanted");
	}
	return why;
}

/* net: who answers; only the net process that was asked can (the signer is 0). */
static bool
take_asked(struct berth_judge_asked **list, uint64_t id, uint32_t net, uint64_t *ret_cookie)
{
	for (struct berth_judge_asked **at = list; *at; at = &(*at)->next) {
		if ((*at)->id == id && (*at)->net == net) {
			struct berth_judge_asked *asked = *at;
			*ret_cookie = asked->cookie;
			*at = asked->next;
			free(asked);
			return true;
		}
	}
	return false;
}

static void
take_request(struct berth_judge *judge, struct berth_judge_net *net, const struct berth_ipc *ipc)
{
	judge->counts.requests++;
	struct berth_ticket *ticket = berth_ticket_new(judge, &net->tickets, net->index, ipc->id);
	if (!ticket) {
		BERTH_BUF packet = {0};
		const struct berth_http_response busy = {.status = 503, .retry_after_s = 5};
		enum berth_err err = berth_ipc_put_reply(&packet, ipc->id, &busy);
		err = err ? err : berth_link_send(net->link, berth_buf_view(&packet));
		berth_ignore(err, "then its own deadline answers 503");
		return;
	}
	/* Without TLS there is no peer and nothing secret: only what is published is answered. */
	if (ipc->request.tls.version != 0) {
		judge->role->request(judge->context, ticket, &ipc->request.http, &ipc->request.tls,
				     ipc->request.peer_address);
	} else if (judge->role->published) {
		judge->role->published(judge->context, ticket, &ipc->request.http,
				       ipc->request.peer_address);
	} else {
		berth_judge_reply_text(judge, ticket, 404, true, "nothing is published here");
	}
}

static void
drop_ticket(struct berth_judge *judge, struct berth_ticket *ticket)
{
	judge->counts.gone++;
	if (ticket->is_replied) {
		return; /* its reply is queued; the net process drops it */
	}
	if (judge->role->gone) {
		judge->role->gone(judge->context, ticket);
	}
	berth_ticket_free(judge, ticket);
}

static void
take_gone(struct berth_judge *judge, struct berth_judge_net *net, uint64_t id)
{
	for (struct berth_ticket *ticket = net->tickets; ticket; ticket = ticket->next) {
		if (ticket->id == id) {
			drop_ticket(judge, ticket);
			return;
		}
	}
}

static void
take_dialled(struct berth_judge *judge, const struct berth_judge_net *net,
	     const struct berth_ipc *ipc)
{
	uint64_t cookie;
	if (!take_asked(&judge->dials, ipc->id, net->index, &cookie) || !judge->role->dialled) {
		return;
	}
	struct berth_why why = why_of(judge, &ipc->dialled.fault);
	judge->role->dialled(judge->context, cookie, &ipc->dialled.http, &ipc->dialled.tls, &why);
}

static void
take_dpp_dialled(struct berth_judge *judge, const struct berth_judge_net *net,
		 const struct berth_ipc *ipc)
{
	uint64_t cookie;
	if (!take_asked(&judge->dials, ipc->id, net->index, &cookie) || !judge->role->dpp_dialled) {
		return;
	}
	struct berth_why why = why_of(judge, &ipc->dpp.fault);
	judge->role->dpp_dialled(judge->context, cookie,
				 (struct berth_dpp_peer){net->index, ipc->dpp.connection}, &why);
}

static void
take_dpp(struct berth_judge *judge, const struct berth_judge_net *net, const struct berth_ipc *ipc)
{
	const struct berth_dpp_peer peer = {net->index, ipc->id};
	if (ipc->kind == BERTH_IPC_DPP_DIAL) {
		take_dpp_dialled(judge, net, ipc);
	} else if (ipc->kind == BERTH_IPC_DPP_GONE && judge->role->dpp_gone && ipc->id != 0) {
		judge->role->dpp_gone(judge->context, peer);
	} else if (ipc->kind == BERTH_IPC_DPP && judge->role->dpp_message) {
		judge->counts.requests++;
		judge->role->dpp_message(judge->context, peer, ipc->dpp.body, ipc->dpp.address);
	}
}

static void
take_from_net(struct berth_judge *judge, struct berth_judge_net *net, struct berth_bytes packet)
{
	struct berth_ipc ipc;
	struct berth_why why;
	if (berth_ipc_decode_for_judge(packet, &ipc, &why)) {
		log_refusal(judge, "ipc.bad", &why, "net");
		return;
	}
	if (ipc.kind == BERTH_IPC_GONE) {
		take_gone(judge, net, ipc.id);
	} else if (ipc.kind == BERTH_IPC_DIAL) {
		take_dialled(judge, net, &ipc);
	} else if (ipc.kind != BERTH_IPC_REQUEST) {
		take_dpp(judge, net, &ipc);
	} else {
		take_request(judge, net, &ipc);
	}
}

static void
take_from_signer(struct berth_judge *judge, struct berth_bytes packet)
{
	struct berth_ipc ipc;
	struct berth_why why;
	uint64_t cookie;
	if (berth_ipc_decode_signature(packet, &ipc, &why)) {
		log_refusal(judge, "ipc.bad", &why, "signer");
		return;
	}
	if (!take_asked(&judge->signs, ipc.id, 0, &cookie) || !judge->role->signature) {
		return;
	}
	why = why_of(judge, &ipc.signature.fault);
	judge->role->signature(judge->context, cookie, ipc.signature.fault.err,
			       ipc.signature.object, &why);
}

static bool
is_orphan(const struct berth_judge_asked *asked, const struct berth_link *link)
{
	return asked->is_unsent || !berth_link_is_up(link);
}

/* The role hears of every question it asked: what was on a link that is down, or full, is answered here. */
static void
fail_asked(struct berth_judge *judge)
{
	const struct berth_http_response none = {.retry_after_s = -1};
	const struct berth_tls_facts facts = {0};
	struct berth_why why;
	berth_ignore(berth_fail(&why, BERTH_E_UNREACHABLE, "process-restarted", NULL,
				"the process that was asked has ended; try again"),
		     "only the why is wanted");
	for (struct berth_judge_asked **at = &judge->signs; *at;) {
		struct berth_judge_asked *asked = *at;
		if (!is_orphan(asked, judge->signer)) {
			at = &asked->next;
			continue;
		}
		*at = asked->next;
		if (judge->role->signature) {
			judge->role->signature(judge->context, asked->cookie, why.err,
					       BERTH_BYTES_NONE, &why);
		}
		free(asked);
	}
	for (struct berth_judge_asked **at = &judge->dials; *at;) {
		struct berth_judge_asked *asked = *at;
		if (!is_orphan(asked, judge->nets[asked->net].link)) {
			at = &asked->next;
			continue;
		}
		*at = asked->next;
		if (asked->is_dpp && judge->role->dpp_dialled) {
			judge->role->dpp_dialled(judge->context, asked->cookie,
						 (struct berth_dpp_peer){0}, &why);
		} else if (!asked->is_dpp && judge->role->dialled) {
			judge->role->dialled(judge->context, asked->cookie, &none, &facts, &why);
		}
		free(asked);
	}
}

static bool
has_orphans(const struct berth_judge *judge)
{
	if (judge->signs && !berth_link_is_up(judge->signer)) {
		return true;
	}
	for (const struct berth_judge_asked *a = judge->dials; a; a = a->next) {
		if (is_orphan(a, judge->nets[a->net].link)) {
			return true;
		}
	}
	return false;
}

static bool
begin(struct berth_judge *judge)
{
	struct berth_why why = {0};
	if (berth_judge_begin(judge, &why) == BERTH_OK) {
		return true;
	}
	judge->counts.failed_batches++;
	log_refusal(judge, "batch.cannot-begin", &why, "store");
	return false;
}

/* Takes one frame of the link when there is one; the batch is begun by the first. */
static bool
take_one(struct berth_judge *judge, struct berth_link *link, struct berth_judge_net *net)
{
	struct berth_bytes packet;
	if (berth_link_receive(link, &packet, NULL) != BERTH_OK) {
		return false;
	}
	if (net) {
		take_from_net(judge, net, packet);
	} else {
		take_from_signer(judge, packet);
	}
	return true;
}

/* A store that cannot begin is asked again after a while, not as fast as the loop turns. */
static void
pause_links(struct berth_judge *judge, bool paused)
{
	berth_link_pause(judge->signer, paused);
	for (size_t i = 0; i < BERTH_NET_PROCESSES_MAX; i++) {
		berth_link_pause(judge->nets[i].link, paused);
	}
}

/*
 * One batch: round and round the links, so that no net process starves another, until they are empty or the batch is
 * full. While a commit waits for the disk, the next batch gathers in the sockets.
 */
static void
run_batch(struct berth_judge *judge)
{
	if (!begin(judge)) {
		pause_links(judge, true);
		berth_timer_start(judge->tick, RETRY_MS);
		return;
	}
	size_t taken = 0;
	bool has_more = true;
	while (has_more && taken < BERTH_JUDGE_BATCH_MAX) {
		has_more = take_one(judge, judge->signer, NULL);
		taken += has_more ? 1 : 0;
		for (uint32_t i = 0; i < BERTH_NET_PROCESSES_MAX; i++) {
			struct berth_judge_net *net =
				&judge->nets[(judge->next_net + i) % BERTH_NET_PROCESSES_MAX];
			if (berth_link_is_up(net->link) && take_one(judge, net->link, net)) {
				has_more = true;
				taken++;
			}
		}
	}
	judge->next_net++;
	if (has_orphans(judge)) {
		fail_asked(judge);
	}
	berth_judge_end(judge);
}

static void
on_net(void *context)
{
	struct berth_judge_net *net = context;
	run_batch(net->judge);
}

static void
on_signer(void *context)
{
	run_batch(context);
}

/* Its requests have nobody to answer to. May come within a batch or outside of one. */
static void
on_net_down(void *context)
{
	struct berth_judge_net *net = context;
	struct berth_judge *judge = net->judge;
	bool was_in_batch = judge->in_batch;
	if (!was_in_batch) {
		(void)begin(judge); /* also without a record of it, these tickets are dead */
	}
	for (struct berth_ticket *ticket = net->tickets, *next; ticket; ticket = next) {
		next = ticket->next;
		drop_ticket(judge, ticket);
	}
	if (judge->role->dpp_gone) {
		judge->role->dpp_gone(judge->context, (struct berth_dpp_peer){net->index, 0});
	}
	if (!was_in_batch && judge->in_batch) {
		fail_asked(judge);
		berth_judge_end(judge);
	}
}

static void
on_signer_down(void *context)
{
	struct berth_judge *judge = context;
	if (!judge->in_batch && begin(judge)) {
		fail_asked(judge);
		berth_judge_end(judge);
	}
}

static void
on_tick(void *context)
{
	struct berth_judge *judge = context;
	berth_timer_start(judge->tick, TICK_MS);
	pause_links(judge, false);
	if (!begin(judge)) {
		return;
	}
	fail_asked(judge);
	if (judge->role->tick) {
		judge->role->tick(judge->context);
	}
	berth_judge_end(judge);
}

static void
on_link(void *context, enum berth_ipc_edge edge, uint32_t index, int fd)
{
	struct berth_judge *judge = context;
	enum berth_err err = BERTH_E_STATE;
	if (edge == BERTH_EDGE_SIGNER) {
		err = berth_link_set(judge->signer, fd);
	} else if (edge == BERTH_EDGE_NET && index < BERTH_NET_PROCESSES_MAX) {
		err = berth_link_set(judge->nets[index].link, fd);
	} else {
		(void)close(fd);
	}
	if (err) {
		berth_log(&judge->child->log, BERTH_LOG_ERROR, "control.bad", NULL);
	}
}

/* The net processes have ended before: nothing new comes. */
static void
on_drain(void *context)
{
	struct berth_judge *judge = context;
	run_batch(judge);
	berth_link_flush(judge->signer, FLUSH_MS);
	berth_loop_stop(judge->child->loop);
}

static enum berth_err
open_links(struct berth_judge *judge, struct berth_why *why)
{
	struct berth_link_conf conf = {
		.loop = judge->child->loop,
		.room = judge->child->room,
		.readable = on_signer,
		.down = on_signer_down,
		.context = judge,
	};
	enum berth_err err = berth_link_open(&conf, &judge->signer);
	for (uint32_t i = 0; i < BERTH_NET_PROCESSES_MAX && !err; i++) {
		struct berth_judge_net *net = &judge->nets[i];
		net->judge = judge;
		net->index = i;
		conf.readable = on_net;
		conf.down = on_net_down;
		conf.context = net;
		err = berth_link_open(&conf, &net->link);
	}
	err = err ? err : berth_timer_open(judge->child->loop, on_tick, judge, &judge->tick);
	return err ? berth_fail(why, err, "child-start", NULL, "out of memory") : BERTH_OK;
}

static enum berth_err
start(struct berth_judge *judge, struct berth_why *why)
{
	struct berth_child *child = judge->child;
	const struct berth_sandbox sandbox = {
		/* what libc reads to name a user */
		.read = {"/etc", "/usr/lib", "/lib", "/lib64", "/run/systemd/userdb"},
		.write = {child->conf->state_directory},
		.sockets = BERTH_SANDBOX_UNIX_ONLY,
		.holds_secrets = true,
	};
	BERTH_BUF pem = {0};
	enum berth_err err = berth_pki_open(&judge->pki, why);
	err = err ? err : berth_file_read(child->conf->tls_certificates, CHAIN_FILE_MAX, &pem, why);
	err = err ? err
		  : berth_cert_list_parse(judge->pki, berth_buf_view(&pem), &judge->chain, why);
	err = err ? err : open_links(judge, why);
	err = err ? err : judge->role->start(judge, child->settings, &judge->context, why);
	if (err) {
		return err;
	}
	judge->has_context = true;
	err = child->conf->admin_socket ? berth_admin_open(judge, &judge->admin, why) : BERTH_OK;
	return err ? err : berth_child_confine(child, &sandbox, why);
}

static void
free_asked(struct berth_judge_asked *list)
{
	while (list) {
		struct berth_judge_asked *next = list->next;
		free(list);
		list = next;
	}
}

static void
end(struct berth_judge *judge)
{
	berth_admin_close(judge->admin);
	if (judge->has_context) {
		judge->role->end(judge->context);
	}
	berth_timer_close(judge->tick);
	berth_link_close(judge->signer);
	for (size_t i = 0; i < BERTH_NET_PROCESSES_MAX; i++) {
		berth_link_close(judge->nets[i].link);
		while (judge->nets[i].tickets) {
			berth_ticket_free(judge, judge->nets[i].tickets);
		}
	}
	while (judge->admin_tickets) {
		berth_ticket_free(judge, judge->admin_tickets);
	}
	free_asked(judge->signs);
	free_asked(judge->dials);
	free(judge->out);
	for (size_t i = 0; i < judge->rule_count; i++) {
		free(judge->rules[i]);
	}
	berth_cert_list_free(&judge->chain);
	berth_pki_close(judge->pki);
}

int
berth_judge_run(struct berth_child *child)
{
	struct berth_judge judge = {
		.child = child,
		.role = child->daemon->judge,
		.now = berth_clock_now(),
		.started = berth_clock_mono(),
		.refusals = {.burst = 10, .interval_ms = 1000},
	};
	struct berth_why why = {0};
	child->on_link = on_link;
	child->on_drain = on_drain;
	/* cppcheck-suppress autoVariables ; the loop ends before it does */
	child->context = &judge;
	int status = 0;
	if (start(&judge, &why)) {
		status = berth_child_fail(child, &why);
	} else {
		berth_timer_start(judge.tick, TICK_MS);
		berth_child_say_ready(child);
		berth_loop_run(child->loop);
	}
	end(&judge);
	return status;
}
