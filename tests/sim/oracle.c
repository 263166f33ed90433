/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold. The oracle trusts no role: it reads the stores by SQL of its own, over its own connection, and knows
 * from the world who may have what.
 */
#include "sim.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "protocol/est/client.h"
#include "role/masa/masa_signing.h"
#include "role/registrar/signing.h"

struct sim_promise {
	struct sim_promise *next;
	struct berth_judge *judge;
	const char *sql; /* counts what was promised */
	struct berth_buf what;
	uint64_t at; /* audit: seq */
};

void
sim_break(struct sim *sim, const char *oracle, const char *format, ...)
{
	char text[400];
	va_list arguments;
	if (sim->fault[0] != '\0')
		return;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	(void)snprintf(sim->fault, sizeof(sim->fault), "%s: %s", oracle, text);
	sim_say(sim, "ORACLE %s", sim->fault);
}

/* ---- the store, by its own connection ---- */

#define STATEMENTS 24

struct sim_reader {
	sqlite3 *db;
	struct {
		const char *sql;
		sqlite3_stmt *stmt;
	} kept[STATEMENTS];
};

void
sim_oracle_close(struct berth_judge *judge)
{
	struct sim_reader *reader = judge->reader;
	if (reader == NULL)
		return;
	for (size_t i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(reader->kept[i].stmt);
	sqlite3_close(reader->db);
	free(reader);
	judge->reader = NULL;
}

static struct sim_reader *
open_store(struct berth_judge *judge)
{
	char path[SIM_PATH_MAX];
	if (judge->reader != NULL)
		return judge->reader;
	judge->reader = calloc(1, sizeof(*judge->reader));
	(void)snprintf(path, sizeof(path), "%s/%s.db", judge->state,
		       judge->kind == SIM_MASA ? "masa" : "registrar");
	sim_must(judge->reader == NULL ||
				 sqlite3_open_v2(path, &judge->reader->db,
						 SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL)
			 ? BERTH_E_IO
			 : BERTH_OK,
		 NULL, path);
	return judge->reader;
}

/* Kept by the address of its text: they are all literals. */
static sqlite3_stmt *
prepare(struct berth_judge *judge, const char *sql)
{
	struct sim_reader *reader = open_store(judge);
	size_t at = 0;
	while (at < STATEMENTS && reader->kept[at].sql != NULL && reader->kept[at].sql != sql)
		at++;
	sim_must(at == STATEMENTS ? BERTH_E_LIMIT : BERTH_OK, NULL, "too many questions");
	if (reader->kept[at].sql == NULL) {
		int rc = sqlite3_prepare_v3(reader->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
					    &reader->kept[at].stmt, NULL);
		sim_must(rc ? BERTH_E_INTERNAL : BERTH_OK, NULL, sql);
		reader->kept[at].sql = sql;
	}
	return reader->kept[at].stmt;
}

/* One number that sql answers about a blob. */
static int64_t
count(struct berth_judge *judge, const char *sql, struct berth_bytes about)
{
	sqlite3_stmt *stmt = prepare(judge, sql);
	sqlite3_bind_blob(stmt, 1, about.p, (int)about.n, SQLITE_STATIC);
	int64_t n = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
	sqlite3_reset(stmt);
	judge->sim->checks++;
	return n;
}

static void
promise(struct berth_judge *judge, const char *sql, struct berth_bytes what)
{
	struct sim_promise *made = calloc(1, sizeof(*made));
	sim_must(made == NULL ? BERTH_E_MEMORY : BERTH_OK, NULL, "promise");
	made->judge = judge;
	made->sql = sql;
	sim_must(berth_buf_append_bytes(&made->what, what), NULL, "promise");
	made->next = judge->sim->promises;
	judge->sim->promises = made;
}

/* ---- who may ---- */

static int
index_of(const struct berth_judge *judge)
{
	for (int i = 0; i < 3; i++)
		if (judge->sim->registrars[i] == judge || judge->sim->masas[i] == judge)
			return i;
	return -1;
}

static bool
may_enrol(const struct sim_device *device, const struct berth_judge *registrar)
{
	bool is_welcome = device->sort == SIM_ALLOWED ||
			  (device->sort == SIM_ASKS && device->was_asked_for) ||
			  (device->sort == SIM_REVOKED && !device->is_revoked);
	return is_welcome && index_of(registrar) == device->owner;
}

/* Of the maker's devices with this serial number; a true one and its counterfeit have other makers. */
static const struct sim_device *
find_device(const struct sim *sim, int maker, struct berth_bytes serial)
{
	for (size_t i = 0; i < sim->device_count; i++)
		if (sim->devices[i].maker == maker &&
		    berth_bytes_equal_text(serial, sim->devices[i].serial))
			return &sim->devices[i];
	return NULL;
}

static const struct sim_device *
owner_of_certificate(const struct sim *sim, const struct berth_cert *cert)
{
	for (size_t i = 0; cert != NULL && i < sim->device_count; i++)
		if (berth_bytes_equal(berth_cert_der(sim->devices[i].idevid), berth_cert_der(cert)))
			return &sim->devices[i];
	return NULL;
}

/* Who has a certificate of an owner's: counterfeits get none, so a serial number is one device's. */
static const struct sim_device *
holder_of_certificate(const struct sim *sim, const struct berth_cert *cert)
{
	struct berth_bytes serial = berth_cert_subject_serial_number(cert);
	for (size_t i = 0; i < sim->device_count; i++)
		if (sim->devices[i].sort != SIM_COUNTERFEIT &&
		    berth_bytes_equal_text(serial, sim->devices[i].serial))
			return &sim->devices[i];
	return NULL;
}

static bool
chain_has(const struct berth_judge *judge, struct berth_bytes der)
{
	for (size_t i = 0; i < judge->shown_ever.n; i++)
		if (berth_bytes_equal(berth_cert_der(judge->shown_ever.at[i]), der))
			return true;
	return false;
}

/*
 * The key is the owner's. Not the whole certificate: nobody signed the list of certificates of the registrar's CMS, so
 * who sends an old request again may alter the farthest CA's wrapper, and gains nothing by it.
 */
static bool
chain_has_key_of(struct berth_judge *judge, struct berth_bytes der)
{
	struct berth_cert *cert = NULL;
	bool has = false;
	if (berth_cert_parse(judge->sim->pki, der, &cert, NULL))
		return false;
	for (size_t i = 0; i < judge->shown_ever.n; i++)
		has = has || berth_key_equal(berth_cert_key(cert),
					     berth_cert_key(judge->shown_ever.at[i]));
	berth_cert_free(cert);
	return has;
}

/* ---- what a signer is asked for ---- */

void
sim_oracle_sign(struct berth_judge *judge, const struct sim_out *out)
{
	struct sim *sim = judge->sim;
	struct berth_why why = {0};
	if (judge->kind == SIM_MASA) {
		struct berth_sign_voucher ask;
		sim_must(berth_sign_voucher_decode(berth_buf_view(&out->text), &ask, &why), &why,
			 "ask");
		if (count(judge,
			  "SELECT count(*) FROM voucher WHERE payload = ? AND state IN (0, 1)",
			  ask.json) < 1)
			sim_break(sim, "intent", "%s has a voucher signed without an intent",
				  judge->name);
		return;
	}
	if (out->op == BERTH_REGISTRAR_ISSUE_LDEVID) {
		struct berth_issue_ldevid ask;
		sim_must(berth_issue_ldevid_decode(berth_buf_view(&out->text), &ask, &why), &why,
			 "ask");
		if (count(judge,
			  "SELECT count(*) FROM certificate c JOIN decision d ON d.device = "
			  "c.device"
			  " WHERE c.serial = ? AND c.state IN (0, 3) AND d.about = 'enrol' AND "
			  "d.outcome "
			  "= 2",
			  berth_bytes_of(ask.serial, sizeof(ask.serial))) < 1)
			sim_break(sim, "intent",
				  "%s has a certificate signed for %.*s without an intent and a "
				  "decision to allow it",
				  judge->name, (int)ask.serial_number.n,
				  (const char *)ask.serial_number.p);
	}
}

/* ---- what leaves ---- */

static void
check_forwarded(struct berth_judge *judge, const struct sim_device *device,
		struct berth_bytes voucher)
{
	struct sim *sim = judge->sim;
	if (device == NULL || device->sort == SIM_DENIED || device->sort == SIM_COUNTERFEIT ||
	    (device->is_revoked && index_of(judge) == device->owner)) {
		sim_break(sim, "decision", "%s gave a voucher to %s", judge->name,
			  device == NULL ? "a stranger" : device->serial);
		return;
	}
	static const char *const sql = "SELECT count(*) FROM step WHERE voucher = ?";
	if (count(judge, sql, voucher) != 1)
		sim_break(sim, "record",
			  "%s sent a voucher to %s that its store does not hold once", judge->name,
			  device->serial);
	if (count(judge,
		  "SELECT count(*) FROM audit a JOIN device d ON d.id = a.subject JOIN step s ON "
		  "s.device = d.row WHERE a.event = 'voucher.forwarded' AND s.voucher = ?",
		  voucher) < 1)
		sim_break(sim, "record", "%s sent a voucher to %s without an audit record",
			  judge->name, device->serial);
	if (count(judge,
		  "SELECT count(*) FROM decision d JOIN step s ON s.device = d.device WHERE "
		  "d.about = 'voucher' AND d.outcome = 2 AND s.voucher = ?",
		  voucher) < 1)
		sim_break(sim, "decision", "%s sent a voucher to %s without a decision",
			  judge->name, device->serial);
	promise(judge, sql, voucher);
}

/* The certificate of the reply that the store holds as issued; empty when there is none. */
static void
find_issued(struct berth_judge *judge, struct berth_bytes reply, struct berth_buf *der)
{
	sqlite3_stmt *stmt =
		prepare(judge, "SELECT der FROM certificate WHERE state = 1 ORDER BY row DESC");
	while (der->n == 0 && sqlite3_step(stmt) == SQLITE_ROW) {
		const void *p = sqlite3_column_blob(stmt, 0);
		size_t n = (size_t)sqlite3_column_bytes(stmt, 0);
		if (n > 0 && memmem(reply.p, reply.n, p, n) != NULL)
			sim_must(berth_buf_append(der, p, n), NULL, "der");
	}
	sqlite3_reset(stmt);
}

static void
check_enrolled(struct berth_judge *judge, const struct sim_call *call,
	       const struct sim_device *device, struct berth_bytes body)
{
	struct sim *sim = judge->sim;
	struct berth_why why = {0};
	BERTH_BUF cms = {0};
	BERTH_BUF der = {0};
	if (device == NULL || !may_enrol(device, judge)) {
		sim_break(sim, "decision", "%s gave a certificate to %s", judge->name,
			  device == NULL ? "a stranger" : device->serial);
		return;
	}
	sim_must(berth_base64_decode(body, true, &cms, &why), &why, call->path);
	find_issued(judge, berth_buf_view(&cms), &der);
	if (der.n == 0) {
		sim_break(sim, "record", "%s sent %s a certificate that its store does not hold",
			  judge->name, device->serial);
		return;
	}
	if (count(judge,
		  "SELECT count(*) FROM certificate c JOIN device v ON v.row = c.device JOIN audit "
		  "i "
		  "ON i.subject = v.id JOIN audit a ON a.subject = v.id WHERE c.der = ? AND "
		  "i.event = 'certificate.intent' AND a.event = 'certificate.issued' AND "
		  "i.seq < a.seq",
		  berth_buf_view(&der)) < 1)
		sim_break(sim, "record", "%s sent %s a certificate without audit records",
			  judge->name, device->serial);
	/* A key may come back with another voucher, and so may an old request of a net process that was taken over. */
	if (count(judge,
		  "SELECT count(*) FROM certificate c WHERE c.der = ? AND (SELECT count(*) FROM "
		  "certificate o WHERE o.key_sha256 = c.key_sha256 AND o.permission = c.permission "
		  "AND o.state = 1) = 1 AND (SELECT count(*) FROM certificate o WHERE o.key_sha256 "
		  "= c.key_sha256 AND o.permission <> 0 AND o.state = 1) <= (SELECT count(*) FROM "
		  "voucher_step s WHERE s.device = c.device AND s.state = 4)",
		  berth_buf_view(&der)) != 1)
		sim_break(sim, "doubled", "%s issued a key of %s more certificates than vouchers",
			  judge->name, device->serial);
	promise(judge, "SELECT count(*) FROM certificate WHERE der = ? AND state IN (1, 3)",
		berth_buf_view(&der));
}

static void
check_vouched(struct berth_judge *judge, struct berth_bytes body)
{
	struct sim *sim = judge->sim;
	struct berth_signed_voucher voucher = {0};
	struct berth_why why = {0};
	BERTH_ARENA arena;
	static const char *const sql =
		"SELECT count(*) FROM voucher WHERE voucher = ? AND state = 1";
	berth_arena_start(&arena, (size_t)256 << 10);
	sim_must(berth_voucher_open(sim->pki, body, BERTH_VOUCHER, NULL, &arena, &voucher, &why),
		 &why, "voucher");
	const struct sim_device *device =
		find_device(sim, index_of(judge), voucher.voucher.serial_number);
	if (device == NULL || device->sort == SIM_BLOCKED || device->sort == SIM_UNSOLD)
		sim_break(sim, "ownership", "%s vouched for %.*s", judge->name,
			  (int)voucher.voucher.serial_number.n,
			  (const char *)voucher.voucher.serial_number.p);
	else if (!chain_has_key_of(sim->registrars[device->owner],
				   voucher.voucher.pinned_domain_cert))
		sim_break(sim, "ownership", "%s vouched for %s to somebody who does not own it",
			  judge->name, device->serial);
	berth_signed_voucher_free(&voucher);
	if (count(judge, sql, body) != 1)
		sim_break(sim, "record", "%s sent a voucher that its store does not hold once",
			  judge->name);
	if (count(judge,
		  "SELECT count(*) FROM log l JOIN voucher v ON v.unit = l.unit AND v.nonce = "
		  "l.nonce "
		  "AND v.domain_id = l.domain_id WHERE v.voucher = ?",
		  body) < 1)
		sim_break(sim, "record", "%s sent a voucher that its log does not show",
			  judge->name);
	if (count(judge,
		  "SELECT count(*) FROM audit a JOIN voucher v ON a.event = 'voucher.issued' AND "
		  "a.subject = 'unit:' || v.unit AND a.detail LIKE '{\"voucher\":' || v.row || "
		  "',%' "
		  "WHERE v.voucher = ?",
		  body) != 1)
		sim_break(sim, "record", "%s sent a voucher that its audit log does not hold once",
			  judge->name);
	promise(judge, sql, body);
}

void
sim_oracle_reply(struct berth_judge *judge, const struct sim_call *call,
		 const struct berth_http_response *response)
{
	if (judge->is_rogue || response->status != 200)
		return;
	if (call->is_plain) {
		sim_oracle_list(judge, response->body);
		return;
	}
	const struct sim_device *device =
		call->shown.n == 0 ? NULL : owner_of_certificate(judge->sim, call->shown.at[0]);
	if (strcmp(call->path, BERTH_BRSKI_REQUESTVOUCHER_PATH) == 0) {
		if (judge->kind == SIM_MASA)
			check_vouched(judge, response->body);
		else
			check_forwarded(judge, device, response->body);
	}
	bool is_renewal = strcmp(call->path, BERTH_EST_SIMPLEREENROLL_PATH) == 0;
	if (is_renewal)
		device = call->shown.n == 0 ? NULL
					    : holder_of_certificate(judge->sim, call->shown.at[0]);
	if (judge->kind == SIM_REGISTRAR &&
	    (is_renewal || strcmp(call->path, BERTH_EST_SIMPLEENROLL_PATH) == 0))
		check_enrolled(judge, call, device, response->body);
}

void
sim_oracle_sent(struct berth_judge *judge)
{
	sqlite3_stmt *stmt = prepare(judge, "SELECT hash FROM audit ORDER BY seq DESC LIMIT 1");
	judge->has_audit_head = sqlite3_step(stmt) == SQLITE_ROW;
	if (judge->has_audit_head)
		memcpy(judge->audit_head, sqlite3_column_blob(stmt, 0), sizeof(judge->audit_head));
	sqlite3_reset(stmt);
}

/* ---- after a crash ---- */

static void
check_audit(struct berth_judge *judge)
{
	struct berth_audit_report report;
	struct berth_why why = {0};
	struct berth_store *store =
		judge->kind == SIM_MASA
			? ((const struct berth_masa_role *)judge->context)->store
			: ((const struct berth_registrar_role *)judge->context)->store;
	if (berth_audit_verify(store, &report, &why))
		sim_break(judge->sim, "audit", "%s: %s", judge->name, why.sentence);
	judge->sim->checks++;
}

static void
check_promises(struct berth_judge *judge)
{
	if (judge->has_audit_head &&
	    count(judge, "SELECT count(*) FROM audit WHERE hash = ?",
		  berth_bytes_of(judge->audit_head, sizeof(judge->audit_head))) != 1)
		sim_break(judge->sim, "promise", "%s has lost the end of its audit log",
			  judge->name);
	for (const struct sim_promise *p = judge->sim->promises; p != NULL; p = p->next)
		if (p->judge == judge && count(judge, p->sql, berth_buf_view(&p->what)) != 1)
			sim_break(judge->sim, "promise",
				  "%s has lost or doubled what it had answered: %s", judge->name,
				  p->sql);
}

void
sim_oracle_restart(struct berth_judge *judge)
{
	check_audit(judge);
	check_promises(judge);
}

/* ---- what a device believes ---- */

void
sim_oracle_save(struct sim_device *device, const struct sim_line *line,
		const struct sim_belief *belief, const struct berth_pledge_enrolment *enrolment)
{
	struct sim *sim = device->sim;
	const struct sim_maker *maker = &sim->makers[device->maker];
	struct berth_signed_voucher voucher = {0};
	struct berth_why why = {0};
	BERTH_ARENA arena;
	berth_arena_start(&arena, (size_t)256 << 10);
	sim->checks++;
	if (line == NULL || !may_enrol(device, line->server)) {
		sim_break(sim, "pin", "%s enrolled with %s", device->serial,
			  line == NULL ? "nobody" : line->server->name);
		return;
	}
	sim_must(berth_voucher_open(sim->pki, berth_buf_view(&belief->voucher), BERTH_VOUCHER, NULL,
				    &arena, &voucher, &why),
		 &why, "the device's voucher");
	if (!berth_bytes_equal_text(voucher.voucher.serial_number, device->serial) ||
	    !berth_bytes_equal(voucher.voucher.nonce, berth_buf_view(&belief->nonce)))
		sim_break(sim, "pin", "%s took a voucher for another serial number or nonce",
			  device->serial);
	if (!berth_bytes_equal(voucher.voucher.pinned_domain_cert,
			       berth_cert_der(enrolment->pinned)) ||
	    !chain_has(line->server, berth_cert_der(enrolment->pinned)))
		sim_break(sim, "pin", "%s pins what its voucher does not say", device->serial);
	if (!berth_bytes_equal(berth_cert_der(voucher.cms.signer),
			       berth_cert_der(maker->masa_signer)))
		sim_break(sim, "pin", "%s took a voucher that its maker did not sign",
			  device->serial);
	berth_signed_voucher_free(&voucher);
	sim_oracle_keep(device, enrolment->chain, enrolment->ca_set);
}

/* ---- certificates, their CAs and keys ---- */

static const struct berth_cert *
issuing_ca(const struct berth_judge *registrar)
{
	return registrar->authorities.at[registrar->authorities.n - 1];
}

static bool
is_of(const struct berth_cert *cert, const struct berth_cert *ca)
{
	return berth_bytes_equal(berth_cert_aki_key_id(cert), berth_cert_ski(ca));
}

void
sim_oracle_signed(struct berth_judge *judge, uint16_t op, struct berth_bytes object)
{
	struct berth_cert *cert = NULL;
	struct berth_why why = {0};
	if (judge->kind != SIM_REGISTRAR || judge->is_rogue || op != BERTH_REGISTRAR_ISSUE_LDEVID)
		return;
	judge->sim->checks++;
	sim_must(berth_cert_parse(judge->sim->pki, object, &cert, &why), &why, "issued");
	if (!is_of(cert, issuing_ca(judge)))
		sim_break(judge->sim, "rollover", "%s issued a certificate from its former CA",
			  judge->name);
	berth_cert_free(cert);
}

/* By what the device has alone: its chain, and the owner's root that the world knows. */
static enum berth_err
verify(const struct sim_device *device, const struct berth_cert_list *chain, struct berth_why *why)
{
	struct sim *sim = device->sim;
	BERTH_CERT_LIST root = {0};
	enum berth_err err =
		berth_cert_list_add(&root, sim->registrars[device->owner]->authorities.at[0], why);
	const struct berth_path_check check = {
		.leaf = chain->n == 0 ? NULL : chain->at[0],
		.untrusted = chain,
		.anchors = &root,
		.at = sim_now(sim, 0, true).wall,
	};
	if (!err && chain->n == 0)
		return berth_fail(why, BERTH_E_NOT_FOUND, "none", NULL, "it has none");
	return err ? err : berth_path_verify(sim->pki, &check, NULL, why);
}

static bool
is_ca_of(const struct berth_judge *registrar, const struct berth_cert *cert)
{
	for (size_t i = 0; i < registrar->authorities.n; i++)
		if (berth_key_equal(berth_cert_key(cert),
				    berth_cert_key(registrar->authorities.at[i])))
			return true;
	return false;
}

void
sim_oracle_keep(struct sim_device *device, const struct berth_cert_list *chain,
		const struct berth_cert_list *ca_set)
{
	struct sim *sim = device->sim;
	const struct berth_judge *registrar = sim->registrars[device->owner];
	struct berth_why why = {0};
	sim->checks++;
	for (size_t i = 0; i < ca_set->n; i++)
		if (!is_ca_of(registrar, ca_set->at[i]))
			sim_break(sim, "ca-set", "%s is about to trust %s", device->serial,
				  berth_cert_subject_text(ca_set->at[i]));
	/* It may have ended while the device was off. */
	enum berth_err err = verify(device, chain, &why);
	if (err && err != BERTH_E_EXPIRED)
		sim_break(sim, "certificate", "%s is about to keep what does not hold: %s",
			  device->serial, why.sentence);
	if (chain->n > 0 &&
	    !berth_bytes_equal_text(berth_cert_subject_serial_number(chain->at[0]), device->serial))
		sim_break(sim, "certificate", "%s is about to keep another's", device->serial);
}

void
sim_oracle_renew(struct sim_device *device, const struct berth_renewal_event *event)
{
	struct sim *sim = device->sim;
	const struct sim_line *line = &device->renewal_line;
	sim_oracle_keep(device, event->chain, event->ca_set);
	if (line->attempt != 0 && !may_enrol(device, line->server))
		sim_break(sim, event->is_renewed ? "decision" : "ca-set", "%s keeps what %s said",
			  device->serial, line->server->name);
	if (event->is_renewed && !berth_key_equal(berth_cert_key(event->chain->at[0]), event->key))
		sim_break(sim, "certificate", "%s got a certificate for another key",
			  device->serial);
}

/* After a start every key that is there is the one that it uses. */
void
sim_oracle_keys(struct sim_device *device)
{
	const struct berth_device_state *state = &device->own.state;
	size_t keys = sim_flash_keys(device);
	device->sim->checks++;
	if (keys != (state->is_enrolled ? 1 : 0))
		sim_break(device->sim, "keys", "%s has %zu keys after a start", device->serial,
			  keys);
}

bool
sim_device_is_current(const struct sim_device *device, const char **why)
{
	const struct berth_judge *registrar = device->sim->registrars[device->owner];
	const struct berth_device_state *state = &device->own.state;
	const char *missing = NULL;
	struct berth_why cause = {0};
	if (!state->is_enrolled)
		missing = "it is not enrolled";
	else if (!state->has_told && device->renewals == 0)
		missing = "its registrar does not know";
	else if (!registrar->has_rolled_over)
		missing = "its registrar has not rolled over";
	else if (!is_of(state->chain.at[0], issuing_ca(registrar)))
		missing = "its certificate is from the former CA";
	else if (registrar->has_campaign && device->saved_at_ms < registrar->campaign_at_ms)
		missing = "its certificate is older than the campaign";
	else if (verify(device, &state->chain, &cause))
		missing = "its certificate does not hold";
	if (why != NULL)
		*why = missing;
	return missing == NULL;
}

/* ---- at the end ---- */

/* What it would find when it started now; keys beyond its own are those that it has noted. */
static void
check_flash(struct sim *sim, const struct sim_device *device)
{
	BERTH_CLEANUP(berth_device_state_free) struct berth_device_state state = {0};
	BERTH_KEY *key = NULL;
	struct berth_why why = {0};
	enum berth_err err = berth_device_state_load(sim->pki, device->folder, &state, &why);
	if (!err && state.is_enrolled)
		err = berth_keystore_load(sim->pki, state.key, &key, &why);
	if (err)
		sim_break(sim, "keys", "%s: %s", device->serial, why.sentence);
	else if (state.is_enrolled && !berth_key_equal(key, berth_cert_key(state.chain.at[0])))
		sim_break(sim, "keys", "%s has lost its certificate's key", device->serial);
	else if (sim_flash_keys(device) > (size_t)state.is_enrolled + state.pending_count)
		sim_break(sim, "keys", "%s has left a key behind", device->serial);
}

static void
check_devices(struct sim *sim)
{
	for (size_t i = 0; i < sim->device_count; i++) {
		const struct sim_device *device = &sim->devices[i];
		bool may = device->sort == SIM_ALLOWED || device->sort == SIM_ASKS;
		const char *missing = NULL;
		if (may && !sim_device_is_current(device, &missing))
			sim_break(sim, "liveness", "%s: %s; last rule %s", device->serial, missing,
				  device->rule);
		if (!may && (device->own.state.is_enrolled || device->own.state.has_told))
			sim_break(sim, "denied", "%s is onboarded", device->serial);
		check_flash(sim, device);
	}
}

/* One request causes at most one signature and one call to a MASA, and a stranger's none. */
static void
check_work(struct sim *sim)
{
	for (const struct sim_call *call = sim->calls; call != NULL; call = call->next) {
		const struct sim_device *device =
			call->shown.n == 0 ? NULL : owner_of_certificate(sim, call->shown.at[0]);
		bool is_refused = call->server->kind == SIM_REGISTRAR && !call->server->is_rogue &&
				  (device == NULL ? call->shown.n == 0
						  : device->sort == SIM_DENIED ||
							    device->sort == SIM_COUNTERFEIT);
		uint32_t most = is_refused && !call->is_plain ? 0 : call->copies;
		if (call->asked_signer > most || call->asked_masa > most)
			sim_break(sim, "work", "%s did %u signatures and %u calls for one %s",
				  call->server->name, call->asked_signer, call->asked_masa,
				  call->path);
	}
}

/* Who cannot show a birth certificate of a maker we know leaves nothing in a store: he could fill it. */
static void
check_strangers(struct sim *sim)
{
	for (size_t i = 0; i < 2; i++)
		for (size_t d = 0; d < sim->device_count; d++) {
			const struct sim_device *device = &sim->devices[d];
			if (device->sort == SIM_COUNTERFEIT &&
			    count(sim->registrars[i],
				  "SELECT count(*) FROM device WHERE manufacturer_key = ?",
				  berth_cert_aki_key_id(device->idevid)) != 0)
				sim_break(sim, "work", "%s keeps a record of a stranger",
					  sim->registrars[i]->name);
		}
}

void
sim_oracle_end(struct sim *sim)
{
	check_devices(sim);
	check_work(sim);
	for (size_t i = 0; i < sim->node_count; i++) {
		if (!sim->nodes[i]->is_up) {
			sim_break(sim, "restart", "%s is down", sim->nodes[i]->name);
			continue;
		}
		check_audit(sim->nodes[i]);
		check_promises(sim->nodes[i]);
	}
	if (sim->fault[0] == '\0')
		check_strangers(sim);
	sim_secrets_search(sim);
}

void
sim_oracle_free(struct sim *sim)
{
	while (sim->promises != NULL) {
		struct sim_promise *made = sim->promises;
		sim->promises = made->next;
		berth_buf_free(&made->what);
		free(made);
	}
}
