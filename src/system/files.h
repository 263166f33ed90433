/* SPDX-License-Identifier: BSD-2-Clause */
/* Files as Berth needs them: read whole with a limit, written durably or not at all, locked. */
#ifndef BERTH_SYSTEM_FILES_H
#define BERTH_SYSTEM_FILES_H

#include <sys/types.h>

#include "base/bytes.h"

/* The whole file; BERTH_E_LIMIT when it is larger than max, NOT_FOUND when it is not there. */
enum berth_err berth_file_read(const char *path, size_t max, struct berth_buf *ret,
			       struct berth_why *why) BERTH_MUST;
/* As berth_file_read, but refuses a file that group or others may read or write (BERTH_E_DENIED).
 */
enum berth_err berth_file_read_private(const char *path, size_t max, struct berth_buf *ret,
				       struct berth_why *why) BERTH_MUST;
/*
 * Replaces path with b: temporary file beside it, fsync, rename, fsync of the folder. After
 * BERTH_OK it survives a power cut; before, the old content is whole.
 */
enum berth_err berth_file_write(const char *path, struct berth_bytes b, mode_t mode,
				struct berth_why *why) BERTH_MUST;
/* Removes it durably; BERTH_OK when it was not there. */
enum berth_err berth_file_remove(const char *path, struct berth_why *why) BERTH_MUST;
/* Makes the folder (one level) when it is not there. */
enum berth_err berth_folder_make(const char *path, mode_t mode, struct berth_why *why) BERTH_MUST;
/* Whether what is written there never reaches a disk (swap aside). */
bool berth_folder_is_in_memory(const char *path);
/*
 * The names in folder that end with suffix and do not begin with a dot, sorted bytewise; none where the folder is not
 * there. At most max (BERTH_E_LIMIT). Free with berth_folder_names_free.
 */
enum berth_err berth_folder_names(const char *folder, const char *suffix, size_t max, char ***ret,
				  size_t *ret_n, struct berth_why *why) BERTH_MUST;
void berth_folder_names_free(char **names, size_t n);
/* An exclusive lock for as long as *ret_fd is open; BERTH_E_EXISTS when another process has it. */
enum berth_err berth_file_lock(const char *path, int *ret_fd, struct berth_why *why) BERTH_MUST;

/* For int fd __attribute__((cleanup)): closes unless negative. */
void berth_fd_close(int *fd);
#define BERTH_FD BERTH_CLEANUP(berth_fd_close) int

#endif
