/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/enrollee.h"

#include <stdlib.h>

#include "base/base64.h"
#include "codec/json_write.h"

#define SECTION "DPP 6.4"
#define ARENA_BYTES (BERTH_DPP_BODY_MAX_BYTES * 2)
#define CSR_ROUNDS_MAX 3 /* asked for, found bad, and once more */

/* Named by what it waits for. */
enum state { FOR_RESPONSE, FOR_TIME, FOR_CSR, FOR_DECISION, FOR_CONNECTION, OVER };

struct berth_dpp_enrollee {
	struct berth_dpp_enrollee_conf conf;
	struct berth_dpp_secrets secrets;
	enum state state;
	struct berth_arena arena;
	uint8_t e_nonce[BERTH_DPP_NONCE_MAX];
	char password[BERTH_DPP_CSR_PASSWORD_CHARS + 1];
	int csr_rounds;
	bool was_deferred;
	bool has_new_key;
	struct berth_ec_point pc; /* the Configurator's key on the new curve */
	struct berth_secret new_scalar;
	struct berth_dpp_offer offer;
	struct berth_buf output;
	bool has_output;
	bool has_event;
	struct berth_dpp_enrollee_event event;
	struct berth_mono deadline, comeback_end;
};

static enum berth_err
cannot(struct berth_why *why, enum berth_err err)
{
	return berth_fail(why, err, "dpp-configuration", SECTION,
			  "The configuration cannot go on: no memory, or a limit is passed.");
}

static void
raise_event(struct berth_dpp_enrollee *e, enum berth_dpp_enrollee_event_kind kind)
{
	e->event = (struct berth_dpp_enrollee_event){.kind = kind};
	e->has_event = true;
}

static void
fail(struct berth_dpp_enrollee *e, const struct berth_why *why)
{
	e->state = OVER;
	e->deadline = BERTH_MONO_NEVER;
	raise_event(e, BERTH_DPP_ENROLMENT_FAILED);
	e->event.why = *why;
}

static void
finish(struct berth_dpp_enrollee *e)
{
	e->deadline = BERTH_MONO_NEVER;
	raise_event(e, BERTH_DPP_ENROLLED);
}

static enum berth_err
build(struct berth_dpp_enrollee *e, const struct berth_dpp_frame *frame, struct berth_why *why)
{
	berth_buf_clear(&e->output);
	enum berth_err err = berth_dpp_frame_build(frame, &e->output);
	e->has_output = !err;
	return err ? cannot(why, err) : BERTH_OK;
}

/* Pe and the proof that it is of who was authenticated (DPP 6.4.6). */
static enum berth_err
put_new_key(struct berth_dpp_enrollee *e, struct berth_buf *plain)
{
	uint8_t tag[BERTH_EC_HASH_MAX];
	struct berth_bytes e_nonce =
		berth_bytes_of(e->e_nonce, berth_dpp_nonce_bytes(e->secrets.curve));

	if (!e->has_new_key)
		return BERTH_OK;
	enum berth_err err = berth_dpp_new_key_tag(e->conf.pki, &e->secrets, &e->new_scalar, &e->pc,
						   e_nonce, &e->pc, &e->offer.net_access_key, tag);
	err = err ? err
		  : berth_dpp_put(plain, BERTH_DPP_INITIATOR_PROTOCOL_KEY,
				  berth_ec_xy(&e->offer.net_access_key));
	return err ? err
		   : berth_dpp_put(
			     plain, BERTH_DPP_I_AUTH,
			     berth_bytes_of(tag, berth_ec_facts(e->secrets.curve)->hash_bytes));
}

/* Each request has a nonce of its own. */
static enum berth_err
send_request(struct berth_dpp_enrollee *e, struct berth_mono now, struct berth_why *why)
{
	static const struct berth_dpp_associated none = {0};
	size_t n = berth_dpp_nonce_bytes(e->secrets.curve);
	BERTH_BUF json = {0};
	BERTH_BUF plain = {0};
	BERTH_BUF attributes = {0};

	berth_random_fill(&e->conf.random, e->e_nonce, n);
	enum berth_err err = berth_dpp_request_write(&e->conf.request, &json, why);
	if (err)
		return err;
	err = berth_dpp_put(&plain, BERTH_DPP_E_NONCE, berth_bytes_of(e->e_nonce, n));
	err = err ? err : put_new_key(e, &plain);
	err = err ? err : berth_dpp_put(&plain, BERTH_DPP_CONFIG_REQUEST, berth_buf_view(&json));
	if (err)
		return cannot(why, err);
	err = berth_dpp_wrap(e->conf.pki, &e->secrets.ke, &none, berth_buf_view(&plain),
			     &attributes, why);
	if (err)
		return err;
	e->state = FOR_RESPONSE;
	e->was_deferred = false;
	e->deadline = berth_mono_after_ms(now, BERTH_DPP_RESPONSE_TIMEOUT_MS);
	e->comeback_end = berth_mono_after_ms(now, BERTH_DPP_COMEBACK_TIMEOUT_MS);
	const struct berth_dpp_frame frame = {
		.kind = BERTH_DPP_FRAME_GAS_REQUEST,
		.dialog = e->conf.dialog,
		.attributes = berth_buf_view(&attributes),
	};
	return build(e, &frame, why);
}

