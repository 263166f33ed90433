/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the manufacturer knows of the unit decides the rest: may this owner have a voucher, with which assertion,
 * pinning what (RFC 8995 5.5.1, 5.5.2, 5.5.6, 5.6; RFC 8366 5.3).
 */
#include "protocol/brski/masa_internal.h"

/* req: rfc8995-5.6-404 */
static enum berth_err
check_known(struct berth_masa *masa, const struct berth_masa_unit_facts *facts)
{
	struct berth_bytes serial = masa->unit_query.serial_number;

	if (facts->is_known && !facts->is_ambiguous)
		return berth_masa_pass(masa, "rfc8995-5.6-known", "RFC 8995 5.6",
				       "%.*s is a unit of this manufacturer", (int)serial.n,
				       (const char *)serial.p);
	if (facts->is_ambiguous)
		return berth_masa_refuse(
			masa, 404, BERTH_E_NOT_FOUND, "rfc8366-5.3-ambiguous", "RFC 8366 5.3",
			"several units have this serial number; send idevid-issuer "
			"or the device's request");
	return berth_masa_refuse(masa, 404, BERTH_E_NOT_FOUND, "rfc8995-5.6-known", "RFC 8995 5.6",
				 "no unit with serial number '%.*s' and this issuer is known here",
				 (int)serial.n, (const char *)serial.p);
}

static enum berth_err
check_unit(struct berth_masa *masa, const struct berth_masa_unit_facts *facts)
{
	uint8_t digest[BERTH_SHA256_BYTES];

	if (facts->is_withdrawn)
		return berth_masa_refuse(masa, 403, BERTH_E_DENIED, "berth-masa-unit-withdrawn",
					 NULL, "the unit is withdrawn%s%s; no voucher is issued",
					 facts->withdrawn_reason ? ": " : "",
					 facts->withdrawn_reason ? facts->withdrawn_reason : "");
	if (!masa->has_prior || facts->idevid_spki_digest.n == 0)
		return berth_masa_pass(masa, "berth-masa-unit-key", NULL, "not checked: %s",
				       masa->has_prior ? "the factory told no key"
						       : "no request of the device is here");
	if (berth_sha256(masa->pki, berth_key_spki(berth_cert_key(masa->pvr.cms.signer)), digest))
		return berth_masa_refuse(masa, 500, BERTH_E_CRYPTO, "berth-crypto", NULL,
					 "SHA-256 failed");
	if (berth_bytes_equal(facts->idevid_spki_digest, berth_bytes_of(digest, sizeof(digest))))
		return berth_masa_pass(masa, "berth-masa-unit-key", NULL,
				       "the device's key is the one the factory registered");
	return berth_masa_refuse(masa, 403, BERTH_E_MISMATCH, "berth-masa-unit-key", NULL,
				 "the device's key is not the one that the factory registered for "
				 "this serial number");
}

/* req: rfc8995-5.5-owner */
static enum berth_err
check_owner(struct berth_masa *masa, const struct berth_masa_unit_facts *facts)
{
	const char *rule = "rfc8995-5.5-owner";
	const char *name = facts->owner_name ? facts->owner_name : "another domain";

	if (facts->has_owner && facts->owner_is_asker)
		return berth_masa_pass(masa, rule, "RFC 8995 5.5", "sold to %s, whose domain asks",
				       name);
	if (facts->has_owner)
		return berth_masa_refuse(masa, 403, BERTH_E_DENIED, rule, "RFC 8995 5.5",
					 "the unit belongs to another owner, who has not released "
					 "it");
	if (masa->policy->ownership == BERTH_MASA_OWNERSHIP_RECORDED)
		return berth_masa_refuse(masa, 403, BERTH_E_DENIED, rule, "RFC 8995 5.5",
					 "no owner of the unit is recorded; the seller must record "
					 "the sale first");
	masa->issue.becomes_owner = true;
	return berth_masa_pass(masa, rule, "RFC 8995 5.5",
			       "nobody owns it; by policy the first domain that asks becomes the "
			       "owner");
}

