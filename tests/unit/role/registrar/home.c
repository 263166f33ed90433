/* SPDX-License-Identifier: BSD-2-Clause */
#include "home.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "protocol/est/client.h"
#include "role/registrar/domain.h"
#include "role/registrar/signer.h"
#include "role/registrar/signing.h"
#include "system/files.h"

/* ---- the daemon, played ---- */

const char *const berth_daemon_log_choices[] = {"text", "json", NULL};

struct looking_for {
	const char *event;
	size_t found;
};

static bool
is_event(void *context, const struct berth_audit_entry *entry)
{
	struct looking_for *looking = context;
	looking->found += berth_bytes_equal_text(entry->event, looking->event);
	return true;
}

size_t
home_recorded(const struct berth_judge *judge, enum berth_event_kind kind)
{
	const struct berth_registrar_role *role = judge->role;
	struct looking_for looking = {.event = berth_event_name(kind)};
	assert_int_equal(berth_audit_each(role->store, 1, is_event, &looking, NULL), BERTH_OK);
	return looking.found;
}

void
berth_judge_reply(struct berth_judge *judge, struct berth_ticket *ticket,
		  const struct berth_http_response *response)
{
	assert_false(ticket->is_replied);
	ticket->is_replied = true;
	ticket->status = response->status;
	ticket->retry_after_s = response->retry_after_s;
	assert_int_equal(berth_buf_append_bytes(&ticket->body, response->body), BERTH_OK);
	ticket->forwarding_was_recorded = home_recorded(judge, BERTH_EVENT_VOUCHER_FORWARDED) > 0;
	ticket->issue_was_recorded = home_recorded(judge, BERTH_EVENT_CERTIFICATE_ISSUED) > 0;
}

void
berth_judge_reply_text(struct berth_judge *judge, struct berth_ticket *ticket, int status,
		       bool close_it, const char *sentence)
{
	(void)close_it;
	berth_judge_reply(
		judge, ticket,
		&(struct berth_http_response){.status = status, .body = berth_text(sentence)});
}

void
berth_judge_sign(struct berth_judge *judge, uint16_t op, struct berth_bytes payload,
		 uint64_t cookie)
{
	judge->op = op;
	judge->cookie = cookie;
	berth_buf_clear(&judge->payload);
	assert_int_equal(berth_buf_append_bytes(&judge->payload, payload), BERTH_OK);
	judge->intent_was_recorded =
		home_recorded(judge, op == BERTH_REGISTRAR_SIGN_RVR
					     ? BERTH_EVENT_VOUCHER_REQUESTED
					     : BERTH_EVENT_CERTIFICATE_INTENT) > 0;
}

void
berth_judge_dial(struct berth_judge *judge, const struct berth_dial *dial, uint64_t cookie)
{
	judge->cookie = cookie;
	berth_buf_clear(&judge->dial_body);
	assert_int_equal(berth_buf_append_bytes(&judge->dial_body, dial->request.body), BERTH_OK);
	(void)snprintf(judge->dialled, sizeof(judge->dialled), "%.*s%.*s", (int)dial->host.n,
		       (const char *)dial->host.p, (int)dial->request.path.n,
		       (const char *)dial->request.path.p);
}

void
berth_judge_dpp_send(struct berth_judge *judge, struct berth_dpp_peer peer, struct berth_bytes body,
		     bool close)
{
	(void)judge;
	(void)peer;
	(void)body;
	(void)close;
	fail_msg("nothing here speaks DPP");
}

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
	return judge->f->now;
}

struct berth_pki *
berth_judge_pki(struct berth_judge *judge)
{
	return judge->f->pki;
}

struct berth_random
berth_judge_random(struct berth_judge *judge)
{
	return berth_pki_random(judge->f->pki);
}

const struct berth_cert_list *
berth_judge_tls_chain(const struct berth_judge *judge)
{
	return &judge->chain;
}

/* ---- the world ---- */

static void
write_file(const char *path, struct berth_bytes text)
{
	struct berth_why why = {0};
	fixture_must(berth_file_write(path, text, 0600, &why), &why, path);
}

