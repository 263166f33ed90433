/* SPDX-License-Identifier: BSD-2-Clause */
/* The registrar's side: the project's own machines, every question answered with yes from memory. */
#include "role/mean/mean.h"

#include <stdlib.h>

#include "protocol/brski/rvr.h"
#include "protocol/est/client.h"
#include "system/clock.h"

#define ARENA_BYTES ((size_t)512 << 10)
#define BACKDATE_S 300
#define LIFETIME_S ((int64_t)90 * 86400)

struct work {
	struct berth_mean *mean;
	const struct berth_tls_facts *tls;
	struct berth_mean_device *device; /* NULL: who asks has no serial number */
	struct berth_peer peer;
	struct berth_arena arena;
};

/* ---- BRSKI ---- */

static enum berth_registrar_event
serve_rvr(struct work *work, struct berth_registrar *x)
{
	struct berth_mean *mean = work->mean;
	struct berth_voucher rvr;
	BERTH_BUF der = {0};
	struct berth_why why = {0};
	enum berth_err err = berth_rvr_check(berth_buf_view(&x->rvr_json), false,
					     berth_clock_wall(), &work->arena, &rvr, &why);
	const struct berth_cms_fields how = {
		.content_type = BERTH_CMS_ANIMA_VOUCHER,
		.key = mean->tls_key,
		.signer = mean->tls_chain.at[0],
		.others = &mean->tls_above,
		.signing_time = berth_clock_wall(),
	};
	if (!err)
		err = berth_voucher_sign(mean->pki, &rvr, &how, &der, &why);
	return err ? berth_registrar_fail(x, &why)
		   : berth_registrar_answer_rvr(x, berth_buf_view(&der));
}

/* The MASA is in the next room. */
static enum berth_registrar_event
serve_masa(struct work *work, struct berth_registrar *x, enum berth_masa_operation operation)
{
	struct berth_mean_reply reply = {0};
	const struct berth_http_request http = {.method = BERTH_HTTP_POST,
						.media_type = BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS),
						.body = x->masa_body};
	const struct berth_tls_facts tls = {.version = 0x0304};
	berth_mean_masa(work->mean, operation, &http, &tls, &reply);
	enum berth_registrar_event event =
		berth_registrar_answer_masa(x, &reply.response, &(struct berth_why){0});
	berth_buf_free(&reply.body);
	return event;
}

static bool
keep(struct berth_buf *at, struct berth_bytes bytes)
{
	berth_buf_clear(at);
	return berth_buf_append_bytes(at, bytes) == BERTH_OK;
}

static enum berth_registrar_event
serve_decision(struct work *work, struct berth_registrar *x)
{
	struct berth_registrar_answer answer = {0};
	struct berth_mean_device *device = work->device;
	if (device->voucher.n > 0 &&
	    memcmp(device->pvr_digest, x->pvr_digest, sizeof(x->pvr_digest)) == 0)
		answer.earlier_voucher = berth_buf_view(&device->voucher);
	berth_decision_set(&x->decision, BERTH_OUTCOME_ALLOW);
	return berth_registrar_answer_decision(x, &answer);
}

static enum berth_registrar_event
serve_record(struct work *work, struct berth_registrar *x)
{
	struct berth_mean_device *device = work->device;
	struct berth_why why = {0};
	/* A new onboarding: what it had counts no more. */
	device->waits = 0;
	device->is_permitted = false;
	berth_buf_clear(&device->certificate);
	if (keep(&device->rvr, x->rvr_der) && keep(&device->voucher, x->voucher_der)) {
		memcpy(device->pvr_digest, x->pvr_digest, sizeof(device->pvr_digest));
		return berth_registrar_answer_record(x);
	}
	berth_ignore(berth_fail(&why, BERTH_E_MEMORY, "memory", NULL, "out of memory"),
		     "it is told");
	return berth_registrar_fail(x, &why);
}

static enum berth_registrar_event
serve_device(struct work *work, struct berth_registrar *x)
{
	const struct berth_mean_device *device = work->device;
	const struct berth_registrar_record record = {
		.is_known = device->voucher.n > 0,
		.has_voucher = device->voucher.n > 0,
		.rvr = berth_buf_view(&device->rvr),
		.certificate = berth_buf_view(&device->certificate),
		.audit_is_due = !device->is_permitted,
	};
	return berth_registrar_answer_device(x, &record);
}

