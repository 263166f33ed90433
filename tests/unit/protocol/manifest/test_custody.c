/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/manifest/custody.h"

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
#define UNITS 3

enum who { INTEGRATOR, RESELLER, OWNER, STRANGER, WHO_COUNT };

struct party {
	struct berth_key *key;
	struct berth_cert *cert;
	struct berth_manifest_holder holder;
};

/* Acme sells three units to an integrator; through a reseller they go to an owner. */
struct world {
	struct berth_pki *pki;
	char folder[64];
	unsigned keys;
	struct party root, device_ca, signer, other_root, who[WHO_COUNT];
	struct berth_cert_list anchors, others;
	struct berth_arena arena;
	struct berth_manifest_unit units[UNITS];
	struct berth_buf sale, first, second;
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
	const struct berth_cert_template fields = {
		.profile = profile,
		.serial = {0x40, (uint8_t)w->keys},
		.not_before = {NOW.s - YEAR_S},
		.not_after = {NOW.s + YEAR_S},
		.common_name = berth_text(name),
		.organization = BERTH_LIT("Acme"),
		.unit = berth_text(unit),
		.key = ret->key,
	};
	assert_int_equal(berth_issue(w->pki, &fields, above ? above->cert : NULL,
				     above ? above->key : ret->key, &der, &why),
			 BERTH_OK);
	assert_int_equal(berth_cert_parse(w->pki, berth_buf_view(&der), &ret->cert, &why),
			 BERTH_OK);
	ret->holder.name = berth_text(name);
	assert_int_equal(berth_sha256(w->pki, berth_key_spki(ret->key), ret->holder.key_sha256),
			 BERTH_OK);
}

static void
free_party(struct party *party)
{
	berth_key_free(party->key);
	berth_cert_free(party->cert);
}

static void
sign(const struct world *w, const struct berth_manifest *m, const struct party *by,
     struct berth_buf *ret)
{
	struct berth_why why = {0};
	const struct berth_manifest_signer signer = {by->key, by->cert,
						     by == &w->signer ? &w->others : NULL, NOW};
	assert_int_equal(berth_manifest_encode(m, ret, &why), BERTH_OK);
	assert_int_equal(berth_manifest_sign(w->pki, &signer, ret, &why), BERTH_OK);
}

static struct berth_manifest
sale_to(const struct world *w, const struct party *to)
{
	return (struct berth_manifest){
		.kind = BERTH_MANIFEST_SALE,
		.manufacturer = BERTH_LIT("Acme"),
		.batch = BERTH_LIT("sale"),
		.created = NOW,
		.has_holder = true,
		.holder = to->holder,
		.units = w->units,
		.unit_count = UNITS,
	};
}

/* All units of the file before, an hour later. */
static struct berth_manifest
transfer(const struct world *w, const struct berth_buf *before, enum who from, enum who to)
{
	static const char *const batches[] = {"t-integrator", "t-reseller", "t-owner",
					      "t-stranger"};
	struct berth_manifest m = {
		.kind = BERTH_MANIFEST_TRANSFER,
		.batch = berth_text(batches[from]),
		.created = {NOW.s + 3600 * (1 + (int64_t)from)},
		.from = w->who[from].holder,
		.has_owner = to == OWNER,
		.has_holder = to != OWNER,
		.holder = w->who[to].holder,
		.owner = {.name = w->who[to].holder.name, .domain_id = BERTH_LIT("\x01\x02")},
		.units = w->units,
		.unit_count = UNITS,
	};
	memcpy(m.owner.key_sha256, m.holder.key_sha256, BERTH_SHA256_BYTES);
	assert_int_equal(berth_sha256(w->pki, berth_buf_view(before), m.previous_sha256), BERTH_OK);
	return m;
}

static void
make_chain(struct world *w)
{
	const struct berth_manifest sale = sale_to(w, &w->who[INTEGRATOR]);
	sign(w, &sale, &w->signer, &w->sale);
	const struct berth_manifest first = transfer(w, &w->sale, INTEGRATOR, RESELLER);
	sign(w, &first, &w->who[INTEGRATOR], &w->first);
	const struct berth_manifest second = transfer(w, &w->first, RESELLER, OWNER);
	sign(w, &second, &w->who[RESELLER], &w->second);
}

