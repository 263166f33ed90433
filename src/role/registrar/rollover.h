/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new key for the issuing CA of a domain that "berth registrar init" made, while its daemon is stopped. The new CA has
 * the former one's name (RFC 4210 4.4), so that the two certificates between them are self-issued and pathLenConstraint
 * 0 lets a path go through them. Everything is written under names of its own, and one drop-in of the configuration puts
 * it in force at the end: killed before, the former state stands, and the next run takes up the key that is there.
 */
#ifndef BERTH_ROLE_REGISTRAR_ROLLOVER_H
#define BERTH_ROLE_REGISTRAR_ROLLOVER_H

#include "pki/keystore/keystore.h"
#include "role/registrar/settings.h"

#define BERTH_ROLLOVER_PATH_MAX 160		  /* a configuration line holds 198 characters */
#define BERTH_ROLLOVER_DROP_IN "zz-rollover.conf" /* read after those of people */

struct berth_rollover_plan {
	const char *directory;				 /* absolute; holds registrar.conf */
	const struct berth_registrar_settings *settings; /* what that and its drop-ins say now */
	const char *root_key;	 /* keystore URI; NULL: the file in the folder */
	const char *issuing_key; /* of the new issuing CA; NULL: a file in the folder */
	const char *
		certificate; /* file: by the root, for our request; the root's key is not asked for */
	struct berth_wall now;
};

struct berth_rollover_asked {
	size_t number; /* of the new issuing CA */
	char key[BERTH_KEY_URI_MAX];
};

struct berth_rollover_made {
	size_t number;				 /* of the new issuing CA; init's is 1 */
	char former[BERTH_ROLLOVER_PATH_MAX];	 /* certificate and cross-certificates */
	char issuing[BERTH_ROLLOVER_PATH_MAX];	 /* the new chain */
	char registrar[BERTH_ROLLOVER_PATH_MAX]; /* empty: another CA's certificate, kept */
	char former_key[BERTH_KEY_URI_MAX];	 /* keep it until its certificates have ended */
	struct berth_wall former_ends;
};

/*
 * The first half where the root is elsewhere: makes the new key, and the request for its certificate as PEM in out. Nothing
 * is in force by that; the daemon may run. The same again gives a request for the same key.
 */
enum berth_err berth_rollover_request(struct berth_pki *pki, const struct berth_rollover_plan *plan,
				      const char *out, struct berth_rollover_asked *ret,
				      struct berth_why *why) BERTH_MUST;
/* The caller holds the daemon's lock. */
enum berth_err berth_rollover(struct berth_pki *pki, const struct berth_rollover_plan *plan,
			      struct berth_rollover_made *ret, struct berth_why *why) BERTH_MUST;

#endif
