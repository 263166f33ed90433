/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/reconfiguration.h"

#include <stdlib.h>

#include "codec/json_write.h"
#include "pki/hkdf.h"
#include "protocol/dpp/wrap.h"

#define SECTION "DPP 6.5"
#define CONNECTOR_LIFE_S 3600 /* of the one that a Configurator shows, once */
#define RESULT_NO_AP 10	      /* what a device says of its connection when it asks for another */
#define FLAG_REPLACE_KEY 1

/* Named by what it waits for. */
enum state {
	C_WAITS_FOR_CONNECTOR,
	C_WAITS_FOR_RESPONSE,
	C_WAITS_FOR_PERMISSION,
	E_WAITS_FOR_PRODUCT,
	E_WAITS_FOR_CONFIRM,
	OVER,
};

struct berth_dpp_reconfig {
	struct berth_dpp_reconfig_conf conf;
	enum state state;
	enum berth_ec_curve curve;
	uint8_t transaction;
	uint8_t peer_version;
	uint8_t c_nonce[BERTH_DPP_NONCE_MAX], e_nonce[BERTH_DPP_NONCE_MAX];
	struct berth_secret scalar;	  /* cI, or pR */
	struct berth_ec_point own, peer;  /* CI and PR; of the enrollee PR and CI */
	struct berth_dpp_connector other; /* the other's, verified */
	struct berth_secret prk, ke;
	struct berth_buf payload;
	bool replaces_key;
	struct berth_mono deadline;
	struct berth_buf output;
	bool has_output;
	bool has_event;
	struct berth_dpp_reconfig_event event;
};

static enum berth_err
cannot(struct berth_why *why, enum berth_err err)
{
	return berth_fail(why, err, "dpp-reconfiguration", SECTION,
			  "The reconfiguration cannot go on: no memory, or the cryptographic "
			  "library failed.");
}

static void
raise_event(struct berth_dpp_reconfig *r, enum berth_dpp_reconfig_event_kind kind)
{
	r->event = (struct berth_dpp_reconfig_event){.kind = kind};
	r->has_event = true;
}

static void
fail(struct berth_dpp_reconfig *r, const struct berth_why *why)
{
	r->state = OVER;
	r->deadline = BERTH_MONO_NEVER;
	raise_event(r, BERTH_DPP_RECONFIG_FAILED);
	r->event.why = *why;
}

static void
finish(struct berth_dpp_reconfig *r)
{
	r->state = OVER;
	r->deadline = BERTH_MONO_NEVER;
	raise_event(r, BERTH_DPP_RECONFIG_DONE);
}

enum berth_err
berth_dpp_announcement_parse(struct berth_pki *pki, enum berth_ec_curve pp_curve,
			     const struct berth_dpp_frame *frame,
			     struct berth_dpp_announcement *ret, struct berth_why *why)
{
	size_t n = 2U * berth_ec_facts(pp_curve)->coordinate_bytes;
	struct berth_bytes hash = BERTH_BYTES_NONE;
	struct berth_bytes group = BERTH_BYTES_NONE;
	struct berth_bytes a_nonce = BERTH_BYTES_NONE;
	struct berth_bytes id = BERTH_BYTES_NONE;
	struct berth_dpp_announcement a;

