/* SPDX-License-Identifier: BSD-2-Clause */
/* What manifests say that this domain owns: POST /v1/manifests, one or a chain of custody. */
#include "role/registrar/admin.h"

#include "protocol/manifest/custody.h"
#include "store/registrar_custody.h"

#include <stdio.h>

#define THROUGH_MAX 200 /* of the names of a chain, in the audit log */

static struct berth_wall
now(const struct berth_admin_call *call)
{
	return berth_judge_now(call->role->judge).wall;
}

static bool
is_ours(struct berth_admin_call *call, const struct berth_manifest *manifest)
{
	const struct berth_cert_list *own = &call->role->issuing;
	for (size_t i = 0; manifest->has_owner && i < own->n; i++) {
		uint8_t id[32];
		size_t n = berth_cert_domain_id(call->role->pki, own->at[i], id);
		if (berth_bytes_equal(manifest->owner.domain_id, berth_bytes_of(id, n)))
			return true;
	}
	return false;
}

/* What was made and is nobody's yet counts, as long as no chain says more. */
static bool
counts(struct berth_admin_call *call, const struct berth_custody *custody,
       const struct berth_manifest *last)
{
	bool has_hand = last->has_owner || last->has_holder;
	return is_ours(call, last) || (custody->link_count == 1 && !has_hand);
}

/* Manifests for another owner prove nothing about us. */
static enum berth_err
check_owner(struct berth_admin_call *call, const struct berth_custody *custody)
{
	const struct berth_manifest *last = &custody->links[custody->link_count - 1].manifest;
	struct berth_manifest_holder hand = {.name = BERTH_LIT("nobody")};
	bool is_any = counts(call, custody, last);
	for (size_t i = 0; i < custody->unit_count && !is_any; i++)
		is_any = counts(call, custody, &custody->units[i].last->manifest);
	if (is_any)
		return BERTH_OK;
	(void)berth_manifest_hand(last, &hand);
	return berth_fail(&call->why, BERTH_E_DENIED, "manifest-other-owner", NULL,
			  "the manifest names another owner (%.*s) than this domain",
			  hand.name.n > 80 ? 80 : (int)hand.name.n, (const char *)hand.name.p);
}

/* /v1/manifests tries every manufacturer, /v1/manifests/NAME this one. */
static enum berth_err
open_manifests(struct berth_admin_call *call, struct berth_arena *arena, struct berth_custody *ret,
	       const struct berth_manufacturer **ret_maker)
{
	size_t prefix = sizeof(BERTH_ADMIN_MANIFESTS_PATH) - 1;
	struct berth_bytes wanted = BERTH_BYTES_NONE;
	if (call->http->path.n > prefix + 1)
		wanted = berth_bytes_of(call->http->path.p + prefix + 1,
					call->http->path.n - prefix - 1);
	enum berth_err err =
		berth_fail(&call->why, BERTH_E_NOT_FOUND, "manifest-no-manufacturer", NULL,
			   "there is no [manufacturer] whose manifest this could be");
	for (size_t i = 0; err && i < call->role->maker_count; i++) {
		const struct berth_manufacturer *maker = &call->role->makers[i];
		if (wanted.n > 0 && !berth_bytes_equal_text(wanted, maker->name))
			continue;
		const struct berth_manifest_trust trust = {.anchors = &maker->anchors,
							   .at = now(call)};
		err = berth_custody_open(call->role->pki, call->http->body, &trust, arena, ret,
					 &call->why);
		*ret_maker = maker;
		/* The manufacturer was the right one, the chain is what does not hold. */
		if (err && strncmp(call->why.rule, "custody-", 8) == 0)
			return err;
	}
	return err;
}

/* ---- into the store ---- */

