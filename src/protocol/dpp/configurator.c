/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/configurator.h"

#include <stdlib.h>

#include "base/base64.h"

#define SECTION "DPP 6.4"
#define ARENA_BYTES 32768 /* one request */

/* Named by what it waits for. */
enum state { FOR_REQUEST, FOR_ANSWER, FOR_COMEBACK, FOR_RESULT, FOR_CONNECTION, OVER };

struct berth_dpp_configurator {
	struct berth_dpp_configurator_conf conf;
	struct berth_dpp_secrets secrets;
	enum state state;
	struct berth_arena arena;
	struct berth_dpp_request request;
	uint8_t dialog;
	uint8_t e_nonce[BERTH_DPP_NONCE_MAX];
	uint8_t seen[BERTH_SHA256_BYTES]; /* of the request that is being answered */
	struct berth_ec_point net_access_key;
	bool has_new_key; /* we asked for one on another curve */
	struct berth_secret new_scalar;
	struct berth_ec_point new_key;
	bool was_deferred; /* the answer goes into a comeback response */
	bool has_response;
	struct berth_buf response; /* attributes, for a comeback */
	struct berth_buf output;
	bool has_output;
	bool has_event;
	struct berth_dpp_configurator_event event;
	bool result_is_known;
	struct berth_mono deadline;
};

static enum berth_err
cannot(struct berth_why *why, enum berth_err err)
{
	return berth_fail(why, err, "dpp-configuration", SECTION,
			  "The configuration cannot go on: no memory, or a limit is passed.");
}

static void
raise_event(struct berth_dpp_configurator *c, enum berth_dpp_configurator_event_kind kind)
{
	c->event = (struct berth_dpp_configurator_event){.kind = kind};
	c->has_event = true;
}

static void
finish(struct berth_dpp_configurator *c)
{
	c->state = OVER;
	c->deadline = BERTH_MONO_NEVER;
	raise_event(c, BERTH_DPP_CONFIGURED);
	c->event.result_is_known = c->result_is_known;
}

static void
fail(struct berth_dpp_configurator *c, const struct berth_why *why)
{
	c->state = OVER;
	c->deadline = BERTH_MONO_NEVER;
	raise_event(c, BERTH_DPP_CONFIGURATION_FAILED);
	c->event.why = *why;
}

enum berth_err
berth_dpp_configurator_start(const struct berth_dpp_configurator_conf *conf,
			     struct berth_dpp_secrets *secrets, struct berth_mono now,
			     struct berth_dpp_configurator **ret, struct berth_why *why)
{
	struct berth_dpp_configurator *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return cannot(why, BERTH_E_MEMORY);
	c->conf = *conf;
	c->secrets = *secrets;
	*secrets = (struct berth_dpp_secrets){0};
	c->net_access_key = c->secrets.peer_key;
	c->deadline = berth_mono_after_ms(now, BERTH_DPP_REQUEST_TIMEOUT_MS);
	berth_arena_start(&c->arena, ARENA_BYTES);
	*ret = c;
	return BERTH_OK;
}

void
berth_dpp_configurator_end(struct berth_dpp_configurator *c)
{
	if (c == NULL)
		return;
	berth_dpp_secrets_free(&c->secrets);
	berth_secret_free(&c->new_scalar);
	berth_arena_end(&c->arena);
	berth_buf_free(&c->response);
	berth_buf_free(&c->output);
	free(c);
}

const struct berth_dpp_secrets *
berth_dpp_configurator_secrets(const struct berth_dpp_configurator *c)
{
	return &c->secrets;
}

/* Whatever was asked for, the whole of it goes to the same dialog. */
static enum berth_err
send_response(struct berth_dpp_configurator *c, enum berth_dpp_frame_kind kind, uint16_t delay,
	      struct berth_bytes attributes, struct berth_why *why)
{
	const struct berth_dpp_frame frame = {
		.kind = kind,
		.dialog = c->dialog,
		.delay = delay,
		.attributes = attributes,
	};

	berth_buf_clear(&c->output);
	enum berth_err err = berth_dpp_frame_build(&frame, &c->output);
	c->has_output = !err;
	return err ? cannot(why, err) : BERTH_OK;
}

