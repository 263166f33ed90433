/* SPDX-License-Identifier: BSD-2-Clause */
/* simpleenroll, simplereenroll: the permission, the intent before the signature, the certificate. */
#include "role/registrar/judge.h"

#include "role/registrar/signing.h"
#include "store/registrar_dpp.h"
#include "store/registrar_revocation.h"

#define LIMIT_RETRY_S 3600 /* who asked too often within a day */
#define SIGNING_RETRY_S 1  /* until the signer has answered the first of two equal requests */

/* While the signer has not answered; an exchange of ours then waits for it. */
static bool
is_being_signed(const struct berth_registrar_role *role, int64_t certificate)
{
	for (size_t i = 0; i < BERTH_REGISTRAR_EXCHANGES_MAX; i++) {
		const struct berth_registrar_exchange *exchange = role->exchanges[i];
		if (exchange != NULL && exchange->certificate == certificate)
			return true;
	}
	return false;
}

/* What this request, or the permission it used, got before. */
static enum berth_err
earlier_certificate(struct berth_registrar_exchange *exchange, int64_t row,
		    struct berth_est_permission *answer, struct berth_why *why)
{
	if (row == 0)
		return BERTH_OK;
	struct berth_registrar_certificate certificate;
	enum berth_err err = berth_registrar_certificate_get(exchange->role->store, row,
							     &exchange->arena, &certificate, why);
	if (err)
		return err;
	switch (certificate.credential.state) {
	case BERTH_CREDENTIAL_ISSUED:
		answer->certificate = certificate.der;
		return BERTH_OK;
	case BERTH_CREDENTIAL_FAILED:
		return BERTH_OK;
	case BERTH_CREDENTIAL_INTENT:
		/* The store failed to keep the signer's answer: nothing was released, and none will come. */
		if (!is_being_signed(exchange->role, row))
			return berth_registrar_certificate_failed(exchange->role->store, row, why);
		answer->retry_after_s = SIGNING_RETRY_S;
		return berth_fail(why, BERTH_E_PENDING, "rfc7030-4.2.3-in-progress",
				  "RFC 7030 4.2.3", "the certificate is being signed; ask again");
	case BERTH_CREDENTIAL_REVOKED:
		break;
	}
	return berth_fail(why, BERTH_E_DENIED, "credential-revoked", NULL,
			  "the certificate for this key was revoked; the device must onboard again "
			  "with a new key");
}

/* ---- policy ---- */

static const struct berth_manufacturer *
find_maker(const struct berth_registrar_role *role, struct berth_bytes name)
{
	for (size_t i = 0; i < role->maker_count; i++)
		if (berth_bytes_equal_text(name, role->makers[i].name))
			return &role->makers[i];
	return NULL;
}

static enum berth_audit_finding
audit_finding(struct berth_bytes name)
{
	for (int i = BERTH_AUDIT_UNKNOWN; i <= BERTH_AUDIT_VIOLATION; i++)
		if (berth_bytes_equal_text(name,
					   berth_audit_finding_name((enum berth_audit_finding)i)))
			return (enum berth_audit_finding)i;
	return BERTH_AUDIT_UNKNOWN;
}

/* The step that its permission is of; of a device whose permission was taken back, the newest. */
static enum berth_err
find_step(struct berth_registrar_exchange *exchange, int64_t device,
	  struct berth_registrar_step *ret, struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_registrar_permission permission;
	enum berth_err err = berth_registrar_permission_get(role->store, device, &permission, why);
	if (err == BERTH_E_NOT_FOUND)
		return berth_registrar_step_peek_latest(role->store, device, &exchange->arena, ret,
							why);
	return err ? err
		   : berth_registrar_step_peek(role->store, permission.step, &exchange->arena, ret,
					       why);
}

/* Without a voucher step: by its DPP code, else by its birth certificate alone. */
static enum berth_err
recall_code(struct berth_registrar_exchange *exchange, const struct berth_registrar_device *device,
	    struct berth_facts *facts, struct berth_why *why)
{
	struct berth_registrar_dpp_key key;
	enum berth_err err = berth_registrar_dpp_key_of(exchange->role->store, device->row,
							&exchange->arena, &key, why);
	facts->client = err ? BERTH_CLIENT_CERTIFICATE : BERTH_CLIENT_DPP;
	return err == BERTH_E_NOT_FOUND ? BERTH_OK : err;
}

