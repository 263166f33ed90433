/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/daemon/parent.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/listen.h"
#include "role/daemon/child.h"
#include "system/channel.h"
#include "system/clock.h"
#include "system/files.h"
#include "system/notify.h"
#include "system/process.h"

#define CHILDREN_MAX (BERTH_NET_PROCESSES_MAX + 3)
#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS 10000
#define STEADY_MS 30000	 /* up for this long: its next end is a new story */
#define STOP_NET_MS 5000 /* for requests under way */
#define STOP_REST_MS 5000
#define PLUMB_TIMEOUT_MS                                                                           \
	1000 /* a child that does not read its control channel for so long is stuck */

struct parent;

struct process {
	struct parent *parent;
	enum berth_child_kind kind;
	uint32_t index;
	pid_t pid; /* 0: not running */
	int pidfd;
	struct berth_watch *watch;
	struct berth_link *control;
	struct berth_timer *restart;
	int64_t backoff_ms;
	struct berth_mono started;
	bool is_ready;
	bool was_ready;
};

/* Stopping goes by rank: those that take work in first. */
enum stage { SERVING, STOPPING_NET, STOPPING_JUDGE, STOPPING_SIGNERS };

struct parent {
	struct berth_parent_conf conf;
	struct berth_loop *loop;
	struct berth_timer *deadline;
	struct process children[CHILDREN_MAX];
	size_t count;
	size_t net_count;
	int listen_fds[BERTH_NET_PROCESSES_MAX];
	int plain_fds[BERTH_NET_PROCESSES_MAX]; /* -1: nothing is served without TLS */
	int dpp_fds[BERTH_NET_PROCESSES_MAX];	/* -1: no DPP */
	uint16_t port, plain_port, dpp_port;
	int lock_fd;
	enum stage stage;
	bool is_announced;
	int status;
	uint8_t *room;
};

static void spawn(struct process *process);

static void
stop_all(struct parent *parent, int status)
{
	parent->status = status;
	for (size_t i = 0; i < parent->count; i++) {
		if (parent->children[i].pid > 0) {
			(void)kill(parent->children[i].pid, SIGKILL);
		}
	}
	berth_loop_stop(parent->loop);
}

static bool
is_of_stage(const struct process *process, enum stage stage)
{
	switch (stage) {
	case SERVING:
		return false;
	case STOPPING_NET:
		return process->kind == BERTH_CHILD_NET;
	case STOPPING_JUDGE:
		return process->kind == BERTH_CHILD_JUDGE;
	case STOPPING_SIGNERS:
		return process->kind == BERTH_CHILD_SIGNER ||
		       process->kind == BERTH_CHILD_TLS_SIGNER;
	}
	return false;
}

static size_t
ask_to_end(struct parent *parent)
{
	BERTH_BUF packet = {0};
	size_t running = 0;
	enum berth_err err = berth_ipc_put_drain(&packet);
	for (size_t i = 0; i < parent->count; i++) {
		struct process *process = &parent->children[i];
		if (process->pid == 0 || !is_of_stage(process, parent->stage)) {
			continue;
		}
		running++;
		if (err || berth_link_send(process->control, berth_buf_view(&packet))) {
			(void)kill(process->pid, SIGKILL);
		}
	}
	return running;
}

static void
close_listening(struct parent *parent)
{
	for (size_t i = 0; i < parent->net_count; i++) {
		berth_fd_close(&parent->listen_fds[i]);
		berth_fd_close(&parent->plain_fds[i]);
		berth_fd_close(&parent->dpp_fds[i]);
	}
}

/* Goes on to the next stage that has somebody to wait for; after the last, the loop ends. */
static void
stop_next(struct parent *parent)
{
	while (parent->stage != STOPPING_SIGNERS) {
		parent->stage++;
		berth_timer_start(parent->deadline,
				  parent->stage == STOPPING_NET ? STOP_NET_MS : STOP_REST_MS);
		if (ask_to_end(parent) > 0) {
			return;
		}
	}
	berth_loop_stop(parent->loop);
}

