/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/factory/journal_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/hex.h"
#include "system/files.h"

#define FIELDS_MAX 12
#define LINE_MAX_BYTES ((size_t)8 << 10) /* the longest path and the longest URLs */
#define CRC_DIGITS 8
#define LOCK_TRIES 100 /* a worker of a killed run ends within one chunk, seconds at most */
#define LOCK_WAIT_NS 100000000L
#define PATH_MAX_BYTES 4096

/* Open addressing over indexes into units; 0 is empty, i + 1 is unit i. */
struct map {
	uint32_t *slots;
	size_t size; /* a power of two, or 0 */
	size_t used;
};

struct berth_journal {
	int fd;
	int lock_fd;
	bool is_broken;		  /* a write failed half-way: nothing more may be added */
	struct berth_buf file;	  /* what was there at open; loaded records look into it */
	struct berth_buf pending; /* records not yet written */
	struct berth_arena arena;
	struct berth_journal_batch *batches;
	struct berth_journal_unit **units;
	size_t unit_count;
	size_t unit_room;
	struct map by_serial;
	struct map by_key;
};

/* One line's fields, in place. */
struct record {
	char kind;
	struct berth_bytes fields[FIELDS_MAX];
	size_t count;
};

static uint32_t
crc32(struct berth_bytes b)
{
	static const uint32_t nibbles[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
					     0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
					     0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
					     0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
	uint32_t crc = 0xffffffff;
	for (size_t i = 0; i < b.n; i++) {
		crc = (crc >> 4) ^ nibbles[(crc ^ b.p[i]) & 15];
		crc = (crc >> 4) ^ nibbles[(crc ^ (b.p[i] >> 4)) & 15];
	}
	return ~crc;
}

/* ---- the two maps ---- */

static size_t
hash(struct berth_bytes b)
{
	uint64_t h = 0xcbf29ce484222325; /* FNV-1a */
	for (size_t i = 0; i < b.n; i++)
		h = (h ^ b.p[i]) * 0x100000001b3;
	return (size_t)(h ^ (h >> 32));
}

static struct berth_bytes
serial_of(const struct berth_journal_unit *unit)
{
	return unit->serial;
}

static struct berth_bytes
key_of(const struct berth_journal_unit *unit)
{
	return berth_bytes_of(unit->key_sha256, BERTH_SHA256_BYTES);
}

typedef struct berth_bytes map_key(const struct berth_journal_unit *unit);

static struct berth_journal_unit *
map_find(const struct berth_journal *journal, const struct map *map, map_key *of,
	 struct berth_bytes wanted)
{
	if (map->size == 0)
		return NULL;
	for (size_t at = hash(wanted) & (map->size - 1); map->slots[at];
	     at = (at + 1) & (map->size - 1)) {
		struct berth_journal_unit *unit = journal->units[map->slots[at] - 1];
		if (berth_bytes_equal(of(unit), wanted))
			return unit;
	}
	return NULL;
}

static void
map_place(struct map *map, struct berth_bytes key, uint32_t slot)
{
	size_t at = hash(key) & (map->size - 1);
	while (map->slots[at])
		at = (at + 1) & (map->size - 1);
	map->slots[at] = slot;
	map->used++;
}

static enum berth_err
map_add(const struct berth_journal *journal, struct map *map, map_key *of, size_t unit)
{
	if (2 * (map->used + 1) > map->size) {
		struct map larger = {.size = map->size ? 2 * map->size : 1024};
		larger.slots = calloc(larger.size, sizeof(*larger.slots));
		if (!larger.slots)
			return BERTH_E_MEMORY;
		for (size_t i = 0; i < map->size; i++) {
			if (map->slots[i])
				map_place(&larger, of(journal->units[map->slots[i] - 1]),
					  map->slots[i]);
		}
		free(map->slots);
		*map = larger;
	}
	map_place(map, of(journal->units[unit]), (uint32_t)unit + 1);
	return BERTH_OK;
}

/* ---- records into memory ---- */

static enum berth_err
damaged(struct berth_why *why, const char *what)
{
	return berth_fail(why, BERTH_E_SYNTAX, "journal-damaged", NULL, "%s", what);
}

static enum berth_err
no_memory(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_MEMORY, "journal-memory", NULL,
			  "the journal does not fit into memory");
}

