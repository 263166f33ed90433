/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After a restore: certificates that the signer issued and the restored store does not know. Those of known devices come
 * back to their devices; the others are kept as certificates of no device. So all of them can be revoked and are answered
 * for, and each is written down in the audit log.
 */
#ifndef BERTH_ROLE_REGISTRAR_RECONCILE_H
#define BERTH_ROLE_REGISTRAR_RECONCILE_H

#include "role/backup/subject.h"

extern const struct berth_backup_subject berth_registrar_backup;

#endif