static bool
stage_is_empty(const struct parent *parent)
{
	for (size_t i = 0; i < parent->count; i++) {
		const struct process *process = &parent->children[i];
		if (process->pid > 0 && is_of_stage(process, parent->stage)) {
			return false;
		}
	}
	return true;
}

static void
on_stop(void *context)
{
	struct parent *parent = context;
	if (parent->stage != SERVING) {
		stop_all(parent, 1); /* asked twice: at once */
		return;
	}
	struct berth_why why;
	berth_ignore(berth_notify("STOPPING=1", &why), "the service manager sees us end");
	berth_log(&parent->conf.log, BERTH_LOG_INFO, "daemon.stopping", NULL);
	close_listening(parent);
	stop_next(parent);
}

static void
on_deadline(void *context)
{
	struct parent *parent = context;
	for (size_t i = 0; i < parent->count; i++) {
		struct process *process = &parent->children[i];
		if (process->pid > 0 && is_of_stage(process, parent->stage)) {
			berth_log(&parent->conf.log, BERTH_LOG_WARNING, "process.killed", "process",
				  berth_child_name(process->kind), "reason",
				  "it did not end in time", NULL);
			(void)kill(process->pid, SIGKILL);
		}
	}
}

static enum berth_err
write_port(const char *path, uint16_t port, struct berth_why *why)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u\n", port);
	return path ? berth_file_write(path, berth_bytes_of(text, (size_t)n), 0644, why) : BERTH_OK;
}

static void
announce(struct parent *parent)
{
	const struct berth_daemon_conf *conf = parent->conf.conf;
	struct berth_why why = {0};
	char text[16];
	enum berth_err err = BERTH_OK;
	if (conf->plain_listen) {
		err = write_port(conf->plain_port_file, parent->plain_port, &why);
	}
	if (!err && conf->dpp_listen) {
		err = write_port(conf->dpp_port_file, parent->dpp_port, &why);
	}
	/* Last: who waits for the one finds the other there. */
	err = err ? err : write_port(conf->port_file, parent->port, &why);
	err = err ? err : berth_notify("READY=1", &why);
	if (err) {
		berth_log_why(&parent->conf.log, BERTH_LOG_ERROR, "daemon.cannot-announce", &why,
			      NULL);
		stop_all(parent, 1);
		return;
	}
	(void)snprintf(text, sizeof(text), "%u", parent->port);
	berth_log(&parent->conf.log, BERTH_LOG_INFO, "daemon.ready", "listen",
		  parent->conf.conf->listen, "port", text, NULL);
}

static void
on_ready(struct process *process)
{
	struct parent *parent = process->parent;
	process->is_ready = process->was_ready = true;
	for (size_t i = 0; i < parent->count; i++) {
		if (!parent->children[i].is_ready) {
			return;
		}
	}
	if (!parent->is_announced && parent->stage == SERVING) {
		parent->is_announced = true;
		announce(parent);
	}
}

static void
on_control(void *context)
{
	struct process *process = context;
	struct berth_bytes packet;
	struct berth_ipc ipc;
	struct berth_why why;
	if (berth_link_receive(process->control, &packet, NULL) == BERTH_OK &&
	    berth_ipc_decode_control(packet, &ipc, &why) == BERTH_OK &&
	    ipc.kind == BERTH_IPC_READY) {
		on_ready(process);
	}
}

static void
on_control_down(void *context)
{
	(void)context; /* its end is seen by the pidfd */
}

static void
on_restart(void *context)
{
	struct process *process = context;
	if (process->parent->stage == SERVING) {
		spawn(process);
	}
}

static void
restart_later(struct process *process)
{
	if (berth_clock_mono().ms - process->started.ms > STEADY_MS) {
		process->backoff_ms = BACKOFF_FIRST_MS;
	}
	berth_timer_start(process->restart, process->backoff_ms);
	int64_t next = process->backoff_ms * 2;
	process->backoff_ms = next < BACKOFF_MAX_MS ? next : BACKOFF_MAX_MS;
}

