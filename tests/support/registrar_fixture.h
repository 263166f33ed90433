/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two makers, their devices and MASA, an owner and a rival, with real keys and certificates, and builders of the messages
 * that a registrar gets. Every key is made here; nothing is read from the tree.
 */
#ifndef BERTH_TESTS_REGISTRAR_FIXTURE_H
#define BERTH_TESTS_REGISTRAR_FIXTURE_H

#include "protocol/brski/registrar.h"
#include "protocol/est/server.h"

#define FIXTURE_NOW_S 1790000000   /* a fixed moment in 2026 */
#define FIXTURE_MASA_LASTS_S 36000 /* the certificate that signs vouchers */
#define FIXTURE_SERIAL "CAM-0001"
#define FIXTURE_OTHER_SERIAL "CAM-0002"

struct person {
	struct berth_key *key;
	struct berth_cert *cert;
};

struct fixture {
	struct berth_pki *pki;
	char directory[64];
	unsigned keys;
	const char *serial; /* of who asks for vouchers: device's, until a test says another */
	struct berth_now now;
	struct person maker, masa, device, other_device, expired_device,
		silent_device; /* silent: names no MASA */
	struct person stranger_maker, stranger;
	struct person owner, registrar, rival_owner, rival, ldevid;
	struct berth_cert_list own_chain; /* registrar, owner */
	struct berth_cert_list domain;	  /* owner */
	struct berth_manufacturer acme;
	struct berth_peer_trust trust;
	struct berth_registrar_conf conf;
	struct berth_est_conf est;
	struct berth_est_profile est_profile;
};

struct fixture *fixture_open(void);
void fixture_close(struct fixture *f);
struct berth_key *fixture_key(struct fixture *f, const char *kind);
/* Who connects with this certificate. NULL: without any. */
void fixture_peer(struct fixture *f, const struct person *who, struct berth_peer *ret);

/* A voucher-request that says what it must; change a member, then sign it. */
struct berth_voucher fixture_pvr(const struct fixture *f);
/* Signed by signer; other members of how may be changed by the caller before. */
void fixture_sign(struct fixture *f, const struct berth_voucher *voucher,
		  const struct person *signer, struct berth_buf *der);
/* The voucher that answers fixture_pvr: pins the owner's CA. */
struct berth_voucher fixture_voucher(const struct fixture *f);
struct berth_http_request fixture_request(struct berth_bytes body);

/* fields with the device's serial number; key NULL: a new one. */
void fixture_csr(struct fixture *f, const struct berth_request_fields *fields,
		 struct berth_key *key, struct berth_buf *der);
/* An LDevID for the key of a CSR, by the owner. */
void fixture_ldevid(struct fixture *f, struct berth_key *key, struct berth_buf *der);

/* Stops the test program; for what cannot fail in a test's world. */
void fixture_must(enum berth_err err, const struct berth_why *why, const char *what);

#endif
