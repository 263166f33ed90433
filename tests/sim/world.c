/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is who: makers with their MASAs, owners with their registrars, a rogue of each, and the devices. */
#include "sim.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pki/keystore/keystore.h"
#include "role/masa/masa_signer.h"
#include "role/registrar/domain.h"
#include "role/registrar/signer.h"
#include "system/files.h"

#define RATE 1000000 /* of a signer: no limit here */

static const char policy_text[] = "[rule \"never\"]\nmatch.serial = BAN-*\ndeny = yes\n"
				  "[rule \"ask\"]\nmatch.serial = ASK-*\napprove = operator\n"
				  "segment = cameras\n"
				  "[rule \"all\"]\napprove = auto\nsegment = cameras\n";
static const char lax_policy_text[] = "[rule \"all\"]\napprove = auto\n";

struct berth_key *
sim_key(struct sim *sim, const char *uri, bool is_kept)
{
	struct berth_key *key = NULL;
	struct berth_why why = {0};
	const char *path = uri + strlen("file:");
	sim_must(berth_keystore_generate(sim->pki, uri, "P-256", &key, &why), &why, uri);
	sim_secret_add_key_file(sim, path);
	if (!is_kept)
		(void)unlink(path);
	return key;
}

static struct berth_cert *
certify(struct sim *sim, struct berth_cert_template what, struct berth_key *key,
	const struct berth_cert *issuer, struct berth_key *issuer_key)
{
	struct berth_random random = berth_pki_random(sim->pki);
	struct berth_cert *cert = NULL;
	struct berth_why why = {0};
	BERTH_BUF der = {0};
	berth_random_fill(&random, what.serial, sizeof(what.serial));
	what.serial[0] = (uint8_t)((what.serial[0] & 0x7f) | 0x40);
	what.key = key;
	what.not_before = (struct berth_wall){SIM_START_S - 2 * SIM_YEAR_S};
	if (what.not_after.s == 0)
		what.not_after = (struct berth_wall){SIM_START_S + 10 * SIM_YEAR_S};
	sim_must(berth_issue(sim->pki, &what, issuer, issuer_key, &der, &why), &why, "issue");
	sim_must(berth_cert_parse(sim->pki, berth_buf_view(&der), &cert, &why), &why, "parse");
	return cert;
}

static void
write_file(const char *path, struct berth_bytes text)
{
	struct berth_why why = {0};
	sim_must(berth_file_write(path, text, 0600, &why), &why, path);
}

static void
write_certs(const char *path, struct berth_cert *const *certs, size_t n)
{
	BERTH_BUF pem = {0};
	for (size_t i = 0; i < n; i++)
		sim_must(berth_cert_append_pem(certs[i], &pem), NULL, "pem");
	write_file(path, berth_buf_view(&pem));
}

/* ---- makers and MASAs ---- */

static void
make_maker(struct sim *sim, struct sim_maker *maker, const char *name)
{
	char uri[BERTH_KEY_URI_MAX];
	char title[32];
	const struct berth_bytes host[] = {berth_text(maker->masa)};
	(void)snprintf(maker->name, sizeof(maker->name), "%s", name);
	(void)snprintf(title, sizeof(title), "%s root", name);
	(void)snprintf(uri, sizeof(uri), "file:%s/%s-root.key", sim->folder, name);
	maker->root_key = sim_key(sim, uri, false);
	maker->root = certify(sim,
			      (struct berth_cert_template){.profile = BERTH_PROFILE_ROOT_CA,
							   .common_name = berth_text(title)},
			      maker->root_key, NULL, maker->root_key);
	(void)snprintf(uri, sizeof(uri), "file:%s/%s-masa.key", sim->folder, name);
	maker->masa_key = sim_key(sim, uri, true);
	maker->masa_signer =
		certify(sim,
			(struct berth_cert_template){.profile = BERTH_PROFILE_MASA_SIGNER,
						     .common_name = BERTH_LIT("MASA")},
			maker->masa_key, maker->root, maker->root_key);
	(void)snprintf(uri, sizeof(uri), "file:%s/%s-tls.key", sim->folder, name);
	maker->masa_tls_key = sim_key(sim, uri, true);
	maker->masa_tls = certify(sim,
				  (struct berth_cert_template){.profile = BERTH_PROFILE_SERVER,
							       .common_name = host[0],
							       .dns_names = host,
							       .dns_name_count = 1},
				  maker->masa_tls_key, maker->root, maker->root_key);
	sim_must(berth_cert_list_add(&maker->anchors, maker->root, NULL), NULL, "anchors");
}

