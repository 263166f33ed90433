/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is at the other end of TLS: a device with its birth certificate of a manufacturer we know (IDevID), a device
 * with a certificate of our own (LDevID), or somebody else, with the reason. The TLS layer accepts any certificate;
 * this is where it is judged, once per connection: the shell keeps the result by (connection, end entity).
 */
#ifndef BERTH_PROTOCOL_BRSKI_PEER_H
#define BERTH_PROTOCOL_BRSKI_PEER_H

#include "protocol/brski/manufacturer.h"

enum berth_peer_kind {
	BERTH_PEER_NONE, /* no client certificate */
	BERTH_PEER_IDEVID,
	BERTH_PEER_LDEVID,
	BERTH_PEER_UNTRUSTED, /* why says why */
};
const char *berth_peer_kind_name(
	enum berth_peer_kind kind); /* "none" "idevid" "ldevid" "untrusted" */

/* Whom a registrar trusts; borrowed. */
struct berth_peer_trust {
	const struct berth_manufacturer *manufacturers;
	size_t manufacturer_count;
	const struct berth_cert_list *domain; /* anchors of our own certificates */
};

struct berth_peer {
	enum berth_peer_kind kind;
	struct berth_cert_list chain;		       /* as sent, end entity first */
	const struct berth_manufacturer *manufacturer; /* IDevID only */
	/* The device's name within its maker: (issuer key id, serial number); checklist 6. Borrows from chain. */
	struct berth_bytes serial_number;
	uint8_t issuer_key_id
		[64]; /* the AKI's key identifier, else SHA-256 of the issuing key's SPKI */
	size_t issuer_key_id_n;
	struct berth_why why; /* NONE and UNTRUSTED */
};

/* Only memory and our own limits can make it fail; a bad certificate is an answer (UNTRUSTED), not an error. */
enum berth_err berth_peer_identify(struct berth_pki *pki, const struct berth_peer_trust *trust,
				   const struct berth_tls_facts *tls, struct berth_wall now,
				   struct berth_peer *ret, struct berth_why *why) BERTH_MUST;
void berth_peer_free(struct berth_peer *peer);

/* What the owner's own records say of an LDevID now. */
struct berth_peer_standing {
	bool is_known; /* issued here, and released */
	bool is_revoked;
};
/*
 * Asked anew for each request, whatever was found out about the connection: a certificate that was revoked, or that the
 * records do not have, opens nothing. OK for every other kind of peer. DENIED.
 */
enum berth_err berth_peer_check_standing(const struct berth_peer *peer,
					 const struct berth_peer_standing *standing,
					 struct berth_why *why) BERTH_MUST;

#define BERTH_PEER_GATEWAY_UNIT                                                                    \
	"gateway" /* OU of the certificates of gateways; no other has one of this name */
/*
 * The certificate of a role opens that role's interface and no other. is_open_to_all: what every holder of one of our
 * certificates may do with it, to renew it and to tell of it. DENIED.
 */
enum berth_err berth_peer_check_role(const struct berth_peer *peer, bool is_open_to_all,
				     struct berth_why *why) BERTH_MUST;
/* What is for gateways alone. DENIED. */
enum berth_err berth_peer_check_gateway(const struct berth_peer *peer,
					struct berth_why *why) BERTH_MUST;

static inline const struct berth_cert *
berth_peer_cert(const struct berth_peer *peer)
{
	return peer->chain.n == 0 ? NULL : peer->chain.at[0];
}
static inline struct berth_bytes
berth_peer_issuer(const struct berth_peer *peer)
{
	return berth_bytes_of(peer->issuer_key_id, peer->issuer_key_id_n);
}

#endif
