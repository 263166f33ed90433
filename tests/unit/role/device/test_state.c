/* SPDX-License-Identifier: BSD-2-Clause */
/* What the device remembers, and what a power cut may leave behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "pki/issue.h"
#include "role/device/state.h"
#include "system/files.h"

static struct berth_pki *pki;
static char dir[64];
static struct berth_cert *cert;

static const char *
path_of(const char *name)
{
	static char path[512];
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static const char *
uri_of(const char *name)
{
	static char uri[512];
	(void)snprintf(uri, sizeof(uri), "file:%s/%s", dir, name);
	return uri;
}

static bool
is_there(const char *name)
{
	struct stat st;
	return stat(path_of(name), &st) == 0;
}

static void
make_key(const char *name, struct berth_key **ret)
{
	BERTH_KEY *key = NULL;
	assert_int_equal(berth_keystore_generate(pki, uri_of(name), "P-256", &key, NULL), BERTH_OK);
	if (ret) {
		*ret = berth_key_ref(key);
	}
}

static int
open_all(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/berth-state-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(berth_pki_open(&pki, NULL), BERTH_OK);
	BERTH_KEY *key = NULL;
	BERTH_BUF der = {0};
	make_key("ca.key", &key);
	const struct berth_cert_template template = {.profile = BERTH_PROFILE_ROOT_CA,
						     .serial = {1, 2, 3},
						     .not_before = {1700000000},
						     .not_after = {2000000000},
						     .common_name = BERTH_LIT("Owner"),
						     .key = key};
	assert_int_equal(berth_issue(pki, &template, NULL, key, &der, NULL), BERTH_OK);
	assert_int_equal(berth_cert_parse(pki, berth_buf_view(&der), &cert, NULL), BERTH_OK);
	return 0;
}

static int
empty_dir(void **state)
{
	(void)state;
	DIR *listing = opendir(dir);
	for (struct dirent *entry; listing && (entry = readdir(listing));) {
		(void)unlink(path_of(entry->d_name));
	}
	if (listing) {
		(void)closedir(listing);
	}
	return 0;
}

static int
close_all(void **state)
{
	(void)empty_dir(state);
	(void)rmdir(dir);
	berth_cert_free(cert);
	berth_pki_close(pki);
	return 0;
}

static void
enrol(struct berth_device_state *state)
{
	*state = (struct berth_device_state){.is_enrolled = true,
					     .candidate = {"fe80::1%eth0", 8443, false},
					     .domain_id = {1, 2, 3, 4},
					     .domain_id_bytes = 20,
					     .has_enrolled_at = true,
					     .enrolled_at = {1790000000},
					     .registrar = berth_cert_ref(cert),
					     .pinned = berth_cert_ref(cert)};
	(void)snprintf(state->key, sizeof(state->key), "%s", uri_of("ldevid-1.key"));
	assert_int_equal(berth_cert_list_add(&state->chain, cert, NULL), BERTH_OK);
	assert_int_equal(berth_cert_list_add(&state->ca_set, cert, NULL), BERTH_OK);
}

static void
is_unconfigured_without_a_file(void **state)
{
	(void)state;
	BERTH_DEVICE_STATE got = {0};
	assert_int_equal(berth_device_state_load(pki, dir, &got, NULL), BERTH_OK);
	assert_false(got.is_enrolled);
	assert_int_equal(got.pending_count, 0);
}

static void
remembers_all_of_an_enrolment(void **state)
{
	(void)state;
	BERTH_DEVICE_STATE saved = {0};
	BERTH_DEVICE_STATE got = {0};
	BERTH_BUF first = {0};
	BERTH_BUF second = {0};
	enrol(&saved);
	(void)snprintf(saved.pending[0], sizeof(saved.pending[0]), "file:/x");
	saved.pending_count = 1;
	assert_int_equal(berth_device_state_save(dir, &saved, NULL), BERTH_OK);
	assert_int_equal(berth_device_state_load(pki, dir, &got, NULL), BERTH_OK);
	assert_true(got.is_enrolled && !got.has_told);
	assert_string_equal(got.key, saved.key);
	assert_string_equal(got.candidate.host, "fe80::1%eth0");
	assert_int_equal(got.candidate.port, 8443);
	assert_int_equal(got.enrolled_at.s, 1790000000);
	assert_int_equal(got.domain_id_bytes, 20);
	assert_memory_equal(got.domain_id, saved.domain_id, 20);
	assert_true(berth_bytes_equal(berth_cert_der(got.chain.at[0]), berth_cert_der(cert)));
	assert_int_equal(berth_device_state_encode(&saved, &first, NULL), BERTH_OK);
	assert_int_equal(berth_device_state_encode(&got, &second, NULL), BERTH_OK);
	assert_true(berth_bytes_equal(berth_buf_view(&first), berth_buf_view(&second)));
}

static void
is_readable_by_nobody_else(void **state)
{
	(void)state;
	struct stat st;
	BERTH_DEVICE_STATE saved = {0};
	enrol(&saved);
	assert_int_equal(berth_device_state_save(dir, &saved, NULL), BERTH_OK);
	assert_int_equal(stat(path_of("state.json"), &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
}

/* A device must not take a damaged file for "never onboarded" and do it again. */
static void
refuses_a_damaged_file(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const char *find;
		const char *put;
	} rows[] = {
		{"another version", "\"version\":1", "\"version\":2"},
		{"an unknown state", "\"enrolled\"", "\"enrolletd\""},
		{"no port", "\"port\":8443", "\"port\":0"},
		{"no certificate", "\"registrar\":\"MI", "\"registrar\":\"AI"},
		{"a missing member", "\"told\"", "\"tol\""},
		{"bytes behind it", "}", "}}"},
	};
	BERTH_DEVICE_STATE saved = {0};
	BERTH_BUF json = {0};
	enrol(&saved);
	assert_int_equal(berth_device_state_encode(&saved, &json, NULL), BERTH_OK);
	assert_int_equal(berth_buf_append_u8(&json, 0), BERTH_OK);
	const char *text = (const char *)json.p;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_BUF changed = {0};
		BERTH_DEVICE_STATE got = {0};
		const char *at = strstr(text, rows[i].find);
		if (!at) {
			fail_msg("%s: not found in %s", rows[i].name, text);
		}
		assert_int_equal(berth_buf_append(&changed, text, (size_t)(at - text)), BERTH_OK);
		assert_int_equal(berth_buf_append_text(&changed, rows[i].put), BERTH_OK);
		assert_int_equal(berth_buf_append_text(&changed, at + strlen(rows[i].find)),
				 BERTH_OK);
		if (berth_device_state_read(pki, berth_buf_view(&changed), &got, NULL) ==
		    BERTH_OK) {
			fail_msg("%s is taken", rows[i].name);
		}
	}
	for (size_t n = 0; n + 1 < json.n; n += 7) {
		BERTH_DEVICE_STATE got = {0};
		assert_int_not_equal(
			berth_device_state_read(pki, berth_bytes_of(json.p, n), &got, NULL),
			BERTH_OK);
	}
}

