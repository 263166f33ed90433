/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/device/dpp_attempt.h"

#include <stdlib.h>

#include "protocol/dpp/reconfiguration.h"

struct berth_dpp_attempt {
	const struct berth_dpp_attempt_conf *conf;
	struct berth_dpp_pkex
		*pkex;	   /* before auth; stays, for its last frame may be wanted again */
	bool pkex_is_ours; /* we asked, and go on asking */
	bool has_learnt;
	struct berth_dpp_bootstrapping learnt; /* by PKEX */
	struct berth_mono learnt_until;	       /* for the other to begin */
	struct berth_dpp_auth *auth;
	struct berth_dpp_reconfig *reconfig; /* in place of auth */
	struct berth_dpp_enrollee *enrollee; /* NULL: not authenticated yet */
	bool has_failed;
	struct berth_why why;
};

static bool
is_pkex_asked(const struct berth_dpp_attempt_conf *conf, const struct berth_dpp_frame *frame)
{
	struct berth_why why = {0};

	if (conf->pkex_code == NULL || conf->kept != NULL ||
	    frame->kind != BERTH_DPP_FRAME_ACTION ||
	    berth_dpp_pkex_code_check(conf->pkex_code, &why))
		return false;
	return frame->type == BERTH_DPP_PKEX_EXCHANGE_REQUEST ||
	       (frame->type == BERTH_DPP_PKEX_V1_EXCHANGE_REQUEST && conf->has_address &&
		frame->from != NULL);
}

bool
berth_dpp_attempt_is_asked(const struct berth_dpp_attempt_conf *conf,
			   const struct berth_dpp_frame *frame)
{
	struct berth_bytes hash = BERTH_BYTES_NONE;

	if (is_pkex_asked(conf, frame))
		return true;

	if (conf->kept != NULL)
		return frame->kind == BERTH_DPP_FRAME_ACTION &&
		       frame->type == BERTH_DPP_RECONFIG_AUTHENTICATION_REQUEST;
	return frame->kind == BERTH_DPP_FRAME_ACTION &&
	       frame->type == BERTH_DPP_AUTHENTICATION_REQUEST &&
	       berth_dpp_attribute_find(frame->attributes, BERTH_DPP_RESPONDER_KEY_HASH, &hash) &&
	       berth_bytes_equal(hash, berth_bytes_of(conf->own.hash, sizeof(conf->own.hash)));
}

/* Whoever knew the code of PKEX is the only one who may go on. */
static struct berth_dpp_auth_conf
auth_conf(const struct berth_dpp_attempt *attempt)
{
	const struct berth_dpp_attempt_conf *conf = attempt->conf;
	const bool knows_one = attempt->has_learnt || conf->has_configurator;

	return (struct berth_dpp_auth_conf){
		.pki = conf->pki,
		.random = conf->random,
		.version = BERTH_DPP_VERSION_MAX,
		.roles = BERTH_DPP_ENROLLEE,
		.own = conf->own,
		.has_peer = knows_one,
		.peer = attempt->has_learnt ? attempt->learnt : conf->configurator,
		.requires_mutual = knows_one,
	};
}

/* Before anything is computed or answered. */
static enum berth_err
check_configurator(const struct berth_dpp_auth_conf *conf, const struct berth_dpp_frame *request,
		   struct berth_why *why)
{
	struct berth_bytes hash = BERTH_BYTES_NONE;
	struct berth_bytes wanted = berth_bytes_of(conf->peer.hash, sizeof(conf->peer.hash));

	if (!conf->has_peer ||
	    (berth_dpp_attribute_find(request->attributes, BERTH_DPP_INITIATOR_KEY_HASH, &hash) &&
	     berth_bytes_equal(hash, wanted)))
		return BERTH_OK;
	return berth_fail(why, BERTH_E_UNTRUSTED, "dpp-configurator", "DPP 6.2.3",
			  "Another Configurator than the one that this device knows wants to "
			  "configure it.");
}

