/* SPDX-License-Identifier: BSD-2-Clause */
/* The initiator of PKEX. */
#include "protocol/dpp/pkex_internal.h"

static enum berth_err
send_request(struct berth_dpp_pkex *pkex, struct berth_why *why)
{
	struct berth_dpp_pkex_run *run = &pkex->run;
	BERTH_BUF attributes = {0};

	enum berth_err err =
		berth_dpp_pkex_make_key(pkex, BERTH_DPP_PKEX_INITIATOR, &run->x, &run->m, why);
	if (err)
		return err;
	err = berth_dpp_pkex_put_exchange(&pkex->conf, run->is_version_1, true, &run->m,
					  &attributes);
	if (err)
		return berth_dpp_pkex_cannot(why, err);
	return berth_dpp_pkex_send_frame(pkex,
					 run->is_version_1 ? BERTH_DPP_PKEX_V1_EXCHANGE_REQUEST
							   : BERTH_DPP_PKEX_EXCHANGE_REQUEST,
					 &attributes, why);
}

enum berth_err
berth_dpp_pkex_initiate(const struct berth_dpp_pkex_conf *conf, struct berth_mono now,
			struct berth_dpp_pkex **ret, struct berth_why *why)
{
	struct berth_dpp_pkex *pkex = NULL;
	enum berth_err err = berth_dpp_pkex_code_check(conf->code, why);

	if (!err && conf->version < 2 && !conf->has_address)
		err = berth_fail(why, BERTH_E_USAGE, "dpp-pkex-version", "DPP 5.6.1",
				 "PKEX's version 1 needs radios, which have addresses.");
	err = err ? err : berth_dpp_pkex_new_run(conf, now, I_WAITS_FOR_RESPONSE, &pkex, why);
	if (err)
		return err;
	pkex->run.is_version_1 = conf->version < 2;
	pkex->run.i_version = conf->version;
	memcpy(pkex->run.i_address, conf->address, sizeof(conf->address));
	pkex->run.a = conf->own.point;
	err = send_request(pkex, why);
	if (err) {
		berth_dpp_pkex_end(pkex);
		return err;
	}
	*ret = pkex;
	return BERTH_OK;
}

static enum berth_err
check_status(const struct berth_dpp_frame *response, struct berth_why *why)
{
	struct berth_bytes group = BERTH_BYTES_NONE;
	uint8_t status = 0;
	enum berth_err err =
		berth_dpp_attribute_get_u8(response->attributes, BERTH_DPP_STATUS, &status, why);

	if (err || status == BERTH_DPP_OK)
		return err;
	if (status == BERTH_DPP_BAD_GROUP &&
	    berth_dpp_attribute_find(response->attributes, BERTH_DPP_GROUP, &group) && group.n == 2)
		return berth_fail(why, BERTH_E_DENIED, "dpp-pkex-status", "DPP 5.6.2",
				  "The other side wants a bootstrapping key of group %u: ours is "
				  "of another curve.",
				  (unsigned)group.p[0] | (unsigned)group.p[1] << 8);
	return berth_fail(why, BERTH_E_DENIED, "dpp-pkex-status", "DPP 5.6.2",
			  "The other side refuses PKEX: %s.", berth_dpp_status_name(status));
}

enum berth_err
berth_dpp_pkex_take_response(struct berth_dpp_pkex *pkex, berth_dpp_address from,
			     const struct berth_dpp_frame *response, struct berth_why *why)
{
	struct berth_dpp_pkex_run *run = &pkex->run;
	struct berth_dpp_pkex_exchange exchange = {0};
	enum berth_err err = berth_dpp_pkex_code_check(pkex->conf.code, why);

	err = err ? err : check_status(response, why);
	if (!err && !run->is_version_1)
		err = berth_dpp_pkex_read_version(response, &exchange, why);
	err = err ? err : berth_dpp_pkex_check_identifier(&pkex->conf, response, why);
	if (!err && run->is_version_1 && from == NULL)
		err = berth_fail(why, BERTH_E_STATE, "dpp-pkex-version", "DPP 5.6.1",
				 "PKEX's version 1 is for radios, which have addresses.");
	if (err)
		return err;
	run->r_version = exchange.version;
	if (run->is_version_1)
		memcpy(run->r_address, from, sizeof(run->r_address));
	err = berth_dpp_pkex_read_masked(pkex, response, &run->n, why);
	err = err ? err
		  : berth_dpp_pkex_unmask(pkex, BERTH_DPP_PKEX_RESPONDER, &run->n, &run->y, why);
	err = err ? err : berth_dpp_pkex_derive(pkex, &run->y, why);
	err = err ? err : berth_dpp_pkex_remember(pkex, response, why);
	if (err)
		return err;
	pkex->has_output = false;
	berth_dpp_pkex_ask(pkex, I_WAITS_FOR_J, &run->y);
	return BERTH_OK;
}

enum berth_err
berth_dpp_pkex_answer_j(struct berth_dpp_pkex *pkex, const struct berth_ec_point *j,
			struct berth_why *why)
{
	uint8_t u[BERTH_EC_HASH_MAX];
	enum berth_err err = berth_dpp_pkex_u(pkex->conf.pki, &pkex->run, j, u);

	if (err)
		return berth_dpp_pkex_cannot(why, err);
	/* whoever it was can try one code with what is sent now, and need not tell us what came of it */
	pkex->conf.code->guesses++;
	pkex->state = I_WAITS_FOR_REVEAL;
	return berth_dpp_pkex_send_reveal(pkex, BERTH_DPP_PKEX_INITIATOR, u, why);
}

/* What is wrong with it is nobody's guess any more: the right one may still come. */
enum berth_err
berth_dpp_pkex_take_reveal_response(struct berth_dpp_pkex *pkex,
				    const struct berth_dpp_frame *response, struct berth_why *why)
{
	struct berth_dpp_pkex_run *run = &pkex->run;
	struct berth_dpp_associated associated =
		berth_dpp_pkex_associated_of(response->header, BERTH_DPP_PKEX_RESPONDER);
	uint8_t v[BERTH_EC_HASH_MAX];
	struct berth_ec_point l;
	BERTH_BUF plain = {0};

	enum berth_err err = berth_dpp_unwrap(pkex->conf.pki, &pkex->z, &associated,
					      response->attributes, &plain, why);
	err = err ? err : berth_dpp_pkex_read_key(pkex, berth_buf_view(&plain), why);
	if (err)
		return err;
	run->b = pkex->peer.point;
	err = berth_ec_multiply(pkex->conf.pki, &pkex->scalar, &run->b, &l, why);
	if (!err && berth_dpp_pkex_v(pkex->conf.pki, run, &l, v))
		err = berth_dpp_pkex_cannot(why, BERTH_E_CRYPTO);
	err = err ? err
		  : berth_dpp_pkex_judge_tag(pkex, berth_buf_view(&plain), BERTH_DPP_R_AUTH, v,
					     why);
	berth_wipe(&l, sizeof(l));
	if (err)
		return err;
	berth_buf_clear(&pkex->output);
	pkex->has_output = false;
	return berth_dpp_pkex_done(pkex);
}