/* n bytes exactly of hex. */
static enum berth_err
read_hex(struct berth_bytes text, uint8_t *ret, size_t n, struct berth_why *why)
{
	BERTH_BUF buf = {0};
	enum berth_err err = berth_hex_decode(text, &buf, why);
	if (err)
		return err;
	if (buf.n != n)
		return damaged(why, "a hexadecimal field has the wrong length");
	memcpy(ret, buf.p, n);
	return BERTH_OK;
}

static enum berth_err
read_id(struct berth_journal *journal, struct berth_bytes text, struct berth_bytes *ret,
	struct berth_why *why)
{
	BERTH_BUF buf = {0};
	enum berth_err err = berth_hex_decode(text, &buf, why);
	if (err)
		return err;
	*ret = berth_arena_copy(&journal->arena, berth_buf_view(&buf));
	return ret->p ? BERTH_OK : no_memory(why);
}

static const struct berth_journal_batch *
find_batch(const struct berth_journal *journal, struct berth_bytes id)
{
	const struct berth_journal_batch *batch = journal->batches;
	while (batch && !berth_bytes_equal(batch->id, id))
		batch = batch->next;
	return batch;
}

static enum berth_err
apply_version(struct berth_journal *journal, const struct record *r, struct berth_why *why)
{
	(void)journal;
	if (r->count != 1 || !berth_bytes_equal_text(r->fields[0], "1"))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "journal-version", NULL,
				  "the journal was written by another version of berth");
	return BERTH_OK;
}

static enum berth_err
apply_batch(struct berth_journal *journal, const struct record *r, struct berth_why *why)
{
	if ((r->count != 3 && r->count != 6) || find_batch(journal, r->fields[0]))
		return damaged(why, "a batch record is not one");
	struct berth_journal_batch *batch = berth_arena_alloc(&journal->arena, sizeof(*batch));
	if (!batch)
		return no_memory(why);
	batch->id = r->fields[0];
	batch->out = r->fields[2];
	enum berth_err err = berth_wall_parse(r->fields[1], &batch->created, why);
	if (!err && r->count == 6) {
		err = read_id(journal, r->fields[3], &batch->owner.domain_id, why);
		if (!err)
			err = read_hex(r->fields[4], batch->owner.key_sha256, BERTH_SHA256_BYTES,
				       why);
		batch->owner.name = r->fields[5];
	}
	if (err)
		return err;
	batch->next = journal->batches;
	journal->batches = batch;
	return BERTH_OK;
}

static enum berth_err
add_unit(struct berth_journal *journal, struct berth_bytes serial, struct berth_journal_unit **ret,
	 struct berth_why *why)
{
	if (journal->unit_count == journal->unit_room) {
		size_t room = journal->unit_room ? 2 * journal->unit_room : 1024;
		struct berth_journal_unit **units =
			realloc(journal->units, room * sizeof(struct berth_journal_unit *));
		if (!units)
			return no_memory(why);
		journal->units = units;
		journal->unit_room = room;
	}
	struct berth_journal_unit *unit = berth_arena_alloc(&journal->arena, sizeof(*unit));
	if (!unit)
		return no_memory(why);
	unit->serial = serial;
	journal->units[journal->unit_count++] = unit;
	*ret = unit;
	return map_add(journal, &journal->by_serial, serial_of, journal->unit_count - 1)
		       ? no_memory(why)
		       : BERTH_OK;
}

static enum berth_err
apply_intent(struct berth_journal *journal, const struct record *r, struct berth_why *why)
{
	const struct berth_journal_batch *batch =
		r->count == 3 ? find_batch(journal, r->fields[0]) : NULL;
	if (!batch)
		return damaged(why, "an intent record is not one, or of no batch");
	struct berth_journal_unit *unit =
		map_find(journal, &journal->by_serial, serial_of, r->fields[1]);
	if (unit && unit->is_made)
		return damaged(why, "a unit that is made would be made again");
	enum berth_err err = BERTH_OK;
	if (!unit)
		err = add_unit(journal, r->fields[1], &unit, why);
	if (!err)
		err = read_hex(r->fields[2], unit->certificate_serial, BERTH_CERT_SERIAL_BYTES,
			       why);
	if (err)
		return err;
	unit->batch = batch;
	unit->is_begun = true;
	return BERTH_OK;
}

static enum berth_err
apply_failed(struct berth_journal *journal, const struct record *r, struct berth_why *why)
{
	struct berth_journal_unit *unit =
		r->count == 1 ? map_find(journal, &journal->by_serial, serial_of, r->fields[0])
			      : NULL;
	if (!unit || !unit->is_begun)
		return damaged(why, "a unit is said to have failed that was not begun");
	unit->is_begun = false;
	return BERTH_OK;
}

