/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of state.json; berth_device_state_encode and _parse stand in state.h. */
#ifndef BERTH_ROLE_DEVICE_STATE_JSON_H
#define BERTH_ROLE_DEVICE_STATE_JSON_H

#include "codec/json.h"
#include "role/device/state.h"

#define BERTH_DEVICE_STATE_VERSION 1

#endif
