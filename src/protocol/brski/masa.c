/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/masa.h"

#include <stdarg.h>
#include <stdio.h>

#include "protocol/brski/accept.h"
#include "protocol/brski/masa_internal.h"
#include "protocol/brski/masa_memory.h"
#include "protocol/brski/telemetry.h"

enum berth_err
berth_masa_pass(struct berth_masa *masa, const char *rule, const char *section, const char *format,
		...)
{
	char evidence[BERTH_WHY_SENTENCE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(evidence, sizeof(evidence), format, arguments);
	va_end(arguments);
	berth_decision_pass(&masa->decision, rule, section, "%s", evidence);
	return BERTH_OK;
}

enum berth_err
berth_masa_refuse(struct berth_masa *masa, int status, enum berth_err err, const char *rule,
		  const char *section, const char *format, ...)
{
	char sentence[BERTH_WHY_SENTENCE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	berth_ignore(berth_fail(&masa->why, err, rule, section, "%s", sentence), "returned below");
	berth_decision_fail(&masa->decision, &masa->why);
	masa->response.status = status;
	return err;
}

/* Checklist 37; what is no CMS or no JSON at all is the client's syntax: 400. */
static int
status_of(enum berth_err err)
{
	switch (err) {
	case BERTH_OK:
		return 200;
	case BERTH_E_SYNTAX:
	case BERTH_E_LIMIT:
	case BERTH_E_UNSUPPORTED:
		return 400;
	case BERTH_E_SIGNATURE:
	case BERTH_E_UNTRUSTED:
	case BERTH_E_EXPIRED:
	case BERTH_E_MISMATCH:
	case BERTH_E_DENIED:
		return 403;
	case BERTH_E_NOT_FOUND:
		return 404;
	case BERTH_E_PENDING:
	case BERTH_E_UNREACHABLE:
	case BERTH_E_TIMEOUT:
	case BERTH_E_IO:
		return 503;
	case BERTH_E_EXISTS:
	case BERTH_E_STATE:
	case BERTH_E_MEMORY:
	case BERTH_E_USAGE:
	case BERTH_E_CRYPTO:
	case BERTH_E_INTERNAL:
	case BERTH_E__COUNT:
		return 500;
	}
	return 500;
}

enum berth_err
berth_masa_refuse_why(struct berth_masa *masa, const struct berth_why *why)
{
	enum berth_err err = why->err ? why->err : BERTH_E_INTERNAL;

	return berth_masa_refuse(masa, status_of(err), err,
				 why->rule ? why->rule : "berth-masa-internal", why->section, "%s",
				 why->sentence);
}

void
berth_masa_start(struct berth_masa *masa, struct berth_pki *pki,
		 const struct berth_masa_policy *policy, enum berth_masa_operation operation,
		 struct berth_now now)
{
	memset(masa, 0, sizeof(*masa));
	masa->pki = pki;
	masa->policy = policy;
	masa->operation = operation;
	masa->now = now;
	masa->state = BERTH_MASA_NEED_REQUEST;
	masa->response.retry_after_s = -1;
	masa->body.limit = BERTH_AUDIT_LOG_MAX_BYTES;
	masa->voucher_json.limit = BERTH_VOUCHER_JSON_MAX_BYTES;
	berth_arena_start(&masa->arena, BERTH_MASA_ARENA_BYTES);
	berth_decision_start(&masa->decision);
}

void
berth_masa_end(struct berth_masa *masa)
{
	if (!masa)
		return;
	berth_revocation_end(&masa->revocation);
	berth_signed_voucher_free(&masa->rvr);
	berth_signed_voucher_free(&masa->pvr);
	berth_cert_list_free(&masa->path);
	berth_cert_free(masa->proximity_cert);
	masa->proximity_cert = NULL;
	berth_buf_free(&masa->voucher_json);
	berth_buf_free(&masa->body);
	berth_arena_end(&masa->arena);
}

/* The reply to a refusal: one sentence for a person, and the rule to look up (RFC 8995 5.6). */
/* req: rfc8995-5.6-plain-text */
static enum berth_masa_event
end_refused(struct berth_masa *masa)
{
	masa->state = BERTH_MASA_END;
	berth_buf_clear(&masa->body);
	if (berth_buf_printf(&masa->body, "%s (%s)\n", masa->why.sentence, masa->why.rule) ==
	    BERTH_OK)
		masa->response.body = berth_buf_view(&masa->body);
	masa->response.media_type = BERTH_LIT("text/plain; charset=utf-8");
	return BERTH_MASA_END;
}

/* req: rfc8995-5.6-200 */
static enum berth_masa_event
end_well(struct berth_masa *masa, struct berth_bytes media_type, struct berth_bytes body)
{
	masa->state = BERTH_MASA_END;
	berth_decision_set(&masa->decision, BERTH_OUTCOME_ALLOW);
	masa->response.status = 200;
	masa->response.media_type = media_type;
	masa->response.body = body;
	return BERTH_MASA_END;
}

static enum berth_masa_event
next(struct berth_masa *masa, enum berth_masa_event event)
{
	masa->state = event;
	return event;
}

/* An answer that was not asked for is our own shell's fault, never the peer's. */
static bool
is_asked(struct berth_masa *masa, enum berth_masa_event event)
{
	if (masa->state == event)
		return true;
	berth_ignore(berth_masa_refuse(masa, 500, BERTH_E_STATE, "berth-masa-out-of-turn", NULL,
				       "an answer came that the machine does not wait for"),
		     "ended by the caller");
	return false;
}

enum berth_masa_event
berth_masa_fail(struct berth_masa *masa, const struct berth_why *why)
{
	berth_ignore(berth_masa_refuse_why(masa, why), "the refusal is the outcome");
	return end_refused(masa);
}

static enum berth_err
check_method(struct berth_masa *masa, const struct berth_http_request *http)
{
	if (http->method == BERTH_HTTP_POST)
		return BERTH_OK;
	return berth_masa_refuse(masa, 405, BERTH_E_UNSUPPORTED, "rfc8995-5.5-method",
				 "RFC 8995 5.5", "this resource takes POST only");
}

/* req: rfc8995-5.6-415 */
static enum berth_err
check_media_type(struct berth_masa *masa, const struct berth_http_request *http)
{
	if (berth_bytes_equal_nocase(http->media_type, BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS)))
		return berth_masa_pass(masa, "rfc8995-5.6-media-type", "RFC 8995 5.6",
				       BERTH_MEDIA_VOUCHER_CMS);
	return berth_masa_refuse(masa, 415, BERTH_E_UNSUPPORTED, "rfc8995-5.6-media-type",
				 "RFC 8995 5.6",
				 "Content-Type must be " BERTH_MEDIA_VOUCHER_CMS ", not '%.*s'",
				 (int)(http->media_type.n > 64 ? 64 : http->media_type.n),
				 (const char *)http->media_type.p);
}

/* req: rfc8995-5.6-406 */
static enum berth_err
check_accept(struct berth_masa *masa, const struct berth_http_request *http)
{
	const char *type = masa->operation == BERTH_MASA_REQUEST_VOUCHER ? BERTH_MEDIA_VOUCHER_CMS
									 : BERTH_MEDIA_JSON;
	if (berth_accept_has(http->accept, type))
		return berth_masa_pass(masa, "rfc8995-5.6-accept", "RFC 8995 5.6", "%s", type);
	return berth_masa_refuse(
		masa, 406, BERTH_E_UNSUPPORTED, "rfc8995-5.6-accept", "RFC 8995 5.6",
		"Accept does not allow %s, which is all this MASA answers with", type);
}

/* req: rfc8995-5.4-client */
/* Who the TLS peer is, judged by us; which requests need it, the later steps say. */
static enum berth_err
check_tls_client(struct berth_masa *masa, const struct berth_tls_facts *tls)
{
	BERTH_CERT_LIST chain = {0};
	struct berth_why cause = {0};
	enum berth_err err = BERTH_E_UNTRUSTED;

	if (tls->peer_count && masa->policy->client_anchors && masa->policy->client_anchors->n) {
		err = berth_cert_list_from_chain(masa->pki, tls->peer_chain, tls->peer_count,
						 &chain, &cause);
		const struct berth_path_check check = {
			.leaf = err ? NULL : chain.at[0],
			.untrusted = &chain,
			.anchors = masa->policy->client_anchors,
			.at = masa->now.wall,
			.require_eku = BERTH_EKU_CLIENT_AUTH | BERTH_EKU_CMC_RA,
		};
		err = err ? err : berth_path_verify(masa->pki, &check, NULL, &cause);
	}
	masa->registrar_is_authenticated = err == BERTH_OK;
	if (masa->registrar_is_authenticated)
		return berth_masa_pass(masa, "rfc8995-5.4-client-certificate", "RFC 8995 5.4", "%s",
				       berth_cert_subject_text(chain.at[0]));
	if (masa->policy->require_client_certificate)
		return berth_masa_refuse(masa, 403, err, "rfc8995-5.4-client-certificate",
					 "RFC 8995 5.4",
					 "registrars must present a TLS client certificate of a "
					 "configured anchor: %s",
					 tls->peer_count ? cause.sentence : "none was presented");
	return berth_masa_pass(masa, "rfc8995-5.4-client-certificate", "RFC 8995 5.4",
			       tls->peer_count ? "not of a configured anchor; none is required"
					       : "none presented, none required");
}

static enum berth_err
take_body(struct berth_masa *masa, struct berth_bytes body)
{
	struct berth_bytes copy = berth_arena_copy(&masa->arena, body);

	if (body.n > BERTH_CMS_MAX_BYTES || !copy.p)
		return berth_masa_refuse(masa, 413, BERTH_E_LIMIT, "berth-body-limit", NULL,
					 "the request has %zu bytes, at most %d are read", body.n,
					 BERTH_CMS_MAX_BYTES);
	masa->unit_query.request = copy;
	if (berth_sha256(masa->pki, copy, masa->unit_query.request_digest))
		return berth_masa_refuse(masa, 500, BERTH_E_CRYPTO, "berth-crypto", NULL,
					 "SHA-256 failed");
	return BERTH_OK;
}

/* For the audit log: what these bytes are is known from the voucher that they were sent for. */
static enum berth_err
take_judged(struct berth_masa *masa, const struct berth_masa_judged *judged)
{
	struct berth_masa_unit_query *query = &masa->unit_query;
	struct berth_bytes request = query->request;
	struct berth_why cause = {0};

	*query = judged->query;
	query->request = request;
	query->serial_number = berth_arena_copy(&masa->arena, judged->query.serial_number);
	query->issuer_key_id = berth_arena_copy(&masa->arena, judged->query.issuer_key_id);
	if (!query->serial_number.p || !query->issuer_key_id.p)
		return berth_masa_refuse(masa, 500, BERTH_E_MEMORY, "berth-memory", NULL,
					 "no room for what was judged before");
	for (size_t i = 0; i < judged->path.n; i++)
		if (berth_cert_list_add(&masa->path, judged->path.at[i], &cause))
			return berth_masa_refuse_why(masa, &cause);
	masa->rvr.voucher.created_on = judged->created_on;
	masa->issue.registrar_name = berth_cert_subject_text(masa->path.at[0]);
	masa->issue.domain_id_length = judged->domain_id_length;
	memcpy(masa->issue.domain_id, judged->domain_id, sizeof(masa->issue.domain_id));
	memcpy(masa->issue.owner_digest, judged->owner_digest, sizeof(masa->issue.owner_digest));
	berth_ignore(berth_masa_pass(masa, "berth-masa-judged-before", NULL,
				     "the request of a moment ago, signed by %s for serial number "
				     "%.*s: its signatures, certificates and the device's own "
				     "request were judged then",
				     masa->issue.registrar_name, (int)query->serial_number.n,
				     (const char *)query->serial_number.p),
		     "it always passes");
	return berth_masa_check_created_on(masa);
}

/* Everything that the request says by itself. */
static enum berth_err
read_request(struct berth_masa *masa)
{
	bool is_log = masa->operation == BERTH_MASA_REQUEST_AUDIT_LOG;
	const struct berth_masa_judged *judged =
		masa->memory && is_log ? berth_masa_recall(masa->memory, masa) : NULL;

	if (judged)
		return take_judged(masa, judged);
	enum berth_err err = berth_masa_check_registrar(masa);
	err = err ? err : berth_masa_check_pledge(masa);
	err = err ? err : berth_masa_choose_pin(masa);
	if (!err && masa->memory && !is_log)
		berth_masa_remember(masa->memory, masa);
	return err;
}

enum berth_masa_event
berth_masa_input(struct berth_masa *masa, const struct berth_http_request *http,
		 const struct berth_tls_facts *tls)
{
	if (!is_asked(masa, BERTH_MASA_NEED_REQUEST))
		return end_refused(masa);
	if (check_method(masa, http) || check_media_type(masa, http) || check_accept(masa, http) ||
	    check_tls_client(masa, tls) || take_body(masa, http->body) || read_request(masa))
		return end_refused(masa);
	return next(masa, BERTH_MASA_NEED_UNIT);
}

/* After the check of revocation, or within it. */
static enum berth_masa_event
go_on(struct berth_masa *masa, enum berth_err err)
{
	if (err == BERTH_E_PENDING)
		return next(masa, BERTH_MASA_NEED_REVOCATION);
	if (err)
		return end_refused(masa);
	return next(masa, masa->operation == BERTH_MASA_REQUEST_AUDIT_LOG
				  ? BERTH_MASA_NEED_AUDIT_LOG
				  : BERTH_MASA_NEED_INTENT);
}

enum berth_masa_event
berth_masa_answer_unit(struct berth_masa *masa, const struct berth_masa_unit_facts *facts)
{
	if (!is_asked(masa, BERTH_MASA_NEED_UNIT))
		return end_refused(masa);
	enum berth_err err = masa->operation == BERTH_MASA_REQUEST_AUDIT_LOG
				     ? berth_masa_decide_audit_log(masa, facts)
				     : berth_masa_decide(masa, facts);
	return err ? end_refused(masa) : go_on(masa, berth_masa_check_revocation(masa));
}

enum berth_masa_event
berth_masa_answer_revocation(struct berth_masa *masa, struct berth_bytes body,
			     const struct berth_why *why)
{
	if (!is_asked(masa, BERTH_MASA_NEED_REVOCATION))
		return end_refused(masa);
	return go_on(masa, berth_masa_take_revocation(masa, body, why));
}

/* The same bytes again get the same voucher, and no second entry in the log. */
static enum berth_err
take_earlier(struct berth_masa *masa, const struct berth_masa_intent_facts *facts)
{
	if (facts->issued_voucher.n) {
		masa->issue.signed_voucher = berth_arena_copy(&masa->arena, facts->issued_voucher);
		masa->is_repeated = true;
	}
	if (facts->pending_json.n)
		masa->issue.voucher_json = berth_arena_copy(&masa->arena, facts->pending_json);
	if ((facts->issued_voucher.n && !masa->issue.signed_voucher.p) ||
	    (facts->pending_json.n && !masa->issue.voucher_json.p))
		return berth_masa_refuse(masa, 500, BERTH_E_MEMORY, "berth-memory", NULL,
					 "no room for what was issued before");
	if (facts->issued_voucher.n || facts->pending_json.n)
		return berth_masa_pass(masa, "berth-masa-repeated", NULL,
				       "the identical request was here before; the same voucher "
				       "again");
	return BERTH_OK;
}

enum berth_masa_event
berth_masa_answer_intent(struct berth_masa *masa, const struct berth_masa_intent_facts *facts)
{
	if (!is_asked(masa, BERTH_MASA_NEED_INTENT) || take_earlier(masa, facts))
		return end_refused(masa);
	if (masa->is_repeated)
		return end_well(masa, BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS),
				masa->issue.signed_voucher);
	return next(masa, BERTH_MASA_NEED_SIGNATURE);
}

