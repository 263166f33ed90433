/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a device should renew: GET /.well-known/est/renewal-info over TLS with its certificate (protocol/est/renewal_info.h),
 * and the campaign that re-keys the fleet through it. While one runs, the devices that hold an older certificate are
 * told to renew at once, so many a minute; who comes when the minute is full is told when to ask again.
 */
#ifndef BERTH_ROLE_REGISTRAR_CAMPAIGN_H
#define BERTH_ROLE_REGISTRAR_CAMPAIGN_H

#include "role/registrar/judge.h"

/* Serves the exchange's request to its end; the exchange is closed after it. */
void berth_registrar_serve_renewal_info(struct berth_registrar_exchange *exchange,
					const struct berth_http_request *http);

#endif
