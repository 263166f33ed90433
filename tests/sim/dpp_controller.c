/* SPDX-License-Identifier: BSD-2-Clause */
/* The Controller's judge shell, played: batches, what leaves after the commit, and restarts. */
#include "dpp_sim.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec/dpp_uri.h"
#include "pki/keystore/keystore.h"
#include "role/registrar/domain.h"
#include "role/registrar/signer.h"
#include "role/registrar/signing.h"
#include "system/files.h"

#define SIGNER_MS 12
#define OUT_MAX 4096

const char *const berth_daemon_log_choices[] = {"text", "json", NULL};

struct out {
	bool is_signing;
	struct berth_dpp_peer peer;
	bool closes;
	struct berth_buf body;
	uint16_t op;
	uint64_t cookie;
};

struct berth_judge {
	struct dpp_sim *sim;
	char home[64];
	char paths[8][160];
	struct berth_registrar_settings settings;
	struct berth_cert_list chain;
	void *role, *signer;
	uint64_t life;
	bool is_up;
	struct out out[OUT_MAX];
	size_t out_count;
	struct berth_buf reply;
	int status;
};

struct berth_ticket {
	void *session;
};

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
	return (struct berth_now){.wall = dpp_wall(judge->sim), .mono = dpp_mono(judge->sim)};
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

