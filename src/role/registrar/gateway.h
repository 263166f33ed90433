/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What gateways ask of their registrar (protocol/gateway), and which devices came through which of them: a device's
 * connection and a gateway's report of it meet by the ClientHello.random that both name
 * (docs/decisions/0023-gateway-stream.md).
 */
#ifndef BERTH_ROLE_REGISTRAR_GATEWAY_H
#define BERTH_ROLE_REGISTRAR_GATEWAY_H

#include "role/registrar/judge.h"

#define BERTH_GATEWAY_WAITING_MAX 1024 /* gateways that wait for news; devices need exchanges too */

enum berth_gateway_operation { BERTH_GATEWAY_DESIRED_STATE, BERTH_GATEWAY_REPORT };

void berth_registrar_serve_gateway(struct berth_registrar_exchange *exchange,
				   enum berth_gateway_operation operation,
				   const struct berth_http_request *http);
/* Answers those who waited long enough, or for whom there is news, or who are refused by now. About once a second. */
void berth_registrar_gateways_tick(struct berth_registrar_role *role);
/* A device's request has ended: its connection may have been reported, or will be. */
void berth_registrar_gateways_note(struct berth_registrar_exchange *exchange);
/* The device was given a certificate: remember whether it makes a gateway of it. */
enum berth_err berth_registrar_gateway_enrolled(struct berth_registrar_exchange *exchange,
						struct berth_why *why) BERTH_MUST;

#endif
