/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * role/daemon's judge shell, played for many judges in one process: batches, and what leaves after the commit. It does
 * with a failed batch, a dead signer and a requester that has gone what judge.c and judge_queue.c there do.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

#include "role/masa/masa_signer.h"
#include "role/masa/masa_signing.h"
#include "role/registrar/signer.h"
#include "role/registrar/signing.h"

#define BATCH_MAX 16
#define SIGNER_MS 12
#define TICK_MS 5000 /* seldomer than the daemon's, to save time */

const char *const berth_daemon_log_choices[] = {"text", "json", NULL};

/* ---- what the role calls ---- */

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
	return sim_now(judge->sim, judge->skew_s, true);
}

struct berth_pki *
berth_judge_pki(struct berth_judge *judge)
{
	return judge->sim->pki;
}

struct berth_random
berth_judge_random(struct berth_judge *judge)
{
	return berth_pki_random(judge->sim->pki);
}

const struct berth_cert_list *
berth_judge_tls_chain(const struct berth_judge *judge)
{
	return &judge->chain;
}

static struct sim_out *
queue(struct berth_judge *judge)
{
	if (judge->out_count == judge->out_room) {
		judge->out_room = judge->out_room == 0 ? 32 : 2 * judge->out_room;
		judge->out = realloc(judge->out, judge->out_room * sizeof(*judge->out));
		sim_must(judge->out == NULL ? BERTH_E_MEMORY : BERTH_OK, NULL, "out");
	}
	struct sim_out *out = &judge->out[judge->out_count++];
	*out = (struct sim_out){.cause = judge->cause};
	return out;
}

void
berth_judge_reply(struct berth_judge *judge, struct berth_ticket *ticket,
		  const struct berth_http_response *response)
{
	struct sim_out *out = queue(judge);
	sim_must(ticket->is_replied ? BERTH_E_STATE : BERTH_OK, NULL, "a second reply");
	ticket->is_replied = true;
	out->kind = SIM_OUT_REPLY;
	out->ticket = ticket;
	out->response = *response;
	enum berth_err err = berth_buf_append_bytes(&out->text, response->media_type);
	err = err ? err : berth_buf_append_bytes(&out->text, response->location);
	err = err ? err : berth_buf_append_bytes(&out->text, response->body);
	sim_must(err, NULL, "reply");
}

void
berth_judge_reply_text(struct berth_judge *judge, struct berth_ticket *ticket, int status,
		       bool close_it, const char *sentence)
{
	berth_judge_reply(judge, ticket,
			  &(struct berth_http_response){.status = status,
							.media_type = BERTH_LIT("text/plain"),
							.retry_after_s = -1,
							.close = close_it,
							.body = berth_text(sentence)});
}

void
berth_judge_sign(struct berth_judge *judge, uint16_t op, struct berth_bytes payload,
		 uint64_t cookie)
{
	struct sim_out *out = queue(judge);
	out->kind = SIM_OUT_SIGN;
	out->op = op;
	out->cookie = cookie;
	sim_must(berth_buf_append_bytes(&out->text, payload), NULL, "payload");
	if (judge->cause != NULL)
		judge->cause->asked_signer++;
}

/* The worlds of this simulation have no [dpp]. */
void
berth_judge_dpp_send(struct berth_judge *judge, struct berth_dpp_peer peer, struct berth_bytes body,
		     bool close)
{
	(void)judge;
	(void)peer;
	(void)body;
	(void)close;
	abort();
}

void
berth_judge_dial(struct berth_judge *judge, const struct berth_dial *dial, uint64_t cookie)
{
	struct sim *sim = judge->sim;
	struct berth_judge *server = sim_find_server(sim, dial->host, dial->port);
	/* A net process that lies, with a rogue MASA behind it: whom the anchors answer for is its word. */
	bool is_diverted = sim_fault(sim, SIM_DIVERTED_DIAL, 1, 25) ||
			   (sim->conf.sabotage == SIM_PLEDGE_TRUSTS_ROGUE && sim_chance(sim, 3, 4));
	if (is_diverted)
		server = sim->masas[2];
	struct sim_out *out = queue(judge);
	out->kind = SIM_OUT_DIAL;
	out->cookie = cookie;
	if (judge->cause != NULL)
		judge->cause->asked_masa++;
	if (server == NULL || server->kind != SIM_MASA)
		return;
	if (!is_diverted && memmem(dial->anchors_pem.p, dial->anchors_pem.n, server->anchors_pem.p,
				   server->anchors_pem.n) == NULL)
		return; /* nobody there whom the anchors answer for */
	out->dial = sim_call_new(sim, server, &dial->request,
				 dial->with_client_certificate ? &judge->chain : NULL);
	out->dial->dialler = judge;
	out->dial->life = judge->life;
	out->dial->cookie = cookie;
	out->dial->connection = ++sim->ids;
}

