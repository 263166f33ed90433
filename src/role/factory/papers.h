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

enum berth_papers_buyer {
	BERTH_PAPERS_OWNER_DOMAIN, /* the certificate is a domain CA's */
	BERTH_PAPERS_HOLDER,	   /* any certificate; its key will sign the transfer */
};

/*
 * path: the owner's domain CA certificate. name NULL: its O, else its CN. BERTH_E_USAGE when it is no CA:
 * a device would be sold to one registrar, and lost with its certificate. A holder's domain_id is key_sha256.
 */
enum berth_err berth_papers_owner_read(struct berth_pki *pki, enum berth_papers_buyer buyer,
				       const char *path, const char *name,
				       struct berth_papers_owner *ret,
				       struct berth_why *why) BERTH_MUST;
void berth_papers_owner_free(struct berth_papers_owner *owner);
#define BERTH_PAPERS_OWNER BERTH_CLEANUP(berth_papers_owner_free) struct berth_papers_owner

struct berth_papers_manifest {
	enum berth_manifest_kind kind;
	struct berth_bytes batch;
	const struct berth_journal_owner *owner; /* NULL: nobody yet */
	enum berth_papers_buyer buyer;
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