/* What the voucher step that let the device on has proved; a maker we no longer know proves nothing. */
static enum berth_err
recall_voucher_step(struct berth_registrar_exchange *exchange,
		    const struct berth_registrar_device *device, struct berth_facts *facts,
		    struct berth_why *why)
{
	struct berth_registrar_step step;
	enum berth_assertion assertion = BERTH_ASSERTION_NONE;
	const struct berth_manufacturer *maker = find_maker(exchange->role, device->manufacturer);
	if (berth_bytes_equal_text(device->manufacturer, BERTH_USERS_MAKER)) {
		facts->client = BERTH_CLIENT_USER;
		return BERTH_OK;
	}
	enum berth_err err = find_step(exchange, device->row, &step, why);
	if (err == BERTH_E_NOT_FOUND)
		return recall_code(exchange, device, facts, why);
	facts->client = BERTH_CLIENT_DEVICE;
	if (err || maker == NULL)
		return err;
	exchange->step = step.row;
	err = berth_exchange_find_assertion(exchange, maker, step.row, &assertion, why);
	if (err)
		return err;
	facts->assertion = berth_text(berth_assertion_name(assertion));
	facts->audit = audit_finding(step.audit_finding);
	return BERTH_OK;
}

/* req: rfc7030-3.2.2-label */
static enum berth_err
check_label(const struct berth_registrar_exchange *exchange, enum berth_client client,
	    struct berth_why *why)
{
	const struct berth_registrar_role *role = exchange->role;
	const struct berth_label *label = &role->labels[exchange->est.profile - role->est_profiles];
	if ((label->clients & 1U << client) != 0)
		return BERTH_OK;
	return berth_fail(
		why, BERTH_E_DENIED, "rfc7030-3.2.2-label-clients", "RFC 7030 3.2.2",
		"here no certificate is given to a client of the kind \"%s\"; see clients "
		"of [est-label \"%.40s\"] or est-clients",
		berth_client_name(client), label->name);
}

/* req: rfc7030-4.2.2-policy */
static enum berth_err
ask_policy(struct berth_registrar_exchange *exchange, const struct berth_registrar_device *device,
	   struct berth_est_permission *answer, struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_decision *decision = &exchange->est.decision;
	struct berth_registrar_approval approval;
	struct berth_facts facts;
	enum berth_err err = berth_exchange_facts(exchange, device, &facts, why);
	if (!err)
		err = recall_voucher_step(exchange, device, &facts, why);
	facts.label = berth_text(exchange->est.profile->name);
	if (!err)
		err = check_label(exchange, facts.client, why);
	if (!err)
		err = berth_registrar_approval_get(role->store, device->row, &exchange->arena,
						   &approval, why);
	if (err)
		return err;
	berth_policy_decide(role->policy, BERTH_STAGE_ENROL, &facts, decision);
	if (decision->outcome == BERTH_OUTCOME_ALLOW)
		return BERTH_OK;
	const struct berth_check *failed = berth_decision_failed(decision);
	if (decision->outcome == BERTH_OUTCOME_DENY)
		return berth_fail(why, BERTH_E_DENIED,
				  failed == NULL ? "policy-denied" : failed->rule, NULL, "%s",
				  berth_decision_text(decision));
	exchange->waits_again = approval.state == BERTH_REGISTRAR_APPROVAL_WAITING;
	answer->retry_after_s = (int32_t)role->settings->retry_after_s;
	err = berth_exchange_let_wait(exchange, device, !exchange->waits_again, why);
	return err ? err
		   : berth_fail(why, BERTH_E_PENDING, "rfc7030-4.2.3-operator", "RFC 7030 4.2.3",
				"an operator must decide; send the same request again");
}

/* ---- without a voucher step's permission ---- */

static enum berth_err
take_request(struct berth_registrar_exchange *exchange, const struct berth_registrar_device *device,
	     struct berth_est_permission *answer, struct berth_why *why)
{
	const struct berth_est *x = &exchange->est;
	struct berth_registrar_est_request request;
	enum berth_err err = berth_device_check_welcome(device, why);
	if (!err)
		err = ask_policy(exchange, device, answer, why);
	if (err)
		return err;
	struct berth_registrar_est_request wanted = {
		.device = device->row,
		.renews = exchange->renewed,
		.label = berth_text(x->profile->name),
	};
	memcpy(wanted.csr_sha256, x->request_digest, sizeof(wanted.csr_sha256));
	memcpy(wanted.key_sha256, x->key_digest, sizeof(wanted.key_sha256));
	err = berth_registrar_est_request_take(exchange->role->store, &wanted,
					       berth_judge_now(exchange->role->judge).wall,
					       &request, why);
	answer->retry_after_s = err == BERTH_E_LIMIT ? LIMIT_RETRY_S : 0;
	if (err)
		return err;
	exchange->est_request = request.row;
	return earlier_certificate(exchange, request.certificate, answer, why);
}