/* ---- tickets ---- */

static struct berth_ticket *
ticket_new(struct berth_judge *judge, struct sim_call *call)
{
	struct berth_ticket *ticket = calloc(1, sizeof(*ticket));
	sim_must(ticket == NULL ? BERTH_E_MEMORY : BERTH_OK, NULL, "ticket");
	ticket->call = call;
	ticket->is_new = true;
	ticket->next = judge->tickets;
	judge->tickets = ticket;
	return ticket;
}

static void
ticket_free(struct berth_judge *judge, struct berth_ticket *ticket)
{
	struct berth_ticket **at = &judge->tickets;
	while (*at != ticket)
		at = &(*at)->next;
	*at = ticket->next;
	free(ticket->admin);
	free(ticket);
}

/* ---- asked and not yet answered ---- */

static void
remember_asked(struct berth_judge *judge, const struct sim_out *out)
{
	struct sim_asked *asked = calloc(1, sizeof(*asked));
	sim_must(asked == NULL ? BERTH_E_MEMORY : BERTH_OK, NULL, "asked");
	*asked = (struct sim_asked){.next = judge->asked,
				    .cookie = out->cookie,
				    .is_dial = out->kind == SIM_OUT_DIAL,
				    .cause = out->cause};
	judge->asked = asked;
}

/* False when it was answered before: a second answer reaches nobody. */
static bool
take_asked(struct berth_judge *judge, uint64_t cookie, bool is_dial)
{
	for (struct sim_asked **at = &judge->asked; *at != NULL; at = &(*at)->next) {
		struct sim_asked *asked = *at;
		if (asked->cookie != cookie || asked->is_dial != is_dial)
			continue;
		judge->cause = asked->cause;
		*at = asked->next;
		free(asked);
		return true;
	}
	return false;
}

/* ---- the witness: a file beside the store, written over and not synced ---- */

static void
witness_path(const struct berth_judge *judge, char path[SIM_PATH_MAX])
{
	(void)snprintf(path, SIM_PATH_MAX, "%s/%s", judge->state,
		       judge->kind == SIM_MASA ? BERTH_MASA_WITNESS_FILE
					       : BERTH_REGISTRAR_WITNESS_FILE);
}

static void
remember_witness(struct berth_judge *judge)
{
	char path[SIM_PATH_MAX];
	witness_path(judge, path);
	FILE *file = fopen(path, "r");
	sim_must(file == NULL ? BERTH_E_IO : BERTH_OK, NULL, path);
	size_t n = fread(judge->witness, 1, sizeof(judge->witness) - 1, file);
	judge->witness[n] = '\0';
	(void)fclose(file);
}

static void
lose_witness(struct berth_judge *judge)
{
	char path[SIM_PATH_MAX];
	if (!sim_fault(judge->sim, SIM_LOST_WITNESS, 1, 2))
		return;
	witness_path(judge, path);
	FILE *file = fopen(path, "w");
	sim_must(file == NULL ? BERTH_E_IO : BERTH_OK, NULL, path);
	(void)fputs(judge->witness, file);
	(void)fclose(file);
}

/* ---- the signer: another process, with a queue of its own ---- */

struct sim_signing {
	struct berth_judge *judge;
	uint16_t op;
	uint64_t cookie;
	struct berth_buf payload;
};

/* As the signer's child does it: nothing leaves before the role has settled. */
static void
sign(struct berth_judge *judge, const struct sim_signing *signing, struct sim_item *item)
{
	const struct berth_signer_role *role = judge->signer_role;
	item->err = role->sign(judge->signer, signing->op, berth_buf_view(&signing->payload),
			       sim_now(judge->sim, judge->skew_s, true), &item->object, &item->why);
	if (!item->err && role->settle != NULL)
		item->err = role->settle(judge->signer, &item->why);
	if (!item->err)
		sim_oracle_signed(judge, signing->op, berth_buf_view(&item->object));
	if (item->err)
		berth_buf_clear(&item->object);
}

