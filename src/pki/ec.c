/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/ec.h"

#include <openssl/err.h>
#include <openssl/objects.h>

#include "pki/der.h"
#include "pki/library.h"
#include "pki/ossl_annot.h"

#define POINT_MAX (1 + 2 * BERTH_EC_COORDINATE_MAX)

struct curve {
	struct berth_ec_facts facts;
	int nid;
	struct berth_bytes oid; /* DER, of the namedCurve (RFC 5480 2.1.1.1, RFC 5639 4.1) */
};

#define EC_KEY_OID "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01" /* id-ecPublicKey */
#define BRAINPOOL "\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01"

static const struct curve curves[BERTH_EC__COUNT] = {
	[BERTH_EC_P256] = {{"P-256", "ES256", 19, 32, 32},
			   NID_X9_62_prime256v1,
			   BERTH_LIT_INIT("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07")},
	[BERTH_EC_P384] = {{"P-384", "ES384", 20, 48, 48},
			   NID_secp384r1,
			   BERTH_LIT_INIT("\x06\x05\x2b\x81\x04\x00\x22")},
	[BERTH_EC_P521] = {{"P-521", "ES512", 21, 66, 64},
			   NID_secp521r1,
			   BERTH_LIT_INIT("\x06\x05\x2b\x81\x04\x00\x23")},
	[BERTH_EC_BP256] = {{"BP-256", "BS256", 28, 32, 32},
			    NID_brainpoolP256r1,
			    BERTH_LIT_INIT(BRAINPOOL "\x07")},
	[BERTH_EC_BP384] = {{"BP-384", "BS384", 29, 48, 48},
			    NID_brainpoolP384r1,
			    BERTH_LIT_INIT(BRAINPOOL "\x0b")},
	[BERTH_EC_BP512] = {{"BP-512", "BS512", 30, 64, 64},
			    NID_brainpoolP512r1,
			    BERTH_LIT_INIT(BRAINPOOL "\x0d")},
};

const struct berth_ec_facts *
berth_ec_facts(enum berth_ec_curve curve)
{
	return &curves[curve].facts;
}

bool
berth_ec_curve_named(struct berth_bytes name, enum berth_ec_curve *ret)
{
	for (unsigned i = 0; i < BERTH_EC__COUNT; i++) {
		if (berth_bytes_equal_text(name, curves[i].facts.name)) {
			*ret = (enum berth_ec_curve)i;
			return true;
		}
	}
	return false;
}

bool
berth_ec_curve_of_group(uint16_t group, enum berth_ec_curve *ret)
{
	for (unsigned i = 0; i < BERTH_EC__COUNT; i++) {
		if (group == curves[i].facts.group) {
			*ret = (enum berth_ec_curve)i;
			return true;
		}
	}
	return false;
}

bool
berth_ec_equal(const struct berth_ec_point *a, const struct berth_ec_point *b)
{
	return a->curve == b->curve && berth_bytes_equal(berth_ec_xy(a), berth_ec_xy(b));
}

static const EC_GROUP *
group_of(struct berth_pki *pki, enum berth_ec_curve curve)
{
	if (pki->groups[curve] == NULL)
		pki->groups[curve] =
			EC_GROUP_new_by_curve_name_ex(pki->libctx, NULL, curves[curve].nid);
	return pki->groups[curve];
}

static enum berth_err
failed(struct berth_why *why)
{
	enum berth_err err = berth_ossl_fail(why, BERTH_E_CRYPTO, "ec", NULL,
					     "Points of an elliptic curve cannot be combined");

	return err ? err : BERTH_E_CRYPTO; /* an analyser does not know that it is never OK */
}

/* The octets of SEC 1 2.3.4 as a point of OpenSSL's, which is on the curve and not infinite; NULL: it is none. */
static EC_POINT *
decode(struct berth_pki *pki, enum berth_ec_curve curve, struct berth_bytes octets)
{
	const EC_GROUP *group = group_of(pki, curve);
	EC_POINT *point = group == NULL ? NULL : EC_POINT_new(group);

	if (point != NULL && octets.n > 1 &&
	    EC_POINT_oct2point(group, point, octets.p, octets.n, NULL) == 1 &&
	    EC_POINT_is_at_infinity(group, point) == 0)
		return point;
	EC_POINT_free(point);
	return NULL;
}

