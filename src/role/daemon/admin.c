/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/daemon/judge_shell.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "system/clock.h"

/*
 * The admin socket: plain HTTP over a Unix socket in the judge. Who asks is who the kernel says; allowed are our own user,
 * root, and the members of admin-group. /healthz, /readyz and /metrics are answered here, the rest by the role.
 */
#define GROUPS_MAX 256
#define USER_MAX 64
#define ADMIN_BODY_MAX_BYTES ((size_t)64 << 20) /* a signed manifest of a whole batch */
#define ADMIN_CONNECTIONS_MAX 64
#define ADMIN_REQUEST_MS 10000
#define ADMIN_IDLE_MS 60000

struct berth_admin {
	struct berth_judge *judge;
	struct berth_http_server *http;
	char *path;
	gid_t group;
	bool has_group;
};

static bool
has_group(int fd, gid_t want)
{
	gid_t groups[GROUPS_MAX];
	socklen_t n = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n) != 0) {
		return false;
	}
	for (size_t i = 0; i < n / sizeof(groups[0]); i++) {
		if (groups[i] == want) {
			return true;
		}
	}
	return false;
}

static bool
is_allowed(const struct berth_admin *admin, int fd, const struct ucred *peer)
{
	if (peer->uid == 0 || peer->uid == geteuid()) {
		return true;
	}
	return admin->has_group && (peer->gid == admin->group || has_group(fd, admin->group));
}

static void
name_user(uid_t uid, char name[USER_MAX])
{
	const struct passwd *entry = getpwuid(uid);
	if (entry) {
		(void)snprintf(name, USER_MAX, "%s", entry->pw_name);
	} else {
		(void)snprintf(name, USER_MAX, "uid:%u", (unsigned)uid);
	}
}

static void
reply_at_once(struct berth_http_exchange *exchange, int status, const char *type,
	      struct berth_bytes body)
{
	berth_http_reply(exchange, &(struct berth_http_response){
					   .status = status,
					   .media_type = berth_text(type),
					   .retry_after_s = -1,
					   .body = body,
				   });
}

static enum berth_err
put_metric(struct berth_buf *out, const char *name, const char *type, const char *help, uint64_t v)
{
	return berth_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name,
				type, name, (unsigned long long)v);
}

static enum berth_err
put_metrics(struct berth_judge *judge, struct berth_buf *out)
{
	const struct berth_judge_counts *c = &judge->counts;
	uint64_t up_s = (uint64_t)(berth_clock_mono().ms - judge->started.ms) / 1000;
	const struct {
		const char *name, *type, *help;
		uint64_t value;
	} rows[] = {
		{"berth_judge_uptime_seconds", "gauge", "Since the judge started.", up_s},
		{"berth_requests_total", "counter", "Requests from net processes.", c->requests},
		{"berth_replies_total", "counter", "Replies sent.", c->replies},
		{"berth_requests_gone_total", "counter", "Requesters that left.", c->gone},
		{"berth_requests_waiting", "gauge", "Requests without a reply yet.",
		 judge->ticket_count},
		{"berth_batches_total", "counter", "Transactions begun.", c->batches},
		{"berth_batches_failed_total", "counter", "Transactions that failed.",
		 c->failed_batches},
		{"berth_signatures_asked_total", "counter", "Questions to the signer.",
		 c->signatures},
		{"berth_dials_total", "counter", "Outbound requests.", c->dials},
		{"berth_ipc_refused_total", "counter", "Frames from other processes refused.",
		 c->refused},
	};
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !err; i++) {
		err = put_metric(out, rows[i].name, rows[i].type, rows[i].help, rows[i].value);
	}
	if (!err && judge->role->metrics) {
		err = judge->role->metrics(judge->context, out);
	}
	return err;
}

static bool
is_ready(const struct berth_judge *judge)
{
	bool has_net = false;
	for (size_t i = 0; i < BERTH_NET_PROCESSES_MAX; i++) {
		has_net |= berth_link_is_up(judge->nets[i].link);
	}
	return has_net && (!judge->child->daemon->signer || berth_link_is_up(judge->signer));
}

