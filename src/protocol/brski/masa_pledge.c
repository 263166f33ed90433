/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pledge's own request inside the registrar's (RFC 8995 5.5.5): what only the device can have said. Ours is the
 * one place where "proximity" is decided; what the registrar claims in its own assertion is not read (checklist 33).
 */
#include "protocol/brski/masa_internal.h"

#define SECTION "RFC 8995 5.5.5"

static enum berth_err
open_prior(struct berth_masa *masa)
{
	struct berth_why cause = {0};
	enum berth_err err = berth_voucher_open(
		masa->pki, masa->rvr.voucher.prior_signed_voucher_request,
		BERTH_VOUCHER_REQUEST_PLEDGE, NULL, &masa->arena, &masa->pvr, &cause);

	err = err ? err : berth_voucher_check_kind(&masa->pvr.voucher, &cause);
	if (err)
		return berth_masa_refuse(masa, 403, err, "rfc8995-5.5.5-prior-signed", SECTION,
					 "prior-signed-voucher-request does not hold: %s",
					 cause.sentence);
	masa->has_prior = true;
	return berth_masa_pass(masa, "rfc8995-5.5.5-prior-signed", SECTION,
			       "signed by the device %s",
			       berth_cert_subject_text(masa->pvr.cms.signer));
}

/*
 * The key identifier of who issued the IDevID: its AKI; without one the issuing key's SHA-256 (model/device.h). RFC
 * 8995's own example IDevID has no AKI.
 */
static enum berth_err
take_issuer(struct berth_masa *masa, const struct berth_cert *issuer)
{
	struct berth_bytes aki = berth_cert_aki_key_id(masa->pvr.cms.signer);
	uint8_t digest[BERTH_SHA256_BYTES];

	if (aki.n) {
		masa->unit_query.issuer_key_id = aki;
		return BERTH_OK;
	}
	if (berth_sha256(masa->pki, berth_key_spki(berth_cert_key(issuer)), digest))
		return berth_masa_refuse(masa, 500, BERTH_E_CRYPTO, "berth-crypto", NULL,
					 "SHA-256 failed");
	masa->unit_query.issuer_key_id =
		berth_arena_copy(&masa->arena, berth_bytes_of(digest, sizeof(digest)));
	return BERTH_OK;
}

/* req: rfc8995-5.5.5-1 */
static enum berth_err
check_manufacturer(struct berth_masa *masa)
{
	static const struct berth_cert_list none = {0};
	const struct berth_cert_list *anchors = masa->policy->manufacturer_anchors;
	BERTH_CERT_LIST path = {0};
	struct berth_why cause = {0};
	const struct berth_path_check check = {
		.leaf = masa->pvr.cms.signer,
		.untrusted = &masa->pvr.cms.certificates,
		.anchors = anchors ? anchors : &none,
		.at = masa->now.wall,
		.ignore_time = masa->policy->ignore_idevid_time,
	};
	enum berth_err err = berth_path_verify(masa->pki, &check, &path, &cause);

	if (err)
		return berth_masa_refuse(masa, 403, err, "rfc8995-5.5.5-manufacturer", SECTION,
					 "the device's certificate has no path to this "
					 "manufacturer's anchors: %s",
					 cause.sentence);
	if (take_issuer(masa, path.at[path.n > 1 ? 1 : 0]))
		return masa->why.err;
	return berth_masa_pass(masa, "rfc8995-5.5.5-manufacturer", SECTION, "%s%s",
			       berth_cert_issuer_text(masa->pvr.cms.signer),
			       check.ignore_time ? " (dates not checked, by policy)" : "");
}

