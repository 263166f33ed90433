/* SPDX-License-Identifier: BSD-2-Clause */
/* requestvoucher: RFC 8995 5.2 to 5.6 at the registrar, in the order in which the checks are made. */
#include "protocol/brski/registrar_machine.h"

#include "base/base64.h"
#include "protocol/brski/accept.h"
#include "protocol/brski/rvr.h"

#include <stdio.h>

#define CHECK_SECTION "RFC 8995 5.3"

static enum berth_registrar_event
end_with_reason(struct berth_registrar *x, int status, enum berth_err ignored)
{
	(void)ignored; /* x->why has it */
	return berth_registrar_refuse(x, status);
}

/* A body that is no voucher-request is the sender's fault (400); one whose signature fails is not validated (404). */
static int
status_of_bad_request(enum berth_err err)
{
	switch (err) {
	case BERTH_E_SIGNATURE:
	case BERTH_E_UNTRUSTED:
	case BERTH_E_EXPIRED:
	case BERTH_E_MISMATCH:
		return 404;
	case BERTH_E_MEMORY:
	case BERTH_E_CRYPTO:
	case BERTH_E_INTERNAL:
		return 500;
	case BERTH_OK:
	case BERTH_E_SYNTAX:
	case BERTH_E_LIMIT:
	case BERTH_E_UNSUPPORTED:
	case BERTH_E_DENIED:
	case BERTH_E_PENDING:
	case BERTH_E_NOT_FOUND:
	case BERTH_E_EXISTS:
	case BERTH_E_STATE:
	case BERTH_E_UNREACHABLE:
	case BERTH_E_TIMEOUT:
	case BERTH_E_IO:
	case BERTH_E_USAGE:
	case BERTH_E__COUNT:
		break;
	}
	return 400;
}

#define DER_SEQUENCE 0x30 /* a CMS begins with it; no base64 text of one does: it begins with "M" */

/* A body of a manufacturer whose parts write base64: decoded into the arena. DER stays as it is. */
static enum berth_err
plain_body(struct berth_registrar *x, struct berth_bytes *body, bool *was_base64)
{
	*was_base64 = x->peer->manufacturer->body == BERTH_VOUCHER_BODY_BASE64 && body->n > 0 &&
		      body->p[0] != DER_SEQUENCE;
	if (!*was_base64)
		return BERTH_OK;
	BERTH_BUF der = {.limit = BERTH_CMS_MAX_BYTES};
	enum berth_err err = berth_base64_decode(*body, true, &der, &x->why);
	if (err)
		return err;
	*body = berth_arena_copy(&x->arena, berth_buf_view(&der));
	return body->p == NULL ? berth_fail(&x->why, BERTH_E_LIMIT, "rfc8995-5.2-size",
					    "RFC 8995 5.2", "the body is too large")
			       : BERTH_OK;
}

/* Empty when memory is used up. */
static struct berth_bytes
base64_of(struct berth_registrar *x, struct berth_bytes der)
{
	BERTH_BUF text = {0};
	if (berth_base64_encode(der, 0, &text))
		return BERTH_BYTES_NONE;
	return berth_arena_copy(&x->arena, berth_buf_view(&text));
}

/* What goes to the MASA: the signed request, in the form that this manufacturer's reads. */
enum berth_registrar_event
berth_registrar_ask_masa(struct berth_registrar *x, struct berth_bytes rvr,
			 enum berth_registrar_event event)
{
	x->masa_body =
		x->peer->manufacturer->body == BERTH_VOUCHER_BODY_BASE64 ? base64_of(x, rvr) : rvr;
	if (x->masa_body.n > 0)
		return event;
	return end_with_reason(x, 500,
			       berth_fail(&x->why, BERTH_E_MEMORY, "exchange-memory", NULL,
					  "the exchange's memory is used up"));
}

