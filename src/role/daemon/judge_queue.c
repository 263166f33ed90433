/* SPDX-License-Identifier: BSD-2-Clause */
/* Batches and what waits in them: nothing leaves the judge before the commit. */
#include "role/daemon/judge_shell.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/analyzer.h"
#include "system/clock.h"
#include "system/random.h"

#define TYPE_TEXT "text/plain; charset=utf-8"

struct berth_ticket *
berth_ticket_new(struct berth_judge *judge, struct berth_ticket **list, uint32_t net, uint64_t id)
{
	if (judge->ticket_count >= BERTH_JUDGE_TICKETS_MAX) {
		return NULL;
	}
	struct berth_ticket *ticket = calloc(1, sizeof(*ticket));
	if (!ticket) {
		return NULL;
	}
	ticket->net = net;
	ticket->id = id;
	ticket->is_new = true;
	ticket->next = *list;
	ticket->back = list;
	if (ticket->next) {
		ticket->next->back = &ticket->next;
	}
	*list = ticket;
	judge->ticket_count++;
	return ticket;
}

/* A write through a pointer makes the analyzer forget what other lists own. */
BERTH_ANALYZER_TRUST_LEAK
void
berth_ticket_free(struct berth_judge *judge, struct berth_ticket *ticket)
{
	*ticket->back = ticket->next;
	if (ticket->next) {
		ticket->next->back = ticket->back;
	}
	judge->ticket_count--;
	free(ticket);
}
BERTH_ANALYZER_END

void
berth_ticket_set(struct berth_ticket *ticket, void *session)
{
	ticket->session = session;
}

void *
berth_ticket_get(const struct berth_ticket *ticket)
{
	return ticket->session;
}

struct berth_now
berth_judge_now(const struct berth_judge *judge)
{
	return judge->now;
}

struct berth_pki *
berth_judge_pki(struct berth_judge *judge)
{
	return judge->pki;
}

struct berth_random
berth_judge_random(struct berth_judge *judge)
{
	(void)judge;
	return berth_system_random();
}

const struct berth_cert_list *
berth_judge_tls_chain(const struct berth_judge *judge)
{
	return &judge->chain;
}

/* NULL when memory is out: the batch then fails as a whole, so nothing is half said. */
static struct berth_outgoing *
queue(struct berth_judge *judge)
{
	assert(judge->in_batch);
	if (judge->out_count == judge->out_cap) {
		size_t cap = judge->out_cap ? judge->out_cap * 2 : 2 * BERTH_JUDGE_BATCH_MAX;
		struct berth_outgoing *out = realloc(judge->out, cap * sizeof(*out));
		if (!out) {
			judge->batch_is_broken = true;
			return NULL;
		}
		judge->out = out;
		judge->out_cap = cap;
	}
	struct berth_outgoing *out = &judge->out[judge->out_count++];
	*out = (struct berth_outgoing){0};
	return out;
}

/* The admin server is in this process: what it needs is kept as it is. */
static enum berth_err
keep_admin_reply(struct berth_outgoing *out, const struct berth_http_response *response)
{
	out->admin = *response;
	enum berth_err err = berth_buf_append_bytes(&out->packet, response->media_type);
	err = err ? err : berth_buf_append_bytes(&out->packet, response->location);
	return err ? err : berth_buf_append_bytes(&out->packet, response->body);
}

static void
send_admin_reply(const struct berth_outgoing *out)
{
	struct berth_http_response response = out->admin;
	const uint8_t *at = out->packet.p;
	response.media_type.p = at;
	response.location.p = at + response.media_type.n;
	response.body.p = at + response.media_type.n + response.location.n;
	berth_http_reply(out->ticket->exchange, &response);
}

static enum berth_err
queue_reply(struct berth_judge *judge, struct berth_ticket *ticket,
	    const struct berth_http_response *response)
{
	struct berth_outgoing *out = queue(judge);
	if (!out) {
		return BERTH_E_MEMORY;
	}
	out->ticket = ticket;
	if (ticket->net == BERTH_TICKET_ADMIN) {
		return keep_admin_reply(out, response);
	}
	out->link = judge->nets[ticket->net].link;
	return berth_ipc_put_reply(&out->packet, ticket->id, response);
}

