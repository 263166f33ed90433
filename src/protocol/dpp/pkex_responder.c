/* SPDX-License-Identifier: BSD-2-Clause */
/* The responder of PKEX. */
#include "protocol/dpp/pkex_internal.h"

/* req: dpp-pkex-version-1 */
static enum berth_err
check_request(const struct berth_dpp_pkex_conf *conf, berth_dpp_address from,
	      const struct berth_dpp_frame *request, struct berth_dpp_pkex_exchange *ret,
	      struct berth_why *why)
{
	struct berth_bytes group = BERTH_BYTES_NONE;
	const bool is_version_1 = request->type == BERTH_DPP_PKEX_V1_EXCHANGE_REQUEST;
	enum berth_err err = BERTH_OK;

	if (request->kind != BERTH_DPP_FRAME_ACTION ||
	    (!is_version_1 && request->type != BERTH_DPP_PKEX_EXCHANGE_REQUEST))
		return berth_fail(why, BERTH_E_STATE, "dpp-frame-unexpected", "DPP 5.6",
				  "PKEX begins with an Exchange Request.");
	if (is_version_1 && (from == NULL || !conf->has_address))
		return berth_fail(why, BERTH_E_DENIED, "dpp-pkex-version", "DPP 5.6.1",
				  "PKEX's version 1 is for radios, which have addresses.");
	err = berth_dpp_pkex_code_check(conf->code, why);
	if (!err && !is_version_1)
		err = berth_dpp_pkex_read_version(request, ret, why);
	err = err ? err : berth_dpp_pkex_check_identifier(conf, request, why);
	err = err ? err
		  : berth_dpp_attribute_get(request->attributes, BERTH_DPP_GROUP, 2, &group, why);
	if (!err && (group.p[0] | group.p[1] << 8) != berth_ec_facts(conf->own.point.curve)->group)
		err = berth_fail(why, BERTH_E_UNSUPPORTED, "dpp-pkex-group", "DPP 5.6.2",
				 "PKEX is asked for with group %d; our bootstrapping key is on %s.",
				 group.p[0] | group.p[1] << 8,
				 berth_ec_facts(conf->own.point.curve)->name);
	return err;
}

static enum berth_err
send_response(struct berth_dpp_pkex *pkex, struct berth_why *why)
{
	BERTH_BUF attributes = {0};
	enum berth_err err = berth_dpp_put_u8(&attributes, BERTH_DPP_STATUS, BERTH_DPP_OK);

	err = err ? err
		  : berth_dpp_pkex_put_exchange(&pkex->conf, pkex->run.is_version_1, false,
						&pkex->run.n, &attributes);
	return err ? berth_dpp_pkex_cannot(why, err)
		   : berth_dpp_pkex_send_frame(pkex, BERTH_DPP_PKEX_EXCHANGE_RESPONSE, &attributes,
					       why);
}

static enum berth_err
take_request(struct berth_dpp_pkex *pkex, const struct berth_dpp_frame *request,
	     struct berth_why *why)
{
	struct berth_dpp_pkex_run *run = &pkex->run;

	enum berth_err err = berth_dpp_pkex_read_masked(pkex, request, &run->m, why);
	err = err ? err
		  : berth_dpp_pkex_unmask(pkex, BERTH_DPP_PKEX_INITIATOR, &run->m, &run->x, why);
	err = err ? err
		  : berth_dpp_pkex_make_key(pkex, BERTH_DPP_PKEX_RESPONDER, &run->y, &run->n, why);
	err = err ? err : berth_dpp_pkex_derive(pkex, &run->x, why);
	err = err ? err : berth_dpp_pkex_remember(pkex, request, why);
	return err ? err : send_response(pkex, why);
}

enum berth_err
berth_dpp_pkex_respond(const struct berth_dpp_pkex_conf *conf, struct berth_mono now,
		       berth_dpp_address from, const struct berth_dpp_frame *request,
		       struct berth_dpp_pkex **ret, struct berth_why *why)
{
	struct berth_dpp_pkex *pkex = NULL;
	struct berth_dpp_pkex_exchange exchange = {0};
	enum berth_err err = check_request(conf, from, request, &exchange, why);

	err = err ? err : berth_dpp_pkex_new_run(conf, now, R_WAITS_FOR_REVEAL, &pkex, why);
	if (err)
		return err;
	pkex->run.is_version_1 = request->type == BERTH_DPP_PKEX_V1_EXCHANGE_REQUEST;
	pkex->run.i_version = exchange.version;
	pkex->run.r_version = conf->version;
	if (pkex->run.is_version_1) {
		memcpy(pkex->run.i_address, from, sizeof(pkex->run.i_address));
		memcpy(pkex->run.r_address, conf->address, sizeof(pkex->run.r_address));
	}
	pkex->run.b = conf->own.point;
	err = take_request(pkex, request, why);
	if (err) {
		berth_dpp_pkex_end(pkex);
		return err;
	}
	*ret = pkex;
	return BERTH_OK;
}

