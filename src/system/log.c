/* SPDX-License-Identifier: BSD-2-Clause */
#include "system/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "system/clock.h"

#define VALUE_MAX 512 /* longer values are cut; a line must stay one write */

struct berth_log
berth_log_open(const char *program, bool is_json)
{
	return (struct berth_log){
		.fd = STDERR_FILENO,
		.is_json = is_json,
		.has_prefix = getenv("JOURNAL_STREAM") != NULL,
		.level = BERTH_LOG_INFO,
		.program = program,
	};
}

static const char *
level_name(enum berth_log_level level)
{
	switch (level) {
	case BERTH_LOG_ERROR:
		return "error";
	case BERTH_LOG_WARNING:
		return "warning";
	case BERTH_LOG_NOTICE:
		return "notice";
	case BERTH_LOG_INFO:
		return "info";
	case BERTH_LOG_DEBUG:
		return "debug";
	}
	return "error";
}

/* Both forms quote alike: JSON's escapes are a subset of what a reader of the text form expects. */
static enum berth_err
put_quoted(struct berth_buf *line, struct berth_bytes value)
{
	enum berth_err err = berth_buf_append_u8(line, '"');
	size_t n = value.n < VALUE_MAX ? value.n : VALUE_MAX;
	/* A cut must not fall into a character. */
	while (n < value.n && n > 0 && (value.p[n] & 0xc0) == 0x80) {
		n--;
	}
	bool is_utf8 = berth_bytes_is_utf8(berth_bytes_of(value.p, n));
	for (size_t i = 0; i < n && !err; i++) {
		uint8_t c = value.p[i];
		if (c == '"' || c == '\\') {
			err = berth_buf_printf(line, "\\%c", c);
		} else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !is_utf8)) {
			err = berth_buf_printf(line, "\\u%04x", c);
		} else {
			err = berth_buf_append_u8(line, c);
		}
	}
	return err ? err : berth_buf_append_u8(line, '"');
}

static bool
is_bare(struct berth_bytes value)
{
	for (size_t i = 0; i < value.n; i++) {
		uint8_t c = value.p[i];
		if (c <= 0x20 || c >= 0x7f || c == '"' || c == '=' || c == '\\') {
			return false;
		}
	}
	return value.n > 0 && value.n < VALUE_MAX;
}

static enum berth_err
put_text(struct berth_buf *line, const struct berth_log_field *field)
{
	enum berth_err err = berth_buf_printf(line, " %s=", field->name);
	if (err) {
		return err;
	}
	return is_bare(field->value) ? berth_buf_append_bytes(line, field->value)
				     : put_quoted(line, field->value);
}

static enum berth_err
put_json(struct berth_buf *line, const struct berth_log_field *field)
{
	enum berth_err err = berth_buf_printf(line, ",\"%s\":", field->name);
	return err ? err : put_quoted(line, field->value);
}

static enum berth_err
put_head(const struct berth_log *log, enum berth_log_level level, struct berth_wall at,
	 const char *event, struct berth_buf *line)
{
	if (log->is_json) {
		char time[BERTH_TIME_TEXT_MAX];
		return berth_buf_printf(
			line,
			"{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",\"event\":\"%s\"",
			berth_wall_format(at, time), level_name(level), log->program, event);
	}
	if (log->has_prefix) {
		return berth_buf_printf(line, "<%d>event=%s", (int)level, event);
	}
	return berth_buf_printf(line, "%s: level=%s event=%s", log->program, level_name(level),
				event);
}

enum berth_err
berth_log_line(const struct berth_log *log, enum berth_log_level level, struct berth_wall at,
	       const char *event, const struct berth_log_field *fields, size_t count,
	       struct berth_buf *line)
{
	berth_buf_clear(line);
	enum berth_err err = put_head(log, level, at, event, line);
	for (size_t i = 0; i < count && !err; i++) {
		size_t before = line->n;
		err = log->is_json ? put_json(line, &fields[i]) : put_text(line, &fields[i]);
		if (!err && line->n > BERTH_LOG_LINE_MAX - 2) {
			line->n = before; /* the fields that still fit tell the most */
			break;
		}
	}
	return err ? err : berth_buf_append_text(line, log->is_json ? "}\n" : "\n");
}

void
berth_log_fields(const struct berth_log *log, enum berth_log_level level, const char *event,
		 const struct berth_log_field *fields, size_t count)
{
	if (level > log->level) {
		return;
	}
	BERTH_BUF line = {0};
	if (berth_log_line(log, level, berth_clock_wall(), event, fields, count, &line)) {
		return;
	}
	ssize_t rc;
	do {
		rc = write(log->fd, line.p, line.n);
	} while (rc < 0 && errno == EINTR);
	/* A log that cannot be written must not stop the service. */
}

static size_t
gather(struct berth_log_field *fields, size_t n, va_list args)
{
	for (const char *name = va_arg(args, const char *); name;
	     name = va_arg(args, const char *)) {
		const char *value = va_arg(args, const char *);
		if (value && n < BERTH_LOG_FIELDS_MAX) {
			fields[n++] = (struct berth_log_field){name, berth_text(value)};
		}
	}
	return n;
}

void
berth_log(const struct berth_log *log, enum berth_log_level level, const char *event, ...)
{
	struct berth_log_field fields[BERTH_LOG_FIELDS_MAX];
	va_list args;
	va_start(args, event);
	size_t n = gather(fields, 0, args);
	va_end(args);
	berth_log_fields(log, level, event, fields, n);
}

void
berth_log_why(const struct berth_log *log, enum berth_log_level level, const char *event,
	      const struct berth_why *why, ...)
{
	struct berth_log_field fields[BERTH_LOG_FIELDS_MAX];
	size_t n = 0;
	va_list args;
	va_start(args, why);
	n = gather(fields, n, args);
	va_end(args);
	if (why->rule && n < BERTH_LOG_FIELDS_MAX) {
		fields[n++] = (struct berth_log_field){"rule", berth_text(why->rule)};
	}
	if (why->section && n < BERTH_LOG_FIELDS_MAX) {
		fields[n++] = (struct berth_log_field){"section", berth_text(why->section)};
	}
	if (n < BERTH_LOG_FIELDS_MAX) {
		fields[n++] = (struct berth_log_field){"reason", berth_text(why->sentence)};
	}
	berth_log_fields(log, level, event, fields, n);
}

bool
berth_log_allows(struct berth_log_limit *limit, struct berth_mono now, uint64_t *ret_suppressed)
{
	if (limit->interval_ms > 0 && limit->used > 0) {
		int64_t earned = (now.ms - limit->since.ms) / limit->interval_ms;
		if (earned > 0) {
			limit->used = earned >= limit->used ? 0 : limit->used - (uint32_t)earned;
			limit->since.ms += earned * limit->interval_ms;
		}
	}
	if (limit->used >= limit->burst) {
		limit->suppressed++;
		return false;
	}
	if (limit->used == 0) {
		limit->since = now;
	}
	limit->used++;
	*ret_suppressed = limit->suppressed;
	limit->suppressed = 0;
	return true;
}
