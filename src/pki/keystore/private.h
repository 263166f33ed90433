/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A private key as its backend holds it, and the table of backends. A new backend is a file with
 * these operations and one line in keystore.c's table.
 */
#ifndef BERTH_PKI_KEYSTORE_PRIVATE_H
#define BERTH_PKI_KEYSTORE_PRIVATE_H

#include "base/secret.h"
#include "pki/keystore/keystore.h"
#include "pki/library.h"

#define BERTH_EC_SPKI_MAX 160 /* P-521 takes 158 */

struct berth_private;

struct berth_private_ops {
	/*
	 * DER ECDSA-Sig-Value over message, hashed with digest ("SHA256", "SHA384", "SHA512").
	 */
	enum berth_err (*sign)(struct berth_private *private, const char *digest,
			       struct berth_bytes message, struct berth_buf *signature,
			       struct berth_why *why);
	/*
	 * The x coordinate of what the private key and point (uncompressed, of the key's own curve, checked to be on it) give,
	 * in the curve's length; NULL: the backend cannot.
	 */
	enum berth_err (*derive)(struct berth_private *private, struct berth_bytes point,
				 struct berth_secret *secret, struct berth_why *why);
	void (*end)(struct berth_private *private); /* frees state */
	/* The whole product, x | y, of the same; NULL: the backend gives x alone. The point is not checked yet. */
	enum berth_err (*multiply)(struct berth_private *private, struct berth_bytes point,
				   struct berth_secret *product, struct berth_why *why);
};

#define BERTH_EXCHANGE_POINT                                                                       \
	"berth-point" /* parameter of our key exchange: this point, and x | y comes out */

struct berth_private {
	unsigned refs;
	struct berth_pki *pki;
	const struct berth_private_ops *ops;
	const struct berth_key_kind *kind;
	size_t spki_n;
	uint8_t spki[BERTH_EC_SPKI_MAX];
	void *state; /* the backend's own */
};

/* EC keys only. state passes to the new key on success only. */
enum berth_err berth_private_make(struct berth_pki *pki, const struct berth_private_ops *ops,
				  struct berth_bytes spki, void *state, struct berth_private **ret,
				  struct berth_why *why) BERTH_MUST;
struct berth_private *berth_private_ref(struct berth_private *private);
void berth_private_free(struct berth_private *private);
/* The handle that OpenSSL and others use; takes private over, even on failure. */
enum berth_err berth_private_key(struct berth_private *private, struct berth_key **ret,
				 struct berth_why *why) BERTH_MUST;

struct berth_keystore_backend {
	const char *scheme;
	enum berth_storage_class storage;
	/* rest is the URI after "scheme:". */
	enum berth_err (*generate)(struct berth_pki *pki, const char *rest,
				   const struct berth_key_kind *kind, enum berth_key_use use,
				   struct berth_why *why);
	enum berth_err (*load)(struct berth_pki *pki, const char *rest, struct berth_key **ret,
			       struct berth_why *why);
	enum berth_err (*remove)(struct berth_pki *pki, const char *rest, struct berth_why *why);
};

extern const struct berth_keystore_backend berth_keystore_file;
extern const struct berth_keystore_backend berth_keystore_pkcs11;
extern const struct berth_keystore_backend berth_keystore_tpm;

#endif