/* The voucher as the device reads it. req: rfc8995-5.11-body */
static enum berth_registrar_event
send_voucher(struct berth_registrar *x, struct berth_bytes der)
{
	struct berth_bytes body = x->device_wants_base64 ? base64_of(x, der) : der;
	if (body.n > 0)
		return berth_registrar_finish(x, BERTH_MEDIA_VOUCHER_CMS, body);
	return end_with_reason(x, 500,
			       berth_fail(&x->why, BERTH_E_MEMORY, "exchange-memory", NULL,
					  "the exchange's memory is used up"));
}

static enum berth_err
open_request(struct berth_registrar *x, struct berth_bytes body)
{
	enum berth_err plain = plain_body(x, &body, &x->device_wants_base64);
	if (plain)
		return plain;
	x->pvr_der = berth_arena_copy(&x->arena, body);
	if (x->pvr_der.p == NULL)
		return berth_fail(&x->why, BERTH_E_LIMIT, "rfc8995-5.2-size", "RFC 8995 5.2",
				  "the voucher-request is too large");
	enum berth_err err = berth_sha256(x->conf->pki, x->pvr_der, x->pvr_digest);
	if (err)
		return berth_fail(&x->why, err, "sha256", NULL,
				  "the digest of the request could not be made");
	/* The signer's certificate must be inside: our signer and the MASA see no TLS. */
	err = berth_voucher_open(x->conf->pki, x->pvr_der, BERTH_VOUCHER_REQUEST_PLEDGE, NULL,
				 &x->arena, &x->pvr, &x->why);
	if (!err)
		err = berth_voucher_check_kind(&x->pvr.voucher, &x->why);
	if (!err)
		berth_decision_pass(&x->decision, "rfc8995-5.2-signed-request", "RFC 8995 5.2",
				    "signature holds, eContentType %s",
				    x->pvr.cms.content_type == BERTH_CMS_DATA
					    ? "id-data"
					    : "id-ct-animaJSONVoucher");
	return err;
}

/* Serial and key, not bytes: makers reissue certificates of one key (RFC 8995's own example does). */
/* req: rfc8995-5.3-signer */
static enum berth_err
check_signer(struct berth_registrar *x)
{
	const struct berth_cert *tls = berth_peer_cert(x->peer);
	const struct berth_cert *signer = x->pvr.cms.signer;
	if (!berth_key_equal(berth_cert_key(tls), berth_cert_key(signer)) ||
	    !berth_bytes_equal(berth_cert_subject_serial_number(tls),
			       berth_cert_subject_serial_number(signer)))
		return berth_fail(
			&x->why, BERTH_E_MISMATCH, "rfc8995-5.3-signer-mismatch", CHECK_SECTION,
			"the voucher-request is signed by %.80s, which is not the TLS client",
			berth_cert_subject_text(signer));
	berth_decision_pass(&x->decision, "rfc8995-5.3-signer", CHECK_SECTION,
			    "signed with the key of the TLS client certificate");
	return BERTH_OK;
}

/* req: rfc8995-5.3-serial */
static enum berth_err
check_serial(struct berth_registrar *x)
{
	struct berth_bytes said = x->pvr.voucher.serial_number;
	struct berth_bytes is = x->peer->serial_number;
	if (!berth_bytes_equal(said, is))
		return berth_fail(
			&x->why, BERTH_E_MISMATCH, "rfc8995-5.3-serial-mismatch", CHECK_SECTION,
			"the voucher-request names serial number %.*s, the TLS client is %.*s",
			said.n > 64 ? 64 : (int)said.n, (const char *)said.p,
			is.n > 64 ? 64 : (int)is.n, (const char *)is.p);
	berth_decision_pass(&x->decision, "rfc8995-5.3-serial", CHECK_SECTION,
			    "serial number %.*s in both", is.n > 64 ? 64 : (int)is.n,
			    (const char *)is.p);
	return BERTH_OK;
}