	if (frame->kind != BERTH_DPP_FRAME_ACTION || frame->type != BERTH_DPP_RECONFIG_ANNOUNCEMENT)
		return berth_fail(why, BERTH_E_STATE, "dpp-frame-unexpected", SECTION,
				  "A reconfiguration begins with its announcement.");
	enum berth_err err = berth_dpp_attribute_get(frame->attributes, BERTH_DPP_C_SIGN_KEY_HASH,
						     sizeof(a.c_sign_hash), &hash, why);
	err = err ? err
		  : berth_dpp_attribute_get(frame->attributes, BERTH_DPP_GROUP, 2, &group, why);
	err = err ? err
		  : berth_dpp_attribute_get(frame->attributes, BERTH_DPP_A_NONCE, n, &a_nonce, why);
	err = err ? err : berth_dpp_attribute_get(frame->attributes, BERTH_DPP_E_ID, n, &id, why);
	if (err)
		return err;
	if (!berth_ec_curve_of_group((uint16_t)(group.p[0] | group.p[1] << 8), &a.curve))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "dpp-group", SECTION,
				  "The device's netAccessKey is on a curve that is not known.");
	err = berth_ec_point(pki, pp_curve, a_nonce, &a.a_nonce, why);
	err = err ? err : berth_ec_point(pki, pp_curve, id, &a.masked_id, why);
	if (err)
		return err;
	memcpy(a.c_sign_hash, hash.p, hash.n);
	*ret = a;
	return BERTH_OK;
}

enum berth_err
berth_dpp_announcement_unmask(struct berth_pki *pki,
			      const struct berth_dpp_announcement *announcement,
			      const struct berth_ec_point *product, struct berth_ec_point *e_id,
			      struct berth_why *why)
{
	return berth_ec_subtract(pki, &announcement->masked_id, product, e_id, why);
}

enum berth_err
berth_dpp_reconfig_announce(struct berth_pki *pki, const struct berth_random *random,
			    const struct berth_ec_point *c_sign,
			    const struct berth_ec_point *pp_key, const struct berth_ec_point *e_id,
			    enum berth_ec_curve net_access_curve, struct berth_buf *body,
			    struct berth_why *why)
{
	BERTH_SECRET a = {0};
	struct berth_ec_point a_nonce, mask, masked;
	uint8_t hash[32];
	BERTH_BUF attributes = {0};

	enum berth_err err = berth_ec_generate(pki, pp_key->curve, random, &a, &a_nonce, why);
	err = err ? err : berth_ec_multiply(pki, &a, pp_key, &mask, why);
	err = err ? err : berth_ec_add(pki, e_id, &mask, &masked, why);
	if (err)
		return err;
	err = berth_dpp_key_id(pki, c_sign, hash);
	err = err ? err
		  : berth_dpp_put(&attributes, BERTH_DPP_C_SIGN_KEY_HASH,
				  berth_bytes_of(hash, sizeof(hash)));
	err = err ? err
		  : berth_dpp_put_u16(&attributes, BERTH_DPP_GROUP,
				      berth_ec_facts(net_access_curve)->group);
	err = err ? err : berth_dpp_put(&attributes, BERTH_DPP_A_NONCE, berth_ec_xy(&a_nonce));
	err = err ? err : berth_dpp_put(&attributes, BERTH_DPP_E_ID, berth_ec_xy(&masked));
	const struct berth_dpp_frame frame = {
		.kind = BERTH_DPP_FRAME_ACTION,
		.type = BERTH_DPP_RECONFIG_ANNOUNCEMENT,
		.attributes = berth_buf_view(&attributes),
	};
	err = err ? err : berth_dpp_frame_build(&frame, body);
	return err ? cannot(why, err) : BERTH_OK;
}

static enum berth_err
new_machine(const struct berth_dpp_reconfig_conf *conf, struct berth_mono now,
	    struct berth_dpp_reconfig **ret, struct berth_why *why)
{
	struct berth_dpp_reconfig *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return cannot(why, BERTH_E_MEMORY);
	r->conf = *conf;
	r->peer_version = 1;
	r->deadline = berth_mono_after_ms(now, BERTH_DPP_RECONFIG_TIMEOUT_MS);
	*ret = r;
	return BERTH_OK;
}

void
berth_dpp_reconfig_end(struct berth_dpp_reconfig *r)
{
	if (r == NULL)
		return;
	berth_secret_free(&r->scalar);
	berth_secret_free(&r->prk);
	berth_secret_free(&r->ke);
	berth_buf_free(&r->payload);
	berth_buf_free(&r->output);
	free(r);
}

