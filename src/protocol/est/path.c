/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/est/path.h"

static const struct {
	const char *name;
	enum berth_est_operation operation;
} operations[] = {
	{"cacerts", BERTH_EST_CACERTS},		  {"csrattrs", BERTH_EST_CSRATTRS},
	{"simpleenroll", BERTH_EST_SIMPLEENROLL}, {"simplereenroll", BERTH_EST_SIMPLEREENROLL},
	{"serverkeygen", BERTH_EST_SERVERKEYGEN}, {"fullcmc", BERTH_EST_FULLCMC},
};

static bool
find_operation(struct berth_bytes name, enum berth_est_operation *ret)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (berth_bytes_equal_text(name, operations[i].name)) {
			*ret = operations[i].operation;
			return true;
		}
	}
	return false;
}

/* req: rfc7030-3.2.2-label */
bool
berth_est_label_is_valid(struct berth_bytes label)
{
	enum berth_est_operation operation;
	return label.n > 0 && label.n <= BERTH_EST_LABEL_MAX && berth_bytes_is_printable(label) &&
	       memchr(label.p, '/', label.n) == NULL && !find_operation(label, &operation);
}

/* req: rfc7030-3.2.2-paths */
bool
berth_est_route(struct berth_bytes path, struct berth_bytes *ret_label,
		enum berth_est_operation *ret_operation)
{
	static const char prefix[] = "/.well-known/est/";
	if (!berth_bytes_starts_with(path, prefix))
		return false;
	struct berth_bytes rest =
		berth_bytes_of(path.p + sizeof(prefix) - 1, path.n - (sizeof(prefix) - 1));
	const uint8_t *slash = rest.n == 0 ? NULL : memchr(rest.p, '/', rest.n);
	*ret_label = BERTH_BYTES_NONE;
	if (slash != NULL) {
		size_t n = (size_t)(slash - rest.p);
		*ret_label = berth_bytes_of(rest.p, n);
		rest = berth_bytes_of(slash + 1, rest.n - n - 1);
		if (!berth_est_label_is_valid(*ret_label))
			return false;
	}
	return find_operation(rest, ret_operation);
}
