/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registrar's voucher-request: signature, who signed it, by which path, and when (RFC 8995 5.5.3, 5.5.4).
 * A domain CA is usually unknown to a manufacturer; then the farthest certificate of the CMS is the temporary
 * anchor, and the path to it says no more than "all of this is one domain".
 */
#include "protocol/brski/domain_path.h"
#include "protocol/brski/masa_internal.h"

static enum berth_err
open_request(struct berth_masa *masa)
{
	struct berth_why cause = {0};
	enum berth_err err = berth_voucher_open(masa->pki, masa->unit_query.request,
						BERTH_VOUCHER_REQUEST_REGISTRAR, NULL, &masa->arena,
						&masa->rvr, &cause);

	err = err ? err : berth_voucher_check_kind(&masa->rvr.voucher, &cause);
	if (err)
		return berth_masa_refuse_why(masa, &cause);
	masa->unit_query.serial_number = masa->rvr.voucher.serial_number;
	masa->issue.registrar_name = berth_cert_subject_text(masa->rvr.cms.signer);
	return berth_masa_pass(masa, "rfc8995-5.5.3-signature", "RFC 8995 5.5.3",
			       "signed by %s for serial number %.*s", masa->issue.registrar_name,
			       (int)masa->rvr.voucher.serial_number.n,
			       (const char *)masa->rvr.voucher.serial_number.p);
}

/* A CA that signs requests itself would let one stolen key play every registrar it could ever name. */
static enum berth_err
check_not_ca(struct berth_masa *masa)
{
	if (!berth_cert_is_ca(masa->rvr.cms.signer))
		return berth_masa_pass(masa, "berth-masa-signer-not-ca", NULL,
				       "the signer is an end entity");
	return berth_masa_refuse(masa, 403, BERTH_E_UNTRUSTED, "berth-masa-signer-not-ca", NULL,
				 "the request is signed by a CA certificate; a registrar must sign "
				 "with one of its own");
}

/* req: rfc8995-5.5.4-1 */
static enum berth_err
check_cmc_ra(struct berth_masa *masa)
{
	bool has_eku = false;

	if (berth_cert_eku(masa->rvr.cms.signer, &has_eku) & BERTH_EKU_CMC_RA)
		return berth_masa_pass(masa, "rfc8995-5.5.4-cmc-ra", "RFC 8995 5.5.4",
				       "the signer's certificate names id-kp-cmcRA");
	return berth_masa_refuse(masa, 403, BERTH_E_UNTRUSTED, "rfc8995-5.5.4-cmc-ra",
				 "RFC 8995 5.5.4",
				 "the signer's certificate does not name id-kp-cmcRA: it is no "
				 "registrar's");
}

/* req: rfc8995-5.5.3-1 */
static enum berth_err
check_path(struct berth_masa *masa)
{
	struct berth_why cause = {0};
	enum berth_err err =
		berth_domain_path_find(masa->pki, masa->rvr.cms.signer, &masa->rvr.cms.certificates,
				       masa->now.wall, &masa->path, &cause);

	if (err)
		return berth_masa_refuse(masa, 403, err, "rfc8995-5.5.3-path", "RFC 8995 5.5.3",
					 "the signer's certificate has no valid path inside the "
					 "request: %s",
					 cause.sentence);
	if (berth_domain_path_names(masa->pki, &masa->path, &masa->unit_query, &cause))
		return berth_masa_refuse(masa, 500, cause.err, cause.rule, NULL, "%s",
					 cause.sentence);
	memcpy(masa->issue.owner_digest, masa->unit_query.path_digest[masa->path.n - 1],
	       BERTH_SHA256_BYTES);
	return berth_masa_pass(masa, "rfc8995-5.5.3-path", "RFC 8995 5.5.3",
			       "%zu certificates to the temporary anchor %s", masa->path.n,
			       berth_cert_subject_text(masa->path.at[masa->path.n - 1]));
}

/* req: rfc8995-5.6-stale */
enum berth_err
berth_masa_check_created_on(struct berth_masa *masa)
{
	const struct berth_masa_policy *policy = masa->policy;
	int64_t age =
		policy->created_on_age_s ? policy->created_on_age_s : BERTH_MASA_CREATED_ON_AGE_S;
	int64_t created = masa->rvr.voucher.created_on.s;
	char text[BERTH_TIME_TEXT_MAX];

	/* What a nonceless request may get is the same however old it is: the owner's, now. */
	if (masa->rvr.voucher.nonce.n == 0 && policy->nonceless_age_s > age)
		age = policy->nonceless_age_s;
	if (masa->operation == BERTH_MASA_REQUEST_AUDIT_LOG)
		age = policy->audit_log_age_s ? policy->audit_log_age_s : BERTH_MASA_AUDIT_AGE_S;
	berth_wall_format(masa->rvr.voucher.created_on, text);
	if (created > masa->now.wall.s + BERTH_MASA_CLOCK_SKEW_S)
		return berth_masa_refuse(masa, 403, BERTH_E_EXPIRED, "rfc8995-5.6-created-on",
					 "RFC 8995 5.6",
					 "created-on %s lies in the future; set the registrar's "
					 "clock",
					 text);
	if (created < masa->now.wall.s - age)
		return berth_masa_refuse(masa, 403, BERTH_E_EXPIRED, "rfc8995-5.6-created-on",
					 "RFC 8995 5.6",
					 "created-on %s is stale, requests may be %lld s old; make "
					 "a new one",
					 text, (long long)age);
	return berth_masa_pass(masa, "rfc8995-5.6-created-on", "RFC 8995 5.6", "created on %s",
			       text);
}

enum berth_err
berth_masa_check_registrar(struct berth_masa *masa)
{
	static berth_masa_step *const steps[] = {
		open_request, check_not_ca, check_cmc_ra, check_path, berth_masa_check_created_on,
	};
	enum berth_err err = BERTH_OK;

	for (size_t i = 0; !err && i < sizeof(steps) / sizeof(steps[0]); i++)
		err = steps[i](masa);
	return err;
}
