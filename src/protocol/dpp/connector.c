/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/connector.h"

#include "base/base64.h"
#include "codec/json_write.h"

#define SECTION "DPP 4.2"

static const char *const roles[] = {
	[BERTH_DPP_STA] = "sta",
	[BERTH_DPP_AP] = "ap",
	[BERTH_DPP_NET_CONFIGURATOR] = "configurator",
};

const char *
berth_dpp_net_role_name(enum berth_dpp_net_role role)
{
	return roles[role];
}

bool
berth_dpp_net_role_named(struct berth_bytes name, enum berth_dpp_net_role *ret)
{
	for (unsigned i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (berth_bytes_equal_text(name, roles[i])) {
			*ret = (enum berth_dpp_net_role)i;
			return true;
		}
	}
	return false;
}

enum berth_err
berth_dpp_key_id(struct berth_pki *pki, const struct berth_ec_point *c_sign, uint8_t ret[32])
{
	uint8_t octets[1 + 2 * BERTH_EC_COORDINATE_MAX] = {4};
	struct berth_bytes xy = berth_ec_xy(c_sign);

	memcpy(octets + 1, xy.p, xy.n);
	return berth_sha256(pki, berth_bytes_of(octets, 1 + xy.n), ret);
}

enum berth_err
berth_dpp_kid(struct berth_pki *pki, const struct berth_ec_point *c_sign,
	      char ret[BERTH_DPP_KID_CHARS + 1])
{
	uint8_t sum[32];
	BERTH_BUF text = {0};
	enum berth_err err = berth_dpp_key_id(pki, c_sign, sum);

	err = err ? err : berth_base64url_encode(berth_bytes_of(sum, sizeof(sum)), &text);
	if (err)
		return err;
	memcpy(ret, text.p, BERTH_DPP_KID_CHARS);
	ret[BERTH_DPP_KID_CHARS] = '\0';
	return BERTH_OK;
}

static enum berth_err
put_base64url(struct berth_buf *out, const char *key, struct berth_bytes value)
{
	BERTH_BUF text = {0};
	enum berth_err err = berth_base64url_encode(value, &text);

	return err ? err : berth_json_put_text(out, key, berth_buf_view(&text));
}

enum berth_err
berth_dpp_put_jwk(struct berth_buf *out, const char *key, const struct berth_ec_point *point,
		  const char *kid)
{
	const struct berth_ec_facts *facts = berth_ec_facts(point->curve);
	size_t n = facts->coordinate_bytes;

	enum berth_err err = berth_json_open(out, key, '{');
	err = err ? err : berth_json_put_text(out, "kty", BERTH_LIT("EC"));
	err = err ? err : berth_json_put_text(out, "crv", berth_text(facts->name));
	err = err ? err : put_base64url(out, "x", berth_bytes_of(point->xy, n));
	err = err ? err : put_base64url(out, "y", berth_bytes_of(point->xy + n, n));
	if (!err && kid != NULL)
		err = berth_json_put_text(out, "kid", berth_text(kid));
	return err ? err : berth_json_shut(out, '}');
}

static enum berth_err
get_coordinate(const json_t *jwk, const char *key, struct berth_buf *xy, struct berth_why *why)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err = berth_json_get_text(jwk, key, BERTH_JSON_REQUIRED, &text, why);

	return err ? err : berth_base64url_decode(text, xy, why);
}

enum berth_err
berth_dpp_get_jwk(struct berth_pki *pki, const json_t *object, const char *key,
		  struct berth_ec_point *ret, struct berth_why *why)
{
	json_t *jwk = NULL;
	struct berth_bytes type = BERTH_BYTES_NONE;
	struct berth_bytes name = BERTH_BYTES_NONE;
	enum berth_ec_curve curve;
	BERTH_BUF xy = {0};

	enum berth_err err = berth_json_get_object(object, key, BERTH_JSON_REQUIRED, &jwk, why);
	err = err ? err : berth_json_get_text(jwk, "kty", BERTH_JSON_REQUIRED, &type, why);
	err = err ? err : berth_json_get_text(jwk, "crv", BERTH_JSON_REQUIRED, &name, why);
	if (err)
		return err;
	if (!berth_bytes_equal_text(type, "EC") || !berth_ec_curve_named(name, &curve))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "dpp-jwk", "RFC 7518 6.2",
				  "The key \"%s\" is on no curve of DPP.", key);
	err = get_coordinate(jwk, "x", &xy, why);
	if (!err && xy.n != berth_ec_facts(curve)->coordinate_bytes)
		err = berth_fail(why, BERTH_E_SYNTAX, "dpp-jwk", "RFC 7518 6.2.1.2",
				 "A coordinate of the key \"%s\" has a wrong length.", key);
	err = err ? err : get_coordinate(jwk, "y", &xy, why);
	return err ? err : berth_ec_point(pki, curve, berth_buf_view(&xy), ret, why);
}

