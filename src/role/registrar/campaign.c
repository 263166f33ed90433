/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/campaign.h"

#include "policy/glob.h"
#include "protocol/est/renewal_info.h"
#include "role/registrar/admin.h"
#include "store/registrar_campaign.h"

#include <stdio.h>

#define WINDOW_MAX_S                                                                               \
	3600 /* in which who is told to renew does so, so that they do not come together */
#define WINDOW_PART 12		/* of the certificate's life, where that is shorter */
#define AGAIN_MIN_S 60		/* nobody is told to ask again sooner */
#define AGAIN_MAX_S 86400	/* or later */
#define ABOUT "renewal-info"	/* of the trace */
#define RATE_MAX 1000000	/* a minute; no registrar issues more */
#define OPEN_SHOWN 1000		/* devices named in one report; the counts tell of all */
#define STATUS_ARENA_BYTES 4096 /* a campaign's own words */

/* ---- the running campaign ---- */

/* What the store says into memory: every device asks, and the answer is mostly the same. */
enum berth_err
berth_campaign_refresh(struct berth_registrar_role *role, struct berth_why *why)
{
	BERTH_ARENA arena;
	struct berth_campaign found;
	struct berth_running_campaign *running = &role->campaign;
	berth_arena_start(&arena, STATUS_ARENA_BYTES);
	enum berth_err err = berth_campaign_latest(role->store, &arena, &found, why);
	bool is_same = !err && found.row == running->row &&
		       found.rate_per_minute == running->rate.per_minute;
	/* Done is who was issued a certificate; power may have gone before it was received. */
	running->calls_up = !err && (found.state == BERTH_CAMPAIGN_RUNNING ||
				     found.state == BERTH_CAMPAIGN_DONE);
	if (err)
		return err == BERTH_E_NOT_FOUND ? BERTH_OK : err;
	running->row = found.row;
	running->last_certificate = found.last_certificate;
	running->total = found.total;
	(void)snprintf(running->match, sizeof(running->match), "%.*s", (int)found.match.n,
		       (const char *)found.match.p);
	if (!is_same) /* a pause does not fill the minute anew */
		berth_rate_start(&running->rate, found.rate_per_minute);
	return BERTH_OK;
}

/* ---- GET renewal-info ---- */

static void
text_reply(struct berth_registrar_exchange *exchange, int status, const struct berth_why *why)
{
	char text[BERTH_WHY_SENTENCE_MAX + 64];
	struct berth_decision decision;
	int n = snprintf(text, sizeof(text), "%s (%s)\n", why->sentence, why->rule);
	berth_decision_start(&decision);
	berth_decision_fail(&decision, why);
	const struct berth_http_response response = {
		.status = status,
		.media_type = BERTH_LIT("text/plain; charset=utf-8"),
		.retry_after_s = -1,
		.body = berth_bytes_of(text, n < 0 ? 0 : (size_t)n),
	};
	berth_exchange_finish(exchange, ABOUT, &decision, &response, why);
}

/* Two thirds of the life, which begins when it was issued (notBefore is dated back), and a twelfth to spread devices over. */
static void
usual_window(const struct berth_cert *cert, struct berth_wall born, struct berth_renewal_info *info)
{
	int64_t life = berth_cert_not_after(cert).s - born.s;
	info->start.s = born.s + life / 3 * 2;
	info->end.s = info->start.s + life / 12;
	(void)snprintf(info->explanation, sizeof(info->explanation),
		       "at two thirds of the certificate's life");
}

/* So far off that those before it can have had their turn; the same for nobody. */
static int32_t
ask_again_in(struct berth_registrar_role *role)
{
	struct berth_random random = berth_judge_random(role->judge);
	int64_t all_s = role->campaign.total * 60 / role->campaign.rate.per_minute + AGAIN_MIN_S;
	if (all_s > AGAIN_MAX_S)
		all_s = AGAIN_MAX_S;
	return (int32_t)(AGAIN_MIN_S + berth_random_below(&random, (uint32_t)all_s));
}

/*
 * A certificate of a former issuer is renewed early, so that this issuer's key is needed no longer: spread from the
 * roll-over on over a quarter of the time that the former issuer then had, or until the usual time where that is
 * earlier. The window stands still, so that a device that asks again finds the same.
 */
