/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/factory/request_file.h"

#include "base/base64.h"
#include "system/files.h"

#define SECTION "RFC 7468 7"
#define DER_SEQUENCE 0x30

static const char *const labels[] = {"CERTIFICATE REQUEST-----", "NEW CERTIFICATE REQUEST-----"};

/* Where text begins at or after from; SIZE_MAX: nowhere. */
static size_t
find(struct berth_bytes in, size_t from, const char *text)
{
	size_t n = strlen(text);
	for (size_t at = from; at + n <= in.n; at++) {
		if (memcmp(in.p + at, text, n) == 0)
			return at;
	}
	return SIZE_MAX;
}

static bool
has_label(struct berth_bytes in, size_t at)
{
	struct berth_bytes rest = berth_bytes_of(in.p + at, in.n - at);
	return berth_bytes_starts_with(rest, labels[0]) || berth_bytes_starts_with(rest, labels[1]);
}

enum berth_err
berth_request_file_parse(struct berth_bytes file, struct berth_buf *der, struct berth_why *why)
{
	static const char begin_mark[] = "-----BEGIN ";
	static const char end_mark[] = "-----END ";
	if (file.n > 0 && file.p[0] == DER_SEQUENCE)
		return berth_buf_append_bytes(der, file)
			       ? berth_fail(why, BERTH_E_MEMORY, "request-memory", NULL,
					    "no memory")
			       : BERTH_OK;
	size_t begin = find(file, 0, begin_mark);
	if (begin == SIZE_MAX || !has_label(file, begin + sizeof(begin_mark) - 1))
		return berth_fail(why, BERTH_E_SYNTAX, "request-form", SECTION,
				  "the file is neither DER nor a PEM CERTIFICATE REQUEST");
	size_t body = find(file, begin + sizeof(begin_mark) - 1, "-----");
	body += 5;
	size_t end = find(file, body, end_mark);
	if (end == SIZE_MAX || !has_label(file, end + sizeof(end_mark) - 1))
		return berth_fail(why, BERTH_E_SYNTAX, "request-form", SECTION,
				  "the PEM CERTIFICATE REQUEST has no end");
	if (find(file, end, begin_mark) != SIZE_MAX)
		return berth_fail(why, BERTH_E_SYNTAX, "request-form", SECTION,
				  "the file holds more than one PEM object");
	return berth_base64_decode(berth_bytes_of(file.p + body, end - body), true, der, why);
}

enum berth_err
berth_request_file_read(const char *path, struct berth_buf *der, struct berth_why *why)
{
	BERTH_BUF file = {0};
	enum berth_err err = berth_file_read(path, BERTH_REQUEST_FILE_MAX, &file, why);
	return err ? err : berth_request_file_parse(berth_buf_view(&file), der, why);
}
