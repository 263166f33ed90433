/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/factory/papers.h"

#include <stdlib.h>

#include "system/files.h"

static enum berth_err
no_memory(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_MEMORY, "papers-memory", NULL, "out of memory");
}

enum berth_err
berth_papers_owner_read(struct berth_pki *pki, enum berth_papers_buyer buyer, const char *path,
			const char *name, struct berth_papers_owner *ret, struct berth_why *why)
{
	BERTH_CERT *cert = NULL;
	BERTH_PAPERS_OWNER owner = {0};
	uint8_t id[BERTH_SHA256_BYTES];
	enum berth_err err = berth_factory_read_certificate(pki, path, &cert, why);
	if (err)
		return err;
	if (buyer == BERTH_PAPERS_OWNER_DOMAIN && !berth_cert_is_ca(cert))
		return berth_fail(why, BERTH_E_USAGE, "owner-not-ca", "RFC 8995 5.5.2",
				  "%s is no CA certificate; give the owner's domain CA", path);
	struct berth_bytes said = berth_text(name);
	if (said.n == 0)
		said = berth_cert_party_name(cert);
	if (said.n == 0)
		return berth_fail(why, BERTH_E_USAGE, "owner-name", NULL,
				  "%s names nobody; say who it is with --owner-name", path);
	if (berth_sha256(pki, berth_key_spki(berth_cert_key(cert)), owner.owner.key_sha256))
		return berth_fail(why, BERTH_E_CRYPTO, "owner-hash", NULL, "SHA-256 failed");
	size_t n = sizeof(id);
	if (buyer == BERTH_PAPERS_HOLDER)
		memcpy(id, owner.owner.key_sha256, n);
	else
		n = berth_cert_domain_id(pki, cert, id);
	if (berth_buf_append(&owner.domain_id, id, n) || berth_buf_append_bytes(&owner.name, said))
		return no_memory(why);
	owner.owner.domain_id = berth_buf_view(&owner.domain_id);
	owner.owner.name = berth_buf_view(&owner.name);
	*ret = owner;
	owner = (struct berth_papers_owner){0};
	return BERTH_OK;
}

void
berth_papers_owner_free(struct berth_papers_owner *owner)
{
	berth_buf_free(&owner->domain_id);
	berth_buf_free(&owner->name);
}

static struct berth_manifest_unit
unit_of(const struct berth_journal_unit *made)
{
	struct berth_manifest_unit unit = {
		.identity = {made->issuer_key_id, made->subject_serial},
		.model = made->model,
		.storage = made->storage,
		.masa_url = made->masa_url,
		.mud_url = made->mud_url,
		.has_claim = made->has_claim,
		.claim = made->claim,
	};
	memcpy(unit.key_sha256, made->key_sha256, BERTH_SHA256_BYTES);
	return unit;
}

static enum berth_err
encode(const struct berth_factory *factory, const struct berth_papers_manifest *wanted,
       struct berth_buf *file, struct berth_why *why)
{
	struct berth_manifest manifest = {
		.kind = wanted->kind,
		.manufacturer = berth_text(factory->conf.name),
		.batch = wanted->batch,
		.created = wanted->now,
		.unit_count = wanted->unit_count,
	};
	if (wanted->owner && wanted->buyer == BERTH_PAPERS_HOLDER) {
		manifest.has_holder = true;
		manifest.holder.name = wanted->owner->name;
		memcpy(manifest.holder.key_sha256, wanted->owner->key_sha256, BERTH_SHA256_BYTES);
	} else if (wanted->owner) {
		manifest.has_owner = true;
		manifest.owner.name = wanted->owner->name;
		manifest.owner.domain_id = wanted->owner->domain_id;
		manifest.owner.reference = wanted->reference;
		memcpy(manifest.owner.key_sha256, wanted->owner->key_sha256, BERTH_SHA256_BYTES);
	}
	struct berth_manifest_unit *units = calloc(wanted->unit_count + 1, sizeof(*units));
	if (!units)
		return no_memory(why);
	for (size_t i = 0; i < wanted->unit_count; i++)
		units[i] = unit_of(wanted->units[i]);
	manifest.units = units;
	enum berth_err err = berth_manifest_encode(&manifest, file, why);
	free(units);
	return err;
}

static enum berth_err
sign(struct berth_pki *pki, const struct berth_factory *factory, struct berth_wall now,
     struct berth_buf *file, struct berth_why *why)
{
	BERTH_KEY *key = NULL;
	BERTH_CERT *signer = NULL;
	BERTH_CERT *issuing = NULL;
	BERTH_CERT_LIST others = {0};
	enum berth_err err = berth_factory_key(pki, factory, "manifest", &key, why);
	if (!err)
		err = berth_factory_certificate(pki, factory, "manifest", &signer, why);
	if (!err)
		err = berth_factory_certificate(pki, factory, "device-ca", &issuing, why);
	/* The reader checks that the units' issuer is this manufacturer's. */
	if (!err)
		err = berth_cert_list_add(&others, issuing, why);
	if (err)
		return err;
	const struct berth_manifest_signer by = {key, signer, &others, now};
	return berth_manifest_sign(pki, &by, file, why);
}

enum berth_err
berth_papers_write(struct berth_pki *pki, const struct berth_factory *factory,
		   const struct berth_papers_manifest *manifest, const char *path,
		   struct berth_why *why)
{
	BERTH_BUF file = {.limit = BERTH_MANIFEST_MAX_BYTES};
	enum berth_err err = encode(factory, manifest, &file, why);
	if (!err)
		err = sign(pki, factory, manifest->now, &file, why);
	return err ? err : berth_file_write(path, berth_buf_view(&file), 0644, why);
}
