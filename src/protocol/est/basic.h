/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP basic authentication (RFC 7617) as EST clients without a certificate use it (RFC 7030 3.2.3). */
#ifndef BERTH_PROTOCOL_EST_BASIC_H
#define BERTH_PROTOCOL_EST_BASIC_H

#include "base/secret.h"

#define BERTH_EST_BASIC_CHALLENGE "Basic realm=\"est\", charset=\"UTF-8\""
#define BERTH_EST_USER_MAX 64	       /* a commonName's length (RFC 5280 A.1) */
#define BERTH_EST_BASIC_MAX_BYTES 1024 /* user, password and base64 around them */

struct berth_est_basic {
	struct berth_secret text; /* holds both */
	struct berth_bytes user;
	struct berth_bytes password;
};
void berth_est_basic_free(struct berth_est_basic *basic);
#define BERTH_EST_BASIC BERTH_CLEANUP(berth_est_basic_free) struct berth_est_basic

/* header: the value of Authorization. User and password are not empty, UTF-8 without control characters. */
enum berth_err berth_est_basic_parse(struct berth_bytes header, struct berth_est_basic *ret,
				     struct berth_why *why) BERTH_MUST;

#endif
