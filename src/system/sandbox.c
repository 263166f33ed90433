/* SPDX-License-Identifier: BSD-2-Clause */
#include "system/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "system/files.h"

/*
 * Landlock by its system calls: Debian 12's headers know ABI 2 only, the running kernel may know
 * more or less. The numbers are the kernel's interface (include/uapi/linux/landlock.h).
 */
#define LANDLOCK_CREATE 444
#define LANDLOCK_ADD 445
#define LANDLOCK_RESTRICT 446
#define LANDLOCK_VERSION_FLAG 1U
#define LANDLOCK_PATH_BENEATH 1
enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_ABI1 = (1 << 13) - 1,
	FS_REFER = 1 << 13,
	FS_TRUNCATE = 1 << 14,
	FS_IOCTL_DEV = 1 << 15,
	FS_FILE_ONLY = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
	FS_READ = FS_READ_FILE | FS_READ_DIR,
	FS_WRITE = FS_READ | FS_WRITE_FILE | FS_REMOVE_FILE | FS_REMOVE_DIR | FS_MAKE_REG |
		   FS_MAKE_DIR | FS_TRUNCATE,
	SCOPE_SIGNAL = 1 << 1,
	SCOPE_ABSTRACT = 1 << 0
};

struct landlock_ruleset {
	uint64_t handled_fs;
	uint64_t handled_net;
	uint64_t scoped;
};

struct landlock_beneath {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

/*
 * LeakSanitizer, when a sanitized process ends, reads /proc and stops the process with ptrace. Such builds are
 * for tests only; they keep the rest of the sandbox.
 */
#if defined(__SANITIZE_ADDRESS__)
static const bool is_sanitized = true;
#else
static const bool is_sanitized = false;
#endif

static uint64_t
known_rights(int abi)
{
	uint64_t rights = FS_ABI1;
	rights |= abi >= 2 ? FS_REFER : 0;
	rights |= abi >= 3 ? FS_TRUNCATE : 0;
	rights |= abi >= 5 ? FS_IOCTL_DEV : 0;
	return rights;
}

static enum berth_err
allow(int ruleset, const char *path, uint64_t rights, struct berth_why *why)
{
	BERTH_FD fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0) {
		if (errno == ENOENT || errno == EACCES) {
			return BERTH_OK; /* nothing there to allow */
		}
		return berth_fail(why, BERTH_E_IO, "sandbox-path", NULL, "%s: %s", path,
				  strerror(errno));
	}
	struct stat st;
	if (fstat(fd, &st) != 0) {
		return berth_fail(why, BERTH_E_IO, "sandbox-path", NULL, "%s: %s", path,
				  strerror(errno));
	}
	if (!S_ISDIR(st.st_mode)) {
		rights &= FS_FILE_ONLY;
	}
	struct landlock_beneath rule = {.allowed = rights, .parent_fd = fd};
	if (syscall(LANDLOCK_ADD, ruleset, LANDLOCK_PATH_BENEATH, &rule, 0) != 0) {
		return berth_fail(why, BERTH_E_IO, "sandbox-landlock", NULL, "%s: %s", path,
				  strerror(errno));
	}
	return BERTH_OK;
}

static size_t
ruleset_size(int abi)
{
	if (abi >= 6) {
		return sizeof(struct landlock_ruleset);
	}
	return abi >= 4 ? offsetof(struct landlock_ruleset, scoped)
			: offsetof(struct landlock_ruleset, handled_net);
}

