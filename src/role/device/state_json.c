/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/device/state_json.h"

static enum berth_err
add_certificates(json_t *root, const char *key, const struct berth_cert_list *list)
{
	BERTH_JSON json_t *array = json_array();
	for (size_t i = 0; i < list->n; i++) {
		BERTH_JSON json_t *holder = json_object();
		enum berth_err err =
			berth_json_set_base64(holder, "der", berth_cert_der(list->at[i]));
		if (err) {
			return err;
		}
		if (json_array_append(array, json_object_get(holder, "der"))) {
			return BERTH_E_MEMORY;
		}
	}
	return berth_json_set(root, key, json_incref(array));
}

static enum berth_err
add_pending(json_t *root, const struct berth_device_state *state)
{
	BERTH_JSON json_t *array = json_array();
	for (size_t i = 0; i < state->pending_count; i++) {
		if (json_array_append_new(array, json_string(state->pending[i]))) {
			return BERTH_E_MEMORY;
		}
	}
	return berth_json_set(root, "pending-keys", json_incref(array));
}

static enum berth_err
add_enrolment(json_t *root, const struct berth_device_state *state)
{
	char time[BERTH_TIME_TEXT_MAX];
	enum berth_err err = berth_json_set_bool(root, "told", state->has_told);
	err = err ? err : berth_json_set_text(root, "key", berth_text(state->key));
	err = err ? err : add_certificates(root, "chain", &state->chain);
	err = err ? err : add_certificates(root, "ca-set", &state->ca_set);
	err = err ? err
		  : berth_json_set_base64(root, "registrar", berth_cert_der(state->registrar));
	err = err ? err : berth_json_set_base64(root, "pinned", berth_cert_der(state->pinned));
	err = err ? err : berth_json_set_text(root, "host", berth_text(state->candidate.host));
	err = err ? err : berth_json_set_i64(root, "port", state->candidate.port);
	err = err ? err
		  : berth_json_set_base64(root, "domain-id",
					  berth_bytes_of(state->domain_id, state->domain_id_bytes));
	if (!err && state->has_enrolled_at) {
		err = berth_json_set_text(root, "enrolled-at",
					  berth_text(berth_wall_format(state->enrolled_at, time)));
	}
	return err;
}

enum berth_err
berth_device_state_encode(const struct berth_device_state *state, struct berth_buf *json,
			  struct berth_why *why)
{
	BERTH_JSON json_t *root = json_object();
	enum berth_err err = berth_json_set_i64(root, "version", BERTH_DEVICE_STATE_VERSION);
	err = err ? err
		  : berth_json_set_text(root, "state",
					state->is_enrolled ? BERTH_LIT("enrolled")
							   : BERTH_LIT("unconfigured"));
	err = err ? err : add_pending(root, state);
	if (!err && state->is_enrolled) {
		err = add_enrolment(root, state);
	}
	err = err ? err : berth_json_encode(root, BERTH_JSON_AS_BUILT, json);
	if (err) {
		return berth_fail(why, err, "device-state-encode", NULL,
				  "the device's state does not fit into memory");
	}
	return BERTH_OK;
}

static enum berth_err
refuse(struct berth_why *why, const char *what)
{
	return berth_fail(
		why, BERTH_E_SYNTAX, "device-state", NULL,
		"state.json: %s; restore it, or remove it and the device's key to start over",
		what);
}

static enum berth_err
keep_text(struct berth_bytes text, char *to, size_t cap, struct berth_why *why)
{
	if (text.n >= cap) {
		return refuse(why, "a text is too long");
	}
	memcpy(to, text.p, text.n);
	to[text.n] = 0;
	return BERTH_OK;
}

static enum berth_err
read_certificate(struct berth_pki *pki, const json_t *root, const char *key,
		 struct berth_cert **ret, struct berth_why *why)
{
	BERTH_BUF der = {0};
	enum berth_err err = berth_json_get_base64(root, key, BERTH_JSON_REQUIRED, &der, why);
	return err ? err : berth_cert_parse(pki, berth_buf_view(&der), ret, why);
}

static enum berth_err
read_certificates(struct berth_pki *pki, const json_t *root, const char *key,
		  struct berth_cert_list *list, struct berth_why *why)
{
	json_t *array = NULL;
	enum berth_err err = berth_json_get_array(root, key, BERTH_JSON_REQUIRED, &array, why);
	for (size_t i = 0; !err && i < json_array_size(array); i++) {
		BERTH_JSON json_t *holder = json_object();
		BERTH_CERT *cert = NULL;
		err = json_object_set(holder, key, json_array_get(array, i)) ? BERTH_E_MEMORY
									     : BERTH_OK;
		err = err ? err : read_certificate(pki, holder, key, &cert, why);
		err = err ? err : berth_cert_list_add(list, cert, why);
	}
	if (!err && list->n == 0) {
		return refuse(why, "a list of certificates is empty");
	}
	return err;
}