void
berth_judge_reply(struct berth_judge *judge, struct berth_ticket *ticket,
		  const struct berth_http_response *response)
{
	assert(!ticket->is_replied);
	ticket->is_replied = true;
	if (queue_reply(judge, ticket, response)) {
		judge->batch_is_broken = true;
	}
}

void
berth_judge_reply_text(struct berth_judge *judge, struct berth_ticket *ticket, int status,
		       bool close, const char *sentence)
{
	char text[BERTH_WHY_SENTENCE_MAX + 2];
	int n = snprintf(text, sizeof(text), "%s\n", sentence);
	size_t size = n < 0 ? 0 : (size_t)n;
	berth_judge_reply(
		judge, ticket,
		&(struct berth_http_response){
			.status = status,
			.media_type = BERTH_LIT(TYPE_TEXT),
			.retry_after_s = -1,
			.close = close,
			.body = berth_bytes_of(text, size < sizeof(text) ? size : sizeof(text) - 1),
		});
}

void
berth_judge_sign(struct berth_judge *judge, uint16_t op, struct berth_bytes payload,
		 uint64_t cookie)
{
	struct berth_outgoing *out = queue(judge);
	if (!out) {
		return;
	}
	out->link = judge->signer;
	out->cookie = cookie;
	if (berth_ipc_put_sign(&out->packet, ++judge->last_id, op, payload)) {
		judge->batch_is_broken = true;
	}
}

/* One place, one net process: so that its kept connections are found again. */
static uint32_t
net_for(const struct berth_judge *judge, struct berth_bytes host)
{
	uint32_t h = 2166136261U;
	for (size_t i = 0; i < host.n; i++) {
		h = (h ^ host.p[i]) * 16777619U;
	}
	for (uint32_t i = 0; i < BERTH_NET_PROCESSES_MAX; i++) {
		uint32_t at = (h % 2 + i) % BERTH_NET_PROCESSES_MAX;
		if (berth_link_is_up(judge->nets[at].link)) {
			return at;
		}
	}
	return 0;
}

void
berth_judge_dial(struct berth_judge *judge, const struct berth_dial *dial, uint64_t cookie)
{
	struct berth_outgoing *out = queue(judge);
	if (!out) {
		return;
	}
	out->is_dial = true;
	out->cookie = cookie;
	out->link = judge->nets[net_for(judge, dial->host)].link;
	if (berth_ipc_put_dial(&out->packet, ++judge->last_id, dial)) {
		judge->batch_is_broken = true;
	}
}

void
berth_judge_dpp_send(struct berth_judge *judge, struct berth_dpp_peer peer, struct berth_bytes body,
		     bool close)
{
	struct berth_outgoing *out = queue(judge);
	if (!out) {
		return;
	}
	out->is_dpp = true;
	out->link = judge->nets[peer.net].link;
	if (berth_ipc_put_dpp_send(&out->packet, peer.id, body, close)) {
		judge->batch_is_broken = true;
	}
}

void
berth_judge_dpp_dial(struct berth_judge *judge, struct berth_bytes host, uint16_t port,
		     uint64_t cookie)
{
	struct berth_outgoing *out = queue(judge);
	if (!out) {
		return;
	}
	out->is_dial = true;
	out->is_dpp = true;
	out->cookie = cookie;
	out->link = judge->nets[net_for(judge, host)].link;
	if (berth_ipc_put_dpp_dial(&out->packet, ++judge->last_id, host, port)) {
		judge->batch_is_broken = true;
	}
}

enum berth_err
berth_judge_begin(struct berth_judge *judge, struct berth_why *why)
{
	if (judge->in_batch) {
		return BERTH_OK;
	}
	judge->now = berth_clock_now();
	if (judge->role->batch_begin) {
		enum berth_err err = judge->role->batch_begin(judge->context, why);
		if (err) {
			return err;
		}
	}
	judge->in_batch = true;
	judge->batch_is_broken = false;
	judge->counts.batches++;
	return BERTH_OK;
}

