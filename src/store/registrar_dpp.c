/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/registrar_dpp.h"

#include "store/query.h"

enum berth_err
berth_registrar_dpp_key_add(struct berth_store *store, const struct berth_registrar_dpp_key *key,
			    struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "INSERT INTO dpp_key (device, key_hash, chirp_hash, spki, uri, added_by,"
		       " added_at) VALUES (?, ?, ?, ?, ?, ?, ?)");
	berth_query_i64(&query, key->device);
	berth_query_digest(&query, key->key_hash);
	berth_query_digest(&query, key->chirp_hash);
	berth_query_blob(&query, key->spki);
	berth_query_text(&query, key->uri);
	berth_query_text(&query, key->added_by);
	berth_query_i64(&query, key->added_at.s);
	err = berth_query_run(&query, why);
	if (err == BERTH_E_EXISTS)
		return berth_fail(why, err, "dpp-key-known", NULL,
				  "a device with this bootstrapping key is here already");
	return err;
}

#define KEY_COLUMNS                                                                                \
	"SELECT device, key_hash, chirp_hash, spki, uri, added_by, added_at, renew_wanted_at,"     \
	" renew_wanted_by, said_name, said_mud_url"

/* Borrows from the query, until its next row. */
static struct berth_registrar_dpp_key
key_in(struct berth_query *query)
{
	struct berth_registrar_dpp_key key = {
		.device = berth_column_i64(query, 0),
		.spki = berth_column_bytes(query, 3),
		.uri = berth_column_bytes(query, 4),
		.added_by = berth_column_bytes(query, 5),
		.added_at = {berth_column_i64(query, 6)},
		.renew_wanted_at = {berth_column_i64(query, 7)},
		.renew_wanted_by = berth_column_bytes(query, 8),
		.said_name = berth_column_bytes(query, 9),
		.said_mud_url = berth_column_bytes(query, 10),
	};

	berth_column_digest(query, 1, key.key_hash);
	berth_column_digest(query, 2, key.chirp_hash);
	return key;
}

static enum berth_err
take_key(struct berth_query *query, struct berth_arena *arena, struct berth_registrar_dpp_key *ret,
	 struct berth_why *why)
{
	bool row = false;
	bool fits = true;
	enum berth_err err = berth_query_row(query, &row, why);

	if (err)
		return err;
	if (!row)
		return berth_fail(why, BERTH_E_NOT_FOUND, "dpp-key-unknown", NULL,
				  "no device has this bootstrapping key");
	struct berth_registrar_dpp_key key = key_in(query);
	berth_store_keep(arena, &key.spki, &fits);
	berth_store_keep(arena, &key.uri, &fits);
	berth_store_keep(arena, &key.added_by, &fits);
	berth_store_keep(arena, &key.renew_wanted_by, &fits);
	berth_store_keep(arena, &key.said_name, &fits);
	berth_store_keep(arena, &key.said_mud_url, &fits);
	err = berth_store_kept(fits, why);
	if (!err)
		*ret = key;
	return err;
}

enum berth_err
berth_registrar_dpp_key_find(struct berth_store *store, enum berth_dpp_hash which,
			     const uint8_t hash[BERTH_DPP_HASH_BYTES], struct berth_arena *arena,
			     struct berth_registrar_dpp_key *ret, struct berth_why *why)
{
	BERTH_QUERY by_key = berth_query(store, KEY_COLUMNS " FROM dpp_key WHERE key_hash = ?");
	BERTH_QUERY by_chirp = berth_query(store, KEY_COLUMNS " FROM dpp_key WHERE chirp_hash = ?");
	struct berth_query *query = which == BERTH_DPP_BY_KEY_HASH ? &by_key : &by_chirp;

	berth_query_digest(query, hash);
	return take_key(query, arena, ret, why);
}

enum berth_err
berth_registrar_dpp_key_of(struct berth_store *store, int64_t device, struct berth_arena *arena,
			   struct berth_registrar_dpp_key *ret, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, KEY_COLUMNS " FROM dpp_key WHERE device = ?");

	berth_query_i64(&query, device);
	return take_key(&query, arena, ret, why);
}

enum berth_err
berth_registrar_dpp_key_each(struct berth_store *store, berth_registrar_visit_dpp_key *visit,
			     void *context, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, KEY_COLUMNS " FROM dpp_key ORDER BY device");
	bool row = true;

	for (;;) {
		enum berth_err err = berth_query_row(&query, &row, why);
		if (err || !row)
			return err;
		const struct berth_registrar_dpp_key key = key_in(&query);
		if (!visit(context, &key))
			return BERTH_OK;
	}
}

