/* SPDX-License-Identifier: BSD-2-Clause */
/* The dice: what becomes of a right answer on its way to the device. */
#include "role/mean/mean.h"

#include <stdio.h>
#include <stdlib.h>

#include "protocol/est/client.h"

#define WAITS_MAX 2 /* in one onboarding: a device may be patient, a test is not */

struct parcel {
	struct berth_mean_listener *listener;
	struct berth_http_exchange *exchange;
	struct berth_timer *timer;
	struct berth_mean_reply reply;
	struct berth_http_manner manner;
	char location[256];
	bool is_drop;
};

bool
berth_mean_throws(struct berth_mean *mean, int64_t percent)
{
	return (int64_t)berth_random_below(&mean->dice, 100) < percent;
}

void
berth_mean_take(struct berth_mean_reply *reply, const struct berth_http_response *response)
{
	berth_buf_clear(&reply->body);
	berth_ignore(berth_buf_append_bytes(&reply->body, response->body), "then it is empty");
	(void)snprintf(reply->media_type, sizeof(reply->media_type), "%.*s",
		       (int)response->media_type.n, (const char *)response->media_type.p);
	reply->response = (struct berth_http_response){
		.status = response->status,
		.media_type = berth_text(reply->media_type),
		.retry_after_s = response->retry_after_s,
		.close = response->close,
		.body = berth_buf_view(&reply->body),
	};
}

/* ---- sending ---- */

static void
parcel_free(struct parcel *parcel)
{
	berth_timer_close(parcel->timer);
	berth_buf_free(&parcel->reply.body);
	free(parcel);
}

static void
on_due(void *context)
{
	struct parcel *parcel = context;
	berth_http_exchange_set(parcel->exchange, NULL);
	if (parcel->is_drop)
		berth_http_exchange_drop(parcel->exchange);
	else
		berth_http_reply_in_manner(parcel->exchange, &parcel->reply.response,
					   &parcel->manner);
	parcel_free(parcel);
}

void
berth_mean_forget(struct berth_http_exchange *exchange)
{
	struct parcel *parcel = berth_http_exchange_get(exchange);
	if (parcel != NULL)
		parcel_free(parcel);
}

static struct berth_http_manner
odd_manner(struct berth_mean *mean)
{
	static const size_t sizes[] = {1, 2, 7, 500, 4096};
	return (struct berth_http_manner){
		.interim = berth_mean_throws(mean, 20),
		.odd_fields = berth_mean_throws(mean, 50),
		.as_http_1_0 = berth_mean_throws(mean, 10),
		.chunk_bytes =
			berth_mean_throws(mean, 50) ? sizes[berth_random_below(&mean->dice, 5)] : 0,
	};
}

/* ---- other answers than the right one ---- */

static void
say(struct berth_mean_reply *reply, int status, int32_t retry_after_s, const char *text)
{
	const struct berth_http_response response = {
		.status = status,
		.media_type = BERTH_LIT("text/plain"),
		.retry_after_s = retry_after_s,
		.body = berth_text(text),
	};
	berth_mean_take(reply, &response);
}

static bool
may_wait(const struct berth_http_request *http)
{
	return berth_bytes_equal_text(http->path, BERTH_BRSKI_REQUESTVOUCHER_PATH) ||
	       berth_bytes_equal_text(http->path, BERTH_EST_SIMPLEENROLL_PATH);
}

/* True: reply is now a lawful way of saying "not now". */
static bool
put_off(struct berth_mean_listener *listener, const struct berth_http_request *http,
	struct parcel *parcel, struct berth_mean_device *device)
{
	struct berth_mean *mean = listener->mean;
	const struct berth_mean_settings *s = mean->settings;
	if (berth_mean_throws(mean, s->failures_percent)) {
		parcel->is_drop = berth_mean_throws(mean, 40);
		mean->counts.drops += parcel->is_drop;
		mean->counts.failures++;
		say(&parcel->reply, 503, (int32_t)berth_random_below(&mean->dice, 3) - 1,
		    "not now\n");
		return true;
	}
	if (parcel->reply.response.status == 200 && may_wait(http) && device != NULL &&
	    device->waits < WAITS_MAX && berth_mean_throws(mean, s->waits_percent)) {
		device->waits++;
		mean->counts.waits++;
		say(&parcel->reply, 202, (int32_t)berth_random_below(&mean->dice, 2),
		    "somebody must look at it\n");
		return true;
	}
	return false;
}

static bool
redirect(struct berth_mean_listener *listener, const struct berth_http_request *http,
	 struct parcel *parcel)
{
	struct berth_mean *mean = listener->mean;
	if (listener != &mean->listeners[0] ||
	    !berth_bytes_equal_text(http->path, BERTH_BRSKI_REQUESTVOUCHER_PATH) ||
	    !berth_mean_throws(mean, mean->settings->redirects_percent))
		return false;
	(void)snprintf(parcel->location, sizeof(parcel->location), "https://%s:%u%s",
		       mean->settings->host, mean->listeners[1].port,
		       BERTH_BRSKI_REQUESTVOUCHER_PATH);
	say(&parcel->reply, 307, -1, "");
	parcel->reply.response.location = berth_text(parcel->location);
	mean->counts.redirects++;
	return true;
}

/* What became of a request, for who wonders why his device did not come on. */
static void
log_answer(struct berth_mean *mean, const struct berth_http_request *http,
	   const struct berth_mean_reply *right, const struct parcel *parcel)
{
	char path[64];
	char status[16];
	char reason[BERTH_WHY_SENTENCE_MAX];
	const struct berth_http_response *sent = &parcel->reply.response;
	bool is_refusal = right->response.status >= 400;
	(void)snprintf(path, sizeof(path), "%.*s", (int)http->path.n, (const char *)http->path.p);
	(void)snprintf(status, sizeof(status), "%d", sent->status);
	(void)snprintf(reason, sizeof(reason), "%.*s", is_refusal ? (int)right->response.body.n : 0,
		       (const char *)right->response.body.p);
	berth_log(&mean->log, is_refusal ? BERTH_LOG_WARNING : BERTH_LOG_INFO, "mean.answered",
		  "device", right->device == NULL ? NULL : right->device->serial_number, "path",
		  path, "status", parcel->is_drop ? "none, the connection ends" : status, "reason",
		  is_refusal ? reason : NULL, (const char *)NULL);
}

void
berth_mean_answer(struct berth_mean_listener *listener, struct berth_http_exchange *exchange,
		  const struct berth_http_request *http, const struct berth_mean_reply *right)
{
	struct berth_mean *mean = listener->mean;
	struct parcel *parcel = calloc(1, sizeof(*parcel));
	mean->counts.requests++;
	if (parcel == NULL ||
	    berth_timer_open(mean->loop, on_due, parcel, &parcel->timer) != BERTH_OK) {
		free(parcel);
		berth_http_exchange_drop(exchange);
		return;
	}
	parcel->listener = listener;
	parcel->exchange = exchange;
	berth_mean_take(&parcel->reply, &right->response);
	if (!put_off(listener, http, parcel, right->device))
		(void)redirect(listener, http, parcel);
	if (berth_mean_throws(mean, mean->settings->odd_percent)) {
		parcel->manner = odd_manner(mean);
		mean->counts.odd++;
	}
	log_answer(mean, http, right, parcel);
	berth_http_exchange_set(exchange, parcel);
	berth_timer_start(parcel->timer,
			  mean->settings->delay_max_ms == 0
				  ? 0
				  : (int64_t)berth_random_below(
					    &mean->dice, (uint32_t)mean->settings->delay_max_ms));
}
