/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/daemon/admin_error.h"

int
berth_admin_status(enum berth_err err)
{
	switch (err) {
	case BERTH_OK:
		return 200;
	case BERTH_E_NOT_FOUND:
		return 404;
	case BERTH_E_DENIED:
	case BERTH_E_UNTRUSTED:
	case BERTH_E_SIGNATURE:
	case BERTH_E_EXPIRED:
		return 403;
	case BERTH_E_EXISTS:
	case BERTH_E_STATE:
	case BERTH_E_MISMATCH:
		return 409;
	case BERTH_E_SYNTAX:
	case BERTH_E_LIMIT:
	case BERTH_E_UNSUPPORTED:
	case BERTH_E_USAGE:
		return 400;
	case BERTH_E_PENDING:
	case BERTH_E_UNREACHABLE:
	case BERTH_E_TIMEOUT:
	case BERTH_E_IO:
	case BERTH_E_MEMORY:
	case BERTH_E_CRYPTO:
	case BERTH_E_INTERNAL:
	case BERTH_E__COUNT:
		return 500;
	}
	return 500;
}

void
berth_admin_error_put(json_t *object, enum berth_err err, const struct berth_why *why)
{
	enum berth_err put = berth_json_set_text(object, "error", berth_text(berth_err_name(err)));

	put = put ? put : berth_json_set_text(object, "rule", berth_text(why->rule));
	berth_ignore(put ? put : berth_json_set_text(object, "sentence", berth_text(why->sentence)),
		     "the status tells enough");
}
