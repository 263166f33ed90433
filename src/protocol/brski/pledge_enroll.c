/* SPDX-License-Identifier: BSD-2-Clause */
/* Enrolment over the confirmed connection: RFC 8995 5.9, RFC 7030 4.1, 4.2 and 4.5. */
#include "pki/request.h"
#include "protocol/brski/pledge_internal.h"
#include "protocol/brski/telemetry.h"
#include "protocol/est/client.h"

#define ENROLL_STATUS_PATH "/.well-known/brski/enrollstatus"

void
pledge_refuse_enrolment(struct berth_pledge *pledge, struct pledge_attempt *attempt,
			struct berth_now now, const struct berth_why *why)
{
	pledge_note(pledge, attempt, BERTH_PLEDGE_NOTE_ENROLMENT_REFUSED, why);
	attempt->is_put_off = why->err == BERTH_E_UNREACHABLE;
	if (!attempt->is_connected) {
		pledge_attempt_fail(pledge, attempt, now, why);
		return;
	}
	/* The registrar is the owner's now: it may know what was wrong. */
	/* req: rfc8995-5.9.4-p3 */
	const struct berth_telemetry telemetry = {.version = BERTH_TELEMETRY_VERSION,
						  .status = false,
						  .reason = berth_text(why->sentence)};
	struct berth_why broken = {0};
	berth_buf_clear(&attempt->body);
	if (berth_telemetry_build(&telemetry, &attempt->body, &broken)) {
		pledge_attempt_fail(pledge, attempt, now, &broken);
		return;
	}
	pledge_send(attempt, WAIT_ENROLL_REFUSAL_REPLY, now, ENROLL_STATUS_PATH, BERTH_MEDIA_JSON,
		    NULL);
}

static void
refuse_status(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
	      const char *what, int status)
{
	struct berth_why why;
	berth_ignore(berth_fail(&why, pledge_err_of_status(status), "rfc8995-5.9-refused",
				"RFC 8995 5.9", "the registrar answered %d to %s", status, what),
		     "the note tells");
	pledge_refuse_enrolment(pledge, attempt, now, &why);
}

/* req: rfc8995-5-p2 */
void
pledge_on_status_replied(struct berth_pledge *pledge, struct pledge_attempt *attempt,
			 struct berth_now now, const struct pledge_message *message)
{
	(void)pledge;
	(void)message; /* RFC 8995 5.7: the reply says nothing that the pledge needs */
	pledge_send(attempt, WAIT_CA_CERTIFICATES, now, BERTH_EST_CACERTS_PATH, NULL,
		    BERTH_EST_MEDIA_CERTS);
}

static bool
reaches(struct berth_pledge *pledge, const struct berth_cert *leaf,
	const struct berth_cert_list *untrusted, const struct berth_cert_list *anchors,
	struct berth_now now)
{
	const struct berth_path_check check = {.leaf = leaf,
					       .untrusted = untrusted,
					       .anchors = anchors,
					       .at = now.wall,
					       .ignore_time = !now.wall_is_trusted};
	return berth_path_verify(pledge->env.pki, &check, NULL, NULL) == BERTH_OK;
}

/*
 * The set must belong to the domain that the voucher pinned: it holds the pinned key, or one of it is below or above
 * the pinned certificate, or above the registrar when that alone was pinned.
 */
static enum berth_err
check_ca_set(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
	     struct berth_why *why)
{
	const struct berth_cert_list *set = &attempt->ca_set;
	struct berth_cert_list pinned = {.n = 1}; /* borrows */
	pinned.at[0] = attempt->pinned;
	bool is_of_domain = false;
	for (size_t i = 0; i < set->n; i++) {
		if (!berth_cert_is_ca(set->at[i])) {
			return berth_fail(why, BERTH_E_UNTRUSTED, "rfc8995-5.9.1-not-a-ca",
					  "RFC 8995 5.9.1",
					  "the CA certificates include one that is no CA");
		}
		is_of_domain = is_of_domain ||
			       berth_key_equal(berth_cert_key(set->at[i]),
					       berth_cert_key(attempt->pinned)) ||
			       (berth_cert_is_ca(attempt->pinned) &&
				reaches(pledge, set->at[i], set, &pinned, now));
	}
	if (is_of_domain || reaches(pledge, attempt->pinned, &attempt->registrar, set, now)) {
		return BERTH_OK;
	}
	return berth_fail(why, BERTH_E_UNTRUSTED, "rfc8995-5.9.1-other-domain", "RFC 8995 5.9.1",
			  "the CA certificates have no link to the domain that the voucher pinned");
}

