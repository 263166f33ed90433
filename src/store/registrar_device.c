/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices, what we own, decisions, approvals, telemetry: all that hangs on a device but its credentials. */
#include "store/registrar_custody.h"
#include "store/registrar_store.h"

#include "store/query.h"

#define DEVICE_COLUMNS                                                                             \
	"row, id, manufacturer_key, serial_number, manufacturer, model, birth_key_sha256,"         \
	" mud_url, segment, state, first_seen, last_seen, masa_url"

static void
read_device(const struct berth_query *query, struct berth_registrar_device *device)
{
	struct berth_bytes id = berth_column_bytes(query, 1);

	*device = (struct berth_registrar_device){.row = berth_column_i64(query, 0)};
	memcpy(device->id, id.p, id.n < sizeof device->id ? id.n : sizeof device->id - 1);
	device->identity.manufacturer_key = berth_column_bytes(query, 2);
	device->identity.serial_number = berth_column_bytes(query, 3);
	device->manufacturer = berth_column_bytes(query, 4);
	device->model = berth_column_bytes(query, 5);
	device->birth_key_sha256 = berth_column_bytes(query, 6);
	device->mud_url = berth_column_bytes(query, 7);
	device->segment = berth_column_bytes(query, 8);
	device->state = (enum berth_device_standing)berth_column_i64(query, 9);
	device->first_seen.s = berth_column_i64(query, 10);
	device->last_seen.s = berth_column_i64(query, 11);
	device->masa_url = berth_column_bytes(query, 12);
}

static enum berth_err
keep_device(struct berth_arena *arena, struct berth_registrar_device *device, struct berth_why *why)
{
	bool fits = true;

	berth_store_keep(arena, &device->identity.manufacturer_key, &fits);
	berth_store_keep(arena, &device->identity.serial_number, &fits);
	berth_store_keep(arena, &device->manufacturer, &fits);
	berth_store_keep(arena, &device->model, &fits);
	berth_store_keep(arena, &device->birth_key_sha256, &fits);
	berth_store_keep(arena, &device->mud_url, &fits);
	berth_store_keep(arena, &device->masa_url, &fits);
	berth_store_keep(arena, &device->segment, &fits);
	return berth_store_kept(fits, why);
}

/* Steps a query over DEVICE_COLUMNS once; NOT_FOUND when it gives no row. */
static enum berth_err
take_device(struct berth_query *query, struct berth_arena *arena,
	    struct berth_registrar_device *ret, struct berth_why *why)
{
	struct berth_registrar_device device;
	bool row = false;
	enum berth_err err = berth_query_row(query, &row, why);

	if (err)
		return err;
	if (!row)
		return berth_fail(why, BERTH_E_NOT_FOUND, "device-unknown", NULL,
				  "there is no such device");
	read_device(query, &device);
	err = keep_device(arena, &device, why);
	if (!err)
		*ret = device;
	return err;
}

static enum berth_err
insert_device(struct berth_store *store, const struct berth_registrar_device *seen, const char *id,
	      struct berth_wall now, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store,
		"INSERT INTO device (id, manufacturer_key, serial_number, manufacturer, model,"
		" birth_key_sha256, mud_url, masa_url, first_seen, last_seen)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)");

	berth_query_text(&query, berth_text(id));
	berth_query_blob(&query, seen->identity.manufacturer_key);
	berth_query_text(&query, seen->identity.serial_number);
	berth_query_text(&query, seen->manufacturer);
	berth_query_text(&query, seen->model);
	berth_query_blob(&query, seen->birth_key_sha256);
	berth_query_text(&query, seen->mud_url);
	berth_query_text(&query, seen->masa_url);
	berth_query_i64(&query, now.s);
	return berth_query_run(&query, why);
}

/* Facts that are not given keep what is stored. */
static enum berth_err
refresh_device(struct berth_store *store, int64_t row, const struct berth_registrar_device *seen,
	       struct berth_wall now, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "UPDATE device SET manufacturer = iif(?1 = '', manufacturer, ?1),"
		       " model = iif(?2 = '', model, ?2),"
		       " birth_key_sha256 = iif(?3 = x'', birth_key_sha256, ?3),"
		       " mud_url = iif(?4 = '', mud_url, ?4),"
		       " masa_url = iif(?5 = '', masa_url, ?5), last_seen = max(last_seen, ?6)"
		       " WHERE row = ?7");

	berth_query_text(&query, seen->manufacturer);
	berth_query_text(&query, seen->model);
	berth_query_blob(&query, seen->birth_key_sha256);
	berth_query_text(&query, seen->mud_url);
	berth_query_text(&query, seen->masa_url);
	berth_query_i64(&query, now.s);
	berth_query_i64(&query, row);
	return berth_query_run(&query, why);
}