static const char *
path_of(struct berth_judge *judge, size_t i, const char *name)
{
	(void)snprintf(judge->paths[i], sizeof(judge->paths[i]), "%s/%s", judge->home, name);
	return judge->paths[i];
}

static void
configure(struct berth_judge *judge, const char *policy)
{
	struct berth_why why = {0};
	BERTH_BUF pem = {0};
	assert_int_equal(berth_cert_append_pem(judge->f->maker.cert, &pem), BERTH_OK);
	static char issuing_key[256];
	(void)snprintf(issuing_key, sizeof(issuing_key), "file:%s/keys/issuing.key", judge->home);
	static char registrar_key[256];
	(void)snprintf(registrar_key, sizeof(registrar_key), "file:%s/keys/registrar.key",
		       judge->home);
	static char state[160];
	(void)snprintf(state, sizeof(state), "%s/state", judge->home);
	judge->maker = (struct berth_registrar_maker){.name = "Acme",
						      .anchors = path_of(judge, 0, "acme.pem"),
						      .content_type = BERTH_CMS_ANIMA_VOUCHER};
	write_file(judge->maker.anchors, berth_buf_view(&pem));
	judge->settings = (struct berth_registrar_settings){
		.daemon = {.tls_certificates = path_of(judge, 1, "registrar.pem"),
			   .plain_listen = "[::]:8080",
			   .tls_key = registrar_key,
			   .state_directory = state},
		.domain = "Home",
		.policy = path_of(judge, 2, "policy.conf"),
		.issuing_certificates = path_of(judge, 3, "issuing.pem"),
		.issuing_key = issuing_key,
		.retry_after_s = 10,
		.approval_timeout_s = 4 * 86400,
		.permission_lifetime_s = 3600,
		.certificate_lifetime_s = 86400,
		.masa_timeout_s = 5,
		.issue_per_minute = 100,
		.sign_per_minute = 100,
		.publish_url = "http://registrar.example:8080",
		.crl_lifetime_s = 86400,
		.ocsp_lifetime_s = 3600,
		.ocsp_per_minute = 3,
		.makers = {.items = &judge->maker, .count = 1},
	};
	write_file(judge->settings.policy, berth_text(policy));
	fixture_must(berth_registrar_load_certificates(judge->f->pki, "tls",
						       judge->settings.daemon.tls_certificates,
						       &judge->chain, &why),
		     &why, "chain");
}

struct berth_judge *
home_open(const char *policy)
{
	return home_open_with(policy, NULL);
}

struct berth_judge *
home_open_with(const char *policy, void (*adjust)(struct berth_judge *judge))
{
	struct berth_judge *judge = calloc(1, sizeof(*judge));
	struct berth_why why = {0};
	assert_non_null(judge);
	judge->f = fixture_open();
	(void)snprintf(judge->home, sizeof(judge->home), "%s", "/tmp/berth-judge-XXXXXX");
	assert_non_null(mkdtemp(judge->home));
	const struct berth_domain_plan plan = {
		.directory = judge->home,
		.name = "Home",
		.listen = "127.0.0.1:0",
		.hosts = {BERTH_LIT("localhost")},
		.host_count = 1,
		.now = judge->f->now.wall,
	};
	fixture_must(berth_domain_make(judge->f->pki, &plan, &why), &why, "domain");
	configure(judge, policy);
	if (adjust != NULL)
		adjust(judge);
	fixture_must(berth_registrar_judge_role.start(judge, &judge->settings, &judge->role, &why),
		     &why, "judge");
	fixture_must(berth_registrar_signer_role.start(judge->f->pki, &judge->settings,
						       &judge->signer, &why),
		     &why, "signer");
	return judge;
}

