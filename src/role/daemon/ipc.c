/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/daemon/ipc.h"

#include "codec/dpp_frame.h"
#include "net/networks.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum tag {
	TAG_METHOD = 1,
	TAG_PATH,
	TAG_QUERY,
	TAG_MEDIA_TYPE,
	TAG_ACCEPT,
	TAG_USER_AGENT,
	TAG_AUTHORIZATION,
	TAG_BODY,
	TAG_PEER_CERTIFICATE,
	TAG_OWN_CERTIFICATE,
	TAG_EXPORTER,
	TAG_VERSION,
	TAG_CONNECTION,
	TAG_PEER_ADDRESS,
	TAG_STATUS,
	TAG_LOCATION,
	TAG_RETRY_AFTER,
	TAG_CLOSE,
	TAG_HOST,
	TAG_PORT,
	TAG_ANCHORS,
	TAG_WITH_CERTIFICATE,
	TAG_TIMEOUT,
	TAG_BODY_LIMIT,
	TAG_OP,
	TAG_PAYLOAD,
	TAG_OBJECT,
	TAG_ERR,
	TAG_RULE,
	TAG_SENTENCE,
	TAG_EDGE,
	TAG_INDEX,
	TAG_PLAIN,
	TAG_NETWORKS,
	TAG_TLS_UNIQUE,
	TAG_WWW_AUTHENTICATE,
	TAG_CLIENT_RANDOM
};

#define OPTIONAL_BYTES(t, m, n)                                                                    \
	{                                                                                          \
		.tag = (t), .type = BERTH_FRAME_BYTES, .use = BERTH_FRAME_OPTIONAL, .max = (m),    \
		.name = (n)                                                                        \
	}
#define REQUIRED(t, k, n)                                                                          \
	{                                                                                          \
		.tag = (t), .type = (k), .use = BERTH_FRAME_REQUIRED, .name = (n)                  \
	}

#define HTTP_REQUEST_FIELDS                                                                        \
	REQUIRED(TAG_METHOD, BERTH_FRAME_U32, "method"),                                           \
		{.tag = TAG_PATH,                                                                  \
		 .type = BERTH_FRAME_BYTES,                                                        \
		 .use = BERTH_FRAME_REQUIRED,                                                      \
		 .max = BERTH_IPC_HEADER_MAX,                                                      \
		 .name = "path"},                                                                  \
		OPTIONAL_BYTES(TAG_QUERY, BERTH_IPC_HEADER_MAX, "query"),                          \
		OPTIONAL_BYTES(TAG_MEDIA_TYPE, BERTH_IPC_MEDIA_TYPE_MAX, "media-type"),            \
		OPTIONAL_BYTES(TAG_ACCEPT, BERTH_IPC_HEADER_MAX, "accept"),                        \
		OPTIONAL_BYTES(TAG_USER_AGENT, BERTH_IPC_HEADER_MAX, "user-agent"),                \
		OPTIONAL_BYTES(TAG_AUTHORIZATION, BERTH_IPC_HEADER_MAX, "authorization"),          \
		OPTIONAL_BYTES(TAG_BODY, 0, "body")

#define TLS_FIELDS                                                                                 \
	{.tag = TAG_PEER_CERTIFICATE,                                                              \
	 .type = BERTH_FRAME_BYTES,                                                                \
	 .use = BERTH_FRAME_REPEATED,                                                              \
	 .name = "peer-certificate"},                                                              \
		OPTIONAL_BYTES(TAG_OWN_CERTIFICATE, 0, "own-certificate"),                         \
		OPTIONAL_BYTES(TAG_EXPORTER, 32, "exporter"),                                      \
		OPTIONAL_BYTES(TAG_TLS_UNIQUE, BERTH_TLS_UNIQUE_BYTES, "tls-unique"),              \
		OPTIONAL_BYTES(TAG_CLIENT_RANDOM, BERTH_TLS_RANDOM_BYTES, "client-random"),        \
		REQUIRED(TAG_VERSION, BERTH_FRAME_U32, "version"),                                 \
		REQUIRED(TAG_CONNECTION, BERTH_FRAME_U64, "connection")

