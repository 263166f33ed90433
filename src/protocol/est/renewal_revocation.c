/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Was the registrar revoked by its owner's CA? Each certificate of its path that names a source is asked about. A
 * device may stand where no source can be reached, or have no clock to tell a fresh answer by, so unless it is told
 * otherwise it goes on then, and says so; what it is told is never passed over.
 */
#include "protocol/est/client.h"
#include "protocol/est/renewal_internal.h"

#define SECTION "RFC 7030 3.6.1"

static void
go_on(struct berth_renewal *x, struct berth_now now)
{
	berth_revocation_end(&x->revocation);
	if (x->next_key) {
		renewal_send_request(x, now);
	} else {
		renewal_ask_ca_certificates(x, now);
	}
}

static void
refuse(struct berth_renewal *x, struct berth_now now, const char *rule, const char *sentence)
{
	struct berth_why why = {0};
	berth_ignore(berth_fail(&why, BERTH_E_UNTRUSTED, rule, SECTION, "%s", sentence),
		     "the note tells");
	const struct renewal_message lost = {.why = &why};
	berth_revocation_end(&x->revocation);
	renewal_on_certificate_lost(x, now, &lost);
}

/* Nobody said good, and nobody said revoked. */
static bool
may_stay_unknown(struct berth_renewal *x, struct berth_now now, const char *sentence)
{
	if (x->revocation_rule == BERTH_RENEWAL_REVOCATION_REQUIRED) {
		refuse(x, now, "est-renewal-revocation-unknown", sentence);
		return false;
	}
	struct berth_why why = {0};
	berth_ignore(berth_fail(&why, BERTH_E_UNREACHABLE, "est-renewal-revocation-unknown",
				SECTION, "%s", sentence),
		     "the note tells");
	renewal_note(x, BERTH_RENEWAL_NOTE_REVOCATION_UNKNOWN, &why);
	return true;
}

/* False when the exchange has ended, or waits. */
static bool
settle(struct berth_renewal *x, struct berth_now now, enum berth_revocation_step step)
{
	switch (step) {
	case BERTH_REVOCATION_FETCH:
		renewal_emit(x, BERTH_RENEWAL_FETCH);
		renewal_wait(x, RENEWAL_WAIT_REVOCATION, now);
		return false;
	case BERTH_REVOCATION_GOOD:
		break;
	case BERTH_REVOCATION_REFUSED:
		if (x->revocation.why.err == BERTH_E_DENIED) {
			refuse(x, now, "est-renewal-registrar-revoked", x->revocation.why.sentence);
			return false;
		}
		if (!may_stay_unknown(x, now, x->revocation.why.sentence)) {
			return false;
		}
		break;
	}
	x->asked_about++;
	return true;
}

static void
ask_next(struct berth_renewal *x, struct berth_now now)
{
	struct berth_wall time = {0};
	berth_ignore(renewal_clock(x, now, &time), "it was looked at before");
	while (x->asked_about + 1 < x->server_path.n) {
		const size_t i = x->asked_about;
		berth_revocation_end(&x->revocation);
		if (!settle(x, now,
			    berth_revocation_start(&x->revocation, x->env.pki, x->server_path.at[i],
						   x->server_path.at[i + 1], time))) {
			return;
		}
	}
	go_on(x, now);
}

static bool
names_a_source(const struct berth_cert_list *path)
{
	for (size_t i = 0; i + 1 < path->n; i++) {
		if (berth_cert_has_revocation_source(path->at[i])) {
			return true;
		}
	}
	return false;
}

/* req: rfc7030-3.6.1-device-revocation */
void
renewal_check_revocation(struct berth_renewal *x, struct berth_now now)
{
	struct berth_wall time = {0};
	x->asked_about = 0;
	if (x->revocation_rule == BERTH_RENEWAL_REVOCATION_IGNORED ||
	    !names_a_source(&x->server_path)) {
		go_on(x, now);
		return;
	}
	if (renewal_clock(x, now, &time) != RENEWAL_CLOCK_WITHIN) {
		if (may_stay_unknown(x, now,
				     "without a clock that can be trusted no answer about the "
				     "registrar's certificate is known to be fresh")) {
			go_on(x, now);
		}
		return;
	}
	ask_next(x, now);
}

void
renewal_on_fetched(struct berth_renewal *x, struct berth_now now,
		   const struct renewal_message *message)
{
	if (settle(x, now, berth_revocation_answer(&x->revocation, message->body, message->why))) {
		ask_next(x, now);
	}
}

void
renewal_on_not_fetched(struct berth_renewal *x, struct berth_now now,
		       const struct renewal_message *message)
{
	(void)message;
	struct berth_why why = {0};
	berth_ignore(berth_fail(&why, BERTH_E_TIMEOUT, "est-renewal-late", SECTION,
				"no answer about the registrar's certificate came in time"),
		     "it is passed on");
	const struct renewal_message nothing = {.why = &why};
	renewal_on_fetched(x, now, &nothing);
}