enum berth_err
berth_dpp_enrollee_start(const struct berth_dpp_enrollee_conf *conf,
			 struct berth_dpp_secrets *secrets, struct berth_mono now,
			 struct berth_dpp_enrollee **ret, struct berth_why *why)
{
	struct berth_dpp_enrollee *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return cannot(why, BERTH_E_MEMORY);
	e->conf = *conf;
	e->secrets = *secrets;
	e->offer.net_access_key = e->secrets.own_key;
	berth_arena_start(&e->arena, ARENA_BYTES);
	enum berth_err err = send_request(e, now, why);
	if (err) {
		e->secrets = (struct berth_dpp_secrets){0}; /* the caller's still */
		berth_dpp_enrollee_end(e);
		return err;
	}
	*secrets = (struct berth_dpp_secrets){0};
	*ret = e;
	return BERTH_OK;
}

void
berth_dpp_enrollee_end(struct berth_dpp_enrollee *e)
{
	if (e == NULL)
		return;
	for (size_t i = 0; i < e->offer.count; i++) {
		/* views into the arena, which is ours */
		struct berth_dpp_object *object = &e->offer.objects[i];
		if (object->pass.p != NULL)
			berth_wipe((uint8_t *)(uintptr_t)object->pass.p, object->pass.n);
		if (object->psk.p != NULL)
			berth_wipe((uint8_t *)(uintptr_t)object->psk.p, object->psk.n);
	}
	berth_dpp_secrets_free(&e->secrets);
	berth_secret_free(&e->new_scalar);
	berth_arena_end(&e->arena);
	berth_buf_free(&e->output);
	berth_wipe(e->password, sizeof(e->password));
	free(e);
}

static enum berth_err
read_objects(struct berth_dpp_enrollee *e, struct berth_bytes plain, struct berth_why *why)
{
	struct berth_dpp_offer *offer = &e->offer;
	const struct berth_wall *now = e->conf.trusts_clock ? &e->conf.now : NULL;
	struct berth_bytes json = BERTH_BYTES_NONE;
	size_t at = 0;
	enum berth_err err = BERTH_OK;

	offer->count = 0;
	while (!err && berth_dpp_attribute_next(plain, BERTH_DPP_CONFIG_OBJECT, &at, &json)) {
		if (offer->count == BERTH_DPP_OBJECTS_MAX)
			return berth_fail(why, BERTH_E_LIMIT, "dpp-objects", SECTION,
					  "The configuration holds more than %d objects.",
					  BERTH_DPP_OBJECTS_MAX);
		struct berth_dpp_object *object = &offer->objects[offer->count];
		struct berth_dpp_connector *connector = &offer->connectors[offer->count];
		*connector = (struct berth_dpp_connector){0};
		err = berth_dpp_object_read(e->conf.pki, json, e->conf.extra_name, &e->arena,
					    object, why);
		err = err ? err
			  : berth_dpp_object_check(e->conf.pki, object, &offer->net_access_key, now,
						   connector, why);
		if (!err && e->conf.c_sign != NULL &&
		    (!object->has_c_sign || !berth_ec_equal(&object->c_sign, e->conf.c_sign)))
			err = berth_fail(why, BERTH_E_UNTRUSTED, "dpp-foreign-c-sign", "DPP 6.5",
					 "The configuration is of another network's Configurator "
					 "than this device's.");
		offer->count += err ? 0 : 1;
	}
	return err;
}

