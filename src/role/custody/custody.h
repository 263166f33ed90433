/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `berth manifest`: for everybody through whose hands units go. transfer hands them on, verify judges
 * a chain of custody, show prints one manifest.
 */
#ifndef BERTH_ROLE_CUSTODY_H
#define BERTH_ROLE_CUSTODY_H

#include "pki/certificate.h"
#include "role/verb.h"

extern const struct berth_verb berth_custody_verbs[];

/* One verb each, as struct berth_verb has it. */
int berth_custody_show_main(int argc, char **argv);
int berth_custody_verify_main(int argc, char **argv);
int berth_custody_transfer_main(int argc, char **argv);

#define BERTH_CUSTODY_CERTIFICATES_MAX ((size_t)1 << 20)

/* Appends the certificates of one file. */
enum berth_err berth_custody_certificates(struct berth_pki *pki, const char *path,
					  struct berth_cert_list *ret,
					  struct berth_why *why) BERTH_MUST;
/* Appends each file's bytes, as protocol/manifest/custody.h reads them. */
enum berth_err berth_custody_files(const char *const *paths, size_t n, struct berth_buf *ret,
				   struct berth_why *why) BERTH_MUST;

#endif
