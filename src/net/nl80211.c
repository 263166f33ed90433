/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/nl80211_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <netlink/genl/ctrl.h>

#define WAIT_MIN_MS 20	    /* the kernel refuses less than 10 */
#define GRACE_MS 2000	    /* for the kernel to tell of an end after its time */
#define SCAN_MAX_MS 30000   /* all bands, passively, on a slow radio */
#define COMMAND_TIMEOUT_S 5 /* the kernel answers at once, or is broken */

static void go_on(struct berth_radio *radio);

static void
job_free(struct berth_radio_job *job)
{
	if (job == NULL)
		return;
	berth_buf_free(&job->frame);
	free(job);
}

static void
rest(struct berth_radio *radio)
{
	radio->state = BERTH_RADIO_FOR_WORK;
	radio->cookie = 0;
	berth_timer_start(radio->timer, 0);
}

static int
take_cookie(struct nl_msg *message, void *context)
{
	struct nlattr *a[NL80211_ATTR_MAX + 1];
	uint64_t *cookie = context;
	uint8_t command;

	if (berth_radio_attributes(message, a, &command) && a[NL80211_ATTR_COOKIE] != NULL)
		*cookie = nla_get_u64(a[NL80211_ATTR_COOKIE]);
	return NL_SKIP;
}

static int64_t
wait_of(const struct berth_radio *radio, int64_t wait_ms)
{
	if (wait_ms > radio->facts.wait_max_ms)
		return radio->facts.wait_max_ms;
	return wait_ms < WAIT_MIN_MS ? WAIT_MIN_MS : wait_ms;
}

/* 0 or a negative errno, as all that start something. */
static int
start_sending(struct berth_radio *radio, const struct berth_radio_job *job)
{
	struct nl_msg *message = berth_radio_message(radio, NL80211_CMD_FRAME, 0);
	uint64_t cookie = 0;

	radio->wait_ms = wait_of(radio, job->wait_ms);
	if (message != NULL &&
	    (nla_put_u32(message, NL80211_ATTR_WIPHY_FREQ, job->frequency) < 0 ||
	     nla_put_u32(message, NL80211_ATTR_DURATION, (uint32_t)radio->wait_ms) < 0 ||
	     nla_put_flag(message, NL80211_ATTR_OFFCHANNEL_TX_OK) < 0 ||
	     nla_put(message, NL80211_ATTR_FRAME, (int)job->frame.n, job->frame.p) < 0)) {
		nlmsg_free(message);
		message = NULL;
	}
	int error = berth_radio_request(radio, radio->command, message, take_cookie, &cookie);
	if (error != 0)
		return error;
	radio->state = BERTH_RADIO_FOR_STATUS;
	radio->cookie = cookie;
	radio->token = job->token;
	berth_timer_start(radio->timer, radio->wait_ms + GRACE_MS);
	return 0;
}

static int
start_listening(struct berth_radio *radio, const struct berth_radio_job *job)
{
	struct nl_msg *message = berth_radio_message(radio, NL80211_CMD_REMAIN_ON_CHANNEL, 0);
	uint64_t cookie = 0;

	radio->wait_ms = wait_of(radio, job->wait_ms);
	if (message != NULL &&
	    (nla_put_u32(message, NL80211_ATTR_WIPHY_FREQ, job->frequency) < 0 ||
	     nla_put_u32(message, NL80211_ATTR_DURATION, (uint32_t)radio->wait_ms) < 0)) {
		nlmsg_free(message);
		message = NULL;
	}
	int error = berth_radio_request(radio, radio->command, message, take_cookie, &cookie);
	if (error != 0)
		return error;
	radio->state = BERTH_RADIO_FOR_EXPIRY;
	radio->is_wait = false;
	radio->cookie = cookie;
	berth_timer_start(radio->timer, radio->wait_ms + GRACE_MS);
	return 0;
}

/* A radio that waits on one channel would put off what comes on another. */
static void
stop_listening(struct berth_radio *radio)
{
	struct nl_msg *message =
		berth_radio_message(radio,
				    radio->is_wait ? NL80211_CMD_FRAME_WAIT_CANCEL
						   : NL80211_CMD_CANCEL_REMAIN_ON_CHANNEL,
				    0);

	if (message != NULL && nla_put_u64(message, NL80211_ATTR_COOKIE, radio->cookie) < 0) {
		nlmsg_free(message);
		message = NULL;
	}
	berth_ignore(berth_radio_request(radio, radio->command, message, NULL, NULL),
		     "it may just have ended by itself");
	radio->state = BERTH_RADIO_FOR_WORK;
}