static void
do_sign(struct sim *sim, struct sim_event *event)
{
	struct sim_signing *signing = event->what;
	struct berth_judge *judge = signing->judge;
	struct sim_item item = {.kind = SIM_ITEM_SIGNED, .cookie = signing->cookie};
	bool is_heard = judge->is_up && judge->life == event->life;
	/* It dies before it signs, or after, with its answer unsent: the judge hears the same. */
	bool dies = sim_fault(sim, SIM_SIGNER_CRASH, 1, 40);
	if (judge->signer != NULL && (!dies || sim_chance(sim, 1, 2)))
		sign(judge, signing, &item);
	if (dies) {
		berth_buf_free(&item.object);
		item.err = berth_fail(&item.why, BERTH_E_UNREACHABLE, "process-restarted", NULL,
				      "the process that was asked has ended; try again");
	}
	if (is_heard)
		sim_judge_deliver(judge, &item);
	else
		berth_buf_free(&item.object);
	berth_buf_free(&signing->payload);
	free(signing);
}

static void
send_to_signer(struct berth_judge *judge, struct sim_out *out)
{
	struct sim_signing *signing = calloc(1, sizeof(*signing));
	sim_must(signing == NULL ? BERTH_E_MEMORY : BERTH_OK, NULL, "signing");
	*signing = (struct sim_signing){
		.judge = judge, .op = out->op, .cookie = out->cookie, .payload = out->text};
	out->text = (struct berth_buf){0};
	sim_at(judge->sim, 1 + sim_below(judge->sim, SIGNER_MS), do_sign, signing, judge->life, 0);
}

/* ---- batches ---- */

static void
send_out(struct berth_judge *judge, struct sim_out *out)
{
	struct sim *sim = judge->sim;
	if (out->kind == SIM_OUT_SIGN) {
		sim_oracle_sign(judge, out);
		remember_asked(judge, out);
		send_to_signer(judge, out);
		return;
	}
	if (out->kind == SIM_OUT_DIAL) {
		remember_asked(judge, out);
		if (out->dial != NULL) {
			sim_call_send(out->dial);
			return;
		}
		struct sim_item item = {.kind = SIM_ITEM_DIALLED, .cookie = out->cookie};
		berth_ignore(berth_fail(&item.why, BERTH_E_UNREACHABLE, "masa-unreachable", NULL,
					"nobody of that name answers with a certificate of these "
					"anchors"),
			     "only the why is wanted");
		sim_judge_deliver(judge, &item);
		return;
	}
	const uint8_t *at = out->text.p;
	out->response.media_type.p = at;
	out->response.location.p = at + out->response.media_type.n;
	out->response.body.p = at + out->response.media_type.n + out->response.location.n;
	if (out->ticket->call != NULL) {
		sim_sabotage_reply(judge, out->ticket->call);
		sim_oracle_reply(judge, out->ticket->call, &out->response);
		sim_call_reply(out->ticket->call, &out->response);
	} else {
		sim_say(sim, "%s: operator: %s: %d", judge->name, out->ticket->admin,
			out->response.status);
		if (out->ticket->about != NULL)
			sim_operator_done(out->ticket->about, out->response.status);
		else
			sim_campaign_begun(judge, out->response.status);
	}
	ticket_free(judge, out->ticket);
}

static void
clear_out(struct berth_judge *judge)
{
	for (size_t i = 0; i < judge->out_count; i++)
		berth_buf_free(&judge->out[i].text);
	judge->out_count = 0;
}

static void
answer_lost(struct berth_judge *judge, const struct sim_out *lost, size_t n)
{
	const struct berth_http_response none = {.retry_after_s = -1};
	const struct berth_tls_facts facts = {0};
	struct berth_why why;
	berth_ignore(berth_fail(&why, BERTH_E_UNREACHABLE, "judge-batch", NULL,
				"the records could not be kept, so nothing was asked; try again"),
		     "only the why is wanted");
	for (size_t i = 0; i < n; i++) {
		if (lost[i].kind == SIM_OUT_DIAL)
			judge->role->dialled(judge->context, lost[i].cookie, &none, &facts, &why);
		if (lost[i].kind == SIM_OUT_SIGN)
			judge->role->signature(judge->context, lost[i].cookie, why.err,
					       BERTH_BYTES_NONE, &why);
	}
}

