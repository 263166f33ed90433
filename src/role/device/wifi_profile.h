/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a Configurator gave, as wpa_supplicant's configuration: one network for each object, the first preferred, with
 * protected management frames wherever its kind of key has them. Texts from outside are written so that none can end its line
 * or its value: names and passwords of SAE as hexadecimal digits.
 */
#ifndef BERTH_ROLE_DEVICE_WIFI_PROFILE_H
#define BERTH_ROLE_DEVICE_WIFI_PROFILE_H

#include "protocol/dpp/enrollee.h"

#define BERTH_WIFI_PROFILE_MAX_BYTES                                                               \
	((size_t)256 << 10) /* ten objects with the longest Connectors */

/* For an enterprise network; empty for others. */
struct berth_wifi_certificate {
	const char *key_path;
	struct berth_buf chain, ca; /* PEM: ours and those above it; the EAP server's anchor */
	struct berth_buf identity;
};
void berth_wifi_certificate_free(struct berth_wifi_certificate *certificate);
#define BERTH_WIFI_CERTIFICATE                                                                     \
	BERTH_CLEANUP(berth_wifi_certificate_free) struct berth_wifi_certificate

/*
 * Appends the whole file; it holds secrets. mhz: where the device was configured, and so most likely an access point of the
 * network: the first scan is of that alone, which spares ten seconds; 0: not known. UNSUPPORTED wifi-profile: no object is of a kind that this device can use. SYNTAX
 * wifi-profile-pass: a passphrase that IEEE Std 802.11 J.4.1 does not know.
 */
enum berth_err berth_wifi_profile_write(const struct berth_dpp_offer *offer,
					const struct berth_wifi_certificate *certificate,
					uint32_t mhz, struct berth_buf *profile,
					struct berth_why *why) BERTH_MUST;
/* ECPrivateKey (RFC 5915) of a netAccessKey, with its curve and public point; appends, secret. */
enum berth_err berth_wifi_profile_key(const struct berth_ec_point *point, struct berth_bytes scalar,
				      struct berth_buf *der) BERTH_MUST;

#endif
