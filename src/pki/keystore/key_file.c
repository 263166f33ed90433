/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/keystore/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

#define PATH_BYTES_MAX 512 /* BERTH_KEY_URI_MAX: paths come from there */

static void
close_p(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

#define BERTH_FD BERTH_CLEANUP(close_p) int

static enum berth_err
fail_errno(struct berth_why *why, const char *what, const char *path)
{
	enum berth_err err = errno == ENOENT ? BERTH_E_NOT_FOUND : BERTH_E_IO;
	return berth_fail(why, err, "keystore-file", NULL, "Key file %.120s cannot be %s: %s.",
			  path, what, strerror(errno));
}

/* Opens the file that may hold a key, and nothing else (no link, no device, no stranger's file). */
static enum berth_err
open_checked(const char *path, int flags, int *ret, off_t *ret_size, struct berth_why *why)
{
	struct stat st;

	int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return fail_errno(why, "opened", path);
	enum berth_err err = BERTH_OK;
	if (fstat(fd, &st) != 0)
		err = fail_errno(why, "examined", path);
	else if (!S_ISREG(st.st_mode))
		err = berth_fail(why, BERTH_E_USAGE, "keystore-file-kind", NULL,
				 "Key file %.120s is not an ordinary file.", path);
	else if ((st.st_mode & 077) != 0)
		err = berth_fail(
			why, BERTH_E_DENIED, "keystore-file-mode", NULL,
			"Key file %.120s has mode %04o: others may use it. Make a new key, or "
			"chmod 0600 if you know that nobody read it.",
			path, (unsigned)(st.st_mode & 07777));
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		err = berth_fail(why, BERTH_E_DENIED, "keystore-file-owner", NULL,
				 "Key file %.120s belongs to user %u, not to this program's user.",
				 path, (unsigned)st.st_uid);
	else if (st.st_size > BERTH_KEY_FILE_MAX_BYTES)
		err = berth_fail(why, BERTH_E_LIMIT, "keystore-file-size", NULL,
				 "Key file %.120s has more than %d bytes.", path,
				 BERTH_KEY_FILE_MAX_BYTES);
	if (err) {
		(void)close(fd);
		return err;
	}
	*ret = fd;
	*ret_size = st.st_size;
	return BERTH_OK;
}

static enum berth_err
read_all(int fd, uint8_t *out, size_t size, const char *path, struct berth_why *why)
{
	size_t at = 0;

	while (at < size) {
		ssize_t n = read(fd, out + at, size - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail_errno(why, "read", path);
		at += (size_t)n;
	}
	return BERTH_OK;
}

enum berth_err
berth_key_file_is_free(const char *path, struct berth_why *why)
{
	if (access(path, F_OK) == 0)
		return berth_fail(why, BERTH_E_EXISTS, "keystore-exists", NULL,
				  "There is a key at %.120s already.", path);
	return BERTH_OK;
}

enum berth_err
berth_key_file_read(const char *path, struct berth_buf *text, struct berth_why *why)
{
	BERTH_FD fd = -1;
	off_t size = 0;
	uint8_t bytes[BERTH_KEY_FILE_MAX_BYTES];

	enum berth_err err = open_checked(path, O_RDONLY, &fd, &size, why);
	if (err)
		return err;
	err = read_all(fd, bytes, (size_t)size, path, why);
	if (!err)
		err = berth_buf_append(text, bytes, (size_t)size);
	berth_wipe(bytes, sizeof(bytes));
	return err;
}

/* A name's durability is that of its directory. */
static enum berth_err
sync_directory(const char *path, struct berth_why *why)
{
	char directory[PATH_BYTES_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path);

	if (slash == NULL)
		(void)snprintf(directory, sizeof(directory), ".");
	else
		(void)snprintf(directory, sizeof(directory), "%.*s", n == 0 ? 1 : (int)n, path);
	BERTH_FD fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		return fail_errno(why, "made durable", path);
	return BERTH_OK;
}

static enum berth_err
write_all(int fd, struct berth_bytes text, const char *path, struct berth_why *why)
{
	size_t at = 0;

	while (at < text.n) {
		ssize_t n = write(fd, text.p + at, text.n - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail_errno(why, "written", path);
		at += (size_t)n;
	}
	return BERTH_OK;
}

static enum berth_err
write_durably(int fd, struct berth_bytes text, const char *path, struct berth_why *why)
{
	enum berth_err err = write_all(fd, text, path, why);

	if (!err && fsync(fd) != 0)
		return fail_errno(why, "made durable", path);
	return err;
}

enum berth_err
berth_key_file_write_unsynced(const char *path, struct berth_bytes text, struct berth_why *why)
{
	BERTH_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return berth_fail(why, BERTH_E_EXISTS, "keystore-exists", NULL,
				  "There is a key at %.120s already.", path);
	if (fd < 0)
		return fail_errno(why, "created", path);
	enum berth_err err = write_all(fd, text, path, why);
	if (err)
		(void)unlink(path);
	return err;
}

/* Under a temporary name first: link() makes the name and the whole content appear at once, or fails. */
enum berth_err
berth_key_file_write(const char *path, struct berth_bytes text, struct berth_why *why)
{
	char temporary[PATH_BYTES_MAX + 16];

	(void)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	BERTH_FD fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		return fail_errno(why, "created", path);
	enum berth_err err = write_durably(fd, text, path, why);
	if (!err && link(temporary, path) != 0) {
		if (errno == EEXIST)
			err = berth_fail(why, BERTH_E_EXISTS, "keystore-exists", NULL,
					 "There is a key at %.120s already.", path);
		else
			err = fail_errno(why, "created", path);
	}
	(void)unlink(temporary);
	return err ? err : sync_directory(path, why);
}

enum berth_err
berth_key_file_remove(const char *path, struct berth_why *why)
{
	static const uint8_t zeros[BERTH_KEY_FILE_MAX_BYTES];
	BERTH_FD fd = -1;
	off_t size = 0;

	enum berth_err err = open_checked(path, O_WRONLY, &fd, &size, why);
	if (err)
		return err;
	err = write_durably(fd, berth_bytes_of(zeros, (size_t)size), path, why);
	if (err)
		return err;
	if (unlink(path) != 0)
		return fail_errno(why, "removed", path);
	return sync_directory(path, why);
}
