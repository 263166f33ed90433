/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/ownership/claim_code.h"

#include "base/secret.h"

#define RANDOM_SYMBOLS (BERTH_CLAIM_CODE_SYMBOLS - 2)
#define GROUP 5
#define NO_SYMBOL 32

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/* So that a digest of a code is no digest of anything else. */
static const char purpose[] = "berth claim code 1";

void
berth_claim_code_wipe(struct berth_claim_code *code)
{
	berth_wipe(code, sizeof(*code));
}

/* ---- GF(32), x^5 + x^2 + 1; the generator has the roots 2 and 4 ---- */

static uint8_t
multiply(uint8_t a, uint8_t b)
{
	uint8_t product = 0;

	for (int bit = 0; bit < 5; bit++) {
		if (b >> bit & 1)
			product ^= a;
		a = (uint8_t)(a << 1 ^ (a & 16 ? 0x25 : 0));
	}
	return product;
}

/* The remainder by (x + 2)(x + 4) = x^2 + 6 x + 8. */
static void
append_check(uint8_t symbols[BERTH_CLAIM_CODE_SYMBOLS])
{
	uint8_t high = 0;
	uint8_t low = 0;

	for (int i = 0; i < RANDOM_SYMBOLS; i++) {
		uint8_t factor = symbols[i] ^ high;

		high = low ^ multiply(factor, 6);
		low = multiply(factor, 8);
	}
	symbols[RANDOM_SYMBOLS] = high;
	symbols[RANDOM_SYMBOLS + 1] = low;
}

static bool
has_root(const uint8_t symbols[BERTH_CLAIM_CODE_SYMBOLS], uint8_t root)
{
	uint8_t value = 0;

	for (int i = 0; i < BERTH_CLAIM_CODE_SYMBOLS; i++)
		value = multiply(value, root) ^ symbols[i];
	return value == 0;
}

void
berth_claim_code_draw(const struct berth_random *random, struct berth_claim_code *ret)
{
	berth_random_fill(random, ret->symbols, sizeof(ret->symbols));
	for (int i = 0; i < RANDOM_SYMBOLS; i++)
		ret->symbols[i] &= 31;
	append_check(ret->symbols);
}

/* ---- text ---- */

/* NO_SYMBOL for what is none. O is read as 0, I and L as 1: so are they seen. */
static uint8_t
symbol_of(uint8_t c)
{
	if (c >= 'a' && c <= 'z')
		c = (uint8_t)(c - 'a' + 'A');
	if (c == 'O')
		return 0;
	if (c == 'I' || c == 'L')
		return 1;
	for (uint8_t i = 0; i < NO_SYMBOL; i++)
		if (c == (uint8_t)alphabet[i])
			return i;
	return NO_SYMBOL;
}

static bool
is_between(uint8_t c)
{
	return c == '-' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

enum berth_err
berth_claim_code_parse(struct berth_bytes text, struct berth_claim_code *ret, struct berth_why *why)
{
	BERTH_CLAIM_CODE code = {{0}};
	size_t n = 0;

	if (text.n > BERTH_CLAIM_CODE_INPUT_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "claim-code-length", NULL,
				  "a claim code has %d symbols; this is longer than %d characters",
				  BERTH_CLAIM_CODE_SYMBOLS, BERTH_CLAIM_CODE_INPUT_MAX);
	for (size_t i = 0; i < text.n; i++) {
		if (is_between(text.p[i]))
			continue;
		uint8_t symbol = symbol_of(text.p[i]);
		if (symbol == NO_SYMBOL)
			return berth_fail_at(why, BERTH_E_SYNTAX, "claim-code-symbol", NULL, i,
					     "character %zu is none that claim codes have", i + 1);
		if (n == BERTH_CLAIM_CODE_SYMBOLS)
			return berth_fail_at(why, BERTH_E_SYNTAX, "claim-code-length", NULL, i,
					     "a claim code has %d symbols; these are more",
					     BERTH_CLAIM_CODE_SYMBOLS);
		code.symbols[n++] = symbol;
	}
	if (n != BERTH_CLAIM_CODE_SYMBOLS)
		return berth_fail(why, BERTH_E_SYNTAX, "claim-code-length", NULL,
				  "a claim code has %d symbols, these are %zu",
				  BERTH_CLAIM_CODE_SYMBOLS, n);
	if (!has_root(code.symbols, 2) || !has_root(code.symbols, 4))
		return berth_fail(why, BERTH_E_SYNTAX, "claim-code-checksum", NULL,
				  "the claim code is mistyped: its check symbols do not fit");
	*ret = code;
	return BERTH_OK;
}

const char *
berth_claim_code_text(const struct berth_claim_code *code, char text[BERTH_CLAIM_CODE_TEXT_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < BERTH_CLAIM_CODE_SYMBOLS; i++) {
		if (i > 0 && i % GROUP == 0)
			text[n++] = '-';
		text[n++] = alphabet[code->symbols[i] & 31];
	}
	text[n] = '\0';
	return text;
}

/* ---- what others keep ---- */

enum berth_err
berth_claim_code_digest(struct berth_pki *pki, const struct berth_claim_code *code,
			struct berth_claim_digest *ret, struct berth_why *why)
{
	uint8_t bytes[sizeof(purpose) + BERTH_CLAIM_SALT_BYTES + BERTH_CLAIM_CODE_SYMBOLS];

	memcpy(bytes, purpose, sizeof(purpose));
	memcpy(bytes + sizeof(purpose), ret->salt, sizeof(ret->salt));
	memcpy(bytes + sizeof(purpose) + sizeof(ret->salt), code->symbols, sizeof(code->symbols));
	enum berth_err err = berth_sha256(pki, berth_bytes_of(bytes, sizeof(bytes)), ret->sha256);
	berth_wipe(bytes, sizeof(bytes));
	return err ? berth_fail(why, BERTH_E_CRYPTO, "berth-crypto", NULL, "SHA-256 failed")
		   : BERTH_OK;
}

bool
berth_claim_code_matches(struct berth_pki *pki, const struct berth_claim_code *code,
			 const struct berth_claim_digest *digest)
{
	struct berth_claim_digest of = *digest;

	if (berth_claim_code_digest(pki, code, &of, NULL))
		return false;
	return berth_bytes_equal_secretly(berth_bytes_of(of.sha256, sizeof(of.sha256)),
					  berth_bytes_of(digest->sha256, sizeof(digest->sha256)));
}
