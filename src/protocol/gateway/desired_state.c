/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/gateway/desired_state.h"

#include "codec/json.h"
#include "codec/json_write.h"

#define DEVICE_VALUES 6 /* of JSON: the object and its members */
#define STATE_VALUES 64 /* and of the rest, with what a newer registrar may say */

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
	err = err ? err : berth_json_put_i64(json, "from", (int64_t)state->from);
	err = err ? err : berth_json_put_i64(json, "total", (int64_t)state->total);
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

static enum berth_err
take_devices(const json_t *devices, struct berth_desired_state *state, struct berth_why *why)
{
	const size_t n = json_array_size(devices);
	enum berth_err err = BERTH_OK;

	state->devices = calloc(n ? n : 1, sizeof *state->devices);
	if (!state->devices)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	for (; state->count < n && !err; state->count++)
		err = take_device(json_array_get(devices, state->count),
				  &state->devices[state->count], why);
	if (err)
		return err;
	/* An empty page that is not the end would be asked for without end. */
	if (n > state->total || state->from > state->total - n ||
	    (!n && state->from < state->total))
		return berth_fail(why, BERTH_E_SYNTAX, "gateway-page", NULL,
				  "%zu devices from number %zu are no page of a list of %zu", n,
				  state->from, state->total);
	return BERTH_OK;
}

static enum berth_err
take_state(struct berth_bytes json, size_t devices_max, struct berth_desired_state *ret,
	   struct berth_why *why)
{
	const struct berth_json_limits limits = {
		.max_bytes = BERTH_GATEWAY_STATE_BYTES(devices_max),
		.max_depth = 4,
		.max_values = devices_max * DEVICE_VALUES + STATE_VALUES,
	};
	BERTH_JSON json_t *root = NULL;
	json_t *devices = NULL;
	int64_t from = 0;
	int64_t total = 0;
	enum berth_err err = berth_json_parse(json, &limits, &root, why);
	err = err ? err
		  : berth_json_get_i64(root, "generation", BERTH_JSON_REQUIRED, 1,
				       BERTH_GATEWAY_GENERATION_MAX, &ret->generation, why);
	err = err ? err
		  : berth_json_get_i64(root, "lease-s", BERTH_JSON_REQUIRED, 1,
				       BERTH_GATEWAY_LEASE_MAX_S, &ret->lease_s, why);
	err = err ? err
		  : berth_json_get_i64(root, "from", BERTH_JSON_REQUIRED, 0, UINT32_MAX, &from,
				       why);
	err = err ? err
		  : berth_json_get_i64(root, "total", BERTH_JSON_REQUIRED, 0, UINT32_MAX, &total,
				       why);
	err = err ? err : berth_json_get_array(root, "devices", BERTH_JSON_REQUIRED, &devices, why);
	if (err)
		return err;
	if (json_array_size(devices) > devices_max)
		return berth_fail(why, BERTH_E_LIMIT, "gateway-devices", NULL,
				  "more than %zu devices at once", devices_max);
	ret->from = (size_t)from;
	ret->total = (size_t)total;
	return take_devices(devices, ret, why);
}

enum berth_err
berth_desired_state_parse(struct berth_bytes json, size_t devices_max,
			  struct berth_desired_state *ret, struct berth_why *why)
{
	enum berth_err err = take_state(json, devices_max, ret, why);
	if (err)
		berth_desired_state_free(ret);
	return err;
}

static bool
is_same_device(const struct berth_gateway_device *a, const struct berth_gateway_device *b)
{
	return a->state == b->state && strcmp(a->id, b->id) == 0 &&
	       strcmp(a->segment, b->segment) == 0 &&
	       strcmp(a->issuer_key_id, b->issuer_key_id) == 0 && strcmp(a->serial, b->serial) == 0;
}

bool
berth_desired_state_begins_with(const struct berth_desired_state *whole,
				const struct berth_desired_state *page)
{
	if (whole->generation != page->generation || whole->total != page->total || page->from ||
	    page->count > whole->count)
		return false;
	for (size_t i = 0; i < page->count; i++)
		if (!is_same_device(&whole->devices[i], &page->devices[i]))
			return false;
	return true;
}

bool
berth_desired_state_is_whole(const struct berth_desired_state *state)
{
	return state->count == state->total || state->count == BERTH_GATEWAY_DEVICES_MAX;
}

/* req: gateway-pages */
enum berth_err
berth_desired_state_add_page(struct berth_desired_state *whole, struct berth_desired_state *page,
			     struct berth_why *why)
{
	size_t n = page->count;

	if (page->from == 0) {
		berth_desired_state_free(whole);
		*whole = *page;
		page->devices = NULL;
		return BERTH_OK;
	}
	if (page->generation != whole->generation || page->from != whole->count ||
	    page->total != whole->total)
		return berth_fail(why, BERTH_E_STATE, "gateway-page", NULL,
				  "devices from number %zu of generation %lld do not continue %zu "
				  "of generation %lld",
				  page->from, (long long)page->generation, whole->count,
				  (long long)whole->generation);
	if (n > BERTH_GATEWAY_DEVICES_MAX - whole->count)
		n = BERTH_GATEWAY_DEVICES_MAX - whole->count;
	struct berth_gateway_device *more =
		realloc(whole->devices, (whole->count + n) * sizeof *more);
	if (!more)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	memcpy(more + whole->count, page->devices, n * sizeof *more);
	whole->devices = more;
	whole->count += n;
	whole->lease_s = page->lease_s;
	return BERTH_OK;
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

/* From the start of *text on, which then begins after it. */
static bool
take_number(struct berth_bytes *text, int64_t below, int64_t *ret)
{
	size_t n = 0;

	for (*ret = 0; n < text->n && n < 16 && text->p[n] >= '0' && text->p[n] <= '9'; n++)
		*ret = *ret * 10 + (text->p[n] - '0');
	text->p += n;
	text->n -= n;
	return n > 0 && *ret < below;
}

static bool
take_word(struct berth_bytes *text, const char *word)
{
	const size_t n = strlen(word);

	if (!berth_bytes_starts_with(*text, word))
		return false;
	text->p += n;
	text->n -= n;
	return true;
}

enum berth_err
berth_desired_state_query_parse(struct berth_bytes query, struct berth_desired_state_query *ret,
				struct berth_why *why)
{
	int64_t after = 0;
	int64_t from = 0;

	*ret = (struct berth_desired_state_query){0};
	if (query.n == 0)
		return BERTH_OK;
	if (!take_word(&query, "after=") ||
	    !take_number(&query, BERTH_GATEWAY_GENERATION_MAX, &after) ||
	    (query.n &&
	     (!take_word(&query, "&from=") || !take_number(&query, UINT32_MAX, &from) || query.n)))
		return berth_fail(why, BERTH_E_SYNTAX, "gateway-after", NULL,
				  "the query is after=GENERATION, a number below 2^53, and after "
				  "it, for a further page, &from=NUMBER, below 2^32");
	*ret = (struct berth_desired_state_query){.after = after, .from = (size_t)from};
	return BERTH_OK;
}