/* ke = HKDF(C-nonce | E-nonce, "dpp reconfig key", M.x) */
static enum berth_err
derive(struct berth_dpp_reconfig *r, const struct berth_ec_point *m, struct berth_why *why)
{
	size_t hash = berth_ec_facts(r->curve)->hash_bytes;
	size_t nonce = berth_dpp_nonce_bytes(r->curve);
	uint8_t salt[2 * BERTH_DPP_NONCE_MAX];
	struct berth_bytes x = berth_ec_x(m);

	memcpy(salt, r->c_nonce, nonce);
	memcpy(salt + nonce, r->e_nonce, nonce);
	berth_secret_free(&r->prk);
	berth_secret_free(&r->ke);
	enum berth_err err = berth_hkdf_extract(r->conf.pki, hash, berth_bytes_of(salt, 2 * nonce),
						&x, 1, &r->prk);
	err = err ? err
		  : berth_hkdf_expand(r->conf.pki, hash, &r->prk, BERTH_LIT("dpp reconfig key"),
				      hash, &r->ke);
	return err ? cannot(why, err) : BERTH_OK;
}

static enum berth_err
send(struct berth_dpp_reconfig *r, enum berth_dpp_frame_type type, struct berth_buf *clear,
     const struct berth_buf *plain, struct berth_why *why)
{
	uint8_t header[BERTH_DPP_HEADER_BYTES];
	BERTH_BUF attributes = {0};
	enum berth_err err = berth_buf_append_bytes(&attributes, berth_buf_view(clear));

	berth_dpp_frame_header(type, header);
	struct berth_dpp_associated associated = berth_dpp_associated_of(
		berth_bytes_of(header, sizeof(header)), berth_buf_view(clear));
	if (err)
		return cannot(why, err);
	if (plain != NULL)
		err = berth_dpp_wrap(r->conf.pki, &r->ke, &associated, berth_buf_view(plain),
				     &attributes, why);
	if (err)
		return err;
	const struct berth_dpp_frame frame = {
		.kind = BERTH_DPP_FRAME_ACTION,
		.type = (uint8_t)type,
		.attributes = berth_buf_view(&attributes),
	};
	berth_buf_clear(&r->output);
	err = berth_dpp_frame_build(&frame, &r->output);
	r->has_output = !err;
	return err ? cannot(why, err) : BERTH_OK;
}

static enum berth_err
put_head(struct berth_dpp_reconfig *r, struct berth_bytes connector, struct berth_buf *clear)
{
	enum berth_err err = berth_dpp_put_u8(clear, BERTH_DPP_TRANSACTION_ID, r->transaction);

	err = err ? err : berth_dpp_put_u8(clear, BERTH_DPP_VERSION, r->conf.version);
	return err ? err : berth_dpp_put(clear, BERTH_DPP_CONNECTOR, connector);
}

/* What requests and responses have in common: transaction, version, Connector. */
static enum berth_err
read_head(struct berth_dpp_reconfig *r, const struct berth_dpp_frame *frame, uint8_t *transaction,
	  struct berth_why *why)
{
	struct berth_bytes connector = BERTH_BYTES_NONE;
	struct berth_bytes version = BERTH_BYTES_NONE;

	enum berth_err err = berth_dpp_attribute_get_u8(frame->attributes, BERTH_DPP_TRANSACTION_ID,
							transaction, why);
	err = err ? err
		  : berth_dpp_attribute_get(frame->attributes, BERTH_DPP_VERSION, 1, &version, why);
	err = err ? err
		  : berth_dpp_attribute_get_up_to(frame->attributes, BERTH_DPP_CONNECTOR,
						  BERTH_DPP_CONNECTOR_MAX_BYTES, &connector, why);
	if (err)
		return err;
	if (version.p[0] < 2)
		return berth_fail(why, BERTH_E_UNSUPPORTED, "dpp-version", SECTION,
				  "Reconfiguration begins with version 2 of the protocol.");
	r->peer_version = version.p[0];
	return berth_dpp_connector_open(r->conf.pki, connector, &r->conf.c_sign, &r->other, why);
}

