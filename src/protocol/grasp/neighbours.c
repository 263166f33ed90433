/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/grasp/neighbours.h"

#define SECTION "RFC 8990 2.5.2"

void
berth_grasp_neighbours_start(struct berth_grasp_neighbours *n, enum berth_grasp_name wanted,
			     bool accepts_unique_local)
{
	*n = (struct berth_grasp_neighbours){.wanted = wanted,
					     .accepts_unique_local = accepts_unique_local};
}

static bool
is_link_local(const uint8_t *address)
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

static bool
is_unique_local(const uint8_t *address)
{
	return (address[0] & 0xfe) == 0xfc;
}

/*
 * A link-local locator is the speaker's own: nobody sends devices to his neighbour. What a router in between passed on
 * names an address that is not of this link; whoever takes that trusts everybody on the link to name hosts.
 */
/* req: rfc8995-4.1.1-link-local */
static enum berth_err
check_address(const struct berth_grasp_neighbours *n, const struct berth_grasp_offer *offer,
	      const uint8_t *source, struct berth_why *why)
{
	if (is_link_local(offer->address)) {
		if (memcmp(offer->address, source, BERTH_GRASP_ADDRESS_BYTES) == 0) {
			return BERTH_OK;
		}
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-4.1.1-other-address",
				  "RFC 8995 4.1.1", "it names the link-local address of another");
	}
	if (n->accepts_unique_local && is_unique_local(offer->address)) {
		return BERTH_OK;
	}
	return berth_fail(why, BERTH_E_DENIED, "rfc8995-4.1.1-link-local", "RFC 8995 4.1.1",
			  "it names an address that is not of this link");
}

static struct berth_grasp_known *
find(struct berth_grasp_neighbours *n, unsigned interface, const struct berth_grasp_offer *offer)
{
	for (size_t i = 0; i < BERTH_GRASP_NEIGHBOURS_MAX; i++) {
		struct berth_grasp_known *known = &n->known[i];
		if (known->is_used && known->neighbour.interface == interface &&
		    known->neighbour.offer.port == offer->port &&
		    memcmp(known->neighbour.offer.address, offer->address,
			   sizeof(offer->address)) == 0) {
			return known;
		}
	}
	return NULL;
}

/* A place, unless this source or this interface has taken its share. */
static struct berth_grasp_known *
place(struct berth_grasp_neighbours *n, unsigned interface, const uint8_t *source,
      struct berth_why *why)
{
	struct berth_grasp_known *free_one = NULL;
	size_t of_interface = 0;
	size_t of_source = 0;
	for (size_t i = 0; i < BERTH_GRASP_NEIGHBOURS_MAX; i++) {
		struct berth_grasp_known *known = &n->known[i];
		if (!known->is_used) {
			free_one = known;
			continue;
		}
		of_interface += known->neighbour.interface == interface;
		of_source += known->neighbour.interface == interface &&
			     memcmp(known->source, source, BERTH_GRASP_ADDRESS_BYTES) == 0;
	}
	if (of_source < BERTH_GRASP_NEIGHBOURS_SOURCE_MAX &&
	    of_interface < BERTH_GRASP_NEIGHBOURS_INTERFACE_MAX && free_one) {
		return free_one;
	}
	berth_ignore(berth_fail(why, BERTH_E_LIMIT, "grasp-neighbours", NULL,
				"%zu neighbours of this interface and %zu of this source are known "
				"already",
				of_interface, of_source),
		     "NULL says it");
	return NULL;
}

/* RFC 8990 2.8.11: a session id is used once; a recording played again prolongs nothing. */
/* req: rfc8990-2.8.11-session */
static bool
is_repeated(const struct berth_grasp_known *known, uint32_t session)
{
	const size_t n = known->session_count < BERTH_GRASP_SESSIONS_KEPT
				 ? known->session_count
				 : BERTH_GRASP_SESSIONS_KEPT;
	for (size_t i = 0; i < n; i++) {
		if (known->sessions[i] == session) {
			return true;
		}
	}
	return false;
}

static struct berth_mono
expires(const struct berth_grasp_flood *flood, struct berth_now now)
{
	int64_t ttl = flood->ttl_ms;
	if (ttl == 0 || ttl > BERTH_GRASP_TTL_MAX_MS) {
		ttl = BERTH_GRASP_TTL_MAX_MS;
	}
	return berth_mono_after_ms(now.mono, ttl);
}

