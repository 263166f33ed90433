/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/registrar_custody.h"

#include "store/query.h"

static enum berth_err
compare_hand(struct berth_store *store, const struct berth_device_identity *identity,
	     const struct berth_registrar_custody *link, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "SELECT holder_key_sha256, name FROM custody_link"
		       " WHERE serial_number = ? AND manufacturer_key = ? AND depth = ?");
	bool row = false;

	berth_query_text(&query, identity->serial_number);
	berth_query_blob(&query, identity->manufacturer_key);
	berth_query_i64(&query, link->depth);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err || !row ||
	    berth_bytes_equal(berth_column_bytes(&query, 0), link->holder_key_sha256))
		return err;
	struct berth_bytes name = berth_column_bytes(&query, 1);
	return berth_fail(
		why, BERTH_E_EXISTS, "custody-fork", "berth-manifest(5)",
		"the chain of custody forks: at link %lld unit %.*s went to %.*s already, "
		"not to %.*s",
		(long long)link->depth,
		identity->serial_number.n > 64 ? 64 : (int)identity->serial_number.n,
		(const char *)identity->serial_number.p, name.n > 64 ? 64 : (int)name.n,
		(const char *)name.p, link->name.n > 64 ? 64 : (int)link->name.n,
		(const char *)link->name.p);
}

enum berth_err
berth_registrar_custody_add(struct berth_store *store, const struct berth_device_identity *identity,
			    const struct berth_registrar_custody *link, struct berth_wall now,
			    struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	err = err ? err : compare_hand(store, identity, link, why);
	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "INSERT INTO custody_link (manufacturer_key, serial_number, depth,"
		       " holder_key_sha256, name, manifest_sha256, loaded_at)"
		       " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
	berth_query_blob(&query, identity->manufacturer_key);
	berth_query_text(&query, identity->serial_number);
	berth_query_i64(&query, link->depth);
	berth_query_blob(&query, link->holder_key_sha256);
	berth_query_text(&query, link->name);
	berth_query_blob(&query, link->manifest_sha256);
	berth_query_i64(&query, now.s);
	return berth_query_run(&query, why);
}

enum berth_err
berth_registrar_custody_drop(struct berth_store *store,
			     const struct berth_device_identity *identity, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "DELETE FROM custody_link WHERE serial_number = ?"
					       " AND manufacturer_key = ?");

	berth_query_text(&query, identity->serial_number);
	berth_query_blob(&query, identity->manufacturer_key);
	return berth_query_run(&query, why);
}