static void
log_end(const struct process *process, int status)
{
	char pid[16], code[16];
	(void)snprintf(pid, sizeof(pid), "%d", (int)process->pid);
	(void)snprintf(code, sizeof(code), "%d", status >= 256 ? status - 256 : status);
	berth_log(&process->parent->conf.log, BERTH_LOG_ERROR, "process.ended", "process",
		  berth_child_name(process->kind), "pid", pid, status >= 256 ? "signal" : "status",
		  code, NULL);
}

static void
on_end(void *context)
{
	struct process *process = context;
	struct parent *parent = process->parent;
	int status = 0;
	if (berth_process_reap(process->pid, &status) == BERTH_E_PENDING) {
		return;
	}
	if (parent->stage == SERVING || status != 0) {
		log_end(process, status);
	}
	process->pid = 0;
	process->is_ready = false;
	berth_watch_close(process->watch);
	process->watch = NULL;
	berth_fd_close(&process->pidfd);
	berth_ignore(berth_link_set(process->control, -1), "closing cannot fail");
	if (parent->stage != SERVING) {
		if (stage_is_empty(parent)) {
			stop_next(parent);
		}
		return;
	}
	if (status == BERTH_CHILD_EXIT_START && !process->was_ready) {
		stop_all(parent, 1);
		return;
	}
	restart_later(process);
}

/* One end of fds[which] to the process; closed here either way. */
static void
give(struct process *process, enum berth_ipc_edge edge, uint32_t index, int fd)
{
	BERTH_BUF packet = {0};
	enum berth_err err = berth_ipc_put_link(&packet, edge, index);
	err = err ? err
		  : berth_channel_send(berth_link_fd(process->control), berth_buf_view(&packet), fd,
				       PLUMB_TIMEOUT_MS);
	if (err) {
		berth_log(&process->parent->conf.log, BERTH_LOG_ERROR, "process.cannot-plumb",
			  "process", berth_child_name(process->kind), "reason", berth_err_name(err),
			  NULL);
		(void)kill(process->pid, SIGKILL); /* and start it again */
	}
}

static void
plumb(struct process *a, enum berth_ipc_edge a_edge, uint32_t a_index, struct process *b,
      enum berth_ipc_edge b_edge, uint32_t b_index)
{
	if (!a || !b || a->pid == 0 || b->pid == 0) {
		return; /* when it starts, it is plumbed */
	}
	int fds[2];
	struct berth_why why;
	if (berth_channel_pair(fds, &why)) {
		berth_log_why(&a->parent->conf.log, BERTH_LOG_ERROR, "process.cannot-plumb", &why,
			      NULL);
		stop_all(a->parent, 1);
		return;
	}
	give(a, a_edge, a_index, fds[0]);
	give(b, b_edge, b_index, fds[1]);
	berth_fd_close(&fds[0]);
	berth_fd_close(&fds[1]);
}

static struct process *
find(struct parent *parent, enum berth_child_kind kind)
{
	for (size_t i = 0; i < parent->count; i++) {
		if (parent->children[i].kind == kind) {
			return &parent->children[i];
		}
	}
	return NULL;
}

static void
plumb_net(struct parent *parent, struct process *net)
{
	struct process *judge = find(parent, BERTH_CHILD_JUDGE);
	struct process *tls = find(parent, BERTH_CHILD_TLS_SIGNER);
	plumb(net, BERTH_EDGE_JUDGE, 0, judge, BERTH_EDGE_NET, net->index);
	plumb(net, BERTH_EDGE_TLS_SIGNER, 0, tls, BERTH_EDGE_NET, net->index);
}

