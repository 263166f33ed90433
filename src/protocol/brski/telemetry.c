/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/telemetry.h"

#include "codec/json.h"
#include "protocol/brski/json_count.h"

static enum berth_err
set_context(json_t *root, struct berth_bytes context)
{
	BERTH_JSON json_t *parsed = NULL;
	enum berth_err err = berth_json_parse(context, NULL, &parsed, NULL);

	if (err)
		return err;
	if (!json_is_object(parsed))
		return BERTH_E_SYNTAX;
	return berth_json_set(root, "reason-context", json_incref(parsed));
}

/* req: rfc8995-5.7-p3 */
enum berth_err
berth_telemetry_build(const struct berth_telemetry *telemetry, struct berth_buf *json,
		      struct berth_why *why)
{
	BERTH_JSON json_t *root = json_object();
	enum berth_err err = berth_json_set_i64(root, "version", BERTH_TELEMETRY_VERSION);

	err = err ? err : berth_json_set_bool(root, "status", telemetry->status);
	if (!err && telemetry->reason.n)
		err = berth_json_set_text(root, "reason", telemetry->reason);
	if (!err && telemetry->reason_context.n)
		err = set_context(root, telemetry->reason_context);
	err = err ? err : berth_json_encode(root, BERTH_JSON_AS_BUILT, json);
	if (err)
		return berth_fail(why, err, "rfc8995-5.7-encode", "RFC 8995 5.7",
				  "the telemetry cannot be written as JSON (%s)",
				  berth_err_name(err));
	return BERTH_OK;
}

static bool
is_known(const char *key)
{
	static const char *const known[] = {"version", "status", "reason", "reason-context"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(key, known[i]) == 0)
			return true;
	return false;
}

static enum berth_err
too_large(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_LIMIT, "rfc8995-5.7-too-large", "RFC 8995 5.7",
			  "the telemetry needs more memory than one exchange may use");
}

/* req: rfc8995-5.7-2 */
static enum berth_err
list_unknown(json_t *root, struct berth_arena *arena, struct berth_telemetry *ret,
	     struct berth_why *why)
{
	const char *key;
	json_t *value;

	json_object_foreach(root, key, value)
	{
		if (is_known(key))
			continue;
		if (ret->unknown_count < BERTH_TELEMETRY_UNKNOWN_MAX) {
			struct berth_bytes name = berth_arena_copy(arena, berth_text(key));

			if (!name.p)
				return too_large(why);
			ret->unknown[ret->unknown_count] = name;
		}
		ret->unknown_count++;
	}
	return BERTH_OK;
}

static enum berth_err
read_reason(const json_t *root, struct berth_arena *arena, struct berth_telemetry *ret,
	    struct berth_why *why)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err = berth_json_get_text(root, "reason", BERTH_JSON_OPTIONAL, &text, why);

	if (err || text.n == 0)
		return err;
	if (text.n > BERTH_TELEMETRY_REASON_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "rfc8995-5.7-reason-length", "RFC 8995 5.7",
				  "\"reason\" has %zu bytes, at most %d are read", text.n,
				  BERTH_TELEMETRY_REASON_MAX);
	ret->reason = berth_arena_copy(arena, text);
	return ret->reason.p ? BERTH_OK : too_large(why);
}

static enum berth_err
read_context(const json_t *root, struct berth_arena *arena, struct berth_telemetry *ret,
	     struct berth_why *why)
{
	json_t *context = NULL;
	BERTH_BUF text = {0};
	enum berth_err err =
		berth_json_get_object(root, "reason-context", BERTH_JSON_OPTIONAL, &context, why);

	if (err || !context)
		return err;
	if (berth_json_encode(context, BERTH_JSON_AS_BUILT, &text))
		return too_large(why);
	ret->reason_context = berth_arena_copy(arena, berth_buf_view(&text));
	return ret->reason_context.p ? BERTH_OK : too_large(why);
}

/* req: rfc8995-5.7-fields */
enum berth_err
berth_telemetry_parse(struct berth_bytes json, struct berth_arena *arena,
		      struct berth_telemetry *ret, struct berth_why *why)
{
	static const struct berth_json_limits limits = {
		.max_bytes = BERTH_TELEMETRY_MAX_BYTES,
		.max_depth = 8, /* reason-context is free, but not a tree */
		.max_values = 256,
	};
	struct berth_telemetry telemetry = {0};
	BERTH_JSON json_t *root = NULL;
	enum berth_err err = berth_json_parse(json, &limits, &root, why);

	if (!err && !json_is_object(root))
		err = berth_fail(why, BERTH_E_SYNTAX, "rfc8995-5.7-object", "RFC 8995 5.7",
				 "telemetry is a JSON object");
	err = err ? err
		  : berth_json_read_count(root, "version", BERTH_JSON_REQUIRED, INT32_MAX,
					  &telemetry.version, why);
	err = err ? err
		  : berth_json_get_bool(root, "status", BERTH_JSON_REQUIRED, &telemetry.status,
					why);
	err = err ? err : read_reason(root, arena, &telemetry, why);
	err = err ? err : read_context(root, arena, &telemetry, why);
	err = err ? err : list_unknown(root, arena, &telemetry, why);
	if (err)
		return err;
	*ret = telemetry;
	return BERTH_OK;
}