static struct berth_judge_asked *
remember(struct berth_judge_asked **list, uint64_t id, uint64_t cookie, uint32_t net)
{
	struct berth_judge_asked *asked = malloc(sizeof(*asked));
	if (!asked) {
		return NULL;
	}
	*asked = (struct berth_judge_asked){
		.next = *list,
		.id = id,
		.cookie = cookie,
		.net = net,
	};
	*list = asked;
	return asked;
}

static uint64_t
id_of(const struct berth_buf *packet)
{
	uint64_t id = 0;
	for (size_t i = 4; i < BERTH_FRAME_HEADER_BYTES; i++) {
		id = id << 8 | packet->p[i];
	}
	return id;
}

static uint32_t
net_of(const struct berth_judge *judge, const struct berth_link *link)
{
	uint32_t i = 0;
	while (judge->nets[i].link != link) {
		i++;
	}
	return i;
}

/* What cannot be sent is answered by the sweep of the next turn (judge.c): its entry stays. */
static void
send_ask(struct berth_judge *judge, const struct berth_outgoing *out)
{
	uint32_t net = out->is_dial ? net_of(judge, out->link) : 0;
	if (out->is_dial) {
		judge->counts.dials++;
	} else {
		judge->counts.signatures++;
	}
	/* The list owns what is remembered. */
	BERTH_ANALYZER_TRUST_LEAK
	struct berth_judge_asked *asked = remember(out->is_dial ? &judge->dials : &judge->signs,
						   id_of(&out->packet), out->cookie, net);
	BERTH_ANALYZER_END
	if (asked) {
		asked->is_dpp = out->is_dpp;
	}
	enum berth_err err =
		asked ? berth_link_send(out->link, berth_buf_view(&out->packet)) : BERTH_E_MEMORY;
	if (err) {
		if (asked) {
			asked->is_unsent = true;
		}
		berth_log(&judge->child->log, BERTH_LOG_ERROR, "ask.unsent", "to",
			  out->is_dial ? "net" : "signer", "reason", berth_err_name(err), NULL);
	}
}

static void
send_out(struct berth_judge *judge, struct berth_outgoing *out)
{
	if (!out->ticket && out->is_dpp && !out->is_dial) {
		enum berth_err err = berth_link_send(out->link, berth_buf_view(&out->packet));
		berth_ignore(err, "who waits for it asks again");
		return;
	}
	if (!out->ticket) {
		send_ask(judge, out);
		return;
	}
	judge->counts.replies++;
	if (out->ticket->net == BERTH_TICKET_ADMIN) {
		send_admin_reply(out);
	} else {
		enum berth_err err = berth_link_send(out->link, berth_buf_view(&out->packet));
		if (err) {
			berth_log(&judge->child->log, BERTH_LOG_WARNING, "reply.unsent", "reason",
				  berth_err_name(err), NULL);
		}
	}
	berth_ticket_free(judge, out->ticket);
}

static void
free_packets(struct berth_outgoing *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		berth_buf_free(&out[i].packet);
	}
}

static void
clear_out(struct berth_judge *judge)
{
	free_packets(judge->out, judge->out_count);
	judge->out_count = 0;
}

static void
reply_unavailable(struct berth_judge *judge, struct berth_ticket *ticket)
{
	const struct berth_http_response unavailable = {
		.status = 503,
		.media_type = BERTH_LIT(TYPE_TEXT),
		.retry_after_s = 1,
		.body = BERTH_LIT("The service cannot keep its records now; try again.\n"),
	};
	if (ticket->net == BERTH_TICKET_ADMIN) {
		berth_http_reply(ticket->exchange, &unavailable);
	} else {
		BERTH_BUF packet = {0};
		enum berth_err err = berth_ipc_put_reply(&packet, ticket->id, &unavailable);
		err = err ? err
			  : berth_link_send(judge->nets[ticket->net].link, berth_buf_view(&packet));
		berth_ignore(err, "then its own deadline answers 503");
	}
	berth_ticket_free(judge, ticket);
}

/* Nothing of this batch happened: its requests get 503, and so do those whose reply was queued in it. */
static void
fail_list(struct berth_judge *judge, struct berth_ticket *list)
{
	for (struct berth_ticket *ticket = list, *next; ticket; ticket = next) {
		next = ticket->next;
		if (!ticket->is_new && !ticket->is_replied) {
			continue;
		}
		if (!ticket->is_replied && judge->role->gone) {
			judge->role->gone(judge->context, ticket);
		}
		reply_unavailable(judge, ticket);
	}
}

