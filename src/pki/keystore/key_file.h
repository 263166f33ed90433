/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that hold keys, readable by their owner alone. A file that anybody else could have read or written is refused, not
 * repaired: the key in it may be known or may not be ours.
 */
#ifndef BERTH_PKI_KEYSTORE_KEY_FILE_H
#define BERTH_PKI_KEYSTORE_KEY_FILE_H

#include "base/bytes.h"

#define BERTH_KEY_FILE_MAX_BYTES 16384 /* RSA-4096 as PEM takes 3.3 KiB */

/* EXISTS; nothing is promised about a moment later, berth_key_file_write decides. */
enum berth_err berth_key_file_is_free(const char *path, struct berth_why *why) BERTH_MUST;
/* Appends to text; whoever reads a secret so wipes it. NOT_FOUND, DENIED (others may use it), LIMIT, IO. */
enum berth_err berth_key_file_read(const char *path, struct berth_buf *text,
				   struct berth_why *why) BERTH_MUST;
/* The name and the whole content appear at once and durably, or EXISTS. */
enum berth_err berth_key_file_write(const char *path, struct berth_bytes text,
				    struct berth_why *why) BERTH_MUST;
/*
 * Without waiting for the disk, and under its own name from the start: for a folder that nobody looks into before its maker
 * has synced it.
 */
enum berth_err berth_key_file_write_unsynced(const char *path, struct berth_bytes text,
					     struct berth_why *why) BERTH_MUST;
/* Overwritten, then unlinked, durably. */
enum berth_err berth_key_file_remove(const char *path, struct berth_why *why) BERTH_MUST;

#endif
