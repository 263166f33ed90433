/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where private keys live. A key is named by a URI and used through a berth_key whose private part
 * never leaves its backend:
 *
 *	file:/var/lib/berth/keys/idevid.key      PKCS#8 PEM, mode 0600 or stricter, else refused
 *	pkcs11:token=...;object=...?module-path=...&pin-source=file:...      RFC 7512 subset (keystore/p11_uri.h)
 *	tpm:handle=0x81020000;tcti=...           a TPM 2.0 (keystore/tpm_uri.h); when built with it
 *	signer:NAME                              another process (keystore/signer.h)
 *
 * The provider implements key management and ECDSA signing ("export" refuses a private selection, so that all
 * public work stays in the default provider; the digest is fetched from the default provider). RSA
 * private keys: file backend only, and there ordinary keys of the process that OpenSSL can export.
 */
#ifndef BERTH_PKI_KEYSTORE_H
#define BERTH_PKI_KEYSTORE_H

#include "pki/key.h"

enum berth_storage_class {
	BERTH_STORAGE_FILE,  /* readable by who reads the disk */
	BERTH_STORAGE_TOKEN, /* PKCS#11, not exportable */
	BERTH_STORAGE_TPM,
	BERTH_STORAGE_REMOTE /* in another process; its own class is told by it */
};
enum berth_key_use { BERTH_KEY_FOR_SIGNING, BERTH_KEY_FOR_AGREEMENT };
const char *berth_storage_class_name(enum berth_storage_class storage);

#define BERTH_KEY_URI_MAX 512

/* P-256 by default; "P-384" too. BERTH_E_EXISTS when the URI already names a key. Durable before it returns (fsync). */
enum berth_err berth_keystore_generate(struct berth_pki *pki, const char *uri, const char *kind,
				       struct berth_key **ret, struct berth_why *why) BERTH_MUST;
/*
 * The same, but a file is durable only when the caller has synced its file system: for many keys at a time. Other kinds of
 * URI: no difference.
 */
enum berth_err berth_keystore_generate_unsynced(struct berth_pki *pki, const char *uri,
						const char *kind, struct berth_key **ret,
						struct berth_why *why) BERTH_MUST;
/* A key for berth_key_derive. Hardware holds it to that: it signs nothing, and a signing key agrees on nothing. */
enum berth_err berth_keystore_generate_agreement(struct berth_pki *pki, const char *uri,
						 const char *kind, struct berth_key **ret,
						 struct berth_why *why) BERTH_MUST;
enum berth_err berth_keystore_load(struct berth_pki *pki, const char *uri, struct berth_key **ret,
				   struct berth_why *why) BERTH_MUST;
/* A key that is nowhere but in this process, and ends with it. EC kinds only. */
enum berth_err berth_keystore_ephemeral(struct berth_pki *pki, const char *kind,
					struct berth_key **ret, struct berth_why *why) BERTH_MUST;
/* Gone for good: overwritten and unlinked, or destroyed in the token. NOT_FOUND when it was not there. */
enum berth_err berth_keystore_delete(struct berth_pki *pki, const char *uri,
				     struct berth_why *why) BERTH_MUST;
enum berth_err berth_keystore_storage(const char *uri, enum berth_storage_class *ret,
				      struct berth_why *why) BERTH_MUST;

#define BERTH_TPM_TCTI_DEFAULT "device:/dev/tpmrm0" /* the kernel's resource manager */

/* Which TPM a tpm: URI without tcti= means. USAGE when the name is too long. */
enum berth_err berth_keystore_use_tpm(struct berth_pki *pki, const char *tcti,
				      struct berth_why *why) BERTH_MUST;
/* What a process must be able to open to use the key and to make another of its kind, for its sandbox. */
struct berth_keystore_needs {
	char device[BERTH_KEY_URI_MAX]; /* node to read and write; "": none */
	char folder[BERTH_KEY_URI_MAX]; /* where key files are; "": none */
	bool is_unknown;		/* a PKCS#11 module opens what it likes */
};
enum berth_err berth_keystore_needs(const char *uri, const char *default_tcti,
				    struct berth_keystore_needs *ret,
				    struct berth_why *why) BERTH_MUST;

/*
 * The signer backend: a key whose public part is known here and whose private part is in another process. exchange
 * sends one message to be signed and returns the signature; it blocks for at most about a second. The message is
 * the whole to-be-signed, never a digest, so that the other side can check its shape. It is hashed there with the
 * digest of berth_key_sign for the key's kind: restrict TLS 1.2 to it (ECDSA+SHA256 for P-256), others are refused.
 */
struct berth_signer_link {
	enum berth_err (*exchange)(void *context, const char *name, struct berth_bytes message,
				   struct berth_buf *signature, struct berth_why *why);
	void *context; /* lives longer than every key made with it */
};
enum berth_err berth_keystore_remote(struct berth_pki *pki, const struct berth_signer_link *link,
				     const char *name, struct berth_bytes spki,
				     struct berth_key **ret, struct berth_why *why) BERTH_MUST;

#endif
