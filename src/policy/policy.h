/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Policy is a pure function: facts -> decision with trace.
 *
 *	[rule "cameras"]
 *	match.manufacturer = Acme*	globs (* and ?), several separated by commas; absent: any
 *	match.model = cam-*
 *	match.serial = *
 *	match.client = device		device (default): onboarded with a voucher; certificate: by its
 *					birth certificate alone; user: by a password (EST); dpp: by its
 *					bootstrapping key (Wi-Fi Easy Connect)
 *	require.owned = yes		in a purchase manifest (or ownership known otherwise)
 *	require.assertion = proximity, verified		one of these in the voucher
 *	require.label = servers, *	globs of the label of EST's path; absent: any
 *	require.audit = clean		clean (default) | optional: an unreachable log is tolerated,
 *					a bad one never
 *	approve = operator		operator (default) | auto
 *	segment = cameras
 *	reauthorize-every = 1h
 *	dpp.ssid = lab			with match.client = dpp: the network it is given,
 *	dpp.akm = dpp+sae		how it joins (dpp, sae, psk, dot1x, or several; dpp),
 *	dpp.password-file = lab.pass	sae, psk: the password, or what each device's is made from
 *	dpp.password = shared		(shared, device; the latter wants dpp.ap-tells-devices-apart = yes)
 *	dpp.eap-server = radius.lab	dot1x: whose certificate the device is to demand
 *	dpp.net-role = sta		as what (sta; ap: an access point of it),
 *	dpp.groups = cameras		the groups of its Connector (the segment, else *)
 *	dpp.lifetime = 30d		and how long that holds; absent: for ever
 *	require.mutual = yes		the device must know our key as well
 *
 *	[rule "never"]
 *	match.serial = TEST-*
 *	deny = yes
 *
 *	[audit]
 *	allow-unknown-domains = no
 *	allow-nonceless = no		nonceless entries of every other domain
 *	allow-truncated = no		arbitrary truncation
 *	assertions = verified, proximity, logged
 *
 *	[domain "Distributor"]		besides our own, a domain whose entries are expected
 *	id = BASE64			its domainID as audit logs write it
 *	nonceless = no			yes: its nonceless entries too
 *
 * match selects by identity only; the first rule that matches decides. A requirement that fails
 * denies by name and never falls through to a broader rule. No match: deny.
 */
#ifndef BERTH_POLICY_POLICY_H
#define BERTH_POLICY_POLICY_H

#include "base/time.h"
#include "model/decision.h"

struct berth_policy;

#define BERTH_POLICY_RULES_MAX 256
#define BERTH_POLICY_FILE_MAX_BYTES 262144
#define BERTH_POLICY_GLOB_MAX 256
#define BERTH_POLICY_LIST_MAX 32

/* text: the whole policy file; name: its path, for messages with file:line. Unknown sections or
 * keys are errors. */
enum berth_err berth_policy_parse(struct berth_bytes text, const char *name,
				  struct berth_policy **ret, struct berth_why *why) BERTH_MUST;
void berth_policy_free(struct berth_policy *policy); /* NULL is fine */
void berth_policy_freep(struct berth_policy **policy);
struct berth_conf_schema; /* codec/conf.h */
/* Of the policy file, for --check-config and the man page. */
const struct berth_conf_schema *berth_policy_schema(void);
size_t berth_policy_rule_count(const struct berth_policy *policy);

/* When the question is asked. */
enum berth_policy_stage {
	BERTH_STAGE_VOUCHER, /* before the voucher: assertion and audit log are not known; they are
				noted as due */
	BERTH_STAGE_ENROL,   /* all facts must be there: what is unknown fails */
};

enum berth_approval { BERTH_APPROVAL_NONE, BERTH_APPROVAL_GIVEN, BERTH_APPROVAL_REFUSED };

enum berth_audit_finding {
	BERTH_AUDIT_UNKNOWN, /* not asked, or no answer */
	BERTH_AUDIT_CLEAN,
	BERTH_AUDIT_VIOLATION,
};
const char *berth_audit_finding_name(enum berth_audit_finding finding);

