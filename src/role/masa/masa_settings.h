/* SPDX-License-Identifier: BSD-2-Clause */
/* berth-masa's configuration file, and what judge and signer load from the files it names. */
#ifndef BERTH_ROLE_MASA_SETTINGS_H
#define BERTH_ROLE_MASA_SETTINGS_H

#include "codec/conf.h"
#include "protocol/brski/masa.h"
#include "role/daemon/daemon.h"

struct berth_masa_settings {
	struct berth_daemon_conf daemon;
	/* [masa] */
	const char *manufacturer_anchors; /* PEM */
	const char *manifest_anchors;	  /* PEM; NULL: manufacturer_anchors */
	const char *signer_certificates;  /* PEM: the MASA's first, then what is above it */
	const char *signer_key;		  /* keystore URI */
	const char *client_anchors;	  /* PEM; NULL: none */
	const char *never_pin;		  /* PEM; NULL: none */
	int ownership;			  /* enum berth_masa_ownership */
	int pinning;			  /* enum berth_masa_pinning */
	int revocation;			  /* enum berth_masa_revocation */
	struct berth_conf_list revocation_sources;
	int content_type; /* 0 anima, 1 data */
	int identity;	  /* enum berth_identity_rule */
	bool require_client_certificate;
	bool require_idevid_issuer;
	bool allow_without_proximity;
	bool allow_nonceless;
	bool ignore_idevid_time;
	int64_t request_age_s;
	int64_t audit_log_age_s;
	int64_t voucher_lifetime_s;
	int64_t nonceless_age_s;
	int64_t renewable_for_s;
	int64_t vouchers_per_minute;
	int64_t claims_per_unit; /* wrong codes in an hour */
	int64_t claims_per_source;
};

extern const struct berth_conf_schema berth_masa_schema;

/* What the settings cannot say alone; --check-config runs it. */
enum berth_err berth_masa_settings_check(const void *settings, struct berth_why *why) BERTH_MUST;

#define BERTH_MASA_PEM_MAX_BYTES ((size_t)1 << 20) /* a bundle of anchors */

/* A PEM bundle; path NULL: nothing. key: for messages. Appends. */
enum berth_err berth_masa_load_certificates(struct berth_pki *pki, const char *key,
					    const char *path, struct berth_cert_list *list,
					    struct berth_why *why) BERTH_MUST;

/* The certificates that the policy points into, and the policy itself. */
struct berth_masa_trust {
	struct berth_cert_list manufacturer;
	struct berth_cert_list manifest;
	struct berth_cert_list client;
	struct berth_cert_list never_pin;
	struct berth_masa_policy policy; /* points into this struct: do not copy it */
};
enum berth_err berth_masa_trust_load(struct berth_pki *pki,
				     const struct berth_masa_settings *settings,
				     struct berth_masa_trust *ret,
				     struct berth_why *why) BERTH_MUST;
void berth_masa_trust_free(struct berth_masa_trust *trust);

/* check_files of struct berth_daemon: anchors and certificates. */
enum berth_err berth_masa_check_files(struct berth_pki *pki, const void *settings,
				      struct berth_why *why) BERTH_MUST;

#endif
