/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/est/server.h"

#include "base/base64.h"
#include "base/secret.h"
#include "pki/cms.h"
#include "protocol/est/basic.h"
#include "protocol/est/client.h"

#include <stdio.h>

#define FAILURE_RETRY_S 10 /* after too many wrong passwords */
#define MEDIA_CERTS_REPLY BERTH_EST_MEDIA_CERTS "; smime-type=certs-only"

static enum berth_err
encode_both(const struct berth_buf *der, struct berth_buf body[3])
{
	enum berth_err err = berth_est_body_encode(berth_buf_view(der), BERTH_EST_LAYOUT_LINE,
						   &body[BERTH_EST_LAYOUT_LINE]);
	return err ? err
		   : berth_est_body_encode(berth_buf_view(der), BERTH_EST_LAYOUT_WRAPPED,
					   &body[BERTH_EST_LAYOUT_WRAPPED]);
}

/*
 * What this client is to ask for. names NULL: of nobody in particular: a device puts its own serial number, and what it
 * leaves out is put in.
 */
/* req: rfc7030-4.5.2-attributes */
static enum berth_err
build_attrs(const struct berth_est_conf *conf, const struct berth_est_profile *profile,
	    const struct berth_est_names *names, struct berth_buf *der, struct berth_why *why)
{
	struct berth_csrattrs attrs = profile->attrs;
	attrs.organization = names == NULL ? conf->organization : names->organization;
	if (names != NULL) {
		attrs.want_common_name = true;
		attrs.want_dns_names = false;
		attrs.common_name = names->common_name;
		attrs.want_serial_number = names->serial_number.n > 0;
		attrs.serial_number = names->serial_number;
		attrs.unit = names->unit;
		memcpy(attrs.dns_names, names->dns_names, sizeof(attrs.dns_names));
		attrs.dns_name_count = names->dns_name_count;
	}
	return berth_csrattrs_build(&attrs, profile->style, der, why);
}

enum berth_err
berth_est_conf_build(struct berth_est_conf *conf, struct berth_why *why)
{
	BERTH_BUF certs = {0};
	enum berth_err err = berth_cms_certs_build(conf->pki, conf->cacerts, &certs, why);
	if (err)
		return err;
	err = encode_both(&certs, conf->cacerts_body);
	for (size_t i = 0; !err && i < conf->profile_count; i++) {
		BERTH_BUF attrs = {0};
		err = build_attrs(conf, &conf->profiles[i], NULL, &attrs, why);
		if (err)
			return err;
		err = encode_both(&attrs, conf->profiles[i].csrattrs_body);
	}
	return err ? berth_fail(why, err, "memory", NULL, "out of memory") : BERTH_OK;
}

void
berth_est_conf_free(struct berth_est_conf *conf)
{
	for (size_t i = 0; i < 3; i++) {
		berth_buf_free(&conf->cacerts_body[i]);
		for (size_t k = 0; k < conf->profile_count; k++)
			berth_buf_free(&conf->profiles[k].csrattrs_body[i]);
	}
}

const struct berth_est_profile *
berth_est_profile_find(const struct berth_est_conf *conf, struct berth_bytes label)
{
	for (size_t i = 0; i < conf->profile_count; i++)
		if (berth_bytes_equal_text(label, conf->profiles[i].name))
			return &conf->profiles[i];
	return NULL;
}

/* ---- the machine ---- */

void
berth_est_start(struct berth_est *x, const struct berth_est_conf *conf,
		const struct berth_est_profile *profile, enum berth_est_operation operation,
		const struct berth_peer *peer, const struct berth_tls_facts *tls)
{
	*x = (struct berth_est){
		.peer = peer,
		.profile = profile,
		.operation = operation,
		.conf = conf,
		.tls = tls,
		.response = {.retry_after_s = -1},
	};
	berth_decision_start(&x->decision);
}

void
berth_est_end(struct berth_est *x)
{
	berth_request_freep(&x->request);
	berth_buf_free(&x->body);
}

