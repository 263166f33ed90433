/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "role/backup/issued.h"
#include "role/backup/record.h"

static enum berth_err
read_path(const char *path, struct berth_why *why)
{
	const struct berth_backup_entry entry = {
		.kind = BERTH_BACKUP_FILE, .path = berth_text(path), .mode = 0600, .size = 1};
	struct berth_backup_entry back;
	BERTH_BUF bytes = {0};

	assert_int_equal(berth_backup_entry_encode(&entry, &bytes), BERTH_OK);
	return berth_backup_entry_parse(berth_buf_view(&bytes), &back, why);
}

static void
refuses_paths_that_lead_out(void **state)
{
	static const struct {
		const char *path;
		enum berth_err want;
	} rows[] = {
		{"state/registrar.db", BERTH_OK}, {"..a/b..c/...", BERTH_OK},
		{"/etc/passwd", BERTH_E_SYNTAX},  {"../a", BERTH_E_SYNTAX},
		{"a/../b", BERTH_E_SYNTAX},	  {"a/..", BERTH_E_SYNTAX},
		{"a//b", BERTH_E_SYNTAX},	  {"a/", BERTH_E_SYNTAX},
		{"./a", BERTH_E_SYNTAX},	  {"", BERTH_E_SYNTAX},
		{"a\nb", BERTH_E_SYNTAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct berth_why why = {0};
		if (read_path(rows[i].path, &why) != rows[i].want)
			fail_msg("\"%s\": %s", rows[i].path, why.sentence);
	}
}

static void
refuses_modes_and_kinds_that_no_backup_has(void **state)
{
	struct berth_backup_entry entry = {
		.kind = BERTH_BACKUP_FILE, .path = BERTH_LIT("a"), .mode = 04755};
	struct berth_backup_entry back = {0};
	struct berth_why why = {0};
	BERTH_BUF bytes = {0};

	(void)state;
	assert_int_equal(berth_backup_entry_encode(&entry, &bytes), BERTH_OK);
	assert_int_equal(berth_backup_entry_parse(berth_buf_view(&bytes), &back, &why),
			 BERTH_E_SYNTAX);
	berth_buf_clear(&bytes);
	entry.mode = 0755;
	assert_int_equal(berth_backup_entry_encode(&entry, &bytes), BERTH_OK);
	assert_int_equal(berth_backup_entry_parse(berth_buf_view(&bytes), &back, &why), BERTH_OK);
	bytes.p[0] = 3;
	assert_int_equal(berth_backup_entry_parse(berth_buf_view(&bytes), &back, &why),
			 BERTH_E_UNSUPPORTED);
}

static void
tells_what_a_backup_is_of(void **state)
{
	struct berth_backup_about about = {
		.daemon = BERTH_LIT("berth-masa"),
		.made_at = {1795000000},
		.folder = BERTH_LIT("/etc/berth-masa"),
		.configuration = BERTH_LIT("masa.conf"),
		.state = BERTH_LIT("state"),
		.state_was = BERTH_LIT("/var/lib/berth-masa"),
		.audit_entries = 7,
		.hardware = {{BERTH_LIT("signer-key"), BERTH_LIT("pkcs11:object=a")}},
		.hardware_count = 1,
		.moved = {{BERTH_LIT("/var/lib/berth-masa"), BERTH_LIT("state")}},
		.moved_count = 1,
	};
	static struct berth_backup_about back;
	struct berth_why why = {0};
	BERTH_BUF bytes = {0};

	(void)state;
	assert_int_equal(berth_backup_about_encode(&about, &bytes), BERTH_OK);
	assert_int_equal(berth_backup_about_parse(berth_buf_view(&bytes), &back, &why), BERTH_OK);
	assert_true(berth_bytes_equal(back.daemon, about.daemon));
	assert_int_equal(back.made_at.s, about.made_at.s);
	assert_int_equal(back.audit_entries, 7);
	assert_int_equal(back.hardware_count, 1);
	assert_true(berth_bytes_equal(back.moved[0].value, about.moved[0].value));
	bytes.n--;
	assert_int_equal(berth_backup_about_parse(berth_buf_view(&bytes), &back, &why),
			 BERTH_E_SYNTAX);
}

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void
reads_the_signers_log(void **state)
{
	struct berth_bytes rest =
		BERTH_LIT("2026-11-23T21:07:00Z ldevid sha256=" HASH
			  " subject-hex=41 serial=01 certificate=MIIB\n2026-11-23T21:07:01Z vouch");
	struct berth_bytes line;
	struct berth_issued issued;
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(berth_issued_next(&rest, &line), BERTH_OK);
	assert_int_equal(berth_issued_parse(line, &issued, &why), BERTH_OK);
	assert_true(berth_bytes_equal_text(issued.what, "ldevid"));
	assert_true(berth_bytes_equal_text(issued.subject_hex, "41"));
	assert_true(berth_bytes_equal_text(issued.certificate, "MIIB"));
	assert_int_equal(issued.sha256[1], 0x23);
	/* the power went while the next one was written */
	assert_int_equal(berth_issued_next(&rest, &line), BERTH_E_NOT_FOUND);
	assert_int_equal(berth_issued_parse(BERTH_LIT("2026-11-23T21:07:00Z ldevid sha256=00"),
					    &issued, &why),
			 BERTH_E_SYNTAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_paths_that_lead_out),
		cmocka_unit_test(refuses_modes_and_kinds_that_no_backup_has),
		cmocka_unit_test(tells_what_a_backup_is_of),
		cmocka_unit_test(reads_the_signers_log),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
