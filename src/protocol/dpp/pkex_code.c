/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/pkex.h"

enum berth_err
berth_dpp_pkex_code_set(struct berth_dpp_pkex_code *ret, struct berth_bytes code,
			struct berth_bytes identifier, struct berth_why *why)
{
	if (code.n == 0 || code.n > BERTH_DPP_PKEX_CODE_MAX)
		return berth_fail(why, BERTH_E_USAGE, "dpp-pkex-code", "DPP 5.6",
				  "A code has 1 to %d octets; this one has %zu.",
				  BERTH_DPP_PKEX_CODE_MAX, code.n);
	if (identifier.n > BERTH_DPP_PKEX_IDENTIFIER_MAX ||
	    (identifier.n > 0 && memchr(identifier.p, 0, identifier.n) != NULL))
		return berth_fail(why, BERTH_E_USAGE, "dpp-pkex-identifier", "DPP 5.6",
				  "A code's identifier has at most %d octets, none of them 0.",
				  BERTH_DPP_PKEX_IDENTIFIER_MAX);
	*ret = (struct berth_dpp_pkex_code){0};
	if (identifier.n > 0)
		memcpy(ret->identifier, identifier.p, identifier.n);
	enum berth_err err = berth_secret_copy(&ret->code, code);
	return err ? berth_fail(why, err, "memory", NULL, "out of memory") : BERTH_OK;
}

void
berth_dpp_pkex_code_free(struct berth_dpp_pkex_code *code)
{
	berth_secret_free(&code->code);
	*code = (struct berth_dpp_pkex_code){0};
}

enum berth_err
berth_dpp_pkex_code_judge(struct berth_bytes code, struct berth_why *why)
{
	bool seen[256] = {false};
	unsigned different = 0;

	for (size_t i = 0; i < code.n; i++) {
		different += seen[code.p[i]] ? 0 : 1;
		seen[code.p[i]] = true;
	}
	berth_wipe(seen, sizeof(seen));
	if (code.n >= BERTH_DPP_PKEX_CODE_MIN && different >= BERTH_DPP_PKEX_CODE_DIFFERENT_MIN)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_USAGE, "dpp-pkex-code-weak", "DPP 5.6",
			  "The code is too easy to guess: it needs at least %d characters, %d of "
			  "them different.",
			  BERTH_DPP_PKEX_CODE_MIN, BERTH_DPP_PKEX_CODE_DIFFERENT_MIN);
}

/* req: dpp-pkex-guesses */
enum berth_err
berth_dpp_pkex_code_check(const struct berth_dpp_pkex_code *code, struct berth_why *why)
{
	if (code->is_used)
		return berth_fail(why, BERTH_E_LIMIT, "dpp-pkex-spent", "DPP 5.6.4",
				  "The code was used: it is for one device, once.");
	if (code->guesses >= BERTH_DPP_PKEX_GUESSES_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "dpp-pkex-spent", "DPP 5.6.4",
				  "The code was tried %u times without success: take a new one.",
				  code->guesses);
	return BERTH_OK;
}
