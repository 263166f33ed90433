/* SPDX-License-Identifier: BSD-2-Clause */
#include "disk_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define SECTOR 512

static struct disk *disks;

void *
disk_need(void *memory)
{
	if (memory == NULL) {
		(void)fprintf(stderr, "disk: out of memory\n");
		abort();
	}
	return memory;
}

static void
must(enum berth_err err)
{
	disk_need(err ? NULL : disks);
}

struct disk *
disk_open(const char *folder, struct berth_random random)
{
	struct disk *disk = disk_need(calloc(1, sizeof(*disk)));
	disk->folder = disk_need(strdup(folder));
	disk->random = random;
	disk->next = disks;
	disks = disk;
	return disk;
}

static void
forget_writes(struct disk_file *file)
{
	while (file->writes != NULL) {
		struct disk_write *write = file->writes;
		file->writes = write->next;
		berth_buf_free(&write->bytes);
		free(write);
	}
	file->writes_end = &file->writes;
}

static void
file_free(struct disk_file *file)
{
	forget_writes(file);
	for (size_t i = 0; i < DISK_SHM_REGIONS_MAX; i++)
		free(file->shm[i]);
	berth_buf_free(&file->durable);
	berth_buf_free(&file->current);
	free(file->path);
	free(file);
}

void
disk_close(struct disk *disk)
{
	struct disk **at = &disks;
	while (*at != disk)
		at = &(*at)->next;
	*at = disk->next;
	while (disk->files != NULL) {
		struct disk_file *file = disk->files;
		disk->files = file->next;
		file_free(file);
	}
	free(disk->folder);
	free(disk);
}

struct disk *
disk_of_path(const char *path)
{
	for (struct disk *disk = disks; disk != NULL; disk = disk->next) {
		size_t n = strlen(disk->folder);
		if (strncmp(path, disk->folder, n) == 0 && path[n] == '/')
			return disk;
	}
	return NULL;
}

struct disk_file *
disk_file_find(struct disk *disk, const char *path)
{
	for (struct disk_file *file = disk->files; file != NULL; file = file->next)
		if (file->exists && strcmp(file->path, path) == 0)
			return file;
	return NULL;
}

struct disk_file *
disk_file_make(struct disk *disk, const char *path)
{
	for (struct disk_file *file = disk->files; file != NULL; file = file->next) {
		if (file->exists || strcmp(file->path, path) != 0)
			continue;
		/* Another file of the same name: what the old one held cannot mix with it. */
		forget_writes(file);
		berth_buf_clear(&file->durable);
		berth_buf_clear(&file->current);
		file->is_durable = false;
		file->exists = true;
		return file;
	}
	struct disk_file *file = disk_need(calloc(1, sizeof(*file)));
	file->disk = disk;
	file->path = disk_need(strdup(path));
	file->exists = true;
	file->writes_end = &file->writes;
	file->next = disk->files;
	disk->files = file;
	return file;
}

void
disk_file_forget(struct disk_file *file)
{
	struct disk_file **at = &file->disk->files;
	while (*at != file)
		at = &(*at)->next;
	*at = file->next;
	file_free(file);
}

/* ---- writing ---- */

static void
put(struct berth_buf *content, struct berth_bytes bytes, size_t offset)
{
	static const uint8_t zeros[4096];
	content->limit = (size_t)1 << 30;
	while (content->n < offset) {
		size_t gap = offset - content->n;
		must(berth_buf_append(content, zeros, gap < sizeof(zeros) ? gap : sizeof(zeros)));
	}
	size_t over = content->n - offset < bytes.n ? content->n - offset : bytes.n;
	if (over > 0)
		memcpy(content->p + offset, bytes.p, over);
	must(berth_buf_append(content, bytes.p + over, bytes.n - over));
}

static void
cut(struct berth_buf *content, size_t size)
{
	if (content->n > size)
		content->n = size;
}

