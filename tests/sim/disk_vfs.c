/* SPDX-License-Identifier: BSD-2-Clause */
#include "disk_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define PATH_MAX_BYTES 1024
#define PIECE_BYTES 4096

struct handle {
	sqlite3_file base;
	struct disk_file *file;
	int lock;
	bool has_shm;
	uint32_t shm_shared; /* a bit for each lock held */
};

static struct handle *
handle_of(sqlite3_file *base)
{
	return (struct handle *)base;
}

/* ---- a file ---- */

static int
on_unlock(sqlite3_file *base, int level)
{
	struct handle *handle = handle_of(base);
	struct disk_file *file = handle->file;
	if (level >= handle->lock)
		return SQLITE_OK;
	file->exclusive = file->exclusive == handle ? NULL : file->exclusive;
	file->pending = file->pending == handle ? NULL : file->pending;
	file->reserved = file->reserved == handle ? NULL : file->reserved;
	if (level == SQLITE_LOCK_NONE && handle->lock >= SQLITE_LOCK_SHARED)
		file->shared--;
	handle->lock = level;
	return SQLITE_OK;
}

static int
on_lock(sqlite3_file *base, int level)
{
	struct handle *handle = handle_of(base);
	struct disk_file *file = handle->file;
	if (level <= handle->lock)
		return SQLITE_OK;
	if (handle->lock == SQLITE_LOCK_NONE) {
		if (file->pending != NULL || file->exclusive != NULL)
			return SQLITE_BUSY;
		file->shared++;
		handle->lock = SQLITE_LOCK_SHARED;
	}
	if (level >= SQLITE_LOCK_RESERVED) {
		if (file->reserved != NULL && file->reserved != handle)
			return SQLITE_BUSY;
		file->reserved = handle;
		handle->lock = SQLITE_LOCK_RESERVED;
	}
	if (level == SQLITE_LOCK_EXCLUSIVE) {
		file->pending = handle;
		handle->lock = SQLITE_LOCK_PENDING;
		if (file->shared > 1)
			return SQLITE_BUSY;
		file->exclusive = handle;
		handle->lock = SQLITE_LOCK_EXCLUSIVE;
	}
	return SQLITE_OK;
}

static int
on_check_reserved_lock(sqlite3_file *base, int *ret)
{
	*ret = handle_of(base)->file->reserved != NULL;
	return SQLITE_OK;
}

static int
on_shm_unmap(sqlite3_file *base, int is_deleted)
{
	struct handle *handle = handle_of(base);
	struct disk_file *file = handle->file;
	(void)is_deleted;
	if (!handle->has_shm)
		return SQLITE_OK;
	handle->has_shm = false;
	for (uint32_t i = 0; i < DISK_LOCKS; i++) {
		if (handle->shm_shared & 1U << i)
			file->shm_shared[i]--;
		if (file->shm_exclusive[i] == handle)
			file->shm_exclusive[i] = NULL;
	}
	handle->shm_shared = 0;
	if (--file->shm_users > 0)
		return SQLITE_OK;
	/* The last one takes the index with him; the next rebuilds it from the log. */
	for (size_t i = 0; i < DISK_SHM_REGIONS_MAX; i++) {
		free(file->shm[i]);
		file->shm[i] = NULL;
	}
	return SQLITE_OK;
}

static int
on_close(sqlite3_file *base)
{
	struct handle *handle = handle_of(base);
	(void)on_shm_unmap(base, 0);
	(void)on_unlock(base, SQLITE_LOCK_NONE);
	if (handle->file->is_anonymous)
		disk_file_forget(handle->file);
	return SQLITE_OK;
}