static void
reply_unavailable(struct berth_judge *judge, struct berth_ticket *ticket)
{
	const struct berth_http_response unavailable = {
		.status = 503, .media_type = BERTH_LIT("text/plain"), .retry_after_s = 1};
	if (ticket->call != NULL)
		sim_call_reply(ticket->call, &unavailable);
	ticket_free(judge, ticket);
}

/* As fail_batch in role/daemon/judge_queue.c. */
static void
fail_batch(struct berth_judge *judge)
{
	struct sim_out *lost = judge->out;
	size_t n = judge->out_count;
	judge->out = NULL;
	judge->out_count = judge->out_room = 0;
	judge->failed_batches++;
	sim_say(judge->sim, "%s: batch failed", judge->name);
	bool has_batch = judge->role->batch_begin(judge->context, NULL) == BERTH_OK;
	judge->cause = NULL;
	answer_lost(judge, lost, n);
	for (size_t i = 0; i < n; i++)
		berth_buf_free(&lost[i].text);
	free(lost);
	for (struct berth_ticket *ticket = judge->tickets, *next; ticket != NULL; ticket = next) {
		next = ticket->next;
		if (!ticket->is_new && !ticket->is_replied)
			continue;
		if (!ticket->is_replied && judge->role->gone != NULL)
			judge->role->gone(judge->context, ticket);
		reply_unavailable(judge, ticket);
	}
	clear_out(judge);
	if (has_batch && judge->role->batch_commit(judge->context, NULL))
		judge->role->batch_abort(judge->context);
}

static void
take_item(struct berth_judge *judge, struct sim_item *item)
{
	struct sim_call *call = item->call;
	struct berth_ticket *ticket = NULL;
	judge->cause = NULL;
	switch (item->kind) {
	case SIM_ITEM_REQUEST: {
		const struct berth_http_request http = {
			.method = call->method,
			.path = berth_text(call->path),
			.media_type = berth_text(call->media_type),
			.accept = berth_text(call->accept),
			.body = berth_buf_view(&call->body),
		};
		const struct berth_tls_facts tls = sim_server_facts(call);
		judge->cause = call;
		if (call->is_plain) {
			judge->role->published(judge->context, ticket_new(judge, call), &http,
					       berth_text(call->address));
			return;
		}
		judge->role->request(judge->context, ticket_new(judge, call), &http, &tls,
				     berth_text(call->address));
		return;
	}
	case SIM_ITEM_SIGNED:
		if (take_asked(judge, item->cookie, false))
			judge->role->signature(judge->context, item->cookie, item->err,
					       berth_buf_view(&item->object), &item->why);
		return;
	case SIM_ITEM_DIALLED: {
		const struct berth_http_response response = {
			.status = call == NULL ? 0 : call->status,
			.retry_after_s = call == NULL ? -1 : call->retry_after_s,
			.media_type = berth_text(call == NULL ? "" : call->answer_type),
			.body = call == NULL ? BERTH_BYTES_NONE : berth_buf_view(&call->answer),
		};
		const struct berth_tls_facts facts = {.version = 0x0304};
		if (take_asked(judge, item->cookie, true))
			judge->role->dialled(judge->context, item->cookie, &response, &facts,
					     &item->why);
		return;
	}
	case SIM_ITEM_GONE:
		for (ticket = judge->tickets; ticket != NULL && ticket->call != call;)
			ticket = ticket->next;
		if (ticket == NULL || ticket->is_replied)
			return;
		judge->role->gone(judge->context, ticket);
		ticket_free(judge, ticket);
		return;
	case SIM_ITEM_TICK:
		judge->role->tick(judge->context);
		return;
	case SIM_ITEM_ADMIN: {
		const struct berth_http_request http = {
			.method = BERTH_HTTP_POST,
			.path = berth_text(item->ticket->admin),
			.media_type = BERTH_LIT("application/json"),
			.body = berth_text(item->ticket->admin_body),
		};
		item->ticket->next = judge->tickets;
		item->ticket->is_new = true;
		judge->tickets = item->ticket;
		judge->role->admin(judge->context, item->ticket, &http, "anna");
		return;
	}
	}
}

