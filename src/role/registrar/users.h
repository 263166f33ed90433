/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Users of EST: clients without a certificate, who come with a name and a password (RFC 7030 3.2.3). They stand in a
 * file of their own, that nobody else may read:
 *
 *	[user "printer-7"]
 *	password = $scrypt$...
 *	names = printer-7, printer-7.home.example
 *
 * A certificate for a user says one of names as commonName and none but them as dNSName; without names, the user's own.
 * Hashing a password is dear by intent: so each address has a few failures only, and all together a budget.
 */
#ifndef BERTH_ROLE_REGISTRAR_USERS_H
#define BERTH_ROLE_REGISTRAR_USERS_H

#include "codec/conf.h"
#include "pki/password.h"
#include "protocol/est/names.h"

#define BERTH_USERS_FILE_MAX_BYTES ((size_t)1 << 20)
#define BERTH_USERS_MAKER "est-user" /* what stands for a manufacturer in a user's record */

struct berth_user {
	const char *name;
	const char *password;
	struct berth_conf_list names;
};

#define BERTH_USERS_SOURCES 256	     /* addresses whose failures are counted; more share */
#define BERTH_USERS_FAILURES 5	     /* of one address at once */
#define BERTH_USERS_FAILURE_MS 10000 /* then one in that time */
#define BERTH_USERS_HASHES 40	     /* of all at once */
#define BERTH_USERS_HASH_MS 500	     /* then one in that time: 8 % of a processor */

/* So many tokens, less what was used; one comes back in each interval. */
struct berth_bucket {
	int64_t used;
	struct berth_mono since;
};

struct berth_users {
	struct berth_conf conf;
	struct berth_conf_items items;
	struct berth_password
		nobody; /* hashed for a name that is not there, to take the same time */
	struct berth_bucket failures[BERTH_USERS_SOURCES];
	struct berth_bucket hashes;
};

/* path NULL: nobody. */
enum berth_err berth_users_load(struct berth_pki *pki, const char *path, struct berth_users *ret,
				struct berth_why *why) BERTH_MUST;
/* The file's text, for who is about to write it; path for messages. nobody is not made. */
enum berth_err berth_users_parse(struct berth_bytes text, const char *path, struct berth_users *ret,
				 struct berth_why *why) BERTH_MUST;
void berth_users_free(struct berth_users *users);
const struct berth_user *berth_users_find(const struct berth_users *users, struct berth_bytes name);
/* Views borrow from user. */
void berth_user_names(const struct berth_user *user, struct berth_bytes organization,
		      struct berth_est_names *ret);
/* header: of Authorization. UNTRUSTED: not one of us, or another password; LIMIT: too many failures from there;
 * an IPv6 address stands for its /64. */
enum berth_err berth_users_check(struct berth_users *users, struct berth_pki *pki,
				 struct berth_bytes header, struct berth_bytes address,
				 struct berth_mono now, const struct berth_user **ret,
				 struct berth_why *why) BERTH_MUST;

#endif