static enum berth_err
read_pending(const json_t *root, struct berth_device_state *state, struct berth_why *why)
{
	json_t *array = NULL;
	enum berth_err err =
		berth_json_get_array(root, "pending-keys", BERTH_JSON_REQUIRED, &array, why);
	if (!err && json_array_size(array) > BERTH_DEVICE_PENDING_MAX) {
		return refuse(why, "too many pending keys");
	}
	for (size_t i = 0; !err && i < json_array_size(array); i++) {
		struct berth_bytes uri = BERTH_BYTES_NONE;
		err = berth_json_element_text(array, i, &uri, why);
		err = err ? err : keep_text(uri, state->pending[i], sizeof(state->pending[i]), why);
		state->pending_count += !err;
	}
	return err;
}

static enum berth_err
read_domain_id(const json_t *root, struct berth_device_state *state, struct berth_why *why)
{
	BERTH_BUF id = {0};
	enum berth_err err =
		berth_json_get_base64(root, "domain-id", BERTH_JSON_REQUIRED, &id, why);
	if (err) {
		return err;
	}
	if (id.n == 0 || id.n > sizeof(state->domain_id)) {
		return refuse(why, "the domain id has a wrong length");
	}
	memcpy(state->domain_id, id.p, id.n);
	state->domain_id_bytes = id.n;
	return BERTH_OK;
}

static enum berth_err
read_place(const json_t *root, struct berth_device_state *state, struct berth_why *why)
{
	struct berth_bytes host = BERTH_BYTES_NONE;
	struct berth_bytes key = BERTH_BYTES_NONE;
	struct berth_bytes time = BERTH_BYTES_NONE;
	int64_t port = 0;
	enum berth_err err = berth_json_get_text(root, "host", BERTH_JSON_REQUIRED, &host, why);
	err = err ? err : berth_json_get_text(root, "key", BERTH_JSON_REQUIRED, &key, why);
	err = err ? err
		  : berth_json_get_i64(root, "port", BERTH_JSON_REQUIRED, 1, UINT16_MAX, &port,
				       why);
	err = err ? err : berth_json_get_text(root, "enrolled-at", BERTH_JSON_OPTIONAL, &time, why);
	if (!err && time.n) {
		err = berth_wall_parse(time, &state->enrolled_at, why);
		state->has_enrolled_at = !err;
	}
	err = err ? err
		  : keep_text(host, state->candidate.host, sizeof(state->candidate.host), why);
	err = err ? err : keep_text(key, state->key, sizeof(state->key), why);
	state->candidate.port = (uint16_t)port;
	return err;
}

static enum berth_err
read_enrolment(struct berth_pki *pki, const json_t *root, struct berth_device_state *state,
	       struct berth_why *why)
{
	enum berth_err err =
		berth_json_get_bool(root, "told", BERTH_JSON_REQUIRED, &state->has_told, why);
	err = err ? err : read_place(root, state, why);
	err = err ? err : read_certificates(pki, root, "chain", &state->chain, why);
	err = err ? err : read_certificates(pki, root, "ca-set", &state->ca_set, why);
	err = err ? err : read_certificate(pki, root, "registrar", &state->registrar, why);
	err = err ? err : read_certificate(pki, root, "pinned", &state->pinned, why);
	return err ? err : read_domain_id(root, state, why);
}

static enum berth_err
read_all(struct berth_pki *pki, const json_t *root, struct berth_device_state *state,
	 struct berth_why *why)
{
	int64_t version = 0;
	struct berth_bytes name = BERTH_BYTES_NONE;
	enum berth_err err =
		berth_json_get_i64(root, "version", BERTH_JSON_REQUIRED, BERTH_DEVICE_STATE_VERSION,
				   BERTH_DEVICE_STATE_VERSION, &version, why);
	err = err ? err : berth_json_get_text(root, "state", BERTH_JSON_REQUIRED, &name, why);
	err = err ? err : read_pending(root, state, why);
	if (err) {
		return err;
	}
	state->is_enrolled = berth_bytes_equal_text(name, "enrolled");
	if (!state->is_enrolled && !berth_bytes_equal_text(name, "unconfigured")) {
		return refuse(why, "an unknown state");
	}
	return state->is_enrolled ? read_enrolment(pki, root, state, why) : BERTH_OK;
}

enum berth_err
berth_device_state_read(struct berth_pki *pki, struct berth_bytes json,
			struct berth_device_state *ret, struct berth_why *why)
{
	BERTH_JSON json_t *root = NULL;
	enum berth_err err = berth_json_parse(json, NULL, &root, why);
	if (err) {
		return err;
	}
	struct berth_device_state state = {0};
	err = read_all(pki, root, &state, why);
	if (err) {
		berth_device_state_free(&state);
		return err;
	}
	*ret = state;
	return BERTH_OK;
}