#define HTTP_RESPONSE_FIELDS                                                                       \
	REQUIRED(TAG_STATUS, BERTH_FRAME_U32, "status"),                                           \
		OPTIONAL_BYTES(TAG_MEDIA_TYPE, BERTH_IPC_MEDIA_TYPE_MAX, "media-type"),            \
		OPTIONAL_BYTES(TAG_LOCATION, BERTH_IPC_HEADER_MAX, "location"),                    \
		OPTIONAL_BYTES(TAG_WWW_AUTHENTICATE, BERTH_IPC_HEADER_MAX, "www-authenticate"),    \
		REQUIRED(TAG_RETRY_AFTER, BERTH_FRAME_I64, "retry-after"),                         \
		REQUIRED(TAG_CLOSE, BERTH_FRAME_U32, "close"), OPTIONAL_BYTES(TAG_BODY, 0, "body")

#define FAULT_FIELDS                                                                               \
	REQUIRED(TAG_ERR, BERTH_FRAME_U32, "err"),                                                 \
		OPTIONAL_BYTES(TAG_RULE, BERTH_IPC_RULE_MAX, "rule"),                              \
		OPTIONAL_BYTES(TAG_SENTENCE, BERTH_WHY_SENTENCE_MAX, "sentence")

static const struct berth_frame_field request_fields[] = {
	HTTP_REQUEST_FIELDS,
	TLS_FIELDS,
	OPTIONAL_BYTES(TAG_PEER_ADDRESS, BERTH_IPC_ADDRESS_MAX, "peer-address"),
};

static const struct berth_frame_field reply_fields[] = {HTTP_RESPONSE_FIELDS};

static const struct berth_frame_field dial_fields[] = {
	HTTP_REQUEST_FIELDS,
	{.tag = TAG_HOST, .type = BERTH_FRAME_TEXT, .max = BERTH_IPC_HOST_MAX, .name = "host"},
	REQUIRED(TAG_PORT, BERTH_FRAME_U32, "port"),
	{.tag = TAG_ANCHORS, .type = BERTH_FRAME_BYTES, .name = "anchors"},
	REQUIRED(TAG_WITH_CERTIFICATE, BERTH_FRAME_U32, "with-certificate"),
	REQUIRED(TAG_PLAIN, BERTH_FRAME_U32, "plain"),
	OPTIONAL_BYTES(TAG_NETWORKS, BERTH_NETWORKS_TEXT_MAX, "networks"),
	REQUIRED(TAG_TIMEOUT, BERTH_FRAME_I64, "timeout"),
	REQUIRED(TAG_BODY_LIMIT, BERTH_FRAME_U64, "body-limit"),
};

static const struct berth_frame_field dialled_fields[] = {
	HTTP_RESPONSE_FIELDS,
	TLS_FIELDS,
	FAULT_FIELDS,
};

static const struct berth_frame_field sign_fields[] = {
	REQUIRED(TAG_OP, BERTH_FRAME_U32, "op"),
	{.tag = TAG_PAYLOAD, .type = BERTH_FRAME_BYTES, .name = "payload"},
};

static const struct berth_frame_field signature_fields[] = {
	FAULT_FIELDS,
	OPTIONAL_BYTES(TAG_OBJECT, 0, "object"),
};

static const struct berth_frame_field link_fields[] = {
	REQUIRED(TAG_EDGE, BERTH_FRAME_U32, "edge"),
	REQUIRED(TAG_INDEX, BERTH_FRAME_U32, "index"),
};

#define SHAPE(k, reply, n, f)                                                                      \
	{                                                                                          \
		.kind = (k), .is_reply = (reply), .name = (n), .fields = (f),                      \
		.field_count = COUNT(f)                                                            \
	}
#define EMPTY_SHAPE(k, n)                                                                          \
	{                                                                                          \
		.kind = (k), .is_reply = false, .name = (n), .fields = NULL, .field_count = 0      \
	}

static const struct berth_frame_field dpp_message_fields[] = {
	{.tag = TAG_BODY,
	 .type = BERTH_FRAME_BYTES,
	 .max = BERTH_DPP_BODY_MAX_BYTES,
	 .name = "body"},
	OPTIONAL_BYTES(TAG_PEER_ADDRESS, BERTH_IPC_ADDRESS_MAX, "peer-address"),
};

static const struct berth_frame_field dpp_send_fields[] = {
	OPTIONAL_BYTES(TAG_BODY, BERTH_DPP_BODY_MAX_BYTES, "body"),
	REQUIRED(TAG_CLOSE, BERTH_FRAME_U32, "close"),
};