/* req: rfc8995-5.5.5-2 */
static enum berth_err
check_serial(struct berth_masa *masa)
{
	struct berth_bytes certificate =
		berth_identity_serial(masa->policy->identity, masa->pvr.cms.signer);
	struct berth_bytes pledge = masa->pvr.voucher.serial_number;
	struct berth_bytes registrar = masa->rvr.voucher.serial_number;

	if (berth_bytes_equal(certificate, pledge) && berth_bytes_equal(pledge, registrar))
		return berth_masa_pass(masa, "rfc8995-5.5.5-serial", SECTION,
				       "%.*s in the device's certificate, its request and the "
				       "registrar's",
				       (int)registrar.n, (const char *)registrar.p);
	return berth_masa_refuse(masa, 403, BERTH_E_MISMATCH, "rfc8995-5.5.5-serial", SECTION,
				 "serial numbers differ: '%.*s' in the device's certificate, "
				 "'%.*s' in its request, '%.*s' in the registrar's",
				 (int)certificate.n, (const char *)certificate.p, (int)pledge.n,
				 (const char *)pledge.p, (int)registrar.n,
				 (const char *)registrar.p);
}

/* req: rfc8995-5.5.6-1 */
static enum berth_err
check_nonce(struct berth_masa *masa)
{
	if (masa->rvr.voucher.nonce.n == 0)
		return berth_masa_pass(masa, "rfc8995-5.5.6-nonce", "RFC 8995 5.5.6",
				       "the registrar's request is nonceless");
	if (berth_bytes_equal(masa->rvr.voucher.nonce, masa->pvr.voucher.nonce))
		return berth_masa_pass(masa, "rfc8995-5.5.6-nonce", "RFC 8995 5.5.6",
				       "equal in both requests");
	return berth_masa_refuse(masa, 403, BERTH_E_MISMATCH, "rfc8995-5.5.6-nonce",
				 "RFC 8995 5.5.6",
				 "the registrar's nonce is not the one that the device signed");
}

/*
 * A certificate of the request with the key that the device met in TLS, which is a registrar of the same domain: on
 * the signer's path, or an end entity with cmcRA and a path of its own to the same anchor (a registrar may hold one
 * key for TLS and another for requests). A certificate that merely lies in the CMS proves nothing: anybody can put
 * another owner's certificate there.
 */
static bool
is_of_this_registrar(struct berth_masa *masa, struct berth_cert *cert)
{
	BERTH_CERT_LIST anchors = {0};

	if (berth_key_equal(berth_cert_key(cert), berth_cert_key(masa->rvr.cms.signer)))
		return true;
	if (berth_cert_is_ca(cert) ||
	    berth_cert_list_add(&anchors, masa->path.at[masa->path.n - 1], NULL))
		return false;
	const struct berth_path_check check = {
		.leaf = cert,
		.untrusted = &masa->rvr.cms.certificates,
		.anchors = &anchors,
		.at = masa->now.wall,
		.require_eku = BERTH_EKU_CMC_RA,
		.require_eku_present = true,
	};
	return masa->path.n > 1 && berth_path_verify(masa->pki, &check, NULL, NULL) == BERTH_OK;
}

/* req: rfc8995-5.5.5-3 */
static enum berth_err
judge_proximity(struct berth_masa *masa, struct berth_why *why)
{
	const struct berth_cert_list *sent = &masa->rvr.cms.certificates;
	const char *rule = "rfc8995-5.5.5-proximity";
	BERTH_CERT *seen = NULL;

	if (!masa->has_prior)
		return berth_fail(why, BERTH_E_MISMATCH, rule, SECTION,
				  "there is no prior-signed-voucher-request");
	if (masa->pvr.voucher.assertion != BERTH_ASSERTION_PROXIMITY ||
	    masa->pvr.voucher.proximity_registrar_cert.n == 0)
		return berth_fail(why, BERTH_E_MISMATCH, rule, SECTION,
				  "the device does not claim proximity to a registrar");
	enum berth_err err =
		berth_cert_parse(masa->pki, masa->pvr.voucher.proximity_registrar_cert, &seen, why);
	if (err)
		return err;
	for (size_t i = 0; i < sent->n; i++) {
		if (berth_key_equal(berth_cert_key(sent->at[i]), berth_cert_key(seen)) &&
		    is_of_this_registrar(masa, sent->at[i])) {
			masa->proximity_cert = berth_cert_ref(sent->at[i]);
			return BERTH_OK;
		}
	}
	return berth_fail(why, BERTH_E_MISMATCH, rule, SECTION,
			  "the key of proximity-registrar-cert (%s) is not this registrar's: the "
			  "device met another one",
			  berth_cert_subject_text(seen));
}

