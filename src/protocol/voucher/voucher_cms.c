/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/voucher/voucher_cms.h"

#define SECTION_PLEDGE "RFC 8995 5.6.1"

void
berth_signed_voucher_free(struct berth_signed_voucher *signed_voucher)
{
	if (!signed_voucher)
		return;
	berth_cms_free(&signed_voucher->cms);
	memset(signed_voucher, 0, sizeof(*signed_voucher));
}

/* DER of a SEQUENCE begins 0x30; base64 of one begins "MI" (some wrap it in PEM lines). */
/* req: rfc8995-5.11-der */
static enum berth_err
check_is_der(struct berth_bytes der, struct berth_why *why)
{
	if (der.n == 0)
		return berth_fail(why, BERTH_E_SYNTAX, "rfc8995-5.11-empty", "RFC 8995 6",
				  "the body is empty; send the CMS object as raw DER");
	if (der.n > BERTH_CMS_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "rfc8995-5.11-too-large", "RFC 8995 6",
				  "the signed voucher has %zu bytes, at most %d are read", der.n,
				  BERTH_CMS_MAX_BYTES);
	if (der.p[0] == 0x30)
		return BERTH_OK;
	if (berth_bytes_starts_with(der, "MI") || berth_bytes_starts_with(der, "-----BEGIN"))
		return berth_fail(why, BERTH_E_SYNTAX, "rfc8995-5.11-not-der", "RFC 8995 6",
				  "the body is base64 text; voucher bodies are raw DER without "
				  "any transfer encoding");
	return berth_fail(why, BERTH_E_SYNTAX, "rfc8995-5.11-not-der", "RFC 8995 6",
			  "the body does not begin with a DER SEQUENCE; send the CMS object as "
			  "raw DER");
}

typedef enum berth_err open_cms(struct berth_pki *pki, struct berth_bytes der,
				const struct berth_cert_list *extra, struct berth_cms *ret,
				struct berth_why *why);

/* kind: what the content must be; NULL: what it says it is. */
static enum berth_err
open_as(struct berth_pki *pki, open_cms *open, struct berth_bytes der,
	const enum berth_voucher_kind *kind, const struct berth_cert_list *extra,
	struct berth_arena *arena, struct berth_signed_voucher *ret, struct berth_why *why)
{
	BERTH_SIGNED_VOUCHER opened = {0};
	enum berth_voucher_kind found = kind ? *kind : BERTH_VOUCHER;
	enum berth_err err = check_is_der(der, why);

	err = err ? err : open(pki, der, extra, &opened.cms, why);
	if (err)
		return err;
	const struct berth_bytes json = berth_buf_view(&opened.cms.content);
	if (!kind)
		err = berth_voucher_kind_of(json, &found, why);
	err = err ? err : berth_voucher_parse(json, found, arena, &opened.voucher, why);
	if (err)
		return err;
	*ret = opened;
	memset(&opened, 0, sizeof(opened));
	return BERTH_OK;
}

enum berth_err
berth_voucher_open(struct berth_pki *pki, struct berth_bytes der, enum berth_voucher_kind kind,
		   const struct berth_cert_list *extra, struct berth_arena *arena,
		   struct berth_signed_voucher *ret, struct berth_why *why)
{
	return open_as(pki, berth_cms_open, der, &kind, extra, arena, ret, why);
}

enum berth_err
berth_voucher_reopen(struct berth_pki *pki, struct berth_bytes der, enum berth_voucher_kind kind,
		     const struct berth_cert_list *extra, struct berth_arena *arena,
		     struct berth_signed_voucher *ret, struct berth_why *why)
{
	return open_as(pki, berth_cms_reopen, der, &kind, extra, arena, ret, why);
}

enum berth_err
berth_voucher_open_any(struct berth_pki *pki, struct berth_bytes der,
		       const struct berth_cert_list *extra, struct berth_arena *arena,
		       struct berth_signed_voucher *ret, struct berth_why *why)
{
	return open_as(pki, berth_cms_open, der, NULL, extra, arena, ret, why);
}

