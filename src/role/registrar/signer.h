/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registrar's signer process: holds the registrar's key and the issuing CA's. It signs two shapes of message
 * (signing.h) and believes none: a voucher-request is parsed again with the pledge's request inside, a
 * certificate's request is parsed, its proof of possession and names checked again. It writes what it issues into a log
 * of its own before it releases it, and counts.
 */
#ifndef BERTH_ROLE_REGISTRAR_SIGNER_H
#define BERTH_ROLE_REGISTRAR_SIGNER_H

#include "role/registrar/settings.h"

extern const struct berth_signer_role berth_registrar_signer_role;

#endif
