/* fuzz: berth_pledge_input berth_pledge_answer */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pledge among registrars whose every answer the bytes choose: waits, redirects, cuts, mistakes, raw bodies, a link
 * that changes. What must hold whatever they do: a rogue never gets further than its voucher, no certificate but
 * the owner's is kept, the machine never spins, and every key is used or forgotten.
 */
#include "protocol/brski/pledge.h"

#include "support/pledge_world.h"

#include "fuzz.h"

#define STEPS_MAX 64 /* longer inputs only repeat */

static struct world *world;

struct input {
	const uint8_t *p;
	size_t n;
};

static uint8_t
next(struct input *in)
{
	if (in->n == 0) {
		return 0;
	}
	in->n--;
	return *in->p++;
}

static void
change_status(struct peer *peer, uint8_t choice)
{
	static const int statuses[] = {200, 307, 403, 404, 500, 200, 204, 200};
	peer->voucher_status = statuses[choice & 7];
	peer->location = "https://192.0.2.1:1002/.well-known/brski/requestvoucher";
	peer->cacerts_status = statuses[(choice >> 3) & 7];
	peer->csrattrs_status = statuses[(choice >> 6) & 3];
}

static void
change_mistake(struct peer *peer, uint8_t choice)
{
	bool *const mistakes[] = {
		&peer->tweaks.other_nonce,
		&peer->tweaks.no_nonce,
		&peer->tweaks.other_serial,
		&peer->tweaks.no_pin,
		&peer->tweaks.revocation_checks,
		&peer->tweaks.has_expired,
		&peer->tweaks.broken_signature,
		&peer->tweaks.other_maker,
		&peer->tweaks.other_domain_ca_set,
		&peer->tweaks.end_entity_in_ca_set,
		&peer->tweaks.issues_for_other_key,
		&peer->tweaks.issues_for_other_serial,
		&peer->tweaks.issues_ca_certificate,
		&peer->tweaks.issues_from_other_ca,
		&peer->tweaks.issues_expired,
		&peer->tweaks.answers_over_other_connection,
		&peer->tweaks.issues_with_broken_signature,
	};
	bool *mistake = mistakes[choice % (sizeof(mistakes) / sizeof(mistakes[0]))];
	*mistake = !*mistake;
}

static void
change_raw(struct peer *peer, struct input *in)
{
	const size_t want = next(in);
	const size_t n = want < in->n ? want : in->n;
	peer->raw = berth_bytes_of(in->p, n);
	in->p += n;
	in->n -= n;
}

static void
change_link(void)
{
	const struct berth_pledge_input changed = {.kind = BERTH_PLEDGE_LINK_CHANGED};
	berth_ignore(berth_pledge_input(world->pledge, world->now, &changed, NULL),
		     "a finished pledge does not care");
}

static void
stray(struct input *in)
{
	const struct berth_pledge_answer answer = {
		.kind = BERTH_PLEDGE_SAVE, .attempt = next(in), .err = BERTH_OK};
	/* Nothing is ever left waiting for an answer here, so every stray one is refused. */
	fuzz_assert(berth_pledge_answer(world->pledge, world->now, &answer, NULL) != BERTH_OK);
}

static void
act(struct input *in)
{
	const uint8_t byte = next(in);
	struct peer *peer = &world->peers[(byte >> 4) % world->peer_count];
	switch (byte & 15) {
	case 0:
		world_run(world, 1);
		return;
	case 1:
		world_run(world, 30);
		return;
	case 2:
		world_run(world, 4000);
		return;
	case 3:
		change_status(peer, next(in));
		return;
	case 4:
		change_mistake(peer, next(in));
		return;
	case 5:
		change_raw(peer, in);
		return;
	case 6:
		peer->voucher_waits = next(in) & 3;
		peer->enroll_waits = next(in) & 3;
		return;
	case 7:
		peer->cut_at = next(in) & 1 ? "/.well-known/est/simpleenroll"
					    : "/.well-known/brski/requestvoucher";
		peer->cuts = next(in) & 7;
		return;
	case 8:
		peer->is_silent = !peer->is_silent;
		return;
	case 9:
		peer->is_unreachable = !peer->is_unreachable;
		return;
	case 10:
		change_link();
		return;
	case 11:
		world_find(world, peer);
		return;
	case 12:
		peer->later = peer->later ? NULL : world->registrar2.cert;
		return;
	case 13:
		world->save_fails = !world->save_fails;
		return;
	case 14:
		stray(in);
		return;
	default:
		world->now.wall_is_trusted = !world->now.wall_is_trusted;
		return;
	}
}

static void
hold(void)
{
	for (size_t i = 0; i < world->peer_count; i++) {
		const struct peer *peer = &world->peers[i];
		if (peer->self == &world->rogue) {
			fuzz_assert(peer_count(peer, "/est/") == 0);
		}
	}
	if (world->is_done) {
		fuzz_assert(world->issued && world->saves > 0);
		fuzz_assert(berth_bytes_equal(berth_cert_issuer_der(world->issued),
					      berth_cert_subject_der(world->owner.cert)));
	}
	fuzz_assert(world->keys_forgotten <= world->keys_made);
	/* No spin: what is due now is done now. */
	fuzz_assert(berth_pledge_deadline(world->pledge).ms > world->now.mono.ms - 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	if (!world) {
		world = world_open();
	}
	world_reset(world);
	world_peer(world);
	world_rogue(world);
	world_peer(world)->self = &world->registrar2;
	world_rogue(world)->voucher_waits = 1;
	fuzz_assert(world_start(world) == BERTH_OK);
	for (size_t i = 0; i < STEPS_MAX && in.n; i++) {
		act(&in);
		world_pump(world);
		hold();
	}
	world_run(world, 60);
	hold();
	return 0;
}