static enum berth_err
load_hands(struct berth_admin_call *call, const struct berth_custody_unit *unit)
{
	const struct berth_custody_link *chain[BERTH_CUSTODY_DEPTH_MAX];
	size_t n = berth_custody_chain(unit, chain);
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; !err && i < n; i++) {
		struct berth_manifest_holder hand = {0};
		(void)berth_manifest_hand(&chain[i]->manifest, &hand);
		const struct berth_registrar_custody link = {
			.depth = (int64_t)i,
			.holder_key_sha256 =
				berth_bytes_of(hand.key_sha256, sizeof(hand.key_sha256)),
			.name = hand.name,
			.manifest_sha256 =
				berth_bytes_of(chain[i]->sha256, sizeof(chain[i]->sha256)),
		};
		err = berth_registrar_custody_add(call->role->store, &unit->made->identity, &link,
						  now(call), &call->why);
	}
	return err;
}

struct count {
	int64_t units;
	int64_t added;
};

static enum berth_err
load_units(struct berth_admin_call *call, const struct berth_custody *custody,
	   const struct berth_manufacturer *maker, struct count *count)
{
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; !err && i < custody->unit_count; i++) {
		const struct berth_manifest_unit *unit = custody->units[i].made;
		const struct berth_manifest *last = &custody->units[i].last->manifest;
		if (!counts(call, custody, last))
			continue;
		const struct berth_registrar_owned owned = {
			.identity = unit->identity,
			.model = unit->model,
			.birth_key_sha256 =
				berth_bytes_of(unit->key_sha256, sizeof(unit->key_sha256)),
			.manifest = last->batch,
			.manufacturer = berth_text(maker->name),
			.masa_url = unit->masa_url,
		};
		bool is_new = false;
		err = load_hands(call, &custody->units[i]);
		err = err ? err
			  : berth_registrar_owned_load(call->role->store, &owned, now(call),
						       &is_new, &call->why);
		count->units++;
		count->added += is_new;
	}
	return err;
}

/* "through A, B": whom the manifests name, for the audit log. */
static void
tell_hands(const struct berth_custody *custody, char through[THROUGH_MAX])
{
	size_t at = 0;
	through[0] = 0;
	for (size_t i = 0; i < custody->link_count; i++) {
		struct berth_manifest_holder hand = {0};
		if (!berth_manifest_hand(&custody->links[i].manifest, &hand))
			continue;
		int n = snprintf(through + at, THROUGH_MAX - at, "%s%.*s", at ? ", " : "through ",
				 hand.name.n > 48 ? 48 : (int)hand.name.n,
				 (const char *)hand.name.p);
		at += n > 0 && (size_t)n < THROUGH_MAX - at ? (size_t)n : 0;
	}
}

/* Only whole characters go into JSON. */
static const char *
whole(const char *text)
{
	return berth_bytes_is_utf8(berth_text(text)) ? text : "";
}

enum berth_err
berth_admin_manifest(struct berth_admin_call *call)
{
	BERTH_ARENA arena;
	berth_arena_start(&arena, BERTH_MANIFEST_ARENA_BYTES);
	struct berth_custody custody;
	struct count count = {0};
	char through[THROUGH_MAX];
	const struct berth_manufacturer *maker = NULL;
	enum berth_err err = open_manifests(call, &arena, &custody, &maker);
	if (!err)
		err = check_owner(call, &custody);
	if (err)
		return err;
	const struct berth_manifest *first = &custody.links[0].manifest;
	const struct berth_manifest *last = &custody.links[custody.link_count - 1].manifest;
	const char *batch = berth_arena_text(&arena, last->batch);
	tell_hands(&custody, through);
	err = berth_admin_note(call, BERTH_EVENT_MANIFEST_LOADED, batch == NULL ? "" : batch,
			       custody.link_count > 1 ? whole(through) : "");
	if (!err)
		err = load_units(call, &custody, maker, &count);
	if (err)
		return err;
	err = berth_json_set_text(call->reply, "manufacturer", first->manufacturer);
	err = err ? err : berth_json_set_text(call->reply, "batch", last->batch);
	err = err ? err : berth_json_set_i64(call->reply, "manifests", (int64_t)custody.link_count);
	err = err ? err : berth_json_set_i64(call->reply, "units", count.units);
	return berth_admin_built(call,
				 err ? err : berth_json_set_i64(call->reply, "added", count.added));
}