static enum berth_err
restrict_files(const struct berth_sandbox *sandbox, int *ret_abi, struct berth_why *why)
{
	int abi = (int)syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION_FLAG);
	if (abi < 1) {
		*ret_abi = 0;
		return BERTH_OK;
	}
	uint64_t known = known_rights(abi);
	/* Signals are for the parent to send; nothing of ours listens on an abstract socket. */
	struct landlock_ruleset attributes = {
		.handled_fs = known,
		.scoped = SCOPE_SIGNAL | SCOPE_ABSTRACT,
	};
	BERTH_FD ruleset = (int)syscall(LANDLOCK_CREATE, &attributes, ruleset_size(abi), 0);
	if (ruleset < 0) {
		return berth_fail(why, BERTH_E_IO, "sandbox-landlock", NULL,
				  "cannot make a ruleset: %s", strerror(errno));
	}
	enum berth_err err =
		is_sanitized ? allow(ruleset, "/proc", FS_READ & known, why) : BERTH_OK;
	for (size_t i = 0; i < BERTH_SANDBOX_PATHS_MAX && !err; i++) {
		if (sandbox->read[i]) {
			err = allow(ruleset, sandbox->read[i], FS_READ & known, why);
		}
		if (!err && sandbox->write[i]) {
			err = allow(ruleset, sandbox->write[i], FS_WRITE & known, why);
		}
	}
	if (err) {
		return err;
	}
	if (syscall(LANDLOCK_RESTRICT, ruleset, 0) != 0) {
		return berth_fail(why, BERTH_E_IO, "sandbox-landlock", NULL, "cannot restrict: %s",
				  strerror(errno));
	}
	*ret_abi = abi;
	return BERTH_OK;
}

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#define NATIVE_ARCH 0 /* no filter where its numbers were never tried */
#endif

static const uint32_t denied[] = {
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_execve,
	SYS_execveat,
	SYS_kexec_load,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_unshare,
	SYS_setns,
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	SYS_swapon,
	SYS_reboot,
	SYS_acct,
	SYS_quotactl,
	SYS_open_by_handle_at,
	SYS_name_to_handle_at,
	SYS_personality,
	SYS_io_uring_setup, /* its operations would pass the filter by */
};
#define DENIED_COUNT (sizeof(denied) / sizeof(denied[0]))

#define ANSWER_EPERM (SECCOMP_RET_ERRNO | EPERM)

/*
 *	arch is ours, number is not of the x32 table
 *	number in denied -> EPERM
 *	number == socket -> by what the role may open
 *	allow
 */
static size_t
build_filter(struct sock_filter *f, enum berth_sandbox_sockets sockets)
{
	size_t n = 0;
	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					      offsetof(struct seccomp_data, arch));
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					      offsetof(struct seccomp_data, nr));
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, ANSWER_EPERM);
	for (size_t i = 0; i < DENIED_COUNT; i++) {
		if (is_sanitized && denied[i] == SYS_ptrace) {
			continue;
		}
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, denied[i], 0, 1);
		f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, ANSWER_EPERM);
	}
	if (sockets != BERTH_SANDBOX_INET) {
		bool is_unix_ok = sockets == BERTH_SANDBOX_UNIX_ONLY;
		uint32_t family = is_unix_ok ? AF_UNIX : UINT32_MAX;
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3);
		f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						      offsetof(struct seccomp_data, args));
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, family, 1, 0);
		f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, ANSWER_EPERM);
	}
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return n;
}

static enum berth_err
restrict_calls(enum berth_sandbox_sockets sockets, bool *ret_has, struct berth_why *why)
{
	if (NATIVE_ARCH == 0) {
		*ret_has = false;
		return BERTH_OK;
	}
	struct sock_filter filter[16 + 2 * DENIED_COUNT];
	struct sock_fprog program = {.filter = filter};
	program.len = (unsigned short)build_filter(filter, sockets);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
		if (errno == EINVAL || errno == ENOSYS) {
			*ret_has = false; /* a kernel without it */
			return BERTH_OK;
		}
		return berth_fail(why, BERTH_E_IO, "sandbox-seccomp", NULL, "%s", strerror(errno));
	}
	*ret_has = true;
	return BERTH_OK;
}

static enum berth_err
hide_memory(struct berth_why *why)
{
	struct rlimit none = {0, 0};
	if (is_sanitized) {
		return BERTH_OK;
	}
	if (prctl(PR_SET_DUMPABLE, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0) {
		return berth_fail(why, BERTH_E_IO, "sandbox-memory", NULL, "%s", strerror(errno));
	}
	return BERTH_OK;
}

enum berth_err
berth_sandbox_enter(const struct berth_sandbox *sandbox, struct berth_sandbox_report *ret,
		    struct berth_why *why)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		return berth_fail(why, BERTH_E_IO, "sandbox-privileges", NULL, "%s",
				  strerror(errno));
	}
	enum berth_err err = sandbox->holds_secrets ? hide_memory(why) : BERTH_OK;
	err = err ? err : restrict_files(sandbox, &ret->landlock_abi, why);
	return err ? err : restrict_calls(sandbox->sockets, &ret->has_seccomp, why);
}
