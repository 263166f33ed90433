/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attributes of Wi-Fi Easy Connect (DPP): { id u16 | length u16 | value } ..., both little endian. A list is well formed
 * when its lengths use up the bytes exactly and nothing follows Wrapped Data: what followed would be neither encrypted nor
 * authenticated. Of an attribute that comes twice the first counts, Config Object apart, which may come several times.
 *
 *	err = berth_dpp_attributes_check(bytes, &why);
 *	berth_dpp_attribute_get(bytes, BERTH_DPP_STATUS, &value)
 */
#ifndef BERTH_CODEC_DPP_ATTRIBUTE_H
#define BERTH_CODEC_DPP_ATTRIBUTE_H

#include "base/bytes.h"

enum berth_dpp_attribute {
	BERTH_DPP_STATUS = 0x1000,
	BERTH_DPP_INITIATOR_KEY_HASH = 0x1001, /* of the bootstrapping key, as all that follows */
	BERTH_DPP_RESPONDER_KEY_HASH = 0x1002, /* in a presence announcement: the chirp hash */
	BERTH_DPP_INITIATOR_PROTOCOL_KEY = 0x1003,
	BERTH_DPP_WRAPPED_DATA = 0x1004,
	BERTH_DPP_I_NONCE = 0x1005,
	BERTH_DPP_I_CAPABILITIES = 0x1006,
	BERTH_DPP_R_NONCE = 0x1007,
	BERTH_DPP_R_CAPABILITIES = 0x1008,
	BERTH_DPP_RESPONDER_PROTOCOL_KEY = 0x1009,
	BERTH_DPP_I_AUTH = 0x100a,
	BERTH_DPP_R_AUTH = 0x100b,
	BERTH_DPP_CONFIG_OBJECT = 0x100c,
	BERTH_DPP_CONNECTOR = 0x100d,
	BERTH_DPP_CONFIG_REQUEST = 0x100e,
	BERTH_DPP_BOOTSTRAPPING_KEY = 0x100f,
	BERTH_DPP_GROUP = 0x1012,
	BERTH_DPP_ENCRYPTED_KEY = 0x1013,
	BERTH_DPP_E_NONCE = 0x1014,
	BERTH_DPP_CODE_IDENTIFIER = 0x1015,
	BERTH_DPP_TRANSACTION_ID = 0x1016,
	BERTH_DPP_CHANNEL = 0x1018,
	BERTH_DPP_VERSION = 0x1019,
	BERTH_DPP_ENVELOPED_DATA = 0x101a,
	BERTH_DPP_SEND_CONNECTION_STATUS = 0x101b,
	BERTH_DPP_CONNECTION_STATUS = 0x101c,
	BERTH_DPP_RECONFIG_FLAGS = 0x101d,
	BERTH_DPP_C_SIGN_KEY_HASH = 0x101e,
	BERTH_DPP_CSR_ATTRIBUTES = 0x101f,
	BERTH_DPP_A_NONCE = 0x1020,
	BERTH_DPP_E_ID = 0x1021,
	BERTH_DPP_C_NONCE = 0x1022,
};

enum berth_dpp_status {
	BERTH_DPP_OK = 0,
	BERTH_DPP_NOT_COMPATIBLE = 1,
	BERTH_DPP_AUTH_FAILURE = 2,
	BERTH_DPP_UNWRAP_FAILURE = 3,
	BERTH_DPP_BAD_GROUP = 4,
	BERTH_DPP_CONFIGURE_FAILURE = 5,
	BERTH_DPP_RESPONSE_PENDING = 6,
	BERTH_DPP_INVALID_CONNECTOR = 7,
	BERTH_DPP_NO_MATCH = 8,
	BERTH_DPP_CONFIG_REJECTED = 9,
	BERTH_DPP_NO_AP = 10,
	BERTH_DPP_CONFIGURE_PENDING = 11,
	BERTH_DPP_CSR_NEEDED = 12,
	BERTH_DPP_CSR_BAD = 13,
	BERTH_DPP_NEW_KEY_NEEDED = 14,
};
/* "auth-failure" ...; "unknown" for a number that has no name. Static storage. */
const char *berth_dpp_status_name(unsigned status);

/* SYNTAX dpp-attributes: a length beyond the end, left-over bytes, or something after Wrapped Data. */
enum berth_err berth_dpp_attributes_check(struct berth_bytes attributes,
					  struct berth_why *why) BERTH_MUST;
/*
 * The functions below are for lists that were checked.
 */
/* The first of that id; false: none, and *ret is as it was. The value may be empty. */
bool berth_dpp_attribute_find(struct berth_bytes attributes, enum berth_dpp_attribute id,
			      struct berth_bytes *ret);
/* One that must be there with exactly n bytes; SYNTAX dpp-attribute-missing, dpp-attribute-length. */
enum berth_err berth_dpp_attribute_get(struct berth_bytes attributes, enum berth_dpp_attribute id,
				       size_t n, struct berth_bytes *ret,
				       struct berth_why *why) BERTH_MUST;
/* The same of one byte. */
enum berth_err berth_dpp_attribute_get_u8(struct berth_bytes attributes,
					  enum berth_dpp_attribute id, uint8_t *ret,
					  struct berth_why *why) BERTH_MUST;
/* At least one byte and at most max. */
enum berth_err berth_dpp_attribute_get_up_to(struct berth_bytes attributes,
					     enum berth_dpp_attribute id, size_t max,
					     struct berth_bytes *ret,
					     struct berth_why *why) BERTH_MUST;
/* Walks those of one id in the order they came; *at starts as 0. */
bool berth_dpp_attribute_next(struct berth_bytes attributes, enum berth_dpp_attribute id,
			      size_t *at, struct berth_bytes *ret);
/* What stands before Wrapped Data; all of it when there is none. It is authenticated with it. */
struct berth_bytes berth_dpp_attributes_before_wrapped(struct berth_bytes attributes);

/* Appends. LIMIT: a value of more than 65535 bytes. */
enum berth_err berth_dpp_put(struct berth_buf *buf, enum berth_dpp_attribute id,
			     struct berth_bytes value) BERTH_MUST;
enum berth_err berth_dpp_put_u8(struct berth_buf *buf, enum berth_dpp_attribute id,
				uint8_t value) BERTH_MUST;
enum berth_err berth_dpp_put_u16(struct berth_buf *buf, enum berth_dpp_attribute id,
				 uint16_t value) BERTH_MUST; /* little endian */

#endif
