/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wi-Fi Easy Connect from one seed: the real Controller (judge, signer and store of a registrar) and many devices on the real
 * machines, access points that relay as those in the field do, air that loses, doubles and reorders, and a Controller that is
 * started again between any two messages. Time is virtual.
 */
#ifndef BERTH_TESTS_SIM_DPP_SIM_H
#define BERTH_TESTS_SIM_DPP_SIM_H

#include "protocol/dpp/enrollee.h"
#include "role/registrar/dpp_session.h"
#include "support/dpp_fixture.h"

#define DPP_DEVICES_MAX 400
#define DPP_EVENTS_MAX 16384
#define DPP_PASSWORD "canary-7d1f03b25a"

/* What the policy has of it. */
enum dpp_kind { DPP_ALLOWED, DPP_BY_OPERATOR, DPP_DENIED, DPP_UNKNOWN, DPP_KINDS };

struct dpp_sim;

struct dpp_device {
	struct dpp_sim *sim;
	size_t number;
	enum dpp_kind kind;
	uint8_t version;
	struct dpp_key key;
	char id[BERTH_DEVICE_ID_MAX];
	bool is_approved;
	struct berth_dpp_auth *auth;
	struct berth_dpp_enrollee *enrollee;
	struct berth_mono chirp_at; /* the next announcement, while there is no attempt */
	struct berth_mono attempt_ends;
	unsigned attempts;
	bool is_enrolled;
	uint64_t connection; /* the newest that its relay has for it; 0: none */
	uint64_t older;	     /* one before it that still stands */
};

enum dpp_event_kind { DPP_TO_RELAY, DPP_TO_DEVICE, DPP_SIGNED, DPP_TICK, DPP_START, DPP_APPROVE };

struct dpp_event {
	int64_t at_ms;
	uint64_t order; /* of those at one time */
	enum dpp_event_kind kind;
	size_t device;
	struct berth_buf body;
	uint64_t cookie;
	uint16_t op;
	uint64_t life; /* of the Controller that it is for */
};

struct dpp_sim {
	struct berth_pki *pki;
	uint64_t random;
	struct dpp_random machines; /* of the devices' machines */
	int64_t now_ms;
	uint64_t order, connections;
	bool has_faults;
	struct dpp_event events[DPP_EVENTS_MAX];
	size_t event_count;
	struct dpp_device devices[DPP_DEVICES_MAX];
	size_t device_count;
	struct berth_judge *judge;
	unsigned restarts, lost, doubled, dropped, refused_signatures;
	unsigned asked;			/* of the signer */
	const struct dpp_device *cause; /* whose message the Controller works at */
	char broken[512];		/* the first oracle that was broken; "": none */
};

uint32_t dpp_below(struct dpp_sim *sim, uint32_t n);
bool dpp_chance(struct dpp_sim *sim, uint32_t of, uint32_t in);
/* Of faults; never once they have stopped. */
bool dpp_fault(struct dpp_sim *sim, uint32_t of, uint32_t in);
void dpp_break(struct dpp_sim *sim, const char *format, ...) BERTH_PRINTF(2, 3);
struct dpp_event *dpp_at(struct dpp_sim *sim, int64_t in_ms, enum dpp_event_kind kind);
struct berth_mono dpp_mono(const struct dpp_sim *sim);
struct berth_wall dpp_wall(const struct dpp_sim *sim);

/* dpp_device.c */
void dpp_device_make(struct dpp_sim *sim, size_t number);
void dpp_device_tick(struct dpp_device *device);
void dpp_device_take(struct dpp_device *device, struct berth_bytes body);
void dpp_device_end(struct dpp_device *device);
/* What it sends goes into the air. */
void dpp_air_to_relay(struct dpp_device *device, struct berth_bytes body);
void dpp_air_to_device(struct dpp_device *device, struct berth_bytes body);

/* dpp_controller.c */
void dpp_controller_open(struct dpp_sim *sim);
void dpp_controller_close(struct dpp_sim *sim);
void dpp_controller_start(struct dpp_sim *sim);
void dpp_controller_crash(struct dpp_sim *sim);
bool dpp_controller_is_up(const struct dpp_sim *sim);
void dpp_controller_take(struct dpp_sim *sim, struct dpp_device *device, struct berth_bytes body);
void dpp_controller_gone(struct dpp_sim *sim, uint64_t connection);
void dpp_controller_signed(struct dpp_sim *sim, struct dpp_event *event);
void dpp_controller_tick(struct dpp_sim *sim);
void dpp_controller_add(struct dpp_sim *sim, struct dpp_device *device);
void dpp_controller_approve(struct dpp_sim *sim, struct dpp_device *device);
/* Oracles that look inside. */
void dpp_controller_check_given(struct dpp_sim *sim, const struct dpp_device *device,
				const struct berth_dpp_offer *offer);
size_t dpp_controller_sessions(const struct dpp_sim *sim);
void dpp_controller_check_rows(struct dpp_sim *sim, const struct dpp_device *device);
void dpp_controller_check_secrets(struct dpp_sim *sim);

#endif
