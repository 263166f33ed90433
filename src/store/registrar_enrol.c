/* SPDX-License-Identifier: BSD-2-Clause */
/* Permission to enrol and the certificates that come of it. */
#include "store/registrar_store.h"

#include "store/query.h"
#include "store/registrar_est.h"

static void
read_permission(const struct berth_query *query, struct berth_registrar_permission *permission)
{
	permission->row = berth_column_i64(query, 0);
	permission->device = berth_column_i64(query, 1);
	permission->step = berth_column_i64(query, 2);
	permission->expires.s = berth_column_i64(query, 3);
	permission->is_used = berth_column_bytes(query, 4).n != 0;
	berth_column_digest(query, 4, permission->key_sha256);
	berth_column_digest(query, 5, permission->csr_sha256);
	permission->certificate = berth_column_i64(query, 6);
}

enum berth_err
berth_registrar_permission_get(struct berth_store *store, int64_t device,
			       struct berth_registrar_permission *ret, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT row, device, step, expires, key_sha256,"
					       " csr_sha256, certificate FROM permission"
					       " WHERE device = ?");
	bool row = false;

	berth_query_i64(&query, device);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	if (!row)
		return berth_fail(why, BERTH_E_NOT_FOUND, "enrol-no-permission", "RFC 8995 5.9",
				  "the device may not enrol: its voucher step has not passed");
	read_permission(&query, ret);
	return BERTH_OK;
}

enum berth_err
berth_registrar_permission_drop(struct berth_store *store, int64_t device, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(store, "DELETE FROM permission WHERE device = ?");
	berth_query_i64(&query, device);
	return berth_query_run(&query, why);
}

enum berth_err
berth_registrar_permission_grant(struct berth_store *store, int64_t device, int64_t step,
				 struct berth_wall expires, struct berth_why *why)
{
	struct berth_registrar_permission found;
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	err = berth_registrar_permission_get(store, device, &found, why);
	if (!err && found.step == step)
		return BERTH_OK;
	if (!err && found.step > step)
		return berth_fail(why, BERTH_E_STATE, "enrol-old-step", NULL,
				  "a later voucher step of the device has passed already");
	if (!err)
		err = berth_registrar_permission_drop(store, device, why);
	if (err && err != BERTH_E_NOT_FOUND)
		return err;
	BERTH_QUERY query = berth_query(
		store, "INSERT INTO permission (device, step, expires) VALUES (?, ?, ?)");
	berth_query_i64(&query, device);
	berth_query_i64(&query, step);
	berth_query_i64(&query, expires.s);
	return berth_query_run(&query, why);
}

static enum berth_err
fix_key(struct berth_store *store, struct berth_registrar_permission *permission,
	const uint8_t key_sha256[BERTH_DIGEST_BYTES], const uint8_t csr_sha256[BERTH_DIGEST_BYTES],
	struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "UPDATE permission SET key_sha256 = ?, csr_sha256 = ?"
				   " WHERE row = ? AND key_sha256 = x''");

	berth_query_digest(&query, key_sha256);
	berth_query_digest(&query, csr_sha256);
	berth_query_i64(&query, permission->row);
	enum berth_err err = berth_query_run(&query, why);
	if (err)
		return err;
	memcpy(permission->key_sha256, key_sha256, BERTH_DIGEST_BYTES);
	memcpy(permission->csr_sha256, csr_sha256, BERTH_DIGEST_BYTES);
	permission->is_used = true;
	return BERTH_OK;
}

enum berth_err
berth_registrar_permission_use(struct berth_store *store, int64_t device,
			       const uint8_t key_sha256[BERTH_DIGEST_BYTES],
			       const uint8_t csr_sha256[BERTH_DIGEST_BYTES], struct berth_wall now,
			       struct berth_registrar_permission *ret, struct berth_why *why)
{
	struct berth_registrar_permission permission;
	enum berth_err err = berth_store_writes(store, why);

