/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/configuration_object.h"

#include "base/base64.h"
#include "base/hex.h"
#include "codec/json_write.h"

#define SECTION "DPP 4.5"
#define UTF8_CHARSET 106 /* IANA character sets */
#define EAP_TLS 13
#define PSK_BYTES 32
#define SELECTOR_CHARS 8

/* In the order of the names that are combined: dpp+psk+sae. */
static const struct {
	unsigned akm;
	const char *name, *selector;
} kinds[] = {
	{BERTH_DPP_AKM_DPP, "dpp", "506F9A02"},
	{BERTH_DPP_AKM_PSK, "psk", "000FAC02"},
	{BERTH_DPP_AKM_SAE, "sae", "000FAC08"},
	{BERTH_DPP_AKM_DOT1X, "dot1x", "000FAC01"},
	/* the same with SHA-256: read, not written */
	{BERTH_DPP_AKM_PSK, NULL, "000FAC06"},
	{BERTH_DPP_AKM_DOT1X, NULL, "000FAC05"},
};

static bool
is_combination(unsigned akm)
{
	return akm != 0 && (akm == BERTH_DPP_AKM_DOT1X || (akm & BERTH_DPP_AKM_DOT1X) == 0);
}

static enum berth_err
bad_akm(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_UNSUPPORTED, "dpp-akm", SECTION,
			  "The object's \"akm\" is none of dpp, psk, sae, their combinations, and "
			  "dot1x.");
}

enum berth_err
berth_dpp_akm_write(unsigned akm, bool as_selectors, struct berth_buf *text, struct berth_why *why)
{
	size_t before = text->n;
	enum berth_err err = is_combination(akm) ? BERTH_OK : bad_akm(why);

	for (size_t i = 0; !err && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if ((akm & kinds[i].akm) == 0 || kinds[i].name == NULL)
			continue;
		if (text->n > before)
			err = berth_buf_append_text(text, "+");
		err = err ? err
			  : berth_buf_append_text(text,
						  as_selectors ? kinds[i].selector : kinds[i].name);
	}
	return err;
}

static unsigned
akm_named(struct berth_bytes part)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if ((kinds[i].name != NULL && berth_bytes_equal_text(part, kinds[i].name)) ||
		    (part.n == SELECTOR_CHARS &&
		     berth_bytes_equal_nocase(part, berth_text(kinds[i].selector))))
			return kinds[i].akm;
	}
	return 0;
}

enum berth_err
berth_dpp_akm_read(struct berth_bytes text, unsigned *ret, struct berth_why *why)
{
	unsigned akm = 0;
	size_t from = 0;

	for (size_t i = 0; i <= text.n; i++) {
		if (i < text.n && text.p[i] != '+')
			continue;
		unsigned one = akm_named(berth_bytes_of(text.p + from, i - from));
		/* selectors that are not known stand beside others that are (DPP 4.5.3) */
		if (one == 0 && i - from != SELECTOR_CHARS)
			return bad_akm(why);
		akm |= one;
		from = i + 1;
	}
	if (!is_combination(akm))
		return bad_akm(why);
	*ret = akm;
	return BERTH_OK;
}

/* Which parts an AKM needs (DPP 4.5.2 to 4.5.4). */
static enum berth_err
check_parts(const struct berth_dpp_object *object, enum berth_err fault, struct berth_why *why)
{
	bool has_pass = object->pass.n > 0;
	bool wants_pass = (object->akm & (BERTH_DPP_AKM_PSK | BERTH_DPP_AKM_SAE)) != 0;
	const char *missing = NULL;

	if (object->ssid.n == 0 || object->ssid.n > BERTH_DPP_SSID_MAX_BYTES)
		missing = "network name of 1 to 32 octets";
	else if (wants_pass && !has_pass &&
		 (object->psk.n != PSK_BYTES || (object->akm & BERTH_DPP_AKM_SAE) != 0))
		missing = "pass phrase";
	else if ((object->akm & BERTH_DPP_AKM_PSK) != 0 && has_pass && object->pass.n < 8)
		missing = "pass phrase of 8 octets or more";
	else if (object->pass.n > BERTH_DPP_PASS_MAX_BYTES)
		missing = "pass phrase of 63 octets or fewer";
	else if ((object->akm & (BERTH_DPP_AKM_DPP | BERTH_DPP_AKM_DOT1X)) != 0 &&
		 (object->connector.n == 0 || !object->has_c_sign))
		missing = "Connector with its C-sign key";
	else if (object->akm == BERTH_DPP_AKM_DOT1X && object->cert_bag.n == 0)
		missing = "bag of certificates";
	if (missing != NULL)
		return berth_fail(why, fault, "dpp-object", SECTION,
				  "The configuration object lacks a %s.", missing);
	return BERTH_OK;
}

