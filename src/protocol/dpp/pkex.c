/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/pkex.h"

#include <stdlib.h>

#include "protocol/dpp/pkex_internal.h"

enum berth_err
berth_dpp_pkex_cannot(struct berth_why *why, enum berth_err err)
{
	return berth_fail(why, err, "dpp-pkex", "DPP 5.6",
			  "PKEX cannot go on: no memory, or the cryptographic library failed.");
}

static void
raise(struct berth_dpp_pkex *pkex, enum berth_dpp_pkex_event_kind kind)
{
	pkex->event = (struct berth_dpp_pkex_event){.kind = kind};
	pkex->has_event = true;
}

enum berth_err
berth_dpp_pkex_give_up(struct berth_dpp_pkex *pkex, const struct berth_why *why)
{
	pkex->state = IS_FAILED;
	pkex->deadline = BERTH_MONO_NEVER;
	pkex->has_output = false;
	raise(pkex, BERTH_DPP_PKEX_FAILED);
	pkex->event.why = *why;
	return BERTH_OK;
}

void
berth_dpp_pkex_ask(struct berth_dpp_pkex *pkex, enum berth_dpp_pkex_state state,
		   const struct berth_ec_point *point)
{
	pkex->state = state;
	raise(pkex, BERTH_DPP_PKEX_MULTIPLY);
	pkex->event.point = *point;
}

enum berth_err
berth_dpp_pkex_done(struct berth_dpp_pkex *pkex)
{
	pkex->state = IS_DONE;
	pkex->deadline = BERTH_MONO_NEVER;
	pkex->conf.code->is_used = true;
	raise(pkex, BERTH_DPP_PKEX_DONE);
	return BERTH_OK;
}

struct berth_bytes
berth_dpp_pkex_code_of(const struct berth_dpp_pkex *pkex)
{
	return berth_bytes_of(pkex->conf.code->code.p, pkex->conf.code->code.n);
}

struct berth_bytes
berth_dpp_pkex_identifier_of(const struct berth_dpp_pkex_conf *conf)
{
	return berth_text(conf->code->identifier);
}

enum berth_err
berth_dpp_pkex_new_run(const struct berth_dpp_pkex_conf *conf, struct berth_mono now,
		       enum berth_dpp_pkex_state state, struct berth_dpp_pkex **ret,
		       struct berth_why *why)
{
	struct berth_dpp_pkex *pkex = calloc(1, sizeof(*pkex));

	if (pkex == NULL)
		return berth_dpp_pkex_cannot(why, BERTH_E_MEMORY);
	pkex->conf = *conf;
	pkex->state = state;
	pkex->run.curve = conf->own.point.curve;
	pkex->deadline = berth_mono_after_ms(now, conf->timeout_ms == 0 ? BERTH_DPP_PKEX_TIMEOUT_MS
									: conf->timeout_ms);
	*ret = pkex;
	return BERTH_OK;
}

void
berth_dpp_pkex_end(struct berth_dpp_pkex *pkex)
{
	if (pkex == NULL)
		return;
	berth_secret_free(&pkex->scalar);
	berth_secret_free(&pkex->z);
	berth_buf_free(&pkex->output);
	berth_wipe(pkex, sizeof(*pkex)); /* X and Y are secrets too */
	free(pkex);
}

enum berth_err
berth_dpp_pkex_send_frame(struct berth_dpp_pkex *pkex, enum berth_dpp_frame_type type,
			  const struct berth_buf *attributes, struct berth_why *why)
{
	const struct berth_dpp_frame frame = {
		.kind = BERTH_DPP_FRAME_ACTION,
		.type = (uint8_t)type,
		.attributes = berth_buf_view(attributes),
	};

	berth_buf_clear(&pkex->output);
	enum berth_err err = berth_dpp_frame_build(&frame, &pkex->output);
	pkex->has_output = !err;
	return err ? berth_dpp_pkex_cannot(why, err) : BERTH_OK;
}

enum berth_err
berth_dpp_pkex_remember(struct berth_dpp_pkex *pkex, const struct berth_dpp_frame *frame,
			struct berth_why *why)
{
	enum berth_err err = berth_sha256(pkex->conf.pki, frame->attributes, pkex->answered);

	return err ? berth_dpp_pkex_cannot(why, err) : BERTH_OK;
}

/* Version, group, identifier, key: what both exchange frames have in that order, after a response's status. */
enum berth_err
berth_dpp_pkex_put_exchange(const struct berth_dpp_pkex_conf *conf, bool is_version_1,
			    bool with_group, const struct berth_ec_point *key,
			    struct berth_buf *attributes)
{
	struct berth_bytes identifier = berth_dpp_pkex_identifier_of(conf);
	enum berth_err err = BERTH_OK;

