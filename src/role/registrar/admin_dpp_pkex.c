/* SPDX-License-Identifier: BSD-2-Clause */
/* The window for one code of PKEX, as operators see it. */
#include "role/registrar/admin.h"
#include "role/registrar/dpp.h"

#include <stdio.h>

#define WINDOW_MAX_S 3600
#define SUBJECT "network" /* what the audit log says it was about */

static enum berth_err
need_dpp(struct berth_admin_call *call)
{
	if (call->role->dpp == NULL)
		return berth_fail(&call->why, BERTH_E_UNSUPPORTED, "dpp-off", NULL,
				  "this registrar has no [dpp] section: berth dpp init");
	berth_dpp_pkex_window_tick(call->role);
	return BERTH_OK;
}

static const char *
state_name(enum berth_dpp_pkex_window_state state)
{
	switch (state) {
	case BERTH_DPP_PKEX_NEVER:
		return "never";
	case BERTH_DPP_PKEX_OPEN:
		return "open";
	case BERTH_DPP_PKEX_USED:
		return "used";
	case BERTH_DPP_PKEX_SPENT:
		return "spent";
	case BERTH_DPP_PKEX_OVER:
		return "over";
	case BERTH_DPP_PKEX_CLOSED:
		break;
	}
	return "closed";
}

static enum berth_err
show(struct berth_admin_call *call)
{
	const struct berth_dpp_pkex_window *window = &call->role->dpp->pkex;
	const int64_t left = window->until.ms - berth_judge_now(call->role->judge).mono.ms;

	enum berth_err err =
		berth_json_set_text(call->reply, "state", berth_text(state_name(window->state)));
	if (!err && window->state != BERTH_DPP_PKEX_NEVER) {
		err = berth_json_set_text(call->reply, "by", berth_text(window->opened_by));
		err = err ? err : berth_json_set_i64(call->reply, "guesses", window->guesses);
	}
	if (!err && window->state == BERTH_DPP_PKEX_OPEN)
		err = berth_json_set_i64(call->reply, "seconds-left", (left + 999) / 1000);
	if (!err && window->state == BERTH_DPP_PKEX_USED)
		err = berth_json_set_text(call->reply, "device", berth_text(window->device));
	return berth_admin_built(call, err);
}

enum berth_err
berth_admin_dpp_pkex(struct berth_admin_call *call)
{
	enum berth_err err = need_dpp(call);

	return err ? err : show(call);
}

struct opening {
	int64_t seconds;
	struct berth_bytes code, identifier, serial_number, model;
};

static enum berth_err
read_body(const json_t *root, struct opening *ret, struct berth_why *why)
{
	static const char *const keys[] = {"seconds", "code", "identifier", "serial-number",
					   "model"};
	enum berth_err err = berth_json_only_keys(root, keys, 5, why);

	err = err ? err
		  : berth_json_get_i64(root, "seconds", BERTH_JSON_REQUIRED, 1, WINDOW_MAX_S,
				       &ret->seconds, why);
	err = err ? err : berth_json_get_text(root, "code", BERTH_JSON_REQUIRED, &ret->code, why);
	err = err ? err
		  : berth_json_get_text(root, "identifier", BERTH_JSON_OPTIONAL, &ret->identifier,
					why);
	err = err ? err
		  : berth_json_get_text(root, "serial-number", BERTH_JSON_OPTIONAL,
					&ret->serial_number, why);
	err = err ? err : berth_json_get_text(root, "model", BERTH_JSON_OPTIONAL, &ret->model, why);
	if (!err && (ret->model.n > BERTH_DPP_PKEX_MODEL_MAX ||
		     ret->serial_number.n > BERTH_DEVICE_SERIAL_MAX))
		err = berth_fail(why, BERTH_E_USAGE, "dpp-pkex-name", NULL,
				 "serial-number has at most %d octets, model %d",
				 BERTH_DEVICE_SERIAL_MAX, BERTH_DPP_PKEX_MODEL_MAX);
	return err ? err : berth_dpp_pkex_code_judge(ret->code, why);
}

enum berth_err
berth_admin_dpp_pkex_open(struct berth_admin_call *call)
{
	struct berth_dpp_pkex_code code = {0};
	struct opening opening = {0};
	BERTH_JSON json_t *root = NULL;
	char reason[64];

	enum berth_err err = need_dpp(call);
	err = err ? err : berth_json_parse(call->http->body, NULL, &root, &call->why);
	err = err ? err : read_body(root, &opening, &call->why);
	err = err ? err
		  : berth_dpp_pkex_code_set(&code, opening.code, opening.identifier, &call->why);
	if (err)
		return err;
	(void)snprintf(reason, sizeof(reason), "a code for %lld s", (long long)opening.seconds);
	err = berth_admin_note(call, BERTH_EVENT_PKEX, SUBJECT, reason);
	if (!err)
		berth_dpp_pkex_open(call->role, call->user, opening.seconds, &code,
				    opening.serial_number, opening.model);
	berth_dpp_pkex_code_free(&code);
	return err ? err : show(call);
}

enum berth_err
berth_admin_dpp_pkex_close(struct berth_admin_call *call)
{
	enum berth_err err = need_dpp(call);

	err = err ? err : berth_admin_note(call, BERTH_EVENT_PKEX, SUBJECT, "closed");
	if (!err)
		berth_dpp_pkex_shut(call->role, BERTH_DPP_PKEX_CLOSED, NULL);
	return err ? err : show(call);
}
