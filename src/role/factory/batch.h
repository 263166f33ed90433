/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A batch: the units of one list into one folder. Restartable: the same call after a crash makes exactly
 * what is missing.
 *
 *	for each chunk of units
 *		journal: an intent for each, with the certificate's serial	 commit
 *		worker: keys, certificates, .part folders			 sync
 *		journal: made							 commit
 *		.part folders move into place
 *
 * All refusals are per unit; only a folder, journal or key that cannot be used at all ends the batch.
 */
#ifndef BERTH_ROLE_FACTORY_BATCH_H
#define BERTH_ROLE_FACTORY_BATCH_H

#include "role/factory/journal.h"
#include "role/factory/unit.h"

struct berth_batch_tally {
	size_t made;
	size_t made_before;
	size_t failed;
};

struct berth_batch_plan {
	const struct berth_factory *factory;
	struct berth_units *units;
	struct berth_journal *journal;
	const char *out;  /* absolute, made if need be */
	const char *keys; /* as struct berth_line has it */
	struct berth_journal_owner owner;
	size_t jobs; /* 1..BERTH_WORKERS_MAX */
	struct berth_wall now;
	/* Called after each chunk; may be NULL. */
	void (*progress)(void *context, const struct berth_batch_tally *tally, size_t count);
	void *progress_context;
};

/* *ret is the batch's record. Outcomes stand in plan->units. */
enum berth_err berth_batch_run(const struct berth_batch_plan *plan,
			       const struct berth_journal_batch **ret,
			       struct berth_batch_tally *ret_tally,
			       struct berth_why *why) BERTH_MUST;

#endif
