/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/voucher/voucher.h"

#include "base/base64.h"
#include "codec/json.h"
#include "codec/json_write.h"

#define VOUCHER_KEY "ietf-voucher:voucher"
#define REQUEST_KEY "ietf-voucher-request:voucher"
#define NONCE_TEXT_MAX 48 /* 32 bytes of base64 with padding take 44 */

static const char *const assertion_names[] = {
	[BERTH_ASSERTION_NONE] = "",
	[BERTH_ASSERTION_VERIFIED] = "verified",
	[BERTH_ASSERTION_LOGGED] = "logged",
	[BERTH_ASSERTION_PROXIMITY] = "proximity",
	[BERTH_ASSERTION_AGENT_PROXIMITY] = "agent-proximity",
};
#define ASSERTION_COUNT (sizeof(assertion_names) / sizeof(assertion_names[0]))

const char *
berth_assertion_name(enum berth_assertion assertion)
{
	return (size_t)assertion < ASSERTION_COUNT ? assertion_names[assertion] : "";
}

bool
berth_assertion_parse(struct berth_bytes name, enum berth_assertion *ret)
{
	for (size_t i = BERTH_ASSERTION_VERIFIED; i < ASSERTION_COUNT; i++) {
		if (berth_bytes_equal_text(name, assertion_names[i])) {
			*ret = (enum berth_assertion)i;
			return true;
		}
	}
	return false;
}

/* ---- reading ---- */

/* What a member's reader needs; where a member is not there, its reader does nothing. */
struct reader {
	const json_t *object;
	struct berth_arena *arena;
	struct berth_why *why;
};

static enum berth_err
keep(const struct reader *r, struct berth_bytes b, struct berth_bytes *ret)
{
	*ret = berth_arena_copy(r->arena, b);
	if (!ret->p)
		return berth_fail(r->why, BERTH_E_LIMIT, "rfc8366-5.3-too-large", "RFC 8366 5.3",
				  "the voucher needs more memory than one exchange may use");
	return BERTH_OK;
}

static enum berth_err
read_text(const struct reader *r, const char *key, size_t max, struct berth_bytes *ret)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err =
		berth_json_get_text(r->object, key, BERTH_JSON_OPTIONAL, &text, r->why);

	if (err || !text.p)
		return err;
	if (text.n == 0 || text.n > max)
		return berth_fail(r->why, BERTH_E_LIMIT, "rfc8366-5.3-length", "RFC 8366 5.3",
				  "\"%s\" has %zu bytes, 1 to %zu are allowed", key, text.n, max);
	return keep(r, text, ret);
}

static enum berth_err
read_date(const struct reader *r, const char *key, bool *ret_has, struct berth_wall *ret)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err =
		berth_json_get_text(r->object, key, BERTH_JSON_OPTIONAL, &text, r->why);

	if (err || !text.p)
		return err;
	err = berth_wall_parse(text, ret, NULL);
	if (err)
		return berth_fail(r->why, BERTH_E_SYNTAX, "rfc8366-5.3-date", "RFC 8366 5.3",
				  "\"%s\" is no yang:date-and-time", key);
	*ret_has = true;
	return BERTH_OK;
}

static enum berth_err
read_binary(const struct reader *r, const char *key, size_t max, struct berth_bytes *ret)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	BERTH_BUF binary = {.limit = max};
	enum berth_err err =
		berth_json_get_text(r->object, key, BERTH_JSON_OPTIONAL, &text, r->why);

	if (err || !text.p)
		return err;
	err = berth_base64_decode(text, false, &binary, NULL);
	if (err == BERTH_E_LIMIT)
		return berth_fail(r->why, err, "rfc8366-5.3-length", "RFC 8366 5.3",
				  "\"%s\" has more than %zu bytes", key, max);
	if (err || binary.n == 0)
		return berth_fail(r->why, BERTH_E_SYNTAX, "rfc8366-5.3-base64", "RFC 8366 5.3",
				  "\"%s\" is no base64 (RFC 4648 4, padded, no white space)", key);
	return keep(r, berth_buf_view(&binary), ret);
}

