/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/ownership/ownership.h"

#include <stdarg.h>
#include <stdio.h>

#include "protocol/brski/domain_path.h"

#define SECTION "berth-masa(8)"
#define MEDIA_JSON "application/json"

static enum berth_err pass(struct berth_ownership *o, const char *rule, const char *format, ...)
	BERTH_PRINTF(3, 4);

static enum berth_err
pass(struct berth_ownership *o, const char *rule, const char *format, ...)
{
	char evidence[BERTH_WHY_SENTENCE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(evidence, sizeof(evidence), format, arguments);
	va_end(arguments);
	berth_decision_pass(&o->decision, rule, SECTION, "%s", evidence);
	return BERTH_OK;
}

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
	case BERTH_E_EXISTS:
		return 403;
	case BERTH_E_NOT_FOUND:
		return 404;
	case BERTH_E_PENDING:
		return 429;
	case BERTH_E_UNREACHABLE:
	case BERTH_E_TIMEOUT:
	case BERTH_E_IO:
		return 503;
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

static enum berth_err
refuse(struct berth_ownership *o, int status)
{
	berth_decision_fail(&o->decision, &o->why);
	berth_buf_clear(&o->body);
	if (berth_buf_printf(&o->body, "%s (%s)\n", o->why.sentence, o->why.rule) == BERTH_OK)
		o->response.body = berth_buf_view(&o->body);
	o->response.media_type = BERTH_LIT("text/plain; charset=utf-8");
	o->response.status = status;
	return o->why.err;
}

/* The refusal with its status by kind. */
#define REFUSE(o, err, rule, section, ...)                                                         \
	(berth_why_fill(&(o)->why, (err), (rule), (section), 0, __VA_ARGS__),                      \
	 refuse((o), status_of(err)))

enum berth_err
berth_ownership_fail(struct berth_ownership *o, const struct berth_why *why)
{
	o->why = *why;
	o->why.err = why->err ? why->err : BERTH_E_INTERNAL;
	o->why.rule = why->rule ? why->rule : "ownership-internal";
	return refuse(o, status_of(o->why.err));
}

void
berth_ownership_start(struct berth_ownership *o, struct berth_pki *pki,
		      enum berth_ownership_act act, struct berth_now now)
{
	memset(o, 0, sizeof(*o));
	o->pki = pki;
	o->act = act;
	o->now = now;
	o->response.retry_after_s = -1;
	o->body.limit = BERTH_OWNERSHIP_JSON_MAX_BYTES;
	berth_arena_start(&o->arena, BERTH_OWNERSHIP_ARENA_BYTES);
	berth_decision_start(&o->decision);
}

void
berth_ownership_end(struct berth_ownership *o)
{
	if (!o)
		return;
	berth_ownership_request_wipe(&o->request);
	berth_revocation_end(&o->revocation);
	berth_cert_list_free(&o->chain);
	berth_cert_list_free(&o->path);
	berth_cert_free(o->owner_certificate);
	o->owner_certificate = NULL;
	berth_buf_free(&o->body);
	berth_arena_end(&o->arena);
}

/* ---- who asks ---- */

static enum berth_err
check_http(struct berth_ownership *o, const struct berth_http_request *http)
{
	if (http->method != BERTH_HTTP_POST) {
		berth_why_fill(&o->why, BERTH_E_UNSUPPORTED, "ownership-method", SECTION, 0,
			       "this resource takes POST only");
		return refuse(o, 405);
	}
	if (!berth_bytes_equal_nocase(http->media_type, BERTH_LIT(MEDIA_JSON))) {
		berth_why_fill(&o->why, BERTH_E_UNSUPPORTED, "ownership-media-type", SECTION, 0,
			       "Content-Type must be " MEDIA_JSON);
		return refuse(o, 415);
	}
	return BERTH_OK;
}

static enum berth_err
name_domain(struct berth_ownership *o, const struct berth_cert *cert,
	    struct berth_ownership_domain *ret)
{
	ret->domain_id_length = berth_cert_domain_id(o->pki, cert, ret->domain_id);
	ret->name = berth_arena_text(&o->arena, berth_cert_party_name(cert));
	if (ret->name == NULL)
		return REFUSE(o, BERTH_E_LIMIT, "ownership-memory", NULL,
			      "no room for the owner's name");
	if (ret->domain_id_length == 0 ||
	    berth_sha256(o->pki, berth_key_spki(berth_cert_key(cert)), ret->key_sha256))
		return REFUSE(o, BERTH_E_CRYPTO, "berth-crypto", NULL, "SHA-256 failed");
	return BERTH_OK;
}

static enum berth_err
find_path(struct berth_ownership *o, const struct berth_tls_facts *tls)
{
	struct berth_why cause = {0};
	enum berth_err err = berth_cert_list_from_chain(o->pki, tls->peer_chain, tls->peer_count,
							&o->chain, &cause);

	if (!err && berth_cert_is_ca(o->chain.at[0]))
		err = berth_fail(&cause, BERTH_E_UNTRUSTED, "ownership-peer-ca", NULL,
				 "it is a CA's, not a registrar's");
	err = err ? err
		  : berth_domain_path_find(o->pki, o->chain.at[0], &o->chain, o->now.wall, &o->path,
					   &cause);
	err = err ? err : berth_domain_path_names(o->pki, &o->path, &o->unit_query, &cause);
	if (err)
		return REFUSE(o, BERTH_E_UNTRUSTED, "ownership-peer", SECTION,
			      "the TLS client certificate is no registrar's of a domain: %s",
			      cause.sentence);
	o->registrar_name = berth_cert_subject_text(o->chain.at[0]);
	return name_domain(o, o->path.at[o->path.n - 1], &o->asker);
}

/* A manufacturer may want to know registrars beforehand; then it does so here too. */
static enum berth_err
check_configured(struct berth_ownership *o, const struct berth_masa_policy *policy)
{
	struct berth_why cause = {0};
	const struct berth_path_check check = {
		.leaf = o->chain.at[0],
		.untrusted = &o->chain,
		.anchors = policy->client_anchors,
		.at = o->now.wall,
		.require_eku = BERTH_EKU_CLIENT_AUTH | BERTH_EKU_CMC_RA,
	};

	if (!policy->require_client_certificate)
		return BERTH_OK;
	if (policy->client_anchors && policy->client_anchors->n &&
	    berth_path_verify(o->pki, &check, NULL, &cause) == BERTH_OK)
		return BERTH_OK;
	return REFUSE(o, BERTH_E_UNTRUSTED, "rfc8995-5.4-client-certificate", "RFC 8995 5.4",
		      "registrars must present a TLS client certificate of a configured anchor: %s",
		      cause.sentence);
}

static enum berth_err
check_peer(struct berth_ownership *o, const struct berth_masa_policy *policy,
	   const struct berth_tls_facts *tls)
{
	if (tls->peer_count == 0)
		return REFUSE(o, BERTH_E_UNTRUSTED, "ownership-peer", SECTION,
			      "who asks must show its registrar's certificate in TLS");
	if (find_path(o, tls) || check_configured(o, policy))
		return o->why.err;
	return pass(o, "ownership-peer", "%s of %s", o->registrar_name, o->asker.name);
}

/* A device matches what is above its registrar, not the registrar: an end entity as owner would be lost with it. */
static enum berth_err
read_next_owner(struct berth_ownership *o)
{
	struct berth_why cause = {0};

	if (o->act != BERTH_OWNERSHIP_TRANSFER)
		return BERTH_OK;
	if (berth_cert_parse(o->pki, o->request.owner_certificate, &o->owner_certificate, &cause))
		return REFUSE(o, BERTH_E_SYNTAX, "ownership-next-owner", SECTION,
			      "the next owner's certificate cannot be read: %s", cause.sentence);
	if (!berth_cert_is_ca(o->owner_certificate))
		return REFUSE(o, BERTH_E_SYNTAX, "ownership-next-owner", SECTION,
			      "the next owner's certificate is no CA's; give its domain CA");
	if (name_domain(o, o->owner_certificate, &o->next))
		return o->why.err;
	if (o->request.owner_name.n)
		o->next.name = berth_arena_text(&o->arena, o->request.owner_name);
	return o->next.name ? BERTH_OK
			    : REFUSE(o, BERTH_E_LIMIT, "ownership-memory", NULL,
				     "no room for the next owner's name");
}

enum berth_err
berth_ownership_input(struct berth_ownership *o, const struct berth_masa_policy *policy,
		      const struct berth_http_request *http, const struct berth_tls_facts *tls)
{
	struct berth_why cause = {0};

	o->policy = policy;
	if (check_http(o, http) || check_peer(o, policy, tls))
		return o->why.err;
	if (berth_ownership_request_parse(http->body, o->act, &o->arena, &o->request, &cause))
		return berth_ownership_fail(o, &cause);
	o->unit_query.serial_number = o->request.serial_number;
	o->unit_query.issuer_key_id = o->request.issuer_key_id;
	return read_next_owner(o);
}

/* ---- what is decided ---- */

/* req: berth-claim-rate */
static enum berth_err
check_rate(struct berth_ownership *o, const struct berth_ownership_facts *facts)
{
	int64_t wait = facts->source_wait_s > facts->unit_wait_s ? facts->source_wait_s
								 : facts->unit_wait_s;

	if (wait <= 0)
		return BERTH_OK;
	o->response.retry_after_s = wait > INT32_MAX ? INT32_MAX : (int32_t)wait;
	return REFUSE(o, BERTH_E_PENDING, "berth-claim-rate", SECTION,
		      "too many wrong codes %s; no code is looked at for %lld s",
		      facts->source_wait_s > 0 ? "from this address" : "for this serial number",
		      (long long)wait);
}

/* Compared in every case, so that the time tells nothing either. */
/* req: berth-claim-code */
static enum berth_err
check_code(struct berth_ownership *o, const struct berth_ownership_facts *facts)
{
	bool matches = berth_claim_code_matches(o->pki, &o->request.code, &facts->code);

	if (matches && facts->is_known && facts->has_code)
		return pass(o, "berth-claim-code", "the code is this unit's");
	o->effect = BERTH_OWNERSHIP_COUNT_WRONG;
	return REFUSE(o, BERTH_E_DENIED, "berth-claim-code", SECTION,
		      "no unit with this serial number has this code");
}

/* req: berth-claim-once */
static enum berth_err
check_unused(struct berth_ownership *o, const struct berth_ownership_facts *facts)
{
	if (!facts->code_is_used)
		return pass(o, "berth-claim-once", "the code was not used before");
	return REFUSE(o, BERTH_E_DENIED, "berth-claim-once", SECTION,
		      "the code was used before; ask who owned the unit last for a new one");
}

static enum berth_err
check_withdrawn(struct berth_ownership *o, const struct berth_ownership_facts *facts)
{
	if (!facts->is_withdrawn)
		return BERTH_OK;
	return REFUSE(o, BERTH_E_DENIED, "berth-masa-unit-withdrawn", NULL,
		      "the unit is withdrawn; it changes hands no more");
}

static enum berth_err
decide_claim(struct berth_ownership *o, const struct berth_ownership_facts *facts)
{
	if (check_rate(o, facts) || check_code(o, facts) || check_withdrawn(o, facts))
		return o->why.err;
	if (facts->has_owner && facts->owner_is_asker)
		return pass(o, "berth-claim-owner", "the unit is the asker's already");
	if (facts->has_owner)
		return REFUSE(o, BERTH_E_DENIED, "rfc8995-5.5-owner", "RFC 8995 5.5",
			      "the unit belongs to another owner, who has not released it");
	if (check_unused(o, facts))
		return o->why.err;
	o->effect = BERTH_OWNERSHIP_SET;
	return pass(o, "berth-claim-owner", "nobody owns the unit: it becomes the asker's");
}

/*
 * The reply to who let go may have been lost: the same again is answered as the first time. From whom the manufacturer took
 * the unit has left no code, and leaves none now: it would claim with it what is no longer its.
 */
/* req: berth-ownership-again */
static bool
is_repeated(const struct berth_ownership *o, const struct berth_ownership_facts *facts)
{
	if (!facts->is_known || !facts->asker_let_go || facts->owner_is_asker)
		return false;
	if (o->act == BERTH_OWNERSHIP_RELEASE)
		return !facts->has_owner && (!o->request.has_next_code || facts->asker_left_code);
	return facts->has_owner && facts->owner_is_next;
}

/* Unknown, nobody's and another's look the same to who asks. */
/* req: berth-ownership-own */
static enum berth_err
check_own(struct berth_ownership *o, const struct berth_ownership_facts *facts)
{
	if (facts->is_known && facts->has_owner && facts->owner_is_asker)
		return pass(o, "berth-ownership-own", "the asking domain owns the unit");
	return REFUSE(o, BERTH_E_DENIED, "berth-ownership-own", SECTION,
		      "no unit with this serial number is owned by this domain");
}

enum berth_err
berth_ownership_decide(struct berth_ownership *o, const struct berth_ownership_facts *facts)
{
	enum berth_err err = BERTH_OK;

	o->effect = BERTH_OWNERSHIP_NOTHING;
	switch (o->act) {
	case BERTH_OWNERSHIP_CLAIM:
		return decide_claim(o, facts);
	case BERTH_OWNERSHIP_RELEASE:
		if (is_repeated(o, facts)) {
			o->effect = o->request.has_next_code ? BERTH_OWNERSHIP_NEW_CODE
							     : BERTH_OWNERSHIP_NOTHING;
			return pass(o, "berth-ownership-again", "the asker let go of it already");
		}
		err = check_own(o, facts);
		o->effect = err ? BERTH_OWNERSHIP_NOTHING : BERTH_OWNERSHIP_END;
		return err;
	case BERTH_OWNERSHIP_TRANSFER:
		if (is_repeated(o, facts))
			return pass(o, "berth-ownership-again", "it is the next owner's already");
		err = check_own(o, facts);
		err = err ? err : check_withdrawn(o, facts);
		o->effect = err ? BERTH_OWNERSHIP_NOTHING : BERTH_OWNERSHIP_REPLACE;
		return err;
	}
	return err;
}

/* ---- revocation: as of a voucher-request's registrar (protocol/brski/masa_revocation.c) ---- */

static enum berth_err
settle(struct berth_ownership *o, enum berth_revocation_step step)
{
	const struct berth_revocation *r = &o->revocation;
	const char *subject = berth_cert_subject_text(o->path.at[o->checked]);

	switch (step) {
	case BERTH_REVOCATION_FETCH:
		return BERTH_E_PENDING;
	case BERTH_REVOCATION_GOOD:
		o->checked++;
		return pass(o, "ownership-revocation", "%s: not revoked, as %s of %s says", subject,
			    r->fetch.is_ocsp ? "OCSP" : "the revocation list", r->fetch.url.host);
	case BERTH_REVOCATION_REFUSED:
		break;
	}
	return REFUSE(o, BERTH_E_UNTRUSTED, "ownership-revocation", SECTION, "%s", r->why.sentence);
}

/* req: berth-ownership-revocation */
enum berth_err
berth_ownership_check_revocation(struct berth_ownership *o)
{
	enum berth_err err = BERTH_OK;

	if (o->policy->revocation == BERTH_MASA_REVOCATION_IGNORED)
		return BERTH_OK;
	if (o->path.n == 1 && berth_cert_has_revocation_source(o->path.at[0]))
		return REFUSE(o, BERTH_E_UNTRUSTED, "ownership-revocation", SECTION,
			      "the registrar's certificate names a source of revocation, and its "
			      "issuer was not sent");
	while (!err && o->checked + 1 < o->path.n) {
		size_t i = o->checked;

		if (!berth_cert_has_revocation_source(o->path.at[i])) {
			o->checked++;
			continue;
		}
		berth_revocation_end(&o->revocation);
		err = settle(o, berth_revocation_start(&o->revocation, o->pki, o->path.at[i],
						       o->path.at[i + 1], o->now.wall));
	}
	return err;
}

enum berth_err
berth_ownership_answer_revocation(struct berth_ownership *o, struct berth_bytes body,
				  const struct berth_why *why)
{
	enum berth_err err = settle(o, berth_revocation_answer(&o->revocation, body, why));

	return err ? err : berth_ownership_check_revocation(o);
}

enum berth_err
berth_ownership_end_well(struct berth_ownership *o, const struct berth_ownership_reply *reply)
{
	struct berth_why cause = {0};

	berth_buf_clear(&o->body);
	if (berth_ownership_reply_build(reply, &o->body, &cause))
		return berth_ownership_fail(o, &cause);
	berth_decision_set(&o->decision, BERTH_OUTCOME_ALLOW);
	o->response.status = 200;
	o->response.media_type = BERTH_LIT(MEDIA_JSON);
	o->response.body = berth_buf_view(&o->body);
	return BERTH_OK;
}