static size_t
index_of(const struct berth_journal *journal, const struct berth_journal_unit *unit)
{
	const struct map *map = &journal->by_serial;
	size_t at = hash(unit->serial) & (map->size - 1);
	while (journal->units[map->slots[at] - 1] != unit)
		at = (at + 1) & (map->size - 1);
	return map->slots[at] - 1;
}

static enum berth_err
apply_made(struct berth_journal *journal, const struct record *r, struct berth_why *why)
{
	struct berth_journal_unit *unit =
		r->count == 10 ? map_find(journal, &journal->by_serial, serial_of, r->fields[1])
			       : NULL;
	if (!unit || !unit->is_begun || !berth_bytes_equal(unit->batch->id, r->fields[0]))
		return damaged(why, "a unit is said to be made that was not begun");
	struct berth_journal_unit made = *unit;
	enum berth_err err =
		read_hex(r->fields[2], made.certificate_serial, BERTH_CERT_SERIAL_BYTES, why);
	if (!err)
		err = read_hex(r->fields[5], made.key_sha256, BERTH_SHA256_BYTES, why);
	if (!err)
		err = read_id(journal, r->fields[6], &made.issuer_key_id, why);
	if (err)
		return err;
	const struct berth_journal_unit *other =
		map_find(journal, &journal->by_key, key_of, key_of(&made));
	if (other)
		return berth_fail(why, BERTH_E_EXISTS, "unit-key-reused", NULL,
				  "unit %.*s has the same key; every unit needs its own",
				  (int)other->serial.n, (const char *)other->serial.p);
	made.is_made = true;
	made.is_begun = false;
	made.subject_serial = r->fields[3];
	made.model = r->fields[4];
	made.storage = r->fields[7];
	made.masa_url = r->fields[8];
	made.mud_url = r->fields[9];
	*unit = made;
	return map_add(journal, &journal->by_key, key_of, index_of(journal, unit)) ? no_memory(why)
										   : BERTH_OK;
}

static enum berth_err
apply_sold(struct berth_journal *journal, const struct record *r, struct berth_why *why)
{
	struct berth_journal_unit *unit =
		r->count == 6 ? map_find(journal, &journal->by_serial, serial_of, r->fields[0])
			      : NULL;
	if (!unit || !unit->is_made)
		return damaged(why, "a unit is said to be sold that was not made");
	struct berth_journal_owner owner = {.name = r->fields[3]};
	enum berth_err err = read_id(journal, r->fields[1], &owner.domain_id, why);
	if (!err)
		err = read_hex(r->fields[2], owner.key_sha256, BERTH_SHA256_BYTES, why);
	if (err)
		return err;
	unit->is_sold = true;
	unit->sold_to = owner;
	return BERTH_OK;
}

static enum berth_err
apply_claim(struct berth_journal *journal, const struct record *r, struct berth_why *why)
{
	struct berth_journal_unit *unit =
		r->count == 3 ? map_find(journal, &journal->by_serial, serial_of, r->fields[0])
			      : NULL;
	if (!unit || !unit->is_made || unit->has_claim)
		return damaged(why, "a claim code is of no unit, or of one that has one");
	enum berth_err err =
		read_hex(r->fields[1], unit->claim.salt, sizeof(unit->claim.salt), why);
	if (!err)
		err = read_hex(r->fields[2], unit->claim.sha256, sizeof(unit->claim.sha256), why);
	unit->has_claim = !err;
	return err;
}

static const struct {
	char kind;
	enum berth_err (*apply)(struct berth_journal *journal, const struct record *r,
				struct berth_why *why);
} kinds[] = {{'V', apply_version}, {'B', apply_batch}, {'I', apply_intent}, {'F', apply_failed},
	     {'D', apply_made},	   {'S', apply_sold},  {'C', apply_claim}};

/* line: kind, tab, fields; without CRC and line end. What it holds must live as long as the journal. */
static enum berth_err
apply(struct berth_journal *journal, struct berth_bytes line, struct berth_why *why)
{
	struct record r = {0};
	if (line.n < 2 || line.p[1] != '\t')
		return damaged(why, "a line has no kind");
	r.kind = (char)line.p[0];
	size_t start = 2;
	for (size_t i = start; i <= line.n; i++) {
		if (i < line.n && line.p[i] != '\t')
			continue;
		if (r.count == FIELDS_MAX)
			return damaged(why, "a line has too many fields");
		r.fields[r.count++] = berth_bytes_of(line.p + start, i - start);
		start = i + 1;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].kind == r.kind)
			return kinds[i].apply(journal, &r, why);
	}
	return damaged(why, "a line is of an unknown kind");
}