static enum berth_err
check_seen(const struct berth_registrar_device *seen, struct berth_why *why)
{
	if (seen->birth_key_sha256.n && seen->birth_key_sha256.n != BERTH_DIGEST_BYTES)
		return berth_fail(why, BERTH_E_SYNTAX, "device-key-hash", NULL,
				  "the hash of the birth key has %zu bytes, not %d",
				  seen->birth_key_sha256.n, BERTH_DIGEST_BYTES);
	if (!berth_bytes_is_utf8(seen->manufacturer) || !berth_bytes_is_utf8(seen->model) ||
	    !berth_bytes_is_utf8(seen->mud_url) || !berth_bytes_is_utf8(seen->masa_url))
		return berth_fail(why, BERTH_E_SYNTAX, "device-text", NULL,
				  "the device's manufacturer, model, MUD URL or MASA is not text");
	return BERTH_OK;
}

/* req: rfc8995-5-same-certificates */
static enum berth_err
check_birth_key(const struct berth_registrar_device *stored,
		const struct berth_registrar_device *seen, struct berth_why *why)
{
	if (!stored->birth_key_sha256.n || !seen->birth_key_sha256.n ||
	    berth_bytes_equal(stored->birth_key_sha256, seen->birth_key_sha256))
		return BERTH_OK;
	return berth_fail(why, BERTH_E_MISMATCH, "device-birth-key-changed", NULL,
			  "device %s has shown another birth key before: it was cloned, or the "
			  "manufacturer issued it a new IDevID",
			  stored->id);
}

enum berth_err
berth_registrar_device_seen(struct berth_store *store, const struct berth_registrar_device *seen,
			    struct berth_wall now, struct berth_arena *arena,
			    struct berth_registrar_device *ret, bool *ret_is_new,
			    struct berth_why *why)
{
	struct berth_registrar_device device;
	char id[BERTH_DEVICE_ID_MAX];
	enum berth_err err = berth_store_writes(store, why);

	if (!err)
		err = check_seen(seen, why);
	if (!err)
		err = berth_device_id(&seen->identity, &store->digest, id, why);
	if (err)
		return err;
	err = berth_registrar_device_find(store, &seen->identity, arena, &device, why);
	bool is_new = err == BERTH_E_NOT_FOUND;
	if (is_new)
		err = insert_device(store, seen, id, now, why);
	if (is_new)
		device.row = sqlite3_last_insert_rowid(store->db);
	if (!err && !is_new)
		err = check_birth_key(&device, seen, why);
	if (!err && !is_new)
		err = refresh_device(store, device.row, seen, now, why);
	if (!err)
		err = berth_registrar_device_get(store, device.row, arena, &device, why);
	if (err)
		return err;
	*ret = device;
	*ret_is_new = is_new;
	return BERTH_OK;
}

enum berth_err
berth_registrar_device_get(struct berth_store *store, int64_t row, struct berth_arena *arena,
			   struct berth_registrar_device *ret, struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT " DEVICE_COLUMNS " FROM device WHERE row = ?");

	berth_query_i64(&query, row);
	return take_device(&query, arena, ret, why);
}

enum berth_err
berth_registrar_device_find(struct berth_store *store, const struct berth_device_identity *identity,
			    struct berth_arena *arena, struct berth_registrar_device *ret,
			    struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT " DEVICE_COLUMNS
				   " FROM device WHERE serial_number = ? AND manufacturer_key = ?");

	berth_query_text(&query, identity->serial_number);
	berth_query_blob(&query, identity->manufacturer_key);
	return take_device(&query, arena, ret, why);
}

#define FIT_COLUMN 13	 /* behind DEVICE_COLUMNS */
#define NAME_START_MIN 4 /* of the id's hash part; a shorter one fits too many */

/* An id goes before a serial number, which its maker may choose as it likes; both before the start of an id. */
enum berth_err
berth_registrar_device_find_by_name(struct berth_store *store, const char *name,
				    struct berth_arena *arena, struct berth_registrar_device *ret,
				    struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store,
		"SELECT " DEVICE_COLUMNS ", iif(id = ?1, 2, serial_number = ?1) AS fit FROM device"
		" WHERE id = ?1 OR serial_number = ?1"
		" OR (?2 AND substr(id, 1, length(?1)) = ?1) ORDER BY fit DESC, row LIMIT 2");
	struct berth_registrar_device device;
	bool row = false;

	berth_query_text(&query, berth_text(name));
	berth_query_i64(&query, strlen(name) >= NAME_START_MIN);
	enum berth_err err = take_device(&query, arena, &device, why);
	if (err)
		return err == BERTH_E_NOT_FOUND
			       ? berth_fail(why, err, "device-unknown", NULL,
					    "there is no device %.80s: see berth device list", name)
			       : err;
	int64_t fit = berth_column_i64(&query, FIT_COLUMN);
	err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	if (row && fit == berth_column_i64(&query, FIT_COLUMN))
		return berth_fail(why, BERTH_E_EXISTS, "device-ambiguous", NULL,
				  "several devices fit %.80s: give the whole id", name);
	*ret = device;
	return BERTH_OK;
}

