/* fuzz: berth_ipc_decode_control */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes between the parent and its children. */
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

	if (berth_ipc_decode_control(packet, &ipc, &why)) {
		fuzz_assert(why.rule != NULL && why.sentence[0] != '\0');
		return 0;
	}
	inside(BERTH_BYTES_NONE, packet);
	fuzz_assert(ipc.kind != BERTH_IPC_LINK ||
		    (ipc.edge >= BERTH_EDGE_LISTEN && ipc.edge <= BERTH_EDGE_LISTEN_PLAIN));
	return 0;
}