enum berth_err
berth_dpp_reconfig_begin(const struct berth_dpp_reconfig_conf *conf, struct berth_mono now,
			 const struct berth_dpp_announcement *announcement,
			 struct berth_dpp_reconfig **ret, struct berth_why *why)
{
	struct berth_dpp_reconfig *r = NULL;
	uint8_t hash[32];
	enum berth_err err = berth_dpp_key_id(conf->pki, &conf->c_sign, hash);

	if (err)
		return cannot(why, err);
	if (memcmp(hash, announcement->c_sign_hash, sizeof(hash)) != 0)
		return berth_fail(why, BERTH_E_UNTRUSTED, "dpp-foreign-c-sign", SECTION,
				  "The device belongs to another Configurator's network.");
	err = new_machine(conf, now, &r, why);
	if (err)
		return err;
	r->curve = announcement->curve;
	r->replaces_key = conf->replaces_key;
	berth_random_fill(&conf->random, &r->transaction, 1);
	berth_random_fill(&conf->random, r->c_nonce, berth_dpp_nonce_bytes(r->curve));
	err = berth_ec_generate(conf->pki, r->curve, &conf->random, &r->scalar, &r->own, why);
	const struct berth_dpp_connector connector = {
		.groups = {{"*", BERTH_DPP_NET_CONFIGURATOR}},
		.group_count = 1,
		.key = r->own,
		.expiry = {conf->now.s + CONNECTOR_LIFE_S},
	};
	err = err ? err : berth_dpp_connector_write(&connector, &r->payload, why);
	if (err) {
		berth_dpp_reconfig_end(r);
		return err;
	}
	r->state = C_WAITS_FOR_CONNECTOR;
	raise_event(r, BERTH_DPP_RECONFIG_SIGN);
	r->event.payload = berth_buf_view(&r->payload);
	*ret = r;
	return BERTH_OK;
}

enum berth_err
berth_dpp_reconfig_signed(struct berth_dpp_reconfig *r, struct berth_bytes connector,
			  struct berth_why *why)
{
	BERTH_BUF clear = {0};

	if (r->state != C_WAITS_FOR_CONNECTOR)
		return berth_fail(why, BERTH_E_STATE, "dpp-answer", NULL,
				  "No signature was asked for.");
	enum berth_err err = put_head(r, connector, &clear);
	err = err ? err
		  : berth_dpp_put(&clear, BERTH_DPP_C_NONCE,
				  berth_bytes_of(r->c_nonce, berth_dpp_nonce_bytes(r->curve)));
	if (err)
		return cannot(why, err);
	err = send(r, BERTH_DPP_RECONFIG_AUTHENTICATION_REQUEST, &clear, NULL, why);
	if (!err)
		r->state = C_WAITS_FOR_RESPONSE;
	return err;
}

static enum berth_err
judge_configurator(struct berth_dpp_reconfig *r, struct berth_why *why)
{
	bool is_configurator = false;

	for (size_t i = 0; i < r->other.group_count; i++)
		is_configurator =
			is_configurator || r->other.groups[i].role == BERTH_DPP_NET_CONFIGURATOR;
	if (!is_configurator)
		return berth_fail(why, BERTH_E_UNTRUSTED, "dpp-not-configurator", SECTION,
				  "The Connector that was shown is not a Configurator's.");
	if (r->other.key.curve != r->curve)
		return berth_fail(why, BERTH_E_MISMATCH, "dpp-group", SECTION,
				  "The Configurator's key is on another curve than this device's.");
	return r->conf.trusts_clock ? berth_dpp_connector_check_time(&r->other, r->conf.now, why)
				    : BERTH_OK;
}

static enum berth_err
read_request(struct berth_dpp_reconfig *r, const struct berth_dpp_frame *request,
	     struct berth_why *why)
{
	size_t nonce = berth_dpp_nonce_bytes(r->curve);
	struct berth_bytes c_nonce = BERTH_BYTES_NONE;
	enum berth_err err = read_head(r, request, &r->transaction, why);

