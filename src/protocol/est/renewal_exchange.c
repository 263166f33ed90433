/* SPDX-License-Identifier: BSD-2-Clause */
/* One contact with the registrar: who it is, its CA certificates, its advice, and the renewal itself. */
#include "pki/request.h"
#include "protocol/est/client.h"
#include "protocol/est/renewal_internal.h"

#define ATTRIBUTES_MAX_BYTES ((size_t)64 << 10)

static void
get(struct berth_renewal *x, struct berth_now now, enum renewal_wait wait, const char *path,
    const char *accept)
{
	x->request = (struct berth_http_request){
		.method = BERTH_HTTP_GET, .path = berth_text(path), .accept = berth_text(accept)};
	x->has_output = true;
	renewal_wait(x, wait, now);
}

/* ---- who answers ---- */

static enum berth_err
verify(const struct berth_renewal *x, struct berth_now now, const struct berth_cert_list *anchors,
       bool ignore_time, struct berth_cert_list *path, struct berth_why *why)
{
	struct berth_wall time = {0};
	const enum renewal_clock clock = renewal_clock(x, now, &time);
	const struct berth_path_check check = {
		.leaf = x->server.at[0],
		.untrusted = &x->server,
		.anchors = anchors,
		.at = time,
		.ignore_time = ignore_time || clock != RENEWAL_CLOCK_WITHIN,
		.require_eku = BERTH_EKU_CMC_RA,
		.require_eku_present = true,
	};
	return berth_path_verify(x->env.pki, &check, path, why);
}

/* req: rfc7030-3.6.1-device */
static enum berth_err
check_server(struct berth_renewal *x, struct berth_now now, struct berth_why *why)
{
	enum berth_err err = verify(x, now, &x->ca_set, false, &x->server_path, why);
	/* Nobody shows a certificate of tomorrow: then it is our clock that is behind. */
	if (err == BERTH_E_EXPIRED && strcmp(why->rule, "x509-not-yet-valid") == 0) {
		x->doubts_clock = true;
		renewal_note(x, BERTH_RENEWAL_NOTE_CLOCK, why);
		err = verify(x, now, &x->ca_set, true, &x->server_path, why);
	}
	return err;
}

/* A request that was linked to another connection is made again for this one. */
/* req: rfc7030-4.2.3-device-links-anew */
static enum berth_err
link_to(struct berth_renewal *x, const struct berth_tls_facts *tls, struct berth_why *why)
{
	berth_buf_clear(&x->link);
	if (x->attributes.want_challenge_password) {
		berth_buf_clear(&x->body);
	}
	return berth_est_link_text(tls, &x->link)
		       ? berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory")
		       : BERTH_OK;
}

static bool
accept_server(struct berth_renewal *x, struct berth_now now, const struct renewal_message *message)
{
	struct berth_why why = {0};
	berth_cert_list_free(&x->server);
	berth_cert_list_free(&x->server_path);
	enum berth_err err = berth_cert_list_from_chain(x->env.pki, message->tls->peer_chain,
							message->tls->peer_count, &x->server, &why);
	if (!err && x->server.n == 0) {
		err = berth_fail(&why, BERTH_E_UNTRUSTED, "est-renewal-no-server", "RFC 7030 3.6",
				 "the server showed no certificate");
	}
	err = err ? err : check_server(x, now, &why);
	err = err ? err : link_to(x, message->tls, &why);
	if (err) {
		const struct renewal_message lost = {.why = &why};
		renewal_on_certificate_lost(x, now, &lost);
		return false;
	}
	x->is_connected = true;
	return true;
}

void
renewal_on_connected(struct berth_renewal *x, struct berth_now now,
		     const struct renewal_message *message)
{
	if (accept_server(x, now, message)) {
		renewal_check_revocation(x, now);
	}
}

void
renewal_ask_ca_certificates(struct berth_renewal *x, struct berth_now now)
{
	get(x, now, RENEWAL_WAIT_CA_CERTIFICATES, BERTH_EST_CACERTS_PATH, BERTH_EST_MEDIA_CERTS);
}

/* ---- CA certificates: RFC 7030 4.1 ---- */

static bool
same_set(const struct berth_cert_list *a, const struct berth_cert_list *b)
{
	for (size_t i = 0; i < a->n; i++) {
		if (!berth_cert_list_has(b, a->at[i])) {
			return false;
		}
	}
	return a->n == b->n;
}

