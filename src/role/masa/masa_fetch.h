/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Revocation data that a registrar's certificate names (protocol/brski/revocation.h): asked for by a net process, over plain
 * HTTP, bounded in size and time, and only at public addresses or those that the configuration names. What was good
 * is kept until it ends, an hour at most, so that a revocation is seen within that.
 */
#ifndef BERTH_ROLE_MASA_FETCH_H
#define BERTH_ROLE_MASA_FETCH_H

#include "protocol/brski/revocation.h"
#include "role/masa/masa_settings.h"

#define BERTH_MASA_KEPT_MAX 256 /* registrars that asked lately */
#define BERTH_MASA_KEPT_S 3600
#define BERTH_MASA_FETCH_MS 8000 /* below a registrar's patience with its MASA */

struct berth_masa_kept {
	uint8_t question[BERTH_SHA256_BYTES];
	struct berth_buf answer; /* empty: the place is free */
	struct berth_wall until;
};

struct berth_masa_fetcher {
	struct berth_pki *pki;
	const struct berth_masa_settings *settings;
	struct berth_buf networks; /* text, of the dial */
	struct berth_masa_kept kept[BERTH_MASA_KEPT_MAX];
};

/* revocation-sources: networks and hosts. USAGE when one is neither. */
enum berth_err berth_masa_sources_check(const struct berth_conf_list *sources,
					struct berth_why *why) BERTH_MUST;
enum berth_err berth_masa_fetcher_open(struct berth_masa_fetcher *fetcher, struct berth_pki *pki,
				       const struct berth_masa_settings *settings,
				       struct berth_why *why) BERTH_MUST;
void berth_masa_fetcher_close(struct berth_masa_fetcher *fetcher);
/* What the machine asks for, as a name for it. */
enum berth_err berth_masa_question(const struct berth_masa_fetcher *fetcher,
				   const struct berth_revocation *revocation,
				   uint8_t question[BERTH_SHA256_BYTES]) BERTH_MUST;
/* Empty: it must be fetched. */
struct berth_bytes berth_masa_kept_find(const struct berth_masa_fetcher *fetcher,
					const uint8_t question[BERTH_SHA256_BYTES],
					struct berth_wall now);
void berth_masa_keep(struct berth_masa_fetcher *fetcher, const uint8_t question[BERTH_SHA256_BYTES],
		     struct berth_bytes answer, struct berth_wall now, struct berth_wall until);
/* Has it asked for; role->dialled hears of it with cookie. */
void berth_masa_dial(const struct berth_masa_fetcher *fetcher, struct berth_judge *judge,
		     const struct berth_revocation *revocation, uint64_t cookie);

#endif