void
home_close(struct berth_judge *judge)
{
	berth_registrar_judge_role.end(judge->role);
	berth_registrar_signer_role.end(judge->signer);
	berth_cert_list_free(&judge->chain);
	berth_buf_free(&judge->payload);
	berth_buf_free(&judge->dial_body);
	static const char *const files[] = {"acme.pem",
					    "registrar.pem",
					    "issuing.pem",
					    "domain-ca.pem",
					    "policy.conf",
					    "users.conf",
					    "registrar.conf",
					    "keys/root.key",
					    "keys/issuing-2.key",
					    "former/1.pem",
					    "former",
					    "issuing-2.pem",
					    "registrar-2.pem",
					    "registrar.conf.d/zz-rollover.conf",
					    "registrar.conf.d",
					    "keys/issuing.key",
					    "keys/registrar.key",
					    "state/registrar.db",
					    "state/registrar.db-wal",
					    "state/registrar.db-shm",
					    "state/" BERTH_REGISTRAR_WITNESS_FILE,
					    "state/issuance.log",
					    "state/crl.number",
					    "state",
					    "keys",
					    ""};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[256];
		(void)snprintf(path, sizeof(path), "%s/%s", judge->home, files[i]);
		(void)remove(path);
	}
	fixture_close(judge->f);
	free(judge);
}

void
home_begin(struct berth_judge *judge)
{
	assert_int_equal(berth_registrar_judge_role.batch_begin(judge->role, NULL), BERTH_OK);
}

void
home_commit(struct berth_judge *judge)
{
	assert_int_equal(berth_registrar_judge_role.batch_commit(judge->role, NULL), BERTH_OK);
}

void
home_request(struct berth_judge *judge, struct berth_ticket *ticket, const struct person *who,
	     const char *path, const char *media_type, struct berth_bytes body)
{
	const struct berth_http_request http = {.method = BERTH_HTTP_POST,
						.path = berth_text(path),
						.media_type = berth_text(media_type),
						.body = body};
	const struct berth_tls_facts tls = {.peer_chain = {berth_cert_der(who->cert)},
					    .peer_count = 1,
					    .version = 0x0304,
					    .connection = 1};
	*ticket = (struct berth_ticket){0};
	home_begin(judge);
	berth_registrar_judge_role.request(judge->role, ticket, &http, &tls,
					   BERTH_LIT("192.0.2.1"));
	home_commit(judge);
}

/* The real signer answers what waits for it. */
void
home_sign(struct berth_judge *judge)
{
	BERTH_BUF object = {0};
	struct berth_why why = {0};
	enum berth_err err = berth_registrar_signer_role.sign(judge->signer, judge->op,
							      berth_buf_view(&judge->payload),
							      judge->f->now, &object, &why);
	home_begin(judge);
	berth_registrar_judge_role.signature(judge->role, judge->cookie, err,
					     berth_buf_view(&object), &why);
	home_commit(judge);
}

void
home_masa_answers(struct berth_judge *judge, int status, const char *media_type,
		  struct berth_bytes body)
{
	const struct berth_http_response response = {
		.status = status, .media_type = berth_text(media_type), .body = body};
	home_begin(judge);
	berth_registrar_judge_role.dialled(judge->role, judge->cookie, &response, NULL, NULL);
	home_commit(judge);
}

void
home_make_pvr(struct berth_judge *judge, struct berth_buf *der)
{
	struct berth_voucher pvr = fixture_pvr(judge->f);
	pvr.proximity_registrar_cert = berth_cert_der(judge->chain.at[0]);
	fixture_sign(judge->f, &pvr, &judge->f->device, der);
}

void
home_ask_for_voucher(struct berth_judge *judge, struct berth_ticket *ticket, struct berth_bytes pvr)
{
	home_request(judge, ticket, &judge->f->device, BERTH_BRSKI_REQUESTVOUCHER_PATH,
		     BERTH_MEDIA_VOUCHER_CMS, pvr);
}

void
home_give_voucher(struct berth_judge *judge)
{
	struct berth_voucher voucher = fixture_voucher(judge->f);
	BERTH_BUF der = {0};
	voucher.pinned_domain_cert = berth_cert_der(judge->chain.at[1]);
	fixture_sign(judge->f, &voucher, &judge->f->masa, &der);
	home_masa_answers(judge, 200, BERTH_MEDIA_VOUCHER_CMS, berth_buf_view(&der));
}