	if (!is_version_1)
		err = berth_dpp_put_u8(attributes, BERTH_DPP_VERSION, conf->version);
	if (!err && with_group)
		err = berth_dpp_put_u16(attributes, BERTH_DPP_GROUP,
					berth_ec_facts(conf->own.point.curve)->group);
	if (!err && identifier.n > 0)
		err = berth_dpp_put(attributes, BERTH_DPP_CODE_IDENTIFIER, identifier);
	if (!err && key != NULL)
		err = berth_dpp_put(attributes, BERTH_DPP_ENCRYPTED_KEY, berth_ec_xy(key));
	return err;
}

/* A key of this run, and the same behind the mask. */
enum berth_err
berth_dpp_pkex_make_key(struct berth_dpp_pkex *pkex, enum berth_dpp_pkex_side side,
			struct berth_ec_point *key, struct berth_ec_point *masked,
			struct berth_why *why)
{
	struct berth_pki *pki = pkex->conf.pki;
	struct berth_ec_point mask;

	enum berth_err err = berth_ec_generate(pki, pkex->run.curve, &pkex->conf.random,
					       &pkex->scalar, key, why);
	err = err ? err
		  : berth_dpp_pkex_mask(pki, &pkex->run, side,
					berth_dpp_pkex_identifier_of(&pkex->conf),
					berth_dpp_pkex_code_of(pkex), &mask, why);
	err = err ? err : berth_ec_add(pki, key, &mask, masked, why);
	berth_wipe(&mask, sizeof(mask));
	return err;
}

/* What the other's masked key hides, if it used our code; another point of the curve if not. */
/* req: dpp-pkex-points */
enum berth_err
berth_dpp_pkex_unmask(struct berth_dpp_pkex *pkex, enum berth_dpp_pkex_side side,
		      const struct berth_ec_point *masked, struct berth_ec_point *key,
		      struct berth_why *why)
{
	struct berth_pki *pki = pkex->conf.pki;
	struct berth_ec_point mask;
	struct berth_why infinite = {0};

	enum berth_err err = berth_dpp_pkex_mask(pki, &pkex->run, side,
						 berth_dpp_pkex_identifier_of(&pkex->conf),
						 berth_dpp_pkex_code_of(pkex), &mask, why);
	if (err)
		return err;
	err = berth_ec_subtract(pki, masked, &mask, key, &infinite);
	berth_wipe(&mask, sizeof(mask));
	return err ? berth_fail(why, BERTH_E_SYNTAX, "dpp-pkex-infinite", "DPP 5.6.2",
				"The other side's key is none but the mask alone.")
		   : BERTH_OK;
}

/* K, and z of it. */
enum berth_err
berth_dpp_pkex_derive(struct berth_dpp_pkex *pkex, const struct berth_ec_point *other,
		      struct berth_why *why)
{
	struct berth_ec_point k;
	enum berth_err err = berth_ec_multiply(pkex->conf.pki, &pkex->scalar, other, &k, why);

	if (err)
		return err;
	berth_secret_free(&pkex->z);
	err = berth_dpp_pkex_z(pkex->conf.pki, &pkex->run, &k, berth_dpp_pkex_code_of(pkex),
			       &pkex->z);
	berth_wipe(&k, sizeof(k));
	return err ? berth_dpp_pkex_cannot(why, err) : BERTH_OK;
}

/* What is associated with both Wrapped Data: the header, and an octet that says whose it is. */
struct berth_dpp_associated
berth_dpp_pkex_associated_of(struct berth_bytes header, enum berth_dpp_pkex_side side)
{
	static const uint8_t octets[2] = {0, 1};

	return berth_dpp_associated_of(header, berth_bytes_of(&octets[side], 1));
}

/* Our bootstrapping key and the tag that proves it. */
enum berth_err
berth_dpp_pkex_send_reveal(struct berth_dpp_pkex *pkex, enum berth_dpp_pkex_side side,
			   const uint8_t tag[BERTH_EC_HASH_MAX], struct berth_why *why)
{
	const bool is_initiator = side == BERTH_DPP_PKEX_INITIATOR;
	const enum berth_dpp_frame_type type = is_initiator ? BERTH_DPP_PKEX_COMMIT_REVEAL_REQUEST
							    : BERTH_DPP_PKEX_COMMIT_REVEAL_RESPONSE;
	uint8_t header[BERTH_DPP_HEADER_BYTES];
	BERTH_BUF plain = {0};
	BERTH_BUF attributes = {0};

	berth_dpp_frame_header(type, header);
	struct berth_dpp_associated associated =
		berth_dpp_pkex_associated_of(berth_bytes_of(header, sizeof(header)), side);
	enum berth_err err = berth_dpp_put(&plain, BERTH_DPP_BOOTSTRAPPING_KEY,
					   berth_ec_xy(&pkex->conf.own.point));
	err = err ? err
		  : berth_dpp_put(&plain, is_initiator ? BERTH_DPP_I_AUTH : BERTH_DPP_R_AUTH,
				  berth_bytes_of(tag, berth_ec_facts(pkex->run.curve)->hash_bytes));
	if (err)
		return berth_dpp_pkex_cannot(why, err);
	err = berth_dpp_wrap(pkex->conf.pki, &pkex->z, &associated, berth_buf_view(&plain),
			     &attributes, why);
	return err ? err : berth_dpp_pkex_send_frame(pkex, type, &attributes, why);
}

