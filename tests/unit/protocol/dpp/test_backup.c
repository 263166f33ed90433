/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/backup.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "support/dpp_fixture.h"

#define TEMPLATE                                                                                   \
	"{\"wi-fi_tech\":\"infra\",\"discovery\":{\"ssid\":\"lab\"},\"cred\":{\"akm\":\"dpp\"}}"
#define CONNECTOR "{\"groups\":[{\"groupId\":\"*\",\"netRole\":\"sta\"}]}"

static struct berth_pki *pki;

struct world {
	struct dpp_random random;
	struct berth_random source;
	struct berth_dpp_secrets secrets; /* of both sides: the same bk */
	struct berth_dpp_backup backup, again;
	struct berth_buf der;
	struct berth_why why;
};

static void
fill_secret(struct berth_secret *secret, uint8_t octet, size_t n)
{
	uint8_t octets[BERTH_EC_HASH_MAX];

	memset(octets, octet, sizeof(octets));
	berth_secret_free(secret);
	assert_int_equal(berth_secret_copy(secret, berth_bytes_of(octets, n)), BERTH_OK);
}

static void
make(struct world *w, enum berth_ec_curve curve, enum berth_ec_curve authenticated)
{
	struct berth_ec_point point;

	*w = (struct world){.random = {.seed = 7}};
	w->source = dpp_random_source(&w->random);
	w->secrets = (struct berth_dpp_secrets){.curve = authenticated};
	fill_secret(&w->secrets.bk, 0x31, berth_ec_facts(authenticated)->hash_bytes);
	w->backup.curve = curve;
	assert_int_equal(berth_ec_generate(pki, curve, &w->source, &w->backup.c_sign, &point, NULL),
			 BERTH_OK);
	assert_int_equal(berth_ec_generate(pki, curve, &w->source, &w->backup.pp, &point, NULL),
			 BERTH_OK);
	memcpy(w->backup.configuration_template, TEMPLATE, sizeof(TEMPLATE));
	memcpy(w->backup.connector_template, CONNECTOR, sizeof(CONNECTOR));
}

static void
free_world(struct world *w)
{
	berth_dpp_secrets_free(&w->secrets);
	berth_dpp_backup_free(&w->backup);
	berth_dpp_backup_free(&w->again);
	berth_buf_free(&w->der);
}

static void
seal(struct world *w)
{
	assert_int_equal(
		berth_dpp_backup_seal(pki, &w->source, &w->secrets, &w->backup, &w->der, &w->why),
		BERTH_OK);
}

static enum berth_err
unseal(struct world *w)
{
	return berth_dpp_backup_open(pki, &w->secrets, berth_buf_view(&w->der), &w->again, &w->why);
}

static bool
is_same(const struct berth_secret *a, const struct berth_secret *b)
{
	return berth_secret_equal(a, berth_bytes_of(b->p, b->n));
}

static void
gives_back_what_was_sealed_on_every_curve(void **state)
{
	(void)state;
	for (unsigned i = 0; i < (unsigned)BERTH_EC__COUNT; i++) {
		struct world w;
		/* the C-sign key's curve need not be the authentication's */
		make(&w, (enum berth_ec_curve)i,
		     (enum berth_ec_curve)((i + 1) % (unsigned)BERTH_EC__COUNT));
		seal(&w);
		assert_int_equal(unseal(&w), BERTH_OK);
		assert_int_equal(w.again.curve, w.backup.curve);
		assert_true(is_same(&w.again.c_sign, &w.backup.c_sign));
		assert_true(is_same(&w.again.pp, &w.backup.pp));
		assert_string_equal(w.again.configuration_template, TEMPLATE);
		assert_string_equal(w.again.connector_template, CONNECTOR);
		free_world(&w);
	}
}