static enum berth_err
start_authentication(struct berth_dpp_attempt *attempt, struct berth_now now,
		     const struct berth_dpp_frame *request, struct berth_why *why)
{
	const struct berth_dpp_auth_conf auth = auth_conf(attempt);
	enum berth_err err = check_configurator(&auth, request, why);

	return err ? err : berth_dpp_auth_respond(&auth, now.mono, request, &attempt->auth, why);
}

static enum berth_err
start_reconfiguration(struct berth_dpp_attempt *attempt, struct berth_now now,
		      const struct berth_dpp_frame *request, struct berth_why *why)
{
	const struct berth_dpp_attempt_conf *conf = attempt->conf;
	const struct berth_dpp_reconfig_conf reconfig = {
		.pki = conf->pki,
		.random = conf->random,
		.version = BERTH_DPP_VERSION_MAX,
		.c_sign = conf->kept->c_sign,
		.now = now.wall,
		.connector = berth_buf_view(&conf->kept->connector),
		.net_access_key = conf->kept->net_access_key,
		.trusts_clock = conf->trusts_clock && now.wall_is_trusted,
	};

	return berth_dpp_reconfig_respond(&reconfig, now.mono, request, &attempt->reconfig, why);
}

static struct berth_dpp_pkex_conf
pkex_conf(const struct berth_dpp_attempt_conf *conf, uint8_t version)
{
	struct berth_dpp_pkex_conf ret = {
		.pki = conf->pki,
		.random = conf->random,
		.own = conf->own,
		.code = conf->pkex_code,
		.version = version,
		.has_address = conf->has_address,
	};

	memcpy(ret.address, conf->address, sizeof(ret.address));
	return ret;
}

static enum berth_err
start_pkex(struct berth_dpp_attempt *attempt, struct berth_now now,
	   const struct berth_dpp_frame *request, struct berth_why *why)
{
	const struct berth_dpp_pkex_conf conf = pkex_conf(attempt->conf, BERTH_DPP_VERSION_MAX);

	return berth_dpp_pkex_respond(&conf, now.mono, request->from, request, &attempt->pkex, why);
}

