/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/ownership/claim_code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void
count_up(void *context, uint8_t *out, size_t n)
{
	uint8_t *next = context;

	for (size_t i = 0; i < n; i++)
		out[i] = (*next)++;
}

static struct berth_claim_code
code_of(uint8_t seed)
{
	const struct berth_random random = {count_up, &seed};
	struct berth_claim_code code;

	berth_claim_code_draw(&random, &code);
	return code;
}

static enum berth_err
parse(const char *text, const char **rule)
{
	struct berth_claim_code code;
	struct berth_why why = {0};
	enum berth_err err = berth_claim_code_parse(berth_text(text), &code, &why);

	*rule = why.rule;
	return err;
}

static void
reads_what_it_writes(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 256; seed++) {
		struct berth_claim_code code = code_of((uint8_t)seed);
		struct berth_claim_code again;
		char text[BERTH_CLAIM_CODE_TEXT_MAX];

		assert_int_equal(strlen(berth_claim_code_text(&code, text)), 23);
		assert_int_equal(berth_claim_code_parse(berth_text(text), &again, NULL), BERTH_OK);
		assert_memory_equal(&code, &again, sizeof(code));
	}
}

static void
reads_what_people_type(void **state)
{
	struct berth_claim_code code = code_of(0); /* 0 1 2 ... */
	struct berth_claim_code again;
	char text[BERTH_CLAIM_CODE_TEXT_MAX];
	char typed[BERTH_CLAIM_CODE_INPUT_MAX];

	(void)state;
	berth_claim_code_text(&code, text);
	assert_memory_equal(text, "01234-56789-ABCDE-FGH", 21);
	snprintf(typed, sizeof(typed), "oI234 56789 abcde-fgh%c%c\r\n",
		 text[21] + 32 * (text[21] > '9'), text[22]);
	assert_int_equal(berth_claim_code_parse(berth_text(typed), &again, NULL), BERTH_OK);
	assert_memory_equal(&code, &again, sizeof(code));
}

/* Every other symbol at every place, and every pair that changed places. */
static void
finds_mistyped_symbols(void **state)
{
	static const char symbols[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	struct berth_claim_code code = code_of(7);
	char text[BERTH_CLAIM_CODE_TEXT_MAX];
	const char *rule;

	(void)state;
	berth_claim_code_text(&code, text);
	for (size_t i = 0; i < 23; i++) {
		for (const char *s = symbols; text[i] != '-' && *s; s++) {
			char was = text[i];

			text[i] = *s;
			if (*s != was) {
				assert_int_equal(parse(text, &rule), BERTH_E_SYNTAX);
				assert_string_equal(rule, "claim-code-checksum");
			}
			text[i] = was;
		}
		for (size_t k = i + 1; k < 23; k++) {
			char was = text[i];

			if (was == '-' || text[k] == '-' || was == text[k])
				continue;
			text[i] = text[k];
			text[k] = was;
			assert_int_equal(parse(text, &rule), BERTH_E_SYNTAX);
			text[k] = text[i];
			text[i] = was;
		}
	}
}

static void
refuses_what_is_no_code(void **state)
{
	static const struct {
		const char *text;
		const char *rule;
	} rows[] = {
		{"", "claim-code-length"},
		{"01234-56789-ABCDE-FGH0", "claim-code-length"},
		{"01234-56789-ABCDE-FGH000", "claim-code-length"},
		{"01234-56789-ABCDE-FGHU0", "claim-code-symbol"},
		{"01234-56789-ABCDE-FGH\x01", "claim-code-symbol"},
		{"                                                                 ",
		 "claim-code-length"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *rule = NULL;

		assert_int_not_equal(parse(rows[i].text, &rule), BERTH_OK);
		assert_string_equal(rule, rows[i].rule);
	}
}

static void
matches_its_own_digest_alone(void **state)
{
	struct berth_pki *pki = NULL;
	struct berth_claim_code code = code_of(1);
	struct berth_claim_code other = code_of(2);
	struct berth_claim_digest digest = {.salt = {9}};

	(void)state;
	assert_int_equal(berth_pki_open(&pki, NULL), BERTH_OK);
	assert_int_equal(berth_claim_code_digest(pki, &code, &digest, NULL), BERTH_OK);
	assert_true(berth_claim_code_matches(pki, &code, &digest));
	assert_false(berth_claim_code_matches(pki, &other, &digest));
	digest.salt[0] ^= 1;
	assert_false(berth_claim_code_matches(pki, &code, &digest));
	berth_pki_close(pki);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(reads_what_people_type),
		cmocka_unit_test(finds_mistyped_symbols),
		cmocka_unit_test(refuses_what_is_no_code),
		cmocka_unit_test(matches_its_own_digest_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