/* What every daemon answers alike. */
static bool
reply_common(struct berth_admin *admin, struct berth_http_exchange *exchange,
	     const struct berth_http_request *request)
{
	if (request->method != BERTH_HTTP_GET) {
		return false;
	}
	if (berth_bytes_equal_text(request->path, "/healthz")) {
		reply_at_once(exchange, 200, "text/plain; charset=utf-8", BERTH_LIT("ok\n"));
		return true;
	}
	if (berth_bytes_equal_text(request->path, "/readyz")) {
		bool ready = is_ready(admin->judge);
		reply_at_once(exchange, ready ? 200 : 503, "text/plain; charset=utf-8",
			      ready ? BERTH_LIT("ready\n") : BERTH_LIT("not ready\n"));
		return true;
	}
	if (berth_bytes_equal_text(request->path, "/metrics")) {
		BERTH_BUF text = {0};
		enum berth_err err = put_metrics(admin->judge, &text);
		reply_at_once(exchange, err ? 500 : 200, "text/plain; version=0.0.4",
			      err ? BERTH_BYTES_NONE : berth_buf_view(&text));
		return true;
	}
	return false;
}

static void
ask_role(struct berth_admin *admin, struct berth_http_exchange *exchange,
	 const struct berth_http_request *request, const char *user)
{
	struct berth_judge *judge = admin->judge;
	struct berth_why why;
	struct berth_ticket *ticket = NULL;
	if (!judge->role->admin) {
		reply_at_once(exchange, 404, "text/plain; charset=utf-8",
			      BERTH_LIT("This daemon has no admin interface of its own.\n"));
		return;
	}
	if (berth_judge_begin(judge, &why) == BERTH_OK) {
		ticket = berth_ticket_new(judge, &judge->admin_tickets, BERTH_TICKET_ADMIN, 0);
	}
	if (!ticket) {
		reply_at_once(exchange, 503, "text/plain; charset=utf-8",
			      BERTH_LIT("The service is busy; try again.\n"));
		berth_judge_end(judge);
		return;
	}
	ticket->exchange = exchange;
	berth_http_exchange_set(exchange, ticket);
	judge->role->admin(judge->context, ticket, request, user);
	berth_judge_end(judge);
}

static void
on_request(void *context, struct berth_http_exchange *exchange,
	   const struct berth_http_request *request, const struct berth_tls_facts *tls,
	   struct berth_bytes peer_address)
{
	(void)tls;
	(void)peer_address;
	struct berth_admin *admin = context;
	struct ucred peer = {0};
	socklen_t n = sizeof(peer);
	int fd = berth_http_exchange_fd(exchange);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0 ||
	    !is_allowed(admin, fd, &peer)) {
		char text[64];
		(void)snprintf(text, sizeof(text), "%u", (unsigned)peer.uid);
		berth_log(&admin->judge->child->log, BERTH_LOG_WARNING, "admin.denied", "uid", text,
			  NULL);
		reply_at_once(exchange, 403, "text/plain; charset=utf-8",
			      BERTH_LIT("You are not a member of the admin group.\n"));
		return;
	}
	if (reply_common(admin, exchange, request)) {
		return;
	}
	char user[USER_MAX];
	name_user(peer.uid, user);
	ask_role(admin, exchange, request, user);
}

static void
on_gone(void *context, struct berth_http_exchange *exchange)
{
	struct berth_admin *admin = context;
	struct berth_judge *judge = admin->judge;
	struct berth_ticket *ticket = berth_http_exchange_get(exchange);
	struct berth_why why;
	if (!ticket || berth_judge_begin(judge, &why)) {
		return;
	}
	if (judge->role->gone) {
		judge->role->gone(judge->context, ticket);
	}
	berth_ticket_free(judge, ticket);
	berth_judge_end(judge);
}