/* A key on the curve that we asked for, with the proof that it is of who was authenticated. */
static enum berth_err
take_new_key(struct berth_dpp_configurator *c, struct berth_bytes plain, struct berth_bytes e_nonce,
	     struct berth_why *why)
{
	enum berth_ec_curve curve = c->new_key.curve;
	size_t n = berth_ec_facts(c->secrets.curve)->hash_bytes;
	struct berth_bytes xy = BERTH_BYTES_NONE;
	struct berth_bytes tag = BERTH_BYTES_NONE;
	uint8_t expected[BERTH_EC_HASH_MAX];
	struct berth_ec_point key;

	enum berth_err err =
		berth_dpp_attribute_get(plain, BERTH_DPP_INITIATOR_PROTOCOL_KEY,
					2U * berth_ec_facts(curve)->coordinate_bytes, &xy, why);
	err = err ? err : berth_dpp_attribute_get(plain, BERTH_DPP_I_AUTH, n, &tag, why);
	err = err ? err : berth_ec_point(c->conf.pki, curve, xy, &key, why);
	if (err)
		return err;
	err = berth_dpp_new_key_tag(c->conf.pki, &c->secrets, &c->new_scalar, &key, e_nonce,
				    &c->new_key, &key, expected);
	if (err)
		return cannot(why, err);
	if (!berth_bytes_equal_secretly(tag, berth_bytes_of(expected, n)))
		return berth_fail(why, BERTH_E_SIGNATURE, "dpp-new-key", "DPP 6.4.6",
				  "The new protocol key is not shown to be of the device that was "
				  "authenticated.");
	c->net_access_key = key;
	return BERTH_OK;
}

static enum berth_err
read_request(struct berth_dpp_configurator *c, const struct berth_dpp_frame *frame,
	     struct berth_why *why)
{
	static const struct berth_dpp_associated none = {0};
	struct berth_bytes e_nonce = BERTH_BYTES_NONE;
	struct berth_bytes json = BERTH_BYTES_NONE;
	BERTH_BUF plain = {0};

	enum berth_err err = berth_dpp_unwrap(c->conf.pki, &c->secrets.ke, &none, frame->attributes,
					      &plain, why);
	struct berth_bytes inside = berth_buf_view(&plain);
	err = err ? err
		  : berth_dpp_attribute_get(inside, BERTH_DPP_E_NONCE,
					    berth_dpp_nonce_bytes(c->secrets.curve), &e_nonce, why);
	err = err ? err
		  : berth_dpp_attribute_get_up_to(inside, BERTH_DPP_CONFIG_REQUEST,
						  BERTH_DPP_REQUEST_MAX_BYTES, &json, why);
	if (!err && c->has_new_key)
		err = take_new_key(c, inside, e_nonce, why);
	if (err)
		return err;
	berth_arena_end(&c->arena);
	berth_arena_start(&c->arena, ARENA_BYTES);
	err = berth_dpp_request_read(json, &c->arena, &c->request, why);
	if (!err)
		memcpy(c->e_nonce, e_nonce.p, e_nonce.n);
	return err;
}

static enum berth_err
take_request(struct berth_dpp_configurator *c, struct berth_mono now,
	     const struct berth_dpp_frame *frame, struct berth_why *why)
{
	uint8_t sum[BERTH_SHA256_BYTES];
	enum berth_err err = berth_sha256(c->conf.pki, frame->attributes, sum);

	if (err)
		return cannot(why, err);
	if (memcmp(sum, c->seen, sizeof(sum)) == 0) {
		/* again, through another connection or another dialog: the same answer, once there is one */
		c->dialog = frame->dialog;
		return c->has_response ? send_response(c, BERTH_DPP_FRAME_GAS_RESPONSE, 0,
						       berth_buf_view(&c->response), why)
				       : BERTH_OK;
	}
	if (c->state != FOR_REQUEST)
		return berth_fail(
			why, BERTH_E_STATE, "dpp-frame-unexpected", SECTION,
			"Another configuration request comes while one is being answered.");
	err = read_request(c, frame, why);
	if (err)
		return err;
	memcpy(c->seen, sum, sizeof(sum));
	c->dialog = frame->dialog;
	c->has_response = false;
	c->was_deferred = false;
	c->state = FOR_ANSWER;
	c->deadline = c->conf.comeback_ms > 0
			      ? berth_mono_after_ms(now, c->conf.comeback_ms)
			      : berth_mono_after_ms(now, BERTH_DPP_REQUEST_TIMEOUT_MS);
	raise_event(c, BERTH_DPP_CONFIGURE);
	c->event.request = &c->request;
	c->event.net_access_key = &c->net_access_key;
	return BERTH_OK;
}

