/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PKEX at the Controller: an operator opens a window for a code that one device shows or has been told; who proves to know it
 * becomes a device of the store, approved in the operator's name, and the authentication that follows is as with any other. The
 * window shuts itself: with that device, after five guesses, or when its time is over. The code is here alone, in memory; a restart
 * ends the window. Over TCP, so version 2.
 */
#ifndef BERTH_ROLE_REGISTRAR_DPP_PKEX_H
#define BERTH_ROLE_REGISTRAR_DPP_PKEX_H

#include "protocol/dpp/pkex.h"
#include "role/registrar/judge.h"

#define BERTH_DPP_PKEX_RUNS_MAX 4    /* at a time: honest ones take a tenth of a second */
#define BERTH_DPP_PKEX_PROVE_MS 1500 /* after which another may take a run's place */
#define BERTH_DPP_PKEX_MODEL_MAX 64

/* What became of the newest window. */
enum berth_dpp_pkex_window_state {
	BERTH_DPP_PKEX_NEVER,
	BERTH_DPP_PKEX_OPEN,
	BERTH_DPP_PKEX_USED,  /* by the device that it was opened for */
	BERTH_DPP_PKEX_SPENT, /* somebody guessed */
	BERTH_DPP_PKEX_OVER,  /* its time was */
	BERTH_DPP_PKEX_CLOSED /* by an operator */
};

struct berth_dpp_pkex_window {
	enum berth_dpp_pkex_window_state state;
	struct berth_dpp_pkex_code code; /* wiped when it is no longer open, but for its guesses */
	char opened_by[64];
	struct berth_mono until;
	unsigned guesses;
	char serial_number[BERTH_DEVICE_SERIAL_MAX + 1]; /* empty: the identifier, or of its key */
	char model[BERTH_DPP_PKEX_MODEL_MAX + 1];
	char device[BERTH_DEVICE_ID_MAX]; /* USED */
};

struct berth_dpp_session;
struct berth_dpp_frame;

/* Ends one that is open. code: checked, and taken over. */
void berth_dpp_pkex_open(struct berth_registrar_role *role, const char *by, int64_t seconds,
			 struct berth_dpp_pkex_code *code, struct berth_bytes serial_number,
			 struct berth_bytes model);
/* Runs that are on end with it; not the one that it ends with (NULL: none is that). */
void berth_dpp_pkex_shut(struct berth_registrar_role *role, enum berth_dpp_pkex_window_state state,
			 const struct berth_dpp_session *with);
void berth_dpp_pkex_window_tick(struct berth_registrar_role *role);

/* An Exchange Request. */
void berth_dpp_pkex_take(struct berth_registrar_role *role, struct berth_dpp_peer peer,
			 const struct berth_dpp_frame *frame, struct berth_bytes address);
enum berth_err berth_dpp_pkex_serve(struct berth_dpp_session *session,
				    const struct berth_dpp_pkex_event *event,
				    struct berth_why *why) BERTH_MUST;

#endif