static int
on_read(sqlite3_file *base, void *out, int n, sqlite3_int64 offset)
{
	const struct disk_file *file = handle_of(base)->file;
	if (file->disk->is_dead)
		return SQLITE_IOERR_READ;
	size_t there = (size_t)offset < file->current.n ? file->current.n - (size_t)offset : 0;
	size_t got = there < (size_t)n ? there : (size_t)n;
	if (got > 0)
		memcpy(out, file->current.p + offset, got);
	if (got == (size_t)n)
		return SQLITE_OK;
	memset((uint8_t *)out + got, 0, (size_t)n - got);
	return SQLITE_IOERR_SHORT_READ;
}

static int
on_write(sqlite3_file *base, const void *bytes, int n, sqlite3_int64 offset)
{
	const uint8_t *at = bytes;
	/* What is handed over in one piece may still be lost in many. */
	for (size_t done = 0, piece; done < (size_t)n; done += piece) {
		piece = (size_t)n - done < PIECE_BYTES ? (size_t)n - done : PIECE_BYTES;
		int rc = disk_file_write(handle_of(base)->file, at + done, piece,
					 (size_t)offset + done);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static int
on_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	return disk_file_truncate(handle_of(base)->file, (size_t)size);
}

static int
on_sync(sqlite3_file *base, int flags)
{
	(void)flags;
	return disk_file_sync(handle_of(base)->file);
}

static int
on_file_size(sqlite3_file *base, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)handle_of(base)->file->current.n;
	return handle_of(base)->file->disk->is_dead ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

static int
on_file_control(sqlite3_file *base, int op, void *argument)
{
	(void)base;
	(void)op;
	(void)argument;
	return SQLITE_NOTFOUND;
}

static int
on_sector_size(sqlite3_file *base)
{
	(void)base;
	return 4096;
}

/* As the unix VFS says of every disk: a torn write damages nothing beside it. */
static int
on_characteristics(sqlite3_file *base)
{
	(void)base;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int
on_shm_map(sqlite3_file *base, int region, int size, int may_extend, void volatile **ret)
{
	struct handle *handle = handle_of(base);
	struct disk_file *file = handle->file;
	*ret = NULL;
	if (region >= DISK_SHM_REGIONS_MAX)
		return SQLITE_IOERR_SHMMAP;
	if (!handle->has_shm) {
		handle->has_shm = true;
		file->shm_users++;
	}
	if (file->shm[region] == NULL && may_extend)
		file->shm[region] = disk_need(calloc(1, (size_t)size));
	*ret = file->shm[region];
	return SQLITE_OK;
}

static void
share(struct handle *handle, uint32_t lock, bool is_held)
{
	uint32_t bit = 1U << lock;
	if (((handle->shm_shared & bit) != 0) == is_held)
		return;
	handle->shm_shared ^= bit;
	handle->file->shm_shared[lock] += is_held ? 1U : UINT32_MAX;
}

static int
on_shm_lock(sqlite3_file *base, int offset, int n, int flags)
{
	struct handle *handle = handle_of(base);
	struct disk_file *file = handle->file;
	bool is_exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
	for (int i = offset; i < offset + n; i++) {
		if (flags & SQLITE_SHM_UNLOCK)
			break;
		if (file->shm_exclusive[i] != NULL && file->shm_exclusive[i] != handle)
			return SQLITE_BUSY;
		if (is_exclusive && file->shm_shared[i] > 0)
			return SQLITE_BUSY;
	}
	for (int i = offset; i < offset + n; i++) {
		if (is_exclusive)
			file->shm_exclusive[i] = flags & SQLITE_SHM_UNLOCK ? NULL : handle;
		else if (flags & SQLITE_SHM_UNLOCK)
			share(handle, (uint32_t)i, false);
		else
			share(handle, (uint32_t)i, true);
	}
	return SQLITE_OK;
}

static void
on_shm_barrier(sqlite3_file *base)
{
	(void)base;
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_file_size,
	.xLock = on_lock,
	.xUnlock = on_unlock,
	.xCheckReservedLock = on_check_reserved_lock,
	.xFileControl = on_file_control,
	.xSectorSize = on_sector_size,
	.xDeviceCharacteristics = on_characteristics,
	.xShmMap = on_shm_map,
	.xShmLock = on_shm_lock,
	.xShmBarrier = on_shm_barrier,
	.xShmUnmap = on_shm_unmap,
};

/* ---- the file system ---- */

static struct disk *any_disk; /* where temporary files go: the one opened last */

static int
on_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *base, int flags, int *ret_flags)
{
	struct handle *handle = handle_of(base);
	struct disk *disk = name == NULL ? any_disk : disk_of_path(name);
	(void)vfs;
	*handle = (struct handle){0};
	if (disk == NULL || disk->is_dead)
		return SQLITE_CANTOPEN;
	any_disk = disk;
	struct disk_file *file = name == NULL ? NULL : disk_file_find(disk, name);
	if (file == NULL && name != NULL && !(flags & SQLITE_OPEN_CREATE) &&
	    !(flags & SQLITE_OPEN_MAIN_DB))
		return SQLITE_CANTOPEN;
	if (file == NULL)
		file = disk_file_make(disk, name == NULL ? "" : name);
	file->is_anonymous = name == NULL;
	handle->file = file;
	handle->base.pMethods = &methods;
	if (ret_flags != NULL)
		*ret_flags = flags;
	return SQLITE_OK;
}

static int
on_delete(sqlite3_vfs *vfs, const char *name, int is_synced)
{
	struct disk *disk = disk_of_path(name);
	struct disk_file *file = disk == NULL ? NULL : disk_file_find(disk, name);
	(void)vfs;
	return file == NULL ? SQLITE_IOERR_DELETE_NOENT : disk_file_delete(file, is_synced != 0);
}

static int
on_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
	struct disk *disk = disk_of_path(name);
	const struct disk_file *file = disk == NULL ? NULL : disk_file_find(disk, name);
	(void)vfs;
	/* As the unix VFS does: an empty file is none when asked for its existence. */
	*ret = file != NULL && (flags != SQLITE_ACCESS_EXISTS || file->current.n > 0);
	return SQLITE_OK;
}

