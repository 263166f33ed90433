/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/http_response.h"

#define NUMBER_DIGITS_MAX 15 /* far above any limit on a body, far below overflow */

static enum berth_err
broken(struct berth_why *why, const char *sentence)
{
	return berth_fail(why, BERTH_E_SYNTAX, "http-response", "RFC 9112", "%s", sentence);
}

/* The line without its CRLF; *at moves behind it. PENDING when its end has not come. */
static enum berth_err
take_line(struct berth_bytes in, size_t *at, struct berth_bytes *ret, struct berth_why *why)
{
	const uint8_t *start = in.p + *at;
	const uint8_t *lf = in.n > *at ? memchr(start, '\n', in.n - *at) : NULL;
	if (!lf) {
		return BERTH_E_PENDING;
	}
	size_t n = (size_t)(lf - start);
	if (n == 0 || start[n - 1] != '\r') {
		return broken(why, "a line does not end with CRLF");
	}
	*ret = berth_bytes_of(start, n - 1);
	*at += n + 1;
	return BERTH_OK;
}

static struct berth_bytes
trim(struct berth_bytes b)
{
	while (b.n > 0 && (b.p[0] == ' ' || b.p[0] == '\t')) {
		b = berth_bytes_of(b.p + 1, b.n - 1);
	}
	while (b.n > 0 && (b.p[b.n - 1] == ' ' || b.p[b.n - 1] == '\t')) {
		b.n--;
	}
	return b;
}

static bool
read_number(struct berth_bytes text, uint64_t *ret)
{
	uint64_t v = 0;
	if (text.n == 0 || text.n > NUMBER_DIGITS_MAX) {
		return false;
	}
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9') {
			return false;
		}
		v = v * 10 + (uint64_t)(text.p[i] - '0');
	}
	*ret = v;
	return true;
}

/* "HTTP/1.1 200 OK"; the phrase may be missing. */
static enum berth_err
read_status(struct berth_bytes line, struct berth_http_head *head, bool *ret_is_10,
	    struct berth_why *why)
{
	uint64_t status;
	if (line.n < 12 || !berth_bytes_starts_with(line, "HTTP/1.") || line.p[8] != ' ' ||
	    line.p[7] < '0' || line.p[7] > '9' ||
	    !read_number(berth_bytes_of(line.p + 9, 3), &status) || status < 100 || status > 599 ||
	    (line.n > 12 && line.p[12] != ' ')) {
		return broken(why, "the status line is not one of HTTP/1");
	}
	head->status = (int)status;
	*ret_is_10 = line.p[7] == '0';
	return BERTH_OK;
}

struct seen {
	bool has_length, is_chunked, has_encoding, has_type;
	bool says_close, says_keep;
};

static bool
is_token(struct berth_bytes name)
{
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];
		bool is_alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
		if (!is_alnum && !(c != 0 && strchr("!#$%&'*+-.^_`|~", c))) {
			return false;
		}
	}
	return name.n > 0;
}

static bool
is_named(struct berth_bytes name, const char *want)
{
	return berth_bytes_equal_nocase(name, berth_text(want));
}

static enum berth_err
take_length(struct berth_bytes value, struct berth_http_head *head, struct seen *seen,
	    struct berth_why *why)
{
	uint64_t length;
	if (!read_number(value, &length) || (seen->has_length && length != head->length)) {
		return broken(why, "Content-Length is not one number");
	}
	head->length = length;
	seen->has_length = true;
	return BERTH_OK;
}

static enum berth_err
take_field(struct berth_bytes name, struct berth_bytes value, struct berth_http_head *head,
	   struct seen *seen, struct berth_why *why)
{
	uint64_t number;
	if (is_named(name, "Content-Length")) {
		return take_length(value, head, seen, why);
	}
	if (is_named(name, "Transfer-Encoding")) {
		if (seen->has_encoding || !is_named(value, "chunked")) {
			return broken(why, "no transfer coding but chunked is understood");
		}
		seen->has_encoding = seen->is_chunked = true;
	} else if (is_named(name, "Connection")) {
		seen->says_close |= is_named(value, "close");
		seen->says_keep |= is_named(value, "keep-alive");
	} else if (is_named(name, "Content-Type") && !seen->has_type) {
		const uint8_t *end = memchr(value.p, ';', value.n);
		size_t n = end ? (size_t)(end - value.p) : value.n;
		head->media_type = trim(berth_bytes_of(value.p, n));
		seen->has_type = true;
	} else if (is_named(name, "Location")) {
		head->location = value;
	} else if (is_named(name, "Retry-After") && read_number(value, &number)) {
		head->retry_after_s = number > INT32_MAX ? INT32_MAX : (int32_t)number;
	}
	return BERTH_OK;
}

