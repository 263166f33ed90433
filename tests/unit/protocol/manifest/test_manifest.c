/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/manifest/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "pki/issue.h"
#include "pki/keystore/keystore.h"

#define NOW ((struct berth_wall){1790000000})
#define YEAR_S ((int64_t)365 * 86400)

struct party {
	struct berth_key *key;
	struct berth_cert *cert;
};

/* Two manufacturers: Acme, whose manifests are under test, and another one. */
struct world {
	struct berth_pki *pki;
	char folder[64];
	unsigned keys;
	struct party root, device_ca, signer, device, other_root, other_ca;
	struct berth_cert_list anchors, others;
	struct berth_arena arena;
	struct berth_manifest_unit units[3];
	struct berth_manifest manifest;
};

static void
make_party(struct world *w, struct party *ret, enum berth_cert_profile profile, const char *name,
	   const char *unit, const struct party *above)
{
	char uri[96];
	BERTH_BUF der = {0};
	struct berth_why why = {0};
	snprintf(uri, sizeof(uri), "file:%s/%u.key", w->folder, w->keys++);
	assert_int_equal(berth_keystore_generate(w->pki, uri, "P-256", &ret->key, &why), BERTH_OK);
	bool is_device = profile == BERTH_PROFILE_IDEVID;
	const struct berth_cert_template fields = {
		.profile = profile,
		.serial = {0x40, (uint8_t)w->keys},
		.not_before = {NOW.s - YEAR_S},
		.not_after = {NOW.s + YEAR_S},
		.common_name = is_device ? BERTH_BYTES_NONE : berth_text(name),
		.serial_number = is_device ? berth_text(name) : BERTH_BYTES_NONE,
		.organization = BERTH_LIT("Acme"),
		.unit = berth_text(unit),
		.key = ret->key,
	};
	assert_int_equal(berth_issue(w->pki, &fields, above ? above->cert : NULL,
				     above ? above->key : ret->key, &der, &why),
			 BERTH_OK);
	assert_int_equal(berth_cert_parse(w->pki, berth_buf_view(&der), &ret->cert, &why),
			 BERTH_OK);
}

static void
describe_units(struct world *w)
{
	static const char *const serials[] = {"CAM-1", "CAM-2", "CAM-3"};
	for (size_t i = 0; i < 3; i++) {
		w->units[i] = (struct berth_manifest_unit){
			.identity = {berth_cert_ski(w->device_ca.cert), berth_text(serials[i])},
			.model = BERTH_LIT("cam \"one\" \xc3\xa9"),
			.storage = BERTH_LIT("file"),
			.masa_url = BERTH_LIT("masa.acme.example"),
		};
		memset(w->units[i].key_sha256, (int)i + 1, BERTH_SHA256_BYTES);
	}
	w->units[2].mud_url = BERTH_LIT("https://mud.example/cam.json");
	w->manifest = (struct berth_manifest){
		.kind = BERTH_MANIFEST_SALE,
		.manufacturer = BERTH_LIT("Acme"),
		.batch = BERTH_LIT("00ff"),
		.created = NOW,
		.has_owner = true,
		.owner = {.name = BERTH_LIT("Home"),
			  .domain_id = BERTH_LIT("\x01\x02\x03"),
			  .reference = BERTH_LIT("order 7")},
		.units = w->units,
		.unit_count = 3,
	};
}

