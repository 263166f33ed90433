/* SPDX-License-Identifier: BSD-2-Clause */
/* Of the registrar's store: who is a gateway, what generation it is told, and the devices that came through it. */
#ifndef BERTH_STORE_REGISTRAR_GATEWAY_H
#define BERTH_STORE_REGISTRAR_GATEWAY_H

#include "store/registrar_store.h"

/* As the certificate that the device was just given says. */
enum berth_err berth_registrar_gateway_set(struct berth_store *store, int64_t device,
					   bool is_gateway, struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_gateway_is(struct berth_store *store, int64_t device, bool *ret,
					  struct berth_why *why) BERTH_MUST;
/*
 * What it is to be told. A gateway that holds a higher one (after) was told it by a store that is lost: we were restored,
 * and go on above it.
 */
enum berth_err berth_registrar_gateway_generation(struct berth_store *store, int64_t gateway,
						  int64_t after, int64_t *ret,
						  struct berth_why *why) BERTH_MUST;
/* The device came through this gateway, and no more through another. */
enum berth_err berth_registrar_gateway_bind(struct berth_store *store, int64_t gateway,
					    int64_t device, struct berth_wall now,
					    struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_gateway_count(struct berth_store *store, int64_t gateway,
					     size_t *ret, struct berth_why *why) BERTH_MUST;

struct berth_registrar_gateway_device {
	struct berth_bytes id;
	enum berth_device_standing state;
	struct berth_bytes segment;
	struct berth_bytes issuer_key_id; /* of its newest certificate; empty: it has none */
	struct berth_bytes serial;
};
typedef bool berth_registrar_visit_gateway_device(
	void *context, const struct berth_registrar_gateway_device *device);
/* The longest bound first; max of them, after the first from. */
enum berth_err berth_registrar_gateway_each(struct berth_store *store, int64_t gateway, size_t from,
					    size_t max, berth_registrar_visit_gateway_device *visit,
					    void *context, struct berth_why *why) BERTH_MUST;

#endif
