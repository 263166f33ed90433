/* SPDX-License-Identifier: BSD-2-Clause */
#include "system/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/analyzer.h"

void
berth_fd_close(int *fd)
{
	if (*fd >= 0) {
		(void)close(*fd);
		*fd = -1;
	}
}

static enum berth_err
fail_errno(struct berth_why *why, const char *rule, const char *path, const char *what)
{
	int e = errno;
	enum berth_err err = BERTH_E_IO;
	if (e == ENOENT) {
		err = BERTH_E_NOT_FOUND;
	} else if (e == EACCES || e == EPERM) {
		err = BERTH_E_DENIED;
	}
	return berth_fail(why, err, rule, NULL, "%s: cannot %s: %s", path, what, strerror(e));
}

static enum berth_err
read_all(int fd, const char *path, size_t max, struct berth_buf *ret, struct berth_why *why)
{
	uint8_t block[16384];
	berth_buf_clear(ret);
	for (;;) {
		ssize_t n = read(fd, block, sizeof(block));
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return fail_errno(why, "file-read", path, "read");
		}
		if (n == 0) {
			return BERTH_OK;
		}
		if (ret->n + (size_t)n > max) {
			return berth_fail(why, BERTH_E_LIMIT, "file-too-large", NULL,
					  "%s is larger than %zu bytes", path, max);
		}
		enum berth_err err = berth_buf_append(ret, block, (size_t)n);
		if (err) {
			return berth_fail(why, err, "file-read", NULL, "%s: out of memory", path);
		}
	}
}

static enum berth_err
read_checked(const char *path, size_t max, bool is_private, struct berth_buf *ret,
	     struct berth_why *why)
{
	BERTH_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		return fail_errno(why, "file-open", path, "open");
	}
	struct stat st;
	if (fstat(fd, &st) != 0) {
		return fail_errno(why, "file-open", path, "stat");
	}
	if (S_ISDIR(st.st_mode)) {
		return berth_fail(why, BERTH_E_USAGE, "file-open", NULL, "%s is a folder", path);
	}
	if (is_private && (st.st_mode & 077) != 0) {
		return berth_fail(why, BERTH_E_DENIED, "file-mode", NULL,
				  "%s has mode %04o; others can read it: chmod 0600", path,
				  (unsigned)(st.st_mode & 07777));
	}
	return read_all(fd, path, max, ret, why);
}

enum berth_err
berth_file_read(const char *path, size_t max, struct berth_buf *ret, struct berth_why *why)
{
	return read_checked(path, max, false, ret, why);
}

enum berth_err
berth_file_read_private(const char *path, size_t max, struct berth_buf *ret, struct berth_why *why)
{
	return read_checked(path, max, true, ret, why);
}

static enum berth_err
write_all(int fd, struct berth_bytes b, const char *path, struct berth_why *why)
{
	for (size_t at = 0; at < b.n;) {
		ssize_t n = write(fd, b.p + at, b.n - at);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return fail_errno(why, "file-write", path, "write");
		}
		at += (size_t)n;
	}
	return BERTH_OK;
}

/* The name in a folder is durable only when the folder itself has been synced. */
static enum berth_err
sync_folder_of(const char *path, struct berth_why *why)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;
	if (n >= sizeof(folder)) {
		return berth_fail(why, BERTH_E_LIMIT, "file-path", NULL, "path too long");
	}
	if (!slash) {
		memcpy(folder, ".", 2);
	} else if (n == 0) {
		memcpy(folder, "/", 2);
	} else {
		memcpy(folder, path, n);
		folder[n] = '\0';
	}
	BERTH_FD fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0) {
		return fail_errno(why, "file-sync", folder, "sync");
	}
	return BERTH_OK;
}

static enum berth_err
write_temporary(const char *temporary, int fd, struct berth_bytes b, mode_t mode,
		struct berth_why *why)
{
	enum berth_err err = write_all(fd, b, temporary, why);
	if (err) {
		return err;
	}
	if (fchmod(fd, mode) != 0) {
		return fail_errno(why, "file-write", temporary, "set the mode of");
	}
	if (fsync(fd) != 0) {
		return fail_errno(why, "file-sync", temporary, "sync");
	}
	return BERTH_OK;
}

