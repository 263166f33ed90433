/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operator's side of a daemon's admin socket: one request, one JSON reply, blocking. Who asks is known to the
 * daemon by the socket's peer credentials; there is no password.
 */
#ifndef BERTH_ROLE_OPERATOR_ADMIN_CLIENT_H
#define BERTH_ROLE_OPERATOR_ADMIN_CLIENT_H

#include "codec/json.h"

#define BERTH_ADMIN_SOCKET_DEFAULT "/run/berth-registrar/admin.sock"
#define BERTH_ADMIN_REPLY_MAX_BYTES ((size_t)64 << 20) /* the list of a large fleet */
#define BERTH_ADMIN_TIMEOUT_S 60		       /* audit verify reads the whole log */

/* The --socket given, else $BERTH_ADMIN_SOCKET, else the default. */
const char *berth_admin_socket(const char *given);

/*
 * body may be empty. *ret: the reply's object with 200. Else its error: NOT_FOUND 404, DENIED 403, EXISTS 409, with the daemon's
 * sentence in why; UNREACHABLE when nobody listens.
 */
enum berth_err berth_admin_ask(const char *socket_path, const char *method, const char *path,
			       struct berth_bytes body, json_t **ret,
			       struct berth_why *why) BERTH_MUST;

/* One path segment, percent-encoded where it must be (RFC 3986 2.1); appends. */
enum berth_err berth_admin_append_segment(struct berth_buf *path, const char *segment) BERTH_MUST;

#endif
