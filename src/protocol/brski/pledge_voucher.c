/* SPDX-License-Identifier: BSD-2-Clause */
/* From the provisional connection to a confirmed one: RFC 8995 5.2, 5.6 and 5.7. */
#include "protocol/brski/pledge_internal.h"
#include "protocol/brski/pledge_redirect.h"
#include "protocol/brski/telemetry.h"
#include "protocol/est/client.h"

#define STATUS_PATH "/.well-known/brski/voucher_status"
#define VOUCHER_MAX_BYTES                                                                          \
	((size_t)256 << 10) /* arena for one voucher: JSON of 48 KiB, several views */

static void
describe_request(const struct berth_pledge *pledge, const struct pledge_attempt *attempt,
		 struct berth_now now, struct berth_voucher *request)
{
	*request = (struct berth_voucher){
		.kind = BERTH_VOUCHER_REQUEST_PLEDGE,
		.assertion = BERTH_ASSERTION_PROXIMITY,
		.serial_number = pledge->serial_number,
		.nonce = berth_bytes_of(attempt->nonce, sizeof(attempt->nonce)),
		.proximity_registrar_cert = berth_cert_der(attempt->registrar.at[0]),
		.has_created_on = now.wall_is_trusted,
		.created_on = now.wall,
	};
}

/* req: rfc8995-5.2-p1, rfc8995-5.2-p2, rfc8995-5.2-p3, rfc8995-4.1-p9, rfc8995-5.2-p4 */
static enum berth_err
build_request(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
	      struct berth_why *why)
{
	berth_random_fill(&pledge->env.random, attempt->nonce, sizeof(attempt->nonce));
	struct berth_voucher request;
	describe_request(pledge, attempt, now, &request);
	struct berth_cert_list others = {0}; /* borrows; the chain above the end entity */
	for (size_t i = 1; i < pledge->conf.idevid->n; i++) {
		others.at[others.n++] = pledge->conf.idevid->at[i];
	}
	const struct berth_cms_fields how = {
		.content_type = BERTH_CMS_ANIMA_VOUCHER,
		.key = pledge->conf.idevid_key,
		.signer = pledge->conf.idevid->at[0],
		.others = &others,
		.signing_time = now.wall,
		.omit_signing_time = !now.wall_is_trusted,
	};
	berth_buf_clear(&attempt->body);
	return berth_voucher_sign(pledge->env.pki, &request, &how, &attempt->body, why);
}

