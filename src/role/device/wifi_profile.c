/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/device/wifi_profile.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/hex.h"
#include "pki/der.h"

#define BLOB_LINE_CHARS 64 /* wpa_supplicant reads no long lines */
#define TAG_PARAMETERS 0xa0
#define TAG_PUBLIC_KEY 0xa1

static enum berth_err
no_memory(struct berth_why *why, enum berth_err err)
{
	return berth_fail(why, err, "wifi-profile", NULL,
			  "The profile for wpa_supplicant does not fit into memory.");
}

/* namedCurve, with its tag: the second element of an SPKI's AlgorithmIdentifier. */
static bool
find_curve(struct berth_bytes spki, struct berth_bytes *ret)
{
	struct berth_bytes all = BERTH_BYTES_NONE;
	struct berth_bytes algorithm = BERTH_BYTES_NONE;
	struct berth_der element;

	if (!berth_der_take_only(spki, BERTH_DER_SEQUENCE, &all) ||
	    !berth_der_take(&all, BERTH_DER_SEQUENCE, &algorithm) ||
	    !berth_der_next(&algorithm, &element) || !berth_der_next(&algorithm, &element))
		return false;
	*ret = element.whole;
	return true;
}

enum berth_err
berth_wifi_profile_key(const struct berth_ec_point *point, struct berth_bytes scalar,
		       struct berth_buf *der)
{
	struct berth_bytes curve = BERTH_BYTES_NONE;
	BERTH_BUF spki = {0};
	BERTH_BUF bits = {0};
	BERTH_BUF wrapped = {0};
	BERTH_BUF inside = {0};

	enum berth_err err = berth_ec_build_spki(point, BERTH_EC_UNCOMPRESSED, &spki);
	if (!err && !find_curve(berth_buf_view(&spki), &curve))
		return BERTH_E_INTERNAL;
	err = err ? err : berth_buf_append(&bits, "\0\x04", 2); /* no unused bits; uncompressed */
	err = err ? err : berth_buf_append_bytes(&bits, berth_ec_xy(point));
	err = err ? err : berth_der_put(&wrapped, BERTH_DER_BIT_STRING, berth_buf_view(&bits));
	err = err ? err : berth_der_put(&inside, BERTH_DER_INTEGER, BERTH_LIT("\1"));
	err = err ? err : berth_der_put(&inside, BERTH_DER_OCTET_STRING, scalar);
	err = err ? err : berth_der_put(&inside, TAG_PARAMETERS, curve);
	err = err ? err : berth_der_put(&inside, TAG_PUBLIC_KEY, berth_buf_view(&wrapped));
	err = err ? err : berth_der_put(der, BERTH_DER_SEQUENCE, berth_buf_view(&inside));
	if (inside.p != NULL)
		berth_wipe(inside.p, inside.n);
	return err;
}

static enum berth_err
put_hex(struct berth_buf *out, const char *name, struct berth_bytes value)
{
	enum berth_err err = berth_buf_append_text(out, name);

	err = err ? err : berth_hex_encode(value, out);
	return err ? err : berth_buf_append_text(out, "\n");
}

static enum berth_err
put_quoted(struct berth_buf *out, const char *name, struct berth_bytes value)
{
	enum berth_err err = berth_buf_append_text(out, name);

	err = err ? err : berth_buf_append_text(out, "\"");
	err = err ? err : berth_buf_append_bytes(out, value);
	return err ? err : berth_buf_append_text(out, "\"\n");
}

