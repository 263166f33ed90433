/* SPDX-License-Identifier: BSD-2-Clause */
/* The MASA's side: every device of the maker is known and belongs to who asks; vouchers are told in rare ways. */
#include "role/mean/mean.h"

#include "system/clock.h"

static enum berth_masa_event
serve_unit(struct berth_masa *masa, struct berth_mean_device **ret, struct berth_mean *mean)
{
	const struct berth_masa_unit_facts facts = {.is_known = true,
						    .has_owner = true,
						    .owner_is_asker = true,
						    .asker_was_owner = true};
	*ret = berth_mean_device(mean, masa->unit_query.serial_number);
	if (*ret != NULL)
		return berth_masa_answer_unit(masa, &facts);
	struct berth_why why = {0};
	berth_ignore(berth_fail(&why, BERTH_E_LIMIT, "mean-devices", NULL,
				"more than %d devices in one run", BERTH_MEAN_DEVICES_MAX),
		     "it is told");
	return berth_masa_fail(masa, &why);
}

/* Signed as a MASA may: odd ones with any of both content types, and their JSON in any form. */
static enum berth_err
sign(struct berth_mean *mean, const struct berth_masa *masa, bool is_odd, struct berth_buf *der,
     struct berth_why *why)
{
	BERTH_BUF json = {0};
	if (berth_buf_append_bytes(&json, masa->issue.voucher_json))
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	if (is_odd)
		berth_mean_rare_json(mean, &json);
	const struct berth_cms_fields how = {
		.content_type = is_odd && berth_mean_throws(mean, 50) ? BERTH_CMS_DATA
								      : BERTH_CMS_ANIMA_VOUCHER,
		.content = berth_buf_view(&json),
		.key = mean->signer_key,
		.signer = mean->signer.at[0],
		.others = &mean->signer_above,
		.signing_time = berth_clock_wall(),
		.omit_signing_time = is_odd && berth_mean_throws(mean, 30),
	};
	return berth_cms_sign(mean->pki, &how, der, why);
}

static enum berth_masa_event
serve_signature(struct berth_mean *mean, struct berth_masa *masa)
{
	BERTH_BUF der = {0};
	struct berth_why why = {0};
	if (sign(mean, masa, false, &der, &why))
		return berth_masa_fail(masa, &why);
	return berth_masa_answer_signature(masa, berth_buf_view(&der));
}

/* As many entries as vouchers went to this domain: all of them ours. */
static enum berth_masa_event
serve_log(struct berth_masa *masa, const struct berth_mean_device *device)
{
	struct berth_audit_event event = {
		.date = berth_clock_wall(),
		.domain_id = berth_bytes_of(masa->issue.domain_id, masa->issue.domain_id_length),
		.assertion = BERTH_ASSERTION_LOGGED,
		.nonce = BERTH_LIT("bm9uY2U="),
		.truncated = device != NULL ? device->log_entries : 0,
	};
	const struct berth_audit_log log = {.events = &event, .event_count = 1};
	return berth_masa_answer_audit_log(masa, &log);
}

void
berth_mean_masa(struct berth_mean *mean, enum berth_masa_operation operation,
		const struct berth_http_request *http, const struct berth_tls_facts *tls,
		struct berth_mean_reply *reply)
{
	BERTH_MASA masa = {0};
	struct berth_mean_device *device = NULL;
	const struct berth_masa_intent_facts fresh = {0};
	berth_masa_start(&masa, mean->pki, &mean->masa_policy, operation, berth_clock_now());
	enum berth_masa_event event = berth_masa_input(&masa, http, tls);
	while (event != BERTH_MASA_END && event != BERTH_MASA_NEED_REQUEST) {
		switch (event) {
		case BERTH_MASA_NEED_UNIT:
			event = serve_unit(&masa, &device, mean);
			break;
		case BERTH_MASA_NEED_REVOCATION: /* it asks nobody */
			event = berth_masa_answer_revocation(&masa, BERTH_BYTES_NONE, NULL);
			break;
		case BERTH_MASA_NEED_INTENT:
			event = berth_masa_answer_intent(&masa, &fresh);
			break;
		case BERTH_MASA_NEED_SIGNATURE:
			event = serve_signature(mean, &masa);
			break;
		case BERTH_MASA_NEED_RECORD:
			if (device != NULL)
				device->log_entries++;
			event = berth_masa_answer_record(&masa);
			break;
		case BERTH_MASA_NEED_AUDIT_LOG:
			event = serve_log(&masa, device);
			break;
		case BERTH_MASA_NEED_REQUEST:
		case BERTH_MASA_END:
			break;
		}
	}
	BERTH_BUF odd = {0};
	struct berth_why why = {0};
	/* The machine knows what it decided and takes nothing else from its signer; so the odd one comes after it. */
	if (masa.response.status == 200 && operation == BERTH_MASA_REQUEST_VOUCHER &&
	    berth_mean_throws(mean, mean->settings->odd_percent) &&
	    sign(mean, &masa, true, &odd, &why) == BERTH_OK)
		masa.response.body = berth_buf_view(&odd);
	berth_mean_take(reply, &masa.response);
}
