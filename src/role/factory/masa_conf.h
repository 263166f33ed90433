/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration (role/masa/masa_settings.h) that `berth factory init` writes for the MASA. Its paths begin at its
 * own folder, which holds the certificates and takes the state.
 */
#ifndef BERTH_ROLE_FACTORY_MASA_CONF_H
#define BERTH_ROLE_FACTORY_MASA_CONF_H

#include "base/bytes.h"

struct berth_masa_conf_facts {
	const char *voucher_key;
	const char *tls_key;
	unsigned port; /* where the MASA's URL says it listens */
};
enum berth_err berth_masa_conf_write(const struct berth_masa_conf_facts *facts,
				     struct berth_buf *out, struct berth_why *why) BERTH_MUST;

#endif