/* What was signed, compared with what was meant; and that its content is a voucher of its kind to whoever reads it. */
static enum berth_err
check_signed(struct berth_pki *pki, const struct berth_voucher *voucher,
	     const struct berth_cms_fields *fields, struct berth_bytes der, struct berth_why *why)
{
	BERTH_ARENA arena = {0};
	struct berth_voucher again;

	enum berth_err err = berth_cms_lint(pki, fields, der, why);
	if (err)
		return err;
	berth_arena_start(&arena, 4 * BERTH_VOUCHER_JSON_MAX_BYTES);
	return berth_voucher_parse(fields->content, voucher->kind, &arena, &again, why);
}

enum berth_err
berth_voucher_sign(struct berth_pki *pki, const struct berth_voucher *voucher,
		   const struct berth_cms_fields *how, struct berth_buf *der, struct berth_why *why)
{
	BERTH_BUF json = {.limit = BERTH_VOUCHER_JSON_MAX_BYTES};
	BERTH_BUF object = {.limit = BERTH_CMS_MAX_BYTES};
	struct berth_cms_fields fields = *how;

	enum berth_err err = berth_voucher_check_kind(voucher, why);
	if (err)
		return err;
	err = berth_voucher_encode(voucher, &json, why);
	if (err)
		return err;
	fields.content = berth_buf_view(&json);
	err = berth_cms_sign(pki, &fields, &object, why);
	if (err)
		return err;
	err = check_signed(pki, voucher, &fields, berth_buf_view(&object), why);
	if (err)
		return err;
	if (berth_buf_append_bytes(der, berth_buf_view(&object)))
		return berth_fail(why, BERTH_E_MEMORY, "berth-memory", NULL,
				  "no memory for the signed voucher");
	return BERTH_OK;
}

/*
 * Where one anchor stands above devices and MASA alike, a device's birth key must not do as a voucher signer. A MASA URL or
 * a hardware name marks a device; a serialNumber does so only under the CA that made this one, since MASAs may have one.
 */
static bool
is_birth_certificate(const struct berth_cert *signer, struct berth_bytes aki_value)
{
	if (berth_cert_masa_url(signer).n || berth_cert_hw_serial(signer).n)
		return true;
	return aki_value.n && berth_cert_subject_serial_number(signer).n &&
	       berth_bytes_equal(berth_cert_aki_value(signer), aki_value);
}

/* req: rfc8995-5.6.1-1 */
static enum berth_err
check_signer(struct berth_pki *pki, const struct berth_signed_voucher *opened,
	     const struct berth_voucher_expectation *want, struct berth_why *why)
{
	const struct berth_path_check check = {
		.leaf = opened->cms.signer,
		.untrusted = &opened->cms.certificates,
		.anchors = want->anchors,
		.at = want->now.wall,
		.ignore_time = !want->now.wall_is_trusted,
	};
	struct berth_why cause = {0};
	enum berth_err err = berth_path_verify(pki, &check, NULL, &cause);

	if (!err && is_birth_certificate(opened->cms.signer, want->aki_value))
		return berth_fail(
			why, BERTH_E_UNTRUSTED, "rfc8995-5.6.1-signer-is-device", SECTION_PLEDGE,
			"the voucher is signed with a device's birth certificate (%.100s), "
			"not by a MASA",
			berth_cert_subject_text(opened->cms.signer));
	if (!err)
		return BERTH_OK;
	if (err == BERTH_E_EXPIRED)
		return berth_fail(why, err, "rfc8995-5.6.1-signer-expired", SECTION_PLEDGE,
				  "the voucher's signer has expired or is not yet valid: %s",
				  cause.sentence);
	return berth_fail(why, err, "rfc8995-5.6.1-signer-untrusted", SECTION_PLEDGE,
			  "the voucher's signer has no path to the manufacturer's anchor: %s",
			  cause.sentence);
}

