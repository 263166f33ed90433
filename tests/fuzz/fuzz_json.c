/* fuzz: berth_json_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What is parsed encodes, and its encoding parses to the same encoding. */
#include "codec/json.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BERTH_JSON json_t *root = NULL;
	BERTH_JSON json_t *again = NULL;
	BERTH_BUF first = {0};
	BERTH_BUF second = {0};
	struct berth_why why = {0};
	struct berth_bytes text = BERTH_BYTES_NONE;

	if (berth_json_parse(berth_bytes_of(data, size), NULL, &root, &why)) {
		fuzz_assert(!root && why.rule && why.sentence[0] && why.offset <= size);
		return 0;
	}
	fuzz_assert(!berth_json_encode(root, BERTH_JSON_SORTED, &first));
	fuzz_assert(!berth_json_parse(berth_buf_view(&first),
				      &(struct berth_json_limits){.max_bytes = SIZE_MAX}, &again,
				      &why));
	fuzz_assert(!berth_json_encode(again, BERTH_JSON_SORTED, &second));
	fuzz_assert(berth_bytes_equal(berth_buf_view(&first), berth_buf_view(&second)));
	if (!berth_json_get_text(root, "a", BERTH_JSON_REQUIRED, &text, NULL)) {
		fuzz_assert(berth_bytes_is_utf8(text));
	}
	return 0;
}
