/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/factory/claim_list.h"

#include <stdlib.h>

#include "base/secret.h"
#include "codec/csv.h"
#include "role/factory/folder.h"
#include "system/files.h"

#define SERIAL_COLUMN "serial-number"
#define CODE_COLUMN "claim-code"
#define UNITS_PER_COMMIT 4096 /* of the journal: a record waits in memory until then */

/* One run: the units without a code, with those that the list has or new ones. */
struct giving {
	struct berth_pki *pki;
	struct berth_journal *journal;
	const struct berth_journal_unit **units; /* sorted by subject_serial */
	struct berth_claim_code *codes;		 /* of the same index */
	bool *has_code;
	size_t count;
	struct berth_buf list; /* as it is on the disk, then as it shall be */
};

static void
giving_end(struct giving *giving)
{
	if (giving->codes)
		berth_wipe(giving->codes, giving->count * sizeof(*giving->codes));
	if (giving->list.p)
		berth_wipe(giving->list.p, giving->list.n);
	berth_buf_free(&giving->list);
	free(giving->codes);
	free(giving->has_code);
	free(giving->units);
}

static enum berth_err
no_memory(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_MEMORY, "claim-list-memory", NULL, "out of memory");
}

static int
compare_units(const void *a, const void *b)
{
	const struct berth_journal_unit *x = *(const struct berth_journal_unit *const *)a;
	const struct berth_journal_unit *y = *(const struct berth_journal_unit *const *)b;
	return berth_bytes_compare(x->subject_serial, y->subject_serial);
}

static enum berth_err
collect(struct giving *giving, const struct berth_journal_batch *batch, struct berth_why *why)
{
	size_t all = 0;
	while (berth_journal_at(giving->journal, all))
		all++;
	giving->units = calloc(all + 1, sizeof(*giving->units));
	if (!giving->units)
		return no_memory(why);
	for (size_t i = 0; i < all; i++) {
		const struct berth_journal_unit *unit = berth_journal_at(giving->journal, i);
		if (unit->is_made && !unit->has_claim && unit->batch == batch)
			giving->units[giving->count++] = unit;
	}
	qsort(giving->units, giving->count, sizeof(*giving->units), compare_units);
	giving->codes = calloc(giving->count + 1, sizeof(*giving->codes));
	giving->has_code = calloc(giving->count + 1, sizeof(*giving->has_code));
	return giving->codes && giving->has_code ? BERTH_OK : no_memory(why);
}

/* giving->count: there is none. */
static size_t
find(const struct giving *giving, struct berth_bytes serial)
{
	size_t low = 0;
	size_t high = giving->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = berth_bytes_compare(giving->units[middle]->subject_serial, serial);
		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return giving->count;
}

static enum berth_err
take_row(struct giving *giving, const struct berth_csv_row *row, size_t serial, size_t code,
	 struct berth_why *why)
{
	size_t i = find(giving, row->fields[serial]);
	if (i == giving->count)
		return BERTH_OK; /* its code stands in the journal */
	enum berth_err err = berth_claim_code_parse(row->fields[code], &giving->codes[i], why);
	giving->has_code[i] = !err;
	return err;
}

static enum berth_err
take_list(struct giving *giving, const char *path, struct berth_why *why)
{
	BERTH_CSV csv = {0};
	struct berth_csv_row row;
	size_t serial = 0;
	size_t code = 0;
	enum berth_err err =
		berth_file_read_private(path, BERTH_CLAIM_LIST_MAX_BYTES, &giving->list, why);
	if (err == BERTH_E_NOT_FOUND)
		return berth_buf_append_text(&giving->list, SERIAL_COLUMN "," CODE_COLUMN "\n")
			       ? no_memory(why)
			       : BERTH_OK;
	if (!err)
		err = berth_csv_parse(berth_buf_view(&giving->list), &csv, why);
	if (!err)
		err = berth_csv_column(&csv, SERIAL_COLUMN, &serial, why);
	if (!err)
		err = berth_csv_column(&csv, CODE_COLUMN, &code, why);
	while (!err && berth_csv_has_more(&csv)) {
		err = berth_csv_next(&csv, &row, why);
		if (!err)
			err = take_row(giving, &row, serial, code, why);
	}
	return err;
}

/* Serial numbers are PrintableString: a comma is the only character that wants quotes. */
static enum berth_err
append_row(struct giving *giving, size_t i)
{
	char text[BERTH_CLAIM_CODE_TEXT_MAX];
	struct berth_bytes serial = giving->units[i]->subject_serial;
	enum berth_err err = berth_buf_printf(&giving->list, "\"%.*s\",%s\n", (int)serial.n,
					      (const char *)serial.p,
					      berth_claim_code_text(&giving->codes[i], text));
	berth_wipe(text, sizeof(text));
	return err;
}

static enum berth_err
draw(struct giving *giving, struct berth_why *why)
{
	const struct berth_random random = berth_pki_random(giving->pki);
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; i < giving->count && !err; i++) {
		if (giving->has_code[i])
			continue;
		berth_claim_code_draw(&random, &giving->codes[i]);
		err = append_row(giving, i);
	}
	return err ? berth_fail(why, err, "claim-list-size", NULL,
				"the list of codes grows beyond its limit; split the batch")
		   : BERTH_OK;
}

static enum berth_err
record(struct giving *giving, struct berth_why *why)
{
	const struct berth_random random = berth_pki_random(giving->pki);
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; i < giving->count && !err; i++) {
		struct berth_claim_digest digest;
		berth_random_fill(&random, digest.salt, sizeof(digest.salt));
		err = berth_claim_code_digest(giving->pki, &giving->codes[i], &digest, why);
		if (!err)
			err = berth_journal_claim(giving->journal, giving->units[i]->serial,
						  &digest, why);
		if (!err && (i + 1) % UNITS_PER_COMMIT == 0)
			err = berth_journal_commit(giving->journal, why);
	}
	return err ? err : berth_journal_commit(giving->journal, why);
}

enum berth_err
berth_claim_list_write(struct berth_pki *pki, struct berth_journal *journal,
		       const struct berth_journal_batch *batch, const char *out,
		       struct berth_why *why)
{
	BERTH_CLEANUP(giving_end)
	struct giving giving = {
		.pki = pki, .journal = journal, .list.limit = BERTH_CLAIM_LIST_MAX_BYTES};
	char path[BERTH_FACTORY_PATH_MAX];
	enum berth_err err = berth_factory_path(out, BERTH_CLAIM_LIST_FILE, path, why);
	if (!err)
		err = collect(&giving, batch, why);
	if (err || giving.count == 0)
		return err;
	err = take_list(&giving, path, why);
	if (!err)
		err = draw(&giving, why);
	if (!err)
		err = berth_file_write(path, berth_buf_view(&giving.list), 0600, why);
	return err ? err : record(&giving, why);
}
