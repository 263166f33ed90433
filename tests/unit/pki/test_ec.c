/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/ec.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/hex.h"
#include "pki/keystore/keystore.h"

static struct berth_pki *pki;
static struct berth_random source;

static const enum berth_ec_curve all[] = {BERTH_EC_P256,  BERTH_EC_P384,  BERTH_EC_P521,
					  BERTH_EC_BP256, BERTH_EC_BP384, BERTH_EC_BP512};

static void
make(enum berth_ec_curve curve, struct berth_secret *scalar, struct berth_ec_point *point)
{
	assert_int_equal(berth_ec_generate(pki, curve, &source, scalar, point, NULL), BERTH_OK);
}

static void
both_sides_agree_on_every_curve(void **state)
{
	(void)state;
	for (size_t i = 0; i < BERTH_EC__COUNT; i++) {
		BERTH_SECRET a = {0}, b = {0};
		struct berth_ec_point pa, pb, ab, ba;
		make(all[i], &a, &pa);
		make(all[i], &b, &pb);
		assert_int_equal(berth_ec_multiply(pki, &a, &pb, &ab, NULL), BERTH_OK);
		assert_int_equal(berth_ec_multiply(pki, &b, &pa, &ba, NULL), BERTH_OK);
		assert_true(berth_ec_equal(&ab, &ba));
		assert_false(berth_ec_equal(&pa, &pb));
	}
}

static void
what_is_added_is_taken_away_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < BERTH_EC__COUNT; i++) {
		BERTH_SECRET a = {0}, b = {0};
		struct berth_ec_point pa, pb, sum, back;
		make(all[i], &a, &pa);
		make(all[i], &b, &pb);
		assert_int_equal(berth_ec_add(pki, &pa, &pb, &sum, NULL), BERTH_OK);
		assert_int_equal(berth_ec_subtract(pki, &sum, &pb, &back, NULL), BERTH_OK);
		assert_true(berth_ec_equal(&back, &pa));
		/* a - a is infinite, which is no point here */
		struct berth_why why = {0};
		assert_int_equal(berth_ec_subtract(pki, &pa, &pa, &back, &why), BERTH_E_CRYPTO);
		assert_string_equal(why.rule, "ec");
	}
}

static void
points_of_two_curves_are_not_added(void **state)
{
	BERTH_SECRET a = {0}, b = {0};
	struct berth_ec_point pa, pb, sum;

	(void)state;
	make(BERTH_EC_P256, &a, &pa);
	make(BERTH_EC_BP256, &b, &pb);
	assert_int_equal(berth_ec_add(pki, &pa, &pb, &sum, NULL), BERTH_E_CRYPTO);
}

static void
keys_are_read_compressed_and_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < BERTH_EC__COUNT; i++) {
		BERTH_SECRET a = {0};
		struct berth_ec_point point, read;
		make(all[i], &a, &point);
		for (int form = BERTH_EC_COMPRESSED; form <= BERTH_EC_UNCOMPRESSED; form++) {
			BERTH_BUF der = {0};
			assert_int_equal(berth_ec_build_spki(&point, (enum berth_form)form, &der),
					 BERTH_OK);
			assert_int_equal(
				berth_ec_parse_spki(pki, berth_buf_view(&der), &read, NULL),
				BERTH_OK);
			assert_true(berth_ec_equal(&read, &point));
			/* one octet more or less, and an unknown curve */
			assert_int_not_equal(berth_ec_parse_spki(pki,
								 berth_bytes_of(der.p, der.n - 1),
								 &read, NULL),
					     BERTH_OK);
			assert_int_equal(berth_buf_append_u8(&der, 0), BERTH_OK);
			assert_int_equal(
				berth_ec_parse_spki(pki, berth_buf_view(&der), &read, NULL),
				BERTH_E_SYNTAX);
		}
	}
}

/* K of the specification's appendix B.1, responder */
static void
the_published_key_is_read_and_written(void **state)
{
	BERTH_BUF der = {0}, again = {0};
	struct berth_ec_point point;

	(void)state;
	assert_int_equal(berth_base64_decode(BERTH_LIT("MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgACCcWFqRt"
						       "N+f0loEUgGIXDnMXPrjl92u2pV97Ff6DjUD8="),
					     false, &der, NULL),
			 BERTH_OK);
	assert_int_equal(berth_ec_parse_spki(pki, berth_buf_view(&der), &point, NULL), BERTH_OK);
	assert_int_equal(berth_ec_build_spki(&point, BERTH_EC_COMPRESSED, &again), BERTH_OK);
	assert_true(berth_bytes_equal(berth_buf_view(&der), berth_buf_view(&again)));
}

static void
a_point_off_the_curve_is_refused(void **state)
{
	struct berth_why why = {0};

	(void)state;
	for (size_t i = 0; i < BERTH_EC__COUNT; i++) {
		BERTH_SECRET a = {0};
		struct berth_ec_point point, read;
		make(all[i], &a, &point);
		point.xy[berth_ec_facts(all[i])->coordinate_bytes] ^= 1;
		assert_int_equal(berth_ec_point(pki, all[i], berth_ec_xy(&point), &read, &why),
				 BERTH_E_SYNTAX);
		assert_string_equal(why.rule, "ec-point");
		point.xy[berth_ec_facts(all[i])->coordinate_bytes] ^= 1;
		struct berth_bytes xy = berth_ec_xy(&point);
		assert_int_equal(
			berth_ec_point(pki, all[i], berth_bytes_of(xy.p, xy.n - 1), &read, &why),
			BERTH_E_SYNTAX);
		assert_int_equal(berth_ec_point(pki, all[i], xy, &read, &why), BERTH_OK);
	}
}