static int
start(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct berth_why why = {0};
	assert_non_null(w);
	snprintf(w->folder, sizeof(w->folder), "/tmp/berth-manifest-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	assert_int_equal(berth_pki_open(&w->pki, &why), BERTH_OK);
	make_party(w, &w->root, BERTH_PROFILE_ROOT_CA, "Acme Root", NULL, NULL);
	make_party(w, &w->device_ca, BERTH_PROFILE_ISSUING_CA, "Acme Devices", NULL, &w->root);
	make_party(w, &w->signer, BERTH_PROFILE_MANIFEST_SIGNER, "Signer",
		   BERTH_MANIFEST_SIGNER_UNIT, &w->root);
	make_party(w, &w->device, BERTH_PROFILE_IDEVID, "CAM-1", NULL, &w->device_ca);
	make_party(w, &w->other_root, BERTH_PROFILE_ROOT_CA, "Other Root", NULL, NULL);
	make_party(w, &w->other_ca, BERTH_PROFILE_ISSUING_CA, "Other Devices", NULL,
		   &w->other_root);
	assert_int_equal(berth_cert_list_add(&w->anchors, w->root.cert, &why), BERTH_OK);
	assert_int_equal(berth_cert_list_add(&w->others, w->device_ca.cert, &why), BERTH_OK);
	berth_arena_start(&w->arena, BERTH_MANIFEST_ARENA_BYTES);
	describe_units(w);
	*state = w;
	return 0;
}

static int
end(void **state)
{
	struct world *w = *state;
	struct party *parties[] = {&w->root,   &w->device_ca,  &w->signer,
				   &w->device, &w->other_root, &w->other_ca};
	for (size_t i = 0; i < sizeof(parties) / sizeof(parties[0]); i++) {
		berth_key_free(parties[i]->key);
		berth_cert_free(parties[i]->cert);
	}
	for (unsigned i = 0; i < w->keys; i++) {
		char path[96];
		snprintf(path, sizeof(path), "%s/%u.key", w->folder, i);
		unlink(path);
	}
	berth_cert_list_free(&w->anchors);
	berth_cert_list_free(&w->others);
	berth_arena_end(&w->arena);
	berth_pki_close(w->pki);
	rmdir(w->folder);
	free(w);
	return 0;
}

static void
encode(const struct world *w, struct berth_buf *file)
{
	struct berth_why why = {0};
	assert_int_equal(berth_manifest_encode(&w->manifest, file, &why), BERTH_OK);
}

static void
sign_as(const struct world *w, const struct party *by, struct berth_buf *file)
{
	struct berth_why why = {0};
	const struct berth_manifest_signer signer = {by->key, by->cert, &w->others, NOW};
	assert_int_equal(berth_manifest_sign(w->pki, &signer, file, &why), BERTH_OK);
}

static void
assert_opens(struct world *w, const struct berth_buf *file, struct berth_manifest *ret)
{
	struct berth_why why = {0};
	const struct berth_manifest_trust trust = {&w->anchors, NOW};
	assert_int_equal(
		berth_manifest_open(w->pki, berth_buf_view(file), &trust, &w->arena, ret, &why),
		BERTH_OK);
}

static void
assert_refused_at(struct world *w, const struct berth_buf *file, struct berth_wall at,
		  const char *rule)
{
	struct berth_why why = {0};
	struct berth_manifest m;
	const struct berth_manifest_trust trust = {&w->anchors, at};
	assert_int_not_equal(
		berth_manifest_open(w->pki, berth_buf_view(file), &trust, &w->arena, &m, &why),
		BERTH_OK);
	if (rule)
		assert_string_equal(why.rule, rule);
	assert_true(why.sentence[0]);
}

static void
assert_refused(struct world *w, const struct berth_buf *file, const char *rule)
{
	assert_refused_at(w, file, NOW, rule);
}

/* Replaces the first occurrence of one text by another of the same length. */
static void
tamper(struct berth_buf *file, const char *from, const char *to)
{
	size_t n = strlen(from);
	assert_int_equal(n, strlen(to));
	for (size_t at = 0; at + n <= file->n; at++) {
		if (memcmp(file->p + at, from, n) == 0) {
			memcpy(file->p + at, to, n);
			return;
		}
	}
	fail_msg("%s does not occur", from);
}

static void
opens_what_it_signed(void **state)
{
	struct world *w = *state;
	BERTH_BUF file = {0};
	BERTH_BUF again = {0};
	struct berth_manifest m;
	struct berth_why why = {0};
	encode(w, &file);
	size_t lines = file.n;
	sign_as(w, &w->signer, &file);
	assert_opens(w, &file, &m);
	assert_int_equal(m.unit_count, 3);
	assert_int_equal(m.kind, BERTH_MANIFEST_SALE);
	assert_true(m.has_owner);
	assert_true(berth_bytes_equal(m.owner.domain_id, w->manifest.owner.domain_id));
	assert_true(berth_device_identity_equal(&m.units[2].identity, &w->units[2].identity));
	assert_memory_equal(m.units[1].key_sha256, w->units[1].key_sha256, BERTH_SHA256_BYTES);
	/* parse(encode(x)) == x, shown by encoding again */
	assert_int_equal(berth_manifest_encode(&m, &again, &why), BERTH_OK);
	assert_int_equal(again.n, lines);
	assert_memory_equal(again.p, file.p, lines);
}

static void
refuses_the_smallest_change_of_a_line(void **state)
{
	static const char *const changes[][2] = {
		{"CAM-2", "CAM-9"},
		{"\"Home\"", "\"Hone\""},
		{"\"units\":3", "\"units\":2"},
		{"masa.acme", "masa.acne"},
	};
	struct world *w = *state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		BERTH_BUF file = {0};
		encode(w, &file);
		sign_as(w, &w->signer, &file);
		tamper(&file, changes[i][0], changes[i][1]);
		assert_refused(w, &file, "manifest-altered");
	}
}

