/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/http_request.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <strings.h>

static enum berth_err
refuse(int *ret_status, int status, struct berth_why *why, const char *rule, const char *section,
       const char *sentence)
{
	*ret_status = status;
	return berth_fail(why,
			  status == 501 || status == 505 ? BERTH_E_UNSUPPORTED : BERTH_E_SYNTAX,
			  rule, section, "%s", sentence);
}

/* What the framing headers of one request say, all of them. */
struct framing {
	const char *length;
	size_t hosts;
	size_t encodings;
	bool lengths_differ;
	bool is_chunked;
};

static struct framing
read_framing(struct evhttp_request *from)
{
	struct framing f = {0};
	const struct evkeyval *header;
	for (header = evhttp_request_get_input_headers(from)->tqh_first; header;
	     header = header->next.tqe_next) {
		if (strcasecmp(header->key, "Content-Length") == 0) {
			f.lengths_differ |= f.length && strcmp(f.length, header->value) != 0;
			f.length = header->value;
		} else if (strcasecmp(header->key, "Transfer-Encoding") == 0) {
			f.encodings++;
			f.is_chunked = strcasecmp(header->value, "chunked") == 0;
		} else if (strcasecmp(header->key, "Host") == 0) {
			f.hosts++;
		}
	}
	return f;
}

static bool
is_number(const char *s)
{
	size_t n = strspn(s, "0123456789");
	return n > 0 && n < 19 && s[n] == '\0';
}

static enum berth_err
check_framing(struct evhttp_request *from, const struct framing *f, int *status,
	      struct berth_why *why)
{
	if (from->major != 1) {
		return refuse(status, 505, why, "http-version", "RFC 9110 2.5",
			      "only HTTP/1.1 and HTTP/1.0 are spoken here");
	}
	if (f->lengths_differ) {
		return refuse(status, 400, why, "http-content-length-differs", "RFC 9112 6.3",
			      "two Content-Length headers say different lengths");
	}
	if (f->length && !is_number(f->length)) {
		return refuse(status, 400, why, "http-content-length", "RFC 9110 8.6",
			      "Content-Length is not a number");
	}
	if (f->encodings > 0 && f->length) {
		return refuse(status, 400, why, "http-length-and-encoding", "RFC 9112 6.1",
			      "Content-Length and Transfer-Encoding cannot both be given");
	}
	if (f->encodings > 0 && (f->encodings > 1 || !f->is_chunked)) {
		return refuse(status, 501, why, "http-transfer-encoding", "RFC 9112 6.1",
			      "no transfer coding but chunked is understood");
	}
	if (from->minor == 0 && f->encodings > 0) {
		return refuse(status, 400, why, "http-transfer-encoding", "RFC 9112 6.1",
			      "HTTP/1.0 has no transfer codings");
	}
	if (f->hosts > 1 || (from->minor > 0 && f->hosts != 1)) {
		return refuse(status, 400, why, "http-host", "RFC 9112 3.2",
			      "exactly one Host header is required");
	}
	return BERTH_OK;
}

static enum berth_http_method
method_of(struct evhttp_request *from)
{
	/* evhttp's values are flags of an enum that later versions extend. */
	enum evhttp_cmd_type type = evhttp_request_get_command(from);
	if (type == EVHTTP_REQ_GET) {
		return BERTH_HTTP_GET;
	}
	if (type == EVHTTP_REQ_POST) {
		return BERTH_HTTP_POST;
	}
	if (type == EVHTTP_REQ_PUT) {
		return BERTH_HTTP_PUT;
	}
	return type == EVHTTP_REQ_DELETE ? BERTH_HTTP_DELETE : BERTH_HTTP_OTHER;
}

/* evhttp leaves the body of these on the connection, where it would be read as the next request. */
static bool
body_is_left(struct evhttp_request *from, const struct framing *f)
{
	enum evhttp_cmd_type type = evhttp_request_get_command(from);
	bool may = type == EVHTTP_REQ_POST || type == EVHTTP_REQ_PUT || type == EVHTTP_REQ_PATCH;
	return !may &&
	       (f->encodings > 0 || (f->length && strspn(f->length, "0") != strlen(f->length)));
}

static enum berth_err
take_path(struct evhttp_request *from, struct berth_http_read *read, int *status,
	  struct berth_why *why)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(from);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	if (!path || path[0] != '/' || strlen(path) > BERTH_HTTP_PATH_MAX) {
		return refuse(status, 400, why, "http-path", "RFC 9112 3.2",
			      "the request target is not a path that is served here");
	}
	size_t n = 0;
	read->path = evhttp_uridecode(path, 0, &n);
	if (!read->path) {
		return refuse(status, 503, why, "http-memory", NULL, "out of memory");
	}
	struct berth_bytes decoded = berth_bytes_of(read->path, n);
	if (!berth_bytes_is_printable(decoded)) {
		return refuse(status, 400, why, "http-path", "RFC 9112 3.2",
			      "the path holds characters that no path here has");
	}
	read->request.path = decoded;
	read->request.query = berth_text(evhttp_uri_get_query(uri));
	return BERTH_OK;
}

static enum berth_err
take_media_type(const char *value, struct berth_http_read *read, int *status, struct berth_why *why)
{
	size_t n = value ? strcspn(value, "; \t") : 0;
	if (n >= sizeof(read->media_type)) {
		return refuse(status, 400, why, "http-media-type", "RFC 9110 8.3",
			      "the media type is longer than any that is known");
	}
	for (size_t i = 0; i < n; i++) {
		char c = value[i];
		read->media_type[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	read->request.media_type = berth_bytes_of(read->media_type, n);
	return BERTH_OK;
}

static enum berth_err
take_body(struct evhttp_request *from, struct berth_http_read *read, int *status,
	  struct berth_why *why)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(from);
	size_t n = evbuffer_get_length(in);
	const uint8_t *p = n > 0 ? evbuffer_pullup(in, -1) : NULL;
	if (n > 0 && !p) {
		return refuse(status, 503, why, "http-memory", NULL, "out of memory");
	}
	read->request.body = berth_bytes_of(p, n);
	return BERTH_OK;
}

enum berth_err
berth_http_read(struct evhttp_request *from, struct berth_http_read *ret, int *ret_status,
		struct berth_why *why)
{
	*ret = (struct berth_http_read){0};
	struct framing framing = read_framing(from);
	enum berth_err err = check_framing(from, &framing, ret_status, why);
	if (err) {
		return err;
	}
	if (body_is_left(from, &framing)) {
		return refuse(ret_status, 400, why, "http-unexpected-body", "RFC 9110 9.3.1",
			      "this method takes no body");
	}
	err = take_path(from, ret, ret_status, why);
	if (err) {
		return err;
	}
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(from);
	err = take_media_type(evhttp_find_header(headers, "Content-Type"), ret, ret_status, why);
	if (err) {
		return err;
	}
	ret->request.method = method_of(from);
	ret->is_head = evhttp_request_get_command(from) == EVHTTP_REQ_HEAD;
	ret->request.accept = berth_text(evhttp_find_header(headers, "Accept"));
	ret->request.user_agent = berth_text(evhttp_find_header(headers, "User-Agent"));
	ret->request.authorization = berth_text(evhttp_find_header(headers, "Authorization"));
	return take_body(from, ret, ret_status, why);
}

void
berth_http_read_free(struct berth_http_read *read)
{
	free(read->path);
	read->path = NULL;
}