	if (!err)
		err = berth_registrar_permission_get(store, device, &permission, why);
	if (err)
		return err;
	if (permission.is_used &&
	    memcmp(permission.key_sha256, key_sha256, BERTH_DIGEST_BYTES) != 0)
		return berth_fail(
			why, BERTH_E_MISMATCH, "enrol-other-key", "RFC 8995 5.9",
			"this permission to enrol was used with another key: onboard again");
	if (now.s > permission.expires.s)
		return berth_fail(why, BERTH_E_EXPIRED, "enrol-permission-expired", "RFC 8995 5.9",
				  "the permission to enrol has expired: onboard again");
	if (!permission.is_used)
		err = fix_key(store, &permission, key_sha256, csr_sha256, why);
	if (!err)
		*ret = permission;
	return err;
}

/* ---- certificates ---- */

#define CERTIFICATE_COLUMNS                                                                        \
	"row, device, permission, issuer_key_id, serial, subject, not_after, state, key_sha256,"   \
	" der, made_at, revoked_at, revocation_reason"

static void
read_certificate(const struct berth_query *query, struct berth_registrar_certificate *certificate)
{
	certificate->row = berth_column_i64(query, 0);
	certificate->device = berth_column_i64(query, 1);
	certificate->permission = berth_column_i64(query, 2);
	certificate->credential.issuer_key_id = berth_column_bytes(query, 3);
	certificate->credential.serial = berth_column_bytes(query, 4);
	certificate->credential.subject = berth_column_bytes(query, 5);
	certificate->credential.not_after.s = berth_column_i64(query, 6);
	certificate->credential.state = (enum berth_credential_state)berth_column_i64(query, 7);
	berth_column_digest(query, 8, certificate->key_sha256);
	certificate->der = berth_column_bytes(query, 9);
	certificate->made_at.s = berth_column_i64(query, 10);
	certificate->revoked_at.s = berth_column_i64(query, 11);
	certificate->revocation_reason = (enum berth_revocation_reason)berth_column_i64(query, 12);
}

static enum berth_err
take_certificate(struct berth_query *query, struct berth_arena *arena,
		 struct berth_registrar_certificate *ret, struct berth_why *why)
{
	struct berth_registrar_certificate certificate;
	bool row = false;
	bool fits = true;
	enum berth_err err = berth_query_row(query, &row, why);

	if (err)
		return err;
	if (!row)
		return berth_fail(why, BERTH_E_NOT_FOUND, "certificate-unknown", NULL,
				  "there is no such certificate");
	read_certificate(query, &certificate);
	berth_store_keep(arena, &certificate.credential.issuer_key_id, &fits);
	berth_store_keep(arena, &certificate.credential.serial, &fits);
	berth_store_keep(arena, &certificate.credential.subject, &fits);
	berth_store_keep(arena, &certificate.der, &fits);
	err = berth_store_kept(fits, why);
	if (!err)
		*ret = certificate;
	return err;
}

enum berth_err
berth_registrar_certificate_get(struct berth_store *store, int64_t row, struct berth_arena *arena,
				struct berth_registrar_certificate *ret, struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT " CERTIFICATE_COLUMNS " FROM certificate WHERE row = ?");

	berth_query_i64(&query, row);
	return take_certificate(&query, arena, ret, why);
}

enum berth_err
berth_registrar_certificate_find(struct berth_store *store, struct berth_bytes issuer_key_id,
				 struct berth_bytes serial, struct berth_arena *arena,
				 struct berth_registrar_certificate *ret, struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT " CERTIFICATE_COLUMNS
				   " FROM certificate WHERE issuer_key_id = ? AND serial = ?");

	berth_query_blob(&query, issuer_key_id);
	berth_query_blob(&query, serial);
	return take_certificate(&query, arena, ret, why);
}

