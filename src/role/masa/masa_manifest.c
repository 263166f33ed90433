/* SPDX-License-Identifier: BSD-2-Clause */
/* Units and owners as signed manifests tell them, one or a chain of custody: POST /v1/manifests of the admin interface. */
#include "protocol/manifest/custody.h"

#include <stdio.h>

#include "role/masa/masa_admin.h"

static enum berth_err
load_claim(struct berth_masa_call *call, int64_t unit, const struct berth_manifest_unit *from)
{
	struct berth_masa_claim claim = {0};

	if (!from->has_claim)
		return BERTH_OK;
	memcpy(claim.salt, from->claim.salt, sizeof(claim.salt));
	memcpy(claim.sha256, from->claim.sha256, sizeof(claim.sha256));
	return berth_masa_claim_load(call->role->store, unit, &claim, berth_masa_call_now(call),
				     &call->why);
}

/* The store refuses a unit that went to another hand before. */
static enum berth_err
load_hands(struct berth_masa_call *call, int64_t unit,
	   const struct berth_custody_link *const *chain, size_t n)
{
	enum berth_err err = BERTH_OK;

	for (size_t i = 0; !err && i < n; i++) {
		struct berth_manifest_holder hand = {0};

		(void)berth_manifest_hand(&chain[i]->manifest, &hand);
		const struct berth_masa_custody link = {
			.depth = (int64_t)i,
			.holder_key_sha256 =
				berth_bytes_of(hand.key_sha256, sizeof(hand.key_sha256)),
			.name = hand.name,
			.manifest_sha256 =
				berth_bytes_of(chain[i]->sha256, sizeof(chain[i]->sha256)),
		};
		err = berth_masa_custody_add(call->role->store, unit, &link,
					     berth_masa_call_now(call), &call->why);
	}
	return err;
}

/* True when the owner of record signed it away: it is one of the hands before the new owner's. */
static bool
gave_away(const struct berth_masa_owner *owner, const struct berth_custody_link *const *chain,
	  size_t n)
{
	bool is_hand = false;

	for (size_t i = 0; i < n; i++) {
		struct berth_manifest_holder hand = {0};

		is_hand = is_hand || (berth_manifest_hand(&chain[i]->manifest, &hand) &&
				      berth_bytes_equal(owner->domain_key_sha256,
							berth_bytes_of(hand.key_sha256,
								       sizeof(hand.key_sha256))));
	}
	return is_hand;
}

/* Who signed the unit away goes, and the log says to whom; nothing where nobody did. */
static enum berth_err
end_former_owner(struct berth_masa_call *call, const struct berth_masa_unit *unit, int64_t row,
		 const struct berth_masa_owner *next, const struct berth_custody_link *const *chain,
		 size_t n)
{
	struct berth_masa_owner owner = {0};
	char device[BERTH_DEVICE_ID_MAX];
	enum berth_err err = berth_masa_owner_current(
		call->role->store, row, berth_masa_call_now(call), call->arena, &owner, &call->why);

	if (err)
		return err == BERTH_E_NOT_FOUND ? BERTH_OK : err;
	if (berth_bytes_equal(owner.domain_id, next->domain_id) || !gave_away(&owner, chain, n))
		return BERTH_OK;
	err = berth_device_id(&unit->identity, &call->role->digest, device, &call->why);
	err = err ? err
		  : berth_masa_note_owner(call, BERTH_EVENT_OWNER_ENDED, device, &owner, next);
	err = err ? err : berth_masa_note_owner(call, BERTH_EVENT_OWNER_SET, device, &owner, next);
	return err ? err
		   : berth_masa_owner_end(call->role->store, row, berth_masa_call_now(call),
					  &call->why);
}

/* The last hand that has a domain. Nothing where the store knows more hands than this chain. */
static enum berth_err
load_owner(struct berth_masa_call *call, const struct berth_masa_unit *unit, int64_t row,
	   const struct berth_custody_link *const *chain, size_t n)
{
	int64_t depth = 0;
	size_t i = n;
	enum berth_err err = berth_masa_custody_depth(call->role->store, row, &depth, &call->why);

	while (i > 0 && !chain[i - 1]->manifest.has_owner)
		i--;
	if (err || i == 0 || depth > (int64_t)n)
		return err;
	const struct berth_manifest_owner *next = &chain[i - 1]->manifest.owner;
	const struct berth_masa_owner owner = {
		.domain_id = next->domain_id,
		.domain_key_sha256 = berth_bytes_of(next->key_sha256, sizeof(next->key_sha256)),
		.name = next->name,
		.reference = next->reference,
		.since = berth_masa_call_now(call),
	};
	err = end_former_owner(call, unit, row, &owner, chain, i - 1);
	return err ? err : berth_masa_owner_set(call->role->store, row, &owner, &call->why);
}

static enum berth_err
load_unit(struct berth_masa_call *call, const struct berth_custody_unit *from, int64_t *added)
{
	const struct berth_custody_link *chain[BERTH_CUSTODY_DEPTH_MAX];
	const struct berth_masa_unit unit = {
		.identity = from->made->identity,
		.model = from->made->model,
		.idevid_key_sha256 =
			berth_bytes_of(from->made->key_sha256, sizeof(from->made->key_sha256)),
	};
	int64_t row = 0;
	bool is_new = false;
	size_t n = berth_custody_chain(from, chain);
	enum berth_err err = berth_masa_unit_load(
		call->role->store, &unit, berth_masa_call_now(call), &row, &is_new, &call->why);

	*added += is_new;
	err = err ? err : load_claim(call, row, from->made);
	err = err ? err : load_hands(call, row, chain, n);
	return err ? err : load_owner(call, &unit, row, chain, n);
}

enum berth_err
berth_masa_manifest_load(struct berth_masa_call *call)
{
	BERTH_ARENA arena = {0};
	struct berth_custody custody = {0};
	const struct berth_manifest_trust trust = {&call->role->trust.manifest,
						   berth_masa_call_now(call)};
	int64_t added = 0;
	char batch[BERTH_AUDIT_SUBJECT_MAX];

	berth_arena_start(&arena, BERTH_MANIFEST_ARENA_BYTES);
	enum berth_err err = berth_custody_open(call->role->pki, call->http->body, &trust, &arena,
						&custody, &call->why);
	if (err)
		return err;
	const struct berth_bytes last = custody.links[custody.link_count - 1].manifest.batch;
	snprintf(batch, sizeof(batch), "%.*s", (int)(last.n > 200 ? 200 : last.n),
		 (const char *)last.p);
	err = berth_masa_note(call, BERTH_EVENT_UNITS_LOADED, batch);
	for (size_t i = 0; !err && i < custody.unit_count; i++)
		err = load_unit(call, &custody.units[i], &added);
	err = err ? err : berth_masa_built(call, berth_json_set_text(call->reply, "batch", last));
	err = err ? err
		  : berth_masa_built(call, berth_json_set_i64(call->reply, "units",
							      (int64_t)custody.unit_count));
	err = err ? err
		  : berth_masa_built(call, berth_json_set_i64(call->reply, "manifests",
							      (int64_t)custody.link_count));
	return err ? err : berth_masa_built(call, berth_json_set_i64(call->reply, "added", added));
}