static const char *
path_in(struct berth_judge *judge, size_t i, const char *folder, const char *name,
	const char *prefix)
{
	(void)snprintf(judge->paths[i], sizeof(judge->paths[i]), "%s%s/%s", prefix, folder, name);
	return judge->paths[i];
}

static struct berth_judge *
node_new(struct sim *sim, enum sim_kind kind, const char *name, const char *host, uint16_t port)
{
	struct berth_judge *judge = calloc(1, sizeof(*judge));
	sim_must(judge == NULL ? BERTH_E_MEMORY : BERTH_OK, NULL, "node");
	judge->sim = sim;
	judge->kind = kind;
	judge->port = port;
	(void)snprintf(judge->name, sizeof(judge->name), "%s", name);
	(void)snprintf(judge->host, sizeof(judge->host), "%s", host);
	(void)snprintf(judge->folder, sizeof(judge->folder), "%s/%s", sim->folder, name);
	(void)snprintf(judge->state, sizeof(judge->state), "%s/state", judge->folder);
	sim_must(mkdir(judge->folder, 0700) != 0 ? BERTH_E_IO : BERTH_OK, NULL, judge->folder);
	judge->disk = disk_open(judge->state, sim->random);
	sim->nodes[sim->node_count++] = judge;
	return judge;
}

static void
make_masa(struct sim *sim, size_t i, const char *name)
{
	struct sim_maker *maker = &sim->makers[i];
	struct berth_judge *judge = node_new(sim, SIM_MASA, name, maker->masa, 443);
	char file[48];
	sim_must(mkdir(judge->state, 0700) != 0 ? BERTH_E_IO : BERTH_OK, NULL, judge->state);
	sim->masas[i] = maker->node = judge;
	judge->role = &berth_masa_judge_role;
	judge->signer_role = &berth_masa_signer_role;
	judge->settings = &judge->masa_settings;
	(void)snprintf(file, sizeof(file), "%s-masa.key", maker->name);
	judge->masa_settings = (struct berth_masa_settings){
		.daemon = {.tls_certificates = path_in(judge, 0, judge->folder, "tls.pem", ""),
			   .state_directory = judge->state},
		.manufacturer_anchors = path_in(judge, 1, judge->folder, "maker.pem", ""),
		.signer_certificates = path_in(judge, 2, judge->folder, "signer.pem", ""),
		.signer_key = path_in(judge, 3, sim->folder, file, "file:"),
		.ownership = i == 2 || sim->conf.sabotage == SIM_MASA_GIVES_TO_FIRST
				     ? BERTH_MASA_OWNERSHIP_FIRST
				     : BERTH_MASA_OWNERSHIP_RECORDED,
		.pinning = i == 0 ? BERTH_MASA_PIN_CA : BERTH_MASA_PIN_REGISTRAR,
		.request_age_s = 1200,
		.audit_log_age_s = 86400,
		.voucher_lifetime_s = 14 * 86400,
		.vouchers_per_minute = RATE,
	};
	write_certs(judge->masa_settings.daemon.tls_certificates, &maker->masa_tls, 1);
	/* The rogue knows everybody's root, which is no secret, and would vouch for anything. */
	struct berth_cert *const roots[] = {maker->root, sim->makers[0].root, sim->makers[1].root};
	write_certs(judge->masa_settings.manufacturer_anchors, roots, i == 2 ? 3 : 1);
	write_certs(judge->masa_settings.signer_certificates, &maker->masa_signer, 1);
	sim_must(berth_cert_list_add(&judge->chain, maker->masa_tls, NULL), NULL, "chain");
	sim_must(berth_cert_append_pem(maker->root, &judge->anchors_pem), NULL, "anchors");
}

/* ---- owners and registrars ---- */

