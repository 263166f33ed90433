/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/signer.h"

#include "base/base64.h"
#include "base/hex.h"
#include "model/device.h"
#include "policy/policy.h"
#include "protocol/brski/peer.h"
#include "protocol/brski/rvr.h"
#include "protocol/est/names.h"
#include "role/daemon/issuance.h"
#include "role/daemon/rate.h"
#include "role/registrar/addresses.h"
#include "role/registrar/signer_dpp.h"
#include "role/registrar/signer_revocation.h"
#include "role/registrar/labels.h"
#include "role/registrar/signing.h"
#include "role/registrar/users.h"
#include "system/files.h"

#include <stdio.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)512 << 10) /* one voucher-request and the pledge's inside */
#define BACKDATE_S 300			/* devices' clocks are a little slow */

struct signer {
	struct berth_pki *pki;
	const struct berth_registrar_settings *settings;
	struct berth_cert_list registrar; /* what TLS shows: end entity first */
	struct berth_cert_list above;	  /* the same without the end entity */
	struct berth_key *registrar_key;
	struct berth_cert_list issuing; /* the issuing CA first */
	struct berth_cert_list issuers; /* of certificates that may be renewed: former ones too */
	struct berth_key *issuing_key;
	struct berth_key *former_keys[BERTH_FORMER_ISSUERS_MAX];
	struct berth_users users;
	struct berth_policy *policy; /* only: of whom it makes gateways */
	struct berth_rate sign_rate;
	struct berth_rate issue_rate;
	struct berth_issuance issuance;
	struct berth_revocation_signer revocation;
	struct berth_dpp_signer dpp;
};

static void
signer_end(void *context)
{
	struct signer *signer = context;
	if (signer == NULL)
		return;
	berth_revocation_signer_close(&signer->revocation);
	berth_dpp_signer_close(&signer->dpp);
	berth_key_free(signer->registrar_key);
	berth_key_free(signer->issuing_key);
	for (size_t i = 0; i < BERTH_FORMER_ISSUERS_MAX; i++)
		berth_key_free(signer->former_keys[i]);
	berth_cert_list_free(&signer->registrar);
	berth_cert_list_free(&signer->above);
	berth_cert_list_free(&signer->issuing);
	berth_cert_list_free(&signer->issuers);
	berth_issuance_close(&signer->issuance);
	berth_users_free(&signer->users);
	berth_policy_free(signer->policy);
	free(signer);
}

static void
know_issuer(struct signer *signer, struct berth_cert *cert, struct berth_key *key)
{
	signer->revocation.issuers[signer->revocation.issuer_count++] =
		(struct berth_revocation_issuer){.cert = cert, .key = key};
}

/* After the certificates: signer->issuers has the issuing CA first, then these. */
static enum berth_err
load_formers(struct signer *signer, struct berth_why *why)
{
	const struct berth_registrar_former *formers = signer->settings->formers.items;
	enum berth_err err = BERTH_OK;
	know_issuer(signer, signer->issuing.at[0], signer->issuing_key);
	for (size_t i = 0; !err && i < signer->settings->formers.count; i++) {
		struct berth_cert *cert = signer->issuers.at[1 + i];
		err = berth_keystore_load(signer->pki, formers[i].key, &signer->former_keys[i],
					  why);
		if (!err && !berth_key_equal(berth_cert_key(cert), signer->former_keys[i]))
			return berth_fail(why, BERTH_E_USAGE, "signer-keys", NULL,
					  "[former-issuer \"%.40s\"]: key is not the key of the "
					  "first of its certificates",
					  formers[i].name);
		know_issuer(signer, cert, signer->former_keys[i]);
	}
	return err;
}

static enum berth_err
load_policy(struct signer *signer, struct berth_why *why)
{
	const char *path = signer->settings->policy;
	BERTH_BUF text = {0};
	enum berth_err err = berth_file_read(path, BERTH_POLICY_FILE_MAX_BYTES, &text, why);
	return err ? err : berth_policy_parse(berth_buf_view(&text), path, &signer->policy, why);
}