static bool
is_name_of(const struct berth_est_names *names, struct berth_bytes name)
{
	for (size_t i = 0; i < names->dns_name_count; i++)
		if (berth_bytes_equal_nocase(names->dns_names[i], name))
			return true;
	return false;
}

/* A user that was taken out of the file, or lost a name, keeps its certificate until it ends, and no longer. */
static enum berth_err
check_user(const struct berth_registrar_exchange *exchange,
	   const struct berth_registrar_device *device, struct berth_why *why)
{
	const struct berth_registrar_role *role = exchange->role;
	const struct berth_cert *cert = berth_peer_cert(&exchange->seen->peer);
	struct berth_est_names names = {0};
	struct berth_bytes name;
	if (!berth_bytes_equal_text(device->manufacturer, BERTH_USERS_MAKER))
		return BERTH_OK;
	const struct berth_user *user =
		berth_users_find(&role->users, device->identity.serial_number);
	if (user != NULL)
		berth_user_names(user, role->est.organization, &names);
	bool is_right = is_name_of(&names, berth_cert_subject_common_name(cert));
	for (size_t i = 0; (name = berth_cert_dns_name(cert, i)).n > 0; i++)
		is_right = is_right && is_name_of(&names, name);
	return is_right ? BERTH_OK
			: berth_fail(why, BERTH_E_DENIED, "est-user-gone", NULL,
				     "the user of this certificate, or one of its names, is no "
				     "longer in the users' file");
}

/* Which of the policy's rules decides is asked now: what it was at the voucher step may have changed since. */
static enum berth_err
choose_role(struct berth_registrar_exchange *exchange, const struct berth_registrar_device *device,
	    struct berth_why *why)
{
	struct berth_facts facts;
	enum berth_err err = berth_exchange_facts(exchange, device, &facts, why);
	exchange->is_gateway = !err && berth_policy_role_of(exchange->role->policy, &facts) ==
					       BERTH_POLICY_ROLE_GATEWAY;
	return err;
}

/* A renewed certificate says what the old one said; who is no gateway any more onboards again. */
static enum berth_err
check_role_kept(struct berth_registrar_exchange *exchange,
		const struct berth_registrar_device *device, struct berth_why *why)
{
	const struct berth_cert *cert = berth_peer_cert(&exchange->seen->peer);
	enum berth_err err = choose_role(exchange, device, why);
	if (err || exchange->is_gateway ||
	    !berth_bytes_equal_text(berth_cert_subject_unit(cert), BERTH_PEER_GATEWAY_UNIT))
		return err;
	return berth_fail(why, BERTH_E_DENIED, "policy-role", NULL,
			  "the policy makes no gateway of this device any more; it must onboard "
			  "again");
}

/* The permission to renew is the certificate: issued by us to a welcome device, not withdrawn, not ended. */
/* req: rfc7030-4.2.2-client */
static enum berth_err
renew(struct berth_registrar_exchange *exchange, struct berth_est_permission *answer,
      struct berth_why *why)
{
	struct berth_registrar_device device;
	enum berth_err err = berth_exchange_know_device(exchange, false, &device, why);
	if (err == BERTH_E_NOT_FOUND)
		return berth_fail(why, BERTH_E_DENIED, "rfc7030-4.2.2-no-record", "RFC 7030 4.2.2",
				  "we issued no such certificate to a device");
	if (!err)
		err = check_user(exchange, &device, why);
	if (!err)
		err = check_role_kept(exchange, &device, why);
	return err ? err : take_request(exchange, &device, answer, why);
}

/* A client that never onboards is admitted by the policy that lets it enrol. */
static enum berth_err
admit(struct berth_registrar_exchange *exchange, const struct berth_registrar_device *device,
      struct berth_est_permission *answer, struct berth_why *why)
{
	enum berth_err err = take_request(exchange, device, answer, why);
	if (!err)
		err = berth_exchange_move_device(exchange, BERTH_DEVICE_ADMITTED, why);
	if (err || exchange->est.decision.segment[0] == '\0')
		return err;
	return berth_registrar_device_set_segment(exchange->role->store, device->row,
						  berth_text(exchange->est.decision.segment), why);
}

static enum berth_err
enrol_without_voucher(struct berth_registrar_exchange *exchange,
		      struct berth_est_permission *answer, struct berth_why *why)
{
	struct berth_registrar_device device;
	enum berth_err err = berth_exchange_know_device(exchange, true, &device, why);
	return err ? err : admit(exchange, &device, answer, why);
}