static enum berth_err
take_comeback(struct berth_dpp_configurator *c, const struct berth_dpp_frame *frame,
	      struct berth_why *why)
{
	if (!c->was_deferred)
		return berth_fail(why, BERTH_E_STATE, "dpp-frame-unexpected", SECTION,
				  "Nobody was told to come back.");
	c->dialog = frame->dialog;
	if (c->has_response)
		return send_response(c, BERTH_DPP_FRAME_COMEBACK_RESPONSE, 0,
				     berth_buf_view(&c->response), why);
	return send_response(c, BERTH_DPP_FRAME_COMEBACK_RESPONSE, BERTH_DPP_COMEBACK_DELAY,
			     BERTH_BYTES_NONE, why);
}

static enum berth_err
open_result(struct berth_dpp_configurator *c, const struct berth_dpp_frame *frame,
	    struct berth_buf *plain, struct berth_why *why)
{
	size_t n = berth_dpp_nonce_bytes(c->secrets.curve);
	struct berth_bytes e_nonce = BERTH_BYTES_NONE;

	enum berth_err err = berth_dpp_open_result(c->conf.pki, frame, &c->secrets.ke, plain, why);
	err = err ? err
		  : berth_dpp_attribute_get(berth_buf_view(plain), BERTH_DPP_E_NONCE, n, &e_nonce,
					    why);
	if (!err && memcmp(e_nonce.p, c->e_nonce, n) != 0)
		err = berth_fail(why, BERTH_E_MISMATCH, "dpp-e-nonce", "DPP 6.4.4",
				 "The result is of another configuration than this one.");
	return err;
}

static enum berth_err
take_result(struct berth_dpp_configurator *c, struct berth_mono now,
	    const struct berth_dpp_frame *frame, struct berth_why *why)
{
	BERTH_BUF plain = {0};
	uint8_t status = 0;
	enum berth_err err = open_result(c, frame, &plain, why);

	err = err ? err
		  : berth_dpp_attribute_get_u8(berth_buf_view(&plain), BERTH_DPP_STATUS, &status,
					       why);
	if (err)
		return err;
	c->result_is_known = true;
	raise_event(c, BERTH_DPP_RESULT);
	c->event.status = status;
	if (status == BERTH_DPP_OK && c->conf.wants_connection_status) {
		c->state = FOR_CONNECTION;
		c->deadline = berth_mono_after_ms(now, BERTH_DPP_CONNECTION_TIMEOUT_MS);
	} else {
		c->state = OVER;
		c->deadline = now; /* the next tick says so: one event at a time */
	}
	return BERTH_OK;
}

static enum berth_err
take_connection(struct berth_dpp_configurator *c, struct berth_mono now,
		const struct berth_dpp_frame *frame, struct berth_why *why)
{
	static const struct berth_json_limits limits = {.max_bytes = 4096};
	struct berth_bytes json = BERTH_BYTES_NONE;
	struct berth_bytes detail;
	int64_t result = 0;
	BERTH_BUF plain = {0};
	BERTH_JSON json_t *root = NULL;

	enum berth_err err = open_result(c, frame, &plain, why);
	err = err ? err
		  : berth_dpp_attribute_get_up_to(berth_buf_view(&plain),
						  BERTH_DPP_CONNECTION_STATUS, limits.max_bytes,
						  &json, why);
	err = err ? err : berth_json_parse(json, &limits, &root, why);
	err = err ? err
		  : berth_json_get_i64(root, "result", BERTH_JSON_REQUIRED, 0, UINT8_MAX, &result,
				       why);
	if (err)
		return err;
	detail = berth_arena_copy(&c->arena, json);
	raise_event(c, BERTH_DPP_CONNECTION);
	c->event.status = (unsigned)result;
	c->event.detail = detail.p == NULL ? BERTH_BYTES_NONE : detail;
	c->state = OVER;
	c->deadline = now;
	return BERTH_OK;
}

