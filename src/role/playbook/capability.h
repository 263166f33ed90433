/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 32 capabilities of NIST SP 1800-36, for the two onboarding builds: B (BRSKI) and D (Wi-Fi Easy
 * Connect). The table also says which rows this version has built: a built row for which the scenarios bring
 * no result has failed.
 */
#ifndef BERTH_ROLE_PLAYBOOK_CAPABILITY_H
#define BERTH_ROLE_PLAYBOOK_CAPABILITY_H

#include <stdbool.h>
#include <stddef.h>

struct berth_capability {
	const char *id;	   /* "S1.C3" */
	const char *title; /* as in the publication, shortened */
	bool is_built_b;
	bool is_built_d;
	const char *
		waits_for; /* why a row is not built yet, or what part of a built row is not; NULL */
};

#define BERTH_CAPABILITY_COUNT 32

extern const struct berth_capability berth_capabilities[BERTH_CAPABILITY_COUNT];

/* NULL when there is none of this id. */
const struct berth_capability *berth_capability_find(const char *id);

#endif
