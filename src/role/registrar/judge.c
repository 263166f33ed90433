/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/judge.h"

#include "protocol/est/client.h"
#include "protocol/est/renewal_info.h"
#include "protocol/gateway/desired_state.h"
#include "protocol/gateway/relayed.h"
#include "role/registrar/campaign.h"
#include "role/registrar/dpp.h"
#include "role/registrar/gateway.h"
#include "role/registrar/offline.h"
#include "role/registrar/ownership.h"
#include "system/files.h"

#include <stdio.h>
#include <stdlib.h>

#define PATH_BYTES 1024
#define REFUSALS_AT_ONCE 50 /* lines of strangers, then one each second */
#define REFUSALS_INTERVAL_MS 1000
#define PATH_SHOWN 64 /* of what was asked for, in the log */

/* ---- start and end ---- */

static void
judge_end(void *context)
{
	struct berth_registrar_role *role = context;
	if (role == NULL)
		return;
	for (size_t i = 0; i < BERTH_REGISTRAR_EXCHANGES_MAX; i++)
		berth_exchange_close(role->exchanges[i]);
	berth_dpp_close(role);
	berth_offline_end(role);
	berth_ownership_close(role);
	berth_publisher_close(role);
	berth_peers_end(&role->peers);
	berth_store_close(role->store);
	berth_dpp_passwords_free(&role->passwords);
	berth_policy_free(role->policy);
	berth_est_conf_free(&role->est);
	free(role->est_profiles);
	free(role->labels);
	berth_users_free(&role->users);
	for (size_t i = 0; i < role->maker_count; i++)
		berth_manufacturer_free(&role->makers[i]);
	free(role->makers);
	berth_cert_list_free(&role->issuing);
	berth_cert_list_free(&role->domain);
	berth_cert_list_free(&role->cacerts);
	free(role);
}

enum berth_err
berth_registrar_sha256(void *context, struct berth_bytes in, uint8_t out[BERTH_DIGEST_BYTES])
{
	return berth_sha256(context, in, out);
}

static enum berth_err
open_store(struct berth_registrar_role *role, struct berth_why *why)
{
	const char *directory = role->settings->daemon.state_directory;
	char path[PATH_BYTES];
	char witness[PATH_BYTES];
	int n = snprintf(path, sizeof(path), "%s/registrar.db", directory);
	int m = snprintf(witness, sizeof(witness), "%s/" BERTH_REGISTRAR_WITNESS_FILE, directory);
	if (n < 0 || (size_t)n >= sizeof(path) || m < 0 || (size_t)m >= sizeof(witness))
		return berth_fail(why, BERTH_E_USAGE, "registrar-state", NULL,
				  "state-directory is too long");
	const struct berth_store_conf conf = {
		.path = path,
		.schema = BERTH_STORE_REGISTRAR,
		.digest = {.sha256 = berth_registrar_sha256, .context = role->pki},
		.witness_path = witness,
	};
	return berth_store_open(&conf, &role->store, why);
}