/* req: rfc8995-5.6.1-2, rfc8366-5.3-serial, rfc8366-5.3-issuer */
static enum berth_err
check_subject(const struct berth_voucher *voucher, const struct berth_voucher_expectation *want,
	      struct berth_why *why)
{
	if (want->serial_number.n &&
	    !berth_bytes_equal(voucher->serial_number, want->serial_number))
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.6.1-serial-mismatch",
				  SECTION_PLEDGE, "the voucher is for '%.*s', not for '%.*s'",
				  (int)voucher->serial_number.n,
				  (const char *)voucher->serial_number.p,
				  (int)want->serial_number.n, (const char *)want->serial_number.p);
	if (want->aki_value.n && voucher->idevid_issuer.n &&
	    !berth_voucher_issuer_matches(voucher->idevid_issuer, want->aki_value))
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.6.1-issuer-mismatch",
				  SECTION_PLEDGE,
				  "idevid-issuer does not name the issuer of this device's IDevID");
	return BERTH_OK;
}

/* req: rfc8995-5.6.1-3, rfc8366-5.3-nonce */
static enum berth_err
check_nonce(const struct berth_voucher *voucher, const struct berth_voucher_expectation *want,
	    struct berth_why *why)
{
	if (voucher->nonce.n == 0 && !want->allow_nonceless)
		return berth_fail(why, BERTH_E_DENIED, "rfc8995-5.6.1-nonce-missing",
				  SECTION_PLEDGE,
				  "the voucher has no nonce and nonceless vouchers are not taken");
	if (voucher->nonce.n && want->check_nonce &&
	    !berth_bytes_equal(voucher->nonce, want->nonce))
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.6.1-nonce-mismatch",
				  SECTION_PLEDGE,
				  "the voucher's nonce is not the one that was sent");
	return BERTH_OK;
}

/* A device without a clock may skip all of these (checklist 15); one with a clock may not. */
/* req: rfc8995-2.6.1-p1, rfc8366-5.3-expires */
static enum berth_err
check_time(const struct berth_signed_voucher *opened, struct berth_now now, struct berth_why *why)
{
	const struct berth_voucher *voucher = &opened->voucher;
	char text[BERTH_TIME_TEXT_MAX];

	if (!now.wall_is_trusted)
		return BERTH_OK;
	if (voucher->has_expires_on && now.wall.s > voucher->expires_on.s)
		return berth_fail(why, BERTH_E_EXPIRED, "rfc8995-5.6.1-voucher-expired",
				  SECTION_PLEDGE, "the voucher expired on %s",
				  berth_wall_format(voucher->expires_on, text));
	if (voucher->has_created_on &&
	    voucher->created_on.s > now.wall.s + BERTH_VOUCHER_CLOCK_SKEW_S)
		return berth_fail(why, BERTH_E_EXPIRED, "rfc8995-5.6.1-voucher-not-yet-valid",
				  SECTION_PLEDGE, "the voucher was created on %s, after now",
				  berth_wall_format(voucher->created_on, text));
	if (opened->cms.signing_time.s > now.wall.s + BERTH_VOUCHER_CLOCK_SKEW_S)
		return berth_fail(why, BERTH_E_EXPIRED, "rfc8995-2.6.1-signing-time",
				  "RFC 8995 2.6.1", "the voucher was signed on %s, after now",
				  berth_wall_format(opened->cms.signing_time, text));
	return BERTH_OK;
}

enum berth_err
berth_voucher_verify(struct berth_pki *pki, struct berth_bytes der,
		     const struct berth_voucher_expectation *want, struct berth_arena *arena,
		     struct berth_signed_voucher *ret, struct berth_why *why)
{
	BERTH_SIGNED_VOUCHER opened = {0};
	enum berth_err err =
		berth_voucher_open(pki, der, BERTH_VOUCHER, want->anchors, arena, &opened, why);

	err = err ? err : check_signer(pki, &opened, want, why);
	err = err ? err : berth_voucher_check_kind(&opened.voucher, why);
	err = err ? err : check_subject(&opened.voucher, want, why);
	err = err ? err : check_nonce(&opened.voucher, want, why);
	err = err ? err : check_time(&opened, want->now, why);
	if (err)
		return err;
	*ret = opened;
	memset(&opened, 0, sizeof(opened));
	return BERTH_OK;
}
