/* SPDX-License-Identifier: BSD-2-Clause */
#include "system/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "system/files.h"

enum berth_err
berth_notify(const char *state, struct berth_why *why)
{
	const char *path = getenv("NOTIFY_SOCKET");
	if (!path || !*path) {
		return BERTH_OK;
	}
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	if ((path[0] != '/' && path[0] != '@') || n >= sizeof(to.sun_path)) {
		return berth_fail(why, BERTH_E_USAGE, "notify-socket", NULL,
				  "NOTIFY_SOCKET is not a path");
	}
	memcpy(to.sun_path, path, n);
	if (path[0] == '@') {
		to.sun_path[0] = '\0'; /* the abstract namespace */
	}
	BERTH_FD fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (fd < 0 ||
	    sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, size) < 0) {
		return berth_fail(why, BERTH_E_IO, "notify-socket", NULL,
				  "cannot tell the service manager: %s", strerror(errno));
	}
	return BERTH_OK;
}