static enum berth_err
put_connector(const struct berth_dpp_offer *offer, size_t i, struct berth_buf *out)
{
	const struct berth_dpp_object *object = &offer->objects[i];
	struct berth_wall expiry = offer->connectors[i].expiry;
	char text[48];
	BERTH_BUF key = {0};
	BERTH_BUF c_sign = {0};

	enum berth_err err = put_quoted(out, "\tdpp_connector=", object->connector);
	err = err ? err
		  : berth_wifi_profile_key(&offer->net_access_key, offer->net_access_scalar, &key);
	err = err ? err : put_hex(out, "\tdpp_netaccesskey=", berth_buf_view(&key));
	if (key.p != NULL)
		berth_wipe(key.p, key.n);
	err = err ? err : berth_ec_build_spki(&object->c_sign, BERTH_EC_UNCOMPRESSED, &c_sign);
	err = err ? err : put_hex(out, "\tdpp_csign=", berth_buf_view(&c_sign));
	/* wpa_supplicant counts in 32 bits */
	if (err || expiry.s == BERTH_WALL_NO_EXPIRY.s || expiry.s > UINT32_MAX)
		return err;
	(void)snprintf(text, sizeof(text), "\tdpp_netaccesskey_expiry=%" PRId64 "\n", expiry.s);
	return berth_buf_append_text(out, text);
}

static bool
is_passphrase(struct berth_bytes pass)
{
	return pass.n >= 8 && pass.n <= BERTH_DPP_PASS_MAX_BYTES && berth_bytes_is_printable(pass);
}

static enum berth_err
put_pass(const struct berth_dpp_object *object, struct berth_buf *out, struct berth_why *why)
{
	enum berth_err err = BERTH_OK;

	if ((object->akm & BERTH_DPP_AKM_PSK) != 0 && object->psk.n > 0) {
		err = put_hex(out, "\tpsk=", object->psk);
	} else if ((object->akm & BERTH_DPP_AKM_PSK) != 0) {
		if (!is_passphrase(object->pass))
			return berth_fail(why, BERTH_E_SYNTAX, "wifi-profile-pass",
					  "IEEE 802.11 J.4.1",
					  "The passphrase of the network is not 8 to 63 printable "
					  "characters.");
		err = put_quoted(out, "\tpsk=", object->pass);
	}
	if (!err && (object->akm & BERTH_DPP_AKM_SAE) != 0)
		err = put_hex(out, "\tsae_password=", object->pass);
	if (!err && (object->akm & BERTH_DPP_AKM_SAE) != 0 && object->pass_id.n > 0)
		err = put_hex(out, "\tsae_password_id=", object->pass_id);
	return err ? no_memory(why, err) : BERTH_OK;
}

/* What a PSK network lacks, the others must have. */
static const char *
protection(unsigned akm)
{
	return (akm & BERTH_DPP_AKM_PSK) != 0 ? "1" : "2";
}

static enum berth_err
put_network(const struct berth_dpp_offer *offer, size_t i, struct berth_buf *out,
	    struct berth_why *why)
{
	const struct berth_dpp_object *object = &offer->objects[i];
	char text[160];

	(void)snprintf(text, sizeof(text),
		       "\tkey_mgmt=%s%s%s\n\tieee80211w=%s\n\tpriority=%zu\n\tscan_ssid=1\n",
		       (object->akm & BERTH_DPP_AKM_DPP) != 0 ? " DPP" : "",
		       (object->akm & BERTH_DPP_AKM_SAE) != 0 ? " SAE" : "",
		       (object->akm & BERTH_DPP_AKM_PSK) != 0 ? " WPA-PSK WPA-PSK-SHA256" : "",
		       protection(object->akm), BERTH_DPP_OBJECTS_MAX - i);
	enum berth_err err = berth_buf_append_text(out, "\nnetwork={\n");
	err = err ? err : put_hex(out, "\tssid=", object->ssid);
	err = err ? err : berth_buf_append_text(out, text);
	if (!err && object->connector.n > 0 && object->has_c_sign)
		err = put_connector(offer, i, out);
	if (err)
		return no_memory(why, err);
	err = put_pass(object, out, why);
	if (err)
		return err;
	err = berth_buf_append_text(out, "}\n");
	return err ? no_memory(why, err) : BERTH_OK;
}

