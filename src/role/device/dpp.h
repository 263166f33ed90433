/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Onboarding by Wi-Fi Easy Connect (DPP): the device announces itself, over TCP to a Controller or over the air to whoever has
 * its code, is configured, and leaves a profile for wpa_supplicant. It tries for as long as it is let.
 */
#ifndef BERTH_ROLE_DEVICE_DPP_H
#define BERTH_ROLE_DEVICE_DPP_H

#include "role/device/device.h"

/*
 * Locks the state. As berth_device_onboard otherwise; no birth certificate is needed. A device that keeps a configuration has
 * its profile written again, and that is all; it is reconfigured when its Connector has ended, or with run->again.
 */
enum berth_err berth_device_dpp(const struct berth_device_conf *conf,
				const struct berth_device_run *run,
				struct berth_why *why) BERTH_MUST;
/* What is kept and the profile are gone for good; the bootstrapping key stays. */
enum berth_err berth_device_dpp_reset(const struct berth_device_conf *conf,
				      struct berth_why *why) BERTH_MUST;

#endif