static enum berth_err
put_discovery(const struct berth_dpp_object *object, struct berth_buf *json)
{
	BERTH_BUF text = {0};
	enum berth_err err = berth_json_open(json, "discovery", '{');

	if (!err && berth_bytes_is_utf8(object->ssid)) {
		err = berth_json_put_text(json, "ssid", object->ssid);
	} else if (!err) {
		err = berth_base64url_encode(object->ssid, &text);
		err = err ? err : berth_json_put_text(json, "ssid64", berth_buf_view(&text));
		err = err ? err : berth_json_put_i64(json, "ssid_charset", UTF8_CHARSET);
	}
	return err ? err : berth_json_shut(json, '}');
}

static enum berth_err
put_password(const struct berth_dpp_object *object, struct berth_buf *json)
{
	char hex[2 * PSK_BYTES + 1];
	enum berth_err err = BERTH_OK;

	if ((object->akm & (BERTH_DPP_AKM_PSK | BERTH_DPP_AKM_SAE)) == 0)
		return BERTH_OK;
	if (object->pass.n > 0) {
		err = berth_json_put_text(json, "pass", object->pass);
	} else {
		berth_hex_text(object->psk, hex, sizeof(hex));
		err = berth_json_put_text(json, "psk_hex", berth_text(hex));
		berth_wipe(hex, sizeof(hex));
	}
	if (!err && object->pass_id.n > 0)
		err = berth_json_put_text(json, "idpass", object->pass_id);
	return err;
}

static enum berth_err
put_enterprise(const struct berth_dpp_object *object, struct berth_buf *json)
{
	enum berth_err err = BERTH_OK;

	if (object->akm != BERTH_DPP_AKM_DOT1X)
		return BERTH_OK;
	err = berth_json_open(json, "entCreds", '{');
	err = err ? err : berth_json_put_base64(json, "certBag", object->cert_bag);
	if (!err && object->ca_cert.n > 0)
		err = berth_json_put_base64(json, "caCert", object->ca_cert);
	if (!err && object->server_name.n > 0)
		err = berth_json_put_text(json, "trustedEapServerName", object->server_name);
	err = err ? err : berth_json_open(json, "eapMethods", '[');
	err = err ? err : berth_json_put_i64(json, NULL, EAP_TLS);
	err = err ? err : berth_json_shut(json, ']');
	return err ? err : berth_json_shut(json, '}');
}

static enum berth_err
put_connector(struct berth_pki *pki, const struct berth_dpp_object *object, struct berth_buf *json)
{
	char kid[BERTH_DPP_KID_CHARS + 1];
	enum berth_err err = BERTH_OK;

	if (object->connector.n == 0)
		return BERTH_OK;
	err = berth_dpp_kid(pki, &object->c_sign, kid);
	err = err ? err : berth_json_put_text(json, "signedConnector", object->connector);
	err = err ? err : berth_dpp_put_jwk(json, "csign", &object->c_sign, kid);
	if (!err && object->has_pp_key)
		err = berth_dpp_put_jwk(json, "ppKey", &object->pp_key, NULL);
	return err;
}

enum berth_err
berth_dpp_object_write(struct berth_pki *pki, const struct berth_dpp_object *object,
		       struct berth_buf *json, struct berth_why *why)
{
	BERTH_BUF akm = {0};
	enum berth_err err = check_parts(object, BERTH_E_USAGE, why);

	err = err ? err : berth_dpp_akm_write(object->akm, object->as_selectors, &akm, why);
	if (err)
		return err;
	err = berth_json_start(json, '{');
	err = err ? err : berth_json_put_text(json, "wi-fi_tech", BERTH_LIT("infra"));
	err = err ? err : put_discovery(object, json);
	err = err ? err : berth_json_open(json, "cred", '{');
	err = err ? err : berth_json_put_text(json, "akm", berth_buf_view(&akm));
	err = err ? err : put_password(object, json);
	err = err ? err : put_enterprise(object, json);
	err = err ? err : put_connector(pki, object, json);
	err = err ? err : berth_json_shut(json, '}');
	if (!err && object->extra_name != NULL) {
		err = berth_json_open(json, object->extra_name, '{');
		json->n -= err ? 0 : 1; /* the value brings its own bracket */
		err = err ? err : berth_buf_append_bytes(json, object->extra);
	}
	err = err ? err : berth_json_shut(json, '}');
	if (err)
		return berth_fail(why, err, "dpp-object", SECTION,
				  "The configuration object cannot be written: a text is no UTF-8, "
				  "or there is no memory.");
	return BERTH_OK;
}

