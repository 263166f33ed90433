/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SQLite's default file system, with one difference: a commit's frames go to the write-ahead log in one write, before
 * its sync, and not in two for each page.
 *
 * That is the same to whoever looks, as long as nothing is held between two transactions. Two settings see to it, and
 * berth_wal_gather is for a store that has both: synchronous = FULL (each commit ends with a sync, and readers are told of its
 * frames after that) and cache_spill = OFF (no frame is written before its commit).
 */
#ifndef BERTH_STORE_WAL_VFS_H
#define BERTH_STORE_WAL_VFS_H

#include <sqlite3.h>

#include "base/err.h"

struct berth_wal_vfs;

/* One for each store, on whatever is the default now. NULL when it cannot be had. */
struct berth_wal_vfs *berth_wal_vfs_new(void);
/* What to open by. */
const char *berth_wal_vfs_name(const struct berth_wal_vfs *vfs);
/* After all that was opened by it is closed. NULL: nothing */
void berth_wal_vfs_free(struct berth_wal_vfs *vfs);

/* From now on db gathers. Nothing happens to one that was opened otherwise. BERTH_E_MEMORY */
enum berth_err berth_wal_gather(sqlite3 *db) BERTH_MUST;

#endif
