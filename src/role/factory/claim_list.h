/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of a batch's claim codes, for the labels: secret, mode 0600, and the only place where the codes are. Columns
 * serial-number (as in the IDevID) and claim-code. Manifest and journal hold their digests.
 *
 * The list is durable before the journal speaks of a code: after a crash between the two, the codes of the list are taken,
 * since labels may be printed. Where the list was taken away, units that have a code keep it, unseen.
 */
#ifndef BERTH_ROLE_FACTORY_CLAIM_LIST_H
#define BERTH_ROLE_FACTORY_CLAIM_LIST_H

#include "role/factory/journal.h"

#define BERTH_CLAIM_LIST_FILE "claim-codes.csv"
#define BERTH_CLAIM_LIST_MAX_BYTES ((size_t)64 << 20) /* 250,000 lines of at most 160 bytes */

/* A code for each unit of the batch that has none. */
enum berth_err berth_claim_list_write(struct berth_pki *pki, struct berth_journal *journal,
				      const struct berth_journal_batch *batch, const char *out,
				      struct berth_why *why) BERTH_MUST;

#endif
