/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registrar as DPP Controller: sessions with devices over TCP, mostly through access points that relay. A session is of a
 * device, found by the hash of its bootstrapping key, and not of a connection: relays open a second one for the same device, and
 * what comes there gets the identical answer.
 *
 * Nothing is computed for who is not known: an announcement or a request that names no key of the store is counted, kept in a
 * list for the operator, and cut off. Who is known and not allowed is listed too, and not answered either (the approval comes
 * before the Authentication Request).
 */
#ifndef BERTH_ROLE_REGISTRAR_DPP_H
#define BERTH_ROLE_REGISTRAR_DPP_H

#include "codec/json.h"
#include "role/daemon/rate.h"
#include "role/registrar/dpp_pkex.h"
#include "role/registrar/judge.h"

#define BERTH_DPP_SESSIONS_MAX 1024 /* each a few KiB, for some seconds */
#define BERTH_DPP_UNPROVEN_MAX 4    /* of them, in the name of one device */
#define BERTH_DPP_ANNOUNCED_MAX 256 /* of them, begun for who may be anybody: reconfigurations */
#define BERTH_DPP_CHIRPS_MAX 256    /* unknown ones, the newest */

struct berth_dpp_chirp {
	uint8_t hash[32];
	struct berth_wall first, last;
	uint64_t count;
	char address[64]; /* of the relay */
};

struct berth_dpp_session;

/* Public parts of the Controller's keys, as the signer told them. */
struct berth_dpp_controller_keys {
	bool are_known;
	bool are_asked;
	struct berth_ec_point c_sign, pp;
	struct berth_dpp_bootstrapping bootstrapping;
};

struct berth_dpp_controller {
	struct berth_dpp_controller_keys keys;
	struct berth_dpp_session *sessions[BERTH_DPP_SESSIONS_MAX]; /* NULL: free */
	size_t session_end;					    /* behind the last one */
	struct berth_dpp_chirp chirps[BERTH_DPP_CHIRPS_MAX];
	size_t chirp_count;
	uint32_t generation;
	struct berth_dpp_pkex_window pkex;
	struct berth_rate announced;
	uint64_t unknown, refused, configured; /* for /metrics */
};

enum berth_err berth_dpp_open(struct berth_registrar_role *role, struct berth_why *why) BERTH_MUST;
void berth_dpp_close(struct berth_registrar_role *role);
/* For struct berth_judge_role; context: the role. */
void berth_dpp_message(void *context, struct berth_dpp_peer peer, struct berth_bytes body,
		       struct berth_bytes address);
void berth_dpp_gone(void *context, struct berth_dpp_peer peer);
/* Whether the answer was one of ours. */
bool berth_dpp_signature(struct berth_registrar_role *role, uint64_t cookie, enum berth_err err,
			 struct berth_bytes object, const struct berth_why *why);
void berth_dpp_tick(struct berth_registrar_role *role);

/* admin_dpp.c */
struct berth_admin_call;
/* For /metrics; nothing without DPP. */
enum berth_err berth_dpp_metrics(const struct berth_registrar_role *role,
				 struct berth_buf *text) BERTH_MUST;
enum berth_err berth_admin_dpp(struct berth_admin_call *call) BERTH_MUST;
enum berth_err berth_admin_dpp_add(struct berth_admin_call *call) BERTH_MUST;
/* admin_dpp_join.c */
enum berth_err berth_admin_dpp_window(struct berth_admin_call *call) BERTH_MUST;
enum berth_err berth_admin_dpp_window_open(struct berth_admin_call *call) BERTH_MUST;
enum berth_err berth_admin_dpp_window_close(struct berth_admin_call *call) BERTH_MUST;
enum berth_err berth_admin_device_renew(struct berth_admin_call *call, const char *name) BERTH_MUST;
/* admin_dpp_pkex.c */
enum berth_err berth_admin_dpp_pkex(struct berth_admin_call *call) BERTH_MUST;
enum berth_err berth_admin_dpp_pkex_open(struct berth_admin_call *call) BERTH_MUST;
enum berth_err berth_admin_dpp_pkex_close(struct berth_admin_call *call) BERTH_MUST;
/* admin_dpp_devices.c */
enum berth_err berth_admin_dpp_devices(struct berth_admin_call *call) BERTH_MUST;
enum berth_err berth_admin_dpp_passwords(struct berth_admin_call *call) BERTH_MUST;
/* Into object, under "dpp"; nothing for a device without a code. */
enum berth_err berth_admin_dpp_describe(struct berth_admin_call *call, json_t *object,
					int64_t device) BERTH_MUST;

/* What the policy is asked with; views live in arena. */
enum berth_err berth_dpp_facts(struct berth_registrar_role *role,
			       const struct berth_registrar_device *device,
			       struct berth_arena *arena, struct berth_facts *ret,
			       struct berth_why *why) BERTH_MUST;

#endif