void
berth_wifi_certificate_free(struct berth_wifi_certificate *certificate)
{
	berth_buf_free(&certificate->chain);
	berth_buf_free(&certificate->ca);
	berth_buf_free(&certificate->identity);
	certificate->key_path = NULL;
}

static enum berth_err
put_blob(struct berth_buf *out, const char *head, const struct berth_buf *pem)
{
	enum berth_err err = berth_buf_append_text(out, head);

	err = err ? err : berth_base64_encode(berth_buf_view(pem), BLOB_LINE_CHARS, out);
	return err ? err : berth_buf_append_text(out, "\n}\n");
}

/* In the profile itself, so that they come and go with it. */
static enum berth_err
put_certificates(const struct berth_wifi_certificate *certificate, struct berth_buf *out)
{
	enum berth_err err = put_blob(out, "\nblob-base64-ca={\n", &certificate->ca);

	return err ? err : put_blob(out, "\nblob-base64-chain={\n", &certificate->chain);
}

/* The EAP server is checked: of that CA, and by that name, whole. */
static enum berth_err
put_enterprise(const struct berth_dpp_object *object,
	       const struct berth_wifi_certificate *certificate, size_t priority,
	       struct berth_buf *out, struct berth_why *why)
{
	char text[240];

	(void)snprintf(text, sizeof(text),
		       "\tkey_mgmt=WPA-EAP WPA-EAP-SHA256\n\tieee80211w=1\n\tpriority=%zu\n"
		       "\tscan_ssid=1\n\teap=TLS\n\tca_cert=\"blob://ca\"\n"
		       "\tclient_cert=\"blob://chain\"\n",
		       priority);
	enum berth_err err = berth_buf_append_text(out, "\nnetwork={\n");
	err = err ? err : put_hex(out, "\tssid=", object->ssid);
	err = err ? err : berth_buf_append_text(out, text);
	err = err ? err : put_hex(out, "\tprivate_key=", berth_text(certificate->key_path));
	err = err ? err : put_hex(out, "\tidentity=", berth_buf_view(&certificate->identity));
	err = err ? err : put_hex(out, "\tdomain_match=", object->server_name);
	err = err ? err : berth_buf_append_text(out, "}\n");
	return err ? no_memory(why, err) : BERTH_OK;
}

enum berth_err
berth_wifi_profile_write(const struct berth_dpp_offer *offer,
			 const struct berth_wifi_certificate *certificate, uint32_t mhz,
			 struct berth_buf *profile, struct berth_why *why)
{
	static const char head[] = "# Written by berth-device: it is replaced when the device is "
				   "configured again. It holds secrets.\n"
				   "ctrl_interface=/run/wpa_supplicant\n"
				   "sae_pwe=2\n";
	char first[40] = "";
	size_t usable = 0;
	bool has_enterprise = false;
	if (mhz != 0)
		(void)snprintf(first, sizeof(first), "initial_freq_list=%" PRIu32 "\n", mhz);
	enum berth_err err = berth_buf_append_text(profile, head);
	err = err ? err : berth_buf_append_text(profile, first);
	if (!err && certificate->key_path != NULL)
		err = put_certificates(certificate, profile);
	if (err)
		return no_memory(why, err);
	for (size_t i = 0; i < offer->count && !err; i++) {
		const bool is_enterprise = (offer->objects[i].akm & BERTH_DPP_AKM_DOT1X) != 0;
		if (is_enterprise && (certificate->key_path == NULL || has_enterprise))
			continue; /* one certificate, one such network */
		has_enterprise = has_enterprise || is_enterprise;
		usable++;
		err = is_enterprise ? put_enterprise(&offer->objects[i], certificate,
						     BERTH_DPP_OBJECTS_MAX - i, profile, why)
				    : put_network(offer, i, profile, why);
	}
	if (!err && usable == 0)
		err = berth_fail(why, BERTH_E_UNSUPPORTED, "wifi-profile", NULL,
				 "The configuration names no network of a kind that this device "
				 "can join.");
	return err;
}