/*
 * The connection is authenticated with the old set, so what comes over it is the owner's (RFC 7030 4.1.3). It must
 * vouch for this very registrar too, or the next connection would fail; and it holds CA certificates alone.
 */
/* req: rfc7030-4.1.3-device */
static enum berth_err
check_ca_set(struct berth_renewal *x, struct berth_now now, struct berth_why *why)
{
	for (size_t i = 0; i < x->next_ca_set.n; i++) {
		if (!berth_cert_is_ca(x->next_ca_set.at[i])) {
			return berth_fail(why, BERTH_E_UNTRUSTED, "rfc7030-4.1.3-not-a-ca",
					  "RFC 7030 4.1.3",
					  "the CA certificates include one that is no CA");
		}
	}
	if (verify(x, now, &x->next_ca_set, x->doubts_clock, NULL, NULL)) {
		return berth_fail(why, BERTH_E_UNTRUSTED, "rfc7030-4.1.3-not-vouched",
				  "RFC 7030 4.1.3",
				  "the new CA certificates do not lead to the registrar that sent "
				  "them: the old ones stay");
	}
	return BERTH_OK;
}

static void
ask_advice(struct berth_renewal *x, struct berth_now now)
{
	char id[BERTH_RENEWAL_INFO_ID_MAX];
	size_t n = sizeof(BERTH_EST_RENEWAL_INFO_PATH) - 1;
	memcpy(x->path, BERTH_EST_RENEWAL_INFO_PATH, n + 1);
	if (!berth_renewal_info_id(x->chain.at[0], id, NULL) && id[0]) {
		x->path[n] = '/';
		memcpy(x->path + n + 1, id, strlen(id) + 1);
	}
	get(x, now, RENEWAL_WAIT_ADVICE, x->path, BERTH_EST_MEDIA_RENEWAL_INFO);
}

void
renewal_on_ca_certificates(struct berth_renewal *x, struct berth_now now,
			   const struct renewal_message *message)
{
	const struct berth_http_response *response = message->response;
	struct berth_why why = {0};
	enum berth_err err = BERTH_OK;
	if (response->status == 200) {
		err = berth_est_certs_parse(x->env.pki, response->media_type, response->body,
					    &x->next_ca_set, &why);
		const bool is_new = !err && !same_set(&x->next_ca_set, &x->ca_set);
		err = is_new ? check_ca_set(x, now, &why) : err;
		if (err) {
			renewal_note(x, BERTH_RENEWAL_NOTE_CA_SET_REFUSED, &why);
			berth_cert_list_free(&x->next_ca_set); /* nobody takes it for the old one */
		}
		if (is_new && !err) {
			const struct berth_cert_list old = x->ca_set;
			x->ca_set = x->next_ca_set;
			x->next_ca_set = old; /* until the new one is saved */
		}
		if ((is_new && !err) || x->place != x->home) {
			renewal_emit(x, BERTH_RENEWAL_SAVE);
			renewal_wait(x, RENEWAL_WAIT_CA_SAVED, now);
			return;
		}
	}
	ask_advice(x, now);
}

void
renewal_on_ca_saved(struct berth_renewal *x, struct berth_now now,
		    const struct renewal_message *message)
{
	if (message->err) {
		if (x->next_ca_set.n) {
			berth_cert_list_free(&x->ca_set);
			x->ca_set = x->next_ca_set;
			x->next_ca_set = (struct berth_cert_list){0};
		}
		renewal_fail(x, now, message->why, -1);
		return;
	}
	x->home = x->place;
	if (x->next_ca_set.n && !same_set(&x->next_ca_set, &x->ca_set)) {
		renewal_note(x, BERTH_RENEWAL_NOTE_CA_SET, NULL);
	}
	if (!x->is_connected) { /* it went meanwhile: what is saved is saved */
		renewal_rest(x, now);
		return;
	}
	ask_advice(x, now);
}

/* ---- advice ---- */

