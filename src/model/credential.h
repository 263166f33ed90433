/* SPDX-License-Identifier: BSD-2-Clause */
/* A local certificate's record. Its serial number is written down before it is signed. */
#ifndef BERTH_MODEL_CREDENTIAL_H
#define BERTH_MODEL_CREDENTIAL_H

#include "base/time.h"

#define BERTH_CREDENTIAL_SERIAL_MAX 20	  /* RFC 5280 4.1.2.2 */
#define BERTH_CREDENTIAL_SUBJECT_MAX 1024 /* ours are far shorter */

enum berth_credential_state {
	BERTH_CREDENTIAL_INTENT, /* serial taken, not signed yet, or the signer's answer was lost */
	BERTH_CREDENTIAL_ISSUED,
	BERTH_CREDENTIAL_FAILED, /* the signer refused; the serial is never used again */
	BERTH_CREDENTIAL_REVOKED,
};
#define BERTH_CREDENTIAL_STATE_COUNT 4

struct berth_credential {
	struct berth_bytes issuer_key_id; /* SKI of the issuing CA */
	struct berth_bytes serial;	  /* INTEGER value bytes, big endian */
	struct berth_bytes subject;	  /* one line of text */
	struct berth_wall not_after;
	enum berth_credential_state state;
};

const char *berth_credential_state_name(enum berth_credential_state state);
enum berth_err berth_credential_check(const struct berth_credential *credential,
				      struct berth_why *why) BERTH_MUST;
/* intent -> issued | failed, issued -> revoked, intent -> revoked (answer lost, yet withdrawn);
 * nothing else. */
bool berth_credential_may_move(enum berth_credential_state from, enum berth_credential_state to);

/* RFC 5280 5.3.1 */
enum berth_revocation_reason {
	BERTH_REVOKED_UNSPECIFIED = 0,
	BERTH_REVOKED_KEY_COMPROMISE = 1,
	BERTH_REVOKED_CA_COMPROMISE = 2,
	BERTH_REVOKED_AFFILIATION_CHANGED = 3,
	BERTH_REVOKED_SUPERSEDED = 4,
	BERTH_REVOKED_CESSATION = 5,
	BERTH_REVOKED_PRIVILEGE_WITHDRAWN = 9,
};

#endif