enum berth_err
berth_dpp_configurator_input(struct berth_dpp_configurator *c, struct berth_mono now,
			     const struct berth_dpp_frame *frame, struct berth_why *why)
{
	switch (frame->kind) {
	case BERTH_DPP_FRAME_GAS_REQUEST:
		/* a device whose answer was lost asks again while we wait for its result */
		return take_request(c, now, frame, why);
	case BERTH_DPP_FRAME_COMEBACK_REQUEST:
		return take_comeback(c, frame, why);
	case BERTH_DPP_FRAME_ACTION:
		if (frame->type == BERTH_DPP_CONFIGURATION_RESULT && c->state == FOR_RESULT)
			return take_result(c, now, frame, why);
		if (frame->type == BERTH_DPP_CONNECTION_STATUS_RESULT && c->state == FOR_CONNECTION)
			return take_connection(c, now, frame, why);
		break;
	case BERTH_DPP_FRAME_GAS_RESPONSE:
	case BERTH_DPP_FRAME_COMEBACK_RESPONSE:
		break;
	}
	return berth_fail(why, BERTH_E_STATE, "dpp-frame-unexpected", SECTION,
			  "Frame %u of DPP is not expected at this point of a configuration.",
			  frame->type);
}

static enum berth_err
put_new_key(struct berth_dpp_configurator *c, enum berth_ec_curve curve, struct berth_buf *plain,
	    struct berth_why *why)
{
	berth_secret_free(&c->new_scalar);
	enum berth_err err = berth_ec_generate(c->conf.pki, curve, &c->conf.random, &c->new_scalar,
					       &c->new_key, why);
	if (err)
		return err;
	c->has_new_key = true;
	err = berth_dpp_put_u16(plain, BERTH_DPP_GROUP, berth_ec_facts(curve)->group);
	err = err ? err
		  : berth_dpp_put(plain, BERTH_DPP_RESPONDER_PROTOCOL_KEY,
				  berth_ec_xy(&c->new_key));
	return err ? cannot(why, err) : BERTH_OK;
}

static enum berth_err
put_configuration(struct berth_dpp_configurator *c,
		  const struct berth_dpp_configurator_answer *answer, struct berth_buf *plain,
		  struct berth_why *why)
{
	size_t count = c->secrets.version > 1	  ? answer->object_count
		       : answer->object_count > 1 ? 1
						  : answer->object_count;
	enum berth_err err = BERTH_OK;

	for (size_t i = 0; !err && i < count; i++)
		err = berth_dpp_put(plain, BERTH_DPP_CONFIG_OBJECT, answer->objects[i]);
	if (!err && answer->enveloped.n > 0)
		err = berth_dpp_put(plain, BERTH_DPP_ENVELOPED_DATA, answer->enveloped);
	if (!err && c->conf.wants_connection_status && c->secrets.version > 1)
		err = berth_dpp_put(plain, BERTH_DPP_SEND_CONNECTION_STATUS, BERTH_BYTES_NONE);
	return err ? cannot(why, err) : BERTH_OK;
}

static enum berth_err
put_answer(struct berth_dpp_configurator *c, const struct berth_dpp_configurator_answer *answer,
	   struct berth_buf *plain, struct berth_why *why)
{
	BERTH_BUF text = {0};
	size_t n = berth_dpp_nonce_bytes(c->secrets.curve);
	enum berth_err err = berth_dpp_put(plain, BERTH_DPP_E_NONCE, berth_bytes_of(c->e_nonce, n));

	if (err)
		return cannot(why, err);
	if (answer->status == BERTH_DPP_OK)
		return put_configuration(c, answer, plain, why);
	if (answer->status == BERTH_DPP_NEW_KEY_NEEDED)
		return put_new_key(c, answer->new_key_curve, plain, why);
	if (answer->status != BERTH_DPP_CSR_NEEDED || answer->csr_attributes.n == 0)
		return BERTH_OK;
	err = berth_base64_encode(answer->csr_attributes, 0, &text);
	err = err ? err : berth_dpp_put(plain, BERTH_DPP_CSR_ATTRIBUTES, berth_buf_view(&text));
	return err ? cannot(why, err) : BERTH_OK;
}