	err = err ? err : judge_configurator(r, why);
	err = err ? err
		  : berth_dpp_attribute_get(request->attributes, BERTH_DPP_C_NONCE, nonce, &c_nonce,
					    why);
	if (err)
		return err;
	memcpy(r->c_nonce, c_nonce.p, nonce);
	berth_random_fill(&r->conf.random, r->e_nonce, nonce);
	return berth_ec_generate(r->conf.pki, r->curve, &r->conf.random, &r->scalar, &r->own, why);
}

enum berth_err
berth_dpp_reconfig_respond(const struct berth_dpp_reconfig_conf *conf, struct berth_mono now,
			   const struct berth_dpp_frame *request, struct berth_dpp_reconfig **ret,
			   struct berth_why *why)
{
	struct berth_dpp_reconfig *r = NULL;

	if (request->kind != BERTH_DPP_FRAME_ACTION ||
	    request->type != BERTH_DPP_RECONFIG_AUTHENTICATION_REQUEST)
		return berth_fail(why, BERTH_E_STATE, "dpp-frame-unexpected", SECTION,
				  "A Configurator's request was expected.");
	enum berth_err err = new_machine(conf, now, &r, why);
	if (err)
		return err;
	r->curve = conf->net_access_key.curve;
	err = read_request(r, request, why);
	if (err) {
		berth_dpp_reconfig_end(r);
		return err;
	}
	r->peer = r->other.key;
	r->state = E_WAITS_FOR_PRODUCT;
	raise_event(r, BERTH_DPP_RECONFIG_MULTIPLY);
	r->event.point = r->peer;
	*ret = r;
	return BERTH_OK;
}

static enum berth_err
send_response(struct berth_dpp_reconfig *r, struct berth_why *why)
{
	size_t nonce = berth_dpp_nonce_bytes(r->curve);
	BERTH_BUF clear = {0};
	BERTH_BUF plain = {0};
	BERTH_BUF json = {0};

	enum berth_err err = put_head(r, r->conf.connector, &clear);
	err = err ? err
		  : berth_dpp_put(&clear, BERTH_DPP_E_NONCE, berth_bytes_of(r->e_nonce, nonce));
	err = err ? err
		  : berth_dpp_put(&clear, BERTH_DPP_RESPONDER_PROTOCOL_KEY, berth_ec_xy(&r->own));
	err = err ? err
		  : berth_dpp_put(&plain, BERTH_DPP_C_NONCE, berth_bytes_of(r->c_nonce, nonce));
	err = err ? err : berth_json_start(&json, '{');
	err = err ? err : berth_json_put_i64(&json, "result", RESULT_NO_AP);
	err = err ? err : berth_json_shut(&json, '}');
	err = err ? err : berth_dpp_put(&plain, BERTH_DPP_CONNECTION_STATUS, berth_buf_view(&json));
	if (err)
		return cannot(why, err);
	return send(r, BERTH_DPP_RECONFIG_AUTHENTICATION_RESPONSE, &clear, &plain, why);
}

enum berth_err
berth_dpp_reconfig_product(struct berth_dpp_reconfig *r, enum berth_err err,
			   const struct berth_ec_point *product, struct berth_why *why)
{
	struct berth_ec_point rest, m;
	struct berth_why failed = {0};

	if (r->state != E_WAITS_FOR_PRODUCT)
		return berth_fail(why, BERTH_E_STATE, "dpp-answer", NULL,
				  "Nothing was asked to be multiplied.");
	if (err) {
		berth_why_fill(&failed, err, "dpp-own-key", NULL, 0,
			       "Our own netAccessKey cannot be used.");
		fail(r, &failed);
		return BERTH_OK;
	}
	/* M = (cR + pR) CI */
	err = berth_ec_multiply(r->conf.pki, &r->scalar, &r->peer, &rest, why);
	err = err ? err : berth_ec_add(r->conf.pki, product, &rest, &m, why);
	err = err ? err : derive(r, &m, why);
	err = err ? err : send_response(r, why);
	if (!err)
		r->state = E_WAITS_FOR_CONFIRM;
	return err;
}