/* The other's bootstrapping key, out of a frame that was opened with z. */
enum berth_err
berth_dpp_pkex_read_key(struct berth_dpp_pkex *pkex, struct berth_bytes plain,
			struct berth_why *why)
{
	struct berth_bytes xy = BERTH_BYTES_NONE;
	struct berth_ec_point point;
	const size_t n = 2U * berth_ec_facts(pkex->run.curve)->coordinate_bytes;

	enum berth_err err =
		berth_dpp_attribute_get(plain, BERTH_DPP_BOOTSTRAPPING_KEY, n, &xy, why);
	err = err ? err : berth_ec_point(pkex->conf.pki, pkex->run.curve, xy, &point, why);
	if (err)
		return err;
	if (berth_ec_equal(&point, &pkex->conf.own.point))
		return berth_fail(why, BERTH_E_MISMATCH, "dpp-pkex-own-key", "DPP 5.6.3",
				  "The other side shows our own bootstrapping key.");
	return berth_dpp_bootstrapping_of(pkex->conf.pki, &point, &pkex->peer, why);
}

/* req: dpp-pkex-possession */
enum berth_err
berth_dpp_pkex_judge_tag(const struct berth_dpp_pkex *pkex, struct berth_bytes plain,
			 enum berth_dpp_attribute id, const uint8_t expected[BERTH_EC_HASH_MAX],
			 struct berth_why *why)
{
	struct berth_bytes tag = BERTH_BYTES_NONE;
	const size_t n = berth_ec_facts(pkex->run.curve)->hash_bytes;
	enum berth_err err = berth_dpp_attribute_get(plain, id, n, &tag, why);

	if (!err && !berth_bytes_equal_secretly(tag, berth_bytes_of(expected, n)))
		err = berth_fail(why, BERTH_E_SIGNATURE, "dpp-pkex-tag", "DPP 5.6.3",
				 "The other side does not prove that it has the private part of "
				 "the bootstrapping key that it shows.");
	return err;
}

enum berth_err
berth_dpp_pkex_read_version(const struct berth_dpp_frame *frame,
			    struct berth_dpp_pkex_exchange *ret, struct berth_why *why)
{
	enum berth_err err = berth_dpp_attribute_get_u8(frame->attributes, BERTH_DPP_VERSION,
							&ret->version, why);

	if (!err && ret->version < 2)
		err = berth_fail(why, BERTH_E_SYNTAX, "dpp-version", "DPP 8.1.1.19",
				 "PKEX's version 2 is of protocol version 2 or later, and not of "
				 "%u.",
				 ret->version);
	return err;
}

/* req: dpp-pkex-identifier */
enum berth_err
berth_dpp_pkex_check_identifier(const struct berth_dpp_pkex_conf *conf,
				const struct berth_dpp_frame *frame, struct berth_why *why)
{
	struct berth_bytes identifier = BERTH_BYTES_NONE;
	const bool has_one =
		berth_dpp_attribute_find(frame->attributes, BERTH_DPP_CODE_IDENTIFIER, &identifier);
	struct berth_bytes ours = berth_dpp_pkex_identifier_of(conf);

	if (has_one == (ours.n > 0) && berth_bytes_equal(identifier, ours))
		return BERTH_OK;
	return berth_fail(why, BERTH_E_MISMATCH, "dpp-pkex-identifier", "DPP 5.6.2",
			  "The other side speaks of another code than ours.");
}

enum berth_err
berth_dpp_pkex_read_masked(struct berth_dpp_pkex *pkex, const struct berth_dpp_frame *frame,
			   struct berth_ec_point *ret, struct berth_why *why)
{
	struct berth_bytes xy = BERTH_BYTES_NONE;
	const size_t n = 2U * berth_ec_facts(pkex->run.curve)->coordinate_bytes;
	enum berth_err err =
		berth_dpp_attribute_get(frame->attributes, BERTH_DPP_ENCRYPTED_KEY, n, &xy, why);

