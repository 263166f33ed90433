/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/masa/masa_reconcile.h"

#include "base/hex.h"
#include "codec/json.h"
#include "role/backup/issued.h"
#include "role/masa/masa_judge.h"
#include "role/masa/masa_settings.h"
#include "store/audit.h"

static enum berth_err
describe(const struct berth_issued *issued, struct berth_buf *json)
{
	char time[BERTH_TIME_TEXT_MAX];
	BERTH_BUF hash = {0};
	BERTH_JSON json_t *root = json_object();
	enum berth_err err =
		berth_hex_encode(berth_bytes_of(issued->sha256, sizeof(issued->sha256)), &hash);

	err = err ? err : berth_json_set_text(root, "what", issued->what);
	err = err ? err : berth_json_set_text(root, "sha256", berth_buf_view(&hash));
	err = err ? err
		  : berth_json_set_text(root, "issued-at",
					berth_text(berth_wall_format(issued->at, time)));
	return err ? err : berth_json_encode(root, BERTH_JSON_AS_BUILT, json);
}

static enum berth_err
write_down(struct berth_store *store, struct berth_bytes line, struct berth_wall now,
	   const char *actor, struct berth_why *why)
{
	struct berth_issued issued;
	BERTH_BUF serial = {.limit = BERTH_AUDIT_SUBJECT_MAX};
	BERTH_BUF json = {0};

	enum berth_err err = berth_issued_parse(line, &issued, why);
	err = err ? err : berth_hex_decode(issued.subject_hex, &serial, why);
	if (!err && (describe(&issued, &json) || berth_buf_append_u8(&serial, 0)))
		err = berth_fail(why, BERTH_E_MEMORY, "reconcile-memory", NULL, "out of memory");
	if (err)
		return err;
	return berth_audit_append(store, now, actor, BERTH_EVENT_ISSUANCE_FORGOTTEN,
				  (const char *)serial.p, berth_buf_view(&json), why);
}

static enum berth_err
reconcile(struct berth_store *store, struct berth_pki *pki, const void *settings,
	  struct berth_bytes log, size_t log_of_backup, struct berth_wall now, const char *actor,
	  struct berth_backup_forgotten *ret, struct berth_why *why)
{
	struct berth_bytes since = berth_bytes_of(log.p + log_of_backup, log.n - log_of_backup);
	struct berth_bytes line;
	enum berth_err err = BERTH_OK;

	(void)pki;
	(void)settings;
	while (!err && berth_issued_next(&since, &line) == BERTH_OK) {
		err = write_down(store, line, now, actor, why);
		ret->unknown += !err;
	}
	return err;
}

const struct berth_backup_subject berth_masa_backup = {
	.daemon = {.name = "berth-masa",
		   .schema = &berth_masa_schema,
		   .settings_size = sizeof(struct berth_masa_settings),
		   .common_offset = offsetof(struct berth_masa_settings, daemon),
		   .check = berth_masa_settings_check,
		   .check_files = berth_masa_check_files},
	.schema = BERTH_STORE_MASA,
	.store = "masa.db",
	.witness = BERTH_MASA_WITNESS_FILE,
	.reconcile = reconcile,
};