/* RFC 8995 5.9.1 says SHOULD: without the set, a pinned CA is the only anchor. */
static enum berth_err
take_ca_set(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
	    const struct berth_http_response *response, struct berth_why *why)
{
	if (response->status == 200) {
		enum berth_err err = berth_est_certs_parse(pledge->env.pki, response->media_type,
							   response->body, &attempt->ca_set, why);
		return err ? err : check_ca_set(pledge, attempt, now, why);
	}
	if ((response->status == 404 || response->status == 204) &&
	    berth_cert_is_ca(attempt->pinned)) {
		return berth_cert_list_add(&attempt->ca_set, attempt->pinned, why);
	}
	return berth_fail(why, pledge_err_of_status(response->status), "rfc8995-5.9.1-refused",
			  "RFC 8995 5.9.1", "the registrar answered %d to cacerts",
			  response->status);
}

/* req: rfc8995-5.9.1-p1, rfc8995-5.9.2-p1 */
void
pledge_on_ca_certificates(struct berth_pledge *pledge, struct pledge_attempt *attempt,
			  struct berth_now now, const struct pledge_message *message)
{
	struct berth_why why = {0};
	if (take_ca_set(pledge, attempt, now, message->response, &why)) {
		pledge_refuse_enrolment(pledge, attempt, now, &why);
		return;
	}
	pledge_send(attempt, WAIT_CSR_ATTRIBUTES, now, BERTH_EST_CSRATTRS_PATH, NULL,
		    BERTH_EST_MEDIA_CSRATTRS);
}

/* req: rfc8951-3.3-csrattrs */
void
pledge_on_csr_attributes(struct berth_pledge *pledge, struct pledge_attempt *attempt,
			 struct berth_now now, const struct pledge_message *message)
{
	const struct berth_http_response *response = message->response;
	struct berth_why why = {0};
	enum berth_err err = BERTH_OK;
	if (response->status == 200) {
		err = berth_est_csrattrs_parse(response->media_type, response->body,
					       &attempt->arena, &attempt->attributes, &why);
	} else if (response->status != 204 && response->status != 404) {
		refuse_status(pledge, attempt, now, "csrattrs", response->status);
		return;
	}
	const char *key = attempt->attributes.key;
	if (!err && key && strcmp(key, pledge->conf.key_kind) != 0) {
		err = berth_fail(&why, BERTH_E_UNSUPPORTED, "rfc9908-3.4-key", "RFC 9908 3.4",
				 "the registrar asks for a key of kind %s; this device makes %s",
				 key, pledge->conf.key_kind);
	}
	if (err) {
		pledge_refuse_enrolment(pledge, attempt, now, &why);
		return;
	}
	pledge_emit(pledge, attempt, BERTH_PLEDGE_GENERATE_KEY);
	attempt->has_key = true; /* from here on there may be one to forget */
	pledge_wait_for(attempt, WAIT_KEY, now);
}

