/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Campaigns that re-key the fleet: one at a time. A device takes part that held a certificate when the campaign
 * began; it is done once it holds a newer one. So nothing has to be written for ten million devices when a campaign
 * begins, and nothing is lost when it stops in the middle.
 */
#ifndef BERTH_STORE_REGISTRAR_CAMPAIGN_H
#define BERTH_STORE_REGISTRAR_CAMPAIGN_H

#include "store/store.h"

enum berth_campaign_state {
	BERTH_CAMPAIGN_RUNNING,
	BERTH_CAMPAIGN_PAUSED,
	BERTH_CAMPAIGN_DONE,
	BERTH_CAMPAIGN_CANCELLED,
};
const char *berth_campaign_state_name(enum berth_campaign_state state);

#define BERTH_CAMPAIGN_MATCH_MAX 128

struct berth_campaign {
	int64_t row;
	enum berth_campaign_state state;
	struct berth_bytes match; /* glob over serial numbers; "*": all */
	int64_t rate_per_minute;
	int64_t total;		  /* devices that took part when it began */
	int64_t last_certificate; /* the newest then; rows, because a clock may be set back */
	struct berth_wall started_at;
	struct berth_bytes started_by;
	struct berth_wall ended_at; /* 0: not yet */
};

/* wanted: match, rate, started_at, started_by. BERTH_E_EXISTS while another one runs or is paused. */
enum berth_err berth_campaign_begin(struct berth_store *store, const struct berth_campaign *wanted,
				    struct berth_why *why) BERTH_MUST;
/* The newest. NOT_FOUND when there was none ever. */
enum berth_err berth_campaign_latest(struct berth_store *store, struct berth_arena *arena,
				     struct berth_campaign *ret, struct berth_why *why) BERTH_MUST;
/* BERTH_E_STATE: a campaign that has ended stays so. */
enum berth_err berth_campaign_move(struct berth_store *store, int64_t campaign,
				   enum berth_campaign_state to, struct berth_wall now,
				   struct berth_why *why) BERTH_MUST;
enum berth_err berth_campaign_set_rate(struct berth_store *store, int64_t campaign,
				       int64_t rate_per_minute, struct berth_why *why) BERTH_MUST;
/* When the device was first told to renew; 0: it was not. */
enum berth_err berth_campaign_told_at(struct berth_store *store, int64_t campaign, int64_t device,
				      struct berth_wall *ret, struct berth_why *why) BERTH_MUST;
/* The device is told to renew (again). */
enum berth_err berth_campaign_offer(struct berth_store *store, int64_t campaign, int64_t device,
				    struct berth_wall now, struct berth_why *why) BERTH_MUST;

struct berth_campaign_progress {
	int64_t done;	 /* hold a newer certificate */
	int64_t told;	 /* of the others: were told to renew and have not (yet) */
	int64_t gone;	 /* of the others: revoked, or their certificate is over */
	int64_t waiting; /* the rest: they have not asked, or not had their turn */
};
enum berth_err berth_campaign_count(struct berth_store *store,
				    const struct berth_campaign *campaign, struct berth_wall now,
				    struct berth_campaign_progress *ret,
				    struct berth_why *why) BERTH_MUST;

struct berth_campaign_device {
	struct berth_bytes id;
	struct berth_wall told_at; /* 0: it never asked, or had no turn */
	int64_t times_told;
	struct berth_wall last_seen;
};
typedef bool berth_campaign_visit_device(void *context, const struct berth_campaign_device *device);
/* Those that are not done and could be, longest told first. Views live until visit returns. */
enum berth_err berth_campaign_each_open(struct berth_store *store,
					const struct berth_campaign *campaign,
					struct berth_wall now, berth_campaign_visit_device *visit,
					void *context, struct berth_why *why) BERTH_MUST;

#endif