static const struct berth_frame_field dpp_dial_fields[] = {
	{.tag = TAG_HOST, .type = BERTH_FRAME_TEXT, .max = BERTH_IPC_HOST_MAX, .name = "host"},
	REQUIRED(TAG_PORT, BERTH_FRAME_U32, "port"),
};

static const struct berth_frame_field dpp_dialled_fields[] = {
	REQUIRED(TAG_CONNECTION, BERTH_FRAME_U64, "connection"),
	FAULT_FIELDS,
};

static const struct berth_frame_shape judge_shapes[] = {
	SHAPE(BERTH_IPC_REQUEST, false, "request", request_fields),
	EMPTY_SHAPE(BERTH_IPC_GONE, "gone"),
	SHAPE(BERTH_IPC_DIAL, true, "dialled", dialled_fields),
	SHAPE(BERTH_IPC_DPP, false, "dpp-message", dpp_message_fields),
	EMPTY_SHAPE(BERTH_IPC_DPP_GONE, "dpp-gone"),
	SHAPE(BERTH_IPC_DPP_DIAL, true, "dpp-dialled", dpp_dialled_fields),
};

static const struct berth_frame_shape net_shapes[] = {
	SHAPE(BERTH_IPC_REQUEST, true, "reply", reply_fields),
	SHAPE(BERTH_IPC_DIAL, false, "dial", dial_fields),
	SHAPE(BERTH_IPC_DPP, false, "dpp-send", dpp_send_fields),
	SHAPE(BERTH_IPC_DPP_DIAL, false, "dpp-dial", dpp_dial_fields),
};

static const struct berth_frame_shape signer_shapes[] = {
	SHAPE(BERTH_IPC_SIGN, false, "sign", sign_fields),
};

static const struct berth_frame_shape signature_shapes[] = {
	SHAPE(BERTH_IPC_SIGN, true, "signature", signature_fields),
};

static const struct berth_frame_shape control_shapes[] = {
	SHAPE(BERTH_IPC_LINK, false, "link", link_fields),
	EMPTY_SHAPE(BERTH_IPC_DRAIN, "drain"),
	EMPTY_SHAPE(BERTH_IPC_READY, "ready"),
};

static enum berth_err
bad_value(struct berth_why *why, const char *name)
{
	return berth_fail(why, BERTH_E_SYNTAX, "ipc-value", NULL, "the field %s has no such value",
			  name);
}

static enum berth_err
read_http_request(const struct berth_frame *frame, struct berth_http_request *ret,
		  struct berth_why *why)
{
	uint32_t method = berth_frame_get_u32(frame, TAG_METHOD, 0);
	struct berth_bytes path = berth_frame_get(frame, TAG_PATH);
	if (method > BERTH_HTTP_OTHER) {
		return bad_value(why, "method");
	}
	if (path.n == 0 || path.p[0] != '/') {
		return bad_value(why, "path");
	}
	*ret = (struct berth_http_request){
		.method = (enum berth_http_method)method,
		.path = path,
		.query = berth_frame_get(frame, TAG_QUERY),
		.media_type = berth_frame_get(frame, TAG_MEDIA_TYPE),
		.accept = berth_frame_get(frame, TAG_ACCEPT),
		.user_agent = berth_frame_get(frame, TAG_USER_AGENT),
		.authorization = berth_frame_get(frame, TAG_AUTHORIZATION),
		.body = berth_frame_get(frame, TAG_BODY),
	};
	return BERTH_OK;
}