static EC_POINT *
decode_xy(struct berth_pki *pki, enum berth_ec_curve curve, struct berth_bytes xy)
{
	uint8_t octets[POINT_MAX] = {POINT_CONVERSION_UNCOMPRESSED};

	if (xy.n != 2U * curves[curve].facts.coordinate_bytes)
		return NULL;
	memcpy(octets + 1, xy.p, xy.n);
	return decode(pki, curve, berth_bytes_of(octets, 1 + xy.n));
}

static enum berth_err
encode(struct berth_pki *pki, enum berth_ec_curve curve, const EC_POINT *point,
       struct berth_ec_point *ret, struct berth_why *why)
{
	const EC_GROUP *group = group_of(pki, curve);
	uint8_t octets[POINT_MAX];
	size_t n = 1 + 2U * curves[curve].facts.coordinate_bytes;

	if (EC_POINT_is_at_infinity(group, point) != 0 ||
	    EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, octets, n, NULL) != n)
		return failed(why);
	*ret = (struct berth_ec_point){.curve = curve};
	memcpy(ret->xy, octets + 1, n - 1);
	berth_wipe(octets, sizeof(octets));
	return BERTH_OK;
}

static enum berth_err
no_point(struct berth_why *why, enum berth_ec_curve curve)
{
	ERR_clear_error();
	return berth_fail(why, BERTH_E_SYNTAX, "ec-point", "SEC 1 3.2.2.1",
			  "The octets are no point of the curve %s.", curves[curve].facts.name);
}

enum berth_err
berth_ec_point(struct berth_pki *pki, enum berth_ec_curve curve, struct berth_bytes xy,
	       struct berth_ec_point *ret, struct berth_why *why)
{
	BERTH_OSSL(EC_POINT) *point = decode_xy(pki, curve, xy);

	if (point == NULL)
		return no_point(why, curve);
	*ret = (struct berth_ec_point){.curve = curve};
	memcpy(ret->xy, xy.p, xy.n);
	return BERTH_OK;
}

/* SEQUENCE { SEQUENCE { id-ecPublicKey, namedCurve }, BIT STRING }, and nothing behind. */
static bool
open_spki(struct berth_bytes der, struct berth_bytes *algorithm, struct berth_bytes *bits)
{
	struct berth_bytes body;

	if (!berth_der_take(&der, BERTH_DER_SEQUENCE, &body) || der.n > 0 ||
	    !berth_der_take(&body, BERTH_DER_SEQUENCE, algorithm) ||
	    !berth_der_take(&body, BERTH_DER_BIT_STRING, bits) || body.n > 0 || bits->n < 2 ||
	    bits->p[0] != 0)
		return false;
	*bits = berth_bytes_of(bits->p + 1, bits->n - 1);
	return true;
}

bool
berth_ec_curve_of_algorithm(struct berth_bytes algorithm, enum berth_ec_curve *ret)
{
	const struct berth_bytes ec = BERTH_LIT(EC_KEY_OID);

	if (algorithm.n < ec.n || memcmp(algorithm.p, ec.p, ec.n) != 0)
		return false;
	struct berth_bytes oid = berth_bytes_of(algorithm.p + ec.n, algorithm.n - ec.n);
	for (unsigned i = 0; i < BERTH_EC__COUNT; i++) {
		if (berth_bytes_equal(oid, curves[i].oid)) {
			*ret = (enum berth_ec_curve)i;
			return true;
		}
	}
	return false;
}

enum berth_err
berth_ec_put_algorithm(enum berth_ec_curve curve, struct berth_buf *der)
{
	BERTH_BUF algorithm = {0};
	enum berth_err err = berth_buf_append_bytes(&algorithm, BERTH_LIT(EC_KEY_OID));

	err = err ? err : berth_buf_append_bytes(&algorithm, curves[curve].oid);
	return err ? err : berth_der_put(der, BERTH_DER_SEQUENCE, berth_buf_view(&algorithm));
}

enum berth_err
berth_ec_parse_spki(struct berth_pki *pki, struct berth_bytes der, struct berth_ec_point *ret,
		    struct berth_why *why)
{
	struct berth_bytes algorithm, octets;
	enum berth_ec_curve curve;