/* What stands at the path may be deleted if it is the socket of a judge that was killed. */
static enum berth_err
clear_path(const struct sockaddr_un *at, struct berth_why *why)
{
	struct stat status;
	if (lstat(at->sun_path, &status) != 0) {
		return BERTH_OK; /* bind() tells what else is wrong with the path */
	}
	if (!S_ISSOCK(status.st_mode)) {
		return berth_fail(why, BERTH_E_EXISTS, "admin-socket", NULL,
				  "%s is there and is no socket: change 'admin-socket'",
				  at->sun_path);
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool is_dead = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) != 0 &&
		       errno == ECONNREFUSED;
	if (fd >= 0) {
		(void)close(fd);
	}
	if (!is_dead) {
		return berth_fail(why, BERTH_E_EXISTS, "admin-socket", NULL,
				  "%s: another program serves this socket: change 'admin-socket'",
				  at->sun_path);
	}
	(void)unlink(at->sun_path);
	return BERTH_OK;
}

/* Only who may use it can even connect: mode 0600, or 0660 for the group. */
static enum berth_err
listen_at(struct berth_admin *admin, int *ret_fd, struct berth_why *why)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	if (strlen(admin->path) >= sizeof(at.sun_path)) {
		return berth_fail(why, BERTH_E_USAGE, "admin-socket", NULL,
				  "%s: longer than a socket's path can be", admin->path);
	}
	memcpy(at.sun_path, admin->path, strlen(admin->path) + 1);
	enum berth_err err = clear_path(&at, why);
	if (err) {
		return err;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mode_t old = umask(0177);
	bool is_bound = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
	int e = errno;
	(void)umask(old);
	bool is_open = is_bound && listen(fd, ADMIN_CONNECTIONS_MAX) == 0;
	if (is_open && admin->has_group) {
		is_open = chown(admin->path, (uid_t)-1, admin->group) == 0 &&
			  chmod(admin->path, 0660) == 0;
	}
	if (!is_open) {
		e = is_bound ? errno : e;
		if (fd >= 0) {
			(void)close(fd);
		}
		return berth_fail(why, BERTH_E_IO, "admin-socket", NULL, "%s: %s", admin->path,
				  strerror(e));
	}
	*ret_fd = fd;
	return BERTH_OK;
}

static enum berth_err
find_group(struct berth_admin *admin, const char *name, struct berth_why *why)
{
	if (!name) {
		return BERTH_OK;
	}
	const struct group *entry = getgrnam(name);
	if (!entry) {
		return berth_fail(why, BERTH_E_NOT_FOUND, "admin-group", NULL,
				  "there is no group %s: create it or change 'admin-group'", name);
	}
	admin->group = entry->gr_gid;
	admin->has_group = true;
	return BERTH_OK;
}

static enum berth_err
serve(struct berth_admin *admin, struct berth_why *why)
{
	const struct berth_daemon_conf *conf = admin->judge->child->conf;
	int fd = -1;
	enum berth_err err = find_group(admin, conf->admin_group, why);
	err = err ? err : listen_at(admin, &fd, why);
	if (err) {
		return err;
	}
	const struct berth_http_server_conf http = {
		.body_limit_bytes = ADMIN_BODY_MAX_BYTES,
		.request_timeout_ms = ADMIN_REQUEST_MS,
		.idle_timeout_ms = ADMIN_IDLE_MS,
		.pending_timeout_ms = conf->pending_timeout_s * 1000,
		.connections_max = ADMIN_CONNECTIONS_MAX,
		.on_request = on_request,
		.on_gone = on_gone,
		.context = admin,
	};
	return berth_http_server_open(admin->judge->child->loop, &http, fd, &admin->http, why);
}

enum berth_err
berth_admin_open(struct berth_judge *judge, struct berth_admin **ret, struct berth_why *why)
{
	struct berth_admin *admin = calloc(1, sizeof(*admin));
	char *path = strdup(judge->child->conf->admin_socket);
	if (!admin || !path) {
		free(admin);
		free(path);
		return berth_fail(why, BERTH_E_MEMORY, "admin-socket", NULL, "out of memory");
	}
	admin->judge = judge;
	admin->path = path;
	enum berth_err err = serve(admin, why);
	if (err) {
		free(path);
		free(admin);
		return err;
	}
	*ret = admin;
	return BERTH_OK;
}

void
berth_admin_close(struct berth_admin *admin)
{
	if (!admin) {
		return;
	}
	berth_http_server_close(admin->http);
	free(admin->path);
	free(admin);
}
