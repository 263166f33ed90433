/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/factory/units.h"

#include <stdlib.h>

#include "codec/csv.h"
#include "system/files.h"

#define NO_COLUMN SIZE_MAX
#define ARENA_BYTES ((size_t)1 << 30)

enum column { SERIAL, MODEL, HW_TYPE, MUD_URL, CSR, KEY, COLUMN_COUNT };
static const char *const names[COLUMN_COUNT] = {"serial-number", "model", "hw-type",
						"mud-url",	 "csr",	  "key"};

struct reading {
	struct berth_units *units;
	size_t room;
	size_t columns[COLUMN_COUNT];
	struct berth_bytes folder; /* of the list, with its slash; may be empty */
};

static enum berth_err
no_memory(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_MEMORY, "units-memory", NULL,
			  "the list does not fit into memory");
}

/* Every column of the list is one of ours: a misspelt one would silently be ignored. */
static enum berth_err
find_columns(const struct berth_csv *csv, size_t columns[COLUMN_COUNT], struct berth_why *why)
{
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		columns[i] = NO_COLUMN;
	for (size_t at = 0; at < csv->header.count; at++) {
		struct berth_bytes name = csv->header.fields[at];
		size_t i = 0;
		while (i < COLUMN_COUNT && !berth_bytes_equal_text(name, names[i]))
			i++;
		if (i == COLUMN_COUNT)
			return berth_fail(
				why, BERTH_E_SYNTAX, "units-column", "berth-factory(1)",
				"no column is called %.*s; there are serial-number, model, "
				"hw-type, mud-url, csr and key",
				(int)(name.n < 64 ? name.n : 64), (const char *)name.p);
		columns[i] = at;
	}
	if (columns[SERIAL] == NO_COLUMN || columns[MODEL] == NO_COLUMN)
		return berth_fail(why, BERTH_E_SYNTAX, "units-column", "berth-factory(1)",
				  "the columns serial-number and model are needed");
	return BERTH_OK;
}

static struct berth_bytes
field(const struct reading *reading, const struct berth_csv_row *row, enum column column)
{
	size_t at = reading->columns[column];
	return at == NO_COLUMN ? BERTH_BYTES_NONE : row->fields[at];
}

/* A path from the list, as seen from here; NULL for an empty field. */
static enum berth_err
take_path(const struct reading *reading, struct berth_bytes text, const char **ret,
	  struct berth_why *why)
{
	BERTH_BUF path = {0};
	*ret = NULL;
	if (text.n == 0)
		return BERTH_OK;
	enum berth_err err = BERTH_OK;
	if (text.p[0] != '/')
		err = berth_buf_append_bytes(&path, reading->folder);
	if (!err)
		err = berth_buf_append_bytes(&path, text);
	if (!err)
		*ret = berth_arena_text(&reading->units->arena, berth_buf_view(&path));
	return *ret ? BERTH_OK : no_memory(why);
}

static enum berth_err
take_text(const struct reading *reading, struct berth_bytes text, const char **ret,
	  struct berth_why *why)
{
	*ret = text.n > 0 ? berth_arena_text(&reading->units->arena, text) : NULL;
	return text.n == 0 || *ret ? BERTH_OK : no_memory(why);
}

static enum berth_err
take_row(struct reading *reading, const struct berth_csv_row *row, struct berth_why *why)
{
	struct berth_units *units = reading->units;
	if (units->count == BERTH_UNITS_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "units-count", "berth-manifest(5)",
				  "more than %d units; split the list", BERTH_UNITS_MAX);
	if (units->count == reading->room) {
		size_t room = reading->room ? 2 * reading->room : 1024;
		struct berth_unit *larger = realloc(units->units, room * sizeof(*larger));
		if (!larger)
			return no_memory(why);
		units->units = larger;
		reading->room = room;
	}
	struct berth_unit unit = {.line = row->line};
	unit.serial = berth_arena_copy(&units->arena, field(reading, row, SERIAL));
	unit.model = berth_arena_copy(&units->arena, field(reading, row, MODEL));
	unit.mud_url = berth_arena_copy(&units->arena, field(reading, row, MUD_URL));
	if (!unit.serial.p || !unit.model.p || !unit.mud_url.p)
		return no_memory(why);
	enum berth_err err = take_text(reading, field(reading, row, HW_TYPE), &unit.hw_type, why);
	if (!err)
		err = take_text(reading, field(reading, row, KEY), &unit.key, why);
	if (!err)
		err = take_path(reading, field(reading, row, CSR), &unit.csr, why);
	if (!err)
		units->units[units->count++] = unit;
	return err;
}

static enum berth_err
read_rows(struct reading *reading, struct berth_bytes text, struct berth_why *why)
{
	BERTH_CSV csv = {0};
	struct berth_csv_row row = {0};
	enum berth_err err = berth_csv_parse(text, &csv, why);
	if (!err)
		err = find_columns(&csv, reading->columns, why);
	while (!err && berth_csv_has_more(&csv)) {
		err = berth_csv_next(&csv, &row, why);
		if (!err)
			err = take_row(reading, &row, why);
	}
	return err;
}

enum berth_err
berth_units_read(const char *path, struct berth_units *ret, struct berth_why *why)
{
	BERTH_UNITS units = {0};
	BERTH_BUF text = {.limit = BERTH_UNITS_LIST_MAX_BYTES};
	berth_arena_start(&units.arena, ARENA_BYTES);
	const char *slash = strrchr(path, '/');
	struct reading reading = {
		.units = &units,
		.folder =
			slash ? berth_bytes_of(path, (size_t)(slash - path) + 1) : BERTH_BYTES_NONE,
	};
	enum berth_err err = berth_file_read(path, BERTH_UNITS_LIST_MAX_BYTES, &text, why);
	if (!err)
		err = read_rows(&reading, berth_buf_view(&text), why);
	if (err)
		return err;
	*ret = units;
	units = (struct berth_units){0};
	return BERTH_OK;
}

void
berth_units_free(struct berth_units *units)
{
	free(units->units);
	berth_arena_end(&units->arena);
	*units = (struct berth_units){0};
}

void
berth_unit_fail(struct berth_units *units, struct berth_unit *unit, const struct berth_why *why)
{
	static const struct berth_why no_memory_left = {
		.err = BERTH_E_MEMORY, .rule = "units-memory", .sentence = "out of memory"};
	struct berth_why *kept = berth_arena_alloc(&units->arena, sizeof(*kept));
	if (kept)
		*kept = *why;
	unit->why = kept ? kept : &no_memory_left;
	unit->outcome = BERTH_UNIT_FAILED;
}
