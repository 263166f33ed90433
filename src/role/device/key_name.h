/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of the device's own keys: the pattern of device.conf with random digits in the place of its {id}. A file's or
 * token's name takes 16 digits, which never meet; a TPM's handle takes as many as it has room for ("0x8103{id}": four), so
 * a name that is taken is passed over: the key behind it may be another program's.
 */
#ifndef BERTH_ROLE_DEVICE_KEY_NAME_H
#define BERTH_ROLE_DEVICE_KEY_NAME_H

#include "base/random.h"
#include "pki/keystore/keystore.h"

/* USAGE: no {id} or two, too long, or what comes out is no key URI, whatever the digits. */
enum berth_err berth_device_key_pattern_check(const char *pattern,
					      struct berth_why *why) BERTH_MUST;
/* A URI that names no key yet. LIMIT when every try was taken; or what the keystore says when it cannot look. */
enum berth_err berth_device_key_name(struct berth_pki *pki, const char *pattern,
				     const struct berth_random *random, char uri[BERTH_KEY_URI_MAX],
				     struct berth_why *why) BERTH_MUST;
/* What a process needs to make such keys, with any digits. */
enum berth_err berth_device_key_needs(const char *pattern, const char *tcti,
				      struct berth_keystore_needs *ret,
				      struct berth_why *why) BERTH_MUST;

#endif