/* req: renewal-info-former-issuer */
static void
former_window(const struct berth_registrar_role *role, struct berth_bytes key_id,
	      struct berth_renewal_info *info)
{
	for (size_t i = 1; i < role->domain.n; i++) {
		const struct berth_cert *former = role->domain.at[i];
		if (!berth_bytes_equal(key_id, berth_cert_ski(former)))
			continue;
		int64_t from = berth_cert_not_before(role->domain.at[0]).s;
		int64_t until = from + (berth_cert_not_after(former).s - from) / 4;
		if (from >= info->start.s)
			return;
		info->end.s = until < info->start.s ? until : info->start.s;
		info->start.s = from;
		(void)snprintf(info->explanation, sizeof(info->explanation),
			       "the CA that issued the certificate was replaced by a new one");
	}
}

static bool
takes_part(const struct berth_running_campaign *campaign,
	   const struct berth_registrar_device *device,
	   const struct berth_registrar_certificate *certificate)
{
	return campaign->calls_up && certificate->row <= campaign->last_certificate &&
	       berth_glob_matches(campaign->match, device->identity.serial_number);
}

/*
 * Tells a device whose turn it is. Its turn stays its own: asked again, it hears of the same window, or it would draw a
 * new moment of it each time that it comes to renew, and never get there.
 */
/* req: renewal-info-campaign */
static enum berth_err
call_up(struct berth_registrar_exchange *exchange, const struct berth_registrar_device *device,
	const struct berth_registrar_certificate *certificate, struct berth_renewal_info *info,
	int32_t *retry_after_s, struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_now now = berth_judge_now(role->judge);
	struct berth_wall told_at;
	struct berth_why full = {0};
	int64_t part = (certificate->credential.not_after.s - certificate->made_at.s) / WINDOW_PART;
	enum berth_err err =
		berth_campaign_told_at(role->store, role->campaign.row, device->row, &told_at, why);
	if (err)
		return err;
	if (told_at.s == 0 &&
	    berth_rate_take(&role->campaign.rate, now.mono, "the campaign's rate", &full)) {
		*retry_after_s = ask_again_in(role);
		return BERTH_OK;
	}
	info->start = told_at.s == 0 ? now.wall : told_at;
	info->end.s = info->start.s + (part < WINDOW_MAX_S ? part : WINDOW_MAX_S);
	(void)snprintf(info->explanation, sizeof(info->explanation), "the fleet is re-keyed");
	return berth_campaign_offer(role->store, role->campaign.row, device->row, now.wall, why);
}

static enum berth_err
advise(struct berth_registrar_exchange *exchange, struct berth_renewal_info *info,
       int32_t *retry_after_s, struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_registrar_device device;
	struct berth_registrar_certificate certificate;
	enum berth_err err = berth_exchange_know_device(exchange, false, &device, why);
	if (!err)
		err = berth_device_check_welcome(&device, why);
	if (!err)
		err = berth_registrar_certificate_get(role->store, exchange->renewed,
						      &exchange->arena, &certificate, why);
	if (err)
		return err;
	usual_window(berth_peer_cert(&exchange->seen->peer), certificate.made_at, info);
	former_window(role, certificate.credential.issuer_key_id, info);
	info->has_now = true;
	info->now = berth_judge_now(role->judge).wall;
	return takes_part(&role->campaign, &device, &certificate)
		       ? call_up(exchange, &device, &certificate, info, retry_after_s, why)
		       : BERTH_OK;
}