static enum berth_err
load(struct signer *signer, struct berth_why *why)
{
	const struct berth_registrar_settings *s = signer->settings;
	BERTH_CERT_LIST told = {0}; /* the judge's matter */
	enum berth_err err = berth_registrar_load_certificates(signer->pki, "tls-certificates",
							       s->daemon.tls_certificates,
							       &signer->registrar, why);
	if (!err)
		err = berth_registrar_load_issuers(signer->pki, s, &signer->issuing,
						   &signer->issuers, &told, why);
	if (!err)
		err = berth_keystore_load(signer->pki, s->daemon.tls_key, &signer->registrar_key,
					  why);
	if (!err)
		err = berth_keystore_load(signer->pki, s->issuing_key, &signer->issuing_key, why);
	if (!err)
		err = berth_users_load(signer->pki, s->est_users, &signer->users, why);
	if (!err)
		err = load_policy(signer, why);
	for (size_t i = 1; !err && i < signer->registrar.n; i++)
		err = berth_cert_list_add(&signer->above, signer->registrar.at[i], why);
	if (err)
		return err;
	if (!berth_key_equal(berth_cert_key(signer->registrar.at[0]), signer->registrar_key))
		return berth_fail(why, BERTH_E_USAGE, "signer-keys", NULL,
				  "tls-key is not the key of tls-certificates");
	if (!berth_key_equal(berth_cert_key(signer->issuing.at[0]), signer->issuing_key))
		return berth_fail(
			why, BERTH_E_USAGE, "signer-keys", NULL,
			"issuing-key is not the key of the first of issuing-certificates");
	err = berth_issuance_open(s->daemon.state_directory, &signer->issuance, why);
	signer->revocation = (struct berth_revocation_signer){
		.pki = signer->pki,
		.settings = s,
		.issuance = &signer->issuance,
	};
	if (!err)
		err = load_formers(signer, why);
	if (!err)
		err = berth_dpp_signer_open(signer->pki, s, &signer->issuance, &signer->dpp, why);
	return err ? err : berth_revocation_signer_open(&signer->revocation, why);
}

static enum berth_err
signer_start(struct berth_pki *pki, const void *configuration, void **ret_context,
	     struct berth_why *why)
{
	struct signer *signer = calloc(1, sizeof(*signer));
	if (signer == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	signer->pki = pki;
	signer->settings = configuration;
	signer->issuance.fd = -1;
	berth_rate_start(&signer->sign_rate, signer->settings->sign_per_minute);
	berth_rate_start(&signer->issue_rate, signer->settings->issue_per_minute);
	enum berth_err err = load(signer, why);
	if (err)
		signer_end(signer);
	else
		*ret_context = signer;
	return err;
}

/* req: rfc8995-5.5-chain */
static enum berth_err
sign_rvr(struct signer *signer, struct berth_bytes payload, struct berth_now now,
	 struct berth_buf *object, struct berth_why *why)
{
	struct berth_sign_rvr ask;
	enum berth_err err = berth_sign_rvr_decode(payload, &ask, why);
	if (!err)
		err = berth_rate_take(&signer->sign_rate, now.mono, "sign-per-minute", why);
	if (err)
		return err;
	BERTH_ARENA arena;
	berth_arena_start(&arena, ARENA_BYTES);
	struct berth_voucher rvr;
	err = berth_rvr_check(ask.json,
			      signer->settings->stored_vouchers != BERTH_STORED_VOUCHERS_NEVER,
			      now.wall, &arena, &rvr, why);
	if (err)
		return err;
	const struct berth_cms_fields how = {
		.content_type = ask.content_type,
		.key = signer->registrar_key,
		.signer = signer->registrar.at[0],
		.others = &signer->above,
		.signing_time = now.wall,
	};
	return berth_voucher_sign(signer->pki, &rvr, &how, object, why);
}

static enum berth_err
log_issue(struct signer *signer, const struct berth_issue_ldevid *ask, struct berth_now now,
	  struct berth_bytes subject, struct berth_bytes der, struct berth_why *why)
{
	char serial[2 * BERTH_CERT_SERIAL_BYTES + 1];
	BERTH_BUF details = {0};
	/* The whole certificate: a store restored from a backup must find again what it forgot. */
	enum berth_err err =
		berth_buf_printf(&details, " serial=%s certificate=",
				 berth_hex_text(berth_bytes_of(ask->serial, sizeof(ask->serial)),
						serial, sizeof(serial)));
	err = err ? err : berth_base64_encode(der, 0, &details);
	err = err ? err : berth_buf_append_u8(&details, 0);
	if (err)
		return berth_fail(why, err, "issuance-log", NULL, "out of memory");
	const struct berth_issuance_line line = {
		.what = "ldevid",
		.subject = subject,
		.object = der,
		.details = (const char *)details.p,
	};
	return berth_issuance_write(&signer->issuance, signer->pki, now.wall, &line, why);
}

static enum berth_err
refuse_gateway(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_DENIED, "signer-role", NULL,
			  "no rule of the policy makes a gateway of this device");
}

