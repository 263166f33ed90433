/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * units.csv: what shall be made. Columns, in any order: serial-number and model, and as wished hw-type,
 * mud-url, csr (a file with a PKCS#10 request, PEM or DER; relative to the list's folder) and key (where
 * the key shall be made; with csr: where it is). An empty field is as if its column were not there.
 */
#ifndef BERTH_ROLE_FACTORY_UNITS_H
#define BERTH_ROLE_FACTORY_UNITS_H

#include "base/arena.h"

#define BERTH_UNITS_LIST_MAX_BYTES ((size_t)256 << 20)
#define BERTH_UNITS_MAX 250000 /* = BERTH_MANIFEST_UNITS_MAX: a batch has one manifest */

enum berth_unit_outcome {
	BERTH_UNIT_WAITS,
	BERTH_UNIT_MADE_BEFORE, /* by an earlier run of this batch */
	BERTH_UNIT_MADE,
	BERTH_UNIT_FAILED,
};

struct berth_unit {
	size_t line; /* in the list */
	struct berth_bytes serial;
	struct berth_bytes model; /* these may be empty */
	const char *hw_type;	  /* these may be NULL */
	struct berth_bytes mud_url;
	const char *csr; /* path, the list's folder in front */
	const char *key;
	enum berth_unit_outcome outcome;
	const struct berth_why *why; /* of BERTH_UNIT_FAILED */
};

struct berth_units {
	struct berth_arena arena;
	struct berth_unit *units;
	size_t count;
};

/* Nothing is made of a list that cannot be read to its end: BERTH_E_SYNTAX names the line. */
enum berth_err berth_units_read(const char *path, struct berth_units *ret,
				struct berth_why *why) BERTH_MUST;
void berth_units_free(struct berth_units *units);
#define BERTH_UNITS BERTH_CLEANUP(berth_units_free) struct berth_units

/* Marks it as failed for good. */
void berth_unit_fail(struct berth_units *units, struct berth_unit *unit,
		     const struct berth_why *why);

#endif
