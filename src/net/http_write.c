/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/http_write.h"

const char *
berth_http_phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} phrases[] = {
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{307, "Temporary Redirect"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{409, "Conflict"},
		{413, "Content Too Large"},
		{415, "Unsupported Media Type"},
		{417, "Expectation Failed"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
	};
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (phrases[i].status == status) {
			return phrases[i].phrase;
		}
	}
	return "Status";
}

static const char *
method_name(enum berth_http_method method)
{
	switch (method) {
	case BERTH_HTTP_GET:
		return "GET";
	case BERTH_HTTP_POST:
		return "POST";
	case BERTH_HTTP_PUT:
		return "PUT";
	case BERTH_HTTP_DELETE:
		return "DELETE";
	case BERTH_HTTP_OTHER:
		return NULL;
	}
	return NULL;
}

static enum berth_err
put_target(struct berth_bytes path, struct berth_buf *out)
{
	static const char safe[] = "/-._~!$&'()*+,;=:@";
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; i < path.n && !err; i++) {
		uint8_t c = path.p[i];
		bool is_alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
		err = is_alnum || (c != 0 && strchr(safe, c)) ? berth_buf_append_u8(out, c)
							      : berth_buf_printf(out, "%%%02X", c);
	}
	return err;
}

static enum berth_err
put_field(struct berth_buf *out, const char *name, struct berth_bytes value)
{
	if (value.n == 0) {
		return BERTH_OK;
	}
	if (!berth_bytes_is_printable(value)) {
		return BERTH_E_SYNTAX; /* a line end here would be a second header */
	}
	enum berth_err err = berth_buf_printf(out, "%s: ", name);
	err = err ? err : berth_buf_append_bytes(out, value);
	return err ? err : berth_buf_append_text(out, "\r\n");
}

enum berth_err
berth_http_write(const struct berth_http_target *target, const struct berth_http_request *request,
		 struct berth_buf *out)
{
	const char *method = method_name(request->method);
	if (!method || request->path.n == 0 || request->path.p[0] != '/' ||
	    !berth_bytes_is_printable(request->query) ||
	    (request->query.n > 0 && memchr(request->query.p, ' ', request->query.n))) {
		return BERTH_E_USAGE;
	}
	enum berth_err err = berth_buf_printf(out, "%s ", method);
	err = err ? err : put_target(request->path, out);
	err = err || request->query.n == 0 ? err : berth_buf_append_u8(out, '?');
	err = err ? err : berth_buf_append_bytes(out, request->query);
	err = err ? err : berth_buf_append_text(out, " HTTP/1.1\r\n");
	bool is_v6 = strchr(target->host, ':') != NULL;
	bool has_port = target->port != 443 && target->port != 0;
	err = err ? err
		  : berth_buf_printf(out, is_v6 ? "Host: [%.*s]" : "Host: %.*s",
				     (int)strcspn(target->host, "%"), target->host);
	err = err || !has_port ? err : berth_buf_printf(out, ":%u", target->port);
	err = err ? err : berth_buf_append_text(out, "\r\n");
	err = err ? err : put_field(out, "Content-Type", request->media_type);
	err = err ? err : put_field(out, "Accept", request->accept);
	err = err ? err : put_field(out, "User-Agent", request->user_agent);
	err = err ? err : put_field(out, "Authorization", request->authorization);
	if (!err && request->method != BERTH_HTTP_GET && request->method != BERTH_HTTP_DELETE) {
		err = berth_buf_printf(out, "Content-Length: %zu\r\n", request->body.n);
	}
	err = err ? err : berth_buf_append_text(out, "\r\n");
	return err ? err : berth_buf_append_bytes(out, request->body);
}
