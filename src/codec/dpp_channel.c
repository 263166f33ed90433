/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/dpp_channel.h"

#include "base/cursor.h"

/* IEEE Std 802.11 Table E-4: MHz = start + step * number, for the numbers first, first + by ... last. */
static const struct {
	uint8_t operating_class, first, last, by;
	uint16_t start, step;
} classes[] = {
	{81, 1, 13, 1, 2407, 5},     {82, 14, 14, 1, 2414, 5}, /* 2484 */
	{83, 1, 9, 1, 2407, 5},	     {84, 5, 13, 1, 2407, 5},	  {115, 36, 48, 4, 5000, 5},
	{116, 36, 44, 8, 5000, 5},   {117, 40, 48, 8, 5000, 5},	  {118, 52, 64, 4, 5000, 5},
	{119, 52, 60, 8, 5000, 5},   {120, 56, 64, 8, 5000, 5},	  {121, 100, 144, 4, 5000, 5},
	{122, 100, 140, 8, 5000, 5}, {123, 104, 144, 8, 5000, 5}, {124, 149, 161, 4, 5000, 5},
	{125, 149, 177, 4, 5000, 5}, {126, 149, 173, 8, 5000, 5}, {127, 153, 177, 8, 5000, 5},
	{131, 1, 233, 4, 5950, 5},   {180, 1, 6, 1, 56160, 2160},
};

uint32_t
berth_dpp_channel_mhz(unsigned operating_class, unsigned channel)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (classes[i].operating_class == operating_class && channel >= classes[i].first &&
		    channel <= classes[i].last && (channel - classes[i].first) % classes[i].by == 0)
			return classes[i].start + (uint32_t)classes[i].step * channel;
	}
	return 0;
}

/* One to three digits; the octet after them. */
static bool
take_number(struct berth_bytes *text, unsigned *ret)
{
	size_t n = 0;
	unsigned value = 0;

	while (n < text->n && n < 3 && text->p[n] >= '0' && text->p[n] <= '9')
		value = value * 10 + (unsigned)(text->p[n++] - '0');
	*text = berth_bytes_of(text->p + n, text->n - n);
	*ret = value;
	return n > 0 && value <= UINT8_MAX;
}

static bool
take_octet(struct berth_bytes *text, char octet)
{
	if (text->n == 0 || text->p[0] != (uint8_t)octet)
		return false;
	*text = berth_bytes_of(text->p + 1, text->n - 1);
	return true;
}

enum berth_err
berth_dpp_channels_parse(struct berth_bytes text, uint32_t mhz[BERTH_DPP_CHANNELS_MAX],
			 size_t *count, struct berth_why *why)
{
	uint32_t found[BERTH_DPP_CHANNELS_MAX] = {0};
	struct berth_bytes left = text;
	unsigned operating_class = 0;
	size_t n = 0;

	do {
		unsigned channel = 0;
		bool is_good = take_number(&left, &channel);
		if (is_good && take_octet(&left, '/')) {
			operating_class = channel;
			is_good = operating_class > 0 && take_number(&left, &channel);
		}
		if (!is_good || operating_class == 0)
			return berth_fail_at(why, BERTH_E_SYNTAX, "dpp-channels", "DPP 5.2.1",
					     text.n - left.n,
					     "Channels are written CLASS/CHANNEL,CHANNEL,... as in "
					     "81/6,115/36,44.");
		uint32_t one = berth_dpp_channel_mhz(operating_class, channel);
		if (one != 0 && n < BERTH_DPP_CHANNELS_MAX)
			found[n++] = one;
	} while (take_octet(&left, ','));
	if (left.n > 0)
		return berth_fail_at(why, BERTH_E_SYNTAX, "dpp-channels", "DPP 5.2.1",
				     text.n - left.n, "Something follows the last channel.");
	memcpy(mhz, found, sizeof(found));
	*count = n;
	return BERTH_OK;
}