static void
drop_inbox(struct berth_judge *judge)
{
	for (size_t i = 0; i < judge->inbox_count; i++) {
		struct sim_item *item = &judge->inbox[i];
		berth_buf_free(&item->object);
		if (item->kind == SIM_ITEM_REQUEST)
			sim_call_fail(item->call);
		if (item->kind == SIM_ITEM_ADMIN) {
			free(item->ticket->admin);
			free(item->ticket);
		}
	}
	judge->inbox_count = 0;
}

static void
age_tickets(struct berth_judge *judge)
{
	for (struct berth_ticket *ticket = judge->tickets; ticket != NULL; ticket = ticket->next)
		ticket->is_new = false;
}

static void
take_items(struct berth_judge *judge)
{
	size_t n = judge->inbox_count < BATCH_MAX ? judge->inbox_count : BATCH_MAX;
	for (size_t i = 0; i < n; i++) {
		take_item(judge, &judge->inbox[i]);
		berth_buf_free(&judge->inbox[i].object);
	}
	judge->cause = NULL;
	judge->inbox_count -= n;
	memmove(judge->inbox, judge->inbox + n, judge->inbox_count * sizeof(judge->inbox[0]));
}

/* The power may go between any two of them. False: it did. */
static bool
send_all(struct berth_judge *judge)
{
	struct sim *sim = judge->sim;
	size_t n = judge->out_count;
	bool dies = n > 0 && sim_fault(sim, SIM_CRASH_AFTER_COMMIT, 1, 250);
	size_t last = dies ? sim_below(sim, (uint32_t)n) : n;
	for (size_t i = 0; i < last; i++)
		send_out(judge, &judge->out[i]);
	if (last > 0)
		sim_oracle_sent(judge);
	if (dies) {
		sim_judge_crash(judge, sim_chance(sim, 1, 2) ? DISK_ALL : DISK_NOTHING);
		return false;
	}
	clear_out(judge);
	return true;
}

static void wake(struct sim *sim, struct sim_event *event);

static void
wake_later(struct berth_judge *judge, int64_t in_ms)
{
	judge->is_woken = true;
	sim_at(judge->sim, in_ms, wake, judge, judge->life, 0);
}

static void
wake(struct sim *sim, struct sim_event *event)
{
	struct berth_judge *judge = event->what;
	if (!judge->is_up || judge->life != event->life)
		return;
	judge->is_woken = false;
	if (judge->role->batch_begin(judge->context, NULL)) {
		if (disk_is_dead(judge->disk))
			sim_judge_crash(judge, DISK_ALL);
		else
			wake_later(judge, 100);
		return;
	}
	judge->batches++;
	if (sim->has_faults && sim_chance(sim, 1, 10))
		remember_witness(judge);
	take_items(judge);
	if (sim->conf.sabotage == SIM_SENDS_BEFORE_COMMIT && !send_all(judge))
		return;
	enum berth_err err = judge->role->batch_commit(judge->context, NULL);
	if (disk_is_dead(judge->disk)) {
		sim->faults[SIM_CRASH_IN_COMMIT]++;
		sim_judge_crash(judge, DISK_ALL);
		return;
	}
	if (err) {
		judge->role->batch_abort(judge->context);
		fail_batch(judge);
		/* A judge that nobody asks again would not notice. */
		if (disk_is_dead(judge->disk)) {
			sim->faults[SIM_CRASH_IN_COMMIT]++;
			sim_judge_crash(judge, DISK_ALL);
			return;
		}
	} else {
		age_tickets(judge);
		if (!send_all(judge))
			return;
	}
	if (judge->inbox_count > 0 && !judge->is_woken)
		wake_later(judge, 1);
}

void
sim_judge_deliver(struct berth_judge *judge, const struct sim_item *item)
{
	if (judge->inbox_count == SIM_INBOX_MAX) {
		sim_must(BERTH_E_LIMIT, NULL, "a judge's inbox is full");
		return;
	}
	judge->inbox[judge->inbox_count++] = *item;
	if (!judge->is_woken)
		wake_later(judge, sim_below(judge->sim, 6));
}

