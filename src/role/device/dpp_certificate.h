/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an enterprise network wants of a device that DPP configures (DPP 6.4.5): a key, a certification request with the
 * session's password, and of the answer a certificate for that key, whose CA is also the one that the network's EAP server is
 * checked against. The key is a file, STATE/wifi-DIGITS.key, because wpa_supplicant reads it there; each attempt that needs one
 * makes its own.
 */
#ifndef BERTH_ROLE_DEVICE_DPP_CERTIFICATE_H
#define BERTH_ROLE_DEVICE_DPP_CERTIFICATE_H

#include "pki/keystore/keystore.h"
#include "role/device/conf.h"
#include "role/device/wifi_profile.h"

struct berth_dpp_wifi_key {
	char path[BERTH_KEY_URI_MAX]; /* "": none */
	struct berth_key *key;
};
void berth_dpp_wifi_key_free(struct berth_dpp_wifi_key *key); /* the file stays */

/* Makes the key when there is none yet; appends the request, DER. */
enum berth_err berth_dpp_certificate_request(struct berth_pki *pki,
					     const struct berth_random *random,
					     const struct berth_device_conf *conf,
					     const char *password, struct berth_dpp_wifi_key *key,
					     struct berth_buf *der,
					     struct berth_why *why) BERTH_MUST;
/*
 * Of an offer's first object for an enterprise network; none: *ret stays empty. MISMATCH wifi-certificate-key: for another key
 * than ours; UNTRUSTED wifi-eap-server: the object does not say whose certificate the EAP server must have, or of which CA; and
 * what the path lacks. now: NULL without a clock.
 */
enum berth_err berth_dpp_certificate_take(struct berth_pki *pki,
					  const struct berth_dpp_offer *offer,
					  const struct berth_dpp_wifi_key *key,
					  const struct berth_wall *now,
					  struct berth_wifi_certificate *ret,
					  struct berth_why *why) BERTH_MUST;
/* Deletes all such keys but that one ("": all). */
enum berth_err berth_dpp_certificate_tidy(const char *folder, const char *keep,
					  struct berth_why *why) BERTH_MUST;

#endif
