/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/nl80211_inside.h"

#include <errno.h>

struct results {
	struct berth_radio_found *found;
	size_t count;
};

static bool
put_frequencies(struct nl_msg *message, const struct berth_radio_job *job)
{
	struct nlattr *list = nla_nest_start(message, NL80211_ATTR_SCAN_FREQUENCIES);

	if (list == NULL)
		return false;
	for (size_t i = 0; i < job->frequency_count; i++) {
		if (nla_put_u32(message, (int)i + 1, job->frequencies[i]) < 0)
			return false;
	}
	(void)nla_nest_end(message, list);
	return true;
}

/* The empty name asks whoever is there; where the radio may not speak first, the kernel only listens. */
static bool
put_wildcard(struct nl_msg *message)
{
	struct nlattr *list = nla_nest_start(message, NL80211_ATTR_SCAN_SSIDS);

	if (list == NULL || nla_put(message, 1, 0, "") < 0)
		return false;
	(void)nla_nest_end(message, list);
	return true;
}

int
berth_radio_scan_start(struct berth_radio *radio, const struct berth_radio_job *job)
{
	struct nl_msg *message = berth_radio_message(radio, NL80211_CMD_TRIGGER_SCAN, 0);

	if (message != NULL && (!put_wildcard(message) ||
				(job->frequency_count > 0 && !put_frequencies(message, job)))) {
		nlmsg_free(message);
		message = NULL;
	}
	return berth_radio_request(radio, radio->command, message, NULL, NULL);
}

void
berth_radio_scan_stop(struct berth_radio *radio)
{
	struct nl_msg *message = berth_radio_message(radio, NL80211_CMD_ABORT_SCAN, 0);

	berth_ignore(berth_radio_request(radio, radio->command, message, NULL, NULL),
		     "not every driver can; then it ends by itself");
}

static bool
tells_configurator(struct nlattr *elements)
{
	return elements != NULL && berth_wifi_elements_tell_configurator(berth_bytes_of(
					   nla_data(elements), (size_t)nla_len(elements)));
}

static int
take_bss(struct nl_msg *message, void *context)
{
	struct nlattr *a[NL80211_ATTR_MAX + 1];
	struct nlattr *b[NL80211_BSS_MAX + 1];
	struct results *results = context;
	uint8_t command;

	if (results->count == BERTH_RADIO_FOUND_MAX ||
	    !berth_radio_attributes(message, a, &command) || a[NL80211_ATTR_BSS] == NULL ||
	    nla_parse_nested(b, NL80211_BSS_MAX, a[NL80211_ATTR_BSS], NULL) < 0 ||
	    b[NL80211_BSS_BSSID] == NULL ||
	    nla_len(b[NL80211_BSS_BSSID]) != BERTH_WIFI_ADDRESS_BYTES ||
	    b[NL80211_BSS_FREQUENCY] == NULL)
		return NL_SKIP;
	struct berth_radio_found *found = &results->found[results->count++];
	memcpy(found->bssid, nla_data(b[NL80211_BSS_BSSID]), sizeof(found->bssid));
	found->frequency = nla_get_u32(b[NL80211_BSS_FREQUENCY]);
	found->tells_configurator = tells_configurator(b[NL80211_BSS_INFORMATION_ELEMENTS]) ||
				    tells_configurator(b[NL80211_BSS_BEACON_IES]);
	return NL_SKIP;
}

int
berth_radio_scan_results(struct berth_radio *radio,
			 struct berth_radio_found found[BERTH_RADIO_FOUND_MAX], size_t *count)
{
	struct results results = {.found = found};
	struct nl_msg *message = berth_radio_message(radio, NL80211_CMD_GET_SCAN, NLM_F_DUMP);
	int error = berth_radio_request(radio, radio->command, message, take_bss, &results);

	*count = error ? 0 : results.count;
	return error;
}
