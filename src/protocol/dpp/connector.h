/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Connector (DPP 4.2): what a device has of its network, and shows to its neighbours there; a JSON Web Signature
 * (RFC 7515, compact) of the Configurator's C-sign key over groups, the device's netAccessKey and when it ends:
 *
 *	{"typ":"dppCon","kid":"…","alg":"ES256"} . {"groups":[{"groupId":"lab","netRole":"sta"}],
 *	 "netAccessKey":{"kty":"EC","crv":"P-256","x":"…","y":"…"},"expiry":"2030-01-01T00:00:00Z","version":2} . r | s
 */
#ifndef BERTH_PROTOCOL_DPP_CONNECTOR_H
#define BERTH_PROTOCOL_DPP_CONNECTOR_H

#include "base/time.h"
#include "codec/json.h"
#include "pki/ec.h"

#define BERTH_DPP_CONNECTOR_MAX_BYTES 4096 /* with eight long groups on P-521 it has 1,100 */
#define BERTH_DPP_GROUPS_MAX 8
#define BERTH_DPP_GROUP_ID_MAX 64
#define BERTH_DPP_KID_CHARS 43 /* base64url of SHA-256 */

enum berth_dpp_net_role { BERTH_DPP_STA, BERTH_DPP_AP, BERTH_DPP_NET_CONFIGURATOR };
/* "sta", "ap", "configurator". */
const char *berth_dpp_net_role_name(enum berth_dpp_net_role role);
bool berth_dpp_net_role_named(struct berth_bytes name, enum berth_dpp_net_role *ret);

struct berth_dpp_group {
	char id[BERTH_DPP_GROUP_ID_MAX]; /* "*": any */
	enum berth_dpp_net_role role;
};

struct berth_dpp_connector {
	struct berth_dpp_group groups[BERTH_DPP_GROUPS_MAX];
	size_t group_count;
	struct berth_ec_point key; /* netAccessKey */
	struct berth_wall expiry;  /* BERTH_WALL_NO_EXPIRY: none */
	uint8_t version;	   /* of who has it; 0: it does not say */
};

/* {"kty":"EC",…} under key in a document being written (codec/json_write.h); kid may be NULL. */
enum berth_err berth_dpp_put_jwk(struct berth_buf *out, const char *key,
				 const struct berth_ec_point *point, const char *kid) BERTH_MUST;
/* SYNTAX dpp-jwk, UNSUPPORTED (curve), or the point is none. */
enum berth_err berth_dpp_get_jwk(struct berth_pki *pki, const json_t *object, const char *key,
				 struct berth_ec_point *ret, struct berth_why *why) BERTH_MUST;
/* Of a C-sign key: SHA-256 of its uncompressed point, whatever the curve. */
enum berth_err berth_dpp_key_id(struct berth_pki *pki, const struct berth_ec_point *c_sign,
				uint8_t ret[32]) BERTH_MUST;
enum berth_err berth_dpp_kid(struct berth_pki *pki, const struct berth_ec_point *c_sign,
			     char ret[BERTH_DPP_KID_CHARS + 1]) BERTH_MUST;

/* Appends the payload; USAGE dpp-connector: no group. */
enum berth_err berth_dpp_connector_write(const struct berth_dpp_connector *connector,
					 struct berth_buf *payload,
					 struct berth_why *why) BERTH_MUST;
/* The payload alone; unknown members are passed over. An expiry that cannot be read is in the past. */
enum berth_err berth_dpp_connector_read(struct berth_pki *pki, struct berth_bytes payload,
					struct berth_dpp_connector *ret,
					struct berth_why *why) BERTH_MUST;
/*
 * Appends the whole, signed. The payload is read first, and refused where we would not write it so: the signer's lint
 * (dpp-connector-form). c_sign: a key of the keystore. ret (may be NULL): what was read.
 */
enum berth_err berth_dpp_connector_sign(struct berth_pki *pki, struct berth_key *c_sign,
					struct berth_bytes payload, struct berth_buf *connector,
					struct berth_dpp_connector *ret,
					struct berth_why *why) BERTH_MUST;
/*
 * Of a Connector that c_sign has signed. SIGNATURE; MISMATCH dpp-kid: another C-sign key; SYNTAX. Its expiry is not judged.
 */
enum berth_err berth_dpp_connector_open(struct berth_pki *pki, struct berth_bytes connector,
					const struct berth_ec_point *c_sign,
					struct berth_dpp_connector *ret,
					struct berth_why *why) BERTH_MUST;
/* EXPIRED dpp-connector-expired. */
enum berth_err berth_dpp_connector_check_time(const struct berth_dpp_connector *connector,
					      struct berth_wall now,
					      struct berth_why *why) BERTH_MUST;
/* DPP 4.2.1: some group of each that is the same, or any, with roles sta and ap; other is a configurator: with that role. */
bool berth_dpp_connector_matches(const struct berth_dpp_connector *own,
				 const struct berth_dpp_connector *other);

#endif
