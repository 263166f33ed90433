/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an enrollee asks for (DPP 4.4, 6.4.2):
 *
 *	{"name":"pump-7","wi-fi_tech":"infra","netRole":"sta","mudurl":"https://…","pkcs10":"…"}
 */
#ifndef BERTH_PROTOCOL_DPP_CONFIGURATION_REQUEST_H
#define BERTH_PROTOCOL_DPP_CONFIGURATION_REQUEST_H

#include "base/arena.h"
#include "protocol/dpp/connector.h"

#define BERTH_DPP_REQUEST_MAX_BYTES 16384 /* a certification request on P-521 has 1,000 */
#define BERTH_DPP_NAME_MAX 64
#define BERTH_DPP_MUD_URL_MAX 512
#define BERTH_DPP_CSR_MAX_BYTES 8192

struct berth_dpp_request {
	struct berth_bytes name; /* as the device calls itself: for people, never for decisions */
	enum berth_dpp_net_role net_role;
	struct berth_bytes mud_url; /* empty: none */
	struct berth_bytes csr;	    /* DER; empty: none */
	bool has_password_id;	    /* capability: SAE password identifiers */
};

/* Appends. SYNTAX: a text is no UTF-8. */
enum berth_err berth_dpp_request_write(const struct berth_dpp_request *request,
				       struct berth_buf *json, struct berth_why *why) BERTH_MUST;
/*
 * Views live in arena. Unknown members are passed over. SYNTAX, LIMIT; UNSUPPORTED dpp-wifi-tech, dpp-net-role.
 */
enum berth_err berth_dpp_request_read(struct berth_bytes json, struct berth_arena *arena,
				      struct berth_dpp_request *ret,
				      struct berth_why *why) BERTH_MUST;

#endif