static void
take_advice(struct berth_renewal *x, struct berth_now now,
	    const struct berth_http_response *response)
{
	struct berth_renewal_info info;
	struct berth_why why = {0};
	x->retry_after_s = response->retry_after_s;
	if (berth_renewal_info_parse(response->media_type, response->body, &info, &why)) {
		renewal_note(x, BERTH_RENEWAL_NOTE_FAILED, &why); /* our own plan holds */
		return;
	}
	if (renewal_clock_advise(x, now, &info) && info.explanation[0]) {
		berth_ignore(berth_fail(&why, BERTH_E_PENDING, "est-renewal-advised", NULL, "%s",
					info.explanation),
			     "the note tells");
		renewal_note(x, BERTH_RENEWAL_NOTE_ADVISED, &why);
	}
}

void
renewal_on_advice(struct berth_renewal *x, struct berth_now now,
		  const struct renewal_message *message)
{
	const struct berth_http_response *response = message->response;
	if (response->status == 401 || response->status == 403) {
		renewal_refused(x, now, response, "renewal-info");
		return;
	}
	if (response->status == 200) {
		take_advice(x, now, response);
	} /* else: a registrar that gives none */
	if (!renewal_is_due(x, now)) {
		renewal_rest(x, now);
		return;
	}
	x->is_renewing = true;
	renewal_note(x, BERTH_RENEWAL_NOTE_BEGINS, NULL);
	get(x, now, RENEWAL_WAIT_CSR_ATTRIBUTES, BERTH_EST_CSRATTRS_PATH, BERTH_EST_MEDIA_CSRATTRS);
}

/* ---- the new certificate ---- */

void
renewal_on_csr_attributes(struct berth_renewal *x, struct berth_now now,
			  const struct renewal_message *message)
{
	const struct berth_http_response *response = message->response;
	struct berth_why why = {0};
	enum berth_err err = BERTH_OK;
	if (response->status == 200) {
		berth_arena_start(&x->attributes_memory, ATTRIBUTES_MAX_BYTES);
		err = berth_est_csrattrs_parse(response->media_type, response->body,
					       &x->attributes_memory, &x->attributes, &why);
	} else if (response->status != 204 && response->status != 404) {
		renewal_refused(x, now, response, "csrattrs");
		return;
	}
	if (!err && x->attributes.key && strcmp(x->attributes.key, x->key_kind) != 0) {
		err = berth_fail(&why, BERTH_E_UNSUPPORTED, "rfc9908-3.4-key", "RFC 9908 3.4",
				 "the registrar asks for a key of kind %s; this device makes %s",
				 x->attributes.key, x->key_kind);
	}
	if (err) {
		renewal_fail(x, now, &why, -1);
		return;
	}
	x->has_key = true; /* from here on there may be one to forget */
	renewal_emit(x, BERTH_RENEWAL_GENERATE_KEY);
	renewal_wait(x, RENEWAL_WAIT_KEY, now);
}

/* req: rfc7030-4.2.2-device-subject */
static enum berth_err
build_request(struct berth_renewal *x, struct berth_why *why)
{
	const struct berth_cert *own = x->chain.at[0];
	struct berth_bytes names[BERTH_REQUEST_NAMES_MAX];
	size_t name_count = 0;
	while (name_count < BERTH_REQUEST_NAMES_MAX && berth_cert_dns_name(own, name_count).n > 0) {
		names[name_count] = berth_cert_dns_name(own, name_count);
		name_count++;
	}
	const struct berth_request_fields fields = {
		.subject = berth_cert_subject_der(own),
		.dns_names = names,
		.dns_name_count = name_count,
		.challenge_password = x->attributes.want_challenge_password
					      ? berth_buf_view(&x->link)
					      : BERTH_BYTES_NONE,
	};
	BERTH_BUF der = {0};
	if (x->attributes.want_challenge_password && x->link.n == 0) {
		return berth_fail(why, BERTH_E_UNSUPPORTED, "rfc7030-3.5-no-binding",
				  "RFC 7030 3.5",
				  "the registrar wants requests that are linked to their "
				  "connection, and TLS told no channel binding");
	}
	enum berth_err err = berth_request_build(x->env.pki, &fields, x->next_key, &der, why);
	if (err) {
		return err;
	}
	berth_buf_clear(&x->body);
	err = berth_est_enroll_body(berth_buf_view(&der), &x->body);
	return err ? berth_fail(why, err, "rfc7030-4.2-body", "RFC 7030 4.2",
				"the request does not fit its limit")
		   : BERTH_OK;
}

