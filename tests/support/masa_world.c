/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/masa_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define must(expression)                                                                           \
	do {                                                                                       \
		struct berth_why why = {0};                                                        \
		if (expression)                                                                    \
			fail_msg("%s: %s", why.rule, why.sentence);                                \
	} while (0)

struct party
masa_world_party(struct masa_world *w, enum berth_cert_profile profile, const char *name,
		 const char *serial, const struct party *issuer)
{
	static const struct berth_bytes dns[] = {BERTH_LIT_INIT("registrar.example")};
	struct party party = {.key = authority_key(&w->maker, "P-256")};
	struct berth_cert_template wanted = authority_template(&w->maker, profile, name, party.key);

	wanted.serial_number = berth_text(serial);
	if (profile == BERTH_PROFILE_IDEVID) {
		wanted.not_after = BERTH_WALL_NO_EXPIRY;
		wanted.masa_url = BERTH_LIT("masa.example");
	}
	if (profile == BERTH_PROFILE_REGISTRAR || profile == BERTH_PROFILE_SERVER) {
		wanted.dns_names = dns;
		wanted.dns_name_count = 1;
	}
	party.cert = authority_issue_by(&w->maker, &wanted, issuer ? issuer->cert : NULL,
					issuer ? issuer->key : party.key);
	return party;
}

void
masa_world_party_end(struct party *party)
{
	berth_cert_free(party->cert);
	berth_key_free(party->key);
	*party = (struct party){0};
}

static void
make_requests(struct masa_world *w)
{
	w->pvr = (struct berth_voucher){
		.kind = BERTH_VOUCHER_REQUEST_PLEDGE,
		.assertion = BERTH_ASSERTION_PROXIMITY,
		.serial_number = BERTH_LIT(WORLD_SERIAL),
		.nonce = BERTH_LIT("0123456789abcdef"),
		.proximity_registrar_cert = berth_cert_der(w->registrar.cert),
	};
	w->pvr_signer = w->device;
	must(berth_cert_list_add(&w->pvr_others, w->maker.ca, &why));
	w->rvr = (struct berth_voucher){
		.kind = BERTH_VOUCHER_REQUEST_REGISTRAR,
		.assertion = BERTH_ASSERTION_PROXIMITY,
		.has_created_on = true,
		.created_on = w->now,
		.serial_number = BERTH_LIT(WORLD_SERIAL),
		.nonce = w->pvr.nonce,
		.idevid_issuer = berth_cert_aki_value(w->device.cert),
	};
	w->rvr_signer = w->registrar;
	must(berth_cert_list_add(&w->rvr_others, w->domain.cert, &why));
}

void
masa_world_start(struct masa_world *w)
{
	memset(w, 0, sizeof(*w));
	authority_start(&w->maker);
	const struct party maker_ca = {w->maker.ca_key, w->maker.ca};

	w->now = NOW;
	w->device = masa_world_party(w, BERTH_PROFILE_IDEVID, "Camera", WORLD_SERIAL, &maker_ca);
	w->masa_signer = masa_world_party(w, BERTH_PROFILE_MASA_SIGNER, "MASA", NULL, &maker_ca);
	w->domain = masa_world_party(w, BERTH_PROFILE_ROOT_CA, "Owner CA", NULL, NULL);
	w->registrar = masa_world_party(w, BERTH_PROFILE_REGISTRAR, "Registrar", NULL, &w->domain);
	w->rogue_domain = masa_world_party(w, BERTH_PROFILE_ROOT_CA, "Rogue CA", NULL, NULL);
	w->rogue = masa_world_party(w, BERTH_PROFILE_REGISTRAR, "Rogue", NULL, &w->rogue_domain);
	must(berth_cert_list_add(&w->anchors, w->maker.root, &why));
	w->policy = (struct berth_masa_policy){
		.manufacturer_anchors = &w->anchors,
		.client_anchors = &w->clients,
		.never_pin = &w->never,
		.pinning = BERTH_MASA_PIN_CA,
	};
	w->facts = (struct berth_masa_unit_facts){
		.is_known = true,
		.has_owner = true,
		.owner_is_asker = true,
		.asker_was_owner = true,
		.owner_name = "Owner",
	};
	w->http = (struct berth_http_request){
		.method = BERTH_HTTP_POST,
		.path = BERTH_LIT("/.well-known/brski/requestvoucher"),
		.media_type = BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS),
	};
	make_requests(w);
}

