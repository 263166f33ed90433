/* SPDX-License-Identifier: BSD-2-Clause */
/* The chain of custody of the units that a registrar's domain owns. */
#ifndef BERTH_STORE_REGISTRAR_CUSTODY_H
#define BERTH_STORE_REGISTRAR_CUSTODY_H

#include "model/device.h"
#include "store/store.h"

struct berth_registrar_custody {
	int64_t depth; /* 0: whom the manufacturer gave it to */
	struct berth_bytes holder_key_sha256;
	struct berth_bytes name;
	struct berth_bytes manifest_sha256;
};

/* The same again is harmless; BERTH_E_EXISTS (custody-fork) when the unit went to another hand there. */
enum berth_err berth_registrar_custody_add(struct berth_store *store,
					   const struct berth_device_identity *identity,
					   const struct berth_registrar_custody *link,
					   struct berth_wall now, struct berth_why *why) BERTH_MUST;
/* The unit is not ours any more; it may come back through other hands. */
enum berth_err berth_registrar_custody_drop(struct berth_store *store,
					    const struct berth_device_identity *identity,
					    struct berth_why *why) BERTH_MUST;

#endif