static enum berth_err
read_tls(const struct berth_frame *frame, struct berth_tls_facts *ret, struct berth_why *why)
{
	*ret = (struct berth_tls_facts){
		.own_certificate = berth_frame_get(frame, TAG_OWN_CERTIFICATE),
		.exporter = berth_frame_get(frame, TAG_EXPORTER),
		.tls_unique = berth_frame_get(frame, TAG_TLS_UNIQUE),
		.client_random = berth_frame_get(frame, TAG_CLIENT_RANDOM),
		.connection = berth_frame_get_u64(frame, TAG_CONNECTION, 0),
	};
	uint32_t version = berth_frame_get_u32(frame, TAG_VERSION, 0);
	if (version > UINT16_MAX) {
		return bad_value(why, "version");
	}
	ret->version = (uint16_t)version;
	if (ret->exporter.n != 0 && ret->exporter.n != 32) {
		return bad_value(why, "exporter");
	}
	if (ret->tls_unique.n != 0 && ret->tls_unique.n != BERTH_TLS_UNIQUE_BYTES) {
		return bad_value(why, "tls-unique");
	}
	if (ret->client_random.n != 0 && ret->client_random.n != BERTH_TLS_RANDOM_BYTES) {
		return bad_value(why, "client-random");
	}
	struct berth_bytes certificate;
	for (size_t at = 0; berth_frame_next(frame, TAG_PEER_CERTIFICATE, &at, &certificate);) {
		if (ret->peer_count == BERTH_CHAIN_MAX) {
			return berth_fail(why, BERTH_E_LIMIT, "ipc-chain", NULL,
					  "more than %d certificates", BERTH_CHAIN_MAX);
		}
		ret->peer_chain[ret->peer_count++] = certificate;
	}
	return BERTH_OK;
}

static enum berth_err
read_http_response(const struct berth_frame *frame, uint32_t least, struct berth_http_response *ret,
		   struct berth_why *why)
{
	uint32_t status = berth_frame_get_u32(frame, TAG_STATUS, 0);
	int64_t retry = berth_frame_get_i64(frame, TAG_RETRY_AFTER, -1);
	uint32_t close = berth_frame_get_u32(frame, TAG_CLOSE, 0);
	if (status < least || status > 599 || (status > 0 && status < 200)) {
		return bad_value(why, "status");
	}
	if (retry < -1 || retry > INT32_MAX || close > 1) {
		return bad_value(why, "retry-after or close");
	}
	*ret = (struct berth_http_response){
		.status = (int)status,
		.media_type = berth_frame_get(frame, TAG_MEDIA_TYPE),
		.location = berth_frame_get(frame, TAG_LOCATION),
		.www_authenticate = berth_frame_get(frame, TAG_WWW_AUTHENTICATE),
		.retry_after_s = (int32_t)retry,
		.close = close == 1,
		.body = berth_frame_get(frame, TAG_BODY),
	};
	return BERTH_OK;
}

static enum berth_err
read_fault(const struct berth_frame *frame, struct berth_ipc_fault *ret, struct berth_why *why)
{
	uint32_t err = berth_frame_get_u32(frame, TAG_ERR, 0);
	if (err >= BERTH_E__COUNT) {
		return bad_value(why, "err");
	}
	*ret = (struct berth_ipc_fault){
		.err = (enum berth_err)err,
		.rule = berth_frame_get(frame, TAG_RULE),
		.sentence = berth_frame_get(frame, TAG_SENTENCE),
	};
	return BERTH_OK;
}

static enum berth_err
read_dial(const struct berth_frame *frame, struct berth_dial *ret, struct berth_why *why)
{
	*ret = (struct berth_dial){
		.host = berth_frame_get(frame, TAG_HOST),
		.anchors_pem = berth_frame_get(frame, TAG_ANCHORS),
		.timeout_ms = berth_frame_get_i64(frame, TAG_TIMEOUT, 0),
		.body_limit_bytes = (size_t)berth_frame_get_u64(frame, TAG_BODY_LIMIT, 0),
	};
	uint32_t port = berth_frame_get_u32(frame, TAG_PORT, 0);
	uint32_t with = berth_frame_get_u32(frame, TAG_WITH_CERTIFICATE, 0);
	uint32_t plain = berth_frame_get_u32(frame, TAG_PLAIN, 0);
	if (ret->host.n == 0 || !berth_bytes_is_printable(ret->host) || port == 0 ||
	    port > UINT16_MAX || with > 1 || plain > 1) {
		return bad_value(why, "host, port, with-certificate or plain");
	}
	if (ret->timeout_ms <= 0 || ret->body_limit_bytes > BERTH_FRAME_MAX) {
		return bad_value(why, "timeout or body-limit");
	}
	ret->port = (uint16_t)port;
	ret->with_client_certificate = with == 1;
	ret->is_plain = plain == 1;
	ret->networks = berth_frame_get(frame, TAG_NETWORKS);
	return read_http_request(frame, &ret->request, why);
}

