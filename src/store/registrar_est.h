/* SPDX-License-Identifier: BSD-2-Clause */
/* How a certificate hangs on an EST request, for registrar_enrol.c. */
#ifndef BERTH_STORE_REGISTRAR_EST_H
#define BERTH_STORE_REGISTRAR_EST_H

#include "store/registrar_store.h"

/* Only for the device and key that asked, and only once. */
enum berth_err berth_registrar_est_request_check(struct berth_store *store,
						 const struct berth_registrar_certificate *wanted,
						 struct berth_why *why) BERTH_MUST;
enum berth_err berth_registrar_est_request_point(struct berth_store *store, int64_t request,
						 int64_t certificate,
						 struct berth_why *why) BERTH_MUST;
/* The certificate failed: another may be asked for. */
enum berth_err berth_registrar_est_request_release(struct berth_store *store, int64_t certificate,
						   struct berth_why *why) BERTH_MUST;

#endif
