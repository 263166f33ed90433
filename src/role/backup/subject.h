/* SPDX-License-Identifier: BSD-2-Clause */
/* What backup and restore must know of a daemon; the daemon's role says it (registrar/verbs.c, masa/masa_verbs.c). */
#ifndef BERTH_ROLE_BACKUP_SUBJECT_H
#define BERTH_ROLE_BACKUP_SUBJECT_H

#include "role/daemon/daemon.h"
#include "store/store.h"

/* What a restored store did not know of, and the signer's log did. */
struct berth_backup_forgotten {
	size_t found;	/* of devices that the store knows */
	size_t unknown; /* of others */
};

struct berth_backup_subject {
	struct berth_daemon daemon; /* name, schema, settings and checks alone */
	enum berth_store_schema schema;
	const char *store; /* names in the state directory */
	const char *witness;
	const char *rising; /* a file with a number that never goes back; NULL: none */
	/*
	 * In a transaction: compares the signer's log with the store, takes into the store what it lacks, and writes both
	 * down in the audit log. say prints one line for the operator.
	 */
	enum berth_err (*reconcile)(struct berth_store *store, struct berth_pki *pki,
				    const void *settings, struct berth_bytes log,
				    size_t log_of_backup, struct berth_wall now, const char *actor,
				    struct berth_backup_forgotten *ret, struct berth_why *why);
};

int berth_backup_main(const struct berth_backup_subject *subject, int argc, char **argv);
int berth_restore_main(const struct berth_backup_subject *subject, int argc, char **argv);

#endif