/* The signer is another process: what it released must be what was decided here. By whom it signed, it has looked itself. */
static enum berth_err
check_signature(struct berth_masa *masa, struct berth_bytes signed_voucher)
{
	struct berth_bytes content;
	struct berth_why cause = {0};
	struct berth_bytes copy = berth_arena_copy(&masa->arena, signed_voucher);

	if (!copy.p)
		return berth_masa_refuse(masa, 500, BERTH_E_MEMORY, "berth-memory", NULL,
					 "no room for the signed voucher");
	if (berth_cms_content(copy, &content, &cause))
		return berth_masa_refuse(masa, 500, BERTH_E_INTERNAL, "berth-masa-signed", NULL,
					 "the signer's voucher does not open: %s", cause.sentence);
	if (!berth_bytes_equal(content, masa->issue.voucher_json))
		return berth_masa_refuse(masa, 500, BERTH_E_INTERNAL, "berth-masa-signed", NULL,
					 "the signer signed something else than was decided");
	masa->issue.signed_voucher = copy;
	return berth_masa_pass(masa, "berth-masa-signed", NULL,
			       "the signer released the voucher that was decided");
}

enum berth_masa_event
berth_masa_answer_signature(struct berth_masa *masa, struct berth_bytes signed_voucher)
{
	if (!is_asked(masa, BERTH_MASA_NEED_SIGNATURE) || check_signature(masa, signed_voucher))
		return end_refused(masa);
	return next(masa, BERTH_MASA_NEED_RECORD);
}

enum berth_err
berth_masa_still_holds(struct berth_masa *masa, const struct berth_masa_unit_facts *facts)
{
	if (is_asked(masa, BERTH_MASA_NEED_RECORD) && !berth_masa_decide_again(masa, facts))
		return BERTH_OK;
	berth_ignore(end_refused(masa), "it is the end");
	return masa->why.err;
}

enum berth_masa_event
berth_masa_answer_record(struct berth_masa *masa)
{
	if (!is_asked(masa, BERTH_MASA_NEED_RECORD))
		return end_refused(masa);
	return end_well(masa, BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS), masa->issue.signed_voucher);
}

enum berth_masa_event
berth_masa_answer_audit_log(struct berth_masa *masa, const struct berth_audit_log *log)
{
	struct berth_why cause = {0};

	if (!is_asked(masa, BERTH_MASA_NEED_AUDIT_LOG))
		return end_refused(masa);
	berth_buf_clear(&masa->body);
	if (berth_audit_log_build(log, &masa->body, &cause))
		return berth_masa_fail(masa, &cause);
	return end_well(masa, BERTH_LIT(BERTH_MEDIA_JSON), berth_buf_view(&masa->body));
}
