/* SPDX-License-Identifier: BSD-2-Clause */
/* The registrar's configuration file, and what judge and signer load from the files it names. */
#ifndef BERTH_ROLE_REGISTRAR_SETTINGS_H
#define BERTH_ROLE_REGISTRAR_SETTINGS_H

#include "codec/conf.h"
#include "protocol/brski/manufacturer.h"
#include "pki/csrattrs.h"
#include "protocol/est/body.h"
#include "role/daemon/daemon.h"

/* [manufacturer "Acme"] */
struct berth_registrar_maker {
	const char *name;
	const char *anchors;
	const char *masa_url;
	const char *masa_anchors;
	int identity;	  /* enum berth_identity_rule */
	int content_type; /* enum berth_cms_content */
	int issuer_form;  /* enum berth_issuer_form */
	int body;	  /* enum berth_voucher_body */
	bool ignore_expiry;
	bool est; /* its devices may enrol without a voucher */
};

enum berth_proof_linking { BERTH_PROOF_LINKING_WHEN_PRESENT, BERTH_PROOF_LINKING_REQUIRED };

/* [est-label "servers"] */
struct berth_registrar_label {
	const char *name;
	struct berth_conf_list clients; /* words of enum berth_client */
	int64_t lifetime_s;		/* 0: certificate-lifetime */
	int key;			/* 0: P-256, 1: P-384 */
	bool is_server;
	int csrattrs;	   /* enum berth_csrattrs_style */
	int proof_linking; /* enum berth_proof_linking */
};

/* [former-issuer "1"]: it issues nothing any more; what it issued is known until it ends. */
struct berth_registrar_former {
	const char *name;
	const char
		*certificates; /* PEM: the former issuing CA first, then the cross-certificates */
	const char *key;       /* keystore URI */
};

#define BERTH_FORMER_ISSUERS_MAX 8 /* each is asked for with each OCSP request; they end */

/* Vouchers without a nonce that were made ahead, for sites without internet (RFC 8995 5.5.6). */
enum berth_stored_vouchers {
	BERTH_STORED_VOUCHERS_NEVER,	/* neither asked for nor given */
	BERTH_STORED_VOUCHERS_FALLBACK, /* given when the MASA cannot be reached */
	BERTH_STORED_VOUCHERS_FIRST,	/* given without asking the MASA */
};

struct berth_registrar_settings {
	struct berth_daemon_conf daemon;
	/* [registrar] */
	const char *domain; /* organizationName of the certificates we issue */
	const char *policy;
	const char *issuing_certificates; /* PEM: the issuing CA first, then what is above it */
	const char *issuing_key;	  /* keystore URI */
	int64_t retry_after_s;
	int64_t approval_timeout_s;
	int64_t permission_lifetime_s;
	int64_t certificate_lifetime_s;
	int64_t masa_timeout_s;
	int64_t issue_per_minute;
	int64_t sign_per_minute;
	const char *publish_url; /* NULL: certificates do not say where their revocation is */
	int64_t crl_lifetime_s;
	int64_t ocsp_lifetime_s;
	int64_t ocsp_per_minute;
	int64_t gateway_lease_s;
	/* [dpp]; daemon.dpp_listen too */
	const char *dpp_c_sign_key; /* keystore URIs; NULL: no DPP */
	const char *dpp_bootstrapping_key;
	const char *dpp_pp_key;
	int64_t dpp_connectors_per_minute;
	struct berth_announce_settings announce;
	int est_layout;	     /* enum berth_est_layout */
	int stored_vouchers; /* enum berth_stored_vouchers */
	struct berth_conf_items makers;
	struct berth_conf_items formers;
	/* EST without a label; labels.h */
	struct berth_conf_list est_clients;
	const char *est_users; /* file; NULL: none */
	int est_csrattrs;      /* enum berth_csrattrs_style */
	int est_proof_linking; /* enum berth_proof_linking */
	struct berth_conf_items labels;
};

extern const struct berth_conf_schema berth_registrar_schema;
/* What the table cannot say. */
enum berth_err berth_registrar_settings_check(const void *configuration,
					      struct berth_why *why) BERTH_MUST;

#define BERTH_REGISTRAR_PEM_MAX_BYTES ((size_t)1 << 20) /* a bundle of anchors */

/* A PEM bundle named by key (for messages) at path, parsed; appends. */
enum berth_err berth_registrar_load_certificates(struct berth_pki *pki, const char *key,
						 const char *path, struct berth_cert_list *list,
						 struct berth_why *why) BERTH_MUST;
/*
 * The CAs that devices are told of and that their certificates may be from: issuing as issuing-certificates has it;
 * issuers the issuing CA, then the former ones, in the order of their sections; cacerts all of both files, the issuing
 * CA first. Appends to each.
 */
enum berth_err berth_registrar_load_issuers(struct berth_pki *pki,
					    const struct berth_registrar_settings *settings,
					    struct berth_cert_list *issuing,
					    struct berth_cert_list *issuers,
					    struct berth_cert_list *cacerts,
					    struct berth_why *why) BERTH_MUST;
/* What one section says, with its files read and parsed. name borrows from maker. */
enum berth_err berth_registrar_load_maker(struct berth_pki *pki,
					  const struct berth_registrar_maker *maker,
					  struct berth_manufacturer *ret,
					  struct berth_why *why) BERTH_MUST;

#endif