static int
start(void **state)
{
	static const char *const serials[] = {"CAM-1", "CAM-2", "CAM-3"};
	static const char *const names[] = {"Integrator", "Reseller", "Home", "Stranger"};
	struct world *w = calloc(1, sizeof(*w));
	struct berth_why why = {0};
	assert_non_null(w);
	snprintf(w->folder, sizeof(w->folder), "/tmp/berth-custody-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	assert_int_equal(berth_pki_open(&w->pki, &why), BERTH_OK);
	make_party(w, &w->root, BERTH_PROFILE_ROOT_CA, "Acme Root", NULL, NULL);
	make_party(w, &w->device_ca, BERTH_PROFILE_ISSUING_CA, "Acme Devices", NULL, &w->root);
	make_party(w, &w->signer, BERTH_PROFILE_MANIFEST_SIGNER, "Signer",
		   BERTH_MANIFEST_SIGNER_UNIT, &w->root);
	make_party(w, &w->other_root, BERTH_PROFILE_ROOT_CA, "Other Root", NULL, NULL);
	for (size_t i = 0; i < WHO_COUNT; i++)
		make_party(w, &w->who[i], BERTH_PROFILE_MANIFEST_SIGNER, names[i], "trade",
			   &w->other_root);
	assert_int_equal(berth_cert_list_add(&w->anchors, w->root.cert, &why), BERTH_OK);
	assert_int_equal(berth_cert_list_add(&w->others, w->device_ca.cert, &why), BERTH_OK);
	berth_arena_start(&w->arena, BERTH_MANIFEST_ARENA_BYTES);
	for (size_t i = 0; i < UNITS; i++)
		w->units[i] = (struct berth_manifest_unit){
			.identity = {berth_cert_ski(w->device_ca.cert), berth_text(serials[i])},
			.storage = BERTH_LIT("file"),
			.masa_url = BERTH_LIT("masa.acme.example"),
		};
	make_chain(w);
	*state = w;
	return 0;
}

static int
end(void **state)
{
	struct world *w = *state;
	free_party(&w->root);
	free_party(&w->device_ca);
	free_party(&w->signer);
	free_party(&w->other_root);
	for (size_t i = 0; i < WHO_COUNT; i++)
		free_party(&w->who[i]);
	for (unsigned i = 0; i < w->keys; i++) {
		char path[96];
		snprintf(path, sizeof(path), "%s/%u.key", w->folder, i);
		unlink(path);
	}
	berth_cert_list_free(&w->anchors);
	berth_cert_list_free(&w->others);
	berth_buf_free(&w->sale);
	berth_buf_free(&w->first);
	berth_buf_free(&w->second);
	berth_arena_end(&w->arena);
	berth_pki_close(w->pki);
	rmdir(w->folder);
	free(w);
	return 0;
}

static enum berth_err
judge(struct world *w, const struct berth_buf *const *files, size_t n, struct berth_custody *ret,
      struct berth_why *why)
{
	BERTH_BUF all = {0};
	const struct berth_manifest_trust trust = {&w->anchors, NOW};
	for (size_t i = 0; i < n; i++)
		assert_int_equal(berth_buf_append_bytes(&all, berth_buf_view(files[i])), BERTH_OK);
	return berth_custody_open(w->pki, berth_buf_view(&all), &trust, &w->arena, ret, why);
}

static void
assert_judged(struct world *w, const struct berth_buf *const *files, size_t n, const char *rule)
{
	struct berth_custody custody;
	struct berth_why why = {0};
	enum berth_err err = judge(w, files, n, &custody, &why);
	if (!rule) {
		assert_int_equal(err, BERTH_OK);
		return;
	}
	assert_int_not_equal(err, BERTH_OK);
	assert_string_equal(why.rule, rule);
	assert_true(why.sentence[0]);
}

#define JUDGED(w, rule, ...)                                                                       \
	do {                                                                                       \
		const struct berth_buf *const given[] = {__VA_ARGS__};                             \
		assert_judged(w, given, sizeof(given) / sizeof(given[0]), rule);                   \
	} while (0)

/* ---- the chain ---- */

static void
follows_units_to_their_owner_in_any_order(void **state)
{
	struct world *w = *state;
	struct berth_why why = {0};
	struct berth_custody custody;
	const struct berth_custody_link *chain[BERTH_CUSTODY_DEPTH_MAX];
	const struct berth_buf *const orders[][3] = {{&w->sale, &w->first, &w->second},
						     {&w->second, &w->first, &w->sale},
						     {&w->first, &w->second, &w->sale}};
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(judge(w, orders[i], 3, &custody, &why), BERTH_OK);
		assert_int_equal(custody.unit_count, UNITS);
		for (size_t k = 0; k < UNITS; k++) {
			assert_int_equal(berth_custody_chain(&custody.units[k], chain), 3);
			assert_true(chain[2]->manifest.has_owner);
			assert_ptr_equal(chain[2]->before, chain[1]);
			assert_int_equal(chain[0]->manifest.kind, BERTH_MANIFEST_SALE);
		}
	}
}