static enum berth_err
load_makers(struct berth_registrar_role *role, struct berth_why *why)
{
	const struct berth_conf_items *items = &role->settings->makers;
	const struct berth_registrar_maker *makers = items->items;
	if (items->count > BERTH_MANUFACTURERS_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "registrar-manufacturers", NULL,
				  "more than %d [manufacturer] sections", BERTH_MANUFACTURERS_MAX);
	role->makers = calloc(items->count + 1, sizeof(*role->makers));
	if (role->makers == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	for (; role->maker_count < items->count; role->maker_count++) {
		enum berth_err err =
			berth_registrar_load_maker(role->pki, &makers[role->maker_count],
						   &role->makers[role->maker_count], why);
		if (err)
			return err;
	}
	return BERTH_OK;
}

static enum berth_err
load_policy(struct berth_registrar_role *role, struct berth_why *why)
{
	BERTH_BUF text = {0};
	enum berth_err err =
		berth_file_read(role->settings->policy, BERTH_POLICY_FILE_MAX_BYTES, &text, why);
	return err ? err
		   : berth_policy_parse(berth_buf_view(&text), role->settings->policy,
					&role->policy, why);
}

static enum berth_err
load_domain(struct berth_registrar_role *role, struct berth_why *why)
{
	enum berth_err err = berth_registrar_load_issuers(role->pki, role->settings, &role->issuing,
							  &role->domain, &role->cacerts, why);
	if (err)
		return err;
	role->trust = (struct berth_peer_trust){
		.manufacturers = role->makers,
		.manufacturer_count = role->maker_count,
		.domain = &role->domain,
	};
	role->est.pki = role->pki;
	role->est.cacerts = &role->cacerts;
	role->est.organization = berth_text(role->settings->domain);
	role->est.layout = (enum berth_est_layout)role->settings->est_layout;
	return BERTH_OK;
}

/* req: rfc7030-3.2.2-label */
static enum berth_err
load_labels(struct berth_registrar_role *role, struct berth_why *why)
{
	size_t n = role->settings->labels.count + 1;
	enum berth_err err = berth_labels_check(role->settings, why);
	if (err)
		return err;
	role->labels = calloc(n, sizeof(*role->labels));
	role->est_profiles = calloc(n, sizeof(*role->est_profiles));
	if (role->labels == NULL || role->est_profiles == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	for (size_t i = 0; i < n && berth_label_at(role->settings, i, &role->labels[i]); i++) {
		const struct berth_label *label = &role->labels[i];
		role->est_profiles[i] = (struct berth_est_profile){
			.name = label->name,
			.attrs = label->attrs,
			.style = label->style,
			.needs_link = label->needs_link,
			.takes_users = role->settings->est_users != NULL &&
				       (label->clients & 1U << BERTH_CLIENT_USER) != 0,
		};
	}
	role->est.profiles = role->est_profiles;
	role->est.profile_count = n;
	return berth_est_conf_build(&role->est, why);
}

static enum berth_err
load_files(struct berth_registrar_role *role, struct berth_why *why)
{
	enum berth_err err = load_makers(role, why);
	if (!err)
		err = load_policy(role, why);
	if (!err)
		err = berth_dpp_passwords_load(role->policy, &role->passwords, why);
	if (!err)
		err = load_domain(role, why);
	if (!err)
		err = load_labels(role, why);
	return err ? err
		   : berth_users_load(role->pki, role->settings->est_users, &role->users, why);
}

enum berth_err
berth_registrar_check_files(struct berth_pki *pki, const void *configuration, struct berth_why *why)
{
	const struct berth_registrar_settings *settings = configuration;
	struct berth_registrar_role *role = calloc(1, sizeof(*role));
	struct berth_cert_list shown = {0};
	if (role == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	role->pki = pki;
	role->settings = settings;
	enum berth_err err = load_files(role, why);
	if (!err)
		err = berth_registrar_load_certificates(
			pki, "tls-certificates", settings->daemon.tls_certificates, &shown, why);
	if (!err)
		err = berth_daemon_check_key("issuing-key", settings->issuing_key, why);
	const struct berth_registrar_former *formers = settings->formers.items;
	for (size_t i = 0; !err && i < settings->formers.count; i++)
		err = berth_daemon_check_key("key", formers[i].key, why);
	if (!err && settings->dpp_c_sign_key != NULL) {
		err = berth_daemon_check_key("c-sign-key", settings->dpp_c_sign_key, why);
		err = err ? err
			  : berth_daemon_check_key("bootstrapping-key",
						   settings->dpp_bootstrapping_key, why);
		err = err ? err : berth_daemon_check_key("pp-key", settings->dpp_pp_key, why);
	}
	berth_cert_list_free(&shown);
	judge_end(role);
	return err;
}

struct intents {
	int64_t row[BERTH_REGISTRAR_EXCHANGES_MAX];
	size_t n;
};

static bool
collect_intent(void *context, const struct berth_registrar_certificate *certificate)
{
	struct intents *intents = context;
	intents->row[intents->n++] = certificate->row;
	return intents->n < BERTH_REGISTRAR_EXCHANGES_MAX;
}

/* The signer's answer was lost with the last run: nothing was released, so the device may ask again. */
static enum berth_err
close_intents(struct berth_registrar_role *role, struct berth_why *why)
{
	struct intents *intents = calloc(1, sizeof(*intents));
	if (intents == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	enum berth_err err =
		berth_registrar_certificate_each_intent(role->store, collect_intent, intents, why);
	for (size_t i = 0; !err && i < intents->n; i++)
		err = berth_registrar_certificate_failed(role->store, intents->row[i], why);
	free(intents);
	return err;
}

static enum berth_err
recover(struct berth_registrar_role *role, struct berth_why *why)
{
	if (berth_store_in_transaction(role->store))
		return close_intents(role, why);
	enum berth_err err = berth_store_begin(role->store, why);
	if (!err)
		err = close_intents(role, why);
	if (!err)
		err = berth_audit_append(role->store, berth_judge_now(role->judge).wall, "judge",
					 BERTH_EVENT_STARTED, "berth-registrar", BERTH_BYTES_NONE,
					 why);
	return err ? err : berth_store_commit(role->store, why);
}

static enum berth_err
judge_start(struct berth_judge *judge, const void *configuration, void **ret_context,
	    struct berth_why *why)
{
	struct berth_registrar_role *role = calloc(1, sizeof(*role));
	if (role == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	role->judge = judge;
	role->pki = berth_judge_pki(judge);
	role->settings = configuration;
	role->log = berth_log_open("berth-registrar", role->settings->daemon.log == 1);
	role->refusals = (struct berth_log_limit){.burst = REFUSALS_AT_ONCE,
						  .interval_ms = REFUSALS_INTERVAL_MS};
	role->machine = (struct berth_registrar_conf){
		.pki = role->pki,
		.own_chain = berth_judge_tls_chain(judge),
	};
	enum berth_err err = load_files(role, why);
	if (!err)
		err = open_store(role, why);
	if (!err)
		err = recover(role, why);
	if (!err)
		err = berth_publisher_open(role, why);
	if (!err)
		err = berth_campaign_refresh(role, why);
	if (!err)
		err = berth_dpp_open(role, why);
	if (err)
		judge_end(role);
	else
		*ret_context = role;
	return err;
}

/* ---- batches ---- */

static enum berth_err
batch_begin(void *context, struct berth_why *why)
{
	struct berth_registrar_role *role = context;
	return berth_store_begin(role->store, why);
}

static enum berth_err
batch_commit(void *context, struct berth_why *why)
{
	struct berth_registrar_role *role = context;
	return berth_store_commit(role->store, why);
}

static void
batch_abort(void *context)
{
	struct berth_registrar_role *role = context;
	berth_store_abort(role->store);
}

/* ---- requests ---- */

enum resource_kind {
	RESOURCE_BRSKI,
	RESOURCE_EST_PUBLIC,
	RESOURCE_EST,
	RESOURCE_RENEWAL_INFO,
	RESOURCE_GATEWAY,
};

/* req: rfc8995-1.5-operations */
static const struct resource {
	const char *path;
	const char *what;
	enum resource_kind kind;
	int operation;
} resources[] = {
	{BERTH_BRSKI_REQUESTVOUCHER_PATH, "requestvoucher", RESOURCE_BRSKI,
	 BERTH_REGISTRAR_REQUEST_VOUCHER},
	{BERTH_BRSKI_VOUCHER_STATUS_PATH, "voucher_status", RESOURCE_BRSKI,
	 BERTH_REGISTRAR_VOUCHER_STATUS},
	{BERTH_BRSKI_ENROLLSTATUS_PATH, "enrollstatus", RESOURCE_BRSKI,
	 BERTH_REGISTRAR_ENROLL_STATUS},
	/* EST's paths may hold a label: berth_est_route knows them */
	{NULL, "cacerts", RESOURCE_EST_PUBLIC, BERTH_EST_CACERTS},
	{NULL, "csrattrs", RESOURCE_EST_PUBLIC, BERTH_EST_CSRATTRS},
	{NULL, "simpleenroll", RESOURCE_EST, BERTH_EST_SIMPLEENROLL},
	{NULL, "simplereenroll", RESOURCE_EST, BERTH_EST_SIMPLEREENROLL},
	{NULL, "serverkeygen", RESOURCE_EST_PUBLIC, BERTH_EST_SERVERKEYGEN},
	{NULL, "fullcmc", RESOURCE_EST_PUBLIC, BERTH_EST_FULLCMC},
	/* a certificate's name may follow it; the one on the connection is what counts */
	{BERTH_EST_RENEWAL_INFO_PATH, "renewal-info", RESOURCE_RENEWAL_INFO, 0},
	{BERTH_GATEWAY_STATE_PATH, "gateway-desired-state", RESOURCE_GATEWAY,
	 BERTH_GATEWAY_DESIRED_STATE},
	{BERTH_GATEWAY_REPORT_PATH, "gateway-report", RESOURCE_GATEWAY, BERTH_GATEWAY_REPORT},
};

static const struct resource *
find_est(const struct berth_registrar_role *role, struct berth_bytes path,
	 const struct berth_est_profile **profile)
{
	struct berth_bytes label;
	enum berth_est_operation operation;
	if (!berth_est_route(path, &label, &operation))
		return NULL;
	*profile = berth_est_profile_find(&role->est, label);
	for (size_t i = 0; *profile != NULL && i < sizeof(resources) / sizeof(resources[0]); i++)
		if (resources[i].path == NULL && resources[i].operation == (int)operation)
			return &resources[i];
	return NULL;
}

static const struct resource *
find_resource(const struct berth_registrar_role *role, struct berth_bytes path,
	      const struct berth_est_profile **profile)
{
	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
		if (resources[i].path != NULL && berth_bytes_equal_text(path, resources[i].path))
			return &resources[i];
	if (berth_bytes_starts_with(path, BERTH_EST_RENEWAL_INFO_PATH "/"))
		path = BERTH_LIT(BERTH_EST_RENEWAL_INFO_PATH);
	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
		if (resources[i].kind == RESOURCE_RENEWAL_INFO &&
		    berth_bytes_equal_text(path, resources[i].path))
			return &resources[i];
	return find_est(role, path, profile);
}

const char *
berth_registrar_resource_name(size_t resource)
{
	return resources[resource].what;
}

void
berth_registrar_count(struct berth_registrar_role *role, size_t resource, int status)
{
	if (status >= 200 && status < 600)
		role->requests[resource][status / 100 - 2]++;
}

/* cacerts and csrattrs are for anybody, and the same for all: RFC 7030 4.1.1. req: rfc7030-4.1.1-anybody */
static void
serve_public(struct berth_registrar_role *role, const struct resource *resource,
	     const struct berth_est_profile *profile, struct berth_ticket *ticket,
	     const struct berth_http_request *http, const struct berth_tls_facts *tls)
{
	BERTH_EST est;
	struct berth_why why = {0};
	struct berth_seen_peer *seen = NULL;
	/* Only csrattrs tells a client anything of its own. */
	if (resource->operation == BERTH_EST_CSRATTRS && tls->peer_count > 0)
		berth_ignore(berth_peers_find(&role->peers, role->pki, &role->trust, tls,
					      berth_judge_now(role->judge), &seen, &why),
			     "then what is for anybody");
	berth_est_start(&est, &role->est, profile, (enum berth_est_operation)resource->operation,
			seen == NULL ? NULL : &seen->peer, tls);
	berth_ignore(berth_est_input(&est, http), "it always ends");
	berth_registrar_count(role, (size_t)(resource - resources), est.response.status);
	berth_judge_reply(role->judge, ticket, &est.response);
	berth_peers_release(seen);
}

static void
copy_address(struct berth_registrar_exchange *exchange, struct berth_bytes address)
{
	size_t n =
		address.n < sizeof(exchange->address) ? address.n : sizeof(exchange->address) - 1;
	for (size_t i = 0; i < n; i++) {
		char c = (char)address.p[i];
		exchange->address[i] = c > ' ' && c <= '~' && c != '"' && c != '\\' ? c : '?';
	}
}

static void
serve(struct berth_registrar_exchange *exchange, const struct resource *resource,
      const struct berth_est_profile *profile, const struct berth_http_request *http,
      const struct berth_tls_facts *tls)
{
	struct berth_registrar_role *role = exchange->role;
	if (resource->kind == RESOURCE_RENEWAL_INFO) {
		berth_registrar_serve_renewal_info(exchange, http);
		return;
	}
	if (resource->kind == RESOURCE_GATEWAY) {
		berth_registrar_serve_gateway(
			exchange, (enum berth_gateway_operation)resource->operation, http);
		return;
	}
	if (resource->kind == RESOURCE_BRSKI) {
		berth_registrar_start(&exchange->brski, &role->machine,
				      (enum berth_registrar_operation)resource->operation,
				      &exchange->seen->peer, berth_judge_now(role->judge));
		berth_registrar_serve_brski(exchange,
					    berth_registrar_input(&exchange->brski, http));
		return;
	}
	berth_est_start(&exchange->est, &role->est, profile,
			(enum berth_est_operation)resource->operation, &exchange->seen->peer, tls);
	berth_registrar_serve_est(exchange, berth_est_input(&exchange->est, http));
}

static void
refuse_path(struct berth_registrar_role *role, struct berth_ticket *ticket, struct berth_bytes path,
	    struct berth_bytes peer_address)
{
	char asked[PATH_SHOWN], from[PATH_SHOWN];
	struct berth_why why;
	berth_ignore(berth_fail(&why, BERTH_E_NOT_FOUND, "rfc8995-5-path", "RFC 8995 5",
				"there is no such resource here"),
		     "only the why is wanted");
	(void)snprintf(asked, sizeof(asked), "%.*s", (int)path.n, (const char *)path.p);
	(void)snprintf(from, sizeof(from), "%.*s", (int)peer_address.n,
		       (const char *)peer_address.p);
	if (berth_log_allows(&role->refusals, berth_judge_now(role->judge).mono, &role->suppressed))
		berth_log_why(&role->log, BERTH_LOG_WARNING, "request.refused", &why, "path", asked,
			      "from", from, "status", "404", (const char *)NULL);
	berth_judge_reply_text(role->judge, ticket, 404, false, why.sentence);
}

static void
refuse_peer(struct berth_registrar_exchange *exchange, const struct berth_why *why)
{
	char text[BERTH_WHY_SENTENCE_MAX + 64];
	struct berth_decision decision;
	int n = snprintf(text, sizeof(text), "%s (%s)\n", why->sentence, why->rule);
	berth_decision_start(&decision);
	berth_decision_fail(&decision, why);
	const struct berth_http_response response = {
		.status = why->err == BERTH_E_DENIED ? 403 : 503,
		.media_type = BERTH_LIT("text/plain; charset=utf-8"),
		.retry_after_s = -1,
		.body = berth_bytes_of(text, n < 0 ? 0 : (size_t)n),
	};
	berth_exchange_finish(exchange, "revocation", &decision, &response, why);
}

static const enum berth_registrar_kind exchange_kinds[] = {
	[RESOURCE_BRSKI] = BERTH_EXCHANGE_BRSKI,
	[RESOURCE_EST_PUBLIC] = BERTH_EXCHANGE_EST,
	[RESOURCE_EST] = BERTH_EXCHANGE_EST,
	[RESOURCE_RENEWAL_INFO] = BERTH_EXCHANGE_RENEWAL_INFO,
	[RESOURCE_GATEWAY] = BERTH_EXCHANGE_GATEWAY,
};

static bool
is_open_to_all(const struct resource *resource)
{
	return resource->kind == RESOURCE_RENEWAL_INFO || resource->kind == RESOURCE_GATEWAY ||
	       (resource->kind == RESOURCE_BRSKI &&
		resource->operation == BERTH_REGISTRAR_ENROLL_STATUS) ||
	       (resource->kind == RESOURCE_EST && resource->operation == BERTH_EST_SIMPLEREENROLL);
}

static void
judge_request(void *context, struct berth_ticket *ticket, const struct berth_http_request *http,
	      const struct berth_tls_facts *tls, struct berth_bytes peer_address)
{
	struct berth_registrar_role *role = context;
	const struct berth_est_profile *profile = NULL;
	const struct resource *resource = find_resource(role, http->path, &profile);
	if (resource == NULL) {
		refuse_path(role, ticket, http->path, peer_address);
		return;
	}
	if (resource->kind == RESOURCE_EST_PUBLIC) {
		serve_public(role, resource, profile, ticket, http, tls);
		return;
	}
	struct berth_registrar_exchange *exchange =
		berth_exchange_open(role, ticket, exchange_kinds[resource->kind], resource->what);
	struct berth_why why = {0};
	if (exchange == NULL ||
	    berth_peers_find(&role->peers, role->pki, &role->trust, tls,
			     berth_judge_now(role->judge), &exchange->seen, &why)) {
		berth_exchange_close(exchange);
		berth_judge_reply_text(role->judge, ticket, 503, false,
				       "too many devices at once; try again");
		return;
	}
	exchange->resource = (size_t)(resource - resources);
	copy_address(exchange, peer_address);
	exchange->tls =
		(struct berth_tls_facts){.version = tls->version, .connection = tls->connection};
	exchange->has_random = tls->client_random.n == sizeof(exchange->client_random);
	if (exchange->has_random)
		memcpy(exchange->client_random, tls->client_random.p, tls->client_random.n);
	if (berth_exchange_check_standing(exchange, &why) ||
	    berth_peer_check_role(&exchange->seen->peer, is_open_to_all(resource), &why)) {
		refuse_peer(exchange, &why);
		return;
	}
	serve(exchange, resource, profile, http, tls);
}

/* ---- answers ---- */

/* An operator may have spoken against the device while the signer worked; what was signed then never leaves. */
static enum berth_err
check_still_wanted(struct berth_registrar_exchange *exchange, struct berth_why *why)
{
	struct berth_registrar_certificate certificate;
	enum berth_err err = berth_registrar_certificate_get(
		exchange->role->store, exchange->certificate, &exchange->arena, &certificate, why);
	if (err || certificate.credential.state != BERTH_CREDENTIAL_REVOKED)
		return err;
	return berth_fail(why, BERTH_E_DENIED, "credential-revoked", NULL,
			  "the device was denied or revoked while its certificate was signed");
}

static void
certificate_answer(struct berth_registrar_exchange *exchange, enum berth_err err,
		   struct berth_bytes der, const struct berth_why *signer_why)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_why why = *signer_why;
	if (err) {
		struct berth_why store_why = {0};
		berth_ignore(berth_registrar_certificate_failed(role->store, exchange->certificate,
								&store_why),
			     "closed at the next start otherwise");
		berth_registrar_serve_est(exchange, berth_est_fail(&exchange->est, &why));
		return;
	}
	err = check_still_wanted(exchange, &why);
	if (!err)
		err = berth_exchange_note(exchange, BERTH_EVENT_CERTIFICATE_ISSUED, "issued", &why);
	if (!err)
		err = berth_registrar_certificate_issued(role->store, exchange->certificate, der,
							 &why);
	if (!err)
		err = berth_registrar_gateway_enrolled(exchange, &why);
	if (!err && exchange->renewed == 0)
		err = berth_exchange_move_device(exchange, BERTH_DEVICE_ENROLLED, &why);
	if (!err)
		berth_log(&role->log, BERTH_LOG_NOTICE,
			  exchange->renewed == 0 ? "device.enrolled" : "device.renewed", "device",
			  exchange->device_id, (const char *)NULL);
	berth_registrar_serve_est(exchange,
				  err ? berth_est_fail(&exchange->est, &why)
				      : berth_est_answer_certificate(&exchange->est, der));
}

static void
judge_signature(void *context, uint64_t cookie, enum berth_err err, struct berth_bytes object,
		const struct berth_why *why)
{
	struct berth_registrar_role *role = context;
	if (berth_offline_is_cookie(cookie)) {
		berth_offline_signed(role, cookie, err, object, why);
		return;
	}
	if (berth_dpp_signature(role, cookie, err, object, why) ||
	    berth_publish_signature(role, cookie, err, object, why))
		return;
	struct berth_registrar_exchange *exchange = berth_exchange_find(role, cookie);
	if (exchange == NULL)
		return;
	struct berth_why cause = {0};
	if (why != NULL)
		cause = *why;
	if (err)
		berth_log_why(&role->log, BERTH_LOG_ERROR, "signer.refused", &cause, "device",
			      exchange->device_id, (const char *)NULL);
	if (exchange->kind == BERTH_EXCHANGE_EST) {
		certificate_answer(exchange, err, object, &cause);
		return;
	}
	berth_registrar_serve_brski(exchange,
				    err ? berth_registrar_fail(&exchange->brski, &cause)
					: berth_registrar_answer_rvr(&exchange->brski, object));
}

static void
judge_dialled(void *context, uint64_t cookie, const struct berth_http_response *response,
	      const struct berth_tls_facts *tls, const struct berth_why *why)
{
	(void)tls;
	if (berth_ownership_is_cookie(cookie)) {
		berth_ownership_dialled(context, cookie, response, why);
		return;
	}
	if (berth_offline_is_cookie(cookie)) {
		berth_offline_dialled(context, cookie, response, why);
		return;
	}
	struct berth_registrar_exchange *exchange = berth_exchange_find(context, cookie);
	if (exchange != NULL && exchange->kind == BERTH_EXCHANGE_BRSKI)
		berth_registrar_serve_brski(
			exchange, berth_registrar_answer_masa(&exchange->brski, response, why));
}

/* What was asked of signer or MASA still comes and is still written down; only nobody waits for it. */
static void
judge_gone(void *context, struct berth_ticket *ticket)
{
	struct berth_registrar_exchange *exchange = berth_ticket_get(ticket);
	if (exchange != NULL)
		exchange->ticket = NULL;
	else {
		berth_offline_gone(context, ticket);
		berth_ownership_gone(context, ticket);
		berth_publish_gone(context, ticket);
	}
}

static void
judge_tick(void *context)
{
	berth_offline_tick(context);
	berth_publish_refresh(context);
	berth_registrar_gateways_tick(context);
	berth_dpp_tick(context);
}

const struct berth_judge_role berth_registrar_judge_role = {
	.start = judge_start,
	.end = judge_end,
	.batch_begin = batch_begin,
	.batch_commit = batch_commit,
	.batch_abort = batch_abort,
	.request = judge_request,
	.published = berth_registrar_published,
	.signature = judge_signature,
	.dialled = judge_dialled,
	.gone = judge_gone,
	.dpp_message = berth_dpp_message,
	.dpp_gone = berth_dpp_gone,
	.admin = berth_registrar_admin,
	.metrics = berth_registrar_metrics,
	.tick = judge_tick,
};
