/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/credential.h"

static const char *const names[BERTH_CREDENTIAL_STATE_COUNT] = {
	[BERTH_CREDENTIAL_INTENT] = "intent",
	[BERTH_CREDENTIAL_ISSUED] = "issued",
	[BERTH_CREDENTIAL_FAILED] = "failed",
	[BERTH_CREDENTIAL_REVOKED] = "revoked",
};

const char *
berth_credential_state_name(enum berth_credential_state state)
{
	return names[state];
}

enum berth_err
berth_credential_check(const struct berth_credential *credential, struct berth_why *why)
{
	if (!credential->issuer_key_id.n)
		return berth_fail(why, BERTH_E_SYNTAX, "credential-issuer", "RFC 5280 4.2.1.1",
				  "the certificate's issuer has no key id");
	if (!credential->serial.n || credential->serial.n > BERTH_CREDENTIAL_SERIAL_MAX)
		return berth_fail(why, BERTH_E_SYNTAX, "credential-serial", "RFC 5280 4.1.2.2",
				  "the certificate's serial number has %zu bytes, not 1 to %d",
				  credential->serial.n, BERTH_CREDENTIAL_SERIAL_MAX);
	if (!credential->subject.n || credential->subject.n > BERTH_CREDENTIAL_SUBJECT_MAX ||
	    !berth_bytes_is_utf8(credential->subject))
		return berth_fail(why, BERTH_E_SYNTAX, "credential-subject", "RFC 5280 4.1.2.6",
				  "the certificate's subject is not text of 1 to %d bytes",
				  BERTH_CREDENTIAL_SUBJECT_MAX);
	return BERTH_OK;
}

#define TO(state) (1u << BERTH_CREDENTIAL_##state)

static const unsigned moves[BERTH_CREDENTIAL_STATE_COUNT] = {
	[BERTH_CREDENTIAL_INTENT] = TO(ISSUED) | TO(FAILED) | TO(REVOKED),
	[BERTH_CREDENTIAL_ISSUED] = TO(REVOKED),
	[BERTH_CREDENTIAL_FAILED] = 0,
	[BERTH_CREDENTIAL_REVOKED] = 0,
};

bool
berth_credential_may_move(enum berth_credential_state from, enum berth_credential_state to)
{
	return (moves[from] & (1u << to)) != 0;
}