static void
deletes_keys_that_a_power_cut_left_behind(void **state)
{
	(void)state;
	BERTH_DEVICE_STATE before = {0};
	BERTH_DEVICE_STATE after = {0};
	size_t count = 0;
	assert_int_equal(berth_device_state_intend_key(dir, &before, uri_of("ldevid-1.key"), NULL),
			 BERTH_OK);
	make_key("ldevid-1.key", NULL);
	/* noted, but never made */
	assert_int_equal(berth_device_state_intend_key(dir, &before, uri_of("ldevid-2.key"), NULL),
			 BERTH_OK);
	assert_true(is_there("ldevid-1.key"));
	/* the power goes here */
	assert_int_equal(berth_device_state_load(pki, dir, &after, NULL), BERTH_OK);
	assert_int_equal(after.pending_count, 2);
	assert_int_equal(berth_device_state_tidy(pki, dir, &after, &count, NULL), BERTH_OK);
	assert_int_equal(count, 2);
	assert_false(is_there("ldevid-1.key"));
	assert_int_equal(after.pending_count, 0);
}

static void
make_file(const char *name)
{
	assert_int_equal(berth_file_write(path_of(name), BERTH_LIT("x"), 0600, NULL), BERTH_OK);
}

static void
sweeps_away_half_written_files_and_nothing_else(void **state)
{
	(void)state;
	BERTH_DEVICE_STATE given = {0};
	size_t count = 0;
	static const char *const left[] = {"ldevid-1.key.Ab12xY", "state.json.abcdef",
					   "ldevid.pem.123456", "owner-ca.pem.zzzzzz"};
	static const char *const kept[] = {"ldevid-2.key", "notes.key.abcdef", "state.json.bak",
					   "lock", "ldevid-.abcdef"};
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		make_file(left[i]);
	}
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		make_file(kept[i]);
	}
	assert_int_equal(berth_device_state_tidy(pki, dir, &given, &count, NULL), BERTH_OK);
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		assert_false(is_there(left[i]));
	}
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		assert_true(is_there(kept[i]));
	}
}