/* req: rfc8995-5.3-proximity */
static enum berth_err
check_proximity(struct berth_registrar *x)
{
	const struct berth_voucher *pvr = &x->pvr.voucher;
	if (pvr->assertion != BERTH_ASSERTION_PROXIMITY)
		return berth_fail(&x->why, BERTH_E_MISMATCH, "rfc8995-5.2-assertion",
				  "RFC 8995 5.2",
				  "the voucher-request's assertion is \"%s\", not \"proximity\"",
				  berth_assertion_name(pvr->assertion));
	if (!berth_bytes_equal(pvr->proximity_registrar_cert,
			       berth_cert_der(x->conf->own_chain->at[0])))
		return berth_fail(
			&x->why, BERTH_E_MISMATCH, "rfc8995-5.3-proximity-mismatch", CHECK_SECTION,
			"the device saw another registrar's certificate than ours: something "
			"stands between it and us, or our certificate was renewed meanwhile");
	berth_decision_pass(&x->decision, "rfc8995-5.3-proximity", CHECK_SECTION,
			    "proximity-registrar-cert is our TLS certificate");
	return BERTH_OK;
}

/* req: rfc8995-5.2-nonce */
static enum berth_err
check_nonce(struct berth_registrar *x)
{
	size_t n = x->pvr.voucher.nonce.n;
	if (n < BERTH_VOUCHER_NONCE_MIN || n > BERTH_VOUCHER_NONCE_MAX)
		return berth_fail(&x->why, BERTH_E_MISMATCH, "rfc8995-5.2-nonce", "RFC 8995 5.2",
				  "the voucher-request's nonce has %zu bytes; %d to %d are wanted",
				  n, BERTH_VOUCHER_NONCE_MIN, BERTH_VOUCHER_NONCE_MAX);
	berth_decision_pass(&x->decision, "rfc8995-5.2-nonce", "RFC 8995 5.2", "nonce of %zu bytes",
			    n);
	return BERTH_OK;
}

/* A resend may be days old (RFC 8995 5.6), so only a date that cannot be is refused. */
/* req: rfc8995-5.2-created-on */
static enum berth_err
check_created_on(struct berth_registrar *x)
{
	const struct berth_voucher *pvr = &x->pvr.voucher;
	if (!pvr->has_created_on)
		return BERTH_OK;
	char text[BERTH_TIME_TEXT_MAX];
	berth_wall_format(pvr->created_on, text);
	struct berth_wall born = berth_cert_not_before(berth_peer_cert(x->peer));
	if (pvr->created_on.s > x->now.wall.s + BERTH_REGISTRAR_CLOCK_SKEW_S)
		return berth_fail(&x->why, BERTH_E_EXPIRED, "rfc8995-5.2-created-on",
				  "RFC 8995 5.2",
				  "the voucher-request's created-on %s is in the future", text);
	if (pvr->created_on.s < born.s - BERTH_REGISTRAR_CLOCK_SKEW_S)
		return berth_fail(&x->why, BERTH_E_EXPIRED, "rfc8995-5.2-created-on",
				  "RFC 8995 5.2",
				  "the voucher-request's created-on %s is before the device's "
				  "birth certificate; "
				  "a device without a clock leaves it out",
				  text);
	berth_decision_pass(&x->decision, "rfc8995-5.2-created-on", "RFC 8995 5.2", "created on %s",
			    text);
	return BERTH_OK;
}

/* req: rfc8995-2.3.2-masa-url */
enum berth_err
berth_registrar_find_masa(struct berth_registrar *x)
{
	const struct berth_manufacturer *maker = x->peer->manufacturer;
	if (maker->has_masa_url) {
		x->masa = maker->masa_url;
		berth_decision_pass(&x->decision, "rfc8995-2.3.2-masa-url", "RFC 8995 2.3.2",
				    "MASA %s:%u from the configuration of %s", x->masa.host,
				    x->masa.port, maker->name);
		return BERTH_OK;
	}
	struct berth_bytes url = berth_cert_masa_url(berth_peer_cert(x->peer));
	if (url.n == 0)
		return berth_fail(
			&x->why, BERTH_E_NOT_FOUND, "rfc8995-2.3.2-no-masa-url", "RFC 8995 2.3.2",
			"the IDevID names no MASA; set masa-url= in the section of manufacturer %s",
			maker->name);
	enum berth_err err = berth_masa_url_parse(url, &x->masa, &x->why);
	if (!err)
		berth_decision_pass(&x->decision, "rfc8995-2.3.2-masa-url", "RFC 8995 2.3.2",
				    "MASA %s:%u from the IDevID", x->masa.host, x->masa.port);
	return err;
}