static enum berth_err
unwrap(struct berth_dpp_reconfig *r, const struct berth_dpp_frame *frame, struct berth_buf *plain,
       struct berth_why *why)
{
	struct berth_dpp_associated associated = berth_dpp_associated_of(
		frame->header, berth_dpp_attributes_before_wrapped(frame->attributes));

	return berth_dpp_unwrap(r->conf.pki, &r->ke, &associated, frame->attributes, plain, why);
}

/* The nonce in plain must be this one: it is how the other shows that it speaks of this exchange. */
static enum berth_err
check_nonce(struct berth_dpp_reconfig *r, struct berth_bytes plain, enum berth_dpp_attribute id,
	    const uint8_t *expected, struct berth_why *why)
{
	size_t n = berth_dpp_nonce_bytes(r->curve);
	struct berth_bytes nonce = BERTH_BYTES_NONE;
	enum berth_err err = berth_dpp_attribute_get(plain, id, n, &nonce, why);

	if (!err && memcmp(nonce.p, expected, n) != 0)
		err = berth_fail(why, BERTH_E_MISMATCH, "dpp-reconfig-nonce", SECTION,
				 "A nonce is of another reconfiguration than this one.");
	return err;
}

/* Why the device asks for another configuration: not judged, but it must be said. */
static enum berth_err
check_connection_status(struct berth_bytes plain, struct berth_why *why)
{
	static const struct berth_json_limits limits = {.max_bytes = 4096};
	struct berth_bytes json = BERTH_BYTES_NONE;
	int64_t result = 0;
	BERTH_JSON json_t *root = NULL;

	enum berth_err err = berth_dpp_attribute_get_up_to(plain, BERTH_DPP_CONNECTION_STATUS,
							   limits.max_bytes, &json, why);
	err = err ? err : berth_json_parse(json, &limits, &root, why);
	return err ? err
		   : berth_json_get_i64(root, "result", BERTH_JSON_REQUIRED, 0, UINT8_MAX, &result,
					why);
}

static enum berth_err
take_response(struct berth_dpp_reconfig *r, const struct berth_dpp_frame *response,
	      struct berth_why *why)
{
	size_t nonce = berth_dpp_nonce_bytes(r->curve);
	struct berth_bytes e_nonce = BERTH_BYTES_NONE;
	struct berth_bytes xy = BERTH_BYTES_NONE;
	struct berth_ec_point sum, m;
	uint8_t transaction = 0;
	BERTH_BUF plain = {0};

	enum berth_err err = read_head(r, response, &transaction, why);
	if (!err && (transaction != r->transaction || r->other.key.curve != r->curve))
		err = berth_fail(why, BERTH_E_MISMATCH, "dpp-transaction", SECTION,
				 "The response is of another transaction, or of another curve.");
	err = err ? err
		  : berth_dpp_attribute_get(response->attributes, BERTH_DPP_E_NONCE, nonce,
					    &e_nonce, why);
	err = err ? err
		  : berth_dpp_attribute_get(response->attributes, BERTH_DPP_RESPONDER_PROTOCOL_KEY,
					    2U * berth_ec_facts(r->curve)->coordinate_bytes, &xy,
					    why);
	err = err ? err : berth_ec_point(r->conf.pki, r->curve, xy, &r->peer, why);
	/* M = cI (CR + PR) */
	err = err ? err : berth_ec_add(r->conf.pki, &r->other.key, &r->peer, &sum, why);
	err = err ? err : berth_ec_multiply(r->conf.pki, &r->scalar, &sum, &m, why);
	if (err)
		return err;
	memcpy(r->e_nonce, e_nonce.p, nonce);
	err = derive(r, &m, why);
	err = err ? err : unwrap(r, response, &plain, why);
	err = err ? err
		  : check_nonce(r, berth_buf_view(&plain), BERTH_DPP_C_NONCE, r->c_nonce, why);
	err = err ? err : check_connection_status(berth_buf_view(&plain), why);
	if (err)
		return err;
	r->state = C_WAITS_FOR_PERMISSION;
	raise_event(r, BERTH_DPP_RECONFIG_KNOWN);
	r->event.connector = &r->other;
	return BERTH_OK;
}

