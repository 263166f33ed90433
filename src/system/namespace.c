/* SPDX-License-Identifier: BSD-2-Clause */
#include "system/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORLD (CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC)
#define STATUS_NO_WORLD 254 /* the child's way to say that it never came to body */

static enum berth_err
refused(struct berth_why *why, const char *what)
{
	return berth_fail(why, BERTH_E_DENIED, "namespace-refused", NULL,
			  "%s: %s; run it as root, or allow unprivileged user namespaces", what,
			  strerror(errno));
}

static bool
write_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		return false;
	}
	ssize_t n = write(fd, line, strlen(line));
	return close(fd) == 0 && n == (ssize_t)strlen(line);
}

static enum berth_err
enter_user_namespace(struct berth_why *why)
{
	char uid[64];
	char gid[64];
	snprintf(uid, sizeof(uid), "0 %u 1", (unsigned)geteuid());
	snprintf(gid, sizeof(gid), "0 %u 1", (unsigned)getegid());
	if (unshare(CLONE_NEWUSER) != 0) {
		return refused(why, "a user namespace was refused");
	}
	if (!write_line("/proc/self/setgroups", "deny") || !write_line("/proc/self/gid_map", gid) ||
	    !write_line("/proc/self/uid_map", uid)) {
		return refused(why, "the user namespace's identity map was refused");
	}
	return BERTH_OK;
}

/* The first process of the new process namespace. */
static int
world(int (*body)(void *context), void *context)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") != 0 ||
	    mkdir("/run/netns", 0755) != 0) {
		fprintf(stderr, "berth: the new mount namespace could not be set up: %s\n",
			strerror(errno));
		return STATUS_NO_WORLD;
	}
	/* A container may hide parts of /proc and so forbid a fresh one; the outer /proc serves as well. */
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0) {
		errno = 0;
	}
	return body(context);
}

/* Forks the world's first process and waits for it. */
static enum berth_err
run_world(int (*body)(void *context), void *context, int *ret_status, struct berth_why *why)
{
	pid_t pid = fork();
	if (pid < 0) {
		return berth_fail(why, BERTH_E_IO, "namespace-fork", NULL, "fork: %s",
				  strerror(errno));
	}
	if (pid == 0) {
		_exit(world(body, context));
	}
	int status = 0;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			return berth_fail(why, BERTH_E_IO, "namespace-wait", NULL, "waitpid: %s",
					  strerror(errno));
		}
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_NO_WORLD) {
		return berth_fail(why, BERTH_E_DENIED, "namespace-refused", NULL,
				  "the new namespaces could not be set up; run it as root");
	}
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return BERTH_OK;
}

static enum berth_err
enter(int (*body)(void *context), void *context, int *ret_status, struct berth_why *why)
{
	enum berth_err err = geteuid() != 0 ? enter_user_namespace(why) : BERTH_OK;
	if (err != BERTH_OK) {
		return err;
	}
	if (unshare(WORLD) != 0) {
		return refused(why, "network, mount and process namespaces were refused");
	}
	return run_world(body, context, ret_status, why);
}

/* What the process between us and the world tells; why's texts are at the same place in both, by fork. */
struct outcome {
	enum berth_err err;
	int status;
	struct berth_why why;
};

enum berth_err
berth_namespace_run(int (*body)(void *context), void *context, int *ret_status,
		    struct berth_why *why)
{
	struct outcome outcome = {.err = BERTH_E_IO};
	int told[2];
	if (pipe2(told, O_CLOEXEC) != 0) {
		return berth_fail(why, BERTH_E_IO, "namespace-pipe", NULL, "pipe: %s",
				  strerror(errno));
	}
	fflush(NULL);
	/* A process between: who has left its process namespace can never fork again, and that must not be us. */
	pid_t pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		outcome.err = enter(body, context, &outcome.status, &outcome.why);
		_exit(write(told[1], &outcome, sizeof(outcome)) == (ssize_t)sizeof(outcome) ? 0
											    : 1);
	}
	(void)close(told[1]);
	ssize_t n = pid > 0 ? read(told[0], &outcome, sizeof(outcome)) : -1;
	(void)close(told[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
	}
	if (n != (ssize_t)sizeof(outcome)) {
		return berth_fail(why, BERTH_E_IO, "namespace-fork", NULL,
				  "the process that makes the namespaces ended early");
	}
	if (outcome.err != BERTH_OK) {
		*why = outcome.why;
		return outcome.err;
	}
	*ret_status = outcome.status;
	return BERTH_OK;
}