enum berth_registrar_event
berth_registrar_on_voucher_request(struct berth_registrar *x,
				   const struct berth_registrar_message *message)
{
	int status = 0;
	if (!berth_registrar_request_is_sound(x, message->http, BERTH_MEDIA_VOUCHER_CMS, false,
					      &status))
		return berth_registrar_refuse(x, status);
	if (!berth_accept_has(message->http->accept, BERTH_MEDIA_VOUCHER_CMS))
		return end_with_reason(x, 406,
				       berth_fail(&x->why, BERTH_E_UNSUPPORTED,
						  "rfc8995-5.2-accept", "RFC 8995 5.2",
						  "the device accepts no %s",
						  BERTH_MEDIA_VOUCHER_CMS));
	enum berth_err err = open_request(x, message->http->body);
	if (err)
		return berth_registrar_refuse(x, status_of_bad_request(err));
	if (check_signer(x) || check_serial(x))
		return berth_registrar_refuse(x, 404);
	if (check_proximity(x))
		return berth_registrar_refuse(x, 401);
	if (check_nonce(x) || check_created_on(x))
		return berth_registrar_refuse(x, 400);
	if (berth_registrar_find_masa(x))
		return berth_registrar_refuse(x, 403);
	return BERTH_REGISTRAR_NEED_DECISION;
}

/* The voucher must lead the pledge to us: it pins a certificate of our chain, or the key of one above it. */
/* req: rfc8995-5.6.2-registrar */
static enum berth_err
check_pin(const struct berth_registrar_conf *conf, const struct berth_voucher *voucher,
	  struct berth_wall now, struct berth_why *why)
{
	const struct berth_cert_list *own = conf->own_chain;
	for (size_t i = 0; i < own->n; i++)
		if (berth_bytes_equal(voucher->pinned_domain_cert, berth_cert_der(own->at[i])))
			return BERTH_OK;
	BERTH_CERT *pinned = NULL;
	enum berth_err err = berth_cert_parse(conf->pki, voucher->pinned_domain_cert, &pinned, why);
	if (err)
		return err;
	const struct berth_path_check check = {
		.leaf = own->at[0],
		.untrusted = own,
		.anchor_key = berth_cert_key(pinned),
		.at = now,
	};
	if (!berth_path_verify(conf->pki, &check, NULL, why))
		return BERTH_OK;
	return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.6-pin-mismatch", "RFC 8995 5.6",
			  "the voucher pins another domain than ours");
}

/* req: rfc8995-5.6-audit */
static enum berth_err
check_voucher(struct berth_registrar *x, const struct berth_voucher *voucher)
{
	if (!berth_bytes_equal(voucher->serial_number, x->peer->serial_number))
		return berth_fail(&x->why, BERTH_E_MISMATCH, "rfc8995-5.6-serial-mismatch",
				  "RFC 8995 5.6",
				  "the MASA's voucher is for another serial number");
	if (voucher->nonce.n > 0 && !berth_bytes_equal(voucher->nonce, x->pvr.voucher.nonce))
		return berth_fail(&x->why, BERTH_E_MISMATCH, "rfc8995-5.6-nonce-mismatch",
				  "RFC 8995 5.6",
				  "the MASA's voucher has another nonce than the device sent");
	enum berth_err err = check_pin(x->conf, voucher, x->now.wall, &x->why);
	if (err)
		return err;
	berth_decision_pass(&x->decision, "rfc8995-5.6-voucher", "RFC 8995 5.6",
			    "voucher for this device%s, pins us, assertion %s",
			    voucher->nonce.n > 0 ? " and its nonce" : " without a nonce",
			    berth_assertion_name(voucher->assertion));
	return BERTH_OK;
}

