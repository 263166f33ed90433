/* fuzz: berth_json_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is parsed encodes, and its encoding parses to the same encoding. What the quick way takes jansson takes too, for the
 * same value; and texts are written as jansson writes them.
 */
#include "codec/json.h"
#include "codec/json_plain.h"
#include "codec/json_write.h"

#include "fuzz.h"

#define DEPTH 16
#define VALUES 8192

static void
compare_with_jansson(struct berth_bytes text)
{
	BERTH_JSON json_t *plain = berth_json_plain(text, DEPTH, VALUES);
	BERTH_JSON json_t *theirs = NULL;
	json_t *parsed = NULL;

	if (!plain) {
		return;
	}
	theirs = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	fuzz_assert(theirs && json_equal(plain, theirs));
	fuzz_assert(!berth_json_parse(text, &(struct berth_json_limits){.max_bytes = SIZE_MAX},
				      &parsed, NULL));
	json_decref(parsed);
}

static void
compare_written(struct berth_bytes text)
{
	BERTH_JSON json_t *array = json_array();
	BERTH_BUF ours = {0};
	BERTH_BUF theirs = {0};

	if (!berth_bytes_is_utf8(text)) {
		fuzz_assert(!berth_json_start(&ours, '[') &&
			    berth_json_put_text(&ours, NULL, text) == BERTH_E_SYNTAX);
		return;
	}
	fuzz_assert(json_array_append_new(array, json_stringn((const char *)text.p, text.n)) == 0);
	fuzz_assert(!berth_json_encode(array, BERTH_JSON_AS_BUILT, &theirs));
	fuzz_assert(!berth_json_start(&ours, '[') && !berth_json_put_text(&ours, NULL, text) &&
		    !berth_json_shut(&ours, ']'));
	fuzz_assert(berth_bytes_equal(berth_buf_view(&ours), berth_buf_view(&theirs)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BERTH_JSON json_t *root = NULL;
	BERTH_JSON json_t *again = NULL;
	BERTH_BUF first = {0};
	BERTH_BUF second = {0};
	struct berth_why why = {0};
	struct berth_bytes text = BERTH_BYTES_NONE;

	if (size > 0) {
		compare_with_jansson(berth_bytes_of(data, size));
		compare_written(berth_bytes_of(data, size));
	}
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