/* req: rfc9908-3.2-client-uses-values */
static enum berth_err
build_request(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_why *why)
{
	const struct berth_csrattrs *asked = &attempt->attributes;
	struct berth_request_fields fields = {
		.common_name = pledge->serial_number,
		.serial_number = pledge->serial_number,
		.dns_names = asked->dns_names,
		.dns_name_count = asked->dns_name_count,
	};
	if (asked->want_challenge_password && attempt->link.n == 0) {
		return berth_fail(why, BERTH_E_UNSUPPORTED, "rfc7030-3.5-no-binding",
				  "RFC 7030 3.5",
				  "the registrar wants requests that are linked to their "
				  "connection, and TLS told no channel binding");
	}
	if (asked->want_challenge_password) {
		fields.challenge_password = berth_buf_view(&attempt->link);
	}
	if (asked->is_template) { /* what it names and nothing else, its values where it has some */
		fields.common_name = !asked->want_common_name	? BERTH_BYTES_NONE
				     : asked->common_name.n > 0 ? asked->common_name
								: pledge->serial_number;
		fields.serial_number =
			asked->want_serial_number ? pledge->serial_number : BERTH_BYTES_NONE;
		fields.organization = asked->organization;
		fields.unit = asked->unit;
	}
	BERTH_BUF der = {0};
	enum berth_err err = berth_request_build(pledge->env.pki, &fields, attempt->key, &der, why);
	if (err) {
		return err;
	}
	berth_buf_clear(&attempt->body);
	err = berth_est_enroll_body(berth_buf_view(&der), &attempt->body);
	if (err) {
		return berth_fail(why, err, "rfc7030-4.2-body", "RFC 7030 4.2",
				  "the request does not fit its limit");
	}
	return BERTH_OK;
}

bool
pledge_make_enrolment(struct berth_pledge *pledge, struct pledge_attempt *attempt,
		      struct berth_now now)
{
	struct berth_why why = {0};
	if (build_request(pledge, attempt, &why)) {
		pledge_refuse_enrolment(pledge, attempt, now, &why);
		return false;
	}
	return true;
}

/* req: rfc8995-5.9.3-p2 */
void
pledge_on_key(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
	      const struct pledge_message *message)
{
	struct berth_why why = {0};
	if (message->err || !message->key) {
		berth_ignore(berth_fail(&why, BERTH_E_CRYPTO, "pledge-no-key", NULL,
					"the device could not make a key"),
			     "the note tells");
		pledge_refuse_enrolment(pledge, attempt, now, message->why ? message->why : &why);
		return;
	}
	attempt->key = berth_key_ref(message->key);
	if (!pledge_make_enrolment(pledge, attempt, now)) {
		return;
	}
	pledge_send(attempt, WAIT_CERTIFICATE, now, BERTH_EST_SIMPLEENROLL_PATH,
		    BERTH_EST_MEDIA_PKCS10, BERTH_EST_MEDIA_CERTS);
	if (!attempt->is_connected) {
		/* The connection went while the key was made: the wait's end brings it back. */
		attempt->has_output = false;
		attempt->wait = WAIT_CERTIFICATE_TIME;
		attempt->deadline = now.mono;
	}
}

static struct berth_cert *
find_ours(const struct berth_cert_list *list, const struct berth_key *key)
{
	for (size_t i = 0; i < list->n; i++) {
		if (berth_key_equal(berth_cert_key(list->at[i]), key)) {
			return list->at[i];
		}
	}
	return NULL;
}

static enum berth_err
check_issued(struct berth_pledge *pledge, const struct berth_cert *issued, struct berth_why *why)
{
	if (!issued) {
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.9.3-other-key",
				  "RFC 8995 5.9.3",
				  "the registrar sent no certificate for the key of this request");
	}
	if (berth_cert_is_ca(issued)) {
		return berth_fail(why, BERTH_E_UNTRUSTED, "rfc8995-5.9.3-is-ca", "RFC 8995 5.9.3",
				  "the issued certificate is a CA certificate");
	}
	const struct berth_bytes serial = berth_cert_subject_serial_number(issued);
	if (serial.n && !berth_bytes_equal(serial, pledge->serial_number)) {
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.9.3-other-device",
				  "RFC 8995 5.9.3",
				  "the issued certificate names another device's serial number");
	}
	return BERTH_OK;
}

