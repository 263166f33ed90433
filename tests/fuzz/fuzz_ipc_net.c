/* fuzz: berth_ipc_decode_for_net */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What a judge may send a net process. */
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

	if (berth_ipc_decode_for_net(packet, &ipc, &why)) {
		fuzz_assert(why.rule != NULL && why.sentence[0] != '\0');
		return 0;
	}
	BERTH_BUF again = {0};
	struct berth_ipc twin;

	if (ipc.kind == BERTH_IPC_REQUEST) {
		inside(ipc.reply.body, packet);
		fuzz_assert(ipc.reply.status >= 200 && ipc.reply.status <= 599);
		fuzz_assert(berth_ipc_put_reply(&again, ipc.id, &ipc.reply) == BERTH_OK);
	} else if (ipc.kind == BERTH_IPC_DPP) {
		inside(ipc.dpp.body, packet);
		fuzz_assert(berth_ipc_put_dpp_send(&again, ipc.id, ipc.dpp.body, ipc.dpp.close) ==
			    BERTH_OK);
	} else if (ipc.kind == BERTH_IPC_DPP_DIAL) {
		inside(ipc.dpp.host, packet);
		fuzz_assert(ipc.dpp.port > 0 && ipc.dpp.host.n > 0);
		fuzz_assert(berth_ipc_put_dpp_dial(&again, ipc.id, ipc.dpp.host, ipc.dpp.port) ==
			    BERTH_OK);
	} else {
		inside(ipc.dial.host, packet);
		inside(ipc.dial.anchors_pem, packet);
		fuzz_assert(ipc.dial.port > 0 && ipc.dial.timeout_ms > 0);
		fuzz_assert(berth_ipc_put_dial(&again, ipc.id, &ipc.dial) == BERTH_OK);
	}
	fuzz_assert(berth_ipc_decode_for_net(berth_buf_view(&again), &twin, NULL) == BERTH_OK);
	fuzz_assert(twin.id == ipc.id && twin.kind == ipc.kind);
	return 0;
}