static void
trust_makers(struct sim *sim, struct berth_judge *judge)
{
	size_t n = sim->conf.sabotage == SIM_TRUSTS_ROGUE_MAKER ? 3 : 2;
	static const char *const names[] = {"maker1.pem", "maker2.pem", "maker3.pem"};
	for (size_t i = 0; i < n; i++) {
		const char *path = path_in(judge, i < 2 ? 4 + i : 7, judge->folder, names[i], "");
		write_certs(path, &sim->makers[i].root, 1);
		judge->makers[i] = (struct berth_registrar_maker){
			.name = sim->makers[i].name,
			.anchors = path,
			.content_type = BERTH_CMS_ANIMA_VOUCHER,
		};
	}
	judge->registrar_settings.makers =
		(struct berth_conf_items){.items = judge->makers, .count = n};
}

static void
make_registrar(struct sim *sim, size_t i, const char *name, bool is_lax)
{
	struct berth_judge *judge = node_new(sim, SIM_REGISTRAR, name, name, (uint16_t)(8443 + i));
	struct berth_why why = {0};
	const struct berth_domain_plan plan = {
		.directory = judge->folder,
		.name = name,
		.listen = "127.0.0.1:0",
		.hosts = {berth_text(name)},
		.host_count = 1,
		.now = {SIM_START_S - SIM_YEAR_S},
	};
	char key[SIM_PATH_MAX];
	static const char *const keys[] = {"root", "issuing", "registrar"};
	sim->registrars[i] = judge;
	sim_must(berth_domain_make(sim->pki, &plan, &why), &why, "domain");
	for (size_t k = 0; k < 3; k++) {
		(void)snprintf(key, sizeof(key), "%s/keys/%s.key", judge->folder, keys[k]);
		sim_secret_add_key_file(sim, key);
	}
	judge->role = &berth_registrar_judge_role;
	judge->signer_role = &berth_registrar_signer_role;
	judge->settings = &judge->registrar_settings;
	judge->registrar_settings = (struct berth_registrar_settings){
		.daemon = {.tls_certificates =
				   path_in(judge, 0, judge->folder, "registrar.pem", ""),
			   .tls_key =
				   path_in(judge, 1, judge->folder, "keys/registrar.key", "file:"),
			   .state_directory = judge->state},
		.domain = judge->name,
		.policy = path_in(judge, 2, judge->folder, "policy.conf", ""),
		.issuing_certificates = path_in(judge, 3, judge->folder, "issuing.pem", ""),
		.issuing_key = path_in(judge, 6, judge->folder, "keys/issuing.key", "file:"),
		.retry_after_s = 10,
		.approval_timeout_s = 4 * 86400,
		.permission_lifetime_s = 86400,
		/* So short that all renew within a run, and some find theirs over. */
		.certificate_lifetime_s = 1500 + 900 * sim_below(sim, 3),
		.masa_timeout_s = 20,
		.issue_per_minute = RATE,
		.sign_per_minute = RATE,
	};
	write_file(judge->registrar_settings.policy,
		   berth_text(is_lax ? lax_policy_text : policy_text));
	trust_makers(sim, judge);
	sim_know_chain(judge);
}

/* A web server's certificate and key of the owner's, stolen: its chain is the owner's, but it is no registrar's. */
static void
steal_certificate(struct sim *sim, struct berth_judge *thief, struct berth_judge *owner)
{
	struct berth_key *key = NULL;
	struct berth_key *issuing = NULL;
	struct berth_why why = {0};
	const struct berth_bytes host[] = {berth_text(owner->host)};
	sim_must(
		berth_keystore_load(sim->pki, thief->registrar_settings.daemon.tls_key, &key, &why),
		&why, "key");
	sim_must(berth_keystore_load(sim->pki, owner->registrar_settings.issuing_key, &issuing,
				     &why),
		 &why, "key");
	struct berth_cert *stolen = certify(sim,
					    (struct berth_cert_template){
						    .profile = BERTH_PROFILE_SERVER,
						    .common_name = host[0],
						    .dns_names = host,
						    .dns_name_count = 1,
						    .not_after = {SIM_START_S + SIM_YEAR_S},
					    },
					    key, owner->chain.at[1], issuing);
	struct berth_cert *const chain[] = {stolen, owner->chain.at[1], owner->chain.at[2]};
	write_certs(thief->registrar_settings.daemon.tls_certificates, chain, 3);
	berth_cert_list_free(&thief->chain);
	for (size_t i = 0; i < 3; i++)
		sim_must(berth_cert_list_add(&thief->chain, chain[i], &why), &why, "chain");
	berth_cert_free(stolen);
	berth_key_free(key);
	berth_key_free(issuing);
}

