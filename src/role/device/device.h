/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * berth-device: the agent on the device. It onboards by BRSKI and renews by EST; the portable part of it becomes libberth-device
 * (include/berth/device.h), so nothing here reads arguments or prints but the three commands below.
 */
#ifndef BERTH_ROLE_DEVICE_H
#define BERTH_ROLE_DEVICE_H

#include "role/device/conf.h"
#include "role/device/state.h"
#include "system/log.h"

/* Who the device is, opened once. */
struct berth_device {
	const struct berth_device_conf *conf;
	struct berth_pki *pki;
	struct berth_cert_list idevid;
	struct berth_cert_list anchors;
	struct berth_key *idevid_key;
	struct berth_device_state state;
	char ldevid_pattern[BERTH_KEY_URI_MAX];
	int lock; /* -1: not held */
	struct berth_log log;
};

/* locked: takes STATE/lock; EXISTS when another agent has it. */
enum berth_err berth_device_open(const struct berth_device_conf *conf, bool locked,
				 struct berth_device *ret, struct berth_why *why) BERTH_MUST;
void berth_device_close(struct berth_device *device);

struct berth_device_run {
	bool once;  /* give up: see berth_device_onboard */
	bool again; /* although enrolled: the certificate is over; it stays until another is there */
	int64_t timeout_s; /* with once */
};
/*
 * Onboards when unconfigured and returns once enrolled (BERTH_OK; at once when it was already). Without once it tries
 * for ever. With once: BERTH_E_DENIED when a registrar refused or was refused and nothing else is left or the time is
 * over, BERTH_E_UNREACHABLE when the time is over and nobody answered. BERTH_E_PENDING: ended by a signal.
 */
enum berth_err berth_device_onboard(struct berth_device *device, const struct berth_device_run *run,
				    struct berth_why *why) BERTH_MUST;

/*
 * Keeps the certificate of an enrolled device: renews it in time, follows the owner's CA certificates, and onboards
 * again when it was over. Returns with BERTH_E_PENDING when ended by a signal, else with what broke.
 */
enum berth_err berth_device_keep(struct berth_device *device, struct berth_why *why) BERTH_MUST;

/* The program: exit status. */
int berth_device_main(int argc, char **argv);

#endif
