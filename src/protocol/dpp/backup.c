/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/backup.h"

#include "pki/der.h"
#include "pki/hkdf.h"
#include "pki/siv.h"

#define SECTION "DPP 6.4.7"
#define SALT_BYTES 64
#define BERTH_DER_UTF8_STRING 0x0c
#define CONTEXT_0 0xa0 /* constructed */
#define CONTEXT_1 0xa1
#define CONTEXT_3 0xa3
#define CONTEXT_0_STRING 0x80

#define OID_PACKAGE                                                                                \
	"\x06\x0b\x2b\x06\x01\x04\x01\x82\xbe\x68\x01\x02\x02" /* 1.3.6.1.4.1.40808.1.2.2 */
#define OID_PARAMETERS                                                                             \
	"\x06\x0b\x2b\x06\x01\x04\x01\x82\xbe\x68\x01\x02\x01"	  /* 1.3.6.1.4.1.40808.1.2.1 */
#define OID_PBKDF2 "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c" /* RFC 8018 A.2 */
#define OID_HMAC "\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02" /* RFC 8018 B.1; 09, 0a, 0b follow */
#define OID_SIV                                                                                    \
	"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x03" /* smime-alg; 22, 23, 24 follow */
#define OID_MAX 16

/* OIDs of HMAC and AES-SIV go up by one from 32 octets of key to 48 and 64. */
static uint8_t
step_of(size_t hash_bytes)
{
	return hash_bytes == 32 ? 0 : hash_bytes == 48 ? 1 : 2;
}

static struct berth_bytes
oid_of(const char *stem, size_t n, uint8_t first, size_t hash_bytes, uint8_t out[OID_MAX])
{
	memcpy(out, stem, n);
	out[n] = (uint8_t)(first + step_of(hash_bytes));
	return berth_bytes_of(out, n + 1);
}

static struct berth_bytes
hmac_oid(size_t hash_bytes, uint8_t out[OID_MAX])
{
	return oid_of(OID_HMAC, sizeof(OID_HMAC) - 1, 9, hash_bytes, out);
}

static struct berth_bytes
siv_oid(size_t hash_bytes, uint8_t out[OID_MAX])
{
	return oid_of(OID_SIV, sizeof(OID_SIV) - 1, 22, hash_bytes, out);
}

static enum berth_err
bad(struct berth_why *why, const char *part)
{
	return berth_fail(why, BERTH_E_SYNTAX, "dpp-backup", SECTION,
			  "The Configurator's backup is not of the form it must have: %s.", part);
}

static enum berth_err
cannot(struct berth_why *why, enum berth_err err)
{
	return berth_fail(why, err, "dpp-backup", SECTION,
			  "The Configurator's backup cannot be made: no memory, or a limit is "
			  "passed.");
}

/* Holds private keys: wiped when it goes. */
static void
wipe_buf(struct berth_buf *buf)
{
	if (buf->p != NULL)
		berth_wipe(buf->p, buf->cap);
	berth_buf_free(buf);
}

#define SECRET_BUF BERTH_CLEANUP(wipe_buf) struct berth_buf

static struct berth_bytes
view_of(const struct berth_secret *secret)
{
	return berth_bytes_of(secret->p, secret->n);
}

void
berth_dpp_backup_free(struct berth_dpp_backup *backup)
{
	if (backup == NULL)
		return;
	berth_secret_free(&backup->c_sign);
	berth_secret_free(&backup->pp);
}

/* ---- private keys ---- */

static enum berth_err
put_integer(struct berth_buf *out, unsigned value)
{
	uint8_t octets[3] = {(uint8_t)(value >> 8), (uint8_t)value, 0};
	bool is_short = value < 0x80;

	return berth_der_put(out, BERTH_DER_INTEGER,
			     berth_bytes_of(is_short ? octets + 1 : octets, is_short ? 1 : 2));
}

/* Of a key file, as OpenSSL writes it, or in the envelope, as others write it there. */
enum form { WITH_PUBLIC_KEY, WITH_CURVE };

static enum berth_err
put_curve(enum berth_ec_curve curve, struct berth_buf *out)
{
	BERTH_BUF algorithm = {0};
	struct berth_bytes whole, value, kind;
	enum berth_err err = berth_ec_put_algorithm(curve, &algorithm);

	if (err)
		return err;
	whole = berth_buf_view(&algorithm);
	if (!berth_der_take(&whole, BERTH_DER_SEQUENCE, &value) ||
	    !berth_der_take(&value, BERTH_DER_OID, &kind))
		return BERTH_E_INTERNAL;
	return berth_der_put(out, CONTEXT_0, value); /* the curve's name follows id-ecPublicKey */
}

