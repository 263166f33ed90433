/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/est/names.h"

#define SHOWN 64 /* of a name of somebody else's, in a message */

static enum berth_err
sha256(void *context, struct berth_bytes in, uint8_t out[BERTH_DIGEST_BYTES])
{
	return berth_sha256(context, in, out);
}

enum berth_err
berth_est_names_of_device(struct berth_pki *pki, struct berth_bytes manufacturer_key,
			  struct berth_bytes serial_number, struct berth_bytes organization,
			  struct berth_est_names *ret, struct berth_why *why)
{
	const struct berth_digest digest = {.sha256 = sha256, .context = pki};
	const struct berth_device_identity identity = {.manufacturer_key = manufacturer_key,
						       .serial_number = serial_number};
	*ret = (struct berth_est_names){.serial_number = serial_number,
					.organization = organization};
	enum berth_err err = berth_device_id(&identity, &digest, ret->id, why);
	ret->common_name = berth_text(ret->id);
	return err;
}

enum berth_err
berth_est_names_of_certificate(const struct berth_cert *cert, struct berth_est_names *ret,
			       struct berth_why *why)
{
	*ret = (struct berth_est_names){
		.common_name = berth_cert_subject_common_name(cert),
		.serial_number = berth_cert_subject_serial_number(cert),
		.organization = berth_cert_subject_organization(cert),
		.unit = berth_cert_subject_unit(cert),
	};
	struct berth_bytes name;
	while ((name = berth_cert_dns_name(cert, ret->dns_name_count)).n > 0) {
		if (ret->dns_name_count == BERTH_EST_NAMES_MAX)
			return berth_fail(why, BERTH_E_LIMIT, "rfc7030-4.2.2-names", NULL,
					  "the certificate has more than %d dNSNames",
					  BERTH_EST_NAMES_MAX);
		ret->dns_names[ret->dns_name_count++] = name;
	}
	return BERTH_OK;
}

static int
shown(struct berth_bytes text)
{
	return text.n > SHOWN ? SHOWN : (int)text.n;
}

static bool
may_be_named(const struct berth_est_names *names, struct berth_bytes dns_name)
{
	for (size_t i = 0; i < names->dns_name_count; i++)
		if (berth_bytes_equal_nocase(names->dns_names[i], dns_name))
			return true;
	return false;
}

/* A device may also be called by its serial number, as before its id was the name. */
static bool
may_be_called(const struct berth_est_names *names, struct berth_bytes common_name)
{
	if (common_name.n == 0)
		return names->common_name.n > 0;
	if (names->common_name.n == 0)
		return may_be_named(names, common_name);
	return berth_bytes_equal(common_name, names->common_name) ||
	       (names->serial_number.n > 0 && berth_bytes_equal(common_name, names->serial_number));
}

static enum berth_err
fail_foreign(const char *what, struct berth_bytes text, struct berth_why *why)
{
	return berth_fail(
		why, BERTH_E_DENIED, "rfc8995-5.9.3-csr-foreign-name", "RFC 7030 3.7",
		"the request's %s is \"%.*s\", which is not a name of the client: leave it "
		"out, or ask for what csrattrs tells",
		what, shown(text), (const char *)text.p);
}

/* req: rfc7030-3.7-subject */
static enum berth_err
check_subject(const struct berth_request *request, const struct berth_est_names *names,
	      struct berth_why *why)
{
	struct berth_bytes serial = berth_request_subject_serial_number(request);
	struct berth_bytes name = berth_request_subject_common_name(request);
	struct berth_bytes organization = berth_request_subject_organization(request);
	struct berth_bytes unit = berth_request_subject_unit(request);
	if (!berth_bytes_equal(serial, names->serial_number))
		return berth_fail(
			why, BERTH_E_MISMATCH, "rfc8995-5.9.3-csr-serial-mismatch",
			"RFC 8995 5.9.3",
			"the request's subject has serialNumber \"%.*s\", not the device's own",
			shown(serial), (const char *)serial.p);
	if (!may_be_called(names, name))
		return fail_foreign("commonName", name, why);
	if (organization.n > 0 && !berth_bytes_equal(organization, names->organization))
		return fail_foreign("organizationName", organization, why);
	if (unit.n > 0 && !berth_bytes_equal(unit, names->unit))
		return fail_foreign("organizationalUnitName", unit, why);
	size_t known = (size_t)(serial.n > 0) + (name.n > 0) + (organization.n > 0) + (unit.n > 0);
	if (berth_request_subject_attribute_count(request) != known)
		return berth_fail(
			why, BERTH_E_DENIED, "rfc8995-5.9.3-csr-foreign-name", "RFC 7030 3.7",
			"the request's subject holds more than what the certificate will say");
	return BERTH_OK;
}

