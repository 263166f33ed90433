/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "role/device/wifi_profile.h"

static struct berth_pki *pki;

static int
open_pki(void **state)
{
	(void)state;
	return berth_pki_open(&pki, NULL) ? -1 : 0;
}

static int
close_pki(void **state)
{
	(void)state;
	berth_pki_close(pki);
	return 0;
}

static struct berth_dpp_object
password_of(unsigned akm, struct berth_bytes ssid, struct berth_bytes pass)
{
	return (struct berth_dpp_object){.akm = akm, .ssid = ssid, .pass = pass};
}

/* The profile of one object, with its NUL; *err what came of it. */
static const char *
write_one(const struct berth_dpp_object *object, enum berth_err *err, struct berth_why *why)
{
	static struct berth_dpp_offer offer;
	static char text[8192];
	static const struct berth_wifi_certificate none;
	BERTH_BUF profile = {0};

	offer = (struct berth_dpp_offer){.count = 1};
	offer.objects[0] = *object;
	*err = berth_wifi_profile_write(&offer, &none, 2437, &profile, why);
	assert_true(profile.n < sizeof(text));
	memcpy(text, profile.p, profile.n);
	text[profile.n] = '\0';
	return text;
}

static void
a_name_or_password_ends_no_line(void **state)
{
	static const struct berth_bytes evil = BERTH_LIT_INIT("x\"\n}\nctrl_interface=/tmp/mine\n");
	struct berth_dpp_object object = password_of(BERTH_DPP_AKM_SAE, evil, evil);
	struct berth_why why = {0};
	enum berth_err err = BERTH_OK;

	(void)state;
	const char *text = write_one(&object, &err, &why);
	assert_int_equal(err, BERTH_OK);
	assert_null(strstr(text, "/tmp/mine"));
	assert_non_null(strstr(text, "\ninitial_freq_list=2437\n"));
	assert_non_null(strstr(text, "\tssid=78220a7d0a6374726c"));
	assert_non_null(strstr(text, "\tsae_password=78220a7d0a6374726c"));
	object = password_of(BERTH_DPP_AKM_PSK, BERTH_LIT("net"), evil);
	(void)write_one(&object, &err, &why);
	assert_int_equal(err, BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "wifi-profile-pass");
}

static void
a_passphrase_has_8_to_63_printable_characters(void **state)
{
	static const struct {
		const char *pass;
		bool is_good;
	} rows[] = {
		{"1234567", false},
		{"12345678", true},
		{"0123456789012345678901234567890123456789012345678901234567890ab", true},
		{"0123456789012345678901234567890123456789012345678901234567890abc", false},
		{"1234567\t", false},
		{"1234567\x7f", false},
		{"\"quoted\"", true},
	};
	struct berth_why why = {0};
	enum berth_err err = BERTH_OK;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct berth_dpp_object object =
			password_of(BERTH_DPP_AKM_PSK, BERTH_LIT("net"), berth_text(rows[i].pass));
		const char *text = write_one(&object, &err, &why);
		if ((err == BERTH_OK) != rows[i].is_good)
			fail_msg("\"%s\"", rows[i].pass);
		if (rows[i].is_good) {
			assert_non_null(strstr(text, "\tpsk=\""));
			assert_non_null(strstr(text, rows[i].pass));
		}
	}
}

static void
management_frames_are_protected_unless_psk_is_offered_too(void **state)
{
	static const struct {
		unsigned akm;
		const char *keys, *protection;
	} rows[] = {
		{BERTH_DPP_AKM_SAE, "\tkey_mgmt= SAE\n", "\tieee80211w=2\n"},
		{BERTH_DPP_AKM_PSK, "\tkey_mgmt= WPA-PSK WPA-PSK-SHA256\n", "\tieee80211w=1\n"},
		{BERTH_DPP_AKM_PSK | BERTH_DPP_AKM_SAE, "\tkey_mgmt= SAE WPA-PSK WPA-PSK-SHA256\n",
		 "\tieee80211w=1\n"},
		{BERTH_DPP_AKM_DPP | BERTH_DPP_AKM_SAE, "\tkey_mgmt= DPP SAE\n",
		 "\tieee80211w=2\n"},
	};
	struct berth_why why = {0};
	enum berth_err err = BERTH_OK;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct berth_dpp_object object =
			password_of(rows[i].akm, BERTH_LIT("net"), BERTH_LIT("correct horse"));
		const char *text = write_one(&object, &err, &why);
		assert_int_equal(err, BERTH_OK);
		assert_non_null(strstr(text, rows[i].keys));
		assert_non_null(strstr(text, rows[i].protection));
	}
}

static void
a_key_of_32_octets_stands_in_place_of_the_passphrase(void **state)
{
	struct berth_dpp_object object =
		password_of(BERTH_DPP_AKM_PSK, BERTH_LIT("net"), BERTH_BYTES_NONE);
	uint8_t psk[32] = {0xab};
	struct berth_why why = {0};
	enum berth_err err = BERTH_OK;

	(void)state;
	object.psk = berth_bytes_of(psk, sizeof(psk));
	assert_non_null(strstr(write_one(&object, &err, &why), "\tpsk=ab00000000"));
	assert_int_equal(err, BERTH_OK);
}

static void
refuses_an_offer_that_it_cannot_use(void **state)
{
	struct berth_dpp_object object =
		password_of(BERTH_DPP_AKM_DOT1X, BERTH_LIT("net"), BERTH_BYTES_NONE);
	struct berth_why why = {0};
	enum berth_err err = BERTH_OK;

	(void)state;
	(void)write_one(&object, &err, &why);
	assert_int_equal(err, BERTH_E_UNSUPPORTED);
	assert_string_equal(why.rule, "wifi-profile");
}

static void
fill(void *context, uint8_t *out, size_t n)
{
	(void)context;
	memset(out, 7, n);
}

static void
a_net_access_key_is_written_with_its_curve_and_point(void **state)
{
	static const struct {
		enum berth_ec_curve curve;
		size_t der_bytes; /* as openssl ec -outform DER has it */
	} rows[] = {{BERTH_EC_P256, 121}, {BERTH_EC_P384, 167}, {BERTH_EC_P521, 223}};
	const struct berth_random random = {fill, NULL};
	struct berth_why why = {0};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct berth_secret scalar = {0};
		struct berth_ec_point point;
		BERTH_BUF der = {0};
		assert_int_equal(
			berth_ec_generate(pki, rows[i].curve, &random, &scalar, &point, &why),
			BERTH_OK);
		assert_int_equal(
			berth_wifi_profile_key(&point, berth_bytes_of(scalar.p, scalar.n), &der),
			BERTH_OK);
		assert_int_equal(der.n, rows[i].der_bytes);
		struct berth_bytes xy = berth_ec_xy(&point);
		assert_memory_equal(der.p + der.n - xy.n, xy.p, xy.n);
		berth_secret_free(&scalar);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_or_password_ends_no_line),
		cmocka_unit_test(a_passphrase_has_8_to_63_printable_characters),
		cmocka_unit_test(management_frames_are_protected_unless_psk_is_offered_too),
		cmocka_unit_test(a_key_of_32_octets_stands_in_place_of_the_passphrase),
		cmocka_unit_test(refuses_an_offer_that_it_cannot_use),
		cmocka_unit_test(a_net_access_key_is_written_with_its_curve_and_point),
	};
	return cmocka_run_group_tests(tests, open_pki, close_pki);
}