static void
refuses_it_in_another_authentication(void **state)
{
	struct world w;

	(void)state;
	make(&w, BERTH_EC_P256, BERTH_EC_P256);
	seal(&w);
	w.secrets.bk.p[31] ^= 1;
	assert_int_equal(unseal(&w), BERTH_E_SIGNATURE);
	assert_string_equal(w.why.rule, "dpp-backup-key");
	w.secrets.bk.p[31] ^= 1;
	assert_int_equal(unseal(&w), BERTH_OK);
	free_world(&w);
}

static void
refuses_any_octet_that_was_altered(void **state)
{
	struct world w;

	(void)state;
	make(&w, BERTH_EC_P256, BERTH_EC_P256);
	seal(&w);
	for (size_t i = 0; i < w.der.n; i++) {
		w.der.p[i] ^= 0x04;
		if (unseal(&w) == BERTH_OK)
			fail_msg("octet %zu may be altered", i);
		w.der.p[i] ^= 0x04;
	}
	w.der.n--;
	assert_int_equal(unseal(&w), BERTH_E_SYNTAX);
	w.der.n++;
	assert_int_equal(unseal(&w), BERTH_OK);
	free_world(&w);
}

static void
has_both_keys_and_a_template(void **state)
{
	struct world w;

	(void)state;
	make(&w, BERTH_EC_P256, BERTH_EC_P256);
	w.backup.configuration_template[0] = '\0';
	assert_int_equal(
		berth_dpp_backup_seal(pki, &w.source, &w.secrets, &w.backup, &w.der, &w.why),
		BERTH_E_USAGE);
	memcpy(w.backup.configuration_template, TEMPLATE, sizeof(TEMPLATE));
	w.backup.connector_template[0] = '\0'; /* this one may be left out */
	seal(&w);
	assert_int_equal(unseal(&w), BERTH_OK);
	assert_string_equal(w.again.connector_template, "");
	free_world(&w);
}

static void
shows_no_private_key_in_the_clear(void **state)
{
	struct world w;

	(void)state;
	make(&w, BERTH_EC_P384, BERTH_EC_P256);
	seal(&w);
	assert_null(memmem(w.der.p, w.der.n, w.backup.c_sign.p, w.backup.c_sign.n));
	assert_null(memmem(w.der.p, w.der.n, w.backup.pp.p, w.backup.pp.n));
	assert_null(memmem(w.der.p, w.der.n, "infra", 5));
	free_world(&w);
}

static void
writes_a_key_as_files_have_it_and_reads_it_again(void **state)
{
	(void)state;
	for (unsigned i = 0; i < (unsigned)BERTH_EC__COUNT; i++) {
		struct world w;
		enum berth_ec_curve curve;
		BERTH_SECRET scalar = {0};
		make(&w, (enum berth_ec_curve)i, BERTH_EC_P256);
		assert_int_equal(berth_dpp_backup_write_key(pki, w.backup.curve, &w.backup.c_sign,
							    &w.der, &w.why),
				 BERTH_OK);
		assert_int_equal(berth_dpp_backup_read_key(pki, berth_buf_view(&w.der), &curve,
							   &scalar, &w.why),
				 BERTH_OK);
		assert_int_equal(curve, w.backup.curve);
		assert_true(is_same(&scalar, &w.backup.c_sign));
		w.der.p[w.der.n - 1] ^= 1; /* its public key is another's then */
		assert_int_not_equal(berth_dpp_backup_read_key(pki, berth_buf_view(&w.der), &curve,
							       &scalar, &w.why),
				     BERTH_OK);
		assert_string_equal(w.why.rule, "dpp-backup");
		free_world(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_what_was_sealed_on_every_curve),
		cmocka_unit_test(refuses_it_in_another_authentication),
		cmocka_unit_test(refuses_any_octet_that_was_altered),
		cmocka_unit_test(has_both_keys_and_a_template),
		cmocka_unit_test(shows_no_private_key_in_the_clear),
		cmocka_unit_test(writes_a_key_as_files_have_it_and_reads_it_again),
	};

	if (berth_pki_open(&pki, NULL))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	berth_pki_close(pki);
	return failed;
}