void
berth_judge_reply(struct berth_judge *judge, struct berth_ticket *ticket,
		  const struct berth_http_response *response)
{
	(void)ticket;
	judge->status = response->status;
	berth_buf_clear(&judge->reply);
	berth_ignore(berth_buf_append_bytes(&judge->reply, response->body), "a short reply then");
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
berth_judge_dial(struct berth_judge *judge, const struct berth_dial *dial, uint64_t cookie)
{
	(void)dial;
	(void)cookie;
	dpp_break(judge->sim, "the Controller dials");
}

void
berth_judge_dpp_dial(struct berth_judge *judge, struct berth_bytes host, uint16_t port,
		     uint64_t cookie)
{
	(void)host;
	(void)port;
	(void)cookie;
	dpp_break(judge->sim, "the Controller dials");
}

static struct out *
queue(struct berth_judge *judge, struct berth_bytes body)
{
	if (judge->out_count == OUT_MAX)
		abort();
	struct out *out = &judge->out[judge->out_count++];
	*out = (struct out){0};
	if (berth_buf_append_bytes(&out->body, body))
		abort();
	return out;
}

/* Nobody who may not join costs the signer anything. */
void
berth_judge_sign(struct berth_judge *judge, uint16_t op, struct berth_bytes payload,
		 uint64_t cookie)
{
	const struct dpp_device *cause = judge->sim->cause;
	struct out *out = queue(judge, payload);

	out->is_signing = true;
	out->op = op;
	out->cookie = cookie;
	judge->sim->asked++;
	/* a Controller that has just started asks for its public keys when anybody comes, once */
	if (op != BERTH_REGISTRAR_DPP_KEYS && cause != NULL &&
	    (cause->kind == DPP_DENIED || cause->kind == DPP_UNKNOWN ||
	     (cause->kind == DPP_BY_OPERATOR && !cause->is_approved)))
		dpp_break(judge->sim, "device %zu, which may not join, cost a signature",
			  cause->number);
}

void
berth_judge_dpp_send(struct berth_judge *judge, struct berth_dpp_peer peer, struct berth_bytes body,
		     bool close)
{
	struct out *out = queue(judge, body);

	out->peer = peer;
	out->closes = close;
}

/* ---- batches ---- */

static struct dpp_device *
whose(struct dpp_sim *sim, uint64_t connection)
{
	for (size_t i = 0; i < sim->device_count; i++) {
		if (sim->devices[i].connection == connection || sim->devices[i].older == connection)
			return &sim->devices[i];
	}
	return NULL;
}

static void
send_one(struct berth_judge *judge, struct out *out)
{
	struct dpp_sim *sim = judge->sim;
	struct dpp_device *device;

	if (out->is_signing) {
		struct dpp_event *event = dpp_at(sim, 1 + dpp_below(sim, SIGNER_MS), DPP_SIGNED);
		event->op = out->op;
		event->cookie = out->cookie;
		event->life = judge->life;
		event->body = out->body;
		out->body = (struct berth_buf){0};
		return;
	}
	device = whose(sim, out->peer.id);
	if (device == NULL)
		return; /* its relay has closed it */
	if (out->body.n > 0)
		dpp_air_to_device(device, berth_buf_view(&out->body));
	if (!out->closes)
		return;
	if (device->connection == out->peer.id)
		device->connection = 0;
	else
		device->older = 0;
}

static void
end_batch(struct berth_judge *judge)
{
	struct berth_why why = {0};

	if (berth_registrar_judge_role.batch_commit(judge->role, &why))
		dpp_break(judge->sim, "a batch failed: %s", why.sentence);
	/* a crash between the commit and what it was to send */
	bool dies = dpp_fault(judge->sim, 1, 400);
	size_t n = dies ? dpp_below(judge->sim, (uint32_t)judge->out_count + 1) : judge->out_count;
	for (size_t i = 0; i < judge->out_count; i++) {
		if (i < n)
			send_one(judge, &judge->out[i]);
		berth_buf_free(&judge->out[i].body);
	}
	judge->out_count = 0;
	judge->sim->cause = NULL;
	if (dies)
		dpp_controller_crash(judge->sim);
}

static void
begin_batch(struct berth_judge *judge)
{
	struct berth_why why = {0};

	if (berth_registrar_judge_role.batch_begin(judge->role, &why))
		dpp_break(judge->sim, "no batch begins: %s", why.sentence);
}

void
dpp_controller_take(struct dpp_sim *sim, struct dpp_device *device, struct berth_bytes body)
{
	struct berth_judge *judge = sim->judge;

	sim->cause = device;
	begin_batch(judge);
	berth_registrar_judge_role.dpp_message(judge->role,
					       (struct berth_dpp_peer){0, device->connection}, body,
					       BERTH_LIT("192.0.2.1"));
	end_batch(judge);
}

void
dpp_controller_gone(struct dpp_sim *sim, uint64_t connection)
{
	begin_batch(sim->judge);
	berth_registrar_judge_role.dpp_gone(sim->judge->role,
					    (struct berth_dpp_peer){0, connection});
	end_batch(sim->judge);
}

void
dpp_controller_signed(struct dpp_sim *sim, struct dpp_event *event)
{
	struct berth_judge *judge = sim->judge;
	struct berth_why why = {0};
	BERTH_BUF object = {0};

	if (!judge->is_up || event->life != judge->life)
		return;
	enum berth_err err = berth_registrar_signer_role.sign(
		judge->signer, event->op, berth_buf_view(&event->body), berth_judge_now(judge),
		&object, &why);
	if (!err && dpp_fault(sim, 1, 60)) {
		sim->refused_signatures++;
		berth_buf_clear(&object);
		err = berth_fail(&why, BERTH_E_UNREACHABLE, "process-restarted", NULL,
				 "the process that was asked has ended; try again");
	}
	begin_batch(judge);
	berth_registrar_judge_role.signature(judge->role, event->cookie, err,
					     berth_buf_view(&object), &why);
	end_batch(judge);
}

void
dpp_controller_tick(struct dpp_sim *sim)
{
	if (!sim->judge->is_up)
		return;
	begin_batch(sim->judge);
	berth_registrar_judge_role.tick(sim->judge->role);
	end_batch(sim->judge);
}

/* ---- operators ---- */

static void
operate(struct dpp_sim *sim, const char *path, struct berth_bytes body)
{
	struct berth_judge *judge = sim->judge;
	struct berth_ticket ticket = {0};
	const struct berth_http_request http = {.method = BERTH_HTTP_POST,
						.path = berth_text(path),
						.media_type = BERTH_LIT("application/json"),
						.body = body};

	begin_batch(judge);
	berth_registrar_judge_role.admin(judge->role, &ticket, &http, "anna");
	end_batch(judge);
	if (judge->status != 200)
		dpp_break(sim, "%s: %d %.*s", path, judge->status, (int)judge->reply.n,
			  (const char *)judge->reply.p);
}

void
dpp_controller_add(struct dpp_sim *sim, struct dpp_device *device)
{
	static const char *const models[DPP_KINDS] = {"sensor", "cam", "toy", "?"};
	struct berth_dpp_uri uri = {.version = device->version > 1 ? 2 : 0};
	BERTH_BUF spki = {0};
	BERTH_BUF text = {0};
	BERTH_BUF body = {0};
	BERTH_JSON json_t *reply = NULL;
	struct berth_bytes id;

	if (device->kind == DPP_UNKNOWN)
		return;
	if (berth_ec_build_spki(&device->key.bootstrapping.point, BERTH_EC_COMPRESSED, &spki) ||
	    spki.n > sizeof(uri.spki))
		abort();
	memcpy(uri.spki, spki.p, spki.n);
	uri.spki_n = spki.n;
	if (berth_dpp_uri_write(&uri, &text, NULL) ||
	    berth_buf_printf(&body, "{\"uri\":\"%.*s\",\"model\":\"%s\",\"serial-number\":\"%zu\"}",
			     (int)text.n, (const char *)text.p, models[device->kind],
			     device->number))
		abort();
	operate(sim, "/v1/dpp/devices", berth_buf_view(&body));
	if (berth_json_parse(berth_buf_view(&sim->judge->reply), NULL, &reply, NULL) ||
	    berth_json_get_text(reply, "id", BERTH_JSON_REQUIRED, &id, NULL))
		dpp_break(sim, "no id");
	else
		(void)snprintf(device->id, sizeof(device->id), "%.*s", (int)id.n,
			       (const char *)id.p);
}

void
dpp_controller_approve(struct dpp_sim *sim, struct dpp_device *device)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/v1/devices/%s/approve", device->id);
	device->is_approved = true;
	operate(sim, path, BERTH_BYTES_NONE);
}

