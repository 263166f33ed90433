/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/fleet.h"

#include <stdio.h>
#include <stdlib.h>

#include "pki/issue.h"
#include "pki/keystore/keystore.h"
#include "protocol/voucher/voucher_cms.h"
#include "store/registrar_store.h"
#include "system/clock.h"

#define PATH_BYTES 512
#define BATCH 500 /* devices in one transaction */
#define AGE_S ((int64_t)100 * 86400)
#define LIFE_S ((int64_t)365 * 86400)
#define NONCE_BYTES 16
#define ARENA_BYTES ((size_t)1 << 20)

struct making {
	struct fleet *fleet;
	struct berth_store *store;
	struct berth_wall born;
	struct berth_wall vouched; /* the MASA's certificate is no older */
	struct bench_unit unit;
	struct berth_cert_list voucher; /* the MASA's signer, then what is above */
	struct berth_cert_list registrar;
	struct berth_key *voucher_key, *issuing_key, *registrar_key;
	struct berth_buf pvr, rvr;
};

static const char *
join(char path[PATH_BYTES], const char *scheme, const char *folder, const char *name)
{
	(void)snprintf(path, PATH_BYTES, "%s%s/%s", scheme, folder, name);
	return path;
}

static enum berth_err
sha256(void *context, struct berth_bytes data, uint8_t out[BERTH_DIGEST_BYTES])
{
	return berth_sha256(context, data, out);
}

static void
digest(struct making *making, struct berth_bytes data, uint8_t out[BERTH_DIGEST_BYTES])
{
	if (berth_sha256(making->fleet->pki, data, out)) {
		bench_die("no digest");
	}
}

static void
open_all(struct making *making, const struct fleet_places *at)
{
	char path[PATH_BYTES];
	struct berth_pki *pki = making->fleet->pki;
	const struct berth_store_conf conf = {.path = at->store,
					      .schema = BERTH_STORE_REGISTRAR,
					      .digest = {.sha256 = sha256, .context = pki}};
	bench_call(berth_store_open(&conf, &making->store, &why));
	bench_unit_open(pki, at->units, at->prefix, 1, &making->unit);
	bench_chain_read(pki, join(path, "", at->acme, "masa/voucher.pem"), &making->voucher);
	bench_chain_read(pki, join(path, "", at->home, "registrar.pem"), &making->registrar);
	bench_chain_read(pki, join(path, "", at->home, "issuing.pem"), &making->fleet->issuing);
	bench_call(berth_keystore_load(pki, join(path, "file:", at->acme, "masa/voucher.key"),
				       &making->voucher_key, &why));
	bench_call(berth_keystore_load(pki, join(path, "file:", at->home, "keys/issuing.key"),
				       &making->issuing_key, &why));
	bench_call(berth_keystore_load(pki, join(path, "file:", at->home, "keys/registrar.key"),
				       &making->registrar_key, &why));
	bench_requests_make(pki, &making->unit, &making->registrar, making->registrar_key,
			    &making->pvr, &making->rvr);
	for (size_t i = 0; i < FLEET_KEYS; i++) {
		(void)snprintf(path, sizeof(path), "file:%s/fleet-%zu.key", at->keys, i);
		bench_call(
			berth_keystore_generate(pki, path, "P-256", &making->fleet->keys[i], &why));
	}
}

static void
close_all(struct making *making)
{
	berth_store_close(making->store);
	bench_unit_close(&making->unit);
	berth_cert_list_free(&making->voucher);
	berth_cert_list_free(&making->registrar);
	berth_key_free(making->voucher_key);
	berth_key_free(making->issuing_key);
	berth_key_free(making->registrar_key);
	berth_buf_free(&making->pvr);
	berth_buf_free(&making->rvr);
}

