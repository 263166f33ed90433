/* SPDX-License-Identifier: BSD-2-Clause */
/* EST's paths: /.well-known/est/OPERATION and /.well-known/est/LABEL/OPERATION (RFC 7030 3.2.2). */
#ifndef BERTH_PROTOCOL_EST_PATH_H
#define BERTH_PROTOCOL_EST_PATH_H

#include "base/bytes.h"

enum berth_est_operation {
	BERTH_EST_CACERTS,
	BERTH_EST_CSRATTRS,
	BERTH_EST_SIMPLEENROLL,
	BERTH_EST_SIMPLEREENROLL,
	BERTH_EST_SERVERKEYGEN,
	BERTH_EST_FULLCMC,
};

#define BERTH_EST_LABEL_MAX 64 /* a word in a path */

/* False: no path of EST's. label is empty for /.well-known/est/OPERATION, and borrows from path. */
bool berth_est_route(struct berth_bytes path, struct berth_bytes *ret_label,
		     enum berth_est_operation *ret_operation);
/* No operation's name, no '/', printable, not empty (RFC 7030 3.2.2). */
bool berth_est_label_is_valid(struct berth_bytes label);

#endif