static enum berth_err
send_result(struct berth_dpp_enrollee *e, enum berth_dpp_status status, struct berth_why *why)
{
	size_t n = berth_dpp_nonce_bytes(e->secrets.curve);
	BERTH_BUF plain = {0};

	if (e->secrets.version < 2)
		return BERTH_OK;
	enum berth_err err = berth_dpp_put_u8(&plain, BERTH_DPP_STATUS, (uint8_t)status);
	err = err ? err : berth_dpp_put(&plain, BERTH_DPP_E_NONCE, berth_bytes_of(e->e_nonce, n));
	if (err)
		return cannot(why, err);
	berth_buf_clear(&e->output);
	err = berth_dpp_build_result(e->conf.pki, BERTH_DPP_CONFIGURATION_RESULT, &e->secrets.ke,
				     berth_buf_view(&plain), &e->output, why);
	e->has_output = !err;
	return err;
}

static enum berth_err
take_offer(struct berth_dpp_enrollee *e, struct berth_bytes plain, struct berth_why *why)
{
	struct berth_why refused = {0};
	struct berth_bytes nothing = BERTH_BYTES_NONE;
	struct berth_bytes enveloped = BERTH_BYTES_NONE;
	const struct berth_secret *scalar = e->has_new_key ? &e->new_scalar : &e->secrets.scalar;

	e->offer.wants_connection_status =
		berth_dpp_attribute_find(plain, BERTH_DPP_SEND_CONNECTION_STATUS, &nothing);
	e->offer.net_access_scalar = berth_bytes_of(scalar->p, scalar->n);
	enum berth_err err = read_objects(e, plain, &refused);
	if (!err && berth_dpp_attribute_find(plain, BERTH_DPP_ENVELOPED_DATA, &enveloped)) {
		e->offer.enveloped = berth_arena_copy(&e->arena, enveloped);
		if (e->offer.enveloped.p == NULL)
			err = cannot(&refused, BERTH_E_LIMIT);
	}
	if (!err && e->offer.count == 0 && e->offer.enveloped.n == 0)
		err = berth_fail(&refused, BERTH_E_SYNTAX, "dpp-objects", SECTION,
				 "The configuration holds no object.");
	if (!err) {
		e->state = FOR_DECISION;
		e->deadline = BERTH_MONO_NEVER;
		raise_event(e, BERTH_DPP_OFFERED);
		e->event.offer = &e->offer;
		return BERTH_OK;
	}
	/* it came from who was authenticated, and is no good: that is said, and is the end */
	err = send_result(e, BERTH_DPP_CONFIG_REJECTED, why);
	fail(e, &refused);
	return err;
}

static enum berth_err
take_csr_wish(struct berth_dpp_enrollee *e, struct berth_bytes plain, struct berth_why *why)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	BERTH_BUF der = {.limit = BERTH_DPP_CSR_MAX_BYTES};

	if (++e->csr_rounds > CSR_ROUNDS_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "dpp-csr-rounds", "DPP 6.4.5",
				  "The Configurator asks for a certification request again and "
				  "again.");
	if (berth_dpp_attribute_find(plain, BERTH_DPP_CSR_ATTRIBUTES, &text)) {
		enum berth_err err = berth_base64_decode(text, true, &der, why);
		if (err)
			return err;
	}
	struct berth_bytes kept = berth_arena_copy(&e->arena, berth_buf_view(&der));
	if (kept.p == NULL || berth_dpp_csr_password(e->conf.pki, &e->secrets, e->password))
		return cannot(why, BERTH_E_LIMIT);
	e->state = FOR_CSR;
	e->deadline = BERTH_MONO_NEVER;
	raise_event(e, BERTH_DPP_CSR_WANTED);
	e->event.csr_attributes = kept;
	e->event.password = e->password;
	return BERTH_OK;
}

static enum berth_err
take_key_wish(struct berth_dpp_enrollee *e, struct berth_bytes plain, struct berth_mono now,
	      struct berth_why *why)
{
	struct berth_bytes group = BERTH_BYTES_NONE;
	struct berth_bytes xy = BERTH_BYTES_NONE;
	enum berth_ec_curve curve;

	if (e->has_new_key || e->secrets.version < 3)
		return berth_fail(why, BERTH_E_STATE, "dpp-new-key", "DPP 6.4.6",
				  "The Configurator asks for a new protocol key where it may not.");
	enum berth_err err = berth_dpp_attribute_get(plain, BERTH_DPP_GROUP, 2, &group, why);
	if (err)
		return err;
	if (!berth_ec_curve_of_group((uint16_t)(group.p[0] | group.p[1] << 8), &curve))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "dpp-group", "DPP 6.4.6",
				  "The Configurator asks for a key on a curve that is not known.");
	err = berth_dpp_attribute_get(plain, BERTH_DPP_RESPONDER_PROTOCOL_KEY,
				      2U * berth_ec_facts(curve)->coordinate_bytes, &xy, why);
	err = err ? err : berth_ec_point(e->conf.pki, curve, xy, &e->pc, why);
	err = err ? err
		  : berth_ec_generate(e->conf.pki, curve, &e->conf.random, &e->new_scalar,
				      &e->offer.net_access_key, why);
	if (err)
		return err;
	e->has_new_key = true;
	return send_request(e, now, why);
}