/* ---- the file ---- */

/* The line's record when its CRC holds, else the empty view. */
static struct berth_bytes
checked_line(struct berth_bytes line)
{
	char crc[CRC_DIGITS + 1];
	if (line.n <= CRC_DIGITS + 1 || line.p[CRC_DIGITS] != ' ')
		return BERTH_BYTES_NONE;
	struct berth_bytes record =
		berth_bytes_of(line.p + CRC_DIGITS + 1, line.n - CRC_DIGITS - 1);
	snprintf(crc, sizeof(crc), "%08" PRIx32, crc32(record));
	return memcmp(crc, line.p, CRC_DIGITS) == 0 ? record : BERTH_BYTES_NONE;
}

/* A torn end is cut off: nothing after it was ever promised to anybody. */
static enum berth_err
cut_tail(struct berth_journal *journal, size_t good, size_t number, struct berth_why *why)
{
	struct berth_bytes tail = berth_bytes_of(journal->file.p + good, journal->file.n - good);
	for (size_t i = 0; i < tail.n; i++) {
		if (tail.p[i] != '\n')
			continue;
		const uint8_t *next = tail.p + i + 1;
		const uint8_t *end = memchr(next, '\n', tail.n - i - 1);
		if (end && checked_line(berth_bytes_of(next, (size_t)(end - next))).n > 0)
			return berth_fail(
				why, BERTH_E_SYNTAX, "journal-damaged", NULL,
				"line %zu is bad and stands before good ones; restore the journal "
				"from a backup",
				number);
	}
	if (ftruncate(journal->fd, (off_t)good) != 0 || fsync(journal->fd) != 0)
		return berth_fail(why, BERTH_E_IO, "journal-write", NULL, "cannot repair: %s",
				  strerror(errno));
	return BERTH_OK;
}

static enum berth_err
load(struct berth_journal *journal, struct berth_why *why)
{
	struct berth_bytes rest = berth_buf_view(&journal->file);
	size_t number = 0;
	while (rest.n > 0) {
		const uint8_t *end = memchr(rest.p, '\n', rest.n);
		struct berth_bytes line =
			berth_bytes_of(rest.p, end ? (size_t)(end - rest.p) : rest.n);
		struct berth_bytes record = end ? checked_line(line) : BERTH_BYTES_NONE;
		number++;
		if (record.n == 0)
			return cut_tail(journal, journal->file.n - rest.n, number, why);
		struct berth_why cause = {0};
		enum berth_err err = apply(journal, record, &cause);
		if (err)
			return berth_fail(why, err, cause.rule, NULL, "line %zu: %s", number,
					  cause.sentence);
		rest = berth_bytes_of(rest.p + line.n + 1, rest.n - line.n - 1);
	}
	return BERTH_OK;
}

static enum berth_err
lock(const char *directory, int *ret_fd, struct berth_why *why)
{
	char path[PATH_MAX_BYTES];
	if ((size_t)snprintf(path, sizeof(path), "%s/lock", directory) >= sizeof(path))
		return berth_fail(why, BERTH_E_LIMIT, "journal-path", NULL, "the path is too long");
	enum berth_err err = BERTH_E_EXISTS;
	for (int i = 0; i < LOCK_TRIES && err == BERTH_E_EXISTS; i++) {
		if (i > 0)
			(void)nanosleep(&(struct timespec){.tv_nsec = LOCK_WAIT_NS}, NULL);
		err = berth_file_lock(path, ret_fd, why);
	}
	if (err == BERTH_E_EXISTS)
		return berth_fail(why, err, "factory-busy", NULL,
				  "another `berth factory` works in %s; wait for it to end",
				  directory);
	return err;
}