static bool
has_configured_anchor(const struct berth_masa *masa)
{
	const struct berth_cert_list *anchors = masa->policy->client_anchors;

	for (size_t i = 0; anchors && i < masa->path.n; i++)
		for (size_t j = 0; j < anchors->n; j++)
			if (berth_key_equal(berth_cert_key(masa->path.at[i]),
					    berth_cert_key(anchors->at[j])))
				return true;
	return false;
}

/* req: rfc8995-5.5.6-2 */
static enum berth_err
check_nonceless(struct berth_masa *masa, const struct berth_masa_unit_facts *facts)
{
	const char *rule = "rfc8995-5.5.6-nonceless";

	if (masa->rvr.voucher.nonce.n && masa->has_prior)
		return BERTH_OK;
	if (masa->rvr.voucher.nonce.n)
		return berth_masa_pass(masa, "rfc8995-5.5.6-nonce", "RFC 8995 5.5.6",
				       "not compared: the device's request is not here");
	if (!masa->policy->allow_nonceless)
		return berth_masa_refuse(
			masa, 403, BERTH_E_DENIED, rule, "RFC 8995 5.5.6",
			"this MASA issues no nonceless vouchers; send the device's "
			"nonce");
	if (masa->registrar_is_authenticated || has_configured_anchor(masa))
		return berth_masa_pass(masa, rule, "RFC 8995 5.5.6",
				       "the registrar is authenticated by a configured anchor");
	if (facts->has_owner && facts->owner_is_asker)
		return berth_masa_pass(masa, rule, "RFC 8995 5.5.6",
				       "the registrar is authenticated by the owner of record");
	return berth_masa_refuse(masa, 403, BERTH_E_UNTRUSTED, rule, "RFC 8995 5.5.6",
				 "a nonceless voucher is only for an authenticated registrar: "
				 "present a TLS client certificate of a configured anchor");
}

/* req: rfc8995-5.6-outstanding */
static enum berth_err
check_outstanding(struct berth_masa *masa, const struct berth_masa_unit_facts *facts)
{
	char text[BERTH_TIME_TEXT_MAX];

	if (!facts->has_other_outstanding)
		return berth_masa_pass(masa, "rfc8995-5.6-outstanding", "RFC 8995 5.6",
				       "no voucher of another domain is still usable");
	return berth_masa_refuse(masa, 403, BERTH_E_DENIED, "rfc8995-5.6-outstanding",
				 "RFC 8995 5.6",
				 "a voucher for another domain may still be used%s%s",
				 facts->other_outstanding_until.s ? " until " : "",
				 facts->other_outstanding_until.s
					 ? berth_wall_format(facts->other_outstanding_until, text)
					 : "");
}

/* Ignores what the registrar claims. */
/* req: rfc8995-5.5.5-4 */
static enum berth_assertion
assertion_of(const struct berth_masa *masa, const struct berth_masa_unit_facts *facts)
{
	if (masa->proximity_holds && masa->rvr.voucher.nonce.n)
		return BERTH_ASSERTION_PROXIMITY;
	if (facts->has_owner && facts->owner_is_asker)
		return BERTH_ASSERTION_VERIFIED;
	return BERTH_ASSERTION_LOGGED;
}

static bool
may_pin(const struct berth_masa *masa, const struct berth_cert *cert)
{
	const struct berth_cert_list *never = masa->policy->never_pin;

	for (size_t i = 0; never && i < never->n; i++)
		if (berth_key_equal(berth_cert_key(cert), berth_cert_key(never->at[i])))
			return false;
	return true;
}

/* The certificate farthest from the registrar that may be pinned; index 0 always may. */
static const struct berth_cert *
highest(const struct berth_masa *masa)
{
	size_t i = masa->path.n - 1;

	while (i > 0 && !may_pin(masa, masa->path.at[i]))
		i--;
	return i > 0 ? masa->path.at[i] : NULL;
}

