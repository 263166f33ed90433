/* SPDX-License-Identifier: BSD-2-Clause */
/* What a policy file says, for the files of this folder. */
#ifndef BERTH_POLICY_POLICY_FILE_H
#define BERTH_POLICY_POLICY_FILE_H

#include "codec/conf.h"
#include "policy/policy.h"

enum berth_policy_audit_need { BERTH_POLICY_AUDIT_CLEAN, BERTH_POLICY_AUDIT_OPTIONAL };
enum berth_policy_approve { BERTH_POLICY_APPROVE_OPERATOR, BERTH_POLICY_APPROVE_AUTO };

struct berth_policy_rule {
	const char *name;
	struct berth_conf_list manufacturer; /* globs; empty: any */
	struct berth_conf_list model;
	struct berth_conf_list serial;
	struct berth_conf_list client; /* words; empty: device */
	struct berth_conf_list label;  /* globs; empty: any */
	bool needs_owned;
	struct berth_conf_list assertion; /* empty: any */
	int audit;			  /* enum berth_policy_audit_need */
	bool is_deny;
	int approve; /* enum berth_policy_approve */
	const char *segment;
	int role; /* enum berth_policy_role */
	int64_t reauthorize_every_s;
	const char *ssid; /* Wi-Fi Easy Connect, from here on; NULL: none */
	int akm;	  /* of akm_words */
	int net_role;	  /* of berth_policy_net_role_words */
	struct berth_conf_list groups;
	int64_t connector_lifetime_s;
	bool needs_mutual;
	const char *password_file;
	int password; /* enum berth_policy_password */
	bool ap_tells_apart;
	const char *eap_server;
};

extern const char *const berth_policy_akm_words[];
extern const char *const berth_policy_net_role_words[];

struct berth_policy_domain {
	const char *name;
	const char *id; /* base64, normalised by comparison of its decoded form */
	bool nonceless;
};

struct berth_policy_settings {
	struct berth_conf_items rules;
	struct berth_conf_items domains;
	bool allow_unknown_domains;
	bool allow_nonceless;
	bool allow_truncated;
	struct berth_conf_list assertions;
};

struct berth_policy {
	struct berth_conf conf;
	struct berth_policy_settings settings;
};

#endif