static enum berth_err
insert_certificate(struct berth_store *store, const struct berth_registrar_certificate *wanted,
		   struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store,
		"INSERT INTO certificate (device, permission, issuer_key_id, serial, subject,"
		" not_after, key_sha256, made_at, row)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0))");

	berth_query_i64(&query, wanted->device);
	berth_query_i64(&query, wanted->permission);
	berth_query_blob(&query, wanted->credential.issuer_key_id);
	berth_query_blob(&query, wanted->credential.serial);
	berth_query_text(&query, wanted->credential.subject);
	berth_query_i64(&query, wanted->credential.not_after.s);
	berth_query_digest(&query, wanted->key_sha256);
	berth_query_i64(&query, wanted->made_at.s);
	berth_query_i64(&query, wanted->row);
	return berth_query_run(&query, why);
}

/* Only for the device and key that the permission is fixed to, and only once. */
static enum berth_err
check_permission(struct berth_store *store, const struct berth_registrar_certificate *wanted,
		 struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT 1 FROM permission WHERE row = ? AND device = ?"
				   " AND key_sha256 = ? AND certificate = 0");
	bool row = false;

	berth_query_i64(&query, wanted->permission);
	berth_query_i64(&query, wanted->device);
	berth_query_digest(&query, wanted->key_sha256);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err || row)
		return err;
	return berth_fail(
		why, BERTH_E_STATE, "enrol-permission-taken", "RFC 8995 5.9",
		"the permission to enrol is not for this device and key, or a certificate "
		"stands against it already");
}

static enum berth_err
point_permission(struct berth_store *store, int64_t permission, int64_t certificate,
		 struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "UPDATE permission SET certificate = ? WHERE row = ?");

	berth_query_i64(&query, certificate);
	berth_query_i64(&query, permission);
	return berth_query_run(&query, why);
}

static enum berth_err
claim(struct berth_store *store, const struct berth_registrar_certificate *wanted,
      struct berth_why *why)
{
	return wanted->est_request != 0 ? berth_registrar_est_request_check(store, wanted, why)
					: check_permission(store, wanted, why);
}

static enum berth_err
point(struct berth_store *store, const struct berth_registrar_certificate *wanted, int64_t row,
      struct berth_why *why)
{
	return wanted->est_request != 0
		       ? berth_registrar_est_request_point(store, wanted->est_request, row, why)
		       : point_permission(store, wanted->permission, row, why);
}

enum berth_err
berth_registrar_certificate_intent(struct berth_store *store,
				   const struct berth_registrar_certificate *wanted,
				   int64_t *ret_row, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (!err)
		err = berth_credential_check(&wanted->credential, why);
	if (!err)
		err = claim(store, wanted, why);
	if (!err)
		err = insert_certificate(store, wanted, why);
	if (err == BERTH_E_EXISTS)
		return berth_fail(why, err, "certificate-serial-taken", "RFC 5280 4.1.2.2",
				  "the serial number was taken before: choose another");
	if (err)
		return err;
	int64_t row = sqlite3_last_insert_rowid(store->db);
	err = point(store, wanted, row, why);
	if (!err)
		*ret_row = row;
	return err;
}

static enum berth_err
read_der(struct berth_store *store, int64_t row, struct berth_bytes der, bool *ret_is_same,
	 struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "SELECT 1 FROM certificate WHERE row = ? AND der = ? AND state IN (1, 3)");

	berth_query_i64(&query, row);
	berth_query_blob(&query, der);
	return berth_query_row(&query, ret_is_same, why);
}

enum berth_err
berth_registrar_certificate_issued(struct berth_store *store, int64_t row, struct berth_bytes der,
				   struct berth_why *why)
{
	bool is_same = false;
	enum berth_err err = berth_store_writes(store, why);

	if (!err)
		err = read_der(store, row, der, &is_same, why);
	if (err || is_same)
		return err;
	BERTH_QUERY query = berth_query(
		store, "UPDATE certificate SET state = 1, der = ? WHERE row = ? AND state = 0");
	berth_query_blob(&query, der);
	berth_query_i64(&query, row);
	err = berth_query_run(&query, why);
	if (err || berth_query_changed(store))
		return err;
	return berth_fail(why, BERTH_E_STATE, "certificate-not-intent", NULL,
			  "certificate %lld is no longer an intent", (long long)row);
}

