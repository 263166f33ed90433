/* SPDX-License-Identifier: BSD-2-Clause */
/* Units made, and who owns them. */
#include "store/masa_store.h"

#include "store/query.h"

#define UNIT_COLUMNS "row, manufacturer_key, serial_number, model, idevid_key_sha256, status"

static void
read_unit(const struct berth_query *query, struct berth_masa_unit *unit)
{
	unit->row = berth_column_i64(query, 0);
	unit->identity.manufacturer_key = berth_column_bytes(query, 1);
	unit->identity.serial_number = berth_column_bytes(query, 2);
	unit->model = berth_column_bytes(query, 3);
	unit->idevid_key_sha256 = berth_column_bytes(query, 4);
	unit->status =
		berth_column_i64(query, 5) ? BERTH_MASA_UNIT_BLOCKED : BERTH_MASA_UNIT_ACTIVE;
}

static enum berth_err
keep_unit(struct berth_arena *arena, struct berth_masa_unit *unit, struct berth_why *why)
{
	bool fits = true;

	berth_store_keep(arena, &unit->identity.manufacturer_key, &fits);
	berth_store_keep(arena, &unit->identity.serial_number, &fits);
	berth_store_keep(arena, &unit->model, &fits);
	berth_store_keep(arena, &unit->idevid_key_sha256, &fits);
	return berth_store_kept(fits, why);
}

static enum berth_err
check_unit(const struct berth_masa_unit *unit, struct berth_why *why)
{
	enum berth_err err = berth_device_identity_check(&unit->identity, why);

	if (err)
		return err;
	if (unit->idevid_key_sha256.n && unit->idevid_key_sha256.n != BERTH_DIGEST_BYTES)
		return berth_fail(why, BERTH_E_SYNTAX, "unit-key-hash", NULL,
				  "the hash of the birth key has %zu bytes, not %d",
				  unit->idevid_key_sha256.n, BERTH_DIGEST_BYTES);
	if (!berth_bytes_is_utf8(unit->model))
		return berth_fail(why, BERTH_E_SYNTAX, "unit-model", NULL,
				  "the model of unit %.*s is not text",
				  (int)unit->identity.serial_number.n,
				  (const char *)unit->identity.serial_number.p);
	return BERTH_OK;
}

/* The unit is there: with the same facts, or the load is refused by the name of the field. */
static enum berth_err
compare_unit(struct berth_store *store, const struct berth_masa_unit *unit, int64_t *ret_row,
	     struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT " UNIT_COLUMNS
				   " FROM unit WHERE serial_number = ? AND manufacturer_key = ?");
	struct berth_masa_unit found;
	const char *field = NULL;
	bool row = false;

	berth_query_text(&query, unit->identity.serial_number);
	berth_query_blob(&query, unit->identity.manufacturer_key);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	if (!row)
		return berth_fail(why, BERTH_E_INTERNAL, "unit-vanished", NULL,
				  "a unit that is there cannot be read");
	read_unit(&query, &found);
	if (!berth_bytes_equal(found.model, unit->model))
		field = "model";
	if (!berth_bytes_equal(found.idevid_key_sha256, unit->idevid_key_sha256))
		field = "birth key";
	if (field)
		return berth_fail(why, BERTH_E_EXISTS, "unit-conflict", NULL,
				  "unit %.*s is already there with another %s",
				  (int)unit->identity.serial_number.n,
				  (const char *)unit->identity.serial_number.p, field);
	*ret_row = found.row;
	return BERTH_OK;
}

enum berth_err
berth_masa_unit_load(struct berth_store *store, const struct berth_masa_unit *unit,
		     struct berth_wall now, int64_t *ret_row, bool *ret_is_new,
		     struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (!err)
		err = check_unit(unit, why);
	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "INSERT INTO unit (manufacturer_key, serial_number, model,"
		       " idevid_key_sha256, status, loaded_at) VALUES (?, ?, ?, ?, ?, ?)"
		       " ON CONFLICT (serial_number, manufacturer_key) DO NOTHING");
	berth_query_blob(&query, unit->identity.manufacturer_key);
	berth_query_text(&query, unit->identity.serial_number);
	berth_query_text(&query, unit->model);
	berth_query_blob(&query, unit->idevid_key_sha256);
	berth_query_i64(&query, unit->status);
	berth_query_i64(&query, now.s);
	err = berth_query_run(&query, why);
	if (err)
		return err;
	*ret_is_new = berth_query_changed(store) > 0;
	if (!*ret_is_new)
		return compare_unit(store, unit, ret_row, why);
	*ret_row = sqlite3_last_insert_rowid(store->db);
	return BERTH_OK;
}

static enum berth_err
unit_not_found(struct berth_bytes serial, struct berth_why *why)
{
	return berth_fail(why, BERTH_E_NOT_FOUND, "masa-unknown-device", "RFC 8995 5.5",
			  "there is no unit %.*s of this manufacturer", (int)serial.n,
			  (const char *)serial.p);
}