static void
notes_no_more_keys_than_it_can_hold(void **state)
{
	(void)state;
	BERTH_DEVICE_STATE given = {0};
	for (size_t i = 0; i < BERTH_DEVICE_PENDING_MAX; i++) {
		assert_int_equal(berth_device_state_intend_key(dir, &given, "file:/x", NULL),
				 BERTH_OK);
	}
	assert_int_equal(berth_device_state_intend_key(dir, &given, "file:/x", NULL),
			 BERTH_E_LIMIT);
}

static void
forgets_key_certificate_and_owner_at_a_reset(void **state)
{
	(void)state;
	BERTH_DEVICE_STATE given = {0};
	BERTH_DEVICE_STATE got = {0};
	enrol(&given);
	make_key("ldevid-1.key", NULL);
	assert_int_equal(berth_device_state_save(dir, &given, NULL), BERTH_OK);
	assert_int_equal(berth_device_state_publish(dir, &given, NULL), BERTH_OK);
	assert_true(is_there("ldevid.pem") && is_there("owner-ca.pem"));
	assert_int_equal(berth_device_state_reset(pki, dir, &given, NULL), BERTH_OK);
	assert_false(is_there("ldevid-1.key") || is_there("ldevid.pem") ||
		     is_there("owner-ca.pem"));
	assert_int_equal(berth_device_state_load(pki, dir, &got, NULL), BERTH_OK);
	assert_false(got.is_enrolled);
	assert_int_equal(got.pending_count, 0);
}

static void
finishes_a_reset_that_the_power_cut_short(void **state)
{
	(void)state;
	BERTH_DEVICE_STATE given = {0};
	BERTH_DEVICE_STATE cut = {.pending_count = 1};
	BERTH_DEVICE_STATE after = {0};
	size_t count = 0;
	enrol(&given);
	make_key("ldevid-1.key", NULL);
	assert_int_equal(berth_device_state_publish(dir, &given, NULL), BERTH_OK);
	/* what the reset's first step leaves on disk */
	memcpy(cut.pending[0], given.key, sizeof(given.key));
	assert_int_equal(berth_device_state_save(dir, &cut, NULL), BERTH_OK);
	assert_int_equal(berth_device_state_load(pki, dir, &after, NULL), BERTH_OK);
	assert_int_equal(berth_device_state_tidy(pki, dir, &after, &count, NULL), BERTH_OK);
	assert_false(is_there("ldevid-1.key") || is_there("ldevid.pem"));
}

#define TEST(name) cmocka_unit_test_setup(name, empty_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(is_unconfigured_without_a_file),
		TEST(remembers_all_of_an_enrolment),
		TEST(is_readable_by_nobody_else),
		TEST(refuses_a_damaged_file),
		TEST(deletes_keys_that_a_power_cut_left_behind),
		TEST(sweeps_away_half_written_files_and_nothing_else),
		TEST(notes_no_more_keys_than_it_can_hold),
		TEST(forgets_key_certificate_and_owner_at_a_reset),
		TEST(finishes_a_reset_that_the_power_cut_short),
	};
	return cmocka_run_group_tests(tests, open_all, close_all);
}