enum berth_err
berth_dpp_attempt_offer(const struct berth_dpp_attempt_conf *conf, struct berth_now now,
			bool is_version_1, struct berth_dpp_attempt **ret, struct berth_why *why)
{
	const struct berth_dpp_pkex_conf pkex =
		pkex_conf(conf, is_version_1 ? 1 : BERTH_DPP_VERSION_MAX);
	struct berth_dpp_attempt *attempt = calloc(1, sizeof(*attempt));

	if (attempt == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	attempt->conf = conf;
	attempt->pkex_is_ours = true;
	enum berth_err err = berth_dpp_pkex_initiate(&pkex, now.mono, &attempt->pkex, why);
	if (err) {
		berth_dpp_attempt_end(attempt);
		return err;
	}
	*ret = attempt;
	return BERTH_OK;
}

static enum berth_err
start_whichever(struct berth_dpp_attempt *attempt, struct berth_now now,
		const struct berth_dpp_frame *request, struct berth_why *why)
{
	if (is_pkex_asked(attempt->conf, request))
		return start_pkex(attempt, now, request, why);
	return attempt->conf->kept != NULL ? start_reconfiguration(attempt, now, request, why)
					   : start_authentication(attempt, now, request, why);
}

enum berth_err
berth_dpp_attempt_start(const struct berth_dpp_attempt_conf *conf, struct berth_now now,
			const struct berth_dpp_frame *request, struct berth_dpp_attempt **ret,
			struct berth_why *why)
{
	struct berth_dpp_attempt *attempt = calloc(1, sizeof(*attempt));

	if (attempt == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	attempt->conf = conf;
	enum berth_err err = start_whichever(attempt, now, request, why);
	if (err) {
		berth_dpp_attempt_end(attempt);
		return err;
	}
	*ret = attempt;
	return BERTH_OK;
}

void
berth_dpp_attempt_end(struct berth_dpp_attempt *attempt)
{
	if (attempt == NULL)
		return;
	berth_dpp_pkex_end(attempt->pkex);
	berth_dpp_auth_end(attempt->auth);
	berth_dpp_reconfig_end(attempt->reconfig);
	berth_dpp_enrollee_end(attempt->enrollee);
	free(attempt);
}

enum berth_err
berth_dpp_attempt_input(struct berth_dpp_attempt *attempt, struct berth_now now,
			const struct berth_dpp_frame *frame, struct berth_why *why)
{
	if (attempt->enrollee != NULL)
		return berth_dpp_enrollee_input(attempt->enrollee, now.mono, frame, why);
	if (attempt->pkex != NULL && attempt->auth == NULL) {
		if (attempt->has_learnt && frame->kind == BERTH_DPP_FRAME_ACTION &&
		    frame->type == BERTH_DPP_AUTHENTICATION_REQUEST)
			return start_authentication(attempt, now, frame, why);
		return berth_dpp_pkex_input(attempt->pkex, now.mono, frame->from, frame, why);
	}
	return attempt->reconfig != NULL
		       ? berth_dpp_reconfig_input(attempt->reconfig, now.mono, frame, why)
		       : berth_dpp_auth_input(attempt->auth, now.mono, frame, why);
}

static void
fail(struct berth_dpp_attempt *attempt, const struct berth_why *why)
{
	attempt->has_failed = true;
	attempt->why = *why;
}

static void
fail_silent(struct berth_dpp_attempt *attempt)
{
	struct berth_why why = {0};

	berth_why_fill(&why, BERTH_E_TIMEOUT, "dpp-timeout", "DPP 5.6", 0,
		       "Who knew the code did not begin the authentication.");
	fail(attempt, &why);
}

void
berth_dpp_attempt_tick(struct berth_dpp_attempt *attempt, struct berth_now now)
{
	if (attempt->enrollee != NULL)
		berth_dpp_enrollee_tick(attempt->enrollee, now.mono);
	else if (attempt->reconfig != NULL)
		berth_dpp_reconfig_tick(attempt->reconfig, now.mono);
	else if (attempt->auth != NULL)
		berth_dpp_auth_tick(attempt->auth, now.mono);
	else if (!attempt->has_learnt)
		berth_dpp_pkex_tick(attempt->pkex, now.mono);
	else if (now.mono.ms >= attempt->learnt_until.ms)
		fail_silent(attempt);
}

struct berth_mono
berth_dpp_attempt_deadline(const struct berth_dpp_attempt *attempt)
{
	if (attempt->enrollee != NULL)
		return berth_dpp_enrollee_deadline(attempt->enrollee);
	if (attempt->reconfig != NULL)
		return berth_dpp_reconfig_deadline(attempt->reconfig);
	if (attempt->auth != NULL)
		return berth_dpp_auth_deadline(attempt->auth);
	return attempt->has_learnt ? attempt->learnt_until : berth_dpp_pkex_deadline(attempt->pkex);
}

static void
multiply(struct berth_dpp_attempt *attempt, struct berth_now now,
	 const struct berth_ec_point *point)
{
	struct berth_ec_point product = {0};
	struct berth_why why = {0};
	enum berth_err err = berth_ec_multiply_key(attempt->conf->pki, attempt->conf->key, point,
						   &product, &why);

	err = berth_dpp_auth_answer(attempt->auth, now.mono, err, &product, err ? NULL : &why);
	if (err)
		fail(attempt, &why);
}

/* Takes the secrets over. */
static void
start_configuration(struct berth_dpp_attempt *attempt, struct berth_now now,
		    struct berth_dpp_secrets *secrets)
{
	const struct berth_dpp_kept *kept = attempt->conf->kept;
	struct berth_dpp_enrollee_conf conf = {
		.pki = attempt->conf->pki,
		.random = attempt->conf->random,
		.request = attempt->conf->request,
		.trusts_clock = attempt->conf->trusts_clock && now.wall_is_trusted,
		.now = now.wall,
		.c_sign = kept != NULL ? &kept->c_sign : NULL,
	};
	struct berth_why why = {0};

	/* whose answer it is: a relay goes by it */
	berth_random_fill(&conf.random, &conf.dialog, 1);
	if (berth_dpp_enrollee_start(&conf, secrets, now.mono, &attempt->enrollee, &why)) {
		berth_dpp_secrets_free(secrets);
		fail(attempt, &why);
	}
}

static void
start_again(struct berth_dpp_attempt *attempt, struct berth_now now)
{
	const struct berth_secret *scalar = &attempt->conf->kept->scalar;
	struct berth_dpp_secrets secrets = {0};
	struct berth_why why = {0};

	berth_dpp_reconfig_take(attempt->reconfig, &secrets);
	if (secrets.scalar.n == 0 && /* the key stays */
	    berth_secret_copy(&secrets.scalar, berth_bytes_of(scalar->p, scalar->n))) {
		berth_dpp_secrets_free(&secrets);
		berth_why_fill(&why, BERTH_E_MEMORY, "memory", NULL, 0, "out of memory");
		fail(attempt, &why);
		return;
	}
	start_configuration(attempt, now, &secrets);
}

static void
multiply_again(struct berth_dpp_attempt *attempt, const struct berth_ec_point *point)
{
	struct berth_ec_point product = {0};
	struct berth_why why = {0};
	enum berth_err err = berth_ec_multiply(attempt->conf->pki, &attempt->conf->kept->scalar,
					       point, &product, &why);

	if (berth_dpp_reconfig_product(attempt->reconfig, err, &product, &why))
		fail(attempt, &why);
}

/* True: there is an event for the shell. */
static bool
take_reconfig(struct berth_dpp_attempt *attempt, struct berth_now now,
	      struct berth_dpp_attempt_event *ret)
{
	struct berth_dpp_reconfig_event event;

	while (attempt->enrollee == NULL && !attempt->has_failed &&
	       berth_dpp_reconfig_event(attempt->reconfig, &event)) {
		switch (event.kind) {
		case BERTH_DPP_RECONFIG_MULTIPLY:
			multiply_again(attempt, &event.point);
			break;
		case BERTH_DPP_RECONFIG_SIGN: /* a configurator's */
		case BERTH_DPP_RECONFIG_KNOWN:
			break;
		case BERTH_DPP_RECONFIG_FAILED:
			fail(attempt, &event.why);
			break;
		case BERTH_DPP_RECONFIG_DONE:
			start_again(attempt, now);
			ret->kind = BERTH_DPP_ATTEMPT_AUTHENTICATED;
			return attempt->enrollee != NULL;
		}
	}
	return false;
}

static void
start_first(struct berth_dpp_attempt *attempt, struct berth_now now)
{
	struct berth_dpp_secrets secrets = {0};

	berth_dpp_auth_take(attempt->auth, &secrets);
	start_configuration(attempt, now, &secrets);
}

/* True: there is an event for the shell. */
static bool
take_auth(struct berth_dpp_attempt *attempt, struct berth_now now,
	  struct berth_dpp_attempt_event *ret)
{
	struct berth_dpp_auth_event event;

	while (attempt->auth != NULL && attempt->enrollee == NULL && !attempt->has_failed &&
	       berth_dpp_auth_event(attempt->auth, &event)) {
		switch (event.kind) {
		case BERTH_DPP_AUTH_MULTIPLY:
			multiply(attempt, now, &event.point);
			break;
		case BERTH_DPP_AUTH_PENDING:	 /* an initiator's */
		case BERTH_DPP_AUTH_PEER_WANTED: /* checked before */
			break;
		case BERTH_DPP_AUTH_FAILED:
			fail(attempt, &event.why);
			break;
		case BERTH_DPP_AUTH_DONE:
			start_first(attempt, now);
			ret->kind = BERTH_DPP_ATTEMPT_AUTHENTICATED;
			return attempt->enrollee != NULL;
		}
	}
	return false;
}

static bool
take_configuration(struct berth_dpp_attempt *attempt, struct berth_dpp_attempt_event *ret)
{
	struct berth_dpp_enrollee_event event;

	if (attempt->enrollee == NULL || attempt->has_failed ||
	    !berth_dpp_enrollee_event(attempt->enrollee, &event))
		return false;
	switch (event.kind) {
	case BERTH_DPP_OFFERED:
		ret->kind = BERTH_DPP_ATTEMPT_OFFERED;
		ret->offer = event.offer;
		return true;
	case BERTH_DPP_ENROLLED:
		ret->kind = BERTH_DPP_ATTEMPT_ENROLLED;
		return true;
	case BERTH_DPP_CSR_WANTED:
		ret->kind = BERTH_DPP_ATTEMPT_CSR_WANTED;
		ret->password = event.password;
		return true;
	case BERTH_DPP_ENROLMENT_FAILED:
		fail(attempt, &event.why);
		return false;
	}
	return false;
}

static void
multiply_pkex(struct berth_dpp_attempt *attempt, const struct berth_ec_point *point)
{
	struct berth_ec_point product = {0};
	struct berth_why why = {0};
	enum berth_err err = berth_ec_multiply_key(attempt->conf->pki, attempt->conf->key, point,
						   &product, &why);

	if (berth_dpp_pkex_answer(attempt->pkex, err, &product, &why))
		fail(attempt, &why);
}

/* Who asked for PKEX asks for the authentication, too (DPP 5.6.4). */
static void
go_on(struct berth_dpp_attempt *attempt, struct berth_now now)
{
	struct berth_why why = {0};

	attempt->learnt = *berth_dpp_pkex_peer(attempt->pkex);
	attempt->has_learnt = true;
	attempt->learnt_until = berth_mono_after_ms(now.mono, BERTH_DPP_AUTH_TIMEOUT_MS);
	if (!attempt->pkex_is_ours)
		return;
	const struct berth_dpp_auth_conf conf = auth_conf(attempt);
	if (berth_dpp_auth_initiate(&conf, now.mono, &attempt->auth, &why))
		fail(attempt, &why);
}

static void
take_pkex(struct berth_dpp_attempt *attempt, struct berth_now now)
{
	struct berth_dpp_pkex_event event;

	while (attempt->pkex != NULL && !attempt->has_failed &&
	       berth_dpp_pkex_event(attempt->pkex, &event)) {
		switch (event.kind) {
		case BERTH_DPP_PKEX_MULTIPLY:
			multiply_pkex(attempt, &event.point);
			break;
		case BERTH_DPP_PKEX_DONE:
			go_on(attempt, now);
			break;
		case BERTH_DPP_PKEX_FAILED:
			fail(attempt, &event.why);
			break;
		}
	}
}

bool
berth_dpp_attempt_event(struct berth_dpp_attempt *attempt, struct berth_now now,
			struct berth_dpp_attempt_event *ret)
{
	*ret = (struct berth_dpp_attempt_event){0};
	take_pkex(attempt, now);
	if ((attempt->reconfig != NULL ? take_reconfig(attempt, now, ret)
				       : take_auth(attempt, now, ret)) ||
	    take_configuration(attempt, ret))
		return true;
	if (!attempt->has_failed || attempt->why.rule == NULL)
		return false;
	ret->kind = BERTH_DPP_ATTEMPT_FAILED;
	ret->why = attempt->why;
	attempt->why.rule = NULL; /* told once */
	return true;
}

bool
berth_dpp_attempt_output(struct berth_dpp_attempt *attempt, struct berth_bytes *body)
{
	if ((attempt->pkex != NULL && berth_dpp_pkex_output(attempt->pkex, body)) ||
	    (attempt->reconfig != NULL && berth_dpp_reconfig_output(attempt->reconfig, body)) ||
	    (attempt->auth != NULL && berth_dpp_auth_output(attempt->auth, body)))
		return true;
	return attempt->enrollee != NULL && berth_dpp_enrollee_output(attempt->enrollee, body);
}

enum berth_err
berth_dpp_attempt_csr(struct berth_dpp_attempt *attempt, struct berth_now now,
		      struct berth_bytes csr, struct berth_why *why)
{
	return berth_dpp_enrollee_csr(attempt->enrollee, now.mono, csr, why);
}

enum berth_err
berth_dpp_attempt_decide(struct berth_dpp_attempt *attempt, struct berth_now now, bool is_accepted,
			 struct berth_why *why)
{
	return berth_dpp_enrollee_decide(attempt->enrollee, now.mono, is_accepted, why);
}
