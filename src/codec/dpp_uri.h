/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The DPP URI (DPP 5.2.1), as it stands in a QR code: "DPP:" and fields "X:value;", ended by one more ";":
 *
 *	DPP:C:81/1,6;M:020304050607;I:SN=4711;V:2;K:MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgAC…;;
 *
 * Readers in the field are of two kinds: those that pass over what they do not know, and those that refuse the whole for it. So
 * we write what both read, and read what either writes; how far a URI strays from that, berth_dpp_uri_lint says.
 */
#ifndef BERTH_CODEC_DPP_URI_H
#define BERTH_CODEC_DPP_URI_H

#include "base/bytes.h"

#define BERTH_DPP_URI_MAX_BYTES 1024 /* a QR code that a phone still reads has 150 */
#define BERTH_DPP_CHANNELS_MAX 30    /* as many as others keep */
#define BERTH_DPP_INFORMATION_MAX 64
#define BERTH_DPP_HOST_MAX 253
#define BERTH_DPP_MAC_BYTES 6
#define BERTH_DPP_URI_SPKI_MAX 128 /* uncompressed P-521 has 158, and is no bootstrapping key */

struct berth_dpp_channel {
	uint8_t operating_class, channel; /* IEEE Std 802.11 annex E */
};

struct berth_dpp_uri {
	struct berth_dpp_channel channels[BERTH_DPP_CHANNELS_MAX];
	size_t channel_count;
	bool has_mac;
	uint8_t mac[BERTH_DPP_MAC_BYTES];
	char information[BERTH_DPP_INFORMATION_MAX + 1]; /* "": none */
	uint8_t version;				 /* 0: not said, which means 1 */
	uint8_t curves;			      /* bits by enum berth_ec_curve; 0: not said */
	char host[BERTH_DPP_HOST_MAX + 1];    /* of a Controller; "": none */
	uint16_t port;			      /* 0: 8908 */
	uint8_t spki[BERTH_DPP_URI_SPKI_MAX]; /* DER */
	size_t spki_n;
};

/*
 * Lenient: a single ";" at the end, data after the end, unknown and doubled fields (the first counts) pass. Refused, each by
 * its rule: dpp-uri-size, dpp-uri-scheme, dpp-uri-end, dpp-uri-key (missing, or no base64), dpp-uri-mac, dpp-uri-channels,
 * dpp-uri-information, dpp-uri-version.
 */
enum berth_err berth_dpp_uri_parse(struct berth_bytes text, struct berth_dpp_uri *ret,
				   struct berth_why *why) BERTH_MUST;
/* What another reader may refuse in a URI that was read, one rule at a time; index from 0. OK: there is no such. */
enum berth_err berth_dpp_uri_lint(struct berth_bytes text, size_t index,
				  struct berth_why *why) BERTH_MUST;
/* Appends. USAGE dpp-uri-write: a field cannot be written so that all read it. */
enum berth_err berth_dpp_uri_write(const struct berth_dpp_uri *uri, struct berth_buf *text,
				   struct berth_why *why) BERTH_MUST;

#endif