/* Base64url without padding to base64 with it; false when it cannot be one. */
static bool
from_url_safe(struct berth_bytes text, char padded[NONCE_TEXT_MAX + 4], size_t *ret_n)
{
	if (text.n > NONCE_TEXT_MAX || text.n % 4 == 1)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		char c = (char)text.p[i];

		if (c == '+' || c == '/' || c == '=')
			return false;
		padded[i] = (char)(c == '-' ? '+' : c == '_' ? '/' : c);
	}
	*ret_n = text.n;
	while (*ret_n % 4)
		padded[(*ret_n)++] = '=';
	return true;
}

static enum berth_err
decode_nonce(struct berth_bytes text, struct berth_buf *binary, bool *ret_url_safe)
{
	char padded[NONCE_TEXT_MAX + 4];
	size_t n = 0;

	*ret_url_safe = false;
	enum berth_err err = berth_base64_decode(text, false, binary, NULL);
	if (!err || !from_url_safe(text, padded, &n))
		return err;
	*ret_url_safe = true;
	berth_buf_clear(binary);
	return berth_base64_decode(berth_bytes_of(padded, n), false, binary, NULL);
}

/* req: rfc8366-5.3-nonce-length */
static enum berth_err
read_nonce(const struct reader *r, struct berth_voucher *voucher)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	BERTH_BUF binary = {.limit = BERTH_VOUCHER_JSON_MAX_BYTES};
	enum berth_err err =
		berth_json_get_text(r->object, "nonce", BERTH_JSON_OPTIONAL, &text, r->why);

	if (err || !text.p)
		return err;
	if (decode_nonce(text, &binary, &voucher->nonce_is_url_safe))
		return berth_fail(r->why, BERTH_E_SYNTAX, "rfc8366-5.3-base64", "RFC 8366 5.3",
				  "\"nonce\" is no base64");
	if (binary.n < BERTH_VOUCHER_NONCE_MIN || binary.n > BERTH_VOUCHER_NONCE_MAX)
		return berth_fail(r->why, BERTH_E_LIMIT, "rfc8366-5.3-nonce-length", "RFC 8366 5.3",
				  "the nonce has %zu bytes, %d to %d are allowed", binary.n,
				  BERTH_VOUCHER_NONCE_MIN, BERTH_VOUCHER_NONCE_MAX);
	return keep(r, berth_buf_view(&binary), &voucher->nonce);
}

/* req: rfc8366-5.3-assertion */
static enum berth_err
read_assertion(const struct reader *r, enum berth_assertion *ret)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err =
		berth_json_get_text(r->object, "assertion", BERTH_JSON_OPTIONAL, &text, r->why);

	if (err || !text.p || berth_assertion_parse(text, ret))
		return err;
	return berth_fail(r->why, BERTH_E_UNSUPPORTED, "rfc8366-5.3-assertion", "RFC 8366 5.3",
			  "\"assertion\" is none of verified, logged, proximity, agent-proximity");
}

static enum berth_err
read_revocation_checks(const struct reader *r, struct berth_voucher *voucher)
{
	const char *key = "domain-cert-revocation-checks";

	voucher->has_revocation_checks = json_object_get(r->object, key) != NULL;
	return berth_json_get_bool(r->object, key, BERTH_JSON_OPTIONAL,
				   &voucher->domain_cert_revocation_checks, r->why);
}

