/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After a restore: vouchers that the signer released after the backup was made. A voucher cannot be taken back, so each is
 * written down in the audit log, where "berth audit" and the operator find it.
 */
#ifndef BERTH_ROLE_MASA_RECONCILE_H
#define BERTH_ROLE_MASA_RECONCILE_H

#include "role/backup/subject.h"

extern const struct berth_backup_subject berth_masa_backup;

#endif