static enum berth_err
enrol_user(struct berth_registrar_exchange *exchange, struct berth_est_permission *answer,
	   struct berth_why *why)
{
	struct berth_registrar_device device;
	enum berth_err err = berth_exchange_know_user(exchange, &device, why);
	return err ? err : admit(exchange, &device, answer, why);
}

/* ---- with it ---- */

static enum berth_err
use_permission(struct berth_registrar_exchange *exchange, struct berth_est_permission *answer,
	       struct berth_why *why)
{
	struct berth_registrar_device device;
	struct berth_registrar_permission permission;
	const struct berth_est *x = &exchange->est;
	enum berth_err err = berth_exchange_know_device(exchange, false, &device, why);
	bool may_without = exchange->seen->peer.manufacturer->enrols_without_voucher;
	if (err == BERTH_E_NOT_FOUND && may_without)
		return enrol_without_voucher(exchange, answer, why);
	if (err == BERTH_E_NOT_FOUND)
		return berth_fail(why, BERTH_E_DENIED, "rfc8995-5.9-no-voucher-step",
				  "RFC 8995 5.9",
				  "this device has not passed the voucher step here");
	if (!err)
		err = berth_device_check_welcome(&device, why);
	if (!err)
		err = berth_registrar_permission_use(
			exchange->role->store, device.row, x->key_digest, x->request_digest,
			berth_judge_now(exchange->role->judge).wall, &permission, why);
	if (err == BERTH_E_NOT_FOUND && may_without)
		return enrol_without_voucher(exchange, answer, why);
	if (err == BERTH_E_NOT_FOUND)
		return berth_fail(why, BERTH_E_DENIED, "rfc8995-5.9-no-permission", "RFC 8995 5.9",
				  "this device may not enrol: its voucher step or the audit log's "
				  "check has not passed");
	if (err)
		return err;
	exchange->permission = permission.row;
	exchange->step = permission.step;
	err = choose_role(exchange, &device, why);
	if (err)
		return err;
	/* The voucher step asked policy, but not for a label, and perhaps by another rule than the gateways'. */
	err = x->profile->name[0] != '\0' || exchange->is_gateway
		      ? ask_policy(exchange, &device, answer, why)
		      : check_label(exchange, BERTH_CLIENT_DEVICE, why);
	if (err)
		return err;
	return earlier_certificate(exchange, permission.certificate, answer, why);
}

static enum berth_err
permit(struct berth_registrar_exchange *exchange, struct berth_est_permission *answer,
       struct berth_why *why)
{
	switch (exchange->est.client) {
	case BERTH_EST_CLIENT_DEVICE:
		return use_permission(exchange, answer, why);
	case BERTH_EST_CLIENT_RENEWAL:
		return renew(exchange, answer, why);
	case BERTH_EST_CLIENT_USER:
		return enrol_user(exchange, answer, why);
	case BERTH_EST_CLIENT_NONE:
		break;
	}
	return berth_fail(why, BERTH_E_DENIED, "rfc7030-4.2-client", "RFC 7030 4.2",
			  "nobody is known on this connection");
}

static enum berth_est_event
know_user(struct berth_registrar_exchange *exchange)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_est_names names;
	struct berth_why why = {0};
	enum berth_err err = berth_users_check(
		&role->users, role->pki, exchange->est.authorization, berth_text(exchange->address),
		berth_judge_now(role->judge).mono, &exchange->user, &why);
	if (err) {
		why.err = err;
		return berth_est_answer_user(&exchange->est, NULL, &why);
	}
	berth_user_names(exchange->user, role->est.organization, &names);
	return berth_est_answer_user(&exchange->est, &names, &why);
}

static enum berth_est_event
give_permission(struct berth_registrar_exchange *exchange)
{
	struct berth_est_permission answer = {0};
	switch (permit(exchange, &answer, &answer.why)) {
	case BERTH_OK:
		answer.why = (struct berth_why){0};
		return berth_est_answer_permission(&exchange->est, &answer);
	case BERTH_E_DENIED:
	case BERTH_E_MISMATCH:
	case BERTH_E_EXPIRED:
	case BERTH_E_PENDING:
	case BERTH_E_LIMIT:
		return berth_est_answer_permission(&exchange->est, &answer);
	case BERTH_E_SYNTAX:
	case BERTH_E_UNSUPPORTED:
	case BERTH_E_SIGNATURE:
	case BERTH_E_UNTRUSTED:
	case BERTH_E_NOT_FOUND:
	case BERTH_E_EXISTS:
	case BERTH_E_STATE:
	case BERTH_E_UNREACHABLE:
	case BERTH_E_TIMEOUT:
	case BERTH_E_IO:
	case BERTH_E_MEMORY:
	case BERTH_E_USAGE:
	case BERTH_E_CRYPTO:
	case BERTH_E_INTERNAL:
	case BERTH_E__COUNT:
		break;
	}
	return berth_est_fail(&exchange->est, &answer.why);
}

