/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/backup/record.h"

#include "base/cursor.h"

#define RULE "backup-form"
#define TEXT_MAX 1024
#define OWNER_MAX 64

/* Nothing that leads out of the folder it is unpacked into. */
static bool
is_safe_path(struct berth_bytes path)
{
	size_t from = 0;

	if (path.n == 0 || path.n > BERTH_BACKUP_PATH_MAX || !berth_bytes_is_utf8(path))
		return false;
	for (size_t i = 0; i <= path.n; i++) {
		if (i < path.n && path.p[i] < 0x20)
			return false;
		if (i < path.n && path.p[i] != '/')
			continue;
		struct berth_bytes part = berth_bytes_of(path.p + from, i - from);
		if (part.n == 0 || berth_bytes_equal_text(part, ".") ||
		    berth_bytes_equal_text(part, ".."))
			return false;
		from = i + 1;
	}
	return true;
}

static enum berth_err
refuse_path(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_SYNTAX, RULE, NULL,
			  "the backup names a path that is none below its folder");
}

static void
take_pairs(struct berth_cursor *c, struct berth_backup_pair *pairs, size_t *ret_count)
{
	size_t count = berth_cursor_u8(c);

	if (count > BERTH_BACKUP_NAMES_MAX) {
		/* as a vector that is too long: sticky */
		(void)berth_cursor_take(c, SIZE_MAX);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		pairs[i].name = berth_cursor_vector16(c, TEXT_MAX);
		pairs[i].value = berth_cursor_vector16(c, TEXT_MAX);
	}
	*ret_count = count;
}

enum berth_err
berth_backup_about_parse(struct berth_bytes bytes, struct berth_backup_about *ret,
			 struct berth_why *why)
{
	struct berth_cursor c = berth_cursor(bytes);
	struct berth_backup_about about = {0};

	about.daemon = berth_cursor_vector16(&c, TEXT_MAX);
	about.made_at.s = (int64_t)berth_cursor_u64(&c);
	about.host = berth_cursor_vector16(&c, TEXT_MAX);
	about.folder = berth_cursor_vector16(&c, TEXT_MAX);
	about.configuration = berth_cursor_vector16(&c, TEXT_MAX);
	about.state = berth_cursor_vector16(&c, TEXT_MAX);
	about.state_was = berth_cursor_vector16(&c, TEXT_MAX);
	about.audit_entries = (int64_t)berth_cursor_u64(&c);
	struct berth_bytes head = berth_cursor_take(&c, BERTH_DIGEST_BYTES);
	if (head.n == BERTH_DIGEST_BYTES)
		memcpy(about.audit_head, head.p, head.n);
	take_pairs(&c, about.hardware, &about.hardware_count);
	take_pairs(&c, about.moved, &about.moved_count);
	enum berth_err err = berth_cursor_end(&c, RULE, why);
	if (err)
		return err;
	if (!is_safe_path(about.configuration) || !is_safe_path(about.state))
		return refuse_path(why);
	for (size_t i = 0; i < about.moved_count; i++) {
		if (!is_safe_path(about.moved[i].value))
			return refuse_path(why);
	}
	*ret = about;
	return BERTH_OK;
}

static enum berth_err
put_pairs(struct berth_buf *out, const struct berth_backup_pair *pairs, size_t count)
{
	enum berth_err err = berth_buf_append_u8(out, (uint8_t)count);

	for (size_t i = 0; i < count && !err; i++) {
		err = berth_buf_append_vector16(out, pairs[i].name);
		err = err ? err : berth_buf_append_vector16(out, pairs[i].value);
	}
	return err;
}

enum berth_err
berth_backup_about_encode(const struct berth_backup_about *about, struct berth_buf *out)
{
	enum berth_err err = berth_buf_append_vector16(out, about->daemon);

	err = err ? err : berth_buf_append_u64(out, (uint64_t)about->made_at.s);
	err = err ? err : berth_buf_append_vector16(out, about->host);
	err = err ? err : berth_buf_append_vector16(out, about->folder);
	err = err ? err : berth_buf_append_vector16(out, about->configuration);
	err = err ? err : berth_buf_append_vector16(out, about->state);
	err = err ? err : berth_buf_append_vector16(out, about->state_was);
	err = err ? err : berth_buf_append_u64(out, (uint64_t)about->audit_entries);
	err = err ? err : berth_buf_append(out, about->audit_head, BERTH_DIGEST_BYTES);
	err = err ? err : put_pairs(out, about->hardware, about->hardware_count);
	return err ? err : put_pairs(out, about->moved, about->moved_count);
}

enum berth_err
berth_backup_entry_parse(struct berth_bytes bytes, struct berth_backup_entry *ret,
			 struct berth_why *why)
{
	struct berth_cursor c = berth_cursor(bytes);
	struct berth_backup_entry entry = {0};

	uint8_t kind = berth_cursor_u8(&c);
	entry.path = berth_cursor_vector16(&c, BERTH_BACKUP_PATH_MAX);
	entry.owner = berth_cursor_vector16(&c, OWNER_MAX);
	entry.mode = berth_cursor_u32(&c);
	entry.size = berth_cursor_u64(&c);
	enum berth_err err = berth_cursor_end(&c, RULE, why);
	if (err)
		return err;
	if (kind != BERTH_BACKUP_STORE && kind != BERTH_BACKUP_FILE)
		return berth_fail(why, BERTH_E_UNSUPPORTED, RULE, NULL,
				  "the backup holds something that this version does not know");
	if (!is_safe_path(entry.path))
		return refuse_path(why);
	if ((entry.mode & ~0777U) != 0 || !berth_bytes_is_utf8(entry.owner))
		return berth_fail(why, BERTH_E_SYNTAX, RULE, NULL,
				  "the backup gives a file a mode or owner that no file of Berth "
				  "has");
	entry.kind = (enum berth_backup_kind)kind;
	*ret = entry;
	return BERTH_OK;
}

enum berth_err
berth_backup_entry_encode(const struct berth_backup_entry *entry, struct berth_buf *out)
{
	enum berth_err err = berth_buf_append_u8(out, (uint8_t)entry->kind);

	err = err ? err : berth_buf_append_vector16(out, entry->path);
	err = err ? err : berth_buf_append_vector16(out, entry->owner);
	err = err ? err : berth_buf_append_u32(out, entry->mode);
	return err ? err : berth_buf_append_u64(out, entry->size);
}
