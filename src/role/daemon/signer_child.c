/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/daemon/child.h"

#include <stdlib.h>
#include <unistd.h>

#include "role/daemon/tls_shape.h"
#include "system/clock.h"

/*
 * The two signers. The daemon's signs what its role knows how to make, asked by the judge; the TLS signer signs
 * handshakes, asked by the net processes. Neither has a socket, and only the first may write (its log).
 */
struct signer;

#define TOGETHER_MAX                                                                               \
	16 /* requests signed before the first is answered: a batch of the judge has about as many */

struct peer {
	struct signer *signer;
	struct berth_link *link;
};

struct signer {
	struct berth_child *child;
	struct berth_pki *pki;
	struct berth_key *tls_key; /* TLS signer */
	void *role;		   /* daemon's signer */
	struct peer peers[BERTH_NET_PROCESSES_MAX];
	struct berth_log_limit refusals;
};

static enum berth_err
sign_handshake(struct signer *signer, const struct berth_ipc_sign *ask, struct berth_buf *object,
	       struct berth_why *why)
{
	enum berth_err err = berth_tls_shape_check(ask->payload, why);
	return err ? err : berth_key_sign(signer->tls_key, ask->payload, object, why);
}

static enum berth_err
sign(struct signer *signer, const struct berth_ipc_sign *ask, struct berth_buf *object,
     struct berth_why *why)
{
	if (signer->child->kind == BERTH_CHILD_TLS_SIGNER) {
		return sign_handshake(signer, ask, object, why);
	}
	return signer->child->daemon->signer->sign(signer->role, ask->op, ask->payload,
						   berth_clock_now(), object, why);
}

static void
log_refusal(struct signer *signer, const struct berth_why *why)
{
	uint64_t suppressed = 0;
	if (berth_log_allows(&signer->refusals, berth_clock_mono(), &suppressed)) {
		berth_log_why(&signer->child->log, BERTH_LOG_WARNING, "signature.refused", why,
			      "process", berth_child_name(signer->child->kind), NULL);
	}
}

/* One request that was taken, with what its answer will be once the role has settled. */
struct taken {
	uint64_t id;
	struct berth_buf object;
	struct berth_why why; /* err set: refused */
};

/* False: it was no request, and has no answer. */
static bool
take(struct signer *signer, struct berth_bytes packet, struct taken *ret)
{
	struct berth_ipc ipc;
	*ret = (struct taken){0};
	if (berth_ipc_decode_for_signer(packet, &ipc, &ret->why)) {
		log_refusal(signer, &ret->why);
		return false;
	}
	ret->id = ipc.id;
	ret->why.err = sign(signer, &ipc.sign, &ret->object, &ret->why);
	if (ret->why.err) {
		log_refusal(signer, &ret->why);
	}
	return true;
}

static enum berth_err
settle(struct signer *signer, struct berth_why *why)
{
	const struct berth_signer_role *role = signer->child->daemon->signer;
	if (signer->child->kind == BERTH_CHILD_TLS_SIGNER || !role->settle) {
		return BERTH_OK;
	}
	enum berth_err err = role->settle(signer->role, why);
	if (err) {
		why->err = err;
		log_refusal(signer, why);
	}
	return err;
}

static void
answer(struct peer *peer, struct taken *taken, const struct berth_why *unsettled)
{
	BERTH_BUF reply = {0};
	const struct berth_why *why = taken->why.err ? &taken->why : unsettled;
	struct berth_bytes released = why ? BERTH_BYTES_NONE : berth_buf_view(&taken->object);
	enum berth_err err = berth_ipc_put_signature(&reply, taken->id, released, why);
	err = err ? err : berth_link_send(peer->link, berth_buf_view(&reply));
	if (err) {
		berth_log(&peer->signer->child->log, BERTH_LOG_ERROR, "signature.lost", "reason",
			  berth_err_name(err), NULL);
	}
}