/* Until the device has its voucher. */
void
home_reach_voucher(struct berth_judge *judge)
{
	struct berth_ticket ticket;
	BERTH_BUF pvr = {0};
	home_make_pvr(judge, &pvr);
	home_ask_for_voucher(judge, &ticket, berth_buf_view(&pvr));
	home_sign(judge);
	home_give_voucher(judge);
	assert_int_equal(ticket.status, 200);
	berth_buf_free(&ticket.body);
}

/* domains: the certificates whose domainIDs the log's events name. */
static void
audit_log_of(struct berth_judge *judge, struct berth_cert *const *domains, size_t n,
	     struct berth_buf *json)
{
	assert_int_equal(berth_buf_append_text(json, "{\"version\":1,\"events\":["), BERTH_OK);
	for (size_t i = 0; i < n; i++) {
		uint8_t id[32];
		BERTH_BUF text = {0};
		size_t size = berth_cert_domain_id(judge->f->pki, domains[i], id);
		assert_int_equal(berth_base64_encode(berth_bytes_of(id, size), 0, &text), BERTH_OK);
		assert_int_equal(
			berth_buf_printf(
				json,
				"%s{\"date\":\"2026-09-21T00:00:00Z\","
				"\"domainID\":\"%.*s\",\"nonce\":\"AQIDBAUGBwg=\",\"assertion\":"
				"\"proximity\"}",
				i > 0 ? "," : "", (int)text.n, (const char *)text.p),
			BERTH_OK);
	}
	assert_int_equal(
		berth_buf_append_text(json, "],\"truncation\":{\"nonced duplicates\":0,\"nonceless "
					    "duplicates\":0,\"arbitrary\":0}}"),
		BERTH_OK);
}

void
home_give_audit_log(struct berth_judge *judge, struct berth_cert *const *domains, size_t n)
{
	BERTH_BUF json = {0};
	audit_log_of(judge, domains, n, &json);
	home_masa_answers(judge, 200, "application/json", berth_buf_view(&json));
}

void
home_accept_voucher_after(struct berth_judge *judge, struct berth_cert *const *domains, size_t n)
{
	struct berth_ticket ticket;
	home_request(judge, &ticket, &judge->f->device, BERTH_BRSKI_VOUCHER_STATUS_PATH,
		     "application/json", BERTH_LIT("{\"version\":1,\"status\":true}"));
	assert_false(ticket.is_replied);
	assert_string_equal(judge->dialled, "masa.example/.well-known/brski/requestauditlog");
	home_give_audit_log(judge, domains, n);
	assert_int_equal(ticket.status, 200);
	berth_buf_free(&ticket.body);
}

void
home_accept_voucher(struct berth_judge *judge, struct berth_cert *domain)
{
	home_accept_voucher_after(judge, &domain, 1);
}

void
home_ask_for_certificate(struct berth_judge *judge, struct berth_ticket *ticket,
			 struct berth_bytes csr)
{
	BERTH_BUF body = {0};
	assert_int_equal(berth_base64_encode(csr, 0, &body), BERTH_OK);
	home_request(judge, ticket, &judge->f->device, BERTH_EST_SIMPLEENROLL_PATH,
		     BERTH_EST_MEDIA_PKCS10, berth_buf_view(&body));
}

void
home_make_csr(struct berth_judge *judge, struct berth_buf *csr)
{
	const struct berth_request_fields fields = {.serial_number = BERTH_LIT(FIXTURE_SERIAL)};
	fixture_csr(judge->f, &fields, NULL, csr);
}

void
home_ask_operator(struct berth_judge *judge, struct berth_ticket *ticket, const char *act)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "/v1/devices/%s/%s", FIXTURE_SERIAL, act);
	const struct berth_http_request http = {.method = BERTH_HTTP_POST,
						.path = berth_text(path)};
	*ticket = (struct berth_ticket){0};
	home_begin(judge);
	berth_registrar_judge_role.admin(judge->role, ticket, &http, "anna");
	home_commit(judge);
}
