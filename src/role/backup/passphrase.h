/* SPDX-License-Identifier: BSD-2-Clause */
/* The passphrase of a backup: the first line of a file that only its owner may read, or of standard input. */
#ifndef BERTH_ROLE_BACKUP_PASSPHRASE_H
#define BERTH_ROLE_BACKUP_PASSPHRASE_H

#include "base/secret.h"

/* from: a path, or "-". */
enum berth_err berth_passphrase_read(const char *from, struct berth_secret *ret,
				     struct berth_why *why) BERTH_MUST;

#endif