/* All that wait, up to a number: the disk is waited for once for them, and only then does the first answer leave. */
static void
on_ask(void *context)
{
	struct peer *peer = context;
	struct berth_bytes packet;
	struct taken taken[TOGETHER_MAX];
	struct berth_why unsettled = {0};
	size_t n = 0;
	size_t received = 0;
	while (received < TOGETHER_MAX &&
	       berth_link_receive(peer->link, &packet, NULL) == BERTH_OK) {
		received++;
		n += take(peer->signer, packet, &taken[n]) ? 1 : 0;
	}
	enum berth_err err = n > 0 ? settle(peer->signer, &unsettled) : BERTH_OK;
	for (size_t i = 0; i < n; i++) {
		answer(peer, &taken[i], err ? &unsettled : NULL);
		berth_buf_free(&taken[i].object);
	}
}

static void
on_down(void *context)
{
	(void)context; /* the parent plumbs a new one when it has started the other end again */
}

static void
on_link(void *context, enum berth_ipc_edge edge, uint32_t index, int fd)
{
	struct signer *signer = context;
	bool is_tls = signer->child->kind == BERTH_CHILD_TLS_SIGNER;
	if (edge != (is_tls ? BERTH_EDGE_NET : BERTH_EDGE_FROM_JUDGE) ||
	    index >= (is_tls ? BERTH_NET_PROCESSES_MAX : 1) ||
	    berth_link_set(signer->peers[index].link, fd)) {
		berth_log(&signer->child->log, BERTH_LOG_ERROR, "control.bad", NULL);
	}
}

static void
on_drain(void *context)
{
	struct signer *signer = context;
	berth_loop_stop(signer->child->loop);
}

static enum berth_err
open_peers(struct signer *signer, struct berth_why *why)
{
	for (size_t i = 0; i < BERTH_NET_PROCESSES_MAX; i++) {
		struct peer *peer = &signer->peers[i];
		peer->signer = signer;
		const struct berth_link_conf conf = {
			.loop = signer->child->loop,
			.room = signer->child->room,
			.readable = on_ask,
			.down = on_down,
			.context = peer,
		};
		if (berth_link_open(&conf, &peer->link)) {
			return berth_fail(why, BERTH_E_MEMORY, "child-start", NULL,
					  "out of memory");
		}
	}
	return BERTH_OK;
}

static enum berth_err
load(struct signer *signer, struct berth_why *why)
{
	struct berth_child *child = signer->child;
	if (child->kind == BERTH_CHILD_TLS_SIGNER) {
		return berth_keystore_load(signer->pki, child->conf->tls_key, &signer->tls_key,
					   why);
	}
	return child->daemon->signer->start(signer->pki, child->settings, &signer->role, why);
}

static enum berth_err
start(struct signer *signer, struct berth_why *why)
{
	struct berth_child *child = signer->child;
	struct berth_sandbox sandbox = {
		.sockets = BERTH_SANDBOX_NO_SOCKETS,
		.holds_secrets = true,
	};
	if (child->kind == BERTH_CHILD_SIGNER) {
		sandbox.write[0] = child->conf->state_directory;
		sandbox.write[1] = child->conf->token_directory;
	}
	enum berth_err err = berth_pki_open(&signer->pki, why);
	err = err ? err : load(signer, why);
	err = err ? err : open_peers(signer, why);
	return err ? err : berth_child_confine(child, &sandbox, why);
}

static void
end(struct signer *signer)
{
	for (size_t i = 0; i < BERTH_NET_PROCESSES_MAX; i++) {
		berth_link_close(signer->peers[i].link);
	}
	if (signer->role) {
		signer->child->daemon->signer->end(signer->role);
	}
	berth_key_free(signer->tls_key);
	berth_pki_close(signer->pki);
}

int
berth_signer_child_run(struct berth_child *child)
{
	struct signer signer = {
		.child = child,
		.refusals = {.burst = 10, .interval_ms = 1000},
	};
	struct berth_why why = {0};
	child->on_link = on_link;
	child->on_drain = on_drain;
	/* cppcheck-suppress autoVariables ; the loop ends before it does */
	child->context = &signer;
	int status = 0;
	if (start(&signer, &why)) {
		status = berth_child_fail(child, &why);
	} else {
		berth_child_say_ready(child);
		berth_loop_run(child->loop);
	}
	end(&signer);
	return status;
}
