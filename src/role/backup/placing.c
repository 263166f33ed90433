/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/backup/placing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "system/clock.h"
#include "system/files.h"

#define DEPTH_MAX 16 /* descriptors that a walk may hold */

static enum berth_err
fail_errno(struct berth_why *why, const char *path, const char *what)
{
	return berth_fail(why, BERTH_E_IO, "restore-io", NULL, "%.150s cannot be %s: %s", path,
			  what, strerror(errno));
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st;
	(void)kind;
	(void)walk;
	return remove(path);
}

static bool
is_empty(const char *path)
{
	DIR *folder = opendir(path);
	bool has_entry = false;

	for (const struct dirent *e = folder ? readdir(folder) : NULL; e && !has_entry;
	     e = readdir(folder))
		has_entry = strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	if (folder)
		closedir(folder);
	return !has_entry;
}

enum berth_err
berth_placing_start(struct berth_placing *placing, const char *to, bool may_replace,
		    struct berth_why *why)
{
	char stage[PATH_MAX];
	size_t n = strlen(to);

	while (n > 1 && to[n - 1] == '/')
		n--;
	/* room for the endings */
	if (n + 64 >= sizeof(placing->to))
		return berth_fail(why, BERTH_E_USAGE, "restore-to", NULL, "the path is too long");
	if (to[0] == '/')
		(void)snprintf(placing->to, sizeof(placing->to), "%.*s", (int)n, to);
	else if (!getcwd(stage, sizeof(stage)) || strlen(stage) + n + 64 >= sizeof(stage))
		return fail_errno(why, to, "found");
	else
		(void)snprintf(placing->to, sizeof(placing->to), "%.2000s/%.*s", stage, (int)n, to);
	placing->is_there = access(placing->to, F_OK) == 0 && !is_empty(placing->to);
	if (placing->is_there && !may_replace)
		return berth_fail(why, BERTH_E_EXISTS, "restore-exists", NULL,
				  "%.150s is there already: --replace puts the backup in its place "
				  "and keeps it beside",
				  placing->to);
	(void)snprintf(stage, sizeof(stage), "%.4000s.restoring", placing->to);
	if (access(stage, F_OK) == 0 &&
	    nftw(stage, remove_one, DEPTH_MAX, FTW_DEPTH | FTW_PHYS) != 0)
		return fail_errno(why, stage, "removed");
	memcpy(placing->stage, stage, sizeof(stage));
	return BERTH_OK;
}

static enum berth_err
lock_state(struct berth_placing *placing, const char *daemon, const char *state,
	   struct berth_why *why)
{
	char path[PATH_MAX];
	int fd = -1;

	for (size_t i = 0; i < placing->state_count; i++) {
		if (strcmp(placing->states[i], state) == 0)
			return BERTH_OK;
	}
	int n = snprintf(path, sizeof(path), "%s/%s.lock", state, daemon);
	if (n < 0 || (size_t)n >= sizeof(path) || access(state, X_OK) != 0)
		return BERTH_OK; /* no state of ours */
	if (access(path, F_OK) == 0) {
		enum berth_err err = berth_file_lock(path, &fd, why);
		if (err == BERTH_E_EXISTS)
			return berth_fail(why, BERTH_E_STATE, "restore-running", NULL,
					  "%s runs on %.150s: stop it first", daemon, state);
		if (err)
			return err;
	}
	(void)snprintf(placing->states[placing->state_count], PATH_MAX, "%s", state);
	placing->locks[placing->state_count++] = fd;
	return BERTH_OK;
}

enum berth_err
berth_placing_lock(struct berth_placing *placing, const char *daemon, const char *staged_state,
		   const char *was, struct berth_why *why)
{
	char path[PATH_MAX];
	size_t n = strlen(placing->stage);

	/* TO.restoring/state is to become TO/state */
	if (strncmp(staged_state, placing->stage, n) != 0 || staged_state[n] != '/')
		return berth_fail(why, BERTH_E_SYNTAX, "restore-state", NULL,
				  "the restored configuration's state-directory is outside of its "
				  "folder");
	(void)snprintf(path, sizeof(path), "%.2000s%.2000s", placing->to, staged_state + n);
	enum berth_err err = lock_state(placing, daemon, path, why);
	return err || !was ? err : lock_state(placing, daemon, was, why);
}

static enum berth_err
sync_parent(const char *path, struct berth_why *why)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');

	(void)snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path),
		       path);
	BERTH_FD fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && fsync(fd) == 0 ? BERTH_OK : fail_errno(why, folder, "made durable");
}

enum berth_err
berth_placing_finish(struct berth_placing *placing, struct berth_why *why)
{
	if (placing->is_there) {
		char now[BERTH_TIME_TEXT_MAX];
		(void)snprintf(placing->kept, sizeof(placing->kept), "%.4000s.before-%s",
			       placing->to, berth_wall_format(berth_clock_wall(), now));
		if (rename(placing->to, placing->kept) != 0)
			return fail_errno(why, placing->to, "put aside");
	}
	if (rename(placing->stage, placing->to) != 0) {
		enum berth_err err = fail_errno(why, placing->stage, "put in its place");
		if (placing->is_there && rename(placing->kept, placing->to) != 0)
			(void)fprintf(stderr, "%s is still in %s\n", placing->to, placing->kept);
		return err;
	}
	placing->stage[0] = '\0';
	return sync_parent(placing->to, why);
}

void
berth_placing_end(struct berth_placing *placing)
{
	for (size_t i = 0; i < placing->state_count; i++)
		berth_fd_close(&placing->locks[i]);
	if (placing->stage[0])
		(void)nftw(placing->stage, remove_one, DEPTH_MAX, FTW_DEPTH | FTW_PHYS);
}