/* req: rfc8995-5.6.1-p5 */
static enum berth_err
read_members(const struct reader *r, struct berth_voucher *v)
{
	enum berth_err err = read_date(r, "created-on", &v->has_created_on, &v->created_on);

	err = err ? err : read_date(r, "expires-on", &v->has_expires_on, &v->expires_on);
	err = err ? err
		  : read_date(r, "last-renewal-date", &v->has_last_renewal_date,
			      &v->last_renewal_date);
	err = err ? err : read_assertion(r, &v->assertion);
	err = err ? err
		  : read_text(r, "serial-number", BERTH_VOUCHER_SERIAL_MAX, &v->serial_number);
	err = err ? err
		  : read_binary(r, "idevid-issuer", BERTH_VOUCHER_ISSUER_MAX, &v->idevid_issuer);
	err = err ? err : read_nonce(r, v);
	err = err ? err
		  : read_binary(r, "pinned-domain-cert", BERTH_VOUCHER_CERT_MAX,
				&v->pinned_domain_cert);
	err = err ? err
		  : read_binary(r, "proximity-registrar-cert", BERTH_VOUCHER_CERT_MAX,
				&v->proximity_registrar_cert);
	err = err ? err
		  : read_binary(r, "prior-signed-voucher-request", BERTH_VOUCHER_JSON_MAX_BYTES,
				&v->prior_signed_voucher_request);
	return err ? err : read_revocation_checks(r, v);
}

static const char *
key_of(enum berth_voucher_kind kind)
{
	return kind == BERTH_VOUCHER ? VOUCHER_KEY : REQUEST_KEY;
}

enum berth_err
berth_voucher_parse(struct berth_bytes json, enum berth_voucher_kind kind,
		    struct berth_arena *arena, struct berth_voucher *ret, struct berth_why *why)
{
	static const struct berth_json_limits limits = {
		.max_bytes = BERTH_VOUCHER_JSON_MAX_BYTES,
		.max_depth = 8, /* ours need 2; the rest is room for members we do not know */
		.max_values = 256,
	};
	struct berth_voucher voucher = {.kind = kind};
	BERTH_JSON json_t *root = NULL;
	enum berth_err err = berth_json_parse(json, &limits, &root, why);

	if (err)
		return err;
	struct reader reader = {json_object_get(root, key_of(kind)), arena, why};
	if (!json_is_object(root) || json_object_size(root) != 1 || !json_is_object(reader.object))
		return berth_fail(why, BERTH_E_SYNTAX, "rfc8366-5.3-top-level", "RFC 8366 5.3",
				  "the top level must be an object with \"%s\" alone",
				  key_of(kind));
	err = read_members(&reader, &voucher);
	if (err)
		return err;
	*ret = voucher;
	return BERTH_OK;
}

enum berth_err
berth_voucher_kind_of(struct berth_bytes json, enum berth_voucher_kind *ret, struct berth_why *why)
{
	static const struct berth_json_limits limits = {BERTH_VOUCHER_JSON_MAX_BYTES, 8, 256};
	BERTH_JSON json_t *root = NULL;
	enum berth_err err = berth_json_parse(json, &limits, &root, why);

	if (err)
		return err;
	const json_t *request = json_object_get(root, REQUEST_KEY);
	if (!request && !json_object_get(root, VOUCHER_KEY))
		return berth_fail(why, BERTH_E_SYNTAX, "rfc8366-5.3-top-level", "RFC 8366 5.3",
				  "neither \"" VOUCHER_KEY "\" nor \"" REQUEST_KEY "\"");
	if (!request)
		*ret = BERTH_VOUCHER;
	else if (json_object_get(request, "prior-signed-voucher-request") ||
		 !json_object_get(request, "proximity-registrar-cert"))
		*ret = BERTH_VOUCHER_REQUEST_REGISTRAR;
	else
		*ret = BERTH_VOUCHER_REQUEST_PLEDGE;
	return BERTH_OK;
}

/* ---- writing ---- */

static enum berth_err
write_date(struct berth_buf *json, const char *key, bool has, struct berth_wall date)
{
	char text[BERTH_TIME_TEXT_MAX];

	if (!has)
		return BERTH_OK;
	return berth_json_put_text(json, key, berth_text(berth_wall_format(date, text)));
}

static enum berth_err
write_binary(struct berth_buf *json, const char *key, struct berth_bytes b)
{
	return b.n ? berth_json_put_base64(json, key, b) : BERTH_OK;
}

