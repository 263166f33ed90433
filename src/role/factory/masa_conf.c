/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/factory/masa_conf.h"

#include "codec/conf.h"

/* libinih cuts longer lines. */
static enum berth_err
check_lines(struct berth_bytes text, struct berth_why *why)
{
	size_t start = 0;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '\n')
			continue;
		if (i - start > BERTH_CONF_LINE_MAX)
			return berth_fail(
				why, BERTH_E_LIMIT, "factory-path", NULL,
				"a key URI is too long for masa.conf; use a shorter --keys");
		start = i + 1;
	}
	return BERTH_OK;
}

enum berth_err
berth_masa_conf_write(const struct berth_masa_conf_facts *facts, struct berth_buf *out,
		      struct berth_why *why)
{
	enum berth_err err = berth_buf_printf(out,
					      "# made by berth factory init; see berth-masa(8)\n"
					      "[daemon]\n"
					      "listen = [::]:%u\n"
					      "port-file = port\n"
					      "tls-certificates = tls.pem\n"
					      "tls-key = %s\n"
					      "state-directory = state\n"
					      "admin-socket = admin.sock\n"
					      "\n"
					      "[masa]\n"
					      "manufacturer-anchors = manufacturer.pem\n"
					      "signer-certificates = voucher.pem\n"
					      "signer-key = %s\n",
					      facts->port, facts->tls_key, facts->voucher_key);
	if (err)
		return berth_fail(why, err, "factory-memory", NULL, "out of memory");
	return check_lines(berth_buf_view(out), why);
}
