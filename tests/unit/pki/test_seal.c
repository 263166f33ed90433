/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pki/seal.h"

#define PASSPHRASE BERTH_LIT("correct horse battery")

/* A sealed file in memory. */
struct file {
	struct berth_buf bytes;
	size_t at;
};

static struct berth_pki *pki;

static enum berth_err
sink(void *context, struct berth_bytes bytes, struct berth_why *why)
{
	struct file *file = context;

	(void)why;
	return berth_buf_append_bytes(&file->bytes, bytes);
}

static enum berth_err
source(void *context, uint8_t *out, size_t n, size_t *ret_n, struct berth_why *why)
{
	struct file *file = context;
	size_t left = file->bytes.n - file->at;

	(void)why;
	*ret_n = n < left ? n : left;
	if (*ret_n > 0)
		memcpy(out, file->bytes.p + file->at, *ret_n);
	file->at += *ret_n;
	return BERTH_OK;
}

static uint8_t
byte_at(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

static void
seal_file(struct file *file, size_t n)
{
	struct berth_random random = berth_pki_random(pki);
	BERTH_CLEANUP(berth_seal_freep) struct berth_seal *seal = NULL;
	uint8_t piece[1000];
	struct berth_why why = {0};

	if (berth_seal_start(pki, PASSPHRASE, &random, sink, file, &seal, &why))
		fail_msg("%s", why.sentence);
	for (size_t at = 0; at < n;) {
		size_t take = n - at < sizeof(piece) ? n - at : sizeof(piece);
		for (size_t i = 0; i < take; i++)
			piece[i] = byte_at(at + i);
		assert_int_equal(berth_seal_write(seal, berth_bytes_of(piece, take), &why),
				 BERTH_OK);
		at += take;
	}
	assert_int_equal(berth_seal_finish(seal, &why), BERTH_OK);
}

/* Reads n bytes and the end. */
static enum berth_err
unseal_file(struct file *file, struct berth_bytes passphrase, size_t n, struct berth_why *why)
{
	BERTH_CLEANUP(berth_unseal_freep) struct berth_unseal *unseal = NULL;
	uint8_t byte;

	file->at = 0;
	enum berth_err err = berth_unseal_start(pki, passphrase, source, file, &unseal, why);
	for (size_t i = 0; i < n && !err; i++) {
		err = berth_unseal_read(unseal, &byte, 1, why);
		if (!err)
			assert_int_equal(byte, byte_at(i));
	}
	return err ? err : berth_unseal_end(unseal, why);
}

static void
reads_what_was_sealed(void **state)
{
	static const size_t sizes[] = {0, 1, 65536, 200000};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct file file = {0};
		struct berth_why why = {0};
		seal_file(&file, sizes[i]);
		if (unseal_file(&file, PASSPHRASE, sizes[i], &why))
			fail_msg("%zu bytes: %s", sizes[i], why.sentence);
		berth_buf_free(&file.bytes);
	}
}

static void
refuses_another_passphrase(void **state)
{
	struct file file = {0};
	struct berth_why why = {0};

	(void)state;
	seal_file(&file, 100);
	assert_int_equal(unseal_file(&file, BERTH_LIT("correct horse batterz"), 100, &why),
			 BERTH_E_DENIED);
	assert_string_equal(why.rule, "seal-passphrase");
	berth_buf_free(&file.bytes);
}

static void
refuses_a_short_passphrase(void **state)
{
	struct file file = {0};
	struct berth_why why = {0};
	struct berth_random random = berth_pki_random(pki);
	struct berth_seal *seal = NULL;

	(void)state;
	assert_int_equal(
		berth_seal_start(pki, BERTH_LIT("hello world"), &random, sink, &file, &seal, &why),
		BERTH_E_USAGE);
	assert_int_equal(file.bytes.n, 0);
}

static void
refuses_every_flipped_bit_and_every_cut(void **state)
{
	struct file file = {0};
	struct berth_why why = {0};
	const size_t n = 70000;

	(void)state;
	seal_file(&file, n);
	/* of the head, of the first chunk, of the next chunks' lengths, contents and tags */
	const size_t places[] = {0, 20, 40, 60, 5000, 65599, 65620, file.bytes.n - 1};
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		file.bytes.p[places[i]] ^= 1;
		assert_int_not_equal(unseal_file(&file, PASSPHRASE, n, &why), BERTH_OK);
		file.bytes.p[places[i]] ^= 1;
	}
	const size_t whole = file.bytes.n;
	const size_t cuts[] = {10, 39, 60, 1000, 65616, whole - 1};
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		file.bytes.n = cuts[i];
		assert_int_not_equal(unseal_file(&file, PASSPHRASE, n, &why), BERTH_OK);
	}
	file.bytes.n = whole;
	assert_int_equal(unseal_file(&file, PASSPHRASE, n, &why), BERTH_OK);
	berth_buf_free(&file.bytes);
}

/* Head 39, first chunk 20, then a whole chunk of 65556 bytes: the cut is where a chunk ends. */
static void
refuses_a_cut_between_two_chunks(void **state)
{
	struct file file = {0};
	struct berth_why why = {0};

	(void)state;
	seal_file(&file, 65536 + 10);
	file.bytes.n = 39 + 20 + 65556;
	assert_int_equal(unseal_file(&file, PASSPHRASE, 65536, &why), BERTH_E_SIGNATURE);
	assert_string_equal(why.rule, "seal-cut");
	berth_buf_free(&file.bytes);
}

static void
refuses_what_follows_the_end(void **state)
{
	struct file file = {0};
	struct berth_why why = {0};

	(void)state;
	seal_file(&file, 10);
	assert_int_equal(berth_buf_append_u8(&file.bytes, 0), BERTH_OK);
	assert_int_equal(unseal_file(&file, PASSPHRASE, 10, &why), BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "seal-trailing");
	berth_buf_free(&file.bytes);
}

static void
refuses_a_head_that_costs_too_much(void **state)
{
	struct berth_seal_head head;
	struct berth_why why = {0};
	uint8_t bytes[BERTH_SEAL_HEAD_BYTES] = "berth-seal-1\n\x10\x08\x01";

	(void)state;
	assert_int_equal(berth_seal_head_parse(berth_bytes_of(bytes, sizeof(bytes)), &head, &why),
			 BERTH_OK);
	bytes[13] = 30;
	assert_int_equal(berth_seal_head_parse(berth_bytes_of(bytes, sizeof(bytes)), &head, &why),
			 BERTH_E_LIMIT);
	bytes[13] = 4;
	assert_int_equal(berth_seal_head_parse(berth_bytes_of(bytes, sizeof(bytes)), &head, &why),
			 BERTH_E_LIMIT);
}

static int
open_pki(void **state)
{
	(void)state;
	return berth_pki_open(&pki, NULL);
}

static int
close_pki(void **state)
{
	(void)state;
	berth_pki_close(pki);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_was_sealed),
		cmocka_unit_test(refuses_another_passphrase),
		cmocka_unit_test(refuses_a_short_passphrase),
		cmocka_unit_test(refuses_every_flipped_bit_and_every_cut),
		cmocka_unit_test(refuses_a_cut_between_two_chunks),
		cmocka_unit_test(refuses_what_follows_the_end),
		cmocka_unit_test(refuses_a_head_that_costs_too_much),
	};
	return cmocka_run_group_tests(tests, open_pki, close_pki);
}