enum berth_err
berth_voucher_nonce_text(struct berth_bytes nonce, bool is_url_safe, struct berth_buf *out)
{
	size_t from = out->n;
	enum berth_err err = berth_base64_encode(nonce, 0, out);

	if (err || !is_url_safe)
		return err;
	while (out->n > from && out->p[out->n - 1] == '=')
		out->n--;
	for (size_t i = from; i < out->n; i++) {
		if (out->p[i] == '+')
			out->p[i] = '-';
		else if (out->p[i] == '/')
			out->p[i] = '_';
	}
	return BERTH_OK;
}

static enum berth_err
write_nonce(struct berth_buf *json, const struct berth_voucher *voucher)
{
	BERTH_BUF text = {0};

	if (voucher->nonce.n == 0)
		return BERTH_OK;
	enum berth_err err =
		berth_voucher_nonce_text(voucher->nonce, voucher->nonce_is_url_safe, &text);
	return err ? err : berth_json_put_text(json, "nonce", berth_buf_view(&text));
}

static enum berth_err
write_members(struct berth_buf *json, const struct berth_voucher *v)
{
	enum berth_err err = BERTH_OK;

	if (v->assertion != BERTH_ASSERTION_NONE)
		err = berth_json_put_text(json, "assertion",
					  berth_text(berth_assertion_name(v->assertion)));
	err = err ? err : write_date(json, "created-on", v->has_created_on, v->created_on);
	err = err ? err : write_date(json, "expires-on", v->has_expires_on, v->expires_on);
	err = err ? err
		  : write_date(json, "last-renewal-date", v->has_last_renewal_date,
			       v->last_renewal_date);
	if (!err && v->serial_number.n)
		err = berth_json_put_text(json, "serial-number", v->serial_number);
	err = err ? err : write_binary(json, "idevid-issuer", v->idevid_issuer);
	err = err ? err : write_nonce(json, v);
	err = err ? err : write_binary(json, "pinned-domain-cert", v->pinned_domain_cert);
	if (!err && v->has_revocation_checks)
		err = berth_json_put_bool(json, "domain-cert-revocation-checks",
					  v->domain_cert_revocation_checks);
	err = err ? err
		  : write_binary(json, "proximity-registrar-cert", v->proximity_registrar_cert);
	return err ? err
		   : write_binary(json, "prior-signed-voucher-request",
				  v->prior_signed_voucher_request);
}

enum berth_err
berth_voucher_encode(const struct berth_voucher *voucher, struct berth_buf *json,
		     struct berth_why *why)
{
	size_t before = json->n;
	enum berth_err err = berth_json_start(json, '{');

	err = err ? err : berth_json_open(json, key_of(voucher->kind), '{');
	err = err ? err : write_members(json, voucher);
	err = err ? err : berth_json_shut(json, '}');
	err = err ? err : berth_json_shut(json, '}');
	if (!err)
		return BERTH_OK;
	json->n = before;
	return berth_fail(why, err, "rfc8366-5.3-encode", "RFC 8366 5.3",
			  "the voucher cannot be written as JSON (%s)", berth_err_name(err));
}

/* ---- which members a kind holds ---- */

static enum berth_err
need(bool there, const char *rule, const char *section, const char *member, struct berth_why *why)
{
	if (there)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_SYNTAX, rule, section, "\"%s\" is missing", member);
}

static enum berth_err
forbid(bool there, const char *rule, const char *section, const char *member, struct berth_why *why)
{
	if (!there)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_SYNTAX, rule, section, "\"%s\" has no place here", member);
}