static enum berth_err
send_confirm(struct berth_dpp_reconfig *r, enum berth_dpp_status status, struct berth_why *why)
{
	size_t nonce = berth_dpp_nonce_bytes(r->curve);
	BERTH_BUF clear = {0};
	BERTH_BUF plain = {0};

	enum berth_err err = berth_dpp_put_u8(&clear, BERTH_DPP_STATUS, (uint8_t)status);
	err = err ? err : berth_dpp_put_u8(&plain, BERTH_DPP_TRANSACTION_ID, r->transaction);
	/* the device's own version, as it said: it compares */
	err = err ? err : berth_dpp_put_u8(&plain, BERTH_DPP_VERSION, r->peer_version);
	err = err ? err
		  : berth_dpp_put(&plain, BERTH_DPP_C_NONCE, berth_bytes_of(r->c_nonce, nonce));
	err = err ? err
		  : berth_dpp_put(&plain, BERTH_DPP_E_NONCE, berth_bytes_of(r->e_nonce, nonce));
	err = err ? err
		  : berth_dpp_put_u8(&plain, BERTH_DPP_RECONFIG_FLAGS,
				     r->replaces_key ? FLAG_REPLACE_KEY : 0);
	if (err)
		return cannot(why, err);
	return send(r, BERTH_DPP_RECONFIG_AUTHENTICATION_CONFIRM, &clear, &plain, why);
}

enum berth_err
berth_dpp_reconfig_allow(struct berth_dpp_reconfig *r, bool is_allowed, struct berth_why *why)
{
	struct berth_why failed = {0};

	if (r->state != C_WAITS_FOR_PERMISSION)
		return berth_fail(why, BERTH_E_STATE, "dpp-answer", NULL,
				  "No permission was asked for.");
	enum berth_err err =
		send_confirm(r, is_allowed ? BERTH_DPP_OK : BERTH_DPP_CONFIGURE_FAILURE, why);
	if (err)
		return err;
	if (is_allowed) {
		finish(r);
		return BERTH_OK;
	}
	berth_why_fill(&failed, BERTH_E_DENIED, "dpp-reconfiguration-denied", SECTION, 0,
		       "The device is not given another configuration.");
	fail(r, &failed);
	return BERTH_OK;
}

static enum berth_err
take_confirm(struct berth_dpp_reconfig *r, const struct berth_dpp_frame *confirm,
	     struct berth_why *why)
{
	BERTH_BUF plain = {0};
	uint8_t status = 0;
	uint8_t transaction = 0;
	uint8_t version = 0;
	uint8_t flags = 0;
	struct berth_why failed = {0};