/* ECPrivateKey (RFC 5915). */
static enum berth_err
put_ec_key(struct berth_pki *pki, enum berth_ec_curve curve, const struct berth_secret *scalar,
	   enum form form, struct berth_buf *out, struct berth_why *why)
{
	struct berth_ec_point point;
	uint8_t bits[2 + 2 * BERTH_EC_COORDINATE_MAX] = {0, 4};
	BERTH_BUF string = {0};
	SECRET_BUF body = {0};

	enum berth_err err = berth_ec_public(pki, curve, scalar, &point, why);
	if (err)
		return err;
	struct berth_bytes xy = berth_ec_xy(&point);
	memcpy(bits + 2, xy.p, xy.n);
	err = put_integer(&body, 1);
	err = err ? err : berth_der_put(&body, BERTH_DER_OCTET_STRING, view_of(scalar));
	err = err ? err
		  : berth_der_put(&string, BERTH_DER_BIT_STRING, berth_bytes_of(bits, 2 + xy.n));
	if (!err && form == WITH_CURVE)
		err = put_curve(curve, &body);
	else if (!err)
		err = berth_der_put(&body, CONTEXT_1, berth_buf_view(&string));
	err = err ? err : berth_der_put(out, BERTH_DER_SEQUENCE, berth_buf_view(&body));
	return err ? cannot(why, err) : BERTH_OK;
}

static bool
has_public(struct berth_bytes explicit_bits, const struct berth_ec_point *point)
{
	struct berth_bytes bits = BERTH_BYTES_NONE;
	struct berth_bytes xy = berth_ec_xy(point);

	return berth_der_take_only(explicit_bits, BERTH_DER_BIT_STRING, &bits) &&
	       bits.n == 2 + xy.n && bits.p[0] == 0 && bits.p[1] == 4 &&
	       memcmp(bits.p + 2, xy.p, xy.n) == 0;
}

static bool
has_curve(struct berth_bytes oid, enum berth_ec_curve curve)
{
	BERTH_BUF want = {0};
	struct berth_bytes view;
	struct berth_bytes value = BERTH_BYTES_NONE;

	if (put_curve(curve, &want) != BERTH_OK)
		return false;
	view = berth_buf_view(&want);
	return berth_der_take(&view, CONTEXT_0, &value) && berth_bytes_equal(oid, value);
}

static enum berth_err
read_ec_key(struct berth_pki *pki, struct berth_bytes der, enum berth_ec_curve curve,
	    struct berth_secret *ret, struct berth_why *why)
{
	struct berth_bytes body = BERTH_BYTES_NONE;
	struct berth_bytes octets = BERTH_BYTES_NONE;
	struct berth_der element;
	struct berth_ec_point point;
	BERTH_SECRET scalar = {0};

	if (!berth_der_take_only(der, BERTH_DER_SEQUENCE, &body) ||
	    !berth_der_take_equal(&body, BERTH_DER_INTEGER, BERTH_LIT("\x01")) ||
	    !berth_der_take(&body, BERTH_DER_OCTET_STRING, &octets))
		return bad(why, "ECPrivateKey");
	if (berth_secret_copy(&scalar, octets))
		return cannot(why, BERTH_E_MEMORY);
	enum berth_err err = berth_ec_public(pki, curve, &scalar, &point, why);
	while (!err && body.n > 0) {
		if (!berth_der_next(&body, &element))
			err = bad(why, "ECPrivateKey");
		else if (element.tag == CONTEXT_0 && !has_curve(element.value, curve))
			err = bad(why, "a private key is on another curve");
		else if (element.tag == CONTEXT_1 && !has_public(element.value, &point))
			err = bad(why, "a private key is not that of its public key");
		else if (element.tag != CONTEXT_0 && element.tag != CONTEXT_1)
			err = bad(why, "ECPrivateKey");
	}
	if (err)
		return err;
	*ret = scalar;
	scalar = (struct berth_secret){0};
	return BERTH_OK;
}