	if (!open_spki(der, &algorithm, &octets))
		return berth_fail(why, BERTH_E_SYNTAX, "ec-spki", "RFC 5280 4.1.2.7",
				  "The key is no DER SubjectPublicKeyInfo.");
	if (!berth_ec_curve_of_algorithm(algorithm, &curve))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "ec-spki", "RFC 5480 2.1.1",
				  "The key is on none of P-256, P-384, P-521, brainpoolP256r1, "
				  "P384r1 and P512r1, or does not name its curve.");
	/* 02 and 03 are compressed, 04 is not; hybrid ones (RFC 5480 2.2) are not for keys */
	if (octets.p[0] < 2 || octets.p[0] > 4)
		return no_point(why, curve);
	if (octets.p[0] == POINT_CONVERSION_UNCOMPRESSED)
		return berth_ec_point(pki, curve, berth_bytes_of(octets.p + 1, octets.n - 1), ret,
				      why);
	BERTH_OSSL(EC_POINT) *point = decode(pki, curve, octets);
	return point == NULL ? no_point(why, curve) : encode(pki, curve, point, ret, why);
}

enum berth_err
berth_ec_build_spki(const struct berth_ec_point *point, enum berth_form form, struct berth_buf *der)
{
	const struct curve *curve = &curves[point->curve];
	size_t coordinate = curve->facts.coordinate_bytes;
	bool is_compressed = form == BERTH_EC_COMPRESSED;
	uint8_t y_bit = point->xy[2 * coordinate - 1] & 1;
	uint8_t bits[1 + POINT_MAX] = {0,
				       is_compressed ? 2 + y_bit : POINT_CONVERSION_UNCOMPRESSED};
	size_t octets = is_compressed ? coordinate : 2 * coordinate;
	BERTH_BUF body = {0};

	memcpy(bits + 2, point->xy, octets);
	enum berth_err err = berth_ec_put_algorithm(point->curve, &body);
	err = err ? err
		  : berth_der_put(&body, BERTH_DER_BIT_STRING, berth_bytes_of(bits, 2 + octets));
	return err ? err : berth_der_put(der, BERTH_DER_SEQUENCE, berth_buf_view(&body));
}

static enum berth_err
combine(struct berth_pki *pki, const struct berth_ec_point *a, const struct berth_ec_point *b,
	bool is_difference, struct berth_ec_point *ret, struct berth_why *why)
{
	const EC_GROUP *group = group_of(pki, a->curve);
	BERTH_OSSL(EC_POINT) *left = decode_xy(pki, a->curve, berth_ec_xy(a));
	BERTH_OSSL(EC_POINT) *right =
		a->curve == b->curve ? decode_xy(pki, b->curve, berth_ec_xy(b)) : NULL;

	if (left == NULL || right == NULL ||
	    (is_difference && EC_POINT_invert(group, right, NULL) != 1) ||
	    EC_POINT_add(group, left, left, right, NULL) != 1)
		return failed(why);
	return encode(pki, a->curve, left, ret, why);
}

enum berth_err
berth_ec_add(struct berth_pki *pki, const struct berth_ec_point *a, const struct berth_ec_point *b,
	     struct berth_ec_point *ret, struct berth_why *why)
{
	return combine(pki, a, b, false, ret, why);
}

enum berth_err
berth_ec_subtract(struct berth_pki *pki, const struct berth_ec_point *a,
		  const struct berth_ec_point *b, struct berth_ec_point *ret, struct berth_why *why)
{
	return combine(pki, a, b, true, ret, why);
}

/* NULL: 0, not below the order, or of another length. */
static BIGNUM *
decode_scalar(struct berth_pki *pki, enum berth_ec_curve curve, struct berth_bytes octets)
{
	const EC_GROUP *group = group_of(pki, curve);
	BIGNUM *scalar = NULL;

	if (group == NULL || octets.n != curves[curve].facts.coordinate_bytes)
		return NULL;
	scalar = BN_bin2bn(octets.p, (int)octets.n, NULL);
	if (scalar == NULL)
		return NULL;
	BN_set_flags(scalar, BN_FLG_CONSTTIME);
	if (!BN_is_zero(scalar) && BN_cmp(scalar, EC_GROUP_get0_order(group)) < 0)
		return scalar;
	BN_clear_free(scalar);
	return NULL;
}