void
sim_judge_operate(struct berth_judge *judge, const char *path, const char *body,
		  struct sim_device *about)
{
	struct berth_ticket *ticket = calloc(1, sizeof(*ticket));
	sim_must(ticket == NULL ? BERTH_E_MEMORY : BERTH_OK, NULL, "ticket");
	ticket->admin = strdup(path);
	ticket->admin_body = body;
	ticket->about = about;
	sim_judge_deliver(judge, &(struct sim_item){.kind = SIM_ITEM_ADMIN, .ticket = ticket});
}

/* ---- life and death ---- */

static void
tick(struct sim *sim, struct sim_event *event)
{
	struct berth_judge *judge = event->what;
	if (!judge->is_up || judge->life != event->life)
		return;
	sim_judge_deliver(judge, &(struct sim_item){.kind = SIM_ITEM_TICK});
	sim_at(sim, TICK_MS, tick, judge, judge->life, 0);
}

static void come_up(struct sim *sim, struct sim_event *event);
static void stop(struct berth_judge *judge);

/* Its parent tries again; only a disk that fails us is an excuse. */
static void
fail_boot(struct berth_judge *judge, const struct berth_why *why)
{
	struct sim *sim = judge->sim;
	sim_say(sim, "%s: does not start: %s", judge->name, why->rule);
	stop(judge);
	if (why->err != BERTH_E_IO || !disk_is_failing(judge->disk)) {
		sim_break(sim, "restart", "%s does not start: %s: %s", judge->name, why->rule,
			  why->sentence);
		return;
	}
	disk_crash(judge->disk, DISK_NOTHING);
	sim_at(sim, 2000, come_up, judge, 0, 0);
}

void
sim_judge_boot(struct berth_judge *judge)
{
	struct berth_why why = {0};
	judge->life++;
	judge->boots++;
	enum berth_err err = judge->role->start(judge, judge->settings, &judge->context, &why);
	if (!err)
		err = judge->signer_role->start(judge->sim->pki, judge->settings, &judge->signer,
						&why);
	if (err) {
		fail_boot(judge, &why);
		return;
	}
	judge->is_up = true;
	judge->is_woken = false;
	if (judge->role->tick != NULL)
		sim_at(judge->sim, TICK_MS, tick, judge, judge->life, 0);
	if (judge->boots > 1)
		sim_oracle_restart(judge);
}

static void
stop(struct berth_judge *judge)
{
	judge->is_up = false;
	sim_oracle_close(judge);
	clear_out(judge);
	drop_inbox(judge);
	if (judge->context != NULL)
		judge->role->end(judge->context);
	if (judge->signer != NULL)
		judge->signer_role->end(judge->signer);
	judge->context = NULL;
	judge->signer = NULL;
	while (judge->tickets != NULL) {
		struct berth_ticket *ticket = judge->tickets;
		if (ticket->call != NULL)
			sim_call_fail(ticket->call);
		ticket_free(judge, ticket);
	}
	while (judge->asked != NULL) {
		struct sim_asked *asked = judge->asked;
		judge->asked = asked->next;
		free(asked);
	}
}

static void
come_up(struct sim *sim, struct sim_event *event)
{
	struct berth_judge *judge = event->what;
	disk_mount(judge->disk);
	if (judge->wants_rollover)
		sim_rollover(judge);
	sim_sabotage_restart(judge);
	sim->restarts++;
	sim_say(sim, "%s: starts again", judge->name);
	sim_judge_boot(judge);
}

void
sim_judge_crash(struct berth_judge *judge, enum disk_loss loss)
{
	struct sim *sim = judge->sim;
	disk_crash(judge->disk, loss);
	sim_say(sim, "%s: crashes", judge->name);
	stop(judge);
	if (loss != DISK_NOTHING)
		lose_witness(judge);
	judge->life++;
	sim_at(sim, 200 + sim_below(sim, 30000), come_up, judge, 0, 0);
}

void
sim_judge_end(struct berth_judge *judge)
{
	stop(judge);
	berth_cert_list_free(&judge->chain);
	berth_cert_list_free(&judge->authorities);
	berth_cert_list_free(&judge->shown_ever);
	berth_conf_free(&judge->rolled_conf);
	berth_buf_free(&judge->anchors_pem);
	disk_close(judge->disk);
	free(judge->out);
	free(judge);
}
