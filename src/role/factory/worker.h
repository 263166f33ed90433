/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes that make units side by side: forked from the batch, which they see as it was then. The
 * parent gives tasks in chunks and takes results; the journal stays with the parent. A worker whose parent
 * has gone finishes its chunk (into .part folders that nobody will believe) and ends.
 */
#ifndef BERTH_ROLE_FACTORY_WORKER_H
#define BERTH_ROLE_FACTORY_WORKER_H

#include <sys/types.h>

#include "role/factory/unit.h"

#define BERTH_WORKER_CHUNK 64 /* units per sync of the file system and per commit of the journal */
#define BERTH_WORKERS_MAX 64

struct berth_worker_setup {
	const struct berth_factory *factory;
	const struct berth_units *units;
	const char *out;
	const char *keys;
	struct berth_wall now;
};

struct berth_task {
	uint32_t unit; /* index into setup->units */
	uint8_t certificate_serial[BERTH_CERT_SERIAL_BYTES];
	bool is_retry;
};

struct berth_task_result {
	uint32_t unit;
	enum berth_err err;
	uint8_t key_sha256[BERTH_SHA256_BYTES];
	struct berth_bytes storage; /* in the arena given */
	struct berth_why why;	    /* of a failure; its texts in the arena given */
};

struct berth_worker {
	pid_t pid;
	int fd; /* readable when a result is there; negative: ended */
	struct berth_task tasks[BERTH_WORKER_CHUNK]; /* what it works on */
	size_t task_count;
};

/* Forks. The caller must not have opened a token or a database that a child could harm. */
enum berth_err berth_worker_start(const struct berth_worker_setup *setup, struct berth_worker *ret,
				  struct berth_why *why) BERTH_MUST;
/* tasks: worker->tasks, filled by the caller. */
enum berth_err berth_worker_give(struct berth_worker *worker, struct berth_why *why) BERTH_MUST;
/*
 * What became of worker->tasks, in any order; ret has room for BERTH_WORKER_CHUNK. On failure the worker is of no
 * more use: it could not start (its why), or it ended (BERTH_E_UNREACHABLE).
 */
enum berth_err berth_worker_take(struct berth_worker *worker, struct berth_arena *arena,
				 struct berth_task_result *ret, size_t *ret_count,
				 struct berth_why *why) BERTH_MUST;
/* Waits for its end. */
void berth_worker_end(struct berth_worker *worker);

#endif