/*
 * Under the pin's domainID the voucher stands in the unit's log, by which later owners judge who had it: a key identifier
 * that was copied would make it theirs.
 */
/* req: berth-domain-id */
static enum berth_err
check_domain_id(struct berth_masa *masa, const struct berth_cert *pin)
{
	if (berth_cert_ski_is_of_key(masa->pki, pin))
		return BERTH_OK;
	return berth_masa_refuse(masa, 403, BERTH_E_DENIED, "berth-domain-id", "RFC 8995 5.8.2",
				 "the key identifier of %.80s is no digest of its key, so it could "
				 "be another domain's; make the certificate anew with one that is "
				 "(RFC 5280 4.2.1.2), or with none",
				 berth_cert_subject_text(pin));
}

/* req: rfc8995-5.5.2-1 */
enum berth_err
berth_masa_choose_pin(struct berth_masa *masa)
{
	/* The device can only match what it sees in TLS. */
	const struct berth_cert *registrar =
		masa->proximity_cert ? masa->proximity_cert : masa->rvr.cms.signer;
	const struct berth_cert *pin = NULL;

	switch (masa->policy->pinning) {
	case BERTH_MASA_PIN_REGISTRAR:
		break;
	case BERTH_MASA_PIN_FARTHEST:
		pin = highest(masa);
		break;
	case BERTH_MASA_PIN_CA:
		if (masa->rvr.voucher.nonce.n == 0)
			pin = highest(masa);
		else if (masa->path.n > 1 && may_pin(masa, masa->path.at[1]))
			pin = masa->path.at[1];
		break;
	}
	pin = pin ? pin : registrar;
	if (masa->operation == BERTH_MASA_REQUEST_VOUCHER && check_domain_id(masa, pin))
		return masa->why.err;
	masa->issue.pinned = pin;
	masa->issue.domain_id_length = berth_cert_domain_id(masa->pki, pin, masa->issue.domain_id);
	return berth_masa_pass(masa, "rfc8995-5.5.2-pinned", "RFC 8995 5.5.2", "%s",
			       berth_cert_subject_text(pin));
}

/* No voucher outlives the registrar's certificates, nor the one that it pins, which may be another of its own. */
/* req: rfc8366-5.3-3 */
static struct berth_wall
expiry_of(const struct berth_masa *masa)
{
	int64_t lifetime = masa->policy->nonceless_lifetime_s ? masa->policy->nonceless_lifetime_s
							      : BERTH_MASA_NONCELESS_LIFETIME_S;
	struct berth_wall expiry = {masa->now.wall.s + lifetime};

	if (berth_cert_not_after(masa->issue.pinned).s < expiry.s)
		expiry = berth_cert_not_after(masa->issue.pinned);
	for (size_t i = 0; i < masa->path.n; i++)
		if (berth_cert_not_after(masa->path.at[i]).s < expiry.s)
			expiry = berth_cert_not_after(masa->path.at[i]);
	return expiry;
}

/* Short-lived and renewed rather than long-lived (RFC 8366 6.1); a renewal is a new request of the same domain. */
/* req: rfc8366-6.1-renewal, rfc8995-5.5.1-renewal */
static void
promise_renewal(const struct berth_masa *masa, struct berth_voucher *voucher)
{
	if (masa->policy->renewable_for_s == 0)
		return;
	voucher->has_last_renewal_date = true;
	voucher->last_renewal_date.s = masa->now.wall.s + masa->policy->renewable_for_s;
}

