/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/gateway/desired_state.h"

#include "codec/json.h"
#include "codec/json_write.h"

static enum berth_err
put_device(struct berth_buf *json, const struct berth_gateway_device *device)
{
	enum berth_err err = berth_json_open(json, NULL, '{');
	err = err ? err : berth_json_put_text(json, "id", berth_text(device->id));
	err = err ? err
		  : berth_json_put_text(json, "state",
					berth_text(berth_device_state_name(device->state)));
	err = err ? err : berth_json_put_text(json, "segment", berth_text(device->segment));
	err = err ? err
		  : berth_json_put_text(json, "issuer-key-id", berth_text(device->issuer_key_id));
	err = err ? err : berth_json_put_text(json, "serial", berth_text(device->serial));
	return err ? err : berth_json_shut(json, '}');
}

enum berth_err
berth_desired_state_build(const struct berth_desired_state *state, struct berth_buf *json,
			  struct berth_why *why)
{
	enum berth_err err = berth_json_start(json, '{');
	err = err ? err : berth_json_put_i64(json, "generation", state->generation);
	err = err ? err : berth_json_put_i64(json, "lease-s", state->lease_s);
	err = err ? err : berth_json_open(json, "devices", '[');
	for (size_t i = 0; i < state->count && !err; i++)
		err = put_device(json, &state->devices[i]);
	err = err ? err : berth_json_shut(json, ']');
	err = err ? err : berth_json_shut(json, '}');
	return err ? berth_fail(why, err, "gateway-state-build", NULL,
				"the desired state could not be written down")
		   : BERTH_OK;
}

static bool
is_hex(struct berth_bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!(text.p[i] >= '0' && text.p[i] <= '9') &&
		    !(text.p[i] >= 'a' && text.p[i] <= 'f'))
			return false;
	return text.n % 2 == 0;
}

static enum berth_err
take_text(const json_t *object, const char *key, bool only_hex, char *to, size_t cap,
	  struct berth_why *why)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err = berth_json_get_text(object, key, BERTH_JSON_REQUIRED, &text, why);
	if (err)
		return err;
	if (text.n >= cap || !berth_bytes_is_printable(text) || (only_hex && !is_hex(text)))
		return berth_fail(why, BERTH_E_SYNTAX, "gateway-state-member", NULL,
				  "the %s of a device is not one", key);
	memcpy(to, text.p, text.n);
	to[text.n] = 0;
	return BERTH_OK;
}

static enum berth_err
take_device(const json_t *object, struct berth_gateway_device *device, struct berth_why *why)
{
	struct berth_bytes state = BERTH_BYTES_NONE;
	enum berth_err err = take_text(object, "id", false, device->id, sizeof(device->id), why);
	err = err ? err : berth_json_get_text(object, "state", BERTH_JSON_REQUIRED, &state, why);
	err = err ? err : berth_device_state_parse(state, &device->state, why);
	err = err ? err
		  : take_text(object, "segment", false, device->segment, sizeof(device->segment),
			      why);
	err = err ? err
		  : take_text(object, "issuer-key-id", true, device->issuer_key_id,
			      sizeof(device->issuer_key_id), why);
	return err ? err
		   : take_text(object, "serial", true, device->serial, sizeof(device->serial), why);
}

enum berth_err
berth_desired_state_parse(struct berth_bytes json, struct berth_desired_state *ret,
			  struct berth_why *why)
{
	const struct berth_json_limits limits = {.max_bytes = BERTH_GATEWAY_STATE_MAX_BYTES,
						 .max_depth = 4};
	BERTH_JSON json_t *root = NULL;
	json_t *devices = NULL;
	struct berth_desired_state state = {0};
	enum berth_err err = berth_json_parse(json, &limits, &root, why);
	err = err ? err
		  : berth_json_get_i64(root, "generation", BERTH_JSON_REQUIRED, 1,
				       BERTH_GATEWAY_GENERATION_MAX, &state.generation, why);
	err = err ? err
		  : berth_json_get_i64(root, "lease-s", BERTH_JSON_REQUIRED, 1,
				       BERTH_GATEWAY_LEASE_MAX_S, &state.lease_s, why);
	err = err ? err : berth_json_get_array(root, "devices", BERTH_JSON_REQUIRED, &devices, why);
	if (err)
		return err;
	if (json_array_size(devices) > BERTH_GATEWAY_DEVICES_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "gateway-devices", NULL,
				  "more than %d devices of one gateway", BERTH_GATEWAY_DEVICES_MAX);
	for (; state.count < json_array_size(devices) && !err; state.count++)
		err = take_device(json_array_get(devices, state.count), &state.devices[state.count],
				  why);
	if (!err)
		*ret = state;
	return err;
}

/* req: gateway-older-generation */
enum berth_err
berth_desired_state_check_newer(int64_t held, const struct berth_desired_state *got,
				struct berth_why *why)
{
	if (got->generation >= held)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_DENIED, "gateway-older-generation", NULL,
			  "the registrar sent generation %lld, older than %lld, which is held: it "
			  "is an answer from the past",
			  (long long)got->generation, (long long)held);
}

enum berth_err
berth_desired_state_after(struct berth_bytes query, int64_t *ret, struct berth_why *why)
{
	int64_t after = 0;
	bool is_number =
		query.n > 6 && query.n <= 6 + 16 && berth_bytes_starts_with(query, "after=");
	*ret = 0;
	if (query.n == 0)
		return BERTH_OK;
	for (size_t i = 6; i < query.n && is_number; i++) {
		is_number = query.p[i] >= '0' && query.p[i] <= '9';
		after = after * 10 + (query.p[i] - '0');
	}
	if (!is_number || after >= BERTH_GATEWAY_GENERATION_MAX)
		return berth_fail(why, BERTH_E_SYNTAX, "gateway-after", NULL,
				  "the query is after=GENERATION, a number below 2^53");
	*ret = after;
	return BERTH_OK;
}
