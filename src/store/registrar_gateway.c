/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/registrar_gateway.h"

#include "store/query.h"

enum berth_err
berth_registrar_gateway_set(struct berth_store *store, int64_t device, bool is_gateway,
			    struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	if (!is_gateway) {
		BERTH_QUERY query = berth_query(
			store, "UPDATE gateway SET is_gateway = 0 WHERE device = ? AND is_gateway");
		berth_query_i64(&query, device);
		return berth_query_run(&query, why);
	}
	BERTH_QUERY query =
		berth_query(store, "INSERT INTO gateway (device, is_gateway) VALUES (?, 1)"
				   " ON CONFLICT DO UPDATE SET is_gateway = 1");
	berth_query_i64(&query, device);
	return berth_query_run(&query, why);
}

enum berth_err
berth_registrar_gateway_is(struct berth_store *store, int64_t device, bool *ret,
			   struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT 1 FROM gateway WHERE device = ? AND is_gateway");

	berth_query_i64(&query, device);
	return berth_query_row(&query, ret, why);
}

/* req: gateway-restored */
enum berth_err
berth_registrar_gateway_generation(struct berth_store *store, int64_t gateway, int64_t after,
				   int64_t *ret, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT generation FROM gateway WHERE device = ?");
	bool row = false;

	berth_query_i64(&query, gateway);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	if (!row)
		return berth_fail(why, BERTH_E_NOT_FOUND, "gateway-none", NULL,
				  "the device is no gateway");
	*ret = berth_column_i64(&query, 0);
	if (*ret >= after)
		return BERTH_OK;
	err = berth_store_writes(store, why);
	if (err)
		return err;
	BERTH_QUERY raise =
		berth_query(store, "UPDATE gateway SET generation = ? WHERE device = ?");
	*ret = after + 1;
	berth_query_i64(&raise, *ret);
	berth_query_i64(&raise, gateway);
	return berth_query_run(&raise, why);
}

enum berth_err
berth_registrar_gateway_bind(struct berth_store *store, int64_t gateway, int64_t device,
			     struct berth_wall now, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "INSERT INTO gateway_device (device, gateway, since) VALUES (?, ?, ?)"
		       " ON CONFLICT DO UPDATE SET gateway = excluded.gateway,"
		       " since = excluded.since WHERE gateway <> excluded.gateway");
	berth_query_i64(&query, device);
	berth_query_i64(&query, gateway);
	berth_query_i64(&query, now.s);
	return berth_query_run(&query, why);
}

enum berth_err
berth_registrar_gateway_count(struct berth_store *store, int64_t gateway, size_t *ret,
			      struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT count(*) FROM gateway_device WHERE gateway = ?");
	bool row = false;

	berth_query_i64(&query, gateway);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (!err)
		*ret = (size_t)berth_column_i64(&query, 0);
	return err;
}

enum berth_err
berth_registrar_gateway_each(struct berth_store *store, int64_t gateway, size_t from, size_t max,
			     berth_registrar_visit_gateway_device *visit, void *context,
			     struct berth_why *why)
{
	/* 1: issued; registrar_store.h */
	BERTH_QUERY query = berth_query(
		store, "SELECT d.id, d.state, d.segment, coalesce(c.issuer_key_id, x''),"
		       " coalesce(c.serial, x'') FROM gateway_device g JOIN device d"
		       " ON d.row = g.device LEFT JOIN certificate c ON c.row = (SELECT max(row)"
		       " FROM certificate WHERE device = d.row AND state = 1)"
		       " WHERE g.gateway = ? ORDER BY g.since, g.device LIMIT ? OFFSET ?");
	bool row = false;

	berth_query_i64(&query, gateway);
	berth_query_i64(&query, (int64_t)max);
	berth_query_i64(&query, (int64_t)from);
	for (;;) {
		enum berth_err err = berth_query_row(&query, &row, why);

		if (err || !row)
			return err;
		const struct berth_registrar_gateway_device device = {
			.id = berth_column_bytes(&query, 0),
			.state = (enum berth_device_standing)berth_column_i64(&query, 1),
			.segment = berth_column_bytes(&query, 2),
			.issuer_key_id = berth_column_bytes(&query, 3),
			.serial = berth_column_bytes(&query, 4),
		};
		if (!visit(context, &device))
			return BERTH_OK;
	}
}
