/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/nl80211_inside.h"

#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_TYPE_ACTION 0x00d0 /* as nl80211 has it: frame control */
/* IEEE 802.11ah below it has channels between whole MHz, and no DPP */
#define BELOW_IS_OTHER_MHZ 2000
#define WAIT_FALLBACK_MS 1000 /* a driver that does not say: short is always right */

struct interface {
	bool has_address, is_station, is_joined;
	uint32_t wiphy;
	uint8_t address[BERTH_WIFI_ADDRESS_BYTES];
};

static int
take_interface(struct nl_msg *message, void *context)
{
	struct nlattr *a[NL80211_ATTR_MAX + 1];
	struct interface *found = context;
	uint8_t command;

	if (!berth_radio_attributes(message, a, &command))
		return NL_SKIP;
	if (a[NL80211_ATTR_WIPHY] != NULL)
		found->wiphy = nla_get_u32(a[NL80211_ATTR_WIPHY]);
	if (a[NL80211_ATTR_MAC] != NULL &&
	    nla_len(a[NL80211_ATTR_MAC]) == BERTH_WIFI_ADDRESS_BYTES) {
		memcpy(found->address, nla_data(a[NL80211_ATTR_MAC]), sizeof(found->address));
		found->has_address = true;
	}
	found->is_station = a[NL80211_ATTR_IFTYPE] != NULL &&
			    nla_get_u32(a[NL80211_ATTR_IFTYPE]) == NL80211_IFTYPE_STATION;
	found->is_joined = a[NL80211_ATTR_SSID] != NULL;
	return NL_SKIP;
}

static enum berth_err
read_interface(struct berth_radio *radio, struct berth_why *why)
{
	struct interface found = {0};
	struct nl_msg *message = berth_radio_message(radio, NL80211_CMD_GET_INTERFACE, 0);
	const char *name = radio->conf.interface;
	int error = berth_radio_request(radio, radio->command, message, take_interface, &found);

	if (error == 0 && !found.has_address)
		error = -ENODEV;
	if (error != 0)
		return berth_radio_refused(radio, error, "ask about it", why);
	if (!found.is_station)
		return berth_fail(why, BERTH_E_STATE, "nl80211-in-use", NULL,
				  "%s: the interface is not an ordinary one of a station: set it "
				  "with \"iw dev %s set type managed\".",
				  name, name);
	if (found.is_joined)
		return berth_fail(why, BERTH_E_STATE, "nl80211-in-use", NULL,
				  "%s: the interface is in a network: leave it first (\"iw dev %s "
				  "disconnect\", or stop wpa_supplicant).",
				  name, name);
	radio->facts.wiphy = found.wiphy;
	memcpy(radio->facts.address, found.address, sizeof(found.address));
	return BERTH_OK;
}

/* Frequencies on which a station may be the first to speak. */
static void
take_frequency(struct berth_radio_facts *facts, struct nlattr *frequency)
{
	struct nlattr *f[NL80211_FREQUENCY_ATTR_MAX + 1];

	if (nla_parse_nested(f, NL80211_FREQUENCY_ATTR_MAX, frequency, NULL) < 0 ||
	    f[NL80211_FREQUENCY_ATTR_FREQ] == NULL || f[NL80211_FREQUENCY_ATTR_DISABLED] != NULL ||
	    f[NL80211_FREQUENCY_ATTR_NO_IR] != NULL || f[NL80211_FREQUENCY_ATTR_RADAR] != NULL ||
	    facts->frequency_count == BERTH_RADIO_CHANNELS_MAX)
		return;
	uint32_t mhz = nla_get_u32(f[NL80211_FREQUENCY_ATTR_FREQ]);
	if (mhz >= BELOW_IS_OTHER_MHZ)
		facts->frequencies[facts->frequency_count++] = mhz;
}

