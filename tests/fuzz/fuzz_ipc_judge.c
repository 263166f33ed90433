/* fuzz: berth_ipc_decode_for_judge */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What a net process, taken over, may send its judge: views stay inside, and it can be said again. */
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

	if (berth_ipc_decode_for_judge(packet, &ipc, &why)) {
		fuzz_assert(why.rule != NULL && why.sentence[0] != '\0');
		return 0;
	}
	BERTH_BUF again = {0};
	struct berth_ipc twin;

	if (ipc.kind == BERTH_IPC_REQUEST) {
		inside(ipc.request.http.body, packet);
		inside(ipc.request.peer_address, packet);
		fuzz_assert(ipc.request.http.path.n > 0 && ipc.request.http.path.p[0] == '/');
		fuzz_assert(ipc.request.tls.peer_count <= BERTH_CHAIN_MAX);
		for (size_t i = 0; i < ipc.request.tls.peer_count; i++) {
			inside(ipc.request.tls.peer_chain[i], packet);
		}
		fuzz_assert(berth_ipc_put_request(&again, ipc.id, &ipc.request) == BERTH_OK);
		fuzz_assert(berth_ipc_decode_for_judge(berth_buf_view(&again), &twin, NULL) ==
			    BERTH_OK);
		fuzz_assert(twin.id == ipc.id);
		fuzz_assert(berth_bytes_equal(twin.request.http.body, ipc.request.http.body));
		fuzz_assert(twin.request.tls.peer_count == ipc.request.tls.peer_count);
	} else if (ipc.kind == BERTH_IPC_DIAL) {
		inside(ipc.dialled.http.body, packet);
		inside(ipc.dialled.fault.sentence, packet);
		fuzz_assert(ipc.dialled.fault.err < BERTH_E__COUNT);
		fuzz_assert(berth_ipc_put_dialled(&again, ipc.id, &ipc.dialled.http,
						  &ipc.dialled.tls, NULL) == BERTH_OK);
	} else if (ipc.kind == BERTH_IPC_DPP) {
		inside(ipc.dpp.body, packet);
		inside(ipc.dpp.address, packet);
		fuzz_assert(ipc.dpp.body.n > 0);
		fuzz_assert(berth_ipc_put_dpp_message(&again, ipc.id, ipc.dpp.body,
						      ipc.dpp.address) == BERTH_OK);
	} else if (ipc.kind == BERTH_IPC_DPP_DIAL) {
		fuzz_assert((ipc.dpp.connection == 0) == (ipc.dpp.fault.err != BERTH_OK));
	} else {
		fuzz_assert(ipc.kind == BERTH_IPC_GONE || ipc.kind == BERTH_IPC_DPP_GONE);
	}
	return 0;
}