static void
tell_scan_failed(struct berth_radio *radio, int error)
{
	struct berth_why why = {0};

	berth_ignore(berth_radio_refused(radio, error, "scan", &why), "told below");
	radio->conf.scanned(radio->conf.context, NULL, 0, &why);
}

static void
start(struct berth_radio *radio, const struct berth_radio_job *job)
{
	struct berth_why why = {0};
	int error = 0;

	switch (job->kind) {
	case BERTH_RADIO_SEND:
		error = start_sending(radio, job);
		if (error != 0) {
			berth_ignore(berth_radio_refused(radio, error, "send a frame", &why),
				     "told below");
			radio->conf.sent(radio->conf.context, job->token, false, &why);
		}
		return;
	case BERTH_RADIO_LISTEN:
		berth_ignore(start_listening(radio, job), "nothing is heard; idle tells the end");
		return;
	case BERTH_RADIO_SCAN:
		error = berth_radio_scan_start(radio, job);
		/* another's scan, or one that its asker left behind: its results are as good */
		if (error != 0 && error != -EBUSY) {
			tell_scan_failed(radio, error);
			return;
		}
		radio->state = BERTH_RADIO_FOR_RESULTS;
		berth_timer_start(radio->timer, SCAN_MAX_MS);
		return;
	}
}

static void
go_on(struct berth_radio *radio)
{
	while (radio->job_count > 0 &&
	       (radio->state == BERTH_RADIO_FOR_WORK || radio->state == BERTH_RADIO_FOR_EXPIRY)) {
		if (radio->state == BERTH_RADIO_FOR_EXPIRY)
			stop_listening(radio);
		struct berth_radio_job *job = radio->jobs[0];
		radio->job_count--;
		memmove(radio->jobs, radio->jobs + 1, radio->job_count * sizeof(radio->jobs[0]));
		start(radio, job);
		job_free(job);
	}
	if (radio->state == BERTH_RADIO_FOR_WORK && radio->job_count == 0)
		radio->conf.idle(radio->conf.context);
}

static void
tell_status(struct berth_radio *radio, bool is_acknowledged, bool still_waits)
{
	radio->is_wait = true;
	if (still_waits) {
		radio->state = BERTH_RADIO_FOR_EXPIRY;
		berth_timer_start(radio->timer, radio->wait_ms + GRACE_MS);
	} else {
		rest(radio);
	}
	if (still_waits && radio->job_count > 0)
		berth_timer_start(radio->timer, 0);
	radio->conf.sent(radio->conf.context, radio->token, is_acknowledged, NULL);
}

static void
tell_results(struct berth_radio *radio, bool was_aborted)
{
	struct berth_radio_found found[BERTH_RADIO_FOUND_MAX];
	size_t n = 0;
	int error = was_aborted ? -EBUSY : berth_radio_scan_results(radio, found, &n);

	rest(radio);
	if (error != 0)
		tell_scan_failed(radio, error);
	else
		radio->conf.scanned(radio->conf.context, found, n, NULL);
}

/* Its time, or work that was put into the queue. */
static void
on_timer(void *context)
{
	struct berth_radio *radio = context;

	if (radio->state == BERTH_RADIO_FOR_WORK ||
	    (radio->state == BERTH_RADIO_FOR_EXPIRY && radio->job_count > 0)) {
		go_on(radio);
		return;
	}
	/* the kernel forgot to tell */
	if (radio->state == BERTH_RADIO_FOR_STATUS)
		tell_status(radio, false, false);
	else if (radio->state == BERTH_RADIO_FOR_RESULTS)
		tell_results(radio, true);
	else
		rest(radio);
}

static void
take_frame(struct berth_radio *radio, struct nlattr *const a[])
{
	struct berth_radio_frame frame = {0};
	struct berth_why why = {0};

	if (a[NL80211_ATTR_FRAME] == NULL || a[NL80211_ATTR_WIPHY_FREQ] == NULL)
		return;
	frame.frequency = nla_get_u32(a[NL80211_ATTR_WIPHY_FREQ]);
	/* What is not well formed is noise: anybody can send it, and nobody can be told. */
	if (berth_wifi_action_parse(berth_bytes_of(nla_data(a[NL80211_ATTR_FRAME]),
						   (size_t)nla_len(a[NL80211_ATTR_FRAME])),
				    &frame.action, &why) == BERTH_OK)
		radio->conf.frame(radio->conf.context, &frame);
}

static bool
is_ours(const struct berth_radio *radio, struct nlattr *const a[])
{
	return a[NL80211_ATTR_IFINDEX] != NULL &&
	       nla_get_u32(a[NL80211_ATTR_IFINDEX]) == (uint32_t)radio->index;
}