static void
refuses_a_broken_signature(void **state)
{
	struct world *w = *state;
	BERTH_BUF file = {0};
	encode(w, &file);
	size_t lines = file.n;
	sign_as(w, &w->signer, &file);
	/* the last bytes of the CMS are the signature value's */
	size_t at = file.n - sizeof("\"}\n") + 1 - 6;
	file.p[at] = file.p[at] == 'A' ? 'B' : 'A';
	assert_refused(w, &file, NULL);
	file.n = lines;
	assert_refused(w, &file, NULL);
	file.n = 0;
	assert_refused(w, &file, "manifest-cut");
}

static void
refuses_the_wrong_anchor(void **state)
{
	struct world *w = *state;
	BERTH_BUF file = {0};
	struct berth_why why = {0};
	encode(w, &file);
	sign_as(w, &w->signer, &file);
	BERTH_CERT_LIST kept = w->anchors;
	w->anchors = (struct berth_cert_list){0};
	assert_int_equal(berth_cert_list_add(&w->anchors, w->other_root.cert, &why), BERTH_OK);
	assert_refused(w, &file, NULL);
	berth_cert_list_free(&w->anchors);
	w->anchors = kept;
	kept = (struct berth_cert_list){0};
	struct berth_manifest m;
	assert_opens(w, &file, &m);
}

static void
refuses_a_device_as_signer(void **state)
{
	struct world *w = *state;
	BERTH_BUF file = {0};
	encode(w, &file);
	sign_as(w, &w->device, &file);
	assert_refused(w, &file, "manifest-signer-role");
}

static void
refuses_a_signer_out_of_its_time(void **state)
{
	struct world *w = *state;
	BERTH_BUF file = {0};
	encode(w, &file);
	sign_as(w, &w->signer, &file);
	assert_refused_at(w, &file, (struct berth_wall){NOW.s + 2 * YEAR_S}, NULL);
}

static void
refuses_units_of_another_manufacturer(void **state)
{
	struct world *w = *state;
	BERTH_BUF file = {0};
	struct berth_why why = {0};
	w->units[1].identity.manufacturer_key = berth_cert_ski(w->other_ca.cert);
	encode(w, &file);
	sign_as(w, &w->signer, &file);
	assert_refused(w, &file, "manifest-foreign-issuer");
	/* also when the signer brings that authority along */
	assert_int_equal(berth_cert_list_add(&w->others, w->other_ca.cert, &why), BERTH_OK);
	berth_buf_clear(&file);
	encode(w, &file);
	sign_as(w, &w->signer, &file);
	assert_refused(w, &file, NULL);
}

