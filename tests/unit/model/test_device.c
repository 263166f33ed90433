/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/device.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "model/credential.h"
#include "model/event.h"

/* The first bytes of the input itself: shows that both parts of the identity go in. */
static enum berth_err
echo(void *context, struct berth_bytes in, uint8_t out[BERTH_DIGEST_BYTES])
{
	(void)context;
	for (size_t i = 0; i < BERTH_DIGEST_BYTES; i++)
		out[i] = i < in.n ? in.p[i] : 0;
	return BERTH_OK;
}

static const struct berth_digest digest = {.sha256 = echo};

static void
names_a_device_by_hash_and_serial(void **state)
{
	(void)state;
	static const struct {
		const char *serial;
		const char *id;
	} rows[] = {
		{"CAM-1", "0002aabb0005-CAM-1"},
		{"a b/c.d_e", "0002aabb0009-a_b_c.d_e"},
		{"\xc3\xa9", "0002aabb0002-__"},
		{"PID:C9500-16X SN:FCW2117A56M-and-far-too-long-for-any-screen",
		 "0002aabb003c-PID_C9500-16X_SN_FCW2117A56M-and-far-too-long-for-"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char id[BERTH_DEVICE_ID_MAX];
		struct berth_device_identity identity = {
			.manufacturer_key = BERTH_LIT("\xaa\xbb"),
			.serial_number = berth_text(rows[i].serial),
		};
		assert_int_equal(berth_device_id(&identity, &digest, id, NULL), BERTH_OK);
		assert_string_equal(id, rows[i].id);
	}
}

static void
refuses_an_identity_that_is_none(void **state)
{
	(void)state;
	char long_serial[BERTH_DEVICE_SERIAL_MAX + 1];

	memset(long_serial, 'a', sizeof long_serial);
	const struct berth_device_identity rows[] = {
		{BERTH_BYTES_NONE, BERTH_LIT("CAM-1")},
		{BERTH_LIT("k"), BERTH_BYTES_NONE},
		{BERTH_LIT("k"), BERTH_LIT("CAM\n1")},
		{BERTH_LIT("k"), BERTH_LIT("CAM\x7f")},
		{BERTH_LIT("k"), BERTH_LIT("CAM\0")},
		{BERTH_LIT("k"), BERTH_LIT("\xff")},
		{BERTH_LIT("k"), berth_bytes_of(long_serial, sizeof long_serial)},
		{berth_bytes_of(long_serial, BERTH_DEVICE_MANUFACTURER_MAX + 1),
		 BERTH_LIT("CAM-1")},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char id[BERTH_DEVICE_ID_MAX];
		assert_int_equal(berth_device_id(&rows[i], &digest, id, NULL), BERTH_E_SYNTAX);
	}
	const struct berth_device_identity longest = {
		BERTH_LIT("k"), berth_bytes_of(long_serial, BERTH_DEVICE_SERIAL_MAX)};
	assert_int_equal(berth_device_identity_check(&longest, NULL), BERTH_OK);
	assert_true(berth_device_identity_equal(&longest, &longest));
	assert_false(berth_device_identity_equal(&longest, &rows[2]));
}

static void
moves_through_its_life_by_the_table(void **state)
{
	(void)state;
	for (unsigned from = 0; from < BERTH_DEVICE_STATE_COUNT; from++) {
		enum berth_device_standing read = BERTH_DEVICE_KNOWN;
		const char *name = berth_device_state_name((enum berth_device_standing)from);

		assert_true(berth_device_may_move((enum berth_device_standing)from,
						  (enum berth_device_standing)from));
		assert_int_equal(berth_device_state_parse(berth_text(name), &read, NULL), BERTH_OK);
		assert_int_equal(read, from);
		/* Every state but left can be ended, and everything that ended begins again as known. */
		assert_true(
			berth_device_may_move((enum berth_device_standing)from, BERTH_DEVICE_LEFT));
	}
	assert_true(berth_device_may_move(BERTH_DEVICE_ADMITTED, BERTH_DEVICE_ENROLLED));
	assert_true(berth_device_may_move(BERTH_DEVICE_LEFT, BERTH_DEVICE_KNOWN));
	assert_false(berth_device_may_move(BERTH_DEVICE_PENDING, BERTH_DEVICE_ENROLLED));
	assert_false(berth_device_may_move(BERTH_DEVICE_REVOKED, BERTH_DEVICE_ADMITTED));
	assert_false(berth_device_may_move(BERTH_DEVICE_REVOKED, BERTH_DEVICE_IN_SERVICE));
	assert_false(berth_device_may_move(BERTH_DEVICE_LEFT, BERTH_DEVICE_ADMITTED));
	struct berth_why why;
	assert_int_equal(berth_device_check_move(BERTH_DEVICE_REVOKED, BERTH_DEVICE_ENROLLED, &why),
			 BERTH_E_STATE);
	assert_string_equal(why.sentence, "a device that is revoked cannot become enrolled");
	enum berth_device_standing read = BERTH_DEVICE_KNOWN;
	assert_int_equal(berth_device_state_parse(berth_text("gone"), &read, NULL),
			 BERTH_E_UNSUPPORTED);
}

static void
a_certificate_is_revoked_for_good(void **state)
{
	(void)state;
	assert_true(berth_credential_may_move(BERTH_CREDENTIAL_INTENT, BERTH_CREDENTIAL_ISSUED));
	assert_true(berth_credential_may_move(BERTH_CREDENTIAL_ISSUED, BERTH_CREDENTIAL_REVOKED));
	assert_false(berth_credential_may_move(BERTH_CREDENTIAL_REVOKED, BERTH_CREDENTIAL_ISSUED));
	assert_false(berth_credential_may_move(BERTH_CREDENTIAL_ISSUED, BERTH_CREDENTIAL_FAILED));
	assert_string_equal(berth_credential_state_name(BERTH_CREDENTIAL_FAILED), "failed");
	struct berth_credential credential = {
		.issuer_key_id = BERTH_LIT("ca"),
		.serial = BERTH_LIT("\x01"),
		.subject = BERTH_LIT("CN=x"),
	};
	assert_int_equal(berth_credential_check(&credential, NULL), BERTH_OK);
	credential.serial = BERTH_LIT("123456789012345678901");
	assert_int_equal(berth_credential_check(&credential, NULL), BERTH_E_SYNTAX);
}

static void
every_event_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (unsigned i = 0; i < BERTH_EVENT__COUNT; i++) {
		enum berth_event_kind read = BERTH_EVENT_ADMIN;
		const char *name = berth_event_name((enum berth_event_kind)i);

		assert_non_null(name);
		assert_int_equal(berth_event_parse(berth_text(name), &read, NULL), BERTH_OK);
		assert_int_equal(read, i);
	}
	enum berth_event_kind read = BERTH_EVENT_ADMIN;
	assert_int_equal(berth_event_parse(berth_text("device.lost"), &read, NULL),
			 BERTH_E_UNSUPPORTED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_a_device_by_hash_and_serial),
		cmocka_unit_test(refuses_an_identity_that_is_none),
		cmocka_unit_test(moves_through_its_life_by_the_table),
		cmocka_unit_test(a_certificate_is_revoked_for_good),
		cmocka_unit_test(every_event_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
