/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DPP over the air: announcements on one channel after the other, then an attempt with the first who asks, on his channel. His
 * radio acknowledges what it hears, so what is not acknowledged is sent again, soon.
 */
#include <stdlib.h>

#include "codec/dpp_channel.h"
#include "codec/dpp_fragments.h"
#include "net/nl80211.h"
#include "protocol/dpp/announce.h"
#include "role/device/dpp_agent.h"
#include "system/clock.h"
#include "system/random.h"

#define CATEGORY_PUBLIC 0x04
#define SENDS_MAX 6    /* of one frame; the radio itself tries some times each */
#define RESEND_MS 60   /* twice as long each time: two seconds in all */
#define HOME_MHZ 2437  /* channel 6, where PKEX is asked for first (DPP 6.2.1) */
#define LISTEN_MS 2000 /* at a time, as long as an attempt is on */

enum doing { NOTHING, SPEAKING, SCANNING, LISTENING };

struct dpp_air {
	struct dpp_agent *agent;
	struct berth_radio *radio;
	struct berth_dpp_announce announce;
	struct berth_dpp_fragments fragments;
	enum doing doing;
	/* of the attempt */
	uint8_t peer[BERTH_WIFI_ADDRESS_BYTES];
	uint32_t frequency;
	struct berth_buf last; /* sent last, from the category octet */
	uint32_t home; /* where who waits to be asked for PKEX listens between its announcements */
	uint32_t token;
	unsigned sends; /* of last; 0: acknowledged, or given up */
	bool is_waiting;
	struct berth_mono resend;
};

static void
log_radio(struct dpp_air *air, const struct berth_why *why)
{
	berth_log_why(&air->agent->log, BERTH_LOG_WARNING, "dpp.radio", why, "interface",
		      air->agent->conf->dpp_interface, NULL);
}

static void
send_to(struct dpp_air *air, const uint8_t to[BERTH_WIFI_ADDRESS_BYTES], uint32_t frequency,
	struct berth_bytes body, int64_t wait_ms)
{
	struct berth_radio_sending sending = {
		.frequency = frequency, .body = body, .wait_ms = wait_ms, .token = ++air->token};
	struct berth_why why = {0};

	memcpy(sending.to, to, sizeof(sending.to));
	if (berth_radio_send(air->radio, &sending, &why))
		log_radio(air, &why);
}

static void
send_last(struct dpp_air *air)
{
	air->sends++;
	air->is_waiting = true;
	send_to(air, air->peer, air->frequency, berth_buf_view(&air->last), LISTEN_MS);
}

static void
send_body(struct dpp_air *air, struct berth_bytes body)
{
	berth_buf_clear(&air->last);
	air->sends = 0;
	if (berth_buf_append_u8(&air->last, CATEGORY_PUBLIC) == BERTH_OK &&
	    berth_buf_append_bytes(&air->last, body) == BERTH_OK)
		send_last(air);
}

static void
air_send(struct dpp_agent *agent, struct berth_bytes body)
{
	if (body.n > 0 && body.p[0] == BERTH_DPP_FRAME_GAS_REQUEST)
		berth_dpp_fragments_reset(&agent->air->fragments);
	send_body(agent->air, body);
}

/* Where the initiator says that he will be (DPP 6.2.2); else where he was heard. */
static uint32_t
channel_of(const struct berth_dpp_frame *request, uint32_t heard)
{
	struct berth_bytes channel = BERTH_BYTES_NONE;
	uint32_t mhz = 0;

	if (berth_dpp_attribute_find(request->attributes, BERTH_DPP_CHANNEL, &channel) &&
	    channel.n == 2)
		mhz = berth_dpp_channel_mhz(channel.p[0], channel.p[1]);
	return mhz != 0 ? mhz : heard;
}

static void
begin(struct dpp_air *air, const struct berth_radio_frame *frame,
      const struct berth_dpp_frame *request)
{
	char text[BERTH_WIFI_ADDRESS_TEXT_MAX];

	memcpy(air->peer, frame->action.from, sizeof(air->peer));
	air->frequency = channel_of(request, frame->frequency);
	air->sends = 0;
	berth_dpp_fragments_reset(&air->fragments);
	berth_dpp_announce_hold(&air->announce, frame->frequency);
	berth_log(&air->agent->log, BERTH_LOG_INFO, "dpp.asked", "by",
		  berth_wifi_address_text(air->peer, text), NULL);
}