void
masa_world_end(struct masa_world *w)
{
	struct party *const parties[] = {&w->device,	&w->masa_signer,  &w->domain,
					 &w->registrar, &w->rogue_domain, &w->rogue};

	berth_masa_end(&w->masa);
	berth_signed_voucher_free(&w->voucher);
	berth_arena_end(&w->arena);
	berth_buf_free(&w->pvr_der);
	berth_buf_free(&w->rvr_der);
	berth_buf_free(&w->voucher_der);
	berth_cert_list_free(&w->anchors);
	berth_cert_list_free(&w->clients);
	berth_cert_list_free(&w->never);
	berth_cert_list_free(&w->pvr_others);
	berth_cert_list_free(&w->rvr_others);
	for (size_t i = 0; i < sizeof(parties) / sizeof(parties[0]); i++)
		masa_world_party_end(parties[i]);
	authority_end(&w->maker);
}

/* Not berth_voucher_sign: that would not sign what a test wants refused. */
static void
sign(struct masa_world *w, const struct berth_voucher *voucher, const struct party *signer,
     const struct berth_cert_list *others, struct berth_buf *der)
{
	BERTH_BUF json = {0};

	must(berth_voucher_encode(voucher, &json, &why));
	const struct berth_cms_fields fields = {
		.content_type = BERTH_CMS_ANIMA_VOUCHER,
		.content = berth_buf_view(&json),
		.key = signer->key,
		.signer = signer->cert,
		.others = others,
		.signing_time = w->now,
	};
	berth_buf_clear(der);
	must(berth_cms_sign(w->maker.pki, &fields, der, &why));
}

void
masa_world_build(struct masa_world *w)
{
	if (!w->without_prior) {
		sign(w, &w->pvr, &w->pvr_signer, &w->pvr_others, &w->pvr_der);
		if (w->spoil_prior)
			w->pvr_der.p[w->pvr_der.n - 1] ^= 1;
		w->rvr.prior_signed_voucher_request = berth_buf_view(&w->pvr_der);
	}
	sign(w, &w->rvr, &w->rvr_signer, &w->rvr_others, &w->rvr_der);
	w->http.body = berth_buf_view(&w->rvr_der);
}

enum berth_masa_event
masa_world_sign(struct masa_world *w)
{
	struct berth_voucher voucher = {0};

	berth_arena_start(&w->arena, (size_t)1 << 20);
	must(berth_voucher_parse(w->masa.issue.voucher_json, BERTH_VOUCHER, &w->arena, &voucher,
				 &why));
	sign(w, &voucher, &w->masa_signer, NULL, &w->voucher_der);
	return berth_masa_answer_signature(&w->masa, berth_buf_view(&w->voucher_der));
}

static enum berth_masa_event
answer(struct masa_world *w, enum berth_masa_event event)
{
	static const struct berth_masa_intent_facts nothing;

	switch (event) {
	case BERTH_MASA_NEED_UNIT:
		return berth_masa_answer_unit(&w->masa, &w->facts);
	case BERTH_MASA_NEED_REVOCATION:
		w->fetches++;
		return berth_masa_answer_revocation(&w->masa,
						    w->masa.revocation.fetch.is_ocsp
							    ? berth_buf_view(&w->ocsp_answer)
							    : berth_buf_view(&w->crl_answer),
						    NULL);
	case BERTH_MASA_NEED_INTENT:
		return berth_masa_answer_intent(&w->masa, &nothing);
	case BERTH_MASA_NEED_SIGNATURE:
		return masa_world_sign(w);
	case BERTH_MASA_NEED_RECORD:
		return berth_masa_answer_record(&w->masa);
	case BERTH_MASA_NEED_AUDIT_LOG:
		return berth_masa_answer_audit_log(&w->masa, &w->log);
	case BERTH_MASA_NEED_REQUEST:
	case BERTH_MASA_END:
		break;
	}
	return BERTH_MASA_END;
}

void
masa_world_run(struct masa_world *w)
{
	const struct berth_now now = {.wall = w->now, .mono = w->mono, .wall_is_trusted = true};

	berth_masa_end(&w->masa);
	berth_masa_start(&w->masa, w->maker.pki, &w->policy, w->operation, now);
	w->masa.memory = w->memory;
	enum berth_masa_event event = berth_masa_input(&w->masa, &w->http, &w->tls);
	while (event != BERTH_MASA_END)
		event = answer(w, event);
	if (w->masa.response.status != 200 || w->operation != BERTH_MASA_REQUEST_VOUCHER)
		return;
	must(berth_voucher_open(w->maker.pki, w->masa.response.body, BERTH_VOUCHER, NULL, &w->arena,
				&w->voucher, &why));
}

void
masa_world_ask(struct masa_world *w)
{
	masa_world_build(w);
	masa_world_run(w);
}