/* req: rfc8995-5.1-p3, rfc8995-5.2-p5 */
void
pledge_on_connected(struct berth_pledge *pledge, struct pledge_attempt *attempt,
		    struct berth_now now, const struct pledge_message *message)
{
	struct berth_why why = {0};
	enum berth_err err =
		berth_cert_list_from_chain(pledge->env.pki, message->tls->peer_chain,
					   message->tls->peer_count, &attempt->registrar, &why);
	if (!err) {
		err = build_request(pledge, attempt, now, &why);
	}
	if (!err && berth_est_link_text(message->tls, &attempt->link)) {
		err = berth_fail(&why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	}
	if (err) {
		pledge_attempt_fail(pledge, attempt, now, &why);
		return;
	}
	attempt->is_connected = true;
	attempt->connection = message->tls->connection;
	pledge_progress(attempt, now);
	pledge_note(pledge, attempt, BERTH_PLEDGE_NOTE_VOUCHER_REQUESTED, NULL);
	pledge_send(attempt, WAIT_VOUCHER, now, attempt->voucher_path, BERTH_MEDIA_VOUCHER_CMS,
		    BERTH_MEDIA_VOUCHER_CMS);
}

static enum berth_err
check_purpose(const struct berth_cert *registrar, struct berth_why *why)
{
	bool has_eku = false;
	const unsigned eku = berth_cert_eku(registrar, &has_eku);
	if (!has_eku || !(eku & BERTH_EKU_CMC_RA)) {
		return berth_fail(why, BERTH_E_UNTRUSTED, "rfc8995-5.6.2-no-cmc-ra",
				  "RFC 8995 5.6.2",
				  "the registrar's certificate lacks the purpose id-kp-cmcRA");
	}
	return BERTH_OK;
}

/* req: rfc8995-2.6.1-p1 */
static enum berth_err
check_validity(const struct berth_cert *registrar, struct berth_now now, struct berth_why *why)
{
	if (!now.wall_is_trusted || (berth_cert_not_before(registrar).s <= now.wall.s &&
				     now.wall.s <= berth_cert_not_after(registrar).s)) {
		return BERTH_OK;
	}
	return berth_fail(why, BERTH_E_EXPIRED, "rfc8995-5.6.2-registrar-expired", "RFC 8995 5.6.2",
			  "the registrar's certificate is outside its time");
}

/* req: rfc8995-5.6.2-p1, rfc8995-5.6.2-p2, rfc8366-5.3-pinned */
enum berth_err
pledge_confirm_registrar(struct berth_pledge *pledge, const struct berth_cert_list *chain,
			 const struct berth_cert *pinned, struct berth_now now,
			 struct berth_why *why)
{
	const struct berth_cert *registrar = chain->at[0];
	enum berth_err err = check_purpose(registrar, why);
	if (err) {
		return err;
	}
	if (berth_key_equal(berth_cert_key(registrar), berth_cert_key(pinned))) {
		return check_validity(registrar, now, why);
	}
	if (!berth_cert_is_ca(pinned)) {
		return berth_fail(why, BERTH_E_UNTRUSTED, "rfc8995-5.6.2-other-registrar",
				  "RFC 8995 5.6.2",
				  "the voucher pins another registrar than the one we talk to");
	}
	/* A TLS server need not send the CA: the voucher has told of it. */
	struct berth_cert_list known = {.n = 1}; /* borrows */
	known.at[0] = (struct berth_cert *)(uintptr_t)pinned;
	for (size_t i = 0; i < chain->n && known.n < BERTH_CERT_LIST_MAX; i++) {
		known.at[known.n++] = chain->at[i];
	}
	const struct berth_path_check check = {
		.leaf = registrar,
		.untrusted = &known,
		.anchor_key = berth_cert_key(pinned),
		.at = now.wall,
		.ignore_time = !now.wall_is_trusted,
		.require_eku = BERTH_EKU_CMC_RA,
		.require_eku_present = true,
	};
	return berth_path_verify(pledge->env.pki, &check, NULL, why);
}

/* req: rfc8995-7.2-p1, rfc8995-7.2-p2 */
static enum berth_err
judge(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
      struct berth_bytes der, struct berth_why *why)
{
	BERTH_ARENA arena;
	berth_arena_start(&arena, VOUCHER_MAX_BYTES);
	BERTH_SIGNED_VOUCHER voucher = {0};
	const struct berth_voucher_expectation want = {
		.anchors = pledge->conf.manufacturer_anchors,
		.serial_number = pledge->serial_number,
		.nonce = berth_bytes_of(attempt->nonce, sizeof(attempt->nonce)),
		.check_nonce = true,
		.allow_nonceless = !pledge->conf.refuse_nonceless,
		.aki_value = berth_cert_aki_value(pledge->conf.idevid->at[0]),
		.now = now,
	};
	enum berth_err err =
		berth_voucher_verify(pledge->env.pki, der, &want, &arena, &voucher, why);
	if (err) {
		return err;
	}
	if (voucher.voucher.pinned_domain_cert.n == 0) {
		return berth_fail(why, BERTH_E_UNSUPPORTED, "rfc8995-5.6-nothing-pinned",
				  "RFC 8995 5.6", "the voucher pins no certificate");
	}
	attempt->demands_revocation_checks = voucher.voucher.domain_cert_revocation_checks;
	BERTH_CERT *pinned = NULL;
	err = berth_cert_parse(pledge->env.pki, voucher.voucher.pinned_domain_cert, &pinned, why);
	if (!err) {
		err = pledge_confirm_registrar(pledge, &attempt->registrar, pinned, now, why);
	}
	if (!err) {
		attempt->pinned = berth_cert_ref(pinned);
	}
	return err;
}

/* req: rfc8995-5.7-p4 */
static enum berth_err
say_status(struct pledge_attempt *attempt, struct berth_now now, bool status, struct berth_why *why)
{
	/* One sentence whatever the cause: who is at the other end may be an attacker. */
	/* req: rfc8995-5.7-p1, rfc8995-5.7-p2 */
	const struct berth_telemetry telemetry = {
		.version = BERTH_TELEMETRY_VERSION,
		.status = status,
		.reason = status ? BERTH_BYTES_NONE : BERTH_LIT("the voucher was not accepted"),
	};
	berth_buf_clear(&attempt->body);
	enum berth_err err = berth_telemetry_build(&telemetry, &attempt->body, why);
	if (!err) {
		pledge_send(attempt, status ? WAIT_STATUS_REPLY : WAIT_REFUSAL_REPLY, now,
			    STATUS_PATH, BERTH_MEDIA_JSON, NULL);
	}
	return err;
}

/* Its voucher holds: no other attempt may go on beside it. */
static void
choose(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now)
{
	pledge->chosen = attempt;
	for (size_t i = 0; i < BERTH_PLEDGE_ATTEMPTS_MAX; i++) {
		struct pledge_attempt *other = &pledge->attempts[i];
		if (other->id && other != attempt) {
			pledge_attempt_drop(pledge, other, now);
		}
	}
}

/* req: rfc8995-5.6.2-p4 */
void
pledge_voucher_judged(struct berth_pledge *pledge, struct pledge_attempt *attempt,
		      struct berth_now now, enum berth_err err, const struct berth_why *why)
{
	struct berth_why trouble = {0};
	if (err) {
		pledge_note(pledge, attempt, BERTH_PLEDGE_NOTE_VOUCHER_REFUSED, why);
	} else {
		choose(pledge, attempt, now);
		pledge_note(pledge, attempt, BERTH_PLEDGE_NOTE_VOUCHER_ACCEPTED, NULL);
	}
	if (say_status(attempt, now, !err, &trouble)) {
		pledge_attempt_fail(pledge, attempt, now, &trouble);
	}
}

/* req: rfc8366-5.3-no-revocation */
static void
take_voucher(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
	     const struct berth_http_response *response)
{
	struct berth_why why = {0};
	enum berth_err err = BERTH_OK;
	if (!berth_est_media_is(response->media_type, BERTH_MEDIA_VOUCHER_CMS)) {
		err = berth_fail(&why, BERTH_E_UNSUPPORTED, "rfc8995-5.6-media-type",
				 "RFC 8995 5.6", "the reply is not " BERTH_MEDIA_VOUCHER_CMS);
	}
	if (!err) {
		err = judge(pledge, attempt, now, response->body, &why);
	}
	pledge_progress(attempt, now);
	if (!err && attempt->demands_revocation_checks) {
		pledge_check_revocation(pledge, attempt, now);
		return;
	}
	pledge_voucher_judged(pledge, attempt, now, err, &why);
}

static void
follow_redirect(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
		const struct berth_http_response *response)
{
	struct berth_why why = {0};
	struct pledge_redirect target;
	enum berth_err err = BERTH_OK;
	/* req: rfc8995-5.6-p4 */
	if (attempt->was_redirected) {
		err = berth_fail(&why, BERTH_E_LIMIT, "rfc8995-5.6-second-redirect", "RFC 8995 5.6",
				 "sent on for a second time");
	}
	if (!err) {
		err = pledge_redirect_parse(response->location, &attempt->arena, &target, &why);
	}
	if (err) {
		pledge_attempt_fail(pledge, attempt, now, &why);
		return;
	}
	/* Another origin is another registrar: provisional anew, with a request and nonce of its own. */
	pledge_close(pledge, attempt);
	memcpy(attempt->host, target.host, sizeof(attempt->host));
	attempt->port = target.port;
	attempt->voucher_path = target.path;
	attempt->was_redirected = true;
	berth_cert_list_free(&attempt->registrar);
	attempt->registrar = (struct berth_cert_list){0};
	pledge_note(pledge, attempt, BERTH_PLEDGE_NOTE_REDIRECTED, NULL);
	pledge_connect(pledge, attempt);
	pledge_wait_for(attempt, WAIT_CONNECTION, now);
}

void
pledge_on_voucher(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
		  const struct pledge_message *message)
{
	const struct berth_http_response *response = message->response;
	if (response->status == 200) {
		take_voucher(pledge, attempt, now, response);
		return;
	}
	if (response->status == 202) {
		pledge_wait_retry(pledge, attempt, WAIT_VOUCHER_TIME, now, response->retry_after_s);
		return;
	}
	if (response->status >= 300 && response->status < 400) {
		follow_redirect(pledge, attempt, now, response);
		return;
	}
	/* req: rfc8995-5.6-p5 */
	struct berth_why why;
	berth_ignore(berth_fail(&why, pledge_err_of_status(response->status), "rfc8995-5.6-refused",
				"RFC 8995 5.6", "the registrar answered %d to the voucher request",
				response->status),
		     "the note tells");
	pledge_attempt_fail(pledge, attempt, now, &why);
}

/* req: rfc8995-5.6.2-p3 */
void
pledge_on_refusal_replied(struct berth_pledge *pledge, struct pledge_attempt *attempt,
			  struct berth_now now, const struct pledge_message *message)
{
	(void)message;
	struct berth_why why;
	berth_ignore(berth_fail(&why, BERTH_E_UNTRUSTED, "rfc8995-5.6-not-vouched", "RFC 8995 5.6",
				"the manufacturer does not vouch for this registrar"),
		     "the note tells");
	pledge_attempt_fail(pledge, attempt, now, &why);
}