static void
plumb_process(struct process *process)
{
	struct parent *parent = process->parent;
	struct process *judge = find(parent, BERTH_CHILD_JUDGE);
	struct process *signer = find(parent, BERTH_CHILD_SIGNER);
	bool is_of_judge =
		process->kind == BERTH_CHILD_JUDGE || process->kind == BERTH_CHILD_SIGNER;
	if (is_of_judge && signer) {
		plumb(judge, BERTH_EDGE_SIGNER, 0, signer, BERTH_EDGE_FROM_JUDGE, 0);
	}
	if (process->kind == BERTH_CHILD_NET) {
		if (parent->plain_fds[process->index] >= 0) {
			give(process, BERTH_EDGE_LISTEN_PLAIN, 0,
			     parent->plain_fds[process->index]);
		}
		if (parent->dpp_fds[process->index] >= 0) {
			give(process, BERTH_EDGE_LISTEN_DPP, 0, parent->dpp_fds[process->index]);
		}
		give(process, BERTH_EDGE_LISTEN, 0, parent->listen_fds[process->index]);
		plumb_net(parent, process);
		return;
	}
	for (size_t i = 0; i < parent->count; i++) {
		struct process *net = &parent->children[i];
		if (net->kind != BERTH_CHILD_NET) {
			continue;
		}
		if (process->kind == BERTH_CHILD_JUDGE) {
			plumb(net, BERTH_EDGE_JUDGE, 0, process, BERTH_EDGE_NET, net->index);
		} else if (process->kind == BERTH_CHILD_TLS_SIGNER) {
			plumb(net, BERTH_EDGE_TLS_SIGNER, 0, process, BERTH_EDGE_NET, net->index);
		}
	}
}

static enum berth_err
start_process(struct process *process, struct berth_why *why)
{
	struct parent *parent = process->parent;
	char index[16];
	(void)snprintf(index, sizeof(index), "%u", process->index);
	const char *const words[] = {
		parent->conf.daemon->name,
		"--child",
		berth_child_name(process->kind),
		index,
		"--config",
		parent->conf.config_path,
		parent->conf.is_json ? "--log=json" : "--log=text",
	};
	char *argv[sizeof(words) / sizeof(words[0]) + 1] = {NULL};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		argv[i] = (char *)(uintptr_t)words[i];
	}
	int fds[2];
	enum berth_err err = berth_channel_pair(fds, why);
	if (err) {
		return err;
	}
	err = berth_process_spawn(argv, fds[1], &process->pid, &process->pidfd, why);
	berth_fd_close(&fds[1]);
	if (err) {
		berth_fd_close(&fds[0]);
		return err;
	}
	process->started = berth_clock_mono();
	err = berth_link_set(process->control, fds[0]);
	err = err ? err
		  : berth_watch_open(parent->loop, process->pidfd, on_end, process,
				     &process->watch);
	return err ? berth_fail(why, err, "process-spawn", NULL, "out of memory") : BERTH_OK;
}

static void
spawn(struct process *process)
{
	struct berth_why why = {0};
	if (start_process(process, &why)) {
		berth_log_why(&process->parent->conf.log, BERTH_LOG_ERROR, "process.cannot-start",
			      &why, "process", berth_child_name(process->kind), NULL);
		stop_all(process->parent, 1);
		return;
	}
	plumb_process(process);
}

static enum berth_err
add_process(struct parent *parent, enum berth_child_kind kind, uint32_t index)
{
	struct process *process = &parent->children[parent->count];
	*process = (struct process){
		.parent = parent,
		.kind = kind,
		.index = index,
		.pidfd = -1,
		.backoff_ms = BACKOFF_FIRST_MS,
	};
	const struct berth_link_conf conf = {
		.loop = parent->loop,
		.room = parent->room,
		.readable = on_control,
		.down = on_control_down,
		.context = process,
	};
	enum berth_err err = berth_link_open(&conf, &process->control);
	err = err ? err : berth_timer_open(parent->loop, on_restart, process, &process->restart);
	parent->count++;
	return err;
}

static enum berth_err
add_processes(struct parent *parent, struct berth_why *why)
{
	enum berth_err err = BERTH_OK;
	if (parent->conf.daemon->signer) {
		err = add_process(parent, BERTH_CHILD_SIGNER, 0);
	}
	err = err ? err : add_process(parent, BERTH_CHILD_TLS_SIGNER, 0);
	err = err ? err : add_process(parent, BERTH_CHILD_JUDGE, 0);
	for (uint32_t i = 0; i < parent->net_count && !err; i++) {
		err = add_process(parent, BERTH_CHILD_NET, i);
	}
	return err ? berth_fail(why, err, "daemon-start", NULL, "out of memory") : BERTH_OK;
}

