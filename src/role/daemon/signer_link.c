/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/daemon/signer_link.h"

#include <unistd.h>

#include "role/daemon/ipc.h"
#include "system/channel.h"
#include "system/clock.h"

#define ANSWER_MAX 4096 /* a signature and a sentence */

void
berth_tls_signer_set(struct berth_tls_signer *signer, int fd)
{
	if (signer->fd >= 0) {
		(void)close(signer->fd);
	}
	signer->fd = fd;
}

static enum berth_err
take_answer(const struct berth_ipc *ipc, struct berth_buf *signature, struct berth_why *why)
{
	const struct berth_ipc_fault *fault = &ipc->signature.fault;
	if (fault->err) {
		return berth_fail(why, fault->err, "tls-signer-refused", NULL, "%.*s",
				  (int)fault->sentence.n, (const char *)fault->sentence.p);
	}
	return berth_buf_append_bytes(signature, ipc->signature.object);
}

static enum berth_err
wait_answer(struct berth_tls_signer *signer, struct berth_mono deadline,
	    struct berth_buf *signature, struct berth_why *why)
{
	uint8_t room[ANSWER_MAX];
	for (;;) {
		int64_t left = deadline.ms - berth_clock_mono().ms;
		size_t n = 0;
		enum berth_err err = berth_channel_receive(signer->fd, room, sizeof(room), &n, NULL,
							   left > 0 ? left : 1);
		if (err) {
			return err;
		}
		struct berth_ipc ipc;
		err = berth_ipc_decode_signature(berth_bytes_of(room, n), &ipc, why);
		if (err) {
			return err;
		}
		if (ipc.id == signer->last_id) {
			return take_answer(&ipc, signature, why);
		}
		/* An answer to a question whose time was over. */
	}
}

enum berth_err
berth_tls_signer_exchange(void *context, const char *name, struct berth_bytes message,
			  struct berth_buf *signature, struct berth_why *why)
{
	(void)name; /* this channel leads to one key */
	struct berth_tls_signer *signer = context;
	if (signer->fd < 0) {
		return berth_fail(why, BERTH_E_UNREACHABLE, "tls-signer-down", NULL,
				  "the TLS signer is not running");
	}
	struct berth_mono deadline =
		berth_mono_after_ms(berth_clock_mono(), BERTH_SIGNER_TIMEOUT_MS);
	BERTH_BUF packet = {0};
	enum berth_err err = berth_ipc_put_sign(&packet, ++signer->last_id, 0, message);
	err = err ? err
		  : berth_channel_send(signer->fd, berth_buf_view(&packet), -1,
				       BERTH_SIGNER_TIMEOUT_MS);
	struct berth_why found = {0};
	err = err ? err : wait_answer(signer, deadline, signature, &found);
	if (err == BERTH_E_UNREACHABLE) {
		berth_tls_signer_set(signer, -1);
	}
	if (err && found.rule) {
		if (why) {
			*why = found;
		}
		return err;
	}
	return err ? berth_fail(why, err, "tls-signer-silent", NULL,
				"the TLS signer did not answer (%s)", berth_err_name(err))
		   : BERTH_OK;
}
