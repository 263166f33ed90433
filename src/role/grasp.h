/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GRASP for a program: announces what it offers and tells of what its neighbours do, in the same words as DNS-SD
 * (struct berth_service), so that a caller may listen to both. One object for each side of a program.
 */
#ifndef BERTH_ROLE_GRASP_H
#define BERTH_ROLE_GRASP_H

#include "net/dns_sd.h"
#include "protocol/grasp/neighbours.h"
#include "system/log.h"

struct berth_grasp;

struct berth_grasp_conf {
	const char *const *interfaces; /* live longer than the object */
	size_t interface_count;
	int64_t period_s; /* between two announcements; they are valid three times as long */
	const struct berth_log *log;
	/* Both NULL: announces only. The kind says what is listened for. */
	enum berth_service_kind kind;
	bool accepts_unique_local;
	void (*appeared)(void *context, const struct berth_service *service);
	void (*vanished)(void *context, const struct berth_service *service);
	void *context;
};

enum berth_err berth_grasp_open(struct berth_loop *loop, const struct berth_grasp_conf *conf,
				struct berth_grasp **ret, struct berth_why *why) BERTH_MUST;
void berth_grasp_close(struct berth_grasp *grasp); /* NULL is fine */

/*
 * Announces port on this interface of the list, at once and then in every period; port 0 ends that: who
 * hears so forgets it at once, others in time. NULL grasp is fine.
 */
void berth_grasp_announce(struct berth_grasp *grasp, const char *interface,
			  enum berth_service_kind kind, uint16_t port);

#endif
