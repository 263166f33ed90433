/* fuzz: berth_dpp_enrollee_input berth_dpp_configurator_input */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An enrollee and a Configurator that share a key, and somebody between them (support/dpp_between.h). Whatever happens, the enrollee
 * is offered what the Configurator gave and nothing else, the Configurator hears what the enrollee said, and an answer is for the key that the
 * enrollee has.
 *
 *	input: flags u8 { version 1 2 3: 3, answer: OK 0, CSR first 4, new key first 8, refusal 12, late 16, connection 32,
 *	       keys that differ 64 }, then commands
 */
#include "protocol/dpp/configurator.h"

#include "fuzz.h"
#include "pki/keystore/keystore.h"
#include "protocol/dpp/enrollee.h"
#include "support/dpp_between.h"
#include "support/dpp_fixture.h"

enum { ENROLLEE, CONFIGURATOR };
enum { ANSWERS_OK = 0, WANTS_CSR = 4, WANTS_KEY = 8, REFUSES = 12 };
enum { IS_LATE = 16, WANTS_CONNECTION = 32, KEYS_DIFFER = 64 };

static struct berth_pki *pki;
static struct berth_key *c_sign;
static struct berth_ec_point c_sign_point;

struct pair {
	struct dpp_between between;
	struct dpp_random random;
	struct berth_dpp_enrollee *enrollee;
	struct berth_dpp_configurator *configurator;
	uint8_t flags, version;
	unsigned answers;
	bool has_given, has_offer, has_decided, is_enrolled;
	struct berth_ec_point given_for;
	struct berth_buf given; /* the object */
};

static void
share(struct pair *p, struct berth_dpp_secrets secrets[2])
{
	struct berth_random source = dpp_random_source(&p->random);
	uint8_t octets[32];

	for (int side = 0; side < 2; side++) {
		struct berth_dpp_secrets *s = &secrets[side];
		*s = (struct berth_dpp_secrets){.curve = BERTH_EC_P256, .version = p->version};
		s->role = side == ENROLLEE ? BERTH_DPP_ENROLLEE : BERTH_DPP_CONFIGURATOR;
		fuzz_assert(berth_ec_generate(pki, BERTH_EC_P256, &source, &s->scalar, &s->own_key,
					      NULL) == BERTH_OK);
		memset(octets, 0x11, sizeof(octets));
		fuzz_assert(berth_secret_copy(&s->bk, berth_bytes_of(octets, 32)) == BERTH_OK);
		memset(octets, (p->flags & KEYS_DIFFER) != 0 ? 0x22 + side : 0x22, sizeof(octets));
		fuzz_assert(berth_secret_copy(&s->ke, berth_bytes_of(octets, 32)) == BERTH_OK);
	}
	secrets[0].peer_key = secrets[1].own_key;
	secrets[1].peer_key = secrets[0].own_key;
}

static void
build_object(struct pair *p, const struct berth_ec_point *key)
{
	const struct berth_dpp_connector connector = {
		.groups = {{"lab", BERTH_DPP_STA}},
		.group_count = 1,
		.key = *key,
		.expiry = {1900000000},
	};
	BERTH_BUF payload = {0};
	BERTH_BUF jws = {0};

	fuzz_assert(berth_dpp_connector_write(&connector, &payload, NULL) == BERTH_OK);
	fuzz_assert(berth_dpp_connector_sign(pki, c_sign, berth_buf_view(&payload), &jws, NULL,
					     NULL) == BERTH_OK);
	const struct berth_dpp_object object = {
		.akm = BERTH_DPP_AKM_DPP,
		.ssid = BERTH_LIT("net-x"),
		.connector = berth_buf_view(&jws),
		.has_c_sign = true,
		.c_sign = c_sign_point,
	};
	berth_buf_clear(&p->given);
	fuzz_assert(berth_dpp_object_write(pki, &object, &p->given, NULL) == BERTH_OK);
}

