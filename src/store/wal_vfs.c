/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/wal_vfs.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * 31 frames of 4,096 bytes and 24 each: as many as SQLite's unix file system hands to the kernel at a time (less than
 * 128 KiB), so that what is gathered leaves in one call.
 */
#define GATHERED_MAX 127720

struct berth_wal_vfs {
	sqlite3_vfs vfs; /* first: SQLite hands it to on_open */
	sqlite3_vfs *below;
	char name[32];
};

/* The real file follows it in memory. */
struct wal_file {
	sqlite3_file base;
	uint8_t *bytes; /* GATHERED_MAX of them; NULL: nothing is gathered */
	sqlite3_int64 at;
	sqlite3_int64 n;
};

static struct wal_file *
wal_of(sqlite3_file *base)
{
	return (struct wal_file *)base;
}

static sqlite3_file *
real_of(sqlite3_file *base)
{
	return (sqlite3_file *)(wal_of(base) + 1);
}

/*
 * What could not be written is dropped: its commit is told and rolled back, and the next one begins where this one did. Kept,
 * it would be written over what another process has committed meanwhile.
 */
static int
flush(sqlite3_file *base)
{
	struct wal_file *wal = wal_of(base);
	sqlite3_file *real = real_of(base);
	int n = (int)wal->n;

	wal->n = 0;
	return n == 0 ? SQLITE_OK : real->pMethods->xWrite(real, wal->bytes, n, wal->at);
}

/* Of a transaction that has no commit, so it is as good as never written. */
static int
on_close(sqlite3_file *base)
{
	sqlite3_file *real = real_of(base);

	free(wal_of(base)->bytes);
	wal_of(base)->bytes = NULL;
	return real->pMethods->xClose(real);
}

static int
on_write(sqlite3_file *base, const void *bytes, int n, sqlite3_int64 at)
{
	struct wal_file *wal = wal_of(base);
	sqlite3_file *real = real_of(base);

	if (n > 0 && wal->bytes && (wal->n == 0 || at == wal->at + wal->n) &&
	    wal->n + n <= GATHERED_MAX) {
		wal->at = wal->n == 0 ? at : wal->at;
		memcpy(wal->bytes + wal->n, bytes, (size_t)n);
		wal->n += n;
		return SQLITE_OK;
	}
	bool is_new_start = n > 0 && wal->bytes && n <= GATHERED_MAX && wal->n > 0;
	int rc = flush(base);
	if (rc != SQLITE_OK)
		return rc;
	return is_new_start ? on_write(base, bytes, n, at)
			    : real->pMethods->xWrite(real, bytes, n, at);
}

/* A piece of the file itself; a hole before what is gathered reads as the zeros that it would be. */
static int
read_real(sqlite3_file *base, uint8_t *out, sqlite3_int64 from, sqlite3_int64 to, bool is_before)
{
	sqlite3_file *real = real_of(base);
	int rc = from < to ? real->pMethods->xRead(real, out, (int)(to - from), from) : SQLITE_OK;

	return rc == SQLITE_IOERR_SHORT_READ && is_before ? SQLITE_OK : rc;
}

static sqlite3_int64
within(sqlite3_int64 value, sqlite3_int64 least, sqlite3_int64 most)
{
	if (value < least)
		return least;
	return value > most ? most : value;
}

static int
on_read(sqlite3_file *base, void *out, int n, sqlite3_int64 at)
{
	const struct wal_file *wal = wal_of(base);
	uint8_t *bytes = out;
	sqlite3_int64 end = at + n;
	sqlite3_int64 first = within(wal->at, at, end);
	sqlite3_int64 last = within(wal->at + wal->n, at, end);

	if (wal->n == 0 || first >= last)
		return read_real(base, bytes, at, end, wal->n > 0 && end <= wal->at);
	memcpy(bytes + (first - at), wal->bytes + (first - wal->at), (size_t)(last - first));
	int rc = read_real(base, bytes, at, first, true);
	return rc != SQLITE_OK ? rc : read_real(base, bytes + (last - at), last, end, false);
}

static int
on_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct wal_file *wal = wal_of(base);
	sqlite3_file *real = real_of(base);

	wal->n = within(size - wal->at, 0, wal->n);
	return real->pMethods->xTruncate(real, size);
}

