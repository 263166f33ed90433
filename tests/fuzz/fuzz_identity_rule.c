/* fuzz: berth_identity_rule_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Four words and no other: nothing before them, nothing behind them. */
#include "protocol/brski/manufacturer.h"

#include "fuzz.h"

static const struct {
	enum berth_identity_rule rule;
	const char *word;
} words[] = {
	{BERTH_IDENTITY_SERIAL_NUMBER, "serial-number"},
	{BERTH_IDENTITY_SERIAL_NUMBER_SN, "serial-number-sn"},
	{BERTH_IDENTITY_COMMON_NAME, "common-name"},
	{BERTH_IDENTITY_HARDWARE_SERIAL, "hardware-serial"},
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct berth_bytes text = berth_bytes_of(data, size);
	enum berth_identity_rule rule = BERTH_IDENTITY_SERIAL_NUMBER;
	struct berth_why why = {0};
	const char *want = NULL;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (berth_bytes_equal_text(text, words[i].word))
			want = words[i].word;
	if (berth_identity_rule_parse(text, &rule, &why)) {
		fuzz_assert(want == NULL && why.rule != NULL);
		return 0;
	}
	fuzz_assert(want != NULL);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		fuzz_assert((words[i].rule == rule) == (words[i].word == want));
	return 0;
}
