/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where things about revocation are published, below publish-url and without TLS:
 *
 *	/crl/KEYID.crl		the revocation list of the issuer with that subject key identifier (hex)
 *	/crl/KEYID/N.crl	its partition N
 *	/ocsp			OCSP: POST, or GET with the request in base64 behind a further slash
 *	/ca/KEYID.cer		the issuer's certificate
 *
 * They stand in certificates that live for years: these paths never change.
 */
#ifndef BERTH_ROLE_REGISTRAR_ADDRESSES_H
#define BERTH_ROLE_REGISTRAR_ADDRESSES_H

#include "base/bytes.h"

#define BERTH_CRL_PATH "/crl/"
#define BERTH_OCSP_PATH "/ocsp"
#define BERTH_CA_PATH "/ca/"
#define BERTH_ADDRESS_MAX 512 /* publish-url with the longest path; checked at start */

/* text gets the address and its end; returns a view of it. partition BERTH_PARTITION_ALL: the whole list. */
struct berth_bytes berth_crl_address(const char *publish_url, struct berth_bytes issuer,
				     int64_t partition, char text[BERTH_ADDRESS_MAX]);
struct berth_bytes berth_ocsp_address(const char *publish_url, char text[BERTH_ADDRESS_MAX]);
struct berth_bytes berth_ca_address(const char *publish_url, struct berth_bytes issuer,
				    char text[BERTH_ADDRESS_MAX]);

/* "KEYID.crl", "KEYID/N.crl", "KEYID.cer": what follows the prefix of a path. */
struct berth_address {
	uint8_t issuer[64];
	size_t issuer_n;
	int64_t partition; /* BERTH_PARTITION_ALL where none is named */
};
bool berth_address_read(struct berth_bytes rest, const char *suffix, struct berth_address *ret);

/* A publish-url as it must be: http, a host, no path but "/" and nothing after. */
enum berth_err berth_publish_url_check(const char *url, struct berth_why *why) BERTH_MUST;

#endif