static enum berth_err
put_groups(const struct berth_dpp_connector *connector, struct berth_buf *out)
{
	enum berth_err err = berth_json_open(out, "groups", '[');

	for (size_t i = 0; !err && i < connector->group_count; i++) {
		const struct berth_dpp_group *group = &connector->groups[i];
		err = berth_json_open(out, NULL, '{');
		err = err ? err : berth_json_put_text(out, "groupId", berth_text(group->id));
		err = err ? err
			  : berth_json_put_text(out, "netRole", berth_text(roles[group->role]));
		err = err ? err : berth_json_shut(out, '}');
	}
	return err ? err : berth_json_shut(out, ']');
}

static bool
has_expiry(const struct berth_dpp_connector *connector)
{
	return connector->expiry.s != BERTH_WALL_NO_EXPIRY.s;
}

enum berth_err
berth_dpp_connector_write(const struct berth_dpp_connector *connector, struct berth_buf *payload,
			  struct berth_why *why)
{
	char time[BERTH_TIME_TEXT_MAX];

	if (connector->group_count == 0 || connector->group_count > BERTH_DPP_GROUPS_MAX)
		return berth_fail(why, BERTH_E_USAGE, "dpp-connector", SECTION,
				  "A Connector is for one group at least and %d at most.",
				  BERTH_DPP_GROUPS_MAX);
	enum berth_err err = berth_json_start(payload, '{');
	err = err ? err : put_groups(connector, payload);
	err = err ? err : berth_dpp_put_jwk(payload, "netAccessKey", &connector->key, NULL);
	if (!err && has_expiry(connector))
		err = berth_json_put_text(payload, "expiry",
					  berth_text(berth_wall_format(connector->expiry, time)));
	if (!err && connector->version > 0)
		err = berth_json_put_i64(payload, "version", connector->version);
	err = err ? err : berth_json_shut(payload, '}');
	if (err)
		return berth_fail(
			why, err, "dpp-connector", SECTION,
			"The Connector cannot be written: a group is no UTF-8, or there is "
			"no memory.");
	return BERTH_OK;
}

static enum berth_err
read_group(const json_t *groups, size_t index, struct berth_dpp_group *ret, struct berth_why *why)
{
	const json_t *group = json_array_get(groups, index);
	struct berth_bytes id = BERTH_BYTES_NONE;
	struct berth_bytes role = BERTH_BYTES_NONE;

	if (!json_is_object(group))
		return berth_fail(why, BERTH_E_SYNTAX, "dpp-connector-groups", SECTION,
				  "A group of the Connector is no object.");
	enum berth_err err = berth_json_get_text(group, "groupId", BERTH_JSON_REQUIRED, &id, why);
	err = err ? err : berth_json_get_text(group, "netRole", BERTH_JSON_REQUIRED, &role, why);
	if (err)
		return err;
	if (id.n >= sizeof(ret->id))
		return berth_fail(why, BERTH_E_LIMIT, "dpp-connector-groups", SECTION,
				  "A group's name has more than %zu octets.", sizeof(ret->id) - 1);
	if (!berth_dpp_net_role_named(role, &ret->role))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "dpp-net-role", SECTION,
				  "A group's role is neither sta, ap nor configurator.");
	memcpy(ret->id, id.p, id.n);
	ret->id[id.n] = '\0';
	return BERTH_OK;
}

static enum berth_err
read_groups(const json_t *root, struct berth_dpp_connector *ret, struct berth_why *why)
{
	json_t *groups = NULL;
	enum berth_err err =
		berth_json_get_array(root, "groups", BERTH_JSON_REQUIRED, &groups, why);

	if (err)
		return err;
	size_t n = json_array_size(groups);
	if (n == 0 || n > BERTH_DPP_GROUPS_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "dpp-connector-groups", SECTION,
				  "The Connector has %zu groups, not one to %d.", n,
				  BERTH_DPP_GROUPS_MAX);
	for (size_t i = 0; !err && i < n; i++)
		err = read_group(groups, i, &ret->groups[i], why);
	ret->group_count = n;
	return err;
}