static void
hands_on_some_units_only(void **state)
{
	struct world *w = *state;
	struct berth_why why = {0};
	struct berth_custody custody;
	BERTH_BUF part = {0};
	struct berth_manifest m = transfer(w, &w->first, RESELLER, OWNER);
	m.unit_count = 1;
	sign(w, &m, &w->who[RESELLER], &part);
	const struct berth_buf *const files[] = {&w->sale, &w->first, &part};
	assert_int_equal(judge(w, files, 3, &custody, &why), BERTH_OK);
	assert_true(custody.units[0].last->manifest.has_owner);
	assert_false(custody.units[1].last->manifest.has_owner);
	/* The others may go elsewhere: that is no fork. */
	BERTH_BUF rest = {0};
	m = transfer(w, &w->first, RESELLER, STRANGER);
	m.units = w->units + 1;
	m.unit_count = 2;
	sign(w, &m, &w->who[RESELLER], &rest);
	JUDGED(w, NULL, &w->sale, &w->first, &part, &rest);
}

static void
takes_what_was_made_beside_what_was_sold(void **state)
{
	struct world *w = *state;
	BERTH_BUF purchase = {0};
	struct berth_manifest m = sale_to(w, &w->who[INTEGRATOR]);
	m.kind = BERTH_MANIFEST_PURCHASE;
	m.has_holder = false;
	sign(w, &m, &w->signer, &purchase);
	JUDGED(w, NULL, &purchase, &w->sale, &w->first, &w->second);
	JUDGED(w, NULL, &purchase);
	/* Who only made a unit known has given it to nobody. */
	BERTH_BUF taken = {0};
	m = transfer(w, &purchase, INTEGRATOR, OWNER);
	sign(w, &m, &w->who[INTEGRATOR], &taken);
	JUDGED(w, "custody-holder", &purchase, &taken);
}

/* ---- refusals ---- */

static void
refuses_a_changed_link(void **state)
{
	struct world *w = *state;
	w->second.p[w->second.n / 4] ^= 1;
	JUDGED(w, "manifest-altered", &w->sale, &w->first, &w->second);
	w->second.p[w->second.n / 4] ^= 1;
	JUDGED(w, NULL, &w->sale, &w->first, &w->second);
}

/* req: custody-signer */
static void
refuses_a_signer_who_does_not_have_the_units(void **state)
{
	struct world *w = *state;
	BERTH_BUF forged = {0};
	BERTH_BUF stolen = {0};
	struct berth_manifest m = transfer(w, &w->first, RESELLER, OWNER);
	sign(w, &m, &w->who[STRANGER], &forged);
	JUDGED(w, "custody-holder", &w->sale, &w->first, &forged);
	m.from = w->who[STRANGER].holder;
	sign(w, &m, &w->who[STRANGER], &stolen);
	JUDGED(w, "custody-holder", &w->sale, &w->first, &stolen);
	JUDGED(w, NULL, &w->sale, &w->first, &w->second);
}

/* req: custody-break */
static void
refuses_a_chain_with_a_link_missing(void **state)
{
	struct world *w = *state;
	JUDGED(w, "custody-break", &w->sale, &w->second);
	JUDGED(w, "custody-break", &w->first, &w->second);
	JUDGED(w, "custody-break", &w->second);
	JUDGED(w, NULL, &w->sale, &w->first);
}

/* req: custody-fork */
static void
refuses_a_unit_that_went_to_two(void **state)
{
	struct world *w = *state;
	BERTH_BUF other = {0};
	BERTH_BUF other_sale = {0};
	struct berth_manifest m = transfer(w, &w->first, RESELLER, STRANGER);
	m.unit_count = 1;
	sign(w, &m, &w->who[RESELLER], &other);
	JUDGED(w, "custody-fork", &w->sale, &w->first, &w->second, &other);
	JUDGED(w, NULL, &w->sale, &w->first, &other);
	m = sale_to(w, &w->who[STRANGER]);
	sign(w, &m, &w->signer, &other_sale);
	JUDGED(w, "custody-fork", &w->sale, &other_sale);
}

/* req: custody-unit */
static void
refuses_a_unit_that_the_link_before_does_not_have(void **state)
{
	struct world *w = *state;
	BERTH_BUF part = {0};
	BERTH_BUF more = {0};
	struct berth_manifest m = transfer(w, &w->sale, INTEGRATOR, RESELLER);
	m.unit_count = 2;
	sign(w, &m, &w->who[INTEGRATOR], &part);
	m = transfer(w, &part, RESELLER, OWNER);
	sign(w, &m, &w->who[RESELLER], &more);
	JUDGED(w, "custody-unit", &w->sale, &part, &more);
	m.unit_count = 2;
	BERTH_BUF as_many = {0};
	sign(w, &m, &w->who[RESELLER], &as_many);
	JUDGED(w, NULL, &w->sale, &part, &as_many);
}

