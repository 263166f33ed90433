/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new domain: its root, the CA that issues to devices, and the registrar's certificate, each with its key in the
 * keystore, and the two configuration files. Refuses a folder that already holds a registrar.
 */
#ifndef BERTH_ROLE_REGISTRAR_DOMAIN_H
#define BERTH_ROLE_REGISTRAR_DOMAIN_H

#include "pki/pki.h"

#define BERTH_DOMAIN_HOSTS_MAX 16
#define BERTH_DOMAIN_PATH_MAX 160 /* a configuration line holds 198 characters */

struct berth_domain_plan {
	const char *directory; /* absolute, exists */
	const char *name;
	const char *listen;
	const char *plain_listen; /* NULL: nothing is published */
	const char *publish_url;  /* NULL: certificates name no revocation source */
	struct berth_bytes hosts[BERTH_DOMAIN_HOSTS_MAX];
	size_t host_count;
	const char *root_key;	 /* keystore URI; NULL: a file in the folder */
	const char *issuing_key; /* likewise */
	struct berth_wall now;
};

enum berth_err berth_domain_make(struct berth_pki *pki, const struct berth_domain_plan *plan,
				 struct berth_why *why) BERTH_MUST;

#endif
