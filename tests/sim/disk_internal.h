/* SPDX-License-Identifier: BSD-2-Clause */
/* What disk.c (the durable and the forgotten) and disk_vfs.c (what SQLite calls) share. */
#ifndef BERTH_TESTS_SIM_DISK_INTERNAL_H
#define BERTH_TESTS_SIM_DISK_INTERNAL_H

#include "disk.h"

#include <sqlite3.h>

#define DISK_SHM_REGIONS_MAX 64
#define DISK_LOCKS SQLITE_SHM_NLOCK

/* Since the last sync, in order. */
struct disk_write {
	struct disk_write *next;
	bool is_truncation;
	size_t offset; /* of a truncation: the new size */
	struct berth_buf bytes;
};

struct disk_file {
	struct disk_file *next;
	struct disk *disk;
	char *path;
	struct berth_buf durable, current;
	bool is_durable; /* its name outlives a crash */
	bool exists;
	bool is_anonymous; /* a temporary one: gone with its handle */
	struct disk_write *writes, **writes_end;
	/* locks of the file: who reads, and at most one of each of the others */
	uint32_t shared;
	const void *reserved, *pending, *exclusive;
	/* the WAL index */
	uint8_t *shm[DISK_SHM_REGIONS_MAX];
	uint32_t shm_users;
	uint32_t shm_shared[DISK_LOCKS];
	const void *shm_exclusive[DISK_LOCKS];
};

struct disk {
	struct disk *next;
	char *folder;
	struct berth_random random;
	struct disk_file *files;
	struct disk_counts counts;
	uint32_t fuse;
	enum disk_loss fuse_loss;
	uint32_t failing_writes, failing_syncs;
	bool is_dead, is_full, lies, has_failed;
};

void *disk_need(void *memory); /* ends the program when it is NULL */
struct disk *disk_of_path(const char *path);
struct disk_file *disk_file_find(struct disk *disk, const char *path);
struct disk_file *disk_file_make(struct disk *disk, const char *path);
/* SQLITE_OK, or what the disk does instead. */
int disk_file_write(struct disk_file *file, const void *bytes, size_t n, size_t offset);
int disk_file_truncate(struct disk_file *file, size_t size);
int disk_file_sync(struct disk_file *file);
int disk_file_delete(struct disk_file *file, bool is_synced);
void disk_file_forget(struct disk_file *file);

#endif