static void
a_hybrid_point_is_refused(void **state)
{
	BERTH_SECRET a = {0};
	BERTH_BUF der = {0};
	struct berth_ec_point point, read;
	struct berth_why why = {0};

	(void)state;
	make(BERTH_EC_P256, &a, &point);
	assert_int_equal(berth_ec_build_spki(&point, BERTH_EC_UNCOMPRESSED, &der), BERTH_OK);
	der.p[der.n - 65] = 6 | (point.xy[63] & 1);
	assert_int_equal(berth_ec_parse_spki(pki, berth_buf_view(&der), &read, &why),
			 BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "ec-point");
}

static void
a_scalar_that_is_zero_or_too_large_is_refused(void **state)
{
	uint8_t octets[32] = {0};
	const struct berth_secret scalar = {octets, sizeof(octets)};
	const struct berth_secret shorter = {octets, sizeof(octets) - 1};
	struct berth_ec_point point;
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(berth_ec_public(pki, BERTH_EC_P256, &scalar, &point, &why),
			 BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "ec-scalar");
	octets[31] = 1;
	assert_int_equal(berth_ec_public(pki, BERTH_EC_P256, &scalar, &point, &why), BERTH_OK);
	assert_int_equal(berth_ec_public(pki, BERTH_EC_P256, &shorter, &point, &why),
			 BERTH_E_SYNTAX);
	memset(octets, 0xff, sizeof(octets));
	assert_int_equal(berth_ec_public(pki, BERTH_EC_P256, &scalar, &point, &why),
			 BERTH_E_SYNTAX);
}

static void
a_signature_holds_for_its_text_and_key_alone(void **state)
{
	static const char *const kinds[] = {"P-256", "P-384", "P-521"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		BERTH_KEY *key = NULL;
		BERTH_BUF rs = {0};
		BERTH_SECRET a = {0};
		struct berth_ec_point point, other;
		struct berth_why why = {0};
		assert_int_equal(berth_keystore_ephemeral(pki, kinds[i], &key, NULL), BERTH_OK);
		assert_int_equal(berth_ec_sign(key, BERTH_LIT("header.payload"), &rs, NULL),
				 BERTH_OK);
		assert_int_equal(berth_ec_of_key(pki, key, &point, NULL), BERTH_OK);
		assert_int_equal(rs.n, 2U * berth_ec_facts(point.curve)->coordinate_bytes);
		assert_int_equal(berth_ec_verify(pki, &point, BERTH_LIT("header.payload"),
						 berth_buf_view(&rs), NULL),
				 BERTH_OK);
		assert_int_equal(berth_ec_verify(pki, &point, BERTH_LIT("header.payloae"),
						 berth_buf_view(&rs), &why),
				 BERTH_E_SIGNATURE);
		assert_string_equal(why.rule, "ec-signature");
		make(point.curve, &a, &other);
		assert_int_equal(berth_ec_verify(pki, &other, BERTH_LIT("header.payload"),
						 berth_buf_view(&rs), &why),
				 BERTH_E_SIGNATURE);
		assert_int_equal(berth_ec_verify(pki, &point, BERTH_LIT("header.payload"),
						 berth_bytes_of(rs.p, rs.n - 1), &why),
				 BERTH_E_SIGNATURE);
	}
}

/* d P + R = d (P + G): the second answer of the key tells which of two points it is. */
static void
a_keystores_key_multiplies_as_its_scalar_would(void **state)
{
	static const char *const kinds[] = {"P-256", "P-384", "P-521"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		BERTH_KEY *key = NULL;
		struct berth_ec_point public, product, expected;
		struct berth_why why = {0};
		assert_int_equal(berth_keystore_ephemeral(pki, kinds[i], &key, NULL), BERTH_OK);
		assert_int_equal(berth_ec_of_key(pki, key, &public, NULL), BERTH_OK);
		for (int round = 0; round < 8; round++) {
			BERTH_SECRET a = {0};
			struct berth_ec_point point;
			make(public.curve, &a, &point);
			assert_int_equal(berth_ec_multiply_key(pki, key, &point, &product, &why),
					 BERTH_OK);
			/* a (d G) = d (a G) */
			assert_int_equal(berth_ec_multiply(pki, &a, &public, &expected, NULL),
					 BERTH_OK);
			assert_true(berth_ec_equal(&product, &expected));
		}
		BERTH_SECRET b = {0};
		struct berth_ec_point other;
		make(BERTH_EC_BP256, &b, &other);
		assert_int_equal(berth_ec_multiply_key(pki, key, &other, &product, &why),
				 BERTH_E_MISMATCH);
		assert_string_equal(why.rule, "ec-key");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_agree_on_every_curve),
		cmocka_unit_test(what_is_added_is_taken_away_again),
		cmocka_unit_test(points_of_two_curves_are_not_added),
		cmocka_unit_test(keys_are_read_compressed_and_not),
		cmocka_unit_test(the_published_key_is_read_and_written),
		cmocka_unit_test(a_point_off_the_curve_is_refused),
		cmocka_unit_test(a_hybrid_point_is_refused),
		cmocka_unit_test(a_scalar_that_is_zero_or_too_large_is_refused),
		cmocka_unit_test(a_signature_holds_for_its_text_and_key_alone),
		cmocka_unit_test(a_keystores_key_multiplies_as_its_scalar_would),
	};

	if (berth_pki_open(&pki, NULL) != BERTH_OK)
		return 1;
	source = berth_pki_random(pki);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	berth_pki_close(pki);
	return failed;
}
