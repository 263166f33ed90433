/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/csv.h"

#define RFC "RFC 4180 2"

static enum berth_err
fail(const struct berth_csv *csv, enum berth_err err, const char *rule, const char *sentence,
     struct berth_why *why)
{
	return berth_fail_at(why, err, rule, RFC, csv->at, "line %zu: %s", csv->line, sentence);
}

static int
peek(const struct berth_csv *csv, size_t ahead)
{
	size_t at = csv->at + ahead;

	return at < csv->text.n ? csv->text.p[at] : -1;
}

/* The bytes of a line end at this place: 0, 1 or 2; the end of the text counts as one of 0. */
static bool
at_line_end(const struct berth_csv *csv, size_t *ret_n)
{
	int c = peek(csv, 0);

	*ret_n = c == '\n' ? 1 : 2;
	if (c < 0) {
		*ret_n = 0;
	}
	return c < 0 || c == '\n' || (c == '\r' && peek(csv, 1) == '\n');
}

static enum berth_err
add_byte(struct berth_csv *csv, struct berth_buf *memory, struct berth_why *why)
{
	uint8_t c = csv->text.p[csv->at];

	if (c < 0x20 || c == 0x7f) {
		return fail(csv, BERTH_E_SYNTAX, "csv-control-character",
			    "a field holds a control character or a line end", why);
	}
	if (berth_buf_append_u8(memory, c)) {
		return fail(csv, BERTH_E_LIMIT, "csv-row-size", "the row is too long", why);
	}
	csv->at++;
	return BERTH_OK;
}

/* After the opening quote; eats the closing one. */
static enum berth_err
read_quoted(struct berth_csv *csv, struct berth_buf *memory, struct berth_why *why)
{
	for (;;) {
		if (peek(csv, 0) < 0) {
			return fail(csv, BERTH_E_SYNTAX, "csv-quote", "a quote is not closed", why);
		}
		if (peek(csv, 0) == '"' && peek(csv, 1) != '"') {
			csv->at++;
			return BERTH_OK;
		}
		if (peek(csv, 0) == '"') {
			csv->at++;
		}
		enum berth_err err = add_byte(csv, memory, why);

		if (err) {
			return err;
		}
	}
}

static enum berth_err
read_field(struct berth_csv *csv, struct berth_buf *memory, struct berth_why *why)
{
	size_t line_end = 0;

	if (peek(csv, 0) == '"') {
		csv->at++;
		enum berth_err err = read_quoted(csv, memory, why);

		if (!err && peek(csv, 0) != ',' && !at_line_end(csv, &line_end)) {
			return fail(csv, BERTH_E_SYNTAX, "csv-quote",
				    "something follows a closing quote", why);
		}
		return err;
	}
	while (peek(csv, 0) != ',' && !at_line_end(csv, &line_end)) {
		if (peek(csv, 0) == '"') {
			return fail(csv, BERTH_E_SYNTAX, "csv-quote",
				    "a quote stands inside a field that does not begin with one",
				    why);
		}
		enum berth_err err = add_byte(csv, memory, why);

		if (err) {
			return err;
		}
	}
	return BERTH_OK;
}

static enum berth_err
read_row(struct berth_csv *csv, struct berth_buf *memory, struct berth_csv_row *row,
	 struct berth_why *why)
{
	size_t ends[BERTH_CSV_FIELDS_MAX];
	size_t line_end = 0;

	berth_buf_clear(memory);
	memory->limit = BERTH_CSV_ROW_MAX;
	csv->line++;
	*row = (struct berth_csv_row){.line = csv->line};
	if (at_line_end(csv, &line_end)) {
		return fail(csv, BERTH_E_SYNTAX, "csv-empty-line", "the line is empty", why);
	}
	for (bool is_last = false; !is_last;) {
		if (row->count == BERTH_CSV_FIELDS_MAX) {
			return fail(csv, BERTH_E_LIMIT, "csv-fields", "too many fields", why);
		}
		enum berth_err err = read_field(csv, memory, why);

		if (err) {
			return err;
		}
		ends[row->count++] = memory->n;
		is_last = at_line_end(csv, &line_end);
		csv->at += is_last ? line_end : 1;
	}
	for (size_t i = 0; i < row->count; i++) {
		size_t start = i ? ends[i - 1] : 0;

		row->fields[i] =
			berth_bytes_of(memory->p ? memory->p + start : NULL, ends[i] - start);
		/* each on its own: a comma must not split a character */
		if (!berth_bytes_is_utf8(row->fields[i])) {
			return fail(csv, BERTH_E_SYNTAX, "csv-utf8", "a field is not UTF-8", why);
		}
	}
	return BERTH_OK;
}

static enum berth_err
check_header(const struct berth_csv *csv, struct berth_why *why)
{
	const struct berth_csv_row *h = &csv->header;

	for (size_t i = 0; i < h->count; i++) {
		if (h->fields[i].n == 0) {
			return fail(csv, BERTH_E_SYNTAX, "csv-header", "a column has no name", why);
		}
		for (size_t k = 0; k < i; k++) {
			if (berth_bytes_equal(h->fields[i], h->fields[k])) {
				return fail(csv, BERTH_E_SYNTAX, "csv-header",
					    "two columns have one name", why);
			}
		}
	}
	return BERTH_OK;
}

enum berth_err
berth_csv_parse(struct berth_bytes text, struct berth_csv *ret, struct berth_why *why)
{
	BERTH_CSV csv = {.text = text};

	/* a byte order mark is what spreadsheets leave behind */
	csv.at = berth_bytes_starts_with(text, "\xef\xbb\xbf") ? 3 : 0;
	enum berth_err err = read_row(&csv, &csv.header_memory, &csv.header, why);

	err = err ? err : check_header(&csv, why);
	if (err) {
		return err;
	}
	*ret = csv;
	csv = (struct berth_csv){0};
	return BERTH_OK;
}

bool
berth_csv_has_more(const struct berth_csv *csv)
{
	return csv->at < csv->text.n;
}

enum berth_err
berth_csv_next(struct berth_csv *csv, struct berth_csv_row *ret, struct berth_why *why)
{
	struct berth_csv_row row;
	enum berth_err err = read_row(csv, &csv->row_memory, &row, why);

	if (err) {
		return err;
	}
	if (row.count != csv->header.count) {
		return berth_fail_at(why, BERTH_E_SYNTAX, "csv-fields", RFC, csv->at,
				     "line %zu: %zu fields where the header has %zu", csv->line,
				     row.count, csv->header.count);
	}
	*ret = row;
	return BERTH_OK;
}

enum berth_err
berth_csv_column(const struct berth_csv *csv, const char *name, size_t *ret, struct berth_why *why)
{
	for (size_t i = 0; i < csv->header.count; i++) {
		if (berth_bytes_equal_text(csv->header.fields[i], name)) {
			*ret = i;
			return BERTH_OK;
		}
	}
	return berth_fail(why, BERTH_E_NOT_FOUND, "csv-column", RFC, "there is no column %s", name);
}

void
berth_csv_free(struct berth_csv *csv)
{
	if (!csv) {
		return;
	}
	berth_buf_free(&csv->header_memory);
	berth_buf_free(&csv->row_memory);
}
