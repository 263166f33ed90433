/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Structured log lines on a descriptor (standard error): one event, named values, one write.
 *
 *	event=device.denied device="0042" rule=rfc8995-5.3-serial-mismatch reason="..."
 *	{"time":"2026-11-23T21:07:00Z","level":"warning","event":"device.denied",...}
 *
 * Text lines carry no time: journald adds it (and reads the "<4>" prefix, written when
 *JOURNAL_STREAM says that it listens). Values are escaped, so a peer cannot forge a line. Never
 *pass a secret: there is no printer for one.
 */
#ifndef BERTH_SYSTEM_LOG_H
#define BERTH_SYSTEM_LOG_H

#include "base/time.h"

enum berth_log_level {
	BERTH_LOG_ERROR = 3, /* the numbers of syslog(3) */
	BERTH_LOG_WARNING = 4,
	BERTH_LOG_NOTICE = 5,
	BERTH_LOG_INFO = 6,
	BERTH_LOG_DEBUG = 7,
};

#define BERTH_LOG_LINE_MAX 2048 /* one write to a pipe stays whole (PIPE_BUF is 4096) */
#define BERTH_LOG_FIELDS_MAX 16

struct berth_log {
	int fd;
	bool is_json;
	bool has_prefix;	    /* "<N>" for journald */
	enum berth_log_level level; /* lines above this are dropped */
	const char *program;
};

/* To standard error; borrows program. */
struct berth_log berth_log_open(const char *program, bool is_json);

struct berth_log_field {
	const char *name;
	struct berth_bytes value;
};

void berth_log_fields(const struct berth_log *log, enum berth_log_level level, const char *event,
		      const struct berth_log_field *fields, size_t count);
/* name, value pairs of const char *, ended by NULL; a NULL value leaves its pair out. */
void berth_log(const struct berth_log *log, enum berth_log_level level, const char *event, ...)
	__attribute__((sentinel));
/* As berth_log, with rule, section and reason taken from why. */
void berth_log_why(const struct berth_log *log, enum berth_log_level level, const char *event,
		   const struct berth_why *why, ...) __attribute__((sentinel));
/* The line alone, as it would be written, with its line end; for tests. at: only JSON shows it. */
enum berth_err berth_log_line(const struct berth_log *log, enum berth_log_level level,
			      struct berth_wall at, const char *event,
			      const struct berth_log_field *fields, size_t count,
			      struct berth_buf *line) BERTH_MUST;

/*
 * At most burst lines at once and then one each interval: what a hostile peer can make us write is
 * bounded. {0} with burst and interval set is full.
 */
struct berth_log_limit {
	uint32_t burst;
	int64_t interval_ms;
	uint32_t used;
	struct berth_mono since;
	uint64_t suppressed; /* since the last line that passed */
};
/* True: write the line; *ret_suppressed then says how many were left out before it. */
bool berth_log_allows(struct berth_log_limit *limit, struct berth_mono now,
		      uint64_t *ret_suppressed);

#endif