enum berth_err
berth_registrar_device_each(struct berth_store *store, berth_registrar_visit_device *visit,
			    void *context, struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT " DEVICE_COLUMNS " FROM device ORDER BY row");
	bool row = false;

	for (;;) {
		enum berth_err err = berth_query_row(&query, &row, why);

		if (err || !row)
			return err;
		struct berth_registrar_device device;
		read_device(&query, &device);
		if (!visit(context, &device))
			return BERTH_OK;
	}
}

static enum berth_err
read_state(struct berth_store *store, int64_t device, enum berth_device_standing *ret,
	   struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT state FROM device WHERE row = ?");
	bool row = false;

	berth_query_i64(&query, device);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	if (!row)
		return berth_fail(why, BERTH_E_NOT_FOUND, "device-unknown", NULL,
				  "there is no such device");
	*ret = (enum berth_device_standing)berth_column_i64(&query, 0);
	return BERTH_OK;
}

static enum berth_err
write_state(struct berth_store *store, int64_t device, enum berth_device_standing to,
	    struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "UPDATE device SET state = ? WHERE row = ?");

	berth_query_i64(&query, to);
	berth_query_i64(&query, device);
	return berth_query_run(&query, why);
}

enum berth_err
berth_registrar_device_move(struct berth_store *store, int64_t device,
			    enum berth_device_standing to, struct berth_why *why)
{
	enum berth_device_standing from = BERTH_DEVICE_KNOWN;
	enum berth_err err = berth_store_writes(store, why);

	if (!err)
		err = read_state(store, device, &from, why);
	if (!err)
		err = berth_device_check_move(from, to, why);
	return err ? err : write_state(store, device, to, why);
}

enum berth_err
berth_registrar_device_advance(struct berth_store *store, int64_t device,
			       enum berth_device_standing to, struct berth_why *why)
{
	enum berth_device_standing from = BERTH_DEVICE_KNOWN;
	enum berth_err err = berth_store_writes(store, why);

	if (!err)
		err = read_state(store, device, &from, why);
	if (err || from == to || !berth_device_may_move(from, to))
		return err;
	return write_state(store, device, to, why);
}

enum berth_err
berth_registrar_device_set_segment(struct berth_store *store, int64_t device,
				   struct berth_bytes segment, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(store, "UPDATE device SET segment = ? WHERE row = ?");
	berth_query_text(&query, segment);
	berth_query_i64(&query, device);
	err = berth_query_run(&query, why);
	if (err || berth_query_changed(store))
		return err;
	return berth_fail(why, BERTH_E_NOT_FOUND, "device-unknown", NULL,
			  "there is no such device");
}

/* ---- purchase manifests ---- */

#define OWNED_COLUMNS                                                                              \
	"manufacturer_key, serial_number, model, birth_key_sha256, manifest, loaded_at,"           \
	" manufacturer, masa_url"

/* Steps a query over OWNED_COLUMNS once; NOT_FOUND when it gives no row. */
static enum berth_err
take_owned(struct berth_query *query, struct berth_arena *arena, struct berth_registrar_owned *ret,
	   struct berth_why *why)
{
	bool row = false;
	bool fits = true;
	enum berth_err err = berth_query_row(query, &row, why);

	if (err)
		return err;
	if (!row)
		return berth_fail(why, BERTH_E_NOT_FOUND, "device-not-owned", NULL,
				  "no purchase manifest names the device: load its manifest");
	struct berth_registrar_owned owned = {
		.identity.manufacturer_key = berth_column_bytes(query, 0),
		.identity.serial_number = berth_column_bytes(query, 1),
		.model = berth_column_bytes(query, 2),
		.birth_key_sha256 = berth_column_bytes(query, 3),
		.manifest = berth_column_bytes(query, 4),
		.loaded_at.s = berth_column_i64(query, 5),
		.manufacturer = berth_column_bytes(query, 6),
		.masa_url = berth_column_bytes(query, 7),
	};
	berth_store_keep(arena, &owned.identity.manufacturer_key, &fits);
	berth_store_keep(arena, &owned.identity.serial_number, &fits);
	berth_store_keep(arena, &owned.model, &fits);
	berth_store_keep(arena, &owned.birth_key_sha256, &fits);
	berth_store_keep(arena, &owned.manifest, &fits);
	berth_store_keep(arena, &owned.manufacturer, &fits);
	berth_store_keep(arena, &owned.masa_url, &fits);
	err = berth_store_kept(fits, why);
	if (!err)
		*ret = owned;
	return err;
}

