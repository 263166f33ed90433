/* SPDX-License-Identifier: BSD-2-Clause */
/* Channels as DPP names them (DPP 5.2.1, 8.1.1.17): an operating class (IEEE Std 802.11 Annex E, global) and a number. */
#ifndef BERTH_CODEC_DPP_CHANNEL_H
#define BERTH_CODEC_DPP_CHANNEL_H

#include "base/bytes.h"

#define BERTH_DPP_CHANNELS_MAX 30 /* of one URI, those that are known */

/* MHz of its primary channel; 0: a class or number that is not known. */
uint32_t berth_dpp_channel_mhz(unsigned operating_class, unsigned channel);
/*
 * "81/1,6,115/36": a class holds for what follows it. Channels that are not known are left out (DPP 5.2.1), and those beyond
 * BERTH_DPP_CHANNELS_MAX. SYNTAX dpp-channels; *count and mhz on success only.
 */
enum berth_err berth_dpp_channels_parse(struct berth_bytes text,
					uint32_t mhz[BERTH_DPP_CHANNELS_MAX], size_t *count,
					struct berth_why *why) BERTH_MUST;

#endif
