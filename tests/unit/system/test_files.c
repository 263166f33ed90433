/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "system/files.h"

struct folder {
	char path[64];
	char file[128];
};

static int
setup(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));
	assert_non_null(folder);
	strcpy(folder->path, "/tmp/berth-files-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	(void)snprintf(folder->file, sizeof(folder->file), "%s/file", folder->path);
	*state = folder;
	return 0;
}

static int
teardown(void **state)
{
	struct folder *folder = *state;
	(void)unlink(folder->file);
	int rc = rmdir(folder->path); /* fails when something else was left */
	free(folder);
	return rc;
}

static void
writes_whole_and_reads_back(void **state)
{
	const struct folder *folder = *state;
	BERTH_BUF got = {0};
	struct stat st;
	assert_int_equal(berth_file_write(folder->file, BERTH_LIT("one"), 0600, NULL), BERTH_OK);
	assert_int_equal(berth_file_write(folder->file, BERTH_LIT("second"), 0640, NULL), BERTH_OK);
	assert_int_equal(berth_file_read(folder->file, 6, &got, NULL), BERTH_OK);
	assert_true(berth_bytes_equal_text(berth_buf_view(&got), "second"));
	assert_int_equal(stat(folder->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void
refuses_a_file_larger_than_its_limit(void **state)
{
	const struct folder *folder = *state;
	BERTH_BUF got = {0};
	struct berth_why why;
	assert_int_equal(berth_file_write(folder->file, BERTH_LIT("seven.."), 0600, NULL),
			 BERTH_OK);
	assert_int_equal(berth_file_read(folder->file, 6, &got, &why), BERTH_E_LIMIT);
	assert_string_equal(why.rule, "file-too-large");
}

static void
refuses_a_private_file_that_others_can_read(void **state)
{
	const struct folder *folder = *state;
	BERTH_BUF got = {0};
	struct berth_why why;
	assert_int_equal(berth_file_write(folder->file, BERTH_LIT("x"), 0600, NULL), BERTH_OK);
	assert_int_equal(berth_file_read_private(folder->file, 9, &got, &why), BERTH_OK);
	assert_int_equal(chmod(folder->file, 0640), 0);
	assert_int_equal(berth_file_read_private(folder->file, 9, &got, &why), BERTH_E_DENIED);
	assert_string_equal(why.rule, "file-mode");
}

static void
says_that_a_file_is_not_there(void **state)
{
	const struct folder *folder = *state;
	BERTH_BUF got = {0};
	struct berth_why why;
	assert_int_equal(berth_file_read(folder->file, 9, &got, &why), BERTH_E_NOT_FOUND);
	assert_int_equal(berth_file_read(folder->path, 9, &got, &why), BERTH_E_USAGE);
	assert_int_equal(berth_file_remove(folder->file, &why), BERTH_OK);
}

static void
leaves_nothing_when_it_cannot_write(void **state)
{
	const struct folder *folder = *state;
	char path[256];
	struct berth_why why;
	(void)snprintf(path, sizeof(path), "%s/no/such/folder", folder->path);
	assert_int_equal(berth_file_write(path, BERTH_LIT("x"), 0600, &why), BERTH_E_NOT_FOUND);
	assert_int_equal(mkdir(folder->file, 0700), 0); /* a folder cannot be replaced by a file */
	assert_int_not_equal(berth_file_write(folder->file, BERTH_LIT("x"), 0600, &why), BERTH_OK);
	assert_int_equal(rmdir(folder->file), 0);
}

static void
one_holds_the_lock(void **state)
{
	const struct folder *folder = *state;
	struct berth_why why;
	int first = -1, second = -1;
	assert_int_equal(berth_file_lock(folder->file, &first, &why), BERTH_OK);
	assert_int_equal(berth_file_lock(folder->file, &second, &why), BERTH_E_EXISTS);
	berth_fd_close(&first);
	assert_int_equal(berth_file_lock(folder->file, &second, &why), BERTH_OK);
	berth_fd_close(&second);
}

static void
lists_names_in_order(void **state)
{
	const struct folder *folder = *state;
	static const char *const made[] = {"b.conf", "a.conf", ".c.conf", "d.txt", ".conf"};
	char path[256];
	char **names;
	size_t n;
	for (size_t i = 0; i < 5; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder->path, made[i]);
		assert_int_equal(berth_file_write(path, BERTH_LIT(""), 0600, NULL), BERTH_OK);
	}
	assert_int_equal(berth_folder_names(folder->path, ".conf", 10, &names, &n, NULL), BERTH_OK);
	assert_int_equal(n, 2);
	assert_string_equal(names[0], "a.conf");
	assert_string_equal(names[1], "b.conf");
	berth_folder_names_free(names, n);
	assert_int_equal(berth_folder_names(folder->path, ".conf", 1, &names, &n, NULL),
			 BERTH_E_LIMIT);
	for (size_t i = 0; i < 5; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder->path, made[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(berth_folder_names("/no/such", ".conf", 1, &names, &n, NULL), BERTH_OK);
	assert_int_equal(n, 0);
	berth_folder_names_free(names, n);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(writes_whole_and_reads_back),
		TEST(refuses_a_file_larger_than_its_limit),
		TEST(refuses_a_private_file_that_others_can_read),
		TEST(says_that_a_file_is_not_there),
		TEST(leaves_nothing_when_it_cannot_write),
		TEST(one_holds_the_lock),
		TEST(lists_names_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