static enum berth_registrar_event
serve_verdict(struct work *work, struct berth_registrar *x)
{
	work->device->is_permitted = true;
	berth_decision_set(&x->decision, BERTH_OUTCOME_ALLOW);
	return berth_registrar_answer_audit(x);
}

static enum berth_registrar_event
serve(struct work *work, struct berth_registrar *x, enum berth_registrar_event event)
{
	switch (event) {
	case BERTH_REGISTRAR_NEED_DECISION:
		return serve_decision(work, x);
	case BERTH_REGISTRAR_NEED_RVR:
		return serve_rvr(work, x);
	case BERTH_REGISTRAR_NEED_VOUCHER:
		return serve_masa(work, x, BERTH_MASA_REQUEST_VOUCHER);
	case BERTH_REGISTRAR_NEED_RECORD:
		return serve_record(work, x);
	case BERTH_REGISTRAR_NEED_DEVICE:
		return serve_device(work, x);
	case BERTH_REGISTRAR_NEED_AUDIT_LOG:
		return serve_masa(work, x, BERTH_MASA_REQUEST_AUDIT_LOG);
	case BERTH_REGISTRAR_NEED_AUDIT_VERDICT:
		return serve_verdict(work, x);
	case BERTH_REGISTRAR_NEED_INPUT:
	case BERTH_REGISTRAR_END:
		break;
	}
	return BERTH_REGISTRAR_END;
}

static void
serve_brski(struct work *work, enum berth_registrar_operation operation,
	    const struct berth_http_request *http, struct berth_mean_reply *reply)
{
	BERTH_REGISTRAR x = {0};
	berth_registrar_start(&x, &work->mean->registrar, operation, &work->peer,
			      berth_clock_now());
	enum berth_registrar_event event = berth_registrar_input(&x, http);
	while (event != BERTH_REGISTRAR_END)
		event = serve(work, &x, event);
	if (operation == BERTH_REGISTRAR_ENROLL_STATUS && x.response.status == 200 &&
	    x.telemetry.status)
		work->mean->counts.enrolled++;
	berth_mean_take(reply, &x.response);
}

/* ---- EST ---- */

static enum berth_est_event
serve_permission(struct work *work, struct berth_est *x)
{
	struct berth_est_permission answer = {.retry_after_s = -1};
	struct berth_mean_device *device = work->device;
	bool is_renewal = x->client == BERTH_EST_CLIENT_RENEWAL;
	if (device == NULL || (!is_renewal && !device->is_permitted))
		berth_ignore(berth_fail(&answer.why, BERTH_E_DENIED, "rfc8995-5.9-no-permission",
					"RFC 8995 5.9", "the voucher step has not passed"),
			     "it is told");
	else if (device->certificate.n > 0 && !is_renewal &&
		 memcmp(device->key_digest, x->key_digest, sizeof(x->key_digest)) == 0)
		answer.certificate = berth_buf_view(&device->certificate);
	return berth_est_answer_permission(x, &answer);
}

static enum berth_err
find_names(struct work *work, const struct berth_est *x, struct berth_est_names *names,
	   struct berth_why *why)
{
	if (x->client == BERTH_EST_CLIENT_RENEWAL)
		return berth_est_names_of_certificate(berth_peer_cert(&work->peer), names, why);
	return berth_est_names_of_device(
		work->mean->pki, berth_peer_issuer(&work->peer), work->peer.serial_number,
		berth_cert_subject_organization(work->mean->issuing.at[0]), names, why);
}

static enum berth_err
issue(struct work *work, struct berth_est *x, struct berth_buf *der, struct berth_why *why)
{
	struct berth_mean *mean = work->mean;
	struct berth_est_names names;
	struct berth_bytes dns_names[BERTH_EST_NAMES_MAX];
	struct berth_random random = berth_pki_random(mean->pki);
	struct berth_wall now = berth_clock_wall();
	enum berth_err err = find_names(work, x, &names, why);
	struct berth_cert_template what = {
		.profile = BERTH_PROFILE_LDEVID,
		.not_before = {now.s - BACKDATE_S},
		.not_after = {now.s + LIFETIME_S},
		.key = berth_request_key(x->request),
	};
	if (err)
		return err;
	berth_random_fill(&random, what.serial, sizeof(what.serial));
	what.serial[0] = (uint8_t)((what.serial[0] & 0x7f) | 0x40);
	berth_est_names_put(&names, x->request, dns_names, &what);
	return berth_issue(mean->pki, &what, mean->issuing.at[0], mean->issuing_key, der, why);
}