void
renewal_send_request(struct berth_renewal *x, struct berth_now now)
{
	struct berth_why why = {0};
	if (x->body.n == 0 && build_request(x, &why)) {
		renewal_fail(x, now, &why, -1);
		return;
	}
	x->request = (struct berth_http_request){
		.method = BERTH_HTTP_POST,
		.path = berth_text(BERTH_EST_SIMPLEREENROLL_PATH),
		.media_type = berth_text(BERTH_EST_MEDIA_PKCS10),
		.accept = berth_text(BERTH_EST_MEDIA_CERTS),
		.body = berth_buf_view(&x->body),
	};
	x->has_output = true;
	renewal_wait(x, RENEWAL_WAIT_CERTIFICATE, now);
}

void
renewal_on_key(struct berth_renewal *x, struct berth_now now, const struct renewal_message *message)
{
	struct berth_why why = {0};
	if (message->err || !message->key) {
		berth_ignore(berth_fail(&why, BERTH_E_CRYPTO, "est-renewal-no-key", NULL,
					"the device could not make a key"),
			     "the note tells");
		renewal_fail(x, now, message->why ? message->why : &why, -1);
		return;
	}
	x->next_key = berth_key_ref(message->key);
	x->patience_until = berth_mono_after_ms(now.mono, (int64_t)BERTH_RENEWAL_PATIENCE_S * 1000);
	if (x->is_connected) {
		renewal_send_request(x, now);
	} else {
		renewal_connect(x, RENEWAL_WAIT_RECONNECTION, now);
	}
}

void
renewal_on_certificate_lost(struct berth_renewal *x, struct berth_now now,
			    const struct renewal_message *message)
{
	struct berth_why why;
	berth_ignore(berth_fail(&why, BERTH_E_UNREACHABLE, "est-renewal-lost", NULL,
				"the connection was lost before the certificate came"),
		     "the note tells");
	const bool has_request = x->next_key != NULL;
	x->reconnects++;
	if (!has_request || x->reconnects > BERTH_RENEWAL_RECONNECTS_MAX) {
		renewal_fail_to_reach(x, now,
				      message->why && message->why->err ? message->why : &why);
		return;
	}
	/* The same request again gets the certificate that was made for it. */
	renewal_emit(x, BERTH_RENEWAL_CLOSE);
	x->is_connected = false;
	x->has_output = false;
	x->wait = RENEWAL_WAIT_CERTIFICATE_TIME;
	x->deadline = berth_mono_after_ms(now.mono, (int64_t)1000 << x->reconnects);
}

void
renewal_on_certificate_time(struct berth_renewal *x, struct berth_now now,
			    const struct renewal_message *message)
{
	(void)message;
	if (x->is_connected) {
		renewal_send_request(x, now);
	} else {
		renewal_connect(x, RENEWAL_WAIT_RECONNECTION, now);
	}
}

void
renewal_on_reconnected(struct berth_renewal *x, struct berth_now now,
		       const struct renewal_message *message)
{
	if (accept_server(x, now, message)) {
		renewal_check_revocation(x, now);
	}
}

static void
wait_for_approval(struct berth_renewal *x, struct berth_now now, int32_t retry_after_s)
{
	if (now.mono.ms >= x->patience_until.ms) {
		struct berth_why why;
		berth_ignore(berth_fail(&why, BERTH_E_TIMEOUT, "est-renewal-patience",
					"RFC 7030 4.2.3",
					"the registrar asked to wait for four days: given up"),
			     "the note tells");
		renewal_fail(x, now, &why, -1);
		return;
	}
	int64_t wait_s = retry_after_s;
	if (wait_s < 0 || wait_s > BERTH_RENEWAL_WAIT_MAX_S) {
		wait_s = BERTH_RENEWAL_WAIT_MAX_S;
	}
	if (!x->has_waited) {
		renewal_note(x, BERTH_RENEWAL_NOTE_WAITS, NULL);
	}
	x->has_waited = true;
	x->reconnects = 0;
	x->wait = RENEWAL_WAIT_CERTIFICATE_TIME;
	x->deadline = berth_mono_after_ms(now.mono, (wait_s == 0 ? 1 : wait_s) * 1000);
}