enum berth_err
berth_ec_multiply(struct berth_pki *pki, const struct berth_secret *scalar,
		  const struct berth_ec_point *point, struct berth_ec_point *ret,
		  struct berth_why *why)
{
	const EC_GROUP *group = group_of(pki, point->curve);
	BERTH_OSSL_SCALAR *k =
		decode_scalar(pki, point->curve, berth_bytes_of(scalar->p, scalar->n));
	BERTH_OSSL(EC_POINT) *at = decode_xy(pki, point->curve, berth_ec_xy(point));

	if (k == NULL || at == NULL || EC_POINT_mul(group, at, NULL, at, k, NULL) != 1)
		return failed(why);
	return encode(pki, point->curve, at, ret, why);
}

enum berth_err
berth_ec_reduce(struct berth_pki *pki, enum berth_ec_curve curve, struct berth_bytes number,
		struct berth_secret *ret, struct berth_why *why)
{
	const EC_GROUP *group = group_of(pki, curve);
	const int n = curves[curve].facts.coordinate_bytes;
	uint8_t octets[BERTH_EC_COORDINATE_MAX] = {0};
	BERTH_OSSL_SCALAR *k = BN_bin2bn(number.p, (int)number.n, NULL);
	BERTH_OSSL(BN_CTX) *scratch = BN_CTX_secure_new_ex(pki->libctx);

	if (group == NULL || k == NULL || scratch == NULL || number.n > BERTH_EC_HASH_MAX)
		return failed(why);
	BN_set_flags(k, BN_FLG_CONSTTIME);
	if (BN_nnmod(k, k, EC_GROUP_get0_order(group), scratch) != 1 ||
	    BN_bn2binpad(k, octets, n) != n)
		return failed(why);
	enum berth_err err = BN_is_zero(k)
				     ? BERTH_E_SYNTAX
				     : berth_secret_copy(ret, berth_bytes_of(octets, (size_t)n));
	berth_wipe(octets, sizeof(octets));
	return err ? berth_fail(why, err, "ec-scalar", "SEC 1 3.2.1",
				"The number is a multiple of the order of the curve %s.",
				curves[curve].facts.name)
		   : BERTH_OK;
}

enum berth_err
berth_ec_public(struct berth_pki *pki, enum berth_ec_curve curve, const struct berth_secret *scalar,
		struct berth_ec_point *ret, struct berth_why *why)
{
	const EC_GROUP *group = group_of(pki, curve);
	BERTH_OSSL_SCALAR *k = decode_scalar(pki, curve, berth_bytes_of(scalar->p, scalar->n));
	BERTH_OSSL(EC_POINT) *point = group == NULL ? NULL : EC_POINT_new(group);

	if (k == NULL)
		return berth_fail(why, BERTH_E_SYNTAX, "ec-scalar", "SEC 1 3.2.1",
				  "The number is no private key of the curve %s.",
				  curves[curve].facts.name);
	if (point == NULL || EC_POINT_mul(group, point, k, NULL, NULL, NULL) != 1)
		return failed(why);
	return encode(pki, curve, point, ret, why);
}

/* Both points that have this x (RFC 5480 2.2: 02 and 03). */
static enum berth_err
points_of_x(struct berth_pki *pki, enum berth_ec_curve curve, struct berth_bytes x,
	    struct berth_ec_point ret[2], struct berth_why *why)
{
	uint8_t octets[1 + BERTH_EC_COORDINATE_MAX];
	enum berth_err err = BERTH_OK;

	if (x.n != curves[curve].facts.coordinate_bytes)
		return failed(why);
	memcpy(octets + 1, x.p, x.n);
	for (int i = 0; !err && i < 2; i++) {
		octets[0] = (uint8_t)(POINT_CONVERSION_COMPRESSED + i);
		BERTH_OSSL(EC_POINT) *point = decode(pki, curve, berth_bytes_of(octets, 1 + x.n));
		err = point == NULL ? failed(why) : encode(pki, curve, point, &ret[i], why);
	}
	berth_wipe(octets, sizeof(octets));
	return err;
}

static enum berth_err
derive_x(struct berth_pki *pki, struct berth_key *key, const struct berth_ec_point *point,
	 struct berth_secret *x, struct berth_why *why)
{
	BERTH_KEY *peer = NULL;
	BERTH_BUF spki = {0};
	enum berth_err err = berth_ec_build_spki(point, BERTH_EC_UNCOMPRESSED, &spki);

