/* SPDX-License-Identifier: BSD-2-Clause */
/* The papers that travel with units: manifests written from the journal, owners read from certificates. */
#ifndef BERTH_ROLE_FACTORY_PAPERS_H
#define BERTH_ROLE_FACTORY_PAPERS_H

#include "protocol/manifest/manifest.h"
#include "role/factory/folder.h"
#include "role/factory/journal.h"

struct berth_papers_owner {
	struct berth_journal_owner owner; /* borrows from the rest */
	struct berth_buf domain_id;
	struct berth_buf name;
};

/*
 * path: the owner's domain CA certificate. name NULL: its O, else its CN. BERTH_E_USAGE when it is no CA:
 * a device would be sold to one registrar, and lost with its certificate.
 */
enum berth_err berth_papers_owner_read(struct berth_pki *pki, const char *path, const char *name,
				       struct berth_papers_owner *ret,
				       struct berth_why *why) BERTH_MUST;
void berth_papers_owner_free(struct berth_papers_owner *owner);
#define BERTH_PAPERS_OWNER BERTH_CLEANUP(berth_papers_owner_free) struct berth_papers_owner

struct berth_papers_manifest {
	enum berth_manifest_kind kind;
	struct berth_bytes batch;
	const struct berth_journal_owner *owner; /* NULL: nobody yet */
	struct berth_bytes reference;
	const struct berth_journal_unit *const *units; /* all made */
	size_t unit_count;
	struct berth_wall now;
};

/* Signs with the factory's manifest key and writes path durably. */
enum berth_err berth_papers_write(struct berth_pki *pki, const struct berth_factory *factory,
				  const struct berth_papers_manifest *manifest, const char *path,
				  struct berth_why *why) BERTH_MUST;

#endif