	return err ? err : berth_ec_point(pkex->conf.pki, pkex->run.curve, xy, ret, why);
}

enum berth_err
berth_dpp_pkex_input(struct berth_dpp_pkex *pkex, struct berth_mono now, berth_dpp_address from,
		     const struct berth_dpp_frame *frame, struct berth_why *why)
{
	uint8_t sum[BERTH_SHA256_BYTES];
	const bool is_action = frame->kind == BERTH_DPP_FRAME_ACTION;

	(void)now;
	if (berth_sha256(pkex->conf.pki, frame->attributes, sum))
		return berth_dpp_pkex_cannot(why, BERTH_E_CRYPTO);
	/* answered already: ours was lost, or a relay repeats itself */
	if (memcmp(pkex->answered, sum, sizeof(sum)) == 0) {
		pkex->has_output = pkex->output.n > 0 && pkex->state != I_WAITS_FOR_J &&
				   pkex->state != R_WAITS_FOR_L && pkex->state != IS_FAILED;
		return BERTH_OK;
	}
	if (pkex->state == IS_DONE || pkex->state == IS_FAILED)
		return BERTH_OK;
	if (pkex->state == I_WAITS_FOR_RESPONSE && is_action &&
	    frame->type == BERTH_DPP_PKEX_EXCHANGE_RESPONSE)
		return berth_dpp_pkex_take_response(pkex, from, frame, why);
	if (pkex->state == I_WAITS_FOR_REVEAL && is_action &&
	    frame->type == BERTH_DPP_PKEX_COMMIT_REVEAL_RESPONSE)
		return berth_dpp_pkex_take_reveal_response(pkex, frame, why);
	if (pkex->state == R_WAITS_FOR_REVEAL && is_action &&
	    frame->type == BERTH_DPP_PKEX_COMMIT_REVEAL_REQUEST)
		return berth_dpp_pkex_take_reveal_request(pkex, frame, why);
	return berth_fail(why, BERTH_E_STATE, "dpp-frame-unexpected", "DPP 5.6",
			  "Frame %u of DPP is not expected at this point of PKEX.", frame->type);
}

enum berth_err
berth_dpp_pkex_answer(struct berth_dpp_pkex *pkex, enum berth_err err,
		      const struct berth_ec_point *product, struct berth_why *why)
{
	struct berth_why failed = {0};

	if (pkex->state != I_WAITS_FOR_J && pkex->state != R_WAITS_FOR_L)
		return berth_fail(why, BERTH_E_STATE, "dpp-answer", NULL,
				  "Nothing was asked to be multiplied.");
	if (err || product->curve != pkex->run.curve) {
		berth_why_fill(&failed, err ? err : BERTH_E_INTERNAL, "dpp-own-key", NULL, 0,
			       "Our own bootstrapping key cannot be used.");
		return berth_dpp_pkex_give_up(pkex, &failed);
	}
	return pkex->state == I_WAITS_FOR_J ? berth_dpp_pkex_answer_j(pkex, product, why)
					    : berth_dpp_pkex_answer_l(pkex, product, why);
}

void
berth_dpp_pkex_tick(struct berth_dpp_pkex *pkex, struct berth_mono now)
{
	struct berth_why why = {0};

	if (now.ms < pkex->deadline.ms)
		return;
	berth_why_fill(&why, BERTH_E_TIMEOUT, "dpp-timeout", "DPP 5.6", 0,
		       pkex->state == I_WAITS_FOR_REVEAL
			       ? "The other side of PKEX went silent when it saw what our code "
				 "makes: its code is another, as it seems."
			       : "The other side of PKEX went silent.");
	berth_ignore(berth_dpp_pkex_give_up(pkex, &why), "always OK");
}

struct berth_mono
berth_dpp_pkex_deadline(const struct berth_dpp_pkex *pkex)
{
	return pkex->deadline;
}

bool
berth_dpp_pkex_event(struct berth_dpp_pkex *pkex, struct berth_dpp_pkex_event *ret)
{
	if (!pkex->has_event)
		return false;
	pkex->has_event = false;
	*ret = pkex->event;
	return true;
}

bool
berth_dpp_pkex_output(struct berth_dpp_pkex *pkex, struct berth_bytes *body)
{
	if (!pkex->has_output)
		return false;
	pkex->has_output = false;
	*body = berth_buf_view(&pkex->output);
	return true;
}

const struct berth_dpp_bootstrapping *
berth_dpp_pkex_peer(const struct berth_dpp_pkex *pkex)
{
	return &pkex->peer;
}
