/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/peer.h"

#define SECTION "RFC 8995 5.1"

const char *
berth_peer_kind_name(enum berth_peer_kind kind)
{
	static const char *const names[] = {
		[BERTH_PEER_NONE] = "none",
		[BERTH_PEER_IDEVID] = "idevid",
		[BERTH_PEER_LDEVID] = "ldevid",
		[BERTH_PEER_UNTRUSTED] = "untrusted",
	};
	return names[kind];
}

/* An anchor whose name one of the chain's certificates gives as its issuer, or that is in the chain itself. */
static bool
may_reach(const struct berth_cert_list *chain, const struct berth_cert_list *anchors)
{
	for (size_t a = 0; a < anchors->n; a++) {
		struct berth_bytes name = berth_cert_subject_der(anchors->at[a]);
		for (size_t c = 0; c < chain->n; c++)
			if (berth_bytes_equal(berth_cert_issuer_der(chain->at[c]), name) ||
			    berth_bytes_equal(berth_cert_subject_der(chain->at[c]), name))
				return true;
	}
	return false;
}

static enum berth_err
name_issuer(struct berth_pki *pki, struct berth_peer *peer, const struct berth_cert_list *path)
{
	struct berth_bytes id = berth_cert_aki_key_id(peer->chain.at[0]);
	if (id.n > 0 && id.n <= sizeof(peer->issuer_key_id)) {
		memcpy(peer->issuer_key_id, id.p, id.n);
		peer->issuer_key_id_n = id.n;
		return BERTH_OK;
	}
	const struct berth_cert *issuer = path->n > 1 ? path->at[1] : path->at[0];
	peer->issuer_key_id_n = BERTH_SHA256_BYTES;
	return berth_sha256(pki, berth_key_spki(berth_cert_key(issuer)), peer->issuer_key_id);
}

/* req: rfc8995-2.3-expiry */
static enum berth_err
check_path(struct berth_pki *pki, struct berth_peer *peer, const struct berth_cert_list *anchors,
	   bool ignore_time, struct berth_wall now)
{
	const struct berth_path_check check = {
		.leaf = peer->chain.at[0],
		.untrusted = &peer->chain,
		.anchors = anchors,
		.at = now,
		.ignore_time = ignore_time,
		.require_eku = BERTH_EKU_CLIENT_AUTH,
	};
	BERTH_CERT_LIST path = {0};
	enum berth_err err = berth_path_verify(pki, &check, &path, &peer->why);
	return err ? err : name_issuer(pki, peer, &path);
}

/* True when this maker's anchors answer for the certificate, for good or ill. */
static bool
try_manufacturer(struct berth_pki *pki, struct berth_peer *peer,
		 const struct berth_manufacturer *maker, struct berth_wall now)
{
	if (!may_reach(&peer->chain, &maker->anchors) ||
	    check_path(pki, peer, &maker->anchors, maker->ignore_expiry, now) != BERTH_OK)
		return false;
	peer->serial_number = berth_identity_serial(maker->identity, peer->chain.at[0]);
	if (peer->serial_number.n == 0) {
		berth_ignore(
			berth_fail(&peer->why, BERTH_E_UNTRUSTED, "rfc8995-2.3.1-no-serial-number",
				   "RFC 8995 2.3.1",
				   "the IDevID has no serial number where manufacturer %s puts it; "
				   "see identity= in its section",
				   maker->name),
			"the reason is the result");
		return true;
	}
	peer->manufacturer = maker;
	peer->kind = BERTH_PEER_IDEVID;
	return true;
}

static bool
try_domain(struct berth_pki *pki, struct berth_peer *peer, const struct berth_cert_list *domain,
	   struct berth_wall now)
{
	if (domain == NULL || !may_reach(&peer->chain, domain) ||
	    check_path(pki, peer, domain, false, now) != BERTH_OK)
		return false;
	peer->serial_number = berth_cert_subject_serial_number(peer->chain.at[0]);
	peer->kind = BERTH_PEER_LDEVID;
	return true;
}

/* By name and key identifier; a CA of ours writes both. */
static bool
names_domain_as_issuer(const struct berth_cert *leaf, const struct berth_cert_list *domain)
{
	struct berth_bytes id = berth_cert_aki_key_id(leaf);
	for (size_t i = 0; domain != NULL && id.n > 0 && i < domain->n; i++)
		if (berth_bytes_equal(id, berth_cert_ski(domain->at[i])) &&
		    berth_bytes_equal(berth_cert_issuer_der(leaf),
				      berth_cert_subject_der(domain->at[i])))
			return true;
	return false;
}

