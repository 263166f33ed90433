/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/peer_discovery.h"

#include "protocol/dpp/connector.h"

#define SECTION "DPP 6.6.1"

static enum berth_err
build(enum berth_dpp_frame_type type, const struct berth_dpp_peer_discovery *discovery,
      struct berth_buf *body)
{
	bool is_response = type == BERTH_DPP_PEER_DISCOVERY_RESPONSE;
	BERTH_BUF attributes = {0};
	enum berth_err err =
		berth_dpp_put_u8(&attributes, BERTH_DPP_TRANSACTION_ID, discovery->transaction);

	if (!err && is_response)
		err = berth_dpp_put_u8(&attributes, BERTH_DPP_STATUS, discovery->status);
	if (!err && (!is_response || discovery->status == BERTH_DPP_OK))
		err = berth_dpp_put(&attributes, BERTH_DPP_CONNECTOR, discovery->connector);
	if (!err && discovery->version > 1)
		err = berth_dpp_put_u8(&attributes, BERTH_DPP_VERSION, discovery->version);
	const struct berth_dpp_frame frame = {
		.kind = BERTH_DPP_FRAME_ACTION,
		.type = (uint8_t)type,
		.attributes = berth_buf_view(&attributes),
	};
	return err ? err : berth_dpp_frame_build(&frame, body);
}

enum berth_err
berth_dpp_peer_discovery_request(const struct berth_dpp_peer_discovery *discovery,
				 struct berth_buf *body)
{
	return build(BERTH_DPP_PEER_DISCOVERY_REQUEST, discovery, body);
}

enum berth_err
berth_dpp_peer_discovery_response(const struct berth_dpp_peer_discovery *discovery,
				  struct berth_buf *body)
{
	return build(BERTH_DPP_PEER_DISCOVERY_RESPONSE, discovery, body);
}

static enum berth_err
check_type(const struct berth_dpp_frame *frame, enum berth_dpp_frame_type type,
	   struct berth_why *why)
{
	if (frame->kind == BERTH_DPP_FRAME_ACTION && frame->type == type)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_STATE, "dpp-frame-unexpected", SECTION,
			  "Frame %u of DPP is not expected in an introduction.", frame->type);
}

static enum berth_err
read_version(struct berth_bytes attributes, uint8_t *ret, struct berth_why *why)
{
	struct berth_bytes version = BERTH_BYTES_NONE;

	if (!berth_dpp_attribute_find(attributes, BERTH_DPP_VERSION, &version))
		return BERTH_OK;
	if (version.n != 1 || version.p[0] == 0)
		return berth_fail(why, BERTH_E_SYNTAX, "dpp-version", "DPP 8.1.1.19",
				  "The protocol version of the introduction is none.");
	*ret = version.p[0];
	return BERTH_OK;
}

static enum berth_err
read_connector(struct berth_bytes attributes, struct berth_bytes *ret, struct berth_why *why)
{
	return berth_dpp_attribute_get_up_to(attributes, BERTH_DPP_CONNECTOR,
					     BERTH_DPP_CONNECTOR_MAX_BYTES, ret, why);
}

enum berth_err
berth_dpp_peer_discovery_parse_request(const struct berth_dpp_frame *frame,
				       struct berth_dpp_peer_discovery *ret, struct berth_why *why)
{
	struct berth_dpp_peer_discovery request = {0};

	enum berth_err err = check_type(frame, BERTH_DPP_PEER_DISCOVERY_REQUEST, why);
	err = err ? err
		  : berth_dpp_attribute_get_u8(frame->attributes, BERTH_DPP_TRANSACTION_ID,
					       &request.transaction, why);
	err = err ? err : read_connector(frame->attributes, &request.connector, why);
	err = err ? err : read_version(frame->attributes, &request.version, why);
	if (!err)
		*ret = request;
	return err;
}

enum berth_err
berth_dpp_peer_discovery_parse_response(const struct berth_dpp_frame *frame, uint8_t transaction,
					struct berth_dpp_peer_discovery *ret, struct berth_why *why)
{
	struct berth_dpp_peer_discovery response = {0};

	enum berth_err err = check_type(frame, BERTH_DPP_PEER_DISCOVERY_RESPONSE, why);
	err = err ? err
		  : berth_dpp_attribute_get_u8(frame->attributes, BERTH_DPP_TRANSACTION_ID,
					       &response.transaction, why);
	if (!err && response.transaction != transaction)
		err = berth_fail(why, BERTH_E_MISMATCH, "dpp-transaction", SECTION,
				 "The response answers another request than ours.");
	err = err ? err
		  : berth_dpp_attribute_get_u8(frame->attributes, BERTH_DPP_STATUS,
					       &response.status, why);
	if (!err && response.status == BERTH_DPP_OK)
		err = read_connector(frame->attributes, &response.connector, why);
	err = err ? err : read_version(frame->attributes, &response.version, why);
	if (!err)
		*ret = response;
	return err;
}
