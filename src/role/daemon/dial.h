/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The net process's outbound side: requests of the judge over HTTPS, each checked against the anchors that came with
 * it. Connections are kept per (host, port, anchors, with certificate or not): a full handshake costs more than
 * the MASA's whole work.
 *
 * A kept connection may have been closed by its peer just then: the request is sent once more, on a new connection, when
 * the old one ended before a byte of an answer. BRSKI's and EST's requests may be repeated (RFC 8995 5.5: the MASA
 * answers the same request alike).
 *
 * A thousand devices at once are no thousand connections to their MASA, which allows one source only so many: of each place
 * so many are open, and who comes when all are in use waits for the next free one, in order and as long as it may.
 */
#ifndef BERTH_ROLE_DAEMON_DIAL_H
#define BERTH_ROLE_DAEMON_DIAL_H

#include "net/http.h"
#include "role/daemon/daemon.h"

#define BERTH_DIAL_PLACES_MAX 64 /* distinct (host, port, anchors, certificate) kept */
#define BERTH_DIAL_CONNECTIONS_MAX                                                                 \
	32 /* in use at one time per place; well below what a server allows one source */
#define BERTH_DIAL_IDLE_MAX                                                                        \
	BERTH_DIAL_CONNECTIONS_MAX /* idle connections per place: all that were in use at once */
#define BERTH_DIAL_IDLE_MS 30000   /* below the usual servers' idle time-outs */
#define BERTH_DIAL_AT_ONCE_MAX 1024

struct berth_dialer;

struct berth_dialer_conf {
	struct berth_loop *loop;
	struct berth_pki *pki;
	const struct berth_cert_list *chain; /* own, for dials with a client certificate */
	struct berth_key *key;
	/* fault NULL when there is an answer. Views borrow until it returns. */
	void (*dialled)(void *context, uint64_t id, const struct berth_http_response *response,
			const struct berth_tls_facts *tls, const struct berth_why *fault);
	void *context;
};

enum berth_err berth_dialer_open(const struct berth_dialer_conf *conf, struct berth_dialer **ret,
				 struct berth_why *why) BERTH_MUST;
void berth_dialer_close(struct berth_dialer *dialer);
/* dialled is called once with id, from the loop or from within this call. */
void berth_dialer_dial(struct berth_dialer *dialer, uint64_t id, const struct berth_dial *dial);
/* Who asked is gone: what is under way ends unreported. */
void berth_dialer_forget(struct berth_dialer *dialer);

#endif