/* req: renewal-info-client */
void
berth_registrar_serve_renewal_info(struct berth_registrar_exchange *exchange,
				   const struct berth_http_request *http)
{
	struct berth_renewal_info info = {0};
	struct berth_why why = {0};
	BERTH_BUF json = {0};
	int32_t retry_after_s = -1;
	if (http->method != BERTH_HTTP_GET) {
		berth_ignore(berth_fail(&why, BERTH_E_UNSUPPORTED, "renewal-info-method",
					"RFC 9110 9.1", "this resource takes GET only"),
			     "it is told");
		text_reply(exchange, 405, &why);
		return;
	}
	if (exchange->seen->peer.kind != BERTH_PEER_LDEVID) {
		berth_ignore(berth_fail(&why, BERTH_E_UNTRUSTED, "renewal-info-client",
					"draft-ietf-lamps-est-renewal-info",
					"this is for who holds a certificate of ours, with it"),
			     "it is told");
		text_reply(exchange, 403, &why);
		return;
	}
	enum berth_err err = advise(exchange, &info, &retry_after_s, &why);
	if (!err)
		err = berth_renewal_info_build(&info, &json, &why);
	if (err) {
		text_reply(exchange, err == BERTH_E_DENIED || err == BERTH_E_NOT_FOUND ? 403 : 503,
			   &why);
		return;
	}
	const struct berth_http_response response = {
		.status = 200,
		.media_type = BERTH_LIT(BERTH_EST_MEDIA_RENEWAL_INFO),
		.retry_after_s = retry_after_s,
		.body = berth_buf_view(&json),
	};
	berth_exchange_finish(exchange, NULL, NULL, &response, &why);
}

/* ---- the admin API ---- */

static struct berth_wall
wall(const struct berth_admin_call *call)
{
	return berth_judge_now(call->role->judge).wall;
}

static enum berth_err
put_time(json_t *object, const char *key, struct berth_wall at)
{
	char text[BERTH_TIME_TEXT_MAX];
	return at.s == 0
		       ? BERTH_OK
		       : berth_json_set_text(object, key, berth_text(berth_wall_format(at, text)));
}

static enum berth_err
describe(json_t *object, const struct berth_campaign *campaign,
	 const struct berth_campaign_progress *progress)
{
	enum berth_err err = berth_json_set_text(
		object, "campaign", berth_text(berth_campaign_state_name(campaign->state)));
	err = err ? err : berth_json_set_text(object, "match", campaign->match);
	err = err ? err : berth_json_set_i64(object, "rate-per-minute", campaign->rate_per_minute);
	err = err ? err : put_time(object, "started-at", campaign->started_at);
	err = err ? err : berth_json_set_text(object, "started-by", campaign->started_by);
	err = err ? err : put_time(object, "ended-at", campaign->ended_at);
	err = err ? err : berth_json_set_i64(object, "devices", campaign->total);
	err = err ? err : berth_json_set_i64(object, "done", progress->done);
	err = err ? err : berth_json_set_i64(object, "told", progress->told);
	err = err ? err : berth_json_set_i64(object, "waiting", progress->waiting);
	return err ? err : berth_json_set_i64(object, "gone", progress->gone);
}

/* When nobody is left who could come, it is done. */
static enum berth_err
settle(struct berth_admin_call *call, struct berth_campaign *campaign,
       struct berth_campaign_progress *progress)
{
	enum berth_err err =
		berth_campaign_count(call->role->store, campaign, wall(call), progress, &call->why);
	if (err || campaign->state != BERTH_CAMPAIGN_RUNNING || progress->told > 0 ||
	    progress->waiting > 0)
		return err;
	campaign->state = BERTH_CAMPAIGN_DONE;
	campaign->ended_at = wall(call);
	err = berth_campaign_move(call->role->store, campaign->row, BERTH_CAMPAIGN_DONE,
				  campaign->ended_at, &call->why);
	return err ? err : berth_campaign_refresh(call->role, &call->why);
}

enum berth_err
berth_admin_campaign(struct berth_admin_call *call)
{
	struct berth_campaign campaign;
	struct berth_campaign_progress progress;
	enum berth_err err =
		berth_campaign_latest(call->role->store, call->arena, &campaign, &call->why);
	if (!err)
		err = settle(call, &campaign, &progress);
	return err ? err : berth_admin_built(call, describe(call->reply, &campaign, &progress));
}