/* How a client came to be known. */
enum berth_client {
	BERTH_CLIENT_DEVICE,	  /* onboarded with a voucher */
	BERTH_CLIENT_CERTIFICATE, /* EST with a birth certificate alone */
	BERTH_CLIENT_USER,	  /* EST with a password */
	BERTH_CLIENT_DPP,	  /* Wi-Fi Easy Connect, by its bootstrapping key */
};
const char *berth_client_name(enum berth_client client);
enum berth_err berth_client_parse(struct berth_bytes name, enum berth_client *ret,
				  struct berth_why *why) BERTH_MUST;

struct berth_facts {
	/* identity */
	enum berth_client client;
	struct berth_bytes
		manufacturer;	  /* our name for the trust anchor that the IDevID chains to */
	struct berth_bytes model; /* empty: not known */
	struct berth_bytes serial_number;
	/* what is asked for */
	struct berth_bytes
		label; /* of EST's path, may be empty; NONE: no certificate is asked for yet */
	/* evidence */
	bool is_owned;
	struct berth_bytes assertion; /* of the voucher, berth_assertion_name; empty: not known */
	enum berth_audit_finding audit;
	enum berth_approval approval;
	const char *approved_by; /* operator's login name; NULL */
};

/* Appends its checks to decision (started by the caller, who may have added checks of his own) and
 * sets the outcome. */
void berth_policy_decide(const struct berth_policy *policy, enum berth_policy_stage stage,
			 const struct berth_facts *facts, struct berth_decision *decision);

/* What a client becomes: the certificate of a role opens that role's interface and no other. */
enum berth_policy_role { BERTH_POLICY_ROLE_DEVICE, BERTH_POLICY_ROLE_GATEWAY };
/* Of the rule that decides about these facts; a device where none does. */
enum berth_policy_role berth_policy_role_of(const struct berth_policy *policy,
					    const struct berth_facts *facts);
/*
 * True when some rule makes a gateway of a device with this serial number: what a signer can say, who knows neither its
 * maker nor its model.
 */
bool berth_policy_may_be_gateway(const struct berth_policy *policy,
				 struct berth_bytes serial_number);

enum berth_policy_password { BERTH_POLICY_PASSWORD_SHARED, BERTH_POLICY_PASSWORD_DEVICE };

/* What Wi-Fi Easy Connect gives a device; borrows from the policy. */
struct berth_policy_network {
	const char *ssid;
	const char *akm;	   /* as configuration objects name it */
	const char *password_file; /* NULL: none is given */
	enum berth_policy_password password;
	const char *eap_server; /* NULL: no dot1x */
	const char *net_role;	/* "sta", "ap" */
	const char *const *groups;
	size_t group_count;
	const char *group;  /* where groups is empty */
	int64_t lifetime_s; /* 0: for ever */
	bool requires_mutual;
};
/* Of the rule that decides about these facts; false: none, or one without dpp.ssid. */
bool berth_policy_network_of(const struct berth_policy *policy, const struct berth_facts *facts,
			     struct berth_policy_network *ret);
/* The i-th rule's file of a password; NULL: it has none. */
const char *berth_policy_password_file(const struct berth_policy *policy, size_t i);

/* ---- the MASA's audit log of a device (RFC 8995 5.8.3) ---- */
struct berth_policy_audit_event {
	struct berth_wall date;
	struct berth_bytes domain_id; /* binary */
	bool has_nonce;
	struct berth_bytes assertion; /* text */
	uint32_t truncated;
};

struct berth_audit_facts {
	const struct berth_policy_audit_event *events;
	size_t n;
	uint64_t truncated_nonced;
	uint64_t truncated_nonceless;
	uint64_t truncated_arbitrary;
	struct berth_bytes own_domain_id;
	/* The voucher step must show in the log: an entry of our own domain is required. */
	bool own_entry_expected;
};

/* Appends its checks; CLEAN or VIOLATION. */
enum berth_audit_finding berth_policy_audit(const struct berth_policy *policy,
					    const struct berth_audit_facts *facts,
					    struct berth_decision *decision);

#endif