static void
make_voucher(struct making *making, const struct berth_device_identity *identity,
	     struct berth_bytes nonce, struct berth_buf *der)
{
	BERTH_CERT_LIST above = {0};
	for (size_t i = 1; i < making->voucher.n; i++) {
		bench_call(berth_cert_list_add(&above, making->voucher.at[i], &why));
	}
	const struct berth_voucher voucher = {
		.kind = BERTH_VOUCHER,
		.has_created_on = true,
		.created_on = making->vouched,
		.assertion = BERTH_ASSERTION_PROXIMITY,
		.serial_number = identity->serial_number,
		.idevid_issuer = identity->manufacturer_key,
		.nonce = nonce,
		.pinned_domain_cert = berth_cert_der(making->registrar.at[making->registrar.n - 1]),
	};
	const struct berth_cms_fields how = {.content_type = BERTH_CMS_ANIMA_VOUCHER,
					     .key = making->voucher_key,
					     .signer = making->voucher.at[0],
					     .others = &above,
					     .signing_time = making->vouched};
	bench_call(berth_voucher_sign(making->fleet->pki, &voucher, &how, der, &why));
}

/* The voucher step as it stands when it is over; its row. */
static int64_t
write_step(struct making *making, int64_t device, const struct berth_device_identity *identity)
{
	uint8_t nonce[NONCE_BYTES];
	BERTH_ARENA arena;
	BERTH_BUF voucher = {0};
	struct berth_registrar_step step;
	bool is_new = false;
	const struct berth_random random = berth_pki_random(making->fleet->pki);
	berth_random_fill(&random, nonce, sizeof(nonce));
	struct berth_registrar_step wanted = {
		.device = device,
		.nonce = berth_bytes_of(nonce, sizeof(nonce)),
		.pvr = berth_buf_view(&making->pvr),
		.connection = BERTH_LIT("{\"tls\":\"TLSv1.3\",\"address\":\"192.0.2.1\"}"),
		.masa = BERTH_LIT("localhost"),
		.asked_at = making->vouched,
	};
	digest(making, wanted.pvr, wanted.pvr_sha256);
	digest(making, berth_cert_der(making->registrar.at[0]), wanted.registrar_cert_sha256);
	make_voucher(making, identity, wanted.nonce, &voucher);
	berth_arena_start(&arena, ARENA_BYTES);
	bench_call(
		berth_registrar_step_begin(making->store, &wanted, &arena, &step, &is_new, &why));
	bench_call(berth_registrar_step_set_rvr(
		making->store, step.row, berth_buf_view(&making->rvr), making->vouched, &why));
	bench_call(berth_registrar_step_set_voucher(
		making->store, step.row, berth_buf_view(&voucher), making->vouched, &why));
	bench_call(berth_registrar_step_set_status(making->store, step.row, true, "",
						   making->vouched, &why));
	bench_call(berth_registrar_step_set_audit(making->store, step.row, "clean",
						  BERTH_LIT("{\"version\":1,\"events\":[]}"),
						  making->vouched, &why));
	return step.row;
}

static void
issue(struct making *making, struct berth_bytes serial_number, struct berth_key *key,
      struct berth_cert_template *what, struct berth_buf *der)
{
	const struct berth_random random = berth_pki_random(making->fleet->pki);
	*what = (struct berth_cert_template){
		.profile = BERTH_PROFILE_LDEVID,
		.not_before = making->born,
		.not_after = {making->born.s + LIFE_S},
		.common_name = serial_number,
		.serial_number = serial_number,
		.organization = BERTH_LIT("Example Home"),
		.key = key,
	};
	berth_random_fill(&random, what->serial, sizeof(what->serial));
	what->serial[0] = (uint8_t)((what->serial[0] & 0x7f) | 0x40);
	bench_call(berth_issue(making->fleet->pki, what, making->fleet->issuing.at[0],
			       making->issuing_key, der, &why));
}

static void
enrol(struct making *making, int64_t device, int64_t step, struct berth_bytes serial_number,
      size_t number)
{
	uint8_t key_sha256[BERTH_DIGEST_BYTES];
	struct berth_registrar_permission permission;
	struct berth_cert_template what;
	struct berth_key *key = fleet_key(making->fleet, number);
	struct berth_buf *der = &making->fleet->certs[number];
	const struct berth_wall expires = {making->born.s + 3600};
	int64_t row = 0;
	issue(making, serial_number, key, &what, der);
	digest(making, berth_key_spki(key), key_sha256);
	bench_call(berth_registrar_permission_grant(making->store, device, step, expires, &why));
	bench_call(berth_registrar_permission_use(making->store, device, key_sha256, key_sha256,
						  making->born, &permission, &why));
	struct berth_registrar_certificate wanted = {
		.device = device,
		.permission = permission.row,
		.credential = {.issuer_key_id = berth_cert_ski(making->fleet->issuing.at[0]),
			       .serial = berth_bytes_of(what.serial, sizeof(what.serial)),
			       .subject = serial_number,
			       .not_after = what.not_after,
			       .state = BERTH_CREDENTIAL_INTENT},
		.made_at = making->born,
	};
	memcpy(wanted.key_sha256, key_sha256, sizeof(key_sha256));
	bench_call(berth_registrar_certificate_intent(making->store, &wanted, &row, &why));
	bench_call(
		berth_registrar_certificate_issued(making->store, row, berth_buf_view(der), &why));
	bench_call(berth_registrar_device_move(making->store, device, BERTH_DEVICE_ADMITTED, &why));
	bench_call(berth_registrar_device_move(making->store, device, BERTH_DEVICE_ENROLLED, &why));
}