static enum berth_err
take_response(struct berth_dpp_enrollee *e, struct berth_bytes attributes, struct berth_mono now,
	      struct berth_why *why)
{
	struct berth_dpp_associated associated = {{berth_dpp_attributes_before_wrapped(attributes)},
						  1};
	size_t n = berth_dpp_nonce_bytes(e->secrets.curve);
	struct berth_bytes e_nonce = BERTH_BYTES_NONE;
	struct berth_why refused = {0};
	BERTH_BUF plain = {0};
	uint8_t status = 0;

	enum berth_err err = berth_dpp_attribute_get_u8(attributes, BERTH_DPP_STATUS, &status, why);
	err = err ? err
		  : berth_dpp_unwrap(e->conf.pki, &e->secrets.ke, &associated, attributes, &plain,
				     why);
	struct berth_bytes inside = berth_buf_view(&plain);
	err = err ? err : berth_dpp_attribute_get(inside, BERTH_DPP_E_NONCE, n, &e_nonce, why);
	if (!err && memcmp(e_nonce.p, e->e_nonce, n) != 0)
		err = berth_fail(why, BERTH_E_MISMATCH, "dpp-e-nonce", "DPP 6.4.3",
				 "The response answers another request than ours.");
	if (!err && status == BERTH_DPP_OK)
		err = take_offer(e, inside, why);
	else if (!err && (status == BERTH_DPP_CSR_NEEDED || status == BERTH_DPP_CSR_BAD))
		err = take_csr_wish(e, inside, why);
	else if (!err && status == BERTH_DPP_NEW_KEY_NEEDED)
		err = take_key_wish(e, inside, now, why);
	else if (!err) {
		berth_why_fill(&refused, BERTH_E_DENIED, "dpp-configuration-status", SECTION, 0,
			       "The Configurator gives no configuration: %s.",
			       berth_dpp_status_name(status));
		fail(e, &refused);
	}
	if (plain.p != NULL)
		berth_wipe(plain.p, plain.n);
	return err;
}

enum berth_err
berth_dpp_enrollee_input(struct berth_dpp_enrollee *e, struct berth_mono now,
			 const struct berth_dpp_frame *frame, struct berth_why *why)
{
	bool is_answer = frame->kind == (e->was_deferred ? BERTH_DPP_FRAME_COMEBACK_RESPONSE
							 : BERTH_DPP_FRAME_GAS_RESPONSE);

	if (e->state != FOR_RESPONSE || !is_answer || frame->dialog != e->conf.dialog)
		return berth_fail(why, BERTH_E_STATE, "dpp-frame-unexpected", SECTION,
				  "This frame of DPP is not expected at this point of a "
				  "configuration.");
	if (frame->status != 0)
		return berth_fail(why, BERTH_E_DENIED, "gas-status", "IEEE 802.11 9.4.1.9",
				  "The configuration request is refused with GAS status %u.",
				  frame->status);
	if (frame->attributes.n > 0 || frame->delay == 0)
		return take_response(e, frame->attributes, now, why);
	e->was_deferred = true;
	e->state = FOR_TIME;
	int64_t delay_us = (int64_t)frame->delay * BERTH_DPP_COMEBACK_UNIT_US;
	e->deadline = berth_mono_after_ms(now, delay_us / 1000 + 1);
	return BERTH_OK;
}

void
berth_dpp_enrollee_tick(struct berth_dpp_enrollee *e, struct berth_mono now)
{
	const struct berth_dpp_frame comeback = {
		.kind = BERTH_DPP_FRAME_COMEBACK_REQUEST,
		.dialog = e->conf.dialog,
	};
	struct berth_why why = {0};

	if (now.ms < e->deadline.ms)
		return;
	if (e->state == FOR_CONNECTION) {
		e->state = OVER; /* nothing to say in time */
		e->deadline = BERTH_MONO_NEVER;
		return;
	}
	if (e->state == FOR_TIME && now.ms < e->comeback_end.ms &&
	    build(e, &comeback, &why) == BERTH_OK) {
		e->state = FOR_RESPONSE;
		e->deadline = berth_mono_after_ms(now, BERTH_DPP_RESPONSE_TIMEOUT_MS);
		return;
	}
	berth_why_fill(&why, BERTH_E_TIMEOUT, "dpp-timeout", SECTION, 0,
		       "No configuration came from the Configurator in time.");
	fail(e, &why);
}

