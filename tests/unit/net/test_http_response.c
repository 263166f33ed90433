/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/http_response.h"

#define OK_LINE "HTTP/1.1 200 OK\r\n"

static void
reads_heads(void **state)
{
	(void)state;
	static const struct {
		const char *name, *input;
		enum berth_err err;
		enum berth_http_framing framing;
		uint64_t length;
		bool close;
	} rows[] = {
		{"length", OK_LINE "Content-Length: 5\r\n\r\n", BERTH_OK, BERTH_HTTP_BY_LENGTH, 5,
		 false},
		{"chunks", OK_LINE "Transfer-Encoding: CHUNKED\r\n\r\n", BERTH_OK,
		 BERTH_HTTP_BY_CHUNKS, 0, false},
		{"until the end", OK_LINE "\r\n", BERTH_OK, BERTH_HTTP_BY_CLOSE, 0, true},
		{"no phrase", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", BERTH_OK,
		 BERTH_HTTP_BY_LENGTH, 0, false},
		{"close", OK_LINE "Content-Length: 0\r\nConnection: close\r\n\r\n", BERTH_OK,
		 BERTH_HTTP_BY_LENGTH, 0, true},
		{"old", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", BERTH_OK,
		 BERTH_HTTP_BY_LENGTH, 1, true},
		{"no body", "HTTP/1.1 204 None\r\n\r\n", BERTH_OK, BERTH_HTTP_BY_LENGTH, 0, false},
		{"twice the same length", OK_LINE "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
		 BERTH_OK, BERTH_HTTP_BY_LENGTH, 5, false},
		{"half a line", "HTTP/1.1 2", BERTH_E_PENDING, 0, 0, false},
		{"half a head", OK_LINE "Content-Length: 5\r\n", BERTH_E_PENDING, 0, 0, false},
		{"other version", "HTTP/2.0 200 OK\r\n\r\n", BERTH_E_SYNTAX, 0, 0, false},
		{"status of two digits", "HTTP/1.1 20  OK\r\n\r\n", BERTH_E_SYNTAX, 0, 0, false},
		{"status out of range", "HTTP/1.1 600 OK\r\n\r\n", BERTH_E_SYNTAX, 0, 0, false},
		{"bare line feed", "HTTP/1.1 200 OK\n\n", BERTH_E_SYNTAX, 0, 0, false},
		{"no colon", OK_LINE "Content-Length 5\r\n\r\n", BERTH_E_SYNTAX, 0, 0, false},
		{"space before colon", OK_LINE "Content-Length : 5\r\n\r\n", BERTH_E_SYNTAX, 0, 0,
		 false},
		{"folded line", OK_LINE "A: b\r\n c\r\n\r\n", BERTH_E_SYNTAX, 0, 0, false},
		{"differing lengths", OK_LINE "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
		 BERTH_E_SYNTAX, 0, 0, false},
		{"negative length", OK_LINE "Content-Length: -5\r\n\r\n", BERTH_E_SYNTAX, 0, 0,
		 false},
		{"huge length", OK_LINE "Content-Length: 99999999999999999999\r\n\r\n",
		 BERTH_E_SYNTAX, 0, 0, false},
		{"length and chunks",
		 OK_LINE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", BERTH_E_SYNTAX,
		 0, 0, false},
		{"unknown coding", OK_LINE "Transfer-Encoding: gzip\r\n\r\n", BERTH_E_SYNTAX, 0, 0,
		 false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct berth_http_head head = {0};
		size_t used = 0;
		struct berth_why why = {0};
		struct berth_bytes in = berth_text(rows[i].input);
		enum berth_err err = berth_http_head_parse(in, &head, &used, &why);
		if (err != rows[i].err ||
		    (!err && (head.framing != rows[i].framing || head.length != rows[i].length ||
			      head.close != rows[i].close || used != in.n))) {
			fail_msg("%s: %s", rows[i].name, why.sentence);
		}
	}
}

static void
reads_what_it_needs(void **state)
{
	(void)state;
	struct berth_http_head head;
	size_t used;
	const char *in = "HTTP/1.1 202 Accepted\r\nContent-Type: Text/Plain ; charset=x\r\n"
			 "Retry-After: 30\r\nLocation: /there\r\nContent-Length: 0\r\n\r\nrest";
	assert_int_equal(berth_http_head_parse(berth_text(in), &head, &used, NULL), BERTH_OK);
	assert_int_equal(head.status, 202);
	assert_int_equal(head.retry_after_s, 30);
	assert_true(berth_bytes_equal_text(head.media_type, "Text/Plain"));
	assert_true(berth_bytes_equal_text(head.location, "/there"));
	assert_string_equal(in + used, "rest");
}

static void
limits_the_head(void **state)
{
	(void)state;
	static char in[BERTH_HTTP_HEAD_MAX + 64];
	struct berth_http_head head;
	size_t used;
	struct berth_why why;
	memset(in, 'a', sizeof(in));
	memcpy(in, OK_LINE, strlen(OK_LINE));
	assert_int_equal(berth_http_head_parse(berth_bytes_of(in, BERTH_HTTP_HEAD_MAX - 1), &head,
					       &used, &why),
			 BERTH_E_PENDING);
	assert_int_equal(berth_http_head_parse(berth_bytes_of(in, sizeof(in)), &head, &used, &why),
			 BERTH_E_LIMIT);
}

static void
reads_chunk_lines(void **state)
{
	(void)state;
	static const struct {
		const char *input;
		enum berth_err err;
		uint64_t size;
	} rows[] = {
		{"0\r\n", BERTH_OK, 0},
		{"1aF\r\n", BERTH_OK, 0x1af},
		{"5;name=value\r\n", BERTH_OK, 5},
		{"5", BERTH_E_PENDING, 0},
		{"\r\n", BERTH_E_SYNTAX, 0},
		{"x\r\n", BERTH_E_SYNTAX, 0},
		{"5x\r\n", BERTH_E_SYNTAX, 0},
		{"-5\r\n", BERTH_E_SYNTAX, 0},
		{"0x5\r\n", BERTH_E_SYNTAX, 0},
		{"5\n", BERTH_E_SYNTAX, 0},
		{"123456789\r\n", BERTH_E_LIMIT, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t size = 0;
		size_t used = 0;
		struct berth_why why;
		if (berth_http_chunk_parse(berth_text(rows[i].input), &size, &used, &why) !=
			    rows[i].err ||
		    size != rows[i].size) {
			fail_msg("%s", rows[i].input);
		}
	}
}

static void
passes_over_trailers(void **state)
{
	(void)state;
	size_t used = 0;
	assert_int_equal(berth_http_trailer_parse(BERTH_LIT("\r\nnext"), &used, NULL), BERTH_OK);
	assert_int_equal(used, 2);
	assert_int_equal(berth_http_trailer_parse(BERTH_LIT("A: b\r\n\r\n"), &used, NULL),
			 BERTH_OK);
	assert_int_equal(used, 8);
	assert_int_equal(berth_http_trailer_parse(BERTH_LIT("A: b\r\n"), &used, NULL),
			 BERTH_E_PENDING);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_heads),		cmocka_unit_test(reads_what_it_needs),
		cmocka_unit_test(limits_the_head),	cmocka_unit_test(reads_chunk_lines),
		cmocka_unit_test(passes_over_trailers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