static enum berth_est_event
end(struct berth_est *x, int status, const char *media_type, struct berth_bytes body)
{
	x->response = (struct berth_http_response){
		.status = status,
		.media_type = berth_text(media_type),
		.retry_after_s = -1,
		.body = body,
	};
	x->state = BERTH_EST_END;
	return x->state;
}

/* req: rfc7030-4.2.3-error, rfc8951-3.4-errors */
static enum berth_est_event
refuse(struct berth_est *x, int status)
{
	berth_decision_fail(&x->decision, &x->why);
	int n = snprintf(x->text, sizeof(x->text), "%s (%s)\n", x->why.sentence, x->why.rule);
	size_t length = (size_t)n < sizeof(x->text) ? (size_t)n : sizeof(x->text) - 1;
	return end(x, status, "text/plain; charset=utf-8", berth_bytes_of(x->text, length));
}

static enum berth_est_event
out_of_turn(struct berth_est *x)
{
	berth_ignore(berth_fail(&x->why, BERTH_E_STATE, "est-state", NULL,
				"the EST machine was told something that it did not ask for"),
		     "the reason is the result");
	return refuse(x, 500);
}

/* req: rfc8951-3.1-layout, rfc7030-4.2.3-certificate */
static enum berth_est_event
reply_with_certificate(struct berth_est *x, struct berth_bytes der)
{
	BERTH_BUF certs = {0};
	enum berth_err err = berth_cms_certs_wrap(der, &certs, &x->why);
	if (!err && berth_est_body_encode(berth_buf_view(&certs), x->layout, &x->body))
		err = berth_fail(&x->why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	if (err)
		return refuse(x, 500);
	berth_decision_set(&x->decision, BERTH_OUTCOME_ALLOW);
	return end(x, 200, MEDIA_CERTS_REPLY, berth_buf_view(&x->body));
}

/* req: rfc7030-4.2-client */
static enum berth_err
know_device(struct berth_est *x)
{
	const struct berth_peer *peer = x->peer;
	if (peer->kind == BERTH_PEER_IDEVID) {
		x->client = BERTH_EST_CLIENT_DEVICE;
		berth_decision_pass(&x->decision, "rfc8995-5.9-client", "RFC 8995 5.9",
				    "IDevID of %s, serial number %.*s", peer->manufacturer->name,
				    (int)peer->serial_number.n,
				    (const char *)peer->serial_number.p);
		return berth_est_names_of_device(x->conf->pki, berth_peer_issuer(peer),
						 peer->serial_number, x->conf->organization,
						 &x->names, &x->why);
	}
	if (peer->kind == BERTH_PEER_LDEVID)
		return berth_fail(
			&x->why, BERTH_E_UNTRUSTED, "rfc8995-5.9-not-an-idevid", "RFC 8995 5.9",
			"a first certificate is asked for with the birth certificate (IDevID); "
			"to renew this one, post to simplereenroll");
	x->why = peer->why;
	return x->why.err;
}

/* req: rfc7030-4.2.2-client */
static enum berth_err
know_holder(struct berth_est *x)
{
	const struct berth_peer *peer = x->peer;
	if (peer->kind != BERTH_PEER_LDEVID) {
		if (peer->kind == BERTH_PEER_IDEVID)
			return berth_fail(
				&x->why, BERTH_E_UNTRUSTED, "rfc7030-4.2.2-client",
				"RFC 7030 4.2.2",
				"a certificate is renewed by who shows it in TLS; a birth "
				"certificate (IDevID) is not renewed here");
		x->why = peer->why;
		return x->why.err;
	}
	x->client = BERTH_EST_CLIENT_RENEWAL;
	berth_decision_pass(&x->decision, "rfc7030-4.2.2-client", "RFC 7030 4.2.2",
			    "the client shows the certificate to be renewed, %.120s",
			    berth_cert_subject_text(berth_peer_cert(peer)));
	return BERTH_OK;
}

static enum berth_err
check_names(struct berth_est *x)
{
	struct berth_csrattrs attrs = x->profile->attrs;
	if (x->client == BERTH_EST_CLIENT_RENEWAL) {
		attrs.want_serial_number = false; /* the subject is the old one */
		enum berth_err err = berth_est_renewal_check(x->request, &attrs,
							     berth_peer_cert(x->peer), &x->why);
		if (!err)
			berth_decision_pass(&x->decision, "rfc7030-4.2.2-subject", "RFC 7030 4.2.2",
					    "subject and alternative names are those of the "
					    "certificate to be renewed");
		return err;
	}
	attrs.want_serial_number &= x->names.serial_number.n > 0;
	enum berth_err err = berth_est_request_check(x->request, &attrs, &x->names, &x->why);
	if (!err)
		berth_decision_pass(&x->decision, "rfc8995-5.9.3-csr", "RFC 8995 5.9.3",
				    "the request answers csrattrs, names the client alone and "
				    "asks for no authority");
	return err;
}

/* What RFC 7030 3.5 calls linking identity and possession: the request was made on this very connection. */
/* req: rfc7030-3.5-link, rfc9266-3-exporter */
static enum berth_err
check_link(struct berth_est *x)
{
	struct berth_bytes said = berth_request_challenge_password(x->request);
	struct berth_bytes binding = BERTH_BYTES_NONE;
	BERTH_BUF wanted = {0};
	if (said.n == 0 && !x->profile->needs_link)
		return BERTH_OK;
	if (said.n == 0)
		return berth_fail(&x->why, BERTH_E_DENIED, "rfc7030-3.5-link-missing",
				  "RFC 7030 3.5",
				  "the request is not linked to its connection: put the channel "
				  "binding in base64 into challengePassword (tls-unique with TLS "
				  "1.2, tls-exporter of RFC 9266 with 1.3)");
	if (x->tls != NULL)
		binding = x->tls->tls_unique.n > 0 ? x->tls->tls_unique : x->tls->exporter;
	if (berth_base64_encode(binding, 0, &wanted))
		return berth_fail(&x->why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	if (binding.n == 0 || !berth_bytes_equal_secretly(said, berth_buf_view(&wanted)))
		return berth_fail(&x->why, BERTH_E_DENIED, "rfc7030-3.5-link-mismatch",
				  "RFC 7030 3.5",
				  "the request's challengePassword is not this connection's "
				  "channel binding: it was made for another connection");
	berth_decision_pass(&x->decision, "rfc7030-3.5-link", "RFC 7030 3.5",
			    "the request was made on this TLS connection");
	return BERTH_OK;
}

static enum berth_est_event
read_request(struct berth_est *x, const struct berth_http_request *http)
{
	BERTH_BUF der = {.limit = BERTH_REQUEST_MAX_BYTES};
	enum berth_err err = berth_est_body_decode(http->body, &der, &x->why);
	if (!err)
		err = berth_request_parse(x->conf->pki, berth_buf_view(&der), &x->request, &x->why);
	if (err)
		return refuse(x, 400);
	berth_decision_pass(&x->decision, "rfc7030-3.4-possession", "RFC 7030 3.4",
			    "the request is signed with its own %s key",
			    berth_key_kind(berth_request_key(x->request)));
	err = check_link(x);
	if (!err)
		err = check_names(x);
	if (err)
		return refuse(x, err == BERTH_E_DENIED ? 403 : 400);
	if (berth_sha256(x->conf->pki, berth_key_spki(berth_request_key(x->request)),
			 x->key_digest) ||
	    berth_sha256(x->conf->pki, berth_request_der(x->request), x->request_digest)) {
		berth_ignore(berth_fail(&x->why, BERTH_E_CRYPTO, "sha256", NULL,
					"the digest could not be made"),
			     "the reason is the result");
		return refuse(x, 500);
	}
	x->state = BERTH_EST_NEED_PERMISSION;
	return x->state;
}

/* req: rfc7030-3.2.3-challenge */
static enum berth_est_event
challenge(struct berth_est *x)
{
	(void)refuse(x, 401);
	x->response.www_authenticate = BERTH_LIT(BERTH_EST_BASIC_CHALLENGE);
	return x->state;
}

/* req: rfc7030-3.2.4-types, rfc7030-4.2.1-pkcs10 */
static enum berth_est_event
enrol(struct berth_est *x, const struct berth_http_request *http)
{
	if (!berth_bytes_equal_nocase(http->media_type, BERTH_LIT(BERTH_EST_MEDIA_PKCS10))) {
		berth_ignore(berth_fail(&x->why, BERTH_E_UNSUPPORTED, "rfc7030-4.2.1-media-type",
					"RFC 7030 4.2.1", "send the request as %s",
					BERTH_EST_MEDIA_PKCS10),
			     "the reason is the result");
		return refuse(x, 415);
	}
	bool is_first = x->operation == BERTH_EST_SIMPLEENROLL;
	if (is_first && x->profile->takes_users && http->authorization.n > 0) {
		x->authorization = http->authorization;
		x->http = http;
		x->state = BERTH_EST_NEED_USER;
		return x->state;
	}
	enum berth_err err = is_first ? know_device(x) : know_holder(x);
	bool is_nobody = x->peer->kind == BERTH_PEER_NONE || x->peer->kind == BERTH_PEER_UNTRUSTED;
	if (err && is_first && is_nobody && x->profile->takes_users)
		return challenge(x);
	return err ? refuse(x, 403) : read_request(x, http);
}

enum berth_est_event
berth_est_answer_user(struct berth_est *x, const struct berth_est_names *names,
		      const struct berth_why *why)
{
	if (x->state != BERTH_EST_NEED_USER)
		return out_of_turn(x);
	x->authorization = BERTH_BYTES_NONE;
	if (names == NULL) {
		x->why = *why;
		if (why->err == BERTH_E_UNTRUSTED)
			return challenge(x);
		(void)refuse(x, why->err == BERTH_E_LIMIT ? 429 : 503);
		x->response.retry_after_s = FAILURE_RETRY_S;
		return x->state;
	}
	x->client = BERTH_EST_CLIENT_USER;
	x->names = *names;
	berth_decision_pass(&x->decision, "rfc7030-3.2.3-basic", "RFC 7030 3.2.3",
			    "the client has a user's name and password");
	return read_request(x, x->http);
}

/* req: rfc7030-4.3-fullcmc, rfc7030-4.4-serverkeygen */
static enum berth_est_event
not_served(struct berth_est *x)
{
	berth_ignore(
		berth_fail(&x->why, BERTH_E_UNSUPPORTED, "rfc7030-3.2.2-not-served",
			   "RFC 7030 3.2.2",
			   x->operation == BERTH_EST_SERVERKEYGEN
				   ? "keys are made where they are used, never here: make one, "
				     "then simpleenroll"
				   : "Full CMC is not served here: use simpleenroll or "
				     "simplereenroll"),
		"the reason is the result");
	return refuse(x, 501);
}

/* A client that TLS names is told its own names; the old style has no room for them, and is the same for all. */
/* req: rfc7030-4.5.1-anybody */
static enum berth_est_event
tell_attributes(struct berth_est *x)
{
	const struct berth_peer *peer = x->peer;
	BERTH_BUF der = {0};
	enum berth_err err = BERTH_E_UNSUPPORTED;
	if (peer != NULL && x->profile->style != BERTH_CSRATTRS_PLAIN) {
		if (peer->kind == BERTH_PEER_IDEVID)
			err = berth_est_names_of_device(x->conf->pki, berth_peer_issuer(peer),
							peer->serial_number, x->conf->organization,
							&x->names, &x->why);
		if (peer->kind == BERTH_PEER_LDEVID)
			err = berth_est_names_of_certificate(berth_peer_cert(peer), &x->names,
							     &x->why);
	}
	if (!err)
		err = build_attrs(x->conf, x->profile, &x->names, &der, &x->why);
	if (!err)
		err = berth_est_body_encode(berth_buf_view(&der), x->layout, &x->body);
	return end(x, 200, BERTH_EST_MEDIA_CSRATTRS,
		   err ? berth_buf_view(&x->profile->csrattrs_body[x->layout])
		       : berth_buf_view(&x->body));
}

enum berth_est_event
berth_est_input(struct berth_est *x, const struct berth_http_request *http)
{
	if (x->state != BERTH_EST_NEED_INPUT)
		return out_of_turn(x);
	bool is_get = x->operation == BERTH_EST_CACERTS || x->operation == BERTH_EST_CSRATTRS;
	enum berth_http_method wanted = is_get ? BERTH_HTTP_GET : BERTH_HTTP_POST;
	x->layout = berth_est_layout_for(http, x->conf->layout);
	if (http->method != wanted) {
		berth_ignore(berth_fail(&x->why, BERTH_E_UNSUPPORTED, "rfc7030-3.2.2-method",
					"RFC 7030 3.2.2", "this resource takes %s only",
					wanted == BERTH_HTTP_POST ? "POST" : "GET"),
			     "the reason is the result");
		return refuse(x, 405);
	}
	switch (x->operation) {
	case BERTH_EST_CACERTS: /* req: rfc7030-4.1.1-anybody, rfc7030-4.1-cacerts, rfc7030-4.1.3-certs-only */
		return end(x, 200, MEDIA_CERTS_REPLY,
			   berth_buf_view(&x->conf->cacerts_body[x->layout]));
	case BERTH_EST_CSRATTRS:
		return tell_attributes(x);
	case BERTH_EST_SERVERKEYGEN:
	case BERTH_EST_FULLCMC:
		return not_served(x);
	case BERTH_EST_SIMPLEENROLL:
	case BERTH_EST_SIMPLEREENROLL:
		break;
	}
	return enrol(x, http);
}

/* req: rfc7030-4.2.3-retry-after */
static enum berth_est_event
tell_to_wait(struct berth_est *x, const struct berth_est_permission *answer)
{
	int n = snprintf(x->text, sizeof(x->text), "%s\n", answer->why.sentence);
	x->why = answer->why;
	(void)end(x, 202, "text/plain; charset=utf-8",
		  berth_bytes_of(x->text, n > 0 ? (size_t)n : 0));
	x->response.retry_after_s = answer->retry_after_s;
	return x->state;
}

/* req: rfc8995-5.9-permission */
enum berth_est_event
berth_est_answer_permission(struct berth_est *x, const struct berth_est_permission *answer)
{
	if (x->state != BERTH_EST_NEED_PERMISSION)
		return out_of_turn(x);
	if (answer->why.err == BERTH_E_PENDING)
		return tell_to_wait(x, answer);
	if (answer->why.err != BERTH_OK) {
		x->why = answer->why;
		(void)refuse(x, answer->why.err == BERTH_E_LIMIT ? 429 : 403);
		x->response.retry_after_s = answer->retry_after_s > 0 ? answer->retry_after_s : -1;
		return x->state;
	}
	berth_decision_pass(&x->decision, "rfc8995-5.9-permission", "RFC 8995 5.9",
			    "the client may have a certificate for this key");
	if (answer->certificate.n > 0)
		return reply_with_certificate(x, answer->certificate);
	x->state = BERTH_EST_NEED_CERTIFICATE;
	return x->state;
}

enum berth_est_event
berth_est_answer_certificate(struct berth_est *x, struct berth_bytes der)
{
	if (x->state != BERTH_EST_NEED_CERTIFICATE)
		return out_of_turn(x);
	return reply_with_certificate(x, der);
}

enum berth_est_event
berth_est_fail(struct berth_est *x, const struct berth_why *why)
{
	x->why = *why;
	return refuse(x, why->err == BERTH_E_DENIED ? 403 : 503);
}
