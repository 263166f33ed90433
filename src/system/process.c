/* SPDX-License-Identifier: BSD-2-Clause */
#include "system/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DESCRIPTORS_AT_LEAST 256 /* as many as every system allows */

#define EXIT_NOT_STARTED 127

/* Between fork and exec only async-signal-safe calls. Does not return. */
static void
become_child(const char *program, char *const argv[], int channel_fd, pid_t parent)
{
	const unsigned first_closed =
		channel_fd < 0 ? BERTH_PROCESS_CHANNEL_FD : BERTH_PROCESS_CHANNEL_FD + 1;

	sigset_t none;
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGHUP, SIG_DFL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
		_exit(EXIT_NOT_STARTED);
	}
	/* dup2 clears close-on-exec; when they are equal it would not. */
	if (channel_fd == BERTH_PROCESS_CHANNEL_FD) {
		(void)fcntl(channel_fd, F_SETFD, 0);
	} else if (channel_fd >= 0 && dup2(channel_fd, BERTH_PROCESS_CHANNEL_FD) < 0) {
		_exit(EXIT_NOT_STARTED);
	}
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0) {
		_exit(EXIT_NOT_STARTED);
	}
	(void)syscall(SYS_close_range, first_closed, ~0U, 0);
	(void)execv(program, argv);
	_exit(EXIT_NOT_STARTED);
}

static enum berth_err
start(const char *program, char *const argv[], int channel_fd, pid_t *ret_pid, int *ret_pidfd,
      struct berth_why *why)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid < 0) {
		return berth_fail(why, BERTH_E_IO, "process-spawn", NULL, "cannot fork: %s",
				  strerror(errno));
	}
	if (pid == 0) {
		become_child(program, argv, channel_fd, parent);
	}
	/* We have not waited for it, so the number is still the child's. */
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0) {
		int e = errno;
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return berth_fail(why, BERTH_E_IO, "process-spawn", NULL, "pidfd_open: %s",
				  strerror(e));
	}
	*ret_pid = pid;
	*ret_pidfd = pidfd;
	return BERTH_OK;
}

enum berth_err
berth_process_spawn(char *const argv[], int channel_fd, pid_t *ret_pid, int *ret_pidfd,
		    struct berth_why *why)
{
	return start("/proc/self/exe", argv, channel_fd, ret_pid, ret_pidfd, why);
}

enum berth_err
berth_process_start(const char *program, char *const argv[], pid_t *ret_pid, int *ret_pidfd,
		    struct berth_why *why)
{
	return start(program, argv, -1, ret_pid, ret_pidfd, why);
}

enum berth_err
berth_process_reap(pid_t pid, int *ret_status)
{
	int status = 0;
	pid_t got;
	do {
		got = waitpid(pid, &status, WNOHANG);
	} while (got < 0 && errno == EINTR);
	if (got == 0) {
		return BERTH_E_PENDING;
	}
	if (got < 0) {
		return BERTH_E_NOT_FOUND;
	}
	*ret_status = WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
	return BERTH_OK;
}

enum berth_err
berth_process_become(const char *user, struct berth_why *why)
{
	errno = 0;
	struct passwd *entry = getpwnam(user);
	if (!entry) {
		return berth_fail(why, BERTH_E_NOT_FOUND, "process-user", NULL,
				  "there is no user %s: create it or change 'user'", user);
	}
	if (geteuid() == entry->pw_uid && getuid() == entry->pw_uid) {
		return BERTH_OK;
	}
	uid_t uid = entry->pw_uid;
	gid_t gid = entry->pw_gid;
	if (initgroups(user, gid) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0) {
		return berth_fail(why, BERTH_E_DENIED, "process-user", NULL,
				  "cannot become %s: %s (start as root or as that user)", user,
				  strerror(errno));
	}
	/* A change of identity clears it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
		return berth_fail(why, BERTH_E_IO, "process-user", NULL, "prctl: %s",
				  strerror(errno));
	}
	return BERTH_OK;
}

size_t
berth_process_cores(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) != 0) {
		return 1;
	}
	int n = CPU_COUNT(&set);
	return n > 0 ? (size_t)n : 1;
}

size_t
berth_process_descriptors(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		return DESCRIPTORS_AT_LEAST;
	}
	const struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
	if (limit.rlim_cur != limit.rlim_max && setrlimit(RLIMIT_NOFILE, &raised) == 0) {
		limit = raised;
	}
	return limit.rlim_cur < SIZE_MAX ? (size_t)limit.rlim_cur : SIZE_MAX;
}
