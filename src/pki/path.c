/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Path validation. OpenSSL builds and checks the path (RFC 5280 6) with purpose "any" and against
 * given anchors only; what the end certificate is good for is judged here.
 */
#include <time.h>

#include <openssl/err.h>

#include "pki/library.h"
#include "pki/ossl_annot.h"

#define PATH_DEPTH_MAX 8 /* intermediates; BERTH_CHAIN_MAX is what a TLS peer may send */
/* OpenSSL's level 2: 112 bits, so RSA from 2048 and no SHA-1 or MD5 below the anchor. */
#define SECURITY_LEVEL 2
#define SUBJECT_SHOWN 90 /* of a subject in a sentence */

static void
stack_free(STACK_OF(X509) * *stack)
{
	sk_X509_free(*stack); /* the certificates belong to their handles */
}

#define BERTH_X509_STACK BERTH_CLEANUP(stack_free) STACK_OF(X509)

static STACK_OF(X509) * stack_of(const struct berth_cert_list *list)
{
	STACK_OF(X509) *stack = sk_X509_new_reserve(NULL, BERTH_CERT_LIST_MAX + 1);

	for (size_t i = 0; stack != NULL && list != NULL && i < list->n; i++)
		sk_X509_push(stack, berth_cert_x509(list->at[i]));
	return stack;
}

static struct berth_cert *
find_by_x509(const struct berth_cert_list *list, const X509 *x509)
{
	for (size_t i = 0; list != NULL && i < list->n; i++) {
		if (berth_cert_is_x509(list->at[i], x509))
			return list->at[i];
	}
	return NULL;
}

/* The leaf is const for the caller; its reference count is not part of what it says. */
static struct berth_cert *
leaf_of(const struct berth_path_check *check)
{
	union {
		const struct berth_cert *in;
		struct berth_cert *out;
	} leaf = {.in = check->leaf};

	return leaf.out;
}

static enum berth_err
collect_path(const struct berth_path_check *check, const struct berth_cert_list *anchors,
	     X509_STORE_CTX *context, struct berth_cert_list *path, struct berth_why *why)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);
	for (int i = 0; i < sk_X509_num(chain); i++) {
		const X509 *x509 = sk_X509_value(chain, i);
		struct berth_cert *cert = find_by_x509(anchors, x509);
		if (cert == NULL)
			cert = find_by_x509(check->untrusted, x509);
		if (cert == NULL && i == 0)
			cert = leaf_of(check);
		enum berth_err err =
			cert != NULL ? berth_cert_list_add(path, cert, why)
				     : berth_fail(why, BERTH_E_INTERNAL, "x509-path", NULL,
						  "The path holds a certificate that nobody gave.");
		if (err) {
			berth_cert_list_free(path);
			return err;
		}
	}
	return BERTH_OK;
}

static enum berth_err
fail_time(const struct berth_path_check *check, const struct berth_cert *cert, bool is_early,
	  struct berth_why *why)
{
	char bound[BERTH_TIME_TEXT_MAX];
	char at[BERTH_TIME_TEXT_MAX];

	return berth_fail(why, BERTH_E_EXPIRED, is_early ? "x509-not-yet-valid" : "x509-expired",
			  "RFC 5280 6.1.3 (a)(2)",
			  is_early ? "The certificate of \"%.*s\" is valid only from %s; it is %s."
				   : "The certificate of \"%.*s\" expired at %s; it is %s.",
			  SUBJECT_SHOWN, berth_cert_subject_text(cert),
			  berth_wall_format(is_early ? berth_cert_not_before(cert)
						     : berth_cert_not_after(cert),
					    bound),
			  berth_wall_format(check->at, at));
}

/* OpenSSL's verdict on cert, in our words. */
static enum berth_err
fail_path(const struct berth_path_check *check, const struct berth_cert *cert, int code,
	  struct berth_why *why)
{
	const char *subject = berth_cert_subject_text(cert);
	const char *issuer = berth_cert_issuer_text(cert);

	ERR_clear_error();
	switch (code) {
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return fail_time(check, cert, code == X509_V_ERR_CERT_NOT_YET_VALID, why);
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return berth_fail(
			why, BERTH_E_SIGNATURE, "x509-signature", "RFC 5280 6.1.3 (a)(1)",
			"The signature on the certificate of \"%.*s\" is not its issuer's.",
			SUBJECT_SHOWN, subject);
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
		return berth_fail(
			why, BERTH_E_UNTRUSTED, "x509-path-untrusted", "RFC 5280 6.1",
			"The certificate of \"%.*s\", issued by \"%.*s\", leads to no trust "
			"anchor.",
			SUBJECT_SHOWN, subject, SUBJECT_SHOWN, issuer);
	case X509_V_ERR_CA_MD_TOO_WEAK:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_EE_KEY_TOO_SMALL:
		return berth_fail(why, BERTH_E_UNTRUSTED, "x509-weak", "NIST SP 800-131A",
				  "The certificate of \"%.*s\" is too weak: %s.", SUBJECT_SHOWN,
				  subject, X509_verify_cert_error_string(code));
	default:
		return berth_fail(why, BERTH_E_UNTRUSTED, "x509-path-invalid", "RFC 5280 6.1",
				  "The certificate of \"%.*s\" is refused: %s.", SUBJECT_SHOWN,
				  subject, X509_verify_cert_error_string(code));
	}
}