enum berth_err
berth_journal_append(struct berth_journal *journal, struct berth_bytes record,
		     struct berth_why *why)
{
	if (journal->is_broken)
		return berth_fail(why, BERTH_E_IO, "journal-write", NULL,
				  "an earlier write failed; run again");
	if (record.n > LINE_MAX_BYTES || memchr(record.p, '\n', record.n))
		return berth_fail(why, BERTH_E_LIMIT, "journal-record", NULL,
				  "a record is too long or holds a line end");
	if (journal->file.n + journal->pending.n + record.n + 16 > BERTH_JOURNAL_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "journal-full", NULL,
				  "the journal is full; begin a new factory folder");
	struct berth_bytes kept = berth_arena_copy(&journal->arena, record);
	if (!kept.p)
		return no_memory(why);
	enum berth_err err = apply(journal, kept, why);
	if (err)
		return err;
	err = berth_buf_printf(&journal->pending, "%08" PRIx32 " %.*s\n", crc32(record),
			       (int)record.n, (const char *)record.p);
	return err ? no_memory(why) : BERTH_OK;
}

static enum berth_err
open_files(struct berth_journal *journal, const char *directory, struct berth_why *why)
{
	char path[PATH_MAX_BYTES];
	enum berth_err err = lock(directory, &journal->lock_fd, why);
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/journal", directory);
	journal->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (journal->fd < 0)
		return berth_fail(why, BERTH_E_IO, "journal-open", NULL, "%s: %s", path,
				  strerror(errno));
	err = berth_file_read(path, BERTH_JOURNAL_MAX_BYTES, &journal->file, why);
	if (!err)
		err = load(journal, why);
	if (!err && journal->file.n == 0)
		err = berth_journal_append(journal, BERTH_LIT("V\t1"), why);
	return err;
}

enum berth_err
berth_journal_open(const char *directory, struct berth_journal **ret, struct berth_why *why)
{
	BERTH_JOURNAL *journal = calloc(1, sizeof(*journal));
	if (!journal)
		return no_memory(why);
	journal->fd = -1;
	journal->lock_fd = -1;
	journal->file.limit = BERTH_JOURNAL_MAX_BYTES;
	berth_arena_start(&journal->arena, 2 * BERTH_JOURNAL_MAX_BYTES);
	enum berth_err err = open_files(journal, directory, why);
	if (err)
		return err;
	*ret = journal;
	journal = NULL;
	return BERTH_OK;
}

void
berth_journal_close(struct berth_journal *journal)
{
	if (!journal)
		return;
	berth_fd_close(&journal->fd);
	berth_fd_close(&journal->lock_fd);
	berth_buf_free(&journal->file);
	berth_buf_free(&journal->pending);
	berth_arena_end(&journal->arena);
	free(journal->units);
	free(journal->by_serial.slots);
	free(journal->by_key.slots);
	free(journal);
}

void
berth_journal_closep(struct berth_journal **journal)
{
	berth_journal_close(*journal);
	*journal = NULL;
}

const struct berth_journal_unit *
berth_journal_find(const struct berth_journal *journal, struct berth_bytes serial)
{
	return map_find(journal, &journal->by_serial, serial_of, serial);
}

const struct berth_journal_unit *
berth_journal_find_key(const struct berth_journal *journal,
		       const uint8_t key_sha256[BERTH_SHA256_BYTES])
{
	return map_find(journal, &journal->by_key, key_of,
			berth_bytes_of(key_sha256, BERTH_SHA256_BYTES));
}

const struct berth_journal_unit *
berth_journal_at(const struct berth_journal *journal, size_t i)
{
	return i < journal->unit_count ? journal->units[i] : NULL;
}

const struct berth_journal_batch *
berth_journal_newest_batch(const struct berth_journal *journal)
{
	return journal->batches;
}

const struct berth_journal_batch *
berth_journal_batch_for(const struct berth_journal *journal, const char *out)
{
	const struct berth_journal_batch *batch = journal->batches;
	while (batch && !berth_bytes_equal_text(batch->out, out))
		batch = batch->next;
	return batch;
}

static enum berth_err
write_all(int fd, struct berth_bytes b)
{
	while (b.n > 0) {
		ssize_t n = write(fd, b.p, b.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return BERTH_E_IO;
		b = berth_bytes_of(b.p + n, b.n - (size_t)n);
	}
	return BERTH_OK;
}

enum berth_err
berth_journal_commit(struct berth_journal *journal, struct berth_why *why)
{
	if (journal->pending.n == 0)
		return BERTH_OK;
	if (write_all(journal->fd, berth_buf_view(&journal->pending)) ||
	    fdatasync(journal->fd) != 0) {
		journal->is_broken = true;
		return berth_fail(why, BERTH_E_IO, "journal-write", NULL,
				  "cannot write the journal: %s; make room and run again",
				  strerror(errno));
	}
	berth_buf_clear(&journal->pending);
	return BERTH_OK;
}