/* req: rfc8995-5.5.5-4 */
static enum berth_err
check_proximity(struct berth_masa *masa)
{
	struct berth_why cause = {0};

	if (judge_proximity(masa, &cause) == BERTH_OK) {
		masa->proximity_holds = true;
		return berth_masa_pass(masa, "rfc8995-5.5.5-proximity", SECTION,
				       "the device met the registrar's key in TLS (%s)",
				       berth_cert_subject_text(masa->proximity_cert));
	}
	if (masa->operation == BERTH_MASA_REQUEST_AUDIT_LOG || masa->rvr.voucher.nonce.n == 0)
		return berth_masa_pass(masa, "rfc8995-5.5.5-proximity", SECTION,
				       "not shown, and not needed here: %s", cause.sentence);
	if (masa->policy->allow_without_proximity)
		return berth_masa_pass(masa, "rfc8995-5.5.5-proximity", SECTION,
				       "not shown, allowed by policy: %s", cause.sentence);
	return berth_masa_refuse(masa, 403, cause.err, "rfc8995-5.5.5-proximity", SECTION, "%s",
				 cause.sentence);
}

/* What the registrar says of the IDevID's issuer; all three forms (checklist 25). */
/* req: rfc8366-5.3-2 */
static enum berth_err
check_issuer(struct berth_masa *masa)
{
	const char *rule = "rfc8366-5.3-idevid-issuer";
	struct berth_bytes said = masa->rvr.voucher.idevid_issuer;
	struct berth_bytes aki =
		masa->has_prior ? berth_cert_aki_value(masa->pvr.cms.signer) : BERTH_BYTES_NONE;

	if (said.n == 0 && masa->policy->require_idevid_issuer)
		return berth_masa_refuse(masa, 403, BERTH_E_MISMATCH, rule, "RFC 8366 5.3",
					 "the request has no idevid-issuer, which this MASA needs");
	if (said.n == 0)
		return berth_masa_pass(masa, rule, "RFC 8366 5.3", "not in the request");
	if (!masa->has_prior) {
		masa->unit_query.issuer_key_id = berth_voucher_issuer_key_id(said);
		return berth_masa_pass(masa, rule, "RFC 8366 5.3",
				       "taken as said: the device's certificate is not here");
	}
	if (aki.n == 0)
		return berth_masa_pass(masa, rule, "RFC 8366 5.3",
				       "not checked: the device's certificate has no AKI");
	if (berth_voucher_issuer_matches(said, aki))
		return berth_masa_pass(masa, rule, "RFC 8366 5.3",
				       "names the issuer of the device's certificate");
	return berth_masa_refuse(masa, 403, BERTH_E_MISMATCH, rule, "RFC 8366 5.3",
				 "idevid-issuer does not name the issuer of the device's "
				 "certificate");
}

enum berth_err
berth_masa_check_pledge(struct berth_masa *masa)
{
	static berth_masa_step *const prior_steps[] = {
		open_prior,
		check_manufacturer,
		check_serial,
		check_nonce,
	};
	enum berth_err err = BERTH_OK;

	if (masa->rvr.voucher.prior_signed_voucher_request.n)
		for (size_t i = 0; !err && i < sizeof(prior_steps) / sizeof(prior_steps[0]); i++)
			err = prior_steps[i](masa);
	err = err ? err : check_issuer(masa);
	return err ? err : check_proximity(masa);
}