static enum berth_err
learn(struct berth_grasp_neighbours *n, struct berth_now now,
      const struct berth_grasp_datagram *datagram, const struct berth_grasp_flood *flood,
      const struct berth_grasp_offer *offer, struct berth_why *why)
{
	const enum berth_err err = check_address(n, offer, datagram->source, why);
	if (err) {
		return err;
	}
	struct berth_grasp_known *known = find(n, datagram->interface, offer);
	if (known && is_repeated(known, flood->session)) {
		return berth_fail(why, BERTH_E_EXISTS, "rfc8990-2.8.11-session", "RFC 8990 2.8.11",
				  "session %u was seen before", (unsigned)flood->session);
	}
	if (!known) {
		known = place(n, datagram->interface, datagram->source, why);
		if (!known) {
			return BERTH_E_LIMIT;
		}
		*known = (struct berth_grasp_known){.is_used = true, .is_news = true};
		known->neighbour.interface = datagram->interface;
		memcpy(known->source, datagram->source, sizeof(known->source));
	}
	known->is_news = known->is_news || known->is_gone ||
			 strcmp(known->neighbour.offer.value, offer->value) != 0;
	known->is_gone = false;
	known->neighbour.offer = *offer;
	known->expires = expires(flood, now);
	known->sessions[known->session_count++ % BERTH_GRASP_SESSIONS_KEPT] = flood->session;
	return BERTH_OK;
}

/* req: rfc8990-2.5.2-source */
enum berth_err
berth_grasp_neighbours_input(struct berth_grasp_neighbours *n, struct berth_now now,
			     const struct berth_grasp_datagram *datagram, struct berth_why *why)
{
	if (!is_link_local(datagram->source)) {
		return berth_fail(why, BERTH_E_DENIED, "rfc8990-2.5.2-source", SECTION,
				  "the source is not a link-local address");
	}
	struct berth_grasp_flood flood;
	enum berth_err err = berth_grasp_flood_decode(datagram->message, &flood, why);
	if (err) {
		return err;
	}
	size_t learnt = 0;
	for (size_t i = 0; i < flood.n; i++) {
		if (flood.at[i].name != n->wanted) {
			continue;
		}
		err = learn(n, now, datagram, &flood, &flood.at[i], why);
		learnt += !err;
	}
	if (learnt || err) {
		return learnt ? BERTH_OK : err;
	}
	if (flood.passed_over_why.err) {
		const struct berth_why *of = &flood.passed_over_why;
		return berth_fail(why, of->err, of->rule, of->section, "%s", of->sentence);
	}
	return berth_fail(why, BERTH_E_NOT_FOUND, "grasp-not-wanted", NULL,
			  "nothing of what is looked for is announced in it");
}

void
berth_grasp_neighbours_tick(struct berth_grasp_neighbours *n, struct berth_now now)
{
	for (size_t i = 0; i < BERTH_GRASP_NEIGHBOURS_MAX; i++) {
		struct berth_grasp_known *known = &n->known[i];
		if (known->is_used && known->expires.ms <= now.mono.ms) {
			known->is_gone = true;
		}
	}
}

struct berth_mono
berth_grasp_neighbours_deadline(const struct berth_grasp_neighbours *n)
{
	struct berth_mono first = BERTH_MONO_NEVER;
	for (size_t i = 0; i < BERTH_GRASP_NEIGHBOURS_MAX; i++) {
		if (n->known[i].is_used && n->known[i].expires.ms < first.ms) {
			first = n->known[i].expires;
		}
	}
	return first;
}

bool
berth_grasp_neighbours_event(struct berth_grasp_neighbours *n, struct berth_grasp_event *ret)
{
	for (size_t i = 0; i < BERTH_GRASP_NEIGHBOURS_MAX; i++) {
		struct berth_grasp_known *known = &n->known[i];
		if (!known->is_used || !(known->is_news || known->is_gone)) {
			continue;
		}
		const struct berth_grasp_event event = {.is_there = !known->is_gone,
							.neighbour = known->neighbour};
		const bool was_told = known->is_told;
		known->is_news = false;
		known->is_told = true;
		known->is_used = !known->is_gone;
		if (event.is_there || was_told) {
			*ret = event;
			return true;
		}
	}
	return false;
}