static enum berth_err
read_wish(struct berth_admin_call *call, struct berth_campaign *wanted)
{
	BERTH_JSON json_t *root = NULL;
	struct berth_bytes match = BERTH_LIT("*");
	enum berth_err err = berth_json_parse(call->http->body, NULL, &root, &call->why);
	err = err ? err
		  : berth_json_get_i64(root, "rate-per-minute", BERTH_JSON_REQUIRED, 1, RATE_MAX,
				       &wanted->rate_per_minute, &call->why);
	err = err ? err
		  : berth_json_get_text(root, "match", BERTH_JSON_OPTIONAL, &match, &call->why);
	if (err)
		return err;
	if (match.n == 0 || match.n > BERTH_CAMPAIGN_MATCH_MAX ||
	    !berth_bytes_is_printable(match) || memchr(match.p, '[', match.n) != NULL)
		return berth_fail(
			&call->why, BERTH_E_USAGE, "campaign-match", NULL,
			"match is a pattern of at most %d characters over serial numbers, "
			"with * and ? and without [",
			BERTH_CAMPAIGN_MATCH_MAX);
	wanted->match = berth_arena_copy(call->arena, match);
	return BERTH_OK;
}

enum berth_err
berth_admin_campaign_start(struct berth_admin_call *call)
{
	struct berth_campaign wanted = {.started_at = wall(call),
					.started_by = berth_text(call->user)};
	char subject[BERTH_CAMPAIGN_MATCH_MAX + 1];
	enum berth_err err = read_wish(call, &wanted);
	if (err)
		return err;
	(void)snprintf(subject, sizeof(subject), "%.*s", (int)wanted.match.n,
		       (const char *)wanted.match.p);
	err = berth_admin_note(call, BERTH_EVENT_CAMPAIGN, subject, "re-keying begins");
	if (!err)
		err = berth_campaign_begin(call->role->store, &wanted, &call->why);
	if (!err)
		err = berth_campaign_refresh(call->role, &call->why);
	return err ? err : berth_admin_campaign(call);
}

static enum berth_err
move(struct berth_admin_call *call, enum berth_campaign_state to)
{
	struct berth_campaign campaign;
	enum berth_err err =
		berth_campaign_latest(call->role->store, call->arena, &campaign, &call->why);
	if (!err)
		err = berth_admin_note(call, BERTH_EVENT_CAMPAIGN, "re-keying",
				       berth_campaign_state_name(to));
	if (!err)
		err = berth_campaign_move(call->role->store, campaign.row, to, wall(call),
					  &call->why);
	if (!err)
		err = berth_campaign_refresh(call->role, &call->why);
	return err ? err : berth_admin_campaign(call);
}

enum berth_err
berth_admin_campaign_pause(struct berth_admin_call *call)
{
	return move(call, BERTH_CAMPAIGN_PAUSED);
}

enum berth_err
berth_admin_campaign_resume(struct berth_admin_call *call)
{
	return move(call, BERTH_CAMPAIGN_RUNNING);
}

enum berth_err
berth_admin_campaign_cancel(struct berth_admin_call *call)
{
	return move(call, BERTH_CAMPAIGN_CANCELLED);
}

struct listing {
	json_t *array;
	size_t n;
	enum berth_err err;
};

static bool
list_open(void *context, const struct berth_campaign_device *device)
{
	struct listing *listing = context;
	json_t *object = json_object();
	if (object == NULL || json_array_append_new(listing->array, object) != 0) {
		listing->err = BERTH_E_MEMORY;
		return false;
	}
	listing->err = berth_json_set_text(object, "device", device->id);
	if (!listing->err)
		listing->err = put_time(object, "told-at", device->told_at);
	if (!listing->err && device->times_told > 0)
		listing->err = berth_json_set_i64(object, "times-told", device->times_told);
	if (!listing->err)
		listing->err = put_time(object, "last-seen", device->last_seen);
	return !listing->err && ++listing->n < OPEN_SHOWN;
}

enum berth_err
berth_admin_campaign_report(struct berth_admin_call *call)
{
	struct berth_campaign campaign;
	struct listing listing = {.array = json_array()};
	enum berth_err err = berth_admin_campaign(call);
	if (!err)
		err = berth_admin_built(call, berth_json_set(call->reply, "open", listing.array));
	if (!err)
		err = berth_campaign_latest(call->role->store, call->arena, &campaign, &call->why);
	if (!err)
		err = berth_campaign_each_open(call->role->store, &campaign, wall(call), list_open,
					       &listing, &call->why);
	return err ? err : berth_admin_built(call, listing.err);
}