static int
on_sync(sqlite3_file *base, int flags)
{
	sqlite3_file *real = real_of(base);
	int rc = flush(base);

	return rc != SQLITE_OK ? rc : real->pMethods->xSync(real, flags);
}

static int
on_file_size(sqlite3_file *base, sqlite3_int64 *ret)
{
	const struct wal_file *wal = wal_of(base);
	sqlite3_file *real = real_of(base);
	int rc = real->pMethods->xFileSize(real, ret);

	if (rc == SQLITE_OK && wal->n > 0 && *ret < wal->at + wal->n)
		*ret = wal->at + wal->n;
	return rc;
}

static int
on_lock(sqlite3_file *base, int level)
{
	sqlite3_file *real = real_of(base);

	return real->pMethods->xLock(real, level);
}

static int
on_unlock(sqlite3_file *base, int level)
{
	sqlite3_file *real = real_of(base);

	return real->pMethods->xUnlock(real, level);
}

static int
on_check_reserved_lock(sqlite3_file *base, int *ret)
{
	sqlite3_file *real = real_of(base);

	return real->pMethods->xCheckReservedLock(real, ret);
}

/* None that SQLite sends to a log asks for its bytes. */
static int
on_file_control(sqlite3_file *base, int op, void *argument)
{
	sqlite3_file *real = real_of(base);

	return real->pMethods->xFileControl(real, op, argument);
}

static int
on_sector_size(sqlite3_file *base)
{
	sqlite3_file *real = real_of(base);

	return real->pMethods->xSectorSize(real);
}

static int
on_characteristics(sqlite3_file *base)
{
	sqlite3_file *real = real_of(base);

	return real->pMethods->xDeviceCharacteristics(real);
}

/* Version 1: nobody maps a log into memory, and its index belongs to the database's file. */
static const sqlite3_io_methods methods = {
	.iVersion = 1,
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
};

/* Any other file than a log is the one below alone. */
static int
on_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *base, int flags, int *ret_flags)
{
	sqlite3_vfs *below = ((struct berth_wal_vfs *)vfs)->below;
	struct wal_file *wal = wal_of(base);

	if (!(flags & SQLITE_OPEN_WAL))
		return below->xOpen(below, name, base, flags, ret_flags);
	*wal = (struct wal_file){0};
	int rc = below->xOpen(below, name, real_of(base), flags, ret_flags);
	if (real_of(base)->pMethods)
		wal->base.pMethods = &methods;
	return rc;
}

struct berth_wal_vfs *
berth_wal_vfs_new(void)
{
	sqlite3_vfs *below = sqlite3_initialize() == SQLITE_OK ? sqlite3_vfs_find(NULL) : NULL;
	struct berth_wal_vfs *made = below ? calloc(1, sizeof *made) : NULL;

	if (!made)
		return NULL;
	/* All but opening is done by the one below; its functions see its own pAppData. */
	made->below = below;
	made->vfs = *below;
	made->vfs.pNext = NULL;
	(void)snprintf(made->name, sizeof made->name, "berth-%p", (void *)made);
	made->vfs.zName = made->name;
	made->vfs.szOsFile = (int)sizeof(struct wal_file) + below->szOsFile;
	made->vfs.xOpen = on_open;
	if (sqlite3_vfs_register(&made->vfs, 0) == SQLITE_OK)
		return made;
	free(made);
	return NULL;
}

const char *
berth_wal_vfs_name(const struct berth_wal_vfs *vfs)
{
	return vfs->name;
}

void
berth_wal_vfs_free(struct berth_wal_vfs *vfs)
{
	if (!vfs)
		return;
	sqlite3_vfs_unregister(&vfs->vfs);
	free(vfs);
}

enum berth_err
berth_wal_gather(sqlite3 *db)
{
	sqlite3_file *file = NULL;

	if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) != SQLITE_OK ||
	    !file || file->pMethods != &methods || wal_of(file)->bytes)
		return BERTH_OK;
	wal_of(file)->bytes = malloc(GATHERED_MAX);
	return wal_of(file)->bytes ? BERTH_OK : BERTH_E_MEMORY;
}
