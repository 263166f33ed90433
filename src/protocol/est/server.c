/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/est/server.h"

#include "pki/cms.h"
#include "protocol/est/client.h"

#include <stdio.h>

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

enum berth_err
berth_est_conf_build(struct berth_est_conf *conf, struct berth_why *why)
{
	BERTH_BUF certs = {0};
	BERTH_BUF attrs = {0};
	enum berth_err err = berth_cms_certs_build(conf->pki, conf->cacerts, &certs, why);
	if (!err)
		err = berth_csrattrs_build(&conf->attrs, &attrs, why);
	if (err)
		return err;
	err = encode_both(&certs, conf->cacerts_body);
	if (!err)
		err = encode_both(&attrs, conf->csrattrs_body);
	return err ? berth_fail(why, err, "memory", NULL, "out of memory") : BERTH_OK;
}

void
berth_est_conf_free(struct berth_est_conf *conf)
{
	for (size_t i = 0; i < 3; i++) {
		berth_buf_free(&conf->cacerts_body[i]);
		berth_buf_free(&conf->csrattrs_body[i]);
	}
}

void
berth_est_start(struct berth_est *x, const struct berth_est_conf *conf,
		enum berth_est_operation operation, const struct berth_peer *peer)
{
	*x = (struct berth_est){
		.peer = peer,
		.operation = operation,
		.conf = conf,
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

/* req: rfc8951-3.1-layout */
static enum berth_est_event
reply_with_certificate(struct berth_est *x, struct berth_bytes der)
{
	BERTH_CERT *cert = NULL;
	BERTH_CERT_LIST list = {0};
	BERTH_BUF certs = {0};
	enum berth_err err = berth_cert_parse(x->conf->pki, der, &cert, &x->why);
	if (!err)
		err = berth_cert_list_add(&list, cert, &x->why);
	if (!err)
		err = berth_cms_certs_build(x->conf->pki, &list, &certs, &x->why);
	if (!err && berth_est_body_encode(berth_buf_view(&certs), x->layout, &x->body))
		err = berth_fail(&x->why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	if (err)
		return refuse(x, 500);
	berth_decision_set(&x->decision, BERTH_OUTCOME_ALLOW);
	return end(x, 200, MEDIA_CERTS_REPLY, berth_buf_view(&x->body));
}

/* req: rfc7030-4.2-client */
static enum berth_err
check_client(struct berth_est *x)
{
	const struct berth_peer *peer = x->peer;
	if (peer->kind == BERTH_PEER_IDEVID) {
		berth_decision_pass(&x->decision, "rfc8995-5.9-client", "RFC 8995 5.9",
				    "IDevID of %s, serial number %.*s", peer->manufacturer->name,
				    (int)peer->serial_number.n,
				    (const char *)peer->serial_number.p);
		return BERTH_OK;
	}
	if (peer->kind == BERTH_PEER_LDEVID)
		return berth_fail(
			&x->why, BERTH_E_UNTRUSTED, "rfc8995-5.9-not-an-idevid", "RFC 8995 5.9",
			"a first certificate is asked for with the birth certificate (IDevID)");
	x->why = peer->why;
	return x->why.err;
}

/* req: rfc7030-3.7-subject */
enum berth_err
berth_est_request_check(const struct berth_request *request, const struct berth_csrattrs *attrs,
			struct berth_bytes serial_number, struct berth_why *why)
{
	struct berth_bytes said = berth_request_subject_serial_number(request);
	if (!berth_bytes_equal(said, serial_number))
		return berth_fail(
			why, BERTH_E_MISMATCH, "rfc8995-5.9.3-csr-serial-mismatch",
			"RFC 8995 5.9.3",
			"the request's subject has serialNumber \"%.*s\", not the device's own",
			said.n > 64 ? 64 : (int)said.n, (const char *)said.p);
	struct berth_bytes name = berth_request_subject_common_name(request);
	if (name.n > 0 && !berth_bytes_equal(name, serial_number))
		return berth_fail(why, BERTH_E_DENIED, "rfc8995-5.9.3-csr-foreign-name",
				  "RFC 8995 5.9.3",
				  "the request asks for commonName \"%.*s\", which is not the "
				  "device's serial number",
				  name.n > 64 ? 64 : (int)name.n, (const char *)name.p);
	if (berth_request_subject_attribute_count(request) > 1 + (size_t)(name.n > 0))
		return berth_fail(
			why, BERTH_E_DENIED, "rfc8995-5.9.3-csr-foreign-name", "RFC 8995 5.9.3",
			"the request's subject holds more than serialNumber and commonName");
	struct berth_bytes dns = berth_request_dns_name(request, 0);
	if (berth_request_has_other_names(request) || berth_request_dns_name(request, 1).n > 0 ||
	    (dns.n > 0 && !berth_bytes_equal_nocase(dns, attrs->dns_name)))
		return berth_fail(
			why, BERTH_E_DENIED, "rfc8995-5.9.3-csr-foreign-name", "RFC 8995 5.9.3",
			"the request asks for a subjectAltName that csrattrs did not give");
	if (berth_request_asks_authority(request))
		return berth_fail(why, BERTH_E_DENIED, "rfc8995-5.9.3-csr-authority",
				  "RFC 8995 5.9.3",
				  "the request asks for a CA certificate or for usages that "
				  "devices do not get");
	return berth_csrattrs_check(attrs, request, why);
}

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
	if (check_client(x))
		return refuse(x, 403);
	BERTH_BUF der = {.limit = BERTH_REQUEST_MAX_BYTES};
	enum berth_err err = berth_est_body_decode(http->body, &der, &x->why);
	if (!err)
		err = berth_request_parse(x->conf->pki, berth_buf_view(&der), &x->request, &x->why);
	if (err)
		return refuse(x, 400);
	berth_decision_pass(&x->decision, "rfc7030-3.4-possession", "RFC 7030 3.4",
			    "the request is signed with its own %s key",
			    berth_key_kind(berth_request_key(x->request)));
	err = berth_est_request_check(x->request, &x->conf->attrs, x->peer->serial_number, &x->why);
	if (err)
		return refuse(x, err == BERTH_E_DENIED ? 403 : 400);
	berth_decision_pass(
		&x->decision, "rfc8995-5.9.3-csr", "RFC 8995 5.9.3",
		"the request answers csrattrs, names the device alone and asks for no authority");
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

enum berth_est_event
berth_est_input(struct berth_est *x, const struct berth_http_request *http)
{
	if (x->state != BERTH_EST_NEED_INPUT)
		return out_of_turn(x);
	enum berth_http_method wanted =
		x->operation == BERTH_EST_SIMPLEENROLL ? BERTH_HTTP_POST : BERTH_HTTP_GET;
	x->layout = berth_est_layout_for(http, x->conf->layout);
	if (http->method != wanted) {
		berth_ignore(berth_fail(&x->why, BERTH_E_UNSUPPORTED, "rfc7030-3.2.2-method",
					"RFC 7030 3.2.2", "this resource takes %s only",
					wanted == BERTH_HTTP_POST ? "POST" : "GET"),
			     "the reason is the result");
		return refuse(x, 405);
	}
	switch (x->operation) {
	case BERTH_EST_CACERTS: /* req: rfc7030-4.1.1-anybody */
		return end(x, 200, MEDIA_CERTS_REPLY,
			   berth_buf_view(&x->conf->cacerts_body[x->layout]));
	case BERTH_EST_CSRATTRS:
		return end(x, 200, BERTH_EST_MEDIA_CSRATTRS,
			   berth_buf_view(&x->conf->csrattrs_body[x->layout]));
	case BERTH_EST_SIMPLEENROLL:
		break;
	}
	return enrol(x, http);
}

/* req: rfc8995-5.9-permission */
enum berth_est_event
berth_est_answer_permission(struct berth_est *x, const struct berth_why *why,
			    struct berth_bytes certificate)
{
	if (x->state != BERTH_EST_NEED_PERMISSION)
		return out_of_turn(x);
	if (why->err != BERTH_OK) {
		x->why = *why;
		return refuse(x, 403);
	}
	berth_decision_pass(&x->decision, "rfc8995-5.9-permission", "RFC 8995 5.9",
			    "the voucher step has passed and the permission is for this key");
	if (certificate.n > 0)
		return reply_with_certificate(x, certificate);
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