/* OneAsymmetricKey without its SEQUENCE (RFC 5958 2): version, algorithm, key. */
static enum berth_err
put_key_parts(struct berth_pki *pki, enum berth_ec_curve curve, const struct berth_secret *scalar,
	      enum form form, struct berth_buf *out, struct berth_why *why)
{
	SECRET_BUF key = {0};
	enum berth_err err = put_ec_key(pki, curve, scalar, form, &key, why);

	if (err)
		return err;
	err = put_integer(out, 0);
	err = err ? err : berth_ec_put_algorithm(curve, out);
	err = err ? err : berth_der_put(out, BERTH_DER_OCTET_STRING, berth_buf_view(&key));
	return err ? cannot(why, err) : BERTH_OK;
}

/* Takes them from the front of *body. */
static enum berth_err
take_key_parts(struct berth_pki *pki, struct berth_bytes *body, enum berth_ec_curve *curve,
	       struct berth_secret *scalar, struct berth_why *why)
{
	struct berth_bytes algorithm = BERTH_BYTES_NONE;
	struct berth_bytes key = BERTH_BYTES_NONE;

	if (!berth_der_take_equal(body, BERTH_DER_INTEGER, BERTH_LIT("\0")) ||
	    !berth_der_take(body, BERTH_DER_SEQUENCE, &algorithm) ||
	    !berth_der_take(body, BERTH_DER_OCTET_STRING, &key))
		return bad(why, "OneAsymmetricKey");
	if (!berth_ec_curve_of_algorithm(algorithm, curve))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "dpp-backup", SECTION,
				  "The C-sign key is on none of the curves of DPP.");
	return read_ec_key(pki, key, *curve, scalar, why);
}

enum berth_err
berth_dpp_backup_write_key(struct berth_pki *pki, enum berth_ec_curve curve,
			   const struct berth_secret *scalar, struct berth_buf *der,
			   struct berth_why *why)
{
	SECRET_BUF body = {0};
	enum berth_err err = put_key_parts(pki, curve, scalar, WITH_PUBLIC_KEY, &body, why);

	err = err ? err : berth_der_put(der, BERTH_DER_SEQUENCE, berth_buf_view(&body));
	return err;
}

enum berth_err
berth_dpp_backup_read_key(struct berth_pki *pki, struct berth_bytes der,
			  enum berth_ec_curve *ret_curve, struct berth_secret *ret_scalar,
			  struct berth_why *why)
{
	struct berth_bytes body = BERTH_BYTES_NONE;
	enum berth_err err = berth_der_check(der, "dpp-backup", why);

	if (err)
		return err;
	if (!berth_der_take_only(der, BERTH_DER_SEQUENCE, &body))
		return bad(why, "OneAsymmetricKey");
	/* attributes and the like may follow (RFC 5958 2) */
	return take_key_parts(pki, &body, ret_curve, ret_scalar, why);
}

/* ---- what is encrypted ---- */

static enum berth_err
put_parameters(struct berth_pki *pki, const struct berth_dpp_backup *backup, struct berth_buf *out,
	       struct berth_why *why)
{
	SECRET_BUF pp = {0};
	SECRET_BUF value = {0};
	SECRET_BUF set = {0};
	SECRET_BUF attribute = {0};
	SECRET_BUF one = {0};
	SECRET_BUF whole = {0};
	struct berth_bytes connector = berth_text(backup->connector_template);

	enum berth_err err = put_ec_key(pki, backup->curve, &backup->pp, WITH_CURVE, &pp, why);
	if (err)
		return err;
	err = berth_der_put(&value, BERTH_DER_OCTET_STRING, berth_buf_view(&pp));
	err = err ? err
		  : berth_der_put(&value, BERTH_DER_UTF8_STRING,
				  berth_text(backup->configuration_template));
	if (!err && connector.n > 0)
		err = berth_der_put(&value, BERTH_DER_UTF8_STRING, connector);
	err = err ? err : berth_der_put(&set, BERTH_DER_SEQUENCE, berth_buf_view(&value));
	err = err ? err : berth_buf_append_bytes(&attribute, BERTH_LIT(OID_PARAMETERS));
	err = err ? err : berth_der_put(&attribute, BERTH_DER_SET, berth_buf_view(&set));
	err = err ? err : berth_der_put(&one, BERTH_DER_SEQUENCE, berth_buf_view(&attribute));
	err = err ? err : berth_der_put(&whole, BERTH_DER_SET, berth_buf_view(&one));
	err = err ? err : berth_der_put(out, CONTEXT_0, berth_buf_view(&whole));
	return err ? cannot(why, err) : BERTH_OK;
}

