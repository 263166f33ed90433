/* SPDX-License-Identifier: BSD-2-Clause */
/* berth manifest transfer */
#include "role/custody/custody.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "pki/keystore/keystore.h"
#include "pki/pki.h"
#include "protocol/manifest/manifest.h"
#include "role/options.h"
#include "system/clock.h"
#include "system/files.h"

static const struct berth_option options[] = {
	{.name = "from",
	 .argument = "FILE",
	 .help = "the manifest by which you have the units",
	 .required = true},
	{.name = "key", .argument = "URI", .help = "the key that it names", .required = true},
	{.name = "certificate",
	 .argument = "FILE",
	 .help = "a certificate of that key, whoever issued it",
	 .required = true},
	{.name = "to",
	 .argument = "FILE",
	 .help = "certificate of who has the units next; an owner's domain CA",
	 .required = true},
	{.name = "to-holder", .help = "the next one only hands them on, also where it is a CA"},
	{.name = "to-name",
	 .argument = "NAME",
	 .help = "the next one's name, if not as the certificate says"},
	{.name = "reference", .argument = "TEXT", .help = "order number, kept with an owner"},
	{.name = "serial", .argument = "SERIAL", .help = "a unit to hand on", .many = true},
	{.name = "all", .help = "hand on every unit of the manifest"},
	{.name = "out", .argument = "FILE", .help = "the transfer to write", .required = true},
	{0},
};
static const struct berth_usage usage = {
	.about =
		"Writes a signed transfer: these units, which you have by the manifest --from, now "
		"go to --to.\n"
		"A CA certificate there names an owner by its domain, any other one a holder.",
	.options = options,
};

#define BATCH_BYTES 8
#define DOMAIN_ID_BYTES 32

struct transferring {
	struct berth_arguments arguments;
	struct berth_pki *pki;
	struct berth_key *key;
	struct berth_cert_list own;
	struct berth_cert_list next;
	struct berth_buf before_file;
	struct berth_arena arena;
	struct berth_manifest before;
	struct berth_manifest m;
	struct berth_manifest_unit *units;
	uint8_t domain_id[DOMAIN_ID_BYTES];
	char batch[2 * BATCH_BYTES + 1];
};

static void
transferring_end(struct transferring *t)
{
	free(t->units);
	berth_arena_end(&t->arena);
	berth_buf_free(&t->before_file);
	berth_cert_list_free(&t->own);
	berth_cert_list_free(&t->next);
	berth_key_free(t->key);
	berth_pki_close(t->pki);
}

static const char *
option(const struct transferring *t, const char *name)
{
	return berth_arguments_value(&t->arguments, name);
}

/* Who signs: must be whom the manifest before names, or nobody would believe it. */
static enum berth_err
take_from(struct transferring *t, struct berth_why *why)
{
	struct berth_manifest_holder had = {0};
	const struct berth_cert *own = t->own.at[0];
	struct berth_manifest_holder *from = &t->m.from;
	if (!berth_key_equal(berth_cert_key(own), t->key))
		return berth_fail(why, BERTH_E_MISMATCH, "custody-key", NULL,
				  "%s is of another key than %s", option(t, "certificate"),
				  option(t, "key"));
	if (!berth_manifest_hand(&t->before, &had))
		return berth_fail(why, BERTH_E_DENIED, "custody-holder", "berth-manifest(5)",
				  "%s names nobody who has the units; the manufacturer has to sell "
				  "them first",
				  option(t, "from"));
	if (berth_sha256(t->pki, berth_key_spki(t->key), from->key_sha256))
		return berth_fail(why, BERTH_E_CRYPTO, "manifest-hash", NULL, "SHA-256 failed");
	if (memcmp(from->key_sha256, had.key_sha256, BERTH_SHA256_BYTES) != 0)
		return berth_fail(why, BERTH_E_DENIED, "custody-holder", "berth-manifest(5)",
				  "by %s %.*s has the units, with another key than this one",
				  option(t, "from"), had.name.n > 80 ? 80 : (int)had.name.n,
				  (const char *)had.name.p);
	from->name = had.name;
	return BERTH_OK;
}

static enum berth_err
take_next(struct transferring *t, struct berth_why *why)
{
	const struct berth_cert *next = t->next.at[0];
	struct berth_manifest_holder hand = {.name = berth_text(option(t, "to-name"))};
	const char *reference = option(t, "reference");
	if (hand.name.n == 0)
		hand.name = berth_cert_party_name(next);
	if (berth_sha256(t->pki, berth_key_spki(berth_cert_key(next)), hand.key_sha256))
		return berth_fail(why, BERTH_E_CRYPTO, "manifest-hash", NULL, "SHA-256 failed");
	t->m.has_owner = berth_cert_is_ca(next) && !berth_arguments_has(&t->arguments, "to-holder");
	t->m.has_holder = !t->m.has_owner;
	t->m.holder = hand;
	if (t->m.has_holder && reference)
		return berth_fail(why, BERTH_E_USAGE, "custody-reference", NULL,
				  "--reference goes with an owner; %s is no domain CA",
				  option(t, "to"));
	if (t->m.has_holder)
		return BERTH_OK;
	size_t n = berth_cert_domain_id(t->pki, next, t->domain_id);
	t->m.owner = (struct berth_manifest_owner){
		.name = hand.name,
		.domain_id = berth_bytes_of(t->domain_id, n),
		.reference = berth_text(reference),
	};
	memcpy(t->m.owner.key_sha256, hand.key_sha256, BERTH_SHA256_BYTES);
	return BERTH_OK;
}

