/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes a manufacturer: root, issuing CA, voucher CA, MASA certificates, manifest signer. */
#ifndef BERTH_ROLE_FACTORY_INIT_H
#define BERTH_ROLE_FACTORY_INIT_H

#include "base/time.h"
#include "role/factory/folder.h"

#define BERTH_FACTORY_MASA_HOSTS_MAX 16

struct berth_factory_plan {
	const char *directory;
	struct berth_factory_conf conf; /* hw_type NULL: one is drawn */
	struct berth_bytes masa_hosts
		[BERTH_FACTORY_MASA_HOSTS_MAX]; /* dNSNames of the MASA's TLS certificate */
	size_t masa_host_count;			/* 0: the host of conf.masa_url */
	struct berth_wall now;
};

/*
 * BERTH_E_EXISTS when the folder is initialised or holds something else. After a crash the same call
 * finishes: keys that are there are kept, everything else is written anew, factory.conf last.
 */
enum berth_err berth_factory_init(struct berth_pki *pki, const struct berth_factory_plan *plan,
				  struct berth_why *why) BERTH_MUST;

#endif