static enum berth_err
put_package(struct berth_pki *pki, const struct berth_dpp_backup *backup, struct berth_buf *out,
	    struct berth_why *why)
{
	SECRET_BUF key = {0};
	SECRET_BUF one = {0};
	enum berth_err err =
		put_key_parts(pki, backup->curve, &backup->c_sign, WITH_CURVE, &key, why);

	err = err ? err : put_parameters(pki, backup, &key, why);
	if (err)
		return err;
	err = berth_der_put(&one, BERTH_DER_SEQUENCE, berth_buf_view(&key));
	err = err ? err : berth_der_put(out, BERTH_DER_SEQUENCE, berth_buf_view(&one));
	return err ? cannot(why, err) : BERTH_OK;
}

static enum berth_err
take_template(struct berth_bytes *from, char out[BERTH_DPP_TEMPLATE_MAX], struct berth_why *why)
{
	struct berth_bytes text = BERTH_BYTES_NONE;

	if (!berth_der_take(from, BERTH_DER_UTF8_STRING, &text) ||
	    text.n >= BERTH_DPP_TEMPLATE_MAX || !berth_bytes_is_utf8(text))
		return bad(why, "a template");
	memcpy(out, text.p, text.n);
	out[text.n] = '\0';
	return BERTH_OK;
}

static enum berth_err
read_parameters(struct berth_pki *pki, struct berth_bytes attributes, struct berth_dpp_backup *ret,
		struct berth_why *why)
{
	struct berth_bytes attribute = BERTH_BYTES_NONE;
	struct berth_bytes set = BERTH_BYTES_NONE;
	struct berth_bytes value = BERTH_BYTES_NONE;
	struct berth_bytes pp = BERTH_BYTES_NONE;
	const struct berth_bytes oid = BERTH_LIT(OID_PARAMETERS);

	/* a SET stands in the tag, or is the tag (RFC 5958 2): both are written */
	if (berth_der_take_only(attributes, BERTH_DER_SET, &set))
		attributes = set;
	if (!berth_der_take_only(attributes, BERTH_DER_SEQUENCE, &attribute) ||
	    !berth_der_take_equal(&attribute, BERTH_DER_OID,
				  berth_bytes_of(oid.p + 2, oid.n - 2)) ||
	    !berth_der_take_only(attribute, BERTH_DER_SET, &set) ||
	    !berth_der_take_only(set, BERTH_DER_SEQUENCE, &value) ||
	    !berth_der_take(&value, BERTH_DER_OCTET_STRING, &pp))
		return bad(why, "DPPConfigurationParameters");
	enum berth_err err = read_ec_key(pki, pp, ret->curve, &ret->pp, why);
	err = err ? err : take_template(&value, ret->configuration_template, why);
	if (!err && value.n > 0)
		err = take_template(&value, ret->connector_template, why);
	return err || value.n == 0 ? err : bad(why, "something follows the templates");
}

static enum berth_err
read_package(struct berth_pki *pki, struct berth_bytes der, struct berth_dpp_backup *ret,
	     struct berth_why *why)
{
	struct berth_bytes package = BERTH_BYTES_NONE;
	struct berth_bytes one = BERTH_BYTES_NONE;
	struct berth_bytes attributes = BERTH_BYTES_NONE;
	enum berth_err err = berth_der_check(der, "dpp-backup", why);

	if (err)
		return err;
	if (!berth_der_take_only(der, BERTH_DER_SEQUENCE, &package) ||
	    !berth_der_take_only(package, BERTH_DER_SEQUENCE, &one))
		return bad(why, "it has not one key");
	err = take_key_parts(pki, &one, &ret->curve, &ret->c_sign, why);
	if (!err && !berth_der_take_only(one, CONTEXT_0, &attributes))
		err = bad(why, "the key has no attributes");
	return err ? err : read_parameters(pki, attributes, ret, why);
}

/* ---- the envelope ---- */

static enum berth_err
derive_password(struct berth_pki *pki, const struct berth_dpp_secrets *secrets,
		struct berth_secret *ret)
{
	size_t n = berth_ec_facts(secrets->curve)->hash_bytes;

	return berth_hkdf_expand(pki, n, &secrets->bk, BERTH_LIT("Enveloped Data Password"), n,
				 ret);
}

