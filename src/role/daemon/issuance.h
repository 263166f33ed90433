/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signer's own record of what it released: one line an object, appended and durable before the object
 * leaves. It lies apart from the judge's store, so that a judge that has been taken over cannot hide what it had signed.
 *
 *	2026-11-23T21:07:00Z voucher sha256=… subject-hex=412d30303031 assertion=proximity
 */
#ifndef BERTH_ROLE_DAEMON_ISSUANCE_H
#define BERTH_ROLE_DAEMON_ISSUANCE_H

#include "pki/pki.h"

#define BERTH_ISSUANCE_LOG "issuance.log" /* in the state directory */
#define BERTH_ISSUANCE_SUBJECT_MAX 128	  /* a serial number; longer ones are cut */

struct berth_issuance {
	int fd; /* -1: not open */
	bool has_unsynced;
};

struct berth_issuance_line {
	const char *what;	    /* "voucher", "ldevid" */
	struct berth_bytes subject; /* foreign text, written as hex */
	struct berth_bytes object;  /* what is released; its SHA-256 is written */
	const char *details;	    /* " name=value..." of our own making; "" */
};

enum berth_err berth_issuance_open(const char *state_directory, struct berth_issuance *ret,
				   struct berth_why *why) BERTH_MUST;
void berth_issuance_close(struct berth_issuance *issuance);
/*
 * Appends; on an error the object may not be released. Nor before berth_issuance_sync: the disk is waited for once for all
 * that was signed together.
 */
enum berth_err berth_issuance_write(struct berth_issuance *issuance, struct berth_pki *pki,
				    struct berth_wall now, const struct berth_issuance_line *line,
				    struct berth_why *why) BERTH_MUST;
/* On an error nothing that was written since the last one may be released. */
enum berth_err berth_issuance_sync(struct berth_issuance *issuance,
				   struct berth_why *why) BERTH_MUST;

#endif