static void
remember(struct disk_file *file, bool is_truncation, size_t offset, struct berth_bytes bytes)
{
	struct disk_write *write = disk_need(calloc(1, sizeof(*write)));
	write->is_truncation = is_truncation;
	write->offset = offset;
	must(berth_buf_append_bytes(&write->bytes, bytes));
	*file->writes_end = write;
	file->writes_end = &write->next;
}

/* True when the power went just now, or before. */
static bool
burn(struct disk *disk)
{
	if (!disk->is_dead && disk->fuse > 0 && --disk->fuse == 0)
		disk_crash(disk, disk->fuse_loss);
	return disk->is_dead;
}

int
disk_file_write(struct disk_file *file, const void *bytes, size_t n, size_t offset)
{
	struct disk *disk = file->disk;
	const struct berth_bytes data = berth_bytes_of(bytes, n);
	if (disk->is_dead)
		return SQLITE_IOERR_WRITE;
	if (disk->failing_writes > 0) {
		disk->failing_writes--;
		disk->has_failed = true;
		disk->counts.failed_writes++;
		return SQLITE_IOERR_WRITE;
	}
	if (disk->is_full && offset + n > file->current.n) {
		disk->counts.full++;
		disk->has_failed = true;
		return SQLITE_FULL;
	}
	disk->counts.writes++;
	put(&file->current, data, offset);
	if (!file->is_anonymous)
		remember(file, false, offset, data);
	return burn(disk) ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

int
disk_file_truncate(struct disk_file *file, size_t size)
{
	if (file->disk->is_dead)
		return SQLITE_IOERR_TRUNCATE;
	cut(&file->current, size);
	if (!file->is_anonymous)
		remember(file, true, size, BERTH_BYTES_NONE);
	return burn(file->disk) ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

/* What was written is durable. */
static void
settle(struct disk_file *file)
{
	for (const struct disk_write *write = file->writes; write != NULL; write = write->next) {
		if (write->is_truncation)
			cut(&file->durable, write->offset);
		else
			put(&file->durable, berth_buf_view(&write->bytes), write->offset);
	}
	file->is_durable = file->exists;
	if (!file->exists)
		cut(&file->durable, 0);
	forget_writes(file);
}

/* A new name is synced with its folder, as the unix VFS does it: then names that went are gone too. */
static void
sync_names(struct disk *disk)
{
	for (struct disk_file *file = disk->files; file != NULL; file = file->next)
		if (!file->exists)
			settle(file);
}

int
disk_file_sync(struct disk_file *file)
{
	struct disk *disk = file->disk;
	if (disk->is_dead)
		return SQLITE_IOERR_FSYNC;
	if (disk->failing_syncs > 0) {
		disk->failing_syncs--;
		disk->has_failed = true;
		disk->counts.failed_syncs++;
		return SQLITE_IOERR_FSYNC;
	}
	/* The power may go before the sync has done its work: then it has done none. */
	if (burn(disk))
		return SQLITE_IOERR_FSYNC;
	disk->counts.syncs++;
	if (disk->lies)
		return SQLITE_OK;
	if (!file->is_durable)
		sync_names(disk);
	settle(file);
	return SQLITE_OK;
}

int
disk_file_delete(struct disk_file *file, bool is_synced)
{
	if (file->disk->is_dead)
		return SQLITE_IOERR_DELETE;
	file->exists = false;
	cut(&file->current, 0);
	if (is_synced)
		settle(file);
	return burn(file->disk) ? SQLITE_IOERR_DELETE : SQLITE_OK;
}

/* ---- the power goes ---- */

static uint32_t
below(struct disk *disk, uint32_t n)
{
	return berth_random_below(&disk->random, n);
}

static void
apply(struct disk *disk, struct disk_file *file, const struct disk_write *write, bool may_tear)
{
	if (write->is_truncation) {
		cut(&file->durable, write->offset);
		return;
	}
	struct berth_bytes bytes = berth_buf_view(&write->bytes);
	size_t sectors = bytes.n / SECTOR;
	if (may_tear && sectors > 1) {
		bytes.n = SECTOR * (1 + below(disk, (uint32_t)sectors - 1));
		disk->counts.torn_writes++;
	}
	put(&file->durable, bytes, write->offset);
}

static void
lose(struct disk *disk, struct disk_file *file, enum disk_loss loss)
{
	uint32_t count = 0;
	for (const struct disk_write *write = file->writes; write != NULL; write = write->next)
		count++;
	/* The place of the last write that counts, and of the one that is torn. */
	uint32_t keep = loss == DISK_PREFIX ? below(disk, count + 1) : count;
	uint32_t torn = below(disk, 2) ? UINT32_MAX : below(disk, count + 1);
	uint32_t at = 0;
	for (const struct disk_write *write = file->writes; write != NULL; write = write->next) {
		bool is_kept = loss == DISK_NOTHING  ? true
			       : loss == DISK_PREFIX ? at < keep
						     : loss == DISK_SUBSET && below(disk, 2) == 1;
		if (is_kept) {
			apply(disk, file, write,
			      loss != DISK_NOTHING &&
				      (at == torn || (loss == DISK_PREFIX && at + 1 == keep)));
			file->is_durable = true;
		} else {
			disk->counts.lost_writes++;
		}
		at++;
	}
	/* A name that was removed and not synced may be there again, and a new one may be gone. */
	if (!file->exists && file->is_durable && (loss == DISK_NOTHING || below(disk, 2)))
		file->is_durable = false;
}

void
disk_crash(struct disk *disk, enum disk_loss loss)
{
	if (disk->is_dead)
		return;
	disk->is_dead = true;
	disk->fuse = 0;
	disk->counts.crashes++;
	for (struct disk_file *file = disk->files; file != NULL; file = file->next)
		if (!file->is_anonymous)
			lose(disk, file, loss);
}

bool
disk_is_dead(const struct disk *disk)
{
	return disk->is_dead;
}

bool
disk_is_failing(const struct disk *disk)
{
	return disk->is_dead || disk->is_full || disk->has_failed;
}

void
disk_mount(struct disk *disk)
{
	disk->is_dead = false;
	disk->has_failed = false;
	disk->failing_writes = 0;
	disk->failing_syncs = 0;
	for (struct disk_file *file = disk->files; file != NULL; file = file->next) {
		forget_writes(file);
		file->exists = file->is_durable;
		berth_buf_clear(&file->current);
		if (!file->exists)
			berth_buf_clear(&file->durable);
		file->current.limit = (size_t)1 << 30;
		must(berth_buf_append_bytes(&file->current, berth_buf_view(&file->durable)));
	}
}

void
disk_set_fuse(struct disk *disk, uint32_t operations, enum disk_loss loss)
{
	disk->fuse = operations;
	disk->fuse_loss = loss;
}

void
disk_fail_writes(struct disk *disk, uint32_t count)
{
	disk->failing_writes = count;
}

void
disk_fail_syncs(struct disk *disk, uint32_t count)
{
	disk->failing_syncs = count;
}

void
disk_set_full(struct disk *disk, bool is_full)
{
	disk->is_full = is_full;
}

void
disk_lie_about_syncs(struct disk *disk, bool lies)
{
	disk->lies = lies;
}

struct disk_counts
disk_counts(const struct disk *disk)
{
	return disk->counts;
}

void
disk_each(const struct disk *disk, disk_visit *visit, void *context)
{
	for (const struct disk_file *file = disk->files; file != NULL; file = file->next)
		if (file->exists)
			visit(context, file->path, berth_buf_view(&file->current));
}

bool
disk_spoil(struct disk *disk, const char *end, struct berth_bytes needle)
{
	bool is_found = false;
	for (struct disk_file *file = disk->files; file != NULL; file = file->next) {
		size_t n = strlen(file->path);
		if (n < strlen(end) || strcmp(file->path + n - strlen(end), end) != 0)
			continue;
		uint8_t *at = file->current.n == 0 ? NULL
						   : memmem(file->current.p, file->current.n,
							    needle.p, needle.n);
		if (!file->exists || at == NULL)
			continue;
		*at ^= 1;
		remember(file, false, (size_t)(at - file->current.p), berth_bytes_of(at, 1));
		settle(file);
		is_found = true;
	}
	return is_found;
}