struct berth_mono
berth_dpp_enrollee_deadline(const struct berth_dpp_enrollee *e)
{
	return e->deadline;
}

bool
berth_dpp_enrollee_event(struct berth_dpp_enrollee *e, struct berth_dpp_enrollee_event *ret)
{
	if (!e->has_event)
		return false;
	e->has_event = false;
	*ret = e->event;
	return true;
}

enum berth_err
berth_dpp_enrollee_csr(struct berth_dpp_enrollee *e, struct berth_mono now, struct berth_bytes csr,
		       struct berth_why *why)
{
	if (e->state != FOR_CSR)
		return berth_fail(why, BERTH_E_STATE, "dpp-answer", NULL,
				  "No certification request was asked for.");
	e->conf.request.csr = berth_arena_copy(&e->arena, csr);
	if (e->conf.request.csr.p == NULL)
		return cannot(why, BERTH_E_LIMIT);
	return send_request(e, now, why);
}

enum berth_err
berth_dpp_enrollee_decide(struct berth_dpp_enrollee *e, struct berth_mono now, bool is_accepted,
			  struct berth_why *why)
{
	struct berth_why refused = {0};

	if (e->state != FOR_DECISION)
		return berth_fail(why, BERTH_E_STATE, "dpp-answer", NULL,
				  "There is no offer to be decided.");
	enum berth_err err =
		send_result(e, is_accepted ? BERTH_DPP_OK : BERTH_DPP_CONFIG_REJECTED, why);
	if (err)
		return err;
	if (!is_accepted) {
		berth_why_fill(&refused, BERTH_E_DENIED, "dpp-config-rejected", SECTION, 0,
			       "The device does not take the configuration.");
		fail(e, &refused);
		return BERTH_OK;
	}
	e->state = e->offer.wants_connection_status ? FOR_CONNECTION : OVER;
	finish(e);
	if (e->state == FOR_CONNECTION)
		e->deadline = berth_mono_after_ms(now, BERTH_DPP_CONNECT_WITHIN_MS);
	return BERTH_OK;
}

enum berth_err
berth_dpp_enrollee_connected(struct berth_dpp_enrollee *e, enum berth_dpp_status result,
			     struct berth_bytes ssid, struct berth_why *why)
{
	size_t n = berth_dpp_nonce_bytes(e->secrets.curve);
	BERTH_BUF json = {0};
	BERTH_BUF ssid64 = {0};
	BERTH_BUF plain = {0};

	if (e->state != FOR_CONNECTION)
		return berth_fail(why, BERTH_E_STATE, "dpp-answer", NULL,
				  "The Configurator does not want to know how it went.");
	enum berth_err err = berth_json_start(&json, '{');
	err = err ? err : berth_json_put_i64(&json, "result", (int64_t)result);
	err = err ? err : berth_base64url_encode(ssid, &ssid64);
	err = err ? err : berth_json_put_text(&json, "ssid64", berth_buf_view(&ssid64));
	err = err ? err : berth_json_shut(&json, '}');
	err = err ? err : berth_dpp_put(&plain, BERTH_DPP_E_NONCE, berth_bytes_of(e->e_nonce, n));
	err = err ? err : berth_dpp_put(&plain, BERTH_DPP_CONNECTION_STATUS, berth_buf_view(&json));
	if (err)
		return cannot(why, err);
	berth_buf_clear(&e->output);
	err = berth_dpp_build_result(e->conf.pki, BERTH_DPP_CONNECTION_STATUS_RESULT,
				     &e->secrets.ke, berth_buf_view(&plain), &e->output, why);
	e->has_output = !err;
	e->state = OVER;
	e->deadline = BERTH_MONO_NEVER;
	return err;
}

bool
berth_dpp_enrollee_output(struct berth_dpp_enrollee *e, struct berth_bytes *body)
{
	if (!e->has_output)
		return false;
	e->has_output = false;
	*body = berth_buf_view(&e->output);
	return true;
}

const struct berth_dpp_secrets *
berth_dpp_enrollee_secrets(const struct berth_dpp_enrollee *e)
{
	return &e->secrets;
}