static void
take_event(struct berth_radio *radio, uint8_t command, struct nlattr *const a[])
{
	bool has_cookie = a[NL80211_ATTR_COOKIE] != NULL &&
			  nla_get_u64(a[NL80211_ATTR_COOKIE]) == radio->cookie;

	if (command == NL80211_CMD_FRAME)
		take_frame(radio, a);
	else if (command == NL80211_CMD_FRAME_TX_STATUS && has_cookie &&
		 radio->state == BERTH_RADIO_FOR_STATUS)
		tell_status(radio, a[NL80211_ATTR_ACK] != NULL, true);
	else if ((command == NL80211_CMD_FRAME_WAIT_CANCEL ||
		  command == NL80211_CMD_CANCEL_REMAIN_ON_CHANNEL) &&
		 has_cookie && radio->state == BERTH_RADIO_FOR_EXPIRY)
		rest(radio);
	else if ((command == NL80211_CMD_NEW_SCAN_RESULTS || command == NL80211_CMD_SCAN_ABORTED) &&
		 radio->state == BERTH_RADIO_FOR_RESULTS)
		tell_results(radio, command == NL80211_CMD_SCAN_ABORTED);
}

static int
on_event(struct nl_msg *message, void *context)
{
	struct nlattr *a[NL80211_ATTR_MAX + 1];
	struct berth_radio *radio = context;
	uint8_t command;

	if (berth_radio_attributes(message, a, &command) && is_ours(radio, a))
		take_event(radio, command, a);
	return NL_SKIP;
}

static void
on_readable(void *context)
{
	struct berth_radio *radio = context;

	/* Too much at once (ENOBUFS): what was lost, the timers make up for. */
	berth_ignore(nl_recvmsgs_default(radio->events) < 0, "tried again when there is more");
}

static enum berth_err
out_of_memory(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
}

static enum berth_err
open_sockets(struct berth_radio *radio, struct berth_why *why)
{
	const struct timeval limit = {.tv_sec = COMMAND_TIMEOUT_S};

	radio->command = nl_socket_alloc();
	radio->events = nl_socket_alloc();
	if (radio->command == NULL || radio->events == NULL)
		return out_of_memory(why);
	int error = genl_connect(radio->command);
	error = error < 0 ? error : genl_connect(radio->events);
	if (error < 0)
		return berth_fail(why, BERTH_E_IO, "nl80211", NULL,
				  "No netlink socket can be had: %s.", nl_geterror(error));
	(void)setsockopt(nl_socket_get_fd(radio->command), SOL_SOCKET, SO_RCVTIMEO, &limit,
			 sizeof(limit));
	(void)setsockopt(nl_socket_get_fd(radio->events), SOL_SOCKET, SO_RCVTIMEO, &limit,
			 sizeof(limit));
	radio->family = genl_ctrl_resolve(radio->command, NL80211_GENL_NAME);
	if (radio->family < 0)
		return berth_fail(why, BERTH_E_UNSUPPORTED, "nl80211-missing", NULL,
				  "This kernel has no nl80211: no driver of a Wi-Fi radio is "
				  "loaded (\"lsmod\", \"dmesg\").");
	return BERTH_OK;
}

static enum berth_err
hear_events(struct berth_radio *radio, struct berth_why *why)
{
	static const char *const groups[] = {NL80211_MULTICAST_GROUP_MLME,
					     NL80211_MULTICAST_GROUP_SCAN};
	int error = 0;

	nl_socket_disable_seq_check(radio->events);
	for (size_t i = 0; i < 2 && error >= 0; i++) {
		error = genl_ctrl_resolve_grp(radio->command, NL80211_GENL_NAME, groups[i]);
		error = error < 0 ? error : nl_socket_add_membership(radio->events, error);
	}
	error = error < 0 ? error
			  : nl_socket_modify_cb(radio->events, NL_CB_VALID, NL_CB_CUSTOM, on_event,
						radio);
	error = error < 0 ? error : nl_socket_set_nonblocking(radio->events);
	if (error < 0)
		return berth_fail(why, BERTH_E_IO, "nl80211", NULL,
				  "%s: nl80211 does not tell its events: %s.",
				  radio->conf.interface, nl_geterror(error));
	enum berth_err err = berth_watch_open(radio->loop, nl_socket_get_fd(radio->events),
					      on_readable, radio, &radio->watch);
	err = err ? err : berth_timer_open(radio->loop, on_timer, radio, &radio->timer);
	return err ? out_of_memory(why) : BERTH_OK;
}

enum berth_err
berth_radio_open(struct berth_loop *loop, const struct berth_radio_conf *conf,
		 struct berth_radio **ret, struct berth_why *why)
{
	struct berth_radio *radio = calloc(1, sizeof(*radio));