/* What a judge says to a net process of DPP: to send, or to dial. */
static enum berth_err
read_dpp(const struct berth_frame *frame, struct berth_ipc_dpp *ret, struct berth_why *why)
{
	uint32_t close = berth_frame_get_u32(frame, TAG_CLOSE, 0);
	uint32_t port = berth_frame_get_u32(frame, TAG_PORT, 0);

	*ret = (struct berth_ipc_dpp){
		.body = berth_frame_get(frame, TAG_BODY),
		.close = close == 1,
		.host = berth_frame_get(frame, TAG_HOST),
		.port = (uint16_t)port,
	};
	if (close > 1)
		return bad_value(why, "close");
	if (frame->kind == BERTH_IPC_DPP_DIAL &&
	    (ret->host.n == 0 || !berth_bytes_is_printable(ret->host) || port == 0 ||
	     port > UINT16_MAX))
		return bad_value(why, "host or port");
	return BERTH_OK;
}

enum berth_err
berth_ipc_decode_for_judge(struct berth_bytes packet, struct berth_ipc *ret, struct berth_why *why)
{
	struct berth_frame frame;
	enum berth_err err =
		berth_frame_parse(packet, judge_shapes, COUNT(judge_shapes), &frame, why);
	if (err) {
		return err;
	}
	*ret = (struct berth_ipc){
		.kind = (enum berth_ipc_kind)frame.kind,
		.is_reply = frame.is_reply,
		.id = frame.id,
	};
	if (frame.kind == BERTH_IPC_REQUEST) {
		ret->request.peer_address = berth_frame_get(&frame, TAG_PEER_ADDRESS);
		err = read_http_request(&frame, &ret->request.http, why);
		return err ? err : read_tls(&frame, &ret->request.tls, why);
	}
	if (frame.kind == BERTH_IPC_DPP) {
		ret->dpp.body = berth_frame_get(&frame, TAG_BODY);
		ret->dpp.address = berth_frame_get(&frame, TAG_PEER_ADDRESS);
		return ret->dpp.body.n == 0 ? bad_value(why, "body") : BERTH_OK;
	}
	if (frame.kind == BERTH_IPC_DPP_DIAL) {
		ret->dpp.connection = berth_frame_get_u64(&frame, TAG_CONNECTION, 0);
		err = read_fault(&frame, &ret->dpp.fault, why);
		bool is_fault = ret->dpp.fault.err != BERTH_OK;
		return err || is_fault == (ret->dpp.connection == 0)
			       ? err
			       : bad_value(why, "connection or err");
	}
	if (frame.kind == BERTH_IPC_DIAL) {
		err = read_http_response(&frame, 0, &ret->dialled.http, why);
		err = err ? err : read_tls(&frame, &ret->dialled.tls, why);
		return err ? err : read_fault(&frame, &ret->dialled.fault, why);
	}
	return BERTH_OK;
}

enum berth_err
berth_ipc_decode_for_net(struct berth_bytes packet, struct berth_ipc *ret, struct berth_why *why)
{
	struct berth_frame frame;
	enum berth_err err = berth_frame_parse(packet, net_shapes, COUNT(net_shapes), &frame, why);
	if (err) {
		return err;
	}
	*ret = (struct berth_ipc){
		.kind = (enum berth_ipc_kind)frame.kind,
		.is_reply = frame.is_reply,
		.id = frame.id,
	};
	if (frame.kind == BERTH_IPC_REQUEST)
		return read_http_response(&frame, 200, &ret->reply, why);
	if (frame.kind == BERTH_IPC_DIAL)
		return read_dial(&frame, &ret->dial, why);
	return read_dpp(&frame, &ret->dpp, why);
}

enum berth_err
berth_ipc_decode_for_signer(struct berth_bytes packet, struct berth_ipc *ret, struct berth_why *why)
{
	struct berth_frame frame;
	enum berth_err err =
		berth_frame_parse(packet, signer_shapes, COUNT(signer_shapes), &frame, why);
	if (err) {
		return err;
	}
	uint32_t op = berth_frame_get_u32(&frame, TAG_OP, 0);
	if (op > UINT16_MAX) {
		return bad_value(why, "op");
	}
	*ret = (struct berth_ipc){.kind = BERTH_IPC_SIGN, .id = frame.id};
	ret->sign.op = (uint16_t)op;
	ret->sign.payload = berth_frame_get(&frame, TAG_PAYLOAD);
	return BERTH_OK;
}