static enum berth_err
no_certificate(struct berth_peer *peer)
{
	peer->kind = BERTH_PEER_NONE;
	berth_ignore(berth_fail(&peer->why, BERTH_E_UNTRUSTED, "rfc8995-5.1-no-client-certificate",
				SECTION, "no TLS client certificate: a pledge shows its IDevID"),
		     "the reason is the result");
	return BERTH_OK;
}

/* req: rfc8995-5.1-client-certificate, rfc7030-3.3.2-client */
enum berth_err
berth_peer_identify(struct berth_pki *pki, const struct berth_peer_trust *trust,
		    const struct berth_tls_facts *tls, struct berth_wall now,
		    struct berth_peer *ret, struct berth_why *why)
{
	*ret = (struct berth_peer){.kind = BERTH_PEER_UNTRUSTED};
	if (tls->peer_count == 0)
		return no_certificate(ret);
	enum berth_err err = berth_cert_list_from_chain(pki, tls->peer_chain, tls->peer_count,
							&ret->chain, &ret->why);
	if (err == BERTH_E_MEMORY)
		return berth_fail(why, err, "memory", NULL, "out of memory");
	if (err) {
		berth_cert_list_free(&ret->chain);
		return BERTH_OK;
	}
	/* A maker may have the same root as we: what we issued is no birth certificate, or it could not be revoked. */
	bool is_ours = names_domain_as_issuer(ret->chain.at[0], trust->domain);
	for (size_t i = 0; !is_ours && i < trust->manufacturer_count; i++)
		if (try_manufacturer(pki, ret, &trust->manufacturers[i], now))
			return BERTH_OK;
	if (ret->why.err == BERTH_OK && try_domain(pki, ret, trust->domain, now))
		return BERTH_OK;
	if (ret->why.err == BERTH_OK)
		berth_ignore(berth_fail(&ret->why, BERTH_E_UNTRUSTED,
					"rfc8995-5.1-unknown-manufacturer", SECTION,
					"no configured manufacturer answers for the certificate "
					"%.60s, issued by "
					"%.60s; add a [manufacturer] section with its anchors",
					berth_cert_subject_text(ret->chain.at[0]),
					berth_cert_issuer_text(ret->chain.at[0])),
			     "the reason is the result");
	return BERTH_OK;
}

/* req: rfc5280-6.3-revoked */
enum berth_err
berth_peer_check_standing(const struct berth_peer *peer, const struct berth_peer_standing *standing,
			  struct berth_why *why)
{
	if (peer->kind != BERTH_PEER_LDEVID)
		return BERTH_OK;
	if (!standing->is_known)
		return berth_fail(why, BERTH_E_DENIED, "peer-not-issued", "RFC 5280 6.3",
				  "the certificate %.80s is of this domain's CA, but not in this "
				  "registrar's records; the device must onboard again",
				  berth_cert_subject_text(peer->chain.at[0]));
	if (standing->is_revoked)
		return berth_fail(why, BERTH_E_DENIED, "credential-revoked", "RFC 5280 6.3",
				  "the certificate %.80s was revoked",
				  berth_cert_subject_text(peer->chain.at[0]));
	return BERTH_OK;
}

/* The OU of a birth certificate is its maker's and says nothing here. */
enum berth_err
berth_peer_check_role(const struct berth_peer *peer, bool is_open_to_all, struct berth_why *why)
{
	if (peer->kind != BERTH_PEER_LDEVID || is_open_to_all ||
	    !berth_bytes_equal_text(berth_cert_subject_unit(peer->chain.at[0]),
				    BERTH_PEER_GATEWAY_UNIT))
		return BERTH_OK;
	return berth_fail(why, BERTH_E_DENIED, "peer-role", NULL,
			  "the certificate %.80s is a gateway's; it does not open this",
			  berth_cert_subject_text(peer->chain.at[0]));
}

/* req: gateway-certificate */
enum berth_err
berth_peer_check_gateway(const struct berth_peer *peer, struct berth_why *why)
{
	if (peer->kind == BERTH_PEER_LDEVID &&
	    berth_bytes_equal_text(berth_cert_subject_unit(peer->chain.at[0]),
				   BERTH_PEER_GATEWAY_UNIT))
		return BERTH_OK;
	return berth_fail(why, BERTH_E_DENIED, "peer-not-gateway", NULL,
			  "this is for gateways alone: it needs a certificate of this domain with "
			  "OU=" BERTH_PEER_GATEWAY_UNIT ", which a policy rule with role = gateway "
			  "gives");
}

void
berth_peer_free(struct berth_peer *peer)
{
	if (peer == NULL)
		return;
	berth_cert_list_free(&peer->chain);
	*peer = (struct berth_peer){0};
}