/* Of a device: the same anchors often answer for devices and MASA, and a device vouches for nobody. */
static bool
is_birth_certificate(const struct berth_cert *signer)
{
	return berth_cert_subject_serial_number(signer).n > 0 ||
	       berth_cert_hw_serial(signer).n > 0 || berth_cert_masa_url(signer).n > 0;
}

bool
berth_registrar_is_vouched(struct berth_pki *pki, const struct berth_manufacturer *maker,
			   const struct berth_signed_voucher *voucher, struct berth_wall now)
{
	const struct berth_path_check check = {
		.leaf = voucher->cms.signer,
		.untrusted = &voucher->cms.certificates,
		.anchors = &maker->anchors,
		.at = now,
	};
	struct berth_why why = {0};
	return !is_birth_certificate(voucher->cms.signer) &&
	       berth_path_verify(pki, &check, NULL, &why) == BERTH_OK;
}

/* The pledge judges the signer; we note whether we could, and count on the assertion only then. */
static void
note_signer(struct berth_registrar *x, const struct berth_signed_voucher *voucher)
{
	x->voucher_is_trusted = berth_registrar_is_vouched(x->conf->pki, x->peer->manufacturer,
							   voucher, x->now.wall);
	berth_decision_pass(
		&x->decision, "rfc8995-5.6-voucher-signer", "RFC 8995 5.6", "%s by %.100s",
		x->voucher_is_trusted
			? "signed under the manufacturer's anchors"
			: "left to the device: signer is no MASA under our anchors, signed",
		berth_cert_subject_text(voucher->cms.signer));
}

/* req: rfc8995-5.5.6-stored */
enum berth_err
berth_registrar_check_stored(const struct berth_registrar_conf *conf,
			     const struct berth_manufacturer *maker,
			     struct berth_bytes serial_number,
			     const struct berth_signed_voucher *voucher, struct berth_wall now,
			     struct berth_why *why)
{
	const struct berth_voucher *said = &voucher->voucher;
	char text[BERTH_TIME_TEXT_MAX];
	enum berth_err err = berth_voucher_check_kind(said, why);
	if (err)
		return err;
	if (said->nonce.n > 0)
		return berth_fail(
			why, BERTH_E_MISMATCH, "offline-voucher-nonce", "RFC 8995 5.5.6",
			"the voucher answers one device's nonce; only a nonceless one can "
			"be kept");
	if (!berth_bytes_equal(said->serial_number, serial_number))
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.6-serial-mismatch",
				  "RFC 8995 5.6", "the voucher is for another serial number");
	if (said->expires_on.s <= now.s)
		return berth_fail(why, BERTH_E_EXPIRED, "offline-voucher-expired", "RFC 8366 5.3",
				  "the voucher held until %s; fetch a new one",
				  berth_wall_format(said->expires_on, text));
	if (!berth_registrar_is_vouched(conf->pki, maker, voucher, now))
		return berth_fail(why, BERTH_E_UNTRUSTED, "offline-voucher-signer", "RFC 8995 5.6",
				  "no MASA under the anchors of manufacturer %s signed the voucher",
				  maker->name);
	return check_pin(conf, said, now, why);
}

/* req: rfc8995-5.5.6-stored, rfc8995-9-one-touch */
static enum berth_registrar_event
give_stored(struct berth_registrar *x)
{
	BERTH_SIGNED_VOUCHER voucher = {0};
	char text[BERTH_TIME_TEXT_MAX];
	enum berth_err err =
		berth_voucher_open(x->conf->pki, x->stored_voucher, BERTH_VOUCHER,
				   &x->peer->manufacturer->anchors, &x->arena, &voucher, &x->why);
	if (!err)
		err = berth_registrar_check_stored(x->conf, x->peer->manufacturer,
						   x->peer->serial_number, &voucher, x->now.wall,
						   &x->why);
	if (err)
		return berth_registrar_refuse(x, 502);
	x->voucher_der = x->stored_voucher;
	x->voucher_was_stored = true;
	x->voucher_is_trusted = true;
	x->voucher_assertion = voucher.voucher.assertion;
	berth_decision_pass(&x->decision, "rfc8995-5.5.6-stored", "RFC 8995 5.5.6",
			    "a voucher made ahead for this device, holds until %s, assertion %s",
			    berth_wall_format(voucher.voucher.expires_on, text),
			    berth_assertion_name(x->voucher_assertion));
	return BERTH_REGISTRAR_NEED_RECORD;
}