enum berth_err
berth_ipc_decode_signature(struct berth_bytes packet, struct berth_ipc *ret, struct berth_why *why)
{
	struct berth_frame frame;
	enum berth_err err =
		berth_frame_parse(packet, signature_shapes, COUNT(signature_shapes), &frame, why);
	if (err) {
		return err;
	}
	*ret = (struct berth_ipc){.kind = BERTH_IPC_SIGN, .is_reply = true, .id = frame.id};
	ret->signature.object = berth_frame_get(&frame, TAG_OBJECT);
	return read_fault(&frame, &ret->signature.fault, why);
}

enum berth_err
berth_ipc_decode_control(struct berth_bytes packet, struct berth_ipc *ret, struct berth_why *why)
{
	struct berth_frame frame;
	enum berth_err err =
		berth_frame_parse(packet, control_shapes, COUNT(control_shapes), &frame, why);
	if (err) {
		return err;
	}
	*ret = (struct berth_ipc){.kind = (enum berth_ipc_kind)frame.kind, .id = frame.id};
	if (frame.kind != BERTH_IPC_LINK) {
		return BERTH_OK;
	}
	uint32_t edge = berth_frame_get_u32(&frame, TAG_EDGE, 0);
	if (edge < BERTH_EDGE_LISTEN || edge > BERTH_EDGE_LISTEN_DPP) {
		return bad_value(why, "edge");
	}
	ret->edge = (enum berth_ipc_edge)edge;
	ret->index = berth_frame_get_u32(&frame, TAG_INDEX, 0);
	return BERTH_OK;
}

/* Absent and empty mean the same; absent is shorter. */
static enum berth_err
put_some(struct berth_buf *buf, uint16_t tag, struct berth_bytes b, size_t max)
{
	if (b.n == 0) {
		return BERTH_OK;
	}
	return max > 0 && b.n > max ? BERTH_E_LIMIT : berth_frame_put_bytes(buf, tag, b);
}

static enum berth_err
put_http_request(struct berth_buf *buf, const struct berth_http_request *http)
{
	enum berth_err err = berth_frame_put_u32(buf, TAG_METHOD, http->method);
	err = err ? err : put_some(buf, TAG_PATH, http->path, BERTH_IPC_HEADER_MAX);
	err = err ? err : put_some(buf, TAG_QUERY, http->query, BERTH_IPC_HEADER_MAX);
	err = err ? err : put_some(buf, TAG_MEDIA_TYPE, http->media_type, BERTH_IPC_MEDIA_TYPE_MAX);
	err = err ? err : put_some(buf, TAG_ACCEPT, http->accept, BERTH_IPC_HEADER_MAX);
	err = err ? err : put_some(buf, TAG_USER_AGENT, http->user_agent, BERTH_IPC_HEADER_MAX);
	err = err ? err
		  : put_some(buf, TAG_AUTHORIZATION, http->authorization, BERTH_IPC_HEADER_MAX);
	return err ? err : put_some(buf, TAG_BODY, http->body, 0);
}

static enum berth_err
put_tls(struct berth_buf *buf, const struct berth_tls_facts *tls)
{
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; i < tls->peer_count && !err; i++) {
		err = berth_frame_put_bytes(buf, TAG_PEER_CERTIFICATE, tls->peer_chain[i]);
	}
	err = err ? err : put_some(buf, TAG_OWN_CERTIFICATE, tls->own_certificate, 0);
	err = err ? err : put_some(buf, TAG_EXPORTER, tls->exporter, 32);
	err = err ? err : put_some(buf, TAG_TLS_UNIQUE, tls->tls_unique, BERTH_TLS_UNIQUE_BYTES);
	err = err ? err
		  : put_some(buf, TAG_CLIENT_RANDOM, tls->client_random, BERTH_TLS_RANDOM_BYTES);
	err = err ? err : berth_frame_put_u32(buf, TAG_VERSION, tls->version);
	return err ? err : berth_frame_put_u64(buf, TAG_CONNECTION, tls->connection);
}