/* req: rfc8366-5.3-1, rfc8995-5.6.1-p4, rfc8366-5.3-renewal-date, rfc8995-3.4-no-prior */
static enum berth_err
check_voucher(const struct berth_voucher *v, struct berth_why *why)
{
	const char *section = "RFC 8366 5.3";
	enum berth_err err = need(v->has_created_on, "rfc8366-5.3-created-on-missing", section,
				  "created-on", why);

	err = err ? err
		  : need(v->assertion != BERTH_ASSERTION_NONE, "rfc8366-5.3-assertion-missing",
			 section, "assertion", why);
	err = err ? err
		  : need(v->pinned_domain_cert.n > 0, "rfc8366-5.3-pinned-domain-cert-missing",
			 section, "pinned-domain-cert", why);
	err = err ? err
		  : forbid(v->prior_signed_voucher_request.n > 0,
			   "rfc8366-5.3-prior-signed-present", section,
			   "prior-signed-voucher-request", why);
	err = err ? err
		  : forbid(v->proximity_registrar_cert.n > 0, "rfc8366-5.3-proximity-present",
			   section, "proximity-registrar-cert", why);
	if (err)
		return err;
	if (v->nonce.n && v->has_expires_on)
		return berth_fail(why, BERTH_E_SYNTAX, "rfc8366-5.3-nonce-and-expires-on", section,
				  "a voucher has a nonce or an expiry, this one has both");
	if (v->nonce.n == 0 && !v->has_expires_on)
		return berth_fail(why, BERTH_E_SYNTAX, "rfc8366-5.3-unlimited", section,
				  "the voucher has neither nonce nor expires-on: it would hold for "
				  "ever");
	if (v->has_last_renewal_date && !v->has_expires_on)
		return berth_fail(why, BERTH_E_SYNTAX, "rfc8366-5.3-renewal-without-expiry",
				  section, "last-renewal-date stands only beside expires-on");
	return BERTH_OK;
}

/* req: rfc8995-5.2-1 */
static enum berth_err
check_pledge_request(const struct berth_voucher *v, struct berth_why *why)
{
	const char *section = "RFC 8995 5.2";
	enum berth_err err =
		need(v->nonce.n > 0, "rfc8995-5.2-nonce-missing", section, "nonce", why);

	err = err ? err
		  : forbid(v->prior_signed_voucher_request.n > 0,
			   "rfc8995-5.2-prior-signed-present", section,
			   "prior-signed-voucher-request", why);
	if (!err && v->assertion == BERTH_ASSERTION_PROXIMITY)
		err = need(v->proximity_registrar_cert.n > 0, "rfc8995-5.2-proximity-cert-missing",
			   section, "proximity-registrar-cert", why);
	return err ? err
		   : forbid(v->pinned_domain_cert.n > 0, "rfc8995-3.3-pinned-present",
			    "RFC 8995 3.3", "pinned-domain-cert", why);
}

/* req: rfc8995-5.5-1 */
static enum berth_err
check_registrar_request(const struct berth_voucher *v, struct berth_why *why)
{
	const char *section = "RFC 8995 5.5";
	enum berth_err err = need(v->has_created_on, "rfc8995-5.5-created-on-missing", section,
				  "created-on", why);

	err = err ? err
		  : forbid(v->proximity_registrar_cert.n > 0, "rfc8995-5.5-proximity-cert-present",
			   section, "proximity-registrar-cert", why);
	return err ? err
		   : forbid(v->pinned_domain_cert.n > 0, "rfc8995-3.3-pinned-present",
			    "RFC 8995 3.3", "pinned-domain-cert", why);
}

enum berth_err
berth_voucher_check_kind(const struct berth_voucher *voucher, struct berth_why *why)
{
	enum berth_err err = need(voucher->serial_number.n > 0, "rfc8366-5.3-serial-number-missing",
				  "RFC 8366 5.3", "serial-number", why);

	if (err)
		return err;
	switch (voucher->kind) {
	case BERTH_VOUCHER:
		return check_voucher(voucher, why);
	case BERTH_VOUCHER_REQUEST_PLEDGE:
		return check_pledge_request(voucher, why);
	case BERTH_VOUCHER_REQUEST_REGISTRAR:
		return check_registrar_request(voucher, why);
	}
	return berth_fail(why, BERTH_E_INTERNAL, "berth-voucher-kind", NULL, "no such kind");
}