static enum berth_err
read_field(struct berth_bytes line, struct berth_http_head *head, struct seen *seen,
	   struct berth_why *why)
{
	const uint8_t *colon = memchr(line.p, ':', line.n);
	if (!colon) {
		return broken(why, "a header line has no colon");
	}
	struct berth_bytes name = berth_bytes_of(line.p, (size_t)(colon - line.p));
	struct berth_bytes value = trim(berth_bytes_of(colon + 1, line.n - name.n - 1));
	if (!is_token(name)) {
		return broken(why, "a header's name is not a token");
	}
	if (memchr(value.p, '\0', value.n) || memchr(value.p, '\r', value.n)) {
		return broken(why, "a header's value holds a control character");
	}
	return take_field(name, value, head, seen, why);
}

/* RFC 9112 6.3 */
static enum berth_err
settle(struct berth_http_head *head, const struct seen *seen, bool is_10, struct berth_why *why)
{
	if (seen->has_encoding && (seen->has_length || is_10)) {
		return broken(why, "Transfer-Encoding beside a Content-Length or in HTTP/1.0");
	}
	head->close = seen->says_close || (is_10 && !seen->says_keep);
	if (head->status < 200 || head->status == 204 || head->status == 304) {
		head->framing = BERTH_HTTP_BY_LENGTH;
		head->length = 0;
	} else if (seen->is_chunked) {
		head->framing = BERTH_HTTP_BY_CHUNKS;
	} else if (seen->has_length) {
		head->framing = BERTH_HTTP_BY_LENGTH;
	} else {
		head->framing = BERTH_HTTP_BY_CLOSE;
		head->close = true;
	}
	return BERTH_OK;
}

static enum berth_err
pending_or_limit(struct berth_bytes in, size_t max, enum berth_err err, struct berth_why *why)
{
	if (err == BERTH_E_PENDING && in.n >= max) {
		return berth_fail(why, BERTH_E_LIMIT, "http-response-head", NULL,
				  "more than %zu bytes and no end of the head", max);
	}
	return err;
}

enum berth_err
berth_http_head_parse(struct berth_bytes in, struct berth_http_head *ret, size_t *ret_used,
		      struct berth_why *why)
{
	struct berth_bytes window = {in.p, in.n < BERTH_HTTP_HEAD_MAX ? in.n : BERTH_HTTP_HEAD_MAX};
	struct berth_http_head head = {.retry_after_s = -1};
	struct seen seen = {0};
	bool is_10 = false;
	size_t at = 0;
	struct berth_bytes line;
	enum berth_err err = take_line(window, &at, &line, why);
	err = err ? err : read_status(line, &head, &is_10, why);
	for (size_t fields = 0; !err; fields++) {
		err = take_line(window, &at, &line, why);
		if (!err && line.n == 0) {
			break;
		}
		if (!err && fields == BERTH_HTTP_FIELDS_MAX) {
			return berth_fail(why, BERTH_E_LIMIT, "http-response-head", NULL,
					  "more than %d header fields", BERTH_HTTP_FIELDS_MAX);
		}
		err = err ? err : read_field(line, &head, &seen, why);
	}
	err = err ? err : settle(&head, &seen, is_10, why);
	if (err) {
		return pending_or_limit(in, BERTH_HTTP_HEAD_MAX, err, why);
	}
	*ret = head;
	*ret_used = at;
	return BERTH_OK;
}

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	uint8_t lower = c | 0x20;
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

enum berth_err
berth_http_chunk_parse(struct berth_bytes in, uint64_t *ret_size, size_t *ret_used,
		       struct berth_why *why)
{
	struct berth_bytes window = in;
	window.n = in.n < BERTH_HTTP_CHUNK_LINE_MAX ? in.n : BERTH_HTTP_CHUNK_LINE_MAX;
	size_t at = 0;
	struct berth_bytes line;
	enum berth_err err = take_line(window, &at, &line, why);
	if (err) {
		return pending_or_limit(in, BERTH_HTTP_CHUNK_LINE_MAX, err, why);
	}
	uint64_t size = 0;
	size_t digits = 0;
	while (digits < line.n && hex_value(line.p[digits]) >= 0) {
		size = size * 16 + (uint64_t)hex_value(line.p[digits]);
		digits++;
		if (digits > 8) { /* 4 GiB: far above every limit on a body */
			return berth_fail(why, BERTH_E_LIMIT, "http-chunk", "RFC 9112 7.1",
					  "a chunk is larger than any body taken here");
		}
	}
	bool ends_well = digits == line.n || line.p[digits] == ';' || line.p[digits] == ' ';
	if (digits == 0 || !ends_well) {
		return broken(why, "a chunk does not begin with its size");
	}
	*ret_size = size;
	*ret_used = at;
	return BERTH_OK;
}

enum berth_err
berth_http_trailer_parse(struct berth_bytes in, size_t *ret_used, struct berth_why *why)
{
	struct berth_bytes window = {in.p, in.n < BERTH_HTTP_HEAD_MAX ? in.n : BERTH_HTTP_HEAD_MAX};
	struct berth_bytes line;
	size_t at = 0;
	enum berth_err err;
	do {
		err = take_line(window, &at, &line, why);
	} while (!err && line.n > 0);
	if (err) {
		return pending_or_limit(in, BERTH_HTTP_HEAD_MAX, err, why);
	}
	*ret_used = at;
	return BERTH_OK;
}
