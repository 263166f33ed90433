/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/audit_log.h"

#include "base/base64.h"
#include "protocol/brski/json_count.h"

#define NONCED_DUPLICATES "nonced duplicates"
#define NONCELESS_DUPLICATES "nonceless duplicates"
#define ARBITRARY "arbitrary"
#define NONCE_TEXT_MAX 64 /* base64 of the longest nonce takes 44 */

/* ---- writing ---- */

static uint32_t
capped(uint32_t count)
{
	return count > BERTH_AUDIT_LOG_COUNT_MAX ? BERTH_AUDIT_LOG_COUNT_MAX : count;
}

static enum berth_err
write_event(json_t *events, const struct berth_audit_event *event)
{
	char date[BERTH_TIME_TEXT_MAX];
	json_t *object = json_object();

	if (!object || json_array_append_new(events, object))
		return BERTH_E_MEMORY;
	enum berth_err err = berth_json_set_text(object, "date",
						 berth_text(berth_wall_format(event->date, date)));
	err = err ? err : berth_json_set_base64(object, "domainID", event->domain_id);
	if (!err && event->nonce.n)
		err = berth_json_set_text(object, "nonce", event->nonce);
	else if (!err)
		err = berth_json_set(object, "nonce", json_null());
	err = err ? err
		  : berth_json_set_text(object, "assertion",
					berth_text(berth_assertion_name(event->assertion)));
	if (!err && event->truncated)
		err = berth_json_set_i64(object, "truncated", capped(event->truncated));
	return err;
}

static enum berth_err
write_truncation(json_t *root, const struct berth_audit_log *log)
{
	json_t *truncation = json_object();
	enum berth_err err = berth_json_set(root, "truncation", truncation);

	err = err ? err
		  : berth_json_set_i64(truncation, NONCED_DUPLICATES,
				       capped(log->nonced_duplicates));
	err = err ? err
		  : berth_json_set_i64(truncation, NONCELESS_DUPLICATES,
				       capped(log->nonceless_duplicates));
	return err ? err : berth_json_set_i64(truncation, ARBITRARY, capped(log->arbitrary));
}

/* req: rfc8995-5.8.1-1 */
enum berth_err
berth_audit_log_build(const struct berth_audit_log *log, struct berth_buf *json,
		      struct berth_why *why)
{
	BERTH_JSON json_t *root = json_object();
	json_t *events = json_array();
	enum berth_err err = berth_json_set_i64(root, "version", BERTH_AUDIT_LOG_VERSION);

	if (err)
		json_decref(events);
	else
		err = berth_json_set(root, "events", events);
	for (size_t i = 0; !err && i < log->event_count; i++)
		err = write_event(events, &log->events[i]);
	err = err ? err : write_truncation(root, log);
	err = err ? err : berth_json_encode(root, BERTH_JSON_AS_BUILT, json);
	if (err)
		return berth_fail(why, err, "rfc8995-5.8.1-encode", "RFC 8995 5.8.1",
				  "the audit log cannot be written as JSON (%s)",
				  berth_err_name(err));
	return BERTH_OK;
}

/* ---- reading ---- */

struct reader {
	const json_t *object;
	struct berth_arena *arena;
	struct berth_why *why;
};

static enum berth_err
malformed(const struct reader *r, const char *what)
{
	return berth_fail(r->why, BERTH_E_SYNTAX, "rfc8995-5.8.1-form", "RFC 8995 5.8.1", "%s",
			  what);
}

static enum berth_err
too_large(const struct reader *r)
{
	return berth_fail(r->why, BERTH_E_LIMIT, "rfc8995-5.8.1-too-large", "RFC 8995 5.8.1",
			  "the audit log needs more memory than one exchange may use");
}

static enum berth_err
read_date(const struct reader *r, struct berth_wall *ret)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err =
		berth_json_get_text(r->object, "date", BERTH_JSON_REQUIRED, &text, r->why);

	if (err)
		return err;
	return berth_wall_parse(text, ret, NULL) ? malformed(r, "\"date\" is no RFC 3339 date")
						 : BERTH_OK;
}

static enum berth_err
read_domain_id(const struct reader *r, struct berth_bytes *ret)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	BERTH_BUF binary = {.limit = BERTH_DOMAIN_ID_MAX_BYTES};
	enum berth_err err =
		berth_json_get_text(r->object, "domainID", BERTH_JSON_REQUIRED, &text, r->why);

	if (err)
		return err;
	if (berth_base64_decode(text, false, &binary, NULL) || binary.n == 0)
		return malformed(r, "\"domainID\" is no base64 of 1 to 64 bytes");
	*ret = berth_arena_copy(r->arena, berth_buf_view(&binary));
	return ret->p ? BERTH_OK : too_large(r);
}