static enum berth_err
check_issue(struct signer *signer, const struct berth_issue_ldevid *ask, struct berth_label *label,
	    struct berth_why *why)
{
	if (!berth_label_find(signer->settings, ask->label, label))
		return berth_fail(why, BERTH_E_DENIED, "signer-label", "RFC 7030 3.2.2",
				  "there is no such label");
	/* A former issuer's key is here too, for its lists. */
	if (!berth_bytes_equal(ask->issuer, berth_cert_ski(signer->issuing.at[0])))
		return berth_fail(why, BERTH_E_DENIED, "signer-issuer", NULL,
				  "only the issuing CA issues; what is asked for is another's");
	bool is_device = ask->renewed.n == 0 && ask->user.n == 0;
	if (is_device &&
	    (ask->serial_number.n == 0 || !berth_bytes_is_printable(ask->serial_number)))
		return berth_fail(why, BERTH_E_SYNTAX, "signer-serial-number", NULL,
				  "the device's serial number is empty or not printable");
	if (ask->is_gateway &&
	    (!is_device || !berth_policy_may_be_gateway(signer->policy, ask->serial_number)))
		return refuse_gateway(why);
	if ((ask->serial[0] & 0x80) != 0 || ask->serial[0] == 0)
		return berth_fail(why, BERTH_E_SYNTAX, "signer-serial", "RFC 5280 4.1.2.2",
				  "the certificate's serial number is negative or short");
	if (ask->partition < 1)
		return berth_fail(why, BERTH_E_SYNTAX, "signer-partition", NULL,
				  "a device's certificate is in a partition from 1 on");
	if (ask->lifetime_s <= 0 || ask->lifetime_s > label->lifetime_s)
		return berth_fail(why, BERTH_E_DENIED, "signer-lifetime", NULL,
				  "a longer lifetime is asked for than the configuration allows");
	return BERTH_OK;
}

/* Never beyond the CA's own end. */
static struct berth_wall
ends_at(const struct signer *signer, const struct berth_issue_ldevid *ask, struct berth_now now)
{
	struct berth_wall end = {now.wall.s + ask->lifetime_s};
	struct berth_wall ca = berth_cert_not_after(signer->issuing.at[0]);
	return ca.s < end.s ? ca : end;
}