/* The certificate first, then what is between it and the anchor; a self-issued anchor is known to all. */
static enum berth_err
keep_path(struct pledge_attempt *attempt, const struct berth_cert_list *path,
	  const struct berth_cert_list *known, struct berth_why *why)
{
	for (size_t i = 0; i < path->n; i++) {
		struct berth_cert *cert = berth_cert_list_uncross(known, path->at[i]);
		if (i > 0 && berth_cert_is_self_issued(cert)) {
			break;
		}
		enum berth_err err = berth_cert_list_add(&attempt->issued, cert, why);
		if (err) {
			return err;
		}
		if (cert != path->at[i]) {
			break; /* what follows is another key's */
		}
	}
	return BERTH_OK;
}

/* req: rfc8995-5.9.3-p1 */
static enum berth_err
take_certificate(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
		 const struct berth_http_response *response, struct berth_why *why)
{
	BERTH_CERT_LIST sent = {0};
	enum berth_err err = berth_est_certs_parse(pledge->env.pki, response->media_type,
						   response->body, &sent, why);
	if (err) {
		return err;
	}
	const struct berth_cert *ours = find_ours(&sent, attempt->key);
	err = check_issued(pledge, ours, why);
	if (err) {
		return err;
	}
	for (size_t i = 0; i < attempt->ca_set.n && !err; i++) {
		err = berth_cert_list_add(&sent, attempt->ca_set.at[i], why);
	}
	if (err) {
		return err;
	}
	const struct berth_path_check check = {.leaf = ours,
					       .untrusted = &sent,
					       .anchors = &attempt->ca_set,
					       .at = now.wall,
					       .ignore_time = !now.wall_is_trusted};
	BERTH_CERT_LIST path = {0};
	err = berth_path_verify(pledge->env.pki, &check, &path, why);
	return err ? err : keep_path(attempt, &path, &sent, why);
}

static void
ask_to_save(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now)
{
	struct berth_pledge_enrolment *enrolment = &attempt->enrolment;
	enrolment->chain = &attempt->issued;
	enrolment->ca_set = &attempt->ca_set;
	enrolment->pinned = attempt->pinned;
	enrolment->registrar = attempt->registrar.at[0];
	enrolment->domain_id_bytes =
		berth_cert_domain_id(pledge->env.pki, attempt->pinned, enrolment->domain_id);
	pledge_note(pledge, attempt, BERTH_PLEDGE_NOTE_CERTIFICATE_ACCEPTED, NULL);
	pledge_emit(pledge, attempt, BERTH_PLEDGE_SAVE);
	pledge_wait_for(attempt, WAIT_SAVED, now);
}

/* req: rfc7030-4.2.3-client-waits */
void
pledge_on_certificate(struct berth_pledge *pledge, struct pledge_attempt *attempt,
		      struct berth_now now, const struct pledge_message *message)
{
	const struct berth_http_response *response = message->response;
	if (response->status == 202) {
		pledge_wait_retry(pledge, attempt, WAIT_CERTIFICATE_TIME, now,
				  response->retry_after_s);
		return;
	}
	if (response->status != 200) {
		refuse_status(pledge, attempt, now, "simpleenroll", response->status);
		return;
	}
	struct berth_why why = {0};
	if (take_certificate(pledge, attempt, now, response, &why)) {
		pledge_refuse_enrolment(pledge, attempt, now, &why);
		return;
	}
	ask_to_save(pledge, attempt, now);
}

void
pledge_on_enroll_refusal_replied(struct berth_pledge *pledge, struct pledge_attempt *attempt,
				 struct berth_now now, const struct pledge_message *message)
{
	(void)message;
	struct berth_why why;
	berth_ignore(berth_fail(&why, attempt->is_put_off ? BERTH_E_UNREACHABLE : BERTH_E_DENIED,
				"rfc8995-5.9-not-enrolled", "RFC 8995 5.9",
				"no certificate from this registrar"),
		     "the note tells");
	pledge_attempt_fail(pledge, attempt, now, &why);
}
