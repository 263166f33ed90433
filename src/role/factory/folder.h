/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The factory's folder, as `berth factory init` makes it. It is initialised once factory.conf stands in
 * it; before that, init may be run again and again.
 *
 *	factory.conf		what is said below
 *	root-ca.pem		the manufacturer's root: for owners, who check devices and the MASA by it
 *	device-ca.pem		signs the IDevIDs
 *	voucher-ca.pem		signs MASA certificates; devices trust it for vouchers, and nothing else. It
 *				is not above the IDevIDs, so no device can vouch.
 *	manifest.pem		signs manifests
 *	keys/			their keys, when kept in files
 *	masa/			for the MASA's machine: masa.conf, certificates, keys
 *	journal, lock		see journal.h
 */
#ifndef BERTH_ROLE_FACTORY_FOLDER_H
#define BERTH_ROLE_FACTORY_FOLDER_H

#include "codec/conf.h"
#include "pki/certificate.h"
#include "pki/keystore/keystore.h"
#include "role/factory/serial.h"

#define BERTH_FACTORY_PATH_MAX 4096
#define BERTH_FACTORY_ID_MAX 16	  /* hex digits */
#define BERTH_FACTORY_NAME_MAX 64 /* ub-organization-name, RFC 5280 A.1 */
#define BERTH_FACTORY_CERTIFICATES_MAX ((size_t)256 << 10)
#define BERTH_FACTORY_CONF_MAX ((size_t)64 << 10)

struct berth_factory_conf {
	const char *name;
	const char *masa_url; /* as IDevIDs say it */
	int subject_form;     /* enum berth_subject_form */
	const char *hw_type;  /* OID of units whose row says none */
	const char
		*id; /* hex text; in front of its keys' names in a token, which others may share */
	const char *keys; /* "file", the pkcs11: URI without its object, or a TPM */
};

struct berth_factory {
	char directory[BERTH_FACTORY_PATH_MAX]; /* absolute */
	struct berth_factory_conf conf;
	struct berth_conf memory;
};

/* BERTH_E_NOT_FOUND when it is not initialised. */
enum berth_err berth_factory_open(const char *directory, struct berth_factory *ret,
				  struct berth_why *why) BERTH_MUST;
void berth_factory_close(struct berth_factory *factory);
#define BERTH_FACTORY BERTH_CLEANUP(berth_factory_close) struct berth_factory

/* The text of a factory.conf that says conf; BERTH_E_USAGE when it would not read back. */
enum berth_err berth_factory_conf_write(const struct berth_factory_conf *conf,
					struct berth_buf *out, struct berth_why *why) BERTH_MUST;

/* "tpm" or "tpm:tcti=TCTI": keys that this machine's TPM wraps into files. */
bool berth_factory_keys_are_tpm(const char *keys);
/*
 * The URI of key name: in a file, folder/name.key; in a token, the object name (percent-encoded as RFC
 * 7512 wants); wrapped by a TPM, folder/name.tpm. keys is "file", a pkcs11: URI without object, or a TPM as above.
 */
enum berth_err berth_factory_key_uri(const char *keys, const char *folder, const char *name,
				     char uri[BERTH_KEY_URI_MAX], struct berth_why *why) BERTH_MUST;

/* A key of the factory itself: in a token its id stands before the name. */
enum berth_err berth_factory_own_key_uri(const struct berth_factory_conf *conf, const char *folder,
					 const char *name, char uri[BERTH_KEY_URI_MAX],
					 struct berth_why *why) BERTH_MUST;

/* "root-ca", "device-ca", "voucher-ca", "manifest": NAME.pem. */
enum berth_err berth_factory_certificate(struct berth_pki *pki, const struct berth_factory *factory,
					 const char *name, struct berth_cert **ret,
					 struct berth_why *why) BERTH_MUST;
enum berth_err berth_factory_key(struct berth_pki *pki, const struct berth_factory *factory,
				 const char *name, struct berth_key **ret,
				 struct berth_why *why) BERTH_MUST;
/* directory/name into path. */
enum berth_err berth_factory_path(const char *directory, const char *name,
				  char path[BERTH_FACTORY_PATH_MAX],
				  struct berth_why *why) BERTH_MUST;
/* Exactly one certificate, PEM or DER. */
enum berth_err berth_factory_read_certificate(struct berth_pki *pki, const char *path,
					      struct berth_cert **ret,
					      struct berth_why *why) BERTH_MUST;

#endif