enum berth_err
berth_registrar_certificate_failed(struct berth_store *store, int64_t row, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query =
		berth_query(store, "UPDATE certificate SET state = 2 WHERE row = ? AND state = 0");
	berth_query_i64(&query, row);
	err = berth_query_run(&query, why);
	if (err)
		return err;
	if (!berth_query_changed(store))
		return berth_fail(why, BERTH_E_STATE, "certificate-not-intent", NULL,
				  "certificate %lld is no longer an intent", (long long)row);
	BERTH_QUERY release =
		berth_query(store, "UPDATE permission SET certificate = 0 WHERE certificate = ?");
	berth_query_i64(&release, row);
	err = berth_query_run(&release, why);
	return err ? err : berth_registrar_est_request_release(store, row, why);
}

enum berth_err
berth_registrar_certificate_revoke(struct berth_store *store, int64_t row,
				   enum berth_revocation_reason reason, struct berth_wall now,
				   struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "UPDATE certificate SET revoked_at = iif(state = 3, revoked_at, ?1),"
		       " revocation_reason = iif(state = 3, revocation_reason, ?2), state = 3"
		       " WHERE row = ?3 AND state <> 2");
	berth_query_i64(&query, now.s);
	berth_query_i64(&query, reason);
	berth_query_i64(&query, row);
	err = berth_query_run(&query, why);
	if (err || berth_query_changed(store))
		return err;
	return berth_fail(why, BERTH_E_NOT_FOUND, "certificate-unknown", NULL,
			  "there is no such certificate");
}

static enum berth_err
each(struct berth_query *query, berth_registrar_visit_certificate *visit, void *context,
     struct berth_why *why)
{
	bool row = false;

	for (;;) {
		enum berth_err err = berth_query_row(query, &row, why);

		if (err || !row)
			return err;
		struct berth_registrar_certificate certificate;
		read_certificate(query, &certificate);
		if (!visit(context, &certificate))
			return BERTH_OK;
	}
}

enum berth_err
berth_registrar_certificate_each(struct berth_store *store, int64_t device,
				 berth_registrar_visit_certificate *visit, void *context,
				 struct berth_why *why)
{
	/* Two statements: one that serves both would read every certificate to find a device's. */
	BERTH_QUERY query = berth_query(store, device ? "SELECT " CERTIFICATE_COLUMNS
							" FROM certificate WHERE device = ?"
							" ORDER BY row DESC"
						      : "SELECT " CERTIFICATE_COLUMNS
							" FROM certificate ORDER BY row DESC");

	if (device)
		berth_query_i64(&query, device);
	return each(&query, visit, context, why);
}

enum berth_err
berth_registrar_certificate_each_revoked(struct berth_store *store,
					 berth_registrar_visit_certificate *visit, void *context,
					 struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT " CERTIFICATE_COLUMNS
					       " FROM certificate WHERE state = 3 ORDER BY row");

	return each(&query, visit, context, why);
}

enum berth_err
berth_registrar_certificate_each_intent(struct berth_store *store,
					berth_registrar_visit_certificate *visit, void *context,
					struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT " CERTIFICATE_COLUMNS
					       " FROM certificate WHERE state = 0 ORDER BY row");

	return each(&query, visit, context, why);
}

enum berth_err
berth_registrar_certificate_found(struct berth_store *store,
				  const struct berth_registrar_certificate *found,
				  struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (!err)
		err = berth_credential_check(&found->credential, why);
	if (!err)
		err = insert_certificate(store, found, why);
	if (err)
		return err;
	return berth_registrar_certificate_issued(store, sqlite3_last_insert_rowid(store->db),
						  found->der, why);
}