	if (err)
		return berth_fail(why, err, "ec", NULL, "No memory.");
	err = berth_key_parse_spki(pki, berth_buf_view(&spki), &peer, why);
	return err ? err : berth_key_derive(key, peer, x, why);
}

static enum berth_err
base_point(struct berth_pki *pki, enum berth_ec_curve curve, struct berth_ec_point *ret,
	   struct berth_why *why)
{
	const EC_GROUP *group = group_of(pki, curve);

	if (group == NULL)
		return failed(why);
	return encode(pki, curve, EC_GROUP_get0_generator(group), ret, why);
}

/* Of a token, by its x alone. */
static enum berth_err
multiply_by_x(struct berth_pki *pki, struct berth_key *key, const struct berth_ec_point *public,
	      const struct berth_ec_point *point, struct berth_ec_point *ret, struct berth_why *why)
{
	struct berth_ec_point base, beside, candidates[2], sum;
	BERTH_SECRET x = {0};
	BERTH_SECRET x_beside = {0};

	enum berth_err err = base_point(pki, point->curve, &base, why);
	err = err ? err : berth_ec_add(pki, point, &base, &beside, why);
	err = err ? err : derive_x(pki, key, point, &x, why);
	err = err ? err : derive_x(pki, key, &beside, &x_beside, why);
	err = err ? err : points_of_x(pki, point->curve, berth_bytes_of(x.p, x.n), candidates, why);
	for (int i = 0; !err && i < 2; i++) {
		err = berth_ec_add(pki, &candidates[i], public, &sum, why);
		if (!err && berth_bytes_equal_secretly(berth_ec_x(&sum),
						       berth_bytes_of(x_beside.p, x_beside.n))) {
			*ret = candidates[i];
			return BERTH_OK;
		}
	}
	return err ? err : failed(why);
}

enum berth_err
berth_ec_multiply_key(struct berth_pki *pki, struct berth_key *key,
		      const struct berth_ec_point *point, struct berth_ec_point *ret,
		      struct berth_why *why)
{
	struct berth_ec_point public;
	struct berth_bytes xy = berth_ec_xy(point);
	uint8_t octets[POINT_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
	BERTH_SECRET product = {0};

	enum berth_err err = berth_ec_of_key(pki, key, &public, why);
	if (err)
		return err;
	if (public.curve != point->curve)
		return berth_fail(why, BERTH_E_MISMATCH, "ec-key", NULL,
				  "The point is on another curve than the key.");
	memcpy(octets + 1, xy.p, xy.n);
	err = berth_key_multiply(key, berth_bytes_of(octets, 1 + xy.n), &product, why);
	if (err == BERTH_E_UNSUPPORTED)
		return multiply_by_x(pki, key, &public, point, ret, why);
	return err ? err
		   : berth_ec_point(pki, point->curve, berth_bytes_of(product.p, product.n), ret,
				    why);
}

/* FIPS 186-5 A.2.2: numbers of the order's length until one is below it. */
#define ATTEMPTS_MAX 128 /* half of them fit at worst */

enum berth_err
berth_ec_generate(struct berth_pki *pki, enum berth_ec_curve curve,
		  const struct berth_random *random, struct berth_secret *scalar,
		  struct berth_ec_point *ret, struct berth_why *why)
{
	size_t n = curves[curve].facts.coordinate_bytes;
	uint8_t octets[BERTH_EC_COORDINATE_MAX];
	BERTH_SECRET chosen = {0};
	enum berth_err err = BERTH_E_CRYPTO;

	for (int i = 0; i < ATTEMPTS_MAX; i++) {
		berth_random_fill(random, octets, n);
		if (curve == BERTH_EC_P521)
			octets[0] &= 1; /* 521 bits */
		BERTH_OSSL_SCALAR *k = decode_scalar(pki, curve, berth_bytes_of(octets, n));
		if (k != NULL) {
			err = berth_secret_copy(&chosen, berth_bytes_of(octets, n));
			break;
		}
	}
	berth_wipe(octets, sizeof(octets));
	if (err)
		return berth_fail(why, err, "ec-generate", "FIPS 186-5 A.2.2",
				  "No private key could be made: the source of randomness repeats "
				  "itself, or there is no memory.");
	err = berth_ec_public(pki, curve, &chosen, ret, why);
	if (err)
		return err;
	*scalar = chosen;
	chosen = (struct berth_secret){0};
	return BERTH_OK;
}
