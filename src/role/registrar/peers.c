/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/peers.h"

#include <stdlib.h>

void
berth_peers_release(struct berth_seen_peer *seen)
{
	if (seen == NULL || --seen->references > 0)
		return;
	berth_peer_free(&seen->peer);
	free(seen);
}

void
berth_peers_end(struct berth_peers *peers)
{
	for (size_t i = 0; i < BERTH_PEERS_MAX; i++) {
		berth_peers_release(peers->at[i]);
		peers->at[i] = NULL;
	}
}

/* The place of a certificate: certificates differ in their last bytes, which are the signature. */
static size_t
place(struct berth_bytes der)
{
	uint32_t h = 2166136261U;
	size_t from = der.n > 16 ? der.n - 16 : 0;
	for (size_t i = from; i < der.n; i++)
		h = (h ^ der.p[i]) * 16777619U;
	return h % BERTH_PEERS_MAX;
}

static struct berth_seen_peer *
take(struct berth_seen_peer *seen, struct berth_now now)
{
	seen->references++;
	seen->used = now.mono;
	return seen;
}

/* What was judged good a minute ago may have ended meanwhile. */
static bool
has_ended(const struct berth_peer *peer, struct berth_wall now)
{
	const bool is_let_off =
		peer->kind == BERTH_PEER_IDEVID && peer->manufacturer->ignore_expiry;
	return !is_let_off && berth_cert_not_after(berth_peer_cert(peer)).s < now.s;
}

enum berth_err
berth_peers_find(struct berth_peers *peers, struct berth_pki *pki,
		 const struct berth_peer_trust *trust, const struct berth_tls_facts *tls,
		 struct berth_now now, struct berth_seen_peer **ret, struct berth_why *why)
{
	struct berth_bytes leaf = tls->peer_count == 0 ? BERTH_BYTES_NONE : tls->peer_chain[0];
	struct berth_seen_peer **slot = &peers->at[place(leaf)];
	struct berth_seen_peer *seen = *slot;
	if (seen != NULL && now.mono.ms - seen->since.ms < BERTH_PEERS_KEPT_MS &&
	    berth_bytes_equal(berth_cert_der(berth_peer_cert(&seen->peer)), leaf) &&
	    !has_ended(&seen->peer, now.wall)) {
		*ret = take(seen, now);
		return BERTH_OK;
	}
	seen = calloc(1, sizeof(*seen));
	if (seen == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	enum berth_err err = berth_peer_identify(pki, trust, tls, now.wall, &seen->peer, why);
	if (err) {
		free(seen);
		return err;
	}
	seen->since = now.mono;
	*ret = take(seen, now);
	if (seen->peer.kind != BERTH_PEER_IDEVID && seen->peer.kind != BERTH_PEER_LDEVID)
		return BERTH_OK;
	berth_peers_release(*slot);
	*slot = seen;
	seen->references++;
	return BERTH_OK;
}
