/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/operator/audit_file.h"

#include <stdio.h>
#include <unistd.h>

#include "base/hex.h"
#include "pki/pki.h"
#include "store/audit.h"

#define PATH_BYTES 1024

static enum berth_err
sha256(void *context, struct berth_bytes in, uint8_t out[BERTH_DIGEST_BYTES])
{
	return berth_sha256(context, in, out);
}

/* NULL when there is none. */
static const char *
witness_of(const char *path, char witness[PATH_BYTES])
{
	size_t n = strlen(path);

	if (n > 3 && strcmp(path + n - 3, ".db") == 0)
		n -= 3;
	int m = snprintf(witness, PATH_BYTES, "%.*s.witness", (int)n, path);
	return m > 0 && m < PATH_BYTES && access(witness, R_OK) == 0 ? witness : NULL;
}

static enum berth_err
open_either(const char *path, struct berth_pki *pki, struct berth_store **ret,
	    struct berth_why *why)
{
	char witness[PATH_BYTES];
	struct berth_store_conf conf = {
		.path = path,
		.schema = BERTH_STORE_MASA,
		.digest = {sha256, pki},
		.read_only = true,
		.witness_path = witness_of(path, witness),
	};
	enum berth_err err = berth_store_open(&conf, ret, why);

	if (err != BERTH_E_MISMATCH)
		return err;
	conf.schema = BERTH_STORE_REGISTRAR;
	return berth_store_open(&conf, ret, why);
}

static enum berth_err
describe(const struct berth_audit_report *report, enum berth_err held,
	 const struct berth_why *found, json_t *reply)
{
	char head[2 * BERTH_DIGEST_BYTES + 1];
	enum berth_err err = berth_json_set_bool(reply, "holds", held == BERTH_OK);

	berth_hex_text(berth_bytes_of(report->head, sizeof(report->head)), head, sizeof(head));
	err = err ? err : berth_json_set_i64(reply, "entries", report->entries);
	err = err ? err : berth_json_set_bool(reply, "witness", report->has_witness);
	err = err ? err : berth_json_set_text(reply, "head", berth_text(head));
	if (err || !held)
		return err;
	err = berth_json_set_i64(reply, "broken-at", report->broken_seq);
	return err ? err : berth_json_set_text(reply, "reason", berth_text(found->sentence));
}

static void
close_pki(struct berth_pki **pki)
{
	berth_pki_close(*pki);
}

enum berth_err
berth_audit_verify_file(const char *path, json_t **ret, struct berth_why *why)
{
	struct berth_pki *pki BERTH_CLEANUP(close_pki) = NULL;
	struct berth_store *store BERTH_CLEANUP(berth_store_closep) = NULL;
	struct berth_audit_report report = {0};
	struct berth_why found = {0};
	enum berth_err err = access(path, R_OK) == 0 ? BERTH_OK : BERTH_E_NOT_FOUND;

	if (err)
		return berth_fail(why, err, "audit-store", NULL, "the store cannot be read");
	err = berth_pki_open(&pki, why);
	err = err ? err : open_either(path, pki, &store, why);
	if (err)
		return err;
	enum berth_err held = berth_audit_verify(store, &report, &found);
	if (held && held != BERTH_E_SIGNATURE) {
		*why = found;
		return held;
	}
	BERTH_JSON json_t *reply = json_object();
	if (describe(&report, held, &found, reply))
		return berth_fail(why, BERTH_E_MEMORY, "berth-memory", NULL, "out of memory");
	*ret = json_incref(reply);
	return BERTH_OK;
}
