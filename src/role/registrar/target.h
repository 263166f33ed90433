/* SPDX-License-Identifier: BSD-2-Clause */
/* Which unit an operator means, whose make it is, and which MASA answers for it. */
#ifndef BERTH_ROLE_REGISTRAR_TARGET_H
#define BERTH_ROLE_REGISTRAR_TARGET_H

#include "role/registrar/judge.h"

struct berth_target {
	struct berth_device_identity identity;
	const struct berth_manufacturer *maker;
	struct berth_bytes masa_url; /* text; empty: none is known */
};

const struct berth_manufacturer *berth_target_maker(const struct berth_registrar_role *role,
						    struct berth_bytes name);
/*
 * name: the serial number of a unit that a manifest names, or else a device that was seen here, as
 * berth_registrar_device_find_by_name takes it. NOT_FOUND, "target-unknown", for neither.
 */
enum berth_err berth_target_find(struct berth_registrar_role *role, const char *name,
				 struct berth_arena *arena, struct berth_target *ret,
				 struct berth_why *why) BERTH_MUST;
/* The configuration's, else the one that the manifest or the birth certificate named. */
enum berth_err berth_target_masa(const struct berth_target *target, struct berth_masa_url *ret,
				 struct berth_why *why) BERTH_MUST;
enum berth_err berth_target_device_id(struct berth_registrar_role *role,
				      const struct berth_device_identity *identity,
				      char id[BERTH_DEVICE_ID_MAX],
				      struct berth_why *why) BERTH_MUST;

#endif
