/* SPDX-License-Identifier: BSD-2-Clause */
/* Each case runs in a child of its own, because a sandbox is for good. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "system/sandbox.h"

enum { HELD = 0, BROKEN = 1, NO_LANDLOCK = 2 };

static int
in_child(int (*body)(const char *folder), const char *folder)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		_exit(body(folder));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static bool
is_denied(int rc)
{
	return rc < 0 && (errno == EPERM || errno == EACCES);
}

static int
net_child(const char *folder)
{
	char path[128];
	struct berth_sandbox_report report = {0};
	const struct berth_sandbox sandbox = {.sockets = BERTH_SANDBOX_INET};
	(void)snprintf(path, sizeof(path), "%s/file", folder);
	int socket_before = socket(AF_INET, SOCK_STREAM, 0);
	if (berth_sandbox_enter(&sandbox, &report, NULL) || socket_before < 0) {
		return BROKEN;
	}
	if (socket(AF_INET, SOCK_STREAM, 0) < 0) {
		return BROKEN;
	}
	char *const argv[] = {(char *)(uintptr_t) "/bin/true", NULL};
	if (!is_denied(execv(argv[0], argv))) {
		return BROKEN;
	}
	if (report.landlock_abi == 0) {
		return NO_LANDLOCK;
	}
	if (!is_denied(open("/etc/passwd", O_RDONLY)) || !is_denied(open(folder, O_RDONLY)) ||
	    !is_denied(open(path, O_WRONLY | O_CREAT, 0600))) {
		return BROKEN;
	}
	return HELD;
}

static int
judge_child(const char *folder)
{
	char path[128];
	struct berth_sandbox_report report = {0};
	const struct berth_sandbox sandbox = {
		.read = {"/etc"},
		.write = {folder},
		.sockets = BERTH_SANDBOX_UNIX_ONLY,
	};
	if (berth_sandbox_enter(&sandbox, &report, NULL) ||
	    !is_denied(socket(AF_INET, SOCK_STREAM, 0)) ||
	    !is_denied(socket(AF_INET6, SOCK_DGRAM, 0)) ||
	    !is_denied(socket(AF_NETLINK, SOCK_RAW, 0)) || socket(AF_UNIX, SOCK_STREAM, 0) < 0) {
		return BROKEN;
	}
	if (report.landlock_abi == 0) {
		return NO_LANDLOCK;
	}
	(void)snprintf(path, sizeof(path), "%s/file", folder);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	bool can_write = fd >= 0 && write(fd, "x", 1) == 1 && unlink(path) == 0;
	return can_write && open("/etc/passwd", O_RDONLY) >= 0 &&
			       is_denied(open("/etc/berth-test", O_WRONLY | O_CREAT, 0600)) &&
			       is_denied(open("/tmp/berth-test", O_WRONLY | O_CREAT, 0600))
		       ? HELD
		       : BROKEN;
}

static int
signer_child(const char *folder)
{
	(void)folder;
	struct berth_sandbox_report report = {0};
	const struct berth_sandbox sandbox = {
		.sockets = BERTH_SANDBOX_NO_SOCKETS,
		.holds_secrets = true,
	};
	return !berth_sandbox_enter(&sandbox, &report, NULL) &&
			       is_denied(socket(AF_INET, SOCK_STREAM, 0)) &&
			       is_denied(socket(AF_UNIX, SOCK_STREAM, 0))
		       ? HELD
		       : BROKEN;
}

static void
run(int (*body)(const char *folder))
{
	char folder[] = "/tmp/berth-sandbox-XXXXXX";
	assert_non_null(mkdtemp(folder));
	int status = in_child(body, folder);
	assert_int_equal(rmdir(folder), 0);
	if (status == NO_LANDLOCK) {
		print_message("this kernel has no Landlock: only the system calls were checked\n");
		return;
	}
	assert_int_equal(status, HELD);
}

static void
a_net_process_touches_no_file_and_starts_no_program(void **state)
{
	(void)state;
	run(net_child);
}

static void
a_judge_has_its_folder_and_no_network(void **state)
{
	(void)state;
	run(judge_child);
}

static void
a_signer_opens_no_socket(void **state)
{
	(void)state;
	run(signer_child);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_net_process_touches_no_file_and_starts_no_program),
		cmocka_unit_test(a_judge_has_its_folder_and_no_network),
		cmocka_unit_test(a_signer_opens_no_socket),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
