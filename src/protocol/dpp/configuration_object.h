/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The DPP Configuration Object (DPP 4.5): a network and what opens it. One response may hold several.
 *
 *	{"wi-fi_tech":"infra","discovery":{"ssid":"lab"},"cred":{"akm":"dpp+sae","pass":"…",
 *	 "signedConnector":"…","csign":{"kty":"EC",…,"kid":"…"},"ppKey":{"kty":"EC",…}}}
 *
 * dot1x has "entCreds" in "cred": {"certBag":"base64 of certs-only PKCS #7","caCert":"base64","trustedEapServerName":"…",
 * "eapMethods":[13]}. A member beside "cred" may carry what an application needs; its name is the profile's.
 */
#ifndef BERTH_PROTOCOL_DPP_CONFIGURATION_OBJECT_H
#define BERTH_PROTOCOL_DPP_CONFIGURATION_OBJECT_H

#include "base/arena.h"
#include "protocol/dpp/connector.h"

#define BERTH_DPP_OBJECT_MAX_BYTES 32768 /* a response has 64 KiB in all */
#define BERTH_DPP_OBJECTS_MAX 10	 /* as many as others take */
#define BERTH_DPP_SSID_MAX_BYTES 32
#define BERTH_DPP_PASS_MAX_BYTES 63 /* IEEE Std 802.11 J.4.1 */
#define BERTH_DPP_EXTRA_MAX_BYTES 4096

enum berth_dpp_akm { /* a set */
		     BERTH_DPP_AKM_DPP = 1,
		     BERTH_DPP_AKM_PSK = 2,
		     BERTH_DPP_AKM_SAE = 4,
		     BERTH_DPP_AKM_DOT1X = 8,
};
/* As many forms as there are, "dpp+sae", or by selectors, "506F9A02+000FAC08". UNSUPPORTED dpp-akm: empty, or dot1x with others. */
enum berth_err berth_dpp_akm_write(unsigned akm, bool as_selectors, struct berth_buf *text,
				   struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_akm_read(struct berth_bytes text, unsigned *ret,
				  struct berth_why *why) BERTH_MUST;

struct berth_dpp_object {
	unsigned akm;
	bool as_selectors;	    /* to be written so */
	struct berth_bytes ssid;    /* any octets */
	struct berth_bytes pass;    /* PSK and SAE; secret */
	struct berth_bytes psk;	    /* 32 octets in place of pass, PSK alone; secret */
	struct berth_bytes pass_id; /* SAE password identifier; empty: none */
	struct berth_bytes connector;
	bool has_c_sign, has_pp_key;
	struct berth_ec_point c_sign, pp_key;
	struct berth_bytes cert_bag, ca_cert, server_name;
	const char *extra_name;	  /* to be written; NULL: none */
	struct berth_bytes extra; /* a JSON value, written as it is */
};

/* Appends. The caller wipes json: it may hold secrets. USAGE dpp-object: parts that its AKMs need are missing. */
enum berth_err berth_dpp_object_write(struct berth_pki *pki, const struct berth_dpp_object *object,
				      struct berth_buf *json, struct berth_why *why) BERTH_MUST;
/*
 * Views live in arena, of which the caller wipes what is secret. extra_name: of a member to be brought; NULL: none. Reads what
 * is there and refuses what cannot be (SYNTAX, LIMIT, UNSUPPORTED); whether it is all that one needs is
 * berth_dpp_object_check's.
 */
enum berth_err berth_dpp_object_read(struct berth_pki *pki, struct berth_bytes json,
				     const char *extra_name, struct berth_arena *arena,
				     struct berth_dpp_object *ret,
				     struct berth_why *why) BERTH_MUST;
/*
 * DPP 6.4.3: what an enrollee demands of an object that it takes: its Connector signed by the object's C-sign key, for its own
 * netAccessKey, not ended, its parts there. SIGNATURE, MISMATCH, EXPIRED, SYNTAX.
 */
enum berth_err berth_dpp_object_check(struct berth_pki *pki, const struct berth_dpp_object *object,
				      const struct berth_ec_point *net_access_key,
				      const struct berth_wall *now, struct berth_dpp_connector *ret,
				      struct berth_why *why) BERTH_MUST;

#endif