/* req: rfc8995-5.6-fields, rfc8366-5.3-twins, rfc8995-3.4-revocation-ignored */
static enum berth_err
fill_voucher(struct berth_masa *masa, const struct berth_masa_unit_facts *facts)
{
	const struct berth_voucher *asked = &masa->rvr.voucher;
	struct berth_voucher *voucher = &masa->issue.voucher;

	*voucher = (struct berth_voucher){
		.kind = BERTH_VOUCHER,
		.has_created_on = true,
		.created_on = masa->now.wall,
		.assertion = assertion_of(masa, facts),
		.serial_number = asked->serial_number,
		.nonce = asked->nonce,
		.nonce_is_url_safe = asked->nonce_is_url_safe,
		.pinned_domain_cert = berth_cert_der(masa->issue.pinned),
		.has_revocation_checks = true,
		.domain_cert_revocation_checks = false,
	};
	if (asked->nonce.n == 0) {
		voucher->has_expires_on = true;
		voucher->expires_on = expiry_of(masa);
		promise_renewal(masa, voucher);
	}
	if (facts->has_serial_twins)
		voucher->idevid_issuer = masa->has_prior
						 ? berth_cert_aki_value(masa->pvr.cms.signer)
						 : asked->idevid_issuer;
	return berth_masa_pass(masa, "rfc8366-5.3-assertion", "RFC 8366 5.3", "%s, by our checks%s",
			       berth_assertion_name(voucher->assertion),
			       asked->nonce.n ? "" : "; nonceless, so it expires");
}

static enum berth_err
build_voucher(struct berth_masa *masa, const struct berth_masa_unit_facts *facts)
{
	struct berth_why cause = {0};
	enum berth_err err = fill_voucher(masa, facts);

	if (err)
		return err;
	masa->issue.signing_time = masa->now.wall;
	err = berth_voucher_check_kind(&masa->issue.voucher, &cause);
	err = err ? err : berth_voucher_encode(&masa->issue.voucher, &masa->voucher_json, &cause);
	if (err) {
		cause.err = BERTH_E_INTERNAL; /* our own voucher: never the registrar's fault */
		return berth_masa_refuse_why(masa, &cause);
	}
	masa->issue.voucher_json = berth_buf_view(&masa->voucher_json);
	return BERTH_OK;
}

/* req: berth-ownership-moment */
enum berth_err
berth_masa_decide_again(struct berth_masa *masa, const struct berth_masa_unit_facts *facts)
{
	bool became_owner = masa->issue.becomes_owner;
	enum berth_err err = check_known(masa, facts);

	err = err ? err : check_unit(masa, facts);
	err = err ? err : check_owner(masa, facts);
	if (err || became_owner || !masa->issue.becomes_owner)
		return err;
	/* The owner let go meanwhile: it must not come back as the first to ask. */
	masa->issue.becomes_owner = false;
	return berth_masa_refuse(masa, 403, BERTH_E_DENIED, "rfc8995-5.5-owner", "RFC 8995 5.5",
				 "the unit was released while its voucher was signed; ask again");
}

enum berth_err
berth_masa_decide(struct berth_masa *masa, const struct berth_masa_unit_facts *facts)
{
	enum berth_err err = check_known(masa, facts);

	err = err ? err : check_unit(masa, facts);
	err = err ? err : check_owner(masa, facts);
	err = err ? err : check_nonceless(masa, facts);
	err = err ? err : check_outstanding(masa, facts);
	return err ? err : build_voucher(masa, facts);
}

/* Never-owner and unknown device look the same to who asks. */
/* req: rfc8995-5.8.1-2 */
enum berth_err
berth_masa_decide_audit_log(struct berth_masa *masa, const struct berth_masa_unit_facts *facts)
{
	if (facts->is_known && !facts->is_ambiguous &&
	    ((facts->has_owner && facts->owner_is_asker) || facts->asker_was_owner))
		return berth_masa_pass(masa, "rfc8995-5.8.1-owner", "RFC 8995 5.8.1",
				       "the asking domain is or was the unit's owner");
	return berth_masa_refuse(masa, 404, BERTH_E_NOT_FOUND, "rfc8995-5.8.1-owner",
				 "RFC 8995 5.8.1",
				 "no audit log of this unit for this domain: the unit is unknown, "
				 "or the domain never owned it");
}