/* As others write ends too: without a zone (it is UTC), or with hours of it alone. What cannot be read is in the past. */
static struct berth_wall
read_expiry(struct berth_bytes text)
{
	static const size_t without_zone = sizeof("2030-01-01T00:00:00") - 1;
	static const size_t with_hours = sizeof("2030-01-01T00:00:00+01") - 1;
	struct berth_wall end = {0};
	BERTH_BUF whole = {.limit = BERTH_TIME_TEXT_MAX};

	if (berth_buf_append_bytes(&whole, text) ||
	    (text.n == without_zone && berth_buf_append_text(&whole, "Z")) ||
	    (text.n == with_hours && berth_buf_append_text(&whole, ":00")) ||
	    berth_wall_parse(berth_buf_view(&whole), &end, NULL))
		return (struct berth_wall){0};
	return end;
}

enum berth_err
berth_dpp_connector_read(struct berth_pki *pki, struct berth_bytes payload,
			 struct berth_dpp_connector *ret, struct berth_why *why)
{
	static const struct berth_json_limits limits = {.max_bytes = BERTH_DPP_CONNECTOR_MAX_BYTES};
	struct berth_dpp_connector connector = {.expiry = BERTH_WALL_NO_EXPIRY};
	struct berth_bytes expiry = BERTH_BYTES_NONE;
	int64_t version = 0;
	BERTH_JSON json_t *root = NULL;

	enum berth_err err = berth_json_parse(payload, &limits, &root, why);
	err = err ? err : read_groups(root, &connector, why);
	err = err ? err : berth_dpp_get_jwk(pki, root, "netAccessKey", &connector.key, why);
	err = err ? err : berth_json_get_text(root, "expiry", BERTH_JSON_OPTIONAL, &expiry, why);
	err = err ? err
		  : berth_json_get_i64(root, "version", BERTH_JSON_OPTIONAL, 0, UINT8_MAX, &version,
				       why);
	if (err)
		return err;
	if (expiry.p != NULL)
		connector.expiry = read_expiry(expiry);
	connector.version = (uint8_t)version;
	*ret = connector;
	return BERTH_OK;
}

static enum berth_err
put_header(struct berth_pki *pki, const struct berth_ec_point *c_sign, struct berth_buf *header)
{
	char kid[BERTH_DPP_KID_CHARS + 1];
	enum berth_err err = berth_dpp_kid(pki, c_sign, kid);

	err = err ? err : berth_json_start(header, '{');
	err = err ? err : berth_json_put_text(header, "typ", BERTH_LIT("dppCon"));
	err = err ? err : berth_json_put_text(header, "kid", berth_text(kid));
	err = err ? err
		  : berth_json_put_text(header, "alg",
					berth_text(berth_ec_facts(c_sign->curve)->algorithm));
	return err ? err : berth_json_shut(header, '}');
}

enum berth_err
berth_dpp_connector_sign(struct berth_pki *pki, struct berth_key *c_sign,
			 struct berth_bytes payload, struct berth_buf *connector,
			 struct berth_dpp_connector *ret, struct berth_why *why)
{
	struct berth_dpp_connector read;
	struct berth_ec_point point;
	BERTH_BUF again = {0};
	BERTH_BUF header = {0};
	BERTH_BUF text = {0};
	BERTH_BUF rs = {0};

	enum berth_err err = berth_dpp_connector_read(pki, payload, &read, why);
	err = err ? err : berth_dpp_connector_write(&read, &again, why);
	if (err)
		return err;
	if (!berth_bytes_equal(payload, berth_buf_view(&again)))
		return berth_fail(why, BERTH_E_MISMATCH, "dpp-connector-form", SECTION,
				  "The Connector to be signed is not written as Berth writes one.");
	err = berth_ec_of_key(pki, c_sign, &point, why);
	if (err)
		return err;
	err = put_header(pki, &point, &header);
	err = err ? err : berth_base64url_encode(berth_buf_view(&header), &text);
	err = err ? err : berth_buf_append_text(&text, ".");
	err = err ? err : berth_base64url_encode(payload, &text);
	if (err)
		return berth_fail(why, err, "dpp-connector", SECTION, "No memory.");
	err = berth_ec_sign(c_sign, berth_buf_view(&text), &rs, why);
	if (err)
		return err;
	err = berth_buf_append_bytes(connector, berth_buf_view(&text));
	err = err ? err : berth_buf_append_text(connector, ".");
	err = err ? err : berth_base64url_encode(berth_buf_view(&rs), connector);
	if (err)
		return berth_fail(why, err, "dpp-connector", SECTION, "No memory.");
	if (ret != NULL)
		*ret = read;
	return BERTH_OK;
}

static enum berth_err
check_header(struct berth_pki *pki, struct berth_bytes text, const struct berth_ec_point *c_sign,
	     struct berth_why *why)
{
	static const struct berth_json_limits limits = {.max_bytes = 512};
	struct berth_bytes type = BERTH_BYTES_NONE;
	struct berth_bytes algorithm = BERTH_BYTES_NONE;
	struct berth_bytes kid = BERTH_BYTES_NONE;
	char expected[BERTH_DPP_KID_CHARS + 1];
	BERTH_BUF header = {0};
	BERTH_JSON json_t *root = NULL;

