/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/backup/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pki/seal.h"
#include "system/files.h"

#define FILES_MAX 8192

static enum berth_err
source(void *context, uint8_t *out, size_t n, size_t *ret_n, struct berth_why *why)
{
	const int *fd = context;

	*ret_n = 0;
	while (*ret_n < n) {
		ssize_t got = read(*fd, out + *ret_n, n - *ret_n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return berth_fail(why, BERTH_E_IO, "backup-io", NULL,
					  "the backup cannot be read: %s", strerror(errno));
		if (got == 0)
			break;
		*ret_n += (size_t)got;
	}
	return BERTH_OK;
}

/* u32 n and n bytes. */
static enum berth_err
read_framed(struct berth_unseal *unseal, size_t max, struct berth_buf *bytes, struct berth_why *why)
{
	uint8_t length[4];
	uint8_t block[1024];

	enum berth_err err = berth_unseal_read(unseal, length, sizeof(length), why);
	if (err)
		return err;
	size_t left = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 |
		      length[3];
	if (left > max)
		return berth_fail(why, BERTH_E_LIMIT, "backup-form", NULL,
				  "a record of the backup has %zu bytes, at most %zu are allowed",
				  left, max);
	berth_buf_clear(bytes);
	while (left > 0 && !err) {
		size_t n = left < sizeof(block) ? left : sizeof(block);
		err = berth_unseal_read(unseal, block, n, why);
		if (!err && berth_buf_append(bytes, block, n))
			err = berth_fail(why, BERTH_E_MEMORY, "backup-memory", NULL,
					 "out of memory");
		left -= n;
	}
	return err;
}

static enum berth_err
fail_errno(struct berth_why *why, const char *path, const char *what)
{
	return berth_fail(why, BERTH_E_IO, "backup-io", NULL, "%.150s cannot be %s: %s", path, what,
			  strerror(errno));
}

static void
give_to(int fd, struct berth_bytes owner)
{
	char name[64 + 1];

	if (geteuid() != 0 || owner.n == 0)
		return;
	(void)snprintf(name, sizeof(name), "%.*s", (int)owner.n, (const char *)owner.p);
	const struct passwd *entry = getpwnam(name);
	if (entry && fchown(fd, entry->pw_uid, entry->pw_gid) != 0)
		errno = 0; /* a file system without owners */
}

/* The folders above, of the same owner; path is below folder, whose length is skip. */
static enum berth_err
make_folders(char *path, size_t skip, struct berth_bytes owner, struct berth_why *why)
{
	for (char *at = strchr(path + skip + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		bool is_new = mkdir(path, 0700) == 0;
		bool is_there = is_new || errno == EEXIST;
		if (is_new) {
			BERTH_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			give_to(fd, owner);
		}
		*at = '/';
		if (!is_there)
			return fail_errno(why, path, "made");
	}
	return BERTH_OK;
}

static enum berth_err
write_content(struct berth_unseal *unseal, int fd, uint64_t size, const char *path,
	      struct berth_why *why)
{
	uint8_t block[16384];
	enum berth_err err = BERTH_OK;

	while (size > 0 && !err) {
		size_t n = size < sizeof(block) ? (size_t)size : sizeof(block);
		err = berth_unseal_read(unseal, block, n, why);
		if (!err && write(fd, block, n) != (ssize_t)n)
			err = fail_errno(why, path, "written");
		size -= n;
	}
	berth_wipe(block, sizeof(block));
	return err;
}

static enum berth_err
unpack_file(struct berth_unseal *unseal, const char *folder, const struct berth_backup_entry *entry,
	    struct berth_why *why)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%.*s", folder, (int)entry->path.n,
			 (const char *)entry->path.p);

	if (n < 0 || (size_t)n >= sizeof(path))
		return berth_fail(why, BERTH_E_LIMIT, "backup-path", NULL, "a path is too long");
	enum berth_err err = make_folders(path, strlen(folder), entry->owner, why);
	if (err)
		return err;
	BERTH_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_errno(why, path, "made");
	err = write_content(unseal, fd, entry->size, path, why);
	if (err)
		return err;
	give_to(fd, entry->owner);
	if (fchmod(fd, entry->mode) != 0 || fsync(fd) != 0)
		return fail_errno(why, path, "made durable");
	return BERTH_OK;
}

static enum berth_err
unpack_all(struct berth_unseal *unseal, const char *folder, struct berth_unpacked *ret,
	   struct berth_why *why)
{
	BERTH_BUF bytes = {0};

	for (;;) {
		struct berth_backup_entry entry;
		enum berth_err err = read_framed(unseal, BERTH_BACKUP_ENTRY_MAX, &bytes, why);
		if (err)
			return err;
		if (bytes.n == 0)
			return berth_unseal_end(unseal, why);
		err = berth_backup_entry_parse(berth_buf_view(&bytes), &entry, why);
		if (!err && ++ret->files > FILES_MAX)
			err = berth_fail(why, BERTH_E_LIMIT, "backup-files", NULL,
					 "the backup holds more than %d files", FILES_MAX);
		if (!err && entry.kind == BERTH_BACKUP_STORE) {
			BERTH_FD top = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			give_to(top, entry.owner);
			(void)snprintf(ret->store, sizeof(ret->store), "%.*s", (int)entry.path.n,
				       (const char *)entry.path.p);
		}
		err = err ? err : unpack_file(unseal, folder, &entry, why);
		if (err)
			return err;
	}
}

static enum berth_err
unpack(struct berth_pki *pki, int fd, const struct berth_secret *passphrase, const char *daemon,
       const char *folder, struct berth_unpacked *ret, struct berth_why *why)
{
	BERTH_CLEANUP(berth_unseal_freep) struct berth_unseal *unseal = NULL;

	enum berth_err err = berth_unseal_start(pki, berth_bytes_of(passphrase->p, passphrase->n),
						source, &fd, &unseal, why);
	err = err ? err : read_framed(unseal, BERTH_BACKUP_ABOUT_MAX, &ret->bytes, why);
	err = err ? err : berth_backup_about_parse(berth_buf_view(&ret->bytes), &ret->about, why);
	if (err)
		return err;
	if (!berth_bytes_equal_text(ret->about.daemon, daemon))
		return berth_fail(why, BERTH_E_MISMATCH, "backup-daemon", NULL,
				  "this is a backup of %.*s, not of %s", (int)ret->about.daemon.n,
				  (const char *)ret->about.daemon.p, daemon);
	if (mkdir(folder, 0700) != 0)
		return fail_errno(why, folder, "made");
	return unpack_all(unseal, folder, ret, why);
}

enum berth_err
berth_backup_unpack(struct berth_pki *pki, const char *file, const struct berth_secret *passphrase,
		    const char *daemon, const char *folder, struct berth_unpacked *ret,
		    struct berth_why *why)
{
	BERTH_FD fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return berth_fail(why, errno == ENOENT ? BERTH_E_NOT_FOUND : BERTH_E_IO,
				  "backup-io", NULL, "the backup cannot be opened: %s",
				  strerror(errno));
	return unpack(pki, fd, passphrase, daemon, folder, ret, why);
}

void
berth_unpacked_free(struct berth_unpacked *unpacked)
{
	berth_buf_free(&unpacked->bytes);
}
