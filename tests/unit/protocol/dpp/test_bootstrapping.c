/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/bootstrapping.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/hex.h"
#include "support/dpp_fixture.h"

static struct berth_pki *pki;

/* One key of each curve, with its SubjectPublicKeyInfo and both hashes as openssl has them. */
static const struct {
	enum berth_ec_curve curve;
	const char *scalar, *spki, *hash, *chirp;
} keys[] = {
	{BERTH_EC_P256, "eb2731ca1cfb04db136117bac25a4bbf80de017e687a492b7f605a627d44aa64",
	 "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgACWE1SoXiPq2VOpUV0X2iJSW294ZRzcFmisscN6X34nJk=",
	 "5afaf8bf0e5f7ffeeed0cafaa430cc6094b0373f5437bd58b29948b73d28f595",
	 "bbcc4ca47ff1b6aaaa91f99d7dae62f2e2e4c0329bfc81c05d9d35e53bd38f0f"},
	{BERTH_EC_P384,
	 "a142324f8ba5cbbb2822617b99c49f608f4b2595ce671b074e1d9a13776bef73cde903edd8347799d8c578a5"
	 "bb471b17",
	 "MEYwEAYHKoZIzj0CAQYFK4EEACIDMgAC3ZTMe/VDx4GwWwGUc75XcAGvemKpPPK9WEsefEq325LwmaR5QI+TLD2"
	 "Lk97pq8t+",
	 "260039fd554c53d2d5d7673c9de7f2ab723071b8215ad6ad79319935788ea3e6",
	 "bfc7f48e7a28e35805410dc0e783831b3601c7f0cd25e0563f3b443b61d4390c"},
	{BERTH_EC_P521,
	 "01a52d1df4c8c0579a11e2211042425112b554cd89c26f9305a81826833b1a927b8b5a116fb9d7c6e16e7706"
	 "eccede1df29f460f3fe879941c2f54094e557c25f3c3",
	 "MFgwEAYHKoZIzj0CAQYFK4EEACMDRAACAKQNXcvKdCcjl4WS7fSoDH3iuHcQs3+9mDizfwcB9w7ush5cAZQEJKK"
	 "CJ+1TTPNAtCFjEQ0o21EhRv5jZ/ybJhy4",
	 "2e270595e5dc7b083455111b985f456ebb6c23fda435851a315b8536469c58da",
	 "682bbf28f2f9e9c59c164eb37a69fe10cfdec59637bdf172d165dde644443601"},
	{BERTH_EC_BP256, "9e992390ec28c2bd9ed937641332595c9ed9a16d051f9ff65b352654822b22e4",
	 "MDowFAYHKoZIzj0CAQYJKyQDAwIIAQEHAyIAA0ypHx0ew7rIgDzGPgHplXh7MECPFb5JcYXBPrA7/rZB",
	 "8ecf1bf9a4fc685f6e04e1de864cb1162f7ee9ca482972dd3ecddf40eed5682a",
	 "872e7376d5d4e10d28b6e4139bc13db9284f52e30e239047585efe19a0ff2ea3"},
	{BERTH_EC_BP384,
	 "52ae595a39de6352f8456cd9aa50c61eaf4fafbddef265ca53f25d99e9f25f98864cf0b2dc51e2451ad7f707"
	 "2ab52f24",
	 "MEowFAYHKoZIzj0CAQYJKyQDAwIIAQELAzIAAzCEqxq0TiXjItW8dHvHeLT0p3JhG4Kp5bFFmq4eVtZMDjQEDci"
	 "JVGeyhpY847kB4A==",
	 "4b47f10da037cde2cbaef9d57af17b147a1308b65f24bce274c13c7654f9159e",
	 "011bd56cfbf0d66014cf8a95a9a4bacaf2beca3482653c57f291b47064703249"},
	{BERTH_EC_BP512,
	 "8b13aeeb2a7bd489038c4d4c6bbf7563c3269b8f93317c1108aaef3d5babc06898998332a4718bfa625cf02a"
	 "a14c2fbec8699357954cc0cd8458f11e13b2ff4b",
	 "MFowFAYHKoZIzj0CAQYJKyQDAwIIAQENA0IAAxLSe320YhXkyvbH8XS+KZifg2TaEz0hJk4ryYJ/8YHY3NhQXVm"
	 "nQeb1HjRuYLyJDR8eOeoxtalQndNC+pUlLYY=",
	 "01223ffdcacaae70c6169480e589023ab5b02d66020d88f3a15d8d67f973d314",
	 "4ec9678e50e4bd52446e629e1c2940fadb8c4aaf7e72611352698d606273333f"},
};