static enum berth_est_event
serve_certificate(struct work *work, struct berth_est *x)
{
	BERTH_BUF der = {0};
	struct berth_why why = {0};
	struct berth_mean_device *device = work->device;
	if (device == NULL || issue(work, x, &der, &why) ||
	    !keep(&device->certificate, berth_buf_view(&der)))
		return berth_est_fail(x, &why);
	memcpy(device->key_digest, x->key_digest, sizeof(device->key_digest));
	return berth_est_answer_certificate(x, berth_buf_view(&der));
}

static void
serve_est(struct work *work, enum berth_est_operation operation,
	  const struct berth_http_request *http, struct berth_mean_reply *reply)
{
	struct berth_mean *mean = work->mean;
	BERTH_EST x;
	berth_est_start(&x, &mean->est, &mean->est_profile, operation, &work->peer, NULL);
	enum berth_est_event event = berth_est_input(&x, http);
	while (event == BERTH_EST_NEED_PERMISSION || event == BERTH_EST_NEED_CERTIFICATE)
		event = event == BERTH_EST_NEED_PERMISSION ? serve_permission(work, &x)
							   : serve_certificate(work, &x);
	berth_mean_take(reply, &x.response);
	bool is_odd = berth_mean_throws(mean, mean->settings->odd_percent);
	if (x.response.status == 200 && is_odd)
		berth_mean_rare_base64(mean, &reply->body);
	if (operation == BERTH_EST_CSRATTRS && is_odd && berth_mean_throws(mean, 50)) {
		/* RFC 7030 4.5.2: nothing to say is 204, or 404. */
		berth_buf_clear(&reply->body);
		reply->response = (struct berth_http_response){
			.status = berth_mean_throws(mean, 50) ? 204 : 404, .retry_after_s = -1};
	}
	reply->response.body = berth_buf_view(&reply->body);
}

/* ---- one request ---- */

static const struct {
	const char *path;
	enum berth_registrar_operation operation;
} brski[] = {
	{BERTH_BRSKI_REQUESTVOUCHER_PATH, BERTH_REGISTRAR_REQUEST_VOUCHER},
	{BERTH_BRSKI_VOUCHER_STATUS_PATH, BERTH_REGISTRAR_VOUCHER_STATUS},
	{BERTH_BRSKI_ENROLLSTATUS_PATH, BERTH_REGISTRAR_ENROLL_STATUS},
};

static bool
route(struct work *work, const struct berth_http_request *http, struct berth_mean_reply *reply)
{
	struct berth_bytes label;
	enum berth_est_operation operation;
	for (size_t i = 0; i < sizeof(brski) / sizeof(brski[0]); i++) {
		if (!berth_bytes_equal_text(http->path, brski[i].path))
			continue;
		if (work->device != NULL)
			serve_brski(work, brski[i].operation, http, reply);
		return work->device != NULL;
	}
	bool is_for_all = false;
	if (!berth_est_route(http->path, &label, &operation) || label.n > 0)
		return false;
	is_for_all = operation == BERTH_EST_CACERTS || operation == BERTH_EST_CSRATTRS;
	if (work->device == NULL && !is_for_all)
		return false;
	serve_est(work, operation, http, reply);
	return true;
}

void
berth_mean_registrar(struct berth_mean *mean, const struct berth_http_request *http,
		     const struct berth_tls_facts *tls, struct berth_mean_reply *reply)
{
	static const struct berth_http_response not_found = {
		.status = 404,
		.media_type = BERTH_LIT_INIT("text/plain"),
		.retry_after_s = -1,
		.body = BERTH_LIT_INIT("there is no such resource here\n"),
	};
	struct work work = {.mean = mean, .tls = tls};
	struct berth_why why = {0};
	berth_arena_start(&work.arena, ARENA_BYTES);
	if (berth_peer_identify(mean->pki, &mean->trust, tls, berth_clock_wall(), &work.peer, &why))
		berth_mean_take(reply, &(struct berth_http_response){.status = 503});
	else {
		work.device = berth_mean_device(mean, work.peer.serial_number);
		reply->device = work.device;
		if (!route(&work, http, reply))
			berth_mean_take(reply, &not_found);
	}
	berth_peer_free(&work.peer);
	berth_arena_end(&work.arena);
}