enum berth_err
berth_masa_unit_find(struct berth_store *store, const struct berth_device_identity *identity,
		     struct berth_arena *arena, struct berth_masa_unit *ret, struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT " UNIT_COLUMNS
				   " FROM unit WHERE serial_number = ? AND manufacturer_key = ?");
	struct berth_masa_unit unit;
	bool row = false;

	berth_query_text(&query, identity->serial_number);
	berth_query_blob(&query, identity->manufacturer_key);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	if (!row)
		return unit_not_found(identity->serial_number, why);
	read_unit(&query, &unit);
	err = keep_unit(arena, &unit, why);
	if (!err)
		*ret = unit;
	return err;
}

enum berth_err
berth_masa_unit_find_by_serial(struct berth_store *store, struct berth_bytes serial_number,
			       struct berth_arena *arena, struct berth_masa_unit *ret,
			       struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT " UNIT_COLUMNS
					       " FROM unit WHERE serial_number = ? LIMIT 2");
	struct berth_masa_unit unit;
	bool row = false;

	berth_query_text(&query, serial_number);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	if (!row)
		return unit_not_found(serial_number, why);
	read_unit(&query, &unit);
	err = keep_unit(arena, &unit, why);
	if (!err)
		err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	if (row)
		return berth_fail(why, BERTH_E_EXISTS, "masa-serial-ambiguous", "RFC 8366 5.3",
				  "several units have serial number %.*s: the request must carry "
				  "idevid-issuer",
				  (int)serial_number.n, (const char *)serial_number.p);
	*ret = unit;
	return BERTH_OK;
}

enum berth_err
berth_masa_unit_set_status(struct berth_store *store, int64_t unit,
			   enum berth_masa_unit_status status, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(store, "UPDATE unit SET status = ? WHERE row = ?");
	berth_query_i64(&query, status);
	berth_query_i64(&query, unit);
	err = berth_query_run(&query, why);
	if (err || berth_query_changed(store))
		return err;
	return berth_fail(why, BERTH_E_NOT_FOUND, "masa-unknown-device", NULL,
			  "there is no such unit");
}

enum berth_err
berth_masa_unit_each(struct berth_store *store, int64_t after_row, berth_masa_visit_unit *visit,
		     void *context, struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT " UNIT_COLUMNS " FROM unit WHERE row > ? ORDER BY row");
	bool row = false;

	berth_query_i64(&query, after_row);
	for (;;) {
		enum berth_err err = berth_query_row(&query, &row, why);

		if (err || !row)
			return err;
		struct berth_masa_unit unit;
		read_unit(&query, &unit);
		if (!visit(context, &unit))
			return BERTH_OK;
	}
}

/* ---- ownership ---- */

#define OWNER_COLUMNS "domain_id, domain_key_sha256, name, reference, since, until"

static void
read_owner(const struct berth_query *query, struct berth_masa_owner *owner)
{
	owner->domain_id = berth_column_bytes(query, 0);
	owner->domain_key_sha256 = berth_column_bytes(query, 1);
	owner->name = berth_column_bytes(query, 2);
	owner->reference = berth_column_bytes(query, 3);
	owner->since.s = berth_column_i64(query, 4);
	owner->has_until = sqlite3_column_type(query->stmt, 5) != SQLITE_NULL;
	owner->until.s = berth_column_i64(query, 5);
}

static enum berth_err
check_owner(const struct berth_masa_owner *owner, struct berth_why *why)
{
	if (!owner->domain_id.n || owner->domain_id.n > BERTH_DOMAIN_ID_MAX)
		return berth_fail(why, BERTH_E_SYNTAX, "owner-domain-id", "RFC 8995 5.8.2",
				  "the owner's domainID has %zu bytes, not 1 to %d",
				  owner->domain_id.n, BERTH_DOMAIN_ID_MAX);
	if (owner->domain_key_sha256.n && owner->domain_key_sha256.n != BERTH_DIGEST_BYTES)
		return berth_fail(why, BERTH_E_SYNTAX, "owner-domain-key", NULL,
				  "the hash of the owner's key has %zu bytes, not %d",
				  owner->domain_key_sha256.n, BERTH_DIGEST_BYTES);
	if (!owner->name.n || !berth_bytes_is_utf8(owner->name) ||
	    !berth_bytes_is_utf8(owner->reference))
		return berth_fail(why, BERTH_E_SYNTAX, "owner-name", NULL,
				  "the owner needs a name, and name and reference are text");
	return BERTH_OK;
}

/* *ret_is_same: this very sale is on record. */
static enum berth_err
compare_owner(struct berth_store *store, int64_t unit, const struct berth_masa_owner *owner,
	      bool *ret_is_same, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT " OWNER_COLUMNS
					       " FROM owner WHERE unit = ? AND until IS NULL");
	struct berth_masa_owner found;
	bool row = false;

	*ret_is_same = false;
	berth_query_i64(&query, unit);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err || !row)
		return err;
	read_owner(&query, &found);
	*ret_is_same = berth_bytes_equal(found.domain_id, owner->domain_id) &&
		       berth_bytes_equal(found.domain_key_sha256, owner->domain_key_sha256);
	if (*ret_is_same)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_EXISTS, "owner-conflict", NULL,
			  "the unit belongs to %.*s: that ownership must end first",
			  (int)found.name.n, (const char *)found.name.p);
}