static void
refuses_a_serial_number_twice(void **state)
{
	struct world *w = *state;
	BERTH_BUF file = {0};
	struct berth_why why = {0};
	struct berth_manifest m;
	encode(w, &file);
	tamper(&file, "CAM-3", "CAM-1");
	sign_as(w, &w->signer, &file);
	assert_refused(w, &file, "manifest-duplicate-serial");
	w->units[2].identity.serial_number = w->units[0].identity.serial_number;
	berth_buf_clear(&file);
	assert_int_equal(berth_manifest_encode(&w->manifest, &file, &why), BERTH_E_EXISTS);
	/* the same serial number of another authority is another unit */
	w->units[2].identity.manufacturer_key = berth_cert_ski(w->root.cert);
	berth_buf_clear(&file);
	encode(w, &file);
	sign_as(w, &w->signer, &file);
	assert_opens(w, &file, &m);
}

static void
refuses_lines_that_the_header_does_not_announce(void **state)
{
	struct world *w = *state;
	static const char *const counts[] = {"\"units\":2", "\"units\":4", "\"units\":9"};
	for (size_t i = 0; i < 3; i++) {
		BERTH_BUF file = {0};
		encode(w, &file);
		tamper(&file, "\"units\":3", counts[i]);
		sign_as(w, &w->signer, &file);
		assert_refused(w, &file, "manifest-unit-count");
	}
}

static void
refuses_what_it_does_not_know(void **state)
{
	static const struct {
		const char *from, *to, *rule;
	} changes[] = {
		{"\"berth-manifest\":1", "\"berth-manifest\":2", "manifest-version"},
		{"\"kind\":\"sale\"", "\"kind\":\"gift\"", "manifest-kind"},
		{"\"batch\"", "\"botch\"", "json-unknown-member"},
		{"\"storage\"", "\"stowage\"", "json-unknown-member"},
		{"\"mud-url\"", "\"storage\"", NULL},
		{"2026-09", "2026-19", NULL},
		{"010203", "01020g", NULL},
	};
	struct world *w = *state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		BERTH_BUF file = {0};
		encode(w, &file);
		tamper(&file, changes[i].from, changes[i].to);
		sign_as(w, &w->signer, &file);
		assert_refused(w, &file, changes[i].rule);
	}
}

static void
refuses_what_is_too_large(void **state)
{
	struct world *w = *state;
	struct berth_why why = {0};
	struct berth_manifest m;
	BERTH_BUF file = {0};
	static char text[BERTH_MANIFEST_TEXT_MAX + 2];
	memset(text, 'x', sizeof(text) - 1);
	w->units[1].model = berth_text(text);
	assert_int_equal(berth_manifest_encode(&w->manifest, &file, &why), BERTH_E_LIMIT);
	w->units[1].model.n--;
	encode(w, &file);
	sign_as(w, &w->signer, &file);
	assert_opens(w, &file, &m);
	struct berth_bytes oversize = {file.p, BERTH_MANIFEST_MAX_BYTES + 1};
	/* judged by its length before a byte is read */
	assert_int_equal(berth_manifest_parse(oversize, &w->arena, &m, NULL, NULL, &why),
			 BERTH_E_LIMIT);
	assert_string_equal(why.rule, "manifest-size");
	BERTH_ARENA small;
	berth_arena_start(&small, 64);
	assert_int_equal(berth_manifest_parse(berth_buf_view(&file), &small, &m, NULL, NULL, &why),
			 BERTH_E_LIMIT);
}

static void
refuses_a_sale_to_nobody(void **state)
{
	struct world *w = *state;
	struct berth_why why = {0};
	BERTH_BUF file = {0};
	w->manifest.has_owner = false;
	assert_int_equal(berth_manifest_encode(&w->manifest, &file, &why), BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "manifest-sale-without-owner");
	w->manifest.kind = BERTH_MANIFEST_PURCHASE;
	encode(w, &file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opens_what_it_signed),
		TEST(refuses_the_smallest_change_of_a_line),
		TEST(refuses_a_broken_signature),
		TEST(refuses_the_wrong_anchor),
		TEST(refuses_a_device_as_signer),
		TEST(refuses_a_signer_out_of_its_time),
		TEST(refuses_units_of_another_manufacturer),
		TEST(refuses_a_serial_number_twice),
		TEST(refuses_lines_that_the_header_does_not_announce),
		TEST(refuses_what_it_does_not_know),
		TEST(refuses_what_is_too_large),
		TEST(refuses_a_sale_to_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