static enum berth_err
derive_key(struct berth_pki *pki, const struct berth_dpp_secrets *secrets, size_t n,
	   struct berth_bytes salt, struct berth_secret *ret)
{
	BERTH_SECRET password = {0};
	enum berth_err err = derive_password(pki, secrets, &password);

	return err ? err : berth_pbkdf2(pki, n, &password, salt, BERTH_DPP_PBKDF2_ITERATIONS, ret);
}

static enum berth_err
put_pbkdf2(struct berth_bytes salt, size_t n, struct berth_buf *out)
{
	uint8_t oid[OID_MAX];
	BERTH_BUF parameters = {0};
	BERTH_BUF prf = {0};
	BERTH_BUF body = {0};
	BERTH_BUF whole = {0};

	enum berth_err err = berth_der_put(&parameters, BERTH_DER_OCTET_STRING, salt);
	err = err ? err : put_integer(&parameters, BERTH_DPP_PBKDF2_ITERATIONS);
	err = err ? err : put_integer(&parameters, (unsigned)n);
	err = err ? err : berth_buf_append_bytes(&prf, hmac_oid(n, oid));
	err = err ? err : berth_der_put(&parameters, BERTH_DER_SEQUENCE, berth_buf_view(&prf));
	err = err ? err : berth_buf_append_bytes(&body, BERTH_LIT(OID_PBKDF2));
	err = err ? err : berth_der_put(&body, BERTH_DER_SEQUENCE, berth_buf_view(&parameters));
	err = err ? err : berth_der_put(&whole, BERTH_DER_SEQUENCE, berth_buf_view(&body));
	return err ? err : berth_der_put(out, CONTEXT_0, berth_buf_view(&whole));
}

static enum berth_err
put_siv(size_t n, struct berth_buf *out)
{
	uint8_t oid[OID_MAX];

	return berth_der_put(out, BERTH_DER_SEQUENCE, siv_oid(n, oid));
}

static enum berth_err
put_recipient(struct berth_bytes salt, size_t n, struct berth_bytes wrapped, struct berth_buf *out)
{
	BERTH_BUF body = {0};
	BERTH_BUF whole = {0};
	BERTH_BUF choice = {0};

	enum berth_err err = put_integer(&body, 0);
	err = err ? err : put_pbkdf2(salt, n, &body);
	err = err ? err : put_siv(n, &body);
	err = err ? err : berth_der_put(&body, BERTH_DER_OCTET_STRING, wrapped);
	err = err ? err : berth_der_put(&whole, BERTH_DER_SEQUENCE, berth_buf_view(&body));
	err = err ? err : berth_der_put(&choice, CONTEXT_3, berth_buf_view(&whole));
	return err ? err : berth_der_put(out, BERTH_DER_SET, berth_buf_view(&choice));
}

static enum berth_err
put_content(size_t n, struct berth_bytes sealed, struct berth_buf *out)
{
	BERTH_BUF body = {0};

	enum berth_err err = berth_buf_append_bytes(&body, BERTH_LIT(OID_PACKAGE));
	err = err ? err : put_siv(n, &body);
	err = err ? err : berth_der_put(&body, CONTEXT_0_STRING, sealed);
	return err ? err : berth_der_put(out, BERTH_DER_SEQUENCE, berth_buf_view(&body));
}

static enum berth_err
put_envelope(struct berth_bytes salt, size_t n, struct berth_bytes wrapped,
	     struct berth_bytes sealed, struct berth_buf *der)
{
	BERTH_BUF body = {0};

	enum berth_err err = put_integer(&body, 3);
	err = err ? err : put_recipient(salt, n, wrapped, &body);
	err = err ? err : put_content(n, sealed, &body);
	return err ? err : berth_der_put(der, BERTH_DER_SEQUENCE, berth_buf_view(&body));
}

enum berth_err
berth_dpp_backup_seal(struct berth_pki *pki, const struct berth_random *random,
		      const struct berth_dpp_secrets *secrets,
		      const struct berth_dpp_backup *backup, struct berth_buf *der,
		      struct berth_why *why)
{
	size_t n = berth_ec_facts(backup->curve)->hash_bytes;
	uint8_t salt[SALT_BYTES];
	uint8_t content_key[BERTH_HASH_MAX];
	BERTH_SECRET kek = {0};
	BERTH_SECRET cek = {0};
	SECRET_BUF package = {0};
	BERTH_BUF wrapped = {0};
	BERTH_BUF sealed = {0};

