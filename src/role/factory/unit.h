/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One unit's birth: key, IDevID (IEEE 802.1AR, RFC 8995 2.3.1), and the folder that goes onto it. The folder
 * is made beside its place, OUT/.NAME.part; whoever keeps the journal moves it to OUT/NAME.
 *
 *	idevid.pem		its certificate and the CA above
 *	idevid.key		its key, unless kept in a token or in the unit
 *	manufacturer-anchors.pem	by what it checks vouchers
 *	device.conf		for berth-device(8), ready to run
 */
#ifndef BERTH_ROLE_FACTORY_UNIT_H
#define BERTH_ROLE_FACTORY_UNIT_H

#include "pki/issue.h"
#include "role/factory/folder.h"
#include "role/factory/units.h"

/* What a worker holds while it makes units. */
struct berth_line {
	struct berth_pki *pki;
	const struct berth_factory *factory;
	const char *out;  /* absolute */
	const char *keys; /* where units' keys are made: "file" or a pkcs11: URI without object */
	struct berth_key *issuing_key;
	struct berth_cert *issuing;
	struct berth_buf anchors; /* PEM */
};

enum berth_err berth_line_open(const struct berth_factory *factory, const char *out,
			       const char *keys, struct berth_line *ret,
			       struct berth_why *why) BERTH_MUST;
void berth_line_close(struct berth_line *line);
#define BERTH_LINE BERTH_CLEANUP(berth_line_close) struct berth_line

struct berth_birth {
	uint8_t certificate_serial[BERTH_CERT_SERIAL_BYTES];
	struct berth_wall now;
	bool is_retry; /* an earlier attempt may have left a key in a token: it is taken */
};

struct berth_born {
	uint8_t key_sha256[BERTH_SHA256_BYTES];
	const char *storage; /* static */
};

/* Makes OUT/.NAME.part anew. Not yet durable: the caller syncs the file system. */
enum berth_err berth_unit_make(const struct berth_line *line, const struct berth_unit *unit,
			       const struct berth_birth *birth, struct berth_born *ret,
			       struct berth_why *why) BERTH_MUST;
/* What a row may say, before anything is made. */
enum berth_err berth_unit_check(const struct berth_factory *factory, const struct berth_unit *unit,
				struct berth_why *why) BERTH_MUST;

enum berth_err berth_unit_part_path(const char *out, struct berth_bytes serial,
				    char path[BERTH_FACTORY_PATH_MAX],
				    struct berth_why *why) BERTH_MUST;
enum berth_err berth_unit_final_path(const char *out, struct berth_bytes serial,
				     char path[BERTH_FACTORY_PATH_MAX],
				     struct berth_why *why) BERTH_MUST;
/* The folder and the files in it; BERTH_OK when it is not there. */
enum berth_err berth_unit_discard(const char *path, struct berth_why *why) BERTH_MUST;

#endif