/* ---- devices ---- */

static enum sim_sort
sort_of(const struct sim *sim, size_t i)
{
	static const enum sim_sort others[] = {
		SIM_ASKS,   SIM_DENIED,	 SIM_BLOCKED, SIM_REVOKED,     SIM_UNSOLD,  SIM_COUNTERFEIT,
		SIM_DENIED, SIM_REVOKED, SIM_ASKS,    SIM_COUNTERFEIT, SIM_REVOKED, SIM_ASKS,
	};
	size_t n = sizeof(others) / sizeof(others[0]);
	if (!sim->conf.has_rogues || i % 4 != 3)
		return SIM_ALLOWED;
	return others[(i / 4) % n];
}

static void
make_device(struct sim *sim, size_t i)
{
	static const char *const prefixes[] = {"CAM", "ASK", "BAN", "CAM", "CAM", "OLD", "CAM"};
	struct sim_device *device = &sim->devices[i];
	char uri[BERTH_KEY_URI_MAX];
	device->sim = sim;
	device->index = i;
	device->sort = sort_of(sim, i);
	device->maker = device->sort == SIM_COUNTERFEIT ? 2 : (int)sim_below(sim, 2);
	device->owner = (int)sim_below(sim, 2);
	/* A counterfeit has the serial number of the true device before it. */
	(void)snprintf(device->serial, sizeof(device->serial), "%s-%04u", prefixes[device->sort],
		       (unsigned)(device->sort == SIM_COUNTERFEIT ? i - 1 : i));
	const struct sim_maker *maker = &sim->makers[device->maker];
	(void)snprintf(uri, sizeof(uri), "file:%s/idevid-%zu.key", sim->folder, i);
	device->idevid_key = sim_key(sim, uri, false);
	device->idevid = certify(sim,
				 (struct berth_cert_template){
					 .profile = BERTH_PROFILE_IDEVID,
					 .not_after = BERTH_WALL_NO_EXPIRY,
					 .common_name = berth_text(device->serial),
					 .serial_number = berth_text(device->serial),
					 .masa_url = berth_text(sim->makers[device->maker].masa),
				 },
				 device->idevid_key, maker->root, maker->root_key);
	sim_must(berth_cert_list_add(&device->idevid_chain, device->idevid, NULL), NULL, "chain");
	device->anchors = &maker->anchors;
	sim_flash_open(device);
	device->skew_s = (int64_t)sim_below(sim, 3) * SIM_YEAR_S - SIM_YEAR_S;
	/* A clock that counts is right at first; it may be set wrong for a while. */
	device->trusts_clock = sim_chance(sim, 1, 3);
	if (device->trusts_clock)
		device->skew_s = 0;
	if (device->skew_s != 0 && sim->conf.has_faults)
		sim->faults[SIM_CLOCK_WRONG]++;
	if (!sim->conf.has_faults)
		device->skew_s = 0;
}

