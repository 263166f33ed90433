/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/daemon/child.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "system/process.h"

const char *
berth_child_name(enum berth_child_kind kind)
{
	switch (kind) {
	case BERTH_CHILD_SIGNER:
		return "signer";
	case BERTH_CHILD_TLS_SIGNER:
		return "tls-signer";
	case BERTH_CHILD_JUDGE:
		return "judge";
	case BERTH_CHILD_NET:
		return "net";
	}
	return "child";
}

static void
take_control(struct berth_child *child, struct berth_bytes packet, int fd)
{
	struct berth_ipc ipc;
	struct berth_why why;
	if (berth_ipc_decode_control(packet, &ipc, &why)) {
		berth_log_why(&child->log, BERTH_LOG_ERROR, "control.bad", &why, NULL);
	} else if (ipc.kind == BERTH_IPC_LINK && fd >= 0) {
		child->on_link(child->context, ipc.edge, ipc.index, fd);
		return;
	} else if (ipc.kind == BERTH_IPC_DRAIN) {
		child->on_drain(child->context);
	}
	if (fd >= 0) {
		(void)close(fd);
	}
}

static void
on_control(void *context)
{
	struct berth_child *child = context;
	struct berth_bytes packet;
	int fd = -1;
	if (berth_link_receive(child->control, &packet, &fd) == BERTH_OK) {
		take_control(child, packet, fd);
	}
}

/* The parent is gone: nobody would plumb or stop us. */
static void
on_control_down(void *context)
{
	struct berth_child *child = context;
	berth_loop_stop(child->loop);
}

enum berth_err
berth_child_open(struct berth_child *child, struct berth_why *why)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error to tell, not an end */
	enum berth_err err = berth_loop_open(&child->loop, why);
	if (err) {
		return err;
	}
	child->room = malloc(BERTH_FRAME_MAX);
	const struct berth_link_conf conf = {
		.loop = child->loop,
		.room = child->room,
		.readable = on_control,
		.down = on_control_down,
		.context = child,
	};
	err = child->room ? berth_link_open(&conf, &child->control) : BERTH_E_MEMORY;
	err = err ? err : berth_link_set(child->control, BERTH_PROCESS_CHANNEL_FD);
	return err ? berth_fail(why, err, "child-start", NULL, "cannot watch the control channel")
		   : BERTH_OK;
}

void
berth_child_close(struct berth_child *child)
{
	berth_link_close(child->control);
	free(child->room);
	berth_loop_close(child->loop);
}

enum berth_err
berth_child_confine(struct berth_child *child, const struct berth_sandbox *sandbox,
		    struct berth_why *why)
{
	struct berth_sandbox_report report = {0};
	enum berth_err err = berth_sandbox_enter(sandbox, &report, why);
	if (err) {
		return err;
	}
	char abi[16];
	(void)snprintf(abi, sizeof(abi), "%d", report.landlock_abi);
	berth_log(&child->log,
		  report.landlock_abi > 0 && report.has_seccomp ? BERTH_LOG_DEBUG
								: BERTH_LOG_WARNING,
		  "sandbox.entered", "process", berth_child_name(child->kind), "landlock", abi,
		  "seccomp", report.has_seccomp ? "yes" : "no", NULL);
	return BERTH_OK;
}

void
berth_child_say_ready(struct berth_child *child)
{
	BERTH_BUF packet = {0};
	if (berth_ipc_put_ready(&packet) ||
	    berth_link_send(child->control, berth_buf_view(&packet))) {
		berth_loop_stop(child->loop); /* the parent is gone */
	}
}

int
berth_child_fail(struct berth_child *child, const struct berth_why *why)
{
	berth_log_why(&child->log, BERTH_LOG_ERROR, "process.cannot-start", why, "process",
		      berth_child_name(child->kind), NULL);
	return BERTH_CHILD_EXIT_START;
}