enum berth_err
berth_dpp_pkex_refuse_group(const struct berth_dpp_pkex_conf *conf,
			    const struct berth_dpp_frame *request, struct berth_buf *body)
{
	BERTH_BUF attributes = {0};
	enum berth_err err = berth_dpp_put_u8(&attributes, BERTH_DPP_STATUS, BERTH_DPP_BAD_GROUP);

	if (!err && request->type != BERTH_DPP_PKEX_V1_EXCHANGE_REQUEST)
		err = berth_dpp_put_u8(&attributes, BERTH_DPP_VERSION, conf->version);
	if (!err && conf->code->identifier[0] != '\0')
		err = berth_dpp_put(&attributes, BERTH_DPP_CODE_IDENTIFIER,
				    berth_dpp_pkex_identifier_of(conf));
	err = err ? err
		  : berth_dpp_put_u16(&attributes, BERTH_DPP_GROUP,
				      berth_ec_facts(conf->own.point.curve)->group);
	const struct berth_dpp_frame frame = {
		.kind = BERTH_DPP_FRAME_ACTION,
		.type = BERTH_DPP_PKEX_EXCHANGE_RESPONSE,
		.attributes = berth_buf_view(&attributes),
	};
	return err ? err : berth_dpp_frame_build(&frame, body);
}

/* A wrong code shows here, once; then this run is over, and the code has one guess less. */
/* req: dpp-pkex-one-guess */
enum berth_err
berth_dpp_pkex_take_reveal_request(struct berth_dpp_pkex *pkex,
				   const struct berth_dpp_frame *request, struct berth_why *why)
{
	struct berth_dpp_pkex_run *run = &pkex->run;
	struct berth_dpp_associated associated =
		berth_dpp_pkex_associated_of(request->header, BERTH_DPP_PKEX_INITIATOR);
	uint8_t u[BERTH_EC_HASH_MAX];
	struct berth_ec_point j;
	struct berth_why failed = {0};
	BERTH_BUF plain = {0};

	enum berth_err err = berth_dpp_pkex_code_check(pkex->conf.code, why);
	if (err)
		return err;
	err = berth_dpp_unwrap(pkex->conf.pki, &pkex->z, &associated, request->attributes, &plain,
			       &failed);
	if (err == BERTH_E_SIGNATURE) {
		pkex->conf.code->guesses++;
		berth_why_fill(&failed, err, "dpp-pkex-guess", "DPP 5.6.4", 0,
			       "The other side uses another code than ours, or somebody disturbs: "
			       "this was try %u of %d.",
			       pkex->conf.code->guesses, BERTH_DPP_PKEX_GUESSES_MAX);
		return berth_dpp_pkex_give_up(pkex, &failed);
	}
	if (err) { /* nothing was guessed */
		*why = failed;
		return err;
	}
	err = berth_dpp_pkex_read_key(pkex, berth_buf_view(&plain), &failed);
	if (!err) {
		run->a = pkex->peer.point;
		err = berth_ec_multiply(pkex->conf.pki, &pkex->scalar, &run->a, &j, &failed);
	}
	if (!err && berth_dpp_pkex_u(pkex->conf.pki, run, &j, u))
		err = berth_dpp_pkex_cannot(&failed, BERTH_E_CRYPTO);
	err = err ? err
		  : berth_dpp_pkex_judge_tag(pkex, berth_buf_view(&plain), BERTH_DPP_I_AUTH, u,
					     &failed);
	berth_wipe(&j, sizeof(j));
	if (err) { /* who knows the code has said so: there is nothing to wait for */
		pkex->conf.code->guesses++;
		return berth_dpp_pkex_give_up(pkex, &failed);
	}
	err = berth_dpp_pkex_remember(pkex, request, why);
	if (err)
		return err;
	pkex->has_output = false;
	berth_dpp_pkex_ask(pkex, R_WAITS_FOR_L, &run->x);
	return BERTH_OK;
}

enum berth_err
berth_dpp_pkex_answer_l(struct berth_dpp_pkex *pkex, const struct berth_ec_point *l,
			struct berth_why *why)
{
	uint8_t v[BERTH_EC_HASH_MAX];
	struct berth_why spent = {0};

	/* another run with the same code may have ended while the key was asked */
	if (berth_dpp_pkex_code_check(pkex->conf.code, &spent))
		return berth_dpp_pkex_give_up(pkex, &spent);
	if (berth_dpp_pkex_v(pkex->conf.pki, &pkex->run, l, v))
		return berth_dpp_pkex_cannot(why, BERTH_E_CRYPTO);
	enum berth_err err = berth_dpp_pkex_send_reveal(pkex, BERTH_DPP_PKEX_RESPONDER, v, why);
	return err ? err : berth_dpp_pkex_done(pkex);
}
