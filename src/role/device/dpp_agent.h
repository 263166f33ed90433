/* SPDX-License-Identifier: BSD-2-Clause */
/* The shell around an attempt: what it travels on, its timers, and where what comes of it goes. For dpp*.c. */
#ifndef BERTH_ROLE_DEVICE_DPP_AGENT_H
#define BERTH_ROLE_DEVICE_DPP_AGENT_H

#include "net/loop.h"
#include "role/device/dpp.h"
#include "role/device/dpp_attempt.h"
#include "role/device/dpp_certificate.h"

struct dpp_agent;

/* What the frames travel on. Bodies are as over TCP: from the action octet. */
struct dpp_way {
	enum berth_err (*open)(struct dpp_agent *agent, struct berth_why *why);
	void (*close)(struct dpp_agent *agent);
	/* Without an attempt: announce. Called whenever something happened. */
	void (*announce)(struct dpp_agent *agent);
	/* To whom the attempt is with. */
	void (*send)(struct dpp_agent *agent, struct berth_bytes body);
	/* The attempt came to nothing. */
	void (*resume)(struct dpp_agent *agent);
	struct berth_mono (*deadline)(struct dpp_agent *agent);
	/* Of the attempt, in MHz; 0: there is none. */
	uint32_t (*frequency)(struct dpp_agent *agent);
	/* All that was sent has left, as far as can be known. */
	bool (*has_left)(struct dpp_agent *agent);
};
extern const struct dpp_way dpp_way_air, dpp_way_wire;

struct dpp_air;
struct dpp_wire;

struct dpp_agent {
	const struct berth_device_conf *conf;
	struct berth_pki *pki;
	struct berth_key *key;
	struct berth_log log;
	int lock;
	const char *profile;
	char profile_folder[BERTH_KEY_URI_MAX];
	char sealed[BERTH_KEY_URI_MAX];
	struct berth_dpp_attempt_conf attempt_conf;
	struct berth_dpp_kept kept;  /* attempt_conf.kept when it is to be replaced */
	struct berth_dpp_kept given; /* by this attempt */
	struct berth_loop *loop;
	struct berth_timer *timer;   /* of whatever is due next */
	struct berth_timer *timeout; /* of --once */
	const struct dpp_way *way;
	struct dpp_air *air;
	struct dpp_wire *wire;
	struct berth_dpp_wifi_key wifi_key; /* of this attempt's request */
	struct berth_dpp_attempt *attempt;  /* NULL: announcing */
	struct berth_dpp_attempt *offer; /* what was announced, where that is PKEX's first frame */
	struct berth_dpp_pkex_code code;
	bool tells_version_1; /* of PKEX, the next time, where there is a radio */
	bool is_authenticated;
	struct berth_mono begun;
	bool is_enrolled; /* only what was said last has still to leave */
	struct berth_mono leave_by;
	enum berth_err outcome;
	struct berth_why why; /* of the last attempt */
};

/*
 * A frame came, from the peer of the attempt if there is one. True: it began one. Everything that follows from it is sent with
 * the way.
 */
bool dpp_agent_take(struct dpp_agent *agent, const struct berth_dpp_frame *frame);
/*
 * Whether the attempt has to give way when another asks: who only knows the device's code, and does not prove a key in that
 * time, keeps nobody from it who does.
 */
bool dpp_agent_gives_way(const struct dpp_agent *agent);
/* The attempt cannot go on: its way is gone, or another's came. */
void dpp_agent_drop(struct dpp_agent *agent, const struct berth_why *why);
/* Something happened: do what is due. */
void dpp_agent_wake(struct dpp_agent *agent);
void dpp_agent_end(struct dpp_agent *agent, enum berth_err outcome, const struct berth_why *why);
/* Whether the device asks for who knows its code (PKEX). */
bool dpp_agent_offers(const struct dpp_agent *agent);
/* The body of the Presence Announcement, of a Reconfiguration's, or of PKEX's Exchange Request. */
enum berth_err dpp_agent_announcement(struct dpp_agent *agent, struct berth_buf *body) BERTH_MUST;

#endif