/* One of ours, not a CA's, and not ended: the judge found its record, we its signature. */
/* req: rfc7030-4.2.2-client */
static enum berth_err
check_renewed(struct signer *signer, const struct berth_cert *renewed, struct berth_now now,
	      struct berth_why *why)
{
	const struct berth_path_check check = {
		.leaf = renewed,
		.anchors = &signer->issuers,
		.at = now.wall,
		.require_eku = BERTH_EKU_CLIENT_AUTH,
		.require_eku_present = true,
	};
	bool has_eku = false;
	enum berth_err err = berth_path_verify(signer->pki, &check, NULL, why);
	if (err)
		return err;
	if (berth_cert_is_ca(renewed) ||
	    (berth_cert_eku(renewed, &has_eku) & BERTH_EKU_CMC_RA) != 0)
		return berth_fail(why, BERTH_E_DENIED, "signer-renewed", "RFC 7030 4.2.2",
				  "the certificate to be renewed is not a device's");
	return BERTH_OK;
}

/* By Wi-Fi Easy Connect: a device that has a DPP code, which no gateway is let on by. */
static enum berth_err
check_dpp(struct signer *signer, const struct berth_issue_ldevid *ask,
	  const struct berth_request *request, struct berth_why *why)
{
	const struct berth_csrattrs attrs = {.want_challenge_password = true};

	if (signer->dpp.c_sign == NULL || ask->is_gateway || ask->label.n > 0)
		return berth_fail(why, BERTH_E_DENIED, "signer-dpp", NULL,
				  "no certificate is issued by Wi-Fi Easy Connect for that");
	return berth_est_unnamed_check(request, &attrs, why);
}

/* req: rfc8995-5.9.3-csr, rfc7030-4.2.2-key */
static enum berth_err
find_names(struct signer *signer, const struct berth_issue_ldevid *ask,
	   const struct berth_label *label, const struct berth_request *request,
	   struct berth_now now, struct berth_cert **renewed, struct berth_est_names *names,
	   struct berth_why *why)
{
	struct berth_csrattrs attrs = label->attrs;
	if (ask->user.n > 0) {
		const struct berth_user *user = berth_users_find(&signer->users, ask->user);
		if (user == NULL || (label->clients & 1U << BERTH_CLIENT_USER) == 0)
			return berth_fail(why, BERTH_E_DENIED, "signer-user", "RFC 7030 3.2.3",
					  "there is no such user at this label");
		berth_user_names(user, berth_text(signer->settings->domain), names);
		attrs.want_serial_number = false;
		return berth_est_request_check(request, &attrs, names, why);
	}
	if (ask->renewed.n == 0) {
		enum berth_err err = berth_est_names_of_device(
			signer->pki, ask->manufacturer_key, ask->serial_number,
			berth_text(signer->settings->domain), names, why);
		if (ask->is_gateway)
			names->unit = berth_text(BERTH_PEER_GATEWAY_UNIT);
		if (!err && ask->is_dpp)
			return check_dpp(signer, ask, request, why);
		return err ? err : berth_est_request_check(request, &attrs, names, why);
	}
	attrs.want_serial_number = false; /* the subject is the old one */
	enum berth_err err = berth_cert_parse(signer->pki, ask->renewed, renewed, why);
	if (!err)
		err = check_renewed(signer, *renewed, now, why);
	if (!err)
		err = berth_est_renewal_check(request, &attrs, *renewed, why);
	if (!err)
		err = berth_est_names_of_certificate(*renewed, names, why);
	if (!err && berth_bytes_equal_text(names->unit, BERTH_PEER_GATEWAY_UNIT) &&
	    !berth_policy_may_be_gateway(signer->policy, names->serial_number))
		return refuse_gateway(why);
	return err;
}

struct addresses {
	char crl[BERTH_ADDRESS_MAX], ocsp[BERTH_ADDRESS_MAX], ca[BERTH_ADDRESS_MAX];
};

