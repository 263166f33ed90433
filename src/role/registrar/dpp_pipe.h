/* SPDX-License-Identifier: BSD-2-Clause */
/* DPP over TCP on one blocking connection, for command lines; daemons have net/dpp_server.h. */
#ifndef BERTH_ROLE_REGISTRAR_DPP_PIPE_H
#define BERTH_ROLE_REGISTRAR_DPP_PIPE_H

#include "codec/dpp_frame.h"
#include "base/time.h"
#include "pki/ec.h"

struct berth_dpp_pipe {
	int fd; /* -1: none */
	uint8_t body[BERTH_DPP_BODY_MAX_BYTES];
};

/* address: "ADDRESS:PORT" or "[ADDRESS]:PORT". USAGE, UNREACHABLE. */
enum berth_err berth_dpp_pipe_connect(struct berth_dpp_pipe *pipe, const char *address,
				      struct berth_why *why) BERTH_MUST;
/* Waits for one connection; listening is called once it can come. */
enum berth_err berth_dpp_pipe_accept(struct berth_dpp_pipe *pipe, const char *address,
				     struct berth_mono end, void (*listening)(unsigned port),
				     struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_pipe_send(struct berth_dpp_pipe *pipe, struct berth_bytes body,
				   struct berth_why *why) BERTH_MUST;
/* *ret is there until the next. TIMEOUT at end; UNREACHABLE: closed by the other. */
enum berth_err berth_dpp_pipe_receive(struct berth_dpp_pipe *pipe, struct berth_mono end,
				      struct berth_bytes *ret, struct berth_why *why) BERTH_MUST;
void berth_dpp_pipe_close(struct berth_dpp_pipe *pipe);

/* The DPP URI of a key that is used once. */
enum berth_err berth_dpp_pipe_code(const struct berth_ec_point *point, struct berth_buf *code,
				   struct berth_why *why) BERTH_MUST;

#endif
