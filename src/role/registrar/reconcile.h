/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After a restore: certificates that the signer issued and the restored store does not know. Those of known devices come
 * back into the store, so that they can be revoked and are answered for; the others are written down in the audit log.
 */
#ifndef BERTH_ROLE_REGISTRAR_RECONCILE_H
#define BERTH_ROLE_REGISTRAR_RECONCILE_H

#include "role/backup/subject.h"

extern const struct berth_backup_subject berth_registrar_backup;

#endif