/* True: there is none any more, for this frame asks for another. */
static bool
give_way(struct dpp_air *air, struct berth_bytes body)
{
	struct dpp_agent *agent = air->agent;
	struct berth_dpp_frame frame;
	struct berth_why why = {0};

	if (!dpp_agent_gives_way(agent) || berth_dpp_frame_parse(body, &frame, &why) ||
	    !berth_dpp_attempt_is_asked(&agent->attempt_conf, &frame))
		return false;
	berth_why_fill(&why, BERTH_E_TIMEOUT, "dpp-gives-way", NULL, 0,
		       "Who asked has proved no key for some time, and another asks.");
	dpp_agent_drop(agent, &why);
	return true;
}

static void
on_frame(void *context, const struct berth_radio_frame *frame)
{
	struct dpp_air *air = context;
	struct dpp_agent *agent = air->agent;
	struct berth_bytes body =
		berth_bytes_of(frame->action.body.p + 1, frame->action.body.n - 1);
	enum berth_dpp_fragments_step step = BERTH_DPP_FRAGMENTS_BODY;
	struct berth_dpp_frame parsed;
	struct berth_why why = {0};

	if (agent->attempt != NULL &&
	    memcmp(air->peer, frame->action.from, sizeof(air->peer)) != 0 && !give_way(air, body))
		return; /* one at a time */
	enum berth_err err = berth_dpp_fragments_take(&air->fragments, body, &step, &body, &why);
	if (!err && step == BERTH_DPP_FRAGMENTS_ASK) {
		if (agent->attempt != NULL)
			send_body(air, body);
		return;
	}
	err = err ? err : berth_dpp_frame_parse(body, &parsed, &why);
	if (err) {
		berth_log_why(&agent->log, BERTH_LOG_INFO, "dpp.frame-refused", &why, NULL);
		return;
	}
	parsed.from = frame->action.from;
	if (dpp_agent_take(agent, &parsed))
		begin(air, frame, &parsed);
}

/* Nobody acknowledges a broadcast. */
static void
on_sent(void *context, uint32_t token, bool is_acknowledged, const struct berth_why *why)
{
	struct dpp_air *air = context;

	if (why != NULL)
		log_radio(air, why);
	if (air->agent->attempt == NULL || token != air->token || !air->is_waiting)
		return;
	air->is_waiting = false;
	if (is_acknowledged || air->sends == SENDS_MAX) {
		air->sends = 0;
	} else {
		air->resend = berth_mono_after_ms(berth_clock_mono(),
						  (int64_t)RESEND_MS << (air->sends - 1));
	}
	dpp_agent_wake(air->agent);
}

static void
on_idle(void *context)
{
	struct dpp_air *air = context;
	struct berth_why why = {0};

	if (air->agent->attempt != NULL) {
		if (!air->agent->is_enrolled &&
		    berth_radio_listen(air->radio, air->frequency, LISTEN_MS, &why))
			log_radio(air, &why);
		return;
	}
	if (air->doing == SPEAKING) {
		air->doing = NOTHING;
		berth_dpp_announce_spoken(&air->announce, berth_clock_mono());
	}
	if (air->doing == LISTENING)
		air->doing = NOTHING;
	dpp_agent_wake(air->agent);
}

static void
on_scanned(void *context, const struct berth_radio_found *found, size_t n,
	   const struct berth_why *why)
{
	struct dpp_air *air = context;
	uint32_t frequencies[BERTH_RADIO_FOUND_MAX];
	size_t count = 0;

	if (why != NULL)
		log_radio(air, why);
	for (size_t i = 0; i < n && count < BERTH_RADIO_FOUND_MAX; i++) {
		if (found[i].tells_configurator)
			frequencies[count++] = found[i].frequency;
	}
	air->doing = NOTHING;
	berth_dpp_announce_scanned(&air->announce, frequencies, count);
	dpp_agent_wake(air->agent);
}