static enum berth_err
add_serial(struct transferring *t, const char *serial, struct berth_why *why)
{
	for (size_t i = 0; i < t->before.unit_count; i++) {
		if (berth_bytes_equal_text(t->before.units[i].identity.serial_number, serial)) {
			t->units[t->m.unit_count++] = t->before.units[i];
			return BERTH_OK;
		}
	}
	return berth_fail(why, BERTH_E_NOT_FOUND, "custody-unit", "berth-manifest(5)",
			  "unit %.64s is not in %s", serial, option(t, "from"));
}

static enum berth_err
choose(struct transferring *t, struct berth_why *why)
{
	bool all = berth_arguments_has(&t->arguments, "all");
	if (all == berth_arguments_has(&t->arguments, "serial"))
		return berth_fail(why, BERTH_E_USAGE, "custody-units", NULL,
				  "say which units: --serial (as often as needed) or --all");
	t->units = calloc(t->before.unit_count + BERTH_ARGUMENTS_MAX, sizeof(*t->units));
	if (!t->units)
		return berth_fail(why, BERTH_E_MEMORY, "manifest-memory", NULL, "out of memory");
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; all && i < t->before.unit_count; i++)
		t->units[t->m.unit_count++] = t->before.units[i];
	for (size_t i = 0; !err && !all; i++) {
		const char *serial = berth_arguments_value_at(&t->arguments, "serial", i);
		if (!serial)
			break;
		err = add_serial(t, serial, why);
	}
	t->m.units = t->units;
	return err;
}

static enum berth_err
read_all(struct transferring *t, struct berth_why *why)
{
	struct berth_bytes file;
	enum berth_err err = berth_pki_open(&t->pki, why);
	if (!err)
		err = berth_file_read(option(t, "from"), BERTH_MANIFEST_MAX_BYTES, &t->before_file,
				      why);
	if (err)
		return err;
	file = berth_buf_view(&t->before_file);
	err = berth_manifest_parse(file, &t->arena, &t->before, NULL, NULL, why);
	if (!err)
		err = berth_sha256(t->pki, file, t->m.previous_sha256)
			      ? berth_fail(why, BERTH_E_CRYPTO, "manifest-hash", NULL,
					   "SHA-256 failed")
			      : BERTH_OK;
	if (!err)
		err = berth_keystore_load(t->pki, option(t, "key"), &t->key, why);
	if (!err)
		err = berth_custody_certificates(t->pki, option(t, "certificate"), &t->own, why);
	if (!err)
		err = berth_custody_certificates(t->pki, option(t, "to"), &t->next, why);
	return err;
}

static enum berth_err
write_transfer(struct transferring *t, struct berth_why *why)
{
	BERTH_BUF file = {.limit = BERTH_MANIFEST_MAX_BYTES};
	const struct berth_manifest_signer signer = {t->key, t->own.at[0], NULL, t->m.created};
	enum berth_err err = berth_manifest_encode(&t->m, &file, why);
	if (!err)
		err = berth_manifest_sign(t->pki, &signer, &file, why);
	return err ? err : berth_file_write(option(t, "out"), berth_buf_view(&file), 0644, why);
}

static enum berth_err
transfer(struct transferring *t, struct berth_why *why)
{
	uint8_t id[BATCH_BYTES];
	t->m.kind = BERTH_MANIFEST_TRANSFER;
	t->m.created = berth_clock_wall();
	enum berth_err err = read_all(t, why);
	if (err)
		return err;
	const struct berth_random random = berth_pki_random(t->pki);
	berth_random_fill(&random, id, sizeof(id));
	t->m.batch = berth_text(
		berth_hex_text(berth_bytes_of(id, sizeof(id)), t->batch, sizeof(t->batch)));
	err = take_from(t, why);
	if (!err)
		err = take_next(t, why);
	if (!err)
		err = choose(t, why);
	return err ? err : write_transfer(t, why);
}

int
berth_custody_transfer_main(int argc, char **argv)
{
	BERTH_CLEANUP(transferring_end) struct transferring t = {0};
	struct berth_why why = {0};
	int status = 0;
	if (!berth_arguments_parse(&usage, argc, argv, &t.arguments, &status))
		return status;
	t.before_file.limit = BERTH_MANIFEST_MAX_BYTES + 1;
	berth_arena_start(&t.arena, BERTH_MANIFEST_ARENA_BYTES);
	if (transfer(&t, &why))
		return berth_print_why(argv[0], NULL, &why);
	return BERTH_EXIT_DONE;
}
