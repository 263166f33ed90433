/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/operator/admin_client.h"

#include "system/files.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define RULE "admin-socket"

const char *
berth_admin_socket(const char *given)
{
	const char *from_environment = getenv("BERTH_ADMIN_SOCKET");
	if (given != NULL)
		return given;
	return from_environment != NULL && *from_environment != '\0' ? from_environment
								     : BERTH_ADMIN_SOCKET_DEFAULT;
}

enum berth_err
berth_admin_append_segment(struct berth_buf *path, const char *segment)
{
	enum berth_err err = BERTH_OK;
	for (; !err && *segment != '\0'; segment++) {
		unsigned char c = (unsigned char)*segment;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
		err = plain ? berth_buf_append_u8(path, c) : berth_buf_printf(path, "%%%02X", c);
	}
	return err;
}

static enum berth_err
connect_to(const char *path, int *ret_fd, struct berth_why *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address.sun_path))
		return berth_fail(why, BERTH_E_USAGE, RULE, NULL,
				  "the socket's path is too long: %.120s", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	BERTH_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval timeout = {.tv_sec = BERTH_ADMIN_TIMEOUT_S};
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) != 0)
		return berth_fail(why, BERTH_E_IO, RULE, NULL, "cannot make a socket: %s",
				  strerror(errno));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return berth_fail(
			why, BERTH_E_UNREACHABLE, RULE, NULL,
			"%.120s: %s; is the daemon running, and is this its socket (--socket)?",
			path, strerror(errno));
	*ret_fd = fd;
	fd = -1;
	return BERTH_OK;
}

static enum berth_err
send_all(int fd, struct berth_bytes b, struct berth_why *why)
{
	while (b.n > 0) {
		ssize_t n = send(fd, b.p, b.n, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		/* A refusal may come before all is sent: the reply tells more than this error. */
		if (n < 0 && errno == EPIPE)
			return BERTH_OK;
		if (n <= 0)
			return berth_fail(why, BERTH_E_UNREACHABLE, RULE, NULL, "cannot send: %s",
					  strerror(errno));
		b = berth_bytes_of(b.p + n, b.n - (size_t)n);
	}
	return BERTH_OK;
}

static enum berth_err
receive_all(int fd, struct berth_buf *reply, struct berth_why *why)
{
	uint8_t part[16384];
	while (true) {
		ssize_t n = recv(fd, part, sizeof(part), 0);
		if (n == 0)
			return BERTH_OK;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ECONNRESET && reply->n > 0)
			return BERTH_OK;
		if (n < 0)
			return berth_fail(why, BERTH_E_UNREACHABLE, RULE, NULL, "no answer: %s",
					  strerror(errno));
		if (berth_buf_append(reply, part, (size_t)n))
			return berth_fail(why, BERTH_E_LIMIT, RULE, NULL,
					  "the answer is too large");
	}
}

static enum berth_err
error_of_status(int status)
{
	if (status == 404)
		return BERTH_E_NOT_FOUND;
	if (status == 403)
		return BERTH_E_DENIED;
	if (status == 409)
		return BERTH_E_EXISTS;
	return status >= 500 ? BERTH_E_IO : BERTH_E_USAGE;
}

/* The daemon's own word where it gives one: a signature that does not hold is not a policy's no. */
static enum berth_err
error_of_name(struct berth_bytes name, int status)
{
	for (int err = BERTH_OK + 1; err < BERTH_E__COUNT; err++)
		if (berth_bytes_equal_text(name, berth_err_name((enum berth_err)err)))
			return (enum berth_err)err;
	return error_of_status(status);
}

static enum berth_err
refused(int status, struct berth_bytes body, struct berth_why *why)
{
	BERTH_JSON json_t *root = NULL;
	struct berth_bytes sentence = BERTH_LIT("the daemon refused");
	struct berth_why ignored = {0};
	struct berth_bytes name = BERTH_BYTES_NONE;
	if (berth_json_parse(body, NULL, &root, &ignored) == BERTH_OK) {
		berth_ignore(berth_json_get_text(root, "sentence", BERTH_JSON_OPTIONAL, &sentence,
						 &ignored),
			     "the status tells enough");
		berth_ignore(
			berth_json_get_text(root, "error", BERTH_JSON_OPTIONAL, &name, &ignored),
			"the status tells enough");
	}
	return berth_fail(why, error_of_name(name, status), NULL, NULL, "%.*s",
			  sentence.n > 220 ? 220 : (int)sentence.n, (const char *)sentence.p);
}

/* "HTTP/1.1 200 ..." and the empty line before the body; the connection's end is the body's. */
static enum berth_err
read_reply(struct berth_bytes reply, json_t **ret, struct berth_why *why)
{
	static const struct berth_json_limits limits = {
		.max_bytes = BERTH_ADMIN_REPLY_MAX_BYTES,
		.max_values = 4000000,
	};
	const uint8_t *body = reply.p == NULL ? NULL : memmem(reply.p, reply.n, "\r\n\r\n", 4);
	if (body == NULL || reply.n < 12 || memcmp(reply.p, "HTTP/1.", 7) != 0)
		return berth_fail(why, BERTH_E_UNREACHABLE, RULE, NULL,
				  "what answered is no Berth daemon");
	int status = 0;
	for (size_t i = 9; i < 12; i++)
		status = status * 10 + (reply.p[i] - '0');
	struct berth_bytes text = berth_bytes_of(body + 4, reply.n - (size_t)(body + 4 - reply.p));
	return status == 200 ? berth_json_parse(text, &limits, ret, why)
			     : refused(status, text, why);
}

enum berth_err
berth_admin_ask(const char *socket_path, const char *method, const char *path,
		struct berth_bytes body, json_t **ret, struct berth_why *why)
{
	BERTH_FD fd = -1;
	BERTH_BUF request = {.limit = body.n + 4096};
	BERTH_BUF reply = {.limit = BERTH_ADMIN_REPLY_MAX_BYTES};
	enum berth_err err =
		berth_buf_printf(&request,
				 "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
				 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
				 method, path, body.n);
	err = err ? err : berth_buf_append_bytes(&request, body);
	if (err)
		return berth_fail(why, err, RULE, NULL, "the request could not be built");
	err = connect_to(socket_path, &fd, why);
	if (!err)
		err = send_all(fd, berth_buf_view(&request), why);
	if (!err)
		err = receive_all(fd, &reply, why);
	return err ? err : read_reply(berth_buf_view(&reply), ret, why);
}