enum berth_err
berth_file_write(const char *path, struct berth_bytes b, mode_t mode, struct berth_why *why)
{
	char temporary[PATH_MAX];
	int n = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	if (n < 0 || (size_t)n >= sizeof(temporary)) {
		return berth_fail(why, BERTH_E_LIMIT, "file-path", NULL, "path too long");
	}
	BERTH_FD fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		return fail_errno(why, "file-write", temporary, "create");
	}
	enum berth_err err = write_temporary(temporary, fd, b, mode, why);
	if (!err && rename(temporary, path) != 0) {
		err = fail_errno(why, "file-write", path, "replace");
	}
	if (err) {
		(void)unlink(temporary);
		return err;
	}
	return sync_folder_of(path, why);
}

enum berth_err
berth_file_remove(const char *path, struct berth_why *why)
{
	if (unlink(path) != 0) {
		return errno == ENOENT ? BERTH_OK : fail_errno(why, "file-remove", path, "remove");
	}
	return sync_folder_of(path, why);
}

enum berth_err
berth_folder_make(const char *path, mode_t mode, struct berth_why *why)
{
	if (mkdir(path, mode) == 0) {
		return sync_folder_of(path, why);
	}
	struct stat st;
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		return BERTH_OK;
	}
	return fail_errno(why, "folder-make", path, "make the folder");
}

bool
berth_folder_is_in_memory(const char *path)
{
	struct statfs facts;

	return statfs(path, &facts) == 0 &&
	       (facts.f_type == TMPFS_MAGIC || facts.f_type == RAMFS_MAGIC);
}

enum berth_err
berth_file_lock(const char *path, int *ret_fd, struct berth_why *why)
{
	BERTH_FD fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0) {
		return fail_errno(why, "file-lock", path, "open");
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		return errno == EWOULDBLOCK ? berth_fail(why, BERTH_E_EXISTS, "file-lock", NULL,
							 "%s: another process holds the lock", path)
					    : fail_errno(why, "file-lock", path, "lock");
	}
	*ret_fd = fd;
	fd = -1;
	return BERTH_OK;
}

void
berth_folder_names_free(char **names, size_t n)
{
	for (size_t i = 0; names && i < n; i++) {
		free(names[i]);
	}
	free(names);
}

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
is_wanted(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);
	return name[0] != '.' && n > m && strcmp(name + n - m, suffix) == 0;
}

static enum berth_err
list_folder(DIR *dir, const char *suffix, size_t max, char **names, size_t *n)
{
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (!is_wanted(entry->d_name, suffix)) {
			continue;
		}
		if (*n == max) {
			return BERTH_E_LIMIT;
		}
		/* The caller's array owns it, which the analyzer forgets at the next turn. */
		BERTH_ANALYZER_TRUST_LEAK
		names[*n] = strdup(entry->d_name);
		if (!names[*n]) {
			return BERTH_E_MEMORY;
		}
		BERTH_ANALYZER_END(*n)++;
	}
	return BERTH_OK;
}

enum berth_err
berth_folder_names(const char *folder, const char *suffix, size_t max, char ***ret, size_t *ret_n,
		   struct berth_why *why)
{
	DIR *dir = opendir(folder);
	if (!dir && errno != ENOENT) {
		return fail_errno(why, "folder-read", folder, "read");
	}
	size_t n = 0;
	char **names = calloc(max + 1, sizeof(*names));
	enum berth_err err = names ? BERTH_OK : BERTH_E_MEMORY;
	if (!err && dir) {
		err = list_folder(dir, suffix, max, names, &n);
	}
	if (dir) {
		(void)closedir(dir);
	}
	if (err) {
		berth_folder_names_free(names, n);
		return berth_fail(why, err, "folder-read", NULL, "%s: cannot take its files",
				  folder);
	}
	qsort(names, n, sizeof(*names), by_bytes);
	*ret = names;
	*ret_n = n;
	return BERTH_OK;
}