static enum berth_err
read_nonce(const struct reader *r, struct berth_bytes *ret)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	const json_t *value = json_object_get(r->object, "nonce");

	if (!value || json_is_null(value))
		return BERTH_OK;
	enum berth_err err =
		berth_json_get_text(r->object, "nonce", BERTH_JSON_REQUIRED, &text, r->why);
	if (err)
		return err;
	if (text.n == 0 || text.n > NONCE_TEXT_MAX)
		return malformed(r, "\"nonce\" is neither null nor 1 to 64 characters");
	*ret = berth_arena_copy(r->arena, text);
	return ret->p ? BERTH_OK : too_large(r);
}

static enum berth_err
read_assertion(const struct reader *r, enum berth_assertion *ret)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err =
		berth_json_get_text(r->object, "assertion", BERTH_JSON_REQUIRED, &text, r->why);

	if (err || berth_assertion_parse(text, ret))
		return err;
	return malformed(r, "\"assertion\" is none of verified, logged, proximity");
}

static enum berth_err
read_count(const struct reader *r, const char *key, uint32_t *ret)
{
	int64_t count = 0;
	enum berth_err err = berth_json_read_count(r->object, key, BERTH_JSON_OPTIONAL, UINT32_MAX,
						   &count, r->why);

	if (!err)
		*ret = capped((uint32_t)count);
	return err;
}

static enum berth_err
read_event(const struct reader *r, struct berth_audit_event *event)
{
	if (!json_is_object(r->object))
		return malformed(r, "an event is a JSON object");
	enum berth_err err = read_date(r, &event->date);
	err = err ? err : read_domain_id(r, &event->domain_id);
	err = err ? err : read_nonce(r, &event->nonce);
	err = err ? err : read_assertion(r, &event->assertion);
	return err ? err : read_count(r, "truncated", &event->truncated);
}

static enum berth_err
read_events(const struct reader *r, struct berth_audit_log *log)
{
	json_t *events = NULL;
	enum berth_err err =
		berth_json_get_array(r->object, "events", BERTH_JSON_REQUIRED, &events, r->why);

	if (err)
		return err;
	log->event_count = json_array_size(events);
	if (log->event_count > BERTH_AUDIT_LOG_EVENTS_MAX)
		return berth_fail(r->why, BERTH_E_LIMIT, "rfc8995-5.8.1-events", "RFC 8995 5.8.1",
				  "the audit log has %zu events, at most %d are read",
				  log->event_count, BERTH_AUDIT_LOG_EVENTS_MAX);
	if (log->event_count == 0)
		return BERTH_OK;
	log->events = berth_arena_alloc(r->arena, log->event_count * sizeof(log->events[0]));
	if (!log->events)
		return too_large(r);
	for (size_t i = 0; !err && i < log->event_count; i++) {
		struct reader event = {json_array_get(events, i), r->arena, r->why};

		err = read_event(&event, &log->events[i]);
	}
	return err;
}

static enum berth_err
read_truncation(const struct reader *r, struct berth_audit_log *log)
{
	json_t *truncation = NULL;
	enum berth_err err = berth_json_get_object(r->object, "truncation", BERTH_JSON_OPTIONAL,
						   &truncation, r->why);

	if (err || !truncation)
		return err;
	struct reader counters = {truncation, r->arena, r->why};
	err = read_count(&counters, NONCED_DUPLICATES, &log->nonced_duplicates);
	err = err ? err : read_count(&counters, NONCELESS_DUPLICATES, &log->nonceless_duplicates);
	return err ? err : read_count(&counters, ARBITRARY, &log->arbitrary);
}

enum berth_err
berth_audit_log_parse(struct berth_bytes json, struct berth_arena *arena,
		      struct berth_audit_log *ret, struct berth_why *why)
{
	static const struct berth_json_limits limits = {
		.max_bytes = BERTH_AUDIT_LOG_MAX_BYTES,
		.max_depth = 8,
		.max_values = 8 * BERTH_AUDIT_LOG_EVENTS_MAX,
	};
	struct berth_audit_log log = {0};
	BERTH_JSON json_t *root = NULL;
	enum berth_err err = berth_json_parse(json, &limits, &root, why);
	struct reader reader = {root, arena, why};

	if (!err && !json_is_object(root))
		err = malformed(&reader, "the audit log is a JSON object");
	reader.object = root;
	err = err ? err
		  : berth_json_read_count(root, "version", BERTH_JSON_REQUIRED, INT32_MAX,
					  &log.version, why);
	err = err ? err : read_events(&reader, &log);
	err = err ? err : read_truncation(&reader, &log);
	if (err)
		return err;
	*ret = log;
	return BERTH_OK;
}