static void
set_rules(const struct berth_path_check *check, X509_STORE_CTX *context)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;

	if (check->ignore_time)
		flags |= X509_V_FLAG_NO_CHECK_TIME;
	else
		X509_VERIFY_PARAM_set_time(param, (time_t)check->at.s);
	(void)X509_VERIFY_PARAM_set_flags(param, flags);
	(void)X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY);
	X509_VERIFY_PARAM_set_depth(param, PATH_DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
}

/* What the check of a path's signatures needs beside OpenSSL's context. */
struct run {
	struct berth_pki *pki;
	const struct berth_path_check *check;
	const struct berth_cert_list *anchors;
};

static const struct berth_cert *
cert_of(const struct run *run, const X509 *x509)
{
	const struct berth_cert *cert = find_by_x509(run->anchors, x509);

	if (cert == NULL)
		cert = find_by_x509(run->check->untrusted, x509);
	if (cert == NULL && berth_cert_is_x509(run->check->leaf, x509))
		cert = run->check->leaf;
	return cert;
}

/* X509_V_OK, or what is wrong. The signature alone may be known from before (pki/proof.h). */
static int
check_issued(const struct run *run, X509 *x509, X509 *issuer)
{
	const struct berth_cert *cert = cert_of(run, x509);
	const struct berth_cert *above = cert_of(run, issuer);

	if (cert == NULL || above == NULL)
		return X509_V_ERR_UNSPECIFIED;
	int code = X509_check_issued(issuer, x509); /* names, key identifiers, keyCertSign */
	if (code != X509_V_OK)
		return code;
	return berth_cert_is_signed_by(cert, berth_cert_key(above))
		       ? X509_V_OK
		       : X509_V_ERR_CERT_SIGNATURE_FAILURE;
}

static int
check_time(const struct run *run, const X509 *x509)
{
	time_t at = (time_t)run->check->at.s;

	if (run->check->ignore_time)
		return X509_V_OK;
	int from = X509_cmp_time(X509_get0_notBefore(x509), &at);
	int until = X509_cmp_time(X509_get0_notAfter(x509), &at);
	if (from == 0)
		return X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD;
	if (until == 0)
		return X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD;
	if (from > 0)
		return X509_V_ERR_CERT_NOT_YET_VALID;
	return until < 0 ? X509_V_ERR_CERT_HAS_EXPIRED : X509_V_OK;
}

/*
 * In place of OpenSSL's own last step, which verifies each signature anew: from the anchor down, each certificate's
 * signature by the one above it, and its time. The anchor's own signature says nothing and is not looked at.
 */
static int
check_signatures(X509_STORE_CTX *context)
{
	const struct run *run = X509_STORE_CTX_get_app_data(context);
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);
	int top = sk_X509_num(chain) - 1;

	for (int i = top; i >= 0; i--) {
		X509 *x509 = sk_X509_value(chain, i);
		int code =
			i == top ? X509_V_OK : check_issued(run, x509, sk_X509_value(chain, i + 1));
		if (code == X509_V_OK)
			code = check_time(run, x509);
		if (code == X509_V_OK)
			continue;
		X509_STORE_CTX_set_error(context, code);
		X509_STORE_CTX_set_error_depth(context, i);
		X509_STORE_CTX_set_current_cert(context, x509);
		return 0;
	}
	return top >= 0;
}

static enum berth_err
build_path(struct berth_pki *pki, const struct berth_path_check *check,
	   const struct berth_cert_list *anchors, struct berth_cert_list *path,
	   struct berth_why *why)
{
	BERTH_X509_STACK *trusted = stack_of(anchors);
	BERTH_X509_STACK *untrusted = stack_of(check->untrusted);
	BERTH_OSSL(X509_STORE_CTX) *context = X509_STORE_CTX_new_ex(pki->libctx, NULL);

	if (trusted == NULL || untrusted == NULL || context == NULL ||
	    X509_STORE_CTX_init(context, NULL, berth_cert_x509(check->leaf), untrusted) != 1)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "x509-path", NULL,
				       "The path check cannot start");
	X509_STORE_CTX_set0_trusted_stack(context, trusted);
	set_rules(check, context);
	struct run run = {.pki = pki, .check = check, .anchors = anchors};
	if (X509_STORE_CTX_set_app_data(context, &run) != 1)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "x509-path", NULL,
				       "The path check cannot start");
	X509_STORE_CTX_set_verify(context, check_signatures);
	if (X509_verify_cert(context) != 1) {
		const X509 *x509 = X509_STORE_CTX_get_current_cert(context);
		const struct berth_cert *cert = find_by_x509(anchors, x509);
		if (cert == NULL)
			cert = find_by_x509(check->untrusted, x509);
		if (cert == NULL)
			cert = check->leaf;
		return fail_path(check, cert, X509_STORE_CTX_get_error(context), why);
	}
	return collect_path(check, anchors, context, path, why);
}