	enum berth_err err = berth_base64url_decode(text, &header, why);
	err = err ? err : berth_json_parse(berth_buf_view(&header), &limits, &root, why);
	err = err ? err : berth_json_get_text(root, "typ", BERTH_JSON_REQUIRED, &type, why);
	err = err ? err : berth_json_get_text(root, "alg", BERTH_JSON_REQUIRED, &algorithm, why);
	err = err ? err : berth_json_get_text(root, "kid", BERTH_JSON_REQUIRED, &kid, why);
	if (err)
		return err;
	if (!berth_bytes_equal_text(type, "dppCon"))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "dpp-connector-type", SECTION,
				  "What is signed is no Connector: its \"typ\" is not dppCon.");
	err = berth_dpp_kid(pki, c_sign, expected);
	if (err)
		return berth_fail(why, err, "dpp-connector", SECTION, "A key cannot be hashed.");
	if (!berth_bytes_equal_text(kid, expected))
		return berth_fail(why, BERTH_E_MISMATCH, "dpp-kid", SECTION,
				  "The Connector was signed with another C-sign key.");
	if (!berth_bytes_equal_text(algorithm, berth_ec_facts(c_sign->curve)->algorithm))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "dpp-connector-algorithm", SECTION,
				  "The Connector's \"alg\" is not that of the C-sign key's curve.");
	return BERTH_OK;
}

/* Up to the next dot, or to the end. */
static struct berth_bytes
take_part(struct berth_bytes *rest)
{
	size_t n = 0;

	while (n < rest->n && rest->p[n] != '.')
		n++;
	struct berth_bytes part = berth_bytes_of(rest->p, n);
	size_t used = n < rest->n ? n + 1 : n;
	*rest = berth_bytes_of(rest->p + used, rest->n - used);
	return part;
}

enum berth_err
berth_dpp_connector_open(struct berth_pki *pki, struct berth_bytes connector,
			 const struct berth_ec_point *c_sign, struct berth_dpp_connector *ret,
			 struct berth_why *why)
{
	struct berth_bytes rest = connector;
	BERTH_BUF payload = {0};
	BERTH_BUF rs = {0};

	if (connector.n == 0 || connector.n > BERTH_DPP_CONNECTOR_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "dpp-connector-size", SECTION,
				  "A Connector has at least one octet and %d at most.",
				  BERTH_DPP_CONNECTOR_MAX_BYTES);
	struct berth_bytes header = take_part(&rest);
	struct berth_bytes body = take_part(&rest);
	enum berth_err err = check_header(pki, header, c_sign, why);
	err = err ? err : berth_base64url_decode(rest, &rs, why);
	err = err ? err
		  : berth_ec_verify(pki, c_sign, berth_bytes_of(connector.p, header.n + 1 + body.n),
				    berth_buf_view(&rs), why);
	err = err ? err : berth_base64url_decode(body, &payload, why);
	return err ? err : berth_dpp_connector_read(pki, berth_buf_view(&payload), ret, why);
}

enum berth_err
berth_dpp_connector_check_time(const struct berth_dpp_connector *connector, struct berth_wall now,
			       struct berth_why *why)
{
	char time[BERTH_TIME_TEXT_MAX];

	if (connector->expiry.s > now.s)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_EXPIRED, "dpp-connector-expired", SECTION,
			  "The Connector ended at %s.", berth_wall_format(connector->expiry, time));
}

static bool
roles_meet(enum berth_dpp_net_role a, enum berth_dpp_net_role b)
{
	return (a == BERTH_DPP_STA && b == BERTH_DPP_AP) ||
	       (a == BERTH_DPP_AP && b == BERTH_DPP_STA) || b == BERTH_DPP_NET_CONFIGURATOR;
}

static bool
groups_meet(const struct berth_dpp_group *a, const struct berth_dpp_group *b)
{
	return roles_meet(a->role, b->role) &&
	       (strcmp(a->id, b->id) == 0 || strcmp(a->id, "*") == 0 || strcmp(b->id, "*") == 0);
}

bool
berth_dpp_connector_matches(const struct berth_dpp_connector *own,
			    const struct berth_dpp_connector *other)
{
	for (size_t i = 0; i < own->group_count; i++) {
		for (size_t j = 0; j < other->group_count; j++) {
			if (groups_meet(&own->groups[i], &other->groups[j]))
				return true;
		}
	}
	return false;
}
