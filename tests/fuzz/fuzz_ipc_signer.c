/* fuzz: berth_ipc_decode_for_signer */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What a net process or a judge, taken over, may send a signer. */
#include "role/daemon/ipc.h"

#include "fuzz.h"

static void
inside(struct berth_bytes view, struct berth_bytes packet)
{
	fuzz_assert(view.n == 0 || (view.p >= packet.p && view.p + view.n <= packet.p + packet.n));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_bytes packet = berth_bytes_of(data, size);
	struct berth_ipc ipc;
	struct berth_why why;

	if (berth_ipc_decode_for_signer(packet, &ipc, &why)) {
		fuzz_assert(why.rule != NULL && why.sentence[0] != '\0');
		return 0;
	}
	BERTH_BUF again = {0};
	struct berth_ipc twin;

	inside(ipc.sign.payload, packet);
	fuzz_assert(berth_ipc_put_sign(&again, ipc.id, ipc.sign.op, ipc.sign.payload) == BERTH_OK);
	fuzz_assert(berth_ipc_decode_for_signer(berth_buf_view(&again), &twin, NULL) == BERTH_OK);
	fuzz_assert(twin.sign.op == ipc.sign.op);
	fuzz_assert(berth_bytes_equal(twin.sign.payload, ipc.sign.payload));
	return 0;
}