/* req: dpp-controller-mud-url */
enum berth_err
berth_registrar_dpp_said(struct berth_store *store, int64_t device, struct berth_bytes name,
			 struct berth_bytes mud_url, bool *is_other, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);
	bool row = false;

	*is_other = false;
	if (err)
		return err;
	/* no page is written where nothing is new */
	BERTH_QUERY said = berth_query(
		store, "UPDATE dpp_key SET said_name = ?2, said_mud_url = ?3 WHERE device = ?1"
		       " AND (said_name IS NOT ?2 OR said_mud_url IS NOT ?3)");
	berth_query_i64(&said, device);
	berth_query_text(&said, name);
	berth_query_text(&said, mud_url);
	err = berth_query_run(&said, why);
	if (err || mud_url.n == 0)
		return err;
	BERTH_QUERY first = berth_query(
		store, "UPDATE device SET mud_url = ?2 WHERE row = ?1 AND mud_url = ''");
	berth_query_i64(&first, device);
	berth_query_text(&first, mud_url);
	err = berth_query_run(&first, why);
	if (err || berth_query_changed(store))
		return err;
	BERTH_QUERY other =
		berth_query(store, "SELECT 1 FROM device WHERE row = ?1 AND mud_url IS NOT ?2");
	berth_query_i64(&other, device);
	berth_query_text(&other, mud_url);
	err = berth_query_row(&other, &row, why);
	*is_other = row;
	return err;
}

enum berth_err
berth_registrar_connector_intent(struct berth_store *store,
				 const struct berth_registrar_connector *wanted, int64_t *ret_row,
				 struct berth_why *why)
{
	bool row = false;
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "INSERT INTO dpp_connector (device, net_access_sha256, ssid, akm, expires,"
		       " made_at, changed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) RETURNING row");
	berth_query_i64(&query, wanted->device);
	berth_query_digest(&query, wanted->net_access_sha256);
	berth_query_blob(&query, wanted->ssid);
	berth_query_i64(&query, wanted->akm);
	berth_query_i64(&query, wanted->expires.s);
	berth_query_i64(&query, wanted->made_at.s);
	err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	*ret_row = berth_column_i64(&query, 0);
	return berth_query_row(&query, &row, why);
}

enum berth_err
berth_registrar_connector_set(struct berth_store *store, int64_t row,
			      enum berth_dpp_connector_state state, struct berth_wall now,
			      struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "UPDATE dpp_connector SET state = ?, changed_at = ? WHERE row = ?");
	berth_query_i64(&query, (int64_t)state);
	berth_query_i64(&query, now.s);
	berth_query_i64(&query, row);
	return berth_query_run(&query, why);
}

/* Columns: row, device, net_access_sha256, ssid, akm, expires, state, made_at. */
static enum berth_err
take_connector(struct berth_query *query, struct berth_arena *arena,
	       struct berth_registrar_connector *ret, struct berth_why *why)
{
	bool row = false;
	bool fits = true;
	enum berth_err err = berth_query_row(query, &row, why);

	if (err)
		return err;
	if (!row)
		return berth_fail(why, BERTH_E_NOT_FOUND, "dpp-connector-unknown", NULL,
				  "no such Connector was given");
	struct berth_registrar_connector connector = {
		.row = berth_column_i64(query, 0),
		.device = berth_column_i64(query, 1),
		.ssid = berth_column_bytes(query, 3),
		.akm = berth_column_i64(query, 4),
		.expires = {berth_column_i64(query, 5)},
		.state = (enum berth_dpp_connector_state)berth_column_i64(query, 6),
		.made_at = {berth_column_i64(query, 7)},
	};
	berth_column_digest(query, 2, connector.net_access_sha256);
	berth_store_keep(arena, &connector.ssid, &fits);
	err = berth_store_kept(fits, why);
	if (!err)
		*ret = connector;
	return err;
}

enum berth_err
berth_registrar_connector_find(struct berth_store *store,
			       const uint8_t net_access_sha256[BERTH_DPP_HASH_BYTES],
			       struct berth_arena *arena, struct berth_registrar_connector *ret,
			       struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "SELECT row, device, net_access_sha256, ssid, akm, expires, state, made_at"
		       " FROM dpp_connector WHERE net_access_sha256 = ? ORDER BY row DESC LIMIT 1");

	berth_query_digest(&query, net_access_sha256);
	return take_connector(&query, arena, ret, why);
}

enum berth_err
berth_registrar_connector_of(struct berth_store *store, int64_t device, struct berth_arena *arena,
			     struct berth_registrar_connector *ret, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "SELECT row, device, net_access_sha256, ssid, akm, expires, state, made_at"
		       " FROM dpp_connector WHERE device = ? ORDER BY row DESC LIMIT 1");

	berth_query_i64(&query, device);
	return take_connector(&query, arena, ret, why);
}