static enum berth_err
put_http_response(struct berth_buf *buf, const struct berth_http_response *http)
{
	enum berth_err err = berth_frame_put_u32(buf, TAG_STATUS, (uint32_t)http->status);
	err = err ? err : put_some(buf, TAG_MEDIA_TYPE, http->media_type, BERTH_IPC_MEDIA_TYPE_MAX);
	err = err ? err : put_some(buf, TAG_LOCATION, http->location, BERTH_IPC_HEADER_MAX);
	err = err ? err
		  : put_some(buf, TAG_WWW_AUTHENTICATE, http->www_authenticate,
			     BERTH_IPC_HEADER_MAX);
	err = err ? err : berth_frame_put_i64(buf, TAG_RETRY_AFTER, http->retry_after_s);
	err = err ? err : berth_frame_put_u32(buf, TAG_CLOSE, http->close ? 1 : 0);
	return err ? err : put_some(buf, TAG_BODY, http->body, 0);
}

static struct berth_bytes
cut(struct berth_bytes b, size_t max)
{
	return berth_bytes_of(b.p, b.n < max ? b.n : max);
}

static enum berth_err
put_fault(struct berth_buf *buf, const struct berth_why *fault)
{
	enum berth_err err = berth_frame_put_u32(buf, TAG_ERR, fault ? fault->err : BERTH_OK);
	if (err || !fault) {
		return err;
	}
	err = put_some(buf, TAG_RULE, cut(berth_text(fault->rule), BERTH_IPC_RULE_MAX), 0);
	return err ? err : put_some(buf, TAG_SENTENCE, berth_text(fault->sentence), 0);
}

enum berth_err
berth_ipc_put_request(struct berth_buf *buf, uint64_t id, const struct berth_ipc_request *request)
{
	enum berth_err err = berth_frame_start(buf, BERTH_IPC_REQUEST, id);
	err = err ? err : put_http_request(buf, &request->http);
	err = err ? err : put_tls(buf, &request->tls);
	err = err ? err
		  : put_some(buf, TAG_PEER_ADDRESS, request->peer_address, BERTH_IPC_ADDRESS_MAX);
	return err ? err : berth_frame_finish(buf);
}

enum berth_err
berth_ipc_put_reply(struct berth_buf *buf, uint64_t id, const struct berth_http_response *reply)
{
	enum berth_err err = berth_frame_start_reply(buf, BERTH_IPC_REQUEST, id);
	err = err ? err : put_http_response(buf, reply);
	return err ? err : berth_frame_finish(buf);
}

enum berth_err
berth_ipc_put_gone(struct berth_buf *buf, uint64_t id)
{
	enum berth_err err = berth_frame_start(buf, BERTH_IPC_GONE, id);
	return err ? err : berth_frame_finish(buf);
}

enum berth_err
berth_ipc_put_dial(struct berth_buf *buf, uint64_t id, const struct berth_dial *dial)
{
	enum berth_err err = berth_frame_start(buf, BERTH_IPC_DIAL, id);
	err = err ? err : put_http_request(buf, &dial->request);
	err = err ? err : berth_frame_put_bytes(buf, TAG_HOST, dial->host);
	err = err ? err : berth_frame_put_u32(buf, TAG_PORT, dial->port);
	err = err ? err : berth_frame_put_bytes(buf, TAG_ANCHORS, dial->anchors_pem);
	err = err ? err
		  : berth_frame_put_u32(buf, TAG_WITH_CERTIFICATE,
					dial->with_client_certificate ? 1 : 0);
	err = err ? err : berth_frame_put_u32(buf, TAG_PLAIN, dial->is_plain ? 1 : 0);
	err = err ? err : put_some(buf, TAG_NETWORKS, dial->networks, BERTH_NETWORKS_TEXT_MAX);
	err = err ? err : berth_frame_put_i64(buf, TAG_TIMEOUT, dial->timeout_ms);
	err = err ? err : berth_frame_put_u64(buf, TAG_BODY_LIMIT, dial->body_limit_bytes);
	return err ? err : berth_frame_finish(buf);
}

enum berth_err
berth_ipc_put_dialled(struct berth_buf *buf, uint64_t id,
		      const struct berth_http_response *response, const struct berth_tls_facts *tls,
		      const struct berth_why *fault)
{
	static const struct berth_tls_facts none = {0};
	enum berth_err err = berth_frame_start_reply(buf, BERTH_IPC_DIAL, id);
	err = err ? err : put_http_response(buf, response);
	err = err ? err : put_tls(buf, tls ? tls : &none);
	err = err ? err : put_fault(buf, fault);
	return err ? err : berth_frame_finish(buf);
}

