/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk that forgets: a SQLite VFS in memory. What was written and not synced is kept apart from what is durable; when
 * the power goes, all of it is lost, or a prefix of it, or any subset, with a sector torn. Writes and syncs fail when
 * told to. Below kill -9: it shows what an fsync is worth.
 *
 *	disk_register()				once; from then on every store opens here
 *	struct disk *disk = disk_open("/folder")	all files below that folder are on it
 *	... a store works ...
 *	disk_crash(disk, DISK_SUBSET)		every call fails until the disk is mounted again
 *	disk_mount(disk)
 *
 * Files of folders that no disk holds cannot be opened. One thread; several connections to a file are kept apart by
 * the same locks as on a real one.
 */
#ifndef BERTH_TESTS_SIM_DISK_H
#define BERTH_TESTS_SIM_DISK_H

#include "base/bytes.h"
#include "base/random.h"

struct disk;

enum disk_loss {
	DISK_NOTHING, /* the process was killed, the machine lives: all that was written is there */
	DISK_ALL,     /* nothing that was not synced is there */
	DISK_PREFIX, /* the first so many writes of each file got through, the next one perhaps in part */
	DISK_SUBSET, /* any of the writes did, one perhaps in part */
};

struct disk_counts {
	uint64_t writes, syncs, failed_writes, failed_syncs, full, crashes, lost_writes,
		torn_writes;
};

void disk_register(void);
/* random: chooses what is lost; borrowed. Ends the program when memory is out, as all of this does. */
struct disk *disk_open(const char *folder, struct berth_random random);
void disk_close(struct disk *disk);

void disk_crash(struct disk *disk, enum disk_loss loss);
bool disk_is_dead(const struct disk *disk); /* crashed, by us or by a fuse */
void disk_mount(struct disk *disk);
/* Dead, full, or has failed since it was mounted. */
bool disk_is_failing(const struct disk *disk);

/* The next so many writes or syncs succeed, the power goes with the one after; 0: no fuse. */
void disk_set_fuse(struct disk *disk, uint32_t operations, enum disk_loss loss);
void disk_fail_writes(struct disk *disk, uint32_t count);
void disk_fail_syncs(struct disk *disk, uint32_t count);
void disk_set_full(struct disk *disk, bool is_full); /* no file grows */
/* A lie: syncs succeed and make nothing durable. For the proof that a lost row is noticed. */
void disk_lie_about_syncs(struct disk *disk, bool lies);

struct disk_counts disk_counts(const struct disk *disk);
/* Each file's bytes as a reader sees them now; for a search. */
typedef void disk_visit(void *context, const char *path, struct berth_bytes content);
void disk_each(const struct disk *disk, disk_visit *visit, void *context);
/* Changes one byte, durably, of each file of that name's end where needle is found; false when it is nowhere. */
bool disk_spoil(struct disk *disk, const char *end, struct berth_bytes needle);

#endif