void
berth_registrar_choose_serial(struct berth_judge *judge, uint8_t serial[BERTH_CERT_SERIAL_BYTES])
{
	struct berth_random random = berth_judge_random(judge);
	berth_random_fill(&random, serial, BERTH_CERT_SERIAL_BYTES);
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
}

static enum berth_err
write_intent(struct berth_registrar_exchange *exchange, const struct berth_issue_ldevid *ask,
	     struct berth_why *why)
{
	struct berth_registrar_role *role = exchange->role;
	struct berth_wall now = berth_judge_now(role->judge).wall;
	const char *subject =
		exchange->est.client == BERTH_EST_CLIENT_RENEWAL
			? berth_cert_subject_text(berth_peer_cert(&exchange->seen->peer))
		: exchange->user != NULL ? exchange->user->name
					 : exchange->device_id;
	struct berth_registrar_certificate wanted = {
		.device = exchange->device,
		.permission = exchange->permission,
		.est_request = exchange->est_request,
		.credential =
			{
				.issuer_key_id = ask->issuer,
				.serial = berth_bytes_of(ask->serial, sizeof(ask->serial)),
				.subject = berth_text(subject),
				.not_after = {now.s + ask->lifetime_s},
				.state = BERTH_CREDENTIAL_INTENT,
			},
		.made_at = now,
	};
	memcpy(wanted.key_sha256, exchange->est.key_digest, sizeof(wanted.key_sha256));
	enum berth_err err = berth_exchange_note(exchange, BERTH_EVENT_CERTIFICATE_INTENT,
						 "asked of the signer", why);
	return err ? err
		   : berth_registrar_certificate_intent(role->store, &wanted,
							&exchange->certificate, why);
}

/* req: rfc8995-5.9-intent */
static void
ask_signer(struct berth_registrar_exchange *exchange)
{
	struct berth_registrar_role *role = exchange->role;
	const struct berth_peer *peer = &exchange->seen->peer;
	struct berth_issue_ldevid ask = {
		.request = berth_request_der(exchange->est.request),
		.lifetime_s = role->labels[exchange->est.profile - role->est_profiles].lifetime_s,
		.label = berth_text(exchange->est.profile->name),
		.issuer = berth_cert_ski(role->issuing.at[0]),
	};
	if (exchange->est.client == BERTH_EST_CLIENT_RENEWAL) {
		ask.renewed = berth_cert_der(berth_peer_cert(peer));
	} else if (exchange->user != NULL) {
		ask.user = berth_text(exchange->user->name);
	} else {
		ask.manufacturer_key = berth_peer_issuer(peer);
		ask.serial_number = peer->serial_number;
		ask.is_gateway = exchange->is_gateway;
	}
	struct berth_why why = {0};
	BERTH_BUF payload = {0};
	berth_registrar_choose_serial(role->judge, ask.serial);
	enum berth_err err = write_intent(exchange, &ask, &why);
	ask.partition = berth_partition_of(exchange->certificate);
	if (!err && berth_issue_ldevid_encode(&ask, &payload))
		err = berth_fail(&why, BERTH_E_LIMIT, "signer-frame", NULL,
				 "the request is too large for the signer");
	if (err) {
		berth_registrar_serve_est(exchange, berth_est_fail(&exchange->est, &why));
		return;
	}
	berth_judge_sign(role->judge, BERTH_REGISTRAR_ISSUE_LDEVID, berth_buf_view(&payload),
			 berth_exchange_cookie(exchange));
}

void
berth_registrar_serve_est(struct berth_registrar_exchange *exchange, enum berth_est_event event)
{
	struct berth_est *x = &exchange->est;
	if (event == BERTH_EST_NEED_USER)
		event = know_user(exchange);
	if (event == BERTH_EST_NEED_PERMISSION)
		event = give_permission(exchange);
	if (event == BERTH_EST_NEED_CERTIFICATE) {
		ask_signer(exchange);
		return;
	}
	const char *about = x->operation == BERTH_EST_SIMPLEREENROLL ? "renewal" : "certificate";
	berth_exchange_finish(exchange, exchange->waits_again ? NULL : about, &x->decision,
			      &x->response, &x->why);
}