	if (backup->c_sign.n == 0 || backup->pp.n == 0 || backup->configuration_template[0] == '\0')
		return berth_fail(why, BERTH_E_USAGE, "dpp-backup", SECTION,
				  "A backup has a C-sign key, a ppKey and a template.");
	enum berth_err err = put_package(pki, backup, &package, why);
	if (err)
		return err;
	berth_random_fill(random, salt, sizeof(salt));
	berth_random_fill(random, content_key, n);
	err = berth_secret_copy(&cek, berth_bytes_of(content_key, n));
	berth_wipe(content_key, sizeof(content_key));
	err = err ? err : derive_key(pki, secrets, n, berth_bytes_of(salt, sizeof(salt)), &kek);
	err = err ? err : berth_siv_seal(pki, &kek, NULL, 0, view_of(&cek), &wrapped);
	err = err ? err : berth_siv_seal(pki, &cek, NULL, 0, berth_buf_view(&package), &sealed);
	err = err ? err
		  : put_envelope(berth_bytes_of(salt, sizeof(salt)), n, berth_buf_view(&wrapped),
				 berth_buf_view(&sealed), der);
	return err ? cannot(why, err) : BERTH_OK;
}

/* What an envelope says before anything is decrypted. */
struct envelope {
	size_t n; /* octets of its keys */
	struct berth_bytes salt, wrapped, sealed;
};

static bool
take_hash(struct berth_bytes *from, size_t *ret)
{
	uint8_t oid[OID_MAX];
	struct berth_der prf;

	if (!berth_der_next(from, &prf) || prf.tag != BERTH_DER_SEQUENCE)
		return false;
	for (size_t n = 32; n <= 64; n += 16) {
		struct berth_bytes want = hmac_oid(n, oid);
		/* NULL parameters are written by some (RFC 8018 B.1.2), none by others */
		if (prf.value.n >= want.n && memcmp(prf.value.p, want.p, want.n) == 0 &&
		    (prf.value.n == want.n ||
		     berth_bytes_equal(berth_bytes_of(prf.value.p + want.n, prf.value.n - want.n),
				       BERTH_LIT("\x05\x00")))) {
			*ret = n;
			return true;
		}
	}
	return false;
}

static bool
take_siv(struct berth_bytes *from, size_t n)
{
	uint8_t oid[OID_MAX];

	return berth_der_take_equal(from, BERTH_DER_SEQUENCE, siv_oid(n, oid));
}

/*
 * Tags stand around a SEQUENCE in what Configurators in the field write (and so do we); RFC 5652 6.2 means them in its place. Both
 * are read: the first element tells.
 */
static bool
take_tagged(struct berth_bytes *from, uint8_t tag, struct berth_bytes *ret)
{
	struct berth_bytes value = BERTH_BYTES_NONE;

	if (!berth_der_take(from, tag, &value))
		return false;
	if (!berth_der_take_only(value, BERTH_DER_SEQUENCE, ret))
		*ret = value;
	return true;
}

static bool
read_pbkdf2(struct berth_bytes value, struct envelope *ret)
{
	const struct berth_bytes oid = BERTH_LIT(OID_PBKDF2);
	struct berth_bytes parameters = BERTH_BYTES_NONE;
	const uint8_t iterations[] = {BERTH_DPP_PBKDF2_ITERATIONS >> 8,
				      BERTH_DPP_PBKDF2_ITERATIONS & 0xff};
	struct berth_bytes length = BERTH_BYTES_NONE;

	return berth_der_take_equal(&value, BERTH_DER_OID, berth_bytes_of(oid.p + 2, oid.n - 2)) &&
	       berth_der_take_only(value, BERTH_DER_SEQUENCE, &parameters) &&
	       berth_der_take(&parameters, BERTH_DER_OCTET_STRING, &ret->salt) &&
	       ret->salt.n >= 8 && ret->salt.n <= 256 &&
	       berth_der_take_equal(&parameters, BERTH_DER_INTEGER,
				    berth_bytes_of(iterations, sizeof(iterations))) &&
	       berth_der_take(&parameters, BERTH_DER_INTEGER, &length) && length.n == 1 &&
	       take_hash(&parameters, &ret->n) && parameters.n == 0 && length.p[0] == ret->n;
}

/* Some name the shortest for a key of any length: what the key's length says is what holds. */
static bool
take_any_siv(struct berth_bytes *from)
{
	for (size_t n = 32; n <= 64; n += 16) {
		struct berth_bytes rest = *from;
		if (take_siv(&rest, n)) {
			*from = rest;
			return true;
		}
	}
	return false;
}