/* The role waits for an answer to each question; those of the failed batch have never left. */
static void
answer_lost(struct berth_judge *judge, const struct berth_outgoing *lost, size_t n)
{
	const struct berth_http_response none = {.retry_after_s = -1};
	const struct berth_tls_facts facts = {0};
	struct berth_why why;
	berth_ignore(berth_fail(&why, BERTH_E_UNREACHABLE, "judge-batch", NULL,
				"the records could not be kept, so nothing was asked; try again"),
		     "only the why is wanted");
	for (size_t i = 0; i < n; i++) {
		if (lost[i].ticket) {
			continue;
		}
		if (lost[i].is_dpp) {
			if (lost[i].is_dial && judge->role->dpp_dialled) {
				judge->role->dpp_dialled(judge->context, lost[i].cookie,
							 (struct berth_dpp_peer){0}, &why);
			}
			continue;
		}
		if (lost[i].is_dial && judge->role->dialled) {
			judge->role->dialled(judge->context, lost[i].cookie, &none, &facts, &why);
		}
		if (!lost[i].is_dial && judge->role->signature) {
			judge->role->signature(judge->context, lost[i].cookie, why.err,
					       BERTH_BYTES_NONE, &why);
		}
	}
}

/*
 * The role's word on what is lost and gone may be a record too, so it gets a batch of its own; when that
 * fails as well, its sessions are freed all the same.
 */
static void
fail_batch(struct berth_judge *judge, const struct berth_why *why)
{
	struct berth_why again = {0};
	judge->counts.failed_batches++;
	berth_log_why(&judge->child->log, BERTH_LOG_ERROR, "batch.failed", why, NULL);
	struct berth_outgoing *lost = judge->out;
	size_t lost_count = judge->out_count;
	judge->out = NULL;
	judge->out_count = judge->out_cap = 0;
	judge->in_batch = false;
	bool has_batch = berth_judge_begin(judge, &again) == BERTH_OK;
	judge->in_batch = true;
	answer_lost(judge, lost, lost_count);
	free_packets(lost, lost_count);
	free(lost);
	for (size_t i = 0; i < BERTH_NET_PROCESSES_MAX; i++) {
		fail_list(judge, judge->nets[i].tickets);
	}
	fail_list(judge, judge->admin_tickets);
	clear_out(judge);
	judge->in_batch = false;
	if (has_batch && judge->role->batch_commit &&
	    judge->role->batch_commit(judge->context, &again) && judge->role->batch_abort) {
		judge->role->batch_abort(judge->context);
	}
}

static void
age_tickets(struct berth_judge *judge)
{
	/* New tickets stand first in their list. */
	for (size_t i = 0; i < BERTH_NET_PROCESSES_MAX; i++) {
		struct berth_ticket *t = judge->nets[i].tickets;
		for (; t && t->is_new; t = t->next) {
			t->is_new = false;
		}
	}
	for (struct berth_ticket *t = judge->admin_tickets; t && t->is_new; t = t->next) {
		t->is_new = false;
	}
}

void
berth_judge_end(struct berth_judge *judge)
{
	if (!judge->in_batch) {
		return;
	}
	struct berth_why why = {0};
	enum berth_err err = BERTH_OK;
	if (judge->batch_is_broken) {
		err = berth_fail(&why, BERTH_E_LIMIT, "judge-batch", NULL,
				 "a reply or question could not be built");
		if (judge->role->batch_abort) {
			judge->role->batch_abort(judge->context);
		}
	} else if (judge->role->batch_commit) {
		err = judge->role->batch_commit(judge->context, &why);
		if (err && judge->role->batch_abort) {
			judge->role->batch_abort(judge->context);
		}
	}
	if (err) {
		fail_batch(judge, &why);
		return;
	}
	judge->in_batch = false;
	age_tickets(judge);
	for (size_t i = 0; i < judge->out_count; i++) {
		send_out(judge, &judge->out[i]);
	}
	clear_out(judge);
}