	if (radio == NULL)
		return out_of_memory(why);
	radio->loop = loop;
	radio->conf = *conf;
	enum berth_err err = open_sockets(radio, why);
	err = err ? err : berth_radio_prepare(radio, why);
	err = err ? err : hear_events(radio, why);
	if (err) {
		berth_radio_close(radio);
		return err;
	}
	*ret = radio;
	return BERTH_OK;
}

static void
forget_jobs(struct berth_radio *radio)
{
	for (size_t i = 0; i < radio->job_count; i++)
		job_free(radio->jobs[i]);
	radio->job_count = 0;
}

void
berth_radio_close(struct berth_radio *radio)
{
	if (radio == NULL)
		return;
	forget_jobs(radio);
	if (radio->timer != NULL && radio->state == BERTH_RADIO_FOR_EXPIRY)
		stop_listening(radio);
	if (radio->timer != NULL && radio->state == BERTH_RADIO_FOR_RESULTS)
		berth_radio_scan_stop(radio);
	if (radio->timer != NULL)
		berth_timer_close(radio->timer);
	if (radio->watch != NULL)
		berth_watch_close(radio->watch);
	nl_socket_free(radio->command);
	nl_socket_free(radio->events); /* with it the registrations go */
	free(radio);
}

const struct berth_radio_facts *
berth_radio_facts(const struct berth_radio *radio)
{
	return &radio->facts;
}

static enum berth_err
put(struct berth_radio *radio, struct berth_radio_job *job, struct berth_why *why)
{
	if (radio->job_count == BERTH_RADIO_QUEUE_MAX) {
		job_free(job);
		return berth_fail(why, BERTH_E_LIMIT, "nl80211-queue", NULL,
				  "%s: more than %d things wait to be done by the radio.",
				  radio->conf.interface, BERTH_RADIO_QUEUE_MAX);
	}
	radio->jobs[radio->job_count++] = job;
	if (radio->state == BERTH_RADIO_FOR_WORK || radio->state == BERTH_RADIO_FOR_EXPIRY)
		berth_timer_start(radio->timer, 0);
	return BERTH_OK;
}

static struct berth_radio_job *
new_job(enum berth_radio_job_kind kind)
{
	struct berth_radio_job *job = calloc(1, sizeof(*job));

	if (job != NULL)
		job->kind = kind;
	return job;
}

enum berth_err
berth_radio_send(struct berth_radio *radio, const struct berth_radio_sending *sending,
		 struct berth_why *why)
{
	struct berth_wifi_action action = {.body = sending->body};
	struct berth_radio_job *job = new_job(BERTH_RADIO_SEND);

	if (job == NULL)
		return out_of_memory(why);
	job->frequency = sending->frequency;
	job->token = sending->token;
	job->wait_ms = sending->wait_ms;
	memcpy(action.to, sending->to, sizeof(action.to));
	memcpy(action.from, radio->facts.address, sizeof(action.from));
	/* Outside every network (IEEE Std 802.11 11.20): the wildcard. */
	memcpy(action.bssid, berth_wifi_broadcast, sizeof(action.bssid));
	enum berth_err err = berth_wifi_action_build(&action, &job->frame);
	if (err) {
		job_free(job);
		return berth_fail(why, err, "nl80211-frame", "IEEE 802.11 9.3.3",
				  "The frame is too long for the air.");
	}
	return put(radio, job, why);
}

enum berth_err
berth_radio_listen(struct berth_radio *radio, uint32_t frequency, int64_t for_ms,
		   struct berth_why *why)
{
	struct berth_radio_job *job = new_job(BERTH_RADIO_LISTEN);

	if (job == NULL)
		return out_of_memory(why);
	job->frequency = frequency;
	job->wait_ms = for_ms;
	return put(radio, job, why);
}

enum berth_err
berth_radio_scan(struct berth_radio *radio, const uint32_t *frequencies, size_t n,
		 struct berth_why *why)
{
	struct berth_radio_job *job = new_job(BERTH_RADIO_SCAN);

	if (job == NULL)
		return out_of_memory(why);
	job->frequency_count = n > BERTH_RADIO_CHANNELS_MAX ? BERTH_RADIO_CHANNELS_MAX : n;
	if (job->frequency_count > 0)
		memcpy(job->frequencies, frequencies,
		       job->frequency_count * sizeof(frequencies[0]));
	return put(radio, job, why);
}

void
berth_radio_quiet(struct berth_radio *radio)
{
	forget_jobs(radio);
	if (radio->state == BERTH_RADIO_FOR_EXPIRY) {
		stop_listening(radio);
		rest(radio);
	}
}
