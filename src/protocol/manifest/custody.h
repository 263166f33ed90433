/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The chain of custody: through whose hands units went, from the manufacturer on. Each link is a
 * manifest file (protocol/manifest/manifest.h). The first is the manufacturer's, a purchase or sale
 * that names who has the units first; each later one, a transfer, names the file before it by the
 * SHA-256 of its bytes, is signed with the key that this file names, and names the next key. What
 * certificate the key has is of no matter: the one before has vouched for the key itself.
 *
 *	sale (Acme) -> transfer (integrator) -> transfer (reseller): owner
 *
 * A transfer may hand on some of the units only. Files come in any order, one behind the other: each
 * ends with its signature line, so `cat` makes a chain of them.
 *
 *	struct berth_custody custody;
 *	err = berth_custody_open(pki, bytes, &trust, &arena, &custody, why);
 *	for (size_t i = 0; !err && i < custody.unit_count; i++)
 *		... custody.units[i].made, custody.units[i].last->manifest.owner ...
 *
 * Refused, each by its rule: a signature that does not hold, a signer who is not who had the units
 * (custody-holder), a file that is missing (custody-break), a unit that went to two hands from one
 * (custody-fork), a unit that the file before does not have (custody-unit), links that lead back to
 * themselves (custody-loop), a link that is older than the one before (custody-time), a file twice
 * (custody-twice), too many files (custody-length).
 */
#ifndef BERTH_PROTOCOL_CUSTODY_H
#define BERTH_PROTOCOL_CUSTODY_H

#include "protocol/manifest/manifest.h"

#define BERTH_CUSTODY_LINKS_MAX 64 /* files together; real chains have 2 to 5 */

struct berth_custody_link {
	struct berth_manifest manifest;
	uint8_t sha256[BERTH_SHA256_BYTES];	 /* of the file */
	const struct berth_custody_link *before; /* NULL: the manufacturer's */
};

struct berth_custody_unit {
	const struct berth_manifest_unit *made; /* as the manufacturer describes it */
	/* The last that names it; its before ... the first that names a hand. */
	const struct berth_custody_link *last;
};

struct berth_custody {
	struct berth_custody_link *links; /* each behind the one before it */
	size_t link_count;
	struct berth_custody_unit *units; /* each once, by serial number */
	size_t unit_count;
};

/* Verifies all and fills *ret; what it points to lives in arena. */
enum berth_err berth_custody_open(struct berth_pki *pki, struct berth_bytes files,
				  const struct berth_manifest_trust *trust,
				  struct berth_arena *arena, struct berth_custody *ret,
				  struct berth_why *why) BERTH_MUST;
/*
 * The same without any signature: for `manifest show`, which says so, and for fuzzing. digest gives
 * what links are named by.
 */
enum berth_err berth_custody_parse(struct berth_bytes files, const struct berth_digest *digest,
				   struct berth_arena *arena, struct berth_custody *ret,
				   struct berth_why *why) BERTH_MUST;
/* Cuts the next file off *rest; what has no signature line any more comes as it is. */
struct berth_bytes berth_custody_next_file(struct berth_bytes *rest);

#define BERTH_CUSTODY_DEPTH_MAX BERTH_CUSTODY_LINKS_MAX
/* The links of one unit that name a hand, the first one first. Returns how many; 0: nobody was named. */
size_t berth_custody_chain(const struct berth_custody_unit *unit,
			   const struct berth_custody_link *ret[BERTH_CUSTODY_DEPTH_MAX]);

#endif