static void
give(struct pair *p, const struct berth_ec_point *key)
{
	struct berth_dpp_configurator_answer answer = {.status = BERTH_DPP_OK,
						       .csr_attributes = BERTH_LIT("\x30\x00"),
						       .new_key_curve = BERTH_EC_P384};
	struct berth_bytes view = BERTH_BYTES_NONE;
	int first = p->answers++ == 0 ? p->flags & REFUSES : ANSWERS_OK;

	p->given_for = *key;
	if (first == WANTS_CSR)
		answer.status = BERTH_DPP_CSR_NEEDED;
	else if (first == WANTS_KEY)
		answer.status = BERTH_DPP_NEW_KEY_NEEDED;
	else if (first == REFUSES)
		answer.status = BERTH_DPP_CONFIGURE_FAILURE;
	else {
		build_object(p, key);
		view = berth_buf_view(&p->given);
		answer.objects = &view;
		answer.object_count = 1;
		p->has_given = true;
	}
	fuzz_assert(berth_dpp_configurator_answer(p->configurator, p->between.now, &answer, NULL) ==
		    BERTH_OK);
}

static void
settle_configurator(struct pair *p)
{
	struct berth_dpp_configurator_event event;
	struct berth_bytes body;

	while (berth_dpp_configurator_event(p->configurator, &event)) {
		switch (event.kind) {
		case BERTH_DPP_CONFIGURE:
			if ((p->flags & IS_LATE) == 0)
				give(p, event.net_access_key);
			else
				p->given_for = *event.net_access_key;
			break;
		case BERTH_DPP_RESULT:
			/* it has said so, and only where it was offered something */
			fuzz_assert(p->has_given && p->version > 1);
			fuzz_assert(event.status != BERTH_DPP_OK || p->has_decided);
			break;
		case BERTH_DPP_CONNECTION:
			fuzz_assert(p->is_enrolled && event.status == BERTH_DPP_OK);
			break;
		case BERTH_DPP_CONFIGURED:
			fuzz_assert(p->has_given);
			break;
		case BERTH_DPP_CONFIGURATION_FAILED:
			fuzz_assert(event.why.rule != NULL);
			break;
		}
	}
	while (berth_dpp_configurator_output(p->configurator, &body))
		dpp_between_said(&p->between, body);
}

static void
judge_offer(struct pair *p, const struct berth_dpp_offer *offer)
{
	fuzz_assert(p->has_given && !p->has_offer && (p->flags & KEYS_DIFFER) == 0);
	fuzz_assert(offer->count == 1);
	fuzz_assert(berth_ec_equal(&offer->net_access_key, &p->given_for));
	fuzz_assert(berth_ec_equal(&offer->connectors[0].key, &p->given_for));
	fuzz_assert(berth_bytes_equal_text(offer->objects[0].ssid, "net-x"));
	p->has_offer = true;
}

static void
settle_enrollee(struct pair *p)
{
	struct berth_dpp_enrollee_event event;
	struct berth_bytes body;

	while (berth_dpp_enrollee_event(p->enrollee, &event)) {
		switch (event.kind) {
		case BERTH_DPP_CSR_WANTED:
			fuzz_assert(berth_dpp_enrollee_csr(p->enrollee, p->between.now,
							   BERTH_LIT("\x30\x01\x05"),
							   NULL) == BERTH_OK);
			break;
		case BERTH_DPP_OFFERED:
			judge_offer(p, event.offer);
			p->has_decided = true;
			fuzz_assert(berth_dpp_enrollee_decide(p->enrollee, p->between.now, true,
							      NULL) == BERTH_OK);
			break;
		case BERTH_DPP_ENROLLED:
			fuzz_assert(p->has_offer);
			p->is_enrolled = true;
			break;
		case BERTH_DPP_ENROLMENT_FAILED:
			fuzz_assert(event.why.rule != NULL);
			break;
		}
	}
	while (berth_dpp_enrollee_output(p->enrollee, &body))
		dpp_between_said(&p->between, body);
	if (p->is_enrolled &&
	    berth_dpp_enrollee_connected(p->enrollee, BERTH_DPP_OK, BERTH_LIT("net-x"), NULL) ==
		    BERTH_OK &&
	    berth_dpp_enrollee_output(p->enrollee, &body))
		dpp_between_said(&p->between, body);
}

