/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Wi-Fi interface that is not in any network, used for public action frames alone: to send one on a channel and stay there
 * for the answer, to listen on a channel, and to scan. This is what DPP needs of a device before it knows a network (DPP
 * 6.2, 6.4). Through nl80211 of the kernel, with CAP_NET_ADMIN; the only place with its types.
 *
 *	berth_radio_open -> facts
 *	berth_radio_send(announcement, wait 2 s) -> sent(acknowledged) [-> frame ...] -> idle
 *
 * What is asked for is done in the order it was asked for, one at a time. Listening (also the wait after sending) yields to
 * what is asked for next; sending and scanning are finished first. Callbacks never come from within these functions, and
 * a radio is not to be closed from within one of its callbacks.
 *
 * wpa_supplicant on the same interface takes the same frames, and the kernel gives them to one only: who has to join with
 * it afterwards closes the radio first.
 */
#ifndef BERTH_NET_NL80211_H
#define BERTH_NET_NL80211_H

#include "net/loop.h"
#include "net/wifi_frame.h"

#define BERTH_RADIO_CHANNELS_MAX 128 /* of all bands, of any country */
#define BERTH_RADIO_QUEUE_MAX 8
#define BERTH_RADIO_FOUND_MAX 64 /* access points told of one scan */
#define BERTH_RADIO_NAME_MAX 16

struct berth_radio;

struct berth_radio_facts {
	char name[BERTH_RADIO_NAME_MAX];
	uint8_t address[BERTH_WIFI_ADDRESS_BYTES];
	uint32_t wiphy;
	int64_t wait_max_ms; /* on another channel at a time */
	/* MHz, on which the country and the radio allow to speak without having heard somebody. */
	uint32_t frequencies[BERTH_RADIO_CHANNELS_MAX];
	size_t frequency_count;
};

struct berth_radio_frame {
	uint32_t frequency; /* MHz */
	struct berth_wifi_action action;
};

struct berth_radio_found {
	uint8_t bssid[BERTH_WIFI_ADDRESS_BYTES];
	uint32_t frequency;
	bool tells_configurator;
};

struct berth_radio_conf {
	const char *interface;
	/* A vendor specific frame of DPP or a GAS response; from whom nobody knows. */
	void (*frame)(void *context, const struct berth_radio_frame *frame);
	/*
	 * Of each send: whether the receiver's radio acknowledged it (to broadcast: that it was sent). why: it could
	 * not be sent at all; else NULL.
	 */
	void (*sent)(void *context, uint32_t token, bool is_acknowledged,
		     const struct berth_why *why);
	/* Nothing is being done any more and nothing waits to be. */
	void (*idle)(void *context);
	/* Of each scan; why: it failed, else NULL. */
	void (*scanned)(void *context, const struct berth_radio_found *found, size_t n,
			const struct berth_why *why);
	void *context;
};

struct berth_radio_sending {
	uint8_t to[BERTH_WIFI_ADDRESS_BYTES];
	uint32_t frequency;
	struct berth_bytes body; /* from the category octet; copied */
	int64_t wait_ms;	 /* to stay on the channel; at most facts' */
	uint32_t token;
};

/*
 * Brings the interface up when it is down. UNSUPPORTED nl80211-missing; NOT_FOUND nl80211-interface; STATE
 * nl80211-in-use: it is in a network, an access point, or another program takes these frames; DENIED nl80211-permission;
 * IO. interface and context live as long as the radio.
 */
enum berth_err berth_radio_open(struct berth_loop *loop, const struct berth_radio_conf *conf,
				struct berth_radio **ret, struct berth_why *why) BERTH_MUST;
void berth_radio_close(struct berth_radio *radio); /* NULL is fine; no callback after it */
const struct berth_radio_facts *berth_radio_facts(const struct berth_radio *radio);

/* LIMIT nl80211-queue: more than BERTH_RADIO_QUEUE_MAX wait; or the body is too long. */
enum berth_err berth_radio_send(struct berth_radio *radio,
				const struct berth_radio_sending *sending,
				struct berth_why *why) BERTH_MUST;
enum berth_err berth_radio_listen(struct berth_radio *radio, uint32_t frequency, int64_t for_ms,
				  struct berth_why *why) BERTH_MUST;
/* On all channels, or on these alone. */
enum berth_err berth_radio_scan(struct berth_radio *radio, const uint32_t *frequencies, size_t n,
				struct berth_why *why) BERTH_MUST;
/* Forgets what waits, and stops listening. What is being sent or scanned is finished and told. */
void berth_radio_quiet(struct berth_radio *radio);

#endif
