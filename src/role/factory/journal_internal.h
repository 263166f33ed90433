/* SPDX-License-Identifier: BSD-2-Clause */
/* What the journal's file (journal.c) and its records (journal_records.c) share. */
#ifndef BERTH_ROLE_FACTORY_JOURNAL_INTERNAL_H
#define BERTH_ROLE_FACTORY_JOURNAL_INTERNAL_H

#include "role/factory/journal.h"

/* record: kind, tab, fields divided by tabs. Taken into memory and queued for the next commit. */
enum berth_err berth_journal_append(struct berth_journal *journal, struct berth_bytes record,
				    struct berth_why *why) BERTH_MUST;
const struct berth_journal_batch *berth_journal_newest_batch(const struct berth_journal *journal);

#endif
