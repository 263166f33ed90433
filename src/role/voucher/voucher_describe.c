/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/voucher/voucher_describe.h"

#include "base/base64.h"
#include "base/hex.h"

const char *
berth_voucher_kind_name(enum berth_voucher_kind kind)
{
	switch (kind) {
	case BERTH_VOUCHER:
		return "voucher";
	case BERTH_VOUCHER_REQUEST_PLEDGE:
		return "pledge voucher-request";
	case BERTH_VOUCHER_REQUEST_REGISTRAR:
		return "registrar voucher-request";
	}
	return "";
}

static enum berth_err
set(json_t *object, const char *key, const char *text)
{
	return text && text[0] ? berth_json_set_text(object, key, berth_text(text)) : BERTH_OK;
}

static enum berth_err
set_date(json_t *object, const char *key, bool has, struct berth_wall date)
{
	char text[BERTH_TIME_TEXT_MAX];

	return has ? set(object, key, berth_wall_format(date, text)) : BERTH_OK;
}

static enum berth_err
set_hex(json_t *object, const char *key, struct berth_bytes b)
{
	BERTH_BUF text = {0};

	if (b.n == 0)
		return BERTH_OK;
	enum berth_err err = berth_hex_encode(b, &text);
	return err ? err : berth_json_set_text(object, key, berth_buf_view(&text));
}

static enum berth_err
describe_cms(const struct berth_cms *cms, json_t *object)
{
	enum berth_err err =
		set(object, "content-type",
		    cms->content_type == BERTH_CMS_DATA ? "id-data" : "id-ct-animaJSONVoucher");

	err = err ? err : set(object, "signer", berth_cert_subject_text(cms->signer));
	err = err ? err : set(object, "signer-issuer", berth_cert_issuer_text(cms->signer));
	return err ? err
		   : set_date(object, "signing-time", cms->signing_time.s != 0, cms->signing_time);
}

static enum berth_err
describe_nonce(const struct berth_voucher *v, json_t *object)
{
	BERTH_BUF text = {0};

	if (v->nonce.n == 0)
		return BERTH_OK;
	enum berth_err err = berth_voucher_nonce_text(v->nonce, v->nonce_is_url_safe, &text);
	return err ? err : berth_json_set_text(object, "nonce", berth_buf_view(&text));
}

/* key: the certificate's subject; with pinned also its domainID (RFC 8995 5.8.2). */
static enum berth_err
describe_cert(struct berth_pki *pki, json_t *object, const char *key, struct berth_bytes der)
{
	BERTH_CERT *cert = NULL;
	uint8_t id[32];

	if (der.n == 0)
		return BERTH_OK;
	if (berth_cert_parse(pki, der, &cert, NULL))
		return set(object, key, "(no certificate that can be read)");
	enum berth_err err = set(object, key, berth_cert_subject_text(cert));
	if (err || strcmp(key, "pinned-domain-cert") != 0)
		return err;
	size_t n = berth_cert_domain_id(pki, cert, id);
	return berth_json_set_base64(object, "domain-id", berth_bytes_of(id, n));
}

static enum berth_err
describe_prior(struct berth_pki *pki, const struct berth_voucher *v, json_t *object)
{
	BERTH_SIGNED_VOUCHER prior = {0};
	BERTH_ARENA arena = {0};
	struct berth_why why = {0};

	if (v->prior_signed_voucher_request.n == 0)
		return BERTH_OK;
	berth_arena_start(&arena, 4 * BERTH_VOUCHER_JSON_MAX_BYTES);
	if (berth_voucher_open(pki, v->prior_signed_voucher_request, BERTH_VOUCHER_REQUEST_PLEDGE,
			       NULL, &arena, &prior, &why))
		return set(object, "prior-signed", why.sentence);
	enum berth_err err = set(object, "prior-signed", berth_cert_subject_text(prior.cms.signer));
	err = err ? err
		  : set(object, "prior-signed-assertion",
			berth_assertion_name(prior.voucher.assertion));
	return err ? err
		   : describe_cert(pki, object, "prior-signed-proximity-registrar-cert",
				   prior.voucher.proximity_registrar_cert);
}

enum berth_err
berth_voucher_describe(struct berth_pki *pki, const struct berth_signed_voucher *opened,
		       json_t *object)
{
	const struct berth_voucher *v = &opened->voucher;
	enum berth_err err = set(object, "kind", berth_voucher_kind_name(v->kind));

	if (!err && v->serial_number.n)
		err = berth_json_set_text(object, "serial-number", v->serial_number);
	err = err ? err : set(object, "assertion", berth_assertion_name(v->assertion));
	err = err ? err : describe_nonce(v, object);
	err = err ? err : set_date(object, "created-on", v->has_created_on, v->created_on);
	err = err ? err : set_date(object, "expires-on", v->has_expires_on, v->expires_on);
	err = err ? err
		  : set_date(object, "last-renewal-date", v->has_last_renewal_date,
			     v->last_renewal_date);
	err = err ? err : set_hex(object, "idevid-issuer", v->idevid_issuer);
	err = err ? err : describe_cert(pki, object, "pinned-domain-cert", v->pinned_domain_cert);
	if (!err && v->has_revocation_checks)
		err = berth_json_set_bool(object, "domain-cert-revocation-checks",
					  v->domain_cert_revocation_checks);
	err = err ? err
		  : describe_cert(pki, object, "proximity-registrar-cert",
				  v->proximity_registrar_cert);
	err = err ? err : describe_prior(pki, v, object);
	return err ? err : describe_cms(&opened->cms, object);
}