enum berth_err
berth_registrar_owned_find(struct berth_store *store, const struct berth_device_identity *identity,
			   struct berth_arena *arena, struct berth_registrar_owned *ret,
			   struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT " OWNED_COLUMNS " FROM owned"
					       " WHERE serial_number = ? AND manufacturer_key = ?");

	berth_query_text(&query, identity->serial_number);
	berth_query_blob(&query, identity->manufacturer_key);
	return take_owned(&query, arena, ret, why);
}

enum berth_err
berth_registrar_owned_find_by_serial(struct berth_store *store, struct berth_bytes serial_number,
				     struct berth_arena *arena, struct berth_registrar_owned *ret,
				     struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT " OWNED_COLUMNS " FROM owned WHERE serial_number = ?");
	bool row = false;

	berth_query_text(&query, serial_number);
	enum berth_err err = take_owned(&query, arena, ret, why);
	if (!err)
		err = berth_query_row(&query, &row, why);
	if (err || !row)
		return err;
	return berth_fail(why, BERTH_E_EXISTS, "device-ambiguous", NULL,
			  "units of several manufacturers have this serial number");
}

#define OWNED_ARENA_MAX 4096 /* one line of a manifest */

/* Who tells the same last is who told: else a maker that was first would keep the right one from being heard. */
static enum berth_err
set_teller(struct berth_store *store, const struct berth_registrar_owned *owned,
	   struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "UPDATE owned SET manufacturer = ?, manifest = ?,"
					       " masa_url = ? WHERE serial_number = ?"
					       " AND manufacturer_key = ?");
	berth_query_text(&query, owned->manufacturer);
	berth_query_text(&query, owned->manifest);
	berth_query_text(&query, owned->masa_url);
	berth_query_text(&query, owned->identity.serial_number);
	berth_query_blob(&query, owned->identity.manufacturer_key);
	return berth_query_run(&query, why);
}

static enum berth_err
compare_owned(struct berth_store *store, const struct berth_registrar_owned *owned,
	      struct berth_why *why)
{
	struct berth_registrar_owned found;
	const char *field = NULL;
	BERTH_ARENA arena;
	berth_arena_start(&arena, OWNED_ARENA_MAX);
	enum berth_err err =
		berth_registrar_owned_find(store, &owned->identity, &arena, &found, why);

	if (err)
		return err;
	if (!berth_bytes_equal(found.model, owned->model))
		field = "model";
	if (!berth_bytes_equal(found.birth_key_sha256, owned->birth_key_sha256))
		field = "birth key";
	if (!field)
		return berth_bytes_equal(found.manufacturer, owned->manufacturer)
			       ? BERTH_OK
			       : set_teller(store, owned, why);
	return berth_fail(why, BERTH_E_EXISTS, "owned-conflict", NULL,
			  "unit %.*s is there from manifest %.*s with another %s",
			  (int)owned->identity.serial_number.n,
			  (const char *)owned->identity.serial_number.p, (int)found.manifest.n,
			  found.manifest.p ? (const char *)found.manifest.p : "", field);
}

enum berth_err
berth_registrar_owned_load(struct berth_store *store, const struct berth_registrar_owned *owned,
			   struct berth_wall now, bool *ret_is_new, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (!err)
		err = berth_device_identity_check(&owned->identity, why);
	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store,
		"INSERT INTO owned (manufacturer_key, serial_number, model, birth_key_sha256,"
		" manifest, loaded_at, manufacturer, masa_url) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
		" ON CONFLICT (serial_number, manufacturer_key) DO NOTHING");
	berth_query_blob(&query, owned->identity.manufacturer_key);
	berth_query_text(&query, owned->identity.serial_number);
	berth_query_text(&query, owned->model);
	berth_query_blob(&query, owned->birth_key_sha256);
	berth_query_text(&query, owned->manifest);
	berth_query_i64(&query, now.s);
	berth_query_text(&query, owned->manufacturer);
	berth_query_text(&query, owned->masa_url);
	err = berth_query_run(&query, why);
	if (err)
		return err;
	bool is_new = berth_query_changed(store) > 0;
	err = is_new ? BERTH_OK : compare_owned(store, owned, why);
	if (!err)
		*ret_is_new = is_new;
	return err;
}

enum berth_err
berth_registrar_owned_drop(struct berth_store *store, const struct berth_device_identity *identity,
			   struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(store, "DELETE FROM owned WHERE serial_number = ?"
					       " AND manufacturer_key = ?");
	berth_query_text(&query, identity->serial_number);
	berth_query_blob(&query, identity->manufacturer_key);
	err = berth_query_run(&query, why);
	return err ? err : berth_registrar_custody_drop(store, identity, why);
}