static enum berth_err
lock_state(struct parent *parent, struct berth_why *why)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s.lock", parent->conf.conf->state_directory,
			 parent->conf.daemon->name);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		return berth_fail(why, BERTH_E_USAGE, "state-directory", NULL, "path too long");
	}
	/* Not made here: an empty one in place of a disk that was not mounted forgets everything. */
	if (access(parent->conf.conf->state_directory, W_OK | X_OK) != 0) {
		return berth_fail(why, BERTH_E_IO, "state-directory", NULL,
				  "state-directory %s: %s; it must be there (mode 0700) and ours",
				  parent->conf.conf->state_directory, strerror(errno));
	}
	return berth_file_lock(path, &parent->lock_fd, why);
}

static enum berth_err
start(struct parent *parent, struct berth_why *why)
{
	const struct berth_daemon_conf *conf = parent->conf.conf;
	size_t cores = berth_process_cores();
	parent->net_count = conf->net_processes > 0 ? (size_t)conf->net_processes : cores;
	if (parent->net_count > BERTH_NET_PROCESSES_MAX) {
		parent->net_count = BERTH_NET_PROCESSES_MAX;
	}
	parent->room = malloc(BERTH_FRAME_MAX);
	enum berth_err err = parent->room ? berth_loop_open(&parent->loop, why) : BERTH_E_MEMORY;
	err = err ? err : lock_state(parent, why);
	err = err ? err
		  : berth_listen(conf->listen, parent->listen_fds, parent->net_count, &parent->port,
				 why);
	if (!err && conf->plain_listen) {
		err = berth_listen(conf->plain_listen, parent->plain_fds, parent->net_count,
				   &parent->plain_port, why);
	}
	if (!err && conf->dpp_listen) {
		err = berth_listen(conf->dpp_listen, parent->dpp_fds, parent->net_count,
				   &parent->dpp_port, why);
	}
	err = err ? err : add_processes(parent, why);
	if (err) {
		return err;
	}
	err = berth_timer_open(parent->loop, on_deadline, parent, &parent->deadline);
	err = err ? err : berth_loop_on_signal(parent->loop, SIGTERM, on_stop, parent);
	err = err ? err : berth_loop_on_signal(parent->loop, SIGINT, on_stop, parent);
	return err ? berth_fail(why, err, "daemon-start", NULL, "out of memory") : BERTH_OK;
}

static void
end(struct parent *parent)
{
	for (size_t i = 0; i < parent->count; i++) {
		struct process *process = &parent->children[i];
		berth_watch_close(process->watch);
		berth_link_close(process->control);
		berth_timer_close(process->restart);
		berth_fd_close(&process->pidfd);
	}
	close_listening(parent);
	if (parent->is_announced && parent->conf.conf->port_file) {
		(void)unlink(parent->conf.conf->port_file);
	}
	if (parent->is_announced && parent->conf.conf->plain_port_file) {
		(void)unlink(parent->conf.conf->plain_port_file);
	}
	if (parent->is_announced && parent->conf.conf->dpp_port_file) {
		(void)unlink(parent->conf.conf->dpp_port_file);
	}
	if (parent->is_announced && parent->conf.conf->admin_socket) {
		(void)unlink(parent->conf.conf->admin_socket);
	}
	berth_fd_close(&parent->lock_fd);
	berth_timer_close(parent->deadline);
	berth_loop_close(parent->loop);
	free(parent->room);
}

int
berth_parent_run(const struct berth_parent_conf *conf)
{
	struct parent parent = {.conf = *conf, .lock_fd = -1};
	for (size_t i = 0; i < BERTH_NET_PROCESSES_MAX; i++) {
		parent.listen_fds[i] = -1;
		parent.plain_fds[i] = -1;
		parent.dpp_fds[i] = -1;
	}
	struct berth_why why = {0};
	(void)signal(SIGPIPE, SIG_IGN);
	if (start(&parent, &why)) {
		berth_log_why(&conf->log, BERTH_LOG_ERROR, "daemon.cannot-start", &why, NULL);
		end(&parent);
		return 1;
	}
	for (size_t i = 0; i < parent.count && parent.status == 0; i++) {
		spawn(&parent.children[i]);
	}
	if (parent.status == 0) {
		berth_loop_run(parent.loop);
	}
	end(&parent);
	return parent.status;
}
