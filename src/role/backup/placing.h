/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Putting a folder in another's place: it is made beside it (TO.restoring), and two renames exchange it; what was there is
 * kept as TO.before-TIME. The daemon of the place must not run meanwhile.
 */
#ifndef BERTH_ROLE_BACKUP_PLACING_H
#define BERTH_ROLE_BACKUP_PLACING_H

#include <limits.h>

#include "base/err.h"

#define BERTH_PLACING_STATES_MAX 2

struct berth_placing {
	char to[PATH_MAX];
	char stage[PATH_MAX]; /* "": nothing to throw away */
	char kept[PATH_MAX];  /* where the old one went; "": there was none */
	bool is_there;	      /* to is a folder with something in it */
	/* State directories of the place as it is now, held by locks. */
	char states[BERTH_PLACING_STATES_MAX][PATH_MAX];
	int locks[BERTH_PLACING_STATES_MAX];
	size_t state_count;
};

/* EXISTS: to is there and may not be replaced. A stage that an interrupted restore left is thrown away. */
enum berth_err berth_placing_start(struct berth_placing *placing, const char *to, bool may_replace,
				   struct berth_why *why) BERTH_MUST;
/*
 * Finds and locks the states of the place: the one in to that staged_state will take the place of, and was (NULL: not
 * of this place), where the daemon had it when the backup was made. STATE: the daemon runs.
 */
enum berth_err berth_placing_lock(struct berth_placing *placing, const char *daemon,
				  const char *staged_state, const char *was,
				  struct berth_why *why) BERTH_MUST;
enum berth_err berth_placing_finish(struct berth_placing *placing,
				    struct berth_why *why) BERTH_MUST;
/* Throws the stage away when it was not placed. */
void berth_placing_end(struct berth_placing *placing);

#endif