static enum berth_err
check_alternative_names(const struct berth_request *request, const struct berth_est_names *names,
			struct berth_why *why)
{
	bool is_foreign = berth_request_has_other_names(request);
	struct berth_bytes name;
	for (size_t i = 0; (name = berth_request_dns_name(request, i)).n > 0; i++)
		is_foreign |= !may_be_named(names, name);
	return is_foreign ? berth_fail(why, BERTH_E_DENIED, "rfc8995-5.9.3-csr-foreign-name",
				       "RFC 7030 3.7",
				       "the request asks for a subjectAltName that is not the "
				       "client's")
			  : BERTH_OK;
}

static enum berth_err
check_wishes(const struct berth_request *request, const struct berth_csrattrs *attrs,
	     struct berth_why *why)
{
	if (berth_request_asks_authority(request))
		return berth_fail(why, BERTH_E_DENIED, "rfc8995-5.9.3-csr-authority",
				  "RFC 8995 5.9.3",
				  "the request asks for a CA certificate or for usages that "
				  "devices do not get");
	return berth_csrattrs_check(attrs, request, why);
}

enum berth_err
berth_est_request_check(const struct berth_request *request, const struct berth_csrattrs *attrs,
			const struct berth_est_names *names, struct berth_why *why)
{
	enum berth_err err = check_subject(request, names, why);
	if (!err)
		err = check_alternative_names(request, names, why);
	return err ? err : check_wishes(request, attrs, why);
}

enum berth_err
berth_est_unnamed_check(const struct berth_request *request, const struct berth_csrattrs *attrs,
			struct berth_why *why)
{
	static const struct berth_est_names nobody;
	enum berth_err err = check_alternative_names(request, &nobody, why);

	return err ? err : check_wishes(request, attrs, why);
}

/* req: rfc7030-4.2.2-subject */
enum berth_err
berth_est_renewal_check(const struct berth_request *request, const struct berth_csrattrs *attrs,
			const struct berth_cert *renewed, struct berth_why *why)
{
	if (!berth_request_has_subject_of(request, renewed))
		return berth_fail(why, BERTH_E_MISMATCH, "rfc7030-4.2.2-subject", "RFC 7030 4.2.2",
				  "the request's subject is not that of the certificate to be "
				  "renewed: \"%.120s\"",
				  berth_cert_subject_text(renewed));
	if (!berth_request_has_alternative_names_of(request, renewed))
		return berth_fail(why, BERTH_E_MISMATCH, "rfc7030-4.2.2-alternative-names",
				  "RFC 7030 4.2.2",
				  "the request's subjectAltName is not that of the certificate to "
				  "be renewed");
	return check_wishes(request, attrs, why);
}

void
berth_est_names_put(const struct berth_est_names *names, const struct berth_request *request,
		    struct berth_bytes *dns_names, struct berth_cert_template *cert_template)
{
	struct berth_bytes name;
	cert_template->common_name = names->common_name.n > 0
					     ? names->common_name
					     : berth_request_subject_common_name(request);
	cert_template->serial_number = names->serial_number;
	cert_template->organization = names->organization;
	cert_template->unit = names->unit;
	cert_template->dns_names = dns_names;
	cert_template->dns_name_count = 0;
	for (size_t i = 0; i < BERTH_EST_NAMES_MAX; i++) {
		name = berth_request_dns_name(request, i);
		if (name.n == 0)
			break;
		dns_names[cert_template->dns_name_count++] = name;
	}
}