static enum berth_registrar_event
wait_for_operator(struct berth_registrar *x, int32_t retry_after_s)
{
	berth_ignore(berth_fail(&x->why, BERTH_E_PENDING, "rfc8995-5.3-waiting", "RFC 8995 5.3",
				"waiting for the operator; send the same request again"),
		     "the reason is the result");
	int n = snprintf(x->text, sizeof(x->text), "%s\n", x->why.sentence);
	x->response = (struct berth_http_response){
		.status = 202,
		.media_type = BERTH_LIT("text/plain; charset=utf-8"),
		.retry_after_s = retry_after_s,
		.body = berth_bytes_of(x->text, (size_t)n),
	};
	return BERTH_REGISTRAR_END;
}

/* The decision's own failed check is the reason. */
static enum berth_registrar_event
refuse_by_decision(struct berth_registrar *x)
{
	const struct berth_check *failed = berth_decision_failed(&x->decision);
	const char *sentence = berth_decision_text(&x->decision);
	x->why = (struct berth_why){
		.err = BERTH_E_DENIED,
		.rule = failed == NULL ? "policy-no-rule" : failed->rule,
		.section = "RFC 8995 5.3",
	};
	(void)snprintf(x->why.sentence, sizeof(x->why.sentence), "%s", sentence);
	int n = snprintf(x->text, sizeof(x->text), "%s (%s)\n", x->why.sentence, x->why.rule);
	x->response = (struct berth_http_response){
		.status = 403,
		.media_type = BERTH_LIT("text/plain; charset=utf-8"),
		.retry_after_s = -1,
		.body = berth_bytes_of(x->text, (size_t)n < sizeof(x->text) ? (size_t)n
									    : sizeof(x->text) - 1),
	};
	return BERTH_REGISTRAR_END;
}

/* req: rfc8995-5.3-authorise */
enum berth_registrar_event
berth_registrar_on_decision(struct berth_registrar *x,
			    const struct berth_registrar_message *message)
{
	switch (x->decision.outcome) {
	case BERTH_OUTCOME_DENY:
		return refuse_by_decision(x);
	case BERTH_OUTCOME_PENDING:
		return wait_for_operator(x, message->answer->retry_after_s);
	case BERTH_OUTCOME_ALLOW:
		break;
	}
	if (message->answer->earlier_voucher.n > 0)
		return send_voucher(x, message->answer->earlier_voucher);
	x->stored_voucher = berth_arena_copy(&x->arena, message->answer->stored_voucher);
	if (message->answer->stored_first && x->stored_voucher.n > 0)
		return give_stored(x);
	const struct berth_rvr_source source = {
		.pvr = &x->pvr.voucher,
		.pvr_der = x->pvr_der,
		.idevid = berth_peer_cert(x->peer),
		.serial_number = x->peer->serial_number,
		.issuer_form = x->peer->manufacturer->issuer_form,
		.now = x->now.wall,
	};
	struct berth_voucher rvr;
	enum berth_err err = berth_rvr_fields(&source, &x->arena, &rvr, &x->why);
	if (!err)
		err = berth_voucher_encode(&rvr, &x->rvr_json, &x->why);
	return err ? berth_registrar_refuse(x, 500) : BERTH_REGISTRAR_NEED_RVR;
}

enum berth_registrar_event
berth_registrar_on_rvr(struct berth_registrar *x, const struct berth_registrar_message *message)
{
	x->rvr_der = berth_arena_copy(&x->arena, message->der);
	if (x->rvr_der.p == NULL)
		return end_with_reason(x, 500,
				       berth_fail(&x->why, BERTH_E_MEMORY, "exchange-memory", NULL,
						  "the exchange's memory is used up"));
	(void)snprintf(x->masa_path, sizeof(x->masa_path), "%s/requestvoucher", x->masa.path);
	return berth_registrar_ask_masa(x, x->rvr_der, BERTH_REGISTRAR_NEED_VOUCHER);
}

