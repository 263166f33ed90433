/* SPDX-License-Identifier: BSD-2-Clause */
/* A sealed backup into a folder that is not there yet; what is unpacked is not to be relied on before it returns BERTH_OK. */
#ifndef BERTH_ROLE_BACKUP_UNPACK_H
#define BERTH_ROLE_BACKUP_UNPACK_H

#include "base/secret.h"
#include "pki/pki.h"
#include "role/backup/record.h"

struct berth_unpacked {
	struct berth_buf bytes; /* what about borrows from */
	struct berth_backup_about about;
	size_t files;
	char store[BERTH_BACKUP_PATH_MAX + 1]; /* its path in the folder */
};

/*
 * daemon: whose backup it must be (MISMATCH). Nothing is made before the passphrase was the right one and the daemon too.
 * The errors of pki/seal.h; SYNTAX when the form is wrong.
 */
enum berth_err berth_backup_unpack(struct berth_pki *pki, const char *file,
				   const struct berth_secret *passphrase, const char *daemon,
				   const char *folder, struct berth_unpacked *ret,
				   struct berth_why *why) BERTH_MUST;
void berth_unpacked_free(struct berth_unpacked *unpacked);

#endif