static void
settle(struct pair *p, int side)
{
	if (side == ENROLLEE)
		settle_enrollee(p);
	else
		settle_configurator(p);
}

static void
take(struct dpp_between *between, int side, const struct berth_dpp_frame *frame)
{
	struct pair *p = (struct pair *)between;
	struct berth_why why = {0};
	enum berth_err err =
		side == ENROLLEE
			? berth_dpp_enrollee_input(p->enrollee, between->now, frame, &why)
			: berth_dpp_configurator_input(p->configurator, between->now, frame, &why);

	fuzz_assert(err == BERTH_OK || why.rule != NULL);
	settle(p, side);
}

static void
tick(struct dpp_between *between, int side)
{
	struct pair *p = (struct pair *)between;

	if (side == ENROLLEE)
		berth_dpp_enrollee_tick(p->enrollee, between->now);
	else
		berth_dpp_configurator_tick(p->configurator, between->now);
	settle(p, side);
}

static void
start(struct pair *p)
{
	struct berth_dpp_secrets secrets[2];
	const struct berth_dpp_configurator_conf configurator = {
		.pki = pki,
		.random = dpp_random_source(&p->random),
		.wants_connection_status = (p->flags & WANTS_CONNECTION) != 0,
		.comeback_ms = (p->flags & IS_LATE) != 0 ? 1000 : 0,
	};
	const struct berth_dpp_enrollee_conf enrollee = {
		.pki = pki,
		.random = dpp_random_source(&p->random),
		.request = {.name = BERTH_LIT("pump-7"), .net_role = BERTH_DPP_STA},
		.trusts_clock = true,
		.now = {1800000000},
		.dialog = 5,
	};

	share(p, secrets);
	fuzz_assert(berth_dpp_configurator_start(&configurator, &secrets[1], p->between.now,
						 &p->configurator, NULL) == BERTH_OK);
	fuzz_assert(berth_dpp_enrollee_start(&enrollee, &secrets[0], p->between.now, &p->enrollee,
					     NULL) == BERTH_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pair p = {.between = {.take = take, .tick = tick, .now = {1000}},
			 .random = {.seed = 4}};

	if (pki == NULL) {
		fuzz_assert(berth_pki_open(&pki, NULL) == BERTH_OK);
		fuzz_assert(berth_keystore_ephemeral(pki, "P-256", &c_sign, NULL) == BERTH_OK);
		fuzz_assert(berth_ec_of_key(pki, c_sign, &c_sign_point, NULL) == BERTH_OK);
	}
	if (size < 1)
		return 0;
	p.flags = data[0];
	p.version = (data[0] & 3) == 0 ? 1 : data[0] & 3;
	start(&p);
	settle(&p, ENROLLEE);
	/* late: whatever is asked for is given half-way */
	size_t half = (p.flags & IS_LATE) != 0 ? (size - 1) / 8 * 4 : size - 1;
	dpp_between_run(&p.between, data + 1, half);
	if (half < size - 1) {
		struct berth_why why = {0};
		BERTH_BUF none = {0};
		if (p.given_for.xy[0] != 0 || p.given_for.xy[1] != 0) {
			build_object(&p, &p.given_for);
			struct berth_bytes view = berth_buf_view(&p.given);
			enum berth_err err = berth_dpp_configurator_answer(
				p.configurator, p.between.now,
				&(struct berth_dpp_configurator_answer){.status = BERTH_DPP_OK,
									.objects = &view,
									.object_count = 1},
				&why);
			p.has_given = p.has_given || err == BERTH_OK;
		}
		settle(&p, CONFIGURATOR);
		dpp_between_run(&p.between, data + 1 + half, size - 1 - half);
	}
	berth_dpp_enrollee_end(p.enrollee);
	berth_dpp_configurator_end(p.configurator);
	berth_buf_free(&p.given);
	dpp_between_end(&p.between);
	return 0;
}