enum berth_err
berth_ipc_put_sign(struct berth_buf *buf, uint64_t id, uint16_t op, struct berth_bytes payload)
{
	enum berth_err err = berth_frame_start(buf, BERTH_IPC_SIGN, id);
	err = err ? err : berth_frame_put_u32(buf, TAG_OP, op);
	err = err ? err : berth_frame_put_bytes(buf, TAG_PAYLOAD, payload);
	return err ? err : berth_frame_finish(buf);
}

enum berth_err
berth_ipc_put_signature(struct berth_buf *buf, uint64_t id, struct berth_bytes object,
			const struct berth_why *fault)
{
	enum berth_err err = berth_frame_start_reply(buf, BERTH_IPC_SIGN, id);
	err = err ? err : put_fault(buf, fault);
	err = err ? err : put_some(buf, TAG_OBJECT, object, 0);
	return err ? err : berth_frame_finish(buf);
}

enum berth_err
berth_ipc_put_link(struct berth_buf *buf, enum berth_ipc_edge edge, uint32_t index)
{
	enum berth_err err = berth_frame_start(buf, BERTH_IPC_LINK, 0);
	err = err ? err : berth_frame_put_u32(buf, TAG_EDGE, edge);
	err = err ? err : berth_frame_put_u32(buf, TAG_INDEX, index);
	return err ? err : berth_frame_finish(buf);
}

enum berth_err
berth_ipc_put_dpp_message(struct berth_buf *buf, uint64_t id, struct berth_bytes body,
			  struct berth_bytes address)
{
	enum berth_err err = berth_frame_start(buf, BERTH_IPC_DPP, id);
	err = err ? err : berth_frame_put_bytes(buf, TAG_BODY, body);
	err = err ? err : put_some(buf, TAG_PEER_ADDRESS, address, BERTH_IPC_ADDRESS_MAX);
	return err ? err : berth_frame_finish(buf);
}

enum berth_err
berth_ipc_put_dpp_send(struct berth_buf *buf, uint64_t id, struct berth_bytes body, bool close)
{
	enum berth_err err = berth_frame_start(buf, BERTH_IPC_DPP, id);
	err = err ? err : put_some(buf, TAG_BODY, body, BERTH_DPP_BODY_MAX_BYTES);
	err = err ? err : berth_frame_put_u32(buf, TAG_CLOSE, close ? 1 : 0);
	return err ? err : berth_frame_finish(buf);
}

enum berth_err
berth_ipc_put_dpp_gone(struct berth_buf *buf, uint64_t id)
{
	enum berth_err err = berth_frame_start(buf, BERTH_IPC_DPP_GONE, id);
	return err ? err : berth_frame_finish(buf);
}

enum berth_err
berth_ipc_put_dpp_dial(struct berth_buf *buf, uint64_t id, struct berth_bytes host, uint16_t port)
{
	enum berth_err err = berth_frame_start(buf, BERTH_IPC_DPP_DIAL, id);
	err = err ? err : berth_frame_put_bytes(buf, TAG_HOST, host);
	err = err ? err : berth_frame_put_u32(buf, TAG_PORT, port);
	return err ? err : berth_frame_finish(buf);
}

enum berth_err
berth_ipc_put_dpp_dialled(struct berth_buf *buf, uint64_t id, uint64_t connection,
			  const struct berth_why *fault)
{
	enum berth_err err = berth_frame_start_reply(buf, BERTH_IPC_DPP_DIAL, id);
	err = err ? err : berth_frame_put_u64(buf, TAG_CONNECTION, connection);
	err = err ? err : put_fault(buf, fault);
	return err ? err : berth_frame_finish(buf);
}

enum berth_err
berth_ipc_put_drain(struct berth_buf *buf)
{
	enum berth_err err = berth_frame_start(buf, BERTH_IPC_DRAIN, 0);
	return err ? err : berth_frame_finish(buf);
}

enum berth_err
berth_ipc_put_ready(struct berth_buf *buf)
{
	enum berth_err err = berth_frame_start(buf, BERTH_IPC_READY, 0);
	return err ? err : berth_frame_finish(buf);
}