/* What follows an answer: another request, a result, or nothing. */
static void
go_on(struct berth_dpp_configurator *c, struct berth_mono now, enum berth_dpp_status status)
{
	struct berth_why why = {0};

	c->deadline = berth_mono_after_ms(now, BERTH_DPP_RESULT_TIMEOUT_MS);
	if (status == BERTH_DPP_CSR_NEEDED || status == BERTH_DPP_NEW_KEY_NEEDED ||
	    status == BERTH_DPP_CSR_BAD) {
		c->state = FOR_REQUEST;
	} else if (status != BERTH_DPP_OK) {
		berth_why_fill(&why, BERTH_E_DENIED, "dpp-configuration-status", SECTION, 0,
			       "The device was told that it is not configured: %s.",
			       berth_dpp_status_name(status));
		fail(c, &why);
	} else if (c->secrets.version > 1) {
		c->state = FOR_RESULT;
	} else {
		finish(c); /* nothing will be heard of it */
	}
}

enum berth_err
berth_dpp_configurator_answer(struct berth_dpp_configurator *c, struct berth_mono now,
			      const struct berth_dpp_configurator_answer *answer,
			      struct berth_why *why)
{
	BERTH_BUF status = {0};
	BERTH_BUF plain = {0};
	BERTH_BUF response = {0};

	if (c->state != FOR_ANSWER && c->state != FOR_COMEBACK)
		return berth_fail(why, BERTH_E_STATE, "dpp-answer", NULL,
				  "No configuration was asked for.");
	enum berth_err err = berth_dpp_put_u8(&status, BERTH_DPP_STATUS, (uint8_t)answer->status);
	if (err)
		return cannot(why, err);
	/* wrapping appends, which may move what stands there already */
	const struct berth_dpp_associated associated = {{berth_buf_view(&status)}, 1};
	err = put_answer(c, answer, &plain, why);
	err = err ? err : berth_buf_append_bytes(&response, berth_buf_view(&status));
	err = err ? err
		  : berth_dpp_wrap(c->conf.pki, &c->secrets.ke, &associated, berth_buf_view(&plain),
				   &response, why);
	if (plain.p != NULL)
		berth_wipe(plain.p, plain.n);
	if (err)
		return err;
	berth_buf_free(&c->response);
	c->response = response;
	response = (struct berth_buf){0};
	c->has_response = true;
	if (!c->was_deferred)
		err = send_response(c, BERTH_DPP_FRAME_GAS_RESPONSE, 0,
				    berth_buf_view(&c->response), why);
	if (!err)
		go_on(c, now, answer->status);
	return err;
}

static void
tick_waiting(struct berth_dpp_configurator *c, struct berth_mono now)
{
	struct berth_why why = {0};

	if (c->state == FOR_ANSWER && c->conf.comeback_ms > 0) {
		c->state = FOR_COMEBACK;
		c->was_deferred = true;
		c->deadline = berth_mono_after_ms(now, 6 * BERTH_DPP_REQUEST_TIMEOUT_MS);
		berth_ignore(send_response(c, BERTH_DPP_FRAME_GAS_RESPONSE,
					   BERTH_DPP_COMEBACK_DELAY, BERTH_BYTES_NONE, &why),
			     "without memory it goes silent, and the other asks again");
		return;
	}
	berth_why_fill(&why, BERTH_E_TIMEOUT, "dpp-timeout", SECTION, 0,
		       c->state == FOR_REQUEST ? "The device did not ask for its configuration."
		       : c->state == FOR_RESULT
			       ? "The device did not say whether it took its configuration."
			       : "No configuration came in time for the device.");
	fail(c, &why);
}

void
berth_dpp_configurator_tick(struct berth_dpp_configurator *c, struct berth_mono now)
{
	if (now.ms < c->deadline.ms || c->has_event)
		return;
	/* no word of the connection is no fault: a relay may have closed before it came */
	if (c->state == OVER || c->state == FOR_CONNECTION)
		finish(c);
	else
		tick_waiting(c, now);
}

struct berth_mono
berth_dpp_configurator_deadline(const struct berth_dpp_configurator *c)
{
	return c->deadline;
}

bool
berth_dpp_configurator_event(struct berth_dpp_configurator *c,
			     struct berth_dpp_configurator_event *ret)
{
	if (!c->has_event)
		return false;
	c->has_event = false;
	*ret = c->event;
	/* a result that ends it says so in an event of its own */
	if (c->state == OVER && c->deadline.ms != BERTH_MONO_NEVER.ms)
		finish(c);
	return true;
}

bool
berth_dpp_configurator_output(struct berth_dpp_configurator *c, struct berth_bytes *body)
{
	if (!c->has_output)
		return false;
	c->has_output = false;
	*body = berth_buf_view(&c->output);
	return true;
}
