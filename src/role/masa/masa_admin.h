/* SPDX-License-Identifier: BSD-2-Clause */
/* One call of the MASA's admin interface (masa_admin.c), for the files of this folder that answer it. */
#ifndef BERTH_ROLE_MASA_ADMIN_H
#define BERTH_ROLE_MASA_ADMIN_H

#include "role/masa/masa_judge.h"

struct berth_masa_call {
	struct berth_masa_role *role;
	const struct berth_http_request *http;
	const char *user;
	struct berth_arena *arena;
	json_t *reply;
	struct berth_why why;
};

struct berth_wall berth_masa_call_now(const struct berth_masa_call *call);
/* What became of a part of the reply. */
enum berth_err berth_masa_built(struct berth_masa_call *call, enum berth_err err) BERTH_MUST;
/* Into the audit log before the act, in its transaction; and the log: who did what to which. */
enum berth_err berth_masa_note(struct berth_masa_call *call, enum berth_event_kind event,
			       const char *subject) BERTH_MUST;
/* The same of a unit that comes to an owner or leaves one; either may be NULL. */
enum berth_err berth_masa_note_owner(struct berth_masa_call *call, enum berth_event_kind event,
				     const char *device, const struct berth_masa_owner *from,
				     const struct berth_masa_owner *to) BERTH_MUST;

/* masa_manifest.c: POST /v1/manifests */
enum berth_err berth_masa_manifest_load(struct berth_masa_call *call) BERTH_MUST;

#endif