/* Where the certificate's revocation is published; addresses must live as long as what. */
static void
name_sources(const struct signer *signer, int64_t partition, struct addresses *addresses,
	     struct berth_cert_template *what)
{
	const char *url = signer->settings->publish_url;
	struct berth_bytes issuer = berth_cert_ski(signer->issuing.at[0]);
	if (url == NULL)
		return;
	what->crl_url = berth_crl_address(url, issuer, partition, addresses->crl);
	what->ocsp_url = berth_ocsp_address(url, addresses->ocsp);
	what->issuer_url = berth_ca_address(url, issuer, addresses->ca);
}

static enum berth_err
issue_ldevid(struct signer *signer, struct berth_bytes payload, struct berth_now now,
	     struct berth_buf *object, struct berth_why *why)
{
	struct berth_issue_ldevid ask;
	struct berth_label label;
	struct berth_est_names names;
	struct berth_bytes dns_names[BERTH_EST_NAMES_MAX];
	BERTH_REQUEST *request = NULL;
	BERTH_CERT *renewed = NULL;
	enum berth_err err = berth_issue_ldevid_decode(payload, &ask, why);
	if (!err)
		err = check_issue(signer, &ask, &label, why);
	if (!err)
		err = berth_rate_take(&signer->issue_rate, now.mono, "issue-per-minute", why);
	if (!err)
		err = berth_request_reparse(signer->pki, ask.request, &request, why);
	if (!err)
		err = find_names(signer, &ask, &label, request, now, &renewed, &names, why);
	if (err)
		return err;
	struct berth_cert_template what = {
		.profile = label.is_server ? BERTH_PROFILE_LDEVID_SERVER : BERTH_PROFILE_LDEVID,
		.not_before = {now.wall.s - BACKDATE_S},
		.not_after = ends_at(signer, &ask, now),
		.key = berth_request_key(request),
	};
	memcpy(what.serial, ask.serial, sizeof(what.serial));
	berth_est_names_put(&names, request, dns_names, &what);
	struct addresses addresses;
	name_sources(signer, ask.partition, &addresses, &what);
	err = berth_issue(signer->pki, &what, signer->issuing.at[0], signer->issuing_key, object,
			  why);
	return err ? err
		   : log_issue(signer, &ask, now, what.common_name, berth_buf_view(object), why);
}

static enum berth_err
signer_sign(void *context, uint16_t op, struct berth_bytes payload, struct berth_now now,
	    struct berth_buf *object, struct berth_why *why)
{
	struct signer *signer = context;
	enum berth_err err;
	switch (op) {
	case BERTH_REGISTRAR_SIGN_RVR:
		return sign_rvr(signer, payload, now, object, why);
	case BERTH_REGISTRAR_ISSUE_LDEVID:
		err = issue_ldevid(signer, payload, now, object, why);
		if (err)
			berth_buf_clear(object); /* not logged: not released */
		return err;
	case BERTH_REGISTRAR_SIGN_CRL:
		err = berth_revocation_sign_crl(&signer->revocation, payload, now, object, why);
		if (err)
			berth_buf_clear(object);
		return err;
	case BERTH_REGISTRAR_SIGN_OCSP:
		return berth_revocation_sign_ocsp(&signer->revocation, payload, now, object, why);
	case BERTH_REGISTRAR_DPP_KEYS:
	case BERTH_REGISTRAR_DPP_CONNECTOR:
	case BERTH_REGISTRAR_DPP_BOOTSTRAPPING:
	case BERTH_REGISTRAR_DPP_PP:
		return berth_dpp_signer_sign(&signer->dpp, op, payload, now, object, why);
	default: /* op is a number from another process, not an enum of ours */
		return berth_fail(why, BERTH_E_UNSUPPORTED, "signer-operation", NULL,
				  "the signer knows no operation %u", (unsigned)op);
	}
}

static enum berth_err
signer_settle(void *context, struct berth_why *why)
{
	struct signer *signer = context;

	return berth_issuance_sync(&signer->issuance, why);
}

const struct berth_signer_role berth_registrar_signer_role = {
	.start = signer_start,
	.end = signer_end,
	.sign = signer_sign,
	.settle = signer_settle,
};