static void
assert_hex(const uint8_t *p, const char *expected)
{
	char text[65];

	assert_string_equal(berth_hex_text(berth_bytes_of(p, 32), text, sizeof(text)), expected);
}

/* The private key alone gives what stands on the label, and the label gives the same. */
static void
a_given_key_has_the_hashes_that_openssl_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct dpp_key key = {0};
		struct berth_dpp_bootstrapping read;
		BERTH_BUF spki = {0};
		dpp_key_of(pki, keys[i].curve, keys[i].scalar, &key);
		assert_hex(key.bootstrapping.hash, keys[i].hash);
		assert_hex(key.bootstrapping.chirp, keys[i].chirp);
		assert_int_equal(berth_base64_decode(berth_text(keys[i].spki), false, &spki, NULL),
				 BERTH_OK);
		assert_int_equal(
			berth_dpp_bootstrapping_parse(pki, berth_buf_view(&spki), &read, NULL),
			BERTH_OK);
		assert_int_equal(read.point.curve, keys[i].curve);
		assert_true(berth_ec_equal(&read.point, &key.bootstrapping.point));
		assert_hex(read.hash, keys[i].hash);
		assert_hex(read.chirp, keys[i].chirp);
		dpp_key_free(&key);
	}
}

/* What is no key, or of no curve of DPP: no octets of one, RSA, P-192, and a curve that is spelt out. */
static void
refuses_keys_that_dpp_does_not_have(void **state)
{
	static const struct {
		const char *spki, *rule;
	} bad[] = {
		{"aGVsbG8=", "ec-spki"},
		{"MAA=", "ec-spki"},
		{"MEkwEwYHKoZIzj0CAQYIKoZIzj0DAQEDMgAEXiJuIWt1Q/"
		 "CPCkuULechh37UsXPmbUANOeN5U9sOQROE4o/"
		 "NEFeFEejROHYwwehF",
		 "ec-spki"},
		{"MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBANNZaZA4T/kRDjnmpI1ACOJhAuTIIEk2KFOpS6XPpGF+EVr/"
		 "ao3"
		 "XemkE0/nzXmGaLzLqTUCJknSdxTnVPeWfCVsCAwEAAQ==",
		 "ec-spki"},
		{"MIIBCjCB0wYHKoZIzj0CATCBxwIBATAkBgcqhkjOPQEBAhkA/////////////////////v//////////"
		 "MEs"
		 "EGP////////////////////7//////////"
		 "AQYZCEFGeWcgOcPp+mrciQwSf643uzBRrmxAxUAMEWub8hCL2T"
		 "tV5Uo04Eg6uEhltUEMQQYjagOsDCQ9ny/IOtDoYgA9P8K/YL/EBIHGSuV/8jaeGMQEe1rJM3Vc/"
		 "l3oR55SBE"
		 "CGQD///////////////+Z3vg2FGvJsbTSKDECAQEDMgAEXiJuIWt1Q/"
		 "CPCkuULechh37UsXPmbUANOeN5U9s"
		 "OQROE4o/NEFeFEejROHYwwehF",
		 "ec-spki"},
		/* one bit from a key that is one: its x is on no point */
		{"MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgACWE1SoXiPq2VOpUV0X2iJSW294ZRzcFmisscN6X34nJg=",
		 "ec-point"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct berth_dpp_bootstrapping read;
		struct berth_why why = {0};
		BERTH_BUF spki = {0};
		assert_int_equal(berth_base64_decode(berth_text(bad[i].spki), false, &spki, NULL),
				 BERTH_OK);
		if (berth_dpp_bootstrapping_parse(pki, berth_buf_view(&spki), &read, &why) ==
		    BERTH_OK)
			fail_msg("key %zu is read", i);
		assert_string_equal(why.rule, bad[i].rule);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_given_key_has_the_hashes_that_openssl_says),
		cmocka_unit_test(refuses_keys_that_dpp_does_not_have),
	};

	if (berth_pki_open(&pki, NULL) != BERTH_OK)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	berth_pki_close(pki);
	return failed;
}