enum berth_err
berth_masa_owner_set(struct berth_store *store, int64_t unit, const struct berth_masa_owner *owner,
		     struct berth_why *why)
{
	bool is_same = false;
	enum berth_err err = berth_store_writes(store, why);

	if (!err)
		err = check_owner(owner, why);
	if (!err)
		err = compare_owner(store, unit, owner, &is_same, why);
	if (err || is_same)
		return err;
	BERTH_QUERY query =
		berth_query(store, "INSERT INTO owner (unit, domain_id, domain_key_sha256,"
				   " name, reference, since) VALUES (?, ?, ?, ?, ?, ?)");
	berth_query_i64(&query, unit);
	berth_query_blob(&query, owner->domain_id);
	berth_query_blob(&query, owner->domain_key_sha256);
	berth_query_text(&query, owner->name);
	berth_query_text(&query, owner->reference);
	berth_query_i64(&query, owner->since.s);
	return berth_query_run(&query, why);
}

enum berth_err
berth_masa_owner_end(struct berth_store *store, int64_t unit, struct berth_wall until,
		     struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query =
		berth_query(store, "UPDATE owner SET until = ? WHERE unit = ? AND until IS NULL");
	berth_query_i64(&query, until.s);
	berth_query_i64(&query, unit);
	err = berth_query_run(&query, why);
	if (err || berth_query_changed(store))
		return err;
	return berth_fail(why, BERTH_E_NOT_FOUND, "owner-none", NULL, "nobody owns the unit");
}

/* Steps a query over OWNER_COLUMNS once; NOT_FOUND when it gives no row. */
static enum berth_err
take_owner(struct berth_query *query, struct berth_arena *arena, struct berth_masa_owner *ret,
	   struct berth_why *why)
{
	struct berth_masa_owner owner;
	bool row = false;
	bool fits = true;
	enum berth_err err = berth_query_row(query, &row, why);

	if (err)
		return err;
	if (!row)
		return berth_fail(why, BERTH_E_NOT_FOUND, "owner-none", NULL,
				  "nobody owns the unit");
	read_owner(query, &owner);
	berth_store_keep(arena, &owner.domain_id, &fits);
	berth_store_keep(arena, &owner.domain_key_sha256, &fits);
	berth_store_keep(arena, &owner.name, &fits);
	berth_store_keep(arena, &owner.reference, &fits);
	err = berth_store_kept(fits, why);
	if (!err)
		*ret = owner;
	return err;
}

enum berth_err
berth_masa_owner_current(struct berth_store *store, int64_t unit, struct berth_wall now,
			 struct berth_arena *arena, struct berth_masa_owner *ret,
			 struct berth_why *why)
{
	/* A release may be dated ahead: until then the owner stays. A sale dated ahead does not count yet. */
	BERTH_QUERY query = berth_query(
		store,
		"SELECT " OWNER_COLUMNS " FROM owner WHERE unit = ?1 AND since <= ?2"
		" AND (until IS NULL OR until > ?2) ORDER BY until IS NULL DESC, row DESC LIMIT 1");

	berth_query_i64(&query, unit);
	berth_query_i64(&query, now.s);
	return take_owner(&query, arena, ret, why);
}

enum berth_err
berth_masa_owner_last(struct berth_store *store, int64_t unit, struct berth_arena *arena,
		      struct berth_masa_owner *ret, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT " OWNER_COLUMNS
					       " FROM owner WHERE unit = ? AND until IS NOT NULL"
					       " ORDER BY row DESC LIMIT 1");

	berth_query_i64(&query, unit);
	return take_owner(&query, arena, ret, why);
}

enum berth_err
berth_masa_owner_each(struct berth_store *store, int64_t unit, berth_masa_visit_owner *visit,
		      void *context, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT " OWNER_COLUMNS
					       " FROM owner WHERE unit = ? ORDER BY row");
	bool row = false;

	berth_query_i64(&query, unit);
	for (;;) {
		enum berth_err err = berth_query_row(&query, &row, why);
		struct berth_masa_owner owner;

		if (err || !row)
			return err;
		read_owner(&query, &owner);
		if (!visit(context, &owner))
			return BERTH_OK;
	}
}

enum berth_err
berth_masa_domain_was_owner(struct berth_store *store, int64_t unit, struct berth_bytes domain_id,
			    struct berth_bytes key_sha256, bool *ret, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "SELECT EXISTS (SELECT 1 FROM owner WHERE unit = ?1 AND"
		       " iif(domain_key_sha256 = x'', domain_id = ?2, domain_key_sha256 = ?3))");
	bool row = false;

	berth_query_i64(&query, unit);
	berth_query_blob(&query, domain_id);
	berth_query_blob(&query, key_sha256);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (!err)
		*ret = row && berth_column_i64(&query, 0) != 0;
	return err;
}
