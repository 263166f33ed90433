/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies written as nobody writes them, and as RFC 9112 allows. */
#include <ctype.h>
#include <sys/queue.h>

#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>

#include "net/http_write.h"
#include "net/http_writing.h"

/* Every other letter of each name in capitals, and more spaces than usual. */
static void
make_odd(struct evkeyvalq *fields)
{
	struct evkeyval *field;
	TAILQ_FOREACH(field, fields, next)
	{
		for (size_t i = 0; field->key[i] != '\0'; i++) {
			int c = (unsigned char)field->key[i];
			field->key[i] = (char)(i % 2 == 0 ? tolower(c) : toupper(c));
		}
	}
	(void)evhttp_add_header(fields, "x-means-nothing", "   \"a, b\"; c=\"\"");
}

static void
send_chunks(struct evhttp_request *request, struct berth_bytes body, size_t chunk_bytes)
{
	for (size_t at = 0; at < body.n; at += chunk_bytes) {
		size_t n = body.n - at < chunk_bytes ? body.n - at : chunk_bytes;
		struct evbuffer *piece = evbuffer_new();
		if (piece && evbuffer_add(piece, body.p + at, n) == 0) {
			evhttp_send_reply_chunk(request, piece);
		}
		if (piece) {
			evbuffer_free(piece);
		}
	}
}

void
berth_http_reply_in_manner(struct berth_http_exchange *exchange,
			   const struct berth_http_response *response,
			   const struct berth_http_manner *manner)
{
	static const char hints[] = "HTTP/1.1 103 Early Hints\r\nLink: </>; rel=preload\r\n\r\n";
	struct berth_http_writing writing;
	if (!berth_http_writing_begin(exchange, response, manner->as_http_1_0, &writing)) {
		return;
	}
	struct evhttp_request *request = writing.request;
	const char *phrase = berth_http_phrase(response->status);
	bool has_body = !writing.is_head && response->body.n > 0;
	if (manner->odd_fields) {
		make_odd(evhttp_request_get_output_headers(request));
	}
	if (manner->interim && !manner->as_http_1_0) {
		(void)evbuffer_add(writing.out, hints, sizeof(hints) - 1);
	}
	if (has_body && (manner->as_http_1_0 || manner->chunk_bytes > 0)) {
		request->minor = manner->as_http_1_0 ? 0 : request->minor;
		evhttp_send_reply_start(request, response->status, phrase);
		send_chunks(request, response->body,
			    manner->chunk_bytes > 0 ? manner->chunk_bytes : response->body.n);
		evhttp_send_reply_end(request);
	} else {
		if (has_body) {
			(void)evbuffer_add(evhttp_request_get_output_buffer(request),
					   response->body.p, response->body.n);
		}
		evhttp_send_reply(request, response->status, phrase, NULL);
	}
	berth_http_writing_end(exchange);
}
