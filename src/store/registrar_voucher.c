/* SPDX-License-Identifier: BSD-2-Clause */
/* Vouchers that were made ahead, for devices that will come on where no MASA can be reached. */
#include "store/registrar_store.h"

#include "store/query.h"

#define COLUMNS                                                                                    \
	"row, manufacturer_key, serial_number, manufacturer, masa_url, der, created_on, expires,"  \
	" last_renewal, added_by, added_at, next_try"

static void
read_voucher(const struct berth_query *query, struct berth_registrar_stored_voucher *ret)
{
	*ret = (struct berth_registrar_stored_voucher){
		.row = berth_column_i64(query, 0),
		.identity.manufacturer_key = berth_column_bytes(query, 1),
		.identity.serial_number = berth_column_bytes(query, 2),
		.manufacturer = berth_column_bytes(query, 3),
		.masa_url = berth_column_bytes(query, 4),
		.der = berth_column_bytes(query, 5),
		.created_on.s = berth_column_i64(query, 6),
		.expires.s = berth_column_i64(query, 7),
		.last_renewal.s = berth_column_i64(query, 8),
		.added_by = berth_column_bytes(query, 9),
		.added_at.s = berth_column_i64(query, 10),
		.next_try.s = berth_column_i64(query, 11),
	};
}

enum berth_err
berth_registrar_voucher_keep(struct berth_store *store,
			     const struct berth_registrar_stored_voucher *voucher,
			     struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store,
		"INSERT INTO stored_voucher (manufacturer_key, serial_number, manufacturer,"
		" masa_url, der, created_on, expires, last_renewal, added_by, added_at)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
		" ON CONFLICT (serial_number, manufacturer_key) DO UPDATE SET manufacturer ="
		" excluded.manufacturer, masa_url = iif(excluded.masa_url = '', masa_url,"
		" excluded.masa_url), der = excluded.der, created_on = excluded.created_on,"
		" expires = excluded.expires, last_renewal = excluded.last_renewal, added_by ="
		" excluded.added_by, added_at = excluded.added_at, next_try = 0"
		" WHERE excluded.expires >= expires");
	berth_query_blob(&query, voucher->identity.manufacturer_key);
	berth_query_text(&query, voucher->identity.serial_number);
	berth_query_text(&query, voucher->manufacturer);
	berth_query_text(&query, voucher->masa_url);
	berth_query_blob(&query, voucher->der);
	berth_query_i64(&query, voucher->created_on.s);
	berth_query_i64(&query, voucher->expires.s);
	berth_query_i64(&query, voucher->last_renewal.s);
	berth_query_text(&query, voucher->added_by);
	berth_query_i64(&query, voucher->added_at.s);
	err = berth_query_run(&query, why);
	if (err || berth_query_changed(store) > 0)
		return err;
	return berth_fail(why, BERTH_E_EXISTS, "offline-voucher-older", NULL,
			  "a voucher that holds longer is kept for this device already");
}

enum berth_err
berth_registrar_voucher_find(struct berth_store *store,
			     const struct berth_device_identity *identity,
			     struct berth_arena *arena, struct berth_registrar_stored_voucher *ret,
			     struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT " COLUMNS " FROM stored_voucher"
					       " WHERE serial_number = ? AND manufacturer_key = ?");
	struct berth_registrar_stored_voucher found;
	bool row = false;
	bool fits = true;

	berth_query_text(&query, identity->serial_number);
	berth_query_blob(&query, identity->manufacturer_key);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	if (!row)
		return berth_fail(why, BERTH_E_NOT_FOUND, "offline-voucher-unknown", NULL,
				  "no voucher is kept for this device");
	read_voucher(&query, &found);
	berth_store_keep(arena, &found.identity.manufacturer_key, &fits);
	berth_store_keep(arena, &found.identity.serial_number, &fits);
	berth_store_keep(arena, &found.manufacturer, &fits);
	berth_store_keep(arena, &found.masa_url, &fits);
	berth_store_keep(arena, &found.der, &fits);
	berth_store_keep(arena, &found.added_by, &fits);
	err = berth_store_kept(fits, why);
	if (!err)
		*ret = found;
	return err;
}

enum berth_err
berth_registrar_voucher_drop(struct berth_store *store,
			     const struct berth_device_identity *identity, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(store, "DELETE FROM stored_voucher WHERE serial_number = ?"
					       " AND manufacturer_key = ?");
	berth_query_text(&query, identity->serial_number);
	berth_query_blob(&query, identity->manufacturer_key);
	err = berth_query_run(&query, why);
	if (err || berth_query_changed(store) > 0)
		return err;
	return berth_fail(why, BERTH_E_NOT_FOUND, "offline-voucher-unknown", NULL,
			  "no voucher is kept for this device");
}

enum berth_err
berth_registrar_voucher_retry_at(struct berth_store *store, int64_t row, struct berth_wall at,
				 struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query =
		berth_query(store, "UPDATE stored_voucher SET next_try = ? WHERE row = ?");
	berth_query_i64(&query, at.s);
	berth_query_i64(&query, row);
	return berth_query_run(&query, why);
}

enum berth_err
berth_registrar_voucher_each(struct berth_store *store, berth_registrar_visit_voucher *visit,
			     void *context, struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT " COLUMNS " FROM stored_voucher ORDER BY expires, row");
	bool row = false;

	for (;;) {
		enum berth_err err = berth_query_row(&query, &row, why);

		if (err || !row)
			return err;
		struct berth_registrar_stored_voucher voucher;
		read_voucher(&query, &voucher);
		if (!visit(context, &voucher))
			return BERTH_OK;
	}
}
