/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RFC 8366 5.3: a voucher with domain-cert-revocation-checks is accepted only when the registrar's certificates, up to the
 * pinned one, were asked about and nobody revoked them. The manufacturer demanded an answer: where no certificate names a
 * source, where none answers, or where no clock says that an answer is fresh, the voucher is refused.
 */
#include "protocol/brski/pledge_internal.h"

#define RULE "rfc8366-5.3-revocation-checks"
#define SECTION "RFC 8366 5.3"

/* The path from the registrar to the pinned certificate; what issued that one too, where the registrar sent it. */
static enum berth_err
find_path(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
	  struct berth_why *why)
{
	struct berth_cert_list known = {.n = 1}; /* borrows */
	known.at[0] = attempt->pinned;
	for (size_t i = 0; i < attempt->registrar.n && known.n < BERTH_CERT_LIST_MAX; i++) {
		known.at[known.n++] = attempt->registrar.at[i];
	}
	const struct berth_path_check check = {
		.leaf = attempt->registrar.at[0],
		.untrusted = &known,
		.anchor_key = berth_cert_key(attempt->pinned),
		.at = now.wall,
	};
	enum berth_err err = berth_path_verify(pledge->env.pki, &check, &attempt->path, why);
	if (err) {
		return err;
	}
	const struct berth_cert *last = attempt->path.at[attempt->path.n - 1];
	for (size_t i = 0; i < attempt->registrar.n; i++) {
		struct berth_cert *above = attempt->registrar.at[i];
		if (berth_cert_is_ca(above) && !berth_cert_is_self_issued(last) &&
		    berth_bytes_equal(berth_cert_subject_der(above), berth_cert_issuer_der(last))) {
			return berth_cert_list_add(&attempt->path, above, why);
		}
	}
	return BERTH_OK;
}

/* PENDING: it must be fetched. */
static enum berth_err
settle(struct pledge_attempt *attempt, enum berth_revocation_step step, struct berth_why *why)
{
	switch (step) {
	case BERTH_REVOCATION_FETCH:
		return BERTH_E_PENDING;
	case BERTH_REVOCATION_GOOD:
		attempt->has_checked = attempt->has_checked || attempt->revocation.has_source;
		attempt->checked++;
		return BERTH_OK;
	case BERTH_REVOCATION_REFUSED:
		break;
	}
	return berth_fail(why, BERTH_E_UNTRUSTED, RULE, SECTION, "%s",
			  attempt->revocation.why.sentence);
}

static enum berth_err
go_on(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
      struct berth_why *why)
{
	enum berth_err err = BERTH_OK;
	while (!err && attempt->checked + 1 < attempt->path.n) {
		const size_t i = attempt->checked;
		berth_revocation_end(&attempt->revocation);
		err = settle(attempt,
			     berth_revocation_start(&attempt->revocation, pledge->env.pki,
						    attempt->path.at[i], attempt->path.at[i + 1],
						    now.wall),
			     why);
	}
	if (err || attempt->has_checked) {
		return err;
	}
	return berth_fail(why, BERTH_E_UNSUPPORTED, RULE, SECTION,
			  "the voucher demands revocation checks, and the registrar's certificates "
			  "name nobody to ask");
}

static void
finish(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
       enum berth_err err, const struct berth_why *why)
{
	if (err == BERTH_E_PENDING) {
		pledge_wait_for(attempt, WAIT_REVOCATION, now);
		pledge_emit(pledge, attempt, BERTH_PLEDGE_FETCH);
		return;
	}
	pledge_voucher_judged(pledge, attempt, now, err, why);
}

/* req: rfc8366-5.3-p1 */
void
pledge_check_revocation(struct berth_pledge *pledge, struct pledge_attempt *attempt,
			struct berth_now now)
{
	struct berth_why why = {0};
	enum berth_err err = BERTH_OK;
	if (!now.wall_is_trusted) {
		err = berth_fail(&why, BERTH_E_UNSUPPORTED, RULE, SECTION,
				 "the voucher demands revocation checks, and without a clock that "
				 "can be trusted no answer is known to be fresh");
	}
	err = err ? err : find_path(pledge, attempt, now, &why);
	err = err ? err : go_on(pledge, attempt, now, &why);
	finish(pledge, attempt, now, err, &why);
}

void
pledge_on_fetched(struct berth_pledge *pledge, struct pledge_attempt *attempt, struct berth_now now,
		  const struct pledge_message *message)
{
	struct berth_why why = {0};
	enum berth_err err = settle(
		attempt, berth_revocation_answer(&attempt->revocation, message->body, message->why),
		&why);
	err = err ? err : go_on(pledge, attempt, now, &why);
	finish(pledge, attempt, now, err, &why);
}
