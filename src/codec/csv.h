/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Comma-separated lists with a header row (RFC 4180), read one row at a time, strictly: every row
 *has as many fields as the header, quotes stand around a whole field, lines end with CRLF or LF,
 *text is UTF-8 without control characters. Empty lines are refused, but the last line may lack its
 *end.
 *
 *	BERTH_CSV csv = {0};
 *	err = berth_csv_parse(text, &csv, &why);              reads the header
 *	while (!err && berth_csv_has_more(&csv)) {
 *		err = berth_csv_next(&csv, &row, &why);
 *		... row.fields[serial_column] ...
 *	}
 */
#ifndef BERTH_CODEC_CSV_H
#define BERTH_CODEC_CSV_H

#include "base/bytes.h"

#define BERTH_CSV_FIELDS_MAX 32		    /* columns; the units list has under ten */
#define BERTH_CSV_ROW_MAX ((size_t)8 << 10) /* bytes of one row's fields together */

struct berth_csv_row {
	size_t line; /* of its first byte, from 1 */
	size_t count;
	struct berth_bytes fields[BERTH_CSV_FIELDS_MAX]; /* valid until the next row is read */
};

struct berth_csv {
	struct berth_bytes text; /* borrowed */
	size_t at;
	size_t line;
	struct berth_csv_row header;
	struct berth_buf header_memory; /* the header's unquoted fields */
	struct berth_buf row_memory;	/* the current row's */
};

/* Reads the header: refused without one, or when a column has no name or a name twice. */
enum berth_err berth_csv_parse(struct berth_bytes text, struct berth_csv *ret,
			       struct berth_why *why) BERTH_MUST;
bool berth_csv_has_more(const struct berth_csv *csv);
/* Refusals carry the rule csv-..., the offset, and the line in the sentence. */
enum berth_err berth_csv_next(struct berth_csv *csv, struct berth_csv_row *ret,
			      struct berth_why *why) BERTH_MUST;
/* BERTH_E_NOT_FOUND when the header has no such column. */
enum berth_err berth_csv_column(const struct berth_csv *csv, const char *name, size_t *ret,
				struct berth_why *why) BERTH_MUST;
void berth_csv_free(struct berth_csv *csv);

#define BERTH_CSV BERTH_CLEANUP(berth_csv_free) struct berth_csv

#endif