/* ---- oracles ---- */

/* It may have it, it is what the policy says, and the store knew before it left. */
/* req: dpp-controller-intent */
void
dpp_controller_check_given(struct dpp_sim *sim, const struct dpp_device *device,
			   const struct berth_dpp_offer *offer)
{
	struct berth_registrar_role *role = sim->judge->role;
	struct berth_registrar_connector given;
	uint8_t hash[32];
	BERTH_ARENA arena;

	berth_arena_start(&arena, 8192);
	if (device->kind == DPP_DENIED || device->kind == DPP_UNKNOWN ||
	    (device->kind == DPP_BY_OPERATOR && !device->is_approved))
		dpp_break(sim, "device %zu is configured and may not be", device->number);
	if (offer->count != 1 || !berth_bytes_equal_text(offer->objects[0].ssid, "net-x") ||
	    strcmp(offer->connectors[0].groups[0].id, "sensors") != 0 ||
	    !berth_bytes_equal_text(offer->objects[0].pass, DPP_PASSWORD))
		dpp_break(sim, "device %zu is given something else", device->number);
	if (!sim->judge->is_up)
		return;
	if (berth_sha256(sim->pki, berth_ec_xy(&offer->net_access_key), hash) ||
	    berth_registrar_connector_find(role->store, hash, &arena, &given, NULL))
		dpp_break(sim, "the store knows nothing of what device %zu was given",
			  device->number);
	else if (given.state == BERTH_DPP_CONNECTOR_INTENT)
		dpp_break(sim, "device %zu was given what was not written down", device->number);
}

