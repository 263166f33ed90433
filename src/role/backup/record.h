/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is inside a sealed backup (pki/seal.h), all integers big endian:
 *
 *	u32 n, about			n bytes: what it is of
 *	{ u32 n, entry, content } ...	n bytes that name a file, then its bytes; the store's is first
 *	u32 0				the end
 */
#ifndef BERTH_ROLE_BACKUP_RECORD_H
#define BERTH_ROLE_BACKUP_RECORD_H

#include "base/digest.h"
#include "base/time.h"

#define BERTH_BACKUP_ABOUT_MAX 65536
#define BERTH_BACKUP_ENTRY_MAX 1024
#define BERTH_BACKUP_PATH_MAX 512
#define BERTH_BACKUP_NAMES_MAX                                                                     \
	64 /* hardware keys, and paths outside of the configuration's folder */

/* Two texts that belong together. */
struct berth_backup_pair {
	struct berth_bytes name;
	struct berth_bytes value;
};

struct berth_backup_about {
	struct berth_bytes daemon; /* "berth-registrar" */
	struct berth_wall made_at;
	struct berth_bytes host;
	struct berth_bytes folder;	  /* the configuration's, absolute */
	struct berth_bytes configuration; /* its name in there */
	struct berth_bytes state;	  /* path of the state directory in the backup */
	struct berth_bytes state_was;	  /* absolute */
	int64_t audit_entries;
	uint8_t audit_head[BERTH_DIGEST_BYTES];
	/* keys that are not in the backup: the configuration's key and the URI */
	struct berth_backup_pair hardware[BERTH_BACKUP_NAMES_MAX];
	size_t hardware_count;
	/* what was outside of the folder: the absolute path, and the path in the backup */
	struct berth_backup_pair moved[BERTH_BACKUP_NAMES_MAX];
	size_t moved_count;
};
/* Views borrow from bytes. Paths are checked as those of entries. */
enum berth_err berth_backup_about_parse(struct berth_bytes bytes, struct berth_backup_about *ret,
					struct berth_why *why) BERTH_MUST;
enum berth_err berth_backup_about_encode(const struct berth_backup_about *about,
					 struct berth_buf *out) BERTH_MUST;

enum berth_backup_kind { BERTH_BACKUP_STORE = 1, BERTH_BACKUP_FILE = 2 };

struct berth_backup_entry {
	enum berth_backup_kind kind;
	struct berth_bytes path;  /* relative, without ".", ".." and empty parts */
	struct berth_bytes owner; /* login name; may be empty */
	uint32_t mode;		  /* 0777 at most */
	uint64_t size;
};
enum berth_err berth_backup_entry_parse(struct berth_bytes bytes, struct berth_backup_entry *ret,
					struct berth_why *why) BERTH_MUST;
enum berth_err berth_backup_entry_encode(const struct berth_backup_entry *entry,
					 struct berth_buf *out) BERTH_MUST;

#endif