static int
take_wiphy(struct nl_msg *message, void *context)
{
	struct nlattr *a[NL80211_ATTR_MAX + 1];
	struct nlattr *b[NL80211_BAND_ATTR_MAX + 1];
	struct berth_radio_facts *facts = context;
	struct nlattr *band;
	struct nlattr *frequency;
	uint8_t command;
	int left;
	int left_of_band;

	if (!berth_radio_attributes(message, a, &command) || a[NL80211_ATTR_WIPHY] == NULL ||
	    nla_get_u32(a[NL80211_ATTR_WIPHY]) != facts->wiphy)
		return NL_SKIP;
	if (a[NL80211_ATTR_MAX_REMAIN_ON_CHANNEL_DURATION] != NULL)
		facts->wait_max_ms = nla_get_u32(a[NL80211_ATTR_MAX_REMAIN_ON_CHANNEL_DURATION]);
	if (a[NL80211_ATTR_WIPHY_BANDS] == NULL)
		return NL_SKIP;
	nla_for_each_nested(band, a[NL80211_ATTR_WIPHY_BANDS], left)
	{
		if (nla_parse_nested(b, NL80211_BAND_ATTR_MAX, band, NULL) < 0 ||
		    b[NL80211_BAND_ATTR_FREQS] == NULL)
			continue;
		nla_for_each_nested(frequency, b[NL80211_BAND_ATTR_FREQS], left_of_band)
			take_frequency(facts, frequency);
	}
	return NL_SKIP;
}

static enum berth_err
read_wiphy(struct berth_radio *radio, struct berth_why *why)
{
	/* In parts: what the kernel knows of a radio does not fit into one message. */
	struct nl_msg *message = berth_radio_message(radio, NL80211_CMD_GET_WIPHY, NLM_F_DUMP);

	radio->facts.wait_max_ms = 0;
	radio->facts.frequency_count = 0;
	if (message != NULL && nla_put_flag(message, NL80211_ATTR_SPLIT_WIPHY_DUMP) < 0) {
		nlmsg_free(message);
		message = NULL;
	}
	int error = berth_radio_request(radio, radio->command, message, take_wiphy, &radio->facts);
	if (error != 0)
		return berth_radio_refused(radio, error, "read what the radio can do", why);
	if (radio->facts.wait_max_ms == 0)
		radio->facts.wait_max_ms = WAIT_FALLBACK_MS;
	if (radio->facts.frequency_count == 0)
		return berth_fail(why, BERTH_E_STATE, "nl80211-channels", NULL,
				  "%s: there is no channel on which the radio may speak first: set "
				  "the country with \"iw reg set CC\".",
				  radio->conf.interface);
	return BERTH_OK;
}

static enum berth_err
bring_up(struct berth_radio *radio, struct berth_why *why)
{
	struct ifreq request = {0};
	int error = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(request.ifr_name, radio->facts.name, sizeof(radio->facts.name));
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) != 0) {
		error = -errno;
	} else if (!(request.ifr_flags & IFF_UP)) {
		request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
		error = ioctl(fd, SIOCSIFFLAGS, &request) != 0 ? -errno : 0;
	}
	if (fd >= 0)
		(void)close(fd);
	return error ? berth_radio_refused(radio, error, "bring it up", why) : BERTH_OK;
}

static int
register_frames(struct berth_radio *radio, const void *start, int n)
{
	struct nl_msg *message = berth_radio_message(radio, NL80211_CMD_REGISTER_FRAME, 0);

	if (message != NULL &&
	    (nla_put_u16(message, NL80211_ATTR_FRAME_TYPE, FRAME_TYPE_ACTION) < 0 ||
	     nla_put(message, NL80211_ATTR_FRAME_MATCH, n, start) < 0)) {
		nlmsg_free(message);
		message = NULL;
	}
	return berth_radio_request(radio, radio->events, message, NULL, NULL);
}

static enum berth_err
register_all(struct berth_radio *radio, struct berth_why *why)
{
	int error = register_frames(radio, "\x04\x09\x50\x6f\x9a\x1a", 6);

	error = error ? error : register_frames(radio, "\x04\x0b", 2); /* GAS responses: initial */
	error = error ? error : register_frames(radio, "\x04\x0d", 2); /* and comeback */
	return error ? berth_radio_refused(radio, error, "take DPP's frames there", why) : BERTH_OK;
}

enum berth_err
berth_radio_prepare(struct berth_radio *radio, struct berth_why *why)
{
	const char *name = radio->conf.interface;

	if (strlen(name) >= sizeof(radio->facts.name))
		return berth_fail(why, BERTH_E_USAGE, "nl80211-interface", NULL,
				  "%.40s is longer than the name of an interface.", name);
	memcpy(radio->facts.name, name, strlen(name) + 1);
	radio->index = (int)if_nametoindex(name);
	if (radio->index == 0)
		return berth_radio_refused(radio, -ENODEV, "find it", why);
	enum berth_err err = read_interface(radio, why);
	err = err ? err : bring_up(radio, why);
	err = err ? err : read_wiphy(radio, why);
	return err ? err : register_all(radio, why);
}
