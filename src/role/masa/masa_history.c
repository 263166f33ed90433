/* SPDX-License-Identifier: BSD-2-Clause */
/* Through whose hands a unit went, and what was done about it: the owner table, and the audit log's entries. */
#include "role/masa/masa_judge.h"

#define ENTRIES_MAX 1000 /* the newest; strangers' requests for one unit are among them */

struct writing {
	json_t *array;
	const char *device;
	enum berth_err err;
};

static json_t *
append(struct writing *writing)
{
	json_t *object = json_object();

	writing->err = !object || json_array_append_new(writing->array, object) ? BERTH_E_MEMORY
										: BERTH_OK;
	return writing->err ? NULL : object;
}

static enum berth_err
put_time(json_t *object, const char *key, struct berth_wall at)
{
	char text[BERTH_TIME_TEXT_MAX];

	return berth_json_set_text(object, key, berth_text(berth_wall_format(at, text)));
}

static bool
put_owner(void *context, const struct berth_masa_owner *owner)
{
	struct writing *writing = context;
	json_t *object = append(writing);
	enum berth_err err = writing->err;

	err = err ? err : berth_json_set_text(object, "owner", owner->name);
	err = err ? err : berth_json_set_base64(object, "domain-id", owner->domain_id);
	err = err ? err : berth_json_set_text(object, "reference", owner->reference);
	err = err ? err : put_time(object, "since", owner->since);
	if (!err && owner->has_until)
		err = put_time(object, "until", owner->until);
	writing->err = err;
	return err == BERTH_OK;
}

static bool
put_entry(void *context, const struct berth_audit_entry *entry)
{
	struct writing *writing = context;

	if (!berth_bytes_equal_text(entry->subject, writing->device))
		return true;
	if (json_array_size(writing->array) >= ENTRIES_MAX)
		json_array_remove(writing->array, 0);
	json_t *object = append(writing);
	enum berth_err err = writing->err;
	err = err ? err : berth_json_set_i64(object, "seq", entry->seq);
	err = err ? err : put_time(object, "at", entry->at);
	err = err ? err : berth_json_set_text(object, "actor", entry->actor);
	err = err ? err : berth_json_set_text(object, "event", entry->event);
	writing->err = err;
	return err == BERTH_OK;
}

enum berth_err
berth_masa_put_history(struct berth_masa_role *role, int64_t unit, const char *device,
		       json_t *object, struct berth_why *why)
{
	struct writing owners = {.array = json_array()};
	struct writing entries = {.array = json_array(), .device = device};
	enum berth_err set = berth_json_set(object, "owners", owners.array);
	enum berth_err audit_set = berth_json_set(object, "audit", entries.array);

	if (set || audit_set)
		return berth_fail(why, BERTH_E_MEMORY, "berth-memory", NULL, "out of memory");
	enum berth_err err = berth_masa_owner_each(role->store, unit, put_owner, &owners, why);
	err = err ? err : berth_audit_each(role->store, 1, put_entry, &entries, why);
	if (err)
		return err;
	return owners.err || entries.err ? berth_fail(why, BERTH_E_LIMIT, "admin-reply", NULL,
						      "the history could not be written down")
					 : BERTH_OK;
}
