/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Points of elliptic curves, for Wi-Fi Easy Connect (DPP), which adds, multiplies and masks them itself. A point here is
 * always on its curve and never the infinite one; whatever makes one checks that. Private scalars are secrets of a
 * session; keys that last are in a keystore (pki/keystore/keystore.h).
 */
#ifndef BERTH_PKI_EC_H
#define BERTH_PKI_EC_H

#include "base/secret.h"
#include "pki/key.h"

enum berth_ec_curve {
	BERTH_EC_P256,
	BERTH_EC_P384,
	BERTH_EC_P521,
	BERTH_EC_BP256, /* Brainpool r1 (RFC 5639) */
	BERTH_EC_BP384,
	BERTH_EC_BP512,
	BERTH_EC__COUNT
};

#define BERTH_EC_COORDINATE_MAX 66 /* of P-521 */
#define BERTH_EC_HASH_MAX 64

/* What goes with a curve in DPP. All static. */
struct berth_ec_facts {
	const char *name;      /* JWK "crv": "P-256", "BP-256" ... */
	const char *algorithm; /* JWS "alg": "ES256", "BS256" ... */
	uint16_t group;	       /* IKE (RFC 8247) */
	uint8_t coordinate_bytes;
	uint8_t hash_bytes; /* of SHA2 that goes with it: 32, 48, 64; an AES-SIV key has as many */
};
const struct berth_ec_facts *berth_ec_facts(enum berth_ec_curve curve);
bool berth_ec_curve_named(struct berth_bytes name, enum berth_ec_curve *ret);
bool berth_ec_curve_of_group(uint16_t group, enum berth_ec_curve *ret);

/* x | y, each in coordinate_bytes. */
struct berth_ec_point {
	enum berth_ec_curve curve;
	uint8_t xy[2 * BERTH_EC_COORDINATE_MAX];
};

static inline struct berth_bytes
berth_ec_x(const struct berth_ec_point *point)
{
	return berth_bytes_of(point->xy, berth_ec_facts(point->curve)->coordinate_bytes);
}

static inline struct berth_bytes
berth_ec_xy(const struct berth_ec_point *point)
{
	return berth_bytes_of(point->xy, 2U * berth_ec_facts(point->curve)->coordinate_bytes);
}

bool berth_ec_equal(const struct berth_ec_point *a, const struct berth_ec_point *b);

/* xy as on the wire. SYNTAX ec-point: of another length, or not on the curve. */
enum berth_err berth_ec_point(struct berth_pki *pki, enum berth_ec_curve curve,
			      struct berth_bytes xy, struct berth_ec_point *ret,
			      struct berth_why *why) BERTH_MUST;
/*
 * DER SubjectPublicKeyInfo with a named curve and a point compressed or not (RFC 5480 2), all of it. UNSUPPORTED ec-spki:
 * none of our curves; SYNTAX.
 */
enum berth_err berth_ec_parse_spki(struct berth_pki *pki, struct berth_bytes der,
				   struct berth_ec_point *ret, struct berth_why *why) BERTH_MUST;
/* Appends; compressed is DPP's form (DPP 5.3.2), the other X.509's. */
enum berth_form { BERTH_EC_COMPRESSED, BERTH_EC_UNCOMPRESSED };
enum berth_err berth_ec_build_spki(const struct berth_ec_point *point, enum berth_form form,
				   struct berth_buf *der) BERTH_MUST;

/* The AlgorithmIdentifier of a key on that curve (RFC 5480 2.1.1), and back; value: what is in its SEQUENCE. */
enum berth_err berth_ec_put_algorithm(enum berth_ec_curve curve, struct berth_buf *der) BERTH_MUST;
bool berth_ec_curve_of_algorithm(struct berth_bytes value, enum berth_ec_curve *ret);

/* CRYPTO ec: curves differ, the sum is infinite, or OpenSSL failed; with peers' points that is theirs to have caused. */
enum berth_err berth_ec_add(struct berth_pki *pki, const struct berth_ec_point *a,
			    const struct berth_ec_point *b, struct berth_ec_point *ret,
			    struct berth_why *why) BERTH_MUST;
enum berth_err berth_ec_subtract(struct berth_pki *pki, const struct berth_ec_point *a,
				 const struct berth_ec_point *b, struct berth_ec_point *ret,
				 struct berth_why *why) BERTH_MUST;
/* In constant time in the scalar, which has coordinate_bytes octets. */
enum berth_err berth_ec_multiply(struct berth_pki *pki, const struct berth_secret *scalar,
				 const struct berth_ec_point *point, struct berth_ec_point *ret,
				 struct berth_why *why) BERTH_MUST;
/* A private scalar (from random alone: the same bytes give the same key) and its point. */
enum berth_err berth_ec_generate(struct berth_pki *pki, enum berth_ec_curve curve,
				 const struct berth_random *random, struct berth_secret *scalar,
				 struct berth_ec_point *ret, struct berth_why *why) BERTH_MUST;
/* A number of any length (at most 64 octets), modulo the order; SYNTAX ec-scalar: nothing is left of it. */
enum berth_err berth_ec_reduce(struct berth_pki *pki, enum berth_ec_curve curve,
			       struct berth_bytes number, struct berth_secret *ret,
			       struct berth_why *why) BERTH_MUST;
/* The point of a scalar; SYNTAX ec-scalar: 0, not below the order, or of another length. */
enum berth_err berth_ec_public(struct berth_pki *pki, enum berth_ec_curve curve,
			       const struct berth_secret *scalar, struct berth_ec_point *ret,
			       struct berth_why *why) BERTH_MUST;

/*
 * ECDSA as in JWS (RFC 7518 3.4): r | s, with the hash that goes with the curve. SIGNATURE ec-signature.
 */
enum berth_err berth_ec_verify(struct berth_pki *pki, const struct berth_ec_point *key,
			       struct berth_bytes message, struct berth_bytes rs,
			       struct berth_why *why) BERTH_MUST;
/* The same of a key of the keystore. Appends r | s. */
enum berth_err berth_ec_sign(struct berth_key *key, struct berth_bytes message,
			     struct berth_buf *rs, struct berth_why *why) BERTH_MUST;
/* The point of a public key on one of our curves; UNSUPPORTED ec-key. */
enum berth_err berth_ec_of_key(struct berth_pki *pki, const struct berth_key *key,
			       struct berth_ec_point *ret, struct berth_why *why) BERTH_MUST;

/*
 * The product of a keystore's key with a point. A token gives the x coordinate alone; which of the two points with it is the
 * product, a second question tells: x of key * (point + G), which is the product plus the public key. UNSUPPORTED: the keystore
 * cannot agree on keys; MISMATCH ec-key: the point is on another curve.
 */
enum berth_err berth_ec_multiply_key(struct berth_pki *pki, struct berth_key *key,
				     const struct berth_ec_point *point, struct berth_ec_point *ret,
				     struct berth_why *why) BERTH_MUST;

#endif