/* The MASA said no: its class goes on to the pledge, except what is between the MASA and us. req: rfc8995-5.6-masa-error */
static int
pass_on_status(struct berth_registrar *x, const struct berth_http_response *response)
{
	x->masa_refused_us = response->status == 401;
	if (response->status == 401 || response->status == 407)
		return 502;
	return response->status >= 400 && response->status <= 599 ? response->status : 502;
}

/* A foreign text is for people; what is not plain is left out. */
static int
printable_length(struct berth_bytes text, size_t most)
{
	size_t n = 0;
	while (n < text.n && n < most && text.p[n] >= ' ' && text.p[n] <= '~')
		n++;
	return (int)n;
}

/* req: rfc8995-5.6-masa-error */
static enum berth_registrar_event
masa_failed(struct berth_registrar *x, const struct berth_registrar_message *message)
{
	const struct berth_http_response *response = message->response;
	if (response->status != 0) {
		int status = pass_on_status(x, response);
		return end_with_reason(
			x, status,
			berth_fail(&x->why, BERTH_E_DENIED, "rfc8995-5.6-masa-refuses",
				   "RFC 8995 5.6", "the MASA %.60s answered %d: %.*s", x->masa.host,
				   response->status, printable_length(response->body, 120),
				   (const char *)response->body.p));
	}
	if (x->stored_voucher.n > 0)
		return give_stored(x);
	bool late = message->why != NULL && message->why->err == BERTH_E_TIMEOUT;
	return end_with_reason(
		x, late ? 504 : 502,
		berth_fail(&x->why, late ? BERTH_E_TIMEOUT : BERTH_E_UNREACHABLE,
			   "rfc8995-5.4-masa-unreachable", "RFC 8995 5.4",
			   "the MASA %.60s:%u cannot be asked: %.120s", x->masa.host, x->masa.port,
			   message->why == NULL ? "no answer" : message->why->sentence));
}

enum berth_registrar_event
berth_registrar_on_voucher(struct berth_registrar *x, const struct berth_registrar_message *message)
{
	const struct berth_http_response *response = message->response;
	if (response->status != 200)
		return masa_failed(x, message);
	if (!berth_bytes_equal_nocase(response->media_type, BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS)))
		return end_with_reason(x, 502,
				       berth_fail(&x->why, BERTH_E_UNSUPPORTED,
						  "rfc8995-5.6-media-type", "RFC 8995 5.6",
						  "the MASA answered with another media type"));
	struct berth_bytes body = response->body;
	bool was_base64 = false;
	if (plain_body(x, &body, &was_base64))
		return berth_registrar_refuse(x, 502);
	x->voucher_der = berth_arena_copy(&x->arena, body);
	if (x->voucher_der.p == NULL)
		return end_with_reason(x, 502,
				       berth_fail(&x->why, BERTH_E_LIMIT, "rfc8995-5.6-size",
						  "RFC 8995 5.6",
						  "the MASA's voucher is too large"));
	BERTH_SIGNED_VOUCHER voucher = {0};
	enum berth_err err =
		berth_voucher_open(x->conf->pki, x->voucher_der, BERTH_VOUCHER,
				   &x->peer->manufacturer->anchors, &x->arena, &voucher, &x->why);
	if (!err)
		err = berth_voucher_check_kind(&voucher.voucher, &x->why);
	if (!err)
		err = check_voucher(x, &voucher.voucher);
	if (err)
		return berth_registrar_refuse(x, 502);
	x->voucher_assertion = voucher.voucher.assertion;
	note_signer(x, &voucher);
	return BERTH_REGISTRAR_NEED_RECORD;
}

enum berth_registrar_event
berth_registrar_on_record(struct berth_registrar *x, const struct berth_registrar_message *message)
{
	(void)message;
	return send_voucher(x, x->voucher_der);
}
