/* SPDX-License-Identifier: BSD-2-Clause */
/* The last words, spoken with the new certificate on a new connection: RFC 8995 5.9.4. */
#include "protocol/brski/pledge_internal.h"
#include "protocol/brski/telemetry.h"

#define ENROLL_STATUS_PATH "/.well-known/brski/enrollstatus"

static void
finish(struct berth_pledge *pledge, struct pledge_attempt *attempt, const struct berth_why *why)
{
	struct pledge_attempt last = {.id = attempt->id, .port = attempt->port};
	memcpy(last.host, attempt->host, sizeof(last.host));
	if (attempt->candidate) {
		attempt->candidate->failures = 0;
	}
	pledge_attempt_end(pledge, attempt);
	pledge->is_done = true;
	pledge_done(pledge, &last, why);
}

void
pledge_on_saved(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
		const struct pledge_message *message)
{
	if (message->err) {
		struct berth_why why;
		berth_ignore(berth_fail(&why, BERTH_E_IO, "pledge-not-saved", NULL,
					"the device could not store its certificate"),
			     "the note tells");
		pledge_refuse_enrolment(pledge, attempt, now, message->why ? message->why : &why);
		return;
	}
	attempt->has_key = false; /* it is the device's now */
	/* req: rfc8995-5.9.4-p2 */
	pledge_close(pledge, attempt);
	pledge_connect(pledge, attempt);
	pledge_wait_for(attempt, WAIT_NEW_CONNECTION, now);
}

/* req: rfc8995-5.9.4-p1 */
void
pledge_on_new_connection(struct berth_pledge *pledge, struct pledge_attempt *attempt,
			 struct berth_now now, const struct pledge_message *message)
{
	const struct berth_telemetry telemetry = {.version = BERTH_TELEMETRY_VERSION,
						  .status = true};
	struct berth_why why = {0};
	attempt->is_connected = true;
	attempt->connection = message->tls->connection;
	berth_buf_clear(&attempt->body);
	if (berth_telemetry_build(&telemetry, &attempt->body, &why)) {
		finish(pledge, attempt, &why);
		return;
	}
	pledge_send(attempt, WAIT_ENROLL_REPLY, now, ENROLL_STATUS_PATH, BERTH_MEDIA_JSON, NULL);
}

void
pledge_on_telling_failed(struct berth_pledge *pledge, struct pledge_attempt *attempt,
			 struct berth_now now, const struct pledge_message *message)
{
	attempt->tellings++;
	if (attempt->tellings < PLEDGE_TELLING_MAX) {
		pledge_close(pledge, attempt);
		attempt->wait = WAIT_NEW_CONNECTION_TIME;
		attempt->deadline =
			berth_mono_after_ms(now.mono, ((int64_t)BERTH_PLEDGE_BACKOFF_FIRST_S * 1000)
							      << attempt->tellings);
		return;
	}
	struct berth_why why;
	berth_ignore(
		berth_fail(
			&why, BERTH_E_UNREACHABLE, "rfc8995-5.9.4-not-told", "RFC 8995 5.9.4",
			"enrolled, but the registrar could not be told with the new certificate"),
		"the event tells");
	finish(pledge, attempt, message->why ? message->why : &why);
}

void
pledge_on_telling_time(struct berth_pledge *pledge, struct pledge_attempt *attempt,
		       struct berth_now now, const struct pledge_message *message)
{
	(void)message;
	pledge_connect(pledge, attempt);
	pledge_wait_for(attempt, WAIT_NEW_CONNECTION, now);
}

void
pledge_on_told(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
	       const struct pledge_message *message)
{
	(void)now;
	(void)message; /* any answer: the registrar has heard it */
	finish(pledge, attempt, NULL);
}