static void
refuses_a_link_older_than_the_one_before(void **state)
{
	struct world *w = *state;
	BERTH_BUF old = {0};
	BERTH_BUF same = {0};
	struct berth_manifest m = transfer(w, &w->sale, INTEGRATOR, RESELLER);
	m.created.s = NOW.s - 1;
	sign(w, &m, &w->who[INTEGRATOR], &old);
	JUDGED(w, "custody-time", &w->sale, &old);
	m.created = NOW;
	sign(w, &m, &w->who[INTEGRATOR], &same);
	JUDGED(w, NULL, &w->sale, &same);
}

static void
refuses_a_file_twice_and_too_many(void **state)
{
	struct world *w = *state;
	struct berth_buf files[BERTH_CUSTODY_LINKS_MAX + 1] = {0};
	const struct berth_buf *all[BERTH_CUSTODY_LINKS_MAX + 1];
	JUDGED(w, "custody-twice", &w->sale, &w->first, &w->sale);
	for (size_t i = 0; i <= BERTH_CUSTODY_LINKS_MAX; i++) {
		char batch[16];
		struct berth_manifest m = sale_to(w, &w->who[INTEGRATOR]);
		snprintf(batch, sizeof(batch), "%zu", i);
		m.batch = berth_text(batch);
		m.unit_count = 0;
		sign(w, &m, &w->signer, &files[i]);
		all[i] = &files[i];
	}
	assert_judged(w, all, BERTH_CUSTODY_LINKS_MAX + 1, "custody-length");
	assert_judged(w, all, BERTH_CUSTODY_LINKS_MAX, NULL);
	for (size_t i = 0; i <= BERTH_CUSTODY_LINKS_MAX; i++)
		berth_buf_free(&files[i]);
}

/* No hash gives a loop; a weak one does. */
static enum berth_err
always_the_same(void *context, struct berth_bytes in, uint8_t out[BERTH_DIGEST_BYTES])
{
	const struct berth_manifest *m = context;
	(void)in;
	memcpy(out, m->previous_sha256, BERTH_DIGEST_BYTES);
	return BERTH_OK;
}

static void
refuses_a_link_that_follows_itself(void **state)
{
	struct world *w = *state;
	struct berth_why why = {0};
	struct berth_custody custody;
	struct berth_manifest m = transfer(w, &w->sale, INTEGRATOR, RESELLER);
	const struct berth_digest digest = {.sha256 = always_the_same, .context = &m};
	assert_int_equal(
		berth_custody_parse(berth_buf_view(&w->first), &digest, &w->arena, &custody, &why),
		BERTH_E_UNTRUSTED);
	assert_string_equal(why.rule, "custody-loop");
}

static void
refuses_a_transfer_as_a_manifest_alone(void **state)
{
	struct world *w = *state;
	struct berth_why why = {0};
	struct berth_manifest alone;
	BERTH_BUF file = {0};
	const struct berth_manifest_trust trust = {&w->anchors, NOW};
	struct berth_manifest m = transfer(w, &w->sale, INTEGRATOR, RESELLER);
	/* by the manufacturer even, whose signature holds */
	sign(w, &m, &w->signer, &file);
	assert_int_equal(
		berth_manifest_open(w->pki, berth_buf_view(&file), &trust, &w->arena, &alone, &why),
		BERTH_E_DENIED);
	assert_string_equal(why.rule, "custody-break");
}

static void
refuses_a_transfer_to_nobody_or_to_two(void **state)
{
	struct world *w = *state;
	struct berth_why why = {0};
	BERTH_BUF file = {0};
	struct berth_manifest m = transfer(w, &w->sale, INTEGRATOR, OWNER);
	m.has_owner = false;
	assert_int_equal(berth_manifest_encode(&m, &file, &why), BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "manifest-sale-without-owner");
	m.has_owner = m.has_holder = true;
	assert_int_equal(berth_manifest_encode(&m, &file, &why), BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "manifest-two-hands");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(follows_units_to_their_owner_in_any_order),
		TEST(hands_on_some_units_only),
		TEST(takes_what_was_made_beside_what_was_sold),
		TEST(refuses_a_changed_link),
		TEST(refuses_a_signer_who_does_not_have_the_units),
		TEST(refuses_a_chain_with_a_link_missing),
		TEST(refuses_a_unit_that_went_to_two),
		TEST(refuses_a_unit_that_the_link_before_does_not_have),
		TEST(refuses_a_link_older_than_the_one_before),
		TEST(refuses_a_file_twice_and_too_many),
		TEST(refuses_a_link_that_follows_itself),
		TEST(refuses_a_transfer_as_a_manifest_alone),
		TEST(refuses_a_transfer_to_nobody_or_to_two),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