static void
write_device(struct making *making, size_t number)
{
	char serial[64];
	uint8_t birth_key[BERTH_DIGEST_BYTES];
	BERTH_ARENA arena;
	struct berth_registrar_device device;
	bool is_new = false;
	const struct berth_random random = berth_pki_random(making->fleet->pki);
	(void)snprintf(serial, sizeof(serial), "FLEET-%07zu", number);
	berth_random_fill(&random, birth_key, sizeof(birth_key));
	const struct berth_registrar_owned owned = {
		.identity = {.manufacturer_key = berth_cert_aki_key_id(making->unit.chain.at[0]),
			     .serial_number = berth_text(serial)},
		.model = BERTH_LIT("cam-1"),
		.birth_key_sha256 = berth_bytes_of(birth_key, sizeof(birth_key)),
		.manifest = BERTH_LIT("sale"),
		.manufacturer = BERTH_LIT("Acme"),
		.masa_url = BERTH_LIT("localhost"),
	};
	const struct berth_registrar_device seen = {.identity = owned.identity,
						    .manufacturer = owned.manufacturer,
						    .model = owned.model,
						    .birth_key_sha256 = owned.birth_key_sha256};
	berth_arena_start(&arena, ARENA_BYTES);
	bench_call(berth_registrar_owned_load(making->store, &owned, making->born, &is_new, &why));
	bench_call(berth_registrar_device_seen(making->store, &seen, making->born, &arena, &device,
					       &is_new, &why));
	enrol(making, device.row, write_step(making, device.row, &seen.identity),
	      seen.identity.serial_number, number);
}

void
fleet_make(struct berth_pki *pki, const struct fleet_places *places, size_t count,
	   struct fleet *ret)
{
	*ret = (struct fleet){.pki = pki, .count = count};
	ret->certs = calloc(count, sizeof(ret->certs[0]));
	struct making making = {.fleet = ret,
				.born = {berth_clock_wall().s - AGE_S},
				.vouched = berth_clock_wall()};
	if (!ret->certs) {
		bench_die("out of memory");
	}
	open_all(&making, places);
	for (size_t i = 0; i < count; i++) {
		if (i % BATCH == 0) {
			bench_call(berth_store_begin(making.store, &why));
		}
		write_device(&making, i);
		if (i % BATCH == BATCH - 1 || i == count - 1) {
			bench_call(berth_store_commit(making.store, &why));
		}
	}
	close_all(&making);
}

void
fleet_free(struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++) {
		berth_buf_free(&fleet->certs[i]);
	}
	for (size_t i = 0; i < FLEET_KEYS; i++) {
		berth_key_free(fleet->keys[i]);
	}
	free(fleet->certs);
	berth_cert_list_free(&fleet->issuing);
}

void
fleet_chain(const struct fleet *fleet, size_t device, struct berth_cert_list *ret)
{
	BERTH_CERT *cert = NULL;
	bench_call(
		berth_cert_parse(fleet->pki, berth_buf_view(&fleet->certs[device]), &cert, &why));
	bench_call(berth_cert_list_add(ret, cert, &why));
	for (size_t i = 0; i < fleet->issuing.n; i++) {
		bench_call(berth_cert_list_add(ret, fleet->issuing.at[i], &why));
	}
}

struct berth_key *
fleet_key(const struct fleet *fleet, size_t device)
{
	return fleet->keys[device % FLEET_KEYS];
}