static int
on_full_pathname(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
	(void)vfs;
	return snprintf(out, (size_t)n, "%s", name) < n ? SQLITE_OK : SQLITE_CANTOPEN;
}

/* SQLite wants salts, not secrets: the same each time, so that a run is the same each time. */
static int
on_randomness(sqlite3_vfs *vfs, int n, char *out)
{
	(void)vfs;
	memset(out, 0x5a, (size_t)n);
	return n;
}

static int
on_sleep(sqlite3_vfs *vfs, int microseconds)
{
	(void)vfs;
	return microseconds;
}

static int
on_current_time(sqlite3_vfs *vfs, sqlite3_int64 *ret)
{
	(void)vfs;
	*ret = (sqlite3_int64)212642000000000; /* Julian milliseconds of some day in 2026 */
	return SQLITE_OK;
}

static int
on_current_time_days(sqlite3_vfs *vfs, double *ret)
{
	(void)vfs;
	*ret = 2461134.0;
	return SQLITE_OK;
}

static int
on_last_error(sqlite3_vfs *vfs, int n, char *out)
{
	(void)vfs;
	if (n > 0)
		out[0] = '\0';
	return 0;
}

void
disk_register(void)
{
	static sqlite3_vfs vfs = {
		.iVersion = 2,
		.szOsFile = sizeof(struct handle),
		.mxPathname = PATH_MAX_BYTES,
		.zName = "disk",
		.xOpen = on_open,
		.xDelete = on_delete,
		.xAccess = on_access,
		.xFullPathname = on_full_pathname,
		.xRandomness = on_randomness,
		.xSleep = on_sleep,
		.xCurrentTime = on_current_time_days,
		.xCurrentTimeInt64 = on_current_time,
		.xGetLastError = on_last_error,
	};
	if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
		abort();
}
