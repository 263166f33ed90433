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

static enum berth_err
check_room(struct berth_store *store, int64_t gateway, int64_t device, size_t max,
	   struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "SELECT count(*) FROM gateway_device WHERE gateway = ? AND device <> ?");
	bool row = false;

	berth_query_i64(&query, gateway);
	berth_query_i64(&query, device);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err || (size_t)berth_column_i64(&query, 0) < max)
		return err;
	return berth_fail(why, BERTH_E_LIMIT, "gateway-devices", NULL,
			  "%zu devices came through this gateway already; no more are noted", max);
}

enum berth_err
berth_registrar_gateway_bind(struct berth_store *store, int64_t gateway, int64_t device, size_t max,
			     struct berth_wall now, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	err = err ? err : check_room(store, gateway, device, max, why);
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
berth_registrar_gateway_each(struct berth_store *store, int64_t gateway,
			     berth_registrar_visit_gateway_device *visit, void *context,
			     struct berth_why *why)
{
	/* 1: issued; registrar_store.h */
	BERTH_QUERY query = berth_query(
		store, "SELECT d.id, d.state, d.segment, coalesce(c.issuer_key_id, x''),"
		       " coalesce(c.serial, x'') FROM gateway_device g JOIN device d"
		       " ON d.row = g.device LEFT JOIN certificate c ON c.row = (SELECT max(row)"
		       " FROM certificate WHERE device = d.row AND state = 1)"
		       " WHERE g.gateway = ? ORDER BY g.since, g.device");
	bool row = false;

	berth_query_i64(&query, gateway);
	for (;;) {
		enum berth_err err = berth_query_row(&query, &row, why);

		if (err || !row)
			return err;
		const struct berth_registrar_gateway_device device = {
			.id = berth_column_bytes(&query, 0),
			.state = (enum berth_device_state)berth_column_i64(&query, 1),
			.segment = berth_column_bytes(&query, 2),
			.issuer_key_id = berth_column_bytes(&query, 3),
			.serial = berth_column_bytes(&query, 4),
		};
		if (!visit(context, &device))
			return BERTH_OK;
	}
}