static enum berth_err
air_open(struct dpp_agent *agent, struct berth_why *why)
{
	struct dpp_air *air = calloc(1, sizeof(*air));
	uint32_t preferred[BERTH_DPP_CHANNELS_MAX];
	size_t preferred_count = 0;

	if (air == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	air->agent = agent;
	agent->air = air;
	const struct berth_radio_conf conf = {
		.interface = agent->conf->dpp_interface,
		.frame = on_frame,
		.sent = on_sent,
		.idle = on_idle,
		.scanned = on_scanned,
		.context = air,
	};
	enum berth_err err = BERTH_OK;
	if (agent->conf->dpp_channels != NULL)
		err = berth_dpp_channels_parse(berth_text(agent->conf->dpp_channels), preferred,
					       &preferred_count, why);
	err = err ? err : berth_radio_open(agent->loop, &conf, &air->radio, why);
	if (err)
		return err;
	const struct berth_radio_facts *facts = berth_radio_facts(air->radio);
	agent->attempt_conf.has_address = true;
	memcpy(agent->attempt_conf.address, facts->address, sizeof(facts->address));
	const struct berth_dpp_announce_conf announce = {
		.random = berth_system_random(),
		.allowed = facts->frequencies,
		.allowed_count = facts->frequency_count,
		.preferred = preferred,
		.preferred_count = preferred_count,
	};
	air->home = preferred_count > 0 ? preferred[0] : HOME_MHZ;
	return berth_dpp_announce_start(&announce, berth_clock_mono(), &air->announce, why);
}

static void
air_close(struct dpp_agent *agent)
{
	if (agent->air == NULL)
		return;
	berth_radio_close(agent->air->radio);
	berth_dpp_fragments_free(&agent->air->fragments);
	berth_buf_free(&agent->air->last);
	free(agent->air);
	agent->air = NULL;
}

static void
speak(struct dpp_air *air, uint32_t frequency)
{
	BERTH_BUF frame = {0};
	BERTH_BUF body = {0};

	if (dpp_agent_announcement(air->agent, &body) ||
	    berth_buf_append_u8(&frame, CATEGORY_PUBLIC) ||
	    berth_buf_append_bytes(&frame, berth_buf_view(&body)))
		return;
	air->doing = SPEAKING;
	send_to(air, berth_wifi_broadcast, frequency, berth_buf_view(&frame),
		BERTH_DPP_ANNOUNCE_LISTEN_MS);
}

/* Who asks for PKEX does so on channels of its own choice, and does not know when we listen. */
static void
listen_at_home(struct dpp_air *air)
{
	const struct dpp_agent *agent = air->agent;
	struct berth_why why = {0};

	if (agent->attempt_conf.pkex_code == NULL || agent->attempt_conf.kept != NULL ||
	    agent->conf->pkex_role != BERTH_DEVICE_PKEX_RESPONDER)
		return;
	if (berth_radio_listen(air->radio, air->home, LISTEN_MS, &why)) {
		log_radio(air, &why);
		return;
	}
	air->doing = LISTENING;
}

static void
air_announce(struct dpp_agent *agent)
{
	struct dpp_air *air = agent->air;
	struct berth_dpp_announce_step step;
	struct berth_why why = {0};

	if (agent->attempt != NULL) {
		if (air->sends > 0 && !air->is_waiting && berth_clock_mono().ms >= air->resend.ms)
			send_last(air);
		return;
	}
	if (air->doing != NOTHING)
		return;
	berth_dpp_announce_next(&air->announce, berth_clock_mono(), &step);
	switch (step.kind) {
	case BERTH_DPP_ANNOUNCE_SPEAK:
		speak(air, step.frequency);
		return;
	case BERTH_DPP_ANNOUNCE_SCAN:
		air->doing = SCANNING;
		if (berth_radio_scan(air->radio, NULL, 0, &why))
			log_radio(air, &why);
		return;
	case BERTH_DPP_ANNOUNCE_REST:
		listen_at_home(air);
		return;
	}
}

static void
air_resume(struct dpp_agent *agent)
{
	struct dpp_air *air = agent->air;

	air->sends = 0;
	air->is_waiting = false;
	air->doing = NOTHING;
	berth_dpp_fragments_reset(&air->fragments);
	berth_radio_quiet(air->radio);
	berth_dpp_announce_resume(&air->announce, berth_clock_mono());
}

static struct berth_mono
air_deadline(struct dpp_agent *agent)
{
	const struct dpp_air *air = agent->air;

	if (agent->attempt != NULL)
		return air->sends > 0 && !air->is_waiting ? air->resend : BERTH_MONO_NEVER;
	return air->doing == NOTHING ? berth_dpp_announce_deadline(&air->announce)
				     : BERTH_MONO_NEVER;
}

static uint32_t
air_frequency(struct dpp_agent *agent)
{
	return agent->air->frequency;
}

static bool
air_has_left(struct dpp_agent *agent)
{
	return agent->air->sends == 0;
}

const struct dpp_way dpp_way_air = {
	.open = air_open,
	.close = air_close,
	.announce = air_announce,
	.send = air_send,
	.resume = air_resume,
	.deadline = air_deadline,
	.frequency = air_frequency,
	.has_left = air_has_left,
};
