/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world for the MASA's machine: a manufacturer with one device, an owner with a registrar, a rogue domain, and the
 * requests they make. A test changes one thing, makes the request and runs the machine.
 *
 *	struct masa_world w;
 *	masa_world_start(&w);
 *	w.rvr.nonce = BERTH_LIT("another nonce 16");
 *	masa_world_run(&w);
 *	assert_int_equal(w.masa.response.status, 403);
 */
#ifndef BERTH_TESTS_MASA_WORLD_H
#define BERTH_TESTS_MASA_WORLD_H

#include "protocol/brski/masa.h"
#include "unit/pki/authority.h"

#define WORLD_SERIAL "CAM-0042"

struct party {
	struct berth_key *key;
	struct berth_cert *cert;
};

struct masa_world {
	struct authority maker; /* its pki is everybody's */
	struct party device;
	struct party masa_signer;
	struct party domain;	/* the owner's CA */
	struct party registrar; /* of that domain */
	struct party rogue_domain;
	struct party rogue; /* a registrar of another domain */
	struct berth_cert_list anchors;
	struct berth_cert_list clients;
	struct berth_cert_list never;

	/* what a test may change before it runs */
	struct berth_voucher pvr;
	struct party pvr_signer; /* borrowed */
	struct berth_cert_list pvr_others;
	bool without_prior;
	bool spoil_prior; /* one bit of its signature flips */
	struct berth_voucher rvr;
	struct party rvr_signer; /* borrowed */
	struct berth_cert_list rvr_others;
	struct berth_masa_policy policy;
	struct berth_masa_unit_facts facts;
	enum berth_masa_operation operation;
	struct berth_http_request http;
	struct berth_tls_facts tls;
	struct berth_wall now;
	struct berth_mono mono;
	struct berth_masa_memory *memory; /* NULL: none */
	struct berth_audit_log log;
	struct berth_buf ocsp_answer, crl_answer; /* empty: nobody answers */

	/* what happened */
	struct berth_buf pvr_der, rvr_der, voucher_der;
	unsigned fetches;
	struct berth_masa masa;
	struct berth_arena arena;
	struct berth_signed_voucher voucher; /* of a 200, opened */
};

void masa_world_start(struct masa_world *w);
void masa_world_end(struct masa_world *w);
/* Makes the request; the body stands in w->http.body. */
void masa_world_build(struct masa_world *w);
/* Feeds the request, answers what the machine asks, opens the voucher of a 200. */
void masa_world_run(struct masa_world *w);
/* The signer's answer to NEED_SIGNATURE. */
enum berth_masa_event masa_world_sign(struct masa_world *w);
/* Both. */
void masa_world_ask(struct masa_world *w);
struct party masa_world_party(struct masa_world *w, enum berth_cert_profile profile,
			      const char *name, const char *serial, const struct party *issuer);
void masa_world_party_end(struct party *party);

#endif