static bool
read_recipient(struct berth_bytes set, struct envelope *ret)
{
	struct berth_bytes body = BERTH_BYTES_NONE;
	struct berth_bytes derivation = BERTH_BYTES_NONE;

	return take_tagged(&set, CONTEXT_3, &body) && set.n == 0 &&
	       berth_der_take_equal(&body, BERTH_DER_INTEGER, BERTH_LIT("\0")) &&
	       take_tagged(&body, CONTEXT_0, &derivation) && read_pbkdf2(derivation, ret) &&
	       take_any_siv(&body) &&
	       berth_der_take_only(body, BERTH_DER_OCTET_STRING, &ret->wrapped);
}

static bool
read_content(struct berth_bytes body, struct envelope *ret)
{
	const struct berth_bytes oid = BERTH_LIT(OID_PACKAGE);

	return berth_der_take_equal(&body, BERTH_DER_OID, berth_bytes_of(oid.p + 2, oid.n - 2)) &&
	       take_siv(&body, ret->n) && berth_der_take_only(body, CONTEXT_0_STRING, &ret->sealed);
}

static enum berth_err
read_envelope(struct berth_bytes der, struct envelope *ret, struct berth_why *why)
{
	struct berth_bytes body = BERTH_BYTES_NONE;
	struct berth_bytes recipients = BERTH_BYTES_NONE;
	struct berth_bytes content = BERTH_BYTES_NONE;
	enum berth_err err = der.n > BERTH_DPP_BACKUP_MAX_BYTES
				     ? bad(why, "it is longer than any")
				     : berth_der_check(der, "dpp-backup", why);

	if (err)
		return err;
	if (!berth_der_take_only(der, BERTH_DER_SEQUENCE, &body) ||
	    !berth_der_take_equal(&body, BERTH_DER_INTEGER, BERTH_LIT("\x03")) ||
	    !berth_der_take(&body, BERTH_DER_SET, &recipients) ||
	    !berth_der_take_only(body, BERTH_DER_SEQUENCE, &content))
		return bad(why, "EnvelopedData");
	if (!read_recipient(recipients, ret))
		return bad(why, "PasswordRecipientInfo");
	return read_content(content, ret) ? BERTH_OK : bad(why, "EncryptedContentInfo");
}

static enum berth_err
decrypt(struct berth_pki *pki, const struct berth_dpp_secrets *secrets,
	const struct envelope *envelope, struct berth_buf *package, struct berth_why *why)
{
	BERTH_SECRET kek = {0};
	BERTH_SECRET cek = {0};
	SECRET_BUF key = {0};
	struct berth_why siv = {0};

	enum berth_err err = derive_key(pki, secrets, envelope->n, envelope->salt, &kek);
	if (err)
		return cannot(why, err);
	err = berth_siv_open(pki, &kek, NULL, 0, envelope->wrapped, &key, &siv);
	if (!err && key.n != envelope->n)
		return bad(why, "the content's key is of another length");
	err = err ? err : berth_secret_copy(&cek, berth_buf_view(&key));
	err = err ? err : berth_siv_open(pki, &cek, NULL, 0, envelope->sealed, package, &siv);
	if (err == BERTH_E_SIGNATURE)
		return berth_fail(why, err, "dpp-backup-key", SECTION,
				  "The Configurator's backup was made for another authentication "
				  "than this one, or was altered.");
	return err ? cannot(why, err) : BERTH_OK;
}

enum berth_err
berth_dpp_backup_open(struct berth_pki *pki, const struct berth_dpp_secrets *secrets,
		      struct berth_bytes der, struct berth_dpp_backup *ret, struct berth_why *why)
{
	struct envelope envelope = {0};
	struct berth_dpp_backup backup = {0};
	SECRET_BUF package = {0};

	enum berth_err err = read_envelope(der, &envelope, why);
	err = err ? err : decrypt(pki, secrets, &envelope, &package, why);
	err = err ? err : read_package(pki, berth_buf_view(&package), &backup, why);
	if (!err && berth_ec_facts(backup.curve)->hash_bytes != envelope.n)
		err = bad(why, "its keys do not go with the C-sign key's curve");
	if (err)
		berth_dpp_backup_free(&backup);
	else
		*ret = backup;
	return err;
}