/* req: rfc7030-4.2.3-device-certificate */
static enum berth_err
check_issued(const struct berth_renewal *x, const struct berth_cert *issued, struct berth_why *why)
{
	const struct berth_cert *own = x->chain.at[0];
	if (!issued) {
		return berth_fail(why, BERTH_E_MISMATCH, "rfc7030-4.2.3-other-key",
				  "RFC 7030 4.2.3",
				  "the registrar sent no certificate for the key of this request");
	}
	if (berth_cert_is_ca(issued)) {
		return berth_fail(why, BERTH_E_UNTRUSTED, "rfc7030-4.2.3-is-ca", "RFC 7030 4.2.3",
				  "the issued certificate is a CA certificate");
	}
	if (!berth_bytes_equal(berth_cert_subject_serial_number(issued),
			       berth_cert_subject_serial_number(own))) {
		return berth_fail(why, BERTH_E_MISMATCH, "rfc7030-4.2.2-other-device",
				  RENEWAL_SECTION,
				  "the issued certificate names another device's serial number");
	}
	return BERTH_OK;
}

static enum berth_err
keep_path(struct berth_renewal *x, const struct berth_cert_list *path,
	  const struct berth_cert_list *known, struct berth_why *why)
{
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; i < path->n && !err; i++) {
		struct berth_cert *cert = berth_cert_list_uncross(known, path->at[i]);
		if (i > 0 && berth_cert_is_self_issued(cert)) {
			break;
		}
		err = berth_cert_list_add(&x->issued, cert, why);
		if (cert != path->at[i]) {
			break; /* what follows is another key's */
		}
	}
	return err;
}

static enum berth_err
take_certificate(struct berth_renewal *x, struct berth_now now,
		 const struct berth_http_response *response, struct berth_why *why)
{
	BERTH_CERT_LIST sent = {0};
	BERTH_CERT_LIST path = {0};
	struct berth_wall time = {0};
	const enum renewal_clock clock = renewal_clock(x, now, &time);
	const struct berth_cert *ours = NULL;
	enum berth_err err =
		berth_est_certs_parse(x->env.pki, response->media_type, response->body, &sent, why);
	for (size_t i = 0; !err && i < sent.n && !ours; i++) {
		ours = berth_key_equal(berth_cert_key(sent.at[i]), x->next_key) ? sent.at[i] : NULL;
	}
	err = err ? err : check_issued(x, ours, why);
	for (size_t i = 0; !err && i < x->ca_set.n; i++) {
		err = berth_cert_list_add(&sent, x->ca_set.at[i], why);
	}
	if (err) {
		return err;
	}
	const struct berth_path_check check = {
		.leaf = ours,
		.untrusted = &sent,
		.anchors = &x->ca_set,
		.ignore_time = clock != RENEWAL_CLOCK_WITHIN,
		.at = time,
	};
	err = berth_path_verify(x->env.pki, &check, &path, why);
	return err ? err : keep_path(x, &path, &sent, why);
}

void
renewal_on_certificate(struct berth_renewal *x, struct berth_now now,
		       const struct renewal_message *message)
{
	const struct berth_http_response *response = message->response;
	struct berth_why why = {0};
	if (response->status == 202) {
		wait_for_approval(x, now, response->retry_after_s);
		return;
	}
	if (response->status != 200) {
		renewal_refused(x, now, response, "simplereenroll");
		return;
	}
	if (take_certificate(x, now, response, &why)) {
		renewal_fail(x, now, &why, -1);
		return;
	}
	renewal_emit(x, BERTH_RENEWAL_SAVE);
	renewal_wait(x, RENEWAL_WAIT_SAVED, now);
}

void
renewal_on_saved(struct berth_renewal *x, struct berth_now now,
		 const struct renewal_message *message)
{
	if (message->err) {
		renewal_fail(x, now, message->why, -1);
		return;
	}
	x->has_key = false; /* it is the device's now */
	x->home = x->place;
	berth_cert_list_free(&x->chain);
	x->chain = x->issued;
	x->issued = (struct berth_cert_list){0};
	berth_key_free(x->key);
	x->key = x->next_key;
	x->next_key = NULL;
	renewal_note(x, BERTH_RENEWAL_NOTE_RENEWED, NULL);
	renewal_clock_plan(x, now, true);
	renewal_rest(x, now);
}
