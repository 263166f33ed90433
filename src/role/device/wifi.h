/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps a device on its Wi-Fi network: has it configured by DPP, lets wpa_supplicant join with the profile, and watches. Off the
 * network for too long, it takes the radio from wpa_supplicant, asks the Configurator for another configuration for a while
 * (DPP 6.5), and joins again, with the new one or, when nobody answered, with the old: perhaps only the access point was away.
 *
 * Both are programs of their own: this one waits, and touches neither radio nor key.
 */
#ifndef BERTH_ROLE_DEVICE_WIFI_H
#define BERTH_ROLE_DEVICE_WIFI_H

#include "role/device/device.h"

#define BERTH_WIFI_CONTROL "/run/wpa_supplicant" /* as the profile says */
#define BERTH_WIFI_RECONFIGURE_S 30		 /* at a time; the radio is not joining meanwhile */
#define BERTH_WIFI_PATIENCE_MAX_S 600 /* between two such times, when they lead to nothing */

/* path: of the configuration file. Ends with BERTH_E_PENDING by a signal, or with what broke. */
enum berth_err berth_device_wifi(const struct berth_device_conf *conf, const char *path,
				 struct berth_why *why) BERTH_MUST;

#endif