size_t
dpp_controller_sessions(const struct dpp_sim *sim)
{
	const struct berth_registrar_role *role = sim->judge->role;
	size_t n = 0;

	for (size_t i = 0; i < BERTH_DPP_SESSIONS_MAX; i++)
		n += role->dpp->sessions[i] != NULL;
	return n;
}

static bool
count(void *context, const struct berth_registrar_decision *decision)
{
	(void)decision;
	++*(size_t *)context;
	return true;
}

/* Who announces itself for minutes and may not join costs a row or two. */
void
dpp_controller_check_rows(struct dpp_sim *sim, const struct dpp_device *device)
{
	struct berth_registrar_role *role = sim->judge->role;
	struct berth_registrar_dpp_key key;
	size_t n = 0;
	BERTH_ARENA arena;

	berth_arena_start(&arena, 8192);
	if (device->kind != DPP_DENIED)
		return;
	if (berth_registrar_dpp_key_find(role->store, BERTH_DPP_BY_KEY_HASH,
					 device->key.bootstrapping.hash, &arena, &key, NULL) ||
	    berth_registrar_decision_each(role->store, key.device, count, &n, NULL) || n == 0 ||
	    n > 2)
		dpp_break(sim, "device %zu, which is denied, costs %zu rows", device->number, n);
}

void
dpp_controller_check_secrets(struct dpp_sim *sim)
{
	static const char *const names[] = {"state/registrar.db", "state/registrar.db-wal",
					    "state/issuance.log"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[128];
		BERTH_BUF text = {.limit = (size_t)256 << 20};
		(void)snprintf(path, sizeof(path), "%s/%s", sim->judge->home, names[i]);
		if (berth_file_read(path, (size_t)256 << 20, &text, NULL) == BERTH_OK &&
		    memmem(text.p, text.n, DPP_PASSWORD, strlen(DPP_PASSWORD)) != NULL)
			dpp_break(sim, "the password stands in %s", names[i]);
	}
}

/* ---- life and death ---- */

bool
dpp_controller_is_up(const struct dpp_sim *sim)
{
	return sim->judge->is_up;
}

void
dpp_controller_start(struct dpp_sim *sim)
{
	struct berth_judge *judge = sim->judge;
	struct berth_why why = {0};

	judge->life++;
	if (berth_registrar_judge_role.start(judge, &judge->settings, &judge->role, &why) ||
	    berth_registrar_signer_role.start(sim->pki, &judge->settings, &judge->signer, &why)) {
		dpp_break(sim, "the Controller does not start: %s", why.sentence);
		return;
	}
	judge->is_up = true;
}

static void
stop(struct berth_judge *judge)
{
	judge->is_up = false;
	berth_registrar_judge_role.end(judge->role);
	berth_registrar_signer_role.end(judge->signer);
	judge->role = judge->signer = NULL;
}

/* All connections go with it. */
void
dpp_controller_crash(struct dpp_sim *sim)
{
	stop(sim->judge);
	sim->restarts++;
	for (size_t i = 0; i < sim->device_count; i++)
		sim->devices[i].connection = sim->devices[i].older = 0;
	(void)dpp_at(sim, 100 + dpp_below(sim, 5000), DPP_START);
}

static const char *
path_of(struct berth_judge *judge, size_t i, const char *scheme, const char *name)
{
	(void)snprintf(judge->paths[i], sizeof(judge->paths[i]), "%s%s/%s", scheme, judge->home,
		       name);
	return judge->paths[i];
}

