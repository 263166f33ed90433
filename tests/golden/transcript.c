/* SPDX-License-Identifier: BSD-2-Clause */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_set_rand_method: here and nowhere else */

#include "golden/transcript.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <cmocka.h>

#include "pki/cms.h"

#define SERIES "OpenSSL 3.0."
#define GOLDEN_MAX_BYTES ((size_t)256 << 10)

static uint64_t seed = 0x901de2;

static int
seeded_bytes(unsigned char *out, int n)
{
	for (int i = 0; i < n; i++) {
		seed ^= seed >> 12;
		seed ^= seed << 25;
		seed ^= seed >> 27;
		out[i] = (unsigned char)((seed * 2685821657736338717ULL) >> 56);
	}
	return 1;
}

static int
seeded_status(void)
{
	return 1;
}

static const RAND_METHOD seeded = {
	.bytes = seeded_bytes, .pseudorand = seeded_bytes, .status = seeded_status};

void
transcript_seed(void)
{
	if (strncmp(OpenSSL_version(OPENSSL_VERSION), SERIES, strlen(SERIES)) != 0) {
		print_message("SKIPPED: the transcript is of %sx\n", SERIES);
		skip();
	}
	assert_int_equal(RAND_set_rand_method(&seeded), 1);
}

void
transcript_add(struct transcript *transcript, const char *text)
{
	assert_int_equal(berth_buf_append_text(&transcript->text, text), BERTH_OK);
}

static void
add_hex(struct transcript *transcript, struct berth_bytes body)
{
	for (size_t i = 0; i < body.n; i += 32) {
		transcript_add(transcript, "    ");
		for (size_t k = i; k < body.n && k < i + 32; k++) {
			assert_int_equal(berth_buf_printf(&transcript->text, "%02x", body.p[k]),
					 BERTH_OK);
		}
		transcript_add(transcript, "\n");
	}
}

static void
add_text(struct transcript *transcript, struct berth_bytes body, const char *indent)
{
	transcript_add(transcript, indent);
	for (size_t i = 0; i < body.n; i++) {
		if (body.p[i] == '\n' && i + 1 < body.n) {
			transcript_add(transcript, "\n");
			transcript_add(transcript, indent);
		} else if (body.p[i] != '\n') {
			assert_int_equal(berth_buf_append_u8(&transcript->text, body.p[i]),
					 BERTH_OK);
		}
	}
	transcript_add(transcript, "\n");
}

static bool
is_text(struct berth_bytes body)
{
	for (size_t i = 0; i < body.n; i++) {
		if (body.p[i] != '\n' && (body.p[i] < 0x20 || body.p[i] > 0x7e)) {
			return false;
		}
	}
	return true;
}

void
transcript_listen(void *context, struct berth_mono at, uint32_t attempt, const char *what,
		  struct berth_bytes body)
{
	struct transcript *transcript = context;
	BERTH_CMS cms = {0};
	size_t n = strlen(what);
	while (n > 0 && what[n - 1] == ' ') {
		n--;
	}
	assert_int_equal(berth_buf_printf(&transcript->text, "%lld.%03lld [%u] %.*s\n",
					  (long long)(at.ms / 1000), (long long)(at.ms % 1000),
					  (unsigned)attempt, (int)n, what),
			 BERTH_OK);
	if (body.n == 0) {
		return;
	}
	if (is_text(body)) {
		add_text(transcript, body, "    ");
		return;
	}
	if (berth_cms_open(transcript->pki, body, NULL, &cms, NULL) == BERTH_OK) {
		add_text(transcript, berth_buf_view(&cms.content), "  # ");
	}
	add_hex(transcript, body);
}

static const char *
golden_path(const struct transcript *transcript)
{
	static char path[4096];
	const char *checkout = getenv("BERTH_CHECKOUT");
	(void)snprintf(path, sizeof(path), "%s/tests/golden/%s.txt", checkout ? checkout : ".",
		       transcript->name);
	return path;
}

static void
bless(const struct transcript *transcript)
{
	FILE *file = fopen(golden_path(transcript), "w");
	assert_non_null(file);
	assert_int_equal(fwrite(transcript->text.p, 1, transcript->text.n, file),
			 transcript->text.n);
	assert_int_equal(fclose(file), 0);
}

static void
compare(const struct transcript *transcript)
{
	static char golden[GOLDEN_MAX_BYTES];
	FILE *file = fopen(golden_path(transcript), "r");
	if (!file) {
		fail_msg("%s is not there", golden_path(transcript));
	}
	const size_t n = fread(golden, 1, sizeof(golden), file);
	(void)fclose(file);
	size_t line = 1;
	for (size_t i = 0; i < n && i < transcript->text.n; i++) {
		if ((uint8_t)golden[i] != transcript->text.p[i]) {
			fail_msg("differs from %s in line %zu; if that is meant, --bless",
				 golden_path(transcript), line);
		}
		line += golden[i] == '\n';
	}
	assert_int_equal(n, transcript->text.n);
}

void
transcript_end(struct transcript *transcript, bool blesses)
{
	if (blesses) {
		bless(transcript);
	}
	compare(transcript);
	berth_buf_free(&transcript->text);
}
