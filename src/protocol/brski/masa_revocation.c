/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RFC 8995 5.5.4: where the registrar's certificates name a source of revocation, it is asked, or the request is refused;
 * or policy ignores it, and the trace says so. The temporary anchor is not asked about: nobody above it could say.
 */
#include "protocol/brski/masa_internal.h"

#define RULE "rfc8995-5.5.4-revocation"
#define SECTION "RFC 8995 5.5.4"

static bool
must_be_asked(const struct berth_masa *masa, size_t i)
{
	return berth_cert_has_revocation_source(masa->path.at[i]) &&
	       (i == 0 || i + 1 < masa->path.n);
}

/* req: rfc8995-5.5.4-2 */
static enum berth_err
settle(struct berth_masa *masa, enum berth_revocation_step step)
{
	const struct berth_revocation *r = &masa->revocation;
	const char *subject = berth_cert_subject_text(masa->path.at[masa->checked]);

	switch (step) {
	case BERTH_REVOCATION_FETCH:
		return BERTH_E_PENDING;
	case BERTH_REVOCATION_GOOD:
		masa->checked++;
		masa->good_until = r->good_until;
		return berth_masa_pass(masa, RULE, SECTION, "%s: not revoked, as %s of %s says",
				       subject, r->fetch.is_ocsp ? "OCSP" : "the revocation list",
				       r->fetch.url.host);
	case BERTH_REVOCATION_REFUSED:
		break;
	}
	return berth_masa_refuse(
		masa, 403, r->why.err == BERTH_E_DENIED ? BERTH_E_DENIED : BERTH_E_UNREACHABLE,
		RULE, SECTION, "%s", r->why.sentence);
}

static enum berth_err
start_next(struct berth_masa *masa)
{
	size_t i = masa->checked;

	if (i + 1 == masa->path.n)
		return berth_masa_refuse(
			masa, 403, BERTH_E_UNREACHABLE, RULE, SECTION,
			"the registrar's certificate names a source of revocation, "
			"and its issuer is not in the request");
	berth_revocation_end(&masa->revocation);
	return settle(masa, berth_revocation_start(&masa->revocation, masa->pki, masa->path.at[i],
						   masa->path.at[i + 1], masa->now.wall));
}

static enum berth_err
ignore_next(struct berth_masa *masa)
{
	const struct berth_cert *cert = masa->path.at[masa->checked++];

	return berth_masa_pass(masa, RULE, SECTION,
			       "not checked: policy ignores the revocation source that %s names",
			       berth_cert_subject_text(cert));
}

enum berth_err
berth_masa_check_revocation(struct berth_masa *masa)
{
	bool is_ignored = masa->policy->revocation == BERTH_MASA_REVOCATION_IGNORED;
	enum berth_err err = BERTH_OK;

	while (!err && masa->checked < masa->path.n) {
		if (!must_be_asked(masa, masa->checked)) {
			masa->checked++;
			continue;
		}
		masa->names_source = true;
		err = is_ignored ? ignore_next(masa) : start_next(masa);
	}
	if (!err && !masa->names_source)
		return berth_masa_pass(masa, RULE, SECTION,
				       "not checked: the registrar's certificates name neither a "
				       "CRL nor an OCSP responder");
	return err;
}

enum berth_err
berth_masa_take_revocation(struct berth_masa *masa, struct berth_bytes body,
			   const struct berth_why *why)
{
	masa->good_until = (struct berth_wall){0};
	enum berth_err err = settle(masa, berth_revocation_answer(&masa->revocation, body, why));

	return err ? err : berth_masa_check_revocation(masa);
}