static void
load_unit(struct sim *sim, const struct sim_device *device, struct berth_judge *masa)
{
	const struct berth_masa_role *role = masa->context;
	struct berth_why why = {0};
	uint8_t key[32], owner_key[32], domain[32];
	/* The root: an issuing CA may be replaced after the sale. */
	const struct berth_cert *ca = sim->registrars[device->owner]->authorities.at[0];
	int64_t row = 0;
	bool is_new = false;
	sim_must(berth_sha256(sim->pki, berth_key_spki(device->idevid_key), key), NULL, "digest");
	sim_must(berth_sha256(sim->pki, berth_key_spki(berth_cert_key(ca)), owner_key), NULL,
		 "digest");
	const struct berth_masa_unit unit = {
		.identity = {berth_cert_aki_key_id(device->idevid), berth_text(device->serial)},
		.idevid_key_sha256 = berth_bytes_of(key, sizeof(key)),
	};
	const struct berth_masa_owner owner = {
		.domain_id = berth_bytes_of(domain, berth_cert_domain_id(sim->pki, ca, domain)),
		.domain_key_sha256 = berth_bytes_of(owner_key, sizeof(owner_key)),
		.name = BERTH_LIT("customer"),
		.reference = BERTH_LIT("order 1"),
		.since = {SIM_START_S - 86400},
	};
	enum berth_err err = berth_masa_unit_load(
		role->store, &unit, (struct berth_wall){SIM_START_S}, &row, &is_new, &why);
	if (!err && device->sort != SIM_UNSOLD)
		err = berth_masa_owner_set(role->store, row, &owner, &why);
	if (!err && device->sort == SIM_BLOCKED)
		err = berth_masa_unit_set_status(role->store, row, BERTH_MASA_UNIT_BLOCKED, &why);
	sim_must(err, &why, "unit");
}

static void
load_units(struct sim *sim)
{
	for (size_t m = 0; m < 3; m++) {
		struct berth_judge *masa = sim->masas[m];
		struct berth_why why = {0};
		if (masa == NULL)
			continue;
		sim_must(masa->role->batch_begin(masa->context, &why), &why, "units");
		for (size_t i = 0; i < sim->device_count; i++)
			if ((size_t)sim->devices[i].maker == m || m == 2)
				load_unit(sim, &sim->devices[i], masa);
		sim_must(masa->role->batch_commit(masa->context, &why), &why, "units");
	}
}

static void
start_device(struct sim *sim, struct sim_event *event)
{
	(void)sim;
	sim_device_start(event->what);
}

void
sim_world_make(struct sim *sim)
{
	static const char *const makers[] = {"Acme", "Zenith", "Rogue"};
	static const char *const registrars[] = {"registrar1", "registrar2", "registrar3",
						 "registrar4"};
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(sim->makers[i].masa, sizeof(sim->makers[i].masa), "masa%zu.example",
			       i + 1);
		make_maker(sim, &sim->makers[i], makers[i]);
		make_masa(sim, i, i == 2 ? "masa3" : i == 1 ? "masa2" : "masa1");
	}
	for (size_t i = 0; i < 4; i++)
		make_registrar(sim, i, registrars[i],
			       i >= 2 || sim->conf.sabotage == SIM_POLICY_ALLOWS_ALL);
	steal_certificate(sim, sim->registrars[3], sim->registrars[0]);
	sim->registrars[2]->is_rogue = sim->registrars[3]->is_rogue = true;
	sim->masas[2]->is_rogue = true;
	for (size_t i = 0; i < sim->node_count; i++)
		sim_judge_boot(sim->nodes[i]);
	sim->device_count = sim->conf.devices;
	for (size_t i = 0; i < sim->device_count; i++) {
		make_device(sim, i);
		sim_at(sim, sim_below(sim, 60000), start_device, &sim->devices[i], 0, 0);
	}
	load_units(sim);
	sim_sabotage_world(sim);
}

static void
remove_folder(const char *path)
{
	DIR *folder = opendir(path);
	for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
		char name[512];
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		(void)snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (unlink(name) != 0)
			remove_folder(name);
	}
	if (folder != NULL)
		(void)closedir(folder);
	(void)rmdir(path);
}

void
sim_world_end(struct sim *sim)
{
	for (size_t i = 0; i < sim->device_count; i++)
		sim_device_end(&sim->devices[i]);
	for (size_t i = 0; i < sim->node_count; i++)
		sim_judge_end(sim->nodes[i]);
	for (size_t i = 0; i < 3; i++) {
		struct sim_maker *maker = &sim->makers[i];
		berth_cert_list_free(&maker->anchors);
		berth_cert_free(maker->root);
		berth_cert_free(maker->masa_signer);
		berth_cert_free(maker->masa_tls);
		berth_key_free(maker->root_key);
		berth_key_free(maker->masa_key);
		berth_key_free(maker->masa_tls_key);
	}
	remove_folder(sim->folder);
}
