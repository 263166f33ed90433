/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets between our own processes over a SOCK_SEQPACKET pair, with at most one descriptor riding
 * along. Peers are our processes; their content is still checked by who reads it (codec/frame).
 */
#ifndef BERTH_SYSTEM_CHANNEL_H
#define BERTH_SYSTEM_CHANNEL_H

#include "base/bytes.h"

#define BERTH_CHANNEL_PACKET_MAX ((size_t)192 << 10) /* = BERTH_FRAME_MAX */

/* Two ends, close-on-exec, non-blocking, with send buffers that take one packet whole. */
enum berth_err berth_channel_pair(int ret_fds[2], struct berth_why *why) BERTH_MUST;

/*
 * pass_fd: -1 or a descriptor to send along (stays ours). timeout_ms: 0 does not block, else the
 * most to wait. BERTH_E_PENDING: would block (timeout_ms 0); TIMEOUT; UNREACHABLE: the other end is
 * closed.
 */
enum berth_err berth_channel_send(int fd, struct berth_bytes packet, int pass_fd,
				  int64_t timeout_ms) BERTH_MUST;
/*
 * One packet into room[cap] (at least BERTH_CHANNEL_PACKET_MAX, else a longer one is BERTH_E_LIMIT
 * and lost). ret_fd NULL: descriptors that ride along are closed; else -1 or the descriptor, the
 * caller's.
 */
enum berth_err berth_channel_receive(int fd, uint8_t *room, size_t cap, size_t *ret_n, int *ret_fd,
				     int64_t timeout_ms) BERTH_MUST;

#endif
