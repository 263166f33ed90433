/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/masa/masa_judge.h"

/* EXISTS of the store means here: several manufacturers' keys use this serial number. */
static enum berth_err
find_unit(struct berth_masa_role *role, const struct berth_masa_unit_query *query,
	  struct berth_arena *arena, struct berth_masa_unit *unit,
	  struct berth_masa_unit_facts *facts, struct berth_why *why)
{
	const struct berth_device_identity identity = {query->issuer_key_id, query->serial_number};
	struct berth_masa_unit by_serial = {0};
	enum berth_err err = berth_masa_unit_find_by_serial(role->store, query->serial_number,
							    arena, &by_serial, why);

	facts->has_serial_twins = err == BERTH_E_EXISTS;
	if (query->issuer_key_id.n == 0) {
		facts->is_known = err == BERTH_OK;
		facts->is_ambiguous = err == BERTH_E_EXISTS;
		*unit = by_serial;
		return err == BERTH_E_NOT_FOUND || err == BERTH_E_EXISTS ? BERTH_OK : err;
	}
	if (err == BERTH_E_NOT_FOUND || (err && err != BERTH_E_EXISTS))
		return err == BERTH_E_NOT_FOUND ? BERTH_OK : err;
	if (berth_device_identity_check(&identity, NULL))
		return BERTH_OK; /* no identity that could have been loaded: unknown */
	err = berth_masa_unit_find(role->store, &identity, arena, unit, why);
	facts->is_known = err == BERTH_OK;
	return err == BERTH_E_NOT_FOUND ? BERTH_OK : err;
}

bool
berth_masa_is_asker(const struct berth_masa_owner *owner, const struct berth_masa_unit_query *query)
{
	for (size_t i = 0; i < query->path_count; i++) {
		const struct berth_bytes key =
			berth_bytes_of(query->path_digest[i], BERTH_SHA256_BYTES);
		const struct berth_bytes id =
			berth_bytes_of(query->path_domain_id[i], query->path_domain_id_length[i]);

		if (owner->domain_key_sha256.n ? berth_bytes_equal(owner->domain_key_sha256, key)
					       : berth_bytes_equal(owner->domain_id, id))
			return true;
	}
	return false;
}

static enum berth_err
find_owner(struct berth_masa_role *role, const struct berth_masa_unit_query *query,
	   struct berth_arena *arena, struct berth_masa_unit_record *record,
	   struct berth_masa_unit_facts *facts, struct berth_why *why)
{
	const struct berth_wall now = berth_judge_now(role->judge).wall;
	enum berth_err err = berth_masa_owner_current(role->store, record->unit.row, now, arena,
						      &record->owner, why);

	if (err && err != BERTH_E_NOT_FOUND)
		return err;
	facts->has_owner = err == BERTH_OK;
	if (facts->has_owner) {
		facts->owner_is_asker = berth_masa_is_asker(&record->owner, query);
		facts->owner_name = berth_arena_text(arena, record->owner.name);
	}
	err = BERTH_OK;
	for (size_t i = 0; !err && i < query->path_count && !facts->asker_was_owner; i++)
		err = berth_masa_domain_was_owner(
			role->store, record->unit.row,
			berth_bytes_of(query->path_domain_id[i], query->path_domain_id_length[i]),
			berth_bytes_of(query->path_digest[i], BERTH_SHA256_BYTES),
			&facts->asker_was_owner, why);
	return err;
}

static enum berth_err
find_outstanding(struct berth_masa_role *role, const struct berth_masa *masa,
		 struct berth_masa_unit_record *record, struct berth_masa_unit_facts *facts,
		 struct berth_why *why)
{
	int64_t count = 0;
	enum berth_err err = berth_masa_voucher_outstanding(
		role->store, record->unit.row,
		berth_bytes_of(masa->issue.domain_id, masa->issue.domain_id_length),
		berth_judge_now(role->judge).wall, &count, why);

	facts->has_other_outstanding = count > 0;
	return err;
}

enum berth_err
berth_masa_look_up_owner(struct berth_masa_role *role, const struct berth_masa_unit_query *query,
			 struct berth_arena *arena, struct berth_masa_unit_record *record,
			 struct berth_masa_unit_facts *facts, struct berth_why *why)
{
	*facts = (struct berth_masa_unit_facts){0};
	enum berth_err err = find_unit(role, query, arena, &record->unit, facts, why);

	if (err || !facts->is_known)
		return err;
	facts->is_withdrawn = record->unit.status == BERTH_MASA_UNIT_BLOCKED;
	facts->idevid_spki_digest = record->unit.idevid_key_sha256;
	err = berth_device_id(&record->unit.identity, &role->digest, record->device, why);
	return err ? err : find_owner(role, query, arena, record, facts, why);
}

enum berth_err
berth_masa_look_up(struct berth_masa_role *role, const struct berth_masa *masa,
		   struct berth_arena *arena, struct berth_masa_unit_record *record,
		   struct berth_masa_unit_facts *facts, struct berth_why *why)
{
	enum berth_err err =
		berth_masa_look_up_owner(role, &masa->unit_query, arena, record, facts, why);

	if (err || !facts->is_known)
		return err;
	return find_outstanding(role, masa, record, facts, why);
}

static uint32_t
count_of(int64_t count)
{
	return count < 0 ? 0 : count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

static enum berth_err
copy_event(const struct berth_masa_log_event *from, struct berth_arena *arena,
	   struct berth_audit_event *to)
{
	BERTH_BUF nonce = {0};

	*to = (struct berth_audit_event){
		.date = from->date,
		.domain_id = from->domain_id,
		.assertion = BERTH_ASSERTION_LOGGED,
		.truncated = count_of(from->truncated),
	};
	berth_assertion_parse(from->assertion, &to->assertion);
	if (from->nonce.n == 0)
		return BERTH_OK;
	enum berth_err err = berth_voucher_nonce_text(from->nonce, false, &nonce);
	to->nonce = berth_arena_copy(arena, berth_buf_view(&nonce));
	return err ? err : to->nonce.p ? BERTH_OK : BERTH_E_MEMORY;
}

enum berth_err
berth_masa_read_log(struct berth_masa_role *role, int64_t unit, struct berth_arena *arena,
		    struct berth_audit_log *ret, struct berth_why *why)
{
	struct berth_masa_log log = {0};
	enum berth_err err = berth_masa_log_read(role->store, unit, arena, &log, why);

	if (err)
		return err;
	*ret = (struct berth_audit_log){
		.version = BERTH_AUDIT_LOG_VERSION,
		.event_count = log.n,
		.nonced_duplicates = count_of(log.nonced_duplicates),
		.nonceless_duplicates = count_of(log.nonceless_duplicates),
		.arbitrary = count_of(log.arbitrary),
	};
	if (log.n == 0)
		return BERTH_OK;
	ret->events = berth_arena_alloc(arena, log.n * sizeof(ret->events[0]));
	for (size_t i = 0; !err && ret->events && i < log.n; i++)
		err = copy_event(&log.events[i], arena, &ret->events[i]);
	if (err || !ret->events)
		return berth_fail(why, BERTH_E_LIMIT, "masa-log-memory", NULL,
				  "the unit's log does not fit in memory");
	return BERTH_OK;
}