static enum berth_err
verify_to(struct berth_pki *pki, const struct berth_path_check *check,
	  const struct berth_cert_list *anchors, struct berth_cert_list *path,
	  struct berth_why *why)
{
	BERTH_CERT_LIST own = {0};
	struct berth_cert_list *found = path != NULL ? path : &own;
	const struct berth_cert_list *above = berth_path_known(pki, check, anchors);
	enum berth_err err = above != NULL ? berth_cert_list_add(found, leaf_of(check), why)
					   : build_path(pki, check, anchors, found, why);
	for (size_t i = 0; !err && above != NULL && i < above->n; i++)
		err = berth_cert_list_add(found, above->at[i], why);
	if (!err && above == NULL)
		berth_path_keep(pki, check, anchors, found);
	return err;
}

/* A pinned key that is the leaf's own: nothing above it is of interest (RFC 8995 5.6.2). */
static enum berth_err
accept_leaf(const struct berth_path_check *check, struct berth_cert_list *path,
	    struct berth_why *why)
{
	if (!check->ignore_time && check->at.s < berth_cert_not_before(check->leaf).s)
		return fail_time(check, check->leaf, true, why);
	if (!check->ignore_time && check->at.s > berth_cert_not_after(check->leaf).s)
		return fail_time(check, check->leaf, false, why);
	return path == NULL ? BERTH_OK : berth_cert_list_add(path, leaf_of(check), why);
}

static enum berth_err
verify_to_key(struct berth_pki *pki, const struct berth_path_check *check,
	      struct berth_cert_list *path, struct berth_why *why)
{
	BERTH_CERT_LIST holders = {0};

	if (berth_key_equal(berth_cert_key(check->leaf), check->anchor_key))
		return accept_leaf(check, path, why);
	for (size_t i = 0; check->untrusted != NULL && i < check->untrusted->n; i++) {
		struct berth_cert *cert = check->untrusted->at[i];
		if (!berth_key_equal(berth_cert_key(cert), check->anchor_key))
			continue;
		enum berth_err err = berth_cert_list_add(&holders, cert, why);
		if (err)
			return err;
	}
	if (holders.n == 0)
		return berth_fail(
			why, BERTH_E_UNTRUSTED, "x509-path-untrusted", "RFC 8995 5.6.2",
			"Neither the certificate of \"%.*s\" nor one above it has the pinned "
			"key.",
			SUBJECT_SHOWN, berth_cert_subject_text(check->leaf));
	return verify_to(pki, check, &holders, path, why);
}

/* anyExtendedKeyUsage stands for all but the registration authority, which RFC 8995 wants said. */
static enum berth_err
check_usage(const struct berth_path_check *check, struct berth_why *why)
{
	bool has_eku = false;
	unsigned usage = berth_cert_eku(check->leaf, &has_eku);

	if (!has_eku && check->require_eku_present && check->require_eku != 0)
		return berth_fail(why, BERTH_E_UNTRUSTED, "x509-eku-absent", "RFC 5280 4.2.1.12",
				  "The certificate of \"%.*s\" has no extended key usage.",
				  SUBJECT_SHOWN, berth_cert_subject_text(check->leaf));
	if (!has_eku)
		return BERTH_OK;
	if ((usage & BERTH_EKU_ANY) != 0)
		usage |= ~(unsigned)BERTH_EKU_CMC_RA;
	unsigned missing = check->require_eku & ~usage;
	if (missing == 0)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_UNTRUSTED, "x509-eku", "RFC 5280 4.2.1.12",
			  "The certificate of \"%.*s\" is not for%s%s%s%s.", SUBJECT_SHOWN,
			  berth_cert_subject_text(check->leaf),
			  (missing & BERTH_EKU_SERVER_AUTH) != 0 ? " TLS servers" : "",
			  (missing & BERTH_EKU_CLIENT_AUTH) != 0 ? " TLS clients" : "",
			  (missing & BERTH_EKU_CMC_RA) != 0 ? " registration authorities (cmcRA)"
							    : "",
			  (missing & BERTH_EKU_OCSP_SIGN) != 0 ? " OCSP signing" : "");
}

enum berth_err
berth_path_verify(struct berth_pki *pki, const struct berth_path_check *check,
		  struct berth_cert_list *path, struct berth_why *why)
{
	enum berth_err err = check_usage(check, why);
	if (path != NULL)
		berth_cert_list_free(path);
	if (err)
		return err;
	if (check->anchor_key != NULL)
		return verify_to_key(pki, check, path, why);
	if (check->anchors == NULL || check->anchors->n == 0)
		return berth_fail(why, BERTH_E_UNTRUSTED, "x509-no-anchors", NULL,
				  "There is no trust anchor that \"%.*s\" could lead to.",
				  SUBJECT_SHOWN, berth_cert_subject_text(check->leaf));
	return verify_to(pki, check, check->anchors, path, why);
}
