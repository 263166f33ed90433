/* fuzz: berth_cbor_check berth_cbor_skip */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What has the one deterministic form is well formed too, and comes out of the writers again byte for byte. */
#include "codec/cbor.h"

#include "fuzz.h"

/* Copies one item through reader and writer; floats and simple values by their bytes. */
static enum berth_err
copy(struct berth_cbor *c, struct berth_buf *out)
{
	struct berth_bytes raw;
	size_t n;
	enum berth_err err = BERTH_OK;
	switch (berth_cbor_peek(c)) {
	case BERTH_CBOR_UINT:
		return berth_cbor_put_uint(out, berth_cbor_uint(c, UINT64_MAX));
	case BERTH_CBOR_BYTES:
		return berth_cbor_put_bytes(out, berth_cbor_bytes(c, SIZE_MAX));
	case BERTH_CBOR_TEXT:
		return berth_cbor_put_text(out, berth_cbor_text(c, SIZE_MAX));
	case BERTH_CBOR_BOOL:
		return berth_cbor_put_bool(out, berth_cbor_bool(c));
	case BERTH_CBOR_NULL:
		berth_cbor_null(c);
		return berth_cbor_put_null(out);
	case BERTH_CBOR_ARRAY:
		n = berth_cbor_array(c, SIZE_MAX);
		err = berth_cbor_put_array(out, n);
		for (size_t i = 0; !err && i < n; i++) {
			err = copy(c, out);
		}
		return err;
	case BERTH_CBOR_MAP:
		n = berth_cbor_map(c, SIZE_MAX);
		err = berth_cbor_put_map(out, n);
		for (size_t i = 0; !err && i < 2 * n; i++) {
			err = copy(c, out);
		}
		return err;
	case BERTH_CBOR_TAG:
		err = berth_cbor_put_tag(out, berth_cbor_tag(c));
		return err ? err : copy(c, out);
	case BERTH_CBOR_NEGATIVE:
	case BERTH_CBOR_SIMPLE:
	case BERTH_CBOR_FLOAT:
		raw = berth_cbor_skip(c);
		return berth_buf_append_bytes(out, raw);
	case BERTH_CBOR_NONE:
		fuzz_assert(false);
		return BERTH_E_INTERNAL;
	}
	return BERTH_E_INTERNAL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct berth_bytes in = berth_bytes_of(data, size);
	struct berth_why why = {0};
	struct berth_cbor c = berth_cbor(in);
	const struct berth_bytes first = berth_cbor_skip(&c);
	fuzz_assert(first.n <= size && (c.err ? first.n == 0 : first.n > 0));
	if (berth_cbor_check(in, false, &why)) {
		fuzz_assert(why.rule && why.offset <= size);
		fuzz_assert(berth_cbor_check(in, true, NULL));
		return 0;
	}
	fuzz_assert(!c.err && first.n == size);
	BERTH_BUF out = {0};
	c = berth_cbor(in);
	fuzz_assert(!copy(&c, &out) && !berth_cbor_end(&c, "fuzz", NULL));
	if (!berth_cbor_check(in, true, NULL)) {
		fuzz_assert(berth_bytes_equal(berth_buf_view(&out), in));
	}
	fuzz_assert(out.n <= size);
	return 0;
}