	enum berth_err err =
		berth_dpp_attribute_get_u8(confirm->attributes, BERTH_DPP_STATUS, &status, why);
	err = err ? err : unwrap(r, confirm, &plain, why);
	struct berth_bytes inside = berth_buf_view(&plain);
	err = err ? err
		  : berth_dpp_attribute_get_u8(inside, BERTH_DPP_TRANSACTION_ID, &transaction, why);
	err = err ? err : berth_dpp_attribute_get_u8(inside, BERTH_DPP_VERSION, &version, why);
	err = err ? err : check_nonce(r, inside, BERTH_DPP_C_NONCE, r->c_nonce, why);
	err = err ? err : check_nonce(r, inside, BERTH_DPP_E_NONCE, r->e_nonce, why);
	err = err ? err : berth_dpp_attribute_get_u8(inside, BERTH_DPP_RECONFIG_FLAGS, &flags, why);
	if (err)
		return err;
	if (transaction != r->transaction || version != r->conf.version)
		return berth_fail(why, BERTH_E_MISMATCH, "dpp-transaction", SECTION,
				  "The confirm is of another transaction, or says another version "
				  "than this device's.");
	if (status != BERTH_DPP_OK) {
		berth_why_fill(&failed, BERTH_E_DENIED, "dpp-confirm-status", SECTION, 0,
			       "The Configurator gives no other configuration: %s.",
			       berth_dpp_status_name(status));
		fail(r, &failed);
		return BERTH_OK;
	}
	r->replaces_key = (flags & FLAG_REPLACE_KEY) != 0;
	finish(r);
	return BERTH_OK;
}

enum berth_err
berth_dpp_reconfig_input(struct berth_dpp_reconfig *r, struct berth_mono now,
			 const struct berth_dpp_frame *frame, struct berth_why *why)
{
	bool is_action = frame->kind == BERTH_DPP_FRAME_ACTION;

	(void)now;
	if (is_action && r->state == C_WAITS_FOR_RESPONSE &&
	    frame->type == BERTH_DPP_RECONFIG_AUTHENTICATION_RESPONSE)
		return take_response(r, frame, why);
	if (is_action && r->state == E_WAITS_FOR_CONFIRM &&
	    frame->type == BERTH_DPP_RECONFIG_AUTHENTICATION_CONFIRM)
		return take_confirm(r, frame, why);
	return berth_fail(why, BERTH_E_STATE, "dpp-frame-unexpected", SECTION,
			  "Frame %u of DPP is not expected at this point of a reconfiguration.",
			  frame->type);
}

void
berth_dpp_reconfig_tick(struct berth_dpp_reconfig *r, struct berth_mono now)
{
	struct berth_why why = {0};

	if (now.ms < r->deadline.ms)
		return;
	berth_why_fill(&why, BERTH_E_TIMEOUT, "dpp-timeout", SECTION, 0,
		       "The other side of the reconfiguration went silent.");
	fail(r, &why);
}

struct berth_mono
berth_dpp_reconfig_deadline(const struct berth_dpp_reconfig *r)
{
	return r->deadline;
}

bool
berth_dpp_reconfig_event(struct berth_dpp_reconfig *r, struct berth_dpp_reconfig_event *ret)
{
	if (!r->has_event)
		return false;
	r->has_event = false;
	*ret = r->event;
	return true;
}

void
berth_dpp_reconfig_repeat(struct berth_dpp_reconfig *r)
{
	r->has_output = r->output.n > 0;
}

bool
berth_dpp_reconfig_output(struct berth_dpp_reconfig *r, struct berth_bytes *body)
{
	if (!r->has_output)
		return false;
	r->has_output = false;
	*body = berth_buf_view(&r->output);
	return true;
}

void
berth_dpp_reconfig_take(struct berth_dpp_reconfig *r, struct berth_dpp_secrets *ret)
{
	bool is_configurator = r->conf.connector.n == 0;

	*ret = (struct berth_dpp_secrets){
		.curve = r->curve,
		.version = r->peer_version < r->conf.version ? r->peer_version : r->conf.version,
		.role = is_configurator ? BERTH_DPP_CONFIGURATOR : BERTH_DPP_ENROLLEE,
		.is_mutual = true,
		.bk = r->prk,
		.ke = r->ke,
		.own_key = r->own,
		.peer_key = r->peer,
	};
	r->prk = r->ke = (struct berth_secret){0};
	if (is_configurator && !r->replaces_key)
		ret->peer_key = r->other.key;
	if (!is_configurator && !r->replaces_key)
		ret->own_key = r->conf.net_access_key;
	if (!is_configurator && r->replaces_key) {
		ret->scalar = r->scalar;
		r->scalar = (struct berth_secret){0};
	}
}