static enum berth_err
keep(struct berth_arena *arena, struct berth_bytes value, size_t max, const char *name,
     struct berth_bytes *ret, struct berth_why *why)
{
	if (value.p == NULL)
		return BERTH_OK;
	*ret = value.n > max ? BERTH_BYTES_NONE : berth_arena_copy(arena, value);
	if (ret->p == NULL)
		return berth_fail(why, BERTH_E_LIMIT, "dpp-object", SECTION,
				  "The object's %s has more than %zu octets, or there is no room.",
				  name, max);
	return BERTH_OK;
}

static enum berth_err
get_kept(const json_t *object, const char *key, size_t max, struct berth_arena *arena,
	 struct berth_bytes *ret, struct berth_why *why)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err = berth_json_get_text(object, key, BERTH_JSON_OPTIONAL, &text, why);

	return err ? err : keep(arena, text, max, key, ret, why);
}

static enum berth_err
get_kept_base64(const json_t *object, const char *key, struct berth_arena *arena,
		struct berth_bytes *ret, struct berth_why *why)
{
	BERTH_BUF bytes = {.limit = BERTH_DPP_OBJECT_MAX_BYTES};
	enum berth_err err = berth_json_get_base64(object, key, BERTH_JSON_OPTIONAL, &bytes, why);

	if (err || bytes.n == 0)
		return err;
	return keep(arena, berth_buf_view(&bytes), bytes.n, key, ret, why);
}

static enum berth_err
read_ssid(const json_t *root, struct berth_arena *arena, struct berth_dpp_object *ret,
	  struct berth_why *why)
{
	json_t *discovery = NULL;
	struct berth_bytes text = BERTH_BYTES_NONE;
	BERTH_BUF decoded = {0};

	enum berth_err err =
		berth_json_get_object(root, "discovery", BERTH_JSON_REQUIRED, &discovery, why);
	err = err ? err : berth_json_get_text(discovery, "ssid64", BERTH_JSON_OPTIONAL, &text, why);
	if (err)
		return err;
	if (text.p == NULL) {
		err = berth_json_get_text(discovery, "ssid", BERTH_JSON_REQUIRED, &text, why);
	} else {
		err = berth_base64url_decode(text, &decoded, why);
		text = berth_buf_view(&decoded);
	}
	return err ? err
		   : keep(arena, text, BERTH_DPP_SSID_MAX_BYTES, "network name", &ret->ssid, why);
}

static enum berth_err
read_psk(const json_t *cred, struct berth_arena *arena, struct berth_dpp_object *ret,
	 struct berth_why *why)
{
	struct berth_bytes hex = BERTH_BYTES_NONE;
	BERTH_BUF psk = {0};
	enum berth_err err = berth_json_get_text(cred, "psk_hex", BERTH_JSON_OPTIONAL, &hex, why);

	if (err || hex.p == NULL)
		return err;
	err = hex.n == (size_t)2 * PSK_BYTES
		      ? berth_hex_decode(hex, &psk, why)
		      : berth_fail(why, BERTH_E_SYNTAX, "dpp-object", SECTION,
				   "The object's psk_hex has not 64 digits.");
	err = err ? err : keep(arena, berth_buf_view(&psk), PSK_BYTES, "key", &ret->psk, why);
	if (psk.p != NULL)
		berth_wipe(psk.p, psk.n);
	return err;
}

static enum berth_err
read_connector(struct berth_pki *pki, const json_t *cred, struct berth_arena *arena,
	       struct berth_dpp_object *ret, struct berth_why *why)
{
	enum berth_err err = get_kept(cred, "signedConnector", BERTH_DPP_CONNECTOR_MAX_BYTES, arena,
				      &ret->connector, why);

	ret->has_c_sign = json_object_get(cred, "csign") != NULL;
	ret->has_pp_key = json_object_get(cred, "ppKey") != NULL;
	if (!err && ret->has_c_sign)
		err = berth_dpp_get_jwk(pki, cred, "csign", &ret->c_sign, why);
	if (!err && ret->has_pp_key)
		err = berth_dpp_get_jwk(pki, cred, "ppKey", &ret->pp_key, why);
	return err;
}

static enum berth_err
read_enterprise(const json_t *cred, struct berth_arena *arena, struct berth_dpp_object *ret,
		struct berth_why *why)
{
	json_t *credentials = NULL;
	enum berth_err err =
		berth_json_get_object(cred, "entCreds", BERTH_JSON_OPTIONAL, &credentials, why);