static void
make_files(struct berth_judge *judge)
{
	static const char policy[] =
		"[rule \"sensors\"]\nmatch.client = dpp\nmatch.model = sensor\n"
		"approve = auto\nsegment = sensors\ndpp.ssid = net-x\n"
		"dpp.akm = dpp+sae\ndpp.password-file = net.pass\n"
		"[rule \"cameras\"]\nmatch.client = dpp\nmatch.model = cam\n"
		"segment = sensors\ndpp.ssid = net-x\n"
		"dpp.akm = dpp+sae\ndpp.password-file = net.pass\n"
		"[rule \"no\"]\nmatch.client = dpp\ndeny = yes\n";
	struct berth_key *keys[3] = {0};
	struct berth_why why = {0};
	struct berth_pki *pki = judge->sim->pki;
	char password[128];

	(void)snprintf(password, sizeof(password), "%s/net.pass", judge->home);
	if (berth_file_write(path_of(judge, 0, "", "policy.conf"), berth_text(policy), 0600,
			     &why) ||
	    berth_file_write(password, BERTH_LIT(DPP_PASSWORD), 0600, &why) ||
	    berth_keystore_generate(pki, path_of(judge, 1, "file:", "keys/c-sign.key"), "P-256",
				    &keys[0], &why) ||
	    berth_keystore_generate_agreement(pki, path_of(judge, 2, "file:", "keys/boot.key"),
					      "P-256", &keys[1], &why) ||
	    berth_keystore_generate_agreement(pki, path_of(judge, 3, "file:", "keys/pp.key"),
					      "P-256", &keys[2], &why))
		dpp_break(judge->sim, "files: %s", why.sentence);
	for (size_t i = 0; i < 3; i++)
		berth_key_free(keys[i]);
}

void
dpp_controller_open(struct dpp_sim *sim)
{
	struct berth_judge *judge = calloc(1, sizeof(*judge));
	struct berth_why why = {0};

	if (judge == NULL)
		abort();
	sim->judge = judge;
	judge->sim = sim;
	(void)snprintf(judge->home, sizeof(judge->home), "%s", "/tmp/berth-sim-dpp-XXXXXX");
	if (mkdtemp(judge->home) == NULL)
		abort();
	const struct berth_domain_plan plan = {.directory = judge->home,
					       .name = "Home",
					       .listen = "127.0.0.1:0",
					       .hosts = {BERTH_LIT("localhost")},
					       .host_count = 1,
					       .now = dpp_wall(sim)};
	if (berth_domain_make(sim->pki, &plan, &why))
		dpp_break(sim, "domain: %s", why.sentence);
	make_files(judge);
	judge->settings = (struct berth_registrar_settings){
		.daemon = {.tls_certificates = path_of(judge, 4, "", "registrar.pem"),
			   .tls_key = path_of(judge, 5, "file:", "keys/registrar.key"),
			   .dpp_listen = "[::]:8908",
			   .state_directory = path_of(judge, 6, "", "state")},
		.domain = "Home",
		.policy = judge->paths[0],
		.issuing_certificates = path_of(judge, 7, "", "issuing.pem"),
		.retry_after_s = 10,
		.approval_timeout_s = 86400,
		.permission_lifetime_s = 3600,
		.certificate_lifetime_s = 86400,
		.masa_timeout_s = 5,
		.issue_per_minute = 1000,
		.sign_per_minute = 1000,
		.dpp_c_sign_key = judge->paths[1],
		.dpp_bootstrapping_key = judge->paths[2],
		.dpp_pp_key = judge->paths[3],
		.dpp_connectors_per_minute = 100000,
	};
	static char issuing[160];
	(void)snprintf(issuing, sizeof(issuing), "file:%s/keys/issuing.key", judge->home);
	judge->settings.issuing_key = issuing;
	if (berth_registrar_load_certificates(
		    sim->pki, "tls", judge->settings.daemon.tls_certificates, &judge->chain, &why))
		dpp_break(sim, "chain: %s", why.sentence);
	dpp_controller_start(sim);
}

static void
remove_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		char below[512];
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		if (remove(below) != 0)
			remove_folder(below);
	}
	if (folder != NULL)
		(void)closedir(folder);
	(void)rmdir(path);
}

void
dpp_controller_close(struct dpp_sim *sim)
{
	struct berth_judge *judge = sim->judge;

	if (judge->is_up)
		stop(judge);
	berth_cert_list_free(&judge->chain);
	berth_buf_free(&judge->reply);
	remove_folder(judge->home);
	free(judge);
}