	if (err || credentials == NULL)
		return err;
	err = get_kept_base64(credentials, "certBag", arena, &ret->cert_bag, why);
	err = err ? err : get_kept_base64(credentials, "caCert", arena, &ret->ca_cert, why);
	return err ? err
		   : get_kept(credentials, "trustedEapServerName", 255, arena, &ret->server_name,
			      why);
}

static enum berth_err
read_cred(struct berth_pki *pki, const json_t *root, struct berth_arena *arena,
	  struct berth_dpp_object *ret, struct berth_why *why)
{
	json_t *cred = NULL;
	struct berth_bytes akm = BERTH_BYTES_NONE;

	enum berth_err err = berth_json_get_object(root, "cred", BERTH_JSON_REQUIRED, &cred, why);
	err = err ? err : berth_json_get_text(cred, "akm", BERTH_JSON_REQUIRED, &akm, why);
	err = err ? err : berth_dpp_akm_read(akm, &ret->akm, why);
	err = err ? err : get_kept(cred, "pass", BERTH_DPP_PASS_MAX_BYTES, arena, &ret->pass, why);
	err = err ? err : read_psk(cred, arena, ret, why);
	err = err ? err : get_kept(cred, "idpass", 255, arena, &ret->pass_id, why);
	err = err ? err : read_enterprise(cred, arena, ret, why);
	return err ? err : read_connector(pki, cred, arena, ret, why);
}

static enum berth_err
read_extra(const json_t *root, const char *name, struct berth_arena *arena,
	   struct berth_dpp_object *ret, struct berth_why *why)
{
	const json_t *value = name == NULL ? NULL : json_object_get(root, name);
	BERTH_BUF text = {.limit = BERTH_DPP_EXTRA_MAX_BYTES};

	if (!json_is_object(value))
		return BERTH_OK;
	enum berth_err err = berth_json_encode(value, BERTH_JSON_AS_BUILT, &text);
	if (err)
		return berth_fail(why, err, "dpp-object", SECTION,
				  "The object's member \"%s\" has more than %d octets.", name,
				  BERTH_DPP_EXTRA_MAX_BYTES);
	return keep(arena, berth_buf_view(&text), text.n, name, &ret->extra, why);
}

enum berth_err
berth_dpp_object_read(struct berth_pki *pki, struct berth_bytes json, const char *extra_name,
		      struct berth_arena *arena, struct berth_dpp_object *ret,
		      struct berth_why *why)
{
	static const struct berth_json_limits limits = {.max_bytes = BERTH_DPP_OBJECT_MAX_BYTES};
	struct berth_dpp_object object = {.extra_name = extra_name};
	struct berth_bytes technology = BERTH_BYTES_NONE;
	BERTH_JSON json_t *root = NULL;

	enum berth_err err = berth_json_parse(json, &limits, &root, why);
	err = err ? err
		  : berth_json_get_text(root, "wi-fi_tech", BERTH_JSON_REQUIRED, &technology, why);
	if (!err && !berth_bytes_equal_text(technology, "infra"))
		err = berth_fail(why, BERTH_E_UNSUPPORTED, "dpp-wifi-tech", SECTION,
				 "The object is for another kind of network than infra.");
	err = err ? err : read_ssid(root, arena, &object, why);
	err = err ? err : read_cred(pki, root, arena, &object, why);
	err = err ? err : read_extra(root, extra_name, arena, &object, why);
	if (!err)
		*ret = object;
	return err;
}

enum berth_err
berth_dpp_object_check(struct berth_pki *pki, const struct berth_dpp_object *object,
		       const struct berth_ec_point *net_access_key, const struct berth_wall *now,
		       struct berth_dpp_connector *ret, struct berth_why *why)
{
	struct berth_dpp_connector connector = {0};
	enum berth_err err = check_parts(object, BERTH_E_SYNTAX, why);

	if (err || object->connector.n == 0)
		return err;
	if (!object->has_c_sign)
		return berth_fail(why, BERTH_E_SYNTAX, "dpp-object", SECTION,
				  "The configuration object has a Connector and no C-sign key.");
	if (object->has_pp_key && object->pp_key.curve != object->c_sign.curve)
		return berth_fail(why, BERTH_E_MISMATCH, "dpp-pp-key-curve", "DPP 6.5.2",
				  "The ppKey is on another curve than the C-sign key.");
	err = berth_dpp_connector_open(pki, object->connector, &object->c_sign, &connector, why);
	if (!err && !berth_ec_equal(&connector.key, net_access_key))
		err = berth_fail(why, BERTH_E_MISMATCH, "dpp-net-access-key", "DPP 6.4.3",
				 "The Connector is for another key than this device's.");
	if (!err && now != NULL)
		err = berth_dpp_connector_check_time(&connector, *now, why);
	if (!err)
		*ret = connector;
	return err;
}
